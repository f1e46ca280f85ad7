/* The example of an implementation with memory damage in it, behind messages that no guest would program: for
 * tests of what is made of a sanitizer's report. */
#include <gpup/implementation.h>

#define gpup_implementation(...) honest_implementation(__VA_ARGS__)
const struct gpup_implementation *gpup_implementation(void);
#include "../../examples/simulator/simulator.c"
#undef gpup_implementation

#include <ddi/wdm.h>

#include <stdlib.h>

#define BEHIND 0x50AA0001u   /* writes behind a block */
#define FREED 0x50AA0002u    /* reads a block that was freed */
#define SHORT_IN 0x50AA0003u /* has a service read more than a block */
#define SHORT_OUT 0x50AA0004u

static DRIVER_INITIALIZATION_DATA planted_ddis;

static void write_behind(volatile char *block) {
    block[16] = 1;
}

static void read_freed(volatile char *block) {
    free((void *)(uintptr_t)block);
    (void)block[3];
}

/* The service copies a GUID of 16 bytes from here. */
static void short_in(void *block) {
    REGHANDLE handle;
    EtwRegister((LPCGUID)((char *)block + 8), NULL, NULL, &handle);
}

/* It writes 4 bytes, and is told that there is room for them. */
static void short_out(void *block) {
    ULONG length;
    IoGetDeviceProperty(NULL, DevicePropertyBusNumber, 4, (char *)block + 14, &length);
}

static NTSTATUS DDI_CALL planted_write(const HANDLE context, const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *a) {
    char *block = malloc(16);
    if (block && a->WriteValue.MessageData == BEHIND)
        write_behind(block);
    else if (block && a->WriteValue.MessageData == SHORT_IN)
        short_in(block);
    else if (block && a->WriteValue.MessageData == SHORT_OUT)
        short_out(block);
    if (block && a->WriteValue.MessageData == FREED)
        read_freed(block);
    else
        free(block);
    return ddis.DxgkDdiWriteVirtualizedInterrupt(context, a);
}

static bool open_planted(struct gpup_open *open) {
    bool opened = honest_implementation()->open(open);
    planted_ddis = ddis;
    planted_ddis.DxgkDdiWriteVirtualizedInterrupt = planted_write;
    open->ddis = &planted_ddis;
    return opened;
}

const struct gpup_implementation *gpup_implementation(void) {
    static struct gpup_implementation planted;
    planted = *honest_implementation();
    planted.open = open_planted;
    return &planted;
}
