/* Dirty tracking: the life of a basis. */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

#define ABSURD (UINT64_C(1) << 28) /* ranges that no adapter has memory for */
#define FEW 256u                   /* ranges: a small reserve, each page by itself */

static bool make_room(struct gpup_judge *j, struct basis *b, uint32_t count, uint64_t pages) {
    size_t bytes = (size_t)(pages / 8 + 1);
    if (count > b->piece_room) {
        struct piece *memory = judge_grow(j, b->piece, count * sizeof *memory);
        if (!memory)
            return false;
        b->piece = memory;
        b->piece_room = count;
    }
    if (bytes > b->map_room) {
        uint8_t *memory = judge_grow(j, b->map[0], bytes * MAPS);
        if (!memory)
            return false;
        b->map[0] = memory;
        b->map_room = bytes;
    }
    for (unsigned i = 0; i < MAPS; i++)
        b->map[i] = b->map[0] + i * b->map_room;
    if (b->map_room)
        memset(b->map[0], 0, b->map_room * MAPS);
    return true;
}

static bool overlap(const struct piece *a, const struct piece *b) {
    return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static bool overlaps(const struct basis *a, const struct basis *b) {
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++)
            if (overlap(&a->piece[i], &b->piece[k]))
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

const char *dirty_bad_ranges(const struct gpup_judge *j, const struct dirty *d, unsigned host) {
    uint64_t whole = d->next_segment <= GPUP_MAX_SEGMENTS ? d->segment_size[host][d->next_segment] : 0;
    (void)j;
    for (uint32_t i = 0; i < d->next_count && i < DIRTY_RANGES; i++) {
        const struct piece *p = &d->next[i];
        if (p->size == 0)
            return "an empty range";
        if (p->offset + p->size < p->offset)
            return "a range that wraps around";
        if (whole && (p->offset > whole || p->size > whole - p->offset))
            return "a range outside the segment";
        for (uint32_t k = 0; k < i && d->next_count <= 64; k++)
            if (overlap(p, &d->next[k]))
                return "ranges that overlap";
    }
    return NULL;
}

/* Of the ranges that come, when all are whole pages; else 0. */
static uint64_t pages_of(const struct dirty *d, uint32_t page, bool *unaligned) {
    uint64_t pages = 0;
    for (uint32_t i = 0; page && i < d->next_count && i < DIRTY_RANGES; i++) {
        *unaligned = *unaligned || (d->next[i].offset | d->next[i].size) % page;
        if (d->next[i].size / page > DIRTY_PAGES)
            return 0;
        pages += d->next[i].size / page;
    }
    return !*unaligned && pages <= DIRTY_PAGES && d->next_count <= DIRTY_RANGES ? pages : 0;
}

static void add(struct gpup_judge *j, struct dirty *d) {
    const struct call *c = &j->call;
    uint32_t page = d->next_segment <= GPUP_MAX_SEGMENTS ? j->host[c->host].page[d->next_segment] : 0;
    bool unaligned = false, bad = dirty_bad_ranges(j, d, c->host) != NULL;
    uint64_t pages = bad ? 0 : pages_of(d, page, &unaligned);
    struct basis *b = NULL;
    for (unsigned i = 0; i < DIRTY_BASES && !b; i++)
        b = d->basis[c->host][i].live ? NULL : &d->basis[c->host][i];
    if (!b || !make_room(j, b, d->next_count < DIRTY_RANGES ? d->next_count : DIRTY_RANGES, pages))
        return;
    struct basis old = *b;
    *b = (struct basis){.live = true,
                        .object = c->handle,
                        .list = d->next_list,
                        .pages = pages,
                        .unaligned = unaligned && !bad,
                        .pool = c->pool_count,
                        .lives = ++d->lives[c->host],
                        .other_calls = d->other_calls[c->host],
                        .segment = d->next_segment,
                        .page = page ? page : 4096,
                        .vf = d->next_vf,
                        .count = pages ? d->next_count : 0,
                        .given = d->next_count,
                        .only = unaligned && d->next_count == 1 ? d->next[0] : (struct piece){0},
                        .piece = old.piece,
                        .piece_room = old.piece_room,
                        .map_room = old.map_room};
    memcpy(b->map, old.map, sizeof b->map);
    if (b->given && b->given <= DIRTY_RANGES) /* as a name; the model has no use for them without pages */
        memcpy(b->piece, d->next, b->given * sizeof *b->piece);
    d->live[c->host]++;
    find_overlaps(d, c->host, b);
}

static bool is_ascending(const struct dirty *d) {
    for (uint32_t i = 1; i < d->next_count && i < DIRTY_RANGES; i++)
        if (d->next[i].offset < d->next[i - 1].offset)
            return false;
    return true;
}

/* Such a number of ranges was taken, or is small: then it is not for the number that they are refused. */
static bool is_usual_count(const struct dirty *d) {
    return d->most && (d->next_count <= d->most || d->next_count <= FEW);
}

static void judge_unusual(struct gpup_judge *j, const struct dirty *d, bool valid) {
    const struct call *c = &j->call;
    uint64_t told = c->a[GPUP_ARG_CreateMemoryBasis_RangeCount];
    const char *bad = dirty_bad_ranges(j, d, c->host);
    if (told >= ABSURD)
        CHECK(j, GPUP_RULE_DIRTY_008, !valid, "CreateMemoryBasis with RangeCount 0x%llx gave a handle",
              (unsigned long long)told);
    else if (told == 0)
        COUNT(j, GPUP_RULE_DIRTY_009);
    else if (bad)
        CHECK(j, GPUP_RULE_DIRTY_010, !valid, "CreateMemoryBasis with %s gave a handle", bad);
}

/* Whether the ranges that come are those of a basis that lives; all are kept of no more than DIRTY_RANGES. */
static bool is_given_again(const struct dirty *d, const struct basis *b) {
    return b->given == d->next_count &&
           (!b->given || b->given > DIRTY_RANGES || !memcmp(b->piece, d->next, b->given * sizeof *d->next));
}

static void note_again(struct dirty *d, unsigned host, struct basis *b) {
    b->extra++;
    b->twice = b->shared = true; /* whether its starts and stops are counted too is not said */
    d->other_calls[host]++;
}

#define FEW_BASES 8u

/* No page names a number of ranges, or of bases, that every driver takes. */
static void judge_taken(struct gpup_judge *j, const struct dirty *d, bool valid) {
    bool few = (d->next_count <= FEW || d->next_count <= d->most) && d->live[j->call.host] < FEW_BASES;
    if (judge_checked(j, GPUP_RULE_DIRTY_001) && !valid)
        judge_violated(j, GPUP_RULE_DIRTY_001, few ? 255 : GPUP_WARN,
                       "CreateMemoryBasis with %u valid ranges gave no handle", (unsigned)d->next_count);
}

static void judge_create(struct gpup_judge *j, struct dirty *d) {
    const struct call *c = &j->call;
    bool valid = c->handle != 0 && c->handle != UINT64_MAX;
    struct basis *same = valid ? dirty_find(d, c->host, c->handle) : NULL;
    d->next_whole = true;
    CHECK(j, GPUP_RULE_DIRTY_006, !c->damaged_arguments, "the argument structure was modified");
    judge_unusual(j, d, valid);
    if (call_must_succeed(j) && d->next_count) {
        if (!is_ascending(d) && (valid || is_usual_count(d)))
            CHECK(j, GPUP_RULE_DIRTY_002, valid,
                  "CreateMemoryBasis with ranges in another order gave no handle");
        judge_taken(j, d, valid);
    }
    if (!valid)
        CHECK(j, GPUP_RULE_DIRTY_007, c->handle == 0,
              "the failed call returned INVALID_HANDLE_VALUE, not NULL");
    if (valid)
        CHECK(j, GPUP_RULE_DIRTY_004, !same || is_given_again(d, same),
              "the handle is that of a live basis with other ranges");
    if (valid && d->next_count > d->most)
        d->most = d->next_count;
    if (valid && !same)
        add(j, d);
    if (same)
        note_again(d, c->host, same);
}

/* Nothing was done with this basis that was not done with the one before: what a driver makes once, at the
 * first start of a segment, say, it had made by then. */
static bool is_used_alike(const struct usage *u, const struct usage *last) {
    return u->made == last->made && !(u->kinds & ~last->kinds) && !u->starved && !last->starved;
}

/* A basis was made and destroyed with nothing else between: twice in a row leaves the same level, once a
 * while has passed between. Where it does not, something may be kept of the last few, and only growth without
 * end is a leak. */
static void judge_memory(struct gpup_judge *j, struct dirty *d, const struct basis *b) {
    const struct host *h = &j->host[j->call.host];
    struct cycle *last = &d->cycle[j->call.host];
    struct row *row = &d->row[j->call.host];
    struct cycle now = {
        b->lives + 1 == d->lives[j->call.host] && b->other_calls == d->other_calls[j->call.host],
        d->usage[j->call.host], d->live[j->call.host], d->lives[j->call.host], d->other_calls[j->call.host]};
    if (!(h->observers & GPUP_OBSERVER_pool))
        return;
    now.known = now.known && !h->impaired;
    bool alike = now.known && last->known && is_used_alike(&now.usage, &last->usage) &&
                 last->live == now.live && last->lives + 2 == now.lives &&
                 last->other_calls == now.other_calls && !j->call.failed_alloc;
    *last = now;
    uint32_t grown = 0;
    if (!alike)
        row_begins(row, h);
    else if (row_goes_on(row, h, &grown) && (!grown || grown > JUDGE_CACHE))
        CHECK(j, GPUP_RULE_DIRTY_014, !grown,
              "each of %u bases made and destroyed in a row left more allocations", grown);
}

static void judge_destroy(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    const struct call *c = &j->call;
    if (!b) {
        CHECK(j, GPUP_RULE_DIRTY_013, !nt_success(c->status), "a bad handle was destroyed with success");
        return;
    }
    if (b->outlives)
        COUNT(j, GPUP_RULE_DIRTY_049);
    if (call_must_succeed(j))
        CHECK(j, GPUP_RULE_DIRTY_012, c->status == 0, "destroying a live basis returned 0x%08x", c->status);
    if (!nt_success(c->status))
        return;
    if (b->extra) { /* of a handle that was given several times each is destroyed */
        b->extra--;
        d->other_calls[c->host]++;
        return;
    }
    b->live = false;
    d->live[c->host]--;
    d->lives[c->host]++;
    judge_memory(j, d, b);
}

static void note_others(struct dirty *d, unsigned host, const struct basis *b, bool start) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *other = &d->basis[host][i];
        if (other == b || !other->live || !other->tracking)
            continue;
        other->others_started = other->others_started || start;
        other->others_stopped = other->others_stopped || !start;
        if (other->map_room)
            memcpy(other->map[OLD], other->map[WRITTEN], other->map_room);
    }
}

