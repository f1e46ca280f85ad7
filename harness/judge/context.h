/*
 * What the judge knows of the worlds at the event at hand, shared by all monitors, and how they speak.
 *
 * Order for every event: readings (OBS_*) reach the monitors first, so that they see old and new value; any
 * other event changes the context first. A call is judged when it has settled: after RETURN its outputs,
 * damage and readings follow, and the next event of another kind ends it. Then every monitor's `settle` runs
 * with the state before the call (call.before) and now.
 */
#ifndef GPUP_JUDGE_CONTEXT_H
#define GPUP_JUDGE_CONTEXT_H

#include <gpup/judge.h>
#include <gpup/machine.h>
#include <gpup/program.h>
#include <gpup/spec_ids.h>

#define JUDGE_VFS GPUP_MAX_VFS
#define JUDGE_FINDINGS_PER_RULE 4
#define JUDGE_FINDINGS 3072 /* room for every rule, with one more per worse verdict */
#define JUDGE_CHANGES 24
#define JUDGE_SECRETS 64
#define JUDGE_ADDRESSES 16
#define JUDGE_LANES 4
#define JUDGE_MONITORS 32

enum session { SESSION_NONE, SESSION_SOURCE, SESSION_TARGET };

struct schedule {
    bool seen, running, busy;
    uint32_t share, paging; /* parts per million */
};

/* A hash of a reading. fresh: nothing that may change it happened since, outside of a call. */
struct content {
    bool seen, fresh;
    uint64_t hash, size;
};

struct vf {
    bool present, resourced, powered, was_powered, paused;
    bool enable, function_mask, control_seen, table_seen;
    bool tracking;     /* the device records writes to the reserve */
    bool work_pending; /* guest work was queued and not seen to be over */
    bool work_busy;    /* and was seen in flight */
    bool disturbed;    /* since its session began: a reset, a change of power, of VF or GPU, or calls that
                          overlapped. No page tells how a session survives them */
    bool kept;    /* restored without power, or the GPU lost it: the part may have its state with D0 only */
    bool rising;  /* was unpaused or powered and not seen to run since: it may begin in a later call */
    bool half;    /* a restore was tried as a target, and no mutable one worked after it */
    bool unbased; /* a basis that its reserve was made of was destroyed */
    uint32_t restores; /* so tried in this life */
    uint8_t session;
    uint32_t rose;        /* event of the call after which it rises */
    uint64_t rose_ns;     /* host.waited_ns then */
    uint32_t moves;       /* calls that may make it run or stop for good: creation, end, power, reset */
    uint64_t reset_ns;    /* until then a reset that the guest may have asked for goes on */
    uint32_t life;        /* CreateVirtualGpu so far */
    uint32_t sessions;    /* Prepare that succeeded in this life */
    uint64_t guest_write; /* number of the event of the last write by the VF */
    uint32_t entries, msix_bar;
    uint32_t id, routing; /* vendor | device << 16 and 1 + routing id, as SR-IOV gives them; 0 unknown */
    uint64_t msix_offset;
    uint32_t msix_at; /* of the capability in configuration space, as its list was read; 0 unknown */
    struct schedule schedule;
    struct content guest, vram, config, dirty;
    uint64_t profile;                     /* hash of what CreateVirtualGpu asked for */
    uint64_t reserve_size, reserve_shape; /* shape: hash of the sizes of its ranges */
    uint64_t reserve_offset;              /* of the last of them */
    uint32_t reserve_ranges, reserve_segment;
    uint64_t secrets[2]; /* bit mask: rows of judge.secrets this VF may know */
};

struct host {
    bool there, impaired; /* impaired: faults were injected, no call is held to success */
    uint32_t vfs;         /* virtual functions of the device, 0 unknown */
    uint32_t bus;         /* 1 + number of the PF's bus, 0 unknown */
    bool removed;         /* surprise removal: readings mean nothing any more */
    bool asleep;          /* the physical function has no full power */
    bool logging;         /* ControlEtwLogging(TRUE) */
    bool unloaded;        /* Unload, or RemoveDevice, came back */
    bool updating;        /* a hot update: what StopDevice ends for others goes on */
    bool odd_bits; /* its driver lays out dirty bits otherwise than the suite, and so the OS it plays, assumes
                    */
    bool gone;     /* fault, bug check or hang ended it */
    bool caps_seen, dirty_caps_seen;
    uint32_t caps, dirty_caps;
    uint32_t observers;
    uint32_t bases, processes; /* alive */
    uint32_t vgpus, open_sessions;
    uint32_t partitions; /* last count that was set */
    uint64_t differs;    /* bits 1 << enum gpup_difference */
    uint32_t structure; /* counts what moves schedules for good: create, destroy, power, partitions, (perhaps)
                           a reset */
    uint64_t waited_ns; /* time that passed, but for that of calls */
    uint64_t unrest;    /* 1 + waited_ns when shares were last left to the scheduler, 0 never */
    uint64_t slots[5][4]; /* published pointer slots by table */
    bool slots_seen[5];
    uint32_t slots_version[5];
    uint32_t page[GPUP_MAX_SEGMENTS + 1];
    bool segment[GPUP_MAX_SEGMENTS + 1], local[GPUP_MAX_SEGMENTS + 1];
    uint64_t pool_count, pool_bytes;
    uint32_t fillings; /* waits that left more blocks than there were: time fills a list */
    struct schedule pf;
    struct gpup_machine_state kept; /* while updating */
    struct gpup_machine_state machines;
    struct vf vf[JUDGE_VFS];
};

