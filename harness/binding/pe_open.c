#include "pe_open.h"

#include "image.h"

#include <gpup/kernel.h>
#include <gpup/os.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE ((off_t)256 << 20)

/* --- imports. Weak: a program without the rooms above can look at images, and load those without imports. */

#pragma weak gpup_kernel_entry
#pragma weak gpup_kernel_find
#pragma weak gpup_kernel_service
#pragma weak gpup_os_unsupported

/* What an image links that is a part of every Windows driver, and here of the suite; and the suite's devices.
 */
#define OWN_MODULE "gpup-cts.sys"

static void *part_of_images(const char *name) {
    const struct gpup_service *service;
    for (size_t i = 0; gpup_kernel_service && (service = gpup_kernel_service(i)); i++)
        if (!service->imported && strcmp(service->name, name) == 0)
            return (void *)(uintptr_t)gpup_kernel_entry(service);
    return NULL;
}

static void *device(const char *name) {
    size_t length = strlen(name);
    bool table =
        strncmp(name, "gpup_", 5) == 0 && length > 11 && strcmp(name + length - 11, "_device_ops") == 0;
    table = table || strcmp(name, "gpup_kmdf_framework") == 0;
    return table ? dlsym(RTLD_DEFAULT, name) : NULL;
}

void *gpup_pe_service(void *context, const char *module, const char *name, uint16_t ordinal) {
    (void)context;
    (void)ordinal; /* no module of a kernel is linked by number */
    if (!name)
        return NULL;
    if (strcasecmp(module, OWN_MODULE) == 0) {
        void *part = part_of_images(name);
        return part ? part : device(name);
    }
    const struct gpup_service *service = gpup_kernel_find ? gpup_kernel_find(module, name) : NULL;
    return service ? (void *)(uintptr_t)gpup_kernel_entry(service) : NULL;
}

/* --- the file */

bool gpup_pe_map_file(const char *path, void **bytes, size_t *size, const struct gpup_pe_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return gpup_pe_refuse(error, "no such file, or it cannot be read");
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= MAX_FILE;
    *size = ok ? (size_t)st.st_size : 0;
    *bytes = ok ? mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    return *bytes != MAP_FAILED ||
           gpup_pe_refuse(error, "is no driver image: expected a file of 1 byte to 256 MiB");
}

/* Coverage counters must survive a restore. */
static bool is_counter(const char *name) {
    return strncmp(name, ".SCOV", 5) == 0 || strncmp(name, ".lprf", 5) == 0;
}

static bool find_writable(const struct gpup_pe *pe, struct gpup_image **image) {
    struct gpup_ranges ranges = {0}, initial = {0};
    uintptr_t base = (uintptr_t)pe->memory, code_end = base;
    bool ok = true;
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct gpup_pe_section *s = &pe->section[i];
        uintptr_t start = base + s->span.rva;
        if (s->access & GPUP_PE_EXECUTE)
            code_end = start + s->span.size;
        if ((s->access & GPUP_PE_WRITE) && !is_counter(s->name))
            ok = ok && gpup_ranges_add(&ranges, start, start + s->span.size);
        if (s->initial)
            ok = ok && gpup_ranges_add(&initial, start, start + s->span.size);
    }
    ok = ok && gpup_image_from(&ranges, base, base, code_end, image);
    if (ok) {
        gpup_image_set_unwinder(*image, gpup_pe_unwinder(pe));
        gpup_image_set_initial(*image, &initial);
    }
    gpup_ranges_free(&ranges);
    gpup_ranges_free(&initial);
    return ok;
}

/* Images of this process, as the dynamic linker keeps its objects: so that one is found by an address in it.
 */
static struct gpup_pe *opened;
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static void enlist(struct gpup_pe *pe) {
    pthread_mutex_lock(&opened_lock);
    pe->next = opened;
    opened = pe;
    pthread_mutex_unlock(&opened_lock);
}

