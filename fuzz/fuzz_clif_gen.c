/* fuzz_clif_gen.c - bytes become functions (tools/gen.h): they parse, verify, survive printing, and evaluate
 * to the same before and after, never to an error. The first byte chooses byte order and address width. */
#include "codegen/ir/verify.h"
#include "fuzz/eval_twice.h"
#include "tools/gen.h"

static void check_verified(Arena *arena, const Func *f, u32 address_bits)
{
    VerifyOptions options = {address_bits};
    VerifyErrors errors = {0};
    Work work = {0};
    if (!dv_verify(f, arena, &options, &errors, &work)) {
        TextBuf at;
        dv_text_init(&at, arena);
        EntityRef place = errors.list.data[0].place;
        if (place.kind == ENTITY_INST) {
            dv_print_inst(&at, f, (Inst){place.id});
        }
        fprintf(stderr, "fuzz: %s: %s\n", at.data, errors.list.data[0].text);
        fuzz_report("a generated function does not verify", fuzz_print(arena, f).data);
    }
}

static void check_bytes(Arena *arena, const u8 *data, usize size)
{
    u8 choice = size == 0 ? 0 : data[0];
    GenOptions options = {
        .address_bits = (choice & 1) != 0 ? 32 : 64, .max_insts = 200, .vectors = true};
    GenSource source;
    EvalJob job = {.address_bits = options.address_bits, .big_endian = (choice & 2) != 0};
    TextBuf text;
    ClifFile file = {0};
    Diag diag;
    dv_text_init(&text, arena);
    dv_gen_bytes(&source, data + (size != 0), size - (size != 0));
    dv_gen_clif(&text, &source, &options);
    dv_diag_init(&diag, arena);
    if (!dv_clif_parse(&file, arena, (Str){text.data, (u32)text.length}, &diag)) {
        fprintf(stderr, "fuzz: line %u: %s\n", (unsigned)dv_diag_first(&diag)->line,
                dv_diag_first(&diag)->text);
        fuzz_report("a generated function does not parse", text.data);
    }
    job.funcs = ARENA_ARRAY(arena, const Func *, file.funcs.len);
    job.copies = ARENA_ARRAY(arena, const Func *, file.funcs.len);
    job.bytes = (Str){(const char *)data, (u32)size};
    for (job.count = 0; job.count < file.funcs.len; job.count++) {
        const Func *f = &file.funcs.data[job.count]->func;
        check_verified(arena, f, options.address_bits);
        job.funcs[job.count] = f;
        job.copies[job.count] = fuzz_round_trip(arena, f);
    }
    const char *reason = dv_fuzz_eval_twice(arena, &job);
    if (reason != NULL) {
        fprintf(stderr, "fuzz: %s\n", text.data);
        fuzz_report("a generated function cannot be evaluated", reason);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= UINT32_MAX) {
        fuzz_run(check_bytes, data, size);
    }
    return 0;
}
