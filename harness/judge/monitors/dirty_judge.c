/* Dirty tracking: answers of queries against the model, and the life of a basis. */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct basis *b, uint32_t count, uint64_t pages) {
    size_t bytes = (size_t)(pages / 8 + 1);
    if (count > b->piece_room) {
        struct piece *memory = realloc(b->piece, count * sizeof *memory);
        if (!memory)
            return false;
        b->piece = memory;
        b->piece_room = count;
    }
    if (bytes > b->map_room) {
        uint8_t *memory = realloc(b->map[0], bytes * MAPS);
        if (!memory)
            return false;
        b->map[0] = memory;
        b->map_room = bytes;
    }
    for (unsigned i = 0; i < MAPS; i++)
        b->map[i] = b->map[0] + i * b->map_room;
    memset(b->map[0], 0, b->map_room * MAPS);
    return true;
}

static bool overlaps(const struct basis *a, const struct basis *b) {
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++)
            if (a->piece[i].offset < b->piece[k].offset + b->piece[k].size &&
                b->piece[k].offset < a->piece[i].offset + a->piece[i].size)
                return true;
    return false;
}

static void find_overlaps(struct dirty *d, unsigned host, struct basis *b) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *other = &d->basis[host][i];
        if (other == b || !other->live || other->segment != b->segment)
            continue;
        bool both = (uint64_t)other->count * b->count > 65536 || overlaps(b, other);
        b->shared = b->shared || both;
        other->shared = other->shared || both;
    }
}

static uint64_t pages_of(const struct dirty *d, uint32_t page) {
    uint64_t pages = 0;
    for (uint32_t i = 0; page && i < d->next_count && i < DIRTY_RANGES; i++) {
        if (d->next[i].size % page || d->next[i].size / page > DIRTY_PAGES)
            return 0;
        pages += d->next[i].size / page;
    }
    return pages <= DIRTY_PAGES && d->next_count <= DIRTY_RANGES ? pages : 0;
}

static void add(struct gpup_judge *j, struct dirty *d) {
    const struct call *c = &j->call;
    uint32_t page = d->next_segment <= GPUP_MAX_SEGMENTS ? j->host[c->host].page[d->next_segment] : 0;
    uint64_t pages = pages_of(d, page);
    struct basis *b = NULL;
    for (unsigned i = 0; i < DIRTY_BASES && !b; i++)
        b = d->basis[c->host][i].live ? NULL : &d->basis[c->host][i];
    if (!b || !make_room(b, d->next_count < DIRTY_RANGES ? d->next_count : DIRTY_RANGES, pages))
        return;
    struct basis old = *b;
    *b = (struct basis){.live = true,
                        .object = c->handle,
                        .pages = pages,
                        .segment = d->next_segment,
                        .page = page ? page : 4096,
                        .vf = d->next_vf,
                        .count = pages ? d->next_count : 0,
                        .piece = old.piece,
                        .piece_room = old.piece_room,
                        .map_room = old.map_room};
    memcpy(b->map, old.map, sizeof b->map);
    if (b->count)
        memcpy(b->piece, d->next, b->count * sizeof *b->piece);
    d->live[c->host]++;
    find_overlaps(d, c->host, b);
}

static bool is_ascending(const struct dirty *d) {
    for (uint32_t i = 1; i < d->next_count && i < DIRTY_RANGES; i++)
        if (d->next[i].offset < d->next[i - 1].offset)
            return false;
    return true;
}

static void judge_create(struct gpup_judge *j, struct dirty *d) {
    const struct call *c = &j->call;
    bool valid = c->handle != 0 && c->handle != UINT64_MAX;
    const struct basis *same = valid ? dirty_find(d, c->host, c->handle) : NULL;
    d->next_whole = true;
    CHECK(j, GPUP_RULE_DIRTY_006, !c->damaged_arguments, "the argument structure was modified");
    if (call_must_succeed(j) && d->next_count) {
        if (!is_ascending(d))
            CHECK(j, GPUP_RULE_DIRTY_002, valid,
                  "CreateMemoryBasis with ranges in another order gave no handle");
        CHECK(j, GPUP_RULE_DIRTY_001, valid, "CreateMemoryBasis with valid ranges gave no handle");
    }
    if (!valid)
        CHECK(j, GPUP_RULE_DIRTY_007, c->handle == 0,
              "the failed call returned INVALID_HANDLE_VALUE, not NULL");
    if (valid)
        CHECK(j, GPUP_RULE_DIRTY_004,
              !same || (same->count == d->next_count &&
                        !memcmp(same->piece, d->next, same->count * sizeof *d->next)),
              "the handle is that of a live basis with other ranges");
    if (valid && !same)
        add(j, d);
}

