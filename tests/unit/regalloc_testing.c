/* regalloc_testing.c - the generator and the machine of regalloc_testing.h.
 *
 * The generator makes a graph first: a tree, whose edges make all blocks reachable, and more edges anywhere; critical edges are
 * split. It then walks the dominator tree with a stack of the values that are defined on the way, from which uses
 * and the arguments of edges are taken. For each instruction it counts the registers that operands demand at each point and turns an operand
 * that would be too many into one that may be anywhere.
 */
#include "tests/unit/regalloc_testing.h"

#include "codegen/regalloc/dom.h"

u32 choose(Choices *choices, u32 bound)
{
    if (choices->bytes == NULL) {
        return (u32)dv_rng_below(&choices->rng, bound);
    }
    u32 value = 0;
    for (u32 range = 1; range < bound && range <= UINT32_MAX / 256; range *= 256) {
        value = value << 8 | (choices->at < choices->size ? choices->bytes[choices->at++] : 0);
    }
    return value % bound;
}

static bool percent(Choices *choices, u32 p)
{
    return choose(choices, 100) < p;
}

/* ---- graphs ---- */

typedef struct Gen {
    Choices *choices;
    const RaShape *shape;
    Arena *arena;
    RaFunc *f;
    RaMachine *machine;
    RaDom dom;
    VEC(RaBlock) blocks;
    VEC(RaInst) insts;
    VEC(RaOperand) operands;
    VEC(VReg) params;
    VEC(VReg) args;
    VEC(u8) classes;
    VEC(RaClobbers) clobbers;
    VEC(u32) edges_from;
    VEC(u32) edges_to;
    VEC(u32) stacks[RA_CLASSES_MAX]; /* values defined on the way from the entry */
    /* For the instruction being made. */
    u32 early[RA_CLASSES_MAX], late[RA_CLASSES_MAX], both[RA_CLASSES_MAX],
        late_uses[RA_CLASSES_MAX];
    VReg fixed[2][RA_CLASSES_MAX][RA_REGS_MAX];
    u32 first_operand;
    u32 inst_clobbers;
} Gen;

static void add_edge(Gen *g, u32 from, u32 to)
{
    vec_push(g->arena, &g->edges_from, from);
    vec_push(g->arena, &g->edges_to, to);
}

/* Gives edges that leave a branch and enter a merge a block of their own. */
static u32 split_critical_edges(Gen *g, u32 count)
{
    u32 edges = g->edges_from.len;
    u32 *outs = ARENA_ARRAY(g->arena, u32, count);
    u32 *ins = ARENA_ARRAY(g->arena, u32, count);
    for (u32 e = 0; e < edges; e++) {
        outs[g->edges_from.data[e]]++;
        ins[g->edges_to.data[e]]++;
    }
    for (u32 e = 0; e < edges; e++) {
        u32 to = g->edges_to.data[e];
        if (outs[g->edges_from.data[e]] > 1 && ins[to] > 1) {
            g->edges_to.data[e] = count;
            add_edge(g, count++, to);
        }
    }
    return count;
}

/* Numbers blocks anew, the entry first. */
static void shuffle_blocks(Gen *g, u32 count)
{
    u32 *names = ARENA_ARRAY(g->arena, u32, count);
    for (u32 i = 0; i < count; i++) {
        names[i] = i;
    }
    for (u32 i = count; i-- > 2;) {
        u32 k = 1 + choose(g->choices, i);
        u32 name = names[i];
        names[i] = names[k];
        names[k] = name;
    }
    for (u32 e = 0; e < g->edges_from.len; e++) {
        g->edges_from.data[e] = names[g->edges_from.data[e]];
        g->edges_to.data[e] = names[g->edges_to.data[e]];
    }
}

/* Where the edges of each block begin when sorted by it, in `count` + 1 numbers. */
static u32 *sort_starts(Gen *g, const u32 *keys, u32 count)
{
    u32 *starts = ARENA_ARRAY(g->arena, u32, (usize)count + 1);
    for (u32 e = 0; e < g->edges_from.len; e++) {
        starts[keys[e] + 1]++;
    }
    for (u32 b = 0; b < count; b++) {
        starts[b + 1] += starts[b];
    }
    return starts;
}

