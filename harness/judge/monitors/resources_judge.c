/* The two calls that assign VRAM: what they must accept and what they had better refuse. */
#include "resources.h"

/* What is wrong with the ranges at hand; the driver is not held to refuse all of it. */
struct flaws {
    bool overlap, bad, misaligned, page, empty, unknown_basis, twice;
    bool many;    /* nobody says how many pieces a driver must take */
    bool unasked; /* in a segment that CreateVirtualGpu did not name */
};

static bool meet(const struct place *a, const struct place *b) {
    return a->segment == b->segment && a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static bool meets_another(struct gpup_judge *j, struct resources *all, const struct place *p) {
    const struct call *c = &j->call;
    for (uint64_t used = j->used[c->host]; used; used &= used - 1) {
        uint32_t vf = (uint32_t)__builtin_ctzll(used);
        const struct vf_resources *other = &all->of[c->host][vf];
        if (vf == c->vf || !j->host[c->host].vf[vf].present || !other->form)
            continue;
        for (uint32_t i = 0; i < other->given.count; i++)
            if (meet(p, &other->given.at[i]))
                return true;
    }
    return false;
}

static bool leaves_segment(const struct resources *all, unsigned host, const struct place *p) {
    uint64_t size = p->segment <= GPUP_MAX_SEGMENTS ? all->size[host][p->segment] : 0;
    return !size || p->offset > size || p->size > size - p->offset;
}

static bool misaligned(const struct vf_resources *r, const struct place *p) {
    for (uint32_t i = 0; i < r->asked_count; i++)
        if (r->asked[i].segment == p->segment)
            return r->asked[i].alignment && p->offset % r->asked[i].alignment;
    return false;
}

static bool is_asked(const struct vf_resources *r, const struct place *p) {
    for (uint32_t i = 0; i < r->asked_count; i++)
        if (r->asked[i].segment == p->segment)
            return true;
    return !r->asked_count;
}

static struct flaws find_flaws(struct gpup_judge *j, struct resources *all, const struct vf_resources *r,
                               uint32_t elements) {
    const struct call *c = &j->call;
    struct flaws f = {.empty = elements == 0, .many = all->next.more};
    uint64_t seen = 0, segments = 0;
    for (uint32_t i = 0; i < all->next.count; i++) {
        const struct place *p = &all->next.at[i];
        uint64_t page = p->segment <= GPUP_MAX_SEGMENTS ? all->page[c->host][p->segment] : 0;
        bool first = p->element >= 64 || !(seen >> p->element & 1);
        f.overlap = f.overlap || meets_another(j, all, p);
        f.misaligned = f.misaligned || misaligned(r, p);
        f.unasked = f.unasked || !is_asked(r, p);
        f.bad = f.bad || f.misaligned || leaves_segment(all, c->host, p);
        f.page = f.page || (page && (p->offset | p->size) % page);
        f.twice = f.twice || (first && p->segment < 64 && segments >> p->segment & 1);
        seen |= p->element < 64 ? UINT64_C(1) << p->element : 0;
        segments |= p->segment < 64 ? UINT64_C(1) << p->segment : 0;
    }
    for (uint32_t e = 0; e < elements && e < 64 && !all->next.more; e++)
        f.unknown_basis = f.unknown_basis || !(seen >> e & 1);
    return f;
}

/* A legal call. After one that failed half-way it shows whether that left something behind. */
static void judge_success(struct gpup_judge *j, const struct vf_resources *r, const struct flaws *f,
                          unsigned form) {
    const struct call *c = &j->call;
    if (c->class != GPUP_LEGAL || f->misaligned || f->many || f->twice || f->unasked || !call_must_succeed(j))
        return;
    if (r->half)
        CHECK(j, GPUP_RULE_RSV_012, nt_success(c->status),
              "after a call that failed at a later descriptor a good one returned 0x%08x", c->status);
    else if (form == 1)
        CHECK(j, GPUP_RULE_RSV_001, nt_success(c->status), "SetVirtualGpuResources returned 0x%08x",
              c->status);
    else
        CHECK(j, GPUP_RULE_RSV_007, nt_success(c->status), "SetVirtualGpuResources2 returned 0x%08x",
              c->status);
}

static bool same_places(const struct places *a, const struct places *b) {
    bool same = a->count == b->count && !a->more && !b->more;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->at[i].segment == b->at[i].segment && a->at[i].offset == b->at[i].offset &&
               a->at[i].size == b->at[i].size;
    return same;
}

static void given(struct vf_resources *r, const struct places *next, unsigned form, uint32_t elements) {
    r->form = (uint8_t)form;
    r->given = *next;
    r->elements = elements;
    r->basis_gone = false;
    for (unsigned i = 0; i < RESOURCES_ELEMENTS; i++)
        r->done[i] = r->refused[i] = 0;
}

static void judge_first(struct gpup_judge *j, struct resources *all, struct vf_resources *r) {
    const struct call *c = &j->call;
    uint32_t elements = (uint32_t)c->a[GPUP_ARG_SetVirtualGpuResources_NumMemoryAllocations];
    struct flaws f = find_flaws(j, all, r, elements);
    bool success = nt_success(c->status);
    if (!c->before.present)
        return;
    if (c->before.resourced || c->before.was_powered) {
        if (same_places(&all->next, &r->given) || all->next.more)
            return;
        if (success)
            r->again = 1; /* whether it had an effect, the guest's writes show */
        else
            COUNT(j, GPUP_RULE_RSV_003);
        return;
    }
    if (f.overlap)
        CHECK(j, GPUP_RULE_RSV_005, !success, "a reserve over that of another vGPU was accepted");
    else if (f.bad)
        CHECK(j, GPUP_RULE_RSV_006, !success,
              "a range that leaves its segment, or is not aligned as asked for, was accepted");
    judge_success(j, r, &f, 1);
    if (success)
        given(r, &all->next, 1, elements);
}

static void judge_second(struct gpup_judge *j, struct resources *all, struct vf_resources *r) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint32_t elements = (uint32_t)c->a[GPUP_ARG_SetVirtualGpuResources2_SegmentCount];
    bool success = nt_success(c->status);
    if (h->caps_seen && !(h->caps >> 3 & 1)) {
        CHECK(j, GPUP_RULE_RSV_014, !success, "SetVirtualGpuResources2 succeeded without ScatterMapReserve");
        return;
    }
    if (r && c->before.powered &&
        ((c->before.resourced && !r->form) || same_places(&all->next, &r->given) || all->next.more))
        return; /* the same once more changes nothing; of calls that overlapped the places are not known */
    if (!r || !c->before.present || c->before.powered) {
        CHECK(j, GPUP_RULE_RSV_011, !success, "SetVirtualGpuResources2 for %s VF %u succeeded",
              r && c->before.present ? "the powered" : "the absent", c->vf);
        if (r && success && c->before.present)
            r->again = 2;
        return;
    }
    if (c->before.resourced)
        return;
    struct flaws f = find_flaws(j, all, r, elements);
    if (f.empty || f.unknown_basis || f.twice)
        CHECK(j, GPUP_RULE_RSV_011, !success, "SetVirtualGpuResources2 with %s succeeded",
              f.empty           ? "no descriptor"
              : f.unknown_basis ? "an unknown basis"
                                : "two descriptors of one segment");
    else if (f.page)
        CHECK(j, GPUP_RULE_RSV_010, !success,
              "a range that is no multiple of the reserve page size was accepted");
    judge_success(j, r, &f, 2);
    if (success)
        given(r, &all->next, 2, elements);
    else if (elements > 1)
        r->half = true;
}

void resources_settle(struct gpup_judge *j, struct resources *all) {
    const struct call *c = &j->call;
    struct vf_resources *r = resources_of(j, all, c->host, c->vf);
    if (c->ddi == GPUP_DDI_SetVirtualGpuResources2)
        judge_second(j, all, r);
    else if (r)
        judge_first(j, all, r);
}
