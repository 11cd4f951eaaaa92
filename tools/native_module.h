/* native_module.h - a CLIF file as one module, for native code: its functions by number, the runtime entities that they name,
 * types, and how a function has to be changed to be compiled as part of it.
 *
 * Function number N of the file is import N of the module, and its own function N too: what functions import is called through
 * the vmctx, what they define directly. One more of each stands for functions that are not in the file. */
#ifndef DV_TOOLS_NATIVE_MODULE_H
#define DV_TOOLS_NATIVE_MODULE_H

#include "codegen/ir/parse.h"
#include "interp/interp.h"
#include "rt/vmctx.h"

/* In calls of the module's own functions names are in this space; the index is what dv_native_module_own says. */
enum { NATIVE_MODULE_NAMES = 0x7fffffff };

typedef struct NativeModuleOptions {
    bool is_static;   /* memories that can be */
    bool own_globals; /* globals are the instance's own, else imported */
} NativeModuleOptions;

typedef struct NativeModule {
    const ClifFile *file;
    Arena *arena;
    NativeModuleOptions options;
    bool is_wasm;            /* functions pass a vmctx, as those of wasm do */
    VEC(WasmTypeData) types; /* by canonical id */
    PulleyModule pulley;     /* without code; types: the canonical ones, then one a function */
    u32 *type_ids;           /* by type of that */
    VmShape shape;
    u8 *modes; /* VmMemoryMode of the function prepared last */
} NativeModule;

/* A file whose indices are too large gets a module that has none of its entities. Escapes when memory runs out. */
void dv_native_module_init(NativeModule *m, const ClifFile *file, Arena *arena,
                           const NativeModuleOptions *options);
/* Makes a copy of a function of the file ready to be compiled, and tells with what options, of which modes are overwritten by
 * the next call. NULL, or why that cannot be. */
const char *dv_native_module_prepare(NativeModule *m, Func *copy, VmOptions *out);
/* The last function of that name; how many there are if there is none. */
u32 dv_native_module_find(const NativeModule *m, const ExtName *name);
/* The number of a name of NATIVE_MODULE_NAMES among the module's own functions. */
u32 dv_native_module_own(const NativeModule *m, u32 index);
/* Whether memories of that declaration are static. */
bool dv_native_module_is_static(const NativeModule *m, const WasmMemoryData *type);
/* The declaration that counts in runs of that function's (NULL: nobody's) directives: its own, else the first in the
 * file. NULL if there is none. */
const WasmMemoryData *dv_native_module_memory(const NativeModule *m, const ClifFunc *owner,
                                              u32 index);
const WasmTableData *dv_native_module_table(const NativeModule *m, const ClifFunc *owner,
                                            u32 index);
/* Also NULL if no global could have the type. */
const WasmGlobalData *dv_native_module_global(const NativeModule *m, const ClifFunc *owner,
                                              u32 index);

#endif
