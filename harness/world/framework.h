/*
 * The framework under test, or the suite's own, on a simulated host of its own: a bug check, which some calls
 * must end in, stops that host and not the adapter's.
 */
#ifndef GPUP_WORLD_FRAMEWORK_H
#define GPUP_WORLD_FRAMEWORK_H

#include "internal.h"

#include <gpup/framework.h>

#define FRAMEWORK_DEVICES 8
#define FRAMEWORK_OBJECTS 2304

struct framework_device {
    bool made;
    WDFDEVICE handle; /* kept after removal: a stale one */
    WDFOBJECT queue, other;
    WDFSPINLOCK spin_lock;
    WDFWAITLOCK wait_lock;
    bool fail_d0_entry;
    uint8_t state;
    bool queue_deleted;
};

struct framework_object { /* an interrupt object as it was asked for */
    WDFINTERRUPT handle;  /* NULL: gone */
    uint8_t device, callbacks;
    bool prepared, gone; /* made in PrepareHardware; no handle any more, or deleted by the driver */
    bool named_wait_lock;
    uint8_t *context;
    uint32_t context_size;
    WDF_OBJECT_CONTEXT_TYPE_INFO type;
};

struct framework {
    struct host *host;
    struct gpup_os *os;
    const struct gpup_framework_ops *ops;
    bool creating, stopped;           /* stopped: needs a new host */
    struct framework_object *looking; /* at the context of this new object */
    struct framework_device device[FRAMEWORK_DEVICES];
    struct framework_object object[FRAMEWORK_OBJECTS];
    uint32_t objects;
    struct gpup_step config, attributes; /* of the next create */
};

/* The framework of that host, started anew when it was stopped; NULL: the step was skipped. */
struct framework *framework_of(struct host *h);
/* The device in that slot; NULL: there is none, the step was skipped. */
struct framework_device *framework_device(struct framework *f, uint64_t slot);
/* Calls a function of the table as a routine of the framework's host. false: the host was stopped. */
bool framework_call(struct framework *f, void *function, const uint64_t *args, unsigned count,
                    uint64_t *result);

/* --- framework_callbacks.c: the driver's side, which only notes what is called */
extern const struct gpup_kmdf_callbacks framework_power_callbacks;
/* Callbacks as bits of InterruptConfig and InterruptAttributes. */
void framework_callbacks(WDF_INTERRUPT_CONFIG *config, uint32_t callbacks);
void framework_cleanup(WDF_OBJECT_ATTRIBUTES *attributes, uint32_t callbacks);
void framework_queue_cleanup(WDF_OBJECT_ATTRIBUTES *attributes);
BOOLEAN DDI_CALL framework_synchronized(WDFINTERRUPT interrupt, WDFCONTEXT context);
/* Emits INTERRUPT_ACT. */
void framework_act(struct framework *f, unsigned device, unsigned object, unsigned what, uint64_t message,
                   uint64_t value);
/* Whose callbacks run now; NULL: nobody's. Returns the one before. */
struct framework *framework_set_current(struct framework *f);

#endif
