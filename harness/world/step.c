/* One step of a program. */
#include "internal.h"

#include <string.h>

static uint64_t number(const struct gpup_step *s, unsigned field) {
    return s->f[field].number;
}

static uint32_t size_of(const struct gpup_step *s, unsigned field, uint32_t need) {
    const struct gpup_value *v = &s->f[field];
    return (uint32_t)((v->symbol == GPUP_SYMBOL_NEED ? need : 0) + v->number);
}

static void query_interface(struct host *h, const struct gpup_step *s) {
    static const uint32_t sizes[] = {
        64, sizeof(DXGKDDI_GPU_PARTITION_INTERFACE), sizeof(DXGKDDI_SRIOV_INTERFACE),
        sizeof(DXGKDDI_MITIGABLE_DEVICE_INTERFACE), sizeof(DXGKDDI_FLEXIOV_DEVICE_INTERFACE)};
    unsigned interface = number(s, GPUP_QueryInterface_interface) % 5;
    uint32_t size = size_of(s, GPUP_QueryInterface_size, sizes[interface]);
    op_query_interface(h, interface, (uint16_t)(size < 4096 ? size : 4096),
                       (uint16_t)number(s, GPUP_QueryInterface_version), false);
}

static void step_adapter(struct host *h, const struct gpup_step *s) {
    switch (s->op) {
    case GPUP_OP_StopDevice:
        host_stop_device(h);
        break;
    case GPUP_OP_StartDevice:
        host_start_device(h);
        break;
    case GPUP_OP_QueryAdapterInfo: {
        uint32_t size = size_of(s, GPUP_QueryAdapterInfo_output_size, 4);
        op_query_adapter_info(h, (uint32_t)number(s, GPUP_QueryAdapterInfo_type),
                              (uint32_t)number(s, GPUP_QueryAdapterInfo_input),
                              size_of(s, GPUP_QueryAdapterInfo_input_size, 4) % 4096,
                              size < 4096 ? size : 4096, (uint8_t)number(s, GPUP_QueryAdapterInfo_fill),
                              NULL);
        break;
    }
    case GPUP_OP_QueryInterface:
        query_interface(h, s);
        break;
    case GPUP_OP_CreateProcess:
        op_create_process(h, (uint32_t)number(s, GPUP_CreateProcess_process),
                          (uint32_t)number(s, GPUP_CreateProcess_kind),
                          (uint32_t)number(s, GPUP_CreateProcess_worker));
        break;
    case GPUP_OP_DestroyProcess:
        op_destroy_process(h, &s->f[GPUP_DestroyProcess_process]);
        break;
    default:
        op_set_vm_data(h, &s->f[GPUP_SetVirtualMachineData_process],
                       (uint32_t)number(s, GPUP_SetVirtualMachineData_flags),
                       (uint32_t)number(s, GPUP_SetVirtualMachineData_guid));
    }
}

static void step_partition(struct host *h, const struct gpup_step *s) {
    switch (s->op) {
    case GPUP_OP_GetGpuPartitionInfo:
        op_get_partition_info(h, size_of(s, GPUP_GetGpuPartitionInfo_capacity, h->option_count));
        break;
    case GPUP_OP_SetGpuPartitionCount:
        op_set_partition_count(
            h, (uint32_t)world_count(h, &s->f[GPUP_SetGpuPartitionCount_count], h->partitions));
        break;
    case GPUP_OP_GetVirtualGpuProfile:
        op_get_profile(h, (uint32_t)world_count(h, &s->f[GPUP_GetVirtualGpuProfile_count], h->partitions));
        break;
    case GPUP_OP_CreateVirtualGpu:
        op_create_vgpu(h, s->vf, 0);
        break;
    case GPUP_OP_GetVirtualGpuInfo:
        op_get_vgpu_info(h, s->vf);
        break;
    case GPUP_OP_SetVirtualGpuResources:
        op_set_resources(h, s->vf);
        break;
    case GPUP_OP_SetVirtualGpuResources2:
        op_set_resources2(h, s->vf);
        break;
    case GPUP_OP_DestroyVirtualGpu:
        op_destroy_vgpu(h, s->vf);
        break;
    case GPUP_OP_VirtualGpuDriverEscape:
        op_escape(h, s->vf, size_of(s, GPUP_VirtualGpuDriverEscape_input, 16),
                  size_of(s, GPUP_VirtualGpuDriverEscape_output, 16));
        break;
    default:
        op_set_vmbus(h, s->vf, &s->f[GPUP_SetVirtualGpuVmBus_handle]);
    }
}

