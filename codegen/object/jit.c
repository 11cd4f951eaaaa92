/* jit.c - linking in memory.
 *
 * A module is one block: code, stubs, the words that addresses are loaded from, .eh_frame and read-only data, which are
 * sealed; behind them, from a page's start, what may be written. All of it is in reach of itself. What lies elsewhere and
 * is not in reach, more than 2 GiB away on x86-64, is called by a stub that jumps through its word; an address that may be
 * anywhere is loaded from the word, or computed if it turns out to be near.
 *
 * Each symbol has a word and a stub, needed or not.
 *
 * Thread-local data are an image in the read-only part, which threads have copies of (rt/tls.h). If there are any, each symbol
 * has the two words, too, that code asks for the address with. Those of other modules cannot be asked for: what other
 * linkers have made of them is theirs. */
#include "codegen/object/jit.h"

#include "codegen/object/dwarf.h"
#include "rt/elf.h"

enum { FUNC_ALIGN = 16, WORD_BYTES = 8, TLS_PLACE_BYTES = 16, BLOCK_MAX = 1 << 30 };

typedef struct Linker {
    Jit *jit;
    ObjModule *module;
    const JitOptions *options;
    Diag *diag;
    davit_status_t failure;
    u64 *targets; /* by symbol, addresses; 0: weak, and nowhere */
    u64 code_bytes, stubs, words, frames, tls, tls_places, size_bytes, sealed_bytes;
    DwarfFuncs funcs;
    Dwarf dwarf;
} Linker;

bool dv_jit_is_host(const NativeTarget *target)
{
    enum { ELF_X86_64 = 62 };
#if defined(__x86_64__) && defined(__LP64__)
    return target->elf_machine == ELF_X86_64;
#else
    (void)target;
    return false;
#endif
}

static bool refuse(const Linker *l, Str name, const char *why)
{
    dv_diag_error(l->diag, 0, 0, "%s %s", dv_diag_quote(l->module->arena, name.data, name.len),
                  why);
    return false;
}

/* ---- placing --------------------------------------------------------------------------------------------- */

static bool reserve(Linker *l, u64 size_bytes, u64 align, u64 *at)
{
    *at = (l->size_bytes + align - 1) & ~(align - 1);
    if (size_bytes > BLOCK_MAX || *at + size_bytes > BLOCK_MAX) {
        dv_diag_error(l->diag, 0, 0, "the module is larger than %d bytes", (int)BLOCK_MAX);
        l->failure = DAVIT_ERROR_LIMIT;
        return false;
    }
    l->size_bytes = *at + size_bytes;
    return true;
}

static bool place_kind(Linker *l, ObjKind kind)
{
    const ObjModule *m = l->module;
    for (u32 i = 0; i < m->defined.len; i++) {
        u32 symbol = m->defined.data[i];
        const ObjSymbol *s = &m->symbols.data[symbol];
        u64 align = s->code != NULL && s->align_bytes < FUNC_ALIGN ? FUNC_ALIGN : s->align_bytes;
        if (s->kind != kind) {
            continue;
        }
        if (!reserve(l, s->size_bytes, align, &l->jit->offsets[symbol])) {
            return false;
        }
        if (kind == OBJ_FUNC) {
            DwarfFunc f = {s->name, s->code, l->jit->offsets[symbol], s->linkage != OBJ_LOCAL};
            vec_push(m->arena, &l->funcs, f);
        }
    }
    return true;
}

/* The image of thread-local data, and the places to ask for them with. */
static bool place_tls(Linker *l)
{
    const ObjModule *m = l->module;
    TlsImage *image = &l->jit->tls;
    bool has_tls = false;
    image->align_bytes = 1;
    for (u32 i = 0; i < m->symbols.len; i++) {
        const ObjSymbol *s = &m->symbols.data[i];
        if (s->kind == OBJ_TLS && s->defined) {
            has_tls = true;
            image->align_bytes =
                s->align_bytes > image->align_bytes ? s->align_bytes : image->align_bytes;
        }
    }
    if (!has_tls) {
        return true; /* l->tls is 0 */
    }
    bool ok = reserve(l, (u64)m->symbols.len * TLS_PLACE_BYTES, 8, &l->tls_places) &&
              reserve(l, 0, image->align_bytes, &l->tls) && place_kind(l, OBJ_TLS);
    image->size_bytes = (usize)(l->size_bytes - l->tls);
    return ok;
}

