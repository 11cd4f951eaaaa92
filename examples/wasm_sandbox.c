/* wasm_sandbox.c - a guest that is not trusted: little memory, counted fuel, and what it may do when that is used up; its
 * trap with a backtrace.
 */
#include <davit/wasm.h>
#include <inttypes.h>
#include <stdio.h>

static const char text[] =
    "(module\n"
    "  (memory 1)\n"
    "  (func $grab (export \"grab\") (result i32)\n" /* takes all the memory it can get */
    "    (loop $more (br_if $more (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))\n"
    "    (memory.size))\n"
    "  (func $collatz (export \"collatz\") (param $n i64) (result i32) (local $steps i32)\n"
    "    (block $done (loop $next\n"
    "      (br_if $done (i64.eq (local.get $n) (i64.const 1)))\n"
    "      (local.set $n (if (result i64) (i64.eqz (i64.and (local.get $n) (i64.const 1)))\n"
    "        (then (i64.shr_u (local.get $n) (i64.const 1)))\n"
    "        (else (i64.add (i64.mul (local.get $n) (i64.const 3)) (i64.const 1)))))\n"
    "      (local.set $steps (i32.add (local.get $steps) (i32.const 1)))\n"
    "      (br $next)))\n"
    "    (local.get $steps))\n"
    "  (func $forever (export \"forever\") (loop (br 0))))\n";

/* Three portions more, then no more. */
static davit_answer_t refuel(void *context, wasm_store_t *store)
{
    int *portions = context;
    if (*portions == 0) {
        return DAVIT_ANSWER_TRAP;
    }
    *portions -= 1;
    printf("  another portion of fuel\n");
    davit_wasm_store_set_fuel(store, 10000);
    return DAVIT_ANSWER_GO_ON;
}

static wasm_store_t *make_store(void)
{
    wasm_config_t *config = wasm_config_new();
    davit_wasm_limits_t limits = {0};
    limits.memory_bytes = 5 * 65536;
    limits.stack_bytes = 64 * 1024;
    davit_wasm_config_limits(config, &limits);
    davit_wasm_config_metered(config, true);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_engine_delete(engine); /* the store keeps it */
    return store;
}

static wasm_instance_t *load(wasm_store_t *store)
{
    wasm_byte_vec_t binary;
    wasm_extern_vec_t imports = WASM_EMPTY_VEC;
    wasm_instance_t *instance = NULL;
    if (davit_wasm_text_to_binary(store, text, sizeof text - 1, &binary) != DAVIT_OK) {
        return NULL;
    }
    wasm_module_t *module = wasm_module_new(store, &binary);
    if (module != NULL) {
        instance = wasm_instance_new(store, module, &imports, NULL);
    }
    wasm_byte_vec_delete(&binary);
    wasm_module_delete(module);
    return instance;
}

/* Calls an export with slots; prints its trap, if there is one. */
static bool call(const wasm_instance_t *instance, const char *name, davit_wasm_slot_t arg,
                 davit_wasm_slot_t *result)
{
    wasm_extern_t *export = davit_wasm_instance_export(instance, name);
    wasm_trap_t *trap = davit_wasm_call(wasm_extern_as_func(export), &arg, result);
    wasm_extern_delete(export);
    if (trap != NULL) {
        wasm_byte_vec_t backtrace;
        davit_wasm_trap_backtrace(trap, &backtrace);
        printf("%s: %.*s", name, (int)backtrace.size, backtrace.data);
        wasm_byte_vec_delete(&backtrace);
        wasm_trap_delete(trap);
    }
    return trap == NULL;
}

int main(void)
{
    wasm_store_t *store = make_store();
    wasm_instance_t *instance = load(store);
    if (instance == NULL) {
        fprintf(stderr, "%s\n", davit_wasm_error(store));
        return 1;
    }
    davit_wasm_slot_t none = {0, 0};
    davit_wasm_slot_t result;
    int portions = 3;
    davit_wasm_store_set_fuel(store, 100000);
    bool ok = call(instance, "grab", none, &result) && davit_slot_to_i32(result) == 5;
    printf("grab: %" PRId32 " pages\n", davit_slot_to_i32(result));
    ok = call(instance, "collatz", davit_slot_i64(27), &result) && ok;
    ok = davit_slot_to_i32(result) == 111 && ok;
    printf("collatz: %" PRId32 " steps, %" PRIu64 " units of fuel left\n",
           davit_slot_to_i32(result), davit_wasm_store_fuel(store));
    davit_wasm_store_on_fuel(store, refuel, &portions);
    ok = !call(instance, "forever", none, &result) && portions == 0 && ok;

    wasm_instance_delete(instance);
    wasm_store_delete(store);
    return ok ? 0 : 1;
}
