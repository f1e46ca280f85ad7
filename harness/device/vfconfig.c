/* Configuration spaces of the VFs: made up on each read from the little state they have. */
#include "state.h"

#define PCIE_FLR 0x10000000u /* device capabilities: function level reset */

uint32_t gpu_vfconfig_dword(const struct gpu *gpu, uint32_t vf, uint32_t offset) {
    const struct gpu_vf *v = &gpu->vf[vf];
    if (!gpu_vf_exists(gpu, vf))
        return UINT32_MAX;
    switch (offset) {
    case 0x00: /* vendor and device id stand in the PF, as SR-IOV has it */
        return UINT32_MAX;
    case GPU_VFCFG_COMMAND:
        return v->command | 0x00100000u;
    case 0x08:
        return GPU_REVISION | 0x03020000;
    case 0x2C:
        return GPU_VENDOR_ID | (uint32_t)GPU_PF_DEVICE_ID << 16;
    case 0x34:
        return GPU_VFCFG_PCIE;
    case GPU_VFCFG_PCIE:
        return 0x10 | GPU_VFCFG_MSIX << 8 | 0x0002u << 16;
    case GPU_VFCFG_PCIE + 4:
        return 0x8001 | PCIE_FLR;
    case GPU_VFCFG_MSIX:
        return 0x11 | (uint32_t)(v->msix.entries - 1) << 16 |
               (v->msix.enable ? (uint32_t)GPU_MSIX_CONTROL_ENABLE << 16 : 0) |
               (v->msix.function_mask ? (uint32_t)GPU_MSIX_CONTROL_FUNCTION_MASK << 16 : 0);
    case GPU_VFCFG_MSIX + 4:
        return gpu->msix_offset | gpu->msix_bar;
    case GPU_VFCFG_MSIX + 8:
        return gpu->pba_offset | gpu->msix_bar;
    default:
        return 0;
    }
}

uint64_t gpu_vfconfig_read(struct gpu *gpu, uint32_t vf, uint32_t offset, uint32_t width) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        uint64_t byte = 0xFF;
        if (offset + i < GPUP_PCI_SPACE)
            byte = gpu_vfconfig_dword(gpu, vf, (offset + i) & ~3u) >> ((offset + i) % 4 * 8) & 0xFF;
        value |= byte << (8 * i);
    }
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, false, vf, offset, width, value);
    return value;
}

static void write_dword(struct gpu *gpu, uint32_t vf, const struct gpup_pci_part *part) {
    struct gpu_vf *v = &gpu->vf[vf];
    uint32_t value = (gpu_vfconfig_dword(gpu, vf, part->at) & ~part->mask) | (part->value & part->mask);
    switch (part->at) {
    case GPU_VFCFG_COMMAND:
        v->command = (uint16_t)(value & 0x4);
        gpu_changed(gpu, vf, GPUP_OBSERVER_config);
        break;
    case GPU_VFCFG_DEVICE_CONTROL:
        if (value & 0x8000) {
            gpu_vf_reset(gpu, vf);
            gpu_sched_kick(gpu, vf);
        }
        break;
    case GPU_VFCFG_MSIX:
        gpu_msix_control(gpu, vf, (value >> 16 & GPU_MSIX_CONTROL_ENABLE) != 0,
                         (value >> 16 & GPU_MSIX_CONTROL_FUNCTION_MASK) != 0);
        break;
    default:
        break;
    }
}

void gpu_vfconfig_write(struct gpu *gpu, uint32_t vf, uint32_t offset, uint32_t width, uint64_t value) {
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, true, vf, offset, width, value);
    if (!gpu_vf_exists(gpu, vf))
        return;
    uint32_t room = GPUP_PCI_SPACE - offset;
    struct gpup_pci_write write = {offset, width < room ? width : room, value};
    struct gpup_pci_part part;
    while (gpup_pci_cut(&write, &part))
        write_dword(gpu, vf, &part);
}
