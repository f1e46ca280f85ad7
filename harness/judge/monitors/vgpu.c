/* Life of a vGPU: what its creation gives, what its end takes away, and what the next one must not see. */
#include "vgpu.h"

/* --- a later life --- */

/* The guest gets to see the VF when it is powered for the first time. */
static void judge_first_power(struct gpup_judge *j, const struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    const struct life *l = &g->of[c->host][c->vf];
    const char *what = NULL;
    if (!nt_success(c->status) || !v->powered || c->before.was_powered || v->life < 2 || v->sessions ||
        l->inherited || vf_is_to_begin(&j->host[c->host], v))
        return;
    if (l->held & ~v->secrets[0])
        what = "registers of the former guest";
    else if (v->enable || v->function_mask)
        what = "the MSI-X control of the former guest";
    else if (l->unmasked)
        what = "unmasked MSI-X entries";
    else if (l->mastering)
        what = "a configuration space in use";
    CHECK(j, GPUP_RULE_PART_026, !what, "the guest of the new vGPU finds %s", what ? what : "");
}

/* --- DestroyVirtualGpu --- */

static bool is_odd_end(const struct call *c) {
    return c->before.powered || c->before.paused || c->before.tracking || c->before.session != SESSION_NONE;
}

static void judge_destroy(struct gpup_judge *j, struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    const struct change *foreign = call_foreign(j);
    bool success = nt_success(c->status);
    CHECK(j, GPUP_RULE_PART_027, !foreign, "the end of VF %u changed the %s of VF %u", c->vf,
          foreign ? change_name(foreign) : "", foreign ? foreign->vf : 0);
    if (!v || !c->before.present) {
        CHECK(j, GPUP_RULE_PART_028, !success, "VF %u has no vGPU, and was destroyed", c->vf);
        return;
    }
    if (call_must_succeed(j) && !is_odd_end(c)) /* no page says whether the OS ends those first */
        CHECK(j, GPUP_RULE_PART_025, success, "the vGPU was not destroyed: 0x%08x", c->status);
    if (!success)
        return;
    g->of[c->host][c->vf].luid_known = false;
    g->of[c->host][c->vf].ended = true;
    g->of[c->host][c->vf].ended_ns = j->host[c->host].waited_ns;
    if (!is_odd_end(c))
        return;
    g->host[c->host].odd_end = g->of[c->host][c->vf].odd_end = true;
    COUNT(j, GPUP_RULE_PART_029);
}

/* --- GetVirtualGpuInfo --- */

/* Minimum, maximum and current value at that place; nobody answers with what stood there before. */
static bool is_written(const struct vgpu *g, size_t at) {
    for (size_t i = at; i < at + 24; i += 8) {
        static const uint8_t none[8];
        if (memcmp(g->in + i, none, 8) != 0 && memcmp(g->in + i, g->out + i, 8) == 0)
            return false;
    }
    return true;
}

static void judge_info(struct gpup_judge *j, const struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    bool success = nt_success(c->status);
    if (!v || !c->before.present) {
        CHECK(j, GPUP_RULE_PART_024, !success && (!g->shown || g->before == g->after),
              "VF %u has no vGPU: the status is 0x%08x%s", c->vf, c->status,
              success ? "" : ", and something was written");
        return;
    }
    if (!v->powered || !(v->schedule.seen ? v->schedule.running : !v->paused))
        return;
    if (!success) {
        if (call_must_succeed(j))
            CHECK(j, GPUP_RULE_PART_023, false, "the vGPU runs, and the status is 0x%08x", c->status);
        return;
    }
    for (size_t kind = 0; g->shown && g->size >= INFO_SIZE && kind < 4; kind++) {
        uint64_t least = vgpu_number(g, INFO_VALUES + 24 * kind, 8);
        uint64_t most = vgpu_number(g, INFO_VALUES + 24 * kind + 8, 8);
        uint64_t current = vgpu_number(g, INFO_VALUES + 24 * kind + 16, 8);
        bool written = is_written(g, INFO_VALUES + 24 * kind);
        CHECK(j, GPUP_RULE_PART_023, written, "capability %zu was not written", kind);
        CHECK(j, GPUP_RULE_PART_023, least <= current && current <= most,
              "capability %zu: %llu, of %llu to %llu", kind, (unsigned long long)current,
              (unsigned long long)least, (unsigned long long)most);
    }
}

static void judge_query_luid(struct gpup_judge *j, const struct vgpu *g) {
    const struct call *c = &j->call;
    uint64_t luid = c->r[GPUP_RES_QueryVirtualFunctionLuid_LuidLow] |
                    c->r[GPUP_RES_QueryVirtualFunctionLuid_LuidHigh] << 32;
    uint64_t unset = c->a[GPUP_ARG_QueryVirtualFunctionLuid_LuidLow] |
                     c->a[GPUP_ARG_QueryVirtualFunctionLuid_LuidHigh] << 32;
    if (c->before.present && g->of[c->host][c->vf].luid_known && (luid != unset || !unset))
        CHECK(j, GPUP_RULE_PART_018, luid == g->of[c->host][c->vf].luid,
              "the LUID of VF %u is 0x%llx, at its creation it was 0x%llx", c->vf, (unsigned long long)luid,
              (unsigned long long)g->of[c->host][c->vf].luid);
}

