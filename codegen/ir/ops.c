/* ops.c - the tables of the language as data, and lookups by name.
 *
 * Every set of names is small, so a lookup walks it, comparing lengths before letters. A parser of
 * long texts keeps the operations in a map of its own.
 */
#include <stdio.h>

#include "codegen/ir/entity.h"
#include "codegen/ir/ir.h"

/* Rows hold lists in parentheses: EACH_TS (a, b) gives TS_a, TS_b and COUNT_TS (a, b) their number;
 * (none) is empty. */
#define TS_1(a) TS_##a
#define TS_2(a, b) TS_##a, TS_##b
#define TS_3(a, b, c) TS_##a, TS_##b, TS_##c
#define PICK_4(a, b, c, d, ...) d
#define EACH_TS(...) PICK_4(__VA_ARGS__, TS_3, TS_2, TS_1, unused)(__VA_ARGS__)
#define COUNT_TS(...) \
    PICK_COUNT(__VA_ARGS__, 3, 2, (TS_FIRST(__VA_ARGS__, unused) != TS_none), unused)
#define PICK_COUNT(a, b, c, d, ...) d
#define TS_FIRST(a, ...) TS_##a

const OpInfo dv_ops[OP_COUNT] = {
#define OP(name, format, set, operands, results, effects, doc) \
    {#name, \
     doc, \
     FORMAT_##format, \
     SET_##set, \
     (effects), \
     COUNT_TS operands, \
     COUNT_TS results, \
     {EACH_TS operands}, \
     {EACH_TS results}},
#include "codegen/ir/ops.def"
#undef OP
};

const FormatInfo dv_formats[FORMAT_COUNT] = {
#define FORMAT(name, spelling, typed_operand) {#name, spelling, typed_operand},
#include "codegen/ir/formats.def"
#undef FORMAT
};

const char *const dv_intcc_names[INTCC_COUNT] = {
#define INTCC(name, negation, swap) #name,
#include "codegen/ir/names.def"
};

const char *const dv_floatcc_names[FLOATCC_COUNT] = {
#define FLOATCC(name, negation, swap) #name,
#include "codegen/ir/names.def"
};

const char *const dv_rmw_names[RMW_COUNT] = {
#define RMW(name, meaning) #name,
#include "codegen/ir/names.def"
};

const char *const dv_callconv_names[CC_COUNT] = {
#define CALLCONV(name, tail_calls) #name,
#include "codegen/ir/names.def"
};

const char *const dv_libcall_names[LIBCALL_COUNT] = {
#define LIBCALL(name, params, result, meaning) #name,
#include "codegen/ir/names.def"
};

const char *const dv_wasm_valtype_names[WASM_EXNREF + 1] = {
    "i32", "i64", "f32", "f64", "v128", "funcref", "externref", "exnref"};

const char *const dv_entity_prefixes[ENTITY_KIND_COUNT] = {
#define ENTITY_KIND(name, prefix) prefix,
    ENTITY_KINDS(ENTITY_KIND)
#undef ENTITY_KIND
};

bool dv_format_entity(char letter, EntityKind *kind)
{
    static const struct {
        char letter;
        u8 kind;
    } letters[] = {{'G', ENTITY_GLOBAL_VALUE}, {'N', ENTITY_FUNC},     {'X', ENTITY_SIG},
                   {'Y', ENTITY_DYN_SLOT},     {'L', ENTITY_SLOT},     {'b', ENTITY_BLOCK},
                   {'m', ENTITY_MEMORY},       {'q', ENTITY_TABLE},    {'g', ENTITY_GLOBAL},
                   {'d', ENTITY_DATA},         {'e', ENTITY_ELEM},     {'k', ENTITY_TAG},
                   {'w', ENTITY_TYPE},         {'z', ENTITY_WASM_FUNC}};
    for (usize i = 0; i < ARRAY_LEN(letters); i++) {
        if (letters[i].letter == letter) {
            *kind = (EntityKind)letters[i].kind;
            return true;
        }
    }
    return false;
}

static const u8 intcc_negations[INTCC_COUNT] = {
#define INTCC(name, negation, swap) INTCC_##negation,
#include "codegen/ir/names.def"
};

static const u8 intcc_swaps[INTCC_COUNT] = {
#define INTCC(name, negation, swap) INTCC_##swap,
#include "codegen/ir/names.def"
};

static const u8 floatcc_negations[FLOATCC_COUNT] = {
#define FLOATCC(name, negation, swap) FLOATCC_##negation,
#include "codegen/ir/names.def"
};

static const u8 floatcc_swaps[FLOATCC_COUNT] = {
#define FLOATCC(name, negation, swap) FLOATCC_##swap,
#include "codegen/ir/names.def"
};

static const bool callconv_tail_calls[CC_COUNT] = {
#define CALLCONV(name, tail_calls) tail_calls,
#include "codegen/ir/names.def"
};

typedef struct TrapInfo {
    TrapCode code;
    const char *name, *message;
} TrapInfo;

static const TrapInfo traps[] = {
#define TRAP(name, code, message) {code, #name, message},
#include "base/traps.def"
#undef TRAP
};

