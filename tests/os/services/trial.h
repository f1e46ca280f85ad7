/*
 * Trials: for each service of the table one effect that can be seen, and one misuse that must show in the
 * trace.
 *
 * Both run as a driver's routine in a host of their own, with zeroed driver memory as argument. The effect
 * gives 0, or the line that found something else than it should be, and leaves no MISUSE. The misuse names
 * the event that it must leave. Where a page limits the IRQL, the effect is run again above it, which must be
 * a MISUSE of that service, so that a trial without a misuse of its own is only for services with a limit, or
 * those that nothing can be wrong about.
 */
#ifndef GPUP_TESTS_OS_TRIAL_H
#define GPUP_TESTS_OS_TRIAL_H

#include <gpup/os.h>

enum evidence {
    BY_IRQL,  /* the limit of the table, no other misuse */
    HARMLESS, /* any IRQL, and no argument that could be wrong */
    LOCK,     /* MISUSE events, with the name of the service */
    OBJECT,
    PARAMETER,
    STATE,
    AGAIN,   /* MISUSE_RECURSION of the service */
    RAISED,  /* MISUSE_IRQL by something else than the limit of the table */
    FAULTS,  /* a FAULT event */
    STOPS,   /* a BUGCHECK event */
    HANGS,   /* a HANG event */
    DAMAGES, /* a POOL_DAMAGE event */
    LEAVES   /* a LEFT event after unload */
};

#define DEVICE_ADDRESS 0x40000000 /* where the registers of the device are */
#define DEVICE_SIZE 0x10000
#define ROOM 4096
typedef uint64_t(DDI_CALL *attempt)(void *room); /* ROOM zeroed bytes of pool, 16-byte aligned */

struct trial {
    const char *service;
    attempt effect, misuse;
    enum evidence evidence;
};

/* One table per file, ended by a NULL name. */
extern const struct trial pool_trials[], list_trials[], lock_trials[], wait_trials[], mutex_trials[],
    resource_trials[], timer_trials[], clock_trials[], thread_trials[], processor_trials[], memory_trials[],
    register_trials[], string_trials[], text_trials[], runtime_trials[], bitmap_trials[], registry_trials[],
    trace_trials[], file_trials[], wdk_trials[];

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return __LINE__;                                                                                 \
    } while (0)
#define UNUSED __attribute__((unused))
#define EFFECT(name) static uint64_t DDI_CALL name##_works(UNUSED void *room)
#define MISUSE(name) static uint64_t DDI_CALL name##_misused(UNUSED void *room)
#define TRIAL(name, evidence)                                                                                \
    { #name, name##_works, name##_misused, evidence }
#define WITH(name, other, evidence)                                                                          \
    { #name, other##_works, name##_misused, evidence } /* the effect of both */
#define LIMITED_WITH(name, other)                                                                            \
    { #name, other##_works, NULL, BY_IRQL }
#define SAFE_WITH(name, other)                                                                               \
    { #name, other##_works, NULL, HARMLESS }
#define LIMITED(name)                                                                                        \
    { #name, name##_works, NULL, BY_IRQL }
#define SAFE(name)                                                                                           \
    { #name, name##_works, NULL, HARMLESS }
#define ENDS(name, evidence)                                                                                 \
    { #name, NULL, name##_misused, evidence } /* it does not come back */

#endif
