/* Starting, stopping and reading the dirty plane. All with the tracking lock held. */
#include "tracking.h"

struct span { /* pages of one segment */
    ULONG segment;
    UINT64 offset, pages; /* offset in bytes */
};

static bool get_bit(const UCHAR *bits, UINT64 n) {
    return bits[n / 8] >> n % 8 & 1;
}

static void set_bit(UCHAR *bits, UINT64 n) {
    bits[n / 8] |= (UCHAR)(1u << n % 8);
}

/* to[to_bit + i] |= from[from_bit + i] */
static void merge_bits(UCHAR *to, UINT64 to_bit, const UCHAR *from, UINT64 from_bit, UINT64 count) {
    for (UINT64 i = 0; i < count; i++)
        if (get_bit(from, from_bit + i))
            set_bit(to, to_bit + i);
}

static NTSTATUS plane(struct adapter *a, ULONG opcode, bool clear, const struct span *s, UCHAR *out) {
    UINT64 bytes = s->pages * a->segment[s->segment - 1].page;
    UINT64 offset = DEFECT(66) ? (ULONG)s->offset : s->offset;
    struct command c = {
        .opcode = opcode,
        .flags = clear ? GPU_FLAG_CLEAR : 0,
        .arg = {s->segment, (ULONG)offset, (ULONG)(offset >> 32), (ULONG)bytes, (ULONG)(bytes >> 32)},
        .out = out,
        .out_size = out ? (ULONG)((s->pages + 7) / 8) : 0};

    return command_run(a, &c);
}

static struct span range_span(const struct basis *b, UINT64 range) {
    const DXGK_MEMORYRANGE *r = DEFECT(61) ? &b->caller[range] : &b->ranges[range];

    return (struct span){b->segment, r->SegmentOffset, r->SizeInBytes / b->page};
}

/* Puts bits taken from the plane down for every basis that tracks the page. */
static void hand_out(struct adapter *a, const struct span *s, const UCHAR *bits) {
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);
        UINT64 first = 0;

        for (UINT64 i = 0; b->tracking && b->segment == s->segment && i < b->count; i++) {
            struct span r = range_span(b, i);
            UINT64 from = r.offset / b->page, at = s->offset / b->page;
            UINT64 start = larger(from, at);
            UINT64 end = smaller(from + r.pages, at + s->pages);

            if (start < end)
                merge_bits(b->carry, first + start - from, bits, start - at, end - start);
            first += r.pages;
        }
    }
}

/* Reads a span in pieces. take: the bits leave the plane, for all bases that track them; else they go to
 * `out`. */
static NTSTATUS read_span(struct adapter *a, struct span s, bool take, UCHAR *out, UINT64 out_bit) {
    ULONG page = a->segment[s.segment - 1].page;
    UCHAR *bits = allocate(DMA_PAGE);
    NTSTATUS status = bits ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    while (NT_SUCCESS(status) && s.pages != 0) {
        struct span piece = s;

        piece.pages = smaller(s.pages, CHUNK_PAGES);
        if (take && DEFECT(35))
            (void)plane(a, GPU_COMMAND_DIRTY_CLEAR, false, &piece, NULL);
        status = plane(a, GPU_COMMAND_DIRTY_READ, take, &piece, bits);
        if (NT_SUCCESS(status) && take)
            hand_out(a, &piece, bits);
        else if (NT_SUCCESS(status))
            merge_bits(out, out_bit, bits, 0, piece.pages);
        out_bit += piece.pages;
        s.offset += piece.pages * page;
        s.pages -= piece.pages;
    }
    release(bits);
    return status;
}

static void all_dirty(const struct basis *b) {
    RtlFillMemory(b->carry, carry_size(b), 0xFF);
}

/* Seeded: tracking is one switch, and whoever stops it stops it for all. */
static void stop_others(struct adapter *a, const struct basis *b) {
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *other = CONTAINING_RECORD(e, struct basis, entry);

        for (UINT64 i = 0; other != b && other->tracking && i < other->count; i++) {
            struct span s = range_span(other, i);

            (void)plane(a, GPU_COMMAND_TRACK_STOP, false, &s, NULL);
        }
    }
}

/* Switches the first `count` ranges. On failure the ones switched before are switched back. */
static NTSTATUS switch_ranges(struct adapter *a, const struct basis *b, UINT64 count, bool on) {
    NTSTATUS status = STATUS_SUCCESS;
    UINT64 i;

    for (i = 0; i < count && NT_SUCCESS(status); i++) {
        struct span s = range_span(b, i);

        if (DEFECT(48) && i)
            continue;
        s.pages -= DEFECT(65) && s.pages > 1;
        status = plane(a, on ? GPU_COMMAND_TRACK_START : GPU_COMMAND_TRACK_STOP, false, &s, NULL);
        if (DEFECT(43) && !on)
            stop_others(a, b);
    }
    if (!NT_SUCCESS(status)) {
        for (i--; i-- > 0;) {
            struct span s = range_span(b, i);

            (void)plane(a, on ? GPU_COMMAND_TRACK_STOP : GPU_COMMAND_TRACK_START, false, &s, NULL);
        }
    }
    return status;
}

