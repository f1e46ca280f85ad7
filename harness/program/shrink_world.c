/* Shrinker: a plainer world. The default world is the plainest, since a program then need not mention it;
 * what cannot be default goes towards it. */
#include "format.h"
#include "shrink.h"
#include <string.h>

static bool equal(const struct gpup_world_config *a, const struct gpup_world_config *b) {
    uint8_t left[GPUP_FORMAT_HEADER], right[GPUP_FORMAT_HEADER]; /* the structures have padding */
    gpup_format_put_world(left, a);
    gpup_format_put_world(right, b);
    return memcmp(left, right, sizeof left) == 0;
}

static bool try_world(struct gpup_shrink *shrink, struct gpup_world_config candidate) {
    struct gpup_world_config before = shrink->program->world;
    gpup_world_clamp(&candidate);
    if (equal(&candidate, &before))
        return false;
    shrink->program->world = candidate;
    if (gpup_shrink_ask(shrink))
        return true;
    shrink->program->world = before;
    return false;
}

enum size { VFS, PARTITIONS, ENTRIES };

static unsigned get(const struct gpup_world_config *world, enum size size) {
    return size == VFS ? world->vfs : size == PARTITIONS ? world->partitions : world->msix_entries;
}

static void set(struct gpup_world_config *world, enum size size, unsigned value) {
    if (size == VFS)
        world->vfs = (uint8_t)value;
    else if (size == PARTITIONS)
        world->partitions = (uint8_t)value;
    else
        world->msix_entries = (uint16_t)value;
}

/* From the default upwards; the first that keeps is taken. */
static void lower(struct gpup_shrink *shrink, const struct gpup_world_config *standard, enum size size) {
    for (unsigned value = get(standard, size); value < get(&shrink->program->world, size); value *= 2) {
        struct gpup_world_config world = shrink->program->world;
        set(&world, size, value);
        if (try_world(shrink, world))
            return;
    }
    if (get(&shrink->program->world, size) < get(standard, size)) {
        struct gpup_world_config world = shrink->program->world;
        set(&world, size, get(standard, size));
        try_world(shrink, world);
    }
}

/* Settings that only make sense together, then each on its own. */
static void plainer(struct gpup_shrink *shrink, const struct gpup_world_config *standard) {
    struct gpup_world_config world = shrink->program->world;
    world.page_size = standard->page_size;
    world.performant = standard->performant;
    world.vram_mib = standard->vram_mib;
    world.reserve_kib = standard->reserve_kib;
    try_world(shrink, world);
#define TRY(member)                                                                                          \
    world = shrink->program->world;                                                                          \
    world.member = standard->member;                                                                         \
    try_world(shrink, world);
    TRY(hosts)
    TRY(segments)
    TRY(one_system)
    TRY(scatter)
    TRY(uneven)
    TRY(reserved)
    TRY(untracked)
    TRY(bus)
    TRY(preempt)
    TRY(fill)
    TRY(seed)
    TRY(msix_bar)
    TRY(msix_offset)
    TRY(page_size)
    TRY(performant)
    TRY(vram_mib)
    TRY(reserve_kib)
#undef TRY
}

void gpup_shrink_world(struct gpup_shrink *shrink) {
    struct gpup_world_config standard;
    gpup_world_defaults(&standard);
    gpup_world_clamp(&shrink->program->world);
    if (equal(&shrink->program->world, &standard) || try_world(shrink, standard))
        return;
    plainer(shrink, &standard);
    lower(shrink, &standard, VFS);
    lower(shrink, &standard, PARTITIONS);
    lower(shrink, &standard, ENTRIES);
}
