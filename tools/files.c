/* files.c - walks folders with a list of those still to read, so that depth costs no stack. Links
 * to folders are not followed, so there are no cycles. */
#if defined(__unix__) || defined(__APPLE__)
#define _POSIX_C_SOURCE 200809L
#define DV_HAVE_FOLDERS 1
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define DV_HAVE_FOLDERS 0
#endif

#include "tools/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool dv_files_has_terminal(void)
{
#if DV_HAVE_FOLDERS
    return isatty(STDERR_FILENO) == 1;
#else
    return false;
#endif
}

bool dv_files_same(const char *a, const char *b)
{
#if DV_HAVE_FOLDERS
    struct stat is_a, is_b;
    return stat(a, &is_a) == 0 && stat(b, &is_b) == 0 && S_ISREG(is_a.st_mode) &&
           is_a.st_dev == is_b.st_dev && is_a.st_ino == is_b.st_ino;
#else
    return strcmp(a, b) == 0;
#endif
}

#if DV_HAVE_FOLDERS

static bool ends_in(const char *name, const char *suffix)
{
    usize n = strlen(name), s = strlen(suffix);
    return n >= s && strcmp(name + n - s, suffix) == 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool read_folder(Arena *arena, const char *path, const char *suffix, FileList *folders,
                        FileList *out)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        const char *slash = ends_in(path, "/") ? "" : "/";
        const char *full = dv_arena_printf(arena, "%s%s%s", path, slash, entry->d_name);
        struct stat info;
        if (lstat(full, &info) != 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode)) {
            vec_push(arena, folders, full);
        } else if (ends_in(full, suffix)) {
            vec_push(arena, out, full);
        }
    }
    closedir(folder);
    return true;
}

bool dv_files_collect(Arena *arena, const char *path, const char *suffix, FileList *out,
                      const char **error)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        *error = dv_arena_printf(arena, "%s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        vec_push(arena, out, path);
        return true;
    }
    FileList folders = {0};
    u32 first = out->len;
    vec_push(arena, &folders, path);
    for (u32 i = 0; i < folders.len; i++) {
        if (!read_folder(arena, folders.data[i], suffix, &folders, out)) {
            *error = dv_arena_printf(arena, "%s: %s", folders.data[i], strerror(errno));
            return false;
        }
    }
    if (out->len != first) {
        qsort(out->data + first, out->len - first, sizeof *out->data, compare_paths);
    }
    return true;
}

#else

bool dv_files_collect(Arena *arena, const char *path, const char *suffix, FileList *out,
                      const char **error)
{
    (void)suffix;
    (void)error;
    vec_push(arena, out, path);
    return true;
}

#endif
