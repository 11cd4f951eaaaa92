/* coremark.c - a mixture in the manner of CoreMark, written anew: linked lists, small integer matrices, a state
 * machine that reads numbers, and a CRC over what each of them yields.
 *
 * - Lists: nodes from one pool are searched, reversed and merge-sorted by two orders in turn.
 * - Matrices: 16-bit elements, 32-bit sums; products with a constant, a vector, a matrix, and with bits taken out
 *   of the sums.
 * - State machine: a text of numbers ("-12", "3.5e+7", "0x1f" and broken ones) is walked character by character;
 *   counted are the numbers of each kind and the visits of each state.
 *
 * usage: coremark [N]. N units of work, 50 without it. A unit is 800 rounds of the three. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 60, SIDE = 9, TEXT_BYTES = 600, ROUNDS_PER_UNIT = 800 };

/* CRC-16, the reflected polynomial of CCITT, a bit at a time. */
static uint16_t crc_byte(uint16_t crc, uint8_t byte)
{
    for (int i = 0; i < 8; i++) {
        uint32_t low = (crc ^ byte) & 1u;
        crc = (uint16_t)(crc >> 1 ^ (low ? 0x8408u : 0));
        byte = (uint8_t)(byte >> 1);
    }
    return crc;
}

static uint16_t crc_u16(uint16_t crc, uint32_t value)
{
    return crc_byte(crc_byte(crc, (uint8_t)value), (uint8_t)(value >> 8));
}

static uint16_t crc_u32(uint16_t crc, uint32_t value)
{
    return crc_u16(crc_u16(crc, value & 0xffff), value >> 16);
}

/* ---- Lists ---- */

typedef struct Node {
    struct Node *next;
    int16_t value, index;
} Node;

typedef int Order(const Node *a, const Node *b);

static Node pool[NODES];

static int by_value(const Node *a, const Node *b)
{
    return (a->value & 0xff) - (b->value & 0xff);
}

static int by_index(const Node *a, const Node *b)
{
    return a->index - b->index;
}

static Node *make_list(uint32_t seed)
{
    for (int i = 0; i < NODES; i++) {
        seed = seed * 1664525 + 1013904223;
        pool[i].next = i + 1 < NODES ? &pool[i + 1] : NULL;
        pool[i].value = (int16_t)(seed >> 17);
        pool[i].index = (int16_t)i;
    }
    return pool;
}

static Node *find_value(Node *list, int value)
{
    while (list && (list->value & 0xff) != value) {
        list = list->next;
    }
    return list;
}

static Node *find_index(Node *list, int index)
{
    while (list && list->index != index) {
        list = list->next;
    }
    return list;
}

static Node *reverse(Node *list)
{
    Node *done = NULL;
    while (list) {
        Node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

/* Takes the smaller of two heads; the first where they are equal. */
static Node *take(Node **a, Node **b, Order *order)
{
    Node **from = !*b || (*a && order(*a, *b) <= 0) ? a : b, *node = *from;
    *from = node->next;
    return node;
}

/* Merge sort from below: runs of 1, 2, 4 … are merged until one run is the list. Stable. */
static Node *sort(Node *list, Order *order)
{
    for (int width = 1, merges = 2; merges > 1; width *= 2) {
        Node *rest = list, **end = &list;
        for (merges = 0; rest; merges++) {
            Node *a = rest, *b, **cut = &rest;
            for (int i = 0; i < width && *cut; i++) {
                cut = &(*cut)->next;
            }
            b = *cut;
            *cut = NULL;
            cut = &b;
            for (int i = 0; i < width && *cut; i++) {
                cut = &(*cut)->next;
            }
            rest = *cut;
            *cut = NULL;
            while (a || b) {
                *end = take(&a, &b, order);
                end = &(*end)->next;
            }
            *end = NULL;
        }
    }
    return list;
}

static uint16_t run_lists(uint32_t seed, uint16_t crc)
{
    Node *list = make_list(seed);
    uint32_t found = 0, missed = 0;
    for (int i = 0; i < 8; i++) {
        Node *node = i & 1 ? find_index(list, (int)(seed + 7u * (uint32_t)i) & 63)
                           : find_value(list, ((int)(seed >> 3) + 29 * i) & 0xff);
        list = reverse(list);
        if (node) {
            found += (uint32_t)node->value & 0xff;
        } else {
            missed++;
        }
    }
    list = sort(list, by_value);
    for (const Node *node = list; node; node = node->next) {
        crc = crc_u16(crc, (uint16_t)node->value);
    }
    list = sort(list, by_index);
    crc = crc_u16(crc, (uint16_t)list->value);
    return crc_u32(crc, found * 16 + missed);
}

/* ---- Matrices ---- */

typedef int16_t Small[SIDE][SIDE];
typedef int32_t Wide[SIDE][SIDE];

static Small left, right;
static Wide product;

static void fill_matrices(uint32_t seed)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            seed = seed * 1664525 + 1013904223;
            left[i][j] = (int16_t)(seed >> 20 & 0x7ff);
            right[i][j] = (int16_t)(seed >> 12 & 0xff);
        }
    }
}

