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

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length > wanted && strcasecmp(text + length - wanted, end) == 0;
}

void gpup_binding_split(const char *name, struct gpup_binding_parts *out) {
    const char *colon = strchr(name, ':');
    snprintf(out->driver, sizeof out->driver, "%.*s", (int)strcspn(name, ":"), name);
    out->option = colon ? colon + 1 : NULL;
    out->model[0] = 0;
    for (char *at = out->driver; (at = strchr(at, '@')) != NULL; at++) {
        *at = 0;
        if (ends_with(at + 1, ".so") && (ends_with(out->driver, ".sys") || ends_with(out->driver, ".so"))) {
            snprintf(out->model, sizeof out->model, "%s", at + 1);
            return;
        }
        *at = '@'; /* a folder may have one */
    }
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

/* Loads an object; *local: its path as the dynamic linker takes it. NULL: message. */
static void *load_object(const char *path, char local[PATH_MAX], char *message, size_t size) {
    snprintf(local, PATH_MAX, "%s%s", strchr(path, '/') ? "" : "./", path);
    if (access(local, R_OK) != 0) {
        say(message, size, path, "no such file, or it cannot be read");
        return NULL;
    }
    if (!gpup_elf_whole(local, message, size))
        return NULL;
    /* Symbols of one implementation must never satisfy another's; and everything must resolve now, so that a
     * missing kernel service is a message and not a crash in the middle of a program. */
    void *object = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        say(message, size, path, dlerror());
    return object;
}

static bool image_of_object(void *object, const char *path, const char *local, struct gpup_image **out,
                            char *message, size_t size) {
    struct link_map *map = NULL;
    if (dlinfo(object, RTLD_DI_LINKMAP, &map) != 0 || !map) {
        say(message, size, path, "the dynamic linker does not say where it is loaded");
        return false;
    }
    return gpup_image_open(local, map->l_addr, NULL, out, message, size);
}

static int open_shared(struct gpup_binding *b, const char *path, char *message, size_t size) {
    char local[PATH_MAX];
    b->handle = load_object(path, local, message, size);
    if (!b->handle)
        return -1;
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
    return image_of_object(b->handle, path, local, &b->image, message, size) ? 0 : -1;
}

/* The device of an object behind the driver that is open. */
static int open_model(struct gpup_binding *b, const char *path, char *message, size_t size) {
    const struct gpup_implementation *(*get)(void);
    struct gpup_implementation model;
    struct gpup_image *image = NULL;
    char local[PATH_MAX];
    if (!b->implementation->driver_entry)
        return say(message, size, b->name,
                   "brings tables and a device of its own; a model stands behind a driver with DriverEntry");
    b->model = load_object(path, local, message, size);
    if (!b->model)
        return -1;
    *(void **)&get = dlsym(b->model, "gpup_implementation");
    if (!get || !get() || !get()->device)
        return say(message, size, path, "expected gpup_implementation() with a `device`, found none");
    if (get()->open)
        return say(message, size, path,
                   "expected a `device` without tables: what `open` makes has its own driver");
    model = *get();
    model.driver_entry =
        b->implementation->driver_entry; /* its own driver, if there is one, is not what runs */
    if (check(&model, path, message, size) != 0)
        return -1;
    b->described = *b->implementation;
    b->described.device = model.device;
    b->implementation = &b->described;
    if (!image_of_object(b->model, path, local, &image, message, size))
        return -1;
    bool joined = !image || (b->image && gpup_image_join(b->image, image));
    gpup_image_free(image);
    return joined ? 0 : say(message, size, path, "out of memory");
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
    struct gpup_binding_parts parts;
    gpup_binding_split(name, &parts);
    int rc = 1;
    for (; known && known->name && rc == 1; known++)
        if (strcmp(known->name, parts.driver) == 0)
            rc = open_static(binding, known, message, message_size);
    if (rc == 1 && ends_with(parts.driver, ".so"))
        rc = open_shared(binding, parts.driver, message, message_size);
    if (rc == 1 && ends_with(parts.driver, ".sys"))
        rc = open_image(binding, parts.driver, message, message_size);
    if (rc == 1)
        rc = say(message, message_size, name,
                 "unknown implementation: expected a bundled name or a path ending in .so or .sys");
    if (rc == 0 && !binding->handle && !binding->pe &&
        (binding->loaded = malloc(gpup_image_size(binding->image) + 1)))
        gpup_image_save(binding->image, binding->loaded);
    if (rc == 0 && parts.model[0])
        rc = open_model(binding, parts.model, message, message_size);
    if (rc == 0 && parts.option)
        rc = set_options(binding, parts.option, message, message_size);
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
    if (binding->model)
        dlclose(binding->model);
    binding->model = NULL;
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
