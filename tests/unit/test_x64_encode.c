/* The encoder of x86-64: the table's rows by themselves, and what the comparison with assemblers (tests/x64) does not
 * see: where displacements and numbers are, which form is shortest. */
#include "codegen/isa/x64/encode.h"
#include "unit.h"

static bool is_memory_place(u32 place)
{
    return place >= X64_AT_RM && place <= X64_AT_ADDRESS;
}

static bool is_fixed_place(u32 place)
{
    return place >= X64_AT_RAX && place <= X64_AT_XMM0;
}

static void check_row(const X64Inst *inst)
{
    u32 seen[X64_PLACES] = {0};
    u32 rms = 0, numbers = 0;
    for (u32 i = 0; inst->operands[i].role != X64_NO_ROLE; i++) {
        const X64Spec *spec = &inst->operands[i];
        seen[spec->place]++;
        rms += spec->place == X64_AT_R || is_memory_place(spec->place);
        numbers += spec->place >= X64_AT_I8S;
        assert_int_equal(spec->role == X64_NUMBER, spec->place >= X64_AT_COND);
        assert_int_equal(spec->width == X64_W_0,
                         spec->role == X64_NUMBER || spec->place == X64_AT_ADDRESS);
        assert_true(!spec->hidden || is_fixed_place(spec->place));
        assert_true(spec->place != X64_AT_RMA || spec->width == X64_W_V128);
    }
    const X64Encoding *e = &inst->encoding;
    assert_int_equal(seen[X64_AT_REG], e->modrm == X64_MODRM_r);
    assert_int_equal(rms, e->modrm <= X64_MODRM_r);
    assert_true(seen[X64_AT_V] + seen[X64_AT_IS4] == 0 || e->kind == X64_VEX);
    assert_true(seen[X64_AT_OPCODE] == 0 || e->modrm == X64_MODRM_none);
    assert_true(numbers <= 1);
    assert_true((e->kind == X64_VEX) <= (inst->feature >= X64_FEATURE_AVX));
    const X64FlagsInfo *flags = &dv_x64_flags[inst->flags];
    assert_int_equal(flags->defined & flags->undefined, 0);
    assert_int_equal(seen[X64_AT_COND] != 0, inst->flags == X64_FLAGS_COND);
}

static void rows_agree_with_themselves(void **state)
{
    (void)state;
    for (u32 op = 0; op < X64_OP_COUNT; op++) {
        check_row(&dv_x64_insts[op]);
    }
}

/* No two rows are the same instruction. */
static void rows_differ(void **state)
{
    (void)state;
    for (u32 a = 0; a < X64_OP_COUNT; a++) {
        for (u32 b = a + 1; b < X64_OP_COUNT; b++) {
            const X64Inst *x = &dv_x64_insts[a], *y = &dv_x64_insts[b];
            assert_string_not_equal(x->name, y->name);
            bool same =
                x->encoding.kind == y->encoding.kind && x->encoding.prefix == y->encoding.prefix &&
                x->encoding.map == y->encoding.map && x->encoding.opcode == y->encoding.opcode &&
                x->encoding.modrm == y->encoding.modrm && x->encoding.w == y->encoding.w;
            bool one_is_memory = false;
            for (u32 i = 0; i < X64_OPERANDS_MAX; i++) {
                one_is_memory |=
                    (x->operands[i].place == X64_AT_MEM) != (y->operands[i].place == X64_AT_MEM);
            }
            assert_true(!same || one_is_memory);
        }
    }
}

/* ---- forms.def --------------------------------------------------------------------------------------- */

static bool spec_equal(const X64Spec *a, const X64Spec *b)
{
    return a->role == b->role && a->place == b->place && a->width == b->width &&
           a->hidden == b->hidden;
}

/* The operand lists agree but for the operand at `but`. */
static void check_form(X64Op general, X64Op form, u32 but)
{
    const X64Inst *a = &dv_x64_insts[general], *b = &dv_x64_insts[form];
    assert_string_equal(a->text, b->text);
    for (u32 i = 0; i < X64_OPERANDS_MAX; i++) {
        assert_true(i == but || spec_equal(&a->operands[i], &b->operands[i]));
    }
}

