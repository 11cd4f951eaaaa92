/* test_builder.c - the public builder: every operation at every type, misuse, memory running out,
 * switches, text.
 *
 * The walk builds, for each row of ops.def and each controlling type of its set, a function whose
 * parameters are operands of the types that the row allows, calls the operation's function, and
 * demands that the function verifies and that its text parses to a function that prints the same.
 */
#include "budget_testing.h"
#include "build_testing.h"

#include "base/io.h"
#include "base/rng.h"
#include "codegen/ir/build_ops.h"
#include "codegen/ir/docs.h"

/* ---- every operation at every type ---- */

typedef struct Walk {
    davit_builder_t *b;
    Op op;
    davit_type_t type;
    davit_value_t args[OP_MAX_OPERANDS];
    davit_value_t list[1];
    davit_sig_t sig;
    davit_func_ref_t func;
    davit_slot_t slot;
    davit_dyn_slot_t dyn_slot;
    davit_global_value_t symbol;
    davit_constant_t constant;
    davit_memory_t memory;
    davit_table_t table;
    davit_global_t global;
    davit_wasm_type_t wasm_type;
    davit_wasm_func_t wasm_func;
    davit_data_t data;
    davit_elem_t elem;
    davit_tag_t tag;
    davit_block_t target, handler, trying;
    davit_handler_t handlers[2];
    davit_exceptions_t exceptions;
    davit_memflags_t flags;
} Walk;

static const u8 walk_mask[16] = {0, 31, 2, 30, 4, 29, 6, 28, 8, 27, 10, 26, 12, 25, 14, 24};

#define WALK_ARG(n) (w->args[n])
#define WALK_LIST w->list, 1
/* The arguments of each format's function after the builder and the type. */
#define WALK_NULLARY
#define WALK_UNARY , WALK_ARG(0)
#define WALK_UNARY_IMM , -1
#define WALK_UNARY_IEEE16 , 0x3e00
#define WALK_UNARY_IEEE32 , 0x3fc00000
#define WALK_UNARY_IEEE64 , 0x3ff8000000000000
#define WALK_UNARY_CONST , w->constant
#define WALK_UNARY_GLOBAL_VALUE , w->symbol
#define WALK_BINARY , WALK_ARG(0), WALK_ARG(1)
#define WALK_BINARY_IMM8 , WALK_ARG(0), 0
#define WALK_TERNARY , WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_TERNARY_IMM8 , WALK_ARG(0), WALK_ARG(1), 1
#define WALK_MULTI_ARY , WALK_LIST
#define WALK_SHUFFLE , WALK_ARG(0), WALK_ARG(1), walk_mask
#define WALK_INT_COMPARE , DAVIT_INT_ULE, WALK_ARG(0), WALK_ARG(1)
#define WALK_FLOAT_COMPARE , DAVIT_FLOAT_UGE, WALK_ARG(0), WALK_ARG(1)
#define WALK_JUMP , davit_to(w->target)
#define WALK_BRIF , WALK_ARG(0), davit_to(w->target), davit_to(w->handler)
#define WALK_BRANCH_TABLE , WALK_ARG(0), davit_to(w->target), walk_table(w), 2
#define WALK_CALL , w->func, WALK_LIST
#define WALK_CALL_INDIRECT , w->sig, WALK_ARG(0), WALK_LIST
#define WALK_TRY_CALL , w->func, WALK_LIST, &w->exceptions
#define WALK_TRY_CALL_INDIRECT , WALK_ARG(0), WALK_LIST, &w->exceptions
#define WALK_FUNC_ADDR , w->func
#define WALK_ATOMIC_RMW , w->flags, DAVIT_RMW_NAND, WALK_ARG(0), WALK_ARG(1)
#define WALK_ATOMIC_CAS , w->flags, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_LOAD , w->flags, WALK_ARG(0), -8
#define WALK_LOAD_NO_OFFSET , w->flags, WALK_ARG(0)
#define WALK_STORE , w->flags, WALK_ARG(0), WALK_ARG(1), 8
#define WALK_STORE_NO_OFFSET , w->flags, WALK_ARG(0), WALK_ARG(1)
#define WALK_STACK_ADDR , w->slot, 4
#define WALK_DYNAMIC_STACK_ADDR , w->dyn_slot
#define WALK_TRAP , 7
#define WALK_COND_TRAP , WALK_ARG(0), DAVIT_TRAP_HEAP_OOB
#define WALK_INT_ADD_TRAP , WALK_ARG(0), WALK_ARG(1), DAVIT_TRAP_INT_OVF
#define WALK_EXCEPTION_HANDLER_ADDRESS , w->trying, 0
#define WALK_HEAP_LOAD , w->memory, WALK_ARG(0), 16
#define WALK_HEAP_STORE , w->memory, WALK_ARG(0), WALK_ARG(1), 16
#define WALK_HEAP_LANE , w->memory, WALK_ARG(0), WALK_ARG(1), 16, 1
#define WALK_HEAP_ATOMIC_RMW , w->memory, DAVIT_RMW_XCHG, WALK_ARG(0), WALK_ARG(1), 0
#define WALK_HEAP_ATOMIC_CAS , w->memory, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2), 0
#define WALK_HEAP_NOTIFY , w->memory, WALK_ARG(0), WALK_ARG(1), 0
#define WALK_MEMORY , w->memory
#define WALK_MEMORY_UNARY , w->memory, WALK_ARG(0)
#define WALK_MEMORY_FILL , w->memory, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_MEMORY_COPY , w->memory, w->memory, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_MEMORY_INIT , w->memory, w->data, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_DATA , w->data
#define WALK_GLOBAL_GET , w->global
#define WALK_GLOBAL_SET , w->global, WALK_ARG(0)
#define WALK_TABLE , w->table
#define WALK_TABLE_UNARY , w->table, WALK_ARG(0)
#define WALK_TABLE_BINARY , w->table, WALK_ARG(0), WALK_ARG(1)
#define WALK_TABLE_FILL , w->table, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_TABLE_COPY , w->table, w->table, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_TABLE_INIT , w->table, w->elem, WALK_ARG(0), WALK_ARG(1), WALK_ARG(2)
#define WALK_ELEM , w->elem
#define WALK_REF_FUNC , w->wasm_func
#define WALK_CALL_IMPORT , w->wasm_func, WALK_LIST
#define WALK_CALL_TABLE , w->table, w->wasm_type, WALK_ARG(0), WALK_LIST
#define WALK_CALL_REF , w->wasm_type, WALK_ARG(0), WALK_LIST
#define WALK_TRY_CALL_IMPORT , w->wasm_func, WALK_LIST, &w->exceptions
#define WALK_TRY_CALL_TABLE , w->table, w->wasm_type, WALK_ARG(0), WALK_LIST, &w->exceptions
#define WALK_TRY_CALL_REF , w->wasm_type, WALK_ARG(0), WALK_LIST, &w->exceptions
#define WALK_FUEL , 12
#define WALK_THROW , w->tag, WALK_LIST

