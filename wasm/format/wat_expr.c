/* wat_expr.c - sequences of instructions in the text, plain and folded, to bytes.
 *
 * Nothing recurses: what is open, be it a block that waits for its "end" or a folded instruction
 * whose operands are being read, is a frame on a stack. A folded instruction's bytes are made when
 * it is met (type uses must be seen in the order of the text) and wait in `pending` until its
 * parenthesis closes. A name of a label is looked up in a map from names to the place of the
 * innermost label of that name; a label that goes out of scope puts back what it shadowed.
 *
 *     (if (result i32) COND (then A) (else B))      COND  if  A  else  B  end
 *     (try (do A) (catch $t B))                     try  A  catch  B  end
 *     (try (do A) (delegate 0))                     try  A  delegate
 *
 * Source: WebAssembly core specification 3.0, "Instructions" of the text format; the branch hinting
 * and legacy exception handling proposals.
 */
#include "wat_internal.h"

typedef enum FrameKind {
    FRAME_EXPR,   /* the bottom: instructions up to a closing parenthesis, which stays */
    FRAME_ONE,    /* the bottom: one folded instruction */
    FRAME_PLAIN,  /* a folded instruction: its operands */
    FRAME_BLOCK,  /* a folded block, loop or try_table: its body */
    FRAME_IF,     /* a folded if: operands, then clauses */
    FRAME_TRY,    /* a folded try: clauses */
    FRAME_CLAUSE, /* (then, (else, (do, (catch, (catch_all: instructions */
    FRAME_FLAT    /* a block up to its "end" */
} FrameKind;

typedef enum FrameStage {
    STAGE_OPERANDS,
    STAGE_BEGUN,
    STAGE_CATCH,
    STAGE_ELSE,
    STAGE_DONE
} FrameStage;

struct WatFrame {
    u8 kind;
    u8 stage;
    u16 op;
    u32 token;   /* of the instruction */
    u32 label;   /* id of the label; 0: none */
    u32 pending; /* where its bytes begin */
    bool has_name;
    Str name; /* of the label, for the name section */
    WatAnnot *hint;
};

static WatFrame *top(WatBuilder *b)
{
    return &b->frames.data[b->frames.len - 1];
}

static void push_frame(WatBuilder *b, WatFrame frame)
{
    vec_push(b->arena, &b->frames, frame);
}

/* Appends an instruction's bytes. */
static void emit(WatBuilder *b, const u8 *bytes, usize size, u32 token)
{
    if (b->wants_places) {
        WatPlace place = {(u32)b->code->len, 0, 0};
        dv_wat_position(b->c.text, b->c.tokens[token].at, &place.line, &place.column);
        vec_push(b->arena, b->places, place);
    }
    dv_bytebuf_bytes(b->code, bytes, size);
}

static void emit_op(WatBuilder *b, WasmOp op, u32 token)
{
    b->inst.len = 0;
    dv_wat_put_op(&b->inst, op);
    emit(b, b->inst.data, b->inst.len, token);
}

/* ---- branch hints ---- */

/* The hint before an instruction that begins at `token`. */
static WatAnnot *find_hint(WatBuilder *b, u32 token, WasmOp op)
{
    if (b->c.text->annots.len == 0) {
        return NULL;
    }
    WatAnnot *hint = dv_wat_take_annot(&b->c, token, ANNOT_BRANCH_HINT);
    if (hint == NULL) {
        return NULL;
    }
    const char *const who = "@metadata.code.branch_hint annotation";
    if (dv_wat_take_annot(&b->c, token, ANNOT_BRANCH_HINT) != NULL) {
        dv_wat_fail_at(&b->c, hint->at, "%s: duplicate annotation", who);
    } else if (b->code != &b->body) {
        dv_wat_fail_at(&b->c, hint->at, "%s: not in a function", who);
    } else if (op != W_if && op != W_br_if) {
        dv_wat_fail_at(&b->c, hint->at, "%s: invalid target", who);
    }
    return hint;
}

