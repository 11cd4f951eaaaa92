/* wat_print_body.c - bodies of functions and constant expressions as text, flat or folded.
 *
 * Instructions are read once. Each becomes a piece of text at once, while it is known which labels
 * are open. Flat text is the pieces line by line. For folded text the pieces are nodes of trees: an
 * instruction that takes n values adopts the trees that were finished last in its sequence, as long
 * as each leaves a value and they leave no more than n together; what it does not adopt stays a
 * statement in front of it. The order of instructions never changes, so a wrong count of operands
 * could only make ugly text. Trees are built and printed with stacks of their own.
 */
#include "wasm/format/wat_print.h"

/* A block that is open, the body itself first. */
struct PrintFrame {
    u16 op;
    bool has_else; /* or catch_all */
    bool has_catch;
    u32 label;    /* 1 + number of the name; 0: none */
    u32 shadowed; /* what label_ids had for it */
    u32 arity;    /* of its label */
    u32 results;
    u32 node;   /* folded: of the block */
    u32 clause; /* folded: node that what is read now belongs to */
    u32 base;   /* folded: its items are those from here on */
};

struct PrintNode {
    usize piece;
    u32 piece_length;
    u32 first, last; /* children; NO_NODE */
    u32 next;        /* sibling */
    u32 results;
    u32 width; /* of the whole on one line; WIDE: never on one line */
};

/* A node whose children are being printed. */
struct PrintTask {
    u32 next; /* child; NO_NODE */
    u32 depth;
    bool on_line;
};

enum { WIDE = 1 << 20, LINE_MAX = 72 };
#define NO_NODE UINT32_MAX

/* ---- labels ---- */

void dv_print_label(WatPrinter *p, TextBuf *out, u32 label)
{
    u32 place = 0;
    if (label < p->frames.len) {
        u32 at = p->frames.len - 1 - label;
        u32 id = p->frames.data[at].label;
        if (id != 0 && dv_map_get(&p->label_ids, id, &place) && place == at + 1) {
            dv_print_id(out, dv_strmap_str(&p->label_texts, id - 1));
            return;
        }
    }
    dv_text_u64(out, label);
    if (label < p->frames.len && p->frames.data[p->frames.len - 1 - label].label == 0) {
        dv_text_str(out, " (;@");
        dv_text_u64(out, p->frames.len - 1 - label);
        dv_text_str(out, ";)");
    }
}

u32 dv_print_label_arity(const WatPrinter *p, u32 label)
{
    return label < p->frames.len ? p->frames.data[p->frames.len - 1 - label].arity : 0;
}

static void push_frame(WatPrinter *p, PrintFrame frame)
{
    if (frame.label != 0) {
        (void)dv_map_get(&p->label_ids, frame.label, &frame.shadowed);
        dv_map_put(p->arena, &p->label_ids, frame.label, p->frames.len + 1);
    }
    vec_push(p->arena, &p->frames, frame);
}

static PrintFrame pop_frame(WatPrinter *p)
{
    PrintFrame frame = vec_pop(&p->frames);
    if (frame.label != 0) {
        dv_map_put(p->arena, &p->label_ids, frame.label, frame.shadowed);
    }
    return frame;
}

/* ---- trees ---- */

static u32 add_node(WatPrinter *p, usize piece, u32 results)
{
    u32 length = (u32)(p->pieces.length - piece);
    PrintNode node = {piece, length, NO_NODE, NO_NODE, NO_NODE, results, length + 3};
    vec_push(p->arena, &p->nodes, node);
    return p->nodes.len - 1;
}

static void add_child(WatPrinter *p, u32 parent, u32 child)
{
    PrintNode *node = &p->nodes.data[parent];
    u32 width = node->width + p->nodes.data[child].width;
    node->width = width < WIDE ? width : WIDE;
    if (node->last == NO_NODE) {
        node->first = child;
    } else {
        p->nodes.data[node->last].next = child;
    }
    node->last = child;
}

/* Gives the node the items from `first` on. */
static void adopt(WatPrinter *p, u32 node, u32 first)
{
    for (u32 i = first; i < p->items.len; i++) {
        add_child(p, node, p->items.data[i]);
    }
    p->items.len = first;
}

/* The first of the last items that can be operands of an instruction that takes so many values. */
static u32 find_operands(const WatPrinter *p, u32 params)
{
    u32 base = p->frames.data[p->frames.len - 1].base;
    u32 first = p->items.len;
    u32 found = 0;
    while (first > base && found < params) {
        u32 results = p->nodes.data[p->items.data[first - 1]].results;
        if (results == 0 || results > params - found) {
            break;
        }
        found += results;
        first--;
    }
    return first;
}

/* A node for a word, such as "then", that is a child of the frame's block and takes what
 * follows. */
static void begin_clause(WatPrinter *p, PrintFrame *frame, usize piece)
{
    frame->clause = add_node(p, piece, 0);
    p->nodes.data[frame->clause].width = WIDE;
    add_child(p, frame->node, frame->clause);
}

