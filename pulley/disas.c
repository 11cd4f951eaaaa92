/* disas.c - bytecode as text.
 *
 * The text of a module is what asm.c reads: declarations, then functions with an instruction a line. A label
 * "L16:" stands before the instruction at offset 16 if a branch or handler goes there. What the table does not
 * know is shown as .word, so any bytes can be shown; a branch to where no instruction starts is
 * shown by its distance, ".+6".
 */
#include "pulley/pulley.h"

static const char *const trap_names[256] = {
#define TRAP(name, code, message) [code] = #name,
#include "base/traps.def"
#undef TRAP
};

void dv_pulley_trap_name(u32 code, char name[16])
{
    usize at = 0;
    if (code < 256 && trap_names[code] != NULL) {
        memcpy(name, trap_names[code], strlen(trap_names[code]) + 1);
        return;
    }
    char digits[16];
    u32 count = 0;
    do {
        digits[count++] = (char)('0' + code % 10);
        code /= 10;
    } while (code != 0 && count < 10);
    memcpy(name, "user", 4);
    for (at = 4; count > 0; at++) {
        name[at] = digits[--count];
    }
    name[at] = '\0';
}

static void put_i64(TextBuf *out, i64 x)
{
    if (x < 0) {
        dv_text_char(out, '-');
    }
    dv_text_u64(out, x < 0 ? 0 - (u64)x : (u64)x);
}

static void put_distance(TextBuf *out, i64 distance)
{
    dv_text_str(out, distance < 0 ? "." : ".+");
    put_i64(out, distance);
}

/* `starts`: where instructions start, a number per word of code; NULL: everywhere. */
static void put_target(TextBuf *out, u32 offset, i64 distance, const BitSet *starts)
{
    i64 target = (i64)offset + distance;
    bool has_label = target >= 0 && target <= UINT32_MAX && target % 4 == 0 &&
                     (starts == NULL || dv_bitset_contains(starts, (u32)(target / 4)));
    if (has_label) {
        dv_text_char(out, 'L');
        dv_text_u64(out, (u64)target);
    } else {
        put_distance(out, distance);
    }
}

/* The function that begins at this offset of the code, or the distance to there. */
static void put_callee(TextBuf *out, const PulleyModule *m, i64 from, i64 distance)
{
    u32 callee = dv_pulley_callee(m, from + distance);
    if (callee != UINT32_MAX) {
        dv_text_str(out, dv_pulley_role_prefixes[PROLE_FUNC]);
        dv_text_u64(out, callee);
    } else {
        put_distance(out, distance);
    }
}

static void put_field(TextBuf *out, const PulleyField *field, u64 x)
{
    char trap[16];
    switch (field->role) {
    case PROLE_SIMM:
        put_i64(out, (i64)x);
        break;
    case PROLE_TRAPCODE:
        dv_pulley_trap_name((u32)x, trap);
        dv_text_str(out, trap);
        break;
    case PROLE_RMW:
        if (x < PULLEY_RMW_COUNT) {
            dv_text_str(out, dv_pulley_rmw_names[x]);
        } else {
            dv_text_u64(out, x);
        }
        break;
    case PROLE_HELPER:
        if (x < PULLEY_HELPER_COUNT) {
            dv_text_str(out, dv_pulley_helpers[x].name);
        } else {
            dv_text_u64(out, x);
        }
        break;
    default:
        dv_text_str(out, dv_pulley_role_prefixes[field->role]);
        dv_text_u64(out, x);
        break;
    }
}

static void put_entries(TextBuf *out, const PulleyInst *inst, u32 offset, bool big,
                        const BitSet *starts)
{
    dv_text_char(out, '[');
    for (u64 i = 0; i <= inst->fields[1]; i++) {
        dv_text_str(out, i == 0 ? "" : ", ");
        put_target(out, offset, (i64)(i32)load_u32(inst->entries + i * 4, big) * 4, starts);
    }
    dv_text_char(out, ']');
}

