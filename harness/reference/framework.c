/*
 * The suite's framework as an implementation under test: no GPU-P driver stands before it, so that only the
 * rules about frameworks have something to judge. The build with GPUP_FRAMEWORK_DEFECTS has a copy of the
 * framework with seeded faults.
 */
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry; /* of null.c */

#ifdef GPUP_FRAMEWORK_DEFECTS
unsigned gpup_kmdf_defect;

/* "BUG-nnn"; in the order of specs/defects.yaml, a test compares the two. */
static bool set_option(const char *name, const char *value) {
    static const struct {
        const char *id;
        unsigned number;
    } built[] = {{"BUG-188", 188}, {"BUG-190", 190}, {"BUG-191", 191}, {"BUG-193", 193}, {"BUG-195", 195},
                 {"BUG-196", 196}, {"BUG-198", 198}, {"BUG-200", 200}, {"BUG-201", 201}, {"BUG-203", 203}};

    (void)name; /* there is one option */
    for (unsigned i = 0; i < sizeof built / sizeof *built; i++) {
        const char *a = built[i].id, *b = value;

        while (*a && *a == *b) {
            a++;
            b++;
        }
        if (*a == *b) {
            gpup_kmdf_defect = built[i].number;
            return true;
        }
    }
    return false;
}
#endif

static const struct gpup_implementation implementation = {.size = sizeof implementation,
                                                          .version = GPUP_IMPLEMENTATION_VERSION,
#ifdef GPUP_FRAMEWORK_DEFECTS
                                                          .name = "framework-defects",
                                                          .set_option = set_option,
#else
                                                          .name = "framework",
#endif
                                                          .driver_entry = DriverEntry,
                                                          .framework = &gpup_kmdf_framework};

const struct gpup_implementation *gpup_implementation(void) {
    return &implementation;
}
