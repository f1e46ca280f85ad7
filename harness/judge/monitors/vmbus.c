/* Channels as they come and go: how each function of the VMBus library may be used, and what callbacks owe.
 */
#include "vmbus.h"

#include <string.h>

struct channel *vmbus_channel(struct vmbus_host *h, uint64_t number) {
    for (unsigned i = 0; i < h->channels; i++)
        if (h->channel[i].number == number)
            return &h->channel[i];
    return NULL;
}

const struct handle *vmbus_handle(const struct vmbus_host *h, uint64_t value) {
    for (unsigned i = h->handles; i > 0 && value; i--)
        if (h->handle[i - 1].value == value)
            return &h->handle[i - 1];
    return NULL;
}

void vmbus_note_handle(struct vmbus_host *h, uint64_t value, uint32_t vf) {
    if (h->handles == VMBUS_HANDLES) {
        memmove(h->handle, h->handle + 1, (VMBUS_HANDLES - 1) * sizeof *h->handle);
        h->handles--;
    }
    h->handle[h->handles++] = (struct handle){.value = value, .vf = vf};
}

struct receiver *vmbus_receiver(struct vmbus *v, unsigned host, uint32_t vf) {
    return vf < JUDGE_VFS ? &v->of[host][vf] : NULL;
}

static bool handing_over(const struct gpup_judge *j) {
    return j->call.active && j->call.ddi == GPUP_DDI_SetVirtualGpuVmBus;
}

static bool is_named(const struct gpup_event *e, const char *name) {
    size_t size = strlen(name);
    return e->data_size >= size && memcmp(e->data, name, size) == 0;
}

/* --- one event of a channel */

static void allocated(struct gpup_judge *j, struct vmbus_host *h, const struct gpup_event *e) {
    if (!nt_success((uint32_t)e->f[GPUP_CHANNEL_status]))
        return;
    CHECK(j, GPUP_RULE_VMB_004, e->data_size && e->data[0] && !e->f[GPUP_CHANNEL_irql],
          "the channel was allocated with IsServer %u at IRQL %llu", e->data_size ? e->data[0] : 0u,
          (unsigned long long)e->f[GPUP_CHANNEL_irql]);
    if (h->channels == VMBUS_CHANNELS) {
        h->full = true;
        return;
    }
    h->channel[h->channels++] = (struct channel){.number = e->f[GPUP_CHANNEL_channel],
                                                 .born = j->event,
                                                 .vf = handing_over(j) ? j->call.vf : GPUP_PF,
                                                 .vm = GPUP_PF,
                                                 .touched = true};
}

static void configured(struct gpup_judge *j, const struct vmbus_host *h, struct channel *c,
                       const struct gpup_event *e) {
    uint64_t value = e->f[GPUP_CHANNEL_handle];
    const struct handle *handle = vmbus_handle(h, value);
    if (handle && value != c->handle)
        CHECK(j, GPUP_RULE_VMB_020, !handle->over, "handle 0x%llx is used after its vGPU was destroyed",
              (unsigned long long)value);
    if (!nt_success((uint32_t)e->f[GPUP_CHANNEL_status]))
        return;
    COUNT(j, GPUP_RULE_VMB_029);
    c->handle = value;
    c->vm = (uint32_t)e->f[GPUP_CHANNEL_vm];
    if (handle)
        c->vf = handle->vf;
}

/* Same interface and instance as a channel of another vGPU of the same VM. */
static bool is_twin(const struct vmbus_host *h, const struct channel *c) {
    for (unsigned i = 0; i < h->channels; i++) {
        const struct channel *o = &h->channel[i];
        if (o != c && o->enabled && !o->ending && o->vm == c->vm && o->vf != c->vf &&
            memcmp(o->ids, c->ids, sizeof c->ids) == 0)
            return true;
    }
    return false;
}

static bool has_sister(const struct vmbus_host *h, const struct channel *c) {
    for (unsigned i = 0; i < h->channels; i++) {
        const struct channel *o = &h->channel[i];
        if (o->enabled && !o->ending && o->vm == c->vm && o->vf != c->vf && memcmp(o->ids, c->ids, 16) == 0)
            return true;
    }
    return false;
}

