/* The device as a whole: making one, its time, its power, and the table of functions. */
#include "ops.h"
#include "state.h"

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high) {
    return value < low ? low : value > high ? high : value;
}

static void shape_from(struct gpu *gpu, const struct gpup_world_config *config) {
    gpu->vfs = clamp(config->vfs, 1, GPU_MAX_VFS);
    gpu->segments = clamp(config->segments, 1, GPU_MAX_SEGMENTS);
    gpu->features = (config->untracked ? 0 : GPU_FEATURE_DIRTY) |
                    (config->performant ? GPU_FEATURE_DIRTY_PERFORMANT : 0) |
                    (config->scatter ? GPU_FEATURE_SCATTER : 0);
    gpu->msix_entries = clamp(config->msix_entries, 1, GPU_MSIX_MAX);
    gpu->msix_reserved = config->reserved ? 0xA5 : 0;
    gpu->msix_bar = config->msix_bar == 2 || config->msix_bar == 4 ? config->msix_bar : 0;
    gpu->msix_offset = config->msix_offset % 0x100000 & ~7u;
    gpu->pba_offset = (gpu->msix_offset + gpu->msix_entries * GPU_MSIX_ENTRY + 0xFFF) & ~0xFFFu;
}

/* What the OS does to the PF's own MSI-X before a driver starts. */
static void program_pf_messages(struct gpu *gpu) {
    gpu_msix_reset(gpu, GPUP_PF);
    for (uint32_t i = 0; i < GPU_PF_MESSAGES; i++) {
        gpu_msix_write(gpu, GPUP_PF, (uint64_t)i * GPU_MSIX_ENTRY, 8, 0xFEE00000u);
        gpu_msix_write(gpu, GPUP_PF, (uint64_t)i * GPU_MSIX_ENTRY + 8, 8, 0x30 + i);
    }
    gpu_msix_control(gpu, GPUP_PF, true, false);
}

/* Bytes of one dirty bit of a segment. */
static uint32_t page_of(const struct gpu *gpu, const struct gpup_world_config *config, uint32_t segment) {
    bool known = config->page_size == 65536 || config->page_size == 2097152;
    if (config->untracked || (config->uneven && segment == gpu->segments - 1))
        return 0;
    return known && !(config->uneven && segment) ? config->page_size : 4096;
}

static bool make_parts(struct gpu *gpu, const struct gpup_world_config *config) {
    uint64_t size = (uint64_t)clamp(config->vram_mib, 8, 16384) << 20;
    gpu->vf = gpu_alloc(gpu, gpu->vfs * sizeof(*gpu->vf));
    if (!gpu->vf || !gpu_msix_new(gpu, &gpu->msix, GPU_PF_MESSAGES))
        return false;
    for (uint32_t vf = 0; vf < gpu->vfs; vf++) {
        if (!gpu_msix_new(gpu, &gpu->vf[vf].msix, gpu->msix_entries))
            return false;
        gpu_context_reset(&gpu->vf[vf].context);
        gpu_msix_reset(gpu, vf);
    }
    for (uint32_t i = 0; i < gpu->segments; i++) {
        gpu->segment[i].page = page_of(gpu, config, i);
        if (!gpu_vram_new(gpu, &gpu->segment[i], config->uneven ? size * (i + 1) : size))
            return false;
    }
    return true;
}

static void *create(const struct gpup_world_config *config, uint32_t host, const struct gpup_memory *memory) {
    struct gpu *gpu = memory->alloc(memory->context, sizeof(*gpu));
    if (!gpu)
        return NULL;
    gpu->memory = *memory;
    shape_from(gpu, config);
    if (!make_parts(gpu, config))
        return NULL;
    gpu->serial = gpu_mix(config->seed ^ 0x5E41A1u) ^ (host ? 0xA5u : 0x5Au);
    gpu->int_mask = UINT32_MAX;
    gpu_config_new(gpu, host, config->seed);
    program_pf_messages(gpu);
    gpu_slots_reset(gpu);
    return gpu;
}

static void attach(void *device, const struct gpup_device_log *log) {
    struct gpu *gpu = device;
    gpu->log = *log;
}

static void describe(void *device, struct gpup_device_shape *shape) {
    const struct gpu *gpu = device;
    *shape = (struct gpup_device_shape){.vfs = gpu->vfs,
                                        .segments = gpu->segments,
                                        .msix_entries = gpu->msix_entries,
                                        .msix_bar = gpu->msix_bar,
                                        .pba_bar = gpu->msix_bar,
                                        .msix_offset = gpu->msix_offset,
                                        .pba_offset = gpu->pba_offset};
    for (uint32_t i = 0; i < gpu->segments; i++) {
        shape->segment[i].id = i + 1;
        shape->segment[i].local = true;
        shape->segment[i].size = gpu->segment[i].size;
        shape->segment[i].dirty_page = gpu->segment[i].page;
    }
}

/* --- time ------------------------------------------------------------------------------------------------
 */
static uint64_t next_event(void *device) {
    struct gpu *gpu = device;
    if (gpu->removed)
        return GPU_NEVER;
    if (gpu->next_valid)
        return gpu->next;
    gpu->next = GPU_NEVER;
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        if (gpu->vf[vf].busy && gpu->vf[vf].busy_until < gpu->next)
            gpu->next = gpu->vf[vf].busy_until;
    for (uint32_t i = 0; i < GPU_SLOTS; i++)
        if (gpu->slot[i].status == GPU_SLOT_BUSY && gpu->slot[i].due < gpu->next)
            gpu->next = gpu->slot[i].due;
    gpu->next_valid = true;
    return gpu->next;
}

