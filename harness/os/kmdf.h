/*
 * The framework's interrupt object and what surrounds it: object handles, contexts, locks, a device with a
 * PnP state.
 *
 * A bad handle or a missing pointer is a framework violation, which stops the host, as the published
 * framework does.
 */
#ifndef GPUP_OS_KMDF_H
#define GPUP_OS_KMDF_H

#include "kernel.h"
#include "token.h"
#include <ddi/wdf.h>

#define GPUP_WDF_VIOLATION 0x10Du /* bug check code */

/* Seeded faults, in a build of their own: the same sources with GPUP_FRAMEWORK_DEFECTS, one switched on. */
#ifdef GPUP_FRAMEWORK_DEFECTS
extern unsigned gpup_kmdf_defect;
#define KMDF_DEFECT(number) (gpup_kmdf_defect == (number))
#else
#define KMDF_DEFECT(number) 0
#endif

enum gpup_wdf_kind {
    GPUP_WDF_DEVICE = 1,
    GPUP_WDF_INTERRUPT,
    GPUP_WDF_SPIN_LOCK,
    GPUP_WDF_WAIT_LOCK,
    GPUP_WDF_QUEUE,
    GPUP_WDF_OTHER,
    GPUP_WDF_RESOURCES,
    GPUP_WDF_DRIVER
};

struct gpup_wdf_context {
    struct gpup_wdf_context *next;
    PCWDF_OBJECT_CONTEXT_TYPE_INFO type;
    void *memory; /* suite memory of exactly the size asked for */
    PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
    PFN_WDF_OBJECT_CONTEXT_DESTROY destroy;
};

struct gpup_wdf_object { /* head of every object */
    void *token;
    uint32_t kind, references;
    bool deleted, held_by_child;       /* held: a child keeps the driver from deleting it */
    struct gpup_wdf_context *contexts; /* the one of creation is last */
};

struct gpup_wdf_lock {
    struct gpup_wdf_object object;
    struct gpup_fiber *owner;
    KIRQL before;
    bool of_interrupt;
    KEVENT free; /* wait locks */
};

struct gpup_wdf_queue {
    struct gpup_wdf_object object;
    struct gpup_wdf_device *device;
};

struct gpup_wdf_interrupt {
    struct gpup_wdf_object object;
    struct gpup_wdf_interrupt *next; /* in order of creation */
    struct gpup_wdf_device *device;
    WDF_INTERRUPT_CONFIG config;
    struct gpup_wdf_lock *lock; /* the driver's or its own */
    struct gpup_wdf_lock own;
    uint32_t message; /* number of the object */
    int32_t resource; /* index among the device's interrupt resources, -1: none */
    bool prepared;    /* made in PrepareHardware */
    bool connected, woken, work_queued, inactive;
    KDPC dpc;
};

struct gpup_wdf_device {
    struct gpup_wdf_object object;
    struct gpup_kmdf_config config;
    uint8_t state;                                /* enum gpup_kmdf_state */
    struct gpup_wdf_interrupt *interrupts, **end; /* end: where the next one is linked, if there is one */
    uint32_t interrupt_count;
    struct gpup_fiber *callback_owner;       /* callbacks of one scope, one at a time */
    uint32_t resources;                      /* interrupt descriptors in each list */
    CM_PARTIAL_RESOURCE_DESCRIPTOR *list[2]; /* raw, translated: what the driver sees */
    CM_PARTIAL_RESOURCE_DESCRIPTOR *pristine[2];
    struct gpup_wdf_object list_object[2];
    struct gpup_wdf_driver *driver; /* of WdfDeviceMiniportCreate; NULL: the suite made it */
    struct gpup_wdf_device *next;   /* of that driver */
    struct {
        PDEVICE_OBJECT object, attached, physical;
    } wdm;
};