/* What is to be seen once time has passed: no page says that the call waits for it. */
#define JUDGE_A_WHILE_NS UINT64_C(20000000) /* more than a tick of the system's clock, 15.6 ms */
#define JUDGE_A_WHILE "20 ms or more"       /* the same in the words of findings */
struct later {
    bool due;
    uint64_t since; /* host.waited_ns */
    uint32_t stamp;
};

/* A reading that changed while a call was in progress or settling. */
struct change {
    uint16_t kind; /* GPUP_EVENT_OBS_... */
    uint8_t host;
    bool quiet; /* the VF could not have done it by itself */
    bool fresh; /* nothing else explains it */
    uint32_t vf;
    uint32_t event;
    struct schedule old, now; /* OBS_SCHEDULE */
};

struct buffer {
    bool there;
    uint64_t object, size, hash;
};

struct call {
    bool active, returned, died; /* called and not back; back and not settled; ended by a fault */
    bool failed_alloc;
    uint8_t late; /* bit mask: hosts on which came in this one what an earlier call left to the scheduler */
    uint8_t restless; /* bit mask: hosts that were, when it began */
    bool overlapped;  /* other threads were in the driver, or its readings come later */
    bool names_vf;    /* the DDI has a VF argument */
    uint8_t host, class;
    uint16_t ddi;
    uint32_t vf, step, event;
    uint64_t number, a[GPUP_DDI_ARGUMENTS_MAX], r[GPUP_DDI_RESULTS_MAX], handle;
    uint32_t status, basis;
    uint64_t begin_ns, end_ns;
    struct vf before;   /* of the VF named */
    struct schedule pf; /* before the call */
    uint64_t pool_count;
    struct buffer input, data;
    bool damaged_arguments, damaged_data, damaged_input, damaged_interface;
    bool channels; /* it set up or took down a VMBus channel */
    uint32_t triage_events;
    struct change change[JUDGE_CHANGES];
    unsigned changes;
    struct change other[JUDGE_CHANGES]; /* of the other adapter of the machine, if there is one */
    unsigned others;
};

struct gpup_judge {
    void *(*alloc)(void *context, size_t size); /* whose memory it is in; NULL: the heap */
    void *alloc_context;
    struct host host[GPUP_MAX_HOSTS];
    struct call call;
    struct call lane[JUDGE_LANES]; /* calls of other threads, standing in the driver meanwhile; `active` */
    bool one_system;               /* the hosts are two adapters of one driver */
    bool recorded;                 /* by a recorder: only what its observers see can be judged */
    bool lost;                     /* events are missing */
    uint32_t unseen;               /* recorded: observers that some host lacks */
    bool waited;                   /* time passed, and no step or call began since */
    bool changing;                 /* a buffer of the call that comes, or is there, changes under it */
    bool together;                 /* calls of several threads are about: readings come after all of them */
    uint8_t call_at[GPUP_EVENT_KINDS]; /* place of the field `call` plus one, 0: the kind has none */
    struct gpup_finding finding[JUDGE_FINDINGS];
    size_t findings;
    struct gpup_rule_result *result; /* one per rule */
    uint64_t secret[JUDGE_SECRETS];
    unsigned secret_count;
    uint64_t poison[4];
    unsigned poison_count;
    struct {
        uint64_t base, size;
    } address[JUDGE_ADDRESSES];
    unsigned address_count;
    const struct gpup_places *at; /* of an earlier event; NULL: of this */
    const struct gpup_event *now; /* that monitors are looking at; NULL: a call settles, or the end */
    uint32_t event, step, op, op_vf;
    bool padded; /* the step sets padding bytes */
    uint8_t weakest;
    uint16_t monitor;   /* at work now */
    uint8_t about_host; /* what a finding made now is about */
    uint32_t about_vf;
    uint64_t used[GPUP_MAX_HOSTS]; /* bit mask: VFs that this program has touched */
    bool overflow, world_seen, ended, resolved;
    uint64_t varies;
    uint64_t framework;                          /* of the implementation: bit 0 it is one, 1 it uses one */
    uint64_t paged_secrets;                      /* of the VF whose memory was paged out last */
    uint64_t reserving;                          /* 1 + VF whose RESERVE events are coming in, 0 none */
    struct buffer next_input, next_data;         /* of the call that comes */
    struct monitor_state *state[JUDGE_MONITORS]; /* by order in the list of monitors */
    uint8_t wants[GPUP_EVENT_KINDS]
                 [JUDGE_MONITORS]; /* rows of the monitors that want the kind, 1 based, 0 ends */
};

