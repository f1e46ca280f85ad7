/* Processor time of this thread: what others do on the machine is not in it. */
#ifndef GPUP_FUZZ_CLOCK_H
#define GPUP_FUZZ_CLOCK_H

#include <time.h>

static inline double fuzz_clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

#endif
