/* Damaged traces: an error with an offset, or other events; never a fault (run under the sanitizers), and
 * what is accepted is exactly what would have been written. */
#include "sample.h"
#include <stdlib.h>
#include <string.h>

/* Reads all from a copy of exactly that size, so that a read past the end is seen. Returns the reader's last
 * word. */
static int read_all(const uint8_t *bytes, size_t size, char message[160], unsigned *events) {
    uint8_t *copy = malloc(size ? size : 1);
    struct gpup_trace_reader reader;
    struct gpup_event event;
    uint8_t again[4096];
    assert_non_null(copy);
    if (size)
        memcpy(copy, bytes, size);
    *events = 0;
    int result = gpup_trace_open(&reader, copy, size) ? -1 : 1;
    while (result == 1) {
        size_t before = reader.offset;
        result = gpup_trace_next(&reader, &event);
        if (result != 1)
            break;
        long length = gpup_trace_encode(&event, again, sizeof again);
        assert_int_equal(length, reader.offset - before);
        assert_memory_equal(again, copy + before, (size_t)length);
        ++*events;
    }
    if (result < 0) {
        assert_int_equal(gpup_trace_next(&reader, &event), -1); /* stays damaged */
        assert_true(strncmp(reader.message, "offset ", 7) == 0);
    }
    memcpy(message, reader.message, sizeof reader.message);
    free(copy);
    return result;
}

static void test_every_truncation(void **state) {
    struct gpup_trace_buffer buffer = sample_trace(2, 100);
    unsigned whole = 0, events;
    char message[160];
    (void)state;
    for (size_t size = 0; size <= buffer.size; size++) {
        int result = read_all(buffer.bytes, size, message, &events);
        if (result == 0)
            assert_int_equal(events, whole++); /* cut between two records */
        else
            assert_int_equal(result, -1);
    }
    assert_int_equal(whole, 101);
    gpup_trace_free(&buffer);
}

static void test_changed_bytes(void **state) {
    struct gpup_trace_buffer buffer = sample_trace(3, 20);
    unsigned events, refused = 0;
    uint64_t seed = 4;
    char message[160];
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t at = sample_random(&seed) % buffer.size;
        uint8_t before = buffer.bytes[at];
        buffer.bytes[at] = (uint8_t)sample_random(&seed);
        refused += read_all(buffer.bytes, buffer.size, message, &events) < 0;
        buffer.bytes[at] = before;
    }
    assert_true(refused > 1000);
    gpup_trace_free(&buffer);
}

static void test_any_bytes(void **state) {
    uint64_t seed = 5;
    char message[160];
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[96] = "GPUPTRAC\x01\x00\x0c";
        unsigned events;
        for (size_t i = round % 2 ? 0 : 12; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(sample_random(&seed) % (round % 3 ? 256 : 24));
        read_all(bytes, sizeof bytes, message, &events);
    }
}

struct damage {
    const char *bytes;
    size_t size;
    const char *message;
};
#define HEADER "GPUPTRAC\x01\x00\x0c\x00"
#define DAMAGE(bytes, message)                                                                               \
    { bytes, sizeof(bytes) - 1, message }

static void test_messages(void **state) {
    static const struct damage damages[] = {
        DAMAGE("", "offset 0: shorter than the header of a trace"),
        DAMAGE("GPUPTRAK\x01\x00\x0c\x00", "offset 0: not a trace: expected it to start with \"GPUPTRAC\""),
        DAMAGE("GPUPTRAC\x02\x00\x0c\x00",
               "offset 8: a format version that this reader does not know (expected 1)"),
        DAMAGE("GPUPTRAC\x01\x00\x0d\x00", "offset 10: a header length that cannot be"),
        DAMAGE(HEADER "\x07\x01", "offset 12: the trace ends inside a record"),
        DAMAGE(HEADER "\x80\x00", "offset 12: the length of a record is not a number in its shortest form"),
        DAMAGE(HEADER "\xff\xff\xff\xff\x0f", "offset 12: a record is longer than any event"),
        DAMAGE(HEADER "\x06\x7f\0\0\0\0\0", "offset 12: an event kind that this version does not know"),
        DAMAGE(HEADER "\x06\x00\x02\0\0\0\0", "offset 12: a host other than 0 and 1"),
        DAMAGE(HEADER "\x08\x00\x00\x80\x80\x04\0\0\0", "offset 12: a fiber number above 65535"),
        DAMAGE(HEADER "\x05\x00\x00\x00\x00\x00", "offset 12: the record ends inside a number"),
        DAMAGE(HEADER "\x06\x00\x00\x00\x00\x00\x0d", "offset 12: the event has more fields than its kind"),
        DAMAGE(HEADER "\x07\x00\x00\x00\x00\x00\x01\x00",
               "offset 12: a zero field at the end is not left out"),
        DAMAGE(HEADER "\x07\x00\x80\x00\x00\x00\x00\x00",
               "offset 12: a number is not in its shortest form or exceeds 64 bits"),
    };
    (void)state;
    for (unsigned i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char message[160];
        unsigned events;
        assert_int_equal(read_all((const uint8_t *)damages[i].bytes, damages[i].size, message, &events), -1);
        assert_string_equal(message, damages[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
