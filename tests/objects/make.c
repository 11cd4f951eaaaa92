/* make.c - writes the object that data.c is linked with: functions of a CLIF file, and data of every kind and linkage.
 *
 *     objects_make data.clif data.o [fast] [far] [pads] [initial-exec] [local-exec] */
#include <davit/codegen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const davit_context_t *context, davit_status_t status, const char *what)
{
    if (status != DAVIT_OK) {
        const davit_error_t *error = davit_error_get(context, 0);
        fprintf(stderr, "make: %s: %s\n", what, error == NULL ? "" : error->message);
        exit(1);
    }
}

static char *read_file(const char *path, size_t *size)
{
    enum { SIZE_MAX_BYTES = 1 << 16 };
    char *text = malloc(SIZE_MAX_BYTES);
    FILE *file = fopen(path, "r");
    if (file == NULL || text == NULL) {
        perror(path);
        exit(1);
    }
    *size = fread(text, 1, SIZE_MAX_BYTES, file);
    fclose(file);
    return text;
}

typedef struct Row {
    const char *name;
    int linkage;
    davit_native_data_t data;
} Row;

static void define_data(davit_context_t *context, davit_native_t *native)
{
    static const uint64_t numbers[] = {30, 12}, ten = 10, five = 5, seven = 7,
                          words[6] = {0, 0, 0, 0, 0, 0x77};
    static const davit_data_address_t addresses[] = {{0, "d_call", 0},
                                                     {8, "c_twice", 0},
                                                     {16, "c_data", 8},
                                                     {24, "d_zeros", -4},
                                                     {32, "d_local", 8}};
    static const davit_data_address_t missing[] = {{0, "c_missing", 0}, {8, "d_local_func", 0}};
    static const davit_data_address_t weak = {0, "d_weak", 0};
    const Row rows[] = {
        {"d_readonly", DAVIT_LINK_EXPORT, {numbers, 16, 16, DAVIT_DATA_READONLY, NULL, 0}},
        {"d_writable", DAVIT_LINK_EXPORT, {&ten, 8, 8, DAVIT_DATA_WRITABLE, NULL, 0}},
        {"d_zeros", DAVIT_LINK_EXPORT, {NULL, 100000, 4096, DAVIT_DATA_WRITABLE, NULL, 0}},
        {"d_table", DAVIT_LINK_EXPORT, {words, 48, 64, DAVIT_DATA_READONLY, addresses, 5}},
        {"d_writable_table", DAVIT_LINK_EXPORT, {NULL, 16, 8, DAVIT_DATA_WRITABLE, missing, 2}},
        {"d_local", DAVIT_LINK_LOCAL, {&five, 8, 8, DAVIT_DATA_WRITABLE, NULL, 0}},
        {"d_byte", DAVIT_LINK_EXPORT, {"\1", 1, 1, DAVIT_DATA_READONLY, NULL, 0}},
        {"d_last", DAVIT_LINK_EXPORT, {&seven, 8, 2048, DAVIT_DATA_READONLY, NULL, 0}},
        {"d_weak", DAVIT_LINK_WEAK, {&five, 8, 8, DAVIT_DATA_WRITABLE, NULL, 0}},
        {"d_tls", DAVIT_LINK_EXPORT, {&seven, 8, 8, DAVIT_DATA_TLS, NULL, 0}},
        {"d_tls_local", DAVIT_LINK_LOCAL, {&ten, 8, 8, DAVIT_DATA_TLS, NULL, 0}},
        {"d_tls_table", DAVIT_LINK_EXPORT, {NULL, 8, 8, DAVIT_DATA_TLS, &weak, 1}},
        {"d_tls_zeros", DAVIT_LINK_EXPORT, {NULL, 5000, 64, DAVIT_DATA_TLS, NULL, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(context,
              davit_native_define_data(native, rows[i].name, rows[i].linkage, &rows[i].data),
              rows[i].name);
    }
    check(context, davit_native_declare(native, "c_missing", DAVIT_LINK_WEAK), "c_missing");
    check(context, davit_native_declare(native, "c_missing_func", DAVIT_LINK_WEAK),
          "c_missing_func");
}

int main(int argc, char **argv)
{
    davit_context_t *context;
    davit_module_t *module;
    davit_native_t *native;
    davit_native_options_t options = {.source = "data.clif", .check = true};
    size_t size, object_size;
    const uint8_t *object;
    if (argc < 3) {
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        options.fast = options.fast || strcmp(argv[i], "fast") == 0;
        options.far_calls = options.far_calls || strcmp(argv[i], "far") == 0;
        options.tls_model = strcmp(argv[i], "initial-exec") == 0 ? DAVIT_TLS_INITIAL_EXEC
                            : strcmp(argv[i], "local-exec") == 0 ? DAVIT_TLS_LOCAL_EXEC
                                                                 : options.tls_model;
        options.landing_pads = options.landing_pads || strcmp(argv[i], "pads") == 0;
    }
    char *text = read_file(argv[1], &size);
    check(NULL, davit_context_new(NULL, &context), "a context");
    check(context, davit_module_new(context, &module), "a module");
    check(context, davit_native_new(context, &options, &native), "a native module");
    check(context, davit_module_parse(module, text, size), argv[1]);
    for (size_t i = 0; i < davit_module_count(module); i++) {
        const davit_func_t *f = davit_module_get(module, i);
        int linkage = f == davit_module_find(module, "%d_local_func")  ? DAVIT_LINK_LOCAL
                      : f == davit_module_find(module, "%d_weak_func") ? DAVIT_LINK_WEAK
                                                                       : DAVIT_LINK_EXPORT;
        check(context, davit_native_define_func(native, f, linkage), "a function");
    }
    define_data(context, native);
    check(context, davit_native_object(native, &object, &object_size), "the object");
    FILE *file = fopen(argv[2], "wb");
    int ok = file != NULL && fwrite(object, 1, object_size, file) == object_size;
    ok = file != NULL && fclose(file) == 0 && ok;
    davit_native_free(native);
    davit_module_free(module);
    davit_context_free(context);
    free(text);
    return ok ? 0 : 1;
}
