/* teardown.c - handles deleted in every order: nothing is used afterwards, nothing is left, each finalizer has run once. */
#include "capi_testing.h"

static const char source[] =
    "(module (func $f (import \"\" \"f\")) (global (export \"g\") (mut externref) (ref.null extern))\n"
    " (memory (export \"m\") 1) (table (export \"t\") 1 funcref)\n"
    " (func (export \"run\") (call $f)) (func (export \"trap\") (unreachable)))";

/* The handles of one world, and how each is deleted. */
enum {
    ENGINE,
    STORE,
    MODULE,
    INSTANCE,
    FUNC,
    FOREIGN,
    TRAP,
    /* only in some orders: */
    MEMORY,
    GLOBAL,
    TABLE,
    HOST_FUNC,
    FRAME,
    SHARED,
    LINKER,
    COPY,
    HANDLES
};

enum { PERMUTED = 7 };

typedef struct World {
    void *handles[HANDLES];
    int finalized;
} World;

static void finalize(void *context)
{
    World *world = context;
    world->finalized++;
}

static wasm_trap_t *nothing(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)env;
    (void)args;
    (void)results;
    return NULL;
}

static void *export_of(const wasm_instance_t *instance, const char *name)
{
    wasm_extern_t *export = davit_wasm_instance_export(instance, name);
    CHECK(export != NULL);
    return export;
}

static void build(World *world, Counting *counting, const wasm_byte_vec_t *artifact)
{
    memset(world, 0, sizeof *world);
    wasm_engine_t *engine = counted_engine(counting, DAVIT_ENGINE_AUTO);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = wasm_module_deserialize(store, artifact);
    NEED(store, module);
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *host = wasm_func_new_with_env(store, type, nothing, world, finalize);
    wasm_functype_delete(type);
    davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
    CHECK(davit_wasm_linker_define(linker, "", "f", wasm_func_as_extern(host)) == DAVIT_OK);
    wasm_instance_t *instance = davit_wasm_linker_instantiate(linker, module, NULL);
    NEED(store, instance);
    wasm_instance_set_host_info_with_finalizer(instance, world, finalize);

    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, world, finalize);
    wasm_global_t *global = export_of(instance, "g");
    wasm_val_t value = val_ref(wasm_foreign_as_ref(foreign));
    wasm_global_set(global, &value);
    wasm_func_t *trapping = export_of(instance, "trap");
    wasm_trap_t *trap = wasm_func_call(trapping, NULL, NULL);
    wasm_trap_set_host_info_with_finalizer(trap, world, finalize);
    void *handles[HANDLES] = {
        engine,   store,
        module,   instance,
        trapping, foreign,
        trap,     export_of(instance, "m"),
        global,   export_of(instance, "t"),
        host,     wasm_trap_origin(trap),
        NULL,     linker,
        NULL,
    };
    memcpy(world->handles, handles, sizeof handles);
    world->handles[SHARED] = wasm_module_share(module);
    world->handles[COPY] = wasm_ref_copy(wasm_instance_as_ref(instance));
}

static void delete_one(World *world, int which)
{
    void *handle = world->handles[which];
    world->handles[which] = NULL;
    switch (which) {
    case ENGINE:
        wasm_engine_delete(handle);
        break;
    case STORE:
        wasm_store_delete(handle);
        break;
    case MODULE:
        wasm_module_delete(handle);
        break;
    case INSTANCE:
        wasm_instance_delete(handle);
        break;
    case FUNC:
    case HOST_FUNC:
        wasm_func_delete(handle);
        break;
    case FOREIGN:
        wasm_foreign_delete(handle);
        break;
    case TRAP:
        wasm_trap_delete(handle);
        break;
    case MEMORY:
        wasm_memory_delete(handle);
        break;
    case GLOBAL:
        wasm_global_delete(handle);
        break;
    case TABLE:
        wasm_table_delete(handle);
        break;
    case FRAME:
        wasm_frame_delete(handle);
        break;
    case SHARED:
        wasm_shared_module_delete(handle);
        break;
    case LINKER:
        davit_wasm_linker_delete(handle);
        break;
    default:
        wasm_ref_delete(handle);
        break;
    }
}

/* What is left still works. */
static void use_rest(const World *world)
{
    if (world->handles[FUNC] != NULL) {
        CHECK(trap_says(wasm_func_call(world->handles[FUNC], NULL, NULL), "unreachable"));
    }
    if (world->handles[TRAP] != NULL) {
        wasm_frame_t *frame = wasm_trap_origin(world->handles[TRAP]);
        CHECK(wasm_frame_func_index(frame) == 2);
        wasm_frame_delete(frame);
    }
    if (world->handles[INSTANCE] != NULL) {
        wasm_extern_delete(export_of(world->handles[INSTANCE], "run"));
    }
}

