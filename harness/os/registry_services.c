/* The registry by handles. */
#include "asan.h"
#include "registry.h"
#include <stddef.h>

/* A key of OBJECT_ATTRIBUTES. */
static NTSTATUS open_key(struct gpup_os *os, const char *service, const OBJECT_ATTRIBUTES *attributes,
                         PHANDLE handle, bool *is_new) {
    struct gpup_key *root = NULL, *key;

    if (!attributes || attributes->Length != sizeof *attributes || !attributes->ObjectName) {
        gpup_os_misuse(os, service, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    if (attributes->RootDirectory && !(root = gpup_key_of(os, service, attributes->RootDirectory)))
        return STATUS_INVALID_HANDLE;
    key = gpup_key_open(os, root, attributes->ObjectName, is_new);
    return key ? gpup_key_handle(os, key, handle) : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS DDI_CALL ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwOpenKey);
    struct gpup_os *os = gpup_os_enter(service);

    (void)DesiredAccess;
    return os ? open_key(os, service->name, ObjectAttributes, KeyHandle, NULL)
              : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS DDI_CALL ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                              POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex, PUNICODE_STRING Class,
                              ULONG CreateOptions, PULONG Disposition) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwCreateKey);
    struct gpup_os *os = gpup_os_enter(service);
    bool is_new = false;
    NTSTATUS status;

    (void)DesiredAccess;
    (void)TitleIndex;
    (void)Class;
    (void)CreateOptions;
    if (!os)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = open_key(os, service->name, ObjectAttributes, KeyHandle, &is_new);
    if (NT_SUCCESS(status) && Disposition)
        *Disposition = is_new ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    return status;
}

/* The system's own keys of the device and the driver. */
static NTSTATUS open_text(struct gpup_os *os, PCWSTR path, PHANDLE handle) {
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, path);
    return gpup_key_handle(os, gpup_key_open(os, NULL, &name, NULL), handle);
}

NTSTATUS DDI_CALL IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                          ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoOpenDeviceRegistryKey);
    struct gpup_os *os = gpup_os_enter(service);

    (void)DeviceObject;
    (void)DesiredAccess;
    if (!os)
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((DevInstKeyType & 3) != PLUGPLAY_REGKEY_DEVICE && (DevInstKeyType & 3) != PLUGPLAY_REGKEY_DRIVER) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    return (DevInstKeyType & 3) == PLUGPLAY_REGKEY_DEVICE
               ? open_text(os, u"\\Registry\\Machine\\Device Parameters", DeviceRegKey)
               : open_text(os, u"\\Registry\\Machine\\Driver Parameters", DeviceRegKey);
}

NTSTATUS DDI_CALL IoOpenDriverRegistryKey(PDRIVER_OBJECT DriverObject, DRIVER_REGKEY_TYPE RegKeyType,
                                          ACCESS_MASK DesiredAccess, ULONG Flags, PHANDLE DriverRegKey) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoOpenDriverRegistryKey);
    struct gpup_os *os = gpup_os_enter(service);

    (void)DriverObject;
    (void)DesiredAccess;
    if (!os)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Flags) { /* must be zero */
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    return RegKeyType == DriverRegKeyParameters
               ? open_text(os, u"\\Registry\\Machine\\Service\\Parameters", DriverRegKey)
               : open_text(os, u"\\Registry\\Machine\\Service\\State", DriverRegKey);
}

/* --- values */

/* Bytes before the name or the data, of each class. */
static uint32_t fixed_part(KEY_VALUE_INFORMATION_CLASS class) {
    switch (class) {
    case KeyValueBasicInformation:
        return offsetof(KEY_VALUE_BASIC_INFORMATION, Name);
    case KeyValueFullInformation:
        return offsetof(KEY_VALUE_FULL_INFORMATION, Name);
    default:
        return offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
    }
}

