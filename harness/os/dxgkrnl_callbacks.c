/* Callbacks about events, memory and configuration space (DXGKCB_* pages). */
#include "asan.h"
#include "dxgkrnl.h"
#include "fiber.h"

#include <string.h>

#define SMALL_EVENT 256 /* bytes that may be logged at any IRQL */

static const GUID triage = {0x45125F6F, 0x6132, 0x4082, {0xAD, 0x17, 0xED, 0x27, 0xF8, 0xDD, 0x02, 0xF9}};

void gpup_dxgkrnl_touch(const void *buffer, size_t size) {
    const volatile uint8_t *bytes = buffer;
    for (size_t i = 0; i < size; i += GPUP_PAGE)
        (void)bytes[i];
    if (size)
        (void)bytes[size - 1];
}

/* Handles are addresses and stay out of the trace: 1 the DeviceHandle, 2 the miniport's context, 0 neither.
 */
static uint64_t which_handle(const struct gpup_os *os, HANDLE handle) {
    const struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    if (handle == gpup_dxgkrnl_device_handle(os))
        return 1;
    return dxgkrnl && handle && handle == dxgkrnl->context ? 2 : 0;
}

/* Outside of a call, the adapter that the handle is of: a thread may serve several. */
static struct gpup_os *adapter_named(struct gpup_os *os, HANDLE handle) {
    struct gpup_os *adapter = gpup_os_in_ddi(os) ? NULL : os->machine->adapters;
    while (adapter && !which_handle(adapter, handle))
        adapter = adapter->next;
    return adapter ? adapter : os;
}

/* a0 type, a1 size, a2 and a3 the GUID, a4 the handle in a triage event, which `data` carries as zero. */
VOID DDI_CALL gpup_dxgkrnl_log_etw_event(const GUID *guid, UCHAR type, USHORT size, PVOID buffer) {
    uint64_t values[5] = {type, size};
    DXGKDDICB_PARTITIONING_EVENT_NOTIFICATION notification;
    struct gpup_os *os = gpup_os_current(), *before = os;
    const void *data = buffer;
    gpup_dxgkrnl_touch(guid, guid ? sizeof *guid : 0);
    gpup_dxgkrnl_touch(buffer, buffer ? size : 0);
    if (guid)
        memcpy(values + 2, guid, sizeof *guid);
    if (os && buffer && guid && !memcmp(guid, &triage, sizeof triage) && size == sizeof notification) {
        gpup_copy_driver(&notification, buffer, sizeof notification);
        os = adapter_named(os, notification.hAdapter);
        values[4] = which_handle(os, notification.hAdapter);
        notification.hAdapter = NULL;
        data = &notification;
    }
    gpup_os_make_current(os);
    os = gpup_dxgkrnl_enter(values, 5, data, data ? size : 0);
    gpup_os_make_current(before);
    if (!os)
        return;
    if (size > SMALL_EVENT && gpup_os_irql(os) > PASSIVE_LEVEL)
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbLogEtwEvent), GPUP_MISUSE_IRQL);
    if (!guid || (size && !buffer))
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbLogEtwEvent), GPUP_MISUSE_PARAMETER);
}

VOID DDI_CALL gpup_dxgkrnl_mitigated_range_update(HANDLE handle, ULONG vf) {
    struct gpup_os *os;
    gpup_dxgkrnl_enter_device(&os, handle, (uint64_t[]){vf}, 1);
}

