/* Dirty tracking: which promise was broken when a page that was written is not reported. What stood between
 * the write and the query is to blame only where the same kind of query works without it. */
#include "dirty.h"

#define HIGH (UINT64_C(1) << 32)

/* Bits of a kind of query. */
enum { CLEARS = 1, PART = 2, OFFSET = 4, INDEX = 8, SEVERAL = 16 };

static unsigned kind_of(const struct call *c, const struct query *q) {
    return (q->clears ? CLEARS : 0) | (q->whole ? 0 : PART) |
           (c->a[GPUP_ARG_QueryDirtyBitData_SubrangeOffset] ? OFFSET : 0) |
           (c->a[GPUP_ARG_QueryDirtyBitData_SubrangeIndex] ? INDEX : 0) | (q->b->count > 1 ? SEVERAL : 0);
}

static bool works(const struct dirty *d, unsigned kind) {
    return d->works >> kind & 1;
}

/* Where the page lies in its segment, and whether it is the last of its range. */
static uint64_t offset_of(const struct basis *b, uint64_t page, bool *last) {
    uint32_t i = 0;
    for (; i < b->count && page >= b->piece[i].size / b->page; i++)
        page -= b->piece[i].size / b->page;
    *last = i < b->count && page + 1 == b->piece[i].size / b->page;
    return i < b->count ? b->piece[i].offset + page * b->page : 0;
}

/* What the pages that are missing have in common. */
struct loss {
    bool shown, old, raced, tail, high, last;
    bool later; /* all in ranges after the first, of which nothing is reported */
    bool fresh; /* some was never reported */
    bool part;  /* other pages that are due are reported, below 4 GB */
};

static struct loss loss_of(const struct query *q) {
    const struct basis *b = q->b;
    struct loss l = {true, true, true, q->count % 8 && q->count > 8, true, true, b->count > 1, false, false};
    for (uint64_t i = 0; i < q->count; i++) {
        uint64_t page = q->first + i;
        bool last = false, high = page_bit(b->map[WRITTEN], page) && offset_of(b, page, &last) >= HIGH;
        if (page_bit(b->map[WRITTEN], page) && dirty_is_set(q, i))
            l.part = l.part || !high;
        if (!page_bit(b->map[WRITTEN], page) || dirty_is_set(q, i))
            continue;
        l.fresh = l.fresh || !page_bit(b->map[SHOWN], page);
        l.shown = l.shown && page_bit(b->map[SHOWN], page);
        l.old = l.old && page_bit(b->map[OLD], page);
        l.raced = l.raced && page_bit(b->map[RACED], page);
        l.tail = l.tail && i >= q->count / 8 * 8;
        l.high = l.high && high;
        l.last = l.last && last;
        l.later = l.later && page >= b->piece[0].size / b->page;
    }
    for (uint64_t i = 0; b->count > 1 && q->whole && i < q->count; i++)
        l.later = l.later && (i < b->piece[0].size / b->page || !dirty_is_set(q, i));
    return l;
}

/* Lost without anything that may cost bits: always true of a page that was never reported. */
static uint16_t plain_rule(struct dirty *d, const struct query *q, const struct loss *l, unsigned kind) {
    bool first = l->part || works(d, kind & ~SEVERAL) || works(d, 0) || works(d, CLEARS);
    /* Nothing at all is left of what was due, which the call may have cleared before it copied. */
    d->emptied = q->clears && !l->part && !l->last;
    if (l->later && q->whole && !l->last && first)
        return GPUP_RULE_DIRTY_003;
    return q->whole ? GPUP_RULE_DIRTY_023 : GPUP_RULE_DIRTY_031;
}

static uint16_t special_rule(const struct dirty *d, const struct query *q, const struct loss *l) {
    const struct basis *b = q->b;
    if (b->upset)
        return GPUP_RULE_DIRTY_045;
    if (l->high)
        return GPUP_RULE_DIRTY_053;
    if (b->repeated)
        return GPUP_RULE_DIRTY_050;
    if (b->others_stopped)
        return GPUP_RULE_DIRTY_019;
    if (b->others_started && l->old)
        return GPUP_RULE_DIRTY_017;
    if (b->others_queried && l->old)
        return GPUP_RULE_DIRTY_029;
    if (b->unknown_flags && d->keeps)
        return GPUP_RULE_DIRTY_041;
    if (b->failed_clear)
        return GPUP_RULE_DIRTY_038;
    if (b->part_cleared && (!l->shown || d->keeps))
        return GPUP_RULE_DIRTY_028;
    if (l->shown && !b->part_cleared && !b->unknown_flags)
        return GPUP_RULE_DIRTY_027;
    return l->raced ? GPUP_RULE_DIRTY_026 : GPUP_SPEC_NONE;
}

