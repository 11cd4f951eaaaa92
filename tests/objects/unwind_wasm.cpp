// unwind_wasm.cpp - backtraces go through native WebAssembly: functions that call themselves, take arguments off the stack,
// made room for those of a tail call; and through the adapters, to C++ on both sides.
#include <davit/wasm.h>
#include <unwind.h>

#include <cstdio>
#include <cstdlib>
#include <map>

namespace
{

void check(bool ok, const char *what)
{
    if (!ok) {
        std::printf("fail: %s\n", what);
        std::exit(1);
    }
}

enum { DEPTH = 10, SUM = 123 };

// 5 goes to the host from `tail`, which makes it 6, and that from `many`, which makes it 7; with 0 to 10 and that 6 added it is
// 68, to which `deep` adds 1 to 10.
const char text[] =
    "(module (import \"\" \"host\" (func $host (param i64) (result i64)))\n"
    "  (func $many (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)\n"
    "    (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)\n"
    "    (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11)\n"
    "    (call $host (local.get 11))\n"
    "    (i64.add) (i64.add) (i64.add) (i64.add) (i64.add) (i64.add)\n"
    "    (i64.add) (i64.add) (i64.add) (i64.add) (i64.add) (i64.add))\n"
    "  (func $tail (param i64) (result i64)\n"
    "    (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)\n"
    "    (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10)\n"
    "    (return_call $many (call $host (local.get 0))))\n"
    "  (func $deep (export \"deep\") (param $n i64) (result i64)\n"
    "    (if (result i64) (i64.eqz (local.get $n)) (then (call $tail (i64.const 5)))\n"
    "      (else (i64.add (local.get $n) (call $deep (i64.sub (local.get $n) (i64.const 1))))))))\n";

std::map<uintptr_t, int> starts; // how many frames functions have
int walks;

_Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *)
{
    starts[_Unwind_GetRegionStart(context)]++;
    return _URC_NO_REASON;
}

void test(wasm_module_t *module, wasm_store_t *store);

// Called by `tail`, which made room, then by `many`.
wasm_trap_t *host(void *, wasm_store_t *, const davit_wasm_slot_t *args, davit_wasm_slot_t *results)
{
    int most = 0;
    starts.clear();
    _Unwind_Backtrace(on_frame, nullptr);
    for (const auto &start : starts) {
        most = start.second > most ? start.second : most;
    }
    check(most == DEPTH + 1, "every call of deep is on the stack");
    check(starts.count(reinterpret_cast<uintptr_t>(&test)) == 1, "C++ is on the stack");
    walks++;
    results[0] = davit_slot_i64(davit_slot_to_i64(args[0]) + 1);
    return nullptr;
}

__attribute__((noinline)) void test(wasm_module_t *module, wasm_store_t *store)
{
    wasm_func_t *func = davit_wasm_func_new(store, "I", "I", host, nullptr, nullptr);
    check(func != nullptr, "a host function");
    wasm_extern_t *import = wasm_func_as_extern(func);
    wasm_extern_vec_t imports = {1, &import};
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, nullptr);
    check(instance != nullptr, davit_wasm_error(store));
    wasm_extern_t *deep = davit_wasm_instance_export(instance, "deep");
    davit_wasm_slot_t arg = davit_slot_i64(DEPTH), result;
    walks = 0;
    check(davit_wasm_call(wasm_extern_as_func(deep), &arg, &result) == nullptr, "a call");
    check(davit_slot_to_i64(result) == SUM && walks == 2, "what comes back");
    wasm_extern_delete(deep);
    wasm_instance_delete(instance);
    wasm_func_delete(func);
}

} // namespace

int main()
{
    for (uint32_t level = 0; level < 2; level++) {
        wasm_config_t *config = wasm_config_new();
        davit_wasm_config_optimize(config, level);
        if (davit_wasm_config_engine(config, DAVIT_ENGINE_NATIVE) != DAVIT_OK) {
            std::puts("ok"); // there is none
            return 0;
        }
        wasm_engine_t *engine = wasm_engine_new_with_config(config);
        wasm_store_t *store = wasm_store_new(engine);
        wasm_byte_vec_t binary;
        check(davit_wasm_text_to_binary(store, text, sizeof text - 1, &binary) == DAVIT_OK,
              davit_wasm_error(store));
        wasm_module_t *module = wasm_module_new(store, &binary);
        check(module != nullptr, davit_wasm_error(store));
        test(module, store);
        wasm_module_delete(module);
        wasm_byte_vec_delete(&binary);
        wasm_store_delete(store);
        wasm_engine_delete(engine);
    }
    std::puts("ok");
    return 0;
}
