/* describe.c - native code for unwinders and debuggers: an object file in memory, which gdb reads whole and unwinders from its
 * second section, made from the rows that tell how code begins.
 *
 * The rows are claims of an artifact. Nothing here follows them: wrong ones make wrong backtraces. */
#include "rt/eh_frame.h"
#include "rt/elf.h"
#include "wasm/runtime/native.h"

enum { ELF_X86_64 = 62, REG_RBP = 5, REGS = 16 };
enum { FRAME_BYTES = 40 }; /* of what unwinders are told of a function, mostly */

static void add_func(const VmPrologue *p, u64 offset, u32 size_bytes, ByteBuf *out)
{
    UnwindInst insts[3 + REGS] = {
        {p->framed, REG_RBP, UNWIND_PUSH_REG, VM_PTR},
        {p->framed + VM_SET_FRAME_BYTES, REG_RBP, UNWIND_SET_FRAME_REG, 0},
        {p->kept, 0, UNWIND_ALLOC_STACK, p->words * VM_PTR},
    };
    u32 count = 3;
    for (u16 reg = 0; reg < REGS; reg++) {
        if ((p->regs >> reg & 1) != 0) { /* until all are pushed, each still is what it was */
            insts[count++] = (UnwindInst){p->kept, reg, UNWIND_PUSH_REG, VM_PTR};
        }
    }
    const EhFunc func = {offset, size_bytes, insts, count};
    dv_eh_frame_add(out, &dv_eh_x64, &func);
}

static void add_symbol(ElfFile *file, Str name, u32 offset, u32 size_bytes)
{
    if (offset == NATIVE_NO_CODE) {
        return;
    }
    const ElfSymbol symbol = {name, ELF_GLOBAL, ELF_FUNC, 1, offset, size_bytes};
    dv_elf_symbol(file, &symbol);
}

/* Adapters go on to the next symbol. */
static void add_symbols(const NativeCode *code, const Str *names, ElfFile *file)
{
    static const char enter[] = "davit_enter", leave[] = "davit_leave";
    vec_reserve(file->arena, &file->symbols, code->num_funcs + 2 * code->num_adapters);
    for (u32 i = 0; names != NULL && i < code->num_funcs; i++) {
        add_symbol(file, names[i], code->funcs[i].offset, code->funcs[i].size_bytes);
    }
    for (u32 i = 0; i < code->num_adapters; i++) {
        add_symbol(file, (Str){enter, sizeof enter - 1}, code->adapters[i].enter, 0);
        add_symbol(file, (Str){leave, sizeof leave - 1}, code->adapters[i].leave, 0);
    }
}

void dv_native_describe(const NativeCode *code, u32 size_bytes, u64 at, const Str *names,
                        ByteBuf *out)
{
    u64 frames_at = at + ELF_HEADER_BYTES;
    ByteBuf frames;
    ElfFile file;
    dv_bytebuf_init(&frames, out->arena);
    dv_bytebuf_reserve(&frames, ((usize)code->num_prologues + 1) * FRAME_BYTES);
    dv_eh_frame_begin(&frames, &dv_eh_x64);
    for (u32 i = 0; i < code->num_prologues; i++) {
        const VmPrologue *p = &code->prologues[i];
        u32 end = i + 1 < code->num_prologues ? p[1].offset : size_bytes;
        add_func(p, p->offset - frames_at, end - p->offset, &frames);
    }
    dv_eh_frame_end(&frames);
    const ElfSection text = {
        .name = ".text", .type = ELF_NOBITS, .align_bytes = 16, .flags = ELF_ALLOC | ELF_EXEC};
    const ElfSection eh_frame = {
        .name = ".eh_frame", .type = ELF_PROGBITS, .align_bytes = 8, .flags = ELF_ALLOC};
    ElfSection sections[] = {text, eh_frame};
    sections[0].size_bytes = size_bytes;
    sections[1].address = frames_at;
    sections[1].bytes = frames.data;
    sections[1].size_bytes = frames.len;
    dv_elf_init(&file, ELF_X86_64, out->arena);
    for (u32 i = 0; i < ARRAY_LEN(sections); i++) {
        dv_elf_section(&file, &sections[i]);
    }
    add_symbols(code, names, &file);
    dv_elf_write(&file, out);
}
