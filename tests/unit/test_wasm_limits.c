/* test_wasm_limits.c - the limits on modules: at each of them a module is valid, and one beyond it is refused by the limit's name.
 * (The others: operands and supertypes in test_wasm_validate.c and test_wasm_decode.c, code and work in
 * test_wasm_compile_limits.c, what stores hold in test_rt_link.c.) */
#include "wasm_testing.h"

enum { SECTIONS = 14, NAME_DIGITS = 4 };

/* A module by section, in the order of the format. */
typedef struct Parts {
    ByteBuf sections[SECTIONS]; /* by id */
} Parts;

static const u8 order[SECTIONS] = {0, 1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11};

/* Appends bytes so often. */
static void repeat(ByteBuf *out, const char *bytes, usize size, u32 times)
{
    for (u32 i = 0; i < times; i++) {
        dv_bytebuf_bytes(out, bytes, size);
    }
}

/* A vector of so many equal items. */
static void put_items(Parts *p, u32 id, const char *bytes, usize size, u32 count)
{
    put_u32(&p->sections[id], count);
    repeat(&p->sections[id], bytes, size, count);
}

#define ITEMS(p, id, literal, count) put_items((p), (id), BYTES(literal), (count))

static void put_no_type(Parts *p)
{
    ITEMS(p, 1, "\x60\0\0", 1);
}

/* ---- one maker per limit: a module with so many of it ---- */

static void make_types(Parts *p, u32 count)
{
    ITEMS(p, 1, "\x60\0\0", count);
}

static void make_imports(Parts *p, u32 count)
{
    ITEMS(p, 2, "\0\0\3\x7f\0", count);
}

static void make_funcs(Parts *p, u32 count)
{
    put_no_type(p);
    ITEMS(p, 3, "\0", count);
    ITEMS(p, 10, "\2\0\x0b", count);
}

static void make_tables(Parts *p, u32 count)
{
    ITEMS(p, 4, "\x70\0\0", count);
}

static void make_memories(Parts *p, u32 count)
{
    ITEMS(p, 5, "\0\0", count);
}

static void make_tags(Parts *p, u32 count)
{
    put_no_type(p);
    ITEMS(p, 13, "\0\0", count);
}

static void make_globals(Parts *p, u32 count)
{
    ITEMS(p, 6, "\x7f\0\x41\0\x0b", count);
}

static void make_exports(Parts *p, u32 count)
{
    ITEMS(p, 5, "\0\0", 1);
    put_u32(&p->sections[7], count);
    for (u32 i = 0; i < count; i++) {
        char name[NAME_DIGITS];
        for (u32 digit = 0; digit < NAME_DIGITS; digit++) {
            name[digit] = (char)('0' + (i >> (digit * 6) & 63));
        }
        put_sized(&p->sections[7], name, sizeof name);
        dv_bytebuf_bytes(&p->sections[7], "\2\0", 2);
    }
}

static void make_elems(Parts *p, u32 count)
{
    ITEMS(p, 9, "\1\0\0", count); /* passive, of functions, none */
}

static void make_datas(Parts *p, u32 count)
{
    ITEMS(p, 11, "\1\0", count);
}

static void make_params(Parts *p, u32 count)
{
    dv_bytebuf_bytes(&p->sections[1], "\1\x60", 2);
    ITEMS(p, 1, "\x7f", count);
    dv_bytebuf_u8(&p->sections[1], 0);
}

static void make_results(Parts *p, u32 count)
{
    dv_bytebuf_bytes(&p->sections[1], "\1\x60\0", 3);
    ITEMS(p, 1, "\x7f", count);
}

/* A module of one function without a name. */
static void put_body(Parts *p, const ByteBuf *body)
{
    put_no_type(p);
    ITEMS(p, 3, "\0", 1);
    put_u32(&p->sections[10], 1);
    put_sized(&p->sections[10], body->data, body->len);
}

static void make_locals(Parts *p, u32 count)
{
    ByteBuf body;
    dv_bytebuf_init(&body, p->sections[0].arena);
    dv_bytebuf_u8(&body, 1);
    put_u32(&body, count);
    dv_bytebuf_bytes(&body, "\x7f\x0b", 2);
    put_body(p, &body);
}

