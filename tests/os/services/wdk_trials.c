/* What images built with the WDK import: WPP's calls, named events, timers of the system, the error log,
 * processes, and the rest of the C run-time. */
#include "crt.h"
#include "trial.h"
#include <gpup/kernel.h>
#include <string.h>

#define GET(name, function)                                                                                  \
    __typeof__(&(function)) f =                                                                              \
        (__typeof__(&(function)))(uintptr_t)gpup_kernel_find("ntoskrnl.exe", #name)->address

/* --- WMI */

EFFECT(IoWMIRegistrationControl) {
    MUST(IoWMIRegistrationControl(room, WMIREG_ACTION_REGISTER | WMIREG_FLAG_CALLBACK) == STATUS_SUCCESS);
    MUST(IoWMIRegistrationControl((PVOID)((char *)room + 8), WMIREG_ACTION_REGISTER) == STATUS_SUCCESS);
    MUST(IoWMIRegistrationControl(room, WMIREG_ACTION_UPDATE_GUIDS) == STATUS_SUCCESS);
    MUST(IoWMIRegistrationControl((PVOID)((char *)room + 8), WMIREG_ACTION_DEREGISTER) == STATUS_SUCCESS);
    MUST(IoWMIRegistrationControl(room, WMIREG_ACTION_DEREGISTER | WMIREG_FLAG_CALLBACK) == STATUS_SUCCESS);
    MUST(IoWMIRegistrationControl(room, WMIREG_ACTION_REGISTER) == STATUS_SUCCESS); /* again */
    MUST(IoWMIRegistrationControl(room, WMIREG_ACTION_DEREGISTER) == STATUS_SUCCESS);
    return 0;
}
MISUSE(IoWMIRegistrationControl) { /* stays registered */
    return (uint64_t)IoWMIRegistrationControl(room, WMIREG_ACTION_REGISTER);
}

static NTSTATUS DDI_CALL with_list(LPCGUID id, ...) {
    __builtin_ms_va_list arguments;
    NTSTATUS status;

    __builtin_ms_va_start(arguments, id);
    status = WmiTraceMessageVa(1, 0, id, 1, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
EFFECT(WmiTraceMessage) {
    ULONG size = 0;

    MUST(WmiTraceMessage(1, 0, room, 1, room, (size_t)16, room, (size_t)4, NULL, (size_t)0) ==
         STATUS_INVALID_HANDLE);
    MUST(with_list(room, room, (size_t)16, NULL, (size_t)0) == STATUS_INVALID_HANDLE);
    MUST(WmiQueryTraceInformation(TraceHandleClass, room, 8, &size, NULL) == STATUS_INVALID_HANDLE &&
         size == 8);
    MUST(WmiQueryTraceInformation(TraceEnableFlagsClass, room, 8, &size, NULL) ==
         STATUS_INFO_LENGTH_MISMATCH);
    MUST(size == 4);
    return 0;
}
MISUSE(WmiTraceMessage) { /* a part that is not there */
    return (uint64_t)WmiTraceMessage(1, 0, room, 1, (PVOID)8, (size_t)1, NULL, (size_t)0);
}
MISUSE(WmiTraceMessageVa) {
    return (uint64_t)with_list(room, (PVOID)8, (size_t)1, NULL, (size_t)0);
}
MISUSE(WmiQueryTraceInformation) {
    return (uint64_t)WmiQueryTraceInformation(TraceHandleClass, room, 8, (PULONG)8, NULL);
}

/* --- named events */

static UNICODE_STRING named(const WCHAR *name) {
    return (UNICODE_STRING){.Length = (USHORT)(2 * gpup_crt_wcslen(name)), .Buffer = (PWSTR)(uintptr_t)name};
}

EFFECT(IoCreateNotificationEvent) {
    UNICODE_STRING one = named(u"\\BaseNamedObjects\\One"), two = named(u"\\BaseNamedObjects\\Two");
    HANDLE *handle = room;
    LARGE_INTEGER now = {.QuadPart = 0};
    PKEVENT event = IoCreateNotificationEvent(&one, &handle[0]),
            other = IoCreateSynchronizationEvent(&two, &handle[1]);

    MUST(event && other && event != other && handle[0] && handle[1] && handle[0] != handle[1]);
    MUST(IoCreateNotificationEvent(&one, &handle[2]) == event && handle[2] != handle[0]);
    MUST(KeReadStateEvent(event) && KeReadStateEvent(other)); /* made signaled */
    MUST(KeWaitForSingleObject(event, Executive, KernelMode, FALSE, &now) == STATUS_SUCCESS &&
         KeReadStateEvent(event));
    MUST(KeWaitForSingleObject(other, Executive, KernelMode, FALSE, &now) == STATUS_SUCCESS &&
         !KeReadStateEvent(other));
    MUST(ZwClose(handle[0]) == STATUS_SUCCESS && KeReadStateEvent(event)); /* another handle is open */
    ObfReferenceObject(event);
    MUST(ZwClose(handle[2]) == STATUS_SUCCESS && KeReadStateEvent(event)); /* a reference is left */
    KeClearEvent(event);
    MUST(IoCreateNotificationEvent(&one, &handle[0]) == event && !KeReadStateEvent(event));
    ObfDereferenceObject(event);
    ZwClose(handle[0]);
    MUST(IoCreateNotificationEvent(&one, &handle[0]) && ZwClose(handle[0]) == STATUS_SUCCESS);
    return (uint64_t)ZwClose(handle[1]);
}
MISUSE(IoCreateNotificationEvent) { /* its handle stays open */
    UNICODE_STRING name = named(u"\\BaseNamedObjects\\One");

    return (uintptr_t)IoCreateNotificationEvent(&name, room);
}
MISUSE(IoCreateSynchronizationEvent) { /* of no name */
    UNICODE_STRING name = named(u"");

    return (uintptr_t)IoCreateSynchronizationEvent(&name, room);
}

/* --- timers of the system */

struct ticks {
    ULONG count;
    PEX_TIMER timer;
    bool deletes, gone, done; /* done: something to one that is being deleted */
};
static VOID DDI_CALL tick(PEX_TIMER timer, PVOID context) {
    struct ticks *t = context;

    t->count++;
    if (timer != t->timer || KeGetCurrentIrql() != DISPATCH_LEVEL)
        t->count += 100;
    if (!t->deletes)
        return;
    ExDeleteTimer(timer, TRUE, FALSE, NULL);
    t->done = ExSetTimer(timer, -10000, 0, NULL) || ExCancelTimer(timer, NULL) ||
              ExDeleteTimer(timer, TRUE, FALSE, NULL);
}
static VOID DDI_CALL gone(PVOID context) {
    ((struct ticks *)context)->gone = true;
}
static void sleep_ms(LONGLONG ms) {
    LARGE_INTEGER time = {.QuadPart = -10000 * ms};

    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

static uint64_t timers(struct ticks *t) {
    EXT_DELETE_PARAMETERS deletion = {.DeleteCallback = gone, .DeleteContext = t};
    LARGE_INTEGER time = {.QuadPart = -100000};

    t->timer = ExAllocateTimer(tick, t, EX_TIMER_HIGH_RESOLUTION);
    MUST(t->timer && !ExSetTimer(t->timer, -10000, 0, NULL) && ExSetTimer(t->timer, -20000, 0, NULL));
    MUST(ExCancelTimer(t->timer, NULL) && !ExCancelTimer(t->timer, NULL));
    sleep_ms(5);
    MUST(t->count == 0);
    ExSetTimer(t->timer, -10000, 5000, NULL); /* after 1 ms, and then each 0.5 ms */
    MUST(KeWaitForSingleObject(t->timer, Executive, KernelMode, FALSE, &time) == STATUS_SUCCESS);
    sleep_ms(3);
    MUST(t->count >= 6 && t->count <= 8);
    MUST(ExDeleteTimer(t->timer, TRUE, TRUE, &deletion) && t->gone);
    t->timer = ExAllocateTimer(tick, t, EX_TIMER_NOTIFICATION);
    t->count = 0;
    t->deletes = true; /* from its callback */
    ExSetTimer(t->timer, -10000, 5000, NULL);
    sleep_ms(4);
    MUST(t->count == 1 && !t->done);
    t->timer = ExAllocateTimer(NULL, NULL, 0);
    ExSetTimer(t->timer, -10000, 5000, NULL);
    MUST(!ExDeleteTimer(t->timer, FALSE, FALSE, NULL)); /* not cancelled: it goes when it expires */
    sleep_ms(4);
    return 0;
}
EFFECT(ExAllocateTimer) { /* where the trial runs it above, only the limit is looked at */
    return KeGetCurrentIrql() == PASSIVE_LEVEL ? timers(room) : ExAllocateTimer(NULL, NULL, 0) == NULL;
}
EFFECT(ExSetTimer) {
    return KeGetCurrentIrql() == PASSIVE_LEVEL ? timers(room) : ExSetTimer(room, 0, 0, NULL);
}
EFFECT(ExCancelTimer) {
    return KeGetCurrentIrql() == PASSIVE_LEVEL ? timers(room) : ExCancelTimer(room, NULL);
}
EFFECT(ExDeleteTimer) {
    return KeGetCurrentIrql() == PASSIVE_LEVEL ? timers(room) : ExDeleteTimer(room, FALSE, FALSE, NULL);
}
MISUSE(ExAllocateTimer) { /* is never deleted */
    return (uintptr_t)ExAllocateTimer(tick, room, 0);
}
MISUSE(ExSetTimer) { /* of a deleted one */
    PEX_TIMER timer = ExAllocateTimer(tick, room, 0);

    ExDeleteTimer(timer, TRUE, FALSE, NULL);
    return ExSetTimer(timer, -1, 0, NULL);
}
MISUSE(ExCancelTimer) { /* of memory that is none */
    return ExCancelTimer(room, NULL);
}
MISUSE(ExDeleteTimer) { /* waits for what it does not cancel */
    return ExDeleteTimer(ExAllocateTimer(tick, room, 0), FALSE, TRUE, NULL);
}

/* --- error log */

EFFECT(IoAllocateErrorLogEntry) {
    PVOID entry = IoAllocateErrorLogEntry(room, ERROR_LOG_MAXIMUM_SIZE),
          other = IoAllocateErrorLogEntry(room, 48);

    MUST(entry && other && entry != other);
    memset(entry, 1, ERROR_LOG_MAXIMUM_SIZE);
    IoWriteErrorLogEntry(entry);
    IoFreeErrorLogEntry(other);
    return 0;
}
MISUSE(IoAllocateErrorLogEntry) { /* too large */
    return (uintptr_t)IoAllocateErrorLogEntry(room, ERROR_LOG_MAXIMUM_SIZE + 1);
}
MISUSE(IoWriteErrorLogEntry) { /* twice */
    PVOID entry = IoAllocateErrorLogEntry(room, 48);

    IoWriteErrorLogEntry(entry);
    IoWriteErrorLogEntry(entry);
    return 0;
}
MISUSE(IoFreeErrorLogEntry) { /* was written */
    PVOID entry = IoAllocateErrorLogEntry(room, 48);

    IoWriteErrorLogEntry(entry);
    IoFreeErrorLogEntry(entry);
    return 0;
}

/* --- processes */

EFFECT(PsGetProcessId) {
    KAPC_STATE *state = room;

    MUST(PsGetProcessId(IoGetCurrentProcess()) == PsGetCurrentProcessId());
    KeStackAttachProcess(IoGetCurrentProcess(), state);
    KeUnstackDetachProcess(state);
    return 0;
}
MISUSE(PsGetProcessId) {
    return (uintptr_t)PsGetProcessId(room);
}
MISUSE(KeStackAttachProcess) {
    KeStackAttachProcess(room, room);
    return 0;
}
MISUSE(KeUnstackDetachProcess) { /* twice */
    KeStackAttachProcess(IoGetCurrentProcess(), room);
    KeUnstackDetachProcess(room);
    KeUnstackDetachProcess(room);
    return 0;
}
EFFECT(ExUuidCreate) {
    GUID *id = room;

    MUST(ExUuidCreate(&id[0]) == STATUS_SUCCESS && ExUuidCreate(&id[1]) == STATUS_SUCCESS);
    MUST(memcmp(&id[0], &id[1], sizeof *id) != 0 && id[0].Data3 >> 12 == 4 && id[0].Data4[0] >> 6 == 2);
    return 0;
}

/* --- pageable sections, text */

EFFECT(MmLockPagableDataSection) {
    PVOID handle = MmLockPagableDataSection((char *)room + 8);

    MUST(handle && MmLockPagableCodeSection(room) == handle);
    MmUnlockPagableImageSection(handle);
    MmUnlockPagableImageSection(handle);
    MmLockPagableSectionByHandle(handle);
    MmUnlockPagableImageSection(handle);
    MUST(MmPageEntireDriver(room));
    MmResetDriverPaging(room);
    return 0;
}
MISUSE(MmLockPagableDataSection) {
    return (uintptr_t)MmLockPagableDataSection(NULL);
}
MISUSE(MmLockPagableSectionByHandle) { /* never locked */
    MmLockPagableSectionByHandle(room);
    return 0;
}
MISUSE(MmUnlockPagableImageSection) { /* twice */
    PVOID handle = MmLockPagableDataSection(room);

    MmUnlockPagableImageSection(handle);
    MmUnlockPagableImageSection(handle);
    return 0;
}

EFFECT(RtlUnicodeToMultiByteN) {
    char *b = room;
    WCHAR *w = (WCHAR *)room + 64;
    ULONG bytes = 0;

    MUST(RtlUnicodeToMultiByteN(b, 8, &bytes, u"ab\x0100", 8) == STATUS_SUCCESS && bytes == 4);
    MUST(!memcmp(b, "ab?", 4));
    MUST(RtlUnicodeToMultiByteN(b, 2, &bytes, u"xyz", 6) == STATUS_SUCCESS && bytes == 2 &&
         !memcmp(b, "xy?", 3));
    MUST(RtlMultiByteToUnicodeN(w, 64, &bytes, "a\xE9", 3) == STATUS_SUCCESS && bytes == 6);
    MUST(w[0] == 'a' && w[1] == 0xE9 && !w[2]);
    MUST(RtlMultiByteToUnicodeN(w, 3, NULL, "zz", 2) == STATUS_SUCCESS && w[0] == 'z' && w[1] == 0xE9);
    MUST(RtlUnicodeToMultiByteSize(&bytes, u"abc", 6) == STATUS_SUCCESS && bytes == 3);
    MUST(RtlMultiByteToUnicodeSize(&bytes, "abc", 3) == STATUS_SUCCESS && bytes == 6);
    return 0;
}
MISUSE(RtlUnicodeToMultiByteN) {
    return (uint64_t)RtlUnicodeToMultiByteN(room, 8, NULL, (PCWSTR)8, 4);
}
MISUSE(RtlMultiByteToUnicodeN) {
    return (uint64_t)RtlMultiByteToUnicodeN(room, 8, NULL, (PCSTR)8, 4);
}
MISUSE(RtlUnicodeToMultiByteSize) {
    return (uint64_t)RtlUnicodeToMultiByteSize((PULONG)8, u"a", 2);
}
MISUSE(RtlMultiByteToUnicodeSize) {
    return (uint64_t)RtlMultiByteToUnicodeSize((PULONG)8, "a", 1);
}

/* --- C run-time */

#define EXPECT(name, function, condition, wrong)                                                             \
    EFFECT(name) {                                                                                           \
        UNUSED WCHAR *w = room;                                                                              \
        GET(name, function);                                                                                 \
                                                                                                             \
        MUST(condition);                                                                                     \
        return 0;                                                                                            \
    }                                                                                                        \
    MISUSE(name) {                                                                                           \
        GET(name, function);                                                                                 \
                                                                                                             \
        (void)(wrong);                                                                                       \
        return 0;                                                                                            \
    }
#define IS(text) (!memcmp(w, text, sizeof(text)))
#define NO_TEXT ((PCWSTR)8)
EXPECT(_snwprintf_s, gpup_crt_snwprintf_s,
       f(w, 8, 7, u"%d-%s", 7, u"x") == 3 && IS(u"7-x") && f(w, 8, 2, u"%d", 123) == -1 && IS(u"12") &&
           f(w, 3, 9, u"%d", 1234) == -1 && !*w && f(w, 3, GPUP_CRT_TRUNCATE, u"%d", 1234) == -1 && IS(u"12"),
       f((PWSTR)8, 8, 7, u"a"))
EXPECT(wcsncpy_s, gpup_crt_wcsncpy_s,
       !f(w, 4, u"abcdef", 3) && IS(u"abc") && f(w, 4, u"abcdef", 4) == 34 && !*w &&
           f(w, 4, u"abcdef", GPUP_CRT_TRUNCATE) == 80 && IS(u"abc") && !f(w, 4, u"ab", 9) && IS(u"ab"),
       f(room, 4, NO_TEXT, 3))
EXPECT(_wtoi, gpup_crt_wtoi, f(u" -12x") == -12 && f(u"34") == 34, f(NO_TEXT))
EFFECT(iswdigit) {
    GET(iswdigit, gpup_crt_iswdigit);

    MUST(f('0') && f('9') && !f('a') && !f(0x0660));
    return 0;
}

static int DDI_CALL wide_list(PWSTR to, SIZE_T room, PCWSTR format, ...) {
    __builtin_ms_va_list arguments;
    GET(_vsnwprintf_s, gpup_crt_vsnwprintf_s);
    int length;

    __builtin_ms_va_start(arguments, format);
    length = f(to, room, GPUP_CRT_TRUNCATE, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
EFFECT(_vsnwprintf_s) {
    WCHAR *w = room;

    MUST(wide_list(w, 8, u"%d-%s", 7, u"x") == 3 && IS(u"7-x") && wide_list(w, 3, u"%d", 1234) == -1 &&
         IS(u"12"));
    return 0;
}
MISUSE(_vsnwprintf_s) {
    return (uint64_t)wide_list((PWSTR)8, 8, u"a");
}
static int DDI_CALL narrow_list(PCHAR to, PCSTR format, ...) {
    __builtin_ms_va_list arguments;
    GET(vsprintf, gpup_crt_vsprintf);
    int length;

    __builtin_ms_va_start(arguments, format);
    length = f(to, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
EFFECT(vsprintf) {
    MUST(narrow_list(room, "%d-%s", 7, "x") == 3 && !memcmp(room, "7-x", 4));
    return 0;
}
MISUSE(vsprintf) {
    return (uint64_t)narrow_list((PCHAR)8, "a");
}

/* As a compiler calls it. The registers come back, and nothing above RSP is touched. */
static uint64_t probe(uint64_t size, uint64_t *rcx, uint64_t *r10, uint64_t *r11) {
    uint64_t rax = size, c = 0x1111, d = 0x2222, e = 0x3333;
    const void *function = gpup_kernel_find("ntoskrnl.exe", "__chkstk")->address;
    register uint64_t ten __asm__("r10") = d;
    register uint64_t eleven __asm__("r11") = e;

    __asm__ volatile("sub $128, %%rsp\n push %%rbp\n mov %%rsp, %%rbp\n and $-16, %%rsp\n call *%[f]\n"
                     "mov %%rbp, %%rsp\n pop %%rbp\n add $128, %%rsp\n"
                     : "+a"(rax), "+c"(c), "+r"(ten), "+r"(eleven)
                     : [f] "b"(function)
                     : "memory", "cc");
    *rcx = c;
    *r10 = ten;
    *r11 = eleven;
    return rax;
}
EFFECT(__chkstk) {
    static const uint64_t sizes[] = {8, 0x1000, 0x1008, 0x2000, 0x2FF8};
    uint64_t rcx, r10, r11;

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        MUST(probe(sizes[i], &rcx, &r10, &r11) == sizes[i]);
        MUST(rcx == 0x1111 && r10 == 0x2222 && r11 == 0x3333);
    }
    return 0;
}
MISUSE(__chkstk) { /* a frame that no stack has room for: met at the guard page, not beyond it */
    uint64_t rcx, r10, r11;

    return probe(0x10000000, &rcx, &r10, &r11);
}

const struct trial wdk_trials[] = {
    TRIAL(IoWMIRegistrationControl, LEAVES),
    TRIAL(WmiTraceMessage, FAULTS),
    WITH(WmiTraceMessageVa, WmiTraceMessage, FAULTS),
    WITH(WmiQueryTraceInformation, WmiTraceMessage, FAULTS),
    TRIAL(IoCreateNotificationEvent, LEAVES),
    WITH(IoCreateSynchronizationEvent, IoCreateNotificationEvent, PARAMETER),
    TRIAL(ExAllocateTimer, LEAVES),
    TRIAL(ExSetTimer, OBJECT),
    TRIAL(ExCancelTimer, OBJECT),
    TRIAL(ExDeleteTimer, PARAMETER),
    TRIAL(IoAllocateErrorLogEntry, PARAMETER),
    WITH(IoWriteErrorLogEntry, IoAllocateErrorLogEntry, OBJECT),
    WITH(IoFreeErrorLogEntry, IoAllocateErrorLogEntry, OBJECT),
    TRIAL(PsGetProcessId, OBJECT),
    WITH(KeStackAttachProcess, PsGetProcessId, OBJECT),
    WITH(KeUnstackDetachProcess, PsGetProcessId, STATE),
    LIMITED(ExUuidCreate),
    TRIAL(MmLockPagableDataSection, PARAMETER),
    WITH(MmLockPagableSectionByHandle, MmLockPagableDataSection, OBJECT),
    WITH(MmUnlockPagableImageSection, MmLockPagableDataSection, STATE),
    LIMITED_WITH(MmPageEntireDriver, MmLockPagableDataSection),
    LIMITED_WITH(MmResetDriverPaging, MmLockPagableDataSection),
    TRIAL(RtlUnicodeToMultiByteN, FAULTS),
    WITH(RtlMultiByteToUnicodeN, RtlUnicodeToMultiByteN, FAULTS),
    WITH(RtlUnicodeToMultiByteSize, RtlUnicodeToMultiByteN, FAULTS),
    WITH(RtlMultiByteToUnicodeSize, RtlUnicodeToMultiByteN, FAULTS),
    TRIAL(_snwprintf_s, FAULTS),
    TRIAL(_vsnwprintf_s, FAULTS),
    TRIAL(vsprintf, FAULTS),
    TRIAL(wcsncpy_s, FAULTS),
    SAFE(iswdigit),
    TRIAL(_wtoi, FAULTS),
    TRIAL(__chkstk, FAULTS),
    {NULL, NULL, NULL, HARMLESS},
};
