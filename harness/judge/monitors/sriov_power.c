/* Power and reset of a VF, and what survives the power cycle of the whole GPU. */
#include "monitors.h"

#include <string.h>

enum { D0 = 1, D1 = 2, D2 = 3, D3 = 4 };

struct power {
    bool entries_seen, unmasked, mastering; /* last readings */
    bool kept, cycled; /* config is what it had when it went to D3; the GPU was off since */
    uint64_t config;
    bool ran;          /* before it went to D3 */
    struct later rise; /* it is to run in D0 */
    uint16_t rule;     /* that wants it to */
};
struct powers {
    struct power of[GPUP_MAX_HOSTS][JUDGE_VFS];
    bool counted[GPUP_MAX_HOSTS], cycled[GPUP_MAX_HOSTS]; /* count is known; the GPU was off since */
    uint64_t count[GPUP_MAX_HOSTS];                       /* of partitions, as the driver said */
};

/* --- ResetVirtualFunction --- */

static void judge_reset(struct gpup_judge *j, const struct power *p, const struct vf *v) {
    const struct call *c = &j->call;
    const struct change *foreign = call_foreign(j);
    const char *what = NULL;
    CHECK(j, GPUP_RULE_VF_010, !foreign, "the reset of VF %u changed the %s of VF %u", c->vf,
          foreign ? change_name(foreign) : "", foreign ? foreign->vf : 0);
    if (!v || !c->before.present)
        return;
    bool free = !c->before.paused && c->before.session == SESSION_NONE;
    if (call_must_succeed(j) && c->before.powered && free) /* without power there is nothing that runs */
        CHECK(j, GPUP_RULE_VF_010, nt_success(c->status), "VF %u was not reset: 0x%08x", c->vf, c->status);
    if (!nt_success(c->status) || !v->powered) /* without power the next D0 may carry it out */
        return;
    if (p->entries_seen && p->unmasked)
        what = "an MSI-X entry is not masked";
    else if (v->control_seen && (v->enable || v->function_mask))
        what = v->enable ? "MSI-X Enable is set" : "the Function Mask is set";
    else if (p->mastering)
        what = "Bus Master Enable is set";
    CHECK(j, GPUP_RULE_VF_011, !what, "after the reset %s", what ? what : "");
}

/* --- SetVirtualFunctionPowerState --- */

static void judge_other_state(struct gpup_judge *j, const struct vf *v, uint64_t to) {
    const struct call *c = &j->call;
    bool same = v->schedule.running == c->before.schedule.running;
    if (to == D1 || to == D2) /* in the enumeration, and no page says what they mean here */
        CHECK_POLICY(j, GPUP_RULE_VF_015, !nt_success(c->status), "power state %llu was accepted",
                     (unsigned long long)to);
    else
        CHECK(j, GPUP_RULE_VF_015, !nt_success(c->status), "power state %llu was accepted",
              (unsigned long long)to);
    if (!nt_success(c->status))
        CHECK(j, GPUP_RULE_VF_015, same, "power state %llu was refused, and the VF is %s",
              (unsigned long long)to, v->schedule.running ? "scheduled" : "not scheduled");
}

/* The VF runs, or is to once time has passed. */
static void expect_running(struct gpup_judge *j, struct powers *s, const struct vf *v, uint16_t rule) {
    const struct call *c = &j->call;
    struct power *p = &s->of[c->host][c->vf];
    if (v->schedule.running) {
        COUNT(j, rule);
        return;
    }
    if (call_reset_goes_on(j, v))
        return;
    later_set(&p->rise, &j->host[c->host], v->moves);
    p->rule = rule;
}

/* free: nothing keeps the VF from running, nor is a basis of its reserve gone (RSV-013). */
static void judge_after_cycle(struct gpup_judge *j, struct powers *s, const struct vf *v, bool free) {
    const struct call *c = &j->call;
    const struct power *p = &s->of[c->host][c->vf];
    bool success = nt_success(c->status);
    if (success && v->schedule.seen && free && p->ran)
        expect_running(j, s, v, GPUP_RULE_VF_013);
    else if (success || (free && call_must_succeed(j)))
        CHECK(j, GPUP_RULE_VF_013, success, "after a power cycle of the GPU D0 was refused: 0x%08x",
              c->status);
    /* That registers of the configuration space belong to the configuration is our reading. */
    if (success && v->config.seen && judge_checked(j, GPUP_RULE_VF_013) && v->config.hash != p->config)
        judge_violated(j, GPUP_RULE_VF_013, GPUP_WARN,
                       "after a power cycle of the GPU the configuration space of the VF is another");
}

