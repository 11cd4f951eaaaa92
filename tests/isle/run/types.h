/* types.h - types the rules of types.isle expect. */
#ifndef DV_TESTS_ISLE_TYPES_H
#define DV_TESTS_ISLE_TYPES_H

#include "run.h"

typedef struct Handle {
    u32 number;
    u32 ignored; /* no part of the key, so no part of equality */
} Handle;
#define ISLE_KEY_Handle(x) ((x).number)

typedef enum Theirs_Kind { Theirs_Right, Theirs_Left } Theirs_Kind;
typedef struct Theirs {
    union {
        struct {
            i16 x;
        } Left;
    } as;
    Theirs_Kind kind;
} Theirs;

typedef struct TheirPair {
    i64 second;
    u64 first;
} TheirPair;

typedef enum Colour { Colour_Blue = 40, Colour_Red = 10, Colour_Green = 20 } Colour;

#endif
