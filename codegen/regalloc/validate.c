/* validate.c - whether an RaFunc keeps the rules of regalloc.h.
 *
 * Lowering builds the input, so that a broken rule is a defect of Davit; tests and debug builds look for it here, before
 * an allocator meets it. Each group of rules is a function that says what is wrong first; later groups rely on
 * earlier ones: first that indices are in range, then that predecessors match successors, then flow,
 * instructions, and last that definitions dominate uses.
 */
#include "codegen/regalloc/dom.h"

typedef struct Validator {
    const RaFunc *f;
    Arena *arena;
    TextBuf *why;
    RaDom dom;
    u32 *def_block; /* by vreg; NO_BLOCK: not defined */
    u32 *def_place; /* by vreg: the instruction plus 1; 0: a parameter */
    u32 *fixed
        [2]; /* by register, for the early and the late point: the value last fixed to it, and */
    u32 *fixed_at[2]; /* the instruction where, plus 1 */
    u8 *reused;       /* by operand */
} Validator;

#define NO_BLOCK UINT32_MAX

DV_PRINTF(2, 3) static bool fail(Validator *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    dv_text_vprintf(v->why, format, args);
    va_end(args);
    return false;
}

/* ---- ranges ---- */

static bool is_range(u32 first, u32 count, u32 bound)
{
    return first <= bound && count <= bound - first;
}

static bool check_machine(Validator *v)
{
    const RaMachine *machine = v->f->machine;
    if (machine->num_classes > RA_CLASSES_MAX) {
        return fail(v, "%u register classes", (unsigned)machine->num_classes);
    }
    for (u32 i = 0; i < machine->num_classes; i++) {
        u32 units = machine->classes[i].slot_units;
        PReg scratch = machine->classes[i].scratch;
        u8 seen[RA_REGS_MAX] = {0};
        if (units == 0 || (units & (units - 1)) != 0) {
            return fail(v, "class %u: slots of %u units", (unsigned)i, (unsigned)units);
        }
        if (scratch.id != PREG_NONE.id && preg_class(scratch) != i) {
            return fail(v, "class %u: the scratch register is of another class", (unsigned)i);
        }
        if (machine->classes[i].num_cheap > machine->classes[i].num_order) {
            return fail(v, "class %u: more cheap registers than registers", (unsigned)i);
        }
        for (u32 k = 0; k < machine->classes[i].num_order; k++) {
            u32 number = machine->classes[i].order[k];
            if (seen[number] || preg_make(i, number).id == scratch.id) {
                return fail(v,
                            "class %u: register %u is twice in the order, or the scratch register",
                            (unsigned)i, (unsigned)number);
            }
            seen[number] = 1;
        }
    }
    return true;
}

static bool check_block_ranges(Validator *v)
{
    const RaFunc *f = v->f;
    u32 next = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        if (block->first != next || block->end <= block->first || block->end > f->num_insts) {
            return fail(v, "block%u: instructions %u to %u, where %u is next", (unsigned)b,
                        (unsigned)block->first, (unsigned)block->end, (unsigned)next);
        }
        next = block->end;
        if (!is_range(block->params, block->num_params, f->num_params) ||
            !is_range(block->preds, block->num_preds, f->num_edges) ||
            !is_range(block->succs, block->num_succs, f->num_edges)) {
            return fail(v, "block%u: a list is out of range", (unsigned)b);
        }
        for (u32 i = 0; i < block->num_preds; i++) {
            if (f->preds[block->preds + i] >= f->num_blocks) {
                return fail(v, "block%u: a predecessor that is no block", (unsigned)b);
            }
        }
        for (u32 i = 0; i < block->num_succs; i++) {
            u32 to = f->succs[block->succs + i];
            if (to >= f->num_blocks) {
                return fail(v, "block%u: a successor that is no block", (unsigned)b);
            }
            if (f->blocks[to].num_params != 0 &&
                !is_range(f->edge_args[block->succs + i], f->blocks[to].num_params, f->num_args)) {
                return fail(v, "block%u: arguments of edge %u are out of range", (unsigned)b,
                            (unsigned)i);
            }
        }
    }
    if (f->num_blocks == 0 || next != f->num_insts) {
        return fail(v, "blocks end at instruction %u of %u", (unsigned)next,
                    (unsigned)f->num_insts);
    }
    return true;
}

