/* Dirty tracking: answers of queries against the model. */
#include "dirty.h"

#include <string.h>

#define TDR_NS UINT64_C(2000000000) /* the default delay of timeout detection */
#define HIGH (UINT64_C(1) << 32)

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

static bool any_due(const struct query *q, const uint8_t *map) {
    for (uint64_t page = q->first; page < q->first + q->count; page++)
        if (page_bit(map, page))
            return true;
    return false;
}

/* Where the page lies in its segment. */
static uint64_t offset_of(const struct basis *b, uint64_t page) {
    uint32_t i = 0;
    for (; i < b->count && page >= b->piece[i].size / b->page; i++)
        page -= b->piece[i].size / b->page;
    return i < b->count ? b->piece[i].offset + page * b->page : 0;
}

/* What the pages that are missing have in common. */
struct loss {
    bool shown, old, raced, tail, high;
    bool later; /* all in ranges after the first, of which nothing is reported */
};

static struct loss loss_of(const struct query *q, unsigned map) {
    const struct basis *b = q->b;
    struct loss l = {true, true, true, q->count % 8 != 0, true, b->count > 1};
    for (uint64_t i = 0; i < q->count; i++) {
        uint64_t page = q->first + i;
        if (!page_bit(b->map[map], page) || page_bit(q->bits, i))
            continue;
        l.shown = l.shown && page_bit(b->map[SHOWN], page);
        l.old = l.old && page_bit(b->map[OLD], page);
        l.raced = l.raced && page_bit(b->map[RACED], page);
        l.tail = l.tail && i >= q->count / 8 * 8;
        l.high = l.high && offset_of(b, page) >= HIGH;
        l.later = l.later && page >= b->piece[0].size / b->page;
    }
    for (uint64_t i = 0; b->count > 1 && q->whole && i < q->count; i++)
        l.later = l.later && (i < b->piece[0].size / b->page || !page_bit(q->bits, i));
    return l;
}

/* What stood between the write and its loss says which promise was broken. */
static uint16_t rule_of_loss(const struct query *q) {
    const struct basis *b = q->b;
    struct loss l = loss_of(q, WRITTEN);
    if (b->upset)
        return GPUP_RULE_DIRTY_045;
    if (l.high)
        return GPUP_RULE_DIRTY_053;
    if (l.later && q->whole)
        return GPUP_RULE_DIRTY_003;
    if (b->repeated)
        return GPUP_RULE_DIRTY_050;
    if (b->others_stopped)
        return GPUP_RULE_DIRTY_019;
    if (b->others_started && l.old)
        return GPUP_RULE_DIRTY_017;
    if (b->others_queried && l.old)
        return GPUP_RULE_DIRTY_029;
    if (b->unknown_flags)
        return GPUP_RULE_DIRTY_041;
    if (b->failed_clear)
        return GPUP_RULE_DIRTY_038;
    if (b->part_cleared)
        return GPUP_RULE_DIRTY_028;
    if (l.shown)
        return GPUP_RULE_DIRTY_027;
    if (l.raced)
        return GPUP_RULE_DIRTY_026;
    if (!q->whole)
        return GPUP_RULE_DIRTY_031;
    /* Nothing at all is left of what was due: cleared first, copied then. */
    return q->clears && !any_set(q) ? GPUP_RULE_DIRTY_026 : GPUP_RULE_DIRTY_023;
}

/* What went well although something had happened that may cost bits. */
static void count_survival(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    if (any_due(q, b->map[RACED]))
        COUNT(j, GPUP_RULE_DIRTY_026);
    if (b->upset)
        COUNT(j, GPUP_RULE_DIRTY_045);
    if (b->repeated)
        COUNT(j, GPUP_RULE_DIRTY_050);
    if (b->unknown_flags)
        COUNT(j, GPUP_RULE_DIRTY_041);
    if (b->failed_clear)
        COUNT(j, GPUP_RULE_DIRTY_038);
    for (uint64_t page = q->first; page < q->first + q->count; page++)
        if (page_bit(b->map[WRITTEN], page) && offset_of(b, page) >= HIGH) {
            COUNT(j, GPUP_RULE_DIRTY_053);
            break;
        }
    if (b->others_started || b->others_stopped)
        COUNT(j, GPUP_RULE_DIRTY_016);
    if (b->others_stopped)
        COUNT(j, GPUP_RULE_DIRTY_019);
    if (b->others_started && any_due(q, b->map[OLD]))
        COUNT(j, GPUP_RULE_DIRTY_017);
    if (b->others_queried && any_due(q, b->map[OLD]))
        COUNT(j, GPUP_RULE_DIRTY_029);
    if (b->part_cleared)
        COUNT(j, GPUP_RULE_DIRTY_028);
    if (b->count > 1)
        COUNT(j, GPUP_RULE_DIRTY_003);
    COUNT(j, q->whole ? GPUP_RULE_DIRTY_023 : GPUP_RULE_DIRTY_031);
    COUNT(j, GPUP_RULE_DIRTY_005);
}

