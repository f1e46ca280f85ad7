#include "elf.h"
#include "image.h"
#include "pe_open.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int say(char *message, size_t size, const char *name, const char *what) {
    snprintf(message, size, "%s: %s", name, what);
    return -1;
}

static int check(const struct gpup_implementation *i, const char *name, char *message, size_t size) {
    if (!i)
        return say(message, size, name, "gpup_implementation() returned NULL");
    if (i->version != GPUP_IMPLEMENTATION_VERSION || i->size != sizeof *i) {
        snprintf(message, size,
                 "%s: built for another version of implementation.h: expected version %u, size %zu; found "
                 "version %u, size %u; rebuild it with this suite's headers",
                 name, GPUP_IMPLEMENTATION_VERSION, sizeof *i, i->version, i->size);
        return -1;
    }
    if (!i->driver_entry == !i->open)
        return say(message, size, name, "expected exactly one of driver_entry and open to be set");
    if (i->device && (i->device->version != GPUP_DEVICE_VERSION || i->device->size != sizeof *i->device))
        return say(message, size, name,
                   "its device table was built for another version of device.h; rebuild it");
    return 0;
}

/* The name without `:OPTION`; *option points at the option or is NULL. */
static void split(const char *name, char *base, size_t size, const char **option) {
    const char *colon = strchr(name, ':');
    *option = colon ? colon + 1 : NULL;
    size_t length = colon ? (size_t)(colon - name) : strlen(name);
    length = length < size ? length : size - 1;
    memcpy(base, name, length);
    base[length] = 0;
}

static int find_main(struct dl_phdr_info *info, size_t size, void *base) {
    (void)size;
    *(uintptr_t *)base = info->dlpi_addr; /* the first entry is the executable */
    return 1;
}

static int open_static(struct gpup_binding *b, const struct gpup_static_implementation *known, char *message,
                       size_t size) {
    b->implementation = known->get();
    if (check(b->implementation, b->name, message, size) != 0)
        return -1;
    if (!known->section)
        return 0;
    uintptr_t base = 0;
    dl_iterate_phdr(find_main, &base);
    return gpup_image_open("/proc/self/exe", base, known->section, &b->image, message, size) ? 0 : -1;
}

/* An object with nothing but DriverEntry: the description is made for it. One object, one description; it is
 * constant once filled, and the object stays loaded as long as the binding. */
static const struct gpup_implementation *describe_driver(struct gpup_implementation *out, void *entry) {
    *out = (struct gpup_implementation){
        .size = sizeof *out, .version = GPUP_IMPLEMENTATION_VERSION, .name = "driver"};
    memcpy(&out->driver_entry, &entry, sizeof entry);
    return out;
}

static int open_shared(struct gpup_binding *b, const char *path, char *message, size_t size) {
    char local[PATH_MAX];
    snprintf(local, sizeof local, "%s%s", strchr(path, '/') ? "" : "./", path);
    if (access(local, R_OK) != 0)
        return say(message, size, path, "no such file, or it cannot be read");
    if (!gpup_elf_whole(local, message, size))
        return -1;
    /* Symbols of one implementation must never satisfy another's; and everything must resolve now, so that a
     * missing kernel service is a message and not a crash in the middle of a program. */
    b->handle = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    if (!b->handle)
        return say(message, size, path, dlerror());
    const struct gpup_implementation *(*get)(void);
    *(void **)&get = dlsym(b->handle, "gpup_implementation");
    void *entry = dlsym(b->handle, "DriverEntry");
    if (get)
        b->implementation = get();
    else if (entry)
        b->implementation = describe_driver(&b->described, entry);
    else
        return say(message, size, path, "exports neither gpup_implementation nor DriverEntry");
    if (check(b->implementation, path, message, size) != 0)
        return -1;
    struct link_map *map = NULL;
    if (dlinfo(b->handle, RTLD_DI_LINKMAP, &map) != 0 || !map)
        return say(message, size, path, "the dynamic linker does not say where it is loaded");
    return gpup_image_open(local, map->l_addr, NULL, &b->image, message, size) ? 0 : -1;
}

