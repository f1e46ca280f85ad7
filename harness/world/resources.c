/* VRAM of a vGPU: SetVirtualGpuResources and SetVirtualGpuResources2. */
#include "internal.h"

static void emit_reserve(struct host *h, uint32_t vf) {
    for (uint32_t i = 0; i < h->vf[vf].reserve_count; i++) {
        const struct range *r = &h->vf[vf].reserve[i];
        struct gpup_event e = world_event(h, GPUP_EVENT_RESERVE);
        e.f[GPUP_RESERVE_vf] = vf;
        e.f[GPUP_RESERVE_segment] = r->segment;
        e.f[GPUP_RESERVE_offset] = r->offset;
        e.f[GPUP_RESERVE_size] = r->size;
        world_emit(h, &e);
    }
}

bool op_set_resources(struct host *h, uint32_t vf) {
    struct ddi_call c;
    static const struct vf nothing;
    const struct vf *v = vf < GPUP_MAX_VFS ? &h->vf[vf] : &nothing;
    uint64_t a[] = {vf, v->reserve_count, 0, v->reserve[0].segment, v->reserve[0].offset, v->reserve[0].size};
    if (!ddi_begin(&c, h, GPUP_DDI_SetVirtualGpuResources, a, 6, GPUP_SLOT_NONE))
        return false;
    uint32_t slots = v->reserve_count ? v->reserve_count : 1;
    DXGKARG_SETVIRTUALGPURESOURCES *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS,
                   offsetof(DXGKARG_SETVIRTUALGPURESOURCES, MemoryInfo) + slots * sizeof args->MemoryInfo[0],
                   DDI_IN | DDI_CONST, false);
    if (args) {
        args->PartitionId = vf;
        args->NumMemoryAllocations = v->reserve_count;
        for (uint32_t i = 0; i < v->reserve_count; i++)
            args->MemoryInfo[i] = (DXGK_VIRTUALGPUMEMORYRESOURCE){
                .AllocationAddress = {v->reserve[i].segment, v->reserve[i].offset},
                .AllocationSize = v->reserve[i].size};
        if (v->reserve_count)
            emit_reserve(h, vf);
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    return c.success;
}

void op_set_resources2(struct host *h, uint32_t vf) {
    struct ddi_call c;
    struct gpup_value slot0 = {0};
    HANDLE raw = NULL;
    uint64_t object = 0;
    struct basis *b = world_basis(h, vf, &slot0, &raw, &object);
    uint64_t a[] = {vf, 1, 0, object};
    if (!ddi_begin(&c, h, GPUP_DDI_SetVirtualGpuResources2, a, 4,
                   b ? (uint32_t)(b - h->bases) : GPUP_SLOT_NONE))
        return;
    DXGKARG_SETVIRTUALGPURESOURCES2 *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        args->vfIndex = vf;
        args->SegmentCount = 1;
        args->SegmentDescriptors[0].MemoryBasis = raw;
        if (vf < GPUP_MAX_VFS)
            emit_reserve(h, vf);
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
}

void do_SetVirtualGpuResources(struct host *h, const struct gpup_step *s) {
    op_set_resources(h, s->vf);
}

void do_SetVirtualGpuResources2(struct host *h, const struct gpup_step *s) {
    op_set_resources2(h, s->vf);
}
