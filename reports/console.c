/* The summary a person sees first. */
#include "count.h"
#include "text.h"

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

static void cell(FILE *out, unsigned n, const char *colour) {
    if (n)
        fprintf(out, "  %s%9u%s", colour, n, *colour ? PLAIN : "");
    else
        fprintf(out, "  %9s", ".");
}

static void print_row(FILE *out, const unsigned *count, const char *name, bool colour) {
    fprintf(out, "  %-7s", name);
    cell(out, count[GPUP_PASS], paint(colour, GREEN));
    cell(out, count[GPUP_FAIL], paint(colour, RED));
    cell(out, count[GPUP_WARN], paint(colour, YELLOW));
    cell(out, count[GPUP_POLICY_FINDING], paint(colour, YELLOW));
    cell(out, count[GPUP_NOT_APPLICABLE], "");
    cell(out, count[GPUP_NOT_EXERCISED], "");
    cell(out, count[GPUP_NOT_OBSERVABLE], "");
    cell(out, count[GPUP_NOT_COVERED], "");
    fputc('\n', out);
}

static void table(const struct gpup_report *r, FILE *out, bool colour) {
    unsigned count[GPUP_VERDICTS];
    fprintf(out, "\n  %-7s  %9s  %9s  %9s  %9s  %9s  %9s  %9s  %9s\n", "area", "pass", "fail", "warn",
            "policy", "n/a", "not run", "not seen", "no monitor");
    for (unsigned i = 0; i < gpup_spec_counts.rules; i = count_next_area(i))
        if (count_area(r, gpup_rules[i].area, count))
            print_row(out, count, gpup_rules[i].area, colour);
    count_area(r, NULL, count);
    print_row(out, count, "all", colour);
    fputs(
        "\n  n/a: not advertised   not run: not exercised by these programs   not seen: not observable here\n"
        "  no monitor: in the catalogue and not judged; `list rules --json` says why under `beyond`\n",
        out);
}

static void required(const struct gpup_report *r, FILE *out) {
    struct count_required sum = count_required(r);
    char excused[64] = "";
    if (sum.excused)
        snprintf(excused, sizeof excused, ", %u excused by expectations", sum.excused);
    fprintf(out,
            "\n  required rules (MUST, %s%s): %u passed, %u failed, %u not applicable, %u beyond a black "
            "box, %u not judged%s\n",
            gpup_report_of_framework(r) ? "framework" : "driver",
            !gpup_report_of_framework(r) && strcmp(r->results->profile, "certification") == 0 ? ", documented"
                                                                                              : "",
            sum.passed, sum.failed, sum.inapplicable, sum.beyond, sum.unjudged, excused);
}

