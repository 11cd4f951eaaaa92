/* test_native_throw.c - exceptions in machine code: thrown by it, caught by it, and on their way through hosts and bytecode;
 * what frames of it keep alive.
 *
 * Functions are CLIF, compiled and laid out as those of a module would be; the instance is one of the interpreter's, with
 * tags, whose functions become native. */
#include "interp_testing.h"

#include "codegen/compile.h"
#include "codegen/ir/parse.h"
#include "codegen/isa/x64/x64_isa.h"
#include "rt/signals.h"
#include "wasm/compile/native.h"
#include "wasm/format/text.h"
#include "wasm/runtime/native.h"

/* All of type 0 but the last; function 0 is imported. */
enum {
    FUNC_THROW = 1,
    FUNC_CATCH_TAG,
    FUNC_CATCH_IMPORT,
    FUNC_RETHROW,
    FUNC_THROUGH,
    FUNC_TRAPS,
    FUNC_KEEP,
    FUNC_SAVED,
    FUNC_CATCH_MANY,
    FUNC_HOLD,
    FUNC_IN_CONTEXT,
    FUNC_MANY,
    FUNC_END
};

static const char skeleton[] =
    "(module (type (func (param i32) (result i32))) (type (func (param i32))) "
    "(type (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32))) "
    "(import \"\" \"\" (func (type 0))) "
    "(func (type 0) (unreachable)) (func (type 0) (unreachable)) (func (type 0) (unreachable)) "
    "(func (type 0) (unreachable)) (func (type 0) (unreachable)) (func (type 0) (unreachable)) "
    "(func (type 0) (unreachable)) (func (type 0) (unreachable)) (func (type 0) (unreachable)) "
    "(func (type 0) (unreachable)) (func (type 0) (unreachable)) (func (type 2) (unreachable)))";

#define STUB "func type0, window 2 {\nret\n}\n"
static const char bytecode_skeleton[] =
    "type 1 -> 1\ntype 1 -> 0\ntype 12 -> 1\nimport type0\ntag type1\ntag type1\n" STUB STUB STUB
        STUB STUB STUB STUB STUB STUB STUB STUB "func type2, window 12 {\nret\n}\n";

#define PREAMBLE \
    "    sig0 = (i32) -> i32 wasm\n    sig1 = (i32) wasm\n" \
    "    type0 = func (i32) -> i32, sig0\n    type1 = func (i32), sig1\n" \
    "    tag0 = tag 0, type1\n    tag1 = tag 1, type1\n" \
    "    func0 = import u0:0 type0\n    func1 = define u0:1 type0\n    func2 = define u0:2 type0\n"

