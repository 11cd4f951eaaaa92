/* davit/codegen.h - building, reading, checking, printing and evaluating CLIF functions.
 *
 * CLIF is Davit's intermediate representation: functions of basic blocks whose instructions
 * compute typed values, each assigned once. Blocks take parameters where other IRs have phi
 * instructions. docs/ops.md describes every operation. A first function:
 *
 *     davit_context_t *context;
 *     davit_module_t *module;
 *     davit_builder_t *b;
 *     davit_func_t *f;
 *     davit_param_t i32[2] = {{DAVIT_I32}, {DAVIT_I32}};
 *     davit_signature_t sig = {DAVIT_CC_FAST, i32, 2, i32, 1};
 *     davit_context_new(NULL, &context);
 *     davit_module_new(context, &module);
 *     davit_builder_new(module, "%add", &sig, &b);
 *     davit_block_t entry = davit_entry_block(b);
 *     davit_value_t x = davit_block_param(b, entry, 0);
 *     davit_value_t y = davit_block_param(b, entry, 1);
 *     davit_value_t sum = davit_ins_iadd(b, x, y);
 *     davit_ins_return(b, &sum, 1);
 *     davit_status_t status = davit_builder_finish(b, &f);
 *
 * Objects. A context owns memory and the last errors; a module is a set of functions that may call
 * each other by name; a builder makes one function of a module; an evaluator runs a module's
 * functions. A context and everything made from it belong to one thread at a time; contexts are
 * independent of each other. Free evaluators before their module, modules (and builders) before
 * their context.
 *
 * Errors. Calls of a builder need no checks one by one: the first mistake (a wrong type, an
 * instruction after the end of a block, a missing entity) is remembered with the name of the
 * function called, further calls do nothing and give DAVIT_NONE, and davit_builder_finish tells.
 * Running out of memory is remembered in the same way. Everything else that can fail returns a
 * davit_status_t, and davit_error_* give the texts.
 */
#ifndef DAVIT_CODEGEN_H
#define DAVIT_CODEGEN_H

#include "davit/davit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct davit_context davit_context_t;
typedef struct davit_module davit_module_t;
typedef struct davit_builder davit_builder_t;
typedef struct davit_func davit_func_t;
typedef struct davit_eval davit_eval_t;

/* ---- Contexts
 * ------------------------------------------------------------------------------------- */

typedef struct davit_context_options {
    const davit_allocator_t *allocator; /* copied; NULL: malloc and free */
    size_t memory_limit;                /* bytes the context may hold; 0: no limit */
} davit_context_options_t;

/* Makes a context; options may be NULL. The caller frees it. DAVIT_ERROR_MEMORY: *out is NULL. */
DAVIT_API davit_status_t davit_context_new(const davit_context_options_t *options,
                                           davit_context_t **out);
/* Frees a context; its modules must have been freed. NULL is ignored. */
DAVIT_API void davit_context_free(davit_context_t *context);
/* Bytes the context holds now, memory kept for reuse included. */
DAVIT_API size_t davit_context_memory(const davit_context_t *context);

/* ---- Errors
 * --------------------------------------------------------------------------------------- */

/* One thing that is wrong with the input of a call. */
typedef struct davit_error {
    uint32_t line;       /* in the CLIF text, from 1; 0: none, or a function made by a builder */
    uint32_t column;     /* in bytes, from 1; 0: the whole line */
    const char *place;   /* "%f: inst4: v2 = iadd v0, v1", "%f: block1", "davit_ins_iadd", or "" */
    const char *message; /* what is wrong, in English */
} davit_error_t;

/* How many errors were reported by the last call in this context that returned a davit_status_t;
 * at most 1,000 are kept. None if it succeeded; there may be none if memory ran out:
 * davit_status_name then says it all. */
DAVIT_API size_t davit_error_count(const davit_context_t *context);
/* Error number index, the first being the one that decided; valid until the next call that returns
 * a davit_status_t. NULL if there is no such error. */
DAVIT_API const davit_error_t *davit_error_get(const davit_context_t *context, size_t index);

/* ---- Types
 * ---------------------------------------------------------------------------------------- */

/* The type of a value. Bits 0-3 name the lane, bits 4-7 are log2 of the number of lanes, bit 8
 * marks a dynamic vector, whose number of lanes is a minimum. 0 is no type. Integers have no sign:
 * operations do. */
typedef uint16_t davit_type_t;

