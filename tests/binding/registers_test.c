/* What an image does to registers by its own instructions reaches the device, in order and width. */
#include "../os/support.h"
#include "pe_open.h"

#include <gpup/binding.h>
#include <stdio.h>
#include <string.h>

#define DEVICE 0x40000000

/* --- a device of plain registers that keeps what was done */

static uint8_t registers[8192];
static struct access {
    uint32_t offset, width;
    bool write;
    uint64_t value;
} seen[64];
static unsigned accesses;

static void keep(uint64_t physical, uint32_t width, bool write, uint64_t value) {
    if (accesses < 64)
        seen[accesses++] = (struct access){(uint32_t)(physical - DEVICE), width, write, value};
}

static bool claims(void *device, uint64_t physical, uint64_t size) {
    (void)device;
    return physical >= DEVICE && physical - DEVICE + size <= sizeof registers;
}

static uint64_t bus_read(void *device, uint64_t physical, uint32_t width) {
    uint64_t value = 0;
    (void)device;
    memcpy(&value, &registers[physical - DEVICE], width);
    keep(physical, width, false, value);
    return value;
}

static void bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    (void)device;
    keep(physical, width, true, value);
    memcpy(&registers[physical - DEVICE], &value, width);
}

static const struct gpup_device_ops device = {
    .size = sizeof device, .claims = claims, .bus_read = bus_read, .bus_write = bus_write};

/* --- */

static struct gpup_binding binding;
static struct host host;

static void open_image(void) {
    char message[512];
    uintptr_t start, end;
    if (gpup_binding_open(&binding, GPUP_TEST_REGISTERS, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    host_open(&host, true);
    gpup_image_code(binding.image, &start, &end);
    gpup_os_set_code(host.os, start, start, end);
    gpup_os_set_unwinder(host.os, gpup_image_unwinder(binding.image));
    gpup_os_set_device(host.os, &device, NULL);
    accesses = 0;
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

static void accesses_come_in_order_and_width(void **state) {
    static const struct access expected[] = {{16, 4, true, 0x11223344},
                                             {3, 1, true, 0x55},
                                             {6, 2, true, 0x6677},
                                             {8, 8, true, 0x8899AABBCCDDEEFF},
                                             {16, 4, false, 0x11223344},
                                             {20, 4, true, 0x11223345},
                                             {16, 4, false, 0x11223344},
                                             {16, 4, true, 0x91223344},
                                             {32, 1, true, 7},
                                             {33, 1, true, 7},
                                             {34, 1, true, 7},
                                             {48, 8, true, 0x0807060504030201},
                                             {56, 8, true, 0x100F0E0D0C0B0A09},
                                             {64, 1, true, 17},
                                             {80, 1, true, 9},
                                             {81, 1, true, 9}};
    (void)state;
    open_image();
    assert_int_equal(host_run(&host, function("in_order"), gpup_os_buffer(host.os, 64, 0, NULL)), 0);
    assert_int_equal(accesses, sizeof expected / sizeof *expected);
    for (unsigned i = 0; i < accesses; i++) {
        assert_int_equal(seen[i].offset, expected[i].offset);
        assert_int_equal(seen[i].width, expected[i].width);
        assert_int_equal(seen[i].write, expected[i].write);
        assert_int_equal(seen[i].value &
                             (seen[i].width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * seen[i].width) - 1),
                         expected[i].value);
    }
}

static void instructions_do_what_they_do_to_memory(void **state) {
    (void)state;
    open_image();
    assert_int_equal(host_run(&host, function("as_in_memory"), gpup_os_buffer(host.os, 64, 0, NULL)), 0);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
}

/* What the processor would not have done is a fault of the driver's, before the device sees any of it. */
static void faults_are_faults(void **state) {
    static const struct {
        const char *name;
        unsigned cause;
    } faults[] = {{"beyond_it", GPUP_FAULT_WRITE},
                  {"misaligned", GPUP_FAULT_READ}, /* a general protection fault has no kind of access */
                  {"over_the_end", GPUP_FAULT_WRITE},
                  {"over_the_end_wide", GPUP_FAULT_WRITE}};
    (void)state;
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        open_image();
        assert_int_equal(host_try(&host, function(faults[i].name), NULL), GPUP_RAN_DEAD);
        const struct gpup_event *fault = logged(&host.log, GPUP_EVENT_FAULT, 0);
        assert_non_null(fault);
        assert_int_equal(fault->f[GPUP_FAULT_cause], faults[i].cause);
        assert_int_equal(fault->f[GPUP_FAULT_routine], 0 /* a DDI */);
        assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 1);
        assert_false(gpup_os_beyond(host.os));
        assert_int_equal(accesses, 0);
        if (i + 1 < sizeof faults / sizeof *faults)
            close_image(NULL);
    }
}