/* GPUP_SPEC_NONE: it cannot be told which. */
static uint16_t rule_of_loss(const struct call *c, struct dirty *d, const struct query *q,
                             const struct loss *l) {
    struct basis *b = q->b;
    unsigned kind = kind_of(c, q);
    bool odd = q->whole && (kind & (OFFSET | INDEX)), same = works(d, kind) || l->part;
    bool plain = l->fresh && !b->upset;
    if (d->plain != GPUP_SPEC_NONE) /* it loses pages for no other reason than that */
        return plain ? d->plain : GPUP_SPEC_NONE;
    if (b->blame != GPUP_SPEC_NONE && !b->upset)
        return b->blame;
    if (!l->last && !l->tail && odd && works(d, kind & ~(OFFSET | INDEX)) && plain)
        return GPUP_RULE_DIRTY_030;
    if (!l->last && !l->tail && same && !(l->later && q->whole && !d->later_works))
        b->blame = special_rule(d, q, l);
    /* Of a page that was reported, the query that did so may have taken the bit. */
    if (l->shown && !d->keeps && b->blame != GPUP_RULE_DIRTY_027)
        b->blame = GPUP_SPEC_NONE;
    if (b->blame != GPUP_SPEC_NONE)
        return b->blame;
    if (!plain)
        return GPUP_SPEC_NONE;
    d->plain = plain_rule(d, q, l, kind);
    return d->plain;
}

bool dirty_judge_loss(struct gpup_judge *j, struct dirty *d, const struct query *q) {
    struct loss l = loss_of(q);
    uint16_t rule = rule_of_loss(&j->call, d, q, &l);
    if (rule != GPUP_SPEC_NONE && !d->emptied)
        CHECK(j, rule, false,
              rule == GPUP_RULE_DIRTY_030
                  ? "SubrangeIndex or SubrangeOffset counted although SubrangeSize is 0"
                  : "a page that was written is not reported");
    bool fresh = l.fresh && !q->b->upset;
    if (fresh && !d->emptied)
        CHECK(j, GPUP_RULE_ROB_010, false, "a page that was written is neither reported nor still marked");
    return fresh || rule != GPUP_SPEC_NONE;
}

/* The readings after the query are in: whether the device's bits went, although none was returned. */
void dirty_judge_emptied(struct gpup_judge *j, struct dirty *d, const struct basis *b) {
    bool cleared = d->unmarked && d->unmarked_vf == b->vf;
    if (cleared)
        d->plain = GPUP_RULE_DIRTY_026;
    d->emptied = false;
    CHECK(
        j, d->plain, false, "%s",
        cleared
            ? "the query cleared the bits and returned none of them: a page that was written is not reported"
            : "a page that was written is not reported");
    CHECK(j, GPUP_RULE_ROB_010, false, "a page that was written is neither reported nor still marked");
}

/* All that is due is there, in a query of this kind. */
void dirty_note_good(const struct call *c, struct dirty *d, const struct query *q) {
    const struct basis *b = q->b;
    bool low = false, last;
    for (uint64_t page = q->first; page < q->first + q->count; page++) {
        if (!page_bit(b->map[WRITTEN], page))
            continue;
        low = low || offset_of(b, page, &last) < HIGH;
        d->keeps = d->keeps || page_bit(b->map[SHOWN], page);
        d->later_works = d->later_works || (b->count > 1 && page >= b->piece[0].size / b->page);
    }
    d->works |= low ? 1u << kind_of(c, q) : 0;
}

/* Whether an answer of this kind can be trusted to say what there is. */
bool dirty_is_trusted(const struct call *c, const struct dirty *d, const struct query *q) {
    return d->plain == GPUP_SPEC_NONE && q->b->blame == GPUP_SPEC_NONE && works(d, kind_of(c, q));
}

/* What went well although something had happened that may cost bits. */
void dirty_count_survival(struct gpup_judge *j, const struct query *q) {
    const struct basis *b = q->b;
    bool raced = false, old = false, high = false, last;
    for (uint64_t page = q->first; page < q->first + q->count; page++) {
        raced = raced || page_bit(b->map[RACED], page);
        old = old || page_bit(b->map[OLD], page);
        high = high || (page_bit(b->map[WRITTEN], page) && offset_of(b, page, &last) >= HIGH);
    }
    if (raced)
        COUNT(j, GPUP_RULE_DIRTY_026);
    if (b->upset)
        COUNT(j, GPUP_RULE_DIRTY_045);
    if (b->repeated)
        COUNT(j, GPUP_RULE_DIRTY_050);
    if (b->unknown_flags)
        COUNT(j, GPUP_RULE_DIRTY_041);
    if (b->failed_clear)
        COUNT(j, GPUP_RULE_DIRTY_038);
    if (high)
        COUNT(j, GPUP_RULE_DIRTY_053);
    if (b->others_started || b->others_stopped)
        COUNT(j, GPUP_RULE_DIRTY_016);
    if (b->others_stopped)
        COUNT(j, GPUP_RULE_DIRTY_019);
    if (b->others_started && old)
        COUNT(j, GPUP_RULE_DIRTY_017);
    if (b->others_queried && old)
        COUNT(j, GPUP_RULE_DIRTY_029);
    if (b->part_cleared)
        COUNT(j, GPUP_RULE_DIRTY_028);
    if (b->count > 1)
        COUNT(j, GPUP_RULE_DIRTY_003);
    COUNT(j, q->whole ? GPUP_RULE_DIRTY_023 : GPUP_RULE_DIRTY_031);
    COUNT(j, GPUP_RULE_DIRTY_005);
}
