/* What is known of the BARs of a VF and of the ranges in them that the host intercepts. */
#ifndef GPUP_JUDGE_RANGES_H
#define GPUP_JUDGE_RANGES_H

#include "monitors.h"

#define RANGES_BARS 6
#define RANGES_RESOURCES 32

/* Which interface spoke. */
enum { MITIGATED, FLEXIBLE, INTERFACES };

struct span { /* pages of the BAR */
    uint64_t first, count;
    bool reads, writes;
    uint8_t resource; /* FlexIOV: number of the backing resource */
};

struct bar_ranges {
    bool known;
    uint64_t hash;
    uint32_t reads, writes; /* of the pages of the MSI-X table, one bit each: intercepted */
};

struct vf_ranges {
    uint32_t life; /* of the vGPU that this is about */
    bool probed, emulation_known, emulation;
    bool table_judged, resource_asked[RANGES_RESOURCES], resource_there[RANGES_RESOURCES];
    uint64_t size[RANGES_BARS]; /* bytes, 0 no such BAR; all ones: not a size */
    bool counted[INTERFACES];
    bool announced[RANGES_BARS]; /* DxgkCbMitigatedRangeUpdate, which names no BAR, since its last answer */
    struct later change;         /* that nothing announced, of this BAR */
    uint32_t changed;
    uint32_t count[INTERFACES][RANGES_BARS];
    struct bar_ranges bar[INTERFACES][RANGES_BARS];
};

struct ranges {
    struct vf_ranges of[GPUP_MAX_HOSTS][JUDGE_VFS];
    bool bar_asked[GPUP_MAX_HOSTS]; /* GetResourceForBar was called */
};

/* Ranges of one array, sorted by first page; malloc'ed. */
struct spans {
    struct span *span;
    uint64_t count, written; /* written: elements that the driver filled */
};

void ranges_judge_mitigated(struct gpup_judge *j, struct vf_ranges *r, uint32_t bar, const struct spans *s);
void ranges_judge_flexible(struct gpup_judge *j, struct vf_ranges *r, uint32_t bar, const struct spans *s);
void ranges_settle_flexible(struct gpup_judge *j, struct ranges *all, struct vf_ranges *r);
bool ranges_overlap(const struct spans *s);

#endif
