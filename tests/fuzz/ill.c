/* The example of an implementation with one of several ills, which GPUP_ILL names: for tests of what a
 * campaign makes of a driver that hangs, that ends the process, or that keeps its state in globals. */
#include <gpup/implementation.h>

#define gpup_implementation(...) honest_implementation(__VA_ARGS__)
const struct gpup_implementation *gpup_implementation(void);
#include "../../examples/simulator/simulator.c"
#undef gpup_implementation

#include <stdlib.h>

static bool has(const char *ill) {
    const char *named = getenv("GPUP_ILL");
    return named && strcmp(named, ill) == 0;
}

static void hang(void) {
    for (volatile unsigned i = 0;; i++)
        ;
}

static void damage(void) {
    volatile char *block = malloc(8);
    if (block)
        block[8] = 1;
}

/* A global, so that what one user of the object leaves is seen by the next. */
static uint32_t created;

static NTSTATUS DDI_CALL ill_create(HANDLE context, DXGKARG_CREATEVIRTUALGPU *a) {
    uint32_t bit = 1u << a->PartitionId % 32;
    if (created & bit)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = CreateVirtualGpu(context, a);
    if (status == STATUS_SUCCESS)
        created |= bit;
    return status;
}

static NTSTATUS DDI_CALL ill_destroy(HANDLE context, DXGKARG_DESTROYVIRTUALGPU *a) {
    if (a->PartitionId == 1 && has("hang"))
        hang();
    NTSTATUS status = DestroyVirtualGpu(context, a);
    if (status == STATUS_SUCCESS)
        created &= ~(1u << a->PartitionId % 32);
    return status;
}

static DRIVER_INITIALIZATION_DATA ill_ddis;

/* The message of the sequence that the host ends a program with. */
static NTSTATUS DDI_CALL ill_write(const HANDLE context, const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *a) {
    bool last = a->WriteValue.MessageData == 0x4E && a->WriteValue.MessageAddress == 0xFEE00000;
    if (last && has("last-damage"))
        damage();
    return last && has("last-refused") ? STATUS_UNSUCCESSFUL
                                       : ddis.DxgkDdiWriteVirtualizedInterrupt(context, a);
}

static bool open_ill(struct gpup_open *open) {
    if (has("open-hang"))
        hang();
    if (has("open-damage"))
        damage();
    bool opened = honest_implementation()->open(open);
    DXGKDDI_GPU_PARTITION_INTERFACE *partition = (void *)(uintptr_t)open->partition;
    if (opened) {
        partition->DxgkDdiCreateVirtualGpu = ill_create;
        partition->DxgkDdiDestroyVirtualGpu = ill_destroy;
        ill_ddis = ddis;
        ill_ddis.DxgkDdiWriteVirtualizedInterrupt = ill_write;
        open->ddis = &ill_ddis;
    }
    return opened;
}

__attribute__((constructor)) static void at_load(void) {
    if (has("load-damage"))
        damage();
}

const struct gpup_implementation *gpup_implementation(void) {
    static struct gpup_implementation ill;
    ill = *honest_implementation();
    ill.open = open_ill;
    return &ill;
}
