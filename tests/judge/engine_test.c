/* The engine: verdicts without findings, grading, keys, and that a judge forgets what it judged before. */
#include "proof.h"

#include <gpup/judge.h>
#include <gpup/spec_ids.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t storage[1 << 16];

static void feed_line(struct gpup_judge *judge, const char *line) {
    struct gpup_event event;
    char message[300] = "";
    if (!proof_event(line, &event, storage, sizeof storage, message, sizeof message))
        fail_msg("%s", message);
    gpup_judge_event(judge, &event);
}

/* Feeds a proof with the edit; from: text that is replaced in every line, or NULL. */
static void feed(struct gpup_judge *judge, const char *name, bool edit, const char *from, const char *to) {
    struct proof p;
    if (!proof_load(&p, PROOFS, name) || (edit && !proof_edit(&p)))
        fail_msg("%s: %s", name, p.error);
    for (size_t i = 0; i < p.count; i++) {
        char line[PROOF_LINE + 100];
        const char *at = from ? strstr(p.line[i].text, from) : NULL;
        if (at)
            snprintf(line, sizeof line, "%.*s%s%s", (int)(at - p.line[i].text), p.line[i].text, to,
                     at + strlen(from));
        else
            snprintf(line, sizeof line, "%s", p.line[i].text);
        feed_line(judge, line);
    }
    proof_free(&p);
}

static struct gpup_judge *judged(const char *name, bool edit, const char *from, const char *to) {
    struct gpup_judge *judge = gpup_judge_new();
    assert_non_null(judge);
    feed(judge, name, edit, from, to);
    gpup_judge_end(judge);
    return judge;
}

static const struct gpup_finding *first(const struct gpup_judge *judge, uint16_t rule) {
    const struct gpup_finding *f;
    size_t count = gpup_judge_findings(judge, &f);
    for (size_t i = 0; i < count; i++)
        if (f[i].rule == rule)
            return &f[i];
    return NULL;
}

static unsigned verdict(const struct gpup_judge *judge, uint16_t rule) {
    return gpup_judge_results(judge)[rule].verdict;
}

static void test_missing_observer(void **state) {
    (void)state;
    struct gpup_judge *judge = judged("MSIX-001", false, "observers=0x1fff", "observers=0x1ffe");
    assert_int_equal(verdict(judge, GPUP_RULE_MSIX_001), GPUP_NOT_OBSERVABLE);
    assert_int_equal(verdict(judge, GPUP_RULE_MSIX_011), GPUP_NOT_OBSERVABLE);
    assert_int_equal(verdict(judge, GPUP_RULE_ROB_011), GPUP_NOT_OBSERVABLE);
    assert_int_equal(gpup_judge_results(judge)[GPUP_RULE_MSIX_001].detail, GPUP_OBSERVER_msix_table);
    assert_int_equal(verdict(judge, GPUP_RULE_ROB_003), GPUP_PASS);
    gpup_judge_free(judge);
}

