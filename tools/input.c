/* input.c - reading and checking the CLIF file that a command line names. */
#include "tools/input.h"

#include <stdio.h>

#include "base/io.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"

bool dv_input_read(Command *command, const char *path, Input *input)
{
    IoBytes bytes;
    Diag diag;
    const char *error;
    *input = (Input){.path = path};
    if (dv_io_read(command->arena, path, TOOL_MAX_INPUT, &bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit: %s\n", error);
        return false;
    }
    Str text = {(const char *)bytes.data, (u32)bytes.size};
    dv_diag_init(&diag, command->arena);
    if (!dv_clif_parse(&input->file, command->arena, text, &diag)) {
        TextBuf out;
        dv_text_init(&out, command->arena);
        dv_diag_format(&diag, path, &out);
        fputs(out.data, stderr);
        return false;
    }
    return true;
}

u64 dv_input_verify(Command *command, const Input *input)
{
    u64 total = 0;
    for (u32 n = 0; n < input->file.funcs.len; n++) {
        const ClifFunc *f = input->file.funcs.data[n];
        VerifyErrors errors = {0};
        dv_verify(&f->func, command->arena, &(VerifyOptions){0}, &errors, NULL);
        for (u32 i = 0; i < errors.list.len; i++) {
            const VerifyError *e = &errors.list.data[i];
            TextBuf place;
            dv_text_init(&place, command->arena);
            dv_print_entity(&place, e->place);
            fprintf(stderr, "%s:%u: error: %s: %s\n", input->path,
                    (unsigned)dv_clif_entity_line(f, e->place), place.data, e->text);
        }
        total += errors.total;
    }
    return total;
}
