/* Dirty tracking: answers of queries against the model. */
#include "dirty.h"

#include <string.h>

#define TDR_NS UINT64_C(2000000000) /* the default delay of timeout detection */

static bool any_set(const struct query *q) {
    for (uint64_t i = 0; i < q->count; i++)
        if (dirty_is_set(q, i))
            return true;
    return false;
}

static bool any_due(const struct query *q, const uint8_t *map) {
    for (uint64_t page = q->first; page < q->first + q->count; page++)
        if (page_bit(map, page))
            return true;
    return false;
}

static bool any_both(const struct query *q, unsigned one, unsigned other) {
    for (uint64_t page = q->first; page < q->first + q->count; page++)
        if (page_bit(q->b->map[one], page) && page_bit(q->b->map[other], page))
            return true;
    return false;
}

/* of: NULL all of the first map. */
static bool are_set(const struct query *q, const uint8_t *map, const uint8_t *of) {
    for (uint64_t i = 0; i < q->count; i++)
        if (page_bit(map, q->first + i) && (!of || page_bit(of, q->first + i)) && !dirty_is_set(q, i))
            return false;
    return true;
}

/* The same while either order of bits may be the driver's. */
static bool all_set(const struct dirty *d, const struct query *q, const uint8_t *map, const uint8_t *of) {
    struct query other = *q;
    other.reversed = true;
    return are_set(q, map, of) || (!d->ordered && !d->reversed && are_set(&other, map, of));
}

/* Whether all pages that are due are there. */
static bool judge_written(struct gpup_judge *j, struct dirty *d, struct query *q) {
    struct basis *b = q->b;
    if (!any_due(q, b->map[WRITTEN]))
        return true;
    enum answer answer = dirty_read(j, d, q);
    q->odd = answer == ANSWER_ODD;
    if (answer == ANSWER_WHOLE) {
        dirty_count_survival(j, q);
        dirty_note_good(&j->call, d, q);
        if (!b->upset)
            COUNT(j, GPUP_RULE_ROB_010);
        if (q->whole && (j->call.a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex] ||
                         j->call.a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset]))
            COUNT(j, GPUP_RULE_DIRTY_030);
    } else if (answer == ANSWER_LACKS) {
        q->blamed = dirty_judge_loss(j, d, q);
    }
    return answer == ANSWER_WHOLE;
}

/* Of a page that was reported and is not any more, or went with the power, something else is to be said. */
static void judge_paged(struct gpup_judge *j, const struct dirty *d, const struct query *q) {
    struct basis *b = q->b;
    bool lived = b->upset || b->began, fine = all_set(d, q, b->map[PAGED], NULL);
    if (!any_due(q, b->map[PAGED]) || (d->moved && b->count > 1))
        return;
    if (fine || (dirty_is_trusted(&j->call, d, q) && (lived ? b->paged_shown : !any_both(q, PAGED, SHOWN))))
        CHECK(j, lived ? GPUP_RULE_DIRTY_045 : GPUP_RULE_DIRTY_043, fine,
              "a page that paging wrote is not reported");
    b->paged_shown = b->paged_shown || fine;
}

static void judge_shown(struct gpup_judge *j, const struct dirty *d, const struct query *q) {
    const struct basis *b = q->b;
    if (!any_both(q, SHOWN, TOUCHED) || (d->moved && b->count > 1))
        return;
    bool fine = all_set(d, q, b->map[SHOWN], b->map[TOUCHED]);
    if (fine || (dirty_is_trusted(&j->call, d, q) && (d->keeps || !b->part_cleared)))
        CHECK(j, b->part_cleared ? GPUP_RULE_DIRTY_028 : GPUP_RULE_DIRTY_027, fine,
              "a page that was reported and not cleared is not reported any more");
}

