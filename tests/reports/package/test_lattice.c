/* The two axes of verdicts: every pair, every order, every reason. */
#include <gpup/reports.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Rows: COMPLETE, SKIPPED, ERROR, TIMEOUT, CRASH. Columns: PASS, FAIL, WARN, POLICY, NOT_APPLICABLE,
 * NOT_OBSERVABLE, NOT_EXERCISED, NOT_COVERED. */
static const char pairs[5][GPUP_VERDICTS + 1] = {"yyyyyyyy", "yyyyyyyy", "......yy", "yyyyyyyy", "yyyyyyyy"};

/* Rows: verdicts. Columns: none, violated, not advertised, no observer, no program, no monitor, beyond. */
static const char reasons[GPUP_VERDICTS][GPUP_REASONS + 1] = {"y......", ".y.....", ".y.....", ".y.....",
                                                              "..y....", "...y...", "....y..", ".....yy"};

static void legal_pairs(void **state) {
    (void)state;
    for (unsigned outcome = 0; outcome < 7; outcome++)
        for (unsigned verdict = 0; verdict < GPUP_VERDICTS + 2; verdict++) {
            bool wanted = outcome < 5 && verdict < GPUP_VERDICTS && pairs[outcome][verdict] == 'y';
            if (gpup_pair_legal(outcome, verdict) != wanted)
                fail_msg("%s x %s", gpup_outcome_name(outcome), gpup_verdict_name(verdict));
        }
}

static void legal_reasons(void **state) {
    (void)state;
    for (unsigned verdict = 0; verdict < GPUP_VERDICTS + 2; verdict++)
        for (unsigned reason = 0; reason < GPUP_REASONS + 2; reason++) {
            bool wanted = verdict < GPUP_VERDICTS && reason < GPUP_REASONS && reasons[verdict][reason] == 'y';
            assert_int_equal(gpup_reason_legal(verdict, reason), wanted);
        }
}

/* The order, worst first. A program says of a rule: verdict, detail, whether it is offered. Of one rank the
 * first holds. */
static const struct kind {
    uint8_t verdict;
    uint32_t detail;
    bool offered;
    int rank;
} kinds[] = {{GPUP_FAIL, 0, true, 8},
             {GPUP_WARN, 0, true, 7},
             {GPUP_POLICY_FINDING, 0, true, 6},
             {GPUP_PASS, 0, true, 5},
             {GPUP_PASS, 0, false, 5},
             {GPUP_NOT_OBSERVABLE, 1, true, 4},
             {GPUP_NOT_APPLICABLE, GPUP_DETAIL_UNUSED, true, 3},
             {GPUP_NOT_EXERCISED, 0, true, 2},
             {GPUP_NOT_APPLICABLE, 0, false, 1},
             {GPUP_NOT_EXERCISED, 0, false, 0}};
#define KINDS (sizeof kinds / sizeof *kinds)

static uint8_t reason_of(uint8_t verdict) {
    for (unsigned reason = 0; reason < GPUP_REASONS; reason++)
        if (gpup_reason_legal(verdict, (uint8_t)reason))
            return (uint8_t)reason;
    return GPUP_REASONS;
}

/* A judged rule that a capability gates, so that `offered` matters. */
static uint16_t gated(uint32_t *offers) {
    for (uint16_t i = 0; i < gpup_spec_counts.rules; i++)
        if (gpup_rules[i].monitor != GPUP_SPEC_NONE && !gpup_rule_offered(i, 0) &&
            gpup_rule_offered(i, UINT32_MAX)) {
            *offers = UINT32_MAX;
            return i;
        }
    return GPUP_SPEC_NONE;
}

static unsigned combine(const size_t *which, size_t count, uint8_t *reason) {
    struct gpup_program_result programs[3] = {0};
    struct gpup_finding finding[3] = {0};
    static char names[3][8] = {"a/1", "a/2", "a/3"};
    struct gpup_results results = {.programs = programs, .program_count = count};
    struct gpup_rule_summary *rows = calloc(gpup_spec_counts.rules, sizeof *rows);
    uint32_t offers;
    uint16_t rule = gated(&offers);
    assert_int_not_equal(rule, GPUP_SPEC_NONE);
    for (size_t i = 0; i < count; i++) {
        const struct kind *k = &kinds[which[i]];
        programs[i] =
            (struct gpup_program_result){.name = names[i], .done = true, .offers = k->offered ? offers : 0};
        programs[i].rules = calloc(gpup_spec_counts.rules, sizeof *programs[i].rules);
        for (unsigned r = 0; r < gpup_spec_counts.rules; r++)
            gpup_rule_unjudged(r, &programs[i].rules[r].verdict, &programs[i].rules[r].reason);
        programs[i].rules[rule] =
            (struct gpup_rule_result){1, k->rank > 5, k->verdict, reason_of(k->verdict), k->detail};
        finding[i] = (struct gpup_finding){.rule = rule, .verdict = k->verdict};
        programs[i].findings = &finding[i];
        programs[i].finding_count = k->rank > 5;
    }
    gpup_results_summarise(&results, rows);
    unsigned verdict = rows[rule].verdict;
    *reason = rows[rule].reason;
    if (verdict <= GPUP_POLICY_FINDING && verdict != GPUP_PASS)
        assert_int_equal(rows[rule].first->verdict, verdict);
    for (size_t i = 0; i < count; i++)
        free(programs[i].rules);
    free(rows);
    return verdict;
}

