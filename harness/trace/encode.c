/* Binary form of a trace: writing. */
#include "format.h"
#include <stdlib.h>
#include <string.h>

/* Everything of a body but the data. */
static size_t encode_head(const struct gpup_event *event, uint8_t *out) {
    unsigned fields = gpup_event_field_count(event->kind);
    while (fields > 0 && event->f[fields - 1] == 0)
        fields--;
    size_t size = gpup_leb_put(out, event->kind);
    size += gpup_leb_put(out + size, event->host);
    size += gpup_leb_put(out + size, event->fiber);
    size += gpup_leb_put(out + size, (uint32_t)(event->step + 1));
    size += gpup_leb_put(out + size, event->time_ns);
    size += gpup_leb_put(out + size, fields);
    for (unsigned i = 0; i < fields; i++)
        size += gpup_leb_put(out + size, event->f[i]);
    return size;
}

static bool encodable(const struct gpup_event *event) {
    return event->kind < GPUP_EVENT_KINDS && event->host < 2 && event->data_size <= GPUP_EVENT_MAX_DATA &&
           (event->data || event->data_size == 0);
}

long gpup_trace_encode(const struct gpup_event *event, uint8_t *out, size_t capacity) {
    uint8_t head[GPUP_TRACE_MAX_HEAD];
    if (!encodable(event))
        return -1;
    size_t head_size = encode_head(event, head);
    size_t body = head_size + event->data_size;
    size_t prefix = gpup_leb_size(body);
    if (out && prefix + body <= capacity) {
        gpup_leb_put(out, body);
        memcpy(out + prefix, head, head_size);
        if (event->data_size)
            memcpy(out + prefix + head_size, event->data, event->data_size);
    }
    return (long)(prefix + body);
}

static bool reserve(struct gpup_trace_buffer *buffer, size_t more) {
    if (buffer->capacity - buffer->size >= more)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 4096;
    while (capacity - buffer->size < more) {
        if (capacity > SIZE_MAX / 2)
            return false;
        capacity *= 2;
    }
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

void gpup_trace_begin(struct gpup_trace_buffer *buffer) {
    static const uint8_t versions[] = {GPUP_TRACE_VERSION, 0, GPUP_TRACE_HEADER, 0};
    buffer->size = 0;
    buffer->failed = !reserve(buffer, GPUP_TRACE_HEADER);
    if (buffer->failed)
        return;
    memcpy(buffer->bytes, GPUP_TRACE_MAGIC, 8);
    memcpy(buffer->bytes + 8, versions, sizeof versions);
    buffer->size = GPUP_TRACE_HEADER;
}

void gpup_trace_append(struct gpup_trace_buffer *buffer, const struct gpup_event *event) {
    if (buffer->failed)
        return;
    long size = gpup_trace_encode(event, NULL, 0);
    if (size < 0 || !reserve(buffer, (size_t)size)) {
        buffer->failed = true;
        return;
    }
    gpup_trace_encode(event, buffer->bytes + buffer->size, (size_t)size);
    buffer->size += (size_t)size;
}

void gpup_trace_free(struct gpup_trace_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct gpup_trace_buffer){0};
}
