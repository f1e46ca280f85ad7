/* What comes first: the verdict, the areas, the findings. */
#include "../count.h"
#include "html.h"

#include <string.h>

static unsigned excused(const struct gpup_report *r) {
    return count_required(r).excused;
}

static const char *badge(const struct gpup_report *r, int status) {
    static const char *const words[] = {"Passed",          "Failed",     "Unusable input",
                                        "Not carried out", "Incomplete", "Stale expectations"};
    if (status == 0 && excused(r))
        return "Excused";
    return status >= 0 && status < 6 ? words[status] : "?";
}

void part_title(struct page *p) {
    put(p->out, badge(p->report, gpup_report_exit_status(p->report)));
    fputs(": ", p->out);
    text_put_short(p->out, TEXT_XML, p->report->results->implementation, 100);
    fputs(", GPU-P conformance", p->out);
}

static void number(FILE *out, const char *class, unsigned n, const char *words) {
    if (n || strcmp(class, "failed") == 0 || strcmp(class, "passed") == 0)
        fprintf(out, "<li class=\"%s\"><b>%u</b> %s</li>", class, n, words);
}

static void numbers(const struct gpup_report *r, FILE *out) {
    struct count_required sum = count_required(r);
    fputs("<ul class=\"numbers\" aria-label=\"Required rules\">", out);
    number(out, "passed", sum.passed, "passed");
    number(out, "failed", sum.failed, "failed");
    number(out, "expected", sum.excused, "excused, not passed");
    number(out, "unjudged", sum.unjudged, "not judged");
    number(out, "other", sum.inapplicable, "not applicable");
    number(out, "other", sum.beyond, "beyond a black box");
    fputs("</ul>", out);
}

static void programs(const struct gpup_report *r, FILE *out) {
    unsigned count[5] = {0}, done = 0;
    for (size_t i = 0; i < r->results->program_count; i++)
        if (r->results->programs[i].done) {
            count[r->results->programs[i].outcome % 5]++;
            done++;
        }
    fprintf(out, "<p>%u programs", done);
    for (unsigned k = GPUP_SKIPPED; k <= GPUP_CRASH; k++)
        if (count[k])
            fprintf(out, ", <b class=\"%s\">%u %s</b>", k == GPUP_SKIPPED ? "unjudged" : "failed", count[k],
                    gpup_outcome_name(k));
    if (gpup_report_missing(r))
        fprintf(
            out,
            ". <b class=\"failed\">%u of %u programs have no result</b>: the run was interrupted, or other "
            "shards have them",
            gpup_report_missing(r), r->results->planned);
    fputs(".</p>", out);
}

void part_verdict(struct page *p) {
    const struct gpup_report *r = p->report;
    const struct gpup_results *all = r->results;
    int status = gpup_report_exit_status(r);
    bool framework = gpup_report_of_framework(r);
    fputs("<p class=\"what\">GPU-P conformance of <b>", p->out);
    put(p->out, all->implementation);
    fputs("</b></p>", p->out);
    fprintf(p->out, "<h1 class=\"status-%d%s\"><span>%s</span> %c%s.</h1>", status,
            status == 0 && excused(r) ? " excused" : "", badge(r, status), gpup_report_meaning(r)[0] & ~0x20,
            gpup_report_meaning(r) + 1);
    fprintf(p->out, "<h2 class=\"small\">Required rules: MUST, of the %s%s</h2>",
            framework ? "framework" : "driver",
            !framework && strcmp(all->profile, "certification") == 0 ? ", stated by a document or a header"
                                                                     : "");
    numbers(r, p->out);
    programs(r, p->out);
    fputs("<dl class=\"run\"><div><dt>Profile</dt><dd>", p->out);
    put(p->out, all->profile);
    fputs("</dd></div>", p->out);
    if (*all->select) {
        fputs("<div><dt>Selection</dt><dd>", p->out);
        put(p->out, all->select);
        fputs("</dd></div>", p->out);
    }
    if (*all->build) {
        fputs("<div><dt>Build</dt><dd>", p->out);
        put(p->out, all->build);
        fputs("</dd></div>", p->out);
    }
    fputs("<div><dt>SHA-256</dt><dd><code>", p->out);
    text_put_short(p->out, TEXT_XML, *all->sha256 ? all->sha256 : all->implementation_hash, 64);
    fprintf(p->out, "</code></dd></div><div><dt>Exit status</dt><dd>%d%s</dd></div></dl>", status,
            r->strict ? ", strict" : "");
}

