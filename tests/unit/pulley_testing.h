/* pulley_testing.h - what the unit tests of pulley/ share: assembling text that must be right. */
#ifndef DV_PULLEY_TESTING_H
#define DV_PULLEY_TESTING_H

#include "unit.h"

#include "pulley/pulley.h"

static inline Str str_of(const char *text)
{
    return (Str){text, (u32)strlen(text)};
}

static inline PulleyModule assemble_in(Fixture *f, const char *text, bool big)
{
    PulleyModule module;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    if (!dv_pulley_assemble(&f->arena, str_of(text), big, &module, &diag)) {
        fail_msg("line %u: %s, in:\n%s", (unsigned)dv_diag_first(&diag)->line,
                 dv_diag_first(&diag)->text, text);
    }
    return module;
}

static inline PulleyModule assemble(Fixture *f, const char *text)
{
    return assemble_in(f, text, false);
}

static inline const char *print_module(Fixture *f, const PulleyModule *module)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_pulley_print_module(&text, module);
    return text.data;
}

/* What the verifier says; "" if nothing. */
static inline const char *verdict(Fixture *f, const PulleyModule *module, PulleyFault *fault)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    if (!dv_pulley_verify(module, &f->arena, fault)) {
        dv_pulley_fault_print(&text, fault);
    } else {
        assert_int_equal(fault->rule, PRULE_OK);
    }
    return text.data;
}

#endif
