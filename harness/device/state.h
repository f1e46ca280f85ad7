/*
 * State of the simulated GPU, shared by the files of this room. Everything lives in memory of the world; a
 * VF number that comes from outside is checked before it indexes anything.
 */
#ifndef GPUP_GPU_STATE_H
#define GPUP_GPU_STATE_H

#include "pci.h"
#include "registers.h"
#include <gpup/gpu.h>
#include <gpup/spec.h>
#include <string.h>

#define GPU_PAGE 4096u            /* unit of VRAM storage and of content hashes */
#define GPU_NEVER UINT64_MAX      /* as a time */
#define GPU_QUEUE 64u             /* work orders one VF can hold */
#define GPU_QUEUE_UNITS 65536u    /* work units in them */
#define GPU_UNIT_NS 10000u        /* one work unit at full share */
#define GPU_TIMESLICE_NS 1000000u /* GPU time of one slice */
#define GPU_ENGINE_WORDS 16u      /* engine context */
#define GPU_SHARE_ALL 1000000u    /* parts per million */
#define GPU_MSIX_MAX 2048u        /* entries of one table */
#define GPU_MSIX_ENTRY 16u        /* bytes */
#define GPU_OBSERVERS GPUP_OBSERVER_COUNT

/* --- VRAM (vram.c, dirty.c) ---------------------------------------------------------------------------- */
struct gpu_page {
    uint64_t hash;
    bool hashed;           /* hash is current */
    struct gpu_page *next; /* in the free list */
    uint8_t bytes[GPU_PAGE];
};
/* Sparse: a missing pointer at any level is zeros. */
#define GPU_FAN 64u
struct gpu_leaf {
    struct gpu_page *page[GPU_FAN];
};
struct gpu_branch {
    struct gpu_leaf *leaf[GPU_FAN];
};
#define GPU_BRANCH_BYTES ((uint64_t)GPU_FAN * GPU_FAN * GPU_PAGE)

/* Tracking counts as breakpoints: pages from `page` to the next breakpoint are tracked `count` times. */
struct gpu_break {
    uint64_t page;
    uint32_t count;
};
#define GPU_BREAKS_MAX 16384u
#define GPU_DIRTY_BLOCK 4096u /* bits of the plane that are allocated together */

struct gpu_segment {
    uint64_t size;
    struct gpu_branch **branch;
    uint32_t page;        /* bytes of one dirty bit, 0: no plane */
    uint64_t dirty_pages; /* pages of the plane */
    uint64_t **plane;     /* blocks of GPU_DIRTY_BLOCK bits; NULL: zeros */
    struct gpu_break *breaks;
    uint32_t break_count, break_capacity; /* the first breakpoint is at page 0 */
};

/* --- functions ----------------------------------------------------------------------------------------- */
struct gpu_msix {
    uint8_t *table;
    uint32_t entries;
    bool enable, function_mask;
    uint64_t pending[GPU_MSIX_MAX / 64];
};

struct gpu_range {
    uint32_t segment; /* index, from 0 */
    uint64_t offset, size;
    uint64_t base; /* in the VF's space */
};

struct gpu_map {
    struct gpu_range *ranges;
    uint32_t count, capacity;
    uint64_t size;
};

struct gpu_order {
    uint64_t seed;
    uint32_t units; /* not completed yet */
};

/* What the guest can see of its VF, and what VF_SAVE keeps of it. */
struct gpu_context {
    uint32_t scratch[GPU_VF_SCRATCHES];
    uint64_t engine[GPU_ENGINE_WORDS];
    uint32_t doorbell[GPU_VF_DOORBELLS];
    uint64_t queued, completed, sequence;
    uint64_t timeslice; /* ns that are left */
    uint32_t orders;
    struct gpu_order order[GPU_QUEUE];
};

struct gpu_vf {
    struct gpu_context context;
    struct gpu_msix msix;
    uint16_t command; /* of its configuration space */
    bool powered, enabled, paused, busy;
    uint32_t draining;   /* commands that wait for its work in flight */
    uint64_t busy_until; /* when busy */
    uint32_t share, paging;
    struct gpu_map map, spare; /* spare: memory for the next map */
    uint64_t generation[GPU_OBSERVERS];
};

struct gpu_slot {
    uint32_t opcode, vf, tag, flags, arg[8], dma_lo, dma_hi, dma_size;
    uint32_t status, result, length;
    bool drains; /* counted in its VF's draining */
    uint64_t due;
};

struct gpu {
    struct gpup_memory memory;
    struct gpup_device_log log;
    bool (*dma_read)(void *context, uint64_t physical, void *out, size_t size);
    bool (*dma_write)(void *context, uint64_t physical, const void *in, size_t size);
    void *dma_context;

    uint64_t now, powered_at;
    uint64_t next; /* earliest event, valid while next_valid */
    bool next_valid, removed;
    uint64_t serial;
    uint32_t features, lose, lose_after; /* the next `lose` completions behind that many never come */

