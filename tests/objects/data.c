/* data.c - linked with the object that make.c writes: its data of every kind and linkage from C, C's from there, thread-local data
 * in several threads. -DSTRONG defines what the object has only weakly. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Counted {
    int64_t sum;
    double twice;
} Counted;

int64_t d_sum(int64_t x);
const void *d_address(int32_t which);
Counted d_count(int64_t x, double y);
int64_t d_call(int64_t x);
int64_t d_weak_func(int64_t x);

extern const uint64_t d_readonly[2];
extern uint64_t d_writable, d_weak;
extern uint8_t d_zeros[100000];
extern const void *const d_table[6];
extern const void *d_writable_table[2];
extern const uint8_t d_byte;
extern const uint64_t d_last;
extern _Thread_local int64_t d_tls, d_tls_zeros[625];
extern _Thread_local uint64_t *d_tls_table;

uint64_t c_data[2] = {40, 2};
_Thread_local int64_t c_tls = 3;
int64_t c_twice(int64_t x);
int64_t c_call(int64_t x, int64_t y);

#ifdef STRONG
uint64_t d_weak = 99;
int64_t d_weak_func(int64_t x)
{
    return x + 1;
}
enum { WEAK = 99, MORE = 1 };
#else
enum { WEAK = 5, MORE = 1000 };
#endif

static void check(int ok, const char *what)
{
    if (!ok) {
        printf("fail: %s\n", what);
        exit(1);
    }
}

int64_t c_twice(int64_t x)
{
    return 2 * x;
}

int64_t c_call(int64_t x, int64_t y)
{
    return x - y;
}

static void check_data(void)
{
    check(d_readonly[0] == 30 && d_readonly[1] == 12 && (uintptr_t)d_readonly % 16 == 0,
          "read-only data");
    check(d_sum(1) == 42 + 11 + 6 && d_writable == 11, "writable data");
    check(d_sum(2) == 42 + 13 + 8 && d_writable == 13, "data that was written");
    check((uintptr_t)d_zeros % 4096 == 0 && d_zeros[0] == 0 && d_zeros[99999] == 0, "zeros");
    memset(d_zeros, 1, sizeof d_zeros);
    check((uintptr_t)&d_last % 2048 == 0 && d_last == 7 && d_byte == 1, "alignment");
    check(d_weak == WEAK && d_weak_func(1) == 1 + MORE, "a weak definition");
}

static void check_addresses(void)
{
    check((uintptr_t)d_table % 64 == 0, "a table's alignment");
    check(d_table[0] == (const void *)(uintptr_t)d_call, "a function in data");
    check(d_table[1] == (const void *)(uintptr_t)c_twice, "C's function in data");
    check(d_table[2] == c_data + 1, "C's data in data");
    check(d_table[3] == d_zeros - 4, "an address less something");
    check(d_table[4] == (const uint64_t *)d_address(2) + 1, "a local address");
    check(d_table[5] == (const void *)(uintptr_t)0x77, "what is no address in a table");
    check(d_writable_table[0] == NULL, "what is missing, in data");
    check(d_writable_table[1] == d_address(12), "a local function in data");
    check(d_address(0) == d_zeros && d_address(1) == d_zeros + 4096, "data");
    check(*(const uint64_t *)d_address(2) == 8, "local data");
    check(d_address(3) == &d_weak, "weak data");
    check(d_address(4) == NULL && d_address(11) == NULL, "what is missing");
    check(d_address(10) == (const void *)(uintptr_t)d_weak_func, "a weak function");
    check(d_call(1) == 2 * (1 + MORE) - 1, "calls of every linkage");
}

/* Each thread begins with what is defined. */
static void *check_thread(void *first)
{
    int64_t x = *(const int64_t *)first;
    check(d_tls == 7 && d_tls_zeros[624] == 0 && (uintptr_t)d_tls_zeros % 64 == 0, "fresh data");
    check(d_tls_table == &d_weak, "an address in thread-local data");
    Counted counted = d_count(x, 1.5);
    check(counted.sum == 7 + 0 + 10 + 3 + 4 * x && counted.twice == 3, "thread-local data");
    counted = d_count(1, -1);
    check(counted.sum == 20 + 4 * x + 4 && counted.twice == -2, "thread-local data again");
    check(d_tls == 8 + x && d_tls_zeros[0] == 1 + x && c_tls == 4 + x, "thread-local data in C");
    check(d_address(5) == &d_tls && d_address(6) == d_tls_zeros + 1, "thread-local addresses");
    check(*(const int64_t *)d_address(7) == 11 + x, "local thread-local data");
    check(d_address(8) == &c_tls && d_address(9) == &c_tls, "C's thread-local data");
    return NULL;
}

int main(void)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    int64_t first[THREADS + 1] = {100, 200, 300, 400};
    check_data();
    check_addresses();
    check_thread(&first[THREADS]);
    for (int i = 0; i < THREADS; i++) {
        check(pthread_create(&threads[i], NULL, check_thread, &first[i]) == 0, "a thread");
    }
    for (int i = 0; i < THREADS; i++) {
        check(pthread_join(threads[i], NULL) == 0, "the end of a thread");
    }
    puts("ok");
    return 0;
}
