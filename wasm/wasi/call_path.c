/* call_path.c - the functions that name files: path_*.
 *
 * Each copies its path in, checks it (a NUL is EINVAL, what is not UTF-8 EILSEQ), walks to the last
 * component (resolve.h) and acts on that. Three kinds of last component need care:
 *
 * - a symbolic link is followed only where lookupflags or a trailing slash ask for it, by going on with
 *   the walk;
 * - "." (also "a/..", "a/.") names the directory itself, which can be opened and looked at but neither
 *   made, removed, renamed nor linked;
 * - a trailing slash is never passed to the host, which would follow a link for it: whether the thing is
 *   a directory is asked here.
 *
 * Errors are those of Linux in the same situation, as far as POSIX leaves a choice.
 */
#include "state.h"

/* ---- Arguments ---- */

/* Well-formed UTF-8 without NUL: no overlong forms, no surrogates, nothing above U+10FFFF. */
static u32 check_text(const u8 *text, usize length)
{
    usize i = 0;
    while (i < length) {
        u8 first = text[i++];
        if (first == 0) {
            return WASI_EINVAL;
        }
        if (first < 0x80) {
            continue;
        }
        u32 more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || length - i < more) {
            return WASI_EILSEQ;
        }
        u8 low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        u8 high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--, i++) {
            if (text[i] < low || text[i] > high) {
                return WASI_EILSEQ;
            }
            low = 0x80;
            high = 0xbf;
        }
    }
    return WASI_ESUCCESS;
}

/* A path of the guest's, checked, with a NUL. */
static u32 get_path(WasiMemory memory, u64 at, u64 size, char path[PATH_BYTES_MAX])
{
    u64 address = guest_u32(at);
    u64 length = guest_u32(size);
    if (!guest_has(memory, address, length)) {
        return WASI_EFAULT;
    }
    if (length >= PATH_BYTES_MAX) {
        return WASI_ENAMETOOLONG;
    }
    if (length > 0) {
        memcpy(path, memory.base + (usize)address, (usize)length);
    }
    path[length] = '\0';
    return check_text((const u8 *)path, (usize)length);
}

/* Where a path leads: the descriptor it starts at, and the walk to its last component. */
typedef struct Place {
    Fd *fd;
    Walk walk;
} Place;

/* Takes a descriptor with this right and a path of the guest's. dv_walk_end is due after success. */
static u32 find_place(Wasi *wasi, WasiMemory memory, const u64 *args, u64 right, Place *out)
{
    char path[PATH_BYTES_MAX];
    u32 error = dv_wasi_need(wasi, args[0], KIND_DIR, right, &out->fd);
    if (error == WASI_ESUCCESS) {
        error = get_path(memory, args[1], args[2], path);
    }
    return error != WASI_ESUCCESS ? error : dv_walk_start(&out->walk, out->fd->host, path);
}

static bool is_self(const Walk *walk)
{
    return strcmp(walk->name, ".") == 0;
}

/* ---- Looking ---- */

void dv_wasi_put_stat(WasiMemory memory, u64 address, const HostStat *stat)
{
    u8 *at = memory.base + (usize)address;
    memset(at, 0, FILESTAT_SIZE);
    store_le64(at + FILESTAT_DEV, stat->dev);
    store_le64(at + FILESTAT_INO, stat->ino);
    at[FILESTAT_FILETYPE] = stat->filetype;
    store_le64(at + FILESTAT_NLINK, stat->nlink);
    store_le64(at + FILESTAT_BYTES, stat->size);
    store_le64(at + FILESTAT_ATIM, stat->atim);
    store_le64(at + FILESTAT_MTIM, stat->mtim);
    store_le64(at + FILESTAT_CTIM, stat->ctim);
}

/* Follows links as asked and by a trailing slash, and looks at what is there. After an error the walk
 * has ended. */
