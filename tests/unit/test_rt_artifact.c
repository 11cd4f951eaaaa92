/* test_rt_artifact.c - loading artifacts: what is refused and how it is said, hostile ones of every kind, the source map,
 * and running out of memory at every allocation there is, while loading, instantiating and running. */
#include "rt_testing.h"

/* One module that has everything: run(i32) goes to the host and through a table, and loads from memory. */
static Meta *everything(Fixture *f)
{
    const u32 funcs[] = {0, 1, 1};
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_type(m, "e1", ""); /* not used by code */
    meta_import_func(m, "host", "f", 0);
    meta_import_global(m, "host", "g", 'i', false);
    meta_func(m, 0);
    meta_func(m, 0);
    meta_table(m, 'a', 10, NO_MAX);
    meta_table_init(m, 'a', 4, 9, expr_func(1));
    meta_table(m, 'e', 4, 9);
    meta_memory(m, 3, NO_MAX, false);
    meta_global(m, 'i', true, expr_binary(0x6a, expr_global(0), expr_i32(4)));
    meta_global(m, 'a', true, expr_func(2));
    meta_export(m, "run", EXTERN_FUNC, 2);
    meta_export(m, "m", EXTERN_MEMORY, 0);
    meta_export(m, "t", EXTERN_TABLE, 0);
    meta_export(m, "g", EXTERN_GLOBAL, 1);
    meta_start(m, 1 + 2);
    meta_func(m, 2);
    meta_type(m, "", "");
    meta_elem(m, SEGMENT_ACTIVE, expr_i32(1), funcs, 3);
    meta_elem(m, SEGMENT_PASSIVE, expr_i32(0), funcs, 3);
    const Expr items[] = {expr_func(0), expr_null(HEAP_FUNC)};
    meta_elem_exprs(m, 'a', items, 2);
    meta_data(m, SEGMENT_ACTIVE, expr_global(0), "data");
    meta_data(m, SEGMENT_PASSIVE, expr_i32(0), "more data");
    return m;
}

static const char everything_code[] =
    "type 1 -> 1\ntype 0 -> 0\nimport type0\nmemory i32\ntable i32 func\ntable i32 func\n"
    "table i32 extern\nglobal 4\nglobal 4 mutable\nglobal 4 mutable\nelem func\nelem func\n"
    "elem func\ndata 2\n"
    "func type0, window 6 {\nheap_load8_u32 s1, s0, 1\nret\n}\n"
    "func type0, window 8 {\nxmov s2, s0\ncall_import s2, import0\nxconst16 s3, 2\n"
    "xmov s4, s2\ncall_table s4, s3, table0, type0\nxmov s6, s4\ncall s6, func0\nxmov s0, s6\nret\n}\n"
    "func type1, window 6 {\nxconst16 s0, 1\nmemory_grow s0, s0, memory0\nref_func s1, entity0\n"
    "table_set s0, s1, table0\nret\n}\n";

static Bytes make_everything(Fixture *f)
{
    static const u32 wasm_types[] = {0, 2};
    static const u8 sources[] = {0, 0,    0, 0, 2, 0, 0,    0, 9, 0, 0, 0, 9, 0, 0, 0, /* starts */
                                 1, 60, /* function 0 */
                                 0, 0xc0, 1, 2, 5, 1, 0x7f, 0 /* cut off */};
    Draft draft = {.meta = meta_bytes(everything(f)),
                   .code = assemble_in(f, everything_code, false),
                   .wasm_types = wasm_types};
    ByteBuf bytes;
    dv_bytebuf_init(&bytes, &f->arena);
    dv_bytebuf_bytes(&bytes, sources, sizeof sources);
    draft.sources = (Bytes){bytes.data, bytes.len};
    return make_artifact(f, &draft);
}

/* ---- running whatever loads ---- */

static RtTrap *host_add(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    (void)context;
    (void)store;
    results[0].lo = args[0].lo + 1;
    return NULL;
}

/* Ends what goes on for ever. */
static RtAnswer count_polls(void *context, RtStore *store)
{
    u32 *left = context;
    if (*left == 0) {
        return RT_TRAP;
    }
    --*left;
    dv_rt_notify(store);
    return RT_GO_ON;
}

/* Makes what the first imports of `everything` want, and calls its function if that is there: whatever happens is to be an
 * outcome. Gives the number of steps done. */
