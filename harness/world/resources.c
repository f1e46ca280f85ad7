/* VRAM of a vGPU: SetVirtualGpuResources and SetVirtualGpuResources2. */
#include "internal.h"

#include <string.h>

#define ELEMENTS_MAX 4096u /* of an array of ours */

/* What one assignment gives: ranges in order, and which element of the call's array each belongs to. */
struct assignment {
    const struct range *range;
    const uint32_t *element;      /* NULL: one range per element */
    const struct basis *basis[2]; /* of the descriptors, alternately */
    uint32_t count, elements;
};

uint64_t world_unit(const struct host *h, uint32_t segment) {
    uint64_t unit = 4096;
    if (segment > GPUP_MAX_SEGMENTS)
        return unit;
    unit = h->dirty_page[segment] > unit ? h->dirty_page[segment] : unit;
    return h->reserve_page[segment] > unit ? h->reserve_page[segment] : unit;
}

static void emit_reserve(struct host *h, uint32_t vf, const struct assignment *given) {
    for (uint32_t i = 0; i < given->count; i++) {
        struct gpup_event e = world_event(h, GPUP_EVENT_RESERVE);
        e.f[GPUP_RESERVE_vf] = vf;
        e.f[GPUP_RESERVE_segment] = given->range[i].segment;
        e.f[GPUP_RESERVE_offset] = given->range[i].offset;
        e.f[GPUP_RESERVE_size] = given->range[i].size;
        world_emit(h, &e);
    }
}

static void emit_places(struct host *h, uint32_t vf, const struct assignment *given) {
    for (uint32_t i = 0; i < given->count; i++) {
        struct gpup_event e = world_event(h, GPUP_EVENT_PLACE);
        uint32_t element = given->element ? given->element[i] : i;
        const struct basis *basis = given->basis[element % 2];
        e.f[GPUP_PLACE_call] = h->world->calls + 1;
        e.f[GPUP_PLACE_vf] = vf;
        e.f[GPUP_PLACE_descriptor] = element;
        e.f[GPUP_PLACE_segment] = given->range[i].segment;
        e.f[GPUP_PLACE_offset] = given->range[i].offset;
        e.f[GPUP_PLACE_size] = given->range[i].size;
        e.f[GPUP_PLACE_basis] = basis ? basis->object : 0;
        world_emit(h, &e);
    }
}

/* --- what VidMm promises ---------------------------------------------------------------------------------
 */
static bool meet(const struct range *a, const struct range *b) {
    return a->segment == b->segment && a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static bool in_segment(const struct host *h, const struct range *r) {
    for (uint32_t i = 0; i < h->shape.segments; i++)
        if (h->shape.segment[i].id == r->segment)
            return r->segment <= GPUP_MAX_SEGMENTS && r->size && r->offset <= h->shape.segment[i].size &&
                   r->size <= h->shape.segment[i].size - r->offset &&
                   (r->offset | r->size) % world_unit(h, r->segment) == 0;
    return false;
}

static bool taken(const struct host *h, uint32_t vf, const struct range *r) {
    for (uint32_t other = 0; other < h->placed; other++)
        for (uint32_t i = 0; other != vf && i < h->vf[other].reserve_count; i++)
            if (meet(r, &h->vf[other].reserve[i]))
                return true;
    return world_tracked(h, vf, r) != NULL;
}

static bool is_asked(const struct vf *v, uint32_t segment) {
    for (uint32_t i = 0; i < v->asked_count; i++)
        if (v->asked[i].segment == segment)
            return true;
    return !v->asked_count;
}

/* As much in each segment as CreateVirtualGpu asked for. */
static bool enough(const struct vf *v, const struct assignment *given) {
    for (uint32_t k = 0; k < given->count; k++)
        if (!is_asked(v, given->range[k].segment))
            return false;
    for (uint32_t i = 0; i < v->asked_count; i++) {
        uint64_t size = 0;
        for (uint32_t k = 0; k < given->count; k++)
            size += given->range[k].segment == v->asked[i].segment ? given->range[k].size : 0;
        if (size != v->asked[i].size)
            return false;
    }
    return true;
}

/* As CreateVirtualGpu asked for it. */
static bool aligned(const struct vf *v, const struct range *r) {
    for (uint32_t i = 0; i < v->asked_count; i++)
        if (v->asked[i].segment == r->segment)
            return !v->asked[i].alignment || r->offset % v->asked[i].alignment == 0;
    return true;
}

struct taken_so_far { /* of a segment */
    uint64_t end;     /* 0: none */
    uint32_t element; /* of the call's array */
};

/* Of ranges that lie in their segments; mostly they stand in the order of their offsets. One allocation, or
 * the basis of one descriptor, gives all of a segment. */
static bool meets_earlier(const struct assignment *given, uint32_t i, struct taken_so_far *segment) {
    const struct range *r = &given->range[i];
    struct taken_so_far *so_far = &segment[r->segment];
    uint32_t element = given->element ? given->element[i] : i;
    bool met = so_far->end && so_far->element != element;
    for (uint32_t k = 0; k < i && r->offset < so_far->end && !met; k++)
        met = meet(r, &given->range[k]);
    so_far->end = r->offset + r->size > so_far->end ? r->offset + r->size : so_far->end;
    so_far->element = element;
    return met;
}

static bool proper(const struct host *h, uint32_t vf, const struct assignment *given) {
    struct taken_so_far segment[GPUP_MAX_SEGMENTS + 1] = {{0}};
    if (vf >= GPUP_MAX_VFS || !given->count || !enough(&h->vf[vf], given))
        return false;
    for (uint32_t i = 0; i < given->count; i++)
        if (!in_segment(h, &given->range[i]) || taken(h, vf, &given->range[i]) ||
            !aligned(&h->vf[vf], &given->range[i]) || meets_earlier(given, i, segment))
            return false;
    return true;
}

/* --- the calls -------------------------------------------------------------------------------------------
 */
static uint8_t life_of(const struct host *h, uint32_t vf) {
    return gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf);
}

