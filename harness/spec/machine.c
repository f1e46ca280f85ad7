/* Follows the state machines: legality of a call, and where a call that succeeded leads. */
#include "gpup/machine.h"
#include <stdio.h>
#include <string.h>

/* The slot of a machine that a call is about. */
static uint32_t slot_of(const struct gpup_machine *machine, uint32_t vf, uint32_t basis) {
    switch (machine->per) {
    case GPUP_PER_vf:
        return vf;
    case GPUP_PER_basis:
        return basis;
    default:
        return 0;
    }
}

void gpup_machine_reset(struct gpup_machine_state *state) {
    memset(state, 0, sizeof *state);
    for (size_t i = 0; i < gpup_spec_counts.machines; i++)
        memset(state->at[i], gpup_machines[i].initial, sizeof state->at[i]);
}

uint8_t gpup_machine_state_of(const struct gpup_machine_state *state, uint16_t machine, uint32_t slot) {
    if (machine >= gpup_spec_counts.machines)
        return GPUP_STATE_SAME;
    if (gpup_machines[machine].per == GPUP_PER_adapter)
        return state->at[machine][0];
    return slot < GPUP_MACHINE_SLOTS ? state->at[machine][slot] : gpup_machines[machine].initial;
}

void gpup_machine_set(struct gpup_machine_state *state, uint16_t machine, uint32_t slot, uint8_t value) {
    if (machine >= gpup_spec_counts.machines || value >= gpup_machines[machine].state_count)
        return;
    if (gpup_machines[machine].per == GPUP_PER_adapter)
        slot = 0;
    if (slot < GPUP_MACHINE_SLOTS)
        state->at[machine][slot] = value;
}

static bool guards_match(const struct gpup_transition *transition, const uint64_t *args) {
    for (size_t i = 0; i < transition->guard_count; i++) {
        const struct gpup_guard *guard = &transition->guards[i];
        uint64_t value = args[guard->argument];
        bool match = guard->kind == GPUP_GUARD_zero      ? value == 0
                     : guard->kind == GPUP_GUARD_nonzero ? value != 0
                                                         : value == guard->value;
        if (!match)
            return false;
    }
    return true;
}

static bool condition_holds(const struct gpup_machine_state *state, const struct gpup_condition *condition,
                            uint32_t slot) {
    if (condition->quantifier == GPUP_HERE)
        return gpup_machine_state_of(state, condition->machine, slot) == condition->state;
    bool any = condition->quantifier == GPUP_ANY;
    uint32_t slots = gpup_machines[condition->machine].per == GPUP_PER_adapter ? 1 : GPUP_MACHINE_SLOTS;
    for (uint32_t i = 0; i < slots; i++) {
        if ((state->at[condition->machine][i] == condition->state) == any)
            return any;
    }
    return !any;
}

/* NULL when every clause has an alternative that holds, else the first alternative of the clause that has
 * none. */
static const struct gpup_condition *broken_clause(const struct gpup_machine_state *state,
                                                  const struct gpup_transition *transition, uint32_t slot) {
    for (size_t i = 0; i < transition->condition_count;) {
        const struct gpup_condition *first = &transition->conditions[i];
        bool held = false;
        for (; i < transition->condition_count && transition->conditions[i].clause == first->clause; i++)
            held = held || condition_holds(state, &transition->conditions[i], slot);
        if (!held)
            return first;
    }
    return NULL;
}

/* Most machines have nothing to do with most calls. */
static bool names(uint16_t machine, uint16_t ddi) {
    return ddi < gpup_spec_counts.ddis && gpup_machines[machine].first[ddi];
}

/*
 * The transition that a call takes of a machine that names its DDI; NULL: the machine refuses. The refusal
 * that came closest to a transition is the one worth telling.
 */
static const struct gpup_transition *taken(const struct gpup_machine_state *state, uint16_t machine,
                                           uint16_t ddi, uint32_t slot, const uint64_t *args,
                                           struct gpup_machine_refusal *why) {
    const struct gpup_machine *table = &gpup_machines[machine];
    uint8_t now = gpup_machine_state_of(state, machine, slot);
    struct gpup_machine_refusal refusal = {.machine = machine,
                                           .condition = GPUP_SPEC_NONE,
                                           .slot = slot,
                                           .state = now,
                                           .reason = GPUP_REFUSAL_arguments};
    const struct gpup_transition *next = &table->transitions[table->first[ddi] - 1];
    while (next) {
        const struct gpup_transition *transition = next;
        next = transition->again ? transition + transition->again : NULL;
        if (!guards_match(transition, args))
            continue;
        if (refusal.reason == GPUP_REFUSAL_arguments)
            refusal.reason = GPUP_REFUSAL_state;
        if (!(transition->from >> now & 1))
            continue;
        const struct gpup_condition *broken = broken_clause(state, transition, slot);
        if (!broken)
            return transition;
        refusal.reason = GPUP_REFUSAL_condition;
        refusal.condition = broken->machine;
    }
    if (why)
        *why = refusal;
    return NULL;
}

