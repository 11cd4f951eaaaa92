/* api.c - the public functions around the builder: contexts, modules, errors, text, verification,
 * evaluation.
 *
 * Each is a thin wrapper: it enters the context (which forgets the errors of the call before),
 * runs its work under one Escape, and turns what the inside reports into davit_error_t. Memory: a
 * context is one block of the allocator; a module, a builder and an evaluator lie in arenas of
 * their own; functions lie in their module's arena, so that modules of many small functions stay
 * small. What a failed builder leaves there is gone with the module.
 */
#include "base/diag.h"
#include "codegen/compile.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/eval.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "codegen/object/jit.h"
#include "codegen/object/object.h"
#include "rt/libcalls.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

struct davit_context {
    Pool pool;
    Arena error_arena;
    VEC(davit_error_t) errors;
};

struct davit_func {
    Func *func;
    const ClifFunc *clif; /* of functions that were parsed */
    davit_module_t *module;
    bool is_verified;
};

typedef struct BuilderBox {
    davit_builder_t base; /* first: the API hands out its address */
    Arena arena;          /* holds the box itself */
    davit_func_t *func;   /* in the module's arena */
    davit_module_t *module;
    struct BuilderBox *prev, *next;
} BuilderBox;

struct davit_module {
    Arena arena; /* holds the module itself */
    Arena text_arena;
    davit_context_t *context;
    VEC(davit_func_t *) funcs;
    BuilderBox *builders;
};

struct davit_eval {
    Arena arena; /* holds the object itself */
    Arena results;
    davit_module_t *module;
    Evaluator *evaluator;
    u32 num_added; /* functions of the module that it knows */
};

/* ---- contexts and errors ---- */

davit_status_t davit_context_new(const davit_context_options_t *options, davit_context_t **out)
{
    Pool pool;
    dv_pool_init(&pool, options == NULL ? NULL : options->allocator);
    pool.limit_bytes = options == NULL ? 0 : options->memory_limit;
    davit_context_t *context = pool.allocator.alloc != NULL
                                   ? pool.allocator.alloc(pool.allocator.context, sizeof *context)
                                   : malloc(sizeof *context);
    *out = context;
    if (context == NULL) {
        return DAVIT_ERROR_MEMORY;
    }
    memset(context, 0, sizeof *context);
    context->pool = pool;
    dv_arena_init(&context->error_arena, &context->pool);
    return DAVIT_OK;
}

void davit_context_free(davit_context_t *context)
{
    if (context == NULL) {
        return;
    }
    davit_allocator_t allocator = context->pool.allocator;
    dv_arena_release(&context->error_arena);
    dv_pool_destroy(&context->pool);
    if (allocator.alloc == NULL) {
        free(context);
    } else if (allocator.free != NULL) {
        allocator.free(allocator.context, context, sizeof *context);
    }
}

size_t davit_context_memory(const davit_context_t *context)
{
    return context->pool.used_bytes + sizeof *context;
}

size_t davit_error_count(const davit_context_t *context)
{
    return context->errors.len;
}

const davit_error_t *davit_error_get(const davit_context_t *context, size_t index)
{
    return index < context->errors.len ? &context->errors.data[index] : NULL;
}

static void forget_errors(davit_context_t *context)
{
    memset(&context->errors, 0, sizeof context->errors);
    dv_arena_release(&context->error_arena);
}

/* Place and message must live as long as the errors. */
static void add_error(davit_context_t *context, u32 line, u32 column, const char *place,
                      const char *message)
{
    davit_error_t error = {line, column, place, message};
    if (context->errors.len < DIAG_MESSAGES_MAX) {
        vec_push(&context->error_arena, &context->errors, error);
    }
}

/* Runs work(request), which gives a status, under an Escape. */
typedef davit_status_t ApiWork(void *request);
static davit_status_t run_work(davit_context_t *context, ApiWork *work, void *request)
{
    Escape escape;
    volatile davit_status_t status = DAVIT_OK;
    dv_escape_enter(&escape, &context->pool);
    if (setjmp(escape.env) == 0) {
        status = work(request);
    }
    dv_escape_leave(&escape, &context->pool);
    if (escape.status != DAVIT_OK) {
        forget_errors(context);
        return escape.status;
    }
    return status;
}

/* The same for a call that starts anew: the errors of the one before are forgotten. */
static davit_status_t run_call(davit_context_t *context, ApiWork *work, void *request)
{
    forget_errors(context);
    return run_work(context, work, request);
}

/* ---- types ---- */

