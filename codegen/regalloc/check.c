/* check.c - whether an allocation does what the function says.
 *
 * The question at each use is whether the register or slot holds the value of the vreg there. The checker answers it as one
 * would with sets of vregs per location, forward through the code and intersected where paths meet; but written
 * out, those sets are as large as the blocks times what is live in them. So it turns the allocated code into SSA form
 * instead, where the variables are cells: a register, or a unit of spill memory (a value of several
 * units has a cell per unit, in registers too, so that slots of all sizes may overlap). Contents of cells are numbered:
 *
 *   - a definition of v gives each of v's cells a new content "part k of v"; doing v's instruction again gives the same;
 *   - a move copies contents from cells to cells: no content of its own is needed;
 *   - clobbers give the content "unknown"; so does every instruction to the scratch registers;
 *   - where paths meet with different contents in a cell, at the iterated dominance frontier of its writes, the cell has a new
 *     content, a phi of those of the edges.
 *
 * A parameter of a block with a single predecessor is another name of the argument, wherever the moves of that edge stand.
 *
 * A walk of the dominator tree gives each use the content of its cells, and leaves behind questions "is content c the value of
 * v?", which need no locations any more. Contents are numbered in the order of that walk and each vreg knows the number
 * reached when it was defined, so for a content and a vreg that both reach a place the numbers tell which came first:
 *
 *   - c is part k of v itself: yes.
 *   - c is a phi, later than v: ask for each edge of its block whether the phi's argument is the value of v; or, if v is a parameter of
 *     that block, of the argument of the edge. This is how a parameter's value becomes the argument's value.
 *   - c is older than v, and v a block parameter: c is in its cell unchanged on all edges of v's block: ask for each edge
 *     whether c is the value of its argument.
 *   - otherwise: no.
 *
 * A question is asked once: when it comes back to itself around a loop it adds nothing, which is the greatest fixed point that
 * sets would have reached. Phis are placed only for cells that some block reads before it writes them, not for those
 * written in a single block, since what that block does not dominate reads something unknown anyway, and, where they would be
 * many, only where the cell is read later. So work is nearly linear
 * in the size of the code and its phis.
 *
 * All else is local to an instruction or a move: constraints, classes, allocatable registers, definitions that would overwrite late
 * uses, sizes and bounds of slots. Registers outside of `order` hold values only between the instruction that has them as a fixed
 * operand and the moves next to it.
 */
#include "base/map.h"
#include "codegen/regalloc/dom.h"

#define NONE UINT32_MAX
enum { UNKNOWN = 0 /* the content */, FEW_STEPS = 64 };
enum { REG_OUTSIDE, REG_IN_ORDER, REG_SCRATCH };

typedef struct Content {
    u32 vreg;  /* NONE: a phi, or unknown */
    u32 part;  /* of the vreg; of a phi, its number */
    u32 block; /* of a phi */
} Content;

typedef struct Question {
    u32 content, vreg, part;
    u32 inst, operand; /* for the message */
} Question;

typedef struct CellAt {
    u32 cell, block;
} CellAt;

typedef struct Change {
    u32 cell, old;
} Change;

typedef struct Edge {
    u32 from, index; /* the block; in RaFunc.succs */
} Edge;

typedef struct Checker {
    const RaFunc *f;
    const RaResult *result;
    Arena *arena;
    TextBuf *why;
    RaDom dom;
    u8 reg_kind[RA_CLASSES_MAX * RA_REGS_MAX];
    u32 class_cell[RA_CLASSES_MAX]; /* of its register 0 */
    u32 first_slot_cell, num_cells;
    /* Edges by target: those of block b are in_edges[in_first[b]...in_first[b + 1]). */
    Edge *in_edges;
    u32 *in_first;
    u32 *edge_place; /* by edge: where it is among those of its target */
    /* Phis by block: the cells of those of block b are phi_cells[phi_first[b]...phi_first[b + 1]). */
    u32 *phi_cells, *phi_first;
    u32 *phi_args_first; /* by phi: in phi_args, one by edge */
    u32 *phi_args;
    VEC(Content) contents;
    u32 *content;    /* by cell, while walking */
    VEC(Change) log; /* to undo when the walk leaves a block */
    u32 *log_end;    /* by block */
    u32 *defined_at; /* by vreg: the number of contents there were */
    u32 *
        origin; /* by vreg: itself, or what it is another name of: parameters of blocks with one predecessor */
    u32 *param_of; /* by vreg: the block with several predecessors whose parameter it is, or NONE */
    u32 *param_index;
    u32 *used_at, *late_use_at, *def_at; /* by cell: the instruction, plus 1 */
    VEC(Question) questions;
    Map asked;
} Checker;