static usize add_word(WatPrinter *p, const char *word)
{
    usize piece = p->pieces.length;
    dv_text_str(&p->pieces, word);
    return piece;
}

/* ---- printing trees ---- */

static void print_node(WatPrinter *p, u32 node, u32 depth, bool on_line)
{
    const PrintNode *n = &p->nodes.data[node];
    if (on_line) {
        dv_text_char(p->out, ' ');
    } else {
        dv_print_line(p->out, depth);
    }
    dv_text_char(p->out, '(');
    dv_text_bytes(p->out, p->pieces.data + n->piece, n->piece_length);
    PrintTask task = {n->first, depth + 1, on_line || n->width <= LINE_MAX};
    vec_push(p->arena, &p->tasks, task);
}

/* Prints the tree, one line if `on_line`, else as it fits. */
static void print_tree(WatPrinter *p, u32 root, u32 depth, bool on_line)
{
    p->tasks.len = 0;
    print_node(p, root, depth, on_line);
    while (p->tasks.len != 0) {
        PrintTask *task = &p->tasks.data[p->tasks.len - 1];
        u32 child = task->next;
        if (child == NO_NODE) {
            dv_text_char(p->out, ')');
            p->tasks.len--;
        } else {
            task->next = p->nodes.data[child].next;
            print_node(p, child, task->depth, task->on_line);
        }
    }
}

/* ---- reading ---- */

/* Reports what could not be read again; decoding alone lets it pass. */
static bool fail(WatPrinter *p, const WasmInst *inst, const char *why)
{
    dv_diag_error(p->diag, 0, 0, "%s %s (at offset 0x%" PRIx32 ")", dv_wasm_ops[inst->op].text, why,
                  inst->at);
    return false;
}

static const char *const out_of_place = "does not belong to an open block";

static void put_line(WatPrinter *p, usize piece)
{
    dv_print_line(p->out, p->frames.len + 1);
    dv_text_bytes(p->out, p->pieces.data + piece, p->pieces.length - piece);
}

static bool is_block_op(u32 op)
{
    return op == W_block || op == W_loop || op == W_if || op == W_try || op == W_try_table;
}

static bool is_func_type(const WasmModule *m, u32 type)
{
    return type < m->types.len && m->types.data[type].kind == COMP_FUNC;
}

static bool open_block(WatPrinter *p, const WasmInst *inst, bool folded)
{
    u32 num_params;
    u32 num_results;
    const ValType *params;
    const ValType *results;
    PrintFrame frame = {0};
    if (inst->type == VT_BOTTOM && !is_func_type(p->module, inst->index)) {
        return fail(p, inst, "has a type that is no function type");
    }
    usize piece = p->pieces.length;
    const PrintName *name = dv_print_find_name(p, NAMES_LABELS, p->func, p->num_labels);
    dv_wat_print_inst(p, &p->pieces, inst);
    if (name != NULL && name->is_id) {
        frame.label =
            dv_strmap_intern(p->arena, &p->label_texts, name->text.data, name->text.len) + 1;
    } else {
        dv_text_printf(&p->pieces, " (;@%" PRIu32 ";)", p->frames.len);
    }
    p->num_labels++;
    dv_wasm_block_type(p->module, inst, &num_params, &params, &num_results, &results);
    frame.op = inst->op;
    frame.arity = inst->op == W_loop ? num_params : num_results;
    frame.results = num_results;
    if (folded) {
        frame.node = add_node(p, piece, num_results);
        frame.clause = frame.node;
        if (inst->op == W_if) {
            adopt(p, frame.node, find_operands(p, num_params + 1));
            begin_clause(p, &frame, add_word(p, "then"));
        } else if (inst->op == W_try) {
            begin_clause(p, &frame, add_word(p, "do"));
        }
        frame.base = p->items.len;
        p->nodes.data[frame.node].width = WIDE;
    } else {
        put_line(p, piece);
    }
    push_frame(p, frame);
    return true;
}

/* else, catch and catch_all. */
static bool next_clause(WatPrinter *p, const WasmInst *inst, bool folded)
{
    PrintFrame *frame = &p->frames.data[p->frames.len - 1];
    bool is_else = inst->op == W_else;
    if (frame->op != (is_else ? W_if : W_try) || frame->has_else) {
        return fail(p, inst, out_of_place);
    }
    frame->has_catch = !is_else;
    frame->has_else = inst->op != W_catch;
    usize piece = p->pieces.length;
    dv_wat_print_inst(p, &p->pieces, inst);
    if (folded) {
        adopt(p, frame->clause, frame->base);
        begin_clause(p, frame, piece);
    } else {
        p->frames.len--; /* as far left as the block */
        put_line(p, piece);
        p->frames.len++;
    }
    return true;
}

