/*
 * Saved data. It comes from another host, perhaps of another driver version or of ill will: everything is
 * copied once, and checked before it is used. Little endian; a header, then the payload:
 *
 *   immutable  what the vGPU was given (struct profile)
 *   mutable    the VF's context, as the part saves it
 */
#include "partition.h"

#define BLOB_MAGIC 0x764D5047u /* "GPMv" */
#define BLOB_FORMAT 3u
#define FNV_BASIS 0xCBF29CE484222325ull
#define FNV_PRIME 0x100000001B3ull
#define BLOB_SLACK (DEFECT(78) ? 64u : 0u)

struct header {
    ULONG magic;
    USHORT kind, format;
    ULONG driver; /* version of the driver that saved */
    ULONG header_size, payload_size;
    ULONG origin;    /* index of the VF there; of no use here */
    UINT64 checksum; /* of the payload */
    /* What must be the same on both sides: a guest driver has seen it. */
    ULONG device, revision, firmware;
    ULONG msix_entries, msix_table, msix_pba;
    UINT64 reserved[2]; /* of seeded faults */
};
_Static_assert(sizeof(struct header) == 72, "no padding in saved data");

struct profile {
    UINT64 capability[DXGK_VGPU_CAPABILITY_MAX];
    ULONG page; /* of the dirty plane */
    ULONG zero;
};
_Static_assert(sizeof(struct profile) == 40, "no padding in saved data");

