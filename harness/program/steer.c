#include "steer.h"

#include <gpup/spec_ids.h>
#include <string.h>

#define TRACKING_SLOT 7u /* of the basis that StartVm makes */

void steer_names(struct steer *s) {
    for (unsigned op = 0; op < GPUP_OPS; op++)
        s->ddi[op] = gpup_op_info(op)->group == GPUP_GROUP_call ? gpup_ddi_find(gpup_op_info(op)->name)
                                                                : GPUP_SPEC_NONE;
}

void steer_start(struct steer *s, const struct gpup_world_config *world) {
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        gpup_machine_reset(&s->at[i]);
        gpup_machine_set(&s->at[i], GPUP_MACHINE_adapter, 0, GPUP_STATE_adapter_Started);
        gpup_machine_set(&s->at[i], GPUP_MACHINE_partition, 0, GPUP_STATE_partition_Counted);
    }
    s->partitions = world->partitions;
}

/* A basis slot of a VF as a slot of the machine, which has one row of bases for the whole adapter. */
static uint32_t basis_slot(uint32_t vf, uint64_t slot) {
    return (uint32_t)((vf % 8) * 8 + slot % 8);
}

/* The scalar arguments that the machines look at. */
static void arguments(const struct gpup_step *s, uint16_t ddi, uint64_t *a, uint32_t *basis) {
    memset(a, 0, GPUP_DDI_ARGUMENTS_MAX * sizeof *a);
    *basis = GPUP_SLOT_NONE;
    if (gpup_ddis[ddi].vf_argument >= 0)
        a[gpup_ddis[ddi].vf_argument] = s->vf;
    switch (s->op) {
    case GPUP_OP_PrepareLiveMigration:
        a[GPUP_ARG_PrepareLiveMigration_MigrationType] = s->f[GPUP_PrepareLiveMigration_type].number;
        break;
    case GPUP_OP_SetVirtualFunctionPauseState:
        a[GPUP_ARG_SetVirtualFunctionPauseState_bPause] =
            s->f[GPUP_SetVirtualFunctionPauseState_pause].number;
        break;
    case GPUP_OP_SetVirtualFunctionPowerState:
        a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] =
            s->f[GPUP_SetVirtualFunctionPowerState_state].number;
        a[GPUP_ARG_SetVirtualFunctionPowerState_Wake] = s->f[GPUP_SetVirtualFunctionPowerState_wake].number;
        break;
    case GPUP_OP_SaveImmutableMigrationData:
    case GPUP_OP_SaveMutableMigrationData:
        a[GPUP_ARG_SaveMutableMigrationData_DataSize] =
            s->f[GPUP_SaveMutableMigrationData_size].number | s->f[GPUP_SaveMutableMigrationData_size].symbol;
        a[GPUP_ARG_SaveMutableMigrationData_DataPresent] =
            s->f[GPUP_SaveMutableMigrationData_data].number != 0;
        break;
    case GPUP_OP_RestoreImmutableMigrationData:
    case GPUP_OP_RestoreMutableMigrationData:
        a[GPUP_ARG_RestoreMutableMigrationData_DataPresent] =
            s->f[GPUP_RestoreMutableMigrationData_data].number != 0;
        break;
    case GPUP_OP_CreateMemoryBasis:
        *basis = basis_slot(s->vf, s->f[GPUP_CreateMemoryBasis_slot].number);
        break;
    case GPUP_OP_DestroyMemoryBasis:
    case GPUP_OP_StartDirtyTracking:
    case GPUP_OP_StopDirtyTracking:
    case GPUP_OP_QueryDirtyBitData: /* the basis comes first in all of them */
        *basis = basis_slot(s->vf, s->f[0].number);
        break;
    default:
        break;
    }
}

bool steer_legal(const struct steer *s, const struct gpup_step *step) {
    uint16_t ddi = s->ddi[step->op];
    uint64_t a[GPUP_DDI_ARGUMENTS_MAX];
    uint32_t basis;
    if (ddi == GPUP_SPEC_NONE)
        return true;
    arguments(step, ddi, a, &basis);
    bool handle = step->f[0].symbol == GPUP_SYMBOL_NONE;
    bool made =
        step->op == GPUP_OP_CreateMemoryBasis ||
        gpup_machine_state_of(&s->at[step->host], GPUP_MACHINE_tracking, basis) != GPUP_STATE_tracking_Absent;
    if (basis != GPUP_SLOT_NONE && (!handle || !made))
        return false;
    return gpup_machine_legal(&s->at[step->host], ddi, step->vf, basis, a, NULL);
}

static void follow(struct steer *s, const struct gpup_step *step, unsigned op) {
    struct gpup_step call;
    gpup_step_defaults(&call, op);
    call.host = step->host;
    call.vf = step->vf;
    if (op == GPUP_OP_CreateMemoryBasis || op == GPUP_OP_StartDirtyTracking)
        call.f[0].number = TRACKING_SLOT;
    steer_follow(s, &call);
}

void steer_follow(struct steer *s, const struct gpup_step *step) {
    uint64_t a[GPUP_DDI_ARGUMENTS_MAX];
    uint32_t basis;
    switch (step->op) {
    case GPUP_OP_StartVm:
    case GPUP_OP_CreateVm:
        follow(s, step, GPUP_OP_CreateVirtualGpu);
        follow(s, step, GPUP_OP_SetVirtualGpuResources);
        follow(s, step, GPUP_OP_CreateMemoryBasis);
        follow(s, step, GPUP_OP_StartDirtyTracking);
        if (step->op == GPUP_OP_StartVm)
            follow(s, step, GPUP_OP_SetVirtualFunctionPowerState);
        return;
    case GPUP_OP_StopVm:
        follow(s, step, GPUP_OP_DestroyVirtualGpu);
        return;
    default:
        break;
    }
    if (s->ddi[step->op] == GPUP_SPEC_NONE)
        return;
    arguments(step, s->ddi[step->op], a, &basis);
    if (steer_legal(s, step))
        gpup_machine_step(&s->at[step->host], s->ddi[step->op], step->vf, basis, a);
}