static const char *const texts[] = {
    /* Throws tag 0 with its argument, from 100 on tag 1; 0 is returned. */
    [FUNC_THROW] = "function u0:1(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n    fuel 3\n"
                   "    brif v0, block1, block4\n"
                   "block1:\n    v1 = iconst.i32 100\n    v2 = icmp ult v0, v1\n"
                   "    brif v2, block2, block3\n"
                   "block2:\n    throw tag0(v0)\nblock3:\n    throw tag1(v0)\n"
                   "block4:\n    return v0\n}\n",
    /* Tag 0 of the function above: 1000 + x * x + 1, if there is a handle, and 0 beside it. */
    [FUNC_CATCH_TAG] =
        "function u0:2(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n    v1 = imul v0, v0\n"
        "    try_call_import func1(v0), sig0, block1(ret0), [ tag0: block2(exn0, exn1) ]\n"
        "block1(v2: i32):\n    return v2\n"
        "block2(v3: i64, v4: i64):\n    v5 = iconst.i64 0\n    v6 = icmp ne v3, v5\n"
        "    v7 = icmp ne v4, v5\n    v8 = uextend.i32 v6\n    v9 = uextend.i32 v7\n"
        "    v10 = isub v8, v9\n    v11 = iadd v1, v10\n    v12 = iconst.i32 1000\n"
        "    v13 = iadd v11, v12\n    return v13\n}\n",
    /* Everything of the import: 2000 + 3 * x. */
    [FUNC_CATCH_IMPORT] =
        "function u0:3(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n    fuel 1\n"
        "    try_call_import func0(v0), sig0, block1(ret0), [ default: block2 ]\n"
        "block1(v2: i32):\n    return v2\n"
        "block2:\n    fuel 10\n    v3 = iconst.i32 3\n    v4 = imul v0, v3\n"
        "    v5 = iconst.i32 2000\n    v6 = iadd v4, v5\n    return v6\n}\n",
    [FUNC_RETHROW] =
        "function u0:4(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n"
        "    try_call_import func0(v0), sig0, block1(ret0), [ tag1: block3, default: block2(exn0) ]\n"
        "block1(v2: i32):\n    return v2\n"
        "block2(v3: i64):\n    v4 = ireduce.i32 v3\n    throw_ref v4\n"
        "block3:\n    v5 = iconst.i32 77\n    return v5\n}\n",
    [FUNC_THROUGH] = "function u0:5(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n"
                     "    v1 = call_import func0(v0)\n    v2 = iconst.i32 1\n    v3 = iadd v1, v2\n"
                     "    return v3\n}\n",
    /* The import traps, or null is thrown; nobody catches that. */
    [FUNC_TRAPS] = "function u0:6(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n"
                   "    try_call_import func0(v0), sig0, block1(ret0), [ default: block2 ]\n"
                   "block1(v1: i32):\n    v2 = iconst.i32 0\n    throw_ref v2\n"
                   "block2:\n    v3 = iconst.i32 5\n    return v3\n}\n",
    /* Catches one exception, then x others, then throws the first one again. */
    [FUNC_KEEP] =
        "function u0:7(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n    v1 = iconst.i32 7\n"
        "    try_call_import func1(v1), sig0, block1(ret0), [ default: block2(exn0) ]\n"
        "block1(v2: i32):\n    return v2\n"
        "block2(v3: i64):\n    jump block3(v0)\n"
        "block3(v4: i32):\n    brif v4, block4, block6\n"
        "block4:\n    v5 = iconst.i32 8\n"
        "    try_call_import func1(v5), sig0, block1(ret0), [ default: block5 ]\n"
        "block5:\n    v6 = iconst.i32 1\n    v7 = isub v4, v6\n    jump block3(v7)\n"
        "block6:\n    v8 = ireduce.i32 v3\n    throw_ref v8\n}\n",
    /* Has values in registers while another function catches: the sum of x to x + 5, and what that gives. */
    [FUNC_SAVED] =
        "function u0:8(i32) -> i32 wasm {\n" PREAMBLE "block0(v0: i32):\n    v1 = iconst.i32 1\n"
        "    v2 = iadd v0, v1\n    v3 = iadd v2, v1\n    v4 = iadd v3, v1\n    v5 = iadd v4, v1\n"
        "    v6 = iadd v5, v1\n    v7 = call_import func2(v0)\n    v8 = iadd v0, v2\n"
        "    v9 = iadd v3, v4\n    v10 = iadd v5, v6\n    v11 = iadd v8, v9\n"
        "    v12 = iadd v10, v11\n    v13 = iadd v12, v7\n    return v13\n}\n",
    /* Arguments in memory, which the callee would have taken off; a slot of the frame. */
    [FUNC_CATCH_MANY] =
        "function u0:9(i32) -> i32 wasm {\n    ss0 = explicit_slot 8\n" PREAMBLE
        "    sig2 = (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32 wasm\n"
        "    fn0 = colocated u0:12 sig2\n"
        "block0(v0: i32):\n    v1 = iconst.i32 50\n    v9 = stack_addr.i64 ss0\n    store v1, v9\n"
        "    try_call fn0(v1, v1, v1, v1, v1, v1, v1, v1, v1, v1, v1, v0), sig2, block1(ret0), "
        "[ tag0: block2 ]\n"
        "block1(v2: i32):\n    return v2\n"
        "block2:\n    v3 = load.i32 v9\n"
        "    v4 = call fn0(v3, v3, v3, v3, v3, v3, v3, v3, v3, v3, v3, v3)\n"
        "    v5 = iadd v3, v4\n    v6 = iadd v5, v0\n    return v6\n}\n",
    /* Has x * 0x10001 while the import runs. */
    [FUNC_HOLD] = "function u0:10(i32) -> i32 wasm {\n" PREAMBLE
                  "block0(v0: i32):\n    v1 = iconst.i32 0x10001\n    v2 = imul v0, v1\n"
                  "    v3 = call_import func0(v0)\n    v4 = iadd v2, v3\n    return v4\n}\n",
    /* Of this instance alone: 1; of others 2. */
    [FUNC_IN_CONTEXT] =
        "function u0:11(i64 vmctx, i32) -> i32 wasm {\n" PREAMBLE "block0(v1: i64, v0: i32):\n"
        "    try_call_import func0(v0), sig0, block1(ret0), "
        "[ context v1, tag0: block2, default: block3 ]\n"
        "block1(v2: i32):\n    return v2\n"
        "block2:\n    v3 = iconst.i32 1\n    return v3\n"
        "block3:\n    v4 = iconst.i32 2\n    return v4\n}\n",
    /* Throws its last argument, unless it is 50. */
    [FUNC_MANY] =
        "function u0:12(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32 wasm {\n" PREAMBLE
        "block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32, v6: i32, v7: i32, v8: i32, "
        "v9: i32, v10: i32, v11: i32):\n    v12 = iconst.i32 50\n    v13 = icmp eq v11, v12\n"
        "    brif v13, block1, block2\nblock1:\n    return v8\nblock2:\n    throw tag0(v11)\n}\n",
};

