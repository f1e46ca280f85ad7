#include "filter.h"

#define RECORDED 3

static uint32_t of_device(unsigned kind) {
    switch (kind) {
    case GPUP_EVENT_SEGMENT:
    case GPUP_EVENT_SHAPE:
    case GPUP_EVENT_ADDRESSES:
    case GPUP_EVENT_MMIO:
        return GPUP_OBSERVER_device;
    case GPUP_EVENT_TABLE:
    case GPUP_EVENT_OBS_MSIX:
    case GPUP_EVENT_OBS_MSIX_CONTROL:
        return GPUP_OBSERVER_msix_table;
    case GPUP_EVENT_RAISE:
    case GPUP_EVENT_MESSAGE:
        return GPUP_OBSERVER_msix_messages;
    case GPUP_EVENT_OBS_SCHEDULE:
        return GPUP_OBSERVER_schedule;
    case GPUP_EVENT_OBS_VRAM:
        return GPUP_OBSERVER_vram;
    case GPUP_EVENT_OBS_DIRTY:
        return GPUP_OBSERVER_dirty_bits;
    case GPUP_EVENT_OBS_GUEST:
        return GPUP_OBSERVER_guest_state;
    case GPUP_EVENT_CONFIG:
    case GPUP_EVENT_OBS_CONFIG:
        return GPUP_OBSERVER_config;
    default:
        return 0;
    }
}

static uint32_t of_world(unsigned kind) {
    switch (kind) {
    case GPUP_EVENT_POISON:
    case GPUP_EVENT_ALLOC:
    case GPUP_EVENT_FREE:
    case GPUP_EVENT_POOL_DAMAGE:
    case GPUP_EVENT_LEFT:
    case GPUP_EVENT_OBS_POOL:
        return GPUP_OBSERVER_pool;
    case GPUP_EVENT_COOKIE:
    case GPUP_EVENT_GUEST_WRITE:
    case GPUP_EVENT_GUEST_READ:
    case GPUP_EVENT_GUEST_WORK:
    case GPUP_EVENT_PAGING:
    case GPUP_EVENT_LANDED:
        return GPUP_OBSERVER_guest;
    case GPUP_EVENT_STEP:
    case GPUP_EVENT_SKIP:
    case GPUP_EVENT_WAIT:
    case GPUP_EVENT_TWIN:
    case GPUP_EVENT_CHANGING:
    case GPUP_EVENT_CHANGED:
    case GPUP_EVENT_TOGETHER:
        return GPUP_OBSERVER_program;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
    case GPUP_EVENT_MISUSE:
        return GPUP_OBSERVER_faults;
    case GPUP_EVENT_CHANNEL:
        return GPUP_OBSERVER_vmbus;
    case GPUP_EVENT_CALLBACK:
        return GPUP_OBSERVER_callbacks;
    default:
        return kind >= GPUP_EVENT_FRAMEWORK_DEVICE && kind <= GPUP_EVENT_INTERRUPT_USE
                   ? GPUP_OBSERVER_interrupts
                   : 0;
    }
}

uint32_t filter_observer(const struct gpup_event *e) {
    if (e->kind == GPUP_EVENT_DAMAGE) /* inputs are compared; guards are only around buffers of a world */
        return e->f[GPUP_DAMAGE_what] == GPUP_DAMAGE_CONST ? 0 : GPUP_OBSERVER_faults;
    return of_device(e->kind) | of_world(e->kind);
}

bool filter_keep(struct gpup_event *e, uint32_t observers) {
    if (e->kind == GPUP_EVENT_IMPLEMENTATION) {
        e->f[GPUP_IMPLEMENTATION_form] = RECORDED;
        if (!(observers & GPUP_OBSERVER_interrupts))
            e->f[GPUP_IMPLEMENTATION_framework] = 0;
    }
    if (e->kind == GPUP_EVENT_ADAPTER) {
        e->f[GPUP_ADAPTER_observers] = observers;
        if (!(observers & GPUP_OBSERVER_device))
            e->f[GPUP_ADAPTER_vfs] = e->f[GPUP_ADAPTER_segments] = e->f[GPUP_ADAPTER_bus] = 0;
    }
    return !(filter_observer(e) & ~observers);
}
