/* What each order does, at the moment it is done. */
#include "state.h"
#include <string.h>

static uint64_t pair(const struct sgpu_mailbox *m, unsigned low) {
    return m->word[low] | (uint64_t)m->word[low + 1] << 32;
}

static bool fits(const struct sgpu_mailbox *m, uint64_t need) {
    uint32_t size = m->word[SECOND_MB_DMA_SIZE];
    return size >= need && size <= SECOND_DMA_MAX;
}

static bool give(struct sgpu *gpu, const struct sgpu_mailbox *m, const void *bytes, size_t size) {
    return gpu->dma_write && gpu->dma_write(gpu->dma_context, pair(m, SECOND_MB_DMA), bytes, size);
}

/* --- orders on VRAM: a segment, and a range in units of 1 << shift bytes --- */
struct target {
    uint32_t segment;
    uint64_t offset, size;
};

static bool range(const struct sgpu *gpu, const struct sgpu_mailbox *m, bool tracking, struct target *t) {
    uint32_t id = m->word[SECOND_MB_SEGMENT];
    if (id < 1 || id > gpu->segments)
        return false;
    const struct sgpu_segment *s = &gpu->segment[id - 1];
    uint64_t unit = tracking ? 1ull << s->shift : SGPU_PAGE;
    *t = (struct target){id - 1, pair(m, SECOND_MB_OFFSET), pair(m, SECOND_MB_SIZE)};
    return (!tracking || s->pages) && t->size != 0 && (t->offset | t->size) % unit == 0 &&
           sgpu_inside(t->offset, t->size, s->size);
}

/* The whole map first, arming afterwards: a buffer that does not answer must not cost a bit. */
static uint32_t scan(struct sgpu *gpu, struct sgpu_mailbox *m, const struct target *t, uint64_t first,
                     uint64_t count) {
    const struct sgpu_segment *s = &gpu->segment[t->segment];
    uint8_t part[256];
    m->word[SECOND_MB_LENGTH] = (uint32_t)count;
    if (!fits(m, count))
        return SECOND_E_LENGTH;
    for (uint64_t done = 0; done < count; done += sizeof(part)) {
        uint64_t pages = count - done < sizeof(part) ? count - done : sizeof(part);
        for (uint64_t i = 0; i < pages; i++)
            part[i] = sgpu_track_dirty(s, first + done + i);
        if (!gpu->dma_write ||
            !gpu->dma_write(gpu->dma_context, pair(m, SECOND_MB_DMA) + done, part, (size_t)pages))
            return SECOND_E_DMA;
    }
    if (m->word[SECOND_MB_FLAGS] & SECOND_SCAN_REARM)
        sgpu_track(gpu, t->segment, first, count, SGPU_TRACK_REARM);
    return SECOND_OK;
}

static uint32_t tracking(struct sgpu *gpu, struct sgpu_mailbox *m) {
    struct target t;
    if (!range(gpu, m, true, &t))
        return SECOND_E_ARGUMENT;
    uint64_t first = t.offset >> gpu->segment[t.segment].shift,
             count = t.size >> gpu->segment[t.segment].shift;
    switch (m->order) {
    case SECOND_ORDER_TRACK_ARM:
        sgpu_track(gpu, t.segment, first, count, SGPU_TRACK_ARM);
        return SECOND_OK;
    case SECOND_ORDER_TRACK_REARM:
        sgpu_track(gpu, t.segment, first, count, SGPU_TRACK_REARM);
        return SECOND_OK;
    case SECOND_ORDER_TRACK_OFF:
        sgpu_track(gpu, t.segment, first, count, SGPU_TRACK_OFF);
        return SECOND_OK;
    default:
        return scan(gpu, m, &t, first, count);
    }
}

static uint32_t fill(struct sgpu *gpu, const struct sgpu_mailbox *m) {
    struct target t;
    if (!range(gpu, m, false, &t))
        return SECOND_E_ARGUMENT;
    return sgpu_vram_fill(gpu, t.segment, t.offset, t.size, m->word[SECOND_MB_FLAGS]) ? SECOND_OK
                                                                                      : SECOND_E_MEMORY;
}

