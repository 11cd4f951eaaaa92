/* dispatch.c - how fast compiled bytecode runs in each form of the dispatch loop, beside the same
 * programs in C.
 *
 * The programs are those of bench/kernels. Each is compiled for this host by the main allocator,
 * linked and verified, and must give the result of its C twin in every form. What is measured is the
 * processor time of the thread, the least of many rounds, in which native code and all forms take
 * turns: other programs can only make it longer. Instructions are counted by a run of their own, in
 * a loop that counts (count.c).
 *
 * `dispatch --profile KERNEL` prints the bytecode instead, and how often each instruction ran. */
#include "bench/dispatch/dispatch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/kernels/kernels.h"
#include "codegen/compile.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/isa/pulley/link.h"

enum { ROUNDS = 101, PAGE_BYTES = 0x10000, FILE_MAX = 1 << 20, NATIVE = INTERP_FORM_COUNT, WAYS };

typedef struct KernelRow {
    const char *name;
    Kernel *native;
    u32 size;      /* so that it takes about a millisecond, and fits */
    double target; /* slowdown aimed at; 0: none */
} KernelRow;

static const KernelRow kernels[] = {
    {"fib", kernel_fib, 23, 6},        {"sieve", kernel_sieve, 60000, 13},
    {"matmul", kernel_matmul, 48, 13}, {"quicksort", kernel_quicksort, 10000, 3.5},
    {"chase", kernel_chase, 4096, 0},  {"switch", kernel_switch, 4000, 0},
};

static const char *const form_names[INTERP_FORM_COUNT] = {NULL, "switch", "goto", "tail"};

/* A compiled program and the seconds that running it takes. */
typedef struct Program {
    const KernelRow *row;
    ClifFile file;
    PulModule linked;
    u64 result; /* of the native one */
    u64 instructions;
    u64 *counts; /* by word of the code */
    double seconds[WAYS];
} Program;

typedef struct Bench {
    Pool *pool;
    Arena arena, scratch;
    void *memory;        /* of native programs */
    const char *profile; /* the only kernel, to be shown; NULL: all are measured */
} Bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static DV_NORETURN void fail(const char *kernel, const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", kernel, what);
    exit(1);
}

/* ---- compiling ------------------------------------------------------------------------------------- */

static Str read_kernel(Bench *bench, const char *name)
{
    const char *path = dv_arena_printf(&bench->arena, "bench/kernels/%s.clif", name);
    char *text = dv_arena_alloc(&bench->arena, FILE_MAX, 1);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path, "cannot be read; the benchmark runs in the root of the sources");
    }
    usize length = fread(text, 1, FILE_MAX, file);
    fclose(file);
    return (Str){text, (u32)length};
}

static const Isa *host_isa(void)
{
    const Isa *isa = NULL;
    for (u32 i = 0; isa == NULL; i++) {
        const Isa *at = dv_isa_at(i);
        isa = at->address_bits == sizeof(void *) * 8 && at->big_endian == dv_host_is_big() ? at
                                                                                           : NULL;
    }
    return isa;
}

static void check(const Program *p, const Diag *diag, bool ok)
{
    if (!ok) {
        fail(p->row->name, dv_diag_first(diag)->text);
    }
}

static void compile(Bench *bench, Program *p)
{
    CompileOptions options = {.allocator = ALLOCATOR_MAIN, .check = true};
    Diag diag;
    PulleyFault fault;
    dv_diag_init(&diag, &bench->arena);
    Str text = read_kernel(bench, p->row->name);
    check(p, &diag, dv_clif_parse(&p->file, &bench->arena, text, &diag));
    u32 count = p->file.funcs.len;
    CompiledFunc *funcs = ARENA_ARRAY(&bench->arena, CompiledFunc, count);
    const CompiledFunc **list = ARENA_ARRAY(&bench->arena, const CompiledFunc *, count);
    for (u32 i = 0; i < count; i++) {
        Func *copy = ARENA_NEW(&bench->arena, Func);
        dv_func_copy(copy, &p->file.funcs.data[i]->func, &bench->arena);
        check(p, &diag,
              dv_compile(host_isa(), &options, copy, &bench->arena, &bench->scratch, &diag,
                         &funcs[i]));
        list[i] = &funcs[i];
    }
    check(p, &diag, dv_pul_link(host_isa(), list, count, &bench->arena, &diag, &p->linked));
    if (!dv_pulley_verify(&p->linked.module, &bench->scratch, &fault)) {
        fail(p->row->name, "the bytecode does not verify");
    }
    if (p->linked.module.profile != PULLEY_SANDBOXED) {
        fail(p->row->name, "the bytecode is not sandboxed");
    }
}

