/* MSI-X of all functions, and the interrupt causes of the PF. */
#include "state.h"
#include <string.h>

static uint32_t word(const struct sgpu_msix *msix, uint32_t index, uint32_t at) {
    uint32_t value;
    memcpy(&value, msix->table + index * SGPU_MSIX_ENTRY + at, 4);
    return value;
}

void sgpu_msix_reset(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_msix *msix = &sgpu_function(gpu, vf)->msix;
    const uint32_t vector = vf == GPUP_PF ? 1 : SECOND_MSIX_VECTOR_RESET;
    *msix = (struct sgpu_msix){.entries = msix->entries};
    for (uint32_t i = 0; i < msix->entries; i++)
        memcpy(msix->table + i * SGPU_MSIX_ENTRY + 12, &vector, 4);
    sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_table | GPUP_OBSERVER_config);
}

/* A function that has MSI-X off holds its messages back just as a masked one does. */
static bool held_back(const struct sgpu *gpu, uint32_t vf, uint32_t index) {
    const struct sgpu_function *f = sgpu_function(gpu, vf);
    return !f->d0 || !f->msix.enable || f->msix.function_mask || (word(&f->msix, index, 12) & 1) != 0;
}

static void send(struct sgpu *gpu, uint32_t vf, uint32_t index) {
    const struct sgpu_msix *msix = &sgpu_function(gpu, vf)->msix;
    if (vf == GPUP_PF)
        gpu->messages |= 1u << index;
    else if (gpu->log.message)
        gpu->log.message(gpu->log.context, vf, index,
                         word(msix, index, 0) | (uint64_t)word(msix, index, 4) << 32, word(msix, index, 8));
    sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_messages);
}

void sgpu_msix_flush(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_msix *msix = &sgpu_function(gpu, vf)->msix;
    for (uint32_t i = 0; i < msix->entries; i++) {
        if ((msix->pending >> i & 1) == 0 || held_back(gpu, vf, i))
            continue;
        msix->pending &= ~(1u << i);
        sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
        send(gpu, vf, i);
    }
}

void sgpu_msix_control(struct sgpu *gpu, uint32_t vf, bool enable, bool function_mask) {
    struct sgpu_msix *msix = &sgpu_function(gpu, vf)->msix;
    msix->enable = enable;
    msix->function_mask = function_mask;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_table | GPUP_OBSERVER_config);
    sgpu_msix_flush(gpu, vf);
}

void sgpu_msix_raise(struct sgpu *gpu, uint32_t vf, uint32_t index) {
    struct sgpu_msix *msix = &sgpu_function(gpu, vf)->msix;
    msix->pending |= 1u << index;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
    sgpu_msix_flush(gpu, vf);
}

/* The table takes the bytes that hit it; the log, kept by the caller, shows what the driver did. */
void sgpu_msix_write(struct sgpu *gpu, uint32_t vf, uint64_t offset, uint32_t width, uint64_t value) {
    struct sgpu_msix *msix = &sgpu_function(gpu, vf)->msix;
    uint64_t size = (uint64_t)msix->entries * SGPU_MSIX_ENTRY;
    if (offset >= size)
        return;
    memcpy(msix->table + offset, &value, size - offset < width ? size - offset : width);
    sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
    sgpu_msix_flush(gpu, vf);
}

static void send_causes(struct sgpu *gpu, uint32_t bits) {
    for (uint32_t i = 0; i < SECOND_PF_MESSAGES; i++)
        if (bits >> i & 1)
            sgpu_msix_raise(gpu, GPUP_PF, i);
}

/* A cause that occurs again before the driver has looked makes no second message. */
void sgpu_cause(struct sgpu *gpu, uint32_t bits) {
    uint32_t fresh = bits & ~gpu->cause;
    gpu->cause |= bits;
    send_causes(gpu, fresh & gpu->enable);
}

void sgpu_enable(struct sgpu *gpu, uint32_t bits) {
    uint32_t rising = bits & ~gpu->enable;
    gpu->enable = bits;
    send_causes(gpu, rising & gpu->cause);
}