static void multiply_constant(int32_t by)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            product[i][j] = left[i][j] * by;
        }
    }
}

static void multiply_vector(void)
{
    for (int i = 0; i < SIDE; i++) {
        product[i][0] = 0;
        for (int j = 0; j < SIDE; j++) {
            product[i][0] += left[i][j] * right[0][j];
        }
    }
}

static void multiply(void)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIDE; k++) {
                sum += left[i][k] * right[k][j];
            }
            product[i][j] = sum;
        }
    }
}

/* Of each product only two fields of bits are multiplied once more and added. */
static void multiply_bits(void)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIDE; k++) {
                int32_t element = left[i][k] * right[k][j];
                sum += (element >> 2 & 0xf) * (element >> 5 & 0x7f);
            }
            product[i][j] = sum;
        }
    }
}

/* Adds what grows along the rows and starts anew where a limit is passed. */
static int16_t sum_product(int32_t limit)
{
    int32_t sum = 0, before = 0;
    int16_t result = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t now = product[i][j];
            sum += now;
            if (sum > limit) {
                result = (int16_t)(result + 10);
                sum = 0;
            } else {
                result = (int16_t)(result + (now > before));
            }
            before = now;
        }
    }
    return result;
}

static uint16_t run_matrices(uint32_t seed, uint16_t crc)
{
    fill_matrices(seed);
    multiply_constant((int32_t)(seed & 0x3ff) - 512);
    crc = crc_u16(crc, (uint16_t)sum_product(100000));
    multiply_vector();
    crc = crc_u16(crc, (uint16_t)sum_product(200000));
    multiply();
    crc = crc_u16(crc, (uint16_t)sum_product(1000000));
    multiply_bits();
    return crc_u16(crc, (uint16_t)sum_product(5000));
}

/* ---- State machine ---- */

typedef enum {
    START,
    SIGN,
    ZERO,
    INT,
    HEX,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    POWER,
    INVALID,
    STATES
} State;

static char text[TEXT_BYTES + 1];

static void fill_text(uint32_t seed)
{
    static const char *const words[] = {"12",  "-7",   "3.25", "6.02e+23", "0x1f",  "+900", "1e5",
                                        "0.5", "4..2", "abc",  "-1.e-3",   "12345", "0xg",  "e7"};
    size_t at = 0;
    while (at + 10 < TEXT_BYTES) {
        seed = seed * 1664525 + 1013904223;
        for (const char *word = words[(seed >> 16) % 14]; *word; word++) {
            text[at++] = *word;
        }
        text[at++] = ',';
    }
    text[at] = 0;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static State next_state(State state, char c)
{
    switch (state) {
    case START:
        return c == '+' || c == '-' ? SIGN : c == '0' ? ZERO : is_digit(c) ? INT : INVALID;
    case SIGN:
        return c == '0' ? ZERO : is_digit(c) ? INT : INVALID;
    case ZERO:
        return c == 'x' ? HEX : c == '.' ? FRACTION : is_digit(c) ? INT : INVALID;
    case INT:
        return is_digit(c) ? INT : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case HEX:
        return is_digit(c) || (c >= 'a' && c <= 'f') ? HEX : INVALID;
    case FRACTION:
        return is_digit(c) ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return c == '+' || c == '-' ? EXPONENT_SIGN : is_digit(c) ? POWER : INVALID;
    case EXPONENT_SIGN:
    case POWER:
        return is_digit(c) ? POWER : INVALID;
    case INVALID:
    case STATES:
        break;
    }
    return INVALID;
}

static uint16_t run_states(uint32_t seed, uint16_t crc)
{
    uint32_t ends[STATES] = {0}, visits[STATES] = {0};
    State state = START;
    fill_text(seed);
    for (size_t i = 0; i < TEXT_BYTES; i += 1 + seed % 11) {
        text[i] = text[i] && text[i] != ',' ? (char)(text[i] ^ 1) : text[i];
    }
    for (const char *at = text; *at; at++) {
        if (*at == ',') {
            ends[state]++;
            state = START;
        } else {
            state = next_state(state, *at);
        }
        visits[state]++;
    }
    for (int i = 0; i < STATES; i++) {
        crc = crc_u32(crc_u16(crc, ends[i]), visits[i]);
    }
    return crc;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50;
    uint16_t lists = 0xffff, matrices = 0xffff, states = 0xffff;
    for (uint32_t i = 0; i < units * ROUNDS_PER_UNIT; i++) {
        lists = run_lists(i * 2654435761u, lists);
        matrices = run_matrices(i * 2654435761u, matrices);
        states = run_states(i * 2654435761u, states);
    }
    printf("coremark: lists %04x, matrices %04x, states %04x\n", (unsigned)lists,
           (unsigned)matrices, (unsigned)states);
    return 0;
}
