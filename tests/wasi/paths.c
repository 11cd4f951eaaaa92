/* path_create_directory, path_filestat_*, path_link, path_open, path_readlink, path_remove_directory,
 * path_rename, path_symlink, path_unlink_file: trailing slashes, dots, links, what exists and what does not. */
#include "check.h"

static void check_open(void)
{
    __wasi_fd_t fd;
    GIVES(open_at(ROOT, "file", 0, 0, 0, &fd), NOENT);
    GIVES(touch("file"), SUCCESS);
    GIVES(open_at(ROOT, "file", 0, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, 0, &fd), EXIST);
    GIVES(open_at(ROOT, "file", 0, __WASI_OFLAGS_DIRECTORY, 0, &fd), NOTDIR);
    GIVES(open_at(ROOT, "file/", 0, 0, 0, &fd), NOTDIR);
    GIVES(open_at(ROOT, "file/.", 0, 0, 0, &fd), NOTDIR);
    GIVES(open_at(ROOT, "file", 0, 1 << 5, 0, &fd), INVAL);
    GIVES(open_at(ROOT, "", 0, 0, 0, &fd), NOENT);
    GIVES(open_at(ROOT, "\xff", 0, __WASI_OFLAGS_CREAT, 0, &fd), ILSEQ);
    GIVES(open_at(ROOT, ".", 0, __WASI_OFLAGS_DIRECTORY, 0, &fd), SUCCESS);
    GIVES(open_at(ROOT, "file", 0, 0, 0, (__wasi_fd_t *)0xfffffffeu), FAULT);
    GIVES(open_at(fd, "nothing", 0, 0, 0, &fd), NOTCAPABLE); /* it was opened without rights */
    GIVES(open_at(1, "file", 0, 0, 0, &fd), NOTDIR);
    GIVES(open_at(ROOT, "e\xcc\x81t\xc3\xa9", 0, __WASI_OFLAGS_CREAT, 0, &fd), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "e\xcc\x81t\xc3\xa9"), SUCCESS);
}

static void check_directories(void)
{
    __wasi_filestat_t stat;
    __wasi_fd_t fd;
    GIVES(__wasi_path_create_directory(ROOT, "dir"), SUCCESS);
    GIVES(__wasi_path_create_directory(ROOT, "dir"), EXIST);
    GIVES(__wasi_path_create_directory(ROOT, "dir/sub/"), SUCCESS);
    GIVES(__wasi_path_create_directory(ROOT, "no/sub"), NOENT);
    GIVES(open_at(ROOT, "dir/.//sub/../../dir/sub/../sub///./", 0, 0, 0, &fd), SUCCESS);
    GIVES(__wasi_path_filestat_get(ROOT, 0, "dir/", &stat), SUCCESS);
    CHECK(stat.filetype == __WASI_FILETYPE_DIRECTORY);
    GIVES(__wasi_path_remove_directory(ROOT, "dir"), NOTEMPTY);
    GIVES(__wasi_path_remove_directory(ROOT, "dir/sub/"), SUCCESS);
    GIVES(__wasi_path_remove_directory(ROOT, "file"), NOTDIR);
    GIVES(__wasi_path_unlink_file(ROOT, "dir"), ISDIR);
    GIVES(__wasi_path_unlink_file(ROOT, "file/"), NOTDIR);
    GIVES(__wasi_path_filestat_set_times(ROOT, 0, "dir", 0, 9000000000u, __WASI_FSTFLAGS_MTIM),
          SUCCESS);
    GIVES(__wasi_path_filestat_get(ROOT, 0, "dir", &stat), SUCCESS);
    CHECK(stat.mtim == 9000000000u);
    GIVES(__wasi_path_filestat_set_times(ROOT, 0, "dir", 0, 0, 1 << 6), INVAL);
}

