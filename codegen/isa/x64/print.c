/* print.c - one instruction in Intel's syntax. */
#include "codegen/isa/x64/encode.h"

static const char *const general_names[][X64_REGS] = {
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
     "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
     "r14w", "r15w"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
     "r13d", "r14d", "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
     "r14", "r15"},
};
static const char *const xmm_names[X64_REGS] = {
    "xmm0", "xmm1", "xmm2",  "xmm3",  "xmm4",  "xmm5",  "xmm6",  "xmm7",
    "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
};

const char *dv_x64_reg_name(u32 reg, u32 width)
{
    ASSERT(reg < X64_REGS);
    if (x64_width_is_xmm(width)) {
        return xmm_names[reg];
    }
    return general_names[width >= X64_W_64 || width == X64_W_0 ? 3 : width - X64_W_8][reg];
}

static void print_memory(TextBuf *out, const X64Memory *m, u32 width)
{
    static const char *const sizes[X64_WIDTHS] = {
        [X64_W_0] = "",
        [X64_W_8] = "byte ptr ",
        [X64_W_16] = "word ptr ",
        [X64_W_32] = "dword ptr ",
        [X64_W_64] = "qword ptr ",
        [X64_W_128] = "xmmword ptr ",
        [X64_W_F16] = "word ptr ",
        [X64_W_F32] = "dword ptr ",
        [X64_W_F64] = "qword ptr ",
        [X64_W_V128] = "xmmword ptr ",
    };
    static const char *const segments[] = {"", "fs:", "gs:"};
    dv_text_str(out, sizes[width]);
    dv_text_str(out, segments[m->segment]);
    dv_text_char(out, '[');
    const char *joint = "";
    if (m->from_end || m->base != X64_NO_REG) {
        dv_text_str(out, m->from_end ? "rip" : general_names[3][m->base]);
        joint = " + ";
    }
    if (m->index != X64_NO_REG) {
        dv_text_printf(out, "%s%u*%s", joint, 1u << m->scale, general_names[3][m->index]);
        joint = " + ";
    }
    if (m->disp < 0 && *joint != '\0') {
        dv_text_printf(out, " - %" PRIu32, 0 - (u32)m->disp);
    } else if (m->disp != 0 || *joint == '\0') {
        dv_text_printf(out, "%s%" PRId32, joint, m->disp);
    }
    dv_text_char(out, ']');
}

static void print_operand(TextBuf *out, const X64Spec *spec, const X64Operand *operand,
                          const char *end)
{
    static const u8 fixed[] = {X64_RAX, X64_RCX, X64_RDX, X64_RBX, 0};
    if (spec->place >= X64_AT_RAX && spec->place <= X64_AT_XMM0) {
        dv_text_str(out, dv_x64_reg_name(fixed[spec->place - X64_AT_RAX], spec->width));
    } else if (operand->kind == X64_REGISTER) {
        dv_text_str(out, dv_x64_reg_name(operand->reg, spec->width));
    } else if (operand->kind == X64_MEMORY) {
        print_memory(out, &operand->memory, spec->width);
    } else if (spec->place == X64_AT_REL8 || spec->place == X64_AT_REL32) {
        dv_text_printf(out, "%s%+" PRId64, end, operand->number);
    } else {
        dv_text_printf(out, "%" PRId64, operand->number);
    }
}

void dv_x64_print(TextBuf *out, X64Op op, const X64Operand *operands, const char *end)
{
    const X64Inst *inst = &dv_x64_insts[op];
    const char *joint = " ";
    dv_text_str(out, inst->text);
    for (u32 i = 0; inst->operands[i].role != X64_NO_ROLE; i++) {
        const X64Spec *spec = &inst->operands[i];
        if (spec->place == X64_AT_COND) {
            dv_text_str(out, dv_x64_cond_names[operands[i].number]);
        } else if (!spec->hidden) {
            dv_text_str(out, joint);
            print_operand(out, spec, &operands[i], end);
            joint = ", ";
        }
    }
}
