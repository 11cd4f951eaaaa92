/* docs.c - prints include/davit/ops.h and docs/ops.md from the tables.
 *
 * Prototypes come from the same macros as the definitions (build_ops.h), turned into text.
 * Everything else is ops.def, formats.def, typesets.def, typespecs.def, names.def and base/traps.def
 * put into sentences.
 */
#include "codegen/ir/docs.h"

#include "codegen/ir/build_ops.h"

#define TEXT_OF(...) TEXT_OF_(__VA_ARGS__)
#define TEXT_OF_(...) #__VA_ARGS__

static const char *const prototypes[OP_COUNT] = {
#define OP(name, format, set, operands, results, effects, doc) \
    TEXT_OF(BUILD_PROTOTYPE(name, format, set, operands, results)),
#include "codegen/ir/ops.def"
#undef OP
};

const char *const dv_typeset_docs[SET_COUNT] = {
#define TYPESET(name, lanes, shapes, min, max, doc) doc,
#include "codegen/ir/typesets.def"
#undef TYPESET
};

enum { COLUMNS = 100 };

/* ---- text ---- */

/* Appends what stands between blanks (that follow `end`, if it is not NUL), starting a new line
 * with `indent` where one would pass the last column. *column is where out stands in its line. */
static void put_wrapped(TextBuf *out, usize *column, const char *indent, const char *text, char end)
{
    while (*text != '\0') {
        usize length = strcspn(text, " ");
        while (end != '\0' && text[length] != '\0' && text[length - 1] != end) {
            length += 1 + strcspn(text + length + 1, " ");
        }
        if (*column + 1 + length > COLUMNS) {
            dv_text_printf(out, "\n%s", indent);
            *column = strlen(indent);
        } else if (*column > strlen(indent)) {
            dv_text_char(out, ' ');
            *column += 1;
        }
        dv_text_bytes(out, text, length);
        *column += length;
        text += length;
        text += strspn(text, " ");
    }
}

/* Appends a comment of these words. */
static void put_comment(TextBuf *out, const char *text)
{
    usize column = 3;
    TextBuf closed;
    dv_text_init(&closed, out->arena);
    dv_text_printf(&closed, "%s */", text);
    dv_text_str(out, "/* ");
    put_wrapped(out, &column, " * ", closed.data, '\0');
    dv_text_char(out, '\n');
}

static void put_upper(TextBuf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        dv_text_char(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
    }
}

/* Appends a prototype that macros made: no blanks before commas and parentheses. */
static void put_prototype(TextBuf *out, const char *text)
{
    TextBuf clean;
    usize column = 0;
    dv_text_init(&clean, out->arena);
    dv_text_str(&clean, "DAVIT_API ");
    for (; *text != '\0'; text++) {
        if (*text != ' ' || (text[1] != ',' && text[1] != ')')) {
            dv_text_char(&clean, *text);
        }
    }
    dv_text_char(&clean, ';');
    put_wrapped(out, &column, "    ", clean.data, ',');
    dv_text_char(out, '\n');
}

/* ---- what a row says ---- */

static void put_specs(TextBuf *out, const u8 *specs, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(out, "%s%s", i == 0 ? "" : "; ", dv_typespec_docs[specs[i]]);
    }
}

/* "Operands: T; i8. Result: T. T: integers." */
static void put_types(TextBuf *out, const OpInfo *info)
{
    if (info->num_operands != 0) {
        dv_text_str(out, info->num_operands == 1 ? " Operand: " : " Operands: ");
        put_specs(out, info->operands, info->num_operands);
        dv_text_char(out, '.');
    }
    if (info->num_results != 0) {
        dv_text_str(out, info->num_results == 1 ? " Result: " : " Results: ");
        put_specs(out, info->results, info->num_results);
        dv_text_char(out, '.');
    } else if ((info->effects & FX_CALL) != 0 && (info->effects & FX_TERM) == 0) {
        dv_text_str(out, " Results: as the signature says.");
    }
    if (info->set != SET_None) {
        dv_text_printf(out, " T: %s.", dv_typeset_docs[info->set]);
    }
}

static const struct {
    u16 bits;
    const char *text;
} effect_docs[] = {
    {FX_TRAP, "may trap"},       {FX_LOAD, "reads memory"},
    {FX_STORE, "writes memory"}, {FX_CALL, "runs other code"},
    {FX_OTHER, "other effects"}, {FX_TERM, "ends the block"},
    {FX_COMM, "commutative"},    {FX_IDEMP, "may be merged with its equal"},
};

