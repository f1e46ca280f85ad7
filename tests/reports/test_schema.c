/* The checker finds what it is there to find, in a sound document with one edit at a time. */
#include "schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka.h needs the four above
#include <cmocka.h>

static const char sound[] =
    "{'format': 1, 'spec': '0123456789abcdef', 'implementation': {'name': 'x', 'hash': ''}, 'profile': "
    "'full',"
    " 'select': '', 'seed': null, 'strict': false, 'status': 1, 'meaning': 'words', 'rules': [{'id': "
    "'MSIX-001',"
    " 'sentence': 'words', 'area': 'MSIX', 'level': 'MUST', 'basis': 'D', 'subject': 'driver', 'sources': "
    "['R-WVI'], 'required': "
    "true, 'expected': false, 'expectation': null, 'shown': 'FAIL',"
    ""
    " 'verdict': 'FAIL', 'reason': 'violated', 'missing_observers': [], 'checks': 1, 'violations': 1,"
    " 'programs': 1}], 'programs': [{'name': 'msix/x', 'source': '0123456789abcdef', 'outcome': 'COMPLETE', "
    "'why': null, 'ddi': null,"
    " 'last_step': 3, 'trace': '0123456789abcdef', 'events': 9, 'calls': 1, 'findings': [{'rule': 'MSIX-001',"
    " 'verdict': 'FAIL', 'ddi': 'WriteVirtualizedInterrupt', 'class': 'legal', 'host': 0, 'vf': 0, 'step': 3,"
    " 'event': 8, 'key': 77, 'text': 'expected 1, found 2'}]}], 'sources': [{'id': 'R-WVI', 'title': 'x', "
    "'date': 'undated'}],"
    " 'missing_programs': 0}";

static json_t *schema;

/* The document with the first `from` replaced by `to`. */
static bool valid(const char *from, const char *to, char *message, size_t size) {
    char text[4096];
    const char *place = strstr(sound, from);
    assert_non_null(place);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(place - sound), sound, to, place + strlen(from));
    for (char *quote = text; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        fail_msg("%s: %s", to, error.text);
    bool ok = schema_check(schema, schema, value, message, size);
    json_decref(value);
    return ok;
}

static void sound_document(void **state) {
    char message[512];
    (void)state;
    if (!valid("'x'", "'y'", message, sizeof message))
        fail_msg("%s", message);
}

static void each_edit_is_found(void **state) {
    static const struct {
        const char *from, *to, *message;
    } edits[] = {
        {"'format': 1", "'format': 2", "/format: const 1"},
        {"'format': 1, ", "", "required \"format\""},
        {"'format'", "'extra': 0, 'format'", "unknown member extra"},
        {"0123456789abcdef", "0123", "/spec: pattern"},
        {"'full'", "'fulll'", "/profile: enum"},
        {"'seed': null", "'seed': -1", "/seed: minimum 0"},
        {"'strict': false", "'strict': 0", "/strict: type \"boolean\""},
        {"['R-WVI']", "[]", "/rules/0/sources: minItems 1"},
        {"'violated'", "'none'", "/rules/0: anyOf"},
        {"'FAIL', 'reason': 'violated'", "'NOT_OBSERVABLE', 'reason': 'no observer'", "/rules/0: anyOf"},
        {"'COMPLETE'", "'CRASH'", "/programs/0: anyOf"},
        {"'last_step': 3", "'last_step': 0", "/programs/0/last_step: minimum 1"},
        {"'host': 0", "'host': 2", "/programs/0/findings/0/host: enum"},
        {"'missing_programs': 0", "'missing_programs': -1", "/missing_programs: minimum 0"},
        {"'date': 'undated'", "'date': 'undated', 'url': 'x'", "/sources/0/url: pattern"},
        {"'key': 77", "'key': 'a'", "/programs/0/findings/0/key: type \"integer\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char message[512];
        if (valid(edits[i].from, edits[i].to, message, sizeof message))
            fail_msg("accepted: %s", edits[i].to);
        if (!strstr(message, edits[i].message))
            fail_msg("%s: expected '%s', found '%s'", edits[i].to, edits[i].message, message);
    }
}

static void unknown_keyword(void **state) {
    char message[512];
    json_t *odd = json_pack("{s:i}", "maximum", 3), *value = json_integer(4);
    (void)state;
    assert_false(schema_check(odd, odd, value, message, sizeof message));
    assert_non_null(strstr(message, "unknown keyword maximum"));
    json_decref(odd);
    json_decref(value);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sound_document), cmocka_unit_test(each_edit_is_found),
                                       cmocka_unit_test(unknown_keyword)};
    json_error_t error;
    schema = json_load_file(GPUP_RESULTS_SCHEMA, JSON_REJECT_DUPLICATES, &error);
    if (!schema) {
        fprintf(stderr, "%s:%d:%d: %s\n", GPUP_RESULTS_SCHEMA, error.line, error.column, error.text);
        return 1;
    }
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(schema);
    return failures ? 1 : 0;
}
