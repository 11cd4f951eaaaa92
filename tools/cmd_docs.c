/* cmd_docs.c - `davit docs`: writes the files of the tree that are printed from tables, or checks
 * that they are current. Run it in the root of the tree. */
#include <stdio.h>

#include "base/io.h"
#include "codegen/ir/docs.h"
#include "pulley/pulley.h"
#include "tools/options.h"

static const Document pulley_docs[] = {{"docs/pulley.md", dv_pulley_docs_write}};

static bool check_document(Command *command, const Document *doc)
{
    IoBytes bytes;
    const char *error;
    if (dv_io_read(command->arena, doc->path, TOOL_MAX_INPUT, &bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit docs: %s\n", error);
        return false;
    }
    u32 line = dv_docs_stale_line(doc, command->arena, (const char *)bytes.data, bytes.size);
    if (line != 0) {
        fprintf(stderr, "%s:%u: not what the tables say; `davit docs` writes it anew\n", doc->path,
                (unsigned)line);
    }
    return line == 0;
}

static bool write_document(Command *command, const Document *doc)
{
    const char *error;
    TextBuf text;
    dv_text_init(&text, command->arena);
    doc->write(&text);
    IoBytes bytes = {(const u8 *)text.data, text.length};
    if (dv_io_write(command->arena, doc->path, bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit docs: %s\n", error);
        return false;
    }
    return true;
}

int dv_cmd_docs(Command *command)
{
    bool check = false, ok = true;
    WordList words = {0};
    const Option options[] = {
        {"--check", OPTION_FLAG, &check, NULL, "write nothing; say what is not current"},
    };
    const OptionTable table = {
        .command = "docs",
        .synopsis = "[options]",
        .about =
            "Writes the files of the tree that are printed from tables; run it in the tree's root.\n",
        .examples = "  davit docs --check\n",
        .options = options,
        .count = ARRAY_LEN(options)};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    for (usize i = 0; i < DOCUMENT_COUNT + ARRAY_LEN(pulley_docs); i++) {
        const Document *doc = i < DOCUMENT_COUNT ? &dv_docs[i] : &pulley_docs[i - DOCUMENT_COUNT];
        ok = (check ? check_document(command, doc) : write_document(command, doc)) && ok;
    }
    return ok ? EXIT_OK : EXIT_FAILED;
}
