/* diag.h - Diag, what is wrong with the input and where.
 *
 * Whoever finds bad input calls dv_diag_error and goes on or returns false; the first error is the
 * one that decides. Texts are clean whatever the input was: control characters and what is not
 * UTF-8 are stored as \xNN.
 */
#ifndef DV_DIAG_H
#define DV_DIAG_H

#include "arena.h"
#include "text.h"
#include "vec.h"

enum {
    DIAG_MESSAGES_MAX = 1000, /* later ones are only counted */
    DIAG_QUOTE_MAX = 80       /* bytes of the input shown by dv_diag_quote */
};

typedef enum DiagSeverity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE } DiagSeverity;

typedef struct DiagMessage {
    u32 line;   /* from 1; 0: no position */
    u32 column; /* in bytes, from 1; 0: the whole line */
    DiagSeverity severity;
    const char *text;
} DiagMessage;

typedef struct Diag {
    Arena *arena;
    VEC(DiagMessage) messages;
    u64 error_count;
    u64 dropped_count; /* messages beyond DIAG_MESSAGES_MAX */
} Diag;

void dv_diag_init(Diag *diag, Arena *arena);
DV_PRINTF(4, 5)
void dv_diag_error(Diag *diag, u32 line, u32 column, const char *format, ...);
DV_PRINTF(5, 6)
void dv_diag_add(Diag *diag, DiagSeverity severity, u32 line, u32 column, const char *format, ...);
/* True while there was no error. */
static inline bool dv_diag_ok(const Diag *diag)
{
    return diag->error_count == 0;
}
/* The first error, or NULL. */
const DiagMessage *dv_diag_first(const Diag *diag);
/* Appends all messages, a line each: "file:line:column: error: text". */
void dv_diag_format(const Diag *diag, const char *file, TextBuf *out);
/* Bytes of the input as they may be shown inside a message, cut after DIAG_QUOTE_MAX with "..." */
const char *dv_diag_quote(Arena *arena, const char *bytes, usize size);

#endif
