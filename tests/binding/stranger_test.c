/* Drivers of other kinds, and miniports that register nothing that can be run: one line says why, whatever
 * the number of programs, and nobody is accused. */
#include "../runner/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *image, int status, const char *line) {
    struct tool t = tool_run("run %s/%s.sys --select 'pause/*' --out $D/out", GPUP_TEST_IMAGES, image);
    json_t *results = tool_json(tool_path("out/results.json")), *rule;
    const char *at = strstr(t.out, line);
    size_t i;
    if (t.status != status || !at) {
        fail_msg("%s: expected status %d and '%s', found %d: %s%s", image, status, line, t.status, t.out,
                 t.err);
        return;
    }
    assert_null(strstr(at + 1, line)); /* once */
    assert_non_null(strstr(t.out, " programs, first "));
    json_array_foreach(json_object_get(results, "rules"), i, rule)
        assert_string_not_equal(tool_text(rule, "verdict"), "FAIL");
    json_decref(results);
    tool_free(&t);
}

static void other_kinds(void **state) {
    (void)state;
    expect("stranger0", 4,
           "the adapter did not start: DriverEntry returned 0x00000000, and had not called DxgkInitialize");
    expect("stranger1", 4,
           "the adapter did not start: DriverEntry returned 0xc0000001, and had not called DxgkInitialize");
}

static void other_roads(void **state) {
    (void)state;
    expect("stranger2", 3,
           "call of ntoskrnl.exe!ZwLoadDriver (a service that this suite does not play; if that is "
           "DxgkInitialize of the WDK's displib.lib, link the suite's in its place) in DriverEntry");
    expect("stranger3", 3,
           "call of dxgkrnl.sys!DxgkInitializeDisplayOnlyDriver (a service that this suite does not play; "
           "a display-only driver has no virtual functions) in DriverEntry");
}

static void not_this_device(void **state) {
    (void)state;
    expect(
        "stranger4", 4,
        "the adapter did not start: AddDevice returned 0x00000000, and no context: it declined the device");
    expect("stranger5", 4, "the adapter did not start: DriverEntry returned 0xc0000059");
}

static void what_is_only_refused_is_not_supported(void **state) {
    struct tool t = tool_run("list imports %s/stranger1.sys", GPUP_TEST_IMAGES);
    (void)state;
    assert_string_equal(t.out, "-            vmbkmcl.sys      VmbPacketRestore\n1 imports, 0 supported\n");
    tool_free(&t);
}

/* Nothing is said of a driver that offers nothing; it starts, and is looked at. */
static void a_miniport_in_cxx(void **state) {
    struct tool t = tool_run("run %s/cxx.sys --strict --select 'pause/*' --out $D/out", GPUP_TEST_IMAGES);
    (void)state;
    if (t.status != 4)
        fail_msg("expected status 4, found %d: %s%s", t.status, t.out, t.err);
    assert_null(strstr(t.out, "did not start"));
    assert_null(strstr(t.out, "ERROR"));
    tool_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_kinds), cmocka_unit_test(other_roads), cmocka_unit_test(not_this_device),
        cmocka_unit_test(what_is_only_refused_is_not_supported), cmocka_unit_test(a_miniport_in_cxx)};
    tool_directory("strangers");
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
