/* Runs every proof: the stored trace passes its rule without any finding, the edited one fails it. */
#include "proof.h"

#include <dirent.h>
#include <gpup/judge.h>
#include <gpup/spec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t storage[1 << 16];

static bool feed(struct gpup_judge *judge, const struct proof *p, char *message, size_t size) {
    struct gpup_event event;
    gpup_judge_reset(judge);
    for (size_t i = 0; i < p->count; i++) {
        if (!proof_event(p->line[i].text, &event, storage, sizeof storage, message, size))
            return false;
        gpup_judge_event(judge, &event);
    }
    gpup_judge_end(judge);
    return true;
}

static void print_findings(const struct gpup_judge *judge) {
    const struct gpup_finding *f;
    size_t count = gpup_judge_findings(judge, &f);
    for (size_t i = 0; i < count; i++)
        print_error("    %s %s at event %u: %s\n", gpup_rule_id(f[i].rule), gpup_verdict_name(f[i].verdict),
                    f[i].event, f[i].text);
}

static bool found(const struct gpup_judge *judge, uint16_t rule) {
    const struct gpup_finding *f;
    size_t count = gpup_judge_findings(judge, &f);
    for (size_t i = 0; i < count; i++)
        if (f[i].rule == rule)
            return true;
    return false;
}

static bool passes(struct gpup_judge *judge, const struct proof *p, uint16_t rule) {
    const struct gpup_finding *f;
    char message[300] = "";
    if (!feed(judge, p, message, sizeof message)) {
        print_error("%s: %s\n", gpup_rule_id(rule), message);
        return false;
    }
    const struct gpup_rule_result *r = &gpup_judge_results(judge)[rule];
    if (r->verdict == GPUP_PASS && r->checks && gpup_judge_findings(judge, &f) == 0 &&
        !gpup_judge_overflowed(judge))
        return true;
    print_error("%s: the stored trace gives %s (%u checks), expected PASS and no finding\n",
                gpup_rule_id(rule), gpup_verdict_name(r->verdict), r->checks);
    print_findings(judge);
    return false;
}

static bool fails(struct gpup_judge *judge, struct proof *p, uint16_t rule) {
    char message[300] = "";
    if (!proof_edit(p) || !feed(judge, p, message, sizeof message)) {
        print_error("%s: edit: %s%s\n", gpup_rule_id(rule), p->error, message);
        return false;
    }
    if (found(judge, rule) && !gpup_judge_overflowed(judge))
        return true;
    print_error("%s: the edited trace does not fail it\n", gpup_rule_id(rule));
    print_findings(judge);
    return false;
}

static bool holds(struct gpup_judge *judge, uint16_t rule) {
    struct proof p;
    bool fine = proof_load(&p, PROOFS, gpup_rule_id(rule));
    if (!fine)
        print_error("%s: %s\n", gpup_rule_id(rule), p.error);
    fine = fine && passes(judge, &p, rule) && fails(judge, &p, rule);
    proof_free(&p);
    return fine;
}

static void test_proofs(void **state) {
    struct gpup_judge *judge = gpup_judge_new();
    unsigned bad = 0, all = 0;
    (void)state;
    assert_non_null(judge);
    for (uint16_t rule = 0; rule < gpup_spec_counts.rules; rule++) {
        if (gpup_rules[rule].monitor == GPUP_SPEC_NONE)
            continue;
        all++;
        bad += !holds(judge, rule);
    }
    gpup_judge_free(judge);
    print_message("%u proofs, %u bad\n", all, bad);
    assert_int_equal(bad, 0);
    assert_true(all > 0);
}

/* In silent/ELSE: a legal trace that takes no FAIL and nothing of the rule that it is named after, and an
 * edit after which that rule is found: what the judge must not say, beside what it must. */
static bool keeps_silent(struct gpup_judge *judge, const char *name) {
    char path[300], id[20], message[300] = "";
    const char *area = strchr(name, '-');
    size_t length = area ? strcspn(area + 1, "-") + (size_t)(area + 1 - name) : 0;
    struct proof p;
    const struct gpup_finding *f;
    snprintf(path, sizeof path, "silent/%s", name);
    snprintf(id, sizeof id, "%.*s", (int)length, name);
    uint16_t rule = gpup_rule_find(id);
    bool fine = rule != GPUP_SPEC_NONE && proof_load(&p, PROOFS, path);
    if (!fine) {
        print_error("%s: no such rule, or %s\n", name, rule == GPUP_SPEC_NONE ? "" : p.error);
        return false;
    }
    fine = feed(judge, &p, message, sizeof message);
    size_t count = fine ? gpup_judge_findings(judge, &f) : 0;
    for (size_t i = 0; i < count; i++)
        fine = fine && f[i].verdict != GPUP_FAIL && f[i].rule != rule;
    if (!fine) {
        print_error("%s: %s\n", name, message);
        print_findings(judge);
    }
    fine = fails(judge, &p, rule) && fine;
    proof_free(&p);
    return fine;
}

static void test_silent(void **state) {
    struct gpup_judge *judge = gpup_judge_new();
    DIR *folder = opendir(PROOFS "/silent");
    unsigned bad = 0, all = 0;
    (void)state;
    assert_non_null(judge);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        char name[256];
        size_t length = strlen(e->d_name), ending = strlen(".proof");
        if (length <= ending || strcmp(e->d_name + length - ending, ".proof") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - ending), e->d_name);
        all++;
        bad += !keeps_silent(judge, name);
    }
    (void)closedir(folder);
    gpup_judge_free(judge);
    print_message("%u legal traces, %u bad\n", all, bad);
    assert_int_equal(bad, 0);
    assert_true(all > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_proofs), cmocka_unit_test(test_silent)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
