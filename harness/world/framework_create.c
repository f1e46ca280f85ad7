/* WdfInterruptCreate with whatever the steps before it named, and what is asked of the objects it made. */
#include "framework.h"

#include <string.h>

#define UNTOUCHED ((WDFINTERRUPT)0x5555) /* in the place of the handle before the call */
#define NO_HANDLE 0x1230000u
#define COPIED 0x1000u
#define CHANGED 0x2000u
#define FLAG_OF_NOBODY 0x4000u
#define MOST_CONTEXT 65536u /* bytes */

static void emit_values(struct host *h, unsigned kind, const struct gpup_step *s) {
    struct gpup_event e = world_event(h, kind);
    for (unsigned i = 0; i < GPUP_STEP_FIELDS && i < GPUP_EVENT_MAX_FIELDS; i++)
        e.f[i] = s->f[i].number;
    world_emit(h, &e);
}

/* Numbers that mean nothing more are taken modulo what there is. */
static void keep_within(struct gpup_step *s, unsigned field, uint64_t limit) {
    s->f[field].number %= limit;
}

void do_InterruptConfig(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    if (!f)
        return;
    f->config = *s;
    keep_within(&f->config, GPUP_InterruptConfig_callbacks, 32);
    keep_within(&f->config, GPUP_InterruptConfig_handling, 8);
    keep_within(&f->config, GPUP_InterruptConfig_spin_lock, 4);
    keep_within(&f->config, GPUP_InterruptConfig_wait_lock, 4);
    keep_within(&f->config, GPUP_InterruptConfig_raw, 4 * COPIED);
    keep_within(&f->config, GPUP_InterruptConfig_translated, 4 * COPIED);
    emit_values(h, GPUP_EVENT_INTERRUPT_CONFIG, &f->config);
}

void do_InterruptAttributes(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    if (!f)
        return;
    f->attributes = *s;
    keep_within(&f->attributes, GPUP_InterruptAttributes_parent, 6);
    keep_within(&f->attributes, GPUP_InterruptAttributes_override, MOST_CONTEXT);
    keep_within(&f->attributes, GPUP_InterruptAttributes_type, 3);
    keep_within(&f->attributes, GPUP_InterruptAttributes_context, MOST_CONTEXT);
    keep_within(&f->attributes, GPUP_InterruptAttributes_callbacks, 4);
    emit_values(h, GPUP_EVENT_INTERRUPT_ATTRIBUTES, &f->attributes);
}

/* --- the arguments, made on the framework's host */

struct create {
    struct framework *f;
    struct framework_device *device;
    struct framework_object *object;
    WDF_INTERRUPT_CONFIG *config; /* ends at a guard page */
    WDF_OBJECT_ATTRIBUTES *attributes;
    WDFINTERRUPT *out;
    uint32_t flags, irql, size;
    CM_PARTIAL_RESOURCE_DESCRIPTOR copy[2], *changed[2];
    NTSTATUS status;
    WDF_INTERRUPT_INFO info;
    bool zeroed;
};

static void *lock_of(uint64_t which, void *right, void *wrong) {
    return which == 1   ? right
           : which == 2 ? (void *)NO_HANDLE // NOLINT(performance-no-int-to-ptr)
           : which == 3 ? wrong
                        : NULL;
}

static CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor_of(struct create *c, unsigned list, uint64_t which) {
    const struct gpup_framework_ops *ops = c->f->ops;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *d = NULL;
    if (which % COPIED && c->device->state != GPUP_KMDF_REMOVED)
        d = ops->get_descriptor(ops->resources(c->device->handle, (BOOLEAN)list),
                                (ULONG)(which % COPIED - 1));
    if (d && (which & COPIED)) {
        c->copy[list] = *d;
        return &c->copy[list];
    }
    if (d && (which & CHANGED)) {
        d->Flags ^= FLAG_OF_NOBODY;
        c->changed[list] = d;
    }
    return d;
}

static void fill_config(struct create *c) {
    const struct gpup_step *s = &c->f->config;
    uint32_t handling = step_u32(s, GPUP_InterruptConfig_handling);
    WDF_INTERRUPT_CONFIG config;
    WDF_INTERRUPT_CONFIG_INIT(&config, NULL, NULL);
    config.Size = step_u32(s, GPUP_InterruptConfig_size);
    framework_callbacks(&config, step_u32(s, GPUP_InterruptConfig_callbacks));
    config.PassiveHandling = (handling & 1) != 0;
    config.AutomaticSerialization = (handling & 2) != 0;
    config.CanWakeDevice = (handling & 4) != 0;
    config.ShareVector = (WDF_TRI_STATE)step_u32(s, GPUP_InterruptConfig_share);
    config.SpinLock =
        lock_of(step_number(s, GPUP_InterruptConfig_spin_lock), c->device->spin_lock, c->device->wait_lock);
    config.WaitLock =
        lock_of(step_number(s, GPUP_InterruptConfig_wait_lock), c->device->wait_lock, c->device->spin_lock);
    config.InterruptRaw = descriptor_of(c, 0, step_number(s, GPUP_InterruptConfig_raw));
    config.InterruptTranslated = descriptor_of(c, 1, step_number(s, GPUP_InterruptConfig_translated));
    memcpy(c->config, &config, c->size);
}