#define WALK_TYPE(set, operands) \
    BUILD_CAT4(WALK_TYPED_, BUILD_IS_FIXED(set), BUILD_HAS_T operands, )
#define WALK_TYPED_00 , w->type
#define WALK_TYPED_01
#define WALK_TYPED_10
#define WALK_TYPED_11

static const davit_dest_t *walk_table(const Walk *w)
{
    static davit_dest_t table[2];
    table[0] = davit_to(w->handler);
    table[1] = davit_to(w->target);
    return table;
}

static void call_operation(Walk *w)
{
    switch (w->op) {
#define OP(name, format, set, operands, results, effects, doc) \
    case OP_##name: \
        davit_ins_##name(w->b WALK_TYPE(set, operands) WALK_##format); \
        break;
#include "codegen/ir/ops.def"
#undef OP
    default:
        fail();
    }
}

/* Some type that an operand of this spec may have under `type`; TYPE_NONE if there is none. */
static Type operand_type(TypeSpec spec, Type type)
{
    Type only = dv_typespec_type(spec, type);
    if (only != TYPE_NONE) {
        return only;
    }
    if (spec >= TS_heap && spec <= TS_tablemin) {
        return TYPE_I32;
    }
    for (u32 t = 1; t < 0x200; t++) {
        if (dv_type_is_valid((Type)t) && dv_typespec_matches(spec, type, (Type)t)) {
            return (Type)t;
        }
    }
    return TYPE_NONE;
}

static void declare_entities(Walk *w)
{
    davit_builder_t *b = w->b;
    static const u8 zeros[TYPE_MAX_BYTES];
    static const davit_wasm_valtype_t i32_type[1] = {DAVIT_WASM_I32};
    davit_param_t one[1] = {{.type = DAVIT_I32}};
    davit_signature_t sig = {DAVIT_CC_TAIL, one, 1, one, 1};
    davit_memory_desc_t memory = {.index_type = DAVIT_I32, .min_pages = 1};
    davit_table_desc_t table = {.index_type = DAVIT_I32, .elem = DAVIT_WASM_FUNCREF, .min = 4};
    davit_global_desc_t global = {.type = w->type == 0 ? DAVIT_I32 : w->type, .is_mutable = true};
    w->sig = davit_declare_signature(b, &sig);
    w->func = davit_declare_function(b, "%callee", w->sig, DAVIT_COLOCATED);
    w->slot = davit_declare_slot(b, 16, 8);
    davit_slot_set_key(b, w->slot, 99);
    w->dyn_slot = davit_declare_dyn_slot(
        b, davit_declare_dyn_type(b, DAVIT_I32X4, davit_declare_dyn_scale(b, DAVIT_I32X4)));
    w->symbol =
        davit_declare_symbol(b, "%data", 4, w->op == OP_tls_value ? DAVIT_TLS : DAVIT_COLOCATED);
    w->memory = davit_declare_memory(b, &memory);
    w->table = davit_declare_table(b, &table);
    w->global = davit_declare_global(b, &global);
    davit_wasm_type_desc_t type = {i32_type, 1, i32_type, 1, w->sig, true, 3};
    davit_signature_t tag_sig = {DAVIT_CC_TAIL, one, 1, NULL, 0};
    davit_wasm_type_desc_t tag_type = {i32_type, 1, NULL, 0, davit_declare_signature(b, &tag_sig),
                                       false,    0};
    w->wasm_type = davit_declare_wasm_type(b, &type);
    w->wasm_func = davit_declare_wasm_func(b, w->wasm_type, "%callee", true);
    w->data = davit_declare_data(b, 0);
    w->elem = davit_declare_elem(b, 1);
    w->tag = davit_declare_tag(b, 0, davit_declare_wasm_type(b, &tag_type), false);
    if (w->op == OP_f128const || w->op == OP_vconst) {
        w->constant = davit_declare_constant(b, zeros, davit_type_bytes(w->type));
    }
}