enum {
    DAVIT_I8 = 1, /* also what comparisons give: 1 or 0 */
    DAVIT_I16,
    DAVIT_I32,
    DAVIT_I64,
    DAVIT_I128,
    DAVIT_F16,
    DAVIT_F32,
    DAVIT_F64,
    DAVIT_F128,
    DAVIT_I8X16 = DAVIT_I8 | 4 << 4,
    DAVIT_I16X8 = DAVIT_I16 | 3 << 4,
    DAVIT_I32X4 = DAVIT_I32 | 2 << 4,
    DAVIT_I64X2 = DAVIT_I64 | 1 << 4,
    DAVIT_F16X8 = DAVIT_F16 | 3 << 4,
    DAVIT_F32X4 = DAVIT_F32 | 2 << 4,
    DAVIT_F64X2 = DAVIT_F64 | 1 << 4
};

/* The vector of `lanes` lanes (a power of two, 2 to 256) of a scalar type; 0 if there is none. */
DAVIT_API davit_type_t davit_vector_type(davit_type_t lane, uint32_t lanes);
/* The dynamic vector of at least so many lanes; 0 if there is none. */
DAVIT_API davit_type_t davit_dynamic_type(davit_type_t lane, uint32_t lanes);
/* Size of a value in bytes: 1 to 4096; 0 if it is no type. */
DAVIT_API size_t davit_type_bytes(davit_type_t type);
/* Writes "i32" or "f32x4" and a NUL into buffer, at least 16 bytes; returns buffer. */
DAVIT_API const char *davit_type_name(davit_type_t type, char *buffer);

/* ---- What a function is made of
 * ------------------------------------------------------------------- */

/* Each names a thing of the function being built by its number in the text: v7 is davit_value_t
 * {7}. They are structures of one number so that passing one for another does not compile. */
#define DAVIT_ID(name) \
    typedef struct name { \
        uint32_t id; \
    } name##_t
DAVIT_ID(davit_value);        /* v0: a value */
DAVIT_ID(davit_inst);         /* an instruction */
DAVIT_ID(davit_block);        /* block0 */
DAVIT_ID(davit_var);          /* a variable, see below */
DAVIT_ID(davit_slot);         /* ss0: a stack slot */
DAVIT_ID(davit_dyn_slot);     /* dss0 */
DAVIT_ID(davit_dyn_type);     /* dt0 */
DAVIT_ID(davit_global_value); /* gv0 */
DAVIT_ID(davit_sig);          /* sig0: a signature */
DAVIT_ID(davit_func_ref);     /* fn0: a function that can be called */
DAVIT_ID(davit_constant);     /* const0 */
DAVIT_ID(davit_region);       /* region0: an alias region */
DAVIT_ID(davit_wasm_type);    /* type0 */
DAVIT_ID(davit_memory);       /* heap0 */
DAVIT_ID(davit_table);        /* table0 */
DAVIT_ID(davit_global);       /* global0 */
DAVIT_ID(davit_wasm_func);    /* func0 */
DAVIT_ID(davit_data);         /* data0 */
DAVIT_ID(davit_elem);         /* elem0 */
DAVIT_ID(davit_tag);          /* tag0 */
#undef DAVIT_ID

/* The id of what a failed call gives. */
#define DAVIT_NONE UINT32_MAX

/* What an operation with two results gives, in their order. */
typedef struct davit_pair {
    davit_value_t first, second;
} davit_pair_t;

/* Constants of these come from davit/ops.h: DAVIT_INT_ULT, DAVIT_FLOAT_LT, DAVIT_RMW_XCHG,
 * DAVIT_CC_FAST, DAVIT_TRAP_HEAP_OOB, DAVIT_WASM_FUNCREF. Trap codes 1 to 199 are yours. */
typedef uint8_t davit_intcc_t;
typedef uint8_t davit_floatcc_t;
typedef uint8_t davit_rmw_t;
typedef uint8_t davit_callconv_t;
typedef uint8_t davit_trap_t;
typedef uint8_t davit_wasm_valtype_t;

/* How a memory access behaves: a trap code in the low byte, or 0 for DAVIT_TRAP_HEAP_OOB, or'ed
 * with any of the bits below and a region. 0 is always right. */
typedef uint32_t davit_memflags_t;

enum {
    DAVIT_MEM_ALIGNED = 0x100,   /* the address is a multiple of the size */
    DAVIT_MEM_READONLY = 0x200,  /* nothing ever writes there while the function runs */
    DAVIT_MEM_LITTLE = 0x400,    /* little-endian; neither: the target's byte order */
    DAVIT_MEM_BIG = 0x800,       /* big-endian */
    DAVIT_MEM_CAN_MOVE = 0x1000, /* may be executed where the program would not have */
    DAVIT_MEM_NOTRAP = 0x2000    /* the access cannot fail */
};

/* The alias region as part of memory flags: accesses of different regions never overlap. Only
 * regions 0 to 65534 can be named so. */
static inline davit_memflags_t davit_mem_region(davit_region_t region)
{
    return (davit_memflags_t)(region.id + 1) << 16;
}

/* Where a branch goes, and the arguments for that block's parameters. `args` is only read during
 * the call. */
