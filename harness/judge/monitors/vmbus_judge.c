/* What a call leaves: the channels of each vGPU after SetVirtualGpuVmBus, DestroyVirtualGpu and the rest. */
#include "vmbus.h"

#define GROWTH 4u /* hand-overs before memory is compared: a cache may take some */

struct census { /* channels of one vGPU */
    unsigned on_new, made, misplaced, old, old_enabled, half_built;
};

/* handle: the one just handed over. */
static struct census count(const struct vmbus_host *h, uint32_t vf, uint64_t handle, uint64_t old,
                           bool again) {
    struct census n = {0};
    for (unsigned i = 0; i < h->channels; i++) {
        const struct channel *c = &h->channel[i];
        bool made = c->touched && c->enabled && !c->before;
        if (c->vf != vf || c->ending)
            continue;
        n.on_new += c->enabled && c->handle == handle;
        n.made += made && c->handle == handle;
        n.misplaced += made && c->handle != handle;
        n.half_built += c->touched && !c->enabled;
        if (!again && old && c->handle == old && !made) {
            n.old++;
            n.old_enabled += c->enabled;
        }
    }
    return n;
}

/* Of the channels that were enabled when the call began. */
static unsigned kept(const struct vmbus_host *h, uint32_t vf) {
    unsigned n = 0;
    for (unsigned i = 0; i < h->channels; i++)
        n += h->channel[i].vf == vf && h->channel[i].before && h->channel[i].enabled && !h->channel[i].ending;
    return n;
}

static void judge_waiting(struct gpup_judge *j, struct receiver *r, uint32_t vf) {
    if (r->awaiting)
        CHECK(j, GPUP_RULE_VMB_027, false,
              "a handle was accepted for vGPU %u, and no channel is offered on it " JUDGE_A_WHILE " later",
              vf);
    r->awaiting = false;
}

/* newest: channels on the last handle. */
static void judge_remains(struct gpup_judge *j, const struct remains *r, unsigned newest, unsigned older) {
    uint64_t pool = j->host[j->about_host].pool_count;
    bool grew = r->grew && pool >= r->pool + r->accepted - 1;
    if (newest)
        CHECK(j, GPUP_RULE_VMB_013, false,
              "%u channels of the vGPU are still enabled " JUDGE_A_WHILE " after its end", newest);
    if ((older || grew) && judge_checked(j, GPUP_RULE_VMB_008))
        judge_violated(
            j, GPUP_RULE_VMB_008, older || r->accepted > JUDGE_CACHE + 1 ? 255 : GPUP_WARN,
            "after %u hand-overs and " JUDGE_A_WHILE
            " after the end of the vGPU %u channels are left, and %llu blocks of memory where %llu were",
            r->accepted, older, (unsigned long long)pool, (unsigned long long)r->pool);
}

static void ask_remains(struct gpup_judge *j, struct vmbus_host *h, const struct remains *r, uint32_t vf) {
    unsigned newest = 0, older = 0;
    for (unsigned i = 0; i < h->channels; i++) {
        struct channel *c = &h->channel[i];
        if (c->vf != vf || !c->ending || c->stale)
            continue;
        newest += c->enabled && c->handle == r->handle;
        older += !c->enabled || c->handle != r->handle;
        c->ending = false;
    }
    judge_remains(j, r, newest, older);
}

/* Whether the driver itself or a worker of its takes the old channels down is its own affair. */
static void judge_old(struct gpup_judge *j, const struct vmbus_host *h, const struct receiver *r,
                      uint32_t vf) {
    unsigned left = 0, enabled = 0;
    for (unsigned i = 0; i < h->channels; i++) {
        const struct channel *c = &h->channel[i];
        if (c->vf != vf || c->ending || c->stale || !c->handle || c->handle == r->handle)
            continue;
        left++;
        enabled += c->enabled;
    }
    CHECK(j, GPUP_RULE_VMB_007, !enabled,
          "%u channels on the old handle are still enabled " JUDGE_A_WHILE " later", enabled);
    CHECK(j, GPUP_RULE_VMB_006, !left, "%u channels on the old handle are left " JUDGE_A_WHILE " later",
          left);
}

/* Nothing that comes between explains a channel that is not there, or still is. */
void vmbus_later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf) {
    struct vmbus *v = state;
    const struct host *h = &j->host[host];
    if (vf == GPUP_PF || v->host[host].full)
        return;
    if (later_is_same(&v->of[host][vf].offer, h, 0) && !v->host[host].injected)
        judge_waiting(j, &v->of[host][vf], vf);
    if (later_is_same(&v->of[host][vf].old, h, 0))
        judge_old(j, &v->host[host], &v->of[host][vf], vf);
    if (later_is_over(&v->left[host][vf].due, h) && !h->gone)
        ask_remains(j, &v->host[host], &v->left[host][vf], vf);
}

