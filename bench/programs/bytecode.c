/* bytecode.c - an interpreter inside the interpreter: a small machine with sixteen registers, and programs for it.
 *
 * An instruction is four bytes: operation, register, and two more registers or a 16-bit number. A switch in a loop
 * runs them. Two programs are assembled by functions here: one counts the steps of Collatz' sequences, the other
 * sieves primes in the machine's memory with a subroutine that adds them up.
 *
 * usage: bytecode [N]. N units of work, 50 without it. A unit runs both programs three times. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { REGISTERS = 16, MEMORY_WORDS = 8192, CODE_WORDS = 64, STACK_WORDS = 32 };

typedef enum {
    HALT,
    SET,  /* a = number */
    MOVE, /* a = b */
    ADD,  /* a = b + c; so the next ones */
    SUB,
    MUL,
    AND,
    SHIFT,      /* a = b >> c */
    ADD_NUMBER, /* a += number, signed */
    LOAD,       /* a = memory[b + c] */
    STORE,      /* memory[b + c] = a */
    JUMP,       /* to number */
    JUMP_ZERO,  /* to number if a == 0 */
    JUMP_LESS,  /* the next instruction, a jump, is taken if a < b */
    CALL,       /* to number */
    RETURN
} Operation;

typedef struct {
    uint8_t operation, a, b, c;
} Inst;

typedef struct {
    uint32_t registers[REGISTERS], memory[MEMORY_WORDS], stack[STACK_WORDS];
    Inst code[CODE_WORDS];
    uint32_t end; /* of the code, while it is assembled */
    uint64_t steps;
} Machine;

static Machine machine;

static uint32_t emit(Operation operation, int a, int b, int c)
{
    Inst inst = {(uint8_t)operation, (uint8_t)a, (uint8_t)b, (uint8_t)c};
    machine.code[machine.end] = inst;
    return machine.end++;
}

static uint32_t emit_number(Operation operation, int a, int number)
{
    return emit(operation, a, number & 0xff, number >> 8 & 0xff);
}

/* Lets the jump at `at` go to where the next instruction will lie. */
static void land(uint32_t at)
{
    machine.code[at].b = (uint8_t)machine.end;
    machine.code[at].c = (uint8_t)(machine.end >> 8);
}

static uint32_t number_of(Inst inst)
{
    return inst.b | (uint32_t)inst.c << 8;
}

static void run(void)
{
    uint32_t pc = 0, depth = 0, *r = machine.registers;
    uint64_t steps = 0;
    for (;;) {
        Inst inst = machine.code[pc++];
        steps++;
        switch (inst.operation) {
        case HALT:
            machine.steps += steps;
            return;
        case SET:
            r[inst.a] = number_of(inst);
            break;
        case MOVE:
            r[inst.a] = r[inst.b];
            break;
        case ADD:
            r[inst.a] = r[inst.b] + r[inst.c];
            break;
        case SUB:
            r[inst.a] = r[inst.b] - r[inst.c];
            break;
        case MUL:
            r[inst.a] = r[inst.b] * r[inst.c];
            break;
        case AND:
            r[inst.a] = r[inst.b] & r[inst.c];
            break;
        case SHIFT:
            r[inst.a] = r[inst.b] >> (r[inst.c] & 31);
            break;
        case ADD_NUMBER:
            r[inst.a] += (number_of(inst) ^ 0x8000) - 0x8000;
            break;
        case LOAD:
            r[inst.a] = machine.memory[(r[inst.b] + r[inst.c]) % MEMORY_WORDS];
            break;
        case STORE:
            machine.memory[(r[inst.b] + r[inst.c]) % MEMORY_WORDS] = r[inst.a];
            break;
        case JUMP:
            pc = number_of(inst);
            break;
        case JUMP_ZERO:
            pc = r[inst.a] == 0 ? number_of(inst) : pc;
            break;
        case JUMP_LESS:
            pc += r[inst.a] >= r[inst.b];
            break;
        case CALL:
            machine.stack[depth++ % STACK_WORDS] = pc;
            pc = number_of(inst);
            break;
        case RETURN:
            pc = machine.stack[--depth % STACK_WORDS];
            break;
        default:
            return;
        }
    }
}