/* --- speaking ------------------------------------------------------------------------------------------ */
/* Counts a check of the rule; when it does not hold, makes a finding about (host, vf) of the call at hand. */
#define CHECK(j, rule, holds, ...)                                                                           \
    do {                                                                                                     \
        if (judge_checked(j, rule) && !(holds))                                                              \
            judge_violated(j, rule, 255, __VA_ARGS__);                                                       \
    } while (0)
/* As CHECK, but a finding is POLICY at most. */
#define CHECK_POLICY(j, rule, holds, ...)                                                                    \
    do {                                                                                                     \
        if (judge_checked(j, rule) && !(holds))                                                              \
            judge_violated(j, rule, GPUP_POLICY_FINDING, __VA_ARGS__);                                       \
    } while (0)
/* A rule about memory that grew `times` in a row, asked where a while has passed since the level before: it
 * may be given back a little later. The driver's lists may keep a few blocks; WARN at most, until it grew
 * more often than a small cache explains. */
#define JUDGE_LISTS 3u
#define JUDGE_CACHE 16u
#define CHECK_GROWTH(j, rule, times, ...)                                                                    \
    do {                                                                                                     \
        if (judge_checked(j, rule) && (times) >= JUDGE_LISTS)                                                \
            judge_violated(j, rule, (times) > JUDGE_CACHE ? 255 : GPUP_WARN, __VA_ARGS__);                   \
    } while (0)
#define COUNT(j, rule) (void)judge_checked(j, rule) /* a check that held */
bool judge_checked(struct gpup_judge *j, uint16_t rule);
/* The rule is about something that the implementation is free to do and was seen not to do: without a check
 * it is NOT_APPLICABLE. */
void judge_inapplicable(struct gpup_judge *j, uint16_t rule);
__attribute__((format(printf, 4, 5))) void judge_violated(struct gpup_judge *j, uint16_t rule, uint8_t cap,
                                                          const char *format, ...);
/* For findings that are not about the call at hand. */
void judge_about(struct gpup_judge *j, uint8_t host, uint32_t vf);
/* For findings that come later than the event they are about: where that was. NULL: of the event at hand
 * again. */
void judge_at(struct gpup_judge *j, const struct gpup_places *places);

/* --- asking -------------------------------------------------------------------------------------------- */
static inline bool nt_success(uint32_t status) {
    return (int32_t)status >= 0;
}
struct vf *judge_vf(struct gpup_judge *j, unsigned host,
                    uint64_t vf); /* NULL: no such number. Marks it used. */
/* The call at hand makes the VF run, or ends a stop of it, be it a little later. host: whose VF. */
void judge_rises(const struct gpup_judge *j, unsigned host, struct vf *v);
/* The VF the call at hand names, now; NULL when the number is out of range. */
struct vf *call_vf(struct gpup_judge *j);
/* The guest may have asked for a function-level reset: a write behind the header of its configuration space,
 * not of MSI-X's own register, with the top bit of a byte set. No document says that
 * WriteVirtualFunctionConfig waits for its end; PCI Express gives it 100 ms. */
#define RESET_NS 100000000u /* that a function has for a reset of its own */
bool call_may_reset(const struct call *c);
/* After it a driver may keep the VF from running until its guest has set it up again. v: the VF, now. */
bool call_stops(const struct call *c, const struct vf *v);
bool call_reset_goes_on(const struct gpup_judge *j, const struct vf *v);
/* The call is one that the documents want to succeed, as far as circumstances go. */
bool call_must_succeed(const struct gpup_judge *j);
/* RestoreMemoryForHotUpdate with a block; the last such call only says that there are no more. */
static inline bool call_restores_block(const struct call *c) {
    return c->ddi == GPUP_DDI_RestoreMemoryForHotUpdate && !c->a[GPUP_ARG_RestoreMemoryForHotUpdate_Flags];
}
bool vf_quiet(const struct vf *v);
/* D0, an unpause or a reset came back a while ago at most, and it does not run yet: its driver may be at it.
 */
