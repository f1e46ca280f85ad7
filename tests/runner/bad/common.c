#include "bad.h"

/* examples/simulator/simulator.c, with its entry renamed */
const struct gpup_implementation *simulator_implementation(void);

static const DRIVER_INITIALIZATION_DATA *honest;
static DRIVER_INITIALIZATION_DATA changed;

static NTSTATUS DDI_CALL write_badly(HANDLE adapter, const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    if (args->WriteValue.MessageData == 0x53)
        misbehave(args);
    return honest->DxgkDdiWriteVirtualizedInterrupt(adapter, args);
}

static bool open_badly(struct gpup_open *open) {
    if (!simulator_implementation()->open(open))
        return false;
    honest = open->ddis;
    changed = *honest;
    changed.DxgkDdiWriteVirtualizedInterrupt = write_badly;
    open->ddis = &changed;
    return true;
}

const struct gpup_implementation *gpup_implementation(void) {
    static struct gpup_implementation implementation;
    implementation = *simulator_implementation();
    implementation.open = open_badly;
    return &implementation;
}
