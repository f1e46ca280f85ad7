/* Keys and values, as the services and the queries by table use them. */
#include "registry.h"
#include "asan.h"
#include "crt.h"

#define KEYS 64u
#define VALUES 128u

struct gpup_registry {
    struct gpup_key keys[KEYS];
    struct gpup_key_value values[VALUES];
};

static struct gpup_registry *registry_of(struct gpup_os *os) {
    if (!os->machine->registry)
        os->machine->registry = gpup_os_alloc(os, sizeof(struct gpup_registry));
    return os->machine->registry;
}

static bool same(const WCHAR *one, uint32_t length, const WCHAR *other, uint32_t other_length) {
    return length == other_length && !gpup_crt_wcsnicmp(one, other, length);
}

static bool add_path(WCHAR *path, uint32_t *length, const WCHAR *more, uint32_t count) {
    if (count > GPUP_KEY_PATH - *length)
        return false;
    memcpy(path + *length, more, count * sizeof *path);
    *length += count;
    return true;
}

static struct gpup_key *key_named(struct gpup_registry *registry, const WCHAR *path, uint32_t length,
                                  bool *is_new) {
    struct gpup_key *free = NULL;

    for (uint32_t i = 0; i < KEYS; i++) {
        struct gpup_key *key = &registry->keys[i];

        if (key->length && same(key->path, key->length, path, length))
            return key;
        if (!key->length && !free)
            free = key;
    }
    if (free) {
        memcpy(free->path, path, length * sizeof *path);
        free->length = length;
        *is_new = true;
    }
    return free;
}

struct gpup_key *gpup_key_open(struct gpup_os *os, const struct gpup_key *root, PCUNICODE_STRING path,
                               bool *is_new) {
    static const WCHAR separator = '\\';
    struct gpup_registry *registry = registry_of(os);
    WCHAR whole[GPUP_KEY_PATH];
    uint32_t length = 0;
    bool made = false;
    struct gpup_key *key;

    if (!registry || (root && !add_path(whole, &length, root->path, root->length)))
        return NULL;
    if (length && path->Length && path->Buffer[0] != separator && !add_path(whole, &length, &separator, 1))
        return NULL;
    if (!add_path(whole, &length, path->Buffer, path->Length / 2u))
        return NULL;
    while (length && whole[length - 1] == separator)
        length--;
    if (!length)
        return NULL;
    key = key_named(registry, whole, length, &made);
    if (!key)
        gpup_os_failed(os);
    if (is_new)
        *is_new = made;
    return key;
}

NTSTATUS gpup_key_handle(struct gpup_os *os, struct gpup_key *key, PHANDLE handle) {
    HANDLE made = key ? gpup_handle_new(os, GPUP_HANDLE_KEY, key, gpup_os_object(os), NULL) : NULL;

    if (!made)
        return gpup_os_full(os);
    *handle = made;
    return STATUS_SUCCESS;
}

struct gpup_key *gpup_key_of(struct gpup_os *os, const char *service, HANDLE handle) {
    struct gpup_handle *entry = gpup_handle_get(os, handle, GPUP_HANDLE_KEY);

    if (!entry)
        gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, 0);
    return entry ? entry->target : NULL;
}

/* --- values */

struct gpup_key_value *gpup_key_value_find(struct gpup_os *os, const struct gpup_key *key,
                                           PCUNICODE_STRING name) {
    struct gpup_registry *registry = registry_of(os);

    for (uint32_t i = 0; registry && i < VALUES; i++) {
        struct gpup_key_value *value = &registry->values[i];

        if (value->key == key && same(value->name, value->name_length, name->Buffer, name->Length / 2u))
            return value;
    }
    return NULL;
}

struct gpup_key_value *gpup_key_value_at(struct gpup_os *os, const struct gpup_key *key, uint32_t index) {
    struct gpup_registry *registry = registry_of(os);

    for (uint32_t i = 0; registry && i < VALUES; i++)
        if (registry->values[i].key == key && !index--)
            return &registry->values[i];
    return NULL;
}

static struct gpup_key_value *free_value(struct gpup_registry *registry) {
    for (uint32_t i = 0; i < VALUES; i++)
        if (!registry->values[i].key)
            return &registry->values[i];
    return NULL;
}

NTSTATUS gpup_key_value_set(struct gpup_os *os, struct gpup_key *key, PCUNICODE_STRING name, uint32_t type,
                            const void *data, uint32_t size) {
    struct gpup_registry *registry = registry_of(os);
    struct gpup_key_value *value = gpup_key_value_find(os, key, name);

    if (!value && registry)
        value = free_value(registry);
    if (!value || size > GPUP_VALUE_DATA || name->Length / 2u > GPUP_VALUE_NAME)
        return gpup_os_full(os);
    if (size > value->room) {
        uint8_t *room = gpup_os_alloc(os, size);

        if (!room)
            return gpup_os_full(os);
        value->data = room;
        value->room = size;
    }
    gpup_copy_driver(value->data, data, size);
    memcpy(value->name, name->Buffer, name->Length);
    value->name_length = name->Length / 2u;
    value->type = type;
    value->size = size;
    value->key = key;
    return STATUS_SUCCESS;
}

void gpup_key_clear(struct gpup_os *os, struct gpup_key *key) {
    struct gpup_key_value *value;

    while ((value = gpup_key_value_at(os, key, 0)))
        value->key = NULL;
    key->length = 0;
}