/* ---- making ---- */

/* Code, in a form that several instances can have. */
typedef struct Code {
    NativeCode native;
    NativeLinked linked;
} Code;

static const CompiledFunc *compile(Fixture *f, const VmOptions *vm, Func *func, u8 allocator)
{
    CompileOptions options = {.allocator = allocator, .check = true, .vm = vm};
    CompiledFunc *result = ARENA_NEW(&f->arena, CompiledFunc);
    Arena scratch;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    dv_arena_init(&scratch, &f->pool);
    if (!dv_compile(&dv_x64_isa, &options, func, &f->arena, &scratch, &diag, result)) {
        fail_msg("%s", dv_diag_first(&diag)->text);
    }
    dv_arena_release(&scratch);
    dv_native_resolve_tags(&result->code, func);
    return result;
}

static Func *parse(Fixture *f, const char *text)
{
    ClifFile *file = ARENA_NEW(&f->arena, ClifFile);
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    if (!dv_clif_parse(file, &f->arena, str_of(text), &diag)) {
        const DiagMessage *m = dv_diag_first(&diag);
        fail_msg("%u:%u: %s in:\n%s", (unsigned)m->line, (unsigned)m->column, m->text, text);
    }
    return &file->funcs.data[0]->func;
}

static const WasmModule *decode(Fixture *f)
{
    WasmModule *m = ARENA_NEW(&f->arena, WasmModule);
    DecodeOptions options = {.features = dv_wasm_features_run()};
    ByteBuf binary;
    Diag diag;
    WasmError error;
    dv_diag_init(&diag, &f->arena);
    dv_bytebuf_init(&binary, &f->arena);
    assert_true(dv_wat_to_binary(&f->arena, str_of(skeleton), &binary, NULL, &diag));
    assert_true(dv_wasm_decode(&f->arena, binary.data, binary.len, &options, m, &diag, &error));
    return m;
}

