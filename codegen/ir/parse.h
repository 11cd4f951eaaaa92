/* parse.h - CLIF text in: a file of functions and filetest commands, or one function.
 *
 * Linear in the text, no recursion. Entity numbers are kept; those skipped become absent entities,
 * whose total over a file is limited to 1,000,000 + 16 * text length, so that hostile numbers cost
 * no memory. Whatever parses is memory-safe to print, verify and walk; references to missing or
 * cyclic entities are left to the verifier: values mentioned but not defined are VALUE_ABSENT,
 * blocks are present but not inserted, other references are just numbers. The results of a call
 * whose signature cannot be found are as many as the text names, with TYPE_NONE, and so is whatever
 * has no other operand to take its type from. A declared constant that is shorter than the type of
 * a vconst that names it is zero-extended.
 */
#ifndef DV_IR_PARSE_H
#define DV_IR_PARSE_H

#include "base/diag.h"
#include "codegen/ir/entity.h"

/* A comment without its leading semicolons and surrounding blanks, and the entity before it. */
typedef struct ClifComment {
    EntityRef owner;
    u32 line; /* of the comment, from 1 */
    u32 column;
    u32 owner_line;
    Str text;
} ClifComment;

typedef struct ClifFunc {
    Func func;
    u32 line; /* of the word "function" */
    VEC(ClifComment) comments;
    VEC(u32) inst_lines;  /* by instruction */
    VEC(u32) block_lines; /* by block; 0 where it has none */
    Map entity_lines;     /* (kind << 32 | id) of preamble entities and aliases -> line */
} ClifFunc;

enum { CLIF_TEST, CLIF_SET, CLIF_TARGET };

/* test run / set opt_level=speed / target x86_64 has_avx2: the words after the first. */
typedef struct ClifCommand {
    u8 kind;
    u32 line;
    u32 num_words;
    Str *words;
} ClifCommand;

typedef struct ClifFile {
    VEC(ClifCommand) commands;
    VEC(ClifComment) comments; /* those before the first function; owner is meaningless */
    VEC(ClifFunc *) funcs;
} ClifFile;

/* parse.c: all memory is the arena's; text must outlive the file (it is pointed into). The first
 * error ends it and gives false. */
bool dv_clif_parse(ClifFile *file, Arena *arena, Str text, Diag *diag);
/* The line where an entity stands; 0 if unknown. */
u32 dv_clif_entity_line(const ClifFunc *f, EntityRef entity);

/* literal.c: a literal of this type as run directives and vconst write it ("-1", "0x1.8p3",
 * "+NaN:0x1",
 * "[0 1 2]", "0x00ff"), from *cursor up to end; leaves *cursor behind it. `bytes` gets
 * type_bytes(type) bytes in lane order, little-endian lanes. On failure gives a static or arena
 * message of what was expected. */
bool dv_literal_parse(Arena *arena, const char **cursor, const char *end, Type type, u8 *bytes,
                      const char **expected);

#endif
