/* The journal: a header line, then one flushed line per program. Append only. */
#include "journal.h"
#include "where.h"

#include <gpup/runner.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const *journal_outcomes(void) {
    static const char *const names[] = {"COMPLETE", "SKIPPED", "ERROR", "TIMEOUT", "CRASH", NULL};
    return names;
}

static bool write_line(const char *directory, const char *mode, json_t *line) {
    char path[4096];
    snprintf(path, sizeof path, "%s/" JOURNAL_FILE, directory);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    FILE *file = text ? fopen(path, mode) : NULL;
    bool ok = file && fprintf(file, "%s\n", text) > 0 && fflush(file) == 0;
    if (file)
        ok = fclose(file) == 0 && ok;
    free(text);
    json_decref(line);
    return ok;
}

int gpup_journal_create(const char *directory, const struct gpup_results *h, char *message,
                        size_t message_size) {
    json_t *line = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:s, s:s, s:s, s:s, s:[I, I], s:I, s:s, s:s*}",
        "gpup-cts-journal", JOURNAL_FORMAT, "spec", gpup_spec_version(), "implementation", h->implementation,
        "hash", h->implementation_hash, "profile", h->profile, "select", h->select, "seed",
        (json_int_t)h->seed, "seeded", h->seeded, "sha256", h->sha256, "tool", h->tool, "system", h->system,
        "started", h->started, "shard", (json_int_t)h->shard_index, (json_int_t)h->shard_count, "programs",
        (json_int_t)h->planned, "plan", h->plan, "files", h->files[0] ? h->files : NULL);
    if (write_line(directory, "w", line))
        return 0;
    snprintf(message, message_size, "%s/" JOURNAL_FILE ": cannot be written: %s", directory, strerror(errno));
    return 2;
}

/* Rules the program judged, as [checks, violations, verdict]; and those it could not, by verdict and detail.
 */
static json_t *pack_rules(const struct gpup_program_result *r) {
    json_t *rules = json_object();
    for (unsigned i = 0; rules && i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule_result *p = &r->rules[i];
        bool plain = p->verdict == GPUP_NOT_EXERCISED || p->verdict == GPUP_NOT_COVERED;
        if (!plain || p->checks)
            json_object_set_new(rules, gpup_rule_id((uint16_t)i),
                                json_pack("[i, i, s, i]", (int)p->checks, (int)p->violations,
                                          gpup_verdict_name(p->verdict), (int)p->detail));
    }
    return rules;
}

static json_t *pack_findings(const struct gpup_program_result *r) {
    json_t *findings = json_array();
    for (size_t i = 0; findings && i < r->finding_count; i++) {
        const struct gpup_finding *f = &r->findings[i];
        json_array_append_new(
            findings, json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:s, s:o*, s:o*}", "rule",
                                gpup_rule_id(f->rule), "verdict", gpup_verdict_name(f->verdict), "ddi",
                                f->ddi == GPUP_SPEC_NONE ? "" : gpup_ddi_name(f->ddi), "class", (int)f->class,
                                "host", (int)f->host, "vf", (json_int_t)f->vf, "step", (json_int_t)f->step,
                                "event", (json_int_t)f->event, "key", (json_int_t)f->key, "text", f->text,
                                "at", where_pack_places(f), "where", where_pack(f)));
    }
    return findings;
}

bool gpup_journal_append_build(const char *directory, const char *build) {
    return write_line(directory, "a", json_pack("{s:s}", "build", build));
}

bool gpup_journal_append(const char *directory, const struct gpup_program_result *r) {
    char hash[17], source[17];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)r->trace_hash);
    snprintf(source, sizeof source, "%016llx", (unsigned long long)r->source_hash);
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:i, s:s*, s:s, s:I, s:s, s:I, s:I, s:i, s:o, s:o, s:i}", "program", r->name,
        "source", source, "outcome", journal_outcomes()[r->outcome], "class", (int)r->class, "why", r->why,
        "ddi", r->ddi == GPUP_SPEC_NONE ? "" : gpup_ddi_name(r->ddi), "step", (json_int_t)r->step, "trace",
        hash, "events", (json_int_t)r->events, "calls", (json_int_t)r->calls, "offers", (int)r->offers,
        "rules", pack_rules(r), "findings", pack_findings(r), "wall_ms", (int)r->wall_ms);
    return write_line(directory, "a", line);
}
