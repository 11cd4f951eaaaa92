/* pulley.h - the bytecode: its operations, its instructions, modules of it, and everything that reads or
 * writes them. docs/pulley.md explains the machine; ops.def is the list of operations.
 *
 * Code is a sequence of 4-byte words, little-endian unless a module says otherwise. All functions here work
 * on any host and on hostile bytes: dv_pulley_decode and dv_pulley_verify never read outside of what they are
 * given and never recurse.
 */
#ifndef DV_PULLEY_PULLEY_H
#define DV_PULLEY_PULLEY_H

#include "base/bitset.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "pulley/shapes.h"

enum {
    PULLEY_VERSION = 2, /* of the encoding; changes with every change of ops.def or shapes.h */
    PULLEY_WINDOW_SLOTS = 256, /* the largest window, and the red zone above every frame */
    PULLEY_ARGS_MAX = 48, /* argument and result slots in the window; the rest lie in a block */
    PULLEY_TYPE_SLOTS_MAX = 2048, /* argument, or result, slots of a type */
    PULLEY_FRAME_MAX = 1 << 28,   /* slots of frame memory: 2 GiB, the limit of a stack slot */
    PULLEY_CODE_MAX = 16 << 20,   /* bytes of one function: branches of 24 bits span it */
    PULLEY_FIELDS_MAX = 8,        /* fields of an instruction */
    PULLEY_INST_MAX = 16          /* bytes of an instruction without the entries of br_table */
};

/* ---- operations ---- */

/* An operation's number is its row; its opcode is the row's place in its page. */
typedef enum PulleyOp {
#define PAGE(n) PULLEY_PAGE##n, PULLEY_PAGE##n##_ROW = PULLEY_PAGE##n - 1,
#define OP(page, name, ...) PULLEY_##name,
#include "pulley/ops.def"
#undef OP
    PULLEY_OP_COUNT
} PulleyOp;

enum { PULLEY_PAGE_COUNT = 3 };
/* First bytes from here stand for a page: 255 is page 1, 254 page 2; 253 and 252 are kept for vectors. */
#define PULLEY_ESCAPE 252

typedef enum PulleyShape {
#define X(name) PSHAPE_##name##_ID,
    PULLEY_SHAPES(X)
#undef X
        PULLEY_SHAPE_COUNT
} PulleyShape;

typedef enum PulleyRole {
#define ROLE(name, prefix, doc) PROLE_##name,
#include "pulley/roles.def"
#undef ROLE
    PULLEY_ROLE_COUNT
} PulleyRole;

typedef enum PulleyResult {
    PRESULT_NONE,
    PRESULT_X32,
    PRESULT_X64,
    PRESULT_F32,
    PRESULT_F64
} PulleyResult;

/* Parts that a build may leave out, and that a profile allows: RAW and RAW_ATOMIC only the raw one. */
typedef enum PulleyGroup {
    PGROUP_BASE,
    PGROUP_FLOAT,
    PGROUP_WIDE,
    PGROUP_ATOMIC,
    PGROUP_RAW,
    PGROUP_RAW_ATOMIC,
    PULLEY_GROUP_COUNT
} PulleyGroup;

/* Effects; ops.def says what they mean. The low 5 bits are the size. */
enum {
    PX_NONE = 0,
    PX_TERM = 32,
    PX_CALL = 64,
    PX_TRAP = 128,
    PX_WRITES = 256,
    PX_INTERNAL = 512,
    PX_ACC_SHIFT = 10
};
#define PX_SIZE(n) (n)
#define PX_ACC(result) (PRESULT_##result << PX_ACC_SHIFT)
#define PX_SIZE_OF(effects) ((effects)&31)
#define PX_ACC_OF(effects) ((effects) >> PX_ACC_SHIFT & 7)

typedef enum PulleyHelper {
#define HELPER(name, args, results, doc) PULLEY_HELPER_##name,
#include "pulley/helpers.def"
#undef HELPER
    PULLEY_HELPER_COUNT
} PulleyHelper;

typedef enum PulleyTrap {
    PULLEY_TRAP_none,
#define TRAP(name, code, message) PULLEY_TRAP_##name = code,
#include "base/traps.def"
#undef TRAP
} PulleyTrap;

/* In the order of the IR's names. */
typedef enum PulleyRmw {
    PULLEY_RMW_add,
    PULLEY_RMW_sub,
    PULLEY_RMW_and,
    PULLEY_RMW_nand,
    PULLEY_RMW_or,
    PULLEY_RMW_xor,
    PULLEY_RMW_xchg,
    PULLEY_RMW_umin,
    PULLEY_RMW_umax,
    PULLEY_RMW_smin,
    PULLEY_RMW_smax,
    PULLEY_RMW_COUNT
} PulleyRmw;

typedef struct PulleyField {
    const char *name;
    u8 role;       /* PulleyRole */
    u8 size_bytes; /* 1, 2, 3, 4 or 8 */
    u8 before;     /* bytes of the fields before it */
} PulleyField;

