/* A model of the GPU that no driver comes with: state in globals, as an author would have it, which every
 * world finds as it was loaded. */
#include "device.h"

#include <gpup/implementation.h>

static struct gpup_device_ops ops;
static unsigned made; /* devices */

static void *create(const struct gpup_world_config *config, uint32_t host, const struct gpup_memory *memory) {
    if (made++ > 1) /* one for each host */
        return NULL;
    return gpup_second_device_ops.create(config, host, memory);
}

static struct gpup_implementation described = {
    .size = sizeof described, .version = GPUP_IMPLEMENTATION_VERSION, .name = "model", .device = &ops};

__attribute__((visibility("default"))) const struct gpup_implementation *GPUP_CALL gpup_implementation(void) {
    ops = gpup_second_device_ops;
    ops.create = create;
    return &described;
}
