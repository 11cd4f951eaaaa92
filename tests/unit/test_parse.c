/* test_parse.c - parsing: every error message with its line and column; what becomes of commands,
 * comments and lines; types found from what comes later; and that hostile text costs neither memory
 * nor time. What is read right is mostly shown by tests/clif/parse and test_print.c. */
#include "clif_testing.h"

/* ---- errors ---- */

typedef struct ErrorCase {
    const char *text;
    u32 line, column;
    const char *message;
} ErrorCase;

/* Instructions stand in line 2 from column 9 on; their function has a preamble like this. */
#define BODY_BEGIN \
    "function %f(i32) { ss0 = explicit_slot 8 sig0 = (i32) -> i32 fn0 = %g sig0 " \
    "block0(v0: i32):\n" \
    "        "
#define BODY(text) BODY_BEGIN text "\n}\n"
#define IN_FUNC(text) "function %f() {\n" text "\n}\n"

static const ErrorCase cases[] = {
    /* the file */
    {"x", 1, 1, "expected 'function' or a test command, found 'x'"},
    {"function %f() {}\n test run", 2, 2, "expected 'function', found 'test'"},
    {"function %f() {} }", 1, 18, "expected 'function', found '}'"},
    {"function", 1, 9, "expected a name: %name or u0:0, found the end of the file"},
    {"function 7", 1, 10, "expected a name: %name or u0:0, found '7'"},
    {"function u0.1() {}", 1, 12, "expected ':', found '.'"},
    {"function u0:x() {}", 1, 13, "expected a function number, found 'x'"},
    {"function u0:4294967296() {}", 1, 13, "a function number must be 0 to 4294967295"},
    {"function u0:-1() {}", 1, 13, "a function number must be 0 to 4294967295"},
    {"function %f{}", 1, 12, "expected '(', found '{'"},
    {"function %f(i32 {}", 1, 17, "expected ')', found '{'"},
    {"function %f(i33) {}", 1, 13, "expected a type, found 'i33'"},
    {"function %f(i32,) {}", 1, 17, "expected a type, found ')'"},
    {"function %f(i32 sarg) {}", 1, 21, "expected '(', found ')'"},
    {"function %f(i32 sarg(x)) {}", 1, 22, "expected a size in bytes, found 'x'"},
    {"function %f(dt0) {}", 1, 13, "dt0 is not declared"},
    {"function %f() -> {}", 1, 18, "expected a type, found '{'"},
    {"function %f() cold {}", 1, 15, "expected a calling convention, found 'cold'"},
    {"function %f()\n", 2, 1, "expected '{', found the end of the file"},
    {"function %f() {", 1, 16, "expected a declaration, a block or '}', found the end of the file"},
    {"function %\"\\q\"() {}", 1, 10, "unknown escape in string"},
    {"function %\"\\x0\"() {}", 1, 10, "unknown escape in string"},
    {"function %\"f() {}", 1, 10, "expected a name: %name or u0:0, found '%'"},
    {"; \xc3(\n", 1, 3, "text is not UTF-8: '\\xc3'"},
    {"\n\n \xff", 3, 2, "text is not UTF-8: '\\xff'"},
    {"; \xed\xa0\x80", 1, 3, "text is not UTF-8: '\\xed'"},
    {"; \xe0\x80\x80", 1, 3, "text is not UTF-8: '\\xe0'"},
    {"; \xf4\x90\x80\x80", 1, 3, "text is not UTF-8: '\\xf4'"},
    {"; \xe2\x82", 1, 3, "text is not UTF-8: '\\xe2'"},
    {"function %f() { \xc3\xa9", 1, 17, "expected a declaration, a block or '}', found '\\xc3'"},
    {"#", 1, 1, "expected 'function' or a test command, found '#'"},
    {"\x01", 1, 1, "expected 'function' or a test command, found '\\x01'"},
    /* the preamble */
    {IN_FUNC("x"), 2, 1, "expected a declaration, a block or '}', found 'x'"},
    {IN_FUNC("iadd"), 2, 1, "expected a declaration, a block or '}', found 'iadd'"},
    {IN_FUNC("ss0"), 3, 1, "expected '=', found '}'"},
    {IN_FUNC("ss01 = explicit_slot 8"), 2, 1,
     "expected a declaration, a block or '}', found 'ss01'"},
    {IN_FUNC("ss0 = slot 8"), 2, 7, "expected 'explicit_slot', found 'slot'"},
    {IN_FUNC("ss0 = explicit_slot x"), 2, 21, "expected a size in bytes, found 'x'"},
    {IN_FUNC("ss0 = explicit_slot 8, x"), 2, 24, "expected 'align' or 'key', found 'x'"},
    {IN_FUNC("ss0 = explicit_slot 8, align 8"), 2, 30, "expected '=', found '8'"},
    {IN_FUNC("ss0 = explicit_slot 8, align = 3"), 2, 32, "alignment must be a power of two"},
    {IN_FUNC("ss0 = explicit_slot 8, align = 0"), 2, 32, "alignment must be a power of two"},
    {IN_FUNC("ss0 = explicit_slot 8\n ss0 = explicit_slot 8"), 3, 2,
     "ss0 is already declared in line 2"},
    {IN_FUNC("ss2000000 = explicit_slot 8"), 3, 1,
     "entity numbers leave too many gaps before 2000000"},
    {IN_FUNC("ss1073741824 = explicit_slot 8"), 2, 1,
     "expected an entity number below 2^30, found 'ss1073741824'"},
    {IN_FUNC("dss0 = explicit_dynamic_slot i32x4"), 2, 30, "expected dtN, found 'i32x4'"},
    {IN_FUNC("dt0 = i32*gv0"), 2, 7, "a dynamic type is a vector times a global value"},
    {IN_FUNC("dt0 = i32x4 gv0"), 2, 13, "expected '*', found 'gv0'"},
    {IN_FUNC("dt0 = i32x4*ss0"), 2, 13, "expected gvN, found 'ss0'"},
    {IN_FUNC("gv0 = x"), 2, 7,
     "expected 'vmctx', 'load', 'iadd_imm', 'symbol' or 'dyn_scale_target_const', found 'x'"},
    {IN_FUNC("gv0 = load gv0"), 2, 12, "expected '.', found 'gv0'"},
    {IN_FUNC("gv0 = load.i64 frob gv0"), 2, 16, "expected gvN, found 'frob'"},
    {IN_FUNC("gv0 = load.i64 little big gv0"), 2, 23, "cannot be both little and big"},
    {IN_FUNC("gv0 = load.i64 gv0+2147483648"), 2, 19,
     "an offset must be -2147483648 to 2147483647"},
    {IN_FUNC("gv0 = iadd_imm.i64 gv0, x"), 2, 25, "expected a number, found 'x'"},
    {IN_FUNC("gv0 = symbol x"), 2, 14, "expected a name: %name or u0:0, found 'x'"},
    {IN_FUNC("fn0 = %f fn1"), 2, 10, "expected sigN, found 'fn1'"},
    {IN_FUNC("fn0 = %f()\nsig0 = ()\nsig0 = ()"), 4, 1, "sig0 is already declared in line 3"},
    {IN_FUNC("const0 = 12"), 2, 10, "expected a hexadecimal number, found '12'"},
    {IN_FUNC("const0 = 0x"), 2, 10, "expected a hexadecimal number, found '0x'"},
    {IN_FUNC("const0 = 0xg"), 2, 10, "expected a hexadecimal number, found '0xg'"},
    {IN_FUNC("region0 = x"), 2, 11, "expected a region's number, found 'x'"},
    {IN_FUNC("region0 = 0 heap"), 2, 13, "expected the region's name in quotes, found 'heap'"},
    {IN_FUNC("region0 = 0 \"heap"), 2, 13, "expected the region's name in quotes, found '\"'"},
    {IN_FUNC("stack_limit = gv1 stack_limit = gv1"), 2, 19,
     "stack_limit is already declared in line 2"},
    {IN_FUNC("type0 = func i32, sig0"), 2, 14, "expected '(', found 'i32'"},
    {IN_FUNC("type0 = func (i8), sig0"), 2, 15, "expected a Wasm type, found 'i8'"},
    {IN_FUNC("type0 = func () -> i32, i8"), 2, 25,
     "expected a Wasm type or a signature, found 'i8'"},
    {IN_FUNC("type0 = func () sig0"), 2, 17, "expected ',', found 'sig0'"},
    {IN_FUNC("type0 = func (), sig0, 5"), 2, 24, "expected 'index', found '5'"},
    {IN_FUNC("type0 = func (), sig0, index x"), 2, 30, "expected an index, found 'x'"},
    {IN_FUNC("heap0 = table 0"), 2, 9, "expected 'memory', found 'table'"},
    {IN_FUNC("heap0 = memory 0, i32"), 2, 19, "expected 'index', found 'i32'"},
    {IN_FUNC("heap0 = memory 0, index i32, min 0, page 1, x"), 2, 45,
     "expected 'shared', found 'x'"},
    {IN_FUNC("table0 = table 0, index i32, min 0, i32"), 2, 37,
     "expected a reference type, found 'i32'"},
    {IN_FUNC("global0 = global 0, i32, const"), 2, 26, "expected 'mutable', found 'const'"},
    {IN_FUNC("func0 = %f type0"), 2, 9, "expected 'import' or 'define', found '%f'"},
    {IN_FUNC("func0 = import sig0"), 2, 16, "expected a name: %name or u0:0, found 'sig0'"},
    {IN_FUNC("tag0 = tag 0, sig0"), 2, 15, "expected typeN, found 'sig0'"},
    {IN_FUNC("data0 = data x"), 2, 14, "expected an index, found 'x'"},
    /* blocks */
    {IN_FUNC("block0"), 3, 1, "expected ':', found '}'"},
    {IN_FUNC("block0(v0): return"), 2, 10, "expected ':', found ')'"},
    {IN_FUNC("block0(x: i32): return"), 2, 8, "expected a value, found 'x'"},
    {IN_FUNC("block0(v0: i32, v0: i32): return"), 2, 17, "v0 is already defined"},
    {IN_FUNC("block0: return\nblock0: return"), 3, 1, "block0 is already defined in line 2"},
    {IN_FUNC("block0: return\nss0 = explicit_slot 8"), 3, 1,
     "expected an instruction, found 'ss0'"},
    {IN_FUNC("block99999999: return"), 2, 1, "entity numbers leave too many gaps before 99999999"},
    {IN_FUNC("block4294967295: return"), 2, 1,
     "entity numbers leave too many gaps before 4294967295"},
    {IN_FUNC("block0: return v99999999"), 2, 16,
     "entity numbers leave too many gaps before 99999999"},
    {IN_FUNC("block0: jump block99999999"), 2, 14,
     "entity numbers leave too many gaps before 99999999"},
    /* instructions */
    {BODY("frob v0"), 2, 9, "expected an instruction, found 'frob'"},
    {BODY("v1 frob"), 2, 12, "expected '=', found 'frob'"},
    {BODY("v1, = iadd v0, v0"), 2, 13, "expected a value, found '='"},
    {BODY("v1 = iadd v0"), 3, 1, "expected ',', found '}'"},
    {BODY("v1 = iadd v0, block0"), 2, 23, "expected a value, found 'block0'"},
    {BODY("v1 = iadd.x v0, v0"), 2, 19, "expected a type, found 'x'"},
    {BODY("v1 = iadd.dt3 v0, v0"), 2, 19, "dt3 is not declared"},
    {BODY("v0 = iadd v0, v0"), 2, 9, "v0 is already defined"},
    {BODY("v1, v1 = iadd v0, v0"), 2, 13, "v1 is already defined"},
    {BODY("iadd v0, v0"), 2, 9, "iadd gives 1 result, not 0"},
    {BODY("v1, v2 = iadd v0, v0"), 2, 18, "iadd gives 1 result, not 2"},
    {BODY("v1 = return"), 2, 14, "return gives 0 results, not 1"},
    {BODY("v1, v2 = call fn0(v0)"), 2, 18, "call gives 1 result, not 2"},
    {BODY("call_indirect sig0, v0(v0)"), 2, 9, "call_indirect gives 1 result, not 0"},
    {BODY("v1 = uadd_overflow v0, v0"), 2, 14, "uadd_overflow gives 2 results, not 1"},
    {BODY("v1 = iconst 5"), 2, 14, "iconst needs a type, as in iconst.i32"},
    {BODY("v1 = vconst 0x0"), 2, 14, "vconst needs a type, as in vconst.i32x4"},
    {BODY("v1 = load v0"), 2, 14, "load needs a type, as in load.i32"},
    {BODY("v1 = get_pinned_reg"), 2, 14, "get_pinned_reg needs a type, as in get_pinned_reg.i32"},
    {BODY("jump.i32 block0(v0)"), 2, 14, "jump is not of that type"},
    {BODY("v1 = f32const.f64 0x1"), 2, 23, "f32const is not of that type"},
    {BODY("v1 = swizzle.i32 v0, v0"), 2, 22, "swizzle is not of that type"},
    {BODY("v1 = iconst.i32 x"), 2, 25, "expected an integer, found 'x'"},
    {BODY("v1 = iconst.i32 0x1_0000_0000_0000_0000"), 2, 25, "the integer needs more than 64 bits"},
    {BODY("v1 = iconst.i32 -0x8000_0000_0000_0001"), 2, 25, "the integer needs more than 64 bits"},
    {BODY("v1 = f32const x"), 2, 23, "expected a floating-point number"},
    {BODY("v1 = f32const 0x1.0000001p0"), 2, 23, "its type cannot hold this number exactly"},
    {BODY("v1 = vconst.i32x4 [1 2]"), 2, 27, "expected 4 lanes, found 2"},
    {BODY("v1 = vconst.i8x16 [300"), 2, 27, "300 does not fit i8"},
    {BODY("v1 = shuffle v0, v0, 5"), 2, 30, "expected '[' or a hexadecimal number"},
    {BODY("v1 = icmp lt v0, v0"), 2, 19, "expected an integer condition, found 'lt'"},
    {BODY("v1 = fcmp slt v0, v0"), 2, 19, "expected a float condition, found 'slt'"},
    {BODY("v1 = atomic_rmw.i32 mul v0, v0"), 2, 29, "expected an atomic operation, found 'mul'"},
    {BODY("trap user251"), 2, 14, "expected a trap code, found 'user251'"},
    {BODY("v1 = extractlane v0, 256"), 2, 30, "a lane must be 0 to 255"},
    {BODY("v1 = extractlane v0, v0"), 2, 30, "expected a lane, found 'v0'"},
    {BODY("v1 = load.i32 little big v0"), 2, 30, "cannot be both little and big"},
    {BODY("v1 = load.i32 region0 region1 v0"), 2, 31, "expected a value, found 'region1'"},
    {BODY("v1 = symbol_value.i64 ss0"), 2, 31, "expected gvN, found 'ss0'"},
    {BODY("v1 = func_addr.i64 ss0"), 2, 28, "expected fnN, found 'ss0'"},
    {BODY("v1 = stack_addr.i64 gv0"), 2, 29, "expected ssN, found 'gv0'"},
    {BODY("v1 = dynamic_stack_addr.i64 ss0"), 2, 37, "expected dssN, found 'ss0'"},
    {BODY("v1 = call_indirect fn0, v0(v0)"), 2, 28, "expected sigN, found 'fn0'"},
    {BODY("v1 = call fn0 v0"), 2, 23, "expected '(', found 'v0'"},
    {BODY("v1 = call fn0(v0), map=[]"), 2, 28, "expected 'stack_map', found 'map'"},
    {BODY("v1 = call fn0(v0), stack_map=[i32 ss0]"), 2, 43, "expected '@', found 'ss0'"},
    {BODY("v1 = call fn0(v0), stack_map=[i32 @ ss0-4]"), 2, 50,
     "expected an offset inside the slot, found ']'"},
    {BODY("v1 = iadd v0, v0, stack_map=[]"), 2, 25, "expected an instruction, found ','"},
    {BODY("v1 = heap_load.i32 table0, v0"), 2, 28, "expected heapN, found 'table0'"},
    {BODY("v1 = heap_load.i32 heap0, v0, offset 4"), 2, 46, "expected '=', found '4'"},
    {BODY("v1 = heap_load.i32 heap0, v0, offset=-4"), 2, 46,
     "an offset must be 0 to 18446744073709551615"},
    {BODY("fuel v0"), 2, 14, "expected a number, found 'v0'"},
    {BODY("jump v0"), 2, 14, "expected a block, found 'v0'"},
    {BODY("jump block0(v0"), 3, 1, "expected ')', found '}'"},
    {BODY("jump block0(ret0)"), 2, 21, "expected a value, found 'ret0'"},
    {BODY("brif v0, block0(v0)"), 3, 1, "expected ',', found '}'"},
    {BODY("br_table v0, block0(v0)"), 3, 1, "expected ',', found '}'"},
    {BODY("br_table v0, block0(v0), [block0(v0)"), 3, 1, "expected ']', found '}'"},
    {BODY("try_call fn0(v0), block1"), 2, 27, "expected sigN, found 'block1'"},
    {BODY("try_call fn0(v0), sig0, block1(ret0), [ x ]"), 2, 49,
     "expected 'tagN:', 'default:' or 'context', found 'x'"},
    {BODY("try_call fn0(v0), sig0, block1(ret0), [ tag0 block1 ]"), 2, 54,
     "expected ':', found 'block1'"},
    {BODY("v1 = get_exception_handler_address.i64 block1, x"), 2, 56,
     "expected an index, found 'x'"},
    {BODY("@123456789 nop"), 2, 9,
     "expected a source location of at most 8 digits, found '@123456789'"},
    {BODY("<x> nop"), 2, 10, "expected a number or stack slot, found 'x'"},
    {BODY("<1 nop"), 2, 12, "expected '>', found 'nop'"},
    {BODY("v1 -> x"), 2, 15, "expected a value, found 'x'"},
    {BODY("v1 -> v0 v1 -> v2"), 2, 18, "v1 is already an alias of v0"},
    {BODY("v0 -> v1"), 2, 9, "v0 is already defined"},
    {BODY("v1 -> v0 v1 = iconst.i32 5"), 2, 18, "v1 is already defined"},
    {BODY("v1, v2 -> v0"), 2, 16, "expected '=', found '->'"},
    /* types */
    {BODY("v1 = iadd v2, v3"), 2, 14, "v2 is not defined: write the type of iadd, as in iadd.i32"},
    {BODY("v1 = select v0, v2, v3"), 2, 14,
     "v2 is not defined: write the type of select, as in select.i32"},
    {BODY("v1 = iadd v2, v2 v2 -> v3"), 2, 14,
     "v2 is not defined: write the type of iadd, as in iadd.i32"},
    {BODY("v1 = iadd v2, v2 v2 -> v3 v3 -> v2"), 2, 14,
     "v2 is not defined: write the type of iadd, as in iadd.i32"},
    {BODY("v1 = ineg v2 v2 = ineg v1"), 2, 14,
     "v2 has a type that depends on itself: write the type of ineg, as in ineg.i32"},
    {BODY("v1 = ineg v1"), 2, 14,
     "v1 has a type that depends on itself: write the type of ineg, as in ineg.i32"},
};

