/* test_native.c - machine code under the runtime: entered, left, stopped by traps, in between bytecode and hosts.
 *
 * The code is assembled by hand, functions and adapters as the compiler's would be; it is of x86-64, where alone any of
 * this runs. */
#if !defined(_XOPEN_SOURCE)
#define _XOPEN_SOURCE 700 /* sigaction */
#endif
#include "rt_testing.h"

#include "base/threads.h"
#include "rt/signals.h"
#include "rt/vmctx.h"
#include "wasm/runtime/native.h"

#if defined(__linux__) && defined(__x86_64__)
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>
#define HAS_SIGNALS 1
#else
#define HAS_SIGNALS 0
#endif

/* All functions take two i32 and give one. The instance has one memory; its imports are behind that. */
static const u8 machine_code[] = {
    /* add: push rbp; mov rbp,rsp; lea eax,[rsi+rdx*1]; pop rbp; ret */
    0x55, 0x48, 0x89, 0xe5, 0x8d, 0x04, 0x16, 0x5d, 0xc3,
    /* trap: push rbp; mov rbp,rsp; ud2 */
    0x55, 0x48, 0x89, 0xe5, 0x0f, 0x0b,
    /* load: push rbp; mov rbp,rsp; mov rax,[rdi+0x18]; mov esi,esi; mov eax,[rax+rsi*1];
     * pop rbp; ret */
    0x55, 0x48, 0x89, 0xe5, 0x48, 0x8b, 0x47, 0x18, 0x89, 0xf6, 0x8b, 0x04, 0x30, 0x5d, 0xc3,
    /* recurse: push rbp; mov rbp,rsp; mov rax,[rdi]; cmp rsp,[rax]; jb overflow; push rdi; push
     * rdi; call recurse; leave; ret; ud2 */
    0x55, 0x48, 0x89, 0xe5, 0x48, 0x8b, 0x07, 0x48, 0x3b, 0x20, 0x72, 0x09, 0x57, 0x57, 0xe8, 0xed,
    0xff, 0xff, 0xff, 0xc9, 0xc3, 0x0f, 0x0b,
    /* host: push rbp; mov rbp,rsp; push rdi; push rdi; mov rax,rdi; mov rdi,[rax+0x30]; call
     * [rax+0x28]; inc eax; leave; ret */
    0x55, 0x48, 0x89, 0xe5, 0x57, 0x57, 0x48, 0x89, 0xf8, 0x48, 0x8b, 0x78, 0x30, 0xff, 0x50, 0x28,
    0xff, 0xc0, 0xc9, 0xc3,
    /* outer: push rbp; mov rbp,rsp; push rdi; push rdi; call trap; leave; ret */
    0x55, 0x48, 0x89, 0xe5, 0x57, 0x57, 0xe8, 0xb5, 0xff, 0xff, 0xff, 0xc9, 0xc3,
    /* spin: push rbp; mov rbp,rsp; push rdi; push rbx; mov rbx,rdi; mov rax,[rbx]; cmp
     * [rax+0x1c],0x0; je again; mov rdi,rbx; mov rax,[rbx+0x8]; call [rax+0x78]; jmp again
     * */
    0x55, 0x48, 0x89, 0xe5, 0x57, 0x53, 0x48, 0x89, 0xfb, 0x48, 0x8b, 0x03, 0x83, 0x78, 0x1c, 0x00,
    0x74, 0xf7, 0x48, 0x89, 0xdf, 0x48, 0x8b, 0x43, 0x08, 0xff, 0x50, 0x78, 0xeb, 0xeb,
    /* fill: push rbp; mov rbp,rsp; push rdi; push rdi; mov r8d,edx; mov edx,esi; xor esi,esi; mov
     * ecx,0x7; mov rax,[rdi+0x8]; call [rax+0x8]; leave; ret */
    0x55, 0x48, 0x89, 0xe5, 0x57, 0x57, 0x41, 0x89, 0xd0, 0x89, 0xf2, 0x31, 0xf6, 0xb9, 0x07, 0x00,
    0x00, 0x00, 0x48, 0x8b, 0x47, 0x08, 0xff, 0x50, 0x08, 0xc9, 0xc3,
    /* enter: push rbp; mov rbp,rsp; push rbx; push rbx; mov rbx,rdx; mov rax,rdi; mov
     * rdi,rsi; mov esi,[rbx]; mov edx,[rbx+0x8]; call rax; mov eax,eax; mov [rbx],rax; pop
     * rbx; pop rbx; pop rbp; ret */
    0x55, 0x48, 0x89, 0xe5, 0x53, 0x53, 0x48, 0x89, 0xd3, 0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x8b,
    0x33, 0x8b, 0x53, 0x08, 0xff, 0xd0, 0x89, 0xc0, 0x48, 0x89, 0x03, 0x5b, 0x5b, 0x5d, 0xc3,
    /* leave: push rbp; mov rbp,rsp; sub rsp,0x10; mov esi,esi; mov [rsp],rsi; mov edx,edx;
     * mov [rsp+0x8],rdx; mov rsi,rsp; call [rdi+0x10]; mov eax,[rsp]; leave; ret */
    0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x10, 0x89, 0xf6, 0x48, 0x89, 0x34, 0x24, 0x89, 0xd2,
    0x48, 0x89, 0x54, 0x24, 0x08, 0x48, 0x89, 0xe6, 0xff, 0x57, 0x10, 0x8b, 0x04, 0x24, 0xc9, 0xc3};

