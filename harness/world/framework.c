/* Steps that make devices of a framework, move them and let them signal; and the host they are on. */
#include "framework.h"

#include <string.h>

#define SETTLE_NS 1000000u
#define INIT_FILL 0xA5

/* --- the host of the framework */

/* What a framework does inside is its own affair; only what the driver's side sees is evidence. A create may
 * end in a bug check: that is an answer. Anywhere else it is the end of the host, as for any driver. */
static void emit(void *context, struct gpup_event *e) {
    struct framework *f = context;
    bool death = e->kind == GPUP_EVENT_BUGCHECK || e->kind == GPUP_EVENT_FAULT;
    if (e->kind == GPUP_EVENT_FAULT && f->looking) {
        memset(e->f, 0, sizeof e->f); /* the context is not as long as it must be */
        e->kind = GPUP_EVENT_INTERRUPT_ACT;
        e->f[GPUP_INTERRUPT_ACT_device] = f->looking->device;
        e->f[GPUP_INTERRUPT_ACT_object] = (uint64_t)(f->looking - f->object) + 1;
        e->f[GPUP_INTERRUPT_ACT_what] = GPUP_ACT_CONTEXT;
        world_emit(f->host, e);
        memset(e->f, 0, sizeof e->f);
        e->kind = GPUP_EVENT_FRAMEWORK_STOP;
    } else if (death && f->creating) {
        uint64_t code = e->kind == GPUP_EVENT_BUGCHECK ? e->f[GPUP_BUGCHECK_code] : 0;
        e->kind = GPUP_EVENT_FRAMEWORK_STOP;
        memset(e->f, 0, sizeof e->f);
        e->f[GPUP_FRAMEWORK_STOP_code] = code;
    } else if (death || e->kind == GPUP_EVENT_HANG) {
        gpup_os_kill(f->host->os);
    } else if (e->kind != GPUP_EVENT_INTERRUPT_ACT) {
        return;
    }
    world_emit(f->host, e);
}

static bool boot(struct framework *f) {
    const struct gpup_world *w = f->host->world;
    struct gpup_os_config config = {.arena = w->arena,
                                    .emitter = {emit, f},
                                    .seed = w->config.seed,
                                    .host = f->host->index,
                                    .fill = w->config.fill & 1 ? 0x9D : 0xB7,
                                    .preempt = w->config.preempt ? 64 : 0,
                                    .page_guards = w->page_guards};
    f->os = gpup_os_new(&config);
    if (!f->os)
        return false;
    f->stopped = false;
    memset(f->device, 0, sizeof f->device);
    f->objects = 0;
    gpup_step_defaults(&f->config, GPUP_OP_InterruptConfig);
    gpup_step_defaults(&f->attributes, GPUP_OP_InterruptAttributes);
    return !f->ops->boot || framework_call(f, (void *)(uintptr_t)f->ops->boot, NULL, 0, NULL);
}

struct framework *framework_of(struct host *h) {
    const struct gpup_implementation *i = h->world->implementation;
    if (!i->framework && !i->framework_driver) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "the implementation neither is nor uses a framework");
        return NULL;
    }
    if (!h->framework) {
        h->framework = gpup_arena_alloc(h->world->arena, sizeof *h->framework);
        if (h->framework) {
            h->framework->host = h;
            h->framework->stopped = true;
            h->framework->ops = i->framework ? i->framework : &gpup_kmdf_framework;
        }
    }
    if (!h->framework || (h->framework->stopped && !boot(h->framework))) {
        h->world->broken = true;
        return NULL;
    }
    return h->framework;
}

struct framework_device *framework_device(struct framework *f, uint64_t slot) {
    struct framework_device *d = &f->device[slot % FRAMEWORK_DEVICES];
    if (!d->made)
        world_skip(f->host, GPUP_SKIP_UNRESOLVED, "no device was made in that slot");
    return d->made ? d : NULL;
}

bool framework_call(struct framework *f, void *function, const uint64_t *args, unsigned count,
                    uint64_t *result) {
    struct gpup_os_call call = {.function = function, .count = count};
    if (count)
        memcpy(call.args, args, count * sizeof *args);
    world_make_current(f->host);
    struct framework *before = framework_set_current(f);
    f->stopped = gpup_os_call(f->os, &call) != GPUP_RAN_RETURNED;
    framework_set_current(before);
    if (result)
        *result = call.result;
    return !f->stopped;
}

/* --- devices */

/* Everything a device needs, made on the framework's host. */
struct making {
    struct framework *f;
    struct framework_device *device;
    struct gpup_kmdf_config config;
    uint8_t init[sizeof(WDF_INTERRUPT_CONFIG)];
};

static VOID DDI_CALL mark_callback(WDFINTERRUPT interrupt, WDFOBJECT object) {
    (void)interrupt;
    (void)object;
}

