/* settings.h - what `set` lines of a CLIF file mean for compiling it (settings.def). */
#ifndef DV_TOOLS_SETTINGS_H
#define DV_TOOLS_SETTINGS_H

#include "codegen/ir/parse.h"
#include "codegen/isa/isa.h"

enum {
#define SETTING(name, values, effect) SETTING_##name,
#include "tools/settings.def"
    SETTING_COUNT
};

/* By setting the number of the value plus one; 0: the file does not say. */
typedef struct Settings {
    u8 given[SETTING_COUNT];
} Settings;

/* Those of the file's first `end` commands; of several for one setting the last holds. NULL, or what is wrong, in the arena, with
 * *line. */
const char *dv_settings_read(const ClifFile *file, u32 end, Arena *arena, Settings *out, u32 *line);
/* How many commands come before the last target line that names the target: all if none does. */
u32 dv_settings_end(const ClifFile *file, const char *target);
/* Changes what the settings say, and nothing else. */
void dv_settings_apply(const Settings *settings, CompileOptions *options);

#endif
