/* A package of another specification: what has changed since, and what that does to its verdicts. */
#include "other_spec.h"

#include "../text.h"
#include "rejudge.h"

#include <stdlib.h>
#include <string.h>

json_t *other_spec(const struct gpup_package *package) {
    const struct gpup_member *m = gpup_package_find(package, RULES);
    char message[512];
    size_t size = 0;
    uint8_t *text = m ? gpup_package_unpack(m, &size, message, sizeof message) : NULL;
    json_t *root = text ? json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    free(text);
    const char *spec = json_string_value(json_object_get(root, "spec"));
    if (spec && strcmp(spec, gpup_spec_version()) != 0)
        return root;
    json_decref(root);
    return NULL;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static json_t *find(json_t *list, const char *id) {
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) if (strcmp(text_of(entry, "id"), id) == 0) return entry;
    return NULL;
}

static void changed(FILE *out, const char *id, const char *what, const char *before, const char *after) {
    if (strcmp(before, after) == 0)
        return;
    fprintf(out, "  changed  %s %s: ", id, what);
    text_put(out, TEXT_PLAIN, before);
    fputs(" -> ", out);
    text_put(out, TEXT_PLAIN, after);
    fputc('\n', out);
}

static void print_rules(json_t *list, FILE *out) {
    size_t k;
    json_t *entry;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule *r = &gpup_rules[i];
        entry = find(list, r->id);
        if (!entry) {
            fprintf(out, "  new      %s\n", r->id);
            continue;
        }
        changed(out, r->id, "level", text_of(entry, "level"), gpup_level_name(r->level));
        changed(out, r->id, "basis", text_of(entry, "basis"), gpup_basis_name(r->basis));
        changed(out, r->id, "subject", text_of(entry, "subject"), gpup_subject_name(r->subject));
        changed(out, r->id, "sentence", text_of(entry, "sentence"), r->sentence);
        changed(out, r->id, "judged", json_is_true(json_object_get(entry, "judged")) ? "yes" : "no",
                r->monitor != GPUP_SPEC_NONE ? "yes" : "no");
    }
    json_array_foreach(list, k, entry) if (gpup_rule_find(text_of(entry, "id")) == GPUP_SPEC_NONE) {
        fputs("  gone     ", out);
        text_put(out, TEXT_PLAIN, text_of(entry, "id"));
        fputc('\n', out);
    }
}

/* Traces number the DDIs: another order would be read as other calls. */
static bool readable(json_t *ddis) {
    size_t i, count = json_array_size(ddis);
    json_t *name;
    json_array_foreach(ddis, i,
                       name) if (i >= gpup_spec_counts.ddis || !json_is_string(name) ||
                                 strcmp(json_string_value(name), gpup_ddis[i].name) != 0) return false;
    return count != 0;
}

static bool judge_all(const struct gpup_package *package, struct gpup_results *all, FILE *out) {
    static const char end[] = ".trace.zst";
    all->programs = calloc(package->count + 1, sizeof *all->programs);
    for (size_t i = 0; all->programs && i < package->count; i++) {
        const struct gpup_member *m = &package->members[i];
        char spec[32], message[512];
        size_t size, length = strlen(m->name);
        if (strncmp(m->name, TRACES, strlen(TRACES)) != 0 || length < sizeof end)
            continue;
        uint8_t *trace = gpup_package_unpack(m, &size, message, sizeof message);
        struct gpup_program_result *p = &all->programs[all->program_count];
        bool ok = trace && gpup_trace_judge(trace, size, NULL, p, spec, message, sizeof message) == 0;
        all->program_count += trace != NULL;
        if (ok)
            p->name = strdup(m->name);
        else
            fprintf(out, "  %s: %s\n", m->name, message);
        free(trace);
        if (!ok)
            return false;
    }
    return all->programs;
}

static bool print_verdicts(const struct gpup_package *package, FILE *out) {
    const struct gpup_member *m = gpup_package_find(package, "results.json");
    json_t *root = m ? json_loadb((const char *)m->bytes, m->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    struct gpup_rule_summary *rows = calloc(gpup_spec_counts.rules, sizeof *rows);
    struct gpup_results all = {0};
    bool ok = root && rows && judge_all(package, &all, out);
    if (ok)
        gpup_results_summarise(&all, rows);
    for (unsigned i = 0; ok && i < gpup_spec_counts.rules; i++) {
        json_t *entry = find(json_object_get(root, "rules"), gpup_rules[i].id);
        if (entry)
            changed(out, gpup_rules[i].id, "verdict", text_of(entry, "verdict"),
                    gpup_verdict_name(rows[i].verdict));
    }
    gpup_results_free(&all);
    free(rows);
    json_decref(root);
    return ok;
}

int other_spec_print(const struct gpup_package *package, json_t *rules, FILE *out) {
    fputs("  made with the specification ", out);
    text_put(out, TEXT_PLAIN, text_of(rules, "spec"));
    fprintf(out, "; this tool has %s:\n", gpup_spec_version());
    print_rules(json_object_get(rules, "rules"), out);
    if (readable(json_object_get(rules, "ddis")))
        return print_verdicts(package, out) ? 4 : 1;
    fputs("  the traces number other DDIs: they can only be judged again by the tool that wrote them\n", out);
    return 4;
}
