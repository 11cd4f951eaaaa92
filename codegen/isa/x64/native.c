/* native.c - x86-64 for linkers and unwinders.
 *
 * Source: System V Application Binary Interface, AMD64 Architecture Processor Supplement: table 4.10
 * (relocations); Linux Extensions to gABI (properties). */
#include "codegen/mach/native.h"
#include "base/bytes.h"
#include "codegen/isa/x64/target.h"

static const RelocKind relocs[] = {
    [X64_RELOC_PC32] = {"pc32", RELOC_DISTANCE, 4, 4, 2},
    [X64_RELOC_CALL] = {"call", RELOC_CALL, 4, 4, 4},
    [X64_RELOC_GOT] = {"got", RELOC_GOT, 4, 4, 42},
    [X64_RELOC_TLSGD] = {"tlsgd", RELOC_TLS, 4, 4, 19},
    [X64_RELOC_ABS64] = {"abs64", RELOC_ADDRESS, 8, 0, 1},
    [X64_RELOC_TLS_WORD] = {"gottpoff", RELOC_TLS_NEAR, 4, 4, 22},
    [X64_RELOC_TLS_DISTANCE] = {"tpoff32", RELOC_TLS_NEAR, 4, 0, 23},
    [X64_RELOC_GOT_CALL] = {"got_call", RELOC_GOT, 4, 4, 41},
};

/* The opcode is two bytes before the displacement: mov from memory becomes lea; a call or jump through memory a nop and a
 * direct one. */
static void relax_got(u8 *at)
{
    enum { MOV = 0x8b, LEA = 0x8d, GROUP_5 = 0xff, NOP = 0x90 };
    enum { CALL_MEMORY = 0x15, JUMP_MEMORY = 0x25, CALL = 0xe8, JUMP = 0xe9 };
    if (at[-2] == MOV) {
        at[-2] = LEA;
        return;
    }
    CHECK(at[-2] == GROUP_5 && (at[-1] == CALL_MEMORY || at[-1] == JUMP_MEMORY));
    at[-1] = at[-1] == CALL_MEMORY ? CALL : JUMP;
    at[-2] = NOP;
}

/* jmp [rip + distance] */
enum { STUB_BYTES = 6 };
static void write_stub(u8 *at, i32 distance)
{
    at[0] = 0xff;
    at[1] = 0x25;
    store_le32(at + 2, (u32)distance - STUB_BYTES);
}

_Static_assert(X64_GENERAL == 0, "so dv_eh_x64 has it");

const NativeTarget dv_x64_native = {
    .relocs = relocs,
    .num_relocs = ARRAY_LEN(relocs),
    .address = X64_RELOC_ABS64,
    .tls_function = "__tls_get_addr",
    .relax_got = relax_got,
    .stub_bytes = STUB_BYTES,
    .write_stub = write_stub,
    .pad = 0xcc, /* int3 */
    .elf_machine = 62,
    .elf_distance = 2,
    .elf_address = 1,
    .elf_offset = 10,
    .elf_property = 0xc0000002, /* GNU_PROPERTY_X86_FEATURE_1_AND: IBT */
    .elf_landing_pads = 1,
    .frames = &dv_eh_x64,
};
