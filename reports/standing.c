/* What a verdict amounts to, for documents that know passed, failed and skipped. */
#include "text.h"

#include <gpup/reports.h>

#include <stdlib.h>
#include <string.h>

enum gpup_standing gpup_report_standing(const struct gpup_report *report, unsigned rule) {
    unsigned verdict = report->rules[rule].verdict;
    bool host = gpup_rules[rule].subject == GPUP_SUBJECT_HOST;
    if (verdict == GPUP_PASS)
        return GPUP_STANDS_PASSED;
    if (verdict > GPUP_POLICY_FINDING)
        return GPUP_STANDS_UNJUDGED;
    if (host) /* the suite's own fault, which nothing excuses */
        return verdict == GPUP_FAIL ? GPUP_STANDS_FAILED : GPUP_STANDS_NOTED;
    if (report->expected[rule])
        return GPUP_STANDS_EXPECTED;
    bool counts = report->strict || (verdict == GPUP_FAIL && gpup_report_required(report, rule));
    return counts ? GPUP_STANDS_FAILED : GPUP_STANDS_NOTED;
}

enum gpup_standing gpup_report_program_standing(const struct gpup_report *report,
                                                const struct gpup_program_result *program) {
    switch (program->outcome) {
    case GPUP_COMPLETE:
        return GPUP_STANDS_PASSED;
    case GPUP_SKIPPED:
        return GPUP_STANDS_UNJUDGED;
    case GPUP_ERROR:
        return GPUP_STANDS_FAILED;
    default: /* after a call that broke a promise of the OS it is a warning */
        if (gpup_report_crash_expected(report, program))
            return GPUP_STANDS_EXPECTED;
        return program->class <= GPUP_STATED || report->strict ? GPUP_STANDS_FAILED : GPUP_STANDS_NOTED;
    }
}

const char *gpup_report_standing_words(const struct gpup_report *report, unsigned rule) {
    const struct gpup_rule_summary *s = &report->rules[rule];
    switch (gpup_report_standing(report, rule)) {
    case GPUP_STANDS_UNJUDGED:
        return gpup_report_excuse(report, rule) ? gpup_report_excuse(report, rule)
                                                : gpup_reason_name(s->reason);
    case GPUP_STANDS_EXPECTED:
        return gpup_report_excuse(report, rule);
    case GPUP_STANDS_NOTED:
        return s->verdict == GPUP_WARN ? "a SHOULD, or after a call that broke a promise of the OS; it "
                                         "counts with --strict"
               : s->verdict == GPUP_POLICY_FINDING
                   ? "the documents are silent and this is our reading; it counts "
                     "with --strict"
                   : "not required under this profile; it counts with --strict";
    default:
        return "";
    }
}

char *gpup_report_replay(const struct gpup_report *report, const char *tool, const char *program) {
    char *line = NULL;
    size_t size = 0;
    if (!text_is_plain(program) || !text_is_plain(report->results->implementation))
        return NULL; /* it would name something else */
    char *name = text_shell(program), *implementation = text_shell(report->results->implementation);
    FILE *out = name && implementation ? open_memstream(&line, &size) : NULL;
    if (out) {
        fprintf(out, "%s replay %s %s", tool, name, implementation);
        if (report->results->seeded)
            fprintf(out, " --seed %llu", (unsigned long long)report->results->seed);
        if (report->results->files[0])
            fputs(" --file NAME=PATH", out); /* where they are is not kept */
        if (fclose(out) != 0) {
            free(line);
            line = NULL;
        }
    }
    free(name);
    free(implementation);
    return line;
}

const char *gpup_outcome_name(unsigned outcome) {
    static const char *const names[] = {"COMPLETE", "SKIPPED", "ERROR", "TIMEOUT", "CRASH"};
    return outcome < sizeof names / sizeof *names ? names[outcome] : "?";
}
