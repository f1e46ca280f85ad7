/*
 * State machines of specs/machines and the small engine that follows them.
 *
 * A machine exists once per adapter, once per VF or once per memory basis. It says which calls the OS makes
 * in which state and where a call that succeeded leads; it knows nothing of argument values beyond its
 * `where` guards (an index above the partition count, say, is the caller's business).
 *
 * Legality, as the machines define it:
 *  - a DDI that no machine names is legal everywhere;
 *  - otherwise every machine that names it must have a transition for it whose guard matches the arguments,
 * that leaves the current state, and whose condition on other machines holds. One refusal makes the call
 * illegal.
 *
 * The state is plain data: copy it with =, compare it with memcmp, keep thousands. Nothing allocates or
 * fails. The engine keeps no state of its own; different states may be used from different threads.
 */
#ifndef GPUP_MACHINE_H
#define GPUP_MACHINE_H

#include "gpup/spec.h"

#define GPUP_MACHINE_MAX 16   /* machines; gpup-specc refuses more */
#define GPUP_MACHINE_SLOTS 64 /* VFs, and memory bases alive at a time, of one adapter */
#define GPUP_MACHINE_STATES_MAX 32

/* "The call concerns no VF (no basis)", and "the basis does not exist yet" for CreateMemoryBasis. */
#define GPUP_SLOT_NONE UINT32_MAX

/* `to: same` */
#define GPUP_STATE_SAME UINT8_MAX

/* Of what a machine exists once each. */
enum gpup_machine_per { GPUP_PER_adapter, GPUP_PER_vf, GPUP_PER_basis };

enum gpup_guard_kind { GPUP_GUARD_equal, GPUP_GUARD_zero, GPUP_GUARD_nonzero };

/* One entry of `where`: a test on a scalar argument. */
struct gpup_guard {
    uint64_t value;
    uint8_t argument; /* position, a0 = 0 */
    uint8_t kind;     /* enum gpup_guard_kind */
};

/* Which slots a condition looks at: the one of the call, or some or every slot of that machine. */
enum gpup_quantifier { GPUP_HERE, GPUP_ANY, GPUP_ALL };

/* One alternative of `when`. Alternatives of one clause are or-ed, clauses are and-ed. */
struct gpup_condition {
    uint8_t clause;     /* rises from 0; equal numbers stand together */
    uint8_t quantifier; /* enum gpup_quantifier */
    uint8_t machine;    /* enum gpup_machine */
    uint8_t state;      /* of that machine */
};

struct gpup_transition {
    const struct gpup_guard *guards;         /* all must match */
    const struct gpup_condition *conditions; /* see above */
    uint32_t from;                           /* bit mask of states; 0: the OS never makes this call */
    uint32_t resets;                         /* bit mask of machines that go back to their initial state */
    uint16_t ddi;                            /* row of gpup_ddis */
    uint16_t source;                         /* row of gpup_sources or GPUP_SPEC_NONE: inferred */
    uint8_t to;                              /* state, or GPUP_STATE_SAME */
    uint8_t guard_count;
    uint8_t condition_count;
    uint8_t again; /* rows until the machine's next transition that is about this DDI; 0: there is none */
};

struct gpup_machine {
    const char *name;
    const char *const *states; /* names; the row number is the state */
    const struct gpup_transition *transitions;
    uint16_t transition_count;
    uint8_t state_count;
    uint8_t initial;
    uint8_t per;           /* enum gpup_machine_per */
    const uint16_t *first; /* by row of gpup_ddis: 1 + the first transition that is about it, or 0 */
};

extern const struct gpup_machine gpup_machines[]; /* gpup_spec_counts.machines rows */

/* States of all machines of one adapter; a machine per adapter uses slot 0. */
struct gpup_machine_state {
    uint8_t at[GPUP_MACHINE_MAX][GPUP_MACHINE_SLOTS];
};

enum gpup_refusal_reason {
    GPUP_REFUSAL_arguments, /* no transition of the machine takes these arguments */
    GPUP_REFUSAL_state,     /* none leaves the current state */
    GPUP_REFUSAL_condition, /* one does, but another machine is not where it has to be */
};

/* Why a call is illegal: the first machine that refused. */
struct gpup_machine_refusal {
    uint16_t machine;   /* enum gpup_machine */
    uint16_t condition; /* with _condition: the machine whose state is in the way, else GPUP_SPEC_NONE */
    uint32_t slot;      /* VF or basis number, 0 for an adapter, GPUP_SLOT_NONE */
    uint8_t state;      /* of that machine */
    uint8_t reason;     /* enum gpup_refusal_reason */
};

/* Every machine to its initial state. */
void gpup_machine_reset(struct gpup_machine_state *state);

/*
 * Whether the OS would make this call now. `vf` and `basis` are slot numbers or GPUP_SLOT_NONE; a machine per
 * VF (per basis) is read in its initial state when the number is NONE or not below GPUP_MACHINE_SLOTS. `args`
 * are the eight scalar inputs in the order of gpup_ddi.arguments, unused ones zero. `why` may be NULL; it is
 * written only when the call is illegal.
 */
bool gpup_machine_legal(const struct gpup_machine_state *state, uint16_t ddi, uint32_t vf, uint32_t basis,
                        const uint64_t args[GPUP_DDI_ARGUMENTS_MAX], struct gpup_machine_refusal *why);

/*
 * Follows a call that succeeded; `basis` of CreateMemoryBasis is the slot given to the new handle. Machines
 * without a fitting transition stay where they are, so illegal calls may be stepped too.
 */
void gpup_machine_step(struct gpup_machine_state *state, uint16_t ddi, uint32_t vf, uint32_t basis,
                       const uint64_t args[GPUP_DDI_ARGUMENTS_MAX]);

/* Current state of a machine; slot is ignored for an adapter machine, and NONE or too large gives the initial
 * one. */
uint8_t gpup_machine_state_of(const struct gpup_machine_state *state, uint16_t machine, uint32_t slot);

/* Puts a machine into a state, for a world that starts in the middle; wrong numbers change nothing. */
void gpup_machine_set(struct gpup_machine_state *state, uint16_t machine, uint32_t slot, uint8_t value);

/* Row of a machine, number of a state; GPUP_SPEC_NONE and GPUP_STATE_SAME when there is none. */
uint16_t gpup_machine_find(const char *name);
uint8_t gpup_machine_state_find(uint16_t machine, const char *state);

/* Name of a state, "?" when there is none. */
const char *gpup_machine_state_name(uint16_t machine, uint8_t state);

/*
 * Writes "vgpu[3] is Absent: CreateVirtualGpu not possible there" like text, always terminated; returns the
 * length it would have had, as snprintf does.
 */
int gpup_machine_explain(const struct gpup_machine_refusal *why, uint16_t ddi, char *text, size_t size);

#endif
