/* A package whose manifest is sound and whose contents are not. */
#include "fixture.h"

#include "../../../reports/package/member.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JOURNAL "journals/0001.jsonl.zst"

static char *unpacked(const struct gpup_package *package, const char *name, size_t *size) {
    char message[512];
    char *text = (char *)gpup_package_unpack(gpup_package_find(package, name), size, message, sizeof message);
    if (!text)
        fail_msg("%s", message);
    return text;
}

static void replace_file(const char *path, const char *from, const char *to) {
    size_t size;
    char *text = tool_file(path, &size), *place = strstr(text, from);
    if (!place)
        fail_msg("%s: no '%s'", path, from);
    char *edited = malloc(size + strlen(to) + 1);
    int length = sprintf(edited, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    tool_write(path, edited, (size_t)length);
    free(edited);
    free(text);
}

static void sound(void **state) {
    struct gpup_package package;
    char out[SPACE];
    (void)state;
    fixture_package("pair", 2, &package);
    if (fixture_verify(&package, NULL, out) != 0 || !strstr(out, "verified"))
        fail_msg("%s", out);
    gpup_package_free(&package);
}

/* A liar edits the journal before packaging: statement, results and manifest are all made from the lie. */
static void edited_verdict(void **state) {
    struct gpup_package package;
    char out[SPACE];
    size_t size;
    (void)state;
    fixture_package("bad", 1, &package);
    char *journal = unpacked(&package, JOURNAL, &size);
    assert_non_null(strstr(journal, "\"FAIL\""));
    free(journal);
    gpup_package_free(&package);
    char path[2 * TOOL_LONGEST];
    snprintf(path, sizeof path, "%s", tool_path("bad-1/events.jsonl"));
    json_t *lines[16];
    size_t count = 0;
    char *text = tool_file(path, &size), *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        lines[count++] = json_loads(line, 0, NULL);
    free(text);
    FILE *file = fopen(path, "w");
    for (size_t i = 0; i < count; i++) {
        json_t *rule;
        const char *id;
        json_object_foreach(json_object_get(lines[i], "rules"), id, rule) {
            if (json_integer_value(json_array_get(rule, 1)) == 0)
                continue;
            json_array_set_new(rule, 1, json_integer(0));
            json_array_set_new(rule, 2, json_string("PASS"));
        }
        if (json_object_get(lines[i], "findings"))
            json_array_clear(json_object_get(lines[i], "findings"));
        char *line = json_dumps(lines[i], JSON_COMPACT);
        fprintf(file, "%s\n", line);
        free(line);
        json_decref(lines[i]);
    }
    fclose(file);
    fixture_package("bad", 1, &package);
    assert_int_equal(fixture_verify(&package, NULL, out), 1);
    assert_non_null(strstr(out, "is said to be PASS, and its trace gives"));
    gpup_package_free(&package);
}

static void edited_members(void **state) {
    static const struct {
        const char *member, *from, *to, *words;
    } rows[] = {
        {"results.json", "\"verdict\": \"NOT_EXERCISED\"", "\"verdict\": \"PASS\"",
         "results.json: does not follow"},
        {"statement.txt", "passed", "PASSED", "statement.txt: does not follow"},
        {"statement.json", "\"failed\": 0", "\"failed\": -1", "statement.json: does not follow"},
        {"rules.json.zst", "\"level\": \"MUST\"", "\"level\": \"MAY\"", "rules.json.zst: does not follow"},
        {"settings.json", "false", "true", "does not follow"},
        {"settings.json", "strict", "other", "settings.json: expected"},
        {JOURNAL, "\"outcome\":\"COMPLETE\"", "\"outcome\":\"SKIPPED\"", "and its trace gives COMPLETE"},
        {JOURNAL, "\"shard\":[1,2]", "\"shard\":[2,2]", "shard 2 of 2 is there twice"},
        {JOURNAL, "\"shard\":[1,2]", "\"shard\":[1,3]", "belongs to another run"},
        {JOURNAL, "\"profile\":\"full\"", "\"profile\":\"smoke\"", "belongs to another run"},
        {JOURNAL, "\"calls\":", "\"calls\":1", "is not the trace that the journal speaks of"},
        {JOURNAL, "\"source\":\"", "\"source\":\"f", "are not those that the run had"},
        {JOURNAL, "\"events\":", "\"event\":", JOURNAL ":"},
        {"programs/pause/overlay.yaml", "steps:", "steps:\n  - StopVm: {vf: 1}", "is not the program"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gpup_package package;
        size_t size;
        fixture_package("pair", 2, &package);
        char *text = unpacked(&package, rows[i].member, &size), *place = strstr(text, rows[i].from);
        if (!place)
            fail_msg("%s: no '%s' in:\n%.600s", rows[i].member, rows[i].from, text);
        char *edited = malloc(size + 64);
        int length =
            sprintf(edited, "%.*s%s%s", (int)(place - text), text, rows[i].to, place + strlen(rows[i].from));
        fixture_replace(&package, rows[i].member, edited, (size_t)length);
        fixture_refused(&package, rows[i].words);
        free(edited);
        free(text);
        gpup_package_free(&package);
    }
}

static void missing_and_doubled(void **state) {
    struct gpup_package package;
    char *journal, *twice;
    size_t size;
    static const struct {
        const char *member, *words;
    } rows[] = {{"journals/0002.jsonl.zst", "shard 2 of 2 is missing"},
                {"traces/pause/overlay.trace.zst", "traces/pause/overlay.trace.zst: missing"},
                {"programs/pause/overlay.yaml", "programs/pause/overlay.yaml: missing"},
                {"statement.txt", "statement.txt: missing"},
                {"settings.json", "settings.json: missing"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_package("pair", 2, &package);
        gpup_package_remove(&package, rows[i].member);
        fixture_refused(&package, rows[i].words);
        gpup_package_free(&package);
    }
    fixture_package("pair", 2, &package);
    journal = unpacked(&package, JOURNAL, &size);
    const char *last = strstr(journal, "{\"program\"");
    assert_non_null(last);
    twice = malloc(2 * size + 1);
    int length = sprintf(twice, "%s%s", journal, last);
    fixture_replace(&package, JOURNAL, twice, (size_t)length);
    fixture_refused(&package, "a program stands twice");
    /* The same program in the other shard. */
    fixture_replace(&package, JOURNAL, journal, size);
    size_t other_size;
    char *other = unpacked(&package, "journals/0002.jsonl.zst", &other_size);
    char *both = malloc(size + other_size + 1);
    length = sprintf(both, "%s%s", other, last);
    fixture_replace(&package, "journals/0002.jsonl.zst", both, (size_t)length);
    fixture_refused(&package, "is in two shards");
    gpup_package_free(&package);
    free(both);
    free(other);
    free(twice);
    free(journal);
    fixture_package("pair", 2, &package);
    fixture_replace(&package, "evil.sh", "true", 4);
    fixture_refused(&package, "evil.sh: no such member belongs into a package");
    gpup_package_free(&package);
}

/* The trace of another program under this one's name. */
static void other_trace(void **state) {
    struct gpup_package package;
    size_t size;
    (void)state;
    fixture_package("pair", 2, &package);
    char *trace = unpacked(&package, "traces/pause/work.trace.zst", &size);
    fixture_replace(&package, "traces/pause/overlay.trace.zst", trace, size);
    fixture_refused(&package, "traces/pause/overlay.trace.zst: ");
    fixture_replace(&package, "traces/pause/overlay.trace.zst", trace, size / 2);
    fixture_refused(&package, "traces/pause/overlay.trace.zst: at byte");
    free(trace);
    gpup_package_free(&package);
}

static void unusable_runs(void **state) {
    struct gpup_package package;
    char message[SPACE], path[2 * TOOL_LONGEST];
    int status;
    (void)state;
    assert_int_equal(fixture_make("pair", 1, NULL, NULL, &package, &status, message), 2);
    assert_non_null(strstr(message, "shard 2 of 2 is missing"));
    fixture_run("bare", "reference", "pause/work", 1);
    snprintf(path, sizeof path, "%s", tool_path("bare-1/traces/pause-work.trace"));
    assert_int_equal(remove(path), 0);
    assert_int_equal(fixture_make("bare", 1, NULL, NULL, &package, &status, message), 2);
    assert_non_null(strstr(message, "run with --traces all"));
    assert_int_equal(fixture_make("nowhere", 1, NULL, NULL, &package, &status, message), 2);
    assert_non_null(strstr(message, "cannot be read"));
    fixture_run("old", "reference", "pause/work", 1);
    replace_file(tool_path("old-1/events.jsonl"), "\"source\":\"", "\"source\":\"f");
    assert_int_equal(fixture_make("old", 1, NULL, NULL, &package, &status, message), 2);
    assert_non_null(strstr(message, "this tool has another program of that name"));
}

static void expired_waiver(void **state) {
    static const char yaml[] = "- rule: PAUSE-001\n  kind: waiver\n  reason: r\n  until: 2020-01-31\n"
                               "  implementation: '*'\n  builds: [0, 9]\n  approver: a\n  link: l\n"
                               "  ddi: none\n  key: 1\n";
    struct gpup_package package;
    char message[SPACE];
    int status;
    (void)state;
    tool_write(tool_path("expired.yaml"), yaml, sizeof yaml - 1);
    assert_int_equal(fixture_make("pair", 2, tool_path("expired.yaml"), NULL, &package, &status, message), 0);
    assert_int_equal(status, 5);
    assert_non_null(strstr((const char *)gpup_package_find(&package, "statement.txt")->bytes, "WAIVED"));
    fixture_refused(&package, "the waiver of PAUSE-001 ended 2020-01-31");
    gpup_package_free(&package);
}

static void keys(void **state) {
    struct gpup_package package;
    uint8_t public_key[32], secret_key[64], other_public[32], other_secret[64];
    char out[SPACE], root[65];
    int status;
    (void)state;
    assert_true(sodium_init() >= 0);
    crypto_sign_keypair(public_key, secret_key);
    crypto_sign_keypair(other_public, other_secret);
    assert_int_equal(fixture_make("pair", 2, NULL, secret_key, &package, &status, out), 0);
    assert_int_equal(fixture_verify(&package, public_key, out), 0);
    assert_int_equal(fixture_verify(&package, NULL, out), 0);
    assert_int_equal(fixture_verify(&package, other_public, out), 1);
    assert_non_null(strstr(out, "SIGNATURE: made with another key"));
    struct gpup_member *m = (struct gpup_member *)gpup_package_find(&package, "SIGNATURE");
    for (size_t i = 0; i < m->size; i++) {
        m->bytes[i] ^= 1;
        assert_int_equal(fixture_verify(&package, NULL, out), 1);
        assert_non_null(strstr(out, "SIGNATURE: "));
        m->bytes[i] ^= 1;
    }
    assert_true(gpup_package_seal(&package, NULL, root, out, sizeof out)); /* stripped */
    assert_int_equal(fixture_verify(&package, NULL, out), 0);
    assert_int_equal(fixture_verify(&package, public_key, out), 1);
    assert_non_null(strstr(out, "SIGNATURE: missing"));
    gpup_package_free(&package);
}

static void other_specification(void **state) {
    struct gpup_package package;
    char out[SPACE], root[65];
    size_t size;
    (void)state;
    fixture_package("pair", 2, &package);
    char *text = unpacked(&package, "rules.json.zst", &size);
    json_t *rules = json_loads(text, 0, NULL), *list = json_object_get(rules, "rules");
    json_object_set_new(rules, "spec", json_string("0123456789abcdef"));
    char removed[32];
    snprintf(removed, sizeof removed, "new      %s", tool_text(json_array_get(list, 0), "id"));
    json_array_remove(list, 0);
    json_object_set_new(json_array_get(list, 0), "level", json_string("MAY"));
    json_array_append_new(list, json_pack("{s:s}", "id", "GONE-001"));
    free(text);
    text = json_dumps(rules, 0);
    fixture_replace(&package, "rules.json.zst", text, strlen(text));
    assert_true(gpup_package_seal(&package, NULL, root, out, sizeof out));
    assert_int_equal(fixture_verify(&package, NULL, out), 4);
    assert_non_null(strstr(out, removed));
    assert_non_null(strstr(out, "level: MAY -> MUST"));
    assert_non_null(strstr(out, "gone     GONE-001"));
    assert_null(strstr(out, "verdict:")); /* the traces give what they gave */
    free(text);
    json_decref(rules);
    gpup_package_free(&package);
}

static int start(void **state) {
    (void)state;
    tool_directory("verify");
    fixture_run("pair", "reference", "pause/[ow]*", 2);
    fixture_run("bad", "yesman", "pause/[ow]*", 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sound),
                                       cmocka_unit_test(edited_verdict),
                                       cmocka_unit_test(edited_members),
                                       cmocka_unit_test(missing_and_doubled),
                                       cmocka_unit_test(other_trace),
                                       cmocka_unit_test(unusable_runs),
                                       cmocka_unit_test(expired_waiver),
                                       cmocka_unit_test(keys),
                                       cmocka_unit_test(other_specification)};
    return cmocka_run_group_tests(tests, start, NULL) ? 1 : 0;
}
