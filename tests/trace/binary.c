/* The binary trace comes back as it was written, and there is one encoding per event. */
#include "sample.h"
#include <stdlib.h>
#include <string.h>

static void test_round_trip(void **state) {
    (void)state;
    struct gpup_trace_buffer buffer = sample_trace(1, 2000);
    struct gpup_trace_reader reader;
    uint64_t seed = 1;
    assert_int_equal(gpup_trace_open(&reader, buffer.bytes, buffer.size), 0);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t data[SAMPLE_DATA];
        struct gpup_event expected, found;
        sample_event(&seed, data, &expected);
        assert_int_equal(gpup_trace_next(&reader, &found), 1);
        assert_same_event(&expected, &found);
    }
    struct gpup_event event;
    assert_int_equal(gpup_trace_next(&reader, &event), 0);
    assert_int_equal(gpup_trace_next(&reader, &event), 0);
    gpup_trace_free(&buffer);
    assert_null(buffer.bytes);
}

static void test_known_bytes(void **state) {
    static const uint8_t expected[] = {'G', 'P',
                                       'U', 'P',
                                       'T', 'R',
                                       'A', 'C',
                                       1,   0,
                                       12,  0, /* header */
                                       10,  GPUP_EVENT_WAIT,
                                       1,   2,
                                       0,   0x80,
                                       1,   1,
                                       3,   0xAA,
                                       0xBB};
    static const uint8_t data[] = {0xAA, 0xBB};
    struct gpup_trace_buffer buffer = {0};
    struct gpup_event event = {.kind = GPUP_EVENT_WAIT,
                               .host = 1,
                               .fiber = 2,
                               .step = GPUP_NO_STEP,
                               .time_ns = 128,
                               .f = {3},
                               .data = data,
                               .data_size = sizeof data};
    (void)state;
    gpup_trace_begin(&buffer);
    gpup_trace_append(&buffer, &event);
    assert_int_equal(buffer.size, sizeof expected);
    assert_memory_equal(buffer.bytes, expected, sizeof expected);
    gpup_trace_begin(&buffer); /* used again */
    assert_int_equal(buffer.size, 12);
    gpup_trace_free(&buffer);
}

static void test_capacity(void **state) {
    struct gpup_event event = {.kind = GPUP_EVENT_CALL, .step = 5, .f = {1, 2, 3}}, found;
    uint8_t out[64];
    (void)state;
    long size = gpup_trace_encode(&event, NULL, 0);
    assert_true(size > 0 && size < 64);
    memset(out, 0xEE, sizeof out);
    assert_int_equal(gpup_trace_encode(&event, out, (size_t)size - 1), size);
    assert_int_equal(out[0], 0xEE);
    assert_int_equal(gpup_trace_encode(&event, out, sizeof out), size);
    assert_int_equal(gpup_trace_decode(out, sizeof out, &found), size);
    assert_same_event(&event, &found);
    for (long i = 0; i < size; i++)
        assert_int_equal(gpup_trace_decode(out, (size_t)i, &found), 0);
}

static void test_impossible_events(void **state) {
    static const uint8_t byte;
    struct gpup_trace_buffer buffer = {0};
    struct gpup_event event = {.kind = GPUP_EVENT_KINDS};
    (void)state;
    assert_int_equal(gpup_trace_encode(&event, NULL, 0), -1);
    event = (struct gpup_event){.kind = GPUP_EVENT_CALL, .host = 2};
    assert_int_equal(gpup_trace_encode(&event, NULL, 0), -1);
    event = (struct gpup_event){.kind = GPUP_EVENT_CALL, .data = &byte, .data_size = GPUP_EVENT_MAX_DATA + 1};
    assert_int_equal(gpup_trace_encode(&event, NULL, 0), -1);
    gpup_trace_begin(&buffer);
    gpup_trace_append(&buffer, &event);
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, 12);
    gpup_trace_free(&buffer);
}

static void test_largest_data(void **state) {
    struct gpup_event event = {.kind = GPUP_EVENT_OBS_VRAM, .data_size = GPUP_EVENT_MAX_DATA}, found;
    uint8_t *data = calloc(1, GPUP_EVENT_MAX_DATA);
    struct gpup_trace_buffer buffer = {0};
    struct gpup_trace_reader reader;
    (void)state;
    assert_non_null(data);
    event.data = data;
    gpup_trace_begin(&buffer);
    gpup_trace_append(&buffer, &event);
    assert_int_equal(gpup_trace_open(&reader, buffer.bytes, buffer.size), 0);
    assert_int_equal(gpup_trace_next(&reader, &found), 1);
    assert_int_equal(found.data_size, GPUP_EVENT_MAX_DATA);
    gpup_trace_free(&buffer);
    free(data);
}

static void test_names(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < GPUP_EVENT_KINDS; kind++) {
        assert_non_null(gpup_event_name(kind));
        assert_true(gpup_event_field_count(kind) <= GPUP_EVENT_MAX_FIELDS);
        for (unsigned i = 0; i < gpup_event_field_count(kind); i++)
            assert_non_null(gpup_event_field_name(kind, i));
        assert_null(gpup_event_field_name(kind, gpup_event_field_count(kind)));
    }
    assert_string_equal(gpup_event_name(GPUP_EVENT_CALL), "call");
    assert_string_equal(gpup_event_field_name(GPUP_EVENT_CALL, GPUP_CALL_ddi), "ddi");
    assert_null(gpup_event_name(GPUP_EVENT_KINDS));
    assert_int_equal(gpup_event_field_count(GPUP_EVENT_KINDS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_capacity),     cmocka_unit_test(test_impossible_events),
        cmocka_unit_test(test_largest_data), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
