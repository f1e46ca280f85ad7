/* What a driver asks about threads, stacks and versions; object types. */
#include "arena.h"
#include "services.h"

KPRIORITY DDI_CALL KeQueryPriorityThread(PKTHREAD Thread) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeQueryPriorityThread);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && !Thread)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return 8;
}

LONG DDI_CALL KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeSetBasePriorityThread);
    struct gpup_os *os = gpup_os_enter(service);

    (void)Increment;
    if (os && !Thread)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return 0; /* the increment before */
}

KPROCESSOR_MODE DDI_CALL ExGetPreviousMode(void) {
    gpup_os_enter(GPUP_SERVICE(ExGetPreviousMode));
    return KernelMode;
}

BOOLEAN DDI_CALL PsIsSystemThread(PETHREAD Thread) {
    const struct gpup_service_limit *service = GPUP_SERVICE(PsIsSystemThread);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && !Thread)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return TRUE;
}

/* What PsGetCurrentThreadId() says in that thread; of one that is over, a number that no other has. */
HANDLE DDI_CALL PsGetThreadId(PETHREAD Thread) {
    const struct gpup_service_limit *service = GPUP_SERVICE(PsGetThreadId);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_fiber *fiber = os ? os->machine->fibers : NULL;

    while (fiber && (void *)fiber != (void *)Thread &&
           (!fiber->thread || (void *)fiber->thread != (void *)Thread))
        fiber = fiber->next;
    if (os && !Thread)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    if (!fiber)
        return Thread ? (HANDLE)((uintptr_t)Thread & 0xFFFFFFFC) : NULL; // NOLINT(performance-no-int-to-ptr)
    return (HANDLE)(4 * ((uintptr_t)fiber->id + 2));                     // NOLINT(performance-no-int-to-ptr)
}

BOOLEAN DDI_CALL PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                              PUNICODE_STRING CSDVersion) {
    gpup_os_enter(GPUP_SERVICE(PsGetVersion));
    if (MajorVersion)
        *MajorVersion = 10;
    if (MinorVersion)
        *MinorVersion = 0;
    if (BuildNumber)
        *BuildNumber = NtBuildNumber;
    if (CSDVersion)
        memset(CSDVersion, 0, sizeof *CSDVersion);
    return FALSE;
}

/* The version of the WDM: 6.0x80 and older of the same. */
BOOLEAN DDI_CALL IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion) {
    gpup_os_enter(GPUP_SERVICE(IoIsWdmVersionAvailable));
    return MajorVersion < 6 || (MajorVersion == 6 && MinorVersion <= 0x80);
}

BOOLEAN DDI_CALL RtlIsNtDdiVersionAvailable(ULONG Version) {
    const struct gpup_service_limit *service = GPUP_SERVICE(RtlIsNtDdiVersionAvailable);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (Version & 0xFF)) /* versions of the system end in zeroes */
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
    return Version <= 0x0A000010u;
}

/* --- references */

NTSTATUS DDI_CALL ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                             KPROCESSOR_MODE AccessMode) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ObReferenceObjectByPointer);
    struct gpup_os *os = gpup_os_enter(service);

    (void)DesiredAccess;
    (void)ObjectType;
    (void)AccessMode;
    if (!Object) {
        if (os)
            gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
        return STATUS_INVALID_PARAMETER;
    }
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}

VOID DDI_CALL ObDereferenceObjectDeferDelete(PVOID Object) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ObDereferenceObjectDeferDelete);
    struct gpup_os *os = gpup_os_enter(service);

    if (Object)
        ObfDereferenceObject(Object);
    else if (os)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
}

/* --- the stack of the running routine */

#define KERNEL_STACK 24576u /* bytes of one on x64 */

VOID DDI_CALL IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(IoGetStackLimits));
    uintptr_t top = os && os->machine->running ? (uintptr_t)os->machine->running->stack->top : 0;

    *HighLimit = top;
    *LowLimit = top ? top - KERNEL_STACK : 0;
}

SIZE_T DDI_CALL IoGetRemainingStackSize(void) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(IoGetRemainingStackSize));
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t low =
        os && os->machine->running ? (uintptr_t)os->machine->running->stack->top - KERNEL_STACK : here;

    return here > low ? here - low : 0;
}

/* --- variables. The types are told apart by where they are. */

static struct { uint8_t thread, process, event, file, semaphore; } types;
static POBJECT_TYPE thread_type = (POBJECT_TYPE)(void *)&types.thread;
static POBJECT_TYPE process_type = (POBJECT_TYPE)(void *)&types.process;
static POBJECT_TYPE event_type = (POBJECT_TYPE)(void *)&types.event;
static POBJECT_TYPE file_type = (POBJECT_TYPE)(void *)&types.file;
static POBJECT_TYPE semaphore_type = (POBJECT_TYPE)(void *)&types.semaphore;
POBJECT_TYPE *const PsThreadType = &thread_type;
POBJECT_TYPE *const PsProcessType = &process_type;
POBJECT_TYPE *const ExEventObjectType = &event_type;
POBJECT_TYPE *const IoFileObjectType = &file_type;
POBJECT_TYPE *const ExSemaphoreObjectType = &semaphore_type;
const BOOLEAN KdDebuggerEnabled = FALSE;
const BOOLEAN KdDebuggerNotPresent = TRUE;
const USHORT NtBuildNumber = 26100;
