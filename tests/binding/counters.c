/* Tells where the coverage counters are: called by code built with -fsanitize-coverage=inline-8bit-counters.
 */
#include "state.h"

extern struct state_counters state_counters;
void __sanitizer_cov_8bit_counters_init(unsigned char *start, unsigned char *stop);

void __sanitizer_cov_8bit_counters_init(unsigned char *start, unsigned char *stop) {
    state_counters = (struct state_counters){start, stop};
}
