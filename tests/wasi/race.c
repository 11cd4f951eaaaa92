/* Opens files for two seconds, while somebody outside swaps the directory "swap" with a link to ../outside. What is
 * read must be "inside", never "secret". */
#include "check.h"

int main(void)
{
    static const char *const paths[] = {"swap/secret", "dir/../swap/secret", "link/secret"};
    const __wasi_lookupflags_t follow = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW;
    __wasi_timestamp_t start;
    __wasi_timestamp_t now;
    unsigned tries = 0;
    unsigned inside = 0;
    unsigned outside = 0;
    GIVES(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &start), SUCCESS);
    do {
        __wasi_fd_t fd;
        char text[256];
        const char *path = paths[tries++ % 3];
        if (open_at(ROOT, path, follow, 0, __WASI_RIGHTS_FD_READ, &fd) == 0) {
            if (read_text(fd, text) == 0 && strcmp(text, "inside") == 0) {
                inside++;
            } else {
                outside++;
            }
            (void)!__wasi_fd_close(fd);
        }
        (void)!__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &now);
    } while (now - start < 2000000000u);
    CHECK(inside > 0);
    CHECK(outside == 0);
    return finish();
}