/* An attempt counts: whether the library lets a channel without a handle pass is not the driver's merit. */
static void enabled(struct gpup_judge *j, struct vmbus *v, struct vmbus_host *h, struct channel *c,
                    const struct gpup_event *e) {
    const struct handle *handle = vmbus_handle(h, c->handle);
    CHECK(j, GPUP_RULE_VMB_003, handle, "the channel was enabled on handle 0x%llx, which no vGPU was given",
          (unsigned long long)c->handle);
    if (!nt_success((uint32_t)e->f[GPUP_CHANNEL_status]))
        return;
    c->enabled = c->was_enabled = true;
    if (e->data_size == sizeof c->ids)
        memcpy(c->ids, e->data, sizeof c->ids);
    if (has_sister(h, c))
        CHECK(j, GPUP_RULE_VMB_031, !is_twin(h, c),
              "channels of two vGPUs of one VM have the same type and instance");
    struct receiver *r = vmbus_receiver(v, e->host, c->vf);
    if (!r || handing_over(j))
        return;
    if (r->awaiting)
        CHECK(j, GPUP_RULE_VMB_005, false, "the channel is offered only after SetVirtualGpuVmBus came back");
    CHECK(j, GPUP_RULE_VMB_003, !r->accepted || c->handle == r->handle || c->born < r->since,
          "the channel was made after a newer handle was handed over");
    r->awaiting = false;
}

static void taken_down(struct gpup_judge *j, const struct gpup_event *e) {
    CHECK(j, GPUP_RULE_VMB_011, e->f[GPUP_CHANNEL_irql] < 2, "a channel is %s at IRQL %llu",
          e->f[GPUP_CHANNEL_what] == GPUP_CHANNEL_DISABLE ? "disabled" : "cleaned up",
          (unsigned long long)e->f[GPUP_CHANNEL_irql]);
}

static void disabled(struct channel *c) {
    c->closing = c->enabled;
    c->called_back = false;
    c->enabled = false;
    c->touched = true;
}

static void cleaned_up(struct gpup_judge *j, struct vmbus_host *h, struct channel *c) {
    COUNT(j, GPUP_RULE_VMB_009);
    if (c->was_enabled)
        CHECK(j, GPUP_RULE_VMB_010, !c->enabled, "VmbChannelCleanup of a channel that is enabled");
    if (c->was_enabled && !c->enabled)
        CHECK(j, GPUP_RULE_VMB_021, !c->held, "the channel went with %d packets that were not completed",
              __builtin_popcountll(c->held));
    *c = h->channel[--h->channels];
}

/* A packet may be delivered twice, the second time at PASSIVE_LEVEL. */
static uint64_t packet_bit(const struct gpup_event *e) {
    return UINT64_C(1) << (e->data_size ? e->data[0] % 64 : 0);
}

static void traffic(struct gpup_judge *j, struct vmbus_host *h, struct channel *c,
                    const struct gpup_event *e) {
    switch (e->f[GPUP_CHANNEL_what]) {
    case GPUP_CHANNEL_CLOSED:
        c->suspended = false;
        c->called_back = true;
        break;
    case GPUP_CHANNEL_GONE:
        if (c->closing && c->called_back)
            COUNT(j, GPUP_RULE_VMB_026);
        c->closing = false;
        break;
    case GPUP_CHANNEL_PACKET:
        c->held |= packet_bit(e);
        h->delivering = true;
        if (e->f[GPUP_CHANNEL_irql] >= 2)
            COUNT(j, GPUP_RULE_VMB_023);
        else
            judge_inapplicable(j, GPUP_RULE_VMB_023);
        COUNT(j, GPUP_RULE_VMB_022);
        break;
    case GPUP_CHANNEL_COMPLETE:
        h->delivering = true;
        c->held &= ~packet_bit(e);
        COUNT(j, GPUP_RULE_VMB_021);
        break;
    case GPUP_CHANNEL_SEND:
        CHECK(j, GPUP_RULE_VMB_028, !c->suspended, "a packet is sent on a channel that is suspended");
        break;
    case GPUP_CHANNEL_SUSPEND:
        c->suspended = true;
        COUNT(j, GPUP_RULE_VMB_028);
        break;
    case GPUP_CHANNEL_START:
        c->suspended = false;
        c->starting = true;
        COUNT(j, GPUP_RULE_VMB_030);
        break;
    default:
        break;
    }
}

