/* Driver hot update: what the driver saves, and that a new instance takes it back before it starts. */
#include "monitors.h"

#define SAVE_MEMORY 0x1D8u /* DxgkCbSaveMemoryForHotUpdate in DXGKRNL_INTERFACE */

/* a3: which pointers were given; data pointers are the low three bits. */
static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    (void)state;
    unsigned given = (unsigned)__builtin_popcountll(e->f[GPUP_CALLBACK_a3] & 7);
    if (e->f[GPUP_CALLBACK_id] != SAVE_MEMORY)
        return;
    CHECK(j, GPUP_RULE_HUP_001, given == 1, "a block is saved with %u data pointers", given);
    CHECK(j, GPUP_RULE_HUP_002, e->f[GPUP_CALLBACK_irql] == 0,
          "DxgkCbSaveMemoryForHotUpdate is called at IRQL %u", (unsigned)e->f[GPUP_CALLBACK_irql]);
}

/* A VF that a restore began to run: nothing but the call moved it. */
static bool initialised_vf(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    for (unsigned i = 0; i < c->changes; i++)
        if (c->change[i].kind == GPUP_EVENT_OBS_SCHEDULE && c->change[i].host == c->host &&
            c->change[i].old.running != c->change[i].now.running)
            return true;
    return false;
}

static void settle(struct gpup_judge *j, void *state) {
    (void)state;
    const struct call *c = &j->call;
    uint64_t block = c->a[GPUP_ARG_RestoreMemoryForHotUpdate_Block];
    /* What a call that the OS never makes left in the driver, nobody knows. */
    bool must_succeed = c->class == GPUP_LEGAL && j->weakest < GPUP_ROBUSTNESS && call_must_succeed(j);
    if (c->ddi == GPUP_DDI_SaveMemoryForHotUpdate && must_succeed &&
        !c->a[GPUP_ARG_SaveMemoryForHotUpdate_Flags]) /* no page says what giving up may return */
        CHECK(j, GPUP_RULE_HUP_004, nt_success(c->status),
              "what has to outlive the driver was not saved: 0x%08x", c->status);
    if (!call_restores_block(c))
        return;
    if (must_succeed)
        CHECK(j, GPUP_RULE_HUP_003, nt_success(c->status), "block %llu was refused with 0x%08x",
              (unsigned long long)block, c->status);
    CHECK(j, GPUP_RULE_HUP_003, !initialised_vf(j), "the restore of block %llu started or stopped a VF",
          (unsigned long long)block);
}

const struct monitor monitor_hotupdate = {
    .id = GPUP_MONITOR_hotupdate, .kinds = KIND(CALLBACK), .event = event, .settle = settle};
