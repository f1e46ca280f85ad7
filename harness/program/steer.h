/* Where the state machines stand while a program is followed step by step, as if every call succeeded. */
#ifndef GPUP_PROGRAM_STEER_H
#define GPUP_PROGRAM_STEER_H

#include <gpup/machine.h>
#include <gpup/program.h>

struct steer {
    struct gpup_machine_state at[GPUP_MAX_HOSTS];
    uint16_t ddi[GPUP_OPS]; /* row of gpup_ddis of a call, else GPUP_SPEC_NONE */
    uint8_t partitions;
};

void steer_names(struct steer *steer); /* fills ddi: once */
void steer_start(struct steer *steer, const struct gpup_world_config *world);
/* Whether the OS would make this step here; steps that are no calls are always fine. */
bool steer_legal(const struct steer *steer, const struct gpup_step *step);
void steer_follow(struct steer *steer, const struct gpup_step *step);

#endif
