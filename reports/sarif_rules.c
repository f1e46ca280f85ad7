/* The catalogue as SARIF rules: what a rule says, how strongly, and where it is written. */
#include "sarif.h"

#include <stdlib.h>
#include <string.h>

static const char *level_of(unsigned level) {
    return level == GPUP_LEVEL_MUST ? "error" : level == GPUP_LEVEL_SHOULD ? "warning" : "note";
}

static void documents(const struct gpup_rule *g, FILE *out, bool markdown) {
    enum text_form form = markdown ? TEXT_MARKDOWN : TEXT_PLAIN;
    for (unsigned i = 0; i < g->source_count; i++) {
        const struct gpup_source *s = &gpup_sources[g->sources[i]];
        fputs(markdown ? "\n* " : "\n", out);
        if (markdown && *s->url)
            fputc('[', out);
        text_put(out, form, s->title);
        if (markdown && *s->url)
            fprintf(out, "](%s)", s->url);
        fputs(", ", out);
        text_put(out, form, s->date);
        if (!markdown && *s->url)
            fprintf(out, ", %s", s->url);
    }
}

/* What the level and the basis mean, so that a result can be read without the manual. */
static void standing(const struct gpup_rule *g, FILE *out) {
    static const char *const bases[] = {"a document says it", "a public header says it",
                                        "open framework code does it", "inferred from the documents",
                                        "assumed: the documents are silent"};
    fprintf(out, "%s (%s); about the %s.", gpup_level_name(g->level),
            g->basis < sizeof bases / sizeof *bases ? bases[g->basis] : "?", gpup_subject_name(g->subject));
}

static json_t *help(const struct gpup_rule *g, bool markdown) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    enum text_form form = markdown ? TEXT_MARKDOWN : TEXT_PLAIN;
    text_put(out, form, g->sentence);
    fputs("\n\n", out);
    standing(g, out);
    if (*g->where) {
        fputs(" Place: ", out);
        text_put(out, form, g->where);
        fputc('.', out);
    }
    if (*g->note) {
        fputs("\n\n", out);
        text_put(out, form, g->note);
    }
    fputc('\n', out);
    documents(g, out, markdown);
    json_t *value = fclose(out) == 0 ? json_string(text) : NULL;
    free(text);
    return value;
}

static const char *document_of(const struct gpup_rule *g) {
    for (unsigned i = 0; i < g->source_count; i++)
        if (*gpup_sources[g->sources[i]].url)
            return gpup_sources[g->sources[i]].url;
    return NULL;
}

static json_t *one_rule(const struct gpup_report *r, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    const struct gpup_rule_summary *s = &r->rules[i];
    return json_pack(
        "{s:s, s:o, s:o, s:{s:o, s:o}, s:s*, s:{s:s}, s:{s:[s, s], s:s, s:s, s:s, s:s, s:b, s:s, s:s}}", "id",
        g->id, "shortDescription", sarif_message(g->sentence), "fullDescription", sarif_message(g->sentence),
        "help", "text", help(g, false), "markdown", help(g, true), "helpUri", document_of(g),
        "defaultConfiguration", "level", level_of(g->level), "properties", "tags", g->area,
        gpup_level_name(g->level), "area", g->area, "level", gpup_level_name(g->level), "basis",
        gpup_basis_name(g->basis), "subject", gpup_subject_name(g->subject), "required",
        gpup_report_required(r, i), "verdict", gpup_verdict_name(s->verdict), "reason",
        gpup_reason_name(s->reason));
}

json_t *sarif_rules(const struct gpup_report *r) {
    json_t *rules = json_array();
    bool ok = rules != NULL;
    for (unsigned i = 0; ok && i < gpup_spec_counts.rules; i++)
        if (r->selected[i])
            ok = json_array_append_new(rules, one_rule(r, i)) == 0;
    if (ok)
        return rules;
    json_decref(rules);
    return NULL;
}

json_int_t sarif_rule_index(const struct gpup_report *r, unsigned rule) {
    json_int_t index = 0;
    for (unsigned i = 0; i < rule; i++)
        index += r->selected[i];
    return index;
}
