/* How many partitions there can be and what one of them can have: the answers of the partition interface. */
#include "monitors.h"

#include <string.h>

#define LISTED 64u /* partition counts that are kept */
#define CAPABILITIES 4u
#define PROFILE_SIZE 168u /* of DXGKARG_GETVIRTUALGPUPROFILE */
enum { TOTAL, AVAILABLE, LEAST, MOST, OPTIMAL, VALUES };

struct counts {
    bool listed, sized; /* the list was given; its length is still good */
    bool small;         /* there was no room for it when it was last asked for */
    uint32_t options, length;
    uint16_t list[LISTED];
    bool current_known;
    uint32_t current; /* as the driver last said */
    uint32_t set;     /* by the last SetGpuPartitionCount that succeeded */
    bool expecting;
    uint32_t expected; /* what the driver must say next */
    uint16_t rule;     /* that says so */
    bool base_known;
    uint32_t base_count;
    uint64_t base[CAPABILITIES]; /* available while there was no vGPU */
    uint64_t ended;              /* 1 + host.waited_ns when a vGPU last stopped or went, 0 never */
};
struct partition {
    struct counts of[GPUP_MAX_HOSTS];
    uint16_t out[LISTED]; /* of the call at hand */
    size_t out_count;
    bool profiled;
    uint64_t value[CAPABILITIES][VALUES];
};

static bool is_listed(const struct counts *n, uint64_t count) {
    for (uint32_t i = 0; i < n->length; i++)
        if (n->list[i] == count)
            return true;
    return false;
}

/* --- GetGpuPartitionInfo --- */

static void judge_list(struct gpup_judge *j, const struct partition *p) {
    const struct call *c = &j->call;
    uint64_t current = c->r[GPUP_RES_GetGpuPartitionInfo_CurrentGpuPartitionCount];
    bool zero = false, twice = false, has = current == 0;
    for (size_t i = 0; i < p->out_count; i++) {
        zero = zero || p->out[i] == 0;
        has = has || p->out[i] == current;
        for (size_t k = 0; k < i; k++)
            twice = twice || p->out[i] == p->out[k];
    }
    CHECK(j, GPUP_RULE_PART_005, !zero && !twice && has, "%s",
          zero    ? "0 partitions are an option"
          : twice ? "a partition count stands twice among the options"
                  : "the current partition count is none of the options");
}

static void answered(struct gpup_judge *j, struct counts *n, struct partition *p) {
    const struct call *c = &j->call;
    uint64_t room = c->a[GPUP_ARG_GetGpuPartitionInfo_NumGpuPartitionOptions];
    uint64_t unset = c->a[GPUP_ARG_GetGpuPartitionInfo_CurrentGpuPartitionCount];
    uint64_t options = c->r[GPUP_RES_GetGpuPartitionInfo_NumGpuPartitionOptions];
    uint64_t current = c->r[GPUP_RES_GetGpuPartitionInfo_CurrentGpuPartitionCount];
    size_t unwritten = LISTED;
    p->out_count = options < p->out_count ? (size_t)options : p->out_count;
    for (size_t i = 0; i < p->out_count; i++)
        unwritten = p->out[i] == unset && unset ? i : unwritten;
    CHECK(j, GPUP_RULE_PART_001, options <= room && unwritten == LISTED && (!unset || current != unset),
          "of %llu options in an array of %llu %s", (unsigned long long)options, (unsigned long long)room,
          options > room        ? "not all can have been written"
          : unwritten != LISTED ? "one was not written"
                                : "all stand there, but the current count was not set");
    judge_list(j, p);
    n->listed = true;
    n->length = (uint32_t)p->out_count;
    memcpy(n->list, p->out, sizeof n->list);
}

static void judge_current(struct gpup_judge *j, struct counts *n, bool too_small) {
    const struct call *c = &j->call;
    uint64_t unset = c->a[GPUP_ARG_GetGpuPartitionInfo_CurrentGpuPartitionCount];
    uint64_t current = c->r[GPUP_RES_GetGpuPartitionInfo_CurrentGpuPartitionCount];
    bool written = !unset || current != unset;
    if (too_small)
        CHECK(j, GPUP_RULE_PART_037, written, "the current count was not set");
    if (!written)
        return;
    if (n->expecting)
        CHECK(j, n->rule, current == n->expected, "the current partition count is %llu, not %u",
              (unsigned long long)current, n->expected);
    n->expecting = false;
    n->current_known = true;
    n->current = (uint32_t)current;
}

