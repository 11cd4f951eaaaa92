/* abi.h - the numbers of WASI preview 1: errors, rights, flags, and the layout of its structures.
 *
 * Structures lie in guest memory, little-endian, and are read and written field by field at the
 * offsets given here. Source: the witx files of wasi_snapshot_preview1.
 */
#ifndef DV_WASI_ABI_H
#define DV_WASI_ABI_H

#include "base/base.h"

enum WasiErrno {
#define ERRNO(name) WASI_E##name,
#define ERRNO_OURS(name) WASI_E##name,
#include "errno.def"
#undef ERRNO
#undef ERRNO_OURS
    WASI_ERRNO_COUNT,
    /* Inside this part only: what ends a call otherwise than by an error of the program's. */
    WASI_LEAVE_EXIT = 0x10000,
    WASI_LEAVE_STOP
};

enum WasiRightBit {
#define RIGHT(name, kinds) RIGHT_BIT_##name,
#include "rights.def"
#undef RIGHT
    RIGHT_COUNT
};
enum WasiRight {
#define RIGHT(name, kinds) RIGHT_##name = 1 << RIGHT_BIT_##name,
#include "rights.def"
#undef RIGHT
    RIGHTS_ALL = (1 << RIGHT_COUNT) - 1
};

/* Kinds of descriptors, as rights.def tells them apart. */
enum { KIND_FILE = 1, KIND_DIR = 2, KIND_STREAM = 4, KIND_SOCKET = 8 };

enum WasiFiletype {
    FILETYPE_UNKNOWN, /* pipes among others */
    FILETYPE_BLOCK_DEVICE,
    FILETYPE_CHARACTER_DEVICE,
    FILETYPE_DIRECTORY,
    FILETYPE_REGULAR_FILE,
    FILETYPE_SOCKET_DGRAM,
    FILETYPE_SOCKET_STREAM,
    FILETYPE_SYMBOLIC_LINK
};

enum {
    FDFLAGS_APPEND = 1,
    FDFLAGS_DSYNC = 2,
    FDFLAGS_NONBLOCK = 4,
    FDFLAGS_RSYNC = 8,
    FDFLAGS_SYNC = 16,
    FDFLAGS_ALL = 31,
    FDFLAGS_SYNCS = FDFLAGS_DSYNC | FDFLAGS_RSYNC | FDFLAGS_SYNC
};
enum { LOOKUPFLAGS_SYMLINK_FOLLOW = 1, LOOKUPFLAGS_ALL = 1 };
enum { OFLAGS_CREAT = 1, OFLAGS_DIRECTORY = 2, OFLAGS_EXCL = 4, OFLAGS_TRUNC = 8, OFLAGS_ALL = 15 };
enum {
    FSTFLAGS_ATIM = 1,
    FSTFLAGS_ATIM_NOW = 2,
    FSTFLAGS_MTIM = 4,
    FSTFLAGS_MTIM_NOW = 8,
    FSTFLAGS_ALL = 15
};
enum { WHENCE_SET, WHENCE_CUR, WHENCE_END, WHENCE_COUNT };
enum {
    ADVICE_NORMAL,
    ADVICE_SEQUENTIAL,
    ADVICE_RANDOM,
    ADVICE_WILLNEED,
    ADVICE_DONTNEED,
    ADVICE_NOREUSE,
    ADVICE_COUNT
};
enum {
    CLOCK_WASI_REALTIME,
    CLOCK_WASI_MONOTONIC,
    CLOCK_WASI_PROCESS,
    CLOCK_WASI_THREAD,
    CLOCK_WASI_COUNT
};
enum { EVENTTYPE_CLOCK, EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, EVENTTYPE_COUNT };
enum { EVENTRWFLAGS_HANGUP = 1 };
enum { SUBCLOCKFLAGS_ABSTIME = 1 };
enum { RIFLAGS_PEEK = 1, RIFLAGS_WAITALL = 2, RIFLAGS_ALL = 3 };
enum { ROFLAGS_DATA_TRUNCATED = 1 };
enum { SDFLAGS_RD = 1, SDFLAGS_WR = 2, SDFLAGS_ALL = 3 };
enum { PREOPENTYPE_DIR = 0 };

/* Offsets of fields, and sizes. */
enum { IOVEC_BUF = 0, IOVEC_LEN = 4, IOVEC_SIZE = 8 };
enum {
    FDSTAT_FILETYPE = 0,
    FDSTAT_FLAGS = 2,
    FDSTAT_BASE = 8,
    FDSTAT_INHERITING = 16,
    FDSTAT_SIZE = 24
};
enum {
    FILESTAT_DEV = 0,
    FILESTAT_INO = 8,
    FILESTAT_FILETYPE = 16,
    FILESTAT_NLINK = 24,
    FILESTAT_BYTES = 32,
    FILESTAT_ATIM = 40,
    FILESTAT_MTIM = 48,
    FILESTAT_CTIM = 56,
    FILESTAT_SIZE = 64
};
enum { PRESTAT_TAG = 0, PRESTAT_NAME_LEN = 4, PRESTAT_SIZE = 8 };
enum { DIRENT_NEXT = 0, DIRENT_INO = 8, DIRENT_NAMLEN = 16, DIRENT_TYPE = 20, DIRENT_SIZE = 24 };
enum {
    SUBSCRIPTION_USERDATA = 0,
    SUBSCRIPTION_TAG = 8,
    SUBSCRIPTION_FD = 16,
    SUBSCRIPTION_CLOCK = 16,
    SUBSCRIPTION_TIMEOUT = 24,
    SUBSCRIPTION_FLAGS = 40,
    SUBSCRIPTION_SIZE = 48
};
enum {
    EVENT_USERDATA = 0,
    EVENT_ERROR = 8,
    EVENT_TYPE = 10,
    EVENT_NBYTES = 16,
    EVENT_FLAGS = 24,
    EVENT_SIZE = 32
};

#endif
