/* fuzz_interp.c - any bytes as bytecode, made to verify, run: within limits, in every dispatch form to the same end,
 * and touch nothing but what they were given, as a sanitizer sees.
 *
 * Bytes 0 to 2: how the rest is shared out among the functions, in words (functions 1 and 2 have frame memory and
 * get what bytes 0 and 1 say, function 0 the rest), and how many handlers function 0 has (modulo 4), each of 4
 * bytes: call and target in words, value, kind. Byte 2: bit 2 makes the index of memory 0 64 bits wide,
 * bit 3 runs the counting form too. Each function gets an entry and an end that fit it.
 *
 * Numbers of entities are taken modulo how many there are, sizes that repeat a declaration are what is declared;
 * after that whatever the verifier objects to becomes nops. So nearly all of an input runs.
 *
 * There are two instances of the module. Import 0 of each is function 0 of the other, import 1 a function
 * of the host that calls back, suspends, throws, grows memory.
 */
#include "fuzz/fuzz.h"
#include "interp/interp.h"

enum {
    HEAD_BYTES = 3,
    HANDLER_BYTES = 4,
    FUNCS = 3,
    CODE_MAX = 2048,
    REPAIRS_MAX = 600,
    POLLS = 300, /* of a run */
    HOST_CALLS = 20,
    STACK_BYTES = 16 << 10,
    PAGE_BYTES = 64,
    ENTITIES = 3 /* of a kind at most */
};

static const char declarations[] =
    "type 2 -> 1\ntype 1 -> 1\ntype 60 -> 50\ntype 1 -> 0\n"
    "metered\nimport type0\nimport type1\nglobal 4 mutable\nglobal 8 mutable\nglobal 16 mutable\n"
    "table i32 func\ntable i64 func\ntag type3\nelem func\ndata 1\nmemory i32\nmemory i64\n"
    "func type0, window 256 {\n.word 0\n}\n"
    "func type1, window 256, frame 20 {\n.word 0\n}\n"
    "func type2, window 256, frame 40 {\n.word 0\n}\n";

/* ---- making a module ---- */

typedef struct Maker {
    PulleyModule module;
    ByteBuf code;
    Arena *arena;
} Maker;

static void put(Maker *m, PulleyOp op, u64 a, u64 b, u64 c)
{
    const u64 fields[PULLEY_FIELDS_MAX] = {a, b, c};
    dv_pulley_encode(&m->code, m->module.big, op, fields);
}

/* How many there are of what the role names; 0 of what is no entity. */
static u32 count_entities(const PulleyModule *m, u32 role)
{
    switch (role) {
    case PROLE_FUNC_NUMBER:
        return m->funcs.len;
    case PROLE_IMPORT:
        return m->imports.len;
    case PROLE_ENTITY:
        return m->imports.len + m->funcs.len;
    case PROLE_TABLE:
        return m->tables.len;
    case PROLE_TYPE:
        return m->types.len;
    case PROLE_MEMORY:
        return m->memories.len;
    case PROLE_GLOBAL:
        return m->globals.len;
    case PROLE_DATA:
        return m->data_count;
    case PROLE_ELEM:
        return m->elems.len;
    case PROLE_TAG:
        return m->tags.len;
    case PROLE_RMW:
        return PULLEY_RMW_COUNT;
    case PROLE_HELPER:
        return PULLEY_HELPER_COUNT;
    default:
        return 0;
    }
}

/* The field as it may stand here. */
static u64 fit_field(const PulleyModule *m, const PulleyFunc *func, const PulleyInst *inst,
                     u32 role, u64 x)
{
    u32 count = count_entities(m, role);
    u32 size = PX_SIZE_OF(dv_pulley_ops[inst->op].effects);
    if (count != 0) {
        return x % count;
    }
    switch (role) {
    case PROLE_OUT:
        return x & 126;
    case PROLE_FRAME:
        return func->frame;
    case PROLE_SPILL:
        return func->frame == 0 ? x : 1 + x % func->frame;
    case PROLE_END:
    case PROLE_END64:
        return x < size ? size : x;
    default:
        return x;
    }
}

