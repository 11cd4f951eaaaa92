/* native.c - a module's machine code in one block: functions in their order, then adapters, each aligned as it asks to be.
 *
 * Functions know each other by distance and everything else through their vmctx, so nothing is left to relocate. Call
 * distances are 32 bits wide, which is what limits the block. */
#include "wasm/compile/native.h"

#include "codegen/isa/x64/x64_isa.h"

enum { CODE_ALIGN = 16, PADDING = 0xcc /* int3 */, DISTANCE_BYTES = 4 };

/* ---- what functions are told ---- */

const VmOptions *dv_native_vm_options(const WasmModule *module, bool checked, Arena *arena)
{
    VmOptions *vm = ARENA_NEW(arena, VmOptions);
    u8 *modes = ARENA_ARRAY(arena, u8, module->memories.len);
    for (u32 i = 0; i < module->memories.len; i++) {
        const MemoryDecl *m = &module->memories.data[i];
        bool is_static =
            !checked && !m->limits.index64 && (u64)1 << m->page_log2 >= VM_STATIC_PAGE_MIN;
        modes[i] = is_static ? VM_MEMORY_STATIC : VM_MEMORY_DYNAMIC;
    }
    *vm = (VmOptions){.shape = {.num_imports = module->imported_funcs,
                                .num_memories = module->memories.len,
                                .num_tables = module->tables.len,
                                .num_imported_globals = module->imported_globals,
                                .num_globals = module->globals.len - module->imported_globals,
                                .num_types = module->types.len},
                      .memory_modes = modes,
                      .polls = true,
                      .stack_checks = true};
    return vm;
}

/* ---- layout ---- */

/* Where code begins that goes behind so much. */
static u64 place(u64 end, const MachCode *code)
{
    u64 align = code->align_bytes > CODE_ALIGN ? code->align_bytes : CODE_ALIGN;
    return (end + align - 1) & ~(align - 1);
}

static u32 count_all(const NativeParts *parts)
{
    return parts->module->codes.len + 2 * parts->types.len;
}

static bool lay_out(const NativeParts *parts, Arena *arena, Diag *diag, NativeLinked *out)
{
    u64 end = 0;
    out->offsets = ARENA_ARRAY(arena, u32, count_all(parts));
    for (u32 i = 0; i < count_all(parts); i++) {
        const MachCode *code = &parts->funcs[i]->code;
        u64 start = place(end, code);
        end = start + code->size_bytes;
        if (end > INT32_MAX) {
            dv_diag_error(diag, 0, 0, "the module's code would have 2 GiB or more");
            return false;
        }
        out->offsets[i] = (u32)start;
    }
    return true;
}

static u32 kind_of(const MachHandler *handler)
{
    return handler->kind == HANDLER_TAG       ? VM_HANDLER_TAG
           : handler->kind == HANDLER_CONTEXT ? VM_HANDLER_CONTEXT
                                              : VM_HANDLER_ALL;
}

void dv_native_add_handlers(const MachCode *code, u32 offset, Arena *arena, NativeHandlers *out)
{
    for (u32 i = 0; i < code->calls.len; i++) {
        const MachCall *call = &code->calls.data[i];
        for (u32 k = 0; k < call->num_handlers; k++) {
            const MachHandler *from = &call->handlers[k];
            VmHandler handler = {.call = offset + call->offset,
                                 .frame_bytes = call->frame_offset,
                                 .kind = kind_of(from)};
            if (handler.kind == VM_HANDLER_CONTEXT) {
                handler.value = (u32)from->context;
            } else {
                handler.value = handler.kind == VM_HANDLER_TAG ? from->tag : 0;
                handler.target = offset + from->offset;
            }
            vec_push(arena, out, handler);
        }
    }
}

void dv_native_resolve_tags(MachCode *code, const Func *f)
{
    for (u32 i = 0; i < code->calls.len; i++) {
        const MachCall *call = &code->calls.data[i];
        for (u32 k = 0; k < call->num_handlers; k++) {
            call->handlers[k].tag = dv_func_tag(f, call->handlers[k].tag);
        }
    }
}

