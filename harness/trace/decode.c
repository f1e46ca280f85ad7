/* Binary form of a trace: reading, from any bytes. */
#include "format.h"
#include <stdio.h>
#include <string.h>

struct body {
    const uint8_t *bytes;
    size_t size, at;
    const char *why; /* first complaint */
};

static uint64_t take(struct body *body, uint64_t limit, const char *complaint) {
    uint64_t value = 0;
    int used = gpup_leb_get(body->bytes + body->at, body->size - body->at, &value);
    if (used > 0)
        body->at += (size_t)used;
    if (!body->why) {
        if (used <= 0)
            body->why = used ? "a number is not in its shortest form or exceeds 64 bits"
                             : "the record ends inside a number";
        else if (value > limit)
            body->why = complaint;
    }
    return body->why ? 0 : value;
}

static void take_fields(struct body *body, struct gpup_event *event) {
    unsigned known = gpup_event_field_count(event->kind);
    unsigned count = (unsigned)take(body, known, "the event has more fields than its kind");
    for (unsigned i = 0; i < count; i++)
        event->f[i] = take(body, UINT64_MAX, NULL);
    if (!body->why && count > 0 && event->f[count - 1] == 0)
        body->why = "a zero field at the end is not left out";
}

static const char *decode_body(const uint8_t *bytes, size_t size, struct gpup_event *event) {
    struct body body = {.bytes = bytes, .size = size};
    *event = (struct gpup_event){0};
    event->kind =
        (uint16_t)take(&body, GPUP_EVENT_KINDS - 1, "an event kind that this version does not know");
    event->host = (uint8_t)take(&body, 1, "a host other than 0 and 1");
    event->fiber = (uint16_t)take(&body, UINT16_MAX, "a fiber number above 65535");
    event->step = (uint32_t)take(&body, UINT32_MAX, "a step number above 32 bits") - 1;
    event->time_ns = take(&body, UINT64_MAX, NULL);
    take_fields(&body, event);
    if (body.why)
        return body.why;
    event->data_size = size - body.at;
    event->data = event->data_size ? bytes + body.at : NULL;
    return event->data_size > GPUP_EVENT_MAX_DATA ? "data larger than an event may carry" : NULL;
}

long gpup_trace_decode_why(const uint8_t *bytes, size_t size, struct gpup_event *event, const char **why) {
    uint64_t length = 0;
    int prefix = gpup_leb_get(bytes, size, &length);
    *why = NULL;
    if (prefix == 0)
        return 0;
    if (prefix < 0)
        *why = "the length of a record is not a number in its shortest form";
    else if (length > GPUP_TRACE_MAX_BODY)
        *why = "a record is longer than any event";
    else if (length > size - (size_t)prefix)
        return 0;
    else
        *why = decode_body(bytes + prefix, (size_t)length, event);
    return *why ? -1 : (long)((size_t)prefix + length);
}

long gpup_trace_decode(const uint8_t *bytes, size_t size, struct gpup_event *event) {
    const char *why;
    return gpup_trace_decode_why(bytes, size, event, &why);
}

static int damaged(struct gpup_trace_reader *reader, const char *why) {
    snprintf(reader->message, sizeof reader->message, "offset %zu: %s", reader->offset, why);
    return -1;
}

int gpup_trace_open(struct gpup_trace_reader *reader, const void *bytes, size_t size) {
    *reader = (struct gpup_trace_reader){.bytes = bytes, .size = size};
    if (size < GPUP_TRACE_HEADER)
        return damaged(reader, "shorter than the header of a trace");
    if (memcmp(reader->bytes, GPUP_TRACE_MAGIC, 8) != 0)
        return damaged(reader, "not a trace: expected it to start with \"" GPUP_TRACE_MAGIC "\"");
    unsigned version = reader->bytes[8] | (unsigned)reader->bytes[9] << 8;
    size_t header = reader->bytes[10] | (size_t)reader->bytes[11] << 8;
    reader->offset = 8;
    if (version != GPUP_TRACE_VERSION)
        return damaged(reader, "a format version that this reader does not know (expected 1)");
    reader->offset = 10;
    if (header < GPUP_TRACE_HEADER || header > size)
        return damaged(reader, "a header length that cannot be");
    reader->offset = header;
    return 0;
}

int gpup_trace_next(struct gpup_trace_reader *reader, struct gpup_event *event) {
    const char *why;
    if (reader->message[0])
        return -1; /* nothing after damage can be trusted */
    if (reader->offset == reader->size)
        return 0;
    long used =
        gpup_trace_decode_why(reader->bytes + reader->offset, reader->size - reader->offset, event, &why);
    if (used <= 0)
        return damaged(reader, used ? why : "the trace ends inside a record");
    reader->offset += (size_t)used;
    return 1;
}