static void judge_on(struct gpup_judge *j, struct powers *s, const struct vf *v) {
    const struct call *c = &j->call;
    bool free = vf_is_free(v) && !v->unbased;
    if (s->of[c->host][c->vf].cycled)
        judge_after_cycle(j, s, v, free);
    else if (!nt_success(c->status) && c->before.resourced && free && call_must_succeed(j))
        CHECK(j, GPUP_RULE_VF_012, false, "D0 was refused: 0x%08x", c->status);
    else if (nt_success(c->status) && free && v->schedule.seen)
        expect_running(j, s, v, GPUP_RULE_VF_012);
}

static void judge_power(struct gpup_judge *j, struct powers *s, const struct vf *v) {
    const struct call *c = &j->call;
    struct power *p = &s->of[c->host][c->vf];
    uint64_t to = c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState];
    bool again = c->before.was_powered && c->before.powered == (to == D0);
    if (to != D0 && to != D3) {
        judge_other_state(j, v, to);
    } else if (to == D0 && c->a[GPUP_ARG_SetVirtualFunctionPowerState_Wake]) {
        COUNT(j, GPUP_RULE_VF_014);
    } else if (again) {
        const struct change *m = call_own(j);
        CHECK(j, GPUP_RULE_VF_016, !m, "%s for a VF in that state changed its %s", to == D0 ? "D0" : "D3",
              m ? change_name(m) : "");
    } else if (to == D0) {
        judge_on(j, s, v);
    } else if (nt_success(c->status) && v->schedule.seen && judge_checked(j, GPUP_RULE_VF_012) &&
               v->schedule.running) {
        judge_violated(j, GPUP_RULE_VF_012, GPUP_WARN, "the VF still runs in D3");
    }
    if (!nt_success(c->status))
        return;
    if (to == D3 && c->before.powered)
        *p = (struct power){.entries_seen = p->entries_seen,
                            .unmasked = p->unmasked,
                            .mastering = p->mastering,
                            .kept = c->before.config.seen,
                            .config = c->before.config.hash,
                            .ran = c->before.schedule.running};
    else if (to == D0)
        p->kept = p->cycled = false;
}

/* The whole GPU: what was kept in D3 has been through a power cycle when the PF is back in D0. */
static void judge_host(struct gpup_judge *j, struct powers *s) {
    const struct call *c = &j->call;
    for (unsigned i = 0; c->failed_alloc && i < JUDGE_VFS; i++)
        s->of[c->host][i].kept = false; /* there was no memory to keep it in */
    if (c->a[GPUP_ARG_SetPowerState_DevicePowerState] != D0 || !nt_success(c->status))
        return;
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        s->of[c->host][i].cycled = s->of[c->host][i].kept;
    s->cycled[c->host] = true;
}

/* Of the PF the partition count is what the interface shows. */
static void judge_count(struct gpup_judge *j, struct powers *s) {
    const struct call *c = &j->call;
    uint64_t count = c->r[GPUP_RES_GetGpuPartitionInfo_CurrentGpuPartitionCount];
    if (!nt_success(c->status))
        return;
    if (s->counted[c->host] && s->cycled[c->host])
        CHECK(j, GPUP_RULE_VF_013, count == s->count[c->host],
              "after a power cycle of the GPU there are %llu partitions, before there were %llu",
              (unsigned long long)count, (unsigned long long)s->count[c->host]);
    s->counted[c->host] = true;
    s->count[c->host] = count;
    s->cycled[c->host] = false;
}

/* The VFs are made anew, in the hardware too. */
static void forget_host(struct powers *s, unsigned host) {
    s->counted[host] = s->cycled[host] = false;
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        s->of[host][i].kept = s->of[host][i].cycled = s->of[host][i].rise.due = false;
}

static bool changes_config(uint16_t ddi) {
    return ddi == GPUP_DDI_WriteVirtualFunctionConfig || ddi == GPUP_DDI_ResetVirtualFunction ||
           ddi == GPUP_DDI_DestroyVirtualGpu || ddi == GPUP_DDI_WriteVirtualFunctionConfigBlock ||
           ddi == GPUP_DDI_RestoreMutableMigrationData || ddi == GPUP_DDI_RestoreImmutableMigrationData;
}