static void failed(struct gpup_judge *j, const struct vmbus_host *h, struct receiver *r) {
    const struct call *c = &j->call;
    uint64_t handle = c->a[GPUP_ARG_SetVirtualGpuVmBus_VmBusHandle];
    struct census n = count(h, c->vf, handle, r->handle, handle == r->handle);
    if (!c->failed_alloc || h->injected)
        CHECK(j, GPUP_RULE_VMB_002, c->status == GPUP_STATUS_INVALID_PARAMETER,
              "the failure is reported as 0x%08x", c->status);
    CHECK(j, GPUP_RULE_VMB_017, !n.half_built && !n.made,
          "the call failed and left %u channels that are not offered and %u on the new handle", n.half_built,
          n.made);
    r->failed = true;
}

static void replaced(struct gpup_judge *j, struct receiver *r, const struct census *n) {
    const struct call *c = &j->call;
    if (c->a[GPUP_ARG_SetVirtualGpuVmBus_VmBusHandle] == r->handle) {
        CHECK(j, GPUP_RULE_VMB_024, n->made, "a handle of the same value was taken for the old one");
        return;
    }
    CHECK(j, GPUP_RULE_VMB_006, n->made, "no channel was made on the new handle");
    if (n->old)
        later_set(&r->old, &j->host[c->host], 0);
    if (!n->old_enabled)
        COUNT(j, GPUP_RULE_VMB_007);
}

static void accepted(struct gpup_judge *j, const struct vmbus_host *h, struct receiver *r) {
    const struct call *c = &j->call;
    uint64_t handle = c->a[GPUP_ARG_SetVirtualGpuVmBus_VmBusHandle];
    struct census n = count(h, c->vf, handle, r->handle, handle == r->handle);
    if (n.made || n.misplaced)
        CHECK(j, GPUP_RULE_VMB_003, !n.misplaced || c->overlapped,
              "%u channels were made on another handle than the new one", n.misplaced);
    else if (!n.on_new)
        judge_inapplicable(j, GPUP_RULE_VMB_003);
    bool able = !c->overlapped && !j->host[c->host].impaired && !j->host[c->host].removed;
    if (r->accepted && r->had_channel && !r->awaiting && able)
        replaced(j, r, &n);
    else
        r->old.due = false;
    r->awaiting = !n.on_new && able;
    if (r->awaiting)
        later_set(&r->offer, &j->host[c->host], 0);
    r->had_channel = r->had_channel || n.on_new;
    if (n.on_new) {
        COUNT(j, GPUP_RULE_VMB_005);
        COUNT(j, GPUP_RULE_VMB_027);
    }
    COUNT(j, GPUP_RULE_VMB_018);
    COUNT(j, GPUP_RULE_VMB_019);
    r->handle = handle;
    r->since = c->event;
    r->failed = false;
    r->accepted++;
}

static void no_handle(struct gpup_judge *j, const struct vmbus_host *h, unsigned before) {
    const struct call *c = &j->call;
    CHECK(j, GPUP_RULE_VMB_016,
          c->status == GPUP_STATUS_INVALID_PARAMETER && (c->overlapped || kept(h, c->vf) == before),
          "no handle was given: 0x%08x came back, and %u of %u channels are left", c->status, kept(h, c->vf),
          before);
}

static void handed_over(struct gpup_judge *j, struct vmbus *v) {
    const struct call *c = &j->call;
    struct vmbus_host *h = &v->host[c->host];
    struct receiver *r = vmbus_receiver(v, c->host, c->vf);
    uint64_t handle = c->a[GPUP_ARG_SetVirtualGpuVmBus_VmBusHandle];
    /* A step that is not legal hands over what is no handle. */
    bool must = call_must_succeed(j) && c->class == GPUP_LEGAL && !h->injected && !h->unsupported;
    if (!r || !c->before.present) {
        if (!c->overlapped) /* it may come to be beside the call */
            CHECK(j, GPUP_RULE_VMB_015, c->status == GPUP_STATUS_INVALID_PARAMETER && !c->channels,
                  "vGPU %u does not exist: 0x%08x came back%s", c->vf, c->status,
                  c->channels ? " after VMBus calls" : "");
        return;
    }
    if (!handle || handle == UINT64_MAX) {
        no_handle(j, h, r->enabled_before);
        return;
    }
    if (must)
        CHECK(j, GPUP_RULE_VMB_001, nt_success(c->status), "the call returned 0x%08x", c->status);
    if (must && r->failed && r->accepted)
        CHECK(j, GPUP_RULE_VMB_017, nt_success(c->status),
              "after a hand-over that failed the next one returned 0x%08x", c->status);
    for (unsigned i = 0; i < h->channels; i++)
        if (h->channel[i].vf != c->vf && h->channel[i].enabled && h->channel[i].before)
            COUNT(j, GPUP_RULE_VMB_012);
    if (r->rivalled && r->accepted && !r->refused && c->class <= GPUP_ROBUSTNESS && !c->failed_alloc &&
        !h->injected && !h->unsupported)
        CHECK(j, GPUP_RULE_VMB_025, nt_success(c->status),
              "of hand-overs for two vGPUs at once one returned 0x%08x", c->status);
    if (nt_success(c->status))
        accepted(j, h, r);
    else if (!h->unsupported && !j->host[c->host].impaired && !c->overlapped)
        failed(j, h, r);
}

