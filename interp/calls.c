/* calls.c - calls other than those within a module: of imports, through tables, references and addresses, of the
 * host, and all calls with a block of arguments and results beyond 48.
 *
 * They come down to two shapes. A call pushes a record, and a special on top of it if the callee belongs to another
 * instance or the caller gave a block. A tail call pushes nothing, unless it leaves the instance and the
 * record on top is no special yet; its arguments are copied to where the frame memory of this function began.
 *
 * The block of a tail call lies in frame memory that is about to go. It is copied above the window first, where
 * enter_block, which is the next instruction, finds it; nothing polls in between. So args_block runs the call
 * that follows it as well.
 *
 * Slots of the callee's window other than the arguments are zeroed when another instance is entered, and those
 * other than the results when it returns, so that neither reads what the other left there; for slots above the
 * window see `touched` in engine.h. After a host call the arguments that are no results are zeroed.
 */
#include "interp/engine.h"
#include "interp/fields.h"
#include "interp/helpers.h"

typedef struct Site {
    const u8 *at;     /* the instruction */
    const u8 *behind; /* the next */
    u64 *fp;
    u64 *block; /* NULL: none */
    i64 k;      /* of a call */
    i64 args;   /* of a tail call: slots to move */
    i64 frame;  /* of a tail call: slots of frame memory */
    bool is_tail;
} Site;

static u32 in_window(u32 slots)
{
    return slots < PULLEY_ARGS_MAX ? slots : PULLEY_ARGS_MAX;
}

void dv_interp_push_special(Interp *vm, const InterpSpecial *special)
{
    void *to = (u8 *)vm->control - sizeof *special;
    memcpy(to, special, sizeof *special);
    vm->control = to;
}

/* The special on top; NULL if a plain record is there. */
static InterpSpecial *top_special(const Interp *vm)
{
    return vm->control->pc == dv_interp_exit_code ? (void *)vm->control : NULL;
}

/* ---- entering a function ---- */

static u32 run_host(Interp *vm, const InterpFunc *callee, u64 *slots, const Site *site)
{
    vm->host_slots = slots;
    vm->host_func = callee;
    u32 status = callee->host(callee->context, vm, slots);
    CHECK(status <= INTERP_NO_MEMORY);
    dv_interp_refresh(vm);
    if (status == INTERP_GO_ON) {
        dv_interp_scrub_host(callee, slots);
    } else if (status < INTERP_SUSPEND) {
        vm->pc = site->at; /* it traps there */
    }
    return status;
}

/* Goes to the first instruction, fp being set. */
static void start(Interp *vm, const InterpFunc *callee)
{
    if (callee->instance != vm->instance) {
        u16 window = callee->instance->module->funcs.data[callee->func].window;
        dv_interp_clean_window(vm, vm->fp, in_window(callee->args), window);
        dv_interp_switch(vm, callee->instance);
    }
    vm->pc = vm->entries[callee->func];
}

/* What `touched` may be again in a function at fp after a call to another instance: at least the end of its
 * window. */
static u64 *touched_of(const Interp *vm, u64 *fp)
{
    u64 *most = fp + PULLEY_WINDOW_SLOTS;
    return vm->touched < most ? vm->touched : most;
}

static u32 call_func(Interp *vm, const InterpFunc *callee, const Site *site)
{
    u64 *next = site->fp + site->k;
    if (callee->instance == NULL) {
        vm->pc = site->behind;
        vm->free_slots = site->fp + PULLEY_WINDOW_SLOTS;
        vm->host_args = site->block;
        vm->host_results = site->block;
        return run_host(vm, callee, next, site);
    }
    bool crosses = callee->instance != vm->instance;
    bool is_special = crosses || site->block != NULL;
    usize record_bytes = sizeof(InterpRecord) + (is_special ? sizeof(InterpSpecial) : 0);
    if (!dv_interp_make_room(vm, site->fp, (usize)site->k, record_bytes)) {
        return PULLEY_TRAP_stk_ovf;
    }
    vm->control--;
    *vm->control = (InterpRecord){site->behind, site->fp};
    if (is_special) {
        const InterpSpecial special = {.link = {dv_interp_exit_code, next},
                                       .restore = crosses ? vm->instance : NULL,
                                       .results = site->block,
                                       .touched = touched_of(vm, site->fp),
                                       .scrub_from = in_window(callee->results)};
        dv_interp_push_special(vm, &special);
    }
    vm->args_block = site->block;
    vm->fp = next;
    start(vm, callee);
    return INTERP_GO_ON;
}