DV_PRINTF(2, 3) static bool fail(Checker *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    dv_text_vprintf(c->why, format, args);
    va_end(args);
    return false;
}

/* ---- cells ---- */

static u32 units_of(const Checker *c, u32 class)
{
    return c->f->machine->classes[class].slot_units;
}

/* The first of the cells of a register or slot; they follow one another. */
static u32 cell_of(const Checker *c, RaLoc loc, u32 class)
{
    if (ra_loc_kind(loc) == RA_LOC_SLOT) {
        return c->first_slot_cell + ra_loc_index(loc);
    }
    return c->class_cell[class] + preg_number(ra_loc_preg(loc)) * units_of(c, class);
}

static void number_cells(Checker *c)
{
    const RaMachine *machine = c->f->machine;
    for (u32 i = 0; i < machine->num_classes; i++) {
        c->class_cell[i] = c->num_cells;
        c->num_cells += units_of(c, i) * RA_REGS_MAX;
        for (u32 k = 0; k < machine->classes[i].num_order; k++) {
            c->reg_kind[preg_make(i, machine->classes[i].order[k]).id] = REG_IN_ORDER;
        }
        if (machine->classes[i].scratch.id != PREG_NONE.id) {
            c->reg_kind[machine->classes[i].scratch.id] = REG_SCRATCH;
        }
    }
    c->first_slot_cell = c->num_cells;
    c->num_cells += c->result->num_slot_units;
}

/* ---- what can be said without following values ---- */

/* Whether it is a register or slot that a value of the class fits in. */
static bool is_place(const Checker *c, RaLoc loc, u32 class)
{
    u32 units = units_of(c, class);
    u32 index = ra_loc_index(loc);
    switch (ra_loc_kind(loc)) {
    case RA_LOC_REG:
        return index < RA_CLASSES_MAX * RA_REGS_MAX && preg_class(ra_loc_preg(loc)) == class;
    case RA_LOC_SLOT:
        return index % units == 0 && index < c->result->num_slot_units &&
               units <= c->result->num_slot_units - index;
    default:
        return false;
    }
}

static bool is_in_order(const Checker *c, RaLoc loc)
{
    return ra_loc_kind(loc) == RA_LOC_REG && c->reg_kind[ra_loc_index(loc)] == REG_IN_ORDER;
}

static bool keeps_constraint(const Checker *c, const RaInst *inst, const RaOperand *o, RaLoc loc)
{
    bool is_slot = ra_loc_kind(loc) == RA_LOC_SLOT;
    switch (o->constraint) {
    case RA_ANY:
        return is_slot || is_in_order(c, loc);
    case RA_REG:
        return is_in_order(c, loc);
    case RA_STACK:
        return is_slot;
    case RA_FIXED:
        return ra_loc_equal(loc, ra_loc(RA_LOC_REG, o->arg));
    default:
        return ra_loc_equal(loc, c->result->locs[inst->operands + o->arg]);
    }
}

static bool check_operand_places(Checker *c)
{
    const RaFunc *f = c->f;
    for (u32 i = 0; i < f->num_insts; i++) {
        const RaInst *inst = &f->insts[i];
        for (u32 k = 0; k < inst->num_operands; k++) {
            const RaOperand *o = &f->operands[inst->operands + k];
            RaLoc loc = c->result->locs[inst->operands + k];
            if (!is_place(c, loc, f->vreg_classes[o->vreg.id])) {
                return fail(c, "inst%u operand %u: v%u is in no register or slot for its class",
                            (unsigned)i, (unsigned)k, (unsigned)o->vreg.id);
            }
            if (!keeps_constraint(c, inst, o, loc)) {
                return fail(c, "inst%u operand %u: v%u is where its constraint forbids",
                            (unsigned)i, (unsigned)k, (unsigned)o->vreg.id);
            }
        }
    }
    return true;
}

