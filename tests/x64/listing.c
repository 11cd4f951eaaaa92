/* listing.c - writes every row of the x86-64 instruction table over its corners: as assembly text, and as the bytes that the
 * encoder makes of it. tests/x64/encodings gives the text to assemblers and compares.
 *
 *   x64_listing TEXT BYTES
 *
 * TEXT gets a slot of 16 bytes for each: the size of the instruction, and the instruction. BYTES gets a line for each: the name of the
 * row; `as-is`, or `shortest` if forms.def had its say, so that an assembler may not find anything shorter; and the bytes.
 *
 * Corners of registers are those that REX, ModRM and SIB treat in their own ways; of memory, each base and each index
 * with each size of displacement; of numbers, the ends of what each size holds. Operands are combined as an odometer counts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codegen/isa/x64/encode.h"

enum { CHOICES_MAX = 2048 };

/* What an operand goes through. */
typedef struct Choices {
    X64Operand list[CHOICES_MAX];
    u32 count;
} Choices;

typedef struct Listing {
    FILE *text, *bytes;
    TextBuf line;
    Choices choices[X64_OPERANDS_MAX];
    u32 cases;
} Listing;

static void add(Choices *choices, X64Operand operand)
{
    CHECK(choices->count < CHOICES_MAX);
    choices->list[choices->count++] = operand;
}

static void add_registers(Choices *choices, bool all)
{
    static const u8 corners[] = {0, 4, 5, 8, 12, 15};
    for (u32 i = 0; i < (all ? X64_REGS : ARRAY_LEN(corners)); i++) {
        add(choices, x64_register(all ? i : corners[i]));
    }
}

static const i32 disps[] = {0, 1, -128, 127, 128, -129, INT32_MAX, INT32_MIN};

/* Bases and indexes with the displacements that matter to them. An address of an index alone, times 1, has a
 * better spelling and is not made. */
static void add_addresses(Choices *choices, bool all)
{
    static const u8 bases[] = {X64_NO_REG, X64_RAX, X64_RSP, X64_RBP, 8, X64_R12, X64_R13};
    static const u8 indexes[] = {X64_NO_REG, X64_RAX, X64_RBP, X64_R12, X64_R13, 15};
    for (u32 b = 0; b < ARRAY_LEN(bases); b++) {
        for (u32 i = 0; i < ARRAY_LEN(indexes); i++) {
            u32 scales = indexes[i] == X64_NO_REG ? 1 : 4;
            for (u32 s = bases[b] == X64_NO_REG && scales == 4; s < scales; s++) {
                for (u32 d = 0; d < ARRAY_LEN(disps); d++) {
                    X64Memory memory = {bases[b], indexes[i], (u8)s,   X64_SEGMENT_NONE,
                                        false,    false,      disps[d]};
                    u32 which = b + i * 3 + s * 5 + d * 7;
                    if (all || (scales == 1 && d < 5) || which % 29 == 0) {
                        add(choices, x64_memory(memory));
                    }
                }
            }
        }
    }
}

static void add_memory(Choices *choices, bool all)
{
    add_addresses(choices, all);
    X64Memory relative = {X64_NO_REG, X64_NO_REG, 0, X64_SEGMENT_NONE, true, false, 4096};
    add(choices, x64_memory(relative));
    relative.disp = -1;
    add(choices, x64_memory(relative));
    X64Memory local = x64_base(X64_RAX, 8);
    local.segment = X64_SEGMENT_FS;
    add(choices, x64_memory(local));
    local = x64_base(X64_NO_REG, -8);
    local.segment = X64_SEGMENT_GS;
    add(choices, x64_memory(local));
}

static void add_numbers(Choices *choices, u32 place)
{
    static const i64 corners[] = {
        0,          1,
        2,          3,
        4,          5,
        6,          7,
        8,          9,
        10,         11,
        12,         13,
        14,         15,
        -1,         INT8_MIN,
        INT8_MAX,   128,
        -129,       UINT8_MAX,
        INT16_MIN,  INT16_MAX,
        32768,      UINT16_MAX,
        65536,      INT32_MIN,
        INT32_MAX,  2147483648,
        UINT32_MAX, INT64_MIN,
        INT64_MAX,  0x123456789abcdef,
    };
    for (u32 i = 0; i < ARRAY_LEN(corners); i++) {
        bool is_between = corners[i] >= 2 && corners[i] <= 15 && place != X64_AT_COND;
        if (dv_x64_number_fits(place, corners[i]) && !is_between) {
            add(choices, x64_number(corners[i]));
        }
    }
}

