/* abi.c - where parameters and results are: the conventions of x86-64 as one table, and what it says of a signature.
 *
 * A value has one part for each register that holds it (an i128 has two, the low half first), and the parts of a value lie
 * all in registers or all in memory, each where the next free place of its class is. Arguments in memory begin above the
 * return address, behind the shadow space if there is one, and take words of 8 bytes; what has 128 bits is aligned to 16
 * in all conventions but Windows', where it is not handed over at all, but its address.
 *
 * system_v and windows_fastcall are what C compilers do. More results than C functions have go on in further registers
 * that a call loses anyway, and those beyond in memory: right above the arguments there, rounded up to 16, in the
 * caller's frame, which makes room. So no address has to be handed over, and tail calls find the place whatever their own
 * arguments take, since these end where the caller's end.
 *
 * `fast` is system_v. `tail` and `wasm` are system_v too, but that the callee takes its arguments in memory off the
 * stack, so that tail calls may have more of them. `winch` is `tail` with no register given back; `preserve_all` gives
 * back all but those of its results and the ones that are for moves.
 *
 * Sources: System V Application Binary Interface, AMD64 Architecture Processor Supplement, 3.2; Microsoft's x64 calling
 * convention. */
#include "codegen/isa/x64/target.h"

typedef struct Convention {
    const char *missing; /* why it is not there; NULL: it is */
    const u8 *args, *results;
    u8 num_args, num_results; /* general registers */
    u8 xmm_args, xmm_results; /* xmm0 and up */
    u8 shadow_bytes;          /* of the caller's frame that belong to the callee */
    bool by_position;         /* parameter n takes register n of its class */
    bool by_reference;        /* what has more than 64 bits, and structures */
    bool callee_pops;
    u16 saved[X64_CLASSES]; /* given back as they were: sets by number */
} Convention;

#define BIT(reg) (1u << (reg))
enum {
    MOVED = BIT(X64_RSP) | BIT(X64_RBP), /* the frame's: kept in their own way */
    SYSTEM_V_SAVED = BIT(X64_RBX) | BIT(X64_R12) | BIT(X64_R13) | BIT(14) | BIT(15),
    WINDOWS_SAVED = SYSTEM_V_SAVED | BIT(X64_RSI) | BIT(X64_RDI),
    WINDOWS_XMM_SAVED = 0xffc0,
    ALL_SAVED = 0xffff & ~(MOVED | BIT(X64_SCRATCH)),
    ALL_XMM_SAVED = 0xffff & ~BIT(X64_XMM_SCRATCH)
};
#undef BIT

static const u8 system_v_args[] = {X64_RDI, X64_RSI, X64_RDX, X64_RCX, 8, 9};
static const u8 system_v_results[] = {X64_RAX, X64_RDX, X64_RCX, X64_RSI, X64_RDI, 8, 9, 10};
static const u8 windows_args[] = {X64_RCX, X64_RDX, 8, 9};
static const u8 windows_results[] = {X64_RAX, X64_RDX, X64_RCX, 8, 9, 10};

#define SYSTEM_V \
    .args = system_v_args, .num_args = ARRAY_LEN(system_v_args), .xmm_args = 8, \
    .results = system_v_results
static const Convention conventions[CC_COUNT] = {
    [CC_fast] = {SYSTEM_V, .num_results = 8, .xmm_results = 8, .saved = {SYSTEM_V_SAVED}},
    [CC_system_v] = {SYSTEM_V, .num_results = 8, .xmm_results = 8, .saved = {SYSTEM_V_SAVED}},
    [CC_tail] = {SYSTEM_V, .num_results = 8, .xmm_results = 8, .callee_pops = true,
                 .saved = {SYSTEM_V_SAVED}},
    [CC_wasm] = {SYSTEM_V, .num_results = 8, .xmm_results = 8, .callee_pops = true,
                 .saved = {SYSTEM_V_SAVED}},
    [CC_winch] = {SYSTEM_V, .num_results = 8, .xmm_results = 8, .callee_pops = true},
    [CC_preserve_all] = {SYSTEM_V, .num_results = 2, .xmm_results = 2,
                         .saved = {ALL_SAVED, ALL_XMM_SAVED}},
    [CC_windows_fastcall] = {.args = windows_args,
                             .num_args = ARRAY_LEN(windows_args),
                             .xmm_args = 4,
                             .results = windows_results,
                             .num_results = ARRAY_LEN(windows_results),
                             .xmm_results = 6,
                             .shadow_bytes = 32,
                             .by_position = true,
                             .by_reference = true,
                             .saved = {WINDOWS_SAVED, WINDOWS_XMM_SAVED}},
    [CC_apple_aarch64] = {.missing = "convention apple_aarch64 is not one of this machine"},
    [CC_probestack] = {.missing = "convention probestack has no functions of its own: stacks are "
                                  "probed inline"},
};
#undef SYSTEM_V

/* What has been given away. */
typedef struct Taken {
    const Convention *c;
    const u8 *general;
    u32 limits[X64_CLASSES], next[X64_CLASSES];
    u32 bytes;
} Taken;

static u32 align_up(u32 x, u32 align)
{
    return (x + align - 1) & ~(align - 1);
}

