/* Text form of an event: writing. */
#include <gpup/trace.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *text;
    size_t capacity, size; /* size: as if there were room for all */
};

static void put(struct out *out, char c) {
    if (out->size + 1 < out->capacity)
        out->text[out->size] = c;
    out->size++;
}

static void put_string(struct out *out, const char *text) {
    while (*text)
        put(out, *text++);
}

/* Small numbers are counts and indexes, large ones addresses, hashes and bit masks. */
static void put_number(struct out *out, const char *name, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, value < 4096 ? "=%" PRIu64 : "=0x%" PRIx64, value);
    put(out, ' ');
    put_string(out, name);
    put_string(out, text);
}

static bool is_text(const struct gpup_event *event) {
    switch (event->kind) {
    case GPUP_EVENT_WORLD:
    case GPUP_EVENT_IMPLEMENTATION:
    case GPUP_EVENT_STEP:
    case GPUP_EVENT_SKIP:
    case GPUP_EVENT_MISUSE:
        break;
    default:
        return false;
    }
    for (size_t i = 0; i < event->data_size; i++)
        if (event->data[i] < 0x20 || event->data[i] > 0x7E)
            return false;
    return true;
}

static void put_text(struct out *out, const uint8_t *data, size_t size) {
    put_string(out, " @text=\"");
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"' || data[i] == '\\')
            put(out, '\\');
        put(out, (char)data[i]);
    }
    put(out, '"');
}

static void put_hex(struct out *out, const uint8_t *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    put_string(out, " @data=");
    for (size_t i = 0; i < size; i++) {
        put(out, digits[data[i] >> 4]);
        put(out, digits[data[i] & 15]);
    }
}

int gpup_event_print(const struct gpup_event *event, char *text, size_t capacity) {
    struct out out = {.text = text, .capacity = capacity};
    const char *name = gpup_event_name(event->kind);
    put_string(&out, name ? name : "?");
    if (event->host)
        put_number(&out, "@host", event->host);
    if (event->fiber)
        put_number(&out, "@fiber", event->fiber);
    if (event->step != GPUP_NO_STEP)
        put_number(&out, "@step", event->step);
    if (event->time_ns)
        put_number(&out, "@time", event->time_ns);
    for (unsigned i = 0; i < gpup_event_field_count(event->kind); i++)
        if (event->f[i])
            put_number(&out, gpup_event_field_name(event->kind, i), event->f[i]);
    if (event->data_size && is_text(event))
        put_text(&out, event->data, event->data_size);
    else if (event->data_size)
        put_hex(&out, event->data, event->data_size);
    if (capacity)
        text[out.size < capacity ? out.size : capacity - 1] = 0;
    return (int)out.size;
}
