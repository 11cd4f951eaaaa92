/* test_native_stop.c - what ends or holds up guests does so in bytecode and in native code: fuel, refilled or not, at the very same
 * places; polls, deadlines, the stack, limits of memories, calls through tables. */
#include "wasm_compile_testing.h"

#include "base/threads.h"
#include "rt/signals.h"
#include "wasm/runtime/native.h"
#include "wasm/runtime/runtime.h"

#define GUEST \
    "(module (memory (export \"memory\") 1 40) (global $calls (mut i32) (i32.const 0))\n" \
    " (func $note (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))))\n" \
    " (func (export \"loop\") (param i32) (loop $l (call $note) (br $l)))\n" \
    " (func (export \"plain\") (param i32) (loop $l (br $l)))\n" \
    " (func $tree (export \"tree\") (param i32) (call $note)\n" \
    "  (if (local.get 0) (then (call $tree (i32.sub (local.get 0) (i32.const 1)))\n" \
    "   (call $tree (i32.sub (local.get 0) (i32.const 1))))))\n" \
    " (func (export \"count\") (param i32) (loop $l (call $note)\n" \
    "  (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))\n" \
    " (func $deep (export \"deep\") (param i32) (call $note)\n" \
    "  (call $deep (i32.add (local.get 0) (i32.const 1))) (call $note))\n" \
    " (func (export \"tail\") (param i32) (call $note) (return_call 7 (local.get 0)))\n" \
    " (func $again (export \"again\") (param i32) (return_call $again (local.get 0)))\n" \
    " (func (export \"grow\") (param i32) (i32.store (i32.const 4) (memory.grow (local.get 0)))\n" \
    "  (i32.store (i32.const 8) (memory.size))))"

/* A way to run it, and what it left. */
typedef struct Way {
    bool is_native, is_fast, is_checked;
    RtStore *store;
    RtInstance *instance;
    u32 asked; /* how often a callback was asked, which */
    u32 most;  /* goes on so often */
    u64 refill;
} Way;

static const Way ways[] = {{.is_native = false},
                           {.is_fast = true},
                           {.is_native = true},
                           {.is_native = true, .is_fast = true, .is_checked = true}};
enum { WAYS = 4 };

static RtAnswer answer_fuel(void *context, RtStore *store)
{
    Way *w = context;
    dv_rt_set_fuel(store, w->refill);
    return w->asked++ < w->most ? RT_GO_ON : RT_TRAP;
}

/* Asked again at the next poll. */
static RtAnswer answer_notify(void *context, RtStore *store)
{
    Way *w = context;
    dv_rt_notify(store);
    return w->asked++ < w->most ? RT_GO_ON : RT_TRAP;
}

static void open_way(Fixture *f, Way *w, const char *guest, bool metered)
{
    u32 features = 0;
    WasmCompileOptions options = {.metered = metered, .fast = w->is_fast, .verify = true};
    options.features = dv_wasm_features_run();
    options.checked = w->is_checked;
    options.target = w->is_native ? dv_rt_native_target(&features) : "pulley";
    options.cpu = features;
    RtStoreConfig config = {.metered = metered,
                            .guarded = w->is_native && !w->is_checked,
                            .max_memory_bytes = 20 * 65536 + 1,
                            .on_fuel = answer_fuel,
                            .on_notify = answer_notify,
                            .context = w};
    WasmModule *m = decode_text(f, guest, options.features);
    ByteBuf artifact = compile_good(f, m, &options);
    RtModule *module;
    RtTrap *trap;
    RtError error;
    assert_int_equal(
        dv_rt_module_load(NULL, artifact.data, artifact.len, RT_LOAD_NATIVE, &module, &error),
        DAVIT_OK);
    assert_true(dv_rt_module_is_native(module) == w->is_native);
    assert_int_equal(dv_rt_store_new(&config, &w->store), DAVIT_OK);
    assert_int_equal(dv_rt_instantiate(w->store, module, NULL, 0, &w->instance, &trap, &error),
                     DAVIT_OK);
    dv_rt_module_release(module);
}

