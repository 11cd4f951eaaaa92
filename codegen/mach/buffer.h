/* buffer.h - MachBuffer, where machine code is put together, and MachCode, the finished function.
 *
 * A target describes its branches and other uses of labels in a MachTarget; the emitter appends bytes, binds
 * labels, says where labels are used, and tells which instructions were branches. The buffer does the rest:
 *
 *   - resolves uses, forward and backward; where one does not reach, it places a veneer, an instruction or two that
 *     jump on, in an island between instructions;
 *   - keeps constants and the code that traps out of line, and places them at the end, or in an island when
 *     a use would otherwise not reach;
 *   - improves branches while they are still the last bytes: a jump to what follows is left out; a conditional branch
 *     over a jump is turned into one branch of the inverse condition; a label before a jump becomes the label
 *     the jump goes to; a jump that nothing reaches any more is left out;
 *   - takes short forms of branches, at the end, where the target has them and they reach.
 *
 * An emitter looks like this:
 *
 *     dv_mach_init(&buf, arena, &target);
 *     dv_mach_labels_new(&buf, num_blocks);        // label n is block n's
 *     for each block, in order:
 *         dv_mach_island(&buf, longest);           // a safe point: an island may be put here
 *         dv_mach_bind(&buf, label);
 *         for each instruction:
 *             dv_mach_island(&buf, longest);
 *             dv_mach_set_srcloc(&buf, srcloc);
 *             append bytes; dv_mach_use / dv_mach_branch / dv_mach_add_...
 *     dv_mach_finish(&buf, &code);
 *
 * Offsets are in bytes from the start of the function. Offsets recorded stay right when branches are left out,
 * since recording keeps what is there (dv_mach_keep). All memory is the arena's.
 * Errors: code longer than the limit escapes with DAVIT_ERROR_LIMIT; a use that cannot reach is told in the
 * result. All work is linear in bytes, labels and uses, up to a logarithm for labels that become one.
 */
#ifndef DV_MACH_BUFFER_H
#define DV_MACH_BUFFER_H

#include "base/bytes.h"
#include "base/map.h"
#include "codegen/ir/ir.h"
#include "rt/unwind.h"

enum {
    MACH_KINDS_MAX = 16,       /* kinds of uses of a target */
    MACH_BRANCH_MAX = 16,      /* bytes of a branch, a veneer, a trap */
    MACH_CONST_ALIGN_MAX = 64, /* of constants */
    MACH_CODE_MAX = 1 << 28    /* bytes of a function, for every target */
};

typedef struct MachLabel {
    u32 id;
} MachLabel;
#define MACH_LABEL_NONE ((MachLabel){UINT32_MAX})
#define MACH_UNBOUND UINT32_MAX

/* ---- what a target says ---- */

/* Writes the distance, in bytes, into the instruction or data at `at`. It is in range and a multiple
 * of the kind's scale. */
typedef void MachPatch(u8 *at, bool big, i64 distance);

/* A way to use a label: which bytes take the distance, and how far it may be. Distances are measured from
 * the use plus `bias`: 4 for the displacement that ends an x86-64 jump. */
typedef struct MachKind {
    const char *name;
    u8 size_bytes; /* what the patch reads and writes */
    u8 scale;      /* distances are multiples of it; 1, 2 or 4 */
    i8 bias;
    u8 veneer; /* number of the MachVeneer that extends it, plus 1; 0: nothing may, as for loads */
    i64 min, max;
    MachPatch *patch;
} MachKind;

/* Code that does nothing but jump to a label. Any use that may have a veneer may share that of another. The
 * kind it uses reaches further than those it extends. */
typedef struct MachVeneer {
    const char *name;
    u8 size_bytes;
    u8 use_at; /* where in it its own use is */
    u8 kind;   /* of that use */
    void (*write)(u8 *at, bool big);
} MachVeneer;

/* The short form of an instruction. */
typedef struct MachShort {
    u8 before; /* bytes of the long form that precede the use, with which it ends */
    u8 size_bytes;
    u8 bytes[MACH_BRANCH_MAX]; /* of the short form, which ends with its use */
} MachShort;

/* Instructions whose uses are of one kind may become shorter ones with uses of another that reach less. A target that has
 * this has no veneers, and aligns nothing but constants. */
typedef struct MachShortening {
    u8 kind, short_kind;
    void (*form)(const u8 *at, MachShort *out); /* of the instruction whose use is there */
} MachShortening;

