/* diff.h - the parts of `davit diff`: the command with CLIF (cmd_diff.c), Wasm modules on all engines (diff_wasm.c), what hosts give
 * them (diff_host.c), what two instances of one module differ in (diff_state.c). */
#ifndef DV_TOOLS_DIFF_H
#define DV_TOOLS_DIFF_H

#include "base/rng.h"
#include "tools/options.h"
#include "tools/wasm_value.h"
#include "wasm/wasi/link.h"

static inline bool str_is(Str text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

typedef struct DiffTally {
    u64 compared, skipped, differing;
} DiffTally;

/* ---- cmd_diff.c ---- */

/* A float of `size` bytes, corners being frequent. */
void dv_diff_choose_float(Rng *rng, u8 *bytes, u32 size);

/* ---- diff_wasm.c ---- */

typedef struct WasmDiffOptions {
    u64 runs, seed, fuel; /* fuel: of a call */
    const char *invoke;   /* the only export that is called; NULL: all */
    const WordList *args; /* of it; empty: made up */
    Features features;
    bool verbose;
} WasmDiffOptions;

/* Runs a module on all engines, in all their ways; false after a difference, or after saying why it cannot be run. */
bool dv_diff_wasm(Command *command, const char *path, const WasmDiffOptions *options,
                  DiffTally *tally);

/* ---- diff_host.c ---- */

enum { DIFF_LOG_MAX = 4096, DIFF_OUTPUT_MAX = 1 << 16 };

/* What one instance is linked with, and what it did with it. The same calls get the same answers. */
typedef struct DiffHost {
    RtStore *store;
    Wasi *wasi;
    RtLinker *linker;
    u64 num_calls;         /* of functions made up */
    u64 log[DIFF_LOG_MAX]; /* a digest of each of the first ones: which function, its arguments */
    u64 log_digest;        /* of all */
    u64 output_bytes;      /* written to standard output and standard error */
    u64 output_digest;     /* of all */
    u8 output[DIFF_OUTPUT_MAX]; /* the first ones */
} DiffHost;

/* Makes an empty one ready for this store. False: no memory. */
bool dv_diff_host_open(DiffHost *host, RtStore *store);
/* After the store has gone. */
void dv_diff_host_close(DiffHost *host);
/* Something for import `number` of the module: WASI's function; a function, memory, table, global or tag made by its
 * declaration. `arena` stays as long as the store. False if nothing can be made. */
bool dv_diff_host_import(DiffHost *host, const WasmModule *info, u32 number, Arena *arena,
                         RtExtern *out);
/* What `got` did otherwise than `want`; NULL. */
const char *dv_diff_host_compare(const DiffHost *want, const DiffHost *got, Arena *arena);

/* ---- diff_state.c ---- */

/* One NaN is as good as another: which of two comes out of an operation is not settled. Of references only counts whether they are
 * null and, of functions, the number. */
bool dv_diff_same_value(const RtStore *want_store, RtVal want, const RtStore *got_store, RtVal got,
                        ValType type);
/* The first difference in all memories, globals and tables of two instances of one module: what `got` has, and what `want`. */
const char *dv_diff_instances(const RtInstance *want, const RtInstance *got, Arena *arena);
/* The first difference in two traps of one module: code, message, status, frames; NULL. Either may be NULL: none. */
const char *dv_diff_traps(const RtTrap *want, const RtTrap *got, Arena *arena);

#endif
