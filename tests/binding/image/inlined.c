/* What the WDK's headers put into a driver: IRQL by CR8, the processor's data behind GS. */
#include <ddi/wdm.h>

DRIVER_INITIALIZE DriverEntry;
VOID levels(UINT64 *out);
VOID every_register(UINT64 *out);
VOID processor(UINT64 *out);
VOID times(UINT64 *out);
VOID shared_write(UINT64 *out);
VOID shared_field(UINT64 *out);
VOID too_high(UINT64 *out);
VOID other_control_register(UINT64 *out);

static UINT64 read_cr8(void) {
    UINT64 value;
    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

static void write_cr8(UINT64 value) {
    __asm__ volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

VOID levels(UINT64 *out) {
    KSPIN_LOCK lock;
    KIRQL before;
    out[0] = read_cr8();
    write_cr8(DISPATCH_LEVEL);
    out[1] = read_cr8();
    out[2] = KeGetCurrentIrql();
    write_cr8(PASSIVE_LEVEL);
    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &before);
    out[3] = read_cr8();
    KeReleaseSpinLock(&lock, before);
    out[4] = read_cr8();
}

/* Each register as source and as destination. */
#define THROUGH(name, clobber)                                                                               \
    __asm__ volatile("mov %1, %%" name "\n\tmov %%" name ", %%cr8\n\txor %%" name ", %%" name                \
                     "\n\tmov %%cr8, %%" name "\n\tmov %%" name ", %0"                                       \
                     : "=m"(out[i])                                                                          \
                     : "m"(in)                                                                               \
                     : clobber, "memory");                                                                   \
    i++

VOID every_register(UINT64 *out) {
    UINT64 in = APC_LEVEL;
    int i = 0;
    THROUGH("rax", "rax");
    THROUGH("rbx", "rbx");
    THROUGH("rcx", "rcx");
    THROUGH("rdx", "rdx");
    THROUGH("rsi", "rsi");
    THROUGH("rdi", "rdi");
    THROUGH("r8", "r8");
    THROUGH("r9", "r9");
    THROUGH("r10", "r10");
    THROUGH("r11", "r11");
    THROUGH("r12", "r12");
    THROUGH("r13", "r13");
    THROUGH("r14", "r14");
    THROUGH("r15", "r15");
    write_cr8(PASSIVE_LEVEL);
}

VOID processor(UINT64 *out) {
    UINT64 self, prcb, thread, number = 0;
    __asm__ volatile("movq %%gs:0x18, %0" : "=r"(self));
    __asm__ volatile("movq %%gs:0x20, %0" : "=r"(prcb));
    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(thread));
    __asm__ volatile("movl %%gs:0x1a4, %k0" : "=r"(number));
    out[0] = *(UINT64 *)(self + 0x18) == self;
    out[1] = prcb == self + 0x180;
    out[2] = thread == (UINT64)(ULONG_PTR)KeGetCurrentThread();
    out[3] = number;
}

#define SHARED 0xFFFFF78000000000u

/* As wdm.h's KeQueryInterruptTime, KeQuerySystemTime and KeQueryTickCount are on x64. */
VOID times(UINT64 *out) {
    LARGE_INTEGER system;
    UINT64 before = KeQueryInterruptTimePrecise(&out[7]), since;
    out[0] = *(volatile UINT64 *)(SHARED + 8);
    out[1] = KeQueryInterruptTimePrecise(&out[7]);
    out[0] = before < out[0] && out[0] < out[1];
    KeQuerySystemTimePrecise(&system);
    out[1] = *(volatile UINT64 *)(SHARED + 0x14) - (UINT64)system.QuadPart;
    out[2] = *(volatile UINT32 *)(SHARED + 0x18) == (UINT32)(system.QuadPart >> 32);
    out[3] = *(volatile UINT32 *)(SHARED + 0x1C) == (UINT32)(system.QuadPart >> 32);
    since = *(volatile UINT64 *)(SHARED + 0x320);
    while (*(volatile UINT64 *)(SHARED + 0x320) < since + 2)
        KeStallExecutionProcessor(50);
    out[4] = KeQueryInterruptTimePrecise(&out[7]) - before;
}

VOID shared_write(UINT64 *out) {
    out[0] = 1;
    *(volatile UINT64 *)(SHARED + 8) = 0;
}

VOID shared_field(UINT64 *out) {
    out[0] = *(volatile UINT32 *)(SHARED + 0x30);
}

VOID too_high(UINT64 *out) {
    out[0] = 1;
    write_cr8(HIGH_LEVEL + 1);
    out[0] = 2;
}

VOID other_control_register(UINT64 *out) {
    __asm__ volatile("mov %%cr3, %0" : "=r"(out[0]));
}

VOID interrupts_off(UINT64 *out);
VOID interrupts_off(UINT64 *out) {
    __asm__ volatile("cli");
    out[0] = 1;
}

VOID write_back(UINT64 *out);
VOID write_back(UINT64 *out) {
    __asm__ volatile("wbinvd" : : : "memory");
    out[0] = 1;
}

NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    (void)driver;
    (void)path;
    return STATUS_SUCCESS;
}
