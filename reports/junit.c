/* junit.xml: a test case per rule, by area, and one per program. */
#include <gpup/reports.h>

#include <string.h>

static void escaped(FILE *out, const char *text) {
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        const char *entity = c == '&'   ? "&amp;"
                             : c == '<' ? "&lt;"
                             : c == '>' ? "&gt;"
                             : c == '"' ? "&quot;"
                                        : NULL;
        if (entity)
            fputs(entity, out);
        else
            fputc(c < 0x20 && c != '\t' ? ' ' : c, out);
    }
}

static void attribute(FILE *out, const char *name, const char *value) {
    fprintf(out, " %s=\"", name);
    escaped(out, value);
    fputc('"', out);
}

static bool failed(const struct gpup_report *r, unsigned rule) {
    unsigned v = r->rules[rule].verdict;
    return v == GPUP_FAIL || (r->strict && (v == GPUP_WARN || v == GPUP_POLICY_FINDING));
}

static bool judged(const struct gpup_report *r, unsigned rule) {
    return r->rules[rule].verdict <= GPUP_POLICY_FINDING;
}

static void rule_case(const struct gpup_report *r, FILE *out, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    const struct gpup_rule_summary *s = &r->rules[i];
    fputs("    <testcase", out);
    attribute(out, "classname", g->area);
    attribute(out, "name", g->id);
    fputs(" time=\"0\">\n      <properties>\n", out);
    const char *names[] = {"level", "basis", "subject", "source", "verdict"};
    const char *values[] = {gpup_level_name(g->level), gpup_basis_name(g->basis),
                            gpup_subject_name(g->subject), gpup_sources[g->sources[0]].id,
                            gpup_verdict_name(s->verdict)};
    for (unsigned k = 0; k < 5; k++) {
        fputs("        <property", out);
        attribute(out, "name", names[k]);
        attribute(out, "value", values[k]);
        fputs("/>\n", out);
    }
    fputs("      </properties>\n", out);
    if (failed(r, i)) {
        fputs("      <failure", out);
        attribute(out, "message", s->first ? s->first->text : g->sentence);
        fputc('>', out);
        escaped(out, s->first_program);
        fputs("</failure>\n", out);
    } else if (!judged(r, i)) {
        fputs("      <skipped", out);
        attribute(out, "message", gpup_reason_name(s->reason));
        fputs("/>\n", out);
    }
    fputs("    </testcase>\n", out);
}

static void area_suite(const struct gpup_report *r, FILE *out, const char *area) {
    unsigned tests = 0, failures = 0, skipped = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (!r->selected[i] || strcmp(gpup_rules[i].area, area) != 0)
            continue;
        tests++;
        failures += failed(r, i);
        skipped += !judged(r, i);
    }
    if (!tests)
        return;
    fputs("  <testsuite", out);
    attribute(out, "name", area);
    fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\">\n", tests, failures, skipped);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->selected[i] && strcmp(gpup_rules[i].area, area) == 0)
            rule_case(r, out, i);
    fputs("  </testsuite>\n", out);
}

static void program_suite(const struct gpup_report *r, FILE *out) {
    const struct gpup_results *all = r->results;
    unsigned tests = 0, errors = 0, skipped = 0;
    for (size_t i = 0; i < all->program_count; i++) {
        tests += all->programs[i].done;
        errors += all->programs[i].done && all->programs[i].outcome >= GPUP_ERROR;
        skipped += all->programs[i].done && all->programs[i].outcome == GPUP_SKIPPED;
    }
    fprintf(out, "  <testsuite name=\"programs\" tests=\"%u\" failures=\"0\" errors=\"%u\" skipped=\"%u\">\n",
            tests, errors, skipped);
    for (size_t i = 0; i < all->program_count; i++) {
        const struct gpup_program_result *p = &all->programs[i];
        if (!p->done)
            continue;
        fputs("    <testcase classname=\"program\"", out);
        attribute(out, "name", p->name);
        fprintf(out, " time=\"%u.%03u\"", p->wall_ms / 1000, p->wall_ms % 1000);
        if (p->outcome == GPUP_COMPLETE) {
            fputs("/>\n", out);
            continue;
        }
        fputs(p->outcome == GPUP_SKIPPED ? ">\n      <skipped" : ">\n      <error", out);
        attribute(out, "message", p->why);
        fputs("/>\n    </testcase>\n", out);
    }
    fputs("  </testsuite>\n", out);
}

bool gpup_report_junit(const struct gpup_report *r, const char *path) {
    FILE *out = fopen(path, "w");
    const char *last = "";
    if (!out)
        return false;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    attribute(out, "name", r->results->implementation);
    fputs(">\n", out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (strcmp(gpup_rules[i].area, last) != 0) {
            last = gpup_rules[i].area;
            area_suite(r, out, last);
        }
    program_suite(r, out);
    fputs("</testsuites>\n", out);
    return fclose(out) == 0;
}
