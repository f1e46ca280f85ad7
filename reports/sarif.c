/*
 * results.sarif, SARIF 2.1.0: one run, whose tool is the suite, whose rules are the catalogue and whose
 * results are the findings. How programs ended is told by notifications of the invocation.
 */
#include "sarif.h"

#include <stdlib.h>
#include <string.h>

static json_t *notification(const struct gpup_report *r, const struct gpup_program_result *p) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%s: ", gpup_outcome_name(p->outcome));
    text_put(out, TEXT_PLAIN, p->why);
    json_t *value = fclose(out) == 0
                        ? json_pack("{s:s, s:{s:s}, s:[o]}", "level",
                                    gpup_report_program_standing(r, p) == GPUP_STANDS_FAILED ? "error"
                                    : p->outcome == GPUP_SKIPPED                             ? "note"
                                                                                             : "warning",
                                    "message", "text", text, "locations", sarif_location(p->name, p->step))
                        : NULL;
    free(text);
    return value;
}

static json_t *notifications(const struct gpup_report *r) {
    const struct gpup_results *all = r->results;
    json_t *list = json_array();
    for (size_t i = 0; list && i < all->program_count; i++)
        if (all->programs[i].done && all->programs[i].outcome != GPUP_COMPLETE)
            json_array_append_new(list, notification(r, &all->programs[i]));
    return list;
}

static json_t *invocation(const struct gpup_report *r) {
    int status = gpup_report_exit_status(r);
    return json_pack("{s:b, s:i, s:s, s:o}", "executionSuccessful", status != 2 && status != 3, "exitCode",
                     status, "exitCodeDescription", gpup_report_meaning(r), "toolExecutionNotifications",
                     notifications(r));
}

/* Runs with equal identity are compared with each other: implementation, profile and selection. */
static json_t *identity(const struct gpup_report *r) {
    char *id = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&id, &size);
    if (!out)
        return NULL;
    fputs("gpup-cts/", out);
    text_put(out, TEXT_PLAIN, r->results->implementation);
    fputc('/', out);
    text_put(out, TEXT_PLAIN, r->results->profile);
    fputc('/', out);
    text_put(out, TEXT_PLAIN, r->results->select);
    json_t *value = fclose(out) == 0 ? json_pack("{s:s}", "id", id) : NULL;
    free(id);
    return value;
}

static json_t *driver(const struct gpup_report *r) {
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s}}", "name", "gpup-cts", "fullName",
                     "Conformance tests for the GPU partitioning DDIs of Windows", "version", GPUP_VERSION,
                     "semanticVersion", GPUP_VERSION, "rules", sarif_rules(r), "properties", "specification",
                     gpup_spec_version());
}

static json_t *run(const struct gpup_report *r) {
    return json_pack("{s:{s:o}, s:[o], s:{s:{s:{s:s}}}, s:o, s:o, s:s, s:{s:o, s:o, s:o, s:b}}", "tool",
                     "driver", driver(r), "invocations", invocation(r), "originalUriBaseIds", SARIF_ROOT,
                     "description", "text", "The source tree of gpup-cts.", "automationDetails", identity(r),
                     "results", sarif_results(r), "columnKind", "utf16CodeUnits", "properties",
                     "implementation", text_json(r->results->implementation), "implementationHash",
                     text_json(r->results->implementation_hash), "profile", text_json(r->results->profile),
                     "strict", r->strict);
}

bool gpup_write_sarif(const struct gpup_report *r, FILE *out) {
    json_t *root = json_pack("{s:s, s:s, s:[o]}", "$schema", "https://json.schemastore.org/sarif-2.1.0.json",
                             "version", "2.1.0", "runs", run(r));
    bool ok = root && json_dumpf(root, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok;
}
