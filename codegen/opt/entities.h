/* entities.h - the pass that makes plain CLIF of what a function does with its module's entities, for native targets.
 *
 * After it a function names no memory, table, global, segment or function entity: it loads and stores through its
 * vmctx, whose layout is rt/vmctx.h, checks bounds, and calls the runtime's helpers. What traps, and in which order, is as
 * the evaluator has it (codegen/ir/eval_entity.c).
 *
 * The vmctx is parameter 0 of the convention wasm: it is put in front of every signature of that convention that does not
 * begin with one, and passed on in calls. A function of another convention that needs one must have a parameter
 * with the purpose vmctx. */
#ifndef DV_OPT_ENTITIES_H
#define DV_OPT_ENTITIES_H

#include "base/diag.h"
#include "codegen/ir/ir.h"
#include "rt/vmctx.h"

typedef struct EntityOptions {
    const VmOptions
        *vm; /* NULL: a module that has what the function's preamble names; nothing is polled */
    bool
        heap_guard; /* accesses out of bounds go to address 0 even where they are only speculated */
    bool table_guard;
    bool big_endian; /* the target */
} EntityOptions;

/* False, with a message, if something the function names is not in the module, or it needs a vmctx and has none. Linear
 * in the size of the function. Temporary memory comes from scratch, which must not be the function's arena, and is
 * released. */
bool dv_entities_expand(Func *f, const EntityOptions *options, Arena *scratch, Diag *diag);

#endif