static bool judge_clean(struct gpup_judge *j, const struct dirty *d, const struct query *q) {
    const struct basis *b = q->b;
    const struct vf *v = judge_vf(j, j->call.host, b->vf);
    if (!b->clean || b->outlives || b->calm != d->calls[j->call.host] || (v && !vf_quiet(v)))
        return true;
    struct query other = *q;
    other.reversed = true; /* while the order is not known: then what is set may be unused bits */
    bool zero = !any_set(q) || (!d->ordered && !d->reversed && !any_set(&other));
    CHECK(j,
          b->started        ? GPUP_RULE_DIRTY_022
          : b->paged_before ? GPUP_RULE_DIRTY_046
                            : GPUP_RULE_DIRTY_015,
          zero, "nothing was written since the start, and a bit is set");
    return zero;
}

struct surplus { /* pages reported that nobody wrote */
    uint64_t set, untouched;
    bool read, out, aside, any_read, any_out; /* all of the surplus, aside: either; any page of the query */
    bool touched;                             /* some page of or near the query was written */
};

static struct surplus surplus_of(const struct query *q) {
    const struct basis *b = q->b;
    struct surplus s = {.read = true, .out = true, .aside = true};
    uint64_t near = DIRTY_NEAR / b->page, end = q->first + q->count + near;
    uint64_t from = b->count > 1 || q->first < near ? 0 : q->first - near;
    uint64_t to =
        b->count > 1 || end > b->pages ? b->pages : end; /* several ranges: who knows how they lie */
    for (uint64_t page = from; b->neighbour && page < to && !s.touched; page++)
        s.touched = page_bit(b->map[TOUCHED], page);
    for (uint64_t i = 0; i < q->count; i++) {
        uint64_t page = q->first + i;
        bool touched = page_bit(b->map[TOUCHED], page), set = dirty_is_set(q, i);
        bool read = page_bit(b->map[READ], page), out = page_bit(b->map[OUT], page);
        s.any_read = s.any_read || (!touched && read);
        s.any_out = s.any_out || (!touched && out);
        s.untouched += !touched;
        s.set += !touched && set;
        s.read = s.read && (touched || !set || read);
        s.out = s.out && (touched || !set || out);
        s.aside = s.aside && (touched || !set || read || out);
    }
    return s;
}

/* Too much is safe for the data; what counts is whether it has no end, or a cause that it must not have. Of
 * a write far away that is said only where nothing else can have set the bit. */
static void judge_surplus(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    struct surplus s = surplus_of(q);
    if (b->blurred || b->outlives || !s.untouched)
        return;
    if (s.any_read)
        CHECK(j, GPUP_RULE_DIRTY_025, !s.set || !s.read, "a page that the VF only read is reported");
    if (s.any_out)
        CHECK(j, GPUP_RULE_DIRTY_044, !s.set || !s.out || s.read,
              "a page that was only paged out is reported");
    if (s.set && s.aside)
        return;
    if (b->neighbour && b->near && !s.touched)
        CHECK(j, GPUP_RULE_DIRTY_054, !s.set, "a write beside the basis is reported in it");
    else if (b->neighbour && !s.touched && !b->stirred && !b->told)
        CHECK(j, GPUP_RULE_DIRTY_016, !s.set, "a write far from the basis is reported in it");
    else if (s.untouched >= 16)
        CHECK(j, GPUP_RULE_DIRTY_024, s.set <= s.untouched / 2,
              "%llu of %llu pages that nobody wrote are reported", (unsigned long long)s.set,
              (unsigned long long)s.untouched);
}

/* The parts say what the whole said of each page that is due, as long as nothing was written. Of others no
 * document says that a part is as exact as the whole. What a rule was blamed for is that one's. */
static void judge_parts(struct gpup_judge *j, const struct dirty *d, const struct query *q) {
    const struct basis *b = q->b;
    bool any = false, same = true;
    for (uint64_t i = 0; i < q->count && !b->rewritten; i++) {
        uint64_t page = q->first + i;
        if (!page_bit(b->map[KNOWN], page) ||
            (!page_bit(b->map[WRITTEN], page) && !page_bit(b->map[PAGED], page)))
            continue;
        any = true;
        same = same && page_bit(b->map[ANSWER], page) == dirty_is_set(q, i);
    }
    bool other = q->whole ? b->answer_part : b->answer_whole;
    if (!any || !b->count || !other || q->blamed || q->odd || (d->moved && b->count > 1))
        return;
    /* What power or the end of another basis took, and the whole reported only by being coarse, is none of
     * it. */
    if (same || (d->keeps && d->plain == GPUP_SPEC_NONE && b->blame == GPUP_SPEC_NONE && !b->unsettled))
        CHECK(j, GPUP_RULE_DIRTY_039, same,
              "queries of the whole basis and of its parts differ, with nothing written between");
}

