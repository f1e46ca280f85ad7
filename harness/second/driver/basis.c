/*
 * Memory bases. The address of a basis is its handle; it is looked for in the list before it is used. Bits
 * are kept for the pages that a range touches, so a range that does not fill its pages is rounded outward.
 */
#include "driver.h"

#define MAX_RANGES (1u << 20)

struct basis *find_basis(struct adapter *a, HANDLE handle) {
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink)
        if (e == handle)
            return CONTAINING_RECORD(e, struct basis, entry);
    return NULL;
}
_Static_assert(offsetof(struct basis, entry) == 0, "the handle is the address of both");

UINT64 first_page(const struct basis *b, UINT64 range) {
    return b->range[range].SegmentOffset >> b->shift;
}

UINT64 page_count(const struct basis *b, UINT64 range) {
    UINT64 end = b->range[range].SegmentOffset + b->range[range].SizeInBytes - 1;

    return (end >> b->shift) - first_page(b, range) + 1;
}

/* By offset; shell sort, as the ranges come in any order and there may be thousands. */
static void sort(DXGK_MEMORYRANGE *r, UINT64 count) {
    for (UINT64 gap = count / 2; gap; gap /= 2)
        for (UINT64 i = gap; i < count; i++) {
            DXGK_MEMORYRANGE moved = r[i];
            UINT64 k = i;

            for (; k >= gap && r[k - gap].SegmentOffset > moved.SegmentOffset; k -= gap)
                r[k] = r[k - gap];
            r[k] = moved;
        }
}

/* Inside the segment, and disjoint. */
static bool proper(const struct adapter *a, const struct basis *b) {
    UINT64 size = a->segment[b->segment - 1].size, end = 0;
    DXGK_MEMORYRANGE *sorted = allocate(b->count * sizeof *sorted);
    bool good = sorted != NULL;

    if (good) {
        RtlCopyMemory(sorted, b->range, b->count * sizeof *sorted);
        sort(sorted, b->count);
    }
    for (UINT64 i = 0; good && i < b->count; i++) {
        good = sorted[i].SizeInBytes && sorted[i].SizeInBytes <= size && sorted[i].SegmentOffset >= end &&
               sorted[i].SegmentOffset <= size - sorted[i].SizeInBytes;
        end = sorted[i].SegmentOffset + sorted[i].SizeInBytes;
    }
    release(sorted);
    return good;
}

static void free_basis(struct basis *b) {
    release(b->bits);
    release(b);
}

static struct basis *new_basis(const struct adapter *a, const DXGKARG_CREATEMEMORYBASIS *args) {
    struct basis *b;

    if (args->SegmentId == 0 || args->SegmentId > a->segments || args->RangeCount > MAX_RANGES)
        return NULL;
    b = allocate(sizeof *b + args->RangeCount * sizeof *b->range);
    if (!b)
        return NULL;
    b->segment = args->SegmentId;
    b->shift = (UCHAR)__builtin_ctz(granule(a, b->segment - 1));
    b->count = args->RangeCount; /* none: an empty basis, which is never dirty */
    RtlCopyMemory(b->range, args->Ranges, b->count * sizeof *b->range);
    if (proper(a, b)) {
        for (UINT64 i = 0; i < b->count; i++)
            b->pages += page_count(b, i);
        b->bits = allocate(b->pages / 8 + 1);
    }
    if (b->bits)
        return b;
    free_basis(b);
    return NULL;
}

static void link_basis(struct adapter *a, struct basis *b, bool in) {
    KIRQL irql;

    KeAcquireSpinLock(&a->logs, &irql);
    if (in)
        InsertHeadList(&a->bases, &b->entry);
    else
        RemoveEntryList(&b->entry);
    KeReleaseSpinLock(&a->logs, irql);
}

HANDLE DDI_CALL second_create_memory_basis(const HANDLE adapter, const DXGKARG_CREATEMEMORYBASIS *args) {
    struct adapter *a = adapter;
    struct basis *b;

    if (!args || !NT_SUCCESS(enter(a)))
        return NULL;
    b = new_basis(a, args);
    if (b)
        link_basis(a, b, true);
    leave(a);
    return b;
}

NTSTATUS DDI_CALL second_destroy_memory_basis(const HANDLE adapter, const HANDLE handle) {
    struct adapter *a = adapter;
    struct basis *b;
    NTSTATUS status = enter(a);

    if (!NT_SUCCESS(status))
        return status;
    b = find_basis(a, handle);
    if (b) {
        (void)tracking_stop(a, b);
        link_basis(a, b, false);
        free_basis(b);
    }
    leave(a);
    return b ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

void tracking_free_all(struct adapter *a) {
    while (!IsListEmpty(&a->bases)) {
        struct basis *b = CONTAINING_RECORD(a->bases.Flink, struct basis, entry);

        (void)tracking_stop(a, b);
        link_basis(a, b, false);
        free_basis(b);
    }
}