/* From the instruction at `offset` of `func` to some function's first. */
static u64 distance_to_func(const PulleyModule *m, const PulleyFunc *func, u32 offset, u64 choice)
{
    const PulleyFunc *callee = &m->funcs.data[choice % m->funcs.len];
    return (u64)((i64)callee->code - ((i64)func->code + offset));
}

/* The instruction at `offset` of `func`, whose bytes are at `at`. */
static void fit_inst(const PulleyModule *m, const PulleyFunc *func, u32 offset, u8 *at,
                     const PulleyInst *inst)
{
    const PulleyShapeInfo *shape = dv_pulley_shape((PulleyOp)inst->op);
    for (u32 i = 0; i < shape->count; i++) {
        const PulleyField *field = &shape->fields[i];
        u64 x = field->role == PROLE_FUNC ? distance_to_func(m, func, offset, inst->fields[i] / 4)
                                          : fit_field(m, func, inst, field->role, inst->fields[i]);
        if (x != inst->fields[i] && dv_pulley_field_fits(field, x)) {
            dv_pulley_patch(at, m->big, (PulleyOp)inst->op, i, x);
        }
    }
}

static void fit_code(Maker *m)
{
    PulleyModule *module = &m->module;
    for (u32 f = 0; f < module->funcs.len; f++) {
        const PulleyFunc *func = &module->funcs.data[f];
        u8 *code = m->code.data + func->code;
        u32 step;
        for (u32 at = 0; at < func->size_bytes; at += step) {
            PulleyInst inst;
            step = 4;
            if (dv_pulley_decode(code + at, func->size_bytes - at, module->big, &inst)) {
                fit_inst(module, func, at, code + at, &inst);
                step = inst.size;
            }
        }
    }
}

static void erase(Maker *m, usize offset, u32 size_bytes)
{
    ByteBuf nop;
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    dv_bytebuf_init(&nop, m->arena);
    dv_pulley_encode(&nop, m->module.big, PULLEY_nop, fields);
    for (u32 i = 0; i < size_bytes; i += 4) {
        memcpy(m->code.data + offset + i, nop.data, 4);
    }
}

static bool goes_to(const PulleyInst *inst, u32 at, u32 target, bool big)
{
    const PulleyShapeInfo *shape = dv_pulley_shape((PulleyOp)inst->op);
    for (u32 i = 0; i < shape->count; i++) {
        if (shape->fields[i].role == PROLE_TARGET && at + (u32)inst->fields[i] == target) {
            return true;
        }
    }
    for (u64 i = 0; inst->op == PULLEY_br_table && i <= inst->fields[1]; i++) {
        if (at + load_u32(inst->entries + i * 4, big) * 4 == target) {
            return true;
        }
    }
    return false;
}

/* Erases the instruction at fault. Of a place that may not be branched to, that is every branch there. */
static bool repair(Maker *m, const PulleyFault *fault)
{
    PulleyFunc *func = &m->module.funcs.data[fault->func];
    u8 *code = m->code.data + func->code;
    PulleyInst inst;
    bool is_target = fault->rule == PRULE_TARGET_INSIDE || fault->rule == PRULE_TARGET_ENTER ||
                     fault->rule == PRULE_TARGET_ACC || fault->rule == PRULE_TARGET_BLOCK;
    if (fault->offset == UINT32_MAX) {
        func->handler_count = 0;
        m->module.handlers.len = 0;
        return true;
    }
    if (!is_target) {
        bool is_known = dv_pulley_decode(code + fault->offset, func->size_bytes - fault->offset,
                                         m->module.big, &inst);
        erase(m, func->code + fault->offset, is_known ? inst.size : 4);
        return true;
    }
    bool found = false;
    for (u32 at = 0; at < func->size_bytes; at += inst.size) {
        bool is_known = dv_pulley_decode(code + at, func->size_bytes - at, m->module.big, &inst);
        CHECK(is_known);
        if (goes_to(&inst, at, fault->offset, m->module.big)) {
            erase(m, func->code + at, inst.size);
            found = true;
        }
    }
    if (!found) { /* a handler goes there */
        func->handler_count = 0;
        m->module.handlers.len = 0;
    }
    return true;
}

