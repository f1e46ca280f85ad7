/* The SR-IOV capability of the PF, and where the BARs of VFs lie. */
#include "driver.h"

#define COMMAND_ENABLE 0x0006u /* memory decoding, bus mastering */
#define CFG_REVISION 0x08u
#define BAR_64 0x4u
#define BAR_TYPE 0xFu
#define AT(offset) (SECOND_CFG_SRIOV + (offset))

static NTSTATUS transfer(struct adapter *a, bool write, ULONG offset, void *data, ULONG length) {
    ULONG done = 0;
    NTSTATUS status = write ? a->os.DxgkCbWriteDeviceSpace(a->os.DeviceHandle, DXGK_WHICHSPACE_CONFIG, data,
                                                           offset, length, &done)
                            : a->os.DxgkCbReadDeviceSpace(a->os.DeviceHandle, DXGK_WHICHSPACE_CONFIG, data,
                                                          offset, length, &done);

    return NT_SUCCESS(status) && done != length ? STATUS_DEVICE_NOT_CONNECTED : status;
}

static NTSTATUS read16(struct adapter *a, ULONG offset, USHORT *value) {
    return transfer(a, false, offset, value, sizeof *value);
}

static NTSTATUS write16(struct adapter *a, ULONG offset, ULONG value) {
    USHORT word = (USHORT)value;

    return transfer(a, true, offset, &word, sizeof word);
}

static NTSTATUS write32(struct adapter *a, ULONG offset, ULONG value) {
    return transfer(a, true, offset, &value, sizeof value);
}

NTSTATUS bus_wake(struct adapter *a) {
    USHORT command = 0;
    NTSTATUS status = read16(a, SECOND_CFG_COMMAND, &command);

    return NT_SUCCESS(status) ? write16(a, SECOND_CFG_COMMAND, command | COMMAND_ENABLE) : status;
}

/* All ones written, what reads back is NOT(size - 1) with the type. No VF is enabled meanwhile. */
static NTSTATUS probe(struct adapter *a, ULONG bar) {
    ULONG at = AT(SECOND_SRIOV_VF_BAR(bar));
    NTSTATUS status = transfer(a, false, at, &a->vf_bar[bar], sizeof(ULONG));

    if (NT_SUCCESS(status))
        status = write32(a, at, MAXULONG);
    if (NT_SUCCESS(status))
        status = transfer(a, false, at, &a->vf_probe[bar], sizeof(ULONG));
    if (NT_SUCCESS(status))
        status = write32(a, at, a->vf_bar[bar]);
    return status;
}

NTSTATUS bus_probe(struct adapter *a) {
    USHORT total = 0;
    NTSTATUS status = write16(a, AT(SECOND_SRIOV_CONTROL), 0);

    for (ULONG bar = 0; bar < DXGK_MAX_NUM_PCI_BARS && NT_SUCCESS(status); bar++)
        status = probe(a, bar);
    if (NT_SUCCESS(status))
        status = transfer(a, false, CFG_REVISION, &a->revision, sizeof a->revision);
    if (NT_SUCCESS(status))
        status = read16(a, AT(SECOND_SRIOV_TOTAL_VFS), &total);
    if (NT_SUCCESS(status))
        status = read16(a, AT(SECOND_SRIOV_VF_OFFSET), &a->vf_offset);
    if (NT_SUCCESS(status))
        status = read16(a, AT(SECOND_SRIOV_VF_STRIDE), &a->vf_stride);
    if (NT_SUCCESS(status))
        status = read16(a, AT(SECOND_SRIOV_VF_DEVICE), &a->vf_device);
    a->total_vfs = total;
    if (NT_SUCCESS(status) && (total == 0 || total > SECOND_MAX_VFS))
        status = STATUS_DEVICE_NOT_READY;
    return status;
}

NTSTATUS bus_cut(struct adapter *a, ULONG vfs) {
    NTSTATUS status = write16(a, AT(SECOND_SRIOV_CONTROL), 0);

    for (ULONG bar = 0; vfs && bar < DXGK_MAX_NUM_PCI_BARS && NT_SUCCESS(status); bar++)
        status = write32(a, AT(SECOND_SRIOV_VF_BAR(bar)), a->vf_bar[bar]);
    if (NT_SUCCESS(status))
        status = write16(a, AT(SECOND_SRIOV_NUM_VFS), vfs);
    if (NT_SUCCESS(status) && vfs)
        status = write16(a, AT(SECOND_SRIOV_CONTROL), SECOND_SRIOV_CONTROL_VFE | SECOND_SRIOV_CONTROL_MSE);
    return status;
}

/* The upper half of a 64-bit BAR is no BAR. */
static bool is_upper(const struct adapter *a, ULONG bar) {
    bool upper = false;

    for (ULONG i = 0; i < bar; i++)
        upper = !upper && (a->vf_probe[i] & BAR_64);
    return upper;
}

static UINT64 whole(const struct adapter *a, const ULONG *values, ULONG bar, ULONG upper_if_short) {
    bool wide = (a->vf_probe[bar] & BAR_64) && bar + 1 < DXGK_MAX_NUM_PCI_BARS;

    return (values[bar] & ~BAR_TYPE) | (UINT64)(wide ? values[bar + 1] : upper_if_short) << 32;
}

UINT64 bar_size(const struct adapter *a, ULONG bar) {
    if (bar >= DXGK_MAX_NUM_PCI_BARS || !a->vf_probe[bar] || is_upper(a, bar))
        return 0;
    return ~whole(a, a->vf_probe, bar, MAXULONG) + 1;
}

UINT64 bar_address(const struct adapter *a, ULONG vf, ULONG bar) {
    return whole(a, a->vf_bar, bar, 0) + vf * bar_size(a, bar);
}
