/* WMI as tracing drivers use it: who registered, and messages that are read and dropped, as no session
 * listens. */
#include "asan.h"
#include "callers.h"
#include "services.h"

#define PROVIDERS 16u
#define ACTION 0xFFFFu /* flags are above */
#define MOST_PARTS 64u

struct gpup_wmi {
    struct {
        const void *caller; /* NULL: free. A device object, or with a flag the driver's callback */
        uint64_t object;
        struct gpup_callers made;
    } provider[PROVIDERS];
};

static struct gpup_wmi *wmi_of(struct gpup_os *os) {
    if (!os->machine->wmi)
        os->machine->wmi = gpup_os_alloc(os, sizeof(struct gpup_wmi));
    return os->machine->wmi;
}

static uint32_t place_of(const struct gpup_wmi *wmi, const void *caller) {
    uint32_t i = 0;

    while (i < PROVIDERS && wmi->provider[i].caller != caller)
        i++;
    return i;
}

static NTSTATUS enroll(struct gpup_os *os, struct gpup_wmi *wmi, const void *caller) {
    uint32_t i = place_of(wmi, NULL);

    if (i == PROVIDERS)
        return gpup_os_full(os);
    wmi->provider[i].caller = caller;
    wmi->provider[i].object = gpup_os_object(os);
    gpup_callers_here(os, &wmi->provider[i].made);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoWMIRegistrationControl);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_wmi *wmi = os ? wmi_of(os) : NULL;
    ULONG action = Action & ACTION & ~(ULONG)WMIREG_FLAG_TRACE_PROVIDER;
    uint32_t i;

    if (!wmi)
        return STATUS_INSUFFICIENT_RESOURCES;
    i = place_of(wmi, DeviceObject);
    if (!DeviceObject || !action || action > WMIREG_ACTION_BLOCK_IRPS) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    if (action == WMIREG_ACTION_REGISTER && i == PROVIDERS)
        return enroll(os, wmi, DeviceObject);
    if ((action == WMIREG_ACTION_REGISTER) == (i < PROVIDERS)) { /* twice, or never */
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, i < PROVIDERS ? wmi->provider[i].object : 0);
        return STATUS_INVALID_PARAMETER;
    }
    if (action == WMIREG_ACTION_DEREGISTER)
        wmi->provider[i].caller = NULL;
    return STATUS_SUCCESS;
}

void gpup_wmi_left(struct gpup_os *os) {
    const struct gpup_wmi *wmi = os->machine->wmi;

    for (uint32_t i = 0; wmi && i < PROVIDERS; i++)
        if (wmi->provider[i].caller)
            gpup_os_left(os, GPUP_OBJECT_HANDLE, wmi->provider[i].object, 0, 0, &wmi->provider[i].made);
}

/* Every part is read, as a session would have it: what is not there faults here. */
NTSTATUS DDI_CALL WmiTraceMessageVa(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPCGUID MessageGuid,
                                    USHORT MessageNumber, __builtin_ms_va_list MessageArgList) {
    GUID id;

    (void)LoggerHandle;
    (void)MessageFlags;
    (void)MessageNumber;
    gpup_os_enter(GPUP_SERVICE(WmiTraceMessageVa));
    if (MessageGuid)
        gpup_copy_driver(&id, MessageGuid, sizeof id);
    for (uint32_t i = 0; i < MOST_PARTS; i++) {
        const volatile uint8_t *part = __builtin_va_arg(MessageArgList, const volatile uint8_t *);
        size_t size = __builtin_va_arg(MessageArgList, size_t);

        if (!part)
            break;
        for (size_t at = 0; at < size; at++)
            (void)part[at];
    }
    return STATUS_INVALID_HANDLE;
}

NTSTATUS DDI_CALL WmiTraceMessage(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPCGUID MessageGuid,
                                  ULONG MessageNumber, ...) {
    __builtin_ms_va_list arguments;
    NTSTATUS status;

    __builtin_ms_va_start(arguments, MessageNumber);
    status = WmiTraceMessageVa(LoggerHandle, MessageFlags, MessageGuid, (USHORT)MessageNumber, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}

/* There is no session to tell of. */
NTSTATUS DDI_CALL WmiQueryTraceInformation(TRACE_INFORMATION_CLASS TraceInformationClass,
                                           PVOID TraceInformation, ULONG TraceInformationLength,
                                           PULONG RequiredLength, PVOID Buffer) {
    ULONG size =
        TraceInformationClass == TraceEnableFlagsClass || TraceInformationClass == TraceEnableLevelClass
            ? sizeof(ULONG)
            : sizeof(TRACEHANDLE);

    (void)TraceInformation;
    (void)Buffer;
    gpup_os_enter(GPUP_SERVICE(WmiQueryTraceInformation));
    if (TraceInformationClass > TraceHandleByNameClass)
        return STATUS_INVALID_PARAMETER;
    if (RequiredLength)
        *RequiredLength = size;
    return TraceInformationLength == size ? STATUS_INVALID_HANDLE : STATUS_INFO_LENGTH_MISMATCH;
}