static BOOLEAN DDI_CALL mark_isr(WDFINTERRUPT interrupt, ULONG message) {
    (void)interrupt;
    (void)message;
    return FALSE;
}

/* The structure as the INIT function leaves it, the two pointers as numbers. */
static void initialise(struct making *m) {
    WDF_INTERRUPT_CONFIG config;
    memset(&config, INIT_FILL, sizeof config);
    if (m->f->ops->config_init)
        m->f->ops->config_init(&config, mark_isr, mark_callback);
    else
        WDF_INTERRUPT_CONFIG_INIT(&config, mark_isr, mark_callback);
    uintptr_t isr = config.EvtInterruptIsr == mark_isr ? 1 : 0,
              dpc = config.EvtInterruptDpc == mark_callback ? 2 : 0;
    memcpy(&config.EvtInterruptIsr, &isr, sizeof isr);
    memcpy(&config.EvtInterruptDpc, &dpc, sizeof dpc);
    memcpy(m->init, &config, sizeof config);
}

static NTSTATUS DDI_CALL make(struct making *m) {
    const struct gpup_framework_ops *ops = m->f->ops;
    struct framework_device *d = m->device;
    WDF_OBJECT_ATTRIBUTES attributes;
    initialise(m);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    framework_queue_cleanup(&attributes);
    d->handle = ops->create_device(&m->config);
    if (!d->handle)
        return STATUS_INSUFFICIENT_RESOURCES;
    d->queue = ops->create_object(d->handle, TRUE, &attributes);
    d->other = ops->create_object(d->handle, FALSE, NULL);
    NTSTATUS status = ops->spin_lock_create(NULL, &d->spin_lock);
    if (NT_SUCCESS(status))
        status = ops->wait_lock_create(NULL, &d->wait_lock);
    return d->queue && d->other ? status : STATUS_INSUFFICIENT_RESOURCES;
}

static struct gpup_kmdf_config config_of(const struct gpup_step *s) {
    uint32_t flags = step_u32(s, GPUP_FrameworkDevice_flags);
    uint64_t messages = step_number(s, GPUP_FrameworkDevice_messages);
    return (struct gpup_kmdf_config){.level = (WDF_EXECUTION_LEVEL)step_u32(s, GPUP_FrameworkDevice_level),
                                     .scope =
                                         (WDF_SYNCHRONIZATION_SCOPE)step_u32(s, GPUP_FrameworkDevice_scope),
                                     .messages = messages > 2048 ? 2048 : (uint32_t)messages,
                                     .wake_hint = flags & 1,
                                     .no_power_policy = flags & 2,
                                     .pdo = flags & 4,
                                     .control_device = flags & 8,
                                     .before_windows8 = flags & 16,
                                     .verifier = flags & 32,
                                     .callbacks = framework_power_callbacks};
}

static bool is_sane(const struct gpup_kmdf_config *config) {
    return (config->level == WdfExecutionLevelPassive || config->level == WdfExecutionLevelDispatch) &&
           config->scope >= WdfSynchronizationScopeDevice && config->scope <= WdfSynchronizationScopeNone;
}

void do_FrameworkDevice(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    struct framework_device *d =
        f ? &f->device[step_number(s, GPUP_FrameworkDevice_device) % FRAMEWORK_DEVICES] : NULL;
    struct making m = {.f = f, .device = d, .config = config_of(s)};
    uint64_t status = 0;
    if (!f)
        return;
    if (d->made || !is_sane(&m.config)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the slot is taken, or no driver can ask for such a device");
        return;
    }
    d->made = framework_call(f, (void *)make, (uint64_t[]){(uintptr_t)&m}, 1, &status) &&
              NT_SUCCESS((NTSTATUS)(uint32_t)status);
    if (!d->made)
        return;
    struct gpup_event e = world_event(h, GPUP_EVENT_INTERRUPT_ACT);
    e.f[GPUP_INTERRUPT_ACT_device] = (uint64_t)(d - f->device);
    e.f[GPUP_INTERRUPT_ACT_what] = GPUP_ACT_INITIALISED;
    e.data = m.init;
    e.data_size = sizeof m.init;
    world_emit(h, &e);
    e = world_event(h, GPUP_EVENT_FRAMEWORK_DEVICE);
    e.f[GPUP_FRAMEWORK_DEVICE_device] = (uint64_t)(d - f->device);
    e.f[GPUP_FRAMEWORK_DEVICE_level] = m.config.level;
    e.f[GPUP_FRAMEWORK_DEVICE_scope] = m.config.scope;
    e.f[GPUP_FRAMEWORK_DEVICE_messages] = m.config.messages;
    e.f[GPUP_FRAMEWORK_DEVICE_flags] = step_number(s, GPUP_FrameworkDevice_flags);
    world_emit(h, &e);
}

static void settle(struct framework *f) {
    struct framework *before = framework_set_current(f);
    world_make_current(f->host);
    f->stopped = f->stopped || gpup_os_advance(f->os, SETTLE_NS) != GPUP_RAN_RETURNED;
    framework_set_current(before);
}