typedef struct MachTarget {
    const char *name;
    bool big;      /* byte order of instructions and data */
    u8 inst_align; /* of instructions: 1, 2 or 4; branches, veneers and traps are multiples of it */
    u8 num_kinds, num_veneers;
    u8 jump; /* number of the veneer that jumps over an island; needed if a kind has a limit */
    u8 trap_bytes; /* 0: no deferred traps */
    const MachKind *kinds;
    const MachVeneer *veneers;
    void (*write_trap)(u8 *at, bool big, TrapCode code);
    /* Fills bytes that may be executed with instructions that do nothing; NULL: padding is never executed. */
    void (*write_nops)(u8 *at, bool big, u32 size_bytes);
    u32 code_max;                     /* bytes of a function; 0: MACH_CODE_MAX */
    const MachShortening *shortening; /* NULL: none */
} MachTarget;

/* ---- the finished function ---- */

/* What a relocation is about: a name, or an entity by kind and index, whose meaning is the object format's. */
enum { MACH_SYMBOL_NAME, MACH_SYMBOL_ENTITY };
typedef struct MachSymbol {
    u8 kind;        /* MACH_SYMBOL_ */
    u8 entity_kind; /* of entities: whatever target and linker agree on */
    u32 index;
    ExtName name;
} MachSymbol;

typedef struct MachReloc {
    u32 offset;
    u16 kind; /* the target's */
    MachSymbol symbol;
    i64 addend;
} MachReloc;

typedef struct MachTrap {
    u32 offset; /* of the instruction that traps */
    TrapCode code;
} MachTrap;

/* Where an exception goes. Of HANDLER_CONTEXT only `context` means anything: where the handlers after it find
 * the context, as the target says (an offset in the frame). */
typedef struct MachHandler {
    u8 kind; /* HANDLER_ */
    u32 tag;
    MachLabel label;
    u32 offset; /* of the label; written by dv_mach_finish */
    i32 context;
} MachHandler;

typedef struct MachCall {
    u32 offset;       /* the return address */
    u32 frame_offset; /* from the stack pointer to the frame, as unwinders need it; the target's */
    u32 num_handlers;
    MachHandler *handlers; /* in the order of the text */
} MachCall;

typedef struct MachSrcRange {
    u32 start, end;
    u32 srcloc; /* ranges of SRCLOC_NONE are left out */
} MachSrcRange;

typedef struct MachTags {
    u32 offset;
    bool
        after; /* about the instruction, a call, that ends at offset, not the one that starts there */
    DebugTags tags;
} MachTags;

typedef struct MachStackMap {
    u32 offset; /* the return address */
    StackMap map;
} MachStackMap;

typedef struct MachFrame {
    u32 size_bytes;   /* below the frame pointer, or whole, as the target says */
    u32 window_slots; /* Pulley */
    u32 num_slots;    /* by StackSlot */
    i32 *slot_offsets;
} MachFrame;

typedef enum MachStatus {
    MACH_OK,
    MACH_OUT_OF_RANGE /* a use does not reach its label; error_offset and error_kind tell which */
} MachStatus;

#define MACH_TABLE(T) \
    struct { \
        T *data; \
        u32 len; \
    }

/* All tables are in order of offset. */
typedef struct MachCode {
    MachStatus status;
    u32 error_offset;
    u8 error_kind;
    u8 *bytes;
    u32 size_bytes;
    u32 align_bytes; /* of the start: what instructions, constants and dv_mach_align need */
    MACH_TABLE(MachReloc) relocs;
    MACH_TABLE(MachTrap) traps;
    MACH_TABLE(MachCall) calls;
    MACH_TABLE(MachSrcRange) srclocs;
    MACH_TABLE(MachTags) tags;
    MACH_TABLE(MachStackMap) stack_maps;
    MACH_TABLE(UnwindInst) unwind;
    MachFrame frame;
} MachCode;

/* ---- the buffer ---- */

/* A label is a node of a forest; labels that are one place share a root, and only roots are up to date. */
typedef struct MachLabelData {
    u32 parent;     /* itself: a root */
    u32 offset;     /* MACH_UNBOUND */
    u32 object;     /* number of what it stands before, a constant or trap, plus 1 */
    u32 veneer;     /* offset of its last veneer, plus 1 */
    u32 back_limit; /* a use already made does not reach below this */
    u8 veneer_kind; /* of the veneer's own use */
    bool rigid;     /* a use already made has a limit and cannot have a veneer */
} MachLabelData;

typedef struct MachUse {
    u32 offset;
    u32 origin; /* what the distance is measured from */
    MachLabel label;
    u8 kind;
} MachUse;

