/*
 * Which code of a Windows driver image was executed.
 *
 * An image that was built with counters (-fsanitize-coverage=inline-8bit-counters, with pc-table or without)
 * has them in sections of its own, and gpup_image_counters finds them. Any other image is disassembled:
 * gpup_points_find gives the first bytes of its basic blocks, and gpup_cover_arm puts a breakpoint on each
 * that is taken off when it was executed once. Addresses are RVAs: bytes from the start of the image.
 * Both become the same file of a run (below): with counters, its points are the blocks of the code and the
 * places of the counters, and where no counter stands nothing is said.
 *
 * Breakpoints stand only where code is proven: reached from the entry point, an exported or unwindable
 * function, or a leaf function that a relocated pointer leads to, along instructions that can follow each
 * other, through calls of functions that return, and through jump tables whose bounds the code itself checks.
 * What is not proven has no breakpoint and is not counted as code.
 */
#ifndef GPUP_COVERAGE_H
#define GPUP_COVERAGE_H

#include <gpup/binding.h>

/* One basic block. All bytes of it are executed when the first one is, unless a call in it does not return.
 */
struct gpup_point {
    uint32_t rva, size; /* bytes; size is not 0 */
    bool entry;         /* a function begins here */
    bool unknown;       /* no counter is for it (gpup_points_counted): whether it was executed nobody sees */
};
struct gpup_points {
    struct gpup_point *point; /* ascending, apart from each other; owned */
    size_t count;
    size_t tables;       /* jump tables that were followed */
    size_t not_followed; /* indirect jumps, mostly calls at the end of a function, whose targets nothing
                            proves */
    size_t refused;      /* targets and tables that contradict code already found */
    bool counted;        /* these are points of counters, not of breakpoints */
    uint64_t preferred;  /* the address the image was linked for: with it, an RVA is what other tools print */
};

/* The blocks of the image in the file `path`; nothing of it is run. false: message says why. The same file
 * gives the same points. Library gpup_blocks, which needs Zydis. */
bool gpup_points_find(const char *path, struct gpup_points *out, char *message, size_t message_size);
/* The same from a file in memory. */
bool gpup_points_of(const void *bytes, size_t size, struct gpup_points *out, char *message,
                    size_t message_size);
/* The same of an image with counters: code is also where a counter stands, and a block also begins there; the
 * others are `unknown`. *counters: how many it has, of which *placed have a place. When either is 0 the
 * points are those of gpup_points_find, for breakpoints: clang writes the places with pc-table only. */
bool gpup_points_counted(const char *path, struct gpup_points *out, size_t *counters, size_t *placed,
                         char *message, size_t message_size);
void gpup_points_free(struct gpup_points *points);

/* Each instruction of the points of that file, in order: the number of its point, its RVA, its text. false:
 * message says why. Library gpup_blocks. */
typedef void gpup_instruction_fn(void *context, size_t point, uint32_t rva, const char *text);
bool gpup_points_list(const char *path, const struct gpup_points *points, gpup_instruction_fn *each,
                      void *context, char *message, size_t message_size);

/* Counters that the compiler put into an open image: a byte for each place, 0 when it was not reached. */
struct gpup_counters {
    uint8_t *start, *stop; /* in the image */
    uintptr_t *place; /* for each counter two words as __sanitizer_cov_pcs_init takes them: address, and 1
                         where a function begins; the address of the image where it has no table. Owned */
    size_t placed;    /* counters whose address is known */
    uintptr_t image;  /* where it begins: place - image is an RVA */
};
/* false: the image has none, is no Windows image, or memory is out (out->start is then set). */
bool gpup_image_counters(const struct gpup_binding *binding, struct gpup_counters *out);
void gpup_counters_free(struct gpup_counters *counters);
/* What was counted since the last time is set to 1 in `hit`, a byte for each point, and its counter to 0.
 * They are bytes and wrap: call it often. Points are gpup_points_counted's of the same image. */
void gpup_counters_take(struct gpup_counters *counters, const struct gpup_points *points, uint8_t *hit);

/*
 * Breakpoints in an open image. One image per process has them at a time; breakpoints of the image's own
 * stay what they are. The code is never writable: it is written through a file that only this knows. Call and
 * run on one thread.
 */
struct gpup_cover;
/* A breakpoint on each point. hit: a byte for each point, the caller's, set to 1 when it is executed; one
 * that is 1 already has no breakpoint. Both stay where they are until gpup_cover_free. NULL: message says
 * why. */
struct gpup_cover *gpup_cover_arm(const struct gpup_binding *binding, const struct gpup_points *points,
                                  uint8_t *hit, char *message, size_t message_size);
/* What was executed since the last gpup_cover_keep (or gpup_cover_arm) has its breakpoint again. `hit` is the
 * caller's to clear. */
void gpup_cover_again(struct gpup_cover *cover);
/* What was executed until now stays without. */
void gpup_cover_keep(struct gpup_cover *cover);
/* The image is as it was. Before gpup_binding_close; NULL is allowed. */
void gpup_cover_free(struct gpup_cover *cover);

/*
 * Coverage of a run in a file, shared by all processes that write it: `gpup-cts run` with GPUP_IMAGE_COVERAGE
 * set to its path. It begins with a line of text; then points with their sizes, then a byte for each.
 */
struct gpup_coverage_file {
    struct gpup_points points;
    uint8_t *hit; /* in the shared mapping */
    void *mapping;
    size_t bytes;
};
/* A new file with nothing hit. */
bool gpup_coverage_create(const char *path, const struct gpup_points *points, char *message,
                          size_t message_size);
bool gpup_coverage_open(const char *path, struct gpup_coverage_file *out, char *message, size_t message_size);
void gpup_coverage_close(struct gpup_coverage_file *file);

#endif
