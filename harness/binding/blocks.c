/* The basic blocks of an image: the file is read, the descent done, its outcome put in order. */
#include "blocks.h"

#include "cover.h"
#include "pe_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *blocks_grow(struct blocks *b, void *list, size_t count, size_t size) {
    if (count & (count - 1) || (count && count < 16))
        return list;
    void *grown = realloc(list, (count < 16 ? 16 : count * 2) * size);
    b->out_of_memory = b->out_of_memory || !grown;
    return grown;
}

uint32_t blocks_code_left(const struct blocks *b, uint64_t rva) {
    const struct gpup_pe_section *s = gpup_pe_section_of(b->pe, rva, 1);
    uint64_t inside = s ? rva - s->span.rva : 0;
    return s && (s->access & GPUP_PE_EXECUTE) && inside < s->file_bytes ? (uint32_t)(s->file_bytes - inside)
                                                                        : 0;
}

/* --- imports that matter */

static bool add_place_of(struct blocks *b, uint32_t **list, size_t *count, uint32_t place) {
    uint32_t *grown = blocks_grow(b, *list, *count, sizeof *grown);
    if (!grown)
        return false;
    *list = grown;
    grown[(*count)++] = place;
    return true;
}

static bool look_at_import(void *context, const struct gpup_pe_import *import) {
    static const char *const ends[] = {"KeBugCheck", "KeBugCheckEx", "ExRaiseStatus",
                                       "ExRaiseAccessViolation", "ExRaiseDatatypeMisalignment"};
    struct blocks *b = context;
    for (size_t i = 0; import->name && i < sizeof ends / sizeof *ends; i++)
        if (strcmp(import->name, ends[i]) == 0)
            return add_place_of(b, &b->no_return, &b->no_return_count, import->place);
    if (import->name && strcmp(import->name, "__C_specific_handler") == 0)
        return add_place_of(b, &b->specific, &b->specific_count, import->place);
    return true;
}

/* --- the descent */

static void descend(struct blocks *b) {
    while (!b->out_of_memory) {
        blocks_walk(b);
        if (b->table_done < b->table_count) {
            blocks_follow_table(b, &b->tables[b->table_done++]);
        } else if (b->candidate_done < b->candidate_count) {
            uint32_t rva = b->candidates[b->candidate_done++];
            if (!(b->seen[rva] & (SEEN_START | SEEN_INSIDE)) && blocks_is_leaf(b, rva))
                blocks_add_routine(b, rva);
        } else {
            return;
        }
    }
}

/* Where the compiler counts there is code, and a block begins. */
static void add_counted(struct blocks *b, const struct gpup_counters *counters) {
    size_t count = (size_t)(counters->stop - counters->start);
    for (size_t i = 0; i < count && !b->out_of_memory; i++) {
        uint32_t rva = (uint32_t)(counters->place[2 * i] - counters->image);
        if (rva && !(b->seen[rva] & (SEEN_START | SEEN_INSIDE))) {
            blocks_add_routine(b, rva);
            descend(b);
        }
        if (rva && (b->seen[rva] & SEEN_START))
            b->seen[rva] |= SEEN_BLOCK | SEEN_COUNTED;
    }
}

static uint32_t size_of(const struct blocks *b, uint32_t rva) {
    uint32_t at = rva, end = b->pe->image_size;
    for (;;) {
        bool last = b->seen[at] & SEEN_END;
        for (at++; at < end && (b->seen[at] & SEEN_INSIDE); at++) {
        }
        if (last || at >= end || !(b->seen[at] & SEEN_START) || (b->seen[at] & SEEN_BLOCK))
            return at - rva;
    }
}

static bool is_point(const struct blocks *b, uint32_t rva) {
    return (b->seen[rva] & (SEEN_START | SEEN_BLOCK)) == (SEEN_START | SEEN_BLOCK);
}

/* The section's points are counted or, where there is room for them, added; sections are in order. */
static size_t points_in(const struct blocks *b, const struct gpup_pe_section *s, struct gpup_points *out) {
    size_t count = 0;
    for (uint32_t i = s->span.rva; (s->access & GPUP_PE_EXECUTE) && i < s->span.rva + s->file_bytes; i++) {
        if (!is_point(b, i))
            continue;
        count++;
        if (out->point)
            out->point[out->count++] = (struct gpup_point){i, size_of(b, i), (b->seen[i] & SEEN_ENTRY) != 0,
                                                           out->counted && !(b->seen[i] & SEEN_COUNTED)};
    }
    return count;
}