/* The VF has these ranges from now on. */
static void keep(struct host *h, uint32_t vf, const struct assignment *given) {
    struct vf *v = &h->vf[vf];
    if (given->range != v->reserve) {
        struct range *own = gpup_arena_alloc(h->world->arena, given->count * sizeof *own);
        h->world->broken = h->world->broken || !own;
        if (!own)
            return;
        memcpy(own, given->range, given->count * sizeof *own);
        v->reserve = own;
        v->reserve_count = given->count;
        world_placed(h, vf);
    }
    v->reserve_size = 0;
    for (uint32_t i = 0; i < v->reserve_count; i++)
        v->reserve_size += v->reserve[i].size;
    v->plan = NULL;
    v->plan_count = 0;
}

/* Announces, calls, and follows what came of it. */
static void assign(struct ddi_call *c, uint32_t vf, void *args, const struct assignment *given) {
    struct host *h = c->host;
    bool first = life_of(h, vf) == GPUP_STATE_vgpu_Created, fine = proper(h, vf, given);
    emit_places(h, vf, given);
    if (first && fine)
        emit_reserve(h, vf, given);
    ddi_go(c, (uint64_t[]){(uintptr_t)args}, 1);
    if (first && c->success && vf < GPUP_MAX_VFS && given->count)
        keep(h, vf, given);
    ddi_end(c);
    if (first && !fine && c->success)
        emit_reserve(h, vf, given);
}

/* A driver took another place than VidMm gave, and this one with it. */
static bool any_taken(const struct host *h, uint32_t vf, const struct assignment *given) {
    for (uint32_t i = 0; i < given->count; i++)
        if (taken(h, vf, &given->range[i]))
            return true;
    return false;
}

static bool all_fit(const struct host *h, const struct assignment *given) {
    for (uint32_t i = 0; i < given->count; i++)
        if (!world_fits(h, &given->range[i]))
            return false;
    return true;
}

static bool set_resources(struct host *h, uint32_t vf, uint64_t handle, uint32_t claim) {
    struct ddi_call c;
    static const struct vf nothing;
    const struct vf *v = vf < GPUP_MAX_VFS ? &h->vf[vf] : &nothing;
    struct assignment given = {.range = v->plan ? v->plan : v->reserve,
                               .count = v->plan ? v->plan_count : v->reserve_count};
    const struct range none = {0}, *r = given.count ? given.range : &none;
    uint32_t real = given.count ? given.count : 1;
    real = claim > real && claim <= ELEMENTS_MAX ? claim : real;
    claim = claim ? claim : given.count;
    uint64_t a[] = {vf, claim, handle, r->segment, r->offset, r->size};
    if (world_never(h, !all_fit(h, &given), "VidMm has no room left for a reserve of that size") ||
        world_never(
            h,
            given.count && (claim != given.count || handle ||
                            (v->plan ? !proper(h, vf, &given) : any_taken(h, vf, &given))),
            "VidMm gives one range of its own per segment, as large and as aligned as was asked for") ||
        !ddi_begin(&c, h, GPUP_DDI_SetVirtualGpuResources, a, 6, GPUP_SLOT_NONE))
        return false;
    DXGKARG_SETVIRTUALGPURESOURCES *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS,
                   offsetof(DXGKARG_SETVIRTUALGPURESOURCES, MemoryInfo) + real * sizeof args->MemoryInfo[0],
                   DDI_IN | DDI_CONST, false);
    if (args) {
        args->PartitionId = vf;
        args->NumMemoryAllocations = claim;
        for (uint32_t i = 0; i < given.count; i++)
            args->MemoryInfo[i] = (DXGK_VIRTUALGPUMEMORYRESOURCE){
                .DriverAllocationHandle = (HANDLE)(uintptr_t)handle,
                .AllocationAddress = {given.range[i].segment, given.range[i].offset},
                .AllocationSize = given.range[i].size};
        assign(&c, vf, args, &given);
    } else {
        ddi_end(&c);
    }
    return c.success;
}

