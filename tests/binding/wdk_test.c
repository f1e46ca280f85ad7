/* An image laid out as Microsoft's tools do it: what is in it works, and what it finds damaged is a bug
 * check. */
#include "../os/support.h"
#include "../runner/tool.h"
#include "pe_open.h"

#include <string.h>

#define SECURITY_CHECK_FAILURE 0x139u
#define COOKIE_DEFAULT 0x00002B992DDFA232u

static struct gpup_binding binding;
static struct host host;

/* In the test itself: CMocka sets its own signal handlers before each of its functions. */
static void *open_image(const char *name) {
    char message[512];
    if (gpup_binding_open(&binding, GPUP_TEST_WDK, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    host_open(&host, false);
    gpup_os_set_unwinder(host.os, gpup_image_unwinder(binding.image));
    void *address = gpup_pe_export(binding.pe, name);
    assert_non_null(address);
    return address;
}

static int close_image(void **state) {
    (void)state;
    host_close(&host);
    gpup_binding_close(&binding);
    return 0;
}

static void calls_are_guarded(void **state) {
    uint64_t out[4] = {0};
    (void)state;
    host_run(&host, open_image("guarded"), out);
    assert_int_equal(out[0], 211);
    assert_true(out[1] & 0x500); /* CF instrumented, with a table of functions */
    assert_true(out[2] >= 2);
    assert_true(out[3] != COOKIE_DEFAULT && out[3] != 0 && out[3] >> 48 == 0);
}

static void frames_are_probed(void **state) {
    uint64_t out = 0;
    (void)state;
    host_run(&host, open_image("large_frame"), &out);
    assert_int_equal(out, 3000 & 0xFF);
}

static void cookies_hold_and_paged_code_runs(void **state) {
    uint64_t out = 0;
    (void)state;
    host_run(&host, open_image("cookie_holds"), &out);
    assert_int_equal(out, 0x41);
    host_run(&host, gpup_pe_export(binding.pe, "paged"), &out);
    assert_int_equal(out, 5);
}

/* The routine ends where it fails, whoever would take an exception there. */
static void fails_fast(const char *name, uint64_t reached) {
    uint64_t out = 0;
    const struct gpup_event *event;
    assert_int_equal(host_try(&host, open_image(name), &out), GPUP_RAN_DEAD);
    assert_int_equal(out, reached);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 0);
    assert_false(gpup_os_beyond(host.os));
    event = logged(&host.log, GPUP_EVENT_BUGCHECK, 0);
    assert_non_null(event);
    assert_int_equal(event->f[GPUP_BUGCHECK_code], SECURITY_CHECK_FAILURE);
}

static void a_smashed_stack(void **state) {
    (void)state;
    fails_fast("cookie_fails", 0x42);
}

static void a_damaged_list(void **state) {
    (void)state;
    fails_fast("list_fails", 2);
}

static void no_handler_is_asked(void **state) {
    (void)state;
    fails_fast("list_fails_in_try", 2);
}

static void init_code_goes(void **state) {
    uint64_t out = 0;
    void *initial;
    (void)state;
    initial = open_image("initial");
    host_run(&host, initial, &out);
    assert_int_equal(out, 10);
    gpup_image_discard(binding.image, true);
    assert_int_equal(host_try(&host, initial, &out), GPUP_RAN_DEAD);
    assert_int_equal(out, 1);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 1);
    gpup_image_reset(binding.image);
    host_close(&host);
    host_open(&host, false);
    host_run(&host, initial, &out);
    assert_int_equal(out, 10);
}

/* In a world it goes when DriverEntry has returned, and each program has it again. */
static void as_in_a_run(void **state) {
    struct tool t = tool_run("run " GPUP_TEST_WDK " --out $D/out --select 'msix/*'");
    (void)state;
    assert_int_equal(t.status, 1);
    assert_non_null(strstr(t.out, "execution of memory that is no code in AddDevice"));
    assert_null(strstr(t.out, "DriverEntry"));
    tool_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(calls_are_guarded, close_image),
        cmocka_unit_test_teardown(frames_are_probed, close_image),
        cmocka_unit_test_teardown(cookies_hold_and_paged_code_runs, close_image),
        cmocka_unit_test_teardown(a_smashed_stack, close_image),
        cmocka_unit_test_teardown(a_damaged_list, close_image),
        cmocka_unit_test_teardown(no_handler_is_asked, close_image),
        cmocka_unit_test_teardown(init_code_goes, close_image),
        cmocka_unit_test(as_in_a_run)};
    tool_directory("wdk");
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
