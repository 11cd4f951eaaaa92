/* run_switch.c - the dispatch loop in all its forms. By itself this file is the switch, the form that every C compiler can
 * make; run_goto.c and run_tail.c include it with LOOP_GOTO or LOOP_TAIL defined as 1, run_profile.c with a
 * LOOP_STEP(), which the switch does before each instruction.
 *
 * Each row of pulley/ops.def whose group is in the build becomes a handler: its fields are read into constants, its body is run, and the
 * next instruction is dispatched. The state of the machine is in locals, or in arguments in the tail form:
 *
 *     pc fp       the instruction, slot 0              mem len     base and length of memory 0
 *     acc facc    the accumulator, integer and float (where the host has registers to spare)
 *     vm          everything else
 *
 * A form defines: HANDLER(page, name) before a handler's block, DISPATCH() to go to the instruction at pc, and
 * LEAVE(status) to let dv_interp_leave decide. The words that bodies use are made of these. LEAVE keeps pc at
 * the instruction and the accumulator as it was, so that an access which failed for a length that was out
 * of date is simply run again.
 *
 * Handlers take the address of nothing local: a tail call must be possible from everywhere.
 */
#ifndef LOOP_GOTO
#define LOOP_GOTO 0
#endif
#ifndef LOOP_TAIL
#define LOOP_TAIL 0
#endif
#ifndef LOOP_STEP
#define LOOP_STEP() ((void)0)
#endif

#include "interp/engine.h"
#include "interp/fields.h"
#include "interp/float.h"
#include "interp/groups.h"

#if UINTPTR_MAX > UINT32_MAX
#define LOOP_ACC 1 /* 32-bit hosts have too few registers, for 64 bits least of all */
#else
#define LOOP_ACC 0
#endif

/* Tail calls with registers for eight arguments. */
#if LOOP_TAIL && (DV_HAS_PRESERVE_NONE || !defined(__x86_64__))
#define LOOP_WIDE 1
#else
#define LOOP_WIDE 0
#endif

/* Where control records end: a variable of the loop, if there is a register for it. */
#if LOOP_TAIL && !LOOP_WIDE
#define CONTROL vm->control
#define CONTROL_SAVE() ((void)0)
#define CONTROL_LOAD() ((void)0)
#else
#define CONTROL control
#define CONTROL_SAVE() (vm->control = control)
#define CONTROL_LOAD() (control = vm->control)
#endif

/* ---- slots and the accumulator ---- */

#define U64(slot) (fp[slot])
#define U32(slot) ((u32)fp[slot])
#define S64(slot) ((i64)fp[slot])
#define S32(slot) ((i32)(u32)fp[slot])
#define F64(slot) f64_of(fp[slot])
#define F32(slot) f32_of((u32)fp[slot])
#define U128_OF(low, high) ((U128){fp[low], fp[high]})

#if LOOP_ACC
#define AU64(slot) acc
#define AU32(slot) ((u32)acc)
#define AF64(slot) facc
#define SET_ACC(x) (acc = (x))
#define SET_FACC(x) (facc = (x))
#else
#define AU64(slot) U64(slot)
#define AU32(slot) U32(slot)
#define AF64(slot) F64(slot)
#define SET_ACC(x) ((void)0)
#define SET_FACC(x) ((void)0)
#endif
#define AS64(slot) ((i64)AU64(slot))
#define AS32(slot) ((i32)AU32(slot))
#define AF64_BITS(slot) f64_bits(AF64(slot))
/* A float is not worth an accumulator of its own, or conversions to the double. */
#define AF32(slot) F32(slot)

/* All 64 bits are written, so that the undefined half is the same on every host. */
#define W32(slot, x) \
    do { \
        u32 result_ = (u32)(x); \
        fp[slot] = result_; \
        SET_ACC(result_); \
    } while (0)
#define W64(slot, x) \
    do { \
        u64 result_ = (u64)(x); \
        fp[slot] = result_; \
        SET_ACC(result_); \
    } while (0)
#define WF32(slot, x) \
    do { \
        f32 result_ = (x); \
        fp[slot] = f32_bits(result_); \
    } while (0)
#define WF64(slot, x) \
    do { \
        f64 result_ = (x); \
        fp[slot] = f64_bits(result_); \
        SET_FACC(result_); \
    } while (0)
