#include "steer.h"

#include <gpup/spec_ids.h>
#include <string.h>

#define TRACKING_SLOT 7u /* of the basis that StartVm makes */

/* Whether it can take a machine on, or make a process: the calls that some machine names, and what stands for
 * several of them. */
static bool can_move(unsigned op, uint16_t ddi) {
    if (ddi == GPUP_SPEC_NONE)
        return gpup_op_info(op)->group == GPUP_GROUP_host;
    bool named = op == GPUP_OP_CreateProcess;
    for (size_t i = 0; i < gpup_spec_counts.machines; i++)
        named = named || gpup_machines[i].first[ddi];
    return named;
}

void steer_names(struct steer *s) {
    for (unsigned op = 0; op < GPUP_OPS; op++) {
        s->ddi[op] = gpup_op_info(op)->group == GPUP_GROUP_call ? gpup_ddi_find(gpup_op_info(op)->name)
                                                                : GPUP_SPEC_NONE;
        s->can_move[op] = can_move(op, s->ddi[op]);
    }
}

static void begin(struct gpup_machine_state *at) {
    gpup_machine_reset(at);
    gpup_machine_set(at, GPUP_MACHINE_adapter, 0, GPUP_STATE_adapter_Started);
    gpup_machine_set(at, GPUP_MACHINE_partition, 0, GPUP_STATE_partition_Counted);
}

void steer_start(struct steer *s, const struct gpup_world_config *world) {
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        begin(&s->at[i]);
    s->tracks = world->performant && !world->untracked;
    s->untracked = world->untracked;
    s->partitions = world->partitions;
    memset(s->processes, 0, sizeof s->processes);
    s->saved[0] = s->saved[1] = 0;
    memset(s->seen, 0, sizeof s->seen);
    memset(s->place, 0, sizeof s->place);
}

/* A basis slot of a VF as a slot of the machine, which has one row of bases for the whole adapter. */
static uint32_t basis_slot(uint32_t vf, uint64_t slot) {
    return (uint32_t)((vf % 8) * 8 + slot % 8);
}

/* The field that names a basis: the first, apart from descriptors, which come behind their number. */
static const struct gpup_value *basis_of(const struct gpup_step *s) {
    return &s->f[s->op == GPUP_OP_SetVirtualGpuResources2 ? GPUP_SetVirtualGpuResources2_basis : 0];
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
    case GPUP_OP_SetVirtualGpuResources2:
    case GPUP_OP_DestroyMemoryBasis:
    case GPUP_OP_StartDirtyTracking:
    case GPUP_OP_StopDirtyTracking:
    case GPUP_OP_QueryDirtyBitData:
        *basis = basis_slot(s->vf, basis_of(s)->number);
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
    bool handle = basis_of(step)->symbol == GPUP_SYMBOL_NONE;
    bool made =
        step->op == GPUP_OP_CreateMemoryBasis ||
        gpup_machine_state_of(&s->at[step->host], GPUP_MACHINE_tracking, basis) != GPUP_STATE_tracking_Absent;
    if (basis != GPUP_SLOT_NONE && (!handle || !made))
        return false;
    return gpup_machine_legal(&s->at[step->host], ddi, step->vf, basis, a, NULL);
}

int steer_bit(unsigned bits, uint32_t number) {
    unsigned count = (unsigned)__builtin_popcount(bits);
    for (unsigned skip = count ? number % count : 0; skip; skip--)
        bits &= bits - 1;
    return bits ? __builtin_ctz(bits) : -1;
}

int steer_basis(const struct steer *s, const struct gpup_step *step, unsigned states, uint32_t number) {
    unsigned slots = 0;
    for (uint32_t slot = 0; slot < 8; slot++)
        slots |= (states >> gpup_machine_state_of(&s->at[step->host], GPUP_MACHINE_tracking,
                                                  basis_slot(step->vf, slot)) &
                  1)
                 << slot;
    return steer_bit(slots, number);
}

bool steer_has_vm(const struct steer *s, uint8_t host, uint32_t vf) {
    return gpup_machine_state_of(&s->at[host], GPUP_MACHINE_vgpu, vf) >= GPUP_STATE_vgpu_Resourced;
}

