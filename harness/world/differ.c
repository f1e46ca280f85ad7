/* A host whose driver holds the data of the other hosts incompatible. */
#include "internal.h"

static bool can_differ(const struct gpup_implementation *i) {
    return i->size >= offsetof(struct gpup_implementation, differ) + sizeof i->differ && i->differ;
}

/* The image is as new: what its driver declared, it is told again. */
void host_differ_again(struct host *h) {
    for (uint32_t what = GPUP_DIFFERS_DRIVER; what <= GPUP_DIFFERS_HARDWARE; what++)
        if (h->differs >> what & 1)
            (void)h->world->implementation->differ(what);
}

void do_ChangeDriver(struct host *h, const struct gpup_step *s) {
    const struct gpup_implementation *i = h->world->implementation;
    uint32_t what = step_u32(s, GPUP_ChangeDriver_what);
    struct gpup_event e = world_event(h, GPUP_EVENT_IMPLEMENTATION);
    if (!can_differ(i) || what < GPUP_DIFFERS_DRIVER || what > GPUP_DIFFERS_HARDWARE) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "the implementation declares no such incompatibility");
        return;
    }
    if (h->world->config.one_system) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "the other adapter has the same loaded driver");
        return;
    }
    if (i->driver_entry)
        host_stop_device(h);
    if (i->driver_entry && h->started)
        return; /* it was left out, or failed */
    world_make_current(h);
    if (!i->differ(what)) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "the implementation declares no such incompatibility");
    } else {
        h->differs |= 1u << what;
        e.f[GPUP_IMPLEMENTATION_form] = i->driver_entry ? 1 : 2;
        e.f[GPUP_IMPLEMENTATION_version] = i->version;
        e.f[GPUP_IMPLEMENTATION_varies] = i->varies;
        e.f[GPUP_IMPLEMENTATION_framework] = (i->framework ? 1u : 0) | (i->framework_driver ? 2u : 0);
        e.f[GPUP_IMPLEMENTATION_differs] = h->differs;
        world_emit(h, &e);
    }
    if (i->driver_entry)
        host_start_device(h, 0);
}
