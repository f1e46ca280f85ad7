/* A host: making one, the current one, events, and the entry of every service. */
#include "callers.h"
#include "fiber.h"

static _Thread_local struct gpup_os *current;

struct gpup_os *gpup_os_current(void) {
    return current;
}

struct gpup_os *gpup_os_make_current(struct gpup_os *os) {
    struct gpup_os *before = current;

    current = os;
    return before;
}

static bool new_machine(struct gpup_os *os) {
    const struct gpup_os_config *config = &os->config;
    struct gpup_machine *machine = gpup_os_alloc(os, sizeof *machine);

    os->machine = machine;
    if (!machine)
        return false;
    machine->host = config->host;
    machine->preempt = config->preempt;
    machine->random = config->seed;
    machine->random =
        gpup_os_random(os) ^ config->host; /* neighbouring seeds must not give shifted streams */
    machine->dpcs = machine->first_dpcs;
    machine->dpc_room = GPUP_FIRST_DPCS;
    machine->next_object = 1;
    return gpup_pool_init(os);
}

static void join(struct gpup_machine *machine, struct gpup_os *os) {
    struct gpup_os **link = &machine->adapters;

    while (*link)
        link = &(*link)->next;
    *link = os;
}

struct gpup_os *gpup_os_new(const struct gpup_os_config *config) {
    struct gpup_os *os = gpup_arena_alloc(config->arena, sizeof *os);

    if (!os || !gpup_fault_install())
        return NULL;
    gpup_processor_reset();
    os->config = *config;
    if (config->system)
        os->machine = config->system->machine;
    else if (!new_machine(os))
        return NULL;
    join(os->machine, os);
    gpup_os_wire_dma(os);
    if ((gpup_dxgkrnl_init && !gpup_dxgkrnl_init(os)) || (gpup_vmbus_init && !gpup_vmbus_init(os)) ||
        (gpup_kmdf_init && !gpup_kmdf_init(os)))
        return NULL;
    return os;
}

uint64_t gpup_os_now(const struct gpup_os *os) {
    return os->machine->now;
}

bool gpup_os_dead(const struct gpup_os *os) {
    return os->machine->dead;
}

bool gpup_os_beyond(const struct gpup_os *os) {
    return os->machine->beyond;
}

void gpup_os_kill(struct gpup_os *os) {
    os->machine->dead = true;
}

void gpup_os_set_code(struct gpup_os *os, uintptr_t base, uintptr_t start, uintptr_t end) {
    os->code_base = base;
    os->code_start = start;
    os->code_end = end;
}

void gpup_os_set_unwinder(struct gpup_os *os, const struct gpup_unwinder *unwinder) {
    os->unwinder = unwinder ? *unwinder : (struct gpup_unwinder){0};
}

void gpup_os_set_device(struct gpup_os *os, const struct gpup_device_ops *device_ops, void *device) {
    os->config.device_ops = device_ops;
    os->config.device = device;
}

void *gpup_os_alloc(struct gpup_os *os, size_t size) {
    return gpup_arena_alloc(os->config.arena, size);
}

uint64_t gpup_os_object(struct gpup_os *os) {
    return os->machine->next_object++;
}

