/*
 * Inside of one host's operating system, shared by the files of this room. A host is an adapter (struct
 * gpup_os) of a machine; most machines have one.
 *
 * Two contexts exist. The scheduler context is the caller's own stack, inside gpup_os_call and
 * gpup_os_advance. Everything else runs on fibers. A service (what a driver calls) begins with
 * gpup_os_service(), which gives the current host, reports a wrong IRQL and is a preemption point.
 * Functions marked [fiber] need a running fiber, [scheduler] must not have one.
 */
#ifndef GPUP_OS_KERNEL_H
#define GPUP_OS_KERNEL_H

#include "arena.h"
#include <ddi/wdm.h>
#include <gpup/os.h>

#define GPUP_DIRQL 9
#define GPUP_NEVER UINT64_MAX
#define GPUP_ANY_LEVEL HIGH_LEVEL

enum gpup_routine { /* field `routine` of FAULT, BUGCHECK and HANG */
                    GPUP_ROUTINE_DDI,
                    GPUP_ROUTINE_ISR,
                    GPUP_ROUTINE_DPC,
                    GPUP_ROUTINE_TIMER,
                    GPUP_ROUTINE_WORK,
                    GPUP_ROUTINE_THREAD
};
enum gpup_fiber_state { GPUP_FIBER_IDLE, GPUP_FIBER_READY, GPUP_FIBER_RUNNING, GPUP_FIBER_WAITING };

#define GPUP_MAX_HELD 8

struct gpup_held { /* a lock that a fiber holds: locks.h */
    const void *lock;
    uint32_t place;     /* where it was taken: offset in the image plus 1, 0 unknown */
    uint8_t how, count; /* count: so often, where that is allowed */
};

struct gpup_os;
struct gpup_fiber {
    struct gpup_os *os;       /* the adapter it runs for */
    void *sp;                 /* saved stack pointer while not running */
    struct gpup_stack *stack; /* NULL: it never ran, or gave it away */
    struct gpup_fiber *next;  /* all fibers of the machine */
    struct gpup_fiber *queue; /* ready queue, idle or bare list */
    uint8_t state, routine;
    uint16_t id; /* unique in the machine */
    KIRQL irql;
    bool ended_by_service; /* PsTerminateSystemThread */
    uint32_t locks;
    uint32_t regions; /* KeEnterCriticalRegion depth */
    struct gpup_held held[GPUP_MAX_HELD];
    uint8_t held_count;
    bool held_lost;   /* it held more than fit */
    uint32_t place;   /* of the acquisition at hand, as in gpup_held */
    uint32_t step;    /* of a DDI call: which one, and its name */
    const char *name; /* NULL: no DDI */
    bool alone;       /* no other DDI call overlaps with this one */
    void *function;
    uint64_t args[8];
    uint64_t result;
    /* Called in the scheduler context right before it first runs; may be NULL. */
    void (*begin)(struct gpup_os *os, struct gpup_fiber *fiber);
    /* Called in the scheduler context when the routine has returned; may start further routines. */
    void (*done)(struct gpup_os *os, struct gpup_fiber *fiber);
    void *done_context;
    struct gpup_thread *thread; /* NULL: not a system thread */
    uint64_t dispatched, slice; /* times: last switched to; start of its turn */
    /* wait */
    void *const *objects;
    const volatile ULONG_PTR *spin; /* spin lock it spins on */
    uint32_t object_count;
    bool wait_all, flush;
    uint64_t deadline, order;
    NTSTATUS wait_status;
    struct gpup_activation *activations; /* on its stack, the newest first: exception.h */
    /* address sanitizer's bookkeeping */
    void *fake_stack;
};

/* Everything a routine needs to be started. */
struct gpup_start {
    enum gpup_routine routine;
    KIRQL irql;
    void *function; /* DDI_CALL */
    uint64_t args[8];
    void (*begin)(struct gpup_os *os, struct gpup_fiber *fiber);
    void (*done)(struct gpup_os *os, struct gpup_fiber *fiber);
    void *done_context;
    uint32_t step;    /* of a DDI call, for reports */
    const char *name; /* NULL: no DDI */
    bool alone;
};

