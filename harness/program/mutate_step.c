/* New steps: one that can happen where the machines stand, or one that the OS never makes there. */
#include "mutate.h"

#include <gpup/spec_ids.h>

#define TRIES 20u   /* until a step is what was looked for */
#define FORWARD 60u /* and for one that takes a machine on, which are few */

static void try_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    bool near = m->focus && (m->story || mutate_below(m, 2));
    gpup_step_defaults(s, mutate_op(m, near ? m->focus : 0));
    s->host = m->focus_host;
    s->vf = m->focus_vf;
    if (mutate_below(m, 8) == 0) {
        s->host = (uint8_t)mutate_below(m, world->hosts);
        s->vf = mutate_vf(m, world, false);
    }
    mutate_plausible(m, world, s);
}

/* A number that looks small once it is cut to 16 or 32 bits, or one so large that a sum with it is small. */
static uint64_t beyond(struct gpup_mutator *m, const struct gpup_world_config *world) {
    uint64_t small = mutate_below(m, 4);
    switch (mutate_below(m, 3)) {
    case 0:
        return (UINT64_C(1) << 16) + small;
    case 1:
        return (UINT64_C(1) << 32) + small;
    default:
        return -(mutate_page(world) << mutate_below(m, 2));
    }
}

/* The field whose bounds a driver has to mind, rather than data that it only carries. */
static void mutate_bound(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    const struct gpup_op_info *info = gpup_op_info(s->op);
    uint32_t first = mutate_below(m, info->field_count);
    for (uint32_t i = 0; i < info->field_count; i++) {
        uint32_t at = (first + i) % info->field_count;
        unsigned kind = info->field[at].kind;
        if (kind == GPUP_KIND_INDEX || kind == GPUP_KIND_COUNT || kind == GPUP_KIND_SIZE ||
            kind == GPUP_KIND_HANDLE || kind == GPUP_KIND_MIGRATION || kind == GPUP_KIND_POWER) {
            mutate_value(m, kind, &s->f[at]);
            gpup_step_clamp(s);
            return;
        }
        if ((kind == GPUP_KIND_U32 || kind == GPUP_KIND_U64) && mutate_below(m, 2)) {
            s->f[at] = (struct gpup_value){.number = beyond(m, world)};
            gpup_step_clamp(s);
            return;
        }
    }
    mutate_field(m, world, s);
}

void mutate_odd(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    s->class = GPUP_ROBUSTNESS;
    if (mutate_below(m, 4))
        mutate_bound(m, world, s);
    for (uint32_t n = mutate_below(m, 3); n; n--)
        mutate_field(m, world, s);
    gpup_step_clamp(s);
}

/* A call at its time with arguments that the OS never passes. */
static void odd_arguments(struct gpup_mutator *m, const struct gpup_world_config *world,
                          struct gpup_step *s) {
    for (unsigned tries = 0; tries < TRIES; tries++) {
        try_step(m, world, s);
        if (gpup_op_info(s->op)->group == GPUP_GROUP_call && gpup_op_info(s->op)->field_count &&
            steer_legal(&m->steer, s))
            break;
    }
    mutate_odd(m, world, s);
}

bool mutate_new_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s,
                     bool negative) {
    bool wrong = negative && mutate_below(m, 2),
         forward = !wrong && !m->framework && mutate_below(m, 8) < m->onward;
    if (negative && !wrong) {
        odd_arguments(m, world, s);
        return true;
    }
    bool fits = false;
    for (unsigned tries = 0; tries < (forward ? FORWARD : TRIES) && !fits; tries++) {
        try_step(m, world, s);
        if (!steer_useful(&m->steer, s) && mutate_below(m, 8))
            continue;
        bool legal = steer_legal(&m->steer, s);
        fits = forward ? legal && !mutate_upsets(s->op) &&
                             steer_moves(&m->steer, s, mutate_below(m, m->story ? 8 : 4) != 0)
                       : legal != wrong;
    }
    for (uint32_t n = mutate_below(m, m->story ? 4 : 2) ? 0 : mutate_below(m, 3); n && !forward;
         n--) /* as it is, or with a value or two of its own */
        if (gpup_op_info(s->op)->field_count)
            mutate_field(m, world, s);
    if (wrong)
        s->class = GPUP_ROBUSTNESS;
    gpup_step_clamp(s);
    return fits;
}