#define WF32_BITS(slot, x) (fp[slot] = (u32)(x))
#define WF64_BITS(slot, x) \
    do { \
        u64 bits_ = (x); \
        fp[slot] = bits_; \
        SET_FACC(f64_of(bits_)); \
    } while (0)
#define W128(low, high, x) \
    do { \
        U128 result_ = (x); \
        fp[low] = result_.lo; \
        fp[high] = result_.hi; \
    } while (0)

/* ---- integers ---- */

#define SAR32(x, n) ((u32)((i32)(x) >> (n)))
#define SAR64(x, n) ((u64)((i64)(x) >> (n)))
#define ROTL32(x, n) ((x) << (n) | (x) >> ((0 - (n)) & 31))
#define ROTL64(x, n) ((x) << (n) | (x) >> ((0 - (n)) & 63))
#define BSWAP16(x) (((x) >> 8 & 0xff) | ((x)&0xff) << 8)
#define BSWAP32(x) swap_bytes32(x)
#define BSWAP64(x) swap_bytes64(x)
#define BITREV32(x) reverse_bits32(x)
#define BITREV64(x) reverse_bits64(x)
#define MUL_S64(x, y) multiply_signed((x), (y))

static inline u32 swap_bytes32(u32 x)
{
    return x >> 24 | (x >> 8 & 0xff00) | (x & 0xff00) << 8 | x << 24;
}

static inline u64 swap_bytes64(u64 x)
{
    return (u64)swap_bytes32((u32)x) << 32 | swap_bytes32((u32)(x >> 32));
}

static inline u32 reverse_bits32(u32 x)
{
    x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
    return swap_bytes32(x);
}

static inline u64 reverse_bits64(u64 x)
{
    return (u64)reverse_bits32((u32)x) << 32 | reverse_bits32((u32)(x >> 32));
}

static inline U128 multiply_signed(u64 x, u64 y)
{
    U128 product = dv_u128_mul_u64(x, y);
    product.hi -= ((i64)x < 0 ? y : 0) + ((i64)y < 0 ? x : 0);
    return product;
}

/* ---- control ---- */

#define POLL() \
    do { \
        if (DV_UNLIKELY(atomic_load_explicit(&vm->poll, memory_order_relaxed) != 0)) { \
            LEAVE(INTERP_POLL); \
        } \
    } while (0)
#define TAKE(words) \
    do { \
        pc += (words)*4; \
        POLL(); \
        DISPATCH(); \
    } while (0)
#define GOTO() TAKE(off)
#define BRANCH_IF(condition) \
    do { \
        if (condition) { \
            TAKE(off); \
        } \
    } while (0)
#define GOTO_TABLE(x, count) \
    do { \
        u32 entry_ = (x); \
        entry_ = entry_ < (u32)(count) ? entry_ : (u32)(count); \
        TAKE((i64)(i32)load_code32(pc + BYTES + (usize)entry_ * 4)); \
    } while (0)

#define TRAP(code) LEAVE((u32)(code))
#define TRAP_IF(condition, name) TRAP_IF_CODE(condition, PULLEY_TRAP_##name)
#define TRAP_IF_CODE(condition, code) \
    do { \
        if (DV_UNLIKELY(condition)) { \
            LEAVE((u32)(code)); \
        } \
    } while (0)
#define TO_INT(kind, x, bits, is_signed) \
    do { \
        u32 trap_ = float_to_int_trap(kind, (x), (bits), (is_signed)); \
        TRAP_IF_CODE(trap_ != 0, trap_); \
    } while (0)
#define EXIT() LEAVE(INTERP_EXIT)

/* What an out-of-line function may have changed. */
#define RELOAD() (pc = vm->pc, fp = vm->fp, mem = vm->mem, len = vm->len, CONTROL_LOAD())
#define CALL_OUT(status_) \
    do { \
        vm->pc = pc; \
        vm->fp = fp; \
        CONTROL_SAVE(); \
        u32 out_ = (status_); \
        RELOAD(); \
        if (DV_UNLIKELY(out_ != INTERP_GO_ON)) { \
            LEAVE(out_); \
        } \
    } while (0)
#define SLOW(name) CALL_OUT(dv_slow_##name(vm, pc, fp, SIZE))
/* The same, going on where the function has put pc. */
#define SLOW_CALL(name) \
    do { \
        SLOW(name); \
        POLL(); \
        DISPATCH(); \
    } while (0)