/* Whether all pages that are due are there. */
static bool judge_written(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    if (!any_due(q, b->map[WRITTEN]))
        return true;
    bool fine = shows(q, b->map[WRITTEN], AS_ASSUMED);
    bool reversed = !fine && shows(q, b->map[WRITTEN], HIGH_BIT_FIRST);
    bool moved = !fine && !reversed && b->count > 1 && q->whole &&
                 (shows(q, b->map[WRITTEN], PADDED) || shows(q, b->map[WRITTEN], ASCENDING));
    CHECK(j, GPUP_RULE_DIRTY_033, !reversed, "the bits of a byte are in the order from high to low");
    if (b->count > 1 && q->whole)
        CHECK(j, GPUP_RULE_DIRTY_032, !moved, "the ranges are padded or sorted in the answer");
    if (reversed || moved)
        return false;
    if (fine)
        count_survival(j, q);
    else
        CHECK(j, rule_of_loss(q), false, "a page that was written is not reported");
    if (!b->upset)
        CHECK(j, GPUP_RULE_ROB_010, fine, "a page that was written is neither reported nor still marked");
    if (q->whole && (j->call.a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex] ||
                     j->call.a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset]))
        CHECK(j, GPUP_RULE_DIRTY_030, fine,
              "SubrangeIndex or SubrangeOffset counted although SubrangeSize is 0");
    return fine;
}

static void judge_paged(struct gpup_judge *j, const struct query *q) {
    if (any_due(q, q->b->map[PAGED]))
        CHECK(j, q->b->upset || q->b->began ? GPUP_RULE_DIRTY_045 : GPUP_RULE_DIRTY_043,
              shows(q, q->b->map[PAGED], AS_ASSUMED), "a page that paging wrote is not reported");
}

static void judge_shown(struct gpup_judge *j, const struct query *q) {
    if (!any_due(q, q->b->map[SHOWN]))
        return;
    uint16_t rule = q->b->part_cleared ? GPUP_RULE_DIRTY_028 : GPUP_RULE_DIRTY_027;
    CHECK(j, rule, shows(q, q->b->map[SHOWN], AS_ASSUMED),
          "a page that was reported and not cleared is not reported any more");
}

static bool judge_clean(struct gpup_judge *j, const struct dirty *d, const struct query *q) {
    const struct basis *b = q->b;
    const struct vf *v = judge_vf(j, j->call.host, b->vf);
    if (!b->clean || b->calm != d->calls[j->call.host] || (v && !vf_quiet(v)))
        return true;
    bool zero = !any_set(q);
    CHECK(j,
          b->started        ? GPUP_RULE_DIRTY_022
          : b->paged_before ? GPUP_RULE_DIRTY_046
                            : GPUP_RULE_DIRTY_015,
          zero, "nothing was written since the start, and a bit is set");
    return zero;
}

struct surplus { /* pages reported that nobody wrote */
    uint64_t set, untouched;
    bool read, out, any_read, any_out; /* all of the surplus; any page of the query */
    bool touched;                      /* some page was written */
};

static struct surplus surplus_of(const struct query *q) {
    const struct basis *b = q->b;
    struct surplus s = {.read = true, .out = true};
    for (uint64_t i = 0; i < q->count; i++) {
        uint64_t page = q->first + i;
        bool touched = page_bit(b->map[TOUCHED], page), set = page_bit(q->bits, i);
        s.touched = s.touched || touched;
        s.any_read = s.any_read || (!touched && page_bit(b->map[READ], page));
        s.any_out = s.any_out || (!touched && page_bit(b->map[OUT], page));
        s.untouched += !touched;
        s.set += !touched && set;
        s.read = s.read && (touched || !set || page_bit(b->map[READ], page));
        s.out = s.out && (touched || !set || page_bit(b->map[OUT], page));
    }
    return s;
}

