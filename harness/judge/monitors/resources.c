/* VRAM of vGPUs: assignments, and what the guest can reach. */
#include "resources.h"

#include <string.h>

#define TYPE_SCATTER 41u
#define CAP_SCATTER 3u
#define SLOT_RESOURCES2 183u
#define PARTS 8u /* of an element, some of which a driver may keep for itself */
#define TRIES 3  /* parts with a refused write, of an element where not one came to pass */

struct vf_resources *resources_of(struct gpup_judge *j, struct resources *all, unsigned host, uint64_t vf) {
    const struct vf *v = judge_vf(j, host, vf);
    struct vf_resources *r = v ? &all->of[host][vf] : NULL;
    if (r && r->life != v->life)
        *r = (struct vf_resources){.life = v->life};
    return r;
}

static void saw_asked(struct gpup_judge *j, struct resources *all, const struct gpup_event *e) {
    struct vf_resources *r = resources_of(j, all, e->host, e->f[GPUP_VGPU_SEGMENT_vf]);
    uint64_t segment = e->f[GPUP_VGPU_SEGMENT_segment], size = e->f[GPUP_VGPU_SEGMENT_size];
    uint64_t alignment = e->f[GPUP_VGPU_SEGMENT_alignment];
    uint64_t page = segment <= GPUP_MAX_SEGMENTS ? all->page[e->host][segment] : 0;
    if (page) {
        judge_about(j, e->host, (uint32_t)e->f[GPUP_VGPU_SEGMENT_vf]);
        CHECK(j, GPUP_RULE_CAP_019, size % page == 0 && alignment % page == 0,
              "the reserve page size %llu does not divide the vGPU's %llu bytes in segment %llu or its "
              "alignment %llu",
              (unsigned long long)page, (unsigned long long)size, (unsigned long long)segment,
              (unsigned long long)alignment);
    }
    if (!r || r->asked_count == GPUP_MAX_SEGMENTS)
        return;
    r->asked[r->asked_count].segment = (uint32_t)segment;
    r->asked[r->asked_count].alignment = (uint32_t)alignment;
    r->asked[r->asked_count++].size = size;
}

static void saw_place(struct resources *all, const struct gpup_event *e) {
    struct places *next = &all->next;
    if (next->count == RESOURCES_PIECES) {
        next->more = true;
        return;
    }
    next->at[next->count++] =
        (struct place){(uint32_t)e->f[GPUP_PLACE_segment], (uint32_t)e->f[GPUP_PLACE_descriptor],
                       e->f[GPUP_PLACE_offset], e->f[GPUP_PLACE_size], e->f[GPUP_PLACE_basis]};
}

/* Element of the array whose bytes these are in the guest's space; RESOURCES_ELEMENTS: of several or none. */
static uint32_t element_of(const struct vf_resources *r, uint64_t offset, uint64_t size) {
    for (uint32_t i = 0; i < r->given.count && !r->given.more; i++) {
        const struct place *p = &r->given.at[i];
        if (offset < p->size)
            return size <= p->size - offset && p->element < RESOURCES_ELEMENTS ? p->element
                                                                               : RESOURCES_ELEMENTS;
        offset -= p->size;
    }
    return RESOURCES_ELEMENTS;
}

/* Which of the equal parts of its element this byte is in. */
static uint32_t part_of(const struct vf_resources *r, uint32_t element, uint64_t offset) {
    uint64_t begin = 0, size = 0;
    for (uint32_t i = 0; i < r->given.count; i++) {
        const struct place *p = &r->given.at[i];
        begin += p->element < element ? p->size : 0;
        size += p->element == element ? p->size : 0;
    }
    return (uint32_t)((offset - begin) / ((size - 1) / PARTS + 1) % PARTS);
}

static void judge_elements(struct gpup_judge *j, struct vf_resources *r, uint64_t offset, uint64_t size,
                           bool done) {
    uint32_t element = element_of(r, offset, size), others = 0;
    if (element >= RESOURCES_ELEMENTS)
        return;
    r->done[element] += done;
    r->refused[element] |= (uint8_t)(!done << part_of(r, element, offset));
    for (uint32_t i = 0; i < RESOURCES_ELEMENTS; i++)
        others += i != element ? r->done[i] : 0;
    bool lost = !r->done[element] && __builtin_popcount(r->refused[element]) >= TRIES && others;
    if (!done && !lost)
        return;
    if (r->form == 1)
        CHECK(j, GPUP_RULE_RSV_002, !lost, "the guest reaches nothing of memory allocation %u", element);
    else
        CHECK(j, GPUP_RULE_RSV_009, !lost, "the guest reaches nothing of the basis of descriptor %u",
              element);
}

