/* The partition interface. */
#include "internal.h"

#include <string.h>

uint64_t world_count(const struct host *h, const struct gpup_value *value, uint64_t count) {
    (void)h;
    return (value->symbol == GPUP_SYMBOL_COUNT ? count : 0) + value->number;
}

bool op_get_partition_info(struct host *h, uint32_t capacity) {
    struct ddi_call c;
    uint32_t real = capacity < 65536 ? capacity : 65536;
    uint64_t a[] = {real};
    bool supported = false;
    if (!ddi_begin(&c, h, GPUP_DDI_GetGpuPartitionInfo, a, 1, GPUP_SLOT_NONE))
        return false;
    DXGKARG_GETGPUPARTITIONINFO *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT, false);
    USHORT *options = ddi_buffer(&c, GPUP_ROLE_DATA, real * sizeof *options, DDI_OUT, false);
    if (args && options) {
        *args =
            (DXGKARG_GETGPUPARTITIONINFO){.NumGpuPartitionOptions = real, .pGpuPartitionOptions = options};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.returned) {
            c.r[0] = args->NumGpuPartitionOptions;
            c.r[1] = args->CurrentGpuPartitionCount;
            for (unsigned i = 0; i < 4 && i < real; i++)
                c.r[2 + i] = options[i];
            supported = c.success || c.status == STATUS_BUFFER_TOO_SMALL;
        }
        if (c.success) {
            uint32_t count = args->NumGpuPartitionOptions < real ? args->NumGpuPartitionOptions : real;
            c.buffer[1].used = count * sizeof *options;
            h->option_count = count < 64 ? count : 64;
            memcpy(h->options, options, h->option_count * sizeof *options);
        }
    }
    ddi_end(&c);
    return supported;
}

static bool listed(const struct host *h, uint32_t count) {
    for (uint32_t i = 0; i < h->option_count; i++)
        if (h->options[i] == count)
            return true;
    return false;
}

/* A value that the documents say the OS never passes: the step is left out unless it is marked. */
bool world_never(struct host *h, bool wrong, const char *why) {
    if (!wrong || world_negative(h->world))
        return false;
    world_skip(h, GPUP_SKIP_ILLEGAL, why);
    return true;
}

bool op_set_partition_count(struct host *h, uint32_t count) {
    struct ddi_call c;
    uint64_t a[] = {count};
    if (world_never(h, !listed(h, count), "the OS sets only a partition count that the driver listed") ||
        !ddi_begin(&c, h, GPUP_DDI_SetGpuPartitionCount, a, 1, GPUP_SLOT_NONE))
        return false;
    DXGKARG_SETGPUPARTITIONCOUNT *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        args->PartitionCount = count;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success)
            h->partitions = count;
    }
    ddi_end(&c);
    return c.success;
}