enum { FUNC_ADD, FUNC_TRAP, FUNC_LOAD, FUNC_RECURSE, FUNC_HOST, FUNC_OUTER, FUNC_SPIN, FUNC_FILL };

static const u32 func_rows[][2] = {{0x00, 9},  {0x09, 6},  {0x0f, 15}, {0x1e, 23},
                                   {0x35, 20}, {0x49, 13}, {0x56, 30}, {0x74, 27}};
static const char *const func_names[] = {"add",  "trap",  "load", "recurse",
                                         "host", "outer", "spin", "fill"};
static const u32 trap_rows[][2] = {
    {0x0d, PULLEY_TRAP_unreachable}, {0x19, PULLEY_TRAP_heap_oob}, {0x33, PULLEY_TRAP_stk_ovf}};
static const u32 adapter_rows[][3] = {{0, 0x8f, 0xae}};
/* As VmPrologue: `spin` and the enter adapter push rbx, number 3. */
static const u32 prologue_rows[][4] = {{0x00, 1, 4, 0},
                                       {0x09, 1, 4, 0},
                                       {0x0f, 1, 4, 0},
                                       {0x1e, 1, 4, 0},
                                       {0x35, 1, 4, 0},
                                       {0x49, 1, 4, 0},
                                       {0x56, 1, 6, 1 << 3 | 1 << 16},
                                       {0x74, 1, 4, 0},
                                       {0x8f, 1, 5, 1 << 3},
                                       {0xae, 1, 4, 0}};

/* The artifact; what is told of it can be changed before. */
typedef struct NativeDraft {
    u32 funcs[8][2];
    u32 traps[3][2];
    u32 adapters[1][3];
    u32 handlers[2][5];
    u32 num_handlers;
    u32 prologues[10][4];
    u32 head[5];
    u32 flags;
} NativeDraft;

static NativeDraft draft_new(void)
{
    NativeDraft d = {.head = {ARTIFACT_X64, VM_VERSION, 0, 0, ARTIFACT_MEMORY_STATIC},
                     .flags = ARTIFACT_NATIVE};
    memcpy(d.funcs, func_rows, sizeof d.funcs);
    memcpy(d.traps, trap_rows, sizeof d.traps);
    memcpy(d.adapters, adapter_rows, sizeof d.adapters);
    memcpy(d.prologues, prologue_rows, sizeof d.prologues);
    return d;
}

static void put_numbers(ArtifactMaker *maker, Fixture *f, ArtifactSection kind, u32 count,
                        const u32 *numbers, u32 num_numbers)
{
    ByteBuf rows;
    dv_bytebuf_init(&rows, &f->arena);
    put_u32s(&rows, numbers, num_numbers);
    put_section(maker, kind, count, rows.data, rows.len);
}

static Bytes native_artifact(Fixture *f, const NativeDraft *d)
{
    enum { SECTIONS = 8 };
    Meta *m = meta_new(f);
    ArtifactMaker maker = {.rows = 0};
    meta_type(m, "ii", "i");
    meta_import_func(m, "", "h", 0);
    meta_memory(m, 1, 3, false);
    for (u32 i = 0; i < ARRAY_LEN(func_names); i++) {
        meta_func(m, 0);
        meta_export(m, func_names[i], EXTERN_FUNC, i + 1);
    }
    meta_export(m, "memory", EXTERN_MEMORY, 0);
    Bytes meta = meta_bytes(m);
    dv_bytebuf_init(&maker.out, &f->arena);
    dv_bytebuf_zeros(&maker.out, ARTIFACT_HEADER_BYTES + SECTIONS * (usize)ARTIFACT_ROW_BYTES);
    put_section(&maker, ARTIFACT_META, 0, meta.data, meta.size);
    put_numbers(&maker, f, ARTIFACT_NATIVE_HEAD, 1, d->head, ARRAY_LEN(d->head));
    put_numbers(&maker, f, ARTIFACT_NATIVE_FUNCS, 8, d->funcs[0], 16);
    put_numbers(&maker, f, ARTIFACT_NATIVE_TRAPS, 3, d->traps[0], 6);
    put_numbers(&maker, f, ARTIFACT_NATIVE_HANDLERS, d->num_handlers, d->handlers[0],
                5 * d->num_handlers);
    put_numbers(&maker, f, ARTIFACT_NATIVE_ADAPTERS, 1, d->adapters[0], 3);
    put_section(&maker, ARTIFACT_NATIVE_CODE, 0, machine_code, sizeof machine_code);
    put_numbers(&maker, f, ARTIFACT_NATIVE_PROLOGUES, 10, d->prologues[0], 40);
    memcpy(maker.out.data, ARTIFACT_MAGIC, 4);
    store_le32(maker.out.data + 4, ARTIFACT_VERSION);
    store_le32(maker.out.data + 8, SECTIONS);
    store_le32(maker.out.data + 12, d->flags);
    Bytes artifact = {maker.out.data, maker.out.len};
    seal(artifact);
    return artifact;
}

