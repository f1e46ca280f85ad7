/* In our own world the recorder sees what the world sees, as far as it can see; and losses are never silent.
 */
#include "filter.h"
#include "played.h"

#include <gpup/scenarios.h>
#include <gpup/spec_ids.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAULT "BUG-120"
#define FAULTY_PROGRAM "migration/two-sessions"

static struct played played;
static const struct gpup_static_implementation none[] = {{NULL, NULL, NULL}};

static void open_driver(struct gpup_binding *driver, const char *defect) {
    char name[4096], message[512] = "";
    snprintf(name, sizeof name, "%s%s%s", RECORD_DRIVER, *defect ? ":" : "", defect);
    if (gpup_binding_open(driver, name, none, message, sizeof message) != 0)
        fail_msg("%s", message);
}

static size_t number_of(const char *name) {
    const struct gpup_scenario *s = gpup_scenario_find(name);
    return s ? (size_t)(s - gpup_scenarios) : gpup_scenario_count;
}

static bool load(size_t scenario, struct gpup_program *program) {
    const struct gpup_scenario *s = &gpup_scenarios[scenario];
    assert_true(gpup_program_decode(s->bytes, s->size, program));
    if (played_is_legal(program))
        return true;
    gpup_program_free(program);
    return false;
}

static unsigned play(const struct gpup_binding *driver, size_t scenario) {
    struct gpup_program program;
    if (!load(scenario, &program))
        return 0;
    assert_true(played_run(&played, driver, &program));
    gpup_program_free(&program);
    return 1;
}

/* As far as it may be judged, a rule is judged alike; and nothing is found that is not there. */
static unsigned same_verdicts(const char *name) {
    const struct gpup_rule_result *full = gpup_judge_results(played.full),
                                  *seen = gpup_judge_results(played.seen);
    const struct gpup_finding *f;
    unsigned bad = 0;
    size_t count = gpup_judge_findings(played.seen, &f);
    for (size_t i = 0; i < count; i++)
        if (!full[f[i].rule].violations) {
            print_error("%s: %s only from the recorder's trace: %s\n", name, gpup_rule_id(f[i].rule),
                        f[i].text);
            bad++;
        }
    for (unsigned rule = 0; rule < GPUP_RULE_COUNT; rule++) {
        bool sees = !(gpup_rules[rule].observers & ~(uint32_t)GPUP_OBSERVER_callbacks);
        bool missed = sees && full[rule].violations && !seen[rule].violations;
        bool guessed = !sees && (seen[rule].verdict == GPUP_PASS || seen[rule].violations);
        if (missed || guessed)
            print_error("%s: %s is %s in the run and %s from the recorder's trace\n", name,
                        gpup_rule_id((uint16_t)rule), gpup_verdict_name(full[rule].verdict),
                        gpup_verdict_name(seen[rule].verdict));
        bad += missed || guessed;
    }
    return bad;
}

static void same_trace(void **state) {
    struct gpup_binding driver;
    unsigned programs = 0, events = 0, bad = 0, judged = 0;
    char text[1200];
    (void)state;
    open_driver(&driver, "");
    for (size_t i = 0; i < gpup_scenario_count; i++) {
        if (!play(&driver, i))
            continue;
        programs++;
        events += pair_compare(&played.world, &played.recorder, text, sizeof text);
        bool same = !text[0] || played.together;
        bool whole = !played.damaged && !played.lost && played.headers && played.ends == played.headers;
        if (!same || !whole)
            print_error("%s: %s; %u records damaged, %llu lost, %u traces, %u ends\n", gpup_scenarios[i].name,
                        text, played.damaged, (unsigned long long)played.lost, played.headers, played.ends);
        bad += !same + !whole;
        bad += same_verdicts(gpup_scenarios[i].name);
        for (unsigned rule = 0; rule < GPUP_RULE_COUNT; rule++)
            judged += gpup_judge_results(played.seen)[rule].verdict == GPUP_PASS;
    }
    gpup_binding_close(&driver);
    print_message("%u programs, %u events the same, %u passes, %u bad\n", programs, events, judged, bad);
    assert_int_equal(bad, 0);
    assert_true(programs > 100 && events > 10000 && judged > 5000);
}