static void destroyed(struct gpup_judge *j, struct vmbus *v) {
    const struct call *c = &j->call;
    struct vmbus_host *h = &v->host[c->host];
    struct receiver *r = vmbus_receiver(v, c->host, c->vf);
    unsigned newest = 0, older = 0, ending = 0;
    if (!r || !c->before.present || !nt_success(c->status))
        return;
    for (unsigned i = 0; i < h->channels; i++) {
        struct channel *ch = &h->channel[i];
        ending += ch->vf == c->vf && ch->ending; /* of an earlier life */
        if (ch->vf != c->vf || ch->stale || ch->ending)
            continue;
        newest += ch->enabled && ch->handle == r->handle;
        older += !ch->enabled || ch->handle != r->handle;
        ch->ending = ch->blamed = true;
    }
    struct remains *left = &v->left[c->host][c->vf];
    uint64_t pool = j->host[c->host].pool_count;
    bool grew = r->pure && r->accepted >= GROWTH && pool >= r->pool + r->accepted - 1;
    *left = (struct remains){.accepted = r->accepted, .grew = grew, .pool = r->pool, .handle = r->handle};
    if (newest || older || grew || ending)
        later_set(&left->due, &j->host[c->host], 0);
    if (r->had_channel && !newest)
        COUNT(j, GPUP_RULE_VMB_013);
    if (r->accepted > 1 && !older && !grew)
        COUNT(j, GPUP_RULE_VMB_008);
    if (r->accepted)
        COUNT(j, GPUP_RULE_VMB_020);
    for (unsigned i = 0; i < h->handles; i++)
        h->handle[i].over = h->handle[i].over || h->handle[i].vf == c->vf;
    *r = (struct receiver){0};
}

/* Whatever the call was, no channel without a vGPU. */
static void judge_owners(struct gpup_judge *j, struct vmbus *v) {
    const struct call *call = &j->call;
    struct vmbus_host *h = &v->host[call->host];
    for (unsigned i = 0; i < h->channels; i++) {
        struct channel *c = &h->channel[i];
        if (!c->enabled || c->blamed || c->stale)
            continue;
        const struct vf *vf = c->vf < JUDGE_VFS ? &j->host[call->host].vf[c->vf] : NULL;
        judge_about(j, call->host, c->vf);
        c->blamed = !vf || !vf->present;
        CHECK(j, GPUP_RULE_ROB_012, !c->blamed,
              "a channel is enabled on handle 0x%llx, and vGPU %u is absent", (unsigned long long)c->handle,
              c->vf);
    }
}

static void stopped(struct vmbus *v, unsigned host) {
    struct vmbus_host *h = &v->host[host];
    for (unsigned i = 0; i < h->channels; i++)
        h->channel[i].stale = true;
    for (uint32_t vf = 0; vf < JUDGE_VFS; vf++)
        if (v->of[host][vf].accepted || v->of[host][vf].failed)
            v->of[host][vf] = (struct receiver){0};
}

static void removed(struct gpup_judge *j, const struct vmbus_host *h) {
    unsigned alive = 0;
    for (unsigned i = 0; i < h->channels; i++)
        alive += !h->channel[i].blamed || h->channel[i].ending;
    if (h->handles)
        CHECK(j, GPUP_RULE_VMB_014, !alive, "%u channels are left after RemoveDevice", alive);
}

void vmbus_settle(struct gpup_judge *j, void *state) {
    struct vmbus *v = state;
    const struct call *c = &j->call;
    if (v->host[c->host].full)
        return;
    if (c->ddi == GPUP_DDI_SetVirtualGpuVmBus)
        handed_over(j, v);
    else if (c->ddi == GPUP_DDI_DestroyVirtualGpu)
        destroyed(j, v);
    else if (c->ddi == GPUP_DDI_StopDevice && nt_success(c->status))
        stopped(v, c->host);
    else if (c->ddi == GPUP_DDI_RemoveDevice && nt_success(c->status))
        removed(j, &v->host[c->host]);
    if (!c->overlapped)
        judge_owners(j, v);
}
