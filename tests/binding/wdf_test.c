/* A framework driver's image is bound by WDFLDR and calls the framework by numbers. */
#include "../os/support.h"
#include "kmdf.h"
#include "pe_open.h"

#include <gpup/binding.h>
#include <string.h>

static struct gpup_binding binding;
static struct host host;
static unsigned fail_nth; /* allocation of the call that fails; 0: none */

static enum gpup_ran run(const char *name, uint64_t *result) {
    char message[512];
    if (gpup_binding_open(&binding, GPUP_TEST_WDF, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    host_open(&host, true);
    if (fail_nth)
        gpup_os_fail_allocation(host.os, fail_nth, 1);
    struct gpup_os_call call = {.function = gpup_pe_export(binding.pe, name)};
    assert_non_null(call.function);
    enum gpup_ran ran = gpup_os_call(host.os, &call);
    *result = call.result;
    return ran;
}

static int close_image(void **state) {
    (void)state;
    host_close(&host);
    gpup_binding_close(&binding);
    return 0;
}

static void works(const char *name) {
    uint64_t line;
    assert_int_equal(run(name, &line), GPUP_RAN_RETURNED);
    assert_int_equal(line, 0);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
}

static void a_later_version_has_a_pointer(void **state) {
    (void)state;
    works("by_pointer");
}

static void an_earlier_version_has_a_copy(void **state) {
    (void)state;
    works("by_copy");
}

static void some_cannot_be_bound(void **state) {
    (void)state;
    works("what_cannot_be_bound");
}

static void a_miniport_has_a_driver_and_devices(void **state) {
    (void)state;
    works("a_miniport");
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 0);
}

static void a_driver_that_stays_is_left(void **state) {
    (void)state;
    works("a_miniport_that_stays");
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 1);
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 1);
}

/* A handle that is none, or nothing where something must be, stops the framework. */
static void what_stops_the_framework(void **state) {
    static const char *const exports[] = {"a_driver_without_path",   "a_device_of_no_driver",
                                          "a_device_without_object", "a_driver_deleted",
                                          "a_device_deleted_twice",  "a_driver_unloaded_twice"};
    uint64_t line;
    for (unsigned i = 0; i < sizeof exports / sizeof *exports; i++) {
        assert_int_equal(run(exports[i], &line), GPUP_RAN_DEAD);
        const struct gpup_event *event = logged(&host.log, GPUP_EVENT_BUGCHECK, 0);
        assert_non_null(event);
        assert_int_equal(event->f[GPUP_BUGCHECK_code], GPUP_WDF_VIOLATION);
        close_image(state);
    }
    run("a_miniport", &line);
}

/* Each allocation of both calls fails once. */
static void memory_runs_out(void **state) {
    (void)state;
    for (unsigned nth = 1; nth <= 4; nth++) {
        uint64_t line;
        fail_nth = nth;
        assert_int_equal(run("a_miniport_without_memory", &line), GPUP_RAN_RETURNED);
        assert_int_equal(line, 0);
        if (nth < 4)
            close_image(state);
    }
    fail_nth = 0;
}

static void unbound_twice_is_a_misuse(void **state) {
    uint64_t line;
    (void)state;
    assert_int_equal(run("unbound_twice", &line), GPUP_RAN_RETURNED);
    const struct gpup_event *event = logged(&host.log, GPUP_EVENT_MISUSE, 0);
    assert_non_null(event);
    assert_int_equal(event->f[GPUP_MISUSE_what], GPUP_MISUSE_OBJECT);
}

static void what_is_not_played_is_named(void **state) {
    uint64_t line;
    (void)state;
    assert_int_equal(run("one_that_is_not_played", &line), GPUP_RAN_DEAD);
    assert_true(gpup_os_beyond(host.os));
    for (unsigned i = 0; i < host.log.count; i++)
        if (host.log.events[i].kind == GPUP_EVENT_MISUSE)
            assert_string_equal(host.log.text[i],
                                "wdf01000.sys!WdfDeviceCreate, f"); /* as far as it is kept */
}

/* The list of names against that of functions, which was made by hand. */
static void names_are_at_their_numbers(void **state) {
    (void)state;
#define FUNCTION(number, name) assert_string_equal(gpup_wdf_name(number), #name);
#define WIDE(number, name) FUNCTION(number, name)
#include "wdf_functions.def"
#undef FUNCTION
#undef WIDE
    assert_string_equal(gpup_wdf_name(75), "WdfDeviceCreate");
    assert_string_equal(gpup_wdf_name(100000), "a function");
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, close_image)
    const struct CMUnitTest tests[] = {TEST(a_later_version_has_a_pointer),
                                       TEST(an_earlier_version_has_a_copy),
                                       TEST(some_cannot_be_bound),
                                       TEST(unbound_twice_is_a_misuse),
                                       TEST(a_miniport_has_a_driver_and_devices),
                                       TEST(a_driver_that_stays_is_left),
                                       TEST(what_stops_the_framework),
                                       TEST(memory_runs_out),
                                       TEST(what_is_not_played_is_named),
                                       cmocka_unit_test(names_are_at_their_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
