/* The example's driver, which loses a block two calls deep before it begins, or reads where nothing is. */
#include <ddi/wdm.h>

#undef DriverEntry
#define DEEP __attribute__((noinline))

DRIVER_INITIALIZE DriverEntry, example_entry;

static DEEP void grab(volatile UCHAR **out) {
    *out = ExAllocatePool2(POOL_FLAG_NON_PAGED, 72, 0x6B61654C); /* grab's line */
    __asm__ volatile("");
}

static DEEP UCHAR touch(const volatile UCHAR *at) {
    UCHAR value = *at; /* touch's line */
    __asm__ volatile("");
    return value;
}

static DEEP UCHAR take(void) {
    volatile UCHAR *block = NULL;
    UCHAR value = 0;
    grab(&block); /* take's line */
#ifdef TOUCHES
    block = (volatile UCHAR *)16;
#endif
    if (block)
        value = touch(block); /* where it faults */
    __asm__ volatile("");
    return value;
}

NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    UCHAR seen = take(); /* the entry's line */
    __asm__ volatile("" : : "r"(seen));
    return example_entry(driver, registry_path);
}
