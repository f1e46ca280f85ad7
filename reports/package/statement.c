/* The statement of a package: what was run, what it came to, what is excused, what was not tested and why. */
#include "../count.h"
#include "../text.h"
#include "evidence.h"

#include <jansson.h>
#include <string.h>

static bool listed(const struct gpup_report *r, unsigned rule) {
    unsigned verdict = r->rules[rule].verdict;
    return r->selected[rule] && !r->expected[rule] && verdict != GPUP_PASS && verdict <= GPUP_POLICY_FINDING;
}

/* A rule that decides and that nothing judged. */
static bool untested(const struct gpup_report *r, unsigned rule) {
    unsigned verdict = r->rules[rule].verdict;
    return gpup_report_required(r, rule) && !r->expected[rule] && verdict > GPUP_POLICY_FINDING;
}

/* --- for people ---------------------------------------------------------------------------------------- */
static void field(FILE *out, const char *name, const char *value) {
    fprintf(out, "%-16s ", name);
    text_put(out, TEXT_PLAIN, *value ? value : "-");
    fputc('\n', out);
}

static void findings(const struct gpup_report *r, FILE *out) {
    bool any = false;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (!listed(r, i))
            continue;
        fprintf(out, "%s  %s %s (%s%s): %s\n    ", any ? "" : "\nFindings\n",
                gpup_verdict_name(r->rules[i].verdict), gpup_rules[i].id,
                gpup_level_name(gpup_rules[i].level), gpup_report_required(r, i) ? ", required" : "",
                gpup_rules[i].sentence);
        text_put(out, TEXT_PLAIN, r->rules[i].first ? r->rules[i].first->text : "");
        fputs(" [", out);
        text_put(out, TEXT_PLAIN, r->rules[i].first_program);
        fputs("]\n", out);
        any = true;
    }
    if (!any)
        fputs("\nFindings\n  none that is not excused\n", out);
}

static void excuses(const struct gpup_report *r, FILE *out) {
    for (size_t i = 0; r->expectations && i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        fprintf(out, "%s  %s, %s (%s)\n", i ? "" : "\nExpectations\n", gpup_rule_id(e->rule), r->words[i],
                gpup_entry_words(r->states[i]));
    }
}

static void gaps(const struct gpup_report *r, FILE *out) {
    fputs("\nRequired rules that were not judged, and why\n", out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (untested(r, i))
            fprintf(out, "  %s %s: %s\n", gpup_rules[i].id, gpup_verdict_name(r->rules[i].verdict),
                    gpup_reason_name(r->rules[i].reason));
}

static void bad_programs(const struct gpup_report *r, FILE *out) {
    for (size_t i = 0; i < r->results->program_count; i++) {
        const struct gpup_program_result *p = &r->results->programs[i];
        if (p->outcome == GPUP_COMPLETE)
            continue;
        fprintf(out, "  %s ", gpup_outcome_name(p->outcome));
        text_put(out, TEXT_PLAIN, p->name);
        fputs(": ", out);
        text_put(out, TEXT_PLAIN, p->why);
        fputc('\n', out);
    }
}

bool statement_text(const struct evidence *e, const struct gpup_report *r, FILE *out) {
    const struct gpup_results *all = &e->results;
    struct count_required sum = count_required(r);
    int status = gpup_report_exit_status(r);
    fputs("Statement of a run of gpup-cts\n\n", out);
    field(out, "implementation", all->implementation);
    field(out, "build", all->build);
    field(out, "SHA-256", all->sha256);
    field(out, "profile", all->profile);
    field(out, "selection", all->select);
    if (all->seeded)
        fprintf(out, "%-16s %llu\n", "seed", (unsigned long long)all->seed);
    if (all->files[0])
        field(out, "files given", all->files);
    field(out, "tool", all->tool);
    field(out, "specification", gpup_spec_version());
    field(out, "date", e->date);
    for (size_t i = 0; i < e->shard_count; i++)
        fprintf(out, "%-16s %u of %u: %u programs, %s, %s\n", "shard", e->shards[i].index, e->shards[i].count,
                e->shards[i].programs, e->shards[i].started, e->shards[i].system);
    fprintf(out, "\nResult           exit status %d: %s%s\n", status, gpup_report_meaning(r),
            e->strict ? " (strict)" : "");
    fprintf(out,
            "required rules   %u passed, %u failed, %u excused, %u not applicable, %u beyond a black box, %u "
            "not judged\n",
            sum.passed, sum.failed, sum.excused, sum.inapplicable, sum.beyond, sum.unjudged);
    fprintf(out, "programs         %zu\n", all->program_count);
    bad_programs(r, out);
    findings(r, out);
    excuses(r, out);
    gaps(r, out);
    return !ferror(out);
}

/* --- for machines -------------------------------------------------------------------------------------- */
static json_t *json_shards(const struct evidence *e) {
    json_t *list = json_array();
    for (size_t i = 0; i < e->shard_count; i++)
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:I, s:s, s:o}", "index", (json_int_t)e->shards[i].index, "of",
                            (json_int_t)e->shards[i].count, "programs", (json_int_t)e->shards[i].programs,
                            "started", e->shards[i].started, "system", text_json(e->shards[i].system)));
    return list;
}

static json_t *json_expectations(const struct gpup_report *r) {
    json_t *list = json_array();
    for (size_t i = 0; r->expectations && i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:b}", "rule",
                                              gpup_rule_id(e->rule), "kind", gpup_expect_kind_name(e->kind),
                                              "reason", text_json(e->reason), "issue", text_json(e->issue),
                                              "approver", text_json(e->approver), "link", text_json(e->link),
                                              "until", e->until, "state", gpup_entry_words(r->states[i]),
                                              "stale", gpup_entry_stale(r->states[i])));
    }
    return list;
}

static json_t *json_rules(const struct gpup_report *r,
                          bool (*wanted)(const struct gpup_report *r, unsigned rule)) {
    json_t *list = json_array();
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (wanted(r, i))
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "rule", gpup_rules[i].id, "verdict",
                                                  gpup_verdict_name(r->rules[i].verdict), "reason",
                                                  gpup_reason_name(r->rules[i].reason), "required",
                                                  gpup_report_required(r, i)));
    return list;
}

bool statement_json(const struct evidence *e, const struct gpup_report *r, FILE *out) {
    const struct gpup_results *all = &e->results;
    struct count_required sum = count_required(r);
    int status = gpup_report_exit_status(r);
    json_t *required =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "passed", (int)sum.passed, "failed", (int)sum.failed,
                  "excused", (int)sum.excused, "not_applicable", (int)sum.inapplicable, "beyond_a_black_box",
                  (int)sum.beyond, "not_judged", (int)sum.unjudged);
    json_t *root = json_pack(
        "{s:i, s:{s:o, s:o, s:s}, s:s, s:o, s:o, s:s, s:s, s:b, s:i, s:s, s:I, s:o, s:o, s:o, s:o, s:o}",
        "format", GPUP_PACKAGE_FORMAT, "implementation", "name", text_json(all->implementation), "build",
        text_json(all->build), "sha256", all->sha256, "profile", all->profile, "selection",
        text_json(all->select), "tool", text_json(all->tool), "specification", gpup_spec_version(), "date",
        e->date, "strict", e->strict, "status", status, "meaning", gpup_report_meaning(r), "programs",
        (json_int_t)all->program_count, "required", required, "shards", json_shards(e), "findings",
        json_rules(r, listed), "not_judged", json_rules(r, untested), "expectations", json_expectations(r));
    bool ok = root && json_dumpf(root, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok;
}