static const DiagMessage *first_error(Arena *arena, Str text)
{
    static Diag diag;
    ClifFile file;
    dv_diag_init(&diag, arena);
    bool good = dv_clif_parse(&file, arena, text, &diag);
    assert_int_equal(good, dv_diag_ok(&diag));
    return dv_diag_first(&diag);
}

static void errors_say_what_and_where(void **state)
{
    Fixture *x = *state;
    u32 wrong = 0;
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        const ErrorCase *c = &cases[i];
        const DiagMessage *m = first_error(&x->arena, str_of(c->text));
        if (m == NULL || m->line != c->line || m->column != c->column ||
            strcmp(m->text, c->message) != 0) {
            wrong++;
            print_error("%s\n  expected %u:%u: %s\n  got      %u:%u: %s\n", c->text,
                        (unsigned)c->line, (unsigned)c->column, c->message,
                        m == NULL ? 0u : (unsigned)m->line, m == NULL ? 0u : (unsigned)m->column,
                        m == NULL ? "no error" : m->text);
        }
    }
    assert_int_equal(wrong, 0);
}

static void nul_bytes_are_errors(void **state)
{
    Fixture *x = *state;
    static const char text[] = "; a\n; b\0c";
    const DiagMessage *m = first_error(&x->arena, (Str){text, sizeof text - 1});
    assert_string_equal(m->text, "NUL byte: '\\x00'");
    assert_int_equal(m->line, 2);
    assert_int_equal(m->column, 4);
}

