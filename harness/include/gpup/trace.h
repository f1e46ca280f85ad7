/*
 * Trace: everything that happened while a program ran, and the only evidence a verdict rests on.
 *
 * A trace is a sequence of events in the order they happened. Events are plain values; `data` is owned by the
 * emitter and valid only during the call that hands the event over. Three forms exist: the value (struct
 * gpup_event), the binary file (a header with magic, format version and its own length, then one
 * length-prefixed record per event, LEB128 numbers) and the text, which proofs are written in. A file holds
 * no total length, because it is also written as a stream: what ends without an END event was cut off between
 * two records. Reading accepts any bytes: a damaged trace gives an error with the offset, never a fault.
 *
 * Text: one event per line, `name field=value ... @host=1 @fiber=2 @step=3 @time=4 @data=0a0b @text="..."`.
 * Keys may stand in any order; what is left out is 0 (@step: GPUP_NO_STEP). @data and @text are two ways to
 * write `data`; in a text, \" and \\ stand for " and \. Numbers are decimal, or hex with 0x. `#` starts a
 * comment.
 *
 * Threads: a trace belongs to one world and one thread.
 */
#ifndef GPUP_TRACE_H
#define GPUP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum gpup_event_kind {
#define EVENT(kind, text) GPUP_EVENT_##kind,
#define FIELD(kind, name)
#define END(kind)
#include <gpup/events.def>
#undef EVENT
#undef FIELD
#undef END
    GPUP_EVENT_KINDS
};

/* Index of a field in gpup_event.f: e->f[GPUP_CALL_ddi]. */
#define EVENT(kind, text) enum gpup_event_fields_##kind {
#define FIELD(kind, name) GPUP_##kind##_##name,
#define END(kind)                                                                                            \
    GPUP_##kind##_FIELDS                                                                                     \
    }                                                                                                        \
    ;
#include <gpup/events.def>
#undef EVENT
#undef FIELD
#undef END

#define GPUP_EVENT_MAX_FIELDS 12
#define GPUP_NO_STEP 0xFFFFFFFFu /* start-up and tear-down around the program's own steps */
#define GPUP_PF 0xFFFFFFFFu      /* in a `vf` field: the physical function */

/* How legal a step is. The weakest class so far holds for all later findings of the program. */
enum gpup_class {
    GPUP_LEGAL,      /* the documents allow it */
    GPUP_STATED,     /* forbidden or odd, but a document says what must happen */
    GPUP_ROBUSTNESS, /* nothing is said: no crash, no damage, no effect on others */
    GPUP_POLICY,     /* our reading */
    GPUP_CLASSES
};

