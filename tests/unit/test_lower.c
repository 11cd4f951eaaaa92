/* test_lower.c - the order of blocks, and VCode: what dv_lowered_order promises, on random graphs with cold blocks; the rules
 * of regalloc.h, which dv_regalloc_validate checks, on the same graphs and by hand; that work grows with size alone. */
#include "compile_testing.h"

#include "base/rng.h"
#include "codegen/flow/domtree.h"

/* ---- random functions ------------------------------------------------------------------------------------- */

typedef struct Shape {
    u32 blocks;
    u32 cold_percent;
} Shape;

static u32 pick(Rng *rng, u32 bound)
{
    return (u32)dv_rng_below(rng, bound);
}

static void print_target(TextBuf *out, Rng *rng, const Shape *shape, u32 from)
{
    u32 to = 1 + pick(rng, shape->blocks - 1);
    /* Odd blocks have a parameter. */
    dv_text_printf(out, "block%u", (unsigned)to);
    if (to % 2 != 0) {
        dv_text_printf(out, "(v%u)", (unsigned)(from == 0 || from % 2 != 0 ? from : 0));
    }
}

static void print_branch(TextBuf *out, Rng *rng, const Shape *shape, u32 from)
{
    u32 value = from == 0 || from % 2 != 0 ? from : 0;
    u32 kind = pick(rng, 8);
    if (kind == 0) {
        dv_text_printf(out, "    return v%u\n", (unsigned)value);
        return;
    }
    u32 count = kind < 3 ? 1 : kind < 6 ? 2 : 1 + pick(rng, 6);
    dv_text_str(out, kind < 3 ? "    jump " : kind < 6 ? "    brif " : "    br_table ");
    if (kind >= 3) {
        dv_text_printf(out, "v%u, ", (unsigned)value);
    }
    for (u32 i = 0; i < count; i++) {
        dv_text_str(out, i == 0 ? "" : kind >= 6 && i == 1 ? ", [" : ", ");
        print_target(out, rng, shape, from);
    }
    dv_text_str(out, kind >= 6 ? count == 1 ? ", []\n" : "]\n" : "\n");
}

static const char *random_func(Fixture *x, Rng *rng, const Shape *shape)
{
    TextBuf out;
    dv_text_init(&out, &x->arena);
    dv_text_str(&out, "function %f(i32) -> i32 {\n");
    for (u32 b = 0; b < shape->blocks; b++) {
        bool is_cold = b != 0 && pick(rng, 100) < shape->cold_percent;
        dv_text_printf(&out, "block%u", (unsigned)b);
        if (b == 0 || b % 2 != 0) {
            dv_text_printf(&out, "(v%u: i32)", (unsigned)b);
        }
        dv_text_printf(&out, "%s:\n", is_cold ? " cold" : "");
        print_branch(&out, rng, shape, b);
    }
    dv_text_str(&out, "}\n");
    return out.data;
}

/* ---- the order ------------------------------------------------------------------------------------------------ */

typedef struct Ordered {
    Func *f;
    LoweredOrder order;
    Cfg cfg;
    BlockOrder rpo;
    DomTree tree;
} Ordered;

static bool is_cold(const Ordered *o, Block b)
{
    while (b.id != ENTITY_NONE) {
        if (dv_block(o->f, b)->cold) {
            return true;
        }
        b = o->tree.idom[b.id];
    }
    return false;
}

static void check_blocks(const Ordered *o)
{
    const LoweredOrder *order = &o->order;
    u32 plain = 0;
    bool was_cold = false;
    for (u32 i = 0; i < order->blocks.len; i++) {
        const LoweredBlock *at = &order->blocks.data[i];
        assert_true(order->is_cold[i] || !was_cold); /* cold ones last */
        was_cold = order->is_cold[i];
        if (at->dest == LOWERED_BLOCK) {
            plain++;
            assert_int_equal(order->label_of_block[at->block.id], i);
            assert_int_equal(order->is_cold[i], is_cold(o, at->block));
            Block idom = o->tree.idom[at->block.id];
            assert_true(idom.id == ENTITY_NONE || order->label_of_block[idom.id] < i);
        }
    }
    assert_int_equal(plain, o->rpo.num_blocks);
    assert_int_equal(order->blocks.data[0].block.id, o->cfg.entry.id);
}

