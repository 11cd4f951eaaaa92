/* unload.c - a program that loads the library (its path is the argument), runs native code in a thread, and unloads it, as hosts of
 * plugins do: what the system has of it, a handler of signals and one of the thread's end, must not be gone. */
#include <davit/wasm.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h>

static const char *path;

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        printf("%s is not there\n", name);
        exit(1);
    }
    return found;
}

/* A function of the library under its own name. */
#define FIND(name) \
    __typeof__(&name) name##_; \
    void *at_##name = find(library, #name); \
    memcpy(&name##_, &at_##name, sizeof name##_)

static void *use(void *unused)
{
    static const char text[] = "(module (memory 1) (func (export \"f\") (param i32) (result i32)\n"
                               " (i32.load (local.get 0))))";
    void *library = dlopen(path, RTLD_NOW);
    (void)unused;
    if (library == NULL) {
        puts(dlerror());
        exit(1);
    }
    FIND(wasm_engine_new);
    FIND(wasm_engine_delete);
    FIND(wasm_store_new);
    FIND(wasm_store_delete);
    FIND(davit_wasm_text_to_binary);
    FIND(wasm_byte_vec_delete);
    FIND(wasm_module_new);
    FIND(wasm_module_delete);
    FIND(wasm_instance_new);
    FIND(wasm_instance_delete);
    FIND(davit_wasm_instance_export);
    FIND(wasm_extern_as_func);
    FIND(wasm_func_delete);
    FIND(davit_wasm_call);
    FIND(wasm_trap_delete);
    wasm_engine_t *engine = wasm_engine_new_();
    wasm_store_t *store = wasm_store_new_(engine);
    wasm_byte_vec_t binary;
    wasm_extern_vec_t none = {0, NULL};
    davit_wasm_text_to_binary_(store, text, strlen(text), &binary);
    wasm_module_t *module = wasm_module_new_(store, &binary);
    wasm_instance_t *instance = wasm_instance_new_(store, module, &none, NULL);
    wasm_func_t *func = wasm_extern_as_func_(davit_wasm_instance_export_(instance, "f"));
    davit_wasm_slot_t result, arg = davit_slot_i32(-1);
    wasm_trap_t *trap = davit_wasm_call_(func, &arg, &result);
    puts(trap != NULL ? "trapped" : "did not trap");
    wasm_trap_delete_(trap);
    wasm_func_delete_(func);
    wasm_instance_delete_(instance);
    wasm_module_delete_(module);
    wasm_byte_vec_delete_(&binary);
    wasm_store_delete_(store);
    wasm_engine_delete_(engine);
    dlclose(library);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    path = argc == 2 ? argv[1] : "libdavit.so";
    if (pthread_create(&thread, NULL, use, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        return 1;
    }
    puts("unloaded");
    return 0;
}
