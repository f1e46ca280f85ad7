/*
 * Several seeded faults in one driver, each looked for by itself: GPUP_FUZZ_WANT.
 *
 * `BUG-001=MSIX-008,MSIX-006;BUG-003=MSIX-009`: a fault and the rules that show it. A finding of such a rule
 * may be another fault's doing. So the program is carried out once more, by a process of this target with
 * that fault alone in the driver; only when the finding is made there too, the fault is found.
 */
#ifndef GPUP_FUZZ_WANTED_H
#define GPUP_FUZZ_WANTED_H

#include "engine.h"

/* false: neither `FAULT=RULE,RULE` with `;` between nor a rule of the catalogue. */
bool fuzz_wanted_parse(const char *text);

/* Prints `FOUND FAULT RULE after N executions` for each fault that the program, which the engine ran last,
 * shows for the first time. true: nothing is left to be found. */
bool fuzz_wanted_look(const struct fuzz_engine *engine, const struct gpup_program *program);

#endif
