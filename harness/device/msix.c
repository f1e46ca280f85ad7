/* MSI-X: table, pending bits, masks, messages. */
#include "state.h"
#include <string.h>

struct gpu_msix *gpu_msix_of(struct gpu *gpu, uint32_t vf) {
    if (vf == GPUP_PF)
        return &gpu->msix;
    return vf < gpu->vfs ? &gpu->vf[vf].msix : NULL;
}

bool gpu_msix_new(struct gpu *gpu, struct gpu_msix *msix, uint32_t entries) {
    msix->entries = entries;
    msix->table = gpu_alloc(gpu, (size_t)entries * GPU_MSIX_ENTRY);
    return msix->table != NULL;
}

static uint32_t word(const struct gpu_msix *msix, uint32_t index, uint32_t at) {
    uint32_t value;
    memcpy(&value, msix->table + (size_t)index * GPU_MSIX_ENTRY + at, 4);
    return value;
}

void gpu_msix_reset(struct gpu *gpu, uint32_t vf) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    memset(msix->table, 0, (size_t)msix->entries * GPU_MSIX_ENTRY);
    for (uint32_t i = 0; i < msix->entries; i++) {
        msix->table[i * GPU_MSIX_ENTRY + 12] = 1;
        msix->table[i * GPU_MSIX_ENTRY + 14] = vf == GPUP_PF ? 0 : gpu->msix_reserved;
    }
    memset(msix->pending, 0, sizeof(msix->pending));
    msix->enable = msix->function_mask = false;
    gpu_changed(gpu, vf, GPUP_OBSERVER_msix_table | GPUP_OBSERVER_config);
}

/* A function that is disabled holds its messages back just as a masked one does. */
static bool masked(const struct gpu_msix *msix, uint32_t index) {
    return !msix->enable || msix->function_mask || (word(msix, index, 12) & 1) != 0;
}

static void send(struct gpu *gpu, uint32_t vf, uint32_t index) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    uint64_t address = word(msix, index, 0) | (uint64_t)word(msix, index, 4) << 32;
    if (vf == GPUP_PF)
        gpu->messages |= 1ull << (index % 64);
    else if (gpu->log.message)
        gpu->log.message(gpu->log.context, vf, index, address, word(msix, index, 8));
    gpu_changed(gpu, vf, GPUP_OBSERVER_msix_messages);
}

static void try_send(struct gpu *gpu, uint32_t vf, uint32_t index) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    uint64_t bit = 1ull << (index % 64);
    if ((msix->pending[index / 64] & bit) == 0 || masked(msix, index))
        return;
    msix->pending[index / 64] &= ~bit;
    gpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
    send(gpu, vf, index);
}

void gpu_msix_flush(struct gpu *gpu, uint32_t vf) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    if (vf != GPUP_PF && !gpu->vf[vf].powered)
        return;
    for (uint32_t i = 0; i < msix->entries; i++)
        if (msix->pending[i / 64])
            try_send(gpu, vf, i);
}

void gpu_msix_control(struct gpu *gpu, uint32_t vf, bool enable, bool function_mask) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    msix->enable = enable;
    msix->function_mask = function_mask;
    gpu_changed(gpu, vf, GPUP_OBSERVER_msix_table | GPUP_OBSERVER_config);
    gpu_msix_flush(gpu, vf);
}

void gpu_msix_raise(struct gpu *gpu, uint32_t vf, uint32_t index) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    if (!masked(msix, index)) {
        send(gpu, vf, index);
        return;
    }
    msix->pending[index / 64] |= 1ull << (index % 64);
    gpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
}

/* Any width and alignment: the log shows what the driver did, the table takes the bytes that hit it. */
void gpu_msix_write(struct gpu *gpu, uint32_t vf, uint64_t offset, uint32_t width, uint64_t value) {
    struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    uint64_t size = (uint64_t)msix->entries * GPU_MSIX_ENTRY;
    if (offset >= size)
        return;
    uint64_t count = size - offset < width ? size - offset : width;
    memcpy(msix->table + offset, &value, count);
    gpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
    try_send(gpu, vf, (uint32_t)(offset / GPU_MSIX_ENTRY));
    if ((offset + count - 1) / GPU_MSIX_ENTRY != offset / GPU_MSIX_ENTRY)
        try_send(gpu, vf, (uint32_t)(offset / GPU_MSIX_ENTRY) + 1);
}

static uint64_t read_bytes(const uint8_t *bytes, uint64_t size, uint64_t offset, uint32_t width) {
    uint64_t value = 0;
    if (offset < size)
        memcpy(&value, bytes + offset, size - offset < width ? size - offset : width);
    return value;
}

uint64_t gpu_msix_read(const struct gpu_msix *msix, uint64_t offset, uint32_t width) {
    return read_bytes(msix->table, (uint64_t)msix->entries * GPU_MSIX_ENTRY, offset, width);
}

uint64_t gpu_msix_read_pba(const struct gpu_msix *msix, uint64_t offset, uint32_t width) {
    return read_bytes((const uint8_t *)msix->pending, (msix->entries + 63ull) / 64 * 8, offset, width);
}
