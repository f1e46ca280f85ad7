/* How the suite finds the driver and its device. No part of the driver proper. */
#include "../device/device.h"
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry;
const struct gpup_implementation *gpup_implementation(void);

static const struct gpup_implementation second = {
    .size = sizeof second,
    .version = GPUP_IMPLEMENTATION_VERSION,
    .name = "second",
    .build = "4.1",
    .driver_entry = DriverEntry,
    .device = &gpup_second_device_ops,
    .varies = GPUP_VARIES_IMMUTABLE_BLOB | GPUP_VARIES_MUTABLE_BLOB, /* saves are numbered */
};

const struct gpup_implementation *gpup_implementation(void) {
    return &second;
}
