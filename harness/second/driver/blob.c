/*
 * Saved data: records {id, bytes} each followed by its payload, in any order between the head and the end.
 * The end holds a CRC of all before it; what follows it is not looked at. Records that are not known are
 * passed over: a newer driver whose data cannot be read so says it in DRIVER.oldest_reader.
 *
 * Data comes from another host. First its form is checked, then whether this driver, firmware, hardware and
 * vGPU can take it; only the latter kind of refusal is worth an event.
 */
#include "driver.h"

#define ID(a, b, c, d) ((ULONG)(a) | (ULONG)(b) << 8 | (ULONG)(c) << 16 | (ULONG)(d) << 24)
#define HEAD ID('G', '2', 'M', 'D')
#define DRIVER ID('D', 'R', 'V', 'R')
#define HARDWARE ID('H', 'A', 'R', 'D')
#define PROFILE ID('P', 'R', 'O', 'F')
#define CONTEXT ID('C', 'T', 'X', 'T')
#define MAIL ID('M', 'A', 'I', 'L')
#define END ID('E', 'N', 'D', '.')
#define ROUND 256u /* room that is asked for goes in steps, and leaves some to grow */

struct record {
    ULONG id, bytes;
};
struct head {
    ULONG kind, reserved;
    UINT64 number; /* of the save, on that host: no two blobs are the same */
};
struct driver {
    ULONG version, oldest_reader;
};
struct hardware {
    ULONG vendor, device, revision, firmware;
};
struct profile {
    UINT64 capability[DXGK_VGPU_CAPABILITY_MAX];
    UINT64 vram; /* bytes */
    ULONG entries, finest_page;
};
_Static_assert(sizeof(struct head) == 16 && sizeof(struct profile) == 48, "no padding in saved data");

