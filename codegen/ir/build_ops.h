/* build_ops.h - what the builder's function for an operation looks like, derived from its row of
 * ops.def.
 *
 * BUILD_PROTOTYPE(row) is the C prototype, from which builder.c makes the definition and docs.c,
 * as text, the public header, so that the two cannot differ. Parameters are: the controlling type,
 * if neither an operand nor the row fixes it; then what the format spells, in the order of
 * formats.def. BUILD_FILL_format puts those into a BuildRequest (builder.h). An operation without
 * results gives its instruction, others one value or a pair.
 *
 * To test for a token, it is pasted to a prefix: where that makes the name of a macro that expands
 * to two things, the second is the answer, else the default is.
 */
#ifndef DV_IR_BUILD_OPS_H
#define DV_IR_BUILD_OPS_H

#define BUILD_SECOND(a, b, ...) b
#define BUILD_PROBE_OR_0(...) BUILD_SECOND(__VA_ARGS__, 0, unused)
#define BUILD_PROBE_OR_1(...) BUILD_SECOND(__VA_ARGS__, 1, unused)
#define BUILD_CAT(a, b) BUILD_CAT_(a, b)
#define BUILD_CAT_(a, b) a##b
#define BUILD_CAT4(a, b, c, d) BUILD_CAT4_(a, b, c, d)
#define BUILD_CAT4_(a, b, c, d) a##b##c##d

/* Sets of one type, or of none: the type is no parameter. */
#define BUILD_FIXED_None unused, 1
#define BUILD_FIXED_F16 unused, 1
#define BUILD_FIXED_F32 unused, 1
#define BUILD_FIXED_F64 unused, 1
#define BUILD_FIXED_F128 unused, 1
#define BUILD_FIXED_iExt32 unused, 1
#define BUILD_FIXED_I32X4 unused, 1
#define BUILD_IS_FIXED(set) BUILD_PROBE_OR_0(BUILD_FIXED_##set)

/* Whether an operand of spec T tells the type: 1 or 0. */
#define BUILD_IS_T_T unused, 1
#define BUILD_IS_T(spec) BUILD_PROBE_OR_0(BUILD_IS_T_##spec)
#define BUILD_HAS_T(...) BUILD_HAS_T_3(__VA_ARGS__, none, none, unused)
#define BUILD_HAS_T_3(a, b, c, ...) \
    BUILD_CAT4(BUILD_ANY_, BUILD_IS_T(a), BUILD_IS_T(b), BUILD_IS_T(c))
#define BUILD_ANY_000 0
#define BUILD_ANY_001 1
#define BUILD_ANY_010 1
#define BUILD_ANY_011 1
#define BUILD_ANY_100 1
#define BUILD_ANY_101 1
#define BUILD_ANY_110 1
#define BUILD_ANY_111 1

/* TYPED_fixed,has T */
#define BUILD_TYPE_PARAM(set, operands) \
    BUILD_CAT4(BUILD_TYPED_, BUILD_IS_FIXED(set), BUILD_HAS_T operands, )
#define BUILD_TYPED_00 , davit_type_t type
#define BUILD_TYPED_01
#define BUILD_TYPED_10
#define BUILD_TYPED_11
#define BUILD_TYPE_FILL(set, operands) \
    BUILD_CAT4(BUILD_TYPE_, BUILD_IS_FIXED(set), BUILD_HAS_T operands, )
#define BUILD_TYPE_00 , .type = type
#define BUILD_TYPE_01
#define BUILD_TYPE_10
#define BUILD_TYPE_11

/* Number of results in the row: 0, 1, 2. */
#define BUILD_IS_SOME_none unused, 0
#define BUILD_IS_SOME(spec) BUILD_PROBE_OR_1(BUILD_IS_SOME_##spec)
#define BUILD_FIRST(a, ...) BUILD_IS_SOME(a)
#define BUILD_COUNT(...) BUILD_THIRD(__VA_ARGS__, 2, BUILD_FIRST(__VA_ARGS__, unused), unused)
#define BUILD_THIRD(a, b, c, ...) c
#define BUILD_RESULT_0 davit_inst_t
#define BUILD_RESULT_1 davit_value_t
#define BUILD_RESULT_2 davit_pair_t

