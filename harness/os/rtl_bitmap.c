/* Bitmaps. A range beyond the bitmap is a wrong argument; what of it lies inside is still done. */
#include "services.h"

#define NONE MAXULONG

static struct gpup_os *enter(const struct gpup_service_limit *service, const RTL_BITMAP *map, ULONG start,
                             ULONG count) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (start > map->SizeOfBitMap || count > map->SizeOfBitMap - start))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
    return os;
}

static bool get(const RTL_BITMAP *map, ULONG bit) {
    return map->Buffer[bit / 32] >> bit % 32 & 1;
}

static void put(PRTL_BITMAP map, ULONG start, ULONG count, bool set) {
    uint64_t end = (uint64_t)start + count;

    for (uint64_t bit = start; bit < end && bit < map->SizeOfBitMap; bit++)
        if (set)
            map->Buffer[bit / 32] |= 1u << bit % 32;
        else
            map->Buffer[bit / 32] &= ~(1u << bit % 32);
}

VOID DDI_CALL RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap) {
    gpup_os_enter(GPUP_SERVICE(RtlInitializeBitMap));
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}

/* The whole words, as the bits behind the last one belong to nobody. */
static void put_all(const struct gpup_service_limit *service, PRTL_BITMAP map, int byte) {
    gpup_os_enter(service);
    memset(map->Buffer, byte, ((size_t)map->SizeOfBitMap + 31) / 32 * 4);
}

VOID DDI_CALL RtlClearAllBits(PRTL_BITMAP BitMapHeader) {
    put_all(GPUP_SERVICE(RtlClearAllBits), BitMapHeader, 0);
}

VOID DDI_CALL RtlSetAllBits(PRTL_BITMAP BitMapHeader) {
    put_all(GPUP_SERVICE(RtlSetAllBits), BitMapHeader, 0xFF);
}

VOID DDI_CALL RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber) {
    enter(GPUP_SERVICE(RtlSetBit), BitMapHeader, BitNumber, 1);
    put(BitMapHeader, BitNumber, 1, true);
}

VOID DDI_CALL RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber) {
    enter(GPUP_SERVICE(RtlClearBit), BitMapHeader, BitNumber, 1);
    put(BitMapHeader, BitNumber, 1, false);
}

VOID DDI_CALL RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet) {
    enter(GPUP_SERVICE(RtlSetBits), BitMapHeader, StartingIndex, NumberToSet);
    put(BitMapHeader, StartingIndex, NumberToSet, true);
}

VOID DDI_CALL RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear) {
    enter(GPUP_SERVICE(RtlClearBits), BitMapHeader, StartingIndex, NumberToClear);
    put(BitMapHeader, StartingIndex, NumberToClear, false);
}

BOOLEAN DDI_CALL RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber) {
    enter(GPUP_SERVICE(RtlTestBit), BitMapHeader, BitNumber, 1);
    return BitNumber < BitMapHeader->SizeOfBitMap && get(BitMapHeader, BitNumber);
}

static bool all_are(const RTL_BITMAP *map, ULONG start, ULONG count, bool set) {
    if (!count || start >= map->SizeOfBitMap || count > map->SizeOfBitMap - start)
        return false;
    for (ULONG i = 0; i < count; i++)
        if (get(map, start + i) != set)
            return false;
    return true;
}

BOOLEAN DDI_CALL RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length) {
    enter(GPUP_SERVICE(RtlAreBitsSet), BitMapHeader, StartingIndex, Length);
    return all_are(BitMapHeader, StartingIndex, Length, true);
}

BOOLEAN DDI_CALL RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length) {
    enter(GPUP_SERVICE(RtlAreBitsClear), BitMapHeader, StartingIndex, Length);
    return all_are(BitMapHeader, StartingIndex, Length, false);
}

/* --- looking for runs */

static ULONG run_length(const RTL_BITMAP *map, ULONG start, bool set, ULONG most) {
    ULONG count = 0;

    while (count < most && start + count < map->SizeOfBitMap && get(map, start + count) == set)
        count++;
    return count;
}