/* Feeds the events after the proof of ROB-011, where entry 1 is known. */
static bool runs_astray(const char *const *line, size_t count) {
    struct gpup_judge *judge = gpup_judge_new();
    assert_non_null(judge);
    feed(judge, "ROB-011", false, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        feed_line(judge, line[i]);
    gpup_judge_end(judge);
    bool found = first(judge, GPUP_RULE_ROB_011) != NULL;
    gpup_judge_free(judge);
    return found;
}

#define FAILED_WRITE                                                                                         \
    "call WriteVirtualizedInterrupt class=1 vfIndex=0 InterruptTableIndex=1 MessageData=0x42",               \
        "alloc object=7 size=16 failed=1", "return WriteVirtualizedInterrupt status=STATUS_NO_MEMORY"
#define OTHER_WRITE                                                                                          \
    "call WriteVirtualizedInterrupt vfIndex=0 MessageAddress=0xfee00010 MessageData=0x41 VectorControl=1",   \
        "return WriteVirtualizedInterrupt"

/* What a call that failed half-way left in the table is not what was written, nor must it be. */
static void test_failed_calls(void **state) {
    static const char *const masked[] = {FAILED_WRITE,
                                         "obs_msix vf=0 entries=2 @msix=0/0/1,0xfee00010/0x41/1"};
    static const char *const lost[] = {FAILED_WRITE, OTHER_WRITE,
                                       "obs_msix vf=0 entries=2 @msix=0xfee00010/0x41/1,0xfee00010/0x41/1"};
    static const char *const reset[] = {"call ResetVirtualFunction class=1 VirtualFunctionIndex=0",
                                        "alloc object=8 size=16 failed=1",
                                        "return ResetVirtualFunction status=STATUS_NO_MEMORY",
                                        "obs_msix vf=0 entries=2 @msix=0/0/1,0/0/1",
                                        OTHER_WRITE,
                                        "obs_msix vf=0 entries=2 @msix=0xfee00010/0x41/1,0/0/1"};
    (void)state;
    assert_false(runs_astray(masked, sizeof masked / sizeof *masked));
    assert_true(runs_astray(lost, sizeof lost / sizeof *lost)); /* the failed write had left it */
    assert_false(runs_astray(reset, sizeof reset / sizeof *reset));
}

/* Who is to say something of a misuse is told by the name of the service. */
static void test_names(void **state) {
    static const struct {
        const char *name; /* in hexadecimal */
        bool fails;
    } rows[] = {{"5a775265616446696c65", true},  /* ZwReadFile */
                {"5a77436c6f7365", false},       /* ZwClose: the rules about handles of VMs */
                {"5a77436c6f73654b6579", false}, /* and what begins so */
                {"566d6250616e656c", false},     /* VMBus */
                {"446f6573", true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gpup_judge *judge =
            judged("ROB-017", true, "457852656c65617365466173744d75746578", rows[i].name);
        assert_int_equal(first(judge, GPUP_RULE_ROB_017) != NULL, rows[i].fails);
        gpup_judge_free(judge);
    }
}

static void test_not_advertised(void **state) {
    (void)state;
    struct gpup_judge *judge = gpup_judge_new();
    assert_non_null(judge);
    feed_line(judge, "world hosts=1");
    feed_line(judge, "adapter observers=0x1fff vfs=4");
    feed_line(judge, "call QueryAdapterInfo Type=30 OutputDataSize=4");
    feed_line(judge, "return QueryAdapterInfo Output=0");
    gpup_judge_end(judge);
    assert_int_equal(verdict(judge, GPUP_RULE_MSIX_001), GPUP_NOT_APPLICABLE);
    assert_int_equal(verdict(judge, GPUP_RULE_LM_013), GPUP_NOT_APPLICABLE);
    assert_int_equal(gpup_judge_results(judge)[GPUP_RULE_LM_013].reason, GPUP_REASON_NOT_ADVERTISED);
    assert_int_equal(verdict(judge, GPUP_RULE_ROB_005), GPUP_NOT_EXERCISED);
    gpup_judge_free(judge);
}

static void test_not_covered(void **state) {
    (void)state;
    unsigned uncovered = 0;
    struct gpup_judge *judge = judged("MSIX-001", false, NULL, NULL);
    for (uint16_t rule = 0; rule < gpup_spec_counts.rules; rule++)
        if (gpup_rules[rule].monitor == GPUP_SPEC_NONE) {
            assert_int_equal(verdict(judge, rule), GPUP_NOT_COVERED);
            uncovered++;
        }
    assert_true(uncovered > 0);
    gpup_judge_free(judge);
}

/* Inserts a step of the class before the calls of a proof. */
static uint8_t graded(const char *name, uint16_t rule, const char *class) {
    struct gpup_judge *judge = gpup_judge_new();
    char step[80];
    assert_non_null(judge);
    feed_line(judge, "world hosts=1");
    snprintf(step, sizeof step, "step op=Wait class=%s", class);
    feed_line(judge, step);
    feed(judge, name, true, NULL, NULL);
    gpup_judge_end(judge);
    const struct gpup_finding *f = first(judge, rule);
    assert_non_null(f);
    uint8_t result = f->verdict;
    gpup_judge_free(judge);
    return result;
}

static void test_grades(void **state) {
    (void)state;
    assert_int_equal(graded("MSIX-006", GPUP_RULE_MSIX_006, "0"), GPUP_FAIL);
    assert_int_equal(graded("MSIX-006", GPUP_RULE_MSIX_006, "1"), GPUP_FAIL);
    assert_int_equal(graded("MSIX-006", GPUP_RULE_MSIX_006, "2"), GPUP_WARN);
    assert_int_equal(graded("MSIX-006", GPUP_RULE_MSIX_006, "3"), GPUP_POLICY_FINDING);
    assert_int_equal(graded("MSIX-007", GPUP_RULE_MSIX_007, "2"), GPUP_FAIL);
    assert_int_equal(graded("MSIX-014", GPUP_RULE_MSIX_014, "0"), GPUP_WARN);
    assert_int_equal(graded("LM-012", GPUP_RULE_LM_012, "0"), GPUP_POLICY_FINDING);
}

static void test_keys(void **state) {
    (void)state;
    struct gpup_judge *a = judged("MSIX-003", true, NULL, NULL);
    struct gpup_judge *b = judged("MSIX-003", true, "0x2fee00010", "0x3fee00010");
    struct gpup_judge *c = judged("MSIX-004", true, NULL, NULL);
    assert_int_equal(first(a, GPUP_RULE_MSIX_003)->key, first(b, GPUP_RULE_MSIX_003)->key);
    assert_int_not_equal(first(a, GPUP_RULE_MSIX_003)->key, first(c, GPUP_RULE_MSIX_004)->key);
    assert_string_not_equal(first(a, GPUP_RULE_MSIX_003)->text, first(b, GPUP_RULE_MSIX_003)->text);
    gpup_judge_free(a);
    gpup_judge_free(b);
    gpup_judge_free(c);
}

static void test_place(void **state) {
    (void)state;
    struct gpup_judge *judge = judged("MSIX-003", true, NULL, NULL);
    const struct gpup_finding *f = first(judge, GPUP_RULE_MSIX_003);
    assert_int_equal(f->ddi, GPUP_DDI_WriteVirtualizedInterrupt);
    assert_int_equal(f->vf, 0);
    assert_int_equal(f->host, 0);
    assert_int_equal(f->step, GPUP_NO_STEP);
    gpup_judge_free(judge);
}

static void assert_same(const struct gpup_judge *a, const struct gpup_judge *b, const char *name) {
    const struct gpup_finding *fa, *fb;
    size_t count = gpup_judge_findings(a, &fa);
    if (count != gpup_judge_findings(b, &fb) || memcmp(fa, fb, count * sizeof *fa) != 0 ||
        memcmp(gpup_judge_results(a), gpup_judge_results(b),
               gpup_spec_counts.rules * sizeof(struct gpup_rule_result)) != 0)
        fail_msg("%s is judged differently by a judge that was used before", name);
}

/* One judge over all edited proofs, against a new one for each. */
static void test_reset(void **state) {
    (void)state;
    struct gpup_judge *used = gpup_judge_new();
    assert_non_null(used);
    for (uint16_t rule = 0; rule < gpup_spec_counts.rules; rule++) {
        if (gpup_rules[rule].monitor == GPUP_SPEC_NONE)
            continue;
        struct gpup_judge *fresh = judged(gpup_rules[rule].id, true, NULL, NULL);
        gpup_judge_reset(used);
        feed(used, gpup_rules[rule].id, true, NULL, NULL);
        gpup_judge_end(used);
        assert_same(used, fresh, gpup_rules[rule].id);
        gpup_judge_free(fresh);
    }
    gpup_judge_free(used);
}

/* What a later version adds to the trace, and bytes that are no event at all. */
static void test_unknown_events(void **state) {
    (void)state;
    struct gpup_judge *judge = gpup_judge_new();
    assert_non_null(judge);
    gpup_judge_event(judge, &(struct gpup_event){.kind = GPUP_EVENT_KINDS});
    gpup_judge_event(judge, &(struct gpup_event){.kind = UINT16_MAX});
    gpup_judge_event(judge, &(struct gpup_event){.kind = GPUP_EVENT_CALL, .host = 7});
    gpup_judge_end(judge);
    gpup_judge_end(judge);
    const struct gpup_finding *f;
    assert_int_equal(gpup_judge_findings(judge, &f), 0);
    assert_false(gpup_judge_overflowed(judge));
    gpup_judge_free(judge);
    gpup_judge_free(NULL);
}

static void feed_level(struct gpup_judge *judge, unsigned blocks) {
    char level[60];
    snprintf(level, sizeof level, "obs_pool count=%u bytes=1000", blocks);
    feed_line(judge, level);
}

static void pass_time(struct gpup_judge *judge, unsigned blocks, bool filled) {
    feed_line(judge, "wait ns=20000000");
    if (filled)
        feed_level(judge, blocks);
}

/* Sessions, each of which leaves a block: a small cache may be behind the first of them, each may give it
 * back a little later, and a timer may fill a list. waits: before the last so many of them time passes;
 * filled: and leaves a block, too. The last two of the proof grew as well, the last with time between. */
static unsigned after_sessions(unsigned count, unsigned waits, bool filled) {
    struct gpup_judge *judge = gpup_judge_new();
    assert_non_null(judge);
    feed(judge, "LM-055", false, NULL, NULL);
    for (unsigned i = 0; i < count; i++) {
        if (i + waits >= count)
            pass_time(judge, 41 + 2 * i, filled);
        feed_line(judge, "call PrepareLiveMigration vfIndex=0 MigrationType=0");
        feed_line(judge, "return PrepareLiveMigration");
        feed_line(judge, "call EndLiveMigration vfIndex=0");
        feed_line(judge, "return EndLiveMigration");
        feed_level(judge, 42 + 2 * i);
    }
    gpup_judge_end(judge);
    unsigned said = verdict(judge, GPUP_RULE_LM_055);
    gpup_judge_free(judge);
    return said;
}

/* Lives of a vGPU before each of which there is a block more: it was left by the life, or came with time. */
static unsigned after_lives(unsigned count, bool filled) {
    struct gpup_judge *judge = gpup_judge_new();
    assert_non_null(judge);
    feed(judge, "PART-025", false, NULL, NULL);
    for (unsigned i = 0; i < count; i++) {
        feed_line(judge, "call DestroyVirtualGpu PartitionId=0");
        feed_line(judge, "return DestroyVirtualGpu");
        feed_level(judge, filled ? 100 + i : 101 + i);
        pass_time(judge, 101 + i, filled);
        feed_line(judge, "call CreateVirtualGpu PartitionId=0 MemoryMin=65536 MemoryMax=65536");
        feed_line(judge, "return CreateVirtualGpu");
    }
    gpup_judge_end(judge);
    unsigned said = verdict(judge, GPUP_RULE_PART_025);
    gpup_judge_free(judge);
    return said;
}

static void test_growth(void **state) {
    (void)state;
    assert_int_equal(after_sessions(1, 1, false), GPUP_PASS);
    assert_int_equal(after_sessions(2, 1, false), GPUP_WARN);
    assert_int_equal(after_sessions(15, 1, false), GPUP_WARN);
    assert_int_equal(after_sessions(16, 1, false), GPUP_FAIL);
    assert_int_equal(after_sessions(16, 1, true), GPUP_WARN);
    assert_int_equal(after_sessions(16, 0, false), GPUP_PASS);
    assert_int_equal(after_sessions(40, 40, false), GPUP_PASS);
    assert_int_equal(after_lives(3, false), GPUP_PASS);
    assert_int_equal(after_lives(17, false), GPUP_WARN);
    assert_int_equal(after_lives(18, false), GPUP_FAIL);
    assert_int_equal(after_lives(40, true), GPUP_WARN);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_missing_observer),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_failed_calls),
                                       cmocka_unit_test(test_not_advertised),
                                       cmocka_unit_test(test_not_covered),
                                       cmocka_unit_test(test_grades),
                                       cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_place),
                                       cmocka_unit_test(test_growth),
                                       cmocka_unit_test(test_reset),
                                       cmocka_unit_test(test_unknown_events)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
