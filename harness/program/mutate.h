/* What the files of the mutator share. */
#ifndef GPUP_PROGRAM_MUTATE_H
#define GPUP_PROGRAM_MUTATE_H

#include "steer.h"
#include <gpup/mutate.h>

#define MUTATE_WORTH 8u    /* the most that an operation is worth */
#define MUTATE_CHOICES 64u /* that are remembered */

/* The operations of some of the topics `about` and of a use (0: of any), as mutate_op draws them. */
struct mutate_choice {
    uint16_t about, use, total;
    bool framework, made;
    uint8_t op[GPUP_OPS * MUTATE_WORTH];
};

struct gpup_mutator {
    struct gpup_mutator_options options;
    struct steer steer;
    uint64_t random;
    uint32_t focus_vf; /* of most new steps */
    uint8_t focus_host;
    uint16_t focus;          /* topics; 0: anything */
    bool story;              /* all new steps are about it */
    bool framework;          /* the program is about a framework: a miniport's steps do nothing there */
    uint8_t onward;          /* so many of 8 new steps take a machine to a new state */
    uint8_t worth[GPUP_OPS]; /* how often an operation is chosen */
    struct mutate_choice choice[MUTATE_CHOICES];
    struct gpup_step *block; /* scratch of options.max_steps steps */
};

uint64_t mutate_random(struct gpup_mutator *m);
uint32_t mutate_below(struct gpup_mutator *m, uint32_t limit); /* limit 0: 0 */
/* One field of a step gets another value that its kind allows. */
void mutate_field(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step);
/* The page that memory is tracked in, in bytes; whole pages as a size, or a place in VRAM: an edge, or not.
 */
uint64_t mutate_page(const struct gpup_world_config *world);
uint64_t mutate_pages(struct gpup_mutator *m, const struct gpup_world_config *world, bool size);
/* Another value of that kind. */
void mutate_value(struct gpup_mutator *m, unsigned kind, struct gpup_value *value);
/* One of the VFs in use; `any`: half of the time one that there is not. */
uint32_t mutate_vf(struct gpup_mutator *m, const struct gpup_world_config *world, bool any);
/* A new step: legal where the machines stand, or `negative`: one that the OS never makes there. False: there
 * was none of the kind that was looked for; the step is any. */
bool mutate_new_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step,
                     bool negative);
void mutate_weigh(struct gpup_mutator *m); /* fills worth: once */
/* Arguments as the OS gives them, for what earlier steps made. */
void mutate_plausible(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step);
/* Values that the OS never passes in a call that it makes there. */
void mutate_odd(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step);
/* An operation, as often as it is worth: any, or of `topics` one that does something to them or tells of
 * them. */
unsigned mutate_op(struct gpup_mutator *m, uint16_t topics);
/* What it has to do with, a bit each. */
uint16_t mutate_topics(unsigned op);
/* It is about a framework's interrupt object. */
bool mutate_of_framework(unsigned op);
/* It tells what others of its topics did. */
bool mutate_looks(unsigned op);
/* It ends or upsets everything. */
bool mutate_upsets(unsigned op);
/* A VM and many steps of one topic at the end or the beginning; false: memory is out. */
bool mutate_story(struct gpup_mutator *m, struct gpup_program *p);
/* What the OS does in a row, from `at` on; false: memory is out. */
bool mutate_scene(struct gpup_mutator *m, struct gpup_program *p, size_t at);
/* A call of the program under a fault, and the same again. */
bool mutate_retry(struct gpup_mutator *m, struct gpup_program *p);
/* Follows the first `at` steps. */
void mutate_stand_at(struct gpup_mutator *m, const struct gpup_program *p, size_t at);
/* Makes room for `count` steps at `at` and copies them in; false: memory is out. */
bool mutate_put(struct gpup_mutator *m, struct gpup_program *p, size_t at, const struct gpup_step *steps,
                size_t count);
void mutate_world(struct gpup_mutator *m, struct gpup_world_config *world);

#endif