/* The same basis once more: defined, and without harm to the others. */
static void note_repeated(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    COUNT(j, GPUP_RULE_DIRTY_050);
    for (unsigned i = 0; i < DIRTY_BASES; i++)
        if (d->basis[j->call.host][i].live && &d->basis[j->call.host][i] != b)
            d->basis[j->call.host][i].repeated = true;
    b->blurred = true;
    b->clean = false;
}

static bool others_track(const struct dirty *d, unsigned host, const struct basis *b, uint32_t after) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        const struct basis *other = &d->basis[host][i];
        if (other != b && other->live && other->tracking && other->serial > after)
            return true;
    }
    return false;
}

static bool are_near(const struct basis *one, const struct basis *other) {
    for (uint32_t i = 0; i < one->count; i++)
        for (uint32_t k = 0; k < other->count; k++)
            if (one->piece[i].offset < other->piece[k].offset + other->piece[k].size + DIRTY_NEAR &&
                other->piece[k].offset < one->piece[i].offset + one->piece[i].size + DIRTY_NEAR)
                return true;
    return false;
}

/* Pages of other bases nearby are due: a part that is coarser than its pages keeps their bits, and may have
 * one page's in another's. */
static bool others_are_due(const struct dirty *d, unsigned host, const struct basis *b) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        const struct basis *other = &d->basis[host][i];
        bool counts = other != b && other->live && other->tracking && other->segment == b->segment &&
                      are_near(b, other);
        for (size_t k = 0; counts && k < other->map_room; k++)
            if (other->map[WRITTEN][k])
                return true;
    }
    return false;
}

