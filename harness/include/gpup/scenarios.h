/*
 * The bundled programs: the scenarios of conformance/, packed into the tool in binary form when it is built.
 * Constant, sorted by name, readable from any thread.
 */
#ifndef GPUP_SCENARIOS_H
#define GPUP_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpup_scenario {
    const char *name;     /* path under conformance/ without .yaml: "msix/program-all" */
    const char *title;    /* one line */
    const char *area;     /* area whose rules it is there for: "MSIX" */
    bool smoke;           /* part of the smoke profile */
    bool negative;        /* has a robustness or policy step: not part of certification */
    const uint8_t *bytes; /* gpup_program_decode takes them */
    size_t size;
    const uint16_t *lines; /* per step: its line in conformance/NAME.yaml, from 1 */
    size_t steps;
};

extern const struct gpup_scenario gpup_scenarios[];
extern const size_t gpup_scenario_count;

/* By name; NULL: none of the bundled ones. */
const struct gpup_scenario *gpup_scenario_find(const char *name);

#endif