static void judge_info(struct gpup_judge *j, struct counts *n, struct partition *p) {
    const struct call *c = &j->call;
    uint64_t room = c->a[GPUP_ARG_GetGpuPartitionInfo_NumGpuPartitionOptions];
    uint64_t options = c->r[GPUP_RES_GetGpuPartitionInfo_NumGpuPartitionOptions];
    bool success = nt_success(c->status), too_small = c->status == GPUP_STATUS_BUFFER_TOO_SMALL;
    CHECK(j, GPUP_RULE_PART_003, !c->damaged_data, "the array of %llu options was overrun",
          (unsigned long long)room);
    CHECK(j, GPUP_RULE_PART_036, c->status == GPUP_STATUS_SUCCESS || too_small || c->status >> 30 == 3,
          "the status is 0x%08x", c->status);
    if (n->sized && call_must_succeed(j)) {
        if (room >= n->options && (success || n->small)) /* else nobody asks again */
            CHECK(j, GPUP_RULE_PART_001, success, "room for %llu of %u options, and the status is 0x%08x",
                  (unsigned long long)room, n->options, c->status);
        else if (room < n->options)
            CHECK(j, GPUP_RULE_PART_002, too_small, "room for %llu of %u options, and the status is 0x%08x",
                  (unsigned long long)room, n->options, c->status);
    }
    if (!success && !too_small)
        return;
    n->small = too_small;
    if (too_small)
        CHECK(j, GPUP_RULE_PART_002, options > room, "the array of %llu is too small for %llu options",
              (unsigned long long)room, (unsigned long long)options);
    if (n->sized && (too_small || success))
        CHECK(j, GPUP_RULE_PART_004, options == n->options, "%llu options now, %u before",
              (unsigned long long)options, n->options);
    if (success)
        answered(j, n, p);
    judge_current(j, n, too_small);
    n->sized = true;
    n->options = (uint32_t)options;
}

/* --- SetGpuPartitionCount --- */

static const struct change *touched_vgpu(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    for (unsigned i = 0; i < c->changes; i++) {
        const struct change *m = &c->change[i];
        bool stopped = m->kind == GPUP_EVENT_OBS_SCHEDULE && m->old.running != m->now.running;
        if (m->vf < JUDGE_VFS && j->host[c->host].vf[m->vf].present &&
            (stopped || (m->kind != GPUP_EVENT_OBS_SCHEDULE && m->fresh && m->quiet)))
            return m;
    }
    return NULL;
}

static void expect(struct counts *n, uint32_t count, uint16_t rule) {
    n->expecting = true;
    n->expected = count;
    n->rule = rule;
}

static void judge_set(struct gpup_judge *j, struct counts *n) {
    const struct call *c = &j->call;
    uint64_t count = c->a[GPUP_ARG_SetGpuPartitionCount_PartitionCount];
    bool success = nt_success(c->status), option = is_listed(n, count);
    if (n->listed && !option) {
        CHECK(j, GPUP_RULE_PART_007, !success, "%llu partitions are no option, and were set",
              (unsigned long long)count);
        if (!success && n->current_known)
            expect(n, n->current, GPUP_RULE_PART_007);
    } else if (j->host[c->host].vgpus) {
        const struct change *touched = touched_vgpu(j);
        CHECK(j, GPUP_RULE_PART_008, (!success || count == n->set || !n->set) && !touched,
              "%llu partitions instead of %u were set while a vGPU exists%s%s", (unsigned long long)count,
              n->set, touched ? ", which changed its " : "", touched ? change_name(touched) : "");
    } else if (n->listed && !j->host[c->host].bases && call_must_succeed(j)) {
        CHECK(j, GPUP_RULE_PART_006, success, "%llu partitions are an option; the status is 0x%08x",
              (unsigned long long)count, c->status);
    }
    n->sized = n->base_known = false;
    if (!success)
        return;
    n->set = (uint32_t)count;
    n->current_known = false;
    if (option)
        expect(n, (uint32_t)count, GPUP_RULE_PART_038);
}

/* --- GetVirtualGpuProfile --- */

static bool any_runs(const struct gpup_judge *j) {
    const struct host *h = &j->host[j->call.host];
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        if (h->vf[i].present && h->vf[i].powered &&
            (h->vf[i].schedule.seen ? h->vf[i].schedule.running : !h->vf[i].paused))
            return true;
    return false;
}

