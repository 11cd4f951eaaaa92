/* trap.c - traps and their frames.
 *
 * A trap is an Object that owns the runtime's. When a host function returns one, the runtime takes over what is inside, or, if
 * the program has kept other handles of it, a new one with the same message; the Object's host info goes with the Object.
 * When there is no memory for a trap, the store's own stands in, of which handles need none.
 */
#include <stdlib.h>

#include "wasm/capi/capi.h"

struct wasm_frame_t {
    wasm_instance_t *instance;
    RtFrame frame;
};

/* ---- traps of the runtime ---- */

wasm_trap_t *dv_capi_trap(wasm_store_t *store, RtTrap *trap)
{
    if (trap == NULL) {
        return NULL;
    }
    Object *object = dv_capi_alloc(store->engine, sizeof *object);
    if (object == NULL) {
        dv_rt_trap_free(trap);
    } else {
        *object = (Object){.kind = HANDLE_TRAP, .store = store, .thing = object, .trap = trap};
        wasm_ref_t *ref = dv_capi_handle(store, HANDLE_TRAP, object);
        if (ref != NULL) {
            return (wasm_trap_t *)ref;
        }
        dv_capi_object_free(object);
    }
    dv_capi_store_retain(store);
    return &store->no_memory_trap;
}

/* One that a host function or a wrong call makes; never NULL. */
static wasm_trap_t *make_trap(wasm_store_t *store, const char *message, usize length)
{
    RtTrap *trap = dv_rt_trap_new(store->rt, message, length);
    return dv_capi_trap(store, trap == NULL ? dv_rt_trap_memory() : trap);
}

wasm_trap_t *dv_capi_error_trap(wasm_store_t *store)
{
    return make_trap(store, store->error.message, strlen(store->error.message));
}

static const RtTrap *trap_of(const wasm_trap_t *trap)
{
    const Object *object = trap->ref.thing;
    return object->trap == NULL ? dv_rt_trap_memory() : object->trap;
}

/* A trap like this one, of the store. */
static RtTrap *make_like(wasm_store_t *store, const RtTrap *trap)
{
    if (trap->code == RT_CODE_EXIT) {
        return dv_rt_trap_exit(store->rt, trap->exit_status);
    }
    if (trap->code != 0 && trap->code < RT_CODE_EXIT) {
        return dv_rt_trap_code(store->rt, trap->code);
    }
    return dv_rt_trap_new(store->rt, trap->message, strlen(trap->message));
}

RtTrap *dv_capi_trap_give(wasm_store_t *store, wasm_trap_t *trap)
{
    Object *object = trap->ref.thing;
    RtTrap *given;
    if (object->trap != NULL && object->trap == store->suspend_mark) {
        given = object->trap;
    } else if (object->trap != NULL && object->handles == 1 && object->store == store) {
        given = object->trap;
        object->trap = NULL;
    } else {
        given = object->trap == NULL ? NULL : make_like(store, object->trap);
    }
    wasm_trap_delete(trap);
    return given == NULL ? dv_rt_trap_memory() : given;
}

wasm_instance_t *dv_capi_instance(wasm_store_t *store, davit_status_t status, RtInstance *made,
                                  RtTrap *rt_trap, wasm_trap_t **trap)
{
    if (status == DAVIT_OK) {
        wasm_ref_t *ref = dv_capi_handle(store, HANDLE_INSTANCE, made);
        if (ref != NULL) {
            return (wasm_instance_t *)ref;
        }
    } else if (rt_trap != NULL) {
        dv_capi_error(store, status, "%s", rt_trap->message);
    }
    if (trap == NULL) {
        dv_rt_trap_free(rt_trap);
    } else {
        *trap = rt_trap == NULL ? dv_capi_error_trap(store) : dv_capi_trap(store, rt_trap);
    }
    return NULL;
}

/* ---- wasm.h's ---- */

wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *message)
{
    usize length = message->size;
    if (length > 0 && message->data[length - 1] == '\0') {
        length--;
    }
    return make_trap(store, message->data == NULL ? "" : message->data, length);
}

void wasm_trap_message(const wasm_trap_t *trap, wasm_message_t *out)
{
    wasm_name_new_from_string_nt(out, trap_of(trap)->message);
}