bool vf_is_to_begin(const struct host *h, const struct vf *v);
/* The same VFs run as then, and what there is to do is other: time may be shared out by it. then: JUDGE_VFS
 * readings; working: bit mask of the VFs that had work to do. */
bool host_has_other_work(const struct host *h, const struct schedule *then, uint64_t working);
/* Shares that a session or a pause moved may go back in any call, and those of VFs that were made, powered,
 * reset or destroyed go elsewhere: no page says that these calls wait for the scheduler. */
bool host_is_restless(const struct host *h);
/* So it is, or was, with shares beside the call at hand. */
bool call_is_unsettled(const struct gpup_judge *j);
/* Time has passed since then, in host.waited_ns. */
static inline bool host_had_a_while(const struct host *h, uint64_t since_ns) {
    return h->waited_ns - since_ns >= JUDGE_A_WHILE_NS;
}
/* Neither a pause nor a session keeps the VF from running with D0, nor half of another's state. */
static inline bool vf_is_free(const struct vf *v) {
    return !v->paused && v->session == SESSION_NONE && !v->half;
}
/* How often memory is known to have grown. Where waits filled a list since host.fillings was `fillings`, time
 * inside calls may have filled it, too: then no more often than a small cache explains. */
uint32_t growth_known(const struct host *h, uint32_t fillings, uint32_t times);
/* Equal things in a row, each of which leaves the pool as it was: in a while, for a timer may give back what
 * they took. A timer may also fill a list with time, so growth counts where no time passed, and where it is
 * asked for. */
struct row {
    uint64_t level;    /* blocks after the last */
    uint64_t ended_ns; /* host.waited_ns then */
    uint32_t grown;    /* in a row that left more */
    uint32_t fillings; /* host.fillings before those */
};
void row_begins(struct row *r, const struct host *h);
/* One more. True: a while has passed since the last, and *grown of them left more, or 0. */
bool row_goes_on(struct row *r, const struct host *h, uint32_t *grown);
/* stamp: of what would explain it if it came between, host.structure or vf.moves. */
void later_set(struct later *l, const struct host *h, uint32_t stamp);
bool later_is_over(struct later *l, const struct host *h); /* time has passed; it is due no more */
/* So, and nothing came between. */
bool later_is_same(struct later *l, const struct host *h, uint32_t stamp);
/* A step of the guest, of a fault or of the framework: the driver may act on it with no DDI called. */
bool judge_acts_beside(uint64_t op);
/* A change in this call of another VF than the one it names, which that VF did not make itself; NULL none. */
const struct change *call_foreign(const struct gpup_judge *j);
/* The same of such a list, which may be call.other. */
const struct change *call_foreign_of(const struct gpup_judge *j, const struct change *changes,
                                     unsigned count);
/* A change of the VF that the call names, other than by the work that the VF does; NULL none. */
const struct change *call_own(const struct gpup_judge *j);
const char *change_name(const struct change *change); /* of what changed */
/* Bus Master Enable in a reading of a configuration space that is there. */
bool judge_bus_master(const struct gpup_event *e);
/* Whether that reading of the VF changed in this call, with nothing else to explain it. */
const struct change *call_change(const struct gpup_judge *j, unsigned kind, unsigned host, uint32_t vf);
/* First place where 8 bytes or more of a pattern that repeats every 8 bytes stand, or -1. */
long judge_find_pattern(const uint8_t *bytes, size_t size, uint64_t pattern);
bool judge_find_value(const uint8_t *bytes, size_t size, uint64_t value);

/* Zeroes the rows of a table [host][vf] whose VF the program has used: a reset costs what was used. */
void judge_clear_used(const struct gpup_judge *j, void *table, size_t row);

/* More memory for a model, whose contents are lost. NULL: out of memory, and the old is still there.
 * judge_drop: for `release`. */
void *judge_grow(struct gpup_judge *j, void *old, size_t size);
void judge_drop(struct gpup_judge *j, void *memory);

/* --- engine -------------------------------------------------------------------------------------------- */
void context_reset(struct gpup_judge *j);
void context_event(struct gpup_judge *j, const struct gpup_event *e);   /* before the monitors */
void context_reading(struct gpup_judge *j, const struct gpup_event *e); /* after the monitors */
void context_note_change(struct gpup_judge *j, const struct gpup_event *e);
void call_begin(struct gpup_judge *j, const struct gpup_event *e);
void call_return(struct gpup_judge *j, const struct gpup_event *e);
void call_buffer(struct gpup_judge *j, const struct gpup_event *e);
void call_died(struct gpup_judge *j);
/* Brings the call forward that the event belongs to. */
void call_select(struct gpup_judge *j, const struct gpup_event *e);
void judge_resolve(struct gpup_judge *j); /* verdicts of rules without findings */

#endif