static u32 look(Walk *walk, u32 lookupflags, HostStat *stat)
{
    for (;;) {
        u32 error = dv_host_stat_at(walk->dir, walk->name, stat);
        if (error == WASI_ESUCCESS && stat->filetype == FILETYPE_SYMBOLIC_LINK &&
            (walk->slash || (lookupflags & LOOKUPFLAGS_SYMLINK_FOLLOW) != 0)) {
            error = dv_walk_follow(walk, WASI_ENOENT); /* the link that was there is gone */
            if (error != WASI_ESUCCESS) {
                return error;
            }
            continue;
        }
        if (error == WASI_ESUCCESS && walk->slash && stat->filetype != FILETYPE_DIRECTORY) {
            error = WASI_ENOTDIR;
        }
        if (error != WASI_ESUCCESS) {
            dv_walk_end(walk);
        }
        return error;
    }
}

u32 dv_wasi_path_filestat_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    HostStat stat;
    u64 path_args[3] = {args[0], args[2], args[3]};
    u64 address = guest_u32(args[4]);
    u32 flags = (u32)args[1];
    u32 error = find_place(wasi, memory, path_args, RIGHT_PATH_FILESTAT_GET, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, address, FILESTAT_SIZE) || (flags & ~(u32)LOOKUPFLAGS_ALL) != 0) {
        dv_walk_end(&place.walk);
        return guest_has(memory, address, FILESTAT_SIZE) ? WASI_EINVAL : WASI_EFAULT;
    }
    error = look(&place.walk, flags, &stat);
    if (error == WASI_ESUCCESS) {
        dv_walk_end(&place.walk);
        dv_wasi_put_stat(memory, address, &stat);
    }
    return error;
}

u32 dv_wasi_times(u64 atim, u64 mtim, u64 fstflags, HostTimes *out)
{
    u32 flags = (u32)fstflags;
    u32 both_atim = FSTFLAGS_ATIM | FSTFLAGS_ATIM_NOW;
    u32 both_mtim = FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW;
    if ((flags & ~(u32)FSTFLAGS_ALL) != 0 || (flags & both_atim) == both_atim ||
        (flags & both_mtim) == both_mtim) {
        return WASI_EINVAL;
    }
    *out = (HostTimes){.atim = atim, .mtim = mtim, .flags = (u16)flags};
    return WASI_ESUCCESS;
}

u32 dv_wasi_path_filestat_set_times(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    HostStat stat;
    HostTimes times;
    u64 path_args[3] = {args[0], args[2], args[3]};
    u32 flags = (u32)args[1];
    u32 error = find_place(wasi, memory, path_args, RIGHT_PATH_FILESTAT_SET_TIMES, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error = dv_wasi_times(args[4], args[5], args[6], &times);
    if (error == WASI_ESUCCESS && (flags & ~(u32)LOOKUPFLAGS_ALL) != 0) {
        error = WASI_EINVAL;
    }
    if (error == WASI_ESUCCESS && place.fd->read_only) {
        error = WASI_EROFS;
    }
    if (error != WASI_ESUCCESS) {
        dv_walk_end(&place.walk);
        return error;
    }
    error = look(&place.walk, flags, &stat);
    if (error == WASI_ESUCCESS) {
        error = dv_host_set_times_at(place.walk.dir, place.walk.name, times);
        dv_walk_end(&place.walk);
    }
    return error;
}

u32 dv_wasi_path_readlink(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    HostStat stat;
    char text[PATH_BYTES_MAX];
    usize length = 0;
    u64 address = guest_u32(args[3]);
    u64 room = guest_u32(args[4]);
    u64 used_at = guest_u32(args[5]);
    u32 error = find_place(wasi, memory, args, RIGHT_PATH_READLINK, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, address, room) || !guest_has(memory, used_at, 4)) {
        error = WASI_EFAULT;
    } else if (place.walk.slash) {
        /* What a slash follows is a directory, if anything, and no link. */
        error = look(&place.walk, 0, &stat);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        error = WASI_EINVAL;
    } else {
        error = dv_host_readlink(place.walk.dir, place.walk.name, text, sizeof text, &length);
    }
    dv_walk_end(&place.walk);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    u64 used = length < room ? length : room;
    if (used > 0) {
        memcpy(memory.base + (usize)address, text, (usize)used);
    }
    store_le32(memory.base + (usize)used_at, (u32)used);
    return WASI_ESUCCESS;
}

/* ---- Opening ---- */

