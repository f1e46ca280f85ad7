/* What Dxgkrnl and the VM worker do as a sequence: starting a VM, replaying a guest's interrupts. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define PCI_COMMAND 0x04u
#define PCI_CAPABILITIES 0x34u
#define PCI_CAP_MSIX 0x11u
#define MSIX_ENABLE 0x8000u
#define TRACKING_SLOT (WORLD_SLOTS - 1) /* of the basis that performant tracking uses */

/* Walks the capability list as a guest does; bounded, since the driver may answer anything. */
static uint32_t find_msix(struct host *h, uint32_t vf) {
    uint32_t at = 0, header = 0;
    if (!op_config(h, false, vf, PCI_CAPABILITIES, 4, &at))
        return 0;
    at &= 0xFC;
    for (unsigned i = 0; i < 48 && at >= 0x40; i++) {
        if (!op_config(h, false, vf, at, 4, &header))
            return 0;
        if ((header & 0xFF) == PCI_CAP_MSIX)
            return at;
        at = header >> 8 & 0xFC;
    }
    return 0;
}

static void set_cookie(struct host *h, uint32_t vf) {
    struct gpup_event e = world_event(h, GPUP_EVENT_COOKIE);
    uint64_t cookie =
        gpup_trace_mix(h->world->config.seed * 977 + (h->index * GPUP_MAX_VFS + vf) * 7919 + h->world->calls);
    h->vf[vf].cookie = cookie | 0x0101010101010101u; /* no zero byte: never mistaken for empty memory */
    e.f[GPUP_COOKIE_vf] = vf;
    e.f[GPUP_COOKIE_value] = h->vf[vf].cookie;
    world_emit(h, &e);
    world_reach_device(h);
    if (h->device_ops && h->device_ops->guest_set_register && h->device) {
        h->device_ops->guest_set_register(h->device, vf, 0, (uint32_t)h->vf[vf].cookie);
        h->device_ops->guest_set_register(h->device, vf, 1, (uint32_t)(h->vf[vf].cookie >> 32));
    }
    if (h->device_ops && h->device_ops->guest_write && h->device)
        h->device_ops->guest_write(h->device, vf, 0, &h->vf[vf].cookie, sizeof h->vf[vf].cookie);
}

static void enable_guest(struct host *h, uint32_t vf) {
    uint32_t value = 0x0406; /* memory space, bus master, no INTx */
    struct vf *v = &h->vf[vf];
    if (!ddi_function(h, GPUP_DDI_WriteVirtualFunctionConfig))
        return;
    op_config(h, true, vf, PCI_COMMAND, 2, &value);
    v->msix_capability = find_msix(h, vf);
    if (!v->msix_capability || !op_config(h, false, vf, v->msix_capability, 4, &value))
        return;
    value = value >> 16 | MSIX_ENABLE;
    op_config(h, true, vf, v->msix_capability + 2, 2, &value);
}

void act_start_vm(struct host *h, uint32_t vf, uint32_t reserve_kib, bool power) {
    struct gpup_value fresh = {.number = 1}, basis = {.number = TRACKING_SLOT};
    if (vf >= GPUP_MAX_VFS || !op_create_vgpu(h, vf, reserve_kib, 0) || !op_set_resources(h, vf))
        return;
    if (h->dirty_caps.DirtyBitTrackingPerformant && h->dirty_caps.DirtyBitTrackingSupported &&
        op_create_basis(h, vf, TRACKING_SLOT, 1, GPUP_ORDER_ASCENDING))
        op_basis(h, GPUP_DDI_StartDirtyTracking, vf, &basis);
    if (h->world->implementation->driver_entry)
        op_set_vmbus(h, vf, &fresh, 0);
    if (ddi_function(h, GPUP_DDI_QueryVirtualFunctionLuid))
        op_vf_query(h, GPUP_DDI_QueryVirtualFunctionLuid, vf);
    if (!power || !op_power(h, vf, PowerDeviceD0, 0))
        return;
    enable_guest(h, vf);
    set_cookie(h, vf);
}

/* A VM is not made sooner. By then a driver's scheduler has shared out time: not less than JUDGE_A_WHILE_NS.
 */
#define BOOT_US 20000u

void do_StartVm(struct host *h, const struct gpup_step *s) {
    act_start_vm(h, s->vf, 0, true);
    world_wait(h->world, BOOT_US);
}

void do_StopVm(struct host *h, const struct gpup_step *s) {
    act_stop_vm(h, s->vf);
}

void do_CreateVm(struct host *h, const struct gpup_step *s) {
    act_start_vm(h, s->vf, step_u32(s, GPUP_CreateVm_reserve_kib), false);
    world_wait(h->world, BOOT_US);
}