/* ---- running --------------------------------------------------------------------------------------- */

/* An instance in an interpreter of one form. */
typedef struct Machine {
    Interp *vm;
    InterpMemory memory;
    InterpFunc *entry; /* the last function of the file */
} Machine;

static void open_machine(Machine *m, const Program *p, InterpForm form, DispatchCounts *counts)
{
    const PulleyModule *module = &p->linked.module;
    InterpConfig config = {.form = form, .context = counts};
    InterpInstance *instance = NULL;
    memset(m, 0, sizeof *m);
    m->vm = dv_interp_new(&config);
    if (m->vm == NULL || dv_instance_new(m->vm, module, &instance) != DAVIT_OK) {
        fail(p->row->name, "no instance");
    }
    if (module->memories.len != 0) {
        u32 pages = KERNEL_MEMORY_BYTES / PAGE_BYTES;
        if (!dv_memory_init_malloc(&m->memory, &module->memories.data[0], PAGE_BYTES, pages,
                                   pages)) {
            fail(p->row->name, "no memory");
        }
        instance->memories[0] = &m->memory;
    }
    m->entry = dv_instance_func(instance, module->imports.len + module->funcs.len - 1);
}

static void close_machine(Machine *m)
{
    dv_interp_free(m->vm);
    dv_memory_free_malloc(&m->memory);
}

static u64 result_mask(const Program *p)
{
    const ClifFunc *entry = p->file.funcs.data[p->file.funcs.len - 1];
    u32 bits = type_bits(entry->func.sig.results[0].type);
    return UINT64_MAX >> (64 - bits);
}

static double run_form(const Program *p, const Machine *m)
{
    u64 slots[1] = {p->row->size};
    double start = now();
    InterpOutcome outcome = dv_interp_call(m->vm, m->entry, slots);
    double seconds = now() - start;
    if (outcome != INTERP_RETURNED || (slots[0] & result_mask(p)) != p->result) {
        fail(p->row->name, "the result is not that of the C program");
    }
    return seconds;
}

static double run_native(const Bench *bench, const Program *p)
{
    double start = now();
    u64 result = p->row->native(bench->memory, p->row->size);
    double seconds = now() - start;
    if (result != p->result) {
        fail(p->row->name, "the C program gives two results");
    }
    return seconds;
}

static void count_instructions(Bench *bench, Program *p)
{
    const PulleyModule *module = &p->linked.module;
    u32 words = module->code_size_bytes / 4;
    p->counts = ARENA_ARRAY(&bench->arena, u64, words);
    DispatchCounts counts = {module->code, module->code_size_bytes, p->counts};
    Machine m;
    open_machine(&m, p, INTERP_SWITCH, &counts);
    run_form(p, &m);
    close_machine(&m);
    for (u32 i = 0; i < words; i++) {
        p->instructions += p->counts[i];
    }
}

static void note_seconds(Program *p, u32 way, u32 round, double seconds)
{
    p->seconds[way] = round == 0 || seconds < p->seconds[way] ? seconds : p->seconds[way];
}

static void measure(Bench *bench, Program *p)
{
    Machine machines[INTERP_FORM_COUNT];
    for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
        if (dv_interp_has_form((InterpForm)form)) {
            open_machine(&machines[form], p, (InterpForm)form, NULL);
        }
    }
    for (u32 round = 0; round < ROUNDS; round++) {
        note_seconds(p, NATIVE, round, run_native(bench, p));
        for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
            if (dv_interp_has_form((InterpForm)form)) {
                note_seconds(p, form, round, run_form(p, &machines[form]));
            }
        }
    }
    for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
        if (dv_interp_has_form((InterpForm)form)) {
            close_machine(&machines[form]);
        }
    }
}

/* ---- showing --------------------------------------------------------------------------------------- */

