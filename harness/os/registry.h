/*
 * The registry of a machine: keys by their whole path, each with values. Small, in the arena, shared by the
 * adapters of one system. A key exists once somebody asks for it.
 */
#ifndef GPUP_OS_REGISTRY_H
#define GPUP_OS_REGISTRY_H

#include "services.h"

#define GPUP_KEY_PATH 256u /* characters */
#define GPUP_VALUE_NAME 64u
#define GPUP_VALUE_DATA 4096u /* bytes */

struct gpup_key {
    WCHAR path[GPUP_KEY_PATH]; /* not terminated */
    uint32_t length;           /* characters; 0: free */
};
struct gpup_key_value {
    struct gpup_key *key; /* NULL: free */
    WCHAR name[GPUP_VALUE_NAME];
    uint32_t name_length; /* characters */
    uint32_t type, size, room;
    uint8_t *data; /* room bytes; stays when the value goes */
};

/* The key below `root` (NULL: none); made if need be. *is_new may be NULL. NULL: no room, or a path too long.
 */
struct gpup_key *gpup_key_open(struct gpup_os *os, const struct gpup_key *root, PCUNICODE_STRING path,
                               bool *is_new);
/* A handle to it. */
NTSTATUS gpup_key_handle(struct gpup_os *os, struct gpup_key *key, PHANDLE handle);
struct gpup_key *gpup_key_of(struct gpup_os *os, const char *service,
                             HANDLE handle); /* NULL: misuse reported */
struct gpup_key_value *gpup_key_value_find(struct gpup_os *os, const struct gpup_key *key,
                                           PCUNICODE_STRING name);
struct gpup_key_value *gpup_key_value_at(struct gpup_os *os, const struct gpup_key *key, uint32_t index);
NTSTATUS gpup_key_value_set(struct gpup_os *os, struct gpup_key *key, PCUNICODE_STRING name, uint32_t type,
                            const void *data, uint32_t size);
void gpup_key_clear(struct gpup_os *os, struct gpup_key *key); /* without values, and free */

#endif
