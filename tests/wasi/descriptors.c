/* fd_fdstat_*, fd_prestat_*, fd_renumber, fd_close, rights; what directories do not do; sock_* on what
 * is no socket. */
#include "check.h"

static void check_rights(void)
{
    __wasi_fd_t fd;
    __wasi_fdstat_t stat;
    char text[256];
    size_t moved;
    GIVES(open_at(ROOT, "file", 0, __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ, &fd), SUCCESS);
    GIVES(__wasi_fd_fdstat_get(fd, &stat), SUCCESS);
    CHECK(stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE && stat.fs_flags == 0);
    CHECK(stat.fs_rights_base == __WASI_RIGHTS_FD_READ);
    GIVES(write_text(fd, "x", &moved), NOTCAPABLE);
    GIVES(read_text(fd, text), SUCCESS);
    GIVES(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE, 0),
          NOTCAPABLE);
    GIVES(__wasi_fd_fdstat_set_rights(fd, 0, 0), SUCCESS);
    GIVES(read_text(fd, text), NOTCAPABLE);
    GIVES(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ, 0), NOTCAPABLE);
    GIVES(__wasi_fd_close(fd), SUCCESS);
}

static void check_flags(void)
{
    __wasi_fd_t fd;
    __wasi_fdstat_t stat;
    GIVES(open_at(ROOT, "file", 0, 0, ALL_OF_FILES, &fd), SUCCESS);
    GIVES(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND | __WASI_FDFLAGS_NONBLOCK), SUCCESS);
    GIVES(__wasi_fd_fdstat_get(fd, &stat), SUCCESS);
    CHECK(stat.fs_flags == (__WASI_FDFLAGS_APPEND | __WASI_FDFLAGS_NONBLOCK));
    GIVES(__wasi_fd_fdstat_set_flags(fd, 0), SUCCESS);
    GIVES(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_SYNC), INVAL);
    GIVES(__wasi_fd_close(fd), SUCCESS);
}

static void check_directory(void)
{
    __wasi_fdstat_t stat;
    __wasi_prestat_t prestat;
    __wasi_filesize_t at;
    char text[256];
    size_t moved;
    GIVES(__wasi_fd_prestat_get(ROOT, &prestat), SUCCESS);
    CHECK(prestat.tag == __WASI_PREOPENTYPE_DIR && prestat.u.dir.pr_name_len == 1);
    GIVES(__wasi_fd_prestat_dir_name(ROOT, (uint8_t *)text, 0), NAMETOOLONG);
    GIVES(__wasi_fd_prestat_dir_name(ROOT, (uint8_t *)text, 1), SUCCESS);
    CHECK(text[0] == '/');
    GIVES(__wasi_fd_prestat_get(ROOT + 1, &prestat), BADF);
    GIVES(__wasi_fd_fdstat_get(ROOT, &stat), SUCCESS);
    CHECK(stat.fs_filetype == __WASI_FILETYPE_DIRECTORY && stat.fs_flags == 0);
    CHECK((stat.fs_rights_base & (__WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_WRITE)) == 0);
    GIVES(read_text(ROOT, text), BADF);
    GIVES(write_text(ROOT, "x", &moved), BADF);
    GIVES(__wasi_fd_seek(ROOT, 0, __WASI_WHENCE_CUR, &at), BADF);
    GIVES(__wasi_fd_tell(ROOT, &at), BADF);
    GIVES(__wasi_fd_allocate(ROOT, 0, 1), BADF);
    GIVES(__wasi_fd_filestat_set_size(ROOT, 0), BADF);
}

static void check_renumber(void)
{
    __wasi_fd_t first;
    __wasi_fd_t second;
    __wasi_filestat_t before;
    __wasi_filestat_t after;
    GIVES(open_at(ROOT, "file", 0, 0, ALL_OF_FILES, &first), SUCCESS);
    GIVES(open_at(ROOT, "other", 0, __WASI_OFLAGS_CREAT, ALL_OF_FILES, &second), SUCCESS);
    GIVES(__wasi_fd_filestat_get(first, &before), SUCCESS);
    GIVES(__wasi_fd_renumber(first, 1000), BADF);
    GIVES(__wasi_fd_renumber(1000, first), BADF);
    GIVES(__wasi_fd_renumber(first, second), SUCCESS);
    GIVES(__wasi_fd_filestat_get(first, &after), BADF);
    GIVES(__wasi_fd_filestat_get(second, &after), SUCCESS);
    CHECK(before.ino == after.ino && before.dev == after.dev);
    GIVES(__wasi_fd_close(second), SUCCESS);
}

static void check_sockets(void)
{
    __wasi_fd_t fd;
    __wasi_fd_t accepted;
    size_t moved;
    __wasi_roflags_t flags;
    uint8_t byte = 0;
    __wasi_iovec_t in = {&byte, 1};
    __wasi_ciovec_t out = {&byte, 1};
    GIVES(open_at(ROOT, "file", 0, 0, ALL_OF_FILES, &fd), SUCCESS);
    GIVES(__wasi_sock_accept(fd, 0, &accepted), NOTSOCK);
    GIVES(__wasi_sock_recv(fd, &in, 1, 0, &moved, &flags), NOTSOCK);
    GIVES(__wasi_sock_send(fd, &out, 1, 0, &moved), NOTSOCK);
    GIVES(__wasi_sock_shutdown(fd, __WASI_SDFLAGS_RD), NOTSOCK);
    GIVES(__wasi_sock_shutdown(1000, __WASI_SDFLAGS_RD), BADF);
    GIVES(__wasi_fd_close(fd), SUCCESS);
}

int main(void)
{
    check_rights();
    check_flags();
    check_directory();
    check_renumber();
    check_sockets();
    /* Standard streams can be closed and their numbers used again. */
    __wasi_fd_t fd;
    GIVES(__wasi_fd_close(0), SUCCESS);
    GIVES(open_at(ROOT, "file", 0, 0, 0, &fd), SUCCESS);
    CHECK(fd == 0);
    /* The preopened directory, too. */
    GIVES(__wasi_path_unlink_file(ROOT, "file"), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "other"), SUCCESS);
    GIVES(__wasi_fd_close(ROOT), SUCCESS);
    GIVES(__wasi_path_unlink_file(ROOT, "file"), BADF);
    return finish();
}
