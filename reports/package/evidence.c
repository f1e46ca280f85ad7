#include "evidence.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static bool wrong(char *message, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(message, size, format, list);
    va_end(list);
    return false;
}

bool member_name(char out[GPUP_PACKAGE_MAX_NAME + 1], const char *prefix, const char *name,
                 const char *suffix) {
    int length = snprintf(out, GPUP_PACKAGE_MAX_NAME + 1, "%s%s%s", prefix, name, suffix);
    return length > 0 && (unsigned)length <= GPUP_PACKAGE_MAX_NAME && gpup_package_name_ok(out);
}

void evidence_free(struct evidence *e) {
    gpup_results_free(&e->results);
    gpup_expectations_free(&e->expectations);
    free(e->shards);
    *e = (struct evidence){0};
}

/* Lines of programs; the reader passes over one that stands twice with the same result. */
static size_t program_lines(const char *text, size_t size) {
    size_t lines = 0;
    for (const char *at = text, *end; (end = memchr(at, '\n', size - (size_t)(at - text))); at = end + 1)
        lines += strncmp(at, "{\"build\":", 9) != 0;
    return lines ? lines - 1 : 0; /* the header */
}

static bool same_run(const struct gpup_results *a, const struct gpup_results *b) {
    return strcmp(a->implementation, b->implementation) == 0 && strcmp(a->sha256, b->sha256) == 0 &&
           strcmp(a->build, b->build) == 0 && strcmp(a->profile, b->profile) == 0 &&
           strcmp(a->select, b->select) == 0 && strcmp(a->plan, b->plan) == 0 && a->planned == b->planned &&
           a->seed == b->seed && a->seeded == b->seeded && strcmp(a->tool, b->tool) == 0 &&
           strcmp(a->files, b->files) == 0;
}

static bool add_shard(struct evidence *e, const struct gpup_results *part, const char *name, char *message,
                      size_t size) {
    struct shard *grown = realloc(e->shards, (e->shard_count + 1) * sizeof *grown);
    if (!grown)
        return wrong(message, size, "out of memory");
    e->shards = grown;
    if (!part->shard_count || !*part->sha256 || !*part->plan || strlen(part->started) != 20)
        return wrong(message, size,
                     "%s: does not say of which shard, plan and implementation it is; run again", name);
    for (size_t i = 0; i < e->shard_count; i++)
        if (grown[i].index == part->shard_index)
            return wrong(message, size, "%s: shard %u of %u is there twice", name, part->shard_index,
                         part->shard_count);
    struct shard *s = &grown[e->shard_count++];
    *s = (struct shard){part->shard_index, part->shard_count, (uint32_t)part->program_count, "", "", ""};
    snprintf(s->started, sizeof s->started, "%s", part->started);
    snprintf(s->system, sizeof s->system, "%s", part->system);
    snprintf(s->tool, sizeof s->tool, "%s", part->tool);
    if (strncmp(part->started, e->date, 10) > 0)
        snprintf(e->date, sizeof e->date, "%.10s", part->started);
    return true;
}

/* Moves the programs of a shard over. */
static bool merge(struct evidence *e, struct gpup_results *part, const char *name, char *message,
                  size_t size) {
    struct gpup_results *all = &e->results;
    if (e->shard_count == 1) { /* the first: its header is that of all */
        *all = *part;
        all->programs = NULL;
        all->program_count = 0;
    } else if (!same_run(all, part) || e->shards[0].count != part->shard_count) {
        return wrong(message, size,
                     "%s: belongs to another run (implementation, build, profile, selection, programs, "
                     "shards, seed or tool differ)",
                     name);
    }
    size_t count = all->program_count + part->program_count;
    struct gpup_program_result *grown = realloc(all->programs, (count + 1) * sizeof *grown);
    if (!grown)
        return wrong(message, size, "out of memory");
    all->programs = grown;
    for (size_t i = 0; i < part->program_count; i++)
        grown[all->program_count + i] = part->programs[i];
    all->program_count = count;
    part->program_count = 0;
    return true;
}