NTSTATUS basis_stop(struct adapter *a, struct basis *b) {
    NTSTATUS status = DEFECT(45) ? STATUS_SUCCESS : switch_ranges(a, b, b->count, false);

    if (NT_SUCCESS(status))
        b->tracking = false;
    else
        all_dirty(b); /* writes were missed while it was off */
    return status;
}

/* Seeded: the VF in whose reserve the basis lies. */
static bool owner_powered(const struct adapter *a, const struct basis *b) {
    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].reserve_count && a->vf[i].reserve[0].segment == b->segment &&
            b->ranges[0].SegmentOffset - a->vf[i].reserve[0].offset < a->vf[i].reserve[0].size)
            return a->vf[i].powered;
    return true;
}

static NTSTATUS basis_start(struct adapter *a, struct basis *b) {
    NTSTATUS status;

    if (b->tracking)
        return STATUS_INVALID_DEVICE_STATE;
    if (b->page == 0)
        return STATUS_INVALID_PARAMETER; /* no plane, or no whole pages */
    if (DEFECT(68) && !owner_powered(a, b)) {
        b->tracking = true; /* of use once the guest runs */
        return STATUS_SUCCESS;
    }
    status = switch_ranges(a, b, b->count, true);
    if (!NT_SUCCESS(status))
        return status;
    for (UINT64 i = 0; i < b->count && NT_SUCCESS(status) && !DEFECT(41); i++)
        status =
            read_span(a, range_span(b, i), true, NULL, 0); /* what was dirty before is not of this basis */
    if (!NT_SUCCESS(status)) {
        (void)switch_ranges(a, b, b->count, false);
        return status;
    }
    RtlZeroMemory(b->carry, carry_size(b));
    b->tracking = true;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_start_dirty_tracking(const HANDLE adapter, const HANDLE handle) {
    struct adapter *a = adapter;
    struct basis *b;
    NTSTATUS status = STATUS_INVALID_HANDLE;

    if (!a || !a->started)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&a->tracking);
    b = basis_find(a, handle);
    if (b)
        status = basis_start(a, b);
    ExReleaseFastMutex(&a->tracking);
    return status;
}

NTSTATUS DDI_CALL reference_stop_dirty_tracking(const HANDLE adapter, const HANDLE handle) {
    struct adapter *a = adapter;
    struct basis *b;
    NTSTATUS status = STATUS_INVALID_HANDLE;

    if (!a || !a->started)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&a->tracking);
    b = basis_find(a, handle);
    if (b)
        status = b->tracking ? basis_stop(a, b) : STATUS_INVALID_DEVICE_STATE;
    ExReleaseFastMutex(&a->tracking);
    return status;
}

/* What is asked for: `count` ranges from `range` on, of the first of them the pages from `skip` on. */
struct query {
    UINT64 range, count, skip, pages, first; /* first: bit of the basis */
};

static bool resolve(const struct basis *b, const DXGKARG_QUERYDIRTYBITDATA *args, struct query *q) {
    UINT64 size = args->SubrangeSize, offset = DEFECT(55) ? 0 : args->SubrangeOffset;

    *q = (struct query){.count = b->count, .pages = b->pages};
    if (DEFECT(56) && size == 0 && args->SubrangeIndex >= b->count)
        return false;
    if (size == 0)
        return true;
    if (args->SubrangeIndex >= b->count || (offset | size) % b->page != 0)
        return false;
    if (DEFECT(58) ? offset + size > b->ranges[args->SubrangeIndex].SizeInBytes
                   : size > b->ranges[args->SubrangeIndex].SizeInBytes ||
                         offset > b->ranges[args->SubrangeIndex].SizeInBytes - size)
        return false;
    *q = (struct query){
        .range = args->SubrangeIndex, .count = 1, .skip = offset / b->page, .pages = size / b->page};
    if (DEFECT(63)) { /* pages of 4 KB are counted */
        UINT64 last = b->ranges[q->range].SizeInBytes / b->page - q->pages;

        q->skip = offset / PAGE_SIZE < last ? offset / PAGE_SIZE : last;
    }
    for (UINT64 i = 0; i < q->range; i++)
        q->first += b->ranges[i].SizeInBytes / b->page;
    q->first += q->skip;
    return true;
}

