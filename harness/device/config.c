/* Configuration space of the PF. */
#include "ops.h"
#include "state.h"

#define SRIOV(offset) (GPU_CFG_SRIOV + (offset))
#define COMMAND_MEMORY 0x0002u /* memory space and bus master: what the OS sets at start */
#define COMMAND_MASTER 0x0004u

static void put(struct gpu *gpu, uint32_t offset, uint32_t value, uint32_t width) {
    gpup_pci_put(gpu->config, offset, value, width);
}

static void put_header(struct gpu *gpu) {
    put(gpu, 0x00, GPU_VENDOR_ID | (uint32_t)GPU_PF_DEVICE_ID << 16, 4);
    put(gpu, GPU_CFG_COMMAND, COMMAND_MEMORY | COMMAND_MASTER | 0x00100000, 4); /* status: capability list */
    put(gpu, 0x08, GPU_REVISION | 0x03020000, 4);                               /* 3D controller */
    put(gpu, 0x2C, GPU_VENDOR_ID | (uint32_t)GPU_PF_DEVICE_ID << 16, 4);
    put(gpu, 0x34, GPU_CFG_PM, 4);
    put(gpu, GPU_CFG_PM, 0x01 | GPU_CFG_PCIE << 8 | 0x0003u << 16, 4);
    put(gpu, GPU_CFG_PMCSR, 0x0008, 4); /* No_Soft_Reset, D0 */
    put(gpu, GPU_CFG_PCIE, 0x10 | GPU_CFG_MSIX << 8 | 0x0002u << 16, 4);
    put(gpu, GPU_CFG_PCIE + 4, 0x8001, 4); /* 256-byte payload, role-based errors */
    put(gpu, GPU_CFG_MSIX, 0x11 | (GPU_PF_MESSAGES - 1 + GPU_MSIX_CONTROL_ENABLE) << 16, 4);
    put(gpu, GPU_CFG_MSIX + 4, 4, 4);          /* table: BAR 4, offset 0 */
    put(gpu, GPU_CFG_MSIX + 8, 0x8000 | 4, 4); /* PBA: BAR 4, offset 0x8000 */
}

static void put_extended(struct gpu *gpu) {
    put(gpu, GPU_CFG_SERIAL, 0x0003 | 1u << 16 | (uint32_t)GPU_CFG_SRIOV << 20, 4);
    put(gpu, GPU_CFG_SERIAL + 4, (uint32_t)gpu->serial, 4);
    put(gpu, GPU_CFG_SERIAL + 8, (uint32_t)(gpu->serial >> 32), 4);
    put(gpu, GPU_CFG_SRIOV, 0x0010 | 1u << 16, 4);
    put(gpu, SRIOV(GPU_SRIOV_INITIAL_VFS), gpu->vfs | gpu->vfs << 16, 4);
    put(gpu, SRIOV(GPU_SRIOV_VF_OFFSET), 8 | 1u << 16, 4);
    put(gpu, SRIOV(GPU_SRIOV_VF_DEVICE), GPU_VF_DEVICE_ID, 2);
    put(gpu, SRIOV(GPU_SRIOV_PAGE_SIZES), 0x553, 4);
    put(gpu, SRIOV(GPU_SRIOV_PAGE_SIZE), 1, 4);
}

void gpu_config_new(struct gpu *gpu, uint32_t host, uint64_t seed) {
    /* Each host has 16 possible windows of 4 GiB; those of two hosts never meet. */
    uint64_t base = host ? 0x3800000000u : 0x2000000000u;
    base += gpu_mix(seed * 2 + host + 1) % 16 << 32;
    put_header(gpu);
    put_extended(gpu);
    gpup_pci_put_bar(gpu->config, GPU_CFG_BAR(0), base, GPUP_PCI_BAR_64);
    gpup_pci_put_bar(gpu->config, GPU_CFG_BAR(2), base + 0x100000, GPUP_PCI_BAR_64);
    gpup_pci_put_bar(gpu->config, GPU_CFG_BAR(4), base + 0x110000, GPUP_PCI_BAR_64);
    gpup_pci_put_bar(gpu->config, SRIOV(GPU_SRIOV_VF_BAR(0)), base + 0x10000000, GPUP_PCI_BAR_64);
    gpup_pci_put_bar(gpu->config, SRIOV(GPU_SRIOV_VF_BAR(2)), base + 0x40000000,
                     GPUP_PCI_BAR_64_PREFETCHABLE);
    gpup_pci_put_bar(gpu->config, SRIOV(GPU_SRIOV_VF_BAR(4)), base + 0x20000000, GPUP_PCI_BAR_64);
}

