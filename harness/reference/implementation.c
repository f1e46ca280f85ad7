/* How the suite finds the driver, and the switch of the seeded faults. No part of the driver proper. */
#include "companion.h"
#include "defect.h"
#include <gpup/implementation.h>

extern unsigned reference_differs; /* blob.c */
DRIVER_INITIALIZE DriverEntry;

/* The suite asks for a driver, firmware or hardware that cannot take over from the others. */
static bool GPUP_CALL differ(uint32_t what) {
    reference_differs |= 1u << what;
    return true;
}

static const struct gpup_implementation reference = {
    .size = sizeof reference,
    .version = GPUP_IMPLEMENTATION_VERSION,
#ifdef REFERENCE_DEFECTS
    .name = "reference-defects",
    .build = "seeded faults, one at a time",
    .set_option = reference_set_option,
#else
    .name = "reference",
    .build = "1.2",
#endif
    .driver_entry = DriverEntry,
    .framework_driver = &companion,
    .differ = differ,
};

const struct gpup_implementation *GPUP_CALL gpup_implementation(void) {
    return &reference;
}