/* Whether an operand of the instruction with these flags is fixed to the register. */
static bool has_fixed(const RaFunc *f, u32 i, PReg reg, u32 is_def)
{
    const RaInst *inst = &f->insts[i];
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &f->operands[k];
        if (o->constraint == RA_FIXED && o->arg == reg.id && (o->flags & RA_DEF) == is_def) {
            return true;
        }
    }
    return false;
}

/* Whether a move in `block` may name this register. */
static bool may_move(const Checker *c, u32 block, const RaMove *m, RaLoc loc)
{
    const RaFunc *f = c->f;
    const RaBlock *b = &f->blocks[block];
    if (ra_loc_kind(loc) != RA_LOC_REG || c->reg_kind[ra_loc_index(loc)] != REG_OUTSIDE ||
        has_fixed(f, m->before, ra_loc_preg(loc), RA_USE)) {
        return true;
    }
    if (ra_loc_equal(loc, m->to)) {
        return false;
    }
    if (m->before > b->first) {
        return has_fixed(f, m->before - 1, ra_loc_preg(loc), RA_DEF);
    }
    return b->num_preds == 1 &&
           has_fixed(f, f->blocks[f->preds[b->preds]].end - 1, ra_loc_preg(loc), RA_DEF);
}

static bool is_remat(const RaFunc *f, u32 i, u32 class)
{
    return i < f->num_insts && (f->insts[i].flags & RA_INST_REMAT) != 0 &&
           f->vreg_classes[f->operands[f->insts[i].operands].vreg.id] == class;
}

static const char *move_fault(const Checker *c, u32 block, const RaMove *m)
{
    u32 from = ra_loc_kind(m->from);
    u32 to = ra_loc_kind(m->to);
    if (m->class >= c->f->machine->num_classes) {
        return "of no class";
    }
    if (!is_place(c, m->to, m->class)) {
        return "goes to no register or slot of its class";
    }
    if (from == RA_LOC_REMAT) {
        return !is_remat(c->f, ra_loc_index(m->from), m->class) ? "does again what must not be"
               : to != RA_LOC_REG ? "does an instruction again, but not into a register"
               : !may_move(c, block, m, m->to) ? "names a register outside of the order"
                                               : NULL;
    }
    if (!is_place(c, m->from, m->class)) {
        return "comes from no register or slot of its class";
    }
    if (from == RA_LOC_SLOT && to == RA_LOC_SLOT) {
        return "goes from slot to slot";
    }
    return may_move(c, block, m, m->from) && may_move(c, block, m, m->to)
               ? NULL
               : "names a register outside of the order";
}

static bool check_moves(Checker *c)
{
    const RaFunc *f = c->f;
    u32 block = 0;
    u32 last = 0;
    for (u32 i = 0; i < c->result->moves.len; i++) {
        const RaMove *m = &c->result->moves.data[i];
        if (m->before < last || m->before >= f->num_insts) {
            return fail(c, "move %u: out of order, before inst%u", (unsigned)i,
                        (unsigned)m->before);
        }
        last = m->before;
        while (m->before >= f->blocks[block].end) {
            block++;
        }
        const char *fault = move_fault(c, block, m);
        if (fault != NULL) {
            return fail(c, "move %u, before inst%u: %s", (unsigned)i, (unsigned)m->before, fault);
        }
    }
    return true;
}

/* ---- where cells are written, and phis ---- */

typedef struct Places {
    VEC(CellAt) writes; /* once per cell and block */
    VEC(CellAt) reads;  /* once per cell and block, where nothing in the block wrote it before */
    u32 *written;       /* by cell: the last block that wrote it, plus 1 */
    u32 *read;          /* by cell: the last block that did that, plus 1 */
} Places;

