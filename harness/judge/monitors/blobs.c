/* Saved data and content that moved: the monitor. */
#include "blobs.h"

#include <stdlib.h>
#include <string.h>

#define PROFILE_AT 8u /* in DXGKARG_CREATEVIRTUALGPU */
#define PROFILE_SIZE 96u

static struct target *target_of(struct blobs *b, unsigned host, uint64_t vf) {
    return host < GPUP_MAX_HOSTS && vf < JUDGE_VFS ? &b->target[host][vf] : NULL;
}

/* The state of a restored VF against that of its source at the pause; without power it may come with D0. */
static void judge_state(struct gpup_judge *j, struct blobs *b, struct target *t, bool final) {
    const struct vf *v = call_vf(j);
    struct expected *x = &t->expected;
    bool same = v->guest.seen && v->guest.hash == x->guest;
    if (!x->there || (!same && !final))
        return;
    x->there = false;
    b->unmoved = b->unmoved || (same && !x->moved);
    if (!x->astray)
        CHECK(j, GPUP_RULE_LM_031, same,
              "state of the VF that changed on the source is missing on the target");
    CHECK(j, GPUP_RULE_LM_049, same, "the state of the VF differs from that of the source at the pause");
    if (x->moved && (same || b->unmoved))
        CHECK(j, GPUP_RULE_LM_074, same,
              "the state of the VF differs from that of the source, which had another index");
}

/* The whole reserve, once paging has carried all of it. */
void blobs_content(struct gpup_judge *j, struct blobs *b) {
    const struct call *c = &j->call;
    struct target *t = target_of(b, c->host, c->vf);
    const struct vf *v = call_vf(j);
    bool whole = t->transfer.there && t->transfer.host == t->vram_host && t->transfer.vf == t->vram_vf &&
                 (t->transfer.full_paused || (t->transfer.full_tracked && t->transfer.last_paused));
    if (!t->vram_known || !whole || !v->vram.seen)
        return;
    t->vram_known = false;
    CHECK(j, GPUP_RULE_LM_067, v->vram.hash == t->vram,
          "the VRAM of the target differs from that of the source at the pause");
}

static void for_targets_of(struct blobs *b, unsigned host, uint32_t vf, void (*act)(struct transfer *)) {
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < JUDGE_VFS; i++) {
            struct transfer *x = &b->target[h][i].transfer;
            if (x->there && x->host == host && (x->vf == vf || vf == GPUP_PF))
                act(x);
        }
}

static void pages_lost(struct transfer *x) {
    x->full_tracked = false;
}
static void source_moved(struct transfer *x) {
    x->full_paused = x->last_paused = false;
}
static void source_reset(struct transfer *x) {
    pages_lost(x);
    source_moved(x);
}
static void last_pass(struct transfer *x) {
    x->last_paused = true;
}

/* A VF has other content: what was saved of it stands for the former, and what was copied from it is old. */
static void moved_over(struct blobs *b, unsigned host, uint32_t vf, void (*act)(struct transfer *)) {
    for (unsigned i = 0; i < BLOBS; i++)
        if (b->saved[i].host == host && b->saved[i].vf == vf)
            b->saved[i].vram.seen = false;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < JUDGE_VFS; i++) {
            struct target *t = &b->target[h][i];
            t->vram_known = t->vram_known && (t->vram_host != host || t->vram_vf != vf);
        }
    for_targets_of(b, host, vf, act);
}

/* Dirty pages come to a target: they are for this one, and for no other of that source. */
static void pass_to(struct blobs *b, struct transfer *x) {
    struct transfer own = *x;
    if (!b->pass.open)
        return;
    b->pass.open = false;
    for_targets_of(b, b->pass.host, b->pass.vf, pages_lost);
    x->full_tracked = own.full_tracked;
    x->last_paused = x->last_paused || b->pass.last;
}

/* No page came: none was dirty, and each copy is as good as a last pass would make it. */
static void pass_ends(struct blobs *b) {
    if (b->pass.open && b->pass.last)
        for_targets_of(b, b->pass.host, b->pass.vf, last_pass);
    b->pass.open = false;
}

