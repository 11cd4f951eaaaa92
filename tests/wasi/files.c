/* fd_read, fd_write, fd_pread, fd_pwrite, fd_seek, fd_tell, fd_advise, fd_allocate, fd_sync, fd_datasync,
 * fd_filestat_*, and the same through the C library. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void check_stdio(void)
{
    char text[64] = "";
    FILE *file = fopen("/stdio.txt", "w+");
    CHECK(file != NULL);
    CHECK(fprintf(file, "%d %s\n", 42, "words") == 9);
    CHECK(fseek(file, 3, SEEK_SET) == 0);
    CHECK(fgets(text, sizeof text, file) != NULL && strcmp(text, "words\n") == 0);
    CHECK(ftell(file) == 9);
    CHECK(fclose(file) == 0);
    CHECK(fopen("/none/none.txt", "r") == NULL && errno == ENOENT);
    CHECK(remove("/stdio.txt") == 0);
}

static void check_positions(__wasi_fd_t fd)
{
    char text[256];
    size_t moved;
    __wasi_filesize_t at;
    uint8_t left[4] = {0};
    uint8_t right[4] = {0};
    __wasi_iovec_t in[2] = {{left, 3}, {right, 4}};
    __wasi_ciovec_t out[2] = {{(const uint8_t *)"AB", 2}, {(const uint8_t *)"C", 1}};
    GIVES(write_text(fd, "0123456789", &moved), SUCCESS);
    CHECK(moved == 10);
    GIVES(__wasi_fd_tell(fd, &at), SUCCESS);
    CHECK(at == 10);
    GIVES(__wasi_fd_seek(fd, -3, __WASI_WHENCE_END, &at), SUCCESS);
    CHECK(at == 7);
    GIVES(read_text(fd, text), SUCCESS);
    CHECK(strcmp(text, "789") == 0);
    GIVES(__wasi_fd_pread(fd, in, 2, 1, &moved), SUCCESS);
    CHECK(moved == 7 && memcmp(left, "123", 3) == 0 && memcmp(right, "4567", 4) == 0);
    GIVES(__wasi_fd_pwrite(fd, out, 2, 4, &moved), SUCCESS);
    CHECK(moved == 3);
    GIVES(__wasi_fd_pread(fd, in, 2, 50, &moved), SUCCESS);
    CHECK(moved == 0);
    GIVES(__wasi_fd_seek(fd, -20, __WASI_WHENCE_CUR, &at), INVAL);
    GIVES(__wasi_fd_seek(fd, 0, 7, &at), INVAL);
    GIVES(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at), SUCCESS);
    GIVES(read_text(fd, text), SUCCESS);
    CHECK(strcmp(text, "0123ABC789") == 0);
    in[0].buf = (uint8_t *)0xfffffff0u;
    in[0].buf_len = 100;
    GIVES(__wasi_fd_pread(fd, in, 1, 0, &moved), FAULT);
    GIVES(__wasi_fd_read(fd, (const __wasi_iovec_t *)0xfffffff8u, 2, &moved), FAULT);
    GIVES(__wasi_fd_write(fd, out, 0x20000001u, &moved), FAULT);
}

static void check_sizes(__wasi_fd_t fd)
{
    __wasi_filestat_t stat;
    GIVES(__wasi_fd_filestat_set_size(fd, 1000), SUCCESS);
    GIVES(__wasi_fd_filestat_get(fd, &stat), SUCCESS);
    CHECK(stat.size == 1000 && stat.filetype == __WASI_FILETYPE_REGULAR_FILE && stat.nlink == 1);
    CHECK(stat.ino != 0);
    __wasi_errno_t error = __wasi_fd_allocate(fd, 900, 200);
    CHECK(error == __WASI_ERRNO_SUCCESS || error == __WASI_ERRNO_NOTSUP);
    GIVES(__wasi_fd_filestat_get(fd, &stat), SUCCESS);
    CHECK(stat.size == (error == 0 ? 1100u : 1000u));
    GIVES(__wasi_fd_allocate(fd, 0, 0), INVAL);
    GIVES(__wasi_fd_advise(fd, 0, 100, __WASI_ADVICE_WILLNEED), SUCCESS);
    GIVES(__wasi_fd_advise(fd, 0, 100, 6), INVAL);
    GIVES(__wasi_fd_sync(fd), SUCCESS);
    GIVES(__wasi_fd_datasync(fd), SUCCESS);
    GIVES(__wasi_fd_filestat_set_times(fd, 5000000000u, 7000000001u,
                                       __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM),
          SUCCESS);
    GIVES(__wasi_fd_filestat_get(fd, &stat), SUCCESS);
    CHECK(stat.atim == 5000000000u && stat.mtim == 7000000001u);
    GIVES(__wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_MTIM_NOW), SUCCESS);
    GIVES(__wasi_fd_filestat_get(fd, &stat), SUCCESS);
    CHECK(stat.atim == 5000000000u && stat.mtim > 1600000000ull * 1000000000);
    GIVES(__wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW),
          INVAL);
}

static void check_append(void)
{
    char text[16] = "";
    int fd = open("/append.txt", O_CREAT | O_RDWR | O_APPEND, 0666);
    CHECK(fd >= 0);
    CHECK(write(fd, "abc", 3) == 3);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, "def", 3) == 3);
    CHECK(pread(fd, text, sizeof text, 0) == 6 && strcmp(text, "abcdef") == 0);
    CHECK(ftruncate(fd, 2) == 0);
    struct stat stat;
    CHECK(fstat(fd, &stat) == 0 && stat.st_size == 2);
    CHECK(close(fd) == 0);
    CHECK(unlink("/append.txt") == 0);
}

int main(void)
{
    __wasi_fd_t fd;
    size_t moved;
    check_stdio();
    GIVES(open_at(ROOT, "file", 0, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, ALL_OF_FILES, &fd),
          SUCCESS);
    CHECK(fd > 2);
    check_positions(fd);
    check_sizes(fd);
    GIVES(__wasi_fd_close(fd), SUCCESS);
    GIVES(__wasi_fd_close(fd), BADF);
    GIVES(write_text(fd, "x", &moved), BADF);
    check_append();
    GIVES(__wasi_path_unlink_file(ROOT, "file"), SUCCESS);
    return finish();
}