/* First run of `count` such bits that begins in [from, to). */
static ULONG find_between(const RTL_BITMAP *map, ULONG count, ULONG from, ULONG to, bool set) {
    for (ULONG at = from; at < to;) {
        ULONG length = run_length(map, at, set, count);

        if (length == count)
            return at;
        at += length + 1;
    }
    return NONE;
}

/* From the hint on, then from the beginning. */
static ULONG find(const struct gpup_service_limit *service, const RTL_BITMAP *map, ULONG count, ULONG hint,
                  bool set) {
    ULONG found;

    gpup_os_enter(service);
    if (hint >= map->SizeOfBitMap)
        hint = 0;
    if (!count)
        return hint & ~7u; /* as documented for no bits */
    found = find_between(map, count, hint, map->SizeOfBitMap, set);
    return found == NONE ? find_between(map, count, 0, hint, set) : found;
}

ULONG DDI_CALL RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
    return find(GPUP_SERVICE(RtlFindClearBits), BitMapHeader, NumberToFind, HintIndex, false);
}

ULONG DDI_CALL RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
    return find(GPUP_SERVICE(RtlFindSetBits), BitMapHeader, NumberToFind, HintIndex, true);
}

ULONG DDI_CALL RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
    ULONG found = find(GPUP_SERVICE(RtlFindClearBitsAndSet), BitMapHeader, NumberToFind, HintIndex, false);

    if (found != NONE)
        put(BitMapHeader, found, NumberToFind, true);
    return found;
}

ULONG DDI_CALL RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex) {
    ULONG found = find(GPUP_SERVICE(RtlFindSetBitsAndClear), BitMapHeader, NumberToFind, HintIndex, true);

    if (found != NONE)
        put(BitMapHeader, found, NumberToFind, false);
    return found;
}

ULONG DDI_CALL RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                          PULONG StartingRunIndex) {
    ULONG at = FromIndex;

    gpup_os_enter(GPUP_SERVICE(RtlFindNextForwardRunClear));
    while (at < BitMapHeader->SizeOfBitMap && get(BitMapHeader, at))
        at++;
    *StartingRunIndex = at;
    return at < BitMapHeader->SizeOfBitMap ? run_length(BitMapHeader, at, false, MAXULONG) : 0;
}

ULONG DDI_CALL RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex) {
    gpup_os_enter(GPUP_SERVICE(RtlFindFirstRunClear));
    return RtlFindNextForwardRunClear(BitMapHeader, 0, StartingIndex);
}

ULONG DDI_CALL RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex) {
    ULONG best = 0, length;

    gpup_os_enter(GPUP_SERVICE(RtlFindLongestRunClear));
    *StartingIndex = 0;
    for (ULONG at = 0; at < BitMapHeader->SizeOfBitMap; at += length + 1) {
        length = run_length(BitMapHeader, at, false, MAXULONG);
        if (length > best) {
            best = length;
            *StartingIndex = at;
        }
    }
    return best;
}

static ULONG number(const RTL_BITMAP *map, bool set) {
    ULONG count = 0;

    for (ULONG i = 0; i < map->SizeOfBitMap; i++)
        count += get(map, i) == set;
    return count;
}

ULONG DDI_CALL RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader) {
    gpup_os_enter(GPUP_SERVICE(RtlNumberOfSetBits));
    return number(BitMapHeader, true);
}

ULONG DDI_CALL RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader) {
    gpup_os_enter(GPUP_SERVICE(RtlNumberOfClearBits));
    return number(BitMapHeader, false);
}

CHAR DDI_CALL RtlFindLeastSignificantBit(ULONGLONG Set) {
    gpup_os_enter(GPUP_SERVICE(RtlFindLeastSignificantBit));
    return (CHAR)(Set ? __builtin_ctzll(Set) : -1);
}

CHAR DDI_CALL RtlFindMostSignificantBit(ULONGLONG Set) {
    gpup_os_enter(GPUP_SERVICE(RtlFindMostSignificantBit));
    return (CHAR)(Set ? 63 - __builtin_clzll(Set) : -1);
}
