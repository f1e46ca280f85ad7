/*
 * One run, however it is made: the same bytes in results.json, and in junit.xml apart from times. And a
 * stored trace judged again gives the verdicts of the run.
 */
#include "tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One program of each area that has one, with steps of every class. */
#define FEW "*/negative"

static void run(const char *out, const char *implementation, const char *select, const char *options) {
    struct tool t = tool_run("run %s --select '%s' --out $D/%s %s", implementation, select, out, options);
    if (t.status != 0 && t.status != 1 && t.status != 4)
        fail_msg("run %s --select %s %s ended with %d: %s", implementation, select, options, t.status, t.err);
    tool_free(&t);
}

/* Every time="..." becomes time="". */
static char *without_times(char *text) {
    char *to = text;
    for (const char *from = text; *from;) {
        if (strncmp(from, " time=\"", 7) == 0) {
            from = strchr(from + 7, '"') + 1;
            continue;
        }
        *to++ = *from++;
    }
    *to = 0;
    return text;
}

static void expect_same(const char *a, const char *b) {
    char *first = tool_file(tool_path("%s/results.json", a), NULL),
         *second = tool_file(tool_path("%s/results.json", b), NULL);
    if (strcmp(first, second) != 0)
        fail_msg("results.json of %s and %s differ", a, b);
    free(first);
    free(second);
    first = without_times(tool_file(tool_path("%s/junit.xml", a), NULL));
    second = without_times(tool_file(tool_path("%s/junit.xml", b), NULL));
    if (strcmp(first, second) != 0)
        fail_msg("junit.xml of %s and %s differ in more than times", a, b);
    free(first);
    free(second);
}

