/*
 * An implementation whose whole state is in globals, as that of many drivers is: the simulator beside this
 * example, with its memory taken from a static array. Both hosts of a migration run this one image and get
 * the same addresses; what keeps them apart is that the suite saves and swaps the writable sections of an
 * implementation.
 */
#include <gpup/implementation.h>

/* ../simulator/simulator.c, with its entry renamed */
const struct gpup_implementation *simulator_implementation(void);

static struct {
    _Alignas(16) unsigned char bytes[4 << 20]; /* zero in a freshly loaded image */
    size_t used;
} state;

static void *take(void *context, size_t size) {
    (void)context;
    size = (size + 15) & ~(size_t)15;
    if (size > sizeof state.bytes - state.used)
        return NULL;
    state.used += size;
    return state.bytes + state.used - size;
}

static bool open_adapter(struct gpup_open *open) {
    struct gpup_memory given = open->memory;
    open->memory = (struct gpup_memory){take, NULL};
    bool opened = simulator_implementation()->open(open);
    open->memory = given;
    return opened;
}

const struct gpup_implementation *gpup_implementation(void) {
    static struct gpup_implementation implementation;
    implementation = *simulator_implementation();
    implementation.name = "example-globals";
    implementation.open = open_adapter;
    return &implementation;
}
