/* wasm_value.h - values of Wasm as words of a command line and in what is printed. */
#ifndef DV_TOOLS_WASM_VALUE_H
#define DV_TOOLS_WASM_VALUE_H

#include "base/text.h"
#include "wasm/runtime/runtime.h"

/* Integers in decimal or hex, signed or not; floats as C has them; "null". False if the word is no value of the type. */
bool dv_wasm_value_read(const char *text, ValType type, RtVal *out);
/* Appends it in words that are read back the same, but for references and NaNs. */
void dv_wasm_value_print(TextBuf *out, RtVal value, ValType type);

#endif
