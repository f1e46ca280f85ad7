/* Life of a world. */
#include "internal.h"

#include <gpup/gpu.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWITCH_CHANCE 64u /* of 256, at every place where a preempted program may switch */

static void *arena_memory(void *arena, size_t size) {
    return gpup_arena_alloc(arena, size);
}

static bool make_device(struct host *h, const struct gpup_memory *memory) {
    const struct gpup_implementation *i = h->world->implementation;
    h->device_ops = i->device ? i->device : i->driver_entry ? gpup_gpu_ops() : NULL;
    if (!i->driver_entry)
        return true; /* comes with open() */
    h->device = h->device_ops->create ? h->device_ops->create(&h->world->config, h->index, memory) : NULL;
    return h->device != NULL;
}

/* What fresh pool and stack memory is full of: bytes that no driver has a reason to write eight times over.
 */
static uint8_t fill_byte(const struct gpup_world *w) {
    static const uint8_t bytes[] = {0xB7, 0x9D, 0xC3, 0x6E};
    return bytes[w->config.fill % sizeof bytes];
}

/* Away from bus 0 two hosts, or two adapters of one, have different ones. */
uint8_t world_bus(const struct gpup_world *w, uint32_t host) {
    return w->config.bus ? (uint8_t)(w->config.bus + host) : 0;
}

static bool make_host(struct gpup_world *w, uint32_t index) {
    struct host *h = &w->host[index];
    h->world = w;
    h->index = index;
    h->open = (struct gpup_open){.config = &w->config, .host = index, .memory = {arena_memory, w->arena}};
    for (unsigned vf = 0; vf < GPUP_MAX_VFS; vf++)
        memset(h->vf[vf].slot, -1, sizeof h->vf[vf].slot);
    gpup_machine_reset(&h->machines);
    size_t size = gpup_image_size(w->image);
    h->image_copy = gpup_arena_alloc(w->arena, size ? size : 1);
    if (!h->image_copy || !make_device(h, &h->open.memory))
        return false;
    gpup_image_save(w->image, h->image_copy);
    struct gpup_os_config config = {.arena = w->arena,
                                    .emitter = world_emitter(h),
                                    .device_ops = h->device ? h->device_ops : NULL,
                                    .device = h->device,
                                    .seed = w->config.seed,
                                    .host = index,
                                    .bus = world_bus(w, index),
                                    .fill = fill_byte(w),
                                    .preempt = w->config.preempt ? SWITCH_CHANCE : 0,
                                    .page_guards = w->page_guards,
                                    .system = w->config.one_system && index ? w->host[0].os : NULL};
    h->os = gpup_os_new(&config);
    if (!h->os)
        return false;
    uintptr_t start, end;
    gpup_image_code(w->image, &start, &end);
    gpup_os_set_code(h->os, gpup_image_base(w->image), start, end);
    gpup_os_set_unwinder(h->os, gpup_image_unwinder(w->image));
    struct gpup_device_log log = world_device_log(h);
    if (h->device && h->device_ops->attach)
        h->device_ops->attach(h->device, &log);
    return true;
}

static struct gpup_world *make_world(const struct gpup_implementation *implementation,
                                     struct gpup_image *image, const struct gpup_world_config *config,
                                     const struct gpup_trace_sink *sink, bool page_guards, char *message,
                                     size_t message_size) {
    struct gpup_arena *arena = gpup_arena_new(WORLD_RESERVE);
    struct gpup_world *w = arena ? gpup_arena_alloc(arena, sizeof *w) : NULL;
    if (!w) {
        snprintf(message, message_size, "no memory for a world: %zu MiB of address space are needed",
                 WORLD_RESERVE >> 20);
        gpup_arena_free(arena);
        return NULL;
    }
    w->arena = arena;
    w->page_guards = page_guards;
    w->implementation = implementation;
    w->image = image;
    w->config = *config;
    gpup_world_clamp(&w->config);
    if (!implementation->driver_entry) /* tables that are handed over make no promise of a second adapter */
        w->config.one_system = 0;
    w->sink = *sink;
    w->step = GPUP_NO_STEP;
    gpup_image_reset(image); /* nothing survives from an earlier program */
    for (uint32_t i = 0; i < w->config.hosts; i++)
        if (!make_host(w, i)) {
            snprintf(message, message_size,
                     "host %u could not be made: out of memory, or the device refused its shape", i);
            gpup_world_free(w);
            return NULL;
        }
    return w;
}

struct gpup_world *gpup_world_new(const struct gpup_implementation *implementation, struct gpup_image *image,
                                  const struct gpup_world_config *config, const struct gpup_trace_sink *sink,
                                  char *message, size_t message_size) {
    return make_world(implementation, image, config, sink, true, message, message_size);
}

struct gpup_world *gpup_world_new_fast(const struct gpup_implementation *implementation,
                                       struct gpup_image *image, const struct gpup_world_config *config,
                                       const struct gpup_trace_sink *sink, char *message,
                                       size_t message_size) {
    return make_world(implementation, image, config, sink, false, message, message_size);
}

