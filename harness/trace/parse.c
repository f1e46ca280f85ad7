/* Text form of an event: reading. */
#include <ctype.h>
#include <gpup/trace.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
    const char *text;
    size_t at;
    uint8_t *storage;
    size_t capacity;
    char *message;
    size_t message_size;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct line *line, size_t column,
                                                      const char *format, ...) {
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (line->message_size)
        snprintf(line->message, line->message_size, "column %zu: %s", column + 1, what);
    return -1;
}

static void skip_blanks(struct line *line) {
    line->at += strspn(line->text + line->at, " \t\r\n");
}

/* Length of the word here, for messages and names: up to `=`, a blank or the end. */
static size_t word(const struct line *line) {
    return strcspn(line->text + line->at, "= \t\r\n");
}

static bool is(const char *name, const char *text, size_t size) {
    return strlen(name) == size && memcmp(name, text, size) == 0;
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static int parse_number(struct line *line, uint64_t limit, uint64_t *value) {
    const char *text = line->text + line->at;
    size_t size = word(line), at = 0;
    uint64_t base = 10, result = 0;
    if (size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        at = 2;
    }
    if (at == size)
        return fail(line, line->at, "expected a number, found nothing");
    for (; at < size; at++) {
        int d = digit(text[at]);
        if (d < 0 || (uint64_t)d >= base)
            return fail(line, line->at, "expected a number, found '%.*s'", (int)(size < 40 ? size : 40),
                        text);
        if (__builtin_mul_overflow(result, base, &result) ||
            __builtin_add_overflow(result, (uint64_t)d, &result))
            return fail(line, line->at, "expected a number of 64 bits, found a larger one");
    }
    if (result > limit)
        return fail(line, line->at, "expected a number up to %llu, found %.*s", (unsigned long long)limit,
                    (int)size, text);
    line->at += size;
    *value = result;
    return 0;
}

static int store(struct line *line, struct gpup_event *event, uint8_t byte) {
    if (event->data_size >= line->capacity || event->data_size >= GPUP_EVENT_MAX_DATA)
        return fail(line, line->at, "data longer than the %zu bytes there is room for", line->capacity);
    line->storage[event->data_size++] = byte;
    event->data = line->storage;
    return 0;
}

static int parse_hex(struct line *line, struct gpup_event *event) {
    size_t end = line->at + word(line);
    if ((end - line->at) % 2)
        return fail(line, line->at, "expected an even number of hex digits");
    for (; line->at < end; line->at += 2) {
        int high = digit(line->text[line->at]), low = digit(line->text[line->at + 1]);
        if (high < 0 || low < 0)
            return fail(line, line->at, "expected two hex digits, found '%.2s'", line->text + line->at);
        if (store(line, event, (uint8_t)(high << 4 | low)))
            return -1;
    }
    return 0;
}

static int parse_quoted(struct line *line, struct gpup_event *event) {
    size_t start = line->at;
    if (line->text[line->at] != '"')
        return fail(line, line->at, "expected a text in double quotes");
    for (line->at++; line->text[line->at] != '"'; line->at++) {
        if (line->text[line->at] == '\\')
            line->at++;
        if (line->text[line->at] == 0)
            return fail(line, start, "the text has no closing quote");
        if (store(line, event, (uint8_t)line->text[line->at]))
            return -1;
    }
    line->at++;
    return 0;
}

/* Where the number of an envelope or field name goes; its limit; -1 unknown. Bits of `seen`: 0..11 fields,
 * then these. */
enum { SEEN_HOST = GPUP_EVENT_MAX_FIELDS, SEEN_FIBER, SEEN_STEP, SEEN_TIME, SEEN_DATA, SEEN_TEXT };

static int find_key(const struct gpup_event *event, const char *text, size_t size) {
    static const char *const envelope[] = {"@host", "@fiber", "@step", "@time", "@data", "@text"};
    for (unsigned i = 0; i < gpup_event_field_count(event->kind); i++)
        if (is(gpup_event_field_name(event->kind, i), text, size))
            return (int)i;
    for (unsigned i = 0; i < sizeof envelope / sizeof envelope[0]; i++)
        if (is(envelope[i], text, size))
            return (int)(SEEN_HOST + i);
    return -1;
}

static int unknown_key(const struct line *line, const struct gpup_event *event, size_t size) {
    char allowed[160] = "";
    size_t used = 0;
    for (unsigned i = 0; i < gpup_event_field_count(event->kind) && used < sizeof allowed; i++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, " %s",
                                 gpup_event_field_name(event->kind, i));
    return fail(line, line->at, "expected one of%s @host @fiber @step @time @data @text, found '%.*s'",
                allowed, (int)(size < 30 ? size : 30), line->text + line->at);
}

static int parse_value(struct line *line, struct gpup_event *event, int key) {
    static const uint64_t limits[] = {1, UINT16_MAX, UINT32_MAX, UINT64_MAX};
    uint64_t value = 0;
    if (key == SEEN_DATA)
        return parse_hex(line, event);
    if (key == SEEN_TEXT)
        return parse_quoted(line, event);
    if (parse_number(line, key < SEEN_HOST ? UINT64_MAX : limits[key - SEEN_HOST], &value))
        return -1;
    if (key < SEEN_HOST)
        event->f[key] = value;
    else if (key == SEEN_HOST)
        event->host = (uint8_t)value;
    else if (key == SEEN_FIBER)
        event->fiber = (uint16_t)value;
    else if (key == SEEN_STEP)
        event->step = (uint32_t)value;
    else
        event->time_ns = value;
    return 0;
}

static int parse_pair(struct line *line, struct gpup_event *event, unsigned *seen) {
    size_t size = word(line);
    int key = find_key(event, line->text + line->at, size);
    if (key < 0)
        return unknown_key(line, event, size);
    unsigned bit = key == SEEN_TEXT ? 1u << SEEN_DATA : 1u << key; /* data and text are the same bytes */
    if (*seen & bit)
        return fail(line, line->at, "'%.*s' is given twice", (int)size, line->text + line->at);
    *seen |= bit;
    line->at += size;
    if (line->text[line->at] != '=')
        return fail(line, line->at, "expected '=' and a value");
    line->at++;
    if (parse_value(line, event, key))
        return -1;
    if (line->text[line->at] && !strchr(" \t\r\n", line->text[line->at]))
        return fail(line, line->at, "expected a blank, found '%c'", line->text[line->at]);
    return 0;
}

static int parse_kind(struct line *line, struct gpup_event *event) {
    size_t size = word(line);
    for (unsigned kind = 0; kind < GPUP_EVENT_KINDS; kind++) {
        if (!is(gpup_event_name(kind), line->text + line->at, size))
            continue;
        event->kind = (uint16_t)kind;
        line->at += size;
        return 0;
    }
    return fail(line, line->at, "expected the name of an event kind, found '%.*s'",
                (int)(size < 40 ? size : 40), line->text + line->at);
}

int gpup_event_parse(const char *text, struct gpup_event *event, uint8_t *storage, size_t capacity,
                     char *message, size_t message_size) {
    struct line line = {.text = text,
                        .storage = storage,
                        .capacity = capacity,
                        .message = message,
                        .message_size = message_size};
    unsigned seen = 0;
    *event = (struct gpup_event){.step = GPUP_NO_STEP};
    if (message_size)
        message[0] = 0;
    skip_blanks(&line);
    if (!line.text[line.at] || line.text[line.at] == '#') {
        fail(&line, line.at, "no event on this line");
        return 1;
    }
    if (parse_kind(&line, event))
        return -1;
    for (skip_blanks(&line); line.text[line.at] && line.text[line.at] != '#'; skip_blanks(&line))
        if (parse_pair(&line, event, &seen))
            return -1;
    return 0;
}
