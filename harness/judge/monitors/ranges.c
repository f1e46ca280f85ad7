/* Interception in the BARs of a VF: what the driver says of BARs and ranges, and whether the MSI-X table is
 * covered. */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define RANGE_UPDATE 0x140u /* DxgkCbMitigatedRangeUpdate in DXGKRNL_INTERFACE */
#define MITIGATED_SIZE 16u  /* bytes of a DXGK_MITIGATEDRANGEINFO */
#define MMIO_SIZE 24u       /* of a DXGK_MMIORANGEINFO */
#define NO_SIZE UINT64_MAX

static struct vf_ranges *ranges_of(struct gpup_judge *j, struct ranges *all, unsigned host, uint64_t vf) {
    const struct vf *v = judge_vf(j, host, vf);
    struct vf_ranges *r = v ? &all->of[host][vf] : NULL;
    if (r && r->life != v->life)
        *r = (struct vf_ranges){.life = v->life};
    return r;
}

/* A BAR register that all ones were written to; a 64-bit one takes two. */
static uint64_t size_of(const uint64_t *registers, unsigned i) {
    uint64_t low = registers[i] & 0xFFFFFFFF, mask = low & ~0xFull, size;
    bool wide = (low & 6) == 4 && i + 1 < RANGES_BARS;
    if (!low)
        return 0;
    size = wide ? ~(registers[i + 1] << 32 | mask) + 1 : (~mask + 1) & 0xFFFFFFFF;
    return size & (size - 1) ? NO_SIZE : size;
}

static void probed(struct vf_ranges *r, const uint64_t *registers) {
    r->probed = true;
    for (unsigned i = 0; i < RANGES_BARS; i++) {
        r->size[i] = size_of(registers, i);
        if (r->size[i] && (registers[i] & 6) == 4 && i + 1 < RANGES_BARS)
            r->size[++i] = 0;
    }
}

