/* values.h - types the rules of values.isle expect. */
#ifndef DV_TESTS_ISLE_VALUES_H
#define DV_TESTS_ISLE_VALUES_H

#include "run.h"

typedef struct Reg {
    u32 number;
} Reg;
#define ISLE_KEY_Reg(x) ((x).number)
#define ISLE_CASE_Reg(c) c##_NUMBER
enum { SP_NUMBER = 30, FP_NUMBER = 29 };
#define SP ((Reg){SP_NUMBER})
#define FP ((Reg){FP_NUMBER})
#define MAGIC 42u

typedef enum Opt_Kind { Opt_None, Opt_Some } Opt_Kind;
typedef struct Opt {
    Opt_Kind kind;
    union {
        struct {
            Reg reg;
        } Some;
    } as;
} Opt;

#endif