static void saw_paging(struct gpup_judge *j, struct blobs *b, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_PAGING_vf];
    struct target *t = target_of(b, e->host, vf);
    if (!t)
        return;
    if (!e->f[GPUP_PAGING_in]) {
        b->out.there = true;
        b->out.host = e->host;
        b->out.vf = (uint32_t)vf;
        return;
    }
    moved_over(b, e->host, (uint32_t)vf, source_reset);
    if (!b->out.there) {
        t->transfer.there = false;
        return;
    }
    struct transfer *x = &t->transfer;
    if (!x->there || x->host != b->out.host || x->vf != b->out.vf)
        *x = (struct transfer){.there = true, .host = b->out.host, .vf = b->out.vf};
    pass_to(b, x);
    const struct vf *source = &j->host[b->out.host].vf[b->out.vf];
    uint64_t whole = judge_vf(j, e->host, vf)->reserve_size;
    if (e->f[GPUP_PAGING_offset] == 0 && e->f[GPUP_PAGING_size] == whole && whole) {
        x->full_paused = source->paused;
        x->full_tracked = source->tracking && source->reserve_ranges == 1;
        x->last_paused = false;
    }
}

static struct covering *find_whole(struct blobs *b, unsigned host, uint64_t object) {
    for (unsigned i = 0; i < BLOBS_WHOLE; i++)
        if (object && b->whole[host][i].object == object)
            return &b->whole[host][i];
    return NULL;
}

static void begin_pass(struct blobs *b, const struct call *c, uint32_t vf, bool paused) {
    const struct covering *whole = find_whole(b, c->host, c->a[GPUP_ARG_QueryDirtyBitData_MemoryBasis]);
    b->pass.open = true;
    b->pass.host = c->host;
    b->pass.vf = vf;
    b->pass.last = paused && whole && whole->vf == vf;
}

/* Ranges in another order are not looked at: then the basis counts as one of a part. */
static void saw_range(const struct gpup_judge *j, struct blobs *b, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_BASIS_RANGE_vf], offset = e->f[GPUP_BASIS_RANGE_offset];
    struct covering *coming = &b->coming;
    if (vf >= JUDGE_VFS || e->f[GPUP_BASIS_RANGE_segment] != j->host[e->host].vf[vf].reserve_segment)
        return;
    if (!coming->reach || coming->vf != vf)
        *coming = (struct covering){.reach = j->host[e->host].vf[vf].reserve_offset, .vf = (uint32_t)vf};
    if (offset <= coming->reach && offset + e->f[GPUP_BASIS_RANGE_size] > coming->reach)
        coming->reach = offset + e->f[GPUP_BASIS_RANGE_size];
}

/* Another reserve: what covered the one before covers it no longer. */
static void saw_reserve(struct blobs *b, const struct gpup_event *e) {
    for (unsigned i = 0; i < BLOBS_WHOLE; i++)
        if (b->whole[e->host][i].vf == e->f[GPUP_RESERVE_vf])
            b->whole[e->host][i].object = 0;
}

/* Which bases are of a whole reserve. */
static void follow_bases(const struct gpup_judge *j, struct blobs *b) {
    const struct call *c = &j->call;
    bool made_one = c->ddi == GPUP_DDI_CreateMemoryBasis;
    if (!made_one && c->ddi != GPUP_DDI_DestroyMemoryBasis)
        return;
    struct covering *whole = find_whole(b, c->host, made_one ? c->handle : c->a[0]);
    if (!made_one) {
        if (whole)
            whole->object = 0;
        return;
    }
    struct covering made = b->coming;
    b->coming = (struct covering){0};
    for (unsigned i = 0; i < BLOBS_WHOLE && !whole; i++)
        whole = b->whole[c->host][i].object ? NULL : &b->whole[c->host][i];
    const struct vf *v = &j->host[c->host].vf[made.vf];
    if (!whole || !c->handle || !made.reach || v->reserve_ranges != 1 ||
        made.reach < v->reserve_offset + v->reserve_size)
        return;
    *whole = made;
    whole->object = c->handle;
}

