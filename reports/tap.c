/*
 * results.tap (version 13, flat, for `prove` and every older reader) and results.tap14 (version 14, a subtest
 * per area). A test per rule, then one per program; what is behind a result is a YAML block below it.
 *
 * A finding that does not count, and one that an expectation names, are `not ok` with the directive for work
 * to be done: seen, told, and no failure. A rule that was not judged is skipped.
 */
#include "text.h"

#include <gpup/reports.h>

#include <stdlib.h>
#include <string.h>

struct tap {
    const struct gpup_report *report;
    FILE *out;
    const char *indent; /* of a subtest */
    unsigned number, failed;
};

static void yaml(const struct tap *t, const char *key, const char *value) {
    if (!value || !*value)
        return;
    fprintf(t->out, "%s  %s: \"", t->indent, key);
    text_put(t->out, TEXT_QUOTED, value);
    fputs("\"\n", t->out);
}

static void line(struct tap *t, enum gpup_standing standing, const char *name, const char *verdict,
                 const char *words) {
    bool ok = standing == GPUP_STANDS_PASSED || standing == GPUP_STANDS_UNJUDGED;
    t->failed += standing == GPUP_STANDS_FAILED;
    fprintf(t->out, "%s%sok %u - ", t->indent, ok ? "" : "not ", ++t->number);
    text_put(t->out, TEXT_TAP, name);
    if (standing == GPUP_STANDS_UNJUDGED) {
        fputs(" # SKIP ", t->out);
        text_put_short(t->out, TEXT_TAP, words, 200);
    } else if (standing == GPUP_STANDS_NOTED || standing == GPUP_STANDS_EXPECTED) {
        fprintf(t->out,
                " # TO"
                "DO %s: ",
                verdict);
        text_put_short(t->out, TEXT_TAP, words, 200);
    }
    fputc('\n', t->out);
}

static void documents(const struct tap *t, const struct gpup_rule *g) {
    fprintf(t->out, "%s  sources:\n", t->indent);
    for (unsigned k = 0; k < g->source_count; k++) {
        const struct gpup_source *s = &gpup_sources[g->sources[k]];
        yaml(t, "  - title", s->title);
        yaml(t, "    date", s->date);
        yaml(t, "    url", s->url);
    }
}

static void rule_block(const struct tap *t, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    const struct gpup_rule_summary *s = &t->report->rules[i];
    char before[32];
    snprintf(before, sizeof before, "%s  - \"", t->indent);
    fprintf(t->out, "%s  ---\n", t->indent);
    yaml(t, "message", s->first ? s->first->text : gpup_rules[i].sentence);
    yaml(t, "severity", s->verdict == GPUP_FAIL ? "fail" : "comment");
    yaml(t, "verdict", gpup_report_verdict_name(t->report, i));
    yaml(t, "rule", g->sentence);
    yaml(t, "level", gpup_level_name(g->level));
    yaml(t, "basis", gpup_basis_name(g->basis));
    documents(t, g);
    yaml(t, "program", s->first_program);
    if (s->first && s->first->step != GPUP_NO_STEP)
        fprintf(t->out, "%s  step: %u\n", t->indent, s->first->step + 1);
    if (s->first && s->first->ddi != GPUP_SPEC_NONE)
        yaml(t, "ddi", gpup_ddi_name(s->first->ddi));
    if (s->first && s->first->where)
        fprintf(t->out, "%s  where:\n", t->indent);
    text_put_lines(t->out, TEXT_QUOTED, s->first ? s->first->where : NULL, before, "\"\n");
    char *again = gpup_report_replay(t->report, "gpup-cts", s->first_program);
    yaml(t, "replay", again);
    free(again);
    fprintf(t->out, "%s  ...\n", t->indent);
}

static void rule_test(struct tap *t, unsigned i) {
    enum gpup_standing standing = gpup_report_standing(t->report, i);
    line(t, standing, gpup_rules[i].id, gpup_report_verdict_name(t->report, i),
         gpup_report_standing_words(t->report, i));
    if (standing != GPUP_STANDS_PASSED && standing != GPUP_STANDS_UNJUDGED)
        rule_block(t, i);
}

