/* The VRAM of a VF: apertures that its guest sees as one space. No page belongs to two VFs. */
#include "state.h"
#include <string.h>

uint32_t sgpu_aperture_owner(const struct sgpu *gpu, uint32_t segment, uint64_t offset) {
    for (uint32_t vf = 0; vf < gpu->vfs; vf++) {
        const struct sgpu_space *space = &gpu->function[vf].space;
        for (uint32_t i = 0; i < space->count; i++)
            if (space->aperture[i].segment == segment &&
                offset - space->aperture[i].offset < space->aperture[i].size)
                return vf;
    }
    return GPUP_PF;
}

/* Old memory is lost to the arena, which doubling keeps bounded. */
static bool reserve(struct sgpu *gpu, struct sgpu_space *space, uint32_t count) {
    uint32_t capacity = space->capacity ? space->capacity : 4;
    while (capacity < count)
        capacity *= 2;
    if (capacity == space->capacity)
        return true;
    struct sgpu_aperture *aperture = sgpu_alloc(gpu, capacity * sizeof(*aperture));
    if (!aperture)
        return false;
    space->aperture = aperture;
    space->capacity = capacity;
    return true;
}

static bool meets(const struct sgpu_space *space, const struct sgpu_aperture *a) {
    for (uint32_t i = 0; i < space->count; i++) {
        const struct sgpu_aperture *b = &space->aperture[i];
        if (a->segment == b->segment && a->offset < b->offset + b->size && b->offset < a->offset + a->size)
            return true;
    }
    return false;
}

static uint32_t parse(const struct sgpu *gpu, const uint8_t record[SECOND_APERTURE_SIZE],
                      struct sgpu_aperture *a) {
    uint32_t id, pages;
    uint64_t first;
    memcpy(&id, record, 4);
    memcpy(&pages, record + 4, 4);
    memcpy(&first, record + 8, 8);
    if (id < 1 || id > gpu->segments || pages == 0)
        return SECOND_E_ARGUMENT;
    *a = (struct sgpu_aperture){id - 1, first * SGPU_PAGE, (uint64_t)pages * SGPU_PAGE, 0};
    return sgpu_inside(first, pages, gpu->segment[id - 1].size / SGPU_PAGE) ? SECOND_OK : SECOND_E_ARGUMENT;
}

static uint32_t add(struct sgpu *gpu, uint32_t vf, uint64_t physical, struct sgpu_space *space) {
    uint8_t record[SECOND_APERTURE_SIZE];
    struct sgpu_aperture *a = &space->aperture[space->count];
    if (!gpu->dma_read || !gpu->dma_read(gpu->dma_context, physical, record, sizeof(record)))
        return SECOND_E_DMA;
    uint32_t result = parse(gpu, record, a);
    if (result != SECOND_OK)
        return result;
    for (uint32_t other = 0; other < gpu->vfs; other++)
        if (other != vf && meets(&gpu->function[other].space, a))
            return SECOND_E_OVERLAP;
    if (meets(space, a))
        return SECOND_E_OVERLAP;
    a->base = space->size;
    space->size += a->size;
    space->count++;
    return SECOND_OK;
}

uint32_t sgpu_apertures_load(struct sgpu *gpu, uint32_t vf, uint64_t physical, uint32_t count) {
    struct sgpu_function *f = &gpu->function[vf];
    struct sgpu_space *space = &f->spare;
    space->count = 0;
    space->size = 0;
    if (!reserve(gpu, space, count))
        return SECOND_E_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t result = add(gpu, vf, physical + (uint64_t)i * SECOND_APERTURE_SIZE, space);
        if (result != SECOND_OK)
            return result;
    }
    struct sgpu_space old = f->space;
    f->space = f->spare;
    f->spare = old;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_vram | GPUP_OBSERVER_dirty_bits);
    return SECOND_OK;
}
