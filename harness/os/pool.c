/* The pool and the suite's buffers. */
#include "pool.h"

bool gpup_pool_init(struct gpup_os *os) {
    os->machine->pool = gpup_os_alloc(os, sizeof *os->machine->pool);
    if (!os->machine->pool)
        return false;
    os->machine->pool->canary =
        os->config.fill ^ 0x5A; /* differs between fills: a read beyond a block shows */
    /* the seed moves everything that follows */
    return gpup_arena_pages(os->config.arena, os->config.seed % 16 + 1) != NULL;
}

static struct gpup_slot **bucket(struct gpup_os *os, const void *address) {
    return &os->machine->pool->hash[((uintptr_t)address >> 4) * 0x9E3779B1u >> 16 & (GPUP_POOL_HASH - 1)];
}

struct gpup_slot *gpup_slot_find(struct gpup_os *os, const void *address) {
    struct gpup_slot *slot = *bucket(os, address);

    while (slot && slot->address != address)
        slot = slot->hash;
    return slot;
}

static void unlink_slot(struct gpup_os *os, struct gpup_slot *slot) {
    struct gpup_slot **link = bucket(os, slot->address);

    while (*link != slot)
        link = &(*link)->hash;
    *link = slot->hash;
}

static void tell_alloc(struct gpup_os *os, uint64_t object, size_t size, uint32_t tag,
                       const struct gpup_callers *callers) {
    uint64_t room[GPUP_PLACES_ROOM];
    struct gpup_places places = {.of[GPUP_CALLERS_HERE] = *callers};
    struct gpup_event event = {.kind = GPUP_EVENT_ALLOC};

    event.f[GPUP_ALLOC_object] = object;
    event.f[GPUP_ALLOC_size] = size;
    event.f[GPUP_ALLOC_tag] = tag;
    event.f[GPUP_ALLOC_failed] = !object;
    gpup_event_put_places(&event, &places, room);
    gpup_os_emit(os, &event);
}

static void tell_failure(struct gpup_os *os, size_t size, uint32_t tag) {
    struct gpup_callers callers;

    gpup_callers_here(os, &callers);
    tell_alloc(os, 0, size, tag, &callers);
}

void gpup_pool_damage(struct gpup_os *os, const struct gpup_slot *slot, unsigned what, uint64_t offset) {
    struct gpup_event event = {.kind = GPUP_EVENT_POOL_DAMAGE};

    event.f[GPUP_POOL_DAMAGE_object] = slot ? slot->object : 0;
    event.f[GPUP_POOL_DAMAGE_what] = what;
    event.f[GPUP_POOL_DAMAGE_offset] = offset;
    event.f[GPUP_POOL_DAMAGE_tag] = slot ? slot->tag : 0;
    gpup_callers_emit(os, &event, slot ? &slot->made : NULL, slot && !slot->live ? &slot->freed : NULL);
}

void gpup_os_fail_allocation(struct gpup_os *os, uint32_t nth, uint32_t count) {
    os->fail_nth = nth;
    os->fail_count = nth ? count : 0;
}

static bool fails(struct gpup_os *os) {
    uint64_t limit = os->config.budgets.allocations ? os->config.budgets.allocations : 100000;

    if (++os->machine->used.allocations > limit)
        gpup_os_hang(os, GPUP_HANG_ALLOC, os->machine->used.allocations);
    if (!os->fail_count || --os->fail_nth)
        return false;
    os->fail_nth = 1;
    os->fail_count--;
    return true;
}

/* Of what is no pool block: its failure stands in the trace as one of an allocation without a size. */
void gpup_os_failed(struct gpup_os *os) {
    tell_failure(os, 0, 0);
}

NTSTATUS gpup_os_full(struct gpup_os *os) {
    gpup_os_failed(os);
    return STATUS_INSUFFICIENT_RESOURCES;
}

bool gpup_os_fails(struct gpup_os *os) {
    if (!fails(os))
        return false;
    gpup_os_failed(os);
    return true;
}

