#include "internal.h"

#include <string.h>

/* Place of the field `call` plus one, in the kinds that have it. */
static const uint8_t call_field[GPUP_EVENT_KINDS] = {
    [GPUP_EVENT_CALL] = 1 + GPUP_CALL_call,
    [GPUP_EVENT_BUFFER] = 1 + GPUP_BUFFER_call,
    [GPUP_EVENT_RETURN] = 1 + GPUP_RETURN_call,
    [GPUP_EVENT_OUTPUT] = 1 + GPUP_OUTPUT_call,
    [GPUP_EVENT_DAMAGE] = 1 + GPUP_DAMAGE_call,
    [GPUP_EVENT_FAULT] = 1 + GPUP_FAULT_call,
    [GPUP_EVENT_BUGCHECK] = 1 + GPUP_BUGCHECK_call,
    [GPUP_EVENT_HANG] = 1 + GPUP_HANG_call,
    [GPUP_EVENT_CALLBACK] = 1 + GPUP_CALLBACK_call,
    [GPUP_EVENT_MISUSE] = 1 + GPUP_MISUSE_call,
    [GPUP_EVENT_CHANNEL] = 1 + GPUP_CHANNEL_call,
    [GPUP_EVENT_MMIO] = 1 + GPUP_MMIO_call,
    [GPUP_EVENT_TABLE] = 1 + GPUP_TABLE_call,
    [GPUP_EVENT_CONFIG] = 1 + GPUP_CONFIG_call,
    [GPUP_EVENT_GUEST_WRITE] = 1 + GPUP_GUEST_WRITE_call,
    [GPUP_EVENT_BASIS_RANGE] = 1 + GPUP_BASIS_RANGE_call,
    [GPUP_EVENT_INITIALIZED] = 1 + GPUP_INITIALIZED_call,
    [GPUP_EVENT_CHANGING] = 1 + GPUP_CHANGING_call,
    [GPUP_EVENT_CHANGED] = 1 + GPUP_CHANGED_call,
};

void world_emit(struct host *h, struct gpup_event *event) {
    struct gpup_world *w = h->world;
    unsigned field = call_field[event->kind];
    uint64_t call = h->call; /* of its own: what another adapter does meanwhile is of none */
    event->host = (uint8_t)h->index;
    event->step = w->step;
    lanes_label(h, event, &call);
    if (event->kind == GPUP_EVENT_CHANNEL &&
        !gpup_os_in_ddi(h->os)) /* a worker's may be for an earlier call */
        call = 0;
    if (field && call)
        event->f[field - 1] = call;
    w->sink.event(w->sink.context, event);
}

struct gpup_event world_event(struct host *h, unsigned kind) {
    return (struct gpup_event){.kind = (uint16_t)kind, .time_ns = h->os ? gpup_os_now(h->os) : 0};
}

void world_skip(struct host *h, enum gpup_skip reason, const char *why) {
    struct gpup_event e = world_event(h, GPUP_EVENT_SKIP);
    e.f[GPUP_SKIP_reason] = reason;
    e.data = (const uint8_t *)why;
    e.data_size = strlen(why);
    world_emit(h, &e);
}

static void emit_from_os(void *context, struct gpup_event *event) {
    world_emit(context, event);
}

struct gpup_emitter world_emitter(struct host *h) {
    return (struct gpup_emitter){emit_from_os, h};
}

static void log_mmio(void *context, bool write, uint32_t region, uint32_t vf, uint64_t offset, uint32_t width,
                     uint64_t value) {
    const struct host *h = context;
    if (!h->world->page_guards && gpup_mmio_is_routine(region, width))
        return;
    struct gpup_event e = world_event(context, GPUP_EVENT_MMIO);
    e.f[GPUP_MMIO_write] = write;
    e.f[GPUP_MMIO_region] = region;
    e.f[GPUP_MMIO_vf] = vf;
    e.f[GPUP_MMIO_offset] = offset;
    e.f[GPUP_MMIO_width] = width;
    e.f[GPUP_MMIO_value] = value;
    world_emit(context, &e);
}

static void log_table(void *context, uint32_t vf, uint32_t area, uint64_t offset, uint32_t width,
                      uint64_t value, bool powered) {
    struct gpup_event e = world_event(context, GPUP_EVENT_TABLE);
    e.f[GPUP_TABLE_vf] = vf;
    e.f[GPUP_TABLE_area] = area;
    e.f[GPUP_TABLE_offset] = offset;
    e.f[GPUP_TABLE_width] = width;
    e.f[GPUP_TABLE_value] = value;
    e.f[GPUP_TABLE_powered] = powered;
    world_emit(context, &e);
}

static void log_config(void *context, bool write, uint32_t vf, uint32_t offset, uint32_t width,
                       uint64_t value) {
    struct gpup_event e = world_event(context, GPUP_EVENT_CONFIG);
    e.f[GPUP_CONFIG_write] = write;
    e.f[GPUP_CONFIG_vf] = vf;
    e.f[GPUP_CONFIG_offset] = offset;
    e.f[GPUP_CONFIG_width] = width;
    e.f[GPUP_CONFIG_value] = value;
    world_emit(context, &e);
}

static void log_message(void *context, uint32_t vf, uint32_t index, uint64_t address, uint32_t data) {
    struct gpup_event e = world_event(context, GPUP_EVENT_MESSAGE);
    e.f[GPUP_MESSAGE_vf] = vf;
    e.f[GPUP_MESSAGE_index] = index;
    e.f[GPUP_MESSAGE_address] = address;
    e.f[GPUP_MESSAGE_data] = data;
    world_emit(context, &e);
}

static void log_guest_write(void *context, uint32_t vf, uint64_t offset, uint64_t size, uint64_t hash) {
    struct gpup_event e = world_event(context, GPUP_EVENT_GUEST_WRITE);
    e.f[GPUP_GUEST_WRITE_vf] = vf;
    e.f[GPUP_GUEST_WRITE_offset] = offset;
    e.f[GPUP_GUEST_WRITE_size] = size;
    e.f[GPUP_GUEST_WRITE_hash] = hash;
    e.f[GPUP_GUEST_WRITE_done] = 1;
    world_emit(context, &e);
}

struct gpup_device_log world_device_log(struct host *h) {
    return (struct gpup_device_log){log_mmio, log_table, log_config, log_message, log_guest_write, h};
}
