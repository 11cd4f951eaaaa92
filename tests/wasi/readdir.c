/* fd_readdir, by itself and through opendir. */
#include <dirent.h>
#include <stdlib.h>

#include "check.h"

enum { FILES = 300 };

/* Entries of one call that are whole; where to go on, and whether that was the end. */
static unsigned list(size_t size, __wasi_dircookie_t *cookie, bool *end)
{
    static uint8_t buffer[4096];
    size_t used;
    size_t at = 0;
    unsigned count = 0;
    if (__wasi_fd_readdir(ROOT, buffer, size, *cookie, &used) != 0) {
        return 0;
    }
    *end = used < size;
    while (used - at >= sizeof(__wasi_dirent_t)) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        if (used - at - sizeof entry < entry.d_namlen) {
            break;
        }
        *cookie = entry.d_next;
        at += sizeof entry + entry.d_namlen;
        count++;
    }
    return count;
}

int main(void)
{
    char name[32];
    unsigned made = 0;
    unsigned total = 0;
    bool end = false;
    __wasi_dircookie_t cookie = 0;
    size_t used;
    uint8_t byte;
    CHECK(list(4096, &cookie, &end) == 2 && end); /* "." and ".." */
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "entry-%u", i);
        made += touch(name) == 0;
    }
    CHECK(made == FILES);
    cookie = 0;
    while (!end || total == 0) {
        total += list(200, &cookie, &end);
    }
    CHECK(total == FILES + 2);
    /* Removing what was listed does not disturb what follows. */
    cookie = 0;
    total = list(500, &cookie, &end);
    unsigned removed = 0;
    for (unsigned i = 0; i < FILES; i += 3) {
        (void)snprintf(name, sizeof name, "entry-%u", i);
        removed += __wasi_path_unlink_file(ROOT, name) == 0;
    }
    CHECK(removed == FILES / 3);
    while (!end) {
        total += list(500, &cookie, &end);
    }
    CHECK(total == FILES + 2);
    unsigned seen = 0;
    unsigned others = 0;
    DIR *dir = opendir("/");
    CHECK(dir != NULL);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, "entry-", 6) == 0) {
            seen += entry->d_type == DT_REG && atoi(entry->d_name + 6) % 3 != 0;
        } else {
            others++;
        }
    }
    CHECK(seen == FILES - FILES / 3);
    CHECK(others == 2);
    rewinddir(dir);
    CHECK(readdir(dir) != NULL);
    CHECK(closedir(dir) == 0);
    GIVES(__wasi_fd_readdir(ROOT, (uint8_t *)0xfffffff0u, 100, 0, &used), FAULT);
    GIVES(__wasi_fd_readdir(ROOT, &byte, 1, 0, (size_t *)0xfffffffeu), FAULT);
    GIVES(__wasi_fd_readdir(1, &byte, 1, 0, &used), NOTDIR);
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "entry-%u", i);
        removed += __wasi_path_unlink_file(ROOT, name) == 0;
    }
    CHECK(removed == FILES);
    return finish();
}