static wasm_frame_t *make_frame(wasm_store_t *store, const RtFrame *frame)
{
    wasm_frame_t *made = malloc(sizeof *made);
    wasm_ref_t *instance =
        made == NULL ? NULL : dv_capi_handle(store, HANDLE_INSTANCE, frame->instance);
    if (instance == NULL) {
        free(made);
        return NULL;
    }
    *made = (wasm_frame_t){(wasm_instance_t *)instance, *frame};
    return made;
}

wasm_frame_t *wasm_trap_origin(const wasm_trap_t *trap)
{
    const RtTrap *rt = trap_of(trap);
    return rt->num_frames == 0 ? NULL : make_frame(trap->ref.store, &rt->frames[0]);
}

void wasm_trap_trace(const wasm_trap_t *trap, wasm_frame_vec_t *out)
{
    const RtTrap *rt = trap_of(trap);
    wasm_frame_vec_new_uninitialized(out, rt->num_frames);
    for (usize i = 0; i < out->size; i++) {
        out->data[i] = make_frame(trap->ref.store, &rt->frames[i]);
        if (out->data[i] == NULL) {
            wasm_frame_vec_delete(out);
        }
    }
}

/* ---- frames ---- */

void wasm_frame_delete(wasm_frame_t *frame)
{
    if (frame != NULL) {
        wasm_instance_delete(frame->instance);
        free(frame);
    }
}

wasm_frame_t *wasm_frame_copy(const wasm_frame_t *frame)
{
    return frame == NULL ? NULL : make_frame(frame->instance->ref.store, &frame->frame);
}

wasm_instance_t *wasm_frame_instance(const wasm_frame_t *frame)
{
    return frame->instance;
}

uint32_t wasm_frame_func_index(const wasm_frame_t *frame)
{
    return frame->frame.func;
}

size_t wasm_frame_func_offset(const wasm_frame_t *frame)
{
    return frame->frame.func_offset;
}

size_t wasm_frame_module_offset(const wasm_frame_t *frame)
{
    return frame->frame.module_offset;
}

void davit_wasm_frame_func_name(const wasm_frame_t *frame, wasm_name_t *out)
{
    const WasmModule *info = dv_rt_module_info(dv_rt_instance_module(frame->frame.instance));
    Str name = dv_rt_func_name(info, frame->frame.func);
    wasm_name_new(out, name.len, name.data);
}

/* ---- what wasm.h does not tell ---- */

uint32_t davit_wasm_trap_code(const wasm_trap_t *trap)
{
    return trap_of(trap)->code;
}

int32_t davit_wasm_trap_exit_status(const wasm_trap_t *trap)
{
    const RtTrap *rt = trap_of(trap);
    return rt->code == RT_CODE_EXIT ? rt->exit_status : -1;
}

wasm_trap_t *davit_wasm_exit(wasm_store_t *store, int32_t status)
{
    RtTrap *trap = dv_rt_trap_exit(store->rt, status);
    return dv_capi_trap(store, trap == NULL ? dv_rt_trap_memory() : trap);
}

typedef struct Print {
    Arena arena;
    const RtTrap *trap;
    wasm_byte_vec_t *out;
} Print;

static void print_trap(void *context)
{
    Print *print = context;
    TextBuf text;
    dv_text_init(&text, &print->arena);
    dv_text_str(&text, print->trap->message);
    dv_text_char(&text, '\n');
    dv_rt_trap_print(&text, print->trap, NULL, NULL);
    wasm_byte_vec_new(print->out, text.length, text.data);
}

void davit_wasm_trap_backtrace(const wasm_trap_t *trap, wasm_byte_vec_t *out)
{
    Pool pool;
    Print print = {.trap = trap_of(trap), .out = out};
    wasm_byte_vec_new_empty(out);
    dv_pool_init(&pool, &trap->ref.store->engine->settings.allocator);
    dv_arena_init(&print.arena, &pool);
    (void)dv_pool_protect(&pool, print_trap, &print); /* out of memory: no text */
    dv_arena_release(&print.arena);
    dv_pool_destroy(&pool);
}
