/* CreateVirtualGpu: what it gives, and what a failed one or a former life may not keep. */
#include "vgpu.h"

#define ROUNDING (2u << 20) /* bytes that granularity may cost; an eighth on top may be overhead */

static void judge_segment(struct gpup_judge *j, const struct vgpu *g, unsigned i) {
    size_t at = CREATE_SEGMENTS + (size_t)SEGMENT * i;
    uint64_t id = vgpu_number(g, at, 4), alignment = vgpu_number(g, at + 16, 4);
    uint64_t first = vgpu_number(g, at + 24, 8), last = vgpu_number(g, at + 32, 8);
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
    bool alone = gpup_trace_hash(4, g->out + CREATE_ENGINES, CREATE_END - CREATE_ENGINES) == g->engines;
    while (stray < CREATE_END && g->out[stray] == 0)
        stray++;
    if (judge_checked(j, GPUP_RULE_PART_015) && stray < CREATE_END)
        judge_violated(j, GPUP_RULE_PART_015, alone ? GPUP_WARN : 255, "EngineInfo is not zero, %s",
                       alone ? "as it was not written" : "and the driver wrote it");
    static const uint8_t none[CLSID_SIZE];
    bool zero = memcmp(g->out + CREATE_CLSID, none, sizeof none) == 0;
    if (judge_checked(j, GPUP_RULE_PART_015) && !zero &&
        gpup_trace_hash(5, g->out + CREATE_CLSID, CLSID_SIZE) == g->provider)
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
        memory += vgpu_number(g, CREATE_SEGMENTS + (size_t)SEGMENT * i + 8, 8);
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
    for (uint32_t i = 0; i < GPUP_MAX_HOSTS * JUDGE_VFS; i++) {
        unsigned host = i / JUDGE_VFS, vf = i % JUDGE_VFS;
        bool here = host == c->host || j->one_system; /* adapters of one machine */
        if (here && (host != c->host || vf != c->vf) && j->host[host].vf[vf].present &&
            g->of[host][vf].luid_known && g->of[host][vf].luid == luid)
            twin = vf;
    }
    CHECK(j, GPUP_RULE_PART_018, twin == JUDGE_VFS, "VF %u has the LUID 0x%llx of VF %u", c->vf,
          (unsigned long long)luid, twin);
    g->of[c->host][c->vf].luid_known = luid || g->shown;
    g->of[c->host][c->vf].luid = luid;
}

/* Of all capabilities, where the trace shows them. */
static uint64_t profile_of(const struct vgpu *g, const struct call *c) {
    uint64_t memory[] = {c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin],
                         c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax]};
    return gpup_trace_hash(8, memory, sizeof memory) ^
           gpup_trace_hash(9, g->in + CREATE_PROFILE, PROFILE_SIZE);
}

static void judge_created(struct gpup_judge *j, struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    struct life *l = &g->of[c->host][c->vf];
    judge_outputs(j, g);
    judge_luid(j, g);
    if (v->schedule.seen)
        CHECK(j, GPUP_RULE_PART_019, !v->schedule.running, "the VF runs right after its creation");
    l->failed = l->inherited = l->odd_end = false;
    unsigned row = g->host[c->host].goods++ % GOOD;
    g->host[c->host].good[row] = profile_of(g, c);
}

/* More was asked than there is, or a minimum above its maximum. */
static bool is_impossible(const struct vgpu *g, const struct call *c) {
    uint64_t least = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin];
    return least > c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax] ||
           (g->host[c->host].profiled && least > g->host[c->host].available);
}

/* What was granted before, and what includes the optimum that the driver itself names. */
static bool is_good(const struct vgpu *g, const struct call *c) {
    uint64_t least = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMin],
             most = c->a[GPUP_ARG_CreateVirtualGpu_MemoryMax];
    for (unsigned i = 0; i < g->host[c->host].goods && i < GOOD; i++)
        if (g->host[c->host].good[i] == profile_of(g, c))
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

/* The level before this creation shows what a failed one right before it kept. That may be something that is
 * made when it is first needed, or blocks on the driver's lists, which differ from failure to failure. */
static void judge_pool(struct gpup_judge *j, struct vgpu *g) {
    const struct call *c = &j->call;
    uint16_t rule = g->host[c->host].rule;
    uint32_t vf = g->host[c->host].failed_vf;
    struct leak *l = &g->host[c->host].leak[rule == GPUP_RULE_PART_022];
    bool pending = g->host[c->host].pending;
    g->host[c->host].pending = false;
    if (!pending || !host_had_a_while(&j->host[c->host], g->host[c->host].failed_ns))
        return;
    bool fuller = c->pool_count > g->host[c->host].level && c->pool_count > l->most;
    uint64_t growth = fuller ? c->pool_count - g->host[c->host].level : 0;
    bool again = l->vf == vf && l->growth == growth;
    if (fuller)
        *l = (struct leak){vf, again ? l->times + 1 : 1, growth, c->pool_count,
                           again ? l->fillings : g->host[c->host].fillings};
    uint32_t times = fuller ? growth_known(&j->host[c->host], l->fillings, l->times) : 0;
    CHECK_GROWTH(j, rule, times,
                 "the failed creation before left %llu allocations, and so did %u others of the VF",
                 (unsigned long long)growth, times - 1);
}

/* Three lives in a row before which the pool is fuller by the same amount. */
static void judge_level(struct gpup_judge *j, struct vgpu *g) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    struct life *l = &g->of[c->host][c->vf];
    uint32_t others = (h->vgpus - nt_success(c->status)) * 256 + h->bases * 16 + h->processes;
    if (!l->ended || !host_had_a_while(h, l->ended_ns))
        return;
    uint64_t growth = c->pool_count > l->level ? c->pool_count - l->level : 0;
    uint32_t beside = g->host[c->host].doings - l->own;
    bool alike = l->level && others == l->others && beside == l->beside;
    bool again = alike && growth && growth == l->growth;
    l->grown = again ? l->grown + 1 : 0;
    l->fillings = again ? l->fillings : l->level_fillings;
    uint32_t times = growth_known(h, l->fillings, l->grown + 1);
    CHECK_GROWTH(j, GPUP_RULE_PART_025, times, "each of %u lives of the vGPU left %llu allocations", times,
                 (unsigned long long)growth);
    l->growth = alike ? growth : 0;
    l->beside = beside;
    l->level = c->pool_count;
    l->level_fillings = h->fillings;
    l->others = others;
    l->ended = false;
}

void vgpu_judge_create(struct gpup_judge *j, struct vgpu *g, const struct vf *v) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool success = nt_success(c->status), impossible = is_impossible(g, c);
    if (!v || c->before.present || (h->partitions && c->vf >= h->partitions)) {
        const struct change *m = c->before.present ? call_own(j) : NULL;
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
    g->host[c->host].failed_vf = c->vf;
    g->host[c->host].rule = impossible ? GPUP_RULE_PART_021 : GPUP_RULE_PART_022;
    g->host[c->host].level = c->pool_count;
    g->host[c->host].failed_ns = h->waited_ns;
    g->host[c->host].fillings = h->fillings;
}
