/* Events to records of the binary trace: canonical LEB128 (docs/trace.md), each written in one piece. */
#include "record.h"

static void record_lock(void) {
    if (recorder.o.lock)
        recorder.o.lock(recorder.o.context);
}

static void record_unlock(void) {
    if (recorder.o.unlock)
        recorder.o.unlock(recorder.o.context);
}

static uint32_t record_irql(void) {
    return recorder.o.irql ? recorder.o.irql(recorder.o.context) : 0;
}

static unsigned record_leb(uint8_t *out, uint64_t value) {
    unsigned size = 0;
    for (; value >= 0x80; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

/* Everything of a body but the data. Fields that are 0 at the end are left out. */
static unsigned record_head(uint8_t *out, const struct record_event *e) {
    unsigned fields = 12;
    unsigned size = record_leb(out, e->kind);
    while (fields > 0 && e->f[fields - 1] == 0)
        fields--;
    size += record_leb(out + size, 0); /* host */
    size += record_leb(out + size, 0); /* fiber */
    size += record_leb(out + size, 0); /* step + 1: no step */
    size += record_leb(out + size, recorder.o.now_ns ? recorder.o.now_ns(recorder.o.context) : 0);
    size += record_leb(out + size, fields);
    for (unsigned i = 0; i < fields; i++)
        size += record_leb(out + size, e->f[i]);
    return size;
}

static bool record_put(const struct record_event *e) {
    uint8_t body[18 * 10], head[10 + sizeof body];
    unsigned body_size = record_head(body, e);
    unsigned size = record_leb(head, body_size + e->data_size);
    memcpy(head + size, body, body_size);
    return recorder.o.write(recorder.o.context, head, size + body_size, e->data, (size_t)e->data_size);
}

/* Callers at any IRQL, so that a callback above APC_LEVEL can still say that it was missed. */
static void record_lose(void) {
#if defined(_MSC_VER) && !defined(__clang__)
    _InterlockedIncrement64((volatile long long *)&recorder.lost);
#else
    __atomic_fetch_add(&recorder.lost, 1, __ATOMIC_RELAXED);
#endif
}

/* A loss is told before the next event that can be written. It is told again with each later one. */
static bool record_tell_lost(void) {
    static const struct record_event nothing;
    struct record_event e = nothing;
    if (recorder.lost == recorder.told)
        return true;
    e.kind = RECORD_EVENT_lost;
    e.f[RECORD_lost_count] = recorder.lost - recorder.told;
    if (!record_put(&e))
        return false;
    recorder.told += e.f[RECORD_lost_count];
    return true;
}

static bool record_write(const struct record_event *event) {
    if (event->data_size > recorder.o.largest || !record_tell_lost() || !record_put(event)) {
        record_lose();
        return false;
    }
    return true;
}

/* Not for keeping secrets: to see that bytes are as they were. */
static uint64_t record_hash(const void *bytes, uint64_t size) {
    const uint8_t *p = (const uint8_t *)bytes;
    uint64_t hash = 0xCBF29CE484222325u;
    for (uint64_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 0x100000001B3u;
    return hash;
}
