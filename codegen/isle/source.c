/* source.c - the files of a compilation in memory, and positions in them.
 *
 * A position is a file and an offset; its line is found among the starts of all lines, since generated C names a
 * place for every rule. Bytes are taken as they are: what a file may hold is the lexer's business. */
#include "front.h"

bool dv_isle_add_text(Isle *isle, const char *path, const char *data, usize size)
{
    IsleFile file = {.path = path, .data = data, .size = size > ISLE_FILE_MAX ? 0 : (u32)size};
    u32 number = isle->files.len;
    vec_push(isle->arena, &file.lines, 0);
    for (u32 i = 0; i < file.size; i++) {
        if (data[i] == '\n') {
            vec_push(isle->arena, &file.lines, i + 1);
        }
    }
    vec_push(isle->arena, &isle->files, file);
    if (size > ISLE_FILE_MAX) {
        dv_isle_error(isle, (IslePos){number, 0}, ISLE_MSG_FILE_TOO_LARGE,
                      dv_isle_number(isle, ISLE_FILE_MAX), NULL);
        return false;
    }
    return true;
}

void dv_isle_place(const Isle *isle, IslePos pos, u32 *line, u32 *column)
{
    const IsleFile *file = &vec_at(&isle->files, pos.file);
    u32 low = 0;
    u32 high = file->lines.len; /* the line is in low .. high - 1 */
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;
        if (vec_at(&file->lines, middle) <= pos.offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *line = low + 1;
    *column = pos.offset - vec_at(&file->lines, low) + 1;
}
