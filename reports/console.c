/* The summary a person sees first. */
#include <gpup/reports.h>

#include <stdlib.h>
#include <string.h>

#define SHOWN_FINDINGS 12u

static const char *paint(bool colour, const char *code) {
    return colour ? code : "";
}
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct row {
    const char *area;
    unsigned count[GPUP_VERDICTS];
};

static void count(struct row *row, const struct gpup_report *r, const char *area) {
    *row = (struct row){.area = area};
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->selected[i] && (!*area || strcmp(gpup_rules[i].area, area) == 0))
            row->count[r->rules[i].verdict]++;
}

static void cell(FILE *out, unsigned n, const char *colour) {
    if (n)
        fprintf(out, "  %s%9u%s", colour, n, *colour ? PLAIN : "");
    else
        fprintf(out, "  %9s", ".");
}

static void print_row(FILE *out, const struct row *row, const char *name, bool colour) {
    fprintf(out, "  %-7s", name);
    cell(out, row->count[GPUP_PASS], paint(colour, GREEN));
    cell(out, row->count[GPUP_FAIL], paint(colour, RED));
    cell(out, row->count[GPUP_WARN], paint(colour, YELLOW));
    cell(out, row->count[GPUP_POLICY_FINDING], paint(colour, YELLOW));
    cell(out, row->count[GPUP_NOT_APPLICABLE], "");
    cell(out, row->count[GPUP_NOT_EXERCISED], "");
    cell(out, row->count[GPUP_NOT_OBSERVABLE], "");
    cell(out, row->count[GPUP_NOT_COVERED], "");
    fputc('\n', out);
}

static void table(const struct gpup_report *r, FILE *out, bool colour) {
    struct row row;
    const char *last = "";
    fprintf(out, "\n  %-7s  %9s  %9s  %9s  %9s  %9s  %9s  %9s  %9s\n", "area", "pass", "fail", "warn",
            "policy", "n/a", "not run", "not seen", "no monitor");
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (strcmp(gpup_rules[i].area, last) == 0)
            continue;
        last = gpup_rules[i].area;
        count(&row, r, last);
        unsigned all = 0;
        for (unsigned k = 0; k < GPUP_VERDICTS; k++)
            all += row.count[k];
        if (all)
            print_row(out, &row, last, colour);
    }
    count(&row, r, "");
    print_row(out, &row, "all", colour);
    fputs(
        "\n  n/a: not advertised   not run: not exercised by these programs   not seen: not observable here\n"
        "  no monitor: in the catalogue and not judged; `list rules --json` says why under `beyond`\n",
        out);
}

static void required(const struct gpup_report *r, FILE *out) {
    unsigned wanted = 0, passed = 0, failed = 0, inapplicable = 0, beyond = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (!gpup_report_required(r, i))
            continue;
        wanted++;
        passed += r->rules[i].verdict == GPUP_PASS;
        failed += r->rules[i].verdict == GPUP_FAIL;
        inapplicable += r->rules[i].verdict == GPUP_NOT_APPLICABLE;
        beyond += r->rules[i].reason == GPUP_REASON_BEYOND;
    }
    fprintf(out,
            "\n  required rules (MUST, %s%s): %u passed, %u failed, %u not applicable, %u beyond a black "
            "box, %u not judged\n",
            gpup_report_of_framework(r) ? "framework" : "driver",
            !gpup_report_of_framework(r) && strcmp(r->results->profile, "certification") == 0 ? ", documented"
                                                                                              : "",
            passed, failed, inapplicable, beyond, wanted - passed - failed - inapplicable - beyond);
}

static void one_finding(const struct gpup_report *r, FILE *out, unsigned rule, bool colour) {
    const struct gpup_rule_summary *s = &r->rules[rule];
    const struct gpup_rule *g = &gpup_rules[rule];
    fprintf(out, "\n  %s%s%s %s  (%s, %s: %s", paint(colour, s->verdict == GPUP_FAIL ? RED : YELLOW),
            gpup_verdict_name(s->verdict), paint(colour, PLAIN), g->id, gpup_level_name(g->level),
            gpup_sources[g->sources[0]].id, gpup_sources[g->sources[0]].title);
    fprintf(out, ", %s)\n    rule:  %s\n", gpup_sources[g->sources[0]].date, g->sentence);
    if (!s->first)
        return;
    fprintf(out, "    seen:  %s\n    where: %s", s->first->text, s->first_program);
    if (s->first->step != GPUP_NO_STEP)
        fprintf(out, ", step %u", s->first->step + 1);
    if (s->first->ddi != GPUP_SPEC_NONE)
        fprintf(out, ", %s", gpup_ddi_name(s->first->ddi));
    fprintf(out, ", host %u; violated %llu of %llu times\n", s->first->host,
            (unsigned long long)s->violations, (unsigned long long)s->checks);
}

