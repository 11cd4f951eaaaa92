/* test_ssa.c - variables of the builder against an oracle, and against sizes that no recursion
 * survives.
 *
 * Programs are random control-flow graphs (with loops of several entries, unreachable blocks,
 * branches of both arms to one block) or random trees of ifs and loops, over a few i32 variables.
 * Each is interpreted in C and, built through variables with blocks filled and sealed in random
 * orders, by the evaluator. The functions must verify, print and parse to the same text, and have
 * no block parameter that is always one value.
 */
#include "build_testing.h"

#include "base/rng.h"

enum { VARS = 5, MAX_BLOCKS = 14, MAX_STEPS = 6, FUEL = 60, ARGS = 4 };

static u32 evaluate(const Session *x, davit_func_t *f, u32 arg)
{
    davit_eval_t *eval;
    davit_result_t result;
    davit_const_t c = davit_const_int(DAVIT_I32, (i32)arg);
    assert_int_equal(davit_eval_new(x->module, NULL, &eval), DAVIT_OK);
    assert_int_equal(davit_eval_call(eval, f, &c, 1, &result), DAVIT_OK);
    assert_int_equal(result.outcome, DAVIT_RETURNED);
    u32 value = (u32)davit_const_to_int(&result.values[0]);
    davit_eval_free(eval);
    return value;
}

/* ---- properties of what was made ---- */

/* True if parameter n of the block is passed one value, or itself, by every branch. */
static bool is_param_redundant(Func *f, Block b, u32 n)
{
    u32 param = dv_block_params(f, b)[n];
    u32 same = DAVIT_NONE;
    u32 preds = 0;
    for (u32 i = 0; i < f->insts.len; i++) {
        u32 count;
        const BlockCall *dests = dv_inst_dests(f, (Inst){i}, &count);
        for (u32 d = 0; d < count; d++) {
            if (dests[d].block.id != b.id) {
                continue;
            }
            u32 arg = dv_call_arg(f, &dests[d], n).bits;
            preds++;
            if (arg != param && same != DAVIT_NONE && same != arg) {
                return false;
            }
            same = arg != param ? arg : same;
        }
    }
    return preds != 0;
}

/* Checks the function's text against a second reading of it, and its parameters. */
static void check_function(davit_func_t *func)
{
    Pool pool;
    Arena arena;
    Diag diag;
    Escape escape;
    ClifFile file = {0};
    const char *text;
    usize size;
    assert_int_equal(davit_func_print(func, &text, &size), DAVIT_OK);
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    dv_escape_enter(&escape, &pool);
    dv_diag_init(&diag, &arena);
    assert_true(dv_clif_parse(&file, &arena, (Str){text, (u32)size}, &diag));
    Func *f = &file.funcs.data[0]->func;
    for (u32 b = 0; b < f->blocks.len; b++) {
        for (u32 n = 0; f->blocks.data[b].present && n < f->blocks.data[b].num_params; n++) {
            assert_false(b != f->first_block.id && is_param_redundant(f, (Block){b}, n));
        }
    }
    TextBuf again;
    dv_text_init(&again, &arena);
    dv_print_func(&again, f);
    assert_string_equal(again.data, text);
    dv_escape_leave(&escape, &pool);
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
}

/* ---- random graphs ---- */

typedef struct Step { /* vars[to] = vars[a] op vars[b] + constant */
    u32 to, a, b, op;
    i32 constant;
} Step;

enum { END_JUMP, END_BRIF, END_TABLE, END_RETURN };

typedef struct Node {
    Step steps[MAX_STEPS];
    u32 num_steps;
    u32 end; /* END_ */
    u32 selector;
    u32 dests[4];
} Node;

typedef struct Graph {
    Node nodes[MAX_BLOCKS];
    u32 num_nodes;
} Graph;

static Step random_step(Rng *rng)
{
    Step s = {(u32)dv_rng_below(rng, VARS), (u32)dv_rng_below(rng, VARS),
              (u32)dv_rng_below(rng, VARS), (u32)dv_rng_below(rng, 4),
              (i32)dv_rng_below(rng, 100) - 50};
    return s;
}

