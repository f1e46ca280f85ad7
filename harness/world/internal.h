/* What the files of this room share. One world is one allocation tree in its arena, apart from the transient
 * copies of argument buffers, so that restoring the arena restores the world. */
#ifndef GPUP_WORLD_INTERNAL_H
#define GPUP_WORLD_INTERNAL_H

#include <gpup/binding.h>
#include <gpup/machine.h>
#include <gpup/os.h>
#include <gpup/spec.h>
#include <gpup/spec_ids.h>
#include <gpup/world.h>

#define WORLD_SLOTS 8  /* basis slots per VF, process slots per host */
#define WORLD_BLOBS 16 /* shared by both hosts */
#define WORLD_BASES 64 /* bases alive at a time on one host */
#define WORLD_BUFFERS 6
#define WORLD_COPIES 32                 /* sizes of what is kept of a buffer: 64 bytes and its doubles */
#define WORLD_RESERVE ((size_t)2 << 30) /* of its arena: address space only */
#define WORLD_BLOB_MAX (16u << 20)

struct range {
    uint32_t segment;
    uint64_t offset, size; /* bytes in the segment */
};

struct basis {
    bool live;
    HANDLE raw;
    uint64_t object; /* number in the trace */
    uint32_t vf;
    uint32_t segment;
    uint32_t count;
    struct range *ranges; /* in the order given to the driver */
    uint64_t *at;         /* place of each range in the VF's reserve */
    uint64_t pages;
};

struct vf {
    bool created;
    LUID luid;
    struct {
        uint32_t segment, alignment;
        uint64_t size;
    } asked[GPUP_MAX_SEGMENTS]; /* by CreateVirtualGpu: one a segment */
    uint32_t asked_count;
    bool emulation;        /* CreateVirtualGpu named an emulation DLL */
    struct range *reserve; /* as assigned; before that, where it will be */
    uint32_t reserve_count;
    struct range at_create[GPUP_MAX_SEGMENTS]; /* what reserve points to at first */
    struct range *plan; /* of PlaceReserve, for the next assignment; NULL: the reserve */
    uint32_t plan_count;
    uint64_t reserve_size;
    int8_t slot[WORLD_SLOTS]; /* index in host.bases, -1 none */
    HANDLE stale;             /* last destroyed basis */
    uint64_t need[2];         /* what the last size phase asked for: immutable, mutable */
    bool sized[2];
    HANDLE vmbus, vmbus_stale; /* in use; closed last */
    uint64_t cookie;
    uint32_t msix_capability;           /* offset in configuration space, 0 unknown */
    uint32_t mitigated[6], mmio[6];     /* ranges of each BAR, as last counted */
    DXGK_INTERRUPT_TABLE_ENTRY *shadow; /* the guest's table as Dxgkrnl tracks it */
    uint8_t *shadow_known;
};

struct seen { /* last reading of each observer, so that only changes are emitted */
    uint64_t generation[GPUP_OBSERVER_COUNT];
    uint64_t hash[GPUP_OBSERVER_COUNT];
};

struct process {
    bool live;
    bool worker;
    HANDLE raw;
    uint64_t object;
};

struct host {
    struct gpup_world *world;
    uint32_t index;
    struct gpup_os *os;
    const struct gpup_device_ops *device_ops;
    void *device;
    struct gpup_open open; /* tables form */
    void *image_copy;      /* the implementation's writable sections while the other host is current */
    uint64_t call;         /* number of the call at hand, 0 outside */
    bool loaded, added, started, partitioned;
    bool over;      /* it has no driver any more and can have none: no step is made on it */
    bool supported; /* GetGpuPartitionInfo answered: the GPU takes part in partitioning */
    bool fail_next;
    HANDLE adapter;
    DRIVER_INITIALIZATION_DATA ddis;
    DXGKDDI_GPU_PARTITION_INTERFACE partition;
    DXGKDDI_SRIOV_INTERFACE sriov;
    DXGKDDI_MITIGABLE_DEVICE_INTERFACE mitigable;
    DXGKDDI_FLEXIOV_DEVICE_INTERFACE flexiov;
    bool has[5]; /* by enum gpup_ddi_table - 1 */
    struct gpup_device_shape shape;
    uint32_t observers;
    DXGK_GPUPCAPS caps;
    DXGK_DIRTY_BIT_TRACKING_CAPS dirty_caps;
    uint32_t dirty_page[GPUP_MAX_SEGMENTS + 1];   /* by segment id */
    uint64_t reserve_page[GPUP_MAX_SEGMENTS + 1]; /* SCATTER_RESERVE, by segment id; 0 unknown */
    uint16_t options[64];
    uint32_t option_count;
    uint32_t partitions; /* set so far, 0 none */
    uint32_t differs;    /* bits 1 << enum gpup_difference that the driver declared */
    uint64_t used_vram[GPUP_MAX_SEGMENTS + 1];
    struct gpup_machine_state machines;
    uint32_t placed; /* VFs from here on have neither reserve nor plan */
    struct vf vf[GPUP_MAX_VFS];
    struct basis bases[WORLD_BASES];
    struct process process[WORLD_SLOTS];
    struct seen seen[GPUP_MAX_VFS + 1]; /* last: the PF */
    struct framework *framework;        /* framework.h; NULL until a step asks for it */
    uint64_t seen_pool[2];
    uint64_t next_object;
    bool asleep;             /* the physical function is in D3 */
    bool removed;            /* the hardware was */
    bool older;              /* it was started with a table that is shorter than ours */
    struct gpup_step change; /* the last ChangeBuffer */
    bool to_change;          /* and it waits for its call */
    bool resource_told;      /* GetResourceForBar succeeded once */
    uint64_t first_resource; /* and gave that address */
    void *lent;              /* the DXGKRNL_INTERFACE that StartDevice was given, overwritten since */
};

