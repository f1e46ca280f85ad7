/* The switches of the seeded faults. */
#include "defect.h"

#ifdef REFERENCE_DEFECTS

bool reference_defect[REFERENCE_DEFECTS_END];

/* In the order of specs/defects.yaml; a test compares the two. */
static const unsigned char built[] = {
    1,   3,   5,   6,   8,   10,  11,  13,  15,  16,  18,  20,  21,  23,  25,  26,  28,  30,  31,
    33,  35,  36,  38,  40,  41,  43,  45,  46,  48,  50,  51,  53,  55,  56,  58,  60,  61,  63,
    65,  66,  68,  70,  71,  75,  76,  78,  80,  81,  83,  85,  86,  88,  90,  91,  93,  95,  96,
    98,  100, 101, 103, 105, 106, 108, 110, 111, 113, 115, 116, 118, 120, 121, 125, 126, 128, 130,
    131, 133, 135, 136, 138, 140, 141, 143, 145, 146, 148, 150, 151, 153, 155, 156, 158, 160, 161,
    163, 165, 166, 168, 170, 171, 173, 175, 176, 178, 180, 181, 183, 185, 186, 205, 206};

static bool same(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* "BUG-nnn" to nnn, 0 when it is something else. */
static unsigned number_of(const char *value) {
    static const char prefix[] = "BUG-";
    unsigned number = 0, i;

    for (i = 0; i < sizeof prefix - 1; i++)
        if (value[i] != prefix[i])
            return 0;
    for (value += i, i = 0; i < 3; i++) {
        if (value[i] < '0' || value[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(value[i] - '0');
    }
    return value[3] ? 0 : number;
}

bool GPUP_CALL reference_set_option(const char *name, const char *value) {
    unsigned number = number_of(value);

    if (!same(name, "defect") || number == 0)
        return false;
    for (unsigned i = 0; i < sizeof built; i++)
        if (built[i] == number) {
            reference_defect[number] = true;
            return true;
        }
    return false;
}

#endif
typedef int reference_defect_unit; /* a unit is never empty */
