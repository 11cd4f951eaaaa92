/* text.h - the text format: .wat modules and .wast scripts to binary modules, and binary modules to
 * text.
 *
 * Source: WebAssembly core specification 3.0, chapter "Text Format"; the scripts of its reference
 * interpreter; proposals (custom page sizes, wide arithmetic, threads, custom descriptors,
 * annotations, legacy exceptions).
 *
 * Text is turned into the binary format, names into a name section, so that everything behind sees
 * one format. The parser reads every grammar, whatever features are on: validation refuses what is
 * off, by name. Errors have line and column, and begin with the words that the specification's
 * tests expect ("unknown operator", "unexpected token", ...).
 */
#ifndef DV_WASM_FORMAT_TEXT_H
#define DV_WASM_FORMAT_TEXT_H

#include "wasm/format/wasm.h"

/* Where bytes of a binary module came from: sorted by offset; a row is valid up to the next. */
typedef struct WatPlace {
    u32 offset; /* in the binary */
    u32 line, column;
} WatPlace;

typedef struct WatPlaces {
    VEC(WatPlace) rows;
} WatPlaces;

/* Appends the binary of a text that is one module, with or without "(module". Rows of `places`,
 * which may be NULL, are added, with offsets from where the module begins. False after an error,
 * in *diag with line and column. The text may hold up to 1 GiB. */
bool dv_wat_to_binary(Arena *arena, Str text, ByteBuf *out, WatPlaces *places, Diag *diag);
const WatPlace *dv_wat_place(const WatPlaces *places, u32 offset); /* NULL: unknown */

typedef struct WatPrintOptions {
    bool folded;
    bool no_names; /* indices only */
} WatPrintOptions;
/* Appends a binary module as text that dv_wat_to_binary turns into the same module: into the
 * same bytes, if those are encoded as it does (shortest numbers, no empty sections, page sizes
 * only where they are not 65536, the name section last and sorted). Bodies need not be valid,
 * only well formed. What was read of the module stays in `scratch`; *out may have any arena. */
bool dv_wat_print(Arena *scratch, const u8 *bytes, usize size, const WatPrintOptions *options,
                  TextBuf *out, Diag *diag);

/* ---- scripts ---- */

typedef enum WastKind {
    WAST_MODULE,            /* module: defines and instantiates */
    WAST_MODULE_DEFINITION, /* defines only */
    WAST_MODULE_INSTANCE,   /* instantiates `of` under `id` */
    WAST_REGISTER,          /* instance `id` (or the last) as `name` */
    WAST_ACTION,            /* action alone */
    WAST_ASSERT_RETURN,     /* action, results */
    WAST_ASSERT_TRAP,       /* action or module, text */
    WAST_ASSERT_EXHAUSTION, /* action, text */
    WAST_ASSERT_EXCEPTION,  /* action */
    WAST_ASSERT_INVALID,    /* module, text */
    WAST_ASSERT_MALFORMED,
    WAST_ASSERT_UNLINKABLE,
    WAST_ASSERT_INVALID_CUSTOM, /* annotations */
    WAST_ASSERT_MALFORMED_CUSTOM,
    WAST_THREAD, /* id, shared modules, commands */
    WAST_WAIT,   /* id */
    WAST_KIND_COUNT
} WastKind;

typedef enum WastValueKind {
    WAST_I32,
    WAST_I64,
    WAST_F32,
    WAST_F64,
    WAST_V128,
    WAST_REF_NULL,   /* `heap` or, for (ref.null), UINT32_MAX: any null */
    WAST_REF_EXTERN, /* a host's number, or any if !has_number */
    WAST_REF_HOST,
    WAST_REF_FUNC,
    WAST_REF_ANY,
    WAST_REF_EQ,
    WAST_REF_I31,
    WAST_REF_STRUCT,
    WAST_REF_ARRAY,
    WAST_REF_EXN,
    WAST_EITHER /* one of `options` */
} WastValueKind;

enum { WAST_EXACT, WAST_NAN_CANONICAL, WAST_NAN_ARITHMETIC };

typedef struct WastValue {
    u8 kind;
    u8 shape;      /* v128: log2 of the bytes of a lane, as written; float lanes or not */
    bool is_float; /* v128 */
    bool has_number;
    u8 nan[16];  /* per lane, WAST_NAN_; floats in [0] */
    u64 bits[2]; /* lane 0 in the low bits of [0] */
    u32 heap;
    u32 num_options;
    const struct WastValue *options;
} WastValue;

typedef struct WastModule {
    Str id; /* "$m"; empty */
    /* The binary, or NULL with the error that text conversion met, when the module was given as
     * text: then malformed is for the runner to judge. `form`: 0 text, 1 (module binary ...), 2
     * (module quote ...). */
    u8 form;
    const u8 *bytes;
    u32 size;
    const char *error;
    u32 error_line, error_column; /* in the script or, of form 2, in the quoted text */
    WatPlaces places;
} WastModule;

enum { WAST_FORM_TEXT, WAST_FORM_BINARY, WAST_FORM_QUOTE };

typedef struct WastAction {
    bool is_get;  /* else invoke */
    Str instance; /* "$m"; empty: the last */
    Str name;
    u32 num_args;
    const WastValue *args;
} WastAction;

typedef struct WastCommand {
    u8 kind; /* WastKind */
    u32 line;
    bool has_module;
    WastModule module;
    WastAction action;
    u32 num_results;
    const WastValue *results;
    Str text;         /* the message expected */
    Str id, of, name; /* of the kinds that say so */
    u32 num_commands; /* thread */
    const struct WastCommand *commands;
    u32 num_shared; /* thread: names of modules it may see */
    const Str *shared;
} WastCommand;

/* Reads a script; everything lies in the arena. A file that is a bare module (fields without
 * "(module") is one command. Malformed text inside (module quote) is no error here. */
bool dv_wast_parse(Arena *arena, Str text, WastCommand **commands, u32 *count, Diag *diag);

#endif
