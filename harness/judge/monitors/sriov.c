/* What the SR-IOV interface says of a VF: BARs, identity, place, configuration blocks; and VFs that are not
 * there. */
#include "monitors.h"

#include <string.h>

#define BARS 6u
#define PAGE 4096u
#define RANGE 24u          /* of DXGK_MMIORANGEINFO, bytes: first page at 0, count of pages at 20 */
#define ODD_BLOCK 0x10000u /* ids that a driver which numbers its blocks does not have */
enum { TYPE_MEMORY = 3, TYPE_MEMORY_LARGE = 7 };

struct bars {
    bool known;
    uint32_t life;       /* of the vGPU that they were probed of */
    uint64_t size[BARS]; /* 0: none, or the upper half of a BAR of 64 bits */
};
struct sriov {
    struct bars of[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct {
        bool odd_block;
        uint64_t block; /* an odd one that was accepted */
    } host[GPUP_MAX_HOSTS];
    uint64_t end; /* pages up to the end of the last range that GetMmioRanges gave */
};

static bool is_sriov(uint16_t ddi) {
    return gpup_ddis[ddi].table == GPUP_TABLE_DXGKDDI_SRIOV_INTERFACE;
}

static bool is_past(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    uint32_t vfs = j->host[c->host].vfs;
    return vfs && is_sriov(c->ddi) && c->vf >= vfs;
}

static bool moved(const struct change *m) {
    return m->kind == GPUP_EVENT_OBS_SCHEDULE ? m->old.running != m->now.running
                                              : m->kind == GPUP_EVENT_OBS_CONFIG && m->fresh && m->quiet;
}

static void judge_past(struct gpup_judge *j) {
    const struct call *c = &j->call;
    bool speaks = gpup_ddis[c->ddi].returns == GPUP_RETURNS_NTSTATUS;
    bool outside = c->damaged_arguments || c->damaged_data || c->damaged_interface;
    const struct change *effect = NULL;
    for (unsigned i = 0; i < c->changes; i++)
        effect = moved(&c->change[i]) ? &c->change[i] : effect;
    CHECK(j, GPUP_RULE_VF_019, !(speaks && nt_success(c->status)) && !outside && !effect,
          "there are %u VFs, and the call for VF %u %s", j->host[c->host].vfs, c->vf,
          outside  ? "wrote outside its outputs"
          : effect ? "had an effect"
                   : "succeeded");
}

/* --- QueryProbedBars, GetResourceForBar --- */

/* Bytes of the BAR at `*i`, which moves to the last slot it takes; 0 when the value makes no sense. */
static uint64_t decode(const uint64_t value[BARS], unsigned *i) {
    uint64_t low = value[*i], probe;
    if (low & 1) {
        probe = low | 3 | UINT64_C(0xFFFFFFFF00000000);
        probe &= ~UINT64_C(3);
    } else if ((low & 6) == 4) {
        if (*i + 1 >= BARS)
            return 0;
        probe = (low & ~UINT64_C(0xF)) | value[++*i] << 32;
    } else {
        probe = (low & ~UINT64_C(0xF)) | UINT64_C(0xFFFFFFFF00000000);
    }
    uint64_t size = ~probe + 1;
    return size & (size - 1) ? 0 : size;
}

static void judge_bars(struct gpup_judge *j, struct sriov *s) {
    const struct call *c = &j->call;
    struct bars *b = &s->of[c->host][c->vf];
    uint64_t value[BARS];
    unsigned unset = BARS, wrong = BARS;
    memset(b, 0, sizeof *b);
    b->life = c->before.life;
    for (unsigned i = 0; i < BARS; i++) {
        value[i] = (uint32_t)c->r[GPUP_RES_QueryProbedBars_BaseRegisterValue0 + i];
        if (c->a[GPUP_ARG_QueryProbedBars_BaseRegisterValue0 + i] &&
            value[i] == c->a[GPUP_ARG_QueryProbedBars_BaseRegisterValue0 + i])
            unset = i;
    }
    CHECK(j, GPUP_RULE_VF_005, unset == BARS, "value %u was not written", unset);
    if (unset < BARS)
        return;
    for (unsigned i = 0; i < BARS; i++) {
        unsigned first = i;
        if (!value[i])
            continue;
        b->size[first] = decode(value, &i);
        wrong = b->size[first] ? wrong : first;
    }
    CHECK(j, GPUP_RULE_VF_006, wrong == BARS, "value %u, 0x%08llx, is no probed BAR", wrong,
          (unsigned long long)(wrong < BARS ? value[wrong] : 0));
    b->known = wrong == BARS;
}

static void judge_resource(struct gpup_judge *j, const struct sriov *s) {
    const struct call *c = &j->call;
    const struct bars *b = &s->of[c->host][c->vf];
    uint64_t bar = c->a[GPUP_ARG_GetResourceForBar_BarIndex], type = c->r[GPUP_RES_GetResourceForBar_Type];
    uint64_t length = c->r[GPUP_RES_GetResourceForBar_Length];
    bool success = nt_success(c->status);
    if (bar >= BARS) {
        CHECK(j, GPUP_RULE_VF_017, !success, "there is no BAR %llu, and the call succeeded",
              (unsigned long long)bar);
        return;
    }
    if (!b->known || b->life != c->before.life || !b->size[bar] || j->host[c->host].slots_seen[4])
        return; /* a BAR that is not there; with FlexIOV the ranges say it */
    if (call_must_succeed(j) || success)
        CHECK(j, GPUP_RULE_VF_022, success && (type == TYPE_MEMORY || type == TYPE_MEMORY_LARGE),
              "BAR %llu of VF %u: status 0x%08x, resource type %llu", (unsigned long long)bar, c->vf,
              c->status, (unsigned long long)type);
    if (success)
        CHECK(j, GPUP_RULE_VF_007, length == b->size[bar], "BAR %llu has %llu bytes, its resource %llu",
              (unsigned long long)bar, (unsigned long long)b->size[bar], (unsigned long long)length);
}

/* With FlexIOV ranges say what there is. */
static void judge_ranges(struct gpup_judge *j, const struct sriov *s) {
    const struct call *c = &j->call;
    const struct bars *b = &s->of[c->host][c->vf];
    uint64_t bar = c->a[GPUP_ARG_GetMmioRanges_BarIndex];
    if (nt_success(c->status) && b->known && b->life == c->before.life && bar < BARS && b->size[bar] &&
        s->end)
        CHECK(j, GPUP_RULE_VF_007, s->end <= (b->size[bar] + PAGE - 1) / PAGE,
              "the ranges of BAR %llu end at page %llu, it has %llu bytes", (unsigned long long)bar,
              (unsigned long long)s->end, (unsigned long long)b->size[bar]);
}

/* --- identity and place --- */

/* Results from `result` on that still are what the caller had put there, of arguments from `argument` on. */
static bool all_written(const struct call *c, unsigned result, unsigned argument, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (c->a[argument + i] && c->a[argument + i] == c->r[result + i])
            return false;
    return true;
}

/* Routing ids of VFs count up from that of the PF. */
static void judge_bus(struct gpup_judge *j) {
    const struct call *c = &j->call;
    uint64_t bus = c->r[GPUP_RES_GetDeviceLocation_BusNumber], pf = j->host[c->host].bus;
    if (pf && c->before.present)
        CHECK(j, GPUP_RULE_VF_026, bus >= pf - 1,
              "VF %u is told to be on bus %llu, and the PF is on bus %llu", c->vf, (unsigned long long)bus,
              (unsigned long long)pf - 1);
}

static void judge_answer(struct gpup_judge *j) {
    const struct call *c = &j->call;
    if (c->ddi == GPUP_DDI_GetDeviceLocation)
        judge_bus(j);
    if (c->ddi == GPUP_DDI_GetVendorAndDevice)
        CHECK(j, GPUP_RULE_VF_008,
              all_written(c, GPUP_RES_GetVendorAndDevice_VendorId, GPUP_ARG_GetVendorAndDevice_VendorId, 2),
              "vendor 0x%04llx, device 0x%04llx: one was not written",
              (unsigned long long)c->r[GPUP_RES_GetVendorAndDevice_VendorId],
              (unsigned long long)c->r[GPUP_RES_GetVendorAndDevice_DeviceId]);
    else if (c->ddi == GPUP_DDI_GetDeviceLocation)
        CHECK(j, GPUP_RULE_VF_009,
              all_written(c, GPUP_RES_GetDeviceLocation_SegmentNumber,
                          GPUP_ARG_GetDeviceLocation_SegmentNumber, 3),
              "segment, bus or function was not written");
    else if (c->ddi == GPUP_DDI_QueryVirtualFunctionLuid)
        CHECK(j, GPUP_RULE_VF_018,
              all_written(c, GPUP_RES_QueryVirtualFunctionLuid_LuidLow,
                          GPUP_ARG_QueryVirtualFunctionLuid_LuidLow, 2),
              "the LUID was not written");
}

/* --- configuration blocks: nobody knows which there are, but not all of them --- */

static void judge_block(struct gpup_judge *j, struct sriov *s) {
    const struct call *c = &j->call;
    uint64_t block = c->a[GPUP_ARG_ReadVirtualFunctionConfigBlock_BlockId];
    bool success = nt_success(c->status), another = false;
    if (success && block >= ODD_BLOCK) {
        another = s->host[c->host].odd_block && s->host[c->host].block != block;
        s->host[c->host].odd_block = true;
        s->host[c->host].block = block;
    }
    CHECK(j, GPUP_RULE_VF_020, !c->damaged_data && !another, "block 0x%llx: %s", (unsigned long long)block,
          another ? "whatever the id, there is such a block" : "more than Length bytes were written");
}

static void settle(struct gpup_judge *j, void *state) {
    struct sriov *s = state;
    const struct call *c = &j->call;
    bool ranges = c->ddi == GPUP_DDI_GetMmioRanges;
    if (!(ranges || is_sriov(c->ddi)) || j->host[c->host].impaired || c->overlapped)
        return;
    if (is_past(j))
        judge_past(j);
    if (c->ddi == GPUP_DDI_ReadVirtualFunctionConfigBlock ||
        c->ddi == GPUP_DDI_WriteVirtualFunctionConfigBlock)
        judge_block(j, s);
    if (!c->before.present || c->vf >= JUDGE_VFS)
        return;
    if (c->ddi == GPUP_DDI_QueryProbedBars)
        judge_bars(j, s);
    else if (c->ddi == GPUP_DDI_GetResourceForBar)
        judge_resource(j, s);
    else if (ranges)
        judge_ranges(j, s);
    else
        judge_answer(j);
}

static void keep_ranges(struct sriov *s, const struct gpup_event *e) {
    size_t used = e->f[GPUP_OUTPUT_used] < e->data_size ? (size_t)e->f[GPUP_OUTPUT_used] : e->data_size;
    for (size_t at = 0; at + RANGE <= used; at += RANGE) {
        uint64_t first = 0;
        uint32_t pages = 0;
        memcpy(&first, e->data + at, sizeof first);
        memcpy(&pages, e->data + at + 20, sizeof pages);
        s->end = first + pages > s->end ? first + pages : s->end;
    }
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct sriov *s = state;
    if (e->kind == GPUP_EVENT_CALL) {
        s->end = 0;
        return;
    }
    if (e->kind == GPUP_EVENT_OUTPUT) {
        if (j->call.returned && j->call.ddi == GPUP_DDI_GetMmioRanges &&
            e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA)
            keep_ranges(s, e);
        return;
    }
    if (e->kind == GPUP_EVENT_FAULT && j->call.active && j->call.data.there &&
        j->call.ddi == GPUP_DDI_ReadVirtualFunctionConfigBlock &&
        e->f[GPUP_FAULT_object] == j->call.data.object)
        CHECK(j, GPUP_RULE_VF_020, false, "block 0x%llx: the read reached past Length bytes",
              (unsigned long long)j->call.a[GPUP_ARG_ReadVirtualFunctionConfigBlock_BlockId]);
    if (j->call.active && is_past(j))
        CHECK(j, GPUP_RULE_VF_019, false, "there are %u VFs, and the call for VF %u did not come back",
              j->host[j->call.host].vfs, j->call.vf);
}

static void reset(struct gpup_judge *j, void *state) {
    struct sriov *s = state;
    judge_clear_used(j, s->of, sizeof s->of[0][0]);
    memset(s->host, 0, sizeof s->host);
}

const struct monitor monitor_sriov = {.id = GPUP_MONITOR_sriov,
                                      .state_size = sizeof(struct sriov),
                                      .kinds = KIND(CALL) | KIND(OUTPUT) | KIND(FAULT) | KIND(BUGCHECK) |
                                               KIND(HANG),
                                      .event = event,
                                      .settle = settle,
                                      .reset = reset};