static void make_lists(Gen *g, u32 count)
{
    u32 edges = g->edges_from.len;
    u32 *succ_starts = sort_starts(g, g->edges_from.data, count);
    u32 *pred_starts = sort_starts(g, g->edges_to.data, count);
    u32 *succs = ARENA_ARRAY(g->arena, u32, (usize)edges + 1);
    u32 *preds = ARENA_ARRAY(g->arena, u32, (usize)edges + 1);
    for (u32 b = 0; b < count; b++) {
        RaBlock block = {0};
        block.succs = succ_starts[b];
        block.num_succs = succ_starts[b + 1] - succ_starts[b];
        block.preds = pred_starts[b];
        block.num_preds = pred_starts[b + 1] - pred_starts[b];
        block.loop_depth = choose(g->choices, 3);
        block.is_cold = choose(g->choices, 8) == 1;
        vec_push(g->arena, &g->blocks, block);
    }
    for (u32 e = 0; e < edges; e++) {
        succs[succ_starts[g->edges_from.data[e]]++] = g->edges_to.data[e];
        preds[pred_starts[g->edges_to.data[e]]++] = g->edges_from.data[e];
    }
    g->f->succs = succs;
    g->f->preds = preds;
    g->f->num_edges = edges;
    g->f->edge_args = ARENA_ARRAY(g->arena, u32, (usize)edges + 1);
    g->f->blocks = g->blocks.data;
    g->f->num_blocks = count;
}

static void make_graph(Gen *g)
{
    const RaShape *shape = g->shape;
    u32 count = shape->blocks;
    for (u32 b = 1; b < count; b++) {
        u32 from = percent(g->choices, shape->chain_percent) ? b - 1
                   : shape->branch_from_first                ? 0
                                                             : choose(g->choices, b);
        add_edge(g, from, b);
    }
    for (u32 b = 1; b < count; b++) {
        if (percent(g->choices, shape->extra_percent)) {
            bool near = choose(g->choices, 2) == 0;
            u32 to = near ? b + choose(g->choices, 8) : 1 + choose(g->choices, count - 1);
            to = near && to > 4 ? to - 4 : to;
            add_edge(g, b, to < count ? to : count - 1);
        }
    }
    count = split_critical_edges(g, count);
    if (choose(g->choices, 3) == 1) {
        shuffle_blocks(g, count);
    }
    make_lists(g, count);
}

/* ---- machines ---- */

static void make_machine(Gen *g)
{
    static const u8 sizes[] = {2, 3, 4, 3, 8, 16, 32, 2};
    RaMachine *m = g->machine;
    m->num_classes = (u8)(g->shape->classes != 0 ? g->shape->classes : 1 + choose(g->choices, 3));
    for (u32 i = 0; i < m->num_classes; i++) {
        u32 count =
            g->shape->regs != 0 ? g->shape->regs : sizes[choose(g->choices, ARRAY_LEN(sizes))];
        u8 *order = ARENA_ARRAY(g->arena, u8, count);
        u32 base = choose(g->choices, 2) *
                   200; /* so that registers lie outside of the order on either side */
        for (u32 k = 0; k < count; k++) {
            order[k] = (u8)(base + (count - 1 - k));
        }
        m->classes[i].order = order;
        m->classes[i].num_order = (u16)count;
        m->classes[i].num_cheap = (u16)(count - choose(g->choices, count));
        m->classes[i].scratch = choose(g->choices, 2) == 0 ? preg_make(i, 100) : PREG_NONE;
        m->classes[i].slot_units =
            (u8)(1 + choose(g->choices, 2) + 2 * (choose(g->choices, 5) / 4));
        if (m->classes[i].slot_units == 3) {
            m->classes[i].slot_units = 4;
        }
    }
}

/* ---- instructions ---- */

static u32 new_vreg(Gen *g, u32 class)
{
    vec_push(g->arena, &g->classes, (u8) class);
    return g->classes.len - 1;
}

