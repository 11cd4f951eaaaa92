/* compile.c - the one place where the C API calls the compiler. libdavit-vm, which has none, links no_compile.c
 * instead. */
#include "wasm/capi/compiler.h"
#include "wasm/compile/wasm_compile.h"
#include "wasm/runtime/runtime.h"

bool dv_capi_compile(WasmModule *module, const CompileSettings *settings, Arena *scratch,
                     ByteBuf *out, Diag *diag)
{
    u32 cpu;
    const char *native = dv_rt_native_target(&cpu);
    bool is_native = native != NULL && settings->engine != COMPILE_PULLEY;
    WasmCompileOptions options = {
        .features = settings->features,
        .metered = settings->metered,
        .fast = settings->fast,
        .strip = settings->strip,
        .target = is_native ? native : "pulley",
        .cpu = is_native ? cpu : 0,
        .checked = settings->no_guards,
        .or_bytecode = is_native && settings->engine == COMPILE_AUTO,
    };
    WasmCompileStats stats = {0};
    WasmError error;
    return dv_wasm_compile(module, &options, scratch, out, &stats, diag, &error);
}
