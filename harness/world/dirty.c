/* Memory bases and dirty tracking. A basis covers the reserve of one VF, cut into pieces. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Ranges that a call may claim: no more than this, which are there, or more than anybody reads. */
#define CLAIM_THERE 4096u
#define CLAIM_ABSURD (UINT64_C(1) << 28)

static int free_basis(const struct host *h) {
    for (int i = 0; i < WORLD_BASES; i++)
        if (!h->bases[i].live)
            return i;
    return -1;
}

/* Resolves a selector. Returns the basis when it is a live one; raw and object are set in every case. */
/* Where no other VF has a basis, but another adapter of the system. */
static void other_adapter(const struct host *h, HANDLE *raw, uint64_t *object) {
    const struct host *other = &h->world->host[1 - h->index];
    for (unsigned i = 0; i < WORLD_BASES && h->world->config.one_system; i++)
        if (other->bases[i].live) {
            *raw = other->bases[i].raw;
            *object = other->bases[i].object;
            return;
        }
}

struct basis *world_basis(struct host *h, uint32_t vf, const struct gpup_value *which, HANDLE *raw,
                          uint64_t *object) {
    struct vf *v = &h->vf[vf < GPUP_MAX_VFS ? vf : 0];
    *raw = NULL;
    *object = 0;
    switch (which->symbol) {
    case GPUP_SYMBOL_INVALID:
        *raw = (HANDLE)(intptr_t)-1;
        *object = UINT64_MAX;
        return NULL;
    case GPUP_SYMBOL_STALE:
        *raw = v->stale;
        *object = UINT64_MAX - 1;
        for (unsigned i = 0; i < WORLD_BASES; i++)
            if (h->bases[i].live && h->bases[i].raw == v->stale) { /* a driver may use a value again */
                *object = h->bases[i].object;
                return &h->bases[i];
            }
        return NULL;
    case GPUP_SYMBOL_FOREIGN:
        for (unsigned i = 0; i < WORLD_BASES; i++)
            if (h->bases[i].live && h->bases[i].vf != vf) {
                *raw = h->bases[i].raw;
                *object = h->bases[i].object;
                return &h->bases[i];
            }
        other_adapter(h, raw, object);
        return NULL;
    case GPUP_SYMBOL_NONE:
        break;
    default:
        return NULL;
    }
    int index = v->slot[which->number % WORLD_SLOTS]; /* it may outlive its vGPU */
    if (index < 0 || !h->bases[index].live)
        return NULL;
    *raw = h->bases[index].raw;
    *object = h->bases[index].object;
    return &h->bases[index];
}

static uint64_t unit_of(const struct host *h, uint32_t segment) {
    return h->dirty_page[segment] ? h->dirty_page[segment] : 4096;
}

static void shuffle(struct basis *b, uint32_t order, uint64_t seed) {
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t k = order == GPUP_ORDER_DESCENDING ? b->count - 1 - i : i;
        if (order == GPUP_ORDER_DESCENDING && k <= i)
            break;
        if (order == GPUP_ORDER_SHUFFLED)
            k = i + (uint32_t)(gpup_trace_mix(seed + i) % (b->count - i));
        struct range r = b->ranges[i];
        uint64_t at = b->at[i];
        b->ranges[i] = b->ranges[k];
        b->at[i] = b->at[k];
        b->ranges[k] = r;
        b->at[k] = at;
    }
}

/* How a basis is made of a VF's reserve; ops.def says what the members mean. */
struct cutting {
    uint32_t count, order, part;
    uint64_t offset, size, gap, claim;
};

static uint64_t touched(const struct host *h, const struct range *r) {
    uint64_t unit = unit_of(h, r->segment);
    return r->size / unit + (r->offset % unit + r->size % unit + unit - 1) / unit;
}

/* What the driver is told of is all there is. */
static void shorten(const struct host *h, struct basis *b, uint32_t count) {
    while (b->count > count)
        b->pages -= touched(h, &b->ranges[--b->count]);
}

