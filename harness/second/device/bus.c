/* Memory accesses over the bus: found, logged as they come, then given to whatever answers there. */
#include "ops.h"
#include "state.h"
#include <string.h>

static const struct bar {
    uint32_t number, config; /* place of its register */
    bool vf;
    uint64_t size;
} bars[] = {
    {0, SECOND_CFG_BAR(0), false, SECOND_PF_BAR0_SIZE},
    {2, SECOND_CFG_BAR(2), false, SECOND_PF_BAR2_SIZE},
    {0, SECOND_CFG_SRIOV + SECOND_SRIOV_VF_BAR(0), true, SECOND_VF_BAR0_SIZE},
    {2, SECOND_CFG_SRIOV + SECOND_SRIOV_VF_BAR(2), true, SECOND_VF_BAR2_SIZE},
    {4, SECOND_CFG_SRIOV + SECOND_SRIOV_VF_BAR(4), true, SECOND_VF_BAR4_SIZE},
};
#define BARS (sizeof(bars) / sizeof(bars[0]))

struct place {
    uint32_t vf, bar;
    uint64_t offset, left; /* left: bytes to the end of this BAR */
};

static uint64_t base_of(const struct sgpu *gpu, const struct bar *bar) {
    return gpup_pci_bar(gpu->config, bar->config);
}

static uint64_t extent(const struct sgpu *gpu, const struct bar *bar) {
    return bar->vf ? bar->size * gpu->vfs : bar->size;
}

static bool find(const struct sgpu *gpu, uint64_t physical, uint32_t width, struct place *place) {
    for (uint32_t i = 0; i < BARS; i++) {
        uint64_t at = physical - base_of(gpu, &bars[i]), size = bars[i].size;
        if (at >= extent(gpu, &bars[i]))
            continue;
        *place = (struct place){bars[i].vf ? (uint32_t)(at / size) : GPUP_PF, bars[i].number, at % size,
                                size - at % size};
        return (width == 1 || width == 2 || width == 4 || width == 8) && width <= place->left;
    }
    return false;
}

bool sgpu_op_bar(void *device, unsigned index, uint64_t *physical, uint64_t *size) {
    if (index != 0 && index != 2)
        return false;
    *physical = base_of(device, &bars[index / 2]);
    *size = bars[index / 2].size;
    return true;
}

/* A range may span several VFs: their BARs lie side by side. */
bool sgpu_op_claims(void *device, uint64_t physical, uint64_t size) {
    const struct sgpu *gpu = device;
    for (uint32_t i = 0; i < BARS; i++)
        if (sgpu_inside(physical - base_of(gpu, &bars[i]), size, extent(gpu, &bars[i])))
            return size != 0;
    return false;
}

/* Whether the function behind a BAR answers at all. */
static bool answers(const struct sgpu *gpu, const struct place *place) {
    uint32_t control = sgpu_config(gpu, SECOND_CFG_SRIOV + SECOND_SRIOV_CONTROL);
    if (gpu->removed || (sgpu_config(gpu, SECOND_CFG_PMCSR) & 3) != 0)
        return false;
    if (place->vf == GPUP_PF)
        return (sgpu_config(gpu, SECOND_CFG_COMMAND) & 2) != 0;
    return (control & SECOND_SRIOV_CONTROL_MSE) != 0 && sgpu_vf_exists(gpu, place->vf) &&
           gpu->function[place->vf].d0;
}

enum area { AREA_TABLE, AREA_PBA, AREA_PF, AREA_GUEST, AREA_NONE };

/* What lies there; *offset becomes relative to a table or PBA. */
static enum area area_of(const struct sgpu *gpu, const struct place *place, uint64_t *offset) {
    bool pf = place->vf == GPUP_PF;
    uint64_t entries = sgpu_function(gpu, place->vf)->msix.entries;
    uint64_t table = place->offset - (pf ? 0 : SECOND_MSIX_TABLE_OFFSET);
    uint64_t pba = place->offset - (pf ? 0x8000 : SECOND_MSIX_PBA_OFFSET);
    *offset = table;
    if (place->bar == (pf ? 0 : SECOND_MSIX_TABLE_BAR) && table < entries * SGPU_MSIX_ENTRY)
        return AREA_TABLE;
    *offset = pba;
    if (place->bar == 0 && pba < 8)
        return AREA_PBA;
    *offset = place->offset;
    if (place->bar == (pf ? 2 : 0))
        return pf ? AREA_PF : AREA_GUEST;
    return AREA_NONE;
}