static void step_sriov(struct host *h, const struct gpup_step *s) {
    uint32_t value = (uint32_t)number(s, GPUP_WriteVirtualFunctionConfig_value);
    switch (s->op) {
    case GPUP_OP_ReadVirtualFunctionConfig:
    case GPUP_OP_WriteVirtualFunctionConfig:
        op_config(h, s->op == GPUP_OP_WriteVirtualFunctionConfig, s->vf,
                  (uint32_t)number(s, GPUP_WriteVirtualFunctionConfig_offset),
                  size_of(s, GPUP_WriteVirtualFunctionConfig_length, 4), &value);
        break;
    case GPUP_OP_ReadVirtualFunctionConfigBlock:
    case GPUP_OP_WriteVirtualFunctionConfigBlock:
        op_config_block(h, s->op == GPUP_OP_WriteVirtualFunctionConfigBlock, s->vf,
                        (uint32_t)number(s, GPUP_WriteVirtualFunctionConfigBlock_block),
                        size_of(s, GPUP_WriteVirtualFunctionConfigBlock_length, 16));
        break;
    case GPUP_OP_QueryProbedBars:
        op_vf_query(h, GPUP_DDI_QueryProbedBars, s->vf);
        break;
    case GPUP_OP_GetVendorAndDevice:
        op_vf_query(h, GPUP_DDI_GetVendorAndDevice, s->vf);
        break;
    case GPUP_OP_GetDeviceLocation:
        op_vf_query(h, GPUP_DDI_GetDeviceLocation, s->vf);
        break;
    case GPUP_OP_QueryVirtualFunctionLuid:
        op_vf_query(h, GPUP_DDI_QueryVirtualFunctionLuid, s->vf);
        break;
    case GPUP_OP_ResetVirtualFunction:
        op_reset(h, s->vf);
        break;
    case GPUP_OP_SetVirtualFunctionPowerState:
        op_power(h, s->vf, (uint32_t)number(s, GPUP_SetVirtualFunctionPowerState_state),
                 (uint8_t)number(s, GPUP_SetVirtualFunctionPowerState_wake));
        break;
    case GPUP_OP_GetResourceForBar:
        op_get_resource(h, s->vf, (uint32_t)number(s, GPUP_GetResourceForBar_bar));
        break;
    case GPUP_OP_QueryMitigatedRangeCount:
        op_mitigated(h, s->vf, 0, UINT32_MAX);
        break;
    default:
        op_mitigated(h, s->vf, (uint32_t)number(s, GPUP_QueryMitigatedRanges_bar),
                     size_of(s, GPUP_QueryMitigatedRanges_count, 1));
    }
}

static void step_dirty(struct host *h, const struct gpup_step *s) {
    switch (s->op) {
    case GPUP_OP_CreateMemoryBasis:
        op_create_basis(h, s->vf, (uint32_t)number(s, GPUP_CreateMemoryBasis_slot),
                        (uint32_t)world_count(h, &s->f[GPUP_CreateMemoryBasis_ranges], 4096),
                        (uint32_t)number(s, GPUP_CreateMemoryBasis_order));
        break;
    case GPUP_OP_DestroyMemoryBasis:
        op_basis(h, GPUP_DDI_DestroyMemoryBasis, s->vf, &s->f[GPUP_DestroyMemoryBasis_basis]);
        break;
    case GPUP_OP_StartDirtyTracking:
        op_basis(h, GPUP_DDI_StartDirtyTracking, s->vf, &s->f[GPUP_StartDirtyTracking_basis]);
        break;
    case GPUP_OP_StopDirtyTracking:
        op_basis(h, GPUP_DDI_StopDirtyTracking, s->vf, &s->f[GPUP_StopDirtyTracking_basis]);
        break;
    default:
        op_query_dirty(h, s->vf, &s->f[GPUP_QueryDirtyBitData_basis], s, NULL);
    }
}

static void step_migration(struct host *h, const struct gpup_step *s) {
    switch (s->op) {
    case GPUP_OP_PrepareLiveMigration:
        op_prepare(h, s->vf, (uint32_t)number(s, GPUP_PrepareLiveMigration_type));
        break;
    case GPUP_OP_SaveImmutableMigrationData:
    case GPUP_OP_SaveMutableMigrationData:
        op_save(h, s, s->op == GPUP_OP_SaveMutableMigrationData);
        break;
    case GPUP_OP_RestoreImmutableMigrationData:
    case GPUP_OP_RestoreMutableMigrationData:
        op_restore(h, s, s->op == GPUP_OP_RestoreMutableMigrationData);
        break;
    case GPUP_OP_EndLiveMigration:
        op_end(h, s->vf);
        break;
    case GPUP_OP_SetVirtualFunctionPauseState:
        op_pause(h, s->vf, (uint8_t)number(s, GPUP_SetVirtualFunctionPauseState_pause),
                 (uint8_t)number(s, GPUP_SetVirtualFunctionPauseState_padding));
        break;
    default: {
        DXGK_INTERRUPT_TABLE_ENTRY entry = {number(s, GPUP_WriteVirtualizedInterrupt_address),
                                            (UINT32)number(s, GPUP_WriteVirtualizedInterrupt_data),
                                            (UINT32)number(s, GPUP_WriteVirtualizedInterrupt_control)};
        op_write_interrupt(h, s->vf, world_index(h, &s->f[GPUP_WriteVirtualizedInterrupt_index]), &entry,
                           (uint8_t)number(s, GPUP_WriteVirtualizedInterrupt_padding));
    }
    }
}

static struct host *target(struct gpup_world *w, const struct gpup_step *s, unsigned field) {
    return &w->host[number(s, field) % w->config.hosts];
}

