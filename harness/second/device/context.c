/* The context of a VF as a list of records {id, bytes, payload}, little endian. No address of a host is in
 * it. */
#include "state.h"
#include <string.h>

#define RECORD 8u /* head of a record */
#define ORDER 16u /* one order in CTX_RING */

/* The payload of a new record, with its head written. */
static uint8_t *append(uint8_t *out, uint32_t *size, uint32_t id, uint32_t bytes) {
    uint8_t *at = out + *size;
    memcpy(at, &id, 4);
    memcpy(at + 4, &bytes, 4);
    *size += RECORD + bytes;
    return at + RECORD;
}

static void guest_records(const struct sgpu_context *c, uint8_t *out, uint32_t *size) {
    memcpy(append(out, size, SECOND_CTX_GUEST, sizeof(c->reg)), c->reg, sizeof(c->reg));
    uint64_t counters[4] = {c->queued, c->completed, c->sequence, c->engine};
    memcpy(append(out, size, SECOND_CTX_COUNTERS, sizeof(counters)), counters, sizeof(counters));
    if (c->orders == 0)
        return;
    uint8_t *ring = append(out, size, SECOND_CTX_RING, c->orders * ORDER);
    for (uint32_t i = 0; i < c->orders; i++) {
        uint64_t order[2] = {c->order[i].seed, c->order[i].units};
        memcpy(ring + (size_t)i * ORDER, order, ORDER);
    }
}

uint32_t sgpu_context_guest(const struct sgpu *gpu, uint32_t vf, uint8_t out[SGPU_CONTEXT_MAX]) {
    uint32_t size = 0;
    guest_records(&gpu->function[vf].context, out, &size);
    return size;
}

uint32_t sgpu_context_export(const struct sgpu *gpu, uint32_t vf, uint8_t out[SGPU_CONTEXT_MAX]) {
    const struct sgpu_function *f = &gpu->function[vf];
    uint32_t size = 0, head[2] = {SECOND_FIRMWARE >> 16, f->msix.entries};
    uint32_t config[4] = {f->command,
                          (f->msix.enable ? SECOND_MSIX_CONTROL_ENABLE : 0) |
                              (f->msix.function_mask ? SECOND_MSIX_CONTROL_FUNCTION_MASK : 0),
                          f->msix.pending, 0};
    memcpy(append(out, &size, SECOND_CTX_HEAD, sizeof(head)), head, sizeof(head));
    memcpy(append(out, &size, SECOND_CTX_CONFIG, sizeof(config)), config, sizeof(config));
    guest_records(&f->context, out, &size);
    uint64_t sum = sgpu_hash_bytes(out, size);
    memcpy(append(out, &size, SECOND_CTX_END, sizeof(sum)), &sum, sizeof(sum));
    return size;
}

struct import {
    struct sgpu_context context;
    uint32_t config[4];
    bool counters, guest, configured;
};

static bool take_ring(struct sgpu_context *c, const uint8_t *payload, uint32_t bytes) {
    if (c->orders || bytes == 0 || bytes % ORDER != 0 || bytes / ORDER > SGPU_QUEUE)
        return false;
    for (; c->orders < bytes / ORDER; c->orders++) {
        uint64_t order[2];
        memcpy(order, payload + (size_t)c->orders * ORDER, ORDER);
        if (order[1] == 0 || order[1] > SGPU_QUEUE_UNITS)
            return false;
        c->order[c->orders] = (struct sgpu_order){order[0], (uint32_t)order[1]};
    }
    return true;
}

/* One record between head and end; each kind once. */
static bool take(struct import *i, uint32_t id, const uint8_t *payload, uint32_t bytes) {
    uint64_t counters[4];
    switch (id) {
    case SECOND_CTX_GUEST:
        if (i->guest || bytes != sizeof(i->context.reg))
            return false;
        memcpy(i->context.reg, payload, bytes);
        return i->guest = true;
    case SECOND_CTX_COUNTERS:
        if (i->counters || bytes != sizeof(counters))
            return false;
        memcpy(counters, payload, bytes);
        i->context.queued = counters[0];
        i->context.completed = counters[1];
        i->context.sequence = counters[2];
        i->context.engine = counters[3];
        return i->counters = true;
    case SECOND_CTX_CONFIG:
        if (i->configured || bytes != sizeof(i->config))
            return false;
        memcpy(i->config, payload, bytes);
        return i->configured = true;
    case SECOND_CTX_RING:
        return take_ring(&i->context, payload, bytes);
    default:
        return false;
    }
}

/* A checksum is no proof of sense: whoever can write one can write anything. */
static bool sane(const struct import *i) {
    uint64_t units = 0;
    for (uint32_t k = 0; k < i->context.orders; k++)
        units += i->context.order[k].units;
    return i->guest && i->counters && i->configured && units <= SGPU_QUEUE_UNITS &&
           i->context.queued - i->context.completed == units && (i->config[0] & ~4u) == 0 &&
           (i->config[1] & ~(SECOND_MSIX_CONTROL_ENABLE | SECOND_MSIX_CONTROL_FUNCTION_MASK)) == 0 &&
           i->config[2] >> SECOND_MSIX_ENTRIES == 0 && i->config[3] == 0;
}

static bool parse(const uint8_t *in, uint32_t size, struct import *i) {
    for (uint32_t at = 0, count = 0; size - at >= RECORD; count++) {
        uint32_t id, bytes;
        memcpy(&id, in + at, 4);
        memcpy(&bytes, in + at + 4, 4);
        const uint8_t *payload = in + at + RECORD;
        if (bytes > size - at - RECORD)
            return false;
        if (count == 0) {
            const uint32_t head[2] = {SECOND_FIRMWARE >> 16, SECOND_MSIX_ENTRIES};
            if (id != SECOND_CTX_HEAD || bytes != sizeof(head) || memcmp(payload, head, bytes) != 0)
                return false;
        } else if (id == SECOND_CTX_END) {
            uint64_t sum = sgpu_hash_bytes(in, at);
            return bytes == sizeof(sum) && memcmp(payload, &sum, bytes) == 0 && at + RECORD + bytes == size;
        } else if (!take(i, id, payload, bytes)) {
            return false;
        }
        at += RECORD + bytes;
    }
    return false;
}

bool sgpu_context_import(struct sgpu *gpu, uint32_t vf, const uint8_t *in, uint32_t size) {
    struct sgpu_function *f = &gpu->function[vf];
    struct import i = {.guest = false};
    if (!parse(in, size, &i) || !sane(&i))
        return false;
    f->context = i.context;
    f->command = (uint16_t)i.config[0];
    f->msix.pending = i.config[2];
    sgpu_changed(gpu, vf, GPUP_OBSERVER_guest_state | GPUP_OBSERVER_config);
    sgpu_msix_control(gpu, vf, (i.config[1] & SECOND_MSIX_CONTROL_ENABLE) != 0,
                      (i.config[1] & SECOND_MSIX_CONTROL_FUNCTION_MASK) != 0);
    sgpu_sched_update(gpu, vf);
    return true;
}