struct gpup_wdf_driver {
    struct gpup_wdf_object object;
    WDF_DRIVER_CONFIG config;
    PDRIVER_OBJECT wdm;
    WCHAR *path; /* of its key */
    struct gpup_wdf_device *devices;
};

struct gpup_kmdf {
    struct gpup_tokens tokens;
    struct gpup_wdf_interrupt *free_interrupts;
    struct gpup_wdf_lock *free_locks;
    struct gpup_wdf_context *free_contexts;
    struct gpup_wdf_driver *driver; /* NULL: there is none */
};

struct gpup_kmdf *gpup_kmdf_of(struct gpup_os *os); /* NULL: arena full */

/* The object of that kind behind a handle; kind 0: any. A bad handle does not come back from a fiber. */
void *gpup_wdf_get(struct gpup_os *os, const char *name, const void *handle, unsigned kind);
/* Framework violation: stops the host, or outside a fiber reports the misuse. */
void gpup_wdf_violation(struct gpup_os *os, const char *name);

/* Token and first reference. false: table full. */
bool gpup_wdf_publish(struct gpup_os *os, struct gpup_wdf_object *object, unsigned kind);
/* Attributes as the framework judges them; for_interrupt adds what interrupts forbid. */
NTSTATUS gpup_wdf_check_attributes(const WDF_OBJECT_ATTRIBUTES *attributes, bool for_interrupt,
                                   bool parent_allowed);
NTSTATUS gpup_wdf_add_context(struct gpup_os *os, struct gpup_wdf_object *object,
                              const WDF_OBJECT_ATTRIBUTES *attributes);
void gpup_wdf_drop_contexts(struct gpup_os *os, struct gpup_wdf_object *object);
/* [fiber] Cleanup callbacks now, destroy callbacks with the last reference. */
void gpup_wdf_delete(struct gpup_os *os, struct gpup_wdf_object *object);
void gpup_wdf_unreference(struct gpup_os *os, struct gpup_wdf_object *object);
void gpup_wdf_end_device(struct gpup_os *os, struct gpup_wdf_device *device); /* one that has a driver */
void gpup_wdf_driver_left(struct gpup_os *os, struct gpup_kmdf *kmdf);        /* unloaded, and still there? */
/* What WdfGetDriver finds in the globals of a driver that was bound; tag 0: that of its name. */
void gpup_wdf_named(struct gpup_os *os, PVOID driver, ULONG tag);

void gpup_wdf_lock_init(struct gpup_wdf_lock *lock);
/* [fiber] The interrupt's lock, at its level: DIRQL, or passive. false: a passive one is taken, and the
 * caller does not wait. */
bool gpup_wdf_lock_interrupt(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt, bool wait);
void gpup_wdf_unlock_interrupt(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt);

/* [fiber] EvtInterruptEnable or Disable under the lock; STATUS_SUCCESS when there is none. */
NTSTATUS gpup_wdf_switch(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt, bool on);
bool gpup_wdf_deliver(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt);
void gpup_wdf_unlink(struct gpup_wdf_interrupt *interrupt);

/* [fiber] The steps of a device; to: enum gpup_kmdf_state. STATUS_INVALID_DEVICE_STATE: no such step. */
NTSTATUS gpup_wdf_move(struct gpup_os *os, struct gpup_wdf_device *device, unsigned to);
/* A queue, or an object of another type; attributes may be NULL. NULL: out of memory. */
WDFOBJECT gpup_wdf_make_object(struct gpup_os *os, struct gpup_wdf_device *device, bool queue,
                               const WDF_OBJECT_ATTRIBUTES *attributes);
/* Starts the ISRs of that message; whether there are any. */
bool gpup_wdf_signal(struct gpup_os *os, struct gpup_wdf_device *device, uint32_t message);

#define GPUP_EXPORT __attribute__((visibility("default")))

/* What the framework calls the function with this number; "a function": it is none. */
const char *gpup_wdf_name(uint32_t number);

#endif
