/*
 * The contract as read-only tables: sources, rules, DDIs, structures, statuses, state machines and defects.
 *
 * The tables are compiled from specs/ by gpup-specc when the project is built; the enumerators that name
 * their rows (GPUP_RULE_MSIX_001, GPUP_DDI_CreateVirtualGpu, GPUP_MACHINE_vgpu, GPUP_STATE_vgpu_Created,
 * GPUP_MONITOR_msix, the GPUP_..._COUNT values) are in the generated header "gpup/spec_ids.h".
 *
 * Everything here is constant, lives for the whole run, is owned by the library and may be read from any
 * thread. Row numbers hold for one gpup_spec_version() only: what is stored carries names, or carries the
 * version as well.
 */
#ifndef GPUP_SPEC_H
#define GPUP_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "No such row" wherever a row number is expected. */
#define GPUP_SPEC_NONE UINT16_MAX

/* Most scalar inputs and outputs of one DDI: the slots a0..a7 of a CALL event and r0..r5 of a RETURN event.
 */
#define GPUP_DDI_ARGUMENTS_MAX 8
#define GPUP_DDI_RESULTS_MAX 6

/* A page, header or program text that a rule was taken from. */
struct gpup_source {
    const char *id;    /* key that rules cite, "R-WVI" */
    const char *title; /* full title */
    const char *kind;  /* "reference", "concept", "header", "code" or "standard" */
    const char *date;  /* "2024-03-28", "2018-05" or "undated" */
    const char *url;   /* where it can be read, or "" when it has no lasting address */
};

/* How strongly the source speaks. ASSUMED: the sources are silent and the sentence is our reading. */
enum gpup_rule_level { GPUP_LEVEL_MUST, GPUP_LEVEL_SHOULD, GPUP_LEVEL_MAY, GPUP_LEVEL_ASSUMED };

/* Where the sentence comes from: a document, a header, open framework code, inference, assumption. */
enum gpup_rule_basis { GPUP_BASIS_D, GPUP_BASIS_H, GPUP_BASIS_C, GPUP_BASIS_I, GPUP_BASIS_A };

/* Who has to keep the rule. A broken host rule is a fault of the suite itself. */
enum gpup_rule_subject { GPUP_SUBJECT_DRIVER, GPUP_SUBJECT_FRAMEWORK, GPUP_SUBJECT_HOST };

/* State that the calls do not return and that a rule may need; a rule lists them as a bit mask. */
enum gpup_observer {
    GPUP_OBSERVER_msix_table = 1 << 0,    /* entries of a VF's MSI-X table and the writes to them */
    GPUP_OBSERVER_msix_messages = 1 << 1, /* messages a VF really sent */
    GPUP_OBSERVER_vram = 1 << 2,          /* contents of the VF's memory */
    GPUP_OBSERVER_dirty_bits = 1 << 3,    /* the device's own dirty bit plane */
    GPUP_OBSERVER_schedule = 1 << 4,      /* which VFs are scheduled, and the PF's paging budget */
    GPUP_OBSERVER_guest_state = 1 << 5,   /* registers and contexts of the VF as the guest sees them */
    GPUP_OBSERVER_config = 1 << 6,        /* configuration space and BARs of a VF */
    GPUP_OBSERVER_pool = 1 << 7,          /* allocations of the driver */
    GPUP_OBSERVER_vmbus = 1 << 8,         /* calls into the VMBus client library */
    GPUP_OBSERVER_callbacks = 1 << 9,     /* calls into Dxgkrnl's callbacks */
    GPUP_OBSERVER_irql = 1 << 10,         /* IRQL and locks at every call out of the driver */
    GPUP_OBSERVER_interrupts = 1 << 11,   /* interrupt objects and their callbacks */
    GPUP_OBSERVER_time = 1 << 12,         /* the simulated clock */
    GPUP_OBSERVER_faults = 1 << 13,       /* faults, hangs, bug checks; writes outside of buffers; misuse */
    GPUP_OBSERVER_guest = 1 << 14,        /* what guests and the host's paging do to a VF */
    GPUP_OBSERVER_device = 1 << 15,       /* what the device has: VFs, segments, MSI-X, addresses */
    GPUP_OBSERVER_program = 1 << 16,      /* the program: its steps, changes under a call, a second run */
    GPUP_OBSERVER_whole_trace = 1 << 17,  /* no event was lost; every rule needs it, so none lists it */
};
#define GPUP_OBSERVER_COUNT 18
/* What a world of the suite sees of any implementation; a recorder in a driver does not. */
#define GPUP_OBSERVERS_INHERENT                                                                              \
    (GPUP_OBSERVER_faults | GPUP_OBSERVER_guest | GPUP_OBSERVER_device | GPUP_OBSERVER_program)

