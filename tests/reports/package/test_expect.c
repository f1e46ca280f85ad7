/* Expectations: what they name, what becomes of them, what the run amounts to. */
#include <gpup/reports.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TODAY "2026-06-15"
#define WAIVER                                                                                               \
    "- {rule: MSIX-001, kind: waiver, reason: r, until: 2026-12-31, implementation: '*drv.so', builds: "     \
    "[1.2, 1.10], approver: A, link: L, ddi: CreateVirtualGpu, text: 'expected 1*'"

/* --- reading ------------------------------------------------------------------------------------------- */
static void messages(void **state) {
    static const struct {
        const char *yaml, *message;
    } rows[] = {
        {"", "f:1:1: error: expected a list"},
        {"a: 1", "expected a list of expectations"},
        {"- {rule: MSIX-001, kind: waiver, reason: [}", "f:1:"},
        {"- 7", "f:1:3: error: expected an entry"},
        {"- {kind: erratum}", "f:1:4: error: the entry has no 'rule'"},
        {"- {rule: MSIX-001}", "the entry has no 'kind'"},
        {"- {rule: NO-1, kind: erratum, reason: r, until: 2026-01-01, issue: '1'}",
         "f:1:10: error: no rule 'NO-1'"},
        {"- {rule: MSIX-001, kind: excuse}", "f:1:26: error: expected erratum, waiver or quarantine"},
        {"- {rule: MSIX-001, kind: erratum, reason: r, until: 2026-01-01}", "the erratum has no 'issue'"},
        {"- {rule: MSIX-001, kind: erratum, until: 2026-01-01, issue: '1'}", "the erratum has no 'reason'"},
        {"- {rule: MSIX-001, kind: quarantine, reason: r}", "the quarantine has no 'until'"},
        {"- {rule: MSIX-001, kind: quarantine, reason: r, until: 2026-13-01}",
         "f:1:56: error: expected a date YYYY-MM-DD, found '2026-13-01'"},
        {"- {rule: MSIX-001, kind: quarantine, reason: r, until: 2026-01-01, key: 1}", "not for this kind"},
        {"- rule: MSIX-001\n  kind: erratum\n  wish: x", "f:3:3: error: unknown key 'wish'"},
        {"- {rule: MSIX-001, kind: waiver, reason: r, until: 2026-12-31, implementation: x, approver: A, "
         "link: "
         "L, ddi: none, key: 1}",
         "neither 'hash' nor 'builds'"},
        {"- {rule: MSIX-001, kind: waiver, reason: r, until: 2026-12-31, implementation: x, approver: A, "
         "link: "
         "L, ddi: none, hash: 0123456789abcdef}",
         "neither 'key' nor 'text'"},
        {WAIVER ", hash: 12}", "expected 16 to 64 digits"},
        {WAIVER ", key: -1}", "expected the key of a finding"},
        {"- {rule: MSIX-001, kind: waiver, reason: r, until: 2026-12-31, implementation: x, builds: [1.10, "
         "1.2]}",
         "expected the earlier build first"},
        {"- {rule: MSIX-001, kind: waiver, reason: r, until: 2026-12-31, implementation: x, builds: 1}",
         "expected the first and the last build"},
        {"- {rule: MSIX-001, kind: erratum, reason: r, until: 2026-12-31, issue: '1', ddi: Nothing}",
         "no DDI 'Nothing'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gpup_expectations e;
        char *errors;
        if (gpup_expectations_parse(rows[i].yaml, strlen(rows[i].yaml), "f", &e, &errors) == 0)
            fail_msg("accepted: %s", rows[i].yaml);
        if (!errors || !strstr(errors, rows[i].message))
            fail_msg("%s\nexpected '%s', found '%s'", rows[i].yaml, rows[i].message, errors ? errors : "");
        free(errors);
    }
}

/* --- matching ------------------------------------------------------------------------------------------ */
struct fixture {
    struct gpup_results results;
    struct gpup_program_result programs[2];
    struct gpup_finding findings[2];
    uint16_t rule;
};

/* Two programs judge MSIX-001; the first fails it as many times as `fails` says. */
static void make(struct fixture *f, unsigned fails) {
    static char names[2][16] = {"msix/a", "msix/b"};
    *f = (struct fixture){.rule = gpup_rule_find("MSIX-001")};
    f->results = (struct gpup_results){.programs = f->programs, .program_count = 2, .planned = 2};
    strcpy(f->results.implementation, "./drv.so");
    strcpy(f->results.build, "1.3");
    strcpy(f->results.profile, "full");
    strcpy(f->results.sha256, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    for (unsigned i = 0; i < 2; i++) {
        struct gpup_program_result *p = &f->programs[i];
        *p = (struct gpup_program_result){.name = names[i], .done = true};
        p->rules = calloc(gpup_spec_counts.rules, sizeof *p->rules);
        for (unsigned r = 0; r < gpup_spec_counts.rules; r++)
            if (gpup_rules[r].monitor == GPUP_SPEC_NONE)
                gpup_rule_unjudged(r, &p->rules[r].verdict, &p->rules[r].reason);
            else
                p->rules[r] = (struct gpup_rule_result){1, 0, GPUP_PASS, GPUP_REASON_NONE, 0};
        p->findings = f->findings;
    }
    for (unsigned i = 0; i < fails; i++)
        f->findings[i] = (struct gpup_finding){.rule = f->rule,
                                               .ddi = gpup_ddi_find("CreateVirtualGpu"),
                                               .key = 70 + i,
                                               .text = "expected 1, found 2"};
    if (fails)
        f->programs[0].rules[f->rule] =
            (struct gpup_rule_result){2, fails, GPUP_FAIL, GPUP_REASON_VIOLATED, 0};
    f->programs[0].finding_count = fails;
}

static void expect(struct fixture *f, const char *yaml, int status, const char *shown, unsigned entry_state) {
    struct gpup_expectations e;
    struct gpup_report report;
    char *errors;
    if (gpup_expectations_parse(yaml, strlen(yaml), "f", &e, &errors) != 0)
        fail_msg("%s", errors);
    assert_true(gpup_report_open_at(&report, &f->results, NULL, &e, false, TODAY));
    int found = gpup_report_exit_status(&report);
    const char *name = gpup_report_verdict_name(&report, f->rule);
    if (found != status || strcmp(name, shown) != 0 || report.states[0] != entry_state)
        fail_msg("%s\nexpected %d %s %s, found %d %s %s", yaml, status, shown, gpup_entry_words(entry_state),
                 found, name, gpup_entry_words(report.states[0]));
    bool excused =
        strcmp(shown, "WAIVED") == 0 || strcmp(shown, "ERRATUM") == 0 || strcmp(shown, "QUARANTINED") == 0;
    assert_int_equal(gpup_report_excuse(&report, f->rule) != NULL, excused);
    assert_int_equal(strstr(gpup_report_meaning(&report), "excuse") != NULL, status == 0 && excused);
    if (excused && entry_state == GPUP_ENTRY_USED) { /* told as skipped or failed, and why; never as passed */
        assert_int_not_equal(gpup_report_standing(&report, f->rule), GPUP_STANDS_PASSED);
        assert_non_null(strstr(gpup_report_standing_words(&report, f->rule), shown));
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        gpup_report_console(&report, out, false, NULL);
        gpup_write_json(&report, out);
        gpup_write_junit(&report, out);
        fclose(out);
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\"shown\": \"%s\"", shown);
        assert_non_null(strstr(text, wanted));
        snprintf(wanted, sizeof wanted, "<skipped>%s until", shown);
        if (!strstr(text, wanted))
            fail_msg("junit.xml has no %s", wanted);
        free(text);
    }
    gpup_report_close(&report);
    gpup_expectations_free(&e);
    for (unsigned i = 0; i < 2; i++)
        free(f->programs[i].rules);
}

#define ERRATUM "- {rule: MSIX-001, kind: erratum, reason: r, until: 2026-06-15, issue: '7'"
#define QUARANTINE "- {rule: MSIX-001, kind: quarantine, reason: r, until: 2026-06-15"
#define HASHED                                                                                               \
    "- {rule: MSIX-001, kind: waiver, reason: r, until: 2026-12-31, implementation: '*drv.so', approver: "   \
    "A, "                                                                                                    \
    "link: L, ddi: CreateVirtualGpu, key: 70, hash: "

static void what_becomes_of_entries(void **state) {
    static const struct {
        unsigned fails;
        const char *yaml;
        int status;
        const char *shown;
        unsigned entry;
    } rows[] = {
        {1, WAIVER "}", 0, "WAIVED", GPUP_ENTRY_USED},
        {2, WAIVER "}", 0, "WAIVED", GPUP_ENTRY_USED},
        {0, WAIVER "}", 5, "PASS", GPUP_ENTRY_PASSED},
        {1, WAIVER ", key: 71}", 1, "FAIL", GPUP_ENTRY_PASSED},
        {2, WAIVER ", key: 70}", 1, "FAIL", GPUP_ENTRY_USED}, /* the other failure counts */
        {1, WAIVER ", program: 'msix/?'}", 0, "WAIVED", GPUP_ENTRY_USED},
        {1, WAIVER ", program: 'msix/b'}", 1, "FAIL", GPUP_ENTRY_PASSED},
        {1, WAIVER ", program: 'dirty/*'}", 1, "FAIL", GPUP_ENTRY_UNMATCHED},
        {1, WAIVER ", hash: 0123456789abcdef}", 0, "WAIVED", GPUP_ENTRY_USED},
        {1, WAIVER ", hash: 1123456789abcdef}", 1, "FAIL", GPUP_ENTRY_OTHER_IMPLEMENTATION},
        {1, HASHED "0123456789abcdef0123}", 0, "WAIVED", GPUP_ENTRY_USED},
        {1, HASHED "0123456789abcdef0124}", 1, "FAIL", GPUP_ENTRY_OTHER_IMPLEMENTATION},
        {1, ERRATUM "}", 0, "ERRATUM", GPUP_ENTRY_USED},
        {1, ERRATUM ", ddi: none}", 1, "FAIL", GPUP_ENTRY_PASSED},
        {0, ERRATUM "}", 5, "PASS", GPUP_ENTRY_PASSED},
        {1, "- {rule: MSIX-001, kind: erratum, reason: r, until: 2026-06-14, issue: '7'}", 1, "FAIL",
         GPUP_ENTRY_EXPIRED},
        {0, "- {rule: MSIX-001, kind: erratum, reason: r, until: 2026-06-14, issue: '7'}", 5, "PASS",
         GPUP_ENTRY_EXPIRED},
        {1, QUARANTINE "}", 0, "QUARANTINED", GPUP_ENTRY_USED},
        {0, QUARANTINE "}", 0, "QUARANTINED", GPUP_ENTRY_USED},           /* a pass does not count either */
        {1, QUARANTINE ", program: msix/a}", 0, "PASS", GPUP_ENTRY_USED}, /* the other program passed it */
        {1, QUARANTINE ", program: msix/b}", 1, "FAIL", GPUP_ENTRY_USED},
        {1, QUARANTINE ", program: dirty/x}", 1, "FAIL", GPUP_ENTRY_UNMATCHED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        make(&f, rows[i].fails);
        expect(&f, rows[i].yaml, rows[i].status, rows[i].shown, rows[i].entry);
    }
}

static void builds(void **state) {
    static const struct {
        const char *build;
        bool in;
    } rows[] = {{"1.1", false}, {"1.2", true},   {"1.2.9", true}, {"1.9", true},
                {"1.10", true}, {"1.11", false}, {"", false},     {"2", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        make(&f, 1);
        snprintf(f.results.build, sizeof f.results.build, "%s", rows[i].build);
        expect(&f, WAIVER "}", rows[i].in ? 0 : 1, rows[i].in ? "WAIVED" : "FAIL",
               rows[i].in ? GPUP_ENTRY_USED : GPUP_ENTRY_OTHER_IMPLEMENTATION);
    }
}

/* A shard, a selection, the smoke profile: what they leave out is not held against an entry. */
static void parts_of_runs(void **state) {
    static const char elsewhere[] =
        "- {rule: MSIX-001, kind: erratum, reason: r, until: 2026-06-15, issue: '7', program: dirty/*}";
    struct fixture f;
    (void)state;
    make(&f, 0);
    f.results.planned = 9;
    expect(&f, elsewhere, 4, "PASS", GPUP_ENTRY_OUTSIDE);
    make(&f, 0);
    f.results.planned = 9;
    expect(&f, ERRATUM "}", 4, "PASS", GPUP_ENTRY_OUTSIDE);
    make(&f, 0);
    strcpy(f.results.profile, "smoke");
    expect(&f, elsewhere, 0, "PASS", GPUP_ENTRY_OUTSIDE);
    make(&f, 0);
    expect(&f, elsewhere, 5, "PASS", GPUP_ENTRY_UNMATCHED);
}

/* A crash is known when all that was found in its program is. */
static void crashes(void **state) {
    struct fixture f;
    (void)state;
    make(&f, 1);
    f.programs[0].outcome = GPUP_CRASH;
    expect(&f, WAIVER "}", 0, "WAIVED", GPUP_ENTRY_USED);
    make(&f, 2);
    f.programs[0].outcome = GPUP_TIMEOUT;
    expect(&f, WAIVER ", key: 70}", 1, "FAIL", GPUP_ENTRY_USED);
    make(&f, 1);
    f.programs[1].outcome = GPUP_CRASH; /* in which nothing was found */
    expect(&f, WAIVER "}", 1, "WAIVED", GPUP_ENTRY_USED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(what_becomes_of_entries),
                                       cmocka_unit_test(builds), cmocka_unit_test(parts_of_runs),
                                       cmocka_unit_test(crashes)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