static void note_write(Checker *c, Places *p, u32 block, u32 cell, u32 count)
{
    for (u32 i = cell; i < cell + count; i++) {
        if (p->written[i] != block + 1) {
            p->written[i] = block + 1;
            vec_push(c->arena, &p->writes, ((CellAt){i, block}));
        }
    }
}

static void note_read(Checker *c, Places *p, u32 block, u32 cell, u32 count)
{
    for (u32 i = cell; i < cell + count; i++) {
        if (p->written[i] != block + 1 && p->read[i] != block + 1) {
            p->read[i] = block + 1;
            vec_push(c->arena, &p->reads, ((CellAt){i, block}));
        }
    }
}

typedef void ClobberedCell(Checker *c, void *context, u32 cell, u32 count);

/* Calls `each` for the registers clobbered by the instruction, and the scratch registers. */
static void each_clobber(Checker *c, const RaInst *inst, ClobberedCell *each, void *context)
{
    const RaMachine *machine = c->f->machine;
    for (u32 class = 0; class < machine->num_classes; class ++) {
        u32 units = units_of(c, class);
        for (u32 word = 0; inst->clobbers != 0 && word < RA_REGS_MAX / 64; word++) {
            u64 bits = c->f->clobbers[inst->clobbers].bits[class][word];
            for (; bits != 0; bits &= bits - 1) {
                each(c, context, c->class_cell[class] + (word * 64 + dv_ctz64(bits)) * units,
                     units);
            }
        }
        PReg scratch = machine->classes[class].scratch;
        if (scratch.id != PREG_NONE.id) {
            each(c, context, c->class_cell[class] + preg_number(scratch) * units, units);
        }
    }
}

typedef struct PlacesIn {
    Places *places;
    u32 block;
} PlacesIn;

static void note_clobber(Checker *c, void *context, u32 cell, u32 count)
{
    PlacesIn *in = context;
    note_write(c, in->places, in->block, cell, count);
}

/* Reads or writes of the operands of one kind. */
static void note_operands(Checker *c, Places *p, u32 block, const RaInst *inst, u32 is_def)
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &c->f->operands[k];
        u32 class = c->f->vreg_classes[o->vreg.id];
        u32 cell = cell_of(c, c->result->locs[k], class);
        if ((o->flags & RA_DEF) != is_def) {
            continue;
        }
        if (is_def != 0) {
            note_write(c, p, block, cell, units_of(c, class));
        } else {
            note_read(c, p, block, cell, units_of(c, class));
        }
    }
}

static void note_places(Checker *c, Places *p)
{
    const RaFunc *f = c->f;
    u32 m = 0;
    p->written = ARENA_ARRAY(c->arena, u32, c->num_cells);
    p->read = ARENA_ARRAY(c->arena, u32, c->num_cells);
    for (u32 b = 0; b < f->num_blocks; b++) {
        PlacesIn in = {p, b};
        for (u32 i = f->blocks[b].first; i < f->blocks[b].end; i++) {
            for (; m < c->result->moves.len && c->result->moves.data[m].before == i; m++) {
                const RaMove *move = &c->result->moves.data[m];
                u32 units = units_of(c, move->class);
                if (ra_loc_kind(move->from) != RA_LOC_REMAT) {
                    note_read(c, p, b, cell_of(c, move->from, move->class), units);
                }
                note_write(c, p, b, cell_of(c, move->to, move->class), units);
            }
            note_operands(c, p, b, &f->insts[i], RA_USE);
            each_clobber(c, &f->insts[i], note_clobber, &in);
            note_operands(c, p, b, &f->insts[i], RA_DEF);
        }
    }
}

