/* groups.h - which groups of operations this build of the interpreter has.
 *
 * -DINTERP_GROUPS=MASK, a bit per PulleyGroup, leaves the handlers of the others out; without it all are in. The
 * base group always is. A module that may use what is missing is refused by dv_instance_new.
 *
 * IF_GROUP_x(...) is its arguments if the group is in, else nothing. */
#ifndef DV_INTERP_GROUPS_H
#define DV_INTERP_GROUPS_H

#include "pulley/pulley.h"

#ifndef INTERP_GROUPS
#define INTERP_GROUPS 63
#endif

/* The preprocessor needs the numbers. */
_Static_assert(PGROUP_BASE == 0 && PGROUP_FLOAT == 1 && PGROUP_WIDE == 2 && PGROUP_ATOMIC == 3 &&
                   PGROUP_RAW == 4 && PGROUP_RAW_ATOMIC == 5 && PULLEY_GROUP_COUNT == 6,
               "groups are numbered as here");
_Static_assert((INTERP_GROUPS & 1) != 0 && INTERP_GROUPS < 1 << PULLEY_GROUP_COUNT,
               "a mask of groups, with the base group");

#define INTERP_HAS_FLOAT (INTERP_GROUPS >> 1 & 1)
#define INTERP_HAS_WIDE (INTERP_GROUPS >> 2 & 1)
#define INTERP_HAS_ATOMIC (INTERP_GROUPS >> 3 & 1)
#define INTERP_HAS_RAW (INTERP_GROUPS >> 4 & 1)
#define INTERP_HAS_RAW_ATOMIC (INTERP_GROUPS >> 5 & 1)

#define IF_GROUP_BASE(...) __VA_ARGS__
#if INTERP_HAS_FLOAT
#define IF_GROUP_FLOAT(...) __VA_ARGS__
#else
#define IF_GROUP_FLOAT(...)
#endif
#if INTERP_HAS_WIDE
#define IF_GROUP_WIDE(...) __VA_ARGS__
#else
#define IF_GROUP_WIDE(...)
#endif
#if INTERP_HAS_ATOMIC
#define IF_GROUP_ATOMIC(...) __VA_ARGS__
#else
#define IF_GROUP_ATOMIC(...)
#endif
#if INTERP_HAS_RAW
#define IF_GROUP_RAW(...) __VA_ARGS__
#else
#define IF_GROUP_RAW(...)
#endif
#if INTERP_HAS_RAW_ATOMIC
#define IF_GROUP_RAW_ATOMIC(...) __VA_ARGS__
#else
#define IF_GROUP_RAW_ATOMIC(...)
#endif

#endif
