/* liveness.c - where each vreg is live.
 *
 * The program is in SSA form, so each vreg can be followed by itself: from every use backward over predecessors until its
 * definition is met. Blocks that follow one another and are entered from nowhere else form a chain, which is
 * crossed in one step: a vreg that enters one of its blocks is live in all before. A stamp per chain tells that the vreg
 * in hand has been there. The work is the number of pairs of a vreg and a chain it is live in.
 *
 * A parameter that nobody reads gets no place, and what is passed to it is not read by that. Parameters are marked
 * alive from the operands backward through the edges' arguments.
 *
 * A range covers the points at which the vreg must be in its own place. Operands fixed to a register bring their
 * register with them: a use reads the place just before the instruction, a definition fills it just after. So ranges stop short of
 * fixed operands, and a vreg that is only defined and used so has none. The same is true of a use whose register a definition
 * reuses: the definition's range starts early, in its stead.
 */
#include "main.h"

enum { FREQ_ONCE = 64, FREQ_COLD = 2, LOOP_FACTOR_LOG2 = 3, LOOP_DEPTH_MAX = 6 };
enum { SERVED_SCAN_MAX = 16 };

static void count_ticks(Ra *ra)
{
    const RaFunc *f = ra->f;
    ra->num_ticks = f->num_insts + f->num_blocks;
    ra->block_of_tick = ARENA_ARRAY(ra->arena, u32, ra->num_ticks);
    ra->block_ticks = ARENA_ARRAY(ra->arena, u32, (usize)f->num_blocks + 1);
    u32 tick = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        ra->block_ticks[b] = tick;
        u32 end = tick + 1 + f->blocks[b].end - f->blocks[b].first;
        for (; tick < end; tick++) {
            ra->block_of_tick[tick] = b;
        }
    }
    ra->block_ticks[f->num_blocks] = tick;
}

static void list_edges(Ra *ra)
{
    const RaFunc *f = ra->f;
    u32 *found = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    ra->edge_sources = ARENA_ARRAY(ra->arena, u32, f->num_edges);
    ra->in_edges = ARENA_ARRAY(ra->arena, u32, f->num_edges);
    ra->chain_heads = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        bool is_link = b > 0 && block->num_preds == 1 && f->preds[block->preds] == b - 1;
        ra->chain_heads[b] = is_link ? ra->chain_heads[b - 1] : b;
        for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
            u32 target = f->succs[e];
            ra->edge_sources[e] = b;
            ra->in_edges[f->blocks[target].preds + found[target]++] = e;
        }
    }
}

/* Frequencies, and the nearest blocks to either side that have a lower one: the stack is the chain of the links
 * themselves. */
static void guess_frequencies(Ra *ra)
{
    const RaFunc *f = ra->f;
    ra->block_freqs = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    ra->lower_before = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    ra->lower_after = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    for (u32 b = 0; b < f->num_blocks; b++) {
        u32 depth = f->blocks[b].loop_depth;
        depth = depth < LOOP_DEPTH_MAX ? depth : LOOP_DEPTH_MAX;
        u32 base = f->blocks[b].is_cold ? FREQ_COLD : FREQ_ONCE;
        ra->block_freqs[b] = base << (LOOP_FACTOR_LOG2 * depth);
        u32 at = b == 0 ? RA_NONE : b - 1;
        while (at != RA_NONE && ra->block_freqs[at] >= ra->block_freqs[b]) {
            at = ra->lower_before[at];
        }
        ra->lower_before[b] = at;
    }
    for (u32 b = f->num_blocks; b-- > 0;) {
        u32 at = b + 1 == f->num_blocks ? RA_NONE : b + 1;
        while (at != RA_NONE && ra->block_freqs[at] >= ra->block_freqs[b]) {
            at = ra->lower_after[at];
        }
        ra->lower_after[b] = at;
    }
}

/* The uses that are served by the register of a definition that reuses one: that one, and those of the same vreg at
 * the same instruction that could be in it too. */
