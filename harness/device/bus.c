/* Memory accesses over the bus: logged as they come, then given to whatever answers there. */
#include "ops.h"
#include "state.h"

static uint32_t region(const struct gpu_place *place) {
    return (place->vf == GPUP_PF ? GPUP_REGION_PF_BAR0 : GPUP_REGION_VF_BAR0) + place->bar / 2;
}

static void log_mmio(struct gpu *gpu, bool write, const struct gpu_place *place, uint32_t width,
                     uint64_t value) {
    if (gpu->log.mmio)
        gpu->log.mmio(gpu->log.context, write, region(place), place->vf, place->offset, width, value);
}

/* Whether the function behind a BAR answers at all. */
static bool answers(const struct gpu *gpu, const struct gpu_place *place) {
    uint32_t control = gpu_config_dword(gpu, GPU_CFG_SRIOV + GPU_SRIOV_CONTROL);
    if (gpu->removed || (gpu_config_dword(gpu, GPU_CFG_PMCSR) & 3) != 0)
        return false;
    if (place->vf == GPUP_PF)
        return (gpu_config_dword(gpu, GPU_CFG_COMMAND) & 2) != 0;
    return (control & GPU_SRIOV_CONTROL_MSE) != 0 && gpu_vf_exists(gpu, place->vf) &&
           gpu->vf[place->vf].powered;
}

enum area { AREA_TABLE, AREA_PBA, AREA_REGISTERS };

/* MSI-X table, PBA or registers; *offset becomes relative to the table or PBA. */
static enum area area_of(struct gpu *gpu, const struct gpu_place *place, uint64_t *offset) {
    bool pf = place->vf == GPUP_PF;
    uint64_t table = pf ? 0 : gpu->msix_offset, pba = pf ? 0x8000 : gpu->pba_offset;
    uint64_t entries = gpu_msix_of(gpu, place->vf)->entries;
    *offset = place->offset;
    if (place->bar != (pf ? 4 : gpu->msix_bar))
        return AREA_REGISTERS;
    if (place->offset - table < entries * GPU_MSIX_ENTRY) {
        *offset = place->offset - table;
        return AREA_TABLE;
    }
    if (place->offset - pba < (entries + 63) / 64 * 8) {
        *offset = place->offset - pba;
        return AREA_PBA;
    }
    return AREA_REGISTERS;
}

static uint32_t register_read(struct gpu *gpu, const struct gpu_place *place, uint64_t offset) {
    if (place->vf != GPUP_PF)
        return gpu_vf_register_read(gpu, place->vf, place->bar, offset);
    return place->bar == 0 ? gpu_pf_read(gpu, (uint32_t)offset) : 0;
}

static void register_write(struct gpu *gpu, const struct gpu_place *place, uint64_t offset, uint32_t value) {
    if (place->vf != GPUP_PF)
        gpu_vf_register_write(gpu, place->vf, place->bar, offset, value);
    else if (place->bar == 0)
        gpu_pf_write(gpu, (uint32_t)offset, value);
}

/* Reads have no side effects, so any width is put together from words. */
static uint64_t registers_read(struct gpu *gpu, const struct gpu_place *place, uint32_t width) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < width;) {
        uint64_t at = place->offset + i;
        uint32_t word = register_read(gpu, place, at & ~3ull) >> (at % 4 * 8);
        uint32_t bytes = 4 - at % 4 < width - i ? (uint32_t)(4 - at % 4) : width - i;
        value |= (word & gpup_pci_ones(bytes)) << (8 * i);
        i += bytes;
    }
    return value;
}

/* Registers take whole aligned words; anything else is lost. */
static void registers_write(struct gpu *gpu, const struct gpu_place *place, uint32_t width, uint64_t value) {
    if ((place->offset & (width - 1)) != 0 || width < 4)
        return;
    register_write(gpu, place, place->offset, (uint32_t)value);
    if (width == 8)
        register_write(gpu, place, place->offset + 4, (uint32_t)(value >> 32));
}

static bool in_aperture(const struct gpu *gpu, const struct gpu_place *place) {
    return place->vf == GPUP_PF && place->bar == 0 && place->offset >= GPU_REG_VF_CONFIG(0) &&
           place->offset < (uint64_t)GPU_REG_VF_CONFIG(gpu->vfs);
}

static bool proper(const struct gpu_place *place, uint32_t width) {
    return (width == 1 || width == 2 || width == 4 || width == 8) && width <= place->left;
}

uint64_t gpu_op_bus_read(void *device, uint64_t physical, uint32_t width) {
    struct gpu *gpu = device;
    struct gpu_place place;
    uint64_t value = gpup_pci_ones(width), offset;
    if (!gpu_bar_find(gpu, physical, &place) || !proper(&place, width))
        return value;
    if (answers(gpu, &place)) {
        if (in_aperture(gpu, &place))
            return gpu_vfconfig_read(gpu, (uint32_t)(place.offset - GPU_REG_VF_CONFIG(0)) / GPUP_PCI_SPACE,
                                     place.offset % GPUP_PCI_SPACE, width);
        switch (area_of(gpu, &place, &offset)) {
        case AREA_TABLE:
            value = gpu_msix_read(gpu_msix_of(gpu, place.vf), offset, width);
            break;
        case AREA_PBA:
            value = gpu_msix_read_pba(gpu_msix_of(gpu, place.vf), offset, width);
            break;
        default:
            value = registers_read(gpu, &place, width);
            break;
        }
    }
    log_mmio(gpu, false, &place, width, value);
    return value;
}

void gpu_op_bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    struct gpu *gpu = device;
    struct gpu_place place;
    uint64_t offset;
    if (!gpu_bar_find(gpu, physical, &place) || !proper(&place, width))
        return;
    value &= gpup_pci_ones(width);
    bool alive = answers(gpu, &place);
    if (alive && in_aperture(gpu, &place)) {
        gpu_vfconfig_write(gpu, (uint32_t)(place.offset - GPU_REG_VF_CONFIG(0)) / GPUP_PCI_SPACE,
                           place.offset % GPUP_PCI_SPACE, width, value);
        return;
    }
    enum area area = area_of(gpu, &place, &offset);
    if (area == AREA_REGISTERS) {
        log_mmio(gpu, true, &place, width, value);
        if (alive)
            registers_write(gpu, &place, width, value);
        return;
    }
    if (gpu->log.table)
        gpu->log.table(gpu->log.context, place.vf, area, offset, width, value, alive);
    if (alive && area == AREA_TABLE)
        gpu_msix_write(gpu, place.vf, offset, width, value);
}
