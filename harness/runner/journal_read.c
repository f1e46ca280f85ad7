/* Reading a journal back: untrusted input, one message with file and line for whatever is wrong. */
#include "journal.h"
#include "where.h"

#include <gpup/runner.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
    const char *path;
    size_t line;
    char *message;
    size_t message_size;
};

static bool wrong(struct reading *r, const char *what, const char *found) {
    snprintf(r->message, r->message_size, "%s:%zu: %s%s%s", r->path, r->line, what, found ? ", found " : "",
             found ? found : "");
    return false;
}

/* 16 hexadecimal digits, or none. */
static bool is_hash(const char *text) {
    size_t digits = strspn(text, "0123456789abcdef");
    return !text[digits] && (digits == 0 || digits == 16);
}

static bool is_profile(const char *text) {
    static const char *const names[] = {"smoke", "certification", "full", "nightly"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], text) == 0)
            return true;
    return false;
}

static bool read_header(struct reading *r, json_t *line, struct gpup_results *out) {
    int format, seeded;
    json_int_t seed;
    json_int_t shard = 0, shards = 0, planned = 0;
    const char *spec, *implementation, *hash, *profile, *select;
    const char *sha256 = "", *tool = "", *system = "", *started = "", *plan = "", *files = "";
    json_error_t e;
    if (json_unpack_ex(
            line, &e, 0,
            "{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s?s, s?s, s?s, s?s, s?[I, I], s?I, s?s, s?s}",
            "gpup-cts-journal", &format, "spec", &spec, "implementation", &implementation, "hash", &hash,
            "profile", &profile, "select", &select, "seed", &seed, "seeded", &seeded, "sha256", &sha256,
            "tool", &tool, "system", &system, "started", &started, "shard", &shard, &shards, "programs",
            &planned, "plan", &plan, "files", &files) != 0)
        return wrong(r, "expected the header of a journal", e.text);
    if (format != JOURNAL_FORMAT)
        return wrong(r, "the journal has another format version; expected 1", NULL);
    if (strcmp(spec, gpup_spec_version()) != 0)
        return wrong(
            r,
            "the journal was written with another specification; run again, or judge its traces with `check`",
            spec);
    if (!is_hash(hash))
        return wrong(r, "expected the hash of an implementation", hash);
    if (!is_hash(files))
        return wrong(r, "expected the hash of files", files);
    if (!is_profile(profile))
        return wrong(r, "expected a profile", profile);
    snprintf(out->implementation, sizeof out->implementation, "%s", implementation);
    snprintf(out->implementation_hash, sizeof out->implementation_hash, "%s", hash);
    snprintf(out->profile, sizeof out->profile, "%s", profile);
    snprintf(out->select, sizeof out->select, "%s", select);
    out->seed = (uint64_t)seed;
    out->seeded = seeded != 0;
    snprintf(out->sha256, sizeof out->sha256, "%s", sha256);
    snprintf(out->tool, sizeof out->tool, "%s", tool);
    snprintf(out->system, sizeof out->system, "%s", system);
    snprintf(out->started, sizeof out->started, "%s", started);
    snprintf(out->plan, sizeof out->plan, "%s", plan);
    snprintf(out->files, sizeof out->files, "%s", files);
    out->shard_index = (uint32_t)shard;
    out->shard_count = (uint32_t)shards;
    out->planned = (uint32_t)planned;
    return true;
}

static int find_verdict(const char *name) {
    for (unsigned i = 0; name && i < GPUP_VERDICTS; i++)
        if (strcmp(gpup_verdict_name(i), name) == 0)
            return (int)i;
    return -1;
}

static uint8_t reason_of(unsigned verdict) {
    switch (verdict) {
    case GPUP_FAIL:
    case GPUP_WARN:
    case GPUP_POLICY_FINDING:
        return GPUP_REASON_VIOLATED;
    case GPUP_NOT_APPLICABLE:
        return GPUP_REASON_NOT_ADVERTISED;
    case GPUP_NOT_OBSERVABLE:
        return GPUP_REASON_NO_OBSERVER;
    case GPUP_NOT_EXERCISED:
        return GPUP_REASON_NO_PROGRAM;
    default:
        return GPUP_REASON_NONE;
    }
}

static void blank_rules(struct gpup_program_result *p) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        gpup_rule_unjudged(i, &p->rules[i].verdict, &p->rules[i].reason);
}

static bool read_rules(struct reading *r, json_t *rules, struct gpup_program_result *p) {
    const char *id;
    json_t *value;
    blank_rules(p);
    json_object_foreach(rules, id, value) {
        uint16_t rule = gpup_rule_find(id);
        int checks, violations, detail;
        const char *name = NULL;
        if (rule == GPUP_SPEC_NONE)
            return wrong(r, "expected the id of a rule", id);
        if (json_unpack(value, "[i, i, s, i]", &checks, &violations, &name, &detail) != 0 ||
            find_verdict(name) < 0)
            return wrong(r, "expected [checks, violations, verdict, detail] for a rule", id);
        unsigned verdict = (unsigned)find_verdict(name);
        p->rules[rule] = (struct gpup_rule_result){(uint32_t)checks, (uint32_t)violations, (uint8_t)verdict,
                                                   reason_of(verdict), (uint32_t)detail};
    }
    return true;
}