bool op_set_resources(struct host *h, uint32_t vf) {
    return set_resources(h, vf, 0, 0);
}

/* The ranges of all descriptors after each other. False: out of memory. */
static bool gather(struct host *h, struct assignment *given, struct basis *const basis[2]) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < given->elements; i++)
        total += basis[i % 2] ? basis[i % 2]->count : 0;
    struct range *range = gpup_arena_alloc(h->world->arena, (total + 1) * sizeof *range);
    uint32_t *element = gpup_arena_alloc(h->world->arena, (total + 1) * sizeof *element);
    if (!range || !element) {
        h->world->broken = true;
        return false;
    }
    for (uint32_t i = 0; i < given->elements; i++)
        for (uint32_t k = 0; basis[i % 2] && k < basis[i % 2]->count; k++) {
            range[given->count] = basis[i % 2]->ranges[k];
            element[given->count++] = i;
        }
    given->range = range;
    given->element = element;
    given->basis[0] = basis[0];
    given->basis[1] = basis[1];
    return true;
}

static void set_resources2(struct host *h, const struct gpup_step *s) {
    struct ddi_call c;
    struct basis *basis[2];
    HANDLE raw[2] = {NULL, NULL};
    uint64_t object[2] = {0, 0}, handle = step_number(s, GPUP_SetVirtualGpuResources2_handle);
    uint32_t count = step_u32(s, GPUP_SetVirtualGpuResources2_count), vf = s->vf;
    uint32_t real = count < ELEMENTS_MAX ? count : ELEMENTS_MAX;
    struct assignment given = {.elements = real < 64 ? real : 64}; /* more is never legal */
    for (unsigned i = 0; i < 2; i++)
        basis[i] = world_basis(h, vf, &s->f[GPUP_SetVirtualGpuResources2_basis + i], &raw[i], &object[i]);
    uint64_t a[] = {vf, count, handle, object[0]};
    if (!gather(h, &given, basis) ||
        world_never(
            h,
            real != count || real > 2 || handle || !basis[0] || (real == 2 && !basis[1]) ||
                !proper(h, vf, &given),
            "each descriptor has a basis of its own, of one local segment, as large as was asked for") ||
        !ddi_begin(&c, h, GPUP_DDI_SetVirtualGpuResources2, a, 4,
                   basis[0] ? (uint32_t)(basis[0] - h->bases) : GPUP_SLOT_NONE))
        return;
    DXGKARG_SETVIRTUALGPURESOURCES2 *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS,
                   offsetof(DXGKARG_SETVIRTUALGPURESOURCES2, SegmentDescriptors) +
                       (real ? real : 1) * sizeof args->SegmentDescriptors[0],
                   DDI_IN | DDI_CONST, false);
    if (args) {
        args->vfIndex = vf;
        args->SegmentCount = count;
        for (uint32_t i = 0; i < real; i++) {
            args->SegmentDescriptors[i].DriverAllocationHandle = (HANDLE)(uintptr_t)handle;
            args->SegmentDescriptors[i].MemoryBasis = raw[i % 2];
        }
        assign(&c, vf, args, &given);
    } else {
        ddi_end(&c);
    }
}

/* --- VidMm chooses ---------------------------------------------------------------------------------------
 */
static void reorder(struct range *ranges, uint32_t count, uint32_t order, uint64_t seed) {
    for (uint32_t i = 0; i < count && order; i++) {
        uint32_t k = order == GPUP_ORDER_SHUFFLED ? i + (uint32_t)(gpup_trace_mix(seed + i) % (count - i))
                                                  : count - 1 - i;
        if (k <= i && order == GPUP_ORDER_DESCENDING)
            break;
        struct range r = ranges[i];
        ranges[i] = ranges[k];
        ranges[k] = r;
    }
}

