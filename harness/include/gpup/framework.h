/*
 * Contract with an emulation of the kernel-mode driver framework: the interrupt object as an implementation
 * under test, and the driver that uses one.
 *
 * A framework comes as a table of functions. One half is what a driver calls, named and typed as in
 * <ddi/wdf.h>; the other is what the suite needs to play the PnP manager. The suite's own framework
 * (gpup_kmdf_framework) is such a table; another one is handed over in gpup_implementation.framework and is
 * then judged in its place.
 *
 * Every function is called at PASSIVE_LEVEL unless said otherwise, as a driver's routine of a simulated host
 * is: it may use the kernel services by name, wait, raise the IRQL, and stop the host by a bug check.
 * Callbacks of the driver are run from inside, or from DPCs, work items and threads that it starts. State
 * lies in the implementation's writable sections or in pool; the suite saves and restores both. No function
 * is called by two threads.
 *
 * What is judged: the rules of subject framework (specs/rules/wdfi.yaml), which follow the pages
 * WdfInterruptCreate, WDF_INTERRUPT_CONFIG, WDF_OBJECT_ATTRIBUTES, "Creating an Interrupt Object" and their
 * neighbours, and the published framework source.
 */
#ifndef GPUP_FRAMEWORK_H
#define GPUP_FRAMEWORK_H

#include <ddi/wdf.h>
#include <stdbool.h>
#include <stdint.h>

#define GPUP_FRAMEWORK_VERSION 1

/* PnP states of a device. They name where the driver is called: in the first two its callback is running. */
enum gpup_kmdf_state {
    GPUP_KMDF_DEVICE_ADD,       /* inside EvtDriverDeviceAdd: the state of a new device */
    GPUP_KMDF_PREPARE_HARDWARE, /* inside EvtDevicePrepareHardware: resources are assigned */
    GPUP_KMDF_D0,               /* interrupts connected and enabled */
    GPUP_KMDF_LOW_POWER,        /* disabled and disconnected, but for those that can wake the device */
    GPUP_KMDF_RELEASED,         /* after EvtDeviceReleaseHardware: objects of PrepareHardware are gone */
    GPUP_KMDF_REMOVED           /* everything is gone, the handle too */
};

/* Power callbacks of the device's driver, in the order of the EvtInterruptEnable page; each may be NULL. */
struct gpup_kmdf_callbacks {
    NTSTATUS(DDI_CALL *d0_entry)(WDFDEVICE device); /* a failure leaves the device where it was */
    NTSTATUS(DDI_CALL *post_interrupts_enabled)(WDFDEVICE device);
    NTSTATUS(DDI_CALL *pre_interrupts_disabled)(WDFDEVICE device);
    NTSTATUS(DDI_CALL *d0_exit)(WDFDEVICE device);
};

/* A device as its driver would have initialised it, and the system around it. */
struct gpup_kmdf_config {
    WDF_EXECUTION_LEVEL level; /* of the device's callbacks; anything but passive counts as dispatch */
    WDF_SYNCHRONIZATION_SCOPE scope;
    uint32_t messages; /* interrupt messages granted, 0: one line interrupt; at most 2048 */
    bool wake_hint;    /* on the interrupt descriptors */
    bool no_power_policy, pdo, control_device, before_windows8;
    bool verifier; /* the framework's verifier is on for the driver */
    bool miniport; /* made by WdfDeviceMiniportCreate */
    struct gpup_kmdf_callbacks callbacks;
};

struct gpup_framework_ops {
    uint32_t size;    /* sizeof(struct gpup_framework_ops) that the author compiled with */
    uint32_t version; /* GPUP_FRAMEWORK_VERSION */

