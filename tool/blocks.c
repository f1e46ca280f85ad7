/* The blocks of a driver image, and what a run reached of them as lcov takes it: by RVA, in a listing of
 * its instructions. */
#include "tool.h"

#include <gpup/coverage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int list_blocks(const struct options *o) {
    struct gpup_points points;
    char message[1024];
    if (o->word_count != 2)
        return usage_error("list blocks: expected one driver image, found %u words", o->word_count - 1);
    if (!gpup_points_find(o->words[1], &points, message, sizeof message))
        return usage_error("%s", message);
    size_t bytes = 0;
    printf("%s", o->json ? "[" : "");
    for (size_t i = 0; i < points.count; i++) {
        const struct gpup_point *p = &points.point[i];
        bytes += p->size;
        if (o->json)
            printf("%s\n {\"rva\": %u, \"size\": %u, \"entry\": %s}", i ? "," : "", p->rva, p->size,
                   p->entry ? "true" : "false");
        else
            printf("0x%06x %5u%s\n", p->rva, p->size, p->entry ? " function" : "");
    }
    if (o->json)
        printf("\n]\n");
    else
        printf(
            "%zu blocks of %zu bytes, %zu jump tables; %zu jumps that nothing follows, %zu contradictions\n",
            points.count, bytes, points.tables, points.not_followed, points.refused);
    gpup_points_free(&points);
    return 0;
}

struct listing {
    const struct gpup_coverage_file *file;
    FILE *text; /* the listing; NULL: instructions go to the standard output as `ADDRESS HIT ENTRY`, HIT -
                   when no counter is for it */
    unsigned line;
};

static void add(void *context, size_t point, uint32_t rva, const char *text) {
    struct listing *l = context;
    const struct gpup_point *p = &l->file->points.point[point];
    bool first = rva == p->rva, entry = first && p->entry;
    unsigned hit = l->file->hit[point];
    if (!l->text) {
        printf("0x%llx %c %d\n", (unsigned long long)l->file->points.preferred + rva,
               p->unknown ? '-'
               : hit      ? '1'
                          : '0',
               entry);
        return;
    }
    if (entry && fprintf(l->text, "\n") > 0)
        l->line++;
    fprintf(l->text, "%c %06x  %s\n", !first ? ' ' : p->unknown ? '?' : '*', rva, text);
    l->line++;
    if (p->unknown)
        return;
    if (entry)
        printf("FN:%u,rva_%x\nFNDA:%u,rva_%x\n", l->line, rva, hit, rva);
    printf("DA:%u,%u\n", l->line, hit);
}

/* lcov IMAGE FILE LISTING: LISTING is written, the record of it printed. */
static int print_lcov(const char *image, const struct gpup_coverage_file *file, const char *listing) {
    char message[1024], path[4096];
    struct listing l = {.file = file, .text = fopen(listing, "we")};
    if (!l.text || !realpath(listing, path))
        return usage_error("%s: cannot be written", listing);
    printf("TN:\nSF:%s\n", path);
    bool ok = gpup_points_list(image, &file->points, add, &l, message, sizeof message);
    printf("end_of_record\n");
    ok = fclose(l.text) == 0 && ok;
    return ok ? 0 : usage_error("%s", message);
}

static int begin(const char *image, const char *path) {
    struct gpup_points points;
    size_t counters, placed;
    char message[1024];
    if (!gpup_points_counted(image, &points, &counters, &placed, message, sizeof message))
        return usage_error("%s", message);
    if (counters && !placed)
        fprintf(
            stderr,
            "%s: its counters have no table that says where they stand, so breakpoints count in their "
            "place. For the counters, build it with -fsanitize-coverage=inline-8bit-counters,pc-table and "
            "link cmake/image_counters.c.\n",
            image);
    bool ok = gpup_coverage_create(path, &points, message, sizeof message);
    gpup_points_free(&points);
    return ok ? 0 : usage_error("%s", message);
}

static int print_instructions(const char *image, const struct gpup_coverage_file *file) {
    char message[1024];
    struct listing l = {.file = file};
    return gpup_points_list(image, &file->points, add, &l, message, sizeof message)
               ? 0
               : usage_error("%s", message);
}

int command_image_coverage(const struct options *o) {
    struct gpup_coverage_file file;
    char message[1024];
    const char *what = o->word_count ? o->words[0] : "";
    bool lcov = strcmp(what, "lcov") == 0, instructions = strcmp(what, "instructions") == 0;
    if (o->word_count == 3 && strcmp(what, "begin") == 0)
        return begin(o->words[1], o->words[2]);
    if (o->word_count != 3u + lcov || !(lcov || instructions))
        return usage_error(
            "image-coverage: expected begin IMAGE FILE, lcov IMAGE FILE LISTING or instructions IMAGE "
            "FILE");
    if (!gpup_coverage_open(o->words[2], &file, message, sizeof message))
        return usage_error("%s", message);
    int status = lcov ? print_lcov(o->words[1], &file, o->words[3]) : print_instructions(o->words[1], &file);
    gpup_coverage_close(&file);
    return status;
}
