/* Stories: many steps that belong together, for defects that show only after several calls. */
#include "mutate.h"

#include <gpup/spec_ids.h>

#define TURNS 2u /* from one VF to another */

static uint32_t vfs_in_use(const struct gpup_program *p) {
    return p->world.partitions < 3 ? p->world.partitions : 3;
}

/* A VM for the steps that follow, where there is none: a migration target when something was saved, sometimes
 * a vGPU without resources. Of a framework, a device. */
static bool lead_in(struct gpup_mutator *m, struct gpup_program *p, size_t *at) {
    struct gpup_step step;
    bool of_bare = m->focus & mutate_topics(GPUP_OP_SetVirtualGpuResources2);
    bool saved = m->steer.saved[0] != 0, usual = mutate_below(m, 4) != 0,
         bare = mutate_below(m, of_bare ? 2 : 8) == 0;
    gpup_step_defaults(&step, saved == usual ? GPUP_OP_CreateVm : GPUP_OP_StartVm);
    if (bare)
        gpup_step_defaults(&step, GPUP_OP_CreateVirtualGpu);
    if (m->framework)
        gpup_step_defaults(&step, GPUP_OP_FrameworkDevice);
    step.vf = m->focus_vf;
    step.host = m->focus_host;
    gpup_step_clamp(&step);
    if (!steer_legal(&m->steer, &step) || !steer_useful(&m->steer, &step))
        return true;
    steer_follow(&m->steer, &step);
    return mutate_put(m, p, (*at)++, &step, 1);
}

static bool elsewhere(struct gpup_mutator *m, struct gpup_program *p, size_t *at) {
    m->focus_vf = (m->focus_vf + 1) % vfs_in_use(p);
    m->focus_host = (uint8_t)mutate_below(m, p->world.hosts);
    return lead_in(m, p, at);
}

/* Steps about one topic. Where a VF has nothing new to tell, another goes on. */
static bool tell(struct gpup_mutator *m, struct gpup_program *p, size_t at) {
    struct gpup_step step;
    uint32_t length = 6 + mutate_below(m, 20), turns = 0;
    uint32_t midway = mutate_below(m, 2) ? length / 2 : 0;
    bool ok = lead_in(m, p, &at);
    for (uint32_t n = length; ok && n && p->step_count < m->options.max_steps; n--) {
        bool negative = m->options.negative && n == 1 && mutate_below(m, 4) == 0;
        bool fits = mutate_new_step(m, &p->world, &step, negative);
        if ((!fits || n == midway) && turns++ < TURNS) {
            ok = elsewhere(m, p, &at);
        } else if (fits) {
            ok = mutate_put(m, p, at++, &step, 1);
            steer_follow(&m->steer, &step);
        }
    }
    return ok;
}

bool mutate_story(struct gpup_mutator *m, struct gpup_program *p) {
    size_t at = mutate_below(m, 2) ? p->step_count : 0;
    if (mutate_below(m, 2))
        return mutate_scene(m, p, at);
    uint8_t before = m->onward;
    m->focus_vf = mutate_below(m, vfs_in_use(p));
    m->focus_host = (uint8_t)mutate_below(m, p->world.hosts);
    do
        m->focus = mutate_topics(mutate_op(m, 0));
    while (!m->focus);
    m->focus = (uint16_t)(1u << steer_bit(m->focus, mutate_below(m, 16))); /* one of them */
    m->story = true;
    m->onward = mutate_below(m, 2) ? 7 : 2;
    mutate_stand_at(m, p, at);
    bool ok = tell(m, p, at);
    m->story = false;
    m->onward = before;
    return ok;
}