/* A call for one vGPU leaves the channels of the others alone. What the driver's threads do names no call: it
 * may be for an earlier one. */
static void judge_stranger(struct gpup_judge *j, const struct channel *c, const struct gpup_event *e) {
    bool own = e->f[GPUP_CHANNEL_call] == j->call.number;
    if (handing_over(j) && own && !c->ending && c->vf != GPUP_PF && c->vf != j->call.vf &&
        (c->was_enabled || c->before))
        CHECK(j, GPUP_RULE_VMB_012, false, "the call for vGPU %u changed a channel of vGPU %u", j->call.vf,
              c->vf);
}

/* By the client library: no memory, or a handle that is none. */
static void refused(struct gpup_judge *j, struct vmbus *v, struct vmbus_host *h, const struct gpup_event *e) {
    struct receiver *r = handing_over(j) ? vmbus_receiver(v, e->host, j->call.vf) : NULL;
    h->injected = h->injected || e->f[GPUP_CHANNEL_status] == GPUP_STATUS_INSUFFICIENT_RESOURCES;
    if (r)
        r->refused = true;
}

static void channel_event(struct gpup_judge *j, struct vmbus *v, const struct gpup_event *e) {
    struct vmbus_host *h = &v->host[e->host];
    uint64_t what = e->f[GPUP_CHANNEL_what];
    if (!nt_success((uint32_t)e->f[GPUP_CHANNEL_status]) && what <= GPUP_CHANNEL_ENABLE)
        refused(j, v, h, e);
    if (what == GPUP_CHANNEL_ALLOCATE) {
        allocated(j, h, e);
        return;
    }
    struct channel *c = vmbus_channel(h, e->f[GPUP_CHANNEL_channel]);
    if (!c)
        return;
    judge_about(j, e->host, c->vf);
    c->starting = c->starting && what == GPUP_CHANNEL_SEND;
    if (what == GPUP_CHANNEL_CONFIGURE) {
        configured(j, h, c, e);
    } else if (what == GPUP_CHANNEL_ENABLE) {
        judge_stranger(j, c, e);
        enabled(j, v, h, c, e);
    } else if (what == GPUP_CHANNEL_DISABLE) {
        judge_stranger(j, c, e);
        taken_down(j, e);
        disabled(c);
    } else if (what == GPUP_CHANNEL_CLEANUP) {
        judge_stranger(j, c, e);
        taken_down(j, e);
        cleaned_up(j, h, c);
    } else {
        traffic(j, h, c, e);
    }
}

/* --- services used against their pages, and ends of a host */

static void misused(struct gpup_judge *j, struct vmbus *v, const struct gpup_event *e) {
    struct vmbus_host *h = &v->host[e->host];
    const struct receiver *r = vmbus_receiver(v, e->host, j->call.vf);
    uint64_t what = e->f[GPUP_MISUSE_what], object = e->f[GPUP_MISUSE_object];
    if (what == GPUP_MISUSE_UNSUPPORTED && is_named(e, "Vmb"))
        h->unsupported = true;
    if (what == GPUP_MISUSE_IRQL && e->f[GPUP_MISUSE_irql] >= 2 && h->delivering && !j->call.active)
        CHECK(j, GPUP_RULE_VMB_023, false, "%.*s is called in a packet callback at DISPATCH_LEVEL",
              (int)e->data_size, (const char *)e->data);
    bool unready = what == GPUP_MISUSE_STATE || (what == GPUP_MISUSE_OBJECT && !object);
    if (unready && (is_named(e, "VmbChannelInit") || is_named(e, "VmbServerChannelInit")))
        CHECK(j, GPUP_RULE_VMB_029, false, "%.*s is called for a channel that cannot be set up now",
              (int)e->data_size, (const char *)e->data);
    if (what == GPUP_MISUSE_STATE && is_named(e, "ZwClose") && vmbus_handle(h, object))
        CHECK(j, GPUP_RULE_VMB_018, false, "the driver closes VMBus handle 0x%llx",
              (unsigned long long)object);
    if (what != GPUP_MISUSE_OBJECT || object)
        return;
    bool again = is_named(e, "VmbChannelCleanup");
    if (r && r->failed && j->call.active && (again || is_named(e, "VmbChannelDisable")))
        CHECK(j, GPUP_RULE_VMB_017, false, "after a hand-over that failed a channel is used that is gone");
    if (again)
        CHECK(j, GPUP_RULE_VMB_009, false, "VmbChannelCleanup of a channel that does not exist");
}