static void find_served(Ra *ra, const RaInst *inst)
{
    const RaOperand *ops = ra->f->operands;
    u32 end = inst->operands + inst->num_operands;
    for (u32 i = inst->operands; i < end; i++) {
        if (ops[i].constraint == RA_REUSE) {
            ra->served_by[inst->operands + ops[i].arg] = i;
        }
    }
    for (u32 i = inst->operands; i < end && inst->num_operands <= SERVED_SCAN_MAX; i++) {
        if (ops[i].constraint != RA_REUSE) {
            continue;
        }
        u32 vreg = ops[inst->operands + ops[i].arg].vreg.id;
        for (u32 k = inst->operands; k < end; k++) {
            if (ops[k].vreg.id == vreg && (ops[k].flags & (RA_DEF | RA_LATE)) == 0 &&
                (ops[k].constraint == RA_REG || ops[k].constraint == RA_ANY) &&
                ra->served_by[k] == RA_NONE) {
                ra->served_by[k] = i;
            }
        }
    }
}

static void find_all_served(Ra *ra)
{
    const RaFunc *f = ra->f;
    ra->served_by = ARENA_ARRAY(ra->arena, u32, f->num_operands);
    memset(ra->served_by, 0xff, sizeof(u32) * f->num_operands);
    for (u32 i = 0; i < f->num_insts; i++) {
        const RaInst *inst = &f->insts[i];
        for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
            if (f->operands[k].constraint == RA_REUSE) {
                find_served(ra, inst);
                break;
            }
        }
    }
}

/* Where the mention of a vreg goes: counted first, written when the counts have become places. */
static void note_use(Ra *ra, u32 vreg, u32 tick, u32 operand)
{
    VRegInfo *info = &ra->vregs[vreg];
    if (ra->uses != NULL) {
        ra->uses[info->uses_end] = (Use){tick, operand};
    }
    info->uses_end++;
}

static void note_uses_of_block(Ra *ra, u32 b)
{
    const RaFunc *f = ra->f;
    const RaBlock *block = &f->blocks[b];
    u32 tick = ra->block_ticks[b];
    for (u32 i = block->first; i < block->end; i++) {
        const RaInst *inst = &f->insts[i];
        tick++;
        for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
            const RaOperand *op = &f->operands[k];
            note_use(ra, op->vreg.id, tick, k);
            if ((op->flags & RA_DEF) != 0) {
                ra->vregs[op->vreg.id].def_tick = tick;
                ra->vregs[op->vreg.id].def_operand = k;
            }
        }
    }
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        const RaBlock *target = &f->blocks[f->succs[e]];
        for (u32 p = 0; p < target->num_params; p++) {
            if (!ra->param_is_dead[target->params + p]) {
                note_use(ra, f->args[f->edge_args[e] + p].id, tick, RA_NONE);
            }
        }
    }
}

static void collect_uses(Ra *ra)
{
    const RaFunc *f = ra->f;
    for (u32 b = 0; b < f->num_blocks; b++) {
        note_uses_of_block(ra, b);
        const RaBlock *block = &f->blocks[b];
        for (u32 p = block->params; p < block->params + block->num_params; p++) {
            if (!ra->param_is_dead[p]) {
                ra->vregs[f->params[p].id].def_tick = ra->block_ticks[b];
            }
        }
    }
    u32 total = 0;
    for (u32 v = 0; v < f->num_vregs; v++) {
        u32 count = ra->vregs[v].uses_end;
        ra->vregs[v].uses = ra->vregs[v].uses_end = total;
        total += count;
    }
    ra->uses = ARENA_ARRAY(ra->arena, Use, total);
    for (u32 b = 0; b < f->num_blocks; b++) {
        note_uses_of_block(ra, b);
    }
    ra->stats.steps += 2 * (u64)total;
}

