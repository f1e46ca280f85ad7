/* The ranges themselves: mitigated ones, and those of a FlexIOV device with its backing resources. */
#include "ranges.h"

#define PAGE 4096u
#define RANGE_PAGES ((2ull << 30) / PAGE) /* the longest mitigated range: 2 GB */
#define NO_SIZE UINT64_MAX

void ranges_judge_mitigated(struct gpup_judge *j, struct vf_ranges *r, uint32_t bar, const struct spans *s) {
    CHECK(j, GPUP_RULE_MIT_002, s->written == s->count, "of %llu ranges of BAR %u only %llu were written",
          (unsigned long long)s->count, bar, (unsigned long long)s->written);
    if (s->written != s->count)
        return;
    for (uint64_t i = 0; i < s->count; i++) {
        const struct span *span = &s->span[i];
        uint64_t pages = r->size[bar] / PAGE;
        CHECK(j, GPUP_RULE_MIT_003, span->count <= RANGE_PAGES, "a range of BAR %u has %llu pages", bar,
              (unsigned long long)span->count);
        if (r->probed && r->size[bar] && r->size[bar] != NO_SIZE)
            CHECK(j, GPUP_RULE_MIT_004, span->first <= pages && span->count <= pages - span->first,
                  "the range of %llu pages from page %llu leaves BAR %u, which has %llu pages",
                  (unsigned long long)span->count, (unsigned long long)span->first, bar,
                  (unsigned long long)pages);
    }
    CHECK(j, GPUP_RULE_MIT_010, !ranges_overlap(s), "mitigated ranges of BAR %u overlap", bar);
}

/* First page of the BAR that no range maps, or `pages`. The ranges are sorted. */
static uint64_t first_gap(const struct spans *s, uint64_t pages) {
    uint64_t end = 0;
    for (uint64_t i = 0; i < s->count && s->span[i].first <= end; i++)
        if (s->span[i].first + s->span[i].count > end)
            end = s->span[i].first + s->span[i].count;
    return end < pages ? end : pages;
}

void ranges_judge_flexible(struct gpup_judge *j, struct vf_ranges *r, uint32_t bar, const struct spans *s) {
    uint64_t pages = r->size[bar] / PAGE;
    if (r->probed && r->size[bar] && r->size[bar] != NO_SIZE)
        CHECK(j, GPUP_RULE_FLX_001, first_gap(s, pages) == pages,
              "page %llu of BAR %u, of %llu, is not mapped", (unsigned long long)first_gap(s, pages), bar,
              (unsigned long long)pages);
    CHECK(j, GPUP_RULE_FLX_005, !ranges_overlap(s), "a page of BAR %u is mapped twice", bar);
    for (uint64_t i = 0; i < s->count; i++)
        CHECK(j, GPUP_RULE_FLX_003, s->span[i].resource < RANGES_RESOURCES,
              "a range of BAR %u names backing resource %u", bar, s->span[i].resource);
}

static void judge_backing(struct gpup_judge *j, struct vf_ranges *r) {
    const struct call *c = &j->call;
    uint64_t index = c->a[GPUP_ARG_GetBackingResource_ResourceIndex];
    uint64_t set = c->r[GPUP_RES_GetBackingResource_Set], kind = c->r[GPUP_RES_GetBackingResource_Kind];
    if (index >= RANGES_RESOURCES || !r->life || !c->before.present)
        return;
    if (call_must_succeed(j)) /* the MDL is an alternative to Resource: one of them backs an index in use */
        CHECK(j, GPUP_RULE_FLX_006, nt_success(c->status) && (kind || set == 3),
              "GetBackingResource for index %llu returned 0x%08x and set %s", (unsigned long long)index,
              c->status,
              set == 3   ? "both outputs"
              : set == 2 ? "no Resource"
              : set == 1 ? "no pMdl"
                         : "nothing");
    r->resource_asked[index] = nt_success(c->status);
    r->resource_there[index] = nt_success(c->status) && kind;
    if (nt_success(c->status) && kind == 2)
        CHECK(j, GPUP_RULE_FLX_007,
              !c->r[GPUP_RES_GetBackingResource_Offset] && c->r[GPUP_RES_GetBackingResource_Contiguous] &&
                  c->r[GPUP_RES_GetBackingResource_Length] % PAGE == 0,
              "the MDL of index %llu has %llu bytes from byte %llu of its first page%s",
              (unsigned long long)index, (unsigned long long)c->r[GPUP_RES_GetBackingResource_Length],
              (unsigned long long)c->r[GPUP_RES_GetBackingResource_Offset],
              c->r[GPUP_RES_GetBackingResource_Contiguous] ? "" : " and is not contiguous");
    else if (nt_success(c->status) && kind)
        judge_inapplicable(j, GPUP_RULE_FLX_007);
}

/* A short array leads to a new call; the other status ends the virtual device. */
static void judge_short(struct gpup_judge *j, const struct vf_ranges *r) {
    const struct call *c = &j->call;
    uint64_t bar = c->a[GPUP_ARG_GetMmioRanges_BarIndex];
    uint64_t asked = c->a[GPUP_ARG_GetMmioRanges_NumRanges];
    if (bar >= RANGES_BARS || !r->counted[FLEXIBLE] || asked >= r->count[FLEXIBLE][bar] ||
        j->host[c->host].impaired || c->failed_alloc || !c->before.present)
        return;
    CHECK(j, GPUP_RULE_FLX_002, !nt_success(c->status) && c->status != GPUP_STATUS_INVALID_DEVICE_REQUEST,
          "an array of %llu ranges, where %u are needed, was answered with 0x%08x", (unsigned long long)asked,
          r->count[FLEXIBLE][bar], c->status);
}

void ranges_settle_flexible(struct gpup_judge *j, struct ranges *all, struct vf_ranges *r) {
    const struct call *c = &j->call;
    if (c->ddi == GPUP_DDI_GetResourceForBar)
        all->bar_asked[c->host] = true;
    if (c->ddi == GPUP_DDI_GetBackingResource)
        judge_backing(j, r);
    if (c->ddi == GPUP_DDI_GetMmioRanges)
        judge_short(j, r);
    if (c->ddi == GPUP_DDI_SetVirtualFunctionPowerState && j->host[c->host].slots_seen[4] &&
        c->a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] == 1 && !all->bar_asked[c->host] &&
        c->before.resourced && vf_is_free(&c->before) && !c->before.unbased && call_must_succeed(j))
        CHECK(j, GPUP_RULE_FLX_004, nt_success(c->status),
              "D0 returned 0x%08x on a FlexIOV device whose GetResourceForBar was never called", c->status);
}
