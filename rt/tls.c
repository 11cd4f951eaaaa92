/* tls.c - copies of images, a table of them for each thread.
 *
 * Images have numbers, the smallest that are free, and each thread's table has its copies by them. The thread alone reads its
 * table and makes it longer; whoever removes an image takes its copy out of every table. So all that changes tables or
 * their list is done under one lock, and the thread looks for its own copy without: nobody else writes that entry
 * while it may ask for it, since an image is only removed when it is no longer used.
 *
 * Like the registry of code, this is the process's: a thread that ends knows no module.
 */
#include "rt/tls.h"

#include <stdlib.h>

#include "base/threads.h"

typedef struct Copy {
    void *memory; /* as malloc gave it */
    u8 *bytes;    /* aligned; NULL: none yet */
} Copy;

typedef struct ThreadCopies {
    struct ThreadCopies *next, *prev;
    Copy *copies; /* by number of the image */
    u32 count;
} ThreadCopies;

static struct {
    Mutex lock;
    bool has_slot;
    ThreadSlot slot; /* the thread's ThreadCopies */
    ThreadCopies *threads;
    TlsImage *images; /* their numbers rise */
} tls = {.lock = MUTEX_INIT};

/* ---- images ---- */

static void on_thread_end(void *value)
{
    ThreadCopies *thread = value;
    dv_mutex_lock(&tls.lock);
    if (thread->prev != NULL) {
        thread->prev->next = thread->next;
    } else {
        tls.threads = thread->next;
    }
    if (thread->next != NULL) {
        thread->next->prev = thread->prev;
    }
    dv_mutex_unlock(&tls.lock);
    for (u32 i = 0; i < thread->count; i++) {
        free(thread->copies[i].memory);
    }
    free(thread->copies);
    free(thread);
}

bool dv_tls_add(TlsImage *image)
{
    dv_mutex_lock(&tls.lock);
    tls.has_slot = tls.has_slot || dv_thread_slot_init(&tls.slot, on_thread_end);
    bool ok = tls.has_slot;
    TlsImage **place = &tls.images;
    for (image->number = 0; *place != NULL && (*place)->number == image->number; image->number++) {
        place = &(*place)->next;
    }
    if (ok) {
        image->next = *place;
        *place = image;
    }
    dv_mutex_unlock(&tls.lock);
    return ok;
}

void dv_tls_remove(TlsImage *image)
{
    dv_mutex_lock(&tls.lock);
    TlsImage **place = &tls.images;
    while (*place != image) {
        place = &(*place)->next;
    }
    *place = image->next;
    for (ThreadCopies *thread = tls.threads; thread != NULL; thread = thread->next) {
        if (image->number < thread->count) {
            free(thread->copies[image->number].memory);
            thread->copies[image->number] = (Copy){NULL, NULL};
        }
    }
    dv_mutex_unlock(&tls.lock);
}

/* ---- copies ---- */

static ThreadCopies *make_thread(void)
{
    ThreadCopies *thread = calloc(1, sizeof *thread);
    CHECK(thread != NULL && dv_thread_slot_set(&tls.slot, thread));
    dv_mutex_lock(&tls.lock);
    thread->next = tls.threads;
    if (thread->next != NULL) {
        thread->next->prev = thread;
    }
    tls.threads = thread;
    dv_mutex_unlock(&tls.lock);
    return thread;
}

static void make_longer(ThreadCopies *thread, u32 count)
{
    enum { AT_ONCE = 8 };
    count = count + AT_ONCE;
    dv_mutex_lock(&tls.lock);
    Copy *copies = realloc(thread->copies, count * sizeof *copies);
    CHECK(copies != NULL);
    memset(copies + thread->count, 0, (count - thread->count) * sizeof *copies);
    thread->copies = copies;
    thread->count = count;
    dv_mutex_unlock(&tls.lock);
}

static void make_copy(Copy *copy, const TlsImage *image)
{
    usize mask = image->align_bytes - 1;
    CHECK(image->size_bytes <= SIZE_MAX - mask - 1);
    copy->memory = malloc(image->size_bytes + mask + 1);
    CHECK(copy->memory != NULL);
    copy->bytes = (u8 *)(((uintptr_t)copy->memory + mask) & ~(uintptr_t)mask);
    memcpy(copy->bytes, image->bytes, image->size_bytes);
}

void *dv_tls_address(const TlsPlace *place)
{
    const TlsImage *image = (const TlsImage *)(uintptr_t)place->image;
    ThreadCopies *thread = dv_thread_slot_get(&tls.slot);
    if (DV_UNLIKELY(thread == NULL)) {
        thread = make_thread();
    }
    if (DV_UNLIKELY(image->number >= thread->count)) {
        make_longer(thread, image->number);
    }
    Copy *copy = &thread->copies[image->number];
    if (DV_UNLIKELY(copy->bytes == NULL)) {
        make_copy(copy, image);
    }
    return copy->bytes + (usize)place->offset;
}