static NTSTATUS report(const struct gpup_key_value *value, KEY_VALUE_INFORMATION_CLASS class, void *out,
                       uint32_t room, PULONG result) {
    uint8_t whole[sizeof(KEY_VALUE_FULL_INFORMATION) + 2 * GPUP_VALUE_NAME + 4 + GPUP_VALUE_DATA];
    KEY_VALUE_FULL_INFORMATION *full = (void *)whole;
    KEY_VALUE_PARTIAL_INFORMATION *partial = (void *)whole;
    uint32_t fixed = fixed_part(class), name = 2 * value->name_length, need = fixed;

    memset(whole, 0, fixed);
    full->Type = value->type; /* at the same place in all of them */
    if (class != KeyValuePartialInformation) {
        memcpy(whole + fixed, value->name, name);
        need += name;
    }
    if (class == KeyValueBasicInformation)
        ((KEY_VALUE_BASIC_INFORMATION *)(void *)whole)->NameLength = name;
    else if (class == KeyValueFullInformation) {
        full->NameLength = name;
        full->DataOffset = need = (need + 3) & ~3u;
        full->DataLength = value->size;
    } else
        partial->DataLength = value->size;
    if (class != KeyValueBasicInformation) {
        memcpy(whole + need, value->data, value->size);
        need += value->size;
    }
    *result = need;
    if (room < fixed)
        return STATUS_BUFFER_TOO_SMALL;
    gpup_copy_driver(out, whole, room < need ? room : need);
    return room < need ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                                  KEY_VALUE_INFORMATION_CLASS InformationClass, PVOID KeyValueInformation,
                                  ULONG Length, PULONG ResultLength) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwQueryValueKey);
    struct gpup_os *os = gpup_os_enter(service);
    const struct gpup_key *key = os ? gpup_key_of(os, service->name, KeyHandle) : NULL;
    const struct gpup_key_value *value;

    if (!key)
        return STATUS_INVALID_HANDLE;
    value = gpup_key_value_find(os, key, ValueName);
    *ResultLength = 0;
    if (!value)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return report(value, InformationClass, KeyValueInformation, Length, ResultLength);
}

NTSTATUS DDI_CALL ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index, KEY_VALUE_INFORMATION_CLASS Class,
                                      PVOID KeyValueInformation, ULONG Length, PULONG ResultLength) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwEnumerateValueKey);
    struct gpup_os *os = gpup_os_enter(service);
    const struct gpup_key *key = os ? gpup_key_of(os, service->name, KeyHandle) : NULL;
    const struct gpup_key_value *value;

    if (!key)
        return STATUS_INVALID_HANDLE;
    value = gpup_key_value_at(os, key, Index);
    return value ? report(value, Class, KeyValueInformation, Length, ResultLength) : STATUS_NO_MORE_ENTRIES;
}

NTSTATUS DDI_CALL ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                                PVOID Data, ULONG DataSize) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwSetValueKey);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_key *key = os ? gpup_key_of(os, service->name, KeyHandle) : NULL;

    (void)TitleIndex;
    return key ? gpup_key_value_set(os, key, ValueName, Type, Data, DataSize) : STATUS_INVALID_HANDLE;
}

NTSTATUS DDI_CALL ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwDeleteValueKey);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_key *key = os ? gpup_key_of(os, service->name, KeyHandle) : NULL;
    struct gpup_key_value *value = key ? gpup_key_value_find(os, key, ValueName) : NULL;

    if (!key)
        return STATUS_INVALID_HANDLE;
    if (!value)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    value->key = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ZwDeleteKey(HANDLE KeyHandle) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwDeleteKey);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_key *key = os ? gpup_key_of(os, service->name, KeyHandle) : NULL;

    if (!key)
        return STATUS_INVALID_HANDLE;
    gpup_key_clear(os, key);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ZwFlushKey(HANDLE KeyHandle) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwFlushKey);
    struct gpup_os *os = gpup_os_enter(service);

    return os && gpup_key_of(os, service->name, KeyHandle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}
