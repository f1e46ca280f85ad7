/* The bases that track, for what a session must leave on: of a performant device only. */
#include "migration.h"

#include <string.h>

static struct track *find(struct tracks *t, unsigned host, uint64_t object) {
    for (unsigned i = 0; i < MIGRATION_TRACKS && object; i++)
        if (t->of[host][i].object == object)
            return &t->of[host][i];
    return NULL;
}

static void created(struct tracks *t, const struct call *c) {
    struct track *free = find(t, c->host, c->handle);
    for (unsigned i = 0; i < MIGRATION_TRACKS && !free; i++)
        free = t->of[c->host][i].object ? NULL : &t->of[c->host][i];
    if (free)
        *free = (struct track){.object = c->handle, .vfs = t->coming};
    t->coming = 0;
}

void migration_tracks_range(const struct gpup_judge *j, struct tracks *t, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_BASIS_RANGE_vf];
    if (vf >= JUDGE_VFS)
        return;
    const struct vf *v = &j->host[e->host].vf[vf];
    if (v->reserve_ranges == 1 && e->f[GPUP_BASIS_RANGE_segment] == v->reserve_segment &&
        e->f[GPUP_BASIS_RANGE_offset] == v->reserve_offset && e->f[GPUP_BASIS_RANGE_size] == v->reserve_size)
        t->coming |= UINT64_C(1) << vf;
}

void migration_tracks_reserve(struct tracks *t, const struct gpup_event *e) {
    for (unsigned i = 0; i < MIGRATION_TRACKS && e->f[GPUP_RESERVE_vf] < JUDGE_VFS; i++)
        t->of[e->host][i].vfs &= ~(UINT64_C(1) << e->f[GPUP_RESERVE_vf]);
}

/* One that the OS asked to stop counts as stopped, whatever came of it. */
void migration_tracks(const struct gpup_judge *j, struct tracks *t) {
    const struct call *c = &j->call;
    struct track *b = find(t, c->host, c->a[0]);
    if (c->ddi == GPUP_DDI_CreateMemoryBasis) {
        created(t, c);
    } else if (c->ddi == GPUP_DDI_StopDevice && !j->host[c->host].updating) {
        memset(t->of[c->host], 0, sizeof t->of[0]);
    } else if (b && c->ddi == GPUP_DDI_StartDirtyTracking) {
        b->on = nt_success(c->status);
    } else if (b && c->ddi == GPUP_DDI_StopDirtyTracking) {
        b->on = false;
    } else if (b && c->ddi == GPUP_DDI_DestroyMemoryBasis) {
        *b = (struct track){0};
    }
}

bool migration_tracked(const struct gpup_judge *j, const struct tracks *t) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool performant = h->dirty_caps_seen && (h->dirty_caps & 2);
    for (unsigned i = 0; i < MIGRATION_TRACKS && performant && c->vf < JUDGE_VFS; i++)
        if (t->of[c->host][i].on && (t->of[c->host][i].vfs >> c->vf & 1))
            return true;
    return false;
}