/* Bits that were asked for outside the copying are gone; so is content that others wrote. */
static void follow_transfer(struct gpup_judge *j, struct blobs *b) {
    const struct call *c = &j->call;
    if (c->ddi == GPUP_DDI_QueryDirtyBitData) {
        const struct vf *source = judge_vf(j, c->host, j->op_vf);
        bool clears = c->a[GPUP_ARG_QueryDirtyBitData_Flags] & 1;
        bool whole = c->a[GPUP_ARG_QueryDirtyBitData_SubrangeSize] == 0;
        bool misread = j->host[c->host].odd_bits; /* the copy took the bits for others than they are */
        if (misread || (j->op != GPUP_OP_CopyDirty ? clears : !whole || !nt_success(c->status)))
            for_targets_of(b, c->host, GPUP_PF, pages_lost);
        else if (j->op == GPUP_OP_CopyDirty && source)
            begin_pass(b, c, j->op_vf, source->paused);
    } else if (c->ddi == GPUP_DDI_StopDirtyTracking || c->ddi == GPUP_DDI_DestroyMemoryBasis ||
               c->ddi == GPUP_DDI_StartDirtyTracking) {
        for_targets_of(b, c->host, GPUP_PF, pages_lost);
    } else if (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState) {
        if (c->before.paused && call_vf(j) && !call_vf(j)->paused)
            moved_over(b, c->host, c->vf, source_moved);
    } else if (c->ddi == GPUP_DDI_ResetVirtualFunction || c->ddi == GPUP_DDI_DestroyVirtualGpu ||
               c->ddi == GPUP_DDI_SetVirtualFunctionPowerState) {
        moved_over(b, c->host, c->vf, source_reset);
    }
}

static void follow_time(struct gpup_judge *j, struct target *t) {
    const struct call *c = &j->call;
    if (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState && !c->before.paused)
        t->paused_ns = 0;
    t->paused_ns += call_vf(j)->paused ? c->end_ns - c->begin_ns : 0;
}

static void after_power(struct gpup_judge *j, struct blobs *b, struct target *t) {
    const struct vf *v = call_vf(j);
    bool up = v->powered && !j->call.before.powered && nt_success(j->call.status);
    if (!t->expected.there)
        return;
    if (up && vf_quiet(v))
        judge_state(j, b, t, !vf_is_to_begin(&j->host[j->call.host], v));
    t->expected.there = t->expected.there && !v->powered;
}

static void judge_target(struct gpup_judge *j, struct blobs *b, struct target *t) {
    const struct call *c = &j->call;
    switch (c->ddi) {
    case GPUP_DDI_RestoreMutableMigrationData:
        if (nt_success(c->status)) {
            judge_state(j, b, t, c->before.powered);
            blobs_content(j, b);
        }
        break;
    case GPUP_DDI_EndLiveMigration:
        blobs_content(j, b);
        t->vram_known = false;
        break;
    case GPUP_DDI_PrepareLiveMigration:
        if (nt_success(c->status) && c->before.session == SESSION_NONE) {
            t->immutable = 0;
            t->restored_mutable = t->refused[0] = t->refused[1] = false;
        }
        break;
    case GPUP_DDI_SetVirtualFunctionPowerState:
        after_power(j, b, t);
        break;
    case GPUP_DDI_ResetVirtualFunction:
    case GPUP_DDI_WriteVirtualFunctionConfig:
    case GPUP_DDI_WriteVirtualFunctionConfigBlock: /* what it is about may show in the state */
    case GPUP_DDI_VirtualGpuDriverEscape:
        t->expected.there = false;
        break;
    case GPUP_DDI_CreateVirtualGpu:
    case GPUP_DDI_DestroyVirtualGpu:
        if (nt_success(c->status))
            *t = (struct target){0};
        break;
    default:
        break;
    }
}

static void settle(struct gpup_judge *j, void *state) {
    struct blobs *b = state;
    const struct call *c = &j->call;
    const struct vf *v = call_vf(j);
    struct target *t = v ? target_of(b, c->host, c->vf) : NULL;
    if (j->host[c->host].removed || c->overlapped)
        return;
    if (t)
        follow_time(j, t);
    if (b->fresh >= 0) {
        struct saved *s = &b->saved[b->fresh];
        s->settled = v && !v->kept;
        s->guest = v ? v->guest : s->guest;
        s->vram = v ? v->vram : s->vram;
        s->pause_ns = t ? t->paused_ns : 0;
        b->fresh = -1;
    }
    if (migration_is_restore(c->ddi))
        blobs_restore(j, b);
    if (t && migration_is_restore(c->ddi) && !nt_success(c->status))
        t->refused[c->ddi == GPUP_DDI_RestoreMutableMigrationData] = true;
    if (t)
        judge_target(j, b, t);
    follow_bases(j, b);
    follow_transfer(j, b);
    b->input.there = false;
}