static void random_graph(Rng *rng, Graph *g)
{
    g->num_nodes = 1 + (u32)dv_rng_below(rng, MAX_BLOCKS);
    for (u32 i = 0; i < g->num_nodes; i++) {
        Node *n = &g->nodes[i];
        n->num_steps = (u32)dv_rng_below(rng, MAX_STEPS);
        for (u32 s = 0; s < n->num_steps; s++) {
            n->steps[s] = random_step(rng);
        }
        /* Block 0 is the entry: nothing goes there. */
        n->end =
            g->num_nodes == 1 || dv_rng_chance(rng, 6) ? END_RETURN : (u32)dv_rng_below(rng, 3);
        n->selector = (u32)dv_rng_below(rng, VARS);
        for (u32 d = 0; d < 4 && n->end != END_RETURN; d++) {
            n->dests[d] = 1 + (u32)dv_rng_below(rng, g->num_nodes - 1);
        }
    }
}

static u32 apply_step(const Step *s, const u32 *vars)
{
    u32 a = vars[s->a];
    u32 b = vars[s->b];
    u32 x = s->op == 0 ? a + b : s->op == 1 ? a * b : s->op == 2 ? a ^ b : a;
    return x + (u32)s->constant;
}

static u32 digest(const u32 *vars)
{
    u32 x = 0;
    for (u32 i = 0; i < VARS; i++) {
        x = x * 31 + vars[i];
    }
    return x;
}

static u32 run_graph(const Graph *g, u32 arg)
{
    u32 vars[VARS] = {arg, 1, 2, 3, 4};
    u32 at = 0;
    for (u32 fuel = FUEL; fuel != 0; fuel--) {
        const Node *n = &g->nodes[at];
        for (u32 s = 0; s < n->num_steps; s++) {
            vars[n->steps[s].to] = apply_step(&n->steps[s], vars);
        }
        u32 x = vars[n->selector];
        switch (n->end) {
        case END_JUMP:
            at = n->dests[0];
            break;
        case END_BRIF:
            at = n->dests[(x & 1) != 0 ? 0 : 1];
            break;
        case END_TABLE:
            at = n->dests[(x & 7) < 3 ? 1 + (x & 7) : 0];
            break;
        default:
            return digest(vars);
        }
    }
    return digest(vars);
}

typedef struct GraphBuild {
    davit_builder_t *b;
    davit_var_t vars[VARS], fuel;
    davit_block_t blocks[MAX_BLOCKS], exit;
    bool filled[MAX_BLOCKS];
    bool sealed[MAX_BLOCKS];
} GraphBuild;

static void build_step(const GraphBuild *x, const Step *s)
{
    davit_builder_t *b = x->b;
    davit_value_t a = davit_use_var(b, x->vars[s->a]);
    davit_value_t y = davit_use_var(b, x->vars[s->b]);
    davit_value_t r = s->op == 0   ? davit_ins_iadd(b, a, y)
                      : s->op == 1 ? davit_ins_imul(b, a, y)
                      : s->op == 2 ? davit_ins_bxor(b, a, y)
                                   : a;
    davit_def_var(b, x->vars[s->to],
                  s->op == 3 && s->constant == 0 ? r : davit_ins_iadd_imm(b, r, s->constant));
}

static void build_digest(const GraphBuild *x)
{
    davit_value_t sum = davit_ins_iconst(x->b, DAVIT_I32, 0);
    for (u32 i = 0; i < VARS; i++) {
        sum = davit_ins_iadd(x->b, davit_ins_imul_imm(x->b, sum, 31),
                             davit_use_var(x->b, x->vars[i]));
    }
    davit_ins_return(x->b, &sum, 1);
}

/* The end of a block: to the exit when the fuel is used up. */
static void build_end(const GraphBuild *x, const Node *n)
{
    davit_builder_t *b = x->b;
    if (n->end == END_RETURN) {
        build_digest(x);
        return;
    }
    davit_value_t fuel = davit_ins_iadd_imm(b, davit_use_var(b, x->fuel), -1);
    davit_value_t selector = davit_use_var(b, x->vars[n->selector]);
    davit_def_var(b, x->fuel, fuel);
    davit_block_t go = davit_block_create(b);
    davit_ins_brif(b, fuel, davit_to(go), davit_to(x->exit));
    davit_block_seal(b, go);
    davit_block_switch(b, go);
    if (n->end == END_JUMP) {
        davit_ins_jump(b, davit_to(x->blocks[n->dests[0]]));
    } else if (n->end == END_BRIF) {
        davit_ins_brif(b, davit_ins_band_imm(b, selector, 1), davit_to(x->blocks[n->dests[0]]),
                       davit_to(x->blocks[n->dests[1]]));
    } else {
        davit_dest_t table[3] = {davit_to(x->blocks[n->dests[1]]), davit_to(x->blocks[n->dests[2]]),
                                 davit_to(x->blocks[n->dests[3]])};
        davit_ins_br_table(b, davit_ins_band_imm(b, selector, 7), davit_to(x->blocks[n->dests[0]]),
                           table, 3);
    }
}

