/* pulley.c - the targets pulley32, pulley64, pulley32be and pulley64be. */
#include "codegen/isa/pulley/pulley_isa.h"

#include "codegen/isa/pulley/target.h"

/* Slots of the window, then those of callees: nothing is put there unless a call is to find it there. */
static const u8 window_order[PUL_WINDOW + PUL_OUT_COUNT] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS(n) ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24), ROW(n + 32)
    ROWS(0),   ROWS(40),     ROWS(80),         ROWS(120),
    ROWS(160), ROW(PUL_OUT), ROWS(PUL_OUT + 8)
#undef ROW
#undef ROWS
};

static const RaMachine machine = {
    .num_classes = 1,
    .classes = {{window_order, ARRAY_LEN(window_order), ARRAY_LEN(window_order), {PUL_SCRATCH}, 1}},
};

static u32 type_classes(Type type, u8 classes[VALUE_REGS_MAX])
{
    classes[0] = classes[1] = 0;
    return !type_is_scalar(type) ? 0 : type_bits(type) > 64 ? 2 : 1;
}

#define TARGET(bits) \
    { \
        .machine = &machine, .num_exception_values = 2, .exception_type = TYPE_I##bits, \
        .type_classes = type_classes, .lower_inst = dv_pul_lower_inst, \
        .lower_branch = dv_pul_lower_branch, .lower_params = dv_pul_lower_params, \
        .lower_jump = dv_pul_lower_jump \
    }
static const LowerTarget target32 = TARGET(32);
static const LowerTarget target64 = TARGET(64);

static const LowerTarget *begin(const Isa *isa, const CompileOptions *options, Func *f,
                                Arena *arena, void **context)
{
    PulContext *ctx = ARENA_NEW(arena, PulContext);
    bool ok = true;
    ctx->isa = isa;
    ctx->options = options;
    ctx->func = f;
    ctx->arena = arena;
    ctx->arg_slots = dv_pul_slots(f->sig.params, f->sig.num_params, &ok);
    ctx->result_slots = dv_pul_slots(f->sig.results, f->sig.num_results, &ok);
    ctx->incoming_slots = ctx->arg_slots > PULLEY_ARGS_MAX ? ctx->arg_slots - PULLEY_ARGS_MAX : 0;
    *context = ctx;
    return isa->address_bits == 32 ? &target32 : &target64;
}

#define ISA(label, bits, big) \
    { \
        .name = label, .address_bits = bits, .any_addresses = true, .big_endian = big, \
        .legal = {.name = label, \
                  .covers = dv_pul_covers, \
                  .big_endian = big, \
                  .swaps_atomics = true}, \
        .inst_name = dv_pul_inst_name, .begin = begin, .emit = dv_pul_emit_func \
    }

const Isa dv_pulley_isas[PULLEY_ISA_COUNT] = {
    ISA("pulley32", 32, false),
    ISA("pulley64", 64, false),
    ISA("pulley32be", 32, true),
    ISA("pulley64be", 64, true),
};
