/* busy.c - which registers are free for a while, without asking each.
 *
 * Time is divided into cells of two points, from the late point of one tick to the early one of the next, since most values
 * are born late and die early. Cells are the leaves of a tree of fan-out 16. A node has two sets of registers: those
 * busy in all of it, noted here and not below, and those busy somewhere below. A span of time is a few
 * whole nodes of each level on either side, so noting it or asking about it takes logarithmic time, for all
 * registers of a class at once. Registers are numbered by their rank in the machine's order: the lowest free bit is the one to take.
 *
 * This is a filter. Spans that share a cell without overlapping look as if they did, and after one of
 * them is removed, as if neither were there. Whoever finds a register free here still has to ask occupancy.c, and whoever
 * finds none may ask there, too.
 */
#include "main.h"

enum { FAN_LOG2 = 4, FAN = 1 << FAN_LOG2 };

/* The set of what is busy in all of a node; at level 1 and above the set of what is busy below follows. */
static u64 *sets_of(const BusyTree *tree, u32 level, u32 node)
{
    return tree->levels[level] + (usize)node * tree->words * (level == 0 ? 1 : 2);
}

static void init_tree(Ra *ra, BusyTree *tree, u32 num_order)
{
    u32 count = ra->num_ticks + 1;
    tree->words = (num_order + 63) / 64;
    for (;;) {
        CHECK(tree->num_levels < BUSY_LEVELS_MAX);
        usize words = (usize)count * tree->words * (tree->num_levels == 0 ? 1 : 2);
        tree->counts[tree->num_levels] = count;
        tree->levels[tree->num_levels++] = ARENA_ARRAY(ra->arena, u64, words);
        if (count == 1) {
            return;
        }
        count = (count + FAN - 1) / FAN;
    }
}

typedef struct Cells {
    u32 from, to;
} Cells;

static Cells cells_of(u32 from, u32 to)
{
    return (Cells){(from + 1) / 2, to / 2 + 1};
}

/* How many nodes at the left, and at the right, of [from, to) are not in a whole parent. */
static u32 loose_left(Cells nodes)
{
    u32 loose = (0 - nodes.from) & (FAN - 1);
    return loose < nodes.to - nodes.from ? loose : nodes.to - nodes.from;
}

static u32 loose_right(Cells nodes)
{
    u32 loose = nodes.to & (FAN - 1);
    return loose < nodes.to - nodes.from ? loose : nodes.to - nodes.from;
}

static Cells parents_of(Cells nodes)
{
    return (Cells){(nodes.from + FAN - 1) >> FAN_LOG2, nodes.to >> FAN_LOG2};
}

/* Sets or clears a register in nodes of one level. */
static void mark_nodes(Ra *ra, BusyTree *tree, u32 level, Cells nodes, u32 rank, bool is_busy)
{
    for (u32 n = nodes.from; n < nodes.to; n++) {
        u64 *set = sets_of(tree, level, n) + rank / 64;
        *set = (*set & ~((u64)1 << rank % 64)) | (u64)is_busy << rank % 64;
    }
    ra->stats.steps += nodes.to - nodes.from;
}

/* Whether the register is busy somewhere in the node's children. */
static bool is_busy_below(const BusyTree *tree, u32 level, u32 node, u32 rank)
{
    u64 busy = 0;
    for (u32 kid = node << FAN_LOG2; kid < (node + 1) << FAN_LOG2 && kid < tree->counts[level - 1];
         kid++) {
        const u64 *sets = sets_of(tree, level - 1, kid) + rank / 64;
        busy |= sets[0] | (level > 1 ? sets[tree->words] : 0);
    }
    return (busy >> rank % 64 & 1) != 0;
}

void dv_ra_busy_mark(Ra *ra, u32 class, u32 rank, u32 from, u32 to, bool is_busy)
{
    BusyTree *tree = &ra->busy[class];
    Cells cells = cells_of(from, to);
    Cells nodes = cells;
    for (u32 level = 0; nodes.from < nodes.to; level++) {
        u32 left = loose_left(nodes);
        mark_nodes(ra, tree, level, (Cells){nodes.from, nodes.from + left}, rank, is_busy);
        nodes.from += left;
        u32 right = loose_right(nodes);
        mark_nodes(ra, tree, level, (Cells){nodes.to - right, nodes.to}, rank, is_busy);
        nodes.to -= right;
        nodes = parents_of(nodes);
    }
    u32 ends[2] = {cells.from, cells.to - 1};
    for (u32 level = 1; level < tree->num_levels; level++) {
        ends[0] >>= FAN_LOG2;
        ends[1] >>= FAN_LOG2;
        for (u32 i = 0; i < (ends[0] == ends[1] ? 1u : 2u); i++) {
            u64 *set = sets_of(tree, level, ends[i]) + tree->words + rank / 64;
            bool busy = is_busy || is_busy_below(tree, level, ends[i], rank);
            *set = (*set & ~((u64)1 << rank % 64)) | (u64)busy << rank % 64;
            ra->stats.steps++;
        }
    }
}