static void judge_destroy(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    const struct call *c = &j->call;
    if (!b) {
        CHECK(j, GPUP_RULE_DIRTY_013, !nt_success(c->status), "a bad handle was destroyed with success");
        return;
    }
    if (call_must_succeed(j))
        CHECK(j, GPUP_RULE_DIRTY_012, c->status == 0, "destroying a live basis returned 0x%08x", c->status);
    if (nt_success(c->status)) {
        b->live = false;
        d->live[c->host]--;
    }
}

static void note_others(struct dirty *d, unsigned host, const struct basis *b, bool start) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *other = &d->basis[host][i];
        if (other == b || !other->live)
            continue;
        other->others_started = other->others_started || start;
        other->others_stopped = other->others_stopped || !start;
    }
}

static void judge_start(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    const struct vf *v = judge_vf(j, c->host, b->vf);
    if (!b->tracking && call_must_succeed(j)) {
        bool performant = h->dirty_caps_seen && (h->dirty_caps & 2);
        if (v && performant && v->resourced && !v->was_powered)
            CHECK(j, GPUP_RULE_DIRTY_051, c->status == 0, "tracking right after the reserve returned 0x%08x",
                  c->status);
        if (v && !performant && v->session == SESSION_SOURCE && v->powered && !v->paused)
            CHECK(j, GPUP_RULE_DIRTY_052, c->status == 0, "tracking of the running source returned 0x%08x",
                  c->status);
        CHECK(j, GPUP_RULE_DIRTY_015, c->status == 0, "StartDirtyTracking returned 0x%08x", c->status);
    }
    if (!nt_success(c->status) || b->tracking)
        return;
    b->tracking = true;
    b->clean = true;
    b->calm = d->calls[c->host];
    b->others_started = b->others_stopped = b->part_cleared = false;
    memset(b->map[0], 0, b->map_room * MAPS);
    note_others(d, c->host, b, true);
}

static void judge_stop(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    const struct call *c = &j->call;
    const struct vf *v = judge_vf(j, c->host, b->vf);
    bool any = false;
    if (!nt_success(c->status))
        return;
    b->started = b->started || b->tracking;
    b->tracking = false;
    note_others(d, c->host, b, false);
    for (unsigned i = 0; i < DIRTY_BASES; i++)
        any = any || (d->basis[c->host][i].live && d->basis[c->host][i].tracking);
    if (!any && v && v->dirty.seen)
        CHECK(j, GPUP_RULE_DIRTY_021, !v->tracking, "the last basis was stopped and the device still tracks");
}

/* How a driver may have laid out its answer; only the first is what the rules assume. */
enum layout { AS_ASSUMED, HIGH_BIT_FIRST, PADDED, ASCENDING, LAYOUTS };

static uint64_t place_of(const struct basis *b, uint64_t page, enum layout layout) {
    uint64_t at = 0, bits = 0;
    if (layout == HIGH_BIT_FIRST)
        return page ^ 7;
    if (layout == AS_ASSUMED)
        return page;
    uint32_t in = 0;
    while (in < b->count && page - at >= b->piece[in].size / b->page)
        at += b->piece[in++].size / b->page;
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t pages = b->piece[i].size / b->page;
        if (layout == PADDED ? i < in : b->piece[i].offset < b->piece[in].offset)
            bits += layout == PADDED ? (pages + 7) / 8 * 8 : pages;
    }
    return bits + page - at;
}

struct query {
    struct basis *b;
    const uint8_t *bits;
    uint64_t first, count, size; /* pages; size: bits there are */
    bool whole, clears;
};

