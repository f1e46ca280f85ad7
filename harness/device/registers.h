/*
 * Data sheet of the bundled GPU: a PCI Express display controller with SR-IOV. Numbers only.
 *
 * The part has one physical function (PF) and up to 64 virtual functions (VF). A driver of the PF finds it by
 * vendor and device id, reads BAR addresses from its resources, enables VFs in the SR-IOV capability and
 * gives orders through command slots in BAR0. Everything is little endian. Registers are 32 bits wide unless
 * said otherwise and are accessed as aligned 32-bit words (64-bit accesses to an aligned pair work too).
 * Offsets that no register has read as zero and ignore writes. RO read only, RW read and write, W1C write 1
 * to clear, WO write only (reads as zero).
 *
 * Times given are those of an idle part; a driver must not count on them.
 *
 * D3cold takes what the driver set up: SR-IOV control and NumVFs, power, run list, pause, shares, maps and
 * tracking, MSI-X and configuration of VFs, interrupt mask, completion ring, commands on their way. VRAM, the
 * dirty plane and the contexts of VFs are kept. D3hot of the PF only closes its BARs.
 */
#ifndef GPUP_GPU_REGISTERS_H
#define GPUP_GPU_REGISTERS_H

/* --- Identity ------------------------------------------------------------------------------------------ */
#define GPU_VENDOR_ID 0x6750
#define GPU_PF_DEVICE_ID 0x4701
#define GPU_VF_DEVICE_ID 0x4702
#define GPU_REVISION 0x02
#define GPU_FIRMWARE 0x00030002 /* major << 16 | minor */
#define GPU_MAX_VFS 64
#define GPU_MAX_SEGMENTS 4

/* --- PF configuration space (4096 bytes) --------------------------------------------------------------- */
/* Type 0 header; class 03 02 00. Capabilities at fixed places, also linked in the usual lists. Writable: the
 * command register, BARs, PMCSR, MSI-X message control, and of SR-IOV: control, NumVFs, System Page Size, VF
 * BARs (writing all ones and reading back gives the size, as PCI has it). */
#define GPU_CFG_COMMAND 0x04
#define GPU_CFG_BAR(n) (0x10 + 4 * (n)) /* n 0, 2, 4: low halves of 64-bit memory BARs */
#define GPU_CFG_PM 0x40                 /* power management capability; PMCSR at +4, No_Soft_Reset set */
#define GPU_CFG_PMCSR 0x44
#define GPU_CFG_PCIE 0x50    /* PCI Express capability */
#define GPU_CFG_MSIX 0x90    /* MSI-X capability of the PF: GPU_PF_MESSAGES messages, table in BAR4 */
#define GPU_CFG_SERIAL 0x100 /* device serial number capability; the number at +4, 8 bytes */
#define GPU_CFG_SRIOV 0x140  /* SR-IOV capability */

/* Inside the SR-IOV capability (offset from GPU_CFG_SRIOV). */
#define GPU_SRIOV_CONTROL 0x08    /* 16 bits */
#define GPU_SRIOV_CONTROL_VFE 0x1 /* VF Enable: clearing it resets every VF and takes its power */
#define GPU_SRIOV_CONTROL_MSE 0x8 /* VF Memory Space Enable: VF BARs answer only while it is set */
#define GPU_SRIOV_INITIAL_VFS 0x0C
#define GPU_SRIOV_TOTAL_VFS 0x0E
#define GPU_SRIOV_NUM_VFS 0x10 /* RW while VF Enable is 0 */
#define GPU_SRIOV_VF_OFFSET 0x14
#define GPU_SRIOV_VF_STRIDE 0x16
#define GPU_SRIOV_VF_DEVICE 0x1A
#define GPU_SRIOV_PAGE_SIZES 0x1C
#define GPU_SRIOV_PAGE_SIZE 0x20
#define GPU_SRIOV_VF_BAR(n) (0x24 + 4 * (n)) /* n 0, 2, 4: low halves of 64-bit memory BARs of VF 0 */

/* BAR n of VF v lies at (VF BAR n of the SR-IOV capability) + v * (size of that VF BAR). */
#define GPU_VF_BAR0_SIZE 0x400000ULL  /* VF registers; MSI-X if its capability says BAR 0 */
#define GPU_VF_BAR2_SIZE 0x1000000ULL /* doorbells; MSI-X if its capability says BAR 2 */
#define GPU_VF_BAR4_SIZE 0x200000ULL  /* MSI-X if its capability says BAR 4 */

