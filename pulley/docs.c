/* docs.c - prints docs/pulley.md: the machine, the encoding and the rules in prose, the lists from the tables. */
#include "pulley/pulley.h"

static const char *const prose[] = {
    "# Pulley\n"
    "\n"
    "Pulley is Davit's bytecode: made for an interpreter, compact, verifiable, the same on every host. This file is\n"
    "printed by `davit docs` from pulley/docs.c and the tables of pulley/; do not edit it.\n"
    "\n"
    "## The machine\n"
    "\n"
    "- **Slots.** Values live in slots of 8 bytes; integers and floats share them. An operation of 32 bits uses the low\n"
    "  half of its operands and leaves the high half of its result undefined; one of 64 bits uses all. An i8\n"
    "  or i16 is a 32-bit value whose high bits are undefined, an f16 its bits; i128 and f128 take two slots, the low\n"
    "  half first. A v128 will be two slots that start at an even one.\n"
    "- **The window.** An instruction names slots with a byte, relative to fp: 256 at most, and no more than the function\n"
    "  declares. Arguments are slots 0 and up on entry; results are in slots 0 and up at `ret`.\n"
    "- **Calls.** `call k, f` moves fp up by k slots, k being even: what the caller has put into slots k and up are the\n"
    "  callee's slots 0 and up, and the results come back there. Nothing is saved; slots below k survive, those from k\n"
    "  on do not. Where to return to is kept on a stack of its own that no instruction can reach.\n"
    "- **Frame memory.** A function that needs more declares n slots of frame memory. Its first instruction is\n"
    "  `enter args, n`: fp moves up by n and the arguments are copied along, so that the memory lies just below fp: slot\n"
    "  1 ends at fp, slot n begins where fp was. It ends in `ret_big` or a tail call that names n, which gives the memory\n"
    "  back and copies results or arguments down. No branch goes to the enter.\n"
    "- **Many arguments.** Of the arguments, and of the results, 48 slots lie in the window. The rest lies in a block in the\n"
    "  caller's frame memory, which `args_block` names directly before the call. `enter_block` copies the arguments in it\n"
    "  to the low end of the callee's own frame memory: argument 48 + j arrives in spill slot n - j. `result_store` writes\n"
    "  into the block; after the call the caller reads it with spill_load. For a tail call the block need only hold the\n"
    "  arguments and is read before the frame goes; results go to the block of the caller of this function.\n"
    "- **The accumulator.** What an operation of a result class (X32 X64 F32 F64) writes to its slot is also in the\n"
    "  accumulator. The next instruction may be an acc form, which takes one operand from there; it names the slot\n"
    "  all the same, so that hosts without an accumulator read the slot. Nothing may branch to an acc form.\n"
    "- **Memories, globals, tables, functions, types, tags, segments** are named by index. Sandboxed code has no way to name\n"
    "  an address; raw code has, and runs only where the module is trusted.\n"
    "- **Exceptions.** The handlers of a function are a list beside the code: for a call, which tag goes where. The payload\n"
    "  arrives in the call's slots k and k + 1.\n"
    "- **Interrupts** are polled at taken branches and calls. **Fuel** is used up where `fuel` says, in metered modules alone.\n"
    "\n",
    "## Memory accesses\n"
    "\n"
    "With a 32-bit index, the constant holds offset + size: the access traps unless index + constant, without wrapping,\n"
    "is at most the memory's length, and then touches the bytes that end there. With a 64-bit index (`_x64`) it traps if\n"
    "the length is less than the constant, or the index more than the length less the constant. The general forms\n"
    "(`_g`) work on any memory and take the offset, without the size, from a slot; a carry in index + offset, or in that\n"
    "+ size, traps. A constant less than the size is refused by the verifier.\n"
    "\n"
    "## Encoding\n"
    "\n"
    "Code is made of words of 4 bytes. The first byte is the opcode; 255 and 254 stand for pages 1 and 2, whose opcode is\n"
    "the second byte; 253 and 252 are kept for vectors. The fields follow in the order in which they are written, each\n"
    "aligned to its size (4 for 8 bytes), and the rest of the last word and all gaps are zero. Numbers are\n"
    "little-endian; a module may declare big-endian ones, and `dv_pulley_swap` turns one into the other in place. A\n"
    "slot takes a byte. A branch says how many words to go from its own first word: 3 bytes in `jump`, which\n"
    "reaches all of a function of 16 MiB; 2 in the tests of one slot, whose far form is the opposite test over a jump; 4\n"
    "elsewhere. `br_table` is followed by n + 1 distances of 4 bytes, the last being the default.\n"
    "\n"
    "Calls within the module say in the same way how far it is to the callee's first instruction: 2 bytes in `call`,\n"
    "which reaches 128 KiB to both sides, 4 elsewhere. The verifier demands that a function begins there and takes the\n"
    "type from it. `call_number`, which the linker makes of a `call` that does not reach, has the same size.\n"
    "\n",
    "## Why it is so\n"
    "\n"
    "Where this differs from the first design, and what was weighed:\n"
    "\n"
    "- Comparisons with a second operand branch over 32 bits: words of 4 bytes leave room for it, so only the tests of\n"
    "  one slot have a limited range.\n"
    "- There is no constant pool: 64-bit constants stand in the instruction stream, where an interpreter has them at hand.\n"
    "- Constants of ALU operations have 8 bits (4 bytes an instruction) or 32 bits (8 bytes); memory constants likewise,\n"
    "  since most offsets of compiled code are below 256.\n"
    "- A long constant or an unused word costs nothing more behind an escape, so page 0 keeps what is short and frequent.\n"
    "- Calls within the module go by distance, not by number: a load less before the callee's first instruction is\n"
    "  known, which is a tenth of the time of a program that does little but calls.\n"
    "- Arithmetic of f128, divisions of i128 and conversions between floats and i128 are helpers, called in place like a\n"
    "  function. Arithmetic of f16 is that of f32, rounded; twice rounded is once rounded there, but for fma.\n"
    "- i128 addition, subtraction, multiplication and shifts are operations on pairs; the rest is expanded.\n"
    "- Incoming block arguments are copied by `enter_block`, so that a tail call may pass more of them than\n"
    "  its own caller had made room for.\n"
    "\n",
    "## Text\n"
    "\n"
    "`dv_pulley_assemble` reads what `dv_pulley_print_module` prints:\n"
    "\n"
    "    profile sandboxed            ; or raw32, raw64; the default is sandboxed\n"
    "    metered                      ; fuel is used\n"
    "    groups base float            ; what the code may use; without it, everything\n"
    "    type 2 -> 1                  ; argument and result slots\n"
    "    import type0\n"
    "    memory i32 shared            ; index width; shared is optional\n"
    "    global 8 mutable             ; bytes; mutable is optional\n"
    "    table i32 func               ; index width; func, extern, any or exn\n"
    "    tag type0\n"
    "    elem func\n"
    "    data 3                       ; how many segments\n"
    "    symbols 2                    ; how many symbols of the host program\n"
    "    func type0, window 8, frame 16 {\n"
    "        enter 2, 16\n"
    "    again:\n"
    "        xadd32_i8 s0, s1, -1     ; a comment\n"
    "        br_if32_acc s0, again    ; a label, or a distance in bytes: .+8, .-8\n"
    "        br_table s1, [again, end]\n"
    "        call s4, func0           ; a function, or a distance\n"
    "        catch tag0, end          ; handlers follow their call: catch all, end; catch context s3\n"
    "    end:\n"
    "        ret_big 1, 16\n"
    "    }\n"
    "\n",
};

