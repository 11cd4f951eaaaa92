/* front.c - the front end as a list of calls. Each step runs only if those before it found
 * nothing wrong, so that one mistake is not reported twice in different words. */
#include "front.h"

void dv_isle_init(Isle *isle, Arena *arena, bool is_strict)
{
    memset(isle, 0, sizeof *isle);
    isle->arena = arena;
    isle->is_strict = is_strict;
    dv_isle_builtin_types(isle);
}

bool dv_isle_check(Isle *isle)
{
    for (u32 i = 0; i < isle->files.len; i++) {
        dv_isle_read(isle, i);
    }
    static void (*const steps[])(Isle *) = {
        dv_isle_declare,     dv_isle_check_macros,      dv_isle_type_def_bodies,
        dv_isle_type_rules,  dv_isle_check_definitions, dv_isle_check_recursion,
        dv_isle_check_specs, dv_isle_check_laws,
    };
    for (u32 i = 0; i < ARRAY_LEN(steps) && isle_ok(isle); i++) {
        steps[i](isle);
    }
    return isle_ok(isle);
}