struct gpup_thread { /* what a thread handle refers to */
    DISPATCHER_HEADER header;
    struct gpup_thread *next;
    uint64_t object;
    uint32_t references;
    bool running;
    struct gpup_callers made;
};

struct gpup_dpc {
    PRKDPC dpc;
    PKDEFERRED_ROUTINE routine;
    void *context, *argument1, *argument2;
    bool timer;
    struct gpup_os *os; /* the adapter that queued it, and that it runs for; as in a timer */
};
struct gpup_timer {
    PKTIMER timer;
    uint64_t due, period, object;
    PRKDPC dpc;
    struct gpup_os *os;
    struct gpup_callers made;
};
struct gpup_mapping {
    uint8_t *address; /* NULL: free */
    uint64_t physical, size, object;
    struct gpup_os *os; /* whose device's registers these are */
    struct gpup_callers made;
};
struct gpup_handle {
    uint32_t type; /* 0: free */
    uint64_t object;
    void *target;
    struct gpup_os *owner; /* of the adapter in whose call it was opened */
    /* Called by ZwClose with the owner before the handle goes; may be NULL. */
    void (*close)(struct gpup_os *os, void *target);
    struct gpup_callers made;
};
/* Handle types. Others may take numbers from GPUP_HANDLE_FIRST_FREE on. */
enum {
    GPUP_HANDLE_THREAD = 1,
    GPUP_HANDLE_VMBUS = 2,
    GPUP_HANDLE_KEY = 3,
    GPUP_HANDLE_FILE = 4,
    GPUP_HANDLE_EVENT = 5,
    GPUP_HANDLE_FIRST_FREE = 16
};

struct gpup_fault_record { /* written by the signal handler */
    int signal, code;
    uintptr_t address, pc, sp, frame;
    unsigned error; /* page fault error code: 2 write, 16 fetch */
    bool pending;
};

/* A buffer that gets another value once the driver has read it. */
struct gpup_watch {
    uint8_t *start; /* pages without access; NULL: none */
    size_t size;
    uint8_t *target;
    uint32_t width, after; /* bytes; reads before the change */
    uint64_t value;
    uint32_t reads, traps;
    bool stepping, hit, changed;
};

#define GPUP_FIRST_DPCS 256
#define GPUP_MAX_DPCS 16384   /* that many a driver queues only if it never ends */
#define GPUP_MAX_TIMERS 512   /* these three for two adapters */
#define GPUP_MAX_MAPPINGS 512 /* four for each VF of two adapters */
#define GPUP_MAX_HANDLES 1024

/* What a machine has once, for all of its adapters: clock and scheduler, memory, and what drivers register.
 */
struct gpup_machine {
    struct gpup_os *adapters;
    uint32_t host;       /* number of its first adapter */
    uint8_t preempt;     /* chance in 256 of a switch, as in the configuration */
    uint64_t now;        /* simulated ns */
    uint64_t time_limit; /* of the outermost call */
    uint64_t patience;   /* nanoseconds beyond the budget of simulated time */
    uint64_t orders;
    uint64_t random;
    uint64_t next_object;
    uint16_t next_fiber;
    bool dead, in_emit;
    bool beyond;      /* dead because of what the suite does not play */
    uint16_t speaker; /* fiber an event from the scheduler context is about; 0 none */