static u32 try_to_run(const davit_allocator_t *allocator, RtModule *module)
{
    const ValType types[] = {VT_I32, VT_I32};
    const RtFuncType type = {1, 1, types, types + 1};
    const RtHostFunc host = {.fn = host_add};
    u32 polls = 100;
    const RtStoreConfig config = {.allocator = *allocator,
                                  .stack_bytes = 1 << 14,
                                  .on_notify = count_polls,
                                  .context = &polls};
    RtStore *store = NULL;
    RtInstance *instance = NULL;
    RtTrap *trap = NULL;
    RtError error;
    RtExtern imports[2] = {{.kind = EXTERN_FUNC}, {.kind = EXTERN_GLOBAL}};
    u32 steps = 0;
    if (dv_rt_store_new(&config, &store) != DAVIT_OK) {
        return steps;
    }
    dv_rt_notify(store);
    u32 type_id = dv_rt_type(store, &type);
    if (type_id != 0) {
        steps++;
        imports[0].of.func = dv_rt_func_new(store, type_id, &host, &error);
        imports[1].of.global = dv_rt_global_new(store, VT_I32, false, (RtVal){100, 0}, &error);
    }
    if (imports[0].of.func != NULL && imports[1].of.global != NULL) {
        steps++;
        if (dv_rt_instantiate(store, module, imports, 2, &instance, &trap, &error) == DAVIT_OK) {
            RtExtern run;
            RtVal arg = {20, 0};
            RtVal result;
            steps++;
            if (dv_rt_instance_find(instance, str_of("run"), &run) && run.kind == EXTERN_FUNC &&
                dv_rt_type_of(store, run.of.func->type_id)->num_params == 1) {
                trap = dv_rt_call(store, run.of.func, &arg, &result);
                steps += trap == NULL;
            }
        }
        dv_rt_trap_free(trap);
    }
    dv_rt_store_release(store);
    return steps;
}

static void everything_runs(void **state)
{
    Fixture *f = *state;
    RtModule *module = load_module(f, make_everything(f));
    assert_int_equal(try_to_run(&f->pool.allocator, module), 4);
    assert_int_equal(dv_rt_module_code(module)->funcs.len, 3);
    assert_int_equal(dv_rt_module_info(module)->exports.len, 4);
    dv_rt_module_release(module);
    dv_rt_module_release(NULL);
}

/* ---- source map ---- */

static void sources(void **state)
{
    Fixture *f = *state;
    RtModule *module = load_module(f, make_everything(f));
    assert_int_equal(dv_rt_module_source(module, 0, 0), UINT32_MAX);
    assert_int_equal(dv_rt_module_source(module, 0, 4), 60);
    assert_int_equal(dv_rt_module_source(module, 0, 4000), 60);
    assert_int_equal(dv_rt_module_source(module, 1, 0), 192);
    assert_int_equal(dv_rt_module_source(module, 1, 7), 192);
    assert_int_equal(dv_rt_module_source(module, 1, 8), 197);
    assert_int_equal(dv_rt_module_source(module, 1, 12), 196);
    assert_int_equal(dv_rt_module_source(module, 2, 0), UINT32_MAX);
    assert_int_equal(dv_rt_module_source(module, 3, 0), UINT32_MAX);
    assert_int_equal(dv_rt_module_body(module, 0), 60);
    assert_int_equal(dv_rt_module_body(module, 1), 192);
    assert_int_equal(dv_rt_module_body(module, 2), UINT32_MAX);
    assert_int_equal(dv_rt_module_body(module, 3), UINT32_MAX);
    dv_rt_module_release(module);
}

/* ---- what is refused ---- */

static RtError refused(Fixture *f, Bytes artifact)
{
    RtModule *module = NULL;
    RtError error = {0};
    davit_status_t status =
        dv_rt_module_load(&f->pool.allocator, artifact.data, artifact.size, 0, &module, &error);
    assert_int_not_equal(status, DAVIT_OK);
    assert_int_equal(status, error.status);
    assert_int_not_equal(error.message[0], 0);
    return error;
}

