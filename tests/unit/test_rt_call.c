/* test_rt_call.c - calls between host and guest, both ways, nested, suspended, stopped; and what traps tell. */
#include "rt_testing.h"

#include "base/threads.h"

#define MANY 1000u
#define FIRST_USER_NAMED 200u

static RtVal val(u64 x)
{
    return (RtVal){.lo = x};
}

/* Calls a function of one i32 or i64 and one result. */
static RtTrap *call1(RtStore *store, RtFunc *func, u64 arg, u64 *result)
{
    RtVal in = val(arg);
    RtVal out = val(0);
    RtTrap *trap = dv_rt_call(store, func, &in, &out);
    *result = out.lo;
    return trap;
}

static RtFunc *host_func(RtStore *store, const char *params, const char *results, RtHostFn *fn,
                         void *context)
{
    ValType types[4];
    u32 count = 0;
    for (const char *at = params; *at != '\0'; at++) {
        types[count++] = *at == 'i' ? VT_I32 : *at == 'I' ? VT_I64 : VT_EXTERNREF;
    }
    RtFuncType type = {count, 0, types, types + count};
    for (const char *at = results; *at != '\0'; at++) {
        types[count++] = *at == 'i' ? VT_I32 : *at == 'I' ? VT_I64 : VT_EXTERNREF;
        type.num_results++;
    }
    const RtHostFunc host = {.fn = fn, .context = context};
    RtError error;
    u32 id = dv_rt_type(store, &type);
    assert_int_not_equal(id, 0);
    RtFunc *func = dv_rt_func_new(store, id, &host, &error);
    assert_non_null(func);
    return func;
}

static RtExtern extern_func(RtFunc *func)
{
    return (RtExtern){.kind = EXTERN_FUNC, .of.func = func};
}

/* ---- plain calls ---- */

static Bytes arithmetic(Fixture *f)
{
    Meta *m = meta_new(f);
    meta_type(m, "ii", "i");
    meta_func(m, 0);
    meta_func(m, 0);
    meta_export(m, "add", EXTERN_FUNC, 0);
    meta_export(m, "div", EXTERN_FUNC, 1);
    return artifact_of(m, "type 2 -> 1\n"
                          "func type0, window 2 {\nxadd32 s0, s0, s1\nret\n}\n"
                          "func type0, window 2 {\nxdiv32_s s0, s0, s1\nret\n}\n");
}

static void numbers(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    RtInstance *instance = add_instance(f, store, arithmetic(f), NULL, 0);
    RtVal args[2] = {val((u32)-5), val(7)};
    RtVal result = {7, 7};
    assert_null(dv_rt_call(store, func_of(instance, "add"), args, &result));
    assert_int_equal(result.lo, 2);
    assert_int_equal(result.hi, 0);
    /* High halves of 32-bit values are nothing. */
    args[0].lo |= (u64)0xabcd << 32;
    assert_null(dv_rt_call(store, func_of(instance, "add"), args, &result));
    assert_int_equal(result.lo, 2);
    RtExtern out;
    assert_false(dv_rt_instance_find(instance, str_of("ad"), &out));
    assert_false(dv_rt_instance_find(instance, str_of(""), &out));
    assert_ptr_equal(dv_rt_func_store(func_of(instance, "add")), store);
    assert_ptr_equal(dv_rt_instance_store(instance), store);
    dv_rt_store_release(store);
}

/* Every value doubled; those beyond the window too. */
static const char *doubling_code(Fixture *f, const char *last)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_printf(&text, "type %u -> %u\n%s", MANY, MANY, last);
    dv_text_str(&text, "func type0, window 52, frame 952 {\nenter_block 48, 952, 952\n");
    for (u32 i = 0; i < 48; i++) {
        dv_text_printf(&text, "xadd64 s%u, s%u, s%u\n", (unsigned)i, (unsigned)i, (unsigned)i);
    }
    for (u32 i = 0; i < MANY - 48; i++) {
        dv_text_printf(&text,
                       "spill_load_far s50, spill%u\nxadd64 s50, s50, s50\nresult_store s50, %u\n",
                       (unsigned)(952 - i), (unsigned)i);
    }
    dv_text_str(&text, "ret_big 48, 952\n}\n");
    return text.data;
}

static RtTrap *add_one_to_all(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    (void)context;
    (void)store;
    for (u32 i = 0; i < MANY; i++) {
        results[i] = val(args[i].lo + 1);
    }
    return NULL;
}

