/*
 * Registration of a display miniport (DxgkInitialize and DriverEntry of Display Miniport Driver pages): the
 * entry table is copied as far as its version reaches, so that slots a driver filled beyond it do not count.
 */
#include "asan.h"
#include "dxgkrnl.h"

#include <string.h>

static const char path[] = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\gpupmini";
#define PATH_BYTES (sizeof(WCHAR) * (unsigned)sizeof path)

struct gpup_dxgkrnl *gpup_dxgkrnl_of(struct gpup_os *os) {
    if (!os->dxgkrnl)
        gpup_dxgkrnl_init(os);
    return os->dxgkrnl;
}

bool gpup_dxgkrnl_init(struct gpup_os *os) {
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl ? os->dxgkrnl : gpup_os_alloc(os, sizeof *dxgkrnl);
    if (!dxgkrnl)
        return false;
    os->dxgkrnl = dxgkrnl;
    dxgkrnl->driver.Type = 4; /* IO_TYPE_DRIVER */
    dxgkrnl->driver.Size = sizeof dxgkrnl->driver;
    dxgkrnl->driver.DriverExtension = &dxgkrnl->extension;
    dxgkrnl->extension.DriverObject = &dxgkrnl->driver;
    dxgkrnl->physical_device.Type = 3; /* IO_TYPE_DEVICE */
    dxgkrnl->physical_device.Size = sizeof dxgkrnl->physical_device;
    dxgkrnl->physical_device.ReferenceCount = 1;
    for (size_t i = 0; i < sizeof path; i++)
        dxgkrnl->path[i] = (WCHAR)path[i];
    return true;
}

void gpup_dxgkrnl_set_options(struct gpup_os *os, const struct gpup_dxgkrnl_options *options) {
    struct gpup_dxgkrnl *dxgkrnl = gpup_dxgkrnl_of(os);
    if (dxgkrnl)
        dxgkrnl->options = *options;
}

UNICODE_STRING gpup_dxgkrnl_registry_path(struct gpup_dxgkrnl *dxgkrnl) {
    return (UNICODE_STRING){
        .Length = PATH_BYTES - sizeof(WCHAR), .MaximumLength = PATH_BYTES, .Buffer = dxgkrnl->path};
}

enum gpup_ran gpup_dxgkrnl_load(struct gpup_os *os, DRIVER_INITIALIZE *entry, NTSTATUS *status) {
    struct gpup_dxgkrnl *dxgkrnl = gpup_dxgkrnl_of(os);
    *status = STATUS_INSUFFICIENT_RESOURCES;
    if (!dxgkrnl)
        return GPUP_RAN_RETURNED;
    dxgkrnl->registered = false;
    dxgkrnl->driver.DriverInit = entry;
    dxgkrnl->path_string = gpup_dxgkrnl_registry_path(dxgkrnl);
    struct gpup_os_call call = {
        .function = (void *)entry,
        .args = {(uintptr_t)&dxgkrnl->driver, (uintptr_t)&dxgkrnl->path_string},
        .count = 2,
    };
    enum gpup_ran ran = gpup_os_call(os, &call);
    if (ran == GPUP_RAN_RETURNED)
        *status = (NTSTATUS)(uint32_t)call.result;
    return ran;
}

const DRIVER_INITIALIZATION_DATA *gpup_dxgkrnl_ddis(const struct gpup_os *os) {
    /* One DriverEntry registers for all adapters of a machine. */
    const struct gpup_dxgkrnl *dxgkrnl = os->machine->adapters->dxgkrnl;
    return dxgkrnl && dxgkrnl->registered ? &dxgkrnl->ddis : NULL;
}

DEVICE_OBJECT *gpup_dxgkrnl_physical_device(struct gpup_os *os) {
    struct gpup_dxgkrnl *dxgkrnl = gpup_dxgkrnl_of(os);
    return dxgkrnl ? &dxgkrnl->physical_device : NULL;
}