/* One testable requirement. Rows are sorted by id. */
struct gpup_rule {
    const char *id;          /* "MSIX-001" */
    const char *area;        /* "MSIX": the id without its number */
    const char *sentence;    /* what must hold, one or two plain sentences */
    const char *where;       /* place inside the sources, may be "" */
    const char *note;        /* what is not graded, why this level; may be "" */
    const char *beyond;      /* why no black-box test can judge it; "" for a rule that one can */
    const uint16_t *sources; /* rows of gpup_sources, never empty */
    const uint16_t *ddis;    /* rows of gpup_ddis, may be empty */
    uint32_t observers;      /* enum gpup_observer bits; 0: the calls alone are enough */
    uint16_t monitor;        /* enum gpup_monitor, or GPUP_SPEC_NONE: NOT_COVERED */
    uint8_t source_count;    /* length of sources */
    uint8_t ddi_count;       /* length of ddis */
    uint8_t level;           /* enum gpup_rule_level */
    uint8_t basis;           /* enum gpup_rule_basis */
    uint8_t subject;         /* enum gpup_rule_subject */
};

/* Function table that holds a DDI's pointer. */
enum gpup_ddi_table {
    GPUP_TABLE_none, /* entry points and framework functions that stand in no table */
    GPUP_TABLE_DRIVER_INITIALIZATION_DATA,
    GPUP_TABLE_DXGKDDI_GPU_PARTITION_INTERFACE,
    GPUP_TABLE_DXGKDDI_SRIOV_INTERFACE,
    GPUP_TABLE_DXGKDDI_MITIGABLE_DEVICE_INTERFACE,
    GPUP_TABLE_DXGKDDI_FLEXIOV_DEVICE_INTERFACE,
};

/* What the function returns: a status, a handle (NULL is failure), nothing, or "was it mine" of an ISR. */
enum gpup_ddi_returns { GPUP_RETURNS_NTSTATUS, GPUP_RETURNS_HANDLE, GPUP_RETURNS_VOID, GPUP_RETURNS_BOOLEAN };

/* Capability without which the OS does not call the DDI. */
enum gpup_ddi_gate {
    GPUP_GATE_none,
    GPUP_GATE_LiveMigration,
    GPUP_GATE_ScatterMapReserve,
    GPUP_GATE_DirtyBitTrackingSupported,
    GPUP_GATE_HotDriverUpdate,
};

/* One function of a driver. Rows keep the order of specs/ddis.yaml. */
struct gpup_ddi {
    const char *name;                              /* "CreateVirtualGpu", no DxgkDdi prefix */
    const char *since;                             /* first version that has it, "WDDM3_2" */
    const char *irql;                              /* highest IRQL it is called at, "PASSIVE_LEVEL" */
    const char *arguments[GPUP_DDI_ARGUMENTS_MAX]; /* names of the scalar inputs, in order a0.. */
    const char *results[GPUP_DDI_RESULTS_MAX];     /* names of the scalar outputs, in order r0.. */
    const uint32_t *statuses;                      /* NTSTATUS values that the documents name */
    uint16_t offset;                               /* bytes into the table, x64; 0 with no table */
    uint16_t structure;                            /* row of gpup_structures or GPUP_SPEC_NONE */
    uint16_t source;                               /* row of gpup_sources */
    uint8_t table;                                 /* enum gpup_ddi_table */
    uint8_t returns;                               /* enum gpup_ddi_returns */
    uint8_t gate;                                  /* enum gpup_ddi_gate */
    bool constant;                                 /* the argument structure is input only */
    int8_t sync;                                   /* synchronisation level 0..3, -1 not stated */
    int8_t vf_argument;                            /* argument that holds the VF number, -1 none */
    int8_t basis_argument;                         /* argument that holds the memory basis, -1 none */
    uint8_t argument_count;                        /* inputs in use */
    uint8_t result_count;                          /* outputs in use */
    uint8_t status_count;                          /* length of statuses */
};

