/* All bundled programs, and an engine on the reference driver. */
#ifndef TEST_FUZZ_BUNDLED_H
#define TEST_FUZZ_BUNDLED_H

#include "engine.h"
#include "prefixes.h"

#include <gpup/scenarios.h>

#include <stdio.h>

const struct gpup_implementation *gpup_implementation_reference(void);

static const struct gpup_static_implementation bundled_known[] = {
    {"reference", gpup_implementation_reference, "gpup_impl_reference_"}, {NULL, NULL, NULL}};

static inline size_t bundled_count(void) {
    return gpup_scenario_count + fuzz_prefix_count;
}

static inline bool bundled(size_t i, struct gpup_program *out) {
    if (i >= gpup_scenario_count)
        return fuzz_prefix(i - gpup_scenario_count, out);
    return gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, out);
}

static inline struct fuzz_engine *bundled_engine(const struct gpup_trace_sink *tap) {
    struct fuzz_options options = {
        .implementation = "reference", .known = bundled_known, .tap = tap, .negative = true, .strict = true};
    char message[512];
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    if (!engine)
        fprintf(stderr, "%s\n", message);
    return engine;
}

#endif