static void add_func(Maker *m, u32 number, const u8 *words, u32 size_bytes)
{
    PulleyFunc *func = &m->module.funcs.data[number];
    func->code = (u32)m->code.len;
    if (number == 1) {
        put(m, PULLEY_enter, 1, func->frame, 0);
    } else if (number == 2) {
        put(m, PULLEY_enter_block, 48, func->frame, 12);
    }
    for (u32 i = 0; i < size_bytes; i++) {
        dv_bytebuf_u8(&m->code, words[i]);
    }
    if (number == 0) {
        put(m, PULLEY_ret, 0, 0, 0);
    } else {
        put(m, PULLEY_ret_big, number == 1 ? 1 : 48, func->frame, 0);
    }
    func->size_bytes = (u32)m->code.len - func->code;
}

/* False if the input is too short, or cannot be repaired. */
static bool make_module(Maker *m, Arena *arena, const u8 *data, usize size)
{
    Diag diag;
    PulleyFault fault;
    m->arena = arena;
    dv_diag_init(&diag, arena);
    dv_bytebuf_init(&m->code, arena);
    u32 handlers = data[2] % 4;
    u32 head = HEAD_BYTES + handlers * HANDLER_BYTES;
    if (size < head || size - head > CODE_MAX ||
        !dv_pulley_assemble(arena, (Str){declarations, sizeof declarations - 1}, dv_host_is_big(),
                            &m->module, &diag)) {
        return false;
    }
    const u8 *words = data + head;
    u32 left = (u32)(size - head) / 4 * 4;
    u32 parts[FUNCS] = {0, data[0] * 4u, data[1] * 4u};
    parts[1] = parts[1] < left ? parts[1] : left;
    parts[2] = parts[2] < left - parts[1] ? parts[2] : left - parts[1];
    parts[0] = left - parts[1] - parts[2];
    m->module.memories.data[0].index64 = (data[2] & 4) != 0;
    for (u32 i = 0; i < FUNCS; i++) {
        add_func(m, i, words, parts[i]);
        words += parts[i];
    }
    for (u32 i = 0; i < handlers; i++) {
        const u8 *h = data + HEAD_BYTES + i * HANDLER_BYTES;
        PulleyHandler handler = {h[0] * 4u, h[1] * 4u, h[2], h[3] % 3};
        vec_push(arena, &m->module.handlers, handler);
    }
    m->module.funcs.data[0].handler_count = handlers;
    m->module.funcs.data[1].first_handler = handlers;
    m->module.funcs.data[2].first_handler = handlers;
    fit_code(m);
    m->module.code = m->code.data;
    m->module.code_size_bytes = (u32)m->code.len;
    for (u32 i = 0; i < REPAIRS_MAX; i++) {
        if (dv_pulley_verify(&m->module, arena, &fault)) {
            return true;
        }
        repair(m, &fault);
        m->module.funcs.data[1].first_handler = m->module.handlers.len;
        m->module.funcs.data[2].first_handler = m->module.handlers.len;
    }
    return false;
}

/* ---- running it ---- */

/* An instance and what it has. */
typedef struct Room {
    InterpInstance *instance;
    InterpMemory memories[ENTITIES];
    InterpTable tables[ENTITIES];
    u64 globals[ENTITIES][2];
    InterpTag tag;
} Room;

typedef struct Run {
    Interp *vm;
    Room rooms[2];
    u32 polls;
    u32 host_calls;
} Run;

static u32 on_poll(void *context, Interp *vm, u32 bits)
{
    Run *run = context;
    (void)bits;
    if (run->polls++ >= POLLS) {
        return PULLEY_TRAP_interrupt;
    }
    dv_interp_notify(vm);
    return run->polls % 64 == 0 ? (u32)INTERP_SUSPEND : (u32)INTERP_GO_ON;
}

static u32 status_of(Interp *vm, InterpOutcome outcome)
{
    switch (outcome) {
    case INTERP_RETURNED:
        return INTERP_GO_ON;
    case INTERP_TRAPPED:
        return dv_interp_trap(vm)->code;
    case INTERP_THREW:
        return INTERP_THROW;
    default:
        return INTERP_NO_MEMORY;
    }
}

