/*
 * Dirty tracking. The part writes the number of a page into a log when an armed page is first written. The
 * numbers are taken out when a log is half full and before anything is asked or changed, and put down as bits
 * in every basis that tracks the page. When numbers were lost, a scan of the pages finds them.
 *
 * A query takes its bits out first and rearms the pages then: what is written in between was dirty already
 * and is told now, what is written later is in the log.
 */
#include "driver.h"

#define SCAN_PAGES 0x10000u

static void set_bit(UCHAR *bits, UINT64 n) {
    bits[n / 8] |= (UCHAR)(1u << n % 8);
}

/* For every basis that tracks the page; with the logs' lock. */
static void put_down(struct adapter *a, ULONG segment, UINT64 page) {
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);
        UINT64 bit = 0;

        for (UINT64 i = 0; b->tracking && b->segment == segment && i < b->count; i++) {
            UINT64 first = first_page(b, i), count = page_count(b, i);

            if (page >= first && page - first < count)
                set_bit(b->bits, bit + page - first);
            bit += count;
        }
    }
}

static void drain(struct adapter *a, ULONG who) {
    ULONG count = window(a, who, SECOND_WIN_LOG_COUNT);

    if (count == MAXULONG) /* gone */
        return;
    if (window(a, who, SECOND_WIN_LOG_STATUS) & SECOND_LOG_OVERFLOW) {
        set_window(a, who, SECOND_WIN_LOG_STATUS, SECOND_LOG_OVERFLOW);
        a->numbers_lost = true;
    }
    while (count--) {
        ULONG number = window(a, who, SECOND_WIN_LOG_POP);

        if (number != SECOND_LOG_NONE)
            put_down(a, number >> 28, number & 0x0FFFFFFFu);
    }
}

void drain_logs(struct adapter *a) {
    KIRQL irql;

    KeAcquireSpinLock(&a->logs, &irql);
    for (ULONG i = 0; a->power && i < a->partitions; i++)
        drain(a, i);
    if (a->power)
        drain(a, SECOND_WINDOW_PF);
    KeReleaseSpinLock(&a->logs, irql);
}

NTSTATUS track_pages(struct adapter *a, ULONG code, ULONG segment, UINT64 page, UINT64 pages, UCHAR *out) {
    UINT64 unit = granule(a, segment - 1), offset = page * unit, size = pages * unit;
    struct order o = {.code = code,
                      .word = {[SECOND_MB_SEGMENT] = segment,
                               [SECOND_MB_OFFSET] = (ULONG)offset,
                               [SECOND_MB_OFFSET + 1] = (ULONG)(offset >> 32),
                               [SECOND_MB_SIZE] = (ULONG)size,
                               [SECOND_MB_SIZE + 1] = (ULONG)(size >> 32)},
                      .out = out,
                      .size = out ? (ULONG)pages : 0};

    return give_order(a, &o);
}

static NTSTATUS scan(struct adapter *a, const struct basis *b, UCHAR *bytes) {
    NTSTATUS status = STATUS_SUCCESS;

    for (UINT64 i = 0; i < b->count; i++)
        for (UINT64 at = 0; at < page_count(b, i) && NT_SUCCESS(status); at += SCAN_PAGES) {
            UINT64 left = page_count(b, i) - at, page = first_page(b, i) + at;
            ULONG pages = left < SCAN_PAGES ? (ULONG)left : SCAN_PAGES;
            KIRQL irql;

            status = track_pages(a, SECOND_ORDER_TRACK_SCAN, b->segment, page, pages, bytes);
            KeAcquireSpinLock(&a->logs, &irql);
            for (ULONG k = 0; NT_SUCCESS(status) && k < pages; k++)
                if (bytes[k])
                    put_down(a, b->segment, page + k);
            KeReleaseSpinLock(&a->logs, irql);
        }
    return status;
}

NTSTATUS collect_numbers(struct adapter *a) {
    NTSTATUS status = present(a);
    UCHAR *bytes;

    if (!NT_SUCCESS(status))
        return status;
    drain_logs(a);
    if (!a->numbers_lost)
        return STATUS_SUCCESS;
    bytes = allocate(SCAN_PAGES);
    if (!bytes)
        return STATUS_NO_MEMORY;
    a->numbers_lost = false;
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases && NT_SUCCESS(status); e = e->Flink) {
        const struct basis *b = CONTAINING_RECORD(e, struct basis, entry);

        if (b->tracking)
            status = scan(a, b, bytes);
    }
    if (!NT_SUCCESS(status))
        a->numbers_lost = true;
    release(bytes);
    return status;
}

