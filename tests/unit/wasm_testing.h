/* wasm_testing.h - what the tests of the Wasm decoder and validator share: building binary
 * modules, and expecting errors. */
#ifndef DV_WASM_TESTING_H
#define DV_WASM_TESTING_H

#include "unit.h"

#include "wasm/format/wasm.h"

/* Bytes written as a string literal, which may hold zeros. */
#define BYTES(literal) literal, sizeof(literal) - 1
#define PREAMBLE "\0asm\1\0\0\0"

static inline void put_u32(ByteBuf *out, u32 value)
{
    for (; value >= 0x80; value >>= 7) {
        dv_bytebuf_u8(out, (u8)(value | 0x80));
    }
    dv_bytebuf_u8(out, (u8)value);
}

/* A type index where negative numbers mean other types. */
static inline void put_type_index(ByteBuf *out, u32 index)
{
    for (; index >= 0x40; index >>= 7) {
        dv_bytebuf_u8(out, (u8)(index | 0x80));
    }
    dv_bytebuf_u8(out, (u8)index);
}

/* A section, or without id a body: anything with its size in front. */
static inline void put_sized(ByteBuf *out, const void *bytes, usize size)
{
    put_u32(out, (u32)size);
    dv_bytebuf_bytes(out, bytes, size);
}

static inline void put_section(ByteBuf *out, u8 id, const void *bytes, usize size)
{
    dv_bytebuf_u8(out, id);
    put_sized(out, bytes, size);
}

typedef struct Outcome {
    bool ok;
    const char *message; /* NULL if ok */
    WasmError error;
    WasmModule module;
} Outcome;

/* Decodes and validates a copy of exactly these bytes, so that reading beyond them is noticed. */
static inline Outcome load_module(Fixture *f, const void *bytes, usize size, Features features)
{
    Outcome out = {.error.missing = FEATURE_COUNT};
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    u8 *copy = malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    DecodeOptions options = {.features = features};
    out.ok = dv_wasm_decode(&f->arena, copy, size, &options, &out.module, &diag, &out.error) &&
             dv_wasm_validate(&f->arena, &out.module, &diag, &out.error);
    free(copy);
    out.module.bytes = bytes;
    assert_int_equal(out.ok, dv_diag_ok(&diag));
    if (!out.ok) {
        out.message = dv_diag_first(&diag)->text;
        assert_true(out.error.offset <= size);
    }
    return out;
}

static inline void expect_valid(Fixture *f, const void *bytes, usize size, Features features)
{
    Outcome out = load_module(f, bytes, size, features);
    if (!out.ok) {
        fail_msg("refused: %s", out.message);
    }
}

/* Refused with a message that begins so. */
static inline Outcome expect_error(Fixture *f, const void *bytes, usize size, Features features,
                                   bool is_malformed, const char *message)
{
    Outcome out = load_module(f, bytes, size, features);
    if (out.ok) {
        fail_msg("accepted, not \"%s\"", message);
    }
    if (strncmp(out.message, message, strlen(message)) != 0) {
        fail_msg("\"%s\", not \"%s\"", out.message, message);
    }
    if (out.error.is_malformed != is_malformed) {
        fail_msg("%s is told as %s", out.message, is_malformed ? "invalid" : "malformed");
    }
    return out;
}

#endif
