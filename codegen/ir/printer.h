/* printer.h - what the files of the printer share. */
#ifndef DV_IR_PRINTER_H
#define DV_IR_PRINTER_H

#include "codegen/ir/print.h"

/* ---- print_preamble.c ---- */

/* Every declaration, a line each; true if there was one. */
bool dv_printer_preamble(TextBuf *out, const Func *f);
/* A name where libcalls cannot stand, so that %CeilF32 needs no quotes. */
void dv_printer_function_name(TextBuf *out, const ExtName *name);
/* " notrap aligned region0", each with a blank before it. */
void dv_printer_memflags(TextBuf *out, MemFlags flags, u32 region);
/* "+8", "-8", nothing for 0. */
void dv_printer_offset(TextBuf *out, i64 offset);
/* Decimal below 10,000, else hexadecimal in groups of four digits; negative ones are decimal. */
void dv_printer_uint(TextBuf *out, u64 x);
void dv_printer_int(TextBuf *out, i64 x);
void dv_printer_type(TextBuf *out, Type type);
/* "fn7" */
void dv_printer_ref(TextBuf *out, EntityKind kind, u32 id);
/* "0x" and all bytes, the last first. */
void dv_printer_bytes(TextBuf *out, const u8 *bytes, u32 len);

#endif
