/* Resources. A second thread holds it, or waits for it, where that is what is looked at. */
#include "trial.h"

struct shared {
    ERESOURCE resource;
    KEVENT go;
    HANDLE thread;
    PVOID object, id;
    uint32_t entered;
    BOOLEAN exclusive, held;
};

static VOID DDI_CALL other(PVOID context) {
    struct shared *s = context;

    s->id = KeGetCurrentThread();
    if (s->exclusive)
        ExAcquireResourceExclusiveLite(&s->resource, TRUE);
    else
        ExAcquireResourceSharedLite(&s->resource, TRUE);
    s->entered++;
    if (s->held)
        KeWaitForSingleObject(&s->go, Executive, KernelMode, FALSE, NULL);
    else
        ExReleaseResourceLite(&s->resource);
}
static void pause(void) {
    LARGE_INTEGER ms = {.QuadPart = -10000};

    KeDelayExecutionThread(KernelMode, FALSE, &ms);
}
/* The other thread comes as far as it can. */
static bool start(struct shared *s, BOOLEAN exclusive, BOOLEAN held) {
    s->exclusive = exclusive;
    s->held = held;
    KeInitializeEvent(&s->go, NotificationEvent, FALSE);
    if (!NT_SUCCESS(PsCreateSystemThread(&s->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, other, s)))
        return false;
    pause();
    return true;
}
static void finish(struct shared *s) {
    KeSetEvent(&s->go, 0, FALSE);
    ObReferenceObjectByHandle(s->thread, SYNCHRONIZE, *PsThreadType, KernelMode, &s->object, NULL);
    KeWaitForSingleObject(s->object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(s->object);
    ZwClose(s->thread);
}

EFFECT(ExInitializeResourceLite) {
    struct shared *s = room;

    MUST(ExInitializeResourceLite(&s->resource) == STATUS_SUCCESS);
    MUST(!ExIsResourceAcquiredExclusiveLite(&s->resource) && !ExIsResourceAcquiredSharedLite(&s->resource));
    MUST(ExReinitializeResourceLite(&s->resource) == STATUS_SUCCESS);
    if (KeGetCurrentIrql() < DISPATCH_LEVEL)
        MUST(ExDeleteResourceLite(&s->resource) == STATUS_SUCCESS);
    return 0;
}
MISUSE(ExReinitializeResourceLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExAcquireResourceSharedLite(&s->resource, TRUE);
    return (uint64_t)ExReinitializeResourceLite(&s->resource);
}
EFFECT(ExDeleteResourceLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExDeleteResourceLite(&s->resource) == STATUS_SUCCESS);
    return 0;
}
MISUSE(ExDeleteResourceLite) { /* twice */
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExDeleteResourceLite(&s->resource);
    return (uint64_t)ExDeleteResourceLite(&s->resource);
}
EFFECT(ExAcquireResourceExclusiveLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExAcquireResourceExclusiveLite(&s->resource, TRUE));
    MUST(ExAcquireResourceExclusiveLite(&s->resource, TRUE)); /* again by its owner */
    MUST(ExIsResourceAcquiredExclusiveLite(&s->resource));
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
        MUST(start(s, TRUE, FALSE));
        MUST(s->entered == 0 && ExGetExclusiveWaiterCount(&s->resource) == 1);
    }
    ExReleaseResourceLite(&s->resource);
    MUST(ExIsResourceAcquiredExclusiveLite(&s->resource));
    ExReleaseResourceLite(&s->resource);
    MUST(!ExIsResourceAcquiredExclusiveLite(&s->resource));
    if (s->thread)
        finish(s);
    MUST(s->entered == (s->thread != NULL));
    return 0;
}
MISUSE(ExAcquireResourceExclusiveLite) {
    struct shared *s = room;

    return ExAcquireResourceExclusiveLite(&s->resource, TRUE);
}
EFFECT(ExAcquireResourceSharedLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExAcquireResourceSharedLite(&s->resource, TRUE));
    MUST(ExAcquireResourceSharedLite(&s->resource, FALSE));
    MUST(ExIsResourceAcquiredSharedLite(&s->resource) == 2);
    MUST(!ExAcquireResourceExclusiveLite(&s->resource, FALSE));
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
        MUST(start(s, FALSE, FALSE) && s->entered == 1); /* at the same time */
        finish(s);
    }
    ExReleaseResourceLite(&s->resource);
    ExReleaseResourceLite(&s->resource);
    MUST(ExIsResourceAcquiredSharedLite(&s->resource) == 0);
    return 0;
}
MISUSE(ExAcquireResourceSharedLite) {
    struct shared *s = room;

    return ExAcquireResourceSharedLite(&s->resource, TRUE);
}
MISUSE(ExReleaseResourceLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExReleaseResourceLite(&s->resource);
    return 0;
}