/* ---- what a file holds besides functions ---- */

static void check_str(Str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
}

static void commands_are_words(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    parse_good(&x->arena,
               str_of("test run\n\n  set opt_level=speed ; why\nset a-b=~!@\n"
                      "target x86_64 has_avx2\tsse42\r\ntest"),
               &file);
    assert_int_equal(file.commands.len, 5);
    assert_int_equal(file.commands.data[0].kind, CLIF_TEST);
    check_str(file.commands.data[0].words[0], "run");
    assert_int_equal(file.commands.data[1].kind, CLIF_SET);
    assert_int_equal(file.commands.data[1].line, 3);
    assert_int_equal(file.commands.data[1].num_words, 1);
    check_str(file.commands.data[1].words[0], "opt_level=speed");
    check_str(file.commands.data[2].words[0], "a-b=~!@");
    assert_int_equal(file.commands.data[3].kind, CLIF_TARGET);
    assert_int_equal(file.commands.data[3].num_words, 3);
    check_str(file.commands.data[3].words[2], "sse42");
    assert_int_equal(file.commands.data[4].num_words, 0);
    assert_int_equal(file.comments.len, 1);
    check_str(file.comments.data[0].text, "why");
    assert_int_equal(file.comments.data[0].line, 3);
    assert_int_equal(file.comments.data[0].column, 23);
}

