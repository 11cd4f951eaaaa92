/* files.h - the files that a command line names: files as they are, folders for what they hold; which are the same. */
#ifndef DV_TOOLS_FILES_H
#define DV_TOOLS_FILES_H

#include "base/vec.h"

typedef VEC(const char *) FileList;

/* files.c: appends path, or, if it is a folder, all files under it whose name ends in suffix,
 * sorted by name. False, with *error in the arena, if there is no such path or a folder cannot be
 * read. Hosts without folders take every path for a file. */
bool dv_files_collect(Arena *arena, const char *path, const char *suffix, FileList *out,
                      const char **error);
/* Whether both names lead to one regular file, be it by links or by other spellings. Hosts without folders compare the
 * names. */
bool dv_files_same(const char *a, const char *b);
/* Whether somebody watches standard error: then long work shows how far it is. */
bool dv_files_has_terminal(void);

#endif