static bool check_vreg_ranges(Validator *v)
{
    const RaFunc *f = v->f;
    for (u32 i = 0; i < f->num_vregs; i++) {
        if (f->vreg_classes[i] >= f->machine->num_classes) {
            return fail(v, "v%u: no such class", (unsigned)i);
        }
    }
    for (u32 i = 0; i < f->num_params; i++) {
        if (f->params[i].id >= f->num_vregs) {
            return fail(v, "parameter %u is no vreg", (unsigned)i);
        }
    }
    for (u32 i = 0; i < f->num_args; i++) {
        if (f->args[i].id >= f->num_vregs) {
            return fail(v, "argument %u is no vreg", (unsigned)i);
        }
    }
    for (u32 i = 0; i < f->num_operands; i++) {
        if (f->operands[i].vreg.id >= f->num_vregs) {
            return fail(v, "operand %u is no vreg", (unsigned)i);
        }
    }
    for (u32 i = 0; i < f->num_insts; i++) {
        const RaInst *inst = &f->insts[i];
        if (!is_range(inst->operands, inst->num_operands, f->num_operands)) {
            return fail(v, "inst%u: operands are out of range", (unsigned)i);
        }
        if (inst->clobbers != 0 && inst->clobbers >= f->num_clobbers) {
            return fail(v, "inst%u: no such clobbers", (unsigned)i);
        }
    }
    return true;
}

/* ---- flow ---- */

/* Each edge is in the list of its target as often as in that of its source. */
static bool check_preds(Validator *v)
{
    const RaFunc *f = v->f;
    u32 *starts = ARENA_ARRAY(v->arena, u32, (usize)f->num_blocks + 2);
    u32 *sources = ARENA_ARRAY(v->arena, u32, (usize)f->num_edges + 1);
    u32 *counts = ARENA_ARRAY(v->arena, u32, f->num_blocks);
    u64 total = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        total += f->blocks[b].num_succs;
        for (u32 i = 0; i < f->blocks[b].num_succs && total <= f->num_edges; i++) {
            starts[f->succs[f->blocks[b].succs + i] + 2]++;
        }
    }
    if (total > f->num_edges) {
        return fail(v, "lists of successors overlap");
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        starts[b + 2] += starts[b + 1];
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        for (u32 i = 0; i < f->blocks[b].num_succs; i++) {
            sources[starts[f->succs[f->blocks[b].succs + i] + 1]++] = b;
        }
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        bool same = starts[b + 1] - starts[b] == block->num_preds;
        for (u32 i = 0; same && i < block->num_preds; i++) {
            counts[f->preds[block->preds + i]]++;
        }
        for (u32 i = 0; same && i < block->num_preds; i++) {
            u32 source = sources[starts[b] + i];
            same = counts[source] > 0;
            counts[source] -= same;
        }
        if (!same) {
            return fail(v, "block%u: its predecessors are not those whose successor it is",
                        (unsigned)b);
        }
    }
    return true;
}

static bool check_terminators(Validator *v, u32 b)
{
    const RaFunc *f = v->f;
    const RaBlock *block = &f->blocks[b];
    for (u32 i = block->first; i < block->end; i++) {
        u32 ends = f->insts[i].flags & (RA_INST_BRANCH | RA_INST_RETURN);
        u32 expected = i + 1 < block->end      ? 0u
                       : block->num_succs == 0 ? RA_INST_RETURN
                                               : RA_INST_BRANCH;
        if (ends != expected) {
            return fail(v, "inst%u: %s in block%u, which has %u successors", (unsigned)i,
                        i + 1 < block->end ? "a branch or return that is not the last"
                                           : "not the right last instruction",
                        (unsigned)b, (unsigned)block->num_succs);
        }
    }
    return true;
}

static bool check_flow(Validator *v)
{
    const RaFunc *f = v->f;
    if (f->blocks[0].num_preds != 0 || f->blocks[0].num_params != 0) {
        return fail(v, "the entry block has predecessors or parameters");
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        if (v->dom.pre[b] == 0) {
            return fail(v, "block%u cannot be reached", (unsigned)b);
        }
        if (!check_terminators(v, b)) {
            return false;
        }
        const RaInst *last = &f->insts[block->end - 1];
        bool is_plain = block->num_succs <= 1 && last->num_operands == 0 && last->clobbers == 0;
        for (u32 i = 0; i < block->num_succs && !is_plain; i++) {
            u32 to = f->succs[block->succs + i];
            if (f->blocks[to].num_preds > 1) {
                return fail(v,
                            "block%u: the edge to block%u is critical, or its branch has operands",
                            (unsigned)b, (unsigned)to);
            }
        }
    }
    return true;
}

