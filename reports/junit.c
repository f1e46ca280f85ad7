/*
 * junit.xml. The schema that Jenkins published gives properties to a suite and none to a test case, so a
 * rule is a suite: its properties say what it is, its one case how it stands. Readers group cases by class,
 * which is the area. One more suite has a case per program.
 *
 * A finding that does not count passes with its text in system-out; one that an expectation names is skipped.
 */
#include "text.h"

#include <gpup/reports.h>

#include <stdlib.h>

static void attribute(FILE *out, const char *name, const char *value) {
    fprintf(out, " %s=\"", name);
    text_put(out, TEXT_XML, value);
    fputc('"', out);
}

static void property(FILE *out, const char *name, const char *value) {
    if (!value || !*value)
        return;
    fputs("      <property", out);
    attribute(out, "name", name);
    attribute(out, "value", value);
    fputs("/>\n", out);
}

/* The first as source, source.title and so on, the next as source2. */
static void document(FILE *out, unsigned index, const struct gpup_source *s) {
    const char *const parts[] = {"", ".title", ".date", ".url"}, *const values[] = {s->id, s->title, s->date,
                                                                                    s->url};
    for (unsigned i = 0; i < 4; i++) {
        char name[32], number[8] = "";
        if (index)
            snprintf(number, sizeof number, "%u", (index + 1) % 1000);
        snprintf(name, sizeof name, "source%s%s", number, parts[i]);
        property(out, name, values[i]);
    }
}

static void rule_properties(const struct gpup_report *r, FILE *out, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    fputs("    <properties>\n", out);
    property(out, "rule", g->id);
    property(out, "sentence", g->sentence);
    property(out, "level", gpup_level_name(g->level));
    property(out, "basis", gpup_basis_name(g->basis));
    property(out, "subject", gpup_subject_name(g->subject));
    property(out, "required", gpup_report_required(r, i) ? "true" : "false");
    property(out, "verdict", gpup_report_verdict_name(r, i));
    property(out, "reason", gpup_reason_name(r->rules[i].reason));
    for (unsigned k = 0; k < g->source_count; k++)
        document(out, k, &gpup_sources[g->sources[k]]);
    property(out, "implementation", r->results->implementation);
    property(out, "implementation.hash", r->results->implementation_hash);
    property(out, "specification", gpup_spec_version());
    fputs("    </properties>\n", out);
}

static void where(const struct gpup_report *r, FILE *out, const struct gpup_rule_summary *s) {
    fprintf(out, "%s: ", gpup_verdict_name(s->verdict));
    text_put(out, TEXT_XML, s->first ? s->first->text : "violated");
    text_put_lines(out, TEXT_XML, s->first ? s->first->where : NULL, "\n  ", "");
    fputs("\nprogram ", out);
    text_put(out, TEXT_XML, s->first_program);
    if (s->first && s->first->step != GPUP_NO_STEP)
        fprintf(out, ", step %u", s->first->step + 1);
    if (s->first && s->first->ddi != GPUP_SPEC_NONE)
        fprintf(out, ", %s", gpup_ddi_name(s->first->ddi));
    fprintf(out, "\nviolated %llu of %llu times\n", (unsigned long long)s->violations,
            (unsigned long long)s->checks);
    char *again = gpup_report_replay(r, "gpup-cts", s->first_program);
    if (again)
        text_put(out, TEXT_XML, again);
    free(again);
}

