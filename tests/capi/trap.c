/* trap.c - traps of guests and hosts: messages, frames with offsets and names, codes, exits. */
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

static wasm_store_t *store;
static int info_finalized;

static void count_info(void *info)
{
    CHECK(info == &info_finalized);
    info_finalized++;
}

static wasm_trap_t *fail(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_name_t message;
    (void)env;
    (void)args;
    (void)results;
    wasm_name_new_from_string_nt(&message, "the host says no");
    wasm_trap_t *trap = wasm_trap_new(store, &message);
    wasm_name_delete(&message);
    return trap;
}

/* Keeps a handle of the trap it returns. */
static wasm_trap_t *fail_and_keep(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_trap_t *trap = fail(NULL, args, results);
    *(wasm_trap_t **)env = wasm_trap_copy(trap);
    return trap;
}

static wasm_trap_t *leave(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)env;
    (void)args;
    (void)results;
    return davit_wasm_exit(store, 7);
}

static const char source[] =
    "(module $traps (import \"\" \"f\" (func $f)) (memory 1)\n"
    " (func $inner (export \"unreachable\") (unreachable))\n"
    " (func $outer (export \"outer\") (call $nothing) (call $inner))\n"
    " (func (export \"divide\") (drop (i32.div_s (i32.const 1) (i32.const 0))))\n"
    " (func (export \"load\") (drop (i32.load (i32.const -1))))\n"
    " (func (export \"host\") (call $f))\n"
    " (func $nothing)\n"
    " (func $deep (export \"deep\") (call $deep)))";

static wasm_trap_t *call(const wasm_instance_t *instance, const char *name)
{
    wasm_func_t *func = func_of(store, instance, name);
    wasm_trap_t *trap = wasm_func_call(func, NULL, NULL);
    wasm_func_delete(func);
    CHECK(trap != NULL);
    return trap;
}

static wasm_instance_t *instance_with(wasm_func_callback_with_env_t callback, void *env)
{
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *func = wasm_func_new_with_env(store, type, callback, env, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_instance_t *instance = instance_of(store, source, imports, 1);
    wasm_func_delete(func);
    wasm_functype_delete(type);
    return instance;
}

static void check_frames(const wasm_instance_t *instance)
{
    wasm_trap_t *trap = call(instance, "outer");
    CHECK(davit_wasm_trap_code(trap) == DAVIT_TRAP_UNREACHABLE);
    CHECK(davit_wasm_trap_exit_status(trap) == -1);
    wasm_frame_t *origin = wasm_trap_origin(trap);
    CHECK(origin != NULL && wasm_frame_func_index(origin) == 1);
    CHECK(wasm_instance_same(wasm_frame_instance(origin), instance));
    wasm_frame_vec_t frames, copies, some;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 2);
    CHECK(wasm_frame_func_index(frames.data[0]) == 1 && wasm_frame_func_index(frames.data[1]) == 2);
    CHECK(wasm_frame_module_offset(frames.data[0]) != 0);
    CHECK(wasm_frame_module_offset(frames.data[1]) > wasm_frame_module_offset(frames.data[0]));
    CHECK(wasm_frame_func_offset(frames.data[1]) > 0);
    CHECK(wasm_frame_func_offset(frames.data[1]) < wasm_frame_module_offset(frames.data[1]));
    wasm_name_t name;
    davit_wasm_frame_func_name(frames.data[0], &name);
    CHECK(name_is(&name, "inner"));
    wasm_name_delete(&name);

    wasm_byte_vec_t text;
    davit_wasm_trap_backtrace(trap, &text);
    wasm_byte_vec_t line;
    wasm_byte_vec_new_uninitialized(&line, text.size + 1);
    memcpy(line.data, text.data, text.size);
    CHECK(strncmp(line.data, "unreachable", 11) == 0);
    CHECK(strstr(line.data, "inner") != NULL && strstr(line.data, "outer") != NULL);
    wasm_byte_vec_delete(&line);
    wasm_byte_vec_delete(&text);

    wasm_trap_delete(trap); /* frames outlive it */
    wasm_frame_t *copy = wasm_frame_copy(origin);
    CHECK(wasm_frame_func_index(copy) == 1);
    wasm_frame_delete(copy);
    wasm_frame_delete(origin);
    wasm_frame_delete(NULL);
    wasm_frame_vec_copy(&copies, &frames);
    CHECK(copies.size == 2 && wasm_frame_func_index(copies.data[1]) == 2);
    wasm_frame_vec_new(&some, 2, copies.data);
    copies.data[0] = copies.data[1] = NULL;
    wasm_frame_vec_delete(&copies);
    wasm_frame_vec_delete(&some);
    wasm_frame_vec_new_empty(&some);
    wasm_frame_vec_new_uninitialized(&some, 1);
    wasm_frame_vec_delete(&some);
    wasm_frame_vec_delete(&frames);
}