/* Pieces of whole pages where the bytes allow it. False: out of memory. */
static bool cut(struct host *h, struct basis *b, uint32_t vf, const struct cutting *how) {
    const struct vf *v = &h->vf[vf];
    uint32_t part = how->part % v->reserve_count, count = how->count;
    const struct range *r = &v->reserve[part];
    uint64_t unit = unit_of(h, r->segment), before = 0;
    uint64_t size = how->size ? how->size : how->offset < r->size ? r->size - how->offset : unit;
    uint64_t granule = size % unit ? 1 : unit, units = size / granule, at = how->offset;
    if (how->size == 0 && count > units)
        count = (uint32_t)units;
    for (uint32_t i = 0; i < part; i++)
        before += v->reserve[i].size;
    b->ranges = gpup_arena_alloc(h->world->arena, (count + 1) * sizeof *b->ranges);
    b->at = gpup_arena_alloc(h->world->arena, (count + 1) * sizeof *b->at);
    if (!b->ranges || !b->at)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes = (units / count + (i < units % count)) * granule;
        b->ranges[i] = (struct range){r->segment, r->offset + at, bytes};
        b->at[i] = before + at;
        b->pages += touched(h, &b->ranges[i]);
        at += bytes + how->gap;
    }
    b->segment = r->segment;
    b->count = count;
    b->vf = vf;
    shuffle(b, how->order, h->world->config.seed);
    return true;
}

/* What R-CMB promises: disjoint ranges inside the segment (here: the reserve), of whole pages. */
static bool well_formed(const struct host *h, const struct basis *b, const struct cutting *how) {
    const struct range *r = &h->vf[b->vf].reserve[how->part % h->vf[b->vf].reserve_count];
    uint64_t unit = unit_of(h, r->segment);
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t at = b->ranges[i].offset - r->offset, size = b->ranges[i].size;
        if (!size || size % unit || at % unit || at > r->size || size > r->size - at)
            return false;
    }
    return world_fits(h, r) && b->count && how->gap % unit == 0 && how->gap <= r->size && !how->claim;
}

static void emit_ranges(struct host *h, const struct basis *b) {
    for (uint32_t i = 0; i < b->count; i++) {
        struct gpup_event e = world_event(h, GPUP_EVENT_BASIS_RANGE);
        h->call = h->world->calls + 1;
        e.f[GPUP_BASIS_RANGE_vf] = b->vf;
        e.f[GPUP_BASIS_RANGE_segment] = b->ranges[i].segment;
        e.f[GPUP_BASIS_RANGE_offset] = b->ranges[i].offset;
        e.f[GPUP_BASIS_RANGE_size] = b->ranges[i].size;
        world_emit(h, &e);
    }
}

static uint64_t object_of(struct host *h, HANDLE raw) {
    for (unsigned i = 0; i < WORLD_BASES; i++)
        if (h->bases[i].live && h->bases[i].raw == raw)
            return h->bases[i].object; /* the driver gave one handle twice: let it show */
    return world_object(h->world);
}

static void keep(struct host *h, struct basis *b, HANDLE raw, uint64_t object, uint32_t slot) {
    b->raw = raw;
    b->object = object;
    b->live = true;
    h->vf[b->vf].slot[slot % WORLD_SLOTS] = (int8_t)(b - h->bases);
}

/* Calls CreateMemoryBasis with these ranges. claim: RangeCount as the driver is told it, 0 the real one.
 * Ranges that are claimed beyond those are there, and empty, unless they are too many for anybody to read. */