/* How a program ended. In files: only append. */
enum gpup_outcome {
    GPUP_COMPLETE, /* it started, and nothing ended it early */
    GPUP_SKIPPED,  /* no host started, so no step was played */
    GPUP_ERROR,    /* the suite itself failed: out of memory */
    GPUP_TIMEOUT,  /* the wall clock ended it */
    GPUP_CRASH     /* a fault, a bug check, or a hang that was counted (HANG) */
};
/* FAULT: what the processor or the process met while code of the implementation ran. */
enum gpup_fault {
    GPUP_FAULT_NONE,
    GPUP_FAULT_READ,    /* of memory that is not there */
    GPUP_FAULT_WRITE,   /* to memory that is not there, or read-only */
    GPUP_FAULT_EXECUTE, /* a jump to what is no code */
    GPUP_FAULT_STACK,   /* stack guard page */
    GPUP_FAULT_BREAKPOINT,
    GPUP_FAULT_ILLEGAL,
    GPUP_FAULT_DIVIDE,
    GPUP_FAULT_ABORT, /* the process was ended: abort, exit, sanitizer report, killed */
    GPUP_FAULT_GUARD  /* a guard page right after a buffer of ours: object and offset say which */
};
enum gpup_together { /* phase of TOGETHER */
                     GPUP_TOGETHER_BEGINS = 1,
                     GPUP_TOGETHER_RETURNED,
                     GPUP_TOGETHER_SETTLED
};
/* HANG: which counted budget ran out. */
enum gpup_hang {
    GPUP_HANG_NONE,
    GPUP_HANG_MMIO,     /* register accesses in one call */
    GPUP_HANG_WAIT,     /* a wait that nothing can end (deadlock) */
    GPUP_HANG_ALLOC,    /* allocations in one call */
    GPUP_HANG_TIME,     /* simulated time in one call */
    GPUP_HANG_SWITCHES, /* fiber switches in one call */
    GPUP_HANG_WALL      /* wall clock, the last resort */
};
/* DAMAGE and POOL_DAMAGE: bytes that changed and must not have. */
enum gpup_damage {
    GPUP_DAMAGE_NONE,
    GPUP_DAMAGE_BEFORE, /* bytes before the buffer */
    GPUP_DAMAGE_AFTER,  /* bytes after it */
    GPUP_DAMAGE_CONST,  /* an argument that is input only */
    GPUP_DAMAGE_BEYOND, /* inside the buffer, past the bytes the call may use */
    GPUP_DAMAGE_FREED,  /* write to freed pool */
    GPUP_DAMAGE_DOUBLE_FREE,
    GPUP_DAMAGE_BAD_FREE
};
/* MISUSE: how a kernel, Dxgkrnl, VMBus or KMDF service was called wrongly. */
enum gpup_misuse {
    GPUP_MISUSE_NONE,
    GPUP_MISUSE_IRQL,        /* called above the IRQL its page allows */
    GPUP_MISUSE_LOCK,        /* released what is not held, wrong order of IRQL */
    GPUP_MISUSE_OBJECT,      /* not initialised, destroyed or foreign object */
    GPUP_MISUSE_PARAMETER,   /* argument outside its documented values */
    GPUP_MISUSE_STATE,       /* wrong state: e.g. channel enabled twice, callback after StopDevice */
    GPUP_MISUSE_UNSUPPORTED, /* a service this suite does not play: its own limit, never a finding */
    GPUP_MISUSE_STALE,       /* through a structure of the caller's that was only lent for a call */
    GPUP_MISUSE_RECURSION,   /* waits for a lock that it holds. data: the name, a colon, and where */
    /* Waits for a lock while it holds another; here or elsewhere they are taken the other way round, so that
     * threads may wait for each other. data: the name, a colon, and each step of the way round. */
    GPUP_MISUSE_ORDER
};
/* LEFT: what a driver had not given back when it was removed. */
enum gpup_object {
    GPUP_OBJECT_POOL,      /* an allocation */
    GPUP_OBJECT_THREAD,    /* a system thread that still runs */
    GPUP_OBJECT_TIMER,     /* a timer that is set */
    GPUP_OBJECT_CHANNEL,   /* a VMBus channel that was not cleaned up */
    GPUP_OBJECT_HANDLE,    /* a handle of the kernel that was not closed */
    GPUP_OBJECT_MAPPING,   /* device memory that was not unmapped */
    GPUP_OBJECT_REFERENCE, /* a reference that was not dropped */
    GPUP_OBJECT_INTERRUPT, /* an interrupt that is still connected */
    GPUP_OBJECT_WORK_ITEM  /* a work item that is queued or was not freed */
};
/* Where an MMIO access went. A 64-bit BAR takes two registers, hence the even numbers. */
enum gpup_region {
    GPUP_REGION_PF_BAR0,
    GPUP_REGION_PF_BAR2,
    GPUP_REGION_PF_BAR4,
    GPUP_REGION_VF_BAR0,
    GPUP_REGION_VF_BAR2,
    GPUP_REGION_VF_BAR4,
    GPUP_REGION_OTHER
};
/* CHANNEL: what was done to a VMBus channel; by the driver, unless said otherwise. */
enum gpup_channel {
    GPUP_CHANNEL_ALLOCATE = 1,
    GPUP_CHANNEL_CONFIGURE, /* VmbServerChannelInit... and callbacks, before it is enabled */
    GPUP_CHANNEL_ENABLE,
    GPUP_CHANNEL_OPENED,   /* by the guest */
    GPUP_CHANNEL_CLOSED,   /* by the guest, or because it was disabled */
    GPUP_CHANNEL_DISABLE,  /* VmbChannelDisable is called */
    GPUP_CHANNEL_CLEANUP,  /* the memory of the channel is given back */
    GPUP_CHANNEL_PACKET,   /* one of the guest is handed to the driver; data: its number */
    GPUP_CHANNEL_COMPLETE, /* the driver is done with that packet; data: its number */
    GPUP_CHANNEL_SEND,     /* a packet to the guest; data: its bytes */
    GPUP_CHANNEL_SUSPEND,  /* no packets from here on */
    GPUP_CHANNEL_START,    /* packets flow again */
    GPUP_CHANNEL_GONE      /* VmbChannelDisable came back */
};
/* Which buffer of a call a BUFFER, OUTPUT or DAMAGE event speaks of. */
enum gpup_role {
    GPUP_ROLE_ARGUMENTS, /* the DXGKARG_ structure itself */
    GPUP_ROLE_SIZE,      /* a size behind a pointer, in and out */
    GPUP_ROLE_DATA,      /* bytes that the call reads or fills */
    GPUP_ROLE_INPUT,     /* bytes that go in beside those that come out, or a blob to restore */
    GPUP_ROLE_GUID,
    GPUP_ROLE_RANGES,   /* an array of memory ranges */
    GPUP_ROLE_INTERFACE /* an interface table or another structure to fill */
};
/* INTERRUPT_ACT.what. Callbacks of the driver first. */
enum gpup_interrupt_act {
    GPUP_ACT_ISR = 1,
    GPUP_ACT_ISR_END,
    GPUP_ACT_DPC,
    GPUP_ACT_WORK_ITEM,
    GPUP_ACT_ENABLE,
    GPUP_ACT_DISABLE,
    GPUP_ACT_SYNCHRONIZE,
    GPUP_ACT_CLEANUP, /* value: the context kept what was written there, 1 yes, 0 no or none */
    GPUP_ACT_DESTROY,
    GPUP_ACT_D0_ENTRY, /* of the device, object 0; value: the status it gives */
    GPUP_ACT_D0_EXIT,
    GPUP_ACT_INTERRUPTS_ENABLED,
    GPUP_ACT_INTERRUPTS_DISABLED,
    GPUP_ACT_QUEUE_CLEANUP, /* of the queue that is named as parent, object 0 */
    GPUP_ACT_INFO,          /* WdfInterruptGetInfo; value: the vector */
    GPUP_ACT_CONTEXT,       /* value: 1 there, and zero in all its bytes; 0 not */
    GPUP_ACT_DELETE,        /* WdfObjectDelete is about to be called on it */
    GPUP_ACT_DELETE_QUEUE,  /* it came back from the parent queue, object 0 */
    GPUP_ACT_INITIALISED /* data: a WDF_INTERRUPT_CONFIG after its INIT function; the two callbacks as 1, 2 */
};
/* SKIP: why a step was not played. Never a finding. */
enum gpup_skip {
    GPUP_SKIP_ILLEGAL = 1, /* the documents say the OS never does it here, and the step is not marked */
    GPUP_SKIP_ABSENT,      /* slot or interface not provided by the implementation */
    GPUP_SKIP_UNSUPPORTED, /* the device or an observer cannot do it */
    GPUP_SKIP_UNRESOLVED,  /* a blob or handle that does not exist */
    GPUP_SKIP_DEAD
}; /* the host bug-checked or faulted before */