static void many_values(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    char letters[MANY + 1];
    ValType types[MANY];
    memset(letters, 'I', MANY);
    letters[MANY] = '\0';
    for (u32 i = 0; i < MANY; i++) {
        types[i] = VT_I64;
    }
    Meta *m = meta_new(f);
    meta_type(m, letters, letters);
    meta_func(m, 0);
    meta_export(m, "double", EXTERN_FUNC, 0);
    RtInstance *instance = add_instance(f, store, artifact_of(m, doubling_code(f, "")), NULL, 0);
    RtVal values[MANY];
    for (u32 i = 0; i < MANY; i++) {
        values[i] = val((u64)i << 32 | 7);
    }
    assert_null(dv_rt_call(store, func_of(instance, "double"), values, values));
    for (u32 i = 0; i < MANY; i++) {
        assert_int_equal(values[i].lo, ((u64)i << 32 | 7) * 2);
    }
    const RtFuncType type = {MANY, MANY, types, types};
    const RtHostFunc host = {.fn = add_one_to_all};
    RtError error;
    RtFunc *func = dv_rt_func_new(store, dv_rt_type(store, &type), &host, &error);
    assert_int_equal(func->type_id, func_of(instance, "double")->type_id);
    assert_null(dv_rt_call(store, func, values, values));
    for (u32 i = 0; i < MANY; i++) {
        assert_int_equal(values[i].lo, ((u64)i << 32 | 7) * 2 + 1);
    }
    dv_rt_store_release(store);
}

/* ---- traps ---- */

static void trap_messages(void **state)
{
    Fixture *f = *state;
    static const struct {
        u32 code;
        const char *message;
    } traps[] = {
#define TRAP(name, code, message) {code, message},
#include "base/traps.def"
#undef TRAP
    };
    Meta *m = meta_new(f);
    TextBuf code;
    dv_text_init(&code, &f->arena);
    dv_text_str(&code, "type 0 -> 0\n");
    meta_type(m, "", "");
    for (u32 i = 0; i < ARRAY_LEN(traps); i++) {
        char name[16];
        dv_pulley_trap_name(traps[i].code, name);
        dv_text_printf(&code, "func type0, window 0 {\ntrap %s\n}\n", name);
        meta_func(m, 0);
        meta_export(m, name, EXTERN_FUNC, i);
    }
    RtStore *store = open_store(f, (RtStoreConfig){0});
    RtInstance *instance = add_instance(f, store, artifact_of(m, code.data), NULL, 0);
    for (u32 i = 0; i < ARRAY_LEN(traps); i++) {
        RtTrap *trap = dv_rt_call(store, dv_rt_instance_export(instance, i).of.func, NULL, NULL);
        assert_non_null(trap);
        assert_int_equal(trap->code, traps[i].code);
        assert_ptr_equal(trap->store, store);
        assert_string_equal(dv_rt_trap_message(trap->code), traps[i].message);
        assert_memory_equal(trap->message, traps[i].message, strlen(traps[i].message));
        assert_int_equal(trap->num_frames, 1);
        assert_int_equal(trap->frames[0].func, i);
        assert_ptr_equal(trap->frames[0].instance, instance);
        free_trap(&trap);
    }
    RtTrap *trap = dv_rt_call(store, dv_rt_instance_export(instance, 0).of.func, NULL, NULL);
    dv_rt_store_release(store);
    free_trap(&trap); /* after its store */
    free_trap(&trap); /* NULL */
}

/* Function 0 calls itself while its argument is not 0, then calls a null element. */
static void null_elements(void **state)
{
    Fixture *f = *state;
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_func(m, 0);
    meta_table(m, 'a', 20, NO_MAX);
    meta_export(m, "f", EXTERN_FUNC, 0);
    RtStore *store = open_store(f, (RtStoreConfig){0});
    const char *code = "type 1 -> 1\ntable i32 func\n"
                       "func type0, window 6 {\n"
                       "xmov s2, s0\ncall_table s4, s2, table0, type0\nret\n}\n";
    RtInstance *instance = add_instance(f, store, artifact_of(m, code), NULL, 0);
    u64 result;
    RtTrap *trap = call1(store, func_of(instance, "f"), 13, &result);
    assert_string_equal(trap->message, "uninitialized element 13");
    assert_int_equal(trap->code, PULLEY_TRAP_null_elem);
    free_trap(&trap);
    trap = call1(store, func_of(instance, "f"), 20, &result);
    assert_string_equal(trap->message, "undefined element");
    free_trap(&trap);
    dv_rt_store_release(store);
}

