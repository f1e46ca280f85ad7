/* Bug check callbacks: a record is registered or not. They are never called: no code runs on a host that
 * stopped. */
#include "services.h"

enum { EMPTY, REGISTERED };

static BOOLEAN add(const struct gpup_service_limit *service, UCHAR *state, PVOID routine) {
    struct gpup_os *os = gpup_os_enter(service);

    if (*state != EMPTY) {
        if (os)
            gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0); /* twice, or never initialised */
        return FALSE;
    }
    if (!routine)
        return FALSE;
    *state = REGISTERED;
    return TRUE;
}

static BOOLEAN take_back(const struct gpup_service_limit *service, UCHAR *state) {
    struct gpup_os *os = gpup_os_enter(service);

    if (*state != REGISTERED) {
        if (os)
            gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
        return FALSE;
    }
    *state = EMPTY;
    return TRUE;
}

BOOLEAN DDI_CALL KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord, PVOID CallbackRoutine,
                                            PVOID Buffer, ULONG Length, PUCHAR Component) {
    (void)Buffer;
    (void)Length;
    (void)Component;
    return add(GPUP_SERVICE(KeRegisterBugCheckCallback), &CallbackRecord->State, CallbackRoutine);
}

BOOLEAN DDI_CALL KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord) {
    return take_back(GPUP_SERVICE(KeDeregisterBugCheckCallback), &CallbackRecord->State);
}

BOOLEAN DDI_CALL KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                                  PVOID CallbackRoutine, ULONG Reason, PUCHAR Component) {
    (void)Reason;
    (void)Component;
    return add(GPUP_SERVICE(KeRegisterBugCheckReasonCallback), &CallbackRecord->State, CallbackRoutine);
}

BOOLEAN DDI_CALL KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord) {
    return take_back(GPUP_SERVICE(KeDeregisterBugCheckReasonCallback), &CallbackRecord->State);
}
