/* laws.c - rules that keep laws 2 and 3. Instruction n makes value n; there are a root and what it takes. */
#include <laws_rules.h>

RUN_SUPPLY

enum { ROOT = 1, LEFT = 2, BELOW = 3, CONSTANT = 4 };

typedef struct Row {
    u32 op;
    Type type;
} Row;

typedef struct Tree {
    Run run;
    Row rows[5];
    u64 number;
} Tree;

static const Tree *tree(const Run *run)
{
    return (const Tree *)run;
}

u32 t_inst_op(Run *run, Inst a0)
{
    return tree(run)->rows[a0.id].op;
}

u32 t_type_bits(Run *run, Type a0)
{
    static const u32 bits[LANE_COUNT] = {0, 8, 16, 32, 64, 128, 16, 32, 64, 128};
    (void)run;
    return bits[type_lane(a0)];
}

bool def_inst(Run *run, Value a0, Inst *out)
{
    (void)run;
    *out = (Inst){a0.id};
    return a0.id != LEFT;
}

u64 number(Run *run, Imm64 a0)
{
    (void)a0;
    return tree(run)->number;
}

#define MATCH_BINARY(op) \
    void t_match_##op(Run *run, Inst a0, Type *r0, Value *r1, Value *r2) \
    { \
        *r0 = tree(run)->rows[a0.id].type; \
        *r1 = (Value){LEFT}; \
        *r2 = (Value){a0.id == ROOT ? BELOW : CONSTANT}; \
    }
MATCH_BINARY(iadd)
MATCH_BINARY(isub)
MATCH_BINARY(ishl)
MATCH_BINARY(ushr)

void t_match_ireduce(Run *run, Inst a0, Type *r0, Value *r1)
{
    *r0 = tree(run)->rows[a0.id].type;
    *r1 = (Value){BELOW};
}

void t_match_iconst(Run *run, Inst a0, Type *r0, Imm64 *r1)
{
    *r0 = tree(run)->rows[a0.id].type;
    *r1 = 0;
}

#define MATCH_LOAD(op) \
    void t_match_##op(Run *run, Inst a0, Type *r0, MemFlags *r1, Value *r2, Offset32 *r3) \
    { \
        *r0 = tree(run)->rows[a0.id].type; \
        *r1 = (MemFlags){0}; \
        *r2 = (Value){CONSTANT}; \
        *r3 = 0; \
    }
MATCH_LOAD(load)
MATCH_LOAD(uload8)

/* ---- what the rules choose, as numbers ---- */

Reg make_reg(Run *run, u64 a0)
{
    (void)run;
    return a0;
}

u64 widen(Run *run, u8 a0)
{
    (void)run;
    return a0;
}

u64 add_100(Run *run, u64 a0)
{
    (void)run;
    return a0 + 100;
}

Address address(Run *run, Value a0)
{
    (void)run;
    return a0.id;
}

Address same_address(Run *run, Address a0)
{
    (void)run;
    return a0;
}

Reg add_mem8(Run *run, Value a0, Address a1)
{
    (void)run;
    return 8000 + 10 * a0.id + a1;
}

Reg add_mem64(Run *run, Value a0, Address a1)
{
    (void)run;
    return 64000 + 10 * a0.id + a1;
}

Reg add_mem128(Run *run, Value a0, Address a1)
{
    (void)run;
    return 128000 + 10 * a0.id + a1;
}

/* What is chosen for `op type (below below_type)`; 0: nothing. */
static Reg lowered(Tree *t, u32 op, Type type, u32 below, Type below_type)
{
    Reg out = 0;
    t->rows[ROOT] = (Row){op, type};
    t->rows[BELOW] = (Row){below, below_type};
    t->rows[CONSTANT] = (Row){OP_iconst, below_type};
    bool is_lowered = t_lower(&t->run, (Inst){ROOT}, &out);
    return is_lowered ? out : 0;
}

int main(void)
{
    static Tree state = {.number = 77};
    Run *run = &state.run;
    EXPECT(lowered(&state, OP_ireduce, TYPE_I8, OP_ishl, TYPE_I64) == 13);
    EXPECT(lowered(&state, OP_ireduce, TYPE_I8, OP_ishl, TYPE_I16) == 13);
    EXPECT(lowered(&state, OP_ireduce, TYPE_I64, OP_ishl, TYPE_I8) == 5);
    EXPECT(lowered(&state, OP_iadd, TYPE_I8, OP_ushr, TYPE_I8) == 105);
    EXPECT(lowered(&state, OP_iadd, TYPE_I32, OP_ushr, TYPE_I8) == 0);
    EXPECT(lowered(&state, OP_isub, TYPE_I32, OP_ushr, TYPE_I32) == 113);
    EXPECT(lowered(&state, OP_isub, TYPE_I32, OP_ushr, TYPE_I8) == 0);
    EXPECT(lowered(&state, OP_iadd, TYPE_I32, OP_uload8, TYPE_I32) == 8024);
    EXPECT(lowered(&state, OP_iadd, TYPE_I64, OP_load, TYPE_I64) == 64024);
    EXPECT(lowered(&state, OP_iadd, TYPE_I64, OP_load, TYPE_I8X16) == 0);
    EXPECT(lowered(&state, OP_iadd, TYPE_I8X16, OP_load, TYPE_I8X16) == 128024);
    EXPECT(lowered(&state, OP_iadd, TYPE_I8X16, OP_load, TYPE_I64) == 0);
    return run_finish(run, t_rule_names, t_rule_count);
}