/* Sorts `list` by one of its fields into buckets: those of bucket k end up in *sorted from (*first)[k] on. */
static void sort_cells(Checker *c, const CellAt *list, u32 count, u32 num_buckets, bool by_block,
                       u32 **first, u32 **sorted)
{
    u32 *starts = ARENA_ARRAY(c->arena, u32, (usize)num_buckets + 2);
    *sorted = ARENA_ARRAY(c->arena, u32, (usize)count + 1);
    for (u32 i = 0; i < count; i++) {
        starts[(by_block ? list[i].block : list[i].cell) + 2]++;
    }
    for (u32 i = 0; i < num_buckets; i++) {
        starts[i + 2] += starts[i + 1];
    }
    for (u32 i = 0; i < count; i++) {
        u32 key = by_block ? list[i].block : list[i].cell;
        (*sorted)[starts[key + 1]++] = by_block ? list[i].cell : list[i].block;
    }
    *first = starts;
}

/* Blocks at whose start a cell is needed. */
typedef struct Needs {
    u32 *needed;  /* by block: the last query for which it is */
    u32 *written; /* by block: the last query for which it writes the cell */
    u32 query;
    VEC(u32) stack;
} Needs;

static void need_at(Checker *c, Needs *needs, u32 block)
{
    if (needs->needed[block] != needs->query) {
        needs->needed[block] = needs->query;
        vec_push(c->arena, &needs->stack, block);
    }
}

static void find_needs(Checker *c, Needs *needs, const u32 *writes, u32 num_writes,
                       const u32 *reads, u32 num_reads)
{
    needs->query++;
    for (u32 i = 0; i < num_writes; i++) {
        needs->written[writes[i]] = needs->query;
    }
    for (u32 i = 0; i < num_reads; i++) {
        need_at(c, needs, reads[i]);
    }
    while (needs->stack.len > 0) {
        const RaBlock *block = &c->f->blocks[vec_pop(&needs->stack)];
        for (u32 i = block->preds; i < block->preds + block->num_preds; i++) {
            if (needs->written[c->f->preds[i]] != needs->query) {
                need_at(c, needs, c->f->preds[i]);
            }
        }
    }
}

/* Where a cell is needed is asked only where phis without that would be many. */
static void place_phis(Checker *c)
{
    const RaFunc *f = c->f;
    Places places = {0};
    Needs needs = {0};
    VEC(CellAt) phis = {0};
    u32 *first[2];
    u32 *blocks[2];
    RaFrontier frontier;
    note_places(c, &places);
    sort_cells(c, places.writes.data, places.writes.len, c->num_cells, false, &first[0],
               &blocks[0]);
    sort_cells(c, places.reads.data, places.reads.len, c->num_cells, false, &first[1], &blocks[1]);
    needs.needed = ARENA_ARRAY(c->arena, u32, f->num_blocks);
    needs.written = ARENA_ARRAY(c->arena, u32, f->num_blocks);
    dv_frontier_init(&frontier, f, &c->dom, c->arena);
    for (u32 cell = 0; cell < c->num_cells; cell++) {
        const u32 *writes = &blocks[0][first[0][cell]];
        const u32 *reads = &blocks[1][first[1][cell]];
        u32 num_writes = first[0][cell + 1] - first[0][cell];
        u32 num_reads = first[1][cell + 1] - first[1][cell];
        if (num_reads == 0 || num_writes < 2) {
            continue;
        }
        frontier.live = NULL;
        frontier.max_steps = FEW_STEPS;
        if (!dv_frontier_find(&frontier, writes, num_writes)) {
            find_needs(c, &needs, writes, num_writes, reads, num_reads);
            frontier.live = needs.needed;
            frontier.live_query = needs.query;
            frontier.max_steps = UINT64_MAX;
            dv_frontier_find(&frontier, writes, num_writes);
        }
        for (u32 i = 0; i < frontier.result.len; i++) {
            vec_push(c->arena, &phis, ((CellAt){cell, frontier.result.data[i]}));
        }
    }
    sort_cells(c, phis.data, phis.len, f->num_blocks, true, &c->phi_first, &c->phi_cells);
    c->phi_args_first = ARENA_ARRAY(c->arena, u32, (usize)phis.len + 1);
    u32 args = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        for (u32 i = c->phi_first[b]; i < c->phi_first[b + 1]; i++) {
            c->phi_args_first[i] = args;
            args += c->in_first[b + 1] - c->in_first[b];
        }
    }
    c->phi_args = ARENA_ARRAY(c->arena, u32, args);
}