/* The guest or the host wrote into a VF: what was expected of its content no longer is. */
static void touched(struct blobs *b, unsigned host, uint64_t vf, bool state_too) {
    struct target *t = target_of(b, host, vf);
    if (!t)
        return;
    t->vram_known = false;
    t->transfer.there = false;
    t->expected.there = t->expected.there && !state_too;
}

/* All that CreateVirtualGpu asked for, where the trace shows it. */
static void saw_profile(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = call_vf(j);
    if (v && j->call.ddi == GPUP_DDI_CreateVirtualGpu && j->call.returned && nt_success(j->call.status) &&
        e->f[GPUP_OUTPUT_role] == GPUP_ROLE_ARGUMENTS && e->data_size >= PROFILE_AT + PROFILE_SIZE)
        v->profile = gpup_trace_hash(9, e->data + PROFILE_AT, PROFILE_SIZE);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct blobs *b = state;
    switch (e->kind) {
    case GPUP_EVENT_BUFFER:
        if (e->f[GPUP_BUFFER_role] == GPUP_ROLE_INPUT)
            blobs_input(j, b, e);
        break;
    case GPUP_EVENT_OUTPUT:
        saw_profile(j, e);
        blobs_output(j, b, e);
        break;
    case GPUP_EVENT_ADDRESSES:
        blobs_address(j, e);
        break;
    case GPUP_EVENT_PAGING:
        saw_paging(j, b, e);
        break;
    case GPUP_EVENT_GUEST_WRITE:
        touched(b, e->host, e->f[GPUP_GUEST_WRITE_vf], false);
        if (j->op == GPUP_OP_GuestWrite) /* the guest's CPU may write while the VF is paused */
            moved_over(b, e->host, (uint32_t)e->f[GPUP_GUEST_WRITE_vf], source_moved);
        break;
    case GPUP_EVENT_BASIS_RANGE:
        saw_range(j, b, e);
        break;
    case GPUP_EVENT_RESERVE:
        saw_reserve(b, e);
        break;
    case GPUP_EVENT_STEP:
        pass_ends(b);
        b->coming = (struct covering){0};
        if (e->f[GPUP_STEP_op] >= GPUP_OP_GuestWrite && e->f[GPUP_STEP_op] <= GPUP_OP_GuestReset)
            touched(b, e->host, e->f[GPUP_STEP_vf], true);
        break;
    default:
        blobs_died(j, b, e);
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct blobs *b = state;
    for (unsigned i = 0; i < BLOBS; i++) /* the memory stays */
        b->saved[i] = (struct saved){.bytes = b->saved[i].bytes, .capacity = b->saved[i].capacity};
    judge_clear_used(j, b->target, sizeof b->target[0][0]);
    b->next = 0;
    b->fresh = -1;
    b->unmoved = false;
    b->input = (struct input){0};
    memset(&b->out, 0, sizeof b->out);
    memset(b->whole, 0, sizeof b->whole);
    b->coming = (struct covering){0};
    b->pass.open = false;
}

static void release(struct gpup_judge *j, void *state) {
    struct blobs *b = state;
    for (unsigned i = 0; i < BLOBS; i++)
        judge_drop(j, b->saved[i].bytes);
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct blobs *b = state;
    if (migration_is_restore(j->call.ddi))
        blobs_carry(j, b, NULL);
    if (call_vf(j)) {
        *target_of(b, j->call.host, j->call.vf) = (struct target){0};
        moved_over(b, j->call.host, j->call.vf, source_reset);
    }
    for_targets_of(b, j->call.host, GPUP_PF, source_reset);
    b->fresh = -1;
    b->input.there = false;
    b->coming = (struct covering){0};
    b->pass.open = false;
}

const struct monitor monitor_blobs = {.id = GPUP_MONITOR_blobs,
                                      .state_size = sizeof(struct blobs),
                                      .kinds = KIND(BUFFER) | KIND(OUTPUT) | KIND(ADDRESSES) | KIND(PAGING) |
                                               KIND(GUEST_WRITE) | KIND(BASIS_RANGE) | KIND(RESERVE) |
                                               KIND(STEP) | KIND(FAULT) | KIND(BUGCHECK) | KIND(HANG),
                                      .event = event,
                                      .settle = settle,
                                      .overlapped = overlapped,
                                      .reset = reset,
                                      .release = release};
