/* names.h - constants the rules of names.isle expect. */
#ifndef DV_TESTS_ISLE_NAMES_H
#define DV_TESTS_ISLE_NAMES_H

#include "run.h"

enum { LIMIT_max = 4000, _1 = -77 };

#endif
