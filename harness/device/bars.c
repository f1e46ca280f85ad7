/* Which function and BAR a physical address belongs to. */
#include "ops.h"
#include "state.h"

static const uint64_t pf_sizes[3] = {GPU_PF_BAR0_SIZE, GPU_PF_BAR2_SIZE, GPU_PF_BAR4_SIZE};
static const uint64_t vf_sizes[3] = {GPU_VF_BAR0_SIZE, GPU_VF_BAR2_SIZE, GPU_VF_BAR4_SIZE};

bool gpu_bar_find(const struct gpu *gpu, uint64_t physical, struct gpu_place *place) {
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t at = physical - gpup_pci_bar(gpu->config, GPU_CFG_BAR(2 * i));
        if (at < pf_sizes[i]) {
            *place = (struct gpu_place){GPUP_PF, 2 * i, at, pf_sizes[i] - at};
            return true;
        }
        at = physical - gpup_pci_bar(gpu->config, GPU_CFG_SRIOV + GPU_SRIOV_VF_BAR(2 * i));
        if (at < vf_sizes[i] * gpu->vfs) {
            uint64_t offset = at % vf_sizes[i];
            *place = (struct gpu_place){(uint32_t)(at / vf_sizes[i]), 2 * i, offset, vf_sizes[i] - offset};
            return true;
        }
    }
    return false;
}

bool gpu_op_bar(void *device, unsigned index, uint64_t *physical, uint64_t *size) {
    struct gpu *gpu = device;
    if (index > 4 || index % 2 != 0)
        return false;
    *physical = gpup_pci_bar(gpu->config, GPU_CFG_BAR(index));
    *size = pf_sizes[index / 2];
    return true;
}

/* A range may span several VFs: their BARs lie side by side. */
bool gpu_op_claims(void *device, uint64_t physical, uint64_t size) {
    struct gpu *gpu = device;
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t pf = physical - gpup_pci_bar(gpu->config, GPU_CFG_BAR(2 * i));
        uint64_t vf = physical - gpup_pci_bar(gpu->config, GPU_CFG_SRIOV + GPU_SRIOV_VF_BAR(2 * i));
        if (gpu_inside(pf, size, pf_sizes[i]) || gpu_inside(vf, size, vf_sizes[i] * gpu->vfs))
            return size != 0;
    }
    return false;
}