/* ---- running ---- */

static RtFunc *host_func(RtStore *store, RtHostFn *fn, void *context)
{
    static const ValType types[] = {VT_I32, VT_I32, VT_I32};
    const RtFuncType type = {2, 1, types, types + 2};
    const RtHostFunc host = {.fn = fn, .context = context};
    RtError error;
    RtFunc *func = dv_rt_func_new(store, dv_rt_type(store, &type), &host, &error);
    assert_non_null(func);
    return func;
}

static RtInstance *instantiate(RtStore *store, RtModule *module, RtFunc *import)
{
    const RtExtern what = {.kind = EXTERN_FUNC, .of.func = import};
    RtInstance *instance;
    RtTrap *trap;
    RtError error = {.status = DAVIT_OK};
    davit_status_t status = dv_rt_instantiate(store, module, &what, 1, &instance, &trap, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, DAVIT_OK);
    return instance;
}

static RtModule *load_native(Fixture *f)
{
    const NativeDraft draft = draft_new();
    Bytes artifact = native_artifact(f, &draft);
    RtModule *module;
    RtError error = {.status = DAVIT_OK};
    davit_status_t status = dv_rt_module_load(&f->pool.allocator, artifact.data, artifact.size,
                                              RT_LOAD_NATIVE, &module, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, DAVIT_OK);
    return module;
}

static RtInstance *add_native(Fixture *f, RtStore *store, RtFunc *import)
{
    RtModule *module = load_native(f);
    RtInstance *instance = instantiate(store, module, import);
    dv_rt_module_release(module);
    return instance;
}

static RtTrap *call(RtStore *store, RtFunc *func, u32 a, u32 b, u64 *result)
{
    const RtVal args[] = {{a, 0}, {b, 0}};
    RtVal out = {0, 0};
    RtTrap *trap = dv_rt_call(store, func, args, &out);
    *result = out.lo;
    return trap;
}

/* What the host function of a test is to do, and what it saw. */
typedef struct Guest {
    RtInstance *instance;
    RtInstance *caller;
    const char *next; /* export that it calls */
    u32 calls;
    bool fails;
    void (*look)(void);
} Guest;

static RtTrap *run_guest(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Guest *guest = context;
    guest->calls++;
    guest->caller = dv_rt_caller(store);
    if (guest->look != NULL) {
        guest->look();
    }
    if (guest->fails) {
        return dv_rt_trap_new(store, "no", 2);
    }
    results[0].lo = args[0].lo * 10 + args[1].lo;
    if (guest->next == NULL || args[0].lo == 0) {
        return NULL;
    }
    return call(store, func_of(guest->instance, guest->next), (u32)args[0].lo - 1, 5,
                &results[0].lo);
}

typedef struct World {
    RtStore *store;
    RtInstance *native;
    Guest guest;
} World;

static World *world_in(Fixture *f, RtStore *store)
{
    World *w = ARENA_NEW(&f->arena, World);
    w->store = store;
    w->native = add_native(f, store, host_func(store, run_guest, &w->guest));
    w->guest.instance = w->native;
    return w;
}

static void need_signals(void)
{
    if (!dv_native_is_supported()) {
        skip();
    }
    assert_true(dv_signals_renew()); /* the test library puts in its own for each test */
}

static World *world_new(Fixture *f)
{
    need_signals();
    return world_in(f, open_store(f, (RtStoreConfig){.guarded = true}));
}

static RtTrap *run(World *w, u32 func, u32 a, u32 b, u64 *result)
{
    return call(w->store, func_of(w->native, func_names[func]), a, b, result);
}

static void expect_trap(World *w, u32 func, u32 a, u32 b, u32 code)
{
    u64 result;
    RtTrap *trap = run(w, func, a, b, &result);
    assert_non_null(trap);
    assert_int_equal(trap->code, code);
    assert_in_range(trap->num_frames, 1, UINT32_MAX);
    assert_ptr_equal(trap->frames[0].instance, w->native);
    assert_int_equal(trap->frames[0].func, func + 1);
    dv_rt_trap_free(trap);
}