static bool has_values(const Gen *g, u32 class)
{
    return g->stacks[class].len > 0;
}

static VReg choose_value(Gen *g, u32 class)
{
    u32 count = g->stacks[class].len;
    bool far = percent(g->choices, g->shape->far_percent);
    u32 back = choose(g->choices, far || count < 8 ? count : 8);
    return (VReg){g->stacks[class].data[count - 1 - back]};
}

static bool is_clobbered(const Gen *g, u32 class, u32 number)
{
    return (g->clobbers.data[g->inst_clobbers].bits[class][number / 64] >> number % 64 & 1) != 0;
}

/* Whether the registers demanded of the class suffice: those in the way of fixed operands are not there for the others. */
static bool is_feasible(const Gen *g, u32 class)
{
    u32 early = 0;
    u32 late = 0;
    u32 both = 0;
    u32 late_uses = 0;
    for (u32 i = 0; i < g->machine->classes[class].num_order; i++) {
        u32 number = g->machine->classes[class].order[i];
        bool at_early = g->fixed[0][class][number].id != VREG_NONE.id;
        bool at_late = g->fixed[1][class][number].id != VREG_NONE.id;
        early += !at_early;
        late += !at_late;
        both += !at_early && !at_late;
        late_uses += !at_early && !at_late && !is_clobbered(g, class, number);
    }
    return g->early[class] + g->both[class] <= early && g->late[class] + g->both[class] <= late &&
           g->both[class] <= both && g->late_uses[class] <= late_uses;
}

static u32 *demand_of(Gen *g, u32 class, u32 flags)
{
    bool is_def = (flags & RA_DEF) != 0;
    bool is_late = (flags & RA_LATE) != 0;
    return is_def == is_late ? (is_def ? &g->late[class] : &g->early[class]) : &g->both[class];
}

/* Counts it as RA_REG if there are registers for it. */
static bool demand_reg(Gen *g, u32 class, u32 flags)
{
    u32 *demand = demand_of(g, class, flags);
    bool is_late_use = flags == (RA_USE | RA_LATE);
    *demand += 1;
    g->late_uses[class] += is_late_use;
    if (is_feasible(g, class)) {
        return true;
    }
    *demand -= 1;
    g->late_uses[class] -= is_late_use;
    return false;
}

/* Fixes it to a register if that can be. */
static bool demand_fixed(Gen *g, u32 class, RaOperand *o)
{
    u32 count = g->machine->classes[class].num_order;
    bool is_outside = choose(g->choices, 8) == 1;
    u32 number = is_outside ? 120 + choose(g->choices, 2)
                            : g->machine->classes[class].order[choose(g->choices, count)];
    bool is_def = (o->flags & RA_DEF) != 0;
    bool is_late = (o->flags & RA_LATE) != 0;
    VReg before[2] = {g->fixed[0][class][number], g->fixed[1][class][number]};
    bool at[2] = {!is_def || !is_late, is_def || is_late};
    bool ok = is_def || !is_late || !is_clobbered(g, class, number);
    for (u32 point = 0; point < 2; point++) {
        if (at[point]) {
            ok = ok && (before[point].id == VREG_NONE.id || before[point].id == o->vreg.id);
            g->fixed[point][class][number] = o->vreg;
        }
    }
    if (!ok || !is_feasible(g, class)) {
        g->fixed[0][class][number] = before[0];
        g->fixed[1][class][number] = before[1];
        return false;
    }
    o->constraint = RA_FIXED;
    o->arg = preg_make(class, number).id;
    return true;
}

static void add_operand(Gen *g, VReg vreg, u32 flags, u32 any_percent)
{
    static const u8 kinds[] = {RA_REG, RA_REG,   RA_REG,   RA_REG,   RA_REG,
                               RA_ANY, RA_STACK, RA_FIXED, RA_FIXED, RA_FIXED};
    u32 class = g->classes.data[vreg.id];
    u32 kind = percent(g->choices, any_percent)
                   ? RA_ANY
                   : kinds[choose(g->choices, g->shape->is_simple ? 6 : 10)];
    RaOperand o = {vreg, 0, RA_ANY, (u8)flags};
    if (kind == RA_STACK) {
        o.constraint = RA_STACK;
    }
    if ((kind != RA_FIXED || !demand_fixed(g, class, &o)) && (kind == RA_REG || kind == RA_FIXED) &&
        demand_reg(g, class, flags)) {
        o.constraint = RA_REG;
    }
    vec_push(g->arena, &g->operands, o);
}

