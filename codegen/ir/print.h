/* print.h - CLIF text out, as the reference compiler prints it; print(parse(x)) parses to the same
 * function. */
#ifndef DV_IR_PRINT_H
#define DV_IR_PRINT_H

#include "base/text.h"
#include "codegen/ir/entity.h"

/* print.c: the whole function, ending in "}\n". Any function that parses prints, valid or not. */
void dv_print_func(TextBuf *out, const Func *f);
/* One instruction without indentation, results and newline: "v2 = iadd v0, v1". */
void dv_print_inst(TextBuf *out, const Func *f, Inst i);
void dv_print_signature(TextBuf *out, const Func *f, const Signature *sig);
void dv_print_extname(TextBuf *out, const ExtName *name);
void dv_print_entity(TextBuf *out, EntityRef e);
/* A value of this type from its bytes (lane order, little-endian lanes) as dv_literal_parse reads
 * it: signed decimal, hex float, [lanes]. */
void dv_print_literal(TextBuf *out, Type type, const u8 *bytes);

#endif