static void deep_stacks(void **state)
{
    Fixture *f = *state;
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_func(m, 0);
    meta_func(m, 0);
    meta_export(m, "f", EXTERN_FUNC, 1);
    RtStore *store = open_store(f, (RtStoreConfig){.stack_bytes = 1 << 16});
    const char *code = "type 1 -> 1\n"
                       "func type0, window 4 {\nxmov s2, s0\ncall s2, func0\nret\n}\n"
                       "func type0, window 4 {\nxmov s2, s0\ncall s2, func0\nret\n}\n";
    RtInstance *instance = add_instance(f, store, artifact_of(m, code), NULL, 0);
    u64 result;
    RtTrap *trap = call1(store, func_of(instance, "f"), 13, &result);
    assert_string_equal(trap->message, "call stack exhausted");
    assert_true(trap->frames_dropped > 1000);
    assert_int_equal(trap->frames[0].func, 0);
    assert_int_equal(trap->frames[trap->num_frames - 2].func, 0);
    assert_int_equal(trap->frames[trap->num_frames - 1].func, 1);
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_rt_trap_print(&text, trap, NULL, NULL);
    assert_non_null(strstr(text.data, "    at function 0\n"));
    assert_non_null(strstr(text.data, " more ...\n"));
    assert_non_null(strstr(text.data, "    ... 95 more of this ...\n"));
    assert_non_null(
        strstr(text.data, "    at f (function 1)\n")); /* its name is that of its export */
    free_trap(&trap);
    dv_rt_store_release(store);
}

/* ---- functions of the host ---- */

static Bytes through(Fixture *f)
{
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_import_func(m, "host", "f", 0);
    meta_func(m, 0);
    meta_export(m, "f", EXTERN_FUNC, 1);
    meta_export(m, "again", EXTERN_FUNC, 0);
    return artifact_of(m, "type 1 -> 1\nimport type0\n"
                          "func type0, window 4 {\n"
                          "xmov s2, s0\ncall_import s2, import0\nxadd32_i8 s0, s2, 100\nret\n}\n");
}

typedef struct Nest {
    RtInstance *instance;
    const char *fails_with; /* at the bottom; NULL */
    u32 calls;
} Nest;

/* Calls back with less, down to 0. */
static RtTrap *count_down(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Nest *nest = context;
    nest->calls++;
    assert_ptr_equal(dv_rt_caller(store), nest->instance);
    if (args[0].lo != 0) {
        u64 result;
        RtTrap *trap = call1(store, func_of(nest->instance, "f"), args[0].lo - 1, &result);
        results[0] = val(result + 1);
        return trap;
    }
    if (nest->fails_with != NULL) {
        return dv_rt_trap_new(store, nest->fails_with, strlen(nest->fails_with));
    }
    results[0] = val(7);
    return NULL;
}

static void nested_calls(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    Nest nest = {0};
    RtFunc *host = host_func(store, "i", "i", count_down, &nest);
    RtExtern import = extern_func(host);
    nest.instance = add_instance(f, store, through(f), &import, 1);
    assert_null(dv_rt_caller(store));
    u64 result;
    assert_null(call1(store, func_of(nest.instance, "f"), 20, &result));
    assert_int_equal(result, 7 + 20 + 21 * 100);
    assert_int_equal(nest.calls, 21);
    /* An import that is exported is the same function. */
    assert_ptr_equal(func_of(nest.instance, "again"), host);
    /* Too many at once. */
    RtTrap *trap = call1(store, func_of(nest.instance, "f"), 200, &result);
    assert_string_equal(trap->message, "call stack exhausted");
    assert_int_equal(trap->num_frames, 100);
    free_trap(&trap);
    /* The store is as good as before. */
    assert_null(call1(store, func_of(nest.instance, "f"), 1, &result));
    assert_int_equal(result, 208);
    /* A trap of the innermost comes through all of them, with the frames of all. */
    nest.fails_with = "the host is unwell";
    trap = call1(store, func_of(nest.instance, "f"), 3, &result);
    assert_int_equal(trap->code, 0);
    assert_string_equal(trap->message, "the host is unwell");
    assert_int_equal(trap->num_frames, 4);
    assert_int_equal(trap->frames[3].func, 1);
    free_trap(&trap);
    dv_rt_store_release(store);
}

static RtTrap *leave(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    (void)context;
    (void)results;
    return args[0].lo == 0 ? dv_rt_trap_memory() : dv_rt_trap_exit(store, (i32)(u32)args[0].lo);
}