struct blob {
    uint8_t *bytes; /* malloc'ed */
    size_t size;
    bool there, edited; /* edited: not as it was saved */
};

struct gpup_world {
    struct gpup_arena *arena;
    const struct gpup_implementation *implementation;
    struct gpup_image *image;
    struct gpup_world_config config;
    struct gpup_trace_sink sink;
    struct host host[GPUP_MAX_HOSTS];
    struct blob blob[WORLD_BLOBS];
    uint32_t current_host; /* whose writable sections are in place */
    uint32_t step;
    uint8_t class; /* of the step at hand */
    uint64_t calls, steps;
    uint64_t objects;
    bool page_guards;
    bool broken;   /* the suite itself failed: out of memory */
    void *scratch; /* of the observers, in the arena */
    size_t scratch_size;
    bool started; /* some adapter started at least once */
    enum gpup_outcome outcome;
    void *image_at_snapshot;
    struct blob blob_at_snapshot[WORLD_BLOBS];
    struct copy *copies[WORLD_COPIES]; /* free ones by size, call.c */
    struct lanes *lanes;               /* of lanes.c, NULL until the first Together */
};

/* A machine that died did so with all of its adapters. */
static inline bool host_dead(const struct host *h) {
    return gpup_os_dead(h->os);
}

/* --- emit.c
 * ---------------------------------------------------------------------------------------------------- */
void world_emit(struct host *h, struct gpup_event *event); /* fills host, step, call and hands it on */
struct gpup_event world_event(struct host *h, unsigned kind);
void world_skip(struct host *h, enum gpup_skip reason, const char *why);
struct gpup_emitter world_emitter(struct host *h);
uint8_t world_bus(const struct gpup_world *w, uint32_t host); /* number of that PF's bus */
struct gpup_device_log world_device_log(struct host *h);

/* --- call.c
 * ---------------------------------------------------------------------------------------------------- */
/* SHOW: an argument structure without pointers, whose bytes stand in the trace. */
enum {
    DDI_IN = 1,
    DDI_OUT = 2,
    DDI_CONST = 4,
    DDI_READ_ONLY = 8,
    DDI_KEEP = 32,
    DDI_SHOW = 16,
    DDI_GUARD = 64
};
#define OUT_FILL 0xC3u /* what outputs hold before a call that only fills them */
struct ddi_buffer {
    void *block; /* of gpup_os_buffer: memory, or a few bytes before it */
    void *memory;
    uint8_t *before;
    size_t size;
    size_t used; /* of an output; DDI_OUT */
    uint64_t object;
    uint8_t role, flags;
};
struct ddi_call {
    struct host *host;
    uint16_t ddi;
    uint32_t vf, basis; /* for the state machines; GPUP_SLOT_NONE */
    uint64_t a[GPUP_DDI_ARGUMENTS_MAX];
    struct ddi_buffer buffer[WORLD_BUFFERS];
    unsigned buffers;
    struct ddi_buffer *changing; /* by ChangeBuffer, NULL none */
    struct gpup_os_call os;
    NTSTATUS status;
    bool success; /* NT_SUCCESS, a non-NULL handle, or VOID that returned */
    bool returned;
    uint64_t handle;
    uint64_t r[GPUP_DDI_RESULTS_MAX];
};
/* false: the step was skipped (SKIP event): slot absent, not advertised, illegal, or host dead. */
bool ddi_begin(struct ddi_call *c, struct host *h, uint16_t ddi, const uint64_t *a, unsigned count,
               uint32_t basis);
/* Guarded memory for the call; filled with zeros. NULL: out of memory (world broken). alignment: bytes
 * off 16. */
