/* What differs between two results.json. */
#include "text.h"

#include <gpup/compare.h>
#include <gpup/package.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const parts[] = {"regressions", "fixes", "changed", "new", "missing", "renamed"};

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* --- loading ------------------------------------------------------------------------------------------- */
static json_t *from_package(const char *path, FILE *file, size_t size, char *message, size_t message_size) {
    struct gpup_package package = {0};
    json_t *root = NULL;
    char why[512] = "out of memory", hash[65], signer[65];
    uint8_t *bytes = size <= GPUP_PACKAGE_MAX_BYTES ? malloc(size + 1) : NULL;
    bool ok = bytes && fread(bytes, 1, size, file) == size &&
              gpup_package_read(bytes, size, &package, why, sizeof why) &&
              gpup_package_check(&package, NULL, hash, signer, why, sizeof why);
    const struct gpup_member *m = ok ? gpup_package_find(&package, "results.json") : NULL;
    if (ok && !m)
        snprintf(why, sizeof why, "results.json: missing");
    json_error_t e = {.text = ""};
    if (m && !(root = json_loadb((const char *)m->bytes, m->size, JSON_REJECT_DUPLICATES, &e)))
        snprintf(why, sizeof why, "results.json:%d:%d: %s", e.line, e.column, e.text);
    if (!root)
        snprintf(message, message_size, "%s: %s", path, why);
    gpup_package_free(&package);
    free(bytes);
    return root;
}

static json_t *from_directory(const char *path, char *message, size_t message_size) {
    char name[4096];
    json_error_t e;
    snprintf(name, sizeof name, "%s/results.json", path);
    json_t *root = json_load_file(name, JSON_REJECT_DUPLICATES, &e);
    if (!root && e.line < 0)
        snprintf(message, message_size, "%s: cannot be read; `gpup-cts report %s` makes it from the journal",
                 name, path);
    else if (!root)
        snprintf(message, message_size, "%s:%d:%d: %s", name, e.line, e.column, e.text);
    return root;
}