/* ---- instructions ---- */

static bool check_reuse(Validator *v, u32 i, const RaOperand *o)
{
    const RaFunc *f = v->f;
    const RaInst *inst = &f->insts[i];
    if ((o->flags & RA_DEF) == 0 || (o->flags & RA_LATE) == 0 || o->arg >= inst->num_operands) {
        return fail(v, "inst%u: a reuse operand that is no late definition, or of no operand",
                    (unsigned)i);
    }
    const RaOperand *use = &f->operands[inst->operands + o->arg];
    if (use->flags != (RA_USE | RA_EARLY) || use->constraint != RA_REG ||
        f->vreg_classes[use->vreg.id] != f->vreg_classes[o->vreg.id]) {
        return fail(v, "inst%u: what is reused is no early use in any register of the same class",
                    (unsigned)i);
    }
    if (v->reused[inst->operands + o->arg]) {
        return fail(v, "inst%u: two definitions reuse operand %u", (unsigned)i, (unsigned)o->arg);
    }
    v->reused[inst->operands + o->arg] = 1;
    return true;
}

/* Takes the register at one point for a value; false if another is fixed to it there. */
static bool take_fixed(Validator *v, u32 point, u32 reg, u32 inst, VReg vreg)
{
    bool ok = v->fixed_at[point][reg] != inst + 1 || v->fixed[point][reg] == vreg.id;
    v->fixed_at[point][reg] = inst + 1;
    v->fixed[point][reg] = vreg.id;
    return ok;
}

static bool check_fixed(Validator *v, u32 i, u32 k)
{
    const RaFunc *f = v->f;
    const RaOperand *o = &f->operands[k];
    const RaInst *inst = &f->insts[i];
    PReg reg = {o->arg};
    u32 class = f->vreg_classes[o->vreg.id];
    if (preg_class(reg) != class || f->machine->classes[class].scratch.id == reg.id) {
        return fail(v, "inst%u: v%u fixed to a register of another class or the scratch register",
                    (unsigned)i, (unsigned)o->vreg.id);
    }
    bool is_def = (o->flags & RA_DEF) != 0;
    bool is_late = (o->flags & RA_LATE) != 0;
    const u64 *bits = inst->clobbers == 0 ? NULL : f->clobbers[inst->clobbers].bits[class];
    if (!is_def && is_late && bits != NULL &&
        (bits[preg_number(reg) / 64] >> preg_number(reg) % 64 & 1) != 0) {
        return fail(v, "inst%u: a late use fixed to a register that is clobbered", (unsigned)i);
    }
    bool ok = true;
    if (!is_def || !is_late) {
        ok = take_fixed(v, 0, reg.id, i, o->vreg);
    }
    if (is_def || is_late) {
        ok = take_fixed(v, 1, reg.id, i, o->vreg) && ok;
    }
    return ok || fail(v, "inst%u: two values fixed to one register", (unsigned)i);
}

static bool check_operands(Validator *v, u32 i)
{
    const RaFunc *f = v->f;
    const RaInst *inst = &f->insts[i];
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &f->operands[k];
        if (o->constraint > RA_REUSE || o->flags > (RA_DEF | RA_LATE)) {
            return fail(v, "inst%u: operand of unknown kind", (unsigned)i);
        }
        if (o->constraint == RA_REUSE && !check_reuse(v, i, o)) {
            return false;
        }
        if (o->constraint == RA_FIXED && !check_fixed(v, i, k)) {
            return false;
        }
    }
    if ((inst->flags & RA_INST_REMAT) != 0) {
        const RaOperand *o = &f->operands[inst->operands];
        if (inst->num_operands != 1 || (o->flags & RA_DEF) == 0 || o->constraint > RA_REG ||
            inst->clobbers != 0 || inst->flags != RA_INST_REMAT) {
            return fail(v,
                        "inst%u: done again, it would need more than any register for its result",
                        (unsigned)i);
        }
    }
    return true;
}

