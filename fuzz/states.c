#include "states.h"

#include <gpup/spec_ids.h>

#include <string.h>

/* Regions of the table. */
#define LIFE 0u       /* 5 lives of a vGPU x 64 DDIs x 2 outcomes */
#define SESSION 640u  /* 9 states of a migration x 2 of the pause x 32 DDIs x 2 */
#define BASIS 1792u   /* 3 states of a basis x 8 DDIs x 2 */
#define TROUBLE 1856u /* events that are rare by themselves, by kind */
#define ALWAYS 2047u  /* hit by every execution: an engine sees that the target has counters */

void fuzz_states_reset(struct fuzz_states *s) {
    uint8_t *counters = s->counters;
    memset(s, 0, sizeof *s);
    s->counters = counters;
    for (unsigned i = 0; i < 2; i++) {
        gpup_machine_reset(&s->at[i]);
        gpup_machine_set(&s->at[i], GPUP_MACHINE_adapter, 0, GPUP_STATE_adapter_Started);
        gpup_machine_set(&s->at[i], GPUP_MACHINE_partition, 0, GPUP_STATE_partition_Counted);
    }
    counters[ALWAYS] = 1;
}

uint32_t fuzz_states_basis(const struct fuzz_states *s, unsigned host, uint64_t object) {
    for (uint32_t i = 0; object && i < GPUP_MACHINE_SLOTS; i++)
        if (s->basis[host][i] == object)
            return i;
    return GPUP_SLOT_NONE;
}

/* A new basis takes the first free row. */
static uint32_t new_basis(struct fuzz_states *s, unsigned host, uint64_t object) {
    for (uint32_t i = 0; object && object != UINT64_MAX && i < GPUP_MACHINE_SLOTS; i++)
        if (!s->basis[host][i]) {
            s->basis[host][i] = object;
            return i;
        }
    return GPUP_SLOT_NONE;
}

bool fuzz_states_succeeded(uint16_t ddi, const struct gpup_event *e) {
    if (gpup_ddis[ddi].returns == GPUP_RETURNS_HANDLE)
        return e->f[GPUP_RETURN_handle] != 0 && e->f[GPUP_RETURN_handle] != UINT64_MAX;
    return (int32_t)e->f[GPUP_RETURN_status] >= 0;
}

static void set(struct fuzz_states *s, uint32_t region, uint32_t end, uint32_t index) {
    if (region + index < end)
        s->counters[region + index] = 1;
}

static void returned(struct fuzz_states *s, unsigned host, const struct gpup_event *e) {
    uint16_t ddi = s->ddi[host];
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    const uint64_t *a = s->a[host];
    struct gpup_machine_state *at = &s->at[host];
    bool success = fuzz_states_succeeded(ddi, e);
    uint32_t vf = d->vf_argument >= 0 ? (uint32_t)a[d->vf_argument] : GPUP_SLOT_NONE;
    uint32_t basis =
        d->basis_argument >= 0 ? fuzz_states_basis(s, host, a[d->basis_argument]) : GPUP_SLOT_NONE;
    uint32_t life = gpup_machine_state_of(at, GPUP_MACHINE_vgpu, vf);
    uint32_t session = gpup_machine_state_of(at, GPUP_MACHINE_migration, vf) * 2u +
                       (gpup_machine_state_of(at, GPUP_MACHINE_pause, vf) != 0);
    set(s, LIFE, SESSION, (life * 64u + ddi % 64u) * 2u + success);
    if (vf != GPUP_SLOT_NONE && session)
        set(s, SESSION, BASIS, (session * 32u + ddi % 32u) * 2u + success);
    if (d->basis_argument >= 0)
        set(s, BASIS, TROUBLE,
            (gpup_machine_state_of(at, GPUP_MACHINE_tracking, basis) * 8u + ddi % 8u) * 2u + success);
    if (!success)
        return;
    if (ddi == GPUP_DDI_CreateMemoryBasis)
        basis = new_basis(s, host, e->f[GPUP_RETURN_handle]);
    gpup_machine_step(at, ddi, vf, basis, a);
    if (ddi == GPUP_DDI_DestroyMemoryBasis && basis < GPUP_MACHINE_SLOTS)
        s->basis[host][basis] = 0;
}

void fuzz_states_event(struct fuzz_states *s, const struct gpup_event *e) {
    unsigned host = e->host & 1;
    switch (e->kind) {
    case GPUP_EVENT_CALL:
        s->ddi[host] = (uint16_t)e->f[GPUP_CALL_ddi];
        s->call[host] = e->f[GPUP_CALL_call];
        memcpy(s->a[host], &e->f[GPUP_CALL_a0], sizeof s->a[host]);
        break;
    case GPUP_EVENT_RETURN:
        if (e->f[GPUP_RETURN_call] == s->call[host] && s->ddi[host] < GPUP_DDI_COUNT)
            returned(s, host, e);
        break;
    case GPUP_EVENT_MISUSE:
    case GPUP_EVENT_POOL_DAMAGE:
    case GPUP_EVENT_LEFT:
    case GPUP_EVENT_CHANNEL:
    case GPUP_EVENT_CALLBACK:
        set(s, TROUBLE, ALWAYS, e->kind);
        break;
    default:
        break;
    }
}