static void program_test(struct tap *t, const struct gpup_program_result *p) {
    enum gpup_standing standing = gpup_report_program_standing(t->report, p);
    line(t, standing, p->name, gpup_outcome_name(p->outcome), p->why);
    if (standing == GPUP_STANDS_PASSED || standing == GPUP_STANDS_UNJUDGED)
        return;
    fprintf(t->out, "%s  ---\n", t->indent);
    yaml(t, "message", p->why);
    yaml(t, "outcome", gpup_outcome_name(p->outcome));
    char *again = gpup_report_replay(t->report, "gpup-cts", p->name);
    yaml(t, "replay", again);
    free(again);
    fprintf(t->out, "%s  ...\n", t->indent);
}

static bool in_area(const struct gpup_report *r, unsigned rule, const char *area) {
    return r->selected[rule] && (!area || strcmp(gpup_rules[rule].area, area) == 0);
}

static unsigned rules_of(const struct gpup_report *r, const char *area) {
    unsigned count = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        count += in_area(r, i, area);
    return count;
}

static unsigned programs_of(const struct gpup_report *r) {
    unsigned count = 0;
    for (size_t i = 0; i < r->results->program_count; i++)
        count += r->results->programs[i].done;
    return count;
}

/* The rules of an area (NULL: all), or the programs. */
static void tests(struct tap *t, bool programs, const char *area) {
    const struct gpup_results *all = t->report->results;
    for (unsigned i = 0; !programs && i < gpup_spec_counts.rules; i++)
        if (in_area(t->report, i, area))
            rule_test(t, i);
    for (size_t i = 0; programs && i < all->program_count; i++)
        if (all->programs[i].done)
            program_test(t, &all->programs[i]);
}

static void heading(const struct gpup_report *r, FILE *out) {
    fputs("# gpup-cts: ", out);
    text_put(out, TEXT_PLAIN, r->results->implementation);
    fputs(", profile ", out);
    text_put(out, TEXT_PLAIN, r->results->profile);
    fprintf(out, ", specification %s, exit status %d: %s\n", gpup_spec_version(), gpup_report_exit_status(r),
            gpup_report_meaning(r));
}

bool gpup_write_tap(const struct gpup_report *report, FILE *out) {
    struct tap t = {.report = report, .out = out, .indent = ""};
    unsigned count = rules_of(report, NULL) + programs_of(report);
    fprintf(out, "TAP version 13\n1..%u%s\n", count, count ? "" : " # SKIP nothing was selected");
    heading(report, out);
    tests(&t, false, NULL);
    tests(&t, true, NULL);
    return !ferror(out);
}

static void subtest(const struct gpup_report *report, FILE *out, unsigned number, const char *name,
                    bool programs) {
    struct tap t = {.report = report, .out = out, .indent = "    "};
    fprintf(out, "# Subtest: %s\n    1..%u\n", name, programs ? programs_of(report) : rules_of(report, name));
    tests(&t, programs, name);
    fprintf(out, "%sok %u - %s\n", t.failed ? "not " : "", number, name);
}

bool gpup_write_tap14(const struct gpup_report *report, FILE *out) {
    const char *last = "";
    unsigned areas = 0, number = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (report->selected[i] && strcmp(gpup_rules[i].area, last) != 0) {
            last = gpup_rules[i].area;
            areas++;
        }
    areas += programs_of(report) != 0;
    fprintf(out, "TAP version 14\n1..%u%s\n", areas, areas ? "" : " # SKIP nothing was selected");
    heading(report, out);
    last = "";
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (report->selected[i] && strcmp(gpup_rules[i].area, last) != 0) {
            last = gpup_rules[i].area;
            subtest(report, out, ++number, last, false);
        }
    if (programs_of(report))
        subtest(report, out, ++number, "programs", true);
    return !ferror(out);
}