static void headers(void **state)
{
    Fixture *f = *state;
    Bytes good = make_everything(f);
    assert_string_equal(refused(f, (Bytes){good.data, 0}).message,
                        "not a valid artifact: it does not begin as one");
    Bytes bad = {dv_arena_alloc(&f->arena, good.size, 16), good.size};
    memcpy(bad.data, good.data, good.size);
    store_le32(bad.data + 4, 7 << 16 | 9);
    RtError error = refused(f, bad);
    char wanted[128];
    (void)snprintf(
        wanted, sizeof wanted,
        "the artifact has version 7.9, but only version %u.%u can be loaded; compile the "
        "module again",
        (unsigned)ARTIFACT_FORMAT, (unsigned)PULLEY_VERSION);
    assert_int_equal(error.status, DAVIT_ERROR_UNSUPPORTED);
    assert_string_equal(error.message, wanted);
    memcpy(bad.data, good.data, good.size);
    bad.data[good.size - 1] ^= 1;
    assert_string_equal(refused(f, bad).message,
                        "not a valid artifact: its hash is wrong; it is damaged");
    memcpy(bad.data, good.data, good.size);
    store_le64(bad.data + 16, FEATURE_BIT(gc));
    error = refused(f, bad);
    assert_int_equal(error.status, DAVIT_ERROR_UNSUPPORTED);
    assert_string_equal(error.message, "the module needs gc, which is not supported");
    store_le64(bad.data + 16, (u64)1 << 63);
    assert_string_equal(refused(f, bad).message, "the module needs unknown feature 63");
}

/* Any byte off. */
static void truncated(void **state)
{
    Fixture *f = *state;
    Bytes good = make_everything(f);
    for (usize size = 0; size < good.size; size++) {
        u8 *copy = malloc(size + 1); /* of its own, so that a sanitizer sees its end */
        Bytes cut = {copy, size};
        memcpy(copy, good.data, size);
        (void)refused(f, cut);
        if (size >= ARTIFACT_HEADER_BYTES) {
            RtModule *module;
            RtError error;
            seal(cut);
            if (dv_rt_module_load(&f->pool.allocator, cut.data, size, 0, &module, &error) ==
                DAVIT_OK) {
                (void)try_to_run(&f->pool.allocator, module); /* padding was cut */
                dv_rt_module_release(module);
            }
        }
        free(copy);
    }
}

/* Every byte changed in several ways, the hash put right: refused, or it runs within bounds. */
static void corrupted(void **state)
{
    Fixture *f = *state;
    static const u8 changes[] = {0x01, 0x80, 0xff, 0x40, 0x02};
    Bytes good = make_everything(f);
    u8 *copy = malloc(good.size);
    Bytes bad = {copy, good.size};
    u32 loaded = 0;
    u32 ran = 0;
    for (usize at = 0; at < good.size; at++) {
        for (u32 i = 0; i < ARRAY_LEN(changes); i++) {
            RtModule *module = NULL;
            RtError error;
            memcpy(copy, good.data, good.size);
            copy[at] ^= changes[i];
            if (at < 24 || at >= ARTIFACT_HEADER_BYTES) {
                seal(bad);
            }
            if (dv_rt_module_load(&f->pool.allocator, bad.data, bad.size,
                                  at % 2 == 0 ? 0 : RT_LOAD_IN_PLACE, &module,
                                  &error) == DAVIT_OK) {
                loaded++;
                ran += try_to_run(&f->pool.allocator, module) == 4;
                (void)dv_rt_module_source(module, 1, 8);
                dv_rt_module_release(module);
            }
        }
    }
    assert_true(loaded > 0 && ran > 0 && ran < loaded);
    free(copy);
}

typedef void Change(Draft *d);

static void type_of_another(Draft *d)
{
    static const u32 types[] = {1, 2};
    d->wasm_types = types;
}

static void type_beyond(Draft *d)
{
    static const u32 types[] = {0, 3};
    d->wasm_types = types;
}

static void type_of_nothing(Draft *d)
{
    static const u32 types[] = {UINT32_MAX, 2};
    d->wasm_types = types;
}

static void import_beyond(Draft *d)
{
    static const u32 funcs[] = {1};
    d->import_funcs = funcs;
}

static void func_missing(Draft *d)
{
    d->code.funcs.len--;
}

static void func_of_another_type(Draft *d)
{
    d->code.funcs.data[2].type = 0;
}

static void func_with_large_window(Draft *d)
{
    d->code.funcs.data[0].window = 0; /* too small for its arguments */
}

static void code_cut(Draft *d)
{
    d->code.code_size_bytes -= 2;
}