/* --- areas --------------------------------------------------------------------------------------------- */
struct cell {
    unsigned all, judged, by[GPUP_STANDS_UNJUDGED + 1], inapplicable;
};

static struct cell cell_of(const struct gpup_report *r, const char *area, int level) {
    struct cell c = {0};
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (!r->selected[i] || (area && strcmp(gpup_rules[i].area, area) != 0) ||
            (level >= 0 && gpup_rules[i].level != level))
            continue;
        c.all++;
        c.by[gpup_report_standing(r, i)]++;
        c.inapplicable += r->rules[i].verdict == GPUP_NOT_APPLICABLE;
    }
    return c;
}

/* The worst that is in it gives the colour, what was not judged its strength. */
static const char *heat(const struct cell *c) {
    unsigned open = c->by[GPUP_STANDS_UNJUDGED] - c->inapplicable;
    if (c->by[GPUP_STANDS_FAILED])
        return c->by[GPUP_STANDS_FAILED] * 4 >= c->all ? "failed most" : "failed";
    if (c->by[GPUP_STANDS_NOTED])
        return "noted";
    if (c->by[GPUP_STANDS_EXPECTED])
        return "expected";
    if (!c->by[GPUP_STANDS_PASSED])
        return "unjudged";
    return open * 2 > c->all ? "passed little" : open ? "passed some" : "passed";
}

static void write_cell(FILE *out, const struct cell *c, const char *area, const char *level) {
    static const char *const words[] = {"passed", "failed", "found, not counted", "excused", "not judged"};
    if (c->all == c->inapplicable) {
        fputs(c->all ? "<td class=\"none\">n/a</td>" : "<td></td>", out);
        return;
    }
    fprintf(out, "<td class=\"%s\"><a href=\"#rules\" data-area=\"%s\" data-level=\"%s\" title=\"", heat(c),
            area, level);
    const char *separator = "";
    for (unsigned k = 0; k <= GPUP_STANDS_UNJUDGED; k++)
        if (c->by[k]) {
            fprintf(out, "%s%u %s", separator, c->by[k], words[k]);
            separator = ", ";
        }
    if (c->inapplicable)
        fprintf(out, " (%u not applicable)", c->inapplicable);
    fprintf(out, "\">%u<small>/%u</small>", c->by[GPUP_STANDS_PASSED], c->all - c->inapplicable);
    if (c->by[GPUP_STANDS_FAILED])
        fprintf(out, " <b>%u&#x2717;</b>", c->by[GPUP_STANDS_FAILED]);
    fputs("</a></td>", out);
}

static void write_row(struct page *p, const char *area) {
    fprintf(p->out, "<tr><th scope=\"row\">%s</th>", area ? area : "all");
    for (int level = 0; level <= GPUP_LEVEL_ASSUMED; level++) {
        struct cell c = cell_of(p->report, area, level);
        write_cell(p->out, &c, area ? area : "", gpup_level_name((unsigned)level));
    }
    struct cell c = cell_of(p->report, area, -1);
    write_cell(p->out, &c, area ? area : "", "");
    fputs("</tr>", p->out);
}

void part_areas(struct page *p) {
    fputs("<p>Rules that passed, of those that apply. Choose a cell to see its rules.</p>"
          "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Areas by level\"><table "
          "class=\"heat\"><thead>"
          "<tr><th scope=\"col\">area</th>",
          p->out);
    for (unsigned level = 0; level <= GPUP_LEVEL_ASSUMED; level++)
        fprintf(p->out, "<th scope=\"col\">%s</th>", gpup_level_name(level));
    fputs("<th scope=\"col\">all</th></tr></thead><tbody>", p->out);
    unsigned unused[GPUP_VERDICTS];
    for (unsigned i = 0; i < gpup_spec_counts.rules; i = count_next_area(i))
        if (count_area(p->report, gpup_rules[i].area, unused))
            write_row(p, gpup_rules[i].area);
    write_row(p, NULL);
    fputs("</tbody></table></div><p class=\"key\"><span class=\"passed\">all passed</span> <span "
          "class=\"passed some\">"
          "some not judged</span> <span class=\"passed little\">most not judged</span> <span "
          "class=\"noted\">found, not "
          "counted</span> <span class=\"expected\">excused</span> <span class=\"failed\">failed</span> <span "
          "class=\"unjudged\">none judged</span></p>",
          p->out);
}