static void fill_choices(Listing *listing, X64Op op, bool all, bool memory)
{
    const X64Spec *specs = dv_x64_insts[op].operands;
    for (u32 i = 0; specs[i].role != X64_NO_ROLE; i++) {
        Choices *choices = &listing->choices[i];
        u32 place = specs[i].place;
        bool takes_memory = place == X64_AT_RM || place == X64_AT_RMA || place == X64_AT_MEM ||
                            place == X64_AT_ADDRESS;
        choices->count = 0;
        if (specs[i].role == X64_NUMBER) {
            add_numbers(choices, place);
        } else if (place >= X64_AT_RAX && place <= X64_AT_XMM0) {
            add(choices, x64_register(0));
        } else if (takes_memory && memory) {
            add_memory(choices, all);
        } else if (place != X64_AT_MEM && place != X64_AT_ADDRESS) {
            add_registers(choices, all);
        }
    }
}

static void write_case(Listing *listing, X64Op op, const X64Operand *operands, const char *how)
{
    X64Code code;
    char end[16];
    dv_x64_encode(op, operands, &code);
    dv_text_truncate(&listing->line, 0);
    snprintf(end, sizeof end, ".Le%u", (unsigned)listing->cases);
    dv_x64_print(&listing->line, op, operands, end);
    fprintf(listing->text, ".byte %s - 1 - .\n%s\n%s:\n.p2align 4\n", end, listing->line.data, end);
    fprintf(listing->bytes, "%s %s ", dv_x64_insts[op].name, how);
    for (u32 i = 0; i < code.size_bytes; i++) {
        fprintf(listing->bytes, "%02x", code.bytes[i]);
    }
    fputc('\n', listing->bytes);
    listing->cases++;
}

/* An assembler takes another form: of the constant, or of the distance, whose row the emitter chooses. */
static bool has_shorter_form(X64Op op)
{
    static const bool is_form[X64_OP_COUNT] = {
#define ACCUMULATOR(general, form) [X64_##form] = true,
#define REVERSED(general, form) [X64_##form] = true,
#include "codegen/isa/x64/forms.def"
        [X64_jmp] = true,
        [X64_jcc] = true,
    };
    return is_form[op];
}

static void write_forms(Listing *listing, X64Op op, const X64Operand *operands)
{
    X64Operand shorter[X64_OPERANDS_MAX];
    memcpy(shorter, operands, sizeof shorter);
    X64Op form = dv_x64_shortest(op, shorter);
    bool is_last = form == op && !has_shorter_form(op);
    write_case(listing, op, operands, is_last ? "shortest" : "as-is");
    if (form != op) {
        write_case(listing, form, shorter, "shortest");
    }
}

/* All combinations of the choices; or, from `step` on, every step-th. */
static void write_combinations(Listing *listing, X64Op op, u32 step)
{
    u32 count = dv_x64_operand_count(op);
    u64 total = 1;
    for (u32 i = 0; i < count; i++) {
        total *= listing->choices[i].count;
    }
    for (u64 n = 0; n < total; n += step) {
        X64Operand operands[X64_OPERANDS_MAX] = {{0}};
        u64 rest = n;
        for (u32 i = 0; i < count; i++) {
            const Choices *choices = &listing->choices[i];
            operands[i] = choices->list[rest % choices->count];
            rest /= choices->count;
        }
        write_forms(listing, op, operands);
    }
}

static void write_row(Listing *listing, X64Op op)
{
    bool has_memory = false;
    const X64Spec *specs = dv_x64_insts[op].operands;
    for (u32 i = 0; specs[i].role != X64_NO_ROLE; i++) {
        u32 place = specs[i].place;
        has_memory = has_memory || (place >= X64_AT_RM && place <= X64_AT_ADDRESS);
    }
    fill_choices(listing, op, false, false);
    write_combinations(listing, op, 1);
    fill_choices(listing, op, true, false); /* every register somewhere */
    write_combinations(listing, op, 37);
    if (has_memory) {
        fill_choices(listing, op, false, true);
        write_combinations(listing, op, 13);
    }
    /* Every address, with every register, for an instruction of each kind of prefix. */
    if (op == X64_mov64 || op == X64_vaddsd || op == X64_shlx32 || op == X64_mov8_mr) {
        fill_choices(listing, op, true, true);
        write_combinations(listing, op, 11);
    }
}

int main(int argc, char **argv)
{
    static Listing listing;
    Pool pool;
    Arena arena;
    if (argc != 3) {
        fputs("usage: x64_listing TEXT BYTES\n", stderr);
        return 2;
    }
    listing.text = fopen(argv[1], "w");
    listing.bytes = fopen(argv[2], "w");
    if (listing.text == NULL || listing.bytes == NULL) {
        perror("x64_listing");
        return 1;
    }
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    dv_text_init(&listing.line, &arena);
    fputs(".intel_syntax noprefix\n.text\n", listing.text);
    for (u32 op = 0; op < X64_OP_COUNT; op++) {
        write_row(&listing, (X64Op)op);
    }
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    printf("%u rows, %u cases\n", (unsigned)X64_OP_COUNT, (unsigned)listing.cases);
    bool ok = fclose(listing.text) == 0;
    return fclose(listing.bytes) == 0 && ok ? 0 : 1;
}
