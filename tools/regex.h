/* regex.h - regular expressions over bytes, matched in time linear in text times pattern.
 *
 * The syntax is the part of Rust's regex crate that tests use: literals, . [a-z] [^..] \d \D \w \W
 * \s \S \b \B \n \r \t \f \v \xHH and escaped punctuation; (..) and (?:..), which do not capture,
 * (?P<name>..) and (?<name>..), which do; alternation; * + ? {n} {n,} {n,m} and their lazy forms. ^
 * and $ hold at every line, . takes any byte but a newline. Of several matches the leftmost one is
 * found, and of those the one that a backtracking search would come to first.
 */
#ifndef DV_TOOLS_REGEX_H
#define DV_TOOLS_REGEX_H

#include "base/vec.h"

enum {
    REGEX_GROUPS_MAX = 16,   /* the whole match included */
    REGEX_CODE_MAX = 10000,  /* instructions after repetitions are unfolded */
    REGEX_REPEAT_MAX = 1000, /* in {n,m} */
    REGEX_DEPTH_MAX = 250    /* of groups */
};

typedef struct RegexInst {
    u8 op;
    i32 x; /* a byte, class or slot; for jumps the distance */
} RegexInst;

typedef struct RegexClass {
    u32 bits[8]; /* a bit per byte */
} RegexClass;

typedef struct Regex {
    VEC(RegexInst) code;
    VEC(RegexClass) classes;
    u32 num_groups; /* group 0 is the whole match */
    Str names[REGEX_GROUPS_MAX];
} Regex;

typedef struct RegexError {
    u32 offset; /* into the pattern, in bytes */
    const char *text;
} RegexError;

#define REGEX_NO_MATCH UINT32_MAX

typedef struct RegexSpan {
    u32 start, end; /* REGEX_NO_MATCH where the group took no part */
} RegexSpan;

/* ---- regex.c ---- */

/* Code, and names that point into the pattern. False with *error if the pattern is malformed or too
 * large. */
bool dv_regex_compile(Regex *regex, Arena *arena, Str pattern, RegexError *error);
/* The first match in the text, spans[num_groups] by group; the ends of the text count as word
 * boundaries. Scratch memory is released. */
bool dv_regex_search(const Regex *regex, Arena *scratch, Str text, RegexSpan *spans);
/* The group with this name, or 0. */
u32 dv_regex_group(const Regex *regex, Str name);

#endif