/* "may trap, reads memory"; nothing if there are none of the effects asked for. */
static void put_effects(TextBuf *out, u16 effects)
{
    const char *separator = "";
    for (usize i = 0; i < ARRAY_LEN(effect_docs); i++) {
        if ((effects & effect_docs[i].bits) != 0) {
            dv_text_printf(out, "%s%s", separator, effect_docs[i].text);
            separator = ", ";
        }
    }
}

/* ---- include/davit/ops.h ---- */

static void put_enum_value(TextBuf *out, const char *prefix, const char *name, u32 value)
{
    dv_text_printf(out, "    DAVIT_%s_", prefix);
    put_upper(out, name);
    dv_text_printf(out, " = %u,\n", (unsigned)value);
}

static void put_enum(TextBuf *out, const char *prefix, const char *const *names, u32 count)
{
    dv_text_str(out, "enum {\n");
    for (u32 i = 0; i < count; i++) {
        put_enum_value(out, prefix, names[i], i);
    }
    dv_text_printf(out, "    DAVIT_%s_COUNT = %u\n};\n\n", prefix, (unsigned)count);
}

static void put_traps(TextBuf *out)
{
    dv_text_str(out, "/* Trap codes; 1 to 199 are the embedder's. */\nenum {\n");
#define TRAP(name, code, message) \
    dv_text_printf(out, "    /* %s */\n", message); \
    put_enum_value(out, "TRAP", #name, code);
#include "base/traps.def"
#undef TRAP
    dv_text_str(out, "    DAVIT_TRAP_USER_LAST = 199\n};\n\n");
}

static void put_names(TextBuf *out)
{
    dv_text_str(out, "/* How icmp compares: s.. signed, u.. unsigned. */\n");
    put_enum(out, "INT", dv_intcc_names, INTCC_COUNT);
    dv_text_str(out,
                "/* How fcmp compares. ord: neither is NaN; uno: one is; u..: or one is NaN. */\n");
    put_enum(out, "FLOAT", dv_floatcc_names, FLOATCC_COUNT);
    dv_text_str(out, "/* What atomic_rmw writes back. */\n");
    put_enum(out, "RMW", dv_rmw_names, RMW_COUNT);
    dv_text_str(out, "/* Calling conventions. */\n");
    put_enum(out, "CC", dv_callconv_names, CC_COUNT);
    dv_text_str(out, "/* Types as Wasm has them. */\n");
    put_enum(out, "WASM", dv_wasm_valtype_names, WASM_EXNREF + 1);
    put_traps(out);
}

static void put_op_function(TextBuf *out, Op op)
{
    const OpInfo *info = &dv_ops[op];
    TextBuf comment;
    dv_text_init(&comment, out->arena);
    dv_text_printf(&comment, "%s: %s.", info->name, info->doc);
    put_types(&comment, info);
    put_comment(out, comment.data);
    put_prototype(out, prototypes[op]);
    dv_text_char(out, '\n');
}

static void put_imm_functions(TextBuf *out)
{
    static const char *const names[] = {
#define IMM_NAME(name) #name,
        BUILD_IMM_OPS(IMM_NAME)
#undef IMM_NAME
    };
    put_comment(
        out, "With a constant on the right: an integer of x's type (in each lane of a vector), as "
             "davit_ins_int makes it; of a shift amount, an i32.");
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        put_prototype(out, dv_arena_printf(out->arena,
                                           "davit_value_t davit_ins_%s_imm(davit_builder_t *b, "
                                           "davit_value_t x, int64_t imm)",
                                           names[i]));
    }
    put_prototype(out, "davit_value_t davit_ins_icmp_imm(davit_builder_t *b, davit_intcc_t cc, "
                       "davit_value_t x, int64_t imm)");
    dv_text_char(out, '\n');
}

static void write_header(TextBuf *out)
{
    dv_text_str(
        out,
        "/* davit/ops.h - a builder function per operation of CLIF, and the closed sets of names.\n"
        " *\n"
        " * Printed by `davit docs` from codegen/ir/ops.def and its kin; do not edit. Include\n"
        " * davit/codegen.h, which explains builders, values and errors.\n"
        " *\n"
        " * Each function appends one instruction to the current block. It gives the value computed, a\n"
        " * davit_pair_t of two, or, where there are none or a signature tells how many, the instruction.\n"
        " * T is the instruction's controlling type: that of its operands, or the parameter `type`. Lists of\n"
        " * values and destinations are only read during the call.\n"
        " */\n"
        "#ifndef DAVIT_OPS_H\n"
        "#define DAVIT_OPS_H\n\n"
        "#include \"davit/codegen.h\"\n\n"
        "/* clang-format off */\n\n"
        "#ifdef __cplusplus\n"
        "extern \"C\" {\n"
        "#endif\n\n");
    put_names(out);
    for (u32 op = 0; op < OP_COUNT; op++) {
        put_op_function(out, (Op)op);
    }
    put_imm_functions(out);
    dv_text_str(out, "#ifdef __cplusplus\n"
                     "}\n"
                     "#endif\n"
                     "#endif\n");
}