/* ---- tests ---- */

static void calls(void **state)
{
    World *w = world_new(*state);
    u64 result;
    assert_null(run(w, FUNC_ADD, 3, 4, &result));
    assert_int_equal(result, 7);
    assert_null(run(w, FUNC_HOST, 3, 4, &result));
    assert_int_equal(result, 35);
    assert_ptr_equal(w->guest.caller, w->native);
    assert_ptr_equal(dv_rt_func_store(func_of(w->native, "add")), w->store);
    dv_rt_store_release(w->store);
}

static void traps(void **state)
{
    World *w = world_new(*state);
    u64 result;
    expect_trap(w, FUNC_TRAP, 0, 0, PULLEY_TRAP_unreachable);
    RtTrap *trap = run(w, FUNC_OUTER, 0, 0, &result);
    assert_int_equal(trap->num_frames, 2);
    assert_int_equal(trap->frames[0].func, FUNC_TRAP + 1);
    assert_int_equal(trap->frames[1].func, FUNC_OUTER + 1);
    dv_rt_trap_free(trap);
    trap = run(w, FUNC_RECURSE, 0, 0, &result);
    assert_int_equal(trap->code, PULLEY_TRAP_stk_ovf);
    assert_int_equal(trap->num_frames, 128);
    assert_in_range(trap->frames_dropped, 30000, 40000); /* of 32 bytes in 1 MiB */
    assert_int_equal(trap->frames[127].func, FUNC_RECURSE + 1);
    dv_rt_trap_free(trap);
    assert_null(run(w, FUNC_ADD, 1, 1, &result));
    assert_int_equal(result, 2);
    dv_rt_store_release(w->store);
}

static void memory(void **state)
{
    World *w = world_new(*state);
    RtMemory *memory = export_of(w->native, "memory").of.memory;
    const u32 page = 65536;
    u64 result;
    u64 old;
    assert_null(run(w, FUNC_FILL, page - 8, 8, &result));
    assert_null(run(w, FUNC_LOAD, page - 4, 0, &result));
    assert_int_equal(result, 0x07070707);
    expect_trap(w, FUNC_LOAD, page - 3, 0, PULLEY_TRAP_heap_oob);
    expect_trap(w, FUNC_LOAD, page, 0, PULLEY_TRAP_heap_oob);
    expect_trap(w, FUNC_LOAD, UINT32_MAX, 0, PULLEY_TRAP_heap_oob);
    expect_trap(w, FUNC_FILL, page - 8, 9, PULLEY_TRAP_heap_oob);
    assert_true(dv_rt_memory_grow(memory, 2, &old));
    assert_null(run(w, FUNC_LOAD, page - 3, 0, &result));
    assert_int_equal(result, 0x00070707);
    expect_trap(w, FUNC_LOAD, 3 * page, 0, PULLEY_TRAP_heap_oob);
    assert_false(dv_rt_memory_grow(memory, 1, &old));
    dv_rt_store_release(w->store);
}

static void nested(void **state)
{
    World *w = world_new(*state);
    u64 result;
    /* host -> guest -> host -> guest, three times; the innermost host function gives 0 * 10 + 5. */
    w->guest.next = "host";
    assert_null(run(w, FUNC_HOST, 2, 5, &result));
    assert_int_equal(result, 5 + 3);
    assert_int_equal(w->guest.calls, 3);
    w->guest.next = "outer";
    RtTrap *trap = run(w, FUNC_HOST, 2, 5, &result);
    assert_int_equal(trap->code, PULLEY_TRAP_unreachable);
    assert_int_equal(trap->num_frames, 3);
    assert_int_equal(trap->frames[1].func, FUNC_OUTER + 1);
    assert_int_equal(trap->frames[2].func, FUNC_HOST + 1);
    dv_rt_trap_free(trap);
    w->guest.fails = true;
    trap = run(w, FUNC_HOST, 2, 5, &result);
    assert_string_equal(trap->message, "no");
    assert_int_equal(trap->num_frames, 1);
    dv_rt_trap_free(trap);
    /* Never ending. */
    w->guest = (Guest){.instance = w->native, .next = "host"};
    trap = run(w, FUNC_HOST, 1000000, 5, &result);
    assert_int_equal(trap->code, PULLEY_TRAP_stk_ovf);
    dv_rt_trap_free(trap);
    assert_null(run(w, FUNC_ADD, 1, 1, &result));
    dv_rt_store_release(w->store);
}