/* Bases of a VF go before the memory they describe. */
void act_drop_bases(struct host *h, uint32_t vf) {
    for (struct gpup_value which = {0}; which.number < WORLD_SLOTS; which.number++) {
        int index = h->vf[vf].slot[which.number];
        if (index < 0 || !h->bases[index].live || h->bases[index].vf != vf)
            continue;
        if (gpup_machine_state_of(&h->machines, GPUP_MACHINE_tracking, (uint32_t)index) ==
            GPUP_STATE_tracking_Tracking)
            op_basis(h, GPUP_DDI_StopDirtyTracking, vf, &which);
        op_basis(h, GPUP_DDI_DestroyMemoryBasis, vf, &which);
    }
}

void act_stop_vm(struct host *h, uint32_t vf) {
    if (vf >= GPUP_MAX_VFS)
        return;
    act_drop_bases(h, vf);
    if (gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) == GPUP_STATE_vgpu_Powered)
        op_power(h, vf, PowerDeviceD3, 0);
    op_destroy_vgpu(h, vf);
}

void do_ProgramInterrupts(struct host *h, const struct gpup_step *step) {
    const struct gpup_value *f = step->f;
    int16_t first = world_index(h, &f[GPUP_ProgramInterrupts_first]);
    uint64_t count = world_count(h, &f[GPUP_ProgramInterrupts_count], h->shape.msix_entries);
    for (uint64_t i = 0; i < count && i < 2048 && !host_dead(h); i++) {
        uint64_t index = (uint64_t)(int64_t)first + i;
        DXGK_INTERRUPT_TABLE_ENTRY entry = {
            .MessageAddress = f[GPUP_ProgramInterrupts_address].number + 16 * index,
            .MessageData = (UINT32)(f[GPUP_ProgramInterrupts_data].number + index),
            .VectorControl = (UINT32)f[GPUP_ProgramInterrupts_control].number};
        op_write_interrupt(h, step->vf, (int16_t)index, &entry, 0);
    }
}

/* Host addresses of another host: what the hypervisor of the target would give the same guest vectors. */
static uint64_t host_address(uint64_t address, const struct host *from, const struct host *to) {
    return from == to ? address : address ^ 0x00100000u;
}

static void replay_interrupts(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf) {
    for (uint32_t i = 0; vf < GPUP_MAX_VFS && h->vf[vf].shadow && i < h->shape.msix_entries && !host_dead(to);
         i++) {
        if (!h->vf[vf].shadow_known[i] || i >= to->shape.msix_entries)
            continue;
        DXGK_INTERRUPT_TABLE_ENTRY entry = h->vf[vf].shadow[i];
        entry.MessageAddress = host_address(entry.MessageAddress, h, to);
        op_write_interrupt(to, to_vf, (int16_t)i, &entry, 0);
    }
}

void do_ReplayInterrupts(struct host *h, const struct gpup_step *s) {
    replay_interrupts(h, s->vf, step_target(h, s, GPUP_ReplayInterrupts_to_host),
                      step_u32(s, GPUP_ReplayInterrupts_to_vf));
}

static void set_power(struct host *h, uint32_t state) {
    struct ddi_call c;
    uint64_t a[] = {UINT32_MAX, state, 0}; /* the whole adapter */
    if (!ddi_begin(&c, h, GPUP_DDI_SetPowerState, a, 3, GPUP_SLOT_NONE))
        return;
    ddi_go(&c, a, 3);
    if (c.success)
        h->asleep = state != PowerDeviceD0;
    ddi_end(&c);
}

static bool may_power_off(struct host *h) {
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS; vf++)
        if (gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) == GPUP_STATE_vgpu_Powered &&
            !world_negative(h->world)) {
            world_skip(h, GPUP_SKIP_ILLEGAL, "the host powers the GPU off only with every vGPU in D3");
            return false;
        }
    return true;
}

void do_SetPowerState(struct host *h, const struct gpup_step *s) {
    uint32_t state = step_u32(s, GPUP_SetPowerState_state);
    if (!world_never(h, state != PowerDeviceD0 && state != PowerDeviceD3, "the adapter goes to D0 or D3") &&
        (state == PowerDeviceD0 || may_power_off(h)))
        set_power(h, state);
}

void act_wake(struct host *h) {
    if (h->asleep)
        set_power(h, PowerDeviceD0);
    h->asleep = false; /* a driver that refuses is taken down all the same */
}

void do_PowerCycle(struct host *h, const struct gpup_step *s) {
    (void)s;
    if (!may_power_off(h))
        return;
    if (!h->device_ops || !h->device_ops->power_cycle || !h->device) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "the device cannot be power-cycled");
        return;
    }
    set_power(h, PowerDeviceD3);
    world_reach_device(h);
    h->device_ops->power_cycle(h->device);
    set_power(h, PowerDeviceD0);
    world_observe(h);
}
