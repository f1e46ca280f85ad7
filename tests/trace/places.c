/* Call stacks in events: what is put in comes out, and any bytes are read. */
#include <gpup/trace.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka.h needs the four above
#include <cmocka.h>

static struct gpup_places sample(void) {
    struct gpup_places places = {0};
    for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++) {
        places.of[kind].count = 3 + kind;
        for (unsigned i = 0; i < 3 + kind; i++)
            places.of[kind].at[i] = 0x1000 * (kind + 1) + i;
    }
    return places;
}

/* Through the binary form. */
static void put_and_read(struct gpup_event *event, const struct gpup_places *places,
                         struct gpup_places *out) {
    static uint8_t bytes[1024];
    uint64_t room[GPUP_PLACES_ROOM];
    struct gpup_event read;
    gpup_event_put_places(event, places, room);
    long size = gpup_trace_encode(event, bytes, sizeof bytes);
    assert_true(size > 0);
    assert_int_equal(gpup_trace_decode(bytes, (size_t)size, &read), size);
    gpup_event_places(&read, out);
}

static void each_kind_has_its_own(void **state) {
    static const struct {
        uint16_t kind;
        uint8_t kept[GPUP_CALLERS_KINDS]; /* frames */
    } rows[] = {{GPUP_EVENT_ALLOC, {3, 0, 0}},  {GPUP_EVENT_LEFT, {0, 4, 0}},
                {GPUP_EVENT_FAULT, {3, 4, 5}},  {GPUP_EVENT_POOL_DAMAGE, {3, 4, 5}},
                {GPUP_EVENT_HANG, {3, 0, 0}},   {GPUP_EVENT_BUGCHECK, {3, 0, 0}},
                {GPUP_EVENT_MISUSE, {3, 0, 0}}, {GPUP_EVENT_CALL, {0, 0, 0}}};
    (void)state;
    for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct gpup_places places = sample(), out;
        struct gpup_event event = {.kind = rows[row].kind, .step = GPUP_NO_STEP};
        put_and_read(&event, &places, &out);
        for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++) {
            assert_int_equal(out.of[kind].count, rows[row].kept[kind]);
            assert_memory_equal(out.of[kind].at, places.of[kind].at, 4 * out.of[kind].count);
        }
        gpup_event_forget_places(&event);
        assert_false(gpup_event_places(&event, &out));
        assert_int_equal(event.data_size, 0);
    }
}

static void whose_the_instruction_is(void **state) {
    (void)state;
    for (unsigned instruction = 0; instruction < 2; instruction++) {
        struct gpup_places places = sample(), out;
        struct gpup_event event = {.kind = GPUP_EVENT_FAULT};
        places.instruction = instruction;
        put_and_read(&event, &places, &out);
        assert_memory_equal(&places, &out, sizeof out);
        places.of[GPUP_CALLERS_HERE].count = instruction; /* nothing but that */
        put_and_read(&event, &places, &out);
        assert_int_equal(out.instruction, instruction);
        assert_int_equal(out.of[GPUP_CALLERS_HERE].count, instruction);
        assert_int_equal(out.of[GPUP_CALLERS_FREED].count, 5);
    }
}

/* The name of a misuse stays, and what other kinds carry. */
static void nothing_else_changes(void **state) {
    struct gpup_places places = sample();
    struct gpup_event misuse = {.kind = GPUP_EVENT_MISUSE, .data = (const uint8_t *)"KeWait", .data_size = 6};
    struct gpup_event output = {
        .kind = GPUP_EVENT_OUTPUT, .data = (const uint8_t *)"abcdefgh", .data_size = 8};
    uint64_t room[GPUP_PLACES_ROOM];
    (void)state;
    gpup_event_put_places(&misuse, &places, room);
    gpup_event_put_places(&output, &places, room);
    gpup_event_forget_places(&misuse);
    gpup_event_forget_places(&output);
    assert_int_equal(misuse.data_size, 6);
    assert_int_equal(output.data_size, 8);
    assert_false(gpup_event_places(&output, &places));
}

static void full_stacks_fit(void **state) {
    struct gpup_places places = {.instruction = true}, out;
    struct gpup_event event = {.kind = GPUP_EVENT_FAULT};
    (void)state;
    for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++) {
        places.of[kind].count = GPUP_CALLERS;
        memset(places.of[kind].at, 0x11 * ((int)kind + 1), sizeof places.of[kind].at);
    }
    put_and_read(&event, &places, &out);
    assert_memory_equal(&places, &out, sizeof out);
}

/* As anyone may write it: too many, too large, a part of one, and traces of old, whose stacks were longer. */
static void any_bytes_are_read(void **state) {
    uint64_t words[64];
    struct gpup_places out;
    struct gpup_event event = {.kind = GPUP_EVENT_FAULT, .data = (const uint8_t *)words};
    (void)state;
    memset(words, 1, sizeof words);
    event.data_size = sizeof words;
    assert_false(gpup_event_places(&event, &out)); /* none is an address in an image */
    for (unsigned i = 0; i < 64; i++)
        words[i] = i + 1;
    assert_true(gpup_event_places(&event, &out));
    assert_int_equal(out.of[GPUP_CALLERS_HERE].count, GPUP_CALLERS);
    event.kind = GPUP_EVENT_ALLOC;
    assert_true(gpup_event_places(&event, &out));
    assert_int_equal(out.of[GPUP_CALLERS_HERE].at[7], 8);
    for (event.data_size = 0; event.data_size < 8; event.data_size++)
        assert_false(gpup_event_places(&event, &out));
    event.kind = 0xFFFF;
    event.data_size = sizeof words;
    assert_false(gpup_event_places(&event, &out));
    memset(words, 0, sizeof words);
    event.kind = GPUP_EVENT_POOL_DAMAGE;
    assert_false(gpup_event_places(&event, &out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_own), cmocka_unit_test(whose_the_instruction_is),
        cmocka_unit_test(nothing_else_changes), cmocka_unit_test(full_stacks_fit),
        cmocka_unit_test(any_bytes_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