bool gpup_machine_legal(const struct gpup_machine_state *state, uint16_t ddi, uint32_t vf, uint32_t basis,
                        const uint64_t args[GPUP_DDI_ARGUMENTS_MAX], struct gpup_machine_refusal *why) {
    for (uint16_t i = 0; i < gpup_spec_counts.machines; i++) {
        struct gpup_machine_refusal refusal;
        if (names(i, ddi) && !taken(state, i, ddi, slot_of(&gpup_machines[i], vf, basis), args, &refusal)) {
            if (why)
                *why = refusal;
            return false;
        }
    }
    return true;
}

/* Machines per VF (per basis) go back in the given slot only, except for a transition of an adapter: in all.
 */
static void apply_resets(struct gpup_machine_state *state, uint32_t resets, uint8_t per, uint32_t slot) {
    for (uint16_t i = 0; i < gpup_spec_counts.machines; i++) {
        if (!(resets >> i & 1))
            continue;
        if (per == GPUP_PER_adapter)
            memset(state->at[i], gpup_machines[i].initial, sizeof state->at[i]);
        else
            gpup_machine_set(state, i, slot, gpup_machines[i].initial);
    }
}

void gpup_machine_step(struct gpup_machine_state *state, uint16_t ddi, uint32_t vf, uint32_t basis,
                       const uint64_t args[GPUP_DDI_ARGUMENTS_MAX]) {
    const struct gpup_transition *transitions[GPUP_MACHINE_MAX] = {NULL};
    /* All conditions look at the state before the call, and resets come after every move. */
    for (uint16_t i = 0; i < gpup_spec_counts.machines; i++) {
        if (names(i, ddi))
            transitions[i] = taken(state, i, ddi, slot_of(&gpup_machines[i], vf, basis), args, NULL);
    }
    for (uint16_t i = 0; i < gpup_spec_counts.machines; i++) {
        if (transitions[i] && transitions[i]->to != GPUP_STATE_SAME)
            gpup_machine_set(state, i, slot_of(&gpup_machines[i], vf, basis), transitions[i]->to);
    }
    for (uint16_t i = 0; i < gpup_spec_counts.machines; i++) {
        if (transitions[i])
            apply_resets(state, transitions[i]->resets, gpup_machines[i].per,
                         slot_of(&gpup_machines[i], vf, basis));
    }
}

uint16_t gpup_machine_find(const char *name) {
    for (size_t i = 0; name && i < gpup_spec_counts.machines; i++) {
        if (!strcmp(gpup_machines[i].name, name))
            return (uint16_t)i;
    }
    return GPUP_SPEC_NONE;
}

uint8_t gpup_machine_state_find(uint16_t machine, const char *state) {
    if (machine >= gpup_spec_counts.machines || !state)
        return GPUP_STATE_SAME;
    for (uint8_t i = 0; i < gpup_machines[machine].state_count; i++) {
        if (!strcmp(gpup_machines[machine].states[i], state))
            return i;
    }
    return GPUP_STATE_SAME;
}

const char *gpup_machine_state_name(uint16_t machine, uint8_t state) {
    if (machine >= gpup_spec_counts.machines || state >= gpup_machines[machine].state_count)
        return "?";
    return gpup_machines[machine].states[state];
}

int gpup_machine_explain(const struct gpup_machine_refusal *why, uint16_t ddi, char *text, size_t size) {
    const char *machine = why->machine < gpup_spec_counts.machines ? gpup_machines[why->machine].name : "?";
    const char *state = gpup_machine_state_name(why->machine, why->state);
    char where[16] = "";
    if (why->machine < gpup_spec_counts.machines && gpup_machines[why->machine].per != GPUP_PER_adapter &&
        why->slot != GPUP_SLOT_NONE)
        (void)snprintf(where, sizeof where, "[%u]", why->slot);
    switch (why->reason) {
    case GPUP_REFUSAL_condition:
        return snprintf(text, size, "%s%s is %s: %s also needs another state of %s", machine, where, state,
                        gpup_ddi_name(ddi), gpup_machines[why->condition].name);
    case GPUP_REFUSAL_state:
        return snprintf(text, size, "%s%s is %s: %s is not called there", machine, where, state,
                        gpup_ddi_name(ddi));
    default:
        return snprintf(text, size, "%s%s is %s: %s is never called with these arguments", machine, where,
                        state, gpup_ddi_name(ddi));
    }
}
