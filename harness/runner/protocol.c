#include "protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_AT (64u << 10)

static bool reserve(struct writer *w, size_t more) {
    if (w->used + more <= w->capacity)
        return true;
    size_t capacity = w->capacity ? w->capacity : FLUSH_AT * 2;
    while (capacity < w->used + more)
        capacity *= 2;
    uint8_t *bytes = realloc(w->bytes, capacity);
    if (!bytes)
        return false;
    w->bytes = bytes;
    w->capacity = capacity;
    return true;
}

static void head(uint8_t *at, enum message kind, size_t size) {
    uint32_t length = (uint32_t)size;
    at[0] = (uint8_t)kind;
    memcpy(at + 1, &length, sizeof length);
}

bool writer_put(struct writer *w, enum message kind, const void *bytes, size_t size) {
    if (w->failed || !reserve(w, MESSAGE_HEAD + size))
        return !(w->failed = true);
    head(w->bytes + w->used, kind, size);
    if (size)
        memcpy(w->bytes + w->used + MESSAGE_HEAD, bytes, size);
    w->used += MESSAGE_HEAD + size;
    return true;
}

bool writer_event(struct writer *w, const struct gpup_event *event) {
    long need = gpup_trace_encode(event, NULL, 0);
    if (need < 0 || w->failed || !reserve(w, MESSAGE_HEAD + (size_t)need))
        return !(w->failed = true);
    uint8_t *at = w->bytes + w->used;
    head(at, MESSAGE_EVENT, (size_t)need);
    gpup_trace_encode(event, at + MESSAGE_HEAD, (size_t)need);
    w->used += MESSAGE_HEAD + (size_t)need;
    return w->used < FLUSH_AT || writer_flush(w);
}

bool writer_flush(struct writer *w) {
    size_t done = 0;
    while (done < w->used && !w->failed) {
        ssize_t n = write(w->fd, w->bytes + done, w->used - done);
        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno != EINTR)
            w->failed = true;
    }
    w->used = 0;
    return !w->failed;
}

int reader_fill(struct reader *r, int fd) {
    if (r->taken) {
        memmove(r->bytes, r->bytes + r->taken, r->used - r->taken);
        r->used -= r->taken;
        r->taken = 0;
    }
    if (r->capacity - r->used < FLUSH_AT) {
        size_t capacity = r->capacity ? r->capacity * 2 : FLUSH_AT * 2;
        uint8_t *bytes = capacity <= 2 * (size_t)MESSAGE_MAX ? realloc(r->bytes, capacity) : NULL;
        if (!bytes)
            return -1;
        r->bytes = bytes;
        r->capacity = capacity;
    }
    ssize_t n = read(fd, r->bytes + r->used, r->capacity - r->used);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -1;
    r->used += (size_t)n;
    return n > 0;
}

int reader_next(struct reader *r, uint8_t *kind, const uint8_t **bytes, size_t *size) {
    uint32_t length;
    if (r->used - r->taken < MESSAGE_HEAD)
        return 0;
    const uint8_t *at = r->bytes + r->taken;
    memcpy(&length, at + 1, sizeof length);
    if (length > MESSAGE_MAX || !strchr("RFED", at[0]) || !at[0])
        return -1;
    if (r->used - r->taken - MESSAGE_HEAD < length)
        return 0;
    *kind = at[0];
    *bytes = at + MESSAGE_HEAD;
    *size = length;
    r->taken += MESSAGE_HEAD + length;
    return 1;
}
