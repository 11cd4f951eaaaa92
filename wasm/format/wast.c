/* wast.c - scripts: modules, actions and what is asserted of them.
 *
 * A script is split into tokens once; each module is read from its part of them with an error log
 * of its own, so that a malformed module is a finding and not the end of the script. Threads hold
 * commands but no threads, and alternatives no alternatives, so nothing recurses.
 *
 * Source: the script format of the specification's reference interpreter (its README, "Scripts").
 */
#include "wat_internal.h"

typedef VEC(WastCommand) Commands;
typedef VEC(WastValue) Values;

/* ---- values ---- */

typedef struct RefWord {
    const char *word;
    u8 kind;
} RefWord;

static const RefWord ref_words[] = {
    {"ref.null", WAST_REF_NULL}, {"ref.extern", WAST_REF_EXTERN}, {"ref.host", WAST_REF_HOST},
    {"ref.func", WAST_REF_FUNC}, {"ref.any", WAST_REF_ANY},       {"ref.eq", WAST_REF_EQ},
    {"ref.i31", WAST_REF_I31},   {"ref.struct", WAST_REF_STRUCT}, {"ref.array", WAST_REF_ARRAY},
    {"ref.exn", WAST_REF_EXN},
};

static bool take_ref(WatCursor *c, WastValue *value)
{
    Str form = dv_wat_form(c);
    u32 row = 0;
    while (row < ARRAY_LEN(ref_words) && !dv_str_is(form, ref_words[row].word)) {
        row++;
    }
    if (row == ARRAY_LEN(ref_words)) {
        return false;
    }
    c->at += 2;
    value->kind = ref_words[row].kind;
    value->heap = UINT32_MAX;
    if (value->kind == WAST_REF_NULL) {
        for (u32 i = 0; i < WAT_HEAP_WORDS; i++) {
            if (dv_wat_take_word(c, dv_wat_heap_words[i].word)) {
                value->heap = dv_wat_heap_words[i].byte;
            }
        }
    } else if (dv_wat_is_nat(c)) {
        value->has_number = true;
        value->bits[0] = dv_wat_take_nat(c, 32, "i32 constant out of range");
    }
    return true;
}

static void take_vector(WatCursor *c, WastValue *value, bool is_result)
{
    WatVector vector;
    dv_wat_take_vector(c, is_result, &vector);
    value->shape = vector.shape;
    value->is_float = vector.is_float;
    memcpy(value->nan, vector.nan, sizeof value->nan);
    value->bits[0] = load_le64(vector.bytes);
    value->bits[1] = load_le64(vector.bytes + 8);
}

static void take_float(WatCursor *c, WastValue *value, FloatKind kind, bool is_result)
{
    if (!is_result || !dv_wat_take_nan(c, &value->nan[0])) {
        value->bits[0] = dv_wat_take_float(c, kind);
    }
}

/* One value that is not (either ...); results may be patterns. */
static WastValue take_plain(WatCursor *c, bool is_result)
{
    WastValue value;
    memset(&value, 0, sizeof value);
    if (dv_wat_take_form(c, "i32.const")) {
        value.kind = WAST_I32;
        value.bits[0] = dv_wat_take_int(c, 32);
    } else if (dv_wat_take_form(c, "i64.const")) {
        value.kind = WAST_I64;
        value.bits[0] = dv_wat_take_int(c, 64);
    } else if (dv_wat_take_form(c, "f32.const")) {
        value.kind = WAST_F32;
        take_float(c, &value, FLOAT_32, is_result);
    } else if (dv_wat_take_form(c, "f64.const")) {
        value.kind = WAST_F64;
        take_float(c, &value, FLOAT_64, is_result);
    } else if (dv_wat_take_form(c, "v128.const")) {
        value.kind = WAST_V128;
        take_vector(c, &value, is_result);
    } else if (!take_ref(c, &value)) {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "a constant");
    }
    dv_wat_close(c);
    return value;
}

static WastValue take_result(WatCursor *c)
{
    if (!dv_wat_take_form(c, "either")) {
        return take_plain(c, true);
    }
    WastValue value;
    Values options = {0};
    memset(&value, 0, sizeof value);
    value.kind = WAST_EITHER;
    do {
        vec_push(c->arena, &options, take_plain(c, true));
    } while (!c->failed && dv_wat_kind(c) != WAT_RPAR);
    dv_wat_close(c);
    value.num_options = options.len;
    value.options = options.data;
    return value;
}

