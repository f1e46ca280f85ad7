/* Breakpoints on the blocks of an open image, each taken off when it is met. The pages of the code are those
 * of a file in memory, mapped to be executed; the file itself is written, so that no mapping is writable. */
#include "cover.h"

#include <gpup/os.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#pragma weak gpup_os_on_breakpoint

#define BREAKPOINT 0xCC

struct gpup_cover {
    struct gpup_pe *pe;
    int file;
    const struct gpup_points *points;
    uint8_t *original; /* by point: the byte under its breakpoint */
    uint8_t *hit;
    uint32_t *recent; /* points met since gpup_cover_keep */
    size_t recent_count;
};

/* The one whose breakpoints the process has: for the signal handler, which knows nobody. */
static struct gpup_cover *_Atomic armed;

static bool write_byte(const struct gpup_cover *c, uint32_t rva, uint8_t byte) {
    return pwrite(c->file, &byte, 1, rva) == 1;
}

const struct gpup_point *gpup_point_at(const struct gpup_points *points, uint32_t rva) {
    size_t low = 0, high = points->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points->point[middle].rva < rva)
            low = middle + 1;
        else
            high = middle;
    }
    return low < points->count && points->point[low].rva == rva ? &points->point[low] : NULL;
}

/* In a signal handler. What is met a second time was met by another process that shares the code. */
static bool met(uintptr_t address) {
    struct gpup_cover *c = atomic_load(&armed);
    uintptr_t rva = c ? address - (uintptr_t)c->pe->memory : 0;
    const struct gpup_point *point =
        c && rva < c->pe->image_size ? gpup_point_at(c->points, (uint32_t)rva) : NULL;
    if (!point)
        return false;
    size_t i = (size_t)(point - c->points->point);
    if (c->original[i] == BREAKPOINT || !write_byte(c, point->rva, c->original[i]))
        return false; /* the image's own */
    c->hit[i] = 1;
    if (c->recent_count < c->points->count)
        c->recent[c->recent_count++] = (uint32_t)i;
    return true;
}

/* --- the pages of the code */

static size_t pages(size_t size) {
    return (size + GPUP_PE_PAGE - 1) & ~(size_t)(GPUP_PE_PAGE - 1);
}

static bool write_all(int file, const uint8_t *bytes, size_t size, off_t at) {
    for (ssize_t done; size; bytes += done, at += done, size -= (size_t)done)
        if ((done = pwrite(file, bytes, size, at)) <= 0)
            return false;
    return true;
}

static bool share(const struct gpup_cover *c, const struct gpup_pe_section *s) {
    uint8_t *start = c->pe->memory + s->span.rva;
    size_t size = pages(s->span.size);
    return write_all(c->file, start, s->span.size, s->span.rva) &&
           mmap(start, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, c->file, s->span.rva) == start;
}

static bool share_code(struct gpup_cover *c) {
    bool ok = c->file >= 0 && ftruncate(c->file, (off_t)pages(c->pe->image_size)) == 0;
    for (uint32_t i = 0; ok && i < c->pe->section_count; i++)
        if (c->pe->section[i].access & GPUP_PE_EXECUTE)
            ok = share(c, &c->pe->section[i]);
    return ok;
}

/* --- */

static void release(struct gpup_cover *c) {
    if (c->file >= 0)
        close(c->file);
    free(c->original);
    free(c->recent);
    free(c);
}

static bool arm(struct gpup_cover *c) {
    for (size_t i = 0; i < c->points->count; i++) {
        const uint8_t *at = gpup_pe_at(c->pe, c->points->point[i].rva, 1);
        const struct gpup_pe_section *s = gpup_pe_section_of(c->pe, c->points->point[i].rva, 1);
        if (!at || !s || !(s->access & GPUP_PE_EXECUTE))
            return false; /* points of another image */
        c->original[i] = *at;
    }
    for (size_t i = 0; i < c->points->count; i++)
        if (!c->hit[i] && c->original[i] != BREAKPOINT && !write_byte(c, c->points->point[i].rva, BREAKPOINT))
            return false;
    return true;
}

struct gpup_cover *gpup_cover_arm(const struct gpup_binding *binding, const struct gpup_points *points,
                                  uint8_t *hit, char *message, size_t message_size) {
    struct gpup_cover *c = calloc(1, sizeof *c);
    snprintf(message, message_size, "%s: breakpoints for its coverage could not be set", binding->name);
    if (!c)
        return NULL;
    *c = (struct gpup_cover){.pe = binding->pe, .points = points, .hit = hit};
    c->file = memfd_create("image", MFD_CLOEXEC);
    c->original = calloc(points->count + 1, 1);
    c->recent = calloc(points->count + 1, sizeof *c->recent);
    if (!binding->pe || !gpup_os_on_breakpoint || atomic_load(&armed) || !c->original || !c->recent ||
        !share_code(c)) {
        release(c);
        return NULL;
    }
    atomic_store(&armed, c);
    gpup_os_on_breakpoint(met);
    if (arm(c))
        return c;
    gpup_cover_free(c);
    return NULL;
}

void gpup_cover_again(struct gpup_cover *c) {
    for (size_t i = 0; i < c->recent_count; i++)
        write_byte(c, c->points->point[c->recent[i]].rva, BREAKPOINT);
    c->recent_count = 0;
}

void gpup_cover_keep(struct gpup_cover *c) {
    c->recent_count = 0;
}

void gpup_cover_free(struct gpup_cover *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->points->count; i++)
        write_byte(c, c->points->point[i].rva, c->original[i]);
    gpup_os_on_breakpoint(NULL);
    atomic_store(&armed, NULL);
    release(c);
}