uint64_t gpup_os_random(struct gpup_os *os) {
    uint64_t x = (os->machine->random += 0x9E3779B97F4A7C15u);

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

KIRQL gpup_os_irql(const struct gpup_os *os) {
    return os->machine->running ? os->machine->running->irql : PASSIVE_LEVEL;
}

void gpup_os_set_irql(struct gpup_os *os, KIRQL irql) {
    if (os->machine->running)
        os->machine->running->irql = irql;
}

/* --- events */

static void hand_over(void *a, void *b) {
    struct gpup_os *os = a;

    os->config.emitter.emit(os->config.emitter.context, b);
}

void gpup_os_emit(struct gpup_os *os, struct gpup_event *event) {
    if (!os->config.emitter.emit)
        return;
    event->time_ns = os->machine->now;
    event->fiber = os->machine->running ? os->machine->running->id : os->machine->speaker;
    os->machine->in_emit = true; /* a fault from here on is the suite's own */
    if (os->machine->running)
        gpup_fiber_call_outside(os, hand_over, os, event);
    else
        hand_over(os, event);
    os->machine->in_emit = false;
}

void gpup_os_misuse(struct gpup_os *os, const char *service, unsigned what, uint64_t object) {
    struct gpup_event event = {
        .kind = GPUP_EVENT_MISUSE, .data = (const uint8_t *)service, .data_size = strlen(service)};

    event.f[GPUP_MISUSE_what] = what;
    event.f[GPUP_MISUSE_irql] = gpup_os_irql(os);
    event.f[GPUP_MISUSE_object] = object;
    gpup_callers_emit(os, &event, NULL, NULL);
}

void gpup_os_left(struct gpup_os *os, unsigned kind, uint64_t object, uint64_t size, uint64_t tag,
                  const struct gpup_callers *made) {
    struct gpup_event event = {.kind = GPUP_EVENT_LEFT};

    event.f[GPUP_LEFT_kind] = kind;
    event.f[GPUP_LEFT_object] = object;
    event.f[GPUP_LEFT_size] = size;
    event.f[GPUP_LEFT_tag] = tag;
    gpup_callers_emit(os, &event, made, NULL);
}

void gpup_os_report_left(struct gpup_os *os) {
    gpup_pool_left(os);
    gpup_thread_left(os);
    gpup_timer_left(os);
    gpup_work_left(os);
    gpup_mapping_left(os);
    for (uint32_t i = 0; i < os->machine->handle_count; i++)
        if (os->machine->handles[i].type && os->machine->handles[i].type != GPUP_HANDLE_VMBUS)
            gpup_os_left(os, GPUP_OBJECT_HANDLE, os->machine->handles[i].object, 0, 0,
                         &os->machine->handles[i].made);
    for (struct gpup_os *adapter = os->machine->adapters; adapter; adapter = adapter->next) {
        if (gpup_dxgkrnl_left)
            gpup_dxgkrnl_left(adapter);
        if (gpup_vmbus_left)
            gpup_vmbus_left(adapter);
    }
    if (gpup_kmdf_left)
        gpup_kmdf_left(os);
    if (gpup_etw_left)
        gpup_etw_left(os);
    if (gpup_wmi_left)
        gpup_wmi_left(os);
    if (gpup_named_event_left)
        gpup_named_event_left(os);
}

/* --- how a host dies */

static unsigned routine_of(const struct gpup_os *os) {
    return os->machine->running ? os->machine->running->routine : GPUP_ROUTINE_DDI;
}

_Noreturn void gpup_os_bugcheck(struct gpup_os *os, uint64_t code) {
    struct gpup_event event = {.kind = GPUP_EVENT_BUGCHECK};

    gpup_os_unwatch(os);
    event.f[GPUP_BUGCHECK_code] = code;
    event.f[GPUP_BUGCHECK_routine] = routine_of(os);
    gpup_callers_emit(os, &event, NULL, NULL);
    gpup_os_abandon(os);
}

VOID DDI_CALL gpup_os_unsupported(const char *name) {
    struct gpup_os *os = current;

    if (!os ||
        !os->machine->running) /* an image that calls it outside of a host, where nothing can be stopped */
        __builtin_trap();
    gpup_os_unwatch(os);
    gpup_os_misuse(os, name, GPUP_MISUSE_UNSUPPORTED, 0);
    os->machine->beyond = true;
    gpup_os_abandon(os);
}

void gpup_os_hang(struct gpup_os *os, unsigned cause, uint64_t count) {
    struct gpup_event event = {.kind = GPUP_EVENT_HANG};

    gpup_os_unwatch(os);
    event.f[GPUP_HANG_cause] = cause;
    event.f[GPUP_HANG_routine] = routine_of(os);
    event.f[GPUP_HANG_count] = count;
    gpup_callers_emit(os, &event, NULL, NULL);
    if (os->machine->running)
        gpup_os_abandon(os);
    os->machine->dead = true;
}

/* --- services */

struct gpup_os *gpup_os_service_from(const char *name, KIRQL min_irql, KIRQL max_irql) {
    struct gpup_os *os = current;

    if (!os || !os->machine->running)
        return os;
    if (os->machine->running->irql > max_irql || os->machine->running->irql < min_irql)
        gpup_os_misuse(os, name, GPUP_MISUSE_IRQL, 0);
    if (os->machine->preempt && (gpup_os_random(os) & 0xFF) < os->machine->preempt)
        gpup_os_yield(os, true);
    return os;
}

struct gpup_os *gpup_os_service(const char *name, KIRQL max_irql) {
    return gpup_os_service_from(name, PASSIVE_LEVEL, max_irql);
}
