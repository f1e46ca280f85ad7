/* What a run amounts to. */
#include "excuse.h"

#include <gpup/reports.h>

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool gpup_report_open_at(struct gpup_report *report, const struct gpup_results *results, const char *select,
                         const struct gpup_expectations *expectations, bool strict, const char *today) {
    *report = (struct gpup_report){.results = results, .expectations = expectations, .strict = strict};
    report->rules = calloc(gpup_spec_counts.rules, sizeof *report->rules);
    report->selected = calloc(gpup_spec_counts.rules, sizeof *report->selected);
    report->expected = calloc(gpup_spec_counts.rules, sizeof *report->expected);
    snprintf(report->today, sizeof report->today, "%.10s", today);
    bool ok = report->rules && report->selected && report->expected;
    for (unsigned i = 0; ok && i < gpup_spec_counts.rules; i++)
        report->selected[i] = !select || !*select || fnmatch(select, gpup_rules[i].id, 0) == 0;
    if (ok)
        gpup_results_summarise(results, report->rules);
    ok = ok && excuse(report);
    if (!ok)
        gpup_report_close(report);
    return ok;
}

bool gpup_report_open(struct gpup_report *report, const struct gpup_results *results, const char *select,
                      const struct gpup_expectations *expectations, bool strict) {
    char today[11];
    time_t now = time(NULL);
    struct tm utc;
    strftime(today, sizeof today, "%Y-%m-%d", gmtime_r(&now, &utc));
    return gpup_report_open_at(report, results, select, expectations, strict, today);
}

void gpup_report_close(struct gpup_report *report) {
    free(report->rules);
    free(report->selected);
    free(report->expected);
    excuse_free(report);
    *report = (struct gpup_report){0};
}

bool gpup_report_of_framework(const struct gpup_report *report) {
    static const char word[] = "framework";
    const char *name = report->results->implementation;
    return strncmp(name, word, sizeof word - 1) == 0 &&
           (!name[sizeof word - 1] || name[sizeof word - 1] == ':');
}

bool gpup_report_required(const struct gpup_report *report, unsigned rule) {
    const struct gpup_rule *r = &gpup_rules[rule];
    bool framework = gpup_report_of_framework(report);
    if (!report->selected[rule] || r->level != GPUP_LEVEL_MUST ||
        r->subject != (framework ? GPUP_SUBJECT_FRAMEWORK : GPUP_SUBJECT_DRIVER))
        return false;
    if (framework)
        return !*r->beyond; /* basis C too: the published code is what an emulation follows */
    bool documented = r->basis == GPUP_BASIS_D || r->basis == GPUP_BASIS_H;
    return documented || (strcmp(report->results->profile, "certification") != 0 && r->basis == GPUP_BASIS_I);
}

static bool suite_failed(const struct gpup_report *report) {
    for (size_t i = 0; i < report->results->program_count; i++)
        if (report->results->programs[i].done && report->results->programs[i].outcome == GPUP_ERROR)
            return true;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (gpup_rules[i].subject == GPUP_SUBJECT_HOST && report->rules[i].verdict == GPUP_FAIL)
            return true;
    return false;
}

/* A crash after a call that broke a promise of the OS is a warning, as ROB-016 is. */
static bool counted_crash(const struct gpup_report *report) {
    for (size_t i = 0; i < report->results->program_count; i++) {
        const struct gpup_program_result *p = &report->results->programs[i];
        bool bad = p->done && (p->outcome == GPUP_CRASH || p->outcome == GPUP_TIMEOUT);
        if (bad && (p->class <= GPUP_STATED || report->strict) && !gpup_report_crash_expected(report, p))
            return true;
    }
    return false;
}

static bool counted_failure(const struct gpup_report *report) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        unsigned verdict = report->rules[i].verdict;
        if (!report->selected[i] || gpup_rules[i].subject == GPUP_SUBJECT_HOST || report->expected[i])
            continue;
        if (verdict == GPUP_FAIL && (gpup_report_required(report, i) || report->strict))
            return true;
        if (report->strict && (verdict == GPUP_WARN || verdict == GPUP_POLICY_FINDING))
            return true;
    }
    return counted_crash(report);
}

unsigned gpup_report_missing(const struct gpup_report *report) {
    const struct gpup_results *all = report->results;
    unsigned done = 0;
    for (size_t i = 0; i < all->program_count; i++)
        done += all->programs[i].done;
    return all->planned > done ? all->planned - done : 0;
}

static bool unjudged(const struct gpup_report *report) {
    if (gpup_report_missing(report))
        return true;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        unsigned verdict = report->rules[i].verdict;
        bool beyond = verdict == GPUP_NOT_COVERED && *gpup_rules[i].beyond;
        if (gpup_report_required(report, i) && !beyond && verdict != GPUP_PASS &&
            verdict != GPUP_NOT_APPLICABLE && !report->expected[i])
            return true;
    }
    return false;
}

static bool stale(const struct gpup_report *report) {
    for (size_t i = 0; report->expectations && i < report->expectations->count; i++)
        if (gpup_entry_stale(report->states[i]))
            return true;
    return false;
}

int gpup_report_exit_status(const struct gpup_report *report) {
    if (suite_failed(report))
        return 3;
    if (counted_failure(report))
        return 1;
    if (stale(report))
        return 5;
    return unjudged(report) ? 4 : 0;
}

const char *gpup_report_status_words(int status) {
    switch (status) {
    case 0:
        return "every required rule was judged and passed";
    case 1:
        return "a required rule failed, or a program crashed or hung";
    case 2:
        return "the input could not be used";
    case 3:
        return "a program could not be carried out (ERROR), or the suite itself failed";
    case 4:
        return "nothing failed, but not every required rule was judged";
    case 5:
        return "an expectation is stale: it has expired, or what it names did not happen";
    default:
        return "?";
    }
}

const char *gpup_report_meaning(const struct gpup_report *report) {
    int status = gpup_report_exit_status(report);
    for (unsigned i = 0; status == 0 && i < gpup_spec_counts.rules; i++)
        if (report->expected[i] && gpup_report_required(report, i))
            return "every required rule was judged and passed, but for what the expectations excuse";
    return gpup_report_status_words(status);
}
