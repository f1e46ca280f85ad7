/* Exit statuses, lists, and the proof that one image of an implementation serves two hosts. */
#include "tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static void expect(int status, const char *arguments) {
    struct tool t = tool_run("%s", arguments);
    if (t.status != status)
        fail_msg("gpup-cts %s ended with %d, expected %d: %s", arguments, t.status, status, t.err);
    tool_free(&t);
}

static void every_status(void **state) {
    (void)state;
    expect(0, "run --select MSIX-001 --out $D/zero"); /* required, judged, passed */
    expect(0, "run --select 'MSIX-00[1-7]' --out $D/zero");
    expect(0, "replay msix/program-all");
    expect(0, "run --out $D/all");
    expect(0, "help");
    expect(0, "list scenarios");
    expect(1, "run refuser --out $D/one");
    expect(1, "run yesman --out $D/one");
    expect(1, "replay msix/program-all refuser");
    expect(2, "run --select NOTHING");
    expect(3, "run " GPUP_TEST_BAD "/object-nothing.so --out $D/three");
    expect(4, "run --select 'pause/*' --out $D/four"); /* one area: not every required rule */
    expect(4, "run null --out $D/null");
    expect(4, "report $D/four");
}

/* Without the address space for a world nothing of the driver runs: nothing is said of it. */
static void no_room_for_a_world(void **state) {
    struct rlimit before, narrow;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    narrow = before;
    narrow.rlim_cur = (rlim_t)8 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &narrow), 0);
    struct tool t = tool_run("run --select pause/work --out $D/narrow");
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(t.status, 3);
    assert_non_null(strstr(t.out, "the world could not be made"));
    assert_null(strstr(t.out, "CRASH"));
    tool_free(&t);
}

/* What `run` says, `report` says again from its journal, and results.json holds. */
static void status_in_results(void **state) {
    (void)state;
    static const char *const outs[] = {"zero", "all", "one", "four", "null"};
    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++) {
        json_t *results = tool_json(tool_path("%s/results.json", outs[i]));
        struct tool t = tool_run("report $D/%s", outs[i]);
        assert_int_equal(t.status, json_integer_value(json_object_get(results, "status")));
        json_decref(results);
        tool_free(&t);
    }
}

static void list_rules(void **state) {
    (void)state;
    static const char *const levels[] = {"MUST", "SHOULD", "MAY", "ASSUMED"},
                             *const bases[] = {"D", "H", "C", "I", "A"},
                             *const subjects[] = {"driver", "framework", "host"};
    struct tool t = tool_run("list rules --json");
    json_t *rules = json_loads(t.out, JSON_REJECT_DUPLICATES, NULL), *rule;
    size_t i, judged = 0;
    assert_true(json_is_array(rules));
    assert_true(json_array_size(rules) > 400);
    json_array_foreach(rules, i, rule) {
        bool level = false, basis = false, subject = false;
        for (unsigned k = 0; k < 4; k++)
            level = level || strcmp(levels[k], tool_text(rule, "level")) == 0;
        for (unsigned k = 0; k < 5; k++)
            basis = basis || strcmp(bases[k], tool_text(rule, "basis")) == 0;
        for (unsigned k = 0; k < 3; k++)
            subject = subject || strcmp(subjects[k], tool_text(rule, "subject")) == 0;
        if (!*tool_text(rule, "id") || !level || !basis || !subject ||
            !json_array_size(json_object_get(rule, "source")) ||
            !json_is_boolean(json_object_get(rule, "judged")))
            fail_msg("rule %zu, '%s', lacks a member or has an unknown value", i, tool_text(rule, "id"));
        judged += json_is_true(json_object_get(rule, "judged"));
    }
    assert_true(judged > 100 && judged < json_array_size(rules));
    json_decref(rules);
    tool_free(&t);
}

static void other_lists(void **state) {
    (void)state;
    static const char *const names[] = {"rules", "scenarios", "ddis", "defects"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tool t = tool_run("list %s --json", names[i]);
        json_t *items = json_loads(t.out, JSON_REJECT_DUPLICATES, NULL), *item;
        size_t k, lines = 0;
        assert_int_equal(t.status, 0);
        assert_true(json_array_size(items) >= 5);
        json_array_foreach(items, k, item) assert_true(*tool_text(item, "id"));
        tool_free(&t);
        t = tool_run("list %s", names[i]);
        for (const char *c = t.out; *c; c++)
            lines += *c == '\n';
        assert_int_equal(lines, json_array_size(items));
        json_decref(items);
        tool_free(&t);
    }
}

static void expect_same_course(const char *plain, const char *with_globals) {
    json_t *a = tool_json(tool_path("%s/results.json", plain)),
           *b = tool_json(tool_path("%s/results.json", with_globals));
    size_t i;
    json_t *item;
    bool restored = false;
    json_array_foreach(json_object_get(a, "programs"), i, item) {
        const json_t *other = tool_program(b, tool_text(item, "name"));
        assert_non_null(other);
        assert_string_equal(tool_text(other, "outcome"), "COMPLETE");
        if (!json_equal(json_object_get(item, "calls"), json_object_get(other, "calls")) ||
            !json_equal(json_object_get(item, "findings"), json_object_get(other, "findings")))
            fail_msg("%s went another way with globals", tool_text(item, "name"));
    }
    json_array_foreach(json_object_get(b, "rules"), i, item) {
        if (strcmp(tool_text(item, "id"), "LM-067") ==
            0) /* the target's VRAM equals the source's at the pause */
            restored = strcmp(tool_text(item, "verdict"), "PASS") == 0;
    }
    assert_true(restored);
    json_decref(a);
    json_decref(b);
}

/* Interface tables that were handed over are judged, and what they hold counts as offered, as of one that was
 * asked for by GUID. */
static void expect_offered(const char *out) {
    json_t *results = tool_json(tool_path("%s/results.json", out));
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(results, "rules"), i, item) {
        if (strcmp(tool_text(item, "id"), "CAP-028") == 0) /* no function of a table is NULL */
            assert_string_equal(tool_text(item, "verdict"), "PASS");
        if (strcmp(tool_text(item, "id"), "VMB-001") == 0)
            assert_string_equal(tool_text(item, "verdict"), "NOT_OBSERVABLE");
    }
    json_decref(results);
}

/* A simulator with its state in memory of each host, and in the globals of one image. */
static void one_image_with_tables(void **state) {
    (void)state;
    expect(4, "run " GPUP_TEST_EXAMPLES "/example-simulator.so --select 'm*' --out $D/memory");
    expect(4, "run " GPUP_TEST_GLOBALS "/example-globals.so --select 'm*' --out $D/globals");
    expect_same_course("memory", "globals");
    expect_offered("memory");
}

/* A miniport that knows its adapter by device extension, and by a global. */
static void one_image_with_driver_entry(void **state) {
    (void)state;
    expect(4, "run reference --select 'm*/[!d]*' --out $D/extension"); /* one adapter, one kind of driver */
    expect(4, "run " GPUP_TEST_BAD "/global-driver.so --select 'm*/[!d]*' --out $D/driver");
    expect_same_course("extension", "driver");
}

static int start(void **state) {
    (void)state;
    tool_directory("status");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_status),
                                       cmocka_unit_test(no_room_for_a_world),
                                       cmocka_unit_test(status_in_results),
                                       cmocka_unit_test(list_rules),
                                       cmocka_unit_test(other_lists),
                                       cmocka_unit_test(one_image_with_tables),
                                       cmocka_unit_test(one_image_with_driver_entry)};
    return cmocka_run_group_tests(tests, start, NULL) ? 1 : 0;
}
