/* test_atomic.c - base/atomic.h: every operation, size and byte order against the evaluator, then
 * under contention; interp/atomic.h: waiting and notifying. Threads only note what they see: the
 * test's own thread judges it. */
#include "unit.h"

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/threads.h"
#include "codegen/ir/eval.h"
#include "interp/atomic.h"

enum { THREADS = 4, MILLISECOND = 1000000 };

static const u32 sizes[] = {1, 2, 4, 8, 16};
static const Type types[] = {TYPE_I8, TYPE_I16, TYPE_I32, TYPE_I64, TYPE_I128};

/* ---- any size as 128 bits ---- */

static U128 load(const u8 *p, u32 size, bool big)
{
    return size == 16 ? dv_atomic_load128(p, big) : dv_u128_from_u64(dv_atomic_load(p, size, big));
}

static void store(u8 *p, u32 size, bool big, U128 x)
{
    if (size == 16) {
        dv_atomic_store128(p, big, x);
    } else {
        dv_atomic_store(p, size, big, x.lo);
    }
}

static U128 rmw(u8 *p, u32 size, bool big, u32 how, U128 x)
{
    return size == 16 ? dv_atomic_rmw128(p, big, (AtomicRmw)how, x)
                      : dv_u128_from_u64(dv_atomic_rmw(p, size, big, (AtomicRmw)how, x.lo));
}

static U128 cas(u8 *p, u32 size, bool big, U128 expected, U128 desired)
{
    return size == 16 ? dv_atomic_cas128(p, big, expected, desired)
                      : dv_u128_from_u64(dv_atomic_cas(p, size, big, expected.lo, desired.lo));
}

/* ---- one thread ---- */

typedef struct Memory {
    _Alignas(16) u8 bytes[64];
} Memory;

/* By the bytes, not as numbers of the host: what the number's bytes are is all that the byte order
 * is. */
static U128 peek(const Memory *m, u32 at, u32 size, bool big)
{
    U128 x = {0, 0};
    for (u32 i = 0; i < size; i++) {
        u8 byte = m->bytes[at + (big ? i : size - 1 - i)];
        x = dv_u128_or(dv_u128_shl(x, 8), dv_u128_from_u64(byte));
    }
    return x;
}

static void poke(Memory *m, u32 at, u32 size, bool big, U128 x)
{
    for (u32 i = 0; i < size; i++) {
        m->bytes[at + (big ? size - 1 - i : i)] = (u8)x.lo;
        x = dv_u128_lshr(x, 8);
    }
}

static U128 low_bytes(U128 x, u32 size)
{
    return dv_u128_lshr(dv_u128_shl(x, 128 - 8 * size), 128 - 8 * size);
}

static void same(U128 got, U128 expected)
{
    assert_true(got.lo == expected.lo);
    assert_true(got.hi == expected.hi);
}

static U128 random_number(Rng *rng)
{
    static const U128 corners[] = {{0, 0},
                                   {1, 0},
                                   {UINT64_MAX, UINT64_MAX},
                                   {0, (u64)1 << 63},
                                   {UINT64_MAX, INT64_MAX},
                                   {0x8080808080808080u, 0},
                                   {0x7f7f7f7f7f7f7f7fu, 0},
                                   {UINT64_MAX, 0},
                                   {(u64)1 << 63, 0},
                                   {(u64)1 << 31 | 1 << 15, 0}};
    if (dv_rng_chance(rng, 2)) {
        return corners[dv_rng_below(rng, ARRAY_LEN(corners))];
    }
    return (U128){dv_rng_next(rng), dv_rng_next(rng)};
}

/* A place in memory, a size and a byte order, with random bytes all around. */
typedef struct Place {
    Memory memory;
    Memory expected;
    u32 at;
    u32 which; /* of sizes */
    u32 size;
    bool big;
} Place;

static void choose_place(Place *place, u32 which, bool big, Rng *rng)
{
    place->which = which;
    place->size = sizes[which];
    place->big = big;
    place->at = (u32)dv_rng_below(rng, sizeof place->memory.bytes / place->size) * place->size;
    for (u32 i = 0; i < sizeof place->memory.bytes; i++) {
        place->memory.bytes[i] = (u8)dv_rng_next(rng);
    }
    poke(&place->memory, place->at, place->size, big, random_number(rng));
    place->expected = place->memory;
}

