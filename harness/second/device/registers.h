/*
 * Data sheet of the second GPU: numbers and behaviour. It does the work of the bundled one (harness/device)
 * in another way wherever hardware is free to.
 *
 * One physical function (PF) and up to 64 virtual functions (VF). Little endian. Registers are 32 bits wide
 * and are accessed as aligned 32-bit words; any other access reads as zero and is lost. Places that no
 * register has read as zero and ignore writes. RO read only, RW read and write, W1C write 1 to clear, WO
 * reads as zero.
 *
 * Orders go two ways. State of a VF (run, hold, power, time, MSI-X, configuration) is set by plain registers
 * in its window and takes effect at once. What needs time or memory goes through the one mailbox.
 *
 * D3cold takes everything but VRAM: SR-IOV control and NumVFs, all registers, apertures, tracking, logs,
 * MSI-X and configuration of VFs, and the contexts of VFs. A driver exports what must live on. The OS puts
 * header, BARs and MSI-X of the PF back. D3hot of the PF only closes its BARs and those of its VFs.
 */
#ifndef GPUP_SECOND_REGISTERS_H
#define GPUP_SECOND_REGISTERS_H

/* --- Identity ------------------------------------------------------------------------------------------ */
#define SECOND_VENDOR_ID 0x1D7A
#define SECOND_PF_DEVICE_ID 0x0B20
#define SECOND_VF_DEVICE_ID 0x0B2F
#define SECOND_REVISION 0xA1
#define SECOND_FIRMWARE 0x20260417 /* a date; same year: contexts can be exchanged */
#define SECOND_MAX_VFS 64
#define SECOND_MAX_SEGMENTS 4

/* --- PF configuration space (4096 bytes) --------------------------------------------------------------- */
/* Type 0 header; class 03 00 00. Capability list 0x60 PCIe, 0xA0 MSI-X, 0xC8 PM; extended 0x100 SR-IOV, 0x180
 * serial number. Writable: command, BARs, PMCSR, MSI-X control, and of SR-IOV: control, NumVFs, System Page
 * Size, VF BARs (all ones written, the size reads back). */
#define SECOND_CFG_COMMAND 0x04
#define SECOND_CFG_BAR(n) (0x10 + 4 * (n)) /* BAR0: 32 bits. BAR2/3: 64 bits, prefetchable. No others. */
#define SECOND_CFG_PCIE 0x60
#define SECOND_CFG_MSIX 0xA0 /* SECOND_PF_MESSAGES messages, table and PBA in BAR0; the OS owns them */
#define SECOND_CFG_PM 0xC8
#define SECOND_CFG_PMCSR 0xCC   /* No_Soft_Reset set */
#define SECOND_CFG_SRIOV 0x100  /* SR-IOV capability; PCI offsets inside it, below */
#define SECOND_CFG_SERIAL 0x180 /* the number at +4, 8 bytes */

#define SECOND_SRIOV_CONTROL 0x08
#define SECOND_SRIOV_CONTROL_VFE 0x1 /* clearing it resets every VF: window registers, context, apertures */
#define SECOND_SRIOV_CONTROL_MSE 0x8 /* VF BARs answer only while it is set */
#define SECOND_SRIOV_INITIAL_VFS 0x0C
#define SECOND_SRIOV_TOTAL_VFS 0x0E
#define SECOND_SRIOV_NUM_VFS 0x10   /* RW while VF Enable is 0 */
#define SECOND_SRIOV_VF_OFFSET 0x14 /* 4 */
#define SECOND_SRIOV_VF_STRIDE 0x16 /* 2 */
#define SECOND_SRIOV_VF_DEVICE 0x1A
#define SECOND_SRIOV_PAGE_SIZES 0x1C
#define SECOND_SRIOV_PAGE_SIZE 0x20
#define SECOND_SRIOV_VF_BAR(n) (0x24 + 4 * (n)) /* n 0/1 and 4/5: 64 bits; n 2: 32 bits; n 3: none, zero */

/* BAR n of VF v lies at (VF BAR n of the capability) + v * (its size). */
#define SECOND_PF_BAR0_SIZE 0x10000ULL  /* PF MSI-X: table at 0, PBA at 0x8000 */
#define SECOND_PF_BAR2_SIZE 0x200000ULL /* registers, all below */
#define SECOND_VF_BAR0_SIZE 0x100000ULL /* guest registers; PBA */
#define SECOND_VF_BAR2_SIZE 0x4000ULL   /* MSI-X table */
#define SECOND_VF_BAR4_SIZE 0x40000ULL  /* doorbells, reserved */
#define SECOND_PF_MESSAGES 8