/* Import 1, of type 1 -> 1. */
static u32 host(void *context, Interp *vm, u64 *slots)
{
    Run *run = context;
    Room *room = &run->rooms[slots[0] >> 3 & 1];
    u64 inner[64] = {slots[0] >> 4, 5};
    if (run->host_calls++ >= HOST_CALLS) {
        return PULLEY_TRAP_interrupt;
    }
    switch (slots[0] & 7) {
    case 0:
    case 1:
    case 2: {
        u32 entity = room->instance->module->imports.len + (u32)(slots[0] & 7);
        InterpOutcome outcome =
            dv_interp_call_resumable(vm, dv_instance_func(room->instance, entity), inner);
        slots[0] = inner[0];
        return status_of(vm, outcome);
    }
    case 3:
        return INTERP_SUSPEND;
    case 4:
        slots[0] = dv_memory_grow(&room->memories[0], 1);
        return INTERP_GO_ON;
    case 5:
        slots[0] = dv_interp_new_exception(vm, &room->tag, 0);
        if (slots[0] == 0) {
            return INTERP_NO_MEMORY;
        }
        dv_interp_set_exception(vm, (u32)slots[0]);
        return INTERP_THROW;
    default:
        return INTERP_GO_ON;
    }
}

static bool open_room(Run *run, Room *room, const PulleyModule *module)
{
    static const u8 bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const u32 handles[] = {0, 1, 2, 3};
    bool ok = dv_instance_new(run->vm, module, &room->instance) == DAVIT_OK;
    CHECK(ok);
    InterpInstance *instance = room->instance;
    for (u32 i = 0; i < module->memories.len; i++) {
        ok = dv_memory_init_malloc(&room->memories[i], &module->memories.data[i], PAGE_BYTES, 1,
                                   3) &&
             ok;
        instance->memories[i] = &room->memories[i];
    }
    for (u32 i = 0; i < module->tables.len; i++) {
        ok = dv_table_init_malloc(&room->tables[i], &module->tables.data[i], 5, 9) && ok;
        instance->tables[i] = &room->tables[i];
    }
    for (u32 i = 0; i < module->globals.len; i++) {
        instance->globals[i] = room->globals[i];
    }
    room->tag.args = 1;
    instance->tags[0] = &room->tag;
    instance->datas[0] = (InterpSegment){bytes, sizeof bytes};
    instance->elems[0] = (InterpSegment){handles, ARRAY_LEN(handles)};
    return ok;
}

static bool open_run(Run *run, const PulleyModule *module, InterpForm form)
{
    InterpConfig config = {.form = form,
                           .stack_bytes = STACK_BYTES,
                           .max_nesting = 4,
                           .max_exceptions = 50,
                           .on_poll = on_poll,
                           .context = run};
    run->vm = dv_interp_new(&config);
    CHECK(run->vm != NULL);
    bool ok = open_room(run, &run->rooms[0], module);
    ok = open_room(run, &run->rooms[1], module) && ok;
    CHECK(ok);
    InterpFunc *import = dv_interp_host_func(run->vm, host, run, module->types.data[1],
                                             dv_interp_type_id(module->types.data[1]));
    for (u32 i = 0; i < 2; i++) {
        InterpInstance *instance = run->rooms[i].instance;
        InterpInstance *other = run->rooms[1 - i].instance;
        instance->imports[0] = dv_instance_func(other, module->imports.len);
        instance->imports[1] = import;
        for (u32 k = 0; k < run->rooms[i].tables[0].count; k++) {
            InterpFunc *func = dv_instance_func(k % 2 == 0 ? instance : other, k % 4 + 1);
            run->rooms[i].tables[0].elems[k] = func->handle;
        }
    }
    return ok;
}

static void close_run(Run *run)
{
    dv_interp_free(run->vm);
    for (u32 i = 0; i < 2 * ENTITIES; i++) {
        dv_memory_free_malloc(&run->rooms[i % 2].memories[i / 2]);
        dv_table_free_malloc(&run->rooms[i % 2].tables[i / 2]);
    }
}

/* What a run has come to: how it ended and a digest of all that a guest can change. */
typedef struct Ending {
    u32 outcome;
    u32 code;
    u64 digest;
} Ending;

