/* clif_testing.h - what the tests of parser and printer share: parsing text, printing a file, and
 * whether two functions say the same. */
#ifndef DV_CLIF_TESTING_H
#define DV_CLIF_TESTING_H

#include <dirent.h>

#include "unit.h"

#include "base/io.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"

static inline Str str_of(const char *text)
{
    return (Str){text, (u32)strlen(text)};
}

/* Parses text that must be good. */
static inline void parse_good(Arena *arena, Str text, ClifFile *file)
{
    Diag diag;
    dv_diag_init(&diag, arena);
    if (!dv_clif_parse(file, arena, text, &diag)) {
        const DiagMessage *m = dv_diag_first(&diag);
        fail_msg("%u:%u: %s in:\n%.*s", (unsigned)m->line, (unsigned)m->column, m->text,
                 (int)(text.len < 2000 ? text.len : 2000), text.data);
    }
}

/* All functions of the file as text. */
static inline Str print_all(Arena *arena, const ClifFile *file)
{
    TextBuf out;
    dv_text_init(&out, arena);
    for (u32 i = 0; i < file->funcs.len; i++) {
        dv_print_func(&out, &file->funcs.data[i]->func);
    }
    return (Str){out.data, (u32)out.length};
}

static inline bool str_equal(Str a, Str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ---- do two functions say the same? ---- */

/* Compares two Vecs of structures without pointers or, in what both wrote, padding: entry by entry.
 */
#define SAME_LIST(a, b, list, same_entry) \
    do { \
        if ((a)->list.len != (b)->list.len) { \
            return #list " differ in length"; \
        } \
        for (u32 i_ = 0; i_ < (a)->list.len; i_++) { \
            if (!same_entry(&(a)->list.data[i_], &(b)->list.data[i_])) { \
                return #list " differ"; \
            } \
        } \
    } while (false)

static inline bool same_slot(const StackSlotData *a, const StackSlotData *b)
{
    return a->present == b->present && a->has_key == b->has_key && a->size_bytes == b->size_bytes &&
           a->align_bytes == b->align_bytes && a->key == b->key;
}

static inline bool same_dyn_slot(const DynSlotData *a, const DynSlotData *b)
{
    return a->present == b->present && a->type.id == b->type.id;
}

static inline bool same_dyn_type(const DynTypeData *a, const DynTypeData *b)
{
    return a->present == b->present && a->base == b->base && a->scale.id == b->scale.id;
}

static inline bool same_global_value(const GlobalValueData *a, const GlobalValueData *b)
{
    return a->kind == b->kind && a->colocated == b->colocated && a->tls == b->tls &&
           a->type == b->type && a->flags == b->flags && a->region.id == b->region.id &&
           a->base.id == b->base.id && a->offset == b->offset &&
           dv_extname_equal(&a->name, &b->name);
}

static inline bool same_sig(const Signature *a, const Signature *b)
{
    return a->present == b->present && dv_signature_equal(a, b);
}

static inline bool same_func(const ExtFunc *a, const ExtFunc *b)
{
    return a->present == b->present && a->colocated == b->colocated &&
           a->patchable == b->patchable && a->sig.id == b->sig.id &&
           dv_extname_equal(&a->name, &b->name);
}

static inline bool same_region(const RegionData *a, const RegionData *b)
{
    return a->present == b->present && a->index == b->index && str_equal(a->name, b->name);
}

static inline bool same_wasm_type(const WasmTypeData *a, const WasmTypeData *b)
{
    return a->present == b->present && a->sig.id == b->sig.id && a->has_index == b->has_index &&
           a->index == b->index && a->num_params == b->num_params &&
           a->num_results == b->num_results &&
           (a->num_params == 0 || memcmp(a->params, b->params, a->num_params) == 0) &&
           (a->num_results == 0 || memcmp(a->results, b->results, a->num_results) == 0);
}

static inline bool same_memory(const WasmMemoryData *a, const WasmMemoryData *b)
{
    return a->present == b->present && a->import == b->import && a->shared == b->shared &&
           a->has_max == b->has_max && a->index_type == b->index_type && a->index == b->index &&
           a->page_bytes == b->page_bytes && a->min_pages == b->min_pages &&
           a->max_pages == b->max_pages;
}

static inline bool same_table(const WasmTableData *a, const WasmTableData *b)
{
    return a->present == b->present && a->import == b->import && a->has_max == b->has_max &&
           a->elem == b->elem && a->index_type == b->index_type && a->index == b->index &&
           a->min == b->min && a->max == b->max;
}

static inline bool same_global(const WasmGlobalData *a, const WasmGlobalData *b)
{
    return a->present == b->present && a->import == b->import && a->is_mutable == b->is_mutable &&
           a->type == b->type && a->index == b->index;
}

static inline bool same_wasm_func(const WasmFuncData *a, const WasmFuncData *b)
{
    return a->present == b->present && a->import == b->import && a->has_name == b->has_name &&
           a->type.id == b->type.id && dv_extname_equal(&a->name, &b->name);
}

static inline bool same_segment(const WasmSegmentData *a, const WasmSegmentData *b)
{
    return a->present == b->present && a->index == b->index;
}

static inline bool same_tag(const WasmTagData *a, const WasmTagData *b)
{
    return a->present == b->present && a->import == b->import && a->index == b->index &&
           a->type.id == b->type.id;
}

static inline const char *preamble_difference(const Func *a, const Func *b)
{
    if (!dv_extname_equal(&a->name, &b->name) || !dv_signature_equal(&a->sig, &b->sig) ||
        a->has_stack_limit != b->has_stack_limit || a->stack_limit.id != b->stack_limit.id) {
        return "name, signature or stack limit";
    }
    SAME_LIST(a, b, slots, same_slot);
    SAME_LIST(a, b, dyn_slots, same_dyn_slot);
    SAME_LIST(a, b, dyn_types, same_dyn_type);
    SAME_LIST(a, b, global_values, same_global_value);
    SAME_LIST(a, b, sigs, same_sig);
    SAME_LIST(a, b, funcs, same_func);
    SAME_LIST(a, b, regions, same_region);
    SAME_LIST(a, b, wasm_types, same_wasm_type);
    SAME_LIST(a, b, memories, same_memory);
    SAME_LIST(a, b, tables, same_table);
    SAME_LIST(a, b, globals, same_global);
    SAME_LIST(a, b, wasm_funcs, same_wasm_func);
    SAME_LIST(a, b, datas, same_segment);
    SAME_LIST(a, b, elems, same_segment);
    SAME_LIST(a, b, tags, same_tag);
    return NULL;
}

/* Masks and constants by their bytes: a mask's number is not part of the text. */
static inline bool same_entity(const Func *a, const Func *b, const InstData *x, const InstData *y)
{
    Format format = dv_ops[x->op].format;
    bool constants =
        format == FORMAT_UNARY_CONST && x->ent < a->constants.len && y->ent < b->constants.len;
    if (format == FORMAT_SHUFFLE) {
        return memcmp(&a->masks.data[x->ent], &b->masks.data[y->ent], sizeof(ShuffleMask)) == 0;
    }
    if (!constants) {
        return x->ent == y->ent;
    }
    const ConstantData *c = &a->constants.data[x->ent], *d = &b->constants.data[y->ent];
    return c->len == d->len && (c->len == 0 || memcmp(c->bytes, d->bytes, c->len) == 0);
}

static inline bool same_dests(const Func *a, const Func *b, Inst i, Inst j)
{
    u32 count, other_count;
    const BlockCall *x = dv_inst_dests_const(a, i, &count);
    const BlockCall *y = dv_inst_dests_const(b, j, &other_count);
    bool same = count == other_count;
    for (u32 n = 0; same && n < count; n++) {
        same = x[n].block.id == y[n].block.id && x[n].num_args == y[n].num_args;
        for (u32 k = 0; same && k < x[n].num_args; k++) {
            same = dv_call_arg(a, &x[n], k).bits == dv_call_arg(b, &y[n], k).bits;
        }
    }
    const ExceptionTable *t = dv_inst_exceptions(a, i), *u = dv_inst_exceptions(b, j);
    same = same && (t != NULL) == (u != NULL);
    same = same && (t == NULL || (t->sig.id == u->sig.id && t->num_handlers == u->num_handlers));
    for (u32 n = 0; same && t != NULL && n < t->num_handlers; n++) {
        const Handler *g = &t->handlers[n], *h = &u->handlers[n];
        same = g->kind == h->kind && g->tag == h->tag && g->dest == h->dest &&
               g->context.id == h->context.id;
    }
    return same;
}

static inline bool same_tables(const Func *a, const Func *b, Inst i, Inst j)
{
    const StackMap *m = dv_stack_map(a, i), *n = dv_stack_map(b, j);
    const DebugTags *t = dv_debug_tags(a, i), *u = dv_debug_tags(b, j);
    bool same = dv_srcloc(a, i) == dv_srcloc(b, j) && (m != NULL) == (n != NULL) &&
                (t != NULL) == (u != NULL);
    same = same && (m == NULL || m->num_entries == n->num_entries) &&
           (t == NULL || t->num_tags == u->num_tags);
    for (u32 k = 0; same && m != NULL && k < m->num_entries; k++) {
        same = m->entries[k].type == n->entries[k].type &&
               m->entries[k].slot.id == n->entries[k].slot.id &&
               m->entries[k].offset == n->entries[k].offset;
    }
    for (u32 k = 0; same && t != NULL && k < t->num_tags; k++) {
        same = t->tags[k].kind == u->tags[k].kind && t->tags[k].value == u->tags[k].value;
    }
    return same;
}

static inline bool same_inst(const Func *a, const Func *b, Inst i, Inst j)
{
    const InstData *x = dv_inst_const(a, i), *y = dv_inst_const(b, j);
    bool is_branch = (dv_ops[x->op].effects & FX_BRANCH) != 0;
    bool same = x->op == y->op && x->type == y->type && x->aux == y->aux && x->flags == y->flags &&
                x->num_args == y->num_args && x->num_results == y->num_results &&
                same_entity(a, b, x, y) && (is_branch || dv_imm64(x) == dv_imm64(y));
    for (u32 n = 0; same && n < x->num_args; n++) {
        same = dv_inst_arg(a, i, n).id == dv_inst_arg(b, j, n).id;
    }
    for (u32 n = 0; same && n < x->num_results; n++) {
        same = dv_inst_result(a, i, n).id == dv_inst_result(b, j, n).id;
    }
    return same && same_dests(a, b, i, j) && same_tables(a, b, i, j);
}

static inline bool same_values(const Func *a, const Func *b)
{
    u32 count = a->values.len > b->values.len ? a->values.len : b->values.len;
    for (u32 id = 0; id < count; id++) {
        bool there = dv_value_exists(a, (Value){id});
        if (there != dv_value_exists(b, (Value){id})) {
            return false;
        }
        if (!there) {
            continue;
        }
        const ValueData *x = &a->values.data[id], *y = &b->values.data[id];
        bool same = x->kind == y->kind && x->type == y->type && x->num == y->num;
        if (!same || (x->kind == VALUE_ALIAS && x->def != y->def)) {
            return false;
        }
    }
    return true;
}

/* What the two functions differ in, or NULL. Instructions are compared in layout order; their
 * numbers are not text. */
static inline const char *func_difference(const Func *a, const Func *b)
{
    const char *difference = preamble_difference(a, b);
    if (difference != NULL) {
        return difference;
    }
    if (!same_values(a, b)) {
        return "values";
    }
    Block x = a->first_block, y = b->first_block;
    while (x.id != ENTITY_NONE && x.id == y.id) {
        const BlockData *p = dv_block(a, x), *q = dv_block(b, y);
        if (p->cold != q->cold || p->num_params != q->num_params ||
            (p->num_params != 0 && memcmp(dv_block_params(a, x), dv_block_params(b, y),
                                          p->num_params * sizeof(u32)) != 0)) {
            return "block headers";
        }
        Inst i = p->first, j = q->first;
        while (i.id != ENTITY_NONE && j.id != ENTITY_NONE && same_inst(a, b, i, j)) {
            i = dv_inst_next(a, i);
            j = dv_inst_next(b, j);
        }
        if (i.id != ENTITY_NONE || j.id != ENTITY_NONE) {
            return "instructions";
        }
        x = p->next;
        y = q->next;
    }
    return x.id == y.id ? NULL : "blocks";
}

/* Prints what was parsed, parses that, and fails unless it says the same and prints the same. */
static inline void check_round_trip(Arena *arena, const ClifFile *file, const char *name)
{
    Str text = print_all(arena, file);
    ClifFile again;
    parse_good(arena, text, &again);
    Str text_again = print_all(arena, &again);
    if (!str_equal(text, text_again)) {
        fail_msg("%s: printed differently:\n%s\nand:\n%s", name, text.data, text_again.data);
    }
    assert_int_equal(file->funcs.len, again.funcs.len);
    for (u32 i = 0; i < file->funcs.len; i++) {
        const char *difference =
            func_difference(&file->funcs.data[i]->func, &again.funcs.data[i]->func);
        if (difference != NULL) {
            fail_msg("%s: function %u: %s in:\n%s", name, (unsigned)i, difference, text.data);
        }
    }
}

/* ---- files ---- */

typedef void VisitFile(Arena *arena, const char *path, Str text);

static inline bool ends_in(const char *text, const char *end)
{
    usize length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Visits the .clif files of a directory and, one deep, of its directories; gives how many there
 * were. */
static inline u32 visit_files(Fixture *x, const char *directory, u32 depth, VisitFile *visit)
{
    u32 count = 0;
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        ArenaMark mark = dv_arena_mark(&x->arena);
        const char *path = dv_arena_printf(&x->arena, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.' && depth > 0 && !ends_in(path, ".clif")) {
            count += visit_files(x, path, depth - 1, visit);
        } else if (ends_in(path, ".clif")) {
            IoBytes bytes;
            const char *error;
            assert_int_equal(dv_io_read(&x->arena, path, 0, &bytes, &error), DAVIT_OK);
            visit(&x->arena, path, (Str){(const char *)bytes.data, (u32)bytes.size});
            count++;
        }
        dv_arena_release_to(&x->arena, mark);
    }
    closedir(dir);
    return count;
}

#endif