/* As the PnP manager moves a device; what else a program says is left out. */
static bool is_legal(unsigned from, uint64_t to) {
    static const uint8_t next[] = {
        [GPUP_KMDF_DEVICE_ADD] = 1u << GPUP_KMDF_PREPARE_HARDWARE | 1u << GPUP_KMDF_REMOVED,
        [GPUP_KMDF_PREPARE_HARDWARE] = 1u << GPUP_KMDF_D0 | 1u << GPUP_KMDF_RELEASED,
        [GPUP_KMDF_D0] = 1u << GPUP_KMDF_LOW_POWER,
        [GPUP_KMDF_LOW_POWER] = 1u << GPUP_KMDF_D0 | 1u << GPUP_KMDF_RELEASED,
        [GPUP_KMDF_RELEASED] = 1u << GPUP_KMDF_PREPARE_HARDWARE | 1u << GPUP_KMDF_REMOVED,
        [GPUP_KMDF_REMOVED] = 0};
    return to <= GPUP_KMDF_REMOVED && next[from] & 1u << to;
}

/* Objects whose handles mean nothing from here on. */
static void forget(struct framework *f, const struct framework_device *d, uint64_t state) {
    for (uint32_t i = 0; i < f->objects; i++) {
        struct framework_object *o = &f->object[i];
        bool goes = state == GPUP_KMDF_REMOVED || (state == GPUP_KMDF_RELEASED && o->prepared);
        o->gone = o->gone || (goes && &f->device[o->device] == d);
    }
}

static void emit_move(struct host *h, const struct gpup_step *s, bool end, uint64_t status) {
    struct gpup_event e = world_event(h, GPUP_EVENT_FRAMEWORK_MOVE);
    e.f[GPUP_FRAMEWORK_MOVE_device] = step_number(s, GPUP_FrameworkMove_device) % FRAMEWORK_DEVICES;
    e.f[GPUP_FRAMEWORK_MOVE_state] = step_number(s, GPUP_FrameworkMove_state);
    e.f[GPUP_FRAMEWORK_MOVE_end] = end;
    e.f[GPUP_FRAMEWORK_MOVE_status] = (uint32_t)status;
    e.f[GPUP_FRAMEWORK_MOVE_fail] = step_number(s, GPUP_FrameworkMove_fail);
    world_emit(h, &e);
}

void do_FrameworkMove(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    struct framework_device *d = f ? framework_device(f, step_number(s, GPUP_FrameworkMove_device)) : NULL;
    uint64_t status = 0, state = step_number(s, GPUP_FrameworkMove_state);
    if (d && !is_legal(d->state, state)) {
        world_skip(h, GPUP_SKIP_ILLEGAL, "the device does not go from its state to that one");
        return;
    }
    if (!d)
        return;
    d->fail_d0_entry = step_number(s, GPUP_FrameworkMove_fail);
    emit_move(h, s, false, 0);
    if (!framework_call(f, (void *)(uintptr_t)f->ops->move, (uint64_t[]){(uintptr_t)d->handle, state}, 2,
                        &status))
        return;
    settle(f);
    if (state != GPUP_KMDF_D0 || !d->fail_d0_entry)
        d->state = (uint8_t)state;
    d->fail_d0_entry = false;
    forget(f, d, state);
    emit_move(h, s, true, status);
}

/* --- signals */

struct signals {
    struct framework *f;
    WDFDEVICE device;
    uint32_t message, count;
};

static VOID DDI_CALL signal_all(const struct signals *s) {
    for (uint32_t i = 0; i < s->count; i++)
        s->f->ops->signal(s->device, s->message + i);
}

void do_InterruptSignal(struct host *h, const struct gpup_step *s) {
    struct framework *f = framework_of(h);
    struct framework_device *d = f ? framework_device(f, step_number(s, GPUP_InterruptSignal_device)) : NULL;
    struct gpup_event e = world_event(h, GPUP_EVENT_FRAMEWORK_SIGNAL);
    uint32_t count = step_u32(s, GPUP_InterruptSignal_count) % 16;
    if (!d || d->state == GPUP_KMDF_REMOVED || !count)
        return;
    struct signals signals = {f, d->handle, step_u32(s, GPUP_InterruptSignal_message), count};
    e.f[GPUP_FRAMEWORK_SIGNAL_device] = (uint64_t)(d - f->device);
    e.f[GPUP_FRAMEWORK_SIGNAL_message] = signals.message;
    e.f[GPUP_FRAMEWORK_SIGNAL_count] = signals.count;
    world_emit(h, &e);
    if (!framework_call(f, (void *)signal_all, (uint64_t[]){(uintptr_t)&signals}, 1, NULL))
        return;
    settle(f);
    e.f[GPUP_FRAMEWORK_SIGNAL_end] = 1;
    world_emit(h, &e);
}