/* An exclusive waiter goes before whoever shares later, unless that one starves it. */
EFFECT(ExAcquireSharedStarveExclusive) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExAcquireResourceSharedLite(&s->resource, TRUE));
    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
        MUST(start(s, TRUE, FALSE));
    MUST(ExAcquireSharedStarveExclusive(&s->resource, TRUE));
    MUST(ExAcquireSharedWaitForExclusive(&s->resource, FALSE) == !s->thread);
    MUST(s->entered == 0);
    while (ExIsResourceAcquiredSharedLite(&s->resource))
        ExReleaseResourceLite(&s->resource);
    if (s->thread)
        finish(s);
    return 0;
}
MISUSE(ExAcquireSharedStarveExclusive) {
    struct shared *s = room;

    return ExAcquireSharedStarveExclusive(&s->resource, TRUE);
}
EFFECT(ExAcquireSharedWaitForExclusive) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExAcquireSharedWaitForExclusive(&s->resource, TRUE));
    MUST(ExIsResourceAcquiredSharedLite(&s->resource) == 1);
    ExReleaseResourceLite(&s->resource);
    return 0;
}
MISUSE(ExAcquireSharedWaitForExclusive) {
    struct shared *s = room;

    return ExAcquireSharedWaitForExclusive(&s->resource, TRUE);
}
EFFECT(ExReleaseResourceForThreadLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    if (KeGetCurrentIrql() > PASSIVE_LEVEL) {
        ExAcquireResourceSharedLite(&s->resource, FALSE);
        ExReleaseResourceForThreadLite(&s->resource, (ERESOURCE_THREAD)KeGetCurrentThread());
        return 0;
    }
    MUST(start(s, TRUE, TRUE) && s->entered);
    MUST(!ExAcquireResourceSharedLite(&s->resource, FALSE));
    ExReleaseResourceForThreadLite(&s->resource, (ERESOURCE_THREAD)s->id);
    MUST(ExAcquireResourceSharedLite(&s->resource, FALSE));
    ExReleaseResourceLite(&s->resource);
    finish(s);
    return 0;
}
MISUSE(ExReleaseResourceForThreadLite) { /* nobody's thread */
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExAcquireResourceSharedLite(&s->resource, TRUE);
    ExReleaseResourceForThreadLite(&s->resource, 0x1234);
    return 0;
}
EFFECT(ExConvertExclusiveToSharedLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExAcquireResourceExclusiveLite(&s->resource, TRUE);
    ExConvertExclusiveToSharedLite(&s->resource);
    MUST(!ExIsResourceAcquiredExclusiveLite(&s->resource));
    MUST(ExIsResourceAcquiredSharedLite(&s->resource) == 1);
    ExReleaseResourceLite(&s->resource);
    return 0;
}
MISUSE(ExConvertExclusiveToSharedLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExAcquireResourceSharedLite(&s->resource, TRUE);
    ExConvertExclusiveToSharedLite(&s->resource);
    return 0;
}
/* More threads than the object has names for. */
static VOID DDI_CALL one_of_many(PVOID context) {
    struct shared *s = context;

    ExAcquireResourceSharedLite(&s->resource, TRUE);
    s->entered++;
    KeWaitForSingleObject(&s->go, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(&s->resource);
    s->entered--;
}
EFFECT(ExIsResourceAcquiredSharedLite) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExAcquireResourceSharedLite(&s->resource, TRUE) &&
         ExIsResourceAcquiredSharedLite(&s->resource) == 1);
    KeInitializeEvent(&s->go, NotificationEvent, FALSE);
    for (int i = 0; i < 20 && KeGetCurrentIrql() == PASSIVE_LEVEL; i++) {
        PsCreateSystemThread(&s->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, one_of_many, s);
        ZwClose(s->thread);
    }
    if (s->thread)
        pause();
    MUST(s->entered == (s->thread ? 20 : 0) && !ExAcquireResourceExclusiveLite(&s->resource, FALSE));
    KeSetEvent(&s->go, 0, FALSE);
    if (s->thread)
        pause();
    MUST(s->entered == 0);
    ExReleaseResourceLite(&s->resource);
    MUST(ExAcquireResourceExclusiveLite(&s->resource, FALSE));
    ExReleaseResourceLite(&s->resource);
    return 0;
}
EFFECT(ExGetSharedWaiterCount) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExGetSharedWaiterCount(&s->resource) == 0);
    if (KeGetCurrentIrql() > PASSIVE_LEVEL)
        return 0;
    ExAcquireResourceExclusiveLite(&s->resource, TRUE);
    MUST(start(s, FALSE, FALSE));
    MUST(ExGetSharedWaiterCount(&s->resource) == 1 && ExGetExclusiveWaiterCount(&s->resource) == 0);
    ExReleaseResourceLite(&s->resource);
    finish(s);
    MUST(ExGetSharedWaiterCount(&s->resource) == 0);
    return 0;
}
EFFECT(ExGetExclusiveWaiterCount) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    MUST(ExGetExclusiveWaiterCount(&s->resource) == 0);
    return 0;
}

