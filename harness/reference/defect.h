/*
 * Seeded faults. In the normal build DEFECT(...) is 0 and nothing of them is left; the separate build
 * (REFERENCE_DEFECTS) switches one on at run time. specs/defects.yaml says what each does and which rules
 * find it.
 */
#ifndef REFERENCE_DEFECT_H
#define REFERENCE_DEFECT_H

#include <stdbool.h>

#ifdef REFERENCE_DEFECTS
extern unsigned reference_defect; /* number of the one that is on, 0 none */
#define DEFECT(number) (reference_defect == (number))
#else
#define DEFECT(number) 0
#endif

bool reference_set_option(const char *name, const char *value);

#endif
