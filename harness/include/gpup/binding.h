/*
 * Binding: how an implementation is linked, and its writable sections.
 *
 * Names: `reference`, `null`, ... are static implementations the program was linked with; `NAME:OPTION` sets
 * the option "defect", `NAME:A,B` sets it twice; `file.so` is a shared object, `file.sys` a driver
 * image for Windows. `DRIVER@model.so` puts the device of model.so (gpup_implementation() with `device`; a
 * driver in it is left alone) behind a driver that has none of its own: a model of the GPU whose registers
 * the driver knows. An image is the set of writable sections of one implementation, of its model too, without
 * coverage counters and what the dynamic linker owns; it can be saved, restored, and swapped between hosts.
 */
#ifndef GPUP_BINDING_H
#define GPUP_BINDING_H

#include <gpup/frames.h>
#include <gpup/implementation.h>

struct gpup_image;
struct gpup_pe;

/* Filled by gpup_binding_open and closed as a whole; members are for reading. Must not move or be copied
 * while it is open: `implementation` may point at `described`. */
struct gpup_binding {
    const struct gpup_implementation *implementation;
    struct gpup_image *image;             /* NULL: nothing writable */
    void *handle;                         /* of dlopen, or NULL */
    void *model;                          /* of dlopen: the object with the device, or NULL */
    struct gpup_pe *pe;                   /* a Windows image as it lies in memory, or NULL */
    void *loaded;                         /* linked in: the image before options were set; else NULL */
    char name[4096];                      /* as given */
    struct gpup_implementation described; /* filled where there is none: only DriverEntry, another device */
};

/* Static implementations, a table that ends with {NULL}; the tool owns it. */
struct gpup_static_implementation {
    const char *name;                               /* what the user types before a colon */
    const struct gpup_implementation *(*get)(void); /* its description; constant, one per process */
    const char *section; /* prefix of its writable sections in the executable, or NULL: it has none */
};

/* A name, part by part. */
struct gpup_binding_parts {
    char driver[4096], model[4096]; /* model: empty, there is none */
    const char *option;             /* in the name itself; NULL: none */
};
void gpup_binding_split(const char *name, struct gpup_binding_parts *out);

/* Loads and checks: table versions, one of driver_entry and open, the options after the colon. After -1 there
 * is nothing to close.
 * 0, or -1 with one message: what was expected, what was found, what to do. */
int gpup_binding_open(struct gpup_binding *binding, const char *name,
                      const struct gpup_static_implementation *known, char *message, size_t message_size);
/* The image goes, and the shared object is unloaded: no world may be left that uses it. */
void gpup_binding_close(struct gpup_binding *binding);

/* What the driver image at `path` imports, in order; nothing of it is run. name NULL: by number. supported:
 * this program plays it. 0, or -1 with a message. */
struct gpup_import {
    const char *module, *name;
    uint16_t ordinal;
    bool supported;
};
int gpup_binding_imports(const char *path, void (*each)(void *context, const struct gpup_import *import),
                         void *context, char *message, size_t message_size);

/* The image of an implementation that is linked into this process, by the object it lies in: all writable
 * sections of a shared object, the gpup_impl_ sections of an executable. *out is NULL when there are none. 0
 * or -1. */
int gpup_image_of(const struct gpup_implementation *implementation, struct gpup_image **out, char *message,
                  size_t message_size);
/* NULL is allowed. The sections themselves stay as they are. */
void gpup_image_free(struct gpup_image *image);

/* Size of one copy in bytes. save copies out, load copies in; both are exact and skip counters. */
size_t gpup_image_size(const struct gpup_image *image);
void gpup_image_save(const struct gpup_image *image, void *copy);
void gpup_image_load(const struct gpup_image *image, const void *copy);
/* capture remembers the sections as they are now (done by gpup_binding_open, after the option was set); reset
 * brings that back: what a freshly loaded driver looks like. */
bool gpup_image_capture(struct gpup_image *image);
void gpup_image_reset(const struct gpup_image *image);
/* capture: false when memory is out. reset without a capture, or of NULL, does nothing. */
/* What a driver image for Windows has in its INIT section: there, or gone as it is after DriverEntry. reset
 * brings it back. */
void gpup_image_discard(const struct gpup_image *image, bool gone);
/* Bounds of the code. */
void gpup_image_code(const struct gpup_image *image, uintptr_t *start, uintptr_t *end);
/* What addresses in it count from: the image's first byte, for an ELF object what its link-time addresses
 * were moved by. */
uintptr_t gpup_image_base(const struct gpup_image *image);
/* How frames of a driver image for Windows are left, while it is open; NULL: it is none. */
const struct gpup_unwinder *gpup_image_unwinder(const struct gpup_image *image);

#endif
