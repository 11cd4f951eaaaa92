/* rt_testing.h - artifacts made by hand for tests of the runtime: a Meta is the declarations of a module, section by
 * section; artifact_of adds bytecode from text. */
#ifndef DV_RT_TESTING_H
#define DV_RT_TESTING_H

#include "pulley_testing.h"

#include "wasm/runtime/artifact.h"
#include "wasm/runtime/runtime.h"

#define NO_MAX UINT64_MAX
enum { META_SECTIONS = 14 };

typedef struct Meta {
    Fixture *f;
    ByteBuf sections[META_SECTIONS]; /* by id, without the counts */
    u32 counts[META_SECTIONS];
} Meta;

enum {
    META_TYPE = 1,
    META_IMPORT,
    META_FUNC,
    META_TABLE,
    META_MEMORY,
    META_GLOBAL,
    META_EXPORT,
    META_START,
    META_ELEM,
    META_CODE,
    META_DATA,
    META_DATA_COUNT
};

typedef struct Expr {
    u8 bytes[48]; /* without end */
    u32 len;
} Expr;

typedef struct Bytes {
    u8 *data;
    usize size;
} Bytes;

static inline Meta *meta_new(Fixture *f)
{
    Meta *m = ARENA_NEW(&f->arena, Meta);
    m->f = f;
    for (u32 i = 0; i < META_SECTIONS; i++) {
        dv_bytebuf_init(&m->sections[i], &f->arena);
    }
    return m;
}

static inline void put_leb(ByteBuf *out, u64 x)
{
    while (x >= 0x80) {
        dv_bytebuf_u8(out, (u8)(x | 0x80));
        x >>= 7;
    }
    dv_bytebuf_u8(out, (u8)x);
}

static inline void put_name(ByteBuf *out, const char *name)
{
    usize size = strlen(name);
    put_leb(out, size);
    dv_bytebuf_bytes(out, name, size);
}

/* ---- types ---- */

/* i I f F: numbers; a: funcref; e: externref; a digit: a reference to that type, or null. */
static inline void put_val_type(ByteBuf *out, char letter)
{
    switch (letter) {
    case 'i':
        dv_bytebuf_u8(out, VT_I32);
        break;
    case 'I':
        dv_bytebuf_u8(out, VT_I64);
        break;
    case 'f':
        dv_bytebuf_u8(out, VT_F32);
        break;
    case 'F':
        dv_bytebuf_u8(out, VT_F64);
        break;
    case 'a':
        dv_bytebuf_u8(out, HEAP_FUNC);
        break;
    case 'e':
        dv_bytebuf_u8(out, HEAP_EXTERN);
        break;
    default:
        assert_in_range(letter, '0', '9');
        dv_bytebuf_u8(out, 0x63); /* ref null */
        dv_bytebuf_u8(out, (u8)(letter - '0'));
        break;
    }
}

static inline void put_val_types(ByteBuf *out, const char *letters)
{
    put_leb(out, strlen(letters));
    for (; *letters != '\0'; letters++) {
        put_val_type(out, *letters);
    }
}

static inline u32 meta_type(Meta *m, const char *params, const char *results)
{
    ByteBuf *out = &m->sections[META_TYPE];
    dv_bytebuf_u8(out, 0x60);
    put_val_types(out, params);
    put_val_types(out, results);
    return m->counts[META_TYPE]++;
}

static inline void put_limits(ByteBuf *out, u64 min, u64 max, bool index64)
{
    dv_bytebuf_u8(out, (u8)((max != NO_MAX ? 1 : 0) | (index64 ? 4 : 0)));
    put_leb(out, min);
    if (max != NO_MAX) {
        put_leb(out, max);
    }
}

/* ---- expressions ---- */

static inline Expr expr_leb(u8 op, i64 x)
{
    Expr e = {.bytes = {op}, .len = 1};
    for (;;) {
        u8 low = (u8)(x & 0x7f);
        x = x < 0 ? -((-x + 127) / 128) : x / 128; /* rounds down */
        bool is_last = (x == 0 && (low & 0x40) == 0) || (x == -1 && (low & 0x40) != 0);
        e.bytes[e.len++] = is_last ? low : (u8)(low | 0x80);
        if (is_last) {
            return e;
        }
    }
}

static inline Expr expr_i32(i32 x)
{
    return expr_leb(0x41, x);
}

static inline Expr expr_i64(i64 x)
{
    return expr_leb(0x42, x);
}

static inline Expr expr_index(u8 op, u8 index)
{
    return (Expr){.bytes = {op, index}, .len = 2};
}

