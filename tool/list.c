#include "tool.h"

#include <gpup/scenarios.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *rule(unsigned i) {
    const struct gpup_rule *r = &gpup_rules[i];
    json_t *sources = json_array();
    for (unsigned k = 0; k < r->source_count; k++) {
        const struct gpup_source *s = &gpup_sources[r->sources[k]];
        json_array_append_new(sources,
                              json_pack("{s:s, s:s, s:s}", "id", s->id, "title", s->title, "date", s->date));
    }
    bool judged = r->monitor != GPUP_SPEC_NONE;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:b, s:s, s:s, s:s}", "id", r->id, "area", r->area,
                     "level", gpup_level_name(r->level), "basis", gpup_basis_name(r->basis), "subject",
                     gpup_subject_name(r->subject), "source", sources, "where", r->where, "judged", judged,
                     "monitor", judged ? gpup_monitors[r->monitor] : "", "beyond", r->beyond, "sentence",
                     r->sentence);
}

static json_t *scenario(unsigned i) {
    const struct gpup_scenario *s = &gpup_scenarios[i];
    return json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", s->name, "area", s->area, "title", s->title, "smoke",
                     s->smoke, "negative", s->negative);
}

static json_t *ddi(unsigned i) {
    const struct gpup_ddi *d = &gpup_ddis[i];
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "id", d->name, "table", gpup_table_name(d->table),
                     "offset", (int)d->offset, "since", d->since, "gate", gpup_gate_name(d->gate), "source",
                     gpup_sources[d->source].id);
}

static json_t *defect(unsigned i) {
    const struct gpup_defect *d = &gpup_defects[i];
    json_t *rules = json_array();
    for (unsigned k = 0; k < d->rule_count; k++)
        json_array_append_new(rules, json_string(gpup_rule_id(d->rules[k])));
    return json_pack("{s:s, s:s, s:b, s:s, s:o}", "id", d->id, "area", d->area, "built", d->built, "sentence",
                     d->sentence, "rules", rules);
}

/* One line of the plain form: the members a person looks for first. */
static void print_line(const json_t *item, const char *const *members) {
    for (; *members; members++) {
        const json_t *value = json_object_get(item, *members);
        if (json_is_boolean(value))
            printf("%-11s", json_is_true(value) ? *members : "-");
        else if (json_is_string(value))
            printf(members[1] ? "%-14s " : "%s", json_string_value(value));
    }
    putchar('\n');
}

static const struct kind {
    const char *name;
    json_t *(*item)(unsigned);
    const char *members[7];
} kinds[] = {{"rules", rule, {"id", "level", "basis", "subject", "judged", "sentence", NULL}},
             {"scenarios", scenario, {"id", "area", "title", NULL}},
             {"ddis", ddi, {"id", "since", "gate", "table", NULL}},
             {"defects", defect, {"id", "area", "built", "sentence", NULL}}};

static size_t length(const struct kind *k) {
    size_t lengths[] = {gpup_spec_counts.rules, gpup_scenario_count, gpup_spec_counts.ddis,
                        gpup_spec_counts.defects};
    return lengths[k - kinds];
}

int command_list(const struct options *o) {
    if (o->word_count && strcmp(o->words[0], "imports") == 0)
        return list_imports(o);
    if (o->word_count && strcmp(o->words[0], "blocks") == 0)
        return list_blocks(o);
    const struct kind *k = NULL;
    for (size_t i = 0; o->word_count == 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, o->words[0]) == 0)
            k = &kinds[i];
    if (!k)
        return usage_error(
            "list: expected rules, scenarios, ddis, defects, imports FILE or blocks FILE, found '%s'",
            o->word_count ? o->words[0] : "");
    json_t *all = json_array();
    for (unsigned i = 0; i < length(k); i++)
        json_array_append_new(all, k->item(i));
    if (o->json) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    for (size_t i = 0; !o->json && i < json_array_size(all); i++)
        print_line(json_array_get(all, i), k->members);
    json_decref(all);
    return 0;
}
