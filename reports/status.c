/* What a run amounts to. */
#include <gpup/reports.h>

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A rule is expected to fail when an entry names each of its findings; one that it does not name counts. */
static void apply_expectations(struct gpup_report *report) {
    const struct gpup_results *all = report->results;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        report->expected[i] = report->expectations && report->rules[i].violations;
    for (size_t p = 0; report->expectations && p < all->program_count; p++)
        for (size_t f = 0; f < all->programs[p].finding_count; f++) {
            uint16_t rule = all->programs[p].findings[f].rule;
            int entry =
                gpup_expectations_match(report->expectations, rule, all->programs[p].name, report->today);
            if (entry >= 0)
                report->used[entry] = true;
            else
                report->expected[rule] = false;
        }
}

bool gpup_report_open(struct gpup_report *report, const struct gpup_results *results, const char *select,
                      const struct gpup_expectations *expectations, bool strict) {
    time_t now = time(NULL);
    struct tm utc;
    size_t entries = expectations ? expectations->count : 0;
    *report = (struct gpup_report){.results = results, .expectations = expectations, .strict = strict};
    report->rules = calloc(gpup_spec_counts.rules, sizeof *report->rules);
    report->selected = calloc(gpup_spec_counts.rules, sizeof *report->selected);
    report->expected = calloc(gpup_spec_counts.rules, sizeof *report->expected);
    report->used = calloc(entries + 1, sizeof *report->used);
    if (!report->rules || !report->selected || !report->expected || !report->used) {
        gpup_report_close(report);
        return false;
    }
    strftime(report->today, sizeof report->today, "%Y-%m-%d", gmtime_r(&now, &utc));
    gpup_results_summarise(results, report->rules);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        report->selected[i] = !select || !*select || fnmatch(select, gpup_rules[i].id, 0) == 0;
    apply_expectations(report);
    return true;
}

void gpup_report_close(struct gpup_report *report) {
    free(report->rules);
    free(report->selected);
    free(report->expected);
    free(report->used);
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
        if (bad && (p->class <= GPUP_STATED || report->strict))
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

static bool unjudged(const struct gpup_report *report) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        unsigned verdict = report->rules[i].verdict;
        bool beyond = verdict == GPUP_NOT_COVERED && *gpup_rules[i].beyond;
        if (gpup_report_required(report, i) && !beyond && verdict != GPUP_PASS &&
            verdict != GPUP_NOT_APPLICABLE && !report->expected[i])
            return true;
    }
    return false;
}

/* Expired, or naming nothing that happened; a quarantined rule may do either. */
static bool stale(const struct gpup_report *report) {
    for (size_t i = 0; report->expectations && i < report->expectations->count; i++) {
        const struct gpup_expectation *e = &report->expectations->entries[i];
        if (strcmp(report->today, e->until) > 0 || (!report->used[i] && e->kind != GPUP_EXPECT_QUARANTINE))
            return true;
    }
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
        return "the suite itself failed";
    case 4:
        return "nothing failed, but not every required rule was judged";
    case 5:
        return "an expectation is stale: it has expired, or what it names did not happen";
    default:
        return "?";
    }
}
