/* Processes: there is the system's, to which a thread may attach and from which it detaches; unique numbers.
 */
#include "services.h"

#define SYSTEM_ID ((HANDLE)4)
#define ATTACHED UINT64_C(0x4154544143484544)

HANDLE DDI_CALL PsGetProcessId(PEPROCESS Process) {
    const struct gpup_service_limit *service = GPUP_SERVICE(PsGetProcessId);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (void *)Process != (void *)os->machine)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return SYSTEM_ID;
}

VOID DDI_CALL KeStackAttachProcess(PEPROCESS Process, PRKAPC_STATE ApcState) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeStackAttachProcess);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (void *)Process != (void *)os->machine)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    *ApcState = (KAPC_STATE){.Process = (void *)Process, .Flags = ATTACHED ^ (uintptr_t)ApcState};
}

VOID DDI_CALL KeUnstackDetachProcess(PRKAPC_STATE ApcState) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeUnstackDetachProcess);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && ApcState->Flags != (ATTACHED ^ (uintptr_t)ApcState))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0); /* never attached, or detached before */
    ApcState->Flags = 0;
}

/* Of version 4: random but for it, and the same in each run of a program. */
NTSTATUS DDI_CALL ExUuidCreate(GUID *Uuid) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ExUuidCreate));
    uint64_t half[2] = {os ? gpup_os_random(os) : 1, os ? gpup_os_random(os) : 2};

    memcpy(Uuid, half, sizeof *Uuid);
    Uuid->Data3 = (USHORT)((Uuid->Data3 & 0x0FFF) | 0x4000);
    Uuid->Data4[0] = (UCHAR)((Uuid->Data4[0] & 0x3F) | 0x80);
    return STATUS_SUCCESS;
}
