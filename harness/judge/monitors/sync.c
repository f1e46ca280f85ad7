/* Calls of several threads at once: records the group. */
#include "sync.h"

#include <stdlib.h>
#include <string.h>

struct view *sync_view(struct sync *s, unsigned host, uint64_t vf) {
    if (host >= GPUP_MAX_HOSTS || vf >= JUDGE_VFS)
        return NULL;
    s->used[host] |= UINT64_C(1) << vf;
    return &s->view[host][vf];
}

static bool grow(struct gpup_judge *j, struct view *v, uint32_t entries) {
    if (entries > v->capacity) {
        uint8_t *memory = judge_grow(j, v->table, (size_t)entries * 32);
        if (!memory) {
            j->overflow = true;
            return false;
        }
        v->table = memory;
        v->capacity = entries;
    }
    v->table_before = v->table + (size_t)v->capacity * 16;
    return true;
}

/* Entries other than the one that the call at hand writes. */
static void note_strays(const struct gpup_judge *j, struct sync *s, const struct view *v,
                        const struct gpup_event *e) {
    const struct call *c = &j->call;
    bool own = c->names_vf && c->host == e->host && c->vf == e->f[GPUP_OBS_MSIX_vf];
    uint16_t named = (uint16_t)c->a[GPUP_ARG_WriteVirtualizedInterrupt_InterruptTableIndex];
    for (uint32_t i = 0; v->read && i < v->entries && i < e->f[GPUP_OBS_MSIX_entries]; i++)
        if ((!own || i != named) && memcmp(v->table + (size_t)i * 16, e->data + (size_t)i * 16, 16) != 0)
            s->strayed = true;
}

static void read_table(struct gpup_judge *j, struct sync *s, const struct gpup_event *e) {
    struct view *v = sync_view(s, e->host, e->f[GPUP_OBS_MSIX_vf]);
    uint64_t entries = e->f[GPUP_OBS_MSIX_entries];
    if (!v || !entries || entries > SYNC_ENTRIES || e->data_size < entries * 16)
        return;
    if (entries > v->capacity)
        v->known = false; /* what was before moves with the memory */
    if (!grow(j, v, (uint32_t)entries))
        return;
    v->known = v->known && v->entries == entries;
    note_strays(j, s, v, e);
    v->entries = (uint32_t)entries;
    v->read = true;
    memcpy(v->table, e->data, entries * 16);
}

static void read_dirty(struct sync *s, const struct gpup_event *e) {
    struct view *v = sync_view(s, e->host, e->f[GPUP_OBS_DIRTY_vf]);
    if (!v)
        return;
    memset(v->dirty, 0, sizeof v->dirty);
    if (e->data_size)
        memcpy(v->dirty, e->data, e->data_size < sizeof v->dirty ? e->data_size : sizeof v->dirty);
}

/* It moved although no call was in the driver: it shares time out by what there is to do. */
static void read_schedule(const struct gpup_judge *j, struct sync *s, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_OBS_SCHEDULE_vf];
    const struct host *h = &j->host[e->host];
    const struct schedule *was = vf < JUDGE_VFS ? &h->vf[vf].schedule : &h->pf;
    if (!s->open && !j->call.active && !j->call.returned && was->seen &&
        (was->running != (e->f[GPUP_OBS_SCHEDULE_running] != 0) ||
         was->share != e->f[GPUP_OBS_SCHEDULE_share] || was->paging != e->f[GPUP_OBS_SCHEDULE_paging]))
        s->calm[e->host].known = false;
}

static void begin_view(struct view *v, const struct vf *now, bool resetting) {
    v->calls = 0;
    v->known = v->read;
    if (v->read)
        memcpy(v->table_before, v->table, (size_t)v->entries * 16);
    memcpy(v->dirty_before, v->dirty, sizeof v->dirty);
    v->schedule_before = now->schedule;
    v->paused_before = now->paused;
    v->rising_before = now->rising;
    v->resetting = resetting;
    v->powered_before = now->powered;
}

static void begin_group(struct gpup_judge *j, struct sync *s) {
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++) {
        s->sessions[h] = j->host[h].open_sessions;
        s->calm[h].young = s->calm[h].young && host_is_restless(&j->host[h]);
    }
    s->open = true;
    s->died = s->freed = s->more = false;
    s->count = 0;
    s->taken.object = s->taken.queries = 0;
    s->taken.parts = 0;
    memset(s->taken.bits, 0, sizeof s->taken.bits);
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (uint64_t used = j->used[h]; used; used &= used - 1) {
            unsigned vf = (unsigned)__builtin_ctzll(used);
            const struct vf *v = &j->host[h].vf[vf];
            bool resetting = call_reset_goes_on(j, v);
            begin_view(sync_view(s, h, vf), v, resetting);
            if (v->rising || resetting) /* and takes its share of the others', or leaves it */
                s->calm[h].known = false;
        }
}