static inline Expr expr_global(u8 index)
{
    return expr_index(0x23, index);
}

static inline Expr expr_func(u8 index)
{
    return expr_index(0xd2, index);
}

static inline Expr expr_null(u8 heap)
{
    return expr_index(0xd0, heap);
}

/* b after a, then the operation. */
static inline Expr expr_binary(u8 op, Expr a, Expr b)
{
    memcpy(a.bytes + a.len, b.bytes, b.len);
    a.len += b.len;
    a.bytes[a.len++] = op;
    return a;
}

static inline void put_expr(ByteBuf *out, Expr e)
{
    dv_bytebuf_bytes(out, e.bytes, e.len);
    dv_bytebuf_u8(out, 0x0b);
}

/* ---- entities ---- */

static inline ByteBuf *meta_import(Meta *m, const char *module, const char *name, ExternKind kind)
{
    ByteBuf *out = &m->sections[META_IMPORT];
    put_name(out, module);
    put_name(out, name);
    dv_bytebuf_u8(out, (u8)kind);
    m->counts[META_IMPORT]++;
    return out;
}

static inline void meta_import_func(Meta *m, const char *module, const char *name, u32 type)
{
    put_leb(meta_import(m, module, name, EXTERN_FUNC), type);
}

static inline void meta_import_memory(Meta *m, const char *module, const char *name, u64 min,
                                      u64 max)
{
    put_limits(meta_import(m, module, name, EXTERN_MEMORY), min, max, false);
}

static inline void meta_import_table(Meta *m, const char *module, const char *name, char type,
                                     u64 min, u64 max)
{
    ByteBuf *out = meta_import(m, module, name, EXTERN_TABLE);
    put_val_type(out, type);
    put_limits(out, min, max, false);
}

static inline void meta_import_global(Meta *m, const char *module, const char *name, char type,
                                      bool is_mutable)
{
    ByteBuf *out = meta_import(m, module, name, EXTERN_GLOBAL);
    put_val_type(out, type);
    dv_bytebuf_u8(out, is_mutable);
}

static inline void meta_func(Meta *m, u32 type)
{
    put_leb(&m->sections[META_FUNC], type);
    m->counts[META_FUNC]++;
}

static inline void meta_memory(Meta *m, u64 min, u64 max, bool index64)
{
    put_limits(&m->sections[META_MEMORY], min, max, index64);
    m->counts[META_MEMORY]++;
}

static inline void meta_table(Meta *m, char type, u64 min, u64 max)
{
    put_val_type(&m->sections[META_TABLE], type);
    put_limits(&m->sections[META_TABLE], min, max, false);
    m->counts[META_TABLE]++;
}

static inline void meta_table_init(Meta *m, char type, u64 min, u64 max, Expr init)
{
    dv_bytebuf_u8(&m->sections[META_TABLE], 0x40);
    dv_bytebuf_u8(&m->sections[META_TABLE], 0);
    meta_table(m, type, min, max);
    put_expr(&m->sections[META_TABLE], init);
}

static inline void meta_global(Meta *m, char type, bool is_mutable, Expr init)
{
    put_val_type(&m->sections[META_GLOBAL], type);
    dv_bytebuf_u8(&m->sections[META_GLOBAL], is_mutable);
    put_expr(&m->sections[META_GLOBAL], init);
    m->counts[META_GLOBAL]++;
}

static inline void meta_export(Meta *m, const char *name, ExternKind kind, u32 index)
{
    put_name(&m->sections[META_EXPORT], name);
    dv_bytebuf_u8(&m->sections[META_EXPORT], (u8)kind);
    put_leb(&m->sections[META_EXPORT], index);
    m->counts[META_EXPORT]++;
}

static inline void meta_start(Meta *m, u32 func)
{
    put_leb(&m->sections[META_START], func);
    m->counts[META_START] = 1;
}

/* Functions by index: into table 0 at the offset, or passive. */
static inline void meta_elem(Meta *m, SegmentMode mode, Expr offset, const u32 *funcs, u32 count)
{
    ByteBuf *out = &m->sections[META_ELEM];
    dv_bytebuf_u8(out, mode == SEGMENT_ACTIVE ? 0 : mode == SEGMENT_PASSIVE ? 1 : 3);
    if (mode == SEGMENT_ACTIVE) {
        put_expr(out, offset);
    } else {
        dv_bytebuf_u8(out, 0);
    }
    put_leb(out, count);
    for (u32 i = 0; i < count; i++) {
        put_leb(out, funcs[i]);
    }
    m->counts[META_ELEM]++;
}

