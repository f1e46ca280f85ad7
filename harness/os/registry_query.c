/* The registry by path: queries by table, and the short ways to write. */
#include "asan.h"
#include "registry.h"

#define OPTIONAL 0x80000000u /* RTL_REGISTRY_OPTIONAL: a wrong key is no error */

/* The key that RelativeTo and Path name. */
static struct gpup_key *key_at(struct gpup_os *os, const char *service, ULONG relative, PCWSTR path) {
    static const WCHAR *const roots[] = {NULL, u"\\Registry\\Machine\\System\\CurrentControlSet\\Services",
                                         u"\\Registry\\Machine\\System\\CurrentControlSet\\Control"};
    struct gpup_key *root = NULL;
    UNICODE_STRING name;
    ULONG base = relative & 0xFFFFFF;

    if (relative & RTL_REGISTRY_HANDLE)
        return gpup_key_of(os, service, (HANDLE)(uintptr_t)path); // NOLINT(performance-no-int-to-ptr)
    if (base >= sizeof roots / sizeof *roots) {
        gpup_os_misuse(os, service, GPUP_MISUSE_PARAMETER, base);
        return NULL;
    }
    if (roots[base]) {
        RtlInitUnicodeString(&name, roots[base]);
        root = gpup_key_open(os, NULL, &name, NULL);
    }
    RtlInitUnicodeString(&name, path);
    return name.Length ? gpup_key_open(os, root, &name, NULL) : root;
}