/* Seals a block now if all its predecessors are filled, sometimes. */
static void seal_some(GraphBuild *x, const Graph *g, Rng *rng)
{
    for (u32 i = 1; i < g->num_nodes; i++) {
        bool ready = !x->sealed[i];
        for (u32 p = 0; p < g->num_nodes; p++) {
            for (u32 d = 0; d < 4; d++) {
                ready &= x->filled[p] || g->nodes[p].end == END_RETURN || g->nodes[p].dests[d] != i;
            }
        }
        if (ready && !dv_rng_chance(rng, 3)) {
            davit_block_seal(x->b, x->blocks[i]);
            x->sealed[i] = true;
        }
    }
}

static void build_graph(davit_builder_t *b, const Graph *g, Rng *rng)
{
    GraphBuild x = {.b = b};
    u32 order[MAX_BLOCKS];
    x.blocks[0] = davit_entry_block(b);
    x.fuel = davit_declare_var(b, DAVIT_I32);
    davit_def_var(b, x.fuel, davit_ins_iconst(b, DAVIT_I32, FUEL));
    for (u32 i = 0; i < VARS; i++) {
        x.vars[i] = davit_declare_var(b, DAVIT_I32);
        davit_def_var(b, x.vars[i],
                      i == 0 ? davit_block_param(b, x.blocks[0], 0)
                             : davit_ins_iconst(b, DAVIT_I32, i));
    }
    x.exit = davit_block_create(b);
    for (u32 i = 0; i < g->num_nodes; i++) {
        order[i] = i;
        x.blocks[i] = i == 0 ? x.blocks[0] : davit_block_create(b);
    }
    for (u32 i = 1; i < g->num_nodes; i++) {
        u32 other = 1 + (u32)dv_rng_below(rng, g->num_nodes - 1);
        u32 moved = order[i];
        order[i] = order[other];
        order[other] = moved;
    }
    bool late = dv_rng_chance(rng, 3);
    for (u32 i = 0; i < g->num_nodes; i++) {
        const Node *n = &g->nodes[order[i]];
        davit_block_switch(b, x.blocks[order[i]]);
        for (u32 s = 0; s < n->num_steps; s++) {
            build_step(&x, &n->steps[s]);
        }
        build_end(&x, n);
        x.filled[order[i]] = true;
        if (!late) {
            seal_some(&x, g, rng);
        }
    }
    davit_block_switch(b, x.exit);
    build_digest(&x);
    davit_seal_all_blocks(b);
}

static void test_random_graphs(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 1500; seed++) {
        Rng rng;
        Graph g;
        dv_rng_seed(&rng, seed);
        memset(&g, 0, sizeof g);
        random_graph(&rng, &g);
        Session x = open_session();
        davit_builder_t *b = open_builder(&x, DAVIT_I32, DAVIT_I32);
        build_graph(b, &g, &rng);
        davit_func_t *f = finish_func(&x, b);
        check_function(f);
        for (u32 i = 0; i < ARGS; i++) {
            u32 arg = (u32)dv_rng_spread(&rng);
            assert_int_equal(evaluate(&x, f, arg), run_graph(&g, arg));
        }
        close_session(&x);
    }
}

/* ---- random trees of ifs and loops ---- */

enum {
    TREE_STEP,
    TREE_IF,
    TREE_IF_ELSE,
    TREE_LOOP,
    TREE_BREAK,
    TREE_CONTINUE,
    TREE_RETURN,
    MAX_TREE = 60
};

typedef struct Tree { /* statements; `inner` and `other` are lists, linked by next; 0 ends */
    u32 kind, next, inner, other, var;
    Step step;
} Tree;

typedef struct Trees {
    Tree trees[MAX_TREE];
    u32 count;
} Trees;