    /* scheduler */
    bool dpc_active;
    struct gpup_fiber *running;              /* NULL: scheduler context */
    struct gpup_fiber *fibers, *idle, *bare; /* bare: idle without a stack */
    struct gpup_fiber *ready, *ready_last;
    uint32_t begun;    /* routines other than threads that have a stack */
    uint32_t stacked;  /* all that have one */
    uint64_t begun_ns; /* when one last got it */
    void *scheduler_sp;
    const void *scheduler_bottom; /* for the address sanitizer */
    size_t scheduler_size;
    struct gpup_fault_record fault;
    struct { /* of the fault that is offered to the image */
        struct gpup_frame frame;
        EXCEPTION_RECORD record;
        uint8_t *address; /* of an access to registers, which is carried out instead */
    } exception;
    struct gpup_watch watch;
    struct gpup_os_budgets used; /* by the outermost call, since: */
    uint64_t counted_since;

    struct gpup_dpc first_dpcs[GPUP_FIRST_DPCS];
    struct gpup_dpc *dpcs; /* ring of dpc_room, which grows */
    uint32_t dpc_room, dpc_first, dpc_count;
    struct gpup_timer timers[GPUP_MAX_TIMERS];
    uint32_t timer_count;
    struct gpup_thread *threads, *free_threads;
    struct gpup_work_item *works, *free_works;
    struct gpup_mapping mappings[GPUP_MAX_MAPPINGS];
    uint32_t mapping_count; /* highest used + 1 */
    struct gpup_handle handles[GPUP_MAX_HANDLES];
    uint32_t handle_count; /* highest used + 1 */
    struct gpup_pool *pool;
    struct gpup_locks *locks; /* NULL: none was waited for while another was held */

    /* state of the other parts of this room */
    void *vmbus, *kmdf, *wdf, *registry, *etw, *files, *wmi, *named, *paging;
    const struct gpup_given_files *given; /* files from outside, which the host starts with; may be NULL */
};

/* One adapter, and the machine it is in. */
struct gpup_os {
    struct gpup_machine *machine;
    struct gpup_os *next; /* adapter of the machine */
    struct gpup_os_config config;
    uintptr_t code_base, code_start, code_end; /* base: what addresses in events are relative to */
    struct gpup_unwinder unwinder;             /* of the driver's image; size 0: it is none */
    bool guard_buffers;                        /* those of the suite */
    uint32_t step;                             /* of the last DDI call */
    uint64_t fail_nth;                         /* allocations until the next failure; 0: none planned */
    uint32_t fail_count;

    /* The interrupt: called as function(context, message); NULL: not connected. */
    void *isr;
    void *isr_context;
    bool isr_active;
    struct gpup_fiber *interrupt_owner; /* who holds the interrupt's lock */

    void *dxgkrnl; /* state of that part of this room */
};

/* Hooks of the other parts. Weak: a program that does not link a part does without. init: false, arena full.
 */
bool gpup_dxgkrnl_init(struct gpup_os *os) __attribute__((weak));
bool gpup_vmbus_init(struct gpup_os *os) __attribute__((weak));
bool gpup_kmdf_init(struct gpup_os *os) __attribute__((weak));
void gpup_dxgkrnl_left(struct gpup_os *os) __attribute__((weak)); /* LEFT events of their objects */
void gpup_vmbus_left(struct gpup_os *os) __attribute__((weak));
void gpup_kmdf_left(struct gpup_os *os) __attribute__((weak));
void gpup_etw_left(struct gpup_os *os) __attribute__((weak));
void gpup_wmi_left(struct gpup_os *os) __attribute__((weak));
void gpup_named_event_left(struct gpup_os *os) __attribute__((weak));
PKEVENT gpup_named_event(struct gpup_os *os, HANDLE handle); /* of IoCreate...Event; NULL: none */
/* Counts a reference up or down, if the object is a named event; false: it is none. */
bool gpup_named_event_reference(struct gpup_os *os, const void *object, int32_t change, int64_t *left)
    __attribute__((weak));

/* --- current host, services, events */
struct gpup_os *gpup_os_current(void); /* NULL: outside any call */
/* Entry of a service: reports MISUSE_IRQL when the IRQL is above max, counts as a preemption point. Returns
 * the current host; NULL when called outside any host (static initialisers): the service then does nothing.
 */