/* Makes the return from a tail call into another instance come back to this one. False if there is no room. */
static bool note_instance(Interp *vm, const InterpFunc *callee, u64 *base)
{
    InterpSpecial *top = top_special(vm);
    if (top == NULL) {
        if (room_above(vm, base) < sizeof *top + RED_ZONE_BYTES) {
            return false;
        }
        const InterpSpecial special = {.link = {dv_interp_exit_code, base},
                                       .touched = touched_of(vm, vm->control->fp),
                                       .scrub_from = in_window(callee->results)};
        dv_interp_push_special(vm, &special);
        top = top_special(vm);
    }
    if (top->is_host == 0 && top->restore == NULL) {
        top->restore = vm->instance;
    }
    return true;
}

/* Makes a copied block one of the slots touched, lest the callee's enter_block clears it before it reads it. */
static void show_block(Interp *vm, u64 *block, u32 slots)
{
    if (vm->touched < block) {
        memset(vm->touched, 0, (usize)(block - vm->touched) * sizeof *block);
    }
    if (vm->touched < block + slots) {
        vm->touched = block + slots;
    }
}

static u32 tail_call_func(Interp *vm, const InterpFunc *callee, const Site *site)
{
    u64 *base = site->fp - site->frame;
    u64 *above = site->fp + PULLEY_WINDOW_SLOTS;
    u32 extra = site->block == NULL ? 0 : callee->args - in_window(callee->args);
    if (!dv_interp_make_room(vm, base, 0, 0)) {
        return PULLEY_TRAP_stk_ovf;
    }
    if (extra != 0) {
        if (room_above(vm, above) < extra * sizeof *above + sizeof(InterpSpecial)) {
            return PULLEY_TRAP_stk_ovf;
        }
        memcpy(above, site->block, extra * sizeof *above);
        vm->args_block = above;
    }
    if (callee->instance != NULL && callee->instance != vm->instance &&
        !note_instance(vm, callee, base)) {
        return PULLEY_TRAP_stk_ovf;
    }
    for (i64 i = 0; i < site->args; i++) {
        base[i] = site->fp[i];
    }
    vm->fp = base;
    if (callee->instance == NULL) {
        InterpSpecial *top = top_special(vm);
        vm->pc = dv_interp_ret_code;
        vm->free_slots = above + extra;
        vm->host_args = vm->args_block;
        vm->host_results = top == NULL ? NULL : top->results;
        return run_host(vm, callee, base, site);
    }
    start(vm, callee);
    if (extra != 0) {
        show_block(vm, above, extra);
    }
    return INTERP_GO_ON;
}

static u32 do_call(Interp *vm, const InterpFunc *callee, const Site *site)
{
    return site->is_tail ? tail_call_func(vm, callee, site) : call_func(vm, callee, site);
}

/* ---- finding the callee ---- */

/* Each gives the function, or NULL and the trap. */

static const InterpFunc *check_type(const Interp *vm, const InterpFunc *func, i64 type, u32 *trap)
{
    if (func == NULL || func->type_id != vm->instance->type_ids[type]) {
        *trap = PULLEY_TRAP_bad_sig;
        return NULL;
    }
    return func;
}

static const InterpFunc *find_ref(const Interp *vm, u64 slot, i64 type, u32 *trap)
{
    u32 handle = (u32)slot;
    if (handle == 0) {
        *trap = PULLEY_TRAP_null_func;
        return NULL;
    }
    return check_type(vm, dv_interp_func(vm, handle), type, trap);
}

