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

static void saw_range(struct dirty *d, const struct gpup_event *e) {
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

/* A stretch of a segment, and the maps in which it is marked or unmarked. */
struct stretch {
    uint64_t offset, size;
    unsigned set, also; /* numbers of maps; also MAPS: none */
    bool writes;
};

static void mark_pages(struct basis *b, const struct stretch *s, uint64_t first, uint64_t last) {
    for (uint64_t page = first; page <= last; page++) {
        uint8_t bit = (uint8_t)(1u << page % 8);
        b->map[s->set][page / 8] |= bit;
        if (s->also < MAPS)
            b->map[s->also][page / 8] |= bit;
    }
}

/* Marks the pages of a basis that the stretch touches; whether there are any. */
static bool mark(struct basis *b, const struct stretch *s) {
    uint64_t before = 0, end = s->offset + s->size; /* before: bytes of other pieces, whole pages */
    bool any = false;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct piece *p = &b->piece[i];
        uint64_t from = s->offset > p->offset ? s->offset : p->offset;
        uint64_t to = end < p->offset + p->size ? end : p->offset + p->size;
        if (from < to)
            mark_pages(b, s, (before + from - p->offset) / b->page, (before + to - 1 - p->offset) / b->page);
        any = any || from < to;
        before += p->size;
    }
    return any;
}

static bool is_near(const struct basis *b, const struct stretch *s) {
    for (uint32_t i = 0; i < b->count; i++)
        if (s->offset < b->piece[i].offset + b->piece[i].size + DIRTY_NEAR &&
            b->piece[i].offset < s->offset + s->size + DIRTY_NEAR)
            return true;
    return false;
}

static void touch(struct basis *b, uint32_t segment, const struct stretch *s) {
    bool hit = b->segment == segment && mark(b, s);
    if (!s->writes) {
        if (b->segment == segment)
            dirty_stir(b); /* no MUST forbids to mark what was only read */
        return;
    }
    hit = hit || (b->unaligned && b->segment == segment && s->offset < b->only.offset + b->only.size &&
                  b->only.offset < s->offset + s->size);
    b->touched = b->touched || hit;
    b->rewritten = b->rewritten || b->segment == segment; /* the part may be coarser than its pages */
    b->clean = b->clean && b->segment != segment;
    b->neighbour = b->neighbour || !hit;
    b->near = b->near || (!hit && b->segment == segment && is_near(b, s));
}

static void may_touch(struct basis *b) {
    b->clean = false;
    b->blurred = b->rewritten = b->touched = true;
}

/* A stretch of the VF's reserve; how it is marked stands in *s. */
static void saw_access(struct dirty *d, const struct gpup_event *e, uint64_t vf, struct stretch s) {
    if (vf >= JUDGE_VFS || !d->live[e->host])
        return;
    for (unsigned i = 0; i < d->reserve_count[e->host][vf] && s.size; i++) {
        uint64_t whole = d->reserve[e->host][vf][i].size;
        if (s.offset >= whole) {
            s.offset -= whole;
            continue;
        }
        struct stretch part = s;
        part.size = s.size < whole - s.offset ? s.size : whole - s.offset;
        part.offset += d->reserve[e->host][vf][i].offset;
        for (unsigned k = 0; k < DIRTY_BASES; k++)
            if (d->basis[e->host][k].live && d->basis[e->host][k].tracking)
                touch(&d->basis[e->host][k], d->reserve[e->host][vf][i].segment, &part);
        s.size -= part.size;
        s.offset = 0;
    }
    for (unsigned k = 0; s.size && k < DIRTY_BASES; k++) /* beyond the ranges that are followed: anywhere */
        if (d->basis[e->host][k].live && d->basis[e->host][k].tracking)
            may_touch(&d->basis[e->host][k]);
}

static void saw_write(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    bool querying = j->call.active && j->call.ddi == GPUP_DDI_QueryDirtyBitData && j->call.host == e->host;
    if (e->f[GPUP_GUEST_WRITE_done])
        saw_access(d, e, e->f[GPUP_GUEST_WRITE_vf],
                   (struct stretch){.offset = e->f[GPUP_GUEST_WRITE_offset],
                                    .size = e->f[GPUP_GUEST_WRITE_size],
                                    .set = querying ? LATE : WRITTEN,
                                    .also = TOUCHED,
                                    .writes = true});
}

/* Only what comes in a migration is to be marked: into a target, or into a reserve that is tracked from the
 * first on and whose VM has not begun. */
