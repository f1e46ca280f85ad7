/*
 * Expectations: findings that are known and must not decide a run, each with its reason and its end.
 *
 * A YAML list. Each entry has
 *     - rule: MSIX-014            # the rule that it speaks of
 *       kind: waiver              # erratum | waiver | quarantine
 *       reason: "..."
 *       until: 2027-01-31         # the last day it holds
 *       program: "msix/large?"    # glob, optional: every program when left out
 * An `erratum` is a fault of the suite, whatever the implementation; it also has
 *       issue: "1234"             # where it is recorded
 * A `waiver` is for this implementation alone; it also has
 *       implementation: "*mydriver.so"   # glob over what `run` was given
 *       hash: 3e8d7141273fb4b7           # start of the SHA-256 of its file, 16 to 64 digits; or
 *       builds: [1.2.0, 1.4.9]           # first and last of what it calls its build, ordered as versions
 *       approver: "..."
 *       link: "https://..."
 * and a failure signature, which an erratum may have:
 *       ddi: WriteVirtualizedInterrupt   # of the call at hand; `none`
 *       key: 1234567                     # as results.json has it; or
 *       text: "expected 1, found *"      # glob over what was seen
 * A `quarantine` is for what is unstable: it is still run, and neither its failures nor its passes count.
 *
 * What an erratum or a waiver names stays a finding: it is shown as ERRATUM or WAIVED, never as passed; it
 * just does not decide. An entry is stale when it has expired, when it is for another implementation, when
 * nothing that it names was judged, or when that passed (a quarantine may): exit status 5, so that the list
 * never outlives its reasons. What a part of a run (--select, --shard, the smoke profile) left out is not
 * held against an entry.
 */
#ifndef GPUP_EXPECT_H
#define GPUP_EXPECT_H

#include <gpup/runner.h>

enum gpup_expect_kind { GPUP_EXPECT_ERRATUM, GPUP_EXPECT_WAIVER, GPUP_EXPECT_QUARANTINE };

struct gpup_expectation {
    uint16_t rule;
    uint8_t kind;
    char program[128]; /* glob, "" all */
    char reason[200];
    char until[11]; /* YYYY-MM-DD */
    char issue[128];
    char implementation[256]; /* glob, "" any */
    char hash[65];
    char first_build[128], last_build[128];
    char approver[128], link[256];
    bool has_ddi; /* there is a failure signature */
    uint16_t ddi; /* or GPUP_SPEC_NONE: no call at hand */
    bool has_key;
    uint32_t key;
    char text[200];        /* glob, "" any */
    unsigned line, column; /* in the file */
};

struct gpup_expectations {
    struct gpup_expectation *entries;
    size_t count;
    char path[512];
};

/* 0, or -1 with every error as `file:line:col: ...` in *errors (malloc'ed; may be NULL when memory is out).
 * Parse: any bytes; path stands in the messages. */
int gpup_expectations_load(const char *path, struct gpup_expectations *out, char **errors);
int gpup_expectations_parse(const char *text, size_t size, const char *path, struct gpup_expectations *out,
                            char **errors);
void gpup_expectations_free(struct gpup_expectations *expectations);

/* The entry speaks of this implementation (of the header of its results). */
bool gpup_expectation_applies(const struct gpup_expectation *entry, const struct gpup_results *results);
/* It has not expired on this day (YYYY-MM-DD). */
bool gpup_expectation_holds(const struct gpup_expectation *entry, const char *today);
bool gpup_expectation_names_program(const struct gpup_expectation *entry, const char *program);
/* It names this finding of that program, implementation and day apart. */
bool gpup_expectation_names(const struct gpup_expectation *entry, const char *program,
                            const struct gpup_finding *finding);

/* What has become of an entry in a run. */
enum gpup_entry_state {
    GPUP_ENTRY_USED,    /* it names a finding; of a quarantine: something that was judged */
    GPUP_ENTRY_OUTSIDE, /* this part of a run has nothing that it names */
    GPUP_ENTRY_EXPIRED, /* from here on stale */
    GPUP_ENTRY_OTHER_IMPLEMENTATION,
    GPUP_ENTRY_UNMATCHED, /* no program of the run that it names judged the rule */
    GPUP_ENTRY_PASSED     /* what it names did not fail */
};
bool gpup_entry_stale(unsigned state);
const char *gpup_entry_words(unsigned state);     /* what is wrong and what to do */
const char *gpup_expect_kind_name(unsigned kind); /* "erratum" ... */
/* How a rule that an entry excuses is shown instead of its verdict: ERRATUM, WAIVED, QUARANTINED. */
const char *gpup_expect_verdict_name(unsigned kind);

#endif
