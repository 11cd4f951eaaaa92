/* wat_print.h - what the files that print modules as text share. */
#ifndef DV_WASM_FORMAT_WAT_PRINT_H
#define DV_WASM_FORMAT_WAT_PRINT_H

#include "base/map.h"
#include "wasm/format/reader.h"
#include "wasm/format/wat_internal.h"

/* A name of the name section. */
typedef struct PrintName {
    Str text;
    bool is_id; /* it can stand as $name: not empty, and the first of its text in its space */
} PrintName;

typedef struct PrintFrame PrintFrame; /* wat_print_body.c */
typedef struct PrintNode PrintNode;
typedef struct PrintTask PrintTask;

typedef struct WatPrinter {
    Arena *arena; /* scratch */
    const WasmModule *module;
    const WatPrintOptions *options;
    TextBuf *out;
    Diag *diag;

    Map names; /* key of subsection, outer index, index: place in rows */
    VEC(PrintName) rows;
    bool has_name_section; /* and it could be read */
    bool has_module_name;
    Str module_name;

    /* the body being printed; wat_print_body.c */
    u32 func;
    u64 num_locals; /* of this and those before */
    u32 num_labels;
    TextBuf pieces; /* instructions' texts */
    VEC(PrintFrame) frames;
    VEC(PrintNode) nodes;
    VEC(u32) items; /* roots of open sequences */
    VEC(PrintTask) tasks;
    Map label_ids; /* number of a name: 1 + place of its innermost frame */
    StrMap label_texts;
} WatPrinter;

/* Subsections of the name section. */
enum {
    NAMES_MODULE = 0,
    NAMES_LOCALS = 2,
    NAMES_LABELS = 3,
    NAMES_FIELDS = 10,
    NAMES_SUBSECTIONS = 12
};

enum { PRINT_INDENT_MAX = 40 }; /* levels; what is nested deeper is not moved further right */

/* wat_print_names.c */

/* Reads the name section, unless it is malformed: then it is printed like any custom section. */
void dv_print_read_names(WatPrinter *p);
/* NULL: no name. `outer` is the function of locals and labels, the type of fields, else 0. */
const PrintName *dv_print_find_name(const WatPrinter *p, u32 subsection, u32 outer, u32 index);
/* Appends a reference: $name or the index. */
void dv_print_ref(const WatPrinter *p, TextBuf *out, u32 subsection, u32 outer, u32 index);
/* Appends " $name", or " (@name "...")" of a name that cannot stand alone, or nothing. */
void dv_print_binder(const WatPrinter *p, TextBuf *out, u32 subsection, u32 outer, u32 index);
/* Appends "$name". */
void dv_print_id(TextBuf *out, Str text);
/* Appends a string in quotes; what is not ASCII stays if `is_text`. */
void dv_print_string(TextBuf *out, const void *bytes, usize size, bool is_text);
void dv_print_type(const WatPrinter *p, TextBuf *out, ValType type);
void dv_print_heap(const WatPrinter *p, TextBuf *out, ValType type);
/* Starts a line. */
void dv_print_line(TextBuf *out, u32 depth);

/* wat_print_body.c */

/* Appends a function's locals and instructions, a line each. False after an error in p->diag. */
bool dv_print_body(WatPrinter *p, u32 func);
/* Appends a constant expression, which is valid, folded and on the line. */
bool dv_print_expr(WatPrinter *p, Span span);

/* wat_print_inst.c */

/* Appends operation and immediates, as in plain text. */
void dv_wat_print_inst(WatPrinter *p, TextBuf *out, const WasmInst *inst);
/* Appends the name of a label, or its number. */
void dv_print_label(WatPrinter *p, TextBuf *out, u32 label);
/* How many operands an instruction takes and values it leaves, as far as that helps to fold it;
 * labels' counts come from the frames. */
void dv_print_arity(WatPrinter *p, const WasmInst *inst, u32 *params, u32 *results);
/* Values that a branch to the label carries. */
u32 dv_print_label_arity(const WatPrinter *p, u32 label);

#endif
