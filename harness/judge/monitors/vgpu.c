/* Life of a vGPU: what its creation gives, what its end takes away, and what the next one must not see. */
#include "monitors.h"

#include <string.h>

#define ROUNDING (2u << 20) /* bytes that granularity may cost; an eighth on top may be overhead */

enum { /* of DXGKARG_CREATEVIRTUALGPU and DXGKARG_GETVIRTUALGPUINFO, bytes */
       CREATE_SIZE = 0x990,
       CREATE_CLSID = 0x68,
       CLSID_SIZE = 16,
       CREATE_SEGMENTS = 0x88,
       CREATE_ENGINES = 0x68C,
       CREATE_END = 0x98C, /* of EngineInfo; padding follows */
       SEGMENT = 48,
       SEGMENTS_MAX = 32,
       INFO_SIZE = 104,
       INFO_VALUES = 8
};

#define GOOD 4u /* requests that are kept */

struct life {
    bool luid_known;
    uint64_t luid;
    bool failed;    /* a creation failed since the last good one */
    bool inherited; /* something other than the former life may have set state: a restore, a write */
    bool unmasked, mastering;
    uint64_t held;  /* bit mask: rows of judge.secrets that stand in the guest's state */
    bool ended;     /* and time passed since the end, so that what was put off is done */
    uint32_t waits; /* of the host, at the end */
    uint64_t level,
        growth; /* of the pool before the last life; how much fuller it was than before the one before */
    uint32_t others, grown; /* alive beside it; lives in a row with that growth */
};
struct vgpu {
    struct life of[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct {
        bool profiled;
        uint64_t available, optimal; /* memory, in the last profile */
        uint64_t good[GOOD][2];      /* minimum and maximum of memory that were granted before */
        unsigned goods;
        bool pending;       /* a creation failed, and nothing else was called since */
        uint16_t rule;      /* that asks for its memory back */
        uint64_t level;     /* of the pool before it */
        uint32_t failed_at; /* in waits */
        uint32_t leaks[2];  /* failed creations that left the pool fuller: impossible ones, others */
        uint32_t waits;     /* times that time passed */
        bool odd_end;       /* a vGPU was destroyed powered, paused, tracked or in a session */
    } host[GPUP_MAX_HOSTS];
    uint64_t before;            /* hash of the argument structure that comes */
    uint64_t engines, provider; /* of its EngineInfo, of its CLSID */
    bool shown;                 /* out holds the structure after the call */
    uint64_t after;
    size_t size;
    uint8_t out[CREATE_SIZE];
};

static uint64_t number_at(const struct vgpu *g, size_t offset, size_t size) {
    uint64_t value = 0;
    memcpy(&value, g->out + offset, size);
    return value;
}

/* --- CreateVirtualGpu --- */

static void judge_segment(struct gpup_judge *j, const struct vgpu *g, unsigned i) {
    size_t at = CREATE_SEGMENTS + (size_t)SEGMENT * i;
    uint64_t id = number_at(g, at, 4), alignment = number_at(g, at + 16, 4);
    uint64_t first = number_at(g, at + 24, 8), last = number_at(g, at + 32, 8);
    bool free = (first == 0 && last == 0) || first < last;
    CHECK(j, GPUP_RULE_PART_016, id >= 1 && alignment % 4096 == 0 && free,
          "segment information %u: segment %llu, alignment %llu, offsets %llu to %llu", i,
          (unsigned long long)id, (unsigned long long)alignment, (unsigned long long)first,
          (unsigned long long)last);
}

/* Some callers zero the structure, and some drivers count on it: what was left alone is no more than a
 * warning. */
static void judge_rest(struct gpup_judge *j, const struct vgpu *g) {
    size_t stray = CREATE_ENGINES;
    bool alone = judge_hash(4, g->out + CREATE_ENGINES, CREATE_END - CREATE_ENGINES) == g->engines;
    while (stray < CREATE_END && g->out[stray] == 0)
        stray++;
    if (judge_checked(j, GPUP_RULE_PART_015) && stray < CREATE_END)
        judge_violated(j, GPUP_RULE_PART_015, alone ? GPUP_WARN : 255, "EngineInfo is not zero, %s",
                       alone ? "as it was not written" : "and the driver wrote it");
    static const uint8_t none[CLSID_SIZE];
    bool zero = memcmp(g->out + CREATE_CLSID, none, sizeof none) == 0;
    if (judge_checked(j, GPUP_RULE_PART_015) && !zero &&
        judge_hash(5, g->out + CREATE_CLSID, CLSID_SIZE) == g->provider)
        judge_violated(j, GPUP_RULE_PART_015, GPUP_WARN, "the CLSID was not written");
}

static void judge_outputs(struct gpup_judge *j, const struct vgpu *g) {
    const struct call *c = &j->call;
    uint64_t segments = c->r[GPUP_RES_CreateVirtualGpu_NumMemorySegments];
    uint64_t engines = c->r[GPUP_RES_CreateVirtualGpu_NumEngines], memory = 0;
    uint64_t least = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin],
             most = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax];
    CHECK(j, GPUP_RULE_PART_015, segments <= SEGMENTS_MAX && engines == 0, "%llu segments, %llu engines",
          (unsigned long long)segments, (unsigned long long)engines);
    if (g->shown)
        judge_rest(j, g);
    if (!g->shown || segments > SEGMENTS_MAX)
        return;
    for (unsigned i = 0; i < segments; i++) {
        judge_segment(j, g, i);
        memory += number_at(g, CREATE_SEGMENTS + (size_t)SEGMENT * i + 8, 8);
    }
    uint64_t above = memory > most ? memory - most : 0, below = memory < least ? least - memory : 0;
    CHECK(j, GPUP_RULE_PART_017, above <= ROUNDING + most / 8 && below <= ROUNDING + least / 8,
          "%llu bytes of memory, asked for were %llu to %llu", (unsigned long long)memory,
          (unsigned long long)least, (unsigned long long)most);
}