typedef struct davit_dest {
    davit_block_t block;
    const davit_value_t *args;
    size_t num_args;
} davit_dest_t;

static inline davit_dest_t davit_to(davit_block_t block)
{
    davit_dest_t dest = {block, NULL, 0};
    return dest;
}

static inline davit_dest_t davit_to_args(davit_block_t block, const davit_value_t *args,
                                         size_t num_args)
{
    davit_dest_t dest = {block, args, num_args};
    return dest;
}

/* In the destinations of a try_ instruction: result n of the call, value n of the exception. */
static inline davit_value_t davit_ret(uint32_t n)
{
    davit_value_t value = {0x80000000u | n};
    return value;
}

static inline davit_value_t davit_exn(uint32_t n)
{
    davit_value_t value = {0xc0000000u | n};
    return value;
}

enum { DAVIT_HANDLER_TAG, DAVIT_HANDLER_DEFAULT, DAVIT_HANDLER_CONTEXT };

/* One item of an exception table; items are tried in order. */
typedef struct davit_handler {
    uint8_t kind;          /* DAVIT_HANDLER_ */
    uint32_t tag;          /* of TAG */
    davit_dest_t dest;     /* of TAG and DEFAULT */
    davit_value_t context; /* of CONTEXT: handed to the run time with the items after it */
} davit_handler_t;

typedef struct davit_exceptions {
    davit_sig_t sig;     /* the callee's signature */
    davit_dest_t normal; /* where an ordinary return goes */
    const davit_handler_t *handlers;
    size_t num_handlers;
} davit_exceptions_t;

/* ---- Signatures
 * ----------------------------------------------------------------------------------- */

enum { DAVIT_EXT_NONE, DAVIT_EXT_UEXT, DAVIT_EXT_SEXT };
enum { DAVIT_PURPOSE_NORMAL, DAVIT_PURPOSE_SARG, DAVIT_PURPOSE_SRET, DAVIT_PURPOSE_VMCTX };

/* A parameter or result. {DAVIT_I32} is an ordinary one. */
typedef struct davit_param {
    davit_type_t type;
    uint8_t extension;   /* DAVIT_EXT_: who passes a small integer extends it so */
    uint8_t purpose;     /* DAVIT_PURPOSE_ */
    uint32_t sarg_bytes; /* of SARG: size of the struct passed by value */
} davit_param_t;

/* The arrays are only read during the call they are given to. */
typedef struct davit_signature {
    davit_callconv_t conv;
    const davit_param_t *params;
    size_t num_params;
    const davit_param_t *results;
    size_t num_results;
} davit_signature_t;

/* ---- Modules
 * -------------------------------------------------------------------------------------- */

/* Makes an empty module. The caller frees it. */
DAVIT_API davit_status_t davit_module_new(davit_context_t *context, davit_module_t **out);
/* Frees a module, its functions and builders not finished; evaluators on it must have been freed.
 * NULL is ignored. */
DAVIT_API void davit_module_free(davit_module_t *module);
/* Reads CLIF text, `size` bytes, and adds its functions. DAVIT_ERROR_INVALID: nothing was added,
 * the error has line and column. The functions are not verified; davit_module_verify does that.
 * The text is not kept. */
DAVIT_API davit_status_t davit_module_parse(davit_module_t *module, const char *text, size_t size);
/* Verifies all functions not verified yet; reports every error. */
DAVIT_API davit_status_t davit_module_verify(davit_module_t *module);
DAVIT_API size_t davit_module_count(const davit_module_t *module);
/* Function number index in the order they were added; NULL if there is none. The module owns it. */
DAVIT_API davit_func_t *davit_module_get(const davit_module_t *module, size_t index);
/* The function added last under a name, spelled as in CLIF: "%fib" or "u0:7"; NULL if there is
 * none. */
DAVIT_API davit_func_t *davit_module_find(const davit_module_t *module, const char *name);

/* The function as CLIF text, NUL-terminated. *text belongs to the module and is valid until the
 * next davit_func_print of any of its functions. size may be NULL. Invalid functions print, too. */
DAVIT_API davit_status_t davit_func_print(davit_func_t *func, const char **text, size_t *size);
/* DAVIT_OK if the function is well formed, else DAVIT_ERROR_INVALID and all that is wrong as
 * errors. */
DAVIT_API davit_status_t davit_func_verify(davit_func_t *func);

/* ---- Builders
 * ------------------------------------------------------------------------------------- */

/* Starts a function of this name ("%fib", "u0:7") and signature. It belongs to the module once it
 * is finished. A name that is no name, or a signature with something that is no type, is
 * remembered as the builder's error. */
DAVIT_API davit_status_t davit_builder_new(davit_module_t *module, const char *name,
                                           const davit_signature_t *sig, davit_builder_t **out);