/* Of conventions that keep no xmm registers. */
static VmPrologue prologue_of(const MachCode *code, u32 offset)
{
    VmPrologue p = {.offset = offset};
    u32 bytes = 0; /* below the frame pointer */
    bool is_framed = false;
    for (u32 i = 0; i < code->unwind.len; i++) {
        const UnwindInst *u = &code->unwind.data[i];
        if (u->op == UNWIND_SET_FRAME_REG) {
            ASSERT(p.framed != 0 && u->offset == p.framed + VM_SET_FRAME_BYTES);
            is_framed = true;
            p.kept = u->offset;
        } else if (u->op == UNWIND_PUSH_REG && !is_framed) {
            p.framed = u->offset;
        } else if (u->op == UNWIND_PUSH_REG) {
            ASSERT(bytes <= VM_PROLOGUE_WORDS_MAX * VM_PTR && p.regs >> u->reg == 0);
            p.words = (u16)(bytes / VM_PTR);
            p.regs |= (u16)(1u << u->reg);
            p.kept = u->offset;
        } else if (is_framed) {
            bytes += (u32)u->value;
        }
    }
    return p;
}

static void copy_code(const NativeParts *parts, Arena *arena, NativeLinked *out)
{
    dv_bytebuf_init(&out->code, arena);
    out->prologues = ARENA_ARRAY(arena, VmPrologue, count_all(parts));
    for (u32 i = 0; i < count_all(parts); i++) {
        const MachCode *code = &parts->funcs[i]->code;
        while (out->code.len < out->offsets[i]) {
            dv_bytebuf_u8(&out->code, PADDING);
        }
        dv_bytebuf_bytes(&out->code, code->bytes, code->size_bytes);
        for (u32 t = 0; t < code->traps.len; t++) {
            NativeTrap trap = {out->offsets[i] + code->traps.data[t].offset,
                               code->traps.data[t].code};
            vec_push(arena, &out->traps, trap);
        }
        dv_native_add_handlers(code, out->offsets[i], arena, &out->handlers);
        out->prologues[i] = prologue_of(code, out->offsets[i]);
    }
}

/* ---- calls ---- */

static bool resolve(const NativeParts *parts, u32 from, const MachReloc *reloc, NativeLinked *out)
{
    const WasmModule *m = parts->module;
    const ExtName *name = &reloc->symbol.name;
    bool is_known = (reloc->kind == X64_RELOC_PC32 || reloc->kind == X64_RELOC_CALL) &&
                    reloc->symbol.kind == MACH_SYMBOL_NAME && name->kind == NAME_USER &&
                    name->space == 0 && name->index >= m->imported_funcs &&
                    name->index < m->funcs.len;
    if (is_known) {
        u32 at = out->offsets[from] + reloc->offset;
        i64 target = (i64)out->offsets[name->index - m->imported_funcs] + reloc->addend;
        store_le32(dv_bytebuf_at(&out->code, at, DISTANCE_BYTES),
                   (u32)(target - (at + DISTANCE_BYTES)));
    }
    return is_known;
}

bool dv_native_link(const NativeParts *parts, Arena *arena, Diag *diag, NativeLinked *out)
{
    memset(out, 0, sizeof *out);
    if (!lay_out(parts, arena, diag, out)) {
        return false;
    }
    copy_code(parts, arena, out);
    for (u32 i = 0; i < count_all(parts); i++) {
        const MachCode *code = &parts->funcs[i]->code;
        for (u32 r = 0; r < code->relocs.len; r++) {
            if (!resolve(parts, i, &code->relocs.data[r], out)) {
                dv_diag_error(diag, 0, 0,
                              "function %u needs what the processor has no instruction for",
                              (unsigned)(parts->module->imported_funcs + i));
                return false;
            }
        }
    }
    return true;
}