static uint64_t number(const uint8_t *bytes, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* Still the pattern that the caller put there: no range has as many pages. */
static bool is_unwritten(const uint8_t *element, size_t pages_at) {
    bool same = element[0] != 0;
    for (unsigned i = 1; i < 8; i++)
        same = same && element[i] == element[0];
    for (unsigned i = 0; i < 4; i++)
        same = same && element[pages_at + i] == element[0];
    return same;
}

static int by_first(const void *a, const void *b) {
    const struct span *left = a, *right = b;
    return left->first < right->first ? -1 : left->first > right->first;
}

static bool read_spans(struct spans *s, const struct gpup_event *e, unsigned which, uint64_t count) {
    size_t element = which == MITIGATED ? MITIGATED_SIZE : MMIO_SIZE, pages = which == MITIGATED ? 8 : 20;
    s->count = e->data_size / element < count ? e->data_size / element : count;
    s->span = calloc(s->count + 1, sizeof *s->span);
    for (uint64_t i = 0; s->span && i < s->count; i++) {
        const uint8_t *at = e->data + i * element;
        const uint8_t *flags = at + (which == MITIGATED ? 12 : 17);
        s->span[i] = (struct span){number(at, 8), number(at + pages, 4), flags[0] != 0, flags[1] != 0,
                                   which == FLEXIBLE ? at[16] : 0};
        s->written += !is_unwritten(at, pages);
    }
    if (s->span && s->count)
        qsort(s->span, s->count, sizeof *s->span, by_first);
    return s->span != NULL;
}

bool ranges_overlap(const struct spans *s) {
    uint64_t end = 0;
    for (uint64_t i = 0; i < s->count; i++) {
        if (i && s->span[i].first < end)
            return true;
        end = s->span[i].first + s->span[i].count > end ? s->span[i].first + s->span[i].count : end;
    }
    return false;
}

/* --- the MSI-X table --------------------------------------------------------------------------------- */
static uint32_t table_pages(const struct vf *v) {
    uint64_t first = v->msix_offset / PAGE, last = (v->msix_offset + v->entries * 16ull - 1) / PAGE;
    return last - first < 31 ? (uint32_t)(last - first + 1) : 31;
}

static void note_cover(struct bar_ranges *bar, const struct vf *v, const struct spans *s) {
    uint64_t first = v->msix_offset / PAGE;
    bar->reads = bar->writes = 0;
    for (uint64_t i = 0; i < s->count; i++)
        for (uint32_t page = 0; page < table_pages(v); page++) {
            if (first + page < s->span[i].first || first + page - s->span[i].first >= s->span[i].count)
                continue;
            bar->reads |= s->span[i].reads ? 1u << page : 0;
            bar->writes |= s->span[i].writes ? 1u << page : 0;
        }
}

static bool published(const struct host *h, const struct vf_ranges *r, unsigned which) {
    return h->slots_seen[3 + which] || r->counted[which];
}

/* Once everything that the driver says of the table's BAR is known; both interfaces count together. */
static void judge_table(struct gpup_judge *j, struct vf_ranges *r, const struct host *h, const struct vf *v) {
    uint32_t reads = 0, writes = 0, pages = v->entries ? (1u << table_pages(v)) - 1 : 0;
    bool any = false;
    if (!pages || !v->present || v->msix_bar >= RANGES_BARS || r->table_judged || !h->caps_seen ||
        !(h->caps >> 2 & 1) || j->call.failed_alloc || h->impaired || h->asleep)
        return;
    for (unsigned i = 0; i < INTERFACES; i++) {
        const struct bar_ranges *bar = &r->bar[i][v->msix_bar];
        if (!published(h, r, i))
            continue;
        any = true;
        if (!r->counted[i] || (r->count[i][v->msix_bar] && !bar->known))
            return;
        reads |= r->count[i][v->msix_bar] ? bar->reads : 0;
        writes |= r->count[i][v->msix_bar] ? bar->writes : 0;
    }
    if (!any) /* of interfaces that nobody told about; asked for ranges, but not for their count */
        return;
    r->table_judged = true;
    CHECK(j, GPUP_RULE_MIT_008, reads == pages && writes == pages,
          "of %u pages of the MSI-X table in BAR %u reads of 0x%x and writes of 0x%x are intercepted",
          table_pages(v), v->msix_bar, reads, writes);
    CHECK(j, GPUP_RULE_CAP_034, reads | writes,
          "live migration is reported, and the MSI-X table in BAR %u is not intercepted", v->msix_bar);
    CHECK(j, GPUP_RULE_MSIX_035, writes == pages,
          "writes of the guest to the MSI-X table in BAR %u reach the hardware", v->msix_bar);
}

/* --- changes: no page says that DxgkCbMitigatedRangeUpdate comes before a query can show one ----------- */
static void judge_change(struct gpup_judge *j, struct vf_ranges *r, uint32_t bar, bool same) {
    if (r->announced[bar] || same) {
        COUNT(j, GPUP_RULE_MIT_007);
    } else if (!r->change.due) {
        later_set(&r->change, &j->host[j->call.host], r->life);
        r->changed = bar;
    }
}

static void later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf) {
    struct vf_ranges *r = vf == GPUP_PF ? NULL : ranges_of(j, state, host, vf);
    if (r && later_is_same(&r->change, &j->host[host], r->life) && j->host[host].vf[vf].present)
        CHECK(j, GPUP_RULE_MIT_007, false,
              "the mitigated ranges of BAR %u changed, and no DxgkCbMitigatedRangeUpdate came " JUDGE_A_WHILE
              " later",
              r->changed);
}

/* --- answers ------------------------------------------------------------------------------------------- */
static void judge_counts(struct gpup_judge *j, struct vf_ranges *r, const uint64_t *counts, unsigned which) {
    bool any = false;
    for (unsigned i = 0; i < RANGES_BARS; i++) {
        bool written = (uint32_t)counts[i] != (uint32_t)(counts[i] & 0xFF) * 0x01010101u || !counts[i];
        if (which == MITIGATED)
            CHECK(j, GPUP_RULE_MIT_001, written, "the count of BAR %u is 0x%x, as it was before the call", i,
                  (unsigned)counts[i]);
        if (which == MITIGATED && r->probed && !r->size[i] && written)
            CHECK(j, GPUP_RULE_MIT_006, !counts[i], "BAR %u does not exist and has %u mitigated ranges", i,
                  (unsigned)counts[i]);
        any = any || (written && counts[i]);
        if (r->count[which][i] != (uint32_t)counts[i])
            r->bar[which][i].known = false;
        if (which == MITIGATED && r->counted[which])
            judge_change(j, r, i, r->count[which][i] == (uint32_t)counts[i]);
        r->count[which][i] = (uint32_t)counts[i];
        if (which == MITIGATED && !counts[i])
            r->announced[i] = false; /* there is no more to ask */
    }
    r->counted[which] = true;
    if (which == MITIGATED && any && r->emulation_known)
        CHECK(j, GPUP_RULE_MIT_011, r->emulation,
              "there are mitigated ranges, and CreateVirtualGpu named no emulation DLL");
}