static uint64_t segment_size(const struct host *h, uint32_t segment) {
    for (uint32_t i = 0; i < h->shape.segments; i++)
        if (h->shape.segment[i].id == segment)
            return h->shape.segment[i].size;
    return 0;
}

/* Pieces of one segment: whole units with a unit between them, as far as there is room. */
static uint32_t scatter(struct host *h, uint32_t vf, const struct range *whole, uint64_t alignment,
                        uint32_t pieces, const struct range *over, struct range *out) {
    uint64_t unit = world_unit(h, whole->segment);
    unit = alignment > unit ? alignment : unit;
    uint64_t units = whole->size / unit, gap = unit;
    pieces = units < pieces ? (uint32_t)units : pieces;
    pieces = pieces ? pieces : 1;
    uint64_t span = whole->size + (pieces - 1) * gap;
    struct range all = {whole->segment, (h->index + 1) * unit, span};
    uint64_t at = over ? over->offset : world_free_place(h, vf, &all, unit);
    if (at + span > segment_size(h, whole->segment))
        gap = 0;
    for (uint32_t i = 0; i < pieces; i++) {
        uint64_t size = pieces == 1 ? whole->size : (units / pieces + (i < units % pieces)) * unit;
        out[i] = (struct range){whole->segment, at, size};
        at += size + gap;
    }
    return pieces;
}

static const struct range *place_of(const struct host *h, uint32_t over, uint32_t segment) {
    if (!over || over > GPUP_MAX_VFS)
        return NULL;
    for (uint32_t i = 0; i < h->vf[over - 1].reserve_count; i++)
        if (h->vf[over - 1].reserve[i].segment == segment)
            return &h->vf[over - 1].reserve[i];
    return NULL;
}

static void place(struct host *h, const struct gpup_step *s) {
    struct vf *v = s->vf < GPUP_MAX_VFS ? &h->vf[s->vf] : NULL;
    uint64_t pieces = world_count(h, &s->f[GPUP_PlaceReserve_pieces], ELEMENTS_MAX / GPUP_MAX_SEGMENTS);
    uint32_t each = pieces && pieces < ELEMENTS_MAX / GPUP_MAX_SEGMENTS ? (uint32_t)pieces
                                                                        : ELEMENTS_MAX / GPUP_MAX_SEGMENTS;
    if (!v || !v->created || !v->asked_count) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "there is no vGPU that asked for VRAM");
        return;
    }
    struct range *plan = gpup_arena_alloc(h->world->arena, (size_t)each * v->asked_count * sizeof *plan);
    uint32_t count = 0, kept = v->reserve_count, over = step_u32(s, GPUP_PlaceReserve_over);
    if (!plan) {
        h->world->broken = true;
        return;
    }
    if (life_of(h, s->vf) == GPUP_STATE_vgpu_Created)
        v->reserve_count = 0; /* its own place is free for it */
    for (uint32_t i = 0; i < v->asked_count; i++) {
        struct range whole = {v->asked[i].segment, 0, v->asked[i].size};
        struct range *first = plan + count;
        if (whole.segment == 0 || whole.segment > GPUP_MAX_SEGMENTS || !whole.size)
            continue;
        uint32_t made =
            scatter(h, s->vf, &whole, v->asked[i].alignment, each, place_of(h, over, whole.segment), first);
        reorder(first, made, step_u32(s, GPUP_PlaceReserve_order), h->world->config.seed);
        count += made;
    }
    v->reserve_count = kept;
    if (!count)
        return;
    plan[0].offset += step_number(s, GPUP_PlaceReserve_shift);
    plan[0].size += step_number(s, GPUP_PlaceReserve_grow);
    if (step_u32(s, GPUP_PlaceReserve_segment))
        plan[0].segment = step_u32(s, GPUP_PlaceReserve_segment);
    v->plan = plan;
    world_placed(h, s->vf);
    v->plan_count = count;
}

