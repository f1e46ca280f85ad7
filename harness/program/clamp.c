/* Defaults, and bringing any value of the typed form into its bounds. */
#include "kinds.h"

void gpup_world_defaults(struct gpup_world_config *config) {
    *config = (struct gpup_world_config){.hosts = 1,
                                         .vfs = 4,
                                         .partitions = 4,
                                         .segments = 1,
                                         .msix_entries = 16,
                                         .msix_bar = 4,
                                         .msix_offset = 0x2000,
                                         .page_size = 4096,
                                         .performant = 1,
                                         .vram_mib = 256,
                                         .reserve_kib = 1024,
                                         .seed = 1};
}

static uint64_t within(uint64_t value, uint64_t low, uint64_t high) {
    return value < low ? low : value > high ? high : value;
}

static uint8_t power_of_two(unsigned value, unsigned high) {
    unsigned result = 1;
    while (result * 2 <= value && result * 2 <= high)
        result *= 2;
    return (uint8_t)result;
}

/* Whole pages, and all VFs fit however their reserves are spread over the segments. */
static void clamp_memory(struct gpup_world_config *config) {
    uint32_t page = config->page_size > 65536 ? 2048 : config->page_size / 1024; /* KiB */
    uint32_t least = page < 64 ? 64 : page, shares = (uint32_t)config->vfs + config->segments;
    uint64_t need_mib = ((uint64_t)least * shares + 1023) / 1024;
    uint64_t per_segment = (need_mib + config->segments - 1) / config->segments;
    config->vram_mib = (uint32_t)within(config->vram_mib, per_segment < 8 ? 8 : per_segment, 16384);
    uint64_t most = (uint64_t)config->vram_mib * 1024 * config->segments / shares;
    uint64_t reserve = within(config->reserve_kib, least, most > 16777216 ? 16777216 : most);
    config->reserve_kib = (uint32_t)(reserve - reserve % page);
}

void gpup_world_clamp(struct gpup_world_config *config) {
    config->hosts = (uint8_t)within(config->hosts, 1, GPUP_MAX_HOSTS);
    config->vfs = (uint8_t)within(config->vfs, 1, GPUP_MAX_VFS);
    config->partitions = power_of_two(config->partitions, config->vfs);
    config->segments = (uint8_t)within(config->segments, 1, GPUP_MAX_SEGMENTS);
    config->msix_entries = (uint16_t)within(config->msix_entries, 1, 2048);
    config->msix_bar = config->msix_bar >= 4 ? 4 : config->msix_bar >= 2 ? 2 : 0;
    config->msix_offset = (uint32_t)within(config->msix_offset, 0, (1u << 20) - 8) & ~7u;
    config->page_size = config->page_size > 65536 ? 2097152 : config->page_size > 4096 ? 65536 : 4096;
    config->performant = config->performant != 0;
    config->fill = (uint8_t)within(config->fill, 0, 3);
    config->preempt = config->preempt != 0;
    config->scatter = config->scatter != 0;
    config->uneven = config->uneven != 0;
    config->reserved = config->reserved != 0;
    config->untracked = config->untracked != 0;
    config->one_system = config->one_system && config->hosts == 2;
    clamp_memory(config);
}

void gpup_step_defaults(struct gpup_step *step, unsigned op) {
    const struct gpup_op_info *info = gpup_op_info(op % GPUP_OPS);
    *step = (struct gpup_step){.op = (uint16_t)(op % GPUP_OPS)};
    for (unsigned i = 0; i < info->field_count; i++)
        step->f[i].number = info->field[i].value;
}

void gpup_step_clamp(struct gpup_step *step) {
    step->op %= GPUP_OPS;
    step->host %= GPUP_MAX_HOSTS;
    step->class %= GPUP_CLASSES;
    if (step->class == GPUP_LEGAL)
        step->vf %= GPUP_MAX_VFS;
    const struct gpup_op_info *info = gpup_op_info(step->op);
    for (unsigned i = 0; i < GPUP_STEP_FIELDS; i++) {
        if (i < info->field_count)
            gpup_value_clamp(info->field[i].kind, step->class != GPUP_LEGAL, &step->f[i]);
        else
            step->f[i] = (struct gpup_value){0};
    }
}