/* Those that this host has; gives how many. */
static u32 open_ways_of(Fixture *f, Way *all, const char *guest, bool metered)
{
    u32 features;
    u32 count = dv_rt_native_target(&features) != NULL ? WAYS : 2;
    assert_true(!dv_native_is_supported() || dv_signals_renew());
    for (u32 i = 0; i < count; i++) {
        all[i] = ways[i];
        open_way(f, &all[i], guest, metered);
    }
    return count;
}

static u32 open_ways(Fixture *f, Way *all, bool metered)
{
    return open_ways_of(f, all, GUEST, metered);
}

static void close_ways(Way *all, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_rt_store_release(all[i].store);
    }
}

static RtTrap *call(Way *w, const char *name, u32 arg)
{
    RtExtern e;
    const RtVal value = {arg, 0};
    RtVal none;
    assert_true(dv_rt_instance_find(w->instance, str_of(name), &e));
    return dv_rt_call(w->store, e.of.func, &value, &none);
}

static u32 word_at(const Way *w, u32 at)
{
    RtExtern e;
    assert_true(dv_rt_instance_find(w->instance, str_of("memory"), &e));
    return load_le32(dv_rt_memory_data(e.of.memory) + at);
}

static void expect_same_trap(const RtTrap *want, const RtTrap *got)
{
    assert_int_equal(got->code, want->code);
    assert_int_equal(got->num_frames, want->num_frames);
    assert_int_equal(got->frames_dropped, want->frames_dropped);
    for (u32 i = 0; i < want->num_frames; i++) {
        assert_int_equal(got->frames[i].func, want->frames[i].func);
        assert_int_equal(got->frames[i].func_offset, want->frames[i].func_offset);
        assert_int_equal(got->frames[i].module_offset, want->frames[i].module_offset);
    }
}

/* ---- fuel ---- */

static void expect_refilled(Way *all, u32 count, const char *name, u32 arg, u32 most, u64 refill)
{
    RtTrap *first = NULL;
    for (u32 i = 0; i < count; i++) {
        Way *w = &all[i];
        w->asked = 0;
        w->most = most;
        w->refill = refill;
        dv_rt_set_fuel(w->store, refill);
        RtTrap *trap = call(w, name, arg);
        assert_true((trap == NULL) == (arg != 0));
        assert_int_equal(w->asked, all[0].asked);
        assert_int_equal(dv_rt_fuel(w->store), dv_rt_fuel(all[0].store));
        assert_int_equal(word_at(w, 0), word_at(&all[0], 0));
        if (i == 0) {
            first = trap;
        } else if (trap != NULL) {
            expect_same_trap(first, trap);
            dv_rt_trap_free(trap);
        }
    }
    assert_in_range(all[0].asked, 1, most + 1);
    dv_rt_trap_free(first);
}

static void fuel_is_refilled(void **state)
{
    Way all[WAYS];
    u32 count = open_ways(*state, all, true);
    for (u64 refill = 9; refill < 30; refill++) {
        expect_refilled(all, count, "loop", 0, 5, refill);
        expect_refilled(all, count, "plain", 0, 7, refill);
        expect_refilled(all, count, "tail", 0, 3, refill);
        expect_refilled(all, count, "tree", 3, 1000, refill); /* to its end */
        expect_refilled(all, count, "count", 20, 1000, refill);
    }
    close_ways(all, count);
}

/* ---- polls ---- */

/* Every round of a loop and every call polls, if not at the same place on each engine. */
static void expect_polled(Way *w, const char *name, u32 arg, u32 most)
{
    u32 before = word_at(w, 0);
    w->asked = 0;
    w->most = most;
    dv_rt_notify(w->store);
    RtTrap *trap = call(w, name, arg);
    assert_non_null(trap);
    assert_int_equal(trap->code, PULLEY_TRAP_interrupt);
    assert_in_range(trap->num_frames, 1, most + 2);
    assert_int_equal(w->asked, most + 1);
    assert_in_range(word_at(w, 0) - before, 0, most + 1);
    dv_rt_trap_free(trap);
}

