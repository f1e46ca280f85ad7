/* What was not tested and why, and what has changed since an earlier run. */
#include "html.h"

#include <gpup/compare.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool is_open(const struct gpup_report *r, unsigned i, unsigned reason) {
    return r->selected[i] && gpup_report_standing(r, i) == GPUP_STANDS_UNJUDGED &&
           r->rules[i].reason == reason;
}

static const char *explain(unsigned reason) {
    switch (reason) {
    case GPUP_REASON_NOT_ADVERTISED:
        return "Not applicable: the implementation does not advertise what the rule is about.";
    case GPUP_REASON_NO_OBSERVER:
        return "Not observable: the rule needs state that the calls do not return, and no observer was there "
               "to "
               "read it.";
    case GPUP_REASON_NO_PROGRAM:
        return "Not exercised: no program of this run led there. Another profile, or the whole run, may.";
    case GPUP_REASON_NO_MONITOR:
        return "In the catalogue, and nothing judges it yet.";
    case GPUP_REASON_BEYOND:
        return "Beyond a black box: no test from outside can judge it.";
    default:
        return "Excused, or without a reason.";
    }
}

static void entry(struct page *p, unsigned i, unsigned reason) {
    const struct gpup_rule *g = &gpup_rules[i];
    fputs("<li>", p->out);
    put_rule(p->out, i);
    fprintf(p->out, " <small>%s</small> ", gpup_level_name(g->level));
    if (reason == GPUP_REASON_NO_OBSERVER) {
        fputs("needs", p->out);
        for (unsigned k = 0; k < GPUP_OBSERVER_COUNT; k++)
            if (p->report->rules[i].detail >> k & 1)
                fprintf(p->out, " <code>%s</code>", gpup_observer_name(1u << k));
    } else {
        put(p->out, reason == GPUP_REASON_BEYOND ? g->beyond : g->sentence);
    }
    fputs("</li>", p->out);
}

static unsigned reason_list(struct page *p, unsigned reason) {
    unsigned count = 0, required = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (is_open(p->report, i, reason)) {
            count++;
            required += gpup_report_required(p->report, i);
        }
    if (!count)
        return 0;
    fprintf(p->out, "<details><summary><b>%u</b> %s <small>%u of them required</small></summary><ul>", count,
            explain(reason), required);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (is_open(p->report, i, reason))
            entry(p, i, reason);
    fputs("</ul></details>", p->out);
    return count;
}

static unsigned skipped_programs(struct page *p) {
    const struct gpup_results *all = p->report->results;
    unsigned count = 0;
    for (size_t i = 0; i < all->program_count; i++)
        count += all->programs[i].done && all->programs[i].outcome == GPUP_SKIPPED;
    if (!count)
        return 0;
    fprintf(p->out, "<details><summary><b>%u</b> programs were skipped</summary><ul>", count);
    for (size_t i = 0; i < all->program_count; i++) {
        const struct gpup_program_result *program = &all->programs[i];
        if (!program->done || program->outcome != GPUP_SKIPPED)
            continue;
        fputs("<li><code>", p->out);
        text_put_short(p->out, TEXT_XML, program->name, 200);
        fputs("</code>: ", p->out);
        put(p->out, program->why);
        fputs("</li>", p->out);
    }
    fputs("</ul></details>", p->out);
    return count;
}

void part_gaps(struct page *p) {
    static const uint8_t order[] = {GPUP_REASON_NO_OBSERVER, GPUP_REASON_NO_PROGRAM,
                                    GPUP_REASON_NO_MONITOR,  GPUP_REASON_NOT_ADVERTISED,
                                    GPUP_REASON_BEYOND,      GPUP_REASON_NONE};
    const struct gpup_report *r = p->report;
    unsigned count = 0;
    if (gpup_report_missing(r)) {
        count++;
        fprintf(p->out, "<p class=\"failed\">%u of %u programs have no result.</p>", gpup_report_missing(r),
                r->results->planned);
    }
    if (*r->results->select)
        fputs("<p>Only what was selected is in this page.</p>", p->out);
    for (size_t k = 0; k < sizeof order; k++)
        count += reason_list(p, order[k]);
    count += skipped_programs(p);
    if (!count)
        fputs("<p>Every rule was judged.</p>", p->out);
}

/* --- the last run -------------------------------------------------------------------------------------- */
static json_t *results_now(const struct gpup_report *r) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool ok = out && gpup_write_json(r, out);
    if (out)
        ok = fclose(out) == 0 && ok;
    json_t *root = ok ? json_loadb(text, size, 0, NULL) : NULL;
    free(text);
    return root;
}

static void difference(FILE *out, const json_t *entry) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *before = json_string_value(json_object_get(entry, "old"));
    const char *after = json_string_value(json_object_get(entry, "new"));
    uint16_t rule = name ? gpup_rule_find(name) : GPUP_SPEC_NONE;
    fputs("<li>", out);
    if (rule != GPUP_SPEC_NONE)
        put_rule(out, rule);
    else
        text_put_short(out, TEXT_XML, name, 200);
    fputs(": ", out);
    text_put_short(out, TEXT_XML, before, 400);
    fputs(" &#x2192; ", out);
    text_put_short(out, TEXT_XML, after, 400);
    fputs("</li>", out);
}

static unsigned differences(FILE *out, const json_t *comparison, const char *part, const char *title,
                            const char *class) {
    json_t *list = json_object_get(comparison, part), *one;
    size_t i;
    if (!json_array_size(list))
        return 0;
    bool folded = strcmp(part, "regressions") != 0 && strcmp(part, "fixes") != 0;
    fprintf(out,
            folded ? "<details class=\"%s\"><summary>%s: %zu</summary><ul>"
                   : "<h3 class=\"%s\">%s: %zu</h3><ul>",
            class, title, json_array_size(list));
    json_array_foreach(list, i, one) difference(out, one);
    fputs(folded ? "</ul></details>" : "</ul>", out);
    return (unsigned)json_array_size(list);
}

void part_compare(struct page *p) {
    static const char *const parts[][3] = {
        {"regressions", "Worse", "failed"}, {"fixes", "Fixed", "passed"},
        {"changed", "Changed", "noted"},    {"new", "New", "unjudged"},
        {"missing", "Gone", "unjudged"},    {"renamed", "Renamed", "unjudged"}};
    const struct gpup_report *r = p->report;
    unsigned count = 0;
    if (!r->last) {
        fputs("<p>No earlier results: there were none in the directory of this run, and no "
              "<code>--baseline</code>.</p>",
              p->out);
        return;
    }
    json_t *before = json_loads(r->last, 0, NULL), *now = results_now(r);
    json_t *comparison = before && now ? gpup_compare(before, now) : NULL;
    for (size_t i = 0; comparison && i < sizeof parts / sizeof *parts; i++)
        count += differences(p->out, comparison, parts[i][0], parts[i][1], parts[i][2]);
    if (!comparison)
        fputs("<p>The earlier results cannot be used.</p>", p->out);
    else if (!count)
        fputs("<p>Nothing has changed.</p>", p->out);
    json_decref(comparison);
    json_decref(before);
    json_decref(now);
}
