/* Memory bases: named sets of VRAM ranges. Handles are numbers, looked up in the adapter's list. */
#include "tracking.h"

struct basis *basis_find(struct adapter *a, HANDLE handle) {
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);

        if (b->handle == handle)
            return b;
    }
    return NULL;
}

SIZE_T carry_size(const struct basis *b) {
    return b->pages / 8 + 1;
}

static void sift(DXGK_MEMORYRANGE *r, UINT64 root, UINT64 count) {
    for (UINT64 child = 2 * root + 1; child < count; child = 2 * root + 1) {
        DXGK_MEMORYRANGE swap;

        if (child + 1 < count && r[child].SegmentOffset < r[child + 1].SegmentOffset)
            child++;
        if (r[root].SegmentOffset >= r[child].SegmentOffset)
            return;
        swap = r[root];
        r[root] = r[child];
        r[child] = swap;
        root = child;
    }
}

/* Heap sort by offset: the order of a caller's ranges is free, and there may be very many. */
static void sort_ranges(DXGK_MEMORYRANGE *r, UINT64 count) {
    for (UINT64 i = count / 2; i-- > 0;)
        sift(r, i, count);
    for (UINT64 i = count; i-- > 1;) {
        DXGK_MEMORYRANGE swap = r[0];

        r[0] = r[i];
        r[i] = swap;
        sift(r, 0, i);
    }
}

static bool disjoint(const DXGK_MEMORYRANGE *ranges, UINT64 count) {
    DXGK_MEMORYRANGE *sorted = allocate(count * sizeof *sorted);
    bool good = sorted != NULL;

    if (!sorted)
        return false;
    RtlCopyMemory(sorted, ranges, count * sizeof *sorted);
    if (!DEFECT(46))
        sort_ranges(sorted, count);
    for (UINT64 i = 1; i < count && good; i++)
        good = sorted[i - 1].SegmentOffset + sorted[i - 1].SizeInBytes <= sorted[i].SegmentOffset;
    release(sorted);
    return good;
}

/* Inside the segment, disjoint; page: what every offset and size is a multiple of, 0 when they are not. */
static bool check_ranges(const struct segment *s, struct basis *b) {
    b->page = s->page;
    for (UINT64 i = 0; i < b->count; i++) {
        const DXGK_MEMORYRANGE *r = &b->ranges[i];

        if (r->SizeInBytes == 0 || r->SizeInBytes > s->size || r->SegmentOffset > s->size - r->SizeInBytes)
            return false;
        if (b->page && (r->SegmentOffset | r->SizeInBytes) % b->page != 0)
            b->page = 0;
    }
    for (UINT64 i = 0; b->page && i < b->count; i++)
        b->pages += b->ranges[i].SizeInBytes / b->page;
    return disjoint(b->ranges, b->count);
}

static void free_basis(struct basis *b) {
    release(b->carry);
    release(b);
}

static struct basis *new_basis(struct adapter *a, const DXGKARG_CREATEMEMORYBASIS *args) {
    const struct segment *s;
    UINT64 count = args->RangeCount;
    struct basis *b;

    if (args->SegmentId == 0 || args->SegmentId > a->segment_count)
        return NULL;
    s = &a->segment[args->SegmentId - 1];
    if (DEFECT(60))
        count = (ULONG)count;
    /* Disjoint ranges of at least a byte: there cannot be more than pages, if they are to be tracked. */
    if (count == 0 || count > s->size / PAGE_SIZE)
        return NULL;
    b = allocate(sizeof *b + count * sizeof *b->ranges);
    if (!b)
        return NULL;
    b->segment = args->SegmentId;
    b->count = count;
    RtlCopyMemory(b->ranges, args->Ranges, count * sizeof *b->ranges);
    b->caller = DEFECT(61) ? args->Ranges : NULL;
    if (!check_ranges(s, b) || !(b->carry = allocate(carry_size(b)))) {
        free_basis(b);
        return NULL;
    }
    b->handle = new_handle(a);
    return b;
}

HANDLE DDI_CALL reference_create_memory_basis(const HANDLE adapter, const DXGKARG_CREATEMEMORYBASIS *args) {
    struct adapter *a = adapter;
    struct basis *b;

    if (!a || !args || !a->started)
        return NULL;
    b = new_basis(a, args);
    if (!b)
        return NULL;
    ExAcquireFastMutex(&a->tracking);
    InsertTailList(&a->bases, &b->entry);
    ExReleaseFastMutex(&a->tracking);
    return b->handle;
}

NTSTATUS DDI_CALL reference_destroy_memory_basis(const HANDLE adapter, const HANDLE handle) {
    struct adapter *a = adapter;
    bool left_on = false;
    struct basis *b;

    if (!a)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&a->tracking);
    b = basis_find(a, handle);
    if (b) {
        left_on = DEFECT(70) && b->tracking;
        if (b->tracking && DEFECT(205))
            (void)reference_stop_dirty_tracking(adapter, handle);
        else if (b->tracking && !DEFECT(70))
            (void)basis_stop(a, b);
        RemoveEntryList(&b->entry);
    }
    ExReleaseFastMutex(&a->tracking);
    if (!b)
        return DEFECT(71) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    if (!left_on)
        free_basis(b);
    return STATUS_SUCCESS;
}

void tracking_free_all(struct adapter *a) {
    ExAcquireFastMutex(&a->tracking);
    while (!IsListEmpty(&a->bases)) {
        struct basis *b = CONTAINING_RECORD(RemoveHeadList(&a->bases), struct basis, entry);

        if (b->tracking)
            (void)basis_stop(a, b);
        free_basis(b);
    }
    ExReleaseFastMutex(&a->tracking);
}