static bool is_receiving(struct gpup_judge *j, const struct gpup_event *e) {
    const struct host *h = &j->host[e->host];
    const struct vf *v = judge_vf(j, e->host, e->f[GPUP_PAGING_vf]);
    bool performant = h->dirty_caps_seen && (h->dirty_caps & 2);
    return v && (v->session == SESSION_TARGET || (performant && !v->was_powered));
}

static void saw_paging(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    bool in = e->f[GPUP_PAGING_in] != 0;
    uint64_t vf = e->f[GPUP_PAGING_vf];
    if (in && vf < JUDGE_VFS)
        d->paged[e->host][vf] = true;
    saw_access(d, e, vf,
               (struct stretch){.offset = e->f[GPUP_PAGING_offset],
                                .size = e->f[GPUP_PAGING_size],
                                .set = !in                  ? OUT
                                       : is_receiving(j, e) ? PAGED
                                                            : TOUCHED,
                                .also = in ? TOUCHED : MAPS,
                                .writes = in});
}

/* Whether the call at hand took bits from the device. */
static void saw_marks(const struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_OBS_DIRTY_vf];
    if (vf >= JUDGE_VFS)
        return;
    uint8_t *mark = d->mark[e->host][vf];
    size_t size = e->data_size < DIRTY_MARKS ? e->data_size : DIRTY_MARKS;
    uint8_t gone = 0;
    for (size_t i = 0; i < size; i++)
        gone |= (uint8_t)(mark[i] & ~e->data[i]);
    for (size_t i = size; i < DIRTY_MARKS; i++)
        gone |= mark[i];
    if (gone && j->call.returned && j->call.host == e->host) {
        d->unmarked = true;
        d->unmarked_vf = (uint32_t)vf;
    }
    if (size)
        memcpy(mark, e->data, size);
    memset(mark + size, 0, DIRTY_MARKS - size);
}

static void saw_call(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e) {
    d->unmarked = false;
    if (e->f[GPUP_CALL_ddi] == GPUP_DDI_PrepareLiveMigration)
        d->session[e->host] = true;
    if (j->call.names_vf && j->call.vf < JUDGE_VFS)
        d->reserve_open[e->host][j->call.vf] = false;
    if (j->call.ddi != GPUP_DDI_CreateMemoryBasis)
        d->next_whole = true;
    else if (d->next_whole) { /* no range at all came, and nothing says of which VF */
        d->next_count = 0;
        d->next_vf = GPUP_PF;
        d->next_segment = 0;
        d->next_whole = false;
    }
}

