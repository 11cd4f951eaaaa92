/* resolve.c - Walk: see resolve.h for how and why.
 *
 * Invariants: stack[0 .. depth) are open directories, each opened by name in the one before (the
 * first in root) without following a link; dir is the last of them, or root. rest + next is the part
 * of the path not walked yet.
 */
#include "resolve.h"

/* One component, and whether more follows it. */
typedef struct Component {
    const char *text;
    usize length;
    bool last;
    bool slash;
} Component;

static Component take_component(Walk *walk)
{
    const char *at = walk->rest + walk->next;
    Component component = {.text = at, .length = strcspn(at, "/")};
    const char *after = at + component.length;
    component.slash = *after == '/';
    after += strspn(after, "/");
    component.last = *after == '\0';
    walk->next = (usize)(after - walk->rest);
    return component;
}

static bool is_name(Component component, const char *name)
{
    return component.length == strlen(name) && memcmp(component.text, name, component.length) == 0;
}

static void set_dir(Walk *walk)
{
    walk->dir = walk->depth == 0 ? walk->root : walk->stack[walk->depth - 1];
}

static u32 go_up(Walk *walk)
{
    if (walk->depth == 0) {
        return WASI_EPERM;
    }
    dv_host_close(walk->stack[--walk->depth]);
    set_dir(walk);
    return WASI_ESUCCESS;
}

static u32 set_name(Walk *walk, const char *text, usize length)
{
    if (length >= sizeof walk->name) {
        return WASI_ENAMETOOLONG;
    }
    memcpy(walk->name, text, length);
    walk->name[length] = '\0';
    return WASI_ESUCCESS;
}

/* Puts the text of the link dir/name before what is left. */
static u32 expand_link(Walk *walk)
{
    char text[PATH_BYTES_MAX];
    usize length = 0;
    u32 error = dv_host_readlink(walk->dir, walk->name, text, sizeof text, &length);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (length == 0) {
        return WASI_ENOENT;
    }
    if (text[0] == '/') {
        return WASI_EPERM;
    }
    if (++walk->links > LINKS_MAX) {
        return WASI_ELOOP;
    }
    usize left = strlen(walk->rest + walk->next);
    usize slash = left > 0 || walk->slash ? 1 : 0;
    if (length + slash + left >= sizeof walk->rest) {
        return WASI_ENAMETOOLONG;
    }
    memmove(walk->rest + length + slash, walk->rest + walk->next, left + 1);
    memcpy(walk->rest, text, length);
    if (slash != 0) {
        walk->rest[length] = '/';
    }
    walk->next = 0;
    return WASI_ESUCCESS;
}

/* Into the directory dir/name, or on to where it leads if it is a link. */
static u32 enter(Walk *walk)
{
    i32 fd;
    u32 error = dv_host_open_dir(walk->dir, walk->name, &fd);
    if (error == WASI_ESUCCESS) {
        if (walk->depth == WALK_DEPTH_MAX) {
            dv_host_close(fd);
            return WASI_ENAMETOOLONG;
        }
        walk->stack[walk->depth++] = fd;
        walk->dir = fd;
        return WASI_ESUCCESS;
    }
    if (error != WASI_ENOTDIR && error != WASI_ELOOP) {
        return error;
    }
    u32 link_error = expand_link(walk);
    return link_error == WASI_EINVAL ? error : link_error;
}

/* One component further; *done once the last has become the name. */
static u32 step(Walk *walk, bool *done)
{
    Component component = take_component(walk);
    *done = component.last;
    walk->slash = component.last && component.slash;
    if (is_name(component, "..")) {
        u32 error = go_up(walk);
        return error != WASI_ESUCCESS ? error : set_name(walk, ".", 1);
    }
    if (component.length == 0 || is_name(component, ".")) {
        return set_name(walk, ".", 1);
    }
    u32 error = set_name(walk, component.text, component.length);
    if (error != WASI_ESUCCESS || component.last) {
        return error;
    }
    return enter(walk);
}

static u32 walk_to_last(Walk *walk)
{
    bool done = false;
    u32 error = WASI_ESUCCESS;
    while (error == WASI_ESUCCESS && !done) {
        error = step(walk, &done);
    }
    if (error != WASI_ESUCCESS) {
        dv_walk_end(walk);
    }
    return error;
}

u32 dv_walk_start(Walk *walk, i32 root, const char *path)
{
    walk->root = root;
    walk->dir = root;
    walk->depth = 0;
    walk->links = 0;
    walk->next = 0;
    walk->slash = false;
    usize length = strlen(path);
    if (length == 0) {
        return WASI_ENOENT;
    }
    if (path[0] == '/') {
        return WASI_EPERM;
    }
    if (length >= PATH_BYTES_MAX) {
        return WASI_ENAMETOOLONG;
    }
    memcpy(walk->rest, path, length + 1);
    return walk_to_last(walk);
}

u32 dv_walk_follow(Walk *walk, u32 otherwise)
{
    u32 link_error = expand_link(walk);
    if (link_error != WASI_ESUCCESS) {
        dv_walk_end(walk);
        return link_error == WASI_EINVAL ? otherwise : link_error;
    }
    return walk_to_last(walk);
}

void dv_walk_end(Walk *walk)
{
    while (walk->depth > 0) {
        dv_host_close(walk->stack[--walk->depth]);
    }
    walk->dir = walk->root;
}
