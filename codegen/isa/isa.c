/* isa.c - the list of targets. */
#include "codegen/isa/isa.h"

#include "codegen/isa/pulley/pulley_isa.h"
#include "codegen/isa/x64/x64_isa.h"

const Isa *dv_isa_at(u32 index)
{
    return index < PULLEY_ISA_COUNT    ? &dv_pulley_isas[index]
           : index == PULLEY_ISA_COUNT ? &dv_x64_isa
                                       : NULL;
}

const Isa *dv_isa_find(const char *name, usize length)
{
    for (u32 i = 0; dv_isa_at(i) != NULL; i++) {
        const Isa *isa = dv_isa_at(i);
        if (strlen(isa->name) == length && memcmp(isa->name, name, length) == 0) {
            return isa;
        }
    }
    return NULL;
}
