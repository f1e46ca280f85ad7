/*
 * What the parts of the recorder share. The build joins them to one file, gpup_recorder.c, so everything here
 * is static there; see CMakeLists.txt. No DDI header: structures are read by the offsets of
 * specs/structures.yaml.
 */
#ifndef GPUP_RECORD_H
#define GPUP_RECORD_H

#include <gpup/recorder.h>

/* All of libc that it needs. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

#define RECORD_VFS 64u
#define RECORD_SEGMENTS 5u /* ids 1..4 */
#define RECORD_BUFFERS 5u
#define RECORD_COPY                                                                                          \
    256u /* bytes of an input that are kept to see that it did not change; the rest by a hash */
#define RECORD_CONTEXTS 8u
#define RECORD_NO_VF 0xFFFFFFFFu
#define RECORD_NT_SUCCESS(status) ((int32_t)(status) >= 0) /* NT_SUCCESS */

/* How the parameters of a function lie. */
enum record_form {
    RECORD_STRUCTURE, /* context, pointer to the argument structure */
    RECORD_VALUES,    /* context, arguments by value */
    RECORD_BARE       /* arguments by value, no context */
};
struct record_place {
    uint16_t offset; /* in the argument structure; by value: number of the parameter */
    uint16_t size;   /* bytes; 0: not such a plain one */
};
/* A wrapped function, from specs/. */
struct record_row {
    uint16_t ddi;       /* enum gpup_ddi */
    uint16_t offset;    /* in its table */
    uint16_t structure; /* bytes of the argument structure */
    uint8_t table;      /* as TABLE_SLOTS numbers it */
    uint8_t form;
    uint8_t constant; /* the argument structure is input only */
    uint8_t is_status, is_handle;
    uint8_t argument_count, result_count;
    struct record_place argument[8], result[6];
    void *wrapper;
};

enum record_flags { RECORD_IN = 1, RECORD_OUT = 2, RECORD_CONST = 4, RECORD_SHOW = 8 };
struct record_buffer {
    const uint8_t *bytes;
    uint64_t size, used;
    uint8_t role, flags;
    uint64_t hash;             /* of an input, before the call */
    uint8_t copy[RECORD_COPY]; /* the same, its first bytes */
};

/* One call, on the stack of its wrapper. */
struct record_call {
    const struct record_row *row;
    const uint64_t *p; /* its parameters */
    uint8_t *s;        /* its argument structure, or NULL */
    uint64_t number, a[8], r[6], handle, result;
    bool success;
    struct record_buffer buffer[RECORD_BUFFERS];
    unsigned buffers;
    uint8_t before[32]; /* outputs as they were, where it matters */
    uint8_t *table;     /* StartDevice: the copy that the driver gets */
};

struct record_object {
    uint64_t value;  /* the handle */
    uint64_t number; /* in the trace */
    uint8_t kind;    /* enum record_kind */
    bool live;
    uint32_t segment;
    uint64_t pages; /* bytes of a basis */
};
enum record_kind { RECORD_NONE, RECORD_BASIS, RECORD_PROCESS, RECORD_VMBUS };
struct record_range {
    uint64_t owner; /* number of a basis, or of a VF with RECORD_OF_VF */
    uint64_t offset, size;
    uint32_t segment;
};
#define RECORD_OF_VF (UINT64_C(1) << 63)

struct recorder {
    struct gpup_recorder_options o;
    bool on;
    uint64_t lost, told, calls, objects;
    void *original[GPUP_RECORD_ROWS];
    struct {
        uint64_t thread, number;
    } active[GPUP_RECORDER_CALLS];
    struct record_object object[GPUP_RECORDER_OBJECTS];
    struct record_range range[GPUP_RECORDER_RANGES];
    unsigned ranges;
    uint64_t adapter, others[RECORD_CONTEXTS];
    unsigned other_count;
    uint64_t device_handle;
    bool resourced[RECORD_VFS];
    uint32_t counted[2][RECORD_VFS][6]; /* mitigated and MMIO ranges, as last counted */
    uint32_t page[RECORD_SEGMENTS];     /* of the dirty plane */
    bool resource_told;
    uint64_t first_resource, block;
    uint64_t slots[5];                             /* hash of each table that was announced */
    uint64_t callbacks[128];                       /* the DXGKRNL_INTERFACE that the driver got */
    uint64_t log_event, range_update, save_memory; /* what it leads to */
};

/* --- emit.c */
struct record_event {
    uint16_t kind;
    uint64_t f[12];
    const void *data;
    uint64_t data_size;
};
static struct recorder recorder;
static void record_lock(void);
static void record_unlock(void);
static bool record_write(const struct record_event *event); /* with the lock held */
static void record_lose(void);                              /* one event is missing */
static uint64_t record_hash(const void *bytes, uint64_t size);
static uint32_t record_irql(void);

/* --- state.c */
static uint64_t record_number(uint8_t kind, uint64_t value, bool make);
static struct record_object *record_find(uint8_t kind, uint64_t value);
static void record_forget(uint8_t kind, uint64_t value);
static void record_add_range(uint64_t owner, uint32_t segment, uint64_t offset, uint64_t size);
static void record_drop_ranges(uint64_t owner);
static uint32_t record_vf_at(uint32_t segment, uint64_t offset);
static bool record_foreign(uint64_t context);

/* --- arguments.c, buffers.c, results.c: each knows the functions that are not plain */
static void record_arguments(struct record_call *c);
static void record_buffers(struct record_call *c);
static void record_announce(struct record_call *c); /* events that stand before the call's */
static void record_results(struct record_call *c);
static void record_aftermath(struct record_call *c); /* what a return changes, and events after the call's */

/* --- tables.c */
static void record_give_table(struct record_call *c);
static void record_take_tables(struct record_call *c);
static uint64_t record_call(unsigned row, const uint64_t *p);

static inline uint64_t record_get(const void *from, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, from, size);
    return value;
}

static inline const uint8_t *record_pointer(const void *from) {
    return (const uint8_t *)(uintptr_t)record_get(from, 8); // NOLINT(performance-no-int-to-ptr)
}

/* ROWS */

#endif