/* Several instances of one module: each call is made by the one whose function makes it. */
static void callers(void **state)
{
    World *w = world_new(*state);
    RtModule *module = load_native(*state);
    RtInstance *below = instantiate(w->store, module, host_func(w->store, run_guest, &w->guest));
    RtInstance *above = instantiate(w->store, module, func_of(below, "host"));
    u64 result;
    assert_null(call(w->store, func_of(above, "host"), 3, 4, &result));
    assert_int_equal(result, 36);
    assert_ptr_equal(w->guest.caller, below);
    w->guest.fails = true;
    RtTrap *trap = call(w->store, func_of(above, "host"), 3, 4, &result);
    assert_int_equal(trap->num_frames, 2);
    assert_ptr_equal(trap->frames[0].instance, below);
    assert_ptr_equal(trap->frames[1].instance, above);
    dv_rt_trap_free(trap);
    above = instantiate(w->store, module, func_of(below, "outer"));
    dv_rt_module_release(module);
    trap = call(w->store, func_of(above, "host"), 3, 4, &result);
    assert_int_equal(trap->num_frames, 3);
    assert_ptr_equal(trap->frames[0].instance, below);
    assert_ptr_equal(trap->frames[1].instance, below);
    assert_ptr_equal(trap->frames[2].instance, above);
    dv_rt_trap_free(trap);
    dv_rt_store_release(w->store);
}

/* A host function that makes objects, and calls native code in between. */
typedef struct Churn {
    RtFunc *add;
    u32 objects[1000]; /* how often each was finalized */
    u32 gone;          /* before it returned */
} Churn;

static void finalize(void *object)
{
    (*(u32 *)object)++;
}

static RtTrap *churn(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Churn *c = context;
    u64 result;
    for (u32 i = 1; i < ARRAY_LEN(c->objects); i++) {
        if (i % 50 == 0) { /* what a host makes is safe until it calls */
            assert_null(call(store, c->add, 1, 1, &result));
        }
        assert_int_not_equal(dv_rt_ref_new(store, &c->objects[i], finalize), 0);
    }
    for (u32 i = 0; i < ARRAY_LEN(c->objects); i++) {
        c->gone += c->objects[i];
    }
    results[0] = args[0];
    return NULL;
}

/* Objects go while native code runs, but not the one whose handle it was given. */
static void references(void **state)
{
    World *w = world_new(*state);
    Churn c = {.add = func_of(w->native, "add")};
    RtInstance *native = add_native(*state, w->store, host_func(w->store, churn, &c));
    u32 handle = dv_rt_ref_new(w->store, &c.objects[0], finalize);
    u64 result;
    assert_null(call(w->store, func_of(native, "host"), handle, 0, &result));
    assert_int_equal(result, handle + 1);
    assert_in_range(c.gone, 500, ARRAY_LEN(c.objects));
    assert_ptr_equal(dv_rt_ref_object(w->store, handle), &c.objects[0]);
    assert_int_equal(c.objects[0], 0);
    dv_rt_store_release(w->store);
}

/* Bytecode that native code calls, and that calls native code. */
static void mixed(void **state)
{
    Fixture *f = *state;
    World *w = world_new(f);
    Meta *m = meta_new(f);
    u64 result;
    meta_type(m, "ii", "i");
    meta_func(m, 0);
    meta_export(m, "div", EXTERN_FUNC, 0);
    Bytes artifact = artifact_of(m, "type 2 -> 1\n"
                                    "func type0, window 2 {\nxdiv32_u s0, s0, s1\nret\n}\n");
    RtInstance *below = add_instance(f, w->store, artifact, NULL, 0);
    RtInstance *native = add_native(f, w->store, func_of(below, "div"));
    m = meta_new(f);
    meta_type(m, "ii", "i");
    meta_import_func(m, "", "f", 0);
    meta_func(m, 0);
    meta_export(m, "go", EXTERN_FUNC, 1);
    artifact = artifact_of(m, "type 2 -> 1\nimport type0\n"
                              "func type0, window 4 {\nxmov s2, s0\nxmov s3, s1\n"
                              "call_import s2, import0\nxmov s0, s2\nret\n}\n");
    const RtExtern import = {.kind = EXTERN_FUNC, .of.func = func_of(native, "host")};
    RtInstance *above = add_instance(f, w->store, artifact, &import, 1);
    RtFunc *go = func_of(above, "go");
    assert_null(call(w->store, go, 30, 5, &result));
    assert_int_equal(result, 7);
    RtTrap *trap = call(w->store, go, 30, 0, &result);
    assert_int_equal(trap->code, PULLEY_TRAP_int_divz);
    assert_int_equal(trap->num_frames, 3);
    assert_ptr_equal(trap->frames[0].instance, below);
    assert_int_equal(trap->frames[1].func, FUNC_HOST + 1);
    assert_ptr_equal(trap->frames[2].instance, above);
    dv_rt_trap_free(trap);
    dv_rt_store_release(w->store);
}