static void comments_belong_to_what_precedes_them(void **state)
{
    static const struct {
        const char *text;
        EntityKind kind;
        u32 id, owner_line;
    } expected[] = {
        {"of f", ENTITY_FUNCTION, 0, 3},
        {"of ss1", ENTITY_SLOT, 1, 4},
        {"of sig0", ENTITY_SIG, 0, 5},
        {"of limit", ENTITY_STACK_LIMIT, 0, 6},
        {"of block2", ENTITY_BLOCK, 2, 7},
        {"of iconst", ENTITY_INST, 0, 8},
        {"of it too", ENTITY_INST, 0, 8},
        {"of v5", ENTITY_VALUE, 5, 10},
        {"of return", ENTITY_INST, 1, 11},
        {"of f again", ENTITY_FUNCTION, 0, 12},
        {"run: %f() == 1", ENTITY_FUNCTION, 0, 12},
    };
    Fixture *x = *state;
    ClifFile file;
    parse_good(&x->arena,
               str_of("; of the file\n"
                      "; of it too\n"
                      "function %f() { ; of f\n"
                      "ss1 = explicit_slot 8 ;of ss1  \n"
                      "sig0 = ();;;   of sig0\t\r\n"
                      "stack_limit = gv0 ; of limit\n"
                      "block2: ; of block2\n"
                      "v4 = iconst.i32 5 ; of iconst\n"
                      "; of it too\n"
                      "v5 -> v4 ; of v5\n"
                      "return ; of return\n"
                      "} ; of f again\n"
                      "; run: %f() == 1\n"
                      "function %g() {}"),
               &file);
    assert_int_equal(file.comments.len, 2);
    check_str(file.comments.data[1].text, "of it too");
    const ClifFunc *f = file.funcs.data[0];
    assert_int_equal(f->comments.len, ARRAY_LEN(expected));
    for (u32 i = 0; i < f->comments.len; i++) {
        check_str(f->comments.data[i].text, expected[i].text);
        assert_int_equal(f->comments.data[i].owner.kind, expected[i].kind);
        assert_int_equal(f->comments.data[i].owner.id, expected[i].id);
        assert_int_equal(f->comments.data[i].owner_line, expected[i].owner_line);
    }
    assert_int_equal(file.funcs.data[1]->comments.len, 0);
}