struct gpup_event {
    uint16_t kind;                     /* enum gpup_event_kind */
    uint8_t host;                      /* 0 or 1 */
    uint16_t fiber;                    /* 0 the world itself; else a number that is unique in the host */
    uint32_t step;                     /* index in the program, or GPUP_NO_STEP */
    uint64_t time_ns;                  /* simulated time of the host since the world was made */
    uint64_t f[GPUP_EVENT_MAX_FIELDS]; /* as events.def orders them for this kind; the rest is 0 */
    const uint8_t *data;               /* NULL with data_size 0 */
    size_t data_size;                  /* bytes, at most GPUP_EVENT_MAX_DATA */
};
#define GPUP_EVENT_MAX_DATA (16u << 20)

/*
 * Where in the implementation something happened: return addresses, the innermost first, as bytes from the
 * start of its image (an RVA; the link-time address in an ELF object). They serve what people read. No
 * verdict rests on them, and two builds of one driver differ in nothing else.
 */
#define GPUP_CALLERS 8 /* of one stack */
struct gpup_callers {
    uint32_t count;
    uint32_t at[GPUP_CALLERS];
};
enum gpup_callers_of {
    GPUP_CALLERS_HERE,      /* the implementation stood here */
    GPUP_CALLERS_ALLOCATED, /* what the event speaks of was made here */
    GPUP_CALLERS_FREED,     /* and was given back here */
    GPUP_CALLERS_KINDS
};
struct gpup_places {
    struct gpup_callers of[GPUP_CALLERS_KINDS];
    bool instruction; /* the first of HERE is the instruction itself, no return address */
};
#define GPUP_PLACES_ROOM (GPUP_CALLERS_KINDS * (GPUP_CALLERS + 1) + 1)
/* What the event carries of them; whatever its bytes are. false: nothing. */
bool gpup_event_places(const struct gpup_event *event, struct gpup_places *places);
/* Makes it carry those that its kind has a place for; `room` must outlive its data. The data of other kinds
 * stays. */
