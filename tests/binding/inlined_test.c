/* Instructions that the WDK inlines in a driver do in an image what the services do. */
#include "../os/support.h"
#include "pe_open.h"

#include <string.h>

static struct gpup_binding binding;
static struct host host;

/* In the test itself: CMocka sets its own signal handlers before each of its functions. */
static void open_image(void) {
    char message[512];
    if (gpup_binding_open(&binding, GPUP_TEST_INLINED, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    host_open(&host, false);
    gpup_os_set_unwinder(host.os, gpup_image_unwinder(binding.image));
    uintptr_t start, end;
    gpup_image_code(binding.image, &start, &end);
    gpup_os_set_code(host.os, gpup_image_base(binding.image), start, end);
}

static int close_image(void **state) {
    (void)state;
    host_close(&host);
    gpup_binding_close(&binding);
    return 0;
}

static void *function(const char *name) {
    void *address = gpup_pe_export(binding.pe, name);
    assert_non_null(address);
    return address;
}

static void the_irql_is_cr8(void **state) {
    static const uint64_t expected[] = {PASSIVE_LEVEL, DISPATCH_LEVEL, DISPATCH_LEVEL, DISPATCH_LEVEL,
                                        PASSIVE_LEVEL};
    uint64_t out[5] = {99, 99, 99, 99, 99};
    (void)state;
    open_image();
    host_run(&host, function("levels"), out);
    assert_memory_equal(out, expected, sizeof out);
}

static void by_every_register(void **state) {
    uint64_t out[14] = {0};
    (void)state;
    open_image();
    host_run(&host, function("every_register"), out);
    for (unsigned i = 0; i < 14; i++)
        assert_int_equal(out[i], APC_LEVEL);
}

static void the_processor_is_behind_gs(void **state) {
    static const uint64_t expected[] = {1, 1, 1, 0};
    uint64_t out[4] = {0, 0, 0, 99};
    (void)state;
    open_image();
    host_run(&host, function("processor"), out);
    assert_memory_equal(out, expected, sizeof out);
}

/* At least a tick, and no more than two and what asking takes. */
static void times_are_shared(void **state) {
    uint64_t out[8] = {0};
    (void)state;
    open_image();
    host_run(&host, function("times"), out);
    assert_int_equal(out[0], 1);
    assert_in_range(out[1], 1, 100);
    assert_int_equal(out[2], 1);
    assert_int_equal(out[3], 1);
    assert_in_range(out[4], 156250, 2 * 156250 + 10000);
}

static void faults_at(const char *name) {
    uint64_t out = 0;
    open_image();
    assert_int_equal(host_try(&host, function(name), &out), GPUP_RAN_DEAD);
    assert_int_equal(out, 1);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 1);
}

static void what_is_shared_is_only_read(void **state) {
    (void)state;
    faults_at("shared_write");
}

static void reserved_bits_fault(void **state) {
    (void)state;
    faults_at("too_high");
}

/* A kernel would have done them: nobody is accused. */
static void what_is_not_played_is_said(void **state) {
    static const char *const names[] = {"other_control_register", "interrupts_off", "shared_field"};
    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        uint64_t out = 0;
        open_image();
        assert_int_equal(host_try(&host, function(names[i]), &out), GPUP_RAN_DEAD);
        assert_true(gpup_os_beyond(host.os));
        assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 0);
        const struct gpup_event *event = logged(&host.log, GPUP_EVENT_MISUSE, 0);
        assert_non_null(event);
        assert_int_equal(event->f[GPUP_MISUSE_what], GPUP_MISUSE_UNSUPPORTED);
        if (i + 1 < sizeof names / sizeof *names)
            close_image(NULL);
    }
}

static void caches_are_written_back(void **state) {
    uint64_t out = 0;
    (void)state;
    open_image();
    host_run(&host, function("write_back"), &out);
    assert_int_equal(out, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, close_image)
    const struct CMUnitTest tests[] = {
        TEST(times_are_shared),           TEST(what_is_shared_is_only_read), TEST(the_irql_is_cr8),
        TEST(by_every_register),          TEST(the_processor_is_behind_gs),  TEST(reserved_bits_fault),
        TEST(what_is_not_played_is_said), TEST(caches_are_written_back)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
