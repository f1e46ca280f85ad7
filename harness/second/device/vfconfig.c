/* Configuration spaces of the VFs: made up on each read from the little state they have. */
#include "state.h"

#define PCIE_FLR 0x10000000u /* device capabilities: function level reset */

/* Of a function that exists. */
static uint32_t dword(const struct sgpu_function *f, uint32_t offset) {
    switch (offset) {
    case 0x00: /* vendor and device id stand in the PF, as SR-IOV has it */
        return UINT32_MAX;
    case SECOND_VFCFG_COMMAND:
        return f->command | 0x00100000u;
    case 0x08:
        return SECOND_REVISION | 0x03000000;
    case 0x2C:
        return SECOND_VENDOR_ID | 0x00010000;
    case 0x34:
        return SECOND_VFCFG_MSIX;
    case SECOND_VFCFG_MSIX:
        return 0x11 | SECOND_VFCFG_PCIE << 8 | (SECOND_MSIX_ENTRIES - 1) << 16 |
               (f->msix.enable ? (uint32_t)SECOND_MSIX_CONTROL_ENABLE << 16 : 0) |
               (f->msix.function_mask ? (uint32_t)SECOND_MSIX_CONTROL_FUNCTION_MASK << 16 : 0);
    case SECOND_VFCFG_MSIX + 4:
        return SECOND_MSIX_TABLE_OFFSET | SECOND_MSIX_TABLE_BAR;
    case SECOND_VFCFG_MSIX + 8:
        return SECOND_MSIX_PBA_OFFSET | SECOND_MSIX_PBA_BAR;
    case SECOND_VFCFG_PCIE:
        return 0x10 | 0x0002u << 16;
    case SECOND_VFCFG_PCIE + 4:
        return 0x8002 | PCIE_FLR;
    default:
        return 0;
    }
}

uint32_t sgpu_vfconfig(const struct sgpu *gpu, uint32_t vf, uint32_t offset) {
    return sgpu_vf_exists(gpu, vf) ? dword(&gpu->function[vf], offset) : UINT32_MAX;
}

void sgpu_vfconfig_space(const struct sgpu *gpu, uint32_t vf, uint8_t space[GPUP_PCI_SPACE]) {
    bool there = sgpu_vf_exists(gpu, vf);
    memset(space, there ? 0 : 0xFF, GPUP_PCI_SPACE);
    for (uint32_t at = 0; there && at < SECOND_VFCFG_END; at += 4)
        gpup_pci_put(space, at, dword(&gpu->function[vf], at), 4);
}

/* `mask` has ones in the bytes that are written. */
void sgpu_vfconfig_write(struct sgpu *gpu, uint32_t vf, uint32_t offset, uint32_t value, uint32_t mask) {
    if (!sgpu_vf_exists(gpu, vf))
        return;
    value = (sgpu_vfconfig(gpu, vf, offset) & ~mask) | (value & mask);
    switch (offset) {
    case SECOND_VFCFG_COMMAND:
        gpu->function[vf].command = (uint16_t)(value & 0x4);
        sgpu_changed(gpu, vf, GPUP_OBSERVER_config);
        break;
    case SECOND_VFCFG_MSIX:
        sgpu_msix_control(gpu, vf, (value >> 16 & SECOND_MSIX_CONTROL_ENABLE) != 0,
                          (value >> 16 & SECOND_MSIX_CONTROL_FUNCTION_MASK) != 0);
        break;
    case SECOND_VFCFG_DEVICE_CONTROL:
        if (value & 0x8000)
            sgpu_vf_flr(gpu, vf);
        break;
    default:
        break;
    }
}
