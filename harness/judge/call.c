/* The call at hand, and what a successful call changes in the picture of its VF. */
#include "context.h"

#include <string.h>

void call_buffer(struct gpup_judge *j, const struct gpup_event *e) {
    struct buffer buffer = {true, e->f[GPUP_BUFFER_object], e->f[GPUP_BUFFER_size],
                            gpup_trace_hash(2, e->data, e->data_size)};
    if (e->f[GPUP_BUFFER_role] == GPUP_ROLE_INPUT)
        j->next_input = buffer;
    if (e->f[GPUP_BUFFER_role] == GPUP_ROLE_DATA)
        j->next_data = buffer;
}

/* The call at hand stays in the driver while another thread is looked at. */
static void park(struct gpup_judge *j) {
    unsigned i = 0;
    j->call.overlapped = true;
    while (i < JUDGE_LANES - 1 && j->lane[i].active)
        i++;
    j->lane[i] = j->call; /* more threads than lanes: one is lost, and its return passed over */
}

void call_select(struct gpup_judge *j, const struct gpup_event *e) {
    uint64_t number = j->call_at[e->kind] ? e->f[j->call_at[e->kind] - 1] : 0;
    if (!number || number == j->call.number)
        return;
    for (unsigned i = 0; i < JUDGE_LANES; i++) {
        const struct call *lane = &j->lane[i];
        if (!lane->active || lane->number != number || lane->host != e->host)
            continue;
        struct call chosen = *lane;
        j->lane[i].active = false;
        if (j->call.active)
            park(j);
        chosen.overlapped = true;
        j->call = chosen;
        return;
    }
}

void call_begin(struct gpup_judge *j, const struct gpup_event *e) {
    struct call *c = &j->call;
    struct host *h = &j->host[e->host];
    uint64_t ddi = e->f[GPUP_CALL_ddi];
    bool overlapped = c->active || j->together || j->changing;
    for (unsigned i = 0; i < JUDGE_LANES; i++)
        overlapped = overlapped || j->lane[i].active;
    if (c->active)
        park(j);
    *c = (struct call){.active = ddi < gpup_spec_counts.ddis, .overlapped = overlapped};
    if (!c->active)
        return;
    c->host = e->host;
    c->ddi = (uint16_t)ddi;
    c->class = e->f[GPUP_CALL_class] < GPUP_CLASSES ? (uint8_t)e->f[GPUP_CALL_class] : GPUP_POLICY;
    c->number = e->f[GPUP_CALL_call];
    c->step = e->step;
    c->event = j->event;
    c->begin_ns = e->time_ns;
    memcpy(c->a, &e->f[GPUP_CALL_a0], sizeof c->a);
    int8_t argument = gpup_ddis[ddi].vf_argument;
    c->names_vf = argument >= 0;
    c->vf =
        argument >= 0 && c->a[(uint8_t)argument] < UINT32_MAX ? (uint32_t)c->a[(uint8_t)argument] : GPUP_PF;
    c->basis = GPUP_SLOT_NONE;
    c->pf = h->pf;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        c->restless |= (uint8_t)(host_is_restless(&j->host[i]) << i);
    c->pool_count = h->pool_count;
    c->input = j->next_input;
    c->data = j->next_data;
    j->next_input.there = j->next_data.there = false;
    if (call_vf(j))
        c->before = *call_vf(j);
    if (c->class > j->weakest)
        j->weakest = c->class;
}

#define HEADER 0x40u /* bytes of a function's configuration space before its capabilities */

bool call_may_reset(const struct call *c) {
    if (c->ddi != GPUP_DDI_WriteVirtualFunctionConfig)
        return false;
    uint64_t first = c->a[GPUP_ARG_WriteVirtualFunctionConfig_Offset], msix = c->before.msix_at;
    uint64_t end = first + c->a[GPUP_ARG_WriteVirtualFunctionConfig_Length];
    bool control = msix && first >= msix + 2 && end <= msix + 4;
    return end > HEADER && !control && (c->a[GPUP_ARG_WriteVirtualFunctionConfig_Data] & 0x80808080u);
}