#define BUILD_PROTOTYPE(name, format, set, operands, results) \
    BUILD_CAT(BUILD_RESULT_, BUILD_COUNT results) \
    davit_ins_##name(davit_builder_t *b BUILD_TYPE_PARAM(set, operands) BUILD_PARAMS_##format)

/* ---- parameters and requests, by format ---- */

#define BUILD_PARAMS_NULLARY
#define BUILD_FILL_NULLARY
#define BUILD_PARAMS_UNARY , davit_value_t x
#define BUILD_FILL_UNARY , .num_args = 1, .args = {x.id}
#define BUILD_PARAMS_UNARY_IMM , int64_t imm
#define BUILD_FILL_UNARY_IMM , .imm = (u64)imm
#define BUILD_PARAMS_UNARY_IEEE16 , uint16_t bits
#define BUILD_FILL_UNARY_IEEE16 , .imm = bits
#define BUILD_PARAMS_UNARY_IEEE32 , uint32_t bits
#define BUILD_FILL_UNARY_IEEE32 , .imm = bits
#define BUILD_PARAMS_UNARY_IEEE64 , uint64_t bits
#define BUILD_FILL_UNARY_IEEE64 , .imm = bits
#define BUILD_PARAMS_UNARY_CONST , davit_constant_t constant
#define BUILD_FILL_UNARY_CONST , .ent = constant.id
#define BUILD_PARAMS_UNARY_GLOBAL_VALUE , davit_global_value_t global
#define BUILD_FILL_UNARY_GLOBAL_VALUE , .ent = global.id
#define BUILD_PARAMS_BINARY , davit_value_t x, davit_value_t y
#define BUILD_FILL_BINARY , .num_args = 2, .args = {x.id, y.id}
#define BUILD_PARAMS_BINARY_IMM8 , davit_value_t x, uint8_t lane
#define BUILD_FILL_BINARY_IMM8 , .num_args = 1, .args = {x.id}, .aux = lane
#define BUILD_PARAMS_TERNARY , davit_value_t x, davit_value_t y, davit_value_t z
#define BUILD_FILL_TERNARY , .num_args = 3, .args = {x.id, y.id, z.id}
#define BUILD_PARAMS_TERNARY_IMM8 , davit_value_t x, davit_value_t y, uint8_t lane
#define BUILD_FILL_TERNARY_IMM8 , .num_args = 2, .args = {x.id, y.id}, .aux = lane
#define BUILD_PARAMS_MULTI_ARY , const davit_value_t *args, size_t num_args
#define BUILD_FILL_MULTI_ARY , .list = args, .num_list = num_args
#define BUILD_PARAMS_SHUFFLE , davit_value_t x, davit_value_t y, const uint8_t *mask
#define BUILD_FILL_SHUFFLE , .num_args = 2, .args = {x.id, y.id}, .mask = mask
#define BUILD_PARAMS_INT_COMPARE , davit_intcc_t cc, davit_value_t x, davit_value_t y
#define BUILD_FILL_INT_COMPARE , .num_args = 2, .args = {x.id, y.id}, .aux = cc
#define BUILD_PARAMS_FLOAT_COMPARE , davit_floatcc_t cc, davit_value_t x, davit_value_t y
#define BUILD_FILL_FLOAT_COMPARE , .num_args = 2, .args = {x.id, y.id}, .aux = cc
#define BUILD_PARAMS_JUMP , davit_dest_t dest
#define BUILD_FILL_JUMP , .num_dests = 1, .dests = {dest}
#define BUILD_PARAMS_BRIF , davit_value_t cond, davit_dest_t then_dest, davit_dest_t else_dest
#define BUILD_FILL_BRIF \
    , .num_args = 1, .args = {cond.id}, .num_dests = 2, .dests = {then_dest, else_dest}
#define BUILD_PARAMS_BRANCH_TABLE \
    , davit_value_t index, davit_dest_t otherwise, const davit_dest_t *table, size_t num_table
#define BUILD_FILL_BRANCH_TABLE \
    , .num_args = 1, .args = {index.id}, .num_dests = 1, .dests = {otherwise}, .table = table, \
      .num_table = num_table