/* --- findings ------------------------------------------------------------------------------------------ */
static void write_finding(struct page *p, unsigned i) {
    const struct gpup_rule_summary *s = &p->report->rules[i];
    fprintf(p->out, "<li class=\"%s\"><b class=\"v\">%s</b> ", verdict_class(p, i),
            gpup_report_verdict_name(p->report, i));
    put_rule(p->out, i);
    fputs(" ", p->out);
    put(p->out, gpup_rules[i].sentence);
    if (s->first) {
        fputs("<br><span class=\"seen\">Seen: ", p->out);
        put(p->out, s->first->text);
        fputs(", in ", p->out);
        put_where(p->out, s);
        put_lines(p->out, s->first->where);
        fputs("</span>", p->out);
    }
    fputs("</li>", p->out);
}

static unsigned write_standing(struct page *p, enum gpup_standing standing, const char *title) {
    unsigned count = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (!p->report->selected[i] || gpup_report_standing(p->report, i) != standing)
            continue;
        if (!count++)
            fprintf(p->out, "<h3>%s</h3><ul class=\"found\">", title);
        write_finding(p, i);
    }
    fputs(count ? "</ul>" : "", p->out);
    return count;
}

static unsigned write_ended(struct page *p) {
    const struct gpup_results *all = p->report->results;
    unsigned count = 0;
    for (size_t i = 0; i < all->program_count; i++) {
        const struct gpup_program_result *program = &all->programs[i];
        if (!program->done || program->outcome <= GPUP_SKIPPED)
            continue;
        if (!count++)
            fputs("<h3>Programs that did not end well</h3><ul class=\"found\">", p->out);
        fprintf(p->out, "<li class=\"%s\"><b class=\"v\">%s</b> <a href=\"#",
                standing_name(gpup_report_program_standing(p->report, program)),
                gpup_outcome_name(program->outcome));
        put_program_id(p->out, program->name);
        fputs("\">", p->out);
        text_put_short(p->out, TEXT_XML, program->name, 120);
        fputs("</a>: ", p->out);
        text_put_short(p->out, TEXT_XML, program->why, 400);
        fputs("</li>", p->out);
    }
    fputs(count ? "</ul>" : "", p->out);
    return count;
}

static unsigned write_stale(struct page *p) {
    const struct gpup_report *r = p->report;
    unsigned count = 0;
    for (size_t i = 0; r->expectations && i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        if (!gpup_entry_stale(r->states[i]))
            continue;
        if (!count++)
            fputs("<h3>Stale expectations</h3><ul class=\"found\">", p->out);
        fputs("<li class=\"failed\"><b class=\"v\">STALE</b> ", p->out);
        put_rule(p->out, e->rule);
        fprintf(p->out, " %s, line %u of ", gpup_expect_kind_name(e->kind), e->line);
        put(p->out, r->expectations->path);
        fputs(": ", p->out);
        put(p->out, gpup_entry_words(r->states[i]));
        fputs("</li>", p->out);
    }
    fputs(count ? "</ul>" : "", p->out);
    return count;
}

void part_findings(struct page *p) {
    unsigned count = write_standing(p, GPUP_STANDS_FAILED, "Failed");
    count += write_ended(p);
    count += write_stale(p);
    count +=
        write_standing(p, GPUP_STANDS_EXPECTED, "Excused by expectations: they failed, and do not decide");
    count += write_standing(p, GPUP_STANDS_NOTED, "Found, and does not count");
    if (!count)
        fputs("<p>Nothing.</p>", p->out);
}

void part_about(struct page *p) {
    const struct gpup_results *all = p->report->results;
    fputs("<p>Made from the journal and the traces of the run by ", p->out);
    put(p->out, *all->tool ? all->tool : "gpup-cts");
    fprintf(p->out, "; specification <code>%s</code>, ", gpup_spec_version());
    if (all->seeded)
        fprintf(p->out, "seed %llu, ", (unsigned long long)all->seed);
    fputs("run on ", p->out);
    put(p->out, *all->system ? all->system : "an unknown system");
    fputs(
        ". Verdicts and levels are explained in <code>README.md</code>; the same results for machines are in "
        "<code>results.json</code>. Keys: <kbd>/</kbd> goes to the filter, <kbd>Esc</kbd> clears it.</p>",
        p->out);
}