static void one_finding(const struct gpup_report *r, FILE *out, unsigned rule, bool colour) {
    const struct gpup_rule_summary *s = &r->rules[rule];
    const struct gpup_rule *g = &gpup_rules[rule];
    fprintf(out, "\n  %s%s%s %s  (%s, %s: %s", paint(colour, s->verdict == GPUP_FAIL ? RED : YELLOW),
            gpup_report_verdict_name(r, rule), paint(colour, PLAIN), g->id, gpup_level_name(g->level),
            gpup_sources[g->sources[0]].id, gpup_sources[g->sources[0]].title);
    fprintf(out, ", %s)\n    rule:  %s\n", gpup_sources[g->sources[0]].date, g->sentence);
    if (!s->first)
        return;
    fputs("    seen:  ", out);
    text_put(out, TEXT_PLAIN, s->first->text);
    text_put_lines(out, TEXT_PLAIN, s->first->where, "\n           ", "");
    fputs("\n    where: ", out);
    text_put(out, TEXT_PLAIN, s->first_program);
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

static bool ended_alike(const struct gpup_program_result *a, const struct gpup_program_result *b) {
    return a->done && b->done && a->outcome == b->outcome &&
           strcmp(a->why ? a->why : "", b->why ? b->why : "") == 0;
}

/* Programs that ended alike are one line: a driver that cannot be started fails all of them. */
static void bad_programs(const struct gpup_report *r, FILE *out, bool colour) {
    const struct gpup_program_result *all = r->results->programs;
    for (size_t i = 0, j, alike; i < r->results->program_count; i++) {
        const struct gpup_program_result *p = &all[i];
        if (!p->done || p->outcome == GPUP_COMPLETE)
            continue;
        for (j = 0; j < i && !ended_alike(&all[j], p);)
            j++;
        if (j < i)
            continue;
        for (alike = 0; j < r->results->program_count; j++)
            alike += ended_alike(&all[j], p);
        fprintf(out, "  %s%-8s%s ", paint(colour, p->outcome == GPUP_SKIPPED ? "" : RED),
                gpup_outcome_name(p->outcome), paint(colour, PLAIN));
        if (alike > 1)
            fprintf(out, "%zu programs, first ", alike);
        text_put(out, TEXT_PLAIN, p->name);
        fputs(": ", out);
        text_put(out, TEXT_PLAIN, p->why);
        fputc('\n', out);
    }
}

static void expectations(const struct gpup_report *r, FILE *out, bool colour) {
    for (size_t i = 0; r->expectations && i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        if (gpup_entry_stale(r->states[i]))
            fprintf(out, "  %sSTALE%s    %s:%u:%u: %s %s %s\n", paint(colour, RED), paint(colour, PLAIN),
                    r->expectations->path, e->line, e->column, gpup_expect_kind_name(e->kind),
                    gpup_rule_id(e->rule), gpup_entry_words(r->states[i]));
        else if (r->states[i] == GPUP_ENTRY_USED)
            fprintf(out, "  %s%s%s %s: %s\n", paint(colour, YELLOW), gpup_expect_verdict_name(e->kind),
                    paint(colour, PLAIN), gpup_rule_id(e->rule), r->words[i]);
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

static void files(FILE *out, const char *directory) {
    fprintf(out, "results: %s/", directory);
    for (size_t i = 0; i < gpup_writer_count; i++)
        fprintf(out, "%s, ", gpup_writers[i].file);
    fputs("events.jsonl\n", out);
}

static void next(const struct gpup_report *r, FILE *out, int status, const char *directory) {
    const char *bad = first_bad_program(r);
    const char *tool = getenv("GPUP_CTS_COMMAND"); /* how it was called: ./cts says so */
    tool = tool ? tool : "gpup-cts";
    bool stored = strcmp(r->results->implementation, "stored trace") == 0; /* of `check`: no program */
    char *again = bad && !stored ? gpup_report_replay(r, tool, bad) : NULL;
    if (again)
        fprintf(out, "next:    %s\n", again);
    else if (status == 4 && directory)
        fprintf(
            out,
            "next:    %s/report.html: \"What was not tested, and why\" names each rule and what it lacks\n",
            directory);
    else if (status == 4)
        fprintf(out, "next:    %s list rules    (the rules and who judges them)\n", tool);
    free(again);
}

void gpup_report_console(const struct gpup_report *r, FILE *out, bool colour, const char *directory) {
    int status = gpup_report_exit_status(r);
    size_t programs = 0;
    for (size_t i = 0; i < r->results->program_count; i++)
        programs += r->results->programs[i].done;
    fprintf(out, "\n%s", paint(colour, BOLD));
    text_put(out, TEXT_PLAIN, r->results->implementation);
    fprintf(out, "%s: profile %s, %zu programs\n", paint(colour, PLAIN), r->results->profile, programs);
    table(r, out, colour);
    required(r, out);
    fputc('\n', out);
    if (gpup_report_missing(r))
        fprintf(out, "  %u of %u programs have no result: interrupted, or in other shards\n",
                gpup_report_missing(r), r->results->planned);
    bad_programs(r, out, colour);
    findings(r, out, colour);
    expectations(r, out, colour);
    fprintf(out, "\n%s%s%s (exit status %d)\n",
            paint(colour, status == 0   ? GREEN
                          : status == 4 ? YELLOW
                                        : RED),
            gpup_report_meaning(r), paint(colour, PLAIN), status);
    if (directory)
        files(out, directory);
    next(r, out, status, directory);
}