/* A write after which MSI-X is enabled was no reset. */
bool call_stops(const struct call *c, const struct vf *v) {
    return c->ddi == GPUP_DDI_ResetVirtualFunction || c->ddi == GPUP_DDI_RestoreMutableMigrationData ||
           c->ddi == GPUP_DDI_RestoreImmutableMigrationData ||
           c->ddi == GPUP_DDI_WriteVirtualFunctionConfigBlock ||
           (call_may_reset(c) && (c->before.enable || !v->enable));
}

bool call_reset_goes_on(const struct gpup_judge *j, const struct vf *v) {
    return j->call.begin_ns <= v->reset_ns && v->reset_ns;
}

static void reset_vf(struct vf *v) {
    struct vf old = *v;
    v->present = v->resourced = v->powered = v->was_powered = v->paused = false;
    v->tracking = v->work_pending = v->work_busy = false;
    v->disturbed = v->kept = v->rising = v->half = v->unbased = false;
    v->session = SESSION_NONE;
    v->sessions = v->restores = 0;
    v->reserve_size = v->reserve_shape = v->reserve_ranges = 0;
    v->secrets[0] = 0;
    v->schedule = old.schedule;
}

static void changed_power(struct vf *v, uint64_t state) {
    v->powered = state == 1;
    v->kept = v->kept && !v->powered;
    v->was_powered = v->was_powered || v->powered;
    v->rising = v->rising && v->powered;
}

/* Time is shared out anew, at once or a little later. */
static void restructured(struct host *h) {
    h->structure++;
    h->unrest = h->waited_ns + 1;
}

static void prepared(struct host *h, struct vf *v, uint64_t type, bool disturbed) {
    if (v->session == SESSION_NONE) {
        v->disturbed = disturbed;
        h->open_sessions++;
        v->sessions++;
    }
    v->session = type == 0 ? SESSION_SOURCE : SESSION_TARGET;
}

static void ended(struct host *h, struct vf *v) {
    if (v->session != SESSION_NONE)
        h->open_sessions--;
    v->session = SESSION_NONE;
}

static void destroyed(struct host *h, struct vf *v) {
    if (v->present)
        h->vgpus--;
    ended(h, v);
    reset_vf(v);
}

static void succeeded_vf(struct gpup_judge *j, struct vf *v) {
    struct call *c = &j->call;
    struct host *h = &j->host[c->host];
    switch (c->ddi) {
    case GPUP_DDI_ResetVirtualFunction:
        v->kept = false;
        v->moves++;
        restructured(h);
        break;
    case GPUP_DDI_WriteVirtualFunctionConfig:
        if (call_may_reset(c))
            restructured(h);
        break;
    case GPUP_DDI_CreateVirtualGpu:
        v->moves++;
        restructured(h);
        h->vgpus += !v->present;
        reset_vf(v);
        v->present = true;
        v->life++;
        v->profile = gpup_trace_hash(9, c->a + 1, 3 * sizeof *c->a); /* what memory it was to have */
        break;
    case GPUP_DDI_DestroyVirtualGpu:
        v->moves++;
        restructured(h);
        destroyed(h, v);
        break;
    case GPUP_DDI_SetVirtualGpuResources:
    case GPUP_DDI_SetVirtualGpuResources2:
        v->resourced = true;
        break;
    case GPUP_DDI_SetVirtualFunctionPowerState:
        v->moves++;
        changed_power(v, c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState]);
        restructured(h);
        if (v->powered && !c->before.powered && !v->paused)
            judge_rises(j, c->host, v);
        break;
    case GPUP_DDI_SetVirtualFunctionPauseState:
        v->paused = c->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause] != 0;
        v->rising = v->rising && !v->paused;
        if (v->powered && c->before.paused && !v->paused)
            judge_rises(j, c->host, v);
        break;
    case GPUP_DDI_PrepareLiveMigration:
        prepared(h, v, c->a[GPUP_ARG_PrepareLiveMigration_MigrationType], call_reset_goes_on(j, v));
        break;
    case GPUP_DDI_EndLiveMigration:
        ended(h, v);
        break;
    case GPUP_DDI_RestoreMutableMigrationData:
        v->work_pending = true; /* the queue came with the state */
        v->work_busy = false;
        v->kept = !v->powered;
        break;
    default:
        break;
    }
}

static void all_absent(struct host *h, uint64_t used) {
    for (; used; used &= used - 1)
        destroyed(h, &h->vf[__builtin_ctzll(used)]);
    restructured(h);
    h->bases = 0;
}

