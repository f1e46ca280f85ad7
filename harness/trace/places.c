/* The call stacks that events carry: where the driver stood, and where what the event speaks of was made. */
#include <gpup/trace.h>

#include <string.h>

#define SHORT 4 /* callers of a MISUSE, whose data is a name */

/* Which stacks a kind carries in its data, in their order. */
static unsigned order_of(unsigned kind, const uint8_t **order) {
    static const uint8_t here[] = {GPUP_CALLERS_HERE}, made[] = {GPUP_CALLERS_ALLOCATED};
    static const uint8_t damage[] = {GPUP_CALLERS_ALLOCATED, GPUP_CALLERS_FREED, GPUP_CALLERS_HERE};
    static const uint8_t fault[] = {GPUP_CALLERS_HERE, GPUP_CALLERS_HERE, GPUP_CALLERS_ALLOCATED,
                                    GPUP_CALLERS_FREED};
    switch (kind) {
    case GPUP_EVENT_ALLOC:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
        *order = here;
        return 1;
    case GPUP_EVENT_LEFT:
        *order = made;
        return 1;
    case GPUP_EVENT_POOL_DAMAGE:
        *order = damage;
        return 3;
    case GPUP_EVENT_FAULT:
        *order = fault; /* the instruction first, if it is the implementation's */
        return 4;
    default:
        return 0;
    }
}

/* An address that no image is large enough for is none. */
static void add(struct gpup_callers *callers, uint64_t address) {
    if (address && address <= UINT32_MAX && callers->count < GPUP_CALLERS)
        callers->at[callers->count++] = (uint32_t)address;
}

bool gpup_event_places(const struct gpup_event *event, struct gpup_places *places) {
    const uint8_t *order = NULL;
    unsigned lists = order_of(event->kind, &order), list = 0;
    bool some = false;
    *places = (struct gpup_places){0};
    for (unsigned i = 0; event->kind == GPUP_EVENT_MISUSE && i < SHORT; i++)
        add(&places->of[GPUP_CALLERS_HERE], event->f[GPUP_MISUSE_at0 + i]);
    for (size_t at = 0; list < lists && event->data_size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t address;
        memcpy(&address, event->data + at, sizeof address);
        if (address)
            add(&places->of[order[list]], address);
        else
            list++;
        if (event->kind == GPUP_EVENT_FAULT && !list)
            places->instruction = places->of[GPUP_CALLERS_HERE].count;
    }
    for (unsigned i = 0; i < GPUP_CALLERS_KINDS; i++)
        some = some || places->of[i].count;
    return some;
}

void gpup_event_put_places(struct gpup_event *event, const struct gpup_places *places,
                           uint64_t room[GPUP_PLACES_ROOM]) {
    const uint8_t *order = NULL;
    unsigned lists = order_of(event->kind, &order);
    size_t used = 0, whole = 0;
    bool fault = event->kind == GPUP_EVENT_FAULT;
    for (unsigned i = 0; event->kind == GPUP_EVENT_MISUSE && i < SHORT; i++)
        event->f[GPUP_MISUSE_at0 + i] =
            i < places->of[GPUP_CALLERS_HERE].count ? places->of[GPUP_CALLERS_HERE].at[i] : 0;
    for (unsigned i = 0; i < lists; i++, room[used++] = 0) {
        unsigned first = fault && i == 1 ? places->instruction : 0;
        unsigned end = fault && i == 0 ? places->instruction : places->of[order[i]].count;
        for (unsigned k = first; k < end; k++, whole = used)
            room[used++] = places->of[order[i]].at[k];
    }
    if (!lists)
        return;
    event->data = whole ? (const uint8_t *)room : NULL;
    event->data_size = whole * sizeof *room;
}

void gpup_event_forget_places(struct gpup_event *event) {
    const struct gpup_places none = {0};
    uint64_t room[GPUP_PLACES_ROOM];
    gpup_event_put_places(event, &none, room);
}