static void judge_first_start(struct gpup_judge *j, const struct dirty *d, const struct basis *b) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    const struct vf *v = judge_vf(j, c->host, b->vf);
    bool performant = h->dirty_caps_seen && (h->dirty_caps & 2);
    if (v && performant && v->resourced && !v->was_powered)
        CHECK(j, GPUP_RULE_DIRTY_051, c->status == 0, "tracking right after the reserve returned 0x%08x",
              c->status);
    if (v && !performant && v->session == SESSION_SOURCE && v->powered && !v->paused)
        CHECK(j, GPUP_RULE_DIRTY_052, c->status == 0, "tracking of the running source returned 0x%08x",
              c->status);
    bool time = v && (performant ? v->resourced : v->session == SESSION_SOURCE); /* when the OS starts it */
    if (c->status && !time)
        return;
    if (others_track(d, c->host, b, 0) && judge_checked(j, GPUP_RULE_DIRTY_018) && c->status)
        judge_violated(j, GPUP_RULE_DIRTY_018, b->shared ? GPUP_WARN : 255,
                       "StartDirtyTracking while other bases track returned 0x%08x", c->status);
    if (judge_checked(j, GPUP_RULE_DIRTY_015) && c->status)
        judge_violated(j, GPUP_RULE_DIRTY_015, b->shared ? GPUP_WARN : 255,
                       "StartDirtyTracking returned 0x%08x", c->status);
}

