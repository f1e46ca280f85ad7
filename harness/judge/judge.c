/* The engine: hands each event to the context and to the monitors that want its kind. */
#include "monitors/monitors.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(GPUP_EVENT_KINDS <= 64, "monitor.kinds has a bit per kind");

static const struct monitor *const monitors[] = {
    &monitor_partition, &monitor_vgpu,      &monitor_escape,  &monitor_sriov,     &monitor_vf_config,
    &monitor_vmbus,     &monitor_vmdata,    &monitor_hostile, &monitor_adapter,   &monitor_hotupdate,
    &monitor_ranges,    &monitor_resources, &monitor_wdf,     &monitor_msix,      &monitor_pause,
    &monitor_vf_power,  &monitor_migration, &monitor_blobs,   &monitor_schedule,  &monitor_sync,
    &monitor_etw,       &monitor_dirty,     &monitor_caps,    &monitor_isolation, &monitor_general,
    &monitor_twin,      &monitor_apart};
#define MONITORS (sizeof monitors / sizeof monitors[0])
_Static_assert(MONITORS < JUDGE_MONITORS, "judge.state and judge.wants have a place per monitor");

static void index_kinds(struct gpup_judge *j) {
    for (unsigned kind = 0; kind < GPUP_EVENT_KINDS; kind++) {
        unsigned count = 0;
        for (unsigned i = 0; i < gpup_event_field_count(kind); i++)
            if (strcmp(gpup_event_field_name(kind, i), "call") == 0 && kind != GPUP_EVENT_TWIN)
                j->call_at[kind] = (uint8_t)(i + 1);
        for (size_t i = 0; i < MONITORS; i++)
            if (monitors[i]->kinds >> kind & 1)
                j->wants[kind][count++] = (uint8_t)(i + 1);
    }
}

static void *heap(void *context, size_t size) {
    (void)context;
    return calloc(1, size);
}

void *judge_grow(struct gpup_judge *j, void *old, size_t size) {
    return j->alloc ? j->alloc(j->alloc_context, size) : realloc(old, size);
}

void judge_drop(struct gpup_judge *j, void *memory) {
    if (!j->alloc)
        free(memory);
}

/* false: something is missing. */
static bool furnish(struct gpup_judge *j, void *(*alloc)(void *context, size_t size), void *context) {
    j->result = alloc(context, gpup_spec_counts.rules * sizeof *j->result);
    bool whole = j->result != NULL;
    index_kinds(j);
    for (size_t i = 0; i < MONITORS; i++) {
        j->state[i] = alloc(context, monitors[i]->state_size ? monitors[i]->state_size : 1);
        whole = whole && j->state[i];
    }
    if (whole)
        gpup_judge_reset(j);
    return whole;
}

struct gpup_judge *gpup_judge_new_in(void *(*alloc)(void *context, size_t size), void *context) {
    struct gpup_judge *j = alloc(context, sizeof *j);
    if (!j)
        return NULL;
    j->alloc = alloc;
    j->alloc_context = context;
    return furnish(j, alloc, context) ? j : NULL;
}

struct gpup_judge *gpup_judge_new(void) {
    struct gpup_judge *j = heap(NULL, sizeof *j);
    if (j && !furnish(j, heap, NULL)) {
        gpup_judge_free(j);
        return NULL;
    }
    return j;
}

void gpup_judge_free(struct gpup_judge *j) {
    if (!j)
        return;
    for (size_t i = 0; i < MONITORS; i++) {
        if (j->state[i] && monitors[i]->release)
            monitors[i]->release(j, j->state[i]);
        free(j->state[i]);
    }
    free(j->result);
    free(j);
}

void gpup_judge_reset(struct gpup_judge *j) {
    memset(j->result, 0, gpup_spec_counts.rules * sizeof *j->result);
    j->findings = 0;
    j->overflow = false;
    for (size_t i = 0; i < MONITORS; i++) {
        if (monitors[i]->reset)
            monitors[i]->reset(j, j->state[i]);
        else
            memset(j->state[i], 0, monitors[i]->state_size);
    }
    context_reset(j); /* last: it knows which VFs were used */
}

void judge_about(struct gpup_judge *j, uint8_t host, uint32_t vf) {
    j->about_host = host;
    j->about_vf = vf;
}

void judge_at(struct gpup_judge *j, const struct gpup_places *places) {
    j->at = places;
}

static void about_call(struct gpup_judge *j) {
    judge_about(j, j->call.host, j->call.names_vf ? j->call.vf : GPUP_PF);
}

static void settle(struct gpup_judge *j) {
    if (!j->call.returned)
        return;
    for (size_t i = 0; i < MONITORS; i++) {
        void (*act)(struct gpup_judge *, void *) =
            j->call.overlapped ? monitors[i]->overlapped : monitors[i]->settle;
        if (!act)
            continue;
        j->monitor = monitors[i]->id;
        about_call(j);
        act(j, j->state[i]);
    }
    j->call.returned = false;
}

