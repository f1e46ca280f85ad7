/* Slots of memory blocks: where they are, their guards and canaries, and reuse. */
#include "pool.h"

#define QUARANTINE 8u /* freed slots of a class before the oldest is used again */
#define CHUNK ((size_t)64 * 1024)
#define ZONE 16u
#define WORTH_MEMCMP 128 /* bytes */

static size_t class_size(unsigned class, bool guarded) {
    size_t step = guarded ? GPUP_PAGE : 64;

    if (class == 0)
        return step;
    /* 1, 1.5, 2, 3, 4, 6, 8... times the step */
    return class % 2 ? (step << ((class + 1) / 2)) : ((step << (class / 2)) + (step << (class / 2 - 1)));
}

static unsigned class_of(size_t size, bool guarded) {
    unsigned class = 0;

    while (class < GPUP_POOL_CLASSES && class_size(class, guarded) < size)
        class ++;
    return class;
}

static uint8_t *cut_guarded(struct gpup_os *os, size_t size) {
    struct gpup_arena *arena = os->config.arena;
    uint8_t *pages = gpup_arena_pages(arena, size / GPUP_PAGE + 2);

    if (!pages || !gpup_arena_protect(arena, pages, GPUP_PAGE, GPUP_NO_ACCESS) ||
        !gpup_arena_protect(arena, pages + GPUP_PAGE + size, GPUP_PAGE, GPUP_NO_ACCESS))
        return NULL;
    return pages + GPUP_PAGE;
}

static uint8_t *cut_plain(struct gpup_os *os, size_t size) {
    struct gpup_pool *pool = os->machine->pool;
    uint8_t *start;

    if (size > CHUNK / 2)
        return gpup_arena_pages(os->config.arena, (size + GPUP_PAGE - 1) / GPUP_PAGE);
    if ((size_t)(pool->chunk_end - pool->chunk) < size) {
        pool->chunk = gpup_arena_pages(os->config.arena, CHUNK / GPUP_PAGE);
        pool->chunk_end = pool->chunk ? pool->chunk + CHUNK : NULL;
    }
    start = pool->chunk;
    if (start)
        pool->chunk += size;
    return start;
}

static struct gpup_slot *cut(struct gpup_os *os, unsigned class, bool guarded) {
    size_t size = class_size(class, guarded);
    struct gpup_slot *slot = gpup_os_alloc(os, sizeof *slot);

    if (!slot || size > UINT32_MAX)
        return NULL;
    slot->start = guarded ? cut_guarded(os, size) : cut_plain(os, size);
    if (!slot->start)
        return NULL;
    slot->size = (uint32_t)size;
    slot->class = (uint8_t) class;
    slot->guarded = guarded;
    slot->next = os->machine->pool->slots;
    os->machine->pool->slots = slot;
    return slot;
}

static struct gpup_slot *reuse(struct gpup_os *os, struct gpup_free_queue *queue) {
    struct gpup_slot *slot = queue->first;
    uint64_t offset;
    unsigned what;

    if (queue->count < QUARANTINE)
        return NULL;
    queue->first = slot->free;
    queue->count--;
    if (slot->closed)
        gpup_arena_protect(os->config.arena, slot->start, slot->size, GPUP_READ_WRITE);
    else if ((what = gpup_slot_check_freed(slot, &offset)))
        gpup_pool_damage(os, slot, what, offset);
    return slot;
}

static uint8_t *align_up(uint8_t *address) {
    return address + (-(uintptr_t)address & (GPUP_PAGE - 1));
}

struct gpup_slot *gpup_slot_take(struct gpup_os *os, size_t size, size_t slack, bool guarded) {
    bool pages = size >= GPUP_PAGE && (size + slack) % GPUP_PAGE == 0; /* these begin at one */
    size_t need = size + slack + (guarded ? 0 : 2 * ZONE + (pages ? GPUP_PAGE : 0));
    unsigned class = class_of(need, guarded);
    struct gpup_slot *slot;

    if (need < size || class >= GPUP_POOL_CLASSES)
        return NULL;
    slot = reuse(os, guarded ? &os->machine->pool->guarded[class] : &os->machine->pool->plain[class]);
    if (!slot)
        slot = cut(os, class, guarded);
    if (!slot)
        return NULL;
    slot->closed = false;
    slot->bytes = size;
    slot->address = guarded ? slot->start + slot->size - size - slack : slot->start + ZONE;
    if (pages && !guarded)
        slot->address = align_up(slot->address);
    memset(slot->start, os->machine->pool->canary, (size_t)(slot->address - slot->start));
    memset(slot->address + size, os->machine->pool->canary,
           (size_t)(slot->start + slot->size - (slot->address + size)));
    return slot;
}

void gpup_slot_give(struct gpup_os *os, struct gpup_slot *slot) {
    struct gpup_free_queue *queue =
        slot->guarded ? &os->machine->pool->guarded[slot->class] : &os->machine->pool->plain[slot->class];

    slot->closed = slot->guarded && os->config.page_guards;
    if (slot->guarded)
        gpup_arena_protect(os->config.arena, slot->start, slot->size,
                           slot->closed ? GPUP_NO_ACCESS : GPUP_READ_WRITE);
    if (!slot->closed)
        memset(slot->start, GPUP_POOL_POISON, slot->size);
    slot->live = false;
    slot->free = NULL;
    if (queue->count++)
        queue->last->free = slot;
    else
        queue->first = slot;
    queue->last = slot;
}

/* Most of what is looked at is intact, which memcmp with the next byte tells soonest of much; else eight
 * bytes at a time up to the first word that is not. */
static const uint8_t *first_not(const uint8_t *from, const uint8_t *to, uint8_t value) {
    uint64_t expected = value * 0x0101010101010101u, word;

    if (to - from > WORTH_MEMCMP && *from == value && memcmp(from, from + 1, (size_t)(to - from) - 1) == 0)
        return to;
    for (; (size_t)(to - from) >= sizeof word; from += sizeof word) {
        memcpy(&word, from, sizeof word);
        if (word != expected)
            break;
    }
    while (from < to && *from == value)
        from++;
    return from;
}

/* Last byte before `to` that is not the value, or NULL: the nearest to a block. */
static const uint8_t *last_not(const uint8_t *from, const uint8_t *to, uint8_t value) {
    if (first_not(from, to, value) == to)
        return NULL;
    while (to[-1] == value)
        to--;
    return to - 1;
}

unsigned gpup_slot_check(const struct gpup_os *os, const struct gpup_slot *slot, uint64_t *offset) {
    const uint8_t *end = slot->start + slot->size;
    const uint8_t *block_end = slot->address + slot->bytes;
    const uint8_t *at = first_not(block_end, end, os->machine->pool->canary);

    *offset = (uint64_t)(at - slot->address);
    if (at < end)
        return GPUP_DAMAGE_AFTER;
    at = last_not(slot->start, slot->address, os->machine->pool->canary);
    if (at) {
        *offset = (uint64_t)(at - slot->address);
        return GPUP_DAMAGE_BEFORE;
    }
    return GPUP_DAMAGE_NONE;
}

unsigned gpup_slot_check_freed(const struct gpup_slot *slot, uint64_t *offset) {
    const uint8_t *end = slot->start + slot->size;
    const uint8_t *at;

    if (slot->closed) /* no access: a write would have faulted */
        return GPUP_DAMAGE_NONE;
    at = first_not(slot->start, end, GPUP_POOL_POISON);
    *offset = (uint64_t)(at - slot->address);
    return at < end ? GPUP_DAMAGE_FREED : GPUP_DAMAGE_NONE;
}
