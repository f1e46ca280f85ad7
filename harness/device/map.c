/* The reserve of a VF: ranges of VRAM that its guest sees as one space. */
#include "state.h"
#include <string.h>

/* Room in the spare map; what it had is lost to the arena, which doubling keeps bounded. */
static bool reserve(struct gpu *gpu, struct gpu_map *map, uint32_t count) {
    uint32_t capacity = map->capacity ? map->capacity : 4;
    if (count <= map->capacity)
        return true;
    while (capacity < count)
        capacity *= 2;
    struct gpu_range *ranges = gpu_alloc(gpu, capacity * sizeof(*ranges));
    if (!ranges)
        return false;
    map->ranges = ranges;
    map->capacity = capacity;
    return true;
}

static bool parse(const struct gpu *gpu, const uint8_t record[GPU_RANGE_SIZE], struct gpu_range *range) {
    uint32_t id, zero;
    memcpy(&id, record, 4);
    memcpy(&zero, record + 4, 4);
    memcpy(&range->offset, record + 8, 8);
    memcpy(&range->size, record + 16, 8);
    range->segment = id - 1;
    return id >= 1 && id <= gpu->segments && zero == 0 && range->size != 0 &&
           (range->offset | range->size) % GPU_PAGE == 0 &&
           gpu_inside(range->offset, range->size, gpu->segment[range->segment].size);
}

void gpu_map_clear(struct gpu *gpu, uint32_t vf) {
    gpu->vf[vf].map.count = 0;
    gpu->vf[vf].map.size = 0;
    gpu_changed(gpu, vf, GPUP_OBSERVER_vram | GPUP_OBSERVER_dirty_bits);
}

uint32_t gpu_map_load(struct gpu *gpu, uint32_t vf, uint64_t physical, uint32_t ranges) {
    struct gpu_vf *v = &gpu->vf[vf];
    struct gpu_map *map = &v->spare;
    if (!reserve(gpu, map, ranges))
        return GPU_RESULT_MEMORY;
    map->count = 0;
    map->size = 0;
    for (uint32_t i = 0; i < ranges; i++) {
        uint8_t record[GPU_RANGE_SIZE];
        struct gpu_range *range = &map->ranges[i];
        if (!gpu->dma_read ||
            !gpu->dma_read(gpu->dma_context, physical + (uint64_t)i * GPU_RANGE_SIZE, record, sizeof(record)))
            return GPU_RESULT_DMA;
        if (!parse(gpu, record, range))
            return GPU_RESULT_ARGUMENT;
        range->base = map->size;
        map->size += range->size; /* 4096 ranges of at most 16 GiB: no overflow */
        map->count++;
    }
    struct gpu_map old = v->map;
    v->map = v->spare;
    v->spare = old;
    gpu_changed(gpu, vf, GPUP_OBSERVER_vram | GPUP_OBSERVER_dirty_bits);
    return GPU_RESULT_OK;
}
