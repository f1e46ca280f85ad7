/* Which operations belong together: what a step did is seen, or undone, by another of its topic. */
#include "mutate.h"

enum {
    ADAPTER = 1, /* also what goes with anything: nothing tells of it in particular */
    LIFE = 2,
    CONFIG = 4,
    INTERRUPT = 8,
    TRACKING = 16,
    RESERVE = 32,
    MIGRATION = 64,
    CHANNEL = 128,
    PROCESS = 256,
    RANGES = 512,
    FRAMEWORK = 1024
};

static const uint16_t topics[GPUP_OPS] = {
    [GPUP_OP_CreateVirtualGpu] = LIFE | RESERVE,
    [GPUP_OP_DestroyVirtualGpu] = LIFE | RESERVE,
    [GPUP_OP_SetVirtualGpuResources] = LIFE | RESERVE,
    [GPUP_OP_SetVirtualGpuResources2] = LIFE | RESERVE,
    [GPUP_OP_GetVirtualGpuInfo] = LIFE,
    [GPUP_OP_SuspendVirtualGpu] = LIFE,
    [GPUP_OP_ResumeVirtualGpu] = LIFE,
    [GPUP_OP_ResetVirtualFunction] = LIFE | CONFIG | INTERRUPT,
    [GPUP_OP_SetVirtualFunctionPowerState] = LIFE | CONFIG | INTERRUPT,
    [GPUP_OP_PowerCycle] = LIFE | CONFIG | INTERRUPT,
    [GPUP_OP_GuestRead] = MIGRATION | LIFE,
    [GPUP_OP_GuestSetRegister] = MIGRATION | LIFE,
    [GPUP_OP_GuestReset] = MIGRATION | LIFE,

    [GPUP_OP_ReadVirtualFunctionConfig] = CONFIG,
    [GPUP_OP_WriteVirtualFunctionConfig] = CONFIG,
    [GPUP_OP_ReadVirtualFunctionConfigBlock] = CONFIG,
    [GPUP_OP_WriteVirtualFunctionConfigBlock] = CONFIG,
    [GPUP_OP_GetVendorAndDevice] = CONFIG,
    [GPUP_OP_GetDeviceLocation] = CONFIG,
    [GPUP_OP_QueryVirtualFunctionLuid] = CONFIG,
    [GPUP_OP_VirtualGpuDriverEscape] = CHANNEL | CONFIG,

    [GPUP_OP_QueryProbedBars] = RANGES,
    [GPUP_OP_GetResourceForBar] = RANGES,
    [GPUP_OP_QueryMitigatedRangeCount] = RANGES,
    [GPUP_OP_QueryMitigatedRanges] = RANGES,
    [GPUP_OP_GetMmioRangeCount] = RANGES,
    [GPUP_OP_GetMmioRanges] = RANGES,
    [GPUP_OP_GetBackingResource] = RANGES,
    [GPUP_OP_QueryIntercepts] = RANGES,

    [GPUP_OP_WriteVirtualizedInterrupt] = INTERRUPT | MIGRATION,
    [GPUP_OP_ProgramInterrupts] = INTERRUPT,
    [GPUP_OP_RaiseInterrupt] = INTERRUPT,
    [GPUP_OP_ReplayInterrupts] = INTERRUPT | MIGRATION,

    [GPUP_OP_CreateMemoryBasis] = TRACKING | RESERVE,
    [GPUP_OP_DestroyMemoryBasis] = TRACKING | RESERVE,
    [GPUP_OP_PlaceReserve] = RESERVE | TRACKING,
    [GPUP_OP_CreateReserveBasis] = RESERVE | TRACKING,
    [GPUP_OP_StartDirtyTracking] = TRACKING,
    [GPUP_OP_StopDirtyTracking] = TRACKING,
    [GPUP_OP_QueryDirtyBitData] = TRACKING,
    [GPUP_OP_GuestWrite] = TRACKING | MIGRATION,
    [GPUP_OP_GuestWork] = TRACKING | MIGRATION,
    [GPUP_OP_CopyVram] = TRACKING | MIGRATION,
    [GPUP_OP_CopyDirty] = TRACKING | MIGRATION,

    [GPUP_OP_PrepareLiveMigration] = MIGRATION,
    [GPUP_OP_SaveImmutableMigrationData] = MIGRATION,
    [GPUP_OP_SaveMutableMigrationData] = MIGRATION,
    [GPUP_OP_RestoreImmutableMigrationData] = MIGRATION,
    [GPUP_OP_RestoreMutableMigrationData] = MIGRATION,
    [GPUP_OP_EndLiveMigration] = MIGRATION,
    [GPUP_OP_SetVirtualFunctionPauseState] = MIGRATION | LIFE,
    [GPUP_OP_PatchBlob] = MIGRATION,
    [GPUP_OP_ResizeBlob] = MIGRATION,
    [GPUP_OP_CopyBlob] = MIGRATION,

    [GPUP_OP_SetVirtualGpuVmBus] = CHANNEL,
    [GPUP_OP_GuestOpenChannel] = CHANNEL,
    [GPUP_OP_GuestSendPacket] = CHANNEL,
    [GPUP_OP_GuestCloseChannel] = CHANNEL,
    [GPUP_OP_SuspendChannel] = CHANNEL,
    [GPUP_OP_StartChannel] = CHANNEL,
    [GPUP_OP_FailVmbus] = CHANNEL,

    [GPUP_OP_CreateProcess] = PROCESS,
    [GPUP_OP_DestroyProcess] = PROCESS,
    [GPUP_OP_SetVirtualMachineData] = PROCESS,

    [GPUP_OP_WdfInterruptCreate] = FRAMEWORK,
    [GPUP_OP_FrameworkDevice] = FRAMEWORK,
    [GPUP_OP_FrameworkMove] = FRAMEWORK,
    [GPUP_OP_FrameworkDriver] = FRAMEWORK,
    [GPUP_OP_InterruptConfig] = FRAMEWORK,
    [GPUP_OP_InterruptAttributes] = FRAMEWORK,
    [GPUP_OP_InterruptAct] = FRAMEWORK,
    [GPUP_OP_InterruptSignal] = FRAMEWORK,
};

static uint16_t topics_of(unsigned op) {
    return topics[op] ? topics[op] : ADAPTER;
}

bool mutate_related(unsigned a, unsigned b) {
    return (topics_of(a) & topics_of(b)) != 0;
}
