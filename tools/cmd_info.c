/* cmd_info.c - `davit targets`, `davit features` and `davit version`: what this build can do. */
#include <stdio.h>

#include "codegen/isa/isa.h"
#include "interp/interp.h"
#include "tools/options.h"
#include "wasm/format/wasm.h"
#include "wasm/runtime/artifact.h"
#include "wasm/runtime/runtime.h"

int dv_cmd_targets(Command *command)
{
    OptionsOutcome outcome = dv_options_read_plain(
        command, "targets", "Lists what code can be made for, and the evaluators of CLIF.\n");
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    printf("%-12s %s\n", "eval", "the evaluator of CLIF; eval32, eval64, eval32be, eval64be");
    for (u32 i = 0; dv_isa_at(i) != NULL; i++) {
        const Isa *isa = dv_isa_at(i);
        printf("%-12s %s, %u-bit addresses, %s\n", isa->name,
               isa->find_features == NULL ? "bytecode" : "machine code",
               (unsigned)isa->address_bits, isa->big_endian ? "big-endian" : "little-endian");
    }
    return EXIT_OK;
}

int dv_cmd_features(Command *command)
{
    OptionsOutcome outcome = dv_options_read_plain(
        command, "features",
        "Lists the features of WebAssembly by the names that --features takes: whether they belong to\n"
        "WebAssembly 3.0, and whether this version executes them.\n");
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    printf("%-24s %-5s %-9s %s\n", "feature", "3.0", "executed", "what it is");
    for (u32 i = 0; i < FEATURE_COUNT; i++) {
        const FeatureInfo *f = &dv_wasm_features[i];
        printf("%-24s %-5s %-9s %s\n", f->text, f->in_3_0 ? "yes" : "no",
               f->runs ? "yes" : "not yet", f->doc);
    }
    return EXIT_OK;
}

int dv_cmd_version(Command *command)
{
    static const char *const names[] = {"best", "switch", "goto", "tail"};
    OptionsOutcome outcome = dv_options_read_plain(
        command, "version",
        "Prints the version, that of artifacts, the forms of dispatch of this build, and what machine\n"
        "code it runs here.\n");
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    printf("davit %s, artifacts of version %u.%u, dispatch by", davit_version(), ARTIFACT_FORMAT,
           PULLEY_VERSION);
    for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
        if (dv_interp_has_form((InterpForm)form)) {
            printf(" %s", names[form]);
        }
    }
    u32 features;
    const char *native = dv_rt_native_target(&features);
    printf("; native code: %s\n", native == NULL ? "none" : native);
    return EXIT_OK;
}
