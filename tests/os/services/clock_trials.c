/* What tells or passes time. It is simulated: the same run gives the same times. */
#include "trial.h"

struct times {
    LARGE_INTEGER one, other;
    ULONG64 counter;
    ULONG most, least, now;
};

EFFECT(KeQueryPerformanceCounter) {
    LARGE_INTEGER frequency, first = KeQueryPerformanceCounter(&frequency), then;

    KeStallExecutionProcessor(50);
    then = KeQueryPerformanceCounter(NULL);
    MUST(frequency.QuadPart == 10000000);
    MUST(then.QuadPart - first.QuadPart >= 500 && then.QuadPart - first.QuadPart < 1000);
    return 0;
}
MISUSE(KeQueryPerformanceCounter) {
    KeQueryPerformanceCounter((PLARGE_INTEGER)8);
    return 0;
}
MISUSE(KeStallExecutionProcessor) { /* for a hundred minutes */
    for (int i = 0; i < 6000; i++)
        KeStallExecutionProcessor(1000000);
    return 0;
}
EFFECT(KeQueryInterruptTime) {
    struct times *t = room;
    ULONGLONG before = KeQueryInterruptTime();

    KeStallExecutionProcessor(10);
    MUST(KeQueryInterruptTimePrecise(&t->counter) >= before + 100 && t->counter >= before);
    MUST(KeQueryUnbiasedInterruptTime() > before);
    return 0;
}
MISUSE(KeQueryInterruptTimePrecise) {
    return KeQueryInterruptTimePrecise(NULL);
}
EFFECT(KeQuerySystemTime) {
    struct times *t = room;
    TIME_FIELDS fields;

    KeQuerySystemTime(&t->one);
    RtlTimeToTimeFields(&t->one, &fields);
    MUST(fields.Year >= 2024);
    KeStallExecutionProcessor(10);
    KeQuerySystemTimePrecise(&t->other);
    MUST(t->other.QuadPart > t->one.QuadPart && t->other.QuadPart < t->one.QuadPart + 1000);
    return 0;
}
MISUSE(KeQuerySystemTime) {
    KeQuerySystemTime(NULL);
    return 0;
}
MISUSE(KeQuerySystemTimePrecise) {
    KeQuerySystemTimePrecise(NULL);
    return 0;
}
EFFECT(KeQueryTickCount) {
    struct times *t = room;

    KeQueryTickCount(&t->one);
    KeStallExecutionProcessor(20000);
    KeQueryTickCount(&t->other);
    MUST(t->other.QuadPart > t->one.QuadPart && t->other.QuadPart <= t->one.QuadPart + 2);
    MUST(KeQueryTimeIncrement() == 156250);
    return 0;
}
MISUSE(KeQueryTickCount) {
    KeQueryTickCount(NULL);
    return 0;
}
EFFECT(ExSystemTimeToLocalTime) {
    struct times *t = room;

    t->one.QuadPart = 12345;
    ExSystemTimeToLocalTime(&t->one, &t->other);
    t->one.QuadPart = 0;
    ExLocalTimeToSystemTime(&t->other, &t->one);
    MUST(t->one.QuadPart == 12345);
    return 0;
}
MISUSE(ExSystemTimeToLocalTime) {
    ExSystemTimeToLocalTime(room, NULL);
    return 0;
}
MISUSE(ExLocalTimeToSystemTime) {
    ExLocalTimeToSystemTime(NULL, room);
    return 0;
}
EFFECT(ExSetTimerResolution) {
    MUST(ExSetTimerResolution(10000, TRUE) == 10000 && ExSetTimerResolution(1, TRUE) == 5000);
    MUST(ExSetTimerResolution(0, FALSE) == 156250);
    return 0;
}
EFFECT(ExQueryTimerResolution) {
    struct times *t = room;

    ExQueryTimerResolution(&t->most, &t->least, &t->now);
    MUST(t->most == 156250 && t->least == 5000 && t->now == 156250);
    return 0;
}
MISUSE(ExQueryTimerResolution) {
    ExQueryTimerResolution(room, room, NULL);
    return 0;
}
EFFECT(RtlTimeToTimeFields) { /* a leap day, there and back */
    LARGE_INTEGER time, back;
    TIME_FIELDS f = {
        .Year = 2024, .Month = 2, .Day = 29, .Hour = 23, .Minute = 59, .Second = 58, .Milliseconds = 7};
    TIME_FIELDS g = {0};

    MUST(RtlTimeFieldsToTime(&f, &time));
    RtlTimeToTimeFields(&time, &g);
    MUST(g.Year == 2024 && g.Month == 2 && g.Day == 29 && g.Hour == 23 && g.Minute == 59 && g.Second == 58);
    MUST(g.Milliseconds == 7 && g.Weekday == 4); /* a Thursday */
    MUST(RtlTimeFieldsToTime(&g, &back) && back.QuadPart == time.QuadPart);
    f.Year = 2023;
    MUST(!RtlTimeFieldsToTime(&f, &time));
    time.QuadPart = 116444736000000000; /* 1 January 1970 */
    RtlTimeToTimeFields(&time, &g);
    MUST(g.Year == 1970 && g.Month == 1 && g.Day == 1 && g.Hour == 0 && g.Weekday == 4);
    return 0;
}
MISUSE(RtlTimeToTimeFields) {
    RtlTimeToTimeFields(NULL, room);
    return 0;
}
MISUSE(RtlTimeFieldsToTime) {
    return RtlTimeFieldsToTime(NULL, room);
}

const struct trial clock_trials[] = {
    TRIAL(KeQueryPerformanceCounter, FAULTS),
    WITH(KeStallExecutionProcessor, KeQueryPerformanceCounter, HANGS),
    SAFE(KeQueryInterruptTime),
    WITH(KeQueryInterruptTimePrecise, KeQueryInterruptTime, FAULTS),
    SAFE_WITH(KeQueryUnbiasedInterruptTime, KeQueryInterruptTime),
    TRIAL(KeQuerySystemTime, FAULTS),
    WITH(KeQuerySystemTimePrecise, KeQuerySystemTime, FAULTS),
    TRIAL(KeQueryTickCount, FAULTS),
    SAFE_WITH(KeQueryTimeIncrement, KeQueryTickCount),
    TRIAL(ExSystemTimeToLocalTime, FAULTS),
    WITH(ExLocalTimeToSystemTime, ExSystemTimeToLocalTime, FAULTS),
    LIMITED(ExSetTimerResolution),
    TRIAL(ExQueryTimerResolution, FAULTS),
    TRIAL(RtlTimeToTimeFields, FAULTS),
    WITH(RtlTimeFieldsToTime, RtlTimeToTimeFields, FAULTS),
    {0},
};