static void check_gone(const World *world, const Counting *counting)
{
    CHECK(world->finalized == 4);
    CHECK(counting->live_blocks == 0 && counting->live_bytes == 0);
}

/* The permutation with this number. */
static void permute(int number, int *order)
{
    for (int i = 0; i < PERMUTED; i++) {
        order[i] = i;
    }
    for (int i = PERMUTED; i > 1; i--) {
        int other = number % i;
        number /= i;
        int saved = order[i - 1];
        order[i - 1] = order[other];
        order[other] = saved;
    }
}

static void check_permutations(const wasm_byte_vec_t *artifact)
{
    int count = 1;
    for (int i = 2; i <= PERMUTED; i++) {
        count *= i;
    }
    for (int number = 0; number < count; number++) {
        Counting counting = {0, 0, SIZE_MAX};
        World world;
        int order[PERMUTED];
        build(&world, &counting, artifact);
        for (int i = PERMUTED; i < HANDLES; i++) {
            delete_one(&world, i);
        }
        permute(number, order);
        for (int i = 0; i < PERMUTED; i++) {
            delete_one(&world, order[i]);
            if (number % 16 == 0) {
                use_rest(&world);
            }
        }
        check_gone(&world, &counting);
    }
}

/* All handles, beginning with each, in both directions and in strides. */
static void check_strides(const wasm_byte_vec_t *artifact)
{
    for (int first = 0; first < HANDLES; first++) {
        for (int stride = 1; stride < HANDLES; stride++) {
            if (stride % 3 == 0 || stride % 5 == 0) {
                continue; /* would not come by all 15 */
            }
            Counting counting = {0, 0, SIZE_MAX};
            World world;
            build(&world, &counting, artifact);
            for (int i = 0; i < HANDLES; i++) {
                delete_one(&world, (first + i * stride) % HANDLES);
                use_rest(&world);
            }
            check_gone(&world, &counting);
        }
    }
}

/* A host function that deletes every handle of its store but the one whose call it is in. */
static wasm_trap_t *delete_all(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    World *world = env;
    (void)args;
    (void)results;
    for (int i = 0; i < HANDLES; i++) {
        delete_one(world, i);
    }
    return NULL;
}

static void check_inside(const char *start)
{
    Counting counting = {0, 0, SIZE_MAX};
    World world;
    memset(&world, 0, sizeof world);
    wasm_engine_t *engine = counted_engine(&counting, DAVIT_ENGINE_AUTO);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *host = wasm_func_new_with_env(store, type, delete_all, &world, finalize);
    wasm_functype_delete(type);
    wasm_module_t *module = module_of(store, start);
    world.handles[ENGINE] = engine;
    world.handles[STORE] = store;
    world.handles[MODULE] = module;
    world.handles[HOST_FUNC] = host;
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    wasm_extern_vec_t vec = WASM_ARRAY_VEC(imports);
    wasm_instance_t *instance = wasm_instance_new(store, module, &vec, NULL);
    CHECK(instance != NULL);
    wasm_extern_t *run = davit_wasm_instance_export(instance, "run");
    wasm_instance_delete(instance);
    wasm_func_t *func = wasm_extern_as_func(run);
    world.handles[FUNC] = func; /* the very function that is called */
    CHECK(wasm_func_call(func, NULL, NULL) == NULL);
    if (world.handles[FUNC] != NULL) { /* the start function has deleted the rest */
        delete_one(&world, FUNC);
    }
    CHECK(world.finalized == 1 && counting.live_blocks == 0);
}

int main(void)
{
    wasm_byte_vec_t artifact;
    wasm_engine_t *engine = bytecode_engine();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store, source);
    wasm_module_serialize(module, &artifact);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    wasm_engine_delete(NULL);
    wasm_store_delete(NULL);
    wasm_config_delete(NULL);
    davit_wasm_linker_delete(NULL);
    check_permutations(&artifact);
    check_strides(&artifact);
    check_inside("(module (func $f (import \"\" \"f\")) (func (export \"run\") (call $f)))");
    check_inside("(module (func $f (import \"\" \"f\")) (func (export \"run\")) (start $f))");
    wasm_byte_vec_delete(&artifact);
    return 0;
}