static NTSTATUS arm(struct adapter *a, const struct basis *b) {
    NTSTATUS status = STATUS_SUCCESS;

    for (UINT64 i = 0; i < b->count && NT_SUCCESS(status); i++)
        status = track_pages(a, SECOND_ORDER_TRACK_ARM, b->segment, first_page(b, i), page_count(b, i), NULL);
    return status;
}

/* Of the pages from `page` to `end` how many, from the first, are alike in being tracked by another basis. */
static UINT64 stretch(struct adapter *a, const struct basis *b, UINT64 page, UINT64 end, bool *shared) {
    *shared = false;
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        const struct basis *other = CONTAINING_RECORD(e, struct basis, entry);

        for (UINT64 i = 0; other != b && other->tracking && other->segment == b->segment && i < other->count;
             i++) {
            UINT64 first = first_page(other, i), after = first + page_count(other, i);

            if (first <= page && page < after) {
                *shared = true;
                return (after < end ? after : end) - page;
            }
            if (first > page && first < end)
                end = first;
        }
    }
    return end - page;
}

static NTSTATUS disarm(struct adapter *a, const struct basis *b) {
    NTSTATUS status = STATUS_SUCCESS;

    for (UINT64 i = 0; i < b->count; i++) {
        UINT64 page = first_page(b, i), end = page + page_count(b, i), count;
        bool shared;

        for (; page < end && NT_SUCCESS(status); page += count) {
            count = stretch(a, b, page, end, &shared);
            if (!shared)
                status = track_pages(a, SECOND_ORDER_TRACK_OFF, b->segment, page, count, NULL);
        }
    }
    return status;
}

static void set_tracking(struct adapter *a, struct basis *b, bool on) {
    KIRQL irql;

    KeAcquireSpinLock(&a->logs, &irql);
    b->tracking = on;
    RtlZeroMemory(b->bits, b->pages / 8 + 1);
    KeReleaseSpinLock(&a->logs, irql);
}

/* Again for one that is on: nothing happens. */
static NTSTATUS tracking_start(struct adapter *a, struct basis *b) {
    NTSTATUS status;

    if (b->tracking)
        return STATUS_SUCCESS;
    if (!a->segment[b->segment - 1].page)
        return STATUS_NOT_SUPPORTED;
    status = collect_numbers(a); /* for the others, whose pages may be armed anew */
    if (!NT_SUCCESS(status))
        return status;
    set_tracking(a, b, true);
    status = arm(a, b);
    if (!NT_SUCCESS(status)) {
        set_tracking(a, b, false);
        (void)disarm(a, b);
    }
    return status;
}

/* The same, the other way. */
NTSTATUS tracking_stop(struct adapter *a, struct basis *b) {
    NTSTATUS status;

    if (!b->tracking)
        return STATUS_SUCCESS;
    set_tracking(a, b, false);
    status = disarm(a, b);
    if (!NT_SUCCESS(status)) { /* it goes on, but writes were missed */
        set_tracking(a, b, true);
        RtlFillMemory(b->bits, b->pages / 8 + 1, 0xFF);
    }
    return status;
}

static NTSTATUS with_basis(struct adapter *a, HANDLE handle,
                           NTSTATUS (*act)(struct adapter *, struct basis *)) {
    struct basis *b;
    NTSTATUS status = enter(a);

    if (!NT_SUCCESS(status))
        return status;
    b = find_basis(a, handle);
    status = b ? act(a, b) : STATUS_INVALID_PARAMETER;
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_start_dirty_tracking(const HANDLE adapter, const HANDLE handle) {
    return with_basis(adapter, handle, tracking_start);
}

NTSTATUS DDI_CALL second_stop_dirty_tracking(const HANDLE adapter, const HANDLE handle) {
    return with_basis(adapter, handle, tracking_stop);
}

void tracking_suspend(struct adapter *a) {
    if (!NT_SUCCESS(collect_numbers(a)))
        a->numbers_lost = true;
}

/* The part forgot everything. What could not be collected before is dirty as a whole. */
void tracking_resume(struct adapter *a) {
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);

        if (!b->tracking)
            continue;
        if (a->numbers_lost)
            RtlFillMemory(b->bits, b->pages / 8 + 1, 0xFF);
        if (!NT_SUCCESS(arm(a, b)))
            b->tracking = false; /* no query can be answered any more */
    }
    a->numbers_lost = false;
}