static bool shows(const struct query *q, const uint8_t *due, enum layout layout) {
    for (uint64_t page = q->first; page < q->first + q->count; page++) {
        if (!page_bit(due, page))
            continue;
        uint64_t at = place_of(q->b, q->whole ? page : page - q->first, q->whole ? layout : layout % 2);
        if (at >= q->size || !page_bit(q->bits, at))
            return false;
    }
    return true;
}

static bool any_set(const struct query *q) {
    for (uint64_t i = 0; i < q->count; i++)
        if (page_bit(q->bits, i))
            return true;
    return false;
}

/* A page that was due, is not shown, and has its bit in `map`. */
static bool lost_in(const struct query *q, const uint8_t *map) {
    for (uint64_t i = 0; i < q->count; i++)
        if (page_bit(q->b->map[WRITTEN], q->first + i) && page_bit(map, q->first + i) &&
            !page_bit(q->bits, i))
            return true;
    return false;
}

/* The same for the first `pages` of the basis. */
static bool lost_before(const struct query *q, uint64_t pages) {
    for (uint64_t i = 0; i < q->count && i < pages; i++)
        if (page_bit(q->b->map[WRITTEN], i) && !page_bit(q->bits, i))
            return true;
    return false;
}

/* What stood between the write and its loss says which promise was broken. */
static uint16_t rule_of_loss(const struct query *q, bool paged) {
    const struct basis *b = q->b;
    if (paged)
        return GPUP_RULE_DIRTY_043;
    if (b->others_stopped)
        return GPUP_RULE_DIRTY_019;
    if (b->others_started)
        return GPUP_RULE_DIRTY_017;
    if (lost_in(q, b->map[RACED]))
        return GPUP_RULE_DIRTY_026;
    if (b->part_cleared)
        return GPUP_RULE_DIRTY_028;
    if (!q->whole)
        return GPUP_RULE_DIRTY_031;
    if (b->count > 1 && !lost_before(q, b->piece[0].size / b->page))
        return GPUP_RULE_DIRTY_003;
    /* Nothing at all is left of what was due: cleared first, copied then. */
    return q->clears && !any_set(q) ? GPUP_RULE_DIRTY_026 : GPUP_RULE_DIRTY_023;
}

static bool any_due(const struct query *q, const uint8_t *map) {
    for (uint64_t page = q->first; page < q->first + q->count; page++)
        if (page_bit(map, page))
            return true;
    return false;
}

static void judge_written(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    if (!any_due(q, b->map[WRITTEN]))
        return;
    bool fine = shows(q, b->map[WRITTEN], AS_ASSUMED);
    bool reversed = !fine && shows(q, b->map[WRITTEN], HIGH_BIT_FIRST);
    bool moved = !fine && !reversed && b->count > 1 && q->whole &&
                 (shows(q, b->map[WRITTEN], PADDED) || shows(q, b->map[WRITTEN], ASCENDING));
    CHECK(j, GPUP_RULE_DIRTY_033, !reversed, "the bits of a byte are in the order from high to low");
    if (b->count > 1 && q->whole)
        CHECK(j, GPUP_RULE_DIRTY_032, !moved, "the ranges are padded or sorted in the answer");
    if (reversed || moved)
        return;
    CHECK(j, rule_of_loss(q, false), fine, "a page that was written is not reported");
    if (fine && any_due(q, b->map[RACED]))
        COUNT(j, GPUP_RULE_DIRTY_026);
    CHECK(j, GPUP_RULE_ROB_010, fine, "a page that was written is neither reported nor still marked");
    if (q->whole && (j->call.a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex] ||
                     j->call.a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset]))
        CHECK(j, GPUP_RULE_DIRTY_030, fine,
              "SubrangeIndex or SubrangeOffset counted although SubrangeSize is 0");
}

static void judge_shown(struct gpup_judge *j, const struct query *q) {
    if (!any_due(q, q->b->map[SHOWN]))
        return;
    uint16_t rule = q->b->part_cleared ? GPUP_RULE_DIRTY_028 : GPUP_RULE_DIRTY_027;
    CHECK(j, rule, shows(q, q->b->map[SHOWN], AS_ASSUMED),
          "a page that was reported and not cleared is not reported any more");
}

