/* func.c - functions: of the host, called, suspended.
 *
 * Calls by wasm_func_call check every argument and make handles of references; fast calls hand slots through. Either way
 * the runtime gets an array of RtVal, of which small ones are on the C stack. The store is held meanwhile, whatever the host
 * functions delete.
 */
#include "wasm/capi/capi.h"

enum { FEW = 16 }; /* values on the C stack */

/* ---- arrays of values ---- */

typedef struct Vals {
    RtVal *data;
    usize count;
    RtVal few[FEW];
} Vals;

/* Room for `count` values. False, with an error, if memory runs out. */
static bool vals_init(Vals *vals, wasm_store_t *store, usize count)
{
    vals->count = count;
    vals->data = count <= FEW ? vals->few : dv_capi_alloc(store->engine, count * sizeof(RtVal));
    if (vals->data == NULL) {
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
        return false;
    }
    return true;
}

static void vals_free(Vals *vals, wasm_store_t *store)
{
    if (vals->data != vals->few) {
        dv_capi_free(store->engine, vals->data, vals->count * sizeof(RtVal));
    }
}

static void slots_in(RtVal *to, const davit_wasm_slot_t *from, usize count)
{
    for (usize i = 0; i < count; i++) {
        to[i] = (RtVal){from[i].lo, from[i].hi};
    }
}

static void slots_out(davit_wasm_slot_t *to, const RtVal *from, usize count)
{
    for (usize i = 0; i < count; i++) {
        to[i] = (davit_wasm_slot_t){from[i].lo, from[i].hi};
    }
}

/* Says in front of the error which value it is about. */
static void blame(wasm_store_t *store, const char *what, usize index)
{
    char message[sizeof store->error.message];
    memcpy(message, store->error.message, sizeof message);
    dv_capi_error(store, store->error.status, "%s %zu: %.400s", what, index, message);
}

/* ---- functions of the host ---- */

typedef struct HostFunc {
    wasm_store_t *store; /* not held: the store holds the function */
    const RtFuncType *type;
    wasm_func_callback_t plain; /* one of the three is set */
    wasm_func_callback_with_env_t with_env;
    davit_wasm_callback_t fast;
    void *env;
    void (*finalizer)(void *env);
} HostFunc;

static void free_host(void *context)
{
    HostFunc *host = context;
    if (host->finalizer != NULL) {
        host->finalizer(host->env);
    }
    dv_capi_free(host->store->engine, host, sizeof *host);
}

/* What a host function returns to the runtime for what the callback returned. */
static RtTrap *give_trap(const HostFunc *host, wasm_trap_t *trap)
{
    RtTrap *given = dv_capi_trap_give(host->store, trap);
    if (given == host->store->suspend_mark) {
        host->store->suspended_values = host->type->num_results;
    }
    return given;
}

static RtTrap *run_fast(void *context, RtStore *rt, const RtVal *args, RtVal *results)
{
    const HostFunc *host = context;
    davit_wasm_slot_t few[FEW];
    usize count = host->type->num_params + host->type->num_results;
    davit_wasm_slot_t *slots = few;
    (void)rt;
    if (count > FEW) {
        slots = dv_capi_alloc(host->store->engine, count * sizeof *slots);
        if (slots == NULL) {
            return dv_rt_trap_memory();
        }
    }
    davit_wasm_slot_t *result_slots = slots + host->type->num_params;
    slots_out(slots, args, host->type->num_params);
    memset(result_slots, 0, host->type->num_results * sizeof *slots);
    wasm_trap_t *trap = host->fast(host->env, host->store, slots, result_slots);
    if (trap == NULL) {
        slots_in(results, result_slots, host->type->num_results);
    }
    if (slots != few) {
        dv_capi_free(host->store->engine, slots, count * sizeof *slots);
    }
    return trap == NULL ? NULL : give_trap(host, trap);
}