void gpup_event_put_places(struct gpup_event *event, const struct gpup_places *places,
                           uint64_t room[GPUP_PLACES_ROOM]);
/* For comparing traces of two builds. */
void gpup_event_forget_places(struct gpup_event *event);

/* Narrow accesses to the physical function are most of a trace, and no monitor looks at them: worlds for
 * fuzzing leave them out. */
static inline bool gpup_mmio_is_routine(uint64_t region, uint64_t width) {
    return region < GPUP_REGION_VF_BAR0 && width < sizeof(uint64_t);
}

/* Receives each event as it happens; must not call into the world. */
struct gpup_trace_sink {
    void (*event)(void *context, const struct gpup_event *event);
    void *context;
};

/* Names, for text and reports. NULL when out of range. */
const char *gpup_event_name(unsigned kind);
const char *gpup_event_field_name(unsigned kind, unsigned field);
/* 0 when out of range. */
unsigned gpup_event_field_count(unsigned kind);

/* Mixes the bits of a number; hashes bytes (equal seed and bytes, equal hash; a size of 0 reads nothing). Not
 * for keeping secrets. Traces hold such hashes: another function needs another version of the format. */
uint64_t gpup_trace_mix(uint64_t value);
uint64_t gpup_trace_hash(uint64_t seed, const void *bytes, size_t size);

/* Binary form. Writer appends to a growing buffer that the caller frees with gpup_trace_free. */
struct gpup_trace_buffer {
    uint8_t *bytes;
    size_t size, capacity; /* bytes written, bytes allocated */
    bool failed; /* out of memory or an impossible event: what is here is whole, later events are lost */
};
/* Writes the header; the buffer is all zero or was used before: then its memory is used again. */
void gpup_trace_begin(struct gpup_trace_buffer *buffer);
/* One event after the others; the data is copied. Errors only set `failed`: look once, at the end. */
void gpup_trace_append(struct gpup_trace_buffer *buffer, const struct gpup_event *event);
/* Leaves an empty buffer that can be used again. */
void gpup_trace_free(struct gpup_trace_buffer *buffer);

/* Reader over bytes in memory; event.data points into them. Returns 1 an event, 0 the end, -1 damaged:
 * message and offset are set. */
struct gpup_trace_reader {
    const uint8_t *bytes; /* the caller's: must outlive the reader and its events */
    size_t size, offset;  /* offset: of the next record, or of the damage */
    char message[160];    /* one line, after -1 */
};
int gpup_trace_open(struct gpup_trace_reader *reader, const void *bytes, size_t size);
int gpup_trace_next(struct gpup_trace_reader *reader, struct gpup_event *event);
/* One record without file header, for pipes. Encode: the size it needs, written if capacity suffices (out may
 * be NULL with 0); -1 an impossible event (kind, host, data_size). Decode: bytes used, 0 when more bytes are
 * needed, -1 damaged. One event has one encoding: any other that would mean the same is damaged. */
long gpup_trace_encode(const struct gpup_event *event, uint8_t *out, size_t capacity);
long gpup_trace_decode(const uint8_t *bytes, size_t size, struct gpup_event *event);

/* Text form. Print: like snprintf; capacity 0 only measures. Parse: 0; 1 a blank or comment line; -1 with a
 * message that names column, what was expected and what was found. data (if any) is written to storage of the
 * caller. */
int gpup_event_print(const struct gpup_event *event, char *out, size_t capacity);
int gpup_event_parse(const char *line, struct gpup_event *event, uint8_t *storage, size_t capacity,
                     char *message, size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