/* A definition in the register of a use, which is added too. */
static void add_reuse(Gen *g, u32 class, VReg def)
{
    VReg use = choose_value(g, class);
    g->both[class]++; /* the register, at both points */
    if (!is_feasible(g, class)) {
        g->both[class]--;
        add_operand(g, def, RA_DEF | RA_LATE, 100);
        return;
    }
    RaOperand first = {use, 0, RA_REG, RA_USE | RA_EARLY};
    RaOperand second = {def, (u16)(g->operands.len - g->first_operand), RA_REUSE, RA_DEF | RA_LATE};
    if (choose(g->choices, 2) == 0) { /* the definition may come before the use */
        second.arg++;
        vec_push(g->arena, &g->operands, second);
        vec_push(g->arena, &g->operands, first);
    } else {
        vec_push(g->arena, &g->operands, first);
        vec_push(g->arena, &g->operands, second);
    }
}

static void begin_inst(Gen *g, bool may_clobber)
{
    for (u32 i = 0; i < g->machine->num_classes; i++) {
        g->early[i] = g->late[i] = g->both[i] = g->late_uses[i] = 0;
        for (u32 k = 0; k < RA_REGS_MAX; k++) {
            g->fixed[0][i][k] = VREG_NONE;
            g->fixed[1][i][k] = VREG_NONE;
        }
    }
    g->first_operand = g->operands.len;
    g->inst_clobbers = 0;
    if (may_clobber && !g->shape->is_simple && choose(g->choices, 6) == 1) {
        g->inst_clobbers = choose(g->choices, g->clobbers.len);
    }
}

static void end_inst(Gen *g, u32 flags)
{
    RaInst inst = {g->first_operand, (u16)(g->operands.len - g->first_operand),
                   (u8)g->inst_clobbers, (u8)flags};
    vec_push(g->arena, &g->insts, inst);
    for (u32 k = g->first_operand; k < g->operands.len; k++) {
        const RaOperand *o = &g->operands.data[k];
        if ((o->flags & RA_DEF) != 0) {
            vec_push(g->arena, &g->stacks[g->classes.data[o->vreg.id]], o->vreg.id);
        }
    }
}

static void add_uses(Gen *g, u32 count, u32 any_percent)
{
    for (u32 i = 0; i < count; i++) {
        u32 class = choose(g->choices, g->machine->num_classes);
        u32 late = choose(g->choices, 8) == 1 ? RA_LATE : RA_EARLY;
        if (has_values(g, class)) {
            add_operand(g, choose_value(g, class), RA_USE | late, any_percent);
        }
    }
}

static void add_defs(Gen *g, u32 count, u32 any_percent)
{
    for (u32 i = 0; i < count; i++) {
        u32 class = choose(g->choices, g->machine->num_classes);
        u32 late = choose(g->choices, 8) == 1 ? RA_EARLY : RA_LATE;
        VReg vreg = {new_vreg(g, class)};
        if (!g->shape->is_simple && has_values(g, class) && choose(g->choices, 4) == 1) {
            add_reuse(g, class, vreg);
        } else {
            add_operand(g, vreg, RA_DEF | late, any_percent);
        }
    }
}

static void make_inst(Gen *g)
{
    begin_inst(g, true);
    if (percent(g->choices, g->shape->wide_percent)) {
        add_uses(g, choose(g->choices, g->shape->wide), 90);
        add_defs(g, choose(g->choices, 3), 50);
        end_inst(g, 0);
        return;
    }
    if (choose(g->choices, 10) == 1) {
        u32 class = choose(g->choices, g->machine->num_classes);
        RaOperand o = {{new_vreg(g, class)}, 0, RA_REG, RA_DEF | RA_LATE};
        g->inst_clobbers = 0;
        vec_push(g->arena, &g->operands, o);
        end_inst(g, RA_INST_REMAT);
        return;
    }
    add_uses(g, choose(g->choices, g->shape->operands + 1), 0);
    add_defs(g, choose(g->choices, g->shape->operands + 1) * 2 / 3, 0);
    end_inst(g, 0);
}