static WDFOBJECT parent_of(const struct create *c, uint64_t which) {
    const struct framework *f = c->f;
    size_t next = (size_t)(c->device - f->device + 1) % FRAMEWORK_DEVICES;
    switch (which) {
    case 1:
        return c->device->handle;
    case 2:
        return c->device->queue;
    case 3:
        return f->device[next].queue;
    case 4:
        return c->device->other;
    case 5:
        return (WDFOBJECT)NO_HANDLE; // NOLINT(performance-no-int-to-ptr)
    default:
        return NULL;
    }
}

static void fill_attributes(struct create *c) {
    const struct gpup_step *s = &c->f->attributes;
    uint32_t type = step_u32(s, GPUP_InterruptAttributes_type);
    struct framework_object *o = c->object;
    o->type = (WDF_OBJECT_CONTEXT_TYPE_INFO){.Size = sizeof o->type,
                                             .ContextName = type == 1 ? "TRIAL" : NULL,
                                             .ContextSize = step_u32(s, GPUP_InterruptAttributes_context)};
    o->type.UniqueType = &o->type;
    WDF_OBJECT_ATTRIBUTES_INIT(c->attributes);
    c->attributes->Size = step_u32(s, GPUP_InterruptAttributes_size);
    c->attributes->ExecutionLevel = (WDF_EXECUTION_LEVEL)step_u32(s, GPUP_InterruptAttributes_level);
    c->attributes->SynchronizationScope =
        (WDF_SYNCHRONIZATION_SCOPE)step_u32(s, GPUP_InterruptAttributes_scope);
    c->attributes->ParentObject = parent_of(c, step_number(s, GPUP_InterruptAttributes_parent));
    c->attributes->ContextSizeOverride = step_u32(s, GPUP_InterruptAttributes_override);
    c->attributes->ContextTypeInfo = type ? &o->type : NULL;
    framework_cleanup(c->attributes, step_u32(s, GPUP_InterruptAttributes_callbacks));
}

/* --- the call */