/* Too much is safe for the data; what counts is whether it has no end, or a cause that it must not have. */
static void judge_surplus(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    struct surplus s = surplus_of(q);
    if (b->blurred || !s.untouched)
        return;
    if (s.any_read)
        CHECK(j, GPUP_RULE_DIRTY_025, !s.set || !s.read, "a page that the VF only read is reported");
    if (s.any_out)
        CHECK(j, GPUP_RULE_DIRTY_044, !s.set || !s.out || s.read,
              "a page that was only paged out is reported");
    if (s.set && (s.read || s.out))
        return;
    if (b->neighbour && !s.touched) {
        if (b->near)
            CHECK(j, GPUP_RULE_DIRTY_054, !s.set, "a write beside the basis is reported in it");
        else
            CHECK(j, GPUP_RULE_DIRTY_016, !s.set, "a write far from the basis is reported in it");
    } else if (s.untouched >= 16) {
        CHECK(j, GPUP_RULE_DIRTY_024, s.set <= s.untouched / 2,
              "%llu of %llu pages that nobody wrote are reported", (unsigned long long)s.set,
              (unsigned long long)s.untouched);
    }
}

/* The parts say what the whole said, page by page, as long as nothing was written. */
static void judge_parts(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    bool any = false, same = true;
    for (uint64_t i = 0; i < q->count && !b->rewritten; i++) {
        uint64_t page = q->first + i;
        if (!page_bit(b->map[KNOWN], page))
            continue;
        any = true;
        same = same && page_bit(b->map[ANSWER], page) == page_bit(q->bits, i);
    }
    if (any && b->count)
        CHECK(j, GPUP_RULE_DIRTY_039, same,
              "queries of the whole basis and of its parts differ, with nothing written between");
}

static void update_page(const struct query *q, uint64_t i) {
    struct basis *b = q->b;
    uint64_t page = q->first + i;
    uint8_t bit = (uint8_t)(1u << page % 8), *at[MAPS];
    bool set = i < q->size && page_bit(q->bits, i);
    for (unsigned m = 0; m < MAPS; m++)
        at[m] = &b->map[m][page / 8];
    if (q->clears) {
        bool late = *at[LATE] & bit;
        *at[WRITTEN] &= (uint8_t)~bit;
        *at[PAGED] &= (uint8_t)~bit;
        *at[SHOWN] &= (uint8_t)~bit;
        *at[KNOWN] &= (uint8_t)~bit;
        *at[OLD] &= (uint8_t)~bit;
        if (!late)
            *at[TOUCHED] &= (uint8_t)~bit;
        *at[READ] &= (uint8_t)~bit;
        *at[OUT] &= (uint8_t)~bit;
        /* Written during the call and reported: it may be the reported write, so nothing is owed. */
        if (set)
            *at[LATE] &= (uint8_t)~bit;
        return;
    }
    if (set)
        *at[SHOWN] |= bit;
    *at[ANSWER] = (uint8_t)((*at[ANSWER] & ~bit) | (set ? bit : 0));
    if (!(*at[LATE] & bit))
        *at[KNOWN] |= bit;
}

static void update(const struct query *q) {
    struct basis *b = q->b;
    if (b->rewritten)
        memset(b->map[KNOWN], 0, b->map_room);
    b->rewritten = false;
    for (uint64_t i = 0; i < q->count; i++)
        update_page(q, i);
    for (uint64_t i = 0; i < b->pages / 8 + 1; i++) {
        b->map[WRITTEN][i] |= b->map[LATE][i];
        b->map[RACED][i] = b->map[LATE][i];
        b->map[LATE][i] = 0;
    }
    b->part_cleared = q->clears ? !q->whole : b->part_cleared && !q->whole;
    if (!q->whole)
        return;
    b->others_started = b->others_stopped = b->others_queried = b->repeated = b->upset = b->began = false;
    b->failed_clear = b->unknown_flags = false;
    if (q->clears)
        b->neighbour = b->near = b->blurred = false;
}

bool dirty_range(const struct call *c, struct query *q) {
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

/* An unaligned basis that tracks: which bit is which page nobody says, but one of them must be set. */
static void judge_unaligned(struct gpup_judge *j, const struct basis *b, const struct gpup_event *e) {
    bool any = false;
    for (size_t i = 0; i < e->data_size && i < e->f[GPUP_OUTPUT_used]; i++)
        any = any || e->data[i];
    if (b->touched)
        CHECK(j, GPUP_RULE_DIRTY_011, any, "a write to a basis of part pages is not reported at all");
}

static void judge_tail(struct gpup_judge *j, const struct dirty *d, const struct query *q,
                       const struct gpup_event *e) {
    bool same = true, zero = true;
    if (q->count % 8)
        CHECK(j, GPUP_RULE_DIRTY_035, !(q->bits[q->count / 8] >> q->count % 8),
              "unused high bits of the last byte are set");
    if ((q->count + 7) / 8 >= e->data_size)
        return;
    for (size_t i = (q->count + 7) / 8; i < e->data_size; i++) {
        same = same && e->data[i] == d->fill;
        zero = zero && e->data[i] == 0;
    }
    CHECK(j, GPUP_RULE_DIRTY_055, same || zero, "bytes of the buffer beyond the %llu needed were changed",
          (unsigned long long)(q->count + 7) / 8);
}

/* What bases of other vGPUs are owed is theirs, whatever this one was told. */
static void note_query(struct dirty *d, unsigned host, const struct basis *b) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *other = &d->basis[host][i];
        if (!other->live || !other->tracking || other->vf == b->vf || !other->map_room)
            continue;
        other->others_queried = true;
        memcpy(other->map[OLD], other->map[WRITTEN], other->map_room);
    }
}

