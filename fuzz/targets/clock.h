/*
 * What an execution takes, on a machine that others use too: processor time of this thread, of turns of
 * several executions. The tenth part of the turns that was quickest counts, where nobody was in the way.
 */
#ifndef GPUP_FUZZ_CLOCK_H
#define GPUP_FUZZ_CLOCK_H

#include <stdlib.h>
#include <time.h>

static inline double fuzz_clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int fuzz_clock_order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The turns are sorted. */
static inline double fuzz_clock_typical(double *us, unsigned turns) {
    qsort(us, turns, sizeof *us, fuzz_clock_order);
    return turns ? us[turns / 10] : 0;
}

#endif
