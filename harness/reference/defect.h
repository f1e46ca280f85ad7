/*
 * Seeded faults. In the normal build DEFECT(...) is 0 and nothing of them is left; the separate build
 * (REFERENCE_DEFECTS) switches one or several on at run time. specs/defects.yaml says what each does and
 * which rules find it.
 */
#ifndef REFERENCE_DEFECT_H
#define REFERENCE_DEFECT_H

#include <gpup/device.h>
#include <stdbool.h>

#ifdef REFERENCE_DEFECTS
#define REFERENCE_DEFECTS_END 256u
extern bool reference_defect[REFERENCE_DEFECTS_END]; /* by number: those that are on */
#define DEFECT(number) (reference_defect[number])
#else
#define DEFECT(number) 0
#endif

bool GPUP_CALL reference_set_option(const char *name, const char *value);

#endif
