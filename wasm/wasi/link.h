/* link.h - WASI preview 1 as host functions of a store, for linking by name. */
#ifndef DV_WASI_LINK_H
#define DV_WASI_LINK_H

#include "wasm/runtime/runtime.h"
#include "wasm/wasi/wasi.h"

/* Defines all functions of WASI_MODULE in the linker. They use the exported memory "memory" of the instance that calls, and `wasi`, which must
 * stay until the store has gone. False with *error when memory runs out. */
bool dv_wasi_link(RtLinker *linker, RtStore *store, Wasi *wasi, RtError *error);
/* A should_stop for WasiConfig, whose context is the store: true when an interrupt was asked for. */
bool dv_wasi_stops_with_store(void *store);

#endif
