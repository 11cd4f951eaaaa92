/* engine.c - engines by name, and the evaluator as one. */
#include "tools/engine.h"

#include "codegen/ir/print.h"
#include "codegen/isa/x64/x64_isa.h"

typedef struct EvalEngine {
    Engine base;
    Evaluator *e;
} EvalEngine;

static Evaluator *evaluator(Engine *e)
{
    return ((EvalEngine *)e)->e;
}

static void free_eval(Engine *e)
{
    dv_eval_free(evaluator(e));
}

static void reset(Engine *e, const ClifFunc *owner)
{
    (void)owner;
    dv_eval_reset(evaluator(e));
}

static bool set_memory(Engine *e, u32 index, u64 bytes)
{
    return dv_eval_set_memory(evaluator(e), index, bytes);
}

static u8 *memory(Engine *e, u32 index, u64 *bytes)
{
    return dv_eval_memory(evaluator(e), index, bytes);
}

static bool set_table(Engine *e, u32 index, u64 elems)
{
    return dv_eval_set_table(evaluator(e), index, elems);
}

static u32 *table(Engine *e, u32 index, u64 *elems)
{
    return dv_eval_table(evaluator(e), index, elems);
}

static bool set_global(Engine *e, u32 index, EvalValue value)
{
    return dv_eval_set_global(evaluator(e), index, value);
}

static bool global(Engine *e, u32 index, EvalValue *value)
{
    return dv_eval_global(evaluator(e), index, value);
}

static bool set_data(Engine *e, u32 index, const u8 *bytes, u64 len)
{
    return dv_eval_set_data(evaluator(e), index, bytes, len);
}

static bool set_elem(Engine *e, u32 index, const u32 *refs, u64 len)
{
    return dv_eval_set_elem(evaluator(e), index, refs, len);
}

static u32 func_ref(Engine *e, const ClifFunc *f)
{
    return dv_eval_func_ref(evaluator(e), &f->func);
}

static void call(Engine *e, const ClifFunc *f, const EvalValue *args, Arena *arena,
                 EngineResult *out)
{
    out->is_hole = false;
    dv_eval_call(evaluator(e), &f->func, args, f->func.sig.num_params, arena, &out->eval);
}

static Engine *new_eval(const ClifFile *file, Arena *arena, const EngineOptions *options)
{
    static const EngineOps ops = {free_eval,  reset,  set_memory, memory,   set_table, table,
                                  set_global, global, set_data,   set_elem, func_ref,  call};
    EvalOptions eval = {
        .big_endian = strstr(options->target, "be") != NULL,
        .address_bits = strstr(options->target, "32") != NULL ? 32 : 64,
        .max_steps = options->max_steps,
        .other_stack = options->other_stack,
        .mutate_op = options->mutate_op,
        .mutation = options->mutation,
    };
    EvalEngine *engine = ARENA_NEW(arena, EvalEngine);
    engine->base = (Engine){.ops = &ops,
                            .label = "",
                            .exact_nans = true,
                            .file = file,
                            .arena = arena,
                            .options = *options};
    engine->e = dv_eval_new(arena->pool, &eval);
    if (engine->e == NULL) {
        dv_escape(arena->pool, DAVIT_ERROR_MEMORY);
    }
    for (u32 i = 0; i < file->funcs.len; i++) {
        dv_eval_add(engine->e, &file->funcs.data[i]->func);
    }
    return &engine->base;
}

static const char *const evaluators[] = {"eval", "eval32", "eval64", "eval32be", "eval64be"};

static bool is_eval(const char *target)
{
    for (usize i = 0; i < ARRAY_LEN(evaluators); i++) {
        if (strcmp(evaluators[i], target) == 0) {
            return true;
        }
    }
    return false;
}

const char *dv_engine_target(u32 number)
{
    const u32 first = ARRAY_LEN(evaluators);
    const Isa *isa = number < first ? NULL : dv_isa_at(number - first);
    return number < first ? evaluators[number] : isa == NULL ? NULL : isa->name;
}

u32 dv_engine_count(const char *target)
{
    const Isa *isa = dv_isa_find(target, strlen(target));
    return is_eval(target)                     ? 1
           : dv_engine_native_is(target)       ? dv_engine_native_count()
           : isa != NULL && isa != &dv_x64_isa ? dv_engine_pulley_count()
                                               : 0;
}

const char *dv_engine_oracle(const char *target)
{
    bool is_32 = strstr(target, "32") != NULL;
    bool is_big = strstr(target, "be") != NULL;
    return is_32 ? (is_big ? "eval32be" : "eval32") : is_big ? "eval64be" : "eval64";
}

void dv_engine_print_values(TextBuf *text, const EvalValue *values, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_str(text, i == 0 ? "" : ", ");
        dv_print_literal(text, values[i].type, values[i].bytes);
    }
}