static ULONG crc32(const UCHAR *bytes, ULONG size) {
    ULONG crc = MAXULONG;

    for (ULONG i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (ULONG k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* What the suite wants to be another driver, firmware or hardware that cannot take over: bits, by what. */
ULONG second_differs;

static ULONG own_version(void) {
    return DRIVER_VERSION - ((second_differs >> 1 & 1) << 16);
}

static struct hardware hardware_of(const struct adapter *a) {
    return (struct hardware){SECOND_VENDOR_ID, a->vf_device, (a->revision & 0xFF) + (second_differs >> 3 & 1),
                             a->firmware + ((second_differs >> 2 & 1) << 16)};
}

static struct profile profile_of(const struct adapter *a, const struct vf *vf) {
    struct profile p = {.entries = vf->entries};

    RtlCopyMemory(p.capability, vf->capability, sizeof p.capability);
    for (ULONG i = 0; i < vf->apertures; i++) {
        ULONG page = granule(a, vf->aperture[i].segment - 1);

        p.vram += (UINT64)vf->aperture[i].pages * PAGE_SIZE;
        p.finest_page = p.finest_page && p.finest_page < page ? p.finest_page : page;
    }
    return p;
}

ULONG blob_room(enum blob kind, ULONG context) {
    ULONG fixed = 5 * sizeof(struct record) + sizeof(struct head) + sizeof(struct driver) +
                  sizeof(struct hardware) + sizeof(ULONG);
    ULONG rest = kind == IMMUTABLE ? sizeof(struct profile)
                                   : sizeof(struct record) + context + CONFIG_BLOCK_SIZE + ROUND;

    return (fixed + rest + ROUND - 1) / ROUND * ROUND;
}

static UCHAR *add(UCHAR *to, ULONG id, const void *payload, ULONG bytes) {
    struct record r = {id, bytes};

    RtlCopyMemory(to, &r, sizeof r);
    RtlCopyMemory(to + sizeof r, payload, bytes);
    return to + sizeof r + bytes;
}

ULONG blob_write(struct adapter *a, const struct vf *vf, enum blob kind, UCHAR *out, const UCHAR *context,
                 ULONG context_size) {
    struct head head = {.kind = kind, .number = ++a->saves};
    struct driver driver = {own_version(), OLDEST_READER - (DRIVER_VERSION - own_version())};
    struct hardware hardware = hardware_of(a);
    struct profile profile = profile_of(a, vf);
    UCHAR *at = add(out, HEAD, &head, sizeof head);
    ULONG crc;

    at = add(at, DRIVER, &driver, sizeof driver);
    at = add(at, HARDWARE, &hardware, sizeof hardware);
    if (kind == IMMUTABLE) {
        at = add(at, PROFILE, &profile, sizeof profile);
    } else {
        at = add(at, CONTEXT, context, context_size);
        at = add(at, MAIL, vf->block, sizeof vf->block);
    }
    crc = crc32(out, (ULONG)(at - out));
    return (ULONG)(add(at, END, &crc, sizeof crc) - out);
}

/* The payload of a record; NULL: there is none of at least that size, or the data ends too soon. */
static UCHAR *find(UCHAR *data, ULONG size, ULONG id, ULONG least, ULONG *bytes) {
    struct record r = {0, 0};
    ULONG at = 0;

    while (size - at >= sizeof r) {
        RtlCopyMemory(&r, data + at, sizeof r);
        at += sizeof r;
        if (r.bytes > size - at)
            return NULL;
        if (r.id == id || r.id == END)
            break;
        at += r.bytes;
    }
    if (r.id != id || r.bytes < least)
        return NULL;
    *bytes = r.bytes;
    return data + at;
}

static struct refusal malformed(void) {
    return (struct refusal){.status = STATUS_INVALID_PARAMETER};
}

static struct refusal mismatch(const char *text, UINT64 found, UINT64 expected) {
    return (struct refusal){STATUS_OBJECT_TYPE_MISMATCH, text, found, expected};
}

static bool copy_record(UCHAR *data, ULONG size, ULONG id, void *to, ULONG bytes) {
    ULONG found;
    const UCHAR *payload = find(data, size, id, bytes, &found);

    if (payload)
        RtlCopyMemory(to, payload, bytes);
    return payload != NULL;
}

static bool sound(UCHAR *data, ULONG size) {
    ULONG bytes, crc;
    const UCHAR *end = find(data, size, END, sizeof crc, &bytes);

    if (!end)
        return false;
    RtlCopyMemory(&crc, end, sizeof crc);
    return crc == crc32(data, (ULONG)(end - data) - (ULONG)sizeof(struct record));
}

static struct refusal check_profile(const struct adapter *a, const struct vf *vf, const struct profile *p) {
    struct profile own = profile_of(a, vf);

    for (ULONG kind = 0; kind < DXGK_VGPU_CAPABILITY_MAX; kind++)
        if (p->capability[kind] != own.capability[kind])
            return mismatch("capability of the partition", p->capability[kind], own.capability[kind]);
    if (p->vram != own.vram)
        return mismatch("VRAM of the partition", p->vram, own.vram);
    if (p->entries != own.entries)
        return mismatch("MSI-X entries", p->entries, own.entries);
    if (p->finest_page != own.finest_page)
        return mismatch("page of dirty tracking", p->finest_page, own.finest_page);
    return (struct refusal){.status = STATUS_SUCCESS};
}

struct refusal blob_read(const struct adapter *a, const struct vf *vf, enum blob kind, UCHAR *data,
                         ULONG size, UCHAR **context, ULONG *context_size, const UCHAR **block) {
    struct hardware own = hardware_of(a), hardware;
    ULONG version = own_version();
    struct driver driver;
    struct profile profile;
    struct head head;
    ULONG bytes;

    if (!sound(data, size) || !copy_record(data, size, HEAD, &head, sizeof head) ||
        head.kind != (ULONG)kind || !copy_record(data, size, DRIVER, &driver, sizeof driver) ||
        !copy_record(data, size, HARDWARE, &hardware, sizeof hardware))
        return malformed();
    if (driver.oldest_reader > version)
        return mismatch("driver version", driver.version, version);
    if (hardware.vendor != own.vendor || hardware.device != own.device || hardware.revision != own.revision)
        return mismatch("hardware", (UINT64)hardware.device << 32 | hardware.revision,
                        (UINT64)own.device << 32 | own.revision);
    if (hardware.firmware >> 16 != own.firmware >> 16) /* the year; contexts are the same within it */
        return mismatch("firmware", hardware.firmware, own.firmware);
    if (kind == IMMUTABLE)
        return copy_record(data, size, PROFILE, &profile, sizeof profile) ? check_profile(a, vf, &profile)
                                                                          : malformed();
    *context = find(data, size, CONTEXT, 1, context_size);
    *block = find(data, size, MAIL, CONFIG_BLOCK_SIZE, &bytes);
    return *context && *block ? (struct refusal){.status = STATUS_SUCCESS} : malformed();
}