/* A line for each instruction: how often it ran, what part of all that is, the instruction. */
static void print_profile(Bench *bench, const Program *p)
{
    const PulleyModule *module = &p->linked.module;
    for (u32 i = 0; i < module->funcs.len; i++) {
        const PulleyFunc *f = &module->funcs.data[i];
        TextBuf text;
        PulleyInst inst;
        dv_text_init(&text, &bench->arena);
        dv_print_extname(&text, &p->linked.funcs.data[i]);
        printf("%s: %u bytes, window %u, frame %u\n", text.data, (unsigned)f->size_bytes, f->window,
               (unsigned)f->frame);
        for (u32 at = 0; at < f->size_bytes; at += inst.size) {
            u64 count = p->counts[(f->code + at) / 4];
            const u8 *code = module->code + f->code + at;
            dv_text_init(&text, &bench->arena);
            if (!dv_pulley_decode(code, f->size_bytes - at, module->big, &inst)) {
                fail(p->row->name, "the code does not decode");
            }
            dv_pulley_print_inst(&text, module, f, &inst, at);
            printf("%12llu %5.1f %%  L%-5u %s\n", (unsigned long long)count,
                   100.0 * (double)count / (double)p->instructions, (unsigned)at, text.data);
        }
    }
    printf("%llu instructions\n", (unsigned long long)p->instructions);
}

#ifdef __VERSION__
#define COMPILER __VERSION__
#else
#define COMPILER "unknown"
#endif

static void print_head(const char *what)
{
    printf("%-10s", what);
    for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
        if (dv_interp_has_form((InterpForm)form)) {
            printf(" %8s", form_names[form]);
        }
    }
}

/* Two tables: nanoseconds per instruction, and times as long as native. */
static void print_results(const Program *programs, u32 count)
{
    double sum[WAYS] = {0};
    printf("the interpreter's compiler: %s\n", COMPILER);
    print_head("ns each");
    printf(" %10s %8s %10s\n", "bytecodes", "bytes", "native us");
    for (u32 i = 0; i < count; i++) {
        const Program *p = &programs[i];
        printf("%-10s", p->row->name);
        for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
            if (dv_interp_has_form((InterpForm)form)) {
                printf(" %8.2f", p->seconds[form] * 1e9 / (double)p->instructions);
                sum[form] += log(p->seconds[form] / p->seconds[NATIVE]);
            }
        }
        printf(" %10llu %8u %10.1f\n", (unsigned long long)p->instructions,
               (unsigned)p->linked.module.code_size_bytes, p->seconds[NATIVE] * 1e6);
    }
    print_head("x native");
    printf(" %10s\n", "goal");
    for (u32 i = 0; i < count; i++) {
        const Program *p = &programs[i];
        printf("%-10s", p->row->name);
        for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
            if (dv_interp_has_form((InterpForm)form)) {
                printf(" %8.2f", p->seconds[form] / p->seconds[NATIVE]);
            }
        }
        if (p->row->target > 0) {
            printf(" %10.1f\n", p->row->target);
        } else {
            printf(" %10s\n", "-");
        }
    }
    printf("%-10s", "geomean");
    for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
        if (dv_interp_has_form((InterpForm)form)) {
            printf(" %8.2f", exp(sum[form] / count));
        }
    }
    printf("\n");
}

static void run(void *context)
{
    Bench *bench = context;
    Program programs[ARRAY_LEN(kernels)];
    u32 count = 0;
    memset(programs, 0, sizeof programs);
    dv_arena_init(&bench->arena, bench->pool);
    dv_arena_init(&bench->scratch, bench->pool);
    for (u32 i = 0; i < ARRAY_LEN(kernels); i++) {
        if (bench->profile != NULL && strcmp(bench->profile, kernels[i].name) != 0) {
            continue;
        }
        Program *p = &programs[count++];
        p->row = &kernels[i];
        p->result = p->row->native(bench->memory, p->row->size);
        compile(bench, p);
        count_instructions(bench, p);
        if (bench->profile != NULL) {
            print_profile(bench, p);
        } else {
            measure(bench, p);
        }
    }
    if (bench->profile == NULL) {
        print_results(programs, count);
    } else if (count == 0) {
        fail(bench->profile, "no such kernel");
    }
    dv_arena_release(&bench->scratch);
    dv_arena_release(&bench->arena);
}

int main(int argc, char **argv)
{
    Pool pool;
    Bench bench = {.pool = &pool, .memory = malloc(KERNEL_MEMORY_BYTES)};
    if (argc == 3 && strcmp(argv[1], "--profile") == 0) {
        bench.profile = argv[2];
    } else if (argc != 1) {
        fprintf(stderr, "usage: dispatch [--profile KERNEL]\n");
        return 2;
    }
    if (bench.memory == NULL) {
        fail("all", "no memory");
    }
    dv_pool_init(&pool, NULL);
    davit_status_t status = dv_pool_protect(&pool, run, &bench);
    if (status != DAVIT_OK) {
        fail("all", davit_status_name(status));
    }
    dv_pool_destroy(&pool);
    free(bench.memory);
    return 0;
}
