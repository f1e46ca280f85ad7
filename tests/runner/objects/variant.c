/* Implementations that the binding must refuse; VARIANT says what is wrong. */
#include <gpup/implementation.h>

#define OLD 1        /* made with an older implementation.h */
#define BOTH 2       /* both forms */
#define NEITHER 3    /* no form */
#define NOTHING 4    /* the entry returns NULL */
#define OLD_DEVICE 5 /* a device table of another version */
#define DIES 6       /* ends the process while it is loaded */
#define UNRESOLVED 7 /* needs a service that there is not */
#define HANGS 8      /* its entry does not come back */

static bool open_tables(struct gpup_open *open) {
    (void)open;
    return false;
}

static void close_tables(struct gpup_open *open) {
    (void)open;
}

static NTSTATUS DDI_CALL entry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    (void)driver, (void)path;
    return STATUS_NOT_SUPPORTED;
}

#if VARIANT == UNRESOLVED
VOID DDI_CALL KeThereIsNoSuchService(VOID);
#endif

const struct gpup_implementation *gpup_implementation(void) {
    static struct gpup_device_ops device = {.size = sizeof device, .version = GPUP_DEVICE_VERSION};
    static struct gpup_implementation i = {
        .size = sizeof i, .version = GPUP_IMPLEMENTATION_VERSION, .name = "variant", .close = close_tables};
    i.open = VARIANT == NEITHER ? NULL : open_tables;
    i.driver_entry = VARIANT == BOTH ? entry : NULL;
    i.size -= VARIANT == OLD ? 8 : 0;
    device.version += VARIANT == OLD_DEVICE;
    i.device = &device;
#if VARIANT == DIES
    __builtin_trap();
#elif VARIANT == UNRESOLVED
    KeThereIsNoSuchService();
#elif VARIANT == HANGS
    for (volatile int forever = 1; forever;)
        ;
#endif
    return VARIANT == NOTHING ? NULL : &i;
}