typedef struct PulleyShapeInfo {
    const char *name;
    const PulleyField *fields;
    u8 count;
} PulleyShapeInfo;

typedef struct PulleyOpInfo {
    const char *name;
    const char *doc;
    u16 effects; /* PX_* */
    u8 page;
    u8 shape;  /* PulleyShape */
    u8 result; /* PulleyResult */
    u8 group;  /* PulleyGroup */
} PulleyOpInfo;

typedef struct PulleyHelperInfo {
    const char *name;
    const char *doc;
    u8 args; /* slots */
    u8 results;
} PulleyHelperInfo;

extern const PulleyOpInfo dv_pulley_ops[PULLEY_OP_COUNT];
extern const PulleyShapeInfo dv_pulley_shapes[PULLEY_SHAPE_COUNT];
extern const PulleyHelperInfo dv_pulley_helpers[PULLEY_HELPER_COUNT];
extern const char *const dv_pulley_role_prefixes[PULLEY_ROLE_COUNT];
extern const char *const dv_pulley_rmw_names[PULLEY_RMW_COUNT];
extern const char *const dv_pulley_group_names[PULLEY_GROUP_COUNT];
/* The first operation of each page, and PULLEY_OP_COUNT. */
extern const u16 dv_pulley_pages[PULLEY_PAGE_COUNT + 1];

static inline const PulleyShapeInfo *dv_pulley_shape(PulleyOp op)
{
    return &dv_pulley_shapes[dv_pulley_ops[op].shape];
}

/* ---- instructions ---- */

typedef struct PulleyInst {
    u16 op;   /* PulleyOp */
    u32 size; /* in bytes, with the entries of br_table */
    /* The fields in the order of the shape, signed ones sign-extended. Distances (TARGET, FUNC) are
     * in bytes. */
    u64 fields[PULLEY_FIELDS_MAX];
    const u8 *entries; /* br_table: n + 1 words in the code's byte order, distances in words */
} PulleyInst;

/* ---- modules ----
 *
 * What the code's names refer to. All arrays belong to whoever made the module. */

typedef enum PulleyProfile { PULLEY_SANDBOXED, PULLEY_RAW32, PULLEY_RAW64 } PulleyProfile;

/* A function type, in slots: what two functions of the same type agree on. Whether two types are the same
 * is the runtime's to know. */
typedef struct PulleyType {
    u32 args;
    u32 results;
} PulleyType;

/* What happens to an exception that passes a call. The handlers of a function are sorted by `call`;
 * those of one call are tried in order. The payload arrives in the call's slots k and k + 1. */
typedef enum PulleyHandlerKind {
    PULLEY_HANDLER_TAG, /* goes to target if the exception has tag `value` */
    PULLEY_HANDLER_ALL, /* goes to target */
    PULLEY_HANDLER_CONTEXT /* slot `value` holds the context that later tags are looked up in; no target */
} PulleyHandlerKind;

typedef struct PulleyHandler {
    u32 call;   /* offset of the call in the function's code */
    u32 target; /* offset of the instruction to go on with */
    u32 value;
    u8 kind; /* PulleyHandlerKind */
} PulleyHandler;

typedef struct PulleyFunc {
    u32 code; /* offset of its first instruction in the module's code, a multiple of 4 */
    u32 size_bytes;
    u32 type;
    u32 frame;  /* slots of frame memory below fp, even; 0: none, and then no enter */
    u16 window; /* slots that the code may name, arguments of callees included; at most 256 */
    u32 first_handler;
    u32 handler_count;
} PulleyFunc;

typedef struct PulleyMemory {
    bool index64;
    bool shared;
} PulleyMemory;

typedef struct PulleyGlobal {
    u8 size_bytes; /* 4, 8 or 16; references are 4 */
    bool mutable;
} PulleyGlobal;

typedef enum PulleyRef {
    PULLEY_REF_FUNC,
    PULLEY_REF_EXTERN,
    PULLEY_REF_ANY,
    PULLEY_REF_EXN,
    PULLEY_REF_COUNT
} PulleyRef;

typedef struct PulleyTable {
    bool index64;
    u8 ref; /* PulleyRef */
} PulleyTable;

typedef struct PulleyModule {
    u8 profile;   /* PulleyProfile */
    bool big;     /* immediates in `code` are big-endian */
    bool metered; /* contains fuel operations */
    u32 groups;   /* a bit per PulleyGroup that the code may use; 0: all that the profile allows */
    const u8 *code; /* aligned to 4 */
    u32 code_size_bytes;
    VEC(PulleyType) types;
    VEC(PulleyFunc) funcs; /* in the order of their code, which they cover without gaps */
    VEC(PulleyHandler) handlers;
    VEC(u32) imports; /* imported functions: their types */
    VEC(PulleyMemory) memories;
    VEC(PulleyGlobal) globals;
    VEC(PulleyTable) tables;
    VEC(u32) tags; /* their types; results are none */
    VEC(u8) elems; /* element segments: PulleyRef */
    u32 data_count;
    u32 symbol_count; /* raw: symbols of the host program */
} PulleyModule;