/* The first instruction of the entry defines a value of each class, so that there always is one. */
static void make_entry_inst(Gen *g)
{
    begin_inst(g, false);
    for (u32 i = 0; i < g->machine->num_classes; i++) {
        add_operand(g, (VReg){new_vreg(g, i)}, RA_DEF | RA_LATE, 0);
    }
    end_inst(g, 0);
}

static void make_terminator(Gen *g, const RaBlock *block)
{
    bool is_plain =
        block->num_succs == 1 && g->blocks.data[g->f->succs[block->succs]].num_preds > 1;
    bool has_operands = !is_plain && choose(g->choices, 4) != 0;
    begin_inst(g, has_operands);
    if (has_operands) {
        add_uses(g, choose(g->choices, 3), 0);
        add_defs(g, block->num_succs == 0 ? 0 : choose(g->choices, 6) / 3, 0);
    }
    end_inst(g, block->num_succs == 0 ? RA_INST_RETURN : RA_INST_BRANCH);
}

static void make_block(Gen *g, u32 b)
{
    RaBlock *block = &g->blocks.data[b];
    block->first = g->insts.len;
    for (u32 i = 0; i < block->num_params; i++) {
        u32 vreg = g->params.data[block->params + i].id;
        vec_push(g->arena, &g->stacks[g->classes.data[vreg]], vreg);
    }
    if (b == 0) {
        make_entry_inst(g);
    }
    u32 count = choose(g->choices, 2 * g->shape->insts + 1);
    for (u32 i = 0; i < count; i++) {
        make_inst(g);
    }
    make_terminator(g, block);
    block->end = g->insts.len;
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        const RaBlock *to = &g->blocks.data[g->f->succs[e]];
        ((u32 *)(uintptr_t)g->f->edge_args)[e] = g->args.len;
        for (u32 i = 0; i < to->num_params; i++) {
            u32 class = g->classes.data[g->params.data[to->params + i].id];
            vec_push(g->arena, &g->args, choose_value(g, class));
        }
    }
}

static void make_params(Gen *g)
{
    for (u32 b = 1; b < g->blocks.len; b++) {
        RaBlock *block = &g->blocks.data[b];
        block->params = g->params.len;
        block->num_params =
            choose(g->choices, 3) == 0 ? 0 : choose(g->choices, g->shape->params + 1);
        for (u32 i = 0; i < block->num_params; i++) {
            VReg vreg = {new_vreg(g, choose(g->choices, g->machine->num_classes))};
            vec_push(g->arena, &g->params, vreg);
        }
    }
}

/* Instructions were made in the order of the dominator tree; puts them in the order of the blocks. */
static void order_insts(Gen *g)
{
    RaInst *insts = ARENA_ARRAY(g->arena, RaInst, g->insts.len);
    u32 count = 0;
    for (u32 b = 0; b < g->blocks.len; b++) {
        RaBlock *block = &g->blocks.data[b];
        u32 length = block->end - block->first;
        memcpy(&insts[count], &g->insts.data[block->first], sizeof *insts * length);
        block->first = count;
        count += length;
        block->end = count;
    }
    g->f->insts = insts;
    g->f->num_insts = count;
}

static void make_clobbers(Gen *g)
{
    vec_extend(g->arena, &g->clobbers, 1);
    for (u32 i = 0; i < 3; i++) {
        RaClobbers set = {{{0}}};
        for (u32 class = 0; class < g->machine->num_classes; class ++) {
            for (u32 k = 0; k < g->machine->classes[class].num_order; k++) {
                u32 number = g->machine->classes[class].order[k];
                if (i == 0 || choose(g->choices, 3) != 0) {
                    set.bits[class][number / 64] |= (u64)1 << number % 64;
                }
            }
            if (i == 1) {
                set.bits[class][100 / 64] |= (u64)1 << 100 % 64;
            }
        }
        vec_push(g->arena, &g->clobbers, set);
    }
}

