/* The members of a package: names, packed and plain bytes. */
#include "member.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

void gpup_package_free(struct gpup_package *package) {
    for (size_t i = 0; i < package->count; i++)
        free(package->members[i].bytes);
    free(package->members);
    *package = (struct gpup_package){0};
}

/* Parts of letters, digits, . _ and -, with / between; none begins with a dot: no way out of a directory. */
bool gpup_package_name_ok(const char *name) {
    size_t length = strlen(name);
    bool start = true;
    if (length == 0 || length > GPUP_PACKAGE_MAX_NAME || name[length - 1] == '/')
        return false;
    for (; *name; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                      (*name >= '0' && *name <= '9');
        if (!(letter || *name == '_' || (!start && strchr(".-/", *name))))
            return false;
        start = *name == '/';
    }
    return true;
}

static size_t place_of(const struct gpup_package *package, const char *name) {
    size_t low = 0, high = package->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(package->members[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct gpup_member *gpup_package_find(const struct gpup_package *package, const char *name) {
    size_t i = place_of(package, name);
    return i < package->count && strcmp(package->members[i].name, name) == 0 ? &package->members[i] : NULL;
}

void gpup_package_remove(struct gpup_package *package, const char *name) {
    size_t i = place_of(package, name);
    if (!gpup_package_find(package, name))
        return;
    free(package->members[i].bytes);
    memmove(&package->members[i], &package->members[i + 1],
            (--package->count - i) * sizeof *package->members);
}

bool gpup_package_add_stored(struct gpup_package *p, const char *name, const void *bytes, size_t size,
                             char *message, size_t message_size) {
    const char *why = !gpup_package_name_ok(name)            ? "no name for a member of a package"
                      : gpup_package_find(p, name)           ? "stands twice"
                      : p->count == GPUP_PACKAGE_MAX_MEMBERS ? "more members than a package may have"
                                                             : NULL;
    if (!why && p->count == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 64;
        struct gpup_member *grown = realloc(p->members, capacity * sizeof *grown);
        p->members = grown ? grown : p->members;
        p->capacity = grown ? capacity : p->capacity;
        why = grown ? NULL : "out of memory";
    }
    uint8_t *copy = why ? NULL : malloc(size + 1);
    if (!why && !copy)
        why = "out of memory";
    if (why) {
        snprintf(message, message_size, "%s: %s", name, why);
        return false;
    }
    if (size)
        memcpy(copy, bytes, size);
    size_t i = place_of(p, name);
    memmove(&p->members[i + 1], &p->members[i], (p->count++ - i) * sizeof *p->members);
    p->members[i] = (struct gpup_member){.bytes = copy, .size = size};
    snprintf(p->members[i].name, sizeof p->members[i].name, "%s", name);
    return true;
}

static bool packed(const char *name) {
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".zst") == 0;
}

/* zstd at one level, in one thread: the same bytes for the same input. */
static bool pack(const void *bytes, size_t size, uint8_t *out, size_t capacity, size_t *used) {
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    bool ok = a && entry && archive_write_set_format_raw(a) == ARCHIVE_OK &&
              archive_write_add_filter_zstd(a) == ARCHIVE_OK &&
              archive_write_set_filter_option(a, "zstd", "compression-level", "9") == ARCHIVE_OK &&
              archive_write_set_bytes_per_block(a, 0) == ARCHIVE_OK &&
              archive_write_open_memory(a, out, capacity, used) == ARCHIVE_OK;
    if (ok) {
        archive_entry_set_filetype(entry, AE_IFREG);
        ok = archive_write_header(a, entry) == ARCHIVE_OK &&
             (!size || archive_write_data(a, bytes, size) == (ssize_t)size) &&
             archive_write_close(a) == ARCHIVE_OK;
    }
    archive_entry_free(entry);
    archive_write_free(a);
    return ok;
}

bool gpup_package_add(struct gpup_package *package, const char *name, const void *bytes, size_t size,
                      char *message, size_t message_size) {
    if (!packed(name))
        return gpup_package_add_stored(package, name, bytes, size, message, message_size);
    size_t capacity = size + size / 64 + 4096, used = 0;
    uint8_t *out = malloc(capacity);
    bool ok = out && pack(bytes, size, out, capacity, &used);
    if (!ok)
        snprintf(message, message_size, "%s: cannot be packed", name);
    ok = ok && gpup_package_add_stored(package, name, out, used, message, message_size);
    free(out);
    return ok;
}

static uint8_t *copy_of(const struct gpup_member *m, size_t *size) {
    uint8_t *bytes = malloc(m->size + 1);
    if (bytes) {
        memcpy(bytes, m->bytes, m->size);
        bytes[m->size] = 0;
        *size = m->size;
    }
    return bytes;
}

/* NULL with *why set. */
static uint8_t *unpack(struct archive *a, size_t *size, const char **why) {
    size_t capacity = 65536, used = 0;
    uint8_t *bytes = malloc(capacity);
    ssize_t n = 0;
    *why = "out of memory";
    while (bytes && (n = archive_read_data(a, bytes + used, capacity - used - 1)) > 0) {
        used += (size_t)n;
        if (used + 1 < capacity)
            continue;
        capacity *= 2;
        uint8_t *grown = capacity <= 2 * GPUP_PACKAGE_MAX_MEMBER ? realloc(bytes, capacity) : NULL;
        *why = grown ? *why : "unpacks to more than a member may have";
        if (!grown)
            free(bytes);
        bytes = grown;
    }
    if (bytes && (n < 0 || used > GPUP_PACKAGE_MAX_MEMBER)) {
        *why = n < 0 ? "its packed bytes are damaged" : "unpacks to more than a member may have";
        free(bytes);
        bytes = NULL;
    }
    if (bytes)
        bytes[used] = 0;
    *size = used;
    return bytes;
}

uint8_t *gpup_package_unpack(const struct gpup_member *m, size_t *size, char *message, size_t message_size) {
    const char *why = "out of memory";
    uint8_t *bytes = NULL;
    if (!packed(m->name)) {
        bytes = copy_of(m, size);
    } else {
        struct archive *a = archive_read_new();
        struct archive_entry *entry;
        bool ok = a && archive_read_support_format_raw(a) == ARCHIVE_OK &&
                  archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
                  archive_read_open_memory(a, m->bytes, m->size) == ARCHIVE_OK &&
                  archive_read_next_header(a, &entry) == ARCHIVE_OK;
        if (ok && archive_filter_code(a, 0) == ARCHIVE_FILTER_ZSTD)
            bytes = unpack(a, size, &why);
        else
            why = "expected bytes packed with zstd";
        archive_read_free(a);
    }
    if (!bytes)
        snprintf(message, message_size, "%s: %s", m->name, why);
    return bytes;
}