json_t *gpup_compare_load(const char *path, char *message, size_t message_size) {
    struct stat st;
    FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    json_t *root = NULL;
    if (file)
        root = from_package(path, file, (size_t)st.st_size, message, message_size);
    else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        root = from_directory(path, message, message_size);
    else
        snprintf(message, message_size, "%s: cannot be read: %s", path, strerror(errno));
    if (file)
        fclose(file);
    if (root && (!json_is_array(json_object_get(root, "rules")) ||
                 !json_is_array(json_object_get(root, "programs")))) {
        snprintf(message, message_size, "%s: results.json: expected lists of rules and programs", path);
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* --- comparing ----------------------------------------------------------------------------------------- */
static void note(json_t *to, const char *part, const char *kind, const char *name, const char *before,
                 const char *after) {
    json_array_append_new(json_object_get(to, part), json_pack("{s:s, s:s, s:s, s:s}", "kind", kind, "name",
                                                               name, "old", before, "new", after));
}

/* By name; the last of equal names, of which there are none in what we write. */
static json_t *index_of(const json_t *root, const char *list, const char *key) {
    json_t *index = json_object(), *entry;
    size_t i;
    json_array_foreach(json_object_get(root, list), i, entry)
        json_object_set(index, text_of(entry, key), entry);
    return index;
}

static int severity(const char *shown) {
    static const char *const names[] = {"POLICY", "WARN", "FAIL"};
    for (int i = 0; i < 3; i++)
        if (strcmp(shown, names[i]) == 0)
            return i + 1;
    return 0;
}

static const char *shown(const json_t *rule) {
    return *text_of(rule, "shown") ? text_of(rule, "shown") : text_of(rule, "verdict");
}

/* It passed, it decides, and now nothing says whether it holds. */
static bool lost(const json_t *a, const json_t *b) {
    const char *now = text_of(b, "verdict");
    return strcmp(text_of(a, "verdict"), "PASS") == 0 && json_is_true(json_object_get(b, "required")) &&
           (strcmp(now, "NOT_OBSERVABLE") == 0 || strcmp(now, "NOT_EXERCISED") == 0 ||
            strcmp(now, "NOT_COVERED") == 0);
}

static void compare_rule(json_t *to, const char *id, const json_t *a, const json_t *b) {
    const char *before = shown(a), *after = shown(b);
    if (strcmp(before, after) == 0) {
        if (strcmp(text_of(a, "reason"), text_of(b, "reason")) != 0)
            note(to, "changed", "rule", id, text_of(a, "reason"), text_of(b, "reason"));
        return;
    }
    int was = severity(before), is = severity(after);
    const char *part = is > was || lost(a, b)                                   ? "regressions"
                       : was > is && strcmp(text_of(b, "verdict"), "PASS") == 0 ? "fixes"
                                                                                : "changed";
    note(to, part, "rule", id, before, after);
}

/* Whether one before the `end`-th is the same: of one rule, and of one key if keys count. */
static bool told_before(const json_t *findings, size_t end, bool keys) {
    const json_t *last = json_array_get(findings, end);
    for (size_t i = 0; i < end; i++) {
        const json_t *f = json_array_get(findings, i);
        bool same =
            json_integer_value(json_object_get(f, "key")) == json_integer_value(json_object_get(last, "key"));
        if ((same || !keys) && strcmp(text_of(f, "rule"), text_of(last, "rule")) == 0)
            return true;
    }
    return false;
}

/* The findings of a program, each once, as rules or as rules and keys. */
static char *findings_of(const json_t *program, bool keys) {
    const json_t *findings = json_object_get(program, "findings"), *finding;
    char *text = NULL;
    size_t size = 0, i;
    FILE *out = open_memstream(&text, &size);
    json_array_foreach(findings, i, finding) {
        if (!out || told_before(findings, i, keys))
            continue;
        fprintf(out, "%s%s", i ? " " : "", text_of(finding, "rule"));
        if (keys)
            fprintf(out, ":%lld", (long long)json_integer_value(json_object_get(finding, "key")));
    }
    if (out)
        fclose(out);
    return text;
}

/* Other rules are told by their names; where they are the same, the keys tell that they fail otherwise. */
static void compare_findings(json_t *to, const char *name, const json_t *a, const json_t *b) {
    char *x = findings_of(a, true), *y = findings_of(b, true);
    char *rules_x = findings_of(a, false), *rules_y = findings_of(b, false);
    if (x && y && rules_x && rules_y && strcmp(x, y) != 0) {
        bool rules = strcmp(rules_x, rules_y) != 0;
        const char *before = rules ? rules_x : x, *after = rules ? rules_y : y;
        note(to, "changed", "program", name, *before ? before : "no finding", *after ? after : "no finding");
    }
    free(x);
    free(y);
    free(rules_x);
    free(rules_y);
}

static void compare_program(json_t *to, const char *name, const json_t *a, const json_t *b) {
    const char *before = text_of(a, "outcome"), *after = text_of(b, "outcome");
    bool was = strcmp(before, "COMPLETE") == 0, is = strcmp(after, "COMPLETE") == 0;
    if (strcmp(before, after) != 0) {
        note(to, was ? "regressions" : is ? "fixes" : "changed", "program", name, before, after);
        return;
    }
    if (!is && strcmp(text_of(a, "why"), text_of(b, "why")) != 0)
        note(to, "changed", "program", name, text_of(a, "why"), text_of(b, "why"));
    compare_findings(to, name, a, b);
}

/* One that went and is the same program as one that came. */
static const char *new_name(const json_t *gone, json_t *before, json_t *after) {
    const char *source = text_of(gone, "source"), *name;
    json_t *entry;
    if (strspn(source, "0") == strlen(source))
        return NULL;
    json_object_foreach(after, name, entry) if (!json_object_get(before, name) &&
                                                strcmp(text_of(entry, "source"), source) == 0) return name;
    return NULL;
}

static void compare_programs(json_t *to, json_t *before, json_t *after) {
    const char *name;
    json_t *entry, *renamed = json_object();
    json_object_foreach(before, name, entry) {
        json_t *now = json_object_get(after, name);
        const char *other = now ? NULL : new_name(entry, before, after);
        if (other && !json_object_get(renamed, other)) {
            json_object_set_new(renamed, other, json_true());
            note(to, "renamed", "program", name, name, other);
            now = json_object_get(after, other);
        }
        if (now)
            compare_program(to, other ? other : name, entry, now);
        else
            note(to, "missing", "program", name, text_of(entry, "outcome"), "");
    }
    json_object_foreach(after, name,
                        entry) if (!json_object_get(before, name) && !json_object_get(renamed, name))
        note(to, "new", "program", name, "", text_of(entry, "outcome"));
    json_decref(renamed);
}

static void compare_rules(json_t *to, json_t *before, json_t *after) {
    const char *id;
    json_t *entry;
    json_object_foreach(before, id, entry) {
        json_t *now = json_object_get(after, id);
        if (now)
            compare_rule(to, id, entry, now);
        else
            note(to, "missing", "rule", id, shown(entry), "");
    }
    json_object_foreach(after, id, entry) if (!json_object_get(before, id))
        note(to, "new", "rule", id, "", shown(entry));
}

json_t *gpup_compare(const json_t *before, const json_t *after) {
    json_t *to = json_object();
    for (size_t i = 0; to && i < sizeof parts / sizeof *parts; i++)
        json_object_set_new(to, parts[i], json_array());
    json_t *a = index_of(before, "rules", "id"), *b = index_of(after, "rules", "id");
    compare_rules(to, a, b);
    json_decref(a);
    json_decref(b);
    a = index_of(before, "programs", "name");
    b = index_of(after, "programs", "name");
    compare_programs(to, a, b);
    json_decref(a);
    json_decref(b);
    return to;
}

void gpup_compare_print(const json_t *comparison, FILE *out) {
    size_t all = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *list = json_object_get(comparison, parts[i]), *entry;
        size_t k;
        all += json_array_size(list);
        if (json_array_size(list))
            fprintf(out, "%s: %zu\n", parts[i], json_array_size(list));
        json_array_foreach(list, k, entry) {
            const char *before = text_of(entry, "old"), *after = text_of(entry, "new");
            fputs("  ", out);
            text_put(out, TEXT_PLAIN, text_of(entry, "name"));
            fputs(": ", out);
            text_put(out, TEXT_PLAIN, *before ? before : "-");
            fputs(" -> ", out);
            text_put(out, TEXT_PLAIN, *after ? after : "-");
            fputc('\n', out);
        }
    }
    if (!all)
        fputs("no difference\n", out);
}