static void update_page(const struct dirty *d, const struct query *q, uint64_t i) {
    struct basis *b = q->b;
    uint64_t page = q->first + i;
    uint8_t bit = (uint8_t)(1u << page % 8), *at[MAPS];
    bool set = dirty_is_set(q, i);
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
        if (late && dirty_may_show(d, q, page))
            *at[LATE] &= (uint8_t)~bit;
        return;
    }
    if (q->odd) /* which pages these are is not known */
        return;
    if (set)
        *at[SHOWN] |= bit;
    *at[ANSWER] = (uint8_t)((*at[ANSWER] & ~bit) | (set ? bit : 0));
    if (!(*at[LATE] & bit))
        *at[KNOWN] |= bit;
    b->answer_whole = b->answer_whole || q->whole;
    b->answer_part = b->answer_part || !q->whole;
}

static void update(const struct dirty *d, const struct query *q) {
    struct basis *b = q->b;
    if (b->rewritten)
        memset(b->map[KNOWN], 0, b->map_room);
    if (b->rewritten)
        b->answer_whole = b->answer_part = false;
    b->rewritten = false;
    b->told = any_set(q) || (b->told && !(q->clears && q->whole));
    for (uint64_t i = 0; i < q->count; i++)
        update_page(d, q, i);
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
        b->neighbour = b->near = b->blurred = b->stirred = false;
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
static void judge_unaligned(struct gpup_judge *j, struct basis *b, const struct gpup_event *e) {
    const uint64_t *a = j->call.a;
    bool any = false, whole = a[GPUP_ARG_QueryDirtyBitData_SubrangeSize] == 0;
    for (size_t i = 0; i < e->data_size && i < e->f[GPUP_OUTPUT_used]; i++)
        any = any || e->data[i];
    if (b->touched && whole)
        CHECK(j, GPUP_RULE_DIRTY_011, any, "a write to a basis of part pages is not reported at all");
    b->touched = b->touched && !(a[GPUP_ARG_QueryDirtyBitData_Flags] & 1);
}

/* memcmp with itself, one byte on, is the fastest loop there is over a buffer that may be large. */
static bool all_are(const uint8_t *bytes, size_t size, uint8_t value) {
    return size == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void judge_tail(struct gpup_judge *j, const struct dirty *d, const struct query *q,
                       const struct gpup_event *e) {
    if (q->count % 8 && !d->reversed)
        CHECK(j, GPUP_RULE_DIRTY_035, !(q->bits[q->count / 8] >> q->count % 8),
              "unused high bits of the last byte are set");
    size_t used = (size_t)(q->count + 7) / 8;
    if (used >= e->data_size)
        return;
    const uint8_t *tail = e->data + used;
    size_t size = e->data_size - used;
    CHECK(j, GPUP_RULE_DIRTY_055, all_are(tail, size, d->fill) || all_are(tail, size, 0),
          "bytes of the buffer beyond the %llu needed were changed", (unsigned long long)used);
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
                      .size = (uint64_t)e->data_size * 8,
                      .reversed = d->reversed};
    if (q.b && q.b->tracking && q.b->unaligned)
        judge_unaligned(j, q.b, e);
    if (!q.b || !q.b->tracking || !q.b->pages || !dirty_range(c, &q) || q.count > q.size)
        return;
    if (!q.b->shared && !q.b->outlives && !q.b->loose) {
        bool fine = judge_written(j, d, &q);
        judge_paged(j, d, &q);
        if (fine)
            judge_shown(j, d, &q);
        fine = judge_clean(j, d, &q) && fine;
        if (fine)
            judge_surplus(j, &q);
        judge_parts(j, d, &q);
    }
    judge_tail(j, d, &q, e);
    update(d, &q);
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
        bool meant = b->live && (!c->names_vf || b->vf == c->vf);
        b->touched = b->touched && !(meant && renews(c->ddi));
        if (!meant || !b->map[0])
            continue;
        b->blurred = true;
        b->began = b->began || begins;
        b->upset = b->upset || !begins;
        b->outlives = b->outlives || (c->ddi == GPUP_DDI_DestroyVirtualGpu && nt_success(c->status));
        b->answered = false; /* what it answers then is not said, nor whether it still tracks */
        if (renews(c->ddi))
            memset(b->map[0], 0, b->map_room * MAPS);
        for (unsigned k = 0; k < sizeof passing / sizeof *passing; k++)
            memset(b->map[passing[k]], 0, b->map_room);
    }
}

