/* no_compile.c - what libdavit-vm has in place of compile.c: modules come from artifacts only. */
#include "wasm/capi/compiler.h"

bool dv_capi_compile(WasmModule *module, const CompileSettings *settings, Arena *scratch,
                     ByteBuf *out, Diag *diag)
{
    (void)module;
    (void)settings;
    (void)scratch;
    (void)out;
    dv_diag_error(diag, 0, 0, "this build cannot compile: load an artifact instead");
    return false;
}
