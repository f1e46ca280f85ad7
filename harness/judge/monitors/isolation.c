/* A call acts on the VF it names and on no other. */
#include "monitors.h"

static void settle(struct gpup_judge *j, void *state) {
    const struct call *c = &j->call;
    (void)state;
    if (!c->names_vf || j->host[c->host].impaired ||
        c->overlapped) /* what a dead device did not do in time it may do in another call */
        return;
    const struct change *foreign = call_foreign(j);
    CHECK(j, GPUP_RULE_ROB_005, !foreign, "the call for VF %u changed the %s of VF %u", c->vf,
          foreign ? change_name(foreign) : "", foreign ? foreign->vf : 0);
}

const struct monitor monitor_isolation = {.id = GPUP_MONITOR_isolation, .settle = settle};