/* Makes wasm.h's values of the arguments, and zeroes of the results. False if memory runs out or wasm.h lacks a type. */
static bool fill_values(const HostFunc *host, const RtVal *args, wasm_val_t *values)
{
    const RtFuncType *type = host->type;
    bool ok = true;
    for (u32 i = 0; i < type->num_params; i++) {
        ok = dv_capi_val_out(host->store, args[i], type->params[i], &values[i]) && ok;
    }
    for (u32 i = 0; i < type->num_results; i++) {
        RtVal zero = {0, 0};
        ok = dv_capi_val_out(host->store, zero, type->results[i], &values[type->num_params + i]) &&
             ok;
    }
    return ok;
}

static RtTrap *take_results(const HostFunc *host, const wasm_val_vec_t *vec, RtVal *results)
{
    wasm_store_t *store = host->store;
    bool ok = vec->size >= host->type->num_results;
    if (!ok) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "too few results");
    }
    for (u32 i = 0; i < host->type->num_results && ok; i++) {
        ok = dv_capi_val_in(store, &vec->data[i], host->type->results[i], &results[i]);
        if (!ok) {
            blame(store, "result of a host function", i);
        }
    }
    return ok ? NULL : dv_capi_trap_give(store, dv_capi_error_trap(store));
}

static RtTrap *call_back(const HostFunc *host, wasm_val_t *values, RtVal *results)
{
    wasm_val_vec_t args = {host->type->num_params, values};
    wasm_val_vec_t result_vec = {host->type->num_results, values + host->type->num_params};
    wasm_trap_t *trap = host->plain != NULL ? host->plain(&args, &result_vec)
                                            : host->with_env(host->env, &args, &result_vec);
    RtTrap *given = trap == NULL ? take_results(host, &result_vec, results) : give_trap(host, trap);
    if (result_vec.data != values + host->type->num_params) {
        wasm_val_vec_delete(&result_vec); /* it has made another vector */
    }
    return given;
}

static RtTrap *run_values(void *context, RtStore *rt, const RtVal *args, RtVal *results)
{
    const HostFunc *host = context;
    wasm_val_t few[FEW];
    usize count = host->type->num_params + host->type->num_results;
    wasm_val_t *values = few;
    RtTrap *given;
    (void)rt;
    if (count > FEW) {
        values = dv_capi_alloc(host->store->engine, count * sizeof *values);
        if (values == NULL) {
            return dv_rt_trap_memory();
        }
    }
    if (fill_values(host, args, values)) {
        given = call_back(host, values, results);
    } else {
        given = dv_capi_trap_give(host->store, dv_capi_error_trap(host->store));
    }
    for (usize i = 0; i < count; i++) {
        wasm_val_delete(&values[i]);
    }
    if (values != few) {
        dv_capi_free(host->store->engine, values, count * sizeof *values);
    }
    return given;
}

/* A function of this type that does what `like` says. */
static wasm_func_t *make_func(wasm_store_t *store, const RtFuncType *type, HostFunc like)
{
    if (like.plain == NULL && like.with_env == NULL && like.fast == NULL) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "no function to call");
        return NULL;
    }
    u32 id = dv_rt_type(store->rt, type);
    HostFunc *host = id == 0 ? NULL : dv_capi_alloc(store->engine, sizeof *host);
    if (host == NULL) {
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    *host = like;
    host->store = store;
    host->type = dv_rt_type_of(store->rt, id);
    RtHostFunc rt = {host->fast != NULL ? run_fast : run_values, host, free_host};
    RtFunc *func = dv_rt_func_new(store->rt, id, &rt, &store->error);
    if (func == NULL) {
        dv_capi_free(store->engine, host, sizeof *host);
        return NULL;
    }
    wasm_ref_t *ref = dv_capi_handle(store, HANDLE_FUNC, func);
    if (ref == NULL) {
        host->finalizer = NULL; /* the environment stays the caller's */
    }
    return (wasm_func_t *)ref;
}

/* Types of the runtime for those of wasm.h. False, with an error, if one is not exact. */
static bool types_in(wasm_store_t *store, const wasm_valtype_vec_t *from, ValType *to)
{
    for (usize i = 0; i < from->size; i++) {
        to[i] = dv_capi_valtype_of(from->data[i]);
        if (to[i] == VT_BOTTOM) {
            dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED,
                          "wasm.h has no name for a type of this function");
            return false;
        }
    }
    return true;
}