static void rule_body(const struct gpup_report *r, FILE *out, unsigned i) {
    const struct gpup_rule_summary *s = &r->rules[i];
    enum gpup_standing standing = gpup_report_standing(r, i);
    const char *element = standing == GPUP_STANDS_FAILED ? "failure" : "skipped";
    if (standing == GPUP_STANDS_PASSED) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n", out);
    if (standing == GPUP_STANDS_FAILED) {
        fputs("      <failure", out);
        attribute(out, "type", gpup_verdict_name(s->verdict));
        attribute(out, "message", s->first ? s->first->text : gpup_rules[i].sentence);
        fputc('>', out);
        where(r, out, s);
    } else if (standing != GPUP_STANDS_NOTED) {
        fputs("      <skipped>", out);
        text_put(out, TEXT_XML, gpup_report_standing_words(r, i));
    }
    if (standing != GPUP_STANDS_NOTED)
        fprintf(out, "</%s>\n", element);
    if (standing == GPUP_STANDS_NOTED || standing == GPUP_STANDS_EXPECTED) {
        fputs("      <system-out>", out);
        text_put(out, TEXT_XML, gpup_report_standing_words(r, i));
        fputc('\n', out);
        where(r, out, s);
        fputs("</system-out>\n", out);
    }
    fputs("    </testcase>\n", out);
}

static void rule_suite(const struct gpup_report *r, FILE *out, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    enum gpup_standing standing = gpup_report_standing(r, i);
    fputs("  <testsuite", out);
    attribute(out, "name", g->id);
    fprintf(out, " package=\"gpup.%s\" tests=\"1\" failures=\"%d\" errors=\"0\" skipped=\"%d\">\n", g->area,
            standing == GPUP_STANDS_FAILED,
            standing == GPUP_STANDS_UNJUDGED || standing == GPUP_STANDS_EXPECTED);
    rule_properties(r, out, i);
    fprintf(out, "    <testcase classname=\"gpup.%s\"", g->area);
    attribute(out, "name", g->id);
    fputs(" time=\"0\"", out);
    rule_body(r, out, i);
    fputs("  </testsuite>\n", out);
}

static void program_case(const struct gpup_report *r, FILE *out, const struct gpup_program_result *p) {
    static const char *const elements[] = {[GPUP_STANDS_FAILED] = "error",
                                           [GPUP_STANDS_NOTED] = "system-out",
                                           [GPUP_STANDS_EXPECTED] = "skipped",
                                           [GPUP_STANDS_UNJUDGED] = "skipped"};
    const char *element = elements[gpup_report_program_standing(r, p)];
    fputs("    <testcase classname=\"gpup.programs\"", out);
    attribute(out, "name", p->name);
    fprintf(out, " time=\"%u.%03u\"", p->wall_ms / 1000, p->wall_ms % 1000);
    if (!element) {
        fputs("/>\n", out);
        return;
    }
    fprintf(out, ">\n      <%s>%s: ", element, gpup_outcome_name(p->outcome));
    text_put(out, TEXT_XML, p->why);
    fprintf(out, "</%s>\n    </testcase>\n", element);
}

static void program_suite(const struct gpup_report *r, FILE *out) {
    const struct gpup_results *all = r->results;
    unsigned tests = 0, errors = 0, skipped = 0;
    for (size_t i = 0; i < all->program_count; i++) {
        if (!all->programs[i].done)
            continue;
        enum gpup_standing standing = gpup_report_program_standing(r, &all->programs[i]);
        tests++;
        errors += standing == GPUP_STANDS_FAILED;
        skipped += standing == GPUP_STANDS_UNJUDGED || standing == GPUP_STANDS_EXPECTED;
    }
    fprintf(out,
            "  <testsuite name=\"programs\" package=\"gpup\" tests=\"%u\" failures=\"0\" errors=\"%u\" "
            "skipped=\"%u\">\n",
            tests, errors, skipped);
    for (size_t i = 0; i < all->program_count; i++)
        if (all->programs[i].done)
            program_case(r, out, &all->programs[i]);
    fputs("  </testsuite>\n", out);
}

bool gpup_write_junit(const struct gpup_report *r, FILE *out) {
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    attribute(out, "name", r->results->implementation);
    fputs(">\n", out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->selected[i])
            rule_suite(r, out, i);
    program_suite(r, out);
    fputs("</testsuites>\n", out);
    return !ferror(out);
}