/* Completes the function, verifies it, adds it to the module and gives it in *out (which may be
 * NULL). The builder is gone afterwards, whatever the status. A mistake made with the builder, or
 * a function that does not verify, is DAVIT_ERROR_INVALID; nothing is added then. Once a variable
 * has been declared, every block must have been sealed. Empty blocks that nothing branches to are
 * dropped. */
DAVIT_API davit_status_t davit_builder_finish(davit_builder_t *b, davit_func_t **out);
/* Drops an unfinished function. NULL is ignored. */
DAVIT_API void davit_builder_cancel(davit_builder_t *b);
/* DAVIT_OK as long as no call of this builder went wrong. */
DAVIT_API davit_status_t davit_builder_status(const davit_builder_t *b);
/* The first mistake: "davit_ins_iadd: ..."; "" if there was none. Valid as long as the builder. */
DAVIT_API const char *davit_builder_message(const davit_builder_t *b);

/* ---- Blocks
 * --------------------------------------------------------------------------------------- */

/* A new block, empty, not yet in the order of blocks: it takes its place there when it is first
 * switched to. */
DAVIT_API davit_block_t davit_block_create(davit_builder_t *b);
/* Adds a parameter to a block and gives its value. */
DAVIT_API davit_value_t davit_block_add_param(davit_builder_t *b, davit_block_t block,
                                              davit_type_t type);
/* Parameter number index of a block, from 0. Those that variables need are not counted. */
DAVIT_API davit_value_t davit_block_param(davit_builder_t *b, davit_block_t block, uint32_t index);
/* Instructions are appended to this block from now on. */
DAVIT_API void davit_block_switch(davit_builder_t *b, davit_block_t block);
/* The block being filled; DAVIT_NONE if there is none. */
DAVIT_API davit_block_t davit_block_current(const davit_builder_t *b);
/* True if the block being filled has ended in a terminator (or there is none), so that nothing can
 * be appended. */
DAVIT_API bool davit_block_is_filled(const davit_builder_t *b);
/* Says that the block is seldom executed. */
DAVIT_API void davit_block_set_cold(davit_builder_t *b, davit_block_t block);
/* The entry block: made at the first call with a parameter per parameter of the signature, sealed,
 * and switched to. Call it before any other block is switched to. Branches cannot go there. */
DAVIT_API davit_block_t davit_entry_block(davit_builder_t *b);

/* ---- Instructions
 * --------------------------------------------------------------------------------- */

/* davit/ops.h has a function per operation. Also: */

/* Result number index of an instruction, from 0: how results of calls are read. */
DAVIT_API davit_value_t davit_inst_result(davit_builder_t *b, davit_inst_t inst, uint32_t index);
DAVIT_API uint32_t davit_inst_num_results(davit_builder_t *b, davit_inst_t inst);
/* The type of a value of the function; 0 if there is no such value. */
DAVIT_API davit_type_t davit_value_type(const davit_builder_t *b, davit_value_t value);
/* Instructions appended from now on carry this source location; UINT32_MAX: none. */
DAVIT_API void davit_set_srcloc(davit_builder_t *b, uint32_t srcloc);

/* A live reference in a stack slot at a call, for garbage collectors. */
typedef struct davit_stack_map_entry {
    davit_type_t type;
    davit_slot_t slot;
    uint32_t offset; /* bytes into the slot */
} davit_stack_map_entry_t;
/* Gives an instruction (a call) its stack map. The entries are copied. */
DAVIT_API void davit_inst_set_stack_map(davit_builder_t *b, davit_inst_t inst,
                                        const davit_stack_map_entry_t *entries, size_t count);

/* What a debugger gets to see at a call or sequence_point: a number or a stack slot. */
typedef struct davit_debug_tag {
    bool is_slot;
    uint32_t value; /* the number, or the id of the slot */
} davit_debug_tag_t;
DAVIT_API void davit_inst_set_debug_tags(davit_builder_t *b, davit_inst_t inst,
                                         const davit_debug_tag_t *tags, size_t count);

/* Constants. An integer of any type from i8 to i128, or a vector, every lane x; x is sign-extended
 * where the type is wider and must fit, as signed or unsigned, where it is narrower. */
DAVIT_API davit_value_t davit_ins_int(davit_builder_t *b, davit_type_t type, int64_t x);
/* The i128 of these halves. */
DAVIT_API davit_value_t davit_ins_i128(davit_builder_t *b, uint64_t low, uint64_t high);
DAVIT_API davit_value_t davit_ins_f32(davit_builder_t *b, float x);
DAVIT_API davit_value_t davit_ins_f64(davit_builder_t *b, double x);
/* Zero of any type: all bits 0. */
DAVIT_API davit_value_t davit_ins_zero(davit_builder_t *b, davit_type_t type);

/* ---- Variables
 * ------------------------------------------------------------------------------------ */