static bool check_pairs(struct reading *r, const struct gpup_program_result *p) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule_result *rule = &p->rules[i];
        bool bad =
            rule->verdict == GPUP_FAIL || rule->verdict == GPUP_WARN || rule->verdict == GPUP_POLICY_FINDING;
        if (!gpup_pair_legal(p->outcome, rule->verdict))
            return wrong(r, "expected no verdict of a program that ended in ERROR, for a rule",
                         gpup_rule_id((uint16_t)i));
        if (bad != (rule->violations != 0) || rule->violations > rule->checks ||
            (rule->verdict == GPUP_PASS && !rule->checks))
            return wrong(r, "expected a verdict that its numbers of checks and violations allow, for a rule",
                         gpup_rule_id((uint16_t)i));
    }
    return true;
}

static bool read_finding(struct reading *r, json_t *value, struct gpup_finding *f) {
    const char *rule, *verdict, *ddi, *text;
    int class, host;
    json_int_t vf, step, event, key;
    json_error_t e;
    if (json_unpack_ex(value, &e, 0, "{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:s}", "rule", &rule,
                       "verdict", &verdict, "ddi", &ddi, "class", &class, "host", &host, "vf", &vf, "step",
                       &step, "event", &event, "key", &key, "text", &text) != 0)
        return wrong(r, "expected a finding", e.text);
    if (gpup_rule_find(rule) == GPUP_SPEC_NONE || find_verdict(verdict) < GPUP_FAIL ||
        find_verdict(verdict) > GPUP_POLICY_FINDING)
        return wrong(r, "expected a known rule and FAIL, WARN or POLICY in a finding", rule);
    if (host < 0 || host > 1)
        return wrong(r, "expected host 0 or 1 in a finding", rule);
    if (class < 0 || class >= GPUP_CLASSES || (*ddi && gpup_ddi_find(ddi) == GPUP_SPEC_NONE))
        return wrong(r, "expected the class of a step and the name of a DDI in a finding", ddi);
    *f = (struct gpup_finding){.rule = gpup_rule_find(rule),
                               .ddi = *ddi ? gpup_ddi_find(ddi) : GPUP_SPEC_NONE,
                               .verdict = (uint8_t)find_verdict(verdict),
                               .class = (uint8_t) class,
                               .host = (uint8_t)host,
                               .vf = (uint32_t)vf,
                               .step = (uint32_t)step,
                               .event = (uint32_t)event,
                               .key = (uint32_t)key};
    snprintf(f->text, sizeof f->text, "%s", text);
    if (!where_read_places(json_object_get(value, "at"), f))
        return wrong(r, "expected the call stacks of a finding, three lists of addresses", rule);
    if (!where_read(json_object_get(value, "where"), f))
        return wrong(r, "expected the call stacks of a finding in words, a list of lines", rule);
    return true;
}

static bool read_findings(struct reading *r, json_t *findings, struct gpup_program_result *p) {
    size_t i;
    json_t *value;
    p->findings = calloc(json_array_size(findings) + 1, sizeof *p->findings);
    if (!p->findings)
        return wrong(r, "out of memory", NULL);
    json_array_foreach(findings, i, value) {
        p->finding_count = i + 1; /* also of one that is refused, so that it is released */
        if (!read_finding(r, value, &p->findings[i]))
            return false;
    }
    return true;
}

static int find_outcome(const char *name) {
    for (int i = 0; journal_outcomes()[i]; i++)
        if (strcmp(journal_outcomes()[i], name) == 0)
            return i;
    return -1;
}

static bool read_program(struct reading *r, json_t *line, struct gpup_program_result *p) {
    const char *name, *outcome, *why = NULL, *ddi, *hash, *source = "0";
    json_int_t step, events, calls;
    int class, wall, offers;
    json_t *rules, *findings;
    json_error_t e;
    *p = (struct gpup_program_result){0};
    if (json_unpack_ex(line, &e, 0, "{s:s, s?s, s:s, s:i, s?s, s:s, s:I, s:s, s:I, s:I, s:i, s:o, s:o, s:i}",
                       "program", &name, "source", &source, "outcome", &outcome, "class", &class, "why", &why,
                       "ddi", &ddi, "step", &step, "trace", &hash, "events", &events, "calls", &calls,
                       "offers", &offers, "rules", &rules, "findings", &findings, "wall_ms", &wall) != 0)
        return wrong(r, "expected the line of a program", e.text);
    if (find_outcome(outcome) < 0)
        return wrong(r, "expected COMPLETE, SKIPPED, ERROR, TIMEOUT or CRASH", outcome);
    if (!json_is_object(rules) || !json_is_array(findings))
        return wrong(r, "expected an object of rules and a list of findings", NULL);
    if (class < 0 || class >= GPUP_CLASSES || (*ddi && gpup_ddi_find(ddi) == GPUP_SPEC_NONE))
        return wrong(r, "expected the class of a step and the name of a DDI", ddi);
    p->name = strdup(name);
    p->why = why ? strdup(why) : NULL;
    p->outcome = (uint8_t)find_outcome(outcome);
    p->class = (uint8_t) class;
    p->ddi = *ddi ? gpup_ddi_find(ddi) : GPUP_SPEC_NONE;
    p->step = (uint32_t)step;
    p->trace_hash = strtoull(hash, NULL, 16);
    p->source_hash = strtoull(source, NULL, 16);
    p->events = (uint64_t)events;
    p->calls = (uint64_t)calls;
    p->offers = (uint32_t)offers;
    p->wall_ms = (uint32_t)wall;
    p->done = true;
    p->rules = calloc(gpup_spec_counts.rules, sizeof *p->rules);
    if (!p->rules || !p->name || (why && !p->why))
        return wrong(r, "out of memory", NULL);
    return read_rules(r, rules, p) && check_pairs(r, p) && read_findings(r, findings, p);
}