static void exits(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    RtFunc *host = host_func(store, "i", "i", leave, NULL);
    RtExtern import = extern_func(host);
    RtInstance *instance = add_instance(f, store, through(f), &import, 1);
    u64 result;
    RtTrap *trap = call1(store, func_of(instance, "f"), (u32)-3, &result);
    assert_int_equal(trap->code, RT_CODE_EXIT);
    assert_int_equal(trap->exit_status, -3);
    free_trap(&trap);
    trap = call1(store, func_of(instance, "f"), 0, &result);
    assert_int_equal(trap->code, RT_CODE_MEMORY);
    assert_string_equal(trap->message, "out of memory");
    free_trap(&trap);
    /* Called without a guest in between. */
    trap = call1(store, host, 5, &result);
    assert_int_equal(trap->exit_status, 5);
    assert_int_equal(trap->num_frames, 0);
    free_trap(&trap);
    dv_rt_store_release(store);
}

/* ---- suspending ---- */

typedef struct Waiter {
    u32 asked;
    bool could;
} Waiter;

static RtTrap *wait_for_it(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Waiter *waiter = context;
    waiter->asked++;
    RtTrap *trap = dv_rt_suspend(store);
    waiter->could = trap != NULL;
    results[0] = args[0];
    return trap;
}

static void suspending(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    Waiter waiter = {0};
    RtExtern import = extern_func(host_func(store, "i", "i", wait_for_it, &waiter));
    RtInstance *instance = add_instance(f, store, through(f), &import, 1);
    RtFunc *func = func_of(instance, "f");
    RtVal value = val(5);
    RtVal result = val(0);
    RtTrap *trap = NULL;
    assert_int_equal(dv_rt_call_resumable(store, func, &value, &result, &trap), RT_SUSPENDED);
    assert_true(waiter.could);
    /* Others may be called meanwhile; they cannot be suspended. */
    u64 other;
    assert_null(call1(store, func, 1, &other));
    assert_int_equal(other, 101);
    assert_false(waiter.could);
    value = val(11);
    assert_int_equal(dv_rt_resume(store, &value, &result, &trap), RT_RETURNED);
    assert_int_equal(result.lo, 111);
    /* Given up. */
    assert_int_equal(dv_rt_call_resumable(store, func, &value, &result, &trap), RT_SUSPENDED);
    dv_rt_abandon(store);
    assert_int_equal(dv_rt_call_resumable(store, func, &value, &result, &trap), RT_SUSPENDED);
    value = val(1);
    assert_int_equal(dv_rt_resume(store, &value, &result, &trap), RT_RETURNED);
    assert_int_equal(result.lo, 101);
    assert_null(trap);
    assert_int_equal(waiter.asked, 4);
    dv_rt_store_release(store);
}

/* ---- fuel, interrupts, deadlines ---- */

static Bytes endless(Fixture *f, bool metered)
{
    Meta *m = meta_new(f);
    meta_type(m, "", "");
    meta_func(m, 0);
    meta_export(m, "f", EXTERN_FUNC, 0);
    return artifact_of(
        m, metered ? "metered\ntype 0 -> 0\nfunc type0, window 0 {\nagain:\nfuel 3\njump again\n}\n"
                   : "type 0 -> 0\nfunc type0, window 0 {\nagain:\njump again\n}\n");
}

typedef struct Tank {
    u32 asked;
    RtAnswer answers[4];
} Tank;

static RtAnswer refuel(void *context, RtStore *store)
{
    Tank *tank = context;
    dv_rt_set_fuel(store, 30);
    return tank->answers[tank->asked++];
}

static void fuel(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){.metered = true});
    RtInstance *instance = add_instance(f, store, endless(f, true), NULL, 0);
    dv_rt_set_fuel(store, 100);
    RtTrap *trap = dv_rt_call(store, func_of(instance, "f"), NULL, NULL);
    assert_string_equal(trap->message, "all fuel consumed");
    assert_int_equal(dv_rt_fuel(store), 1);
    free_trap(&trap);
    RtModule *module = load_module(f, endless(f, false));
    RtError error;
    assert_int_equal(dv_rt_instantiate(store, module, NULL, 0, &instance, &trap, &error),
                     DAVIT_ERROR_UNSUPPORTED);
    assert_string_equal(error.message, "the module was not compiled for fuel to be counted");
    dv_rt_module_release(module);
    dv_rt_store_release(store);

    Tank tank = {.answers = {RT_GO_ON, RT_GO_ON, RT_SUSPEND, RT_TRAP}};
    store = open_store(f, (RtStoreConfig){.metered = true, .on_fuel = refuel, .context = &tank});
    instance = add_instance(f, store, endless(f, true), NULL, 0);
    dv_rt_set_fuel(store, 0);
    assert_int_equal(dv_rt_call_resumable(store, func_of(instance, "f"), NULL, NULL, &trap),
                     RT_SUSPENDED);
    assert_int_equal(tank.asked, 3);
    assert_int_equal(dv_rt_resume(store, NULL, NULL, &trap), RT_TRAPPED);
    assert_string_equal(trap->message, "all fuel consumed");
    assert_int_equal(tank.asked, 4);
    free_trap(&trap);
    dv_rt_store_release(store);
}

