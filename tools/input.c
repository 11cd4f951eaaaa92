/* input.c - reading and checking the CLIF file, and the target, that a command line names. */
#include "tools/input.h"

#include <stdio.h>

#include "base/io.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "tools/engine.h"

bool dv_input_check_target(Command *command, const char *subcommand, const char *target,
                           bool evaluators)
{
    TextBuf names;
    if (target == NULL) {
        fprintf(stderr, "davit %s: --target is missing (davit %s --help tells more)\n", subcommand,
                subcommand);
        return false;
    }
    dv_text_init(&names, command->arena);
    for (u32 i = 0; dv_engine_target(i) != NULL; i++) {
        const char *name = dv_engine_target(i);
        if (!evaluators && dv_isa_find(name, strlen(name)) == NULL) {
            continue;
        }
        if (strcmp(name, target) == 0) {
            return true;
        }
        dv_text_printf(&names, "%s%s", names.length == 0 ? "" : ", ", name);
    }
    fprintf(stderr, "davit %s: cannot use \"%s\": the targets are %s\n", subcommand, target,
            names.data);
    return false;
}

bool dv_input_read(Command *command, const char *subcommand, const char *path, Input *input)
{
    IoBytes bytes;
    Diag diag;
    const char *error;
    *input = (Input){.path = path};
    if (dv_io_read(command->arena, path, TOOL_MAX_INPUT, &bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit %s: %s\n", subcommand, error);
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

u32 dv_input_features(const Input *input, const Isa *isa)
{
    u32 found = 0;
    for (u32 i = 0; isa->find_features != NULL && i < input->file.commands.len; i++) {
        const ClifCommand *c = &input->file.commands.data[i];
        bool is_ours = c->kind == CLIF_TARGET && c->num_words != 0 &&
                       c->words[0].len == strlen(isa->name) &&
                       memcmp(c->words[0].data, isa->name, c->words[0].len) == 0;
        for (u32 w = 1; is_ours && w < c->num_words; w++) {
            found |= isa->find_features(c->words[w].data, c->words[w].len);
        }
    }
    return found;
}

bool dv_input_settings(Command *command, const Input *input, const char *target, Settings *out)
{
    u32 line = 0;
    const char *error = dv_settings_read(&input->file, dv_settings_end(&input->file, target),
                                         command->arena, out, &line);
    if (error != NULL) {
        fprintf(stderr, "%s:%u: error: %s\n", input->path, (unsigned)line, error);
    }
    return error == NULL;
}
