/* results.json: everything but timing, so that equal runs give equal bytes. */
#include "text.h"

#include <gpup/reports.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What excuses a rule, in words; its verdict stays what the judge said. */
static json_t *pack_excuse(const struct gpup_report *r, unsigned i) {
    const char *words = gpup_report_excuse(r, i);
    if (!words)
        return json_null();
    const struct gpup_expectation *e = &r->expectations->entries[r->entry[i]];
    return json_pack("{s:s, s:o, s:s, s:s}", "kind", gpup_expect_kind_name(e->kind), "reason",
                     text_json(e->reason), "until", e->until, "shown", words);
}

static json_t *pack_rule(const struct gpup_report *r, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    const struct gpup_rule_summary *s = &r->rules[i];
    json_t *sources = json_array(), *observers = json_array();
    for (unsigned k = 0; k < g->source_count; k++)
        json_array_append_new(sources, json_string(gpup_sources[g->sources[k]].id));
    for (unsigned k = 0; k < GPUP_OBSERVER_COUNT; k++)
        if (s->verdict == GPUP_NOT_OBSERVABLE && (s->detail >> k & 1))
            json_array_append_new(observers, json_string(gpup_observer_name(1u << k)));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:o, s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "id", g->id,
        "sentence", g->sentence, "area", g->area, "level", gpup_level_name(g->level), "basis",
        gpup_basis_name(g->basis), "subject", gpup_subject_name(g->subject), "sources", sources, "required",
        gpup_report_required(r, i), "expected", r->expected[i], "expectation", pack_excuse(r, i), "shown",
        gpup_report_verdict_name(r, i), "verdict", gpup_verdict_name(s->verdict), "reason",
        gpup_reason_name(s->reason), "missing_observers", observers, "checks", (json_int_t)s->checks,
        "violations", (json_int_t)s->violations, "programs", (json_int_t)s->programs);
}

static json_t *step_number(uint32_t step) {
    return step == GPUP_NO_STEP ? json_null() : json_integer((json_int_t)step + 1);
}

static json_t *vf_number(uint32_t vf) {
    return vf == GPUP_PF ? json_null() : json_integer((json_int_t)vf);
}

static json_t *pack_finding(const struct gpup_finding *f) {
    static const char *const classes[] = {"legal", "stated", "robustness", "policy"};
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:o, s:o, s:I, s:I, s:o, s:o*}", "rule",
                     gpup_rule_id(f->rule), "verdict", gpup_verdict_name(f->verdict), "ddi",
                     f->ddi == GPUP_SPEC_NONE ? json_null() : json_string(gpup_ddi_name(f->ddi)), "class",
                     classes[f->class % GPUP_CLASSES], "host", (int)f->host, "vf", vf_number(f->vf), "step",
                     step_number(f->step), "event", (json_int_t)f->event, "key", (json_int_t)f->key, "text",
                     text_json(f->text), "where", text_json_lines(f->where));
}

static json_t *pack_program(const struct gpup_program_result *p) {
    json_t *findings = json_array();
    char hash[17], source[17];
    snprintf(source, sizeof source, "%016llx", (unsigned long long)p->source_hash);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)p->trace_hash);
    for (size_t i = 0; i < p->finding_count; i++)
        json_array_append_new(findings, pack_finding(&p->findings[i]));
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:o}", "name", text_json(p->name),
                     "source", source, "outcome", gpup_outcome_name(p->outcome), "why",
                     p->why ? text_json(p->why) : json_null(), "ddi",
                     p->ddi == GPUP_SPEC_NONE ? json_null() : json_string(gpup_ddi_name(p->ddi)), "last_step",
                     step_number(p->step), "trace", hash, "events", (json_int_t)p->events, "calls",
                     (json_int_t)p->calls, "findings", findings);
}

/* The documents that the rules cite. */
static bool cited(const struct gpup_report *r, uint16_t source) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        for (unsigned k = 0; r->selected[i] && k < gpup_rules[i].source_count; k++)
            if (gpup_rules[i].sources[k] == source)
                return true;
    return false;
}

static json_t *pack_sources(const struct gpup_report *r) {
    json_t *sources = json_array();
    for (uint16_t i = 0; i < gpup_spec_counts.sources; i++) {
        const struct gpup_source *s = &gpup_sources[i];
        if (cited(r, i))
            json_array_append_new(sources, json_pack("{s:s, s:s, s:s, s:s*}", "id", s->id, "title", s->title,
                                                     "date", s->date, "url", *s->url ? s->url : NULL));
    }
    return sources;
}

bool gpup_write_json(const struct gpup_report *r, FILE *out) {
    const struct gpup_results *all = r->results;
    json_t *rules = json_array(), *programs = json_array();
    int status = gpup_report_exit_status(r);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->selected[i])
            json_array_append_new(rules, pack_rule(r, i));
    for (size_t i = 0; i < all->program_count; i++)
        if (all->programs[i].done)
            json_array_append_new(programs, pack_program(&all->programs[i]));
    json_t *root = json_pack(
        "{s:i, s:s, s:{s:o, s:o}, s:o, s:o, s:o, s:b, s:i, s:s, s:o, s:o, s:o, s:i, s:s*}", "format", 1,
        "spec", gpup_spec_version(), "implementation", "name", text_json(all->implementation), "hash",
        text_json(all->implementation_hash), "profile", text_json(all->profile), "select",
        text_json(all->select), "seed", all->seeded ? json_integer((json_int_t)all->seed) : json_null(),
        "strict", r->strict, "status", status, "meaning", gpup_report_meaning(r), "rules", rules, "programs",
        programs, "sources", pack_sources(r), "missing_programs", (int)gpup_report_missing(r), "files",
        all->files[0] ? all->files : NULL);
    bool ok = root && json_dumpf(root, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok;
}
