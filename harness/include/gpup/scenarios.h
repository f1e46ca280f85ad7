/*
 * The bundled programs: the scenarios of conformance/, packed into the tool in binary form when it is built.
 * Constant, sorted by name (byte order), readable from any thread; nothing here is ever freed.
 *
 * A scenario holds steps, and no expected result: what it is worth is what the rules make of its trace.
 */
#ifndef GPUP_SCENARIOS_H
#define GPUP_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpup_scenario {
    const char *name;      /* path under conformance/ without .yaml: "msix/program-all" */
    const char *title;     /* one line */
    const char *area;      /* area whose rules it is there for: "MSIX" */
    bool smoke;            /* part of the smoke profile */
    bool negative;         /* has a robustness or policy step: not part of certification */
    const uint8_t *bytes;  /* gpup_program_decode takes them */
    size_t size;           /* of bytes */
    const uint16_t *lines; /* per step: its line in conformance/NAME.yaml, from 1 */
    size_t steps;          /* as many as the decoded program has */
};

/* All of them, those with negative steps too. */
extern const struct gpup_scenario gpup_scenarios[];
extern const size_t gpup_scenario_count;

/* The whole name, exactly: patterns are the runner's. NULL: none of the bundled ones. */
const struct gpup_scenario *gpup_scenario_find(const char *name);

#endif