static void saw_answer(struct gpup_judge *j, struct ranges *all, const struct gpup_event *e) {
    const struct call *c = &j->call;
    unsigned which = c->ddi == GPUP_DDI_QueryMitigatedRanges ? MITIGATED : FLEXIBLE;
    struct vf_ranges *r = ranges_of(j, all, c->host, c->vf);
    uint64_t bar = c->a[GPUP_ARG_QueryMitigatedRanges_BarIndex];
    uint64_t asked = c->a[GPUP_ARG_QueryMitigatedRanges_NumRanges];
    struct spans s = {0};
    if (!r || bar >= RANGES_BARS || !r->counted[which] || !nt_success(c->status) ||
        j->host[c->host].removed || c->failed_alloc || asked != r->count[which][bar] ||
        !read_spans(&s, e, which, asked))
        return;
    struct bar_ranges *known = &r->bar[which][bar];
    uint64_t hash = gpup_trace_hash(3, s.span, 0);
    for (uint64_t i = 0; i < s.count; i++) {
        uint64_t flat[] = {s.span[i].first, s.span[i].count, s.span[i].reads, s.span[i].writes};
        hash = gpup_trace_hash(hash, flat, sizeof flat);
    }
    if (which == MITIGATED && known->known)
        judge_change(j, r, (uint32_t)bar, known->hash == hash);
    if (which == MITIGATED && !c->overlapped && !j->host[c->host].asleep)
        r->announced[bar] = false;
    *known = (struct bar_ranges){.known = true, .hash = hash};
    const struct vf *v = judge_vf(j, c->host, c->vf);
    if (v->entries && v->msix_bar == bar)
        note_cover(known, v, &s);
    if (which == MITIGATED)
        ranges_judge_mitigated(j, r, (uint32_t)bar, &s);
    else
        ranges_judge_flexible(j, r, (uint32_t)bar, &s);
    free(s.span);
}

/* A write past the array meets memory that is not there. */
static void saw_fault(struct gpup_judge *j, struct ranges *all, const struct gpup_event *e) {
    const struct call *c = &j->call;
    struct vf_ranges *r = ranges_of(j, all, c->host, c->vf);
    uint64_t bar = c->a[GPUP_ARG_QueryMitigatedRanges_BarIndex];
    uint64_t asked = c->a[GPUP_ARG_QueryMitigatedRanges_NumRanges];
    if (!c->active || c->ddi != GPUP_DDI_QueryMitigatedRanges || !r || !c->data.there ||
        e->f[GPUP_FAULT_object] != c->data.object || !r->counted[MITIGATED] || bar >= RANGES_BARS)
        return;
    if (asked < r->count[MITIGATED][bar])
        CHECK(j, GPUP_RULE_MIT_005, false, "an array of %llu ranges was overrun", (unsigned long long)asked);
    else
        CHECK(j, GPUP_RULE_MIT_002, false, "the query for all %llu ranges went past their array",
              (unsigned long long)asked);
}