static wasm_func_t *new_func(wasm_store_t *store, const wasm_functype_t *functype, HostFunc like)
{
    const wasm_valtype_vec_t *params = wasm_functype_params(functype);
    const wasm_valtype_vec_t *results = wasm_functype_results(functype);
    usize count = params->size + results->size;
    wasm_func_t *func = NULL;
    if (params->size > dv_wasm_limits.params || results->size > dv_wasm_limits.params) {
        dv_capi_error(store, DAVIT_ERROR_LIMIT, "more than %" PRIu64 " parameters or results",
                      dv_wasm_limits.params);
        return NULL;
    }
    ValType *types = dv_capi_alloc(store->engine, (count + 1) * sizeof *types);
    if (types == NULL) {
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    if (types_in(store, params, types) && types_in(store, results, types + params->size)) {
        RtFuncType type = {(u32)params->size, (u32)results->size, types, types + params->size};
        func = make_func(store, &type, like);
    }
    dv_capi_free(store->engine, types, (count + 1) * sizeof *types);
    return func;
}

wasm_func_t *wasm_func_new(wasm_store_t *store, const wasm_functype_t *type,
                           wasm_func_callback_t callback)
{
    return new_func(store, type, (HostFunc){.plain = callback});
}

wasm_func_t *wasm_func_new_with_env(wasm_store_t *store, const wasm_functype_t *type,
                                    wasm_func_callback_with_env_t callback, void *env,
                                    void (*finalizer)(void *))
{
    return new_func(store, type,
                    (HostFunc){.with_env = callback, .env = env, .finalizer = finalizer});
}

/* The type that a letter stands for; VT_BOTTOM: none. */
static ValType letter_type(char letter)
{
    static const char letters[] = "iIfFvce";
    static const ValType types[] = {VT_I32,  VT_I64,     VT_F32,      VT_F64,
                                    VT_V128, VT_FUNCREF, VT_EXTERNREF};
    const char *at = letter == '\0' ? NULL : strchr(letters, letter);
    return at == NULL ? VT_BOTTOM : types[at - letters];
}

wasm_func_t *davit_wasm_func_new(wasm_store_t *store, const char *params, const char *results,
                                 davit_wasm_callback_t callback, void *env,
                                 void (*finalizer)(void *))
{
    ValType types[2][FEW];
    const char *letters[2] = {params, results};
    u32 counts[2] = {0, 0};
    for (u32 side = 0; side < 2; side++) {
        for (const char *p = letters[side]; *p != '\0'; p++) {
            ValType type = letter_type(*p);
            if (type == VT_BOTTOM || counts[side] == FEW) {
                const char letter[2] = {*p, '\0'};
                dv_capi_error(store, DAVIT_ERROR_INVALID,
                              type == VT_BOTTOM ? "\"%s\" is no letter of a type"
                                                : "\"%s\" is more than 16 parameters or results",
                              type == VT_BOTTOM ? letter : letters[side]);
                return NULL;
            }
            types[side][counts[side]++] = type;
        }
    }
    RtFuncType type = {counts[0], counts[1], types[0], types[1]};
    return make_func(store, &type,
                     (HostFunc){.fast = callback, .env = env, .finalizer = finalizer});
}

wasm_instance_t *davit_wasm_caller(wasm_store_t *store)
{
    RtInstance *caller = dv_rt_caller(store->rt);
    return caller == NULL ? NULL
                          : (wasm_instance_t *)dv_capi_handle(store, HANDLE_INSTANCE, caller);
}

/* ---- types ---- */

static const RtFuncType *type_of(const wasm_func_t *func)
{
    const RtFunc *rt = func->ref.thing;
    return dv_rt_type_of(func->ref.store->rt, rt->type_id);
}

wasm_functype_t *wasm_func_type(const wasm_func_t *func)
{
    const RtFuncType *type = type_of(func);
    return dv_capi_functype(NULL, type->params, type->num_params, type->results, type->num_results);
}

size_t wasm_func_param_arity(const wasm_func_t *func)
{
    return type_of(func)->num_params;
}

size_t wasm_func_result_arity(const wasm_func_t *func)
{
    return type_of(func)->num_results;
}

static bool types_are(const ValType *types, u32 count, const char *letters)
{
    bool same = strlen(letters) == count;
    for (u32 i = 0; i < count && same; i++) {
        same = types[i] == letter_type(letters[i]);
    }
    return same;
}

bool davit_wasm_func_is(const wasm_func_t *func, const char *params, const char *results)
{
    const RtFuncType *type = type_of(func);
    return types_are(type->params, type->num_params, params) &&
           types_are(type->results, type->num_results, results);
}

/* ---- calls ---- */

static bool args_in(wasm_store_t *store, const RtFuncType *type, const wasm_val_vec_t *args,
                    Vals *out)
{
    usize given = args == NULL ? 0 : args->size;
    if (given != type->num_params) {
        dv_capi_error(store, DAVIT_ERROR_INVALID,
                      "the function has %" PRIu32 " parameters, not %zu", type->num_params, given);
        return false;
    }
    for (usize i = 0; i < given; i++) {
        if (!dv_capi_val_in(store, &args->data[i], type->params[i], &out->data[i])) {
            blame(store, "argument", i);
            return false;
        }
    }
    return true;
}

static bool results_out(wasm_store_t *store, const RtFuncType *type, const Vals *in,
                        wasm_val_vec_t *results)
{
    for (u32 i = 0; i < type->num_results; i++) {
        if (!dv_capi_val_out(store, in->data[i], type->results[i], &results->data[i])) {
            blame(store, "result", i);
            for (u32 k = 0; k <= i; k++) {
                wasm_val_delete(&results->data[k]);
            }
            return false;
        }
    }
    return true;
}

static wasm_trap_t *call_values(const wasm_func_t *func, const wasm_val_vec_t *args,
                                wasm_val_vec_t *results)
{
    wasm_store_t *store = func->ref.store;
    const RtFuncType *type = type_of(func);
    Vals in, out;
    wasm_trap_t *trap = NULL;
    bool ok = false;
    if (type->num_results > (results == NULL ? 0 : results->size)) {
        dv_capi_error(store, DAVIT_ERROR_INVALID,
                      "the function has %" PRIu32 " results, there is room for %zu",
                      type->num_results, results == NULL ? (usize)0 : results->size);
        return dv_capi_error_trap(store);
    }
    if (!vals_init(&in, store, type->num_params)) {
        return dv_capi_error_trap(store);
    }
    if (vals_init(&out, store, type->num_results)) {
        if (args_in(store, type, args, &in)) {
            trap = dv_capi_trap(store, dv_rt_call(store->rt, func->ref.thing, in.data, out.data));
            ok = trap != NULL || results_out(store, type, &out, results);
        }
        vals_free(&out, store);
    }
    vals_free(&in, store);
    return ok ? trap : dv_capi_error_trap(store);
}

wasm_trap_t *wasm_func_call(const wasm_func_t *func, const wasm_val_vec_t *args,
                            wasm_val_vec_t *results)
{
    wasm_store_t *store = dv_capi_store_retain(func->ref.store);
    wasm_trap_t *trap = call_values(func, args, results);
    wasm_store_delete(store);
    return trap;
}

/* The slots of a fast call on both sides, and what the call gives. */
typedef struct FastCall {
    wasm_store_t *store;
    const RtFuncType *type; /* of the function that is called */
    Vals in, out;
} FastCall;

static bool begin_fast(FastCall *call, wasm_store_t *store, const RtFuncType *type, usize num_in,
                       const davit_wasm_slot_t *in)
{
    call->store = dv_capi_store_retain(store);
    call->type = type;
    if (!vals_init(&call->in, store, num_in)) {
        return false;
    }
    if (!vals_init(&call->out, store, type->num_results)) {
        vals_free(&call->in, store);
        return false;
    }
    for (usize i = 0; i < num_in; i++) {
        call->in.data[i] = in == NULL ? (RtVal){0, 0} : (RtVal){in[i].lo, in[i].hi};
    }
    return true;
}

static void end_fast(FastCall *call, bool returned, davit_wasm_slot_t *results)
{
    if (returned) {
        slots_out(results, call->out.data, call->out.count);
    }
    vals_free(&call->out, call->store);
    vals_free(&call->in, call->store);
}

wasm_trap_t *davit_wasm_call(const wasm_func_t *func, const davit_wasm_slot_t *args,
                             davit_wasm_slot_t *results)
{
    wasm_store_t *store = func->ref.store;
    const RtFuncType *type = type_of(func);
    FastCall call;
    wasm_trap_t *trap;
    if (begin_fast(&call, store, type, type->num_params, args)) {
        RtTrap *rt = dv_rt_call(store->rt, func->ref.thing, call.in.data, call.out.data);
        end_fast(&call, rt == NULL, results);
        trap = dv_capi_trap(store, rt);
    } else {
        trap = dv_capi_error_trap(store);
    }
    wasm_store_delete(store);
    return trap;
}

/* ---- suspending ---- */

static davit_outcome_kind_t finish(FastCall *call, RtOutcome outcome, RtTrap *rt,
                                   davit_wasm_slot_t *results, wasm_trap_t **trap)
{
    wasm_store_t *store = call->store;
    end_fast(call, outcome == RT_RETURNED, results);
    store->suspended = outcome == RT_SUSPENDED ? call->type : NULL;
    *trap = outcome == RT_TRAPPED ? dv_capi_trap(store, rt) : NULL;
    switch (outcome) {
    case RT_RETURNED:
        return DAVIT_CALL_RETURNED;
    case RT_SUSPENDED:
        return DAVIT_CALL_SUSPENDED;
    default:
        return DAVIT_CALL_TRAPPED;
    }
}

davit_outcome_kind_t davit_wasm_call_resumable(const wasm_func_t *func,
                                               const davit_wasm_slot_t *args,
                                               davit_wasm_slot_t *results, wasm_trap_t **trap)
{
    wasm_store_t *store = func->ref.store;
    const RtFuncType *type = type_of(func);
    davit_outcome_kind_t kind = DAVIT_CALL_TRAPPED;
    FastCall call;
    if (store->suspended != NULL) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "another call of the store is suspended");
        *trap = dv_capi_error_trap(store);
        return kind;
    }
    if (dv_rt_func_is_native(func->ref.thing)) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED,
                      "native code cannot be suspended: DAVIT_ENGINE_PULLEY");
        *trap = dv_capi_error_trap(store);
        return kind;
    }
    if (begin_fast(&call, store, type, type->num_params, args)) {
        RtTrap *rt = NULL;
        store->suspended_values = 0;
        RtOutcome outcome =
            dv_rt_call_resumable(store->rt, func->ref.thing, call.in.data, call.out.data, &rt);
        kind = finish(&call, outcome, rt, results, trap);
    } else {
        *trap = dv_capi_error_trap(store);
    }
    wasm_store_delete(store);
    return kind;
}