static PReg register_of(const Taken *t, u32 class, u32 n)
{
    return preg_make(class, class == X64_GENERAL ? t->general[n] : n);
}

/* Words of the stack for all parts. */
static void take_memory(Taken *t, X64Spot *spot)
{
    bool is_wide = spot->num_parts == 2 || spot->part_bytes == 16;
    t->bytes = align_up(t->bytes, is_wide ? 16 : 8);
    spot->in_memory = true;
    for (u32 i = 0; i < spot->num_parts; i++) {
        spot->offsets[i] = t->bytes;
        t->bytes += spot->part_bytes;
    }
}

static void take(Taken *t, u32 position, X64Spot *spot)
{
    u32 class = spot->class, n = spot->num_parts;
    u32 first = t->c->by_position && position != UINT32_MAX ? position : t->next[class];
    if (first > t->limits[class] || n > t->limits[class] - first) {
        take_memory(t, spot);
        return;
    }
    for (u32 i = 0; i < n; i++) {
        spot->regs[i] = register_of(t, class, first + i);
    }
    t->next[class] += n;
}

/* One part for each register of the value. */
static X64Spot spot_of_type(Type type)
{
    bool is_int = type_is_int(type) && type_is_scalar(type);
    bool is_wide = type_bits(type) > 64;
    return (X64Spot){.class = is_int ? X64_GENERAL : X64_XMM,
                     .num_parts = is_int && is_wide ? 2 : 1,
                     .part_bytes = !is_int && is_wide ? 16 : 8};
}

static void take_param(Taken *t, u32 position, const Param *param, X64Spot *spot)
{
    bool is_struct = param->purpose == PURPOSE_SARG;
    *spot = spot_of_type(param->type);
    spot->is_struct = is_struct;
    if (t->c->by_reference && (is_struct || type_bits(param->type) > 64)) {
        *spot = (X64Spot){.class = X64_GENERAL,
                          .num_parts = 1,
                          .part_bytes = 8,
                          .by_reference = true,
                          .is_struct = is_struct};
    } else if (is_struct) {
        spot->in_memory = true;
        spot->offsets[0] = t->bytes;
        t->bytes += align_up(param->sarg_bytes, 8);
        return;
    }
    take(t, position, spot);
}

/* Windows has an i128 come back in xmm0. */
static void take_result(Taken *t, const Param *param, X64Spot *spot)
{
    *spot = spot_of_type(param->type);
    if (t->c->by_reference && spot->num_parts == 2) {
        *spot = (X64Spot){.class = X64_XMM, .num_parts = 1, .part_bytes = 16, .is_packed = true};
    }
    take(t, UINT32_MAX, spot);
}

static const char *what_is_missing(const Signature *sig)
{
    u64 bytes = 0;
    for (u32 i = 0; i < sig->num_params + sig->num_results; i++) {
        bool is_result = i >= sig->num_params;
        const Param *p = is_result ? &sig->results[i - sig->num_params] : &sig->params[i];
        if (type_bits(p->type) > 128 || type_is_dynamic(p->type)) {
            return "a type of the signature is not supported";
        }
        bytes += 32;
        if (p->purpose == PURPOSE_SARG) {
            if (p->sarg_bytes > X64_STRUCT_MAX) {
                return "a struct argument of more than 65536 bytes";
            }
            bytes += p->sarg_bytes;
        }
    }
    return bytes > X64_SIGNATURE_MAX ? "a signature that takes too much of the stack"
                                     : conventions[sig->conv].missing;
}

const char *dv_x64_lay_out(const Signature *sig, Arena *arena, X64Layout *out)
{
    const Convention *c = &conventions[sig->conv];
    Taken args = {
        .c = c, .general = c->args, .limits = {c->num_args, c->xmm_args}, .bytes = c->shadow_bytes};
    Taken results = {.c = c, .general = c->results, .limits = {c->num_results, c->xmm_results}};
    const char *missing = what_is_missing(sig);
    *out = (X64Layout){.callee_pops = c->callee_pops};
    out->saved[X64_GENERAL] = c->saved[X64_GENERAL];
    out->saved[X64_XMM] = c->saved[X64_XMM];
    if (missing != NULL) {
        return missing;
    }
    out->params = ARENA_ARRAY(arena, X64Spot, sig->num_params + 1);
    out->results = ARENA_ARRAY(arena, X64Spot, sig->num_results + 1);
    for (u32 i = 0; i < sig->num_params; i++) {
        take_param(&args, i, &sig->params[i], &out->params[i]);
        bool is_sret = sig->params[i].purpose == PURPOSE_SRET;
        out->saved[X64_GENERAL] &= (u16) ~(is_sret ? 1u << X64_RAX : 0);
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        X64Spot *spot = &out->results[i];
        take_result(&results, &sig->results[i], spot);
        for (u32 j = 0; !spot->in_memory && j < spot->num_parts; j++) {
            out->saved[spot->class] &= (u16) ~(1u << preg_number(spot->regs[j]));
        }
    }
    out->arg_bytes = align_up(args.bytes, 16);
    out->result_bytes = align_up(results.bytes, 16);
    return NULL;
}