static void judge_luid(struct gpup_judge *j, struct vgpu *g) {
    const struct call *c = &j->call;
    uint64_t luid = c->r[GPUP_RES_CreateVirtualGpu_LuidLow] | c->r[GPUP_RES_CreateVirtualGpu_LuidHigh] << 32;
    uint32_t twin = JUDGE_VFS;
    for (uint32_t i = 0; i < JUDGE_VFS; i++)
        if (i != c->vf && j->host[c->host].vf[i].present && g->of[c->host][i].luid_known &&
            g->of[c->host][i].luid == luid)
            twin = i;
    CHECK(j, GPUP_RULE_PART_018, twin == JUDGE_VFS, "VF %u has the LUID 0x%llx of VF %u", c->vf,
          (unsigned long long)luid, twin);
    g->of[c->host][c->vf].luid_known = luid || g->shown;
    g->of[c->host][c->vf].luid = luid;
}

static void judge_created(struct gpup_judge *j, struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    struct life *l = &g->of[c->host][c->vf];
    judge_outputs(j, g);
    judge_luid(j, g);
    if (v->schedule.seen)
        CHECK(j, GPUP_RULE_PART_019, !v->schedule.running, "the VF runs right after its creation");
    l->failed = l->inherited = false;
    unsigned row = g->host[c->host].goods++ % GOOD;
    g->host[c->host].good[row][0] = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin];
    g->host[c->host].good[row][1] = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax];
}

/* More was asked than there is, or a minimum above its maximum. */
static bool is_impossible(const struct vgpu *g, const struct call *c) {
    uint64_t least = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin];
    return least > c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax] ||
           (g->host[c->host].profiled && least > g->host[c->host].available);
}

static const struct change *own_change(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    for (unsigned i = 0; i < c->changes; i++) {
        const struct change *m = &c->change[i];
        bool schedule = m->kind == GPUP_EVENT_OBS_SCHEDULE;
        if (m->vf == c->vf && (schedule ? m->old.running != m->now.running : m->fresh && m->quiet))
            return m;
    }
    return NULL;
}