static void end_blocks(Walk *w)
{
    davit_builder_t *b = w->b;
    if (!davit_block_is_filled(b)) {
        davit_ins_brif(b, w->list[0], davit_to(w->target), davit_to(w->trying));
    } else {
        davit_block_switch(b, w->handler); /* reaches all */
    }
    davit_block_switch(b, w->trying);
    davit_ins_try_call(b, w->func, w->list, 1, &w->exceptions);
    davit_block_switch(b, w->handler);
    davit_ins_return(b, w->list, 1);
    davit_block_switch(b, w->target);
    davit_ins_return(b, w->list, 1);
}

/* The function parsed again from its text prints the same. */
static void check_text(const Session *x, davit_func_t *f, const char *contains)
{
    const char *text;
    usize size;
    assert_int_equal(davit_func_print(f, &text, &size), DAVIT_OK);
    char *copy = malloc(size + 1);
    memcpy(copy, text, size + 1);
    assert_non_null(strstr(copy, contains));
    usize count = davit_module_count(x->module);
    davit_status_t status = davit_module_parse(x->module, copy, size);
    if (status != DAVIT_OK) {
        fail_msg("%s\n%s", davit_error_get(x->context, 0)->message, copy);
    }
    assert_int_equal(davit_func_verify(davit_module_get(x->module, count)), DAVIT_OK);
    assert_int_equal(davit_func_print(davit_module_get(x->module, count), &text, &size), DAVIT_OK);
    assert_string_equal(text, copy);
    free(copy);
}

/* Builds one function with this operation; false if no operands exist. */
static bool walk_operation(Op op, Type type)
{
    const OpInfo *info = &dv_ops[op];
    davit_param_t params[OP_MAX_OPERANDS + 1] = {{.type = DAVIT_I32}};
    davit_param_t result[1] = {{.type = DAVIT_I32}};
    davit_signature_t sig = {DAVIT_CC_TAIL, params, 1u + info->num_operands, result, 1};
    Walk w = {.op = op, .type = type};
    for (u32 n = 0; n < info->num_operands; n++) {
        params[n + 1].type = operand_type((TypeSpec)info->operands[n], type);
        if (params[n + 1].type == TYPE_NONE) {
            return false;
        }
    }
    for (u32 n = 0; n < info->num_results;
         n++) { /* dynamic vectors of two lanes cannot be widened */
        TypeSpec spec = (TypeSpec)info->results[n];
        if ((spec < TS_heap || spec > TS_tablemin) && dv_typespec_type(spec, type) == TYPE_NONE) {
            return false;
        }
    }
    if (op == OP_bitcast && type_lanes(type) != type_lanes(params[1].type)) {
        w.flags = DAVIT_MEM_BIG | DAVIT_MEM_NOTRAP;
    } else if (op == OP_bitcast) {
        w.flags = DAVIT_MEM_NOTRAP;
    } else {
        w.flags = DAVIT_MEM_LITTLE | DAVIT_MEM_ALIGNED | 9;
    }
    Session x = open_session();
    assert_int_equal(davit_builder_new(x.module, "%walk", &sig, &w.b), DAVIT_OK);
    declare_entities(&w);
    davit_block_t entry = davit_entry_block(w.b);
    for (u32 n = 0; n < info->num_operands; n++) {
        w.args[n] = davit_block_param(w.b, entry, n + 1);
    }
    w.list[0] = davit_block_param(w.b, entry, 0);
    w.target = davit_block_create(w.b);
    w.handler = davit_block_create(w.b);
    w.trying = davit_block_create(w.b);
    w.handlers[0] = (davit_handler_t){DAVIT_HANDLER_TAG, 1, davit_to(w.handler), {0}};
    w.handlers[1] = (davit_handler_t){.kind = DAVIT_HANDLER_CONTEXT, .context = w.list[0]};
    w.exceptions = (davit_exceptions_t){w.sig, davit_to(w.target), w.handlers, 2};
    davit_set_srcloc(w.b, 0x12);
    call_operation(&w);
    davit_set_srcloc(w.b, UINT32_MAX);
    end_blocks(&w);
    check_text(&x, finish_func(&x, w.b), info->name);
    close_session(&x);
    return true;
}