void *gpup_pool_alloc(struct gpup_os *os, size_t size, uint32_t tag, enum gpup_block_kind kind, bool zero,
                      size_t slack, uint64_t *object) {
    bool suite = kind == GPUP_BLOCK_BUFFER;
    bool guarded = os->config.page_guards || (suite && os->guard_buffers);
    struct gpup_slot *slot = NULL;

    if (suite || !fails(os))
        slot = gpup_slot_take(os, size, slack, guarded);
    if (!slot) {
        if (!suite)
            tell_failure(os, size, tag);
        return NULL;
    }
    memset(slot->address, zero ? 0 : os->config.fill, size);
    slot->live = true;
    slot->disowned = false;
    slot->kind = (uint8_t)kind;
    slot->tag = tag;
    slot->object = gpup_os_object(os);
    slot->hash = *bucket(os, slot->address);
    *bucket(os, slot->address) = slot;
    if (!suite) {
        os->machine->pool->live_count++;
        os->machine->pool->live_bytes += size;
        gpup_callers_here(os, &slot->made);
        tell_alloc(os, slot->object, size, tag, &slot->made);
    }
    if (object)
        *object = slot->object;
    return slot->address;
}

static void bad_free(struct gpup_os *os, const void *address) {
    uint64_t object = 0, offset = 0;
    uint32_t tag = 0;
    enum gpup_place place = gpup_pool_place(os, address, &object, &offset, &tag);

    gpup_pool_damage(os, gpup_slot_near(os, address),
                     place == GPUP_PLACE_FREED && !offset ? GPUP_DAMAGE_DOUBLE_FREE : GPUP_DAMAGE_BAD_FREE,
                     offset);
}

static void uncount(struct gpup_os *os, const struct gpup_slot *slot) {
    os->machine->pool->live_count -= !slot->disowned;
    os->machine->pool->live_bytes -= slot->disowned ? 0 : slot->bytes;
}

void gpup_pool_disown(struct gpup_os *os, const void *address) {
    struct gpup_slot *slot = gpup_slot_find(os, address);

    if (!slot || !slot->live || slot->kind == GPUP_BLOCK_BUFFER)
        return;
    uncount(os, slot);
    slot->disowned = true;
}

void gpup_pool_free(struct gpup_os *os, void *address, enum gpup_block_kind kind) {
    struct gpup_slot *slot = gpup_slot_find(os, address);
    struct gpup_event event = {.kind = GPUP_EVENT_FREE};
    uint64_t offset;
    unsigned what;

    if (!slot || !slot->live || slot->kind != kind) {
        bad_free(os, address);
        return;
    }
    what = gpup_slot_check(os, slot, &offset);
    if (what)
        gpup_pool_damage(os, slot, what, offset);
    unlink_slot(os, slot);
    gpup_os_forget(os, slot->address, slot->bytes, "ExFreePool");
    event.f[GPUP_FREE_object] = slot->object;
    event.f[GPUP_FREE_size] = slot->bytes;
    if (kind != GPUP_BLOCK_BUFFER) {
        uncount(os, slot);
        gpup_callers_here(os, &slot->freed);
        gpup_os_emit(os, &event);
    }
    gpup_slot_give(os, slot);
}

void gpup_os_pool_level(const struct gpup_os *os, uint64_t *count, uint64_t *bytes) {
    *count = os->machine->pool->live_count;
    *bytes = os->machine->pool->live_bytes;
}

bool gpup_pool_live(struct gpup_os *os, const void *address, size_t size) {
    for (const struct gpup_slot *slot = os->machine->pool->slots; slot; slot = slot->next) {
        size_t at = (size_t)((const uint8_t *)address - slot->address);

        if (slot->live && at <= slot->bytes && size <= slot->bytes - at)
            return true;
    }
    return false;
}

const struct gpup_slot *gpup_slot_near(const struct gpup_os *os, const void *address) {
    const uint8_t *p = address;

    for (const struct gpup_slot *slot = os->machine->pool->slots; slot; slot = slot->next) {
        size_t guard = slot->guarded ? GPUP_PAGE : 0;

        if (p >= slot->start - guard && p < slot->start + slot->size + guard)
            return slot;
    }
    return NULL;
}

