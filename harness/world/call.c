/* One DDI call: legality, guarded buffers, the call itself, and the evidence it leaves. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t world_object(struct gpup_world *w) {
    return ++w->objects;
}

bool world_negative(const struct gpup_world *w) {
    return w->class == GPUP_ROBUSTNESS || w->class == GPUP_POLICY || w->class == GPUP_STATED;
}

static const void *table_of(const struct host *h, unsigned table) {
    switch (table) {
    case GPUP_TABLE_DRIVER_INITIALIZATION_DATA:
        return &h->ddis;
    case GPUP_TABLE_DXGKDDI_GPU_PARTITION_INTERFACE:
        return &h->partition;
    case GPUP_TABLE_DXGKDDI_SRIOV_INTERFACE:
        return &h->sriov;
    case GPUP_TABLE_DXGKDDI_MITIGABLE_DEVICE_INTERFACE:
        return &h->mitigable;
    case GPUP_TABLE_DXGKDDI_FLEXIOV_DEVICE_INTERFACE:
        return &h->flexiov;
    default:
        return NULL;
    }
}

void *ddi_function(struct host *h, uint16_t ddi) {
    unsigned table = gpup_ddis[ddi].table;
    if (table == GPUP_TABLE_none || !h->has[table - 1])
        return NULL;
    void *function;
    memcpy(&function, (const char *)table_of(h, table) + gpup_ddis[ddi].offset, sizeof function);
    return function;
}

/* First argument: the adapter for the driver's own table, the table's Context for an interface. */
static uint64_t first_argument(const struct host *h, unsigned table) {
    const DXGKDDI_GPU_PARTITION_INTERFACE *interface_table =
        table_of(h, table); /* Context stands alike in all four */
    if (table == GPUP_TABLE_DRIVER_INITIALIZATION_DATA)
        return (uint64_t)(uintptr_t)h->adapter;
    return (uint64_t)(uintptr_t)interface_table->Context;
}

static bool gate_open(const struct host *h, unsigned gate) {
    switch (gate) {
    case GPUP_GATE_LiveMigration:
        return h->caps.Caps.LiveMigration;
    case GPUP_GATE_ScatterMapReserve:
        return h->caps.Caps.ScatterMapReserve;
    case GPUP_GATE_DirtyBitTrackingSupported:
        return h->dirty_caps.DirtyBitTrackingSupported;
    case GPUP_GATE_HotDriverUpdate:
        return h->caps.Caps.HotDriverUpdate;
    default:
        return true;
    }
}

void world_make_current(struct host *h) {
    struct gpup_world *w = h->world;
    if (w->current_host == h->index || w->config.one_system)
        return;
    gpup_image_save(w->image, w->host[w->current_host].image_copy);
    gpup_image_load(w->image, h->image_copy);
    w->current_host = h->index;
}

/* The bundled device has no state in the implementation's sections; one that came with it may. */
void world_reach_device(struct host *h) {
    if (h->world->implementation->device)
        world_make_current(h);
}

/* A GPU without power is asked what it can do, and is woken. */
static bool works_asleep(uint16_t ddi) {
    return ddi == GPUP_DDI_SetPowerState || ddi == GPUP_DDI_QueryAdapterInfo ||
           ddi == GPUP_DDI_ControlEtwLogging;
}

/* Why the OS would not make this call now, or 0. */
static enum gpup_skip refuses(struct ddi_call *c, char *why, size_t size) {
    struct host *h = c->host;
    const struct gpup_ddi *d = &gpup_ddis[c->ddi];
    if (host_dead(h)) {
        snprintf(why, size, "host %u is dead", h->index);
        return GPUP_SKIP_DEAD;
    }
    if (!ddi_function(h, c->ddi)) {
        snprintf(why, size, "%s is not provided", d->name);
        return GPUP_SKIP_ABSENT;
    }
    if (world_negative(h->world))
        return 0;
    if (!gate_open(h, d->gate)) {
        snprintf(why, size, "%s needs %s, which is not advertised", d->name, gpup_gate_name(d->gate));
        return GPUP_SKIP_ABSENT;
    }
    if (h->asleep && !works_asleep(c->ddi)) {
        snprintf(why, size, "the GPU of host %u is in D3", h->index);
        return GPUP_SKIP_ILLEGAL;
    }
    struct gpup_machine_refusal refusal;
    if (gpup_machine_legal(&h->machines, c->ddi, c->vf, c->basis, c->a, &refusal))
        return 0;
    gpup_machine_explain(&refusal, c->ddi, why, size);
    return GPUP_SKIP_ILLEGAL;
}

