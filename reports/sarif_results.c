/* Findings as SARIF results. */
#include "sarif.h"

#include <gpup/scenarios.h>

#include <stdlib.h>
#include <string.h>

#define PLACES 16u /* of one finding in other programs and steps */

json_t *sarif_message(const char *text) {
    json_t *value = text_json(text);
    return value ? json_pack("{s:o}", "text", value) : NULL;
}

/* A line of its file for a bundled program; its name and step for every one. */
json_t *sarif_location(const char *program, uint32_t step) {
    const struct gpup_scenario *s = gpup_scenario_find(program);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    text_put(out, TEXT_PLAIN, program);
    if (step != GPUP_NO_STEP)
        fprintf(out, ", step %u", step + 1);
    if (fclose(out) != 0)
        return free(text), NULL;
    json_t *place =
        json_pack("{s:[{s:s, s:s}]}", "logicalLocations", "fullyQualifiedName", text, "kind", "function");
    free(text);
    if (place && s) {
        char uri[256];
        snprintf(uri, sizeof uri, "conformance/%s.yaml", s->name);
        json_t *region = step < s->steps ? json_pack("{s:i}", "startLine", s->lines[step]) : NULL;
        json_object_set_new(place, "physicalLocation",
                            json_pack("{s:{s:s, s:s}, s:o*}", "artifactLocation", "uri", uri, "uriBaseId",
                                      SARIF_ROOT, "region", region));
    }
    return place;
}

/* The same step of one program may find it several times; it is told once. */
static json_t *locations(const struct found *rows, size_t count) {
    json_t *list = json_array();
    for (size_t i = 1; list && i < count && json_array_size(list) < PLACES; i++)
        if (strcmp(rows[i].program, rows[i - 1].program) != 0 ||
            rows[i].finding->step != rows[i - 1].finding->step)
            json_array_append_new(list, sarif_location(rows[i].program, rows[i].finding->step));
    if (json_array_size(list))
        return list;
    json_decref(list);
    return NULL;
}

/* An expectation hides nothing: the result stands there, suppressed, with its reason. */
static json_t *suppressions(const struct gpup_report *r, const struct found *row) {
    int entry = r->expected[row->finding->rule] ? gpup_report_entry(r, row->program, row->finding) : -1;
    if (entry < 0)
        return NULL;
    return json_pack("[{s:s, s:s, s:o}]", "kind", "external", "status", "accepted", "justification",
                     text_json(r->words[entry]));
}

static json_t *properties(const struct gpup_report *r, const struct found *row) {
    static const char *const classes[] = {"legal", "stated", "robustness", "policy"};
    const struct gpup_finding *f = row->finding;
    char *again = gpup_report_replay(r, "gpup-cts", row->program);
    json_t *value = json_pack(
        "{s:s, s:s, s:b, s:o, s:s*, s:i, s:I, s:s*}", "verdict", gpup_verdict_name(f->verdict), "class",
        classes[f->class % GPUP_CLASSES], "counts", gpup_report_standing(r, f->rule) == GPUP_STANDS_FAILED,
        "program", text_json(row->program), "ddi", f->ddi == GPUP_SPEC_NONE ? NULL : gpup_ddi_name(f->ddi),
        "host", (int)f->host, "event", (json_int_t)f->event, "replay", again);
    free(again);
    return value;
}

/* Where in the implementation; NULL: not known. */
static json_t *stacks(const struct gpup_finding *f) {
    json_t *lines = text_json_lines(f->where), *frames = lines ? json_array() : NULL, *line;
    size_t i;
    json_array_foreach(lines, i, line)
        json_array_append_new(frames, json_pack("{s:{s:{s:O}}}", "location", "message", "text", line));
    json_decref(lines);
    return frames ? json_pack("[{s:o}]", "frames", frames) : NULL;
}

/* The worst of equal findings gives the level. */
static const char *level_of(const struct found *rows, size_t count) {
    uint8_t worst = GPUP_POLICY_FINDING;
    for (size_t i = 0; i < count; i++)
        if (rows[i].finding->verdict < worst)
            worst = rows[i].finding->verdict;
    return worst == GPUP_FAIL ? "error" : worst == GPUP_WARN ? "warning" : "note";
}

static json_t *one_result(const struct gpup_report *r, const struct found *rows, size_t count) {
    char fingerprint[FINGERPRINT_SIZE];
    const struct gpup_finding *f = rows->finding;
    finding_fingerprint(f, fingerprint);
    const char *state = !r->baseline ? NULL : baseline_find(r->baseline, fingerprint) ? "unchanged" : "new";
    return json_pack("{s:s, s:I, s:s, s:s, s:o, s:[o], s:o*, s:I, s:{s:s}, s:s*, s:o*, s:o*, s:o}", "ruleId",
                     gpup_rule_id(f->rule), "ruleIndex", sarif_rule_index(r, f->rule), "kind", "fail",
                     "level", level_of(rows, count), "message", sarif_message(f->text), "locations",
                     sarif_location(rows->program, f->step), "relatedLocations", locations(rows, count),
                     "occurrenceCount", (json_int_t)count, "partialFingerprints", "gpupFinding/v1",
                     fingerprint, "baselineState", state, "suppressions", suppressions(r, rows), "stacks",
                     stacks(f), "properties", properties(r, rows));
}

static json_t *gone(const struct baseline_entry *entry) {
    return json_pack("{s:s, s:s, s:o, s:{s:s}, s:s}", "ruleId", entry->rule, "kind", "fail", "message",
                     sarif_message(entry->text), "partialFingerprints", "gpupFinding/v1", entry->fingerprint,
                     "baselineState", "absent");
}

static bool found_again(const struct found *rows, size_t count, const char *fingerprint) {
    char now[FINGERPRINT_SIZE];
    for (size_t i = 0; i < count; i += findings_equal(rows + i, count - i)) {
        finding_fingerprint(rows[i].finding, now);
        if (strcmp(now, fingerprint) == 0)
            return true;
    }
    return false;
}

json_t *sarif_results(const struct gpup_report *r) {
    struct found *rows = NULL;
    size_t count = 0;
    json_t *results = json_array();
    bool ok = findings_collect(r, &rows, &count) && results;
    for (size_t i = 0; ok && i < count; i += findings_equal(rows + i, count - i))
        ok =
            json_array_append_new(results, one_result(r, rows + i, findings_equal(rows + i, count - i))) == 0;
    for (size_t i = 0; ok && i < baseline_count(r->baseline); i++) {
        const struct baseline_entry *entry = baseline_at(r->baseline, i);
        if (!found_again(rows, count, entry->fingerprint))
            ok = json_array_append_new(results, gone(entry)) == 0;
    }
    free(rows);
    if (ok)
        return results;
    json_decref(results);
    return NULL;
}