static void stopped(void **state)
{
    World *w = world_new(*state);
    if (dv_rt_set_deadline(w->store, 1000000) != DAVIT_OK) {
        dv_rt_store_release(w->store);
        skip();
    }
    expect_trap(w, FUNC_SPIN, 0, 0, PULLEY_TRAP_interrupt);
    dv_rt_store_release(w->store);
}

/* ---- several threads, signals of others ---- */

enum { THREADS = 4, TURNS = 200 };

static void trap_often(void *context, u32 worker)
{
    World **worlds = context;
    World *w = worlds[worker];
    RtFunc *trap_func = func_of(w->native, "outer");
    RtFunc *load = func_of(w->native, "load");
    for (u32 i = 0; i < TURNS; i++) {
        u64 result;
        RtTrap *trap = call(w->store, (i & 1) != 0 ? load : trap_func, 0x20000, 0, &result);
        w->guest.calls += trap != NULL && trap->num_frames == 2 - (i & 1);
        dv_rt_trap_free(trap);
    }
}

static void threads(void **state)
{
    World *worlds[THREADS];
    need_signals();
    for (u32 i = 0; i < THREADS; i++) {
        /* With memory of malloc: the fixture counts for one thread. */
        const RtStoreConfig config = {.guarded = true};
        RtStore *store;
        assert_int_equal(dv_rt_store_new(&config, &store), DAVIT_OK);
        worlds[i] = world_in(*state, store);
    }
    dv_threads_run(THREADS, trap_often, (void *)worlds);
    for (u32 i = 0; i < THREADS; i++) {
        assert_in_range(worlds[i]->guest.calls, DV_THREADS ? TURNS : 0, TURNS);
        dv_rt_store_release(worlds[i]->store);
    }
}

#if HAS_SIGNALS
static void *trap_in_deaf_thread(void *context)
{
    World *w = context;
    u64 result;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    RtTrap *trap = run(w, FUNC_TRAP, 0, 0, &result);
    w->guest.calls = trap != NULL;
    dv_rt_trap_free(trap);
    return NULL;
}

/* Threads often leave all signals to another one. Those of faults are theirs all the same. */
static void blocked_signals(void **state)
{
    pthread_t thread;
    need_signals();
    World *w = world_new(*state);
    assert_int_equal(pthread_create(&thread, NULL, trap_in_deaf_thread, w), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(w->guest.calls, 1);
    dv_rt_store_release(w->store);
}

static volatile sig_atomic_t seen;

static void note(int number)
{
    seen = number;
}

static RtTrap *raise_signal(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    (void)context;
    (void)store;
    (void)args;
    (void)results;
    raise(SIGFPE);
    return NULL;
}

/* A handler that was there before ours still gets what is not ours, while code is active too. */
static void foreign_signals(void **state)
{
    u64 result;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    sigaction(SIGFPE, &action, NULL);
    World *w = world_new(*state);
    assert_null(run(w, FUNC_ADD, 1, 1, &result));
    seen = 0;
    raise(SIGFPE);
    assert_int_equal(seen, SIGFPE);
    seen = 0;
    RtInstance *native = add_native(*state, w->store, host_func(w->store, raise_signal, NULL));
    assert_null(call(w->store, func_of(native, "host"), 1, 1, &result));
    assert_int_equal(seen, SIGFPE);
    expect_trap(w, FUNC_TRAP, 0, 0, PULLEY_TRAP_unreachable);
    dv_rt_store_release(w->store);
}

static sigset_t mask_then;

static void note_mask(int number)
{
    note(number);
    pthread_sigmask(SIG_BLOCK, NULL, &mask_then);
}

static void raise_with(int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_mask;
    action.sa_flags = flags;
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGFPE, &action, NULL);
    assert_true(dv_signals_renew());
    seen = 0;
    raise(SIGFPE);
    assert_int_equal(seen, SIGFPE);
}

/* Handlers that were there before get the mask that they asked for, and those for one signal no second one. */
static void foreign_handlers_as_asked(void **state)
{
    sigset_t after;
    (void)state;
    need_signals();
    raise_with(0);
    assert_int_equal(sigismember(&mask_then, SIGFPE), 1);
    assert_int_equal(sigismember(&mask_then, SIGUSR1), 1);
    raise_with(SA_NODEFER);
    assert_int_equal(sigismember(&mask_then, SIGFPE), 0);
    assert_int_equal(sigismember(&mask_then, SIGUSR1), 1);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGUSR1), 0);
    raise_with((int)SA_RESETHAND);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGFPE);
        _exit(0);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGFPE);
    raise_with(0); /* what follows may have it */
}
#else
static void foreign_signals(void **state)
{
    (void)state;
    skip();
}

static void foreign_handlers_as_asked(void **state)
{
    (void)state;
    skip();
}

