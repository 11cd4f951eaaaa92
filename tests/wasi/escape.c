/* Ways out of the preopened directory, all of which must be closed. Each leads into the scratch directory that
 * tests/wasi/run made, to things made to be lost: an engine that leaks must not let this program remove what is
 * not the test's.
 *
 * The preopened directory holds, made from outside: a directory "dir", and symbolic links "absolute" (to
 * "outside", by its whole path), "up" (to ..), "far" (to ../outside), "secret-link" (to ../outside/secret),
 * "dir/via" (to ../up); beside the directory lies "outside" with a file "secret". The argument is the whole
 * path of "outside". */
#include "check.h"

static const char *const paths[] = {
    "../outside/secret",
    "dir/../../outside/secret",
    "./../outside/secret",
    "..//outside/secret",
    "absolute/secret",
    "absolute/new",
    "absolute/",
    "up/outside/secret",
    "up/",
    "far/secret",
    "far/new",
    "dir/via/outside/secret",
};

/* Every function that takes a path says EPERM. */
static void check_path(const char *path)
{
    const __wasi_lookupflags_t follow = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW;
    __wasi_fd_t fd;
    __wasi_filestat_t stat;
    size_t used;
    uint8_t text[64];
    bool slash = path[strlen(path) - 1] == '/';
    printf("path '%s'\n", path);
    GIVES(open_at(ROOT, path, 0, 0, 0, &fd), PERM);
    GIVES(open_at(ROOT, path, follow, 0, __WASI_RIGHTS_FD_READ, &fd), PERM);
    GIVES(__wasi_path_filestat_get(ROOT, follow, path, &stat), PERM);
    GIVES(__wasi_path_filestat_set_times(ROOT, 0, path, 0, 0, __WASI_FSTFLAGS_MTIM_NOW), PERM);
    GIVES(__wasi_path_readlink(ROOT, path, text, sizeof text, &used), PERM);
    if (slash) {
        return; /* what follows names the link, not what it leads to */
    }
    GIVES(open_at(ROOT, path, follow, __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE, &fd), PERM);
    GIVES(__wasi_path_create_directory(ROOT, path), PERM);
    GIVES(__wasi_path_remove_directory(ROOT, path), PERM);
    GIVES(__wasi_path_unlink_file(ROOT, path), PERM);
    GIVES(__wasi_path_rename(ROOT, path, ROOT, "stolen"), PERM);
    GIVES(__wasi_path_rename(ROOT, "dir", ROOT, path), PERM);
    GIVES(__wasi_path_link(ROOT, 0, path, ROOT, "stolen"), PERM);
    GIVES(__wasi_path_link(ROOT, 0, "own", ROOT, path), PERM);
    GIVES(__wasi_path_symlink("own", ROOT, path), PERM);
}

int main(int argc, char **argv)
{
    char whole[512];
    const __wasi_lookupflags_t follow = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW;
    __wasi_fd_t fd;
    __wasi_filestat_t stat;
    GIVES(touch("own"), SUCCESS);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        check_path(paths[i]);
    }
    CHECK(argc == 2 && snprintf(whole, sizeof whole, "%s/secret", argv[1]) < (int)sizeof whole);
    check_path(whole);
    GIVES(open_at(ROOT, "/", follow, 0, 0, &fd), PERM);
    GIVES(open_at(ROOT, "..", follow, 0, 0, &fd), PERM);
    static const char *const links[] = {"absolute", "up", "far", "secret-link"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        printf("link '%s'\n", links[i]);
        GIVES(open_at(ROOT, links[i], 0, 0, 0, &fd), LOOP);
        GIVES(open_at(ROOT, links[i], follow, 0, 0, &fd), PERM);
        GIVES(open_at(ROOT, links[i], follow, __WASI_OFLAGS_TRUNC, 0, &fd), PERM);
        GIVES(__wasi_path_filestat_get(ROOT, follow, links[i], &stat), PERM);
        GIVES(__wasi_path_filestat_get(ROOT, 0, links[i], &stat), SUCCESS);
    }
    /* A link of our own that leads out may be made, but not followed. */
    GIVES(__wasi_path_symlink("../outside/secret", ROOT, "mine"), SUCCESS);
    GIVES(open_at(ROOT, "mine", follow, 0, 0, &fd), PERM);
    GIVES(__wasi_path_symlink(whole, ROOT, "absolute2"), PERM);
    /* Nor does moving one about help. */
    GIVES(__wasi_path_rename(ROOT, "mine", ROOT, "dir/mine"), SUCCESS);
    GIVES(open_at(ROOT, "dir/mine", follow, 0, 0, &fd), NOENT); /* dir/../outside */
    GIVES(__wasi_path_unlink_file(ROOT, "dir/mine"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "own"), SUCCESS);
    /* From a directory below, ".." does not lead back either. */
    GIVES(__wasi_path_open(ROOT, 0, "dir", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_PATH_OPEN, 0, 0,
                           &fd),
          SUCCESS);
    GIVES(open_at(fd, "..", 0, 0, 0, &fd), PERM);
    /* Descriptors that were not given to us. */
    unsigned open_ones = 0;
    for (__wasi_fd_t i = 5; i < 2000; i++) {
        open_ones += __wasi_fd_filestat_get(i, &stat) == 0;
    }
    CHECK(open_ones == 0);
    return finish();
}
