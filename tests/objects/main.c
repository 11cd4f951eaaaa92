/* main.c - linked with code.clif's object: calls of functions and uses of data in both directions, and an unwinder's way through the
 * frames between. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>

uint64_t davit_gcd(uint64_t a, uint64_t b);
int32_t davit_apply(int32_t (*f)(int32_t), int32_t x);
const void *davit_address(int32_t which);
uint64_t davit_sum(void);
int32_t c_twice(int32_t x);

uint64_t c_data[2] = {40, 2};

static void check(int ok, const char *what)
{
    if (!ok) {
        printf("fail: %s\n", what);
        exit(1);
    }
}

int32_t c_twice(int32_t x)
{
    return 2 * x;
}

/* Whether main and davit_apply are among the callers. */
int main(void);
static int seen_main, seen_davit;
static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *unused)
{
    uintptr_t start = _Unwind_GetRegionStart(context);
    (void)unused;
    seen_main |= start == (uintptr_t)main;
    seen_davit |= start == (uintptr_t)davit_apply;
    return _URC_NO_REASON;
}

static int32_t walk(int32_t x)
{
    _Unwind_Backtrace(on_frame, NULL);
    return x + 1;
}

int main(void)
{
    check(davit_gcd(48, 36) == 12, "a call");
    check(davit_apply(walk, 10) == 31, "a call back");
    check(seen_main && seen_davit, "unwinding");
    check(davit_address(0) == davit_address(1), "a function, near and far");
    check(davit_address(0) == (const void *)(uintptr_t)davit_gcd, "a function of davit's");
    check(davit_address(2) == (const void *)(uintptr_t)c_twice, "a function of C's");
    check(davit_address(3) == c_data && davit_address(4) == c_data + 1, "data");
    check(davit_address(5) == (const void *)(uintptr_t)davit_address, "itself");
    check(davit_sum() == 42, "contents of data");
    puts("ok");
    return 0;
}