static void a_fault_behind_the_access_is_one_too(void **state) {
    (void)state;
    open_image();
    assert_int_equal(host_try(&host, function("divided_by_it"), NULL), GPUP_RAN_DEAD);
    const struct gpup_event *fault = logged(&host.log, GPUP_EVENT_FAULT, 0);
    assert_non_null(fault);
    assert_int_equal(fault->f[GPUP_FAULT_cause], GPUP_FAULT_DIVIDE);
    assert_int_equal(accesses, 2); /* the driver's own write, and the read */
}

static void which_the_driver_may_handle(void **state) {
    (void)state;
    open_image();
    assert_int_equal(host_run(&host, function("divided_in_a_try"), NULL), 7);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 0);
}

static void pages_make_no_difference(void **state) {
    static const struct access expected[] = {
        {4094, 4, true, 0}, {4088, 8, false, 0}, {4096, 8, false, 0}, {4091, 8, true, 0}, {4099, 8, true, 0}};
    (void)state;
    open_image();
    host_run(&host, function("across_pages"), NULL);
    assert_int_equal(accesses, sizeof expected / sizeof *expected);
    for (unsigned i = 0; i < accesses; i++) {
        assert_int_equal(seen[i].offset, expected[i].offset);
        assert_int_equal(seen[i].width, expected[i].width);
        assert_int_equal(seen[i].write, expected[i].write);
    }
}

static void what_is_not_known_accuses_nobody(void **state) {
    (void)state;
    open_image();
    assert_int_equal(host_try(&host, function("unknown"), NULL), GPUP_RAN_DEAD);
    assert_true(gpup_os_beyond(host.os));
    assert_int_equal(count_of(&host.log, GPUP_EVENT_FAULT), 0);
    const struct gpup_event *event = logged(&host.log, GPUP_EVENT_MISUSE, 0);
    assert_non_null(event);
    assert_int_equal(event->f[GPUP_MISUSE_what], GPUP_MISUSE_UNSUPPORTED);
    const uint8_t *code = function("unknown");
    const char *text = host.log.text[event - host.log.events];
    unsigned first, second, rva; /* FILD, and where it is */
    // NOLINTNEXTLINE(cert-err34-c): our own words
    assert_int_equal(sscanf(text, "instruction at 0x%x: %x %x", &rva, &first, &second), 3);
    uint32_t begin = (uint32_t)(code - binding.pe->memory);
    assert_in_range(rva, begin, begin + 64);
    assert_int_equal(first, 0xDB);
    assert_int_equal(binding.pe->memory[rva], first);
    assert_int_equal(binding.pe->memory[rva + 1], second);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, close_image)
    const struct CMUnitTest tests[] = {TEST(accesses_come_in_order_and_width),
                                       TEST(instructions_do_what_they_do_to_memory),
                                       TEST(faults_are_faults),
                                       TEST(a_fault_behind_the_access_is_one_too),
                                       TEST(which_the_driver_may_handle),
                                       TEST(pages_make_no_difference),
                                       TEST(what_is_not_known_accuses_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
