// throw.cpp - linked with code.clif's object: C++ exceptions go through frames of it, found by the tables that linkers make of .eh_frame.
#include <cstdint>
#include <cstdio>

extern "C" {
uint64_t davit_gcd(uint64_t a, uint64_t b);
int32_t davit_apply(int32_t (*f)(int32_t), int32_t x);
int32_t c_twice(int32_t x);
uint64_t c_data[2] = {40, 2};
}

static int destroyed;

struct Counts {
    ~Counts()
    {
        destroyed++;
    }
};

static bool throws_first;

int32_t c_twice(int32_t x)
{
    if (throws_first) {
        throw x + 1;
    }
    return 2 * x;
}

static int32_t throws(int32_t x)
{
    throw static_cast<int64_t>(x) + 1000;
}

// C++ in between, with something to destroy.
static int32_t nests(int32_t x)
{
    Counts counts;
    return davit_apply(throws, x);
}

int main()
{
    int64_t caught = 0;
    try {
        davit_apply(nests, 5);
    } catch (int64_t x) {
        caught += x;
    }
    try {
        throws_first = true;
        davit_apply(throws, 7);
    } catch (int32_t x) {
        caught += x;
    }
    bool ok = caught == 1020 + 8 && destroyed == 1 && davit_gcd(48, 36) == 12;
    std::puts(ok ? "ok" : "fail: exceptions");
    return ok ? 0 : 1;
}