static void entities_know_their_lines(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    parse_good(
        &x->arena,
        str_of("\nfunction %f() {\nss1 = explicit_slot 8\nstack_limit = gv0\nblock2(v1: i32):\n"
               "v4 = iconst.i32 5\nv5 -> v4\n\nreturn\n}"),
        &file);
    const ClifFunc *f = file.funcs.data[0];
    assert_int_equal(f->line, 2);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_FUNCTION, 0}), 2);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_SLOT, 1}), 3);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_SLOT, 0}), 0);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_STACK_LIMIT, 0}), 4);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_BLOCK, 2}), 5);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_BLOCK, 0}), 0);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_BLOCK, 9}), 0);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_INST, 0}), 6);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_INST, 1}), 9);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_INST, 2}), 0);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_VALUE, 1}), 5);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_VALUE, 4}), 6);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_VALUE, 0}), 0);
    assert_int_equal(dv_clif_entity_line(f, (EntityRef){ENTITY_VALUE, 99}), 0);
}

/* ---- types ---- */

static void types_flow_backwards_over_aliases(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    parse_good(
        &x->arena,
        str_of("function %f(f64) { block0(v0: f64):\n jump block2\n"
               "block1:\n v1 = fadd v2, v2\n v3, v4 = uadd_overflow v5, v5\n v6 = fcmp lt v1, v1\n"
               " jump block1\n"
               "block2:\n v2 -> v7\n v7 -> v8\n v8 = fneg v9\n v9 -> v0\n v5 = iconst.i16 1\n"
               " jump block1\n}"),
        &file);
    static const Type types[] = {TYPE_F64, TYPE_F64, TYPE_F64, TYPE_I16, TYPE_I8,
                                 TYPE_I16, TYPE_I8,  TYPE_F64, TYPE_F64, TYPE_F64};
    const Func *f = &file.funcs.data[0]->func;
    for (u32 id = 0; id < ARRAY_LEN(types); id++) {
        assert_int_equal(dv_value_type(f, (Value){id}), types[id]);
    }
}

