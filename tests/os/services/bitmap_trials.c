/* Bitmaps: 70 bits, in which some runs stand out. */
#include "trial.h"

#define BITS 70u
struct bitmap {
    RTL_BITMAP map;
    ULONG words[3];
    ULONG start;
};
static PRTL_BITMAP fresh(void *room) {
    struct bitmap *b = room;

    RtlInitializeBitMap(&b->map, b->words, BITS);
    return &b->map;
}

EFFECT(RtlInitializeBitMap) {
    struct bitmap *b = room;
    PRTL_BITMAP map = fresh(room);

    b->words[0] = 5;
    MUST(map->SizeOfBitMap == BITS && map->Buffer == b->words && b->words[0] == 5); /* the bits stay */
    return 0;
}
MISUSE(RtlInitializeBitMap) {
    RtlInitializeBitMap(NULL, room, 3);
    return 0;
}
EFFECT(RtlSetAllBits) {
    PRTL_BITMAP map = fresh(room);

    RtlSetAllBits(map);
    MUST(RtlNumberOfSetBits(map) == BITS && RtlNumberOfClearBits(map) == 0);
    RtlClearAllBits(map);
    MUST(RtlNumberOfSetBits(map) == 0 && RtlNumberOfClearBits(map) == BITS);
    return 0;
}
EFFECT(RtlSetBits) {
    struct bitmap *b = room;
    PRTL_BITMAP map = fresh(room);

    RtlSetBits(map, 30, 6);
    MUST(b->words[0] == 0xC0000000 && b->words[1] == 0xF);
    RtlSetBit(map, 69);
    RtlClearBit(map, 31);
    RtlClearBits(map, 33, 2);
    MUST(b->words[0] == 0x40000000 && b->words[1] == 0x9 && b->words[2] == 0x20);
    MUST(RtlTestBit(map, 30) && !RtlTestBit(map, 31) && RtlTestBit(map, 69));
    MUST(RtlNumberOfSetBits(map) == 4 && RtlNumberOfClearBits(map) == BITS - 4);
    return 0;
}
EFFECT(RtlAreBitsSet) {
    PRTL_BITMAP map = fresh(room);

    RtlSetBits(map, 10, 40);
    MUST(RtlAreBitsSet(map, 10, 40) && !RtlAreBitsSet(map, 9, 2) && !RtlAreBitsSet(map, 49, 2));
    MUST(RtlAreBitsClear(map, 50, 20) && !RtlAreBitsClear(map, 49, 2) && RtlAreBitsClear(map, 0, 10));
    MUST(!RtlAreBitsSet(map, 10, 0));
    return 0;
}
EFFECT(RtlFindClearBits) {
    PRTL_BITMAP map = fresh(room);

    RtlSetBits(map, 4, 60); /* clear: 0-3, 64-69 */
    MUST(RtlFindClearBits(map, 3, 0) == 0 && RtlFindClearBits(map, 3, 2) == 64);
    MUST(RtlFindClearBits(map, 4, 67) == 0 && RtlFindClearBits(map, 7, 0) == MAXULONG);
    MUST(RtlFindSetBits(map, 60, 0) == 4 && RtlFindSetBits(map, 61, 0) == MAXULONG);
    MUST(RtlFindClearBitsAndSet(map, 6, 0) == 64 && RtlAreBitsSet(map, 64, 6));
    MUST(RtlFindClearBitsAndSet(map, 6, 0) == MAXULONG);
    MUST(RtlFindSetBitsAndClear(map, 2, 68) == 68 && RtlAreBitsClear(map, 68, 2));
    return 0;
}
EFFECT(RtlFindNextForwardRunClear) {
    struct bitmap *b = room;
    PRTL_BITMAP map = fresh(room);

    RtlSetBits(map, 0, 3);
    RtlSetBits(map, 5, 40); /* clear: 3-4, 45-69 */
    MUST(RtlFindNextForwardRunClear(map, 0, &b->start) == 2 && b->start == 3);
    MUST(RtlFindNextForwardRunClear(map, 5, &b->start) == 25 && b->start == 45);
    MUST(RtlFindFirstRunClear(map, &b->start) == 2 && b->start == 3);
    MUST(RtlFindLongestRunClear(map, &b->start) == 25 && b->start == 45);
    RtlSetBits(map, 48, 22); /* the longest is no longer the last */
    RtlClearBits(map, 10, 5);
    MUST(RtlFindLongestRunClear(map, &b->start) == 5 && b->start == 10);
    RtlSetAllBits(map);
    MUST(RtlFindFirstRunClear(map, &b->start) == 0 && RtlFindLongestRunClear(map, &b->start) == 0);
    return 0;
}
EFFECT(RtlFindLeastSignificantBit) {
    MUST(RtlFindLeastSignificantBit(0x50) == 4 && RtlFindLeastSignificantBit(0) == -1);
    MUST(RtlFindMostSignificantBit(0x50) == 6 && RtlFindMostSignificantBit(0) == -1);
    MUST(RtlFindMostSignificantBit(UINT64_MAX) == 63);
    return 0;
}

