/* Arguments as the OS gives them: what earlier steps made, sizes that were asked for, a session of the right
 * type. */
#include "mutate.h"

#include <gpup/spec_ids.h>

/* One of the set bits, most of the time. */
static void pick_saved(struct gpup_mutator *m, uint16_t saved, struct gpup_value *value) {
    uint32_t first = mutate_below(m, 16);
    for (uint32_t i = 0; saved && mutate_below(m, 64) && i < 16; i++)
        if (saved >> (first + i) % 16 & 1) {
            *value = (struct gpup_value){.number = (first + i) % 16};
            return;
        }
}

/* What earlier steps made: a basis in a state that the call is for, a blob with data of its kind. */
static void existing(struct gpup_mutator *m, struct gpup_step *s) {
    unsigned created = 1u << GPUP_STATE_tracking_Created, tracking = 1u << GPUP_STATE_tracking_Tracking;
    unsigned states = 0;
    unsigned processes = 0; /* which the step is about */
    uint16_t either = m->steer.saved[0] | m->steer.saved[1];
    switch (s->op) {
    case GPUP_OP_CreateMemoryBasis:
    case GPUP_OP_CreateReserveBasis: /* a further one */
        states = mutate_below(m, 4) ? 0 : 1u << GPUP_STATE_tracking_Absent;
        break;
    case GPUP_OP_CreateProcess:
        processes = ~(unsigned)m->steer.processes[s->host] & 0xFF;
        break;
    case GPUP_OP_DestroyProcess:
    case GPUP_OP_SetVirtualMachineData:
        processes = m->steer.processes[s->host];
        break;
    case GPUP_OP_StartDirtyTracking:
        states = created;
        break;
    case GPUP_OP_StopDirtyTracking:
    case GPUP_OP_QueryDirtyBitData:
    case GPUP_OP_CopyDirty:
        states = tracking;
        break;
    case GPUP_OP_DestroyMemoryBasis:
        states = created | tracking;
        break;
    case GPUP_OP_RestoreImmutableMigrationData:
    case GPUP_OP_RestoreMutableMigrationData:
        pick_saved(m,
                   mutate_below(m, 8) ? m->steer.saved[s->op == GPUP_OP_RestoreMutableMigrationData] : either,
                   &s->f[GPUP_RestoreMutableMigrationData_blob]);
        break;
    case GPUP_OP_PatchBlob:
    case GPUP_OP_ResizeBlob:
    case GPUP_OP_CopyBlob: /* the blob comes first in all of them */
        pick_saved(m, either, &s->f[0]);
        break;
    default:
        break;
    }
    int slot = states ? steer_basis(&m->steer, s, states, mutate_below(m, 8))
                      : steer_bit(processes, mutate_below(m, 8));
    if (slot >= 0 && mutate_below(m, 16))
        s->f[0] = (struct gpup_value){.number = (uint64_t)slot};
}

/* Where a copy goes: to another VM that is there. */
static void towards(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    const struct gpup_op_info *info = gpup_op_info(s->op);
    for (unsigned i = 1; i < info->field_count; i++)
        for (unsigned tries = 0; info->field[i].kind == GPUP_KIND_VF && tries < 8; tries++) {
            s->f[i - 1].number = mutate_below(m, world->hosts);
            s->f[i].number = mutate_vf(m, world, false);
            if ((s->f[i].number != s->vf || s->f[i - 1].number != s->host) &&
                steer_has_vm(&m->steer, (uint8_t)s->f[i - 1].number, (uint32_t)s->f[i].number))
                return;
        }
}

/* All of a basis, the pages about what was written last, or some others. */
static void plausible_query(struct gpup_mutator *m, const struct gpup_world_config *world,
                            struct gpup_step *s) {
    uint64_t page = mutate_page(world), last = m->steer.place[s->host][s->vf % 4];
    s->f[GPUP_QueryDirtyBitData_buffer] = (struct gpup_value){.symbol = GPUP_SYMBOL_NEED};
    s->f[GPUP_QueryDirtyBitData_flags].number = mutate_below(m, 2);
    if (mutate_below(m, 2))
        return;
    if (mutate_below(m, 2))
        last = mutate_pages(m, world, false);
    s->f[GPUP_QueryDirtyBitData_offset].number = last / page * page + page * mutate_below(m, 2);
    s->f[GPUP_QueryDirtyBitData_size].number = mutate_pages(m, world, true);
}