static void collect_edges(Checker *c)
{
    const RaFunc *f = c->f;
    c->in_first = ARENA_ARRAY(c->arena, u32, (usize)f->num_blocks + 1);
    c->in_edges = ARENA_ARRAY(c->arena, Edge, f->num_edges);
    c->edge_place = ARENA_ARRAY(c->arena, u32, f->num_edges);
    u32 *filled = ARENA_ARRAY(c->arena, u32, f->num_blocks);
    for (u32 b = 0; b < f->num_blocks; b++) {
        c->in_first[b + 1] = c->in_first[b] + f->blocks[b].num_preds;
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
            u32 to = f->succs[e];
            c->edge_place[e] = filled[to]++;
            c->in_edges[c->in_first[to] + c->edge_place[e]] = (Edge){b, e};
        }
    }
}

/* ---- the walk ---- */

static void set_content(Checker *c, u32 cell, u32 content)
{
    vec_push(c->arena, &c->log, ((Change){cell, c->content[cell]}));
    c->content[cell] = content;
}

static void set_value(Checker *c, u32 cell, u32 vreg)
{
    u32 units = units_of(c, c->f->vreg_classes[vreg]);
    for (u32 k = 0; k < units; k++) {
        set_content(c, cell + k, c->contents.len);
        vec_push(c->arena, &c->contents, ((Content){vreg, k, 0}));
    }
}

static void do_move(Checker *c, const RaMove *m)
{
    u32 to = cell_of(c, m->to, m->class);
    u32 units = units_of(c, m->class);
    if (ra_loc_kind(m->from) == RA_LOC_REMAT) {
        set_value(c, to, c->f->operands[c->f->insts[ra_loc_index(m->from)].operands].vreg.id);
        return;
    }
    u32 from = cell_of(c, m->from, m->class);
    for (u32 k = 0; k < units; k++) {
        set_content(c, to + k, c->content[from + k]);
    }
}

static bool overlaps(const u32 *marks, u32 cell, u32 count, u32 stamp)
{
    for (u32 i = cell; i < cell + count; i++) {
        if (marks[i] == stamp) {
            return true;
        }
    }
    return false;
}

static void mark(u32 *marks, u32 cell, u32 count, u32 stamp)
{
    for (u32 i = cell; i < cell + count; i++) {
        marks[i] = stamp;
    }
}

static void do_use(Checker *c, u32 i, u32 operand)
{
    const RaOperand *o = &c->f->operands[operand];
    u32 class = c->f->vreg_classes[o->vreg.id];
    u32 origin = c->origin[o->vreg.id];
    u32 cell = cell_of(c, c->result->locs[operand], class);
    u32 units = units_of(c, class);
    mark(c->used_at, cell, units, i + 1);
    if ((o->flags & RA_LATE) != 0) {
        mark(c->late_use_at, cell, units, i + 1);
    }
    for (u32 k = 0; k < units; k++) {
        u32 content = c->content[cell + k];
        const Content *found = &c->contents.data[content];
        if (found->vreg != origin || found->part != k) {
            Question q = {content, origin, k, i, operand - c->f->insts[i].operands};
            vec_push(c->arena, &c->questions, q);
        }
    }
}

static bool do_def(Checker *c, u32 i, u32 operand)
{
    const RaOperand *o = &c->f->operands[operand];
    u32 class = c->f->vreg_classes[o->vreg.id];
    u32 cell = cell_of(c, c->result->locs[operand], class);
    u32 units = units_of(c, class);
    const u32 *uses = (o->flags & RA_LATE) != 0 ? c->late_use_at : c->used_at;
    if (overlaps(uses, cell, units, i + 1)) {
        return fail(c, "inst%u: v%u is defined where a use still is", (unsigned)i,
                    (unsigned)o->vreg.id);
    }
    if (overlaps(c->def_at, cell, units, i + 1)) {
        return fail(c, "inst%u: v%u is defined where another definition is", (unsigned)i,
                    (unsigned)o->vreg.id);
    }
    mark(c->def_at, cell, units, i + 1);
    c->defined_at[o->vreg.id] = c->contents.len;
    set_value(c, cell, o->vreg.id);
    return true;
}

