/* Registry and device properties. */
#include "trial.h"
#include <string.h>

#define U(name, text)                                                                                        \
    static WCHAR name##_text[] = u##text;                                                                    \
    static UNICODE_STRING name = {sizeof name##_text - 2, sizeof name##_text, name##_text}
U(path, "\\Registry\\Machine\\Test");
U(below, "Below");
U(level, "Level");
U(text, "Text");

struct keys {
    OBJECT_ATTRIBUTES attributes;
    HANDLE key, sub;
    ULONG disposition, size, value, more;
    UNICODE_STRING string;
    RTL_QUERY_REGISTRY_TABLE table[3];
    uint32_t called;
    uint8_t bytes[200];
};

static HANDLE open_key(struct keys *k, HANDLE root, PUNICODE_STRING name) {
    HANDLE handle = NULL;

    InitializeObjectAttributes(&k->attributes, name, OBJ_KERNEL_HANDLE, root, NULL);
    return NT_SUCCESS(ZwOpenKey(&handle, KEY_READ, &k->attributes)) ? handle : NULL;
}
static void set(HANDLE key, PUNICODE_STRING name, ULONG number) {
    ZwSetValueKey(key, name, 0, REG_DWORD, &number, sizeof number);
}

EFFECT(ZwOpenKey) {
    struct keys *k = room;

    k->key = open_key(k, NULL, &path);
    k->sub = open_key(k, k->key, &below);
    MUST(k->key && k->sub && k->key != k->sub);
    set(k->key, &level, 1);
    MUST(ZwQueryValueKey(k->sub, &level, KeyValuePartialInformation, k->bytes, 200, &k->size) ==
         STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(ZwFlushKey(k->key) == STATUS_SUCCESS);
    ZwClose(k->sub);
    ZwClose(k->key);
    return 0;
}
MISUSE(ZwOpenKey) { /* stays open */
    open_key(room, NULL, &path);
    return 0;
}
EFFECT(ZwCreateKey) {
    struct keys *k = room;

    InitializeObjectAttributes(&k->attributes, &path, OBJ_KERNEL_HANDLE, NULL, NULL);
    MUST(ZwCreateKey(&k->key, KEY_READ, &k->attributes, 0, NULL, 0, &k->disposition) == STATUS_SUCCESS);
    MUST(k->disposition == REG_CREATED_NEW_KEY);
    MUST(ZwCreateKey(&k->sub, KEY_READ, &k->attributes, 0, NULL, 0, &k->disposition) == STATUS_SUCCESS);
    MUST(k->disposition == REG_OPENED_EXISTING_KEY);
    ZwClose(k->sub);
    MUST(ZwDeleteKey(k->key) == STATUS_SUCCESS);
    ZwClose(k->key);
    MUST(ZwCreateKey(&k->key, KEY_READ, &k->attributes, 0, NULL, 0, &k->disposition) == STATUS_SUCCESS);
    MUST(k->disposition == REG_CREATED_NEW_KEY);
    ZwClose(k->key);
    return 0;
}
MISUSE(ZwCreateKey) { /* attributes that are none */
    struct keys *k = room;

    return (uint64_t)ZwCreateKey(&k->key, KEY_READ, &k->attributes, 0, NULL, 0, NULL);
}
EFFECT(ZwSetValueKey) {
    struct keys *k = room;
    PKEY_VALUE_PARTIAL_INFORMATION partial = (void *)k->bytes;
    PKEY_VALUE_FULL_INFORMATION full = (void *)k->bytes;

    k->key = open_key(k, NULL, &path);
    set(k->key, &level, 0x1234);
    MUST(ZwSetValueKey(k->key, &text, 0, REG_SZ, u"abc", 8) == STATUS_SUCCESS);
    MUST(ZwQueryValueKey(k->key, &level, KeyValuePartialInformation, partial, 200, &k->size) ==
         STATUS_SUCCESS);
    MUST(k->size == 16 && partial->Type == REG_DWORD && partial->DataLength == 4);
    MUST(partial->Data[0] == 0x34 && partial->Data[1] == 0x12);
    MUST(ZwQueryValueKey(k->key, &text, KeyValueFullInformation, full, 200, &k->size) == STATUS_SUCCESS);
    MUST(full->NameLength == 8 && !memcmp(full->Name, text_text, 8));
    MUST(full->DataLength == 8 && !memcmp(k->bytes + full->DataOffset, u"abc", 8));
    MUST(ZwQueryValueKey(k->key, &text, KeyValueFullInformation, full, 21, &k->size) ==
         STATUS_BUFFER_OVERFLOW);
    MUST(ZwQueryValueKey(k->key, &text, KeyValueFullInformation, full, 3, &k->size) ==
         STATUS_BUFFER_TOO_SMALL);
    MUST(ZwEnumerateValueKey(k->key, 1, KeyValueBasicInformation, k->bytes, 200, &k->size) == STATUS_SUCCESS);
    MUST(((PKEY_VALUE_BASIC_INFORMATION)(void *)k->bytes)->Type == REG_SZ);
    MUST(ZwEnumerateValueKey(k->key, 2, KeyValueBasicInformation, k->bytes, 200, &k->size) ==
         STATUS_NO_MORE_ENTRIES);
    MUST(ZwDeleteValueKey(k->key, &text) == STATUS_SUCCESS);
    MUST(ZwDeleteValueKey(k->key, &text) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(k->key);
    return 0;
}
/* Through a handle that was closed. */
#define CLOSED(name, ...)                                                                                    \
    MISUSE(name) {                                                                                           \
        struct keys *k = room;                                                                               \
                                                                                                             \
        k->key = open_key(k, NULL, &path);                                                                   \
        ZwClose(k->key);                                                                                     \
        return (uint64_t)name(__VA_ARGS__);                                                                  \
    }
CLOSED(ZwSetValueKey, k->key, &level, 0, REG_DWORD, &k->value, 4)
CLOSED(ZwQueryValueKey, k->key, &level, KeyValuePartialInformation, k->bytes, 200, &k->size)
CLOSED(ZwEnumerateValueKey, k->key, 0, KeyValuePartialInformation, k->bytes, 200, &k->size)
CLOSED(ZwDeleteValueKey, k->key, &level)
CLOSED(ZwDeleteKey, k->key)
CLOSED(ZwFlushKey, k->key)

EFFECT(IoOpenDeviceRegistryKey) {
    struct keys *k = room;

    MUST(IoOpenDeviceRegistryKey(room, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &k->key) == STATUS_SUCCESS);
    MUST(IoOpenDeviceRegistryKey(room, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &k->sub) == STATUS_SUCCESS);
    set(k->key, &level, 1);
    MUST(ZwQueryValueKey(k->sub, &level, KeyValuePartialInformation, k->bytes, 200, &k->size) ==
         STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(k->sub);
    ZwClose(k->key);
    return 0;
}
MISUSE(IoOpenDeviceRegistryKey) {
    struct keys *k = room;

    return (uint64_t)IoOpenDeviceRegistryKey(room, 0, KEY_READ, &k->key);
}
EFFECT(IoOpenDriverRegistryKey) {
    struct keys *k = room;

    MUST(IoOpenDriverRegistryKey(room, DriverRegKeyParameters, KEY_READ, 0, &k->key) == STATUS_SUCCESS);
    ZwClose(k->key);
    return 0;
}
MISUSE(IoOpenDriverRegistryKey) {
    struct keys *k = room;

    return (uint64_t)IoOpenDriverRegistryKey(room, DriverRegKeyParameters, KEY_READ, 1, &k->key);
}

/* --- by path */

static NTSTATUS DDI_CALL query(PWSTR name, ULONG type, PVOID data, ULONG size, PVOID context, PVOID entry) {
    struct keys *k = context;

    (void)data;
    k->called += name[0] == 'L' && type == REG_DWORD && size == 4 && entry == &k->more;
    return STATUS_SUCCESS;
}
EFFECT(RtlQueryRegistryValues) {
    struct keys *k = room;
    ULONG number = 9;

    MUST(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, u"Gpu", level_text, REG_DWORD, &number, 4) == 0);
    MUST(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, u"Gpu", text_text, REG_SZ, u"abc", 8) == 0);
    k->table[0] = (RTL_QUERY_REGISTRY_TABLE){
        .Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED | RTL_QUERY_REGISTRY_TYPECHECK,
        .Name = level_text,
        .EntryContext = &k->value,
        .DefaultType = REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT | REG_NONE};
    k->table[1] =
        (RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = query, .Name = level_text, .EntryContext = &k->more};
    MUST(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"Gpu", k->table, k, NULL) == STATUS_SUCCESS);
    MUST(k->value == 9 && k->called == 1);
    k->table[0].Name = text_text;
    MUST(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"Gpu", k->table, k, NULL) ==
         STATUS_OBJECT_TYPE_MISMATCH);
    k->table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
    k->table[0].EntryContext = &k->string;
    MUST(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"Gpu", k->table, k, NULL) == STATUS_SUCCESS);
    MUST(k->string.Length == 6 && k->string.Buffer[2] == 'c');
    RtlFreeUnicodeString(&k->string);
    k->table[0] = (RTL_QUERY_REGISTRY_TABLE){.Flags = RTL_QUERY_REGISTRY_DIRECT,
                                             .Name = below_text,
                                             .EntryContext = &k->value,
                                             .DefaultType = REG_DWORD,
                                             .DefaultData = &k->disposition};
    k->disposition = 31;
    MUST(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"Gpu", k->table, k, NULL) == STATUS_SUCCESS);
    MUST(k->value == 31);
    k->table[0].Flags |= RTL_QUERY_REGISTRY_REQUIRED;
    MUST(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"Gpu", k->table, k, NULL) ==
         STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}