static void make_body(Parts *p, u32 bytes)
{
    ByteBuf body;
    dv_bytebuf_init(&body, p->sections[0].arena);
    dv_bytebuf_u8(&body, 0);
    repeat(&body, BYTES("\1"), bytes - 2);
    dv_bytebuf_u8(&body, 0x0b);
    put_body(p, &body);
}

static void make_br_table(Parts *p, u32 count)
{
    ByteBuf body;
    dv_bytebuf_init(&body, p->sections[0].arena);
    dv_bytebuf_bytes(&body, "\0\x41\0\x0e", 4);
    put_u32(&body, count);
    repeat(&body, BYTES("\0"), count + 1);
    dv_bytebuf_u8(&body, 0x0b);
    put_body(p, &body);
}

static void make_name(Parts *p, u32 bytes)
{
    ITEMS(p, 5, "\0\0", 1);
    put_u32(&p->sections[7], 1);
    put_u32(&p->sections[7], bytes);
    repeat(&p->sections[7], BYTES("x"), bytes);
    dv_bytebuf_bytes(&p->sections[7], "\2\0", 2);
}

typedef struct LimitCase {
    void (*make)(Parts *p, u32 count);
    u32 limit;
    const char *message; /* for one more */
} LimitCase;

static const LimitCase cases[] = {
    {make_types, 1000000, "too many types: 1000001, more than 1000000"},
    {make_imports, 1000000, "too many imports: 1000001, more than 1000000"},
    {make_funcs, 1000000, "too many functions: 1000001, more than 1000000"},
    {make_tables, 100000, "too many tables: 100001, more than 100000"},
    {make_memories, 100000, "too many memories: 100001, more than 100000"},
    {make_tags, 100000, "too many tags: 100001, more than 100000"},
    {make_globals, 1000000, "too many globals: 1000001, more than 1000000"},
    {make_exports, 1000000, "too many exports: 1000001, more than 1000000"},
    {make_elems, 1000000, "too many element segments: 1000001, more than 1000000"},
    {make_datas, 1000000, "too many data segments: 1000001, more than 1000000"},
    {make_params, 1000, "too many parameters: 1001, more than 1000"},
    {make_results, 1000, "too many results: 1001, more than 1000"},
    {make_locals, 50000, "too many locals: 50001, more than 50000"},
    {make_body, 7654321, "function body too large: 7654322 bytes, more than 7654321"},
    {make_br_table, 65520, "too many labels: br_table has 65521, more than 65520"},
    {make_name, 100000, "name too long: 100001 bytes, more than 100000"},
};

/* ---- */

static void make(Fixture *f, const LimitCase *c, u32 count, ByteBuf *out)
{
    Parts parts;
    for (u32 i = 0; i < SECTIONS; i++) {
        dv_bytebuf_init(&parts.sections[i], &f->arena);
    }
    c->make(&parts, count);
    dv_bytebuf_init(out, &f->arena);
    dv_bytebuf_bytes(out, PREAMBLE, sizeof PREAMBLE - 1);
    for (u32 i = 0; i < SECTIONS; i++) {
        const ByteBuf *section = &parts.sections[order[i]];
        if (section->len != 0) {
            put_section(out, order[i], section->data, section->len);
        }
    }
}

static void at_and_beyond(void **state)
{
    Fixture *f = *state;
    const Features features = ((Features)1 << FEATURE_COUNT) - 1;
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        ByteBuf bytes;
        make(f, &cases[i], cases[i].limit, &bytes);
        expect_valid(f, bytes.data, bytes.len, features);
        make(f, &cases[i], cases[i].limit + 1, &bytes);
        expect_error(f, bytes.data, bytes.len, features, false, cases[i].message);
        dv_arena_release_to(&f->arena, mark);
    }
}

/* The size alone is looked at. */
static void large_modules(void **state)
{
    Fixture *f = *state;
    const DecodeOptions options = {0};
    WasmModule module;
    WasmError error;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    assert_false(dv_wasm_decode(&f->arena, (const u8 *)PREAMBLE, ((usize)1 << 30) + 1, &options,
                                &module, &diag, &error));
    assert_string_equal(dv_diag_first(&diag)->text,
                        "module too large: more than 1073741824 bytes (at offset 0x0)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_setup, unit_teardown)
    const struct CMUnitTest tests[] = {TEST(at_and_beyond), TEST(large_modules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