/* r0: the longest sequence of the numbers below r1. */
static void assemble_collatz(int limit)
{
    uint32_t outer, inner, odd, done, next, keep, skip;
    machine.end = 0;
    emit_number(SET, 0, 0);
    emit_number(SET, 1, limit);
    emit_number(SET, 2, 1); /* the number tried */
    emit_number(SET, 3, 1); /* one */
    emit_number(SET, 4, 3); /* three */
    outer = emit(MOVE, 5, 2, 0);
    emit_number(SET, 6, 0); /* its steps */
    inner = emit(SUB, 7, 5, 3);
    done = emit_number(JUMP_ZERO, 7, 0);
    emit(AND, 7, 5, 3);
    odd = emit_number(JUMP_ZERO, 7, 0);
    emit(MUL, 5, 5, 4);
    emit_number(ADD_NUMBER, 5, 1);
    next = emit_number(JUMP, 0, 0);
    land(odd);
    emit(SHIFT, 5, 5, 3);
    land(next);
    emit_number(ADD_NUMBER, 6, 1);
    emit_number(JUMP, 0, (int)inner);
    land(done);
    emit(JUMP_LESS, 0, 6, 0);
    keep = emit_number(JUMP, 0, 0);
    skip = emit_number(JUMP, 0, 0);
    land(keep);
    emit(MOVE, 0, 6, 0);
    land(skip);
    emit_number(ADD_NUMBER, 2, 1);
    emit(JUMP_LESS, 2, 1, 0);
    emit_number(JUMP, 0, (int)outer);
    emit(HALT, 0, 0, 0);
}

/* r0: the sum of the primes below r1, which a subroutine adds up. */
static void assemble_sieve(int limit)
{
    uint32_t clear, outer, inner, marked, call, mark, next;
    machine.end = 0;
    emit_number(SET, 0, 0);
    emit_number(SET, 1, limit);
    emit_number(SET, 2, 0);
    emit_number(SET, 3, 0); /* zero */
    emit_number(SET, 4, 1); /* one */
    clear = emit(STORE, 3, 2, 3);
    emit_number(ADD_NUMBER, 2, 1);
    emit(JUMP_LESS, 2, 1, 0);
    emit_number(JUMP, 0, (int)clear);
    emit_number(SET, 2, 2);
    outer = emit(LOAD, 5, 2, 3);
    emit(SUB, 5, 5, 4);
    marked = emit_number(JUMP_ZERO, 5, 0);
    call = emit_number(CALL, 0, 0);
    emit(MUL, 6, 2, 2);
    inner = emit(JUMP_LESS, 6, 1, 0);
    mark = emit_number(JUMP, 0, 0);
    next = emit_number(JUMP, 0, 0);
    land(mark);
    emit(STORE, 4, 6, 3);
    emit(ADD, 6, 6, 2);
    emit_number(JUMP, 0, (int)inner);
    land(next);
    land(marked);
    emit_number(ADD_NUMBER, 2, 1);
    emit(JUMP_LESS, 2, 1, 0);
    emit_number(JUMP, 0, (int)outer);
    emit(HALT, 0, 0, 0);
    land(call);
    emit(ADD, 0, 0, 2);
    emit(RETURN, 0, 0, 0);
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0;
    for (uint32_t i = 0; i < 3 * units; i++) {
        assemble_collatz(4000 + (int)(i % 100));
        run();
        sum = sum * 31 + machine.registers[0];
        assemble_sieve(8000 + (int)(i % 100));
        run();
        sum = sum * 31 + machine.registers[0];
    }
    printf("bytecode: %08" PRIx32 " after %" PRIu64 " instructions\n", sum, machine.steps);
    return 0;
}