void *ddi_buffer(struct ddi_call *c, unsigned role, size_t size, unsigned flags, bool unaligned);
/* Runs it: arguments after the adapter handle or table context. Returns whether it came back. */
bool ddi_go(struct ddi_call *c, const uint64_t *args, unsigned count);
/* Emits RETURN with c->r, OUTPUT, DAMAGE, readings; follows the state machines; frees the buffers. */
void ddi_end(struct ddi_call *c);
void *ddi_function(struct host *h, uint16_t ddi);
void world_make_current(struct host *h);
void world_reach_device(struct host *h); /* before a device that came with the implementation is asked */
uint64_t world_object(struct gpup_world *w);
bool world_negative(const struct gpup_world *w);

/* --- lanes.c: several calls at once
 * ---------------------------------------------------------------------------------------------------- */
/* Takes the step for a group; false: there is none, it runs by itself. */
bool lanes_collect(struct gpup_world *w, const struct gpup_step *step, uint32_t index);
void lanes_run(struct gpup_world *w); /* what was collected, also an incomplete group */
/* Around a call: waits until the levels let it in; out again, true in a lane. Outside of a lane they do
 * nothing. */
void lanes_enter(struct gpup_world *w, uint16_t ddi);
bool lanes_exit(struct gpup_world *w);
/* Makes the call of the lane at hand; false: there is none. */
bool lanes_call(struct host *h, struct gpup_os_call *call, bool *returned);
void lanes_label(const struct host *h, struct gpup_event *e, uint64_t *call);

/* --- hostile.c: what a broken host does to a call
 * ---------------------------------------------------------------------------------------------------- */
void hostile_arm(struct ddi_call *c);    /* before the call: a ChangeBuffer that waits for it */
void hostile_disarm(struct ddi_call *c); /* after it */

/* --- observe.c
 * ------------------------------------------------------------------------------------------------- */
void world_observe(struct host *h); /* emits every reading that changed */
uint32_t world_observers(const struct host *h);
void world_read_again(struct host *h, uint32_t vf);
/* resources.c: where the guest's write of these bytes at that offset of its VRAM came to lie. */
/* dirty.c: CreateMemoryBasis with the ranges of *given, kept in that slot of the VF. */
bool world_issue_basis(struct host *h, uint32_t slot, const struct basis *given, uint64_t claim);
void world_landed(struct host *h, uint32_t vf, uint64_t offset, const uint8_t *bytes, uint64_t size);
void world_refused_write(struct host *h, uint32_t vf, uint64_t offset, uint64_t size);
bool world_fits(const struct host *h, const struct range *r); /* the segment has such a place */
/* First place from wanted->offset on, in steps of unit, that VidMm can give to the VF. */
uint64_t world_free_place(const struct host *h, uint32_t vf, const struct range *wanted, uint64_t unit);
void world_placed(struct host *h, uint32_t vf); /* has a reserve or a plan from now on */
/* A range of a basis of another VF that is alive which meets it; NULL: none. */
const struct range *world_tracked(const struct host *h, uint32_t vf, const struct range *wanted);
uint64_t world_unit(const struct host *h, uint32_t segment); /* what reserves in a segment are multiples of */

/* --- start.c, stop.c
 * ------------------------------------------------------------------------------------------- */
bool host_start(struct host *h);
bool host_start_device(struct host *h, uint32_t interface_size); /* 0: the whole DXGKRNL_INTERFACE */
void host_stop_device(struct host *h);
void host_stop(struct host *h);
/* The steps of both, for who goes through some of them again. */
bool host_load_driver(struct host *h);
bool host_add_device(struct host *h);
void host_get_interfaces(struct host *h);
void host_query_capabilities(struct host *h);
void host_dereference(struct host *h);
/* InterfaceDereference of one table, where it has one. */
void host_dereference_table(struct host *h, const INTERFACE *table);
void host_enable_logging(struct host *h, bool on);
void host_differ_again(struct host *h);
void host_take_down_driver(struct host *h, bool unload); /* and reports what it left */
bool host_plain_call(struct host *h, uint16_t ddi);
void host_take_down(struct host *h, bool unload); /* what is left of a program, then the adapter */

/* --- the DDIs, one file per area
 * ------------------------------------------------------------------------------- */
void op_query_adapter_info(struct host *h, uint32_t type, uint32_t input, uint32_t input_size,
                           uint32_t output_size, uint8_t fill, void *output);
bool op_query_interface(struct host *h, unsigned interface, uint16_t size, uint16_t version, bool keep);
/* Tells which functions an interface table of `size` bytes has. interface: 1 to 4, as in op_query_interface.
 */