static void add_sets(const BusyTree *tree, u32 level, Cells nodes, BusySet *busy)
{
    u32 words = tree->words;
    const u64 *sets = sets_of(tree, level, nodes.from);
    for (u32 n = nodes.from; n < nodes.to; n++) {
        for (u32 w = 0; w < words; w++) {
            busy->bits[w] |= level == 0 ? sets[w] : sets[w] | sets[words + w];
        }
        sets += level == 0 ? words : 2 * words;
    }
}

void dv_ra_busy_add(Ra *ra, u32 class, u32 from, u32 to, BusySet *busy)
{
    const BusyTree *tree = &ra->busy[class];
    Cells nodes = cells_of(from, to);
    u32 ends[2] = {nodes.from, nodes.to - 1};
    for (u32 level = 0; nodes.from < nodes.to; level++) {
        u32 left = loose_left(nodes);
        add_sets(tree, level, (Cells){nodes.from, nodes.from + left}, busy);
        nodes.from += left;
        u32 right = loose_right(nodes);
        add_sets(tree, level, (Cells){nodes.to - right, nodes.to}, busy);
        nodes.to -= right;
        nodes = parents_of(nodes);
        ra->stats.steps++;
    }
    for (u32 level = 1; level < tree->num_levels; level++) {
        ends[0] >>= FAN_LOG2;
        ends[1] >>= FAN_LOG2;
        const u64 *at_start = sets_of(tree, level, ends[0]);
        const u64 *at_end = sets_of(tree, level, ends[1]);
        for (u32 w = 0; w < tree->words; w++) {
            busy->bits[w] |= at_start[w] | at_end[w];
        }
    }
}

/* Fixed operands and clobbers are busy from the start. */
static void mark_fixed(Ra *ra)
{
    for (u32 preg = 0; preg < RA_PREGS; preg++) {
        if (ra->ranks[preg] == RA_NO_RANK) {
            continue;
        }
        for (u32 i = ra->fixed_starts[preg]; i < ra->fixed_starts[preg + 1]; i++) {
            if (ra->fixed[i].from != RA_NONE) {
                dv_ra_busy_mark(ra, preg >> 8, ra->ranks[preg], ra->fixed[i].from, ra->fixed[i].to,
                                true);
            }
        }
    }
}

static void mark_clobbers(Ra *ra, u32 class, u32 set)
{
    const RaMachine *machine = ra->f->machine;
    const u64 *clobbers = ra->f->clobbers[set].bits[class];
    BusyTree *tree = &ra->busy[class];
    u64 by_rank[RA_REGS_MAX / 64] = {0};
    for (u32 rank = 0; rank < machine->classes[class].num_order; rank++) {
        u32 number = machine->classes[class].order[rank];
        by_rank[rank / 64] |= (clobbers[number / 64] >> number % 64 & 1) << rank % 64;
    }
    for (u32 i = ra->clobber_starts[set]; i < ra->clobber_starts[set + 1]; i++) {
        u32 node = ra->clobber_ticks[i] + 1;
        for (u32 level = 0; level < tree->num_levels; level++) {
            u64 *sets = sets_of(tree, level, node) + (level == 0 ? 0 : tree->words);
            for (u32 w = 0; w < tree->words; w++) {
                sets[w] |= by_rank[w];
            }
            node >>= FAN_LOG2;
        }
        ra->stats.steps++;
    }
}

void dv_ra_busy_init(Ra *ra)
{
    const RaMachine *machine = ra->f->machine;
    memset(ra->ranks, 0xff, sizeof ra->ranks);
    for (u32 class = 0; class < machine->num_classes; class ++) {
        for (u32 rank = 0; rank < machine->classes[class].num_order; rank++) {
            u32 number = machine->classes[class].order[rank];
            ra->ranks[preg_make(class, number).id] = (u16)rank;
        }
        init_tree(ra, &ra->busy[class], machine->classes[class].num_order);
        for (u32 set = 1; set < ra->f->num_clobbers; set++) {
            mark_clobbers(ra, class, set);
        }
    }
    mark_fixed(ra);
}
