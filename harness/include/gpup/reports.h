/*
 * Reports: results of a run, told to people and machines. Everything is derived from struct gpup_results,
 * which comes from a journal; nothing here runs or judges.
 *
 * Exit status (design of the tool): 0 every required rule was judged and passed; 1 a counted FAIL, crash or
 * timeout; 2 unusable input; 3 the suite itself failed (a program that judged nothing, a host rule); 4
 * nothing failed but a required rule was not judged; 5 stale expectations.
 *
 * What counts: rules of level MUST and subject driver. The certification profile counts those of basis D and
 * H only; inferred ones are shown beside them. With `strict`, WARN and POLICY findings count as well.
 */
#ifndef GPUP_REPORTS_H
#define GPUP_REPORTS_H

#include <gpup/expect.h>
#include <gpup/runner.h>
#include <stdio.h>

struct gpup_report {
    const struct gpup_results *results;
    struct gpup_rule_summary *rules; /* gpup_spec_counts.rules rows */
    bool strict;
    bool *selected;                               /* per rule: in the selection */
    bool *expected;                               /* per rule: every finding is named by an expectation */
    const struct gpup_expectations *expectations; /* NULL: none */
    bool *used;                                   /* per expectation: names a finding */
    char today[11];                               /* YYYY-MM-DD */
};

/* false: out of memory. select: glob over rule ids, or NULL for all. */
bool gpup_report_open(struct gpup_report *report, const struct gpup_results *results, const char *select,
                      const struct gpup_expectations *expectations, bool strict);
void gpup_report_close(struct gpup_report *report);

bool gpup_report_required(const struct gpup_report *report, unsigned rule); /* its verdict decides */
/* The framework is what is under test, and no driver: the implementation is `framework` or `framework:...`.
 */
bool gpup_report_of_framework(const struct gpup_report *report);
int gpup_report_exit_status(const struct gpup_report *report);
const char *gpup_report_status_words(int status); /* one sentence */

/* Console: table by area, findings, programs that ended badly, what to do next. colour: ANSI escapes. */
void gpup_report_console(const struct gpup_report *report, FILE *out, bool colour, const char *directory);
/* results.json (schema: reports/results.schema.json) and junit.xml. false: cannot be written (errno). */
bool gpup_report_json(const struct gpup_report *report, const char *path);
bool gpup_report_junit(const struct gpup_report *report, const char *path);

#endif
