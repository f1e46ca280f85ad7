/*
 * A Windows kernel driver image (PE32+, x86-64) in memory: the parts of its loader.
 *
 * The format is that of Microsoft's "PE Format" specification. What the kernel would not load, or what cannot
 * work here, is refused with one message; nothing in a file is trusted. After gpup_pe_read the headers,
 * directories and sections are known to lie inside the file and inside the image, so that later steps only
 * check what directories point at.
 */
#ifndef GPUP_BINDING_PE_H
#define GPUP_BINDING_PE_H

#include <gpup/frames.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPUP_PE_PAGE 0x1000u
#define GPUP_PE_MAX_IMAGE 0x10000000u /* bytes; larger drivers do not exist */
#define GPUP_PE_MAX_SECTIONS 96u      /* as the format says */

enum gpup_pe_directory {
    GPUP_PE_EXPORT,
    GPUP_PE_IMPORT,
    GPUP_PE_RESOURCE,
    GPUP_PE_EXCEPTION,
    GPUP_PE_SECURITY,
    GPUP_PE_RELOCATION,
    GPUP_PE_DEBUG,
    GPUP_PE_ARCHITECTURE,
    GPUP_PE_GLOBAL_POINTER,
    GPUP_PE_TLS,
    GPUP_PE_LOAD_CONFIG,
    GPUP_PE_BOUND_IMPORT,
    GPUP_PE_ADDRESSES,
    GPUP_PE_DELAY_IMPORT,
    GPUP_PE_MANAGED,
    GPUP_PE_RESERVED,
    GPUP_PE_DIRECTORIES
};

struct gpup_pe_span {
    uint32_t rva, size; /* bytes from the start of the image */
};

enum { GPUP_PE_EXECUTE = 1, GPUP_PE_READ = 2, GPUP_PE_WRITE = 4 };
struct gpup_pe_section {
    char name[9];
    uint8_t access;            /* GPUP_PE_ bits, never EXECUTE and WRITE together */
    bool initial;              /* INIT code, which the kernel discards after DriverEntry */
    struct gpup_pe_span span;  /* in the image */
    uint32_t file, file_bytes; /* what of it is in the file; no more than span.size */
};

/* What refuses an image, in words. Filled once: the first reason stays. */
struct gpup_pe_error {
    char *text;
    size_t size;
};

struct gpup_pe {
    const uint8_t *bytes; /* the file, the caller's */
    size_t size;
    uint64_t preferred; /* address the image was linked for */
    uint32_t image_size, header_size, entry;
    struct gpup_pe_span directory[GPUP_PE_DIRECTORIES];
    uint32_t section_count;
    struct gpup_pe_section section[GPUP_PE_MAX_SECTIONS];

    uint8_t *memory;      /* the image; NULL until gpup_pe_map */
    uint8_t *stubs;       /* for imports that nobody has; NULL: none */
    size_t stubs_bytes;   /* of that mapping */
    char *stub_names;     /* what they tell, one after the other */
    struct gpup_pe *next; /* for a list of those that are open */
};

/* One import. name: NULL, it is by ordinal. place: where in the image its address goes. */
struct gpup_pe_import {
    const char *module, *name;
    uint16_t ordinal;
    uint32_t place;
};
/* false ends the walk, with or without an error. */
typedef bool gpup_pe_import_fn(void *context, const struct gpup_pe_import *import);
/* Address of an import; NULL: not supported. */
typedef void *gpup_pe_resolve_fn(void *context, const char *module, const char *name, uint16_t ordinal);

/* false with the message, so that `return gpup_pe_refuse(...)` reads well. */
bool gpup_pe_refuse(const struct gpup_pe_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Headers and section table. */
bool gpup_pe_read(struct gpup_pe *pe, const void *bytes, size_t size, const struct gpup_pe_error *error);
/* Memory for the image, writable as a whole, the file's contents in it. */
bool gpup_pe_map(struct gpup_pe *pe, const struct gpup_pe_error *error);
void gpup_pe_unmap(struct gpup_pe *pe);
/* Moves its absolute addresses to where it lies. */
bool gpup_pe_relocate(struct gpup_pe *pe, const struct gpup_pe_error *error);
/* Checks the load configuration and sets the security cookie; after relocation. */
bool gpup_pe_configure(struct gpup_pe *pe, const struct gpup_pe_error *error);
/* Every import in order; after gpup_pe_map. false: refused, or ended by `each`. */
bool gpup_pe_imports(const struct gpup_pe *pe, gpup_pe_import_fn *each, void *context,
                     const struct gpup_pe_error *error);
/* Fills in the addresses. An import that nobody has gets a stub that calls unsupported("module!name") with
 * the Windows convention; when `unsupported` is NULL, or its name begins with `gpup_`, it refuses the image.
 */
bool gpup_pe_bind(struct gpup_pe *pe, gpup_pe_resolve_fn *resolve, void *context, void *unsupported,
                  const struct gpup_pe_error *error);
/* Checks the table of functions and their unwind data. */
bool gpup_pe_check_functions(const struct gpup_pe *pe, const struct gpup_pe_error *error);
/* The sections' own protection; what lies between them cannot be touched. Last. */
bool gpup_pe_protect(struct gpup_pe *pe, const struct gpup_pe_error *error);

/* All of them, from read on; the file is needed no longer. After false there is nothing to unmap. */
bool gpup_pe_load(struct gpup_pe *pe, const void *bytes, size_t size, gpup_pe_resolve_fn *resolve,
                  void *context, void *unsupported, const struct gpup_pe_error *error);

/* Address of an exported name; NULL: none such, or it is forwarded to another module. */
void *gpup_pe_export(const struct gpup_pe *pe, const char *name);

/* One frame up; [low, high) is readable stack. As `leave` of gpup/frames.h. */
bool gpup_pe_leave(const struct gpup_pe *pe, struct gpup_frame *frame, uintptr_t low, uintptr_t high,
                   struct gpup_frame_found *found);
/* What the kernel asks of the image; as long as it is mapped. */
struct gpup_unwinder gpup_pe_unwinder(const struct gpup_pe *pe);

/* Bytes of the image that can be read: in the headers or in one section. NULL: they are not. */
uint8_t *gpup_pe_at(const struct gpup_pe *pe, uint64_t rva, uint64_t size);
/* The section that holds all of these bytes; NULL: none. */
const struct gpup_pe_section *gpup_pe_section_of(const struct gpup_pe *pe, uint64_t rva, uint64_t size);
/* Unaligned little-endian values. */
uint16_t gpup_pe_u16(const uint8_t *at);
uint32_t gpup_pe_u32(const uint8_t *at);
uint64_t gpup_pe_u64(const uint8_t *at);

#endif
