/* gen.c - writes COUNT rules of gen.h to FILE: isle_gen COUNT FILE. */
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "bench/isle/gen.h"

int main(int argc, char **argv)
{
    Pool pool;
    Arena arena;
    TextBuf text;
    const char *error;
    if (argc != 3) {
        fputs("usage: isle_gen COUNT FILE\n", stderr);
        return 2;
    }
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    dv_text_init(&text, &arena);
    gen_rules(&text, (u32)strtoul(argv[1], NULL, 10));
    IoBytes bytes = {(const u8 *)text.data, text.length};
    bool is_written = dv_io_write(&arena, argv[2], bytes, &error) == DAVIT_OK;
    if (!is_written) {
        fprintf(stderr, "isle_gen: %s\n", error);
    }
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    return !is_written;
}