#define BUILD_PARAMS_CALL , davit_func_ref_t callee, const davit_value_t *args, size_t num_args
#define BUILD_FILL_CALL , .ent = callee.id, .list = args, .num_list = num_args
#define BUILD_PARAMS_CALL_INDIRECT \
    , davit_sig_t sig, davit_value_t callee, const davit_value_t *args, size_t num_args
#define BUILD_FILL_CALL_INDIRECT \
    , .ent = sig.id, .num_args = 1, .args = {callee.id}, .list = args, .num_list = num_args
#define BUILD_PARAMS_TRY_CALL \
    , davit_func_ref_t callee, const davit_value_t *args, size_t num_args, \
        const davit_exceptions_t *exceptions
#define BUILD_FILL_TRY_CALL BUILD_FILL_CALL, .exceptions = exceptions
#define BUILD_PARAMS_TRY_CALL_INDIRECT \
    , davit_value_t callee, const davit_value_t *args, size_t num_args, \
        const davit_exceptions_t *exceptions
#define BUILD_FILL_TRY_CALL_INDIRECT \
    , .num_args = 1, .args = {callee.id}, .list = args, .num_list = num_args, \
      .exceptions = exceptions
#define BUILD_PARAMS_FUNC_ADDR , davit_func_ref_t callee
#define BUILD_FILL_FUNC_ADDR , .ent = callee.id
#define BUILD_PARAMS_ATOMIC_RMW \
    , davit_memflags_t flags, davit_rmw_t op, davit_value_t addr, davit_value_t x
#define BUILD_FILL_ATOMIC_RMW , .flags = flags, .aux = op, .num_args = 2, .args = {addr.id, x.id}
#define BUILD_PARAMS_ATOMIC_CAS \
    , davit_memflags_t flags, davit_value_t addr, davit_value_t expected, davit_value_t replacement
#define BUILD_FILL_ATOMIC_CAS \
    , .flags = flags, .num_args = 3, .args = {addr.id, expected.id, replacement.id}
#define BUILD_PARAMS_LOAD , davit_memflags_t flags, davit_value_t addr, int32_t offset
#define BUILD_FILL_LOAD , .flags = flags, .num_args = 1, .args = {addr.id}, .imm = (u64)(i64)offset
#define BUILD_PARAMS_LOAD_NO_OFFSET , davit_memflags_t flags, davit_value_t x
#define BUILD_FILL_LOAD_NO_OFFSET , .flags = flags, .num_args = 1, .args = {x.id}
#define BUILD_PARAMS_STORE \
    , davit_memflags_t flags, davit_value_t x, davit_value_t addr, int32_t offset
#define BUILD_FILL_STORE \
    , .flags = flags, .num_args = 2, .args = {x.id, addr.id}, .imm = (u64)(i64)offset
#define BUILD_PARAMS_STORE_NO_OFFSET , davit_memflags_t flags, davit_value_t x, davit_value_t addr
#define BUILD_FILL_STORE_NO_OFFSET , .flags = flags, .num_args = 2, .args = {x.id, addr.id}
#define BUILD_PARAMS_STACK_ADDR , davit_slot_t slot, int32_t offset
#define BUILD_FILL_STACK_ADDR , .ent = slot.id, .imm = (u64)(i64)offset
#define BUILD_PARAMS_DYNAMIC_STACK_ADDR , davit_dyn_slot_t slot
#define BUILD_FILL_DYNAMIC_STACK_ADDR , .ent = slot.id
#define BUILD_PARAMS_TRAP , davit_trap_t code
#define BUILD_FILL_TRAP , .aux = code
#define BUILD_PARAMS_COND_TRAP , davit_value_t x, davit_trap_t code
#define BUILD_FILL_COND_TRAP , .num_args = 1, .args = {x.id}, .aux = code
#define BUILD_PARAMS_INT_ADD_TRAP , davit_value_t x, davit_value_t y, davit_trap_t code
#define BUILD_FILL_INT_ADD_TRAP , .num_args = 2, .args = {x.id, y.id}, .aux = code
#define BUILD_PARAMS_EXCEPTION_HANDLER_ADDRESS , davit_block_t block, uint32_t index
#define BUILD_FILL_EXCEPTION_HANDLER_ADDRESS , .ent = block.id, .imm = index

