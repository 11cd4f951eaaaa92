/* coverage.h - types the rules of coverage.isle expect. */
#ifndef DV_TESTS_ISLE_COVERAGE_H
#define DV_TESTS_ISLE_COVERAGE_H

#include "clif.h"

#endif
