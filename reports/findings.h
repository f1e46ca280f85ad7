/* The findings of a report, the equal ones together. */
#ifndef GPUP_REPORTS_FINDINGS_H
#define GPUP_REPORTS_FINDINGS_H

#include <gpup/reports.h>

struct found {
    const struct gpup_finding *finding;
    const char *program;
};

/* Findings of selected rules, by rule, then key, then as programs and steps go. Equal findings, those with
 * the same rule and key, stand side by side. false: out of memory. free(*rows). */
bool findings_collect(const struct gpup_report *report, struct found **rows, size_t *count);
/* How many rows from this one on are equal to it. */
size_t findings_equal(const struct found *rows, size_t count);

/* Equal for equal findings of any run: the rule and the key. */
#define FINGERPRINT_SIZE 48
void finding_fingerprint(const struct gpup_finding *finding, char out[FINGERPRINT_SIZE]);

/* What an earlier run found. */
struct baseline_entry {
    char fingerprint[FINGERPRINT_SIZE];
    char rule[32];
    char *text;
};
/* NULL: it was not there. */
const struct baseline_entry *baseline_find(const struct gpup_baseline *baseline, const char *fingerprint);
size_t baseline_count(const struct gpup_baseline *baseline);
const struct baseline_entry *baseline_at(const struct gpup_baseline *baseline, size_t index); /* sorted */

#endif