static void answered(struct host *h, const struct call *c) {
    uint32_t value = (uint32_t)c->r[GPUP_RES_QueryAdapterInfo_Output];
    uint64_t input = c->a[GPUP_ARG_QueryAdapterInfo_Input];
    if (c->a[GPUP_ARG_QueryAdapterInfo_OutputDataSize] < sizeof value)
        return;
    if (c->a[GPUP_ARG_QueryAdapterInfo_Type] == 30) {
        h->caps_seen = true;
        h->caps = value;
    } else if (c->a[GPUP_ARG_QueryAdapterInfo_Type] == 39) {
        h->dirty_caps_seen = true;
        h->dirty_caps = value;
    } else if (c->a[GPUP_ARG_QueryAdapterInfo_Type] == 40 && input <= GPUP_MAX_SEGMENTS) {
        h->page[input] = value;
    }
}

/* What VFs without power lost with the GPU's, the driver may bring back when they have theirs. */
static void kept_by_driver(struct gpup_judge *j, unsigned host) {
    for (uint64_t used = j->used[host]; used; used &= used - 1) {
        struct vf *v = &j->host[host].vf[__builtin_ctzll(used)];
        v->kept = v->present && !v->powered;
    }
}

/* A driver that cannot take over in a hot update: nothing is left of what ran. */
static void lost(struct gpup_judge *j) {
    struct host *h = &j->host[j->call.host];
    if (h->updating)
        all_absent(h, j->used[j->call.host]);
    h->updating = false;
}

static void succeeded_host(struct gpup_judge *j) {
    struct call *c = &j->call;
    struct host *h = &j->host[c->host];
    switch (c->ddi) {
    case GPUP_DDI_Unload:
        h->unloaded = true;
        break;
    case GPUP_DDI_RemoveDevice:
        h->unloaded = true;
        if (!h->updating)
            all_absent(h, j->used[c->host]);
        break;
    case GPUP_DDI_StopDevice:
        if (!h->updating)
            all_absent(h, j->used[c->host]);
        break;
    case GPUP_DDI_SaveMemoryForHotUpdate:
        h->updating = !c->a[GPUP_ARG_SaveMemoryForHotUpdate_Flags];
        h->kept = h->machines;
        break;
    case GPUP_DDI_AddDevice:
        if (!c->r[GPUP_RES_AddDevice_MiniportDeviceContext]) /* nothing starts it */
            lost(j);
        h->unloaded = false;
        break;
    case GPUP_DDI_SetPowerState:
        h->asleep = c->a[GPUP_ARG_SetPowerState_DevicePowerState] != 1;
        if (h->asleep)
            kept_by_driver(j, c->host);
        break;
    case GPUP_DDI_StartDevice:
        h->asleep = false;
        if (h->updating)
            h->machines = h->kept;
        h->updating = false;
        break;
    case GPUP_DDI_QueryAdapterInfo:
        answered(h, c);
        break;
    case GPUP_DDI_ControlEtwLogging:
        h->logging = c->a[GPUP_ARG_ControlEtwLogging_Enable] != 0 && !c->overlapped;
        if (j->one_system) /* it is the driver's */
            j->host[1 - c->host].logging = h->logging;
        break;
    case GPUP_DDI_SetGpuPartitionCount:
        h->partitions = (uint32_t)c->a[GPUP_ARG_SetGpuPartitionCount_PartitionCount];
        restructured(h);
        break;
    case GPUP_DDI_CreateMemoryBasis:
        h->bases++;
        break;
    case GPUP_DDI_DestroyMemoryBasis:
        h->bases -= h->bases > 0;
        break;
    case GPUP_DDI_CreateProcess:
        h->processes++;
        break;
    case GPUP_DDI_DestroyProcess:
        h->processes -= h->processes > 0;
        break;
    default:
        break;
    }
}

/* Answers of a driver whose memory is out or whose device is gone. Nobody tells of that in a recorded trace.
 */