/* Beyond the bitmap; or no bitmap at all. */
#define BEYOND(name, ...)                                                                                    \
    MISUSE(name) {                                                                                           \
        name(fresh(room), __VA_ARGS__);                                                                      \
        return 0;                                                                                            \
    }
BEYOND(RtlSetBit, BITS)
BEYOND(RtlClearBit, BITS)
BEYOND(RtlSetBits, 60, 11)
BEYOND(RtlClearBits, BITS + 1, 0)
BEYOND(RtlTestBit, 1000000)
BEYOND(RtlAreBitsSet, 60, 11)
BEYOND(RtlAreBitsClear, 0, BITS + 1)
#define WITHOUT(name, ...)                                                                                   \
    MISUSE(name) {                                                                                           \
        ((struct bitmap *)room)->map.SizeOfBitMap = BITS;                                                    \
        name(room __VA_ARGS__);                                                                              \
        return 0;                                                                                            \
    }
#define AND ,
WITHOUT(RtlSetAllBits, )
WITHOUT(RtlClearAllBits, )
WITHOUT(RtlFindClearBits, AND 1 AND 0)
WITHOUT(RtlFindSetBits, AND 1 AND 0)
WITHOUT(RtlFindClearBitsAndSet, AND 1 AND 0)
WITHOUT(RtlFindSetBitsAndClear, AND 1 AND 0)
WITHOUT(RtlNumberOfSetBits, )
WITHOUT(RtlNumberOfClearBits, )
WITHOUT(RtlFindNextForwardRunClear, AND 0 AND &((struct bitmap *)room)->start)
WITHOUT(RtlFindFirstRunClear, AND &((struct bitmap *)room)->start)
WITHOUT(RtlFindLongestRunClear, AND &((struct bitmap *)room)->start)

const struct trial bitmap_trials[] = {
    TRIAL(RtlInitializeBitMap, FAULTS),
    WITH(RtlClearAllBits, RtlSetAllBits, FAULTS),
    TRIAL(RtlSetAllBits, FAULTS),
    WITH(RtlSetBit, RtlSetBits, PARAMETER),
    WITH(RtlClearBit, RtlSetBits, PARAMETER),
    TRIAL(RtlSetBits, PARAMETER),
    WITH(RtlClearBits, RtlSetBits, PARAMETER),
    WITH(RtlTestBit, RtlSetBits, PARAMETER),
    TRIAL(RtlAreBitsSet, PARAMETER),
    WITH(RtlAreBitsClear, RtlAreBitsSet, PARAMETER),
    TRIAL(RtlFindClearBits, FAULTS),
    WITH(RtlFindSetBits, RtlFindClearBits, FAULTS),
    WITH(RtlFindClearBitsAndSet, RtlFindClearBits, FAULTS),
    WITH(RtlFindSetBitsAndClear, RtlFindClearBits, FAULTS),
    WITH(RtlNumberOfSetBits, RtlSetAllBits, FAULTS),
    WITH(RtlNumberOfClearBits, RtlSetAllBits, FAULTS),
    TRIAL(RtlFindNextForwardRunClear, FAULTS),
    WITH(RtlFindFirstRunClear, RtlFindNextForwardRunClear, FAULTS),
    WITH(RtlFindLongestRunClear, RtlFindNextForwardRunClear, FAULTS),
    SAFE(RtlFindLeastSignificantBit),
    SAFE_WITH(RtlFindMostSignificantBit, RtlFindLeastSignificantBit),
    {0},
};