static bool is_taking(const struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    return c->returned && c->ddi == GPUP_DDI_QueryDirtyBitData && nt_success(c->status) &&
           e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA && (c->a[GPUP_ARG_QueryDirtyBitData_Flags] & 1);
}

bool sync_is_reserve(struct gpup_judge *j, unsigned host, const struct basis_of *b) {
    const struct vf *v = b->ranges == 1 && b->vf < JUDGE_VFS ? judge_vf(j, host, b->vf) : NULL;
    return v && v->reserve_ranges == 1 && v->reserve_segment == b->segment &&
           v->reserve_offset == b->offset && v->reserve_size == b->size;
}

/* With no other thread about: whether all comes that the device has marked. */
static void took_alone(struct gpup_judge *j, struct sync *s, const struct gpup_event *e) {
    const struct basis_of *b = NULL;
    bool any = false, all = true;
    for (unsigned i = 0; i < s->bases; i++)
        if (s->basis[i].object == j->call.a[GPUP_ARG_QueryDirtyBitData_MemoryBasis])
            b = &s->basis[i];
    if (!b || !sync_is_reserve(j, j->call.host, b))
        return;
    const struct view *v = &s->view[j->call.host][b->vf];
    for (size_t i = 0; i < sizeof v->dirty; i++) {
        uint8_t got = i < e->data_size ? e->data[i] : 0;
        any = any || v->dirty[i];
        all = all && !(v->dirty[i] & ~got);
    }
    s->query_works = any ? all : s->query_works;
}

/* What a query of dirty bits returned counts for all queries of that basis. */
static void took(struct gpup_judge *j, struct sync *s, const struct gpup_event *e) {
    const struct call *c = &j->call;
    if (!is_taking(j, e))
        return;
    uint64_t object = c->a[GPUP_ARG_QueryDirtyBitData_MemoryBasis];
    bool part = c->a[GPUP_ARG_QueryDirtyBitData_SubrangeSize] != 0;
    if (!s->open) {
        if (!part)
            took_alone(j, s, e);
        return;
    }
    if (part) {
        s->taken.part[s->taken.parts++ % JUDGE_LANES] = object;
        return;
    }
    if (s->taken.queries && s->taken.object != object)
        return;
    s->taken.object = object;
    s->taken.queries++;
    for (size_t i = 0; i < e->data_size && i < sizeof s->taken.bits; i++)
        s->taken.bits[i] |= e->data[i];
}

/* The first call in which something went wrong. */
static void blame(const struct gpup_judge *j, struct sync *s) {
    struct did d = sync_did(j, s);
    if (s->open && !s->died && !s->freed)
        s->killer_works = j->call.active && sync_works_alone(s, &d, false);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct sync *s = state;
    switch (e->kind) {
    case GPUP_EVENT_TOGETHER:
        if (e->f[GPUP_TOGETHER_phase] == GPUP_TOGETHER_BEGINS)
            begin_group(j, s);
        if (e->f[GPUP_TOGETHER_phase] == GPUP_TOGETHER_SETTLED && s->open) {
            s->open = false;
            sync_judge(j, s);
        }
        break;
    case GPUP_EVENT_CALL:
        s->strayed = false;
        if (!s->open)
            s->sessions[e->host] = j->host[e->host].open_sessions;
        if (j->call.active)
            sync_hosts(j);
        break;
    case GPUP_EVENT_OUTPUT:
        took(j, s, e);
        break;
    case GPUP_EVENT_OBS_MSIX:
        read_table(j, s, e);
        break;
    case GPUP_EVENT_OBS_DIRTY:
        read_dirty(s, e);
        break;
    case GPUP_EVENT_OBS_SCHEDULE:
        read_schedule(j, s, e);
        break;
    case GPUP_EVENT_BASIS_RANGE:
        s->next.ranges++;
        s->next.vf = (uint32_t)e->f[GPUP_BASIS_RANGE_vf];
        s->next.segment = (uint32_t)e->f[GPUP_BASIS_RANGE_segment];
        s->next.offset = e->f[GPUP_BASIS_RANGE_offset];
        s->next.size = e->f[GPUP_BASIS_RANGE_size];
        break;
    case GPUP_EVENT_POOL_DAMAGE:
        blame(j, s);
        s->freed = s->freed || s->open;
        break;
    default: /* a death */
        blame(j, s);
        s->died = s->died || s->open;
        if (s->open)
            sync_judge(j, s);
        s->open = false;
    }
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct sync *s = state;
    const struct call *c = &j->call;
    struct view *v = c->names_vf ? sync_view(s, c->host, c->vf) : NULL;
    if (v)
        v->calls++;
    s->more = s->more || s->count == SYNC_CALLS;
    if (!s->open || s->more)
        return;
    s->did[s->count++] = sync_did(j, s);
    sync_note_calm(j, s);
}