/* Notes the hint for the instruction that comes next in the body. */
static void put_hint(WatBuilder *b, const WatAnnot *hint)
{
    if (hint == NULL || b->c.failed) {
        return;
    }
    WatCursor inside = b->c;
    ByteBuf bytes;
    dv_bytebuf_init(&bytes, b->arena);
    inside.tokens = b->c.text->annot_tokens.data;
    inside.at = hint->first;
    inside.last = hint->end;
    while (dv_wat_kind(&inside) == WAT_STRING) {
        dv_wat_take_string(&inside, &bytes);
    }
    if (inside.at != inside.last || bytes.len != 1 || bytes.data[0] > 1) {
        dv_wat_fail_at(
            &b->c, hint->at,
            "@metadata.code.branch_hint annotation: unexpected token, expected \"\\00\" or \"\\01\"");
        return;
    }
    dv_bytebuf_uleb(&b->hints, b->body.len);
    dv_bytebuf_uleb(&b->hints, 1);
    dv_bytebuf_u8(&b->hints, bytes.data[0]);
    b->num_hints++;
}

/* ---- labels ---- */

static void push_label(WatBuilder *b, u32 id)
{
    WatLabel label = {id, 0};
    if (id != 0) {
        (void)dv_map_get(&b->label_ids, id, &label.shadowed);
        dv_map_put(b->arena, &b->label_ids, id, b->labels.len + 1);
    }
    vec_push(b->arena, &b->labels, label);
}

static void pop_label(WatBuilder *b)
{
    WatLabel label = vec_pop(&b->labels);
    if (label.id != 0) {
        dv_map_put(b->arena, &b->label_ids, label.id, label.shadowed);
    }
}

/* Takes the name of a block's label into the frame. */
static void take_label_name(WatBuilder *b, WatFrame *frame)
{
    frame->has_name = dv_wat_take_binder(b, &frame->label, &frame->name);
}

/* Labels are numbered in the order of the blocks' bytes, in which a folded if comes behind its
 * operands. */
static void number_label(WatBuilder *b, const WatFrame *frame)
{
    if (frame->has_name) {
        vec_push(b->arena, &b->label_names, ((NameDecl){b->num_labels, frame->name}));
    }
    b->num_labels++;
}

/* A name behind "end" or "else" must be that of the block. */
static void check_label(WatBuilder *b, u32 label)
{
    WatCursor *c = &b->c;
    u32 token = c->at;
    u32 id = dv_wat_take_id(c);
    if (id != 0 && id != label) {
        Str text = dv_wat_id_text(c, id);
        dv_wat_fail(c, token, "mismatching label $%s",
                    dv_diag_quote(b->arena, text.data, text.len));
    }
}

/* ---- instructions ---- */

static bool is_block_op(WasmOp op)
{
    return op == W_block || op == W_loop || op == W_if || op == W_try || op == W_try_table;
}

/* Words that stand only where a block continues or ends. */
static bool is_delimiter(WasmOp op)
{
    return op == W_end || op == W_else || op == W_catch || op == W_catch_all || op == W_delegate;
}

/* Takes the operation's word; W_COUNT after an error. */
static WasmOp take_op(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WasmOp op = W_COUNT;
    if (dv_wat_kind(c) == WAT_WORD) {
        Str word = dv_wat_token_text(c, c->at);
        op = dv_wasm_op_find(word.data, word.len);
    }
    if (op == W_COUNT) {
        dv_wat_unexpected(c, "an instruction");
    } else {
        dv_wat_skip(c);
    }
    return op;
}

static void begin_flat(WatBuilder *b, WasmOp op, u32 token, WatAnnot *hint)
{
    WatFrame frame = {.kind = FRAME_FLAT, .stage = STAGE_BEGUN, .op = (u16)op, .token = token};
    take_label_name(b, &frame);
    number_label(b, &frame);
    dv_wat_take_inst(b, op);
    put_hint(b, hint);
    emit(b, b->inst.data, b->inst.len, token);
    push_label(b, frame.label);
    push_frame(b, frame);
}