/* --- orders on a VF --- */
static uint32_t apertures(struct sgpu *gpu, const struct sgpu_mailbox *m, uint32_t vf) {
    uint32_t count = m->word[SECOND_MB_FLAGS];
    if (count > SECOND_APERTURES || !sgpu_vf_exists(gpu, vf))
        return SECOND_E_ARGUMENT;
    if (!fits(m, (uint64_t)count * SECOND_APERTURE_SIZE))
        return SECOND_E_LENGTH;
    return sgpu_apertures_load(gpu, vf, pair(m, SECOND_MB_DMA), count);
}

static uint32_t export_context(struct sgpu *gpu, struct sgpu_mailbox *m, uint32_t vf) {
    uint8_t bytes[SGPU_CONTEXT_MAX];
    uint32_t size = sgpu_context_export(gpu, vf, bytes);
    m->word[SECOND_MB_LENGTH] = size;
    if (m->order == SECOND_ORDER_CONTEXT_LENGTH)
        return SECOND_OK;
    if (!fits(m, size))
        return SECOND_E_LENGTH;
    return give(gpu, m, bytes, size) ? SECOND_OK : SECOND_E_DMA;
}

static uint32_t import_context(struct sgpu *gpu, const struct sgpu_mailbox *m, uint32_t vf) {
    uint8_t bytes[SGPU_CONTEXT_MAX];
    uint32_t size = m->word[SECOND_MB_DMA_SIZE];
    if (size > sizeof(bytes))
        return SECOND_E_LENGTH;
    if (!gpu->dma_read || !gpu->dma_read(gpu->dma_context, pair(m, SECOND_MB_DMA), bytes, size))
        return SECOND_E_DMA;
    return sgpu_context_import(gpu, vf, bytes, size) ? SECOND_OK : SECOND_E_CONTEXT;
}

static uint32_t on_vf(struct sgpu *gpu, struct sgpu_mailbox *m) {
    uint32_t vf = m->word[SECOND_MB_VF];
    if (vf >= gpu->vfs)
        return SECOND_E_ARGUMENT;
    if (m->order != SECOND_ORDER_CONTEXT_LENGTH && !sgpu_sched_rest(gpu, vf))
        return SECOND_E_AWAKE;
    switch (m->order) {
    case SECOND_ORDER_APERTURES:
        return apertures(gpu, m, vf);
    case SECOND_ORDER_CONTEXT_IMPORT:
        return import_context(gpu, m, vf);
    default:
        return export_context(gpu, m, vf);
    }
}

uint32_t sgpu_order_run(struct sgpu *gpu, struct sgpu_mailbox *m) {
    switch (m->order) {
    case SECOND_ORDER_PING:
        return SECOND_OK;
    case SECOND_ORDER_FILL:
        return fill(gpu, m);
    case SECOND_ORDER_TRACK_ARM:
    case SECOND_ORDER_TRACK_REARM:
    case SECOND_ORDER_TRACK_OFF:
    case SECOND_ORDER_TRACK_SCAN:
        return tracking(gpu, m);
    case SECOND_ORDER_APERTURES:
    case SECOND_ORDER_CONTEXT_LENGTH:
    case SECOND_ORDER_CONTEXT_EXPORT:
    case SECOND_ORDER_CONTEXT_IMPORT:
        return on_vf(gpu, m);
    default:
        return SECOND_E_ORDER;
    }
}

uint64_t sgpu_order_ns(const struct sgpu *gpu, const struct sgpu_mailbox *m) {
    uint64_t us = 2;
    struct target t;
    switch (m->order) {
    case SECOND_ORDER_APERTURES:
        us = 8;
        break;
    case SECOND_ORDER_CONTEXT_EXPORT:
    case SECOND_ORDER_CONTEXT_IMPORT:
        us = 20;
        break;
    case SECOND_ORDER_FILL:
        us = 3 + (range(gpu, m, false, &t) ? t.size >> 20 : 0);
        break;
    case SECOND_ORDER_TRACK_SCAN:
        us = 5 + (range(gpu, m, true, &t) ? (t.size >> gpu->segment[t.segment].shift) / 16 : 0);
        break;
    case SECOND_ORDER_TRACK_ARM:
    case SECOND_ORDER_TRACK_REARM:
    case SECOND_ORDER_TRACK_OFF:
        us = 5;
        break;
    default:
        break;
    }
    return us * SGPU_US;
}