static void saw_landed(struct gpup_judge *j, struct resources *all, const struct gpup_event *e) {
    struct vf_resources *r = resources_of(j, all, e->host, e->f[GPUP_LANDED_vf]);
    bool inside = e->f[GPUP_LANDED_inside];
    unsigned long long offset = e->f[GPUP_LANDED_offset];
    if (!r || !r->form || j->host[e->host].removed || j->host[e->host].impaired)
        return; /* impaired: what a lost order should have mapped or unmapped is not */
    judge_about(j, e->host, (uint32_t)e->f[GPUP_LANDED_vf]);
    if (r->again == 1)
        CHECK(j, GPUP_RULE_RSV_003, inside,
              "after a second assignment the guest's byte %llu is not in its VRAM", offset);
    else if (r->again == 2)
        CHECK(j, GPUP_RULE_RSV_011, inside,
              "an assignment to a powered VF moved the guest's byte %llu out of its VRAM", offset);
    else if (r->basis_gone)
        CHECK(j, GPUP_RULE_RSV_013, inside,
              "since a basis was destroyed the guest's byte %llu is not in its VRAM", offset);
    else if (r->form == 1)
        CHECK(j, GPUP_RULE_RSV_004, inside, "the guest's byte %llu is not in the VRAM it was given", offset);
    else
        CHECK(j, GPUP_RULE_RSV_008, inside, "the guest's byte %llu is not in the ranges of its bases",
              offset);
    if (r->form == 2 && inside)
        CHECK(j, GPUP_RULE_RSV_017, e->f[GPUP_LANDED_order],
              "the guest's byte %llu is not where the order of the ranges puts it", offset);
    if (inside)
        judge_elements(j, r, offset, e->f[GPUP_LANDED_size], true);
}

static void saw_write(struct gpup_judge *j, struct resources *all, const struct gpup_event *e) {
    const struct vf *v = judge_vf(j, e->host, e->f[GPUP_GUEST_WRITE_vf]);
    struct vf_resources *r = resources_of(j, all, e->host, e->f[GPUP_GUEST_WRITE_vf]);
    if (!r || !r->form || e->f[GPUP_GUEST_WRITE_done] || !v->powered || v->paused || j->host[e->host].removed)
        return;
    judge_about(j, e->host, (uint32_t)e->f[GPUP_GUEST_WRITE_vf]);
    judge_elements(j, r, e->f[GPUP_GUEST_WRITE_offset], e->f[GPUP_GUEST_WRITE_size], false);
}

/* Another VF's memory changed while nobody but this guest wrote. */
static void saw_vram(struct gpup_judge *j, struct resources *all, const struct gpup_event *e) {
    const struct vf *v = judge_vf(j, e->host, e->f[GPUP_OBS_VRAM_vf]);
    struct vf_resources *writer = resources_of(j, all, e->host, j->op_vf);
    if (j->op != GPUP_OP_GuestWrite || j->call.active || j->call.returned || !v || !writer || !writer->form ||
        e->f[GPUP_OBS_VRAM_vf] == j->op_vf || !v->vram.seen || !v->vram.fresh || !vf_quiet(v) ||
        v->vram.hash == e->f[GPUP_OBS_VRAM_hash] || j->host[e->host].removed || j->host[e->host].impaired)
        return;
    judge_about(j, e->host, j->op_vf);
    if (writer->form == 1)
        CHECK(j, GPUP_RULE_RSV_004, false, "a write of VF %u changed the VRAM of VF %u", j->op_vf,
              (unsigned)e->f[GPUP_OBS_VRAM_vf]);
    else
        CHECK(j, GPUP_RULE_RSV_008, false, "a write of VF %u changed the VRAM of VF %u", j->op_vf,
              (unsigned)e->f[GPUP_OBS_VRAM_vf]);
}

/* The driver fell over, or touched what it had freed, while it powered a VF whose basis is gone. */
static void saw_fault(struct gpup_judge *j, struct resources *all, const struct gpup_event *e) {
    const struct call *c = &j->call;
    struct vf_resources *r = c->active && c->names_vf ? resources_of(j, all, e->host, c->vf) : NULL;
    if (r && r->basis_gone && c->host == e->host && c->ddi == GPUP_DDI_SetVirtualFunctionPowerState)
        CHECK(j, GPUP_RULE_RSV_013, false, "D0 uses memory of a basis that was destroyed");
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct resources *all = state;
    switch (e->kind) {
    case GPUP_EVENT_SEGMENT:
        if (e->f[GPUP_SEGMENT_id] <= GPUP_MAX_SEGMENTS)
            all->size[e->host][e->f[GPUP_SEGMENT_id]] = e->f[GPUP_SEGMENT_size];
        break;
    case GPUP_EVENT_VGPU_SEGMENT:
        saw_asked(j, all, e);
        break;
    case GPUP_EVENT_PLACE:
        saw_place(all, e);
        break;
    case GPUP_EVENT_LANDED:
        saw_landed(j, all, e);
        break;
    case GPUP_EVENT_GUEST_WRITE:
        saw_write(j, all, e);
        break;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_POOL_DAMAGE:
        saw_fault(j, all, e);
        break;
    default:
        saw_vram(j, all, e);
    }
}

