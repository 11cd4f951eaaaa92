/* fuzz_pulley_verify.c - any bytes as bytecode are verified or refused with a reason; verified or not, their
 * text assembles to the same bytes, and verified code swaps its byte order and is verified again.
 *
 * Byte 0: bits 0 big-endian, 1 raw, 2 frame memory, 3 memory with 64-bit index, 4 metered, 5 and 6 the
 * type of the first function. Byte 1: words of the first function, 0: all. Byte 2: how many handlers it has
 * (modulo 4), each of 4 bytes: call and target in words, value, kind. The rest is code.
 */
#include "fuzz/fuzz.h"
#include "pulley/pulley.h"

enum { HANDLER_BYTES = 4 };

static const char declarations[] = "type 2 -> 1\n"
                                   "type 3 -> 0\n"
                                   "type 60 -> 1\n"
                                   "type 0 -> 53\n"
                                   "import type0\n"
                                   "import type2\n"
                                   "global 4\n"
                                   "global 8 mutable\n"
                                   "table i32 func\n"
                                   "table i64 extern\n"
                                   "tag type1\n"
                                   "elem func\n"
                                   "elem extern\n"
                                   "data 2\n"
                                   "memory i32\n"
                                   "memory i64 shared\n"
                                   "func type0, window 64 {\n.word 0\n}\n"
                                   "func type0, window 256 {\n.word 0\n}\n";

static PulleyModule read_module(Arena *arena, Str text, bool big)
{
    PulleyModule m;
    Diag diag;
    dv_diag_init(&diag, arena);
    bool ok = dv_pulley_assemble(arena, text, big, &m, &diag);
    fuzz_expect(ok, "the text does not assemble", text.data);
    return m;
}

static void set_handlers(PulleyModule *m, Arena *arena, const u8 *data, u32 count)
{
    for (u32 i = 0; i < count; i++, data += HANDLER_BYTES) {
        PulleyHandler h = {data[0] * 4u, data[1] * 4u, data[2], data[3]};
        vec_push(arena, &m->handlers, h);
    }
    m->funcs.data[0].handler_count = count;
    m->funcs.data[1].first_handler = count;
}

static void set_code(PulleyModule *m, Arena *arena, const u8 *data, u32 size, u32 first)
{
    u8 *code = dv_arena_alloc(arena, size, 4);
    if (size != 0) {
        memcpy(code, data, size);
    }
    m->code = code;
    m->code_size_bytes = size;
    m->funcs.data[0].size_bytes = first;
    m->funcs.data[1].code = first;
    m->funcs.data[1].size_bytes = size - first;
    m->funcs.len = first == size ? 1 : 2;
}

static Str print_text(Arena *arena, const PulleyModule *m)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_pulley_print_module(&text, m);
    return (Str){text.data, (u32)text.length};
}

/* A handler shows in text only if it follows a call, in order. */
static void check_text(Arena *arena, const PulleyModule *m, bool verified)
{
    Str text = print_text(arena, m);
    PulleyModule again = read_module(arena, text, m->big);
    fuzz_expect(
        again.code_size_bytes == m->code_size_bytes &&
            (m->code_size_bytes == 0 || memcmp(again.code, m->code, m->code_size_bytes) == 0),
        "the text assembles to other bytes", text.data);
    if (verified) {
        PulleyFault fault;
        fuzz_expect(dv_pulley_verify(&again, arena, &fault) &&
                        again.handlers.len == m->handlers.len,
                    "the text of verified code is not verified", text.data);
    }
}

static void check_swap(Arena *arena, PulleyModule *m)
{
    u8 *code = dv_arena_alloc(arena, m->code_size_bytes, 4);
    PulleyFault fault;
    memcpy(code, m->code, m->code_size_bytes);
    dv_pulley_swap(code, m->code_size_bytes, m->big);
    m->code = code;
    m->big = !m->big;
    fuzz_expect(dv_pulley_verify(m, arena, &fault), "swapped code is not verified", "");
}

static void check_bytes(Arena *arena, const u8 *data, usize size)
{
    u32 handlers = data[2] % 4;
    u32 head = 3 + handlers * HANDLER_BYTES;
    if (size < head || size - head > PULLEY_CODE_MAX) {
        return;
    }
    u32 code_size = (u32)(size - head) / 4 * 4;
    u32 first = data[1] * 4u;
    if (first == 0 || first > code_size) {
        first = code_size;
    }
    PulleyModule m =
        read_module(arena, (Str){declarations, sizeof declarations - 1}, (data[0] & 1) != 0);
    m.profile = (data[0] & 2) != 0 ? PULLEY_RAW64 : PULLEY_SANDBOXED;
    m.funcs.data[0].frame = (data[0] & 4) != 0 ? 16 : 0;
    m.memories.data[0].index64 = (data[0] & 8) != 0;
    m.metered = (data[0] & 16) != 0;
    m.funcs.data[0].type = data[0] >> 5 & 3;
    set_handlers(&m, arena, data + 3, handlers);
    set_code(&m, arena, data + head, code_size, first);
    PulleyFault fault;
    bool verified = dv_pulley_verify(&m, arena, &fault);
    TextBuf reason;
    dv_text_init(&reason, arena);
    dv_pulley_fault_print(&reason, &fault);
    fuzz_expect(verified == (reason.length == 0), "the verdict and its reason differ", reason.data);
    if (dv_pulley_verify_module(&m, &fault)) {
        check_text(arena, &m, verified);
    }
    if (verified) {
        check_swap(arena, &m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 3) {
        fuzz_run(check_bytes, data, size);
    }
    return 0;
}
