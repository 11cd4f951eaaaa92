/* link.c - host functions that hand calls of WASI to its implementation. */
#include "wasm/wasi/link.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARAMS_MAX = 16 };

typedef struct Binding {
    Wasi *wasi;
    const WasiFunc *func;
} Binding;

/* The memory that addresses of the calling instance mean. Without one every address is out of bounds. */
static WasiMemory memory_of_caller(RtStore *store)
{
    static const Str name = {"memory", 6};
    RtInstance *caller = dv_rt_caller(store);
    RtExtern found;
    if (caller == NULL || !dv_rt_instance_find(caller, name, &found) ||
        found.kind != EXTERN_MEMORY) {
        return (WasiMemory){NULL, 0};
    }
    return (WasiMemory){dv_rt_memory_data(found.of.memory), dv_rt_memory_bytes(found.of.memory)};
}

static RtTrap *call(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    const Binding *binding = context;
    u64 numbers[PARAMS_MAX];
    u64 result = 0;
    u32 count = (u32)strlen(binding->func->params);
    for (u32 i = 0; i < count; i++) {
        numbers[i] = binding->func->params[i] == 'i' ? (u32)args[i].lo : args[i].lo;
    }
    switch (binding->func->fn(binding->wasi, memory_of_caller(store), numbers, &result)) {
    case WASI_EXIT:
        return dv_rt_trap_exit(store, (i32)dv_wasi_exit_code(binding->wasi));
    case WASI_STOP:
        return dv_rt_trap_code(store, PULLEY_TRAP_interrupt);
    case WASI_TRAP:
        return dv_rt_trap_new(store, "trap in WASI", 12);
    default:
        if (binding->func->has_result) {
            results[0] = (RtVal){(u32)result, 0};
        }
        return NULL;
    }
}

static u32 type_of(RtStore *store, const WasiFunc *func)
{
    static const ValType result = VT_I32;
    ValType params[PARAMS_MAX];
    u32 count = 0;
    CHECK(strlen(func->params) <= PARAMS_MAX);
    for (; func->params[count] != '\0'; count++) {
        params[count] = func->params[count] == 'i' ? VT_I32 : VT_I64;
    }
    RtFuncType type = {count, func->has_result, params, &result};
    return dv_rt_type(store, &type);
}

bool dv_wasi_link(RtLinker *linker, RtStore *store, Wasi *wasi, RtError *error)
{
    static const Str module = {WASI_MODULE, sizeof WASI_MODULE - 1};
    u32 count;
    const WasiFunc *funcs = dv_wasi_funcs(&count);
    Binding *bindings = calloc(count, sizeof *bindings);
    bool ok = bindings != NULL;
    for (u32 i = 0; i < count && ok; i++) {
        bindings[i] = (Binding){wasi, &funcs[i]};
        /* The first function frees them all: finalizers run when no guest runs any more. */
        RtHostFunc host = {call, &bindings[i], i == 0 ? free : NULL};
        RtExtern what = {.kind = EXTERN_FUNC};
        Str name = {funcs[i].name, (u32)strlen(funcs[i].name)};
        u32 type = type_of(store, &funcs[i]);
        what.of.func = type == 0 ? NULL : dv_rt_func_new(store, type, &host, error);
        if (i == 0 && what.of.func == NULL) {
            free(bindings);
        }
        ok = what.of.func != NULL && dv_rt_linker_define(linker, module, name, what);
    }
    if (!ok) {
        error->status = DAVIT_ERROR_MEMORY;
        snprintf(error->message, sizeof error->message, "memory ran out");
    }
    return ok;
}

bool dv_wasi_stops_with_store(void *store)
{
    return dv_rt_is_interrupted(store);
}