#define BUILD_PARAMS_HEAP_LOAD , davit_memory_t memory, davit_value_t index, uint64_t offset
#define BUILD_FILL_HEAP_LOAD , .ent = memory.id, .num_args = 1, .args = {index.id}, .imm = offset
#define BUILD_PARAMS_HEAP_STORE \
    , davit_memory_t memory, davit_value_t x, davit_value_t index, uint64_t offset
#define BUILD_FILL_HEAP_STORE \
    , .ent = memory.id, .num_args = 2, .args = {x.id, index.id}, .imm = offset
#define BUILD_PARAMS_HEAP_LANE BUILD_PARAMS_HEAP_STORE, uint8_t lane
#define BUILD_FILL_HEAP_LANE BUILD_FILL_HEAP_STORE, .aux = lane
#define BUILD_PARAMS_HEAP_ATOMIC_RMW \
    , davit_memory_t memory, davit_rmw_t op, davit_value_t index, davit_value_t x, uint64_t offset
#define BUILD_FILL_HEAP_ATOMIC_RMW \
    , .ent = memory.id, .aux = op, .num_args = 2, .args = {index.id, x.id}, .imm = offset
#define BUILD_PARAMS_HEAP_ATOMIC_CAS \
    , davit_memory_t memory, davit_value_t index, davit_value_t x, davit_value_t y, uint64_t offset
#define BUILD_FILL_HEAP_ATOMIC_CAS \
    , .ent = memory.id, .num_args = 3, .args = {index.id, x.id, y.id}, .imm = offset
#define BUILD_PARAMS_HEAP_NOTIFY \
    , davit_memory_t memory, davit_value_t index, davit_value_t count, uint64_t offset
#define BUILD_FILL_HEAP_NOTIFY \
    , .ent = memory.id, .num_args = 2, .args = {index.id, count.id}, .imm = offset
#define BUILD_PARAMS_MEMORY , davit_memory_t memory
#define BUILD_FILL_MEMORY , .ent = memory.id
#define BUILD_PARAMS_MEMORY_UNARY , davit_memory_t memory, davit_value_t x
#define BUILD_FILL_MEMORY_UNARY , .ent = memory.id, .num_args = 1, .args = {x.id}
#define BUILD_PARAMS_MEMORY_FILL \
    , davit_memory_t memory, davit_value_t index, davit_value_t byte, davit_value_t length
#define BUILD_FILL_MEMORY_FILL \
    , .ent = memory.id, .num_args = 3, .args = {index.id, byte.id, length.id}
#define BUILD_PARAMS_MEMORY_COPY \
    , davit_memory_t to_memory, davit_memory_t from_memory, davit_value_t to, davit_value_t from, \
        davit_value_t length
#define BUILD_FILL_MEMORY_COPY \
    , .ent = to_memory.id, .second = from_memory.id, .num_args = 3, \
      .args = {to.id, from.id, length.id}
#define BUILD_PARAMS_MEMORY_INIT \
    , davit_memory_t memory, davit_data_t data, davit_value_t to, davit_value_t from, \
        davit_value_t length
#define BUILD_FILL_MEMORY_INIT \
    , .ent = memory.id, .second = data.id, .num_args = 3, .args = {to.id, from.id, length.id}
#define BUILD_PARAMS_DATA , davit_data_t data
#define BUILD_FILL_DATA , .ent = data.id
#define BUILD_PARAMS_GLOBAL_GET , davit_global_t global
#define BUILD_FILL_GLOBAL_GET , .ent = global.id
#define BUILD_PARAMS_GLOBAL_SET , davit_global_t global, davit_value_t x
#define BUILD_FILL_GLOBAL_SET , .ent = global.id, .num_args = 1, .args = {x.id}
#define BUILD_PARAMS_TABLE , davit_table_t table
#define BUILD_FILL_TABLE , .ent = table.id
#define BUILD_PARAMS_TABLE_UNARY , davit_table_t table, davit_value_t x
#define BUILD_FILL_TABLE_UNARY , .ent = table.id, .num_args = 1, .args = {x.id}
#define BUILD_PARAMS_TABLE_BINARY , davit_table_t table, davit_value_t x, davit_value_t y
#define BUILD_FILL_TABLE_BINARY , .ent = table.id, .num_args = 2, .args = {x.id, y.id}
#define BUILD_PARAMS_TABLE_FILL \
    , davit_table_t table, davit_value_t index, davit_value_t ref, davit_value_t length