void dirty_query(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    const struct call *c = &j->call;
    if (!c->returned || c->ddi != GPUP_DDI_QueryDirtyBitData || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_DATA ||
        !nt_success(c->status) || c->overlapped || j->host[c->host].impaired || d->lost[c->host])
        return;
    struct query q = {.b = dirty_find(d, c->host, c->a[GPUP_ARG_QueryDirtyBitData_MemoryBasis]),
                      .bits = e->data,
                      .size = (uint64_t)e->data_size * 8};
    if (q.b && q.b->tracking && q.b->unaligned)
        judge_unaligned(j, q.b, e);
    if (!q.b || !q.b->tracking || !q.b->pages || !dirty_range(c, &q) || q.count > q.size)
        return;
    if (!q.b->shared) {
        bool fine = judge_written(j, &q);
        judge_paged(j, &q);
        if (fine)
            judge_shown(j, &q);
        fine = judge_clean(j, d, &q) && fine;
        if (fine) {
            judge_surplus(j, &q);
            judge_parts(j, &q);
        }
    }
    judge_tail(j, d, &q, e);
    update(&q);
    note_query(d, c->host, q.b);
}

static void judge_failed(struct gpup_judge *j, struct basis *b, const struct query *q) {
    const struct call *c = &j->call;
    bool odd =
        c->a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex] || c->a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset];
    bool room = c->a[GPUP_ARG_QueryDirtyBitData_BufferSize] >= (q->count + 7) / 8;
    if (q->clears)
        b->failed_clear = true;
    if (b->answered && q->whole && odd && room && b->tracking && call_must_succeed(j))
        CHECK(j, GPUP_RULE_DIRTY_030, false,
              "with SubrangeIndex or SubrangeOffset set a query of the whole basis returned 0x%08x",
              c->status);
}

/* The call itself, whatever it answered. */
void dirty_asked(struct gpup_judge *j, struct basis *b) {
    const struct call *c = &j->call;
    struct query q = {.b = b};
    bool success = nt_success(c->status);
    CHECK(j, GPUP_RULE_DIRTY_036, !c->damaged_data, "the query wrote past BufferSize");
    if (!b)
        return;
    if (!b->tracking)
        CHECK(j, GPUP_RULE_DIRTY_042, !success, "a basis that is not tracking was queried");
    if (!b->pages)
        return;
    const struct vf *v = judge_vf(j, c->host, b->vf);
    if (v && v->work_pending && !j->host[c->host].impaired)
        CHECK(j, GPUP_RULE_DIRTY_047, c->end_ns - c->begin_ns < TDR_NS,
              "the query took %llu ms while the VF was at work",
              (unsigned long long)(c->end_ns - c->begin_ns) / 1000000);
    if (!dirty_range(c, &q))
        CHECK(j, GPUP_RULE_DIRTY_040, !success, "a subrange outside the basis was accepted");
    else if (c->a[GPUP_ARG_QueryDirtyBitData_BufferSize] < (q.count + 7) / 8)
        CHECK(j, GPUP_RULE_DIRTY_037, !success, "a buffer that is too small was accepted");
    if (!success)
        judge_failed(j, b, &q);
    else if (q.whole && !c->a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex] &&
             !c->a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset])
        b->answered = true;
    if (c->a[GPUP_ARG_QueryDirtyBitData_Flags] > 1 && !q.clears)
        b->unknown_flags = true;
}

/* Calls that write no VRAM, so that a fresh tracker stays clean over them. */
static bool writes_nothing(uint16_t ddi) {
    return ddi == GPUP_DDI_CreateMemoryBasis || ddi == GPUP_DDI_DestroyMemoryBasis ||
           ddi == GPUP_DDI_StartDirtyTracking || ddi == GPUP_DDI_StopDirtyTracking ||
           ddi == GPUP_DDI_QueryDirtyBitData || ddi == GPUP_DDI_QueryAdapterInfo;
}