static void ask_about(struct gpup_judge *j, uint8_t host, uint32_t vf) {
    for (size_t i = 0; i < MONITORS; i++) {
        if (!monitors[i]->later)
            continue;
        j->monitor = monitors[i]->id;
        judge_about(j, host, vf);
        monitors[i]->later(j, j->state[i], host, vf);
    }
}

/* What calls left to be seen later is asked before the next step or call begins: it is about neither. */
static void ask_later(struct gpup_judge *j) {
    j->waited = false;
    for (uint8_t host = 0; host < GPUP_MAX_HOSTS; host++) {
        for (uint64_t used = j->used[host]; used; used &= used - 1)
            ask_about(j, host, (uint32_t)__builtin_ctzll(used));
        ask_about(j, host, GPUP_PF);
    }
}

/* What belongs to a call after its return. */
static bool is_tail(unsigned kind) {
    return kind == GPUP_EVENT_OUTPUT || kind == GPUP_EVENT_DAMAGE || kind == GPUP_EVENT_OBS_POOL ||
           (kind >= GPUP_EVENT_OBS_MSIX && kind <= GPUP_EVENT_OBS_CONFIG);
}

static bool is_reading(unsigned kind) {
    return kind == GPUP_EVENT_OBS_POOL || (kind >= GPUP_EVENT_OBS_MSIX && kind <= GPUP_EVENT_OBS_CONFIG);
}

static bool is_death(unsigned kind) {
    return kind == GPUP_EVENT_FAULT || kind == GPUP_EVENT_BUGCHECK || kind == GPUP_EVENT_HANG ||
           kind == GPUP_EVENT_FRAMEWORK_STOP;
}

static bool is_routine(const struct gpup_event *e) {
    return e->kind == GPUP_EVENT_MMIO && gpup_mmio_is_routine(e->f[GPUP_MMIO_region], e->f[GPUP_MMIO_width]);
}

/* What another adapter of the machine does meanwhile is outside of the call. */
static void hand_over(struct gpup_judge *j, const struct gpup_event *e) {
    bool beside = j->one_system && e->host != j->call.host;
    bool active = j->call.active, returned = j->call.returned;
    if (beside)
        j->call.active = j->call.returned = false;
    j->now = e;
    for (const uint8_t *row = j->wants[e->kind]; *row; row++) {
        size_t i = *row - 1u;
        j->monitor = monitors[i]->id;
        if (j->call.active || j->call.returned)
            about_call(j);
        else
            judge_about(j, e->host, GPUP_PF);
        monitors[i]->event(j, j->state[i], e);
    }
    if (beside) {
        j->call.active = active;
        j->call.returned = returned;
    }
    j->now = NULL;
}

void gpup_judge_event(struct gpup_judge *j, const struct gpup_event *e) {
    j->lost = j->lost || (e->kind == GPUP_EVENT_LOST && e->f[GPUP_LOST_count]);
    if (e->kind >= GPUP_EVENT_KINDS || e->host >= GPUP_MAX_HOSTS || j->ended || j->lost) {
        j->event++;
        return;
    }
    if (!is_tail(e->kind))
        settle(j);
    if (j->waited && (e->kind == GPUP_EVENT_STEP || e->kind == GPUP_EVENT_CALL))
        ask_later(j);
    call_select(j, e);
    if (is_reading(e->kind))
        context_note_change(j, e);
    else
        context_event(j, e);
    if (!is_routine(e))
        hand_over(j, e);
    if (is_reading(e->kind))
        context_reading(j, e);
    if (is_death(e->kind))
        call_died(j);
    j->event++;
}

void gpup_judge_end(struct gpup_judge *j) {
    if (j->ended)
        return;
    if (!j->lost)
        settle(j);
    if (!j->lost && j->waited)
        ask_later(j);
    for (size_t i = 0; i < MONITORS && !j->lost; i++) {
        if (!monitors[i]->end)
            continue;
        j->monitor = monitors[i]->id;
        judge_about(j, 0, GPUP_PF);
        monitors[i]->end(j, j->state[i]);
    }
    j->monitor = GPUP_SPEC_NONE;
    j->ended = true;
}

size_t gpup_judge_findings(const struct gpup_judge *j, const struct gpup_finding **findings) {
    *findings = j->finding;
    return j->findings;
}

/* Verdicts of all rules are worked out for who asks: a fuzzer wants the findings alone. */
const struct gpup_rule_result *gpup_judge_results(const struct gpup_judge *judge) {
    struct gpup_judge *j = (struct gpup_judge *)(uintptr_t)judge; // NOLINT(performance-no-int-to-ptr)
    if (j->ended && !j->resolved)
        judge_resolve(j);
    j->resolved = j->ended;
    return j->result;
}

bool gpup_judge_overflowed(const struct gpup_judge *j) {
    return j->overflow;
}
