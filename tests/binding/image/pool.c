/* An image, which no sanitizer looks into, that uses pool as it must not. */
#include "seh.h"

#define TAG 0x6C6F6F50

static UCHAR *block(SIZE_T size) {
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG);
}

EXPORT(inside) {
    volatile UCHAR *p = block(64);
    (void)room;
    p[0] = 1;
    p[63] = p[0];
    ExFreePoolWithTag((PVOID)p, TAG);
    return 0;
}

EXPORT(written_over_the_end) {
    volatile UCHAR *p = block(64);
    (void)room;
    p[64] = 1;
    return 0;
}

EXPORT(read_over_the_end) {
    volatile UCHAR *p = block(4096);
    (void)room;
    return p[4096];
}

EXPORT(written_into_the_rounding) { /* 61 bytes take 64 */
    volatile UCHAR *p = block(61);
    (void)room;
    p[62] = 1;
    ExFreePoolWithTag((PVOID)p, TAG);
    return 0;
}

EXPORT(written_before_it) {
    volatile UCHAR *p = block(64);
    (void)room;
    p[-1] = 1;
    ExFreePoolWithTag((PVOID)p, TAG);
    return 0;
}

EXPORT(written_after_it_was_freed) {
    volatile UCHAR *p = block(64);
    (void)room;
    ExFreePoolWithTag((PVOID)p, TAG);
    p[8] = 1;
    return 0;
}

EXPORT(freed_twice) {
    UCHAR *p = block(64);
    (void)room;
    ExFreePoolWithTag(p, TAG);
    ExFreePoolWithTag(p, TAG);
    return 0;
}

EXPORT(constant_written) {
    static const ULONG constant = 5;
    (void)room;
    *(volatile ULONG *)(ULONG_PTR)&constant = 6;
    return 0;
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    (void)driver;
    (void)path;
    return STATUS_SUCCESS;
}