static void test_every_operation(void **state)
{
    (void)state;
    u32 cells = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        u32 done = 0;
        for (u32 t = 0; t < 0x200; t++) {
            bool fits = dv_ops[op].set == SET_None
                            ? t == 0
                            : dv_type_is_valid((Type)t) && dv_typeset_has(dv_ops[op].set, (Type)t);
            done += fits && walk_operation((Op)op, (Type)t);
        }
        assert_int_not_equal(done, 0);
        cells += done;
    }
    assert_true(cells > 5000);
}

/* ---- misuse ---- */

typedef void Misuse(davit_builder_t *b, davit_value_t n, davit_value_t d);

typedef struct MisuseCase {
    const char *message; /* begins so */
    Misuse *run;
} MisuseCase;

/* MISUSE(name, message, what is done with builder b, values n (i32) and d (f64) */
#define MISUSES(X) \
    X(types, "davit_ins_iadd: operand 1, v1, has type f64, it must be i32", \
      davit_ins_iadd(b, n, d)) \
    X(result_type, "davit_ins_swiden_low: no type is vector of twice", \
      davit_ins_swiden_low(b, davit_ins_zero(b, davit_dynamic_type(DAVIT_I8, 2)))) \
    X(set, "davit_ins_iadd: the type is f64, it must be one of: integers", \
      davit_ins_iadd(b, d, d)) \
    X(no_type, "davit_ins_load: 0x0 is no type", davit_ins_load(b, 0, 0, n, 0)) \
    X(bad_type, "davit_ins_load: 0xffff is no type", davit_ins_load(b, 0xffff, 0, n, 0)) \
    X(no_value, "davit_ins_ineg: no value was given", \
      davit_ins_ineg(b, (davit_value_t){DAVIT_NONE})) \
    X(bad_value, "davit_ins_ineg: there is no value v77", davit_ins_ineg(b, (davit_value_t){77})) \
    X(ret_value, "davit_ins_ineg: davit_ret and davit_exn belong", \
      davit_ins_ineg(b, davit_ret(0))) \
    X(after_end, "davit_ins_iadd: block0 has ended in return", \
      (davit_ins_return(b, &n, 1), davit_ins_iadd(b, n, n))) \
    X(return_count, "davit_ins_return: 0 values are given, the signature has 1", \
      davit_ins_return(b, NULL, 0)) \
    X(return_type, "davit_ins_return: value 0 has type f64, the signature has i32", \
      davit_ins_return(b, &d, 1)) \
    X(no_block, "davit_ins_jump: no block was given", \
      davit_ins_jump(b, davit_to((davit_block_t){DAVIT_NONE}))) \
    X(bad_block, "davit_block_switch: there is no block9", \
      davit_block_switch(b, (davit_block_t){9})) \
    X(to_entry, "davit_ins_jump: block0 is the entry", \
      davit_ins_jump(b, davit_to((davit_block_t){0}))) \
    X(sealed, "davit_ins_jump: block1 is sealed", jump_to_sealed(b)) \
    X(sealed_twice, "davit_block_seal: block0 is sealed already", \
      davit_block_seal(b, (davit_block_t){0})) \
    X(no_entity, "davit_ins_call: there is no fn3", \
      davit_ins_call(b, (davit_func_ref_t){3}, NULL, 0)) \
    X(none_entity, "davit_ins_stack_addr: no ss was given", \
      davit_ins_stack_addr(b, DAVIT_I64, (davit_slot_t){DAVIT_NONE}, 0)) \
    X(condition, "davit_ins_icmp: there is no condition", \
      davit_ins_icmp(b, DAVIT_INT_COUNT, n, n)) \
    X(rmw, "davit_ins_atomic_rmw: there is no condition", davit_ins_atomic_rmw(b, 0, 99, n, n)) \
    X(immediate, "davit_ins_iconst: 256 does not fit 8 bits", davit_ins_iconst(b, DAVIT_I8, 256)) \
    X(immediate_low, "davit_ins_iconst: -129 does not fit 8 bits", \
      davit_ins_iconst(b, DAVIT_I8, -129)) \
    X(int_type, "davit_ins_int: the type must be an integer", davit_ins_int(b, DAVIT_F32, 1)) \
    X(flags, "davit_ins_load: 0x8000 are no memory flags", \
      davit_ins_load(b, DAVIT_I32, 0x8000, n, 0)) \
    X(region, "davit_ins_load: there is no region4", \
      davit_ins_load(b, DAVIT_I32, davit_mem_region((davit_region_t){4}), n, 0)) \
    X(mask, "davit_ins_shuffle: no mask was given", \
      davit_ins_shuffle(b, davit_ins_zero(b, DAVIT_I8X16), davit_ins_zero(b, DAVIT_I8X16), NULL)) \
    X(result, "davit_inst_result: nop has no result 0", davit_inst_result(b, davit_ins_nop(b), 0)) \
    X(no_inst, "davit_inst_result: no instruction", davit_inst_result(b, (davit_inst_t){99}, 0)) \
    X(param, "davit_block_param: block0 has no parameter 5", \
      davit_block_param(b, (davit_block_t){0}, 5)) \
    X(var, "davit_use_var: there is no variable 3", davit_use_var(b, (davit_var_t){3})) \
    X(var_type, "davit_def_var: v1 has type f64, variable 0 has i32", \
      davit_def_var(b, davit_declare_var(b, DAVIT_I32), d)) \
    X(undefined, "davit_use_var: variable 0 is not assigned on every path", \
      davit_use_var(b, davit_declare_var(b, DAVIT_I32))) \
    X(var_no_type, "davit_declare_var: 0x0 is no type", davit_declare_var(b, 0)) \
    X(exceptions, "davit_ins_try_call_indirect: no exception table", \
      davit_ins_try_call_indirect(b, n, NULL, 0, NULL)) \
    X(slot, "davit_declare_slot: alignment 3 is no power of two", davit_declare_slot(b, 4, 3)) \
    X(signature, "davit_declare_signature: no signature", davit_declare_signature(b, NULL)) \
    X(name, "davit_declare_symbol: a name is spelled", davit_declare_symbol(b, "fib", 0, 0)) \
    X(constant, "davit_declare_constant: a constant has 1 to 4096 bytes", \
      davit_declare_constant(b, NULL, 0)) \
    X(switch_key, "davit_switch: the key of case 0 does not fit", \
      switch_badly(b, n, (u64)1 << 32, 0)) \
    X(switch_twice, "davit_switch: two cases have the key 0x0000000000000000", \
      switch_badly(b, n, 5, 5)) \
    X(switch_type, "davit_switch: the value must be an integer", switch_badly(b, d, 1, 2)) \
    X(else_twice, "davit_if_else: this if has had its else", else_twice(b, n)) \
    X(if_nothing, "davit_if_end: nothing was begun", end_nothing(b)) \
    X(no_terminator, "davit_builder_finish: block0 does not end", (void)0) \
    X(never_filled, "davit_builder_finish: block1 is branched to, but was never switched to", \
      davit_ins_jump(b, davit_to(davit_block_create(b)))) \
    X(never_sealed, "davit_builder_finish: block1 was never sealed", leave_unsealed(b, n)) \
    X(entry_late, "davit_entry_block: block0 was switched to before", davit_entry_block(b))