    uint8_t config[GPUP_PCI_SPACE]; /* of the PF */
    struct gpu_msix msix;           /* of the PF */
    uint64_t messages;              /* PF messages that wait for take_interrupt, one bit each */
    uint32_t int_status, int_mask, int_sent, command_done;
    uint64_t vf_fault;
    uint64_t ring;
    uint32_t ring_count, ring_head, ring_phase;
    struct gpu_slot slot[GPU_SLOTS];
    uint32_t share, paging; /* of the PF */
    uint64_t generation[GPU_OBSERVERS];
    uint64_t changes; /* of any reading */

    uint32_t segments;
    struct gpu_segment segment[GPU_MAX_SEGMENTS];
    struct gpu_page *free_pages;

    uint32_t msix_entries, msix_bar, msix_offset, pba_offset;
    uint32_t vfs;
    uint8_t msix_reserved; /* bits 23:16 of a vector control after reset */
    struct gpu_vf *vf;
};

/* --- small helpers ------------------------------------------------------------------------------------- */
static inline uint64_t gpu_mix(uint64_t x) {
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Is [offset, offset + size) inside `whole`, without overflow. */
static inline bool gpu_inside(uint64_t offset, uint64_t size, uint64_t whole) {
    return offset <= whole && size <= whole - offset;
}

static inline void *gpu_alloc(struct gpu *gpu, size_t size) {
    return gpu->memory.alloc(gpu->memory.context, size);
}

/* Configuration space of the PF: aligned, inside. */
static inline uint32_t gpu_config_dword(const struct gpu *gpu, uint32_t offset) {
    return gpup_pci_dword(gpu->config, offset);
}

/* observe.c: a reading of `observer` (enum gpup_observer bits) of that VF may have changed. */
void gpu_changed(struct gpu *gpu, uint32_t vf, uint32_t observers);
void gpu_changed_all(struct gpu *gpu, uint32_t observers);

/* --- vram.c, hash.c: offsets and sizes are checked here; false: outside, or no memory ------------------- */
bool gpu_vram_new(struct gpu *gpu, struct gpu_segment *segment, uint64_t size);
bool gpu_vram_read(struct gpu *gpu, uint32_t segment, uint64_t offset, void *out, uint64_t size);
bool gpu_vram_write(struct gpu *gpu, uint32_t segment, uint64_t offset, const void *in, uint64_t size);
bool gpu_vram_fill(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint32_t pattern);
bool gpu_vram_copy(struct gpu *gpu, uint32_t segment, uint64_t offset, struct gpu *from,
                   uint32_t from_segment, uint64_t from_offset, uint64_t size);
bool gpu_vram_hash(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash);
/* The stored page that holds byte `offset`, or NULL: zeros. offset is inside. */
struct gpu_page *gpu_vram_page(const struct gpu_segment *segment, uint64_t offset);
/* Next offset at or above `offset` where a page may be stored; the segment's size when there is none. */
uint64_t gpu_vram_next(const struct gpu_segment *segment, uint64_t offset);
uint64_t gpu_hash_bytes(const void *bytes, size_t size); /* 0 only for zeros */

/* --- dirty.c -------------------------------------------------------------------------------------------- */
bool gpu_dirty_new(struct gpu *gpu, struct gpu_segment *segment);
bool gpu_dirty_mark(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size);
/* A GPU_RESULT_; offset and size must be multiples of the dirty page inside the segment. */
uint32_t gpu_dirty_track(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, bool start);
void gpu_dirty_untrack_all(struct gpu *gpu, uint32_t segment);
bool gpu_dirty_tracked(struct gpu *gpu, uint32_t segment, uint64_t first, uint64_t count);
/* Bits of `count` pages, first page in bit 0; writes (count + 7) / 8 bytes. */
void gpu_dirty_copy(struct gpu *gpu, uint32_t segment, uint64_t first, uint64_t count, uint8_t *bits);
void gpu_dirty_clear(struct gpu *gpu, uint32_t segment, uint64_t first, uint64_t count);

/* --- msix.c: vf GPUP_PF is the PF ----------------------------------------------------------------------- */
struct gpu_msix *gpu_msix_of(struct gpu *gpu, uint32_t vf);
bool gpu_msix_new(struct gpu *gpu, struct gpu_msix *msix, uint32_t entries);
void gpu_msix_reset(struct gpu *gpu, uint32_t vf);
void gpu_msix_control(struct gpu *gpu, uint32_t vf, bool enable, bool function_mask);
void gpu_msix_raise(struct gpu *gpu, uint32_t vf, uint32_t index);
void gpu_msix_write(struct gpu *gpu, uint32_t vf, uint64_t offset, uint32_t width, uint64_t value);
uint64_t gpu_msix_read(const struct gpu_msix *msix, uint64_t offset, uint32_t width);
uint64_t gpu_msix_read_pba(const struct gpu_msix *msix, uint64_t offset, uint32_t width);
/* Sends what is pending and no longer masked. */
void gpu_msix_flush(struct gpu *gpu, uint32_t vf);

/* --- vf.c ------------------------------------------------------------------------------------------------
 */
bool gpu_vf_exists(const struct gpu *gpu, uint32_t vf);
void gpu_vf_reset(struct gpu *gpu, uint32_t vf); /* function level reset */
void gpu_vf_gone(struct gpu *gpu, uint32_t vf);  /* VF Enable went away: reset, off the run list, no power */
/* The guest's own accesses; false: outside its map, or no memory. */
bool gpu_vf_write(struct gpu *gpu, uint32_t vf, uint64_t offset, const void *in, uint64_t size);
bool gpu_vf_read(struct gpu *gpu, uint32_t vf, uint64_t offset, void *out, uint64_t size);

/* --- map.c: `ranges` range records as the data sheet has them; a GPU_RESULT_ ---------------------------- */
uint32_t gpu_map_load(struct gpu *gpu, uint32_t vf, uint64_t physical, uint32_t ranges);
void gpu_map_clear(struct gpu *gpu, uint32_t vf);

/* --- sched.c ---------------------------------------------------------------------------------------------
 */
bool gpu_sched_runs(const struct gpu *gpu, uint32_t vf);  /* may execute now */
bool gpu_sched_guest(const struct gpu *gpu, uint32_t vf); /* the guest side of it is alive */
void gpu_sched_kick(struct gpu *gpu, uint32_t vf);        /* starts work if it can */
void gpu_sched_finish(struct gpu *gpu, uint32_t vf);      /* the unit in flight is done */
void gpu_sched_stop(struct gpu *gpu, uint32_t vf);        /* the unit in flight never happened */
bool gpu_sched_queue(struct gpu *gpu, uint32_t vf, uint32_t units, uint64_t seed);
bool gpu_sched_shares(struct gpu *gpu, uint32_t vf, uint32_t share, uint32_t paging);

/* --- context.c -------------------------------------------------------------------------------------------
 */
#define GPU_GUEST_SIZE                                                                                       \
    (4 * GPU_VF_SCRATCHES + 8 * GPU_ENGINE_WORDS + 4 * GPU_VF_DOORBELLS + 4 * 8 + 4 + 12 * GPU_QUEUE)
#define GPU_CONTEXT_SIZE (24 + GPU_GUEST_SIZE + 4 + GPU_MSIX_MAX / 8)
void gpu_context_reset(struct gpu_context *context);
void gpu_context_guest(const struct gpu_context *context, uint8_t out[GPU_GUEST_SIZE]);
void gpu_context_save(struct gpu *gpu, uint32_t vf, uint8_t out[GPU_CONTEXT_SIZE]);
bool gpu_context_restore(struct gpu *gpu, uint32_t vf, const uint8_t *in, size_t size);

/* --- command.c, execute.c --------------------------------------------------------------------------------
 */
uint32_t gpu_slot_read(const struct gpu *gpu, uint32_t offset); /* from the first slot */
void gpu_slot_write(struct gpu *gpu, uint32_t offset, uint32_t value);
void gpu_slot_complete(struct gpu *gpu, uint32_t slot);
void gpu_slots_reset(struct gpu *gpu);
/* What a command does when it completes: its GPU_RESULT_. Sets slot->length. */
uint32_t gpu_execute(struct gpu *gpu, struct gpu_slot *slot);
uint64_t gpu_execute_time(const struct gpu *gpu, const struct gpu_slot *slot); /* ns on an idle part */

/* --- interrupt.c -----------------------------------------------------------------------------------------
 */
void gpu_interrupt(struct gpu *gpu, uint32_t status); /* sets bits */
void gpu_interrupt_check(struct gpu *gpu);            /* after status or mask changed */
void gpu_completion_record(struct gpu *gpu, uint32_t slot);

/* --- config.c, vfconfig.c, bars.c, bus.c, mmio.c -------------------------------------------------------- */
void gpu_config_new(struct gpu *gpu, uint32_t host, uint64_t seed);
void gpu_config_power_lost(struct gpu *gpu);
uint32_t gpu_vfconfig_dword(const struct gpu *gpu, uint32_t vf, uint32_t offset);
uint64_t gpu_vfconfig_read(struct gpu *gpu, uint32_t vf, uint32_t offset, uint32_t width);
void gpu_vfconfig_write(struct gpu *gpu, uint32_t vf, uint32_t offset, uint32_t width, uint64_t value);

/* Where a physical address leads. vf GPUP_PF: a BAR of the PF. bar: 0, 2, 4. */
struct gpu_place {
    uint32_t vf, bar;
    uint64_t offset, left; /* left: bytes to the end of this BAR */
};
bool gpu_bar_find(const struct gpu *gpu, uint64_t physical, struct gpu_place *place);

uint32_t gpu_pf_read(const struct gpu *gpu, uint32_t offset); /* BAR0, aligned 32 bits */
void gpu_pf_write(struct gpu *gpu, uint32_t offset, uint32_t value);
uint32_t gpu_vf_register_read(const struct gpu *gpu, uint32_t vf, uint32_t bar, uint64_t offset);
void gpu_vf_register_write(struct gpu *gpu, uint32_t vf, uint32_t bar, uint64_t offset, uint32_t value);

#endif
