/* Names and field counts of the event kinds, from events.def. */
#include <gpup/trace.h>

struct kind {
    const char *name;
    const char *field[GPUP_EVENT_MAX_FIELDS];
};

static const struct kind kinds[GPUP_EVENT_KINDS] = {
#define EVENT(kind, text) [GPUP_EVENT_##kind] = {#text, {
#define FIELD(kind, name) [GPUP_##kind##_##name] = #name,
#define END(kind)                                                                                            \
    }                                                                                                        \
    }                                                                                                        \
    ,
#include <gpup/events.def>
#undef EVENT
#undef FIELD
#undef END
};

static const uint8_t counts[GPUP_EVENT_KINDS] = {
#define EVENT(kind, text)
#define FIELD(kind, name)
#define END(kind) [GPUP_EVENT_##kind] = GPUP_##kind##_FIELDS,
#include <gpup/events.def>
#undef EVENT
#undef FIELD
#undef END
};

#define EVENT(kind, text)
#define FIELD(kind, name)
#define END(kind)                                                                                            \
    _Static_assert((int)GPUP_##kind##_FIELDS <= GPUP_EVENT_MAX_FIELDS, "too many fields: " #kind);
#include <gpup/events.def>
#undef EVENT
#undef FIELD
#undef END

const char *gpup_event_name(unsigned kind) {
    return kind < GPUP_EVENT_KINDS ? kinds[kind].name : NULL;
}

unsigned gpup_event_field_count(unsigned kind) {
    return kind < GPUP_EVENT_KINDS ? counts[kind] : 0;
}

const char *gpup_event_field_name(unsigned kind, unsigned field) {
    return field < gpup_event_field_count(kind) ? kinds[kind].field[field] : NULL;
}