static void blur(struct dirty *d, const struct call *c) {
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *b = &d->basis[c->host][i];
        if (!b->live || (c->names_vf && b->vf != c->vf))
            continue;
        b->blurred = true;
        b->answer_whole = b->answer_part = false;
        if (b->map_room)
            memset(b->map[KNOWN], 0, b->map_room);
    }
}

/* The state of a VF that ran may be put into its memory by the pause itself. */
static bool is_pausing(const struct call *c) {
    return c->ddi == GPUP_DDI_SetVirtualFunctionPauseState && c->before.powered && !c->before.paused &&
           c->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause];
}

void dirty_note_endings(const struct gpup_judge *j, struct dirty *d) {
    const struct call *c = &j->call;
    bool performant = j->host[c->host].dirty_caps & 2;
    bool lets_go = c->ddi == GPUP_DDI_EndLiveMigration && c->before.session != SESSION_NONE &&
                   nt_success(c->status) && !performant;
    bool ends = c->ddi == GPUP_DDI_StopDirtyTracking || c->ddi == GPUP_DDI_DestroyMemoryBasis ||
                c->ddi == GPUP_DDI_EndLiveMigration || upsets(c->ddi) || renews(c->ddi);
    for (unsigned i = 0; ends && i < DIRTY_BASES; i++) {
        struct basis *b = &d->basis[c->host][i];
        b->unsettled = b->unsettled || (b->live && (c->names_vf || b->object != c->a[0]));
        b->loose = b->loose || (b->live && lets_go && b->vf == c->vf);
    }
}

/* A part may be switched or cleared only in coarse steps, so that a call for one basis sets bits in the
 * others: too much, but no loss. The same of a call that failed halfway in its own. */
static void stir(struct dirty *d, const struct call *c, const struct basis *own) {
    bool query = c->ddi == GPUP_DDI_QueryDirtyBitData;
    bool switches = c->ddi == GPUP_DDI_StartDirtyTracking || c->ddi == GPUP_DDI_StopDirtyTracking ||
                    c->ddi == GPUP_DDI_DestroyMemoryBasis;
    bool others = switches || (query && (c->a[GPUP_ARG_QueryDirtyBitData_Flags] & 1));
    for (unsigned i = 0; i < DIRTY_BASES && (query || switches); i++) {
        struct basis *b = &d->basis[c->host][i];
        if (b->live && (b == own ? !nt_success(c->status) : others))
            dirty_stir(b);
        if (b->live && b != own && others) /* what they lost by it is not the parts' */
            b->answer_whole = b->answer_part = false;
    }
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
    else if (d->live[c->host] && (!is_harmless(c->ddi) || is_pausing(c)))
        blur(d, c);
    if (query && b && d->emptied)
        dirty_judge_emptied(j, d, b);
    d->emptied = false;
    dirty_note_endings(j, d);
    stir(d, c, b);
    if (writes_nothing(c->ddi) && c->ddi != GPUP_DDI_QueryAdapterInfo)
        dirty_note_usage(d, c);
    if (query)
        dirty_asked(j, b);
    else if (writes_nothing(c->ddi) && c->ddi != GPUP_DDI_QueryAdapterInfo)
        dirty_life(j, d, b);
    if ((c->ddi == GPUP_DDI_StopDevice || c->ddi == GPUP_DDI_RemoveDevice) && nt_success(c->status))
        forget_all(d, c->host);
}
