/* registry.h - which addresses belong to generated code, and which to reserved memory of guests.
 *
 * The two tables are all that signal handlers know of the program. Whoever makes code or reserves memory enters it before it
 * is used and takes it out when nobody uses it any more. Entering and taking out may be done by several threads at
 * once; looking up takes no lock and no memory, so that a signal handler can do it.
 */
#ifndef DV_RT_REGISTRY_H
#define DV_RT_REGISTRY_H

#include "base/base.h"

/* What a fault of the instruction at this offset of a code range means: a code of base/traps.def. */
typedef struct CodeTrap {
    u32 offset, code;
} CodeTrap;

/* Generated code, as its owner describes it; it stays in place while it is entered. */
typedef struct CodeRange {
    const u8 *start;
    usize size_bytes;
    const CodeTrap *traps; /* offsets rise */
    u32 num_traps;
    const void *owner;
} CodeRange;

/* False if memory runs out. Ranges do not overlap. */
bool dv_registry_add_code(const CodeRange *range);
void dv_registry_remove_code(const CodeRange *range);
/* The range that the address is in, or NULL. Any thread, signal handlers too. */
const CodeRange *dv_registry_find_code(const void *address);
/* The trap of the instruction at the address in a range; 0: it has none. */
u32 dv_registry_find_trap(const CodeRange *range, const void *address);

/* Memory where an access may fault on purpose. False if memory runs out. */
bool dv_registry_add_reserved(const void *start, usize size_bytes);
void dv_registry_remove_reserved(const void *start);
bool dv_registry_is_reserved(const void *address);

#endif