static void check_memory(const Place *place)
{
    assert_memory_equal(place->memory.bytes, place->expected.bytes, sizeof place->memory.bytes);
}

static void for_each_place(void (*check)(Place *place, Rng *rng), u32 rounds)
{
    Rng rng;
    Place place;
    dv_rng_seed(&rng, 1);
    for (u32 i = 0; i < 2 * ARRAY_LEN(sizes) * rounds; i++) {
        choose_place(&place, i / 2 % (u32)ARRAY_LEN(sizes), i % 2, &rng);
        check(&place, &rng);
        check_memory(&place);
    }
}

static void check_load_and_store(Place *place, Rng *rng)
{
    u8 *p = &place->memory.bytes[place->at];
    U128 before = peek(&place->memory, place->at, place->size, place->big);
    same(load(p, place->size, place->big), before);
    check_memory(place);
    U128 x = random_number(rng);
    store(p, place->size, place->big, x);
    poke(&place->expected, place->at, place->size, place->big, x);
}

static void test_load_and_store(void **state)
{
    (void)state;
    for_each_place(check_load_and_store, 1000);
}

static void check_rmw(Place *place, Rng *rng)
{
    u8 *p = &place->memory.bytes[place->at];
    for (u32 how = 0; how < ATOMIC_RMW_COUNT; how++) {
        u8 old_bytes[16];
        u8 x_bytes[16];
        u8 new_bytes[16] = {0};
        U128 old = peek(&place->memory, place->at, place->size, place->big);
        U128 x = random_number(rng);
        store_le128(old_bytes, old);
        store_le128(x_bytes, x);
        dv_eval_rmw((RmwOp)how, types[place->which], old_bytes, x_bytes, new_bytes);
        same(rmw(p, place->size, place->big, how, x), old);
        poke(&place->expected, place->at, place->size, place->big, load_le128(new_bytes));
        check_memory(place);
    }
}

static void test_rmw(void **state)
{
    (void)state;
    for_each_place(check_rmw, 1000);
}

/* The expected number is right, or wrong in one bit, within the size or above, where it does not
 * count. */
static void check_cas(Place *place, Rng *rng)
{
    u8 *p = &place->memory.bytes[place->at];
    U128 old = peek(&place->memory, place->at, place->size, place->big);
    U128 expected = old;
    U128 desired = random_number(rng);
    if (!dv_rng_chance(rng, 3)) {
        U128 one = {1, 0};
        u32 bit = (u32)dv_rng_below(rng, dv_rng_chance(rng, 2) ? 8 * place->size : 128);
        expected = dv_u128_xor(expected, dv_u128_shl(one, bit));
    }
    same(cas(p, place->size, place->big, expected, desired), old);
    if (dv_u128_eq(low_bytes(expected, place->size), old)) {
        poke(&place->expected, place->at, place->size, place->big, desired);
    }
}

static void test_cas(void **state)
{
    (void)state;
    for_each_place(check_cas, 4000);
}

/* ---- many threads ---- */