static bool place_all(Linker *l)
{
    ObjModule *m = l->module;
    u64 count = m->symbols.len, unused, page = dv_exec_page_bytes();
    bool ok = place_kind(l, OBJ_FUNC);
    l->code_bytes = l->size_bytes;
    dv_dwarf_frames(m->target, &l->funcs, m->arena, &l->dwarf.frames);
    ok = ok && reserve(l, count * m->target->stub_bytes, FUNC_ALIGN, &l->stubs) &&
         reserve(l, count * WORD_BYTES, WORD_BYTES, &l->words) &&
         reserve(l, l->dwarf.frames.bytes.len + 4, 8, &l->frames) && place_kind(l, OBJ_READONLY) &&
         place_tls(l) && reserve(l, 0, page, &l->sealed_bytes) && place_kind(l, OBJ_WRITABLE);
    return ok && reserve(l, 1, 1, &unused);
}

/* ---- linking --------------------------------------------------------------------------------------------- */

static u64 address_at(const Linker *l, u64 offset)
{
    return (u64)(uintptr_t)(l->jit->memory.bytes + offset);
}

static bool resolve_all(Linker *l)
{
    const ObjModule *m = l->module;
    const JitOptions *options = l->options;
    bool ok = true;
    for (u32 i = 0; i < m->symbols.len; i++) {
        const ObjSymbol *s = &m->symbols.data[i];
        if (s->defined) {
            l->targets[i] = address_at(l, l->jit->offsets[i]);
        } else if (s->kind == OBJ_TLS) {
            ok = refuse(l, s->name, "is thread-local elsewhere: only object files have that");
        } else if (strcmp(s->name.data, m->target->tls_function) == 0) {
            l->targets[i] = (u64)(uintptr_t)dv_tls_address;
        } else {
            void *found =
                options->lookup == NULL ? NULL : options->lookup(options->context, s->name.data);
            l->targets[i] = (u64)(uintptr_t)found;
            if (found == NULL && s->linkage != OBJ_WEAK) {
                ok = refuse(l, s->name, "is not there");
            }
        }
    }
    return ok;
}

static bool is_near(i64 distance)
{
    return distance >= INT32_MIN && distance <= INT32_MAX;
}

static bool relocate(const Linker *l, u64 base, const ObjReloc *reloc)
{
    const NativeTarget *target = l->module->target;
    const RelocKind *kind = &target->relocs[reloc->kind];
    u8 *at = l->jit->memory.bytes + base + reloc->offset;
    u64 place = address_at(l, base + reloc->offset) + (u64)kind->bias;
    u64 to = l->targets[reloc->symbol] + (u64)reloc->addend;
    i64 distance = (i64)(to - place);
    if (kind->use == RELOC_ADDRESS) {
        store_le64(at, to);
        return true;
    }
    if (kind->use == RELOC_TLS_NEAR) {
        return refuse(l, l->module->symbols.data[reloc->symbol].name,
                      "is thread-local by a model that only object files have");
    }
    if (kind->use == RELOC_TLS) {
        ASSERT(reloc->addend == 0);
        distance =
            (i64)(address_at(l, l->tls_places + TLS_PLACE_BYTES * (u64)reloc->symbol) - place);
    } else if (kind->use == RELOC_GOT && is_near(distance)) {
        target->relax_got(at);
    } else if (kind->use == RELOC_GOT) {
        distance = (i64)(address_at(l, l->words + WORD_BYTES * (u64)reloc->symbol) - place);
    } else if (kind->use == RELOC_CALL && !is_near(distance)) {
        distance = (i64)(address_at(l, l->stubs + target->stub_bytes * (u64)reloc->symbol) - place);
    }
    if (!is_near(distance)) {
        return refuse(l, l->module->symbols.data[reloc->symbol].name,
                      "is out of reach: it is not colocated");
    }
    store_le32(at, (u32)distance);
    return true;
}