bool world_issue_basis(struct host *h, uint32_t slot, const struct basis *given, uint64_t claim) {
    struct ddi_call c;
    struct basis b = *given;
    int index = free_basis(h);
    uint32_t room = claim > b.count && claim <= CLAIM_THERE ? (uint32_t)claim : b.count;
    uint64_t a[] = {b.segment, claim ? claim : b.count};
    if (index < 0 || !ddi_begin(&c, h, GPUP_DDI_CreateMemoryBasis, a, 2, (uint32_t)index))
        return false;
    DXGKARG_CREATEMEMORYBASIS *args = ddi_buffer(
        &c, GPUP_ROLE_ARGUMENTS, offsetof(DXGKARG_CREATEMEMORYBASIS, Ranges) + room * sizeof args->Ranges[0],
        DDI_IN | DDI_CONST, false);
    if (args) {
        args->SegmentId = b.segment;
        args->RangeCount = a[1];
        for (uint32_t i = 0; i < room; i++)
            args->Ranges[i] = i < b.count ? (DXGK_MEMORYRANGE){b.ranges[i].offset, b.ranges[i].size}
                                          : (DXGK_MEMORYRANGE){0};
        emit_ranges(h, &b);
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        HANDLE raw = (HANDLE)(uintptr_t)c.os.result;
        c.handle = !c.success ? 0 : raw == (HANDLE)(intptr_t)-1 ? UINT64_MAX : object_of(h, raw);
        c.r[0] = c.handle;
        if (c.success) {
            h->bases[index] = b;
            keep(h, &h->bases[index], raw, c.handle, slot);
        }
    }
    ddi_end(&c);
    return c.success;
}

static bool create_basis(struct host *h, uint32_t vf, uint32_t slot, const struct cutting *how) {
    struct basis b = {0};
    if (vf >= GPUP_MAX_VFS || !h->vf[vf].reserve_count || free_basis(h) < 0) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the VF has no VRAM reserve to make a basis of");
        return false;
    }
    if (!cut(h, &b, vf, how)) {
        h->world->broken = true;
        return false;
    }
    if (world_never(h, !well_formed(h, &b, how), "a basis has disjoint ranges of whole pages in its segment"))
        return false;
    if (how->claim > CLAIM_THERE && how->claim < CLAIM_ABSURD) {
        world_skip(h, GPUP_SKIP_ILLEGAL, "an array of that many ranges would have to be there");
        return false;
    }
    if (how->claim && how->claim < b.count)
        shorten(h, &b, (uint32_t)how->claim);
    return world_issue_basis(h, slot, &b, how->claim);
}

bool op_create_basis(struct host *h, uint32_t vf, uint32_t slot, uint32_t count, uint32_t order) {
    struct cutting how = {.count = count, .order = order};
    return create_basis(h, vf, slot, &how);
}

void op_basis(struct host *h, uint16_t ddi, uint32_t vf, const struct gpup_value *which) {
    struct ddi_call c;
    HANDLE raw;
    uint64_t object;
    struct basis *b = world_basis(h, vf, which, &raw, &object);
    uint64_t a[] = {object};
    if (!b && !world_negative(h->world)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "no such memory basis");
        return;
    }
    if (!ddi_begin(&c, h, ddi, a, 1, b ? (uint32_t)(b - h->bases) : GPUP_SLOT_NONE))
        return;
    ddi_go(&c, (uint64_t[]){(uintptr_t)raw}, 1);
    if (c.success && ddi == GPUP_DDI_DestroyMemoryBasis && b) {
        b->live = false;
        h->vf[b->vf].stale = b->raw;
    }
    ddi_end(&c);
}

static uint64_t query_pages(const struct host *h, const struct basis *b, uint64_t size) {
    if (!b)
        return 1;
    return size ? size / unit_of(h, b->segment) : b->pages;
}

/* What R-QDB and S-QDB promise of the subrange and the buffer. */
static bool query_legal(const struct host *h, const struct basis *b, const struct gpup_step *s,
                        uint64_t buffer) {
    uint64_t index = s->f[GPUP_QueryDirtyBitData_index].number,
             offset = s->f[GPUP_QueryDirtyBitData_offset].number;
    uint64_t size = s->f[GPUP_QueryDirtyBitData_size].number, unit = b ? unit_of(h, b->segment) : 1;
    if (!b || buffer > WORLD_BLOB_MAX || buffer < (query_pages(h, b, size) + 7) / 8 ||
        s->f[GPUP_QueryDirtyBitData_flags].number > 1)
        return false;
    return size == 0 || (index < b->count && offset % unit == 0 && size % unit == 0 &&
                         offset <= b->ranges[index].size && size <= b->ranges[index].size - offset);
}

