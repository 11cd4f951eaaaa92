/* aliases.c - what every value stands for, at once.
 *
 * A walk along aliases stops at the first value that is known already and then tells all on its
 * way, so the whole is linear however long the chains are. While a walk is under way its values
 * count as standing for nothing, which is what a walk in a circle finds.
 */
#include "codegen/ir/ir.h"

u32 *dv_value_roots(const Func *f, Arena *arena)
{
    const ValueData *values = f->values.data;
    u32 count = f->values.len;
    u32 *roots = ARENA_ARRAY(arena, u32, count);
    bool *known = ARENA_ARRAY(arena, bool, count);
    for (u32 id = 0; id < count; id++) {
        u32 end = id;
        while (end < count && values[end].kind == VALUE_ALIAS && !known[end]) {
            known[end] = true;
            roots[end] = ENTITY_NONE;
            end = values[end].def;
        }
        bool is_alias = end < count && values[end].kind == VALUE_ALIAS;
        u32 root = is_alias ? roots[end] : dv_value_exists(f, (Value){end}) ? end : ENTITY_NONE;
        for (u32 at = id; at != end; at = values[at].def) {
            roots[at] = root;
        }
        roots[id] = root;
    }
    return roots;
}
