/*
 * Data sheet of the example GPU: one physical function, four virtual functions, 128 MiB of VRAM in one
 * segment. All registers are in BAR 0 of the physical function, 32 bits wide, little endian; others read as
 * zero and ignore writes.
 */
#ifndef EXAMPLE_GPU_REGISTERS_H
#define EXAMPLE_GPU_REGISTERS_H

enum {
    GPU_VFS = 4,
    GPU_MSIX_ENTRIES = 8, /* per VF */
    GPU_VRAM_MIB = 128,
    GPU_BAR_SIZE = 0x4000,
    GPU_VF_CONFIG = 256,      /* bytes of configuration space of a VF */
    GPU_VF_BAR_SIZE = 0x2000, /* BAR 0 of a VF: the MSI-X table, and from GPU_MSIX_PBA on its pending bits */
    GPU_MSIX_PBA = 0x1000,
    GPU_VENDOR = 0xE0A0,
    GPU_PF_DEVICE = 0x4711,
    GPU_VF_DEVICE = 0x4712,
    GPU_MAGIC = 0x31555047, /* what REG_ID reads */

    REG_ID = 0x00,      /* read only */
    REG_SELECT = 0x10,  /* the VF that the registers below are about: 0..3 */
    REG_STATE = 0x14,   /* bit 0: the VF is there. A write that sets it masks and clears its MSI-X table */
    REG_PLACE = 0x18,   /* where its VRAM begins, in MiB */
    REG_ENTRY = 0x20,   /* the MSI-X entry that the next four are about: 0..7 */
    REG_LOW = 0x24,     /* message address */
    REG_HIGH = 0x28,    /* its upper half */
    REG_DATA = 0x2C,    /* message data */
    REG_CONTROL = 0x30, /* vector control; a write takes over all four of them at once */
};

#endif
