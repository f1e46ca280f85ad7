/* Members that follow from the evidence. */
#include "evidence.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool results(const struct evidence *e, const struct gpup_report *report, FILE *out) {
    (void)e;
    return gpup_write_json(report, out);
}

/* The names of the DDIs in the order that traces number them by, so that another specification knows whether
 * it can read them. */
static bool rules(const struct evidence *e, const struct gpup_report *report, FILE *out) {
    json_t *list = json_array(), *ddis = json_array();
    (void)e;
    (void)report;
    for (unsigned i = 0; i < gpup_spec_counts.ddis; i++)
        json_array_append_new(ddis, json_string(gpup_ddis[i].name));
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule *r = &gpup_rules[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "id", r->id, "level",
                                              gpup_level_name(r->level), "basis", gpup_basis_name(r->basis),
                                              "subject", gpup_subject_name(r->subject), "judged",
                                              r->monitor != GPUP_SPEC_NONE, "sentence", r->sentence));
    }
    json_t *root = json_pack("{s:s, s:o, s:o}", "spec", gpup_spec_version(), "ddis", ddis, "rules", list);
    bool ok = root && json_dumpf(root, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok;
}

const struct derived derived_members[] = {{"statement.txt", statement_text},
                                          {"statement.json", statement_json},
                                          {"results.json", results},
                                          {RULES, rules}};
const size_t derived_count = sizeof derived_members / sizeof *derived_members;

char *derived_text(const struct derived *derived, const struct evidence *e, const struct gpup_report *report,
                   size_t *size) {
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    bool ok = out && derived->write(e, report, out);
    if (out && fclose(out) == 0 && ok)
        return text;
    free(text);
    return NULL;
}
