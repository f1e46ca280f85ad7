/* Dirty tracking: how a driver lays out its answers. No document says, so every way that explains them will
 * do; while several may, nothing is drawn from one of them. */
#include "dirty.h"

#include <string.h>

#define ANY_PLACE 64u /* ranges up to which an answer is tried on every layout whatever it shows */

/* A layout: where the bits of a range begin, twice, plus 1 for the highest bit of a byte first. */
enum place { AS_GIVEN, PADDED, ASCENDING, PLACES };
#define LAYOUTS (2 * PLACES)
#define LOW_FIRST 0x15u
#define HIGH_FIRST 0x2Au

static uint64_t place_of(const struct basis *b, uint64_t page, enum place place) {
    uint64_t at = 0, bits = 0;
    if (place == AS_GIVEN)
        return page;
    uint32_t in = 0;
    while (in < b->count && page - at >= b->piece[in].size / b->page)
        at += b->piece[in++].size / b->page;
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t pages = b->piece[i].size / b->page;
        if (place == PADDED ? i < in : b->piece[i].offset < b->piece[in].offset)
            bits += place == PADDED ? (pages + 7) / 8 * 8 : pages;
    }
    return bits + page - at;
}

static bool is_several(const struct query *q) {
    return q->whole && q->b->count > 1;
}

static bool shows_page(const struct query *q, uint64_t page, unsigned layout) {
    uint64_t at = q->whole ? place_of(q->b, page, layout / 2) : page - q->first;
    at ^= layout % 2 ? 7 : 0;
    return at < q->size && page_bit(q->bits, at);
}

static bool shows(const struct query *q, unsigned layout) {
    for (uint64_t page = q->first; page < q->first + q->count; page++)
        if (page_bit(q->b->map[WRITTEN], page) && !shows_page(q, page, layout))
            return false;
    return true;
}

/* Bit mask of the layouts in which all that is due is there; of those that differ by places only where it is
 * not there with the ranges as given. */
static unsigned layouts_of(const struct dirty *d, const struct query *q) {
    unsigned found = (shows(q, 0) ? 1 : 0) | (shows(q, 1) ? 2 : 0);
    for (unsigned i = 2; i < LAYOUTS && is_several(q) && !(found & (d->reversed ? 2 : 1)); i++)
        found |= shows(q, i) ? 1u << i : 0;
    if (d->reversed)
        return found & HIGH_FIRST;
    return d->ordered ? found & LOW_FIRST : found;
}

/* Whether all bits after the last page are set: then a page that is found there proves nothing. */
static bool is_tail_full(const struct query *q) {
    return q->count % 8 && q->bits[q->count / 8] >> q->count % 8 == 0xFF >> q->count % 8;
}

/* From here on answers are read that way. */
static void adopt(struct dirty *d, struct query *q, bool reversed, bool moved) {
    if (!(reversed && !d->reversed) && !(moved && !d->moved))
        return;
    d->reversed = d->reversed || reversed;
    d->moved = d->moved || moved;
    q->reversed = d->reversed;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS * DIRTY_BASES; i++) {
        struct basis *b = &d->basis[i / DIRTY_BASES][i % DIRTY_BASES];
        if (b->live && b->map_room)
            memset(b->map[0], 0, b->map_room * MAPS);
        b->blurred = true;
    }
}

enum answer dirty_read(struct gpup_judge *j, struct dirty *d, struct query *q) {
    unsigned host = j->call.host, found = layouts_of(d, q), low = found & LOW_FIRST,
             high = found & HIGH_FIRST;
    if (found & (d->reversed ? 2 : 1)) {
        d->ordered = d->ordered || (!d->reversed && !is_several(q) && !high);
        if (!d->reversed)
            COUNT(j, GPUP_RULE_DIRTY_033);
        if (is_several(q))
            COUNT(j, GPUP_RULE_DIRTY_032);
        return ANSWER_WHOLE;
    }
    if (!found)
        return d->moved && is_several(q) ? ANSWER_ODD : ANSWER_LACKS;
    j->host[host].odd_bits = j->host[host ^ 1u].odd_bits = true;
    if (!d->reversed && high && (low || is_tail_full(q)))
        return ANSWER_ODD;
    bool reversed = !d->reversed && high, moved = !(found & (reversed || d->reversed ? 2 : 1));
    CHECK(j, GPUP_RULE_DIRTY_033, !reversed, "the bits of a byte are in the order from high to low");
    if (is_several(q))
        CHECK(j, GPUP_RULE_DIRTY_032, !moved, "the ranges are padded or sorted in the answer");
    adopt(d, q, reversed, moved);
    return ANSWER_ODD;
}

bool dirty_may_show(const struct dirty *d, const struct query *q, uint64_t page) {
    for (unsigned i = 0; i < LAYOUTS; i++) {
        bool order = i % 2 ? !d->ordered : !d->reversed;
        bool place = i < 2 || (is_several(q) && (d->moved || q->b->count <= ANY_PLACE));
        if (order && place && shows_page(q, page, i))
            return true;
    }
    return false;
}