/* Values up to a closing parenthesis. */
static const WastValue *take_values(WatCursor *c, bool are_results, u32 *count)
{
    Values values = {0};
    while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
        vec_push(c->arena, &values, are_results ? take_result(c) : take_plain(c, false));
    }
    *count = values.len;
    return values.data;
}

/* ---- names, actions, modules ---- */

/* A name with its $; empty if there is none. */
static Str take_dollar(WatCursor *c)
{
    u32 id = dv_wat_take_id(c);
    if (id == 0) {
        return (Str){"", 0};
    }
    Str text = dv_wat_id_text(c, id);
    char *copy = dv_arena_alloc(c->arena, (usize)text.len + 2, 1);
    copy[0] = '$';
    memcpy(copy + 1, text.data, (usize)text.len + 1);
    return (Str){copy, text.len + 1};
}

static bool is_action(const WatCursor *c)
{
    return dv_wat_is_form(c, "invoke") || dv_wat_is_form(c, "get");
}

static WastAction take_action(WatCursor *c)
{
    WastAction action = {0};
    action.is_get = dv_wat_take_form(c, "get");
    if (!action.is_get && !dv_wat_take_form(c, "invoke")) {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "(invoke or (get");
    }
    action.instance = take_dollar(c);
    action.name = dv_wat_take_name(c);
    if (!action.is_get) {
        action.args = take_values(c, false, &action.num_args);
    }
    dv_wat_close(c);
    return action;
}

static void set_error(WastModule *module, const Diag *diag)
{
    const DiagMessage *first = dv_diag_first(diag);
    module->error = first->text;
    module->error_line = first->line;
    module->error_column = first->column;
}

/* The module whose tokens end at `end`; the cursor moves behind it whatever it holds. */
static void take_module_at(WatCursor *c, u32 end, WastModule *module)
{
    WatCursor inside = *c;
    Diag diag;
    ByteBuf bytes;
    if (c->failed) {
        return;
    }
    dv_diag_init(&diag, c->arena);
    dv_bytebuf_init(&bytes, c->arena);
    inside.diag = &diag;
    if (dv_wat_take_form_of_module(&inside, end, &bytes, &module->places, &module->form)) {
        module->size = (u32)bytes.len;
        module->bytes = bytes.len == 0 ? (const u8 *)"" : bytes.data;
    } else {
        set_error(module, &diag);
    }
    c->at = end;
}

/* (module definition? $id? ...) or (module instance $id? $of?). */
static void take_module(WatCursor *c, WastCommand *command, bool alone)
{
    u32 end = dv_wat_peek(c)->link;
    c->at += 2;
    if (alone && dv_wat_take_word(c, "instance")) {
        command->kind = WAST_MODULE_INSTANCE;
        command->id = take_dollar(c);
        command->of = take_dollar(c);
        dv_wat_close(c);
        return;
    }
    if (dv_wat_take_word(c, "definition")) {
        command->kind = alone ? WAST_MODULE_DEFINITION : command->kind;
    }
    u32 at = c->at;
    command->has_module = true;
    command->module.id = take_dollar(c);
    command->id = command->module.id;
    c->at = c->failed ? c->at : at;
    take_module_at(c, end, &command->module);
    dv_wat_close(c);
}

/* ---- commands ---- */

enum { TAKES_ACTION = 1, TAKES_MODULE = 2, TAKES_RESULTS = 4, TAKES_TEXT = 8 };

typedef struct AssertRow {
    const char *word;
    u8 kind;
    u8 takes;
} AssertRow;

static const AssertRow asserts[] = {
    {"assert_return", WAST_ASSERT_RETURN, TAKES_ACTION | TAKES_RESULTS},
    {"assert_trap", WAST_ASSERT_TRAP, TAKES_ACTION | TAKES_MODULE | TAKES_TEXT},
    {"assert_exhaustion", WAST_ASSERT_EXHAUSTION, TAKES_ACTION | TAKES_TEXT},
    {"assert_exception", WAST_ASSERT_EXCEPTION, TAKES_ACTION},
    {"assert_invalid", WAST_ASSERT_INVALID, TAKES_MODULE | TAKES_TEXT},
    {"assert_malformed", WAST_ASSERT_MALFORMED, TAKES_MODULE | TAKES_TEXT},
    {"assert_unlinkable", WAST_ASSERT_UNLINKABLE, TAKES_MODULE | TAKES_TEXT},
    {"assert_invalid_custom", WAST_ASSERT_INVALID_CUSTOM, TAKES_MODULE | TAKES_TEXT},
    {"assert_malformed_custom", WAST_ASSERT_MALFORMED_CUSTOM, TAKES_MODULE | TAKES_TEXT},
};

