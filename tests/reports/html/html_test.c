/* The page of stored traces: hostile text in them, cut ones, others' ones, and none. */
#include <gpup/reports.h>
#include <gpup/spec_ids.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define EVIL "<script>alert(1)</script>\"'&\x1b[31m\xff{{rules}}"

struct fixture {
    char directory[64], file[128];
    struct gpup_trace_buffer trace;
    struct gpup_rule_result *rules;
    struct gpup_finding finding;
    struct gpup_program_result program;
    struct gpup_results results;
};

static void add(struct fixture *f, unsigned kind, uint32_t step, const char *text, const uint64_t *fields,
                unsigned count) {
    struct gpup_event e = {.kind = (uint16_t)kind, .step = step};
    e.data = (const uint8_t *)text;
    e.data_size = text ? strlen(text) : 0;
    for (unsigned i = 0; i < count; i++)
        e.f[i] = fields[i];
    gpup_trace_append(&f->trace, &e);
}
#define ADD(kind, step, text, ...)                                                                           \
    add(f, GPUP_EVENT_##kind, step, text, (const uint64_t[]){__VA_ARGS__},                                   \
        sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void record(struct fixture *f) {
    gpup_trace_begin(&f->trace);
    ADD(WORLD, GPUP_NO_STEP, "spec", 1);
    ADD(CALL, GPUP_NO_STEP, NULL, 1, GPUP_DDI_DriverEntry);
    ADD(RETURN, GPUP_NO_STEP, NULL, 1, GPUP_DDI_DriverEntry, 0);
    ADD(STEP, 0, "- " EVIL, 0);
    ADD(OBS_VRAM, 0, NULL, 0, 11, 4096);
    ADD(CALL, 0, NULL, 2, GPUP_DDI_CreateVirtualGpu, 0, 3);
    ADD(MMIO, 0, NULL, 2, 1, GPUP_REGION_PF_BAR0, UINT32_MAX, 0x30, 4, 0xABCD);
    ADD(MMIO, 0, NULL, 2, 1, GPUP_REGION_PF_BAR0, UINT32_MAX, 0x30, 4, 0xABCD);
    ADD(MMIO, 0, NULL, 2, 1, 99, 7, 0x30, 4, 1);
    ADD(CALLBACK, 0, EVIL, 2, 48, 9);
    ADD(MISUSE, 0, EVIL, 2, GPUP_MISUSE_LOCK, 2, 0);
    ADD(CHANNEL, 0, NULL, 2, 77, 4);
    ADD(RETURN, 0, NULL, 2, GPUP_DDI_CreateVirtualGpu, 0xC0000001); /* event 12: the finding */
    ADD(OBS_VRAM, 0, NULL, 0, 12, 4096);
    ADD(CALL, 0, NULL, 3, 9999);
    ADD(CALL, 0, NULL, 4, GPUP_DDI_ResetVirtualFunction, 0, 1u << 20);
    ADD(SKIP, 1, EVIL, GPUP_SKIP_ILLEGAL);
    ADD(END, GPUP_NO_STEP, NULL, 0, 1, 4);
}

static void store(const struct fixture *f, size_t size) {
    FILE *out = fopen(f->file, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(f->trace.bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

/* As a journal has it: over the records, which begin where the reader starts. */
static uint64_t hash_of(const struct fixture *f, size_t size) {
    struct gpup_trace_reader reader;
    uint64_t h = 0xCBF29CE484222325u;
    if (gpup_trace_open(&reader, f->trace.bytes, size) < 0)
        return h;
    for (size_t i = reader.offset; i < size; i++)
        h = (h ^ f->trace.bytes[i]) * 0x100000001B3u;
    return h;
}

static char *page_of(struct fixture *f) {
    struct gpup_report report;
    char *text = NULL;
    size_t size = 0;
    const char *evidence = f->directory;
    assert_true(gpup_report_open_at(&report, &f->results, "MSIX-001", NULL, false, "2026-06-01"));
    report.evidence = &evidence;
    report.evidence_count = 1;
    FILE *out = open_memstream(&text, &size);
    assert_true(gpup_write_html(&report, out));
    fclose(out);
    gpup_report_close(&report);
    assert_int_equal(strlen(text), size);
    assert_null(strstr(text, "<script>alert"));
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "</html>"));
    return text;
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    char traces[96];
    snprintf(f->directory, sizeof f->directory, "/tmp/gpup-html-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(traces, sizeof traces, "%s/traces", f->directory);
    assert_int_equal(mkdir(traces, 0777), 0);
    snprintf(f->file, sizeof f->file, "%s/..-x.trace", traces);
    record(f);
    f->rules = calloc(gpup_spec_counts.rules, sizeof *f->rules);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        gpup_rule_unjudged(i, &f->rules[i].verdict, &f->rules[i].reason);
    uint16_t rule = gpup_rule_find("MSIX-001");
    f->rules[rule] = (struct gpup_rule_result){1, 1, GPUP_FAIL, GPUP_REASON_VIOLATED, 0};
    f->finding = (struct gpup_finding){.rule = rule, .verdict = GPUP_FAIL, .event = 12, .text = EVIL};
    f->finding.ddi = GPUP_DDI_CreateVirtualGpu;
    f->program = (struct gpup_program_result){.name = "../x", .done = true, .step = 1};
    f->program.rules = f->rules;
    f->program.findings = &f->finding;
    f->program.finding_count = 1;
    f->program.ddi = GPUP_SPEC_NONE;
    f->results = (struct gpup_results){.implementation = "x", .profile = "full", .programs = &f->program};
    f->results.program_count = 1;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char traces[96];
    unlink(f->file);
    snprintf(traces, sizeof traces, "%s/traces", f->directory);
    rmdir(traces);
    rmdir(f->directory);
    gpup_trace_free(&f->trace);
    free(f->rules);
    free(f);
    return 0;
}

static void expect(const char *page, const char *text) {
    if (!strstr(page, text))
        fail_msg("expected in the page: %s", text);
}

static void a_timeline_tells_what_the_trace_has(void **state) {
    struct fixture *f = *state;
    store(f, f->trace.size);
    f->program.trace_hash = hash_of(f, f->trace.size);
    char *page = page_of(f);
    expect(page, "gpup-cts replay ../x x");
    expect(page, "<li class=\"step wrong\"><b>1</b> &lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;");
    expect(page, "<b>CreateVirtualGpu</b>(PartitionId 3, MemoryMin 0");
    expect(page, "STATUS_UNSUCCESSFUL");
    expect(page, "writes PF BAR0 + 0x30 &#x2190; 0xabcd <b>&#xd7; 2</b>");
    expect(page, "callback <b>DxgkCbQueueDpc</b>");
    expect(page, "VF 0, memory: other contents");
    expect(page, "<li class=\"found first\"><b>First wrong: </b>");
    expect(page, "<i>did not return</i>");
    expect(page, "in the 1 of 1 programs whose traces are stored");
    expect(page, "DriverEntry: 1 of 1 taken");
    expect(page, "CreateVirtualGpu: 0 of 1 taken"); /* it failed */
    free(page);
}

static void a_trace_of_another_run_is_not_shown(void **state) {
    struct fixture *f = *state;
    store(f, f->trace.size);
    f->program.trace_hash = hash_of(f, f->trace.size) ^ 1;
    char *page = page_of(f);
    expect(page, "Its trace is not stored beside the journal, or is of another run");
    expect(page, "No trace is stored");
    assert_null(strstr(page, "class=\"timeline\""));
    free(page);
}

static void a_trace_may_end_anywhere(void **state) {
    struct fixture *f = *state;
    for (size_t size = 0; size < f->trace.size; size++) {
        store(f, size);
        f->program.trace_hash = hash_of(f, size);
        free(page_of(f));
    }
}

static void bytes_of_a_trace_may_be_anything(void **state) {
    struct fixture *f = *state;
    for (size_t at = 0; at < f->trace.size; at++) {
        f->trace.bytes[at] ^= 0x41;
        store(f, f->trace.size);
        f->program.trace_hash = hash_of(f, f->trace.size);
        free(page_of(f));
        f->trace.bytes[at] ^= 0x41;
    }
}

static void earlier_results_may_be_anything(void **state) {
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "The earlier results cannot be used."},
        {"[1, 2]", "Since the last run"},
        {"{\"rules\": 1, \"programs\": {}}", "Since the last run"},
        {"{\"rules\": [{\"id\": \"MSIX-001\", \"verdict\": \"PASS\", \"shown\": \"<b>PASS\"}], \"programs\": "
         "[]}",
         "<h3 class=\"failed\">Worse: 1</h3><ul><li><a class=\"id\" href=\"#MSIX-001\">MSIX-001</a>: "
         "&lt;b&gt;PASS &#x2192; FAIL"}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gpup_report report;
        char *text = NULL;
        size_t size = 0;
        assert_true(gpup_report_open_at(&report, &f->results, "MSIX-001", NULL, false, "2026-06-01"));
        report.last = cases[i].text;
        FILE *out = open_memstream(&text, &size);
        assert_true(gpup_write_html(&report, out));
        fclose(out);
        gpup_report_close(&report);
        expect(text, cases[i].expected);
        free(text);
    }
}

/* Figures of the code that ran are shown for this build, and whatever else the file holds is not. */
static void figures_of_code(void **state) {
#define RUN(name, lines)                                                                                     \
    "{\"name\": \"" name "\", \"lines\": " lines ", \"functions\": [0, 0], \"branches\": [1, 3]}"
#define CODE(hash, runs) "{\"hash\": \"" hash "\", \"runs\": [" runs "]}"
    static const struct {
        const char *code, *expected, *not_expected;
    } cases[] = {
        {CODE("0a1b", RUN("conformance", "[3, 4]") "," RUN("together", "[4, 4]")),
         "coverage/conformance/index.html\">Conformance</a></th><td>75.0 % <small>of "
         "4</small></td><td>none</td><td>33.3 %",
         "coverage/corpus"},
        {CODE("0a1b", RUN("corpus", "[5, 4]")), "Corpus of found programs</a></th><td>none</td>", "<td>125"},
        {CODE("0a1b", RUN("corpus", "[1]")), "Corpus of found programs</a></th><td>none</td>", "<td>100"},
        {CODE("0a1b", RUN("corpus", "[-1, 4]")), "Corpus of found programs</a></th><td>none</td>", "<td>-25"},
        {CODE("0a1b", RUN("<script>alert", "[1, 2]") ", 7, {}"), "Code of the implementation", "index.html"},
        {CODE("ffff", RUN("conformance", "[3, 4]")), "What was not tested", "Code of the implementation"},
        {CODE("0a1b", ""), "What was not tested", "Code of the implementation"},
        {"{\"runs\": 7", "What was not tested", "Code of the implementation"},
        {"[]", "What was not tested", "Code of the implementation"},
    };
    struct fixture *f = *state;
    strcpy(f->results.implementation_hash, "0a1b");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gpup_report report;
        char *text = NULL;
        size_t size = 0;
        assert_true(gpup_report_open_at(&report, &f->results, "MSIX-001", NULL, false, "2026-06-01"));
        report.code = cases[i].code;
        FILE *out = open_memstream(&text, &size);
        assert_true(gpup_write_html(&report, out));
        fclose(out);
        gpup_report_close(&report);
        expect(text, cases[i].expected);
        if (strstr(text, cases[i].not_expected))
            fail_msg("%s: shown", cases[i].not_expected);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_timeline_tells_what_the_trace_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trace_of_another_run_is_not_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trace_may_end_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_of_a_trace_may_be_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(earlier_results_may_be_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(figures_of_code, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