static void profile(struct host *h, uint32_t count, DXGKARG_GETVIRTUALGPUPROFILE *out) {
    struct ddi_call c;
    uint64_t a[] = {count};
    if (!ddi_begin(&c, h, GPUP_DDI_GetVirtualGpuProfile, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_GETVIRTUALGPUPROFILE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT, false);
    if (args) {
        args->PartitionCount = count;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        const DXGK_VGPU_PROFILE_CAPABILITY *m = &args->ProfileCapability[DXGK_VGPU_CAPABILITY_MEMORY];
        if (c.success) {
            uint64_t r[] = {args->VirtualizationFlags, m->TotalValue,        m->AvailableValue,
                            m->MinPartitionValue,      m->MaxPartitionValue, m->OptimalPartitionValue};
            memcpy(c.r, r, sizeof r);
            *out = *args;
        }
    }
    ddi_end(&c);
}

void op_get_profile(struct host *h, uint32_t count) {
    DXGKARG_GETVIRTUALGPUPROFILE out;
    if (!world_never(h, !listed(h, count), "the OS asks for the profile of a listed partition count only"))
        profile(h, count, &out);
}

/* The profile asked for: what the program wants, inside what the driver offers. */
static DXGK_VIRTUALGPUPROFILE wanted(uint64_t memory, const DXGKARG_GETVIRTUALGPUPROFILE *offer) {
    DXGK_VIRTUALGPUPROFILE want;
    for (unsigned i = 0; i < DXGK_VGPU_CAPABILITY_MAX; i++) {
        const DXGK_VGPU_PROFILE_CAPABILITY *o = &offer->ProfileCapability[i];
        uint64_t value = i == DXGK_VGPU_CAPABILITY_MEMORY ? memory : o->OptimalPartitionValue;
        value = value > o->MaxPartitionValue ? o->MaxPartitionValue : value;
        value = value < o->MinPartitionValue ? o->MinPartitionValue : value;
        want.Capability[i] = (DXGK_VIRTUALGPUCAPABILITY){value, value, value};
    }
    return want;
}

/* First place from `at` on, in steps of unit, that no live vGPU holds in that segment. */
static uint64_t free_place(const struct host *h, uint32_t segment, uint64_t at, uint64_t size,
                           uint64_t unit) {
    for (unsigned vf = 0; vf < GPUP_MAX_VFS; vf++)
        for (uint32_t i = 0; i < h->vf[vf].reserve_count; i++) {
            const struct range *r = &h->vf[vf].reserve[i];
            if (r->segment == segment && at < r->offset + r->size && r->offset < at + size)
                return free_place(h, segment, (r->offset + r->size + unit - 1) / unit * unit + unit, size,
                                  unit);
        }
    return at;
}

/* VidMm's part: room for the reserve in each segment that the driver names. Hosts differ, so that the same
 * vGPU has another place on the target. */
static void place_reserve(struct host *h, struct vf *v, const DXGKARG_CREATEVIRTUALGPU *args) {
    uint32_t count =
        args->NumMemorySegments < GPUP_MAX_SEGMENTS ? args->NumMemorySegments : GPUP_MAX_SEGMENTS;
    v->reserve_count = 0;
    v->reserve_size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const DXGK_VIRTUALGPUSEGMENTINFO *s = &args->SegmentInfo[i];
        if (s->DriverSegmentId == 0 || s->DriverSegmentId > GPUP_MAX_SEGMENTS || s->Size == 0)
            continue;
        uint64_t unit = h->dirty_page[s->DriverSegmentId] ? h->dirty_page[s->DriverSegmentId] : 4096;
        unit = s->Alignment > unit ? s->Alignment : unit;
        v->reserve[v->reserve_count++] =
            (struct range){s->DriverSegmentId,
                           free_place(h, s->DriverSegmentId, (h->index + 1) * unit, s->Size, unit), s->Size};
        v->reserve_size += s->Size;
    }
}

static void created(struct host *h, uint32_t vf, const DXGKARG_CREATEVIRTUALGPU *args) {
    struct vf *v = &h->vf[vf];
    HANDLE stale = v->stale;
    DXGK_INTERRUPT_TABLE_ENTRY *shadow = v->shadow;
    uint8_t *known = v->shadow_known;
    *v = (struct vf){.created = true, .luid = args->VirtualGpuLuid, .stale = stale, .shadow = shadow};
    v->shadow_known = known;
    memset(v->slot, -1, sizeof v->slot);
    if (v->shadow_known)
        memset(v->shadow_known, 0, h->shape.msix_entries);
    place_reserve(h, v, args);
}

bool op_create_vgpu(struct host *h, uint32_t vf, uint32_t reserve_kib) {
    uint64_t memory = (uint64_t)(reserve_kib ? reserve_kib : h->world->config.reserve_kib) << 10;
    struct ddi_call c;
    uint64_t a[] = {vf};
    DXGKARG_GETVIRTUALGPUPROFILE offer = {0};
    if (world_never(h, vf >= h->partitions, "the OS creates vGPUs below the partition count only"))
        return false;
    if (h->partitions && !h->dead)
        profile(h, h->partitions, &offer);
    if (!ddi_begin(&c, h, GPUP_DDI_CreateVirtualGpu, a, 1, GPUP_SLOT_NONE))
        return false;
    DXGKARG_CREATEVIRTUALGPU *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT, false);
    if (args) {
        args->PartitionId = vf;
        args->Profile = wanted(memory, &offer);
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success) {
            uint64_t r[] = {args->NumMemorySegments,
                            args->VirtualGpuLuid.LowPart,
                            (uint32_t)args->VirtualGpuLuid.HighPart,
                            args->SegmentInfo[0].Size,
                            args->SegmentInfo[1].Size,
                            args->NumEngines};
            memcpy(c.r, r, sizeof r);
            if (vf < GPUP_MAX_VFS)
                created(h, vf, args);
        }
    }
    ddi_end(&c);
    return c.success;
}