static u64 now_ns(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void need_threads(void)
{
    if (!DV_THREADS) {
        skip();
    }
}

enum { ADDS = 20000 };

/* Each thread adds to each size's counter, by rmw and by compare-and-swap. The numbers of one byte
 * are four neighbours, one to a thread, so that an access wider than its number would lose their
 * counts. */
typedef struct Counters {
    _Alignas(16) u8 bytes[ARRAY_LEN(sizes)][16];
    _Alignas(16) u8 neighbours[16];
    bool big;
    _Atomic(u32) torn;
} Counters;

/* One in either half: torn numbers have different halves. The sums carry into no upper half. */
static U128 halves_of_one(u32 size)
{
    return size == 16 ? (U128){1, 1} : (U128){(u64)1 << (4 * size) | 1, 0};
}

static bool is_torn(U128 x, u32 size)
{
    u64 half = size == 16 ? x.hi : x.lo >> (4 * size);
    u64 low = size == 16 ? x.lo : x.lo & (((u64)1 << (4 * size)) - 1);
    return half != low;
}

static void add_by_cas(u8 *p, u32 size, bool big, U128 x)
{
    U128 seen = load(p, size, big);
    for (;;) {
        U128 old = seen;
        seen = cas(p, size, big, old, dv_u128_add(old, x));
        if (dv_u128_eq(seen, old)) {
            return;
        }
    }
}

static void add_to_all(void *context, u32 worker)
{
    Counters *c = context;
    for (u32 i = 0; i < ADDS; i++) {
        u32 which = i % (u32)ARRAY_LEN(sizes);
        u8 *p = c->bytes[which];
        u32 size = sizes[which];
        /* A byte is no sum of halves, and two are too few to count in. */
        U128 one = size >= 4 ? halves_of_one(size) : (U128){1, 0};
        if (i / ARRAY_LEN(sizes) % 2 == 0) {
            rmw(p, size, c->big, ATOMIC_add, one);
        } else {
            add_by_cas(p, size, c->big, one);
        }
        if (size >= 4 && is_torn(load(p, size, c->big), size)) {
            c->torn++;
        }
        rmw(&c->neighbours[worker], 1, c->big, worker % 2 == 0 ? ATOMIC_add : ATOMIC_sub,
            (U128){1, 0});
    }
}

static void test_contended_sums(void **state)
{
    (void)state;
    need_threads();
    for (u32 big = 0; big < 2; big++) {
        Counters c = {.big = big != 0};
        dv_threads_run(THREADS, add_to_all, &c);
        assert_int_equal(c.torn, 0);
        u32 sum = ADDS / (u32)ARRAY_LEN(sizes) * THREADS;
        for (u32 i = 0; i < ARRAY_LEN(sizes); i++) {
            U128 one = sizes[i] >= 4 ? halves_of_one(sizes[i]) : (U128){1, 0};
            U128 expected = {one.lo * sum, one.hi * sum};
            same(load(c.bytes[i], sizes[i], c.big), low_bytes(expected, sizes[i]));
        }
        for (u32 worker = 0; worker < THREADS; worker++) {
            u8 expected = (u8)(worker % 2 == 0 ? ADDS : 0 - ADDS);
            assert_int_equal(load(&c.neighbours[worker], 1, c.big).lo, expected);
        }
    }
}

/* Each thread stores and exchanges numbers with equal halves; nobody may ever read others. */
static void store_halves(void *context, u32 worker)
{
    Counters *c = context;
    for (u32 i = 0; i < ADDS; i++) {
        u32 which = 2 + i % 3;
        u32 size = sizes[which];
        U128 x = halves_of_one(size);
        x.lo *= i * THREADS % 0x8000 + worker;
        x.hi *= i * THREADS % 0x8000 + worker;
        if (i % 2 == 0) {
            store(c->bytes[which], size, c->big, x);
        } else if (is_torn(rmw(c->bytes[which], size, c->big, ATOMIC_xchg, x), size)) {
            c->torn++;
        }
        if (is_torn(load(c->bytes[which], size, c->big), size)) {
            c->torn++;
        }
    }
}

static void test_nothing_is_torn(void **state)
{
    (void)state;
    need_threads();
    Counters c = {.big = false};
    dv_threads_run(THREADS, store_halves, &c);
    assert_int_equal(c.torn, 0);
}

/* Store buffering: of two threads that each write their own number and then read the other's, one
 * at least sees what the other wrote, whatever sizes the two have. What a host may get wrong it
 * does when both caches hold both numbers and both threads come at once: hence a line to a number,
 * a look at it before, and delays that shift the threads against each other. */
enum { ROUNDS = 10000, LINE = 64, DELAYS = 16 };

typedef struct Buffering {
    u8 *numbers[2]; /* LINE bytes a round */
    u32 size[2];    /* 0: relaxed accesses around a fence, of 4 bytes */
    u8 seen[2][ROUNDS];
    u64 meet_until_ns; /* a busy machine may not run both at once */
    struct {
        _Alignas(LINE) _Atomic(u32) number;
    } round[2];
} Buffering;

static void meet(Buffering *b, u32 worker, u32 i)
{
    atomic_store(&b->round[worker].number, i + 1);
    for (u32 k = 1; atomic_load(&b->round[1 - worker].number) <= i; k++) {
        if (k % 1024 == 0) {
            sched_yield();
            if (now_ns() > b->meet_until_ns) {
                break;
            }
        }
    }
    for (u32 k = 0; k < (worker == 0 ? i : i / DELAYS) % DELAYS; k++) {
        atomic_load(&b->round[worker].number);
    }
}

static u32 read_relaxed(u8 *p)
{
    return atomic_load_explicit((_Atomic(u32) *)(void *)p, memory_order_relaxed);
}

static void write_then_read(void *context, u32 worker)
{
    Buffering *b = context;
    u32 other = 1 - worker;
    for (u32 i = 0; i < ROUNDS; i++) {
        u8 *mine = &b->numbers[worker][LINE * i];
        u8 *theirs = &b->numbers[other][LINE * i];
        if (b->size[worker] != 0) {
            load(mine, b->size[worker], false);
            load(theirs, b->size[other], false);
            meet(b, worker, i);
            store(mine, b->size[worker], false, (U128){1, 0});
            b->seen[worker][i] = (u8)load(theirs, b->size[other], false).lo;
        } else {
            b->seen[worker][i] = (u8)(read_relaxed(mine) + read_relaxed(theirs));
            meet(b, worker, i);
            atomic_store_explicit((_Atomic(u32) *)(void *)mine, 1, memory_order_relaxed);
            dv_atomic_fence();
            b->seen[worker][i] = (u8)read_relaxed(theirs);
        }
    }
}

static void test_one_order(void **state)
{
    (void)state;
    static const u32 pairs[][2] = {{0, 0}, {4, 4}, {8, 4}, {16, 4}, {16, 8}, {1, 2}};
    need_threads();
    static Buffering buffering;
    Buffering *b = &buffering;
    void *memory[2] = {malloc(LINE * ROUNDS + LINE), malloc(LINE * ROUNDS + LINE)};
    assert_true(memory[0] != NULL && memory[1] != NULL);
    for (u32 pair = 0; pair < ARRAY_LEN(pairs); pair++) {
        for (u32 i = 0; i < 2; i++) {
            b->numbers[i] = (u8 *)memory[i] + (LINE - (uintptr_t)memory[i] % LINE);
            memset(b->numbers[i], 0, LINE * ROUNDS);
            b->size[i] = pairs[pair][i];
            atomic_store(&b->round[i].number, 0);
        }
        b->meet_until_ns = now_ns() + 100 * MILLISECOND;
        dv_threads_run(2, write_then_read, b);
        for (u32 i = 0; i < ROUNDS; i++) {
            assert_true(b->seen[0][i] + b->seen[1][i] > 0);
        }
    }
    free(memory[0]);
    free(memory[1]);
}

/* ---- waiting ---- */

enum { FOR_EVER = -1 };

/* Asked to stop, says so at question `at`, the first being 1; 0: never. */
typedef struct Stopper {
    u32 at;
    u32 asked;
} Stopper;

static bool stop_at(void *context)
{
    Stopper *stopper = context;
    stopper->asked++;
    return stopper->asked == stopper->at;
}

static void test_wait_alone(void **state)
{
    (void)state;
    Memory m = {{0}};
    Stopper never = {0, 0};
    store_le64(m.bytes, 0x0123456789abcdefu);
    assert_int_equal(dv_interp_wait_at(m.bytes, 4, 0x89abcdee, FOR_EVER, stop_at, &never),
                     INTERP_WAIT_NOT_EQUAL);
    assert_int_equal(dv_interp_wait_at(m.bytes, 8, 0x89abcdef, FOR_EVER, stop_at, &never),
                     INTERP_WAIT_NOT_EQUAL);
    assert_int_equal(dv_interp_wait_at(m.bytes + 4, 4, 0x89abcdef, FOR_EVER, stop_at, &never),
                     INTERP_WAIT_NOT_EQUAL);
    assert_int_equal(never.asked, 0);
    /* Numbers are little-endian, and only 4 of the bytes of `expected` count. */
    assert_int_equal(dv_interp_wait_at(m.bytes, 4, 0xffffffff89abcdefu, 0, stop_at, &never),
                     INTERP_WAIT_TIMED_OUT);
    assert_int_equal(dv_interp_wait_at(m.bytes, 8, 0x0123456789abcdefu, 0, stop_at, &never),
                     INTERP_WAIT_TIMED_OUT);
    assert_int_equal(dv_interp_notify_at(m.bytes, UINT32_MAX), 0);
    Stopper first = {1, 0};
    assert_int_equal(dv_interp_wait_at(m.bytes, 4, 0x89abcdef, FOR_EVER, stop_at, &first),
                     INTERP_WAIT_STOPPED);
}

static void test_wait_takes_its_time(void **state)
{
    (void)state;
    need_threads();
    Memory m = {{0}};
    Stopper never = {0, 0};
    u64 start = now_ns();
    assert_int_equal(dv_interp_wait_at(m.bytes, 4, 0, 35 * MILLISECOND, stop_at, &never),
                     INTERP_WAIT_TIMED_OUT);
    assert_true(now_ns() - start >= 35 * MILLISECOND);
    assert_true(never.asked >= 1);
    /* It is asked again and again, however long the wait may be. */
    Stopper fifth = {5, 0};
    assert_int_equal(dv_interp_wait_at(m.bytes, 8, 0, INT64_MAX, stop_at, &fifth),
                     INTERP_WAIT_STOPPED);
    assert_int_equal(fifth.asked, 5);
    assert_int_equal(dv_interp_notify_at(m.bytes, UINT32_MAX), 0);
}

static bool notify_and_stop(void *context)
{
    return dv_interp_notify_at(context, 1) == 1;
}

/* stop is called without locks, while the thread can be woken; having been woken counts for more.
 */
static void test_woken_by_stop(void **state)
{
    (void)state;
    need_threads();
    Memory m = {{0}};
    assert_int_equal(dv_interp_wait_at(m.bytes, 4, 0, FOR_EVER, notify_and_stop, m.bytes),
                     INTERP_WAIT_WOKEN);
    assert_int_equal(dv_interp_notify_at(m.bytes, 1), 0);
}

/* Worker 0 directs. The others wait at one place, in the order of their numbers. */
enum { WAITERS = 3 };

typedef struct Hall {
    Memory memory;
    u8 elsewhere[4096];             /* some of it in the same bucket as the memory */
    _Atomic(u32) waiting;           /* how many are in the queue */
    _Atomic(u32) outcomes[WAITERS]; /* plus 1; 0: none yet */
    _Atomic(u32) stop;              /* a bit for each that is to */
    u64 give_up_ns;                 /* no test hangs */
    void (*direct)(struct Hall *hall);
    u32 noted[8]; /* what the director saw */
} Hall;

typedef struct Seat {
    Hall *hall;
    u32 number;
} Seat;

static bool take_seat(void *context)
{
    Seat *seat = context;
    if (seat->hall->waiting == seat->number) {
        seat->hall->waiting++;
    }
    return (seat->hall->stop >> seat->number & 1) != 0 || now_ns() > seat->hall->give_up_ns;
}

static void sleep_ms(i32 ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * MILLISECOND}, NULL);
}

