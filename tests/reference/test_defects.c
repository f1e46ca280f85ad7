/* Which seeded faults the driver knows, against the catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "defect.h"
#include <gpup/spec.h>
#include <stdio.h>
#include <string.h>

static bool is_of_framework(const struct gpup_defect *d) {
    return strcmp(d->area, "WDFI") == 0;
}

static unsigned count_on(void) {
    unsigned on = 0;

    for (unsigned i = 0; i < REFERENCE_DEFECTS_END; i++)
        on += reference_defect[i];
    return on;
}

static void built_means_accepted(void **state) {
    unsigned built = 0;

    (void)state;
    for (unsigned i = 0; i < gpup_spec_counts.defects; i++) {
        const struct gpup_defect *d = &gpup_defects[i];

        if (is_of_framework(d))
            continue; /* in a build of its own: tests/defects runs each */
        memset(reference_defect, 0, sizeof reference_defect);
        if (reference_set_option("defect", d->id) != d->built)
            fail_msg("%s: built is %s in the catalogue, the driver says otherwise", d->id,
                     d->built ? "true" : "false");
        assert_int_equal(count_on(), d->built);
        built += d->built;
    }
    assert_true(built >= 14);
}

/* The reverse: nothing is switched on that the catalogue does not know. */
static void accepted_means_listed(void **state) {
    (void)state;
    for (unsigned number = 0; number < 1000; number++) {
        char id[16];

        snprintf(id, sizeof id, "BUG-%03u", number);
        if (reference_set_option("defect", id))
            assert_int_not_equal(gpup_defect_find(id), GPUP_SPEC_NONE);
    }
}

static void other_words_are_refused(void **state) {
    static const char *const values[] = {"",        "BUG-",    "BUG-1",   "BUG-0011",
                                         "bug-001", "BUG-00x", "BUG-999", "1"};

    (void)state;
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        assert_false(reference_set_option("defect", values[i]));
    assert_false(reference_set_option("option", "BUG-001"));
    assert_false(reference_set_option("defects", "BUG-001"));
}

static void several_add_up(void **state) {
    (void)state;
    memset(reference_defect, 0, sizeof reference_defect);
    assert_true(reference_set_option("defect", "BUG-001"));
    assert_true(reference_set_option("defect", "BUG-011"));
    assert_int_equal(count_on(), 2);
    assert_true(reference_defect[1] && reference_defect[11]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_means_accepted),
        cmocka_unit_test(accepted_means_listed),
        cmocka_unit_test(other_words_are_refused),
        cmocka_unit_test(several_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
