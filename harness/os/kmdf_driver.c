/* The driver's own object, and devices that its port driver found: what a miniport has of the framework
 * (wdfdriver.h and wdfminiport.h pages). Which framework callbacks there are beside EvtDriverUnload does not
 * matter: the port driver, not the framework, hears of devices and power. */
#include "asan.h"
#include "kmdf.h"

static struct gpup_wdf_driver *driver_of(struct gpup_os *os, const char *name, WDFDRIVER handle) {
    return os ? gpup_wdf_get(os, name, handle, GPUP_WDF_DRIVER) : NULL;
}

static struct gpup_wdf_device *device_of(struct gpup_os *os, const char *name, WDFDEVICE handle) {
    return os ? gpup_wdf_get(os, name, handle, GPUP_WDF_DEVICE) : NULL;
}

/* A copy that ends with a zero; NULL: out of memory. */
static WCHAR *copy_of(struct gpup_os *os, const UNICODE_STRING *path) {
    size_t length = path->Length / sizeof(WCHAR);
    uint64_t number;
    WCHAR *copy = gpup_os_buffer(os, (length + 1) * sizeof(WCHAR), 0, &number);

    if (!copy)
        return NULL;
    gpup_copy_driver(copy, path->Buffer, length * sizeof(WCHAR));
    copy[length] = 0;
    return copy;
}

static NTSTATUS check(const struct gpup_kmdf *kmdf, const WDF_DRIVER_CONFIG *config,
                      const WDF_OBJECT_ATTRIBUTES *attributes) {
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (kmdf->driver)
        return STATUS_DRIVER_INTERNAL_ERROR;
    if ((config->DriverInitFlags & WdfDriverInitNonPnpDriver) && config->EvtDriverDeviceAdd)
        return STATUS_INVALID_PARAMETER;
    return gpup_wdf_check_attributes(attributes, false, false);
}

GPUP_EXPORT NTSTATUS DDI_CALL WdfDriverCreate(PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,
                                              PWDF_OBJECT_ATTRIBUTES DriverAttributes,
                                              PWDF_DRIVER_CONFIG DriverConfig, WDFDRIVER *Driver) {
    static const char name[] = "WdfDriverCreate";
    struct gpup_os *os = gpup_os_service(name, PASSIVE_LEVEL);
    struct gpup_kmdf *kmdf = os ? gpup_kmdf_of(os) : NULL;
    struct gpup_wdf_driver *driver;
    NTSTATUS status;

    if (!kmdf)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!DriverObject || !RegistryPath || !DriverConfig) {
        gpup_wdf_violation(os, name);
        return STATUS_INVALID_PARAMETER;
    }
    status = check(kmdf, DriverConfig, DriverAttributes);
    if (!NT_SUCCESS(status))
        return status;
    driver = gpup_os_fails(os) ? NULL : gpup_os_alloc(os, sizeof *driver);
    if (!driver || !(driver->path = copy_of(os, RegistryPath)))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (DriverAttributes)
        status = gpup_wdf_add_context(os, &driver->object, DriverAttributes);
    if (!NT_SUCCESS(status) || !gpup_wdf_publish(os, &driver->object, GPUP_WDF_DRIVER)) {
        gpup_wdf_drop_contexts(os, &driver->object);
        gpup_os_buffer_free(os, driver->path);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    driver->config = *DriverConfig;
    driver->wdm = DriverObject;
    kmdf->driver = driver;
    gpup_wdf_named(os, driver->object.token, DriverConfig->DriverPoolTag);
    if (Driver)
        *Driver = driver->object.token;
    return STATUS_SUCCESS;
}

/* Callbacks of the object and of what it is the parent of; nothing finds it any more. */
static void end_driver(struct gpup_os *os, struct gpup_kmdf *kmdf) {
    struct gpup_wdf_driver *driver = kmdf->driver;

    while (driver->devices)
        gpup_wdf_end_device(os, driver->devices);
    kmdf->driver = NULL;
    gpup_wdf_named(os, NULL, 0);
    gpup_wdf_delete(os, &driver->object);
    gpup_os_buffer_free(os, driver->path);
}

GPUP_EXPORT VOID DDI_CALL WdfDriverMiniportUnload(WDFDRIVER Driver) {
    static const char name[] = "WdfDriverMiniportUnload";
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    const struct gpup_wdf_driver *driver = driver_of(os, name, Driver);

    if (!driver)
        return;
    if (driver->config.EvtDriverUnload)
        driver->config.EvtDriverUnload(Driver);
    end_driver(os, gpup_kmdf_of(os));
}

void gpup_wdf_driver_left(struct gpup_os *os, struct gpup_kmdf *kmdf) {
    const struct gpup_wdf_driver *driver = kmdf->driver;

    /* Where the framework hears of the unload, it deletes the object. */
    if (driver && (driver->config.DriverInitFlags & WdfDriverInitNoDispatchOverride))
        gpup_os_left(os, GPUP_OBJECT_REFERENCE, gpup_os_object(os), 0, 0, NULL);
    kmdf->driver = NULL;
}

