/* SetVirtualGpuVmBus, and what guest and host do with the channels. */
#include "internal.h"

#include <string.h>

#define PACKET_MAX 0x4000u
#define PACKETS_MAX 64u

/* Numbers 2 and up, and the symbols but none and foreign, are no handles of the OS's making. */
static bool is_handle(const struct gpup_value *which) {
    return which->symbol == GPUP_SYMBOL_FOREIGN || (which->symbol == GPUP_SYMBOL_NONE && which->number < 2);
}

/* A handle to the VM numbered vm; 0: the one that this vGPU has for itself. */
static HANDLE fresh(struct host *h, uint32_t vf, uint32_t vm) {
    return gpup_vmbus_vm_handle(h->os, vf, vm ? GPUP_MAX_VFS + vm : vf);
}

static HANDLE resolve(struct host *h, uint32_t vf, const struct gpup_value *which, uint32_t vm) {
    bool known = vf < GPUP_MAX_VFS;
    switch (which->symbol) {
    case GPUP_SYMBOL_NULL:
        return NULL;
    case GPUP_SYMBOL_INVALID:
        return (HANDLE)(intptr_t)-1;
    case GPUP_SYMBOL_STALE:
        return known ? h->vf[vf].vmbus_stale : NULL;
    case GPUP_SYMBOL_FOREIGN:
        return fresh(h, vf, vm + 1);
    default:
        break;
    }
    if (which->number >= 2)
        return (HANDLE)(uintptr_t)(which->number == 2 ? 4 : 0xFFFF808012345678u);
    return which->number == 0 && known && h->vf[vf].vmbus ? h->vf[vf].vmbus : fresh(h, vf, vm);
}

static void close_handle(struct host *h, struct vf *v, HANDLE handle) {
    gpup_vmbus_close_handle(h->os, handle);
    v->vmbus_stale = handle;
}

/* Only one handle of a vGPU is open at a time: the old one goes when the new one was taken. */
static void keep(struct host *h, uint32_t vf, HANDLE handle, bool taken, bool real) {
    struct vf *v = vf < GPUP_MAX_VFS ? &h->vf[vf] : NULL;
    if (!real || (v && handle == v->vmbus))
        return;
    if (!v) {
        gpup_vmbus_close_handle(h->os, handle);
    } else if (!taken) {
        close_handle(h, v, handle);
    } else {
        if (v->vmbus)
            close_handle(h, v, v->vmbus);
        v->vmbus = handle;
    }
}

void op_set_vmbus(struct host *h, uint32_t vf, const struct gpup_value *which, uint32_t vm) {
    struct ddi_call c;
    if (!(world_observers(h) & GPUP_OBSERVER_vmbus)) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "an implementation that came as tables is on no VMBus");
        return;
    }
    if (world_never(h, !is_handle(which), "the OS passes a real VMBus handle"))
        return;
    HANDLE handle = resolve(h, vf, which, vm);
    uint64_t a[] = {vf, (uint64_t)(uintptr_t)handle};
    if (!ddi_begin(&c, h, GPUP_DDI_SetVirtualGpuVmBus, a, 2, GPUP_SLOT_NONE)) {
        keep(h, vf, handle, false, is_handle(which));
        return;
    }
    DXGKARG_SETVIRTUALGPUVMBUS *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        *args = (DXGKARG_SETVIRTUALGPUVMBUS){vf, handle};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    keep(h, vf, handle, c.success, is_handle(which));
}

void do_SetVirtualGpuVmBus(struct host *h, const struct gpup_step *s) {
    op_set_vmbus(h, s->vf, &s->f[GPUP_SetVirtualGpuVmBus_handle], step_u32(s, GPUP_SetVirtualGpuVmBus_vm));
}

/* --- the other end */

/* Channel callbacks run in here. act: false, there was no such channel. */
static void at_channel(struct host *h, const struct gpup_step *s,
                       bool (*act)(struct gpup_os *os, HANDLE handle)) {
    HANDLE handle = s->vf < GPUP_MAX_VFS ? h->vf[s->vf].vmbus : NULL;
    if (!handle) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the vGPU has no VMBus handle");
        return;
    }
    world_make_current(h);
    if (!act(h->os, handle))
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the handle has no channel in that state");
    world_observe(h);
}

void do_GuestOpenChannel(struct host *h, const struct gpup_step *s) {
    at_channel(h, s, gpup_vmbus_guest_open);
}

void do_GuestCloseChannel(struct host *h, const struct gpup_step *s) {
    at_channel(h, s, gpup_vmbus_guest_close);
}

void do_SuspendChannel(struct host *h, const struct gpup_step *s) {
    at_channel(h, s, gpup_vmbus_suspend);
}

void do_StartChannel(struct host *h, const struct gpup_step *s) {
    at_channel(h, s, gpup_vmbus_start);
}

static void fill(uint8_t *bytes, size_t size, uint64_t seed, uint64_t head) {
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)gpup_trace_mix(seed + i);
    if (head)
        memcpy(bytes, &head, size < sizeof head ? size : sizeof head);
}

void do_GuestSendPacket(struct host *h, const struct gpup_step *s) {
    uint8_t bytes[PACKET_MAX];
    HANDLE handle = s->vf < GPUP_MAX_VFS ? h->vf[s->vf].vmbus : NULL;
    uint32_t size = step_size(s, GPUP_GuestSendPacket_size, 16);
    uint64_t count = world_count(h, &s->f[GPUP_GuestSendPacket_count], 1);
    bool any = false;
    size = size < PACKET_MAX ? size : PACKET_MAX;
    count = count < PACKETS_MAX ? count : PACKETS_MAX;
    world_make_current(h);
    for (uint64_t i = 0; handle && i < count && !host_dead(h); i++) {
        fill(bytes, size, step_number(s, GPUP_GuestSendPacket_seed) * 977 + i,
             step_number(s, GPUP_GuestSendPacket_head));
        any = gpup_vmbus_guest_send(h->os, handle, bytes, size) || any;
    }
    if (!any && !host_dead(h))
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the vGPU has no open channel");
    world_observe(h);
}

void do_FailVmbus(struct host *h, const struct gpup_step *s) {
    gpup_vmbus_fail_step(h->os, (uint32_t)world_count(h, &s->f[GPUP_FailVmbus_nth], 1));
}
