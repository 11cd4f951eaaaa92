/* coroutine.c - calls on stacks of the program's own: host functions that leave for another one in which another store runs, and
 * come back in any order, be it in another thread. */
#if defined(__linux__)
#define _GNU_SOURCE /* makecontext */
#endif
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

/* ThreadSanitizer loses track of stacks that change hands. */
#if defined(__SANITIZE_THREAD__)
#define IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_WATCHED 1
#endif
#endif

#if defined(__GLIBC__) && defined(__x86_64__) && !defined(IS_WATCHED)
#include <pthread.h>
#include <ucontext.h>

enum { STACK_BYTES = 512 << 10 };

static const char source[] = "(module (import \"\" \"yield\" (func $yield)) (memory 1)\n"
                             " (func (export \"go\") (param i32) (result i32)\n"
                             "  (call $yield) (i32.load (local.get 0))))";

typedef struct Coroutine {
    ucontext_t inside, outside;
    wasm_store_t *store;
    wasm_instance_t *instance;
    char *stack;
    int32_t address;
    uint32_t code; /* of the trap it ended in; 0: none */
    bool is_done;
} Coroutine;

static wasm_trap_t *yield(void *env, wasm_store_t *store, const davit_wasm_slot_t *args,
                          davit_wasm_slot_t *results)
{
    Coroutine *c = env;
    (void)store;
    (void)args;
    (void)results;
    swapcontext(&c->inside, &c->outside);
    return NULL;
}

/* makecontext hands over ints alone. */
static Coroutine *started;

static void run(void)
{
    Coroutine *c = started;
    wasm_func_t *go = func_of(c->store, c->instance, "go");
    davit_wasm_slot_t arg = davit_slot_i32(c->address), result = {0, 0};
    wasm_trap_t *trap = davit_wasm_call(go, &arg, &result);
    c->code = trap == NULL ? 0 : davit_wasm_trap_code(trap);
    wasm_trap_delete(trap);
    wasm_func_delete(go);
    c->is_done = true;
    swapcontext(&c->inside, &c->outside);
}

static void go_on(Coroutine *c)
{
    started = c;
    swapcontext(&c->outside, &c->inside);
}

static void *go_on_elsewhere(void *context)
{
    go_on(context);
    return NULL;
}

/* Each has a store. Goes on up to the first yield. */
static void start(Coroutine *c, wasm_engine_t *engine, int32_t address)
{
    *c = (Coroutine){.store = wasm_store_new(engine), .address = address};
    wasm_module_t *module = module_of(c->store, source);
    wasm_func_t *func = davit_wasm_func_new(c->store, "", "", yield, c, NULL);
    NEED(c->store, func);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t vec = {1, imports};
    c->instance = wasm_instance_new(c->store, module, &vec, NULL);
    NEED(c->store, c->instance);
    wasm_func_delete(func);
    wasm_module_delete(module);
    c->stack = malloc(STACK_BYTES);
    CHECK(c->stack != NULL && getcontext(&c->inside) == 0);
    c->inside.uc_stack.ss_sp = c->stack;
    c->inside.uc_stack.ss_size = STACK_BYTES;
    makecontext(&c->inside, run, 0);
    go_on(c);
    CHECK(!c->is_done);
}

static void end(Coroutine *c)
{
    wasm_instance_delete(c->instance);
    wasm_store_delete(c->store);
    free(c->stack);
}

static void check_order(wasm_engine_t *engine, bool in_threads)
{
    enum { COUNT = 3 };
    static const int32_t addresses[COUNT] = {-1, 8, 65536};
    static const uint32_t codes[COUNT] = {DAVIT_TRAP_HEAP_OOB, 0, DAVIT_TRAP_HEAP_OOB};
    for (int first = 0; first < COUNT; first++) {
        Coroutine all[COUNT];
        for (int i = 0; i < COUNT; i++) {
            start(&all[i], engine, addresses[i]);
        }
        for (int i = 0; i < COUNT; i++) {
            Coroutine *c = &all[(first + i) % COUNT];
            pthread_t thread;
            if (!in_threads) {
                go_on(c);
            } else {
                CHECK(pthread_create(&thread, NULL, go_on_elsewhere, c) == 0);
                CHECK(pthread_join(thread, NULL) == 0);
            }
            CHECK(c->is_done && c->code == codes[c - all]);
        }
        for (int i = 0; i < COUNT; i++) {
            end(&all[i]);
        }
    }
}

int main(void)
{
    wasm_config_t *config = wasm_config_new();
    davit_wasm_limits_t limits = {0};
    limits.stack_bytes = STACK_BYTES - (128 << 10);
    davit_wasm_config_limits(config, &limits);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    check_order(engine, false);
    check_order(engine, true);
    wasm_engine_delete(engine);
    return 0;
}
#else
int main(void)
{
    return 0;
}
#endif