static void make_body(Gen *g)
{
    u32 *ends[RA_CLASSES_MAX]; /* by class, by block: how much of the stack is there at its end */
    for (u32 i = 0; i < g->machine->num_classes; i++) {
        ends[i] = ARENA_ARRAY(g->arena, u32, g->blocks.len);
    }
    for (u32 n = 0; n < g->dom.num_reached; n++) {
        u32 b = g->dom.order[n];
        for (u32 i = 0; i < g->machine->num_classes; i++) {
            g->stacks[i].len = b == 0 ? 0 : ends[i][g->dom.idom[b]];
        }
        make_block(g, b);
        for (u32 i = 0; i < g->machine->num_classes; i++) {
            ends[i][b] = g->stacks[i].len;
        }
    }
}

RaShape choose_shape(Choices *choices)
{
    RaShape shape = {0};
    shape.blocks = 1 + choose(choices, choose(choices, 4) == 0 ? 30 : 8);
    shape.insts = choose(choices, 7);
    shape.chain_percent = choose(choices, 100);
    shape.branch_from_first = choose(choices, 4) == 1;
    shape.extra_percent = choose(choices, 120);
    shape.params = choose(choices, 5);
    shape.far_percent = choose(choices, 100);
    shape.operands = 1 + choose(choices, 4);
    shape.wide_percent = choose(choices, 3) == 1 ? 10 : 0;
    shape.wide = 12;
    shape.is_simple = choose(choices, 6) == 1;
    return shape;
}

RaFunc *generate_func(Choices *choices, const RaShape *shape, Arena *arena)
{
    Gen *g = ARENA_NEW(arena, Gen);
    g->choices = choices;
    g->shape = shape;
    g->arena = arena;
    g->f = ARENA_NEW(arena, RaFunc);
    g->machine = ARENA_NEW(arena, RaMachine);
    g->f->machine = g->machine;
    make_machine(g);
    make_clobbers(g);
    make_graph(g);
    make_params(g);
    dv_dom_build(&g->dom, g->f, arena);
    make_body(g);
    order_insts(g);
    g->f->blocks = g->blocks.data;
    g->f->operands = g->operands.data;
    g->f->params = g->params.data;
    g->f->args = g->args.data;
    g->f->vreg_classes = g->classes.data;
    g->f->clobbers = g->clobbers.data;
    g->f->num_operands = g->operands.len;
    g->f->num_params = g->params.len;
    g->f->num_args = g->args.len;
    g->f->num_vregs = g->classes.len;
    g->f->num_clobbers = g->clobbers.len;
    return g->f;
}

/* ---- running ---- */

typedef struct Runner {
    const RaFunc *f;
    const RaResult *result;
    Rng rng;
    u64 *values; /* by vreg, of the function as it is */
    u64 *regs;   /* by register and part */
    u64 *units;
    bool ok;
} Runner;

enum { PARTS_MAX = 8 };

static u64 *place(Runner *r, RaLoc loc)
{
    return ra_loc_kind(loc) == RA_LOC_REG ? &r->regs[ra_loc_index(loc) * PARTS_MAX]
                                          : &r->units[ra_loc_index(loc)];
}

static void write_value(Runner *r, RaLoc loc, u32 vreg, u64 value)
{
    u64 *to = place(r, loc);
    for (u32 k = 0; k < r->f->machine->classes[r->f->vreg_classes[vreg]].slot_units; k++) {
        to[k] = value + k;
    }
}

static void read_value(Runner *r, RaLoc loc, u32 vreg)
{
    const u64 *from = place(r, loc);
    for (u32 k = 0; k < r->f->machine->classes[r->f->vreg_classes[vreg]].slot_units; k++) {
        r->ok = r->ok && from[k] == r->values[vreg] + k;
    }
}

/* What an instruction that may be done again gives: always the same. */
static u64 constant_of(u32 inst)
{
    return dv_hash_u64((u64)inst + 0x1234567);
}

