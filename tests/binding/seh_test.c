/* Exceptions in an image reach its handlers, and nobody else's. */
#include "../os/support.h"
#include "pe_open.h"

#include <gpup/binding.h>
#include <string.h>

static struct gpup_binding binding;
static struct host host;
static uint64_t *room; /* of the driver */

/* In the test itself: CMocka sets its own signal handlers before each of its functions. */
static void open_image(void) {
    char message[512];
    if (gpup_binding_open(&binding, GPUP_TEST_SEH, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    host_open(&host, true);
    gpup_os_set_unwinder(host.os, gpup_image_unwinder(binding.image));
    room = gpup_os_buffer(host.os, 256, 0, NULL);
    memset(room, 0, 256);
}

static int close_image(void **state) {
    (void)state;
    host_close(&host);
    gpup_binding_close(&binding);
    return 0;
}

static void *function(const char *name) {
    void *address = gpup_pe_export(binding.pe, name);
    if (!address)
        fail_msg("no export %s", name);
    return address;
}

static void they_are_handled(void **state) {
    static const char *const names[] = {GPUP_TEST_HANDLED};
    (void)state;
    open_image();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct gpup_os_call call = {
            .function = function(names[i]), .args = {(uint64_t)(uintptr_t)room}, .count = 1};
        if (gpup_os_call(host.os, &call) != GPUP_RAN_RETURNED)
            fail_msg("%s did not return", names[i]);
        if (call.result)
            fail_msg("%s found a difference in line %d", names[i], (int)call.result);
    }
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT) + count_of(&host.log, GPUP_EVENT_BUGCHECK) +
                         count_of(&host.log, GPUP_EVENT_MISUSE),
                     0);
}

static const struct gpup_event *stops(const char *name, unsigned kind) {
    open_image();
    assert_int_equal(host_try(&host, function(name), room), GPUP_RAN_DEAD);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT) + count_of(&host.log, GPUP_EVENT_BUGCHECK), 1);
    const struct gpup_event *event = logged(&host.log, kind, 0);
    assert_non_null(event);
    assert_int_equal(room[0], 0);
    return event;
}

static void a_fault_that_nobody_takes(void **state) {
    (void)state;
    const struct gpup_event *event = stops("nobody_cares", GPUP_EVENT_FAULT);
    assert_int_equal(event->f[GPUP_FAULT_cause], GPUP_FAULT_READ);
    assert_int_equal(event->f[GPUP_FAULT_offset], 0x18);
}

static void a_status_that_nobody_takes(void **state) {
    (void)state;
    assert_int_equal(stops("nobody_takes_a_status", GPUP_EVENT_BUGCHECK)->f[GPUP_BUGCHECK_code], 0xE0000001);
}

static void what_is_not_continuable(void **state) {
    (void)state;
    assert_int_equal(stops("it_cannot_continue", GPUP_EVENT_BUGCHECK)->f[GPUP_BUGCHECK_code], 0xE0000001);
}

static void memory_of_the_system_is_not_offered(void **state) {
    (void)state;
    assert_int_equal(stops("over_the_end", GPUP_EVENT_FAULT)->f[GPUP_FAULT_cause], GPUP_FAULT_GUARD);
}

static void nothing_is_offered_at_dispatch_level(void **state) {
    (void)state;
    assert_int_equal(stops("at_dispatch_level", GPUP_EVENT_FAULT)->f[GPUP_FAULT_cause], GPUP_FAULT_READ);
}

static void filters_that_fail_come_to_an_end(void **state) {
    (void)state;
    assert_int_equal(stops("without_end", GPUP_EVENT_FAULT)->f[GPUP_FAULT_cause], GPUP_FAULT_READ);
}

static void a_fault_in_a_service_that_does_not_raise(void **state) {
    (void)state;
    assert_int_equal(stops("in_another_service", GPUP_EVENT_FAULT)->f[GPUP_FAULT_offset] & ~63u, 0x40);
}

/* Without its tables, what is raised is as in an object of this system. */
static void without_tables_nothing_is_offered(void **state) {
    (void)state;
    open_image();
    gpup_os_set_unwinder(host.os, NULL);
    assert_int_equal(host_try(&host, function("a_status"), room), GPUP_RAN_DEAD);
    assert_int_equal(logged(&host.log, GPUP_EVENT_BUGCHECK, 0)->f[GPUP_BUGCHECK_code], 0xE0000001);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, close_image)
    const struct CMUnitTest tests[] = {TEST(they_are_handled),
                                       TEST(a_fault_that_nobody_takes),
                                       TEST(a_status_that_nobody_takes),
                                       TEST(what_is_not_continuable),
                                       TEST(memory_of_the_system_is_not_offered),
                                       TEST(nothing_is_offered_at_dispatch_level),
                                       TEST(filters_that_fail_come_to_an_end),
                                       TEST(a_fault_in_a_service_that_does_not_raise),
                                       TEST(without_tables_nothing_is_offered)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