/* What was granted before, and what includes the optimum that the driver itself names. */
static bool is_good(const struct vgpu *g, const struct call *c) {
    uint64_t least = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin],
             most = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax];
    for (unsigned i = 0; i < g->host[c->host].goods && i < GOOD; i++)
        if (g->host[c->host].good[i][0] == least && g->host[c->host].good[i][1] == most)
            return true;
    return least <= g->host[c->host].optimal && g->host[c->host].optimal <= most;
}

/* On a host without any other vGPU nothing but a former failure or a former life can be in the way. */
static void judge_good_input(struct gpup_judge *j, const struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    const struct life *l = &g->of[c->host][c->vf];
    bool success = nt_success(c->status), alone = h->vgpus == (success ? 1u : 0u);
    if (!alone || !g->host[c->host].profiled || !is_good(g, c) || !call_must_succeed(j))
        return;
    if (l->failed)
        CHECK(j, GPUP_RULE_PART_022, success,
              "after a creation that failed, one with good input gives 0x%08x", c->status);
    else if (v->life > (success ? 1u : 0u))
        CHECK(j, GPUP_RULE_PART_025, success, "the id of a destroyed vGPU cannot be used again: 0x%08x",
              c->status);
}

/* The level before this creation shows what a failed one right before it kept. Once may be something that is
 * made when it is first needed. */
static void judge_pool(struct gpup_judge *j, struct vgpu *g) {
    const struct call *c = &j->call;
    uint16_t rule = g->host[c->host].rule;
    uint32_t *leaks = &g->host[c->host].leaks[rule == GPUP_RULE_PART_022];
    if (!g->host[c->host].pending || g->host[c->host].failed_at == g->host[c->host].waits)
        return;
    bool fuller = c->pool_count > g->host[c->host].level;
    *leaks += fuller;
    CHECK(j, rule, !fuller || *leaks < 2,
          "the failed creation before left %llu allocations, and so did another",
          (unsigned long long)(c->pool_count - g->host[c->host].level));
    g->host[c->host].pending = false;
}

/* Three lives in a row before which the pool is fuller by the same amount. */
static void judge_level(struct gpup_judge *j, struct vgpu *g) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    struct life *l = &g->of[c->host][c->vf];
    uint32_t others = (h->vgpus - nt_success(c->status)) * 256 + h->bases * 16 + h->processes;
    if (!l->ended || l->waits == g->host[c->host].waits)
        return;
    uint64_t growth = c->pool_count > l->level ? c->pool_count - l->level : 0;
    bool again = l->level && others == l->others && growth && growth == l->growth;
    l->grown = again ? l->grown + 1 : 0;
    CHECK(j, GPUP_RULE_PART_025, l->grown < 2, "each life of the vGPU leaves %llu allocations",
          (unsigned long long)growth);
    l->growth = l->level ? growth : 0;
    l->level = c->pool_count;
    l->others = others;
    l->ended = false;
}

static void judge_create(struct gpup_judge *j, struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool success = nt_success(c->status), impossible = is_impossible(g, c);
    if (!v || c->before.present || (h->partitions && c->vf >= h->partitions)) {
        const struct change *m = c->before.present ? own_change(j) : NULL;
        CHECK(j, GPUP_RULE_PART_020, !success && !m, "VF %u %s: the status is 0x%08x%s%s", c->vf,
              c->before.present ? "has a vGPU" : "is past the partition count", c->status,
              m ? ", changed is its " : "", m ? change_name(m) : "");
        return;
    }
    judge_pool(j, g);
    judge_level(j, g);
    if (impossible)
        CHECK(j, GPUP_RULE_PART_021, !success, "a profile that cannot be met was accepted");
    else
        judge_good_input(j, g, v);
    if (success) {
        judge_created(j, g, v);
        return;
    }
    g->of[c->host][c->vf].failed = true;
    g->host[c->host].pending = true;
    g->host[c->host].rule = impossible ? GPUP_RULE_PART_021 : GPUP_RULE_PART_022;
    g->host[c->host].level = c->pool_count;
    g->host[c->host].failed_at = g->host[c->host].waits;
}

/* --- a later life --- */