/* ---- docs/ops.md ---- */

/* One operand of the spelling, as a reader would meet it. */
static const char *operand_sample(char letter)
{
    switch (letter) {
    case '*':
        return "x, y …";
    case 'A':
        return "(p, q …)";
    case 'i':
        return "-1";
    case 'U':
        return "100";
    case 'H':
    case 'S':
    case 'D':
        return "0x1.8p0";
    case 'K':
        return "const0";
    case 'M':
        return "[0 1 … 15]";
    case 'c':
        return "ult";
    case 'C':
        return "lt";
    case 'r':
        return "add";
    case 'l':
        return "3";
    case 't':
        return "user1";
    case 'F':
        return "flags";
    case '+':
        return "+8";
    case '@':
        return ", offset=8";
    case 'G':
        return "gv0";
    case 'N':
        return "fn0";
    case 'X':
        return "sig0";
    case 'Y':
        return "dss0";
    case 'L':
        return "ss0+8";
    case 'J':
        return "block1, [block2, block3(p) …]";
    case 'b':
        return "block1";
    case 'u':
        return "0";
    case 'E':
        return "sig0, block1(ret0 …), [ tag1: block2(exn0 …), default: block3 ]";
    case 'm':
        return "heap0";
    case 'q':
        return "table0";
    case 'g':
        return "global0";
    case 'd':
        return "data0";
    case 'e':
        return "elem0";
    case 'k':
        return "tag0";
    case 'w':
        return "type0";
    case 'z':
        return "func0";
    default:
        return NULL;
    }
}

/* Whether the text needs the type: nothing else tells it. */
static bool has_suffix(const OpInfo *info)
{
    i8 typed = dv_formats[info->format].typed_operand;
    const TypeSet *set = &dv_typesets[info->set];
    if (info->set == SET_None || (info->effects & FX_SUFFIX) != 0) {
        return info->set != SET_None;
    }
    bool is_one_float =
        set->shapes == SHAPE_SCALAR && dv_popcount32(set->lanes) == 1 && info->num_operands == 0;
    return !is_one_float && (typed < 0 || info->operands[typed] != TS_T);
}

static void put_spelling(TextBuf *out, const OpInfo *info)
{
    static const char names[] = "xyz";
    u32 next = 0;
    u32 next_block = 1;
    bool is_call = (info->effects & FX_CALL) != 0 && (info->effects & FX_TERM) == 0;
    if (info->num_results != 0) {
        dv_text_str(out, info->num_results == 1 ? "a = " : "a, b = ");
    } else if (is_call) {
        dv_text_str(out, "a … = ");
    }
    dv_text_str(out, info->name);
    dv_text_str(out, has_suffix(info) ? ".T" : "");
    const char *spelling = dv_formats[info->format].spelling;
    dv_text_str(out, *spelling == '\0' ? "" : " ");
    for (; *spelling != '\0'; spelling++) {
        const char *sample = operand_sample(*spelling);
        if (*spelling == 'v') {
            dv_text_char(out, names[next++]);
        } else if (*spelling == 'B') {
            dv_text_printf(out, "block%u(p, q …)", (unsigned)next_block++);
        } else if (sample != NULL) {
            dv_text_str(out, sample);
        } else {
            dv_text_char(out, *spelling);
        }
    }
}

static void put_op_entry(TextBuf *out, const OpInfo *info)
{
    dv_text_printf(out, "### %s\n\n    ", info->name);
    put_spelling(out, info);
    dv_text_str(out, "\n\n");
    TextBuf text;
    usize column = 0;
    dv_text_init(&text, out->arena);
    dv_text_printf(&text, "%c%s.",
                   info->doc[0] >= 'a' && info->doc[0] <= 'z' ? info->doc[0] - 32 : info->doc[0],
                   info->doc + 1);
    put_types(&text, info);
    if ((info->effects & (u16) ~(FX_BRANCH | FX_SUFFIX)) != 0) {
        dv_text_str(&text, " Effects: ");
        put_effects(&text, info->effects);
        dv_text_char(&text, '.');
    }
    put_wrapped(out, &column, "", text.data, '\0');
    dv_text_str(out, "\n\n");
}

