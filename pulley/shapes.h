/* shapes.h - the operand shapes of Pulley instructions: which fields, in which order, where.
 *
 * An instruction is a run of 4-byte words. Byte 0 is the opcode; in the pages behind an escape byte 0 is
 * the escape and byte 1 the opcode. Fields follow in the order of the shape, each aligned to its own size
 * (at most 4); what is left of the last word, and every gap, is zero. So a field needs only two numbers to
 * be found on any page:
 *
 *   F(name, ROLE, size, before)     size in bytes (1, 2, 3, 4, 8); before: bytes of the fields before it,
 *                                   gaps not counted
 *   place = FIELD_PLACE(size, before, header), header 1 on page 0 and 2 elsewhere
 *
 * The name is what bodies in ops.def call the field; the role says what it means to the verifier, the
 * allocator and the text (roles.def). A shape with BR_TABLE's `n` is followed by n + 1 words of branch
 * offsets. Only page 0 may use the field of 3 bytes, which then is the only one.
 */
#ifndef DV_PULLEY_SHAPES_H
#define DV_PULLEY_SHAPES_H

#define FIELD_PLACE(size, before, header) \
    ((size) == 3   ? 1 \
     : (size) == 1 ? (header) + (before) \
     : (size) == 2 ? ((header) + (before) + 1) / 2 * 2 \
                   : ((header) + (before) + 3) / 4 * 4)

/* ---- slots alone ---- */
#define PSHAPE_NONE(F)
#define PSHAPE_D(F) F(d, DST, 1, 0)
#define PSHAPE_A(F) F(a, SRC, 1, 0)
#define PSHAPE_D_A(F) F(d, DST, 1, 0) F(a, SRC, 1, 1)
#define PSHAPE_A_B(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1)
#define PSHAPE_D_A_B(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(b, SRC, 1, 2)
#define PSHAPE_D_ACC_B(F) F(d, DST, 1, 0) F(a, ACC, 1, 1) F(b, SRC, 1, 2)
#define PSHAPE_D_A_ACC(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(b, ACC, 1, 2)
#define PSHAPE_D_A_B_C(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(b, SRC, 1, 2) F(c, SRC, 1, 3)
#define PSHAPE_D_A_B_X_Y(F) PSHAPE_D_A_B(F) F(x, SRC, 1, 3) F(y, SRC, 1, 4)
#define PSHAPE_D_D_A(F) F(d, DST, 1, 0) F(e, DST, 1, 1) F(a, SRC, 1, 2)
#define PSHAPE_D_D_A_B(F) PSHAPE_D_D_A(F) F(b, SRC, 1, 3)
#define PSHAPE_D_D_A_B_C(F) PSHAPE_D_D_A_B(F) F(c, SRC, 1, 4)
#define PSHAPE_D_D_A_B_X_Y(F) PSHAPE_D_D_A_B(F) F(x, SRC, 1, 4) F(y, SRC, 1, 5)
#define PSHAPE_A_B_C(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(c, SRC, 1, 2)
#define PSHAPE_MOVE_MOVE(F) PSHAPE_D_A(F) F(e, DST, 1, 2) F(b, SRC, 1, 3)
#define PSHAPE_MOVE_MOVE_MOVE(F) PSHAPE_MOVE_MOVE(F) F(x, DST, 1, 4) F(y, SRC, 1, 5)

