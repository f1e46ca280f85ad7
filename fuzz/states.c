#include "states.h"

#include <string.h>

/* Regions of the table; each has a place for every DDI of its kind, in the order of the DDIs. */
#define PLAIN_DDIS 32u /* that concern no VF */
#define VF_DDIS 34u    /* that concern one */
#define BASIS_DDIS 6u  /* that concern a memory basis */
#define PLAIN 0u       /* DDIs x 2 outcomes */
#define LIFE 64u       /* 5 lives of a vGPU x DDIs x 2 */
#define SESSION 404u   /* 9 states of a migration x 2 of the pause x DDIs x 2 */
#define BASIS 1628u    /* 3 states of a basis x DDIs x 2 */
#define WORLD 1664u    /* 5 kinds of worlds x DDIs that concern a VF or a basis */
#define ANSWER 1864u   /* DDIs of all kinds */
#define TROUBLE 1930u  /* events that are rare by themselves */
#define ALWAYS 2047u   /* hit by every execution: an engine sees that the target has counters */

#define LIVES 5u
#define SESSIONS 18u
#define KINDS 5u

_Static_assert(LIFE - PLAIN == PLAIN_DDIS * 2, "a place for each");
_Static_assert(SESSION - LIFE == LIVES * VF_DDIS * 2, "a place for each");
_Static_assert(BASIS - SESSION == SESSIONS * VF_DDIS * 2, "a place for each");
_Static_assert(WORLD - BASIS == 3 * BASIS_DDIS * 2, "a place for each");
_Static_assert(ANSWER - WORLD == KINDS * (VF_DDIS + BASIS_DDIS), "a place for each");
_Static_assert(TROUBLE - ANSWER == PLAIN_DDIS + VF_DDIS, "a place for each");
_Static_assert(ALWAYS < FUZZ_STATES, "fits");

static bool is_vf(uint16_t ddi) {
    return gpup_ddis[ddi].vf_argument >= 0;
}

static bool is_basis(uint16_t ddi) {
    return gpup_ddis[ddi].basis_argument >= 0 || ddi == GPUP_DDI_CreateMemoryBasis;
}

/* Each DDI's place among those that concern a VF, resp. among those that do not. */
static void lay_out(struct fuzz_states *s) {
    uint8_t of_vf = 0, of_none = 0;
    for (uint16_t ddi = 0; ddi < (uint16_t)GPUP_DDI_COUNT; ddi++)
        s->row[ddi] = is_vf(ddi) ? of_vf++ : of_none++;
    s->laid_out = true;
}

/* Those that concern a basis are few, and SetVirtualGpuResources2 is the last of them. */
static uint32_t basis_row(uint16_t ddi) {
    uint32_t row = (uint32_t)ddi - GPUP_DDI_CreateMemoryBasis;
    return row < BASIS_DDIS - 1 ? row : BASIS_DDIS - 1;
}

static void start_machines(struct gpup_machine_state *at) {
    gpup_machine_reset(at);
    gpup_machine_set(at, GPUP_MACHINE_adapter, 0, GPUP_STATE_adapter_Started);
    gpup_machine_set(at, GPUP_MACHINE_partition, 0, GPUP_STATE_partition_Counted);
}

void fuzz_states_reset(struct fuzz_states *s) {
    if (!s->laid_out)
        lay_out(s);
    for (unsigned i = 0; i < 2; i++)
        start_machines(&s->at[i]);
    memset(s->updating, 0, sizeof s->updating);
    memset(s->call, 0, sizeof s->call);
    memset(s->ddi, 0, sizeof s->ddi);
    memset(s->basis, 0, sizeof s->basis);
    s->world = 0;
    s->counters[ALWAYS] = 1;
}