/* What a fault or an endless wait was about, when a channel was. */
static void died(struct gpup_judge *j, struct vmbus *v, const struct gpup_event *e) {
    struct vmbus_host *h = &v->host[e->host];
    const struct call *call = &j->call;
    const struct receiver *r = vmbus_receiver(v, e->host, call->vf);
    bool hangs = e->kind == GPUP_EVENT_HANG;
    for (unsigned i = 0; hangs && i < h->channels; i++) {
        const struct channel *c = &h->channel[i];
        judge_about(j, e->host, c->vf);
        if (c->closing && c->held)
            CHECK(j, GPUP_RULE_VMB_021, false, "the channel cannot close: %d packets are not completed",
                  __builtin_popcountll(c->held));
        else if (c->closing)
            CHECK(j, GPUP_RULE_VMB_026, false, "a callback of a channel that closes waits for ever");
        else if (c->starting && !call->active)
            CHECK(j, GPUP_RULE_VMB_030, false, "the started callback waits for ever");
    }
    judge_about(j, e->host, call->active ? call->vf : GPUP_PF);
    if (h->delivering && !call->active)
        CHECK(j, GPUP_RULE_VMB_022, false, "a packet of the guest brought the driver down");
    if (!call->active || hangs)
        return;
    if (call->ddi == GPUP_DDI_SetVirtualGpuVmBus && r && r->rivalled)
        CHECK(j, GPUP_RULE_VMB_025, false, "the driver died in hand-overs for two vGPUs at once");
    if (call->ddi == GPUP_DDI_SetVirtualGpuVmBus && !call->before.present)
        CHECK(j, GPUP_RULE_VMB_015, false, "the call for a vGPU that does not exist died");
    else if (r && r->failed &&
             (call->ddi == GPUP_DDI_SetVirtualGpuVmBus || call->ddi == GPUP_DDI_DestroyVirtualGpu))
        CHECK(j, GPUP_RULE_VMB_017, false, "the driver died on what a failed hand-over left");
}

/* Memory used after it was freed, or freed twice. */
static void judge_memory(struct gpup_judge *j, struct vmbus *v, const struct gpup_event *e) {
    const struct call *c = &j->call;
    const struct receiver *r = vmbus_receiver(v, e->host, c->vf);
    if (r && r->failed && c->active &&
        (c->ddi == GPUP_DDI_SetVirtualGpuVmBus || c->ddi == GPUP_DDI_DestroyVirtualGpu))
        CHECK(j, GPUP_RULE_VMB_017, false, "memory that a failed hand-over gave back is used");
}

static void left(struct gpup_judge *j, struct vmbus *v, const struct gpup_event *e) {
    struct vmbus_host *h = &v->host[e->host];
    const struct channel *c = vmbus_channel(h, e->f[GPUP_LEFT_object]);
    if (e->f[GPUP_LEFT_kind] != GPUP_OBJECT_CHANNEL || j->host[e->host].gone || h->full)
        return;
    judge_about(j, e->host, c ? c->vf : GPUP_PF);
    if (!c || !c->blamed)
        CHECK(j, GPUP_RULE_VMB_009, false, "a channel that was allocated is never cleaned up");
}

/* Hand-overs for other vGPUs that are under way, both ways round. */
static void note_rivals(struct gpup_judge *j, struct vmbus *v, unsigned host, struct receiver *r) {
    r->rivalled = r->refused = false;
    for (unsigned i = 0; i < JUDGE_LANES; i++) {
        const struct call *o = &j->lane[i];
        if (!o->active || o->host != host || o->ddi != GPUP_DDI_SetVirtualGpuVmBus || o->vf == j->call.vf)
            continue;
        struct receiver *other = vmbus_receiver(v, host, o->vf);
        if (!other || !o->before.present || !j->call.before.present)
            continue;
        other->rivalled = r->rivalled = true;
    }
}