static uint64_t bytes_at(const void *bytes, uint64_t size, uint64_t offset, uint32_t width) {
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)bytes + offset, size - offset < width ? size - offset : width);
    return value;
}

static uint64_t area_read(struct sgpu *gpu, const struct place *place, uint32_t width) {
    const struct sgpu_msix *msix = &sgpu_function(gpu, place->vf)->msix;
    bool word = width == 4 && place->offset % 4 == 0;
    uint64_t offset, pending = msix->pending;
    switch (area_of(gpu, place, &offset)) {
    case AREA_TABLE:
        return bytes_at(msix->table, (uint64_t)msix->entries * SGPU_MSIX_ENTRY, offset, width);
    case AREA_PBA:
        return bytes_at(&pending, sizeof(pending), offset, width);
    case AREA_PF:
        return word ? sgpu_register_read(gpu, (uint32_t)offset) : 0;
    case AREA_GUEST:
        return word ? sgpu_guest_read(gpu, place->vf, offset) : 0;
    default:
        return 0;
    }
}

/* Ports of a window that log what they do themselves, as table or config. */
static bool speaks(const struct place *place, bool write) {
    uint64_t at = place->offset % 0x1000, window = (place->offset - SECOND_WINDOW(0)) / 0x1000;
    return place->vf == GPUP_PF && place->bar == 2 && place->offset >= SECOND_WINDOW(0) &&
           window < SECOND_WINDOW_PF && (at == SECOND_WIN_CFG_DATA || (write && at == SECOND_WIN_MSIX_WORD));
}

static void log_mmio(struct sgpu *gpu, bool write, const struct place *place, uint32_t width,
                     uint64_t value) {
    uint32_t region = (place->vf == GPUP_PF ? GPUP_REGION_PF_BAR0 : GPUP_REGION_VF_BAR0) + place->bar / 2;
    if (gpu->log.mmio)
        gpu->log.mmio(gpu->log.context, write, region, place->vf, place->offset, width, value);
}

uint64_t sgpu_op_bus_read(void *device, uint64_t physical, uint32_t width) {
    struct sgpu *gpu = device;
    struct place place;
    if (!find(gpu, physical, width, &place))
        return gpup_pci_ones(width);
    bool alive = answers(gpu, &place);
    uint64_t value = alive ? area_read(gpu, &place, width) : gpup_pci_ones(width);
    if (!alive || width != 4 || !speaks(&place, false))
        log_mmio(gpu, false, &place, width, value);
    return value;
}

void sgpu_op_bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    struct sgpu *gpu = device;
    struct place place;
    uint64_t offset;
    if (!find(gpu, physical, width, &place))
        return;
    value &= gpup_pci_ones(width);
    bool alive = answers(gpu, &place), word = width == 4 && place.offset % 4 == 0;
    enum area area = area_of(gpu, &place, &offset);
    if (area == AREA_TABLE || area == AREA_PBA) {
        if (gpu->log.table)
            gpu->log.table(gpu->log.context, place.vf, area == AREA_PBA, offset, width, value, alive);
        if (alive && area == AREA_TABLE)
            sgpu_msix_write(gpu, place.vf, offset, width, value);
        return;
    }
    if (!alive || !word || !speaks(&place, true))
        log_mmio(gpu, true, &place, width, value);
    if (alive && word && area == AREA_PF)
        sgpu_register_write(gpu, (uint32_t)offset, (uint32_t)value);
    else if (alive && word && area == AREA_GUEST)
        sgpu_guest_write(gpu, place.vf, offset, (uint32_t)value);
}
