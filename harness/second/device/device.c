/* The device as a whole: making one, its time, its power, and the table of functions. */
#include "device.h"
#include "ops.h"
#include "state.h"

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* What the OS does to the PF's own MSI-X before a driver starts. */
static void program_pf_messages(struct sgpu *gpu) {
    sgpu_msix_reset(gpu, GPUP_PF);
    for (uint64_t i = 0; i < SECOND_PF_MESSAGES; i++) {
        sgpu_msix_write(gpu, GPUP_PF, i * SGPU_MSIX_ENTRY, 8, 0xFEE01000u);
        sgpu_msix_write(gpu, GPUP_PF, i * SGPU_MSIX_ENTRY + 8, 8, 0x50 + i);
    }
    sgpu_msix_control(gpu, GPUP_PF, true, false);
}

/*
 * Segment 1 holds every reserve the world may ask for, with 64 KiB pages; segment 2 has 2 MiB pages, and room
 * between reserves that are aligned to them; segment 3, if there is one, cannot be tracked. Without
 * dirty planes none can.
 */
static bool make_segments(struct sgpu *gpu, const struct gpup_world_config *config) {
    uint64_t segments = clamp(config->segments, 1, GPUP_MAX_SEGMENTS);
    uint64_t vram = clamp(config->vram_mib, 8, 16384) * segments;
    bool tracked = !config->untracked;
    gpu->segments = segments < 3 ? 2 : 3;
    return sgpu_vram_new(gpu, &gpu->segment[0], (vram + gpu->vfs / 4 + 1) << 20, tracked ? 16 : 0) &&
           sgpu_vram_new(gpu, &gpu->segment[1], (vram / 4 * 2 + 4ull * (gpu->vfs + 2)) << 20,
                         tracked ? 21 : 0) &&
           (gpu->segments < 3 || sgpu_vram_new(gpu, &gpu->segment[2], (vram / 4 + 1) << 20, 0));
}

static bool make_functions(struct sgpu *gpu) {
    gpu->function = sgpu_alloc(gpu, (gpu->vfs + 1) * sizeof(*gpu->function));
    if (!gpu->function)
        return false;
    gpu->function[gpu->vfs].msix.entries = SECOND_PF_MESSAGES;
    gpu->function[gpu->vfs].d0 = true;
    gpu->function[gpu->vfs].until = SGPU_NEVER;
    for (uint32_t vf = 0; vf < gpu->vfs; vf++) {
        gpu->function[vf].msix.entries = SECOND_MSIX_ENTRIES;
        sgpu_vf_gone(gpu, vf);
    }
    return true;
}

static void *create(const struct gpup_world_config *config, uint32_t host, const struct gpup_memory *memory) {
    struct sgpu *gpu = memory->alloc(memory->context, sizeof(*gpu));
    if (!gpu)
        return NULL;
    gpu->memory = *memory;
    gpu->vfs = (uint32_t)clamp(config->vfs, 1, SECOND_MAX_VFS);
    gpu->free_tracking = config->performant;
    gpu->serial = sgpu_mix(config->seed ^ 0x2B5E) ^ (host ? 0x3C00u : 0xC300u);
    gpu->mailbox.due = SGPU_NEVER;
    if (!make_functions(gpu) || !make_segments(gpu, config))
        return NULL;
    sgpu_config_new(gpu, host, config->seed);
    program_pf_messages(gpu);
    return gpu;
}

static void attach(void *device, const struct gpup_device_log *log) {
    ((struct sgpu *)device)->log = *log;
}

static void describe(void *device, struct gpup_device_shape *shape) {
    const struct sgpu *gpu = device;
    *shape = (struct gpup_device_shape){.vfs = gpu->vfs,
                                        .segments = gpu->segments,
                                        .msix_entries = SECOND_MSIX_ENTRIES,
                                        .msix_bar = SECOND_MSIX_TABLE_BAR,
                                        .pba_bar = SECOND_MSIX_PBA_BAR,
                                        .msix_offset = SECOND_MSIX_TABLE_OFFSET,
                                        .pba_offset = SECOND_MSIX_PBA_OFFSET};
    for (uint32_t i = 0; i < gpu->segments; i++) {
        shape->segment[i].id = i + 1;
        shape->segment[i].local = true;
        shape->segment[i].size = gpu->segment[i].size;
        shape->segment[i].dirty_page = gpu->segment[i].pages ? 1u << gpu->segment[i].shift : 0;
    }
}