/* Until as many wait, or as many have an outcome. */
static void await(Hall *hall, u32 waiting, u32 done)
{
    u32 count = 0;
    do {
        sleep_ms(1);
        count = 0;
        for (u32 i = 0; i < WAITERS; i++) {
            count += hall->outcomes[i] != 0;
        }
    } while ((hall->waiting < waiting || count < done) && now_ns() < hall->give_up_ns);
}

static void sit_or_direct(void *context, u32 worker)
{
    Hall *hall = context;
    if (worker == 0) {
        hall->direct(hall);
        return;
    }
    Seat seat = {hall, worker - 1};
    await(hall, seat.number, 0);
    u8 *p = hall->memory.bytes;
    hall->outcomes[seat.number] = 1 + dv_interp_wait_at(p, 4, 0, FOR_EVER, take_seat, &seat);
}

static Hall *new_hall(void (*direct)(Hall *hall))
{
    Hall *hall = calloc(1, sizeof *hall);
    assert_non_null(hall);
    hall->direct = direct;
    hall->give_up_ns = now_ns() + 20000 * (u64)MILLISECOND;
    return hall;
}

static void wake_one_after_the_other(Hall *hall)
{
    u8 *p = hall->memory.bytes;
    await(hall, WAITERS, 0);
    for (u32 i = 0; i < sizeof hall->elsewhere; i += 4) {
        hall->noted[0] += dv_interp_notify_at(&hall->elsewhere[i], UINT32_MAX);
    }
    hall->noted[1] = dv_interp_notify_at(p, 0);
    hall->noted[2] = dv_interp_notify_at(p, 1);
    await(hall, WAITERS, 1);
    sleep_ms(15);
    hall->noted[3] = hall->outcomes[0];
    hall->noted[4] = hall->outcomes[1] + hall->outcomes[2];
    hall->noted[5] = dv_interp_notify_at(p, UINT32_MAX);
    await(hall, WAITERS, WAITERS);
    hall->noted[6] = dv_interp_notify_at(p, UINT32_MAX);
}