static bool is_text(uint32_t type) {
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* Into a UNICODE_STRING of the driver; one without a buffer gets one from the pool. */
static NTSTATUS give_text(const struct gpup_key_value *value, PUNICODE_STRING out) {
    UNICODE_STRING text = {.Length = (USHORT)value->size,
                           .MaximumLength = (USHORT)value->size,
                           .Buffer = (PWSTR)(void *)value->data};

    if (text.Length >= 2 && !text.Buffer[text.Length / 2 - 1])
        text.Length = (USHORT)(text.Length - 2);
    if (!out->Buffer) {
        out->Buffer = ExAllocatePoolWithTag(PagedPool, text.Length + 2u, 0x76725652);
        out->MaximumLength = (USHORT)(text.Length + 2);
    }
    if (!out->Buffer)
        return STATUS_NO_MEMORY;
    if (text.Length + 2u > out->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyUnicodeString(out, &text);
    return STATUS_SUCCESS;
}

/* Straight into the driver's variable: four bytes or fewer as they are, more behind their length. */
static NTSTATUS give_directly(const RTL_QUERY_REGISTRY_TABLE *entry, const struct gpup_key_value *value) {
    int32_t room;

    if ((entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) &&
        entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT != value->type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (is_text(value->type))
        return give_text(value, entry->EntryContext);
    if (value->size <= sizeof(ULONG) || value->type == REG_QWORD) {
        gpup_copy_driver(entry->EntryContext, value->data, value->size);
        return STATUS_SUCCESS;
    }
    gpup_copy_driver(&room, entry->EntryContext, sizeof room); /* negative: bytes of the buffer */
    if (room >= 0 || (uint32_t)-room < value->size)
        return STATUS_BUFFER_TOO_SMALL;
    gpup_copy_driver(entry->EntryContext, value->data, value->size);
    return STATUS_SUCCESS;
}

static NTSTATUS give(const RTL_QUERY_REGISTRY_TABLE *entry, const struct gpup_key_value *value,
                     PVOID context) {
    WCHAR name[GPUP_VALUE_NAME + 1] = {0};

    if (entry->Flags & RTL_QUERY_REGISTRY_DIRECT)
        return give_directly(entry, value);
    if (!entry->QueryRoutine)
        return STATUS_SUCCESS;
    memcpy(name, value->name, 2 * value->name_length);
    return entry->QueryRoutine(name, value->type, value->data, value->size, context, entry->EntryContext);
}

/* There is no such value. */
static NTSTATUS give_default(const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context) {
    struct gpup_key_value value = {
        .type = entry->DefaultType & 0xFFFFFF, .data = entry->DefaultData, .size = entry->DefaultLength};
    RTL_QUERY_REGISTRY_TABLE plain = *entry;

    if (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (value.type == REG_NONE || !entry->DefaultData)
        return STATUS_SUCCESS;
    if (value.type == REG_DWORD)
        value.size = sizeof(ULONG);
    else if (is_text(value.type) && !value.size)
        while (((const WCHAR *)entry->DefaultData)[value.size / 2])
            value.size += 2;
    plain.Flags &= ~(ULONG)RTL_QUERY_REGISTRY_TYPECHECK; /* the default is of the type it is of */
    if (entry->Name)
        while (value.name_length < GPUP_VALUE_NAME && entry->Name[value.name_length]) {
            value.name[value.name_length] = entry->Name[value.name_length];
            value.name_length++;
        }
    return give(&plain, &value, context);
}

static NTSTATUS each_value(struct gpup_os *os, const struct gpup_key *key,
                           const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context) {
    const struct gpup_key_value *value;
    NTSTATUS status = STATUS_SUCCESS;

    for (uint32_t i = 0; NT_SUCCESS(status) && (value = gpup_key_value_at(os, key, i)); i++)
        status = give(entry, value, context);
    return status;
}

static NTSTATUS query(struct gpup_os *os, const struct gpup_key *key, const RTL_QUERY_REGISTRY_TABLE *entry,
                      PVOID context) {
    struct gpup_key_value *value;
    UNICODE_STRING name;
    NTSTATUS status;

    if (!entry->Name)
        return each_value(os, key, entry, context);
    RtlInitUnicodeString(&name, entry->Name);
    value = key ? gpup_key_value_find(os, key, &name) : NULL;
    if (!value)
        return give_default(entry, context);
    status = give(entry, value, context);
    if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE))
        value->key = NULL;
    return status;
}

NTSTATUS DDI_CALL RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                         PVOID Context, PVOID Environment) {
    const struct gpup_service_limit *service = GPUP_SERVICE(RtlQueryRegistryValues);
    struct gpup_os *os = gpup_os_enter(service);
    NTSTATUS status = STATUS_SUCCESS;
    struct gpup_key *top, *key;

    (void)Environment;
    if (!os)
        return STATUS_INSUFFICIENT_RESOURCES;
    top = key = key_at(os, service->name, RelativeTo & ~OPTIONAL, Path);
    for (const RTL_QUERY_REGISTRY_TABLE *entry = QueryTable;
         NT_SUCCESS(status) && (entry->QueryRoutine || entry->Name); entry++) {
        UNICODE_STRING name;

        if ((entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) && top && entry->Name) {
            RtlInitUnicodeString(&name, entry->Name);
            key = gpup_key_open(os, top, &name, NULL);
            if (entry->QueryRoutine && key)
                status = each_value(os, key, entry, Context);
            continue;
        }
        if ((entry->Flags & RTL_QUERY_REGISTRY_DIRECT) && (!entry->Name || entry->QueryRoutine))
            return STATUS_INVALID_PARAMETER;
        status = query(os, key, entry, Context);
    }
    return status;
}

/* --- one value, by path */

static struct gpup_os *enter(const struct gpup_service_limit *service, ULONG relative, PCWSTR path,
                             struct gpup_key **key) {
    struct gpup_os *os = gpup_os_enter(service);

    *key = os ? key_at(os, service->name, relative & ~OPTIONAL, path) : NULL;
    return os;
}

NTSTATUS DDI_CALL RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                                        PVOID ValueData, ULONG ValueLength) {
    struct gpup_key *key;
    struct gpup_os *os = enter(GPUP_SERVICE(RtlWriteRegistryValue), RelativeTo, Path, &key);
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, ValueName);
    return key ? gpup_key_value_set(os, key, &name, ValueType, ValueData, ValueLength)
               : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS DDI_CALL RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName) {
    struct gpup_key *key;
    struct gpup_os *os = enter(GPUP_SERVICE(RtlDeleteRegistryValue), RelativeTo, Path, &key);
    struct gpup_key_value *value;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, ValueName);
    value = key ? gpup_key_value_find(os, key, &name) : NULL;
    if (!value)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    value->key = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path) {
    struct gpup_key *key;

    enter(GPUP_SERVICE(RtlCreateRegistryKey), RelativeTo, Path, &key);
    return key ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS DDI_CALL RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path) {
    struct gpup_key *key;
    struct gpup_os *os = enter(GPUP_SERVICE(RtlCheckRegistryKey), RelativeTo, Path, &key);

    return key && gpup_key_value_at(os, key, 0) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}