/* end, else, catch, catch_all and delegate of a block that is not folded. */
static void continue_flat(WatBuilder *b, WasmOp op, u32 token)
{
    WatCursor *c = &b->c;
    WatFrame *frame = top(b);
    bool is_if = frame->op == W_if;
    bool is_try = frame->op == W_try;
    bool fits = frame->kind == FRAME_FLAT &&
                (op == W_end || (op == W_else && is_if && frame->stage == STAGE_BEGUN) ||
                 (op == W_catch && is_try && frame->stage <= STAGE_CATCH) ||
                 (op == W_catch_all && is_try && frame->stage <= STAGE_CATCH) ||
                 (op == W_delegate && is_try && frame->stage == STAGE_BEGUN));
    if (!fits) {
        c->at = token;
        dv_wat_unexpected(c, "an instruction");
        return;
    }
    frame->stage = op == W_catch ? STAGE_CATCH : STAGE_ELSE;
    u32 label = frame->label;
    if (op == W_end || op == W_delegate) {
        (void)vec_pop(&b->frames);
        pop_label(b);
    }
    if (op == W_end || op == W_else) {
        check_label(b, label);
        emit_op(b, op, token);
    } else {
        dv_wat_take_inst(b, op);
        emit(b, b->inst.data, b->inst.len, token);
    }
}

static void take_flat(WatBuilder *b)
{
    u32 token = b->c.at;
    WasmOp op = take_op(b);
    if (op == W_COUNT) {
        return;
    }
    WatAnnot *hint = find_hint(b, token, op);
    if (is_delimiter(op)) {
        continue_flat(b, op, token);
    } else if (is_block_op(op)) {
        begin_flat(b, op, token, hint);
    } else {
        dv_wat_take_inst(b, op);
        put_hint(b, hint);
        emit(b, b->inst.data, b->inst.len, token);
    }
}

static void begin_folded(WatBuilder *b)
{
    u32 paren = b->c.at;
    dv_wat_skip(&b->c);
    u32 token = b->c.at;
    WasmOp op = take_op(b);
    if (op == W_COUNT) {
        return;
    }
    if (is_delimiter(op)) {
        b->c.at = token;
        dv_wat_unexpected(&b->c, "an instruction");
        return;
    }
    WatFrame frame = {.kind = FRAME_PLAIN, .op = (u16)op, .token = token};
    frame.pending = (u32)b->pending.len;
    frame.hint = find_hint(b, paren, op);
    if (is_block_op(op)) {
        take_label_name(b, &frame);
    }
    dv_wat_take_inst(b, op);
    if (is_block_op(op) && op != W_if) {
        number_label(b, &frame);
        emit(b, b->inst.data, b->inst.len, token);
        push_label(b, frame.label);
        frame.kind = op == W_try ? FRAME_TRY : FRAME_BLOCK;
    } else {
        frame.kind = op == W_if ? FRAME_IF : FRAME_PLAIN;
        dv_bytebuf_bytes(&b->pending, b->inst.data, b->inst.len);
    }
    push_frame(b, frame);
}

/* Appends what waited for operands. */
static void emit_pending(WatBuilder *b, const WatFrame *frame)
{
    put_hint(b, frame->hint);
    emit(b, b->pending.data + frame->pending, b->pending.len - frame->pending, frame->token);
    b->pending.len = frame->pending;
}

static void push_clause(WatBuilder *b)
{
    push_frame(b, (WatFrame){.kind = FRAME_CLAUSE, .stage = STAGE_BEGUN, .op = W_nop});
}

/* An opening parenthesis in a folded if. */
static void continue_if(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WatFrame *frame = top(b);
    if (frame->stage == STAGE_OPERANDS && dv_wat_take_form(c, "then")) {
        frame->stage = STAGE_BEGUN;
        number_label(b, frame);
        emit_pending(b, frame);
        push_label(b, frame->label);
        push_clause(b);
    } else if (frame->stage == STAGE_BEGUN && dv_wat_take_form(c, "else")) {
        frame->stage = STAGE_ELSE;
        emit_op(b, W_else, c->at - 1);
        push_clause(b);
    } else if (frame->stage == STAGE_OPERANDS) {
        begin_folded(b);
    } else {
        dv_wat_unexpected(c, "(else or \")\"");
    }
}

