/* graph.c - the operations of CLIF as the `expand` rules take them apart and build them: from the lists of
 * codegen/ir/terms.h. */
#define TERMS_DEFINE
#include "codegen/opt/graph.h"

/* Declares again those that the rules use: the two must agree. */
#include <expand_rules.h>

/* How an argument of each name in the lists gets into n, the instruction to be. */
#define MAKE_SET_0(x) n.args[0] = (x).id, n.num_args = 1
#define MAKE_SET_1(x) n.args[1] = (x).id, n.num_args = 2
#define MAKE_SET_2(x) n.args[2] = (x).id, n.num_args = 3
#define MAKE_SET_type(x) n.type = (x)
#define MAKE_SET_imm(x) n.imm = (x)
#define MAKE_SET_offset(x) n.imm = sizeof(x) == sizeof(u32) ? (u32)(x) : (u64)(x)
#define MAKE_SET_aux(x) n.aux = (u8)(x)
#define MAKE_SET_flags(x) n.flags = (x)
#define MAKE_SET_ent(x) n.ent = (x).id
#define MAKE_SET(T, name, get) MAKE_SET_##name(in_##name);

#define MAKE_GIVE_0 (made)
#define MAKE_GIVE_1 dv_inst_result(ctx->f, made, 0)
#define MAKE_GIVE_2 (made)

#define MAKE_0(name, format, set, results)
#define MAKE_1(name, format, set, results) \
    MAKE_FUNCTION(name, format, set, results) \
    { \
        LegalInst n = {.op = OP_##name, .ent = ENTITY_NONE}; \
        TERM_TYPE_##set(MAKE_SET) TERMS_##format(MAKE_SET) Inst made = dv_legal_add(ctx, &n); \
        return BUILD_CAT(MAKE_GIVE_, BUILD_COUNT results); \
    }
#define OP(name, format, set, operands, results, effects, doc) \
    BUILD_CAT(MAKE_, BUILD_PROBE_OR_0(MAKES_##format))(name, format, set, results)
#include "codegen/ir/ops.def"
#undef OP