static Code *make_code(Fixture *f, u8 allocator)
{
    Code *code = ARENA_NEW(&f->arena, Code);
    const WasmModule *m = decode(f);
    NativeParts parts = {.module = m, .vm = dv_native_vm_options(m, false, &f->arena)};
    const CompiledFunc **funcs = ARENA_ARRAY(&f->arena, const CompiledFunc *, FUNC_END + 6);
    u32 count = 0;
    Diag diag;
    for (u32 i = FUNC_THROW; i < FUNC_END; i++) {
        funcs[count++] = compile(f, parts.vm, parse(f, texts[i]), allocator);
    }
    for (u32 i = 0; i < m->types.len; i++) {
        Func *enter = ARENA_NEW(&f->arena, Func), *leave = ARENA_NEW(&f->arena, Func);
        dv_adapter_enter(m, i, &f->arena, enter);
        dv_adapter_leave(m, i, &f->arena, leave);
        funcs[count++] = compile(f, NULL, enter, allocator);
        funcs[count++] = compile(f, NULL, leave, allocator);
        vec_push(&f->arena, &parts.types, i);
    }
    parts.funcs = funcs;
    dv_diag_init(&diag, &f->arena);
    assert_true(dv_native_link(&parts, &f->arena, &diag, &code->linked));
    NativeFunc *places = ARENA_ARRAY(&f->arena, NativeFunc, FUNC_END);
    NativeAdapter *adapters = ARENA_ARRAY(&f->arena, NativeAdapter, m->types.len);
    CodeTrap *traps = ARENA_ARRAY(&f->arena, CodeTrap, code->linked.traps.len + 1);
    for (u32 i = 0; i < m->codes.len; i++) {
        places[i] = (NativeFunc){code->linked.offsets[i], funcs[i]->code.size_bytes};
    }
    for (u32 i = 0; i < m->types.len; i++) {
        const u32 *offsets = code->linked.offsets + m->codes.len + 2 * i;
        adapters[i] = (NativeAdapter){i, offsets[0], offsets[1]};
    }
    for (u32 i = 0; i < code->linked.traps.len; i++) {
        traps[i] = (CodeTrap){code->linked.traps.data[i].offset, code->linked.traps.data[i].code};
    }
    code->native = (NativeCode){.funcs = places,
                                .num_funcs = m->codes.len,
                                .adapters = adapters,
                                .num_adapters = m->types.len,
                                .traps = traps,
                                .num_traps = code->linked.traps.len,
                                .handlers = code->linked.handlers.data,
                                .num_handlers = code->linked.handlers.len,
                                .prologues = code->linked.prologues,
                                .num_prologues = count,
                                .shape = parts.vm->shape};
    assert_true(dv_native_load(&code->native, code->linked.code.data, (u32)code->linked.code.len,
                               NULL, &f->arena));
    return code;
}

/* An instance of the code; tags that are not NULL take the place of its own. */
static Room *add_native(World *w, const Code *code, InterpFunc *import,
                        const InterpTag *const *tags)
{
    Room *room = world_add(w, bytecode_skeleton);
    InterpInstance *instance = room->instance;
    void *block = dv_arena_zalloc(&w->f->arena, dv_native_block_bytes(&code->native), 16);
    instance->imports[0] = import;
    for (u32 i = 0; tags != NULL && i < 2; i++) {
        instance->tags[i] = tags[i];
    }
    assert_int_equal(dv_native_bind(instance, &code->native, instance->type_ids, block), DAVIT_OK);
    return room;
}

static World *open_world(Fixture *f)
{
    InterpConfig config = world_config(f, INTERP_SWITCH);
    if (!dv_native_is_supported()) {
        skip();
    }
    assert_true(dv_signals_renew()); /* the test library puts in its own for each test */
    config.max_exceptions = 200;
    return world_open(f, &config);
}

/* ---- hosts ---- */

/* Calls the function, if there is one; or throws or traps as it is told. */
typedef struct Host {
    InterpFunc *next;
    u32 status;
    u64 wanted; /* a word of the stack, or half of one */
    bool is_seen;
} Host;

static void look(void *context, const u64 *slots, usize count)
{
    Host *host = context;
    for (usize i = 0; i < count; i++) {
        host->is_seen =
            host->is_seen || (u32)slots[i] == host->wanted || slots[i] >> 32 == host->wanted;
    }
}

static u32 run_host(void *context, Interp *vm, u64 *slots)
{
    Host *host = context;
    if (host->wanted != 0) {
        slots[0] = 0;
        dv_interp_visit_slots(vm, look, host);
    }
    if (host->next == NULL) {
        return host->status;
    }
    switch (dv_interp_call(vm, host->next, slots)) {
    case INTERP_RETURNED:
        return INTERP_GO_ON;
    case INTERP_THREW:
        return INTERP_THROW;
    default:
        return dv_interp_trap(vm)->code;
    }
}