static void blocked_signals(void **state)
{
    (void)state;
    skip();
}
#endif

/* ---- loading ---- */

static void expect_refused(Fixture *f, const NativeDraft *draft, u32 flags, const char *message)
{
    Bytes artifact = native_artifact(f, draft);
    RtModule *module;
    RtError error = {.status = DAVIT_OK};
    davit_status_t status =
        dv_rt_module_load(&f->pool.allocator, artifact.data, artifact.size, flags, &module, &error);
    assert_int_not_equal(status, DAVIT_OK);
    assert_string_equal(error.message, message);
}

/* One handler of the call in `outer`, or two. */
static void hostile_handlers(Fixture *f)
{
    enum { CALL = 0x54, SIZE = sizeof machine_code };
    static const u32 cases[][2][5] = {
        {{0, 16, VM_HANDLER_ALL, 0, CALL}},
        {{SIZE + 1, 16, VM_HANDLER_ALL, 0, CALL}},
        {{CALL, 12, VM_HANDLER_ALL, 0, CALL}},
        {{CALL, VM_FRAME_BYTES_MAX + 8, VM_HANDLER_ALL, 0, CALL}},
        {{CALL, 16, VM_HANDLER_ALL, 1, CALL}},
        {{CALL, 16, VM_HANDLER_ALL, 0, SIZE}},
        {{CALL, 16, VM_HANDLER_TAG, 0, CALL}}, /* there are no tags */
        {{CALL, 16, VM_HANDLER_CONTEXT, 16, 0}},
        {{CALL, 16, VM_HANDLER_CONTEXT, 4, 0}},
        {{CALL, 0, VM_HANDLER_CONTEXT, 0, 0}},
        {{CALL, 16, VM_HANDLER_CONTEXT, 0, CALL}},
        {{CALL, 16, VM_HANDLER_CONTEXT + 1, 0, CALL}},
        {{CALL, 16, VM_HANDLER_ALL, 0, CALL}, {CALL, 24, VM_HANDLER_ALL, 0, CALL}},
        {{CALL, 16, VM_HANDLER_ALL, 0, CALL}, {CALL - 1, 16, VM_HANDLER_ALL, 0, CALL}},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        NativeDraft d = draft_new();
        d.num_handlers = cases[i][1][0] != 0 ? 2 : 1;
        memcpy(d.handlers, cases[i], sizeof d.handlers);
        expect_refused(f, &d, RT_LOAD_NATIVE,
                       "not a valid artifact: a handler of exceptions that cannot be");
    }
    NativeDraft d = draft_new();
    static const u32 good[2][5] = {{CALL, 16, VM_HANDLER_CONTEXT, 8, 0},
                                   {CALL, 16, VM_HANDLER_ALL, 0, SIZE - 1}};
    memcpy(d.handlers, good, sizeof good);
    d.num_handlers = 2;
    d.adapters[0][1] = SIZE; /* what is looked at next */
    expect_refused(f, &d, RT_LOAD_NATIVE,
                   "not a valid artifact: an adapter of no type, or not inside of its code");
}

static void hostile_prologues(Fixture *f)
{
    enum { SIZE = sizeof machine_code, LAST = 9, FIELDS = 4 };
    static const u32 cases[][2][FIELDS] = {
        {{0xaf, 1, 4, 0}, {0xae, 1, 4, 0}},          /* not behind the one before */
        {{0xae, 1, 4, 0}, {0xae, 1, 4, 0}},          /* nothing of it */
        {{0x8f, 1, 4, 0}, {SIZE, 1, 4, 0}},          /* not in the code */
        {{0x8f, 1, 4, 0}, {UINT32_MAX, 1, 4, 0}},    /* nor this */
        {{0x8f, 1, 0x20, 0}, {0xae, 1, 4, 0}},       /* kept behind its end */
        {{0x8f, 1, 4, 0}, {0xae, 1, UINT32_MAX, 0}}, /* and the last one */
        {{0x8f, 0, 4, 0}, {0xae, 1, 4, 0}},          /* no push */
        {{0x8f, 1, 4, 0}, {0xae, 2, 4, 0}},          /* set before that */
        {{0x8f, 1, 4, 0}, {0xae, UINT32_MAX, 4, 0}}, /* long before */
        {{0x8f, 1, 4, 0}, {0xae, 1, 4, 1 << 4}},     /* rsp */
        {{0x8f, 1, 4, 0}, {0xae, 1, 4, 1 << 5}},     /* rbp */
        {{0x8f, 1, 4, 0}, {0xae, 1, 4, 2 << 16}},    /* too far below */
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        NativeDraft d = draft_new();
        memcpy(d.prologues[LAST - 1], cases[i], sizeof cases[i]);
        expect_refused(f, &d, RT_LOAD_NATIVE,
                       "not a valid artifact: a function that cannot begin so");
    }
}