static NTSTATUS read_ranges(struct adapter *a, const struct basis *b, const struct query *q, bool clear,
                            UCHAR *out) {
    NTSTATUS status = STATUS_SUCCESS;
    UINT64 at = 0;

    for (UINT64 i = q->range; i < q->range + q->count && NT_SUCCESS(status); i++) {
        struct span s = range_span(b, i);

        s.offset += q->skip * b->page;
        s.pages = q->count == 1 && q->pages < s.pages ? q->pages : s.pages;
        status = read_span(a, s, clear, out, at);
        if ((DEFECT(38) || DEFECT(40)) && clear && q->pages < b->pages) {
            struct span wide = range_span(b, i);

            if (DEFECT(40)) {
                wide.offset += q->skip / 8 * 8 * b->page;
                wide.pages = wide.pages - q->skip / 8 * 8 < 8 ? wide.pages - q->skip / 8 * 8 : 8;
            }
            (void)plane(a, GPU_COMMAND_DIRTY_CLEAR, false, &wide, NULL);
        }
        at += s.pages;
        if (DEFECT(48))
            break;
    }
    return status;
}

static void deliver(const struct basis *b, const struct query *q, bool clear, UCHAR *bits,
                    const DXGKARG_QUERYDIRTYBITDATA *args) {
    UINT64 bytes = (q->pages + 7) / 8;

    merge_bits(bits, 0, b->carry, q->first, q->pages);
    for (UINT64 i = 0; clear && i < q->pages; i++)
        b->carry[(q->first + i) / 8] &= (UCHAR) ~(1u << (q->first + i) % 8);
    for (UINT64 i = 0; DEFECT(50) && i < bytes; i++) {
        UCHAR old = bits[i];

        bits[i] = 0;
        for (ULONG k = 0; k < 8; k++)
            bits[i] |= (UCHAR)((old >> k & 1) << (7 - k));
    }
    if (DEFECT(51))
        bytes = q->pages / 8;
    if (DEFECT(53))
        bytes = (bytes + 7) / 8 * 8;
    RtlCopyMemory(args->Buffer, bits, bytes);
}

static NTSTATUS query(struct adapter *a, const struct basis *b, const DXGKARG_QUERYDIRTYBITDATA *args) {
    bool clear = (args->Flags & DXGKARG_QUERYDIRTYBITDATAFLAGS_CLEARDATA) != 0 || DEFECT(36);
    struct query q;
    UCHAR *bits;
    NTSTATUS status;

    if (!b->tracking)
        return STATUS_INVALID_DEVICE_STATE;
    if (!args->Buffer || (args->Flags & ~(UINT)DXGKARG_QUERYDIRTYBITDATAFLAGS_CLEARDATA) != 0 ||
        !resolve(b, args, &q))
        return STATUS_INVALID_PARAMETER;
    if (args->BufferSize < (q.pages + 7) / 8)
        return STATUS_BUFFER_TOO_SMALL;
    bits = allocate((q.pages + 7) / 8 + (DEFECT(53) ? sizeof(UINT64) : 0));
    if (!bits)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = read_ranges(a, b, &q, clear, bits);
    if (NT_SUCCESS(status))
        deliver(b, &q, clear, bits, args);
    release(bits);
    return status;
}

NTSTATUS DDI_CALL reference_query_dirty_bit_data(const HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *args) {
    struct adapter *a = adapter;
    struct basis *b;
    NTSTATUS status = STATUS_INVALID_HANDLE;

    if (!a || !args || !a->started)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&a->tracking);
    b = basis_find(a, args->MemoryBasis);
    if (b)
        status = query(a, b, args);
    ExReleaseFastMutex(&a->tracking);
    return status;
}

/* false: the part no longer answers, and is not asked about the other ranges, of which there may be many. */
static bool take_in(struct adapter *a, struct basis *b, UINT64 range) {
    struct span s = range_span(b, range);
    NTSTATUS status = read_span(a, s, true, NULL, 0);

    if (!NT_SUCCESS(status))
        all_dirty(b);
    if (status != STATUS_IO_TIMEOUT)
        status = plane(a, GPU_COMMAND_TRACK_STOP, false, &s, NULL);
    return status != STATUS_IO_TIMEOUT;
}

/* The PF is about to lose its power: counts of starts go with it, so the bits are taken in. */
void tracking_suspend(struct adapter *a) {
    bool answers = true;

    ExAcquireFastMutex(&a->tracking);
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);

        for (UINT64 i = 0; answers && b->tracking && i < b->count; i++)
            answers = take_in(a, b, i);
        if (!answers && b->tracking)
            all_dirty(b);
    }
    ExReleaseFastMutex(&a->tracking);
}

void tracking_resume(struct adapter *a) {
    ExAcquireFastMutex(&a->tracking);
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);

        if (b->tracking && !NT_SUCCESS(switch_ranges(a, b, b->count, true)))
            b->tracking = false;
    }
    ExReleaseFastMutex(&a->tracking);
}