bool ddi_begin(struct ddi_call *c, struct host *h, uint16_t ddi, const uint64_t *a, unsigned count,
               uint32_t basis) {
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    char why[160];
    memset(c, 0, sizeof *c);
    c->host = h;
    c->ddi = ddi;
    c->basis = basis;
    if (count)
        memcpy(c->a, a, count * sizeof *a);
    c->vf = d->vf_argument >= 0 && c->a[d->vf_argument] < GPUP_MAX_VFS ? (uint32_t)c->a[d->vf_argument]
                                                                       : GPUP_SLOT_NONE;
    lanes_enter(h->world, ddi);
    enum gpup_skip skip = refuses(c, why, sizeof why);
    if (skip) {
        lanes_exit(h->world);
        world_skip(h, skip, why);
    }
    return !skip;
}

/* What a buffer held before the call, in the arena, so that nothing of a call is on the heap. */
struct copy {
    struct copy *next;
};

static unsigned copy_class(size_t size) {
    unsigned class = 0;
    while (class < WORLD_COPIES - 1 && (size_t)64 << class < size)
        class ++;
    return class;
}

static uint8_t *take_copy(struct gpup_world *w, size_t size) {
    struct copy **list = &w->copies[copy_class(size)], *copy = *list;
    if (!copy)
        return gpup_arena_alloc_raw(w->arena, (size_t)64 << copy_class(size));
    *list = copy->next;
    return (uint8_t *)copy;
}

static void give_copy(struct gpup_world *w, uint8_t *bytes, size_t size) {
    struct copy **list = &w->copies[copy_class(size)], *copy = (struct copy *)(void *)bytes;
    copy->next = *list;
    *list = copy;
}

void *ddi_buffer(struct ddi_call *c, unsigned role, size_t size, unsigned flags, bool unaligned) {
    if (c->buffers >= WORLD_BUFFERS)
        return NULL;
    struct ddi_buffer *b = &c->buffer[c->buffers];
    size_t slack = unaligned ? 31 - size % 16 : 0; /* starts one byte after a multiple of 16 */
    gpup_os_guard_buffers(c->host->os, flags & DDI_GUARD || c->host->to_change);
    b->block = gpup_os_buffer(c->host->os, size, slack, &b->object);
    gpup_os_guard_buffers(c->host->os, false);
    b->memory = b->block;
    b->before = b->memory ? take_copy(c->host->world, size) : NULL;
    if (!b->before) {
        gpup_os_buffer_free(c->host->os, b->block);
        c->host->world->broken = true;
        return NULL;
    }
    b->size = size;
    b->role = (uint8_t)role;
    b->flags = (uint8_t)flags;
    c->buffers++;
    return b->memory;
}

static void emit_buffers(struct ddi_call *c) {
    for (unsigned i = 0; i < c->buffers; i++) {
        struct ddi_buffer *b = &c->buffer[i];
        struct gpup_event e = world_event(c->host, GPUP_EVENT_BUFFER);
        e.f[GPUP_BUFFER_role] = b->role;
        e.f[GPUP_BUFFER_object] = b->object;
        e.f[GPUP_BUFFER_size] = b->size;
        /* Argument structures hold pointers; their scalars stand in CALL. Only plain data is shown. */
        bool shown = (b->flags & DDI_SHOW) || ((b->flags & DDI_IN) && b->role != GPUP_ROLE_ARGUMENTS &&
                                               b->role != GPUP_ROLE_INTERFACE);
        if (shown || (b->flags & DDI_CONST)) /* nobody asks what an output was */
            memcpy(b->before, b->memory, b->size);
        if (shown) {
            e.data = b->before;
            e.data_size = b->size < GPUP_EVENT_MAX_DATA ? b->size : GPUP_EVENT_MAX_DATA;
        }
        world_emit(c->host, &e);
        if (b->flags & DDI_READ_ONLY)
            gpup_os_buffer_protect(c->host->os, b->block, true);
    }
}

static void emit_call(struct ddi_call *c) {
    struct gpup_event e = world_event(c->host, GPUP_EVENT_CALL);
    e.f[GPUP_CALL_ddi] = c->ddi;
    e.f[GPUP_CALL_class] = c->host->world->class;
    memcpy(&e.f[GPUP_CALL_a0], c->a, sizeof c->a);
    world_emit(c->host, &e);
}

static void emit_damage(struct ddi_call *c, unsigned what, unsigned role, uint64_t offset, uint64_t size) {
    struct gpup_event e = world_event(c->host, GPUP_EVENT_DAMAGE);
    e.f[GPUP_DAMAGE_what] = what;
    e.f[GPUP_DAMAGE_role] = role;
    e.f[GPUP_DAMAGE_offset] = offset;
    e.f[GPUP_DAMAGE_size] = size;
    world_emit(c->host, &e);
}