/* Writable bits of BAR n of a set that starts at `first`; `at` is the dword. */
static uint32_t bar_bits(uint32_t at, uint32_t first, const uint64_t sizes[3]) {
    uint32_t index = (at - first) / 4;
    return index % 2 ? UINT32_MAX : gpup_pci_bar_bits(sizes[index / 2]);
}

static const struct gpup_pci_places places = {GPU_CFG_PM, GPU_CFG_MSIX, GPU_CFG_SRIOV};

static uint32_t writable(const struct gpu *gpu, uint32_t at) {
    static const uint64_t pf[3] = {GPU_PF_BAR0_SIZE, GPU_PF_BAR2_SIZE, GPU_PF_BAR4_SIZE};
    static const uint64_t vf[3] = {GPU_VF_BAR0_SIZE, GPU_VF_BAR2_SIZE, GPU_VF_BAR4_SIZE};
    if (at >= GPU_CFG_BAR(0) && at <= GPU_CFG_BAR(5))
        return bar_bits(at, GPU_CFG_BAR(0), pf);
    if (at >= SRIOV(GPU_SRIOV_VF_BAR(0)) && at <= SRIOV(GPU_SRIOV_VF_BAR(5)))
        return bar_bits(at, SRIOV(GPU_SRIOV_VF_BAR(0)), vf);
    return gpup_pci_writable(gpu->config, &places, at);
}

static void effects(struct gpu *gpu, uint32_t at, uint32_t before, uint32_t after) {
    gpu_changed(gpu, GPUP_PF, GPUP_OBSERVER_config);
    if (at == SRIOV(GPU_SRIOV_CONTROL)) {
        for (uint32_t vf = 0; vf < gpu->vfs && (before & ~after & GPU_SRIOV_CONTROL_VFE) != 0; vf++)
            gpu_vf_gone(gpu, vf);
        gpu_changed_all(gpu, GPUP_OBSERVER_config | GPUP_OBSERVER_schedule);
    }
    if (at == GPU_CFG_MSIX)
        gpu_msix_control(gpu, GPUP_PF, (after >> 16 & GPU_MSIX_CONTROL_ENABLE) != 0,
                         (after >> 16 & GPU_MSIX_CONTROL_FUNCTION_MASK) != 0);
}

/* What the OS puts back (header, BARs) stays; what only the driver knows is gone. */
void gpu_config_power_lost(struct gpu *gpu) {
    put(gpu, SRIOV(GPU_SRIOV_CONTROL), 0, 2);
    put(gpu, SRIOV(GPU_SRIOV_NUM_VFS), 0, 2);
    put(gpu, GPU_CFG_PMCSR, 0x0008, 4);
}

uint32_t gpu_op_config_read(void *device, uint32_t offset, uint32_t width) {
    struct gpu *gpu = device;
    uint32_t value = gpup_pci_read(gpu->removed ? NULL : gpu->config, offset, width);
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, false, GPUP_PF, offset, width, value);
    return value;
}

void gpu_op_config_write(void *device, uint32_t offset, uint32_t width, uint32_t value) {
    struct gpu *gpu = device;
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, true, GPUP_PF, offset, width, value);
    if (gpu->removed || !gpup_pci_proper(offset, width))
        return;
    struct gpup_pci_write write = {offset, width, value};
    struct gpup_pci_part part;
    while (gpup_pci_cut(&write, &part)) {
        uint32_t before = gpup_pci_store(gpu->config, &part, writable(gpu, part.at));
        effects(gpu, part.at, before, gpup_pci_dword(gpu->config, part.at));
    }
}