struct gpup_os *gpup_os_service(const char *name, KIRQL max_irql);
struct gpup_os *gpup_os_service_from(const char *name, KIRQL min_irql, KIRQL max_irql);
KIRQL gpup_os_irql(const struct gpup_os *os);
void gpup_os_set_irql(struct gpup_os *os, KIRQL irql); /* no checks */
/* what: enum gpup_misuse. */
void gpup_os_misuse(struct gpup_os *os, const char *service, unsigned what, uint64_t object);
/* made: by whom, or NULL. */
void gpup_os_left(struct gpup_os *os, unsigned kind, uint64_t object, uint64_t size, uint64_t tag,
                  const struct gpup_callers *made);
uint64_t gpup_os_object(struct gpup_os *os);          /* a fresh object number */
void *gpup_os_alloc(struct gpup_os *os, size_t size); /* the kernel's own, zeroed, never freed; NULL: full */
uint64_t gpup_os_random(struct gpup_os *os);
struct gpup_os *gpup_os_make_current(struct gpup_os *os); /* returns the one before */

/* --- running driver code */
/* Queues a routine as a new fiber; it runs when the scheduler comes to it. false: no memory. */
bool gpup_os_start(struct gpup_os *os, const struct gpup_start *start);
struct gpup_fiber *gpup_os_started(struct gpup_os *os); /* the fiber of the last gpup_os_start */
void gpup_os_make_ready(struct gpup_os *os, struct gpup_fiber *fiber); /* a waiting one */
/* [scheduler] Runs a routine to its end, as gpup_os_call does. */
enum gpup_ran gpup_os_run(struct gpup_os *os, const struct gpup_start *start, uint64_t *result);
/* [scheduler] Runs interrupts, DPCs and what is ready, without letting time pass. */
void gpup_os_settle(struct gpup_os *os);
void gpup_os_yield(struct gpup_os *os, bool to_back); /* [fiber] */
void gpup_fiber_leave(struct gpup_os *os);            /* [fiber] to the scheduler, state set before */
_Noreturn void gpup_os_end_fiber(struct gpup_os *os); /* [fiber] the routine is over, nothing is unwound */
/* [fiber] The host is dead; the event was emitted before. */
_Noreturn void gpup_os_abandon(struct gpup_os *os);
_Noreturn void gpup_os_bugcheck(struct gpup_os *os, uint64_t code); /* [fiber] */
/* HANG event; abandons the fiber, or in the scheduler context marks the host dead and returns. */
void gpup_os_hang(struct gpup_os *os, unsigned cause, uint64_t count);
/* [fiber] Blocks on dispatcher objects; deadline: absolute ns, GPUP_NEVER none. */
NTSTATUS gpup_os_wait(struct gpup_os *os, void *const *objects, uint32_t count, bool all, uint64_t deadline);
bool gpup_os_spin(struct gpup_os *os,
                  const volatile ULONG_PTR *lock); /* [fiber] until it is 0; false: cannot be */
void gpup_os_wake(struct gpup_os *os);             /* a dispatcher object changed: look at who waits */

/* --- time */
void gpup_os_pass(struct gpup_os *os, uint64_t ns);       /* [fiber] time passes while it runs */
void gpup_os_expire_timers(struct gpup_machine *machine); /* [scheduler] */
uint64_t gpup_os_next_timer(const struct gpup_machine *machine);

uint64_t gpup_os_due(const struct gpup_os *os, LONGLONG due); /* absolute ns of a Windows due time */
/* KUSER_SHARED_DATA (ntddk.h), where the WDK's macros of x64 read the time. false: a field that is not
 * played. */
#define GPUP_SHARED_DATA UINT64_C(0xFFFFF78000000000)
#define GPUP_SHARED_DATA_SIZE 0x1000u
bool gpup_shared_data_read(struct gpup_os *os, uint64_t offset, uint32_t width, uint64_t *value);
#define GPUP_SYSTEM_TIME 133500000000000000u /* 100 ns since 1601 when the world began */
void gpup_timer_forget(struct gpup_os *os, const void *start, size_t size, const char *service);