/* --- VF configuration space ---------------------------------------------------------------------------- */
/* Reached by the PF through an aperture of BAR0, 1, 2, 4 or 8 bytes wide. Vendor and device id read as all
 * ones and the BARs as zero, as SR-IOV has it. A VF that does not exist (VF Enable 0, or number >= NumVFs)
 * reads as all ones. Writable: bus master enable, device control with Initiate FLR, MSI-X message control. It
 * answers without power too. */
#define GPU_VFCFG_COMMAND 0x04
#define GPU_VFCFG_PCIE 0x40
#define GPU_VFCFG_DEVICE_CONTROL 0x48 /* 16 bits; bit 15 Initiate Function Level Reset, reads as 0 */
#define GPU_VFCFG_MSIX 0x80           /* +2 message control, +4 table offset/BIR, +8 PBA offset/BIR */
#define GPU_VFCFG_END 0x8C            /* nothing behind it: reads as zero */
#define GPU_MSIX_CONTROL_SIZE 0x07FF
#define GPU_MSIX_CONTROL_FUNCTION_MASK 0x4000u
#define GPU_MSIX_CONTROL_ENABLE 0x8000u

/* --- BAR0 of the PF, 1 MiB ----------------------------------------------------------------------------- */
#define GPU_PF_BAR0_SIZE 0x100000ULL
#define GPU_PF_BAR2_SIZE 0x10000ULL /* reserved */
#define GPU_PF_BAR4_SIZE 0x10000ULL /* MSI-X: table at 0, PBA at 0x8000; the OS owns it */
#define GPU_PF_MESSAGES 64
#define GPU_PF_MESSAGE 0 /* the message that interrupts of INT_STATUS come as */

#define GPU_REG_ID 0x000 /* RO device id << 16 | vendor id */
#define GPU_REG_REVISION 0x004
#define GPU_REG_FIRMWARE 0x008
#define GPU_REG_FEATURES 0x00C
#define GPU_FEATURE_DIRTY 0x1            /* dirty bit plane */
#define GPU_FEATURE_DIRTY_PERFORMANT 0x2 /* tracking costs nothing: may run all the time */
#define GPU_FEATURE_SCATTER 0x4          /* a VF may live in many ranges of several segments */
#define GPU_REG_SERIAL_LO 0x010
#define GPU_REG_SERIAL_HI 0x014
#define GPU_REG_TOTAL_VFS 0x018
#define GPU_REG_SEGMENTS 0x01C
#define GPU_REG_STATUS 0x024
#define GPU_STATUS_READY 0x1
#define GPU_REG_TIME_LO 0x028 /* RO nanoseconds since power on */
#define GPU_REG_TIME_HI 0x02C

/* Interrupts. A message goes out when a status bit rises that the mask lets through, and when a bit of the
 * mask is cleared over a status bit that is set. */
#define GPU_REG_INT_STATUS 0x030 /* W1C */
#define GPU_REG_INT_MASK 0x034   /* RW, 1 masks; all ones after reset */
#define GPU_INT_COMPLETION 0x1   /* a command slot is done: see COMMAND_DONE */
#define GPU_INT_VF_FAULT 0x2     /* a VF reached outside its reserve: see VF_FAULT */

/* Completion ring in host memory, optional: COUNT records of 16 bytes, 0 none. Record: tag, slot, result,
 * phase (1 on the first pass round the ring, then 0, 1, ...), 32 bits each. Writing COUNT starts at
 * record 0 with phase 1. The record is in memory before the interrupt. The device does not look for room: at
 * most GPU_SLOTS commands run at once. */
#define GPU_REG_COMPLETION_LO 0x040
#define GPU_REG_COMPLETION_HI 0x044
#define GPU_REG_COMPLETION_COUNT 0x048 /* RW 0..256 */
#define GPU_REG_COMPLETION_HEAD 0x04C  /* RO: record that is written next */
#define GPU_COMPLETION_SIZE 16
#define GPU_COMPLETION_MAX 256
#define GPU_REG_COMMAND_DONE 0x050 /* W1C: bit n: slot n finished */
#define GPU_REG_VF_FAULT_LO 0x058  /* W1C: bit n: VF n */
#define GPU_REG_VF_FAULT_HI 0x05C

/* VRAM segments, n 0..SEGMENTS-1. */
#define GPU_REG_SEGMENT(n) (0x100 + 0x20 * (n))
#define GPU_SEGMENT_ID 0x00 /* n + 1 */
#define GPU_SEGMENT_SIZE_LO 0x08
#define GPU_SEGMENT_SIZE_HI 0x0C
#define GPU_SEGMENT_DIRTY_PAGE 0x10 /* bytes of one dirty bit, 0: the segment has no plane */