NTSTATUS DDI_CALL gpup_dxgkrnl_query_services(HANDLE handle, DXGK_SERVICES type, PINTERFACE table) {
    struct gpup_os *os;
    (void)table;
    bool known = gpup_dxgkrnl_enter_device(&os, handle, (uint64_t[]){type}, 1);
    return known ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_is_device_present(HANDLE handle, PVOID parameters, PBOOLEAN present) {
    struct gpup_os *os;
    if (!gpup_dxgkrnl_enter_device(&os, handle, NULL, 0))
        return STATUS_INVALID_PARAMETER;
    if (!parameters || !present) {
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbIsDevicePresent), GPUP_MISUSE_PARAMETER);
        return STATUS_INVALID_PARAMETER;
    }
    *present = FALSE; /* the suite's bus has the adapter only, and the question is about other devices */
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_map_memory(HANDLE handle, PHYSICAL_ADDRESS address, ULONG length,
                                          BOOLEAN io_space, BOOLEAN user_mode, MEMORY_CACHING_TYPE cache,
                                          PVOID *virtual_address) {
    struct gpup_os *os;
    if (!gpup_dxgkrnl_enter_device(&os, handle, (uint64_t[]){length, io_space, user_mode, (uint64_t)cache},
                                   4))
        return STATUS_INVALID_PARAMETER;
    if (io_space || user_mode) {
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbMapMemory), GPUP_MISUSE_UNSUPPORTED);
        return STATUS_NOT_SUPPORTED;
    }
    if (!virtual_address || !length) {
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbMapMemory), GPUP_MISUSE_PARAMETER);
        return STATUS_INVALID_PARAMETER;
    }
    PVOID mapped = MmMapIoSpace(address, length, cache);
    if (!mapped)
        return STATUS_INSUFFICIENT_RESOURCES;
    *virtual_address = mapped;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_unmap_memory(HANDLE handle, PVOID virtual_address) {
    struct gpup_os *os;
    if (!gpup_dxgkrnl_enter_device(&os, handle, NULL, 0))
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < os->machine->mapping_count; i++) {
        const struct gpup_mapping *mapping = &os->machine->mappings[i];
        if (virtual_address && mapping->address == virtual_address) {
            MmUnmapIoSpace(virtual_address, mapping->size);
            return STATUS_SUCCESS;
        }
    }
    gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbUnmapMemory), GPUP_MISUSE_OBJECT);
    return STATUS_INVALID_PARAMETER;
}

/* --- configuration space */

struct space {
    const struct gpup_os *os;
    uint8_t *bytes;
    ULONG offset, length;
    bool write;
};

/* One access of `width` bytes; little-endian. */
static void access_space(const struct space *space, ULONG done, ULONG width) {
    const struct gpup_device_ops *ops = space->os->config.device_ops;
    uint32_t value = 0;
    if (space->write) {
        gpup_copy_driver(&value, space->bytes + done, width);
        ops->config_write(space->os->config.device, space->offset + done, width, value);
    } else {
        value = ops->config_read(space->os->config.device, space->offset + done, width);
        gpup_copy_driver(space->bytes + done, &value, width);
    }
}

/* Naturally aligned accesses of at most four bytes, as the bus driver makes them. */
static void run_space(void *a, void *b) {
    const struct space *space = a;
    (void)b;
    for (ULONG done = 0; done < space->length;) {
        ULONG at = space->offset + done, width = 4;
        while (at % width || width > space->length - done)
            width /= 2;
        access_space(space, done, width);
        done += width;
    }
}

static NTSTATUS transfer(HANDLE handle, ULONG type, struct space *space, PULONG done, uint32_t callback) {
    struct gpup_os *os;
    uint64_t values[] = {type, space->offset, space->length};
    if (!gpup_dxgkrnl_enter_device(&os, handle, values, 3))
        return STATUS_INVALID_PARAMETER;
    if (!space->bytes || !done) {
        gpup_dxgkrnl_callback_misuse(os, callback, GPUP_MISUSE_PARAMETER);
        return STATUS_INVALID_PARAMETER;
    }
    *done = 0;
    const struct gpup_device_ops *ops = os->config.device_ops;
    if (type != DXGK_WHICHSPACE_CONFIG || !ops ||
        !(space->write ? (void *)ops->config_write : (void *)ops->config_read)) {
        gpup_dxgkrnl_callback_misuse(os, callback, GPUP_MISUSE_UNSUPPORTED);
        return STATUS_UNSUCCESSFUL;
    }
    if (space->offset >= 4096 || space->length > 4096 - space->offset)
        return STATUS_UNSUCCESSFUL;
    gpup_dxgkrnl_touch(space->bytes, space->length);
    space->os = os;
    if (os->machine->running)
        gpup_fiber_call_outside(os, run_space, space, NULL);
    else
        run_space(space, NULL);
    *done = space->length;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_read_space(HANDLE handle, ULONG type, PVOID buffer, ULONG offset, ULONG length,
                                          PULONG done) {
    uint8_t bytes[4096];
    struct space space = {.bytes = buffer ? bytes : NULL, .offset = offset, .length = length};
    NTSTATUS status = transfer(handle, type, &space, done, GPUP_CALLBACK(DxgkCbReadDeviceSpace));
    if (NT_SUCCESS(status))
        gpup_copy_driver(buffer, bytes, length); /* here, so that a bad buffer faults in the driver's call */
    return status;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_write_space(HANDLE handle, ULONG type, PVOID buffer, ULONG offset,
                                           ULONG length, PULONG done) {
    struct space space = {.bytes = buffer, .offset = offset, .length = length, .write = true};
    return transfer(handle, type, &space, done, GPUP_CALLBACK(DxgkCbWriteDeviceSpace));
}