/* ---- definitions and uses ---- */

static bool define(Validator *v, VReg vreg, u32 block, u32 place)
{
    if (v->def_block[vreg.id] != NO_BLOCK) {
        return fail(v, "v%u is defined twice", (unsigned)vreg.id);
    }
    v->def_block[vreg.id] = block;
    v->def_place[vreg.id] = place;
    return true;
}

static bool collect_definitions(Validator *v)
{
    const RaFunc *f = v->f;
    for (u32 i = 0; i < f->num_vregs; i++) {
        v->def_block[i] = NO_BLOCK;
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        for (u32 i = 0; i < block->num_params; i++) {
            if (!define(v, f->params[block->params + i], b, 0)) {
                return false;
            }
        }
        for (u32 i = block->first; i < block->end; i++) {
            const RaInst *inst = &f->insts[i];
            for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
                if ((f->operands[k].flags & RA_DEF) != 0 &&
                    !define(v, f->operands[k].vreg, b, i + 1)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* `place` is the instruction that uses it. */
static bool check_use(Validator *v, VReg vreg, u32 block, u32 place)
{
    u32 def = v->def_block[vreg.id];
    bool ok = def == block ? v->def_place[vreg.id] <= place
                           : def != NO_BLOCK && ra_dominates(&v->dom, def, block);
    return ok || fail(v, "v%u is used in block%u where its definition does not reach",
                      (unsigned)vreg.id, (unsigned)block);
}

static bool check_edge_args(Validator *v, u32 b)
{
    const RaFunc *f = v->f;
    const RaBlock *block = &f->blocks[b];
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        const RaBlock *to = &f->blocks[f->succs[e]];
        for (u32 i = 0; i < to->num_params; i++) {
            VReg arg = f->args[f->edge_args[e] + i];
            if (f->vreg_classes[arg.id] != f->vreg_classes[f->params[to->params + i].id]) {
                return fail(v, "block%u: argument v%u is of another class than its parameter",
                            (unsigned)b, (unsigned)arg.id);
            }
            if (!check_use(v, arg, b, block->end)) {
                return false;
            }
        }
    }
    return true;
}

static bool check_uses(Validator *v)
{
    const RaFunc *f = v->f;
    for (u32 b = 0; b < f->num_blocks; b++) {
        for (u32 i = f->blocks[b].first; i < f->blocks[b].end; i++) {
            const RaInst *inst = &f->insts[i];
            for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
                const RaOperand *o = &f->operands[k];
                if ((o->flags & RA_DEF) == 0 && !check_use(v, o->vreg, b, i)) {
                    return false;
                }
            }
        }
        if (!check_edge_args(v, b)) {
            return false;
        }
    }
    return true;
}

static bool validate(Validator *v)
{
    const RaFunc *f = v->f;
    if (!check_machine(v) || !check_block_ranges(v) || !check_vreg_ranges(v) || !check_preds(v)) {
        return false;
    }
    dv_dom_build(&v->dom, f, v->arena);
    if (!check_flow(v)) {
        return false;
    }
    v->reused = ARENA_ARRAY(v->arena, u8, f->num_operands);
    for (u32 i = 0; i < 2; i++) {
        v->fixed[i] = ARENA_ARRAY(v->arena, u32, RA_CLASSES_MAX * RA_REGS_MAX);
        v->fixed_at[i] = ARENA_ARRAY(v->arena, u32, RA_CLASSES_MAX * RA_REGS_MAX);
    }
    for (u32 i = 0; i < f->num_insts; i++) {
        if (!check_operands(v, i)) {
            return false;
        }
    }
    v->def_block = ARENA_ARRAY(v->arena, u32, f->num_vregs);
    v->def_place = ARENA_ARRAY(v->arena, u32, f->num_vregs);
    return collect_definitions(v) && check_uses(v);
}

bool dv_regalloc_validate(const RaFunc *f, Arena *scratch, TextBuf *why)
{
    ArenaMark mark = dv_arena_mark(scratch);
    Validator v = {0};
    v.f = f;
    v.arena = scratch;
    v.why = why;
    bool ok = validate(&v);
    dv_arena_release_to(scratch, mark);
    return ok;
}