static void emit_slots(struct gpup_os *os, const struct gpup_dxgkrnl *dxgkrnl, size_t size) {
    void *const *slots = (void *const *)(const void *)((const char *)&dxgkrnl->ddis + 8);
    uint8_t bits[(sizeof dxgkrnl->ddis / 8 + 7) / 8] = {0};
    size_t count = (size - 8) / 8;
    for (size_t i = 0; i < count; i++) {
        if (slots[i])
            bits[i / 8] |= (uint8_t)(1u << i % 8);
    }
    struct gpup_event event = {.kind = GPUP_EVENT_TABLE_SLOTS, .data = bits, .data_size = (count + 7) / 8};
    event.f[GPUP_TABLE_SLOTS_version] = dxgkrnl->ddis.Version;
    event.f[GPUP_TABLE_SLOTS_size] = size;
    gpup_os_emit(os, &event);
}

static NTSTATUS enroll(struct gpup_os *os, struct gpup_dxgkrnl *dxgkrnl,
                       const DRIVER_INITIALIZATION_DATA *data) {
    size_t size = gpup_dxgkrnl_table_size(data->Version);
    if (!size) {
        gpup_os_misuse(os, "DxgkInitialize", GPUP_MISUSE_PARAMETER, data->Version);
        return STATUS_REVISION_MISMATCH;
    }
    if (dxgkrnl->registered) {
        gpup_os_misuse(os, "DxgkInitialize", GPUP_MISUSE_STATE, 0);
        return STATUS_INVALID_DEVICE_STATE;
    }
    memset(&dxgkrnl->ddis, 0, sizeof dxgkrnl->ddis);
    gpup_copy_driver(&dxgkrnl->ddis, data, size);
    emit_slots(os, dxgkrnl, size);
    if (dxgkrnl->options.initialize_status)
        return dxgkrnl->options.initialize_status; /* whatever it is, DriverEntry has to pass it on */
    dxgkrnl->registered = true;
    return STATUS_SUCCESS;
}

__attribute__((visibility("default"))) NTSTATUS DDI_CALL
DxgkInitialize(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath,
               PDRIVER_INITIALIZATION_DATA DriverInitializationData) {
    struct gpup_os *os = gpup_os_service("DxgkInitialize", PASSIVE_LEVEL);
    struct gpup_dxgkrnl *dxgkrnl = os ? gpup_dxgkrnl_of(os) : NULL;
    if (!dxgkrnl)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (DriverObject != &dxgkrnl->driver)
        gpup_os_misuse(os, "DxgkInitialize", GPUP_MISUSE_OBJECT, 0);
    if (!DriverObject || !RegistryPath || !DriverInitializationData)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = enroll(os, dxgkrnl, DriverInitializationData);
    struct gpup_event event = {.kind = GPUP_EVENT_INITIALIZED};
    event.f[GPUP_INITIALIZED_status] = (uint32_t)status;
    gpup_os_emit(os, &event);
    return status;
}

__attribute__((visibility("default"))) NTSTATUS DDI_CALL DxgkUnInitialize(PDRIVER_OBJECT DriverObject) {
    struct gpup_os *os = gpup_os_service("DxgkUnInitialize", PASSIVE_LEVEL);
    struct gpup_dxgkrnl *dxgkrnl = os ? gpup_dxgkrnl_of(os) : NULL;
    if (!dxgkrnl)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (DriverObject != &dxgkrnl->driver || !dxgkrnl->registered) {
        gpup_os_misuse(os, "DxgkUnInitialize", GPUP_MISUSE_OBJECT, 0);
        return STATUS_INVALID_PARAMETER;
    }
    dxgkrnl->registered = false;
    return STATUS_SUCCESS;
}

void gpup_dxgkrnl_left(struct gpup_os *os) {
    const struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    if (dxgkrnl && dxgkrnl->connected)
        gpup_os_left(os, GPUP_OBJECT_INTERRUPT, 0, 0, 0, NULL);
}
