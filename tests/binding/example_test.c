/*
 * The example's image in each build of the suite: a driver with moves of the IRQL, exceptions (a filter, a
 * raised status,
 * __finally), spin locks, a timer, a system thread, an interrupt, stores to registers by its own
 * instructions, and files.
 */
#include "../runner/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void it_passes(void **state) {
    struct tool t = tool_run("run " GPUP_TEST_EXAMPLE " --strict --select 'adapter/*' --out $D/out");
    (void)state;
    if (t.status != 4) /* it partitions nothing, so that not every rule is about it */
        print_message("%s%s", t.out, t.err);
    assert_int_equal(t.status, 4);
    tool_free(&t);
    json_t *results = tool_json(tool_path("out/results.json")), *item;
    size_t i, passed = 0, complete = 0;
    json_array_foreach(json_object_get(results, "rules"), i, item) {
        passed += strcmp(tool_text(item, "verdict"), "PASS") == 0;
        assert_string_not_equal(tool_text(item, "verdict"), "FAIL");
        assert_string_not_equal(tool_text(item, "verdict"), "WARN");
    }
    json_array_foreach(json_object_get(results, "programs"), i, item) complete +=
        strcmp(tool_text(item, "outcome"), "COMPLETE") == 0;
    assert_true(passed > 10 && complete > 10);
    json_decref(results);
}

/* Firmware that is given to the run is found, and looked at. */
#define FIRMWARE "'\\SystemRoot\\system32\\drivers\\EXAMPLE_miniport.bin='$D/"
static size_t ends(const char *file, const char *directory, const char *outcome) {
    struct tool t = tool_run(
        "run " GPUP_TEST_EXAMPLE " --select 'adapter/*' --out $D/%s --file " FIRMWARE "%s", directory, file);
    json_t *results, *item;
    size_t i, count = 0;
    assert_int_equal(t.status, 4);
    tool_free(&t);
    results = tool_json(tool_path("%s/results.json", directory));
    assert_int_equal(strlen(tool_text(results, "files")), 16);
    json_array_foreach(json_object_get(results, "programs"), i, item) count +=
        strcmp(tool_text(item, "outcome"), outcome) == 0;
    json_decref(results);
    return count;
}
static void it_reads_firmware(void **state) {
    size_t complete;
    (void)state;
    tool_write(tool_path("good.bin"), "MINI and more", 13);
    tool_write(tool_path("other.bin"), "MONI and more", 13);
    tool_write(tool_path("short.bin"), "MIN", 3);
    complete = ends("good.bin", "good", "COMPLETE");
    assert_true(complete > 10);
    assert_int_equal(ends("other.bin", "other", "SKIPPED"), complete); /* the adapter does not start */
    assert_int_equal(ends("short.bin", "short", "SKIPPED"), complete);
    assert_int_equal(ends("good.bin", "again", "COMPLETE"), complete);
    struct tool t = tool_run("compare $D/good $D/again");
    assert_int_equal(t.status, 0);
    tool_free(&t);
    t = tool_run("report $D/good $D/other"); /* other files: another run */
    assert_int_equal(t.status, 2);
    tool_free(&t);
    t = tool_run("replay adapter/start-stop " GPUP_TEST_EXAMPLE " --file " FIRMWARE "other.bin");
    assert_non_null(strstr(t.out, "SKIPPED"));
    tool_free(&t);
}

/* What it is an example of. */
static void it_has_all_of_it(void **state) {
    static const char *const imports[] = {
        "KfRaiseIrql",  "ExRaiseStatus",        "__C_specific_handler", "KeAcquireSpinLockRaiseToDpc",
        "KeSetTimerEx", "PsCreateSystemThread", "DxgkInitialize",       "MmMapIoSpace",
        "ZwReadFile",   "ZwWriteFile"};
    struct tool t = tool_run("list imports " GPUP_TEST_EXAMPLE);
    (void)state;
    assert_int_equal(t.status, 0);
    for (size_t i = 0; i < sizeof imports / sizeof *imports; i++)
        if (!strstr(t.out, imports[i]))
            fail_msg("it does not import %s", imports[i]);
    assert_null(strstr(t.out, "WRITE_REGISTER"));
    tool_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_passes), cmocka_unit_test(it_reads_firmware),
                                       cmocka_unit_test(it_has_all_of_it)};
    tool_directory("example");
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