/* Passive expressions. */
static inline void meta_elem_exprs(Meta *m, char type, const Expr *exprs, u32 count)
{
    ByteBuf *out = &m->sections[META_ELEM];
    dv_bytebuf_u8(out, 5);
    put_val_type(out, type);
    put_leb(out, count);
    for (u32 i = 0; i < count; i++) {
        put_expr(out, exprs[i]);
    }
    m->counts[META_ELEM]++;
}

/* Into memory 0 at the offset, or passive. */
static inline void meta_data(Meta *m, SegmentMode mode, Expr offset, const char *text)
{
    ByteBuf *out = &m->sections[META_DATA];
    dv_bytebuf_u8(out, mode == SEGMENT_ACTIVE ? 0 : 1);
    if (mode == SEGMENT_ACTIVE) {
        put_expr(out, offset);
    }
    put_name(out, text);
    m->counts[META_DATA]++;
}

static inline Bytes meta_bytes(Meta *m)
{
    static const u8 order[] = {META_TYPE,   META_IMPORT,     META_FUNC,   META_TABLE,
                               META_MEMORY, META_GLOBAL,     META_EXPORT, META_START,
                               META_ELEM,   META_DATA_COUNT, META_DATA};
    ByteBuf out;
    dv_bytebuf_init(&out, &m->f->arena);
    dv_bytebuf_bytes(&out, "\0asm\1\0\0", 8);
    if (m->counts[META_DATA] != 0) {
        m->counts[META_DATA_COUNT] = 1;
        put_leb(&m->sections[META_DATA_COUNT], m->counts[META_DATA]);
    }
    for (u32 i = 0; i < ARRAY_LEN(order); i++) {
        u32 id = order[i];
        ByteBuf section;
        if (m->counts[id] == 0) {
            continue;
        }
        dv_bytebuf_init(&section, &m->f->arena);
        if (id != META_START && id != META_DATA_COUNT) {
            put_leb(&section, m->counts[id]);
        }
        dv_bytebuf_bytes(&section, m->sections[id].data, m->sections[id].len);
        dv_bytebuf_u8(&out, (u8)id);
        put_leb(&out, section.len);
        dv_bytebuf_bytes(&out, section.data, section.len);
    }
    return (Bytes){out.data, out.len};
}

/* ---- artifacts ---- */

typedef struct Draft {
    Bytes meta;
    PulleyModule code;       /* little-endian */
    const u32 *wasm_types;   /* by type of the code; NULL: the same numbers */
    const u32 *import_funcs; /* by import of the code; NULL: the same numbers */
    Bytes sources;           /* size 0: stripped */
} Draft;

typedef struct ArtifactMaker {
    ByteBuf out;
    u32 rows;
} ArtifactMaker;

static inline void seal(Bytes artifact)
{
    store_le64(artifact.data + 24, artifact_hash(artifact.data + ARTIFACT_HEADER_BYTES,
                                                 artifact.size - ARTIFACT_HEADER_BYTES));
}

static inline void put_section(ArtifactMaker *m, ArtifactSection kind, u32 count, const void *bytes,
                               usize size)
{
    dv_bytebuf_align(&m->out, ARTIFACT_ALIGN, 0);
    u8 *row = dv_bytebuf_at(&m->out, ARTIFACT_HEADER_BYTES + m->rows++ * (usize)ARTIFACT_ROW_BYTES,
                            ARTIFACT_ROW_BYTES);
    store_le32(row, kind);
    store_le32(row + 4, (u32)m->out.len);
    store_le32(row + 8, (u32)size);
    store_le32(row + 12, count);
    dv_bytebuf_bytes(&m->out, bytes, size);
}

static inline void put_u32s(ByteBuf *out, const u32 *numbers, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_bytebuf_u32(out, numbers[i], false);
    }
}

