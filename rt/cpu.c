/* cpu.c - asks the processor for its features.
 *
 * A bit of cpuid tells that the processor has an extension. Those that use the upper halves of vector registers also
 * need the system to save them, which xgetbv tells.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID; volume 1, 13.3. */
#include "rt/cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_CPUID 1
#include <cpuid.h>
#else
#define HAS_CPUID 0
#endif

#if HAS_CPUID
enum { EAX, EBX, ECX, EDX, REGISTERS };

/* Where each feature's bit is. */
static const struct {
    u32 leaf;
    u8 reg, bit, feature;
    bool is_vector; /* needs registers that the system may not save */
} bits[] = {
    {1, ECX, 0, X64_FEATURE_SSE3, false},   {1, ECX, 9, X64_FEATURE_SSSE3, false},
    {1, ECX, 12, X64_FEATURE_FMA, true},    {1, ECX, 13, X64_FEATURE_CX16, false},
    {1, ECX, 19, X64_FEATURE_SSE41, false}, {1, ECX, 20, X64_FEATURE_SSE42, false},
    {1, ECX, 22, X64_FEATURE_MOVBE, false}, {1, ECX, 23, X64_FEATURE_POPCNT, false},
    {1, ECX, 28, X64_FEATURE_AVX, true},    {1, ECX, 29, X64_FEATURE_F16C, true},
    {7, EBX, 3, X64_FEATURE_BMI1, false},   {7, EBX, 5, X64_FEATURE_AVX2, true},
    {7, EBX, 8, X64_FEATURE_BMI2, false},   {0x80000001, ECX, 5, X64_FEATURE_LZCNT, false},
};

static bool ask(u32 leaf, u32 out[REGISTERS])
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    bool ok = __get_cpuid_count(leaf, 0, &a, &b, &c, &d) != 0;
    out[EAX] = a;
    out[EBX] = b;
    out[ECX] = c;
    out[EDX] = d;
    return ok;
}

static bool saves_vectors(void)
{
    enum { OSXSAVE = 27, SSE_AND_AVX = 6 };
    u32 regs[REGISTERS], low, high;
    if (!ask(1, regs) || (regs[ECX] >> OSXSAVE & 1) == 0) {
        return false;
    }
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return (low & SSE_AND_AVX) == SSE_AND_AVX;
}

u32 dv_cpu_x64_features(void)
{
    bool has_vectors = saves_vectors();
    u32 found = 0;
    for (usize i = 0; i < ARRAY_LEN(bits); i++) {
        u32 regs[REGISTERS];
        bool has = ask(bits[i].leaf, regs) && (regs[bits[i].reg] >> bits[i].bit & 1) != 0 &&
                   (has_vectors || !bits[i].is_vector);
        found |= (u32)has << bits[i].feature;
    }
    return found;
}

#else

u32 dv_cpu_x64_features(void)
{
    return 0;
}

#endif
