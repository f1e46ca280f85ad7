#ifndef GPUP_REPORTS_EXCUSE_H
#define GPUP_REPORTS_EXCUSE_H

#include <gpup/reports.h>

/* Fills what expectations decide of a report whose results, rules and selection are there. false: out of
 * memory. */
bool excuse(struct gpup_report *report);
void excuse_free(struct gpup_report *report);

#endif