/* A vGPU that stops or goes gives something back. */
static void note_end(const struct gpup_judge *j, struct counts *n) {
    const struct call *c = &j->call;
    bool stops = c->ddi == GPUP_DDI_SetVirtualFunctionPowerState &&
                 c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] != 1;
    if (stops || c->ddi == GPUP_DDI_DestroyVirtualGpu)
        n->ended = j->host[c->host].waited_ns + 1;
}

/* Available values while a vGPU runs, beside those without one. No page says that the calls which end a vGPU
 * wait until all of it is free. */
static void judge_available(struct gpup_judge *j, struct counts *n, const struct partition *p) {
    const struct call *c = &j->call;
    if (n->ended && j->host[c->host].waited_ns + 1 - n->ended < JUDGE_A_WHILE_NS)
        return;
    uint32_t count = (uint32_t)c->a[GPUP_ARG_GetVirtualGpuProfile_PartitionCount];
    bool none = j->host[c->host].vgpus == 0, same = n->base_known && n->base_count == count;
    for (unsigned k = 0; same && k < CAPABILITIES; k++) {
        uint64_t now = p->value[k][AVAILABLE];
        bool moves = k == 0 && n->base[k] && n->base[k] != UINT64_MAX;
        if (none)
            CHECK(j, GPUP_RULE_PART_010, now == n->base[k],
                  "capability %u: %llu available without a vGPU, before there was one %llu", k,
                  (unsigned long long)now, (unsigned long long)n->base[k]);
        else if (any_runs(j))
            CHECK(j, GPUP_RULE_PART_010, moves ? now < n->base[k] : now <= n->base[k],
                  "capability %u: %llu available while a vGPU runs, %llu without", k, (unsigned long long)now,
                  (unsigned long long)n->base[k]);
    }
    if (!none || count != n->set)
        return;
    n->base_known = true;
    n->base_count = count;
    for (unsigned k = 0; k < CAPABILITIES; k++)
        n->base[k] = p->value[k][AVAILABLE];
}

static void judge_capability(struct gpup_judge *j, const struct counts *n, unsigned kind,
                             const uint64_t v[VALUES]) {
    uint64_t count = j->call.a[GPUP_ARG_GetVirtualGpuProfile_PartitionCount], all;
    bool ordered = v[LEAST] <= v[OPTIMAL] && v[OPTIMAL] <= v[MOST] && v[MOST] <= v[TOTAL];
    CHECK(j, GPUP_RULE_PART_011, ordered && v[AVAILABLE] <= v[TOTAL],
          "capability %u: minimum %llu, optimal %llu, maximum %llu, available %llu, total %llu", kind,
          (unsigned long long)v[LEAST], (unsigned long long)v[OPTIMAL], (unsigned long long)v[MOST],
          (unsigned long long)v[AVAILABLE], (unsigned long long)v[TOTAL]);
    if (n->listed && !is_listed(n, count))
        return; /* nobody will have that many */
    if (__builtin_mul_overflow(v[LEAST], count, &all))
        all = UINT64_MAX;
    CHECK(j, GPUP_RULE_PART_012, all <= v[TOTAL], "capability %u: %llu times the minimum %llu is above %llu",
          kind, (unsigned long long)count, (unsigned long long)v[LEAST], (unsigned long long)v[TOTAL]);
}

static void judge_profile(struct gpup_judge *j, struct counts *n, const struct partition *p) {
    const struct call *c = &j->call;
    uint64_t count = c->a[GPUP_ARG_GetVirtualGpuProfile_PartitionCount];
    uint64_t flags = c->r[GPUP_RES_GetVirtualGpuProfile_VirtualizationFlags];
    bool paravirtual = flags & 0x400;
    if (is_listed(n, count) && call_must_succeed(j))
        CHECK(j, GPUP_RULE_PART_009, nt_success(c->status),
              "the profile for %llu partitions, an option, gave 0x%08x", (unsigned long long)count,
              c->status);
    if (!nt_success(c->status))
        return;
    if (!paravirtual)
        CHECK_POLICY(j, GPUP_RULE_PART_013, (flags & 0x180) == 0x180,
                     "VirtualizationFlags 0x%llx lack UNIQUE_RID or ACS_CAPABLE", (unsigned long long)flags);
    CHECK(j, GPUP_RULE_PART_014, !(flags & ~UINT64_C(0xD80)), "VirtualizationFlags 0x%llx have unknown bits",
          (unsigned long long)flags);
    for (unsigned k = 0; p->profiled && k < CAPABILITIES; k++)
        judge_capability(j, n, k, p->value[k]);
    if (p->profiled)
        judge_available(j, n, p);
}

