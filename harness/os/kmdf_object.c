/* Framework objects: handles, attributes, contexts, references, deletion (wdfobject.h pages). */
#include "kmdf.h"

#include <string.h>

#define STATUS_OBJECT_NAME_EXISTS ((NTSTATUS)0x40000000)

struct gpup_kmdf *gpup_kmdf_of(struct gpup_os *os) {
    if (!os->machine->kmdf)
        gpup_kmdf_init(os);
    return os->machine->kmdf;
}

/* One for a machine: an object of the driver may be used in the calls of each of its adapters. */
bool gpup_kmdf_init(struct gpup_os *os) {
    if (!os->machine->kmdf)
        os->machine->kmdf = gpup_os_alloc(os, sizeof(struct gpup_kmdf));
    return os->machine->kmdf != NULL;
}

void gpup_wdf_violation(struct gpup_os *os, const char *name) {
    if (os->machine->running)
        gpup_os_bugcheck(os, GPUP_WDF_VIOLATION);
    gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
}

void *gpup_wdf_get(struct gpup_os *os, const char *name, const void *handle, unsigned kind) {
    const struct gpup_kmdf *kmdf = gpup_kmdf_of(os);
    void *object = kmdf ? gpup_token_object(&kmdf->tokens, handle, kind) : NULL;
    if (!object)
        gpup_wdf_violation(os, name);
    return object;
}

bool gpup_wdf_publish(struct gpup_os *os, struct gpup_wdf_object *object, unsigned kind) {
    struct gpup_kmdf *kmdf = gpup_kmdf_of(os);
    object->kind = kind;
    object->references = 1;
    object->token = kmdf ? gpup_token_new(os->config.arena, &kmdf->tokens, kind, object) : NULL;
    return object->token != NULL;
}

/* --- attributes and contexts */

#define OLD_TYPE_INFO_SIZE offsetof(WDF_OBJECT_CONTEXT_TYPE_INFO, UniqueType)

static NTSTATUS check_type(const WDF_OBJECT_ATTRIBUTES *attributes) {
    const WDF_OBJECT_CONTEXT_TYPE_INFO *type = attributes->ContextTypeInfo;
    if (type && type->Size != sizeof *type && type->Size != OLD_TYPE_INFO_SIZE)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (type && type->ContextSize && !type->ContextName)
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    SIZE_T override = attributes->ContextSizeOverride;
    if (override && (!type || override < type->ContextSize))
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    return STATUS_SUCCESS;
}

static NTSTATUS check_levels(const WDF_OBJECT_ATTRIBUTES *attributes, bool for_interrupt) {
    int level = attributes->ExecutionLevel, scope = attributes->SynchronizationScope;
    if (level <= WdfExecutionLevelInvalid || level > WdfExecutionLevelDispatch ||
        scope <= WdfSynchronizationScopeInvalid || scope > WdfSynchronizationScopeNone)
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    if (for_interrupt && (scope == WdfSynchronizationScopeDevice || scope == WdfSynchronizationScopeQueue))
        return STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID;
    if (for_interrupt && level != WdfExecutionLevelInheritFromParent)
        return STATUS_WDF_EXECUTION_LEVEL_INVALID;
    return STATUS_SUCCESS;
}

NTSTATUS gpup_wdf_check_attributes(const WDF_OBJECT_ATTRIBUTES *attributes, bool for_interrupt,
                                   bool parent_allowed) {
    if (!attributes)
        return STATUS_SUCCESS;
    if (attributes->Size != sizeof *attributes)
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS status = check_type(attributes);
    if (NT_SUCCESS(status) && attributes->ParentObject && !parent_allowed)
        status = STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
    return NT_SUCCESS(status) ? check_levels(attributes, for_interrupt) : status;
}

static PCWDF_OBJECT_CONTEXT_TYPE_INFO unique(PCWDF_OBJECT_CONTEXT_TYPE_INFO type) {
    return type && type->Size > OLD_TYPE_INFO_SIZE && type->UniqueType ? type->UniqueType : type;
}