void gpup_world_give_files(struct gpup_world *world, const struct gpup_given_files *files) {
    for (uint32_t i = 0; i < world->config.hosts; i++)
        gpup_os_give_files(world->host[i].os, files);
}

static void free_blobs(struct blob *blobs) {
    for (unsigned i = 0; i < WORLD_BLOBS; i++)
        free(blobs[i].bytes);
}

void gpup_world_free(struct gpup_world *world) {
    if (!world)
        return;
    free_blobs(world->blob);
    free(world->image_at_snapshot);
    gpup_arena_free(world->arena);
}

static void emit_header(struct gpup_world *w) {
    struct host *h = &w->host[0];
    struct gpup_event e = world_event(h, GPUP_EVENT_WORLD);
    e.f[GPUP_WORLD_hosts] = w->config.hosts;
    e.f[GPUP_WORLD_seed] = w->config.seed;
    e.f[GPUP_WORLD_fill] = w->config.fill;
    e.f[GPUP_WORLD_one_system] = w->config.one_system;
    e.data = (const uint8_t *)gpup_spec_version();
    e.data_size = strlen(gpup_spec_version());
    world_emit(h, &e);
    for (unsigned what = 1; what <= 2 && w->implementation->driver_entry; what++) {
        e = world_event(h, GPUP_EVENT_POISON);
        e.f[GPUP_POISON_what] = what;
        e.f[GPUP_POISON_value] = fill_byte(w) * 0x0101010101010101u;
        world_emit(h, &e);
    }
    e = world_event(h, GPUP_EVENT_IMPLEMENTATION);
    e.f[GPUP_IMPLEMENTATION_form] = w->implementation->driver_entry ? 1 : 2;
    e.f[GPUP_IMPLEMENTATION_version] = w->implementation->version;
    e.f[GPUP_IMPLEMENTATION_varies] = w->implementation->varies;
    e.f[GPUP_IMPLEMENTATION_framework] =
        (w->implementation->framework ? 1u : 0) | (w->implementation->framework_driver ? 2u : 0);
    const char *name = w->implementation->name ? w->implementation->name : "";
    e.data = (const uint8_t *)name;
    e.data_size = strlen(name);
    world_emit(h, &e);
}

bool gpup_world_start(struct gpup_world *world) {
    bool all = true;
    emit_header(world);
    for (uint32_t i = 0; i < world->config.hosts; i++)
        all = host_start(&world->host[i]) && all;
    return all;
}

static bool any_dead(const struct gpup_world *w) {
    for (uint32_t i = 0; i < w->config.hosts; i++)
        if (host_dead(&w->host[i]))
            return true;
    return false;
}

static bool any_beyond(const struct gpup_world *w) {
    for (uint32_t i = 0; i < w->config.hosts; i++)
        if (gpup_os_beyond(w->host[i].os))
            return true;
    return false;
}

enum gpup_outcome gpup_world_stop(struct gpup_world *world) {
    lanes_run(world);
    world->step = GPUP_NO_STEP;
    bool died = any_dead(world);
    for (uint32_t i = world->config.hosts; i-- > 0;) /* the one that loaded the driver is the last */
        host_stop(&world->host[i]);
    died = died || any_dead(world);
    world->broken = world->broken || any_beyond(world);
    world->outcome = world->broken    ? GPUP_ERROR
                     : died           ? GPUP_CRASH
                     : world->started ? GPUP_COMPLETE
                                      : GPUP_SKIPPED;
    struct gpup_event e = world_event(&world->host[0], GPUP_EVENT_END);
    e.f[GPUP_END_outcome] = world->outcome;
    e.f[GPUP_END_steps] = world->steps;
    e.f[GPUP_END_calls] = world->calls;
    world_emit(&world->host[0], &e);
    return world->outcome;
}

enum gpup_outcome gpup_world_run(struct gpup_world *world, const struct gpup_program *program) {
    gpup_world_start(world);
    for (size_t i = 0; i < program->step_count; i++)
        if (!gpup_world_step(world, &program->steps[i], (uint32_t)i))
            break;
    return gpup_world_stop(world);
}

bool gpup_world_snapshot(struct gpup_world *world) {
    if (!world->image_at_snapshot)
        world->image_at_snapshot = malloc(gpup_image_size(world->image) + 1);
    if (!world->image_at_snapshot)
        return false;
    gpup_image_save(world->image, world->image_at_snapshot);
    if (!gpup_arena_snapshot(world->arena))
        return false;
    if (!world->page_guards) /* made to be brought back often */
        gpup_arena_track(world->arena);
    return true;
}

void gpup_world_restore(struct gpup_world *world) {
    void *image = world->image_at_snapshot;
    free_blobs(world->blob);
    gpup_arena_restore(world->arena); /* blobs as they were: a snapshot is taken before there are any */
    gpup_image_load(world->image, image);
}

const DRIVER_INITIALIZATION_DATA *gpup_world_ddis(const struct gpup_world *world, uint32_t host,
                                                  HANDLE *adapter) {
    const struct host *h = &world->host[host % world->config.hosts];
    if (!h->started)
        return NULL;
    *adapter = h->adapter;
    return &h->ddis;
}