static void run_move(Runner *r, const RaMove *m)
{
    u64 *to = place(r, m->to);
    for (u32 k = 0; k < r->f->machine->classes[m->class].slot_units; k++) {
        to[k] = ra_loc_kind(m->from) == RA_LOC_REMAT ? constant_of(ra_loc_index(m->from)) + k
                                                     : place(r, m->from)[k];
    }
}

static void spoil_reg(Runner *r, PReg reg)
{
    for (u32 k = 0; k < PARTS_MAX; k++) {
        r->regs[reg.id * PARTS_MAX + k] = dv_rng_next(&r->rng);
    }
}

static void spoil(Runner *r, const RaInst *inst)
{
    for (u32 class = 0; class < r->f->machine->num_classes; class ++) {
        if (r->f->machine->classes[class].scratch.id != PREG_NONE.id) {
            spoil_reg(r, r->f->machine->classes[class].scratch);
        }
        for (u32 n = 0; inst->clobbers != 0 && n < RA_REGS_MAX; n++) {
            if ((r->f->clobbers[inst->clobbers].bits[class][n / 64] >> n % 64 & 1) != 0) {
                spoil_reg(r, preg_make(class, n));
            }
        }
    }
}

/* Does to all operands with these flags what they are for. */
static void run_operands(Runner *r, const RaInst *inst, u32 flags, bool only_read)
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &r->f->operands[k];
        if (o->flags != flags) {
            continue;
        }
        if (only_read) {
            read_value(r, r->result->locs[k], o->vreg.id);
        } else {
            write_value(r, r->result->locs[k], o->vreg.id, r->values[o->vreg.id]);
        }
    }
}

/* Writes as early and reads as late as the rules allow. */
static void run_inst(Runner *r, u32 i)
{
    const RaInst *inst = &r->f->insts[i];
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &r->f->operands[k];
        if ((o->flags & RA_DEF) != 0) {
            r->values[o->vreg.id] =
                (inst->flags & RA_INST_REMAT) != 0 ? constant_of(i) : dv_rng_next(&r->rng);
        }
    }
    run_operands(r, inst, RA_DEF | RA_EARLY, false);
    run_operands(r, inst, RA_USE | RA_EARLY, true);
    spoil(r, inst);
    run_operands(r, inst, RA_DEF | RA_EARLY, false);
    run_operands(r, inst, RA_DEF | RA_LATE, false);
    run_operands(r, inst, RA_USE | RA_LATE, true);
    run_operands(r, inst, RA_DEF | RA_EARLY, true);
    run_operands(r, inst, RA_DEF | RA_LATE, true);
}

/* Gives parameters their values at once; returns the block that follows, or UINT32_MAX. */
static u32 leave_block(Runner *r, u32 b, u64 *temps)
{
    const RaBlock *block = &r->f->blocks[b];
    if (block->num_succs == 0) {
        return UINT32_MAX;
    }
    u32 e = block->succs + (u32)dv_rng_below(&r->rng, block->num_succs);
    const RaBlock *to = &r->f->blocks[r->f->succs[e]];
    for (u32 i = 0; i < to->num_params; i++) {
        temps[i] = r->values[r->f->args[r->f->edge_args[e] + i].id];
    }
    for (u32 i = 0; i < to->num_params; i++) {
        r->values[r->f->params[to->params + i].id] = temps[i];
    }
    return r->f->succs[e];
}

