/* The mutator: operations on steps. */
#include "mutate.h"

#include <gpup/spec_ids.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_STEPS 32u
#define STACKED 5u
#define ANEW 64u          /* one program in so many is begun anew: what it comes from may be a dead end */
#define ANEW_FRAMEWORK 8u /* as one about a framework is, of which a miniport hears nothing */

struct gpup_mutator *gpup_mutator_new(const struct gpup_mutator_options *options) {
    struct gpup_mutator *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->options = *options;
    m->options.max_steps = options->max_steps ? options->max_steps : DEFAULT_STEPS;
    m->options.max_hosts = options->max_hosts ? options->max_hosts : GPUP_MAX_HOSTS;
    m->block = calloc(m->options.max_steps, sizeof *m->block);
    m->onward = 4; /* of new steps half */
    steer_names(&m->steer);
    mutate_weigh(m);
    if (!m->block) {
        gpup_mutator_free(m);
        return NULL;
    }
    return m;
}

void gpup_mutator_free(struct gpup_mutator *m) {
    if (m)
        free(m->block);
    free(m);
}

uint64_t mutate_random(struct gpup_mutator *m) {
    uint64_t z = m->random += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint32_t mutate_below(struct gpup_mutator *m, uint32_t limit) {
    return limit ? (uint32_t)((mutate_random(m) >> 32) * limit >> 32) : 0;
}

void mutate_stand_at(struct gpup_mutator *m, const struct gpup_program *p, size_t at) {
    steer_start(&m->steer, &p->world);
    for (size_t i = 0; i < at; i++)
        steer_follow(&m->steer, &p->steps[i]);
}

bool mutate_put(struct gpup_mutator *m, struct gpup_program *p, size_t at, const struct gpup_step *steps,
                size_t count) {
    size_t old = p->step_count;
    if (old >= m->options.max_steps)
        return true;
    count = count < m->options.max_steps - old ? count : m->options.max_steps - old;
    for (size_t i = 0; i < count; i++)
        if (!gpup_program_append(p, &steps[i])) {
            p->step_count = old;
            return false;
        }
    memmove(&p->steps[at + count], &p->steps[at], (old - at) * sizeof *p->steps);
    memcpy(&p->steps[at], steps, count * sizeof *steps);
    return true;
}

static void take(struct gpup_program *p, size_t at, size_t count) {
    memmove(&p->steps[at], &p->steps[at + count], (p->step_count - at - count) * sizeof *p->steps);
    p->step_count -= count;
}

static void drop(struct gpup_mutator *m, struct gpup_program *p) {
    size_t at = mutate_below(m, (uint32_t)p->step_count);
    size_t count = 1 + (mutate_below(m, 4) == 0 ? mutate_below(m, (uint32_t)(p->step_count - at)) : 0);
    take(p, at, count);
}

static void make_room(struct gpup_mutator *m, struct gpup_program *p, size_t room) {
    while (p->step_count + room > m->options.max_steps && p->step_count > 4)
        take(p, mutate_below(m, (uint32_t)p->step_count - 4), 4);
}

/* Legal steps, or legal ones and then one that is not. */
static bool insert(struct gpup_mutator *m, struct gpup_program *p) {
    struct gpup_step step;
    bool negative = m->options.negative && mutate_below(m, 3) == 0, story = mutate_below(m, 2);
    make_room(m, p, story ? m->options.max_steps * 2 / 3 : 4);
    if (story)
        return mutate_story(m, p);
    size_t at = mutate_below(m, 2) ? p->step_count : mutate_below(m, (uint32_t)p->step_count + 1);
    m->focus_vf = 0;
    m->focus_host = 0;
    m->focus = 0;
    if (p->step_count) { /* where the program is already */
        const struct gpup_step *near = &p->steps[mutate_below(m, (uint32_t)p->step_count)];
        m->focus_vf = near->vf;
        m->focus_host = (uint8_t)(near->host % p->world.hosts);
        m->focus = mutate_topics(near->op);
    }
    mutate_stand_at(m, p, at);
    uint32_t longest = mutate_below(m, 4) ? 3 : 8, odd = 1;
    if (at == p->step_count) /* nothing follows that they could spoil */
        odd += mutate_below(m, 4);
    for (uint32_t n = odd + mutate_below(m, longest); n; n--, at++) { /* a continuation */
        mutate_new_step(m, &p->world, &step, negative && n <= odd);
        if (!mutate_put(m, p, at, &step, 1))
            return false;
        steer_follow(&m->steer, &step);
        if (mutate_below(m, 2)) /* on with what this one began */
            m->focus = mutate_topics(step.op);
        if (p->step_count >= m->options.max_steps)
            break;
    }
    return true;
}

static void swap(struct gpup_mutator *m, struct gpup_program *p) {
    size_t a = mutate_below(m, (uint32_t)p->step_count), b = mutate_below(m, (uint32_t)p->step_count);
    struct gpup_step step = p->steps[a];
    p->steps[a] = p->steps[b];
    p->steps[b] = step;
}

/* Steps of the block are turned to another VF and, where there are two, to another host. */
static void turn(struct gpup_mutator *m, const struct gpup_program *p, struct gpup_step *steps,
                 size_t count) {
    uint32_t from = steps[mutate_below(m, (uint32_t)count)].vf,
             used = p->world.partitions < 4 ? p->world.partitions : 4;
    uint32_t to = mutate_below(m, used), hosts = mutate_below(m, p->world.hosts);
    for (size_t i = 0; i < count; i++) {
        if (steps[i].vf == from)
            steps[i].vf = to;
        steps[i].host = (uint8_t)((steps[i].host + hosts) % p->world.hosts);
        gpup_step_clamp(&steps[i]);
    }
}

/* A run of steps is repeated elsewhere, as it is or for another VF. Or it goes round: what each
 * round leaves behind adds up. */
static bool repeat(struct gpup_mutator *m, struct gpup_program *p) {
    size_t from = mutate_below(m, (uint32_t)p->step_count);
    size_t count = 1 + mutate_below(m, (uint32_t)(p->step_count - from));
    count = count < m->options.max_steps ? count : m->options.max_steps;
    memcpy(m->block, &p->steps[from], count * sizeof *m->block);
    if (mutate_below(m, 4) == 0) {
        bool ok = true;
        for (uint32_t n = 1 + mutate_below(m, 4); ok && n; n--)
            ok = mutate_put(m, p, from + count, m->block, count);
        return ok;
    }
    if (mutate_below(m, 2))
        turn(m, p, m->block, count);
    return mutate_put(m, p, mutate_below(m, (uint32_t)p->step_count + 1), m->block, count);
}

/* Another VF, which has a VM by then; false: memory is out. */
static bool second_vm(struct gpup_mutator *m, struct gpup_program *p, size_t *at, uint32_t *vf) {
    struct gpup_step start;
    *vf = mutate_vf(m, &p->world, false);
    mutate_stand_at(m, p, *at);
    gpup_step_defaults(&start, GPUP_OP_StartVm);
    start.host = p->steps[*at].host;
    start.vf = *vf;
    gpup_step_clamp(&start);
    if (steer_has_vm(&m->steer, start.host, *vf) || p->step_count + 1 >= m->options.max_steps)
        return true;
    return mutate_put(m, p, (*at)++, &start, 1);
}

/* A step and others like it at once, of one VF or of two. */
static bool together(struct gpup_mutator *m, struct gpup_program *p) {
    struct gpup_step steps[3];
    uint32_t count = 2 + mutate_below(m, 2), vf;
    make_room(m, p, 4);
    size_t at = mutate_below(m, (uint32_t)p->step_count);
    unsigned op = p->steps[at].op;
    if (gpup_op_info(op)->group != GPUP_GROUP_call && op != GPUP_OP_ProgramInterrupts)
        return true;
    vf = p->steps[at].vf;
    if (!m->framework && !second_vm(m, p, &at, &vf))
        return false;
    gpup_step_defaults(&steps[0], GPUP_OP_Together);
    steps[0].host = p->steps[at].host;
    steps[0].f[GPUP_Together_count].number = count;
    steps[0].f[GPUP_Together_seed].number = mutate_below(m, 1u << 16);
    gpup_step_clamp(&steps[0]);
    for (uint32_t i = 1; i < count; i++) {
        steps[i] = p->steps[at];
        steps[i].vf = mutate_below(m, 4) ? vf : steps[i].vf;
        for (uint32_t n = mutate_below(m, 3); n; n--)
            mutate_field(m, &p->world, &steps[i]);
    }
    return mutate_put(m, p, at, steps, count);
}

/* What became illegal on the way is left out, or is marked when the options allow it. */
static void settle(struct gpup_mutator *m, struct gpup_program *p) {
    mutate_stand_at(m, p, 0);
    for (size_t i = 0; i < p->step_count; i++) {
        struct gpup_step *s = &p->steps[i];
        s->host = (uint8_t)(s->host % p->world.hosts);
        bool legal = steer_legal(&m->steer, s);
        if (!m->options.negative && s->class >= GPUP_ROBUSTNESS)
            s->class = GPUP_LEGAL;
        else if (m->options.negative && !legal && s->class == GPUP_LEGAL && mutate_below(m, 16) == 0)
            s->class = GPUP_ROBUSTNESS;
        gpup_step_clamp(s);
        steer_follow(&m->steer, s);
    }
}

/* What the OS never does, and what is left out because it came to be illegal, goes: they are noise around the
 * steps that matter, and what follows such a step is judged less. */
static void purify(struct gpup_mutator *m, struct gpup_program *p) {
    size_t kept = 0;
    mutate_stand_at(m, p, 0);
    for (size_t i = 0; i < p->step_count; i++) {
        struct gpup_step *s = &p->steps[i];
        if (s->class >= GPUP_ROBUSTNESS || !steer_legal(&m->steer, s) || !steer_useful(&m->steer, s))
            continue;
        steer_follow(&m->steer, s);
        p->steps[kept++] = *s;
    }
    p->step_count = kept;
}

static bool one(struct gpup_mutator *m, struct gpup_program *p) {
    uint32_t what = p->step_count ? mutate_below(m, 17) : 0;
    if (what < 7)
        return insert(m, p);
    if (what < 11)
        mutate_field(m, &p->world, &p->steps[mutate_below(m, (uint32_t)p->step_count)]);
    else if (what < 12)
        drop(m, p);
    else if (what < 13)
        swap(m, p);
    else if (what < 14)
        turn(m, p, p->steps, p->step_count);
    else if (what < 15)
        return mutate_below(m, 3) ? repeat(m, p) : mutate_retry(m, p);
    else if (what < 16)
        return together(m, p);
    else if (!m->options.keep_world)
        mutate_world(m, &p->world);
    return true;
}

/* Rules ask once time has passed for what calls leave to a scheduler or a worker. */
static bool end_with_time(struct gpup_mutator *m, struct gpup_program *p) {
    struct gpup_step wait;
    if (!p->step_count || p->step_count >= m->options.max_steps || m->framework || mutate_below(m, 2))
        return true;
    const struct gpup_step *last = &p->steps[p->step_count - 1];
    gpup_step_defaults(&wait, GPUP_OP_Wait);
    if (last->op == GPUP_OP_Wait && last->f[GPUP_Wait_us].number >= wait.f[GPUP_Wait_us].number)
        return true;
    return mutate_put(m, p, p->step_count, &wait, 1);
}

static bool about_framework(const struct gpup_program *p) {
    for (size_t i = 0; i < p->step_count; i++)
        if (mutate_of_framework(p->steps[i].op))
            return true;
    return false;
}

bool gpup_mutate(struct gpup_mutator *m, struct gpup_program *p, uint64_t seed) {
    bool ok = true;
    m->random = seed;
    if (p->step_count > m->options.max_steps)
        p->step_count = m->options.max_steps;
    m->framework = about_framework(p);
    if (mutate_below(m, m->framework ? ANEW_FRAMEWORK : ANEW) == 0) {
        p->step_count = 0;
        m->framework = false;
    }
    if (p->step_count == 0 && !m->options.keep_world && mutate_below(m, 2))
        mutate_world(m, &p->world);
    if (mutate_below(m, 6) == 0)
        purify(m, p);
    for (uint32_t n = 1 + mutate_below(m, mutate_below(m, STACKED) + 1); ok && n; n--)
        ok = one(m, p);
    settle(m, p);
    return ok && end_with_time(m, p);
}

bool gpup_cross(struct gpup_mutator *m, struct gpup_program *p, const struct gpup_program *other,
                uint64_t seed) {
    m->random = seed;
    if (other->step_count == 0)
        return true;
    size_t from = mutate_below(m, (uint32_t)other->step_count);
    size_t count = 1 + mutate_below(m, (uint32_t)(other->step_count - from));
    count = count < m->options.max_steps ? count : m->options.max_steps;
    memcpy(m->block, &other->steps[from], count * sizeof *m->block);
    for (size_t i = 0; i < count; i++)
        m->block[i].host = (uint8_t)(m->block[i].host % p->world.hosts);
    if (mutate_below(m, 2))
        turn(m, p, m->block, count);
    if (p->step_count + count > m->options.max_steps) /* the new steps take the place of old ones */
        p->step_count = mutate_below(m, (uint32_t)(m->options.max_steps - count) + 1);
    bool ok = mutate_put(m, p, mutate_below(m, (uint32_t)p->step_count + 1), m->block, count);
    if (mutate_below(m, 2)) /* what does not fit goes */
        purify(m, p);
    settle(m, p);
    return ok;
}
