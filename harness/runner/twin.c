#include "twin.h"

#include <gpup/implementation.h>
#include <gpup/spec_ids.h>

#include <stdlib.h>

void twin_reset(struct twin *twin) {
    twin->count = 0;
    twin->varies = 0;
    twin->failed = false;
}

void twin_free(struct twin *twin) {
    free(twin->outputs);
    *twin = (struct twin){0};
}

static uint64_t mix(uint64_t h, const void *bytes, size_t size) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}

static void add(struct twin *t, uint64_t hash, uint64_t call) {
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 256;
        struct twin_output *grown = realloc(t->outputs, capacity * sizeof *grown);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->outputs = grown;
        t->capacity = capacity;
    }
    t->outputs[t->count++] = (struct twin_output){hash, call, t->ddi};
}

/* What the implementation declared to differ from save to save. */
static bool declared(const struct twin *t) {
    return (t->ddi == GPUP_DDI_SaveImmutableMigrationData && (t->varies & GPUP_VARIES_IMMUTABLE_BLOB)) ||
           (t->ddi == GPUP_DDI_SaveMutableMigrationData && (t->varies & GPUP_VARIES_MUTABLE_BLOB));
}

void twin_event(struct twin *t, const struct gpup_event *e) {
    const uint64_t basis = 0xCBF29CE484222325u;
    switch (e->kind) {
    case GPUP_EVENT_IMPLEMENTATION:
        t->varies = e->f[GPUP_IMPLEMENTATION_varies];
        break;
    case GPUP_EVENT_CALL:
        t->ddi = (uint16_t)e->f[GPUP_CALL_ddi];
        break;
    case GPUP_EVENT_RETURN:
        t->ddi = (uint16_t)e->f[GPUP_RETURN_ddi]; /* its outputs follow; calls may overlap */
        add(t, mix(mix(basis, &e->f[GPUP_RETURN_status], 16), &e->f[GPUP_RETURN_r0], 48),
            e->f[GPUP_RETURN_call]);
        break;
    case GPUP_EVENT_OUTPUT: {
        /* Only what the call says it filled: the rest still has the caller's pattern. */
        size_t used = e->f[GPUP_OUTPUT_used] < e->data_size ? (size_t)e->f[GPUP_OUTPUT_used] : e->data_size;
        if (!declared(t) || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_DATA)
            add(t, mix(basis, e->data, used), e->f[GPUP_OUTPUT_call]);
        break;
    }
    default:
        break;
    }
}

bool twin_equal(const struct twin *a, const struct twin *b, struct twin_output *first) {
    size_t count = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < count; i++)
        if (a->outputs[i].hash != b->outputs[i].hash) {
            *first = a->outputs[i];
            return false;
        }
    if (a->count == b->count)
        return true;
    *first = a->count > count ? a->outputs[count] : b->outputs[count];
    return false;
}