static bool read_journal(struct evidence *e, const struct gpup_member *m, char *message, size_t size) {
    struct gpup_results part = {0};
    size_t length;
    char *text = (char *)gpup_package_unpack(m, &length, message, size);
    bool ok = text && gpup_journal_parse(text, length, m->name, false, &part, message, size) == 0;
    if (ok && program_lines(text, length) != part.program_count)
        ok = wrong(message, size, "%s: a program stands twice", m->name);
    ok = ok && add_shard(e, &part, m->name, message, size) && merge(e, &part, m->name, message, size);
    gpup_results_free(&part);
    free(text);
    return ok;
}

static bool check_whole(const struct evidence *e, char *message, size_t size) {
    const struct gpup_results *all = &e->results;
    struct gpup_plan plan = {0};
    char print[17];
    for (uint32_t k = 1; k <= e->shards[0].count; k++) {
        bool there = false;
        for (size_t i = 0; i < e->shard_count; i++)
            there = there || e->shards[i].index == k;
        if (!there)
            return wrong(message, size, JOURNALS ": shard %u of %u is missing", k, e->shards[0].count);
    }
    for (size_t i = 0; i < all->program_count; i++) {
        if (i && strcmp(all->programs[i - 1].name, all->programs[i].name) == 0)
            return wrong(message, size, JOURNALS ": the program %s is in two shards", all->programs[i].name);
        gpup_plan_add(&plan, all->programs[i].name, all->programs[i].source_hash);
    }
    if (plan.programs != all->planned)
        return wrong(message, size, JOURNALS ": the run had %u programs, and %u are there", all->planned,
                     plan.programs);
    gpup_plan_print(&plan, print);
    return strcmp(print, all->plan) == 0 ||
           wrong(message, size, JOURNALS ": the programs are not those that the run had");
}

static bool read_journals(struct evidence *e, const struct gpup_package *package, char *message,
                          size_t size) {
    for (size_t i = 0; i < package->count; i++)
        if (strncmp(package->members[i].name, JOURNALS, strlen(JOURNALS)) == 0 &&
            !read_journal(e, &package->members[i], message, size))
            return false;
    if (!e->shard_count)
        return wrong(message, size, JOURNALS ": there is no journal");
    gpup_results_sort(&e->results);
    return check_whole(e, message, size);
}

static bool read_settings(struct evidence *e, const struct gpup_package *package, char *message,
                          size_t size) {
    const struct gpup_member *m = gpup_package_find(package, SETTINGS);
    json_t *root = m ? json_loadb((const char *)m->bytes, m->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int strict = 0;
    bool ok = root && json_unpack_ex(root, NULL, JSON_STRICT, "{s:b}", "strict", &strict) == 0;
    json_decref(root);
    e->strict = strict != 0;
    return ok ||
           wrong(message, size, SETTINGS ": %s", m ? "expected {\"strict\": true or false}" : "missing");
}

static bool read_expectations(struct evidence *e, const struct gpup_package *package, char *message,
                              size_t size) {
    const struct gpup_member *m = gpup_package_find(package, EXPECTATIONS);
    char *errors = NULL;
    e->expected = m;
    if (!m || gpup_expectations_parse((const char *)m->bytes, m->size, EXPECTATIONS, &e->expectations,
                                      &errors) == 0)
        return true;
    wrong(message, size, "%s", errors ? errors : "out of memory");
    message[strcspn(message, "\n")] = 0;
    free(errors);
    return false;
}

bool evidence_read(struct evidence *e, const struct gpup_package *package, char *message,
                   size_t message_size) {
    *e = (struct evidence){0};
    return read_settings(e, package, message, message_size) &&
           read_expectations(e, package, message, message_size) &&
           read_journals(e, package, message, message_size);
}

bool evidence_report(const struct evidence *e, struct gpup_report *report) {
    const char *rules = NULL;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (fnmatch(e->results.select, gpup_rules[i].id, 0) == 0)
            rules = e->results.select;
    return gpup_report_open_at(report, &e->results, rules, e->expected ? &e->expectations : NULL, e->strict,
                               e->date);
}
