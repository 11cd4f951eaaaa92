/* engine.h - engines: what runs the functions of a CLIF file and can say what came of it, all in the same words.
 *
 *   evaluator   eval eval32 eval64 eval32be eval64be
 *   Pulley      a target of codegen/isa, compiled, linked, verified and interpreted in one of the build's
 *               dispatch forms: one engine a form
 *
 * An engine holds the compiled functions and one instance: memories, tables, globals and segments, which functions
 * name by index. What is not set up is made by the first call, from the first declaration in the file.
 *
 * Sandboxed Pulley code of every target runs on every host; raw code only where width and byte order are the
 * host's. In raw code plain memory is that of this process. Undefined bits of arguments are not zero.
 *
 * Engines escape when memory runs out; whoever made one frees it on that way too.
 */
#ifndef DV_TOOLS_ENGINE_H
#define DV_TOOLS_ENGINE_H

#include "codegen/ir/eval.h"
#include "codegen/ir/parse.h"
#include "codegen/isa/isa.h"
#include "interp/interp.h"
#include "tools/settings.h"

enum { ENGINES_MAX = 4 }; /* of one target */

typedef struct Engine Engine;

typedef struct EngineOptions {
    const char *target;
    u32 variant; /* below dv_engine_count */
    u64 max_steps; /* evaluator: instructions; Pulley, native code with polls: taken branches and calls; 0: no limit */
    u64 max_ns;        /* native code: CPU time of a call; 0: no limit */
    u8 allocator;      /* ALLOCATOR_ */
    Settings settings; /* what the file says for this target */
    bool other_stack;  /* evaluator: see EvalOptions */
    u16 mutate_op;
    u8 mutation;
    const Engine *
        like; /* of the same file, target and allocator: its code is used, so it is freed later; NULL */
} EngineOptions;

typedef struct EngineResult {
    EvalResult eval; /* steps: of the evaluator alone */
    bool
        is_hole; /* EVAL_ERROR because of what the target is known not to do, or this host cannot run */
} EngineResult;

typedef struct EngineOps {
    void (*free)(Engine *e);
    void (*reset)(Engine *e, const ClifFunc *owner);
    bool (*set_memory)(Engine *e, u32 index, u64 bytes);
    u8 *(*memory)(Engine *e, u32 index, u64 *bytes);
    bool (*set_table)(Engine *e, u32 index, u64 elems);
    u32 *(*table)(Engine *e, u32 index, u64 *elems);
    bool (*set_global)(Engine *e, u32 index, EvalValue value);
    bool (*global)(Engine *e, u32 index, EvalValue *value);
    bool (*set_data)(Engine *e, u32 index, const u8 *bytes, u64 len);
    bool (*set_elem)(Engine *e, u32 index, const u32 *refs, u64 len);
    u32 (*func_ref)(Engine *e, const ClifFunc *f);
    void (*call)(Engine *e, const ClifFunc *f, const EvalValue *args, Arena *arena,
                 EngineResult *out);
} EngineOps;

struct Engine {
    const EngineOps *ops;
    const char *label; /* tells engines of a target apart: "switch dispatch"; "" */
    bool is_raw;       /* since the reset: plain memory is this process's, and nothing checks it */
    bool exact_nans;   /* NaNs that arithmetic makes are the canonical one */
    const ClifFile *file;
    Arena *arena;
    EngineOptions options;
    u64 polls;           /* of the call */
    bool is_over_budget; /* it took too many steps */
};

/* ---- engine.c ---- */

/* The name of a target that can be executed, evaluators first; NULL behind the last. */
const char *dv_engine_target(u32 number);
/* How many engines there are for the target: 0 if it cannot be executed. */
u32 dv_engine_count(const char *target);
/* For interpreters whose context is the Engine: counts steps, each poll asking for the next one. */
u32 dv_engine_answer_poll(void *engine, Interp *vm, u32 bits);
/* A segment of `count` elements of a size, copied to the arena. */
void dv_engine_set_segment(Arena *arena, InterpSegment *segment, const void *from, u64 count,
                           usize size);
/* The evaluator that has the target's data layout. */
const char *dv_engine_oracle(const char *target);
/* True if the evaluator trapped at an access of plain memory, or at the end of a stack that the program has made of some: raw
 * code does not check that. */
bool dv_engine_trapped_at_plain_memory(const EvalResult *result);
/* Appends values as CLIF has them, with commas between. */
void dv_engine_print_values(TextBuf *text, const EvalValue *values, u32 count);
/* Appends why a call did not return: "traps int_divz", "does not end within the step limit". */
void dv_engine_print_failure(TextBuf *text, const EvalResult *result);
/* The CPU time that native code gets in place of so many steps: max_ns for max_steps. */
u64 dv_engine_time(u64 steps);
/* Whether an engine's value is what the evaluator gave, or a test expects: bit for bit, but that any quiet NaN may
 * stand for the canonical one where NaNs are not exact. */
bool dv_engine_value_fits(const Engine *e, const EvalValue *want, const EvalValue *got);
/* The file's functions must have been verified, and stay. Memory is the arena's and, for what the code runs in, malloc's. */
Engine *dv_engine_new(const ClifFile *file, Arena *arena, const EngineOptions *options);

/* As those of eval.h that are called so. */
static inline void dv_engine_free(Engine *e)
{
    if (e != NULL) {
        e->ops->free(e);
    }
}
/* To a fresh instance, before anything else: one for runs that this function's directives ask for. Only functions
 * that they and the function name, and those that these name, are in it; calling another one resets. */
static inline void dv_engine_reset(Engine *e, const ClifFunc *owner)
{
    e->ops->reset(e, owner);
}
static inline void dv_engine_call(Engine *e, const ClifFunc *f, const EvalValue *args, Arena *arena,
                                  EngineResult *out)
{
    e->ops->call(e, f, args, arena, out);
}

/* ---- engine_native.c ---- */

/* True if the target is this machine's. */
bool dv_engine_native_is(const char *target);
/* How many engines: without extensions of the instruction set, and with those of this machine. */
u32 dv_engine_native_count(void);
Engine *dv_engine_native_new(const ClifFile *file, Arena *arena, const EngineOptions *options);

/* ---- engine_pulley.c ---- */

Engine *dv_engine_pulley_new(const ClifFile *file, Arena *arena, const EngineOptions *options);
/* The number of dispatch forms of this build. */
u32 dv_engine_pulley_count(void);
/* What of a function the target is known not to do: "vectors"; NULL if nothing. */
const char *dv_engine_pulley_hole(const Func *f);

#endif