static struct gpup_wdf_context *find_context(const struct gpup_wdf_object *object,
                                             PCWDF_OBJECT_CONTEXT_TYPE_INFO type) {
    struct gpup_wdf_context *context = object->contexts;
    while (context && context->type != type)
        context = context->next;
    return context;
}

NTSTATUS gpup_wdf_add_context(struct gpup_os *os, struct gpup_wdf_object *object,
                              const WDF_OBJECT_ATTRIBUTES *attributes) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    const WDF_OBJECT_CONTEXT_TYPE_INFO *type = attributes->ContextTypeInfo;
    SIZE_T size = attributes->ContextSizeOverride ? attributes->ContextSizeOverride
                  : type                          ? type->ContextSize
                                                  : 0;
    struct gpup_wdf_context *context = kmdf->free_contexts;
    if (gpup_os_fails(os))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (context)
        kmdf->free_contexts = context->next;
    else
        context = gpup_os_alloc(os, sizeof *context);
    if (!context)
        return STATUS_INSUFFICIENT_RESOURCES;
    uint64_t number;
    *context = (struct gpup_wdf_context){.next = object->contexts,
                                         .type = unique(type),
                                         .memory = size ? gpup_os_buffer(os, size, 0, &number) : NULL,
                                         .cleanup = attributes->EvtCleanupCallback,
                                         .destroy = attributes->EvtDestroyCallback};
    if (size && !context->memory) {
        context->next = kmdf->free_contexts;
        kmdf->free_contexts = context;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (size)
        memset(context->memory, 0, size);
    object->contexts = context;
    return STATUS_SUCCESS;
}

void gpup_wdf_drop_contexts(struct gpup_os *os, struct gpup_wdf_object *object) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    while (object->contexts) {
        struct gpup_wdf_context *context = object->contexts;
        object->contexts = context->next;
        if (context->memory)
            gpup_os_buffer_free(os, context->memory);
        context->next = kmdf->free_contexts;
        kmdf->free_contexts = context;
    }
}

GPUP_EXPORT PVOID DDI_CALL WdfObjectGetTypedContextWorker(WDFOBJECT Handle,
                                                          PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo) {
    static const char name[] = "WdfObjectGetTypedContextWorker";
    struct gpup_os *os = gpup_os_service(name, GPUP_ANY_LEVEL);
    const struct gpup_wdf_object *object = os ? gpup_wdf_get(os, name, Handle, 0) : NULL;
    const struct gpup_wdf_context *context = object ? find_context(object, unique(TypeInfo)) : NULL;
    return context ? context->memory : NULL;
}

GPUP_EXPORT NTSTATUS DDI_CALL WdfObjectAllocateContext(WDFOBJECT Handle,
                                                       PWDF_OBJECT_ATTRIBUTES ContextAttributes,
                                                       PVOID *Context) {
    static const char name[] = "WdfObjectAllocateContext";
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    struct gpup_wdf_object *object = os ? gpup_wdf_get(os, name, Handle, 0) : NULL;
    if (!object)
        return STATUS_INVALID_HANDLE;
    if (!ContextAttributes || !ContextAttributes->ContextTypeInfo)
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    NTSTATUS status = gpup_wdf_check_attributes(ContextAttributes, false, false);
    if (!NT_SUCCESS(status))
        return status;
    struct gpup_wdf_context *context = find_context(object, unique(ContextAttributes->ContextTypeInfo));
    status = context ? STATUS_OBJECT_NAME_EXISTS : gpup_wdf_add_context(os, object, ContextAttributes);
    if (NT_SUCCESS(status) && Context)
        *Context = context ? context->memory : object->contexts->memory;
    return status;
}

/* --- references and deletion */

