/* validate.h - what the files of the validator share: its operand stack, and which file checks
 * what.
 *
 * Everything returns false after an error, which is then in the Diag; the place is that of the last
 * instruction read.
 */
#ifndef DV_WASM_FORMAT_VALIDATE_H
#define DV_WASM_FORMAT_VALIDATE_H

#include "wasm/format/reader.h"

/* An error of validity at the last instruction. */
#define dv_validator_fail(v, ...) dv_wasm_fail(&(v)->reader, (v)->reader.start, false, __VA_ARGS__)

/* The innermost open block. */
static inline ControlFrame *dv_validator_frame(const Validator *v)
{
    ASSERT(v->frames.len != 0);
    return &v->frames.data[v->frames.len - 1];
}

/* ---- validate.c ---- */

/* Makes room for `count` operands more. */
bool dv_validator_reserve(Validator *v, u32 count);
/* Pops values of these types, the last from the top: all or none. */
bool dv_validator_pop_list(Validator *v, const ValType *types, u32 count);
bool dv_validator_push_list(Validator *v, const ValType *types, u32 count);
/* Pops a value of any type; bottom if the stack is that of unreachable code. */
bool dv_validator_pop_any(Validator *v, ValType *out);
/* Pops a reference of any type. */
bool dv_validator_pop_ref(Validator *v, ValType *out);
/* The frame of a label, and the types of a branch to it. */
bool dv_validator_find_label(Validator *v, u32 label, ControlFrame **out);
static inline u32 dv_label_types(const ControlFrame *frame, const ValType **types)
{
    bool is_loop = frame->op == W_loop;
    *types = is_loop ? frame->params : frame->results;
    return is_loop ? frame->num_params : frame->num_results;
}
/* What follows can not be reached. */
void dv_validator_set_unreachable(Validator *v);
/* A type index that must name a type of this kind. */
bool dv_validator_find_type(Validator *v, u32 index, CompKind kind, const SubType **out);
/* All types that `type` names exist. */
bool dv_validator_check_type(Validator *v, ValType type);
/* The text of a type, in the Diag's arena. */
const char *dv_validator_type_text(Validator *v, ValType type);

static inline bool dv_validator_push(Validator *v, ValType type)
{
    if (DV_UNLIKELY(v->stack.len == v->stack.cap) && !dv_validator_reserve(v, 1)) {
        return false;
    }
    v->stack.data[v->stack.len++] = type;
    return true;
}

static inline bool dv_validator_pop(Validator *v, ValType type)
{
    const ControlFrame *frame = dv_validator_frame(v);
    u32 len = v->stack.len;
    if (DV_LIKELY(len > frame->height && v->stack.data[len - 1] == type)) {
        v->stack.len = len - 1;
        return true;
    }
    return dv_validator_pop_list(v, &type, 1);
}

/* Checks a constant expression that must leave one value of this type. Globals from num_globals
 * on do not exist for it. */
bool dv_validator_constant(Validator *v, Span span, ValType expected, u32 num_globals);

/* ---- validate_refs.c ---- */

/* Instructions on references, tables and aggregates. */
bool dv_validate_ref_inst(Validator *v, const WasmInst *inst);

/* ---- validate_module.c ---- */

/* Everything the module declares, constant expressions included; its arrays are complete. */
bool dv_wasm_validate_declarations(Validator *v);

static inline ValType dv_index_type(const Limits *limits)
{
    return limits->index64 ? VT_I64 : VT_I32;
}

#endif
