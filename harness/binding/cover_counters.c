/* The counters that a compiler put into an image, and the addresses that they are for. In the linker's
 * order, section .SCOV has the counters between two words, .SCOVP their addresses: in as many parts as there
 * are kinds of access. */
#include "cover.h"

#include <stdlib.h>
#include <string.h>

#define WORD 8u

static bool is_code(const struct gpup_pe *pe, uint64_t rva) {
    const struct gpup_pe_section *s = gpup_pe_section_of(pe, rva, 1);
    return s && (s->access & GPUP_PE_EXECUTE);
}

/* Addresses in the sections of that name: how many; into `out` those that there is room for. */
static size_t places(const struct gpup_pe *pe, uint64_t base, uintptr_t *out, size_t room) {
    size_t count = 0;
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct gpup_pe_section *s = &pe->section[i];
        if (strcmp(s->name, ".SCOVP") != 0 || !(s->access & GPUP_PE_READ))
            continue;
        for (uint32_t at = 0; at + 2 * WORD <= s->span.size;) {
            const uint8_t *entry = pe->memory + s->span.rva + at;
            bool one = is_code(pe, gpup_pe_u64(entry) - base) && gpup_pe_u64(entry + WORD) <= 1;
            if (one && count < room) {
                out[2 * count] = gpup_pe_u64(entry);
                out[2 * count + 1] = gpup_pe_u64(entry + WORD);
            }
            count += one;
            at += one ? 2 * WORD : WORD; /* words that mark its ends are no entries */
        }
    }
    return count;
}

/* The counter that the first address is for. false: the two do not belong together. */
static bool first_of(size_t counters, size_t addresses, size_t *out) {
    *out = counters >= addresses + 2 * WORD ? WORD : 0;
    return addresses && counters >= addresses && counters - addresses < 3 * WORD;
}

bool gpup_pe_counters(const struct gpup_pe *pe, uint64_t base, struct gpup_counters *out) {
    const struct gpup_pe_section *section = NULL;
    size_t first;
    *out = (struct gpup_counters){.image = base};
    for (uint32_t i = 0; pe && i < pe->section_count; i++)
        if (strcmp(pe->section[i].name, ".SCOV") == 0 && (pe->section[i].access & GPUP_PE_WRITE))
            section = &pe->section[i];
    if (!section)
        return false;
    size_t count = section->span.size, known = places(pe, base, NULL, 0);
    out->start = pe->memory + section->span.rva;
    out->stop = out->start + count;
    out->place = calloc(count, 2 * sizeof *out->place);
    for (size_t i = 0; out->place && i < count; i++)
        out->place[2 * i] = base;
    if (out->place && first_of(count, known, &first)) {
        out->placed = known;
        places(pe, base, out->place + 2 * first, known);
    }
    return out->place != NULL;
}

bool gpup_image_counters(const struct gpup_binding *binding, struct gpup_counters *out) {
    *out = (struct gpup_counters){0};
    return binding->pe && gpup_pe_counters(binding->pe, (uintptr_t)binding->pe->memory, out);
}

static void hit_one(const struct gpup_counters *counters, size_t i, const struct gpup_points *points,
                    uint8_t *hit) {
    uintptr_t rva = counters->place[2 * i] - counters->image;
    const struct gpup_point *point = rva <= UINT32_MAX ? gpup_point_at(points, (uint32_t)rva) : NULL;
    if (point)
        hit[point - points->point] = 1;
}

void gpup_counters_take(struct gpup_counters *counters, const struct gpup_points *points, uint8_t *hit) {
    size_t count = (size_t)(counters->stop - counters->start);
    for (size_t i = 0; i < count; i++) {
        if (counters->start[i])
            hit_one(counters, i, points, hit);
        counters->start[i] = 0;
    }
}

void gpup_counters_free(struct gpup_counters *counters) {
    free(counters->place);
    *counters = (struct gpup_counters){0};
}