typedef struct OpenArgs {
    u32 lookupflags;
    u32 oflags;
    u64 base;
    u64 inheriting;
    u32 fdflags;
} OpenArgs;

/* EINVAL for what makes no sense, ENOTCAPABLE for what the directory may not give. Rights that preview 1 does not
 * know are ignored. */
static u32 check_open(const Fd *dir, const OpenArgs *open)
{
    u64 from_dir = 0;
    u64 handed_on = (open->base | open->inheriting) & RIGHTS_ALL;
    if ((open->lookupflags & ~(u32)LOOKUPFLAGS_ALL) != 0 ||
        (open->oflags & ~(u32)OFLAGS_ALL) != 0 || (open->fdflags & ~(u32)FDFLAGS_ALL) != 0) {
        return WASI_EINVAL;
    }
    if ((open->oflags & OFLAGS_DIRECTORY) != 0 && (open->oflags & ~(u32)OFLAGS_DIRECTORY) != 0) {
        return WASI_EINVAL;
    }
    if ((open->oflags & OFLAGS_CREAT) != 0) {
        from_dir |= RIGHT_PATH_CREATE_FILE;
    }
    if ((open->oflags & OFLAGS_TRUNC) != 0) {
        from_dir |= RIGHT_PATH_FILESTAT_SET_SIZE;
    }
    if ((open->fdflags & FDFLAGS_DSYNC) != 0) {
        handed_on |= RIGHT_FD_DATASYNC;
    }
    if ((open->fdflags & (FDFLAGS_SYNC | FDFLAGS_RSYNC)) != 0) {
        handed_on |= RIGHT_FD_SYNC;
    }
    if ((dir->base & from_dir) != from_dir || (handed_on & ~dir->inheriting) != 0) {
        return WASI_ENOTCAPABLE;
    }
    return WASI_ESUCCESS;
}

/* Rights that are of no use unless the host lets one write. */
static const u64 RIGHTS_TO_WRITE = RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE;

static HostOpen host_open_of(const OpenArgs *open)
{
    bool directory = (open->oflags & OFLAGS_DIRECTORY) != 0;
    return (HostOpen){.read = (open->base & RIGHT_FD_READ) != 0,
                      .write =
                          (open->base & (directory ? (u64)RIGHT_FD_WRITE : RIGHTS_TO_WRITE)) != 0,
                      .create = (open->oflags & OFLAGS_CREAT) != 0,
                      .exclusive = (open->oflags & OFLAGS_EXCL) != 0,
                      .truncate = (open->oflags & OFLAGS_TRUNC) != 0,
                      .directory = directory,
                      .append = (open->fdflags & FDFLAGS_APPEND) != 0,
                      .syncs = (u16)(open->fdflags & FDFLAGS_SYNCS)};
}

/* What a read-only place leaves of the wish to open: EROFS for what would change something. */
static u32 restrict_open(const OpenArgs *open, HostOpen *how)
{
    if ((open->base & RIGHT_FD_WRITE) != 0 || how->truncate || (how->create && how->exclusive)) {
        return WASI_EROFS;
    }
    how->create = false;
    how->write = false;
    return WASI_ESUCCESS;
}

/* Whether to try once more without writing, which was not asked for but by rights that can be left out. */
static bool can_do_without_writing(const OpenArgs *open, HostOpen how, u32 error)
{
    return how.write && (open->base & RIGHT_FD_WRITE) == 0 &&
           (error == WASI_EISDIR || error == WASI_EACCES || error == WASI_EROFS ||
            error == WASI_ETXTBSY);
}

/* Opens the last component, following links as asked. After an error the walk has ended. */
static u32 open_last(Walk *walk, const OpenArgs *open, HostOpen how, i32 *host)
{
    for (;;) {
        bool follow = walk->slash || (open->lookupflags & LOOKUPFLAGS_SYMLINK_FOLLOW) != 0;
        u32 error = WASI_EISDIR; /* creating something whose name ends with a slash */
        how.directory = how.directory || walk->slash;
        if (!walk->slash || !how.create) {
            error = dv_host_open(walk->dir, walk->name, how, host);
        }
        if (error == WASI_ESUCCESS) {
            return error;
        }
        if (can_do_without_writing(open, how, error)) {
            how.write = false;
            continue;
        }
        if (!follow || (error != WASI_ELOOP && error != WASI_ENOTDIR)) {
            dv_walk_end(walk);
            return error;
        }
        error = dv_walk_follow(walk, error);
        if (error != WASI_ESUCCESS) {
            return error;
        }
    }
}