/* All places in one segment, in their order. */
static void create_reserve_basis(struct host *h, uint32_t vf, uint32_t slot, uint32_t part) {
    static const struct vf nothing;
    const struct vf *v = vf < GPUP_MAX_VFS ? &h->vf[vf] : &nothing;
    const struct range *range = v->plan ? v->plan : v->reserve;
    uint32_t count = v->plan ? v->plan_count : v->reserve_count;
    struct basis b = {.vf = vf, .segment = part < v->asked_count ? v->asked[part].segment : 0};
    b.ranges = gpup_arena_alloc(h->world->arena, (count + 1) * sizeof *b.ranges);
    b.at = gpup_arena_alloc(h->world->arena, (count + 1) * sizeof *b.at);
    h->world->broken = h->world->broken || !b.ranges || !b.at;
    uint64_t at = 0, unit = b.segment <= GPUP_MAX_SEGMENTS && h->dirty_page[b.segment]
                                ? h->dirty_page[b.segment]
                                : 4096;
    for (uint32_t i = 0; b.ranges && b.at && i < count; at += range[i++].size) {
        if (range[i].segment != b.segment && !(i == 0 && part == 0))
            continue;
        b.segment = i == 0 && part == 0 ? range[0].segment : b.segment;
        b.ranges[b.count] = range[i];
        b.at[b.count++] = at;
        b.pages += range[i].size / unit;
    }
    if (!b.count) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the VF has no VRAM in such a segment");
        return;
    }
    bool fine = true, foreign = false;
    for (uint32_t i = 0; i < b.count; i++) /* shift and grow are of the first one */
        fine = fine && in_segment(h, &b.ranges[i]) && (i == 0 || !meet(&b.ranges[0], &b.ranges[i]));
    for (uint32_t i = 0; i < b.count; i++)
        foreign = foreign || taken(h, vf, &b.ranges[i]);
    if (world_never(h, !fine, "a basis has disjoint ranges of whole pages in its segment") ||
        world_never(h, foreign, "a basis has memory of one vGPU"))
        return;
    world_issue_basis(h, slot, &b, 0);
}

/* --- where guest writes land -------------------------------------------------------------------------------
 */
static bool stands_at(struct host *h, const struct range *r, uint64_t offset, const uint8_t *bytes,
                      uint64_t size) {
    uint8_t found[4096];
    return offset <= r->size && size <= r->size - offset && size <= sizeof found &&
           h->device_ops->read_vram(h->device, r->segment, r->offset + offset, found, size) &&
           memcmp(found, bytes, size) == 0;
}

static bool stands_in(struct host *h, const struct vf *v, uint64_t offset, const uint8_t *bytes,
                      uint64_t size) {
    for (uint32_t i = 0; i < v->reserve_count; i++)
        for (uint64_t at = offset % 4096; at < v->reserve[i].size; at += 4096)
            if (stands_at(h, &v->reserve[i], at, bytes, size))
                return true;
    return false;
}

void world_landed(struct host *h, uint32_t vf, uint64_t offset, const uint8_t *bytes, uint64_t size) {
    const struct vf *v = vf < GPUP_MAX_VFS ? &h->vf[vf] : NULL;
    if (!v || !h->device_ops->read_vram || size < 8 || offset % 4096 + size > 4096)
        return; /* too little to be told from what was there, or more than a page */
    uint64_t at = offset;
    uint32_t i = 0;
    while (i < v->reserve_count && at >= v->reserve[i].size)
        at -= v->reserve[i++].size;
    bool order = i < v->reserve_count && stands_at(h, &v->reserve[i], at, bytes, size);
    struct gpup_event e = world_event(h, GPUP_EVENT_LANDED);
    e.f[GPUP_LANDED_vf] = vf;
    e.f[GPUP_LANDED_offset] = offset;
    e.f[GPUP_LANDED_size] = size;
    e.f[GPUP_LANDED_inside] = order || stands_in(h, v, offset, bytes, size);
    e.f[GPUP_LANDED_order] = order;
    world_emit(h, &e);
}

void world_refused_write(struct host *h, uint32_t vf, uint64_t offset, uint64_t size) {
    struct gpup_event e = world_event(h, GPUP_EVENT_GUEST_WRITE);
    e.f[GPUP_GUEST_WRITE_vf] = vf;
    e.f[GPUP_GUEST_WRITE_offset] = offset;
    e.f[GPUP_GUEST_WRITE_size] = size;
    world_emit(h, &e);
}

void do_SetVirtualGpuResources(struct host *h, const struct gpup_step *s) {
    set_resources(h, s->vf, step_number(s, GPUP_SetVirtualGpuResources_handle),
                  step_u32(s, GPUP_SetVirtualGpuResources_claim));
}

void do_SetVirtualGpuResources2(struct host *h, const struct gpup_step *s) {
    set_resources2(h, s);
}

void do_PlaceReserve(struct host *h, const struct gpup_step *s) {
    place(h, s);
}

void do_CreateReserveBasis(struct host *h, const struct gpup_step *s) {
    create_reserve_basis(h, s->vf, step_u32(s, GPUP_CreateReserveBasis_slot),
                         step_u32(s, GPUP_CreateReserveBasis_part));
}
