/* Events around a call that the arguments tell: ranges of bases and reserves, needs of a vGPU. */
#include "record.h"

static void record_event_of(struct record_event *e, uint16_t kind) {
    memset(e, 0, sizeof *e);
    e->kind = kind;
}

static void record_announce_basis(const struct record_call *c) {
    struct record_event e;
    for (uint64_t i = 0; i < c->a[1]; i++) {
        const uint8_t *range = c->s + 16 + 16 * i;
        record_event_of(&e, RECORD_EVENT_basis_range);
        e.f[RECORD_basis_range_call] = c->number;
        e.f[RECORD_basis_range_segment] = c->a[0];
        e.f[RECORD_basis_range_offset] = record_get(range, 8);
        e.f[RECORD_basis_range_size] = record_get(range + 8, 8);
        e.f[RECORD_basis_range_vf] = record_vf_at((uint32_t)c->a[0], e.f[RECORD_basis_range_offset]);
        record_write(&e);
    }
}

struct record_assignment {
    const struct record_call *c;
    bool keep; /* remember it as the reserve instead of telling it */
    bool reserve;
};

static void record_place(const struct record_assignment *as, uint64_t element, uint64_t basis,
                         const struct record_range *range) {
    const struct record_call *c = as->c;
    struct record_event e;
    if (as->keep) {
        record_add_range(RECORD_OF_VF | c->a[0], range->segment, range->offset, range->size);
        return;
    }
    if (as->reserve) {
        record_event_of(&e, RECORD_EVENT_reserve);
        e.f[RECORD_reserve_vf] = c->a[0];
        e.f[RECORD_reserve_segment] = range->segment;
        e.f[RECORD_reserve_offset] = range->offset;
        e.f[RECORD_reserve_size] = range->size;
    } else {
        record_event_of(&e, RECORD_EVENT_place);
        e.f[RECORD_place_call] = c->number;
        e.f[RECORD_place_vf] = c->a[0];
        e.f[RECORD_place_descriptor] = element;
        e.f[RECORD_place_segment] = range->segment;
        e.f[RECORD_place_offset] = range->offset;
        e.f[RECORD_place_size] = range->size;
        e.f[RECORD_place_basis] = basis;
    }
    record_write(&e);
}

static void record_assign_basis(const struct record_assignment *as, uint64_t element) {
    const struct record_object *o = record_find(RECORD_BASIS, record_get(as->c->s + 8 + 16 * element + 8, 8));
    unsigned count = recorder.ranges; /* keeping adds some */
    for (unsigned i = 0; o && i < count; i++)
        if (recorder.range[i].owner == o->number) {
            const struct record_range range = recorder.range[i];
            record_place(as, element, o->number, &range);
        }
}

/* Every range of the assignment, in order. */
static void record_assign(const struct record_assignment *as) {
    const struct record_call *c = as->c;
    for (uint64_t i = 0; i < c->a[1]; i++) {
        if (c->row->ddi == RECORD_DDI_SetVirtualGpuResources2) {
            record_assign_basis(as, i);
            continue;
        }
        const uint8_t *info = c->s + 8 + 32 * i;
        struct record_range range;
        range.owner = 0;
        range.segment = (uint32_t)record_get(info + 8, 4);
        range.offset = record_get(info + 16, 8);
        range.size = record_get(info + 24, 8);
        record_place(as, i, 0, &range);
    }
}

static bool record_assigns(const struct record_call *c) {
    return c->s && (c->row->ddi == RECORD_DDI_SetVirtualGpuResources ||
                    c->row->ddi == RECORD_DDI_SetVirtualGpuResources2);
}

static bool record_first_assignment(const struct record_call *c) {
    return c->a[0] < RECORD_VFS && !recorder.resourced[c->a[0]];
}

static void record_announce(struct record_call *c) {
    struct record_assignment as = {c, false, false};
    if (c->row->ddi == RECORD_DDI_CreateMemoryBasis && c->s)
        record_announce_basis(c);
    if (!record_assigns(c))
        return;
    record_assign(&as);
    as.reserve = true;
    if (record_first_assignment(c))
        record_assign(&as);
}