static const InterpFunc *find_in_table(Interp *vm, u64 slot, i64 number, i64 type, u32 *trap)
{
    const InterpTable *table = vm->instance->tables[number];
    u64 index = as_index(table->index64, slot);
    if (index >= table->count) {
        *trap = PULLEY_TRAP_undef_elem;
        return NULL;
    }
    u32 handle = table->elems[index];
    if (handle == 0) {
        *trap = PULLEY_TRAP_null_elem;
        vm->null_elem = index;
        return NULL;
    }
    return check_type(vm, dv_interp_func(vm, handle), type, trap);
}

static const InterpFunc *find_at_address(const Interp *vm, u64 slot, i64 type, u32 *trap)
{
    const InterpFunc *func = (const InterpFunc *)(uintptr_t)slot;
    if (func == NULL) {
        *trap = PULLEY_TRAP_null_func;
        return NULL;
    }
    return check_type(vm, func, type, trap);
}

/* ---- the operations ---- */

static u32 call_found(Interp *vm, const InterpFunc *callee, u32 trap, const Site *site)
{
    return callee == NULL ? trap : do_call(vm, callee, site);
}

#define CALL_SITE() \
    { \
        .at = pc, .behind = pc + BYTES, .fp = fp, .k = k \
    }
#define TAIL_SITE() \
    { \
        .at = pc, .behind = pc + BYTES, .fp = fp, .args = args, .frame = n, .is_tail = true \
    }

/* `find` gives the callee, or sets trap. */
#define CALL_OP(name, shape, page, SITE, find) \
    SLOW_OP(name) \
    { \
        READ_FIELDS(shape, page) \
        const Site site = SITE(); \
        u32 trap = PULLEY_TRAP_none; \
        (void)size; \
        const InterpFunc *callee = (find); \
        return call_found(vm, callee, trap, &site); \
    }

CALL_OP(call_import, K_IMPORT, 0, CALL_SITE, vm->instance->imports[f])
CALL_OP(call_table, K_A_TABLE16, 0, CALL_SITE, find_in_table(vm, fp[a], t, y, &trap))
CALL_OP(call_table_far, K_A_TABLE32, 1, CALL_SITE, find_in_table(vm, fp[a], t, y, &trap))
CALL_OP(call_ref, K_A_TYPE, 0, CALL_SITE, find_ref(vm, fp[a], y, &trap))
CALL_OP(call_indirect, K_A_TYPE, 2, CALL_SITE, find_at_address(vm, fp[a], y, &trap))
CALL_OP(return_call_import, TAIL_IMPORT, 1, TAIL_SITE, vm->instance->imports[f])
CALL_OP(return_call_table, TAIL_TABLE, 1, TAIL_SITE, find_in_table(vm, fp[a], t, y, &trap))
CALL_OP(return_call_ref, TAIL_TYPE, 1, TAIL_SITE, find_ref(vm, fp[a], y, &trap))
CALL_OP(return_call_indirect, TAIL_TYPE, 2, TAIL_SITE, find_at_address(vm, fp[a], y, &trap))

/* ---- calls with a block ---- */

/* A function of this module, as the others are described. */
static InterpFunc own_func(const Interp *vm, u32 number)
{
    const PulleyModule *module = vm->instance->module;
    const PulleyType *type = &module->types.data[module->funcs.data[number].type];
    return (InterpFunc){
        .instance = vm->instance, .func = number, .args = type->args, .results = type->results};
}

/* The one that begins this far from the call at the site. */
static InterpFunc own_func_at(const Interp *vm, const Site *site, u64 distance)
{
    const PulleyModule *module = vm->instance->module;
    u32 number = dv_pulley_callee(module, (site->at - module->code) + (i64)distance);
    CHECK(number != UINT32_MAX); /* verified code */
    return own_func(vm, number);
}

