/* print.c - an RaFunc as text, for people and for tests that failed.
 *
 * A block is a line with its parameters, then a line per instruction:
 *
 *     block2(v7, v8): <- block0 block1, loop 1
 *       before 12: r0.3 = s4
 *       12: def v9 reg[r0.3], use v7 fixed r0.1[r0.1]; clobbers r0.0 r0.1
 *         -> block3(v9) block4()
 *
 * A use is early and a definition late unless marked. Registers are rCLASS.NUMBER and slots sUNIT; places in brackets and moves are shown when there is a result.
 */
#include "codegen/regalloc/regalloc.h"

static void print_reg(TextBuf *out, PReg reg)
{
    dv_text_printf(out, "r%u.%u", (unsigned)preg_class(reg), (unsigned)preg_number(reg));
}

static void print_loc(TextBuf *out, RaLoc loc)
{
    switch (ra_loc_kind(loc)) {
    case RA_LOC_REG:
        print_reg(out, ra_loc_preg(loc));
        break;
    case RA_LOC_SLOT:
        dv_text_printf(out, "s%u", (unsigned)ra_loc_index(loc));
        break;
    case RA_LOC_REMAT:
        dv_text_printf(out, "remat %u", (unsigned)ra_loc_index(loc));
        break;
    default:
        dv_text_str(out, "nowhere");
        break;
    }
}

static void print_operand(TextBuf *out, const RaFunc *f, const RaResult *result, u32 k)
{
    const RaOperand *o = &f->operands[k];
    bool is_def = (o->flags & RA_DEF) != 0;
    bool is_late = (o->flags & RA_LATE) != 0;
    dv_text_printf(out, "%s v%u", is_def ? "def" : "use", (unsigned)o->vreg.id);
    if (is_def != is_late) {
        dv_text_str(out, is_late ? ":late" : ":early");
    }
    switch (o->constraint) {
    case RA_ANY:
        dv_text_str(out, " any");
        break;
    case RA_REG:
        dv_text_str(out, " reg");
        break;
    case RA_STACK:
        dv_text_str(out, " stack");
        break;
    case RA_FIXED:
        dv_text_str(out, " fixed ");
        print_reg(out, (PReg){o->arg});
        break;
    default:
        dv_text_printf(out, " reuse %u", (unsigned)o->arg);
        break;
    }
    if (result != NULL) {
        dv_text_char(out, '[');
        print_loc(out, result->locs[k]);
        dv_text_char(out, ']');
    }
}

static void print_clobbers(TextBuf *out, const RaFunc *f, const RaInst *inst)
{
    dv_text_str(out, "; clobbers");
    for (u32 class = 0; class < RA_CLASSES_MAX; class ++) {
        for (u32 number = 0; number < RA_REGS_MAX; number++) {
            if ((f->clobbers[inst->clobbers].bits[class][number / 64] >> number % 64 & 1) != 0) {
                dv_text_char(out, ' ');
                print_reg(out, preg_make(class, number));
            }
        }
    }
}

static void print_inst(TextBuf *out, const RaFunc *f, const RaResult *result, u32 i)
{
    const RaInst *inst = &f->insts[i];
    dv_text_printf(out, "  %u:", (unsigned)i);
    for (u32 k = 0; k < inst->num_operands; k++) {
        dv_text_str(out, k == 0 ? " " : ", ");
        print_operand(out, f, result, inst->operands + k);
    }
    if (inst->clobbers != 0) {
        print_clobbers(out, f, inst);
    }
    dv_text_str(out, (inst->flags & RA_INST_REMAT) != 0 ? "; remat\n" : "\n");
}

static void print_vregs(TextBuf *out, const VReg *vregs, u32 count)
{
    dv_text_char(out, '(');
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(out, "%sv%u", i == 0 ? "" : ", ", (unsigned)vregs[i].id);
    }
    dv_text_char(out, ')');
}

static void print_block(TextBuf *out, const RaFunc *f, const RaResult *result, u32 b, u32 *move)
{
    const RaBlock *block = &f->blocks[b];
    dv_text_printf(out, "block%u", (unsigned)b);
    print_vregs(out, f->params + block->params, block->num_params);
    dv_text_str(out, block->num_preds == 0 ? ":" : ": <-");
    for (u32 i = 0; i < block->num_preds; i++) {
        dv_text_printf(out, " block%u", (unsigned)f->preds[block->preds + i]);
    }
    if (block->loop_depth != 0) {
        dv_text_printf(out, ", loop %u", (unsigned)block->loop_depth);
    }
    dv_text_str(out, block->is_cold ? ", cold\n" : "\n");
    for (u32 i = block->first; i < block->end; i++) {
        for (; result != NULL && *move < result->moves.len && result->moves.data[*move].before <= i;
             ++*move) {
            const RaMove *m = &result->moves.data[*move];
            dv_text_printf(out, "    before %u: ", (unsigned)m->before);
            print_loc(out, m->to);
            dv_text_str(out, " = ");
            print_loc(out, m->from);
            dv_text_char(out, '\n');
        }
        print_inst(out, f, result, i);
    }
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        dv_text_printf(out, "%sblock%u", e == block->succs ? "    -> " : " ",
                       (unsigned)f->succs[e]);
        print_vregs(out, f->args + f->edge_args[e], f->blocks[f->succs[e]].num_params);
    }
    dv_text_str(out, block->num_succs == 0 ? "" : "\n");
}

void dv_regalloc_print(TextBuf *out, const RaFunc *f, const RaResult *result)
{
    u32 move = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        print_block(out, f, result, b, &move);
    }
}