/* --- with a region */

EFFECT(ExEnterCriticalRegionAndAcquireResourceExclusive) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExEnterCriticalRegionAndAcquireResourceExclusive(&s->resource);
    MUST(KeAreApcsDisabled() && ExIsResourceAcquiredExclusiveLite(&s->resource));
    ExReleaseResourceAndLeaveCriticalRegion(&s->resource);
    MUST(!ExIsResourceAcquiredExclusiveLite(&s->resource));
    ExEnterCriticalRegionAndAcquireResourceShared(&s->resource);
    MUST(KeAreApcsDisabled() && ExIsResourceAcquiredSharedLite(&s->resource) == 1);
    ExReleaseResourceAndLeaveCriticalRegion(&s->resource);
    MUST(ExIsResourceAcquiredSharedLite(&s->resource) == 0);
    return 0;
}
MISUSE(ExReleaseResourceAndLeaveCriticalRegion) {
    struct shared *s = room;

    ExInitializeResourceLite(&s->resource);
    ExAcquireResourceExclusiveLite(&s->resource, TRUE);
    ExReleaseResourceAndLeaveCriticalRegion(&s->resource);
    return 0;
}

const struct trial resource_trials[] = {
    LIMITED(ExInitializeResourceLite),
    WITH(ExReinitializeResourceLite, ExInitializeResourceLite, OBJECT),
    TRIAL(ExDeleteResourceLite, OBJECT),
    TRIAL(ExAcquireResourceExclusiveLite, OBJECT),
    TRIAL(ExAcquireResourceSharedLite, OBJECT),
    WITH(ExReleaseResourceLite, ExAcquireResourceSharedLite, LOCK),
    TRIAL(ExAcquireSharedStarveExclusive, OBJECT),
    TRIAL(ExAcquireSharedWaitForExclusive, OBJECT),
    TRIAL(ExReleaseResourceForThreadLite, LOCK),
    TRIAL(ExConvertExclusiveToSharedLite, LOCK),
    LIMITED_WITH(ExIsResourceAcquiredExclusiveLite, ExAcquireResourceExclusiveLite),
    LIMITED(ExIsResourceAcquiredSharedLite),
    LIMITED(ExGetExclusiveWaiterCount),
    LIMITED(ExGetSharedWaiterCount),
    LIMITED(ExEnterCriticalRegionAndAcquireResourceExclusive),
    LIMITED_WITH(ExEnterCriticalRegionAndAcquireResourceShared,
                 ExEnterCriticalRegionAndAcquireResourceExclusive),
    WITH(ExReleaseResourceAndLeaveCriticalRegion, ExEnterCriticalRegionAndAcquireResourceExclusive, STATE),
    {0},
};
