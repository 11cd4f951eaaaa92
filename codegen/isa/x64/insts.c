/* insts.c - the rows of insts.def as structures. */
#include "codegen/isa/x64/insts.h"

#include "codegen/isa/x64/notation.h"
const X64Inst dv_x64_insts[X64_OP_COUNT] = {
#define INST(name, text, operands, encoding, feature, flags) \
    [X64_##name] = {#name, text, LIST operands, encoding, X64_FEATURE_##feature, X64_FLAGS_##flags},
#include "codegen/isa/x64/insts.def"
#undef INST
};

const X64FlagsInfo dv_x64_flags[X64_FLAGS_KINDS] = {
#define FLAGS(name, read, defined, undefined) [X64_FLAGS_##name] = {read, defined, undefined},
#include "codegen/isa/x64/flags.def"
#undef FLAGS
};

const char *const dv_x64_cond_names[X64_CONDS] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                                  "s", "ns", "p", "np", "l", "ge", "le", "g"};

u32 dv_x64_operand_count(X64Op op)
{
    u32 count = 0;
    while (dv_x64_insts[op].operands[count].role != X64_NO_ROLE) {
        count++;
    }
    return count;
}

u32 dv_x64_width_bytes(u32 width)
{
    static const u8 bytes[X64_WIDTHS] = {
        [X64_W_8] = 1,   [X64_W_16] = 2,  [X64_W_32] = 4,  [X64_W_64] = 8,    [X64_W_128] = 16,
        [X64_W_F16] = 2, [X64_W_F32] = 4, [X64_W_F64] = 8, [X64_W_V128] = 16,
    };
    return bytes[width];
}