/* An instruction of a function. `starts` as for put_target. */
static void put_inst(TextBuf *out, const PulleyModule *m, const PulleyFunc *func,
                     const PulleyInst *inst, u32 offset, const BitSet *starts)
{
    const PulleyShapeInfo *shape = dv_pulley_shape((PulleyOp)inst->op);
    dv_text_str(out, dv_pulley_ops[inst->op].name);
    for (u32 i = 0; i < shape->count; i++) {
        dv_text_str(out, i == 0 ? " " : ", ");
        if (shape->fields[i].role == PROLE_TARGET) {
            put_target(out, offset, (i64)inst->fields[i], starts);
        } else if (shape->fields[i].role == PROLE_ENTRIES) {
            put_entries(out, inst, offset, m->big, starts);
        } else if (shape->fields[i].role == PROLE_FUNC) {
            put_callee(out, m, (i64)func->code + offset, (i64)inst->fields[i]);
        } else {
            put_field(out, &shape->fields[i], inst->fields[i]);
        }
    }
}

void dv_pulley_print_inst(TextBuf *out, const PulleyModule *module, const PulleyFunc *func,
                          const PulleyInst *inst, u32 offset)
{
    put_inst(out, module, func, inst, offset, NULL);
}

/* ---- functions ---- */

typedef struct Listing {
    TextBuf *out;
    const PulleyModule *module;
    const PulleyFunc *func;
    const u8 *code;
    u32 size;
    BitSet starts;
    BitSet targets;
} Listing;

static void add_target(Listing *l, i64 target)
{
    if (target >= 0 && target < l->size && target % 4 == 0) {
        dv_bitset_insert(l->out->arena, &l->targets, (u32)(target / 4));
    }
}

static u32 next_inst(const Listing *l, u32 offset, PulleyInst *inst, bool *known)
{
    *known = dv_pulley_decode(l->code + offset, l->size - offset, l->module->big, inst);
    return *known ? inst->size : 4;
}

static void find_labels(Listing *l)
{
    PulleyInst inst;
    bool known;
    u32 step;
    for (u32 offset = 0; offset < l->size; offset += step) {
        step = next_inst(l, offset, &inst, &known);
        if (!known) {
            continue;
        }
        dv_bitset_insert(l->out->arena, &l->starts, offset / 4);
        const PulleyShapeInfo *shape = dv_pulley_shape((PulleyOp)inst.op);
        for (u32 i = 0; i < shape->count; i++) {
            if (shape->fields[i].role == PROLE_TARGET) {
                add_target(l, (i64)offset + (i64)inst.fields[i]);
            }
        }
        for (u64 i = 0; inst.entries != NULL && i <= inst.fields[1]; i++) {
            i64 words = (i32)load_u32(inst.entries + i * 4, l->module->big);
            add_target(l, (i64)offset + words * 4);
        }
    }
    for (u32 i = 0; i < l->func->handler_count; i++) {
        const PulleyHandler *h = &l->module->handlers.data[l->func->first_handler + i];
        if (h->kind != PULLEY_HANDLER_CONTEXT) {
            add_target(l, h->target);
        }
    }
}

static void put_handler(Listing *l, const PulleyHandler *h)
{
    TextBuf *out = l->out;
    dv_text_str(out, "    catch ");
    if (h->kind == PULLEY_HANDLER_CONTEXT) {
        dv_text_printf(out, "context s%" PRIu32 "\n", h->value);
        return;
    }
    if (h->kind == PULLEY_HANDLER_TAG) {
        dv_text_printf(out, "tag%" PRIu32 ", ", h->value);
    } else {
        dv_text_str(out, "all, ");
    }
    put_target(out, h->call, (i64)h->target - h->call, &l->starts);
    dv_text_char(out, '\n');
}

