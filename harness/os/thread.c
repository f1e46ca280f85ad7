/* System threads and the handle table. */
#include "callers.h"
#include "services.h"

#define HANDLE_BASE 0xFFFFFFFF80000000u /* kernel handles have the top bit set */

HANDLE gpup_handle_new(struct gpup_os *os, uint32_t type, void *target, uint64_t object,
                       void (*close)(struct gpup_os *os, void *target)) {
    struct gpup_machine *table = os->machine;
    uint32_t i = 0;

    while (i < table->handle_count && table->handles[i].type)
        i++;
    if (i == GPUP_MAX_HANDLES)
        return NULL;
    if (i == table->handle_count)
        table->handle_count++;
    table->handles[i] =
        (struct gpup_handle){.type = type, .object = object, .target = target, .owner = os, .close = close};
    gpup_callers_here(os, &table->handles[i].made);
    return (HANDLE)(HANDLE_BASE + 4 * (uintptr_t)(i + 1)); // NOLINT(performance-no-int-to-ptr)
}

struct gpup_handle *gpup_handle_get(struct gpup_os *os, HANDLE handle, uint32_t type) {
    struct gpup_machine *table = os->machine;
    uintptr_t i = ((uintptr_t)handle - HANDLE_BASE) / 4 - 1;
    struct gpup_handle *entry = &table->handles[i < GPUP_MAX_HANDLES ? i : 0];

    if (((uintptr_t)handle & 3) || i >= table->handle_count || !entry->type || (type && entry->type != type))
        return NULL;
    /* The handle of a VM was given to one adapter. */
    return entry->type == GPUP_HANDLE_VMBUS && entry->owner != os ? NULL : entry;
}

void gpup_handle_drop(struct gpup_os *os, HANDLE handle) {
    struct gpup_handle *entry = gpup_handle_get(os, handle, 0);

    if (entry)
        *entry = (struct gpup_handle){0};
}

NTSTATUS DDI_CALL ZwClose(HANDLE Handle) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ZwClose));
    struct gpup_handle *handle = os ? gpup_handle_get(os, Handle, 0) : NULL;
    struct gpup_handle copy;

    if (!handle) {
        if (os)
            gpup_os_misuse(os, "ZwClose", GPUP_MISUSE_OBJECT, 0);
        return STATUS_INVALID_HANDLE;
    }
    copy = *handle;
    *handle = (struct gpup_handle){0};
    if (copy.close)
        copy.close(copy.owner, copy.target);
    return STATUS_SUCCESS;
}

/* --- threads */

static void release(struct gpup_os *os, void *target) {
    struct gpup_thread *thread = target;
    struct gpup_thread **link = &os->machine->threads;

    if (--thread->references)
        return;
    while (*link && *link != thread)
        link = &(*link)->next;
    if (*link)
        *link = thread->next;
    thread->header.Tag = 0;
    thread->next = os->machine->free_threads;
    os->machine->free_threads = thread;
}

static struct gpup_thread *fresh(struct gpup_os *os) {
    struct gpup_thread *thread = os->machine->free_threads;

    if (thread)
        os->machine->free_threads = thread->next;
    else
        thread = gpup_os_alloc(os, sizeof *thread);
    if (!thread)
        return NULL;
    *thread = (struct gpup_thread){
        .object = gpup_os_object(os), .references = 2, .running = true, .next = os->machine->threads};
    gpup_callers_here(os, &thread->made);
    os->machine->threads = thread;
    gpup_dispatcher_init(&thread->header, GPUP_DISPATCHER_THREAD, 0);
    return thread;
}

static struct gpup_thread *thread_of(struct gpup_os *os, const void *object) {
    struct gpup_thread *thread = os->machine->threads;

    while (thread && thread != object)
        thread = thread->next;
    return thread;
}

static void thread_done(struct gpup_os *os, struct gpup_fiber *fiber) {
    struct gpup_thread *thread = fiber->thread;

    thread->running = false;
    thread->header.SignalState = 1;
    fiber->thread = NULL;
    gpup_os_wake(os);
    release(os, thread);
}

/* No room for its handle or its stack. */
static void give_up(struct gpup_os *os, struct gpup_thread *thread, HANDLE handle) {
    if (handle)
        gpup_handle_drop(os, handle);
    if (thread) {
        thread->references = 1;
        release(os, thread);
    }
}

