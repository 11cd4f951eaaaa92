/* proc_exit and proc_raise: "exit" ends with status 33, "raise" with that of SIGABRT. */
#include "check.h"

__wasi_errno_t __imported_wasi_snapshot_preview1_proc_raise(int32_t signal)
    __attribute__((__import_module__("wasi_snapshot_preview1"), __import_name__("proc_raise")));

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "exit") == 0) {
        __wasi_proc_exit(33);
    }
    GIVES((unsigned)__imported_wasi_snapshot_preview1_proc_raise(0), SUCCESS);
    GIVES((unsigned)__imported_wasi_snapshot_preview1_proc_raise(99), INVAL);
    fflush(stdout);
    (void)__imported_wasi_snapshot_preview1_proc_raise(6);
    return 1; /* not reached */
}
