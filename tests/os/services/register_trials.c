/* Device memory: mappings and the accessors. The device is 64 KB of registers, see services_test.c. */
#include "trial.h"

static const PHYSICAL_ADDRESS device = {.QuadPart = DEVICE_ADDRESS}, elsewhere = {.QuadPart = 0x7000};

static uint8_t *map(void) {
    return MmMapIoSpace(device, PAGE_SIZE, MmNonCached);
}

EFFECT(MmMapIoSpace) {
    ULONG *registers = MmMapIoSpace(device, PAGE_SIZE, MmNonCached);

    MUST(registers != NULL);
    WRITE_REGISTER_ULONG(registers + 3, 0x12345678);
    MUST(READ_REGISTER_ULONG(registers + 3) == 0x12345678);
    MmUnmapIoSpace(registers, PAGE_SIZE);
    return 0;
}
MISUSE(MmMapIoSpace) { /* not the device's */
    return (uint64_t)(uintptr_t)MmMapIoSpace(elsewhere, PAGE_SIZE, MmNonCached);
}
EFFECT(MmMapIoSpaceEx) {
    ULONG *registers = MmMapIoSpaceEx(device, 256, PAGE_READWRITE | PAGE_NOCACHE);

    MUST(registers != NULL);
    MmUnmapIoSpace(registers, 256);
    return 0;
}
MISUSE(MmMapIoSpaceEx) { /* stays mapped */
    return (uint64_t)(uintptr_t)MmMapIoSpaceEx(device, 256, PAGE_READWRITE | PAGE_NOCACHE);
}
MISUSE(MmUnmapIoSpace) { /* twice */
    void *registers = map();

    MmUnmapIoSpace(registers, PAGE_SIZE);
    MmUnmapIoSpace(registers, PAGE_SIZE);
    return 0;
}

/* Each width writes what it reads, and no more than that; one that was unmapped faults. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type */
#define WIDTH(suffix, type)                                                                                  \
    EFFECT(READ_REGISTER_##suffix) {                                                                         \
        uint8_t *base = map();                                                                               \
        volatile type *at = (volatile type *)(void *)(base + 64);                                            \
                                                                                                             \
        WRITE_REGISTER_##suffix(at - 1, (type)0x1111111111111111);                                           \
        WRITE_REGISTER_##suffix(at, (type)0xA5A6A7A8A9AAABAC);                                               \
        WRITE_REGISTER_##suffix(at + 1, (type)0x2222222222222222);                                           \
        MUST(READ_REGISTER_##suffix(at) == (type)0xA5A6A7A8A9AAABAC);                                        \
        MUST(READ_REGISTER_##suffix(at - 1) == (type)0x1111111111111111);                                    \
        MmUnmapIoSpace(base, PAGE_SIZE);                                                                     \
        return 0;                                                                                            \
    }                                                                                                        \
    MISUSE(READ_REGISTER_##suffix) {                                                                         \
        uint8_t *base = map();                                                                               \
                                                                                                             \
        MmUnmapIoSpace(base, PAGE_SIZE);                                                                     \
        return READ_REGISTER_##suffix((volatile type *)(void *)base);                                        \
    }                                                                                                        \
    MISUSE(WRITE_REGISTER_##suffix) {                                                                        \
        uint8_t *base = map();                                                                               \
                                                                                                             \
        MmUnmapIoSpace(base, PAGE_SIZE);                                                                     \
        WRITE_REGISTER_##suffix((volatile type *)(void *)base, 1);                                           \
        return 0;                                                                                            \
    }
WIDTH(UCHAR, UCHAR)
WIDTH(USHORT, USHORT)
WIDTH(ULONG, ULONG)
WIDTH(ULONG64, ULONG64)
/* NOLINTEND(bugprone-macro-parentheses) */

EFFECT(READ_REGISTER_BUFFER_ULONG) {
    ULONG *base = (ULONG *)(void *)map(), out[3] = {1, 2, 3}, in[3] = {0};

    WRITE_REGISTER_BUFFER_ULONG(base + 8, out, 3);
    READ_REGISTER_BUFFER_ULONG(base + 8, in, 3);
    MUST(in[0] == 1 && in[1] == 2 && in[2] == 3);
    MmUnmapIoSpace(base, PAGE_SIZE);
    return 0;
}
MISUSE(READ_REGISTER_BUFFER_ULONG) { /* beyond the mapping */
    ULONG *base = (ULONG *)(void *)map(), in[4];

    READ_REGISTER_BUFFER_ULONG(base + PAGE_SIZE / 4 - 1, in, 4);
    return 0;
}
MISUSE(WRITE_REGISTER_BUFFER_ULONG) {
    ULONG *base = (ULONG *)(void *)map(), out[4] = {0};

    WRITE_REGISTER_BUFFER_ULONG(base + PAGE_SIZE / 4 - 1, out, 4);
    return 0;
}

const struct trial register_trials[] = {
    TRIAL(MmMapIoSpace, PARAMETER),
    TRIAL(MmMapIoSpaceEx, LEAVES),
    WITH(MmUnmapIoSpace, MmMapIoSpace, OBJECT),
    TRIAL(READ_REGISTER_UCHAR, FAULTS),
    TRIAL(READ_REGISTER_USHORT, FAULTS),
    TRIAL(READ_REGISTER_ULONG, FAULTS),
    TRIAL(READ_REGISTER_ULONG64, FAULTS),
    WITH(WRITE_REGISTER_UCHAR, READ_REGISTER_UCHAR, FAULTS),
    WITH(WRITE_REGISTER_USHORT, READ_REGISTER_USHORT, FAULTS),
    WITH(WRITE_REGISTER_ULONG, READ_REGISTER_ULONG, FAULTS),
    WITH(WRITE_REGISTER_ULONG64, READ_REGISTER_ULONG64, FAULTS),
    TRIAL(READ_REGISTER_BUFFER_ULONG, FAULTS),
    WITH(WRITE_REGISTER_BUFFER_ULONG, READ_REGISTER_BUFFER_ULONG, FAULTS),
    {0},
};