enum gpup_field_direction { GPUP_FIELD_in, GPUP_FIELD_out, GPUP_FIELD_inout, GPUP_FIELD_none };

/* What a field is about; generators choose values by it. */
enum gpup_field_meaning {
    GPUP_MEANING_index,
    GPUP_MEANING_handle,
    GPUP_MEANING_size,
    GPUP_MEANING_flags,
    GPUP_MEANING_enum,
    GPUP_MEANING_address,
    GPUP_MEANING_pointer,
    GPUP_MEANING_reserved,
    GPUP_MEANING_blob,
    GPUP_MEANING_count,
    GPUP_MEANING_value,
    GPUP_MEANING_bool,
};

struct gpup_field {
    const char *name;
    uint16_t offset;   /* bytes from the start of the structure */
    uint16_t size;     /* bytes */
    uint8_t direction; /* enum gpup_field_direction */
    uint8_t meaning;   /* enum gpup_field_meaning */
};

/* Layout of one structure, x64. A variable tail counts with one element. */
struct gpup_structure {
    const char *name; /* "DXGKARG_CREATEVIRTUALGPU" */
    const struct gpup_field *fields;
    uint16_t size; /* bytes */
    uint16_t field_count;
};

struct gpup_status {
    const char *name; /* "STATUS_SUCCESS" */
    uint32_t value;   /* the NTSTATUS, unsigned */
};

/* A deliberately wrong variant of the reference driver. */
struct gpup_defect {
    const char *id;        /* "BUG-001" */
    const char *area;      /* "MSIX" */
    const char *sentence;  /* what is wrong */
    const char *hides;     /* why an ordinary test does not see it; may be "" */
    const uint16_t *rules; /* rows of gpup_rules that it breaks, the most telling first */
    uint8_t rule_count;
    bool built; /* the reference driver has a switch for it */
};

/* The tables; lengths are in gpup_spec_counts, and in spec_ids.h as GPUP_SOURCE_COUNT, GPUP_RULE_COUNT ... */
extern const struct gpup_source gpup_sources[];
extern const struct gpup_rule gpup_rules[];
extern const struct gpup_ddi gpup_ddis[];
extern const struct gpup_structure gpup_structures[];
extern const struct gpup_status gpup_statuses[];
extern const struct gpup_defect gpup_defects[];
extern const char *const gpup_monitors[]; /* names, sorted */

extern const struct gpup_spec_counts {
    uint16_t sources, rules, ddis, structures, statuses, defects, monitors, machines;
} gpup_spec_counts;

/*
 * Hash of everything in specs/ (FNV-1a, 64 bits, 16 hex digits): independent of comments, layout and of the
 * place of the files on disk. A trace carries it, so that a verdict can be derived again with the same
 * tables.
 */
const char *gpup_spec_version(void);

/* Row of the given name, or GPUP_SPEC_NONE. Names are matched exactly; NULL is not a name. */
uint16_t gpup_rule_find(const char *id);
uint16_t gpup_ddi_find(const char *name); /* also accepts the DxgkDdi prefix */
uint16_t gpup_source_find(const char *id);
uint16_t gpup_structure_find(const char *name);
uint16_t gpup_defect_find(const char *id);
uint16_t gpup_monitor_find(const char *name);

/* Name of a row; "?" when there is no such row, so that it can be printed without a check. */
const char *gpup_ddi_name(uint16_t ddi);
const char *gpup_rule_id(uint16_t rule);

/* Name of a status that the specification knows, else NULL. */
const char *gpup_status_name(uint32_t status);
/* Value of a status by name; false leaves *value alone. */
bool gpup_status_find(const char *name, uint32_t *value);

/* Position of an argument or result by name, or -1. */
int gpup_ddi_argument(uint16_t ddi, const char *name);
int gpup_ddi_result(uint16_t ddi, const char *name);

/* Words of the enumerations as specs/ spells them ("MUST", "D", "driver", "msix_table"); "?" out of range. */
const char *gpup_level_name(unsigned level);
const char *gpup_basis_name(unsigned basis);
const char *gpup_subject_name(unsigned subject);
const char *gpup_observer_name(uint32_t bit); /* exactly one bit */
const char *gpup_table_name(unsigned table);
const char *gpup_gate_name(unsigned gate);
const char *gpup_meaning_name(unsigned meaning);

#endif