static void test_first_in_first_out(void **state)
{
    (void)state;
    need_threads();
    Hall *hall = new_hall(wake_one_after_the_other);
    dv_threads_run(1 + WAITERS, sit_or_direct, hall);
    static const u32 expected[] = {0, 0, 1, 1 + INTERP_WAIT_WOKEN, 0, 2, 0};
    for (u32 i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(hall->noted[i], expected[i]);
    }
    for (u32 i = 0; i < WAITERS; i++) {
        assert_int_equal(hall->outcomes[i], 1 + INTERP_WAIT_WOKEN);
    }
    free(hall);
}

/* Of three the one in the middle is interrupted, the first is woken, then the last is interrupted.
 */
static void interrupt_and_wake(Hall *hall)
{
    await(hall, WAITERS, 0);
    hall->stop = 2;
    await(hall, WAITERS, 1);
    hall->noted[0] = hall->outcomes[1];
    hall->noted[1] = dv_interp_notify_at(hall->memory.bytes, 1);
    await(hall, WAITERS, 2);
    hall->noted[2] = hall->outcomes[0];
    hall->noted[3] = hall->outcomes[2];
    hall->stop = 4;
    await(hall, WAITERS, WAITERS);
    hall->noted[4] = hall->outcomes[2];
    hall->noted[5] = dv_interp_notify_at(hall->memory.bytes, UINT32_MAX);
}

