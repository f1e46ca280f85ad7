/* Readings of observers: what was there before, and what is there now. */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#define READINGS 512u     /* observers of VFs that are remembered */
#define REMEMBERED 65536u /* bytes of each */
#define DIFFERENCES 3u    /* that are told */

struct reading {
    uint64_t f[GPUP_EVENT_MAX_FIELDS];
    uint8_t *data;
    size_t size;
    uint32_t vf;
    uint16_t kind;
    uint8_t host;
};
struct readings {
    struct reading row[READINGS];
    size_t count;
};

struct readings *readings_new(void) {
    return calloc(1, sizeof(struct readings));
}

void readings_free(struct readings *readings) {
    for (size_t i = 0; readings && i < readings->count; i++)
        free(readings->row[i].data);
    free(readings);
}

static bool is_reading(unsigned kind) {
    return kind == GPUP_EVENT_OBS_POOL || (kind >= GPUP_EVENT_OBS_MSIX && kind <= GPUP_EVENT_OBS_CONFIG);
}

static struct reading *row_of(struct readings *r, const struct gpup_event *e, bool *known) {
    uint32_t vf = e->kind == GPUP_EVENT_OBS_POOL ? GPUP_PF : (uint32_t)e->f[0]; /* all others begin with it */
    for (size_t i = 0; i < r->count; i++)
        if (r->row[i].kind == e->kind && r->row[i].host == e->host && r->row[i].vf == vf) {
            *known = true;
            return &r->row[i];
        }
    *known = false;
    if (r->count == READINGS)
        return NULL;
    struct reading *fresh = &r->row[r->count++];
    fresh->kind = e->kind;
    fresh->host = e->host;
    fresh->vf = vf;
    return fresh;
}

static void remember(struct reading *row, const struct gpup_event *e) {
    size_t size = e->data_size < REMEMBERED ? e->data_size : REMEMBERED;
    uint8_t *data = realloc(row->data, size + 1);
    memcpy(row->f, e->f, sizeof row->f);
    row->size = 0;
    if (!data)
        return;
    row->data = data;
    row->size = size;
    if (size)
        memcpy(data, e->data, size);
}

static uint64_t number(const uint8_t *bytes, unsigned width) {
    uint64_t value = 0;
    for (unsigned i = width; i--;)
        value = value << 8 | bytes[i];
    return value;
}

static void tell_entry(FILE *out, const uint8_t *entry) {
    fprintf(out, "0x%llx data 0x%llx%s", (unsigned long long)number(entry, 8),
            (unsigned long long)number(entry + 8, 4), entry[12] & 1 ? " masked" : "");
}

/* Rows of `width` bytes that are not the same. */
static void tell_rows(FILE *out, const struct reading *old, const struct gpup_event *e, size_t width) {
    size_t told = 0, size = old->size < e->data_size ? old->size : e->data_size;
    for (size_t at = 0; at + width <= size; at += width) {
        if (memcmp(old->data + at, e->data + at, width) == 0 || told++ >= DIFFERENCES)
            continue;
        if (width == 16) {
            fprintf(out, "%s entry %zu: ", told > 1 ? ";" : "", at / 16);
            tell_entry(out, old->data + at);
            fputs(" &#x2192; ", out);
            tell_entry(out, e->data + at);
        } else {
            fprintf(out, "%s 0x%zx: 0x%llx &#x2192; 0x%llx", told > 1 ? ";" : "", at,
                    (unsigned long long)number(old->data + at, (unsigned)width),
                    (unsigned long long)number(e->data + at, (unsigned)width));
        }
    }
    if (told > DIFFERENCES)
        fprintf(out, " and %zu more", told - DIFFERENCES);
}

static uint64_t bits(const uint8_t *data, size_t size) {
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += (unsigned)__builtin_popcount(data[i]);
    return count;
}

static void tell_data(FILE *out, const struct reading *old, const struct gpup_event *e) {
    switch (e->kind) {
    case GPUP_EVENT_OBS_MSIX:
        tell_rows(out, old, e, 16);
        break;
    case GPUP_EVENT_OBS_CONFIG:
    case GPUP_EVENT_OBS_GUEST:
        tell_rows(out, old, e, 4);
        break;
    case GPUP_EVENT_OBS_DIRTY:
    case GPUP_EVENT_OBS_MSIX_CONTROL:
        if (bits(old->data, old->size) != bits(e->data, e->data_size))
            fprintf(out, " bits set %llu &#x2192; %llu", (unsigned long long)bits(old->data, old->size),
                    (unsigned long long)bits(e->data, e->data_size));
        break;
    default:
        break;
    }
}

static void tell_fields(FILE *out, const struct reading *old, const struct gpup_event *e) {
    for (unsigned i = e->kind == GPUP_EVENT_OBS_POOL ? 0 : 1; i < gpup_event_field_count(e->kind); i++)
        if (old->f[i] != e->f[i] && strcmp(gpup_event_field_name(e->kind, i), "hash") == 0)
            fputs(" other contents", out);
        else if (old->f[i] != e->f[i])
            fprintf(out, " %s %llu &#x2192; %llu", gpup_event_field_name(e->kind, i),
                    (unsigned long long)old->f[i], (unsigned long long)e->f[i]);
}

static bool same(const struct reading *old, const struct gpup_event *e) {
    return memcmp(old->f, e->f, sizeof old->f) == 0 && old->size == e->data_size &&
           (!old->size || memcmp(old->data, e->data, old->size) == 0);
}

bool readings_event(struct readings *r, const struct gpup_event *e, FILE *out) {
    static const char *const names[] = {"MSI-X table", "MSI-X state", "schedule",     "memory",
                                        "dirty bits",  "guest state", "configuration"};
    bool known, told = false;
    struct reading *row = is_reading(e->kind) ? row_of(r, e, &known) : NULL;
    if (!row)
        return false;
    if (out && known && !same(row, e)) {
        told = true;
        if (e->kind == GPUP_EVENT_OBS_POOL)
            fputs("driver's pool:", out);
        else if (row->vf == GPUP_PF)
            fprintf(out, "PF, %s:", names[e->kind - GPUP_EVENT_OBS_MSIX]);
        else
            fprintf(out, "VF %u, %s:", row->vf, names[e->kind - GPUP_EVENT_OBS_MSIX]);
        tell_fields(out, row, e);
        if (row->size && e->data_size)
            tell_data(out, row, e);
    }
    remember(row, e);
    return told;
}
