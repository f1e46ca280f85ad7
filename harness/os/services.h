/*
 * A number for each service of services.def, and the IRQLs of its page.
 *
 * gpup_os_enter(GPUP_SERVICE(KeSetEvent)) is how a service begins: it reports a call at an IRQL that the page
 * does not allow, counts as a preemption point and gives the current host. Services whose limit depends on an
 * argument check the tighter one with gpup_os_service().
 */
#ifndef GPUP_OS_SERVICES_H
#define GPUP_OS_SERVICES_H

#include "kernel.h"

enum gpup_service_id {
#define SERVICE(module, name, low, high, header, page) GPUP_SERVICE_##name,
#define RUNTIME(module, name, function) GPUP_SERVICE_##name,
#define LIBRARY(module, name) GPUP_SERVICE_##name,
#define REFUSED(module, name) GPUP_SERVICE_##name,
#define DATA(module, name, header, page) GPUP_SERVICE_##name,
#include "services.def"
#undef SERVICE
#undef RUNTIME
#undef LIBRARY
#undef REFUSED
#undef DATA
    GPUP_SERVICES
};

struct gpup_service_limit {
    const char *name;
    KIRQL low, high;
};
extern const struct gpup_service_limit gpup_service_limits[GPUP_SERVICES];

#define GPUP_SERVICE(name) (&gpup_service_limits[GPUP_SERVICE_##name])
/* NULL: called outside any host, the service does nothing. */
struct gpup_os *gpup_os_enter(const struct gpup_service_limit *service);

#endif
