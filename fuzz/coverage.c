#include "coverage.h"

#include "images.h"

#include <string.h>

#define REGIONS 64u

/* The section of the state counters; absent in targets that run no program. */
extern uint8_t __start___libfuzzer_extra_counters[] __attribute__((weak));
extern uint8_t __stop___libfuzzer_extra_counters[] __attribute__((weak));

static struct region { uint8_t *start, *stop; } regions[REGIONS];
static size_t region_count;

/* The compiler's names. Weak: a run-time library that has one of its own keeps it. */
#define HOOK __attribute__((weak, visibility("default"))) void
void __sanitizer_cov_8bit_counters_init(uint8_t *start,
                                        uint8_t *stop); /* not weak: a sanitizer has empty ones */
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);
HOOK __sanitizer_cov_trace_pc_indir(uintptr_t callee);
HOOK __sanitizer_cov_trace_cmp1(uint8_t a, uint8_t b);
HOOK __sanitizer_cov_trace_cmp2(uint16_t a, uint16_t b);
HOOK __sanitizer_cov_trace_cmp4(uint32_t a, uint32_t b);
HOOK __sanitizer_cov_trace_cmp8(uint64_t a, uint64_t b);
HOOK __sanitizer_cov_trace_const_cmp1(uint8_t a, uint8_t b);
HOOK __sanitizer_cov_trace_const_cmp2(uint16_t a, uint16_t b);
HOOK __sanitizer_cov_trace_const_cmp4(uint32_t a, uint32_t b);
HOOK __sanitizer_cov_trace_const_cmp8(uint64_t a, uint64_t b);
HOOK __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases);
HOOK __sanitizer_cov_trace_div4(uint32_t value);
HOOK __sanitizer_cov_trace_div8(uint64_t value);
HOOK __sanitizer_cov_trace_gep(uintptr_t index);
/* Of each thread; where there is no sanitizer, nothing else has it. */
__attribute__((weak, visibility("default"))) __thread uintptr_t __sancov_lowest_stack;

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop) {
    for (size_t i = 0; i < region_count; i++)
        if (regions[i].start == start)
            return;
    if (start != stop && region_count < REGIONS)
        regions[region_count++] = (struct region){start, stop};
}

void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop) {
    (void)start;
    (void)stop;
}

#define NOTHING(name, ...)                                                                                   \
    HOOK name(__VA_ARGS__) {                                                                                 \
    }
NOTHING(__sanitizer_cov_trace_pc_indir, uintptr_t callee __attribute__((unused)))
#define UNUSED __attribute__((unused))
NOTHING(__sanitizer_cov_trace_cmp1, uint8_t a UNUSED, uint8_t b UNUSED)
NOTHING(__sanitizer_cov_trace_cmp2, uint16_t a UNUSED, uint16_t b UNUSED)
NOTHING(__sanitizer_cov_trace_cmp4, uint32_t a UNUSED, uint32_t b UNUSED)
NOTHING(__sanitizer_cov_trace_cmp8, uint64_t a UNUSED, uint64_t b UNUSED)
NOTHING(__sanitizer_cov_trace_const_cmp1, uint8_t a UNUSED, uint8_t b UNUSED)
NOTHING(__sanitizer_cov_trace_const_cmp2, uint16_t a UNUSED, uint16_t b UNUSED)
NOTHING(__sanitizer_cov_trace_const_cmp4, uint32_t a UNUSED, uint32_t b UNUSED)
NOTHING(__sanitizer_cov_trace_const_cmp8, uint64_t a UNUSED, uint64_t b UNUSED)
NOTHING(__sanitizer_cov_trace_switch, uint64_t value UNUSED, uint64_t *cases UNUSED)
NOTHING(__sanitizer_cov_trace_div4, uint32_t value UNUSED)
NOTHING(__sanitizer_cov_trace_div8, uint64_t value UNUSED)
NOTHING(__sanitizer_cov_trace_gep, uintptr_t index UNUSED)

static size_t take(const struct region *r, size_t number,
                   void (*visit)(void *context, size_t number, uint8_t value), void *context) {
    for (uint8_t *c = r->start; c < r->stop; c++, number++)
        if (*c) {
            visit(context, number, *c);
            *c = 0;
        }
    return number;
}

static struct region states(void) {
    if (!__start___libfuzzer_extra_counters)
        return (struct region){NULL, NULL};
    return (struct region){__start___libfuzzer_extra_counters, __stop___libfuzzer_extra_counters};
}

void fuzz_coverage_take(void (*visit)(void *context, size_t number, uint8_t value), void *context) {
    struct region first = states();
    size_t number = take(&first, 0, visit, context);
    for (size_t i = 0; i < region_count; i++)
        number = take(&regions[i], number, visit, context);
}

void fuzz_coverage_forget(void) {
    if (fuzz_image_forget)
        fuzz_image_forget();
    for (size_t i = 0; i < region_count; i++)
        memset(regions[i].start, 0, (size_t)(regions[i].stop - regions[i].start));
}
