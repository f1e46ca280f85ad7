/* What a broken or hostile host does to a call: a buffer that changes while the driver reads it. What only
 * comes out stays the driver's: changed, it would be taken for what the driver said. */
#include "internal.h"

#include <string.h>

static uint64_t number(const struct host *h, unsigned field) {
    return h->change.f[field].number;
}

void do_ChangeBuffer(struct host *h, const struct gpup_step *s) {
    uint64_t role = s->f[GPUP_ChangeBuffer_role].number;
    if (role != GPUP_ROLE_DATA && role != GPUP_ROLE_INPUT) {
        world_skip(h, GPUP_SKIP_ILLEGAL,
                   "the arguments of a call are the caller's own: nobody else has them");
        return;
    }
    h->change = *s;
    h->to_change = true;
}

void hostile_arm(struct ddi_call *c) {
    struct host *h = c->host;
    struct gpup_event e = world_event(h, GPUP_EVENT_CHANGING);
    for (unsigned i = 0; h->to_change && i < c->buffers; i++) {
        struct ddi_buffer *b = &c->buffer[i];
        uint64_t skip = (uint64_t)((uint8_t *)b->memory - (uint8_t *)b->block);
        uint64_t offset = number(h, GPUP_ChangeBuffer_offset), width = number(h, GPUP_ChangeBuffer_width);
        if (b->role != number(h, GPUP_ChangeBuffer_role) || (b->flags & (DDI_IN | DDI_OUT)) == DDI_OUT ||
            (b->flags & DDI_READ_ONLY) || offset + width > b->size ||
            !gpup_os_buffer_watch(h->os, b->block, skip + offset, (uint32_t)width,
                                  number(h, GPUP_ChangeBuffer_value),
                                  (uint32_t)number(h, GPUP_ChangeBuffer_after)))
            continue;
        h->to_change = false;
        c->changing = b;
        e.f[GPUP_CHANGING_role] = b->role;
        e.f[GPUP_CHANGING_offset] = offset;
        e.f[GPUP_CHANGING_width] = width;
        e.f[GPUP_CHANGING_value] = number(h, GPUP_ChangeBuffer_value);
        e.f[GPUP_CHANGING_after] = number(h, GPUP_ChangeBuffer_after);
        world_emit(h, &e);
    }
}

/* What we changed was not the driver's doing. */
void hostile_disarm(struct ddi_call *c) {
    const struct host *h = c->host;
    uint64_t value = number(h, GPUP_ChangeBuffer_value);
    if (!c->changing)
        return;
    if (gpup_os_unwatch(c->host->os))
        memcpy(c->changing->before + number(h, GPUP_ChangeBuffer_offset), &value,
               number(h, GPUP_ChangeBuffer_width));
    c->changing = NULL;
}
