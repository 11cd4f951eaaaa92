/* driver.c - runs a fuzz target without libFuzzer, on files given by name.
 *
 * Every build links each fuzz target to this driver, so that corpora and past findings are replayed
 * as tests by every compiler and on every host. Usage: fuzz_NAME FILE|DIR...; a directory stands
 * for the files in it (its own directories are not entered). The target reports a defect by
 * crashing.
 *
 * Each input is copied to a block of exactly its size, so that a sanitizer sees reads past its end.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The target, as libFuzzer calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool run_file(const char *path)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        perror(path);
        return false;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size == 0 ? 1 : size);
    bool ok = data != NULL && fread(data, 1, size, file) == size;
    fclose(file);
    if (ok) {
        LLVMFuzzerTestOneInput(data, size);
    } else {
        fprintf(stderr, "%s: cannot be read\n", path);
    }
    free(data);
    return ok;
}

static bool run_directory(const char *path, unsigned *count)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        return false;
    }
    bool ok = true;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char name[4096];
        int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof name) {
            fprintf(stderr, "%s: name too long\n", entry->d_name);
            ok = false;
        } else if (!is_directory(name)) {
            ok = run_file(name) && ok;
            *count += 1;
        }
    }
    closedir(dir);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    unsigned count = 0;
    for (int i = 1; i < argc; i++) {
        if (is_directory(argv[i])) {
            ok = run_directory(argv[i], &count) && ok;
        } else {
            ok = run_file(argv[i]) && ok;
            count += 1;
        }
    }
    printf("%u inputs\n", count);
    return ok && count > 0 ? 0 : 1;
}