/* What the host, the guest or the device does with a VM needs one, and most of it one that runs. */
static bool has_vm(unsigned op, uint8_t life) {
    switch (op) {
    case GPUP_OP_StartVm:
    case GPUP_OP_CreateVm:
        return life == GPUP_STATE_vgpu_Absent;
    case GPUP_OP_PlaceReserve:
        return life == GPUP_STATE_vgpu_Created;
    case GPUP_OP_CreateMemoryBasis: /* of its memory */
    case GPUP_OP_CopyVram:
        return life >= GPUP_STATE_vgpu_Resourced;
    case GPUP_OP_StopVm:
    case GPUP_OP_CreateReserveBasis:
    case GPUP_OP_QueryIntercepts:
    case GPUP_OP_SuspendChannel:
    case GPUP_OP_StartChannel:
    case GPUP_OP_ReplayInterrupts:
        return life != GPUP_STATE_vgpu_Absent;
    case GPUP_OP_ProgramInterrupts:
    case GPUP_OP_RaiseInterrupt:
        return life == GPUP_STATE_vgpu_Powered;
    case GPUP_OP_PowerCycle: /* no VM runs then */
        return life != GPUP_STATE_vgpu_Powered;
    default:
        return gpup_op_info(op)->group != GPUP_GROUP_guest || life == GPUP_STATE_vgpu_Powered;
    }
}

static bool makes_vm(unsigned op) {
    return op == GPUP_OP_StartVm || op == GPUP_OP_CreateVm;
}

bool steer_useful(const struct steer *s, const struct gpup_step *step) {
    uint8_t life = gpup_machine_state_of(&s->at[step->host], GPUP_MACHINE_vgpu, step->vf);
    uint8_t gate = s->ddi[step->op] == GPUP_SPEC_NONE ? 0 : gpup_ddis[s->ddi[step->op]].gate;
    if (s->untracked && (gate == GPUP_GATE_LiveMigration || gate == GPUP_GATE_DirtyBitTrackingSupported))
        return false;
    if (gpup_op_info(step->op)->group == GPUP_GROUP_blob)
        return (s->saved[0] | s->saved[1]) != 0;
    if (step->op == GPUP_OP_DestroyProcess || step->op == GPUP_OP_SetVirtualMachineData)
        return s->processes[step->host] != 0;
    bool counted =
        gpup_machine_state_of(&s->at[step->host], GPUP_MACHINE_partition, 0) == GPUP_STATE_partition_Counted;
    if (!has_vm(step->op, life) || (makes_vm(step->op) && !counted))
        return false;
    if (step->op == GPUP_OP_RestoreImmutableMigrationData || step->op == GPUP_OP_RestoreMutableMigrationData)
        return s->saved[step->op == GPUP_OP_RestoreMutableMigrationData] != 0;
    return step->op != GPUP_OP_CopyDirty || steer_basis(s, step, 1u << GPUP_STATE_tracking_Tracking, 0) >= 0;
}

static void follow_process(struct steer *s, const struct gpup_step *step) {
    uint8_t bit = (uint8_t)(1u << step->f[0].number % 8);
    if (step->op == GPUP_OP_CreateProcess)
        s->processes[step->host] |= bit;
    if (step->op == GPUP_OP_DestroyProcess)
        s->processes[step->host] &= (uint8_t)~bit;
}

/* Which blobs hold what. */
static void follow_data(struct steer *s, const struct gpup_step *step) {
    bool mutable = step->op == GPUP_OP_SaveMutableMigrationData;
    if (step->op == GPUP_OP_CopyBlob)
        for (unsigned i = 0; i < 2; i++)
            s->saved[i] |= (uint16_t)((s->saved[i] >> step->f[GPUP_CopyBlob_from].number % 16 & 1)
                                      << step->f[GPUP_CopyBlob_to].number % 16);
    if ((mutable || step->op == GPUP_OP_SaveImmutableMigrationData) &&
        step->f[GPUP_SaveMutableMigrationData_data].number != GPUP_BUFFER_NULL)
        s->saved[mutable] |= (uint16_t)(1u << step->f[GPUP_SaveMutableMigrationData_blob].number % 16);
}

/* Of the machines that a step of this VF moves. */
static uint8_t state_at(const struct steer *s, const struct gpup_step *step, uint16_t machine) {
    uint32_t slot = gpup_machines[machine].per == GPUP_PER_vf ? step->vf
                    : gpup_machines[machine].per == GPUP_PER_basis
                        ? basis_slot(step->vf, basis_of(step)->number)
                        : 0;
    return gpup_machine_state_of(&s->at[step->host], machine, slot);
}

