#include "pair.h"
#include "filter.h"

#include <ddi/dispmprt.h>
#include <gpup/spec_ids.h>
#include <stdio.h>
#include <string.h>

void pair_begin(struct pair_side *side) {
    memset(side, 0, sizeof *side);
    for (unsigned i = 0; i < 2; i++) {
        gpup_trace_begin(&side->trace[i]);
        side->offset[i] = side->trace[i].size;
    }
}

void pair_free(struct pair_side *side) {
    for (unsigned i = 0; i < 2; i++)
        gpup_trace_free(&side->trace[i]);
}

static void rename_number(struct pair_names *names, uint64_t *value) {
    unsigned i = 0;
    if (*value == 0 || *value >= UINT64_MAX - 1)
        return;
    while (i < names->count && names->from[i] != *value)
        i++;
    if (i == names->count && i < PAIR_NAMES)
        names->from[names->count++] = *value;
    *value = i + 1;
}

/* The argument that is a handle, as a number of an object; -1 none. */
static int object_argument(uint64_t ddi) {
    switch (ddi) {
    case GPUP_DDI_DestroyMemoryBasis:
    case GPUP_DDI_StartDirtyTracking:
    case GPUP_DDI_StopDirtyTracking:
    case GPUP_DDI_QueryDirtyBitData:
    case GPUP_DDI_DestroyProcess:
    case GPUP_DDI_SetVirtualMachineData:
        return 0;
    case GPUP_DDI_SetVirtualGpuVmBus:
        return 1;
    case GPUP_DDI_CreateProcess:
        return 2;
    case GPUP_DDI_SetVirtualGpuResources2:
        return 3;
    default:
        return -1;
    }
}

static bool gives_object(uint64_t ddi) {
    return ddi == GPUP_DDI_CreateMemoryBasis || ddi == GPUP_DDI_CreateProcess || ddi == GPUP_DDI_AddDevice;
}

static void rename_objects(struct pair_names *names, struct gpup_event *e) {
    if (e->kind == GPUP_EVENT_CALL && object_argument(e->f[GPUP_CALL_ddi]) >= 0)
        rename_number(names, &e->f[GPUP_CALL_a0 + object_argument(e->f[GPUP_CALL_ddi])]);
    if (e->kind == GPUP_EVENT_RETURN) {
        rename_number(names, &e->f[GPUP_RETURN_handle]);
        if (gives_object(e->f[GPUP_RETURN_ddi]))
            rename_number(names, &e->f[GPUP_RETURN_r0]);
    }
    if (e->kind == GPUP_EVENT_PLACE)
        rename_number(names, &e->f[GPUP_PLACE_basis]);
}

void pair_renumber(struct pair_side *side, unsigned host) {
    memset(side->calls[host & 1].from, 0, sizeof side->calls->from);
    memset(side->objects[host & 1].from, 0, sizeof side->objects->from);
}

/* Arguments that the world states though the size beside them says that nothing is passed. */
static void forget_unpassed(struct gpup_event *e) {
    if (e->f[GPUP_CALL_ddi] == GPUP_DDI_QueryAdapterInfo &&
        e->f[GPUP_CALL_a0 + GPUP_ARG_QueryAdapterInfo_InputDataSize] < 4)
        e->f[GPUP_CALL_a0 + GPUP_ARG_QueryAdapterInfo_Input] = 0;
    if (e->f[GPUP_CALL_ddi] == GPUP_DDI_VirtualGpuDriverEscape &&
        e->f[GPUP_CALL_a0 + GPUP_ARG_VirtualGpuDriverEscape_InputBufferSize] < 8)
        e->f[GPUP_CALL_a0 + GPUP_ARG_VirtualGpuDriverEscape_LuidLow] =
            e->f[GPUP_CALL_a0 + GPUP_ARG_VirtualGpuDriverEscape_LuidHigh] = 0;
}

static bool is_call_kind(unsigned kind, unsigned *field) {
    for (unsigned i = 0; i < gpup_event_field_count(kind); i++)
        if (strcmp(gpup_event_field_name(kind, i), "call") == 0) {
            *field = i;
            return true;
        }
    return false;
}

