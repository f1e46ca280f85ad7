#include "twin.h"

#include <gpup/implementation.h>
#include <gpup/spec_ids.h>

#include <stdlib.h>
#include <string.h>

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

/* Of the two bit fields the reserved bits may be left as the caller had them. */
static uint32_t defined(uint64_t type) {
    return type == 30 ? 0xF : type == 39 ? 0x3 : UINT32_MAX;
}

static void called(struct twin *t, const struct gpup_event *e) {
    uint64_t call = e->f[GPUP_CALL_call];
    t->ddi = (uint16_t)e->f[GPUP_CALL_ddi];
    if (t->ddi == GPUP_DDI_QueryAdapterInfo)
        t->query[call % TWIN_QUERIES] =
            (struct twin_query){call, defined(e->f[GPUP_CALL_a0 + GPUP_ARG_QueryAdapterInfo_Type])};
}

static void returned(struct twin *t, const struct gpup_event *e) {
    const uint64_t basis = 0xCBF29CE484222325u, call = e->f[GPUP_RETURN_call];
    const struct twin_query *query = &t->query[call % TWIN_QUERIES];
    uint64_t r[6];
    memcpy(r, &e->f[GPUP_RETURN_r0], sizeof r);
    t->ddi = (uint16_t)e->f[GPUP_RETURN_ddi]; /* its outputs follow; calls may overlap */
    t->defined = t->ddi == GPUP_DDI_QueryAdapterInfo && query->call == call ? query->defined : UINT32_MAX;
    r[GPUP_RES_QueryAdapterInfo_Output] &= ~(uint64_t)(uint32_t)~t->defined;
    add(t, mix(mix(basis, &e->f[GPUP_RETURN_status], 16), r, sizeof r), call);
}

/* Only what the call says it filled: the rest still has the caller's pattern. */
static void filled(struct twin *t, const struct gpup_event *e) {
    size_t used = e->f[GPUP_OUTPUT_used] < e->data_size ? (size_t)e->f[GPUP_OUTPUT_used] : e->data_size;
    uint64_t hash = 0xCBF29CE484222325u;
    size_t head = 0;
    if (declared(t) && e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA)
        return;
    for (; t->defined != UINT32_MAX && head < used && head < sizeof t->defined; head++) {
        uint8_t byte = (uint8_t)(e->data[head] & t->defined >> 8 * head);
        hash = mix(hash, &byte, 1);
    }
    add(t, head < used ? mix(hash, e->data + head, used - head) : hash, e->f[GPUP_OUTPUT_call]);
}

void twin_event(struct twin *t, const struct gpup_event *e) {
    if (e->kind == GPUP_EVENT_IMPLEMENTATION)
        t->varies = e->f[GPUP_IMPLEMENTATION_varies];
    else if (e->kind == GPUP_EVENT_CALL)
        called(t, e);
    else if (e->kind == GPUP_EVENT_RETURN)
        returned(t, e);
    else if (e->kind == GPUP_EVENT_OUTPUT)
        filled(t, e);
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