bool run_allocated(const RaFunc *f, const RaResult *result, u64 seed, u32 steps, Arena *scratch)
{
    ArenaMark mark = dv_arena_mark(scratch);
    Runner r = {0};
    r.f = f;
    r.result = result;
    r.ok = true;
    dv_rng_seed(&r.rng, seed);
    u32 num_regs = RA_CLASSES_MAX * RA_REGS_MAX * PARTS_MAX;
    r.values = ARENA_ARRAY(scratch, u64, f->num_vregs);
    r.regs = ARENA_ARRAY(scratch, u64, num_regs);
    r.units = ARENA_ARRAY(scratch, u64, (usize)result->num_slot_units + PARTS_MAX);
    u32 *first_move = ARENA_ARRAY(scratch, u32, (usize)f->num_insts + 1);
    u64 *temps = ARENA_ARRAY(scratch, u64, f->num_params);
    for (u32 i = 0; i < num_regs; i++) {
        r.regs[i] = dv_rng_next(&r.rng);
    }
    for (u32 i = 0; i < result->num_slot_units; i++) {
        r.units[i] = dv_rng_next(&r.rng);
    }
    for (u32 i = 0, m = 0; i <= f->num_insts; i++) {
        for (; m < result->moves.len && result->moves.data[m].before < i; m++) {
        }
        first_move[i] = m;
    }
    for (u32 b = 0, done = 0; b != UINT32_MAX && done < steps && r.ok;
         b = leave_block(&r, b, temps)) {
        for (u32 i = f->blocks[b].first; i < f->blocks[b].end; i++, done++) {
            for (u32 m = first_move[i]; m < first_move[i + 1]; m++) {
                run_move(&r, &result->moves.data[m]);
            }
            run_inst(&r, i);
        }
    }
    dv_arena_release_to(scratch, mark);
    return r.ok;
}

/* ---- by hand ---- */

Hand *new_hand(Arena *arena, u32 regs)
{
    static const u8 order[] = {R0, R1, R2, R3};
    Hand *h = ARENA_NEW(arena, Hand);
    h->machine.num_classes = 1;
    h->machine.classes[0].order = order;
    h->machine.classes[0].num_order = (u16)regs;
    h->machine.classes[0].num_cheap = (u16)regs;
    h->machine.classes[0].scratch = preg_make(0, R9);
    h->machine.classes[0].slot_units = 1;
    h->func.machine = &h->machine;
    h->func.insts = h->insts;
    h->func.operands = h->operands;
    h->func.blocks = h->blocks;
    h->func.params = h->params;
    h->func.preds = h->preds;
    h->func.succs = h->succs;
    h->func.edge_args = h->edge_args;
    h->func.args = h->args;
    h->func.vreg_classes = h->classes;
    h->func.clobbers = h->clobbers;
    h->func.num_vregs = ARRAY_LEN(h->classes);
    h->func.num_clobbers = ARRAY_LEN(h->clobbers);
    h->clobbers[1].bits[0][0] = 1 << R0 | 1 << R1;
    return h;
}

void hand_block(Hand *h)
{
    CHECK(h->func.num_blocks < ARRAY_LEN(h->blocks));
    h->blocks[h->func.num_blocks++].first = h->func.num_insts;
}

void hand_inst(Hand *h, u32 clobbers, u32 flags)
{
    CHECK(h->func.num_insts < ARRAY_LEN(h->insts));
    h->insts[h->func.num_insts++] = (RaInst){h->func.num_operands, 0, (u8)clobbers, (u8)flags};
    h->blocks[h->func.num_blocks - 1].end = h->func.num_insts;
}

void hand_operand(Hand *h, u32 vreg, u32 flags, u32 constraint, u32 arg)
{
    CHECK(h->func.num_operands < ARRAY_LEN(h->operands));
    h->operands[h->func.num_operands++] = (RaOperand){{vreg}, (u16)arg, (u8)constraint, (u8)flags};
    h->insts[h->func.num_insts - 1].num_operands++;
}

void hand_edge(Hand *h, u32 from, u32 to)
{
    CHECK(h->func.num_edges < ARRAY_LEN(h->succs));
    RaBlock *block = &h->blocks[from];
    if (block->num_succs++ == 0) {
        block->succs = h->func.num_edges;
    }
    h->succs[h->func.num_edges++] = to;
}

void finish_hand(Hand *h)
{
    u32 count = 0;
    for (u32 b = 0; b < h->func.num_blocks; b++) {
        h->blocks[b].preds = count;
        for (u32 from = 0; from < h->func.num_blocks; from++) {
            for (u32 e = 0; e < h->blocks[from].num_succs; e++) {
                if (h->succs[h->blocks[from].succs + e] == b) {
                    h->preds[count++] = from;
                    h->blocks[b].num_preds++;
                }
            }
        }
    }
}
