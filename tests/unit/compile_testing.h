/* compile_testing.h - what the tests of lowering and of targets share: CLIF text compiled for a target and linked. */
#ifndef DV_COMPILE_TESTING_H
#define DV_COMPILE_TESTING_H

#include "clif_testing.h"

#include "codegen/compile.h"
#include "codegen/isa/pulley/link.h"
#include "codegen/isa/pulley/pulley_isa.h"

static inline const Isa *isa_of(const char *name)
{
    const Isa *isa = dv_isa_find(name, strlen(name));
    assert_non_null(isa);
    return isa;
}

/* Compiles every function of the text, all checks on; gives the error, or NULL and what they became. */
static inline const char *compile_text(Fixture *x, const Isa *isa, u8 allocator, const char *text,
                                       CompiledFunc ***out, u32 *count)
{
    ClifFile file;
    CompileOptions options = {.allocator = allocator, .check = true};
    Arena scratch;
    Diag diag;
    bool ok = true;
    parse_good(&x->arena, str_of(text), &file);
    dv_diag_init(&diag, &x->arena);
    dv_arena_init(&scratch, &x->pool);
    *count = file.funcs.len;
    *out = ARENA_ARRAY(&x->arena, CompiledFunc *, *count);
    for (u32 i = 0; ok && i < *count; i++) {
        (*out)[i] = ARENA_NEW(&x->arena, CompiledFunc);
        ok = dv_compile(isa, &options, &file.funcs.data[i]->func, &x->arena, &scratch, &diag,
                        (*out)[i]);
    }
    dv_arena_release(&scratch);
    return ok ? NULL : dv_diag_first(&diag)->text;
}

/* The same, of text that must compile, linked and verified. */
static inline const PulModule *compile_module(Fixture *x, const char *isa_name, u8 allocator,
                                              const char *text)
{
    const Isa *isa = isa_of(isa_name);
    CompiledFunc **funcs;
    u32 count;
    const char *error = compile_text(x, isa, allocator, text, &funcs, &count);
    if (error != NULL) {
        fail_msg("%s: %s in:\n%.3000s", isa_name, error, text);
    }
    PulModule *module = ARENA_NEW(&x->arena, PulModule);
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    if (!dv_pul_link(isa, (const CompiledFunc *const *)funcs, count, &x->arena, &diag, module)) {
        fail_msg("%s: %s in:\n%.3000s", isa_name, dv_diag_first(&diag)->text, text);
    }
    PulleyFault fault;
    TextBuf why;
    dv_text_init(&why, &x->arena);
    if (!dv_pulley_verify(&module->module, &x->arena, &fault)) {
        dv_pulley_fault_print(&why, &fault);
        dv_text_char(&why, '\n');
        dv_pulley_print_module(&why, &module->module);
        fail_msg("%s: %.6000s\nin:\n%.3000s", isa_name, why.data, text);
    }
    return module;
}

#endif
