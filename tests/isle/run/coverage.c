/* coverage.c - an operation on a type is covered if, and only if, lower succeeds whatever the operands are and
 * whatever functions of the program say (`features`). There is one instruction at a time, number 1; value n is made by instruction n. */
#include <coverage_rules.h>

RUN_SUPPLY

enum { CURRENT = 1, CONSTANT_A = 2, CONSTANT_B = 3, PARAM = 4, FEATURES = 24 };

typedef struct Present {
    Run run;
    u32 op;
    Type type;
    Value x, y;
    u32 features;
} Present;

static const Present *present(const Run *run)
{
    return (const Present *)run;
}

u32 t_inst_op(Run *run, Inst a0)
{
    return a0.id == CURRENT ? present(run)->op : OP_iconst;
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
    return a0.id != PARAM;
}

Kind kind_of(Run *run, Type a0)
{
    static const Kind kinds[] = {Kind_Small, Kind_Middle, Kind_Large};
    (void)a0;
    return kinds[present(run)->features / 8];
}

bool cpu_has(Run *run, u8 a0)
{
    return (present(run)->features >> a0 & 1) != 0;
}

bool easy(Run *run, Type a0, Type *out)
{
    *out = a0;
    return (present(run)->features & 1) != 0;
}

#define MATCH_BINARY(op) \
    void t_match_##op(Run *run, Inst a0, Type *r0, Value *r1, Value *r2) \
    { \
        (void)a0; \
        *r0 = present(run)->type; \
        *r1 = present(run)->x; \
        *r2 = present(run)->y; \
    }
#define MATCH_UNARY(op) \
    void t_match_##op(Run *run, Inst a0, Type *r0, Value *r1) \
    { \
        (void)a0; \
        *r0 = present(run)->type; \
        *r1 = present(run)->x; \
    }
#define BINARY(X) \
    X(iadd) \
    X(udiv) \
    X(isub) \
    X(imul) \
    X(band) \
    X(bxor) \
    X(bor) \
    X(smin) \
    X(smax) \
    X(umin) \
    X(umax) \
    X(ishl) \
    X(ushr) \
    X(rotl) \
    X(fadd) \
    X(umulhi)
#define UNARY(X) \
    X(bnot) \
    X(iabs) \
    X(ineg)
BINARY(MATCH_BINARY)
UNARY(MATCH_UNARY)

void t_match_iconst(Run *run, Inst a0, Type *r0, Imm64 *r1)
{
    *r0 = present(run)->type;
    *r1 = a0.id;
}

/* True if every operand and every machine finds a rule. */
static bool always_matches(Present *p, u32 op, Type type)
{
    static const Value operands[] = {{CONSTANT_A}, {CONSTANT_B}, {PARAM}};
    bool always = true;
    p->op = op;
    p->type = type;
    for (u32 i = 0; i < 9 * FEATURES; i++) {
        u32 result;
        p->x = operands[i % 3];
        p->y = operands[i / 3 % 3];
        p->features = i / 9;
        always = t_lower(&p->run, (Inst){CURRENT}, &result) && always;
    }
    return always;
}

int main(void)
{
#define X(op) OP_##op,
    static const u32 ops[] = { BINARY(X) UNARY(X) OP_iconst, OP_sdiv };
#undef X
    static const Type types[] = {TYPE_I8,   TYPE_I16, TYPE_I32,   TYPE_I64,
                                 TYPE_I128, TYPE_F32, TYPE_I32X4, TYPE_MAKE(LANE_I8, 4)};
    static Present state;
    Run *run = &state.run;
    u32 covered = 0;
    for (u32 i = 0; i < ARRAY_LEN(ops); i++) {
        for (u32 j = 0; j < ARRAY_LEN(types); j++) {
            bool always = always_matches(&state, ops[i], types[j]);
            bool claimed = t_covers_lower(ops[i], types[j], TYPE_NONE);
            if (always != claimed) {
                printf("operation %u on type %u: ", (unsigned)ops[i], (unsigned)types[j]);
            }
            EXPECT(always == claimed);
            covered += claimed;
        }
    }
    EXPECT(covered > 40);
    return run_finish(run, t_rule_names, t_rule_count);
}