static InterpFunc *add_host(World *w, Host *host)
{
    const PulleyType type = {1, 1};
    InterpFunc *func = dv_interp_host_func(w->vm, run_host, host, type, dv_interp_type_id(type));
    assert_non_null(func);
    return func;
}

/* ---- checks ---- */

static void expect(World *w, InterpFunc *func, u32 arg, u32 result)
{
    u64 slots[2] = {arg, 0};
    InterpInstance *before = dv_interp_instance(w->vm);
    assert_int_equal(dv_interp_call(w->vm, func, slots), INTERP_RETURNED);
    assert_int_equal((u32)slots[0], result);
    assert_ptr_equal(dv_interp_instance(w->vm), before);
    assert_false(dv_interp_has_native(w->vm));
    assert_null(dv_activation());
}

static void expect_throw(World *w, InterpFunc *func, u32 arg, const InterpTag *tag, u32 payload)
{
    u64 slots[2] = {arg, 0};
    assert_int_equal(dv_interp_call(w->vm, func, slots), INTERP_THREW);
    const InterpException *exception = dv_interp_exception_of(w->vm, dv_interp_exception(w->vm));
    assert_ptr_equal(exception->tag, tag);
    assert_int_equal((u32)exception->payload[0], payload);
    assert_false(dv_interp_has_native(w->vm));
    assert_null(dv_activation());
}

static void expect_trap(World *w, InterpFunc *func, u32 arg, u32 code)
{
    u64 slots[2] = {arg, 0};
    assert_int_equal(dv_interp_call(w->vm, func, slots), INTERP_TRAPPED);
    assert_int_equal(dv_interp_trap(w->vm)->code, code);
}

static InterpFunc *func_of(const Room *room, u32 number)
{
    return dv_instance_func(room->instance, number);
}

/* ---- tests ---- */

/* Within one run of code. */
static void alone(World *w, const Code *code)
{
    Host host = {.status = PULLEY_TRAP_int_divz};
    Room *room = add_native(w, code, add_host(w, &host), NULL);
    const InterpTag *const *tags = room->instance->tags;
    expect(w, func_of(room, FUNC_THROW), 0, 0);
    expect_throw(w, func_of(room, FUNC_THROW), 5, tags[0], 5);
    expect_throw(w, func_of(room, FUNC_THROW), 100, tags[1], 100);
    expect(w, func_of(room, FUNC_CATCH_TAG), 0, 0);
    expect(w, func_of(room, FUNC_CATCH_TAG), 9, 1000 + 81 + 1);
    expect_throw(w, func_of(room, FUNC_CATCH_TAG), 100, tags[1], 100);
    expect(w, func_of(room, FUNC_SAVED), 9, 9 + 10 + 11 + 12 + 13 + 14 + 1082);
    expect(w, func_of(room, FUNC_CATCH_MANY), 50, 50);
    expect(w, func_of(room, FUNC_CATCH_MANY), 9, 50 + 50 + 9);
    /* More than may be at once; the one in the frame is not taken for garbage. */
    expect_throw(w, func_of(room, FUNC_KEEP), 2000, tags[0], 7);
    expect_trap(w, func_of(room, FUNC_TRAPS), 1, PULLEY_TRAP_int_divz);
    host.status = INTERP_GO_ON;
    expect_trap(w, func_of(room, FUNC_TRAPS), 1, PULLEY_TRAP_null_exn);
}

static void within(void **state)
{
    for (u32 i = 0; i < 2; i++) {
        World *w = open_world(*state);
        Code *code = make_code(*state, i == 0 ? ALLOCATOR_MAIN : ALLOCATOR_FAST);
        alone(w, code);
        world_close(w);
        dv_native_unload(&code->native);
    }
}

