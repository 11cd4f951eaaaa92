/* docs.h - the files of the tree that are printed from the tables: checked in, and checked for
 * being current. */
#ifndef DV_IR_DOCS_H
#define DV_IR_DOCS_H

#include "base/text.h"
#include "codegen/ir/ir.h"

typedef struct Document {
    const char *path; /* from the root of the tree */
    void (*write)(TextBuf *out);
} Document;

enum { DOCUMENT_COUNT = 2 };
extern const Document dv_docs[DOCUMENT_COUNT];

/* docs.c: what a set of types is, in words. */
extern const char *const dv_typeset_docs[SET_COUNT];
/* Appends what the file at this path should hold; false if no such file is generated. */
bool dv_docs_write(const char *path, TextBuf *out);
/* The first line, from 1, where these bytes differ from what the file should hold; 0 if they are
 * current. */
u32 dv_docs_stale_line(const Document *doc, Arena *scratch, const char *bytes, usize size);

#endif