static void findings(const struct gpup_report *r, FILE *out, bool colour) {
    static const uint8_t order[] = {GPUP_FAIL, GPUP_WARN, GPUP_POLICY_FINDING};
    unsigned shown = 0, more = 0;
    for (unsigned k = 0; k < sizeof order; k++)
        for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
            if (!r->selected[i] || r->rules[i].verdict != order[k])
                continue;
            if (shown < SHOWN_FINDINGS)
                one_finding(r, out, i, colour);
            shown < SHOWN_FINDINGS ? shown++ : more++;
        }
    if (more)
        fprintf(out, "\n  ... and %u more rules with findings: see results.json\n", more);
}

static void bad_programs(const struct gpup_report *r, FILE *out, bool colour) {
    static const char *const names[] = {"COMPLETE", "SKIPPED", "ERROR", "TIMEOUT", "CRASH"};
    for (size_t i = 0; i < r->results->program_count; i++) {
        const struct gpup_program_result *p = &r->results->programs[i];
        if (p->done && p->outcome != GPUP_COMPLETE)
            fprintf(out, "  %s%-8s%s %s: %s\n", paint(colour, p->outcome == GPUP_SKIPPED ? "" : RED),
                    names[p->outcome], paint(colour, PLAIN), p->name, p->why ? p->why : "");
    }
}

static void expectations(const struct gpup_report *r, FILE *out, bool colour) {
    for (size_t i = 0; r->expectations && i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        bool expired = strcmp(r->today, e->until) > 0;
        bool idle = !r->used[i] && e->kind != GPUP_EXPECT_QUARANTINE;
        if (expired || idle)
            fprintf(out, "  %sSTALE%s    %s:%u: %s %s\n", paint(colour, RED), paint(colour, PLAIN),
                    r->expectations->path, e->line, gpup_rule_id(e->rule),
                    expired ? "has expired" : "did not fail; take the entry out");
        else
            fprintf(out, "  expected %s: %s\n", gpup_rule_id(e->rule), e->reason);
    }
}

static const char *first_bad_program(const struct gpup_report *r) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->rules[i].first_program && r->rules[i].verdict == GPUP_FAIL)
            return r->rules[i].first_program;
    for (size_t i = 0; i < r->results->program_count; i++)
        if (r->results->programs[i].finding_count || r->results->programs[i].outcome >= GPUP_ERROR)
            return r->results->programs[i].name;
    return NULL;
}

void gpup_report_console(const struct gpup_report *r, FILE *out, bool colour, const char *directory) {
    int status = gpup_report_exit_status(r);
    size_t programs = 0;
    for (size_t i = 0; i < r->results->program_count; i++)
        programs += r->results->programs[i].done;
    fprintf(out, "\n%s%s%s: profile %s, %zu programs", paint(colour, BOLD), r->results->implementation,
            paint(colour, PLAIN), r->results->profile, programs);
    fputc('\n', out);
    table(r, out, colour);
    required(r, out);
    fputc('\n', out);
    bad_programs(r, out, colour);
    findings(r, out, colour);
    expectations(r, out, colour);
    fprintf(out, "\n%s%s%s (exit status %d)\n",
            paint(colour, status == 0   ? GREEN
                          : status == 4 ? YELLOW
                                        : RED),
            gpup_report_status_words(status), paint(colour, PLAIN), status);
    if (directory)
        fprintf(out, "results: %s/results.json, junit.xml, events.jsonl\n", directory);
    const char *bad = first_bad_program(r);
    const char *tool = getenv("GPUP_CTS_COMMAND"); /* how it was called: ./cts says so */
    tool = tool ? tool : "gpup-cts";
    if (bad)
        fprintf(out, "next:    %s replay %s %s", tool, bad, r->results->implementation);
    if (bad && r->results->seeded)
        fprintf(out, " --seed %llu", (unsigned long long)r->results->seed);
    if (bad)
        fputc('\n', out);
    else if (status == 4)
        fprintf(out, "next:    %s list rules    (the rules and who judges them)\n", tool);
}