/* The descriptor that the program gets: what was opened decides which rights mean something. */
static u32 make_fd(const OpenArgs *open, const Fd *dir, i32 host, Fd *out)
{
    HostInfo info;
    u32 error = dv_host_describe(host, &info);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    u32 type = dv_wasi_kind_of(info.filetype);
    u64 rights = open->base & dv_wasi_rights_of(type, info.seekable);
    if (!info.writable) {
        rights &= ~RIGHTS_TO_WRITE;
    }
    *out = (Fd){.kind = FD_HOST,
                .type = (u8)type,
                .filetype = info.filetype,
                .owned = true,
                .read_only = dir->read_only,
                .seekable = info.seekable && type != KIND_DIR,
                .flags = (u16)open->fdflags,
                .host = host,
                .base = rights,
                .inheriting = type == KIND_DIR ? open->inheriting & RIGHTS_ALL : 0};
    return WASI_ESUCCESS;
}

static u32 open_place(Wasi *wasi, Place *place, const OpenArgs *open, u32 *number)
{
    i32 host;
    Fd fd;
    HostOpen how = host_open_of(open);
    bool creates = how.create;
    u32 error = check_open(place->fd, open);
    if (error == WASI_ESUCCESS && place->fd->read_only) {
        error = restrict_open(open, &how);
    }
    if (error != WASI_ESUCCESS) {
        dv_walk_end(&place->walk);
        return error;
    }
    error = open_last(&place->walk, open, how, &host);
    if (error != WASI_ESUCCESS) {
        return error == WASI_ENOENT && creates && !how.create ? WASI_EROFS : error;
    }
    dv_walk_end(&place->walk);
    error = make_fd(open, place->fd, host, &fd);
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_add(wasi, &fd, number);
    }
    if (error != WASI_ESUCCESS) {
        dv_host_close(host);
    }
    return error;
}

u32 dv_wasi_path_open(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    u32 number;
    u64 path_args[3] = {args[0], args[2], args[3]};
    u64 address = guest_u32(args[8]);
    OpenArgs open = {.lookupflags = (u32)args[1],
                     .oflags = (u32)args[4],
                     .base = args[5],
                     .inheriting = args[6],
                     .fdflags = (u32)args[7]};
    u32 error = find_place(wasi, memory, path_args, RIGHT_PATH_OPEN, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, address, 4)) {
        dv_walk_end(&place.walk);
        return WASI_EFAULT;
    }
    error = open_place(wasi, &place, &open, &number);
    if (error == WASI_ESUCCESS) {
        store_le32(memory.base + (usize)address, number);
    }
    return error;
}

/* ---- Making, removing, moving ---- */

/* As find_place, for what changes the directory: not below a read-only one. */
static u32 find_change(Wasi *wasi, WasiMemory memory, const u64 *args, u64 right, Place *out)
{
    u32 error = find_place(wasi, memory, args, right, out);
    if (error == WASI_ESUCCESS && out->fd->read_only) {
        dv_walk_end(&out->walk);
        return WASI_EROFS;
    }
    return error;
}