/* Stubs, words, and where frames are. */
static void fill_tables(const Linker *l)
{
    const NativeTarget *target = l->module->target;
    u8 *block = l->jit->memory.bytes;
    for (u32 i = 0; i < l->module->symbols.len; i++) {
        u64 stub = l->stubs + target->stub_bytes * (u64)i, word = l->words + WORD_BYTES * (u64)i;
        store_le64(block + word, l->targets[i]);
        target->write_stub(block + stub, (i32)(i64)(word - stub));
        if (l->module->symbols.data[i].kind == OBJ_TLS) {
            u64 image = (u64)(uintptr_t)&l->jit->tls, offset = l->jit->offsets[i] - l->tls;
            u8 *place = block + l->tls_places + TLS_PLACE_BYTES * (u64)i;
            store_le64(place + offsetof(TlsPlace, image), image);
            store_le64(place + offsetof(TlsPlace, offset), offset);
        }
    }
    const DwarfSection *frames = &l->dwarf.frames;
    memcpy(block + l->frames, frames->bytes.data, frames->bytes.len);
    for (u32 i = 0; i < frames->places.len; i++) {
        u8 *at = block + l->frames + frames->places.data[i].at;
        store_le32(at, load_le32(at) - (u32)l->frames);
    }
}

static bool fill(Linker *l)
{
    const ObjModule *m = l->module;
    u8 *block = l->jit->memory.bytes;
    memset(block, m->target->pad, (usize)l->code_bytes);
    fill_tables(l);
    for (u32 i = 0; i < m->defined.len; i++) {
        const ObjSymbol *s = &m->symbols.data[m->defined.data[i]];
        u64 base = l->jit->offsets[m->defined.data[i]];
        if (s->bytes != NULL && s->size_bytes != 0) {
            memcpy(block + base, s->bytes, (usize)s->size_bytes);
        }
        for (u32 r = 0; r < s->relocs.len; r++) {
            if (!relocate(l, base, &s->relocs.data[r])) {
                return false;
            }
        }
    }
    return true;
}

/* ---- debuggers ------------------------------------------------------------------------------------------- */

static void make_absolute(const Linker *l, DwarfSection *section)
{
    for (u32 i = 0; i < section->places.len; i++) {
        const DwarfPlace *place = &section->places.data[i];
        if (place->what == DWARF_CODE) {
            store_le64(section->bytes.data + place->at, address_at(l, place->offset));
        }
    }
}

/* The object file that gdb reads: code by address alone, what describes it as bytes. */
static void describe(Linker *l)
{
    Arena *arena = l->module->arena;
    Dwarf *dwarf = &l->dwarf;
    ElfFile file;
    ByteBuf bytes;
    const char *source = l->options->source;
    u64 text = address_at(l, 0);
    dv_dwarf_lines(source, &l->funcs, l->code_bytes, arena, dwarf);
    make_absolute(l, &dwarf->info);
    make_absolute(l, &dwarf->line);
    const ElfSection sections[] = {
        {".text", ELF_NOBITS, 16, ELF_ALLOC | ELF_EXEC, text, NULL, l->code_bytes, 0},
        {".eh_frame", ELF_PROGBITS, 8, ELF_ALLOC, address_at(l, l->frames), l->jit->frames,
         dwarf->frames.bytes.len + 4, 0},
        {".debug_abbrev", ELF_PROGBITS, 1, 0, 0, dwarf->abbrev.bytes.data, dwarf->abbrev.bytes.len,
         0},
        {".debug_info", ELF_PROGBITS, 1, 0, 0, dwarf->info.bytes.data, dwarf->info.bytes.len, 0},
        {".debug_line", ELF_PROGBITS, 1, 0, 0, dwarf->line.bytes.data, dwarf->line.bytes.len, 0},
    };
    dv_elf_init(&file, l->module->target->elf_machine, arena);
    dv_bytebuf_init(&bytes, arena);
    for (usize i = 0; i < ARRAY_LEN(sections); i++) {
        dv_elf_section(&file, &sections[i]);
    }
    for (u32 i = 0; i < l->funcs.len; i++) {
        const DwarfFunc *f = &l->funcs.data[i];
        dv_elf_symbol(
            &file, &(ElfSymbol){f->name, ELF_GLOBAL, ELF_FUNC, 1, f->offset, f->code->size_bytes});
    }
    dv_elf_write(&file, &bytes);
    l->jit->gdb.bytes = (const char *)bytes.data;
    l->jit->gdb.size_bytes = bytes.len;
}

