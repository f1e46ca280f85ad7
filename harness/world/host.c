/* What Dxgkrnl and the VM worker do as a sequence: starting a VM, paging, replaying a guest's interrupts. */
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
        world_mix(h->world->config.seed * 977 + (h->index * GPUP_MAX_VFS + vf) * 7919 + h->world->calls);
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
    if (vf >= GPUP_MAX_VFS || !op_create_vgpu(h, vf, reserve_kib) || !op_set_resources(h, vf))
        return;
    if (h->dirty_caps.DirtyBitTrackingPerformant && h->dirty_caps.DirtyBitTrackingSupported &&
        op_create_basis(h, vf, TRACKING_SLOT, 1, GPUP_ORDER_ASCENDING))
        op_basis(h, GPUP_DDI_StartDirtyTracking, vf, &basis);
    if (h->world->implementation->driver_entry)
        op_set_vmbus(h, vf, &fresh);
    if (ddi_function(h, GPUP_DDI_QueryVirtualFunctionLuid))
        op_vf_query(h, GPUP_DDI_QueryVirtualFunctionLuid, vf);
    if (!power || !op_power(h, vf, PowerDeviceD0, 0))
        return;
    enable_guest(h, vf);
    set_cookie(h, vf);
}

/* Bases of a VF go before the memory they describe. */
void act_drop_bases(struct host *h, uint32_t vf) {
    for (struct gpup_value which = {0}; which.number < WORLD_SLOTS; which.number++) {
        int index = h->vf[vf].slot[which.number];
        if (!h->vf[vf].created || index < 0 || !h->bases[index].live || h->bases[index].vf != vf)
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

void act_program_interrupts(struct host *h, const struct gpup_step *step) {
    const struct gpup_value *f = step->f;
    int16_t first = world_index(h, &f[GPUP_ProgramInterrupts_first]);
    uint64_t count = world_count(h, &f[GPUP_ProgramInterrupts_count], h->shape.msix_entries);
    for (uint64_t i = 0; i < count && i < 2048 && !h->dead; i++) {
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

void act_replay_interrupts(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf) {
    for (uint32_t i = 0; vf < GPUP_MAX_VFS && h->vf[vf].shadow && i < h->shape.msix_entries && !to->dead;
         i++) {
        if (!h->vf[vf].shadow_known[i] || i >= to->shape.msix_entries)
            continue;
        DXGK_INTERRUPT_TABLE_ENTRY entry = h->vf[vf].shadow[i];
        entry.MessageAddress = host_address(entry.MessageAddress, h, to);
        op_write_interrupt(to, to_vf, (int16_t)i, &entry, 0);
    }
}

static void emit_paging(struct host *h, uint32_t vf, bool in, uint64_t offset, uint64_t size) {
    struct gpup_event e = world_event(h, GPUP_EVENT_PAGING);
    e.f[GPUP_PAGING_vf] = vf;
    e.f[GPUP_PAGING_in] = in;
    e.f[GPUP_PAGING_offset] = offset;
    e.f[GPUP_PAGING_size] = size;
    world_emit(h, &e);
}

/* Segment place of an offset in a VF's reserve; *run: bytes up to the end of that range. */
static bool locate(const struct vf *v, uint64_t offset, uint32_t *segment, uint64_t *at, uint64_t *run) {
    for (uint32_t i = 0; i < v->reserve_count; i++) {
        if (offset < v->reserve[i].size) {
            *segment = v->reserve[i].segment;
            *at = v->reserve[i].offset + offset;
            *run = v->reserve[i].size - offset;
            return true;
        }
        offset -= v->reserve[i].size;
    }
    return false;
}

static bool copy_through(struct host *h, uint32_t segment, uint64_t at, struct host *to, uint32_t to_segment,
                         uint64_t to_at, uint64_t size) {
    uint8_t chunk[4096];
    for (uint64_t done = 0; done < size; done += sizeof chunk) {
        uint64_t part = size - done < sizeof chunk ? size - done : sizeof chunk;
        world_reach_device(h);
        if (!h->device_ops->read_vram(h->device, segment, at + done, chunk, part))
            return false;
        world_reach_device(to);
        if (!to->device_ops->write_vram(to->device, to_segment, to_at + done, chunk, part))
            return false;
    }
    return true;
}

static bool copy(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf, uint64_t offset,
                 uint64_t size) {
    emit_paging(h, vf, false, offset, size);
    emit_paging(to, to_vf, true, offset, size);
    while (size) {
        uint32_t segment, to_segment;
        uint64_t at, to_at, run, to_run;
        if (!locate(&h->vf[vf], offset, &segment, &at, &run) ||
            !locate(&to->vf[to_vf], offset, &to_segment, &to_at, &to_run))
            return false;
        run = run < to_run ? run : to_run;
        run = run < size ? run : size;
        bool ok = to->device_ops->copy_vram
                      ? to->device_ops->copy_vram(to->device, to_segment, to_at, h->device, segment, at, run)
                      : copy_through(h, segment, at, to, to_segment, to_at, run);
        if (!ok)
            return false;
        offset += run;
        size -= run;
    }
    return true;
}

static bool can_copy(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf) {
    bool able = h->device_ops && h->device && to->device &&
                (h->device_ops->copy_vram || (h->device_ops->read_vram && h->device_ops->write_vram));
    bool there = vf < GPUP_MAX_VFS && to_vf < GPUP_MAX_VFS && h->vf[vf].created && to->vf[to_vf].created &&
                 h->vf[vf].reserve_size && h->vf[vf].reserve_size == to->vf[to_vf].reserve_size &&
                 (h != to || vf != to_vf);
    if (!able || !there)
        world_skip(h, able ? GPUP_SKIP_UNRESOLVED : GPUP_SKIP_UNSUPPORTED,
                   able ? "source and target have no reserve of the same size" : "the device has no paging");
    return able && there;
}

void act_copy_vram(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf) {
    if (!can_copy(h, vf, to, to_vf))
        return;
    copy(h, vf, to, to_vf, 0, h->vf[vf].reserve_size);
    world_observe(to);
    world_observe(h);
}

void act_copy_dirty(struct host *h, const struct gpup_step *step, struct host *to, uint32_t to_vf) {
    struct gpup_step query;
    uint8_t *bits = NULL;
    HANDLE raw;
    uint64_t object;
    const struct gpup_value *which = &step->f[GPUP_CopyDirty_basis];
    if (!can_copy(h, step->vf, to, to_vf))
        return;
    gpup_step_defaults(&query, GPUP_OP_QueryDirtyBitData);
    query.f[GPUP_QueryDirtyBitData_buffer].symbol = GPUP_SYMBOL_NEED;
    query.f[GPUP_QueryDirtyBitData_buffer].number = 0;
    query.f[GPUP_QueryDirtyBitData_flags].number = DXGKARG_QUERYDIRTYBITDATAFLAGS_CLEARDATA;
    struct basis *b = world_basis(h, step->vf, which, &raw, &object);
    if (!op_query_dirty(h, step->vf, which, &query, &bits) || !b || !bits) {
        free(bits);
        return;
    }
    uint64_t bit = 0, unit = h->dirty_page[b->segment] ? h->dirty_page[b->segment] : 4096;
    for (uint32_t i = 0; i < b->count; i++)
        for (uint64_t at = 0; at < b->ranges[i].size; at += unit, bit++)
            if (bits[bit / 8] >> (bit % 8) & 1)
                copy(h, step->vf, to, to_vf, b->at[i] + at, unit);
    free(bits);
    world_observe(to);
    world_observe(h);
}

static void set_power(struct host *h, uint32_t state) {
    struct ddi_call c;
    uint64_t a[] = {UINT32_MAX, state, 0}; /* the whole adapter */
    if (!ddi_begin(&c, h, GPUP_DDI_SetPowerState, a, 3, GPUP_SLOT_NONE))
        return;
    ddi_go(&c, a, 3);
    ddi_end(&c);
}

void act_power_cycle(struct host *h) {
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS; vf++)
        if (gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) == GPUP_STATE_vgpu_Powered &&
            !world_negative(h->world)) {
            world_skip(h, GPUP_SKIP_ILLEGAL, "the host powers the GPU off only with every vGPU in D3");
            return;
        }
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