/* A variable may be assigned many times, in any blocks; the builder finds the values that reach
 * each use and adds block parameters where several do. It must know when a block's predecessors
 * are complete: seal a block as soon as the last branch to it has been made (before filling it,
 * for all but loop headers). */

DAVIT_API davit_var_t davit_declare_var(davit_builder_t *b, davit_type_t type);
/* Assigns value to the variable, at the end of the current block so far. */
DAVIT_API void davit_def_var(davit_builder_t *b, davit_var_t var, davit_value_t value);
/* The variable's value at the end of the current block so far. It is a mistake if a path from the
 * entry leads here without assigning it; in unreachable code, it is zero. */
DAVIT_API davit_value_t davit_use_var(davit_builder_t *b, davit_var_t var);
/* No branch to this block will be added any more. */
DAVIT_API void davit_block_seal(davit_builder_t *b, davit_block_t block);
/* Seals every block that exists and is not sealed. */
DAVIT_API void davit_seal_all_blocks(davit_builder_t *b);

/* ---- Switch, if, loop
 * ----------------------------------------------------------------------------- */

/* These make and seal blocks of their own. Code in their bodies keeps what it computes in
 * variables. A body may end in a terminator (return, trap, break). */

typedef struct davit_case {
    uint64_t low, high; /* the key, unsigned; high is 0 but for i128 */
    davit_block_t block;
} davit_case_t;

/* Ends the block: goes to the block whose key value equals, else to `otherwise`. value is i8 to
 * i128; keys must fit its type and differ. Dense runs of keys become br_table, the rest a binary
 * search. The blocks take no parameters and are not sealed. */
DAVIT_API void davit_switch(davit_builder_t *b, davit_value_t value, const davit_case_t *cases,
                            size_t num_cases, davit_block_t otherwise);

/*     davit_if_t i = davit_if_begin(b, condition);
 *     ... when condition is not zero ...
 *     davit_if_else(b, &i);                          (may be left out)
 *     ... otherwise ...
 *     davit_if_end(b, &i);
 */
typedef struct davit_if {
    davit_block_t otherwise, after;
    bool has_else;
} davit_if_t;
DAVIT_API davit_if_t davit_if_begin(davit_builder_t *b, davit_value_t condition);
DAVIT_API void davit_if_else(davit_builder_t *b, davit_if_t *i);
DAVIT_API void davit_if_end(davit_builder_t *b, davit_if_t *i);

/*     davit_loop_t l = davit_loop_begin(b);
 *     davit_loop_while(b, &l, condition);            (leaves when it is zero; any number of times)
 *     ... body ...
 *     davit_loop_end(b, &l);                         back to the beginning
 */
typedef struct davit_loop {
    davit_block_t head, after;
} davit_loop_t;
DAVIT_API davit_loop_t davit_loop_begin(davit_builder_t *b);
DAVIT_API void davit_loop_while(davit_builder_t *b, davit_loop_t *l, davit_value_t condition);
DAVIT_API void davit_loop_break(davit_builder_t *b, davit_loop_t *l);    /* ends the block */
DAVIT_API void davit_loop_continue(davit_builder_t *b, davit_loop_t *l); /* ends the block */
DAVIT_API void davit_loop_end(davit_builder_t *b, davit_loop_t *l);

/* ---- The preamble
 * --------------------------------------------------------------------------------- */

/* Names are spelled as in CLIF: "%name" (a libcall, if it is one's: "%CeilF32") or "u0:7"; they
 * are copied. */

/* A stack slot; align_bytes is a power of two. */
DAVIT_API davit_slot_t davit_declare_slot(davit_builder_t *b, uint32_t size_bytes,
                                          uint32_t align_bytes);
/* A key by which the embedder finds the slot in the compiled function. */
DAVIT_API void davit_slot_set_key(davit_builder_t *b, davit_slot_t slot, uint64_t key);
/* A dynamic vector type, scale times base (a fixed vector), and a stack slot for it. */
DAVIT_API davit_dyn_type_t davit_declare_dyn_type(davit_builder_t *b, davit_type_t base,
                                                  davit_global_value_t scale);
DAVIT_API davit_dyn_slot_t davit_declare_dyn_slot(davit_builder_t *b, davit_dyn_type_t type);

/* Global values: the context pointer; what is loaded from base + offset; base + offset; how many
 * times a vector type fits the target's dynamic vector. */
DAVIT_API davit_global_value_t davit_declare_vmctx(davit_builder_t *b);
DAVIT_API davit_global_value_t davit_declare_global_load(davit_builder_t *b, davit_type_t type,
                                                         davit_memflags_t flags,
                                                         davit_global_value_t base, int32_t offset);
DAVIT_API davit_global_value_t davit_declare_global_add(davit_builder_t *b, davit_type_t type,
                                                        davit_global_value_t base, int64_t offset);