static void everything_polls(void **state)
{
    for (u32 metered = 0; metered < 2; metered++) {
        Way all[WAYS];
        u32 count = open_ways(*state, all, metered != 0);
        for (u32 i = 0; i < count; i++) {
            dv_rt_set_fuel(all[i].store, 100000);
            for (u32 most = 0; most < 20; most += 3) {
                expect_polled(&all[i], "loop", 0, most);
                expect_polled(&all[i], "plain", 0, most);
                expect_polled(&all[i], "tree", 20, most);
                expect_polled(&all[i], "again", 0, most);
            }
        }
        close_ways(all, count);
    }
}

static void deadlines_end_everything(void **state)
{
    static const char *const names[] = {"loop", "plain", "tree", "again"};
    Way all[WAYS];
    if (!DV_THREADS) {
        skip();
    }
    u32 count = open_ways(*state, all, false);
    for (u32 n = 0; n < ARRAY_LEN(names); n++) {
        for (u32 i = 0; i < count; i++) {
            assert_int_equal(dv_rt_set_deadline(all[i].store, 2000000), DAVIT_OK);
            RtTrap *trap = call(&all[i], names[n], 100); /* 2^100 calls, or for ever */
            assert_non_null(trap);
            assert_int_equal(trap->code, PULLEY_TRAP_interrupt);
            assert_in_range(trap->num_frames, 1, 128);
            dv_rt_trap_free(trap);
        }
    }
    close_ways(all, count);
}

/* ---- stacks and memories ---- */

static void stacks_end(void **state)
{
    Way all[WAYS];
    u32 count = open_ways(*state, all, false);
    for (u32 i = 0; i < count; i++) {
        u32 before = word_at(&all[i], 0);
        RtTrap *trap = call(&all[i], "deep", 0);
        assert_non_null(trap);
        assert_int_equal(trap->code, PULLEY_TRAP_stk_ovf);
        assert_int_equal(trap->num_frames, 128);
        assert_in_range(trap->frames_dropped, 1000, 1000000);
        for (u32 k = 1; k < trap->num_frames; k++) { /* the first may be what it calls */
            assert_int_equal(trap->frames[k].func, 5);
            assert_int_equal(trap->frames[k].module_offset, trap->frames[1].module_offset);
        }
        /* every call that began did what it does first, but maybe the last one */
        u32 calls = trap->num_frames + trap->frames_dropped;
        assert_in_range(word_at(&all[i], 0) - before, calls - 2, calls);
        dv_rt_trap_free(trap);
        before = word_at(&all[i], 0);
        assert_null(call(&all[i], "count", 3));
        assert_int_equal(word_at(&all[i], 0), before + 3);
    }
    close_ways(all, count);
}

/* The store has room for 20 pages, the declaration for 40. */
static void memories_grow_to_limits(void **state)
{
    static const u32 rows[][3] = {
        /* by, gives, size then */
        {0, 1, 1},           {10, 1, 11}, {10, UINT32_MAX, 11},     {9, 11, 20},
        {1, UINT32_MAX, 20}, {0, 20, 20}, {0xffff, UINT32_MAX, 20}, {UINT32_MAX, UINT32_MAX, 20}};
    Way all[WAYS];
    u32 count = open_ways(*state, all, false);
    for (u32 i = 0; i < count; i++) {
        for (u32 n = 0; n < ARRAY_LEN(rows); n++) {
            assert_null(call(&all[i], "grow", rows[n][0]));
            assert_int_equal(word_at(&all[i], 4), rows[n][1]);
            assert_int_equal(word_at(&all[i], 8), rows[n][2]);
        }
    }
    close_ways(all, count);
}

/* ---- tables ---- */

/* A table that cannot grow and one that can, of more functions than records are made room for at once; where a multiple of 5
 * is there is null, one behind that a function of another type. */