davit_type_t davit_vector_type(davit_type_t lane, uint32_t lanes)
{
    bool ok = dv_type_is_valid(lane) && type_is_scalar(lane) && lanes > 1;
    return ok ? dv_type_vector(lane, lanes) : TYPE_NONE;
}

davit_type_t davit_dynamic_type(davit_type_t lane, uint32_t lanes)
{
    davit_type_t type = davit_vector_type(lane, lanes);
    return type == TYPE_NONE ? type : (davit_type_t)(type | TYPE_DYNAMIC_BIT);
}

size_t davit_type_bytes(davit_type_t type)
{
    return dv_type_is_valid(type) ? type_bytes(type) : 0;
}

const char *davit_type_name(davit_type_t type, char *buffer)
{
    return dv_type_is_valid(type) ? dv_type_name(type, buffer) : strcpy(buffer, "no type");
}

const char *davit_trap_name(davit_trap_t trap, char *buffer)
{
    return dv_trap_name(trap, buffer);
}

const char *davit_trap_message(davit_trap_t trap)
{
    return dv_trap_message(trap);
}

/* ---- modules ---- */

typedef struct NewModule {
    davit_context_t *context;
    Arena arena;
    davit_module_t *made;
} NewModule;

static davit_status_t make_module(void *request)
{
    NewModule *r = request;
    davit_module_t *m = ARENA_NEW(&r->arena, davit_module_t);
    m->context = r->context;
    m->arena = r->arena;
    dv_arena_init(&m->text_arena, &r->context->pool);
    r->made = m;
    return DAVIT_OK;
}

davit_status_t davit_module_new(davit_context_t *context, davit_module_t **out)
{
    NewModule request = {.context = context};
    dv_arena_init(&request.arena, &context->pool);
    davit_status_t status = run_call(context, make_module, &request);
    *out = request.made;
    return status;
}

static void free_builder(BuilderBox *box)
{
    if (box->prev != NULL) {
        box->prev->next = box->next;
    } else {
        box->module->builders = box->next;
    }
    if (box->next != NULL) {
        box->next->prev = box->prev;
    }
    Arena arena = box->arena;
    dv_arena_release(&arena);
}

void davit_module_free(davit_module_t *module)
{
    if (module == NULL) {
        return;
    }
    while (module->builders != NULL) {
        free_builder(module->builders);
    }
    dv_arena_release(&module->text_arena);
    Arena arena = module->arena;
    dv_arena_release(&arena);
}

size_t davit_module_count(const davit_module_t *module)
{
    return module->funcs.len;
}

davit_func_t *davit_module_get(const davit_module_t *module, size_t index)
{
    return index < module->funcs.len ? module->funcs.data[index] : NULL;
}

/* The text of a name as CLIF spells it, compared without making one. */
static bool has_name(const ExtName *name, const char *text)
{
    char number[32];
    usize length = strlen(text);
    switch (name->kind) {
    case NAME_TEST:
        return text[0] == '%' && length - 1 == name->text.len &&
               memcmp(text + 1, name->text.data, name->text.len) == 0;
    case NAME_LIBCALL:
        return text[0] == '%' && strcmp(text + 1, dv_libcall_names[name->libcall]) == 0;
    default:
        snprintf(number, sizeof number, "u%" PRIu32 ":%" PRIu32, name->space, name->index);
        return strcmp(text, number) == 0;
    }
}

davit_func_t *davit_module_find(const davit_module_t *module, const char *name)
{
    for (u32 i = module->funcs.len; i > 0; i--) {
        if (has_name(&module->funcs.data[i - 1]->func->name, name)) {
            return module->funcs.data[i - 1];
        }
    }
    return NULL;
}

typedef struct Parse {
    davit_module_t *module;
    const char *text;
    usize size;
} Parse;

static davit_func_t *make_func(davit_module_t *module, Func *func)
{
    davit_func_t *f = ARENA_NEW(&module->arena, davit_func_t);
    f->module = module;
    f->func = func;
    return f;
}

static davit_status_t parse_text(void *request)
{
    const Parse *r = request;
    davit_module_t *m = r->module;
    ClifFile file = {0};
    Diag diag;
    if (r->size > UINT32_MAX - 1) {
        return DAVIT_ERROR_LIMIT;
    }
    Str text = {dv_arena_strdup(&m->arena, r->text, r->size), (u32)r->size};
    dv_diag_init(&diag, &m->context->error_arena);
    if (!dv_clif_parse(&file, &m->arena, text, &diag)) {
        for (u32 i = 0; i < diag.messages.len; i++) {
            const DiagMessage *message = &diag.messages.data[i];
            add_error(m->context, message->line, message->column, "", message->text);
        }
        return DAVIT_ERROR_INVALID;
    }
    vec_reserve(&m->arena, &m->funcs, file.funcs.len);
    for (u32 i = 0; i < file.funcs.len; i++) {
        davit_func_t *f = make_func(m, &file.funcs.data[i]->func);
        f->clif = file.funcs.data[i];
        vec_push(&m->arena, &m->funcs, f);
    }
    return DAVIT_OK;
}

