/*
 * Every proof as a recorder in the driver would have seen it. A rule whose observers it has is judged as
 * before: the trace passes, the edited one fails. Any other is neither passed nor failed, whatever the trace.
 */
#include "../judge/proof.h"
#include "filter.h"

#include <gpup/judge.h>
#include <gpup/spec_ids.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t storage[1 << 16];

static void feed(struct gpup_judge *judge, const struct proof *p, uint32_t observers) {
    struct gpup_event event;
    char message[300];
    gpup_judge_reset(judge);
    for (size_t i = 0; i < p->count; i++) {
        if (!proof_event(p->line[i].text, &event, storage, sizeof storage, message, sizeof message))
            fail_msg("%s", message);
        if (filter_keep(&event, observers))
            gpup_judge_event(judge, &event);
    }
    gpup_judge_end(judge);
}

static bool violated(struct gpup_judge *judge, uint16_t rule) {
    return gpup_judge_results(judge)[rule].violations != 0;
}

static bool left_alone(struct gpup_judge *judge, uint16_t rule) {
    uint8_t verdict = gpup_judge_results(judge)[rule].verdict;
    return !violated(judge, rule) && (verdict == GPUP_NOT_OBSERVABLE || verdict == GPUP_NOT_APPLICABLE);
}

/* Nothing that the proof is not about is found where only part of it is seen. */
static bool finds_others(struct gpup_judge *judge, uint16_t rule) {
    const struct gpup_finding *f;
    if (gpup_judge_findings(judge, &f) == 0)
        return false;
    print_error("%s: a false alarm of %s: %s\n", gpup_rule_id(rule), gpup_rule_id(f[0].rule), f[0].text);
    return true;
}

static bool holds(struct gpup_judge *judge, uint16_t rule, uint32_t observers, unsigned *judged) {
    struct proof p;
    bool sees = !(gpup_rules[rule].observers & ~observers);
    assert_true(proof_load(&p, PROOFS, gpup_rule_id(rule)));
    feed(judge, &p, observers);
    bool fine = sees ? gpup_judge_results(judge)[rule].verdict == GPUP_PASS : left_alone(judge, rule);
    fine = !finds_others(judge, rule) && fine;
    assert_true(proof_edit(&p));
    feed(judge, &p, observers);
    fine = fine && (sees ? violated(judge, rule) : left_alone(judge, rule));
    if (!fine)
        print_error("%s: %s, and after the edit %s\n", gpup_rule_id(rule),
                    sees ? "has its observers" : "lacks observers",
                    gpup_verdict_name(gpup_judge_results(judge)[rule].verdict));
    *judged += sees;
    proof_free(&p);
    return fine;
}

static void seen_from(uint32_t observers, unsigned least) {
    struct gpup_judge *judge = gpup_judge_new();
    unsigned bad = 0, judged = 0;
    assert_non_null(judge);
    for (uint16_t rule = 0; rule < gpup_spec_counts.rules; rule++)
        if (gpup_rules[rule].monitor != GPUP_SPEC_NONE)
            bad += !holds(judge, rule, observers, &judged);
    gpup_judge_free(judge);
    print_message("%u rules judged, %u bad\n", judged, bad);
    assert_int_equal(bad, 0);
    assert_true(judged >= least);
}

static void recorder_alone(void **state) {
    (void)state;
    seen_from(GPUP_OBSERVER_callbacks, 100);
}

/* A hook that reads the MSI-X tables as well. */
static void recorder_with_tables(void **state) {
    (void)state;
    seen_from(GPUP_OBSERVER_callbacks | GPUP_OBSERVER_msix_table | GPUP_OBSERVER_device, 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(recorder_alone),
                                       cmocka_unit_test(recorder_with_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
