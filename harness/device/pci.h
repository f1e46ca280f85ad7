/*
 * PCI configuration space, as far as it is the same for every function of every part: bytes that are read and
 * written through the bus. What the registers are, which bits of them take, and what a write sets off is the
 * part's. Offsets of dwords are aligned and inside the space.
 */
#ifndef GPUP_PCI_H
#define GPUP_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GPUP_PCI_SPACE 4096u /* bytes */
/* Types of a memory BAR, its low bits. */
#define GPUP_PCI_BAR_32 0x0u
#define GPUP_PCI_BAR_64 0x4u
#define GPUP_PCI_BAR_64_PREFETCHABLE 0xCu

/* All ones of `width` bytes: what nothing answers with. */
static inline uint64_t gpup_pci_ones(uint32_t width) {
    return width >= 8 ? UINT64_MAX : (1ull << (8 * width)) - 1;
}

static inline uint32_t gpup_pci_dword(const uint8_t *space, uint32_t at) {
    uint32_t value;
    memcpy(&value, space + at, 4);
    return value;
}
/* Address in the BAR at `at`, both halves of a wide one. */
static inline uint64_t gpup_pci_bar(const uint8_t *space, uint32_t at) {
    uint32_t low = gpup_pci_dword(space, at);
    uint64_t high = low & GPUP_PCI_BAR_64 ? gpup_pci_dword(space, at + 4) : 0;
    return (low & ~0xFu) | high << 32;
}

/* Past every rule of who may write what: reset values. */
void gpup_pci_put(uint8_t *space, uint32_t offset, uint32_t value, uint32_t width);
void gpup_pci_put_bar(uint8_t *space, uint32_t at, uint64_t address, uint32_t type);
/* Bits of the low half of a BAR of `size` bytes that take an address. */
uint32_t gpup_pci_bar_bits(uint64_t size);

/* Widths of 1, 2 and 4 bytes inside the space; nothing answers to others. */
bool gpup_pci_proper(uint32_t offset, uint32_t width);
/* space NULL: the function is not there. */
uint32_t gpup_pci_read(const uint8_t *space, uint32_t offset, uint32_t width);

/* Where the capabilities of a PF begin. */
struct gpup_pci_places {
    uint32_t power, msix, sriov;
};
/* Writable bits of the dword at `at`, as PCI has the registers that every PF needs; none of BARs, whose sizes
 * the part knows. NumVFs takes nothing while VF Enable is set. */
uint32_t gpup_pci_writable(const uint8_t *space, const struct gpup_pci_places *places, uint32_t at);

/* A write, and what of it falls into one dword: mask has ones in the bytes that are written. */
struct gpup_pci_write {
    uint32_t offset, width;
    uint64_t value;
};
struct gpup_pci_part {
    uint32_t at, value, mask;
};
/* Cuts the next dword off; false: nothing is left. */
bool gpup_pci_cut(struct gpup_pci_write *write, struct gpup_pci_part *part);
/* Stores the bits of a part that can be written; the dword as it was. */
uint32_t gpup_pci_store(uint8_t *space, const struct gpup_pci_part *part, uint32_t writable);

#endif