static void jump_to_sealed(davit_builder_t *b)
{
    davit_block_t block = davit_block_create(b);
    davit_block_seal(b, block);
    davit_ins_jump(b, davit_to(block));
}

static void switch_badly(davit_builder_t *b, davit_value_t value, u64 first, u64 second)
{
    davit_block_t block = davit_block_create(b);
    davit_case_t cases[2] = {{first, 0, block}, {second, 0, block}};
    davit_switch(b, value, cases, 2, block);
}

static void else_twice(davit_builder_t *b, davit_value_t condition)
{
    davit_if_t i = davit_if_begin(b, condition);
    davit_if_else(b, &i);
    davit_if_else(b, &i);
}

static void end_nothing(davit_builder_t *b)
{
    davit_if_t i = {{DAVIT_NONE}, {DAVIT_NONE}, true};
    davit_if_end(b, &i);
}

static void leave_unsealed(davit_builder_t *b, davit_value_t value)
{
    davit_block_t block = davit_block_create(b);
    davit_declare_var(b, DAVIT_I32);
    davit_ins_jump(b, davit_to(block));
    davit_block_switch(b, block);
    davit_ins_return(b, &value, 1);
}

#define MISUSE_FUNCTION(name, message, work) \
    static void misuse_##name(davit_builder_t *b, davit_value_t n, davit_value_t d) \
    { \
        (void)b; \
        (void)n; \
        (void)d; \
        work; \
    }
MISUSES(MISUSE_FUNCTION)

static const MisuseCase misuses[] = {
#define MISUSE_ROW(name, message, work) {message, misuse_##name},
    MISUSES(MISUSE_ROW)};