davit_status_t davit_module_parse(davit_module_t *module, const char *text, size_t size)
{
    Parse request = {module, text, size};
    u32 count = module->funcs.len;
    davit_status_t status = run_call(module->context, parse_text, &request);
    if (status != DAVIT_OK) {
        module->funcs.len = count;
    }
    return status;
}

/* ---- printing and verifying ---- */

typedef struct Print {
    davit_func_t *func;
    TextBuf text;
} Print;

static davit_status_t print_func(void *request)
{
    Print *r = request;
    dv_text_init(&r->text, &r->func->module->text_arena);
    dv_print_func(&r->text, r->func->func);
    return DAVIT_OK;
}

davit_status_t davit_func_print(davit_func_t *func, const char **text, size_t *size)
{
    Print request = {.func = func};
    dv_arena_release(&func->module->text_arena);
    davit_status_t status = run_call(func->module->context, print_func, &request);
    *text = status == DAVIT_OK ? request.text.data : NULL;
    if (size != NULL) {
        *size = status == DAVIT_OK ? request.text.length : 0;
    }
    return status;
}

/* "%f: inst4: v2 = iadd v0, v1", or the function and the entity alone. */
static const char *describe_place(davit_context_t *context, const Func *f, EntityRef place)
{
    TextBuf text;
    dv_text_init(&text, &context->error_arena);
    dv_print_extname(&text, &f->name);
    dv_text_str(&text, ": ");
    dv_print_entity(&text, place);
    if (place.kind == ENTITY_INST && place.id < f->insts.len) {
        dv_text_str(&text, ": ");
        dv_print_inst(&text, f, (Inst){place.id});
    }
    return text.data;
}

static davit_status_t verify_func(void *request)
{
    davit_func_t *func = request;
    davit_context_t *context = func->module->context;
    VerifyOptions options = {0};
    VerifyErrors errors = {0};
    Work work = {0};
    if (func->is_verified) {
        return DAVIT_OK;
    }
    if (dv_verify(func->func, &context->error_arena, &options, &errors, &work)) {
        func->is_verified = true;
        return DAVIT_OK;
    }
    for (u32 i = 0; i < errors.list.len; i++) {
        const VerifyError *error = &errors.list.data[i];
        u32 line = func->clif == NULL ? 0 : dv_clif_entity_line(func->clif, error->place);
        add_error(context, line, 0, describe_place(context, func->func, error->place), error->text);
    }
    return DAVIT_ERROR_INVALID;
}

davit_status_t davit_func_verify(davit_func_t *func)
{
    return run_call(func->module->context, verify_func, func);
}

static davit_status_t verify_module(void *request)
{
    const davit_module_t *module = request;
    davit_status_t status = DAVIT_OK;
    for (u32 i = 0; i < module->funcs.len; i++) {
        davit_status_t one = verify_func(module->funcs.data[i]);
        status = status == DAVIT_OK ? one : status;
    }
    return status;
}

davit_status_t davit_module_verify(davit_module_t *module)
{
    return run_call(module->context, verify_module, module);
}

/* ---- builders ---- */

typedef struct NewBuilder {
    davit_module_t *module;
    const char *name;
    const davit_signature_t *sig;
    Arena arena;
    BuilderBox *made;
} NewBuilder;

static davit_status_t make_builder(void *request)
{
    NewBuilder *r = request;
    davit_module_t *m = r->module;
    Func *func = ARENA_NEW(&m->arena, Func);
    davit_func_t *f = make_func(m, func);
    BuilderBox *box = ARENA_NEW(&r->arena, BuilderBox);
    dv_func_init(func, &m->arena);
    box->arena = r->arena;
    box->func = f;
    box->module = m;
    dv_builder_init(&box->base, func, &box->arena);
    box->next = m->builders;
    if (box->next != NULL) {
        box->next->prev = box;
    }
    m->builders = box;
    r->made = box;
    return DAVIT_OK;
}

