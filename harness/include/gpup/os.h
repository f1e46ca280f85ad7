/*
 * One host's operating system, as far as a display miniport can tell: scheduler and clock, kernel services,
 * Dxgkrnl's callbacks, the VMBus client library and KMDF's interrupt object.
 *
 * Every routine of the driver (DDI, ISR, DPC, timer, work item, system thread) runs as a fiber on a guarded,
 * pattern-filled stack under a simulated clock. By default it runs to completion and a wait switches; with
 * `preempt` the seed may switch at every service, lock and register access. A bug check, fault or exhausted
 * budget abandons the fiber and marks the host dead, with all adapters of its machine: nothing unwinds
 * through the driver, and no further call is made on it.
 *
 * All state of a host is in the world's arena, so that copying the arena restores it. One world, one thread;
 * several worlds may exist in one thread one after the other or interleaved: `gpup_os_call` makes its host
 * the current one.
 */
#ifndef GPUP_OS_H
#define GPUP_OS_H

#include <ddi/dispmprt.h>
#include <ddi/wdf.h>
#include <ddi/wdm.h>
#include <gpup/device.h>
#include <gpup/frames.h>
#include <gpup/framework.h>
#include <gpup/trace.h>

struct gpup_os;
struct gpup_arena;

/* Arena: one contiguous reservation that holds a world's whole state. Snapshot copies what was touched;
 * restore copies it back to the same addresses. */
struct gpup_arena *gpup_arena_new(size_t reserve); /* NULL: no address space */
void gpup_arena_free(struct gpup_arena *arena);
void *gpup_arena_alloc(struct gpup_arena *arena, size_t size);     /* zeroed, 16-byte aligned; NULL: full */
void *gpup_arena_alloc_raw(struct gpup_arena *arena, size_t size); /* the same with unspecified contents */
void gpup_arena_reset(struct gpup_arena *arena);                   /* forgets everything, keeps the mapping */
bool gpup_arena_snapshot(struct gpup_arena *arena);                /* one snapshot is kept */
void gpup_arena_restore(struct gpup_arena *arena);
/* From now on restoring the snapshot costs what was written: its pages are write-protected until somebody
 * writes to them, which the fault handler sees. Of the thread that calls it. false: nothing changes. */
bool gpup_arena_track(struct gpup_arena *arena);
size_t gpup_arena_used(const struct gpup_arena *arena);

/* Emits an event; the receiver fills host, step and call. */
struct gpup_emitter {
    void (*emit)(void *context, struct gpup_event *event);
    void *context;
};

struct gpup_os_budgets { /* per outermost call and, but for time_ns, per second in it; 0: default */
    uint64_t mmio, waits, allocations, switches, time_ns;
};

struct gpup_os_config {
    struct gpup_arena *arena;
    struct gpup_emitter emitter;
    const struct gpup_device_ops *device_ops; /* may be NULL: no bus */
    void *device;
    uint64_t seed; /* addresses, preemption */
    uint32_t host;
    uint8_t bus;      /* number of the PF's bus, as the PnP manager says */
    uint8_t fill;     /* pattern of fresh pool and stack */
    uint8_t preempt;  /* chance in 256 of a switch at each such place; 0: run to completion */
    bool page_guards; /* pool blocks end at a guard page (conformance); else red zones only (fuzzing) */
    struct gpup_os_budgets budgets;
    /* Not NULL: this is a second adapter of that machine. Clock, scheduler, memory and what its driver made
     * are one for both: a routine runs for the adapter in whose call it was queued, whichever is called then.
     */
    struct gpup_os *system;
};
struct gpup_os *gpup_os_new(const struct gpup_os_config *config); /* in the arena; NULL: arena full */

/* How a call into the driver ended. */
enum gpup_ran { GPUP_RAN_RETURNED, GPUP_RAN_DEAD };
struct gpup_os_call {
    void *function;   /* DDI_CALL */
    uint64_t args[8]; /* integer or pointer arguments */
    unsigned count;
    uint32_t step;    /* for reports: of the program */
    const char *name; /* for reports: of the DDI; stays; NULL none */
    bool alone;       /* the system lets no other DDI call overlap with it */
    uint64_t result;  /* out: RAX */
    KIRQL irql;       /* out: at return */
    uint32_t locks;   /* out: locks still held by this call's fiber */
    uint16_t fiber;   /* out: number of this call's fiber in events */
    bool back;        /* out: it returned */
};
enum gpup_ran gpup_os_call(struct gpup_os *os, struct gpup_os_call *call);

/* Several calls at once, each in a thread of its own: begin them, then take turns until they are `back`.
 * begin: false when the host is dead or out of stacks; `call` stays where it is until it is back. turn: runs
 * one thing. idle: lets time pass to the next event, at gpup_os_next. interleave: from now on the seed may
 * switch with that chance in 256 at every service, lock and register access; returns the chance before. */
