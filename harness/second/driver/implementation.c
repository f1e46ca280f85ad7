/* How the suite finds the driver and its device. No part of the driver proper. */
#include "../device/device.h"
#include "driver.h"
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry;

/* An older driver, and the firmware and the part of another generation. */
static bool GPUP_CALL differ(uint32_t what) {
    second_differs |= 1u << what;
    return true;
}

static struct gpup_implementation second = {
    .size = sizeof second,
    .version = GPUP_IMPLEMENTATION_VERSION,
    .name = "second",
    .build = "4.1",
    .driver_entry = DriverEntry,
    .varies = GPUP_VARIES_IMMUTABLE_BLOB | GPUP_VARIES_MUTABLE_BLOB, /* saves are numbered */
    .differ = differ,
};

const struct gpup_implementation *GPUP_CALL gpup_implementation(void) {
    second.device = &gpup_second_device_ops; /* an image learns its address when it is loaded */
    return &second;
}