u32 dv_wasi_path_create_directory(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    u32 error = find_change(wasi, memory, args, RIGHT_PATH_CREATE_DIRECTORY, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error = is_self(&place.walk) ? WASI_EEXIST : dv_host_make_dir(place.walk.dir, place.walk.name);
    dv_walk_end(&place.walk);
    return error;
}

u32 dv_wasi_path_remove_directory(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    u32 error = find_change(wasi, memory, args, RIGHT_PATH_REMOVE_DIRECTORY, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error =
        is_self(&place.walk) ? WASI_EINVAL : dv_host_remove_dir(place.walk.dir, place.walk.name);
    dv_walk_end(&place.walk);
    return error;
}

u32 dv_wasi_path_unlink_file(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    HostStat stat;
    u32 error = find_change(wasi, memory, args, RIGHT_PATH_UNLINK_FILE, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    const Walk *walk = &place.walk;
    if (is_self(walk)) {
        error = WASI_EISDIR;
    } else if (walk->slash) {
        error = dv_host_stat_at(walk->dir, walk->name, &stat);
        if (error == WASI_ESUCCESS) {
            error = stat.filetype == FILETYPE_DIRECTORY ? WASI_EISDIR : WASI_ENOTDIR;
        }
    } else {
        error = dv_host_unlink(walk->dir, walk->name);
    }
    dv_walk_end(&place.walk);
    return error;
}

/* What a name with a slash that is to be made gives: something there, or nothing. */
static u32 refuse_slash(const Walk *walk)
{
    HostStat stat;
    u32 error = dv_host_stat_at(walk->dir, walk->name, &stat);
    return error == WASI_ESUCCESS ? WASI_EEXIST : error;
}

u32 dv_wasi_path_symlink(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place place;
    char text[PATH_BYTES_MAX];
    u64 path_args[3] = {args[2], args[3], args[4]};
    u32 error = find_change(wasi, memory, path_args, RIGHT_PATH_SYMLINK, &place);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error = get_path(memory, args[0], args[1], text);
    if (error == WASI_ESUCCESS && text[0] == '\0') {
        error = WASI_ENOENT;
    } else if (error == WASI_ESUCCESS && text[0] == '/') {
        error = WASI_EPERM; /* it could not be followed here, and would mislead others */
    }
    if (error == WASI_ESUCCESS) {
        if (is_self(&place.walk)) {
            error = WASI_EEXIST;
        } else if (place.walk.slash) {
            error = refuse_slash(&place.walk);
        } else {
            error = dv_host_symlink(text, place.walk.dir, place.walk.name);
        }
    }
    dv_walk_end(&place.walk);
    return error;
}

static u32 link_places(const Walk *from, const Walk *to)
{
    HostStat stat;
    if (is_self(from)) {
        return WASI_EPERM; /* as every directory */
    }
    if (from->slash) {
        u32 error = dv_host_stat_at(from->dir, from->name, &stat);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        return stat.filetype == FILETYPE_DIRECTORY ? WASI_EPERM : WASI_ENOTDIR;
    }
    if (is_self(to)) {
        return WASI_EEXIST;
    }
    return to->slash ? refuse_slash(to) : dv_host_link(from->dir, from->name, to->dir, to->name);
}

/* A link to where a symbolic link leads is refused: no runtime offers it, and programs that test for
 * it expect EINVAL. */
u32 dv_wasi_path_link(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place from;
    Place to;
    u64 from_args[3] = {args[0], args[2], args[3]};
    u32 error = find_change(wasi, memory, from_args, RIGHT_PATH_LINK_SOURCE, &from);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (args[1] != 0) {
        error = WASI_EINVAL;
    } else {
        error = find_change(wasi, memory, args + 4, RIGHT_PATH_LINK_TARGET, &to);
    }
    if (error == WASI_ESUCCESS) {
        error = link_places(&from.walk, &to.walk);
        dv_walk_end(&to.walk);
    }
    dv_walk_end(&from.walk);
    return error;
}

static u32 rename_places(const Walk *from, const Walk *to)
{
    HostStat stat;
    if (is_self(from) || is_self(to)) {
        return WASI_EBUSY;
    }
    if (from->slash || to->slash) {
        u32 error = dv_host_stat_at(from->dir, from->name, &stat);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        if (stat.filetype != FILETYPE_DIRECTORY) {
            return WASI_ENOTDIR;
        }
    }
    return dv_host_rename(from->dir, from->name, to->dir, to->name);
}

u32 dv_wasi_path_rename(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Place from;
    Place to;
    u32 error = find_change(wasi, memory, args, RIGHT_PATH_RENAME_SOURCE, &from);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error = find_change(wasi, memory, args + 3, RIGHT_PATH_RENAME_TARGET, &to);
    if (error == WASI_ESUCCESS) {
        error = rename_places(&from.walk, &to.walk);
        dv_walk_end(&to.walk);
    }
    dv_walk_end(&from.walk);
    return error;
}
