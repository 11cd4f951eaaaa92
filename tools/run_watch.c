/* run_watch.c - what `davit run` shows of a running program: a profile, and a trace.
 *
 * Both use the interpreter's counting form. The profile has how often each operation ran, how often each pair ran one after the other,
 * and for each function how many instructions ran in it; as text, or as a page whose bars show the shares.
 */
#include "tools/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

struct RunWatch {
    Command *command;
    const char *profile;
    bool trace;
};

typedef struct Row {
    const char *name;
    u64 count;
} Row;

typedef VEC(Row) Rows;

bool dv_run_find_form(const char *name, u32 *form)
{
    static const char *const names[] = {"best", "switch", "goto", "tail"};
    static const u32 forms[] = {INTERP_BEST, INTERP_SWITCH, INTERP_GOTO, INTERP_TAIL};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *form = forms[i];
            return *form == INTERP_BEST || dv_interp_has_form((InterpForm)*form);
        }
    }
    return false;
}

RunWatch *dv_run_watch_new(Command *command, const char *profile, bool trace)
{
    if (profile == NULL && !trace) {
        return NULL;
    }
    RunWatch *watch = ARENA_NEW(command->arena, RunWatch);
    *watch = (RunWatch){command, profile, trace};
    return watch;
}

/* ---- the trace ---- */

static void print_step(void *context, Interp *vm, const u8 *pc, const u64 *slots)
{
    RunWatch *watch = context;
    Arena *arena = watch->command->arena;
    InterpInstance *instance = dv_interp_instance(vm);
    InterpFrame at;
    PulleyInst inst;
    if (!dv_interp_locate(instance, pc, &at) ||
        !dv_pulley_decode(pc, PULLEY_INST_MAX, instance->module->big, &inst)) {
        return;
    }
    ArenaMark mark = dv_arena_mark(arena);
    TextBuf text;
    dv_text_init(&text, arena);
    dv_text_printf(&text, "func%u+%u: ", (unsigned)at.func, (unsigned)at.offset);
    dv_pulley_print_inst(&text, instance->module, &instance->module->funcs.data[at.func], &inst,
                         at.offset);
    fprintf(stderr, "%-60s s0=0x%" PRIx64 " s1=0x%" PRIx64 "\n", text.data, slots[0], slots[1]);
    dv_arena_release_to(arena, mark);
}

void dv_run_watch_config(RunWatch *watch, RtStoreConfig *config)
{
    if (watch == NULL) {
        return;
    }
    config->form = INTERP_PROFILE;
    if (watch->trace) {
        config->on_step = print_step;
        config->step_context = watch;
    }
}

/* ---- the profile ---- */

static int compare_rows(const void *a, const void *b)
{
    const Row *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

static void add_row(Arena *arena, Rows *rows, const char *name, u64 count)
{
    Row row = {name, count};
    if (count != 0) {
        vec_push(arena, rows, row);
    }
}

static void collect_ops(Arena *arena, const InterpProfile *profile, Rows *ops, Rows *pairs)
{
    for (u32 i = 0; i < PULLEY_OP_COUNT; i++) {
        add_row(arena, ops, dv_pulley_ops[i].name, profile->ops[i]);
        for (u32 j = 0; j < PULLEY_OP_COUNT && profile->ops[i] != 0; j++) {
            if (profile->pairs[i][j] != 0) {
                add_row(
                    arena, pairs,
                    dv_arena_printf(arena, "%s %s", dv_pulley_ops[i].name, dv_pulley_ops[j].name),
                    profile->pairs[i][j]);
            }
        }
    }
}

static void collect_funcs(Arena *arena, RtStore *store, Rows *funcs)
{
    for (RtInstance *instance = NULL;
         (instance = dv_rt_store_next_instance(store, instance)) != NULL;) {
        const InterpInstance *interp = dv_rt_instance_interp(instance);
        const WasmModule *info = dv_rt_module_info(dv_rt_instance_module(instance));
        const PulleyModule *code = interp->module;
        for (u32 n = 0; n < code->funcs.len; n++) {
            const PulleyFunc *f = &code->funcs.data[n];
            Str name = dv_wasm_func_name(info, info->imported_funcs + n);
            u64 count = 0;
            for (u32 word = f->code / 4; word < (f->code + f->size_bytes) / 4; word++) {
                count += interp->word_counts[word];
            }
            const char *label =
                dv_arena_printf(arena, "function %u", (unsigned)(info->imported_funcs + n));
            add_row(arena, funcs, name.len == 0 ? label : dv_diag_quote(arena, name.data, name.len),
                    count);
        }
    }
}

static void print_text(TextBuf *out, const char *title, const Rows *rows, u32 most, u64 all)
{
    dv_text_printf(out, "%s\n", title);
    for (u32 i = 0; i < rows->len && i < most; i++) {
        dv_text_printf(out, "%14" PRIu64 " %6.2f %%  %s\n", rows->data[i].count,
                       100.0 * (double)rows->data[i].count / (double)all, rows->data[i].name);
    }
    dv_text_char(out, '\n');
}

static void print_escaped(TextBuf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            dv_text_str(out, "&lt;");
            break;
        case '&':
            dv_text_str(out, "&amp;");
            break;
        default:
            dv_text_char(out, *text);
            break;
        }
    }
}