/* ---- slots and a constant ---- */
#define PSHAPE_D_I16(F) F(d, DST, 1, 0) F(i, SIMM, 2, 1)
#define PSHAPE_D_I32(F) F(d, DST, 1, 0) F(i, SIMM, 4, 1)
#define PSHAPE_D_I64(F) F(d, DST, 1, 0) F(i, SIMM, 8, 1)
#define PSHAPE_D_A_I8(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(i, SIMM, 1, 2)
#define PSHAPE_D_ACC_I8(F) F(d, DST, 1, 0) F(a, ACC, 1, 1) F(i, SIMM, 1, 2)
#define PSHAPE_D_A_I32(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(i, SIMM, 4, 2)
#define PSHAPE_A_B_I32(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(i, SIMM, 4, 2)
#define PSHAPE_D_A_B_I8(F) PSHAPE_D_A_B(F) F(i, SIMM, 1, 3)
#define PSHAPE_D_A_SHIFT_I16(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(n, UIMM, 1, 2) F(i, SIMM, 2, 3)
#define PSHAPE_D_A_SHIFT_I32(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(n, UIMM, 1, 2) F(i, SIMM, 4, 3)
#define PSHAPE_D_A_B_TRAP(F) PSHAPE_D_A_B(F) F(code, TRAPCODE, 1, 3)
#define PSHAPE_TRAP(F) F(code, TRAPCODE, 1, 0)
#define PSHAPE_A_TRAP(F) F(a, SRC, 1, 0) F(code, TRAPCODE, 1, 1)
#define PSHAPE_FUEL(F) F(i, UIMM, 3, 0)

/* ---- branches ---- */
#define PSHAPE_JUMP(F) F(off, TARGET, 3, 0)
#define PSHAPE_BR_A(F) F(a, SRC, 1, 0) F(off, TARGET, 2, 1)
#define PSHAPE_BR_ACC(F) F(a, ACC, 1, 0) F(off, TARGET, 2, 1)
#define PSHAPE_BR_A_B(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(off, TARGET, 4, 2)
#define PSHAPE_BR_ACC_B(F) F(a, ACC, 1, 0) F(b, SRC, 1, 1) F(off, TARGET, 4, 2)
#define PSHAPE_BR_A_I16(F) F(a, SRC, 1, 0) F(i, SIMM, 2, 1) F(off, TARGET, 4, 3)
#define PSHAPE_BR_ACC_I16(F) F(a, ACC, 1, 0) F(i, SIMM, 2, 1) F(off, TARGET, 4, 3)
#define PSHAPE_BR_A_I8(F) F(a, SRC, 1, 0) F(i, SIMM, 1, 1) F(off, TARGET, 4, 2)
#define PSHAPE_LOOP(F) F(d, MOD, 1, 0) F(i, SIMM, 1, 1) F(off, TARGET, 4, 2)
#define PSHAPE_LOOP_B(F) F(d, MOD, 1, 0) F(b, SRC, 1, 1) F(i, SIMM, 1, 2) F(off, TARGET, 4, 3)
#define PSHAPE_LOOP_A_B(F) F(d, MOD, 1, 0) F(a, SRC, 1, 1) F(b, SRC, 1, 2) F(off, TARGET, 4, 3)
#define PSHAPE_BR_TABLE(F) F(a, SRC, 1, 0) F(n, ENTRIES, 4, 1)

