/* artifact.c - compiled modules as bytes; the format is told in wasm/runtime/artifact.h.
 *
 * Sections are appended one after the other, each noted in a row; the header, which has the rows and a hash of everything behind
 * it, was left room for and is filled in at the end. The metadata is the module's own sections as they are, but for the
 * code, in the order of the binary format, with the custom sections where they were.
 */
#include "wasm/compile/artifact.h"

#include "wasm/runtime/artifact.h"

enum { CUSTOM_ID = 0, CODE_ID = 10, ROWS_MAX = ARTIFACT_SECTION_COUNT };

/* Known sections by id, in the order they have in a module. */
static const u8 section_order[] = {1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11};

typedef struct Row {
    u32 kind, offset, size, count;
} Row;

typedef struct Writer {
    ByteBuf *out;
    usize base; /* where the artifact begins */
    Row rows[ROWS_MAX];
    u32 num_rows;
} Writer;

/* ---- numbers ---- */

static void put_u32(ByteBuf *out, u32 x)
{
    dv_bytebuf_u32(out, x, false);
}

static u32 leb_size(u64 x)
{
    u32 size = 1;
    for (; x >= 0x80; x >>= 7) {
        size++;
    }
    return size;
}

typedef struct SourceRuns {
    ByteBuf *out;
    u32 unit_bytes, code, wasm; /* where the last run begins, in both */
} SourceRuns;

static void add_run(SourceRuns *runs, u32 code, u32 wasm)
{
    if (wasm != runs->wasm) {
        dv_bytebuf_uleb(runs->out, (code - runs->code) / runs->unit_bytes);
        dv_bytebuf_sleb(runs->out, (i64)wasm - runs->wasm);
        runs->code = code;
        runs->wasm = wasm;
    }
}

void dv_artifact_add_sources(ByteBuf *out, const MachCode *code, u32 body, u32 unit_bytes)
{
    SourceRuns runs = {out, unit_bytes, 0, 0};
    u32 first = code->srclocs.len == 0 ? body : code->srclocs.data[0].srcloc, end = 0;
    add_run(&runs, 0, body);
    for (u32 i = 0; i < code->srclocs.len; i++) {
        const MachSrcRange *range = &code->srclocs.data[i];
        if (range->start > end) { /* the frame is made for the first instruction */
            add_run(&runs, end, first);
        }
        add_run(&runs, range->start, range->srcloc);
        end = range->end;
    }
    if (end < code->size_bytes) {
        add_run(&runs, end, first);
    }
}

/* ---- sections ---- */

static void begin_section(Writer *w, ArtifactSection kind, u32 count)
{
    usize size = w->out->len - w->base;
    dv_bytebuf_zeros(w->out, (0 - size) & (ARTIFACT_ALIGN - 1));
    ASSERT(w->num_rows < ROWS_MAX);
    w->rows[w->num_rows++] = (Row){kind, (u32)(w->out->len - w->base), 0, count};
}

static void end_section(Writer *w)
{
    Row *row = &w->rows[w->num_rows - 1];
    row->size = (u32)(w->out->len - w->base) - row->offset;
}

static void write_custom(ByteBuf *out, const WasmModule *m, const CustomDecl *custom)
{
    u64 size = (u64)leb_size(custom->name.len) + custom->name.len + custom->bytes.size;
    dv_bytebuf_u8(out, CUSTOM_ID);
    dv_bytebuf_uleb(out, size);
    dv_bytebuf_uleb(out, custom->name.len);
    dv_bytebuf_bytes(out, custom->name.data, custom->name.len);
    dv_bytebuf_bytes(out, m->bytes + custom->bytes.offset, custom->bytes.size);
}

/* The custom sections from *next on that come behind this known section. */
static void write_customs(ByteBuf *out, const WasmModule *m, u8 after, u32 *next)
{
    while (*next < m->customs.len && m->customs.data[*next].after == after) {
        write_custom(out, m, &m->customs.data[(*next)++]);
    }
}