bool op_query_dirty(struct host *h, uint32_t vf, const struct gpup_value *which, const struct gpup_step *step,
                    uint8_t **bits) {
    struct ddi_call c;
    HANDLE raw;
    uint64_t object;
    struct basis *b = world_basis(h, vf, which, &raw, &object);
    const struct gpup_value *f = step->f;
    uint64_t size = f[GPUP_QueryDirtyBitData_size].number, need = (query_pages(h, b, size) + 7) / 8;
    bool relative = f[GPUP_QueryDirtyBitData_buffer].symbol == GPUP_SYMBOL_NEED;
    uint64_t buffer_size = value_size(&f[GPUP_QueryDirtyBitData_buffer], relative ? need : 0);
    buffer_size = buffer_size < WORLD_BLOB_MAX ? buffer_size : WORLD_BLOB_MAX; /* what is claimed is there */
    uint64_t a[] = {
        object,      f[GPUP_QueryDirtyBitData_index].number, f[GPUP_QueryDirtyBitData_offset].number, size,
        buffer_size, f[GPUP_QueryDirtyBitData_flags].number};
    if (!world_negative(h->world) && !query_legal(h, b, step, buffer_size)) {
        world_skip(h, b ? GPUP_SKIP_ILLEGAL : GPUP_SKIP_UNRESOLVED, "the query is not one that the OS makes");
        return false;
    }
    if (!ddi_begin(&c, h, GPUP_DDI_QueryDirtyBitData, a, 6, b ? (uint32_t)(b - h->bases) : GPUP_SLOT_NONE))
        return false;
    size_t real = (size_t)buffer_size;
    DXGKARG_QUERYDIRTYBITDATA *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    uint8_t *buffer = ddi_buffer(&c, GPUP_ROLE_DATA, real, DDI_OUT, false);
    if (args && buffer) {
        if (h->world->config.fill & 1) /* it is zero */
            memset(buffer, 0xFF, real);
        *args = (DXGKARG_QUERYDIRTYBITDATA){raw, a[1], a[2], a[3], buffer, buffer_size, (UINT)a[5]};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        c.buffer[1].used = c.success ? (need < real ? need : real) : 0;
        if (c.success && bits && (*bits = malloc(real + 1)))
            memcpy(*bits, buffer, real);
        else if (c.success && bits)
            h->world->broken = true;
    }
    ddi_end(&c);
    return c.success;
}

void do_CreateMemoryBasis(struct host *h, const struct gpup_step *s) {
    struct cutting how = {(uint32_t)world_count(h, &s->f[GPUP_CreateMemoryBasis_ranges], 4096),
                          step_u32(s, GPUP_CreateMemoryBasis_order),
                          step_u32(s, GPUP_CreateMemoryBasis_part),
                          step_number(s, GPUP_CreateMemoryBasis_offset),
                          step_number(s, GPUP_CreateMemoryBasis_size),
                          step_number(s, GPUP_CreateMemoryBasis_gap),
                          step_number(s, GPUP_CreateMemoryBasis_claim)};
    how.count = how.count < 4096 ? how.count : 4096;
    create_basis(h, s->vf, step_u32(s, GPUP_CreateMemoryBasis_slot), &how);
}

void do_DestroyMemoryBasis(struct host *h, const struct gpup_step *s) {
    op_basis(h, GPUP_DDI_DestroyMemoryBasis, s->vf, &s->f[GPUP_DestroyMemoryBasis_basis]);
}

void do_StartDirtyTracking(struct host *h, const struct gpup_step *s) {
    op_basis(h, GPUP_DDI_StartDirtyTracking, s->vf, &s->f[GPUP_StartDirtyTracking_basis]);
}

void do_StopDirtyTracking(struct host *h, const struct gpup_step *s) {
    op_basis(h, GPUP_DDI_StopDirtyTracking, s->vf, &s->f[GPUP_StopDirtyTracking_basis]);
}

void do_QueryDirtyBitData(struct host *h, const struct gpup_step *s) {
    op_query_dirty(h, s->vf, &s->f[GPUP_QueryDirtyBitData_basis], s, NULL);
}
