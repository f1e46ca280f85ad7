/*
 * The framework as a driver for Windows reaches it: bound by WDFLDR before DriverEntry, each function called
 * by its number in the table. The half that plays the PnP manager is the suite's, which no driver calls. Only
 * as an image.
 */
#include <ddi/wdf_bind.h>
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry; /* of null.c */
DRIVER_INITIALIZE bound_entry;

/* As of version 1.33 the driver has a pointer. */
static WDFFUNC *functions;
static GPUP_WDF_DRIVER_GLOBALS *globals;
static GPUP_WDF_BIND_INFO info;
static const WCHAR component[] = {'K', 'm', 'd', 'f', 'L', 'i', 'b', 'r', 'a', 'r', 'y', 0};

#define IN_TABLE(number, result, parameters, ...)                                                            \
    ((result(DDI_CALL *) parameters)(PVOID)functions[number])(globals, __VA_ARGS__)
#define GLOBALS GPUP_WDF_DRIVER_GLOBALS *

static NTSTATUS DDI_CALL interrupt_create(WDFDEVICE device, PWDF_INTERRUPT_CONFIG config,
                                          PWDF_OBJECT_ATTRIBUTES attributes, WDFINTERRUPT *interrupt) {
    return IN_TABLE(141, NTSTATUS,
                    (GLOBALS, WDFDEVICE, PWDF_INTERRUPT_CONFIG, PWDF_OBJECT_ATTRIBUTES, WDFINTERRUPT *),
                    device, config, attributes, interrupt);
}

static VOID DDI_CALL get_info(WDFINTERRUPT interrupt, PWDF_INTERRUPT_INFO out) {
    IN_TABLE(149, VOID, (GLOBALS, WDFINTERRUPT, PWDF_INTERRUPT_INFO), interrupt, out);
}

static BOOLEAN DDI_CALL queue_dpc(WDFINTERRUPT interrupt) {
    return IN_TABLE(142, BOOLEAN, (GLOBALS, WDFINTERRUPT), interrupt);
}

static BOOLEAN DDI_CALL queue_work_item(WDFINTERRUPT interrupt) {
    return IN_TABLE(416, BOOLEAN, (GLOBALS, WDFINTERRUPT), interrupt);
}

static BOOLEAN DDI_CALL synchronize(WDFINTERRUPT interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE callback,
                                    WDFCONTEXT context) {
    return IN_TABLE(143, BOOLEAN, (GLOBALS, WDFINTERRUPT, PFN_WDF_INTERRUPT_SYNCHRONIZE, WDFCONTEXT),
                    interrupt, callback, context);
}

static VOID DDI_CALL object_delete(WDFOBJECT object) {
    IN_TABLE(208, VOID, (GLOBALS, WDFOBJECT), object);
}

static PVOID DDI_CALL get_context(WDFOBJECT object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type) {
    return IN_TABLE(202, PVOID, (GLOBALS, WDFOBJECT, PCWDF_OBJECT_CONTEXT_TYPE_INFO), object, type);
}

static NTSTATUS DDI_CALL spin_lock_create(PWDF_OBJECT_ATTRIBUTES attributes, WDFSPINLOCK *lock) {
    return IN_TABLE(315, NTSTATUS, (GLOBALS, PWDF_OBJECT_ATTRIBUTES, WDFSPINLOCK *), attributes, lock);
}

static NTSTATUS DDI_CALL wait_lock_create(PWDF_OBJECT_ATTRIBUTES attributes, WDFWAITLOCK *lock) {
    return IN_TABLE(312, NTSTATUS, (GLOBALS, PWDF_OBJECT_ATTRIBUTES, WDFWAITLOCK *), attributes, lock);
}

static NTSTATUS DDI_CALL wait_lock_acquire(WDFWAITLOCK lock, LONGLONG *timeout) {
    return IN_TABLE(313, NTSTATUS, (GLOBALS, WDFWAITLOCK, LONGLONG *), lock, timeout);
}

static VOID DDI_CALL wait_lock_release(WDFWAITLOCK lock) {
    IN_TABLE(314, VOID, (GLOBALS, WDFWAITLOCK), lock);
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR DDI_CALL get_descriptor(WDFCMRESLIST list, ULONG index) {
    return IN_TABLE(305, PCM_PARTIAL_RESOURCE_DESCRIPTOR, (GLOBALS, WDFCMRESLIST, ULONG), list, index);
}

static struct gpup_framework_ops ops;

/* What FxDriverEntry of the WDK's library does. */
NTSTATUS DDI_CALL bound_entry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    info = (GPUP_WDF_BIND_INFO){.Size = sizeof info,
                                .Component = component,
                                .Version = {1, 33, 0},
                                .FuncCount = GPUP_WDF_COPIED_FUNCTIONS + 1,
                                .FuncTable = (WDFFUNC *)(PVOID)&functions};
    NTSTATUS status = WdfVersionBind(driver, path, &info, &globals);
    if (!NT_SUCCESS(status))
        return status;
    status = DriverEntry(driver, path);
    if (!NT_SUCCESS(status))
        WdfVersionUnbind(path, &info, globals);
    return status;
}

static struct gpup_implementation implementation = {.size = sizeof implementation,
                                                    .version = GPUP_IMPLEMENTATION_VERSION,
                                                    .name = "framework",
                                                    .driver_entry = bound_entry,
                                                    .framework = &ops};

const struct gpup_implementation *gpup_implementation(void) {
    ops = gpup_kmdf_framework;
    ops.interrupt_create = interrupt_create;
    ops.get_info = get_info;
    ops.queue_dpc = queue_dpc;
    ops.queue_work_item = queue_work_item;
    ops.synchronize = synchronize;
    ops.object_delete = object_delete;
    ops.get_context = get_context;
    ops.spin_lock_create = spin_lock_create;
    ops.wait_lock_create = wait_lock_create;
    ops.wait_lock_acquire = wait_lock_acquire;
    ops.wait_lock_release = wait_lock_release;
    ops.get_descriptor = get_descriptor;
    return &implementation;
}