static void judge_clean(struct gpup_judge *j, const struct dirty *d, const struct query *q) {
    const struct basis *b = q->b;
    const struct vf *v = judge_vf(j, j->call.host, b->vf);
    if (!b->clean || b->calm != d->calls[j->call.host] || (v && !vf_quiet(v)))
        return;
    CHECK(j, b->started ? GPUP_RULE_DIRTY_022 : GPUP_RULE_DIRTY_015, !any_set(q),
          "nothing was written since the start, and a bit is set");
}

static void update(const struct query *q) {
    struct basis *b = q->b;
    for (uint64_t i = 0; i < q->count; i++) {
        uint64_t page = q->first + i;
        uint8_t bit = (uint8_t)(1u << page % 8), *at[MAPS];
        for (unsigned m = 0; m < MAPS; m++)
            at[m] = &b->map[m][page / 8];
        if (q->clears) {
            *at[WRITTEN] &= (uint8_t)~bit;
            *at[PAGED] &= (uint8_t)~bit;
            *at[SHOWN] &= (uint8_t)~bit;
            /* Written during the call and reported: it may be the reported write, so nothing is owed. */
            if (i < q->size && page_bit(q->bits, i))
                *at[LATE] &= (uint8_t)~bit;
        } else if (i < q->size && page_bit(q->bits, i)) {
            *at[SHOWN] |= bit;
        }
    }
    for (uint64_t i = 0; i < b->pages / 8 + 1; i++) {
        b->map[WRITTEN][i] |= b->map[LATE][i];
        b->map[RACED][i] = b->map[LATE][i];
        b->map[LATE][i] = 0;
    }
    b->others_started = b->others_stopped = false;
    b->part_cleared = q->clears ? !q->whole : b->part_cleared && !q->whole;
}

static bool range_of(const struct call *c, struct query *q) {
    const struct basis *b = q->b;
    uint64_t index = c->a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex];
    uint64_t offset = c->a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset];
    uint64_t size = c->a[GPUP_ARG_QueryDirtyBitData_SubrangeSize];
    q->whole = size == 0;
    q->clears = c->a[GPUP_ARG_QueryDirtyBitData_Flags] & 1;
    q->count = b->pages;
    if (q->whole)
        return true;
    if (index >= b->count || offset % b->page || size % b->page || offset > b->piece[index].size ||
        size > b->piece[index].size - offset)
        return false;
    for (uint64_t i = 0; i < index; i++)
        q->first += b->piece[i].size / b->page;
    q->first += offset / b->page;
    q->count = size / b->page;
    return true;
}

void dirty_query(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    const struct call *c = &j->call;
    if (!c->returned || c->ddi != GPUP_DDI_QueryDirtyBitData || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_DATA ||
        !nt_success(c->status) || c->overlapped || j->host[c->host].impaired)
        return;
    struct query q = {.b = dirty_find(d, c->host, c->a[GPUP_ARG_QueryDirtyBitData_MemoryBasis]),
                      .bits = e->data,
                      .size = (uint64_t)e->data_size * 8};
    if (!q.b || !q.b->tracking || !q.b->pages || !range_of(c, &q) || q.count > q.size)
        return;
    if (!q.b->shared) {
        judge_written(j, &q);
        if (any_due(&q, q.b->map[PAGED]))
            CHECK(j, rule_of_loss(&q, true), shows(&q, q.b->map[PAGED], AS_ASSUMED),
                  "a page that paging wrote is not reported");
        judge_shown(j, &q);
        judge_clean(j, d, &q);
    }
    if (q.count % 8)
        CHECK(j, GPUP_RULE_DIRTY_035, !(q.bits[q.count / 8] >> q.count % 8),
              "unused high bits of the last byte are set");
    update(&q);
}

