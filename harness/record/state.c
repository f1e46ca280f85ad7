/* Handles as numbers, ranges of bases and reserves, and whose adapter a call is for. */
#include "record.h"

static struct record_object *record_find(uint8_t kind, uint64_t value) {
    for (unsigned i = 0; i < GPUP_RECORDER_OBJECTS; i++)
        if (recorder.object[i].live && recorder.object[i].kind == kind && recorder.object[i].value == value)
            return &recorder.object[i];
    return NULL;
}

static struct record_object *record_new(uint8_t kind, uint64_t value) {
    for (unsigned i = 0; i < GPUP_RECORDER_OBJECTS; i++) {
        struct record_object *o = &recorder.object[i];
        if (o->live)
            continue;
        memset(o, 0, sizeof *o);
        o->kind = kind;
        o->value = value;
        o->number = ++recorder.objects;
        o->live = true;
        return o;
    }
    record_lose();
    return NULL;
}

/* As the trace names it: 0 NULL, all ones INVALID_HANDLE_VALUE, one less a value that means nothing now. */
static uint64_t record_number(uint8_t kind, uint64_t value, bool make) {
    struct record_object *o = record_find(kind, value);
    if (!value || value == UINT64_MAX)
        return value;
    if (!o && make)
        o = record_new(kind, value);
    return o ? o->number : UINT64_MAX - 1;
}

static void record_forget(uint8_t kind, uint64_t value) {
    struct record_object *o = record_find(kind, value);
    if (!o)
        return;
    if (kind == RECORD_BASIS)
        record_drop_ranges(o->number);
    o->live = false;
}

static void record_add_range(uint64_t owner, uint32_t segment, uint64_t offset, uint64_t size) {
    if (recorder.ranges == GPUP_RECORDER_RANGES) {
        record_lose(); /* what needs it would be told wrongly */
        return;
    }
    struct record_range *r = &recorder.range[recorder.ranges++];
    r->owner = owner;
    r->segment = segment;
    r->offset = offset;
    r->size = size;
}

static void record_drop_ranges(uint64_t owner) {
    unsigned kept = 0;
    for (unsigned i = 0; i < recorder.ranges; i++)
        if (recorder.range[i].owner != owner)
            recorder.range[kept++] = recorder.range[i];
    recorder.ranges = kept;
}

/* Whose reserve that place is in. */
static uint32_t record_vf_at(uint32_t segment, uint64_t offset) {
    for (unsigned i = 0; i < recorder.ranges; i++) {
        const struct record_range *r = &recorder.range[i];
        if ((r->owner & RECORD_OF_VF) && r->segment == segment && offset - r->offset < r->size)
            return (uint32_t)r->owner;
    }
    return RECORD_NO_VF;
}

static bool record_foreign(uint64_t context) {
    for (unsigned i = 0; i < recorder.other_count; i++)
        if (recorder.others[i] == context)
            return true;
    return false;
}
