/*
 * State feedback: which calls came back how, from which state of the model.
 *
 * A dense table of bytes that are set, not incremented: (DDI, outcome) of calls that concern no VF; (life of
 * the vGPU, DDI, outcome); (migration and pause of the VF, DDI, outcome); (basis, DDI, outcome); (kind of
 * world, DDI) and (DDI, an answer that is not all zero) of calls that succeeded. libFuzzer reads it as extra
 * counters, AFL++ through guards of its own. Two kilobytes, because the engine looks at every byte after
 * every execution.
 */
#ifndef GPUP_FUZZ_STATES_H
#define GPUP_FUZZ_STATES_H

#include <gpup/machine.h>
#include <gpup/program.h>
#include <gpup/spec_ids.h>
#include <gpup/trace.h>

#define FUZZ_STATES 2048u

struct fuzz_states {
    struct gpup_machine_state at[2];   /* by host */
    struct gpup_machine_state kept[2]; /* as it was before a hot update, which VFs outlive */
    bool updating[2];
    uint64_t a[2][GPUP_DDI_ARGUMENTS_MAX];
    uint64_t call[2];
    uint16_t ddi[2];
    uint64_t basis[2][GPUP_MACHINE_SLOTS]; /* object of each basis alive */
    uint8_t world;                         /* kinds, a bit each */
    /* Not owned, FUZZ_STATES bytes; and the place of each DDI among its like: both outlive a reset. */
    uint8_t *counters;
    uint8_t row[GPUP_DDI_COUNT];
    bool laid_out;
};

void fuzz_states_reset(struct fuzz_states *states); /* the adapters are started, nothing else is there */
/* Which kind of world the program runs in: after a reset, before the first event. */
void fuzz_states_world(struct fuzz_states *states, const struct gpup_world_config *world);
void fuzz_states_event(struct fuzz_states *states, const struct gpup_event *event);

/* For those who follow a run beside it. The slot of a basis alive, or GPUP_SLOT_NONE; how the call came back.
 */
uint32_t fuzz_states_basis(const struct fuzz_states *states, unsigned host, uint64_t object);
bool fuzz_states_succeeded(uint16_t ddi, const struct gpup_event *returned);

#endif
