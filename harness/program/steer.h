/* Where the state machines stand while a program is followed step by step, as if every call succeeded. */
#ifndef GPUP_PROGRAM_STEER_H
#define GPUP_PROGRAM_STEER_H

#include <gpup/machine.h>
#include <gpup/program.h>

struct steer {
    struct gpup_machine_state at[GPUP_MAX_HOSTS];
    uint16_t ddi[GPUP_OPS];                             /* row of gpup_ddis of a call, else GPUP_SPEC_NONE */
    bool can_move[GPUP_OPS];                            /* a machine, where it is legal */
    uint32_t seen[GPUP_MAX_HOSTS][4][GPUP_MACHINE_MAX]; /* states a VF (modulo 4) was in, a bit each */
    uint8_t partitions;
    bool tracks;                       /* StartVm and CreateVm begin to track */
    bool untracked;                    /* no dirty plane: neither tracking nor migration */
    uint8_t processes[GPUP_MAX_HOSTS]; /* slots of those that live, a bit each */
    uint64_t place[GPUP_MAX_HOSTS][4]; /* of its VRAM that the guest of a VF (modulo 4) wrote last */
    uint16_t saved[2];                 /* slots of immutable and of mutable data that was saved, a bit each */
};

void steer_names(struct steer *steer); /* fills ddi: once */
void steer_start(struct steer *steer, const struct gpup_world_config *world);
/* Whether the OS would make this step here; steps that are no calls are always fine. */
bool steer_legal(const struct steer *steer, const struct gpup_step *step);
/* Whether it can have an effect: a guest that runs, data that was saved, a basis that is tracked. */
bool steer_useful(const struct steer *steer, const struct gpup_step *step);
/* A vGPU with its resources. */
bool steer_has_vm(const struct steer *steer, uint8_t host, uint32_t vf);
/* The `number`-th (modulo how many there are) basis of the VF that is in one of `states` (a bit each); -1:
 * none. */
int steer_basis(const struct steer *steer, const struct gpup_step *step, unsigned states, uint32_t number);
/* The `number`-th (modulo how many there are) set bit; -1: none. */
int steer_bit(unsigned bits, uint32_t number);
/* Whether the step takes a machine to another state; `fresh`: to one that its VF was not in before. */
bool steer_moves(struct steer *steer, const struct gpup_step *step, bool fresh);
void steer_follow(struct steer *steer, const struct gpup_step *step);

#endif
