/* isa.h - the targets: what the front door needs to know of each. */
#ifndef DV_ISA_ISA_H
#define DV_ISA_ISA_H

#include "base/diag.h"
#include "codegen/mach/buffer.h"
#include "codegen/mach/lower.h"
#include "codegen/mach/native.h"
#include "codegen/opt/legalize.h"
#include "rt/vmctx.h"

typedef struct Isa Isa;

/* How to compile; zero is the default. */
typedef struct CompileOptions {
    u8 allocator; /* ALLOCATOR_ */
    bool
        check; /* verify the input, and check what the allocator did: always done in debug builds */
    bool
        far_calls; /* functions, but those colocated, may be more, or farther, than calls name in their short form */
    u32 features; /* of the target beyond its baseline, a set by the target's numbers */
    bool
        pinned_register; /* the target keeps a register for get_pinned_reg, in all functions of a program */
    bool landing_pads; /* indirect calls and jumps land on instructions made for that */
    u8 tls_model;      /* TLS_: where thread-local data may be */
    u64 allocator_steps; /* budget of the main allocator, after which the fast one is taken; 0: one in proportion to
                            the function */
    const VmOptions *
        vm; /* native targets: the module whose entities the function names; NULL: see entities.h */
    bool no_heap_guard,
        no_table_guard; /* nothing stands against speculation past a check of bounds */
} CompileOptions;
enum { ALLOCATOR_MAIN, ALLOCATOR_FAST };
/* Anywhere, in modules loaded at any time; in those loaded with the program; in the program itself. */
enum { TLS_GENERAL, TLS_INITIAL_EXEC, TLS_LOCAL_EXEC, TLS_MODELS };

/* What a function became. Everything lies in the arena given. */
typedef struct CompiledFunc {
    const Func *func; /* its preamble is what relocations speak of */
    MachCode code;
    u32 arg_slots, result_slots; /* Pulley: slots of arguments and results */
    bool metered;                /* Pulley: uses fuel */
    bool fell_back;              /* the main allocator's budget ran out: the fast one did it */
    RaStats allocation;
    u32 num_insts; /* machine instructions before allocation */
} CompiledFunc;

/* A function after lowering and allocation, on its way to bytes. */
typedef struct EmitInput {
    Func *func;
    const VCode *vcode;
    const RaFunc *ra;
    const RaResult *allocation;
} EmitInput;

struct Isa {
    const char *name;
    u8 address_bits;
    bool any_addresses; /* 32 and 64 bits wide, whatever its own are */
    bool big_endian;
    bool checks_stack_limit; /* with the frame; for others it becomes plain CLIF */
    bool
        expands_entities; /* has no instructions for runtime entities: entities.h makes plain CLIF of them */
    /* What the target takes: its own rules, asked by islec's predicate. */
    LegalTarget legal;
    const char *(*inst_name)(u32 op);
    /* The features that a setting of target lines names, or a level that stands for several; 0: none. NULL: there
     * are no settings. */
    u32 (*find_features)(const char *setting, usize length);
    /* Sets up lowering: *context is handed to the target's functions. */
    const LowerTarget *(*begin)(const Isa *isa, const CompileOptions *options, Func *f,
                                Arena *arena, void **context);
    bool (*emit)(const Isa *isa, const CompileOptions *options, void *context,
                 const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out);
    const NativeTarget *native; /* for machine code: how it is linked; else NULL */
};

/* isa.c: by name as target lines spell it: "pulley64", "pulley32be"; NULL if there is none. */
const Isa *dv_isa_find(const char *name, usize length);
/* All of them, in order. */
const Isa *dv_isa_at(u32 index); /* NULL past the end */

#endif
