/* Registers and configuration spaces: of the PF through Dxgkrnl, of VFs through the aperture in BAR0. */
#include "driver.h"

#define BAR_TYPE_BITS 0xFu

static volatile ULONG *reg(const struct adapter *a, ULONG offset) {
    return (volatile ULONG *)(volatile void *)(a->bar0 + offset);
}

ULONG read32(const struct adapter *a, ULONG offset) {
    return READ_REGISTER_ULONG(reg(a, offset));
}

void write32(const struct adapter *a, ULONG offset, ULONG value) {
    WRITE_REGISTER_ULONG(reg(a, offset), value);
}

ULONG vf_config(const struct adapter *a, ULONG vf, ULONG offset) {
    return read32(a, GPU_REG_VF_CONFIG(vf) + offset);
}

NTSTATUS config_read(struct adapter *a, ULONG offset, void *data, ULONG length) {
    ULONG done;
    NTSTATUS status = a->dxgkrnl.DxgkCbReadDeviceSpace(a->dxgkrnl.DeviceHandle, DXGK_WHICHSPACE_CONFIG, data,
                                                       offset, length, &done);

    return NT_SUCCESS(status) && done != length ? STATUS_DEVICE_NOT_CONNECTED : status;
}

NTSTATUS config_write(struct adapter *a, ULONG offset, const void *data, ULONG length) {
    ULONG done;
    NTSTATUS status = a->dxgkrnl.DxgkCbWriteDeviceSpace(a->dxgkrnl.DeviceHandle, DXGK_WHICHSPACE_CONFIG,
                                                        (PVOID)(ULONG_PTR)data, offset, length, &done);

    return NT_SUCCESS(status) && done != length ? STATUS_DEVICE_NOT_CONNECTED : status;
}

/* The size of a VF BAR shows when all ones are written; no VF is enabled at that time. */
static NTSTATUS probe_bar(struct adapter *a, ULONG bar) {
    ULONG at = GPU_CFG_SRIOV + GPU_SRIOV_VF_BAR(bar), ones = MAXULONG;
    NTSTATUS status = config_read(a, at, &a->sriov.bar[bar], sizeof(ULONG));

    if (!NT_SUCCESS(status))
        return status;
    status = config_write(a, at, &ones, sizeof ones);
    if (NT_SUCCESS(status))
        status = config_read(a, at, &a->sriov.probe[bar], sizeof(ULONG));
    if (NT_SUCCESS(status))
        status = config_write(a, at, &a->sriov.bar[bar], sizeof(ULONG));
    return status;
}

NTSTATUS bus_probe(struct adapter *a) {
    NTSTATUS status =
        config_read(a, GPU_CFG_SRIOV + GPU_SRIOV_TOTAL_VFS, &a->sriov.total_vfs, sizeof a->sriov.total_vfs);

    if (NT_SUCCESS(status))
        status =
            config_read(a, GPU_CFG_SRIOV + GPU_SRIOV_VF_OFFSET, &a->sriov.offset, sizeof a->sriov.offset);
    if (NT_SUCCESS(status))
        status =
            config_read(a, GPU_CFG_SRIOV + GPU_SRIOV_VF_STRIDE, &a->sriov.stride, sizeof a->sriov.stride);
    if (NT_SUCCESS(status))
        status =
            config_read(a, GPU_CFG_SRIOV + GPU_SRIOV_VF_DEVICE, &a->sriov.device, sizeof a->sriov.device);
    for (ULONG bar = 0; NT_SUCCESS(status) && bar < DXGK_MAX_NUM_PCI_BARS; bar++)
        status = probe_bar(a, bar);
    return NT_SUCCESS(status) && a->sriov.total_vfs > GPU_MAX_VFS ? STATUS_DEVICE_NOT_READY : status;
}

NTSTATUS bus_enable_vfs(struct adapter *a, ULONG vfs) {
    USHORT control = 0, count = (USHORT)vfs;
    NTSTATUS status = config_write(a, GPU_CFG_SRIOV + GPU_SRIOV_CONTROL, &control, sizeof control);

    if (!NT_SUCCESS(status) || vfs == 0)
        return status;
    control = GPU_SRIOV_CONTROL_VFE | GPU_SRIOV_CONTROL_MSE;
    if (NT_SUCCESS(status))
        status = config_write(a, GPU_CFG_SRIOV + GPU_SRIOV_NUM_VFS, &count, sizeof count);
    if (NT_SUCCESS(status))
        status = config_write(a, GPU_CFG_SRIOV + GPU_SRIOV_CONTROL, &control, sizeof control);
    return status;
}

/* All BARs of the part have 64 bits: a pair of registers, of which the first names it. */
UINT64 vf_bar_size(const struct adapter *a, ULONG bar) {
    UINT64 mask;

    if (bar % 2 != 0 || bar >= DXGK_MAX_NUM_PCI_BARS)
        return 0;
    mask = (a->sriov.probe[bar] & ~BAR_TYPE_BITS) | (UINT64)a->sriov.probe[bar + 1] << 32;
    return ~mask + 1;
}

/* Of a BAR that there is. */
UINT64 vf_bar_address(const struct adapter *a, ULONG vf, ULONG bar) {
    return ((a->sriov.bar[bar] & ~BAR_TYPE_BITS) | (UINT64)a->sriov.bar[bar + 1] << 32) +
           vf * vf_bar_size(a, bar);
}
