/* asm.c - text to bytecode: what tests and people write by hand, and what disas.c prints.
 *
 *     profile sandboxed            or raw32, raw64; the default is sandboxed
 *     metered                      fuel is used
 *     groups base float            what the code may use; without it, everything
 *     type 2 -> 1                  argument and result slots
 *     import type0
 *     memory i32 shared            index width; shared is optional
 *     global 8 mutable             bytes; mutable is optional
 *     table i32 func               index width; func, extern, any or exn
 *     tag type0
 *     elem func
 *     data 3                       how many segments
 *     symbols 2                    how many symbols of the host program
 *     func type0, window 8, frame 16 {
 *     again:                       a label, known in this function alone
 *         xadd32_i8 s0, s1, -1     ; a comment
 *         br_if32 s0, again        a target: a label, or a distance in bytes (.+8, .-8)
 *         br_table s1, [a, b, c]   the last is the default
 *         call s4, func1           a function of this module: by name, or its distance in bytes
 *         catch tag0, again        what handles exceptions of the call before; all, again; context s3
 *         .word 0x00010203         four bytes, in this order
 *     }
 *
 * Declarations stand in any order and are numbered in their kind from 0. One statement per line. A
 * number is decimal or 0x hexadecimal. Labels are resolved at the end of their function, functions at the end of
 * the text.
 */
#include "base/map.h"
#include "pulley/pulley.h"

typedef struct Fixup {
    u32 kind;  /* FIXUP_WORD, FIXUP_HANDLER, or the index of a field of the instruction */
    u32 at;    /* offset of the word in the module's code; the handler; the operation */
    u32 inst;  /* offset in the module's code of the instruction that the distance counts from */
    u32 label; /* or the function */
    u32 line;
} Fixup;

enum { FIXUP_WORD = 100, FIXUP_HANDLER = 101, UNDEFINED = UINT32_MAX >> 1 };

typedef struct Assembler {
    Arena *arena;
    PulleyModule *module;
    Diag *diag;
    ByteBuf code;
    const char *line_start;
    const char *at;  /* the next character */
    const char *end; /* of the text */
    u32 line;
    bool in_func;
    bool has_call; /* an instruction stands before, which handlers may follow */
    u32 last_inst;
    u32 func_start;
    StrMap labels;     /* of the function */
    VEC(u32) places;   /* of its labels, offsets in the module's code, or UNDEFINED */
    VEC(Fixup) fixups; /* of labels */
    VEC(Fixup) calls;  /* of functions */
} Assembler;

/* ---- characters and words ---- */

static bool fail(Assembler *a, const char *what)
{
    dv_diag_error(a->diag, a->line, (u32)(a->at - a->line_start) + 1, "%s", what);
    return false;
}

static void skip_blanks(Assembler *a)
{
    while (a->at < a->end && (*a->at == ' ' || *a->at == '\t' || *a->at == '\r')) {
        a->at++;
    }
    if (a->at < a->end && *a->at == ';') {
        while (a->at < a->end && *a->at != '\n') {
            a->at++;
        }
    }
}

static bool at_line_end(Assembler *a)
{
    skip_blanks(a);
    return a->at == a->end || *a->at == '\n';
}

static bool accept(Assembler *a, char c)
{
    skip_blanks(a);
    if (a->at < a->end && *a->at == c) {
        a->at++;
        return true;
    }
    return false;
}