/* native -> host -> native, and deeper: runs on top of runs. */
static void nested(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Host host = {.status = INTERP_GO_ON};
    Host again = {.status = INTERP_GO_ON};
    Room *room = add_native(w, code, add_host(w, &host), NULL);
    Room *above =
        add_native(w, code, add_host(w, &again), (const InterpTag *const *)room->instance->tags);
    const InterpTag *const *tags = room->instance->tags;
    host.next = func_of(room, FUNC_THROW);
    expect(w, func_of(room, FUNC_CATCH_IMPORT), 0, 0);
    expect(w, func_of(room, FUNC_CATCH_IMPORT), 5, 2015);
    expect_throw(w, func_of(room, FUNC_RETHROW), 5, tags[0], 5);
    /* Frames that the exception went through before it was caught do not count. */
    InterpFrame frames[4];
    assert_int_equal(dv_interp_backtrace(w->vm, frames, ARRAY_LEN(frames)), 1);
    assert_ptr_equal(frames[0].instance, room->instance);
    assert_int_equal(frames[0].func, FUNC_RETHROW - 1);
    expect(w, func_of(room, FUNC_RETHROW), 500, 77);
    expect(w, func_of(room, FUNC_THROUGH), 0, 1);
    expect_throw(w, func_of(room, FUNC_THROUGH), 5, tags[0], 5);
    again.next = func_of(room, FUNC_THROUGH);
    expect(w, func_of(above, FUNC_CATCH_IMPORT), 5, 2015);
    again.next = func_of(room, FUNC_RETHROW);
    expect(w, func_of(above, FUNC_CATCH_IMPORT), 5, 2015);
    expect(w, func_of(above, FUNC_CATCH_IMPORT), 500, 77);
    again.next = func_of(room, FUNC_CATCH_IMPORT);
    expect(w, func_of(above, FUNC_THROUGH), 5, 2016);
    /* A trap ends all of it. */
    host.next = NULL;
    host.status = PULLEY_TRAP_int_ovf;
    expect_trap(w, func_of(above, FUNC_CATCH_IMPORT), 5, PULLEY_TRAP_int_ovf);
    expect(w, func_of(above, FUNC_THROW), 0, 0);
    world_close(w);
    dv_native_unload(&code->native);
}

/* Bytecode: throws the tag, catches it, passes it on. */
static const char bytecode[] =
    "type 1 -> 1\ntype 1 -> 0\nimport type0\ntag type1\ntag type1\n"
    "func type0, window 4 {\nthrow s0, tag0\n}\n"
    "func type0, window 6 {\nxmov s2, s0\ncall_import s2, import0\ncatch tag0, caught\n"
    "xmov s0, s2\nret\ncaught:\nxconst16 s0, 300\nret\n}\n"
    "func type0, window 6 {\nxmov s2, s0\ncall_import s2, import0\nxmov s0, s2\nret\n}\n";

static void mixed(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Room *low = world_add(w, bytecode);
    const InterpTag *const *tags = low->instance->tags;
    Room *native = add_native(w, code, own_func(low, 0), tags);
    Room *high = world_add(w, bytecode);
    high->instance->tags[0] = tags[0];
    low->instance->imports[0] = func_of(native, FUNC_THROW);
    high->instance->imports[0] = func_of(native, FUNC_THROUGH);
    expect(w, func_of(native, FUNC_CATCH_IMPORT), 5, 2015);
    expect_throw(w, func_of(native, FUNC_RETHROW), 5, tags[0], 5);
    expect_throw(w, func_of(native, FUNC_THROUGH), 5, tags[0], 5);
    expect(w, own_func(low, 1), 5, 300);
    expect(w, own_func(high, 1), 5, 300);
    expect_throw(w, own_func(high, 2), 5, tags[0], 5);
    world_close(w);
    dv_native_unload(&code->native);
}