static void tell_perf(const Linker *l)
{
    FILE *map = dv_perf_map_open();
    if (map == NULL) {
        return;
    }
    for (u32 i = 0; i < l->funcs.len; i++) {
        const DwarfFunc *f = &l->funcs.data[i];
        dv_perf_map_add(map, f->name, l->jit->memory.bytes + f->offset, f->code->size_bytes);
    }
    fclose(map);
}

davit_status_t dv_jit_link(Jit *jit, ObjModule *module, const JitOptions *options, Diag *diag)
{
    Linker l = {.jit = jit,
                .module = module,
                .options = options,
                .diag = diag,
                .failure = DAVIT_ERROR_INVALID};
    memset(jit, 0, sizeof *jit);
    jit->offsets = ARENA_ARRAY(module->arena, u64, module->symbols.len);
    l.targets = ARENA_ARRAY(module->arena, u64, module->symbols.len);
    if (!dv_jit_is_host(module->target)) {
        dv_diag_error(diag, 0, 0, "this machine is not the target's");
        return DAVIT_ERROR_UNSUPPORTED;
    }
    if (!dv_obj_check(module, diag) || !place_all(&l)) {
        return l.failure;
    }
    if (!dv_exec_alloc(&jit->memory, (usize)l.size_bytes)) {
        dv_diag_error(diag, 0, 0, "there is no memory for code");
        return DAVIT_ERROR_MEMORY;
    }
    bool ok = resolve_all(&l) && fill(&l);
    if (ok && !dv_exec_seal_first(&jit->memory, (usize)l.sealed_bytes)) {
        dv_diag_error(diag, 0, 0, "memory cannot be made executable");
        l.failure = DAVIT_ERROR_MEMORY;
        ok = false;
    }
    jit->tls.bytes = jit->memory.bytes + l.tls;
    jit->has_tls = ok && l.tls != 0 && dv_tls_add(&jit->tls);
    if (ok && l.tls != 0 && !jit->has_tls) {
        dv_diag_error(diag, 0, 0, "there is no memory for thread-local data");
        l.failure = DAVIT_ERROR_MEMORY;
        ok = false;
    }
    if (!ok) {
        dv_exec_free(&jit->memory);
        return l.failure;
    }
    const u8 *frames = jit->memory.bytes + l.frames;
    jit->frames = frames;
    describe(&l);
    dv_frames_register(frames);
    dv_gdb_register(&jit->gdb);
    if (options->perf_map) {
        tell_perf(&l);
    }
    return DAVIT_OK;
}

void *dv_jit_address(const Jit *jit, const ObjModule *module, u32 symbol)
{
    u8 *at = jit->memory.bytes + jit->offsets[symbol];
    const TlsPlace place = {(u64)(uintptr_t)&jit->tls, (u64)(at - jit->tls.bytes)};
    return module->symbols.data[symbol].kind == OBJ_TLS ? dv_tls_address(&place) : at;
}

void dv_jit_free(Jit *jit)
{
    if (jit->gdb.bytes != NULL) {
        dv_gdb_forget(&jit->gdb);
        dv_frames_forget(jit->frames);
    }
    if (jit->has_tls) {
        dv_tls_remove(&jit->tls);
    }
    dv_exec_free(&jit->memory);
    jit->has_tls = false;
    jit->gdb.bytes = NULL;
}
