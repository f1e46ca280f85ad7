/*
 * The context of a VF as bytes, little endian.
 *
 * Guest part: scratch registers, engine context, doorbells, queued, completed, sequence, timeslice, number of
 * orders, orders (seed, units). Saved context: magic, version, size, MSI-X entries, checksum; the guest part;
 * command register and MSI-X control; pending bits. No address of a host is in either.
 */
#include "state.h"
#include <string.h>

#define CONTEXT_MAGIC 0x58435047u /* "GPCX" */
#define CONTEXT_VERSION 1u
#define CONTEXT_HEADER 24u
#define CONTEXT_SUM 16u /* place of the checksum */

struct cursor {
    uint8_t *at;
    bool out; /* bytes are made, not read */
};

static void field(struct cursor *cursor, void *value, size_t size) {
    if (cursor->out)
        memcpy(cursor->at, value, size);
    else
        memcpy(value, cursor->at, size);
    cursor->at += size;
}

void gpu_context_reset(struct gpu_context *context) {
    memset(context, 0, sizeof(*context));
    context->timeslice = GPU_TIMESLICE_NS;
}

static void guest_fields(struct cursor *cursor, struct gpu_context *c) {
    field(cursor, c->scratch, sizeof(c->scratch));
    field(cursor, c->engine, sizeof(c->engine));
    field(cursor, c->doorbell, sizeof(c->doorbell));
    field(cursor, &c->queued, 8);
    field(cursor, &c->completed, 8);
    field(cursor, &c->sequence, 8);
    field(cursor, &c->timeslice, 8);
    field(cursor, &c->orders, 4);
    for (uint32_t i = 0; i < GPU_QUEUE; i++) {
        field(cursor, &c->order[i].seed, 8);
        field(cursor, &c->order[i].units, 4);
    }
}

void gpu_context_guest(const struct gpu_context *context, uint8_t out[GPU_GUEST_SIZE]) {
    struct gpu_context copy = *context;
    struct cursor cursor = {out, true};
    guest_fields(&cursor, &copy);
}

static uint64_t checksum(const uint8_t bytes[GPU_CONTEXT_SIZE]) {
    uint8_t copy[GPU_CONTEXT_SIZE];
    memcpy(copy, bytes, sizeof(copy));
    memset(copy + CONTEXT_SUM, 0, 8);
    return gpu_hash_bytes(copy, sizeof(copy));
}

static void put32(uint8_t *at, uint32_t value) {
    memcpy(at, &value, 4);
}

void gpu_context_save(struct gpu *gpu, uint32_t vf, uint8_t out[GPU_CONTEXT_SIZE]) {
    struct gpu_vf *v = &gpu->vf[vf];
    uint16_t control = (uint16_t)((v->msix.enable ? GPU_MSIX_CONTROL_ENABLE : 0) |
                                  (v->msix.function_mask ? GPU_MSIX_CONTROL_FUNCTION_MASK : 0));
    struct cursor cursor = {out + CONTEXT_HEADER, true};
    memset(out, 0, CONTEXT_HEADER);
    put32(out, CONTEXT_MAGIC);
    put32(out + 4, CONTEXT_VERSION);
    put32(out + 8, GPU_CONTEXT_SIZE);
    put32(out + 12, v->msix.entries);
    guest_fields(&cursor, &v->context);
    field(&cursor, &v->command, 2);
    field(&cursor, &control, 2);
    field(&cursor, v->msix.pending, sizeof(v->msix.pending));
    uint64_t sum = checksum(out);
    memcpy(out + CONTEXT_SUM, &sum, 8);
}

static bool header_fits(const struct gpu *gpu, const uint8_t *in, size_t size) {
    uint32_t head[4];
    uint64_t sum;
    if (size != GPU_CONTEXT_SIZE)
        return false;
    memcpy(head, in, sizeof(head));
    memcpy(&sum, in + CONTEXT_SUM, 8);
    return head[0] == CONTEXT_MAGIC && head[1] == CONTEXT_VERSION && head[2] == GPU_CONTEXT_SIZE &&
           head[3] == gpu->msix_entries && sum == checksum(in);
}

/* A checksum is no proof of sense: whoever can write one can write anything. */
static bool sane(const struct gpu_context *c, uint16_t command, uint16_t control, const uint64_t *pending,
                 uint32_t entries) {
    uint64_t units = 0;
    if (c->orders > GPU_QUEUE || c->timeslice == 0 || c->timeslice > GPU_TIMESLICE_NS ||
        c->timeslice % GPU_UNIT_NS != 0 || (command & ~4u) != 0 ||
        (control & ~(GPU_MSIX_CONTROL_ENABLE | GPU_MSIX_CONTROL_FUNCTION_MASK)) != 0)
        return false;
    for (uint32_t i = 0; i < GPU_QUEUE; i++) {
        if (c->order[i].units > GPU_QUEUE_UNITS || (c->order[i].units == 0) != (i >= c->orders))
            return false;
        units += c->order[i].units;
    }
    for (uint32_t i = entries; i < GPU_MSIX_MAX; i++)
        if (pending[i / 64] >> (i % 64) & 1)
            return false;
    return units <= GPU_QUEUE_UNITS && c->queued - c->completed == units;
}

bool gpu_context_restore(struct gpu *gpu, uint32_t vf, const uint8_t *in, size_t size) {
    struct gpu_vf *v = &gpu->vf[vf];
    struct gpu_context context = {0};
    uint16_t command = 0, control = 0;
    uint64_t pending[GPU_MSIX_MAX / 64] = {0};
    if (!header_fits(gpu, in, size))
        return false;
    struct cursor cursor = {(uint8_t *)in + CONTEXT_HEADER, false};
    guest_fields(&cursor, &context);
    field(&cursor, &command, 2);
    field(&cursor, &control, 2);
    field(&cursor, pending, sizeof(pending));
    if (!sane(&context, command, control, pending, v->msix.entries))
        return false;
    v->context = context;
    v->command = command;
    memcpy(v->msix.pending, pending, sizeof(pending));
    gpu_changed(gpu, vf, GPUP_OBSERVER_guest_state | GPUP_OBSERVER_config);
    gpu_msix_control(gpu, vf, (control & GPU_MSIX_CONTROL_ENABLE) != 0,
                     (control & GPU_MSIX_CONTROL_FUNCTION_MASK) != 0);
    return true;
}
