/* What the sample implementation shows of itself: through set_option, which every form of binding can reach.
 */
#ifndef GPUP_TESTS_BINDING_STATE_H
#define GPUP_TESTS_BINDING_STATE_H

/* Places of writable data, in the order of state_look's results. */
enum { STATE_DATA, STATE_BSS, STATE_LOCAL, STATE_POINTER, STATE_ARRAY_END, STATE_SMALL, STATE_COUNT };

/* set_option(name, value), value being the address of one of these in text: */
struct state_look {
    unsigned long value[STATE_COUNT];
};
struct state_counters { /* coverage counters of the image, empty if it has none */
    const unsigned char *start, *stop;
};
/* "defect", anything: remembers that it was set. "touch": changes every place. "look", "counters": as above.
 */

#endif