/* Marks the parameters that operands read, then those passed to marked ones. */
static void find_dead_params(Ra *ra)
{
    const RaFunc *f = ra->f;
    u32 *param_of = ARENA_ARRAY(ra->arena, u32, f->num_vregs); /* index in params, plus 1 */
    u32 *block_of = ARENA_ARRAY(ra->arena, u32, f->num_params);
    VEC(u32) work = {0};
    ra->param_is_dead = ARENA_ARRAY(ra->arena, bool, f->num_params);
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        for (u32 p = block->params; p < block->params + block->num_params; p++) {
            param_of[f->params[p].id] = p + 1;
            block_of[p] = b;
            ra->param_is_dead[p] = true;
        }
    }
    for (u32 i = 0; i < f->num_operands; i++) {
        u32 p = param_of[f->operands[i].vreg.id];
        if (p != 0 && ra->param_is_dead[p - 1]) {
            ra->param_is_dead[p - 1] = false;
            vec_push(ra->arena, &work, p - 1);
        }
    }
    while (work.len > 0) {
        u32 p = vec_pop(&work);
        const RaBlock *block = &f->blocks[block_of[p]];
        for (u32 i = block->preds; i < block->preds + block->num_preds; i++) {
            u32 first_arg = f->edge_args[ra->in_edges[i]];
            u32 arg = param_of[f->args[first_arg + p - block->params].id];
            if (arg != 0 && ra->param_is_dead[arg - 1]) {
                ra->param_is_dead[arg - 1] = false;
                vec_push(ra->arena, &work, arg - 1);
            }
        }
    }
    ra->stats.steps += f->num_operands + f->num_args;
}

static void find_remats(Ra *ra)
{
    const RaFunc *f = ra->f;
    for (u32 i = 0; i < f->num_insts; i++) {
        if ((f->insts[i].flags & RA_INST_REMAT) == 0) {
            continue;
        }
        VRegInfo *info = &ra->vregs[f->operands[f->insts[i].operands].vreg.id];
        info->remat = i;
        for (u32 u = info->uses; u < info->uses_end; u++) {
            u32 k = ra->uses[u].operand;
            u32 constraint = k == RA_NONE ? RA_REG : f->operands[k].constraint;
            /* Such an operand may have to be in memory. */
            if ((constraint == RA_ANY && ra->served_by[k] == RA_NONE) || constraint == RA_STACK) {
                info->remat = RA_NONE;
            }
        }
    }
}

/* The part of a chain, from its start or from the definition, that the vreg in hand is live in. */
typedef struct Segment {
    u32 head, to;
} Segment;

typedef struct Segments {
    VEC(Segment) list;
    VEC(u32) work;
    u32 *stamps; /* by chain: vreg whose segment it has, plus 1 */
    u32 *places; /* by chain: where in list */
} Segments;

/* The vreg is live up to the point; if it was not known to be live in the chain, the chain is work. */
static void extend_segment(Ra *ra, Segments *s, u32 vreg, u32 block, u32 to)
{
    u32 head = ra->chain_heads[block];
    ra->stats.steps++;
    if (s->stamps[head] == vreg + 1) {
        Segment *segment = &s->list.data[s->places[head]];
        segment->to = segment->to < to ? to : segment->to;
        return;
    }
    s->stamps[head] = vreg + 1;
    s->places[head] = s->list.len;
    vec_push(ra->arena, &s->list, ((Segment){head, to}));
    vec_push(ra->arena, &s->work, head);
}

static void sift_segment(Segment *list, u32 at, u32 len)
{
    Segment moving = list[at];
    for (;;) {
        u32 child = 2 * at + 1;
        if (child >= len) {
            break;
        }
        child += child + 1 < len && list[child].head < list[child + 1].head;
        if (list[child].head <= moving.head) {
            break;
        }
        list[at] = list[child];
        at = child;
    }
    list[at] = moving;
}

static void sort_segments(Segment *list, u32 len)
{
    for (u32 i = len / 2; i-- > 0;) {
        sift_segment(list, i, len);
    }
    for (u32 end = len; end-- > 1;) {
        Segment last = list[end];
        list[end] = list[0];
        list[0] = last;
        sift_segment(list, 0, end);
    }
}

static void add_range(Ra *ra, u32 vreg, u32 from, u32 to)
{
    VRegInfo *info = &ra->vregs[vreg];
    if (from >= to) {
        return;
    }
    if (ra->ranges.len > info->ranges && vec_last(&ra->ranges).to == from) {
        ra->ranges.data[ra->ranges.len - 1].to = to;
        return;
    }
    vec_push(ra->arena, &ra->ranges, ((LiveRange){from, to, vreg, 0, 0}));
}