/* --- events --- */

static void keep_output(const struct gpup_judge *j, struct partition *p, const struct gpup_event *e) {
    const struct call *c = &j->call;
    uint64_t role = e->f[GPUP_OUTPUT_role];
    if (c->ddi == GPUP_DDI_GetGpuPartitionInfo && role == GPUP_ROLE_DATA) {
        p->out_count = e->data_size / 2 < LISTED ? e->data_size / 2 : LISTED;
        if (p->out_count)
            memcpy(p->out, e->data, p->out_count * 2);
    }
    if (c->ddi == GPUP_DDI_GetVirtualGpuProfile && role == GPUP_ROLE_ARGUMENTS &&
        e->data_size >= PROFILE_SIZE) {
        memcpy(p->value, e->data + 8, sizeof p->value);
        p->profiled = true;
    }
}

static void saw_slots(struct gpup_judge *j, const struct gpup_event *e) {
    static const uint16_t retired[] = {GPUP_DDI_SuspendVirtualGpu, GPUP_DDI_ResumeVirtualGpu,
                                       GPUP_DDI_GetGpuEngines};
    const struct host *h = &j->host[e->host];
    if (e->f[GPUP_TABLE_SLOTS_table] != 1)
        return;
    for (unsigned i = 0; i < sizeof retired / sizeof *retired; i++) {
        unsigned slot = (gpup_ddis[retired[i]].offset - 8u) / 8;
        CHECK(j, GPUP_RULE_PART_030, h->slots[1][slot / 64] >> slot % 64 & 1, "%s is NULL",
              gpup_ddi_name(retired[i]));
    }
}

/* A write past the array that hit unmapped memory. */
static void saw_fault(struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    if (c->active && c->ddi == GPUP_DDI_GetGpuPartitionInfo && c->data.there && c->data.size &&
        e->f[GPUP_FAULT_object] == c->data.object)
        CHECK(j, GPUP_RULE_PART_003, false, "the array of %llu options was overrun",
              (unsigned long long)c->a[GPUP_ARG_GetGpuPartitionInfo_NumGpuPartitionOptions]);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct partition *p = state;
    if (e->kind == GPUP_EVENT_TABLE_SLOTS)
        saw_slots(j, e);
    else if (e->kind == GPUP_EVENT_FAULT)
        saw_fault(j, e);
    else if (e->kind == GPUP_EVENT_OUTPUT && j->call.returned)
        keep_output(j, p, e);
    else if (e->kind == GPUP_EVENT_CALL) {
        p->out_count = 0;
        p->profiled = false;
    }
}

static void settle(struct gpup_judge *j, void *state) {
    struct partition *p = state;
    const struct call *c = &j->call;
    struct counts *n = &p->of[c->host];
    if (c->ddi == GPUP_DDI_StopDevice && nt_success(c->status))
        *n = (struct counts){0};
    note_end(j, n);
    if (j->host[c->host].impaired || c->overlapped)
        return;
    switch (c->ddi) {
    case GPUP_DDI_GetGpuPartitionInfo:
        judge_info(j, n, p);
        break;
    case GPUP_DDI_SetGpuPartitionCount:
        judge_set(j, n);
        break;
    case GPUP_DDI_GetVirtualGpuProfile:
        judge_profile(j, n, p);
        break;
    case GPUP_DDI_CreateVirtualGpu:
    case GPUP_DDI_DestroyVirtualGpu:
        n->sized = false;
        break;
    default:
        break;
    }
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct partition *p = state;
    uint16_t ddi = j->call.ddi;
    if (ddi == GPUP_DDI_SetGpuPartitionCount || ddi == GPUP_DDI_StopDevice)
        p->of[j->call.host] = (struct counts){0};
    else if (ddi == GPUP_DDI_CreateVirtualGpu || ddi == GPUP_DDI_DestroyVirtualGpu)
        p->of[j->call.host].sized = p->of[j->call.host].expecting = false;
    note_end(j, &p->of[j->call.host]);
}

const struct monitor monitor_partition = {.id = GPUP_MONITOR_partition,
                                          .state_size = sizeof(struct partition),
                                          .kinds =
                                              KIND(TABLE_SLOTS) | KIND(FAULT) | KIND(OUTPUT) | KIND(CALL),
                                          .event = event,
                                          .settle = settle,
                                          .overlapped = overlapped};
