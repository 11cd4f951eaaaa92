/* graph.h - the functions that build operations of CLIF for rules, next to those that take them apart
 * (codegen/ir/terms.h).
 *
 *     Value dv_legal_make_load(Legal *ctx, Type type, MemFlags flags, Value address, Offset32 offset);
 *
 * and so on: the arguments are what the list of the operation's format in terms.h names. Those without
 * result, or with two, give the instruction. Formats with lists of values, block calls or two entities are
 * not built by rules. */
#ifndef DV_OPT_GRAPH_H
#define DV_OPT_GRAPH_H

#include "codegen/ir/build_ops.h"
#include "codegen/opt/legalize_rules.h"

/* Formats that rules build. */
#define MAKES_NULLARY unused, 1
#define MAKES_UNARY unused, 1
#define MAKES_UNARY_IMM unused, 1
#define MAKES_UNARY_IEEE16 unused, 1
#define MAKES_UNARY_IEEE32 unused, 1
#define MAKES_UNARY_IEEE64 unused, 1
#define MAKES_UNARY_CONST unused, 1
#define MAKES_BINARY unused, 1
#define MAKES_BINARY_IMM8 unused, 1
#define MAKES_TERNARY unused, 1
#define MAKES_TERNARY_IMM8 unused, 1
#define MAKES_INT_COMPARE unused, 1
#define MAKES_FLOAT_COMPARE unused, 1
#define MAKES_COND_TRAP unused, 1
#define MAKES_INT_ADD_TRAP unused, 1
#define MAKES_ATOMIC_RMW unused, 1
#define MAKES_ATOMIC_CAS unused, 1
#define MAKES_LOAD unused, 1
#define MAKES_LOAD_NO_OFFSET unused, 1
#define MAKES_STORE unused, 1
#define MAKES_STORE_NO_OFFSET unused, 1
#define MAKES_HEAP_LOAD unused, 1
#define MAKES_HEAP_STORE unused, 1

#define MAKE_TYPE_0 Inst
#define MAKE_TYPE_1 Value
#define MAKE_TYPE_2 Inst
#define MAKE_PARAM(T, name, get) , T in_##name
#define MAKE_FUNCTION(name, format, set, results) \
    BUILD_CAT(MAKE_TYPE_, BUILD_COUNT results) \
    dv_legal_make_##name(Legal *ctx TERM_TYPE_##set(MAKE_PARAM) TERMS_##format(MAKE_PARAM))
#define MAKE_PROTOTYPE_0(name, format, set, results)
#define MAKE_PROTOTYPE_1(name, format, set, results) MAKE_FUNCTION(name, format, set, results);
#define OP(name, format, set, operands, results, effects, doc) \
    BUILD_CAT(MAKE_PROTOTYPE_, BUILD_PROBE_OR_0(MAKES_##format))(name, format, set, results)
#include "codegen/ir/ops.def"
#undef OP

#endif
