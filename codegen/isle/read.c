/* read.c - tokens to nodes: one s-expression after another, with a stack of the lists and
 * bindings still open.
 *
 * `name @ pattern` becomes one node that holds the pattern: the name, already read, turns into
 * it, and it is closed by the next complete node. Depth costs only memory. */
#include "front.h"

typedef struct OpenNode {
    IsleNodeRef node;
    IsleNodeRef last; /* child */
} OpenNode;

typedef struct Reader {
    Isle *isle;
    VEC(OpenNode) open;
    IsleNodeRef recent; /* the token before, if it was no parenthesis */
} Reader;

static bool is_binding(const Reader *reader)
{
    return reader->open.len > 0 &&
           isle_node(reader->isle, vec_last(&reader->open).node)->kind == NODE_BIND;
}

/* A node is complete: it joins the binding, the list or the forms. A binding is in its list
 * already, as a name. */
static void finish_node(Reader *reader, IsleNodeRef node)
{
    Isle *isle = reader->isle;
    if (is_binding(reader)) {
        OpenNode bind = vec_pop(&reader->open);
        dv_isle_append(isle, bind.node, &bind.last, node);
        isle->nodes.data[bind.node.id].end = isle->nodes.data[node.id].end;
    } else if (reader->open.len == 0) {
        vec_push(isle->arena, &isle->forms, node);
    } else {
        OpenNode *parent = &reader->open.data[reader->open.len - 1];
        dv_isle_append(isle, parent->node, &parent->last, node);
    }
}

static IsleNodeRef make_atom(Reader *reader, const IsleToken *token)
{
    static const IsleNodeKind kinds[] = {
        [ISLE_TOK_NAME] = NODE_NAME, [ISLE_TOK_CONST] = NODE_CONST, [ISLE_TOK_INT] = NODE_INT,
        [ISLE_TOK_BOOL] = NODE_BOOL, [ISLE_TOK_BITS] = NODE_BITS,   [ISLE_TOK_STRING] = NODE_STRING,
    };
    Isle *isle = reader->isle;
    IsleSym sym = {ISLE_NONE};
    if (token->text.data != NULL) {
        sym = dv_isle_sym_bytes(isle, token->text.data, token->text.len);
    }
    IsleNodeRef node = dv_isle_make(isle, kinds[token->kind], token->pos, sym);
    IsleNode *made = &isle->nodes.data[node.id];
    made->end = token->end;
    if (made->kind == NODE_INT || made->kind == NODE_BOOL || made->kind == NODE_BITS) {
        made->first = isle->literals.len;
        vec_push(isle->arena, &isle->literals, token->literal);
    }
    return node;
}

static bool read_at(Reader *reader, const IsleToken *token)
{
    Isle *isle = reader->isle;
    if (!isle_is(isle, reader->recent, NODE_NAME)) {
        dv_isle_error(isle, token->pos, ISLE_MSG_AT_NAME, NULL, NULL);
        return false;
    }
    isle->nodes.data[reader->recent.id].kind = NODE_BIND;
    vec_push(isle->arena, &reader->open, ((OpenNode){reader->recent, ISLE_NODE_NONE}));
    reader->recent = ISLE_NODE_NONE;
    return true;
}

static bool read_close(Reader *reader, const IsleToken *token)
{
    Isle *isle = reader->isle;
    if (is_binding(reader)) { /* name @ ) */
        dv_isle_error(isle, token->pos, ISLE_MSG_AT_PATTERN, NULL, NULL);
        return false;
    }
    if (reader->open.len == 0) {
        dv_isle_error(isle, token->pos, ISLE_MSG_EXTRA_PAREN, NULL, NULL);
        return false;
    }
    OpenNode done = vec_pop(&reader->open);
    isle->nodes.data[done.node.id].end = token->end;
    reader->recent = ISLE_NODE_NONE;
    finish_node(reader, done.node);
    return true;
}

/* False at the end of the file or of what can be read. */
static bool read_token(Reader *reader, const IsleToken *token)
{
    Isle *isle = reader->isle;
    switch (token->kind) {
    case ISLE_TOK_END:
        if (reader->open.len > 0) {
            IslePos pos = isle_node(isle, vec_last(&reader->open).node)->pos;
            dv_isle_error(isle, pos, ISLE_MSG_FORM_END, NULL, NULL);
        }
        return false;
    case ISLE_TOK_BAD:
        return false;
    case ISLE_TOK_AT:
        return read_at(reader, token);
    case ISLE_TOK_CLOSE:
        return read_close(reader, token);
    case ISLE_TOK_OPEN: {
        reader->recent = ISLE_NODE_NONE;
        IsleNodeRef node = dv_isle_make(isle, NODE_LIST, token->pos, (IsleSym){ISLE_NONE});
        vec_push(isle->arena, &reader->open, ((OpenNode){node, ISLE_NODE_NONE}));
        return true;
    }
    default:
        if (reader->open.len == 0) {
            dv_isle_error(isle, token->pos, ISLE_MSG_FORM_EXPECTED, NULL, NULL);
            return false;
        }
        reader->recent = make_atom(reader, token);
        finish_node(reader, reader->recent);
        return true;
    }
}

void dv_isle_read(Isle *isle, u32 file)
{
    Reader reader = {.isle = isle, .recent = ISLE_NODE_NONE};
    IsleLexer lexer = {isle, file, 0};
    IsleToken token;
    do {
        dv_isle_lex_next(&lexer, &token);
    } while (read_token(&reader, &token));
}