/* --- time --- */
static uint64_t next_event(void *device) {
    const struct sgpu *gpu = device;
    uint64_t next = gpu->mailbox.due;
    if (gpu->removed)
        return SGPU_NEVER;
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        if (gpu->function[vf].phase != SGPU_IDLE && gpu->function[vf].until < next)
            next = gpu->function[vf].until;
    return next;
}

/* Work before orders, so that an order finds it done. */
static void run_due(struct sgpu *gpu) {
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        if (gpu->function[vf].phase != SGPU_IDLE && gpu->function[vf].until <= gpu->now)
            sgpu_sched_due(gpu, vf);
    if (gpu->mailbox.busy && gpu->mailbox.due <= gpu->now)
        sgpu_mailbox_due(gpu);
}

static void advance(void *device, uint64_t now_ns) {
    struct sgpu *gpu = device;
    for (uint64_t next = next_event(gpu); next <= now_ns && next != SGPU_NEVER; next = next_event(gpu)) {
        if (next > gpu->now)
            gpu->now = next;
        run_due(gpu);
    }
    if (now_ns > gpu->now)
        gpu->now = now_ns;
}

/* --- interrupts, DMA --- */
static bool take_interrupt(void *device, uint32_t *message) {
    struct sgpu *gpu = device;
    if (!gpu->messages || gpu->removed)
        return false;
    *message = (uint32_t)__builtin_ctz(gpu->messages);
    gpu->messages &= gpu->messages - 1;
    return true;
}

static void set_dma(void *device, bool (*read)(void *, uint64_t, void *, size_t),
                    bool (*write)(void *, uint64_t, const void *, size_t), void *context) {
    struct sgpu *gpu = device;
    gpu->dma_read = read;
    gpu->dma_write = write;
    gpu->dma_context = context;
}

/* --- faults and power --- */
static void lose_completions(void *device, uint32_t after, uint32_t count) {
    struct sgpu *gpu = device;
    gpu->lose_after = after;
    gpu->lose = count > UINT32_MAX - gpu->lose ? UINT32_MAX : gpu->lose + count;
}

static void remove_device(void *device) {
    struct sgpu *gpu = device;
    gpu->removed = true;
    sgpu_changed_all(gpu, UINT32_MAX);
}

/* VRAM refreshes itself; all else is as after the first power on. */
static void power_cycle(void *device) {
    struct sgpu *gpu = device;
    if (gpu->removed)
        return;
    gpu->mailbox = (struct sgpu_mailbox){.due = SGPU_NEVER};
    sgpu_config_power_lost(gpu);
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        sgpu_vf_gone(gpu, vf);
    gpu->function[gpu->vfs].quantum = gpu->function[gpu->vfs].paging = 0;
    sgpu_track_forget(gpu);
    gpu->cause = gpu->enable = gpu->messages = 0;
    gpu->drained = gpu->faulted = 0;
    gpu->powered_at = gpu->now;
    program_pf_messages(gpu);
    sgpu_changed_all(gpu, UINT32_MAX);
}

const struct gpup_device_ops gpup_second_device_ops = {
    .size = sizeof(struct gpup_device_ops),
    .version = GPUP_DEVICE_VERSION,
    .create = create,
    .attach = attach,
    .describe = describe,
    .next_event = next_event,
    .advance = advance,
    .bar = sgpu_op_bar,
    .bus_read = sgpu_op_bus_read,
    .bus_write = sgpu_op_bus_write,
    .config_read = sgpu_op_config_read,
    .config_write = sgpu_op_config_write,
    .claims = sgpu_op_claims,
    .take_interrupt = take_interrupt,
    .set_dma = set_dma,
    .read_msix = sgpu_op_read_msix,
    .read_msix_control = sgpu_op_read_msix_control,
    .read_schedule = sgpu_op_read_schedule,
    .read_dirty = sgpu_op_read_dirty,
    .read_guest = sgpu_op_read_guest,
    .read_config = sgpu_op_read_config,
    .read_vram = sgpu_op_read_vram,
    .hash_vram = sgpu_op_hash_vram,
    .read_work = sgpu_op_read_work,
    .generation = sgpu_op_generation,
    .write_vram = sgpu_op_write_vram,
    .copy_vram = sgpu_op_copy_vram,
    .raise = sgpu_op_raise,
    .guest_write = sgpu_op_guest_write,
    .guest_read = sgpu_op_guest_read,
    .guest_work = sgpu_op_guest_work,
    .guest_set_register = sgpu_op_guest_set_register,
    .lose_completions = lose_completions,
    .remove = remove_device,
    .power_cycle = power_cycle,
};