/* ---- memory ---- */

#if UINTPTR_MAX > UINT32_MAX
#define HEAP32(p, x, end, size) \
    const u64 end_ = (u64)(x) + (u64)(end); \
    TRAP_IF(end_ > len, heap_oob); \
    u8 *const p = mem + (end_ - (size))
#else
#define HEAP32(p, x, end, size) \
    const u32 least_ = (u32)(end); \
    const u32 end_ = (x) + least_; \
    TRAP_IF(end_ > len || end_ < least_, heap_oob); \
    u8 *const p = mem + (end_ - (size))
#endif
#define HEAP64(p, x, end, size) \
    const u64 index_ = (x); \
    const u64 least_ = (u64)(end); \
    TRAP_IF(index_ > (u64)len - least_ || len < least_, heap_oob); \
    u8 *const p = mem + ((usize)index_ + (usize)least_ - (size))
#define HEAP_ANY(p, m, a, offset, size) \
    u8 *const p = dv_interp_heap(vm, m, fp[a], (offset), (size)); \
    TRAP_IF(p == NULL, heap_oob)

#define RAW(p, slot, offset) u8 *const p = (u8 *)((uintptr_t)fp[slot] + (uintptr_t)(offset))
#define STACK_ADDR(below) ((u64)(uintptr_t)fp - (u64)(below))
#define FRAME_ADDR() ((u64)(uintptr_t)fp)
#define RETURN_ADDR() ((u64)(uintptr_t)CONTROL->pc)
#define CODE_ADDR() ((u64)(uintptr_t)(pc + off * 4))
#define SYMBOL_ADDR(symbol) ((u64)(uintptr_t)vm->instance->symbols[symbol])
#define TLS_ADDR(symbol) SYMBOL_ADDR(symbol) /* an instance belongs to one thread */
#define FUNC_ADDR(entity) dv_interp_func_address(vm, (u32)(entity))
#define PINNED() (vm->pinned)
#define SET_PINNED(x) (vm->pinned = (x))

static inline u16 load_host16(const u8 *p)
{
    u16 x;
    memcpy(&x, p, 2);
    return x;
}

static inline u32 load_host32(const u8 *p)
{
    u32 x;
    memcpy(&x, p, 4);
    return x;
}

static inline u64 load_host64(const u8 *p)
{
    u64 x;
    memcpy(&x, p, 8);
    return x;
}

static inline void store_host16(u8 *p, u16 x)
{
    memcpy(p, &x, 2);
}

static inline void store_host32(u8 *p, u32 x)
{
    memcpy(p, &x, 4);
}

static inline void store_host64(u8 *p, u64 x)
{
    memcpy(p, &x, 8);
}

#define GLOBAL32(number) ((u32)*vm->globals[number])
#define GLOBAL64(number) (*vm->globals[number])
#define SET_GLOBAL32(number, x) (*vm->globals[number] = (u32)(x))
#define SET_GLOBAL64(number, x) (*vm->globals[number] = (x))
#define GLOBAL128(number) ((U128){vm->globals[number][0], vm->globals[number][1]})
#define SET_GLOBAL128(number, x) \
    do { \
        U128 value_ = (x); \
        vm->globals[number][0] = value_.lo; \
        vm->globals[number][1] = value_.hi; \
    } while (0)

/* ---- frames ---- */

#define SPILLED(slot) (fp[-(slot)])
#define SPILL(slot, x) (fp[-(slot)] = (x))

#define FUNC_AT(distance) (pc + (distance)*4)
#define FUNC_OF(number) vm->entries[number]
/* Whether `touched` is not above the red zone of a function at this slot 0, which is below it. */
#define IS_DEEPER(slot) ((usize)((u8 *)vm->touched - (u8 *)(slot)) < RED_ZONE_BYTES)
#define CALL(k, at) \
    do { \
        const u8 *callee_ = (at); \
        InterpRecord *record_ = CONTROL - 1; \
        u64 *next_ = fp + (k); \
        TRAP_IF_CODE((void *)record_ < (void *)vm->touched, INTERP_DEEPER); \
        TRAP_IF_CODE(IS_DEEPER(next_), INTERP_DEEPER); \
        record_->pc = pc + BYTES; \
        record_->fp = fp; \
        CONTROL = record_; \
        fp = next_; \
        pc = callee_; \
        POLL(); \
        DISPATCH(); \
    } while (0)