enum gpup_place gpup_pool_place(struct gpup_os *os, const void *address, uint64_t *object, uint64_t *offset,
                                uint32_t *tag) {
    const struct gpup_slot *slot = gpup_slot_near(os, address);
    const uint8_t *p = address;

    if (!slot)
        return GPUP_PLACE_UNKNOWN;
    *object = slot->object;
    *offset = (uint64_t)(p - slot->address);
    *tag = slot->tag;
    if (p < slot->start || p >= slot->start + slot->size)
        return GPUP_PLACE_GUARD;
    return slot->live ? GPUP_PLACE_BLOCK : GPUP_PLACE_FREED;
}

bool gpup_os_locate(struct gpup_os *os, const void *address, uint64_t *object, uint64_t *offset) {
    uint32_t tag;

    return gpup_pool_place(os, address, object, offset, &tag) != GPUP_PLACE_UNKNOWN;
}

void gpup_pool_left(struct gpup_os *os) {
    for (struct gpup_slot *slot = os->machine->pool->slots; slot; slot = slot->next) {
        uint64_t offset = 0;
        unsigned what =
            slot->live ? gpup_slot_check(os, slot, &offset) : gpup_slot_check_freed(slot, &offset);

        if (what && slot->kind != GPUP_BLOCK_BUFFER)
            gpup_pool_damage(os, slot, what, offset);
        if (slot->live && slot->kind != GPUP_BLOCK_BUFFER && !slot->disowned)
            gpup_os_left(os, GPUP_OBJECT_POOL, slot->object, slot->bytes, slot->tag, &slot->made);
    }
}

/* --- buffers of the suite */

void *gpup_os_buffer(struct gpup_os *os, size_t size, size_t alignment_slack, uint64_t *object) {
    return gpup_pool_alloc(os, size, 0, GPUP_BLOCK_BUFFER, true, alignment_slack, object);
}

void gpup_os_guard_buffers(struct gpup_os *os, bool on) {
    os->guard_buffers = on;
}

unsigned gpup_os_buffer_check(struct gpup_os *os, const void *buffer, uint64_t *offset) {
    struct gpup_slot *slot = gpup_slot_find(os, buffer);

    return slot ? gpup_slot_check(os, slot, offset) : GPUP_DAMAGE_NONE;
}

bool gpup_os_buffer_protect(struct gpup_os *os, void *buffer, bool read_only) {
    struct gpup_slot *slot = gpup_slot_find(os, buffer);

    if (slot && !slot->guarded) /* between red zones: a write shows when the bytes are compared */
        return true;
    return slot && gpup_arena_protect(os->config.arena, slot->start, slot->size,
                                      read_only ? GPUP_READ_ONLY : GPUP_READ_WRITE);
}

bool gpup_os_buffer_watch(struct gpup_os *os, void *buffer, size_t offset, uint32_t width, uint64_t value,
                          uint32_t after) {
    struct gpup_slot *slot = gpup_slot_find(os, buffer);
    struct gpup_watch watch = {.width = width, .value = value, .after = after ? after : 1};

    if (!slot || !slot->guarded || !width || width > 8 || offset > slot->bytes ||
        width > slot->bytes - offset)
        return false;
    watch.target = slot->address + offset;
    /* Of a large buffer only the pages that count: each access to them costs two changes of protection. */
    size_t first = (size_t)(watch.target - slot->start) / GPUP_PAGE * GPUP_PAGE,
           end = ((size_t)(watch.target - slot->start) + width + GPUP_PAGE - 1) / GPUP_PAGE * GPUP_PAGE;
    return gpup_watch_begin(os, slot->start + first, end - first, &watch);
}

void gpup_os_buffer_free(struct gpup_os *os, void *buffer) {
    if (buffer)
        gpup_pool_free(os, buffer, GPUP_BLOCK_BUFFER);
}