static void print_page(TextBuf *out, const char *title, const Rows *rows, u32 most, u64 all)
{
    dv_text_printf(out, "<h2>%s</h2>\n<table>\n", title);
    for (u32 i = 0; i < rows->len && i < most; i++) {
        double share = 100.0 * (double)rows->data[i].count / (double)all;
        dv_text_printf(out,
                       "<tr><td class=n>%" PRIu64
                       "<td class=n>%.2f %%<td><div style=\"width:%.1fem\"></div><td>",
                       rows->data[i].count, share, share / 4);
        print_escaped(out, rows->data[i].name);
        dv_text_str(out, "\n");
    }
    dv_text_str(out, "</table>\n");
}

static void print_all(TextBuf *out, bool is_page, const Rows *rows, u64 steps)
{
    static const char *const titles[] = {"functions", "operations", "pairs of operations"};
    static const u32 most[] = {50, PULLEY_OP_COUNT, 100};
    if (is_page) {
        dv_text_str(
            out, "<!doctype html><meta charset=utf-8><title>Profile</title>\n<style>body{font:14px "
                 "sans-serif;margin:2em}td{padding:0 .6em}.n{text-align:right}div{background:#48c;"
                 "height:1em}</style>\n");
    }
    dv_text_printf(out,
                   is_page ? "<h1>%" PRIu64 " instructions</h1>\n" : "%" PRIu64 " instructions\n\n",
                   steps);
    for (u32 i = 0; i < ARRAY_LEN(titles); i++) {
        if (is_page) {
            print_page(out, titles[i], &rows[i], most[i], steps);
        } else {
            print_text(out, titles[i], &rows[i], most[i], steps);
        }
    }
}

bool dv_run_watch_report(RunWatch *watch, RtStore *store)
{
    if (watch == NULL || watch->profile == NULL) {
        return true;
    }
    const InterpProfile *profile = dv_interp_profile(dv_rt_store_vm(store));
    Arena *arena = watch->command->arena;
    Rows rows[3] = {{0}, {0}, {0}};
    TextBuf out;
    const char *error;
    usize length = strlen(watch->profile);
    bool is_page = length >= 5 && strcmp(watch->profile + length - 5, ".html") == 0;
    collect_funcs(arena, store, &rows[0]);
    collect_ops(arena, profile, &rows[1], &rows[2]);
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].len != 0) {
            qsort(rows[i].data, rows[i].len, sizeof(Row), compare_rows);
        }
    }
    dv_text_init(&out, arena);
    print_all(&out, is_page, rows, profile->steps);
    if (strcmp(watch->profile, "-") == 0) {
        fwrite(out.data, 1, out.length, stderr);
        return true;
    }
    IoBytes bytes = {(const u8 *)out.data, out.length};
    if (dv_io_write(arena, watch->profile, bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit run: %s\n", error);
        return false;
    }
    return true;
}
