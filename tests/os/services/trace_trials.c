/* Event tracing, messages, and the ways to stop. */
#include "trial.h"
#include <string.h>

struct tracing {
    REGHANDLE provider, other;
    GUID id;
    EVENT_DESCRIPTOR event;
    EVENT_DATA_DESCRIPTOR data[2];
    KBUGCHECK_CALLBACK_RECORD record;
    KBUGCHECK_REASON_CALLBACK_RECORD reason;
    char bytes[64];
};

EFFECT(EtwRegister) {
    struct tracing *t = room;
    REGHANDLE kept;

    MUST(EtwRegister(&t->id, NULL, NULL, &t->provider) == STATUS_SUCCESS && t->provider);
    MUST(EtwRegister(&t->id, NULL, NULL, &t->other) == STATUS_SUCCESS && t->other != t->provider);
    MUST(EtwSetInformation(t->provider, EventProviderSetTraits, t->bytes, 8) == STATUS_SUCCESS);
    MUST(EtwUnregister(t->other) == STATUS_SUCCESS);
    kept = t->other;
    MUST(EtwRegister(&t->id, NULL, NULL, &t->other) == STATUS_SUCCESS && t->other != kept);
    MUST(EtwUnregister(t->other) == STATUS_SUCCESS);
    MUST(EtwUnregister(t->provider) == STATUS_SUCCESS);
    return 0;
}
MISUSE(EtwRegister) { /* stays registered */
    struct tracing *t = room;

    return (uint64_t)EtwRegister(&t->id, NULL, NULL, &t->provider);
}
MISUSE(EtwUnregister) { /* twice */
    struct tracing *t = room;

    EtwRegister(&t->id, NULL, NULL, &t->provider);
    EtwUnregister(t->provider);
    return (uint64_t)EtwUnregister(t->provider);
}
MISUSE(EtwSetInformation) { /* nearly the handle of one */
    struct tracing *t = room;

    EtwRegister(&t->id, NULL, NULL, &t->provider);
    return (uint64_t)EtwSetInformation(t->provider + 0x1000, EventProviderSetTraits, room, 8);
}
/* Registered and unregistered at PASSIVE_LEVEL, written at the level of the trial. */
EFFECT(EtwWrite) {
    struct tracing *t = room;

    EtwRegister(&t->id, NULL, NULL, &t->provider);
    t->data[0] = (EVENT_DATA_DESCRIPTOR){.Ptr = (uintptr_t)t->bytes, .Size = sizeof t->bytes};
    MUST(!EtwProviderEnabled(t->provider, 1, 1) && !EtwEventEnabled(t->provider, &t->event));
    MUST(EtwWrite(t->provider, &t->event, NULL, 1, t->data) == STATUS_SUCCESS);
    MUST(EtwWriteEx(t->provider, &t->event, 0, 0, NULL, NULL, 1, t->data) == STATUS_SUCCESS);
    MUST(EtwWriteTransfer(t->provider, &t->event, NULL, NULL, 1, t->data) == STATUS_SUCCESS);
    MUST(EtwWriteString(t->provider, 1, 1, NULL, u"text") == STATUS_SUCCESS);
    MUST(EtwWrite(0, &t->event, NULL, 0, NULL) == STATUS_INVALID_HANDLE); /* of a failed registration */
    EtwUnregister(t->provider);
    return 0;
}
MISUSE(EtwWrite) { /* data that is not there */
    struct tracing *t = room;

    EtwRegister(&t->id, NULL, NULL, &t->provider);
    t->data[0] = (EVENT_DATA_DESCRIPTOR){.Ptr = (uintptr_t)room + ROOM - 4, .Size = 8};
    return (uint64_t)EtwWrite(t->provider, &t->event, NULL, 1, t->data);
}
MISUSE(EtwWriteEx) {
    struct tracing *t = room;

    return (uint64_t)EtwWriteEx(0x1230, &t->event, 0, 0, NULL, NULL, 0, NULL);
}
MISUSE(EtwWriteTransfer) { /* more than can be */
    struct tracing *t = room;

    EtwRegister(&t->id, NULL, NULL, &t->provider);
    return (uint64_t)EtwWriteTransfer(t->provider, &t->event, NULL, NULL, 129, t->data);
}
MISUSE(EtwWriteString) {
    return (uint64_t)EtwWriteString(0x1230, 1, 1, NULL, u"text");
}
MISUSE(EtwEventEnabled) {
    return EtwEventEnabled(0x1230, NULL);
}
MISUSE(EtwProviderEnabled) {
    return EtwProviderEnabled(0x1230, 0, 0);
}
EFFECT(EtwActivityIdControl) {
    struct tracing *t = room;
    GUID one;

    MUST(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_CREATE_ID, &t->id) == STATUS_SUCCESS);
    one = t->id;
    MUST(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_CREATE_ID, &t->id) == STATUS_SUCCESS);
    MUST(memcmp(&one, &t->id, sizeof one) != 0);
    MUST(EtwActivityIdControl(77, &t->id) == STATUS_INVALID_PARAMETER);
    return 0;
}
MISUSE(EtwActivityIdControl) { /* sets one at DISPATCH_LEVEL */
    KeRaiseIrqlToDpcLevel();
    return (uint64_t)EtwActivityIdControl(EVENT_ACTIVITY_CTRL_SET_ID, room);
}