static void judge_query(struct gpup_judge *j, struct basis *b) {
    const struct call *c = &j->call;
    const struct change *other = NULL;
    struct query q = {.b = b};
    CHECK(j, GPUP_RULE_DIRTY_036, !c->damaged_data, "the query wrote past BufferSize");
    if (!b)
        return;
    for (unsigned i = 0; i < c->changes; i++)
        if (c->change[i].kind == GPUP_EVENT_OBS_DIRTY && c->change[i].vf != b->vf && c->change[i].quiet &&
            c->change[i].fresh)
            other = &c->change[i];
    CHECK(j, GPUP_RULE_DIRTY_029, !other, "the query for VF %u changed the bits of VF %u", b->vf,
          other ? other->vf : 0);
    if (!b->tracking)
        CHECK(j, GPUP_RULE_DIRTY_042, !nt_success(c->status), "a basis that is not tracking was queried");
    if (!b->pages)
        return;
    bool inside = range_of(c, &q);
    if (!inside)
        CHECK(j, GPUP_RULE_DIRTY_040, !nt_success(c->status), "a subrange outside the basis was accepted");
    else if (c->a[GPUP_ARG_QueryDirtyBitData_BufferSize] < (q.count + 7) / 8)
        CHECK(j, GPUP_RULE_DIRTY_037, !nt_success(c->status), "a buffer that is too small was accepted");
}

/* Calls that write no VRAM, so that a fresh tracker stays clean over them. */
static bool writes_nothing(uint16_t ddi) {
    return ddi == GPUP_DDI_CreateMemoryBasis || ddi == GPUP_DDI_DestroyMemoryBasis ||
           ddi == GPUP_DDI_StartDirtyTracking || ddi == GPUP_DDI_StopDirtyTracking ||
           ddi == GPUP_DDI_QueryDirtyBitData || ddi == GPUP_DDI_QueryAdapterInfo;
}

static void forget_all(struct dirty *d, unsigned host) {
    for (unsigned i = 0; i < DIRTY_BASES; i++)
        d->basis[host][i].live = false;
    d->live[host] = 0;
}

/* Power, reset and a new owner of the memory: what the bits are worth then is not stated. */
static bool upsets(uint16_t ddi) {
    return ddi == GPUP_DDI_SetVirtualFunctionPowerState || ddi == GPUP_DDI_ResetVirtualFunction ||
           ddi == GPUP_DDI_DestroyVirtualGpu || ddi == GPUP_DDI_CreateVirtualGpu ||
           ddi == GPUP_DDI_SetPowerState || ddi == GPUP_DDI_RestoreImmutableMigrationData ||
           ddi == GPUP_DDI_RestoreMutableMigrationData;
}

static void upset(struct dirty *d, const struct call *c) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *b = &d->basis[c->host][i];
        if (b->live && (!c->names_vf || b->vf == c->vf) && b->map[0])
            memset(b->map[0], 0, b->map_room * MAPS);
    }
}

void dirty_settle(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    const struct call *c = &j->call;
    struct basis *b = writes_nothing(c->ddi) && d->live[c->host] ? dirty_find(d, c->host, c->a[0]) : NULL;
    if (j->host[c->host].removed || c->overlapped)
        return;
    d->calls[c->host] += !writes_nothing(c->ddi);
    bool life = c->ddi == GPUP_DDI_CreateVirtualGpu || c->ddi == GPUP_DDI_DestroyVirtualGpu;
    if (life && nt_success(c->status) && c->vf < JUDGE_VFS)
        d->reserve_count[c->host][c->vf] = 0;
    if (d->live[c->host] && upsets(c->ddi))
        upset(d, c);
    switch (c->ddi) {
    case GPUP_DDI_CreateMemoryBasis:
        judge_create(j, d);
        break;
    case GPUP_DDI_DestroyMemoryBasis:
        judge_destroy(j, d, b);
        break;
    case GPUP_DDI_StartDirtyTracking:
        if (b)
            judge_start(j, d, b);
        break;
    case GPUP_DDI_StopDirtyTracking:
        if (b)
            judge_stop(j, d, b);
        break;
    case GPUP_DDI_QueryDirtyBitData:
        judge_query(j, b);
        break;
    case GPUP_DDI_StopDevice:
    case GPUP_DDI_RemoveDevice:
        if (nt_success(c->status))
            forget_all(d, c->host);
        break;
    default:
        break;
    }
}
