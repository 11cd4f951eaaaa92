/* davit/davit.h - what every part of Davit's public interface shares.
 *
 * Davit is a code generator and Wasm engine in C. This header holds the version, the status codes
 * that every fallible function returns, and the allocator an embedder may supply. All public names
 * start with davit_ or DAVIT_. Unless a function says otherwise: objects belong to one thread at a
 * time, strings are NUL-terminated UTF-8, sizes are in bytes.
 */
#ifndef DAVIT_DAVIT_H
#define DAVIT_DAVIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(DAVIT_SHARED) && (defined(__GNUC__) || defined(__clang__))
#define DAVIT_API __attribute__((visibility("default")))
#else
#define DAVIT_API
#endif

/* Semantic version of the headers; davit_version() tells that of the library linked. */
#define DAVIT_VERSION_MAJOR 0
#define DAVIT_VERSION_MINOR 1
#define DAVIT_VERSION_PATCH 0
#define DAVIT_VERSION_STRING "0.1.0"

/* The library's version as "major.minor.patch". The string is static. */
DAVIT_API const char *davit_version(void);

/* What a fallible function returns. DAVIT_OK is zero; the rest never change their numbers. */
typedef enum davit_status {
    DAVIT_OK = 0,
    DAVIT_ERROR_INVALID = 1,     /* the input is malformed; a diagnostic says where and why */
    DAVIT_ERROR_MEMORY = 2,      /* the allocator returned NULL */
    DAVIT_ERROR_LIMIT = 3,       /* the input is well formed but larger than a documented limit */
    DAVIT_ERROR_UNSUPPORTED = 4, /* not available for this target or in this build */
    DAVIT_ERROR_IO = 5           /* the system refused to read or write a file */
} davit_status_t;

/* A short English name of a status ("out of memory"). The string is static. */
DAVIT_API const char *davit_status_name(davit_status_t status);

/* Where Davit gets its memory, asked for chunks of some tens of kilobytes at least, seldom.
 * `alloc` returns size bytes aligned for any object, or NULL; `free` takes back what alloc returned,
 * with the same size. Both get `context`. A NULL allocator pointer means malloc and free. */
typedef struct davit_allocator {
    void *(*alloc)(void *context, size_t size_bytes);
    void (*free)(void *context, void *memory, size_t size_bytes);
    void *context;
} davit_allocator_t;

#ifdef __cplusplus
}
#endif
#endif
