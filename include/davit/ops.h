/* davit/ops.h - a builder function per operation of CLIF, and the closed sets of names.
 *
 * Printed by `davit docs` from codegen/ir/ops.def and its kin; do not edit. Include
 * davit/codegen.h, which explains builders, values and errors.
 *
 * Each function appends one instruction to the current block. It gives the value computed, a
 * davit_pair_t of two, or, where there are none or a signature tells how many, the instruction.
 * T is the instruction's controlling type: that of its operands, or the parameter `type`. Lists of
 * values and destinations are only read during the call.
 */
#ifndef DAVIT_OPS_H
#define DAVIT_OPS_H

#include "davit/codegen.h"

/* clang-format off */

#ifdef __cplusplus
extern "C" {
#endif

/* How icmp compares: s.. signed, u.. unsigned. */
enum {
    DAVIT_INT_EQ = 0,
    DAVIT_INT_NE = 1,
    DAVIT_INT_SLT = 2,
    DAVIT_INT_SGE = 3,
    DAVIT_INT_SGT = 4,
    DAVIT_INT_SLE = 5,
    DAVIT_INT_ULT = 6,
    DAVIT_INT_UGE = 7,
    DAVIT_INT_UGT = 8,
    DAVIT_INT_ULE = 9,
    DAVIT_INT_COUNT = 10
};

/* How fcmp compares. ord: neither is NaN; uno: one is; u..: or one is NaN. */
enum {
    DAVIT_FLOAT_ORD = 0,
    DAVIT_FLOAT_UNO = 1,
    DAVIT_FLOAT_EQ = 2,
    DAVIT_FLOAT_NE = 3,
    DAVIT_FLOAT_ONE = 4,
    DAVIT_FLOAT_UEQ = 5,
    DAVIT_FLOAT_LT = 6,
    DAVIT_FLOAT_LE = 7,
    DAVIT_FLOAT_GT = 8,
    DAVIT_FLOAT_GE = 9,
    DAVIT_FLOAT_ULT = 10,
    DAVIT_FLOAT_ULE = 11,
    DAVIT_FLOAT_UGT = 12,
    DAVIT_FLOAT_UGE = 13,
    DAVIT_FLOAT_COUNT = 14
};

/* What atomic_rmw writes back. */
enum {
    DAVIT_RMW_ADD = 0,
    DAVIT_RMW_SUB = 1,
    DAVIT_RMW_AND = 2,
    DAVIT_RMW_NAND = 3,
    DAVIT_RMW_OR = 4,
    DAVIT_RMW_XOR = 5,
    DAVIT_RMW_XCHG = 6,
    DAVIT_RMW_UMIN = 7,
    DAVIT_RMW_UMAX = 8,
    DAVIT_RMW_SMIN = 9,
    DAVIT_RMW_SMAX = 10,
    DAVIT_RMW_COUNT = 11
};

/* Calling conventions. */
enum {
    DAVIT_CC_FAST = 0,
    DAVIT_CC_TAIL = 1,
    DAVIT_CC_SYSTEM_V = 2,
    DAVIT_CC_WINDOWS_FASTCALL = 3,
    DAVIT_CC_APPLE_AARCH64 = 4,
    DAVIT_CC_PROBESTACK = 5,
    DAVIT_CC_WINCH = 6,
    DAVIT_CC_PRESERVE_ALL = 7,
    DAVIT_CC_WASM = 8,
    DAVIT_CC_COUNT = 9
};

/* Types as Wasm has them. */
enum {
    DAVIT_WASM_I32 = 0,
    DAVIT_WASM_I64 = 1,
    DAVIT_WASM_F32 = 2,
    DAVIT_WASM_F64 = 3,
    DAVIT_WASM_V128 = 4,
    DAVIT_WASM_FUNCREF = 5,
    DAVIT_WASM_EXTERNREF = 6,
    DAVIT_WASM_EXNREF = 7,
    DAVIT_WASM_COUNT = 8
};

/* Trap codes; 1 to 199 are the embedder's. */
enum {
    /* out of bounds table access */
    DAVIT_TRAP_TABLE_OOB = 200,
    /* undefined element */
    DAVIT_TRAP_UNDEF_ELEM = 201,
    /* uninitialized element */
    DAVIT_TRAP_NULL_ELEM = 202,
    /* null function reference */
    DAVIT_TRAP_NULL_FUNC = 203,
    /* null reference */
    DAVIT_TRAP_NULL_REF = 204,
    /* null i31 reference */
    DAVIT_TRAP_NULL_I31 = 205,
    /* null structure reference */
    DAVIT_TRAP_NULL_STRUCT = 206,
    /* null array reference */
    DAVIT_TRAP_NULL_ARRAY = 207,
    /* null exception reference */
    DAVIT_TRAP_NULL_EXN = 208,
    /* indirect call type mismatch */
    DAVIT_TRAP_BAD_SIG = 209,
    /* unreachable */
    DAVIT_TRAP_UNREACHABLE = 210,
    /* unaligned atomic */
    DAVIT_TRAP_UNALIGNED = 211,
    /* expected shared memory */
    DAVIT_TRAP_NOT_SHARED = 212,
    /* interrupt */
    DAVIT_TRAP_INTERRUPT = 213,
    /* all fuel consumed */
    DAVIT_TRAP_OUT_OF_FUEL = 214,
    /* uncaught exception */
    DAVIT_TRAP_EXCEPTION = 215,
    /* cast failure */
    DAVIT_TRAP_CAST = 216,
    /* out of bounds array access */
    DAVIT_TRAP_ARRAY_OOB = 217,
    /* allocation failure */
    DAVIT_TRAP_ALLOC = 218,
    /* call stack exhausted */
    DAVIT_TRAP_STK_OVF = 251,
    /* out of bounds memory access */
    DAVIT_TRAP_HEAP_OOB = 252,
    /* integer overflow */
    DAVIT_TRAP_INT_OVF = 253,
    /* integer divide by zero */
    DAVIT_TRAP_INT_DIVZ = 254,
    /* invalid conversion to integer */
    DAVIT_TRAP_BAD_TOINT = 255,
    DAVIT_TRAP_USER_LAST = 199
};

/* jump: goes to a block, binding its parameters to the arguments. */
DAVIT_API davit_inst_t davit_ins_jump(davit_builder_t *b, davit_dest_t dest);

/* brif: goes to the first block if the value is not zero, else to the second. Operand: T. T: i8 to
 * i128. */
DAVIT_API davit_inst_t davit_ins_brif(davit_builder_t *b, davit_value_t cond,
    davit_dest_t then_dest, davit_dest_t else_dest);

/* br_table: goes to the block of the table at the index; past its end, to the default, which is
 * written first. Operand: i32. */
DAVIT_API davit_inst_t davit_ins_br_table(davit_builder_t *b, davit_value_t index,
    davit_dest_t otherwise, const davit_dest_t *table, size_t num_table);

/* return: returns the values to the caller. */
DAVIT_API davit_inst_t davit_ins_return(davit_builder_t *b, const davit_value_t *args,
    size_t num_args);

/* call: calls a function declared in the preamble. Results: as the signature says. */
DAVIT_API davit_inst_t davit_ins_call(davit_builder_t *b, davit_func_ref_t callee,
    const davit_value_t *args, size_t num_args);

/* call_indirect: calls the function at an address, by a signature. Operand: T. Results: as the
 * signature says. T: i32 or i64. */
DAVIT_API davit_inst_t davit_ins_call_indirect(davit_builder_t *b, davit_sig_t sig,
    davit_value_t callee, const davit_value_t *args, size_t num_args);

/* return_call: returns what the callee returns, the caller's frame being gone. */
DAVIT_API davit_inst_t davit_ins_return_call(davit_builder_t *b, davit_func_ref_t callee,
    const davit_value_t *args, size_t num_args);

/* return_call_indirect: return_call to an address. Operand: T. T: i32 or i64. */
DAVIT_API davit_inst_t davit_ins_return_call_indirect(davit_builder_t *b, davit_sig_t sig,
    davit_value_t callee, const davit_value_t *args, size_t num_args);

/* func_addr: the address of a function declared in the preamble. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_func_addr(davit_builder_t *b, davit_type_t type,
    davit_func_ref_t callee);

/* try_call: calls; goes to the first block on return, to the first matching item of the table on an
 * exception. */
DAVIT_API davit_inst_t davit_ins_try_call(davit_builder_t *b, davit_func_ref_t callee,
    const davit_value_t *args, size_t num_args, const davit_exceptions_t *exceptions);

/* try_call_indirect: try_call to an address. Operand: T. T: i32 or i64. */
DAVIT_API davit_inst_t davit_ins_try_call_indirect(davit_builder_t *b, davit_value_t callee,
    const davit_value_t *args, size_t num_args, const davit_exceptions_t *exceptions);

/* stack_switch: saves the execution state at the first pointer, continues with the one at the
 * second, handing over the payload; gives the payload handed back. Operands: T; T; T. Result: T. T:
 * i32 or i64. */
DAVIT_API davit_value_t davit_ins_stack_switch(davit_builder_t *b, davit_value_t x, davit_value_t y,
    davit_value_t z);

/* get_exception_handler_address: the address of a handler: the block named ends in a try_call, the
 * number is the item of its table. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_get_exception_handler_address(davit_builder_t *b,
    davit_type_t type, davit_block_t block, uint32_t index);

/* debugtrap: stops for a debugger, then goes on. */
DAVIT_API davit_inst_t davit_ins_debugtrap(davit_builder_t *b);

/* trap: traps. */
DAVIT_API davit_inst_t davit_ins_trap(davit_builder_t *b, davit_trap_t code);

/* trapz: traps if the value is zero. Operand: T. T: i8 to i128. */
DAVIT_API davit_inst_t davit_ins_trapz(davit_builder_t *b, davit_value_t x, davit_trap_t code);

/* trapnz: traps if the value is not zero. Operand: T. T: i8 to i128. */
DAVIT_API davit_inst_t davit_ins_trapnz(davit_builder_t *b, davit_value_t x, davit_trap_t code);

/* nop: does nothing. */
DAVIT_API davit_inst_t davit_ins_nop(davit_builder_t *b);

/* sequence_point: a place that debug tags may hang on; does nothing. */
DAVIT_API davit_inst_t davit_ins_sequence_point(davit_builder_t *b);

/* load: the value in memory at address + offset. Operand: i32 or i64. Result: T. T: any scalar or
 * vector. */
DAVIT_API davit_value_t davit_ins_load(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t addr, int32_t offset);

/* store: writes the value to memory at address + offset. Operands: T; i32 or i64. T: any scalar or
 * vector. */
DAVIT_API davit_inst_t davit_ins_store(davit_builder_t *b, davit_memflags_t flags, davit_value_t x,
    davit_value_t addr, int32_t offset);

/* uload8: 8 bits from memory, zero-extended. Operand: i32 or i64. Result: T. T: i16 to i64. */
DAVIT_API davit_value_t davit_ins_uload8(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t addr, int32_t offset);

/* sload8: 8 bits from memory, sign-extended. Operand: i32 or i64. Result: T. T: i16 to i64. */
DAVIT_API davit_value_t davit_ins_sload8(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t addr, int32_t offset);

/* istore8: writes the low 8 bits to memory. Operands: T; i32 or i64. T: i16 to i64. */
DAVIT_API davit_inst_t davit_ins_istore8(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t x, davit_value_t addr, int32_t offset);

/* uload16: 16 bits from memory, zero-extended. Operand: i32 or i64. Result: T. T: i32, i64. */
DAVIT_API davit_value_t davit_ins_uload16(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t addr, int32_t offset);

/* sload16: 16 bits from memory, sign-extended. Operand: i32 or i64. Result: T. T: i32, i64. */
DAVIT_API davit_value_t davit_ins_sload16(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t addr, int32_t offset);

/* istore16: writes the low 16 bits to memory. Operands: T; i32 or i64. T: i32, i64. */
DAVIT_API davit_inst_t davit_ins_istore16(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t x, davit_value_t addr, int32_t offset);

/* uload32: 32 bits from memory, zero-extended. Operand: i32 or i64. Result: T. T: i64. */
DAVIT_API davit_value_t davit_ins_uload32(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* sload32: 32 bits from memory, sign-extended. Operand: i32 or i64. Result: T. T: i64. */
DAVIT_API davit_value_t davit_ins_sload32(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* istore32: writes the low 32 bits to memory. Operands: T; i32 or i64. T: i64. */
DAVIT_API davit_inst_t davit_ins_istore32(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t x, davit_value_t addr, int32_t offset);

/* uload8x8: eight 8-bit lanes from memory, each zero-extended. Operand: T. Result: i16x8. T: i32 or
 * i64. */
DAVIT_API davit_value_t davit_ins_uload8x8(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* sload8x8: eight 8-bit lanes from memory, each sign-extended. Operand: T. Result: i16x8. T: i32 or
 * i64. */
DAVIT_API davit_value_t davit_ins_sload8x8(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* uload16x4: four 16-bit lanes from memory, each zero-extended. Operand: T. Result: i32x4. T: i32
 * or i64. */
DAVIT_API davit_value_t davit_ins_uload16x4(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* sload16x4: four 16-bit lanes from memory, each sign-extended. Operand: T. Result: i32x4. T: i32
 * or i64. */
DAVIT_API davit_value_t davit_ins_sload16x4(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* uload32x2: two 32-bit lanes from memory, each zero-extended. Operand: T. Result: i64x2. T: i32 or
 * i64. */
DAVIT_API davit_value_t davit_ins_uload32x2(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* sload32x2: two 32-bit lanes from memory, each sign-extended. Operand: T. Result: i64x2. T: i32 or
 * i64. */
DAVIT_API davit_value_t davit_ins_sload32x2(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, int32_t offset);

/* stack_addr: the address of a stack slot plus offset. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_stack_addr(davit_builder_t *b, davit_type_t type,
    davit_slot_t slot, int32_t offset);

/* dynamic_stack_addr: the address of a dynamic stack slot. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_dynamic_stack_addr(davit_builder_t *b, davit_type_t type,
    davit_dyn_slot_t slot);

/* symbol_value: the address of a symbol. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_symbol_value(davit_builder_t *b, davit_type_t type,
    davit_global_value_t global);

/* tls_value: the address of a thread-local symbol in this thread. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_tls_value(davit_builder_t *b, davit_type_t type,
    davit_global_value_t global);

/* get_pinned_reg: the pinned register. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_get_pinned_reg(davit_builder_t *b, davit_type_t type);

/* set_pinned_reg: sets the pinned register. Operand: T. T: i32 or i64. */
DAVIT_API davit_inst_t davit_ins_set_pinned_reg(davit_builder_t *b, davit_value_t x);

/* get_frame_pointer: the frame pointer of this function. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_get_frame_pointer(davit_builder_t *b, davit_type_t type);

/* get_stack_pointer: the stack pointer. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_get_stack_pointer(davit_builder_t *b, davit_type_t type);

/* get_return_address: the address this function returns to. Result: T. T: i32 or i64. */
DAVIT_API davit_value_t davit_ins_get_return_address(davit_builder_t *b, davit_type_t type);

/* atomic_rmw: reads memory, combines it with the operand, writes that back, in one step; gives what
 * was read. Operands: i32 or i64; T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_atomic_rmw(davit_builder_t *b, davit_memflags_t flags,
    davit_rmw_t op, davit_value_t addr, davit_value_t x);

/* atomic_cas: if memory holds the first value, replaces it by the second, in one step; gives what
 * was read. Operands: i32 or i64; T; T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_atomic_cas(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t addr, davit_value_t expected, davit_value_t replacement);

/* atomic_load: load, sequentially consistent. Operand: i32 or i64. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_atomic_load(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t x);

/* atomic_store: store, sequentially consistent. Operands: T; i32 or i64. T: i8 to i128. */
DAVIT_API davit_inst_t davit_ins_atomic_store(davit_builder_t *b, davit_memflags_t flags,
    davit_value_t x, davit_value_t addr);

/* fence: orders all memory accesses before it before all after it. */
DAVIT_API davit_inst_t davit_ins_fence(davit_builder_t *b);

/* iconst: an integer. Result: T. T: i8 to i64. */
DAVIT_API davit_value_t davit_ins_iconst(davit_builder_t *b, davit_type_t type, int64_t imm);

/* f16const: a 16-bit float. Result: T. T: f16. */
DAVIT_API davit_value_t davit_ins_f16const(davit_builder_t *b, uint16_t bits);

/* f32const: a 32-bit float. Result: T. T: f32. */
DAVIT_API davit_value_t davit_ins_f32const(davit_builder_t *b, uint32_t bits);

/* f64const: a 64-bit float. Result: T. T: f64. */
DAVIT_API davit_value_t davit_ins_f64const(davit_builder_t *b, uint64_t bits);

/* f128const: a 128-bit float from the constant pool. Result: T. T: f128. */
DAVIT_API davit_value_t davit_ins_f128const(davit_builder_t *b, davit_constant_t constant);

/* vconst: a vector from the constant pool. Result: T. T: any vector of fixed size. */
DAVIT_API davit_value_t davit_ins_vconst(davit_builder_t *b, davit_type_t type,
    davit_constant_t constant);

/* iadd: x + y mod 2^bits. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_iadd(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* isub: x - y mod 2^bits. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_isub(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* ineg: 0 - x mod 2^bits. Operand: T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_ineg(davit_builder_t *b, davit_value_t x);

/* iabs: |x| as signed; the least value stays as it is. Operand: T. Result: T. T: integers and
 * vectors of them. */
DAVIT_API davit_value_t davit_ins_iabs(davit_builder_t *b, davit_value_t x);

/* imul: x * y mod 2^bits. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_imul(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* umulhi: the high half of the unsigned product. Operands: T; T. Result: T. T: integers and vectors
 * of them. */
DAVIT_API davit_value_t davit_ins_umulhi(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* smulhi: the high half of the signed product. Operands: T; T. Result: T. T: integers and vectors
 * of them. */
DAVIT_API davit_value_t davit_ins_smulhi(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* udiv: x / y, unsigned; y = 0 traps int_divz. Operands: T; T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_udiv(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* sdiv: x / y, signed, toward zero; y = 0 traps int_divz, least / -1 traps int_ovf. Operands: T; T.
 * Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_sdiv(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* urem: x mod y, unsigned; y = 0 traps int_divz. Operands: T; T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_urem(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* srem: x - y * (x / y), signed; y = 0 traps int_divz; least mod -1 is 0. Operands: T; T. Result:
 * T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_srem(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* smin: the lesser, signed. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_smin(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* umin: the lesser, unsigned. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_umin(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* smax: the greater, signed. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_smax(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* umax: the greater, unsigned. Operands: T; T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_umax(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* uadd_overflow: x + y, and 1 if it overflows, unsigned. Operands: T; T. Results: T; i8. T: i8 to
 * i128. */
DAVIT_API davit_pair_t davit_ins_uadd_overflow(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* sadd_overflow: x + y, and 1 if it overflows, signed. Operands: T; T. Results: T; i8. T: i8 to
 * i128. */
DAVIT_API davit_pair_t davit_ins_sadd_overflow(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* usub_overflow: x - y, and 1 if it overflows, unsigned. Operands: T; T. Results: T; i8. T: i8 to
 * i128. */
DAVIT_API davit_pair_t davit_ins_usub_overflow(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* ssub_overflow: x - y, and 1 if it overflows, signed. Operands: T; T. Results: T; i8. T: i8 to
 * i128. */
DAVIT_API davit_pair_t davit_ins_ssub_overflow(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* umul_overflow: x * y, and 1 if it overflows, unsigned. Operands: T; T. Results: T; i8. T: i8 to
 * i64. */
DAVIT_API davit_pair_t davit_ins_umul_overflow(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* smul_overflow: x * y, and 1 if it overflows, signed. Operands: T; T. Results: T; i8. T: i8 to
 * i64. */
DAVIT_API davit_pair_t davit_ins_smul_overflow(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* uadd_overflow_trap: x + y; traps if it overflows, unsigned. Operands: T; T. Result: T. T: i32,
 * i64. */
DAVIT_API davit_value_t davit_ins_uadd_overflow_trap(davit_builder_t *b, davit_value_t x,
    davit_value_t y, davit_trap_t code);

/* uadd_overflow_cin: x + y + 1 if carry-in is not zero, and the carry out, unsigned. Operands: T;
 * T; i8. Results: T; i8. T: i8 to i128. */
DAVIT_API davit_pair_t davit_ins_uadd_overflow_cin(davit_builder_t *b, davit_value_t x,
    davit_value_t y, davit_value_t z);

/* sadd_overflow_cin: x + y + 1 if carry-in is not zero, and 1 if that overflows, signed. Operands:
 * T; T; i8. Results: T; i8. T: i8 to i128. */
DAVIT_API davit_pair_t davit_ins_sadd_overflow_cin(davit_builder_t *b, davit_value_t x,
    davit_value_t y, davit_value_t z);

/* usub_overflow_bin: x - y - 1 if borrow-in is not zero, and the borrow out, unsigned. Operands: T;
 * T; i8. Results: T; i8. T: i8 to i128. */
DAVIT_API davit_pair_t davit_ins_usub_overflow_bin(davit_builder_t *b, davit_value_t x,
    davit_value_t y, davit_value_t z);

/* ssub_overflow_bin: x - y - 1 if borrow-in is not zero, and 1 if that overflows, signed. Operands:
 * T; T; i8. Results: T; i8. T: i8 to i128. */
DAVIT_API davit_pair_t davit_ins_ssub_overflow_bin(davit_builder_t *b, davit_value_t x,
    davit_value_t y, davit_value_t z);

/* band: x and y, bit by bit. Operands: T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_band(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* bor: x or y, bit by bit. Operands: T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_bor(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* bxor: x exclusive or y, bit by bit. Operands: T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_bxor(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* bnot: each bit inverted. Operand: T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_bnot(davit_builder_t *b, davit_value_t x);

/* rotl: x rotated left by y mod the lane width. Operands: T; any of i8 to i128. Result: T. T:
 * integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_rotl(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* rotr: x rotated right by y mod the lane width. Operands: T; any of i8 to i128. Result: T. T:
 * integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_rotr(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* ishl: x shifted left by y mod the lane width. Operands: T; any of i8 to i128. Result: T. T:
 * integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_ishl(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* ushr: x shifted right by y mod the lane width, zeros coming in. Operands: T; any of i8 to i128.
 * Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_ushr(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* sshr: x shifted right by y mod the lane width, sign bits coming in. Operands: T; any of i8 to
 * i128. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_sshr(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* bitrev: bits in reverse order. Operand: T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_bitrev(davit_builder_t *b, davit_value_t x);

/* clz: zero bits above the highest set bit; the width for 0. Operand: T. Result: T. T: i8 to i128.
 * */
DAVIT_API davit_value_t davit_ins_clz(davit_builder_t *b, davit_value_t x);

/* cls: bits below the sign bit that equal it, up to the first that does not. Operand: T. Result: T.
 * T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_cls(davit_builder_t *b, davit_value_t x);

/* ctz: zero bits below the lowest set bit; the width for 0. Operand: T. Result: T. T: i8 to i128.
 * */
DAVIT_API davit_value_t davit_ins_ctz(davit_builder_t *b, davit_value_t x);

/* bswap: bytes in reverse order. Operand: T. Result: T. T: i16 to i128. */
DAVIT_API davit_value_t davit_ins_bswap(davit_builder_t *b, davit_value_t x);

/* popcnt: number of set bits. Operand: T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_popcnt(davit_builder_t *b, davit_value_t x);

/* icmp: whether the integers compare so: 1 or 0; lanes all ones or zeros. Operands: T; T. Result:
 * i8 if T is scalar, else integer lanes of T's shape. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_icmp(davit_builder_t *b, davit_intcc_t cc, davit_value_t x,
    davit_value_t y);

/* fcmp: whether the floats compare so: 1 or 0; lanes all ones or zeros. Operands: T; T. Result: i8
 * if T is scalar, else integer lanes of T's shape. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fcmp(davit_builder_t *b, davit_floatcc_t cc, davit_value_t x,
    davit_value_t y);

/* select: the second operand if the first is not zero, else the third. Operands: any of i8 to i128;
 * T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_select(davit_builder_t *b, davit_value_t x, davit_value_t y,
    davit_value_t z);

/* select_spectre_guard: select that is never turned into a branch, nor speculated past. Operands:
 * any of i8 to i128; T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_select_spectre_guard(davit_builder_t *b, davit_value_t x,
    davit_value_t y, davit_value_t z);

/* bitselect: bit by bit, of the second operand where the first has a one, else of the third.
 * Operands: T; T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_bitselect(davit_builder_t *b, davit_value_t x, davit_value_t y,
    davit_value_t z);

/* bmask: all ones if the operand is not zero, else zero. Operand: any of i8 to i128. Result: T. T:
 * i8 to i128. */
DAVIT_API davit_value_t davit_ins_bmask(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* blendv: lane by lane, of the second operand where the first lane is all ones, of the third where
 * it is zero. Operands: T; T; T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_blendv(davit_builder_t *b, davit_value_t x, davit_value_t y,
    davit_value_t z);

/* fadd: x + y. Operands: T; T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fadd(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* fsub: x - y. Operands: T; T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fsub(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* fmul: x * y. Operands: T; T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fmul(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* fdiv: x / y. Operands: T; T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fdiv(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* sqrt: square root. Operand: T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_sqrt(davit_builder_t *b, davit_value_t x);

/* fma: x * y + z, rounded once. Operands: T; T; T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fma(davit_builder_t *b, davit_value_t x, davit_value_t y,
    davit_value_t z);

/* fneg: sign bit inverted, NaNs too. Operand: T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fneg(davit_builder_t *b, davit_value_t x);

/* fabs: sign bit cleared, NaNs too. Operand: T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fabs(davit_builder_t *b, davit_value_t x);

/* fcopysign: x with the sign bit of y, NaNs too. Operands: T; T. Result: T. T: floats and vectors
 * of them. */
DAVIT_API davit_value_t davit_ins_fcopysign(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* fmin: the lesser; NaN if either is; -0 is less than +0. Operands: T; T. Result: T. T: floats and
 * vectors of them. */
DAVIT_API davit_value_t davit_ins_fmin(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* fmax: the greater; NaN if either is; -0 is less than +0. Operands: T; T. Result: T. T: floats and
 * vectors of them. */
DAVIT_API davit_value_t davit_ins_fmax(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* ceil: the least integral value not below x. Operand: T. Result: T. T: floats and vectors of them.
 * */
DAVIT_API davit_value_t davit_ins_ceil(davit_builder_t *b, davit_value_t x);

/* floor: the greatest integral value not above x. Operand: T. Result: T. T: floats and vectors of
 * them. */
DAVIT_API davit_value_t davit_ins_floor(davit_builder_t *b, davit_value_t x);

/* trunc: the integral part. Operand: T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_trunc(davit_builder_t *b, davit_value_t x);

/* nearest: the nearest integral value, ties to even. Operand: T. Result: T. T: floats and vectors
 * of them. */
DAVIT_API davit_value_t davit_ins_nearest(davit_builder_t *b, davit_value_t x);

/* bitcast: the same bits as another type; between lane shapes, in the byte order named. Operand:
 * any type of as many bits as T. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_bitcast(davit_builder_t *b, davit_type_t type,
    davit_memflags_t flags, davit_value_t x);

/* ireduce: the low bits. Operand: integer of more bits than T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_ireduce(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* uextend: zero-extended. Operand: integer of fewer bits than T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_uextend(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* sextend: sign-extended. Operand: integer of fewer bits than T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_sextend(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* fpromote: the same value in a wider format. Operand: float of fewer bits than T. Result: T. T:
 * f16 to f128. */
DAVIT_API davit_value_t davit_ins_fpromote(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* fdemote: the value rounded to a narrower format. Operand: float of more bits than T. Result: T.
 * T: f16 to f128. */
DAVIT_API davit_value_t davit_ins_fdemote(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* fcvt_to_uint: toward zero to an unsigned integer; NaN traps bad_toint, out of range int_ovf.
 * Operand: float, or vector of floats, of as many lanes as T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_fcvt_to_uint(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* fcvt_to_sint: toward zero to a signed integer; NaN traps bad_toint, out of range int_ovf.
 * Operand: float, or vector of floats, of as many lanes as T. Result: T. T: i8 to i128. */
DAVIT_API davit_value_t davit_ins_fcvt_to_sint(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* fcvt_to_uint_sat: toward zero to the nearest unsigned integer there is; NaN gives 0. Operand:
 * float, or vector of floats, of as many lanes as T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_fcvt_to_uint_sat(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* fcvt_to_sint_sat: toward zero to the nearest signed integer there is; NaN gives 0. Operand:
 * float, or vector of floats, of as many lanes as T. Result: T. T: integers and vectors of them. */
DAVIT_API davit_value_t davit_ins_fcvt_to_sint_sat(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* fcvt_from_uint: an unsigned integer, rounded to nearest, ties to even. Operand: integer, or
 * vector of integers, of as many lanes as T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fcvt_from_uint(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* fcvt_from_sint: a signed integer, rounded to nearest, ties to even. Operand: integer, or vector
 * of integers, of as many lanes as T. Result: T. T: floats and vectors of them. */
DAVIT_API davit_value_t davit_ins_fcvt_from_sint(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* isplit: the low and the high half. Operand: T. Results: integer of half T's bits; integer of half
 * T's bits. T: i16 to i128. */
DAVIT_API davit_pair_t davit_ins_isplit(davit_builder_t *b, davit_value_t x);

/* iconcat: the integer whose low half is x and high half y. Operands: T; T. Result: integer of
 * twice T's bits. T: i8 to i64. */
DAVIT_API davit_value_t davit_ins_iconcat(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* splat: every lane x. Operand: the lane type of T. Result: T. T: any vector. */
DAVIT_API davit_value_t davit_ins_splat(davit_builder_t *b, davit_type_t type, davit_value_t x);

/* swizzle: byte i is x[y[i]], or 0 where y[i] is 16 or more. Operands: i8x16; i8x16. Result: i8x16.
 * */
DAVIT_API davit_value_t davit_ins_swizzle(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* shuffle: byte i is byte mask[i] of x followed by y. Operands: i8x16; i8x16. Result: i8x16. */
DAVIT_API davit_value_t davit_ins_shuffle(davit_builder_t *b, davit_value_t x, davit_value_t y,
    const uint8_t *mask);

/* insertlane: x with lane i replaced by y. Operands: T; the lane type of T. Result: T. T: any
 * vector. */
DAVIT_API davit_value_t davit_ins_insertlane(davit_builder_t *b, davit_value_t x, davit_value_t y,
    uint8_t lane);

/* extractlane: lane i. Operand: T. Result: the lane type of T. T: any vector. */
DAVIT_API davit_value_t davit_ins_extractlane(davit_builder_t *b, davit_value_t x, uint8_t lane);

/* scalar_to_vector: x in lane 0, zeros in the others. Operand: the lane type of T. Result: T. T:
 * any vector. */
DAVIT_API davit_value_t davit_ins_scalar_to_vector(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* vany_true: 1 if any lane is not zero, else 0. Operand: T. Result: i8. T: any vector. */
DAVIT_API davit_value_t davit_ins_vany_true(davit_builder_t *b, davit_value_t x);

/* vall_true: 1 if no lane is zero, else 0. Operand: T. Result: i8. T: any vector. */
DAVIT_API davit_value_t davit_ins_vall_true(davit_builder_t *b, davit_value_t x);

/* vhigh_bits: the sign bit of lane i as bit i; those past the width are dropped. Operand: any
 * vector. Result: T. T: i8 to i64. */
DAVIT_API davit_value_t davit_ins_vhigh_bits(davit_builder_t *b, davit_type_t type,
    davit_value_t x);

/* uadd_sat: x + y, unsigned, saturating. Operands: T; T. Result: T. T: vectors of integers. */
DAVIT_API davit_value_t davit_ins_uadd_sat(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* sadd_sat: x + y, signed, saturating. Operands: T; T. Result: T. T: vectors of integers. */
DAVIT_API davit_value_t davit_ins_sadd_sat(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* usub_sat: x - y, unsigned, saturating. Operands: T; T. Result: T. T: vectors of integers. */
DAVIT_API davit_value_t davit_ins_usub_sat(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* ssub_sat: x - y, signed, saturating. Operands: T; T. Result: T. T: vectors of integers. */
DAVIT_API davit_value_t davit_ins_ssub_sat(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* avg_round: (x + y + 1) / 2, unsigned, without overflow. Operands: T; T. Result: T. T: vectors of
 * integers. */
DAVIT_API davit_value_t davit_ins_avg_round(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* sqmul_round_sat: the product as fixed point with one integer bit, rounded, saturating. Operands:
 * T; T. Result: T. T: vectors of i16, i32. */
DAVIT_API davit_value_t davit_ins_sqmul_round_sat(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* snarrow: lanes of x, then of y, signed, saturated to signed lanes half as wide. Operands: T; T.
 * Result: vector of half the lane width and twice the lanes of T. T: vectors of i16 to i64. */
DAVIT_API davit_value_t davit_ins_snarrow(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* unarrow: lanes of x, then of y, signed, saturated to unsigned lanes half as wide. Operands: T; T.
 * Result: vector of half the lane width and twice the lanes of T. T: vectors of i16 to i64. */
DAVIT_API davit_value_t davit_ins_unarrow(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* uunarrow: lanes of x, then of y, unsigned, saturated to unsigned lanes half as wide. Operands: T;
 * T. Result: vector of half the lane width and twice the lanes of T. T: vectors of i16 to i64. */
DAVIT_API davit_value_t davit_ins_uunarrow(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* swiden_low: the low half of the lanes, sign-extended to twice the width. Operand: T. Result:
 * vector of twice the lane width and half the lanes of T. T: vectors of i8 to i32. */
DAVIT_API davit_value_t davit_ins_swiden_low(davit_builder_t *b, davit_value_t x);

/* swiden_high: the high half of the lanes, sign-extended to twice the width. Operand: T. Result:
 * vector of twice the lane width and half the lanes of T. T: vectors of i8 to i32. */
DAVIT_API davit_value_t davit_ins_swiden_high(davit_builder_t *b, davit_value_t x);

/* uwiden_low: the low half of the lanes, zero-extended to twice the width. Operand: T. Result:
 * vector of twice the lane width and half the lanes of T. T: vectors of i8 to i32. */
DAVIT_API davit_value_t davit_ins_uwiden_low(davit_builder_t *b, davit_value_t x);

/* uwiden_high: the high half of the lanes, zero-extended to twice the width. Operand: T. Result:
 * vector of twice the lane width and half the lanes of T. T: vectors of i8 to i32. */
DAVIT_API davit_value_t davit_ins_uwiden_high(davit_builder_t *b, davit_value_t x);

/* iadd_pairwise: sums of neighbouring lanes of x, then of y. Operands: T; T. Result: T. T: vectors
 * of i8 to i32. */
DAVIT_API davit_value_t davit_ins_iadd_pairwise(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* fvdemote: both lanes demoted, upper lanes zero. Operand: f64x2. Result: f32x4. */
DAVIT_API davit_value_t davit_ins_fvdemote(davit_builder_t *b, davit_value_t x);

/* fvpromote_low: the two low lanes promoted. Operand: f32x4. Result: f64x2. */
DAVIT_API davit_value_t davit_ins_fvpromote_low(davit_builder_t *b, davit_value_t x);

/* extract_vector: the 128-bit part with this index of a dynamic vector. Operand: T. Result: the
 * 128-bit vector of T's lanes. T: any dynamic vector. */
DAVIT_API davit_value_t davit_ins_extract_vector(davit_builder_t *b, davit_value_t x, uint8_t lane);

/* x86_pshufb: byte i is 0 where bit 7 of y[i] is set, else x[y[i] & 15]. Operands: i8x16; i8x16.
 * Result: i8x16. */
DAVIT_API davit_value_t davit_ins_x86_pshufb(davit_builder_t *b, davit_value_t x, davit_value_t y);

/* x86_pmulhrsw: bits 16..1 of (x * y >> 14) + 1. Operands: i16x8; i16x8. Result: i16x8. */
DAVIT_API davit_value_t davit_ins_x86_pmulhrsw(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* x86_pmaddubsw: unsigned bytes of x times signed bytes of y, neighbouring products added,
 * saturating. Operands: i8x16; i8x16. Result: i16x8. */
DAVIT_API davit_value_t davit_ins_x86_pmaddubsw(davit_builder_t *b, davit_value_t x,
    davit_value_t y);

/* x86_cvtt2dq: toward zero to i32; NaN and out of range give the least value. Operand: float, or
 * vector of floats, of as many lanes as T. Result: T. T: i32x4. */
DAVIT_API davit_value_t davit_ins_x86_cvtt2dq(davit_builder_t *b, davit_value_t x);

/* heap_load: the value in a memory. Operand: the index type of the memory named. Result: T. T: any
 * scalar or vector. */
DAVIT_API davit_value_t davit_ins_heap_load(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_uload8: 8 bits from a memory, zero-extended. Operand: the index type of the memory named.
 * Result: T. T: i16 to i64. */
DAVIT_API davit_value_t davit_ins_heap_uload8(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_sload8: 8 bits from a memory, sign-extended. Operand: the index type of the memory named.
 * Result: T. T: i16 to i64. */
DAVIT_API davit_value_t davit_ins_heap_sload8(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_uload16: 16 bits from a memory, zero-extended. Operand: the index type of the memory named.
 * Result: T. T: i32, i64. */
DAVIT_API davit_value_t davit_ins_heap_uload16(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_sload16: 16 bits from a memory, sign-extended. Operand: the index type of the memory named.
 * Result: T. T: i32, i64. */
DAVIT_API davit_value_t davit_ins_heap_sload16(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_uload32: 32 bits from a memory, zero-extended. Operand: the index type of the memory named.
 * Result: T. T: i64. */
DAVIT_API davit_value_t davit_ins_heap_uload32(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_sload32: 32 bits from a memory, sign-extended. Operand: the index type of the memory named.
 * Result: T. T: i64. */
DAVIT_API davit_value_t davit_ins_heap_sload32(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_store: writes the value to a memory. Operands: T; the index type of the memory named. T: any
 * scalar or vector. */
DAVIT_API davit_inst_t davit_ins_heap_store(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset);

/* heap_istore8: writes the low 8 bits to a memory. Operands: T; the index type of the memory named.
 * T: i16 to i64. */
DAVIT_API davit_inst_t davit_ins_heap_istore8(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset);

/* heap_istore16: writes the low 16 bits to a memory. Operands: T; the index type of the memory
 * named. T: i32, i64. */
DAVIT_API davit_inst_t davit_ins_heap_istore16(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset);

/* heap_istore32: writes the low 32 bits to a memory. Operands: T; the index type of the memory
 * named. T: i64. */
DAVIT_API davit_inst_t davit_ins_heap_istore32(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset);

/* heap_uload8x8: eight 8-bit lanes from a memory, each zero-extended. Operand: the index type of
 * the memory named. Result: i16x8. */
DAVIT_API davit_value_t davit_ins_heap_uload8x8(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_sload8x8: eight 8-bit lanes from a memory, each sign-extended. Operand: the index type of
 * the memory named. Result: i16x8. */
DAVIT_API davit_value_t davit_ins_heap_sload8x8(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_uload16x4: four 16-bit lanes from a memory, each zero-extended. Operand: the index type of
 * the memory named. Result: i32x4. */
DAVIT_API davit_value_t davit_ins_heap_uload16x4(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_sload16x4: four 16-bit lanes from a memory, each sign-extended. Operand: the index type of
 * the memory named. Result: i32x4. */
DAVIT_API davit_value_t davit_ins_heap_sload16x4(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_uload32x2: two 32-bit lanes from a memory, each zero-extended. Operand: the index type of
 * the memory named. Result: i64x2. */
DAVIT_API davit_value_t davit_ins_heap_uload32x2(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_sload32x2: two 32-bit lanes from a memory, each sign-extended. Operand: the index type of
 * the memory named. Result: i64x2. */
DAVIT_API davit_value_t davit_ins_heap_sload32x2(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, uint64_t offset);

/* heap_load_splat: one lane from a memory, in every lane. Operand: the index type of the memory
 * named. Result: T. T: vectors of 128 bits. */
DAVIT_API davit_value_t davit_ins_heap_load_splat(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_load_zero: one lane from a memory in lane 0, zeros in the others. Operand: the index type of
 * the memory named. Result: T. T: i32x4, i64x2, f32x4, f64x2. */
DAVIT_API davit_value_t davit_ins_heap_load_zero(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_load_lane: the vector with one lane replaced from a memory. Operands: T; the index type of
 * the memory named. Result: T. T: vectors of 128 bits. */
DAVIT_API davit_value_t davit_ins_heap_load_lane(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset, uint8_t lane);

/* heap_store_lane: writes one lane to a memory. Operands: T; the index type of the memory named. T:
 * vectors of 128 bits. */
DAVIT_API davit_inst_t davit_ins_heap_store_lane(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset, uint8_t lane);

/* heap_atomic_load: heap_load, sequentially consistent; traps unaligned. Operand: the index type of
 * the memory named. Result: T. T: i8 to i64. */
DAVIT_API davit_value_t davit_ins_heap_atomic_load(davit_builder_t *b, davit_type_t type,
    davit_memory_t memory, davit_value_t index, uint64_t offset);

/* heap_atomic_store: heap_store, sequentially consistent; traps unaligned. Operands: T; the index
 * type of the memory named. T: i8 to i64. */
DAVIT_API davit_inst_t davit_ins_heap_atomic_store(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x, davit_value_t index, uint64_t offset);

/* heap_atomic_rmw: atomic_rmw in a memory; traps unaligned. Operands: the index type of the memory
 * named; T. Result: T. T: i8 to i64. */
DAVIT_API davit_value_t davit_ins_heap_atomic_rmw(davit_builder_t *b, davit_memory_t memory,
    davit_rmw_t op, davit_value_t index, davit_value_t x, uint64_t offset);

/* heap_atomic_cas: atomic_cas in a memory; traps unaligned. Operands: the index type of the memory
 * named; T; T. Result: T. T: i8 to i64. */
DAVIT_API davit_value_t davit_ins_heap_atomic_cas(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, davit_value_t x, davit_value_t y, uint64_t offset);

/* heap_wait: waits while memory holds the value, at most so many nanoseconds (negative: for ever):
 * 0 woken, 1 not equal, 2 timed out; traps unaligned, not_shared on memory that is not. Operands:
 * the index type of the memory named; T; i64. Result: i32. T: i32, i64. */
DAVIT_API davit_value_t davit_ins_heap_wait(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, davit_value_t x, davit_value_t y, uint64_t offset);

/* heap_notify: wakes at most so many that wait at the address; gives how many; traps unaligned.
 * Operands: the index type of the memory named; i32. Result: i32. */
DAVIT_API davit_value_t davit_ins_heap_notify(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, davit_value_t count, uint64_t offset);

/* memory_size: pages of a memory. Result: the index type of the memory named. */
DAVIT_API davit_value_t davit_ins_memory_size(davit_builder_t *b, davit_memory_t memory);

/* memory_grow: grows by so many pages; gives the pages before, or -1 if it cannot. Operand: the
 * index type of the memory named. Result: the index type of the memory named. */
DAVIT_API davit_value_t davit_ins_memory_grow(davit_builder_t *b, davit_memory_t memory,
    davit_value_t x);

/* memory_fill: writes a byte (address, byte, length). Operands: the index type of the memory named;
 * i32; the index type of the memory named. */
DAVIT_API davit_inst_t davit_ins_memory_fill(davit_builder_t *b, davit_memory_t memory,
    davit_value_t index, davit_value_t byte, davit_value_t length);

/* memory_copy: copies to the first memory from the second (to, from, length), as if at once.
 * Operands: the index type of the memory named; the index type of the second memory named; the
 * narrower index type of the two memories named. */
DAVIT_API davit_inst_t davit_ins_memory_copy(davit_builder_t *b, davit_memory_t to_memory,
    davit_memory_t from_memory, davit_value_t to, davit_value_t from, davit_value_t length);

/* memory_init: copies from a data segment (to, from, length). Operands: the index type of the
 * memory named; i32; i32. */
DAVIT_API davit_inst_t davit_ins_memory_init(davit_builder_t *b, davit_memory_t memory,
    davit_data_t data, davit_value_t to, davit_value_t from, davit_value_t length);

/* data_drop: empties a data segment. */
DAVIT_API davit_inst_t davit_ins_data_drop(davit_builder_t *b, davit_data_t data);

/* global_get: the value of a global. Result: T. T: any scalar or vector. */
DAVIT_API davit_value_t davit_ins_global_get(davit_builder_t *b, davit_type_t type,
    davit_global_t global);

/* global_set: sets a mutable global. Operand: T. T: any scalar or vector. */
DAVIT_API davit_inst_t davit_ins_global_set(davit_builder_t *b, davit_global_t global,
    davit_value_t x);

/* table_get: the reference at an index; traps table_oob. Operand: the index type of the table
 * named. Result: i32. */
DAVIT_API davit_value_t davit_ins_table_get(davit_builder_t *b, davit_table_t table,
    davit_value_t x);

/* table_set: sets the reference at an index; traps table_oob. Operands: the index type of the table
 * named; i32. */
DAVIT_API davit_inst_t davit_ins_table_set(davit_builder_t *b, davit_table_t table, davit_value_t x,
    davit_value_t y);

/* table_size: elements of a table. Result: the index type of the table named. */
DAVIT_API davit_value_t davit_ins_table_size(davit_builder_t *b, davit_table_t table);

/* table_grow: grows (by the reference, so many times); gives the size before, or -1 if it cannot.
 * Operands: i32; the index type of the table named. Result: the index type of the table named. */
DAVIT_API davit_value_t davit_ins_table_grow(davit_builder_t *b, davit_table_t table,
    davit_value_t x, davit_value_t y);

/* table_fill: sets elements (index, reference, length). Operands: the index type of the table
 * named; i32; the index type of the table named. */
DAVIT_API davit_inst_t davit_ins_table_fill(davit_builder_t *b, davit_table_t table,
    davit_value_t index, davit_value_t ref, davit_value_t length);

/* table_copy: copies to the first table from the second (to, from, length), as if at once.
 * Operands: the index type of the table named; the index type of the second table named; the
 * narrower index type of the two tables named. */
DAVIT_API davit_inst_t davit_ins_table_copy(davit_builder_t *b, davit_table_t to_table,
    davit_table_t from_table, davit_value_t to, davit_value_t from, davit_value_t length);

/* table_init: copies from an element segment (to, from, length). Operands: the index type of the
 * table named; i32; i32. */
DAVIT_API davit_inst_t davit_ins_table_init(davit_builder_t *b, davit_table_t table,
    davit_elem_t elem, davit_value_t to, davit_value_t from, davit_value_t length);

/* elem_drop: empties an element segment. */
DAVIT_API davit_inst_t davit_ins_elem_drop(davit_builder_t *b, davit_elem_t elem);

/* ref_func: the reference to a function. Result: i32. */
DAVIT_API davit_value_t davit_ins_ref_func(davit_builder_t *b, davit_wasm_func_t func);

/* call_import: calls a function entity. Results: as the signature says. */
DAVIT_API davit_inst_t davit_ins_call_import(davit_builder_t *b, davit_wasm_func_t callee,
    const davit_value_t *args, size_t num_args);

/* call_table: calls the function at an index of a table; traps undef_elem past its end, null_elem
 * on null. Operand: the index type of the table named. Results: as the signature says. */
DAVIT_API davit_inst_t davit_ins_call_table(davit_builder_t *b, davit_table_t table,
    davit_wasm_type_t type, davit_value_t index, const davit_value_t *args, size_t num_args);

/* call_ref: calls the function referred to; traps null_func on null. Operand: i32. Results: as the
 * signature says. */
DAVIT_API davit_inst_t davit_ins_call_ref(davit_builder_t *b, davit_wasm_type_t type,
    davit_value_t ref, const davit_value_t *args, size_t num_args);

/* return_call_import: call_import as a tail call. */
DAVIT_API davit_inst_t davit_ins_return_call_import(davit_builder_t *b, davit_wasm_func_t callee,
    const davit_value_t *args, size_t num_args);

/* return_call_table: call_table as a tail call. Operand: the index type of the table named. */
DAVIT_API davit_inst_t davit_ins_return_call_table(davit_builder_t *b, davit_table_t table,
    davit_wasm_type_t type, davit_value_t index, const davit_value_t *args, size_t num_args);

/* return_call_ref: call_ref as a tail call. Operand: i32. */
DAVIT_API davit_inst_t davit_ins_return_call_ref(davit_builder_t *b, davit_wasm_type_t type,
    davit_value_t ref, const davit_value_t *args, size_t num_args);

/* try_call_import: call_import with an exception table. */
DAVIT_API davit_inst_t davit_ins_try_call_import(davit_builder_t *b, davit_wasm_func_t callee,
    const davit_value_t *args, size_t num_args, const davit_exceptions_t *exceptions);

/* try_call_table: call_table with an exception table. Operand: the index type of the table named.
 * */
DAVIT_API davit_inst_t davit_ins_try_call_table(davit_builder_t *b, davit_table_t table,
    davit_wasm_type_t type, davit_value_t index, const davit_value_t *args, size_t num_args,
    const davit_exceptions_t *exceptions);

/* try_call_ref: call_ref with an exception table. Operand: i32. */
DAVIT_API davit_inst_t davit_ins_try_call_ref(davit_builder_t *b, davit_wasm_type_t type,
    davit_value_t ref, const davit_value_t *args, size_t num_args,
    const davit_exceptions_t *exceptions);

/* fuel: uses up so much fuel; traps out_of_fuel if there is less. */
DAVIT_API davit_inst_t davit_ins_fuel(davit_builder_t *b, uint64_t amount);

/* throw: throws a new exception with a tag and arguments; traps exception if nothing catches it. */
DAVIT_API davit_inst_t davit_ins_throw(davit_builder_t *b, davit_tag_t tag,
    const davit_value_t *args, size_t num_args);

/* throw_ref: throws the exception referred to again; traps null_exn on null. Operand: i32. */
DAVIT_API davit_inst_t davit_ins_throw_ref(davit_builder_t *b, davit_value_t x);

/* With a constant on the right: an integer of x's type (in each lane of a vector), as davit_ins_int
 * makes it; of a shift amount, an i32. */
DAVIT_API davit_value_t davit_ins_iadd_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_isub_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_imul_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_udiv_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_sdiv_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_urem_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_srem_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_band_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_bor_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_bxor_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_rotl_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_rotr_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_ishl_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_ushr_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_sshr_imm(davit_builder_t *b, davit_value_t x, int64_t imm);
DAVIT_API davit_value_t davit_ins_icmp_imm(davit_builder_t *b, davit_intcc_t cc, davit_value_t x,
    int64_t imm);

#ifdef __cplusplus
}
#endif
#endif
