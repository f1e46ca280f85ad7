/* State of the second GPU, shared by the files of this room. A VF number from outside is checked before it
 * indexes anything; inside, the PF is one more function behind the VFs. */
#ifndef GPUP_SECOND_STATE_H
#define GPUP_SECOND_STATE_H

#include "../../device/pci.h"
#include "device.h"
#include "registers.h"
#include <gpup/spec.h>
#include <gpup/trace.h>

#define SGPU_PAGE 4096u         /* unit of VRAM storage and of content hashes */
#define SGPU_LEAF_PAGES 512u    /* pages of one leaf: 2 MiB */
#define SGPU_NEVER UINT64_MAX   /* as a time */
#define SGPU_QUEUE 64u          /* work orders one VF can hold */
#define SGPU_QUEUE_UNITS 65536u /* work units in them */
#define SGPU_UNIT_NS 10000u     /* one work unit */
#define SGPU_US 1000u           /* ns */
#define SGPU_MSIX_MAX 8u        /* entries of the largest table, the PF's */
#define SGPU_MSIX_ENTRY 16u     /* bytes */
#define SGPU_CONTEXT_MAX 1600u

/* --- VRAM: missing leaves and pages are zeros --- */
struct sgpu_page {
    uint64_t hash;
    bool hashed; /* hash is current */
    struct sgpu_page *next;
    uint8_t bytes[SGPU_PAGE];
};
struct sgpu_leaf {
    struct sgpu_page *page[SGPU_LEAF_PAGES];
};
struct sgpu_segment {
    uint64_t size, pages; /* pages: of tracking, 0: none */
    uint32_t shift;       /* log2 of the tracking page */
    struct sgpu_leaf **leaf;
    uint64_t *tracked, *dirty; /* a bit a tracking page; dirty only where tracked */
};

/* --- functions --- */
struct sgpu_msix {
    uint8_t table[SGPU_MSIX_MAX * SGPU_MSIX_ENTRY];
    uint32_t entries, pending;
    bool enable, function_mask;
};
struct sgpu_aperture {
    uint32_t segment;            /* index, from 0 */
    uint64_t offset, size, base; /* base: in the guest's space */
};
struct sgpu_space {
    struct sgpu_aperture *aperture;
    uint32_t count, capacity;
    uint64_t size;
};
struct sgpu_order {
    uint64_t seed;
    uint32_t units; /* not completed yet */
};
/* What the guest sees of its VF, and what an export keeps of it. */
struct sgpu_context {
    uint32_t reg[SECOND_GUEST_REGISTERS];
    uint64_t queued, completed, sequence, engine;
    uint32_t orders;
    struct sgpu_order order[SGPU_QUEUE];
};
struct sgpu_log {
    uint32_t entry[SECOND_LOG_ENTRIES], first, count;
    bool overflow;
};
struct sgpu_function {
    struct sgpu_context context;
    struct sgpu_msix msix;
    struct sgpu_space space, spare;
    struct sgpu_log log;
    uint32_t control, quantum, paging;
    uint32_t msix_index, cfg_address; /* of its window */
    uint16_t command;
    bool d0, rested;
    enum { SGPU_IDLE, SGPU_WAITING, SGPU_IN_FLIGHT } phase; /* waiting: for its turn */
    uint64_t until;                                         /* end of the phase */
    uint64_t generation[GPUP_OBSERVER_COUNT];
};

struct sgpu_mailbox {
    uint32_t word[SECOND_MB_WORDS + 4], index, order, sequence;
    bool busy;
    uint64_t due;
};

struct sgpu {
    struct gpup_memory memory;
    struct gpup_device_log log;
    bool (*dma_read)(void *context, uint64_t physical, void *out, size_t size);
    bool (*dma_write)(void *context, uint64_t physical, const void *in, size_t size);
    void *dma_context;

    uint64_t now, powered_at, serial, changes;
    bool removed, free_tracking;
    uint32_t lose, lose_after;      /* the next `lose` completions behind that many never come */
    uint8_t config[GPUP_PCI_SPACE]; /* of the PF */
    uint32_t messages;              /* of the PF, that wait for take_interrupt */
    uint32_t cause, enable;
    uint64_t drained, faulted;
    struct sgpu_mailbox mailbox;