/* Calls through what is not declared may name any results; these and what hangs on them have no
 * type. */
static void unknown_callees_leave_types_open(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    parse_good(
        &x->arena,
        str_of("function %f(i32) { block0(v0: i32):\n v4 = iadd v3, v3\n v1, v2 = call fn9(v0)\n"
               " v3 = iadd v1, v2\n"
               " v5 = iadd v1, v0\n v6, v7, v8 = call_indirect.i64 sig7, v0()\n call fn9()\n"
               " v10 = memory_size heap3\n v11 = iadd v10, v10\n return }"),
        &file);
    static const Type types[] = {TYPE_I32,  TYPE_NONE, TYPE_NONE, TYPE_NONE, TYPE_NONE, TYPE_I32,
                                 TYPE_NONE, TYPE_NONE, TYPE_NONE, TYPE_NONE, TYPE_NONE, TYPE_NONE};
    const Func *f = &file.funcs.data[0]->func;
    for (u32 id = 0; id < ARRAY_LEN(types); id++) {
        assert_int_equal(dv_value_type(f, (Value){id}), types[id]);
    }
    check_round_trip(&x->arena, &file, "unknown callees");
}

static void constants_are_shared(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    parse_good(&x->arena,
               str_of("function %f() { const1 = 0x01 block0:\n v0 = vconst.i32x4 [1 0 0 0]\n"
                      " v1 = vconst.i8x16 0x1\n"
                      "v2 = vconst.i64x2 const1\n v3 = vconst.i8x16 0x1\n"
                      " v4 = vconst.i8x8 const1\n return }"),
               &file);
    const Func *f = &file.funcs.data[0]->func;
    assert_int_equal(f->constants.len, 3);
    assert_false(f->constants.data[0].present);
    assert_int_equal(f->constants.data[1].len, 1); /* who reads it extends it */
    static const u32 ids[] = {2, 2, 1, 2, 1};
    for (u32 i = 0; i < ARRAY_LEN(ids); i++) {
        assert_int_equal(dv_inst_const(f, (Inst){i})->ent, ids[i]);
    }
}