static void record_created_basis(struct record_call *c) {
    uint64_t bytes = 0;
    c->handle = c->success ? record_number(RECORD_BASIS, c->result, true) : 0;
    c->r[0] = c->handle;
    struct record_object *o = c->success ? record_find(RECORD_BASIS, c->result) : NULL;
    if (!o || !c->s)
        return;
    record_drop_ranges(o->number); /* a driver may give one handle twice */
    for (uint64_t i = 0; i < c->a[1]; i++) {
        const uint8_t *range = c->s + 16 + 16 * i;
        record_add_range(o->number, (uint32_t)c->a[0], record_get(range, 8), record_get(range + 8, 8));
        bytes += record_get(range + 8, 8);
    }
    o->segment = (uint32_t)c->a[0];
    o->pages = bytes;
}

static void record_tell_segments(const struct record_call *c) {
    struct record_event e;
    bool emulation = false;
    for (unsigned i = 0; i < 16; i++)
        emulation = emulation || c->s[104 + i];
    for (uint64_t i = 0; i < c->r[0] && i < RECORD_SEGMENTS - 1; i++) {
        const uint8_t *info = c->s + 136 + 48 * i;
        record_event_of(&e, RECORD_EVENT_vgpu_segment);
        e.f[RECORD_vgpu_segment_vf] = c->a[0];
        e.f[RECORD_vgpu_segment_segment] = record_get(info, 4);
        e.f[RECORD_vgpu_segment_size] = record_get(info + 8, 8);
        e.f[RECORD_vgpu_segment_alignment] = record_get(info + 16, 4);
        e.f[RECORD_vgpu_segment_emulation] = emulation;
        record_write(&e);
    }
}

static void record_end_vf(uint64_t vf) {
    if (vf >= RECORD_VFS)
        return;
    recorder.resourced[vf] = false;
    record_drop_ranges(RECORD_OF_VF | vf);
}

static void record_counted(const struct record_call *c) {
    bool mitigated = c->row->ddi == RECORD_DDI_QueryMitigatedRangeCount;
    for (unsigned i = 0; i < 6 && c->a[0] < RECORD_VFS; i++)
        recorder.counted[!mitigated][c->a[0]][i] = (uint32_t)c->r[i];
}

static void record_stopped(void) {
    for (uint64_t vf = 0; vf < RECORD_VFS; vf++)
        record_end_vf(vf);
}

static void record_assigned(const struct record_call *c) {
    struct record_assignment as = {c, true, false};
    if (!c->a[1] || !record_first_assignment(c))
        return;
    recorder.resourced[c->a[0]] = true;
    record_assign(&as);
}

static void record_aftermath(struct record_call *c) {
    if (!c->success)
        return;
    switch (c->row->ddi) {
    case RECORD_DDI_SetVirtualGpuResources:
    case RECORD_DDI_SetVirtualGpuResources2:
        record_assigned(c);
        break;
    case RECORD_DDI_CreateVirtualGpu:
        record_end_vf(c->a[0]);
        record_tell_segments(c);
        break;
    case RECORD_DDI_DestroyVirtualGpu:
        record_end_vf(c->a[0]);
        break;
    case RECORD_DDI_DestroyMemoryBasis:
        record_forget(RECORD_BASIS, c->p[1]);
        break;
    case RECORD_DDI_DestroyProcess:
        record_forget(RECORD_PROCESS, c->p[1]);
        break;
    case RECORD_DDI_QueryMitigatedRangeCount:
    case RECORD_DDI_GetMmioRangeCount:
        record_counted(c);
        break;
    case RECORD_DDI_RestoreMemoryForHotUpdate:
        recorder.block++;
        break;
    case RECORD_DDI_StartDevice: /* interfaces are asked for again */
        memset(recorder.slots, 0, sizeof recorder.slots);
        break;
    case RECORD_DDI_StopDevice:
        record_stopped();
        break;
    default:
        break;
    }
}
