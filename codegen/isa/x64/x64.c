/* x64.c - the target x86_64. */
#include "codegen/isa/x64/x64_isa.h"

#include "codegen/isa/x64/target.h"

/* First those that a call loses anyway; then those that must be given back. */
static const u8 general_order[] = {X64_RAX, X64_RCX, X64_RDX, X64_RSI, X64_RDI, 8, 9,
                                   10,      X64_RBX, X64_R12, X64_R13, 14,      15};

/* A call loses all of them. */
static const u8 xmm_order[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

/* The last general register may be pinned: then it is not allocated. */
#define MACHINE(num_general) \
    { \
        .num_classes = 2, \
        .classes = {{general_order, num_general, 8, {X64_SCRATCH}, 1}, \
                    {xmm_order, \
                     ARRAY_LEN(xmm_order), \
                     ARRAY_LEN(xmm_order), \
                     {X64_XMM << 8 | X64_XMM_SCRATCH}, \
                     2}}, \
    }
static const RaMachine machine = MACHINE(ARRAY_LEN(general_order));
static const RaMachine pinned_machine = MACHINE(ARRAY_LEN(general_order) - 1);
#undef MACHINE

static u32 type_classes(Type type, u8 classes[VALUE_REGS_MAX])
{
    classes[0] = classes[1] = type_is_int(type) ? X64_GENERAL : X64_XMM;
    return !type_is_scalar(type) ? 0 : type_is_int(type) && type_bits(type) > 64 ? 2 : 1;
}

#define LOWER_TARGET(registers) \
    { \
        .machine = &registers, .num_exception_values = X64_EXCEPTION_VALUES, \
        .exception_type = TYPE_I64, .type_classes = type_classes, .lower_inst = dv_x64_lower_inst, \
        .lower_branch = dv_x64_lower_branch, .lower_params = dv_x64_lower_params, \
        .lower_jump = dv_x64_lower_jump, \
    }
static const LowerTarget lower_target = LOWER_TARGET(machine);
static const LowerTarget pinned_target = LOWER_TARGET(pinned_machine);
#undef LOWER_TARGET

static const LowerTarget *begin(const Isa *isa, const CompileOptions *options, Func *f,
                                Arena *arena, void **context)
{
    X64Context *ctx = ARENA_NEW(arena, X64Context);
    ctx->isa = isa;
    ctx->options = options;
    ctx->func = f;
    ctx->arena = arena;
    ctx->layout = ARENA_NEW(arena, X64Layout);
    ctx->missing = dv_x64_lay_out(&f->sig, arena, ctx->layout);
    ctx->incoming_bytes = ctx->layout->arg_bytes;
    *context = ctx;
    return options->pinned_register ? &pinned_target : &lower_target;
}

static const struct {
    const char *setting;
    u8 level;
} features[X64_FEATURES] = {
    [X64_FEATURE_BASE] = {"", 0},
#define FEATURE(name, setting, level) [X64_FEATURE_##name] = {setting, level},
#include "rt/x64_features.def"
#undef FEATURE
};

/* "x86-64-v3" is all of the levels up to 3. */
static u32 find_features(const char *setting, usize length)
{
    static const char prefix[] = "x86-64-v";
    u32 level = length == sizeof prefix && memcmp(setting, prefix, sizeof prefix - 1) == 0
                    ? (u32)(setting[length - 1] - '0')
                    : 0;
    u32 found = 0;
    for (u32 i = X64_FEATURE_BASE + 1; i < X64_FEATURES; i++) {
        bool is_named = strlen(features[i].setting) == length &&
                        memcmp(features[i].setting, setting, length) == 0;
        bool is_in_level = level >= 2 && level <= 4 && features[i].level <= level;
        found |= (u32)(is_named || is_in_level) << i;
    }
    return found;
}

const Isa dv_x64_isa = {
    .name = "x86_64",
    .address_bits = 64,
    .checks_stack_limit = true,
    .expands_entities = true,
    .legal = {.name = "x86_64",
              .covers = dv_x64_covers,
              .swaps_atomics = true,
              .covers_by = dv_x64_covers_by},
    .find_features = find_features,
    .inst_name = dv_x64_inst_name,
    .begin = begin,
    .emit = dv_x64_emit_func,
    .native = &dv_x64_native,
};