static int open_image(struct gpup_binding *b, const char *path, char *message, size_t size) {
    if (gpup_pe_open(b, path, message, size) != 0)
        return -1;
    void *entry = gpup_pe_entry(b->pe);
    b->implementation = gpup_pe_described(b->pe);
    if (!b->implementation)
        b->implementation = describe_driver(&b->described, entry);
    return check(b->implementation, path, message, size);
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length > wanted && strcasecmp(text + length - wanted, end) == 0;
}

/* `A,B`: one after the other. */
static int set_options(struct gpup_binding *b, const char *options, char *message, size_t size) {
    const struct gpup_implementation *i = b->implementation;
    char one[64];
    for (size_t length; options; options = options[length] ? options + length + 1 : NULL) {
        length = strcspn(options, ",");
        snprintf(one, sizeof one, "%.*s", (int)length, options);
        if (length >= sizeof one || !i->set_option || !i->set_option("defect", one)) {
            snprintf(message, size, "%s: the implementation knows no defect '%s'; see `list defects`",
                     b->name, one);
            return -1;
        }
    }
    return 0;
}

int gpup_binding_open(struct gpup_binding *binding, const char *name,
                      const struct gpup_static_implementation *known, char *message, size_t message_size) {
    memset(binding, 0, sizeof *binding);
    snprintf(binding->name, sizeof binding->name, "%s", name);
    char base[256];
    const char *option;
    split(name, base, sizeof base, &option);
    int rc = 1;
    for (; known && known->name && rc == 1; known++)
        if (strcmp(known->name, base) == 0)
            rc = open_static(binding, known, message, message_size);
    if (rc == 1 && ends_with(base, ".so"))
        rc = open_shared(binding, base, message, message_size);
    if (rc == 1 && ends_with(base, ".sys"))
        rc = open_image(binding, base, message, message_size);
    if (rc == 1)
        rc = say(message, message_size, name,
                 "unknown implementation: expected a bundled name or a path ending in .so or .sys");
    if (rc == 0 && !binding->handle && !binding->pe &&
        (binding->loaded = malloc(gpup_image_size(binding->image) + 1)))
        gpup_image_save(binding->image, binding->loaded);
    if (rc == 0 && option)
        rc = set_options(binding, option, message, message_size);
    if (rc == 0 && !gpup_image_capture(binding->image))
        rc = say(message, message_size, name, "out of memory");
    if (rc != 0)
        gpup_binding_close(binding);
    return rc;
}

void gpup_binding_close(struct gpup_binding *binding) {
    if (binding->loaded) /* it stays in the process: the next that opens it finds it as this one did */
        gpup_image_load(binding->image, binding->loaded);
    free(binding->loaded);
    binding->loaded = NULL;
    gpup_image_free(binding->image);
    if (binding->handle)
        dlclose(binding->handle);
    gpup_pe_close(binding->pe);
    binding->pe = NULL;
    binding->image = NULL;
    binding->handle = NULL;
    binding->implementation = NULL;
}

int gpup_image_of(const struct gpup_implementation *implementation, struct gpup_image **out, char *message,
                  size_t message_size) {
    Dl_info info;
    uintptr_t main_base = 0;
    *out = NULL;
    /* A description that was made for an object lies in none; its driver does. */
    const void *inside = implementation;
    if (implementation->driver_entry && !dladdr(implementation, &info))
        memcpy(&inside, &implementation->driver_entry, sizeof inside);
    if (gpup_pe_image_at((uintptr_t)inside, out))
        return gpup_image_capture(*out) ? 0 : -1;
    if (!dladdr(inside, &info) || !info.dli_fname)
        return say(message, message_size, "implementation", "lies in no loaded object");
    dl_iterate_phdr(find_main, &main_base);
    bool in_main = (uintptr_t)info.dli_fbase == main_base;
    const char *path = in_main ? "/proc/self/exe" : info.dli_fname;
    bool ok = gpup_image_open(path, (uintptr_t)info.dli_fbase, in_main ? "gpup_impl_" : NULL, out, message,
                              message_size);
    return ok && gpup_image_capture(*out) ? 0 : -1;
}