/* --- Command slots ------------------------------------------------------------------------------------- */
/* Each slot carries out one command at a time; slots are independent. Fill the slot, write GPU_DOORBELL_START
 * to its doorbell; STATUS is BUSY until the command is done, then DONE, RESULT and LENGTH are valid, the bit
 * in COMMAND_DONE is set, the completion record written and GPU_INT_COMPLETION raised. A command takes effect
 * as a whole at the moment it completes, or not at all when RESULT is not GPU_RESULT_OK. Ringing a busy slot
 * does nothing; so does writing its other registers. GPU_DOORBELL_ABORT ends a busy slot's command without
 * effect (RESULT is GPU_RESULT_ABORTED, STATUS DONE, no interrupt). */
#define GPU_SLOTS 8
#define GPU_REG_SLOT(n) (0x1000 + 0x100 * (n))
#define GPU_SLOT_OPCODE 0x00
#define GPU_SLOT_VF 0x04
#define GPU_SLOT_TAG 0x08 /* any value, comes back in the completion record */
#define GPU_SLOT_FLAGS 0x0C
#define GPU_SLOT_ARG(n) (0x10 + 4 * (n)) /* n 0..7 */
#define GPU_SLOT_DMA_LO 0x30             /* physical address of one contiguous buffer */
#define GPU_SLOT_DMA_HI 0x34
#define GPU_SLOT_DMA_SIZE 0x38 /* bytes, at most GPU_DMA_MAX */
#define GPU_SLOT_DOORBELL 0x40 /* WO */
#define GPU_SLOT_STATUS 0x44   /* RO */
#define GPU_SLOT_RESULT 0x48   /* RO */
#define GPU_SLOT_LENGTH 0x4C   /* RO bytes written to the buffer, or needed */
#define GPU_DOORBELL_START 1
#define GPU_DOORBELL_ABORT 2
#define GPU_SLOT_IDLE 0
#define GPU_SLOT_BUSY 1
#define GPU_SLOT_DONE 2
#define GPU_DMA_MAX 0x100000

/* Results. */
#define GPU_RESULT_OK 0
#define GPU_RESULT_OPCODE 1   /* unknown command */
#define GPU_RESULT_VF 2       /* the part has no such VF */
#define GPU_RESULT_ARGUMENT 3 /* range, alignment, sum of shares ... */
#define GPU_RESULT_STATE 4    /* not in this state of the VF */
#define GPU_RESULT_BUFFER 5   /* buffer too small or too large; LENGTH: bytes needed */
#define GPU_RESULT_DMA 6      /* the buffer's address did not answer */
#define GPU_RESULT_CONTEXT 7  /* the context is damaged or from another kind of part */
#define GPU_RESULT_MEMORY 8   /* internal resources are used up */
#define GPU_RESULT_ABORTED 9

#define GPU_VF_NONE 0xFFFFFFFFu /* in GPU_SLOT_VF: the PF itself (SCHED_SET only) */

/* Commands. `vf`: takes GPU_SLOT_VF. An order that changes nothing succeeds (pausing a paused VF ...). */
#define GPU_COMMAND_NOP 1
/* vf, or GPU_VF_NONE for the PF. ARG0: share of GPU time, ARG1: share of the paging engine's time, parts per
 * million. The sum over PF and all VFs may not exceed 1000000 for either. All zero after reset. 2 us. */
#define GPU_COMMAND_SCHED_SET 2
/* vf. Natural run state: puts the VF on the run list, or takes it off after its work in flight has drained.
 * A VF executes when it is on the run list, has power, is not paused and has a share. 3 us. */
#define GPU_COMMAND_VF_ENABLE 3
#define GPU_COMMAND_VF_DISABLE 4
/* vf. Pause overlay, a single bit beside the run state, kept over reset and power changes. PAUSE starts no
 * new work at once and completes when work in flight has drained. 3 us. */
#define GPU_COMMAND_VF_PAUSE 5
#define GPU_COMMAND_VF_RESUME 6
/* vf. Function level reset: guest registers, queued and running work, configuration space and MSI-X (entries
 * masked and zero, nothing pending). Kept: run list, pause, shares, reserve, power. 100 us. */
#define GPU_COMMAND_VF_FLR 7
/* vf, existing. ARG0: 0 D0, 3 D3. D3 drains work in flight first; its contents (MSI-X table too) are kept,
 * its BARs read as all ones and lose writes. VFs are in D3 when VF Enable is set. 20 us. */
