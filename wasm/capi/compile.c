/* compile.c - the one place where the C API calls the compiler. libdavit-vm, which has none, links no_compile.c
 * instead. */
#include "wasm/capi/compiler.h"
#include "wasm/compile/wasm_compile.h"

bool dv_capi_compile(WasmModule *module, const CompileSettings *settings, Arena *scratch,
                     ByteBuf *out, Diag *diag)
{
    WasmCompileOptions options = {
        .features = settings->features,
        .metered = settings->metered,
        .fast = settings->fast,
        .strip = settings->strip,
        .target = "pulley",
    };
    WasmCompileStats stats = {0};
    WasmError error;
    return dv_wasm_compile(module, &options, scratch, out, &stats, diag, &error);
}
