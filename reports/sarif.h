/* The parts of results.sarif. Functions return NULL when memory is out, like those of the JSON library. */
#ifndef GPUP_REPORTS_SARIF_H
#define GPUP_REPORTS_SARIF_H

#include "findings.h"
#include "text.h"

#define SARIF_ROOT "GPUP_CTS" /* what the paths of scenarios are relative to */

/* The catalogue: selected rules in their order; sarif_rule_index is a rule's place there. */
json_t *sarif_rules(const struct gpup_report *report);
json_int_t sarif_rule_index(const struct gpup_report *report, unsigned rule);

/* Findings of this run, the equal ones as one result, then those of the baseline that are gone. */
json_t *sarif_results(const struct gpup_report *report);
/* {text: ...} */
json_t *sarif_message(const char *text);
/* Where a program stands; step from 0, or GPUP_NO_STEP. */
json_t *sarif_location(const char *program, uint32_t step);

#endif