static void settle(struct gpup_judge *j, void *state) {
    struct powers *s = state;
    const struct call *c = &j->call;
    const struct vf *v = call_vf(j);
    if (j->host[c->host].impaired || c->overlapped)
        return;
    if (c->ddi == GPUP_DDI_SetPowerState)
        judge_host(j, s);
    else if (c->ddi == GPUP_DDI_GetGpuPartitionInfo)
        judge_count(j, s);
    else if (c->ddi == GPUP_DDI_SetGpuPartitionCount || c->ddi == GPUP_DDI_StopDevice)
        forget_host(s, c->host);
    struct power *p = v ? &s->of[c->host][c->vf] : NULL;
    if (c->ddi == GPUP_DDI_ResetVirtualFunction)
        judge_reset(j, p, v);
    else if (c->ddi == GPUP_DDI_SetVirtualFunctionPowerState && v && c->before.present)
        judge_power(j, s, v);
    if (!v)
        return;
    if (changes_config(c->ddi))
        p->kept = p->cycled = false;
    if (call_stops(c, v))
        p->rise.due = false;
    if (p->rise.due && nt_success(c->status) &&
        (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState || c->ddi == GPUP_DDI_EndLiveMigration))
        later_set(&p->rise, &j->host[c->host], v->moves); /* until then it was not free to run */
    if (v->present && !v->was_powered && c->ddi != GPUP_DDI_CreateVirtualGpu && v->schedule.seen)
        CHECK(j, GPUP_RULE_VF_012, !v->schedule.running, "the VF runs and was never in D0");
}

static void later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf) {
    const struct host *h = &j->host[host];
    if (vf == GPUP_PF)
        return;
    const struct vf *v = &h->vf[vf];
    struct power *p = &((struct powers *)state)->of[host][vf];
    if (later_is_same(&p->rise, h, v->moves) && v->powered && !v->paused && v->session == SESSION_NONE)
        CHECK(j, p->rule, v->schedule.running, "the VF does not run " JUDGE_A_WHILE " after D0");
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct powers *s = state;
    const struct call *c = &j->call;
    if (e->kind == GPUP_EVENT_OBS_MSIX || e->kind == GPUP_EVENT_OBS_CONFIG) {
        struct power *p = e->f[0] < JUDGE_VFS ? &s->of[e->host][e->f[0]] : NULL;
        if (p && e->kind == GPUP_EVENT_OBS_CONFIG)
            p->mastering = judge_bus_master(e);
        if (p && e->kind == GPUP_EVENT_OBS_MSIX) {
            p->entries_seen = true;
            p->unmasked = false;
            for (size_t at = 12; at < e->data_size; at += 16)
                p->unmasked = p->unmasked || !(e->data[at] & 1);
        }
        return;
    }
    if (c->active && c->ddi == GPUP_DDI_SetVirtualFunctionPowerState &&
        c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] == D0 &&
        c->a[GPUP_ARG_SetVirtualFunctionPowerState_Wake])
        CHECK(j, GPUP_RULE_VF_014, false, "D0 with a wake request did not come back");
}

/* Nothing is compared over a group of calls. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct powers *s = state;
    const struct call *c = &j->call;
    s->counted[c->host] = s->cycled[c->host] = false;
    if (c->ddi == GPUP_DDI_SetPowerState) /* whether there was memory to keep a VF in, nobody saw */
        forget_host(s, c->host);
    if (c->names_vf && c->vf < JUDGE_VFS)
        s->of[c->host][c->vf].kept = s->of[c->host][c->vf].cycled = s->of[c->host][c->vf].rise.due = false;
}

static void reset(struct gpup_judge *j, void *state) {
    struct powers *s = state;
    judge_clear_used(j, s->of, sizeof s->of[0][0]);
    memset(s->counted, 0, sizeof s->counted);
}

const struct monitor monitor_vf_power = {.id = GPUP_MONITOR_vf_power,
                                         .state_size = sizeof(struct powers),
                                         .kinds = KIND(OBS_MSIX) | KIND(OBS_CONFIG) | KIND(FAULT) |
                                                  KIND(BUGCHECK) | KIND(HANG),
                                         .event = event,
                                         .settle = settle,
                                         .overlapped = overlapped,
                                         .later = later,
                                         .reset = reset};