/* native -> bytecode -> native, with the exception of the innermost. */
static void deep(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Room *middle = world_add(w, bytecode);
    const InterpTag *const *tags = middle->instance->tags;
    Host host = {.status = INTERP_GO_ON};
    Room *inner = add_native(w, code, add_host(w, &host), tags);
    middle->instance->imports[0] = func_of(inner, FUNC_THROW);
    Room *outer = add_native(w, code, own_func(middle, 2), tags);
    expect(w, func_of(outer, FUNC_CATCH_IMPORT), 0, 0);
    expect(w, func_of(outer, FUNC_CATCH_IMPORT), 4, 2012);
    expect(w, func_of(outer, FUNC_CATCH_IMPORT), 400, 3200);
    expect(w, func_of(outer, FUNC_RETHROW), 400, 77);
    expect_throw(w, func_of(outer, FUNC_RETHROW), 4, tags[0], 4);
    world_close(w);
    dv_native_unload(&code->native);
}

/* Two instances of the same code have tags of their own. */
static void instances(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Host host = {.status = INTERP_GO_ON};
    Room *below = add_native(w, code, add_host(w, &host), NULL);
    Room *above = add_native(w, code, func_of(below, FUNC_THROW), NULL);
    const InterpTag *const *tags = below->instance->tags;
    /* RETHROW catches its own tag 1, CONTEXT its own tag 0. */
    expect_throw(w, func_of(above, FUNC_RETHROW), 100, tags[1], 100);
    expect(w, func_of(above, FUNC_IN_CONTEXT), 5, 2);
    const InterpTag *swapped[] = {tags[1], tags[0]};
    above = add_native(w, code, func_of(below, FUNC_THROW), swapped);
    expect_throw(w, func_of(above, FUNC_RETHROW), 100, tags[1], 100);
    expect(w, func_of(above, FUNC_RETHROW), 5, 77);
    /* Thrown by itself, through a host. */
    host.next = func_of(below, FUNC_THROW);
    expect(w, func_of(below, FUNC_IN_CONTEXT), 5, 1);
    expect(w, func_of(below, FUNC_IN_CONTEXT), 100, 2);
    world_close(w);
    dv_native_unload(&code->native);
}

/* Frames of several instances in one run: each has its own tags and context. */
static void instances_in_one_run(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Host host = {.status = INTERP_GO_ON};
    Room *below = add_native(w, code, add_host(w, &host), NULL);
    const InterpTag *const *tags = below->instance->tags;
    Room *above = add_native(w, code, func_of(below, FUNC_CATCH_TAG), NULL);
    expect(w, func_of(above, FUNC_THROUGH), 5, 1000 + 25 + 1 + 1);
    expect_throw(w, func_of(above, FUNC_THROUGH), 100, tags[1], 100);
    above = add_native(w, code, func_of(below, FUNC_THROW), tags);
    expect(w, func_of(above, FUNC_RETHROW), 100, 77);
    expect(w, func_of(above, FUNC_IN_CONTEXT), 5, 2);
    world_close(w);
    dv_native_unload(&code->native);
}

static void fuel(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Host host = {.status = INTERP_GO_ON};
    Room *room = add_native(w, code, add_host(w, &host), NULL);
    host.next = func_of(room, FUNC_THROW);
    dv_interp_set_fuel(w->vm, 20);
    expect(w, func_of(room, FUNC_CATCH_IMPORT), 5, 2015); /* 1 + 3 + 10 */
    assert_int_equal(dv_interp_fuel(w->vm), 6);
    expect_trap(w, func_of(room, FUNC_CATCH_IMPORT), 5, PULLEY_TRAP_out_of_fuel);
    world_close(w);
    dv_native_unload(&code->native);
}

/* Values in frames and registers of code are among those that are looked at. */
static void references(void **state)
{
    World *w = open_world(*state);
    Code *code = make_code(*state, ALLOCATOR_MAIN);
    Host host = {.wanted = 0x5aa55aa5};
    Room *room = add_native(w, code, add_host(w, &host), NULL);
    expect(w, func_of(room, FUNC_HOLD), 0x5aa5, 0x5aa55aa5);
    assert_true(host.is_seen);
    host.is_seen = false;
    expect(w, func_of(room, FUNC_HOLD), 0x5aa6, 0x5aa65aa6);
    assert_false(host.is_seen);
    world_close(w);
    dv_native_unload(&code->native);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(within, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(nested, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(mixed, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(deep, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(instances, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(instances_in_one_run, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(fuel, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(references, unit_setup, unit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