#define RETURN() \
    do { \
        InterpRecord *record_ = CONTROL; \
        pc = record_->pc; \
        fp = record_->fp; \
        CONTROL = record_ + 1; \
        DISPATCH(); \
    } while (0)
/* Copies slots down to where the frame memory begins, ascending: the places may overlap. */
#define LEAVE_FRAME(count, frame) \
    do { \
        u64 *to_ = fp - (frame); \
        for (i64 slot_ = 0; slot_ < (count); slot_++) { \
            to_[slot_] = fp[slot_]; \
        } \
        fp = to_; \
    } while (0)
#define RETURN_BIG(count, frame) \
    do { \
        LEAVE_FRAME(count, frame); \
        RETURN(); \
    } while (0)
#define TAIL_CALL(at) \
    do { \
        TRAP_IF_CODE(IS_DEEPER(fp), INTERP_DEEPER); \
        pc = (at); \
        POLL(); \
        DISPATCH(); \
    } while (0)
#define TAIL_CALL_BIG(count, at, frame) \
    do { \
        LEAVE_FRAME(count, frame); \
        pc = (at); \
        POLL(); \
        DISPATCH(); \
    } while (0)
/* `extra` is a constant: 0 in enter. */
#define ENTER(count, frame, extra) \
    do { \
        usize room_ = (usize)((u8 *)vm->touched - (u8 *)fp); \
        TRAP_IF_CODE((usize)(frame)*8 + RED_ZONE_BYTES > room_, INTERP_DEEPER); \
        if (BYTES > 8) { \
            SLOW(enter_block); \
        } else { \
            u64 *next_ = fp + (frame); \
            for (i64 slot_ = (count); slot_-- > 0;) { \
                next_[slot_] = fp[slot_]; \
            } \
            fp = next_; \
        } \
    } while (0)
/* With the call that follows; the callee comes before a poll. */
#define ARGS_BLOCK(slot, count) \
    do { \
        SLOW(args_block); \
        DISPATCH(); \
    } while (0)
#define RESULT_STORE(number, x) (result_block(CONTROL)[number] = (x))

/* The block that the caller of the running function gave; verified code asks only if it gave one. */
static inline u64 *result_block(const InterpRecord *control)
{
    return ((const InterpSpecial *)(const void *)control)->results;
}

/* What references name, if it is a function of the same instance and of the type that is wanted. All else, traps
 * among it, is for the functions of calls.c. */
static inline const InterpFunc *near_of_handle(const Interp *vm, u32 handle, i64 type)
{
    const InterpInstance *instance = vm->instance;
    const InterpFunc *func = func_of_handle(vm, handle);
    return func != NULL && func->instance == instance && func->type_id == instance->type_ids[type]
               ? func
               : NULL;
}

static inline const InterpFunc *near_of_table(const Interp *vm, u64 slot, i64 number, i64 type)
{
    const InterpTable *table = vm->instance->tables[number];
    u64 index = as_index(table->index64, slot);
    return index < table->count ? near_of_handle(vm, table->elems[index], type) : NULL;
}

#define CALL_IMPORT(k, f) SLOW_CALL(call_import)
#define CALL_TABLE(k, a, t, y) \
    do { \
        if (BYTES > 8) { \
            SLOW_CALL(call_table_far); \
        } else { \
            const InterpFunc *near_ = near_of_table(vm, U64(a), t, y); \
            if (DV_LIKELY(near_ != NULL)) { \
                CALL(k, FUNC_OF(near_->func)); \
            } \
            REST_OF(call_table); \
        } \
    } while (0)
#define CALL_REF(k, a, y) \
    do { \
        const InterpFunc *near_ = near_of_handle(vm, U32(a), y); \
        if (DV_LIKELY(near_ != NULL)) { \
            CALL(k, FUNC_OF(near_->func)); \
        } \
        REST_OF(call_ref); \
    } while (0)
#define CALL_INDIRECT(k, a, y) SLOW_CALL(call_indirect)
#define TAIL_CALL_IMPORT(args, f, n) SLOW_CALL(return_call_import)
#define TAIL_CALL_TABLE(a, args, t, y, n) SLOW_CALL(return_call_table)
#define TAIL_CALL_REF(a, args, y, n) SLOW_CALL(return_call_ref)
#define TAIL_CALL_INDIRECT(a, args, y, n) SLOW_CALL(return_call_indirect)
#define CALL_HELPER(k, h) CALL_OUT(dv_interp_call_helper((u32)(h), fp + (k)))
#define DEBUGTRAP() SLOW(debugtrap)

