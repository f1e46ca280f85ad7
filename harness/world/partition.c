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
    uint16_t unset = OUT_FILL << 8 | OUT_FILL;
    uint64_t a[] = {real, unset};
    bool supported = false;
    if (!ddi_begin(&c, h, GPUP_DDI_GetGpuPartitionInfo, a, 2, GPUP_SLOT_NONE))
        return false;
    DXGKARG_GETGPUPARTITIONINFO *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT, false);
    USHORT *options = ddi_buffer(&c, GPUP_ROLE_DATA, real * sizeof *options, DDI_OUT, false);
    if (args && options) {
        memset(options, OUT_FILL, real * sizeof *options);
        *args = (DXGKARG_GETGPUPARTITIONINFO){.NumGpuPartitionOptions = real,
                                              .pGpuPartitionOptions = options,
                                              .CurrentGpuPartitionCount = unset};
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

static void get_profile(struct host *h, uint32_t count, DXGKARG_GETVIRTUALGPUPROFILE *out) {
    struct ddi_call c;
    uint64_t a[] = {count};
    if (!ddi_begin(&c, h, GPUP_DDI_GetVirtualGpuProfile, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_GETVIRTUALGPUPROFILE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT | DDI_SHOW, false);
    if (args) {
        args->PartitionCount = count;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        const DXGK_VGPU_PROFILE_CAPABILITY *m = &args->ProfileCapability[DXGK_VGPU_CAPABILITY_MEMORY];
        if (c.success) {
            uint64_t r[] = {args->VirtualizationFlags, m->TotalValue,        m->AvailableValue,
                            m->MinPartitionValue,      m->MaxPartitionValue, m->OptimalPartitionValue};
            memcpy(c.r, r, sizeof r);
            c.buffer[0].used = sizeof *args;
            *out = *args;
        }
    }
    ddi_end(&c);
}

void op_get_profile(struct host *h, uint32_t count) {
    DXGKARG_GETVIRTUALGPUPROFILE out;
    if (!world_never(h, !listed(h, count), "the OS asks for the profile of a listed partition count only"))
        get_profile(h, count, &out);
}

/* The profile asked for: what the program wants, inside what the driver offers. */
enum {
    PROFILE_ONE_SIZE,
    PROFILE_MIN_ABOVE_MAX,
    PROFILE_ABOVE_AVAILABLE,
    PROFILE_LEAST,
    PROFILE_MOST,
    PROFILE_RANGE
};

static DXGK_VIRTUALGPUCAPABILITY wanted_of(uint32_t profile, uint64_t value,
                                           const DXGK_VGPU_PROFILE_CAPABILITY *o) {
    uint64_t least = o->MinPartitionValue, most = o->MaxPartitionValue, beyond = o->AvailableValue + 1;
    value = value > most ? most : value;
    value = value < least ? least : value;
    switch (profile) {
    case PROFILE_MIN_ABOVE_MAX:
        return (DXGK_VIRTUALGPUCAPABILITY){value + 1, value, value};
    case PROFILE_ABOVE_AVAILABLE:
        beyond = beyond ? beyond : UINT64_MAX;
        return (DXGK_VIRTUALGPUCAPABILITY){beyond, UINT64_MAX, beyond};
    case PROFILE_LEAST:
        return (DXGK_VIRTUALGPUCAPABILITY){least, least, least};
    case PROFILE_MOST:
        return (DXGK_VIRTUALGPUCAPABILITY){most, most, most};
    case PROFILE_RANGE:
        return (DXGK_VIRTUALGPUCAPABILITY){least, most, value};
    default:
        return (DXGK_VIRTUALGPUCAPABILITY){value, value, value};
    }
}

static DXGK_VIRTUALGPUPROFILE wanted(uint32_t profile, uint64_t memory,
                                     const DXGKARG_GETVIRTUALGPUPROFILE *offer) {
    DXGK_VIRTUALGPUPROFILE want;
    for (unsigned i = 0; i < DXGK_VGPU_CAPABILITY_MAX; i++) {
        const DXGK_VGPU_PROFILE_CAPABILITY *o = &offer->ProfileCapability[i];
        bool is_memory = i == DXGK_VGPU_CAPABILITY_MEMORY;
        bool odd = profile == PROFILE_MIN_ABOVE_MAX || profile == PROFILE_ABOVE_AVAILABLE;
        uint64_t value = is_memory ? memory : o->OptimalPartitionValue;
        want.Capability[i] = wanted_of(odd && !is_memory ? PROFILE_ONE_SIZE : profile, value, o);
    }
    return want;
}

bool world_fits(const struct host *h, const struct range *r) {
    for (uint32_t i = 0; i < h->shape.segments; i++)
        if (h->shape.segment[i].id == r->segment)
            return r->offset <= h->shape.segment[i].size && r->size <= h->shape.segment[i].size - r->offset;
    return !h->shape.segments; /* nothing is known of the device */
}

static bool meets(const struct range *a, const struct range *b) {
    return a->segment == b->segment && b->offset < a->offset + a->size && a->offset < b->offset + b->size;
}

static const struct range *meets_any(const struct host *h, const struct range *wanted,
                                     const struct range *ranges, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (world_fits(h, &ranges[i]) && meets(wanted, &ranges[i]))
            return &ranges[i];
    return NULL;
}

const struct range *world_tracked(const struct host *h, uint32_t vf, const struct range *wanted) {
    const struct range *r = NULL;
    for (unsigned i = 0; i < WORLD_BASES && !r; i++)
        if (h->bases[i].live && h->bases[i].vf != vf && h->bases[i].vf < GPUP_MAX_VFS &&
            h->vf[h->bases[i].vf].created)
            r = meets_any(h, wanted, h->bases[i].ranges, h->bases[i].count);
    return r;
}

void world_placed(struct host *h, uint32_t vf) {
    h->placed = h->placed > vf ? h->placed : vf + 1;
}

/* What lies there already: what a live vGPU has, what VidMm chose for another one, what is tracked for it. A
 * driver may have taken a place that no segment has: nobody holds that, and so the search goes on upwards. */
static const struct range *in_the_way(const struct host *h, uint32_t vf, const struct range *wanted) {
    for (uint32_t other = 0; other < h->placed; other++) {
        const struct vf *v = &h->vf[other];
        const struct range *r = meets_any(h, wanted, v->reserve, v->reserve_count);
        if (!r && other != vf && v->plan)
            r = meets_any(h, wanted, v->plan, v->plan_count);
        if (r)
            return r;
    }
    return world_tracked(h, vf, wanted);
}

uint64_t world_free_place(const struct host *h, uint32_t vf, const struct range *wanted, uint64_t unit) {
    struct range at = *wanted;
    const struct range *r = in_the_way(h, vf, &at);
    for (uint64_t next; r && (next = (r->offset + r->size + unit - 1) / unit * unit + unit) > at.offset;
         r = in_the_way(h, vf, &at))
        at.offset = next;
    return at.offset;
}

/* What the driver asked for, for VidMm and for the judge. */
static void keep_asked(struct vf *v, const DXGKARG_CREATEVIRTUALGPU *args) {
    static const CLSID none;
    v->emulation = memcmp(&args->UserModeVirtualDeviceProvider, &none, sizeof none) != 0;
    v->asked_count = 0;
    for (uint32_t i = 0; i < args->NumMemorySegments && i < GPUP_MAX_SEGMENTS; i++) {
        const DXGK_VIRTUALGPUSEGMENTINFO *s = &args->SegmentInfo[i];
        v->asked[i].segment = s->DriverSegmentId;
        v->asked[i].alignment = s->Alignment;
        v->asked[i].size = s->Size;
        v->asked_count = i + 1;
    }
}

static void emit_asked(struct host *h, uint32_t vf) {
    const struct vf *v = &h->vf[vf];
    for (uint32_t i = 0; i < v->asked_count; i++) {
        struct gpup_event e = world_event(h, GPUP_EVENT_VGPU_SEGMENT);
        e.f[GPUP_VGPU_SEGMENT_vf] = vf;
        e.f[GPUP_VGPU_SEGMENT_segment] = v->asked[i].segment;
        e.f[GPUP_VGPU_SEGMENT_size] = v->asked[i].size;
        e.f[GPUP_VGPU_SEGMENT_alignment] = v->asked[i].alignment;
        e.f[GPUP_VGPU_SEGMENT_emulation] = v->emulation;
        world_emit(h, &e);
    }
}

static bool segment_holds(const struct host *h, uint32_t segment, uint64_t size) {
    for (uint32_t i = 0; i < h->shape.segments && i < GPUP_MAX_SEGMENTS; i++)
        if (h->shape.segment[i].id == segment)
            return size <= h->shape.segment[i].size;
    return !h->shape.segments; /* nothing is known of the device */
}

/* VidMm's part: room for the reserve in each segment that the driver names. Hosts differ, so that the same
 * vGPU has another place on the target. */
static void place_reserve(struct host *h, uint32_t vf, const DXGKARG_CREATEVIRTUALGPU *args) {
    struct vf *v = &h->vf[vf];
    uint32_t count =
        args->NumMemorySegments < GPUP_MAX_SEGMENTS ? args->NumMemorySegments : GPUP_MAX_SEGMENTS;
    v->reserve = v->at_create;
    v->reserve_count = 0;
    world_placed(h, vf);
    v->reserve_size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const DXGK_VIRTUALGPUSEGMENTINFO *s = &args->SegmentInfo[i];
        if (s->DriverSegmentId == 0 || s->DriverSegmentId > GPUP_MAX_SEGMENTS || s->Size == 0 ||
            !segment_holds(h, s->DriverSegmentId, s->Size))
            continue;
        uint64_t unit = world_unit(h, s->DriverSegmentId);
        unit = s->Alignment > unit ? s->Alignment : unit;
        struct range r = {.segment = s->DriverSegmentId, .size = s->Size};
        r.offset = (h->index + 1) * unit;
        r.offset = world_free_place(h, vf, &r, unit);
        if (!world_fits(h, &r)) { /* the first bytes are spared as long as there are others */
            r.offset = 0;
            r.offset = world_free_place(h, vf, &r, unit);
        }
        v->reserve[v->reserve_count++] = r;
        v->reserve_size += s->Size;
    }
}

static void created(struct host *h, uint32_t vf, const DXGKARG_CREATEVIRTUALGPU *args) {
    struct vf *v = &h->vf[vf];
    HANDLE stale = v->stale;
    DXGK_INTERRUPT_TABLE_ENTRY *shadow = v->shadow;
    uint8_t *known = v->shadow_known;
    int8_t slot[WORLD_SLOTS];
    memcpy(slot, v->slot, sizeof slot); /* bases may outlive their vGPU */
    *v = (struct vf){.created = true, .luid = args->VirtualGpuLuid, .stale = stale, .shadow = shadow};
    v->shadow_known = known;
    memcpy(v->slot, slot, sizeof slot);
    if (v->shadow_known)
        memset(v->shadow_known, 0, h->shape.msix_entries);
    keep_asked(v, args);
    place_reserve(h, vf, args);
}

static void read_created(struct ddi_call *c, const DXGKARG_CREATEVIRTUALGPU *args) {
    uint64_t r[] = {
        args->NumMemorySegments,   args->VirtualGpuLuid.LowPart, (uint32_t)args->VirtualGpuLuid.HighPart,
        args->SegmentInfo[0].Size, args->SegmentInfo[1].Size,    args->NumEngines};
    memcpy(c->r, r, sizeof r);
    c->buffer[0].used = sizeof *args;
}

bool op_create_vgpu(struct host *h, uint32_t vf, uint32_t reserve_kib, uint32_t profile) {
    uint64_t memory = (uint64_t)(reserve_kib ? reserve_kib : h->world->config.reserve_kib) << 10;
    struct ddi_call c;
    DXGKARG_GETVIRTUALGPUPROFILE offer = {0};
    bool odd = profile == PROFILE_MIN_ABOVE_MAX || profile == PROFILE_ABOVE_AVAILABLE;
    if (world_never(h, vf >= h->partitions, "the OS creates vGPUs below the partition count only") ||
        world_never(h, odd, "the OS asks for what the driver offers only"))
        return false;
    if (h->partitions && !host_dead(h))
        get_profile(h, h->partitions, &offer);
    DXGK_VIRTUALGPUPROFILE want = wanted(profile, memory, &offer);
    const DXGK_VIRTUALGPUCAPABILITY *m = &want.Capability[DXGK_VGPU_CAPABILITY_MEMORY];
    uint64_t a[] = {vf, m->MinValue, m->MaxValue, m->OptimalValue};
    if (!ddi_begin(&c, h, GPUP_DDI_CreateVirtualGpu, a, 4, GPUP_SLOT_NONE))
        return false;
    DXGKARG_CREATEVIRTUALGPU *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT | DDI_SHOW, false);
    if (args) {
        memset(args, OUT_FILL, sizeof *args);
        args->PartitionId = vf;
        args->Profile = want;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success)
            read_created(&c, args);
        if (c.success && vf < GPUP_MAX_VFS)
            created(h, vf, args);
    }
    ddi_end(&c);
    if (c.success && vf < GPUP_MAX_VFS)
        emit_asked(h, vf);
    return c.success;
}