davit_status_t davit_builder_new(davit_module_t *module, const char *name,
                                 const davit_signature_t *sig, davit_builder_t **out)
{
    NewBuilder request = {.module = module};
    dv_arena_init(&request.arena, &module->context->pool);
    davit_status_t status = run_call(module->context, make_builder, &request);
    if (status != DAVIT_OK) {
        dv_arena_release(&request.arena);
        *out = NULL;
        return status;
    }
    davit_builder_t *b = &request.made->base;
    BUILDER_CALL(b, "davit_builder_new", dv_builder_start(b, name, sig));
    *out = b;
    return DAVIT_OK;
}

static davit_status_t finish_func(void *request)
{
    BuilderBox *box = request;
    davit_module_t *m = box->module;
    davit_status_t status = verify_func(box->func);
    if (status == DAVIT_OK) {
        vec_push(&m->arena, &m->funcs, box->func);
    }
    return status;
}

/* Reports the builder's mistake: the place is "davit_ins_iadd", the message what follows it. */
static davit_status_t report_mistake(void *request)
{
    const BuilderBox *box = request;
    Arena *arena = &box->module->context->error_arena;
    usize length = strlen(box->base.call);
    const char *message = box->base.message + length + 2;
    add_error(box->module->context, 0, 0, dv_arena_strdup(arena, box->base.call, length),
              dv_arena_strdup(arena, message, strlen(message)));
    return DAVIT_ERROR_INVALID;
}

davit_status_t davit_builder_finish(davit_builder_t *b, davit_func_t **out)
{
    BuilderBox *box = (BuilderBox *)b;
    davit_context_t *context = box->module->context;
    forget_errors(context);
    BUILDER_CALL(b, "davit_builder_finish", dv_builder_complete(b));
    davit_status_t status = b->status;
    if (status == DAVIT_OK) {
        status = run_work(context, finish_func, box);
    } else if (status == DAVIT_ERROR_INVALID) {
        status = run_work(context, report_mistake, box);
    }
    if (out != NULL) {
        *out = status == DAVIT_OK ? box->func : NULL;
    }
    free_builder(box);
    return status;
}

void davit_builder_cancel(davit_builder_t *b)
{
    if (b != NULL) {
        free_builder((BuilderBox *)b);
    }
}

/* ---- values of the evaluator ---- */

davit_const_t davit_const_int(davit_type_t type, int64_t x)
{
    davit_const_t c = {.type = type};
    u8 bytes[16];
    store_le128(bytes, dv_u128_from_i64(x));
    if (dv_type_is_valid(type) && type_is_int(type)) {
        memcpy(c.bytes, bytes, type_bytes(type));
    }
    return c;
}

davit_const_t davit_const_f32(float x)
{
    davit_const_t c = {.type = TYPE_F32};
    u32 bits;
    memcpy(&bits, &x, sizeof bits);
    store_le32(c.bytes, bits);
    return c;
}

davit_const_t davit_const_f64(double x)
{
    davit_const_t c = {.type = TYPE_F64};
    u64 bits;
    memcpy(&bits, &x, sizeof bits);
    store_le64(c.bytes, bits);
    return c;
}

int64_t davit_const_to_int(const davit_const_t *c)
{
    u32 bits = dv_type_is_valid(c->type) ? type_bits(c->type) : 0;
    u64 x = load_le64(c->bytes);
    if (bits == 0 || bits >= 64) {
        return (i64)x;
    }
    u64 sign = (u64)1 << (bits - 1);
    x &= ((u64)1 << bits) - 1;
    return (i64)((x ^ sign) - sign);
}

