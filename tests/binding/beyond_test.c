/* An image that imports what this suite does not play: it loads, programs that do not come there are judged,
 * and in the others the suite names what it lacks, and accuses nobody. */
#include "../runner/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NAME "ntoskrnl.exe!KeUnheardOf"

static json_t *run(const char *select, int status) {
    struct tool t = tool_run("run " GPUP_TEST_BEYOND " --strict --select '%s' --out $D/out", select);
    if (t.status != status)
        print_message("%s%s", t.out, t.err);
    assert_int_equal(t.status, status);
    tool_free(&t);
    return tool_json(tool_path("out/results.json"));
}

static unsigned rules_with(const json_t *results, const char *verdict) {
    json_t *rule;
    size_t i;
    unsigned count = 0;
    json_array_foreach(json_object_get(results, "rules"), i, rule) count +=
        strcmp(tool_text(rule, "verdict"), verdict) == 0;
    return count;
}

static void programs_without_it_are_judged(void **state) {
    json_t *results = run("resources/much", 4); /* 4: not every rule is about it */
    (void)state;
    assert_string_equal(tool_text(tool_program(results, "resources/much"), "outcome"), "COMPLETE");
    assert_true(rules_with(results, "PASS") > 20);
    json_decref(results);
}

static void the_call_is_named(void **state) {
    json_t *results = run("sriov/config-reads", 3);
    const json_t *program = tool_program(results, "sriov/config-reads");
    (void)state;
    assert_string_equal(tool_text(program, "outcome"), "ERROR");
    assert_non_null(strstr(tool_text(program, "why"), NAME));
    assert_non_null(strstr(tool_text(program, "why"), "in ReadVirtualFunctionConfig"));
    assert_non_null(strstr(tool_text(program, "why"), ", step "));
    assert_int_equal(rules_with(results, "FAIL") + rules_with(results, "WARN") + rules_with(results, "PASS"),
                     0);
    json_decref(results);
}

static void it_is_listed(void **state) {
    struct tool t = tool_run("list imports " GPUP_TEST_BEYOND);
    (void)state;
    assert_int_equal(t.status, 0);
    assert_non_null(strstr(t.out, "-            ntoskrnl.exe     KeUnheardOf\n"));
    assert_non_null(strstr(t.out, "supported    dxgkrnl.sys      DxgkInitialize\n"));
    tool_free(&t);
    t = tool_run("list imports --json " GPUP_TEST_BEYOND);
    json_t *all = json_loads(t.out, 0, NULL), *row;
    size_t i, missing = 0;
    json_array_foreach(all, i, row) missing += json_is_false(json_object_get(row, "supported"));
    assert_true(i > 30);
    assert_int_equal(missing, 1);
    json_decref(all);
    tool_free(&t);
    t = tool_run("list imports /dev/null");
    assert_int_equal(t.status, 2);
    tool_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_without_it_are_judged),
                                       cmocka_unit_test(the_call_is_named), cmocka_unit_test(it_is_listed)};
    tool_directory("beyond");
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