static void step_host(struct host *h, const struct gpup_step *s) {
    struct gpup_world *w = h->world;
    switch (s->op) {
    case GPUP_OP_StartVm:
    case GPUP_OP_CreateVm:
        act_start_vm(h, s->vf, s->op == GPUP_OP_CreateVm ? (uint32_t)number(s, GPUP_CreateVm_reserve_kib) : 0,
                     s->op == GPUP_OP_StartVm);
        break;
    case GPUP_OP_StopVm:
        act_stop_vm(h, s->vf);
        break;
    case GPUP_OP_ProgramInterrupts:
        act_program_interrupts(h, s);
        break;
    case GPUP_OP_CopyVram:
        act_copy_vram(h, s->vf, target(w, s, GPUP_CopyVram_to_host),
                      (uint32_t)number(s, GPUP_CopyVram_to_vf));
        break;
    case GPUP_OP_CopyDirty:
        act_copy_dirty(h, s, target(w, s, GPUP_CopyDirty_to_host), (uint32_t)number(s, GPUP_CopyDirty_to_vf));
        break;
    case GPUP_OP_ReplayInterrupts:
        act_replay_interrupts(h, s->vf, target(w, s, GPUP_ReplayInterrupts_to_host),
                              (uint32_t)number(s, GPUP_ReplayInterrupts_to_vf));
        break;
    default:
        act_power_cycle(h);
    }
}

static void pass_time(struct gpup_world *w, uint64_t us) {
    for (uint32_t i = 0; i < w->config.hosts; i++) {
        struct host *h = &w->host[i];
        struct gpup_event e = world_event(h, GPUP_EVENT_WAIT);
        e.f[GPUP_WAIT_ns] = us * 1000;
        world_emit(h, &e);
        world_make_current(h);
        if (!h->dead && gpup_os_advance(h->os, us * 1000) != GPUP_RAN_RETURNED)
            h->dead = true;
        world_observe(h);
    }
}

/* Both hosts live in the same time: the one that lags catches up. */
static void level_clocks(struct gpup_world *w) {
    if (w->config.hosts < 2)
        return;
    uint64_t a = gpup_os_now(w->host[0].os), b = gpup_os_now(w->host[1].os);
    struct host *late = a < b ? &w->host[0] : &w->host[1];
    if (a == b || late->dead)
        return;
    world_make_current(late);
    if (gpup_os_advance(late->os, a < b ? b - a : a - b) != GPUP_RAN_RETURNED)
        late->dead = true;
    world_observe(late);
}

static bool any_broken(const struct gpup_world *w) {
    bool all_dead = true;
    for (uint32_t i = 0; i < w->config.hosts; i++)
        all_dead = all_dead && w->host[i].dead;
    return w->broken || all_dead;
}

static void carry_out(struct host *h, const struct gpup_step *s) {
    if (s->op <= GPUP_OP_QueryInterface ||
        (s->op >= GPUP_OP_CreateProcess && s->op <= GPUP_OP_SetVirtualMachineData))
        step_adapter(h, s);
    else if (s->op <= GPUP_OP_SetVirtualGpuVmBus)
        step_partition(h, s);
    else if (s->op <= GPUP_OP_QueryMitigatedRanges)
        step_sriov(h, s);
    else if (s->op <= GPUP_OP_QueryDirtyBitData)
        step_dirty(h, s);
    else if (s->op <= GPUP_OP_WriteVirtualizedInterrupt)
        step_migration(h, s);
    else if (s->op <= GPUP_OP_PowerCycle)
        step_host(h, s);
    else if (s->op <= GPUP_OP_GuestReset)
        act_guest(h, s);
    else if (s->op <= GPUP_OP_FailAllocation)
        act_device(h, s);
    else if (s->op <= GPUP_OP_CopyBlob)
        act_blob(h, s);
    else
        pass_time(h->world, number(s, GPUP_Wait_us));
}

bool gpup_world_step(struct gpup_world *world, const struct gpup_step *step, uint32_t index) {
    struct host *h = &world->host[step->host % world->config.hosts];
    struct gpup_event e = world_event(h, GPUP_EVENT_STEP);
    char text[256];
    int length = gpup_step_print(step, text, sizeof text);
    world->step = index;
    world->class = step->class;
    world->steps++;
    e.f[GPUP_STEP_op] = step->op;
    e.f[GPUP_STEP_vf] = step->vf;
    e.f[GPUP_STEP_class] = step->class;
    e.data = (const uint8_t *)text;
    e.data_size = length > 0 && (size_t)length < sizeof text ? (size_t)length : strlen(text);
    world_emit(h, &e);
    if (h->dead || !h->started) {
        bool restart = !h->dead && h->added && step->op == GPUP_OP_StartDevice;
        if (!restart) {
            world_skip(h, h->dead ? GPUP_SKIP_DEAD : GPUP_SKIP_ABSENT,
                       h->dead ? "the host is dead" : "the adapter did not start");
            return true;
        }
    }
    carry_out(h, step);
    level_clocks(world);
    return !any_broken(world);
}