/* ---- tables ---- */

static void put_roles(TextBuf *out)
{
    static const struct {
        const char *name;
        const char *doc;
    } roles[] = {
#define ROLE(name, prefix, doc) {prefix, doc},
#include "pulley/roles.def"
#undef ROLE
    };
    dv_text_str(out, "## Fields\n\n| written | is |\n|---|---|\n");
    for (usize i = 0; i < ARRAY_LEN(roles); i++) {
        if (roles[i].name[0] != '\0') {
            dv_text_printf(out, "| %s0 | %s |\n", roles[i].name, roles[i].doc);
        } else {
            dv_text_printf(out, "| | %s |\n", roles[i].doc);
        }
    }
    dv_text_char(out, '\n');
}

/* A | would end the cell. */
static void put_cell(TextBuf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            dv_text_char(out, '\\');
        }
        dv_text_char(out, *text);
    }
}

static void put_op(TextBuf *out, PulleyOp op)
{
    static const char *const results[] = {"", "X32", "X64", "F32", "F64"};
    const PulleyOpInfo *info = &dv_pulley_ops[op];
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    dv_text_printf(out, "| `%s", info->name);
    for (u32 i = 0; i < shape->count; i++) {
        dv_text_printf(out, "%s%s", i == 0 ? " " : ", ", shape->fields[i].name);
    }
    dv_text_printf(out, "` | %u | %u | %s | ", (unsigned)info->page,
                   (unsigned)dv_pulley_op_size(op), results[info->result]);
    put_cell(out, info->doc);
    dv_text_str(out, " |\n");
}

static void put_section(TextBuf *out, const char *title)
{
    dv_text_printf(
        out, "\n### %s\n\n| operation | page | bytes | result | meaning |\n|---|---|---|---|---|\n",
        title);
}

static void put_ops(TextBuf *out)
{
    dv_text_printf(out,
                   "## Operations\n\n%u of them. Traps that an operation raises stand at the end "
                   "of its meaning.\n",
                   (unsigned)PULLEY_OP_COUNT);
#define SECTION(title) put_section(out, title);
#define OP(page, name, ...) put_op(out, PULLEY_##name);
#include "pulley/ops.def"
#undef OP
    dv_text_char(out, '\n');
}

static void put_helpers(TextBuf *out)
{
    dv_text_str(out,
                "## Helpers\n\nWhat `call_helper` runs. Counts are in slots; x, y and z are the "
                "arguments in order.\n\n| helper | arguments | results | meaning |\n"
                "|---|---|---|---|\n");
    for (u32 i = 0; i < PULLEY_HELPER_COUNT; i++) {
        const PulleyHelperInfo *helper = &dv_pulley_helpers[i];
        dv_text_printf(out, "| `%s` | %u | %u | %s |\n", helper->name, (unsigned)helper->args,
                       (unsigned)helper->results, helper->doc);
    }
    dv_text_char(out, '\n');
}

static void put_rules(TextBuf *out)
{
    static const char *const messages[] = {
#define MESSAGE(name, text) text,
#include "pulley/verify_messages.def"
#undef MESSAGE
    };
    dv_text_str(
        out,
        "## What the verifier refuses\n\nVerified sandboxed code cannot reach outside of what it "
        "was given. The verifier makes one pass over the\ncode and says one of these (%a, %b: "
        "numbers; %o: an operation; %r: a kind of entity):\n\n");
    for (usize i = 0; i < ARRAY_LEN(messages); i++) {
        dv_text_printf(out, "- %s\n", messages[i]);
    }
}

void dv_pulley_docs_write(TextBuf *out)
{
    for (usize i = 0; i < ARRAY_LEN(prose); i++) {
        dv_text_str(out, prose[i]);
    }
    put_roles(out);
    put_ops(out);
    put_helpers(out);
    put_rules(out);
}
