/* settings.c - reads `set` lines: `set name=value`, where `set name` is `set name=true`. */
#include "tools/settings.h"

static const struct {
    const char *name, *values;
} rows[] = {
#define SETTING(name, values, effect) {#name, values},
#include "tools/settings.def"
};

static bool is_word(Str word, const char *text, usize length)
{
    return word.len == length && memcmp(word.data, text, length) == 0;
}

static u32 find_setting(Str name)
{
    u32 n = 0;
    while (n < SETTING_COUNT && !is_word(name, rows[n].name, strlen(rows[n].name))) {
        n++;
    }
    return n;
}

/* The number of the value plus one; 0: it is none of them. */
static u8 find_value(const char *values, Str value)
{
    u8 n = 1;
    for (const char *at = values; *at != '\0'; n++) {
        usize length = strcspn(at, " ");
        if (is_word(value, at, length)) {
            return n;
        }
        at += length + (at[length] == ' ');
    }
    return 0;
}

/* NULL, or what is wrong. */
static const char *read_word(Str word, Arena *arena, Settings *out)
{
    static const char yes[] = "true";
    const char *equals = memchr(word.data, '=', word.len);
    Str name = {word.data, equals == NULL ? word.len : (u32)(equals - word.data)};
    Str value = {yes, sizeof yes - 1};
    u32 setting = find_setting(name);
    if (equals != NULL) {
        value = (Str){equals + 1, word.len - name.len - 1};
    }
    if (setting == SETTING_COUNT) {
        return NULL;
    }
    out->given[setting] = find_value(rows[setting].values, value);
    return out->given[setting] != 0
               ? NULL
               : dv_arena_printf(arena, "%s cannot be \"%s\": its values are %s",
                                 rows[setting].name, dv_diag_quote(arena, value.data, value.len),
                                 rows[setting].values);
}

const char *dv_settings_read(const ClifFile *file, u32 end, Arena *arena, Settings *out, u32 *line)
{
    const char *error = NULL;
    *out = (Settings){{0}};
    for (u32 i = 0; i < end && error == NULL; i++) {
        const ClifCommand *c = &file->commands.data[i];
        *line = c->line;
        for (u32 n = 0; c->kind == CLIF_SET && n < c->num_words && error == NULL; n++) {
            error = read_word(c->words[n], arena, out);
        }
    }
    return error;
}

u32 dv_settings_end(const ClifFile *file, const char *target)
{
    u32 end = file->commands.len;
    for (u32 i = file->commands.len; i-- > 0 && end == file->commands.len;) {
        const ClifCommand *c = &file->commands.data[i];
        bool is_named = c->kind == CLIF_TARGET && c->num_words != 0 &&
                        is_word(c->words[0], target, strlen(target));
        end = is_named ? i : end;
    }
    return end;
}

void dv_settings_apply(const Settings *settings, CompileOptions *options)
{
#define SETTING(name, values, effect) \
    if (settings->given[SETTING_##name] != 0) { \
        u32 value = settings->given[SETTING_##name] - 1u; \
        (void)value; \
        effect; \
    }
#include "tools/settings.def"
}
