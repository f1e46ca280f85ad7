/* What the kinds of spin locks share. */
#ifndef GPUP_OS_SPINLOCK_H
#define GPUP_OS_SPINLOCK_H

#include "locks.h"
#include "services.h"

/* Without a look at the IRQL. take: RECURSION misuse and a hang if this fiber holds it already; how: locks.h.
 */
void gpup_spin_take(struct gpup_os *os, const char *name, PKSPIN_LOCK lock, unsigned how);
void gpup_spin_give(struct gpup_os *os, const char *name, PKSPIN_LOCK lock);
/* Enter the service, raise to DISPATCH_LEVEL and take; the IRQL before. The other way round. */
KIRQL gpup_spin_acquire(const struct gpup_service_limit *service, PKSPIN_LOCK lock);
void gpup_spin_release(const struct gpup_service_limit *service, PKSPIN_LOCK lock, KIRQL irql);

#endif