/* Each dest leads to its block, directly or by a block that is only for it, or for others of a br_table like it; and
 * directly only where moves have a place. */
static void check_dests(const Ordered *o, Block b)
{
    const LoweredOrder *order = &o->order;
    Inst branch = dv_block_terminator(o->f, b);
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(o->f, branch, &count);
    for (u32 i = 0; i < count; i++) {
        u32 label = order->edge_labels[order->edge_start[b.id] + i];
        const LoweredBlock *at = &order->blocks.data[label];
        if (at->dest == LOWERED_BLOCK) {
            u32 arrivals = dv_cfg_num_preds(&o->cfg, dests[i].block);
            assert_int_equal(at->block.id, dests[i].block.id);
            assert_true(arrivals == 1 || dv_inst_const(o->f, branch)->op == OP_jump);
            continue;
        }
        assert_int_equal(at->block.id, b.id);
        assert_true(label > order->label_of_block[b.id]);
        assert_int_equal(dests[at->dest].block.id, dests[i].block.id);
        assert_true(at->dest == i || (dests[i].num_args == 0 && dests[at->dest].num_args == 0));
        assert_int_equal(order->is_cold[label], is_cold(o, b) || is_cold(o, dests[i].block));
    }
}

static void order_of(Fixture *x, Ordered *o, Func *f)
{
    Work work = {0};
    o->f = f;
    dv_cfg_build(&o->cfg, &x->arena, f, &work);
    dv_order_build(&o->rpo, &x->arena, &o->cfg, &work);
    dv_domtree_build(&o->tree, &x->arena, f, &o->cfg, &o->rpo, &work);
    dv_lowered_order(&o->order, &x->arena, f, &work);
}

/* ---- VCode -------------------------------------------------------------------------------------------------------- */

static void lower_func(Fixture *x, Func *f, VCode *vcode, RaFunc *ra)
{
    const Isa *isa = isa_of("pulley64");
    CompileOptions options = {0};
    void *context;
    Diag diag;
    TextBuf why;
    dv_diag_init(&diag, &x->arena);
    const LowerTarget *target = isa->begin(isa, &options, f, &x->arena, &context);
    if (!dv_lower(target, context, f, &x->arena, &diag, vcode, ra)) {
        fail_msg("%s", dv_diag_first(&diag)->text);
    }
    Arena scratch;
    dv_arena_init(&scratch, &x->pool);
    dv_text_init(&why, &x->arena);
    bool ok = dv_regalloc_validate(ra, &scratch, &why);
    dv_arena_release(&scratch);
    if (!ok) {
        TextBuf text;
        dv_text_init(&text, &x->arena);
        dv_vcode_print(&text, vcode, isa->inst_name);
        fail_msg("%s in:\n%s", why.data, text.data);
    }
}

static void random_graphs(void **state)
{
    Fixture *x = *state;
    Rng rng;
    dv_rng_seed(&rng, 7);
    for (u32 round = 0; round < 400; round++) {
        ArenaMark mark = dv_arena_mark(&x->arena);
        Shape shape = {2 + pick(&rng, 24), pick(&rng, 3) * 20};
        const char *text = random_func(x, &rng, &shape);
        ClifFile file;
        Ordered o;
        VCode vcode;
        RaFunc ra;
        parse_good(&x->arena, str_of(text), &file);
        order_of(x, &o, &file.funcs.data[0]->func);
        check_blocks(&o);
        for (u32 i = 0; i < o.rpo.num_blocks; i++) {
            check_dests(&o, o.rpo.rpo[i]);
        }
        lower_func(x, o.f, &vcode, &ra);
        assert_int_equal(ra.num_blocks, o.order.blocks.len);
        dv_arena_release_to(&x->arena, mark);
    }
}