static u32 random_list(Rng *rng, Trees *t, u32 depth, bool in_loop)
{
    u32 first = 0;
    u32 *link = &first;
    u32 length = 1 + (u32)dv_rng_below(rng, 4);
    while (length-- > 0 && t->count + 1 < MAX_TREE) {
        u32 at = ++t->count;
        Tree *tree = &t->trees[at];
        *link = at;
        tree->var = (u32)dv_rng_below(rng, VARS);
        tree->step = random_step(rng);
        tree->kind = depth == 0 ? TREE_STEP : (u32)dv_rng_below(rng, TREE_RETURN + 1);
        if ((tree->kind == TREE_BREAK || tree->kind == TREE_CONTINUE) && !in_loop) {
            tree->kind = TREE_STEP;
        }
        if (tree->kind == TREE_IF || tree->kind == TREE_IF_ELSE || tree->kind == TREE_LOOP) {
            tree->inner = random_list(rng, t, depth - 1, in_loop || tree->kind == TREE_LOOP);
        }
        if (tree->kind == TREE_IF_ELSE) {
            tree->other = random_list(rng, t, depth - 1, in_loop);
        }
        link = &tree->next;
        if (tree->kind >= TREE_BREAK) {
            break;
        }
    }
    return first;
}

enum { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN };

typedef struct TreeRun {
    u32 vars[VARS];
    u32 fuel;
} TreeRun;

static u32 run_list(const Trees *t, u32 at, TreeRun *run)
{
    for (; at != 0; at = t->trees[at].next) {
        const Tree *tree = &t->trees[at];
        u32 flow = FLOW_ON;
        switch (tree->kind) {
        case TREE_STEP:
            run->vars[tree->step.to] = apply_step(&tree->step, run->vars);
            break;
        case TREE_IF:
        case TREE_IF_ELSE:
            flow = run_list(t, (run->vars[tree->var] & 1) != 0 ? tree->inner : tree->other, run);
            break;
        case TREE_LOOP:
            while (flow != FLOW_RETURN && flow != FLOW_BREAK && run->fuel != 0) {
                run->fuel--;
                if ((run->vars[tree->var] & 6) == 0) {
                    break;
                }
                flow = run_list(t, tree->inner, run);
            }
            flow = flow == FLOW_RETURN ? FLOW_RETURN : FLOW_ON;
            break;
        case TREE_BREAK:
            return FLOW_BREAK;
        case TREE_CONTINUE:
            return FLOW_CONTINUE;
        default:
            return FLOW_RETURN;
        }
        if (flow != FLOW_ON) {
            return flow;
        }
    }
    return FLOW_ON;
}

static void build_list(const GraphBuild *x, const Trees *t, u32 at, davit_loop_t *loop)
{
    davit_builder_t *b = x->b;
    for (; at != 0; at = t->trees[at].next) {
        const Tree *tree = &t->trees[at];
        if (tree->kind == TREE_STEP) {
            build_step(x, &tree->step);
        } else if (tree->kind == TREE_IF || tree->kind == TREE_IF_ELSE) {
            davit_if_t i =
                davit_if_begin(b, davit_ins_band_imm(b, davit_use_var(b, x->vars[tree->var]), 1));
            build_list(x, t, tree->inner, loop);
            if (tree->kind == TREE_IF_ELSE) {
                davit_if_else(b, &i);
                build_list(x, t, tree->other, loop);
            }
            davit_if_end(b, &i);
        } else if (tree->kind == TREE_LOOP) {
            davit_loop_t l = davit_loop_begin(b);
            davit_loop_while(b, &l, davit_use_var(b, x->fuel));
            davit_def_var(b, x->fuel, davit_ins_iadd_imm(b, davit_use_var(b, x->fuel), -1));
            davit_loop_while(b, &l, davit_ins_band_imm(b, davit_use_var(b, x->vars[tree->var]), 6));
            build_list(x, t, tree->inner, &l);
            davit_loop_end(b, &l);
        } else if (tree->kind == TREE_BREAK) {
            davit_loop_break(b, loop);
        } else if (tree->kind == TREE_CONTINUE) {
            davit_loop_continue(b, loop);
        } else {
            build_digest(x);
        }
    }
}

static u32 run_tree(const Trees *t, u32 first, u32 arg)
{
    TreeRun run = {{arg, 1, 2, 3, 4}, FUEL};
    run_list(t, first, &run);
    return digest(run.vars);
}