static void jobs_and_order(void **state) {
    (void)state;
    static const struct {
        const char *implementation, *select;
    } rows[] = {
        {"reference", "*"}, {"refuser", FEW}, {"yesman", FEW}, {GPUP_TEST_BAD "/bad-abort.so", "msix/*"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run("one", rows[i].implementation, rows[i].select, "--jobs 1");
        run("four", rows[i].implementation, rows[i].select, "--jobs 4");
        run("reverse", rows[i].implementation, rows[i].select, "--jobs 2 --reverse");
        expect_same("one", "four");
        expect_same("one", "reverse");
    }
}

static void seeds_make_a_difference(void **state) {
    (void)state;
    run("seed7", "reference", "sync/*", "--seed 7");
    run("seed7again", "reference", "sync/*", "--seed 7 --jobs 3 --reverse");
    run("seed8", "reference", "sync/*", "--seed 8");
    expect_same("seed7", "seed7again");
    char *seven = tool_file(tool_path("seed7/results.json"), NULL),
         *eight = tool_file(tool_path("seed8/results.json"), NULL);
    assert_string_not_equal(seven, eight); /* else the comparison above would prove nothing */
    free(seven);
    free(eight);
}

static void shards(void **state) {
    (void)state;
    run("whole", "yesman", FEW, "");
    size_t programs = 0;
    for (unsigned i = 1; i <= 3; i++) {
        char out[16], options[32];
        snprintf(out, sizeof out, "s%u", i);
        snprintf(options, sizeof options, "--shard %u/3", i);
        run(out, "yesman", FEW, options);
        json_t *part = tool_json(tool_path("%s/results.json", out));
        size_t count = json_array_size(json_object_get(part, "programs"));
        assert_true(count >= 1);
        programs += count;
        json_decref(part);
    }
    json_t *whole = tool_json(tool_path("whole/results.json"));
    assert_int_equal(programs, json_array_size(json_object_get(whole, "programs")));
    json_decref(whole);
    struct tool t = tool_run("report $D/s3 $D/s1 $D/s2 --out $D/merged");
    assert_int_equal(t.status, 1);
    tool_free(&t);
    expect_same("whole", "merged");
}

static unsigned lines(const char *text) {
    unsigned count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* Killed for real, as soon as some programs are in the journal. */
static void killed(void **state) {
    (void)state;
    run("undisturbed", GPUP_TEST_EXAMPLES "/example-simulator.so", "m*", "");
    assert_int_equal(
        system("'" GPUP_TEST_TOOL "' run " GPUP_TEST_EXAMPLES
               "/example-simulator.so --select 'm*' --jobs 1 --out $D/killed >/dev/null 2>&1 & pid=$!;"
               "i=0; while [ $i -lt 500 ] && [ \"$(cat $D/killed/events.jsonl 2>/dev/null | wc -l)\""
               " -lt 4 ];"
               "do sleep 0.01; i=$((i+1)); done; kill -9 $pid; wait $pid 2>/dev/null; true"),
        0);
    char *before = tool_file(tool_path("killed/events.jsonl"), NULL),
         *all = tool_file(tool_path("undisturbed/events.jsonl"), NULL);
    assert_true(lines(before) >= 3 && lines(before) < lines(all));
    free(before);
    free(all);
    run("killed", GPUP_TEST_EXAMPLES "/example-simulator.so", "m*", "--resume");
    expect_same("undisturbed", "killed");
}

/* A journal that ends anywhere behind its first line. */
static void cut_journal(void **state) {
    (void)state;
    size_t size;
    run("uncut", "refuser", FEW, "");
    run("cut", "refuser", FEW, "");
    char *journal = tool_file(tool_path("uncut/events.jsonl"), &size);
    size_t header = (size_t)(strchr(journal, '\n') - journal) + 1;
    for (unsigned i = 0; i <= 8; i++) {
        size_t keep = header + (size - header) * i / 8;
        keep -= i == 8 ? 5 : 0; /* in the middle of the last line */
        tool_write(tool_path("cut/events.jsonl"), journal, keep);
        if (i != 0 && journal[keep - 1] != '\n') {
            struct tool t = tool_run("report $D/cut"); /* of what is there, and it says so */
            assert_true(t.status == 1 || t.status == 4);
            assert_non_null(strstr(t.err, "cut short"));
            tool_free(&t);
        }
        run("cut", "refuser", FEW, "--resume --jobs 2");
        expect_same("uncut", "cut");
    }
    free(journal);
}

/* --- stored traces ------------------------------------------------------------------------------------- */
static void expect_verdict(const char *program, const json_t *rule, const json_t *judged) {
    json_int_t checks = 0, violations = 0, detail;
    const char *verdict = tool_text(rule, "verdict"), *wanted = NULL;
    if (judged && json_unpack((json_t *)judged, "[I, I, s, I]", &checks, &violations, &wanted, &detail) != 0)
        fail_msg("%s: the journal's line is not as expected", program);
    bool same = wanted ? strcmp(verdict, wanted) == 0
                       : strcmp(verdict, "NOT_EXERCISED") == 0 || strcmp(verdict, "NOT_COVERED") == 0;
    if (!same || json_integer_value(json_object_get(rule, "checks")) != checks ||
        json_integer_value(json_object_get(rule, "violations")) != violations)
        fail_msg("%s: %s is %s from the stored trace, %s in the run", program, tool_text(rule, "id"), verdict,
                 wanted ? wanted : "not judged");
}

static void expect_judged_again(const char *out, const json_t *line) {
    char name[256];
    size_t i;
    json_t *rule;
    snprintf(name, sizeof name, "%s", tool_text(line, "program"));
    for (char *c = name; (c = strchr(c, '/')) != NULL;)
        *c = '-';
    struct tool t = tool_run("check $D/%s/traces/%s.trace --json", out, name);
    json_t *again = json_loads(t.out, 0, NULL);
    if (!again)
        fail_msg("check %s ended with %d: %s", name, t.status, t.err);
    json_array_foreach(json_object_get(again, "rules"), i, rule)
        expect_verdict(name, rule, json_object_get(json_object_get(line, "rules"), tool_text(rule, "id")));
    const json_t *program = json_array_get(json_object_get(again, "programs"), 0);
    const json_t *findings = json_object_get(program, "findings"),
                 *before = json_object_get(line, "findings");
    assert_string_equal(tool_text(program, "outcome"), tool_text(line, "outcome"));
    assert_string_equal(tool_text(program, "trace"), tool_text(line, "trace"));
    assert_int_equal(json_array_size(findings), json_array_size(before));
    for (i = 0; i < json_array_size(findings); i++) {
        assert_string_equal(tool_text(json_array_get(findings, i), "rule"),
                            tool_text(json_array_get(before, i), "rule"));
        assert_string_equal(tool_text(json_array_get(findings, i), "text"),
                            tool_text(json_array_get(before, i), "text"));
    }
    json_decref(again);
    tool_free(&t);
}

static void traces_again(void **state) {
    const char *implementation = *state;
    run("traces", implementation, strcmp(implementation, "reference") == 0 ? "*/[a-n]*" : "msix/*",
        "--traces all");
    char *journal = tool_file(tool_path("traces/events.jsonl"), NULL), *rest = NULL;
    unsigned programs = 0;
    for (char *text = strtok_r(journal, "\n", &rest); text; text = strtok_r(NULL, "\n", &rest)) {
        json_t *line = json_loads(text, 0, NULL);
        assert_non_null(line);
        if (json_object_get(line, "program")) {
            expect_judged_again("traces", line);
            programs++;
        }
        json_decref(line);
    }
    assert_true(programs >= 10);
    free(journal);
}

static int start(void **state) {
    (void)state;
    tool_directory("same");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_and_order),
        cmocka_unit_test(seeds_make_a_difference),
        cmocka_unit_test(shards),
        cmocka_unit_test(killed),
        cmocka_unit_test(cut_journal),
        {"traces of the reference", traces_again, NULL, NULL, "reference"},
        {"traces of the refuser", traces_again, NULL, NULL, "refuser"},
        {"traces of a crash", traces_again, NULL, NULL, GPUP_TEST_BAD "/bad-abort.so"},
        {"traces of a fault", traces_again, NULL, NULL, GPUP_TEST_BAD "/bad-null.so"},
    };
    return cmocka_run_group_tests(tests, start, NULL) ? 1 : 0;
}