static uint32_t *seen(struct steer *s, const struct gpup_step *step) {
    return s->seen[step->host][step->vf % 4];
}

bool steer_moves(struct steer *s, const struct gpup_step *step, bool fresh) {
    if (!s->can_move[step->op])
        return false;
    struct gpup_machine_state before = s->at[step->host];
    uint16_t saved[2] = {s->saved[0], s->saved[1]};
    uint8_t processes = s->processes[step->host];
    uint32_t was[GPUP_MACHINE_MAX];
    bool moved, first = false;
    uint64_t place = s->place[step->host][step->vf % 4];
    memcpy(was, seen(s, step), sizeof was);
    steer_follow(s, step);
    moved =
        memcmp(&before, &s->at[step->host], sizeof before) != 0 || (!processes && s->processes[step->host]);
    for (uint16_t machine = 0; machine < gpup_spec_counts.machines; machine++)
        first |= state_at(s, step, machine) != gpup_machines[machine].initial &&
                 !(was[machine] >> state_at(s, step, machine) & 1);
    memcpy(seen(s, step), was, sizeof was);
    s->place[step->host][step->vf % 4] = place;
    memcpy(s->saved, saved, sizeof saved);
    s->processes[step->host] = processes;
    s->at[step->host] = before;
    return moved && (first || !fresh);
}

static void advance(struct steer *s, const struct gpup_step *step);

static void follow_slot(struct steer *s, const struct gpup_step *step, unsigned op, uint64_t slot) {
    struct gpup_step call;
    gpup_step_defaults(&call, op);
    call.host = step->host;
    call.vf = step->vf;
    if (op == GPUP_OP_CreateMemoryBasis || op == GPUP_OP_StartDirtyTracking)
        call.f[0].number = slot;
    advance(s, &call);
}

static void follow(struct steer *s, const struct gpup_step *step, unsigned op) {
    follow_slot(s, step, op, TRACKING_SLOT);
}

static void advance(struct steer *s, const struct gpup_step *step) {
    uint64_t a[GPUP_DDI_ARGUMENTS_MAX];
    uint32_t basis;
    switch (step->op) {
    case GPUP_OP_StartVm:
    case GPUP_OP_CreateVm:
        follow(s, step, GPUP_OP_CreateVirtualGpu);
        follow(s, step, GPUP_OP_SetVirtualGpuResources);
        if (s->tracks) {
            follow(s, step, GPUP_OP_CreateMemoryBasis);
            follow(s, step, GPUP_OP_StartDirtyTracking);
        }
        if (step->op == GPUP_OP_StartVm)
            follow(s, step, GPUP_OP_SetVirtualFunctionPowerState);
        return;
    case GPUP_OP_StopVm:
        follow(s, step, GPUP_OP_DestroyVirtualGpu);
        for (uint32_t slot = 0; slot < 8; slot++)
            gpup_machine_set(&s->at[step->host], GPUP_MACHINE_tracking, basis_slot(step->vf, slot),
                             GPUP_STATE_tracking_Absent);
        return;
    case GPUP_OP_CreateReserveBasis:
        follow_slot(s, step, GPUP_OP_CreateMemoryBasis, step->f[GPUP_CreateReserveBasis_slot].number);
        return;
    case GPUP_OP_GuestWrite:
        s->place[step->host][step->vf % 4] = step->f[GPUP_GuestWrite_offset].number;
        return;
    case GPUP_OP_Restart:
    case GPUP_OP_ChangeDriver:
        begin(&s->at[step->host]);
        s->processes[step->host] = 0;
        if (step->op == GPUP_OP_ChangeDriver)
            gpup_machine_set(&s->at[step->host], GPUP_MACHINE_partition, 0, GPUP_STATE_partition_NoCount);
        return;
    default:
        break;
    }
    follow_process(s, step);
    if (!steer_legal(s, step))
        return;
    follow_data(s, step);
    if (s->ddi[step->op] == GPUP_SPEC_NONE)
        return;
    arguments(step, s->ddi[step->op], a, &basis);
    gpup_machine_step(&s->at[step->host], s->ddi[step->op], step->vf, basis, a);
}

void steer_follow(struct steer *s, const struct gpup_step *step) {
    advance(s, step);
    for (uint16_t machine = 0; machine < gpup_spec_counts.machines; machine++)
        seen(s, step)[machine] |= 1u << state_at(s, step, machine);
}
