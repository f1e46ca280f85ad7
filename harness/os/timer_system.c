/* Timers that the system allocates (EX_TIMER): a timer and its DPC in a block of pool, in the driver's name,
 * so that one which is never deleted is left behind, and one that was deleted is known. */
#include "services.h"

#define TAG 0x6D695478u /* 'xTim' */
#define MARK UINT64_C(0x4558544D45583030)

struct _EX_TIMER {
    KTIMER timer; /* first: a driver may wait for it */
    uint64_t mark;
    KDPC dpc;
    PEXT_CALLBACK callback;
    PVOID context;
    EXT_DELETE_PARAMETERS deletion;
    KEVENT gone;
    bool doomed, waited_for, in_callback;
};

/* NULL also for one that is being deleted: it is valid, and nothing is done with it any more. */
static PEX_TIMER known(struct gpup_os *os, const struct gpup_service_limit *service, PEX_TIMER timer) {
    if (gpup_pool_live(os, timer, sizeof *timer) && timer->mark == ((uintptr_t)timer ^ MARK))
        return timer->doomed ? NULL : timer;
    gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return NULL;
}

static struct gpup_timer *armed(struct gpup_os *os, const struct _EX_TIMER *timer) {
    for (uint32_t i = 0; i < os->machine->timer_count; i++)
        if (os->machine->timers[i].timer == &timer->timer)
            return &os->machine->timers[i];
    return NULL;
}

static bool on_its_way(const struct _EX_TIMER *timer) {
    return timer->dpc.DpcData || timer->in_callback;
}

static void let_go(struct gpup_os *os, PEX_TIMER timer) {
    EXT_DELETE_PARAMETERS deletion = timer->deletion;

    timer->mark = 0;
    gpup_pool_free(os, timer, GPUP_BLOCK_POOL);
    if (deletion.DeleteCallback)
        deletion.DeleteCallback(deletion.DeleteContext);
}

/* [fiber] at DISPATCH_LEVEL */
static VOID DDI_CALL expired(PKDPC dpc, PVOID context, PVOID one, PVOID two) {
    PEX_TIMER timer = context;
    struct gpup_os *os = gpup_os_current();

    (void)dpc;
    (void)one;
    (void)two;
    timer->in_callback = true;
    if (timer->callback)
        timer->callback(timer, timer->context);
    timer->in_callback = false;
    if (!timer->doomed || !os || timer->dpc.DpcData) /* which runs once more */
        return;
    if (timer->waited_for)
        KeSetEvent(&timer->gone, 0, FALSE);
    else if (!armed(os, timer))
        let_go(os, timer);
}

PEX_TIMER DDI_CALL ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes) {
    static const ULONG either = EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE;
    const struct gpup_service_limit *service = GPUP_SERVICE(ExAllocateTimer);
    struct gpup_os *os = gpup_os_enter(service);
    PEX_TIMER timer;

    if (os && (Attributes & either) == either) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0); /* a bug check */
        return NULL;
    }
    timer = os ? gpup_pool_alloc(os, sizeof *timer, TAG, GPUP_BLOCK_POOL, true, 0, NULL) : NULL;
    if (!timer)
        return NULL;
    timer->mark = (uintptr_t)timer ^ MARK;
    timer->callback = Callback;
    timer->context = CallbackContext;
    KeInitializeTimerEx(&timer->timer,
                        Attributes & EX_TIMER_NOTIFICATION ? NotificationTimer : SynchronizationTimer);
    KeInitializeDpc(&timer->dpc, expired, timer);
    KeInitializeEvent(&timer->gone, NotificationEvent, FALSE);
    return timer;
}

BOOLEAN DDI_CALL ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                            PEXT_SET_PARAMETERS Parameters) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExSetTimer);
    struct gpup_os *os = gpup_os_enter(service);
    PEX_TIMER timer = os ? known(os, service, Timer) : NULL;
    BOOLEAN was;

    (void)Parameters; /* a tolerance that is not used */
    if (!timer)
        return FALSE;
    was = KeSetTimer(&timer->timer, (LARGE_INTEGER){.QuadPart = DueTime}, &timer->dpc);
    if (armed(os, timer))
        armed(os, timer)->period = Period > 0 ? (uint64_t)Period * 100 : 0;
    return was;
}

BOOLEAN DDI_CALL ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExCancelTimer);
    struct gpup_os *os = gpup_os_enter(service);
    PEX_TIMER timer = os ? known(os, service, Timer) : NULL;

    (void)Parameters;
    return timer ? KeCancelTimer(&timer->timer) : FALSE;
}

/* A callback on its way still has its timer. */
BOOLEAN DDI_CALL ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                               PEXT_DELETE_PARAMETERS Parameters) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExDeleteTimer);
    struct gpup_os *os = gpup_os_service(service->name, Wait ? APC_LEVEL : service->high);
    PEX_TIMER timer = os ? known(os, service, Timer) : NULL;
    BOOLEAN was;

    if (!timer)
        return FALSE;
    if (Wait && !Cancel)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0); /* a bug check */
    was = Cancel ? KeCancelTimer(&timer->timer) : FALSE;
    if (Parameters)
        timer->deletion = *Parameters;
    timer->doomed = true;
    if (!Cancel && armed(os, timer)) {
        armed(os, timer)->period = 0;
        return FALSE;
    }
    timer->waited_for = Wait && on_its_way(timer);
    if (timer->waited_for)
        KeWaitForSingleObject(&timer->gone, Executive, KernelMode, FALSE, NULL);
    if (timer->waited_for || !on_its_way(timer))
        let_go(os, timer);
    return was;
}
