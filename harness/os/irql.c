/* The IRQL of the running routine, raised and lowered. */
#include "services.h"

KIRQL DDI_CALL KeGetCurrentIrql(void) {
    struct gpup_os *os = gpup_os_current();

    return os ? gpup_os_irql(os) : PASSIVE_LEVEL;
}

static KIRQL change(const struct gpup_service_limit *service, KIRQL irql, bool up) {
    struct gpup_os *os = gpup_os_enter(service);
    KIRQL before = os ? gpup_os_irql(os) : PASSIVE_LEVEL;

    if (!os)
        return before;
    if (irql > HIGH_LEVEL || (up ? irql < before : irql > before))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_IRQL, irql);
    gpup_os_set_irql(os, irql);
    return before;
}

KIRQL DDI_CALL KfRaiseIrql(KIRQL NewIrql) {
    return change(GPUP_SERVICE(KfRaiseIrql), NewIrql, true);
}

KIRQL DDI_CALL KeRaiseIrqlToDpcLevel(void) {
    return change(GPUP_SERVICE(KeRaiseIrqlToDpcLevel), DISPATCH_LEVEL, true);
}

VOID DDI_CALL KeLowerIrql(KIRQL NewIrql) {
    change(GPUP_SERVICE(KeLowerIrql), NewIrql, false);
}