    uint32_t segments;
    struct sgpu_segment segment[SECOND_MAX_SEGMENTS];
    struct sgpu_page *free_pages;
    uint32_t vfs;
    struct sgpu_function *function; /* vfs + 1 of them */
};

/* --- small helpers --- */
static inline uint64_t sgpu_mix(uint64_t x) {
    x = (x ^ x >> 31) * 0x7FB5D329728EA185u;
    x = (x ^ x >> 27) * 0x81DADEF4BC2DD44Du;
    return x ^ x >> 33;
}
static inline bool sgpu_inside(uint64_t offset, uint64_t size, uint64_t whole) {
    return offset <= whole && size <= whole - offset;
}
static inline void *sgpu_alloc(struct sgpu *gpu, size_t size) {
    return gpu->memory.alloc(gpu->memory.context, size);
}
/* The function behind the number that the outside uses, or NULL. */
static inline struct sgpu_function *sgpu_function(const struct sgpu *gpu, uint32_t vf) {
    return vf < gpu->vfs ? &gpu->function[vf] : vf == GPUP_PF ? &gpu->function[gpu->vfs] : NULL;
}
/* Configuration space of the PF: aligned, inside. */
static inline uint32_t sgpu_config(const struct sgpu *gpu, uint32_t offset) {
    return gpup_pci_dword(gpu->config, offset);
}

/* observe.c: a reading of these observers may have changed. */
void sgpu_changed(struct sgpu *gpu, uint32_t vf, uint32_t observers);
void sgpu_changed_all(struct sgpu *gpu, uint32_t observers);

/* vram.c: offsets and sizes are checked; false: outside, or no memory */
bool sgpu_vram_new(struct sgpu *gpu, struct sgpu_segment *segment, uint64_t size, uint32_t shift);
bool sgpu_vram_read(struct sgpu *gpu, uint32_t segment, uint64_t offset, void *out, uint64_t size);
bool sgpu_vram_write(struct sgpu *gpu, uint32_t segment, uint64_t offset, const void *in, uint64_t size);
bool sgpu_vram_fill(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint32_t pattern);
bool sgpu_vram_copy(struct sgpu *gpu, uint32_t segment, uint64_t offset, struct sgpu *from,
                    uint32_t from_segment, uint64_t from_offset, uint64_t size);
bool sgpu_vram_hash(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash);
uint64_t sgpu_hash_bytes(const void *bytes, size_t size); /* 0 only for zeros */

/* tracking.c: pages first..first+count-1 of a segment that has tracking, inside it */
enum sgpu_track { SGPU_TRACK_ARM, SGPU_TRACK_REARM, SGPU_TRACK_OFF };
void sgpu_track(struct sgpu *gpu, uint32_t segment, uint64_t first, uint64_t count, enum sgpu_track what);
void sgpu_track_forget(struct sgpu *gpu); /* all pages off, all logs empty */
void sgpu_track_write(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size);
bool sgpu_track_dirty(const struct sgpu_segment *segment, uint64_t page);
bool sgpu_track_on(const struct sgpu_segment *segment, uint64_t first, uint64_t count); /* every page */
/* One bit a page, the first in bit 0 of byte 0: which are dirty. */
void sgpu_track_bits(const struct sgpu_segment *segment, uint64_t first, uint64_t count, uint8_t *bits);
uint32_t sgpu_log_pop(struct sgpu *gpu, struct sgpu_function *function);

/* msix.c */
void sgpu_msix_reset(struct sgpu *gpu, uint32_t vf);
void sgpu_msix_control(struct sgpu *gpu, uint32_t vf, bool enable, bool function_mask);
void sgpu_msix_raise(struct sgpu *gpu, uint32_t vf, uint32_t index);
/* Bytes of the table that come from the bus. */
void sgpu_msix_write(struct sgpu *gpu, uint32_t vf, uint64_t offset, uint32_t width, uint64_t value);
void sgpu_msix_flush(struct sgpu *gpu, uint32_t vf); /* sends what is pending and no longer held back */
void sgpu_cause(struct sgpu *gpu, uint32_t bits);    /* PF interrupt causes that occur */
void sgpu_enable(struct sgpu *gpu, uint32_t bits);