/* The page does not name the callback's argument: it may mean every VF and every BAR. */
static void announce(const struct gpup_judge *j, struct ranges *all, unsigned host) {
    for (uint64_t used = j->used[host]; used; used &= used - 1) {
        struct vf_ranges *r = &all->of[host][__builtin_ctzll(used)];
        r->change.due = false;
        for (unsigned bar = 0; bar < RANGES_BARS; bar++)
            r->announced[bar] = true;
    }
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct ranges *all = state;
    const struct call *c = &j->call;
    if (e->kind == GPUP_EVENT_FAULT) {
        saw_fault(j, all, e);
    } else if (e->kind == GPUP_EVENT_VGPU_SEGMENT) {
        struct vf_ranges *r = ranges_of(j, all, e->host, e->f[GPUP_VGPU_SEGMENT_vf]);
        if (r) {
            r->emulation_known = true;
            r->emulation = e->f[GPUP_VGPU_SEGMENT_emulation] != 0;
        }
    } else if (e->kind == GPUP_EVENT_CALLBACK && e->f[GPUP_CALLBACK_id] == RANGE_UPDATE) {
        announce(j, all, e->host);
    } else if (e->kind == GPUP_EVENT_OUTPUT && c->returned && e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA &&
               (c->ddi == GPUP_DDI_QueryMitigatedRanges || c->ddi == GPUP_DDI_GetMmioRanges)) {
        saw_answer(j, all, e);
    }
}

/* The array was as long as the count, or shorter. */
static void judge_array(struct gpup_judge *j, const struct vf_ranges *r) {
    const struct call *c = &j->call;
    uint64_t bar = c->a[GPUP_ARG_QueryMitigatedRanges_BarIndex];
    uint64_t asked = c->a[GPUP_ARG_QueryMitigatedRanges_NumRanges];
    if (!r->counted[MITIGATED] || bar >= RANGES_BARS || !c->before.present || r->announced[bar])
        return; /* announced: the count is to be asked for again */
    if (c->class == GPUP_LEGAL)
        CHECK(j, GPUP_RULE_MIT_009, asked == r->count[MITIGATED][bar],
              "the host asked for %llu ranges where the driver counted %u", (unsigned long long)asked,
              r->count[MITIGATED][bar]);
    if (asked < r->count[MITIGATED][bar])
        CHECK(j, GPUP_RULE_MIT_005, !c->damaged_data, "an array of %llu ranges was overrun",
              (unsigned long long)asked);
    else if (asked && asked == r->count[MITIGATED][bar] && call_must_succeed(j))
        CHECK(j, GPUP_RULE_MIT_002, nt_success(c->status) && !c->damaged_data,
              "the query for all %llu ranges returned 0x%08x%s", (unsigned long long)asked, c->status,
              c->damaged_data ? " and wrote more" : "");
}

static void settle(struct gpup_judge *j, void *state) {
    struct ranges *all = state;
    const struct call *c = &j->call;
    struct vf_ranges *r = c->names_vf ? ranges_of(j, all, c->host, c->vf) : NULL;
    if (!r || c->overlapped || j->host[c->host].removed || j->host[c->host].asleep || c->failed_alloc)
        return;
    const struct vf *v = judge_vf(j, c->host, c->vf);
    switch (c->ddi) {
    case GPUP_DDI_QueryProbedBars:
        probed(r, c->r);
        break;
    case GPUP_DDI_QueryMitigatedRangeCount:
        if (v->present)
            judge_counts(j, r, c->r, MITIGATED);
        break;
    case GPUP_DDI_GetMmioRangeCount:
        if (v->present && nt_success(c->status))
            judge_counts(j, r, c->r, FLEXIBLE);
        break;
    case GPUP_DDI_QueryMitigatedRanges:
        judge_array(j, r);
        break;
    default:
        break;
    }
    ranges_settle_flexible(j, all, r);
    if (c->ddi == GPUP_DDI_QueryMitigatedRangeCount || c->ddi == GPUP_DDI_QueryMitigatedRanges ||
        c->ddi == GPUP_DDI_GetMmioRangeCount || c->ddi == GPUP_DDI_GetMmioRanges)
        judge_table(j, r, &j->host[c->host], v);
}

static void reset(struct gpup_judge *j, void *state) {
    struct ranges *all = state;
    judge_clear_used(j, all->of, sizeof all->of[0][0]);
    memset(all->bar_asked, 0, sizeof all->bar_asked);
}

const struct monitor monitor_ranges = {.id = GPUP_MONITOR_ranges,
                                       .state_size = sizeof(struct ranges),
                                       .kinds =
                                           KIND(OUTPUT) | KIND(CALLBACK) | KIND(VGPU_SEGMENT) | KIND(FAULT),
                                       .event = event,
                                       .settle = settle,
                                       .later = later,
                                       .reset = reset};
