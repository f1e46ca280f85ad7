/*
 * The device behind an implementation: what a driver reaches over the bus, and what the suite can see and do
 * there (the observers of tier T1).
 *
 * The bundled SR-IOV GPU (harness/device) and a vendor's own device model implement the same table. Every
 * function is optional unless said otherwise: a rule that needs a missing one is NOT_OBSERVABLE, a step that
 * needs it is skipped. Functions follow the platform's C convention (not ms_abi), run on the world's thread,
 * must not block, and never call back into the suite except through the log given to `attach`.
 *
 * A device keeps all its state in memory it gets from `struct gpup_memory`: that is what lets the suite
 * restore a started world without starting it again. Several devices live in one process; there are no
 * globals.
 *
 * Segments are numbered from 1, as Dxgkrnl numbers them. vf is zero-based; GPUP_PF (trace.h) names the
 * physical function.
 */
#ifndef GPUP_DEVICE_H
#define GPUP_DEVICE_H

#include <gpup/program.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPUP_DEVICE_VERSION 1

/* Functions of the tables between suite and implementation follow the platform's C convention. In a driver
 * image for Windows that is the one of the Linux program which loads it. */
#if defined(_WIN32) && defined(__x86_64__)
#define GPUP_CALL __attribute__((sysv_abi))
#else
#define GPUP_CALL
#endif

/* Zeroed memory, 16-byte aligned, that lives as long as the world and is part of its snapshot. NULL: out of
 * memory. */
struct gpup_memory {
    void *(GPUP_CALL *alloc)(void *context, size_t size);
    void *context;
};

/* What a device is made of, constant from create on. It may differ from what the world's configuration asked
 * for: the suite goes by this. */
struct gpup_device_shape {
    uint32_t vfs; /* virtual functions the device has, at most GPUP_MAX_VFS */
    uint32_t segments;
    struct {
        uint32_t id;
        bool local;          /* VRAM of the GPU */
        uint64_t size;       /* bytes */
        uint32_t dirty_page; /* granularity of the dirty plane in bytes, 0: none */
    } segment[GPUP_MAX_SEGMENTS];
    uint32_t msix_entries; /* per VF; 0: none */
    uint32_t msix_bar, pba_bar;
    uint64_t msix_offset, pba_offset; /* bytes in the BAR */
};

/* MSI-X state beside the table. pending: the PBA, entries that wait behind a mask. */
struct gpup_msix_control {
    bool enable, function_mask; /* of the message control register */
    bool powered;               /* the function is in D0 */
    uint8_t pending[2048 / 8];  /* 2048 bits, LSB first */
};

/* Of one VF at this moment. */
struct gpup_schedule {
    bool running;        /* may execute now */
    bool busy;           /* work in flight at this moment */
    uint32_t share_ppm;  /* share of GPU time, parts per million */
    uint32_t paging_ppm; /* share of the paging engine's time */
};

/* Guest work since the VF was made, in units of one GuestWork step; queued - completed is outstanding. */
struct gpup_work {
    uint64_t queued, completed;
    uint64_t
        sequence; /* the guest's number of its next unit; part of its state, so a migration carries it on */
};

/* What a device reports while it runs. Any member may be NULL. `width` in bytes. */
struct gpup_device_log {
    /* one access to a BAR over the bus; region: enum gpup_region (trace.h), offset: inside it */
    void (*mmio)(void *context, bool write, uint32_t region, uint32_t vf, uint64_t offset, uint32_t width,
                 uint64_t value);
    /* driver's write to an MSI-X table (area 0) or PBA (area 1); offset inside it */
    void (*table)(void *context, uint32_t vf, uint32_t area, uint64_t offset, uint32_t width, uint64_t value,
                  bool powered);
    /* one access to configuration space; offset in bytes */
    void (*config)(void *context, bool write, uint32_t vf, uint32_t offset, uint32_t width, uint64_t value);
    /* an MSI-X message that left the device: address and data out of entry `index` at that moment */
    void (*message)(void *context, uint32_t vf, uint32_t index, uint64_t address, uint32_t data);
    /* a guest write that came to pass; offset in the VF's reserve */
    void (*guest_write)(void *context, uint32_t vf, uint64_t offset, uint64_t size, uint64_t hash);
    void *context;
};

struct gpup_device_ops {
    uint32_t size;    /* sizeof(struct gpup_device_ops) that the author compiled with */
    uint32_t version; /* GPUP_DEVICE_VERSION */

    /* Life. There is no destroy: the memory goes with the world. create: NULL on failure. host 0/1:
     * addresses, LUIDs and serial numbers differ between hosts. */
    void *(*create)(const struct gpup_world_config *config, uint32_t host, const struct gpup_memory *memory);
    void (*attach)(void *device, const struct gpup_device_log *log); /* log is copied */
    void (*describe)(void *device, struct gpup_device_shape *shape); /* required */