/* Some records are not taken: so many are told, and nothing passes. Whatever was lost, nothing is found. */
static void losses(void **state) {
    struct gpup_binding driver;
    unsigned tried = 0;
    (void)state;
    open_driver(&driver, "");
    for (unsigned from = 2; from < 200; from += 3) {
        played.refuse_from = from;
        played.refuse = 1 + from % 5;
        const unsigned refused = played.refuse;
        if (!play(&driver, number_of("msix/program-all")))
            continue;
        const struct gpup_finding *f;
        assert_int_equal(played.refuse, 0);
        assert_int_equal(played.lost, refused);
        assert_int_equal(gpup_judge_findings(played.seen, &f), 0);
        for (unsigned rule = 0; rule < GPUP_RULE_COUNT; rule++) {
            const struct gpup_rule_result *r = &gpup_judge_results(played.seen)[rule];
            if (gpup_rules[rule].monitor == GPUP_SPEC_NONE)
                continue;
            assert_int_equal(r->verdict, GPUP_NOT_OBSERVABLE);
            assert_int_equal(r->detail, GPUP_OBSERVER_whole_trace);
        }
        tried++;
    }
    played.refuse = played.refuse_from = 0;
    gpup_binding_close(&driver);
    assert_true(tried > 20);
}

/* Rules that the run saw broken, and that the calls alone tell. A driver that dies writes no more. */
static unsigned same_failures(const char *defect, unsigned *bad) {
    const struct gpup_rule_result *full = gpup_judge_results(played.full),
                                  *seen = gpup_judge_results(played.seen);
    unsigned broken = 0;
    for (unsigned rule = 0; rule < GPUP_RULE_COUNT && !played.died; rule++) {
        if (!full[rule].violations || gpup_rules[rule].observers & ~(uint32_t)GPUP_OBSERVER_callbacks)
            continue;
        bool same = seen[rule].violations && full[rule].verdict == seen[rule].verdict;
        if (!same)
            print_error("%s: %s is %s in the run, and %s from the recorder's trace\n", defect,
                        gpup_rule_id((uint16_t)rule), gpup_verdict_name(full[rule].verdict),
                        gpup_verdict_name(seen[rule].verdict));
        *bad += !same;
        broken++;
    }
    return broken;
}

/* Every seeded fault with the program that finds it: the recorder's trace fails what the run fails. */
static void defects(void **state) {
    FILE *matrix = fopen(MATRIX, "r");
    char line[256], defect[32], program[128];
    unsigned tried = 0, broken = 0, bad = 0;
    (void)state;
    assert_non_null(matrix);
    while (fgets(line, sizeof line, matrix)) {
        struct gpup_binding driver;
        if (sscanf(line, "%31s %*s %*s %*u rules %127s", defect, program) != 2 ||
            number_of(program) == gpup_scenario_count || strncmp(program, "framework/", 10) == 0)
            continue;
        open_driver(&driver, defect);
        if (play(&driver, number_of(program))) {
            broken += same_failures(defect, &bad);
            tried++;
        }
        gpup_binding_close(&driver);
    }
    fclose(matrix);
    print_message("%u faults, %u rules broken where calls tell, %u judged otherwise\n", tried, broken, bad);
    assert_int_equal(bad, 0);
    assert_true(tried > 50 && broken >= 5);
}

static void write_trace(const struct gpup_binding *driver, const char *name, const char *file) {
    assert_int_equal(play(driver, number_of(name)), 1);
    FILE *out = fopen(file, "wb");
    assert_non_null(out);
    assert_false(played.raw.failed);
    assert_int_equal(fwrite(played.raw.bytes, 1, played.raw.size, out), played.raw.size);
    assert_int_equal(fclose(out), 0);
}

/* What the recorder wrote, as files for the tool (check.cmake). */
static void files(void **state) {
    struct gpup_binding driver;
    (void)state;
    open_driver(&driver, "");
    write_trace(&driver, "msix/program-all", "sound.trace");
    played.refuse_from = 100;
    played.refuse = 2;
    write_trace(&driver, "msix/program-all", "lost.trace");
    played.refuse = 0;
    gpup_binding_close(&driver);
    open_driver(&driver, FAULT);
    write_trace(&driver, FAULTY_PROGRAM, "faulty.trace");
    gpup_binding_close(&driver);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_trace), cmocka_unit_test(losses),
                                       cmocka_unit_test(defects), cmocka_unit_test(files)};
    if (!played_begin(&played))
        return 3;
    int rc = cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
    played_end(&played);
    return rc;
}