/* Uses of a kind that have a limit and are not resolved, in order of origin, thus of deadline. */
typedef struct MachQueue {
    VEC(MachUse) uses;
    u32 first; /* those before are done with */
    u32 added; /* since it was swept */
} MachQueue;

/* One of the branches at the end. */
typedef struct MachTail {
    u32 start;
    u32 use_at;
    u32 labels; /* root of the labels bound before it that may still move; UINT32_MAX: none */
    MachLabel target;
    u8 kind, queue;
    u8 size_bytes;
    bool conditional;
    bool reached; /* by flow from before, or by labels that may not move */
    bool invertible;
    u8 inverted[MACH_BRANCH_MAX];
} MachTail;

/* A constant, or a trap (`bytes` is NULL). Where placed too far away it gets another label. */
typedef struct MachObject {
    MachLabel label;
    const u8 *bytes;
    u32 size_bytes, align_bytes;
    u32 srcloc;
    TrapCode code;
    bool wanted; /* used, and not placed */
} MachObject;

typedef struct MachStats {
    u32 elided;    /* branches to what follows */
    u32 inverted;  /* branches over a jump */
    u32 threaded;  /* times that labels before a jump were moved on */
    u32 dropped;   /* jumps that nothing reached */
    u32 collapsed; /* conditional branches that went where the jump after them goes */
    u32 islands, veneers;
} MachStats;

typedef struct MachBuffer {
    Arena *arena;
    const MachTarget *target;
    ByteBuf code; /* may be appended to directly, by a target's encoder; never cut */
    MachStats stats;
    Work work;
    u32 code_max;
    u32 align_bytes;
    u32 reserve_bytes;         /* what an island may have before its first veneer */
    VEC(MachLabelData) labels; /* from each the root is found by following parents */
    /* uses: a queue per kind, and the rest, which no island helps or needs to help */
    MachQueue queues[MACH_KINDS_MAX];
    VEC(MachUse) rest;
    u64 queued_bytes; /* what veneers for all of the queues take */
    u64 deadline;     /* not after that of any use in queues */
    MachStatus status;
    u32 error_offset;
    u8 error_kind;
    /* branches at the end; valid while the last ends at the end */
    VEC(MachTail) tail;
    u32 tail_end;
    u32 tail_labels;    /* root of labels bound at tail_labels_at that may still move */
    u32 tail_labels_at; /* valid while it is the end */
    u32 landing;        /* a label was bound here */
    u32 fixed_landing;  /* a label was bound here that must stay */
    u32 flow_end;       /* here nothing arrives from before */
    /* constants and traps */
    VEC(MachObject) objects;
    VEC(u32) wanted;             /* objects to place */
    u64 const_bytes, trap_bytes; /* of those, padding included */
    Map const_of, trap_of;
    /* side tables */
    VEC(MachReloc) relocs;
    VEC(MachTrap) traps;
    VEC(MachCall) calls;
    VEC(MachSrcRange) srclocs; /* the last is open */
    VEC(MachTags) tags;
    VEC(MachStackMap) stack_maps;
    VEC(UnwindInst) unwind;
    MachFrame frame;
} MachBuffer;

/* ---- buffer.c: bytes, labels, uses ---- */

/* An empty buffer. The target must outlive it. */
void dv_mach_init(MachBuffer *buf, Arena *arena, const MachTarget *target);

/* `count` new labels, numbered in sequence; the first. */
MachLabel dv_mach_labels_new(MachBuffer *buf, u32 count);

/* Where the next byte goes. */
static inline u32 dv_mach_offset(const MachBuffer *buf)
{
    return (u32)buf->code.len;
}

/* Appends bytes; numbers in the target's order. Escapes when the code gets too long. */
u8 *dv_mach_extend(MachBuffer *buf, u32 size_bytes);
void dv_mach_bytes(MachBuffer *buf, const void *bytes, u32 size_bytes);
void dv_mach_u8(MachBuffer *buf, u8 x);
void dv_mach_u16(MachBuffer *buf, u16 x);
void dv_mach_u32(MachBuffer *buf, u32 x);
void dv_mach_u64(MachBuffer *buf, u64 x);
/* Appends nops up to a multiple of align_bytes, a power of two up to 64: before a loop header, say. */
void dv_mach_align(MachBuffer *buf, u32 align_bytes);

/* Says that the label is here. A label is bound once. Branches at the end may be left out or changed by
 * it, so that the offset gets smaller; the label is at the end in any case. */
void dv_mach_bind(MachBuffer *buf, MachLabel label);
/* True if flow may come from elsewhere to the current end: nothing said about registers by the instruction
 * before holds. */