void op_get_vgpu_info(struct host *h, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, GPUP_DDI_GetVirtualGpuInfo, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_GETVIRTUALGPUINFO *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT, false);
    if (args) {
        args->PartitionId = vf;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        const DXGK_VGPU_CAPABILITY *m = &args->Capability[DXGK_VGPU_CAPABILITY_MEMORY];
        c.r[0] = m->MinValue;
        c.r[1] = m->MaxValue;
        c.r[2] = m->CurrentValue;
    }
    ddi_end(&c);
}

void op_destroy_vgpu(struct host *h, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, GPUP_DDI_DestroyVirtualGpu, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_DESTROYVIRTUALGPU *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        args->PartitionId = vf;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    if (!c.success || vf >= GPUP_MAX_VFS)
        return;
    struct vf *v = &h->vf[vf];
    v->created = false;
    v->reserve_count = 0;
    v->sized[0] = v->sized[1] = false;
    if (v->vmbus)
        gpup_vmbus_close_handle(h->os, v->vmbus);
    v->vmbus = NULL;
}

void op_escape(struct host *h, uint32_t vf, uint32_t input, uint32_t output) {
    struct ddi_call c;
    input = input < 65536 ? input : 65536;
    output = output < 65536 ? output : 65536;
    uint64_t a[] = {vf, input, output};
    if (!ddi_begin(&c, h, GPUP_DDI_VirtualGpuDriverEscape, a, 3, GPUP_SLOT_NONE))
        return;
    DXGK_VIRTUALGPUDRIVERESCAPE *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    void *in = ddi_buffer(&c, GPUP_ROLE_INPUT, input, DDI_IN, false);
    void *out = ddi_buffer(&c, GPUP_ROLE_DATA, output, DDI_OUT, false);
    if (args && in && out) {
        if (vf < GPUP_MAX_VFS && input >= sizeof(LUID))
            memcpy(in, &h->vf[vf].luid, sizeof(LUID));
        *args = (DXGK_VIRTUALGPUDRIVERESCAPE){vf, input, output, in, out};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        c.buffer[2].used = c.success ? output : 0;
    }
    ddi_end(&c);
}

void do_GetGpuPartitionInfo(struct host *h, const struct gpup_step *s) {
    op_get_partition_info(h, step_size(s, GPUP_GetGpuPartitionInfo_capacity, h->option_count));
}

void do_SetGpuPartitionCount(struct host *h, const struct gpup_step *s) {
    op_set_partition_count(h,
                           (uint32_t)world_count(h, &s->f[GPUP_SetGpuPartitionCount_count], h->partitions));
}

void do_GetVirtualGpuProfile(struct host *h, const struct gpup_step *s) {
    op_get_profile(h, (uint32_t)world_count(h, &s->f[GPUP_GetVirtualGpuProfile_count], h->partitions));
}

void do_CreateVirtualGpu(struct host *h, const struct gpup_step *s) {
    op_create_vgpu(h, s->vf, 0);
}

void do_GetVirtualGpuInfo(struct host *h, const struct gpup_step *s) {
    op_get_vgpu_info(h, s->vf);
}

void do_DestroyVirtualGpu(struct host *h, const struct gpup_step *s) {
    op_destroy_vgpu(h, s->vf);
}

void do_VirtualGpuDriverEscape(struct host *h, const struct gpup_step *s) {
    op_escape(h, s->vf, step_size(s, GPUP_VirtualGpuDriverEscape_input, 16),
              step_size(s, GPUP_VirtualGpuDriverEscape_output, 16));
}