static void called(struct gpup_judge *j, struct vmbus *v, const struct gpup_event *e) {
    struct vmbus_host *h = &v->host[e->host];
    const struct call *c = &j->call;
    struct receiver *r = c->names_vf ? vmbus_receiver(v, e->host, c->vf) : NULL;
    h->unsupported = h->injected = false;
    if (r)
        r->enabled_before = 0;
    for (unsigned i = 0; i < h->channels; i++) {
        struct channel *ch = &h->channel[i];
        ch->before = ch->enabled;
        ch->touched = false;
        if (r && ch->vf == c->vf && !ch->ending)
            r->enabled_before += ch->enabled;
    }
    if (c->ddi == GPUP_DDI_SetVirtualGpuVmBus && r) {
        note_rivals(j, v, e->host, r);
        vmbus_note_handle(h, c->a[GPUP_ARG_SetVirtualGpuVmBus_VmBusHandle], c->vf);
        if (!r->accepted && !r->failed) {
            r->pool = c->pool_count;
            r->pure = !c->overlapped;
        }
    }
    for (uint32_t vf = 0; vf < JUDGE_VFS; vf++)
        if (&v->of[e->host][vf] != r)
            v->of[e->host][vf].pure = false;
    for (uint64_t used = j->used[e->host]; used; used &= used - 1)
        v->left[e->host][__builtin_ctzll(used)].grew = false;
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct vmbus *v = state;
    struct vmbus_host *h = &v->host[e->host];
    if (e->kind != GPUP_EVENT_CHANNEL && e->kind != GPUP_EVENT_MISUSE && e->kind != GPUP_EVENT_FAULT &&
        e->kind != GPUP_EVENT_BUGCHECK && e->kind != GPUP_EVENT_HANG)
        h->delivering = false;
    switch (e->kind) {
    case GPUP_EVENT_CHANNEL:
        h->delivering = false;
        channel_event(j, v, e);
        break;
    case GPUP_EVENT_CALL:
        if (j->call.active)
            called(j, v, e);
        break;
    case GPUP_EVENT_MISUSE:
        misused(j, v, e);
        break;
    case GPUP_EVENT_DAMAGE:
        if (j->call.ddi == GPUP_DDI_SetVirtualGpuVmBus && e->f[GPUP_DAMAGE_what] == GPUP_DAMAGE_CONST &&
            e->f[GPUP_DAMAGE_role] == GPUP_ROLE_ARGUMENTS)
            CHECK(j, GPUP_RULE_VMB_019, false, "the driver changed the argument structure at offset %llu",
                  (unsigned long long)e->f[GPUP_DAMAGE_offset]);
        break;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
        died(j, v, e);
        break;
    case GPUP_EVENT_POOL_DAMAGE:
        judge_memory(j, v, e);
        break;
    case GPUP_EVENT_LEFT:
        left(j, v, e);
        break;
    default: /* STEP: callbacks of the former one are over */
        for (unsigned i = 0; i < h->channels; i++)
            h->channel[i].starting = false;
        break;
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct vmbus *v = state;
    judge_clear_used(j, v->of, sizeof v->of[0][0]);
    judge_clear_used(j, v->left, sizeof v->left[0][0]);
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        struct vmbus_host *h = &v->host[i];
        h->channels = h->handles = 0;
        h->full = h->unsupported = h->delivering = h->injected = false;
    }
}

const struct monitor monitor_vmbus = {.id = GPUP_MONITOR_vmbus,
                                      .state_size = sizeof(struct vmbus),
                                      .kinds = KIND(CHANNEL) | KIND(CALL) | KIND(MISUSE) | KIND(DAMAGE) |
                                               KIND(FAULT) | KIND(BUGCHECK) | KIND(HANG) | KIND(POOL_DAMAGE) |
                                               KIND(LEFT) | KIND(STEP),
                                      .event = event,
                                      .settle = vmbus_settle,
                                      .overlapped = vmbus_settle,
                                      .later = vmbus_later,
                                      .reset = reset};