/* Every use belongs to the range it is in or next to. Those next to none do not touch the vreg's place. */
static void share_out_uses(Ra *ra, const VRegInfo *info)
{
    u32 use = info->uses;
    for (u32 r = info->ranges; r < info->ranges_end; r++) {
        LiveRange *range = &ra->ranges.data[r];
        while (use < info->uses_end && 2 * ra->uses[use].tick + 2 < range->from) {
            use++;
        }
        range->uses = use;
        while (use < info->uses_end && 2 * ra->uses[use].tick <= range->to) {
            use++;
        }
        range->uses_end = use;
    }
}

static u32 def_point(const Ra *ra, const VRegInfo *info)
{
    if (info->def_operand == RA_NONE) {
        return 2 * info->def_tick;
    }
    const RaOperand *op = &ra->f->operands[info->def_operand];
    if (op->constraint == RA_FIXED) {
        return 2 * info->def_tick + 2;
    }
    bool is_late = (op->flags & RA_LATE) != 0 && op->constraint != RA_REUSE;
    return 2 * info->def_tick + (is_late ? 1 : 0);
}

static void find_ranges(Ra *ra, Segments *s, u32 vreg)
{
    const RaFunc *f = ra->f;
    VRegInfo *info = &ra->vregs[vreg];
    u32 def_block = ra->block_of_tick[info->def_tick];
    u32 from = def_point(ra, info);
    s->list.len = 0;
    extend_segment(ra, s, vreg, def_block,
                   info->def_operand == RA_NONE ? from + 1 : 2 * info->def_tick + 2);
    vec_clear(&s->work); /* nothing comes into the definition's chain */
    for (u32 u = info->uses; u < info->uses_end; u++) {
        const Use *use = &ra->uses[u];
        if (use->operand == info->def_operand && use->operand != RA_NONE) {
            continue;
        }
        extend_segment(ra, s, vreg, ra->block_of_tick[use->tick], ra_use_end(ra, use));
        while (s->work.len > 0) {
            const RaBlock *block = &f->blocks[vec_pop(&s->work)];
            for (u32 i = block->preds; i < block->preds + block->num_preds; i++) {
                u32 pred = f->preds[i];
                extend_segment(ra, s, vreg, pred, 2 * ra->block_ticks[pred + 1]);
            }
        }
    }
    if (s->list.len > 1) {
        sort_segments(s->list.data, s->list.len);
    }
    for (u32 i = 0; i < s->list.len; i++) {
        Segment segment = s->list.data[i];
        bool has_def = segment.head == ra->chain_heads[def_block];
        add_range(ra, vreg, has_def ? from : 2 * ra->block_ticks[segment.head], segment.to);
    }
}

bool dv_ra_liveness(Ra *ra)
{
    const RaFunc *f = ra->f;
    ra->vregs = ARENA_ARRAY(ra->arena, VRegInfo, f->num_vregs);
    for (u32 v = 0; v < f->num_vregs; v++) {
        VRegInfo *info = &ra->vregs[v];
        info->def_tick = info->def_operand = info->bundle = info->remat = RA_NONE;
    }
    count_ticks(ra);
    list_edges(ra);
    guess_frequencies(ra);
    find_all_served(ra);
    find_dead_params(ra);
    collect_uses(ra);
    find_remats(ra);
    Segments s = {0};
    s.stamps = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    s.places = ARENA_ARRAY(ra->arena, u32, f->num_blocks);
    for (u32 v = 0; v < f->num_vregs; v++) {
        VRegInfo *info = &ra->vregs[v];
        info->ranges = info->ranges_end = ra->ranges.len;
        if (info->def_tick != RA_NONE) {
            find_ranges(ra, &s, v);
            info->ranges_end = ra->ranges.len;
            share_out_uses(ra, info);
        }
        if (ra_over_budget(ra)) {
            return false;
        }
    }
    return true;
}