MISUSE(RtlQueryRegistryValues) { /* there is no such root */
    struct keys *k = room;

    return (uint64_t)RtlQueryRegistryValues(99, u"Gpu", k->table, k, NULL);
}
EFFECT(RtlCreateRegistryKey) {
    static WCHAR name[] = u"Gpu\\Below";
    ULONG number = 1;

    MUST(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, name) == STATUS_SUCCESS);
    MUST(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, name) == STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, name, level_text, REG_DWORD, &number, 4) == 0);
    MUST(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, name) == STATUS_SUCCESS);
    MUST(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, name, level_text) == STATUS_SUCCESS);
    MUST(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, name, level_text) == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}
EFFECT(IoGetDeviceProperty) {
    struct keys *k = room;

    MUST(IoGetDeviceProperty(room, DevicePropertyLegacyBusType, 4, &k->value, &k->size) == STATUS_SUCCESS);
    MUST(k->value == PCIBus && k->size == 4);
    MUST(IoGetDeviceProperty(room, DevicePropertyLegacyBusType, 3, &k->value, &k->size) ==
         STATUS_BUFFER_TOO_SMALL);
    return 0;
}

const struct trial registry_trials[] = {
    TRIAL(ZwOpenKey, LEAVES),
    TRIAL(ZwCreateKey, PARAMETER),
    TRIAL(ZwSetValueKey, OBJECT),
    WITH(ZwQueryValueKey, ZwSetValueKey, OBJECT),
    WITH(ZwEnumerateValueKey, ZwSetValueKey, OBJECT),
    WITH(ZwDeleteValueKey, ZwSetValueKey, OBJECT),
    WITH(ZwDeleteKey, ZwCreateKey, OBJECT),
    WITH(ZwFlushKey, ZwOpenKey, OBJECT),
    TRIAL(IoOpenDeviceRegistryKey, PARAMETER),
    TRIAL(IoOpenDriverRegistryKey, PARAMETER),
    TRIAL(RtlQueryRegistryValues, PARAMETER),
    LIMITED_WITH(RtlWriteRegistryValue, RtlQueryRegistryValues),
    LIMITED(RtlCreateRegistryKey),
    LIMITED_WITH(RtlCheckRegistryKey, RtlCreateRegistryKey),
    LIMITED_WITH(RtlDeleteRegistryValue, RtlCreateRegistryKey),
    LIMITED(IoGetDeviceProperty),
    {0},
};
