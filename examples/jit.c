/* jit.c - CLIF compiled to machine code in memory, and called: with a function of this program, and data of its own. */
#include <davit/codegen.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "function %count(i64) -> i64 system_v {\n"
                           "    gv0 = symbol colocated %total\n"
                           "    sig0 = (i64) -> i64 system_v\n"
                           "    fn0 = %square sig0\n"
                           "block0(v0: i64):\n"
                           "    v1 = call fn0(v0)\n"
                           "    v2 = symbol_value.i64 gv0\n"
                           "    v3 = load.i64 v2\n"
                           "    v4 = iadd v3, v1\n"
                           "    store v4, v2\n"
                           "    return v4\n"
                           "}\n";

static int64_t square(int64_t x)
{
    return x * x;
}

/* Where the module's imports are. */
static void *look_up(void *unused, const char *name)
{
    (void)unused;
    return strcmp(name, "square") == 0 ? (void *)(uintptr_t)square : NULL;
}

static davit_status_t run(davit_module_t *module, davit_native_t *native)
{
    int64_t start = 1;
    davit_native_data_t total = {&start, sizeof start, 8, DAVIT_DATA_WRITABLE, NULL, 0};
    davit_status_t status = davit_module_parse(module, text, strlen(text));
    if (status == DAVIT_OK) {
        status = davit_native_define_data(native, "total", DAVIT_LINK_LOCAL, &total);
    }
    if (status == DAVIT_OK) {
        status = davit_native_define_func(native, davit_module_find(module, "%count"),
                                          DAVIT_LINK_EXPORT);
    }
    if (status == DAVIT_OK) {
        status = davit_native_link(native, look_up, NULL);
    }
    if (status == DAVIT_OK) {
        int64_t (*count)(int64_t) =
            (int64_t(*)(int64_t))(uintptr_t)davit_native_address(native, "count");
        printf("%" PRId64 " ", count(3));
        printf("%" PRId64 "\n", count(4));
    }
    return status;
}

int main(void)
{
    davit_context_t *context;
    davit_module_t *module = NULL;
    davit_native_t *native = NULL;
    davit_status_t status = davit_context_new(NULL, &context);
    if (status == DAVIT_OK) {
        status = davit_module_new(context, &module);
    }
    if (status == DAVIT_OK) {
        status = davit_native_new(context, NULL, &native);
    }
    if (status == DAVIT_OK) {
        status = run(module, native);
    }
    if (status == DAVIT_ERROR_UNSUPPORTED) {
        puts("this machine has no native code yet");
        status = DAVIT_OK;
    } else if (status != DAVIT_OK) {
        const davit_error_t *error = davit_error_get(context, 0);
        printf("%s: %s\n", davit_status_name(status), error == NULL ? "" : error->message);
    }
    davit_native_free(native);
    davit_module_free(module);
    davit_context_free(context);
    return status != DAVIT_OK;
}
