/* VirtualGpuDriverEscape: two buffers of the caller, and a LUID that says whose guest speaks. */
#include "monitors.h"

struct escape {
    bool known[GPUP_MAX_HOSTS][JUDGE_VFS];
    uint64_t luid[GPUP_MAX_HOSTS][JUDGE_VFS];
};

static bool is_escape(const struct call *c) {
    return c->ddi == GPUP_DDI_VirtualGpuDriverEscape;
}

static uint64_t luid_of(const struct call *c) {
    return c->a[GPUP_ARG_VirtualGpuDriverEscape_LuidLow] | c->a[GPUP_ARG_VirtualGpuDriverEscape_LuidHigh]
                                                               << 32;
}

/* The vGPU whose LUID the input holds, JUDGE_VFS none. */
static uint32_t spoken_for(const struct gpup_judge *j, const struct escape *s) {
    const struct call *c = &j->call;
    for (uint32_t i = 0; i < JUDGE_VFS; i++)
        if (j->host[c->host].vf[i].present && s->known[c->host][i] && s->luid[c->host][i] == luid_of(c))
            return i;
    return JUDGE_VFS;
}

static void judge_escape(struct gpup_judge *j, const struct escape *s) {
    const struct call *c = &j->call;
    uint32_t owner = spoken_for(j, s);
    bool inside = !c->damaged_data && !c->damaged_input;
    CHECK(j, GPUP_RULE_PART_032, inside, "the escape wrote outside its buffers of %llu and %llu bytes",
          (unsigned long long)c->a[GPUP_ARG_VirtualGpuDriverEscape_InputBufferSize],
          (unsigned long long)c->a[GPUP_ARG_VirtualGpuDriverEscape_OutputBufferSize]);
    if (c->a[GPUP_ARG_VirtualGpuDriverEscape_SameBuffer])
        CHECK(j, GPUP_RULE_PART_031, inside, "the escape wrote outside the buffer that is input and output");
    if (owner == JUDGE_VFS || owner == c->vf || c->a[GPUP_ARG_VirtualGpuDriverEscape_InputBufferSize] < 8)
        return;
    const struct change *foreign = call_foreign(j);
    CHECK(j, GPUP_RULE_PART_034, !foreign,
          "the escape for VF %u with the LUID of VF %u changed the %s of VF %u", c->vf, owner,
          foreign ? change_name(foreign) : "", foreign ? foreign->vf : 0);
}

static void settle(struct gpup_judge *j, void *state) {
    struct escape *s = state;
    const struct call *c = &j->call;
    if (c->ddi == GPUP_DDI_CreateVirtualGpu && nt_success(c->status) && c->vf < JUDGE_VFS) {
        s->known[c->host][c->vf] = true;
        s->luid[c->host][c->vf] =
            c->r[GPUP_RES_CreateVirtualGpu_LuidLow] | c->r[GPUP_RES_CreateVirtualGpu_LuidHigh] << 32;
    }
    if (is_escape(c) && !j->host[c->host].impaired && !c->overlapped)
        judge_escape(j, s);
}

static void saw_output(struct gpup_judge *j, const struct gpup_event *e) {
    long at = -1;
    for (unsigned i = 0; i < j->poison_count && at < 0; i++)
        at = judge_find_pattern(e->data, e->data_size, j->poison[i]);
    if (j->poison_count && e->data_size)
        CHECK(j, GPUP_RULE_PART_035, at < 0, "uninitialised memory of the driver stands at offset %ld", at);
}

/* Past the end of a buffer there is unmapped memory. A buffer without bytes has a rule of its own. */
static void saw_fault(struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    uint64_t object = e->f[GPUP_FAULT_object], offset = e->f[GPUP_FAULT_offset];
    bool input = c->input.there && object == c->input.object,
         data = c->data.there && object == c->data.object;
    uint64_t size = input ? c->input.size : c->data.size;
    if (c->a[GPUP_ARG_VirtualGpuDriverEscape_SameBuffer])
        CHECK(j, GPUP_RULE_PART_031, false, "the escape faulted on a buffer that is input and output");
    if ((input || data) && size && offset >= size)
        CHECK(j, GPUP_RULE_PART_032, false, "the escape reached past the %s buffer of %llu bytes",
              input ? "input" : "output", (unsigned long long)size);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    (void)state;
    if (!is_escape(&j->call))
        return;
    if (e->kind == GPUP_EVENT_FAULT && j->call.active)
        saw_fault(j, e);
    if (e->kind == GPUP_EVENT_OUTPUT && j->call.returned && e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA)
        saw_output(j, e);
}

static void reset(struct gpup_judge *j, void *state) {
    struct escape *s = state;
    judge_clear_used(j, s->known, sizeof s->known[0][0]);
}

const struct monitor monitor_escape = {.id = GPUP_MONITOR_escape,
                                       .state_size = sizeof(struct escape),
                                       .kinds = KIND(FAULT) | KIND(OUTPUT),
                                       .event = event,
                                       .settle = settle,
                                       .reset = reset};
