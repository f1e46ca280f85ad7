/* Shrinker: removes steps in chunks of falling size (delta debugging), then simplifies what is left, until
 * nothing changes any more. */
#include "shrink.h"
#include <stdlib.h>
#include <string.h>

bool gpup_shrink_ask(struct gpup_shrink *shrink) {
    if (shrink->tries >= shrink->max_tries)
        return false;
    shrink->tries++;
    if (!shrink->keeps(shrink->context, shrink->program))
        return false;
    shrink->changed = true;
    return true;
}

/* Tries without steps first..first + count - 1. */
static bool try_without(struct gpup_shrink *shrink, size_t first, size_t count) {
    struct gpup_program *best = shrink->program;
    struct gpup_step *whole = best->steps;
    size_t step_count = best->step_count, rest = step_count - first - count;
    memcpy(shrink->spare, whole, first * sizeof *whole);
    memcpy(shrink->spare + first, whole + first + count, rest * sizeof *whole);
    best->steps = shrink->spare;
    best->step_count = step_count - count;
    bool kept = gpup_shrink_ask(shrink);
    best->steps = whole;
    if (kept)
        memcpy(whole, shrink->spare, best->step_count * sizeof *whole);
    else
        best->step_count = step_count;
    return kept;
}

/* Backwards: later steps rely on earlier ones more than the other way round. */
static void remove_chunks(struct gpup_shrink *shrink, size_t chunk) {
    size_t end = shrink->program->step_count;
    while (end > 0 && shrink->tries < shrink->max_tries) {
        size_t count = end < chunk ? end : chunk;
        try_without(shrink, end - count, count);
        end -= count;
    }
}

static void remove_steps(struct gpup_shrink *shrink) {
    for (size_t chunk = shrink->program->step_count; chunk > 0; chunk /= 2)
        remove_chunks(shrink, chunk);
}

size_t gpup_program_shrink(struct gpup_program *program,
                           bool (*keeps)(void *context, const struct gpup_program *), void *context,
                           size_t max_tries) {
    struct gpup_shrink shrink = {
        .program = program, .keeps = keeps, .context = context, .max_tries = max_tries};
    shrink.spare = malloc((program->step_count + 1) * sizeof *shrink.spare);
    if (!shrink.spare)
        return 0;
    do {
        shrink.changed = false;
        if (program->step_count)
            remove_steps(&shrink);
        gpup_shrink_world(&shrink);
        gpup_shrink_fields(&shrink);
    } while (shrink.changed && shrink.tries < shrink.max_tries);
    free(shrink.spare);
    return shrink.tries;
}
