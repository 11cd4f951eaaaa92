/* gen.h - rules of a realistic shape, any number of them: for an operation one rule for all types, one for each of
 * five types, ten with another operation as operand, nine with a constant. */
#ifndef DV_BENCH_ISLE_GEN_H
#define DV_BENCH_ISLE_GEN_H

#include "base/text.h"

enum { GEN_RULES_PER_OP = 25, GEN_TYPES = 5, GEN_NESTED = 10, GEN_CONSTANTS = 9 };

static inline void gen_rules(TextBuf *out, u32 rule_count)
{
    u32 id = 0;
    u32 ops = rule_count / GEN_RULES_PER_OP;
    dv_text_str(
        out, "(type Node (primitive Node))\n"
             "(decl inst (u32 u32 Node Node) Node)\n(extern extractor infallible inst bench_inst)\n"
             "(decl konst (u32) Node)\n(extern extractor konst bench_konst)\n"
             "(decl lower (Node) u32)\n");
    for (u32 op = 0; op < ops; op++) {
        dv_text_printf(out, "(rule (lower (inst %u _ _ _)) %u)\n", op, id++);
        for (u32 i = 0; i < GEN_TYPES; i++) {
            dv_text_printf(out, "(rule (lower (inst %u %u _ _)) %u)\n", op, i, id++);
        }
        for (u32 i = 0; i < GEN_NESTED; i++) {
            dv_text_printf(out, "(rule (lower (inst %u %u x (inst %u %u _ _))) %u)\n", op,
                           i % GEN_TYPES, (op + i) % ops, i % GEN_TYPES, id++);
        }
        for (u32 i = 0; i < GEN_CONSTANTS; i++) {
            dv_text_printf(out, "(rule 1 (lower (inst %u %u x (konst %u))) %u)\n", op,
                           i % GEN_TYPES, i, id++);
        }
    }
}

#endif
