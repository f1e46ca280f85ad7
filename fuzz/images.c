#include "images.h"

#include <gpup/coverage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's, or coverage.c's. */
__attribute__((weak)) void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
__attribute__((weak)) void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

/* Of the process, as what engines are told of is. */
static struct gpup_counters counters;
static struct gpup_points points;
static struct gpup_cover *cover;
static uint8_t *hits;
static uintptr_t *places;
static uint8_t *last; /* the input before */
static size_t last_size, last_room;

static void announce(uint8_t *start, size_t count, const uintptr_t *place) {
    if (__sanitizer_cov_8bit_counters_init)
        __sanitizer_cov_8bit_counters_init(start, start + count);
    if (__sanitizer_cov_pcs_init)
        __sanitizer_cov_pcs_init(place, place + 2 * count);
}

static char *path_of(const struct gpup_binding *binding) {
    struct gpup_binding_parts parts;
    gpup_binding_split(binding->name, &parts);
    return strdup(parts.driver);
}

static bool arm(const struct gpup_binding *binding, char *message, size_t message_size) {
    char *path = path_of(binding);
    snprintf(message, message_size, "out of memory");
    bool ok = path && gpup_points_find(path, &points, message, message_size);
    free(path);
    hits = ok ? calloc(points.count + 1, 1) : NULL;
    places = ok ? calloc(points.count + 1, 2 * sizeof *places) : NULL;
    uintptr_t code, end;
    gpup_image_code(binding->image, &code, &end);
    for (size_t i = 0; places && i < points.count; i++) {
        places[2 * i] = code + points.point[i].rva;
        places[2 * i + 1] = points.point[i].entry;
    }
    cover = hits && places ? gpup_cover_arm(binding, &points, hits, message, message_size) : NULL;
    if (!cover) {
        free(hits);
        free(places);
        hits = NULL;
        places = NULL;
        gpup_points_free(&points);
        return false;
    }
    announce(hits, points.count, places);
    fprintf(stderr, "IMAGE blocks %zu not_followed %zu\n", points.count, points.not_followed);
    return true;
}

bool fuzz_image_attach(const struct gpup_binding *binding, char *message, size_t message_size) {
    if (!binding->pe || counters.start || cover)
        return true;
    if (!gpup_image_counters(binding, &counters))
        return arm(binding, message, message_size);
    announce(counters.start, (size_t)(counters.stop - counters.start), counters.place);
    fprintf(stderr, "IMAGE counters %zu placed %zu\n", (size_t)(counters.stop - counters.start),
            counters.placed);
    return true;
}

static bool keep(const uint8_t *data, size_t size) {
    if (size > last_room) {
        uint8_t *grown = realloc(last, size);
        if (!grown)
            return false;
        last = grown;
        last_room = size;
    }
    memcpy(last, data, size);
    last_size = size;
    return true;
}

void fuzz_image_input(const uint8_t *data, size_t size) {
    bool same = last && size == last_size && memcmp(data, last, size) == 0;
    if (!cover)
        return;
    if (same) {
        gpup_cover_again(cover);
    } else {
        gpup_cover_keep(cover);
        if (size && !keep(data, size))
            last_size = 0;
    }
}

void fuzz_image_forget(void) {
    if (cover)
        gpup_cover_again(cover);
}
