/* test_wasm_compile_limits.c - functions and modules at the limits: very deep, very long, very wide; and those that would make work
 * grow faster than their size, which are refused. What is compiled here at all is compiled in linear time, or the test would not end. */
#include "wasm_compile_testing.h"

/* ---- modules in bytes ---- */

typedef struct Maker {
    Fixture *x;
    ByteBuf out;
    ByteBuf body; /* of the function at hand */
} Maker;

static void put(ByteBuf *out, const char *bytes, usize count)
{
    dv_bytebuf_bytes(out, bytes, count);
}

/* Bytes of a literal. */
#define PUT(out, bytes) put((out), (bytes), sizeof(bytes) - 1)

static void put_leb(ByteBuf *out, u64 x)
{
    for (; x >= 0x80; x >>= 7) {
        dv_bytebuf_u8(out, (u8)(x | 0x80));
    }
    dv_bytebuf_u8(out, (u8)x);
}

static void put_section(Maker *m, u8 id, const ByteBuf *bytes)
{
    dv_bytebuf_u8(&m->out, id);
    put_leb(&m->out, bytes->len);
    dv_bytebuf_bytes(&m->out, bytes->data, bytes->len);
}

static void put_types(ByteBuf *out, u32 count)
{
    put_leb(out, count);
    for (u32 i = 0; i < count; i++) {
        dv_bytebuf_u8(out, 0x7f);
    }
}

static void begin(Maker *m, Fixture *x)
{
    m->x = x;
    dv_bytebuf_init(&m->out, &x->arena);
    dv_bytebuf_init(&m->body, &x->arena);
    PUT(&m->out, "\0asm\1\0\0\0");
}

/* A module of one memory, one table and `count` functions with this body, all of i32s. */
static WasmModule *finish(Maker *m, u32 params, u32 results, u32 count)
{
    ByteBuf s;
    dv_bytebuf_init(&s, &m->x->arena);
    PUT(&s, "\1\x60");
    put_types(&s, params);
    put_types(&s, results);
    put_section(m, 1, &s);
    s.len = 0;
    put_leb(&s, count);
    dv_bytebuf_zeros(&s, count);
    put_section(m, 3, &s);
    put_section(m, 5, &(ByteBuf){.data = (u8[]){1, 0, 1}, .len = 3});
    s.len = 0;
    put_leb(&s, count);
    for (u32 i = 0; i < count; i++) {
        put_leb(&s, m->body.len);
        dv_bytebuf_bytes(&s, m->body.data, m->body.len);
    }
    put_section(m, 10, &s);
    return decode_bytes(m->x, m->out.data, m->out.len, dv_wasm_features_run());
}

static void check_both(Fixture *x, WasmModule *m)
{
    WasmCompileOptions options = plain_options;
    compile_good(x, m, &options);
    options.fast = true;
    compile_good(x, m, &options);
}

static void check_refused(Fixture *x, WasmModule *m, const char *message)
{
    ByteBuf out;
    WasmError error;
    const char *got = compile_error(x, m, &plain_options, &out, &error);
    assert_non_null(got);
    if (strncmp(got, message, strlen(message)) != 0) {
        fail_msg("%s", got);
    }
    assert_int_equal(error.func, 0);
    assert_int_equal(error.missing, FEATURE_COUNT);
}

/* ---- deep, wide, long ---- */

enum { DEPTH = 100000 };

static void test_deep(void **state)
{
    static const struct {
        const char *bytes;
        u32 count;
    } openings[] = {{"\x02\x40", 2}, {"\x03\x40", 2}, {"\x20\0\x04\x40", 4}};
    for (u32 kind = 0; kind < ARRAY_LEN(openings); kind++) {
        Maker m;
        begin(&m, *state);
        dv_bytebuf_u8(&m.body, 0);
        for (u32 i = 0; i < DEPTH; i++) {
            put(&m.body, openings[kind].bytes, openings[kind].count);
        }
        PUT(&m.body, "\x20\0\x0d"); /* to the outermost, to the next */
        put_leb(&m.body, DEPTH - 1);
        PUT(&m.body, "\x20\0\x0d\1");
        for (u32 i = 0; i <= DEPTH; i++) {
            dv_bytebuf_u8(&m.body, 0x0b);
        }
        check_both(*state, finish(&m, 1, 0, 1));
    }
}

static void test_many_locals(void **state)
{
    enum { LOCALS = 50000 };
    Maker m;
    begin(&m, *state);
    dv_bytebuf_u8(&m.body, 1);
    put_leb(&m.body, LOCALS - 1);
    dv_bytebuf_u8(&m.body, 0x7f);
    for (u32 i = 1; i < LOCALS; i++) { /* each is the one before, plus 1 */
        dv_bytebuf_u8(&m.body, 0x20);
        put_leb(&m.body, i - 1);
        PUT(&m.body, "\x41\1\x6a\x21");
        put_leb(&m.body, i);
    }
    PUT(&m.body, "\3\x40"); /* a loop that all live through */
    for (u32 i = 1; i < LOCALS; i++) {
        dv_bytebuf_u8(&m.body, 0x20);
        put_leb(&m.body, i);
        PUT(&m.body, "\x41\3\x6c\x21");
        put_leb(&m.body, i - 1);
    }
    PUT(&m.body, "\x20\0\x0d\0\x0b\x20\0\x0b");
    check_both(*state, finish(&m, 1, 1, 1));
}