enum gpup_turn { GPUP_TURN_RAN, GPUP_TURN_IDLE, GPUP_TURN_DEAD };
bool gpup_os_call_begin(struct gpup_os *os, struct gpup_os_call *call);
enum gpup_turn gpup_os_turn(struct gpup_os *os);
void gpup_os_idle(struct gpup_os *os);
uint64_t gpup_os_next(const struct gpup_os *os); /* ns; all ones: nothing would ever happen */
uint8_t gpup_os_interleave(struct gpup_os *os, uint8_t chance, uint64_t seed);
uint16_t gpup_os_fiber(const struct gpup_os *os); /* that runs now, 0 none */
bool gpup_os_in_ddi(const struct gpup_os *os);    /* what runs now is a call, no thread, DPC or work item */

/* Lets simulated time pass: runs device events, interrupts, DPCs, timers, work items and threads that become
 * due. */
enum gpup_ran gpup_os_advance(struct gpup_os *os, uint64_t ns);
uint64_t gpup_os_now(const struct gpup_os *os);
/* Each later call may take so many nanoseconds more of simulated time before it counts as one that does not
 * come back; sums up to ten minutes, after which Windows gives up on a device that changes its power state.
 * Returns what was added. */
uint64_t gpup_os_patience(struct gpup_os *os, uint64_t ns);
bool gpup_os_dead(const struct gpup_os *os);
/* The driver called what this suite does not play, so that the host stopped: no fault of the driver. */
bool gpup_os_beyond(const struct gpup_os *os);
/* Where an image's import leads that nobody has, `name` as "module!name": a MISUSE event, and the host stops.
 */
VOID DDI_CALL gpup_os_unsupported(const char *name);
void gpup_os_kill(struct gpup_os *os); /* no further call */
/* Files (gpup/files.h) that the host finds when its driver first asks for one; they outlive it. NULL: none.
 */
struct gpup_given_files;
void gpup_os_give_files(struct gpup_os *os, const struct gpup_given_files *files);
void gpup_os_fail_allocation(struct gpup_os *os, uint32_t nth, uint32_t count);
/* Bounds of the implementation's code, and the address from which those in events count (struct
 * gpup_callers). Unset: no call stacks. */
void gpup_os_set_code(struct gpup_os *os, uintptr_t base, uintptr_t start, uintptr_t end);
/* The implementation is an image: its exceptions are offered to its own handlers first. Copied; NULL: it is
 * none.
 */
void gpup_os_set_unwinder(struct gpup_os *os, const struct gpup_unwinder *unwinder);
/* Breakpoints that are not the driver's: called in the signal handler, on its stack, with the address of each
 * that is met. true: the instruction there is carried out now. Of the process; NULL: there are none. */
void gpup_os_on_breakpoint(bool (*taken)(uintptr_t address));
/* A device that came with the tables of an implementation, after gpup_os_new: its events are simulated too.
 */
void gpup_os_set_device(struct gpup_os *os, const struct gpup_device_ops *device_ops, void *device);
void gpup_os_pool_level(const struct gpup_os *os, uint64_t *count, uint64_t *bytes);

/* Memory of the suite that the driver may touch, ends at a guard page, `size` bytes, canary before it. Freed
 * blocks are checked. object: number that trace events use for it. */
void *gpup_os_buffer(struct gpup_os *os, size_t size, size_t alignment_slack, uint64_t *object);
/* Whether buffers end at a guard page from now on though the configuration has red zones only, which show
 * what is written past a buffer and not what is read: for data that a driver may be misled by. Only such
 * buffers can be watched, see below. */
void gpup_os_guard_buffers(struct gpup_os *os, bool on);
/* Damage around a live buffer: enum gpup_damage, 0 none. */
unsigned gpup_os_buffer_check(struct gpup_os *os, const void *buffer, uint64_t *offset);
bool gpup_os_buffer_protect(struct gpup_os *os, void *buffer, bool read_only);
void gpup_os_buffer_free(struct gpup_os *os, void *buffer);
/* From the driver's `after`-th read (1: the first) of the `width` bytes at `offset` on, they hold `value`, as
 * memory that someone else can write does. Ends with unwatch, or when the host dies; both leave a CHANGED
 * event. What counts as a read is an instruction that touches them, by its usual width. One buffer at a time.
 */
bool gpup_os_buffer_watch(struct gpup_os *os, void *buffer, size_t offset, uint32_t width, uint64_t value,
                          uint32_t after);
bool gpup_os_unwatch(struct gpup_os *os); /* true: the change was made */
/* Object and offset of an address in the suite's or the driver's memory; false: unknown. */
bool gpup_os_locate(struct gpup_os *os, const void *address, uint64_t *object, uint64_t *offset);

/* What is still there (pool, threads, timers, channels, mappings...): one LEFT event each. Also checks every
 * pool guard. Call after the driver was unloaded. */
void gpup_os_report_left(struct gpup_os *os);

/* --- Dxgkrnl side
 * ------------------------------------------------------------------------------------------- */
/* What the suite may change about Dxgkrnl's side; zero is the usual. */
struct gpup_dxgkrnl_options {
    NTSTATUS initialize_status; /* a failure that DxgkInitialize returns for a good table */
    uint32_t interface_size; /* bytes of DXGKRNL_INTERFACE filled, multiple of 8, as an older system has it */
    uint32_t interface_version; /* in that table */
};
void gpup_dxgkrnl_set_options(struct gpup_os *os, const struct gpup_dxgkrnl_options *options);
/* Runs DriverEntry; afterwards the registered table is at gpup_dxgkrnl_ddis. *status: what DriverEntry
 * returned. */
