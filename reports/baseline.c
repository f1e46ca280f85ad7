/* What an earlier run found, from its results.json: that file is published and bound to no version of the
 * specification, as a journal is. */
#include "findings.h"
#include "text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct gpup_baseline {
    struct baseline_entry *entries;
    size_t count;
};

static int by_fingerprint(const void *a, const void *b) {
    return strcmp(((const struct baseline_entry *)a)->fingerprint,
                  ((const struct baseline_entry *)b)->fingerprint);
}

static bool add(struct gpup_baseline *baseline, json_t *finding) {
    const char *rule, *text;
    json_int_t key;
    if (json_unpack(finding, "{s:s, s:I, s:s}", "rule", &rule, "key", &key, "text", &text) != 0 ||
        strlen(rule) >= sizeof baseline->entries->rule)
        return false;
    struct baseline_entry *grown =
        realloc(baseline->entries, (baseline->count + 1) * sizeof *baseline->entries);
    if (!grown)
        return false;
    baseline->entries = grown;
    struct baseline_entry *e = &grown[baseline->count];
    *e = (struct baseline_entry){.text = text_copy(text)};
    snprintf(e->rule, sizeof e->rule, "%s", rule);
    snprintf(e->fingerprint, sizeof e->fingerprint, "%s/%08x", rule, (unsigned)key);
    baseline->count++;
    return e->text != NULL;
}

/* Equal findings are one. */
static void unite(struct gpup_baseline *baseline) {
    size_t kept = 0;
    if (baseline->count)
        qsort(baseline->entries, baseline->count, sizeof *baseline->entries, by_fingerprint);
    for (size_t i = 0; i < baseline->count; i++) {
        if (kept && by_fingerprint(&baseline->entries[kept - 1], &baseline->entries[i]) == 0)
            free(baseline->entries[i].text);
        else
            baseline->entries[kept++] = baseline->entries[i];
    }
    baseline->count = kept;
}

static bool add_all(struct gpup_baseline *baseline, json_t *root) {
    size_t p, f;
    json_t *program, *finding, *programs = json_object_get(root, "programs");
    if (!json_is_array(programs))
        return false;
    json_array_foreach(programs, p, program) {
        json_array_foreach(json_object_get(program, "findings"), f, finding) {
            if (!add(baseline, finding))
                return false;
        }
    }
    unite(baseline);
    return true;
}

struct gpup_baseline *gpup_baseline_load(const char *directory, char *message, size_t message_size) {
    char path[4096];
    json_error_t error;
    struct gpup_baseline *baseline = calloc(1, sizeof *baseline);
    snprintf(path, sizeof path, "%s/results.json", directory);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        snprintf(message, message_size, "%s:%d:%d: expected results of an earlier run: %s", path, error.line,
                 error.column, error.text);
    else if (!baseline || !add_all(baseline, root))
        snprintf(message, message_size,
                 "%s: expected results of an earlier run, with a list of programs and their findings", path);
    else {
        json_decref(root);
        return baseline;
    }
    json_decref(root);
    gpup_baseline_free(baseline);
    return NULL;
}

void gpup_baseline_free(struct gpup_baseline *baseline) {
    for (size_t i = 0; baseline && i < baseline->count; i++)
        free(baseline->entries[i].text);
    if (baseline)
        free(baseline->entries);
    free(baseline);
}

const struct baseline_entry *baseline_find(const struct gpup_baseline *baseline, const char *fingerprint) {
    struct baseline_entry wanted = {0};
    if (!baseline || !baseline->count)
        return NULL;
    snprintf(wanted.fingerprint, sizeof wanted.fingerprint, "%s", fingerprint);
    return bsearch(&wanted, baseline->entries, baseline->count, sizeof wanted, by_fingerprint);
}

size_t baseline_count(const struct gpup_baseline *baseline) {
    return baseline ? baseline->count : 0;
}

const struct baseline_entry *baseline_at(const struct gpup_baseline *baseline, size_t index) {
    return &baseline->entries[index];
}