/* Tables of many entries: few labels, and as many labels as entries. */
static void test_large_tables(void **state)
{
    enum { ENTRIES = 65520, LABELS = 5000 };
    Maker m;
    begin(&m, *state);
    dv_bytebuf_u8(&m.body, 0);
    for (u32 i = 0; i < LABELS; i++) {
        PUT(&m.body, "\x02\x40");
    }
    PUT(&m.body, "\x20\0\x0e");
    put_leb(&m.body, ENTRIES);
    for (u32 i = 0; i <= ENTRIES; i++) {
        put_leb(&m.body, i * 7 % LABELS);
    }
    for (u32 i = 0; i < LABELS; i++) {
        PUT(&m.body, "\x0b\x20\0\x41\1\x6a\x21\0"); /* locals differ at each */
    }
    PUT(&m.body, "\x20\0\x0b");
    check_both(*state, finish(&m, 1, 1, 1));
}

static void test_many_params(void **state)
{
    enum { PARAMS = 1000 };
    Maker m;
    begin(&m, *state);
    dv_bytebuf_u8(&m.body, 0);
    for (u32 n = 0; n < 2; n++) { /* a call, its results to a block, backwards */
        for (u32 i = 0; i < PARAMS; i++) {
            dv_bytebuf_u8(&m.body, 0x20);
            put_leb(&m.body, PARAMS - 1 - i);
        }
        PUT(&m.body, "\x10\0\x02\0\x20\0\x0d\0\x0b");
        for (u32 i = 0; i < PARAMS; i++) {
            dv_bytebuf_u8(&m.body, 0x21);
            put_leb(&m.body, i);
        }
    }
    for (u32 i = 0; i < PARAMS; i++) {
        dv_bytebuf_u8(&m.body, 0x20);
        put_leb(&m.body, i);
    }
    dv_bytebuf_u8(&m.body, 0x0b);
    check_both(*state, finish(&m, PARAMS, PARAMS, 2));
}

/* A long function: arithmetic, memory, branches, calls. */
static void test_long(void **state)
{
    enum { ROUNDS = 8000 };
    static const char round[] =
        "\x20\0\x20\1\x6a\x22\2\x28\2\x10\x41\3\x6c\x21\1\x02\x40\x20\1\x0d\0\x20\2\x20\1\x36\2\4\x0b"
        "\x20\2\x20\1\x10\0\x21\0";
    Maker m;
    begin(&m, *state);
    PUT(&m.body, "\1\1\x7f");
    for (u32 i = 0; i < ROUNDS; i++) {
        PUT(&m.body, round);
    }
    PUT(&m.body, "\x20\0\x0b");
    check_both(*state, finish(&m, 2, 1, 1));
}

static void test_many_functions(void **state)
{
    enum { FUNCS = 20000 };
    Maker m;
    begin(&m, *state);
    PUT(&m.body, "\0\x20\0\x10");
    put_leb(&m.body, FUNCS - 1);
    dv_bytebuf_u8(&m.body, 0x0b);
    check_both(*state, finish(&m, 1, 1, FUNCS));
}

/* ---- refused ---- */

/* A thousand values passed by each branch of two bytes. */
static void test_too_many_values(void **state)
{
    enum { VALUES = 1000, BRANCHES = 30000 };
    Maker m;
    begin(&m, *state);
    PUT(&m.body, "\0\x02\0");
    for (u32 i = 0; i < VALUES; i++) {
        PUT(&m.body, "\x41\0");
    }
    for (u32 i = 0; i < BRANCHES; i++) {
        PUT(&m.body, "\x41\0\x0d\0");
    }
    PUT(&m.body, "\x0b\x0b");
    check_refused(*state, finish(&m, 0, VALUES, 1),
                  "too many values are passed to labels and functions (function 0, at offset 0x");
}

/* Locals that change between branches to one label: each is a value there, of as many branches. */
static void test_too_many_locals(void **state)
{
    enum { LOCALS = 10000 };
    Maker m;
    begin(&m, *state);
    dv_bytebuf_u8(&m.body, 1);
    put_leb(&m.body, LOCALS);
    PUT(&m.body, "\x7f\x02\x40");
    for (u32 i = 1; i < LOCALS; i++) {
        PUT(&m.body, "\x20\0\x0d\0\x41\1\x21");
        put_leb(&m.body, i);
    }
    dv_bytebuf_u8(&m.body, 0x0b);
    for (u32 i = 1; i < LOCALS; i++) {
        dv_bytebuf_u8(&m.body, 0x20);
        put_leb(&m.body, i);
        PUT(&m.body, "\x21\0");
    }
    dv_bytebuf_u8(&m.body, 0x0b);
    check_refused(*state, finish(&m, 1, 0, 1),
                  "too many locals live over too many branches (function 0, at offset 0x");
}

/* Entries of tables are a byte here and four in bytecode. */
static void test_too_much_code(void **state)
{
    enum { ENTRIES = 65520, TABLES = 66 };
    Maker m;
    begin(&m, *state);
    dv_bytebuf_u8(&m.body, 0);
    for (u32 n = 0; n < TABLES; n++) {
        PUT(&m.body, "\x02\x40\x20\0\x0e");
        put_leb(&m.body, ENTRIES);
        for (u32 i = 0; i <= ENTRIES; i++) {
            dv_bytebuf_u8(&m.body, i % 2);
        }
        dv_bytebuf_u8(&m.body, 0x0b);
    }
    dv_bytebuf_u8(&m.body, 0x0b);
    check_refused(*state, finish(&m, 1, 0, 1),
                  "the function is too large: its code would have more than 16 MiB (function 0)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_deep),
        UNIT_TEST(test_many_locals),
        UNIT_TEST(test_large_tables),
        UNIT_TEST(test_many_params),
        UNIT_TEST(test_long),
        UNIT_TEST(test_many_functions),
        UNIT_TEST(test_too_many_values),
        UNIT_TEST(test_too_many_locals),
        UNIT_TEST(test_too_much_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