/* An edit of data or of a buffer, at the numbers that a header is made of, or near the end. */
static void plausible_edit(struct gpup_mutator *m, struct gpup_step *s) {
    uint64_t place = 4u * mutate_below(m, 16), small = mutate_below(m, 256);
    switch (s->op) {
    case GPUP_OP_ChangeBuffer:
        s->f[GPUP_ChangeBuffer_offset].number = place;
        s->f[GPUP_ChangeBuffer_value].number = mutate_below(m, 2) ? small : small << 8u * mutate_below(m, 4);
        s->f[GPUP_ChangeBuffer_after].number = mutate_below(m, 4) ? 1 : 2;
        break;
    case GPUP_OP_PatchBlob:
        s->f[GPUP_PatchBlob_offset].number = place;
        s->f[GPUP_PatchBlob_value].number = 1 + small;
        s->f[GPUP_PatchBlob_how].number = mutate_below(m, 3);
        break;
    case GPUP_OP_ResizeBlob:
        s->f[GPUP_ResizeBlob_size] = (struct gpup_value){.symbol = GPUP_SYMBOL_BLOB, .number = place};
        if (mutate_below(m, 4))
            s->f[GPUP_ResizeBlob_size].number = (uint64_t) - (int64_t)(1 + place);
        else if (mutate_below(m, 2))
            s->f[GPUP_ResizeBlob_size] = (struct gpup_value){.number = place};
        break;
    case GPUP_OP_FailAllocation:
        s->f[GPUP_FailAllocation_nth].number = 1 + mutate_below(m, 4);
        s->f[GPUP_FailAllocation_count].number = 1 + mutate_below(m, 2);
        break;
    case GPUP_OP_GuestSetRegister: /* few, and one after the other */
        s->f[GPUP_GuestSetRegister_register].number = mutate_below(m, 128);
        s->f[GPUP_GuestSetRegister_value].number = 1 + small;
        break;
    case GPUP_OP_ProgramInterrupts: /* each table its own values */
        s->f[GPUP_ProgramInterrupts_address].number += 0x1000u * mutate_below(m, 4);
        s->f[GPUP_ProgramInterrupts_count].number = mutate_below(m, 2) ? 1 : 1 + mutate_below(m, 4);
        s->f[GPUP_ProgramInterrupts_data].number += 0x100u * mutate_below(m, 4);
        break;
    case GPUP_OP_ChangeDriver:
        s->f[GPUP_ChangeDriver_what].number = 1 + mutate_below(m, 3);
        break;
    case GPUP_OP_CreateVm: /* sometimes of another size than its source */
        s->f[GPUP_CreateVm_reserve_kib].number = mutate_below(m, 8) ? 0 : 1u << mutate_below(m, 10);
        break;
    default:
        break;
    }
}

/* Values that make the step one that happens: sizes and buffers as the OS gives them, a session of the right
 * type. */