/* --- MSI-X of a VF ------------------------------------------------------------------------------------- */
#define SECOND_MSIX_ENTRIES 5
#define SECOND_MSIX_TABLE_BAR 2
#define SECOND_MSIX_TABLE_OFFSET 0x3000
#define SECOND_MSIX_PBA_BAR 0
#define SECOND_MSIX_PBA_OFFSET 0x80800
/* Vector control after reset: masked, and reserved bits that mean something to the part. All 32 bits of it
 * are storage: software that writes the word without having read it changes them. */
#define SECOND_MSIX_VECTOR_RESET 0x00500A01

/* --- Registers, PF BAR2 -------------------------------------------------------------------------------- */
#define SECOND_REG_MAGIC 0x000 /* RO */
#define SECOND_MAGIC 0x32555047
#define SECOND_REG_FIRMWARE 0x004
#define SECOND_REG_LIMITS 0x008        /* RO VFs | segments << 8 | log2 of log entries << 16 */
#define SECOND_REG_TRACKING_FREE 0x00C /* RO 1: tracking costs nothing and may run all the time */
#define SECOND_REG_CLOCK_LO 0x010      /* RO microseconds since power on */
#define SECOND_REG_CLOCK_HI 0x014

/* Segments, n 0..; segment id is n + 1. Sizes and pages differ from segment to segment. */
#define SECOND_REG_SEGMENT_MIB(n) (0x040 + 8 * (n)) /* RO size in MiB */
#define SECOND_REG_SEGMENT_PAGE(n)                                                                           \
    (0x044 + 8 * (n)) /* RO log2 of the tracking page, 0: cannot be tracked                                  \
                       */

/* Interrupts. Each cause has a message of its own: cause bit n goes out as message n. A message is sent when
 * a cause is set that was not and is enabled, and when ENABLE rises over a cause that is set. */
#define SECOND_REG_CAUSE 0x080      /* W1C */
#define SECOND_REG_ENABLE 0x084     /* RW, 1 lets through; 0 after reset */
#define SECOND_CAUSE_MAILBOX 0x02   /* the mailbox finished an order */
#define SECOND_CAUSE_DRAINED 0x04   /* a VF in hold or stopped came to rest: see DRAINED */
#define SECOND_CAUSE_LOG 0x08       /* a log is half full */
#define SECOND_CAUSE_FAULT 0x10     /* a guest reached outside its apertures: see FAULTED */
#define SECOND_REG_DRAINED_LO 0x088 /* W1C bit n: VF n */
#define SECOND_REG_DRAINED_HI 0x08C
#define SECOND_REG_FAULTED_LO 0x090 /* W1C */
#define SECOND_REG_FAULTED_HI 0x094
#define SECOND_MESSAGE_MAILBOX 1
#define SECOND_MESSAGE_DRAINED 2

/* --- Mailbox ------------------------------------------------------------------------------------------- */
/* One order at a time. INDEX names a word, DATA reads or writes it and steps INDEX on by one. Words 0..15 are
 * arguments, RW while no order is at work; 16..19 answers, RO. Writing an opcode to BELL starts it: STATE is
 * BUSY until the order is done, then READY with the answers valid, SEQUENCE one higher, CAUSE_MAILBOX set. An
 * order takes effect as a whole when it is done, or not at all if its result is not OK. BELL while BUSY does
 * nothing, except BELL_CANCEL, which ends the order without effect (CANCELLED, no interrupt). */
#define SECOND_REG_MB_INDEX 0x100
#define SECOND_REG_MB_DATA 0x104
#define SECOND_REG_MB_BELL 0x108     /* WO */
#define SECOND_REG_MB_STATE 0x10C    /* RO */
#define SECOND_REG_MB_SEQUENCE 0x110 /* RO orders done since power on */
#define SECOND_MB_READY 0
#define SECOND_MB_BUSY 1
#define SECOND_MB_WORDS 16
#define SECOND_MB_VF 0        /* argument word: VF */
#define SECOND_MB_SEGMENT 0   /* argument words of orders on VRAM: segment id */
#define SECOND_MB_OFFSET 2    /* 2/3: bytes, low and high */
#define SECOND_MB_SIZE 4      /* 4/5: bytes */
#define SECOND_MB_FLAGS 6     /* or pattern, or count */
#define SECOND_MB_DMA 8       /* 8/9: physical address of a contiguous buffer, 10: its bytes */
#define SECOND_MB_DMA_SIZE 10 /* at most SECOND_DMA_MAX */
#define SECOND_MB_RESULT 16   /* answer word */
#define SECOND_MB_LENGTH 17   /* answer word: bytes written, or needed */
#define SECOND_DMA_MAX 0x100000
#define SECOND_BELL_CANCEL 0xCA