static bool add_program(struct reading *r, json_t *line, struct gpup_results *out) {
    struct gpup_program_result p;
    if (!read_program(r, line, &p)) {
        gpup_program_result_free(&p);
        return false;
    }
    struct gpup_program_result *grown = realloc(out->programs, (out->program_count + 1) * sizeof *grown);
    if (!grown) {
        gpup_program_result_free(&p);
        return wrong(r, "out of memory", NULL);
    }
    out->programs = grown;
    for (size_t i = 0; i < out->program_count; i++)
        if (strcmp(grown[i].name, p.name) == 0) {
            bool same = grown[i].trace_hash == p.trace_hash && grown[i].outcome == p.outcome;
            char *name = p.name;
            p.name = NULL;
            gpup_program_result_free(&p);
            if (!same)
                wrong(r, "a program stands twice with different results", name);
            free(name);
            return same;
        }
    grown[out->program_count++] = p;
    return true;
}

static bool read_line(struct reading *r, const char *text, size_t size, bool last_is_cut,
                      struct gpup_results *out) {
    json_error_t e;
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
    if (!line) {
        if (last_is_cut)
            return true; /* it was being written when the run ended */
        snprintf(r->message, r->message_size,
                 "%s:%zu:%d: the line is not whole JSON (%s); the journal was cut short or edited", r->path,
                 r->line, e.column, e.text);
        return false;
    }
    const char *build = json_string_value(json_object_get(line, "build"));
    bool ok = r->line == 1 ? read_header(r, line, out) : build || add_program(r, line, out);
    if (ok && build)
        snprintf(out->build, sizeof out->build, "%s", build);
    json_decref(line);
    return ok;
}

/* bytes of whole lines, through *whole. */
static bool parse(struct reading *r, const char *text, size_t size, bool allow_cut, struct gpup_results *out,
                  size_t *whole) {
    bool ok = true;
    for (size_t at = 0; ok && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (text + at)) + 1 : size - at;
        r->line++;
        if (!end && !allow_cut)
            ok = wrong(r, "the last line is cut short; `run --resume` completes the run", NULL);
        else
            ok = read_line(r, text + at, length, !end && r->line > 1, out);
        *whole = end ? at + length : *whole;
        at += length;
    }
    return ok && r->line == 0 ? wrong(r, "the journal is empty", NULL) : ok;
}

int gpup_journal_parse(const char *text, size_t size, const char *path, bool allow_cut,
                       struct gpup_results *results, char *message, size_t message_size) {
    struct reading r = {path, 0, message, message_size};
    size_t whole = 0;
    return parse(&r, text, size, allow_cut, results, &whole) ? 0 : 2;
}

static char *read_file(FILE *file, size_t *size) {
    char *text = NULL;
    size_t capacity = 0, n = 1;
    for (*size = 0; n > 0; *size += n) {
        if (*size == capacity) {
            capacity = capacity ? capacity * 2 : 65536;
            char *grown = realloc(text, capacity);
            if (!grown) {
                free(text);
                return NULL;
            }
            text = grown;
        }
        n = fread(text + *size, 1, capacity - *size, file);
    }
    return text;
}

int gpup_journal_read(const char *directory, bool allow_cut, struct gpup_results *results, char *message,
                      size_t message_size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/" JOURNAL_FILE, directory);
    struct reading r = {path, 0, message, message_size};
    size_t size = 0, whole = 0;
    FILE *file = fopen(path, "rb");
    char *text = file ? read_file(file, &size) : NULL;
    bool failed = !text || ferror(file);
    if (failed)
        snprintf(message, message_size, "%s: cannot be read: %s", path, strerror(errno));
    bool ok = !failed && parse(&r, text, size, allow_cut, results, &whole);
    if (file)
        fclose(file);
    free(text);
    /* A half-written last line goes, so that appending goes on behind whole lines. */
    if (ok && allow_cut && truncate(path, (off_t)whole) != 0)
        ok = wrong(&r, "the half-written last line cannot be cut off", strerror(errno));
    return ok ? 0 : 2;
}
