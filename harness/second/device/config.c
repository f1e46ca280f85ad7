/* Configuration space of the PF. */
#include "ops.h"
#include "state.h"

#define SRIOV(offset) (SECOND_CFG_SRIOV + (offset))
#define COMMAND_ON 0x0006u /* memory space and bus master: what the OS sets at start */

static void put(struct sgpu *gpu, uint32_t offset, uint32_t value, uint32_t width) {
    gpup_pci_put(gpu->config, offset, value, width);
}

static void put_header(struct sgpu *gpu) {
    put(gpu, 0x00, SECOND_VENDOR_ID | (uint32_t)SECOND_PF_DEVICE_ID << 16, 4);
    put(gpu, SECOND_CFG_COMMAND, COMMAND_ON | 0x00100000, 4); /* status: capability list */
    put(gpu, 0x08, SECOND_REVISION | 0x03000000, 4);          /* VGA controller */
    put(gpu, 0x2C, SECOND_VENDOR_ID | 0x00010000, 4);
    put(gpu, 0x34, SECOND_CFG_PCIE, 1);
    put(gpu, SECOND_CFG_PCIE, 0x10 | SECOND_CFG_MSIX << 8 | 0x0002u << 16, 4);
    put(gpu, SECOND_CFG_PCIE + 4, 0x8002, 4); /* 512-byte payload, role-based errors */
    put(gpu, SECOND_CFG_MSIX,
        0x11 | SECOND_CFG_PM << 8 | (SECOND_PF_MESSAGES - 1 + SECOND_MSIX_CONTROL_ENABLE) << 16, 4);
    put(gpu, SECOND_CFG_MSIX + 4, 0, 4);      /* table: BAR 0, offset 0 */
    put(gpu, SECOND_CFG_MSIX + 8, 0x8000, 4); /* PBA: BAR 0 */
    put(gpu, SECOND_CFG_PM, 0x01 | 0x0003u << 16, 4);
    put(gpu, SECOND_CFG_PMCSR, 0x0008, 4); /* No_Soft_Reset, D0 */
}

static void put_extended(struct sgpu *gpu) {
    put(gpu, SECOND_CFG_SRIOV, 0x0010 | 1u << 16 | (uint32_t)SECOND_CFG_SERIAL << 20, 4);
    put(gpu, SRIOV(SECOND_SRIOV_INITIAL_VFS), gpu->vfs | gpu->vfs << 16, 4);
    put(gpu, SRIOV(SECOND_SRIOV_VF_OFFSET), 4 | 2u << 16, 4); /* and the stride */
    put(gpu, SRIOV(SECOND_SRIOV_VF_DEVICE), SECOND_VF_DEVICE_ID, 2);
    put(gpu, SRIOV(SECOND_SRIOV_PAGE_SIZES), 0x553, 4);
    put(gpu, SRIOV(SECOND_SRIOV_PAGE_SIZE), 1, 4);
    put(gpu, SECOND_CFG_SERIAL, 0x0003 | 1u << 16, 4);
    put(gpu, SECOND_CFG_SERIAL + 4, (uint32_t)gpu->serial, 4);
    put(gpu, SECOND_CFG_SERIAL + 8, (uint32_t)(gpu->serial >> 32), 4);
}

void sgpu_config_new(struct sgpu *gpu, uint32_t host, uint64_t seed) {
    /* 16 possible places a host; those of two hosts never meet. */
    uint64_t place = sgpu_mix(seed * 2 + host + 1) % 16;
    uint64_t high = (host ? 0x6000000000u : 0x4000000000u) + (place << 32);
    uint64_t low = (host ? 0xD0000000u : 0xC0000000u) + (place << 24);
    put_header(gpu);
    put_extended(gpu);
    gpup_pci_put_bar(gpu->config, SECOND_CFG_BAR(0), low, GPUP_PCI_BAR_32);
    gpup_pci_put_bar(gpu->config, SECOND_CFG_BAR(2), high, GPUP_PCI_BAR_64_PREFETCHABLE);
    gpup_pci_put_bar(gpu->config, SRIOV(SECOND_SRIOV_VF_BAR(0)), high + 0x08000000, GPUP_PCI_BAR_64);
    gpup_pci_put_bar(gpu->config, SRIOV(SECOND_SRIOV_VF_BAR(2)), low + 0x100000, GPUP_PCI_BAR_32);
    gpup_pci_put_bar(gpu->config, SRIOV(SECOND_SRIOV_VF_BAR(4)), high + 0x10000000,
                     GPUP_PCI_BAR_64_PREFETCHABLE);
}