GPUP_EXPORT PWSTR DDI_CALL WdfDriverGetRegistryPath(WDFDRIVER Driver) {
    static const char name[] = "WdfDriverGetRegistryPath";
    const struct gpup_wdf_driver *driver = driver_of(gpup_os_service(name, PASSIVE_LEVEL), name, Driver);
    return driver ? driver->path : NULL;
}

GPUP_EXPORT PDRIVER_OBJECT DDI_CALL WdfDriverWdmGetDriverObject(WDFDRIVER Driver) {
    static const char name[] = "WdfDriverWdmGetDriverObject";
    const struct gpup_wdf_driver *driver = driver_of(gpup_os_service(name, GPUP_ANY_LEVEL), name, Driver);
    return driver ? driver->wdm : NULL;
}

GPUP_EXPORT WDFDRIVER DDI_CALL WdfWdmDriverGetWdfDriverHandle(PDRIVER_OBJECT DriverObject) {
    struct gpup_os *os = gpup_os_service("WdfWdmDriverGetWdfDriverHandle", DISPATCH_LEVEL);
    const struct gpup_kmdf *kmdf = os ? gpup_kmdf_of(os) : NULL;
    return kmdf && kmdf->driver && kmdf->driver->wdm == DriverObject ? kmdf->driver->object.token : NULL;
}

/* --- devices */

GPUP_EXPORT NTSTATUS DDI_CALL WdfDeviceMiniportCreate(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes,
                                                      PDEVICE_OBJECT DeviceObject,
                                                      PDEVICE_OBJECT AttachedDeviceObject, PDEVICE_OBJECT Pdo,
                                                      WDFDEVICE *Device) {
    static const char name[] = "WdfDeviceMiniportCreate";
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    struct gpup_wdf_driver *driver = driver_of(os, name, Driver);
    struct gpup_wdf_device *device;
    NTSTATUS status;

    if (!driver)
        return STATUS_INVALID_HANDLE;
    if (!DeviceObject || !Device) {
        gpup_wdf_violation(os, name);
        return STATUS_INVALID_PARAMETER;
    }
    status = gpup_wdf_check_attributes(Attributes, false, false);
    if (!NT_SUCCESS(status))
        return status;
    device = gpup_os_fails(os) ? NULL : gpup_os_alloc(os, sizeof *device);
    if (!device)
        return STATUS_INSUFFICIENT_RESOURCES;
    *device = (struct gpup_wdf_device){.config = {.level = WdfExecutionLevelDispatch,
                                                  .scope = WdfSynchronizationScopeNone,
                                                  .miniport = true},
                                       .driver = driver,
                                       .wdm = {DeviceObject, AttachedDeviceObject, Pdo}};
    if (Attributes)
        status = gpup_wdf_add_context(os, &device->object, Attributes);
    if (!NT_SUCCESS(status) || !gpup_wdf_publish(os, &device->object, GPUP_WDF_DEVICE)) {
        gpup_wdf_drop_contexts(os, &device->object);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    device->next = driver->devices;
    driver->devices = device;
    *Device = device->object.token;
    return STATUS_SUCCESS;
}

void gpup_wdf_end_device(struct gpup_os *os, struct gpup_wdf_device *device) {
    struct gpup_wdf_device **link = &device->driver->devices;

    while (*link && *link != device)
        link = &(*link)->next;
    if (*link)
        *link = device->next;
    gpup_wdf_delete(os, &device->object);
}

GPUP_EXPORT WDFDRIVER DDI_CALL WdfDeviceGetDriver(WDFDEVICE Device) {
    static const char name[] = "WdfDeviceGetDriver";
    const struct gpup_wdf_device *device = device_of(gpup_os_service(name, DISPATCH_LEVEL), name, Device);
    return device && device->driver ? device->driver->object.token : NULL;
}

GPUP_EXPORT PDEVICE_OBJECT DDI_CALL WdfDeviceWdmGetDeviceObject(WDFDEVICE Device) {
    static const char name[] = "WdfDeviceWdmGetDeviceObject";
    const struct gpup_wdf_device *device = device_of(gpup_os_service(name, DISPATCH_LEVEL), name, Device);
    return device ? device->wdm.object : NULL;
}

GPUP_EXPORT PDEVICE_OBJECT DDI_CALL WdfDeviceWdmGetAttachedDevice(WDFDEVICE Device) {
    static const char name[] = "WdfDeviceWdmGetAttachedDevice";
    const struct gpup_wdf_device *device = device_of(gpup_os_service(name, DISPATCH_LEVEL), name, Device);
    return device ? device->wdm.attached : NULL;
}

GPUP_EXPORT PDEVICE_OBJECT DDI_CALL WdfDeviceWdmGetPhysicalDevice(WDFDEVICE Device) {
    static const char name[] = "WdfDeviceWdmGetPhysicalDevice";
    const struct gpup_wdf_device *device = device_of(gpup_os_service(name, DISPATCH_LEVEL), name, Device);
    return device ? device->wdm.physical : NULL;
}