/* Everything that is due at gpu->now; work before commands, so that a drain finds it done. */
static void run_due(struct gpu *gpu) {
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        if (gpu->vf[vf].busy && gpu->vf[vf].busy_until <= gpu->now)
            gpu_sched_finish(gpu, vf);
    for (uint32_t i = 0; i < GPU_SLOTS; i++)
        if (gpu->slot[i].status == GPU_SLOT_BUSY && gpu->slot[i].due <= gpu->now)
            gpu_slot_complete(gpu, i);
}

static void advance(void *device, uint64_t now_ns) {
    struct gpu *gpu = device;
    for (uint64_t next = next_event(gpu); next <= now_ns && next != GPU_NEVER; next = next_event(gpu)) {
        if (next > gpu->now)
            gpu->now = next;
        run_due(gpu);
    }
    if (now_ns > gpu->now)
        gpu->now = now_ns;
}

/* --- interrupts, DMA -------------------------------------------------------------------------------------
 */
static bool take_interrupt(void *device, uint32_t *message) {
    struct gpu *gpu = device;
    if (!gpu->messages || gpu->removed)
        return false;
    *message = (uint32_t)__builtin_ctzll(gpu->messages);
    gpu->messages &= gpu->messages - 1;
    return true;
}

static void set_dma(void *device, bool (*read)(void *, uint64_t, void *, size_t),
                    bool (*write)(void *, uint64_t, const void *, size_t), void *context) {
    struct gpu *gpu = device;
    gpu->dma_read = read;
    gpu->dma_write = write;
    gpu->dma_context = context;
}

/* --- faults and power ------------------------------------------------------------------------------------
 */
static void lose_completions(void *device, uint32_t after, uint32_t count) {
    struct gpu *gpu = device;
    gpu->lose_after = after;
    gpu->lose = count > UINT32_MAX - gpu->lose ? UINT32_MAX : gpu->lose + count;
}

static void remove_device(void *device) {
    struct gpu *gpu = device;
    gpu->removed = true;
    gpu_changed_all(gpu, UINT32_MAX);
}

static void vf_power_lost(struct gpu *gpu, uint32_t vf) {
    struct gpu_vf *v = &gpu->vf[vf];
    gpu_sched_stop(gpu, vf);
    gpu_map_clear(gpu, vf);
    gpu_msix_reset(gpu, vf);
    v->powered = v->enabled = v->paused = false;
    v->share = v->paging = 0;
    v->command = 0;
    gpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
}

/* Memory refreshes itself: VRAM, the dirty plane and the contexts of VFs stay; the rest of what the driver
 * set up is gone. */
static void power_cycle(void *device) {
    struct gpu *gpu = device;
    if (gpu->removed)
        return;
    gpu_slots_reset(gpu);
    gpu_config_power_lost(gpu);
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        vf_power_lost(gpu, vf);
    for (uint32_t i = 0; i < gpu->segments; i++)
        gpu_dirty_untrack_all(gpu, i);
    gpu->share = gpu->paging = 0;
    gpu->int_status = gpu->int_sent = gpu->command_done = 0;
    gpu->int_mask = UINT32_MAX;
    gpu->messages = gpu->vf_fault = gpu->ring = 0;
    gpu->ring_count = gpu->ring_head = gpu->ring_phase = 0;
    gpu->powered_at = gpu->now;
    program_pf_messages(gpu);
    gpu_changed_all(gpu, UINT32_MAX);
}

static const struct gpup_device_ops gpu_ops = {
    .size = sizeof(struct gpup_device_ops),
    .version = GPUP_DEVICE_VERSION,
    .create = create,
    .attach = attach,
    .describe = describe,
    .next_event = next_event,
    .advance = advance,
    .bar = gpu_op_bar,
    .bus_read = gpu_op_bus_read,
    .bus_write = gpu_op_bus_write,
    .config_read = gpu_op_config_read,
    .config_write = gpu_op_config_write,
    .claims = gpu_op_claims,
    .take_interrupt = take_interrupt,
    .set_dma = set_dma,
    .read_msix = gpu_op_read_msix,
    .read_msix_control = gpu_op_read_msix_control,
    .read_schedule = gpu_op_read_schedule,
    .read_dirty = gpu_op_read_dirty,
    .read_guest = gpu_op_read_guest,
    .read_config = gpu_op_read_config,
    .read_vram = gpu_op_read_vram,
    .hash_vram = gpu_op_hash_vram,
    .read_work = gpu_op_read_work,
    .generation = gpu_op_generation,
    .write_vram = gpu_op_write_vram,
    .copy_vram = gpu_op_copy_vram,
    .raise = gpu_op_raise,
    .guest_write = gpu_op_guest_write,
    .guest_read = gpu_op_guest_read,
    .guest_work = gpu_op_guest_work,
    .guest_set_register = gpu_op_guest_set_register,
    .lose_completions = lose_completions,
    .remove = remove_device,
    .power_cycle = power_cycle,
};

const struct gpup_device_ops *gpup_gpu_ops(void) {
    return &gpu_ops;
}