DAVIT_API davit_global_value_t davit_declare_dyn_scale(davit_builder_t *b, davit_type_t vector);

enum {
    DAVIT_COLOCATED = 1, /* near the function: in the same object */
    DAVIT_TLS = 2,       /* of symbols: thread-local */
    DAVIT_PATCHABLE = 4  /* of functions: calls to it can be patched; must be colocated */
};
/* A symbol's address plus offset; flags are COLOCATED and TLS. */
DAVIT_API davit_global_value_t davit_declare_symbol(davit_builder_t *b, const char *name,
                                                    int64_t offset, uint32_t flags);
/* The function traps stk_ovf when its stack pointer would fall below this. */
DAVIT_API void davit_set_stack_limit(davit_builder_t *b, davit_global_value_t limit);

DAVIT_API davit_sig_t davit_declare_signature(davit_builder_t *b, const davit_signature_t *sig);
/* A function to be called or to take the address of; flags are COLOCATED and PATCHABLE. */
DAVIT_API davit_func_ref_t davit_declare_function(davit_builder_t *b, const char *name,
                                                  davit_sig_t sig, uint32_t flags);
/* Bytes for f128const and vconst, little-endian, lane 0 first; copied, equal ones shared. */
DAVIT_API davit_constant_t davit_declare_constant(davit_builder_t *b, const void *bytes,
                                                  size_t size);
/* An alias region: index distinguishes it from others in all functions, name is for readers. */
DAVIT_API davit_region_t davit_declare_region(davit_builder_t *b, uint32_t index, const char *name);

/* Runtime entities: what a Wasm instance holds. `index` is the index in the module; two functions
 * that name memory 0 mean the same one. */
typedef struct davit_memory_desc {
    uint32_t index;
    davit_type_t index_type; /* DAVIT_I32 or DAVIT_I64 */
    uint32_t page_bytes;     /* a power of two; 0: 65,536 */
    uint64_t min_pages, max_pages;
    bool has_max, is_import, is_shared;
} davit_memory_desc_t;
DAVIT_API davit_memory_t davit_declare_memory(davit_builder_t *b, const davit_memory_desc_t *desc);

typedef struct davit_table_desc {
    uint32_t index;
    davit_type_t index_type;   /* DAVIT_I32 or DAVIT_I64 */
    davit_wasm_valtype_t elem; /* a reference type */
    uint64_t min, max;         /* elements */
    bool has_max, is_import;
} davit_table_desc_t;
DAVIT_API davit_table_t davit_declare_table(davit_builder_t *b, const davit_table_desc_t *desc);

typedef struct davit_global_desc {
    uint32_t index;
    davit_type_t type;
    bool is_mutable, is_import;
} davit_global_desc_t;
DAVIT_API davit_global_t davit_declare_global(davit_builder_t *b, const davit_global_desc_t *desc);

/* A Wasm function type, and the signature by which functions of it are called. What the lists tell of a reference is
 * only its kind: where that is not all there is to the type, an index tells types apart. */
typedef struct davit_wasm_type_desc {
    const davit_wasm_valtype_t *params;
    size_t num_params;
    const davit_wasm_valtype_t *results;
    size_t num_results;
    davit_sig_t sig;
    bool has_index;
    uint32_t index; /* in the module */
} davit_wasm_type_desc_t;
DAVIT_API davit_wasm_type_t davit_declare_wasm_type(davit_builder_t *b,
                                                    const davit_wasm_type_desc_t *desc);
/* A function entity; name (which may be NULL) binds it to a CLIF function. */
DAVIT_API davit_wasm_func_t davit_declare_wasm_func(davit_builder_t *b, davit_wasm_type_t type,
                                                    const char *name, bool is_import);
DAVIT_API davit_data_t davit_declare_data(davit_builder_t *b, uint32_t index);
DAVIT_API davit_elem_t davit_declare_elem(davit_builder_t *b, uint32_t index);
DAVIT_API davit_tag_t davit_declare_tag(davit_builder_t *b, uint32_t index, davit_wasm_type_t type,
                                        bool is_import);

/* ---- Evaluation
 * ----------------------------------------------------------------------------------- */

/* The evaluator executes functions as they are, exactly, on any host; it defines what operations
 * mean. Its memory is its own: an address in a function evaluated is never a host pointer. */

/* A value. Types of up to 16 bytes keep it in `bytes`, wider ones where `wide` points; in lane
 * order, each lane little-endian, whatever the host. */
typedef struct davit_const {
    davit_type_t type;
    uint8_t bytes[16];
    const uint8_t
        *wide; /* arguments: the caller's; results: the evaluator's, until its next call */
} davit_const_t;