/* Calls that have no reason to set a bit. */
static bool is_harmless(uint16_t ddi) {
    return writes_nothing(ddi) || ddi == GPUP_DDI_PrepareLiveMigration ||
           ddi == GPUP_DDI_SaveImmutableMigrationData || ddi == GPUP_DDI_SaveMutableMigrationData ||
           ddi == GPUP_DDI_EndLiveMigration || ddi == GPUP_DDI_SetVirtualFunctionPauseState ||
           ddi == GPUP_DDI_WriteVirtualizedInterrupt || ddi == GPUP_DDI_ReadVirtualFunctionConfig;
}

static void forget_all(struct dirty *d, unsigned host) {
    for (unsigned i = 0; i < DIRTY_BASES; i++)
        d->basis[host][i].live = false;
    d->left_alive[host] = d->left_alive[host] || d->live[host];
    d->live[host] = 0;
}

/* Power and reset: the bits survive, or all are set. A new owner or content: what they are worth is not said.
 */
static bool upsets(uint16_t ddi) {
    return ddi == GPUP_DDI_SetVirtualFunctionPowerState || ddi == GPUP_DDI_ResetVirtualFunction ||
           ddi == GPUP_DDI_SetPowerState;
}
/* The VM starts: what its VF writes from now on is owed, what the host wrote before may be lost or not. */
static bool is_first_power(const struct call *c) {
    return c->ddi == GPUP_DDI_SetVirtualFunctionPowerState && !c->before.was_powered;
}
static bool renews(uint16_t ddi) {
    return ddi == GPUP_DDI_DestroyVirtualGpu || ddi == GPUP_DDI_CreateVirtualGpu ||
           ddi == GPUP_DDI_RestoreImmutableMigrationData || ddi == GPUP_DDI_RestoreMutableMigrationData;
}

static void upset(struct dirty *d, const struct call *c) {
    bool begins = is_first_power(c);
    static const unsigned passing[] = {LATE, SHOWN, RACED, KNOWN, READ, OUT, OLD};
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *b = &d->basis[c->host][i];
        if (!b->live || (c->names_vf && b->vf != c->vf) || !b->map[0])
            continue;
        b->blurred = true;
        b->began = b->began || begins;
        b->upset = b->upset || !begins;
        b->outlives = b->outlives || (c->ddi == GPUP_DDI_DestroyVirtualGpu && nt_success(c->status));
        if (renews(c->ddi))
            memset(b->map[0], 0, b->map_room * MAPS);
        for (unsigned k = 0; k < sizeof passing / sizeof *passing; k++)
            memset(b->map[passing[k]], 0, b->map_room);
    }
}

static void blur(struct dirty *d, const struct call *c) {
    for (unsigned i = 0; i < DIRTY_BASES; i++)
        if (d->basis[c->host][i].live && (!c->names_vf || d->basis[c->host][i].vf == c->vf))
            d->basis[c->host][i].blurred = true;
}

void dirty_settle(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    const struct call *c = &j->call;
    bool query = c->ddi == GPUP_DDI_QueryDirtyBitData;
    bool life = c->ddi == GPUP_DDI_CreateVirtualGpu || c->ddi == GPUP_DDI_DestroyVirtualGpu;
    struct basis *b = writes_nothing(c->ddi) && d->live[c->host] ? dirty_find(d, c->host, c->a[0]) : NULL;
    d->next_whole = d->next_whole || c->ddi == GPUP_DDI_CreateMemoryBasis; /* the ranges were of that call */
    if (j->host[c->host].removed || c->overlapped)
        return;
    if (d->lost[c->host]) {
        d->lost[c->host] = c->ddi != GPUP_DDI_StopDevice || !nt_success(c->status);
        return;
    }
    d->calls[c->host] += !writes_nothing(c->ddi);
    d->other_calls[c->host] += !writes_nothing(c->ddi) || c->ddi == GPUP_DDI_QueryAdapterInfo;
    if (life && nt_success(c->status) && c->vf < JUDGE_VFS) {
        d->reserve_count[c->host][c->vf] = 0;
        d->paged[c->host][c->vf] = false;
    }
    if (d->live[c->host] && (upsets(c->ddi) || renews(c->ddi)))
        upset(d, c);
    else if (d->live[c->host] && !is_harmless(c->ddi))
        blur(d, c);
    if (query)
        dirty_asked(j, b);
    else if (writes_nothing(c->ddi) && c->ddi != GPUP_DDI_QueryAdapterInfo)
        dirty_life(j, d, b);
    if ((c->ddi == GPUP_DDI_StopDevice || c->ddi == GPUP_DDI_RemoveDevice) && nt_success(c->status))
        forget_all(d, c->host);
}
