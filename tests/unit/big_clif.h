/* big_clif.h - functions of any size as text, in the shapes that make naive algorithms slow; for test_big
 * and the benchmark. The same size gives the same text. */
#ifndef DV_BIG_CLIF_H
#define DV_BIG_CLIF_H

#include "base/text.h"

/* BIG(NAME, what n counts, what the shape is) */
#define BIG_SHAPES(X) \
    X(STRAIGHT, "instructions", "one block, each instruction using the one before") \
    X(BLOCKS, "blocks", "loops one after the other, values going on as block parameters") \
    X(LADDER, "blocks", "every block may leave to the last one, which n edges meet in") \
    X(NEST, "blocks", "n/3 loops, each inside of the one before") \
    X(PHIS, "arguments", "blocks with 64 parameters, each jump passing 64 arguments") \
    X(TABLE, "targets", "one br_table") \
    X(ALIASES, "aliases", "each alias stands for the one before") \
    X(GLOBALS, "global values", "each is based on the one before")

typedef enum BigShape {
#define BIG(name, unit, doc) BIG_##name,
    BIG_SHAPES(BIG)
#undef BIG
        BIG_COUNT
} BigShape;

static const char *const big_names[BIG_COUNT] = {
#define BIG(name, unit, doc) #name,
    BIG_SHAPES(BIG)
#undef BIG
};

static inline void big_word(TextBuf *out, const char *word, u32 number)
{
    dv_text_str(out, word);
    dv_text_u64(out, number);
}

/* v2 = iadd v1, v0 and so on: the last is (n + 1) * v0. */
static inline void big_straight(TextBuf *out, u32 n)
{
    dv_text_str(out, "block0(v0: i64):\n");
    for (u32 i = 1; i <= n; i++) {
        big_word(out, "    v", i);
        big_word(out, " = iadd v", i - 1);
        dv_text_str(out, ", v0\n");
    }
    big_word(out, "    return v", n);
}

/* Headers are the odd blocks; each is left for the next header, or goes round through the block after it. */
static inline void big_blocks(TextBuf *out, u32 n)
{
    dv_text_str(out, "block0(v0: i64):\n    v1 = iconst.i8 1\n    jump block1(v0)\n\n");
    u32 i = 1, value = 2;
    for (; i + 1 < n; i += 2, value += 2) {
        big_word(out, "block", i);
        big_word(out, "(v", value);
        big_word(out, ": i64):\n    v", value + 1);
        big_word(out, " = iadd v", value);
        big_word(out, ", v0\n    brif v1, block", i + 2);
        big_word(out, "(v", value + 1);
        big_word(out, "), block", i + 1);
        big_word(out, "\n\nblock", i + 1);
        big_word(out, ":\n    jump block", i);
        big_word(out, "(v", value + 1);
        dv_text_str(out, ")\n\n");
    }
    big_word(out, "block", i);
    big_word(out, "(v", value);
    big_word(out, ": i64):\n    return v", value);
}

static inline void big_ladder(TextBuf *out, u32 n)
{
    dv_text_str(out, "block0(v0: i64):\n    jump block1\n\n");
    for (u32 i = 1; i + 1 < n; i++) {
        big_word(out, "block", i);
        big_word(out, ":\n    brif v0, block", i + 1);
        big_word(out, ", block", n);
        dv_text_str(out, "\n\n");
    }
    big_word(out, "block", n < 2 ? 1 : n - 1);
    big_word(out, ":\n    jump block", n);
    big_word(out, "\n\nblock", n);
    dv_text_str(out, ":\n    return v0");
}

/* n/3 headers one below the other, then as many blocks that go back, from the innermost out. */
static inline void big_nest(TextBuf *out, u32 n)
{
    u32 depth = n / 3 == 0 ? 1 : n / 3;
    dv_text_str(out, "block0(v0: i64):\n    jump block1\n\n");
    for (u32 i = 1; i <= depth; i++) {
        big_word(out, "block", i);
        big_word(out, ":\n    jump block", i + 1);
        dv_text_str(out, "\n\n");
    }
    for (u32 i = depth; i >= 1; i--) {
        u32 latch = 2 * depth + 1 - i;
        big_word(out, "block", latch);
        big_word(out, ":\n    brif v0, block", latch + 1);
        big_word(out, ", block", i);
        dv_text_str(out, "\n\n");
    }
    big_word(out, "block", 2 * depth + 1);
    dv_text_str(out, ":\n    return v0");
}

enum { BIG_PARAMS = 64 };

static inline void big_list(TextBuf *out, u32 first, u32 step, const char *after)
{
    for (u32 i = 0; i < BIG_PARAMS; i++) {
        big_word(out, i == 0 ? "(v" : ", v", first + i * step);
        dv_text_str(out, after);
    }
    dv_text_char(out, ')');
}

static inline void big_phis(TextBuf *out, u32 n)
{
    u32 blocks = n / BIG_PARAMS == 0 ? 1 : n / BIG_PARAMS;
    dv_text_str(out, "block0(v0: i64):\n    jump block1");
    big_list(out, 0, 0, "");
    for (u32 i = 1; i <= blocks; i++) {
        u32 first = 1 + (i - 1) * BIG_PARAMS;
        big_word(out, "\n\nblock", i);
        big_list(out, first, 1, ": i64");
        dv_text_str(out, ":\n");
        if (i < blocks) {
            big_word(out, "    jump block", i + 1);
            big_list(out, first, 1, "");
        } else {
            big_word(out, "    return v", first);
        }
    }
}

static inline void big_table(TextBuf *out, u32 n)
{
    dv_text_str(out, "block0(v0: i64):\n    v1 = ireduce.i32 v0\n    br_table v1, block1, [");
    for (u32 i = 0; i < n; i++) {
        big_word(out, i == 0 ? "block" : ", block", 1 + i % 7);
    }
    dv_text_str(out, "]\n");
    for (u32 i = 1; i <= 7; i++) {
        big_word(out, "\nblock", i);
        dv_text_str(out, ":\n    return v0\n");
    }
}

static inline void big_aliases(TextBuf *out, u32 n)
{
    dv_text_str(out, "block0(v0: i64):\n");
    for (u32 i = 1; i <= n; i++) {
        big_word(out, "    v", i);
        big_word(out, " -> v", i - 1);
        dv_text_char(out, '\n');
    }
    big_word(out, "    return v", n);
}

static inline void big_globals(TextBuf *out, u32 n)
{
    dv_text_str(out, "    gv0 = symbol colocated %data\n");
    for (u32 i = 1; i <= n; i++) {
        big_word(out, "    gv", i);
        big_word(out, " = iadd_imm.i64 gv", i - 1);
        dv_text_str(out, ", 1\n");
    }
    dv_text_str(out, "\nblock0(v0: i64):\n    return v0");
}

static inline void big_clif(TextBuf *out, BigShape shape, u32 n)
{
    static void (*const bodies[BIG_COUNT])(TextBuf *, u32) = {
        [BIG_STRAIGHT] = big_straight, [BIG_BLOCKS] = big_blocks,   [BIG_LADDER] = big_ladder,
        [BIG_NEST] = big_nest,         [BIG_PHIS] = big_phis,       [BIG_TABLE] = big_table,
        [BIG_ALIASES] = big_aliases,   [BIG_GLOBALS] = big_globals,
    };
    dv_text_str(out, "function %big(i64) -> i64 fast {\n");
    bodies[shape](out, n);
    dv_text_str(out, "\n}\n");
}

#endif