IntCC dv_intcc_negate(IntCC cc)
{
    return (IntCC)intcc_negations[cc];
}

IntCC dv_intcc_swap(IntCC cc)
{
    return (IntCC)intcc_swaps[cc];
}

FloatCC dv_floatcc_negate(FloatCC cc)
{
    return (FloatCC)floatcc_negations[cc];
}

FloatCC dv_floatcc_swap(FloatCC cc)
{
    return (FloatCC)floatcc_swaps[cc];
}

bool dv_callconv_tail_calls(CallConv cc)
{
    return callconv_tail_calls[cc];
}

static bool is_name(const char *candidate, const char *name, usize length)
{
    return strncmp(candidate, name, length) == 0 && candidate[length] == '\0';
}

static u32 find_name(const char *const *names, u32 count, const char *name, usize length)
{
    u32 i = 0;
    while (i < count && !is_name(names[i], name, length)) {
        i++;
    }
    return i;
}

Op dv_op_find(const char *name, usize length)
{
    u32 i = 0;
    while (i < OP_COUNT &&
           (dv_ops[i].name[0] != name[0] || !is_name(dv_ops[i].name, name, length))) {
        i++;
    }
    return (Op)i;
}

IntCC dv_intcc_find(const char *name, usize length)
{
    return (IntCC)find_name(dv_intcc_names, INTCC_COUNT, name, length);
}

FloatCC dv_floatcc_find(const char *name, usize length)
{
    return (FloatCC)find_name(dv_floatcc_names, FLOATCC_COUNT, name, length);
}

RmwOp dv_rmw_find(const char *name, usize length)
{
    return (RmwOp)find_name(dv_rmw_names, RMW_COUNT, name, length);
}

CallConv dv_callconv_find(const char *name, usize length)
{
    return (CallConv)find_name(dv_callconv_names, CC_COUNT, name, length);
}

LibCall dv_libcall_find(const char *name, usize length)
{
    return (LibCall)find_name(dv_libcall_names, LIBCALL_COUNT, name, length);
}

bool dv_wasm_valtype_find(const char *name, usize length, WasmValType *type)
{
    u32 i = find_name(dv_wasm_valtype_names, ARRAY_LEN(dv_wasm_valtype_names), name, length);
    *type = (WasmValType)i;
    return i < ARRAY_LEN(dv_wasm_valtype_names);
}

bool dv_trap_find(const char *name, usize length, TrapCode *code)
{
    for (usize i = 0; i < ARRAY_LEN(traps); i++) {
        if (is_name(traps[i].name, name, length)) {
            *code = traps[i].code;
            return true;
        }
    }
    if (length < 5 || length > 7 || memcmp(name, "user", 4) != 0 || name[4] == '0') {
        return false;
    }
    u32 number = 0;
    for (usize i = 4; i < length; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return false;
        }
        number = number * 10 + (u32)(name[i] - '0');
    }
    *code = (TrapCode)number;
    return number <= TRAP_USER_MAX;
}

const char *dv_trap_name(TrapCode code, char *buffer)
{
    for (usize i = 0; i < ARRAY_LEN(traps); i++) {
        if (traps[i].code == code) {
            return strcpy(buffer, traps[i].name);
        }
    }
    snprintf(buffer, 16, code == TRAP_none ? "notrap" : "user%u", (unsigned)code);
    return buffer;
}

const char *dv_trap_message(TrapCode code)
{
    for (usize i = 0; i < ARRAY_LEN(traps); i++) {
        if (traps[i].code == code) {
            return traps[i].message;
        }
    }
    return "user trap";
}

static Type libcall_type(char letter, Type addr)
{
    switch (letter) {
    case 'p':
        return addr;
    case 'i':
        return TYPE_I32;
    case 'f':
        return TYPE_F32;
    case 'd':
        return TYPE_F64;
    case 'x':
        return TYPE_I8X16;
    default:
        UNREACHABLE();
    }
}

static Param *libcall_params(Arena *arena, const char *letters, Type addr, u32 *count)
{
    *count = letters[0] == '-' ? 0 : (u32)strlen(letters);
    Param *params = ARENA_ARRAY(arena, Param, *count);
    for (u32 i = 0; i < *count; i++) {
        params[i].type = libcall_type(letters[i], addr);
    }
    return params;
}

void dv_libcall_signature(Arena *arena, LibCall call, Type addr, Signature *out)
{
    static const char *const letters[LIBCALL_COUNT][2] = {
#define LIBCALL(name, params, result, meaning) {params, result},
#include "codegen/ir/names.def"
    };
    *out = (Signature){.conv = CC_fast, .present = true};
    out->params = libcall_params(arena, letters[call][0], addr, &out->num_params);
    out->results = libcall_params(arena, letters[call][1], addr, &out->num_results);
}

Type dv_wasm_valtype_type(WasmValType type)
{
    switch (type) {
    case WASM_I64:
        return TYPE_I64;
    case WASM_F32:
        return TYPE_F32;
    case WASM_F64:
        return TYPE_F64;
    case WASM_V128:
        return TYPE_I8X16;
    default:
        return TYPE_I32;
    }
}