/* ---- memory; `a` is the index, `i` offset + size ---- */
#define PSHAPE_D_A_END8(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(i, END, 1, 2)
#define PSHAPE_D_ACC_END8(F) F(d, DST, 1, 0) F(a, ACC, 1, 1) F(i, END, 1, 2)
#define PSHAPE_D_A_END32(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(i, END, 4, 2)
#define PSHAPE_D_ACC_END32(F) F(d, DST, 1, 0) F(a, ACC, 1, 1) F(i, END, 4, 2)
#define PSHAPE_A_B_END8(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(i, END, 1, 2)
#define PSHAPE_A_ACC_END8(F) F(a, SRC, 1, 0) F(b, ACC, 1, 1) F(i, END, 1, 2)
#define PSHAPE_A_B_END32(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(i, END, 4, 2)
#define PSHAPE_A_ACC_END32(F) F(a, SRC, 1, 0) F(b, ACC, 1, 1) F(i, END, 4, 2)
#define PSHAPE_D_A_END8_I32(F) PSHAPE_D_A_END8(F) F(j, SIMM, 4, 3)
#define PSHAPE_A_B_END8_I32(F) PSHAPE_A_B_END8(F) F(j, SIMM, 4, 3)
#define PSHAPE_D_A_B_END32(F) PSHAPE_D_A_B(F) F(i, END, 4, 3)
#define PSHAPE_A_C_B_END32(F) F(a, SRC, 1, 0) F(c, SRC, 1, 1) F(b, SRC, 1, 2) F(i, END, 4, 3)
#define PSHAPE_D_END32(F) F(d, DST, 1, 0) F(i, END, 4, 1)
#define PSHAPE_A_END32(F) F(a, SRC, 1, 0) F(i, END, 4, 1)
#define PSHAPE_D_A_END64(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(i, END64, 4, 2)
#define PSHAPE_A_B_END64(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(i, END64, 4, 2)
/* `o` holds the offset, without the size */
#define PSHAPE_D_A_O_M(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(o, SRC, 1, 2) F(m, MEMORY, 4, 3)
#define PSHAPE_A_B_O_M(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(o, SRC, 1, 2) F(m, MEMORY, 4, 3)
#define PSHAPE_D_A_O_B_M(F) PSHAPE_D_A_O(F) F(b, SRC, 1, 3) F(m, MEMORY, 4, 4)
#define PSHAPE_D_A_O_B_C_M(F) PSHAPE_D_A_O(F) F(b, SRC, 1, 3) F(c, SRC, 1, 4) F(m, MEMORY, 4, 5)
#define PSHAPE_D_A_O_B_RMW_M(F) PSHAPE_D_A_O(F) F(b, SRC, 1, 3) F(how, RMW, 1, 4) F(m, MEMORY, 4, 5)
#define PSHAPE_D_A_O(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(o, SRC, 1, 2)
#define PSHAPE_D_A_B_RMW(F) PSHAPE_D_A_B(F) F(how, RMW, 1, 3)
#define PSHAPE_D_D_A_X_Y_RMW(F) PSHAPE_D_D_A(F) F(x, SRC, 1, 3) F(y, SRC, 1, 4) F(how, RMW, 1, 5)
#define PSHAPE_D_D_A_B_C_X_Y(F) PSHAPE_D_D_A_B_C(F) F(x, SRC, 1, 5) F(y, SRC, 1, 6)

/* ---- the frame's memory, below fp ---- */
#define PSHAPE_D_S16(F) F(d, DST, 1, 0) F(s, SPILL, 2, 1)
#define PSHAPE_A_S16(F) F(a, SRC, 1, 0) F(s, SPILL, 2, 1)
#define PSHAPE_D_S32(F) F(d, DST, 1, 0) F(s, SPILL, 4, 1)
#define PSHAPE_A_S32(F) F(a, SRC, 1, 0) F(s, SPILL, 4, 1)
#define PSHAPE_D_BELOW(F) F(d, DST, 1, 0) F(i, BELOW, 4, 1)

/* ---- calls; `k` is where the callee's slots begin, `n` this function's frame ---- */
#define PSHAPE_ENTER(F) F(args, COUNT, 1, 0) F(n, FRAME, 4, 1)
#define PSHAPE_ENTER_BLOCK(F) F(args, COUNT, 1, 0) F(n, FRAME, 4, 1) F(i, EXTRA, 4, 5)
#define PSHAPE_RET_BIG(F) F(results, COUNT, 1, 0) F(n, FRAME, 4, 1)
#define PSHAPE_K_FUNC16(F) F(k, OUT, 1, 0) F(f, FUNC, 2, 1)
#define PSHAPE_K_NUMBER16(F) F(k, OUT, 1, 0) F(f, FUNC_NUMBER, 2, 1)
#define PSHAPE_K_FUNC32(F) F(k, OUT, 1, 0) F(f, FUNC, 4, 1)
#define PSHAPE_K_IMPORT(F) F(k, OUT, 1, 0) F(f, IMPORT, 4, 1)
#define PSHAPE_K_A_TABLE16(F) F(k, OUT, 1, 0) F(a, SRC, 1, 1) F(t, TABLE, 2, 2) F(y, TYPE, 2, 4)
#define PSHAPE_K_A_TABLE32(F) F(k, OUT, 1, 0) F(a, SRC, 1, 1) F(t, TABLE, 4, 2) F(y, TYPE, 4, 6)
#define PSHAPE_K_A_TYPE(F) F(k, OUT, 1, 0) F(a, SRC, 1, 1) F(y, TYPE, 4, 2)
#define PSHAPE_K_HELPER(F) F(k, OUT, 1, 0) F(h, HELPER, 1, 1)
#define PSHAPE_K_A(F) F(k, OUT, 1, 0) F(a, SRC, 1, 1)
#define PSHAPE_K_TAG(F) F(k, OUT, 1, 0) F(g, TAG, 4, 1)
#define PSHAPE_K_A_TAG(F) F(k, OUT, 1, 0) F(a, SRC, 1, 1) F(g, TAG, 4, 2)
#define PSHAPE_TAIL(F) F(f, FUNC, 4, 0)
#define PSHAPE_TAIL_BIG(F) F(args, COUNT, 1, 0) F(f, FUNC, 4, 1) F(n, FRAME, 4, 5)
#define PSHAPE_TAIL_IMPORT(F) F(args, COUNT, 1, 0) F(f, IMPORT, 4, 1) F(n, FRAME, 4, 5)
#define PSHAPE_TAIL_TABLE(F) \
    F(a, SRC, 1, 0) F(args, COUNT, 1, 1) F(t, TABLE, 4, 2) F(y, TYPE, 4, 6) F(n, FRAME, 4, 10)