/* Where it comes from and what only one side knows: the beginning, the end, marks of the program. */
static bool is_frame(const struct gpup_event *e) {
    switch (e->kind) {
    case GPUP_EVENT_WORLD:
    case GPUP_EVENT_IMPLEMENTATION:
    case GPUP_EVENT_ADAPTER:
    case GPUP_EVENT_END:
        return true;
    case GPUP_EVENT_CALLBACK: /* the three that are diverted */
        return e->f[GPUP_CALLBACK_id] != offsetof(DXGKRNL_INTERFACE, DxgkCbLogEtwEvent) &&
               e->f[GPUP_CALLBACK_id] != offsetof(DXGKRNL_INTERFACE, DxgkCbMitigatedRangeUpdate) &&
               e->f[GPUP_CALLBACK_id] != offsetof(DXGKRNL_INTERFACE, DxgkCbSaveMemoryForHotUpdate);
    default:
        return false;
    }
}

void pair_add(struct pair_side *side, const struct gpup_event *event) {
    struct gpup_event e = *event;
    unsigned field, host = e.host & 1;
    if (!filter_keep(&e, GPUP_OBSERVER_callbacks) || is_frame(&e))
        return;
    e.fiber = 0;
    e.step = GPUP_NO_STEP;
    e.time_ns = 0;
    if (is_call_kind(e.kind, &field))
        rename_number(&side->calls[host], &e.f[field]);
    rename_objects(&side->objects[host], &e);
    if (e.kind == GPUP_EVENT_CALL) {
        e.f[GPUP_CALL_class] = 0;
        forget_unpassed(&e);
    }
    if (e.kind == GPUP_EVENT_RETURN)
        e.f[GPUP_RETURN_locks] = 0;
    if (e.kind == GPUP_EVENT_BUFFER)
        e.f[GPUP_BUFFER_object] = 0;
    if (e.kind == GPUP_EVENT_OUTPUT)
        e.f[GPUP_OUTPUT_object] = 0;
    gpup_trace_append(&side->trace[host], &e);
    side->events++;
}

/* Whose reserve a range is in is not known before there is one. */
static bool same(const struct gpup_event *a, struct gpup_event *b) {
    if (a->kind == GPUP_EVENT_BASIS_RANGE && b->kind == a->kind && b->f[GPUP_BASIS_RANGE_vf] == GPUP_PF)
        b->f[GPUP_BASIS_RANGE_vf] = a->f[GPUP_BASIS_RANGE_vf];
    return a->kind == b->kind && memcmp(a->f, b->f, sizeof a->f) == 0 && a->data_size == b->data_size &&
           (!a->data_size || memcmp(a->data, b->data, a->data_size) == 0);
}

static void describe(char *text, size_t size, unsigned host, unsigned number, const struct gpup_event *world,
                     const struct gpup_event *recorder) {
    char a[400] = "nothing", b[400] = "nothing";
    if (world)
        gpup_event_print(world, a, sizeof a);
    if (recorder)
        gpup_event_print(recorder, b, sizeof b);
    snprintf(text, size, "host %u, event %u:\n  world    %s\n  recorder %s", host, number, a, b);
}

unsigned pair_compare(const struct pair_side *world, const struct pair_side *recorder, char *text,
                      size_t size) {
    unsigned all = 0;
    text[0] = 0;
    for (unsigned host = 0; host < 2; host++) {
        struct gpup_trace_reader w, r;
        struct gpup_event a, b;
        int more = 1, also = 1;
        gpup_trace_open(&w, world->trace[host].bytes, world->trace[host].size);
        gpup_trace_open(&r, recorder->trace[host].bytes, recorder->trace[host].size);
        for (unsigned number = 0; more == 1 && also == 1 && !text[0]; number++) {
            more = gpup_trace_next(&w, &a);
            also = gpup_trace_next(&r, &b);
            if (more != also || (more == 1 && !same(&a, &b)))
                describe(text, size, host, number, more == 1 ? &a : NULL, also == 1 ? &b : NULL);
            all += more == 1 && !text[0];
        }
    }
    return all;
}
