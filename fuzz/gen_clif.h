/* gen_clif.h - bytes become CLIF functions that verify: what fuzzers and comparisons of engines run. */
#ifndef DV_FUZZ_GEN_CLIF_H
#define DV_FUZZ_GEN_CLIF_H

#include "base/text.h"

enum {
    GEN_FUNCS_MAX = 4,
    GEN_MEMORY_BYTES = 65536, /* what memories 0 and 1 start with */
    GEN_TABLE_ELEMS = 8,      /* what tables 0 and 1 start with */
    GEN_SEGMENT_SIZE =
        8 /* data segment 0 in bytes, element segment 0 in elements, as set up before */
};

typedef struct GenOptions {
    u32 address_bits; /* 32 or 64: the type of addresses */
    u32 max_insts;    /* of a function, about */
} GenOptions;

/* gen_clif.c: appends a file of 1 to GEN_FUNCS_MAX functions %f0, %f1... that call each other. Any bytes give
 * functions that verify for this address width; few bytes give small ones. */
void dv_gen_clif(TextBuf *out, const u8 *bytes, usize size, const GenOptions *options);

#endif
