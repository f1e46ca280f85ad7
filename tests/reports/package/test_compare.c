/* Two results beside each other: each kind of difference, and nothing for none. */
#include <gpup/compare.h>
#include <gpup/package.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const parts[] = {"regressions", "fixes", "changed", "new", "missing", "renamed"};

static json_t *document(const char *rules, const char *programs) {
    char text[4096];
    snprintf(text, sizeof text, "{'rules': [%s], 'programs': [%s]}", rules, programs);
    for (char *c = text; (c = strchr(c, '\'')); c++)
        *c = '"';
    json_error_t e;
    json_t *root = json_loads(text, 0, &e);
    if (!root)
        fail_msg("%s: %s", text, e.text);
    return root;
}

#define RULE(verdict, shown, reason)                                                                         \
    "{'id': 'A-1', 'required': true, 'verdict': '" verdict "', 'shown': '" shown "', 'reason': '" reason "'" \
    "}"
#define PROGRAM(name, source, outcome, findings)                                                             \
    "{'name': '" name "', 'source': '" source "', 'outcome': '" outcome                                      \
    "', 'why': null, 'findings': [" findings "]}"
#define FOUND(key) "{'rule': 'A-1', 'key': " key "}"

static void each_difference(void **state) {
    static const struct {
        const char *rules[2], *programs[2];
        const char *part, *line; /* NULL: no difference */
    } rows[] = {
        {{RULE("PASS", "PASS", "none"), RULE("PASS", "PASS", "none")}, {"", ""}, NULL, NULL},
        {{RULE("PASS", "PASS", "none"), RULE("FAIL", "FAIL", "violated")},
         {"", ""},
         "regressions",
         "A-1: PASS -> FAIL"},
        {{RULE("POLICY", "POLICY", "violated"), RULE("WARN", "WARN", "violated")},
         {"", ""},
         "regressions",
         "POLICY -> WARN"},
        {{RULE("FAIL", "FAIL", "violated"), RULE("PASS", "PASS", "none")}, {"", ""}, "fixes", "FAIL -> PASS"},
        {{RULE("FAIL", "FAIL", "violated"), RULE("WARN", "WARN", "violated")},
         {"", ""},
         "changed",
         "FAIL -> WARN"},
        {{RULE("FAIL", "FAIL", "violated"), RULE("FAIL", "WAIVED", "violated")},
         {"", ""},
         "changed",
         "FAIL -> WAIVED"},
        {{RULE("FAIL", "WAIVED", "violated"), RULE("FAIL", "FAIL", "violated")},
         {"", ""},
         "regressions",
         "WAIVED -> FAIL"},
        {{RULE("PASS", "PASS", "none"), RULE("NOT_EXERCISED", "NOT_EXERCISED", "no program")},
         {"", ""},
         "regressions",
         "PASS -> NOT_EXERCISED"},
        {{RULE("PASS", "PASS", "none"), RULE("NOT_APPLICABLE", "NOT_APPLICABLE", "not advertised")},
         {"", ""},
         "changed",
         "PASS -> NOT_APPLICABLE"},
        {{RULE("NOT_COVERED", "NOT_COVERED", "no monitor"), RULE("NOT_COVERED", "NOT_COVERED", "beyond")},
         {"", ""},
         "changed",
         "no monitor -> beyond"},
        {{"", RULE("PASS", "PASS", "none")}, {"", ""}, "new", "A-1: - -> PASS"},
        {{RULE("FAIL", "FAIL", "violated"), ""}, {"", ""}, "missing", "A-1: FAIL -> -"},
        {{"", ""},
         {PROGRAM("p", "1", "COMPLETE", ""), PROGRAM("p", "1", "CRASH", "")},
         "regressions",
         "p: COMPLETE -> CRASH"},
        {{"", ""},
         {PROGRAM("p", "1", "TIMEOUT", ""), PROGRAM("p", "1", "COMPLETE", "")},
         "fixes",
         "p: TIMEOUT -> COMPLETE"},
        {{"", ""},
         {PROGRAM("p", "1", "COMPLETE", ""),
          PROGRAM("p", "1", "COMPLETE", FOUND("5") "," FOUND("6") "," FOUND("5"))},
         "changed",
         "p: no finding -> A-1\n"},
        {{"", ""},
         {PROGRAM("p", "1", "COMPLETE", FOUND("5")),
          PROGRAM("p", "1", "COMPLETE", FOUND("5") "," FOUND("5"))},
         NULL,
         NULL},
        {{"", ""},
         {PROGRAM("p", "1", "COMPLETE", FOUND("5")), PROGRAM("p", "1", "COMPLETE", FOUND("6"))},
         "changed",
         "p: A-1:5 -> A-1:6"},
        {{"", ""},
         {PROGRAM("p", "1", "COMPLETE", ""), PROGRAM("q", "1", "COMPLETE", "")},
         "renamed",
         "p: p -> q"},
        {{"", ""}, {PROGRAM("p", "0", "COMPLETE", ""), ""}, "missing", "p: COMPLETE -> -"},
        {{"", ""}, {"", PROGRAM("q", "0", "COMPLETE", "")}, "new", "q: - -> COMPLETE"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *a = document(rows[i].rules[0], rows[i].programs[0]);
        json_t *b = document(rows[i].rules[1], rows[i].programs[1]), *c = gpup_compare(a, b);
        for (size_t k = 0; k < 6; k++) {
            size_t wanted = rows[i].part && strcmp(parts[k], rows[i].part) == 0;
            if (json_array_size(json_object_get(c, parts[k])) != wanted)
                fail_msg("row %zu: %zu %s", i, json_array_size(json_object_get(c, parts[k])), parts[k]);
        }
        char out[1024] = "";
        FILE *file = fmemopen(out, sizeof out, "w");
        gpup_compare_print(c, file);
        fclose(file);
        if (!strstr(out, rows[i].line ? rows[i].line : "no difference"))
            fail_msg("row %zu: %s", i, out);
        json_decref(a);
        json_decref(b);
        json_decref(c);
    }
}

/* Renamed, and worse under its new name; without a hash nobody can tell. */
static void renamed_and_worse(void **state) {
    (void)state;
    json_t *a = document("", PROGRAM("p", "9", "COMPLETE", "")),
           *b = document("", PROGRAM("q", "9", "CRASH", ""));
    json_t *c = gpup_compare(a, b);
    assert_int_equal(json_array_size(json_object_get(c, "renamed")), 1);
    assert_int_equal(json_array_size(json_object_get(c, "regressions")), 1);
    json_decref(a);
    json_decref(b);
    json_decref(c);
    a = document("", PROGRAM("p", "0000", "COMPLETE", ""));
    b = document("", PROGRAM("q", "0000", "COMPLETE", ""));
    c = gpup_compare(a, b);
    assert_int_equal(json_array_size(json_object_get(c, "renamed")), 0);
    json_decref(a);
    json_decref(b);
    json_decref(c);
}

static void put_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void refused(const char *path, const char *words) {
    char message[1024] = "";
    assert_null(gpup_compare_load(path, message, sizeof message));
    if (strncmp(message, path, strlen(path)) != 0 || !strstr(message, words))
        fail_msg("expected '%s' about %s, found: %s", words, path, message);
}

static void write_package(const char *path, const char *results, bool seal) {
    struct gpup_package package = {0};
    char message[1024], root[65];
    uint8_t *bytes;
    size_t size;
    assert_true(!results || gpup_package_add(&package, "results.json", results, strlen(results), message,
                                             sizeof message));
    assert_true(gpup_package_add(&package, "statement.txt", "x", 1, message, sizeof message));
    assert_true(!seal || gpup_package_seal(&package, NULL, root, message, sizeof message));
    assert_true(gpup_package_write(&package, &bytes, &size, message, sizeof message));
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
    gpup_package_free(&package);
}

/* Results come from a directory or a package; what cannot be used is named, with its line where it has one.
 */
static void loaded(void **state) {
    static const char good[] = "{\"rules\": [], \"programs\": []}";
    char directory[] = "gpup-compare-XXXXXX", path[128], message[1024];
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/results.json", directory);
    refused(directory, "cannot be read");
    refused("there/is/nothing", "cannot be read");
    put_file(path, "{\n \"rules\": [,]}");
    refused(directory, "results.json:2:");
    put_file(path, "{\"rules\": []}");
    refused(directory, "expected lists of rules and programs");
    put_file(path, good);
    json_t *a = gpup_compare_load(directory, message, sizeof message);
    assert_non_null(a);
    refused(path, "archive"); /* a file is taken for a package */
    snprintf(path, sizeof path, "%s/p.gpup", directory);
    write_package(path, good, true);
    json_t *b = gpup_compare_load(path, message, sizeof message);
    assert_non_null(b);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
    write_package(path, good, false);
    refused(path, "MANIFEST");
    write_package(path, NULL, true);
    refused(path, "results.json: missing");
    write_package(path, "{\n}}", true);
    refused(path, "results.json:2:");
    write_package(path, "[]", true);
    refused(path, "expected lists of rules and programs");
    remove(path);
    snprintf(path, sizeof path, "%s/results.json", directory);
    remove(path);
    remove(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_difference), cmocka_unit_test(renamed_and_worse),
                                       cmocka_unit_test(loaded)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
