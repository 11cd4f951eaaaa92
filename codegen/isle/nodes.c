/* nodes.c - making nodes, and walking through forms of a fixed shape. */
#include "front.h"

IsleSym dv_isle_sym_bytes(Isle *isle, const char *text, usize length)
{
    return (IsleSym){dv_strmap_intern(isle->arena, &isle->names, text, length)};
}

IsleSym dv_isle_sym(Isle *isle, const char *text)
{
    return dv_isle_sym_bytes(isle, text, strlen(text));
}

bool dv_isle_is_name(const Isle *isle, IsleNodeRef node, const char *text)
{
    if (!isle_is(isle, node, NODE_NAME)) {
        return false;
    }
    return strcmp(isle_text(isle, isle_node(isle, node)->sym), text) == 0;
}

bool dv_isle_is_form(const Isle *isle, IsleNodeRef node, const char *text)
{
    return isle_is(isle, node, NODE_LIST) && dv_isle_is_name(isle, isle_first(isle, node), text);
}

IsleNodeRef dv_isle_make(Isle *isle, IsleNodeKind kind, IslePos pos, IsleSym sym)
{
    IsleNode node = {kind, pos, pos.offset, sym, ISLE_NONE, ISLE_NONE, 0};
    vec_push(isle->arena, &isle->nodes, node);
    return (IsleNodeRef){isle->nodes.len - 1};
}

void dv_isle_append(Isle *isle, IsleNodeRef list, IsleNodeRef *last, IsleNodeRef child)
{
    if (last->id == ISLE_NONE) {
        isle->nodes.data[list.id].first = child.id;
    } else {
        isle->nodes.data[last->id].next = child.id;
    }
    isle->nodes.data[list.id].count++;
    *last = child;
}

IsleNodeRef dv_isle_copy_atom(Isle *isle, IsleNodeRef node)
{
    IsleNode copy = *isle_node(isle, node);
    ASSERT(copy.kind != NODE_LIST && copy.kind != NODE_BIND);
    copy.next = ISLE_NONE;
    vec_push(isle->arena, &isle->nodes, copy);
    return (IsleNodeRef){isle->nodes.len - 1};
}

const char *dv_isle_number(Isle *isle, u64 number)
{
    return dv_arena_printf(isle->arena, "%" PRIu64, number);
}

IsleWalk dv_isle_walk(Isle *isle, IsleNodeRef form, const char *what)
{
    return (IsleWalk){isle, form, isle_next(isle, isle_first(isle, form)), what};
}

static bool take(IsleWalk *walk, IsleNodeKind kind, const char *role, IsleNodeRef *out)
{
    Isle *isle = walk->isle;
    if (!isle_is(isle, walk->at, kind)) {
        IslePos pos = isle_node(isle, isle_is_node(walk->at) ? walk->at : walk->form)->pos;
        dv_isle_error(isle, pos, ISLE_MSG_EXPECTED, walk->what, role);
        return false;
    }
    *out = walk->at;
    walk->at = isle_next(isle, walk->at);
    return true;
}

bool dv_isle_take_name(IsleWalk *walk, const char *role, IsleNodeRef *out)
{
    return take(walk, NODE_NAME, role, out);
}

bool dv_isle_take_const(IsleWalk *walk, const char *role, IsleNodeRef *out)
{
    return take(walk, NODE_CONST, role, out);
}

bool dv_isle_take_list(IsleWalk *walk, const char *role, IsleNodeRef *out)
{
    return take(walk, NODE_LIST, role, out);
}

bool dv_isle_take_any(IsleWalk *walk, const char *role, IsleNodeRef *out)
{
    IsleNodeKind kind = isle_is_node(walk->at) ? isle_node(walk->isle, walk->at)->kind : NODE_LIST;
    return take(walk, kind, role, out);
}

bool dv_isle_skip_name(IsleWalk *walk, const char *text)
{
    if (!dv_isle_is_name(walk->isle, walk->at, text)) {
        return false;
    }
    walk->at = isle_next(walk->isle, walk->at);
    return true;
}

bool dv_isle_take_end(IsleWalk *walk)
{
    if (isle_is_node(walk->at)) {
        IslePos pos = isle_node(walk->isle, walk->at)->pos;
        dv_isle_error(walk->isle, pos, ISLE_MSG_FORM_EXTRA, walk->what, NULL);
        return false;
    }
    return true;
}