static void check_names(void)
{
    __wasi_filestat_t stat;
    GIVES(__wasi_path_link(ROOT, 0, "file", ROOT, "dir/link"), SUCCESS);
    GIVES(__wasi_path_filestat_get(ROOT, 0, "dir/link", &stat), SUCCESS);
    CHECK(stat.nlink == 2);
    GIVES(__wasi_path_link(ROOT, 0, "file", ROOT, "dir/link"), EXIST);
    GIVES(__wasi_path_link(ROOT, 0, "dir", ROOT, "new"), PERM);
    GIVES(__wasi_path_link(ROOT, 0, "file", ROOT, "new/"), NOENT);
    GIVES(__wasi_path_rename(ROOT, "dir/link", ROOT, "moved"), SUCCESS);
    GIVES(__wasi_path_rename(ROOT, "dir/link", ROOT, "moved"), NOENT);
    GIVES(__wasi_path_rename(ROOT, "moved", ROOT, "new/"), NOTDIR);
    GIVES(__wasi_path_rename(ROOT, "moved", ROOT, "dir"), ISDIR);
    GIVES(__wasi_path_rename(ROOT, "dir", ROOT, "moved"), NOTDIR);
    GIVES(__wasi_path_rename(ROOT, "dir/", ROOT, "renamed/"), SUCCESS);
    GIVES(__wasi_path_rename(ROOT, "renamed", ROOT, "dir"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "moved"), SUCCESS);
}

static void check_links(void)
{
    __wasi_filestat_t stat;
    __wasi_fd_t fd;
    size_t used;
    char text[64] = "";
    const __wasi_lookupflags_t follow = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW;
    GIVES(__wasi_path_symlink("target", ROOT, "link"), SUCCESS);
    GIVES(__wasi_path_symlink("target", ROOT, "link"), EXIST);
    GIVES(__wasi_path_symlink("target", ROOT, "new/"), NOENT);
    GIVES(__wasi_path_symlink("/target", ROOT, "new"), PERM);
    GIVES(__wasi_path_readlink(ROOT, "link", (uint8_t *)text, sizeof text, &used), SUCCESS);
    CHECK(used == 6 && strcmp(text, "target") == 0);
    GIVES(__wasi_path_readlink(ROOT, "link", (uint8_t *)text, 2, &used), SUCCESS);
    CHECK(used == 2);
    GIVES(__wasi_path_readlink(ROOT, "file", (uint8_t *)text, 2, &used), INVAL);
    GIVES(__wasi_path_filestat_get(ROOT, 0, "link", &stat), SUCCESS);
    CHECK(stat.filetype == __WASI_FILETYPE_SYMBOLIC_LINK && stat.size == 6);
    GIVES(__wasi_path_filestat_get(ROOT, follow, "link", &stat), NOENT);
    GIVES(open_at(ROOT, "link", 0, 0, 0, &fd), LOOP);
    GIVES(open_at(ROOT, "link", follow, 0, 0, &fd), NOENT);
    GIVES(open_at(ROOT, "link", follow, __WASI_OFLAGS_CREAT, 0, &fd), SUCCESS);
    GIVES(__wasi_path_filestat_get(ROOT, 0, "target", &stat), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "link"), SUCCESS);
    GIVES(__wasi_path_symlink("dir", ROOT, "link"), SUCCESS);
    GIVES(open_at(ROOT, "link/", 0, __WASI_OFLAGS_DIRECTORY, 0, &fd), SUCCESS);
    GIVES(touch("link/inside"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "dir/inside"), SUCCESS);
    GIVES(__wasi_path_remove_directory(ROOT, "link"), NOTDIR);
    GIVES(__wasi_path_link(ROOT, follow, "link", ROOT, "new"), INVAL);
    GIVES(__wasi_path_symlink("loop", ROOT, "loop"), SUCCESS);
    GIVES(open_at(ROOT, "loop", follow, 0, 0, &fd), LOOP);
    GIVES(__wasi_path_filestat_get(ROOT, follow, "loop/x", &stat), LOOP);
    GIVES(__wasi_path_unlink_file(ROOT, "loop"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "link"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "target"), SUCCESS);
}

int main(void)
{
    check_open();
    check_directories();
    check_names();
    check_links();
    GIVES(__wasi_path_remove_directory(ROOT, "dir"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "file"), SUCCESS);
    return finish();
}