static const struct gpup_pci_places places = {SECOND_CFG_PM, SECOND_CFG_MSIX, SECOND_CFG_SRIOV};

static uint32_t writable(const struct sgpu *gpu, uint32_t at) {
    switch (at) {
    case SECOND_CFG_BAR(0):
        return gpup_pci_bar_bits(SECOND_PF_BAR0_SIZE);
    case SECOND_CFG_BAR(2):
        return gpup_pci_bar_bits(SECOND_PF_BAR2_SIZE);
    case SRIOV(SECOND_SRIOV_VF_BAR(0)):
        return gpup_pci_bar_bits(SECOND_VF_BAR0_SIZE);
    case SRIOV(SECOND_SRIOV_VF_BAR(2)):
        return gpup_pci_bar_bits(SECOND_VF_BAR2_SIZE);
    case SRIOV(SECOND_SRIOV_VF_BAR(4)):
        return gpup_pci_bar_bits(SECOND_VF_BAR4_SIZE);
    case SECOND_CFG_BAR(3): /* high halves */
    case SRIOV(SECOND_SRIOV_VF_BAR(1)):
    case SRIOV(SECOND_SRIOV_VF_BAR(5)):
        return UINT32_MAX;
    default:
        return gpup_pci_writable(gpu->config, &places, at);
    }
}

static void effects(struct sgpu *gpu, uint32_t at, uint32_t before, uint32_t after) {
    sgpu_changed(gpu, GPUP_PF, GPUP_OBSERVER_config);
    if (at == SRIOV(SECOND_SRIOV_CONTROL)) {
        for (uint32_t vf = 0; vf < gpu->vfs && (before & ~after & SECOND_SRIOV_CONTROL_VFE) != 0; vf++)
            sgpu_vf_gone(gpu, vf);
        sgpu_changed_all(gpu, GPUP_OBSERVER_config | GPUP_OBSERVER_schedule);
    }
    if (at == SECOND_CFG_MSIX)
        sgpu_msix_control(gpu, GPUP_PF, (after >> 16 & SECOND_MSIX_CONTROL_ENABLE) != 0,
                          (after >> 16 & SECOND_MSIX_CONTROL_FUNCTION_MASK) != 0);
}

/* What the OS puts back (header, BARs) stays; what only the driver knows is gone. */
void sgpu_config_power_lost(struct sgpu *gpu) {
    put(gpu, SRIOV(SECOND_SRIOV_CONTROL), 0, 2);
    put(gpu, SRIOV(SECOND_SRIOV_NUM_VFS), 0, 2);
    put(gpu, SECOND_CFG_PMCSR, 0x0008, 4);
    put(gpu, SECOND_CFG_MSIX + 2, SECOND_PF_MESSAGES - 1 + SECOND_MSIX_CONTROL_ENABLE, 2);
}

uint32_t sgpu_op_config_read(void *device, uint32_t offset, uint32_t width) {
    struct sgpu *gpu = device;
    uint32_t value = gpup_pci_read(gpu->removed ? NULL : gpu->config, offset, width);
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, false, GPUP_PF, offset, width, value);
    return value;
}

void sgpu_op_config_write(void *device, uint32_t offset, uint32_t width, uint32_t value) {
    struct sgpu *gpu = device;
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