static u64 mix(u64 digest, const void *bytes, usize size_bytes)
{
    const u8 *at = bytes;
    for (usize i = 0; i < size_bytes; i++) {
        digest = (digest ^ at[i]) * 0x100000001b3;
    }
    return digest;
}

static u64 digest_room(u64 digest, const PulleyModule *module, Room *room)
{
    for (u32 i = 0; i < module->memories.len; i++) {
        usize length = atomic_load(&room->memories[i].length_bytes);
        digest = mix(digest, room->memories[i].base, length);
    }
    for (u32 i = 0; i < module->tables.len; i++) {
        digest = mix(digest, room->tables[i].elems, room->tables[i].count * sizeof(u32));
    }
    return mix(digest, room->globals, sizeof room->globals);
}

/* Calls each function. */
static Ending run_module(const PulleyModule *module, InterpForm form)
{
    Run run = {.polls = 0};
    Ending ending = {.digest = 0xcbf29ce484222325};
    open_run(&run, module, form);
    for (u32 i = 0; i < FUNCS; i++) {
        u64 slots[64] = {3, 40, 100};
        InterpFunc *func = dv_instance_func(run.rooms[0].instance, module->imports.len + i);
        run.polls = 0;
        run.host_calls = 0;
        dv_interp_set_fuel(run.vm, 1 << 20);
        dv_interp_notify(run.vm);
        InterpOutcome outcome = dv_interp_call_resumable(run.vm, func, slots);
        while (outcome == INTERP_SUSPENDED) {
            outcome = dv_interp_resume(run.vm, INTERP_GO_ON, slots);
        }
        fuzz_expect(dv_interp_instance(run.vm) == NULL, "a run did not come to its end", "");
        ending.outcome = ending.outcome * 8 + (u32)outcome;
        ending.code = outcome == INTERP_TRAPPED ? dv_interp_trap(run.vm)->code : 0;
        u64 counted[] = {run.polls, ending.code, dv_interp_fuel(run.vm)};
        ending.digest = mix(ending.digest, counted, sizeof counted);
        if (outcome == INTERP_RETURNED) {
            ending.digest =
                mix(ending.digest, slots, module->types.data[i].results * sizeof slots[0]);
        }
    }
    ending.digest = digest_room(ending.digest, module, &run.rooms[0]);
    ending.digest = digest_room(ending.digest, module, &run.rooms[1]);
    close_run(&run);
    return ending;
}

/* Which NaN float arithmetic gives, of two, is the compiler's choice. */
static bool has_floats(const PulleyModule *module)
{
    PulleyInst inst;
    for (u32 at = 0; at < module->code_size_bytes; at += inst.size) {
        bool is_known =
            dv_pulley_decode(module->code + at, module->code_size_bytes - at, module->big, &inst);
        CHECK(is_known);
        if (dv_pulley_ops[inst.op].group == PGROUP_FLOAT || inst.op == PULLEY_call_helper) {
            return true;
        }
    }
    return false;
}

static void check_bytes(Arena *arena, const u8 *data, usize size)
{
    Maker *maker = ARENA_NEW(arena, Maker);
    TextBuf text;
    if (!make_module(maker, arena, data, size)) {
        return;
    }
    const PulleyModule *module = &maker->module;
    Ending first = run_module(module, INTERP_SWITCH);
    u32 last = (data[2] & 8) != 0 ? INTERP_PROFILE : INTERP_TAIL;
    bool is_exact = !has_floats(module);
    for (u32 form = INTERP_GOTO; form <= last; form++) {
        if (!dv_interp_has_form((InterpForm)form)) {
            continue;
        }
        Ending ending = run_module(module, (InterpForm)form);
        if (is_exact && (ending.outcome != first.outcome || ending.code != first.code ||
                         ending.digest != first.digest)) {
            dv_text_init(&text, arena);
            dv_pulley_print_module(&text, module);
            fprintf(stderr, "fuzz: form %u: outcome %o, code %u; the switch: %o, %u\n",
                    (unsigned)form, (unsigned)ending.outcome, (unsigned)ending.code,
                    (unsigned)first.outcome, (unsigned)first.code);
            fuzz_report("two forms differ", text.data);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= HEAD_BYTES) {
        fuzz_run(check_bytes, data, size);
    }
    return 0;
}