/* Of several findings of the worst verdict a reader is shown one in a step of its program, and of those the
 * earliest in its trace, wherever it stands; a lesser verdict is never in its place. */
static void which_is_told(void **state) {
    static const struct {
        unsigned verdict;
        uint32_t step, event;
    } rows[3][3] = {{{GPUP_FAIL, GPUP_NO_STEP, 5}, {GPUP_FAIL, 0, 100}, {GPUP_FAIL, 3, 50}},
                    {{GPUP_FAIL, GPUP_NO_STEP, 50}, {GPUP_WARN, 1, 1}, {GPUP_FAIL, GPUP_NO_STEP, 5}},
                    {{GPUP_WARN, 0, 1}, {GPUP_FAIL, GPUP_NO_STEP, 50}, {GPUP_WARN, 0, 2}}};
    static const unsigned told[3] = {2, 2, 1};
    static char names[3][8] = {"a/1", "a/2", "a/3"};
    uint32_t offers;
    uint16_t rule = gated(&offers);
    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        struct gpup_program_result programs[3] = {0};
        struct gpup_finding finding[3] = {0};
        struct gpup_results results = {.programs = programs, .program_count = 3};
        struct gpup_rule_summary *summary = calloc(gpup_spec_counts.rules, sizeof *summary);
        for (unsigned i = 0; i < 3; i++) {
            programs[i] = (struct gpup_program_result){.name = names[i], .done = true, .offers = offers};
            programs[i].rules = calloc(gpup_spec_counts.rules, sizeof *programs[i].rules);
            programs[i].rules[rule] =
                (struct gpup_rule_result){1, 1, (uint8_t)rows[k][i].verdict, GPUP_REASON_VIOLATED, 0};
            finding[i] = (struct gpup_finding){.rule = rule,
                                               .verdict = (uint8_t)rows[k][i].verdict,
                                               .step = rows[k][i].step,
                                               .event = rows[k][i].event};
            programs[i].findings = &finding[i];
            programs[i].finding_count = 1;
        }
        gpup_results_summarise(&results, summary);
        assert_ptr_equal(summary[rule].first, &finding[told[k]]);
        assert_string_equal(summary[rule].first_program, names[told[k]]);
        for (unsigned i = 0; i < 3; i++)
            free(programs[i].rules);
        free(summary);
    }
}

static void every_combination(void **state) {
    uint8_t reason;
    (void)state;
    for (size_t a = 0; a < KINDS; a++) {
        assert_int_equal(gpup_verdict_rank(kinds[a].verdict, kinds[a].detail, kinds[a].offered),
                         kinds[a].rank);
        for (size_t b = 0; b < KINDS; b++) {
            size_t worst = kinds[a].rank >= kinds[b].rank ? a : b;
            unsigned found = combine((size_t[]){a, b}, 2, &reason);
            if (found != kinds[worst].verdict || !gpup_reason_legal(found, reason))
                fail_msg("%zu with %zu gave %s, reason %s", a, b, gpup_verdict_name(found),
                         gpup_reason_name(reason));
            assert_int_equal(combine((size_t[]){b, a}, 2, &reason), found);
            for (size_t c = 0; c < KINDS; c++) {
                size_t of_three = kinds[worst].rank >= kinds[c].rank ? worst : c;
                assert_int_equal(combine((size_t[]){c, a, b}, 3, &reason), kinds[of_three].verdict);
            }
        }
    }
    assert_int_equal(gpup_verdict_rank(GPUP_NOT_COVERED, 0, true), 0);
}

/* What a program in ERROR says is left out, and one that judged nothing is in ERROR. */
static void errors_say_nothing(void **state) {
    (void)state;
    for (unsigned outcome = 0; outcome <= GPUP_CRASH; outcome++)
        for (unsigned judged = 0; judged < 2; judged++)
            for (unsigned broken = 0; broken < 2; broken++) {
                struct gpup_finding finding = {.verdict = GPUP_FAIL};
                struct gpup_program_result p = {
                    .outcome = (uint8_t)outcome, .findings = &finding, .finding_count = judged};
                p.rules = calloc(gpup_spec_counts.rules + 1u, sizeof *p.rules);
                for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
                    gpup_rule_unjudged(i, &p.rules[i].verdict, &p.rules[i].reason);
                if (judged)
                    p.rules[0] = (struct gpup_rule_result){1, 1, GPUP_FAIL, GPUP_REASON_VIOLATED, 0};
                bool error = outcome == GPUP_ERROR || broken || (outcome == GPUP_COMPLETE && !judged);
                gpup_program_result_settle(&p, broken);
                assert_int_equal(p.outcome, error ? GPUP_ERROR : outcome);
                assert_int_equal(p.finding_count, error ? 0 : judged);
                for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
                    assert_true(gpup_pair_legal(p.outcome, p.rules[i].verdict));
                    assert_true(gpup_reason_legal(p.rules[i].verdict, p.rules[i].reason));
                }
                free(p.rules);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(legal_pairs), cmocka_unit_test(legal_reasons),
                                       cmocka_unit_test(every_combination), cmocka_unit_test(which_is_told),
                                       cmocka_unit_test(errors_say_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