/* --- messages */

static ULONG DDI_CALL through(PCSTR format, ...) {
    __builtin_ms_va_list arguments;
    ULONG status;

    __builtin_ms_va_start(arguments, format);
    status = vDbgPrintEx(DPFLTR_IHVVIDEO_ID, DPFLTR_ERROR_LEVEL, format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
EFFECT(DbgPrint) {
    MUST(DbgPrint("%s %d\n", "text", 1) == STATUS_SUCCESS);
    MUST(DbgPrintEx(DPFLTR_IHVVIDEO_ID, DPFLTR_ERROR_LEVEL, "%p", room) == STATUS_SUCCESS);
    MUST(through("%s", "text") == STATUS_SUCCESS);
    return 0;
}
MISUSE(DbgPrint) { /* an argument that is none */
    return DbgPrint("%s", (const char *)1);
}
MISUSE(DbgPrintEx) {
    return DbgPrintEx(DPFLTR_IHVVIDEO_ID, DPFLTR_ERROR_LEVEL, "%wZ", (const char *)1);
}
MISUSE(vDbgPrintEx) {
    return through("%s", (const char *)1);
}

/* --- stopping */

MISUSE(DbgBreakPoint) {
    DbgBreakPoint();
    return 0;
}
MISUSE(KeBugCheck) {
    KeBugCheck(0xE2);
}
MISUSE(KeBugCheckEx) {
    KeBugCheckEx(0x116, 1, 2, 3, 4);
}
MISUSE(ExRaiseStatus) {
    ExRaiseStatus(STATUS_INVALID_PARAMETER);
}
MISUSE(ExRaiseAccessViolation) {
    ExRaiseAccessViolation();
}
MISUSE(ExRaiseDatatypeMisalignment) {
    ExRaiseDatatypeMisalignment();
}
EFFECT(KeRegisterBugCheckCallback) {
    struct tracing *t = room;

    KeInitializeCallbackRecord(&t->record);
    KeInitializeCallbackRecord(&t->reason);
    MUST(KeRegisterBugCheckCallback(&t->record, room, t->bytes, 64, NULL));
    MUST(KeRegisterBugCheckReasonCallback(&t->reason, room, 1, NULL));
    MUST(KeDeregisterBugCheckReasonCallback(&t->reason));
    MUST(KeDeregisterBugCheckCallback(&t->record));
    return 0;
}
MISUSE(KeRegisterBugCheckCallback) { /* twice */
    struct tracing *t = room;

    KeRegisterBugCheckCallback(&t->record, room, NULL, 0, NULL);
    return KeRegisterBugCheckCallback(&t->record, room, NULL, 0, NULL);
}
MISUSE(KeRegisterBugCheckReasonCallback) {
    struct tracing *t = room;

    t->reason.State = 0xA5;
    return KeRegisterBugCheckReasonCallback(&t->reason, room, 1, NULL);
}
MISUSE(KeDeregisterBugCheckCallback) {
    struct tracing *t = room;

    return KeDeregisterBugCheckCallback(&t->record);
}
MISUSE(KeDeregisterBugCheckReasonCallback) {
    struct tracing *t = room;

    return KeDeregisterBugCheckReasonCallback(&t->reason);
}

const struct trial trace_trials[] = {
    TRIAL(EtwRegister, LEAVES),
    WITH(EtwUnregister, EtwRegister, PARAMETER),
    WITH(EtwSetInformation, EtwRegister, PARAMETER),
    TRIAL(EtwWrite, FAULTS),
    WITH(EtwWriteEx, EtwWrite, PARAMETER),
    WITH(EtwWriteTransfer, EtwWrite, PARAMETER),
    WITH(EtwWriteString, EtwWrite, PARAMETER),
    WITH(EtwEventEnabled, EtwWrite, PARAMETER),
    WITH(EtwProviderEnabled, EtwWrite, PARAMETER),
    TRIAL(EtwActivityIdControl, RAISED),
    TRIAL(DbgPrint, FAULTS),
    WITH(DbgPrintEx, DbgPrint, FAULTS),
    WITH(vDbgPrintEx, DbgPrint, FAULTS),
    ENDS(DbgBreakPoint, FAULTS),
    ENDS(KeBugCheck, STOPS),
    ENDS(KeBugCheckEx, STOPS),
    ENDS(ExRaiseStatus, STOPS),
    ENDS(ExRaiseAccessViolation, STOPS),
    ENDS(ExRaiseDatatypeMisalignment, STOPS),
    TRIAL(KeRegisterBugCheckCallback, STATE),
    WITH(KeDeregisterBugCheckCallback, KeRegisterBugCheckCallback, STATE),
    WITH(KeRegisterBugCheckReasonCallback, KeRegisterBugCheckCallback, STATE),
    WITH(KeDeregisterBugCheckReasonCallback, KeRegisterBugCheckCallback, STATE),
    {0},
};