#define PSHAPE_TAIL_TYPE(F) F(a, SRC, 1, 0) F(args, COUNT, 1, 1) F(y, TYPE, 4, 2) F(n, FRAME, 4, 6)
#define PSHAPE_BLOCK(F) F(s, SPILL, 4, 0) F(i, BLOCK, 4, 4)
#define PSHAPE_A_RESULT(F) F(a, SRC, 1, 0) F(i, RESULT, 2, 1)

/* ---- entities ---- */
#define PSHAPE_D_G16(F) F(d, DST, 1, 0) F(g, GLOBAL, 2, 1)
#define PSHAPE_A_G16(F) F(a, SRC, 1, 0) F(g, GLOBAL, 2, 1)
#define PSHAPE_D_G32(F) F(d, DST, 1, 0) F(g, GLOBAL, 4, 1)
#define PSHAPE_A_G32(F) F(a, SRC, 1, 0) F(g, GLOBAL, 4, 1)
#define PSHAPE_D_D_G32(F) F(d, DST, 1, 0) F(e, DST, 1, 1) F(g, GLOBAL, 4, 2)
#define PSHAPE_A_B_G32(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(g, GLOBAL, 4, 2)
#define PSHAPE_D_M(F) F(d, DST, 1, 0) F(m, MEMORY, 4, 1)
#define PSHAPE_D_A_M(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(m, MEMORY, 4, 2)
#define PSHAPE_A_B_C_M(F) PSHAPE_A_B_C(F) F(m, MEMORY, 4, 3)
#define PSHAPE_A_B_C_M_M(F) PSHAPE_A_B_C_M(F) F(m2, MEMORY, 4, 7)
#define PSHAPE_A_B_C_M_DATA(F) PSHAPE_A_B_C_M(F) F(s, DATA, 4, 7)
#define PSHAPE_DATA(F) F(s, DATA, 4, 0)
#define PSHAPE_D_T(F) F(d, DST, 1, 0) F(t, TABLE, 4, 1)
#define PSHAPE_D_A_T(F) F(d, DST, 1, 0) F(a, SRC, 1, 1) F(t, TABLE, 4, 2)
#define PSHAPE_A_B_T(F) F(a, SRC, 1, 0) F(b, SRC, 1, 1) F(t, TABLE, 4, 2)
#define PSHAPE_D_A_B_T(F) PSHAPE_D_A_B(F) F(t, TABLE, 4, 3)
#define PSHAPE_A_B_C_T(F) PSHAPE_A_B_C(F) F(t, TABLE, 4, 3)
#define PSHAPE_A_B_C_T_T(F) PSHAPE_A_B_C_T(F) F(t2, TABLE, 4, 7)
#define PSHAPE_A_B_C_T_ELEM(F) PSHAPE_A_B_C_T(F) F(s, ELEM, 4, 7)
#define PSHAPE_ELEM(F) F(s, ELEM, 4, 0)
#define PSHAPE_D_REF(F) F(d, DST, 1, 0) F(f, ENTITY, 4, 1)
#define PSHAPE_D_SYMBOL(F) F(d, DST, 1, 0) F(s, SYMBOL, 4, 1)
#define PSHAPE_D_CODE(F) F(d, DST, 1, 0) F(off, TARGET, 4, 1)

