/* The implementation's own function driver on the suite's framework: its use of interrupt objects is judged.
 */
#include "framework.h"

#define SETTLE_NS 1000000u

struct driver {
    struct host *h;
    const struct gpup_framework_driver *driver;
    WDFDEVICE device;
    uint32_t messages;
};

static bool run(struct host *h, void *function, const uint64_t *args, unsigned count) {
    struct gpup_os_call call = {.function = function, .count = count};
    for (unsigned i = 0; i < count; i++)
        call.args[i] = args[i];
    world_make_current(h);
    if (function && !host_dead(h))
        gpup_os_call(h->os, &call);
    return !host_dead(h) && NT_SUCCESS((NTSTATUS)(uint32_t)call.result);
}

static bool move(struct driver *d, enum gpup_kmdf_state to) {
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    world_make_current(d->h);
    return !host_dead(d->h) && gpup_kmdf_move(d->h->os, d->device, to, &status) && NT_SUCCESS(status);
}

static uint64_t list(const struct driver *d, bool translated) {
    return (uintptr_t)gpup_kmdf_resources(d->h->os, d->device, translated);
}

static bool prepare(struct driver *d) {
    return run(d->h, (void *)(uintptr_t)d->driver->prepare_hardware,
               (uint64_t[]){(uintptr_t)d->device, list(d, false), list(d, true)}, 3);
}

static void work(struct driver *d) {
    if (!move(d, GPUP_KMDF_D0))
        return;
    for (uint32_t i = 0; i < d->messages && i < 16 && !host_dead(d->h); i++)
        gpup_kmdf_fire(d->h->os, d->device, i);
    if (!host_dead(d->h))
        gpup_os_advance(d->h->os, SETTLE_NS);
    move(d, GPUP_KMDF_LOW_POWER);
}

static void release(struct driver *d) {
    run(d->h, (void *)(uintptr_t)d->driver->release_hardware,
        (uint64_t[]){(uintptr_t)d->device, list(d, true)}, 2);
    move(d, GPUP_KMDF_RELEASED);
}

/* From resources to no resources: a driver that was asked to prepare is told to release, also when it failed.
 */
static bool serve(struct driver *d) {
    if (!move(d, GPUP_KMDF_PREPARE_HARDWARE))
        return false;
    bool prepared = prepare(d);
    if (prepared)
        work(d);
    release(d);
    return prepared;
}

static WDFDEVICE device_for(struct host *h, uint32_t messages, bool miniport) {
    struct gpup_kmdf_config config = {.level = WdfExecutionLevelDispatch,
                                      .scope = WdfSynchronizationScopeNone,
                                      .messages = messages,
                                      .miniport = miniport};
    return gpup_kmdf_device(h->os, &config);
}

void do_FrameworkDriver(struct host *h, const struct gpup_step *s) {
    const struct gpup_framework_driver *driver = h->world->implementation->framework_driver;
    uint64_t messages = step_number(s, GPUP_FrameworkDriver_messages);
    struct driver d = {.h = h, .driver = driver, .messages = messages > 64 ? 64 : (uint32_t)messages};
    if (!driver) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "the implementation has no function driver");
        return;
    }
    d.device = device_for(h, d.messages, false);
    if (!d.device)
        return;
    bool added = run(h, (void *)(uintptr_t)driver->device_add, (uint64_t[]){(uintptr_t)d.device}, 1);
    for (unsigned round = 0; added && round < 2 && serve(&d); round++)
        ; /* the second time after a rebalance */
    move(&d, GPUP_KMDF_REMOVED);
    if (!added)
        return;
    WDFDEVICE miniport = driver->miniport ? device_for(h, d.messages, true) : NULL;
    NTSTATUS status;
    if (miniport &&
        (run(h, (void *)(uintptr_t)driver->miniport, (uint64_t[]){(uintptr_t)miniport}, 1) || !host_dead(h)))
        gpup_kmdf_move(h->os, miniport, GPUP_KMDF_REMOVED, &status);
    world_observe(h);
}
