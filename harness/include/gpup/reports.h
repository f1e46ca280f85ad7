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
    uint8_t *states;                              /* per expectation: enum gpup_entry_state */
    char **words;                                 /* per expectation: "WAIVED until ...: reason" */
    int *entry;                                   /* per rule: the expectation that excuses it, or -1 */
    char today[11];                               /* YYYY-MM-DD */
    const struct gpup_baseline *baseline;         /* results to compare with; NULL: none */
    const char *const *evidence; /* directories whose traces/ belong to the journal; only HTML reads them */
    size_t evidence_count;
    const char *last; /* an earlier results.json as text, which HTML compares with; NULL: none */
    const char
        *code; /* coverage/summary.json of tool/coverage.sh as text, from where HTML is written; NULL: none */
};

/* Findings of earlier results, by fingerprint: from a directory with results.json of any specification. */
struct gpup_baseline;
/* NULL: the file cannot be used; message says why. */
struct gpup_baseline *gpup_baseline_load(const char *directory, char *message, size_t message_size);
void gpup_baseline_free(struct gpup_baseline *baseline);

/* false: out of memory. select: glob over rule ids, or NULL for all. */
bool gpup_report_open(struct gpup_report *report, const struct gpup_results *results, const char *select,
                      const struct gpup_expectations *expectations, bool strict);
/* The same as of another day (YYYY-MM-DD). */
bool gpup_report_open_at(struct gpup_report *report, const struct gpup_results *results, const char *select,
                         const struct gpup_expectations *expectations, bool strict, const char *today);
void gpup_report_close(struct gpup_report *report);

/* What an excused rule is shown as: WAIVED, ERRATUM, QUARANTINED instead of its verdict, which it is not
 * allowed to look like; why, or NULL when it is not excused. */
const char *gpup_report_verdict_name(const struct gpup_report *report, unsigned rule);
const char *gpup_report_excuse(const struct gpup_report *report, unsigned rule);
/* The expectation that names a finding, or -1; one names all findings of a program that crashed. */
int gpup_report_entry(const struct gpup_report *report, const char *program,
                      const struct gpup_finding *finding);
bool gpup_report_crash_expected(const struct gpup_report *report, const struct gpup_program_result *program);
/* The exit status in one sentence, which says so when expectations were needed for it. */
const char *gpup_report_meaning(const struct gpup_report *report);

bool gpup_report_required(const struct gpup_report *report, unsigned rule); /* its verdict decides */
/* The framework is what is under test, and no driver: the implementation is `framework` or `framework:...`.
 */
bool gpup_report_of_framework(const struct gpup_report *report);
/* Programs of the run without a result: it was interrupted, or other shards have them. */
unsigned gpup_report_missing(const struct gpup_report *report);
int gpup_report_exit_status(const struct gpup_report *report);
const char *gpup_report_status_words(int status); /* one sentence */

/* How a rule or a program is told where there are only passed, failed and skipped. */
enum gpup_standing {
    GPUP_STANDS_PASSED,
    GPUP_STANDS_FAILED,   /* it decides the exit status */
    GPUP_STANDS_NOTED,    /* a finding that does not count: WARN, POLICY, not required under this profile */
    GPUP_STANDS_EXPECTED, /* every finding is named by an expectation; never told as passed */
    GPUP_STANDS_UNJUDGED,
};
enum gpup_standing gpup_report_standing(const struct gpup_report *report, unsigned rule);
enum gpup_standing gpup_report_program_standing(const struct gpup_report *report,
                                                const struct gpup_program_result *program);
/* Why it is not simply passed or failed, in words; "" for those. */
const char *gpup_report_standing_words(const struct gpup_report *report, unsigned rule);

const char *gpup_outcome_name(unsigned outcome); /* "COMPLETE" ... */

/* The command that runs a program again, quoted for a shell. tool: how it is called. malloc'ed; NULL: no
 * memory, or a name that cannot be printed as it is. */
char *gpup_report_replay(const struct gpup_report *report, const char *tool, const char *program);

/* Console: table by area, findings, programs that ended badly, what to do next. colour: ANSI escapes. */
void gpup_report_console(const struct gpup_report *report, FILE *out, bool colour, const char *directory);

/* The documents of a report. All text in them comes through reports/text.h. Each is a function of the report
 * alone: no clock, no network, no other file. false: out of memory, or the stream has an error. */
bool gpup_write_json(const struct gpup_report *report, FILE *out); /* schema: reports/results.schema.json */
bool gpup_write_junit(const struct gpup_report *report, FILE *out);
bool gpup_write_tap(const struct gpup_report *report, FILE *out);   /* version 13, flat */
bool gpup_write_tap14(const struct gpup_report *report, FILE *out); /* version 14, a subtest per area */
bool gpup_write_sarif(const struct gpup_report *report, FILE *out); /* 2.1.0 */
bool gpup_write_markdown(const struct gpup_report *report, FILE *out);
bool gpup_write_html(const struct gpup_report *report, FILE *out); /* reads the traces in `evidence`, too */

/* A new kind of document is a row here (reports/writers.c); `run` and `report` write them all. */
struct gpup_writer {
    const char *name, *file; /* "sarif", "results.sarif" */
    bool (*write)(const struct gpup_report *report, FILE *out);
};
extern const struct gpup_writer gpup_writers[];
extern const size_t gpup_writer_count;
/* Writes all of them into the directory. false: `failed` is the file that could not be written (errno). */
bool gpup_report_write_all(const struct gpup_report *report, const char *directory, const char **failed);

#endif