/* An opening parenthesis in a folded try. */
static void continue_try(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WatFrame *frame = top(b);
    u32 token = c->at + 1;
    bool may_catch = frame->stage == STAGE_BEGUN || frame->stage == STAGE_CATCH;
    if (frame->stage == STAGE_OPERANDS && dv_wat_take_form(c, "do")) {
        frame->stage = STAGE_BEGUN;
        push_clause(b);
    } else if (frame->stage == STAGE_BEGUN && dv_wat_take_form(c, "delegate")) {
        frame->stage = STAGE_DONE;
        pop_label(b);
        dv_wat_take_inst(b, W_delegate);
        emit(b, b->inst.data, b->inst.len, token);
        dv_wat_close(c);
    } else if (may_catch && dv_wat_take_form(c, "catch")) {
        frame->stage = STAGE_CATCH;
        dv_wat_take_inst(b, W_catch);
        emit(b, b->inst.data, b->inst.len, token);
        push_clause(b);
    } else if (may_catch && dv_wat_take_form(c, "catch_all")) {
        frame->stage = STAGE_ELSE;
        emit_op(b, W_catch_all, token);
        push_clause(b);
    } else {
        dv_wat_unexpected(c,
                          frame->stage == STAGE_OPERANDS ? "(do" : "(catch, (catch_all or \")\"");
    }
}

/* A closing parenthesis, which ends the top frame. */
static void close_folded(WatBuilder *b)
{
    WatFrame frame = *top(b);
    bool begun = frame.kind != FRAME_IF && frame.kind != FRAME_TRY;
    if (frame.kind == FRAME_FLAT || frame.kind == FRAME_ONE ||
        (!begun && frame.stage == STAGE_OPERANDS)) {
        dv_wat_unexpected(&b->c, frame.kind == FRAME_FLAT ? "\"end\""
                                 : frame.kind == FRAME_IF ? "(then"
                                                          : "an instruction");
        return;
    }
    if (frame.kind == FRAME_PLAIN) {
        emit_pending(b, &frame);
    } else if (frame.kind != FRAME_CLAUSE && frame.stage != STAGE_DONE) {
        emit_op(b, W_end, b->c.at);
        pop_label(b);
    }
    (void)vec_pop(&b->frames);
    dv_wat_skip(&b->c);
}

/* One step: a token, or an opening parenthesis and what belongs to it. */
static void step(WatBuilder *b)
{
    WatCursor *c = &b->c;
    u8 frame = top(b)->kind;
    u8 kind = dv_wat_kind(c);
    bool takes_flat =
        frame == FRAME_EXPR || frame == FRAME_BLOCK || frame == FRAME_CLAUSE || frame == FRAME_FLAT;
    if (kind == WAT_RPAR) {
        close_folded(b);
    } else if (kind == WAT_LPAR && frame == FRAME_IF) {
        continue_if(b);
    } else if (frame == FRAME_TRY) {
        continue_try(b);
    } else if (kind == WAT_LPAR) {
        begin_folded(b);
    } else if (takes_flat) {
        take_flat(b);
    } else {
        dv_wat_unexpected(c, "\"(\" or \")\"");
    }
}

static void run(WatBuilder *b, u8 bottom)
{
    WatCursor *c = &b->c;
    u32 base = b->frames.len;
    u32 labels = b->labels.len;
    push_frame(b, (WatFrame){.kind = bottom, .stage = STAGE_BEGUN, .op = W_nop});
    push_label(b, 0);
    do {
        if (b->frames.len == base + 1 && bottom == FRAME_EXPR && dv_wat_kind(c) == WAT_RPAR) {
            break;
        }
        step(b);
    } while (!c->failed && (bottom == FRAME_EXPR || b->frames.len > base + 1));
    b->frames.len = base;
    while (b->labels.len > labels) {
        pop_label(b);
    }
    b->pending.len = 0;
}

void dv_wat_take_expr(WatBuilder *b)
{
    run(b, FRAME_EXPR);
}

void dv_wat_take_folded(WatBuilder *b)
{
    run(b, FRAME_ONE);
}