void fuzz_states_world(struct fuzz_states *s, const struct gpup_world_config *w) {
    bool wide = w->segments > 1 || w->page_size > 4096;
    const bool kinds[KINDS] = {!w->performant, w->msix_entries > 256, wide, w->hosts > 1,
                               w->preempt || w->untracked};
    for (unsigned i = 0; i < KINDS; i++)
        s->world |= (uint8_t)(kinds[i] << i);
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

static void mark_vf(struct fuzz_states *s, unsigned host, uint16_t ddi, uint32_t vf, bool success) {
    const struct gpup_machine_state *at = &s->at[host];
    uint32_t life = gpup_machine_state_of(at, GPUP_MACHINE_vgpu, vf), row = s->row[ddi];
    uint32_t session = gpup_machine_state_of(at, GPUP_MACHINE_migration, vf) * 2u +
                       (gpup_machine_state_of(at, GPUP_MACHINE_pause, vf) != 0);
    set(s, LIFE, SESSION, (life * VF_DDIS + row) * 2u + success);
    if (session)
        set(s, SESSION, BASIS, (session * VF_DDIS + row) * 2u + success);
}

/* The kinds of the world that a call succeeded in: without them, what only one kind of world shows would be
 * no step forward. */
static void mark_world(struct fuzz_states *s, uint16_t ddi) {
    uint32_t row = is_vf(ddi) ? s->row[ddi] : VF_DDIS + basis_row(ddi);
    for (uint32_t kind = 0; (is_vf(ddi) || is_basis(ddi)) && kind < KINDS; kind++)
        if (s->world >> kind & 1)
            set(s, WORLD, ANSWER, kind * (VF_DDIS + BASIS_DDIS) + row);
}

/* What a call that succeeded did to the machines. VFs outlive a hot update, though their adapter stops. */
static void advance(struct fuzz_states *s, unsigned host, uint32_t vf, uint32_t basis) {
    uint16_t ddi = s->ddi[host];
    gpup_machine_step(&s->at[host], ddi, vf, basis, s->a[host]);
    if (ddi == GPUP_DDI_SaveMemoryForHotUpdate) {
        s->updating[host] = !s->a[host][GPUP_ARG_SaveMemoryForHotUpdate_Flags];
        s->kept[host] = s->at[host];
    }
    if (ddi == GPUP_DDI_StartDevice && s->updating[host]) {
        s->at[host] = s->kept[host];
        s->updating[host] = false;
    }
}

static void returned(struct fuzz_states *s, unsigned host, const struct gpup_event *e) {
    uint16_t ddi = s->ddi[host];
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    const uint64_t *a = s->a[host];
    bool success = fuzz_states_succeeded(ddi, e);
    uint32_t vf = d->vf_argument >= 0 ? (uint32_t)a[d->vf_argument] : GPUP_SLOT_NONE;
    uint32_t basis =
        d->basis_argument >= 0 ? fuzz_states_basis(s, host, a[d->basis_argument]) : GPUP_SLOT_NONE;
    if (is_vf(ddi))
        mark_vf(s, host, ddi, vf, success);
    else
        set(s, PLAIN, LIFE, s->row[ddi] * 2u + success);
    if (is_basis(ddi)) {
        uint32_t state = gpup_machine_state_of(&s->at[host], GPUP_MACHINE_tracking, basis);
        set(s, BASIS, WORLD, (state * BASIS_DDIS + basis_row(ddi)) * 2u + success);
    }
    if (!success) {
        if (ddi == GPUP_DDI_StartDevice || (ddi == GPUP_DDI_RestoreMemoryForHotUpdate &&
                                            !s->a[host][GPUP_ARG_RestoreMemoryForHotUpdate_Flags]))
            s->updating[host] = false; /* the new driver does not take over */
        return;
    }
    mark_world(s, ddi);
    if (ddi == GPUP_DDI_CreateMemoryBasis)
        basis = new_basis(s, host, e->f[GPUP_RETURN_handle]);
    advance(s, host, vf, basis);
    if (ddi == GPUP_DDI_DestroyMemoryBasis && basis < GPUP_MACHINE_SLOTS)
        s->basis[host][basis] = 0;
}

/* An answer that says something: a page that is dirty, data that is not empty. */
static void answered(struct fuzz_states *s, unsigned host, const struct gpup_event *e) {
    uint16_t ddi = s->ddi[host];
    const uint8_t *bytes = e->data;
    uint64_t used = e->f[GPUP_OUTPUT_used] < e->data_size ? e->f[GPUP_OUTPUT_used] : e->data_size;
    bool anything = false;
    for (uint64_t i = 0; !anything && i < used && i < 64; i++)
        anything = bytes[i] != 0;
    if (anything && e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA && s->call[host] && ddi < GPUP_DDI_COUNT)
        set(s, ANSWER, TROUBLE, (is_vf(ddi) ? PLAIN_DDIS : 0) + s->row[ddi]);
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
    case GPUP_EVENT_OUTPUT:
        answered(s, host, e);
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
