/* Event tracing: providers are kept account of, events are read and dropped, as no session listens. */
#include "asan.h"
#include "callers.h"
#include "services.h"

#define PROVIDERS 16u
#define HANDLE_BASE UINT64_C(0xFFFFE00000000000)
#define MOST_DATA 128u /* MAX_EVENT_DATA_DESCRIPTORS */

struct gpup_etw {
    struct {
        uint64_t object; /* 0: free */
        uint64_t generation;
        struct gpup_callers made;
    } provider[PROVIDERS];
    uint64_t activities;
};

static struct gpup_etw *etw_of(struct gpup_os *os) {
    if (!os->machine->etw)
        os->machine->etw = gpup_os_alloc(os, sizeof(struct gpup_etw));
    return os->machine->etw;
}

static REGHANDLE handle_of(const struct gpup_etw *etw, uint32_t i) {
    return HANDLE_BASE | etw->provider[i].generation << 12 | (i + 1) << 4;
}

NTSTATUS DDI_CALL EtwRegister(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback, PVOID CallbackContext,
                              PREGHANDLE RegHandle) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(EtwRegister));
    struct gpup_etw *etw = os ? etw_of(os) : NULL;
    GUID id;

    (void)EnableCallback; /* nobody enables it */
    (void)CallbackContext;
    if (!ProviderId || !RegHandle)
        return STATUS_INVALID_PARAMETER;
    gpup_copy_driver(&id, ProviderId, sizeof id);
    for (uint32_t i = 0; etw && i < PROVIDERS; i++)
        if (!etw->provider[i].object) {
            etw->provider[i].object = gpup_os_object(os);
            gpup_callers_here(os, &etw->provider[i].made);
            etw->provider[i].generation++;
            *RegHandle = handle_of(etw, i);
            return STATUS_SUCCESS;
        }
    return etw ? gpup_os_full(os) : STATUS_INSUFFICIENT_RESOURCES;
}

/* Handle 0 is that of a provider whose registration failed: allowed, and nothing happens. -1: not registered.
 */
static int32_t find(struct gpup_os *os, const char *service, REGHANDLE handle) {
    struct gpup_etw *etw = etw_of(os);

    if (!handle || !etw)
        return -1;
    for (uint32_t i = 0; i < PROVIDERS; i++)
        if (etw->provider[i].object && handle_of(etw, i) == handle)
            return (int32_t)i;
    gpup_os_misuse(os, service, GPUP_MISUSE_PARAMETER, 0); /* for which there is a status: no violation */
    return -1;
}

NTSTATUS DDI_CALL EtwUnregister(REGHANDLE RegHandle) {
    const struct gpup_service_limit *service = GPUP_SERVICE(EtwUnregister);
    struct gpup_os *os = gpup_os_enter(service);
    int32_t i = os ? find(os, service->name, RegHandle) : -1;

    if (i < 0)
        return STATUS_INVALID_HANDLE;
    etw_of(os)->provider[i].object = 0;
    return STATUS_SUCCESS;
}

void gpup_etw_left(struct gpup_os *os) {
    const struct gpup_etw *etw = os->machine->etw;

    for (uint32_t i = 0; etw && i < PROVIDERS; i++)
        if (etw->provider[i].object)
            gpup_os_left(os, GPUP_OBJECT_HANDLE, etw->provider[i].object, 0, 0, &etw->provider[i].made);
}

static BOOLEAN enabled(const struct gpup_service_limit *service, REGHANDLE handle) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os)
        find(os, service->name, handle);
    return FALSE;
}

BOOLEAN DDI_CALL EtwEventEnabled(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor) {
    (void)EventDescriptor;
    return enabled(GPUP_SERVICE(EtwEventEnabled), RegHandle);
}

BOOLEAN DDI_CALL EtwProviderEnabled(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword) {
    (void)Level;
    (void)Keyword;
    return enabled(GPUP_SERVICE(EtwProviderEnabled), RegHandle);
}

/* Reads what a session would be given, so that a wrong pointer shows. */
static void read_data(const volatile uint8_t *data, size_t size) {
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum ^= data[i];
    (void)sum;
}

static NTSTATUS write_event(const struct gpup_service_limit *service, REGHANDLE handle,
                            PCEVENT_DESCRIPTOR descriptor, ULONG count, const EVENT_DATA_DESCRIPTOR *data) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!os || find(os, service->name, handle) < 0)
        return STATUS_INVALID_HANDLE;
    if (!descriptor || count > MOST_DATA) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    read_data((const void *)descriptor, sizeof *descriptor);
    for (ULONG i = 0; i < count; i++)
        read_data((const void *)(uintptr_t)data[i].Ptr, data[i].Size); // NOLINT(performance-no-int-to-ptr)
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                           ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData) {
    (void)ActivityId;
    return write_event(GPUP_SERVICE(EtwWrite), RegHandle, EventDescriptor, UserDataCount, UserData);
}

NTSTATUS DDI_CALL EtwWriteEx(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, ULONG64 Filter,
                             ULONG Flags, LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                             PEVENT_DATA_DESCRIPTOR UserData) {
    (void)Filter;
    (void)Flags;
    (void)ActivityId;
    (void)RelatedActivityId;
    return write_event(GPUP_SERVICE(EtwWriteEx), RegHandle, EventDescriptor, UserDataCount, UserData);
}

NTSTATUS DDI_CALL EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor,
                                   LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                                   PEVENT_DATA_DESCRIPTOR UserData) {
    (void)ActivityId;
    (void)RelatedActivityId;
    return write_event(GPUP_SERVICE(EtwWriteTransfer), RegHandle, EventDescriptor, UserDataCount, UserData);
}

NTSTATUS DDI_CALL EtwWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword, LPCGUID ActivityId,
                                 PCWSTR String) {
    EVENT_DESCRIPTOR descriptor = {.Level = Level, .Keyword = Keyword};
    EVENT_DATA_DESCRIPTOR data = {.Ptr = (uintptr_t)String};

    (void)ActivityId;
    while (String[data.Size / 2])
        data.Size += 2;
    return write_event(GPUP_SERVICE(EtwWriteString), RegHandle, &descriptor, 1, &data);
}

NTSTATUS DDI_CALL EtwActivityIdControl(ULONG ControlCode, LPGUID ActivityId) {
    const struct gpup_service_limit *service = GPUP_SERVICE(EtwActivityIdControl);
    bool creates = ControlCode == EVENT_ACTIVITY_CTRL_CREATE_ID;
    struct gpup_os *os = creates ? gpup_os_enter(service) : gpup_os_service(service->name, APC_LEVEL);
    struct gpup_etw *etw = os ? etw_of(os) : NULL;

    if (!etw || ControlCode < EVENT_ACTIVITY_CTRL_GET_ID || ControlCode > 5)
        return STATUS_INVALID_PARAMETER;
    if (ControlCode != EVENT_ACTIVITY_CTRL_SET_ID)
        *ActivityId = (GUID){.Data1 = creates ? (uint32_t)++etw->activities : 0};
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL EtwSetInformation(REGHANDLE RegHandle, EVENT_INFO_CLASS InformationClass,
                                    PVOID EventInformation, ULONG InformationLength) {
    const struct gpup_service_limit *service = GPUP_SERVICE(EtwSetInformation);
    struct gpup_os *os = gpup_os_enter(service);

    (void)InformationClass;
    if (!os || find(os, service->name, RegHandle) < 0)
        return STATUS_INVALID_HANDLE;
    read_data(EventInformation, InformationLength);
    return STATUS_SUCCESS;
}