static void settle(struct gpup_judge *j, void *state) {
    struct vgpu *g = state;
    const struct call *c = &j->call;
    const struct vf *v = call_vf(j);
    if (c->ddi == GPUP_DDI_GetVirtualGpuProfile) {
        g->host[c->host].profiled = nt_success(c->status);
        g->host[c->host].available = c->r[GPUP_RES_GetVirtualGpuProfile_MemoryAvailable];
        g->host[c->host].optimal = c->r[GPUP_RES_GetVirtualGpuProfile_MemoryOptimal];
    } else if (c->ddi != GPUP_DDI_CreateVirtualGpu)
        g->host[c->host].pending = false;
    if (c->ddi == GPUP_DDI_RemoveDevice)
        memset(g->host[c->host].leak, 0, sizeof g->host[c->host].leak);
    if (j->host[c->host].impaired || c->overlapped)
        return;
    if (c->ddi == GPUP_DDI_CreateVirtualGpu)
        vgpu_judge_create(j, g, v);
    else if (c->ddi == GPUP_DDI_DestroyVirtualGpu)
        judge_destroy(j, g, v);
    else if (c->ddi == GPUP_DDI_GetVirtualGpuInfo)
        judge_info(j, g, v);
    else if (c->ddi == GPUP_DDI_QueryVirtualFunctionLuid && v)
        judge_query_luid(j, g);
    else if (c->ddi == GPUP_DDI_SetVirtualFunctionPowerState && v)
        judge_first_power(j, g, v);
    else if (v &&
             (c->ddi == GPUP_DDI_WriteVirtualizedInterrupt || c->ddi == GPUP_DDI_WriteVirtualFunctionConfig ||
              c->ddi == GPUP_DDI_WriteVirtualFunctionConfigBlock))
        g->of[c->host][c->vf].inherited = true;
}

/* --- events --- */

static void keep_structure(const struct gpup_judge *j, struct vgpu *g, const struct gpup_event *e) {
    if (e->kind == GPUP_EVENT_BUFFER && e->f[GPUP_BUFFER_role] == GPUP_ROLE_ARGUMENTS) {
        memset(g->in, 0, sizeof g->in);
        if (e->data_size)
            memcpy(g->in, e->data, e->data_size < sizeof g->in ? e->data_size : sizeof g->in);
        g->before = gpup_trace_hash(3, e->data, e->data_size);
        bool whole = e->data_size == CREATE_SIZE;
        g->engines = whole ? gpup_trace_hash(4, e->data + CREATE_ENGINES, CREATE_END - CREATE_ENGINES) : 0;
        g->provider = whole ? gpup_trace_hash(5, e->data + CREATE_CLSID, CLSID_SIZE) : 0;
        return;
    }
    if (e->kind != GPUP_EVENT_OUTPUT || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_ARGUMENTS || !j->call.returned)
        return;
    g->size = e->data_size < CREATE_SIZE ? e->data_size : CREATE_SIZE;
    g->shown = j->call.ddi != GPUP_DDI_CreateVirtualGpu || g->size == CREATE_SIZE;
    g->after = gpup_trace_hash(3, e->data, e->data_size);
    if (g->size)
        memcpy(g->out, e->data, g->size);
}

static void saw_reading(struct gpup_judge *j, struct vgpu *g, const struct gpup_event *e) {
    if (e->f[0] >= JUDGE_VFS)
        return;
    struct life *l = &g->of[e->host][e->f[0]];
    switch (e->kind) {
    case GPUP_EVENT_OBS_MSIX:
        l->unmasked = false;
        for (size_t at = 12; at < e->data_size; at += 16)
            l->unmasked = l->unmasked || !(e->data[at] & 1);
        break;
    case GPUP_EVENT_OBS_CONFIG:
        l->mastering = judge_bus_master(e);
        break;
    default:
        l->held = 0;
        for (unsigned i = 0; i < j->secret_count; i++)
            if (judge_find_value(e->data, e->data_size, j->secret[i]))
                l->held |= UINT64_C(1) << i;
    }
}

