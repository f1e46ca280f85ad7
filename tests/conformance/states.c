/* What the scenarios reach of the state machines: every state entered, every transition taken from every
 * state that it may leave, on one implementation or another.
 *
 *   states IMPLEMENTATION.so...   prints what is missing and fails when something is
 */
#include <gpup/machine.h>
#include <gpup/runner.h>
#include <gpup/scenarios.h>
#include <gpup/spec_ids.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSITIONS 64u
#define BASES GPUP_MACHINE_SLOTS

/* One host of the running program. */
struct host {
    struct gpup_machine_state machines;
    uint64_t basis[BASES]; /* objects of the bases alive, 0 free */
    uint64_t a[GPUP_DDI_ARGUMENTS_MAX];
    uint64_t call;
    uint16_t ddi;
};

struct reach {
    struct host host[GPUP_MAX_HOSTS];
    uint32_t taken[GPUP_MACHINE_MAX][TRANSITIONS]; /* bit mask of the states it was taken from */
    uint32_t entered[GPUP_MACHINE_MAX];
};

static uint32_t slot_of(struct host *h, uint64_t object) {
    for (uint32_t i = 0; object && i < BASES; i++)
        if (h->basis[i] == object)
            return i;
    return GPUP_SLOT_NONE;
}

static bool guards_hold(const struct gpup_transition *t, const uint64_t *a) {
    for (unsigned i = 0; i < t->guard_count; i++) {
        uint64_t value = a[t->guards[i].argument];
        bool holds = t->guards[i].kind == GPUP_GUARD_zero      ? value == 0
                     : t->guards[i].kind == GPUP_GUARD_nonzero ? value != 0
                                                               : value == t->guards[i].value;
        if (!holds)
            return false;
    }
    return true;
}

static uint32_t slot_for(const struct gpup_machine *m, uint32_t vf, uint32_t basis) {
    return m->per == GPUP_PER_vf ? vf : m->per == GPUP_PER_basis ? basis : 0;
}

/* A driver may refuse some calls that the OS may make: a transition counts when it was tried, a state when a
 * call led there. */
static void note(struct reach *r, const struct host *h, uint32_t vf, uint32_t basis, bool success) {
    for (uint16_t m = 0; m < gpup_spec_counts.machines; m++)
        for (unsigned t = 0; t < gpup_machines[m].transition_count && t < TRANSITIONS; t++) {
            const struct gpup_transition *x = &gpup_machines[m].transitions[t];
            uint8_t state = gpup_machine_state_of(&h->machines, m, slot_for(&gpup_machines[m], vf, basis));
            if (x->ddi == h->ddi && (x->from >> state & 1) && guards_hold(x, h->a)) {
                r->taken[m][t] |= 1u << state;
                if (success)
                    r->entered[m] |= 1u << (x->to == GPUP_STATE_SAME ? state : x->to);
            }
        }
}

static void returned(struct reach *r, struct host *h, const struct gpup_event *e) {
    const struct gpup_ddi *d = &gpup_ddis[h->ddi];
    uint32_t status = (uint32_t)e->f[GPUP_RETURN_status];
    bool handle = d->returns == GPUP_RETURNS_HANDLE;
    bool success = handle ? e->f[GPUP_RETURN_handle] != 0 && e->f[GPUP_RETURN_handle] != UINT64_MAX
                          : (int32_t)status >= 0;
    uint32_t vf = d->vf_argument >= 0 ? (uint32_t)h->a[d->vf_argument] : GPUP_SLOT_NONE;
    uint32_t basis = d->basis_argument >= 0 ? slot_of(h, h->a[d->basis_argument]) : GPUP_SLOT_NONE;
    for (uint32_t i = 0;
         success && h->ddi == GPUP_DDI_CreateMemoryBasis && basis == GPUP_SLOT_NONE && i < BASES; i++)
        if (!h->basis[i]) {
            h->basis[i] = e->f[GPUP_RETURN_handle];
            basis = i;
        }
    note(r, h, vf, basis, success);
    if (!success)
        return;
    gpup_machine_step(&h->machines, h->ddi, vf, basis, h->a);
    if (h->ddi == GPUP_DDI_DestroyMemoryBasis && basis != GPUP_SLOT_NONE)
        h->basis[basis] = 0;
}

static void follow(void *context, const struct gpup_event *e) {
    struct reach *r = context;
    struct host *h = &r->host[e->host % GPUP_MAX_HOSTS];
    if (e->kind == GPUP_EVENT_CALL) {
        h->ddi = (uint16_t)e->f[GPUP_CALL_ddi];
        h->call = e->f[GPUP_CALL_call];
        memcpy(h->a, &e->f[GPUP_CALL_a0], sizeof h->a);
    } else if (e->kind == GPUP_EVENT_RETURN && e->f[GPUP_RETURN_call] == h->call &&
               h->ddi < gpup_spec_counts.ddis) {
        returned(r, h, e); /* calls that overlap are followed as far as they do not */
    }
}

static bool run(struct reach *r, const struct gpup_scenario *s, const char *implementation) {
    struct gpup_program program;
    struct gpup_program_result result = {0};
    struct gpup_trace_sink sink = {follow, r};
    char message[512];
    struct gpup_run_options o = {
        .implementation = implementation, .jobs = 1, .shard_index = 1, .shard_count = 1, .once = true};
    if (!gpup_program_decode(s->bytes, s->size, &program))
        return false;
    memset(r->host, 0, sizeof r->host);
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        gpup_machine_reset(&r->host[i].machines);
    bool ran = gpup_run_one(&o, &program, &sink, &result, message, sizeof message) == 0;
    if (!ran)
        fprintf(stderr, "%s: %s\n", s->name, message);
    gpup_program_result_free(&result);
    gpup_program_free(&program);
    return ran;
}

static unsigned report(const struct reach *r, unsigned *all) {
    unsigned missing = 0;
    for (uint16_t m = 0; m < gpup_spec_counts.machines; m++) {
        const struct gpup_machine *x = &gpup_machines[m];
        for (unsigned s = 0; s < x->state_count; s++)
            if (++*all && s != x->initial && !(r->entered[m] >> s & 1))
                printf("%s: state %s is never entered (%u)\n", x->name, x->states[s], ++missing);
        for (unsigned t = 0; t < x->transition_count; t++)
            for (unsigned s = 0; s < x->state_count; s++)
                if ((x->transitions[t].from >> s & 1) && ++*all && !(r->taken[m][t] >> s & 1))
                    printf("%s: %s is never taken from %s (transition %u; %u)\n", x->name,
                           gpup_ddi_name(x->transitions[t].ddi), x->states[s], t + 1, ++missing);
    }
    return missing;
}

int main(int argc, char **argv) {
    struct reach *r = calloc(1, sizeof *r);
    bool ok = r && argc >= 2;
    unsigned all = 0;
    for (int n = 1; n < argc; n++)
        for (size_t i = 0; ok && i < gpup_scenario_count; i++)
            ok = run(r, &gpup_scenarios[i], argv[n]);
    unsigned missing = ok ? report(r, &all) : 0;
    printf("%u of %u states and transitions reached\n", all - missing, all);
    free(r);
    return !ok || missing;
}