enum gpup_ran gpup_dxgkrnl_load(struct gpup_os *os, DRIVER_INITIALIZE *entry, NTSTATUS *status);
const DRIVER_INITIALIZATION_DATA *gpup_dxgkrnl_ddis(const struct gpup_os *os); /* NULL: none registered */
DEVICE_OBJECT *gpup_dxgkrnl_physical_device(struct gpup_os *os);
/* Fills the callback table for StartDevice, with a table of an older version if the options say so. Addresses
 * differ per adapter. */
void gpup_dxgkrnl_interface(struct gpup_os *os, DXGKRNL_INTERFACE *interface_table);
/* Overwrites a table that StartDevice was given: callbacks through it still work, and are reported. */
void gpup_dxgkrnl_overwrite(DXGKRNL_INTERFACE *interface_table);
void gpup_dxgkrnl_start_info(struct gpup_os *os, DXGK_START_INFO *info);
/* Before StartDevice is called / after it failed or StopDevice returned: connects or disconnects the
 * interrupt; callbacks with the DeviceHandle are legal between. */
void gpup_dxgkrnl_started(struct gpup_os *os, void *miniport_context);
void gpup_dxgkrnl_stopped(struct gpup_os *os);

/* What DxgkCbSaveMemoryForHotUpdate was given since the last forget; in the arena. */
struct gpup_saved_block {
    const void *data, *metadata;
    size_t size, metadata_size;
};
uint32_t gpup_dxgkrnl_saved(const struct gpup_os *os, const struct gpup_saved_block **blocks);
void gpup_dxgkrnl_forget_saved(struct gpup_os *os);
/* Such a block for RestoreMemoryForHotUpdate: pages that are locked and not mapped. Who succeeds with it
 * frees both, says page DXGKARG_RESTOREMEMORYFORHOTUPDATE; else it is taken back. NULL: arena full. */
PMDL gpup_dxgkrnl_restored(struct gpup_os *os, const struct gpup_saved_block *block);
void gpup_dxgkrnl_restored_free(struct gpup_os *os, PMDL mdl);

/* --- VMBus
 * ---------------------------------------------------------------------------------------------------- */
HANDLE gpup_vmbus_vm_handle(struct gpup_os *os, uint32_t vf, uint32_t vm); /* of a VM of several vGPUs, say */
HANDLE gpup_vmbus_handle(struct gpup_os *os, uint32_t vf); /* a fresh kernel handle to the VM of that vGPU */
void gpup_vmbus_close_handle(struct gpup_os *os, HANDLE handle);
/* The guest opens every offered channel of the handle / sends bytes on it / closes. false: nothing is
 * offered. */
bool gpup_vmbus_guest_open(struct gpup_os *os, HANDLE handle);
bool gpup_vmbus_guest_send(struct gpup_os *os, HANDLE handle, const void *packet, size_t size);
bool gpup_vmbus_guest_close(struct gpup_os *os, HANDLE handle);
/* The host suspends the open channels of the handle, and starts them again. false: none is open. */
bool gpup_vmbus_suspend(struct gpup_os *os, HANDLE handle);
bool gpup_vmbus_start(struct gpup_os *os, HANDLE handle);
/* The nth call from now (1: the next) of VmbChannelAllocate, an Init function, VmbChannelEnable or a send
 * fails with STATUS_INSUFFICIENT_RESOURCES; 0 takes the plan back. */
void gpup_vmbus_fail_step(struct gpup_os *os, uint32_t nth);

/* Fills time and fiber and hands the event to the emitter, on the scheduler's stack. */
void gpup_os_emit(struct gpup_os *os, struct gpup_event *event);

/* --- KMDF
 * A device of the framework that the suite moves through its PnP states, so that a driver, or a test, can
 * create interrupt objects for it. All from outside a call; nothing of this is a driver's to call. */
WDFDEVICE gpup_kmdf_device(struct gpup_os *os,
                           const struct gpup_kmdf_config *config); /* NULL: out of memory */
/* A queue of the device, or an object of another type, to name as parent. */
WDFOBJECT gpup_kmdf_object(struct gpup_os *os, WDFDEVICE device, bool queue);
/* What PrepareHardware is given: descriptor 0 is memory, then the interrupts. */
WDFCMRESLIST gpup_kmdf_resources(struct gpup_os *os, WDFDEVICE device, bool translated);
/* One step along add, prepare, D0, low power, released, removed; back to D0 or prepare. *status: the first
 * failure of a callback. false: no legal step, or the host died. */
bool gpup_kmdf_move(struct gpup_os *os, WDFDEVICE device, enum gpup_kmdf_state to, NTSTATUS *status);
/* The device signals that message (0 for a line). false: no connected object has it. */
bool gpup_kmdf_fire(struct gpup_os *os, WDFDEVICE device, uint32_t message);

#endif