/* The call in `inst`, which stands at site->at; the rest of the site is filled in here. */
static u32 call_with_block(Interp *vm, const PulleyInst *inst, Site *site)
{
    const u64 *x = inst->fields;
    const u64 *fp = site->fp;
    InterpFunc own;
    const InterpFunc *callee = NULL;
    u32 trap = PULLEY_TRAP_none;
    site->is_tail = (dv_pulley_ops[inst->op].effects & PX_TERM) != 0;
    u64 a = x[site->is_tail ? 0 : 1]; /* a slot, where the callee comes from one */
    switch (inst->op) {
    case PULLEY_call:
    case PULLEY_call_far:
    case PULLEY_return_call_big:
        own = own_func_at(vm, site, x[1]);
        callee = &own;
        break;
    case PULLEY_call_number:
        own = own_func(vm, (u32)x[1]);
        callee = &own;
        break;
    case PULLEY_call_import:
    case PULLEY_return_call_import:
        callee = vm->instance->imports[x[1]];
        break;
    case PULLEY_call_table:
    case PULLEY_call_table_far:
    case PULLEY_return_call_table:
        callee = find_in_table(vm, fp[a], (i64)x[2], (i64)x[3], &trap);
        break;
    case PULLEY_call_ref:
    case PULLEY_return_call_ref:
        callee = find_ref(vm, fp[a], (i64)x[2], &trap);
        break;
    case PULLEY_call_indirect:
    case PULLEY_return_call_indirect:
        callee = find_at_address(vm, fp[a], (i64)x[2], &trap);
        break;
    default:
        UNREACHABLE(); /* verified code */
    }
    if (site->is_tail) {
        PulleyOp op = (PulleyOp)inst->op;
        site->args = (i64)x[dv_pulley_find_field(op, PROLE_COUNT)];
        site->frame = (i64)x[dv_pulley_find_field(op, PROLE_FRAME)];
    } else {
        site->k = (i64)x[0];
    }
    return call_found(vm, callee, trap, site);
}

SLOW_OP(args_block)
{
    READ_FIELDS(BLOCK, 1)
    const PulleyModule *module = vm->instance->module;
    PulleyInst inst;
    Site site = {.at = pc + BYTES, .fp = fp, .block = fp - s};
    usize offset = (usize)(site.at - module->code);
    /* Answered in place: whoever always asks for the next poll would be asked again here for ever. */
    bool is_asked = atomic_load_explicit(&vm->poll, memory_order_relaxed) != 0;
    u32 status = is_asked ? dv_interp_answer_poll(vm) : INTERP_GO_ON;
    if (status != INTERP_GO_ON) {
        return status; /* and comes here again, if at all */
    }
    bool is_known = dv_pulley_decode(site.at, module->code_size_bytes - offset, module->big, &inst);
    CHECK(is_known);
    site.behind = site.at + inst.size;
    vm->pc = site.at;
    if (inst.op == PULLEY_throw) {
        vm->args_block = site.block;
        return dv_slow_throw(vm, site.at, fp, size);
    }
    if (inst.op == PULLEY_throw_in) {
        vm->args_block = site.block;
        return dv_slow_throw_in(vm, site.at, fp, size);
    }
    return call_with_block(vm, &inst, &site);
}

SLOW_OP(enter_block)
{
    READ_FIELDS(ENTER_BLOCK, 1)
    u64 window[PULLEY_ARGS_MAX];
    (void)size;
    memcpy(window, fp, (usize)args * sizeof *fp);
    if (i != 0) {
        memmove(fp, vm->args_block, (usize)i * sizeof *fp);
    }
    memcpy(fp + n, window, (usize)args * sizeof *fp);
    vm->fp = fp + n;
    return INTERP_GO_ON;
}

/* ---- the rest ---- */

u32 dv_interp_call_helper(u32 helper, u64 *slots)
{
    return dv_interp_helpers[helper](slots);
}

u64 dv_interp_func_address(const Interp *vm, u32 entity)
{
    return (u64)(uintptr_t)dv_instance_func(vm->instance, entity);
}

SLOW_OP(debugtrap)
{
    (void)pc;
    (void)size;
    if (vm->config.on_debugtrap == NULL) {
        return INTERP_GO_ON;
    }
    vm->host_slots = NULL;
    vm->free_slots = fp + PULLEY_WINDOW_SLOTS;
    u32 status = vm->config.on_debugtrap(vm->config.context, vm);
    dv_interp_refresh(vm);
    return status;
}