    /* --- what a driver calls; as the pages of these functions say */
    NTSTATUS(DDI_CALL *interrupt_create)
    (WDFDEVICE, PWDF_INTERRUPT_CONFIG, PWDF_OBJECT_ATTRIBUTES, WDFINTERRUPT *);
    /* WDF_INTERRUPT_CONFIG_INIT; NULL: the one in <ddi/wdf.h> */
    VOID(DDI_CALL *config_init)(PWDF_INTERRUPT_CONFIG, PFN_WDF_INTERRUPT_ISR, PFN_WDF_INTERRUPT_DPC);
    VOID(DDI_CALL *get_info)(WDFINTERRUPT, PWDF_INTERRUPT_INFO);
    BOOLEAN(DDI_CALL *queue_dpc)(WDFINTERRUPT);       /* at any IRQL */
    BOOLEAN(DDI_CALL *queue_work_item)(WDFINTERRUPT); /* at any IRQL */
    BOOLEAN(DDI_CALL *synchronize)(WDFINTERRUPT, PFN_WDF_INTERRUPT_SYNCHRONIZE, WDFCONTEXT);
    VOID(DDI_CALL *object_delete)(WDFOBJECT);
    PVOID(DDI_CALL *get_context)(WDFOBJECT, PCWDF_OBJECT_CONTEXT_TYPE_INFO);
    NTSTATUS(DDI_CALL *spin_lock_create)(PWDF_OBJECT_ATTRIBUTES, WDFSPINLOCK *);
    NTSTATUS(DDI_CALL *wait_lock_create)(PWDF_OBJECT_ATTRIBUTES, WDFWAITLOCK *);
    NTSTATUS(DDI_CALL *wait_lock_acquire)(WDFWAITLOCK, LONGLONG *); /* the suite only asks with timeout 0 */
    VOID(DDI_CALL *wait_lock_release)(WDFWAITLOCK);
    PCM_PARTIAL_RESOURCE_DESCRIPTOR(DDI_CALL *get_descriptor)(WDFCMRESLIST, ULONG);

    /* --- what the suite does in the place of the PnP manager */
    VOID(DDI_CALL *boot)(VOID); /* the host was started anew: forget everything. NULL: nothing to forget */
    WDFDEVICE(DDI_CALL *create_device)(const struct gpup_kmdf_config *config); /* NULL: out of memory */
    /* A queue of the device, or an object of a third type, to name as parent; NULL: out of memory. */
    WDFOBJECT(DDI_CALL *create_object)(WDFDEVICE device, BOOLEAN queue, PWDF_OBJECT_ATTRIBUTES attributes);
    /* What PrepareHardware is given: descriptor 0 is memory, then the interrupts in order of messages. */
    WDFCMRESLIST(DDI_CALL *resources)(WDFDEVICE device, BOOLEAN translated);
    /* One step along add, prepare, D0, low power, released, removed; back to D0 or prepare (a rebalance).
     * What the driver's callbacks return comes back. STATUS_INVALID_DEVICE_STATE: no such step. */
    NTSTATUS(DDI_CALL *move)(WDFDEVICE device, ULONG state);
    /* The device signals that message (0 for a line); nobody may be connected. */
    VOID(DDI_CALL *signal)(WDFDEVICE device, ULONG message);
};

/*
 * A function driver of the implementation that uses interrupt objects (gpup_implementation.framework_driver).
 * It calls the framework by name, as a KMDF driver does; its use is judged (rules of subject driver). The
 * device that `miniport` gets was made by WdfDeviceMiniportCreate. Members may be NULL.
 */
struct gpup_framework_driver {
    NTSTATUS(DDI_CALL *device_add)(WDFDEVICE device);
    EVT_WDF_DEVICE_PREPARE_HARDWARE *prepare_hardware;
    EVT_WDF_DEVICE_RELEASE_HARDWARE *release_hardware;
    NTSTATUS(DDI_CALL *miniport)(WDFDEVICE device);
};

/* The suite's own framework. */
#ifdef _WIN32 /* an image imports it */
__declspec(dllimport)
#endif
    extern const struct gpup_framework_ops gpup_kmdf_framework;

#endif