static void test_random_trees(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 1500; seed++) {
        Rng rng;
        Trees t;
        GraphBuild build = {0};
        dv_rng_seed(&rng, seed);
        memset(&t, 0, sizeof t);
        u32 first = random_list(&rng, &t, 4, false);
        Session x = open_session();
        davit_builder_t *b = build.b = open_builder(&x, DAVIT_I32, DAVIT_I32);
        davit_block_t entry = davit_entry_block(b);
        build.fuel = davit_declare_var(b, DAVIT_I32);
        davit_def_var(b, build.fuel, davit_ins_iconst(b, DAVIT_I32, FUEL));
        for (u32 i = 0; i < VARS; i++) {
            build.vars[i] = davit_declare_var(b, DAVIT_I32);
            davit_def_var(b, build.vars[i],
                          i == 0 ? davit_block_param(b, entry, 0)
                                 : davit_ins_iconst(b, DAVIT_I32, i));
        }
        build_list(&build, &t, first, NULL);
        if (!davit_block_is_filled(b)) {
            build_digest(&build);
        }
        davit_func_t *f = finish_func(&x, b);
        check_function(f);
        for (u32 i = 0; i < ARGS; i++) {
            u32 arg = (u32)dv_rng_spread(&rng);
            assert_int_equal(evaluate(&x, f, arg), run_tree(&t, first, arg));
        }
        close_session(&x);
    }
}

/* ---- unreachable code ---- */

static void test_unreachable_zero(void **state)
{
    (void)state;
    static const davit_type_t lanes[] = {DAVIT_I8,  DAVIT_I16, DAVIT_I32, DAVIT_I64, DAVIT_I128,
                                         DAVIT_F16, DAVIT_F32, DAVIT_F64, DAVIT_F128};
    for (u32 i = 0; i < ARRAY_LEN(lanes) * 3; i++) {
        davit_type_t lane = lanes[i / 3];
        davit_type_t type = i % 3 == 0 ? lane : davit_vector_type(lane, i % 3 == 1 ? 2 : 16);
        Session x = open_session();
        davit_builder_t *b = open_builder(&x, type, type);
        davit_block_t entry = davit_entry_block(b);
        davit_value_t param = davit_block_param(b, entry, 0);
        davit_var_t var = davit_declare_var(b, type);
        davit_block_t dead = davit_block_create(b);
        davit_block_t loop = davit_block_create(b);
        davit_block_t live = davit_block_create(b);
        davit_def_var(b, var, param);
        davit_ins_jump(b, davit_to(live));
        /* dead has no predecessor, loop and the join after it only each other: all zero */
        davit_block_switch(b, dead);
        davit_ins_jump(b, davit_to(live));
        davit_block_switch(b, loop);
        davit_use_var(b, var);
        davit_ins_jump(b, davit_to(loop));
        davit_block_switch(b, live);
        davit_value_t result = davit_use_var(b, var);
        davit_ins_return(b, &result, 1);
        davit_seal_all_blocks(b);
        check_function(finish_func(&x, b));
        close_session(&x);
    }
}

/* Blocks that only each other lead to, one predecessor each: the walk backwards must end. */
static void test_unreachable_circle(void **state)
{
    (void)state;
    Session x = open_session();
    davit_builder_t *b = open_builder(&x, DAVIT_I32, DAVIT_I32);
    davit_value_t param = davit_block_param(b, davit_entry_block(b), 0);
    davit_var_t var = davit_declare_var(b, DAVIT_I32);
    davit_def_var(b, var, param);
    davit_ins_return(b, &param, 1);
    davit_block_t circle[3] = {davit_block_create(b), davit_block_create(b), davit_block_create(b)};
    for (u32 i = 0; i < 3; i++) {
        davit_block_switch(b, circle[i]);
        davit_ins_jump(b, davit_to(circle[(i + 1) % 3]));
    }
    davit_seal_all_blocks(b);
    davit_block_t end = davit_block_create(b);
    davit_block_switch(b, circle[1]);
    davit_value_t zero = davit_use_var(b, var);
    assert_int_not_equal(zero.id, DAVIT_NONE);
    assert_int_not_equal(zero.id, param.id);
    (void)end;
    finish_func(&x, b);
    close_session(&x);
}

/* ---- sizes ---- */

static u64 steps_of(davit_builder_t *b)
{
    return b->ssa.work.steps;
}