#if HAS_SIGNALS
/* What an unwinder sees, from the host function outwards. */
typedef struct Walk {
    uintptr_t tester;
    u32 frames;     /* of native code */
    u32 kept;       /* how often rbx came back from where the enter adapter keeps it */
    const u8 *keep; /* where that is, of the frame before; NULL: that was another */
    bool saw_tester;
} Walk;
static Walk walk;

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *frame, void *unused)
{
    enum { RBX = 3, RBP = 6, ENTER = 0x8f, LEAVE = 0xae }; /* DWARF's numbers */
    const u8 *pc = (const u8 *)_Unwind_GetIP(frame);
    const CodeRange *range = dv_registry_find_code(pc);
    (void)unused;
    if (walk.keep != NULL) {
        walk.kept += _Unwind_GetGR(frame, RBX) == *(const uintptr_t *)(const void *)walk.keep;
    }
    walk.keep = NULL;
    walk.frames += range != NULL;
    if (range != NULL && pc - range->start >= ENTER && pc - range->start < LEAVE) {
        walk.keep = (const u8 *)_Unwind_GetGR(frame, RBP) - sizeof(uintptr_t);
    }
    walk.saw_tester |= _Unwind_GetRegionStart(frame) == walk.tester;
    return _URC_NO_REASON;
}

static void look(void)
{
    _Unwind_Backtrace(on_frame, NULL);
}

/* Twice through a function and both adapters, up to this one. */
static void unwound(void **state)
{
    World *w = world_new(*state);
    u64 result;
    walk = (Walk){.tester = (uintptr_t)unwound};
    w->guest.look = look;
    w->guest.next = "host";
    assert_null(run(w, FUNC_HOST, 1, 5, &result));
    if (DV_HAS_WEAK) { /* unwinders are told by names that may be missing */
        assert_true(walk.saw_tester);
        /* The first look goes through three frames, the second through twice as many. */
        assert_int_equal(walk.frames, 3 + 6);
        assert_int_equal(walk.kept, 1 + 2);
    }
    dv_rt_store_release(w->store);
}
#else
static void unwound(void **state)
{
    (void)state;
    skip();
}
#endif

static void hostile(void **state)
{
    Fixture *f = *state;
    NativeDraft d = draft_new();
    need_signals();
    expect_refused(f, &d, 0,
                   "the artifact has native code, which is only run if that is asked for");
    d.flags = 0;
    expect_refused(f, &d, RT_LOAD_NATIVE,
                   "not a valid artifact: a section of another kind of code");
    d = draft_new();
    d.head[0] = 2;
    expect_refused(f, &d, RT_LOAD_NATIVE,
                   "the artifact's native code is for another machine or version");
    d = draft_new();
    d.head[4] = 2;
    expect_refused(f, &d, RT_LOAD_NATIVE, "not a valid artifact: a memory that code cannot use so");
    d = draft_new();
    d.funcs[7][1] = (u32)sizeof machine_code;
    expect_refused(f, &d, RT_LOAD_NATIVE,
                   "not a valid artifact: a function that is not inside of its code");
    d = draft_new();
    d.traps[1][0] = d.traps[0][0];
    expect_refused(f, &d, RT_LOAD_NATIVE,
                   "not a valid artifact: a trap that is none, or not inside of its code");
    hostile_handlers(f);
    hostile_prologues(f);
    d = draft_new();
    d.adapters[0][1] = (u32)sizeof machine_code;
    expect_refused(f, &d, RT_LOAD_NATIVE,
                   "not a valid artifact: an adapter of no type, or not inside of its code");
}

/* Code that relies on guarded memories, in a store that has none. */
static void unguarded(void **state)
{
    Fixture *f = *state;
    need_signals();
    RtStore *store = open_store(f, (RtStoreConfig){0});
    const NativeDraft draft = draft_new();
    Bytes artifact = native_artifact(f, &draft);
    const RtExtern what = {.kind = EXTERN_FUNC, .of.func = host_func(store, run_guest, NULL)};
    RtModule *module;
    RtInstance *instance;
    RtTrap *trap;
    RtError error;
    assert_int_equal(dv_rt_module_load(&f->pool.allocator, artifact.data, artifact.size,
                                       RT_LOAD_NATIVE, &module, &error),
                     DAVIT_OK);
    assert_int_equal(dv_rt_instantiate(store, module, &what, 1, &instance, &trap, &error),
                     DAVIT_ERROR_UNSUPPORTED);
    dv_rt_module_release(module);
    dv_rt_store_release(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(traps, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(memory, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(nested, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(callers, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(references, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(mixed, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(stopped, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(threads, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(foreign_signals, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(foreign_handlers_as_asked, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(blocked_signals, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(unwound, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(hostile, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(unguarded, unit_setup, unit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
