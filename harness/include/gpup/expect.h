/*
 * Expectations: findings that are known and must not decide a run, each with its reason and its end.
 *
 * A YAML list; each entry:
 *     - rule: MSIX-014          # required
 *       kind: waiver            # erratum (the suite's fault) | waiver (this implementation) | quarantine
 * (unstable) reason: "..."           # required until: 2027-01-31       # required; the last day it holds
 *       program: "msix/large?"    # optional glob; every program when left out
 *
 * A finding that an entry names is still shown with its verdict; it just does not count. An entry is stale
 * when it has expired or when nothing it names failed (quarantine apart): status 5, so that the list never
 * outlives its reasons.
 */
#ifndef GPUP_EXPECT_H
#define GPUP_EXPECT_H

#include <gpup/judge.h>
#include <stdbool.h>
#include <stddef.h>

enum gpup_expect_kind { GPUP_EXPECT_ERRATUM, GPUP_EXPECT_WAIVER, GPUP_EXPECT_QUARANTINE };

struct gpup_expectation {
    uint16_t rule;
    uint8_t kind;
    char program[128]; /* glob, "" all */
    char reason[200];
    char until[11]; /* YYYY-MM-DD */
    unsigned line;  /* in the file */
};

struct gpup_expectations {
    struct gpup_expectation *entries;
    size_t count;
    char path[512];
};

/* 0, or -1 with every error as `file:line:col: ...` in *errors (malloc'ed; may be NULL when memory is out).
 */
int gpup_expectations_load(const char *path, struct gpup_expectations *out, char **errors);
void gpup_expectations_free(struct gpup_expectations *expectations);

/* The entry that names a finding of this rule in this program today (YYYY-MM-DD), or -1. */
int gpup_expectations_match(const struct gpup_expectations *expectations, uint16_t rule, const char *program,
                            const char *today);

#endif
