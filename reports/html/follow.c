/* The state machines of the specification, led through a trace by the calls that succeeded. */
#include "html.h"

#include <gpup/spec_ids.h>

#include <string.h>

void follow_begin(struct follow *f) {
    memset(f, 0, sizeof *f);
    gpup_machine_reset(&f->at[0]);
    gpup_machine_reset(&f->at[1]);
}

static void take_call(struct follow *f, const struct gpup_event *e) {
    struct follow_call *c = f->call[e->host & 1];
    unsigned i = 0;
    if (e->f[GPUP_CALL_ddi] >= gpup_spec_counts.ddis)
        return;
    while (i < FOLLOW_CALLS - 1 && c[i].open)
        i++;
    c[i] = (struct follow_call){.number = e->f[GPUP_CALL_call],
                                .begin_ns = e->time_ns,
                                .ddi = (uint16_t)e->f[GPUP_CALL_ddi],
                                .open = true};
    memcpy(c[i].a, &e->f[GPUP_CALL_a0], sizeof c[i].a);
}

/* Row of a handle; object 0: the first free one. */
static uint32_t basis_row(const struct follow *f, unsigned host, uint64_t object) {
    for (uint32_t i = 0; i < GPUP_MACHINE_SLOTS; i++)
        if (f->basis[host][i] == object)
            return i;
    return GPUP_SLOT_NONE;
}

static bool succeeded(uint16_t ddi, const struct gpup_event *e) {
    if (gpup_ddis[ddi].returns == GPUP_RETURNS_HANDLE)
        return e->f[GPUP_RETURN_handle] != 0 && e->f[GPUP_RETURN_handle] != UINT64_MAX;
    return (int32_t)e->f[GPUP_RETURN_status] >= 0;
}

static void take_return(struct follow *f, const struct gpup_event *e, struct follow_return *r) {
    unsigned host = e->host & 1;
    const struct gpup_ddi *d = &gpup_ddis[r->call.ddi];
    uint64_t vf = d->vf_argument >= 0 ? r->call.a[d->vf_argument] : UINT64_MAX;
    uint64_t object = d->basis_argument >= 0 ? r->call.a[d->basis_argument] : 0;
    r->before = f->at[host];
    r->success = succeeded(r->call.ddi, e);
    r->vf = vf < GPUP_MACHINE_SLOTS ? (uint32_t)vf : GPUP_SLOT_NONE;
    r->basis = object ? basis_row(f, host, object) : GPUP_SLOT_NONE;
    if (r->success && r->call.ddi == GPUP_DDI_CreateMemoryBasis &&
        (r->basis = basis_row(f, host, 0)) != GPUP_SLOT_NONE)
        f->basis[host][r->basis] = e->f[GPUP_RETURN_handle];
    if (r->success)
        gpup_machine_step(&f->at[host], r->call.ddi, r->vf, r->basis, r->call.a);
    if (r->success && r->call.ddi == GPUP_DDI_DestroyMemoryBasis && r->basis != GPUP_SLOT_NONE)
        f->basis[host][r->basis] = 0;
}

bool follow_event(struct follow *f, const struct gpup_event *e, struct follow_return *out) {
    if (e->kind == GPUP_EVENT_CALL)
        take_call(f, e);
    for (unsigned i = 0; e->kind == GPUP_EVENT_RETURN && i < FOLLOW_CALLS; i++) {
        struct follow_call *c = &f->call[e->host & 1][i];
        if (!c->open || c->number != e->f[GPUP_RETURN_call])
            continue;
        c->open = false;
        out->call = *c;
        take_return(f, e, out);
        return true;
    }
    return false;
}

uint32_t follow_slot(const struct follow_return *r, unsigned machine) {
    unsigned per = gpup_machines[machine].per;
    return per == GPUP_PER_adapter ? 0 : per == GPUP_PER_vf ? r->vf : r->basis;
}

static bool guarded(const struct gpup_transition *t, const uint64_t *a) {
    for (unsigned i = 0; i < t->guard_count; i++) {
        const struct gpup_guard *g = &t->guards[i];
        uint64_t value = a[g->argument];
        bool fits = g->kind == GPUP_GUARD_equal  ? value == g->value
                    : g->kind == GPUP_GUARD_zero ? value == 0
                                                 : value != 0;
        if (!fits)
            return false;
    }
    return true;
}

void coverage_add(struct coverage *coverage, const struct follow_return *r) {
    for (unsigned m = 0; r->success && m < gpup_spec_counts.machines && m < GPUP_MACHINE_MAX; m++) {
        const struct gpup_machine *machine = &gpup_machines[m];
        uint32_t slot = follow_slot(r, m);
        if (slot == GPUP_SLOT_NONE)
            continue;
        uint8_t state = gpup_machine_state_of(&r->before, (uint16_t)m, slot);
        for (unsigned t = 0; t < machine->transition_count && t < COVERAGE_TRANSITIONS; t++) {
            const struct gpup_transition *row = &machine->transitions[t];
            if (row->ddi == r->call.ddi && row->from >> state & 1 && guarded(row, r->call.a))
                coverage->taken[m][t][state]++;
        }
    }
}