/* ---- cost ---- */

static void gaps_are_paid_from_a_budget(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    parse_good(&x->arena, str_of("function %f() { ss999999 = explicit_slot 8 }"), &file);
    const DiagMessage *m =
        first_error(&x->arena, str_of("function %f() { ss700000 = explicit_slot 8 }\n"
                                      "function %g() { ss700000 = explicit_slot 8 }"));
    assert_string_equal(m->text, "entity numbers leave too many gaps before 700000");
    assert_int_equal(m->line, 2);
}

/* A text made of one line, repeated. */
static Str repeat(Arena *arena, const char *before, const char *line, u32 count, const char *after)
{
    TextBuf out;
    dv_text_init(&out, arena);
    dv_text_str(&out, before);
    for (u32 i = 0; i < count; i++) {
        dv_text_str(&out, line);
    }
    dv_text_str(&out, after);
    return (Str){out.data, (u32)out.length};
}

static void deep_and_long_texts_end(void **state)
{
    enum { MANY = 200000 };
    static const ErrorCase endings[] = {
        {"(", 1, 13, "expected a type, found '('"},
        {"{", 1, 13, "expected a type, found '{'"},
        {"[", 1, 13, "expected a type, found '['"},
        {";", 1, 200013, "expected a type, found the end of the file"},
        {"i32,", 1, 800013, "expected a type, found the end of the file"},
        {" ", 1, 200013, "expected a type, found the end of the file"},
        {"i32 uext,\n", 200001, 1, "expected a type, found the end of the file"},
    };
    Fixture *x = *state;
    for (usize i = 0; i < ARRAY_LEN(endings); i++) {
        Str text = repeat(&x->arena, "function %f(", endings[i].text, MANY, "");
        const DiagMessage *m = first_error(&x->arena, text);
        assert_int_equal(m->line, endings[i].line);
        assert_int_equal(m->column, endings[i].column);
        assert_string_equal(m->text, endings[i].message);
    }
}