static UINT64 checksum(const UCHAR *bytes, UINT64 size) {
    UINT64 hash = FNV_BASIS; /* FNV-1a: against damage, not against intent */

    for (UINT64 i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * FNV_PRIME;
    return hash;
}

static struct profile profile_of(const struct adapter *a, const struct vf *vf) {
    struct profile p = {.page = a->segment[vf_segment(a, vf->index)].page};

    RtlCopyMemory(p.capability, vf->capability, sizeof p.capability);
    return p;
}

/* Bits 1 << enum gpup_difference: what the suite wants to be of another make. 0 in earnest. */
extern unsigned reference_differs;
unsigned reference_differs;
static const ULONG other_make[] = {0, 0x10000, 0x10000, 1}; /* driver, firmware, revision */
static ULONG differs(unsigned what) {
    return reference_differs >> what & 1 ? other_make[what] : 0;
}

static struct header header_of(const struct adapter *a, const struct vf *vf, enum blob_kind kind) {
    return (struct header){.magic = BLOB_MAGIC,
                           .kind = (USHORT)kind,
                           .format = BLOB_FORMAT,
                           .driver = DRIVER_VERSION + differs(1),
                           .header_size = sizeof(struct header),
                           .origin = vf->index,
                           .device = (ULONG)GPU_PF_DEVICE_ID << 16 | GPU_VENDOR_ID,
                           .revision = a->revision + differs(3),
                           .firmware = a->firmware + differs(2),
                           .msix_entries = vf->msix_entries,
                           .msix_table = vf->msix_table,
                           .msix_pba = vf->msix_pba};
}

ULONG blob_size(enum blob_kind kind, ULONG payload) {
    return (ULONG)sizeof(struct header) + (kind == BLOB_IMMUTABLE ? (ULONG)sizeof(struct profile) : payload) +
           BLOB_SLACK;
}

/* Seeded: first registers of the next VF. */
static void leak_neighbour(const struct adapter *a, const struct vf *vf, UINT64 *out) {
    ULONG other = (vf->index + 1) % a->partitions;
    PHYSICAL_ADDRESS at = {.QuadPart = (LONGLONG)(vf_bar_address(a, other, 0) + GPU_VF_REG_BASE)};
    UCHAR *map = MmMapIoSpace(at, PAGE_SIZE, MmNonCached);

    if (!map)
        return;
    for (ULONG i = 0; i < 4; i++)
        ((ULONG *)out)[i] = READ_REGISTER_ULONG((volatile ULONG *)(void *)(map + GPU_VF_REG_SCRATCH(i)));
    MmUnmapIoSpace(map, PAGE_SIZE);
}

void blob_write(struct adapter *a, const struct vf *vf, enum blob_kind kind, UCHAR *out, const UCHAR *payload,
                ULONG size) {
    struct header h = header_of(a, vf, kind);
    struct profile p = profile_of(a, vf);

    if (kind == BLOB_IMMUTABLE) {
        payload = (const UCHAR *)&p;
        size = sizeof p;
    }
    h.payload_size = size;
    h.checksum = checksum(payload, size);
    if (DEFECT(85))
        h.reserved[0] = (UINT64)(ULONG_PTR)vf;
    if (DEFECT(86))
        leak_neighbour(a, vf, h.reserved);
    if (DEFECT(31) && vf->msix_entries) {
        h.reserved[0] = vf->msix[0].value.MessageAddress;
        h.reserved[1] = vf->msix[0].value.MessageData;
    }
    RtlCopyMemory(out, &h, sizeof h);
    RtlCopyMemory(out + sizeof h, payload, size);
}

static struct blob_check refuse(NTSTATUS status, const char *text, UINT64 found, UINT64 expected) {
    return (struct blob_check){.status = status, .text = text, .found = found, .expected = expected};
}

static const struct blob_check accept = {.status = STATUS_SUCCESS};

#define MALFORMED STATUS_DATA_ERROR
#define MISMATCH STATUS_OBJECT_TYPE_MISMATCH

/* Form first, then what the two sides have to agree on. */
static struct blob_check check_header(const struct header *h, UINT64 size, const struct header *own) {
    if (h->magic != own->magic)
        return refuse(MALFORMED, "not data of this driver", h->magic, own->magic);
    if (!DEFECT(91) && h->format != own->format)
        return refuse(MISMATCH, "format of another driver version", h->format, own->format);
    if (!DEFECT(91) && h->driver >> 16 != own->driver >> 16)
        return refuse(MISMATCH, "driver version not compatible", h->driver, own->driver);
    if (!DEFECT(105) && h->kind != own->kind)
        return refuse(MISMATCH, "data of the other kind", h->kind, own->kind);
    if (h->header_size != sizeof *h)
        return refuse(MALFORMED, "size of the header", h->header_size, sizeof *h);
    if (!DEFECT(100) && h->payload_size != size - sizeof *h - BLOB_SLACK)
        return refuse(MALFORMED, "size of the payload", h->payload_size, size - sizeof *h);
    if (DEFECT(93))
        return accept;
    if (h->device != own->device)
        return refuse(MISMATCH, "another device", h->device, own->device);
    if (h->revision != own->revision)
        return refuse(MISMATCH, "another revision of the device", h->revision, own->revision);
    if (h->firmware != own->firmware)
        return refuse(MISMATCH, "another firmware", h->firmware, own->firmware);
    if (h->msix_entries != own->msix_entries)
        return refuse(MISMATCH, "number of MSI-X entries", h->msix_entries, own->msix_entries);
    if (h->msix_table != own->msix_table || h->msix_pba != own->msix_pba)
        return refuse(MISMATCH, "place of the MSI-X table", h->msix_table, own->msix_table);
    return accept;
}

static struct blob_check check_profile(const struct adapter *a, const struct vf *vf, const UCHAR *payload,
                                       ULONG size) {
    struct profile own = profile_of(a, vf), p;

    if (size != sizeof p)
        return refuse(MALFORMED, "size of the profile", size, sizeof p);
    RtlCopyMemory(&p, payload, sizeof p);
    if (DEFECT(93))
        return accept;
    if (p.page != own.page)
        return refuse(MISMATCH, "granularity of dirty tracking", p.page, own.page);
    for (ULONG i = 0; i < DXGK_VGPU_CAPABILITY_MAX; i++)
        if (p.capability[i] != own.capability[i])
            return refuse(MISMATCH, "partition profile", p.capability[i], own.capability[i]);
    return accept;
}

struct blob_check blob_read(struct adapter *a, const struct vf *vf, enum blob_kind kind, const UCHAR *data,
                            UINT64 size, UCHAR **payload, ULONG *payload_size) {
    struct header own = header_of(a, vf, kind), h;
    struct blob_check check;

    *payload = NULL;
    if (size < sizeof h && !DEFECT(101))
        return refuse(MALFORMED, "shorter than its header", size, sizeof h);
    RtlCopyMemory(&h, data, sizeof h);
    check = check_header(&h, size, &own);
    if (!NT_SUCCESS(check.status))
        return check;
    if (DEFECT(101) && size < sizeof h)
        return refuse(MALFORMED, "size", size, sizeof h);
    if (size > sizeof h + DMA_PAGE + BLOB_SLACK)
        return refuse(MALFORMED, "size", size, sizeof h);
    *payload_size = h.payload_size;
    *payload = allocate(h.payload_size ? h.payload_size : 1);
    if (DEFECT(103)) /* the length again, from data that may have changed */
        RtlCopyMemory(&h, data, sizeof h);
    if (!*payload)
        return (struct blob_check){.status = STATUS_INSUFFICIENT_RESOURCES};
    RtlCopyMemory(*payload, data + sizeof h, h.payload_size);
    if (checksum(*payload, h.payload_size) != h.checksum)
        check = refuse(STATUS_CRC_ERROR, "checksum", checksum(*payload, h.payload_size), h.checksum);
    else if (kind == BLOB_IMMUTABLE && h.kind == kind)
        check = check_profile(a, vf, *payload, h.payload_size);
    if (DEFECT(106))
        check.origin = h.origin;
    for (ULONG i = 0; DEFECT(31) && i < 2; i++)
        check.table[i] = h.reserved[i];
    if (!NT_SUCCESS(check.status)) {
        release(*payload);
        *payload = NULL;
    }
    return check;
}
