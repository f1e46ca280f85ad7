/*
 * What the judge knows of the framework's devices and interrupt objects. The fields of configuration and
 * attributes are those of the events INTERRUPT_CONFIG and INTERRUPT_ATTRIBUTES.
 */
#ifndef GPUP_JUDGE_WDF_H
#define GPUP_JUDGE_WDF_H

#include "monitors.h"

#define WDF_DEVICES 8
#define WDF_OBJECTS 2304
#define WDF_MOST_FAULTS 24

/* PnP states as in gpup/framework.h, which the judge does not see. */
enum wdf_state { WDF_ADD, WDF_PREPARE, WDF_D0, WDF_LOW, WDF_RELEASED, WDF_REMOVED };
enum { WDF_ISR = 1, WDF_DPC = 2, WDF_WORK_ITEM = 4, WDF_ENABLE = 8, WDF_DISABLE = 16 }; /* callbacks */
enum { WDF_PASSIVE = 1, WDF_SERIALIZED = 2, WDF_WAKE = 4 };                             /* handling */
enum { WDF_CLEANUP = 1, WDF_DESTROY = 2 };
enum { /* flags of a device */
       WDF_WAKE_HINT = 1,
       WDF_NO_POWER_POLICY = 2,
       WDF_PDO = 4,
       WDF_CONTROL = 8,
       WDF_OLD_SYSTEM = 16,
       WDF_VERIFIER = 32
};

struct wdf_config {
    uint32_t size, callbacks, handling, share, spin_lock, wait_lock, raw, translated;
};
struct wdf_attributes {
    uint32_t size, level, scope, parent, override, type, context, callbacks;
};

struct wdf_object {
    bool there, prepared;
    uint8_t device, callbacks, handling, end_callbacks, cleaned, destroyed;
    bool spin, wait, context, deleted;
    bool enabled;        /* EvtInterruptEnable came, Disable did not */
    bool running;        /* its ISR */
    bool signaled;       /* in low power, and able to wake */
    uint32_t index;      /* among the objects of its device that were made in DeviceAdd */
    uint32_t descriptor; /* of its interrupt, as the configuration has it; 0: not certain which */
    uint32_t number;
    bool numbered;                    /* it told its MessageNumber */
    uint32_t runs, enables, disables; /* of the ISR in this signal or move; callbacks in this move */
};

struct wdf_device {
    bool made, moving, entered;  /* entered: EvtDeviceD0Entry succeeded and D0 was not left since */
    uint8_t state, before, seen; /* seen: callbacks of this move, in order */
    uint32_t level, scope, messages, flags;
    uint32_t added, prepared, failures, rounds; /* objects, failed creates, PrepareHardware so far */
    uint64_t claimed[32]; /* messages whose descriptor an object of PrepareHardware has */
    bool queue_used, queue_refused, queue_cleaned;
    bool signaling;
    uint32_t message, count, runs; /* messages of the signal; ISRs in it */
};

struct wdf {
    struct wdf_config config;
    struct wdf_attributes attributes;
    struct wdf_device device[WDF_DEVICES];
    struct wdf_object object[WDF_OBJECTS];
    uint32_t objects; /* highest number so far */
};

/* --- wdf_model.c: what the documents and the published framework say about one call */
enum wdf_answer { WDF_STATUS, WDF_FAILURE, WDF_BUG_CHECK };
struct wdf_fault {
    uint16_t rule;
    uint8_t answer;     /* a status, any failure, or a bug check */
    uint32_t status[2]; /* either is right; equal when there is one */
};
/* Arguments of the call: bits of NULL and wrong things. */
struct wdf_call {
    bool bad_device, no_config, no_place, attributes;
};
/* The faults of a call in the order in which the published framework looks for them. */
unsigned wdf_faults(const struct wdf *w, const struct wdf_device *d, const struct wdf_call *call,
                    struct wdf_fault out[WDF_MOST_FAULTS]);
/* The configuration as the framework takes it: members that an older structure lacks have their default. */
struct wdf_config wdf_effective(const struct wdf_config *config);
/* Descriptors that are not two of a kind, not the framework's own, or not of an interrupt. */
bool wdf_odd_descriptors(const struct wdf_config *c);
/* Without the verifier nobody says whether odd descriptors are taken, and when they are looked at. */
bool wdf_unclear_descriptors(const struct wdf_device *d, const struct wdf_config *config);
/* The execution level that the parent must have differs from the one it has. */
bool wdf_levels_differ(const struct wdf_device *d, const struct wdf_config *c);

/* --- wdf_life.c: from the object's making to its end */
void wdf_act(struct gpup_judge *j, struct wdf *w, const struct gpup_event *e);
void wdf_move(struct gpup_judge *j, struct wdf *w, const struct gpup_event *e);
void wdf_signal(struct gpup_judge *j, struct wdf *w, const struct gpup_event *e);

#endif