double davit_const_to_f64(const davit_const_t *c)
{
    if (c->type == TYPE_F32) {
        float x;
        u32 bits = load_le32(c->bytes);
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    double x;
    u64 bits = c->type == TYPE_F64 ? load_le64(c->bytes) : 0;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static EvalValue const_value(const davit_const_t *c)
{
    return (EvalValue){c->type, davit_type_bytes(c->type) > sizeof c->bytes ? c->wide : c->bytes};
}

static davit_const_t value_const(EvalValue value)
{
    davit_const_t c = {.type = value.type};
    if (type_bytes(value.type) > sizeof c.bytes) {
        c.wide = value.bytes;
    } else {
        memcpy(c.bytes, value.bytes, type_bytes(value.type));
    }
    return c;
}

/* ---- evaluation ---- */

typedef struct NewEval {
    davit_module_t *module;
    Arena arena;
    davit_eval_t *made;
} NewEval;

static davit_status_t make_eval(void *request)
{
    NewEval *r = request;
    davit_eval_t *eval = ARENA_NEW(&r->arena, davit_eval_t);
    eval->module = r->module;
    eval->arena = r->arena;
    dv_arena_init(&eval->results, r->arena.pool);
    r->made = eval;
    return DAVIT_OK;
}

davit_status_t davit_eval_new(davit_module_t *module, const davit_eval_options_t *options,
                              davit_eval_t **out)
{
    static const davit_eval_options_t defaults;
    const davit_eval_options_t *from = options == NULL ? &defaults : options;
    EvalOptions eval_options = {.big_endian = from->big_endian,
                                .address_bits = from->address_bits == 32 ? 32 : 64,
                                .max_steps = from->max_steps,
                                .max_depth = from->max_depth,
                                .max_memory_bytes = from->max_memory};
    NewEval request = {.module = module};
    dv_arena_init(&request.arena, &module->context->pool);
    davit_status_t status = run_call(module->context, make_eval, &request);
    *out = request.made;
    if (status != DAVIT_OK) {
        return status;
    }
    request.made->evaluator = dv_eval_new(&module->context->pool, &eval_options);
    if (request.made->evaluator == NULL) {
        davit_eval_free(request.made);
        *out = NULL;
        return DAVIT_ERROR_MEMORY;
    }
    return DAVIT_OK;
}

void davit_eval_free(davit_eval_t *eval)
{
    if (eval == NULL) {
        return;
    }
    if (eval->evaluator != NULL) {
        dv_eval_free(eval->evaluator);
    }
    dv_arena_release(&eval->results);
    Arena arena = eval->arena;
    dv_arena_release(&arena);
}

/* Makes the evaluator know every function of the module. */
static davit_status_t add_functions(davit_eval_t *eval)
{
    const davit_module_t *m = eval->module;
    for (; eval->num_added < m->funcs.len; eval->num_added++) {
        davit_func_t *f = m->funcs.data[eval->num_added];
        davit_status_t status = verify_func(f);
        if (status != DAVIT_OK) {
            return status;
        }
        if (!dv_eval_add(eval->evaluator, f->func)) {
            return DAVIT_ERROR_MEMORY;
        }
    }
    return DAVIT_OK;
}

typedef struct Call {
    davit_eval_t *eval;
    davit_func_t *func;
    const davit_const_t *args;
    usize num_args;
    davit_result_t *out;
} Call;

static davit_status_t give_result(const Call *r, const EvalResult *result)
{
    davit_context_t *context = r->eval->module->context;
    if (result->outcome == EVAL_ERROR) {
        if (strcmp(result->reason, davit_status_name(DAVIT_ERROR_MEMORY)) == 0) {
            return DAVIT_ERROR_MEMORY;
        }
        add_error(context, 0, 0, "davit_eval_call",
                  dv_arena_strdup(&context->error_arena, result->reason, strlen(result->reason)));
        return DAVIT_ERROR_INVALID;
    }
    davit_const_t *values = ARENA_ARRAY(&r->eval->results, davit_const_t, result->num_values);
    for (u32 i = 0; i < result->num_values; i++) {
        values[i] = value_const(result->values[i]);
    }
    r->out->outcome = result->outcome == EVAL_RETURNED  ? DAVIT_RETURNED
                      : result->outcome == EVAL_TRAPPED ? DAVIT_TRAPPED
                                                        : DAVIT_OUT_OF_STEPS;
    r->out->trap = result->trap;
    r->out->num_values = result->num_values;
    r->out->values = values;
    r->out->steps = result->steps;
    r->out->fuel = result->fuel_used;
    return DAVIT_OK;
}

static davit_status_t call_func(void *request)
{
    const Call *r = request;
    davit_context_t *context = r->eval->module->context;
    davit_status_t status = add_functions(r->eval);
    EvalResult result;
    if (status != DAVIT_OK) {
        return status;
    }
    if (r->func == NULL || r->func->module != r->eval->module || r->num_args > UINT32_MAX) {
        add_error(context, 0, 0, "davit_eval_call",
                  "no function of the evaluator's module was given");
        return DAVIT_ERROR_INVALID;
    }
    EvalValue *args = ARENA_ARRAY(&r->eval->results, EvalValue, r->num_args);
    for (usize i = 0; i < r->num_args; i++) {
        args[i] = const_value(&r->args[i]);
    }
    dv_eval_call(r->eval->evaluator, r->func->func, args, (u32)r->num_args, &r->eval->results,
                 &result);
    return give_result(r, &result);
}

davit_status_t davit_eval_call(davit_eval_t *eval, davit_func_t *func, const davit_const_t *args,
                               size_t num_args, davit_result_t *out)
{
    Call request = {eval, func, args, num_args, out};
    memset(out, 0, sizeof *out);
    dv_arena_release(&eval->results);
    return run_call(eval->module->context, call_func, &request);
}

static davit_status_t limit_unless(bool ok)
{
    return ok ? DAVIT_OK : DAVIT_ERROR_LIMIT;
}

davit_status_t davit_eval_set_memory(davit_eval_t *eval, uint32_t index, uint64_t size_bytes)
{
    return limit_unless(dv_eval_set_memory(eval->evaluator, index, size_bytes));
}

uint8_t *davit_eval_memory(davit_eval_t *eval, uint32_t index, uint64_t *size_bytes)
{
    return dv_eval_memory(eval->evaluator, index, size_bytes);
}

davit_status_t davit_eval_set_table(davit_eval_t *eval, uint32_t index, uint64_t count)
{
    return limit_unless(dv_eval_set_table(eval->evaluator, index, count));
}

uint32_t *davit_eval_table(davit_eval_t *eval, uint32_t index, uint64_t *count)
{
    return dv_eval_table(eval->evaluator, index, count);
}

davit_status_t davit_eval_set_global(davit_eval_t *eval, uint32_t index, const davit_const_t *value)
{
    if (!dv_type_is_valid(value->type)) {
        return DAVIT_ERROR_INVALID;
    }
    return limit_unless(dv_eval_set_global(eval->evaluator, index, const_value(value)));
}

bool davit_eval_global(davit_eval_t *eval, uint32_t index, davit_const_t *value)
{
    EvalValue found;
    if (!dv_eval_global(eval->evaluator, index, &found)) {
        return false;
    }
    *value = value_const(found);
    return true;
}

davit_status_t davit_eval_set_data(davit_eval_t *eval, uint32_t index, const void *bytes,
                                   size_t size)
{
    return limit_unless(dv_eval_set_data(eval->evaluator, index, bytes, size));
}

davit_status_t davit_eval_set_elem(davit_eval_t *eval, uint32_t index, const uint32_t *refs,
                                   size_t count)
{
    return limit_unless(dv_eval_set_elem(eval->evaluator, index, refs, count));
}

typedef struct FuncRefRequest {
    davit_eval_t *eval;
    const davit_func_t *func;
    u32 ref;
} FuncRefRequest;

static davit_status_t find_ref(void *request)
{
    FuncRefRequest *r = request;
    davit_status_t status = add_functions(r->eval);
    r->ref = status == DAVIT_OK ? dv_eval_func_ref(r->eval->evaluator, r->func->func) : 0;
    return status;
}

uint32_t davit_eval_func_ref(davit_eval_t *eval, davit_func_t *func)
{
    FuncRefRequest request = {eval, func, 0};
    run_call(eval->module->context, find_ref, &request);
    return request.ref;
}

void davit_eval_set_fuel(davit_eval_t *eval, uint64_t fuel)
{
    dv_eval_set_fuel(eval->evaluator, fuel);
}

void davit_eval_reset(davit_eval_t *eval)
{
    dv_eval_reset(eval->evaluator);
}

/* ---- native code ---- */

struct davit_native {
    Arena arena; /* holds the module itself */
    davit_context_t *context;
    const Isa *isa;
    CompileOptions options;
    const char *source;
    bool perf_map, linked;
    ObjModule module;
    Jit jit;
    /* of the call at hand */
    davit_lookup_t *lookup;
    void *lookup_context;
};

typedef struct NativeCall {
    davit_native_t *native;
    const davit_func_t *func;
    const char *name;
    int linkage;
    const davit_native_data_t *data;
    ByteBuf bytes;
    Arena scratch; /* of define_func */
} NativeCall;

typedef struct NewNative {
    davit_context_t *context;
    const davit_native_options_t *options;
    Arena arena;
    davit_native_t *made;
} NewNative;

static davit_status_t give_diag(davit_context_t *context, const Diag *diag, const char *place)
{
    for (u32 i = 0; i < diag->messages.len; i++) {
        add_error(context, 0, 0, place, diag->messages.data[i].text);
    }
    return DAVIT_ERROR_INVALID;
}

static davit_status_t make_native(void *request)
{
    NewNative *r = request;
    const davit_native_options_t *options = r->options;
    const char *target = options->target == NULL ? "x86_64" : options->target;
    const char *source = options->source == NULL ? "davit" : options->source;
    const Isa *isa = dv_isa_find(target, strlen(target));
    if (options->tls_model >= TLS_MODELS) {
        add_error(r->context, 0, 0, "davit_native_new",
                  "there is no such model of thread-local data");
        return DAVIT_ERROR_INVALID;
    }
    if (isa == NULL || isa->native == NULL) {
        add_error(r->context, 0, 0, "davit_native_new",
                  dv_arena_printf(&r->context->error_arena, "\"%s\" is no target of native code",
                                  dv_diag_quote(&r->context->error_arena, target, strlen(target))));
        return DAVIT_ERROR_UNSUPPORTED;
    }
    davit_native_t *native = ARENA_NEW(&r->arena, davit_native_t);
    native->source = dv_arena_strdup(&r->arena, source, strlen(source));
    native->context = r->context;
    native->isa = isa;
    native->options.allocator = options->fast ? ALLOCATOR_FAST : ALLOCATOR_MAIN;
    native->options.check = options->check;
    native->options.far_calls = options->far_calls;
    native->options.landing_pads = options->landing_pads;
    native->options.tls_model = options->tls_model;
    native->perf_map = options->perf_map;
    native->arena = r->arena;
    dv_obj_init(&native->module, isa->native, &native->arena);
    native->module.landing_pads = options->landing_pads;
    r->made = native;
    return DAVIT_OK;
}

davit_status_t davit_native_new(davit_context_t *context, const davit_native_options_t *options,
                                davit_native_t **out)
{
    static const davit_native_options_t defaults;
    NewNative request = {.context = context, .options = options == NULL ? &defaults : options};
    dv_arena_init(&request.arena, &context->pool);
    davit_status_t status = run_call(context, make_native, &request);
    *out = request.made;
    if (request.made == NULL) {
        dv_arena_release(&request.arena);
    }
    return status;
}

void davit_native_free(davit_native_t *native)
{
    if (native == NULL) {
        return;
    }
    dv_jit_free(&native->jit);
    Arena arena = native->arena;
    dv_arena_release(&arena);
}

/* Declares what a request names. */
static davit_status_t declare(const NativeCall *r, const char *place, Str name, ObjKind kind,
                              u32 *symbol)
{
    davit_native_t *native = r->native;
    Diag diag;
    dv_diag_init(&diag, &native->context->error_arena);
    if (native->linked) {
        dv_diag_error(&diag, 0, 0, "the module is linked already");
        return give_diag(native->context, &diag, place);
    }
    if (r->linkage < OBJ_IMPORT || r->linkage > OBJ_WEAK) {
        dv_diag_error(&diag, 0, 0, "there is no such linkage as %d", r->linkage);
        return give_diag(native->context, &diag, place);
    }
    return dv_obj_declare(&native->module, name, kind, (ObjLinkage)r->linkage, &diag, symbol)
               ? DAVIT_OK
               : give_diag(native->context, &diag, place);
}

static davit_status_t declare_name(void *request)
{
    const NativeCall *r = request;
    u32 symbol;
    return declare(r, "davit_native_declare", (Str){r->name, (u32)strlen(r->name)}, OBJ_ANY,
                   &symbol);
}

davit_status_t davit_native_declare(davit_native_t *native, const char *name, int linkage)
{
    NativeCall request = {.native = native, .name = name, .linkage = linkage};
    return run_call(native->context, declare_name, &request);
}

static davit_status_t define_func(void *request)
{
    NativeCall *r = request;
    davit_native_t *native = r->native;
    davit_context_t *context = native->context;
    Diag diag;
    u32 symbol;
    Func *copy = ARENA_NEW(&native->arena, Func);
    CompiledFunc *made = ARENA_NEW(&native->arena, CompiledFunc);
    Str name = dv_obj_name(&native->arena, &r->func->func->name);
    davit_status_t status = declare(r, "davit_native_define_func", name, OBJ_FUNC, &symbol);
    if (status != DAVIT_OK) {
        return status;
    }
    dv_diag_init(&diag, &context->error_arena);
    dv_func_copy(copy, r->func->func, &native->arena);
    bool ok =
        dv_compile(native->isa, &native->options, copy, &native->arena, &r->scratch, &diag, made);
    ok = ok && dv_obj_define_code(&native->module, symbol, &made->code, &diag);
    return ok ? DAVIT_OK
              : give_diag(context, &diag,
                          dv_arena_strdup(&context->error_arena, name.data, name.len));
}

davit_status_t davit_native_define_func(davit_native_t *native, const davit_func_t *func,
                                        int linkage)
{
    NativeCall request = {.native = native, .func = func, .linkage = linkage};
    dv_arena_init(&request.scratch, &native->context->pool);
    davit_status_t status = run_call(native->context, define_func, &request);
    dv_arena_release(&request.scratch);
    return status;
}

static davit_status_t define_data(void *request)
{
    const NativeCall *r = request;
    davit_native_t *native = r->native;
    Arena *arena = &native->arena;
    const davit_native_data_t *from = r->data;
    const char *place = "davit_native_define_data";
    u32 symbol;
    Diag diag;
    dv_diag_init(&diag, &native->context->error_arena);
    if (from->kind < OBJ_READONLY || from->kind > OBJ_TLS) {
        dv_diag_error(&diag, 0, 0, "there is no such kind of data as %u", (unsigned)from->kind);
        return give_diag(native->context, &diag, place);
    }
    if (from->num_addresses > UINT32_MAX || from->size > SIZE_MAX / 2) {
        add_error(native->context, 0, 0, place, "there is no room for so much data");
        return DAVIT_ERROR_LIMIT;
    }
    ObjReloc *relocs = ARENA_ARRAY(arena, ObjReloc, from->num_addresses);
    davit_status_t status =
        declare(r, place, (Str){r->name, (u32)strlen(r->name)}, (ObjKind)from->kind, &symbol);
    if (status != DAVIT_OK) {
        return status;
    }
    for (usize i = 0; i < from->num_addresses; i++) {
        const davit_data_address_t *address = &from->addresses[i];
        Str name = {address->name, (u32)strlen(address->name)};
        relocs[i] = (ObjReloc){address->offset, native->isa->native->address,
                               dv_obj_symbol(&native->module, name), address->addend};
    }
    ObjData data = {NULL, from->size, from->align, from->kind, relocs, (u32)from->num_addresses};
    if (from->bytes != NULL) {
        u8 *bytes = dv_arena_alloc(arena, (usize)from->size, 1);
        memcpy(bytes, from->bytes, (usize)from->size);
        data.bytes = bytes;
    }
    return dv_obj_define_data(&native->module, symbol, &data, &diag)
               ? DAVIT_OK
               : give_diag(native->context, &diag, place);
}

davit_status_t davit_native_define_data(davit_native_t *native, const char *name, int linkage,
                                        const davit_native_data_t *data)
{
    NativeCall request = {.native = native, .name = name, .linkage = linkage, .data = data};
    return run_call(native->context, define_data, &request);
}

static davit_status_t write_object(void *request)
{
    NativeCall *r = request;
    davit_native_t *native = r->native;
    Diag diag;
    dv_diag_init(&diag, &native->context->error_arena);
    dv_bytebuf_init(&r->bytes, &native->arena);
    return dv_obj_write(&native->module, native->source, &diag, &r->bytes)
               ? DAVIT_OK
               : give_diag(native->context, &diag, "davit_native_object");
}

davit_status_t davit_native_object(davit_native_t *native, const uint8_t **bytes, size_t *size)
{
    NativeCall request = {.native = native};
    davit_status_t status = run_call(native->context, write_object, &request);
    *bytes = status == DAVIT_OK ? request.bytes.data : NULL;
    *size = status == DAVIT_OK ? request.bytes.len : 0;
    return status;
}

/* What the embedder has, then the helpers that code calls where there is no instruction. */
static void *look_up(void *context, const char *name)
{
    const davit_native_t *native = context;
    void *found = native->lookup == NULL ? NULL : native->lookup(native->lookup_context, name);
    const void *helper = found == NULL ? dv_rt_libcall_find(name) : NULL;
    return helper == NULL ? found : (void *)(uintptr_t)helper;
}

static davit_status_t link_native(void *request)
{
    const NativeCall *r = request;
    davit_native_t *native = r->native;
    JitOptions options = {look_up, native, native->source, native->perf_map};
    Diag diag;
    dv_diag_init(&diag, &native->context->error_arena);
    if (native->linked) {
        dv_diag_error(&diag, 0, 0, "the module is linked already");
        return give_diag(native->context, &diag, "davit_native_link");
    }
    davit_status_t status = dv_jit_link(&native->jit, &native->module, &options, &diag);
    native->linked = status == DAVIT_OK;
    give_diag(native->context, &diag, "davit_native_link");
    return status;
}

davit_status_t davit_native_link(davit_native_t *native, davit_lookup_t *lookup, void *context)
{
    NativeCall request = {.native = native};
    native->lookup = lookup;
    native->lookup_context = context;
    davit_status_t status = run_call(native->context, link_native, &request);
    if (!native->linked) {
        dv_jit_free(&native->jit);
    }
    return status;
}

void *davit_native_address(const davit_native_t *native, const char *name)
{
    u32 symbol;
    bool found = native->linked &&
                 dv_strmap_find(&native->module.names, name, strlen(name), &symbol) &&
                 native->module.symbols.data[symbol].defined;
    return found ? dv_jit_address(&native->jit, &native->module, symbol) : NULL;
}
