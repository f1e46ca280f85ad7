/* Which operations belong together, and how often each is worth a step. What a step did is seen, or undone,
 * by another of its topic. */
#include "mutate.h"

enum {
    LIFE = 2,
    CONFIG = 4,
    INTERRUPT = 8,
    TRACKING = 16,
    RESERVE = 32,
    MIGRATION = 64,
    CHANNEL = 128,
    PROCESS = 256,
    RANGES = 512,
    FRAMEWORK = 1024,
    ACT = 0x4000, /* changes what others of its topics tell of, but no machine */
    LOOK = 0x8000 /* tells what others of its topics did */
};

/* What is not named goes with anything, and so nothing tells of it in particular. */
static const uint16_t topics[GPUP_OPS] = {
    [GPUP_OP_CreateVirtualGpu] = LIFE | RESERVE,
    [GPUP_OP_DestroyVirtualGpu] = LIFE | RESERVE,
    [GPUP_OP_SetVirtualGpuResources] = LIFE | RESERVE,
    [GPUP_OP_SetVirtualGpuResources2] = LIFE | RESERVE,
    [GPUP_OP_GetVirtualGpuInfo] = LOOK | LIFE,
    [GPUP_OP_SuspendVirtualGpu] = LIFE,
    [GPUP_OP_ResumeVirtualGpu] = LIFE,
    [GPUP_OP_ResetVirtualFunction] = ACT | LIFE | CONFIG | INTERRUPT,
    [GPUP_OP_SetVirtualFunctionPowerState] = LIFE | CONFIG | INTERRUPT,
    [GPUP_OP_PowerCycle] = LIFE | CONFIG | INTERRUPT,
    [GPUP_OP_GuestRead] = LOOK | MIGRATION | LIFE,
    [GPUP_OP_GuestSetRegister] = ACT | MIGRATION | LIFE,
    [GPUP_OP_GuestReset] = ACT | MIGRATION | LIFE,

    [GPUP_OP_ReadVirtualFunctionConfig] = LOOK | CONFIG,
    [GPUP_OP_WriteVirtualFunctionConfig] = ACT | CONFIG,
    [GPUP_OP_ReadVirtualFunctionConfigBlock] = LOOK | CONFIG,
    [GPUP_OP_WriteVirtualFunctionConfigBlock] = ACT | CONFIG,
    [GPUP_OP_GetVendorAndDevice] = LOOK | CONFIG,
    [GPUP_OP_GetDeviceLocation] = LOOK | CONFIG,
    [GPUP_OP_QueryVirtualFunctionLuid] = LOOK | CONFIG,
    [GPUP_OP_VirtualGpuDriverEscape] = LOOK | CHANNEL | CONFIG | PROCESS,

    [GPUP_OP_QueryProbedBars] = LOOK | RANGES,
    [GPUP_OP_GetResourceForBar] = LOOK | RANGES,
    [GPUP_OP_QueryMitigatedRangeCount] = LOOK | RANGES,
    [GPUP_OP_QueryMitigatedRanges] = LOOK | RANGES,
    [GPUP_OP_GetMmioRangeCount] = LOOK | RANGES,
    [GPUP_OP_GetMmioRanges] = LOOK | RANGES,
    [GPUP_OP_GetBackingResource] = LOOK | RANGES,
    [GPUP_OP_QueryIntercepts] = LOOK | RANGES,

    [GPUP_OP_WriteVirtualizedInterrupt] = ACT | INTERRUPT | MIGRATION,
    [GPUP_OP_ProgramInterrupts] = ACT | INTERRUPT,
    [GPUP_OP_RaiseInterrupt] = LOOK | INTERRUPT,
    [GPUP_OP_ReplayInterrupts] = LOOK | INTERRUPT | MIGRATION,

    [GPUP_OP_CreateMemoryBasis] = TRACKING | RESERVE,
    [GPUP_OP_DestroyMemoryBasis] = TRACKING | RESERVE,
    [GPUP_OP_PlaceReserve] = ACT | RESERVE | TRACKING,
    [GPUP_OP_CreateReserveBasis] = RESERVE | TRACKING,
    [GPUP_OP_StartDirtyTracking] = TRACKING,
    [GPUP_OP_StopDirtyTracking] = TRACKING,
    [GPUP_OP_QueryDirtyBitData] = LOOK | TRACKING,
    [GPUP_OP_GuestWrite] = ACT | TRACKING | MIGRATION,
    [GPUP_OP_GuestWork] = ACT | TRACKING | MIGRATION,
    [GPUP_OP_CopyVram] = ACT | TRACKING | MIGRATION,
    [GPUP_OP_CopyDirty] = LOOK | TRACKING | MIGRATION,

    [GPUP_OP_PrepareLiveMigration] = MIGRATION,
    [GPUP_OP_SaveImmutableMigrationData] = LOOK | MIGRATION,
    [GPUP_OP_SaveMutableMigrationData] = LOOK | MIGRATION,
    [GPUP_OP_RestoreImmutableMigrationData] = MIGRATION,
    [GPUP_OP_RestoreMutableMigrationData] = MIGRATION,
    [GPUP_OP_EndLiveMigration] = MIGRATION,
    [GPUP_OP_SetVirtualFunctionPauseState] = MIGRATION | LIFE,
    [GPUP_OP_PatchBlob] = ACT | MIGRATION,
    [GPUP_OP_ResizeBlob] = ACT | MIGRATION,
    [GPUP_OP_CopyBlob] = ACT | MIGRATION,

    [GPUP_OP_SetVirtualGpuVmBus] = CHANNEL,
    [GPUP_OP_GuestOpenChannel] = CHANNEL,
    [GPUP_OP_GuestSendPacket] = ACT | LOOK | CHANNEL,
    [GPUP_OP_GuestCloseChannel] = CHANNEL,
    [GPUP_OP_SuspendChannel] = CHANNEL,
    [GPUP_OP_StartChannel] = CHANNEL,
    [GPUP_OP_FailVmbus] = CHANNEL,

    [GPUP_OP_CreateProcess] = PROCESS,
    [GPUP_OP_DestroyProcess] = PROCESS,
    [GPUP_OP_SetVirtualMachineData] = ACT | PROCESS,

    [GPUP_OP_WdfInterruptCreate] = FRAMEWORK,
    [GPUP_OP_FrameworkDevice] = FRAMEWORK,
    [GPUP_OP_FrameworkMove] = FRAMEWORK,
    [GPUP_OP_FrameworkDriver] = FRAMEWORK,
    [GPUP_OP_InterruptConfig] = ACT | FRAMEWORK,
    [GPUP_OP_InterruptAttributes] = ACT | FRAMEWORK,
    [GPUP_OP_InterruptAct] = LOOK | FRAMEWORK,
    [GPUP_OP_InterruptSignal] = ACT | LOOK | FRAMEWORK,
};

