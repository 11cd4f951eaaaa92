/* base.h - the vocabulary of every file: fixed-width types, assertions, and the compiler
 * extensions Davit uses, each wrapped once and with a portable twin (-DDAVIT_NO_EXTENSIONS).
 */
#ifndef DV_BASE_H
#define DV_BASE_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "davit/davit.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef size_t usize;

#if (defined(__GNUC__) || defined(__clang__)) && !defined(DAVIT_NO_EXTENSIONS)
#define DV_GNU 1
#else
#define DV_GNU 0
#endif

#if DV_GNU
#define DV_NORETURN __attribute__((noreturn))
#define DV_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DV_UNUSED __attribute__((unused))
#define DV_LIKELY(x) __builtin_expect(!!(x), 1)
#define DV_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define DV_NORETURN _Noreturn
#define DV_PRINTF(fmt, args)
#define DV_UNUSED
#define DV_LIKELY(x) (x)
#define DV_UNLIKELY(x) (x)
#endif

#if DV_GNU
#define DV_NOINLINE __attribute__((noinline))
/* A function that reads what AddressSanitizer would not have read: whatever lies on the stack. */
#define DV_READS_STACK __attribute__((noinline, no_sanitize_address))
/* The pointer, of which the compiler may take it that it is a multiple of `align`. */
#define DV_ASSUME_ALIGNED(pointer, align) __builtin_assume_aligned((pointer), (align))
/* Where the frame of the running function is: on x86-64 the caller's frame pointer is there, and behind it where it goes
 * on. NULL if the compiler does not tell. */
#define DV_HAS_FRAME_ADDRESS 1
#define DV_FRAME_ADDRESS() ((const u8 *)__builtin_frame_address(0))
#else
#define DV_NOINLINE
#define DV_READS_STACK
#define DV_HAS_FRAME_ADDRESS 0
#define DV_FRAME_ADDRESS() ((const u8 *)NULL)
#define DV_ASSUME_ALIGNED(pointer, align) (pointer)
#endif

/* A symbol that gives way to another of its name; only declared, it may be missing, and is NULL. */
#if DV_GNU && defined(__ELF__)
#define DV_HAS_WEAK 1
#define DV_WEAK __attribute__((weak))
#else
#define DV_HAS_WEAK 0
#endif

/* Jumps to computed labels: `static const void *const table[] = {DV_LABEL(a), ...}; DV_GOTO(table[i]);`
 * between DV_LABELS_BEGIN and DV_LABELS_END, which quiet -pedantic. */
#if DV_GNU
#define DV_HAS_COMPUTED_GOTO 1
#define DV_LABELS_BEGIN \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wpedantic\"")
#define DV_LABELS_END _Pragma("GCC diagnostic pop")
#define DV_LABEL(label) &&label
#define DV_GOTO(address) goto *(address)
#else
#define DV_HAS_COMPUTED_GOTO 0
#endif

/* Calls that are jumps: `DV_MUSTTAIL return f(x);`, f being declared with DV_PRESERVE_NONE if the caller is.
 * Not by what the compiler says it has: elsewhere than on these processors it refuses, spills or silently
 * makes an ordinary call. */
#if DV_GNU && defined(__has_attribute) && \
    ((defined(__x86_64__) && defined(__LP64__) && !defined(_WIN32)) || defined(__aarch64__) || \
     (defined(__riscv) && __riscv_xlen == 64))
#if __has_attribute(musttail)
#define DV_HAS_MUSTTAIL 1
#define DV_MUSTTAIL __attribute__((musttail))
#if __has_attribute(preserve_none) && !defined(__riscv)
#define DV_HAS_PRESERVE_NONE 1
#define DV_PRESERVE_NONE __attribute__((preserve_none))
#else
#define DV_HAS_PRESERVE_NONE 0
#define DV_PRESERVE_NONE
#endif
#endif
#endif
#ifndef DV_HAS_MUSTTAIL
#define DV_HAS_MUSTTAIL 0
#endif

/* A run of bytes, not necessarily NUL-terminated; whoever makes one says who owns it. */
typedef struct Str {
    const char *data;
    u32 len;
} Str;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Prints the place and stops the program: our own bug, never bad input. */
DV_NORETURN void dv_panic(const char *file, int line, const char *what);

/* CHECK always holds guard (cheap, memory safety); ASSERT only in debug, test and fuzz builds. */
#define CHECK(c) (DV_LIKELY(c) ? (void)0 : dv_panic(__FILE__, __LINE__, #c))
#ifdef NDEBUG
#define ASSERT(c) ((void)sizeof(!(c)))
#else
#define ASSERT(c) CHECK(c)
#endif
#define UNREACHABLE() dv_panic(__FILE__, __LINE__, "unreachable")

/* Counts of leading and trailing zeros are the width when x is zero. */
static inline u32 dv_popcount64(u64 x)
{
#if DV_GNU
    return (u32)__builtin_popcountll(x);
#else
    x = x - ((x >> 1) & 0x5555555555555555u);
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (u32)((x * 0x0101010101010101u) >> 56);
#endif
}

static inline u32 dv_clz64(u64 x)
{
    if (x == 0) {
        return 64;
    }
#if DV_GNU
    return (u32)__builtin_clzll(x);
#else
    u32 n = 0;
    for (u32 step = 32; step != 0; step >>= 1) {
        if ((x >> (64 - step)) == 0) {
            n += step;
            x <<= step;
        }
    }
    return n;
#endif
}

static inline u32 dv_ctz64(u64 x)
{
    return x == 0 ? 64 : dv_popcount64((x & (0 - x)) - 1);
}

static inline u32 dv_clz32(u32 x)
{
    return dv_clz64(x) - 32;
}

static inline u32 dv_ctz32(u32 x)
{
    return x == 0 ? 32 : dv_ctz64(x);
}

static inline u32 dv_popcount32(u32 x)
{
    return dv_popcount64(x);
}

/* True if a + b or a * b does not fit; *out is the sum or product modulo the width. */
static inline bool dv_add_overflows(usize a, usize b, usize *out)
{
    *out = a + b;
    return *out < a;
}

static inline bool dv_mul_overflows(usize a, usize b, usize *out)
{
    *out = a * b;
    return a != 0 && *out / a != b;
}

#endif
