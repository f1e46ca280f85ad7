#include "sample.h"

uint64_t sample_random(uint64_t *seed) { /* splitmix64 */
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Of any length between 0 and 64 bits. */
static uint64_t number(uint64_t *seed) {
    unsigned bits = (unsigned)(sample_random(seed) % 65);
    return bits ? sample_random(seed) >> (64 - bits) : 0;
}

void sample_event(uint64_t *seed, uint8_t data[SAMPLE_DATA], struct gpup_event *event) {
    *event = (struct gpup_event){.kind = (uint16_t)(sample_random(seed) % GPUP_EVENT_KINDS),
                                 .host = sample_random(seed) & 1,
                                 .fiber = (uint16_t)number(seed),
                                 .step = sample_random(seed) % 4 ? (uint32_t)number(seed) : GPUP_NO_STEP,
                                 .time_ns = number(seed)};
    for (unsigned i = 0; i < gpup_event_field_count(event->kind); i++)
        event->f[i] = number(seed);
    bool text = sample_random(seed) & 1;
    event->data_size = sample_random(seed) % 2 ? sample_random(seed) % SAMPLE_DATA : 0;
    for (size_t i = 0; i < event->data_size; i++)
        data[i] = (uint8_t)(text ? 0x20 + sample_random(seed) % 0x5F : sample_random(seed));
    event->data = event->data_size ? data : NULL;
}

void assert_same_event(const struct gpup_event *a, const struct gpup_event *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->host, b->host);
    assert_int_equal(a->fiber, b->fiber);
    assert_int_equal(a->step, b->step);
    assert_true(a->time_ns == b->time_ns);
    assert_memory_equal(a->f, b->f, sizeof a->f);
    assert_int_equal(a->data_size, b->data_size);
    if (a->data_size)
        assert_memory_equal(a->data, b->data, a->data_size);
}

struct gpup_trace_buffer sample_trace(uint64_t seed, unsigned count) {
    struct gpup_trace_buffer buffer = {0};
    gpup_trace_begin(&buffer);
    for (unsigned i = 0; i < count; i++) {
        uint8_t data[SAMPLE_DATA];
        struct gpup_event event;
        sample_event(&seed, data, &event);
        gpup_trace_append(&buffer, &event);
    }
    assert_false(buffer.failed);
    return buffer;
}