NTSTATUS DDI_CALL PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                       PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                       PVOID StartContext) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(PsCreateSystemThread));
    struct gpup_start start = {.routine = GPUP_ROUTINE_THREAD,
                               .function = (void *)StartRoutine,
                               .args = {(uint64_t)(uintptr_t)StartContext},
                               .done = thread_done};
    struct gpup_thread *thread;
    HANDLE handle;

    (void)DesiredAccess;
    (void)ObjectAttributes;
    (void)ProcessHandle;
    if (!os || gpup_os_fails(os))
        return STATUS_INSUFFICIENT_RESOURCES;
    thread = fresh(os);
    handle = thread ? gpup_handle_new(os, GPUP_HANDLE_THREAD, thread, thread->object, release) : NULL;
    if (!handle || !gpup_os_start(os, &start)) {
        give_up(os, thread, handle);
        return gpup_os_full(os);
    }
    gpup_os_started(os)->thread = thread;
    if (ClientId)
        *ClientId = (CLIENT_ID){NULL, handle};
    *ThreadHandle = handle;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL PsTerminateSystemThread(NTSTATUS ExitStatus) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(PsTerminateSystemThread));

    (void)ExitStatus;
    if (!os || !os->machine->running)
        return STATUS_INVALID_PARAMETER;
    if (!os->machine->running->thread) {
        gpup_os_misuse(os, "PsTerminateSystemThread", GPUP_MISUSE_STATE, 0);
        return STATUS_INVALID_PARAMETER;
    }
    gpup_os_end_fiber(os);
}

NTSTATUS DDI_CALL ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                            KPROCESSOR_MODE AccessMode, PVOID *Object,
                                            PVOID HandleInformation) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ObReferenceObjectByHandle));
    struct gpup_handle *handle = os ? gpup_handle_get(os, Handle, 0) : NULL;

    (void)DesiredAccess;
    (void)ObjectType;
    (void)AccessMode;
    (void)HandleInformation;
    if (!handle)
        return STATUS_INVALID_HANDLE;
    if (handle->type != GPUP_HANDLE_THREAD)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ((struct gpup_thread *)handle->target)->references++;
    *Object = handle->target;
    return STATUS_SUCCESS;
}

LONG_PTR DDI_CALL ObfReferenceObject(PVOID Object) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ObfReferenceObject));
    struct gpup_thread *thread = os ? thread_of(os, Object) : NULL;
    int64_t left;

    if (os && gpup_named_event_reference && gpup_named_event_reference(os, Object, 1, &left))
        return left;
    return thread ? (LONG_PTR)++thread->references : 2; /* a device object, or a process: ours to keep */
}

LONG_PTR DDI_CALL ObfDereferenceObject(PVOID Object) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ObfDereferenceObject));
    struct gpup_thread *thread = os ? thread_of(os, Object) : NULL;
    int64_t left;

    if (os && gpup_named_event_reference && gpup_named_event_reference(os, Object, -1, &left))
        return left;
    if (!thread)
        return 1;
    left = (int64_t)thread->references - 1;
    release(os, thread);
    return left;
}

void gpup_thread_left(struct gpup_os *os) {
    for (const struct gpup_thread *thread = os->machine->threads; thread; thread = thread->next)
        gpup_os_left(os, thread->running ? GPUP_OBJECT_THREAD : GPUP_OBJECT_REFERENCE, thread->object, 0, 0,
                     &thread->made);
}

PKTHREAD DDI_CALL KeGetCurrentThread(void) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeGetCurrentThread));

    if (!os || !os->machine->running)
        return NULL;
    return os->machine->running->thread ? (PKTHREAD)(void *)os->machine->running->thread
                                        : (PKTHREAD)(void *)os->machine->running;
}

KPRIORITY DDI_CALL KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority) {
    (void)Thread;
    (void)Priority;
    gpup_os_enter(GPUP_SERVICE(KeSetPriorityThread));
    return 8;
}

PEPROCESS DDI_CALL IoGetCurrentProcess(void) {
    const struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(IoGetCurrentProcess));

    return os ? (PEPROCESS)(void *)os->machine : NULL; /* all adapters are the System process's */
}

HANDLE DDI_CALL PsGetCurrentProcessId(void) {
    gpup_os_enter(GPUP_SERVICE(PsGetCurrentProcessId));
    return (HANDLE)4; /* the System process */
}

HANDLE DDI_CALL PsGetCurrentThreadId(void) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(PsGetCurrentThreadId));
    uintptr_t id = os && os->machine->running ? os->machine->running->id : 0;

    return (HANDLE)(4 * (id + 2)); // NOLINT(performance-no-int-to-ptr)
}