uint16_t mutate_topics(unsigned op) {
    return topics[op] & (uint16_t) ~(ACT | LOOK);
}

bool mutate_of_framework(unsigned op) {
    return topics[op] & FRAMEWORK;
}

bool mutate_looks(unsigned op) {
    return topics[op] & LOOK;
}

bool mutate_upsets(unsigned op) {
    switch (op) {
    case GPUP_OP_StopDevice:
    case GPUP_OP_StartDevice:
    case GPUP_OP_SetPowerState:
    case GPUP_OP_PowerCycle:
    case GPUP_OP_Restart:
    case GPUP_OP_ChangeDriver:
    case GPUP_OP_RemoveHardware:
        return true;
    default:
        return false;
    }
}

/* What ends much, what nobody calls and what only a framework does comes seldom. */
static uint8_t worth(unsigned op) {
    if (mutate_upsets(op) || topics[op] & FRAMEWORK)
        return 1;
    switch (op) {
    case GPUP_OP_SuspendVirtualGpu:
    case GPUP_OP_ResumeVirtualGpu:
    case GPUP_OP_GetGpuEngines:
        return 1;
    case GPUP_OP_Together:
    case GPUP_OP_StopVm:
    case GPUP_OP_DestroyVirtualGpu:
    case GPUP_OP_Wait:
        return 2;
    case GPUP_OP_CreateVm:
    case GPUP_OP_CreateVirtualGpu:
        return 4;
    default:
        return gpup_op_info(op)->group == GPUP_GROUP_fault ? 2 : MUTATE_WORTH;
    }
}

void mutate_weigh(struct gpup_mutator *m) {
    for (unsigned op = 0; op < GPUP_OPS; op++)
        m->worth[op] = worth(op);
}

/* Each operation that fits stands there as often as it is worth. */
static void choose_among(const struct gpup_mutator *m, struct mutate_choice *c) {
    c->total = 0;
    for (unsigned op = 0; op < GPUP_OPS; op++) {
        bool fits = (!c->about || topics[op] & c->about) && (!c->use || topics[op] & c->use) &&
                    (!c->framework || mutate_of_framework(op));
        for (unsigned n = 0; fits && n < m->worth[op]; n++)
            c->op[c->total++] = (uint8_t)op;
    }
    c->made = true;
}

static const struct mutate_choice *choice_of(struct gpup_mutator *m, uint16_t about, uint16_t use) {
    uint32_t key = about * 4u + (use == ACT) + 2u * (use == LOOK);
    struct mutate_choice *c = &m->choice[key * 0x9E3779B1u >> 26];
    if (!c->made || c->about != about || c->use != use || c->framework != m->framework) {
        *c = (struct mutate_choice){.about = about, .use = use, .framework = m->framework};
        choose_among(m, c);
    }
    return c;
}

unsigned mutate_op(struct gpup_mutator *m, uint16_t about) {
    static const uint16_t uses[] = {0, ACT, LOOK, LOOK};
    const struct mutate_choice *c = choice_of(m, about, about ? uses[mutate_below(m, 4)] : 0);
    uint32_t at = mutate_below(m, c->total);
    return c->total ? c->op[at] : mutate_op(m, 0);
}