static inline void put_rows(ArtifactMaker *m, Fixture *f, const Draft *d)
{
    ByteBuf rows;
    dv_bytebuf_init(&rows, &f->arena);
    for (u32 i = 0; i < d->code.types.len; i++) {
        const u32 row[] = {d->code.types.data[i].args, d->code.types.data[i].results,
                           d->wasm_types == NULL ? i : d->wasm_types[i]};
        put_u32s(&rows, row, ARRAY_LEN(row));
    }
    put_section(m, ARTIFACT_TYPES, d->code.types.len, rows.data, rows.len);
    rows.len = 0;
    for (u32 i = 0; i < d->code.funcs.len; i++) {
        const PulleyFunc *func = &d->code.funcs.data[i];
        const u32 row[] = {func->code,   func->size_bytes,    func->type,         func->frame,
                           func->window, func->first_handler, func->handler_count};
        put_u32s(&rows, row, ARRAY_LEN(row));
    }
    put_section(m, ARTIFACT_FUNCS, d->code.funcs.len, rows.data, rows.len);
    rows.len = 0;
    for (u32 i = 0; i < d->code.handlers.len; i++) {
        const PulleyHandler *handler = &d->code.handlers.data[i];
        const u32 row[] = {handler->call, handler->target, handler->value, handler->kind};
        put_u32s(&rows, row, ARRAY_LEN(row));
    }
    put_section(m, ARTIFACT_HANDLERS, d->code.handlers.len, rows.data, rows.len);
    rows.len = 0;
    for (u32 i = 0; i < d->code.imports.len; i++) {
        const u32 row[] = {d->code.imports.data[i],
                           d->import_funcs == NULL ? i : d->import_funcs[i]};
        put_u32s(&rows, row, ARRAY_LEN(row));
    }
    put_section(m, ARTIFACT_IMPORTS, d->code.imports.len, rows.data, rows.len);
}

/* The artifact, in the fixture's arena. */
static inline Bytes make_artifact(Fixture *f, const Draft *d)
{
    ArtifactMaker m = {.rows = 0};
    u32 sections = d->sources.size == 0 ? 6 : 7;
    dv_bytebuf_init(&m.out, &f->arena);
    dv_bytebuf_zeros(&m.out, ARTIFACT_HEADER_BYTES + sections * (usize)ARTIFACT_ROW_BYTES);
    put_section(&m, ARTIFACT_META, 0, d->meta.data, d->meta.size);
    put_rows(&m, f, d);
    put_section(&m, ARTIFACT_CODE, 0, d->code.code, d->code.code_size_bytes);
    if (d->sources.size != 0) {
        put_section(&m, ARTIFACT_SOURCES, d->code.funcs.len, d->sources.data, d->sources.size);
    }
    memcpy(m.out.data, ARTIFACT_MAGIC, 4);
    store_le32(m.out.data + 4, ARTIFACT_VERSION);
    store_le32(m.out.data + 8, sections);
    store_le32(m.out.data + 12, d->code.metered ? ARTIFACT_METERED : 0);
    store_le64(m.out.data + 16, 0);
    Bytes artifact = {m.out.data, m.out.len};
    seal(artifact);
    return artifact;
}

/* With code from text, whose types and imports are numbered as the module's. */
static inline Bytes artifact_of(Meta *m, const char *code)
{
    Draft draft = {.meta = meta_bytes(m), .code = assemble_in(m->f, code, false)};
    return make_artifact(m->f, &draft);
}

/* ---- running ---- */

/* A store whose memory is counted by the fixture. */
static inline RtStore *open_store(Fixture *f, RtStoreConfig config)
{
    RtStore *store = NULL;
    config.allocator = f->pool.allocator;
    assert_int_equal(dv_rt_store_new(&config, &store), DAVIT_OK);
    return store;
}

static inline RtModule *load_module(Fixture *f, Bytes artifact)
{
    RtModule *module = NULL;
    RtError error;
    if (dv_rt_module_load(&f->pool.allocator, artifact.data, artifact.size, 0, &module, &error) !=
        DAVIT_OK) {
        fail_msg("%s", error.message);
    }
    return module;
}

/* An instance of an artifact, which the store then holds. */
static inline RtInstance *add_instance(Fixture *f, RtStore *store, Bytes artifact,
                                       const RtExtern *imports, u32 num_imports)
{
    RtModule *module = load_module(f, artifact);
    RtInstance *instance = NULL;
    RtTrap *trap = NULL;
    RtError error;
    if (dv_rt_instantiate(store, module, imports, num_imports, &instance, &trap, &error) !=
        DAVIT_OK) {
        fail_msg("%s", error.message);
    }
    assert_null(trap);
    dv_rt_module_release(module);
    return instance;
}

static inline RtExtern export_of(RtInstance *instance, const char *name)
{
    RtExtern out;
    assert_true(dv_rt_instance_find(instance, str_of(name), &out));
    return out;
}

static inline RtFunc *func_of(RtInstance *instance, const char *name)
{
    RtExtern out = export_of(instance, name);
    assert_int_equal(out.kind, EXTERN_FUNC);
    return out.of.func;
}

static inline void free_trap(RtTrap **trap)
{
    dv_rt_trap_free(*trap);
    *trap = NULL;
}

#endif