#define FUEL(amount) \
    do { \
        u64 fuel_ = vm->fuel; \
        if (DV_UNLIKELY(fuel_ < (u64)(amount))) { \
            LEAVE(INTERP_OUT_OF_FUEL); \
        } \
        vm->fuel = fuel_ == UINT64_MAX ? fuel_ : fuel_ - (u64)(amount); \
    } while (0)

/* ---- the handlers ---- */

#define ROW(page, name, shape, result, group, effects, doc, ...) \
    HANDLER(page, name) \
    { \
        enum { SIZE = PX_SIZE_OF(effects) }; \
        READ_FIELDS(shape, page) \
        __VA_ARGS__; \
        pc += BYTES; \
        DISPATCH(); \
    }

/* A row of ops.def, as another macro takes it, unless its group is not in the build. */
#define HANDLER_ROW(page, name, shape, result, group, ...) \
    IF_GROUP_##group(ROW(page, name, shape, result, group, __VA_ARGS__))

/* An opcode in its page. */
#define OPCODE(page, name) (PULLEY_##name - PULLEY_PAGE##page)
#define ESCAPE(page) (256 - (page))

#define STATE_LOAD() (acc = vm->acc, facc = f64_of(vm->facc))
#define STATE_SAVE() \
    (vm->pc = pc, vm->fp = fp, vm->acc = acc, vm->facc = f64_bits(facc), CONTROL_SAVE())

#if LOOP_TAIL

/* The table of page 0 is an argument where there are registers for more than six; then a dispatch is so short that
 * compilers leave every handler, and both ways out of a branch, their own. (A pointer to void: the type of a
 * handler cannot name itself.) */
#if LOOP_WIDE
#define STATE \
    const u8 *pc, u64 *fp, u8 *mem, usize len, Interp *vm, u64 acc, const void *table, \
        InterpRecord *control, f64 facc
#define STATE_NOW pc, fp, mem, len, vm, acc, table, control, facc
#define PAGE0 ((Handler *const *)table)
#else
#define STATE const u8 *pc, u64 *fp, u8 *mem, usize len, Interp *vm, u64 acc, f64 facc
#define STATE_NOW pc, fp, mem, len, vm, acc, facc
#define PAGE0 page0
#endif
/* What it gives is nothing; ISO C has no void expression to return. */
typedef DV_PRESERVE_NONE u32 Handler(STATE);

#define HANDLER_NAME(name) run_##name
#define HANDLER(page, name) static DV_PRESERVE_NONE u32 HANDLER_NAME(name)(STATE)
#define DISPATCH() DV_MUSTTAIL return PAGE0[*pc](STATE_NOW)
#define LEAVE(status_) \
    do { \
        vm->status = (status_); \
        DV_MUSTTAIL return leave(STATE_NOW); \
    } while (0)

static Handler *const page0[256];
static Handler *const page1[256];
static Handler *const page2[256];

static DV_PRESERVE_NONE u32 leave(STATE)
{
    STATE_SAVE();
    if (dv_interp_leave(vm)) {
        return 0;
    }
    RELOAD();
    STATE_LOAD();
    DISPATCH();
}

/* The rare part of a handler, so that what it saves and restores is not saved by the common part. */
#define REST_OF(name) DV_MUSTTAIL return rest_of_##name(STATE_NOW)
#define REST(name) \
    static DV_NOINLINE DV_PRESERVE_NONE u32 rest_of_##name(STATE) \
    { \
        enum { SIZE = 0 }; \
        SLOW_CALL(name); \
    }
REST(call_table)
REST(call_ref)

static DV_PRESERVE_NONE u32 run_page1(STATE)
{
    DV_MUSTTAIL return page1[pc[1]](STATE_NOW);
}

static DV_PRESERVE_NONE u32 run_page2(STATE)
{
    DV_MUSTTAIL return page2[pc[1]](STATE_NOW);
}

#define OP HANDLER_ROW
#include "pulley/ops.def"
#undef OP