static void test_misuse(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(misuses); i++) {
        Session x = open_session();
        davit_param_t params[2] = {{.type = DAVIT_I32}, {.type = DAVIT_F64}};
        davit_signature_t sig = {DAVIT_CC_FAST, params, 2, params, 1};
        davit_builder_t *b;
        davit_func_t *f;
        char message[300];
        assert_int_equal(davit_builder_new(x.module, "%f", &sig, &b), DAVIT_OK);
        davit_value_t values[2];
        davit_block_t entry = {0};
        if (misuses[i].run == misuse_entry_late) {
            entry = davit_block_create(b);
            davit_block_switch(b, entry);
        } else {
            entry = davit_entry_block(b);
            values[0] = davit_block_param(b, entry, 0);
            values[1] = davit_block_param(b, entry, 1);
        }
        assert_int_equal(davit_builder_status(b), DAVIT_OK);
        misuses[i].run(b, values[0], values[1]);
        bool at_end = strncmp(misuses[i].message, "davit_builder_finish", 20) == 0;
        assert_int_equal(davit_builder_status(b), at_end ? DAVIT_OK : DAVIT_ERROR_INVALID);
        /* Nothing happens any more, and nothing crashes. */
        if (!at_end) {
            assert_int_equal(davit_ins_iadd(b, values[0], values[0]).id, DAVIT_NONE);
            assert_int_equal(davit_block_create(b).id, DAVIT_NONE);
        }
        assert_int_equal(davit_builder_finish(b, &f), DAVIT_ERROR_INVALID);
        assert_null(f);
        assert_int_equal(davit_error_count(x.context), 1);
        const davit_error_t *error = davit_error_get(x.context, 0);
        snprintf(message, sizeof message, "%s: %s", error->place, error->message);
        message[strlen(misuses[i].message)] = '\0';
        assert_string_equal(message, misuses[i].message);
        assert_int_equal(davit_module_count(x.module), 0);
        close_session(&x);
    }
}

/* What only the verifier sees comes out of davit_builder_finish, with the place. */
static void test_verifier_errors(void **state)
{
    (void)state;
    Session x = open_session();
    davit_builder_t *b = open_builder(&x, DAVIT_I32, DAVIT_I32);
    davit_value_t v = davit_block_param(b, davit_entry_block(b), 0);
    davit_func_t *f;
    davit_value_t zero = davit_ins_zero(b, DAVIT_I32X4);
    davit_ins_extractlane(b, zero, 4);
    davit_ins_return(b, &v, 1);
    assert_int_equal(davit_builder_finish(b, &f), DAVIT_ERROR_INVALID);
    assert_int_equal(davit_error_count(x.context), 1);
    const davit_error_t *error = davit_error_get(x.context, 0);
    assert_memory_equal(error->place, "%f: inst", 8);
    assert_non_null(strstr(error->place, "extractlane"));
    assert_non_null(strstr(error->message, "lane"));
    assert_null(davit_error_get(x.context, 1));
    close_session(&x);
}

/* ---- memory running out ---- */

#ifdef DAVIT_TORTURE
enum { RUNGS = 20 }; /* each allocation fails once, and they are many in torture builds */
#else
enum { RUNGS = 3000 };
#endif

/* Builds, prints, parses and runs something of some size; every status is OK or the one that
 * memory is out. */
static davit_status_t use_everything(davit_context_t *context, u32 rungs, davit_module_t **module,
                                     davit_eval_t **eval)
{
    davit_builder_t *b;
    davit_func_t *f;
    davit_result_t result;
    const char *text;
    usize size;
    davit_param_t one[1] = {{.type = DAVIT_I32}};
    davit_signature_t sig = {DAVIT_CC_FAST, one, 1, one, 1};
    davit_status_t status = davit_module_new(context, module);
    if (status != DAVIT_OK || (status = davit_builder_new(*module, "%f", &sig, &b)) != DAVIT_OK) {
        return status;
    }
    davit_var_t var = davit_declare_var(b, DAVIT_I32);
    davit_def_var(b, var, davit_block_param(b, davit_entry_block(b), 0));
    for (u32 i = 0; i < rungs; i++) {
        davit_if_t rung = davit_if_begin(b, davit_ins_band_imm(b, davit_use_var(b, var), (i64)i));
        davit_def_var(b, var, davit_ins_iadd_imm(b, davit_use_var(b, var), 3));
        davit_if_end(b, &rung);
    }
    davit_value_t v = davit_use_var(b, var);
    davit_ins_return(b, &v, 1);
    status = davit_builder_finish(b, &f);
    if (status != DAVIT_OK || (status = davit_func_print(f, &text, &size)) != DAVIT_OK ||
        (status = davit_module_parse(*module, text, size)) != DAVIT_OK ||
        (status = davit_module_verify(*module)) != DAVIT_OK ||
        (status = davit_eval_new(*module, NULL, eval)) != DAVIT_OK) {
        return status;
    }
    davit_const_t arg = davit_const_int(DAVIT_I32, 5);
    status = davit_eval_call(*eval, f, &arg, 1, &result);
    if (status == DAVIT_OK) {
        u32 x = 5;
        for (u32 i = 0; i < rungs; i++) {
            x += (x & i) != 0 ? 3 : 0;
        }
        assert_int_equal((u32)davit_const_to_int(&result.values[0]), x);
    }
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    davit_status_t status = DAVIT_ERROR_MEMORY;
    u64 most = 0;
    while (status != DAVIT_OK) {
        Budget budget = {most, 0};
        davit_allocator_t allocator = {budget_alloc, budget_free, &budget};
        davit_context_options_t options = {&allocator, 0};
        davit_context_t *context = NULL;
        davit_module_t *module = NULL;
        davit_eval_t *eval = NULL;
        status = davit_context_new(&options, &context);
        if (status == DAVIT_OK) {
            status = use_everything(context, RUNGS, &module, &eval);
        }
        if (status != DAVIT_OK) {
            assert_int_equal(status, DAVIT_ERROR_MEMORY);
        }
        davit_eval_free(eval);
        davit_module_free(module);
        davit_context_free(context);
        assert_int_equal(budget.live, 0);
        most++;
    }
    assert_true(most > 10);
}