static void judge_start(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    const struct call *c = &j->call;
    const struct vf *v = judge_vf(j, c->host, b->vf);
    if (b->unaligned && !nt_success(c->status))
        COUNT(j, GPUP_RULE_DIRTY_011);
    if (b->tracking)
        note_repeated(j, d, b);
    else if (!b->unaligned && b->pages && !b->outlives && call_must_succeed(j))
        judge_first_start(j, d, b);
    if (!nt_success(c->status) || b->tracking)
        return;
    b->tracking = true;
    b->serial = ++d->starts[c->host];
    b->calm = d->calls[c->host];
    b->blurred = v && (!vf_quiet(v) || v->guest_write >= c->event); /* writes while the call was at it */
    b->clean = !b->blurred && !others_are_due(d, c->host, b);
    b->paged_before = b->vf < JUDGE_VFS && d->paged[c->host][b->vf];
    b->others_started = b->others_stopped = b->others_queried = b->part_cleared = b->answered = false;
    b->repeated = b->failed_clear = b->unknown_flags = b->upset = b->began = b->touched = false;
    b->neighbour = b->near = b->rewritten = b->unsettled = b->loose = b->stirred = b->told = false;
    b->paged_shown = b->answer_whole = b->answer_part = false;
    b->blame = GPUP_SPEC_NONE;
    if (b->map_room)
        memset(b->map[0], 0, b->map_room * MAPS);
    note_others(d, c->host, b, true);
}

static void judge_stop(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    const struct call *c = &j->call;
    const struct vf *v = judge_vf(j, c->host, b->vf);
    if (!b->tracking)
        note_repeated(j, d, b);
    else if (call_must_succeed(j) && others_track(d, c->host, b, b->serial) &&
             (c->status == 0 || !b->unsettled))
        CHECK(j, GPUP_RULE_DIRTY_020, c->status == 0,
              "StopDirtyTracking of a basis that is not the last started returned 0x%08x", c->status);
    if (!nt_success(c->status))
        return;
    b->started = b->started || b->tracking;
    if (b->tracking)
        note_others(d, c->host, b, false);
    b->tracking = false;
    /* While a session is open the driver may track for it. */
    if (!others_track(d, c->host, NULL, 0) && v && v->dirty.seen && !b->outlives && !b->twice &&
        !j->host[c->host].impaired && !j->host[c->host].open_sessions)
        CHECK(j, GPUP_RULE_DIRTY_021, !v->tracking, "the last basis was stopped and the device still tracks");
}

void dirty_note_usage(struct dirty *d, const struct call *c) {
    struct usage *u = &d->usage[c->host];
    if (c->ddi == GPUP_DDI_CreateMemoryBasis) {
        uint64_t what[3] = {c->a[GPUP_ARG_CreateMemoryBasis_RangeCount], d->next_segment, d->next_vf};
        *u = (struct usage){.made = gpup_trace_hash(0, what, sizeof what)};
    }
    unsigned kind = c->ddi == GPUP_DDI_StartDirtyTracking  ? 0
                    : c->ddi == GPUP_DDI_StopDirtyTracking ? 2
                    : c->ddi == GPUP_DDI_QueryDirtyBitData ? 4
                                                           : 6;
    u->kinds |= 1u << (kind + nt_success(c->status));
    u->starved = u->starved || c->failed_alloc;
}