/* A variable used at the end of a chain of blocks. */
static u64 build_chain(u32 length)
{
    Session x = open_session();
    davit_builder_t *b = open_builder(&x, DAVIT_I32, DAVIT_I32);
    davit_var_t var = davit_declare_var(b, DAVIT_I32);
    davit_def_var(b, var, davit_block_param(b, davit_entry_block(b), 0));
    for (u32 i = 0; i < length; i++) {
        davit_block_t next = davit_block_create(b);
        davit_ins_jump(b, davit_to(next));
        davit_block_seal(b, next);
        davit_block_switch(b, next);
    }
    davit_value_t v = davit_use_var(b, var);
    davit_ins_return(b, &v, 1);
    u64 steps = steps_of(b);
    finish_func(&x, b);
    close_session(&x);
    return steps;
}

/* Loops inside each other, or unsealed heads sealed in the worst order: each head wants a phi. */
static u64 build_heads(u32 count, u32 order)
{
    Session x = open_session();
    davit_builder_t *b = open_builder(&x, DAVIT_I32, DAVIT_I32);
    davit_value_t param = davit_block_param(b, davit_entry_block(b), 0);
    davit_var_t var = davit_declare_var(b, DAVIT_I32);
    davit_block_t first = {1};
    davit_def_var(b, var, param);
    for (u32 i = 0; i < count; i++) {
        davit_block_t head = davit_block_create(b);
        davit_ins_jump(b, davit_to(head));
        davit_block_switch(b, head);
        davit_use_var(b, var);
    }
    /* Each head is also reached from one block at the end, by a table. */
    davit_dest_t *table = calloc(count, sizeof *table);
    for (u32 i = 0; i < count; i++) {
        table[i] = davit_to((davit_block_t){first.id + i});
    }
    davit_block_t end = davit_block_create(b);
    davit_ins_br_table(b, param, davit_to(end), table, count);
    davit_block_switch(b, end);
    davit_ins_return(b, &param, 1);
    for (u32 i = 0; i < count; i++) {
        u32 at = order == 0   ? i
                 : order == 1 ? count - 1 - i
                 : i % 2 == 0 ? i / 2
                              : count - 1 - i / 2;
        davit_block_seal(b, (davit_block_t){first.id + at});
    }
    davit_block_seal(b, end);
    u64 steps = steps_of(b);
    davit_func_t *f = finish_func(&x, b);
    const char *text;
    assert_int_equal(davit_func_print(f, &text, NULL), DAVIT_OK);
    assert_null(strstr(text, "block2(")); /* the variable is assigned once: no parameters */
    free(table);
    close_session(&x);
    return steps;
}

/* A ladder of ifs, each assigning the variable: a join after every rung. */
static u64 build_ladder(u32 count)
{
    Session x = open_session();
    davit_builder_t *b = open_builder(&x, DAVIT_I32, DAVIT_I32);
    davit_var_t var = davit_declare_var(b, DAVIT_I32);
    davit_var_t other = davit_declare_var(b, DAVIT_I32);
    davit_value_t param = davit_block_param(b, davit_entry_block(b), 0);
    davit_def_var(b, var, param);
    davit_def_var(b, other, param);
    for (u32 i = 0; i < count; i++) {
        davit_if_t rung = davit_if_begin(b, davit_use_var(b, var));
        davit_def_var(b, var, davit_ins_iadd_imm(b, davit_use_var(b, var), 1));
        davit_if_end(b, &rung);
    }
    davit_value_t v = davit_ins_iadd(b, davit_use_var(b, var), davit_use_var(b, other));
    davit_ins_return(b, &v, 1);
    u64 steps = steps_of(b);
    finish_func(&x, b);
    close_session(&x);
    return steps;
}

static void check_growth(u64 small, u64 large, u32 factor)
{
    /* n log n, with room: 10 times the size may cost 15 times the steps. */
    assert_true(small > 0);
    assert_true(large <= small * factor * 3 / 2 + 100);
}

static void test_sizes(void **state)
{
    (void)state;
    check_growth(build_chain(10000), build_chain(100000), 10);
    check_growth(build_ladder(3000), build_ladder(30000), 10);
    for (u32 order = 0; order < 3; order++) {
        check_growth(build_heads(2000, order), build_heads(20000, order), 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_random_trees),
        cmocka_unit_test(test_unreachable_zero),
        cmocka_unit_test(test_unreachable_circle),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