static void test_memory_limit(void **state)
{
    (void)state;
    davit_context_options_t options = {NULL, 400 * 1024};
    davit_context_t *context;
    davit_module_t *module = NULL;
    davit_eval_t *eval = NULL;
    assert_int_equal(davit_context_new(&options, &context), DAVIT_OK);
    assert_int_equal(use_everything(context, 3000, &module, &eval), DAVIT_ERROR_LIMIT);
    assert_true(davit_context_memory(context) <= 401 * 1024);
    davit_eval_free(eval);
    davit_module_free(module);
    davit_context_free(context);
}

/* ---- switches ---- */

/* A function of one parameter that gives the number of the case met, or num_cases. */
static davit_func_t *build_switch(const Session *x, davit_type_t type, davit_case_t *cases,
                                  u32 num_cases)
{
    davit_builder_t *b = open_builder(x, type, DAVIT_I32);
    davit_value_t v = davit_block_param(b, davit_entry_block(b), 0);
    davit_block_t otherwise = davit_block_create(b);
    for (u32 i = 0; i < num_cases; i++) {
        cases[i].block = davit_block_create(b);
    }
    davit_switch(b, v, cases, num_cases, otherwise);
    for (u32 i = 0; i <= num_cases; i++) {
        davit_block_switch(b, i == num_cases ? otherwise : cases[i].block);
        davit_value_t number = davit_ins_iconst(b, DAVIT_I32, i);
        davit_ins_return(b, &number, 1);
    }
    return finish_func(x, b);
}

static davit_const_t key_const(davit_type_t type, u64 low, u64 high)
{
    davit_const_t c = davit_const_int(type, (i64)low);
    for (u32 i = 0; i < 8 && type == DAVIT_I128; i++) {
        c.bytes[8 + i] = (u8)(high >> (8 * i));
    }
    return c;
}

static void check_key(davit_eval_t *eval, davit_func_t *f, davit_type_t type,
                      const davit_case_t *cases, u32 num_cases, davit_case_t key)
{
    u32 want = 0;
    davit_result_t result;
    davit_const_t arg = key_const(type, key.low, key.high);
    while (want < num_cases && (cases[want].low != key.low || cases[want].high != key.high)) {
        want++;
    }
    assert_int_equal(davit_eval_call(eval, f, &arg, 1, &result), DAVIT_OK);
    assert_int_equal(davit_const_to_int(&result.values[0]), want);
}

/* Adds a key of this type unless it is there. */
static u32 add_key(davit_case_t *cases, u32 count, davit_type_t type, u64 low, u64 high)
{
    u32 bits = (u32)davit_type_bytes(type) * 8;
    davit_case_t key = {
        bits < 64 ? low & (((u64)1 << bits) - 1) : low, bits == 128 ? high : 0, {0}};
    for (u32 i = 0; i < count; i++) {
        if (cases[i].low == key.low && cases[i].high == key.high) {
            return count;
        }
    }
    cases[count] = key;
    return count + 1;
}

static void check_switch(Rng *rng, davit_type_t type)
{
    static davit_case_t cases[300];
    u32 count = 0;
    u32 runs = (u32)dv_rng_below(rng, 6);
    for (u32 r = 0; r < runs; r++) {
        u64 low = dv_rng_spread(rng);
        u64 high = dv_rng_chance(rng, 2) ? dv_rng_spread(rng) : 0;
        u32 length = 1 + (u32)dv_rng_below(rng, 40);
        u64 stride = 1 + dv_rng_below(rng, 4);
        for (u32 i = 0; i < length; i++) {
            u64 at = low + i * stride;
            count = add_key(cases, count, type, at, high + (at < low));
        }
    }
    Session x = open_session();
    davit_func_t *f = build_switch(&x, type, cases, count);
    davit_eval_t *eval;
    assert_int_equal(davit_eval_new(x.module, NULL, &eval), DAVIT_OK);
    for (u32 i = 0; i < (type == DAVIT_I8 ? 256u : 2 * count + 20); i++) {
        davit_case_t key = {dv_rng_spread(rng), dv_rng_spread(rng), {0}};
        if (type == DAVIT_I8) {
            key.low = i;
        } else if (i < 2 * count) { /* each key, and a neighbour */
            key = cases[i / 2];
            key.low += i % 2 == 0 ? 0 : dv_rng_chance(rng, 2) ? 1 : UINT64_MAX;
        }
        davit_case_t fitting[1];
        add_key(fitting, 0, type, key.low, key.high);
        check_key(eval, f, type, cases, count, fitting[0]);
    }
    davit_eval_free(eval);
    close_session(&x);
}