static void check_codes(const wasm_instance_t *instance)
{
    wasm_trap_t *trap = call(instance, "divide");
    CHECK(davit_wasm_trap_code(trap) == DAVIT_TRAP_INT_DIVZ);
    CHECK(trap_says(trap, "integer divide by zero"));
    trap = call(instance, "load");
    CHECK(davit_wasm_trap_code(trap) == DAVIT_TRAP_HEAP_OOB);
    CHECK(trap_says(trap, "out of bounds memory access"));
    trap = call(instance, "deep");
    CHECK(davit_wasm_trap_code(trap) == DAVIT_TRAP_STK_OVF);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size > 10 && frames.size < 10000);
    wasm_frame_vec_delete(&frames);
    CHECK(trap_says(trap, "call stack exhausted"));
}

static void check_host_traps(void)
{
    wasm_instance_t *instance = instance_with(fail, NULL);
    wasm_trap_t *trap = call(instance, "host");
    CHECK(davit_wasm_trap_code(trap) == 0);
    wasm_frame_t *origin = wasm_trap_origin(trap);
    CHECK(origin != NULL && wasm_frame_func_index(origin) == 5);
    wasm_frame_delete(origin);
    CHECK(trap_says(trap, "the host says no"));
    wasm_instance_delete(instance);

    wasm_trap_t *kept = NULL;
    instance = instance_with(fail_and_keep, (void *)&kept);
    CHECK(trap_says(call(instance, "host"), "the host says no"));
    CHECK(trap_says(kept, "the host says no"));
    wasm_instance_delete(instance);

    instance = instance_with(leave, NULL);
    trap = call(instance, "host");
    CHECK(davit_wasm_trap_code(trap) == DAVIT_TRAP_EXIT);
    CHECK(davit_wasm_trap_exit_status(trap) == 7);
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
}

/* A trap that no guest saw; messages with and without a NUL. */
static void check_made(void)
{
    wasm_message_t message;
    wasm_name_new_from_string(&message, "made");
    wasm_trap_t *trap = wasm_trap_new(store, &message);
    wasm_name_delete(&message);
    CHECK(wasm_trap_origin(trap) == NULL);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 0);
    wasm_frame_vec_delete(&frames);
    wasm_trap_t *copy = wasm_trap_copy(trap);
    CHECK(wasm_trap_same(trap, copy));
    wasm_trap_set_host_info_with_finalizer(trap, &info_finalized, count_info);
    CHECK(wasm_trap_get_host_info(copy) == &info_finalized);
    wasm_trap_delete(trap);
    CHECK(info_finalized == 0);
    CHECK(trap_says(copy, "made"));
    CHECK(info_finalized == 1);
    wasm_name_new_empty(&message);
    CHECK(trap_says(wasm_trap_new(store, &message), ""));
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_with(fail, NULL);
    check_frames(instance);
    check_codes(instance);
    check_host_traps();
    check_made();
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
