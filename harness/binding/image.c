#include "image.h"

#include "elf.h"

#include <stdlib.h>
#include <sys/mman.h>

struct gpup_image {
    struct gpup_ranges ranges; /* already relocated */
    size_t size;
    uintptr_t base, code_start, code_end;
    struct gpup_ranges initial;    /* code that goes after DriverEntry */
    struct gpup_unwinder unwinder; /* without a base: there is none */
    void *pristine;                /* the sections as they were after loading and setting options */
};

/* Not memcpy: redzones of sanitized globals lie in these ranges, and a checked copy would report them. */
static void copy_bytes(void *to, const void *from, size_t size) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

bool gpup_image_from(struct gpup_ranges *ranges, uintptr_t base, uintptr_t code_start, uintptr_t code_end,
                     struct gpup_image **out) {
    struct gpup_image image = {
        .ranges = *ranges, .base = base, .code_start = code_start, .code_end = code_end};
    *ranges = (struct gpup_ranges){0};
    for (size_t i = 0; i < image.ranges.count; i++)
        image.size += image.ranges.range[i].end - image.ranges.range[i].start;
    *out = malloc(sizeof image);
    if (*out)
        **out = image;
    else
        gpup_ranges_free(&image.ranges);
    return *out != NULL;
}

bool gpup_image_open(const char *path, uintptr_t base, const char *prefix, struct gpup_image **out,
                     char *message, size_t message_size) {
    struct gpup_ranges ranges = {0};
    struct gpup_range code;
    *out = NULL;
    if (!gpup_elf_writable(path, prefix, &ranges, &code, message, message_size)) {
        gpup_ranges_free(&ranges);
        return false;
    }
    for (size_t i = 0; i < ranges.count; i++) {
        ranges.range[i].start += base;
        ranges.range[i].end += base;
    }
    return gpup_image_from(&ranges, base, base + code.start, base + code.end, out);
}

bool gpup_image_join(struct gpup_image *image, const struct gpup_image *other) {
    for (size_t i = 0; i < other->ranges.count; i++)
        if (!gpup_ranges_add(&image->ranges, other->ranges.range[i].start, other->ranges.range[i].end))
            return false;
    image->size += other->size;
    return true;
}

void gpup_image_free(struct gpup_image *image) {
    if (image) {
        gpup_ranges_free(&image->ranges);
        gpup_ranges_free(&image->initial);
        free(image->pristine);
    }
    free(image);
}

size_t gpup_image_size(const struct gpup_image *image) {
    return image ? image->size : 0;
}

void gpup_image_save(const struct gpup_image *image, void *copy) {
    char *to = copy;
    for (size_t i = 0; image && i < image->ranges.count; i++) {
        const struct gpup_range *r = &image->ranges.range[i];
        copy_bytes(to, (const void *)(uintptr_t)r->start, r->end - r->start);
        to += r->end - r->start;
    }
}

void gpup_image_load(const struct gpup_image *image, const void *copy) {
    const char *from = copy;
    for (size_t i = 0; image && i < image->ranges.count; i++) {
        const struct gpup_range *r = &image->ranges.range[i];
        copy_bytes((void *)(uintptr_t)r->start, from, r->end - r->start);
        from += r->end - r->start;
    }
}

void gpup_image_code(const struct gpup_image *image, uintptr_t *start, uintptr_t *end) {
    *start = image ? image->code_start : 0;
    *end = image ? image->code_end : 0;
}

uintptr_t gpup_image_base(const struct gpup_image *image) {
    return image ? image->base : 0;
}

void gpup_image_set_unwinder(struct gpup_image *image, struct gpup_unwinder unwinder) {
    image->unwinder = unwinder;
}

const struct gpup_unwinder *gpup_image_unwinder(const struct gpup_image *image) {
    return image && image->unwinder.base ? &image->unwinder : NULL;
}

bool gpup_image_capture(struct gpup_image *image) {
    if (!image)
        return true;
    if (!image->pristine)
        image->pristine = malloc(image->size ? image->size : 1);
    if (image->pristine)
        gpup_image_save(image, image->pristine);
    return image->pristine != NULL;
}

void gpup_image_set_initial(struct gpup_image *image, struct gpup_ranges *ranges) {
    image->initial = *ranges;
    *ranges = (struct gpup_ranges){0};
}

void gpup_image_discard(const struct gpup_image *image, bool gone) {
    for (size_t i = 0; image && i < image->initial.count; i++) {
        const struct gpup_range *r = &image->initial.range[i];
        mprotect((void *)(uintptr_t)r->start, r->end - r->start, gone ? PROT_NONE : PROT_READ | PROT_EXEC);
    }
}

void gpup_image_reset(const struct gpup_image *image) {
    gpup_image_discard(image, false);
    if (image && image->pristine)
        gpup_image_load(image, image->pristine);
}
