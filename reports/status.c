/* What a run amounts to. */
#include <gpup/reports.h>

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

bool gpup_report_open(struct gpup_report *report, const struct gpup_results *results, const char *select,
                      bool strict) {
    *report = (struct gpup_report){.results = results, .strict = strict};
    report->rules = calloc(gpup_spec_counts.rules, sizeof *report->rules);
    report->selected = calloc(gpup_spec_counts.rules, sizeof *report->selected);
    if (!report->rules || !report->selected) {
        gpup_report_close(report);
        return false;
    }
    gpup_results_summarise(results, report->rules);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        report->selected[i] = !select || !*select || fnmatch(select, gpup_rules[i].id, 0) == 0;
    return true;
}

void gpup_report_close(struct gpup_report *report) {
    free(report->rules);
    free(report->selected);
    *report = (struct gpup_report){0};
}

bool gpup_report_required(const struct gpup_report *report, unsigned rule) {
    const struct gpup_rule *r = &gpup_rules[rule];
    if (!report->selected[rule] || r->level != GPUP_LEVEL_MUST || r->subject != GPUP_SUBJECT_DRIVER)
        return false;
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
        if (!report->selected[i] || gpup_rules[i].subject == GPUP_SUBJECT_HOST)
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
        if (gpup_report_required(report, i) && verdict != GPUP_PASS && verdict != GPUP_NOT_APPLICABLE)
            return true;
    }
    return false;
}

int gpup_report_exit_status(const struct gpup_report *report) {
    if (suite_failed(report))
        return 3;
    if (counted_failure(report))
        return 1;
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
    default:
        return "?";
    }
}
