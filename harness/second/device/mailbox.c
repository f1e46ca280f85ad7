/* The mailbox: words, bell, completion. What the orders do is in orders.c. */
#include "state.h"

static void start(struct sgpu *gpu, uint32_t order) {
    struct sgpu_mailbox *m = &gpu->mailbox;
    m->busy = true;
    m->order = order;
    m->word[SECOND_MB_RESULT] = SECOND_OK;
    m->word[SECOND_MB_LENGTH] = 0;
    m->due = SGPU_NEVER;
    bool lost = gpu->lose && !gpu->lose_after;
    if (lost)
        gpu->lose--; /* never even starts: no effect, no completion */
    else
        m->due = gpu->now + sgpu_order_ns(gpu, m);
    if (gpu->lose && !lost)
        gpu->lose_after--;
}

void sgpu_mailbox_due(struct sgpu *gpu) {
    struct sgpu_mailbox *m = &gpu->mailbox;
    m->word[SECOND_MB_RESULT] = sgpu_order_run(gpu, m);
    m->busy = false;
    m->due = SGPU_NEVER;
    m->sequence++;
    sgpu_cause(gpu, SECOND_CAUSE_MAILBOX);
}

static void bell(struct sgpu *gpu, uint32_t value) {
    struct sgpu_mailbox *m = &gpu->mailbox;
    if (!m->busy) {
        start(gpu, value);
    } else if (value == SECOND_BELL_CANCEL) {
        m->busy = false;
        m->due = SGPU_NEVER;
        m->word[SECOND_MB_RESULT] = SECOND_E_CANCELLED;
        m->word[SECOND_MB_LENGTH] = 0;
    }
}

static uint32_t step(struct sgpu_mailbox *m) {
    uint32_t index = m->index;
    m->index = (index + 1) & 0x1F;
    return index;
}

uint32_t sgpu_mailbox_read(struct sgpu *gpu, uint32_t reg) {
    struct sgpu_mailbox *m = &gpu->mailbox;
    uint32_t index;
    switch (reg) {
    case SECOND_REG_MB_INDEX:
        return m->index;
    case SECOND_REG_MB_DATA:
        index = step(m);
        return index < sizeof(m->word) / sizeof(m->word[0]) ? m->word[index] : 0;
    case SECOND_REG_MB_STATE:
        return m->busy ? SECOND_MB_BUSY : SECOND_MB_READY;
    case SECOND_REG_MB_SEQUENCE:
        return m->sequence;
    default:
        return 0;
    }
}

void sgpu_mailbox_write(struct sgpu *gpu, uint32_t reg, uint32_t value) {
    struct sgpu_mailbox *m = &gpu->mailbox;
    uint32_t index;
    switch (reg) {
    case SECOND_REG_MB_INDEX:
        m->index = value & 0x1F;
        break;
    case SECOND_REG_MB_DATA:
        index = step(m);
        if (index < SECOND_MB_WORDS && !m->busy)
            m->word[index] = value;
        break;
    case SECOND_REG_MB_BELL:
        bell(gpu, value);
        break;
    default:
        break;
    }
}