/* An integer of any type up to i128; x is sign-extended or cut. */
DAVIT_API davit_const_t davit_const_int(davit_type_t type, int64_t x);
DAVIT_API davit_const_t davit_const_f32(float x);
DAVIT_API davit_const_t davit_const_f64(double x);
/* The low 64 bits of a value, sign-extended if it has fewer. */
DAVIT_API int64_t davit_const_to_int(const davit_const_t *c);
/* The value of an f32 or f64; 0 for other types. */
DAVIT_API double davit_const_to_f64(const davit_const_t *c);

typedef struct davit_eval_options {
    bool big_endian;      /* byte order of memory */
    uint8_t address_bits; /* 32 or 64; 0: 64 */
    uint64_t max_steps;   /* instructions a call may execute; 0: no limit */
    uint32_t max_depth;   /* calls inside each other; 0: 100,000 */
    uint64_t max_memory;  /* bytes of all its memories; 0: 1 GiB */
} davit_eval_options_t;

typedef enum davit_outcome {
    DAVIT_RETURNED = 0,
    DAVIT_TRAPPED =
        1, /* `trap` says why; an exception that nothing caught is DAVIT_TRAP_EXCEPTION */
    DAVIT_OUT_OF_STEPS = 2
} davit_outcome_t;

typedef struct davit_result {
    davit_outcome_t outcome;
    davit_trap_t trap;
    size_t num_values;
    const davit_const_t *values; /* the evaluator's, until its next call */
    uint64_t steps;              /* instructions executed */
    uint64_t fuel;               /* used by `fuel` instructions */
} davit_result_t;

/* An evaluator for the functions of a module, those added later included. options may be NULL. The
 * caller frees it. */
DAVIT_API davit_status_t davit_eval_new(davit_module_t *module, const davit_eval_options_t *options,
                                        davit_eval_t **out);
DAVIT_API void davit_eval_free(davit_eval_t *eval); /* NULL is ignored */
/* Verifies what is not verified, then calls func with these arguments. DAVIT_OK: *out says how it
 * ended, be it by a trap. DAVIT_ERROR_INVALID: a function does not verify, the arguments do not
 * match its signature, or it calls what is not there. */
DAVIT_API davit_status_t davit_eval_call(davit_eval_t *eval, davit_func_t *func,
                                         const davit_const_t *args, size_t num_args,
                                         davit_result_t *out);
/* "heap_oob", "user7" into buffer, at least 16 bytes; returns buffer. */
DAVIT_API const char *davit_trap_name(davit_trap_t trap, char *buffer);
/* "out of bounds memory access". The string is static. */
DAVIT_API const char *davit_trap_message(davit_trap_t trap);

/* The instance that runtime entities name by index. It is kept between calls; entities not set
 * here are made when first used, from their declared minimum. set_ functions copy;
 * DAVIT_ERROR_LIMIT: more than max_memory. */
DAVIT_API davit_status_t davit_eval_set_memory(davit_eval_t *eval, uint32_t index,
                                               uint64_t size_bytes);
/* The bytes of a memory, valid until the next call; NULL if there is none. */
DAVIT_API uint8_t *davit_eval_memory(davit_eval_t *eval, uint32_t index, uint64_t *size_bytes);
DAVIT_API davit_status_t davit_eval_set_table(davit_eval_t *eval, uint32_t index, uint64_t count);
/* The references of a table, 0 being null, valid until the next call; NULL if there is none. */
DAVIT_API uint32_t *davit_eval_table(davit_eval_t *eval, uint32_t index, uint64_t *count);
DAVIT_API davit_status_t davit_eval_set_global(davit_eval_t *eval, uint32_t index,
                                               const davit_const_t *value);
/* False if there is none. A value wider than 16 bytes is valid until the next call. */
DAVIT_API bool davit_eval_global(davit_eval_t *eval, uint32_t index, davit_const_t *value);
DAVIT_API davit_status_t davit_eval_set_data(davit_eval_t *eval, uint32_t index, const void *bytes,
                                             size_t size);
DAVIT_API davit_status_t davit_eval_set_elem(davit_eval_t *eval, uint32_t index,
                                             const uint32_t *refs, size_t count);
/* The reference to a function; 0 if memory runs out. */
DAVIT_API uint32_t davit_eval_func_ref(davit_eval_t *eval, davit_func_t *func);
/* What `fuel` instructions may use up; unlimited at first. */
DAVIT_API void davit_eval_set_fuel(davit_eval_t *eval, uint64_t fuel);
/* Forgets the instance. */
DAVIT_API void davit_eval_reset(davit_eval_t *eval);

/* ---- Native code
 * ---------------------------------------------------------------------------------- */

/* A native module is functions compiled for a machine and data, with names that linkers know. It becomes an object
 * file, or is linked in this process's memory and called. Of a CLIF name %f is f, u1:2 is u1_2.
 *
 *     davit_native_new(context, NULL, &native);
 *     davit_native_define_func(native, func, DAVIT_LINK_EXPORT);
 *     davit_native_link(native, NULL, NULL);
 *     int (*add)(int, int) = (int (*)(int, int))davit_native_address(native, "add");
 *
 * What is referred to and not defined is an import. What C is to call, and what C functions are called by, has the
 * convention DAVIT_CC_SYSTEM_V. */
