/* list.c - fd_readdir: reading a directory in pieces.
 *
 * A cookie must mean the same place over calls, whatever happens to the directory between them, and
 * hosts do not promise that of telldir. So the whole directory is read when a program begins (cookie
 * 0) and kept with the descriptor; a cookie is the number of entries before its place. "." and ".." are
 * always entries 0 and 1; the host's order of the others is kept. A cookie that comes without a
 * beginning, from another descriptor, gets a fresh reading. ".." tells no inode: the directory above
 * may not be the program's to see.
 *
 * Entries are packed into one buffer that grows: 8 bytes of inode, 4 of length, 1 of type, the name.
 * All listings of a program together stay below a limit (ENOMEM).
 */
#include "state.h"

enum {
    ENTRY_INO = 0,
    ENTRY_LENGTH = 8,
    ENTRY_TYPE = 12,
    ENTRY_NAME = 13,
    LISTING_FIRST = 1024,
    LISTING_DOTS = 2
};

struct Listing {
    u64 self;  /* inode of "." */
    u64 count; /* without "." and ".." */
    u8 *bytes;
    usize used;
    usize size;
    /* Where the last call stopped, so that going on is not a search. */
    u64 last_index;
    usize last_offset;
};

typedef struct Filling {
    Wasi *wasi;
    Listing *listing;
} Filling;

void dv_wasi_listing_free(Wasi *wasi, Fd *fd)
{
    Listing *listing = fd->listing;
    if (listing == NULL) {
        return;
    }
    wasi->listing_bytes -= listing->size;
    dv_wasi_release(wasi, listing->bytes, listing->size);
    dv_wasi_release(wasi, listing, sizeof *listing);
    fd->listing = NULL;
}

static bool grow(Wasi *wasi, Listing *listing)
{
    usize size = listing->size == 0 ? LISTING_FIRST : listing->size * 2;
    usize added = size - listing->size;
    if (size < listing->size || wasi->listing_bytes_max - wasi->listing_bytes < added) {
        return false;
    }
    u8 *bytes = dv_wasi_alloc(wasi, size);
    if (bytes == NULL) {
        return false;
    }
    if (listing->used > 0) {
        memcpy(bytes, listing->bytes, listing->used);
    }
    dv_wasi_release(wasi, listing->bytes, listing->size);
    wasi->listing_bytes += added;
    listing->bytes = bytes;
    listing->size = size;
    return true;
}

static u32 add_entry(void *context, const char *name, u64 ino, u8 filetype)
{
    const Filling *filling = context;
    Listing *listing = filling->listing;
    usize length = strlen(name);
    if (dv_wasi_stopping(filling->wasi)) {
        return WASI_LEAVE_STOP;
    }
    while (listing->size - listing->used < ENTRY_NAME + length) {
        if (!grow(filling->wasi, listing)) {
            return WASI_ENOMEM;
        }
    }
    u8 *at = listing->bytes + listing->used;
    store_le64(at + ENTRY_INO, ino);
    store_le32(at + ENTRY_LENGTH, (u32)length);
    at[ENTRY_TYPE] = filetype;
    memcpy(at + ENTRY_NAME, name, length);
    listing->used += ENTRY_NAME + length;
    listing->count++;
    return WASI_ESUCCESS;
}

static u32 read_directory(Wasi *wasi, Fd *fd)
{
    HostStat stat;
    dv_wasi_listing_free(wasi, fd);
    u32 error = dv_host_stat(fd->host, &stat);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    Listing *listing = dv_wasi_alloc(wasi, sizeof *listing);
    if (listing == NULL) {
        return WASI_ENOMEM;
    }
    memset(listing, 0, sizeof *listing);
    listing->self = stat.ino;
    fd->listing = listing;
    Filling filling = {wasi, listing};
    error = dv_host_list(fd->host, add_entry, &filling);
    if (error != WASI_ESUCCESS) {
        dv_wasi_listing_free(wasi, fd);
    }
    return error;
}

/* ---- What a program gets ---- */

typedef struct Entry {
    u64 ino;
    const char *name;
    u32 length;
    u8 filetype;
} Entry;

/* The offset of entry `index` of the packed ones. */
static usize find_entry(const Listing *listing, u64 index)
{
    u64 at = 0;
    usize offset = 0;
    if (index >= listing->last_index) {
        at = listing->last_index;
        offset = listing->last_offset;
    }
    for (; at < index; at++) {
        offset += ENTRY_NAME + load_le32(listing->bytes + offset + ENTRY_LENGTH);
    }
    return offset;
}

/* The entry whose number is index, "." and ".." included. */
static Entry get_entry(Listing *listing, u64 index)
{
    if (index < LISTING_DOTS) {
        return (Entry){.ino = index == 0 ? listing->self : 0,
                       .name = index == 0 ? "." : "..",
                       .length = (u32)index + 1,
                       .filetype = FILETYPE_DIRECTORY};
    }
    listing->last_offset = find_entry(listing, index - LISTING_DOTS);
    listing->last_index = index - LISTING_DOTS;
    const u8 *at = listing->bytes + listing->last_offset;
    return (Entry){.ino = load_le64(at + ENTRY_INO),
                   .name = (const char *)at + ENTRY_NAME,
                   .length = load_le32(at + ENTRY_LENGTH),
                   .filetype = at[ENTRY_TYPE]};
}

/* As much of size bytes as there is room for. */
static u64 put_part(WasiMemory memory, u64 address, u64 room, const void *bytes, u64 size)
{
    u64 part = size < room ? size : room;
    if (part > 0) {
        memcpy(memory.base + (usize)address, bytes, (usize)part);
    }
    return part;
}

/* Fills the buffer; the last entry may be cut, which tells the program that there is more. */
static u64 put_entries(Listing *listing, u64 cookie, WasiMemory memory, u64 address, u64 room)
{
    u64 used = 0;
    u64 total = listing->count + LISTING_DOTS;
    for (u64 index = cookie; index < total && used < room; index++) {
        u8 head[DIRENT_SIZE] = {0};
        Entry entry = get_entry(listing, index);
        store_le64(head + DIRENT_NEXT, index + 1);
        store_le64(head + DIRENT_INO, entry.ino);
        store_le32(head + DIRENT_NAMLEN, entry.length);
        head[DIRENT_TYPE] = entry.filetype;
        used += put_part(memory, address + used, room - used, head, sizeof head);
        used += put_part(memory, address + used, room - used, entry.name, entry.length);
    }
    return used;
}

u32 dv_wasi_fd_readdir(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    u64 address = guest_u32(args[1]);
    u64 room = guest_u32(args[2]);
    u64 used_at = guest_u32(args[4]);
    u32 error = dv_wasi_need(wasi, args[0], KIND_DIR, RIGHT_FD_READDIR, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, address, room) || !guest_has(memory, used_at, 4)) {
        return WASI_EFAULT;
    }
    if (args[3] == 0 || fd->listing == NULL) {
        error = read_directory(wasi, fd);
        if (error != WASI_ESUCCESS) {
            return error;
        }
    }
    u64 used = put_entries(fd->listing, args[3], memory, address, room);
    store_le32(memory.base + (usize)used_at, (u32)used);
    return WASI_ESUCCESS;
}