static void take_assert(WatCursor *c, WastCommand *command, const AssertRow *row)
{
    c->at += 2;
    command->kind = row->kind;
    if ((row->takes & TAKES_MODULE) != 0 && dv_wat_is_form(c, "module")) {
        take_module(c, command, false);
    } else if ((row->takes & TAKES_ACTION) != 0) {
        command->action = take_action(c);
    } else {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "(module");
    }
    if ((row->takes & TAKES_RESULTS) != 0) {
        command->results = take_values(c, true, &command->num_results);
    }
    if ((row->takes & TAKES_TEXT) != 0) {
        command->text = dv_wat_take_name(c);
    }
    dv_wat_close(c);
}

/* (register "name" $id?) and (wait $id). */
static void take_register(WatCursor *c, WastCommand *command)
{
    bool is_wait = dv_wat_is_form(c, "wait");
    command->kind = is_wait ? WAST_WAIT : WAST_REGISTER;
    c->at += 2;
    if (!is_wait) {
        command->name = dv_wat_take_name(c);
    }
    command->id = take_dollar(c);
    dv_wat_close(c);
}

/* A command that is no thread. */
static WastCommand take_simple(WatCursor *c)
{
    WastCommand command;
    u32 column;
    Str form = dv_wat_form(c);
    memset(&command, 0, sizeof command);
    dv_wat_position(c->text, dv_wat_peek(c)->at, &command.line, &column);
    for (u32 i = 0; i < ARRAY_LEN(asserts); i++) {
        if (dv_str_is(form, asserts[i].word)) {
            take_assert(c, &command, &asserts[i]);
            return command;
        }
    }
    if (dv_str_is(form, "module")) {
        command.kind = WAST_MODULE;
        take_module(c, &command, true);
    } else if (is_action(c)) {
        command.kind = WAST_ACTION;
        command.action = take_action(c);
    } else if (dv_str_is(form, "register") || dv_str_is(form, "wait")) {
        take_register(c, &command);
    } else {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "a command of a script");
    }
    return command;
}

/* (thread $id (shared (module $m))* commands). */
static WastCommand take_thread(WatCursor *c)
{
    WastCommand command;
    Commands commands = {0};
    VEC(Str) shared = {0};
    u32 column;
    memset(&command, 0, sizeof command);
    command.kind = WAST_THREAD;
    dv_wat_position(c->text, dv_wat_peek(c)->at, &command.line, &column);
    c->at += 2;
    command.id = take_dollar(c);
    while (dv_wat_take_form(c, "shared")) {
        if (!dv_wat_take_form(c, "module")) {
            dv_wat_unexpected(c, "(module");
        }
        vec_push(c->arena, &shared, take_dollar(c));
        dv_wat_close(c);
        dv_wat_close(c);
    }
    while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
        vec_push(c->arena, &commands, take_simple(c));
    }
    dv_wat_close(c);
    command.num_commands = commands.len;
    command.commands = commands.data;
    command.num_shared = shared.len;
    command.shared = shared.data;
    return command;
}

/* Whether a form is a field of a module, so that the script is one. */
static bool is_field(const WatCursor *c)
{
    Str form = dv_wat_form(c);
    bool is_field_word = dv_str_is(form, "rec") || dv_str_is(form, "import") ||
                         dv_str_is(form, "export") || dv_str_is(form, "start");
    for (u32 space = 0; space < SPACE_COUNT; space++) {
        is_field_word = is_field_word || dv_str_is(form, dv_wat_spaces[space].word);
    }
    return is_field_word;
}

bool dv_wast_parse(Arena *arena, Str text, WastCommand **commands, u32 *count, Diag *diag)
{
    WatText *lexed = ARENA_NEW(arena, WatText);
    WatCursor c;
    Commands list = {0};
    *commands = NULL;
    *count = 0;
    if (!dv_wat_lex(arena, text, lexed, diag)) {
        return false;
    }
    dv_wat_cursor_init(&c, arena, lexed, diag);
    if (is_field(&c)) {
        WastCommand command;
        u32 column;
        memset(&command, 0, sizeof command);
        command.kind = WAST_MODULE;
        command.has_module = true;
        dv_wat_position(lexed, dv_wat_peek(&c)->at, &command.line, &column);
        take_module_at(&c, c.last, &command.module);
        vec_push(arena, &list, command);
    }
    while (!c.failed && c.at != c.last) {
        vec_push(arena, &list, dv_wat_is_form(&c, "thread") ? take_thread(&c) : take_simple(&c));
    }
    *commands = list.data;
    *count = list.len;
    return !c.failed;
}