static void strike(struct gpup_pe *pe) {
    pthread_mutex_lock(&opened_lock);
    for (struct gpup_pe **at = &opened; *at; at = &(*at)->next)
        if (*at == pe) {
            *at = pe->next;
            break;
        }
    pthread_mutex_unlock(&opened_lock);
}

bool gpup_pe_image_at(uintptr_t address, struct gpup_image **out) {
    bool found = false;
    *out = NULL;
    pthread_mutex_lock(&opened_lock);
    for (const struct gpup_pe *pe = opened; pe && !found; pe = pe->next)
        found = address - (uintptr_t)pe->memory < pe->image_size && find_writable(pe, out);
    pthread_mutex_unlock(&opened_lock);
    return found;
}

static bool load(struct gpup_binding *b, const char *path, const struct gpup_pe_error *error) {
    void *bytes = NULL, *unsupported = NULL;
    size_t size = 0;
    if (!gpup_pe_map_file(path, &bytes, &size, error))
        return false;
    VOID(DDI_CALL * stub)(const char *) = gpup_os_unsupported;
    memcpy(&unsupported, &stub, sizeof unsupported);
    b->pe = calloc(1, sizeof *b->pe);
    bool ok = b->pe && gpup_pe_load(b->pe, bytes, size, gpup_pe_service, NULL, unsupported, error);
    munmap(bytes, size);
    if (!b->pe)
        return gpup_pe_refuse(error, "out of memory");
    return ok && (find_writable(b->pe, &b->image) || gpup_pe_refuse(error, "out of memory"));
}

int gpup_pe_open(struct gpup_binding *binding, const char *path, char *message, size_t message_size) {
    char why[400] = "";
    struct gpup_pe_error error = {why, sizeof why};
    if (load(binding, path, &error)) {
        enlist(binding->pe);
        return 0;
    }
    snprintf(message, message_size, "%s: %s", path, why);
    return -1;
}

void gpup_pe_close(struct gpup_pe *pe) {
    if (pe) {
        strike(pe);
        gpup_pe_unmap(pe);
    }
    free(pe);
}

void *gpup_pe_entry(const struct gpup_pe *pe) {
    return pe->memory + pe->entry;
}

const struct gpup_implementation *gpup_pe_described(const struct gpup_pe *pe) {
    const struct gpup_implementation *(*get)(void);
    *(void **)&get = gpup_pe_export(pe, "gpup_implementation");
    return get ? get() : NULL;
}

struct listing {
    void (*each)(void *context, const struct gpup_import *import);
    void *context;
};

/* Played, and not only there to say that it is not. */
static bool is_played(const struct gpup_pe_import *import) {
    const struct gpup_service *service =
        import->name && gpup_kernel_find ? gpup_kernel_find(import->module, import->name) : NULL;
    return service ? *service->page != 0
                   : gpup_pe_service(NULL, import->module, import->name, import->ordinal) != NULL;
}

static bool list_one(void *context, const struct gpup_pe_import *import) {
    const struct listing *listing = context;
    struct gpup_import told = {import->module, import->name, import->ordinal, is_played(import)};
    listing->each(listing->context, &told);
    return true;
}

int gpup_binding_imports(const char *path, void (*each)(void *context, const struct gpup_import *import),
                         void *context, char *message, size_t message_size) {
    char why[400] = "";
    struct gpup_pe_error error = {why, sizeof why};
    struct gpup_pe pe = {0};
    struct listing listing = {each, context};
    void *bytes = NULL;
    size_t size = 0;
    bool ok = gpup_pe_map_file(path, &bytes, &size, &error);
    if (ok) {
        ok = gpup_pe_read(&pe, bytes, size, &error) && gpup_pe_map(&pe, &error) &&
             gpup_pe_imports(&pe, list_one, &listing, &error);
        gpup_pe_unmap(&pe);
        munmap(bytes, size);
    }
    snprintf(message, message_size, "%s: %s", path, why);
    return ok ? 0 : -1;
}
