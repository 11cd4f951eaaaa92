/* fuzz_clif_eval.c - any text: functions that verify evaluate to what eval.h promises, and to the same
 * twice. The last byte of the text chooses byte order and address width; the text is also what arguments are.
 */
#include "codegen/ir/verify.h"
#include "fuzz/eval_twice.h"

static void check_text(Arena *arena, const u8 *data, usize size)
{
    ClifFile file = {0};
    Diag diag;
    u8 choice = size == 0 ? 0 : data[size - 1];
    EvalJob job = {0};
    Work work = {0};
    dv_diag_init(&diag, arena);
    if (!dv_clif_parse(&file, arena, (Str){(const char *)data, (u32)size}, &diag)) {
        return;
    }
    job.address_bits = (choice & 1) != 0 ? 32 : 64;
    job.big_endian = (choice & 2) != 0;
    job.bytes = (Str){(const char *)data, (u32)size};
    job.funcs = ARENA_ARRAY(arena, const Func *, file.funcs.len);
    VerifyOptions options = {job.address_bits};
    for (u32 i = 0; i < file.funcs.len; i++) {
        const Func *f = &file.funcs.data[i]->func;
        VerifyErrors errors = {0};
        bool ok = dv_verify(f, arena, &options, &errors, &work);
        fuzz_expect(ok == (errors.total == 0), "the verdict and the errors differ",
                    ok ? "good" : "bad");
        if (ok) {
            job.funcs[job.count++] = f;
        }
    }
    job.copies = job.funcs;
    (void)dv_fuzz_eval_twice(arena, &job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= UINT32_MAX) {
        fuzz_run(check_text, data, size);
    }
    return 0;
}
