/* compile.h - one function from CLIF to code: verify, legalise, lower, allocate, emit. */
#ifndef DV_CODEGEN_COMPILE_H
#define DV_CODEGEN_COMPILE_H

#include "codegen/isa/isa.h"

/* Compiles f, which is changed on the way: hand over a copy (dv_func_copy) to keep it. The result, which refers to f's
 * preamble, lies in `arena`; scratch memory, of another arena, in which diag
 * does not lie, is given back. False after an error in *diag, which tells what about the function
 * the target cannot do. Escapes when memory runs out. */
bool dv_compile(const Isa *isa, const CompileOptions *options, Func *f, Arena *arena,
                Arena *scratch, Diag *diag, CompiledFunc *out);

/* Compiles and stops before emission, and appends the machine instructions with what was allocated, for people. Scratch
 * memory, of two arenas, is given back; text and diag do not lie in the first. */
bool dv_compile_print(const Isa *isa, const CompileOptions *options, Func *f, Arena *scratch,
                      Arena *spare, Diag *diag, TextBuf *text);

#endif