static void give_back(struct gpup_os *os, struct gpup_wdf_object *object) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    struct gpup_wdf_interrupt *interrupt = (void *)object;
    struct gpup_wdf_lock *lock = (void *)object;
    if (object->kind == GPUP_WDF_INTERRUPT) {
        interrupt->next = kmdf->free_interrupts;
        kmdf->free_interrupts = interrupt;
    } else if (object->kind == GPUP_WDF_SPIN_LOCK || object->kind == GPUP_WDF_WAIT_LOCK) {
        lock->owner = (void *)kmdf->free_locks; /* the list runs through it while the lock is free */
        kmdf->free_locks = lock;
    }
}

void gpup_wdf_unreference(struct gpup_os *os, struct gpup_wdf_object *object) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    if (--object->references)
        return;
    for (const struct gpup_wdf_context *c = object->contexts; c; c = c->next) {
        if (c->destroy)
            c->destroy(object->token);
    }
    gpup_wdf_drop_contexts(os, object);
    gpup_token_free(&kmdf->tokens, object->token);
    give_back(os, object);
}

void gpup_wdf_delete(struct gpup_os *os, struct gpup_wdf_object *object) {
    if (object->deleted)
        return;
    object->deleted = true;
    if (KMDF_DEFECT(201)) {
        for (const struct gpup_wdf_context *c = object->contexts; c; c = c->next)
            if (c->destroy)
                c->destroy(object->token);
    }
    for (const struct gpup_wdf_context *c = object->contexts; c; c = c->next) {
        if (c->cleanup)
            c->cleanup(object->token);
    }
    gpup_wdf_unreference(os, object);
}

GPUP_EXPORT VOID DDI_CALL WdfObjectDelete(WDFOBJECT Object) {
    struct gpup_os *os = gpup_os_service("WdfObjectDelete", DISPATCH_LEVEL);
    struct gpup_wdf_object *object = os ? gpup_wdf_get(os, "WdfObjectDelete", Object, 0) : NULL;
    if (!object)
        return;
    if (object->kind == GPUP_WDF_DEVICE && ((struct gpup_wdf_device *)object)->driver)
        gpup_wdf_end_device(os, (struct gpup_wdf_device *)object);
    else if (object->kind == GPUP_WDF_DEVICE || object->kind == GPUP_WDF_RESOURCES ||
             object->kind == GPUP_WDF_DRIVER)
        gpup_wdf_violation(os, "WdfObjectDelete"); /* goes by itself */
    else if (object->kind != GPUP_WDF_INTERRUPT && !object->held_by_child)
        gpup_wdf_delete(os, object); /* interrupts, and queues that are parent of one, go with their device */
}

GPUP_EXPORT VOID DDI_CALL WdfObjectReferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCSTR File) {
    struct gpup_os *os = gpup_os_service("WdfObjectReference", GPUP_ANY_LEVEL);
    struct gpup_wdf_object *object = os ? gpup_wdf_get(os, "WdfObjectReference", Handle, 0) : NULL;
    (void)Tag;
    (void)Line;
    (void)File;
    if (object)
        object->references++;
}

GPUP_EXPORT VOID DDI_CALL WdfObjectDereferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCSTR File) {
    static const char name[] = "WdfObjectDereference";
    struct gpup_os *os = gpup_os_service(name, GPUP_ANY_LEVEL);
    struct gpup_wdf_object *object = os ? gpup_wdf_get(os, name, Handle, 0) : NULL;
    (void)Tag;
    (void)Line;
    (void)File;
    if (object && object->references == 1 && !object->deleted)
        gpup_wdf_violation(os, name); /* the framework's own reference */
    else if (object)
        gpup_wdf_unreference(os, object);
}

void gpup_kmdf_left(struct gpup_os *os) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    uint32_t at = 0;
    const struct gpup_wdf_interrupt *i;
    while (kmdf && (i = gpup_token_next(&kmdf->tokens, &at, GPUP_WDF_INTERRUPT)))
        gpup_os_left(os, GPUP_OBJECT_INTERRUPT, i->message, 0, 0, NULL);
    if (kmdf)
        gpup_wdf_driver_left(os, kmdf);
}