/* end and delegate. */
static bool close_block(WatPrinter *p, const WasmInst *inst, bool folded)
{
    const PrintFrame *top = &p->frames.data[p->frames.len - 1];
    bool is_delegate = inst->op == W_delegate;
    if (is_delegate &&
        (top->op != W_try || top->has_catch || top->has_else || p->frames.len == 1)) {
        return fail(p, inst, out_of_place);
    }
    PrintFrame frame = pop_frame(p);
    bool is_body = p->frames.len == 0;
    usize piece = p->pieces.length;
    dv_wat_print_inst(p, &p->pieces, inst);
    if (folded && !is_body) {
        adopt(p, frame.clause, frame.base);
        if (is_delegate) {
            begin_clause(p, &frame, piece);
        }
        vec_push(p->arena, &p->items, frame.node);
    } else if (!is_body) {
        put_line(p, piece);
    }
    return true;
}

static void plain(WatPrinter *p, const WasmInst *inst, bool folded)
{
    u32 params;
    u32 results;
    usize piece = p->pieces.length;
    dv_wat_print_inst(p, &p->pieces, inst);
    if (!folded) {
        put_line(p, piece);
        return;
    }
    dv_print_arity(p, inst, &params, &results);
    u32 node = add_node(p, piece, results);
    adopt(p, node, find_operands(p, params));
    vec_push(p->arena, &p->items, node);
}

/* Reads instructions to the end that closes the bottom frame: prints them, or makes trees of
 * them in p->items. */
static bool read_all(WatPrinter *p, WasmReader *r, u32 arity, bool folded)
{
    WasmInst inst;
    bool ok = true;
    p->frames.len = 0;
    p->nodes.len = 0;
    p->items.len = 0;
    p->num_labels = 0;
    dv_text_truncate(&p->pieces, 0);
    push_frame(p, (PrintFrame){.op = W_block, .arity = arity});
    while (ok && p->frames.len != 0) {
        ok = dv_wasm_next(r, &inst);
        if (!ok) {
            break;
        }
        if (!folded) {
            dv_text_truncate(&p->pieces, 0);
        }
        if (is_block_op(inst.op)) {
            ok = open_block(p, &inst, folded);
        } else if (inst.op == W_else || inst.op == W_catch || inst.op == W_catch_all) {
            ok = next_clause(p, &inst, folded);
        } else if (inst.op == W_end || inst.op == W_delegate) {
            ok = close_block(p, &inst, folded);
        } else if (inst.op == W_select_t && inst.count != 1) {
            ok = fail(p, &inst, "must name one type");
        } else {
            plain(p, &inst, folded);
        }
    }
    while (p->frames.len != 0) {
        (void)pop_frame(p);
    }
    if (ok && r->at != r->end) {
        dv_diag_error(p->diag, 0, 0, "END opcode expected: code behind the end of an expression");
        ok = false;
    }
    return ok;
}

static bool print_locals(WatPrinter *p, WasmReader *r, u32 index)
{
    u32 runs;
    bool is_open = false;
    u64 total = index;
    if (!dv_wasm_read_u32(r, &runs)) {
        return false;
    }
    for (u32 i = 0; i < runs; i++) {
        u32 count;
        ValType type;
        if (!dv_wasm_read_u32(r, &count) || !dv_wasm_read_type(r, "value type", &type)) {
            return false;
        }
        total += count;
        p->num_locals += count;
        if (total > dv_wasm_limits.locals || !dv_wasm_locals_fit(p->module, p->num_locals)) {
            dv_diag_error(p->diag, 0, 0, "too many locals in function %" PRIu32, p->func);
            return false;
        }
        for (; count > 0; count--, index++) {
            bool is_named = dv_print_find_name(p, NAMES_LOCALS, p->func, index) != NULL;
            if (is_open && is_named) {
                dv_text_char(p->out, ')');
                is_open = false;
            }
            if (!is_open) {
                dv_print_line(p->out, 2);
                dv_text_str(p->out, "(local");
                dv_print_binder(p, p->out, NAMES_LOCALS, p->func, index);
            }
            dv_text_char(p->out, ' ');
            dv_print_type(p, p->out, type);
            is_open = !is_named;
            dv_text_str(p->out, is_named ? ")" : "");
        }
    }
    dv_text_str(p->out, is_open ? ")" : "");
    return true;
}

bool dv_print_body(WatPrinter *p, u32 func)
{
    const WasmModule *m = p->module;
    const SubType *type = &m->types.data[m->funcs.data[func].type];
    WasmReader r;
    dv_wasm_reader_init(&r, m, m->codes.data[func - m->imported_funcs].body, p->diag);
    r.func = func;
    p->func = func;
    if (!print_locals(p, &r, type->num_params) ||
        !read_all(p, &r, type->num_results, p->options->folded)) {
        return false;
    }
    for (u32 i = 0; i < p->items.len; i++) {
        print_tree(p, p->items.data[i], 2, false);
    }
    return true;
}

bool dv_print_expr(WatPrinter *p, Span span)
{
    WasmReader r;
    dv_wasm_reader_init(&r, p->module, span, p->diag);
    p->func = UINT32_MAX;
    if (!read_all(p, &r, 1, true)) {
        return false;
    }
    ASSERT(p->items.len == 1); /* it was validated: one value is left, by what can be folded */
    for (u32 i = 0; i < p->items.len; i++) {
        print_tree(p, p->items.data[i], 0, true);
    }
    return true;
}
