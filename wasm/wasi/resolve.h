/* resolve.h - Walk, finding what a guest's path names without ever leaving the directory it starts at.
 *
 * The path is taken apart here, component by component; the host sees one name at a time, relative to
 * a directory that is already open, and is told never to follow a symbolic link. Links are read and
 * their text takes the place of the component. So:
 *
 * - an absolute path, and a link to one, is refused: there is nothing to start from (EPERM);
 * - ".." goes back to the directory the walk came from, whose descriptor is still open, never to what
 *   the host calls "..": whoever moves directories about meanwhile can make the walk find something
 *   else below the root, but not lead it above; above the root is EPERM;
 * - links are followed LINKS_MAX times at most (ELOOP), texts and depth are bounded (ENAMETOOLONG).
 *
 * The last component is left to the caller, as a directory and a name: it opens or changes it, again
 * without following, and if the name turns out to be a link that is to be followed, calls
 * dv_walk_follow and tries once more. Nothing is checked first and used later, so races change results
 * but open no way out.
 */
#ifndef DV_WASI_RESOLVE_H
#define DV_WASI_RESOLVE_H

#include "host.h"

enum {
    PATH_BYTES_MAX = 4096,              /* of a path or the text of a link, with a NUL */
    PATH_REST_MAX = 2 * PATH_BYTES_MAX, /* what is left to walk once links are expanded */
    WALK_DEPTH_MAX = 256,
    LINKS_MAX = 40
};

typedef struct Walk {
    i32 dir;                  /* the directory that holds name; the walk's */
    char name[HOST_NAME_MAX]; /* one component; "." if the path names dir itself */
    bool slash;               /* the path ended with a slash: only a directory will do */
    /* Inside: */
    i32 root;
    i32 stack[WALK_DEPTH_MAX];
    u32 depth;
    u32 links;
    usize next; /* of what is left */
    char rest[PATH_REST_MAX];
} Walk;

/* ---- resolve.c ---- */

/* Walks to the last component of a path, relative to an open directory. dv_walk_end is due after success
 * only. */
u32 dv_walk_start(Walk *walk, i32 root, const char *path);
/* Goes on where the link dir/name leads, to another last component. If the name is no link, `otherwise`,
 * which is what the attempt to use it gave. After an error the walk has ended. */
u32 dv_walk_follow(Walk *walk, u32 otherwise);
void dv_walk_end(Walk *walk);

#endif