void op_get_vgpu_info(struct host *h, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, GPUP_DDI_GetVirtualGpuInfo, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_GETVIRTUALGPUINFO *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT | DDI_SHOW, false);
    if (args) {
        memset(args, OUT_FILL, sizeof *args);
        args->PartitionId = vf;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        const DXGK_VGPU_CAPABILITY *m = &args->Capability[DXGK_VGPU_CAPABILITY_MEMORY];
        c.r[0] = c.success ? m->MinValue : 0;
        c.r[1] = c.success ? m->MaxValue : 0;
        c.r[2] = c.success ? m->CurrentValue : 0;
        c.buffer[0].used = c.success ? sizeof *args : 0;
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

/* Whose LUID stands at the head of the input. */
static LUID escape_luid(const struct host *h, const struct gpup_step *s) {
    uint32_t of = step_u32(s, GPUP_VirtualGpuDriverEscape_luid_of);
    of = of == 255 ? s->vf : of;
    return of < GPUP_MAX_VFS ? h->vf[of].luid : (LUID){of, (LONG)of};
}

static void fill_input(void *in, uint32_t size, const LUID *luid, uint32_t command) {
    uint8_t bytes[sizeof *luid + sizeof command];
    memcpy(bytes, luid, sizeof *luid);
    memcpy(bytes + sizeof *luid, &command, sizeof command);
    memcpy(in, bytes, size < sizeof bytes ? size : sizeof bytes);
}

void op_escape(struct host *h, const struct gpup_step *s) {
    struct ddi_call c;
    uint32_t input = step_size(s, GPUP_VirtualGpuDriverEscape_input, 16);
    uint32_t output = step_size(s, GPUP_VirtualGpuDriverEscape_output, 16);
    bool same = step_number(s, GPUP_VirtualGpuDriverEscape_same) != 0;
    bool null = step_number(s, GPUP_VirtualGpuDriverEscape_null) != 0;
    LUID luid = escape_luid(h, s);
    input = input < 65536 ? input : 65536;
    output = output < 65536 ? output : 65536;
    uint64_t a[] = {s->vf, input, output, luid.LowPart, (uint32_t)luid.HighPart, same};
    if (world_never(h, same, "input and output of an escape are two buffers") ||
        !ddi_begin(&c, h, GPUP_DDI_VirtualGpuDriverEscape, a, 6, GPUP_SLOT_NONE))
        return;
    DXGK_VIRTUALGPUDRIVERESCAPE *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    void *in = ddi_buffer(&c, GPUP_ROLE_INPUT, same && output > input ? output : input, DDI_IN, false);
    void *out = same ? in : ddi_buffer(&c, GPUP_ROLE_DATA, output, DDI_OUT, false);
    if (args && in && out) {
        fill_input(in, input, &luid, step_u32(s, GPUP_VirtualGpuDriverEscape_command));
        *args = (DXGK_VIRTUALGPUDRIVERESCAPE){s->vf, input, output, input || !null ? in : NULL,
                                              output || !null ? out : NULL};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (!same)
            c.buffer[2].used = c.success ? output : 0;
    }
    ddi_end(&c);
}

/* The functions that nobody calls. */
static void retired(struct host *h, uint16_t ddi, uint32_t value) {
    struct ddi_call c;
    uint64_t a[] = {value};
    if (!ddi_begin(&c, h, ddi, a, 1, GPUP_SLOT_NONE))
        return;
    size_t size = ddi == GPUP_DDI_GetGpuEngines ? sizeof(DXGKARG_GETGPUENGINES) : sizeof(ULONG);
    void *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, size, DDI_IN, false);
    if (args) {
        memcpy(args, &(ULONG){value}, sizeof(ULONG));
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
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
    op_create_vgpu(h, s->vf, step_u32(s, GPUP_CreateVirtualGpu_reserve_kib),
                   step_u32(s, GPUP_CreateVirtualGpu_profile));
}

void do_GetVirtualGpuInfo(struct host *h, const struct gpup_step *s) {
    op_get_vgpu_info(h, s->vf);
}

void do_DestroyVirtualGpu(struct host *h, const struct gpup_step *s) {
    op_destroy_vgpu(h, s->vf);
}

void do_VirtualGpuDriverEscape(struct host *h, const struct gpup_step *s) {
    op_escape(h, s);
}

void do_SuspendVirtualGpu(struct host *h, const struct gpup_step *s) {
    retired(h, GPUP_DDI_SuspendVirtualGpu, s->vf);
}

void do_ResumeVirtualGpu(struct host *h, const struct gpup_step *s) {
    retired(h, GPUP_DDI_ResumeVirtualGpu, s->vf);
}

void do_GetGpuEngines(struct host *h, const struct gpup_step *s) {
    (void)s;
    retired(h, GPUP_DDI_GetGpuEngines, 1);
}