#define IN_PAGE(page, name) [OPCODE(page, name)] = run_##name,
#define IN_PAGE_0_0(name) IN_PAGE(0, name)
#define IN_PAGE_1_1(name) IN_PAGE(1, name)
#define IN_PAGE_2_2(name) IN_PAGE(2, name)
#define IN_PAGE_0_1(name)
#define IN_PAGE_0_2(name)
#define IN_PAGE_1_0(name)
#define IN_PAGE_1_2(name)
#define IN_PAGE_2_0(name)
#define IN_PAGE_2_1(name)

#define OP(page, name, shape, result, group, ...) IF_GROUP_##group(IN_PAGE_0_##page(name))
static Handler *const page0[256] = {
#include "pulley/ops.def"
    [ESCAPE(1)] = run_page1, [ESCAPE(2)] = run_page2};
#undef OP
#define OP(page, name, shape, result, group, ...) IF_GROUP_##group(IN_PAGE_1_##page(name))
static Handler *const page1[256] = {
#include "pulley/ops.def"
};
#undef OP
#define OP(page, name, shape, result, group, ...) IF_GROUP_##group(IN_PAGE_2_##page(name))
static Handler *const page2[256] = {
#include "pulley/ops.def"
    [255] = NULL /* so that it is no empty list without the groups of this page */
};
#undef OP

/* Not to be inlined: a caller with arrays in its frame may not call a function that preserves nothing. */
DV_NOINLINE void dv_interp_run_tail(Interp *vm)
{
    const u8 *pc = vm->pc;
    u64 *fp = vm->fp;
    u8 *mem = vm->mem;
    usize len = vm->len;
    u64 acc = vm->acc;
    f64 facc = f64_of(vm->facc);
#if LOOP_WIDE
    const void *table = page0;
    InterpRecord *control = vm->control;
#endif
    (void)page0[*pc](STATE_NOW);
}

#else

#define REST_OF SLOW_CALL
#define LEAVE(status_) \
    do { \
        vm->status = (status_); \
        goto leave; \
    } while (0)

#if LOOP_GOTO
DV_LABELS_BEGIN
#define RUN dv_interp_run_goto
#define HANDLER(page, name) on_##name:
#define DISPATCH() DV_GOTO(labels[*pc])
/* All pages, one behind the other. */
#define LABEL_OF(page, name) [(page)*256 + OPCODE(page, name)] = DV_LABEL(on_##name),
#define LABEL(page, name, shape, result, group, ...) IF_GROUP_##group(LABEL_OF(page, name))
#define HANDLERS_BEGIN \
    DISPATCH(); \
    on_page1: \
    DV_GOTO(labels[256 + pc[1]]); \
    on_page2: \
    DV_GOTO(labels[512 + pc[1]]);
#define HANDLERS_END
#else
#define RUN dv_interp_run_switch
#define HANDLER(page, name) case (page)*256 + OPCODE(page, name):
#define DISPATCH() goto dispatch
#define HANDLERS_BEGIN \
    u32 opcode; \
    dispatch: \
    LOOP_STEP(); \
    opcode = *pc; \
    opcode_known: \
    switch (opcode) { \
    case ESCAPE(1): \
        opcode = 256u + pc[1]; \
        goto opcode_known; \
    case ESCAPE(2): \
        opcode = 512u + pc[1]; \
        goto opcode_known; \
    default: \
        UNREACHABLE(); /* verified code */
#define HANDLERS_END }
#endif

void RUN(Interp *vm)
{
    const u8 *pc;
    u64 *fp;
    u8 *mem;
    usize len;
    InterpRecord *control;
    u64 acc;
    f64 facc;
#if LOOP_GOTO
    static const void *const labels[3 * 256] = {
#define OP LABEL
#include "pulley/ops.def"
#undef OP
        [ESCAPE(1)] = DV_LABEL(on_page1),
        [ESCAPE(2)] = DV_LABEL(on_page2),
    };
#endif
    RELOAD();
    STATE_LOAD();
    HANDLERS_BEGIN
#define OP HANDLER_ROW
#include "pulley/ops.def"
#undef OP
    HANDLERS_END
leave:
    STATE_SAVE();
    if (dv_interp_leave(vm)) {
        return;
    }
    RELOAD();
    STATE_LOAD();
    DISPATCH();
}

#if LOOP_GOTO
DV_LABELS_END
#endif

#endif