/* --- DPCs. false: queued already */
bool gpup_os_queue_dpc(const struct gpup_dpc *dpc);

/* --- dispatcher objects */
enum gpup_dispatcher {
    GPUP_DISPATCHER_EVENT = 1,
    GPUP_DISPATCHER_SYNC_EVENT,
    GPUP_DISPATCHER_SEMAPHORE,
    GPUP_DISPATCHER_MUTEX,
    GPUP_DISPATCHER_TIMER,
    GPUP_DISPATCHER_SYNC_TIMER,
    GPUP_DISPATCHER_THREAD,
    GPUP_DISPATCHER_RESOURCE
};
void gpup_dispatcher_init(DISPATCHER_HEADER *header, enum gpup_dispatcher type, LONG state);
bool gpup_dispatcher_valid(const DISPATCHER_HEADER *header);
bool gpup_dpc_valid(const KDPC *dpc);

/* --- handles. new: NULL when the table is full. */
HANDLE gpup_handle_new(struct gpup_os *os, uint32_t type, void *target, uint64_t object,
                       void (*close)(struct gpup_os *os, void *target));
struct gpup_handle *gpup_handle_get(struct gpup_os *os, HANDLE handle, uint32_t type); /* type 0: any */
void gpup_handle_drop(struct gpup_os *os, HANDLE handle);                              /* without `close` */

/* --- pool, for services that allocate in the driver's name */
enum gpup_block_kind { GPUP_BLOCK_POOL, GPUP_BLOCK_BUFFER, GPUP_BLOCK_CONTIGUOUS };
void *gpup_pool_alloc(struct gpup_os *os, size_t size, uint32_t tag, enum gpup_block_kind kind, bool zero,
                      size_t slack, uint64_t *object);
void gpup_pool_free(struct gpup_os *os, void *address, enum gpup_block_kind kind);
/* The driver gave that block away: it counts no longer, and may still be freed. Nothing when it is none. */
void gpup_pool_disown(struct gpup_os *os, const void *address);
bool gpup_pool_init(struct gpup_os *os);
/* Is [address, +size) inside one live block? */
bool gpup_pool_live(struct gpup_os *os, const void *address, size_t size);
void gpup_pool_left(struct gpup_os *os);
bool gpup_os_fails(struct gpup_os *os);    /* shall this allocation fail; counts it */
void gpup_os_failed(struct gpup_os *os);   /* one did, for another reason */
NTSTATUS gpup_os_full(struct gpup_os *os); /* so, where a table of ours has no more room */
/* Where an address lies, for faults. */
enum gpup_place { GPUP_PLACE_UNKNOWN, GPUP_PLACE_BLOCK, GPUP_PLACE_FREED, GPUP_PLACE_GUARD };
enum gpup_place gpup_pool_place(struct gpup_os *os, const void *address, uint64_t *object, uint64_t *offset,
                                uint32_t *tag);
/* Memory that goes: forgets timers, DPCs and waits that live in it, reporting each. */
void gpup_os_forget(struct gpup_os *os, const void *start, size_t size, const char *service);

/* --- physical addresses */
uint64_t gpup_os_physical(struct gpup_os *os, const void *address); /* 0: none */
void gpup_os_wire_dma(struct gpup_os *os);
void gpup_mapping_left(struct gpup_os *os);
void gpup_thread_left(struct gpup_os *os);
void gpup_work_begins(struct gpup_os *os, struct gpup_fiber *fiber);
void gpup_work_left(struct gpup_os *os);
void gpup_timer_left(struct gpup_os *os);

/* --- fault handling */
bool gpup_fault_install(void); /* handlers of the process and this thread's stack */
void gpup_fault_report(struct gpup_os *os, const struct gpup_fiber *fiber); /* [scheduler] */
bool gpup_watch_begin(struct gpup_os *os, uint8_t *pages, size_t size, const struct gpup_watch *watch);

#endif
