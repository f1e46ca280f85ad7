/* Calendar times, patterns in memory, random numbers from the caller's seed. */
#include "services.h"

#define TICKS_PER_DAY 864000000000 /* of 100 ns */

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1 January 1601, a Monday, to that of the year. */
static int64_t days_before(int year) {
    int64_t past = year - 1;

    return (past * 365 + past / 4 - past / 100 + past / 400) - 584388;
}

VOID DDI_CALL RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields) {
    int64_t day = Time->QuadPart / TICKS_PER_DAY;
    int64_t rest = Time->QuadPart % TICKS_PER_DAY / 10000; /* ms */
    int year = 1601 + (int)(day / 366), month = 1;

    gpup_os_enter(GPUP_SERVICE(RtlTimeToTimeFields));
    TimeFields->Weekday = (CSHORT)((day + 1) % 7);
    while (days_before(year + 1) <= day)
        year++;
    day -= days_before(year);
    while (day >= days_of(year, month))
        day -= days_of(year, month++);
    TimeFields->Year = (CSHORT)year;
    TimeFields->Month = (CSHORT)month;
    TimeFields->Day = (CSHORT)(day + 1);
    TimeFields->Hour = (CSHORT)(rest / 3600000);
    TimeFields->Minute = (CSHORT)(rest / 60000 % 60);
    TimeFields->Second = (CSHORT)(rest / 1000 % 60);
    TimeFields->Milliseconds = (CSHORT)(rest % 1000);
}

static bool in_range(const TIME_FIELDS *f) {
    return f->Year >= 1601 && f->Year <= 30827 && f->Month >= 1 && f->Month <= 12 && f->Day >= 1 &&
           f->Day <= days_of(f->Year, f->Month) && f->Hour >= 0 && f->Hour < 24 && f->Minute >= 0 &&
           f->Minute < 60 && f->Second >= 0 && f->Second < 60 && f->Milliseconds >= 0 &&
           f->Milliseconds < 1000;
}

BOOLEAN DDI_CALL RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time) {
    int64_t day, ms;

    gpup_os_enter(GPUP_SERVICE(RtlTimeFieldsToTime));
    if (!in_range(TimeFields))
        return FALSE;
    day = days_before(TimeFields->Year) + TimeFields->Day - 1;
    for (int month = 1; month < TimeFields->Month; month++)
        day += days_of(TimeFields->Year, month);
    ms = ((TimeFields->Hour * 60 + TimeFields->Minute) * 60 + TimeFields->Second) * (int64_t)1000 +
         TimeFields->Milliseconds;
    Time->QuadPart = day * TICKS_PER_DAY + ms * 10000;
    return TRUE;
}

SIZE_T DDI_CALL RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern) {
    const ULONG *at = Source;
    SIZE_T same = 0;

    gpup_os_enter(GPUP_SERVICE(RtlCompareMemoryUlong));
    while (same + 4 <= Length && *at++ == Pattern)
        same += 4;
    return same;
}

VOID DDI_CALL RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern) {
    ULONG *at = Destination;

    gpup_os_enter(GPUP_SERVICE(RtlFillMemoryUlong));
    for (SIZE_T done = 0; done + 4 <= Length; done += 4)
        *at++ = Pattern;
}

ULONG DDI_CALL RtlRandomEx(PULONG Seed) {
    gpup_os_enter(GPUP_SERVICE(RtlRandomEx));
    *Seed = (ULONG)(((uint64_t)*Seed * 0x7FFFFFED + 0x7FFFFFC3) % 0x7FFFFFFF);
    return *Seed;
}
