/* The YAML form: exact round trips, and what people may write. */
#include "sample.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void parse(const char *text, struct gpup_program *program) {
    char *errors = NULL;
    if (gpup_program_parse(text, strlen(text), "test.yaml", program, &errors))
        fail_msg("%s%s", errors, text);
    assert_null(errors);
}

static void test_any_program(void **state) {
    uint64_t seed = 11;
    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        struct gpup_program program, again;
        uint8_t bytes[SAMPLE_BYTES];
        if (round % 2)
            sample_program(&seed, &program);
        else
            assert_true(gpup_program_decode(bytes, sample_bytes(&seed, bytes), &program));
        char *text = gpup_program_print(&program);
        parse(text, &again);
        assert_same_program(&program, &again);
        char *second = gpup_program_print(&again);
        assert_string_equal(text, second);
        free(text);
        free(second);
        gpup_program_free(&program);
        gpup_program_free(&again);
    }
}

/* Canonical text comes back letter by letter. */
static void test_canonical(void **state) {
    static const char *const texts[] = {
        "steps: []\n",
        "title: Program every entry masked, unmask one by one, fire\n"
        "area: MSIX\n"
        "world: {hosts: 2, vfs: 8, partitions: 8, msix: {entries: 64, bar: 2, offset: 0}, page_size: 0x10000,"
        " performant: false, vram_mib: 512, reserve_kib: 2048, seed: 0xffffffffffffffff, fill: 3, preempt: "
        "true}\n"
        "steps:\n"
        "  - StartVm\n"
        "  - WriteVirtualizedInterrupt: {index: last, address: 0xfee00010, data: 0x4001, control: 1}\n"
        "  - WriteVirtualizedInterrupt: {index: count, class: robustness}\n"
        "  - WriteVirtualizedInterrupt: {index: -1, class: robustness}\n"
        "  - PrepareLiveMigration: {host: 1, vf: 2, type: target}\n"
        "  - PrepareLiveMigration: {type: 7, class: robustness}\n"
        "  - SaveImmutableMigrationData: {size: need-1, data: exact, blob: 15, class: policy}\n"
        "  - SaveMutableMigrationData: {size: need+0x1000, data: read_only}\n"
        "  - RestoreMutableMigrationData: {size: blob-1, data: null, class: stated}\n"
        "  - QueryDirtyBitData: {basis: stale+1, class: robustness}\n"
        "  - StopDirtyTracking: {basis: invalid, class: robustness}\n"
        "  - SetVirtualFunctionPowerState: {state: D3, wake: true}\n"
        "  - PatchBlob: {width: 1, value: 255, how: xor}\n"
        "  - CreateMemoryBasis: {ranges: count-1, order: shuffled}\n"
        "  - CopyVram: {vf: 0xffffffff, to_vf: 3, class: robustness}\n"
        "  - Wait: {us: 5000000}\n",
        "title: \"9 \\\"quoted\\\" \xC3\xA9 \\\\ # and: more \"\nsteps:\n  - StopVm\n",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gpup_program program;
        parse(texts[i], &program);
        char *again = gpup_program_print(&program);
        assert_string_equal(again, texts[i]);
        free(again);
        gpup_program_free(&program);
    }
}

static void assert_reads_as(const char *written, const char *canonical) {
    struct gpup_program program;
    parse(written, &program);
    char *text = gpup_program_print(&program);
    assert_string_equal(text, canonical);
    free(text);
    gpup_program_free(&program);
}

static void test_written_by_people(void **state) {
    (void)state;
    assert_reads_as("# words\nsteps:\n- StartVm: {vf: 0, host: 0, class: legal}\n- StopVm: {}\n- StopVm:\n",
                    "steps:\n  - StartVm\n  - StopVm\n  - StopVm\n");
    assert_reads_as("steps:\n- Wait:\n    us: 0xA\n- WriteVirtualizedInterrupt: {index: 'last'}\n",
                    "steps:\n  - Wait: {us: 10}\n  - WriteVirtualizedInterrupt: {index: last}\n");
    assert_reads_as("{title: 'It''s: fine', world: {vfs: 2}, steps: [StartVm, {Wait: {us: 20000}}]}",
                    "title: \"It's: fine\"\nworld: {vfs: 2, partitions: 2}\nsteps:\n  - StartVm\n  - Wait\n");
    assert_reads_as("---\nsteps:\n- CopyVram: {vf: 99, class: robustness, to_vf: 0x100}\n",
                    "steps:\n  - CopyVram: {vf: 99, to_vf: 256, class: robustness}\n");
}

static void test_files(void **state) {
    struct gpup_program program;
    char *errors = NULL;
    (void)state;
    assert_int_equal(gpup_program_load("/nonexistent/p.yaml", &program, &errors), -1);
    assert_string_equal(errors,
                        "/nonexistent/p.yaml: error: expected a readable YAML file, found: No such file or "
                        "directory\n");
    free(errors);
    assert_int_equal(gpup_program_load("/", &program, &errors), -1);
    assert_string_equal(errors, "/: error: expected a readable YAML file, found: Is a directory\n");
    free(errors);
    assert_int_equal(gpup_program_load("/nonexistent/p.yaml", &program, NULL), -1);
}

/* Any text is read or refused with a message; never a fault. */
static void test_any_text(void **state) {
    static const char start[] =
        "title: a\nworld: {vfs: 4, msix: {entries: 3}}\nsteps:\n  - StartVm: {vf: 1}\n"
        "  - WriteVirtualizedInterrupt: {index: last-1, data: 0x10}\n  - Wait\n";
    static const char alphabet[] = "{}[]:,-&*!|>'\"%@`#? \n\tabc019\xC3\xA9\xFF";
    uint64_t seed = 12;
    unsigned refused = 0;
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        char text[sizeof start];
        struct gpup_program program;
        char *errors = NULL;
        memcpy(text, start, sizeof start);
        for (unsigned i = 0; i < 1 + round % 3; i++)
            text[sample_random(&seed) % (sizeof start - 1)] =
                alphabet[sample_random(&seed) % (sizeof alphabet - 1)];
        if (gpup_program_parse(
                text, sample_random(&seed) % 4 ? sizeof start - 1 : sample_random(&seed) % sizeof start,
                "test.yaml", &program, &errors)) {
            assert_non_null(errors);
            assert_non_null(strstr(errors, "error: "));
            refused++;
        } else {
            assert_null(errors);
        }
        free(errors);
        gpup_program_free(&program);
    }
    assert_true(refused > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_program),       cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_written_by_people), cmocka_unit_test(test_files),
        cmocka_unit_test(test_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