static void big_functions_take_linear_memory(void **state)
{
    Fixture *x = *state;
    usize used[2];
    for (u32 i = 0; i < 2; i++) {
        ArenaMark mark = dv_arena_mark(&x->arena);
        ClifFile file;
        usize before = x->pool.used_bytes;
        u32 count = i == 0 ? 20000 : 160000;
        TextBuf text;
        dv_text_init(&text, &x->arena);
        dv_text_str(&text, "function %f(i32) {\nblock0(v0: i32):\n");
        for (u32 v = 1; v <= count; v++) { /* each waits for the next */
            dv_text_printf(&text, "v%u = iadd v%u, v%u\n", (unsigned)v, (unsigned)v + 1,
                           (unsigned)v + 1);
        }
        dv_text_printf(&text, "v%u = ineg v0\nreturn }", (unsigned)count + 1);
        parse_good(&x->arena, (Str){text.data, (u32)text.length}, &file);
        assert_int_equal(dv_value_type(&file.funcs.data[0]->func, (Value){1}), TYPE_I32);
        used[i] = x->pool.used_bytes - before;
        dv_arena_release_to(&x->arena, mark);
        dv_pool_trim(&x->pool);
    }
    assert_true(used[1] < used[0] * 8 * 2 + (1u << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(errors_say_what_and_where),
        UNIT_TEST(nul_bytes_are_errors),
        UNIT_TEST(commands_are_words),
        UNIT_TEST(comments_belong_to_what_precedes_them),
        UNIT_TEST(entities_know_their_lines),
        UNIT_TEST(types_flow_backwards_over_aliases),
        UNIT_TEST(unknown_callees_leave_types_open),
        UNIT_TEST(constants_are_shared),
        UNIT_TEST(gaps_are_paid_from_a_budget),
        UNIT_TEST(deep_and_long_texts_end),
        UNIT_TEST(big_functions_take_linear_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
