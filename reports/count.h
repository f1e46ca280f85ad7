/* Sums over the rules of a report. */
#ifndef GPUP_REPORTS_COUNT_H
#define GPUP_REPORTS_COUNT_H

#include <gpup/reports.h>

/* Selected rules of an area (NULL: all) by verdict; the sum of them. */
unsigned count_area(const struct gpup_report *report, const char *area, unsigned count[GPUP_VERDICTS]);
/* Row of the first rule of the next area after `rule`, or gpup_spec_counts.rules. */
unsigned count_next_area(unsigned rule);

struct count_required {
    unsigned passed, failed, inapplicable, beyond, excused, unjudged;
};
struct count_required count_required(const struct gpup_report *report);

#endif
