/* clif.c - rules about operations of the table. A value has the number of the instruction that makes it. */
#include <clif_rules.h>

RUN_SUPPLY

enum { INSTS_MAX = 64 };

typedef struct Row {
    u32 op;
    Type type;
    u64 imm;
    Value args[2];
} Row;

/* The context is the first member, so that the functions find the rows. */
typedef struct Graph {
    Run run;
    Row rows[INSTS_MAX];
    u32 count;
} Graph;

static const Row *row_of(Run *run, Inst inst)
{
    return &((Graph *)run)->rows[inst.id];
}

static Value make(Run *run, u32 op, Type type, u64 imm, Value x, Value y)
{
    Graph *graph = (Graph *)run;
    CHECK(graph->count < INSTS_MAX);
    graph->rows[graph->count] = (Row){op, type, imm, {x, y}};
    return (Value){graph->count++};
}

/* ---- what the rules ask for ---- */

u32 t_inst_op(Run *run, Inst a0)
{
    return row_of(run, a0)->op;
}

u32 t_type_bits(Run *run, Type a0)
{
    static const u32 bits[LANE_COUNT] = {0, 8, 16, 32, 64, 128, 16, 32, 64, 128};
    (void)run;
    return bits[type_lane(a0)];
}

/* Value 0 is a parameter: no instruction makes it. */
bool def_inst(Run *run, Value a0, Inst *r0)
{
    (void)run;
    *r0 = (Inst){a0.id};
    return a0.id != 0;
}

u64 number(Run *run, Imm64 a0)
{
    (void)run;
    return a0;
}

Imm64 make_number(Run *run, u64 a0)
{
    (void)run;
    return a0;
}

Code make_code(Run *run, u32 a0)
{
    (void)run;
    return a0;
}

Type value_type(Run *run, Value a0)
{
    return row_of(run, (Inst){a0.id})->type;
}

u32 which(Run *run, Value a0)
{
    (void)run;
    return 1000 + a0.id;
}

static void match_binary(Run *run, Inst inst, Type *ty, Value *x, Value *y)
{
    const Row *row = row_of(run, inst);
    *ty = row->type;
    *x = row->args[0];
    *y = row->args[1];
}

#define MATCH_BINARY(op) \
    void t_match_##op(Run *run, Inst a0, Type *r0, Value *r1, Value *r2) \
    { \
        match_binary(run, a0, r0, r1, r2); \
    }
MATCH_BINARY(iadd)
MATCH_BINARY(isub)
MATCH_BINARY(imul)
MATCH_BINARY(ishl)
MATCH_BINARY(band)
MATCH_BINARY(rotl)

#define MATCH_UNARY(op) \
    void t_match_##op(Run *run, Inst a0, Type *r0, Value *r1) \
    { \
        Value unused; \
        match_binary(run, a0, r0, r1, &unused); \
    }
MATCH_UNARY(bnot)
MATCH_UNARY(uextend)
MATCH_UNARY(sextend)

void t_match_iconst(Run *run, Inst a0, Type *r0, Imm64 *r1)
{
    *r0 = row_of(run, a0)->type;
    *r1 = row_of(run, a0)->imm;
}

void t_match_return(Run *run, Inst a0, ValueList *r0)
{
    (void)run;
    *r0 = a0.id;
}

Value t_make_bxor(Run *run, Type a0, Value a1, Value a2)
{
    return make(run, OP_bxor, a0, 0, a1, a2);
}

Value t_make_bor(Run *run, Type a0, Value a1, Value a2)
{
    return make(run, OP_bor, a0, 0, a1, a2);
}

Value t_make_iconst(Run *run, Type a0, Imm64 a1)
{
    Value none = {0};
    return make(run, OP_iconst, a0, a1, none, none);
}

/* ---- the checks ---- */

static u32 lowered(Run *run, Value value)
{
    Code result = 0;
    bool is_lowered = t_lower(run, (Inst){value.id}, &result);
    return is_lowered ? result : 0;
}