/* The guest gets to see the VF when it is powered for the first time. */
static void judge_first_power(struct gpup_judge *j, const struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    const struct life *l = &g->of[c->host][c->vf];
    const char *what = NULL;
    if (!nt_success(c->status) || !v->powered || c->before.was_powered || v->life < 2 || v->sessions ||
        l->inherited)
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
    if (call_must_succeed(j))
        CHECK(j, GPUP_RULE_PART_025, success, "the vGPU was not destroyed: 0x%08x", c->status);
    if (!success)
        return;
    g->of[c->host][c->vf].luid_known = false;
    g->of[c->host][c->vf].ended = true;
    g->of[c->host][c->vf].waits = g->host[c->host].waits;
    if (!is_odd_end(c))
        return;
    g->host[c->host].odd_end = true;
    COUNT(j, GPUP_RULE_PART_029);
}

/* --- GetVirtualGpuInfo --- */

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
        uint64_t least = number_at(g, INFO_VALUES + 24 * kind, 8);
        uint64_t most = number_at(g, INFO_VALUES + 24 * kind + 8, 8);
        uint64_t current = number_at(g, INFO_VALUES + 24 * kind + 16, 8);
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
    if (j->host[c->host].impaired || c->overlapped)
        return;
    if (c->ddi == GPUP_DDI_CreateVirtualGpu)
        judge_create(j, g, v);
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
        g->before = judge_hash(3, e->data, e->data_size);
        bool whole = e->data_size == CREATE_SIZE;
        g->engines = whole ? judge_hash(4, e->data + CREATE_ENGINES, CREATE_END - CREATE_ENGINES) : 0;
        g->provider = whole ? judge_hash(5, e->data + CREATE_CLSID, CLSID_SIZE) : 0;
        return;
    }
    if (e->kind != GPUP_EVENT_OUTPUT || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_ARGUMENTS || !j->call.returned)
        return;
    g->size = e->data_size < CREATE_SIZE ? e->data_size : CREATE_SIZE;
    g->shown = j->call.ddi != GPUP_DDI_CreateVirtualGpu || g->size == CREATE_SIZE;
    g->after = judge_hash(3, e->data, e->data_size);
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
    bool later =
        e->kind == GPUP_EVENT_POOL_DAMAGE || (e->kind == GPUP_EVENT_FAULT && e->f[GPUP_FAULT_routine]);
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
    if (!v || v->present || ending || !e->f[GPUP_GUEST_WRITE_done] || !g->host[e->host].odd_end ||
        j->host[e->host].impaired)
        return;
    judge_about(j, e->host, (uint32_t)e->f[GPUP_GUEST_WRITE_vf]);
    CHECK(j, GPUP_RULE_PART_029, false, "the VF of a vGPU that was destroyed in use writes memory");
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct vgpu *g = state;
    if (e->kind == GPUP_EVENT_CALL)
        g->shown = false;
    else if (e->kind == GPUP_EVENT_WAIT)
        g->host[e->host].waits++;
    else if (e->kind == GPUP_EVENT_GUEST_WRITE)
        saw_write(j, g, e);
    else if (e->kind == GPUP_EVENT_BUFFER || e->kind == GPUP_EVENT_OUTPUT)
        keep_structure(j, g, e);
    else if (e->kind == GPUP_EVENT_FAULT || e->kind == GPUP_EVENT_POOL_DAMAGE)
        saw_trouble(j, g, e);
    else
        saw_reading(j, g, e);
}

static void reset(struct gpup_judge *j, void *state) {
    struct vgpu *g = state;
    judge_clear_used(j, g->of, sizeof g->of[0][0]);
    memset(g->host, 0, sizeof g->host);
    g->shown = false;
}

const struct monitor monitor_vgpu = {.id = GPUP_MONITOR_vgpu,
                                     .state_size = sizeof(struct vgpu),
                                     .kinds = KIND(CALL) | KIND(WAIT) | KIND(GUEST_WRITE) | KIND(BUFFER) |
                                              KIND(OUTPUT) | KIND(FAULT) | KIND(POOL_DAMAGE) |
                                              KIND(OBS_MSIX) | KIND(OBS_CONFIG) | KIND(OBS_GUEST),
                                     .event = event,
                                     .settle = settle,
                                     .reset = reset};