#define SECOND_OK 0
#define SECOND_E_ORDER 0x81    /* unknown order */
#define SECOND_E_ARGUMENT 0x82 /* VF, range, alignment, count */
#define SECOND_E_AWAKE 0x83    /* the VF is not at rest */
#define SECOND_E_OVERLAP 0x84  /* an aperture meets one of this or of another VF */
#define SECOND_E_LENGTH 0x85   /* buffer too small or too large; LENGTH: bytes needed */
#define SECOND_E_DMA 0x86      /* the buffer did not answer */
#define SECOND_E_CONTEXT 0x87  /* the context is damaged or not of this kind of part */
#define SECOND_E_MEMORY 0x88   /* internal resources are used up */
#define SECOND_E_CANCELLED 0x8F

/* Orders. A VF is at rest when STATE_REST of its window is set. */
#define SECOND_ORDER_PING 0x11 /* 2 us */
/* VF; FLAGS: count 0..SECOND_APERTURES; buffer: records of 16 bytes {segment id, number of 4 KiB pages (32
 * bits each), first 4 KiB page (64)}. At rest only. The guest sees the apertures as one space in this order.
 * Replaces all; 0 removes. Overlap with another VF's is refused: no two guests ever share a page. 8 us. */
#define SECOND_ORDER_APERTURES 0x21
#define SECOND_APERTURES 1024
#define SECOND_APERTURE_SIZE 16
/* SEGMENT, OFFSET, SIZE (multiples of 4096), FLAGS: 32-bit pattern. A write as any other to tracking. 3 us +
 * 1 us per MiB. */
#define SECOND_ORDER_FILL 0x22
/* VF; LENGTH: bytes EXPORT would write now. It depends on the VF's state. 1 us. */
#define SECOND_ORDER_CONTEXT_LENGTH 0x31
/* VF at rest, buffer. Works without power. EXPORT writes a list of records {id (32), bytes of payload (32),
 * payload}, ids below, any order, CTX_HEAD first and CTX_END last. Nothing in it depends on the host. IMPORT
 * takes it on any part of this kind (DMA_SIZE: exact); a damaged one changes nothing. 20 us. */
#define SECOND_ORDER_CONTEXT_EXPORT 0x32
#define SECOND_ORDER_CONTEXT_IMPORT 0x33
#define SECOND_CTX_HEAD 0x48454144u     /* firmware year (32), MSI-X entries (32) */
#define SECOND_CTX_GUEST 0x47524547u    /* guest registers */
#define SECOND_CTX_COUNTERS 0x434E5452u /* queued, completed, sequence, chain over work: 64 bits each */
#define SECOND_CTX_RING 0x52494E47u   /* queued work, {seed (64), units (32), zero (32)} each; absent: none */
#define SECOND_CTX_CONFIG 0x43464721u /* command (32), MSI-X message control (32), pending bits (64) */
#define SECOND_CTX_END 0x454E4421u    /* checksum (64) of all bytes before this record */
/* Tracking, by pages of the segment; OFFSET and SIZE are multiples of its page. A page is off, armed or
 * dirty. The first write of any kind to an armed page makes it dirty and puts its number into a log: that of
 * the VF whose aperture it lies in, else that of the PF. Later writes to a dirty page show nowhere. No
 * counts: ARM and OFF are absolute. Numbers in logs stay there through all three. ARM: off or dirty pages
 * become armed. REARM: dirty ones do, off ones stay off. OFF: all are off. 5 us. */
#define SECOND_ORDER_TRACK_ARM 0x41
#define SECOND_ORDER_TRACK_REARM 0x42
#define SECOND_ORDER_TRACK_OFF 0x43
/* The same range, buffer: one byte a page, 1 if dirty, else 0. FLAGS SECOND_SCAN_REARM: those pages are armed
 * in the same step. The slow way, for a log that overflowed. LENGTH: bytes. 5 us + 1 us per 16 pages. */
#define SECOND_ORDER_TRACK_SCAN 0x44
#define SECOND_SCAN_REARM 0x1

/* --- Windows, PF BAR2: one a VF; the last, the PF's, has LOG_*, QUANTUM and PAGING_QUANTUM only ------- */
#define SECOND_WINDOW(n) (0x100000 + 0x1000 * (n))
#define SECOND_WINDOW_PF 64
/* CONTROL, RW. RUN: natural run state. HOLD: overlay beside it (kept over FLR, power and RUN). Neither waits:
 * new work stops being started at once, work in flight goes on (at most 10 us) and STATE_REST shows when it
 * is over. */
