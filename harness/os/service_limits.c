/* Names and IRQLs of the services, apart from their addresses: linking a service does not link all of them.
 */
#include "services.h"

#define LIMIT(name, low, high) [GPUP_SERVICE_##name] = {#name, low, high},
#define SERVICE(module, name, low, high, header, page) LIMIT(name, low##_LEVEL, high##_LEVEL)
#define RUNTIME(module, name, function) LIMIT(name, PASSIVE_LEVEL, HIGH_LEVEL)
#define LIBRARY(module, name) LIMIT(name, PASSIVE_LEVEL, HIGH_LEVEL)
#define REFUSED(module, name) LIBRARY(module, name)
#define DATA(module, name, header, page) LIMIT(name, PASSIVE_LEVEL, HIGH_LEVEL)

const struct gpup_service_limit gpup_service_limits[GPUP_SERVICES] = {
#include "services.def"
};

struct gpup_os *gpup_os_enter(const struct gpup_service_limit *service) {
    return gpup_os_service_from(service->name, service->low, service->high);
}