/* vf.c */
bool sgpu_vf_exists(const struct sgpu *gpu, uint32_t vf);
void sgpu_vf_flr(struct sgpu *gpu, uint32_t vf);
void sgpu_vf_gone(struct sgpu *gpu, uint32_t vf);        /* as it is before VF Enable is set */
bool sgpu_vf_alive(const struct sgpu *gpu, uint32_t vf); /* the guest side may act */
bool sgpu_vf_write(struct sgpu *gpu, uint32_t vf, uint64_t offset, const void *in, uint64_t size);
bool sgpu_vf_read(struct sgpu *gpu, uint32_t vf, uint64_t offset, void *out, uint64_t size);

/* aperture.c: count records at that address; a SECOND_ result */
uint32_t sgpu_apertures_load(struct sgpu *gpu, uint32_t vf, uint64_t physical, uint32_t count);
uint32_t sgpu_aperture_owner(const struct sgpu *gpu, uint32_t segment, uint64_t offset); /* a VF or GPUP_PF */

/* sched.c */
bool sgpu_sched_runs(const struct sgpu *gpu, uint32_t vf); /* may execute now */
bool sgpu_sched_rest(const struct sgpu *gpu, uint32_t vf); /* neither that nor in flight */
void sgpu_sched_update(struct sgpu *gpu, uint32_t vf);     /* something that rules its execution changed */
void sgpu_sched_preempt(struct sgpu *gpu, uint32_t vf);    /* the unit in flight never happened */
void sgpu_sched_due(struct sgpu *gpu, uint32_t vf);        /* its phase is over */
bool sgpu_sched_queue(struct sgpu *gpu, uint32_t vf, uint32_t units, uint64_t seed);
void sgpu_sched_quantum(struct sgpu *gpu, uint32_t vf, bool paging, uint32_t us);

/* context.c: both give the bytes used */
uint32_t sgpu_context_guest(const struct sgpu *gpu, uint32_t vf, uint8_t out[SGPU_CONTEXT_MAX]);
uint32_t sgpu_context_export(const struct sgpu *gpu, uint32_t vf, uint8_t out[SGPU_CONTEXT_MAX]);
bool sgpu_context_import(struct sgpu *gpu, uint32_t vf, const uint8_t *in, uint32_t size);

/* mailbox.c, orders.c */
uint32_t sgpu_mailbox_read(struct sgpu *gpu, uint32_t reg);
void sgpu_mailbox_write(struct sgpu *gpu, uint32_t reg, uint32_t value);
void sgpu_mailbox_due(struct sgpu *gpu);
uint32_t sgpu_order_run(struct sgpu *gpu,
                        struct sgpu_mailbox *mailbox); /* its result, at the moment it is done */
uint64_t sgpu_order_ns(const struct sgpu *gpu, const struct sgpu_mailbox *mailbox);

/* registers.c: PF BAR2 and guest registers, aligned words */
uint32_t sgpu_register_read(struct sgpu *gpu, uint32_t offset);
void sgpu_register_write(struct sgpu *gpu, uint32_t offset, uint32_t value);
uint32_t sgpu_guest_read(const struct sgpu *gpu, uint32_t vf, uint64_t offset);
void sgpu_guest_write(struct sgpu *gpu, uint32_t vf, uint64_t offset, uint32_t value);

/* config.c, vfconfig.c: aligned dwords */
void sgpu_config_new(struct sgpu *gpu, uint32_t host, uint64_t seed);
void sgpu_config_power_lost(struct sgpu *gpu);
void sgpu_vfconfig_space(const struct sgpu *gpu, uint32_t vf, uint8_t space[GPUP_PCI_SPACE]); /* all of it */
uint32_t sgpu_vfconfig(const struct sgpu *gpu, uint32_t vf, uint32_t offset);
void sgpu_vfconfig_write(struct sgpu *gpu, uint32_t vf, uint32_t offset, uint32_t value, uint32_t mask);

#endif
