/* mutate_clif.c - libFuzzer's own mutations of CLIF text, with two more: words that the language's tables know
 * are put somewhere, in place of a word or before it; and generated functions are put into the text, so
 * that the fuzzer has valid ones for every operation to start from. Linked to targets that read text,
 * in builds that link libFuzzer.
 */
#include <stdio.h>

#include "base/rng.h"
#include "codegen/ir/entity.h"
#include "codegen/ir/lex.h"
#include "tools/gen.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static const char *const words[] = {
#define OP(name, format, set, operands, results, effects, doc) #name,
#include "codegen/ir/ops.def"
#undef OP
#define TRAP(name, code, message) #name,
#include "base/traps.def"
#undef TRAP
#define INTCC(name, negation, swap) #name,
#define FLOATCC(name, negation, swap) #name,
#define RMW(name, meaning) #name,
#define CALLCONV(name, tail_calls) #name,
#define LIBCALL(name, params, result, meaning) "%" #name,
#include "codegen/ir/names.def"
    "function ",
    "explicit_slot",
    "explicit_dynamic_slot",
    "align = ",
    "key = ",
    "vmctx",
    "load.i64",
    "iadd_imm.i32",
    "symbol",
    "colocated",
    "tls",
    "patchable",
    "dyn_scale_target_const.i32x4",
    "sret",
    "sarg(8)",
    "uext",
    "sext",
    "notrap",
    "aligned",
    "readonly",
    "little",
    "big",
    "can_move",
    "stack_limit = ",
    " cold",
    "stack_map=[i32 @ ss0+0]",
    "<ss0, 1>",
    "@0012 ",
    " -> ",
    "ret0",
    "exn0",
    "default: ",
    "context v0",
    "import",
    "define",
    "memory 0, ",
    "table 0, ",
    "global 0, ",
    "index i32, ",
    "min 1, ",
    "max 2, ",
    "page 0x10000",
    ", shared",
    ", mutable",
    "funcref",
    "externref",
    "exnref",
    "v128",
    "func (",
    "user7",
    ", offset=8",
    "NaN",
    "sNaN:0x1",
    "Inf",
    "0x1.8p3",
    "0x7fffffffffffffff",
    "-1",
    "4294967296",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "f16",
    "f32",
    "f64",
    "f128",
    "i8x16",
    "i16x8",
    "i32x4",
    "i64x2",
    "f32x4",
    "f64x2",
    "i32x4xN",
    "\n; check: ",
    "test run\n",
    "target x86_64\n",
    "set opt_level=speed\n",
    "%f0",
    "u0:1",
    "[1 2]",
    "block0:\n",
    "v0 -> v1\n"};

static usize put(u8 *data, usize size, usize max_size, usize at, usize drop, const char *text,
                 usize length)
{
    if (size - drop + length > max_size) {
        return size;
    }
    memmove(data + at + length, data + at + drop, size - at - drop);
    memcpy(data + at, text, length);
    return size - drop + length;
}

static usize put_word(u8 *data, usize size, usize max_size, Rng *rng)
{
    char entity[32];
    const char *word = words[dv_rng_below(rng, ARRAY_LEN(words))];
    usize at = dv_rng_below(rng, size + 1), drop = 0;
    if (dv_rng_chance(rng, 3)) {
        u32 kind = (u32)dv_rng_below(rng, ENTITY_KIND_COUNT);
        snprintf(entity, sizeof entity, "%s%u", dv_entity_prefixes[kind],
                 (unsigned)(dv_rng_chance(rng, 8) ? dv_rng_spread(rng) : dv_rng_below(rng, 8)));
        word = entity;
    }
    while (at > 0 && lex_is_word_char((char)data[at - 1])) {
        at--;
    }
    bool replace = dv_rng_chance(rng, 2);
    while (replace && at + drop < size && lex_is_word_char((char)data[at + drop])) {
        drop++;
    }
    return put(data, size, max_size, at, drop, word, strlen(word));
}

/* Generated functions behind the text or in place of it. */
static usize put_functions(u8 *data, usize size, usize max_size, Rng *rng)
{
    Pool pool;
    Arena arena;
    TextBuf text;
    GenSource source;
    GenOptions options = {.max_insts = 20, .vectors = true};
    options.address_bits = dv_rng_chance(rng, 4) ? 32 : 64;
    options.num_funcs = 1 + (u32)dv_rng_below(rng, 3);
    dv_gen_seed(&source, dv_rng_next(rng));
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    dv_text_init(&text, &arena);
    dv_gen_clif(&text, &source, &options);
    /* The last byte's lowest bit tells fuzz_clif_eval the width of addresses. */
    text.data[text.length - 1] = options.address_bits == 32 ? '\t' : '\n';
    usize keep = dv_rng_chance(rng, 2) && size + text.length <= max_size ? size : 0;
    size = put(data, size, max_size, keep, size - keep, text.data, text.length);
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    Rng rng;
    dv_rng_seed(&rng, seed);
    switch (dv_rng_below(&rng, 16)) {
    case 0:
        return put_functions(data, size, max_size, &rng);
    case 1:
    case 2:
    case 3:
        return put_word(data, size, max_size, &rng);
    default:
        return LLVMFuzzerMutate(data, size, max_size);
    }
}