static bool collect(const struct blocks *b, struct gpup_points *out) {
    size_t count = 0;
    for (uint32_t i = 0; i < b->pe->section_count; i++)
        count += points_in(b, &b->pe->section[i], out);
    out->point = malloc((count + 1) * sizeof *out->point);
    for (uint32_t i = 0; out->point && i < b->pe->section_count; i++)
        points_in(b, &b->pe->section[i], out);
    out->tables = b->followed;
    out->not_followed = b->not_followed;
    out->refused = b->refused;
    out->preferred = b->pe->preferred;
    return out->point != NULL;
}

static void free_blocks(struct blocks *b) {
    free(b->seen);
    free(b->routine_at);
    free(b->entry_at);
    free(b->no_return);
    free(b->specific);
    free(b->routines);
    free(b->tasks);
    free(b->waiting);
    free(b->tables);
    free(b->candidates);
}

/* counters: of an image at its preferred address; NULL: they do not matter. */
static bool find(const struct gpup_pe *pe, const struct gpup_counters *counters, struct gpup_points *out,
                 const struct gpup_pe_error *error) {
    struct blocks b = {.pe = pe, .next_id = 1};
    b.seen = calloc(pe->image_size, 1);
    b.routine_at = calloc(pe->image_size, sizeof *b.routine_at);
    b.entry_at = calloc(pe->image_size, sizeof *b.entry_at);
    bool ok = b.seen && b.routine_at && b.entry_at &&
              ZYAN_SUCCESS(ZydisDecoderInit(&b.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
    if (ok && gpup_pe_imports(pe, look_at_import, &b, error)) {
        blocks_roots(&b);
        descend(&b);
        if (counters)
            add_counted(&b, counters);
        out->counted = counters != NULL;
        ok = !b.out_of_memory && collect(&b, out);
    } else {
        ok = ok && b.out_of_memory;
    }
    free_blocks(&b);
    return ok || error->text[0] || gpup_pe_refuse(error, "out of memory while its code was looked at");
}

/* What gpup_points_counted says of the counters; in its own call of it, NULL otherwise. */
struct census {
    size_t counters, placed;
};

static bool look(const struct gpup_pe *pe, struct census *census, struct gpup_points *out,
                 const struct gpup_pe_error *error) {
    struct gpup_counters counters = {0};
    bool any = census && gpup_pe_counters(pe, pe->preferred, &counters);
    if (any)
        *census = (struct census){(size_t)(counters.stop - counters.start), counters.placed};
    bool ok = find(pe, any && counters.placed ? &counters : NULL, out, error);
    gpup_counters_free(&counters);
    return ok;
}

static bool points_of(const void *bytes, size_t size, struct census *census, struct gpup_points *out,
                      char *message, size_t message_size) {
    struct gpup_pe pe = {0};
    struct gpup_pe_error error = {message, message_size};
    *out = (struct gpup_points){0};
    message[0] = 0;
    bool ok = gpup_pe_read(&pe, bytes, size, &error) && gpup_pe_map(&pe, &error) &&
              gpup_pe_check_functions(&pe, &error) && look(&pe, census, out, &error);
    gpup_pe_unmap(&pe);
    return ok && !message[0];
}

static bool points_in_file(const char *path, struct census *census, struct gpup_points *out, char *message,
                           size_t message_size) {
    char why[400] = "";
    void *bytes;
    size_t size;
    struct gpup_pe_error error = {why, sizeof why};
    *out = (struct gpup_points){0};
    bool ok = gpup_pe_map_file(path, &bytes, &size, &error);
    if (ok) {
        ok = points_of(bytes, size, census, out, why, sizeof why);
        munmap(bytes, size);
    }
    snprintf(message, message_size, "%s: %s", path, why);
    return ok;
}

bool gpup_points_of(const void *bytes, size_t size, struct gpup_points *out, char *message,
                    size_t message_size) {
    return points_of(bytes, size, NULL, out, message, message_size);
}

bool gpup_points_find(const char *path, struct gpup_points *out, char *message, size_t message_size) {
    return points_in_file(path, NULL, out, message, message_size);
}

bool gpup_points_counted(const char *path, struct gpup_points *out, size_t *counters, size_t *placed,
                         char *message, size_t message_size) {
    struct census census = {0};
    bool ok = points_in_file(path, &census, out, message, message_size);
    *counters = census.counters;
    *placed = census.placed;
    return ok;
}