/* ---- ops.c ---- */

/* The operation of this name, or PULLEY_OP_COUNT. */
PulleyOp dv_pulley_op_find(const char *name, usize length);
/* The bytes this operation starts with: 1, or 2 with the escape; *header gets which. */
u32 dv_pulley_opcode(PulleyOp op, u8 header[2]);
/* True of roles whose fields say how far it is from their instruction to another. */
bool dv_pulley_is_distance(u32 role);
/* The index of the operation's first field of this role; the number of its fields if it has none. */
u32 dv_pulley_find_field(PulleyOp op, u32 role);
/* Size of an instruction in bytes, without the entries of br_table. */
u32 dv_pulley_op_size(PulleyOp op);
/* True if the number can be written into the field; `value` as in PulleyInst. */
bool dv_pulley_field_fits(const PulleyField *field, u64 value);
/* The function of the module that holds this offset of its code; UINT32_MAX if none does. */
u32 dv_pulley_func_at(const PulleyModule *module, i64 offset);
/* The function that begins there; UINT32_MAX if none does. */
u32 dv_pulley_callee(const PulleyModule *module, i64 offset);
/* Reads the instruction at `code`, of which `avail` bytes exist. False, and *inst undefined, if the opcode
 * is none, a byte that must be zero is not, or the instruction is longer than avail. */
bool dv_pulley_decode(const u8 *code, usize avail, bool big, PulleyInst *inst);
/* Appends an instruction of these fields, which must fit, and returns its offset. Entries of br_table are
 * not appended: n + 1 dv_bytebuf_u32 do that. */
usize dv_pulley_encode(ByteBuf *out, bool big, PulleyOp op, const u64 *fields);
/* Writes another number into a field of the instruction at `inst`; branches are patched so. */
void dv_pulley_patch(u8 *inst, bool big, PulleyOp op, u32 field, u64 value);
/* Turns the immediates of verified code, of all functions, into the other byte order. `from_big` tells the
 * order before. */
void dv_pulley_swap(u8 *code, usize size, bool from_big);

/* ---- disas.c ---- */

/* Appends the instruction at `offset` of a function of the module, as "xadd32 s1, s2, s3", without a newline.
 * Targets are printed as labels "L16" of their offset. */
void dv_pulley_print_inst(TextBuf *out, const PulleyModule *module, const PulleyFunc *func,
                          const PulleyInst *inst, u32 offset);
/* Appends the module, whose declarations have passed dv_pulley_verify_module, as text that dv_pulley_assemble
 * reads back. Code that does not decode is shown as ".word 0x00000000". */
void dv_pulley_print_module(TextBuf *out, const PulleyModule *module);
extern const char *const dv_pulley_profile_names[PULLEY_RAW64 + 1];
extern const char *const dv_pulley_ref_names[PULLEY_REF_COUNT];
/* The name of a trap code as text has it: "heap_oob", "user7". */
void dv_pulley_trap_name(u32 code, char name[16]);

/* ---- asm.c ---- */

/* Reads a module from text; errors have line and column. Everything lies in the arena. `big` is the byte
 * order of immediates in the code made. The module is not verified: tests need bad ones. */
bool dv_pulley_assemble(Arena *arena, Str text, bool big, PulleyModule *module, Diag *diag);

/* ---- verify.c ---- */

typedef enum PulleyRule {
    PRULE_OK,
#define MESSAGE(name, text) PRULE_##name,
#include "pulley/verify_messages.def"
#undef MESSAGE
    PRULE_COUNT
} PulleyRule;

/* The first fault found. */
typedef struct PulleyFault {
    u32 rule;      /* PulleyRule */
    u32 func;      /* UINT32_MAX: the module */
    u32 offset;    /* of the instruction in the function; UINT32_MAX: the function */
    u64 values[2]; /* what the message tells */
} PulleyFault;

/* Checks that the module keeps every rule of docs/pulley.md. Sandboxed code that passes cannot reach
 * outside of what it was given. One linear pass; `scratch` is used for a few bits per word of the largest
 * function and released. Escapes only when memory runs out. */
bool dv_pulley_verify(const PulleyModule *module, Arena *scratch, PulleyFault *fault);
/* Verifies one function of a module whose declarations have passed dv_pulley_verify_module. */
bool dv_pulley_verify_func(const PulleyModule *module, u32 func, Arena *scratch,
                           PulleyFault *fault);
/* Verifies everything but the code. */
bool dv_pulley_verify_module(const PulleyModule *module, PulleyFault *fault);
/* Appends "func3 at 16: slot 9 is outside of the window of 8 slots"; nothing if there is no fault. */
void dv_pulley_fault_print(TextBuf *out, const PulleyFault *fault);

/* ---- docs.c ---- */

/* Appends docs/pulley.md. */
void dv_pulley_docs_write(TextBuf *out);

#endif