static bool tells_of_trouble(uint32_t status) {
    static const uint32_t troubles[] = {
        0xC0000017, /* STATUS_NO_MEMORY */
        0xC000009A, /* STATUS_INSUFFICIENT_RESOURCES */
        0xC000009D, /* STATUS_DEVICE_NOT_CONNECTED */
        0xC000009E, /* STATUS_DEVICE_POWER_FAILURE */
        0xC00000B5, /* STATUS_IO_TIMEOUT */
        0xC00000C0, /* STATUS_DEVICE_DOES_NOT_EXIST */
        0xC0000185, /* STATUS_IO_DEVICE_ERROR */
        0xC00002B6, /* STATUS_DEVICE_REMOVED */
        0xC0000483, /* STATUS_DEVICE_HARDWARE_ERROR */
    };
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++)
        if (status == troubles[i])
            return true;
    return false;
}

/* A migration session may be lost by it, whether or not the call worked. */
static void disturb(struct gpup_judge *j) {
    const struct call *c = &j->call;
    struct vf *v = call_vf(j);
    if (v && (c->overlapped || c->ddi == GPUP_DDI_ResetVirtualFunction ||
              c->ddi == GPUP_DDI_WriteVirtualFunctionConfig || /* a reset may be asked for there */
              c->ddi == GPUP_DDI_SetVirtualFunctionPowerState))
        v->disturbed = true;
    for (uint64_t used = j->used[c->host]; used && c->ddi == GPUP_DDI_SetPowerState; used &= used - 1)
        j->host[c->host].vf[__builtin_ctzll(used)].disturbed = true;
}

/* A target may have taken some of what it then refused; that a VF with no target session took none, the
 * restore rules say. */
static void note_restore(struct gpup_judge *j) {
    const struct call *c = &j->call;
    struct vf *v = call_vf(j);
    bool mutable = c->ddi == GPUP_DDI_RestoreMutableMigrationData, works = nt_success(c->status);
    if (!v || (!mutable && c->ddi != GPUP_DDI_RestoreImmutableMigrationData) ||
        (!works && !c->overlapped && c->before.session != SESSION_TARGET))
        return;
    v->half = !mutable || !works;
    v->restores++;
}

static void succeeded(struct gpup_judge *j) {
    struct call *c = &j->call;
    struct vf *v = call_vf(j);
    gpup_machine_step(&j->host[c->host].machines, c->ddi, v ? c->vf : GPUP_SLOT_NONE, c->basis, c->a);
    if (v)
        succeeded_vf(j, v);
    succeeded_host(j);
}

static void failed(struct gpup_judge *j) {
    const struct call *c = &j->call;
    if (j->recorded && tells_of_trouble(c->status))
        j->host[c->host].impaired = true;
    if (c->ddi == GPUP_DDI_SaveMemoryForHotUpdate && c->a[GPUP_ARG_SaveMemoryForHotUpdate_Flags])
        j->host[c->host].updating = false; /* given up, whatever the driver says to it */
    if (call_restores_block(c) || c->ddi == GPUP_DDI_StartDevice || c->ddi == GPUP_DDI_AddDevice ||
        c->ddi == GPUP_DDI_DriverEntry)
        lost(j);
}

void call_return(struct gpup_judge *j, const struct gpup_event *e) {
    struct call *c = &j->call;
    if (!c->active || e->host != c->host || e->f[GPUP_RETURN_ddi] != c->ddi) {
        c->active = false;
        return;
    }
    c->active = false;
    c->returned = true;
    j->changing = false;
    c->status = (uint32_t)e->f[GPUP_RETURN_status];
    c->handle = e->f[GPUP_RETURN_handle];
    memcpy(c->r, &e->f[GPUP_RETURN_r0], sizeof c->r);
    c->end_ns = e->time_ns;
    if (call_may_reset(c) && call_vf(j))
        call_vf(j)->reset_ns = c->end_ns + RESET_NS;
    bool success = gpup_ddis[c->ddi].returns == GPUP_RETURNS_HANDLE ? c->handle != 0 : nt_success(c->status);
    if (success)
        succeeded(j);
    else
        failed(j);
    disturb(j);
    note_restore(j);
}

void call_died(struct gpup_judge *j) {
    j->changing = false;
    for (unsigned i = 0; i < JUDGE_LANES; i++)
        j->lane[i].active = j->lane[i].active && j->lane[i].host != j->call.host;
    j->call.active = j->call.returned = false;
    j->call.died = true;
}