enum { TABLE_FUNCS = 600 };
static const char *write_tables(Fixture *f)
{
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_text_printf(&out,
                   "(module (memory (export \"memory\") 1) (type $t (func (param i32)))"
                   " (table $fixed (export \"table\") %d %d funcref) (table $open %d funcref)"
                   " (func (export \"fixed\") (type $t)"
                   "  (call_indirect $fixed (type $t) (local.get 0) (local.get 0)))"
                   " (func (export \"open\") (type $t)"
                   "  (call_indirect $open (type $t) (local.get 0) (local.get 0)))"
                   " (func (export \"more\") (type $t)"
                   "  (drop (table.grow $open (ref.func $other) (local.get 0))))"
                   " (func (export \"loop\") (param i32) (loop $l"
                   "  (call_indirect $fixed (type $t) (local.get 0) (local.get 0))"
                   "  (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
                   " (func $other)",
                   TABLE_FUNCS, TABLE_FUNCS, TABLE_FUNCS);
    for (u32 i = 0; i < TABLE_FUNCS; i++) {
        dv_text_printf(&out, " (func $f%u (type $t) (i32.store (i32.const 0) (i32.const %u)))", i,
                       1000 + i);
    }
    for (u32 table = 0; table < 2; table++) {
        dv_text_printf(&out, " (elem (table %u) (i32.const 0) funcref", table);
        for (u32 i = 0; i < TABLE_FUNCS; i++) {
            dv_text_printf(&out,
                           i % 5 == 0   ? " (ref.null func)"
                           : i % 5 == 1 ? " (ref.func $other)"
                                        : " (ref.func $f%u)",
                           i);
        }
        dv_text_str(&out, ")");
    }
    dv_text_str(&out, ")");
    return out.data;
}

static void expect_called(Way *all, u32 count, const char *name, u32 at, u32 code)
{
    RtTrap *first = NULL;
    for (u32 i = 0; i < count; i++) {
        RtTrap *trap = call(&all[i], name, at);
        assert_int_equal(trap == NULL ? 0 : trap->code, code);
        assert_true(code != 0 || word_at(&all[i], 0) == 1000 + at);
        if (i == 0) {
            first = trap;
        } else if (trap != NULL) {
            expect_same_trap(first, trap);
            assert_string_equal(trap->message, first->message);
            dv_rt_trap_free(trap);
        }
    }
    dv_rt_trap_free(first);
}

static void tables_are_called(void **state)
{
    static const char *const names[] = {"fixed", "open"};
    static const u32 beyond[] = {TABLE_FUNCS, TABLE_FUNCS + 6, 1u << 30, 1u << 31, UINT32_MAX};
    Way all[WAYS];
    u32 count = open_ways_of(*state, all, write_tables(*state), false);
    for (u32 n = 0; n < ARRAY_LEN(names); n++) {
        for (u32 i = 0; i < TABLE_FUNCS; i++) {
            expect_called(all, count, names[n], i,
                          i % 5 == 0   ? PULLEY_TRAP_null_elem
                          : i % 5 == 1 ? PULLEY_TRAP_bad_sig
                                       : 0);
        }
        for (u32 i = 0; i < ARRAY_LEN(beyond); i++) {
            expect_called(all, count, names[n], beyond[i], PULLEY_TRAP_undef_elem);
        }
    }
    expect_called(all, count, "loop", 599, PULLEY_TRAP_bad_sig); /* 597, then 596 */
    for (u32 i = 0; i < count; i++) { /* two references that are nobody's */
        RtExtern e;
        assert_true(dv_rt_instance_find(all[i].instance, str_of("table"), &e));
        assert_true(dv_rt_table_set(e.of.table, 0, 511));
        assert_true(dv_rt_table_set(e.of.table, 1, (1u << 31) + 511));
    }
    expect_called(all, count, "fixed", 0, PULLEY_TRAP_bad_sig);
    expect_called(all, count, "fixed", 1, PULLEY_TRAP_bad_sig);
    for (u32 i = 0; i < count; i++) {
        assert_null(call(&all[i], "more", 5000));
    }
    expect_called(all, count, "open", 597, 0);
    expect_called(all, count, "open", 5599, PULLEY_TRAP_bad_sig);
    expect_called(all, count, "open", 5600, PULLEY_TRAP_undef_elem);
    close_ways(all, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(fuel_is_refilled),         UNIT_TEST(everything_polls),
        UNIT_TEST(deadlines_end_everything), UNIT_TEST(stacks_end),
        UNIT_TEST(memories_grow_to_limits),  UNIT_TEST(tables_are_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