void dirty_life(struct gpup_judge *j, struct dirty *d, struct basis *b) {
    switch (j->call.ddi) {
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
    default:
        if (b)
            judge_stop(j, d, b);
    }
}

/* Memory that is left although the basis it may belong to was there when the device was stopped.
 * What a session of migration leaves behind is that one's. */
void dirty_left(struct gpup_judge *j, const struct dirty *d, const struct gpup_event *e) {
    bool made = false; /* in a call about bases */
    for (unsigned i = 0; i < DIRTY_MADE && i < d->mades; i++)
        made = made || d->made[i] == e->f[GPUP_LEFT_object];
    if (made && d->left_alive[e->host] && !d->session[e->host] && e->f[GPUP_LEFT_kind] == GPUP_OBJECT_POOL &&
        !j->host[e->host].gone) {
        judge_about(j, e->host, GPUP_PF);
        CHECK(j, GPUP_RULE_DIRTY_049, false, "bases were alive at StopDevice, and %llu bytes are left",
              (unsigned long long)e->f[GPUP_LEFT_size]);
    }
}

static uint16_t rule_of_create_fault(struct gpup_judge *j, const struct dirty *d) {
    uint64_t told = j->call.a[GPUP_ARG_CreateMemoryBasis_RangeCount];
    if (told == 0)
        return GPUP_RULE_DIRTY_009;
    if (told < ABSURD && dirty_bad_ranges(j, d, j->call.host))
        return GPUP_RULE_DIRTY_010;
    return GPUP_SPEC_NONE; /* a count above the real array: a read past it is the caller's fault */
}

static uint16_t rule_of_query_fault(const struct gpup_judge *j, const struct basis *b,
                                    const struct gpup_event *e) {
    struct query q = {.b = (struct basis *)(uintptr_t)b};
    if (j->call.data.there && e->f[GPUP_FAULT_object] == j->call.data.object)
        return GPUP_RULE_DIRTY_036;
    return b && b->pages && !dirty_range(&j->call, &q) ? GPUP_RULE_DIRTY_040 : GPUP_SPEC_NONE;
}

/* A call for a basis whose vGPU is gone, or one that ends both; or memory that was taken for a basis. */
static bool is_about_bases(const struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    const struct call *c = &j->call;
    const struct basis *b = dirty_find(d, e->host, c->a[0]);
    bool own = c->ddi == GPUP_DDI_StartDirtyTracking || c->ddi == GPUP_DDI_StopDirtyTracking ||
               c->ddi == GPUP_DDI_QueryDirtyBitData || c->ddi == GPUP_DDI_DestroyMemoryBasis;
    bool ends = c->ddi == GPUP_DDI_DestroyVirtualGpu || c->ddi == GPUP_DDI_StopDevice ||
                c->ddi == GPUP_DDI_RemoveDevice;
    bool made = false;
    for (unsigned i = 0; i < DIRTY_MADE && i < d->mades; i++)
        made = made || (e->f[GPUP_FAULT_object] && d->made[i] == e->f[GPUP_FAULT_object]);
    return made || (c->active && (ends || (own && b && b->outlives)));
}

/* Which promise the driver fell over. */
void dirty_died(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    const struct call *c = &j->call;
    uint16_t rule = GPUP_SPEC_NONE;
    bool kept = false, outlived = false, fault = e->kind == GPUP_EVENT_FAULT;
    uint64_t object = e->f[fault ? GPUP_FAULT_object : GPUP_POOL_DAMAGE_object];
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        const struct basis *b = &d->basis[e->host][i];
        kept = kept || (b->live && b->list && b->list == object);
        outlived = outlived || (b->live && b->outlives);
    }
    if (kept)
        rule = GPUP_RULE_DIRTY_005;
    else if (!fault)
        return;
    else if (c->active && c->ddi == GPUP_DDI_CreateMemoryBasis)
        rule = rule_of_create_fault(j, d);
    else if (c->active && c->ddi == GPUP_DDI_QueryDirtyBitData)
        rule = rule_of_query_fault(j, dirty_find(d, e->host, c->a[0]), e);
    if (rule == GPUP_SPEC_NONE && outlived && is_about_bases(j, d, e))
        rule = GPUP_RULE_DIRTY_049;
    if (rule != GPUP_SPEC_NONE)
        CHECK(j, rule, false, "%s",
              kept ? "the list of ranges was used after the call" : "the driver faulted on it");
}