/* Every shape that a row may name. */
#define PULLEY_SHAPES(X) \
    X(NONE) \
    X(D) \
    X(A) \
    X(D_A) \
    X(A_B) \
    X(D_A_B) \
    X(D_ACC_B) \
    X(D_A_ACC) \
    X(D_A_B_C) \
    X(D_A_B_X_Y) \
    X(D_D_A) \
    X(D_D_A_B) \
    X(D_D_A_B_C) \
    X(D_D_A_B_X_Y) \
    X(A_B_C) \
    X(D_I16) \
    X(D_I32) \
    X(D_I64) \
    X(D_A_I8) \
    X(D_ACC_I8) \
    X(D_A_I32) \
    X(A_B_I32) \
    X(D_A_B_I8) \
    X(D_A_SHIFT_I16) \
    X(D_A_SHIFT_I32) \
    X(MOVE_MOVE) \
    X(MOVE_MOVE_MOVE) \
    X(D_A_B_TRAP) \
    X(TRAP) \
    X(A_TRAP) \
    X(FUEL) \
    X(JUMP) \
    X(BR_A) \
    X(BR_ACC) \
    X(BR_A_B) \
    X(BR_ACC_B) \
    X(BR_A_I16) \
    X(BR_ACC_I16) \
    X(BR_A_I8) \
    X(LOOP) \
    X(LOOP_B) \
    X(LOOP_A_B) \
    X(BR_TABLE) \
    X(D_A_END8) \
    X(D_ACC_END8) \
    X(D_A_END32) \
    X(D_ACC_END32) \
    X(A_B_END8) \
    X(A_ACC_END8) \
    X(A_B_END32) \
    X(A_ACC_END32) \
    X(D_A_END8_I32) \
    X(A_B_END8_I32) \
    X(D_A_B_END32) \
    X(A_C_B_END32) \
    X(D_END32) \
    X(A_END32) \
    X(D_A_END64) \
    X(A_B_END64) \
    X(D_A_O_M) \
    X(A_B_O_M) \
    X(D_A_O_B_M) \
    X(D_A_O_B_C_M) \
    X(D_A_O_B_RMW_M) \
    X(D_A_B_RMW) \
    X(D_D_A_X_Y_RMW) \
    X(D_D_A_B_C_X_Y) \
    X(D_S16) \
    X(A_S16) \
    X(D_S32) \
    X(A_S32) \
    X(D_BELOW) \
    X(ENTER) \
    X(ENTER_BLOCK) \
    X(RET_BIG) \
    X(K_FUNC16) \
    X(K_NUMBER16) \
    X(K_FUNC32) \
    X(K_IMPORT) \
    X(K_A_TABLE16) \
    X(K_A_TABLE32) \
    X(K_A_TYPE) \
    X(K_HELPER) \
    X(K_A) \
    X(K_TAG) \
    X(K_A_TAG) \
    X(TAIL) \
    X(TAIL_BIG) \
    X(TAIL_IMPORT) \
    X(TAIL_TABLE) \
    X(TAIL_TYPE) \
    X(BLOCK) \
    X(A_RESULT) \
    X(D_G16) \
    X(A_G16) \
    X(D_G32) \
    X(A_G32) \
    X(D_D_G32) \
    X(A_B_G32) \
    X(D_M) \
    X(D_A_M) \
    X(A_B_C_M) \
    X(A_B_C_M_M) \
    X(A_B_C_M_DATA) \
    X(DATA) \
    X(D_T) \
    X(D_A_T) \
    X(A_B_T) \
    X(D_A_B_T) \
    X(A_B_C_T) \
    X(A_B_C_T_T) \
    X(A_B_C_T_ELEM) \
    X(ELEM) \
    X(D_REF) \
    X(D_SYMBOL) \
    X(D_CODE)

#endif