/* Memory or code of a vGPU that is gone was reached. */
static void saw_trouble(struct gpup_judge *j, const struct vgpu *g, const struct gpup_event *e) {
    const struct call *c = &j->call;
    bool basis =
        c->active && (c->ddi == GPUP_DDI_CreateMemoryBasis || c->ddi == GPUP_DDI_StartDirtyTracking ||
                      c->ddi == GPUP_DDI_StopDirtyTracking || c->ddi == GPUP_DDI_QueryDirtyBitData ||
                      c->ddi == GPUP_DDI_DestroyMemoryBasis); /* the matter of DIRTY-005 and 049 */
    bool later = (e->kind == GPUP_EVENT_POOL_DAMAGE && !basis) ||
                 (e->kind == GPUP_EVENT_FAULT && e->f[GPUP_FAULT_routine]);
    if (g->host[e->host].odd_end && later)
        CHECK(j, GPUP_RULE_PART_029, false, "after a vGPU was destroyed in use, %s",
              e->kind == GPUP_EVENT_FAULT ? "a routine that was left faulted" : "freed memory was used");
    if (e->kind == GPUP_EVENT_FAULT && c->active && c->ddi == GPUP_DDI_DestroyVirtualGpu &&
        !c->before.present)
        CHECK(j, GPUP_RULE_PART_028, false, "VF %u has no vGPU, and its destruction faulted", c->vf);
}

/* Work of a VF whose vGPU was destroyed in use goes on. */
static void saw_write(struct gpup_judge *j, const struct vgpu *g, const struct gpup_event *e) {
    const struct vf *v = judge_vf(j, e->host, e->f[GPUP_GUEST_WRITE_vf]);
    bool ending = j->call.active && j->call.ddi == GPUP_DDI_DestroyVirtualGpu;
    if (!v || v->present || ending || !e->f[GPUP_GUEST_WRITE_done] ||
        !g->of[e->host][e->f[GPUP_GUEST_WRITE_vf]].odd_end || j->host[e->host].impaired)
        return;
    judge_about(j, e->host, (uint32_t)e->f[GPUP_GUEST_WRITE_vf]);
    CHECK(j, GPUP_RULE_PART_029, false, "the VF of a vGPU that was destroyed in use writes memory");
}

/* What others do takes memory of its own. */
static void note_doing(struct vgpu *g, unsigned host, uint64_t vf) {
    g->host[host].doings++;
    if (vf < JUDGE_VFS)
        g->of[host][vf].own++;
}

static void saw_step(struct vgpu *g, const struct gpup_event *e) {
    uint64_t op = e->f[GPUP_STEP_op];
    if (!judge_acts_beside(op) || op == GPUP_OP_FailAllocation || op == GPUP_OP_StartVm ||
        op == GPUP_OP_CreateVm) /* those are calls */
        return;
    note_doing(g, e->host, e->f[GPUP_STEP_vf]);
    g->host[e->host].pending = false;
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct vgpu *g = state;
    if (e->kind == GPUP_EVENT_CALL) {
        g->shown = false;
        if (j->call.names_vf)
            note_doing(g, e->host, j->call.vf);
    } else if (e->kind == GPUP_EVENT_STEP) {
        saw_step(g, e);
    } else if (e->kind == GPUP_EVENT_GUEST_WRITE)
        saw_write(j, g, e);
    else if (e->kind == GPUP_EVENT_BUFFER || e->kind == GPUP_EVENT_OUTPUT)
        keep_structure(j, g, e);
    else if (e->kind == GPUP_EVENT_FAULT || e->kind == GPUP_EVENT_POOL_DAMAGE)
        saw_trouble(j, g, e);
    else
        saw_reading(j, g, e);
}

/* Lives that began or ended in a group of calls: what is remembered of any is compared no more. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct vgpu *g = state;
    const struct call *c = &j->call;
    g->host[c->host].pending = false;
    if (c->vf < JUDGE_VFS) /* it may have written what the next guest sees */
        g->of[c->host][c->vf].inherited = true;
    if (c->ddi != GPUP_DDI_CreateVirtualGpu && c->ddi != GPUP_DDI_DestroyVirtualGpu)
        return;
    for (uint32_t i = 0; i < JUDGE_VFS; i++) {
        struct life *l = &g->of[c->host][i];
        *l = (struct life){.luid_known = l->luid_known && i != c->vf,
                           .luid = l->luid,
                           .inherited = true,
                           .unmasked = l->unmasked,
                           .mastering = l->mastering,
                           .held = l->held};
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct vgpu *g = state;
    judge_clear_used(j, g->of, sizeof g->of[0][0]);
    memset(g->host, 0, sizeof g->host);
    g->shown = false;
}

const struct monitor monitor_vgpu = {.id = GPUP_MONITOR_vgpu,
                                     .state_size = sizeof(struct vgpu),
                                     .kinds = KIND(CALL) | KIND(STEP) | KIND(GUEST_WRITE) | KIND(BUFFER) |
                                              KIND(OUTPUT) | KIND(FAULT) | KIND(POOL_DAMAGE) |
                                              KIND(OBS_MSIX) | KIND(OBS_CONFIG) | KIND(OBS_GUEST),
                                     .event = event,
                                     .settle = settle,
                                     .overlapped = overlapped,
                                     .reset = reset};
