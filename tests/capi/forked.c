/* forked.c - a process that is forked off goes on with what it has been given: traps, deadlines, and giving all back. */
#if defined(__linux__)
#define _POSIX_C_SOURCE 200809L /* fork, alarm */
#endif
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

/* ThreadSanitizer allows no threads then, and AddressSanitizer's allocator may be locked for ever: by a thread that was left behind. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define IS_WATCHED 1
#endif
#endif

#if defined(__linux__) && !defined(IS_WATCHED)
#include <sys/wait.h>
#include <unistd.h>

static const char source[] =
    "(module (memory 1) (func (export \"loop\") (param i32) (result i32) (loop (br 0)) (i32.const 0))\n"
    " (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0))))";

static uint32_t code_of(wasm_store_t *store, const wasm_instance_t *instance, const char *name)
{
    wasm_func_t *func = func_of(store, instance, name);
    davit_wasm_slot_t arg = davit_slot_i32(-1), result;
    wasm_trap_t *trap = davit_wasm_call(func, &arg, &result);
    uint32_t code = trap == NULL ? 0 : davit_wasm_trap_code(trap);
    wasm_trap_delete(trap);
    wasm_func_delete(func);
    return code;
}

/* The child ends here; the parent sees that it did well. */
static void finish(pid_t child)
{
    int status = 1;
    if (child == 0) {
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* Without a deadline in the parent, and with one that is far off. */
static void check(bool has_deadline)
{
    enum { TOO_LONG = 60 };
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, source, NULL, 0);
    if (has_deadline && davit_wasm_store_deadline(store, (uint64_t)1 << 40) != DAVIT_OK) {
        return; /* a build without threads */
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(TOO_LONG);
        CHECK(code_of(store, instance, "load") == DAVIT_TRAP_HEAP_OOB);
        if (davit_wasm_store_deadline(store, 20 * 1000 * 1000) == DAVIT_OK) {
            CHECK(code_of(store, instance, "loop") == DAVIT_TRAP_INTERRUPT);
        }
    }
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    finish(child);
}

/* What the parent had begun ends with the parent alone. */
static void check_end(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    (void)davit_wasm_store_deadline(store, (uint64_t)1 << 40);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
    }
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    finish(child);
}

int main(void)
{
    check(false);
    check(true);
    check_end();
    return 0;
}
#else
int main(void)
{
    return 0;
}
#endif