static void check_buffers(struct ddi_call *c) {
    for (unsigned i = 0; i < c->buffers; i++) {
        struct ddi_buffer *b = &c->buffer[i];
        uint64_t offset = 0;
        unsigned damage = gpup_os_buffer_check(c->host->os, b->block, &offset);
        if (damage)
            emit_damage(c, damage, b->role, offset, 0);
        if (!(b->flags & DDI_CONST) || memcmp(b->before, b->memory, b->size) == 0)
            continue;
        size_t at = 0, last = b->size;
        while (b->before[at] == ((uint8_t *)b->memory)[at])
            at++;
        while (last > at && b->before[last - 1] == ((uint8_t *)b->memory)[last - 1])
            last--;
        emit_damage(c, GPUP_DAMAGE_CONST, b->role, at, last - at);
    }
}

static void emit_outputs(struct ddi_call *c) {
    for (unsigned i = 0; i < c->buffers; i++) {
        struct ddi_buffer *b = &c->buffer[i];
        if (!(b->flags & DDI_SHOW) &&
            (!(b->flags & DDI_OUT) || b->role == GPUP_ROLE_ARGUMENTS || b->role == GPUP_ROLE_INTERFACE))
            continue;
        struct gpup_event e = world_event(c->host, GPUP_EVENT_OUTPUT);
        e.f[GPUP_OUTPUT_role] = b->role;
        e.f[GPUP_OUTPUT_object] = b->object;
        e.f[GPUP_OUTPUT_size] = b->size;
        e.f[GPUP_OUTPUT_used] = b->used;
        e.data = b->memory;
        e.data_size = b->size < GPUP_EVENT_MAX_DATA ? b->size : GPUP_EVENT_MAX_DATA;
        world_emit(c->host, &e);
    }
}

static void free_buffers(struct ddi_call *c) {
    for (unsigned i = 0; i < c->buffers; i++) {
        if (!(c->buffer[i].flags & DDI_KEEP))
            gpup_os_buffer_free(c->host->os, c->buffer[i].block);
        give_copy(c->host->world, c->buffer[i].before, c->buffer[i].size);
    }
    c->buffers = 0;
}

bool ddi_go(struct ddi_call *c, const uint64_t *args, unsigned count) {
    struct host *h = c->host;
    struct gpup_world *w = h->world;
    const struct gpup_ddi *d = &gpup_ddis[c->ddi];
    world_make_current(h);
    h->call = ++w->calls;
    emit_buffers(c);
    hostile_arm(c);
    emit_call(c);
    c->os.function = ddi_function(h, c->ddi);
    unsigned first = c->ddi == GPUP_DDI_ControlEtwLogging ? 0 : 1; /* it speaks to the whole driver */
    c->os.args[0] = first_argument(h, d->table);
    if (count)
        memcpy(&c->os.args[first], args, count * sizeof *args);
    c->os.count = count + first;
    c->os.step = w->step;
    c->os.name = d->name;
    c->os.alone = d->sync == 3;
    if (!lanes_call(h, &c->os, &c->returned))
        c->returned = gpup_os_call(h->os, &c->os) == GPUP_RAN_RETURNED;
    hostile_disarm(c);
    for (unsigned i = 0; i < c->buffers; i++)
        if (c->buffer[i].flags & DDI_READ_ONLY)
            gpup_os_buffer_protect(h->os, c->buffer[i].block, false);
    c->status = d->returns == GPUP_RETURNS_NTSTATUS ? (NTSTATUS)(uint32_t)c->os.result : 0;
    c->success =
        c->returned && (d->returns == GPUP_RETURNS_HANDLE ? c->os.result != 0 : NT_SUCCESS(c->status));
    return c->returned;
}

static void emit_return(struct ddi_call *c) {
    struct gpup_event e = world_event(c->host, GPUP_EVENT_RETURN);
    e.f[GPUP_RETURN_ddi] = c->ddi;
    e.f[GPUP_RETURN_status] = (uint32_t)c->status;
    e.f[GPUP_RETURN_handle] = c->handle;
    e.f[GPUP_RETURN_irql] = c->os.irql;
    e.f[GPUP_RETURN_locks] = c->os.locks;
    memcpy(&e.f[GPUP_RETURN_r0], c->r, sizeof c->r);
    world_emit(c->host, &e);
}

void ddi_end(struct ddi_call *c) {
    struct host *h = c->host;
    if (c->returned) {
        emit_return(c);
        emit_outputs(c);
        check_buffers(c);
        if (c->success) {
            uint8_t before = gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, c->vf);
            gpup_machine_step(&h->machines, c->ddi, c->vf, c->basis, c->a);
            if (before != gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, c->vf))
                world_read_again(h, c->vf);
        }
    } else {
        check_buffers(c);
        gpup_os_kill(h->os);
    }
    if (!lanes_exit(h->world)) { /* after a group of calls, once for all of them */
        world_observe(h);
        if (h->world->config.one_system)
            world_observe(&h->world->host[1 - h->index]);
    }
    h->call = 0;
    free_buffers(c);
}
