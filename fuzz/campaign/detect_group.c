/*
 * Which faults come into one driver: those whose rules differ, so that a finding is of one of them, and few
 * of one area, where they hide each other most (of 25 that the bundled programs show, four were hidden in
 * groups of eight, one in groups with at most two of an area, none with one, which are twice as many). Each
 * takes the first place that is left, in the order of the catalogue. So groups that were measured can be left
 * out, and the others are the same as before.
 */
#include "detect.h"

#include <stdlib.h>
#include <string.h>

bool detect_is_framework(const struct gpup_defect *defect) {
    return strcmp(defect->area, "WDFI") == 0;
}

static struct detect_run *add(struct detect_plan *plan) {
    if (plan->count == plan->room) {
        size_t room = plan->room ? 2 * plan->room : 64;
        struct detect_run *grown = realloc(plan->run, room * sizeof *grown);
        if (!grown)
            return NULL;
        plan->run = grown;
        plan->room = room;
    }
    return &plan->run[plan->count++];
}

static bool share_rule(const struct gpup_defect *a, const struct gpup_defect *b) {
    for (unsigned i = 0; i < a->rule_count; i++)
        for (unsigned k = 0; k < b->rule_count; k++)
            if (a->rules[i] == b->rules[k])
                return true;
    return false;
}

/* The framework has one fault at a time. */
static bool fits(const struct detection *d, const struct detect_run *run, unsigned defect) {
    const struct gpup_defect *new = d->defect[defect];
    bool fit = run->members < d->together && !detect_is_framework(new);
    unsigned of_area = 0;
    for (unsigned i = 0; i < run->members && fit; i++) {
        const struct gpup_defect *old = d->defect[run->member[i]];
        fit = !detect_is_framework(old) && !share_rule(old, new);
        of_area += strcmp(old->area, new->area) == 0;
    }
    return fit && of_area < d->of_area;
}

static bool place(const struct detection *d, struct detect_plan *plan, size_t first, bool company,
                  const struct detect_run *one) {
    struct detect_run *run = NULL;
    for (size_t i = first; company && i < plan->count && !run; i++)
        if (fits(d, &plan->run[i], one->member[0]))
            run = &plan->run[i];
    if (run) {
        run->member[run->members++] = one->member[0];
        return true;
    }
    run = add(plan);
    if (run)
        *run = *one;
    return run != NULL;
}

bool detect_plan(const struct detection *d, uint64_t cap, bool company, struct detect_plan *plan) {
    for (unsigned seed = 0; seed < d->seeds; seed++)
        for (unsigned mode = 0; mode < d->modes; mode++) {
            size_t first = plan->count;
            for (unsigned i = 0; i < d->defects; i++) {
                const struct detected *c = &d->of[i][mode][seed];
                const struct detect_run one = {
                    .mode = mode, .seed = seed, .members = 1, .member = {i}, .cap = cap};
                if (!c->taken && c->tried < cap && !place(d, plan, first, company, &one))
                    return false;
            }
        }
    return true;
}

bool detect_part(const struct detection *d, const struct detect_run *run, struct detect_plan *plan) {
    const struct detect_run whole = *run; /* which may move */
    for (unsigned i = 0; i < whole.members; i++) {
        struct detect_run *one = NULL;
        if (d->of[whole.member[i]][whole.mode][whole.seed].taken)
            continue;
        if (!(one = add(plan)))
            return false;
        *one = (struct detect_run){.mode = whole.mode,
                                   .seed = whole.seed,
                                   .members = 1,
                                   .member = {whole.member[i]},
                                   .cap = whole.cap};
    }
    return true;
}