#define GPU_COMMAND_VF_POWER 8
/* vf, not executing. ARG0: number of ranges 0..GPU_RANGES_MAX; buffer: that many range records of
 * GPU_RANGE_SIZE bytes {segment id (32 bits), zero (32), offset (64), size (64)}. The guest sees the ranges
 * as one space in this order. Offsets and sizes are multiples of 4096, size not 0. Replaces the map; 0
 * removes it. The part does not compare the maps of different VFs. 5 us. */
#define GPU_COMMAND_VF_MAP 9
#define GPU_RANGE_SIZE 24
#define GPU_RANGES_MAX 4096
/* ARG0: segment id, ARG1/2: offset low/high, ARG3/4: bytes low/high, ARG5: 32-bit pattern. Multiples of 4.
 * Tracked pages become dirty. 1 us + 1 us per 64 KiB, at most 1 ms. */
#define GPU_COMMAND_FILL 10
/* ARG0: segment id, ARG1/2 offset, ARG3/4 bytes: multiples of the dirty page. While a page is tracked, any
 * write to it (guest, paging, fill) sets its bit. Starts are counted per page; STOP of a page that is not
 * tracked fails. Neither changes a bit of the plane. 4 us. */
#define GPU_COMMAND_TRACK_START 11
#define GPU_COMMAND_TRACK_STOP 12
/* Same arguments. Copies the bits of the range to the buffer, first page in bit 0 of the first byte, unused
 * bits of the last byte 0, and with GPU_FLAG_CLEAR clears exactly those bits in the same step: a write is
 * either in the copy or still in the plane. LENGTH: bytes. 2 us + 1 us per 4 KiB of bits. */
#define GPU_COMMAND_DIRTY_READ 13
#define GPU_FLAG_CLEAR 0x1
#define GPU_COMMAND_DIRTY_CLEAR 14 /* clears the bits of the range. 2 us */
/* vf. LENGTH: bytes that VF_SAVE will write at most; the same for every VF and state. 1 us. */
#define GPU_COMMAND_CONTEXT_SIZE 15
/* vf, not executing and drained. The VF's context: guest registers, engine context, doorbells, sequence
 * counters, remainder of the timeslice, queued work, command register, MSI-X message control and pending
 * bits; not the MSI-X table. Works without power. RESTORE takes the bytes SAVE wrote (DMA_SIZE: exactly as
 * many), on any part of this kind with as many MSI-X entries; a context that does not fit changes nothing.
 * 10 us + 1 us per KiB. */
#define GPU_COMMAND_VF_SAVE 16
#define GPU_COMMAND_VF_RESTORE 17

/* --- State of VFs in BAR0, RO -------------------------------------------------------------------------- */
#define GPU_REG_VF(n) (0x10000 + 0x80 * (n))
#define GPU_VF_FLAGS 0x00
#define GPU_VF_EXISTS 0x01  /* VF Enable and number < NumVFs */
#define GPU_VF_POWERED 0x02 /* D0 */
#define GPU_VF_ENABLED 0x04 /* on the run list */
#define GPU_VF_PAUSED 0x08
#define GPU_VF_BUSY 0x10   /* work in flight */
#define GPU_VF_MAPPED 0x20 /* has a reserve */
#define GPU_VF_SHARE 0x04
#define GPU_VF_PAGING 0x08
#define GPU_VF_RESERVE_LO 0x10 /* bytes mapped */
#define GPU_VF_RESERVE_HI 0x14
#define GPU_REG_PF_SHARE 0x12000
#define GPU_REG_PF_PAGING 0x12004

/* Aperture of VF configuration spaces. */
#define GPU_REG_VF_CONFIG(n) (0x40000 + 0x1000 * (n))

/* --- VF BARs ------------------------------------------------------------------------------------------- */
/* VF BAR0: the guest's registers. */
#define GPU_VF_REG_BASE 0x200000                /* what follows is added to it */
#define GPU_VF_REG_ID 0x000                     /* RO device id << 16 | vendor id */
#define GPU_VF_REG_SEQUENCE 0x008               /* RO 64 bits: work units completed */
#define GPU_VF_REG_TIMESLICE 0x010              /* RO 64 bits: remainder in ns of GPU time */
#define GPU_VF_REG_SCRATCH(n) (0x100 + 4 * (n)) /* RW, n 0..GPU_VF_SCRATCHES-1 */
#define GPU_VF_SCRATCHES 64
/* VF BAR2: doorbells, one page each. */
#define GPU_VF_DOORBELL(n) (0x200000 + 0x1000 * (n)) /* RW, n 0..GPU_VF_DOORBELLS-1: last value rung */
#define GPU_VF_DOORBELLS 16

#endif