static inline bool dv_mach_label_bound_at_end(const MachBuffer *buf)
{
    return buf->landing == dv_mach_offset(buf);
}
/* MACH_UNBOUND if it is not bound. Final once dv_mach_finish was called. */
u32 dv_mach_label_offset(MachBuffer *buf, MachLabel label);

/* Says that the bytes at `at`, which are there, take the distance to the label. */
void dv_mach_use(MachBuffer *buf, u32 at, MachLabel label, u32 kind);
/* The same, with the distance measured from `origin` instead of at + bias: words of jump tables, displacements that
 * something follows. Origins of a kind that has a limit do not decrease. */
void dv_mach_use_from(MachBuffer *buf, u32 at, u32 origin, MachLabel label, u32 kind);

/* A branch that was just appended: it does nothing but go to `target`, always or depending on a condition. Makes the
 * use, so dv_mach_use is not called for it. A branch that does more, or must stay where it is, is not declared;
 * its use is made by dv_mach_use, followed by dv_mach_end_flow if it is unconditional. */
typedef struct MachBranch {
    u32 start;  /* of its bytes, which reach to the end */
    u32 use_at; /* within them */
    MachLabel target;
    u8 kind;
    bool conditional;
    const u8 *
        inverted; /* the bytes of the inverse condition, as many, with the use in the same place; NULL: none */
} MachBranch;
void dv_mach_branch(MachBuffer *buf, const MachBranch *branch);

/* Says that flow does not get here from before: after a return, a trap, a jump through a table. */
void dv_mach_end_flow(MachBuffer *buf);
/* Keeps what was emitted as it is: branches before the current end stay, labels bound here stay here. */
void dv_mach_keep(MachBuffer *buf);

/* ---- buffer_island.c: islands ---- */

/* True if a use might get out of range when an island is put not here but only after `distance` more bytes. They
 * may hold two uses of labels; for each further one whose kind can have a veneer add the veneer's size, and for
 * a constant whose use has a limit its size and alignment. */
bool dv_mach_island_needed(MachBuffer *buf, u32 distance);
/* Puts an island here if one is needed, with a jump over it where flow arrives. Call it between instructions that
 * may be apart, before every instruction or group of up to `distance` bytes. */
void dv_mach_island(MachBuffer *buf, u32 distance);

/* ---- buffer_island.c: what lies out of line ---- */

/* A label of these bytes, which are copied, in the pool; equal ones share a place. align_bytes is a power
 * of two up to 64. It may be used like any label, by kinds that have no veneer. */
MachLabel dv_mach_constant(MachBuffer *buf, const void *bytes, u32 size_bytes, u32 align_bytes);
/* A label of code that traps; equal ones share a place. To be branched to. */
MachLabel dv_mach_trap_label(MachBuffer *buf, TrapCode code, u32 srcloc);

/* ---- buffer_tables.c: side tables ---- */

/* What follows has this srcloc, until the next call. */
void dv_mach_set_srcloc(MachBuffer *buf, u32 srcloc);
/* These record at `offset`, which is not after the current end; in each table offsets do not decrease. */
void dv_mach_add_reloc(MachBuffer *buf, u32 offset, u32 kind, const MachSymbol *symbol, i64 addend);
void dv_mach_add_trap(MachBuffer *buf, u32 offset, TrapCode code);
/* These record at the current end. Arrays are copied. */
void dv_mach_add_call(MachBuffer *buf, u32 frame_offset, const MachHandler *handlers, u32 count);
/* Of calls and sequence points; NULL: there are none. */
void dv_mach_add_tags(MachBuffer *buf, const DebugTags *tags, bool after);
void dv_mach_add_stack_map(MachBuffer *buf, const StackMap *map);
void dv_mach_add_unwind(MachBuffer *buf, UnwindOp op, u32 reg, i32 value);
/* slot_offsets is copied. */
void dv_mach_set_frame(MachBuffer *buf, const MachFrame *frame);
MachSymbol dv_mach_symbol_name(const ExtName *name);
MachSymbol dv_mach_symbol_entity(u32 entity_kind, u32 index);

/* ---- buffer_island.c: the end ---- */

/* buffer_tables.c: moves what the result points to into another arena, but for what belongs to the function: names, tags,
 * maps. */
void dv_mach_code_copy(MachCode *code, Arena *arena);
/* Places what is left, resolves every use and hands over the result, which lies in the arena. Every label
 * used must be bound. The buffer may only be asked for label offsets and statistics afterwards. */
void dv_mach_finish(MachBuffer *buf, MachCode *code);

#endif
