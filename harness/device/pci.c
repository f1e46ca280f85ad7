/* Bytes of a configuration space, and accesses to them that are cut into dwords. */
#include "pci.h"

enum {
    COMMAND = 0x04,
    COMMAND_BITS = 0x0406, /* memory space, bus master, INTx off */
    INTERRUPT_LINE = 0x3C,
    POWER_CONTROL = 0x04, /* inside its capability, as are those below */
    POWER_STATE = 0x3,
    MSIX_CONTROL = 0x00,
    SRIOV_CONTROL = 0x08,
    SRIOV_NUM_VFS = 0x10,
    SRIOV_PAGE_SIZES = 0x1C, /* supported */
    SRIOV_PAGE_SIZE = 0x20,  /* in use */
    VF_ENABLE = 0x1,
    VF_MEMORY = 0x8
};
static const uint32_t msix_bits = 0xC0000000u; /* enable, function mask */

void gpup_pci_put(uint8_t *space, uint32_t offset, uint32_t value, uint32_t width) {
    memcpy(space + offset, &value, width);
}

void gpup_pci_put_bar(uint8_t *space, uint32_t at, uint64_t address, uint32_t type) {
    gpup_pci_put(space, at, (uint32_t)address | type, 4);
    if (type & GPUP_PCI_BAR_64)
        gpup_pci_put(space, at + 4, (uint32_t)(address >> 32), 4);
}

uint32_t gpup_pci_bar_bits(uint64_t size) {
    return (uint32_t) ~(size - 1) & ~0xFu;
}

bool gpup_pci_proper(uint32_t offset, uint32_t width) {
    return (width == 1 || width == 2 || width == 4) && offset <= GPUP_PCI_SPACE - width;
}

uint32_t gpup_pci_read(const uint8_t *space, uint32_t offset, uint32_t width) {
    if (!space || !gpup_pci_proper(offset, width))
        return (uint32_t)gpup_pci_ones(width);
    uint32_t value = 0;
    memcpy(&value, space + offset, width);
    return value;
}

uint32_t gpup_pci_writable(const uint8_t *space, const struct gpup_pci_places *places, uint32_t at) {
    if (at == COMMAND)
        return COMMAND_BITS;
    if (at == INTERRUPT_LINE)
        return 0xFF;
    if (at == places->power + POWER_CONTROL)
        return POWER_STATE;
    if (at == places->msix + MSIX_CONTROL)
        return msix_bits;
    if (at == places->sriov + SRIOV_CONTROL)
        return VF_ENABLE | VF_MEMORY;
    if (at == places->sriov + SRIOV_NUM_VFS)
        return gpup_pci_dword(space, places->sriov + SRIOV_CONTROL) & VF_ENABLE ? 0 : 0xFFFF;
    if (at == places->sriov + SRIOV_PAGE_SIZE)
        return gpup_pci_dword(space, places->sriov + SRIOV_PAGE_SIZES);
    return 0;
}

bool gpup_pci_cut(struct gpup_pci_write *write, struct gpup_pci_part *part) {
    if (write->width == 0)
        return false;
    uint32_t skip = write->offset % 4, bytes = write->width < 4 - skip ? write->width : 4 - skip;
    *part = (struct gpup_pci_part){.at = write->offset - skip,
                                   .value = (uint32_t)write->value << (8 * skip),
                                   .mask = (uint32_t)gpup_pci_ones(bytes) << (8 * skip)};
    write->offset += bytes;
    write->width -= bytes;
    write->value >>= 8 * bytes;
    return true;
}

uint32_t gpup_pci_store(uint8_t *space, const struct gpup_pci_part *part, uint32_t writable) {
    uint32_t before = gpup_pci_dword(space, part->at), mask = part->mask & writable;
    gpup_pci_put(space, part->at, (before & ~mask) | (part->value & mask), 4);
    return before;
}