static void write_meta(Writer *w, const WasmModule *m, bool strip)
{
    static const u8 magic[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    u32 next = strip ? m->customs.len : 0;
    begin_section(w, ARTIFACT_META, 0);
    dv_bytebuf_bytes(w->out, magic, sizeof magic);
    write_customs(w->out, m, 0, &next);
    for (u32 i = 0; i < ARRAY_LEN(section_order); i++) {
        Span span = m->sections[section_order[i]];
        if (span.size != 0 && section_order[i] != CODE_ID) {
            dv_bytebuf_u8(w->out, section_order[i]);
            dv_bytebuf_uleb(w->out, span.size);
            dv_bytebuf_bytes(w->out, m->bytes + span.offset, span.size);
        }
        write_customs(w->out, m, section_order[i], &next);
    }
    end_section(w);
}

static void write_types(Writer *w, const PulModule *linked)
{
    begin_section(w, ARTIFACT_TYPES, linked->types.len);
    for (u32 i = 0; i < linked->types.len; i++) {
        const PulTypeKey *key = &linked->types.data[i];
        CHECK(key->kind == PUL_ENTITY_TYPE);
        const WasmTypeData *type = &vec_at(&key->func->wasm_types, key->index);
        put_u32(w->out, linked->module.types.data[i].args);
        put_u32(w->out, linked->module.types.data[i].results);
        put_u32(w->out, type->index);
    }
    end_section(w);
}

static void write_funcs(Writer *w, const PulleyModule *m)
{
    begin_section(w, ARTIFACT_FUNCS, m->funcs.len);
    for (u32 i = 0; i < m->funcs.len; i++) {
        const PulleyFunc *f = &m->funcs.data[i];
        const u32 row[] = {f->code,   f->size_bytes,    f->type,         f->frame,
                           f->window, f->first_handler, f->handler_count};
        for (u32 k = 0; k < ARRAY_LEN(row); k++) {
            put_u32(w->out, row[k]);
        }
    }
    end_section(w);
    begin_section(w, ARTIFACT_HANDLERS, m->handlers.len);
    for (u32 i = 0; i < m->handlers.len; i++) {
        const PulleyHandler *h = &m->handlers.data[i];
        put_u32(w->out, h->call);
        put_u32(w->out, h->target);
        put_u32(w->out, h->value);
        put_u32(w->out, h->kind);
    }
    end_section(w);
}

static void write_imports(Writer *w, const PulModule *linked)
{
    begin_section(w, ARTIFACT_IMPORTS, linked->imports.len);
    for (u32 i = 0; i < linked->imports.len; i++) {
        put_u32(w->out, linked->module.imports.data[i]);
        put_u32(w->out, linked->imports.data[i].index);
    }
    end_section(w);
}

static void write_sources(Writer *w, const ArtifactParts *parts)
{
    u32 count = parts->module->codes.len;
    u32 start = 0;
    begin_section(w, ARTIFACT_SOURCES, count);
    for (u32 i = 0; i < count; i++) {
        put_u32(w->out, start);
        start += parts->sources[i].len;
    }
    put_u32(w->out, start);
    for (u32 i = 0; i < count; i++) {
        dv_bytebuf_bytes(w->out, parts->sources[i].data, parts->sources[i].len);
    }
    end_section(w);
}

/* ---- machine code ---- */

static void write_native_head(Writer *w, const NativeParts *native)
{
    u32 count = native->vm->shape.num_memories;
    begin_section(w, ARTIFACT_NATIVE_HEAD, count);
    put_u32(w->out, ARTIFACT_X64);
    put_u32(w->out, VM_VERSION);
    dv_bytebuf_u64(w->out, native->features, false);
    for (u32 i = 0; i < count; i++) {
        put_u32(w->out, native->vm->memory_modes[i] == VM_MEMORY_STATIC ? ARTIFACT_MEMORY_STATIC
                                                                        : ARTIFACT_MEMORY_DYNAMIC);
    }
    end_section(w);
}

static void write_native(Writer *w, const NativeParts *native, const NativeLinked *linked)
{
    u32 funcs = native->module->codes.len, count = funcs + 2 * native->types.len;
    write_native_head(w, native);
    begin_section(w, ARTIFACT_NATIVE_FUNCS, funcs);
    for (u32 i = 0; i < funcs; i++) {
        put_u32(w->out, linked->offsets[i]);
        put_u32(w->out, native->funcs[i]->code.size_bytes);
    }
    end_section(w);
    begin_section(w, ARTIFACT_NATIVE_TRAPS, linked->traps.len);
    for (u32 i = 0; i < linked->traps.len; i++) {
        put_u32(w->out, linked->traps.data[i].offset);
        put_u32(w->out, linked->traps.data[i].code);
    }
    end_section(w);
    begin_section(w, ARTIFACT_NATIVE_HANDLERS, linked->handlers.len);
    for (u32 i = 0; i < linked->handlers.len; i++) {
        const VmHandler *h = &linked->handlers.data[i];
        put_u32(w->out, h->call);
        put_u32(w->out, h->frame_bytes);
        put_u32(w->out, h->kind);
        put_u32(w->out, h->value);
        put_u32(w->out, h->target);
    }
    end_section(w);
    begin_section(w, ARTIFACT_NATIVE_ADAPTERS, native->types.len);
    for (u32 i = 0; i < native->types.len; i++) {
        put_u32(w->out, native->types.data[i]);
        put_u32(w->out, linked->offsets[funcs + 2 * i]);
        put_u32(w->out, linked->offsets[funcs + 2 * i + 1]);
    }
    end_section(w);
    begin_section(w, ARTIFACT_NATIVE_CODE, 0);
    dv_bytebuf_bytes(w->out, linked->code.data, linked->code.len);
    end_section(w);
    begin_section(w, ARTIFACT_NATIVE_PROLOGUES, count);
    for (u32 i = 0; i < count; i++) {
        const VmPrologue *p = &linked->prologues[i];
        put_u32(w->out, p->offset);
        put_u32(w->out, p->framed);
        put_u32(w->out, p->kept);
        put_u32(w->out, p->regs | (u32)p->words << 16);
    }
    end_section(w);
}

/* ---- all of it ---- */

static void write_header(Writer *w, const ArtifactParts *parts)
{
    usize size = w->out->len - w->base;
    u8 *header = dv_bytebuf_at(w->out, w->base, size);
    u8 *row = header + ARTIFACT_HEADER_BYTES;
    for (u32 i = 0; i < w->num_rows; i++, row += ARTIFACT_ROW_BYTES) {
        store_le32(row, w->rows[i].kind);
        store_le32(row + 4, w->rows[i].offset);
        store_le32(row + 8, w->rows[i].size);
        store_le32(row + 12, w->rows[i].count);
    }
    memcpy(header, ARTIFACT_MAGIC, 4);
    store_le32(header + 4, ARTIFACT_VERSION);
    store_le32(header + 8, w->num_rows);
    store_le32(header + 12, (parts->metered ? ARTIFACT_METERED : 0u) |
                                (parts->linked == NULL ? ARTIFACT_NATIVE : 0u));
    store_le64(header + 16, parts->module->used);
    store_le64(header + 24,
               artifact_hash(header + ARTIFACT_HEADER_BYTES, size - ARTIFACT_HEADER_BYTES));
}

static u64 bytecode_bytes(const PulleyModule *m)
{
    return (u64)m->types.len * ARTIFACT_TYPE_BYTES + (u64)m->funcs.len * ARTIFACT_FUNC_BYTES +
           (u64)m->handlers.len * ARTIFACT_HANDLER_BYTES +
           (u64)m->imports.len * ARTIFACT_IMPORT_BYTES + m->code_size_bytes;
}

static u64 native_bytes(const NativeParts *native, const NativeLinked *linked)
{
    return (u64)native->module->codes.len * ARTIFACT_NATIVE_FUNC_BYTES +
           (u64)native->module->memories.len * ARTIFACT_MEMORY_MODE_BYTES +
           (u64)linked->traps.len * ARTIFACT_NATIVE_TRAP_BYTES +
           (u64)linked->handlers.len * ARTIFACT_NATIVE_HANDLER_BYTES +
           (u64)native->types.len * (ARTIFACT_ADAPTER_BYTES + 2 * ARTIFACT_PROLOGUE_BYTES) +
           (u64)native->module->codes.len * ARTIFACT_PROLOGUE_BYTES + linked->code.len;
}

/* At most; in bytes. */
static u64 estimate(const ArtifactParts *parts)
{
    u64 sources = ((u64)parts->module->codes.len + 1) * 4;
    for (u32 i = 0; i < parts->module->codes.len && !parts->strip; i++) {
        sources += parts->sources[i].len;
    }
    return 4096 + parts->module->size + sources +
           (parts->linked != NULL ? bytecode_bytes(&parts->linked->module)
                                  : native_bytes(parts->native, parts->native_linked));
}

static void write_bytecode(Writer *w, const PulModule *linked)
{
    const PulleyModule *m = &linked->module;
    write_types(w, linked);
    write_funcs(w, m);
    write_imports(w, linked);
    begin_section(w, ARTIFACT_CODE, 0);
    dv_bytebuf_bytes(w->out, m->code, m->code_size_bytes);
    end_section(w);
}

bool dv_artifact_write(ByteBuf *out, const ArtifactParts *parts, Diag *diag)
{
    enum { BYTECODE_SECTIONS = 6, NATIVE_SECTIONS = 8 }; /* META included */
    Writer w = {.out = out, .base = out->len};
    if (estimate(parts) > UINT32_MAX) {
        dv_diag_error(diag, 0, 0, "the compiled module would have 4 GiB or more");
        return false;
    }
    u32 num_sections =
        (u32)(parts->linked != NULL ? BYTECODE_SECTIONS : NATIVE_SECTIONS) + !parts->strip;
    dv_bytebuf_zeros(out, ARTIFACT_HEADER_BYTES + num_sections * ARTIFACT_ROW_BYTES);
    write_meta(&w, parts->module, parts->strip);
    if (parts->linked != NULL) {
        write_bytecode(&w, parts->linked);
    } else {
        write_native(&w, parts->native, parts->native_linked);
    }
    if (!parts->strip) {
        write_sources(&w, parts);
    }
    CHECK(w.num_rows == num_sections);
    write_header(&w, parts);
    return true;
}