static void test_switch(void **state)
{
    (void)state;
    static const davit_type_t types[] = {DAVIT_I8, DAVIT_I16, DAVIT_I32, DAVIT_I64, DAVIT_I128};
    Rng rng;
    dv_rng_seed(&rng, 7);
    for (u32 i = 0; i < 60; i++) {
        for (u32 t = 0; t < ARRAY_LEN(types); t++) {
            check_switch(&rng, types[t]);
        }
    }
}

static void test_switch_shape(void **state)
{
    (void)state;
    davit_case_t cases[100];
    const char *text;
    Session x = open_session();
    for (u32 i = 0; i < 100; i++) {
        cases[i] = (davit_case_t){99 - i, 0, {0}};
    }
    assert_int_equal(davit_func_print(build_switch(&x, DAVIT_I32, cases, 100), &text, NULL),
                     DAVIT_OK);
    assert_non_null(strstr(text, "br_table v0"));
    assert_null(strstr(text, "icmp"));
    for (u32 i = 0; i < 100; i++) {
        cases[i].low = (u64)i * 1000;
    }
    davit_func_t *sparse = build_switch(&x, DAVIT_I32, cases, 100);
    davit_eval_t *eval;
    davit_result_t result;
    davit_const_t arg = davit_const_int(DAVIT_I32, 55000);
    assert_int_equal(davit_eval_new(x.module, NULL, &eval), DAVIT_OK);
    assert_int_equal(davit_eval_call(eval, sparse, &arg, 1, &result), DAVIT_OK);
    assert_true(result.steps <= 3 * 8 + 2); /* log2 of 100 tests of three instructions */
    davit_eval_free(eval);
    close_session(&x);
}

/* ---- modules, text, documents ---- */

static void test_parse_errors(void **state)
{
    (void)state;
    static const char bad[] = "function %f() {\nblock0:\n    frob v1\n}\n";
    static const char invalid[] =
        "function %g() {\nblock0:\n    v0 = iconst.i8 1\n    return v0\n}\n";
    Session x = open_session();
    assert_int_equal(davit_module_parse(x.module, bad, sizeof bad - 1), DAVIT_ERROR_INVALID);
    assert_int_equal(davit_module_count(x.module), 0);
    assert_int_equal(davit_error_get(x.context, 0)->line, 3);
    assert_int_equal(davit_error_get(x.context, 0)->column, 5);
    assert_int_equal(davit_module_parse(x.module, invalid, sizeof invalid - 1), DAVIT_OK);
    assert_int_equal(davit_error_count(x.context), 0);
    assert_int_equal(davit_module_verify(x.module), DAVIT_ERROR_INVALID);
    assert_int_equal(davit_error_get(x.context, 0)->line, 4);
    assert_non_null(davit_module_find(x.module, "%g"));
    assert_null(davit_module_find(x.module, "%f"));
    assert_null(davit_module_find(x.module, "g"));
    close_session(&x);
}

static void test_documents_are_current(void **state)
{
    Fixture *f = *state;
    Escape escape;
    u32 stale[DOCUMENT_COUNT];
    dv_escape_enter(&escape, &f->pool);
    for (u32 i = 0; i < DOCUMENT_COUNT; i++) {
        IoBytes bytes;
        const char *error;
        assert_int_equal(dv_io_read(&f->arena, dv_docs[i].path, 0, &bytes, &error), DAVIT_OK);
        stale[i] = dv_docs_stale_line(&dv_docs[i], &f->arena, (const char *)bytes.data, bytes.size);
        assert_int_not_equal(dv_docs_stale_line(&dv_docs[i], &f->arena, "x", 1), 0);
    }
    dv_escape_leave(&escape, &f->pool);
    for (u32 i = 0; i < DOCUMENT_COUNT; i++) {
        if (stale[i] != 0) {
            fail_msg("%s is not what the tables say from line %u", dv_docs[i].path,
                     (unsigned)stale[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation), cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_verifier_errors), cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_memory_limit),    cmocka_unit_test(test_switch),
        cmocka_unit_test(test_switch_shape),    cmocka_unit_test(test_parse_errors),
        UNIT_TEST(test_documents_are_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