/* An edge that is left again for what is hot has its own block as well: the block it leads to has other predecessors. */
static void edges_out_of_cold_blocks(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    Ordered o;
    parse_good(&x->arena,
               str_of("function %f(i32) -> i32 {\nblock0(v0: i32):\nbrif v0, block1, block2(v0)\n"
                      "block1 cold:\nbrif v0, block2(v0), block3\nblock2(v1: i32):\nreturn v1\n"
                      "block3:\nreturn v0\n}\n"),
               &file);
    order_of(x, &o, &file.funcs.data[0]->func);
    check_blocks(&o);
    for (u32 b = 0; b < 4; b++) {
        check_dests(&o, (Block){b});
    }
    u32 label = o.order.edge_labels[o.order.edge_start[1]];
    assert_int_equal(o.order.blocks.data[label].block.id, 1);
    assert_int_equal(o.order.blocks.data[label].dest, 0);
    assert_true(o.order.is_cold[o.order.label_of_block[3]]); /* dominated by block1 */
}

/* Entries of a table that go to one block are one edge, unless they hand values over. */
static void table_entries_share_edges(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    VCode vcode;
    RaFunc ra;
    parse_good(&x->arena,
               str_of("function %f(i32) -> i32 {\nblock0(v0: i32):\n"
                      "br_table v0, block1, [block1, block2(v0), block1, block2(v0), block1]\n"
                      "block1:\nreturn v0\nblock2(v1: i32):\nreturn v1\n}\n"),
               &file);
    lower_func(x, &file.funcs.data[0]->func, &vcode, &ra);
    assert_int_equal(ra.blocks[0].num_succs, 3);
    assert_int_equal(ra.num_blocks, 6);
}

/* ---- what is lowered --------------------------------------------------------------------------------------------- */

static u32 count_op(const VCode *vcode, const char *name)
{
    u32 count = 0;
    for (u32 i = 0; i < vcode->insts.len; i++) {
        count += strcmp(isa_of("pulley64")->inst_name(vcode->insts.data[i].op), name) == 0;
    }
    return count;
}

static void lower_text(Fixture *x, const char *text, VCode *vcode)
{
    ClifFile file;
    RaFunc ra;
    parse_good(&x->arena, str_of(text), &file);
    lower_func(x, &file.funcs.data[0]->func, vcode, &ra);
}

/* Values that nothing reads are not computed, effects are kept, in their order. */
static void what_is_unused_is_left_out(void **state)
{
    Fixture *x = *state;
    VCode vcode;
    lower_text(
        x,
        "function %f(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\nv2 = imul v0, v1\nv3 = ineg v2\n"
        "v4 = udiv v0, v1\nv5 = load.i64 v0\nstore v1, v0\nreturn v0\n}\n",
        &vcode);
    assert_int_equal(count_op(&vcode, "xmul64") + count_op(&vcode, "xneg64"), 0);
    assert_int_equal(count_op(&vcode, "xdiv64_u"), 1);
    u32 load = 0, store = 0;
    for (u32 i = 0; i < vcode.insts.len; i++) {
        const char *name = isa_of("pulley64")->inst_name(vcode.insts.data[i].op);
        load = strcmp(name, "raw_load64") == 0 ? i : load;
        store = strcmp(name, "raw_store64") == 0 ? i : store;
    }
    assert_true(load != 0 && load < store);
}