static void check_lowering(Run *run)
{
    Value p = make(run, OP_nop, 0, 0, (Value){0}, (Value){0});
    Value zero = t_make_iconst(run, TYPE_I64, 0);
    Value one = t_make_iconst(run, TYPE_I64, 1);
    Value three = t_make_iconst(run, TYPE_I64, 3);
    Value shift = make(run, OP_ishl, TYPE_I64, 0, p, one);
    Value shift3 = make(run, OP_ishl, TYPE_I64, 0, p, three);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I8, 0, p, p)) == 1);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I16, 0, p, p)) == 1);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I32, 0, p, p)) == 1);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I64, 0, p, p)) == 2);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I128, 0, p, p)) == 0);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I128, 0, zero, p)) == 40);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I8, 0, p, zero)) == 40);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I64, 0, three, shift)) == 1000 + three.id);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I64, 0, shift, three)) == 1000 + three.id);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I64, 0, shift, shift)) == 1000 + shift.id);
    EXPECT(lowered(run, make(run, OP_iadd, TYPE_I64, 0, shift3, p)) == 2);
    EXPECT(lowered(run, make(run, OP_isub, TYPE_I16, 0, p, p)) == 50);
    EXPECT(lowered(run, make(run, OP_isub, TYPE_I64, 0, p, p)) == 51);
    EXPECT(lowered(run, make(run, OP_imul, TYPE_I64, 0, p, three)) == 60);
    EXPECT(lowered(run, make(run, OP_imul, TYPE_I64, 0, three, p)) == 0);
    for (u32 type = TYPE_I8; type <= TYPE_I64; type++) {
        Value x = make(run, OP_nop, (Type)type, 0, p, p);
        EXPECT(lowered(run, make(run, OP_uextend, TYPE_I64, 0, x, p)) ==
               (type == TYPE_I64 ? 0 : 1000 + x.id));
        EXPECT(lowered(run, make(run, OP_sextend, TYPE_I64, 0, x, p)) ==
               (type == TYPE_I32 ? 71u : 0));
        Value amount = t_make_iconst(run, (Type)type, 0);
        EXPECT(lowered(run, make(run, OP_rotl, TYPE_I32, 0, p, amount)) ==
               (type == TYPE_I8 ? 72u : 0));
        EXPECT(lowered(run, make(run, OP_rotl, TYPE_I64, 0, p, amount)) ==
               (type == TYPE_I16 ? 72u : 0));
    }
    EXPECT(lowered(run, make(run, OP_return, 0, 0, p, p)) == 61);
}

static void check_expansion(Run *run)
{
    Graph *graph = (Graph *)run;
    Value p = make(run, OP_nop, 0, 0, (Value){0}, (Value){0});
    Value not = make(run, OP_bnot, TYPE_I8, 0, p, p);
    Value out;
    EXPECT(t_expand(run, (Inst){not .id}, &out));
    EXPECT(graph->rows[out.id].op == OP_bxor && graph->rows[out.id].type == TYPE_I8);
    EXPECT(graph->rows[graph->rows[out.id].args[1].id].imm == 7);
    Value and = make(run, OP_band, TYPE_I128, 0, p, p);
    EXPECT(t_expand(run, (Inst){and.id}, &out) && graph->rows[out.id].op == OP_bor);
    Value and64 = make(run, OP_band, TYPE_I64, 0, p, p);
    EXPECT(!t_expand(run, (Inst){and64.id}, &out));
}

static void check_coverage(Run *run)
{
    EXPECT(t_covers_lower(OP_iadd, TYPE_I8, TYPE_NONE) &&
           t_covers_lower(OP_iadd, TYPE_I64, TYPE_NONE));
    EXPECT(!t_covers_lower(OP_iadd, TYPE_I128, TYPE_NONE) &&
           !t_covers_lower(OP_iadd, TYPE_I32X4, TYPE_NONE));
    EXPECT(t_covers_lower(OP_isub, TYPE_I8, TYPE_NONE) &&
           t_covers_lower(OP_isub, TYPE_I128, TYPE_NONE));
    EXPECT(t_covers_lower(OP_isub, TYPE_I32X4, TYPE_NONE));
    EXPECT(!t_covers_lower(OP_imul, TYPE_I64, TYPE_NONE) &&
           !t_covers_lower(OP_udiv, TYPE_I64, TYPE_NONE));
    EXPECT(t_covers_lower(OP_uextend, TYPE_I64, TYPE_NONE) &&
           t_covers_lower(OP_uextend, TYPE_I64, TYPE_I16));
    EXPECT(t_covers_lower(OP_sextend, TYPE_I64, TYPE_I32) &&
           !t_covers_lower(OP_sextend, TYPE_I64, TYPE_I16));
    EXPECT(!t_covers_lower(OP_sextend, TYPE_I64, TYPE_NONE) &&
           !t_covers_lower(OP_sextend, TYPE_I32, TYPE_I8));
    EXPECT(t_covers_lower(OP_return, TYPE_NONE, TYPE_NONE) &&
           !t_covers_lower(OP_trap, TYPE_NONE, TYPE_NONE));
    EXPECT(t_covers_expand(OP_band, TYPE_I128, TYPE_NONE) &&
           !t_covers_expand(OP_band, TYPE_I64, TYPE_NONE));
    EXPECT(t_covers_expand(OP_bnot, TYPE_I8, TYPE_NONE) &&
           t_covers_expand(OP_bnot, TYPE_MAKE(LANE_I64, 5), TYPE_NONE));
    EXPECT(!t_covers_expand(OP_bxor, TYPE_I8, TYPE_NONE));
}

int main(void)
{
    static Graph graph;
    make(&graph.run, OP_nop, 0, 0, (Value){0}, (Value){0});
    check_lowering(&graph.run);
    check_expansion(&graph.run);
    check_coverage(&graph.run);
    return run_finish(&graph.run, t_rule_names, t_rule_count);
}