#define BUILD_FILL_TABLE_FILL \
    , .ent = table.id, .num_args = 3, .args = {index.id, ref.id, length.id}
#define BUILD_PARAMS_TABLE_COPY \
    , davit_table_t to_table, davit_table_t from_table, davit_value_t to, davit_value_t from, \
        davit_value_t length
#define BUILD_FILL_TABLE_COPY \
    , .ent = to_table.id, .second = from_table.id, .num_args = 3, \
      .args = {to.id, from.id, length.id}
#define BUILD_PARAMS_TABLE_INIT \
    , davit_table_t table, davit_elem_t elem, davit_value_t to, davit_value_t from, \
        davit_value_t length
#define BUILD_FILL_TABLE_INIT \
    , .ent = table.id, .second = elem.id, .num_args = 3, .args = {to.id, from.id, length.id}
#define BUILD_PARAMS_ELEM , davit_elem_t elem
#define BUILD_FILL_ELEM , .ent = elem.id
#define BUILD_PARAMS_REF_FUNC , davit_wasm_func_t func
#define BUILD_FILL_REF_FUNC , .ent = func.id
#define BUILD_PARAMS_CALL_IMPORT \
    , davit_wasm_func_t callee, const davit_value_t *args, size_t num_args
#define BUILD_FILL_CALL_IMPORT BUILD_FILL_CALL
#define BUILD_PARAMS_CALL_TABLE \
    , davit_table_t table, davit_wasm_type_t type, davit_value_t index, const davit_value_t *args, \
        size_t num_args
#define BUILD_FILL_CALL_TABLE \
    , .ent = table.id, .second = type.id, .num_args = 1, .args = {index.id}, .list = args, \
      .num_list = num_args
#define BUILD_PARAMS_CALL_REF \
    , davit_wasm_type_t type, davit_value_t ref, const davit_value_t *args, size_t num_args
#define BUILD_FILL_CALL_REF \
    , .ent = type.id, .num_args = 1, .args = {ref.id}, .list = args, .num_list = num_args
#define BUILD_PARAMS_TRY_CALL_IMPORT BUILD_PARAMS_CALL_IMPORT, const davit_exceptions_t *exceptions
#define BUILD_FILL_TRY_CALL_IMPORT BUILD_FILL_TRY_CALL
#define BUILD_PARAMS_TRY_CALL_TABLE BUILD_PARAMS_CALL_TABLE, const davit_exceptions_t *exceptions
#define BUILD_FILL_TRY_CALL_TABLE BUILD_FILL_CALL_TABLE, .exceptions = exceptions
#define BUILD_PARAMS_TRY_CALL_REF BUILD_PARAMS_CALL_REF, const davit_exceptions_t *exceptions
#define BUILD_FILL_TRY_CALL_REF BUILD_FILL_CALL_REF, .exceptions = exceptions
#define BUILD_PARAMS_FUEL , uint64_t amount
#define BUILD_FILL_FUEL , .imm = amount
#define BUILD_PARAMS_THROW , davit_tag_t tag, const davit_value_t *args, size_t num_args
#define BUILD_FILL_THROW , .ent = tag.id, .list = args, .num_list = num_args

/* ---- functions with an immediate right operand: OP, OP_imm(b, x, y) is OP(b, x, constant y of
 * x's type) ---- */

#define BUILD_IMM_OPS(X) \
    X(iadd) \
    X(isub) \
    X(imul) \
    X(udiv) \
    X(sdiv) \
    X(urem) \
    X(srem) \
    X(band) \
    X(bor) \
    X(bxor) \
    X(rotl) \
    X(rotr) \
    X(ishl) \
    X(ushr) \
    X(sshr)

#endif