static void code_unsafe(Draft *d)
{
    u8 *code = (u8 *)(uintptr_t)d->code.code;
    memset(code, 0xfb, 4);
}

static void meta_missing(Draft *d)
{
    d->meta.size = 0;
}

static void sources_cut(Draft *d)
{
    d->sources.size = 15;
}

static void inconsistent(void **state)
{
    Fixture *f = *state;
    static const struct {
        Change *change;
        const char *message;
    } cases[] = {
        {type_of_another, "a type of the code is not the module's"},
        {type_beyond, "a type of the code that is none of the module"},
        {type_of_nothing, "a function's code is of another type"},
        {import_beyond, "the code imports what the module does not"},
        {func_missing, "its functions are not those that it declares"},
        {func_of_another_type, "a function's code is of another type"},
        {func_with_large_window, "code is unsafe: "},
        {code_cut, "its code is cut off"},
        {code_unsafe, "code is unsafe: "},
        {meta_missing, ""},
        {sources_cut, "its source map is cut off"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        static const u32 wasm_types[] = {0, 2};
        Draft draft = {.meta = meta_bytes(everything(f)),
                       .code = assemble_in(f, everything_code, false),
                       .wasm_types = wasm_types,
                       .sources = {(u8 *)dv_arena_zalloc(&f->arena, 64, 1), 64}};
        cases[i].change(&draft);
        RtError error = refused(f, make_artifact(f, &draft));
        assert_int_equal(error.status, DAVIT_ERROR_INVALID);
        assert_memory_equal(error.message, "not a valid artifact: ", 22);
        assert_memory_equal(error.message + 22, cases[i].message, strlen(cases[i].message));
    }
}

/* ---- out of memory ---- */

typedef struct Scarce {
    u64 left;   /* allocations that succeed */
    u64 blocks; /* not given back */
} Scarce;

static void *scarce_alloc(void *context, size_t size)
{
    Scarce *scarce = context;
    if (scarce->left == 0) {
        return NULL;
    }
    void *memory = malloc(size);
    scarce->left--;
    scarce->blocks += memory != NULL;
    return memory;
}

static void scarce_free(void *context, void *memory, size_t size)
{
    Scarce *scarce = context;
    (void)size;
    scarce->blocks--;
    free(memory);
}

static void out_of_memory(void **state)
{
    Fixture *f = *state;
    Bytes artifact = make_everything(f);
    u32 steps = 0;
    u64 n = 0;
    for (; steps < 4 && n < 1000; n++) {
        Scarce scarce = {.left = n};
        davit_allocator_t allocator = {scarce_alloc, scarce_free, &scarce};
        RtModule *module = NULL;
        RtError error = {0};
        davit_status_t status =
            dv_rt_module_load(&allocator, artifact.data, artifact.size, 0, &module, &error);
        if (status == DAVIT_OK) {
            steps = try_to_run(&allocator, module);
            dv_rt_module_release(module);
        } else {
            assert_int_equal(status, DAVIT_ERROR_MEMORY);
        }
        assert_int_equal(scarce.blocks, 0);
    }
    assert_int_equal(steps, 4);
    assert_true(n > 10);
}

/* ---- in place ---- */

static void in_place(void **state)
{
    Fixture *f = *state;
    Bytes artifact = make_everything(f);
    for (usize shift = 0; shift < 5; shift++) { /* not aligned, too */
        u8 *room = malloc(artifact.size + shift);
        memcpy(room + shift, artifact.data, artifact.size);
        RtModule *module;
        RtError error;
        usize size;
        assert_int_equal(dv_rt_module_load(NULL, room + shift, artifact.size,
                                           RT_LOAD_IN_PLACE | RT_LOAD_TRUSTED, &module, &error),
                         DAVIT_OK);
        assert_ptr_equal(dv_rt_module_bytes(module, &size), room + shift);
        assert_int_equal(size, artifact.size);
        assert_ptr_equal(dv_rt_module_retain(module), module);
        dv_rt_module_release(module);
        assert_int_equal(try_to_run(&f->pool.allocator, module), 4);
        assert_memory_equal(room + shift, artifact.data, artifact.size);
        dv_rt_module_release(module);
        free(room);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_setup, unit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(everything_runs), TEST(sources),      TEST(headers),       TEST(truncated),
        TEST(corrupted),       TEST(inconsistent), TEST(out_of_memory), TEST(in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
