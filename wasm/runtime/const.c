/* const.c - constant expressions: read when a module is loaded, evaluated when it is instantiated.
 *
 * Source: WebAssembly core specification 3.0, "Constant Expressions". The decoder has validated them; here they become
 * steps of a stack machine that need no decoding again. Nearly all are one step, and are not pushed anywhere.
 */
#include "wasm/runtime/internal.h"

/* ---- reading ---- */

typedef struct ConstReader {
    RtModule *module;
    RtError *error;
    u32 depth, most;
} ConstReader;

/* The step that an arithmetic operation is; CONST_VALUE if it is none. */
static ConstOp arithmetic_of(u32 op)
{
    switch (op) {
    case W_i32_add:
        return CONST_ADD32;
    case W_i32_sub:
        return CONST_SUB32;
    case W_i32_mul:
        return CONST_MUL32;
    case W_i64_add:
        return CONST_ADD64;
    case W_i64_sub:
        return CONST_SUB64;
    case W_i64_mul:
        return CONST_MUL64;
    default:
        return CONST_VALUE;
    }
}

static bool refuse(ConstReader *r, const WasmInst *inst)
{
    dv_rt_error(r->error, DAVIT_ERROR_UNSUPPORTED, "%s in a constant expression is not supported",
                dv_wasm_ops[inst->op].text);
    return false;
}

static bool add_step(ConstReader *r, const WasmInst *inst)
{
    ConstStep step = {.op = CONST_VALUE, .index = inst->index};
    switch (inst->op) {
    case W_i32_const:
    case W_f32_const:
        step.value.lo = (u32)inst->value;
        break;
    case W_i64_const:
    case W_f64_const:
        step.value.lo = inst->value;
        break;
    case W_v128_const:
        step.value = (RtVal){load_le64(inst->bytes), load_le64(inst->bytes + 8)};
        break;
    case W_ref_null:
        break;
    case W_ref_func:
        step.op = CONST_FUNC;
        break;
    case W_global_get:
        step.op = CONST_GLOBAL;
        break;
    default:
        step.op = (u8)arithmetic_of(inst->op);
        if (step.op == CONST_VALUE || r->depth < 2) {
            return refuse(r, inst);
        }
        r->depth -= 2;
        break;
    }
    r->depth++;
    r->most = r->depth > r->most ? r->depth : r->most;
    vec_push(&r->module->arena, &r->module->steps, step);
    return true;
}

bool dv_const_read(RtModule *module, Span span, ConstExpr *out, Diag *diag, RtError *error)
{
    ConstReader r = {.module = module, .error = error};
    WasmReader reader;
    WasmInst inst;
    u32 first = module->steps.len;
    dv_wasm_reader_init(&reader, &module->info, span, diag);
    while (dv_wasm_next(&reader, &inst)) {
        if (inst.op == W_end) {
            *out = (ConstExpr){first, module->steps.len - first, r.most};
            return r.depth == 1 || refuse(&r, &inst);
        }
        if (!add_step(&r, &inst)) {
            return false;
        }
    }
    dv_rt_error(error, DAVIT_ERROR_INVALID, "%s", dv_diag_first(diag)->text);
    return false;
}

/* ---- evaluating ---- */

static bool take_value(RtInstance *instance, const ConstStep *step, RtVal *out)
{
    *out = step->value;
    if (step->op == CONST_GLOBAL) {
        *out = dv_rt_global_get(instance_global(instance, step->index));
    } else if (step->op == CONST_FUNC) {
        const RtFunc *func = dv_rt_instance_func(instance, step->index);
        if (func == NULL) {
            return false;
        }
        out->lo = func->handle;
    }
    return true;
}

static u64 combine(u32 op, u64 a, u64 b)
{
    switch (op) {
    case CONST_ADD32:
        return (u32)(a + b);
    case CONST_SUB32:
        return (u32)(a - b);
    case CONST_MUL32:
        return (u32)(a * b);
    case CONST_ADD64:
        return a + b;
    case CONST_SUB64:
        return a - b;
    default:
        return a * b;
    }
}

static bool run_steps(RtInstance *instance, ConstExpr expr, RtVal *stack)
{
    const ConstStep *step = instance->module->steps.data + expr.first;
    RtVal *top = stack; /* behind the last value */
    for (u32 i = 0; i < expr.count; i++, step++) {
        if (step->op <= CONST_FUNC) {
            if (!take_value(instance, step, top)) {
                return false;
            }
            top++;
        } else {
            top--;
            top[-1].lo = combine(step->op, top[-1].lo, top[0].lo);
        }
    }
    return true;
}

davit_status_t dv_const_eval(RtInstance *instance, ConstExpr expr, RtVal *out)
{
    RtVal few[16] = {{0, 0}};
    const davit_allocator_t *allocator = &instance->store->config.allocator;
    usize size = expr.depth * sizeof(RtVal);
    RtVal *stack = expr.depth <= ARRAY_LEN(few) ? few : dv_rt_alloc(allocator, size);
    if (stack == NULL) {
        return DAVIT_ERROR_MEMORY;
    }
    bool ok = run_steps(instance, expr, stack);
    if (ok) {
        *out = stack[0];
    }
    if (stack != few) {
        dv_rt_free(allocator, stack, size);
    }
    return ok ? DAVIT_OK : DAVIT_ERROR_MEMORY;
}
