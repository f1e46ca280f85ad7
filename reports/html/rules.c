/* A card per rule: what it says, who says so, what was seen, and why its monitor can be believed. */
#include "../count.h"
#include "html.h"

#include <string.h>

#define SHOWN_PROGRAMS 8u

static void option(FILE *out, const char *value) {
    fprintf(out, "<option>%s</option>", value);
}

static bool shown_before(const struct page *p, unsigned rule) {
    for (unsigned i = 0; i < rule; i++)
        if (p->report->selected[i] &&
            strcmp(gpup_report_verdict_name(p->report, i), gpup_report_verdict_name(p->report, rule)) == 0)
            return true;
    return false;
}

void part_filter(struct page *p) {
    FILE *out = p->out;
    unsigned unused[GPUP_VERDICTS];
    fputs("<form id=\"filter\" role=\"search\"><label>Text <input id=\"text\" type=\"search\" "
          "placeholder=\"MSIX, "
          "mask, pause ...\" autocomplete=\"off\"></label><label>Area <select id=\"area\"><option "
          "value=\"\">all</option>",
          out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i = count_next_area(i))
        if (count_area(p->report, gpup_rules[i].area, unused))
            option(out, gpup_rules[i].area);
    fputs("</select></label><label>Level <select id=\"level\"><option value=\"\">all</option>", out);
    for (unsigned level = 0; level <= GPUP_LEVEL_ASSUMED; level++)
        option(out, gpup_level_name(level));
    fputs("</select></label><label>Verdict <select id=\"shown\"><option value=\"\">all</option>", out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (p->report->selected[i] && !shown_before(p, i))
            option(out, gpup_report_verdict_name(p->report, i));
    fputs("</select></label><button type=\"reset\">Clear</button> <output id=\"count\" "
          "aria-live=\"polite\"></output>"
          "</form>",
          out);
}

static void sources(FILE *out, const struct gpup_rule *g) {
    fputs("<dt>Source</dt><dd>", out);
    for (unsigned k = 0; k < g->source_count; k++) {
        const struct gpup_source *s = &gpup_sources[g->sources[k]];
        fputs(k ? "; " : "", out);
        put_link(out, s->url, s->title);
        fprintf(out, " <small>(%s, %s)</small>", s->id, s->date);
    }
    if (*g->where) {
        fputs(": ", out);
        put(out, g->where);
    }
    fprintf(out, ". <small>Basis %s, about the %s.</small></dd>", gpup_basis_name(g->basis),
            gpup_subject_name(g->subject));
}

static void seen(struct page *p, unsigned i) {
    const struct gpup_rule_summary *s = &p->report->rules[i];
    if (!s->first)
        return;
    fputs("<dt>Seen</dt><dd class=\"seen\">", p->out);
    put(p->out, s->first->text);
    fputs(", in ", p->out);
    put_where(p->out, s);
    put_lines(p->out, s->first->where);
    fputs("</dd>", p->out);
}

static void missing_observers(FILE *out, uint32_t bits) {
    for (unsigned k = 0; k < GPUP_OBSERVER_COUNT; k++)
        if (bits >> k & 1)
            fprintf(out, " <code>%s</code>", gpup_observer_name(1u << k));
}

static void evidence(struct page *p, unsigned i) {
    const struct gpup_rule_summary *s = &p->report->rules[i];
    const struct gpup_rule *g = &gpup_rules[i];
    fprintf(p->out, "<dt>Evidence</dt><dd>%llu checks, %llu violations, in %u programs",
            (unsigned long long)s->checks, (unsigned long long)s->violations, s->programs);
    if (s->verdict >= GPUP_NOT_APPLICABLE)
        fprintf(p->out, ". Not judged: %s", gpup_reason_name(s->reason));
    if (s->verdict == GPUP_NOT_OBSERVABLE)
        missing_observers(p->out, s->detail);
    fputs(".", p->out);
    if (s->reason == GPUP_REASON_BEYOND) {
        fputs(" ", p->out);
        put(p->out, g->beyond);
    }
    if (gpup_report_standing(p->report, i) == GPUP_STANDS_NOTED)
        fprintf(p->out, " It does not decide: %s.", gpup_report_standing_words(p->report, i));
    fputs("</dd>", p->out);
}

/* Programs that judged it. */
static void programs(struct page *p, unsigned i) {
    const struct gpup_results *all = p->report->results;
    unsigned count = 0;
    for (size_t k = 0; k < all->program_count; k++) {
        const struct gpup_program_result *program = &all->programs[k];
        if (!program->done || !program->rules || !program->rules[i].checks)
            continue;
        if (count < SHOWN_PROGRAMS) {
            fputs(count ? ", " : "<dt>Scenarios</dt><dd>", p->out);
            text_put_short(p->out, TEXT_XML, program->name, 80);
        }
        count++;
    }
    if (count > SHOWN_PROGRAMS)
        fprintf(p->out, " and %u more", count - SHOWN_PROGRAMS);
    fputs(count ? "</dd>" : "", p->out);
}

static bool tied(const struct gpup_defect *d, unsigned rule) {
    for (unsigned k = 0; k < d->rule_count; k++)
        if (d->rules[k] == rule)
            return true;
    return false;
}

static void proof(struct page *p, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    unsigned count = 0;
    if (g->monitor == GPUP_SPEC_NONE)
        return;
    fprintf(
        p->out,
        "<dt>Proof</dt><dd>Monitor <code>%s</code>; <code>tests/proofs/%s.proof</code> has a trace that it "
        "passes and edits of it that it fails.",
        gpup_monitors[g->monitor], g->id);
    for (unsigned k = 0; k < gpup_spec_counts.defects; k++) {
        const struct gpup_defect *d = &gpup_defects[k];
        if (!d->built || !tied(d, i))
            continue;
        fprintf(p->out, "%s<abbr title=\"", count++ ? ", " : " Seeded faults that break it: ");
        put(p->out, d->sentence);
        fprintf(p->out, "\">%s</abbr>", d->id);
    }
    fputs(count ? ".</dd>" : "</dd>", p->out);
}

static void excuse(struct page *p, unsigned i) {
    const struct gpup_report *r = p->report;
    if (!gpup_report_excuse(r, i))
        return;
    const struct gpup_expectation *e = &r->expectations->entries[r->entry[i]];
    fprintf(p->out, "<dt>%s</dt><dd>", gpup_expect_verdict_name(e->kind));
    put(p->out, e->reason);
    fprintf(p->out, ". Until %s", e->until);
    if (*e->approver) {
        fputs(", approved by ", p->out);
        put(p->out, e->approver);
    }
    if (*e->link) {
        fputs(", ", p->out);
        put_link(p->out, e->link, e->link);
    }
    if (*e->issue) {
        fputs(", issue ", p->out);
        put(p->out, e->issue);
    }
    fprintf(p->out, ". The judge said %s; it is not passed.</dd>", gpup_verdict_name(r->rules[i].verdict));
}

static void card(struct page *p, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    const char *shown = gpup_report_verdict_name(p->report, i);
    fprintf(p->out,
            "<details class=\"rule %s\" id=\"%s\" data-area=\"%s\" data-level=\"%s\" "
            "data-shown=\"%s\"><summary><b "
            "class=\"v\">%s</b> <span class=\"id\">%s</span> <small>%s</small> <span class=\"says\">",
            verdict_class(p, i), g->id, g->area, gpup_level_name(g->level), shown, shown, g->id,
            gpup_level_name(g->level));
    put(p->out, g->sentence);
    fputs("</span></summary><dl>", p->out);
    seen(p, i);
    excuse(p, i);
    evidence(p, i);
    sources(p->out, g);
    if (*g->note) {
        fputs("<dt>Note</dt><dd>", p->out);
        put(p->out, g->note);
        fputs("</dd>", p->out);
    }
    programs(p, i);
    proof(p, i);
    fputs("</dl></details>\n", p->out);
}

void part_rules(struct page *p) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (p->report->selected[i])
            card(p, i);
}