/* Calls whose memory is that of a basis. */
static bool is_about_bases(uint16_t ddi) {
    return ddi == GPUP_DDI_CreateMemoryBasis || ddi == GPUP_DDI_StartDirtyTracking ||
           ddi == GPUP_DDI_StopDirtyTracking || ddi == GPUP_DDI_QueryDirtyBitData;
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct dirty *d = state;
    switch (e->kind) {
    case GPUP_EVENT_WORLD:
        d->fill = e->f[GPUP_WORLD_fill] & 1 ? 0xFF : 0;
        break;
    case GPUP_EVENT_SEGMENT:
        if (e->f[GPUP_SEGMENT_id] <= GPUP_MAX_SEGMENTS)
            d->segment_size[e->host][e->f[GPUP_SEGMENT_id]] = e->f[GPUP_SEGMENT_size];
        break;
    case GPUP_EVENT_BASIS_RANGE:
        saw_range(d, e);
        break;
    case GPUP_EVENT_BUFFER:
        if (e->f[GPUP_BUFFER_role] == GPUP_ROLE_ARGUMENTS)
            d->next_list = e->f[GPUP_BUFFER_object];
        break;
    case GPUP_EVENT_RESERVE:
        saw_reserve(d, e);
        break;
    case GPUP_EVENT_GUEST_WRITE:
        saw_write(j, d, e);
        break;
    case GPUP_EVENT_GUEST_READ:
        saw_access(d, e, e->f[GPUP_GUEST_READ_vf],
                   (struct stretch){.offset = e->f[GPUP_GUEST_READ_offset],
                                    .size = e->f[GPUP_GUEST_READ_size],
                                    .set = READ,
                                    .also = MAPS});
        break;
    case GPUP_EVENT_PAGING:
        saw_paging(j, d, e);
        break;
    case GPUP_EVENT_OUTPUT:
        dirty_query(j, d, e);
        break;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_POOL_DAMAGE:
        dirty_died(j, d, e);
        break;
    case GPUP_EVENT_ALLOC:
        if (j->call.active && is_about_bases(j->call.ddi))
            d->made[d->mades++ % DIRTY_MADE] = e->f[GPUP_ALLOC_object];
        break;
    case GPUP_EVENT_OBS_DIRTY:
        saw_marks(j, d, e);
        break;
    case GPUP_EVENT_LEFT:
        dirty_left(j, d, e);
        break;
    case GPUP_EVENT_STEP:
        d->other_calls[e->host] += judge_acts_beside(e->f[GPUP_STEP_op]);
        break;
    default: /* CALL */
        saw_call(j, d, e);
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < DIRTY_BASES; i++)
            d->basis[h][i].live = false;
    memset(d->live, 0, sizeof d->live);
    memset(d->other_calls, 0, sizeof d->other_calls);
    memset(d->lives, 0, sizeof d->lives);
    memset(d->starts, 0, sizeof d->starts);
    memset(d->cycle, 0, sizeof d->cycle);
    memset(d->row, 0, sizeof d->row);
    memset(d->left_alive, 0, sizeof d->left_alive);
    memset(d->session, 0, sizeof d->session);
    memset(d->lost, 0, sizeof d->lost);
    memset(d->segment_size, 0, sizeof d->segment_size);
    judge_clear_used(j, d->paged, sizeof d->paged[0][0]);
    memset(d->reserve_count, 0, sizeof d->reserve_count);
    memset(d->reserve_open, 0, sizeof d->reserve_open);
    d->next_count = 0;
    d->next_whole = false;
    d->fill = 0;
    judge_clear_used(j, d->mark, sizeof d->mark[0][0]);
    d->works = d->mades = 0;
    d->plain = GPUP_SPEC_NONE;
    d->emptied = d->keeps = d->later_works = d->reversed = d->ordered = d->moved = false;
    d->most = 0;
}

static void release(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < DIRTY_BASES; i++) {
            judge_drop(j, d->basis[h][i].piece);
            judge_drop(j, d->basis[h][i].map[0]);
        }
}

/* Calls that make, end or move what the model is made of. */
static bool is_life(uint16_t ddi) {
    return ddi == GPUP_DDI_CreateMemoryBasis || ddi == GPUP_DDI_DestroyMemoryBasis ||
           ddi == GPUP_DDI_StartDirtyTracking || ddi == GPUP_DDI_StopDirtyTracking ||
           ddi == GPUP_DDI_CreateVirtualGpu || ddi == GPUP_DDI_DestroyVirtualGpu ||
           ddi == GPUP_DDI_StopDevice || ddi == GPUP_DDI_SetVirtualGpuResources ||
           ddi == GPUP_DDI_SetVirtualGpuResources2;
}

/* What bits a query took that overlapped another nobody knows. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct dirty *d = state;
    d->next_whole = true;
    if (is_life(j->call.ddi)) {
        d->lost[j->call.host] = true;
        for (unsigned i = 0; i < DIRTY_BASES; i++)
            d->basis[j->call.host][i].live = false;
        d->live[j->call.host] = 0;
    }
    for (unsigned i = 0; i < DIRTY_BASES; i++) {
        struct basis *b = &d->basis[j->call.host][i];
        b->blurred = true;
        b->clean = b->touched = b->answered = false;
        if (b->live && b->map[0])
            if (b->map_room)
                memset(b->map[0], 0, b->map_room * MAPS);
    }
    dirty_note_endings(j, d);
    d->calls[j->call.host]++;
    d->other_calls[j->call.host]++;
}

const struct monitor monitor_dirty = {
    .id = GPUP_MONITOR_dirty,
    .state_size = sizeof(struct dirty),
    .kinds = KIND(STEP) | KIND(WORLD) | KIND(SEGMENT) | KIND(BASIS_RANGE) | KIND(BUFFER) | KIND(RESERVE) |
             KIND(GUEST_WRITE) | KIND(GUEST_READ) | KIND(PAGING) | KIND(OUTPUT) | KIND(FAULT) |
             KIND(POOL_DAMAGE) | KIND(LEFT) | KIND(CALL) | KIND(ALLOC) | KIND(OBS_DIRTY),
    .event = event,
    .settle = dirty_settle,
    .overlapped = overlapped,
    .reset = reset,
    .release = release};
