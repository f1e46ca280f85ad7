/*
 * Implementations that go wrong in one call of one program: that program says so, with the DDI and the step,
 * and every other result is the one of the honest implementation, event for event.
 */
#include "tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VICTIM "msix/power"
static json_t *honest;

static int run_honest(void **state) {
    (void)state;
    tool_directory("bad");
    struct tool t =
        tool_run("run %s/example-simulator.so --select 'msix/*' --out $D/honest", GPUP_TEST_EXAMPLES);
    print_message("%s", t.err);
    assert_true(t.status == 0 || t.status == 4); /* nothing failed; it cannot show everything */
    tool_free(&t);
    honest = tool_json(tool_path("honest/results.json"));
    return 0;
}

static int forget_honest(void **state) {
    (void)state;
    json_decref(honest);
    return 0;
}

static void check_others(const json_t *results) {
    size_t i;
    json_t *program;
    assert_int_equal(json_array_size(json_object_get(results, "programs")),
                     json_array_size(json_object_get(honest, "programs")));
    json_array_foreach(json_object_get(honest, "programs"), i, program) {
        const char *name = tool_text(program, "name");
        const json_t *other = tool_program(results, name);
        assert_non_null(other);
        if (strcmp(name, VICTIM) != 0 && !json_equal(program, other))
            fail_msg("%s: its result differs from that of the honest implementation", name);
    }
}

static void check_victim(const json_t *results) {
    const json_t *program = tool_program(results, VICTIM);
    const char *outcome = tool_text(program, "outcome"), *why = tool_text(program, "why");
    print_message("  %s: %s\n", outcome, why);
    assert_true(strcmp(outcome, "CRASH") == 0 || strcmp(outcome, "TIMEOUT") == 0);
    assert_string_equal(tool_text(program, "ddi"), "WriteVirtualizedInterrupt");
    assert_int_equal(json_integer_value(json_object_get(program, "last_step")), 6);
    assert_non_null(strstr(why, "WriteVirtualizedInterrupt, step 6"));
    assert_true(json_array_size(json_object_get(program, "findings")) >= 1);
}

static void only_its_own_program(void **state) {
    const char *name = *state;
    struct tool t = tool_run("run %s/bad-%s.so --select 'msix/*' --out $D/%s --timeout 2 --jobs 2",
                             GPUP_TEST_BAD, name, name);
    print_message("%s", t.err);
    assert_int_equal(t.status, 1);
    tool_free(&t);
    json_t *results = tool_json(tool_path("%s/results.json", name));
    check_victim(results);
    check_others(results);
    json_decref(results);
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[64];
    memset(tests, 0, sizeof tests);
    size_t count = 0;
    for (int i = 1; i < argc && count < sizeof tests / sizeof *tests; i++)
        tests[count++] =
            (struct CMUnitTest){.name = argv[i], .test_func = only_its_own_program, .initial_state = argv[i]};
    if (count == 0)
        return 2;
    return _cmocka_run_group_tests("bad", tests, count, run_honest, forget_honest) ? 1 : 0;
}