static void do_clobber(Checker *c, void *context, u32 cell, u32 count)
{
    u32 *late_use_stamp = context; /* becomes 0 when a late use is lost */
    if (overlaps(c->late_use_at, cell, count, *late_use_stamp)) {
        *late_use_stamp = 0;
    }
    for (u32 i = cell; i < cell + count; i++) {
        if (c->content[i] != UNKNOWN) {
            set_content(c, i, UNKNOWN);
        }
    }
}

static bool do_inst(Checker *c, u32 i)
{
    const RaInst *inst = &c->f->insts[i];
    u32 end = inst->operands + inst->num_operands;
    for (u32 k = inst->operands; k < end; k++) {
        if ((c->f->operands[k].flags & RA_DEF) == 0) {
            do_use(c, i, k);
        }
    }
    u32 stamp = i + 1;
    each_clobber(c, inst, do_clobber, &stamp);
    if (stamp == 0) {
        return fail(c, "inst%u: a late use is in a register that is clobbered", (unsigned)i);
    }
    for (u32 k = inst->operands; k < end; k++) {
        if ((c->f->operands[k].flags & RA_DEF) != 0 && !do_def(c, i, k)) {
            return false;
        }
    }
    return true;
}

/* The first move at or after instruction i. */
static u32 find_move(const RaResult *result, u32 i)
{
    u32 low = 0;
    u32 high = result->moves.len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (result->moves.data[middle].before < i) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Parameters and phis begin; then phis of successors learn what the cells hold at the end. */
static bool walk_block(Checker *c, u32 b)
{
    const RaFunc *f = c->f;
    const RaBlock *block = &f->blocks[b];
    for (u32 i = 0; i < block->num_params; i++) {
        c->defined_at[f->params[block->params + i].id] = c->contents.len;
    }
    for (u32 i = c->phi_first[b]; i < c->phi_first[b + 1]; i++) {
        set_content(c, c->phi_cells[i], c->contents.len);
        vec_push(c->arena, &c->contents, ((Content){NONE, i, b}));
    }
    u32 m = find_move(c->result, block->first);
    for (u32 i = block->first; i < block->end; i++) {
        for (; m < c->result->moves.len && c->result->moves.data[m].before == i; m++) {
            do_move(c, &c->result->moves.data[m]);
        }
        if (!do_inst(c, i)) {
            return false;
        }
    }
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        u32 to = f->succs[e];
        for (u32 i = c->phi_first[to]; i < c->phi_first[to + 1]; i++) {
            c->phi_args[c->phi_args_first[i] + c->edge_place[e]] = c->content[c->phi_cells[i]];
        }
    }
    return true;
}

static bool walk(Checker *c)
{
    const RaFunc *f = c->f;
    for (u32 i = 0; i < c->dom.num_reached; i++) {
        u32 b = c->dom.order[i];
        u32 keep = b == 0 ? 0 : c->log_end[c->dom.idom[b]];
        while (c->log.len > keep) {
            Change change = vec_pop(&c->log);
            c->content[change.cell] = change.old;
        }
        if (!walk_block(c, b)) {
            return false;
        }
        c->log_end[b] = c->log.len;
    }
    ASSERT(c->dom.num_reached == f->num_blocks);
    return true;
}

/* ---- questions ---- */

/* The same about what arrives over each edge of the block: `content` is a phi of it, or as old. */
static void ask_edges(Checker *c, const Question *q, u32 block)
{
    const RaFunc *f = c->f;
    const Content *content = &c->contents.data[q->content];
    bool is_phi = content->vreg == NONE && q->content != UNKNOWN && content->block == block;
    for (u32 i = 0; i < c->in_first[block + 1] - c->in_first[block]; i++) {
        Question next = *q;
        if (is_phi) {
            next.content = c->phi_args[c->phi_args_first[content->part] + i];
        }
        if (c->param_of[q->vreg] == block) {
            u32 edge = c->in_edges[c->in_first[block] + i].index;
            next.vreg = c->origin[f->args[f->edge_args[edge] + c->param_index[q->vreg]].id];
        }
        vec_push(c->arena, &c->questions, next);
    }
}