void dv_engine_print_failure(TextBuf *text, const EvalResult *result)
{
    char name[16];
    switch (result->outcome) {
    case EVAL_TRAPPED:
        dv_text_printf(text, "traps %s", dv_trap_name(result->trap, name));
        break;
    case EVAL_OUT_OF_STEPS:
        dv_text_str(text, "does not end within the step limit");
        break;
    default:
        dv_text_printf(text, "cannot be evaluated: %s", result->reason);
        break;
    }
}

/* Bits of a float lane of this width: what is set in every quiet NaN, and the width of the fraction. */
static bool is_quiet_nan(const u8 *bytes, u32 size, bool canonical)
{
    u32 exponent_bits = size == 2 ? 5 : size == 4 ? 8 : size == 8 ? 11 : 15;
    u32 low_bits = size * 8 - 2 - exponent_bits; /* of the fraction, without the quiet bit */
    for (u32 bit = 0; bit < size * 8; bit++) {
        bool is_set = (bytes[bit / 8] >> bit % 8 & 1) != 0;
        bool is_sign = bit == size * 8 - 1;
        if (bit >= low_bits && !is_sign ? !is_set : is_set && canonical) {
            return false;
        }
    }
    return true;
}

bool dv_engine_value_fits(const Engine *e, const EvalValue *want, const EvalValue *got)
{
    u32 size = type_lane_bits(want->type) / 8;
    if (want->type != got->type) {
        return false;
    }
    for (u32 at = 0; at < type_bytes(want->type); at += size) {
        bool is_open = !e->exact_nans && type_is_float_lane(want->type) &&
                       is_quiet_nan(want->bytes + at, size, true) &&
                       is_quiet_nan(got->bytes + at, size, false);
        if (!is_open && memcmp(want->bytes + at, got->bytes + at, size) != 0) {
            return false;
        }
    }
    return true;
}

void dv_engine_set_segment(Arena *arena, InterpSegment *segment, const void *from, u64 count,
                           usize size)
{
    void *data = dv_arena_array(arena, (usize)count, size, 16);
    if (count != 0) {
        memcpy(data, from, (usize)count * size);
    }
    *segment = (InterpSegment){data, count};
}

u32 dv_engine_answer_poll(void *engine, Interp *vm, u32 bits)
{
    Engine *e = engine;
    (void)bits;
    if (e->options.max_steps == 0) {
        return INTERP_GO_ON;
    }
    if (e->polls++ >= e->options.max_steps) {
        e->is_over_budget = true;
        return PULLEY_TRAP_interrupt;
    }
    dv_interp_notify(vm);
    return INTERP_GO_ON;
}

/* Far more than any step takes, in machine code above all: what ends within its steps ends in that time. */
enum { STEP_NS = 100 };
#define TIME_MIN_NS ((u64)1000000000)

u64 dv_engine_time(u64 steps)
{
    u64 time = steps > UINT64_MAX / STEP_NS ? UINT64_MAX : steps * STEP_NS;
    return steps != 0 && time < TIME_MIN_NS ? TIME_MIN_NS : time;
}

/* The copy of a structure is made before the first instruction. */
static bool trapped_at_entry(const EvalResult *result)
{
    const Func *f = result->trap_func;
    bool is_sarg = false;
    for (u32 i = 0; i < f->sig.num_params; i++) {
        is_sarg = is_sarg || f->sig.params[i].purpose == PURPOSE_SARG;
    }
    return is_sarg && result->trap == TRAP_heap_oob &&
           result->trap_inst.id == dv_block(f, f->first_block)->first.id;
}

bool dv_engine_trapped_at_plain_memory(const EvalResult *result)
{
    bool has_place = result->outcome == EVAL_TRAPPED && result->trap_func != NULL;
    bool is_stack_end = result->outcome == EVAL_TRAPPED && result->trap == TRAP_stk_ovf &&
                        result->trap_on_other_stack;
    if (!has_place || is_stack_end) {
        return is_stack_end;
    }
    const OpInfo *info = dv_inst_info(result->trap_func, result->trap_inst);
    bool is_call = (info->effects & FX_CALL) != 0; /* of memcpy, say */
    bool is_access = (info->effects & (FX_LOAD | FX_STORE)) != 0;
    bool is_checked =
        strncmp(info->name, "heap_", 5) == 0 || strncmp(info->name, "table_", 6) == 0 ||
        strncmp(info->name, "memory_", 7) == 0 || strncmp(info->name, "global_", 7) == 0;
    return (is_access && !is_checked) || (is_call && result->trap == TRAP_heap_oob) ||
           trapped_at_entry(result);
}

Engine *dv_engine_new(const ClifFile *file, Arena *arena, const EngineOptions *options)
{
    return is_eval(options->target)               ? new_eval(file, arena, options)
           : dv_engine_native_is(options->target) ? dv_engine_native_new(file, arena, options)
                                                  : dv_engine_pulley_new(file, arena, options);
}