static bool expect(Assembler *a, char c)
{
    return accept(a, c) || fail(a, dv_arena_printf(a->arena, "expected '%c'", c));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/* The letters, digits and underscores from here on; empty if there are none. */
static Str read_word(Assembler *a)
{
    skip_blanks(a);
    const char *start = a->at;
    while (a->at < a->end && is_word(*a->at)) {
        a->at++;
    }
    return (Str){start, (u32)(a->at - start)};
}

static bool is_str(Str word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

/* Takes the word if it comes next. */
static bool accept_word(Assembler *a, const char *text)
{
    const char *before = a->at;
    if (is_str(read_word(a), text)) {
        return true;
    }
    a->at = before;
    return false;
}

/* A number in a word; *value is two's complement. */
static bool parse_number(Str word, bool negative, u64 *value)
{
    U128 x;
    bool is_hex = word.len > 2 && word.data[0] == '0' && word.data[1] == 'x';
    u32 skip = is_hex ? 2 : 0;
    if (word.len == 0 || !dv_u128_parse(word.data + skip, word.len - skip, is_hex ? 16 : 10, &x) ||
        x.hi != 0 || (negative && x.lo > (u64)1 << 63)) {
        return false;
    }
    *value = negative ? 0 - x.lo : x.lo;
    return true;
}

static bool read_number(Assembler *a, u64 *value)
{
    bool negative = accept(a, '-');
    return parse_number(read_word(a), negative, value) || fail(a, "expected a number");
}

static bool read_u32(Assembler *a, u32 *value)
{
    u64 x;
    if (!read_number(a, &x)) {
        return false;
    }
    *value = (u32)x;
    return x <= UINT32_MAX || fail(a, "number out of range");
}

/* "func12" after the prefix "func". */
static bool read_prefixed(Assembler *a, const char *prefix, u64 *value)
{
    Str word = read_word(a);
    usize skip = strlen(prefix);
    if (word.len > skip && memcmp(word.data, prefix, skip) == 0 && is_digit(word.data[skip])) {
        Str digits = {word.data + skip, word.len - (u32)skip};
        if (parse_number(digits, false, value)) {
            return true;
        }
    }
    return fail(a, dv_arena_printf(a->arena, "expected %s and a number", prefix));
}

static bool read_prefixed_u32(Assembler *a, const char *prefix, u32 *value)
{
    u64 x;
    if (!read_prefixed(a, prefix, &x)) {
        return false;
    }
    *value = (u32)x;
    return x <= UINT32_MAX || fail(a, "number out of range");
}

/* One of `count` names; the index in *value. */
static bool read_name(Assembler *a, const char *const *names, u32 count, u64 *value)
{
    Str word = read_word(a);
    for (u32 i = 0; i < count; i++) {
        if (is_str(word, names[i])) {
            *value = i;
            return true;
        }
    }
    return parse_number(word, false, value) || fail(a, "unknown name");
}

/* ---- labels ---- */

static u32 find_label(Assembler *a, Str name)
{
    u32 label = dv_strmap_intern(a->arena, &a->labels, name.data, name.len);
    if (label == a->places.len) {
        vec_push(a->arena, &a->places, UNDEFINED);
    }
    return label;
}

/* A distance behind its dot. */
static bool read_distance(Assembler *a, u64 *distance)
{
    bool negative = a->at < a->end && *a->at == '-';
    if (!negative && !expect(a, '+')) {
        return false;
    }
    return read_number(a, distance);
}

/* A target for the instruction at `inst`: a distance now, or a fixup to be. */
static bool read_target(Assembler *a, Fixup fixup, u64 *distance)
{
    *distance = 0;
    if (accept(a, '.')) {
        return read_distance(a, distance);
    }
    Str name = read_word(a);
    if (name.len == 0) {
        return fail(a, "expected a label");
    }
    fixup.label = find_label(a, name);
    fixup.line = a->line;
    vec_push(a->arena, &a->fixups, fixup);
    return true;
}

/* The same for a function. */
static bool read_callee(Assembler *a, Fixup fixup, u64 *distance)
{
    *distance = 0;
    if (accept(a, '.')) {
        return read_distance(a, distance);
    }
    fixup.line = a->line;
    if (!read_prefixed_u32(a, dv_pulley_role_prefixes[PROLE_FUNC], &fixup.label)) {
        return false;
    }
    vec_push(a->arena, &a->calls, fixup);
    return true;
}

/* Writes the distance into the field of the instruction; `what` is where it goes. */
static bool patch_distance(Assembler *a, const Fixup *fixup, i64 distance, const char *what)
{
    PulleyOp op = (PulleyOp)fixup->at;
    if (!dv_pulley_field_fits(&dv_pulley_shape(op)->fields[fixup->kind], (u64)distance)) {
        dv_diag_error(a->diag, fixup->line, 0, "%s is too far away", what);
        return false;
    }
    dv_pulley_patch(dv_bytebuf_at(&a->code, fixup->inst, 4), a->module->big, op, fixup->kind,
                    (u64)distance);
    return true;
}

static bool apply_call(Assembler *a, const Fixup *fixup)
{
    const PulleyModule *m = a->module;
    const char *name = dv_arena_printf(a->arena, "func%" PRIu32, fixup->label);
    if (fixup->label >= m->funcs.len) {
        dv_diag_error(a->diag, fixup->line, 0, "%s is not defined", name);
        return false;
    }
    return patch_distance(a, fixup, (i64)m->funcs.data[fixup->label].code - fixup->inst, name);
}

static bool apply_fixup(Assembler *a, const Fixup *fixup)
{
    u32 place = a->places.data[fixup->label];
    Str name = dv_strmap_str(&a->labels, fixup->label);
    if (place == UNDEFINED) {
        dv_diag_error(a->diag, fixup->line, 0, "label %s is not defined",
                      dv_diag_quote(a->arena, name.data, name.len));
        return false;
    }
    i64 distance = (i64)place - fixup->inst;
    if (fixup->kind == FIXUP_HANDLER) {
        a->module->handlers.data[fixup->at].target = place - a->func_start;
        return true;
    }
    if (fixup->kind == FIXUP_WORD) {
        store_u32(dv_bytebuf_at(&a->code, fixup->at, 4), (u32)(distance / 4), a->module->big);
        return true;
    }
    const char *quoted = dv_diag_quote(a->arena, name.data, name.len);
    return patch_distance(a, fixup, distance, dv_arena_printf(a->arena, "label %s", quoted));
}

/* ---- instructions ---- */

/* [a, b, c] of br_table at `inst`: words appended, one less counted. */
static bool read_entries(Assembler *a, u32 inst, u64 *count, ByteBuf *words)
{
    *count = 0;
    if (!expect(a, '[')) {
        return false;
    }
    do {
        u64 distance;
        u32 at = inst + dv_pulley_op_size(PULLEY_br_table) + (u32)*count * 4;
        if (!read_target(a, (Fixup){.inst = inst, .at = at, .kind = FIXUP_WORD}, &distance)) {
            return false;
        }
        if (distance % 4 != 0 || (i64)distance / 4 != (i32)((i64)distance / 4)) {
            return fail(a, "no distance of this size");
        }
        dv_bytebuf_u32(words, (u32)((i64)distance / 4), a->module->big);
        *count += 1;
    } while (accept(a, ','));
    *count -= 1;
    return expect(a, ']');
}

static bool read_trap(Assembler *a, u64 *value)
{
    Str word = read_word(a);
    char name[16];
    for (u32 code = 1; code < 256; code++) {
        dv_pulley_trap_name(code, name);
        if (is_str(word, name)) {
            *value = code;
            return true;
        }
    }
    if (word.len > 4 && memcmp(word.data, "user", 4) == 0 &&
        parse_number((Str){word.data + 4, word.len - 4}, false, value)) {
        return true;
    }
    return fail(a, "expected a trap code");
}

static bool read_helper(Assembler *a, u64 *value)
{
    const char *names[PULLEY_HELPER_COUNT];
    for (u32 i = 0; i < PULLEY_HELPER_COUNT; i++) {
        names[i] = dv_pulley_helpers[i].name;
    }
    return read_name(a, names, PULLEY_HELPER_COUNT, value);
}

static bool read_field(Assembler *a, u32 role, u64 *value)
{
    switch (role) {
    case PROLE_TRAPCODE:
        return read_trap(a, value);
    case PROLE_RMW:
        return read_name(a, dv_pulley_rmw_names, PULLEY_RMW_COUNT, value);
    case PROLE_HELPER:
        return read_helper(a, value);
    default:
        if (dv_pulley_role_prefixes[role][0] != '\0') {
            return read_prefixed(a, dv_pulley_role_prefixes[role], value);
        }
        return read_number(a, value);
    }
}

static bool read_inst(Assembler *a, PulleyOp op)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    u32 inst = (u32)a->code.len;
    ByteBuf words;
    dv_bytebuf_init(&words, a->arena);
    for (u32 i = 0; i < shape->count; i++) {
        const PulleyField *field = &shape->fields[i];
        bool ok = i == 0 || expect(a, ',');
        if (ok && field->role == PROLE_TARGET) {
            ok = read_target(a, (Fixup){.inst = inst, .at = (u32)op, .kind = i}, &fields[i]);
        } else if (ok && field->role == PROLE_FUNC) {
            ok = read_callee(a, (Fixup){.inst = inst, .at = (u32)op, .kind = i}, &fields[i]);
        } else if (ok && field->role == PROLE_ENTRIES) {
            ok = read_entries(a, inst, &fields[i], &words);
        } else if (ok) {
            ok = read_field(a, field->role, &fields[i]);
        }
        if (!ok) {
            return false;
        }
        if (!dv_pulley_field_fits(field, fields[i])) {
            return fail(a, "the number does not fit its field");
        }
    }
    dv_pulley_encode(&a->code, a->module->big, op, fields);
    dv_bytebuf_bytes(&a->code, words.data, words.len);
    a->last_inst = inst;
    a->has_call = true;
    return true;
}

static bool read_catch(Assembler *a)
{
    u32 number = a->module->handlers.len;
    PulleyHandler h = {.call = a->last_inst - a->func_start};
    u64 distance = 0;
    if (!a->has_call) {
        return fail(a, "no instruction stands before");
    }
    if (accept_word(a, "context")) {
        h.kind = PULLEY_HANDLER_CONTEXT;
        if (!read_prefixed_u32(a, "s", &h.value)) {
            return false;
        }
    } else {
        h.kind = accept_word(a, "all") ? PULLEY_HANDLER_ALL : PULLEY_HANDLER_TAG;
        if (h.kind == PULLEY_HANDLER_TAG && !read_prefixed_u32(a, "tag", &h.value)) {
            return false;
        }
        Fixup fixup = {.inst = a->last_inst, .at = number, .kind = FIXUP_HANDLER};
        if (!expect(a, ',') || !read_target(a, fixup, &distance)) {
            return false;
        }
        h.target = (u32)(h.call + distance);
    }
    vec_push(a->arena, &a->module->handlers, h);
    return true;
}

static bool read_raw_word(Assembler *a)
{
    u32 x;
    if (!accept_word(a, "word")) {
        return fail(a, "expected .word");
    }
    if (!read_u32(a, &x)) {
        return false;
    }
    store_be32(dv_bytebuf_extend(&a->code, 4), x);
    a->has_call = false;
    return true;
}

static bool end_func(Assembler *a)
{
    PulleyFunc *f = &a->module->funcs.data[a->module->funcs.len - 1];
    f->size_bytes = (u32)a->code.len - a->func_start;
    f->handler_count = a->module->handlers.len - f->first_handler;
    for (u32 i = 0; i < a->fixups.len; i++) {
        if (!apply_fixup(a, &a->fixups.data[i])) {
            return false;
        }
    }
    vec_clear(&a->fixups);
    vec_clear(&a->places);
    memset(&a->labels, 0, sizeof a->labels);
    a->in_func = false;
    return true;
}

/* A line inside of a function. */
static bool read_body_line(Assembler *a)
{
    if (accept(a, '}')) {
        return end_func(a);
    }
    if (accept(a, '.')) {
        return read_raw_word(a);
    }
    Str word = read_word(a);
    if (word.len != 0 && accept(a, ':')) {
        u32 label = find_label(a, word);
        if (a->places.data[label] != UNDEFINED) {
            return fail(a, "this label is already defined");
        }
        a->places.data[label] = (u32)a->code.len;
        return true;
    }
    if (is_str(word, "catch")) {
        return read_catch(a);
    }
    PulleyOp op = dv_pulley_op_find(word.data, word.len);
    return op != PULLEY_OP_COUNT ? read_inst(a, op) : fail(a, "unknown operation");
}

/* ---- declarations ---- */

static bool read_func(Assembler *a)
{
    PulleyFunc f = {.code = (u32)a->code.len, .first_handler = a->module->handlers.len};
    u32 window = 0;
    if (!read_prefixed_u32(a, "type", &f.type) || !expect(a, ',')) {
        return false;
    }
    if (!accept_word(a, "window")) {
        return fail(a, "expected window");
    }
    if (!read_u32(a, &window)) {
        return false;
    }
    if (window > UINT16_MAX) {
        return fail(a, "number out of range");
    }
    f.window = (u16)window;
    if (accept(a, ',')) {
        if (!accept_word(a, "frame")) {
            return fail(a, "expected frame");
        }
        if (!read_u32(a, &f.frame)) {
            return false;
        }
    }
    vec_push(a->arena, &a->module->funcs, f);
    a->func_start = f.code;
    a->in_func = true;
    a->has_call = false;
    return expect(a, '{');
}

static bool read_type(Assembler *a)
{
    PulleyType type = {0};
    if (!read_u32(a, &type.args) || !expect(a, '-') || !expect(a, '>') ||
        !read_u32(a, &type.results)) {
        return false;
    }
    vec_push(a->arena, &a->module->types, type);
    return true;
}

static bool read_index(Assembler *a, bool *index64)
{
    *index64 = accept_word(a, "i64");
    return *index64 || accept_word(a, "i32") || fail(a, "expected i32 or i64");
}

static bool read_entity(Assembler *a, Str word)
{
    PulleyModule *m = a->module;
    PulleyMemory memory = {0};
    PulleyTable table = {0};
    u32 number = 0;
    u64 name = 0;
    if (is_str(word, "memory")) {
        if (!read_index(a, &memory.index64)) {
            return false;
        }
        memory.shared = accept_word(a, "shared");
        vec_push(a->arena, &m->memories, memory);
        return true;
    }
    if (is_str(word, "global")) {
        if (!read_u32(a, &number)) {
            return false;
        }
        PulleyGlobal global = {(u8)number, accept_word(a, "mutable")};
        vec_push(a->arena, &m->globals, global);
        return number <= UINT8_MAX || fail(a, "number out of range");
    }
    if (is_str(word, "table")) {
        if (!read_index(a, &table.index64) ||
            !read_name(a, dv_pulley_ref_names, PULLEY_REF_COUNT, &name)) {
            return false;
        }
        table.ref = (u8)name;
        vec_push(a->arena, &m->tables, table);
        return name <= UINT8_MAX || fail(a, "number out of range");
    }
    if (is_str(word, "elem")) {
        if (!read_name(a, dv_pulley_ref_names, PULLEY_REF_COUNT, &name)) {
            return false;
        }
        vec_push(a->arena, &m->elems, (u8)name);
        return name <= UINT8_MAX || fail(a, "number out of range");
    }
    if (is_str(word, "import") || is_str(word, "tag")) {
        if (!read_prefixed_u32(a, "type", &number)) {
            return false;
        }
        if (is_str(word, "import")) {
            vec_push(a->arena, &m->imports, number);
        } else {
            vec_push(a->arena, &m->tags, number);
        }
        return true;
    }
    return fail(a, "unknown declaration");
}

static bool read_groups(Assembler *a)
{
    u64 group = 0;
    while (!at_line_end(a)) {
        if (!read_name(a, dv_pulley_group_names, PULLEY_GROUP_COUNT, &group)) {
            return false;
        }
        if (group >= PULLEY_GROUP_COUNT) {
            return fail(a, "unknown group");
        }
        a->module->groups |= 1u << group;
    }
    return true;
}

/* A line outside of functions. */
static bool read_declaration(Assembler *a)
{
    Str word = read_word(a);
    u64 name = 0;
    if (is_str(word, "func")) {
        return read_func(a);
    }
    if (is_str(word, "type")) {
        return read_type(a);
    }
    if (is_str(word, "profile")) {
        bool ok = read_name(a, dv_pulley_profile_names, PULLEY_RAW64 + 1, &name);
        a->module->profile = (u8)name;
        return ok && (name <= UINT8_MAX || fail(a, "number out of range"));
    }
    if (is_str(word, "metered")) {
        a->module->metered = true;
        return true;
    }
    if (is_str(word, "groups")) {
        return read_groups(a);
    }
    if (is_str(word, "data")) {
        return read_u32(a, &a->module->data_count);
    }
    if (is_str(word, "symbols")) {
        return read_u32(a, &a->module->symbol_count);
    }
    return read_entity(a, word);
}

static bool read_line(Assembler *a)
{
    if (!(a->in_func ? read_body_line(a) : read_declaration(a))) {
        return false;
    }
    return at_line_end(a) || fail(a, "the line goes on where it should end");
}

static bool read_lines(Assembler *a)
{
    while (a->at < a->end) {
        a->line_start = a->at;
        if (!at_line_end(a) && !read_line(a)) {
            return false;
        }
        if (a->code.len > INT32_MAX) {
            return fail(a, "too much code");
        }
        if (a->at < a->end) {
            a->at++;
            a->line++;
        }
    }
    if (a->in_func) {
        return fail(a, "the function is not closed");
    }
    for (u32 i = 0; i < a->calls.len; i++) {
        if (!apply_call(a, &a->calls.data[i])) {
            return false;
        }
    }
    return true;
}

bool dv_pulley_assemble(Arena *arena, Str text, bool big, PulleyModule *module, Diag *diag)
{
    Assembler a = {.arena = arena, .module = module, .diag = diag, .line = 1};
    a.line_start = text.data;
    a.at = text.data;
    a.end = text.data + text.len;
    memset(module, 0, sizeof *module);
    module->big = big;
    dv_bytebuf_init(&a.code, arena);
    bool ok = read_lines(&a);
    dv_bytebuf_align(&a.code, 4, 0);
    /* The buffer may lie anywhere; code is read in words. */
    u8 *code = dv_arena_alloc(arena, a.code.len, 4);
    if (a.code.len != 0) {
        memcpy(code, a.code.data, a.code.len);
    }
    module->code = code;
    module->code_size_bytes = (u32)a.code.len;
    return ok;
}
