/* The way down: what the program left is taken away in the documented order, then the adapter. */
#include "internal.h"

#include <string.h>

static void stop_vf(struct host *h, uint32_t vf) {
    uint8_t migrating = gpup_machine_state_of(&h->machines, GPUP_MACHINE_migration, vf);
    if (migrating != GPUP_STATE_migration_Idle)
        op_end(h, vf);
    act_drop_bases(h, vf);
    uint8_t state = gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf);
    if (state == GPUP_STATE_vgpu_Powered)
        op_power(h, vf, PowerDeviceD3, 0);
    if (state != GPUP_STATE_vgpu_Absent)
        op_destroy_vgpu(h, vf);
}

void host_dereference_table(struct host *h, const INTERFACE *table) {
    struct gpup_os_call call = {.count = 1};
    if (!table->InterfaceDereference || host_dead(h) || h->world->implementation->open)
        return;
    call.function = (void *)(uintptr_t)table->InterfaceDereference;
    call.args[0] = (uintptr_t)table->Context;
    world_make_current(h);
    gpup_os_call(h->os, &call);
}

void host_dereference(struct host *h) {
    const void *tables[] = {&h->partition, &h->sriov, &h->mitigable, &h->flexiov};
    for (unsigned i = 0; i < 4; i++) {
        if (h->has[i + 1])
            host_dereference_table(h, tables[i]);
        h->has[i + 1] = false;
    }
}

bool host_plain_call(struct host *h, uint16_t ddi) {
    struct ddi_call c;
    if (!ddi_begin(&c, h, ddi, NULL, 0, GPUP_SLOT_NONE))
        return false;
    ddi_go(&c, NULL, 0);
    ddi_end(&c);
    return c.success;
}

/* Their handles are stale from now on, as after DestroyMemoryBasis. */
static void forget_bases(struct host *h) {
    for (unsigned i = 0; i < WORLD_BASES; i++) {
        if (h->bases[i].live)
            h->vf[h->bases[i].vf].stale = h->bases[i].raw;
        h->bases[i].live = false;
    }
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS; vf++)
        memset(h->vf[vf].slot, -1, sizeof h->vf[vf].slot);
}

void host_stop_device(struct host *h) {
    if (!h->started || !host_plain_call(h, GPUP_DDI_StopDevice))
        return;
    h->started = h->partitioned = false;
    h->partitions = 0;
    forget_bases(h);
    gpup_dxgkrnl_stopped(h->os);
}

/* Whatever the program did, a canonical legal sequence on a VF it left alone still works. */
static void recover(struct host *h) {
    DXGK_INTERRUPT_TABLE_ENTRY entry = {
        .MessageAddress = 0xFEE00000, .MessageData = 0x4E, .VectorControl = 1};
    uint32_t vf = 0;
    while (vf < h->partitions &&
           gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) != GPUP_STATE_vgpu_Absent)
        vf++;
    if (!h->started || host_dead(h) || vf >= h->partitions || vf >= GPUP_MAX_VFS)
        return;
    act_start_vm(h, vf, 0, true);
    if (h->caps.Caps.LiveMigration &&
        gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) == GPUP_STATE_vgpu_Powered)
        op_write_interrupt(h, vf, 0, &entry, 0);
    if (gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) != GPUP_STATE_vgpu_Absent)
        act_stop_vm(h, vf);
}

/* Without the adapter no handle of it means anything. */
static void left_behind(struct host *h) {
    h->added = false;
    for (unsigned i = 0; i < WORLD_SLOTS; i++)
        h->process[i].live = false;
}

void host_take_down_driver(struct host *h, bool unload) {
    unload = unload && !(h->world->config.one_system && h->index); /* the other adapter is still there */
    host_stop_device(h);
    if (h->added && host_plain_call(h, GPUP_DDI_RemoveDevice))
        left_behind(h);
    if (unload && h->loaded && ddi_function(h, GPUP_DDI_Unload) && host_plain_call(h, GPUP_DDI_Unload))
        h->loaded = false;
    gpup_os_buffer_free(h->os, h->lent);
    h->lent = NULL;
    if (!host_dead(h) && unload)
        gpup_os_report_left(h->os);
}

void host_take_down(struct host *h, bool unload) {
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS && !host_dead(h); vf++)
        stop_vf(h, vf);
    for (uint64_t i = 0; i < WORLD_SLOTS && !host_dead(h); i++) {
        struct gpup_value which = {.number = WORLD_SLOTS - 1 - i}; /* guests before their workers */
        if (h->process[which.number].live)
            op_destroy_process(h, &which);
    }
    host_dereference(h);
    if (h->world->implementation->open) {
        if (h->loaded && !host_dead(h) && h->world->implementation->close) {
            world_make_current(h);
            h->world->implementation->close(&h->open);
        }
    } else if (!host_dead(h)) {
        host_take_down_driver(h, unload);
    }
}

void host_stop(struct host *h) {
    uint8_t class = h->world->class;
    if (h->over)
        return;
    h->world->class = GPUP_LEGAL;
    if (!host_dead(h))
        act_wake(h);
    recover(h);
    host_take_down(h, true);
    h->world->class = class;
}
