/* The text form of events. */
#include "sample.h"
#include <string.h>

static void test_round_trip(void **state) {
    uint64_t seed = 6;
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t data[SAMPLE_DATA], storage[SAMPLE_DATA];
        char line[2048], again[2048], message[200];
        struct gpup_event event, found;
        sample_event(&seed, data, &event);
        int size = gpup_event_print(&event, line, sizeof line);
        assert_true(size > 0 && (size_t)size < sizeof line);
        assert_int_equal(strlen(line), size);
        assert_int_equal(gpup_event_parse(line, &found, storage, sizeof storage, message, sizeof message), 0);
        assert_same_event(&event, &found);
        gpup_event_print(&found, again, sizeof again);
        assert_string_equal(line, again);
    }
}

static void test_form(void **state) {
    char line[200];
    struct gpup_event event = {.kind = GPUP_EVENT_STEP,
                               .step = 3,
                               .time_ns = 4096,
                               .data = (const uint8_t *)"a \"b\"",
                               .data_size = 5};
    (void)state;
    event.f[GPUP_STEP_op] = 17;
    gpup_event_print(&event, line, sizeof line);
    assert_string_equal(line, "step @step=3 @time=0x1000 op=17 @text=\"a \\\"b\\\"\"");
    event = (struct gpup_event){.kind = GPUP_EVENT_MESSAGE,
                                .host = 1,
                                .step = GPUP_NO_STEP,
                                .data = (const uint8_t *)"a",
                                .data_size = 1};
    event.f[GPUP_MESSAGE_data] = 0x4001;
    assert_int_equal(gpup_event_print(&event, line, sizeof line),
                     strlen("message @host=1 data=0x4001 @data=61"));
    assert_string_equal(line, "message @host=1 data=0x4001 @data=61");
    assert_int_equal(gpup_event_print(&event, NULL, 0), strlen(line));
    gpup_event_print(&event, line, 8);
    assert_string_equal(line, "message");
}

static void test_written_by_hand(void **state) {
    struct gpup_event event;
    uint8_t storage[8];
    char message[200];
    (void)state;
    assert_int_equal(
        gpup_event_parse("  call @step=0  ddi=0X1f\tcall=7 # why\r\n", &event, storage, 8, message, 200), 0);
    assert_int_equal(event.kind, GPUP_EVENT_CALL);
    assert_int_equal(event.step, 0);
    assert_int_equal(event.f[GPUP_CALL_ddi], 31);
    assert_int_equal(event.f[GPUP_CALL_call], 7);
    assert_int_equal(gpup_event_parse("call", &event, NULL, 0, NULL, 0), 0);
    assert_int_equal(event.step, GPUP_NO_STEP);
    assert_int_equal(gpup_event_parse("", &event, NULL, 0, message, 200), 1);
    assert_int_equal(gpup_event_parse(" # only words\n", &event, NULL, 0, message, 200), 1);
}

static void test_errors(void **state) {
    static const struct {
        const char *line, *message;
    } bad[] = {
        {"kall call=1", "column 1: expected the name of an event kind, found 'kall'"},
        {"wait ms=1", "column 6: expected one of ns @host @fiber @step @time @data @text, found 'ms'"},
        {"wait ns", "column 8: expected '=' and a value"},
        {"wait ns=", "column 9: expected a number, found nothing"},
        {"wait ns=0x", "column 9: expected a number, found '0x'"},
        {"wait ns=12z", "column 9: expected a number, found '12z'"},
        {"wait ns=-1", "column 9: expected a number, found '-1'"},
        {"wait ns=18446744073709551616", "column 9: expected a number of 64 bits, found a larger one"},
        {"wait ns=1 ns=2", "column 11: 'ns' is given twice"},
        {"wait @host=2", "column 12: expected a number up to 1, found 2"},
        {"wait @data=0", "column 12: expected an even number of hex digits"},
        {"wait @data=0g", "column 12: expected two hex digits, found '0g'"},
        {"wait @data=00 @text=\"a\"", "column 15: '@text' is given twice"},
        {"wait @text=a", "column 12: expected a text in double quotes"},
        {"wait @text=\"a", "column 12: the text has no closing quote"},
        {"wait @text=\"a\\", "column 12: the text has no closing quote"},
        {"wait @text=\"a\"b", "column 15: expected a blank, found 'b'"},
        {"wait @data=0011223344", "column 20: data longer than the 4 bytes there is room for"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gpup_event event;
        uint8_t storage[4];
        char message[200] = "";
        assert_int_equal(
            gpup_event_parse(bad[i].line, &event, storage, sizeof storage, message, sizeof message), -1);
        assert_string_equal(message, bad[i].message);
    }
}

/* Any line is parsed or refused; what is parsed prints and parses to the same. */
static void test_any_line(void **state) {
    static const char alphabet[] = "wait call ns=0x19@text@data=\"\\#\xC3\xA9\t";
    uint64_t seed = 7;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char line[48] = "wait ", printed[512], message[32];
        uint8_t storage[16], other[16];
        struct gpup_event event, again;
        for (size_t i = round % 3 ? 5 : 0; i < sizeof line - 1; i++)
            line[i] = alphabet[sample_random(&seed) % (sizeof alphabet - 1)];
        line[sample_random(&seed) % sizeof line] = 0;
        if (gpup_event_parse(line, &event, storage, sizeof storage, message, sizeof message))
            continue;
        gpup_event_print(&event, printed, sizeof printed);
        assert_int_equal(gpup_event_parse(printed, &again, other, sizeof other, message, sizeof message), 0);
        assert_same_event(&event, &again);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_form),
        cmocka_unit_test(test_written_by_hand), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_any_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