static NTSTATUS DDI_CALL prepare(struct create *c) {
    fill_config(c);
    fill_attributes(c);
    *c->out = UNTOUCHED;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL call(struct create *c) {
    KIRQL before = PASSIVE_LEVEL;
    void *device = c->flags & 8    ? (void *)NO_HANDLE // NOLINT(performance-no-int-to-ptr)
                   : c->flags & 16 ? (void *)c->device->spin_lock
                                   : (void *)c->device->handle;
    if (c->irql)
        KeRaiseIrql(DISPATCH_LEVEL, &before);
    NTSTATUS status =
        c->f->ops->interrupt_create(device, c->flags & 2 ? NULL : c->config,
                                    c->flags & 1 ? c->attributes : NULL, c->flags & 4 ? NULL : c->out);
    if (c->irql)
        KeLowerIrql(before);
    for (unsigned list = 0; list < 2; list++)
        if (c->changed[list])
            c->changed[list]->Flags ^= FLAG_OF_NOBODY;
    return status;
}

/* What a driver does with a new object: looks at its context, and asks for its number. */
static NTSTATUS DDI_CALL look(struct create *c) {
    struct framework_object *o = c->object;
    WDF_INTERRUPT_INFO_INIT(&c->info);
    c->f->ops->get_info(o->handle, &c->info);
    if (!(c->flags & 1) || !c->attributes->ContextTypeInfo || !o->context_size)
        return STATUS_SUCCESS;
    o->context = c->f->ops->get_context(o->handle, &o->type);
    c->zeroed = o->context != NULL;
    for (uint32_t i = 0; o->context && i < o->context_size; i++) {
        c->zeroed = c->zeroed && !o->context[i];
        o->context[i] = (uint8_t)(o - c->f->object + 1);
    }
    framework_act(c->f, o->device, (unsigned)(o - c->f->object) + 1, GPUP_ACT_CONTEXT, 0, c->zeroed);
    return STATUS_SUCCESS;
}

static void emit_call(const struct create *c, const struct gpup_step *s) {
    struct host *h = c->f->host;
    struct gpup_event e = world_event(h, GPUP_EVENT_CALL);
    uint64_t *a = &e.f[GPUP_CALL_a0];
    h->call = ++h->world->calls;
    e.f[GPUP_CALL_ddi] = GPUP_DDI_WdfInterruptCreate;
    e.f[GPUP_CALL_class] = h->world->class;
    a[GPUP_ARG_WdfInterruptCreate_Device] = c->flags & 24 ? UINT64_MAX : (uint64_t)(c->device - c->f->device);
    a[GPUP_ARG_WdfInterruptCreate_Configuration] = !(c->flags & 2);
    a[GPUP_ARG_WdfInterruptCreate_Attributes] = c->flags & 1;
    a[GPUP_ARG_WdfInterruptCreate_Interrupt] = !(c->flags & 4);
    a[GPUP_ARG_WdfInterruptCreate_Irql] = c->irql ? DISPATCH_LEVEL : PASSIVE_LEVEL;
    a[GPUP_ARG_WdfInterruptCreate_FailedAllocation] = step_number(s, GPUP_WdfInterruptCreate_fail);
    world_emit(h, &e);
}

static void emit_return(const struct create *c, unsigned object) {
    struct host *h = c->f->host;
    struct gpup_event e = world_event(h, GPUP_EVENT_RETURN);
    e.f[GPUP_RETURN_ddi] = GPUP_DDI_WdfInterruptCreate;
    e.f[GPUP_RETURN_status] = (uint32_t)c->status;
    e.f[GPUP_RETURN_handle] = object;
    e.f[GPUP_RETURN_r0 + GPUP_RES_WdfInterruptCreate_Interrupt] = *c->out != UNTOUCHED;
    world_emit(h, &e);
    h->call = 0;
}

/* Remembers what the callbacks need to know. */
static unsigned keep(struct create *c) {
    struct framework_object *o = c->object;
    const struct gpup_step *s = &c->f->config;
    const WDF_OBJECT_ATTRIBUTES *a = c->attributes;
    bool full = step_u32(s, GPUP_InterruptConfig_size) > offsetof(WDF_INTERRUPT_CONFIG, EvtInterruptWorkItem);
    if (!NT_SUCCESS(c->status) || !*c->out || *c->out == UNTOUCHED)
        return 0;
    o->handle = *c->out;
    o->gone = false;
    o->prepared = c->device->state == GPUP_KMDF_PREPARE_HARDWARE;
    o->device = (uint8_t)(c->device - c->f->device);
    o->callbacks = (uint8_t)(step_u32(s, GPUP_InterruptConfig_callbacks) & (full ? 31 : 27));
    o->named_wait_lock = full && step_number(s, GPUP_InterruptConfig_wait_lock) == 1;
    o->context = NULL;
    o->context_size = !(c->flags & 1) || !a->ContextTypeInfo ? 0
                      : a->ContextSizeOverride               ? (uint32_t)a->ContextSizeOverride
                                                             : (uint32_t)a->ContextTypeInfo->ContextSize;
    c->f->objects++;
    return c->f->objects;
}

static void create_one(struct create *c, const struct gpup_step *s, bool last) {
    struct framework *f = c->f;
    uint64_t self = (uintptr_t)c, status = 0;
    c->object = &f->object[f->objects];
    c->changed[0] = c->changed[1] = NULL;
    if (!framework_call(f, (void *)prepare, &self, 1, NULL))
        return;
    emit_call(c, s);
    f->creating = true;
    if (step_number(s, GPUP_WdfInterruptCreate_fail))
        gpup_os_fail_allocation(f->os, step_u32(s, GPUP_WdfInterruptCreate_fail), 1);
    bool returned = framework_call(f, (void *)call, &self, 1, &status);
    gpup_os_fail_allocation(f->os, 0, 0);
    f->creating = false;
    if (!returned) {
        f->host->call = 0;
        return;
    }
    c->status = (NTSTATUS)(uint32_t)status;
    unsigned object = keep(c);
    emit_return(c, object);
    f->looking = object ? c->object : NULL;
    bool looked = object && last && framework_call(f, (void *)look, &self, 1, NULL);
    f->looking = NULL;
    if (looked) {
        struct gpup_event e = world_event(f->host, GPUP_EVENT_INTERRUPT_ACT);
        e.f[GPUP_INTERRUPT_ACT_device] = c->object->device;
        e.f[GPUP_INTERRUPT_ACT_object] = object;
        e.f[GPUP_INTERRUPT_ACT_what] = GPUP_ACT_INFO;
        e.f[GPUP_INTERRUPT_ACT_message] = c->info.MessageNumber;
        e.f[GPUP_INTERRUPT_ACT_value] = c->info.Vector;
        world_emit(f->host, &e);
    }
}

/* An older structure really ends where its size says. */
static uint32_t memory_for(uint32_t size) {
    bool older = size == offsetof(WDF_INTERRUPT_CONFIG, EvtInterruptWorkItem) ||
                 size == offsetof(WDF_INTERRUPT_CONFIG, CanWakeDevice);
    return older ? size : sizeof(WDF_INTERRUPT_CONFIG);
}

void do_WdfInterruptCreate(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    struct framework_device *d =
        f ? framework_device(f, step_number(s, GPUP_WdfInterruptCreate_device)) : NULL;
    uint64_t count = step_number(s, GPUP_WdfInterruptCreate_count), object;
    count = count < FRAMEWORK_OBJECTS ? count : FRAMEWORK_OBJECTS; /* refusals make none */
    if (!d)
        return;
    struct create c = {.f = f,
                       .device = d,
                       .flags = step_u32(s, GPUP_WdfInterruptCreate_flags),
                       .irql = step_u32(s, GPUP_WdfInterruptCreate_irql),
                       .size = memory_for(step_u32(&f->config, GPUP_InterruptConfig_size))};
    c.config = gpup_os_buffer(f->os, c.size, 0, &object);
    c.attributes = gpup_os_buffer(f->os, sizeof *c.attributes, 0, &object);
    c.out = gpup_os_buffer(f->os, sizeof(WDFINTERRUPT), 0, &object);
    h->world->broken = h->world->broken || !c.config || !c.attributes || !c.out;
    for (uint64_t i = 0; i < count && !f->stopped && !h->world->broken && f->objects < FRAMEWORK_OBJECTS; i++)
        create_one(&c, s, i + 1 == count || count <= 16);
    if (f->stopped || h->world->broken)
        return; /* with that host its memory is gone */
    gpup_os_buffer_free(f->os, c.config);
    gpup_os_buffer_free(f->os, c.attributes);
    gpup_os_buffer_free(f->os, c.out);
}

/* --- objects */

struct ask {
    struct framework *f;
    struct framework_device *device;
    struct framework_object *object;
    uint32_t what;
    WDF_INTERRUPT_INFO info;
};

static NTSTATUS DDI_CALL ask(struct ask *a) {
    const struct gpup_framework_ops *ops = a->f->ops;
    switch (a->what) {
    case 0:
        WDF_INTERRUPT_INFO_INIT(&a->info);
        ops->get_info(a->object->handle, &a->info);
        break;
    case 1:
        ops->synchronize(a->object->handle, framework_synchronized, NULL);
        break;
    case 2:
        ops->object_delete(a->object->handle);
        break;
    default:
        ops->object_delete(a->device->queue);
    }
    return STATUS_SUCCESS;
}

static void emit_asked(const struct ask *a, unsigned what) {
    struct gpup_event e = world_event(a->f->host, GPUP_EVENT_INTERRUPT_ACT);
    e.f[GPUP_INTERRUPT_ACT_device] = (uint64_t)(a->device - a->f->device);
    e.f[GPUP_INTERRUPT_ACT_object] = a->what < 3 ? (uint64_t)(a->object - a->f->object) + 1 : 0;
    e.f[GPUP_INTERRUPT_ACT_what] = what;
    e.f[GPUP_INTERRUPT_ACT_message] = a->info.MessageNumber;
    e.f[GPUP_INTERRUPT_ACT_value] = a->info.Vector;
    world_emit(a->f->host, &e);
}

void do_InterruptAct(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    struct framework_device *d = f ? framework_device(f, step_number(s, GPUP_InterruptAct_device)) : NULL;
    uint64_t object = step_number(s, GPUP_InterruptAct_object);
    struct ask a = {.f = f, .device = d, .what = step_u32(s, GPUP_InterruptAct_what) % 4};
    if (!d)
        return;
    if (a.what < 3 && (object < 1 || object > f->objects || f->object[object - 1].gone)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "there is no such object");
        return;
    }
    if (a.what == 3 && (d->queue_deleted || d->state == GPUP_KMDF_REMOVED)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the queue was deleted before");
        return;
    }
    d->queue_deleted = d->queue_deleted || a.what == 3;
    a.object = &f->object[a.what < 3 ? object - 1 : 0];
    if (a.what == 2) { /* what follows from it comes after */
        a.object->gone = true;
        emit_asked(&a, GPUP_ACT_DELETE);
    }
    if (!framework_call(f, (void *)ask, (uint64_t[]){(uintptr_t)&a}, 1, NULL))
        return;
    if (a.what == 0)
        emit_asked(&a, GPUP_ACT_INFO);
    if (a.what == 3)
        emit_asked(&a, GPUP_ACT_DELETE_QUEUE);
}
