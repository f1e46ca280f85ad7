/* Two results beside each other: each kind of difference, and nothing for none. */
#include <gpup/compare.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_difference),
                                       cmocka_unit_test(renamed_and_worse)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