typedef struct davit_native davit_native_t;

/* Models of thread-local data: of any module; of those that are loaded with the program, and of the program itself, in object
 * files for these alone. */
enum { DAVIT_TLS_GENERAL, DAVIT_TLS_INITIAL_EXEC, DAVIT_TLS_LOCAL_EXEC };

typedef struct davit_native_options {
    const char *target; /* as davit targets has them; NULL: "x86_64" */
    const char *source; /* the file that srclocs are lines of, for debuggers; NULL: "davit" */
    bool fast;          /* compile fast rather than well */
    bool check;         /* verify functions, and what the register allocator did */
    bool far_calls;     /* call functions by their addresses, as gcc's -fno-plt, unless colocated */
    bool landing_pads;  /* what is called or jumped to indirectly begins with endbr64 */
    uint8_t tls_model;  /* DAVIT_TLS_: where thread-local data may be that functions use */
    bool perf_map;      /* linked functions are added to /tmp/perf-PID.map, which perf reads */
} davit_native_options_t;

enum {
    DAVIT_LINK_IMPORT, /* defined elsewhere */
    DAVIT_LINK_LOCAL,  /* seen in the module alone */
    DAVIT_LINK_EXPORT, /* seen by all */
    DAVIT_LINK_WEAK /* gives way to another definition of the name; not defined: may be missing, and is NULL */
};

enum { DAVIT_DATA_READONLY = 2, DAVIT_DATA_WRITABLE, DAVIT_DATA_TLS };

/* An address in data: that of a function or data by its name, plus an addend, in 8 bytes at offset. */
typedef struct davit_data_address {
    uint64_t offset;
    const char *name;
    int64_t addend;
} davit_data_address_t;

typedef struct davit_native_data {
    const void *bytes; /* copied; NULL: zeros */
    uint64_t size;
    uint32_t align;                        /* a power of two, up to 4,096 */
    uint8_t kind;                          /* DAVIT_DATA_; TLS: each thread has its own */
    const davit_data_address_t *addresses; /* in order of offset */
    size_t num_addresses;
} davit_native_data_t;

/* An empty module. options may be NULL. The caller frees it, before the context. DAVIT_ERROR_UNSUPPORTED: there is no such
 * target. */
DAVIT_API davit_status_t davit_native_new(davit_context_t *context,
                                          const davit_native_options_t *options,
                                          davit_native_t **out);
/* Frees the module and the memory it was linked in: none of its functions may be running, nor be called again. NULL is
 * ignored. */
DAVIT_API void davit_native_free(davit_native_t *native);
/* Says what the linkage of a name is, ahead of its definition or without one. */
DAVIT_API davit_status_t davit_native_declare(davit_native_t *native, const char *name,
                                              int linkage);
/* Compiles a function, which stays as it is, and defines its name. */
DAVIT_API davit_status_t davit_native_define_func(davit_native_t *native, const davit_func_t *func,
                                                  int linkage);
DAVIT_API davit_status_t davit_native_define_data(davit_native_t *native, const char *name,
                                                  int linkage, const davit_native_data_t *data);
/* The module as a relocatable object file (ELF), position-independent. *bytes belongs to the module. */
DAVIT_API davit_status_t davit_native_object(davit_native_t *native, const uint8_t **bytes,
                                             size_t *size);
/* Gives the address of an import, or NULL if it does not know it. */
typedef void *davit_lookup_t(void *context, const char *name);
/* Links the module in memory, once; nothing can be defined afterwards. Imports come from lookup, which may be NULL;
 * those of Davit's own helpers need none. Debuggers and unwinders are told of the code. Thread-local data are the
 * module's own: none can be imported. Nobody catches traps: code that traps, by a division by 0 say, executes an illegal
 * instruction, and an access of memory that is not there faults as it does in C.
 * DAVIT_ERROR_INVALID: an import or a symbol is missing or out of reach, or it is linked already; DAVIT_ERROR_LIMIT: the module
 * is larger than 1 GiB; DAVIT_ERROR_MEMORY: the system has none for code; DAVIT_ERROR_UNSUPPORTED: this machine is not the
 * target. After an error it may be tried again. */
DAVIT_API davit_status_t davit_native_link(davit_native_t *native, davit_lookup_t *lookup,
                                           void *context);
/* Where a function or data of a linked module is, thread-local data for the calling thread, until it ends; NULL if the
 * module does not define the name. */
DAVIT_API void *davit_native_address(const davit_native_t *native, const char *name);

#ifdef __cplusplus
}
#endif

#include "davit/ops.h"

#endif