    /* Time. Absolute simulated nanoseconds, never backwards. next_event: when something happens by itself
     * (work ends, a command completes), UINT64_MAX when nothing is due. advance: all of that up to now_ns. */
    uint64_t (*next_event)(void *device);
    void (*advance)(void *device, uint64_t now_ns);

    /* Bus, for drivers with DriverEntry. Physical addresses, width 1, 2, 4 or 8 bytes, values little-endian;
     * a read that nothing claims gives all ones, a write there is lost. */
    bool (*bar)(void *device, unsigned index, uint64_t *physical,
                uint64_t *size); /* PF BARs 0..5, as assigned */
    uint64_t (*bus_read)(void *device, uint64_t physical, uint32_t width);
    void (*bus_write)(void *device, uint64_t physical, uint32_t width, uint64_t value);
    uint32_t (*config_read)(void *device, uint32_t offset,
                            uint32_t width); /* PF configuration space, 4096 bytes */
    void (*config_write)(void *device, uint32_t offset, uint32_t width, uint32_t value);
    bool (*claims)(void *device, uint64_t physical, uint64_t size); /* is this range the device's */
    bool (*take_interrupt)(void *device, uint32_t *message);        /* next pending PF interrupt, if any */
    /* gives the device access to host memory (DMA); functions return false on a bad address */
    void (*set_dma)(void *device, bool (*read)(void *context, uint64_t physical, void *out, size_t size),
                    bool (*write)(void *context, uint64_t physical, const void *in, size_t size),
                    void *context);

    /* Observers: reading changes nothing, neither the device nor a generation. offset and size in bytes.
     * false / 0: cannot be read now. Buffers are the caller's. */
    bool (*read_msix)(void *device, uint32_t vf, uint8_t *entries); /* 16 * msix_entries bytes */
    bool (*read_msix_control)(void *device, uint32_t vf, struct gpup_msix_control *control);
    bool (*read_schedule)(void *device, uint32_t vf, struct gpup_schedule *schedule);
    /* one bit a dirty_page, the page at `offset` in bit 0 of byte 0; tracking: whether all of them are
     * tracked */
    bool (*read_dirty)(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint8_t *bits,
                       bool *tracking);
    /* what the guest can see of its VF, in a fixed order, without host addresses: equal after a migration.
     * Bytes written; 0 when capacity is too small */
    size_t (*read_guest)(void *device, uint32_t vf, uint8_t *state, size_t capacity);
    size_t (*read_config)(void *device, uint32_t vf, uint8_t *bytes, size_t capacity);
    bool (*read_vram)(void *device, uint32_t segment, uint64_t offset, void *out, uint64_t size);
    /* 0 for zeros; the same content has the same hash at any place */
    bool (*hash_vram)(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash);
    bool (*read_work)(void *device, uint32_t vf, struct gpup_work *work);
    /* Changes whenever the reading of that observer (one enum gpup_observer bit, spec.h) may have changed;
     * observer 0: whenever any reading of any function may have. */
    uint64_t (*generation)(void *device, uint32_t vf, uint32_t observer);

    /* Stimuli. false: the device cannot do it now (for example a VF without power). */
    bool (*write_vram)(void *device, uint32_t segment, uint64_t offset, const void *in,
                       uint64_t size); /* host paging */
    bool (*copy_vram)(void *device, uint32_t segment, uint64_t offset, void *from, uint32_t from_segment,
                      uint64_t from_offset,
                      uint64_t size); /* paging between two devices of this kind; sparse-aware */
    /* the VF's hardware signals MSI-X entry `index`: sent, or pending behind a mask */
    bool (*raise)(void *device, uint32_t vf, uint32_t index);
    /* the guest's own accesses; offset in the VF's reserve */
    bool (*guest_write)(void *device, uint32_t vf, uint64_t offset, const void *in, uint64_t size);
    bool (*guest_read)(void *device, uint32_t vf, uint64_t offset, void *out, uint64_t size);
    /* `units` of work are queued; what they write follows from seed alone */
    bool (*guest_work)(void *device, uint32_t vf, uint32_t units, uint64_t seed);
    bool (*guest_set_register)(void *device, uint32_t vf, uint32_t index, uint32_t value);
    /* faults: after `after` more completions of driver commands, the next `count` never come */
    void (*lose_completions)(void *device, uint32_t after, uint32_t count);
    void (*remove)(void *device);      /* surprise removal, for good: every access gives all ones */
    void (*power_cycle)(void *device); /* D3cold and back of the physical GPU */
};

#endif