/* A product that another user reads, by whatever name, or that the sum reads twice, is no part of the sum. */
static void only_what_one_user_reads_is_merged(void **state)
{
    Fixture *x = *state;
    VCode vcode;
    lower_text(
        x,
        "function %f(f64, f64) -> f64 {\nblock0(v0: f64, v1: f64):\nv2 = fmul v0, v1\nv3 = fadd v2, v1\nreturn v3\n}\n",
        &vcode);
    assert_int_equal(count_op(&vcode, "fmuladd64"), 1);
    assert_int_equal(count_op(&vcode, "fmul64"), 0);
    lower_text(
        x,
        "function %f(f64, f64) -> f64, f64 {\nblock0(v0: f64, v1: f64):\nv2 = fmul v0, v1\nv3 = fadd v2, v1\n"
        "v4 -> v2\nreturn v3, v4\n}\n",
        &vcode);
    assert_int_equal(count_op(&vcode, "fmuladd64"), 0);
    lower_text(
        x,
        "function %f(f64) -> f64 {\nblock0(v0: f64):\nv2 = fmul v0, v0\nv3 = fadd v2, v2\nreturn v3\n}\n",
        &vcode);
    assert_int_equal(count_op(&vcode, "fmuladd64"), 0);
}

/* ---- size ----------------------------------------------------------------------------------------------------------- */

/* A chain of other names for one value, and as many that read the last of them. */
static void long_chains_of_names(void **state)
{
    Fixture *x = *state;
    enum { LENGTH = 60000 };
    TextBuf text;
    VCode vcode;
    dv_text_init(&text, &x->arena);
    dv_text_str(&text, "function %f(i64) -> i64 {\nblock0(v0: i64):\n");
    for (u32 i = 1; i <= LENGTH; i++) {
        dv_text_printf(&text, "v%u = bitcast.%s v%u\n", (unsigned)i, i % 2 == 0 ? "i64" : "f64",
                       (unsigned)(i - 1));
    }
    for (u32 i = LENGTH + 1; i <= 2 * LENGTH; i++) {
        dv_text_printf(&text, "v%u = iadd v%u, v%u\n", (unsigned)i, (unsigned)(i - 1),
                       (unsigned)LENGTH);
    }
    dv_text_printf(&text, "return v%u\n}\n", (unsigned)(2 * LENGTH));
    lower_text(x, text.data, &vcode);
    assert_int_equal(count_op(&vcode, "xadd64"), LENGTH);
    for (u32 i = 0; i < vcode.operands.len; i++) {
        assert_int_equal(vcode.vreg_alias.data[vcode.operands.data[i].vreg.id],
                         vcode.operands.data[i].vreg.id);
    }
}

/* Memory in proportion: twice the branches take about twice as much. */
static void memory_is_in_proportion(void **state)
{
    Fixture *x = *state;
    usize used[2];
    for (u32 n = 0; n < 2; n++) {
        u32 blocks = (u32)10000 << n;
        TextBuf text;
        CompiledFunc **funcs;
        u32 count;
        Fixture *own = NULL;
        unit_setup((void **)&own);
        dv_text_init(&text, &own->arena);
        dv_text_str(&text, "function %f(i32) -> i32 {\nblock0(v0: i32):\njump block1\n");
        for (u32 b = 1; b < blocks; b++) {
            dv_text_printf(&text, "block%u:\nbrif v0, block%u, block%u\n", (unsigned)b,
                           (unsigned)(b + 1), (unsigned)(b > 2 ? b - 1 : b + 1));
        }
        dv_text_printf(&text, "block%u:\nreturn v0\n}\n", (unsigned)blocks);
        assert_null(
            compile_text(own, isa_of("pulley64"), ALLOCATOR_FAST, text.data, &funcs, &count));
        used[n] = own->pool.used_bytes;
        unit_teardown((void **)&own);
    }
    (void)x;
    assert_true(used[1] < 3 * used[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(random_graphs),
        UNIT_TEST(edges_out_of_cold_blocks),
        UNIT_TEST(table_entries_share_edges),
        UNIT_TEST(what_is_unused_is_left_out),
        UNIT_TEST(only_what_one_user_reads_is_merged),
        UNIT_TEST(long_chains_of_names),
        UNIT_TEST(memory_is_in_proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
