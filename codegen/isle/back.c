/* back.c - from typed rules to decision trees, a term after the other. */
#include "back.h"

bool dv_isle_back(Isle *isle, Back *back)
{
    *back = (Back){.isle = isle};
    for (u32 i = 0; i < isle->terms.len; i++) {
        IsleTerm term = {i};
        if (isle_term(isle, term)->ctor == CTOR_RULES) {
            MatchSet set;
            dv_isle_match(isle, term, &set);
            dv_isle_order(&set);
            vec_push(isle->arena, &back->sets, set);
        }
    }
    if (!isle_ok(isle)) {
        return false;
    }
    for (u32 i = 0; i < back->sets.len; i++) {
        dv_isle_tree(&vec_at(&back->sets, i));
        dv_isle_plan_parts(&vec_at(&back->sets, i));
    }
    return true;
}