static bool answer(Checker *c, const Question *q)
{
    const Content *content = &c->contents.data[q->content];
    u32 before = 0;
    if (q->content == UNKNOWN) {
        return false;
    }
    if (content->vreg == q->vreg) {
        return content->part == q->part;
    }
    u64 key = (u64)q->content << 32 | q->vreg;
    if (dv_map_get(&c->asked, key, &before)) {
        return before == q->part;
    }
    dv_map_put(c->arena, &c->asked, key, q->part);
    if (q->content < c->defined_at[q->vreg]) {
        if (c->param_of[q->vreg] == NONE) {
            return false;
        }
        ask_edges(c, q, c->param_of[q->vreg]);
        return true;
    }
    if (content->vreg != NONE) {
        return false;
    }
    ask_edges(c, q, content->block);
    return true;
}

static bool answer_all(Checker *c)
{
    while (c->questions.len > 0) {
        Question q = vec_pop(&c->questions);
        if (!answer(c, &q)) {
            u32 operand = c->f->insts[q.inst].operands + q.operand;
            return fail(c, "inst%u operand %u: what is read there need not be v%u",
                        (unsigned)q.inst, (unsigned)q.operand,
                        (unsigned)c->f->operands[operand].vreg.id);
        }
    }
    return true;
}

static void prepare(Checker *c)
{
    const RaFunc *f = c->f;
    c->content = ARENA_ARRAY(c->arena, u32, c->num_cells);
    c->used_at = ARENA_ARRAY(c->arena, u32, c->num_cells);
    c->late_use_at = ARENA_ARRAY(c->arena, u32, c->num_cells);
    c->def_at = ARENA_ARRAY(c->arena, u32, c->num_cells);
    c->log_end = ARENA_ARRAY(c->arena, u32, f->num_blocks);
    c->defined_at = ARENA_ARRAY(c->arena, u32, f->num_vregs);
    c->origin = ARENA_ARRAY(c->arena, u32, f->num_vregs);
    c->param_of = ARENA_ARRAY(c->arena, u32, f->num_vregs);
    c->param_index = ARENA_ARRAY(c->arena, u32, f->num_vregs);
    vec_push(c->arena, &c->contents, ((Content){NONE, 0, 0})); /* UNKNOWN */
    for (u32 i = 0; i < f->num_vregs; i++) {
        c->param_of[i] = NONE;
        c->origin[i] = i;
    }
    for (u32 n = 0; n < c->dom.num_reached; n++) {
        u32 b = c->dom.order[n];
        const RaBlock *block = &f->blocks[b];
        for (u32 i = 0; i < block->num_params; i++) {
            u32 vreg = f->params[block->params + i].id;
            if (block->num_preds == 1) {
                u32 edge = c->in_edges[c->in_first[b]].index;
                c->origin[vreg] = c->origin[f->args[f->edge_args[edge] + i].id];
            } else {
                c->param_of[vreg] = b;
                c->param_index[vreg] = i;
            }
        }
    }
}

bool dv_regalloc_check(const RaFunc *f, const RaResult *result, Arena *scratch, TextBuf *why)
{
    ArenaMark start = dv_arena_mark(scratch);
    Checker *c = ARENA_NEW(scratch, Checker);
    c->f = f;
    c->result = result;
    c->arena = scratch;
    c->why = why;
    number_cells(c);
    bool ok = check_operand_places(c) && check_moves(c);
    if (ok) {
        dv_dom_build(&c->dom, f, scratch);
        collect_edges(c);
        place_phis(c);
        prepare(c);
        ok = walk(c) && answer_all(c);
    }
    dv_arena_release_to(scratch, start);
    return ok;
}