static void plausible(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    bool second = mutate_below(m, 2);
    switch (s->op) {
    case GPUP_OP_SaveImmutableMigrationData:
    case GPUP_OP_SaveMutableMigrationData:
        if (second) {
            s->f[GPUP_SaveMutableMigrationData_size] = (struct gpup_value){.symbol = GPUP_SYMBOL_NEED};
            s->f[GPUP_SaveMutableMigrationData_data].number = GPUP_BUFFER_EXACT;
            s->f[GPUP_SaveMutableMigrationData_blob].number = s->op == GPUP_OP_SaveMutableMigrationData;
        }
        break;
    case GPUP_OP_RestoreImmutableMigrationData:
    case GPUP_OP_RestoreMutableMigrationData:
        s->f[GPUP_RestoreMutableMigrationData_size] = (struct gpup_value){.symbol = GPUP_SYMBOL_BLOB};
        s->f[GPUP_RestoreMutableMigrationData_data].number = GPUP_BUFFER_EXACT;
        s->f[GPUP_RestoreMutableMigrationData_blob].number = s->op == GPUP_OP_RestoreMutableMigrationData;
        break;
    case GPUP_OP_QueryAdapterInfo:
        if (second) {
            s->f[GPUP_QueryAdapterInfo_type].number = 39 + mutate_below(m, 3);
            s->f[GPUP_QueryAdapterInfo_output_size].symbol = GPUP_SYMBOL_NEED;
            s->f[GPUP_QueryAdapterInfo_output_size].number = 0;
            s->f[GPUP_QueryAdapterInfo_input].number = 1 + mutate_below(m, 2);
            s->f[GPUP_QueryAdapterInfo_input_size].number =
                s->f[GPUP_QueryAdapterInfo_type].number == 39 ? 0 : 4;
        }
        break;
    case GPUP_OP_QueryMitigatedRanges:
    case GPUP_OP_GetMmioRanges: /* as many as were counted */
        s->f[GPUP_GetMmioRanges_count] = (struct gpup_value){.symbol = GPUP_SYMBOL_NEED};
        break;
    case GPUP_OP_QueryDirtyBitData:
        plausible_query(m, world, s);
        break;
    case GPUP_OP_GuestWrite:
        if (mutate_below(m, 4))
            s->f[GPUP_GuestWrite_offset].number = mutate_pages(m, world, false);
        if (mutate_below(m, 4) == 0)
            s->f[GPUP_GuestWrite_size].number = mutate_pages(m, world, true);
        break;
    case GPUP_OP_CreateMemoryBasis:
        s->f[GPUP_CreateMemoryBasis_ranges].number = 1 + second * mutate_below(m, 4);
        s->f[GPUP_CreateMemoryBasis_order].number = second * mutate_below(m, 3);
        s->f[GPUP_CreateMemoryBasis_part].number = mutate_below(m, world->segments);
        break;
    case GPUP_OP_PlaceReserve:
        s->f[GPUP_PlaceReserve_pieces].number = 1 + mutate_below(m, 4);
        s->f[GPUP_PlaceReserve_order].number = mutate_below(m, 3);
        break;
    case GPUP_OP_CreateReserveBasis:
        s->f[GPUP_CreateReserveBasis_part].number = mutate_below(m, world->segments);
        break;
    case GPUP_OP_SetVirtualGpuResources2: /* a basis for each segment */
        s->f[GPUP_SetVirtualGpuResources2_count].number = world->segments;
        break;
    case GPUP_OP_SetVirtualMachineData:
        s->f[GPUP_SetVirtualMachineData_flags].number = mutate_below(m, 4);
        break;
    case GPUP_OP_SetGpuPartitionCount:
        s->f[GPUP_SetGpuPartitionCount_count].number = world->partitions;
        break;
    case GPUP_OP_PrepareLiveMigration:
        if (m->steer.saved[0] && mutate_below(m, 2)) /* which wants to be restored */
            second = true;
        s->f[GPUP_PrepareLiveMigration_type].number = second;
        break;
    case GPUP_OP_SetVirtualFunctionPauseState: /* nobody says what stands in padding */
        s->f[GPUP_SetVirtualFunctionPauseState_pause].number = second;
        s->f[GPUP_SetVirtualFunctionPauseState_padding].number =
            mutate_below(m, 4) ? 0 : mutate_below(m, 256);
        break;
    case GPUP_OP_SetVirtualFunctionPowerState:
        s->f[GPUP_SetVirtualFunctionPowerState_state].number = second ? 1 : 4;
        break;
    default:
        break;
    }
}

/* What a framework is asked, in numbers that mean something to it. */
static void plausible_framework(struct gpup_mutator *m, struct gpup_step *s) {
    switch (s->op) {
    case GPUP_OP_FrameworkMove:
        s->f[GPUP_FrameworkMove_state].number = mutate_below(m, 8);
        break;
    case GPUP_OP_InterruptAct:
        s->f[GPUP_InterruptAct_what].number = mutate_below(m, 4);
        s->f[GPUP_InterruptAct_object].number = 1 + mutate_below(m, 4);
        break;
    case GPUP_OP_FrameworkDevice:
        s->f[GPUP_FrameworkDevice_level].number = 2 + mutate_below(m, 2);
        s->f[GPUP_FrameworkDevice_scope].number = 2 + mutate_below(m, 3);
        s->f[GPUP_FrameworkDevice_messages].number = mutate_below(m, 5);
        s->f[GPUP_FrameworkDevice_flags].number = mutate_below(m, 3) ? 0 : 1u << mutate_below(m, 6);
        break;
    case GPUP_OP_InterruptConfig: /* of one line, or of messages */
        s->f[GPUP_InterruptConfig_handling].number = mutate_below(m, 8);
        if (mutate_below(m, 2))
            s->f[GPUP_InterruptConfig_callbacks].number = 1u | mutate_below(m, 32);
        s->f[GPUP_InterruptConfig_raw].number = mutate_below(m, 2) ? mutate_below(m, 4) : 0;
        s->f[GPUP_InterruptConfig_translated].number = s->f[GPUP_InterruptConfig_raw].number;
        break;
    case GPUP_OP_WdfInterruptCreate:
        s->f[GPUP_WdfInterruptCreate_count].number = 1 + (mutate_below(m, 2) ? mutate_below(m, 4) : 0);
        break;
    case GPUP_OP_InterruptSignal:
        s->f[GPUP_InterruptSignal_message].number = mutate_below(m, 4);
        break;
    default:
        break;
    }
}

void mutate_plausible(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    plausible(m, world, s);
    plausible_edit(m, s);
    plausible_framework(m, s);
    existing(m, s);
    towards(m, world, s);
}
