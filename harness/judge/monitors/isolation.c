/* A call acts on the VF it names and on no other. */
#include "monitors.h"

static const char *what_of(const struct change *c) {
    switch (c->kind) {
    case GPUP_EVENT_OBS_MSIX:
    case GPUP_EVENT_OBS_MSIX_CONTROL:
        return "MSI-X state";
    case GPUP_EVENT_OBS_VRAM:
        return "memory";
    case GPUP_EVENT_OBS_DIRTY:
        return "dirty bits";
    case GPUP_EVENT_OBS_GUEST:
        return "registers and state";
    case GPUP_EVENT_OBS_CONFIG:
        return "configuration";
    default:
        return "running state";
    }
}

/* A VF that runs changes its own content; its table, its configuration and whether it runs it does not. */
static bool is_foreign(const struct call *c, const struct change *m) {
    bool own_doing = m->kind == GPUP_EVENT_OBS_VRAM || m->kind == GPUP_EVENT_OBS_GUEST ||
                     m->kind == GPUP_EVENT_OBS_DIRTY || m->kind == GPUP_EVENT_OBS_MSIX_CONTROL;
    if (m->vf == c->vf || m->vf == GPUP_PF || m->host != c->host || !m->fresh)
        return false;
    if (m->kind == GPUP_EVENT_OBS_SCHEDULE)
        return m->old.running != m->now.running;
    return !own_doing || m->quiet;
}

static void settle(struct gpup_judge *j, void *state) {
    const struct call *c = &j->call;
    const struct change *foreign = NULL;
    (void)state;
    if (!c->names_vf || j->host[c->host].impaired ||
        c->overlapped) /* what a dead device did not do in time it may do in another call */
        return;
    for (unsigned i = 0; i < c->changes && !foreign; i++)
        foreign = is_foreign(c, &c->change[i]) ? &c->change[i] : NULL;
    CHECK(j, GPUP_RULE_ROB_005, !foreign, "the call for VF %u changed the %s of VF %u", c->vf,
          foreign ? what_of(foreign) : "", foreign ? foreign->vf : 0);
}

const struct monitor monitor_isolation = {.id = GPUP_MONITOR_isolation, .settle = settle};