static void answered(struct gpup_judge *j, struct sync *s) {
    const struct call *c = &j->call;
    uint8_t *count = &s->answers[c->host];
    uint64_t type = c->a[GPUP_ARG_QueryAdapterInfo_Type], input = c->a[GPUP_ARG_QueryAdapterInfo_Input];
    if (!nt_success(c->status) || c->class != GPUP_LEGAL)
        return;
    unsigned i = 0;
    while (i < *count && (s->answer[c->host][i].type != type || s->answer[c->host][i].input != input))
        i++;
    if (i == sizeof s->answer[0] / sizeof s->answer[0][0])
        return;
    s->answer[c->host][i].type = type;
    s->answer[c->host][i].input = input;
    s->answer[c->host][i].value = c->r[GPUP_RES_QueryAdapterInfo_Output];
    *count += i == *count;
}

static void note_schedule(struct sync *s, unsigned host, unsigned vf, const struct host *h) {
    uint64_t bit = UINT64_C(1) << vf;
    s->calm[host].vf[vf] = h->vf[vf].schedule;
    s->calm[host].working = (s->calm[host].working & ~bit) | (h->vf[vf].work_pending ? bit : 0);
}

static void settle(struct gpup_judge *j, void *state) {
    struct sync *s = state;
    const struct call *c = &j->call;
    struct host *h = &j->host[c->host];
    bool calm = !h->open_sessions && !h->asleep && c->ddi != GPUP_DDI_SetPowerState;
    for (uint64_t used = j->used[c->host]; used && calm; used &= used - 1)
        calm = !h->vf[__builtin_ctzll(used)].paused;
    sync_note_calm(j, s);
    if (s->calm[c->host].structure != h->structure)
        s->calm[c->host].back.due = false;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        if (c->late >> i & 1)
            s->calm[i].known = s->calm[i].back.due = false;
    if (calm && !s->calm[c->host].back.due) {
        sync_learn_calm(j, s);
        s->calm[c->host].known = h->pf.seen;
        s->calm[c->host].structure = h->structure;
        s->calm[c->host].pf = h->pf;
        s->calm[c->host].young = host_is_restless(h);
        for (uint64_t used = j->used[c->host]; used; used &= used - 1)
            note_schedule(s, c->host, (unsigned)__builtin_ctzll(used), h);
    }
    sync_learn(j, s);
    if (c->ddi == GPUP_DDI_SetVirtualGpuVmBus && call_vf(j) && nt_success(c->status))
        sync_view(s, c->host, c->vf)->handed = 1 + call_vf(j)->life;
    if (gpup_ddis[c->ddi].sync == 3)
        COUNT(j, GPUP_RULE_SYNC_007);
    if (c->ddi == GPUP_DDI_QueryAdapterInfo)
        answered(j, s);
    if (c->ddi == GPUP_DDI_StopDevice)
        s->answers[c->host] = 0;
    if (c->ddi == GPUP_DDI_CreateMemoryBasis && c->handle && s->bases < 16) {
        s->next.object = c->handle;
        s->basis[s->bases++] = s->next;
    }
    if (c->ddi == GPUP_DDI_CreateMemoryBasis)
        s->next.ranges = 0;
}

static void reset(struct gpup_judge *j, void *state) {
    struct sync *s = state;
    (void)j;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++) {
        for (uint64_t used = s->used[h]; used; used &= used - 1) {
            struct view *v = &s->view[h][__builtin_ctzll(used)];
            *v = (struct view){.table = v->table, .table_before = v->table_before, .capacity = v->capacity};
        }
        s->used[h] = 0;
        s->answers[h] = 0;
    }
    memset(s->calm, 0, sizeof s->calm);
    s->open = false;
    s->bases = 0;
    s->next.ranges = 0;
    s->alone_count = 0;
    s->query_works = false;
}

static void release(struct gpup_judge *j, void *state) {
    struct sync *s = state;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < JUDGE_VFS; i++)
            judge_drop(j, s->view[h][i].table);
}

const struct monitor monitor_sync = {.id = GPUP_MONITOR_sync,
                                     .state_size = sizeof(struct sync),
                                     .kinds = KIND(TOGETHER) | KIND(CALL) | KIND(OUTPUT) | KIND(OBS_MSIX) |
                                              KIND(OBS_DIRTY) | KIND(OBS_SCHEDULE) | KIND(BASIS_RANGE) |
                                              KIND(POOL_DAMAGE) | KIND(FAULT) | KIND(BUGCHECK) | KIND(HANG),
                                     .event = event,
                                     .settle = settle,
                                     .overlapped = overlapped,
                                     .later = sync_later,
                                     .reset = reset,
                                     .release = release};