static void test_interrupt(void **state)
{
    (void)state;
    need_threads();
    Hall *hall = new_hall(interrupt_and_wake);
    dv_threads_run(1 + WAITERS, sit_or_direct, hall);
    static const u32 expected[] = {1 + INTERP_WAIT_STOPPED, 1, 1 + INTERP_WAIT_WOKEN, 0,
                                   1 + INTERP_WAIT_STOPPED, 0};
    for (u32 i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(hall->noted[i], expected[i]);
    }
    free(hall);
}

/* Two threads take turns by one number: it says whose turn it is. A lost wake-up would hang, or
 * cost a slice. */
enum { TURNS = 5000 };

typedef struct Turns {
    Memory memory;
    u32 size;
    u64 give_up_ns;
    _Atomic(bool) gave_up;
} Turns;

static bool give_up(void *context)
{
    Turns *turns = context;
    return now_ns() > turns->give_up_ns;
}

static void take_turns(void *context, u32 worker)
{
    Turns *turns = context;
    u8 *p = turns->memory.bytes;
    for (u32 i = 0; i < TURNS; i++) {
        while (dv_atomic_load(p, turns->size, false) != worker) {
            if (dv_interp_wait_at(p, turns->size, 1 - worker, FOR_EVER, give_up, turns) ==
                INTERP_WAIT_STOPPED) {
                turns->gave_up = true;
                return;
            }
        }
        /* Of many lengths, so that some change comes just as the other one goes to sleep. */
        for (u32 delay = i % 128; delay > 0; delay--) {
            atomic_load(&turns->gave_up);
        }
        dv_atomic_store(p, turns->size, false, 1 - worker);
        dv_interp_notify_at(p, 1);
    }
}

static void test_no_wake_up_is_lost(void **state)
{
    (void)state;
    need_threads();
    for (u32 size = 4; size <= 8; size += 4) {
        Turns turns = {.size = size, .give_up_ns = now_ns() + 20000 * (u64)MILLISECOND};
        dv_threads_run(2, take_turns, &turns);
        assert_false(turns.gave_up);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_and_store),
        cmocka_unit_test(test_rmw),
        cmocka_unit_test(test_cas),
        cmocka_unit_test(test_contended_sums),
        cmocka_unit_test(test_nothing_is_torn),
        cmocka_unit_test(test_one_order),
        cmocka_unit_test(test_wait_alone),
        cmocka_unit_test(test_wait_takes_its_time),
        cmocka_unit_test(test_woken_by_stop),
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
