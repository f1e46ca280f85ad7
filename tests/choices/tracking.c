/* Dirty bits: taken for the whole segment, coarser than reported, tracked earlier than asked for. */
#include "choices.h"
#define reference_query_dirty_bit_data narrow_query
#define reference_start_dirty_tracking start_narrow
DXGKDDI_STARTDIRTYTRACKING start_narrow;
DXGKDDI_QUERYDIRTYBITDATA narrow_query;
#include "../../harness/reference/dirty.c" /* NOLINT(bugprone-suspicious-include) */
#undef reference_query_dirty_bit_data
#undef reference_start_dirty_tracking

#define GRANULE 16u /* pages */

static void smear(UCHAR *bits, UINT64 pages) {
    for (UINT64 i = 0; i < pages; i += GRANULE) {
        bool any = false;

        for (UINT64 k = i; k < i + GRANULE && k < pages; k++)
            any = any || get_bit(bits, k);
        for (UINT64 k = i; any && k < i + GRANULE && k < pages; k++)
            set_bit(bits, k);
    }
}

/* All bits of a segment, for the bases that track them. */
static void gather(struct adapter *a, ULONG segment) {
    const struct segment *g = &a->segment[segment - 1];
    UCHAR *bits = allocate(DMA_PAGE);
    UINT64 end = g->page ? g->size / g->page : 0;

    for (UINT64 at = 0; bits && at < end; at += CHUNK_PAGES) {
        struct span s = {segment, at * g->page, smaller(end - at, CHUNK_PAGES)};

        if (!NT_SUCCESS(plane(a, GPU_COMMAND_DIRTY_READ, true, &s, bits)))
            break;
        if (choice[CHOICE_coarse])
            smear(bits, s.pages);
        hand_out(a, &s, bits);
    }
    release(bits);
}

static void gather_for(struct adapter *a, HANDLE basis) {
    const struct basis *b;

    if (!(choice[CHOICE_plane] || choice[CHOICE_coarse]) || !a || !a->started || !a->power)
        return;
    ExAcquireFastMutex(&a->tracking);
    b = basis_find(a, basis);
    if (b && b->page)
        gather(a, b->segment);
    ExReleaseFastMutex(&a->tracking);
}

NTSTATUS DDI_CALL reference_query_dirty_bit_data(const HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *args) {
    if (args)
        gather_for(adapter, args->MemoryBasis);
    return narrow_query(adapter, args);
}

/* What was written before the start is of other bases alone. */
NTSTATUS DDI_CALL reference_start_dirty_tracking(const HANDLE adapter, const HANDLE basis) {
    gather_for(adapter, basis);
    return start_narrow(adapter, basis);
}

void track_early(struct adapter *a, const struct vf *vf, bool on) {
    struct extra *x = extra_of(a);

    if (!choice[CHOICE_early] || !x || x->early[vf->index] == on)
        return;
    x->early[vf->index] = on;
    ExAcquireFastMutex(&a->tracking);
    for (ULONG i = 0; i < vf->reserve_count; i++) {
        const struct reserve *r = &vf->reserve[i];
        ULONG page = a->segment[r->segment - 1].page;
        struct span s = {r->segment, r->offset, page ? r->size / page : 0};

        if (s.pages)
            (void)plane(a, on ? GPU_COMMAND_TRACK_START : GPU_COMMAND_TRACK_STOP, false, &s, NULL);
    }
    ExReleaseFastMutex(&a->tracking);
}