static void destroyed_basis(struct gpup_judge *j, struct resources *all) {
    const struct call *c = &j->call;
    for (uint64_t used = j->used[c->host]; used; used &= used - 1) {
        unsigned vf = (unsigned)__builtin_ctzll(used);
        struct vf_resources *r = &all->of[c->host][vf];
        for (uint32_t i = 0; r->form == 2 && i < r->given.count; i++)
            r->basis_gone = r->basis_gone || r->given.at[i].basis == c->a[0];
        j->host[c->host].vf[vf].unbased = j->host[c->host].vf[vf].unbased || r->basis_gone;
    }
}

static void answered(struct gpup_judge *j, struct resources *all) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint64_t id = c->a[GPUP_ARG_QueryAdapterInfo_Input];
    if (c->a[GPUP_ARG_QueryAdapterInfo_Type] == TYPE_SCATTER && id <= GPUP_MAX_SEGMENTS)
        all->page[c->host][id] = c->r[GPUP_RES_QueryAdapterInfo_Output];
    if (c->a[GPUP_ARG_QueryAdapterInfo_Type] == 30 && !(h->caps >> CAP_SCATTER & 1) && h->slots_seen[0] &&
        !(h->slots[0][SLOT_RESOURCES2 / 64] >> SLOT_RESOURCES2 % 64 & 1))
        COUNT(j, GPUP_RULE_RSV_014); /* absent, as it should be */
}

static void settle(struct gpup_judge *j, void *state) {
    struct resources *all = state;
    const struct call *c = &j->call;
    struct vf_resources *r = c->names_vf ? resources_of(j, all, c->host, c->vf) : NULL;
    switch (c->ddi) {
    case GPUP_DDI_SetVirtualGpuResources:
    case GPUP_DDI_SetVirtualGpuResources2:
        if (!c->overlapped)
            resources_settle(j, all);
        all->next.count = 0;
        all->next.more = false;
        break;
    case GPUP_DDI_DestroyMemoryBasis:
        if (nt_success(c->status))
            destroyed_basis(j, all);
        break;
    case GPUP_DDI_QueryAdapterInfo:
        if (nt_success(c->status))
            answered(j, all);
        break;
    case GPUP_DDI_SetVirtualFunctionPowerState:
        if (r && r->basis_gone && c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] == 1 &&
            call_must_succeed(j) && (nt_success(c->status) || (all->runs[c->host] && vf_is_free(&c->before))))
            CHECK(j, GPUP_RULE_RSV_013, nt_success(c->status),
                  "since a basis of its reserve was destroyed, D0 returns 0x%08x", c->status);
        if (r && r->form == 2 && nt_success(c->status) &&
            c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] == 1)
            all->runs[c->host] = true;
        break;
    default:
        break;
    }
    if (r) /* what a call did to the VF may keep its guest from its memory */
        memset(r->refused, 0, sizeof r->refused);
}

/* Places of several calls came mixed. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct resources *all = state;
    const struct call *c = &j->call;
    all->next.count = 0;
    all->next.more = false;
    if (c->names_vf && c->vf < JUDGE_VFS)
        all->of[c->host][c->vf] = (struct vf_resources){0};
    if (c->ddi == GPUP_DDI_DestroyMemoryBasis && nt_success(c->status))
        destroyed_basis(j, all);
}

static void reset(struct gpup_judge *j, void *state) {
    struct resources *all = state;
    judge_clear_used(j, all->of, sizeof all->of[0][0]);
    memset(all->page, 0, sizeof all->page);
    memset(all->size, 0, sizeof all->size);
    memset(all->runs, 0, sizeof all->runs);
    all->next.count = 0;
    all->next.more = false;
}

const struct monitor monitor_resources = {.id = GPUP_MONITOR_resources,
                                          .state_size = sizeof(struct resources),
                                          .kinds = KIND(SEGMENT) | KIND(VGPU_SEGMENT) | KIND(PLACE) |
                                                   KIND(LANDED) | KIND(GUEST_WRITE) | KIND(OBS_VRAM) |
                                                   KIND(FAULT) | KIND(POOL_DAMAGE),
                                          .event = event,
                                          .settle = settle,
                                          .overlapped = overlapped,
                                          .reset = reset};
