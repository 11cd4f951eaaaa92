/* tls.h - thread-local data of modules that are linked in memory.
 *
 * A module's thread-local data are one image, of which a thread gets its copy when it first asks for an address in it. The
 * copy is freed when the thread ends, or the module goes.
 */
#ifndef DV_RT_TLS_H
#define DV_RT_TLS_H

#include "base/base.h"

/* What copies begin as; it stays where it is while it is entered. */
typedef struct TlsImage {
    const u8 *bytes;
    usize size_bytes;
    u32 align_bytes; /* a power of two */
    /* of tls.c */
    u32 number;
    struct TlsImage *next;
} TlsImage;

/* What code hands over to be told an address, in two words as the ABI has it. */
typedef struct TlsPlace {
    u64 image; /* the address of it */
    u64 offset;
} TlsPlace;

/* False if memory runs out. */
bool dv_tls_add(TlsImage *image);
/* Frees all copies: no thread uses any now, nor ever again. */
void dv_tls_remove(TlsImage *image);
/* Where that is in the calling thread's copy, made if there is none. If there is no memory for it the process ends: code asks
 * for an address, and takes no for no answer. */
void *dv_tls_address(const TlsPlace *place);

#endif
