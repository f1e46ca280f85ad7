/* Interrupts of the PF and the completion ring. */
#include "state.h"
#include <string.h>

void gpu_interrupt_check(struct gpu *gpu) {
    uint32_t open = gpu->int_status & ~gpu->int_mask;
    if (open & ~gpu->int_sent)
        gpu_msix_raise(gpu, GPUP_PF, GPU_PF_MESSAGE);
    gpu->int_sent = open;
}

/* A bit that rises again while it is still set makes no second message: the driver has not looked yet. */
void gpu_interrupt(struct gpu *gpu, uint32_t status) {
    gpu->int_status |= status;
    gpu_interrupt_check(gpu);
}

void gpu_completion_record(struct gpu *gpu, uint32_t slot) {
    const struct gpu_slot *s = &gpu->slot[slot];
    uint32_t record[4] = {s->tag, slot, s->result, gpu->ring_phase};
    if (gpu->ring_count == 0)
        return;
    if (gpu->dma_write)
        gpu->dma_write(gpu->dma_context, gpu->ring + (uint64_t)gpu->ring_head * GPU_COMPLETION_SIZE, record,
                       sizeof(record));
    if (++gpu->ring_head == gpu->ring_count) {
        gpu->ring_head = 0;
        gpu->ring_phase ^= 1;
    }
}
