/* tables_x64.c - (tables x64): the instructions of x86-64 as terms, from codegen/isa/x64/insts.def.
 *
 * The term x64_NAME builds the instruction NAME. Its arguments are, in the order of the row: Flags, if the instruction reads
 * flags; then every operand but registers that are only written. Its value is the register it writes (Regs2 if there
 * are two); if there is none, Flags where it writes flags, and else Done. Types tell width: R32, F64; RM32 and XM64 are a
 * register or memory of that size, XMA128 the same with memory aligned, Mem32 memory, Address an address.
 *
 * Left out are forms that only the emitter chooses, and what goes somewhere by a distance. */
#include "codegen/isa/x64/notation.h"
#include "front.h"

typedef struct Row {
    const char *name;
    X64Spec operands[X64_OPERANDS_MAX + 1];
    X64Flags flags;
} Row;

static const Row rows[] = {
#define INST(name, text, operands, encoding, feature, flags) \
    {#name, LIST operands, X64_FLAGS_##flags},
#include "codegen/isa/x64/insts.def"
#undef INST
};

static const X64FlagsInfo flags_of[] = {
#define FLAGS(name, read, defined, undefined) {read, defined, undefined},
#include "codegen/isa/x64/flags.def"
#undef FLAGS
};

static const char *const register_types[X64_WIDTHS] = {
    [X64_W_8] = "R8",    [X64_W_16] = "R16",  [X64_W_32] = "R32",  [X64_W_64] = "R64",
    [X64_W_F16] = "F16", [X64_W_F32] = "F32", [X64_W_F64] = "F64", [X64_W_V128] = "V128",
};
static const char *const either_types[X64_WIDTHS] = {
    [X64_W_8] = "RM8",    [X64_W_16] = "RM16",  [X64_W_32] = "RM32",    [X64_W_64] = "RM64",
    [X64_W_F32] = "XM32", [X64_W_F64] = "XM64", [X64_W_V128] = "XM128",
};
static const char *const memory_types[X64_WIDTHS] = {
    [X64_W_8] = "Mem8",     [X64_W_16] = "Mem16",  [X64_W_32] = "Mem32",  [X64_W_64] = "Mem64",
    [X64_W_128] = "Mem128", [X64_W_F32] = "Mem32", [X64_W_F64] = "Mem64", [X64_W_V128] = "Mem128",
};
/* NULL: rules do not build such an instruction. */
static const char *const number_types[X64_PLACES] = {
    [X64_AT_COND] = "Cond", [X64_AT_I8] = "u8",    [X64_AT_I16] = "i16",
    [X64_AT_I32] = "i32",   [X64_AT_I32S] = "i32", [X64_AT_I64] = "i64",
};

static bool is_memory_place(u32 place)
{
    return place >= X64_AT_RM && place <= X64_AT_ADDRESS;
}

static const char *operand_type(const X64Spec *spec)
{
    if (spec->role == X64_NUMBER) {
        return number_types[spec->place];
    }
    switch (spec->place) {
    case X64_AT_RM:
        return either_types[spec->width];
    case X64_AT_RMA:
        return "XMA128";
    case X64_AT_MEM:
        return memory_types[spec->width];
    case X64_AT_ADDRESS:
        return "Address";
    default:
        return register_types[spec->width];
    }
}

/* Forms on the accumulator name it in their text. */
static bool is_accumulator_form(const Row *row)
{
    const X64Spec *first = &row->operands[0];
    return first->role != X64_NO_ROLE && first->place == X64_AT_RAX && !first->hidden;
}

static bool is_buildable(const Row *row)
{
    bool ok = !is_accumulator_form(row);
    for (const X64Spec *spec = row->operands; spec->role != X64_NO_ROLE; spec++) {
        ok = ok && operand_type(spec) != NULL;
    }
    return ok;
}

static bool is_result(const X64Spec *spec)
{
    return (spec->role == X64_DEF || spec->role == X64_MOD) && !is_memory_place(spec->place);
}

void dv_isle_declare_x64_types(Isle *isle)
{
    static const char *const others[] = {"Flags", "Done", "Regs2"};
    for (u32 i = 0; i < ARRAY_LEN(others); i++) {
        dv_isle_declare_table_type(isle, others[i]);
    }
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        for (const X64Spec *spec = rows[i].operands; spec->role != X64_NO_ROLE; spec++) {
            const char *type = operand_type(spec);
            if (type != NULL) {
                dv_isle_declare_table_type(isle, type);
            }
        }
    }
}

static void declare_row(Isle *isle, const Row *row, IslePos pos)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    IsleSym name = dv_isle_sym(isle, dv_arena_printf(isle->arena, "x64_%s", row->name));
    if (dv_map_get(&isle->term_of_name, name.id, NULL)) {
        return; /* a second (tables x64), reported */
    }
    IsleTerm term = dv_isle_add_term(isle, name, pos);
    const X64FlagsInfo *flags = &flags_of[row->flags];
    const char *ret = flags->defined != 0 ? "Flags" : "Done";
    u32 results = 0;
    if (flags->read != 0) {
        dv_isle_add_table_arg(isle, term, "Flags", "flags");
    }
    for (u32 i = 0; row->operands[i].role != X64_NO_ROLE; i++) {
        const X64Spec *spec = &row->operands[i];
        if (is_result(spec)) {
            ret = results++ == 0 ? operand_type(spec) : "Regs2";
        }
        if (spec->role != X64_DEF || is_memory_place(spec->place)) {
            dv_isle_add_table_arg(isle, term, operand_type(spec), names[i]);
        }
    }
    IsleTermInfo *info = isle_term(isle, term);
    info->ret = dv_isle_table_type(isle, ret);
    info->match = info->ret;
    info->ctor = CTOR_INST;
    info->ctor_pos = pos;
    info->inst = dv_arena_printf(isle->arena, "X64_%s", row->name);
}

void dv_isle_declare_x64_terms(Isle *isle, IslePos pos)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (is_buildable(&rows[i])) {
            declare_row(isle, &rows[i], pos);
        }
    }
}