static RtAnswer count_notes(void *context, RtStore *store)
{
    u32 *count = context;
    if (++*count < 5) {
        dv_rt_notify(store);
        return RT_GO_ON;
    }
    return RT_TRAP;
}

static void interrupts(void **state)
{
    Fixture *f = *state;
    u32 notes = 0;
    RtStore *store = open_store(f, (RtStoreConfig){.on_notify = count_notes, .context = &notes});
    RtInstance *instance = add_instance(f, store, endless(f, false), NULL, 0);
    dv_rt_notify(store);
    RtTrap *trap = dv_rt_call(store, func_of(instance, "f"), NULL, NULL);
    assert_string_equal(trap->message, "interrupt");
    assert_int_equal(notes, 5);
    free_trap(&trap);
    dv_rt_interrupt(store);
    dv_rt_clear_interrupt(store);
    notes = 3;
    dv_rt_notify(store);
    trap = dv_rt_call(store, func_of(instance, "f"), NULL, NULL);
    assert_int_equal(notes, 5); /* not by the interrupt */
    free_trap(&trap);
    dv_rt_store_release(store);
}

typedef struct Race {
    RtStore *store;
    RtFunc *func;
    RtTrap *trap;
} Race;

static void race(void *context, u32 worker)
{
    Race *race = context;
    if (worker == 0) {
        race->trap = dv_rt_call(race->store, race->func, NULL, NULL);
    } else {
        dv_rt_interrupt(race->store);
    }
}

static void interrupts_of_threads(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    RtInstance *instance = add_instance(f, store, endless(f, false), NULL, 0);
    if (!DV_THREADS) {
        assert_int_equal(dv_rt_set_deadline(store, 1), DAVIT_ERROR_UNSUPPORTED);
        dv_rt_store_release(store);
        skip();
    }
    Race r = {.store = store, .func = func_of(instance, "f")};
    dv_threads_run(2, race, &r);
    assert_string_equal(r.trap->message, "interrupt");
    assert_int_equal(r.trap->num_frames, 1);
    free_trap(&r.trap);
    for (u32 i = 0; i < 3; i++) {
        /* The first one is too late to matter. */
        assert_int_equal(dv_rt_set_deadline(store, UINT64_MAX), DAVIT_OK);
        assert_int_equal(dv_rt_set_deadline(store, 2000000), DAVIT_OK);
        RtTrap *trap = dv_rt_call(store, r.func, NULL, NULL);
        assert_string_equal(trap->message, "interrupt");
        free_trap(&trap);
    }
    assert_int_equal(dv_rt_set_deadline(store, 1000), DAVIT_OK);
    assert_int_equal(dv_rt_set_deadline(store, 0), DAVIT_OK);
    dv_rt_store_release(store);
}

/* A start function that never ends, and one that traps. */
static void start_functions(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    static const char *const codes[] = {
        "type 0 -> 0\nfunc type0, window 0 {\nagain:\njump again\n}\n",
        "type 0 -> 0\nfunc type0, window 0 {\ntrap unreachable\n}\n"};
    static const char *const messages[] = {"interrupt", "unreachable"};
    for (u32 i = 0; i < ARRAY_LEN(codes); i++) {
        Meta *m = meta_new(f);
        meta_type(m, "", "");
        meta_func(m, 0);
        meta_start(m, 0);
        RtModule *module = load_module(f, artifact_of(m, codes[i]));
        RtInstance *instance = NULL;
        RtTrap *trap = NULL;
        RtError error;
        dv_rt_interrupt(store);
        assert_int_equal(dv_rt_instantiate(store, module, NULL, 0, &instance, &trap, &error),
                         DAVIT_ERROR_INVALID);
        assert_null(instance);
        assert_string_equal(trap->message, messages[i]);
        assert_string_equal(error.message, messages[i]);
        assert_int_equal(trap->num_frames, 1);
        free_trap(&trap);
        dv_rt_clear_interrupt(store);
        dv_rt_module_release(module);
    }
    dv_rt_store_release(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_setup, unit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(numbers),
        TEST(many_values),
        TEST(trap_messages),
        TEST(null_elements),
        TEST(deep_stacks),
        TEST(nested_calls),
        TEST(exits),
        TEST(suspending),
        TEST(fuel),
        TEST(interrupts),
        TEST(interrupts_of_threads),
        TEST(start_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