static void put_code(Listing *l)
{
    TextBuf *out = l->out;
    PulleyInst inst;
    bool known;
    u32 step;
    u32 handler = 0;
    for (u32 offset = 0; offset < l->size; offset += step) {
        step = next_inst(l, offset, &inst, &known);
        if (known && dv_bitset_contains(&l->targets, offset / 4)) {
            dv_text_printf(out, "L%" PRIu32 ":\n", offset);
        }
        dv_text_str(out, "    ");
        if (known) {
            put_inst(out, l->module, l->func, &inst, offset, &l->starts);
        } else {
            dv_text_printf(out, ".word 0x%08" PRIx32, load_be32(l->code + offset));
        }
        dv_text_char(out, '\n');
        for (; known && handler < l->func->handler_count; handler++) {
            const PulleyHandler *h = &l->module->handlers.data[l->func->first_handler + handler];
            if (h->call != offset) {
                break;
            }
            put_handler(l, h);
        }
    }
}

static void put_func(TextBuf *out, const PulleyModule *m, const PulleyFunc *f)
{
    Listing l = {.out = out, .module = m, .func = f, .code = m->code + f->code};
    l.size = f->size_bytes;
    dv_text_printf(out, "func type%" PRIu32 ", window %u", f->type, (unsigned)f->window);
    if (f->frame != 0) {
        dv_text_printf(out, ", frame %" PRIu32, f->frame);
    }
    dv_text_str(out, " {\n");
    find_labels(&l);
    put_code(&l);
    dv_text_str(out, "}\n");
}

/* ---- modules ---- */

const char *const dv_pulley_profile_names[PULLEY_RAW64 + 1] = {"sandboxed", "raw32", "raw64"};
const char *const dv_pulley_ref_names[PULLEY_REF_COUNT] = {"func", "extern", "any", "exn"};

static void put_entities(TextBuf *out, const PulleyModule *m)
{
    for (u32 i = 0; i < m->memories.len; i++) {
        const PulleyMemory *memory = &m->memories.data[i];
        dv_text_printf(out, "memory %s%s\n", memory->index64 ? "i64" : "i32",
                       memory->shared ? " shared" : "");
    }
    for (u32 i = 0; i < m->globals.len; i++) {
        const PulleyGlobal *global = &m->globals.data[i];
        dv_text_printf(out, "global %u%s\n", (unsigned)global->size_bytes,
                       global->mutable ? " mutable" : "");
    }
    for (u32 i = 0; i < m->tables.len; i++) {
        const PulleyTable *table = &m->tables.data[i];
        dv_text_printf(out, "table %s %s\n", table->index64 ? "i64" : "i32",
                       dv_pulley_ref_names[table->ref]);
    }
    for (u32 i = 0; i < m->tags.len; i++) {
        dv_text_printf(out, "tag type%" PRIu32 "\n", m->tags.data[i]);
    }
    for (u32 i = 0; i < m->elems.len; i++) {
        dv_text_printf(out, "elem %s\n", dv_pulley_ref_names[m->elems.data[i]]);
    }
    if (m->data_count != 0) {
        dv_text_printf(out, "data %" PRIu32 "\n", m->data_count);
    }
    if (m->symbol_count != 0) {
        dv_text_printf(out, "symbols %" PRIu32 "\n", m->symbol_count);
    }
}

void dv_pulley_print_module(TextBuf *out, const PulleyModule *m)
{
    dv_text_printf(out, "profile %s\n", dv_pulley_profile_names[m->profile]);
    dv_text_str(out, m->metered ? "metered\n" : "");
    if (m->groups != 0) {
        dv_text_str(out, "groups");
        for (u32 i = 0; i < PULLEY_GROUP_COUNT; i++) {
            if ((m->groups >> i & 1) != 0) {
                dv_text_printf(out, " %s", dv_pulley_group_names[i]);
            }
        }
        dv_text_char(out, '\n');
    }
    for (u32 i = 0; i < m->types.len; i++) {
        const PulleyType *type = &m->types.data[i];
        dv_text_printf(out, "type %" PRIu32 " -> %" PRIu32 "\n", type->args, type->results);
    }
    for (u32 i = 0; i < m->imports.len; i++) {
        dv_text_printf(out, "import type%" PRIu32 "\n", m->imports.data[i]);
    }
    put_entities(out, m);
    for (u32 i = 0; i < m->funcs.len; i++) {
        put_func(out, m, &m->funcs.data[i]);
    }
}