davit_outcome_kind_t davit_wasm_resume(wasm_store_t *store, const davit_wasm_slot_t *values,
                                       davit_wasm_slot_t *results, wasm_trap_t **trap)
{
    davit_outcome_kind_t kind = DAVIT_CALL_TRAPPED;
    FastCall call;
    if (store->suspended == NULL) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "no call of the store is suspended");
        *trap = dv_capi_error_trap(store);
        return kind;
    }
    if (begin_fast(&call, store, store->suspended, store->suspended_values, values)) {
        RtTrap *rt = NULL;
        const RtVal *in = store->suspended_values == 0 ? NULL : call.in.data;
        store->suspended_values = 0;
        RtOutcome outcome = dv_rt_resume(store->rt, in, call.out.data, &rt);
        kind = finish(&call, outcome, rt, results, trap);
    } else {
        *trap = dv_capi_error_trap(store);
    }
    wasm_store_delete(store);
    return kind;
}

void davit_wasm_abandon(wasm_store_t *store)
{
    if (store->suspended != NULL) {
        store->suspended = NULL;
        dv_rt_abandon(store->rt);
    }
}

wasm_trap_t *davit_wasm_suspend(wasm_store_t *store)
{
    RtTrap *mark = dv_rt_suspend(store->rt);
    if (mark != NULL) {
        store->suspend_mark = mark;
    }
    return dv_capi_trap(store, mark);
}