void world_emit_slots(struct host *h, unsigned interface, const void *bytes, size_t size);
bool op_get_partition_info(struct host *h, uint32_t capacity);
/* A value that the documents say the OS never passes: the step is left out unless it is marked. */
bool world_never(struct host *h, bool wrong, const char *why);
bool op_set_partition_count(struct host *h, uint32_t count);
void op_get_profile(struct host *h, uint32_t count);
bool op_create_vgpu(struct host *h, uint32_t vf, uint32_t reserve_kib,
                    uint32_t profile); /* 0: as the world says; 0: as the op says */
void op_get_vgpu_info(struct host *h, uint32_t vf);
bool op_set_resources(struct host *h, uint32_t vf);
void op_destroy_vgpu(struct host *h, uint32_t vf);
void op_escape(struct host *h, const struct gpup_step *step);
void op_set_vmbus(struct host *h, uint32_t vf, const struct gpup_value *which, uint32_t vm);
bool op_config(struct host *h, bool write, uint32_t vf, uint32_t offset, uint32_t length, uint32_t *value);
void op_config_block(struct host *h, bool write, uint32_t vf, uint32_t block, uint32_t length);
void op_vf_query(struct host *h, uint16_t ddi, uint32_t vf);
void op_get_resource(struct host *h, uint32_t vf, uint32_t bar);
void op_reset(struct host *h, uint32_t vf);
bool op_power(struct host *h, uint32_t vf, uint32_t state, uint8_t wake);
bool op_create_basis(struct host *h, uint32_t vf, uint32_t slot, uint32_t count, uint32_t order);
void op_basis(struct host *h, uint16_t ddi, uint32_t vf, const struct gpup_value *which);
/* bits: where to copy the result (pages / 8 bytes, rounded up), may be NULL */
bool op_query_dirty(struct host *h, uint32_t vf, const struct gpup_value *which, const struct gpup_step *step,
                    uint8_t **bits);
struct basis *world_basis(struct host *h, uint32_t vf, const struct gpup_value *which, HANDLE *raw,
                          uint64_t *object);
void op_prepare(struct host *h, uint32_t vf, uint32_t type);
void op_save(struct host *h, const struct gpup_step *step, bool mutable_data);
void op_restore(struct host *h, const struct gpup_step *step, bool mutable_data);
void op_end(struct host *h, uint32_t vf);
void op_pause(struct host *h, uint32_t vf, uint8_t pause, uint8_t padding);
void op_write_interrupt(struct host *h, uint32_t vf, int16_t index, const DXGK_INTERRUPT_TABLE_ENTRY *entry,
                        uint8_t padding);
void op_create_process(struct host *h, uint32_t slot, uint32_t kind, uint32_t worker);
void op_destroy_process(struct host *h, const struct gpup_value *which);
void op_set_vm_data(struct host *h, const struct gpup_value *which, uint32_t flags, uint32_t guid,
                    uint8_t last);

/* --- host.c and others
 * ------------------------------------------------------------------------------------ */
void act_start_vm(struct host *h, uint32_t vf, uint32_t reserve_kib, bool power);
void act_stop_vm(struct host *h, uint32_t vf);
void act_drop_bases(struct host *h, uint32_t vf);
void act_wake(struct host *h); /* out of a D3 that the program left the adapter in */
uint64_t world_count(const struct host *h, const struct gpup_value *value,
                     uint64_t count); /* resolves a COUNT */
int16_t world_index(const struct host *h, const struct gpup_value *value);
void world_wait(struct gpup_world *w, uint64_t us); /* time passes on every host */

/* --- steps: one function per operation of ops.def, in the file of its area
 * ------------------------------------------------------------------------------------ */
#define OP(name, group) void do_##name(struct host *h, const struct gpup_step *s);
#define FIELD(op, name, kind, value)
#define END(name)
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END
static inline uint64_t step_number(const struct gpup_step *s, unsigned field) {
    return s->f[field].number;
}
static inline uint32_t step_u32(const struct gpup_step *s, unsigned field) {
    return (uint32_t)s->f[field].number;
}
/* What a size or a place stands for: relative to base when it has a symbol, and never less than nothing. */
static inline uint64_t value_size(const struct gpup_value *value, uint64_t base) {
    if (value->symbol == GPUP_SYMBOL_NONE)
        return value->number;
    bool below = (int64_t)value->number < 0 && -value->number > base;
    return below ? 0 : base + value->number;
}
/* A SIZE field: `need` stands for what the caller knows to be needed. */
static inline uint32_t step_size(const struct gpup_step *s, unsigned field, uint32_t need) {
    return (uint32_t)value_size(&s->f[field], s->f[field].symbol == GPUP_SYMBOL_NEED ? need : 0);
}
struct host *step_target(struct host *h, const struct gpup_step *s, unsigned field); /* of a HOST field */
void step_do(struct gpup_world *w, const struct gpup_step *step, uint32_t index);

#endif