static void put_table_head(TextBuf *out, const char *title, const char *left, const char *right)
{
    dv_text_printf(out, "## %s\n\n| %s | %s |\n|---|---|\n", title, left, right);
}

static void put_name_tables(TextBuf *out)
{
    put_table_head(out, "Integer conditions", "condition", "negation; with operands swapped");
    for (u32 cc = 0; cc < INTCC_COUNT; cc++) {
        dv_text_printf(out, "| %s | %s; %s |\n", dv_intcc_names[cc],
                       dv_intcc_names[dv_intcc_negate((IntCC)cc)],
                       dv_intcc_names[dv_intcc_swap((IntCC)cc)]);
    }
    dv_text_char(out, '\n');
    put_table_head(out, "Float conditions", "condition", "negation; with operands swapped");
    for (u32 cc = 0; cc < FLOATCC_COUNT; cc++) {
        dv_text_printf(out, "| %s | %s; %s |\n", dv_floatcc_names[cc],
                       dv_floatcc_names[dv_floatcc_negate((FloatCC)cc)],
                       dv_floatcc_names[dv_floatcc_swap((FloatCC)cc)]);
    }
    dv_text_char(out, '\n');
    put_table_head(out, "Read-modify-write operations", "name", "writes back");
#define RMW(name, meaning) dv_text_printf(out, "| %s | %s |\n", #name, meaning);
#include "codegen/ir/names.def"
    dv_text_char(out, '\n');
    put_table_head(out, "Calling conventions", "name", "guaranteed tail calls");
#define CALLCONV(name, tail_calls) \
    dv_text_printf(out, "| %s | %s |\n", #name, tail_calls ? "yes" : "no");
#include "codegen/ir/names.def"
    dv_text_char(out, '\n');
    put_table_head(out, "Library calls", "name", "meaning");
#define LIBCALL(name, params, result, meaning) \
    dv_text_printf(out, "| %%%s | %s |\n", #name, meaning);
#include "codegen/ir/names.def"
    dv_text_char(out, '\n');
    put_table_head(out, "Trap codes", "name", "code and message");
#define TRAP(name, code, message) dv_text_printf(out, "| %s | %d: %s |\n", #name, code, message);
#include "base/traps.def"
#undef TRAP
}

static void write_reference(TextBuf *out)
{
    dv_text_printf(
        out,
        "# The operations of CLIF\n\n"
        "Printed by `davit docs` from codegen/ir/ops.def and its kin; do not edit. %u operations.\n\n"
        "Each entry shows how the operation is written, what it does, the types of its operands and\n"
        "results in order, and its effects. x, y, z are operands, p, q values handed on, a, b results.\n"
        "T is the controlling type: that of an operand, or written after the name where nothing else tells it (`iconst.i32`).\n"
        "An operation without effects may be moved, merged and dropped. `flags` stands for memory flags:\n"
        "`aligned`, `readonly`, `little`, `big`, `can_move`, `notrap` or a trap code, a region.\n\n"
        "## Operations\n\n",
        (unsigned)OP_COUNT);
    for (u32 op = 0; op < OP_COUNT; op++) {
        put_op_entry(out, &dv_ops[op]);
    }
    put_name_tables(out);
}

/* ---- the files ---- */

const Document dv_docs[DOCUMENT_COUNT] = {
    {"include/davit/ops.h", write_header},
    {"docs/ops.md", write_reference},
};

bool dv_docs_write(const char *path, TextBuf *out)
{
    for (u32 i = 0; i < DOCUMENT_COUNT; i++) {
        if (strcmp(dv_docs[i].path, path) == 0) {
            dv_docs[i].write(out);
            return true;
        }
    }
    return false;
}

u32 dv_docs_stale_line(const Document *doc, Arena *scratch, const char *bytes, usize size)
{
    TextBuf wanted;
    u32 line = 1;
    dv_text_init(&wanted, scratch);
    doc->write(&wanted);
    for (usize i = 0; i < size && i < wanted.length; i++) {
        if (bytes[i] != wanted.data[i]) {
            return line;
        }
        line += bytes[i] == '\n';
    }
    return size == wanted.length ? 0 : line;
}