static void forms_agree(void **state)
{
    (void)state;
    u32 count = 0;
#define BYTE(general, form) \
    { \
        u32 last = dv_x64_operand_count(X64_##general) - 1; \
        check_form(X64_##general, X64_##form, last); \
        assert_int_equal(dv_x64_insts[X64_##form].operands[last].place, X64_AT_I8S); \
        count++; \
    }
#include "codegen/isa/x64/forms.def"
#define ACCUMULATOR(general, form) \
    check_form(X64_##general, X64_##form, 0); \
    assert_int_equal(dv_x64_insts[X64_##general].operands[0].place, X64_AT_R); \
    assert_int_equal(dv_x64_insts[X64_##form].operands[0].place, X64_AT_RAX); \
    assert_int_equal(dv_x64_insts[X64_##form].operands[0].role, \
                     dv_x64_insts[X64_##general].operands[0].role); \
    count++;
#include "codegen/isa/x64/forms.def"
#define ONE(general, form) \
    check_form(X64_##general, X64_##form, 1); \
    assert_int_equal(dv_x64_operand_count(X64_##form), 1); \
    assert_int_equal(dv_x64_insts[X64_##general].operands[1].place, X64_AT_I8); \
    count++;
#include "codegen/isa/x64/forms.def"
#define REVERSED(general, form) \
    assert_int_equal(dv_x64_insts[X64_##form].operands[0].place, X64_AT_R); \
    assert_int_equal(dv_x64_insts[X64_##form].operands[1].place, X64_AT_REG); \
    count++;
#include "codegen/isa/x64/forms.def"
    assert_true(count > 100);
}

static void shortest_forms(void **state)
{
    (void)state;
    X64Operand o[X64_OPERANDS_MAX] = {x64_register(X64_RDX), x64_number(0xffffffff)};
    assert_int_equal(dv_x64_shortest(X64_add32_i, o), X64_add32_ib);
    assert_int_equal(o[1].number, -1);
    o[1] = x64_number(128);
    assert_int_equal(dv_x64_shortest(X64_add32_i, o), X64_add32_i);
    o[0] = x64_register(X64_RAX);
    assert_int_equal(dv_x64_shortest(X64_add32_i, o), X64_add32_ia);
    assert_int_equal(dv_x64_shortest(X64_test64_i, o), X64_test64_ia);
    o[1] = x64_number(1);
    assert_int_equal(dv_x64_shortest(X64_sar64_i, o), X64_sar64_1);
    assert_int_equal(dv_x64_shortest(X64_mov64_i, o), X64_mov32_i);
    o[1] = x64_number(-1);
    assert_int_equal(dv_x64_shortest(X64_mov64_i, o), X64_mov64_i);
    o[1] = x64_register(9);
    assert_int_equal(dv_x64_shortest(X64_vmovaps, o), X64_vmovaps_r);
    o[0] = x64_register(8);
    assert_int_equal(dv_x64_shortest(X64_vmovaps, o), X64_vmovaps);
    assert_int_equal(dv_x64_shortest(X64_ret, o), X64_ret);
}

/* ---- bytes ------------------------------------------------------------------------------------------- */

static void check_bytes(Fixture *f, X64Op op, const X64Operand *operands, const char *text,
                        const char *bytes)
{
    X64Code code;
    TextBuf line;
    char hex[2 * X64_INST_MAX + 1] = "";
    dv_text_init(&line, &f->arena);
    dv_x64_print(&line, op, operands, "end");
    dv_x64_encode(op, operands, &code);
    for (u32 i = 0; i < code.size_bytes; i++) {
        snprintf(hex + 2 * i, 3, "%02x", code.bytes[i]);
    }
    assert_string_equal(line.data, text);
    assert_string_equal(hex, bytes);
}

#define BYTES(op, text, bytes, ...) \
    check_bytes(*state, X64_##op, (const X64Operand[X64_OPERANDS_MAX]){__VA_ARGS__}, text, bytes)

/* One of each that has a way of its own. tests/x64 has them all. */
static void special_cases(void **state)
{
    X64Memory indexed = {X64_R13, X64_R12, 3, X64_SEGMENT_NONE, false, false, 0};
    X64Memory bare = x64_base(X64_NO_REG, 16);
    X64Memory relative = bare;
    X64Memory local = x64_base(X64_RSP, -8);
    relative.from_end = true;
    local.segment = X64_SEGMENT_FS;
    BYTES(ret, "ret", "c3", x64_number(0));
    BYTES(mfence, "mfence", "0faef0", x64_number(0));
    BYTES(add8, "add al, bl", "02c3", x64_register(0), x64_register(3));
    BYTES(add8, "add al, spl", "4002c4", x64_register(0), x64_register(4));
    BYTES(add64, "add r9, rax", "4c03c8", x64_register(9), x64_register(0));
    BYTES(mov32, "mov eax, dword ptr [rbp]", "8b4500", x64_register(0),
          x64_memory(x64_base(X64_RBP, 0)));
    BYTES(mov32, "mov eax, dword ptr [r12]", "418b0424", x64_register(0),
          x64_memory(x64_base(X64_R12, 0)));
    BYTES(mov64, "mov rax, qword ptr [r13 + 8*r12]", "4b8b44e500", x64_register(0),
          x64_memory(indexed));
    BYTES(mov32, "mov eax, dword ptr [16]", "8b042510000000", x64_register(0), x64_memory(bare));
    BYTES(mov32, "mov eax, dword ptr [rip + 16]", "8b0510000000", x64_register(0),
          x64_memory(relative));
    BYTES(mov32, "mov eax, dword ptr fs:[rsp - 8]", "648b4424f8", x64_register(0),
          x64_memory(local));
    BYTES(setcc, "setge sil", "400f9dc6", x64_number(X64_CC_GE), x64_register(X64_RSI));
    BYTES(jcc, "jne end+5", "0f8505000000", x64_number(X64_CC_NE), x64_number(5));
    BYTES(movabs, "movabs r15, -2", "49bffeffffffffffffff", x64_register(15), x64_number(-2));
    BYTES(lock_xadd16, "lock xadd word ptr [rax], cx", "66f00fc108", x64_memory(x64_base(0, 0)),
          x64_register(1));
    BYTES(vaddsd, "vaddsd xmm8, xmm15, xmm1", "c50358c1", x64_register(8), x64_register(15),
          x64_register(1));
    BYTES(vaddsd, "vaddsd xmm1, xmm2, xmm8", "c4c16b58c8", x64_register(1), x64_register(2),
          x64_register(8));
    BYTES(vblendvps, "vblendvps xmm0, xmm1, xmm2, xmm15", "c4e3714ac2f0", x64_register(0),
          x64_register(1), x64_register(2), x64_register(15));
}

/* Where a displacement and a number are, for every row that has them; and no instruction is too long. */
static void places_of_fields(void **state)
{
    (void)state;
    for (u32 op = 0; op < X64_OP_COUNT; op++) {
        const X64Spec *specs = dv_x64_insts[op].operands;
        X64Operand operands[X64_OPERANDS_MAX] = {{0}};
        bool has_memory = false, has_number = false;
        for (u32 i = 0; specs[i].role != X64_NO_ROLE; i++) {
            operands[i] = x64_register(15);
            if (specs[i].role == X64_NUMBER) {
                operands[i] = x64_number(7);
                has_number = has_number || specs[i].place != X64_AT_COND;
            } else if (is_memory_place(specs[i].place)) {
                X64Memory memory = {14, 13, 2, X64_SEGMENT_GS, false, true, 5};
                operands[i] = x64_memory(memory);
                has_memory = true;
            }
        }
        X64Code code;
        dv_x64_encode((X64Op)op, operands, &code);
        assert_int_equal(code.disp_at != 0, has_memory);
        assert_int_equal(code.number_at != 0, has_number);
        static const u8 disp[4] = {5, 0, 0, 0};
        assert_true(!has_memory || memcmp(code.bytes + code.disp_at, disp, 4) == 0);
        assert_true(!has_number || code.bytes[code.number_at] == 7);
        assert_true(code.disp_at + 4u * has_memory <= code.size_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_agree_with_themselves),
        cmocka_unit_test(rows_differ),
        cmocka_unit_test(forms_agree),
        cmocka_unit_test(shortest_forms),
        UNIT_TEST(special_cases),
        cmocka_unit_test(places_of_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
