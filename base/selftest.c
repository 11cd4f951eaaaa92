/* selftest.c - walks every container of base/ against a simple model, with fixed and random cases.
 *
 * It needs no test library, so it runs wherever Davit runs; the unit tests run it too and add what
 * needs a misbehaving allocator or a compiler's own 128-bit type. Expected numbers are literals, so
 * a fault shared by the code and its check does not go unseen.
 */
#include "selftest.h"

#include "arena.h"
#include "bitset.h"
#include "bytes.h"
#include "diag.h"
#include "map.h"
#include "rng.h"
#include "scoped_map.h"
#include "text.h"
#include "u128.h"
#include "vec.h"

typedef struct Tester {
    FILE *out;
    u32 failures;
    Pool pool;
    Arena arena;
} Tester;

static void expect(Tester *t, bool holds, int line, const char *what)
{
    if (!holds) {
        t->failures++;
        fprintf(t->out, "base/selftest.c:%d: failed: %s\n", line, what);
    }
}

#define EXPECT(t, c) expect((t), (c), __LINE__, #c)

static void check_bits(Tester *t)
{
    EXPECT(t, dv_clz64(0) == 64 && dv_clz64(1) == 63 && dv_clz64(UINT64_MAX) == 0);
    EXPECT(t, dv_ctz64(0) == 64 && dv_ctz64((u64)1 << 63) == 63 && dv_ctz64(UINT64_MAX) == 0);
    EXPECT(t, dv_clz32(0) == 32 && dv_clz32(1) == 31 && dv_clz32(0x80000000u) == 0);
    EXPECT(t, dv_ctz32(0) == 32 && dv_ctz32(0x80000000u) == 31);
    EXPECT(t, dv_popcount64(0) == 0 && dv_popcount64(UINT64_MAX) == 64);
    EXPECT(t, dv_popcount64(0x8000000000000001u) == 2 && dv_popcount32(0xf0f0f0f0u) == 16);
    for (u32 i = 0; i < 64; i++) {
        EXPECT(t, dv_clz64((u64)1 << i) == 63 - i && dv_ctz64((u64)1 << i) == i);
    }
    usize out;
    EXPECT(t, !dv_add_overflows(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    EXPECT(t, dv_add_overflows(SIZE_MAX, 1, &out) && out == 0);
    EXPECT(t, dv_mul_overflows(SIZE_MAX / 2 + 1, 2, &out) && !dv_mul_overflows(0, 2, &out));
    EXPECT(t, !dv_mul_overflows(SIZE_MAX / 2, 2, &out) && out == SIZE_MAX - 1);
}

static void check_arena(Tester *t)
{
    Arena *arena = &t->arena;
    for (usize align = 1; align <= 16; align *= 2) {
        for (usize size = 0; size < 100; size++) {
            u8 *p = dv_arena_alloc(arena, size, align);
            EXPECT(t, p != NULL && ((uintptr_t)p & (align - 1)) == 0);
            memset(p, 0xff, size);
        }
    }
    ArenaMark mark = dv_arena_mark(arena);
    u64 *numbers = ARENA_ARRAY(arena, u64, 100000);
    u64 sum = 0;
    for (u32 i = 0; i < 100000; i++) {
        sum |= numbers[i];
        numbers[i] = i;
    }
    EXPECT(t, sum == 0);
    numbers = dv_arena_grow(arena, numbers, 800000, 1600000, 8);
    EXPECT(t, numbers[0] == 0 && numbers[99999] == 99999);
    dv_arena_release_to(arena, mark);
    EXPECT(t, strcmp(dv_arena_printf(arena, "%d-%s", 42, "x"), "42-x") == 0);
    EXPECT(t, strcmp(dv_arena_strdup(arena, "abcd", 3), "abc") == 0);
}

static void check_vec(Tester *t)
{
    VEC(u32) v = {0};
    for (u32 i = 0; i < 100000; i++) {
        vec_push(&t->arena, &v, v.len * 3);
    }
    EXPECT(t, v.len == 100000 && vec_at(&v, 77) == 231 && vec_last(&v) == 299997);
    EXPECT(t, vec_pop(&v) == 299997 && v.len == 99999);
    vec_extend(&t->arena, &v, 5);
    EXPECT(t, v.len == 100004 && vec_at(&v, 99999) == 0 && vec_last(&v) == 0);
    vec_clear(&v);
    EXPECT(t, v.len == 0 && v.data != NULL);
}

enum { MODEL_KEYS = 500 };

typedef struct Model {
    u32 values[MODEL_KEYS];
    bool present[MODEL_KEYS];
    u32 len;
} Model;

static u64 model_key(u32 i)
{
    return i % 2 == 0 ? i : (u64)i << 40;
}

static void check_map(Tester *t)
{
    Rng rng;
    Map map = {0};
    Model model = {0};
    u32 value = 0;
    dv_rng_seed(&rng, 1);
    EXPECT(t, !dv_map_get(&map, 0, &value) && !dv_map_remove(&map, 0));
    for (u32 step = 0; step < 50000; step++) {
        u32 i = (u32)dv_rng_below(&rng, MODEL_KEYS);
        if (dv_rng_chance(&rng, 3)) {
            EXPECT(t, dv_map_remove(&map, model_key(i)) == model.present[i]);
            model.len -= model.present[i];
            model.present[i] = false;
        } else {
            EXPECT(t, dv_map_put(&t->arena, &map, model_key(i), step) == !model.present[i]);
            model.len += !model.present[i];
            model.present[i] = true;
            model.values[i] = step;
        }
        i = (u32)dv_rng_below(&rng, MODEL_KEYS);
        EXPECT(t, dv_map_get(&map, model_key(i), &value) == model.present[i]);
        EXPECT(t, !model.present[i] || value == model.values[i]);
        EXPECT(t, dv_map_len(&map) == model.len);
    }
    u32 walked = 0;
    u32 at = 0;
    for (const MapEntry *e; (e = dv_map_next(&map, &at)) != NULL; walked++) {
        u32 i = (u32)(e->key >= (u64)1 << 40 ? e->key >> 40 : e->key);
        EXPECT(t, i < MODEL_KEYS && model.present[i] && model.values[i] == e->value);
    }
    EXPECT(t, walked == model.len && map.cap <= 1024);
    dv_map_clear(&map);
    EXPECT(t, dv_map_len(&map) == 0 && !dv_map_get(&map, 2, NULL));
}

static void check_strings(Tester *t)
{
    /* The published SipHash-2-4 vectors for the empty string and the bytes 0 to 14. */
    u8 bytes[15];
    for (u8 i = 0; i < 15; i++) {
        bytes[i] = i;
    }
    EXPECT(t, dv_hash_bytes("", 0) == 0x726fdb47dd0e0e31u);
    EXPECT(t, dv_hash_bytes(bytes, 15) == 0xa129ca6149be45e5u);
    EXPECT(t, dv_hash_u64(0) == 0 && dv_hash_u64(1) == 0x5692161d100b05e5u);
    StrMap map = {0};
    char name[32];
    u32 id = 0;
    for (u32 i = 0; i < 5000; i++) {
        usize length = (usize)snprintf(name, sizeof name, "name%" PRIu32, i);
        EXPECT(t, !dv_strmap_find(&map, name, length, &id));
        EXPECT(t, dv_strmap_intern(&t->arena, &map, name, length) == i);
        EXPECT(t, dv_strmap_intern(&t->arena, &map, name, length) == i);
    }
    EXPECT(t, dv_strmap_intern(&t->arena, &map, "", 0) == 5000);
    EXPECT(t, dv_strmap_intern(&t->arena, &map, "a\0b", 3) == 5001);
    EXPECT(t, dv_strmap_intern(&t->arena, &map, "a\0c", 3) == 5002);
    EXPECT(t, dv_strmap_find(&map, "name4999", 8, &id) && id == 4999);
    EXPECT(t, strcmp(dv_strmap_str(&map, 7).data, "name7") == 0);
}

static void check_scoped_map(Tester *t)
{
    enum { DEPTH = 12 };
    Rng rng;
    ScopedMap map = {0};
    Model *models = ARENA_ARRAY(&t->arena, Model, DEPTH + 1);
    u32 depth = 0;
    dv_rng_seed(&rng, 2);
    for (u32 step = 0; step < 20000; step++) {
        u32 i = (u32)dv_rng_below(&rng, MODEL_KEYS);
        u64 choice = dv_rng_below(&rng, 10);
        if (choice == 0 && depth < DEPTH) {
            models[depth + 1] = models[depth];
            depth++;
            dv_scoped_map_push(&t->arena, &map);
        } else if (choice == 1 && depth > 0) {
            depth--;
            dv_scoped_map_pop(&map);
        } else {
            dv_scoped_map_put(&t->arena, &map, i, step);
            models[depth].present[i] = true;
            models[depth].values[i] = step;
        }
        u32 value = 0;
        i = (u32)dv_rng_below(&rng, MODEL_KEYS);
        EXPECT(t, dv_scoped_map_get(&map, i, &value) == models[depth].present[i]);
        EXPECT(t, !models[depth].present[i] || value == models[depth].values[i]);
        EXPECT(t, dv_scoped_map_depth(&map) == depth);
    }
}

static void check_bitset(Tester *t)
{
    BitSet a = {0};
    BitSet b = {0};
    u32 number = 0;
    EXPECT(t, !dv_bitset_any(&a) && !dv_bitset_contains(&a, UINT32_MAX));
    for (u32 i = 0; i < 1000; i += 3) {
        EXPECT(t, dv_bitset_insert(&t->arena, &a, i) && !dv_bitset_insert(&t->arena, &a, i));
    }
    for (u32 i = 0; i < 2000; i += 5) {
        dv_bitset_insert(&t->arena, &b, i);
    }
    EXPECT(t, dv_bitset_count(&a) == 334 && dv_bitset_count(&b) == 400);
    EXPECT(t,
           dv_bitset_next(&a, 64, &number) && number == 66 && !dv_bitset_next(&a, 1000, &number));
    EXPECT(t, dv_bitset_next(&a, 999, &number) && number == 999);
    EXPECT(t, !dv_bitset_next(&a, (u64)UINT32_MAX + 1, &number));
    EXPECT(t, dv_bitset_union_with(&t->arena, &a, &b) && !dv_bitset_union_with(&t->arena, &a, &b));
    EXPECT(t, dv_bitset_count(&a) == 667);
    EXPECT(t, dv_bitset_intersect_with(&a, &b) && !dv_bitset_intersect_with(&a, &b));
    EXPECT(t, dv_bitset_count(&a) == 400 && dv_bitset_remove(&a, 5) && !dv_bitset_remove(&a, 5));
    EXPECT(t, dv_bitset_subtract(&b, &a) && !dv_bitset_subtract(&b, &a));
    EXPECT(t, dv_bitset_count(&b) == 1 && dv_bitset_contains(&b, 5) && dv_bitset_any(&b));
    dv_bitset_clear(&b);
    EXPECT(t, !dv_bitset_any(&b));
}

static void check_bytes(Tester *t)
{
    u8 bytes[17] = {0xee, 0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x07, 0x88,
                    0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xf0};
    const u8 *p = bytes + 1; /* on purpose not aligned */
    EXPECT(t, load_le16(p) == 0x0201 && load_be16(p) == 0x0102);
    EXPECT(t, load_le32(p) == 0x84030201u && load_be32(p) == 0x01020384u);
    EXPECT(t, load_le64(p) == 0x8807060584030201u && load_be64(p) == 0x0102038405060788u);
    EXPECT(t, dv_u128_eq(load_le128(p), (U128){0x8807060584030201u, 0xf00f0e0d0c0b0a09u}));
    EXPECT(t, dv_u128_eq(load_be128(p), (U128){0x090a0b0c0d0e0ff0u, 0x0102038405060788u}));
    for (u32 big = 0; big < 2; big++) {
        u8 copy[17] = {0};
        store_u16(copy + 1, load_u16(p, big), big);
        EXPECT(t, memcmp(copy + 1, p, 2) == 0 && copy[3] == 0);
        store_u32(copy + 1, load_u32(p, big), big);
        EXPECT(t, memcmp(copy + 1, p, 4) == 0 && copy[5] == 0);
        store_u64(copy + 1, load_u64(p, big), big);
        EXPECT(t, memcmp(copy + 1, p, 8) == 0 && copy[9] == 0);
        store_u128(copy + 1, load_u128(p, big), big);
        EXPECT(t, memcmp(copy + 1, p, 16) == 0 && copy[0] == 0);
    }
    u32 native = 0x01020304;
    u8 first;
    memcpy(&first, &native, 1);
    EXPECT(t, dv_host_is_big() == (first == 1));
    ByteBuf buf;
    dv_bytebuf_init(&buf, &t->arena);
    dv_bytebuf_u8(&buf, 0xaa);
    dv_bytebuf_u16(&buf, 0x0102, false);
    dv_bytebuf_u32(&buf, 0x01020304, true);
    dv_bytebuf_align(&buf, 8, 0x90);
    dv_bytebuf_u64(&buf, 0x0102030405060708u, true);
    dv_bytebuf_bytes(&buf, "xy", 2);
    dv_bytebuf_zeros(&buf, 2);
    store_le16(dv_bytebuf_at(&buf, 18, 2), 0x0605);
    EXPECT(t, buf.len == 20 && memcmp(buf.data,
                                      "\xaa\x02\x01\x01\x02\x03\x04\x90"
                                      "\x01\x02\x03\x04\x05\x06\x07\x08xy\x05\x06",
                                      20) == 0);
}

static void check_u128_laws(Tester *t, U128 a, U128 b)
{
    U128 rem;
    U128 quotient;
    bool carry = false;
    U128 sum = dv_u128_add_carry(a, b, &carry);
    EXPECT(t, dv_u128_eq(sum, dv_u128_add(b, a)) && carry == dv_u128_ult(sum, a));
    EXPECT(t, dv_u128_eq(dv_u128_sub(sum, b), a));
    EXPECT(t, dv_u128_eq(dv_u128_add(dv_u128_not(a), dv_u128_from_u64(1)), dv_u128_neg(a)));
    EXPECT(t, dv_u128_eq(dv_u128_mul(a, b), dv_u128_mul(b, a)));
    EXPECT(t, dv_u128_eq(dv_u128_umulhi(a, b), dv_u128_umulhi(b, a)));
    EXPECT(t, dv_u128_popcount(a) + dv_u128_popcount(dv_u128_not(a)) == 128);
    if (!dv_u128_is_zero(b)) {
        quotient = dv_u128_udivrem(a, b, &rem);
        EXPECT(t, dv_u128_ult(rem, b) && dv_u128_is_zero(dv_u128_umulhi(quotient, b)));
        EXPECT(t, dv_u128_eq(dv_u128_add(dv_u128_mul(quotient, b), rem), a));
        quotient = dv_u128_sdivrem(a, b, &rem);
        EXPECT(t, dv_u128_eq(dv_u128_add(dv_u128_mul(quotient, b), rem), a));
        EXPECT(t, dv_u128_is_zero(rem) || dv_u128_is_negative(rem) == dv_u128_is_negative(a));
    }
    char text[U128_TEXT_SIZE];
    U128 back = {0, 0};
    dv_u128_format_unsigned(a, text);
    EXPECT(t, dv_u128_parse(text, strlen(text), 10, &back));
    EXPECT(t, dv_u128_eq(a, back));
    dv_u128_format_hex(b, text);
    EXPECT(t, dv_u128_parse(text, strlen(text), 16, &back));
    EXPECT(t, dv_u128_eq(b, back));
    u32 n = a.lo & 127;
    U128 twice = n == 0 ? b : dv_u128_shl(dv_u128_shl(b, n / 2), n - n / 2);
    EXPECT(t, dv_u128_eq(dv_u128_shl(b, n), twice));
    EXPECT(t, n == 0 || dv_u128_eq(dv_u128_lshr(b, n), dv_u128_lshr(dv_u128_lshr(b, 1), n - 1)));
    EXPECT(t, n == 0 || dv_u128_eq(dv_u128_ashr(b, n), dv_u128_ashr(dv_u128_ashr(b, 1), n - 1)));
}

static void check_u128_literals(Tester *t)
{
    const U128 min = {0, (u64)1 << 63};
    const U128 ones = {UINT64_MAX, UINT64_MAX};
    char text[U128_TEXT_SIZE];
    U128 x;
    EXPECT(t, dv_u128_eq(dv_u128_mul_u64(UINT64_MAX, UINT64_MAX), (U128){1, UINT64_MAX - 1}));
    EXPECT(t, dv_u128_eq(dv_u128_umulhi(ones, ones), (U128){UINT64_MAX - 1, UINT64_MAX}));
    EXPECT(t, dv_u128_is_zero(dv_u128_smulhi(ones, ones)));
    EXPECT(t, dv_u128_eq(dv_u128_smulhi(min, min), (U128){0, (u64)1 << 62}));
    EXPECT(t, dv_u128_eq(dv_u128_sdivrem(min, ones, &x), min) && dv_u128_is_zero(x));
    EXPECT(t, dv_u128_slt(min, ones) && dv_u128_slt(ones, (U128){0, 0}) && dv_u128_ult(min, ones));
    EXPECT(t, dv_u128_eq(dv_u128_ashr(min, 127), ones) && dv_u128_lshr(min, 127).lo == 1);
    EXPECT(t, dv_u128_clz((U128){0, 0}) == 128 && dv_u128_ctz((U128){0, 0}) == 128);
    EXPECT(t, dv_u128_clz((U128){1, 0}) == 127 && dv_u128_ctz(min) == 127);
    EXPECT(t, dv_u128_eq(dv_u128_from_i64(-2), (U128){UINT64_MAX - 1, UINT64_MAX}));
    EXPECT(t, strcmp(dv_u128_format_unsigned(ones, text),
                     "340282366920938463463374607431768211455") == 0);
    EXPECT(t, strcmp(dv_u128_format_signed(min, text),
                     "-170141183460469231731687303715884105728") == 0);
    EXPECT(t, strcmp(dv_u128_format_hex(min, text), "80000000000000000000000000000000") == 0);
    EXPECT(t, strcmp(dv_u128_format_signed((U128){0, 0}, text), "0") == 0);
    EXPECT(t, dv_u128_parse("340282366920938463463374607431768211455", 39, 10, &x));
    EXPECT(t, !dv_u128_parse("340282366920938463463374607431768211456", 39, 10, &x));
    EXPECT(t, dv_u128_parse("dead_BEEF", 9, 16, &x) && x.lo == 0xdeadbeef);
    EXPECT(t, !dv_u128_parse("", 0, 10, &x) && !dv_u128_parse("1_", 2, 10, &x));
    EXPECT(t, !dv_u128_parse("1__0", 4, 10, &x) && !dv_u128_parse("12a", 3, 10, &x));
    bool borrow = true;
    x = dv_u128_sub_borrow((U128){0, 0}, (U128){0, 0}, &borrow);
    EXPECT(t, borrow && dv_u128_eq(x, ones));
    bool carry = true;
    x = dv_u128_add_carry(ones, ones, &carry);
    EXPECT(t, carry && dv_u128_eq(x, ones));
}

static void check_u128(Tester *t)
{
    check_u128_literals(t);
    Rng rng;
    dv_rng_seed(&rng, 3);
    for (u32 i = 0; i < 20000; i++) {
        U128 a, b;
        a.lo = dv_rng_spread(&rng);
        a.hi = dv_rng_spread(&rng);
        b.lo = dv_rng_spread(&rng);
        b.hi = dv_rng_chance(&rng, 2) ? 0 : dv_rng_spread(&rng);
        check_u128_laws(t, a, b);
    }
}

static void check_text(Tester *t)
{
    TextBuf text;
    dv_text_init(&text, &t->arena);
    EXPECT(t, strcmp(text.data, "") == 0);
    dv_text_printf(&text, "v%d = ", 12);
    dv_text_u64(&text, UINT64_MAX);
    dv_text_char(&text, ',');
    dv_text_u64(&text, 0);
    dv_text_repeat(&text, ' ', 3);
    dv_text_bytes(&text, "abc", 2);
    EXPECT(t, strcmp(text.data, "v12 = 18446744073709551615,0   ab") == 0 && text.length == 33);
    dv_text_truncate(&text, 3);
    EXPECT(t, strcmp(text.data, "v12") == 0);
    for (u32 i = 0; i < 1000; i++) {
        dv_text_printf(&text, "%s", "0123456789");
    }
    EXPECT(t, text.length == 10003 && strlen(text.data) == 10003);
    EXPECT(t, strcmp(text.data + 9993, "0123456789") == 0);
    Diag diag;
    dv_diag_init(&diag, &t->arena);
    dv_diag_error(&diag, 3, 14, "unknown name '%s'", dv_diag_quote(&t->arena, "a\x01\xff", 3));
    dv_text_truncate(&text, 0);
    dv_diag_format(&diag, "f.clif", &text);
    EXPECT(t, !dv_diag_ok(&diag));
    EXPECT(t, strcmp(text.data, "f.clif:3:14: error: unknown name 'a\\x01\\xff'\n") == 0);
}

static void check_escape(Tester *t)
{
    Escape escape;
    t->pool.limit_bytes = t->pool.used_bytes + 1000;
    dv_escape_enter(&escape, &t->pool);
    if (setjmp(escape.env) == 0) {
        dv_arena_alloc(&t->arena, 100000000, 1);
        EXPECT(t, false);
    }
    dv_escape_leave(&escape, &t->pool);
    EXPECT(t, escape.status == DAVIT_ERROR_LIMIT && t->pool.escape == escape.outer);
    t->pool.limit_bytes = 0;
}

u32 dv_selftest_base(FILE *out)
{
    typedef void Check(Tester *);
    static Check *const checks[] = {check_bits,    check_arena,      check_vec,    check_map,
                                    check_strings, check_scoped_map, check_bitset, check_bytes,
                                    check_u128,    check_text,       check_escape};
    Tester t = {.out = out};
    dv_pool_init(&t.pool, NULL);
    dv_arena_init(&t.arena, &t.pool);
    Escape escape;
    dv_escape_enter(&escape, &t.pool);
    if (setjmp(escape.env) == 0) {
        for (u32 i = 0; i < ARRAY_LEN(checks); i++) {
            checks[i](&t);
            dv_arena_release(&t.arena);
        }
    }
    dv_escape_leave(&escape, &t.pool);
    EXPECT(&t, escape.status == DAVIT_OK);
    dv_arena_release(&t.arena);
    dv_pool_destroy(&t.pool);
    return t.failures;
}
