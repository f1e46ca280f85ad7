/* QueryDirtyBitData. Bits are taken out before the pages are armed again: see dirty.c. */
#include "driver.h"

struct asked {
    UINT64 range, page, pages; /* of one range; or, with `whole`, all */
    UINT64 bit;                /* of the basis, the first */
    bool whole;
};

static bool resolve(const struct adapter *a, const struct basis *b, const DXGKARG_QUERYDIRTYBITDATA *args,
                    struct asked *q) {
    UINT64 unit = granule(a, b->segment - 1), count;

    *q = (struct asked){.whole = args->SubrangeSize == 0, .pages = b->pages};
    if (q->whole)
        return true;
    if (args->SubrangeIndex >= b->count || (args->SubrangeOffset | args->SubrangeSize) % unit)
        return false;
    for (q->range = 0; q->range < args->SubrangeIndex; q->range++)
        q->bit += page_count(b, q->range);
    count = page_count(b, q->range);
    q->page = args->SubrangeOffset / unit;
    q->pages = args->SubrangeSize / unit;
    q->bit += q->page;
    return q->pages <= count && q->page <= count - q->pages;
}

/* out[i] = bits[first + i]; clear: the basis forgets them. */
static void take(struct adapter *a, const struct basis *b, const struct asked *q, bool clear, UCHAR *out) {
    KIRQL irql;

    KeAcquireSpinLock(&a->logs, &irql);
    for (UINT64 i = 0; i < q->pages; i++) {
        UINT64 bit = q->bit + i;

        if (!(b->bits[bit / 8] >> bit % 8 & 1))
            continue;
        out[i / 8] |= (UCHAR)(1u << i % 8);
        if (clear)
            b->bits[bit / 8] &= (UCHAR) ~(1u << bit % 8);
    }
    KeReleaseSpinLock(&a->logs, irql);
}

/* NULL: all of them. */
static void give_back(struct adapter *a, const struct basis *b, const struct asked *q, const UCHAR *bits) {
    KIRQL irql;

    KeAcquireSpinLock(&a->logs, &irql);
    for (UINT64 i = 0; i < q->pages; i++)
        if (!bits || (bits[i / 8] >> i % 8 & 1))
            b->bits[(q->bit + i) / 8] |= (UCHAR)(1u << (q->bit + i) % 8);
    KeReleaseSpinLock(&a->logs, irql);
}

static NTSTATUS rearm(struct adapter *a, const struct basis *b, const struct asked *q) {
    NTSTATUS status = STATUS_SUCCESS;

    if (!q->whole)
        return track_pages(a, SECOND_ORDER_TRACK_REARM, b->segment, first_page(b, q->range) + q->page,
                           q->pages, NULL);
    for (UINT64 i = 0; i < b->count && NT_SUCCESS(status); i++)
        status =
            track_pages(a, SECOND_ORDER_TRACK_REARM, b->segment, first_page(b, i), page_count(b, i), NULL);
    return status;
}

static NTSTATUS answer(struct adapter *a, const struct basis *b, const struct asked *q, bool clear,
                       UCHAR *bits) {
    NTSTATUS status = collect_numbers(a);

    if (!NT_SUCCESS(status))
        return status;
    take(a, b, q, clear, bits);
    if (!clear)
        return STATUS_SUCCESS;
    status = rearm(a, b, q);
    if (!NT_SUCCESS(status)) {
        give_back(a, b, q, bits);
        return status;
    }
    drain_logs(a);
    if (a->numbers_lost) /* of pages that do not look dirty any more: whoever asks next copies them all */
        give_back(a, b, q, NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS query(struct adapter *a, const struct basis *b, const DXGKARG_QUERYDIRTYBITDATA *args) {
    bool clear = (args->Flags & DXGKARG_QUERYDIRTYBITDATAFLAGS_CLEARDATA) != 0; /* other flags say nothing */
    struct asked q;
    UCHAR *bits;
    NTSTATUS status;

    if (!b->tracking)
        return STATUS_DEVICE_NOT_READY;
    if (!resolve(a, b, args, &q))
        return STATUS_INVALID_PARAMETER;
    if (args->BufferSize < (q.pages + 7) / 8 || !args->Buffer)
        return STATUS_INVALID_BUFFER_SIZE;
    bits = allocate((q.pages + 7) / 8);
    if (!bits)
        return STATUS_NO_MEMORY;
    status = answer(a, b, &q, clear, bits);
    if (NT_SUCCESS(status)) {
        RtlZeroMemory(args->Buffer, args->BufferSize); /* all of it belongs to the call */
        RtlCopyMemory(args->Buffer, bits, (q.pages + 7) / 8);
    }
    release(bits);
    return status;
}

NTSTATUS DDI_CALL second_query_dirty_bit_data(const HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *args) {
    struct adapter *a = adapter;
    const struct basis *b;
    NTSTATUS status = args ? enter(a) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    b = find_basis(a, args->MemoryBasis);
    status = b ? query(a, b, args) : STATUS_INVALID_PARAMETER;
    leave(a);
    return status;
}
