/* Dirty tracking: bases, and the writes to their pages. */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

struct basis *dirty_find(struct dirty *d, unsigned host, uint64_t object) {
    for (unsigned i = 0; i < DIRTY_BASES && object; i++)
        if (d->basis[host][i].live && d->basis[host][i].object == object)
            return &d->basis[host][i];
    return NULL;
}

static void saw_range(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    (void)j;
    if (d->next_whole) {
        d->next_count = 0;
        d->next_whole = false;
    }
    d->next_vf = (uint32_t)e->f[GPUP_BASIS_RANGE_vf];
    d->next_segment = (uint32_t)e->f[GPUP_BASIS_RANGE_segment];
    if (d->next_count < DIRTY_RANGES)
        d->next[d->next_count] = (struct piece){e->f[GPUP_BASIS_RANGE_offset], e->f[GPUP_BASIS_RANGE_size]};
    d->next_count++;
}

static void saw_reserve(struct dirty *d, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_RESERVE_vf];
    if (vf >= JUDGE_VFS)
        return;
    uint8_t *count = &d->reserve_count[e->host][vf];
    if (!d->reserve_open[e->host][vf])
        *count = 0;
    d->reserve_open[e->host][vf] = true;
    if (*count == GPUP_MAX_SEGMENTS)
        return;
    d->reserve[e->host][vf][*count].segment = (uint32_t)e->f[GPUP_RESERVE_segment];
    d->reserve[e->host][vf][*count].offset = e->f[GPUP_RESERVE_offset];
    d->reserve[e->host][vf][(*count)++].size = e->f[GPUP_RESERVE_size];
}

/* Marks the pages of a basis that a stretch of its segment touches. */
static void mark(struct basis *b, unsigned map, uint64_t offset, uint64_t size) {
    uint64_t first_page = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct piece *p = &b->piece[i];
        uint64_t from = offset > p->offset ? offset : p->offset;
        uint64_t to = offset + size < p->offset + p->size ? offset + size : p->offset + p->size;
        for (uint64_t page = from < to ? (from - p->offset) / b->page : 1;
             from < to && page <= (to - 1 - p->offset) / b->page; page++)
            b->map[map][(first_page + page) / 8] |= (uint8_t)(1u << (first_page + page) % 8);
        first_page += p->size / b->page;
    }
}

static void saw_write(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e, uint64_t vf,
                      uint64_t offset, uint64_t size, unsigned map) {
    bool querying = j->call.active && j->call.ddi == GPUP_DDI_QueryDirtyBitData && j->call.host == e->host;
    if (vf >= JUDGE_VFS || !d->live[e->host])
        return;
    for (unsigned i = 0; i < d->reserve_count[e->host][vf] && size; i++) {
        uint64_t whole = d->reserve[e->host][vf][i].size;
        if (offset >= whole) {
            offset -= whole;
            continue;
        }
        uint64_t part = size < whole - offset ? size : whole - offset;
        for (unsigned k = 0; k < DIRTY_BASES; k++) {
            struct basis *b = &d->basis[e->host][k];
            if (!b->live || !b->tracking || b->segment != d->reserve[e->host][vf][i].segment)
                continue;
            b->clean = false;
            mark(b, querying && map == WRITTEN ? LATE : map, d->reserve[e->host][vf][i].offset + offset,
                 part);
        }
        size -= part;
        offset = 0;
    }
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct dirty *d = state;
    switch (e->kind) {
    case GPUP_EVENT_BASIS_RANGE:
        saw_range(j, d, e);
        break;
    case GPUP_EVENT_RESERVE:
        saw_reserve(d, e);
        break;
    case GPUP_EVENT_GUEST_WRITE:
        if (e->f[GPUP_GUEST_WRITE_done])
            saw_write(j, d, e, e->f[GPUP_GUEST_WRITE_vf], e->f[GPUP_GUEST_WRITE_offset],
                      e->f[GPUP_GUEST_WRITE_size], WRITTEN);
        break;
    case GPUP_EVENT_PAGING:
        if (e->f[GPUP_PAGING_in])
            saw_write(j, d, e, e->f[GPUP_PAGING_vf], e->f[GPUP_PAGING_offset], e->f[GPUP_PAGING_size], PAGED);
        break;
    case GPUP_EVENT_OUTPUT:
        dirty_query(j, d, e);
        break;
    default: /* CALL */
        if (j->call.names_vf && j->call.vf < JUDGE_VFS)
            d->reserve_open[e->host][j->call.vf] = false;
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    (void)j;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < DIRTY_BASES; i++)
            d->basis[h][i].live = false;
    memset(d->live, 0, sizeof d->live);
    memset(d->reserve_count, 0, sizeof d->reserve_count);
    memset(d->reserve_open, 0, sizeof d->reserve_open);
    d->next_count = 0;
    d->next_whole = false;
}

static void release(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    (void)j;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < DIRTY_BASES; i++) {
            free(d->basis[h][i].piece);
            free(d->basis[h][i].map[0]);
        }
}

const struct monitor monitor_dirty = {.id = GPUP_MONITOR_dirty,
                                      .state_size = sizeof(struct dirty),
                                      .kinds = KIND(BASIS_RANGE) | KIND(RESERVE) | KIND(GUEST_WRITE) |
                                               KIND(PAGING) | KIND(OUTPUT) | KIND(CALL),
                                      .event = event,
                                      .settle = dirty_settle,
                                      .reset = reset,
                                      .release = release};