#define SECOND_WIN_CONTROL 0x00
#define SECOND_CONTROL_RUN 0x1
#define SECOND_CONTROL_HOLD 0x2
#define SECOND_CONTROL_PREEMPT 0x80 /* WO: work in flight is undone at once; it will start over */
#define SECOND_WIN_STATE 0x04       /* RO */
#define SECOND_STATE_EXISTS 0x01    /* VF Enable and number < NumVFs */
#define SECOND_STATE_D0 0x02
#define SECOND_STATE_SCHEDULED 0x04 /* exists, D0, RUN, no HOLD, QUANTUM not 0 */
#define SECOND_STATE_IN_FLIGHT 0x08
#define SECOND_STATE_REST 0x10      /* neither scheduled nor in flight */
#define SECOND_STATE_APERTURES 0x20 /* has VRAM */
/* Power state, RW: 0 D0, 3 D3. D3 is taken only when nothing is in flight (read back to see); it keeps
 * contents, its BARs read as all ones and lose writes. D3 after VF Enable. Writes for a VF that does not
 * exist are lost. */
#define SECOND_WIN_POWER 0x08
/* Time slices, RW, in microseconds of a frame of SECOND_FRAME_US; the functions take turns in order of their
 * number, the PF first. Shares in ppm are quantum / frame. A write that would make the sum exceed the frame
 * is refused (read back to see). 0 after reset. PAGING_QUANTUM: the same for the paging engine. */
#define SECOND_WIN_QUANTUM 0x0C
#define SECOND_WIN_PAGING_QUANTUM 0x10
#define SECOND_FRAME_US 1000
/* MSI-X table of the VF, a word at a time: INDEX 0..4*entries-1, WORD RW. It works in D3, too: the table lies
 * in the power domain of the PF. Whoever prefers it can write the table in VF BAR 2 (D0 only). */
#define SECOND_WIN_MSIX_INDEX 0x20
#define SECOND_WIN_MSIX_WORD 0x24
/* Configuration space of the VF: ADDRESS is byte offset of a dword in bits 11:2, and ones in bits 31:28 for
 * the bytes that a write of DATA means. Reads of DATA give the whole dword. Works in D3. */
#define SECOND_WIN_CFG_ADDRESS 0x28
#define SECOND_WIN_CFG_DATA 0x2C
/* Log of dirty pages. POP: takes the oldest number out, {segment id << 28 | page}, SECOND_LOG_NONE when
 * empty. OVERFLOW set: numbers were lost; pages are dirty all the same, SCAN finds them. */
#define SECOND_WIN_LOG_COUNT 0x30 /* RO */
#define SECOND_WIN_LOG_POP 0x34   /* RO, reading takes */
#define SECOND_WIN_LOG_STATUS 0x38
#define SECOND_LOG_OVERFLOW 0x1 /* W1C */
#define SECOND_LOG_NONE 0xFFFFFFFFu
#define SECOND_LOG_ENTRIES 64
#define SECOND_WIN_FENCE_LO 0x40 /* RO work units completed, 64 bits */
#define SECOND_WIN_FENCE_HI 0x44

/* --- Configuration space of a VF ----------------------------------------------------------------------- */
/* Vendor and device id all ones, BARs zero, as SR-IOV has it; a VF that does not exist reads as all ones.
 * Writable: bus master, MSI-X control, device control (Initiate FLR only). FLR takes effect at once: context,
 * work (in flight, too), configuration, MSI-X (zero, masked, SECOND_MSIX_VECTOR_RESET). Kept: CONTROL, power,
 * quanta, apertures. */
#define SECOND_VFCFG_COMMAND 0x04
#define SECOND_VFCFG_MSIX 0x50
#define SECOND_VFCFG_PCIE 0x70
#define SECOND_VFCFG_DEVICE_CONTROL 0x78 /* 16 bits; bit 15 Initiate FLR, reads as 0 */
#define SECOND_VFCFG_END 0x80            /* only zeros behind it */
#define SECOND_MSIX_CONTROL_SIZE 0x07FF
#define SECOND_MSIX_CONTROL_FUNCTION_MASK 0x4000u
#define SECOND_MSIX_CONTROL_ENABLE 0x8000u

/* --- Guest registers, VF BAR0 -------------------------------------------------------------------------- */
#define SECOND_GUEST_MAGIC 0x0                      /* RO SECOND_MAGIC */
#define SECOND_GUEST_FENCE 0x8                      /* RO 64 bits: work units completed */
#define SECOND_GUEST_REGISTER(n) (0x1000 + 4 * (n)) /* RW, n 0..SECOND_GUEST_REGISTERS-1 */
#define SECOND_GUEST_REGISTERS 48

#endif
