/* Conversions between texts, numbers, GUIDs and times, and strings with memory of their own. */
#include "crt.h"
#include "services.h"

#define TAG 0x6C747252u /* "Rrtl" */

/* --- numbers */

static unsigned digit_of(WCHAR c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = gpup_crt_towlower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99;
}

/* Base 0: by the prefix 0x, 0o or 0b, else decimal. What follows the digits is left alone. */
NTSTATUS DDI_CALL RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value) {
    size_t at = 0, count = String->Length / 2;
    const WCHAR *text = String->Buffer;
    bool negative = false;
    ULONG value = 0;

    gpup_os_enter(GPUP_SERVICE(RtlUnicodeStringToInteger));
    while (at < count && text[at] <= ' ')
        at++;
    if (at < count && (text[at] == '-' || text[at] == '+'))
        negative = text[at++] == '-';
    if (!Base) {
        WCHAR kind = at + 1 < count && text[at] == '0' ? text[at + 1] : 0;

        Base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
        at += Base == 10 ? 0 : 2;
    }
    if (Base != 2 && Base != 8 && Base != 10 && Base != 16)
        return STATUS_INVALID_PARAMETER;
    for (; at < count && digit_of(text[at]) < Base; at++)
        value = value * Base + digit_of(text[at]);
    *Value = negative ? 0 - value : value;
    return STATUS_SUCCESS;
}

static NTSTATUS from_number(ULONGLONG value, ULONG base, PUNICODE_STRING string) {
    WCHAR text[65];
    size_t at = 64;

    if (!base)
        base = 10;
    if (base != 2 && base != 8 && base != 10 && base != 16)
        return STATUS_INVALID_PARAMETER;
    do
        text[--at] = (WCHAR) "0123456789ABCDEF"[value % base];
    while (value /= base);
    if ((64 - at) * 2 > string->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    memcpy(string->Buffer, &text[at], (64 - at) * 2);
    string->Length = (USHORT)((64 - at) * 2);
    if (string->Length + 2u <= string->MaximumLength)
        string->Buffer[64 - at] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String) {
    gpup_os_enter(GPUP_SERVICE(RtlIntegerToUnicodeString));
    return from_number(Value, Base, String);
}

NTSTATUS DDI_CALL RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String) {
    gpup_os_enter(GPUP_SERVICE(RtlInt64ToUnicodeString));
    return from_number(Value, Base, String);
}

/* --- with memory */

static void *text_memory(size_t size) {
    struct gpup_os *os = gpup_os_current();

    return os ? gpup_pool_alloc(os, size, TAG, GPUP_BLOCK_POOL, false, 0, NULL) : NULL;
}

/* Room for `bytes` and a terminator in a string. */
static NTSTATUS make_room(PUNICODE_STRING string, size_t bytes, BOOLEAN allocate) {
    if (bytes + 2 > 0xFFFE)
        return STATUS_INVALID_PARAMETER_2;
    if (allocate) {
        string->Buffer = text_memory(bytes + 2);
        string->MaximumLength = (USHORT)(bytes + 2);
        string->Length = 0;
        return string->Buffer ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    return bytes > string->MaximumLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static void finish(PUNICODE_STRING string, size_t bytes) {
    string->Length = (USHORT)bytes;
    if (bytes + 2 <= string->MaximumLength)
        string->Buffer[bytes / 2] = 0;
}

NTSTATUS DDI_CALL RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                               BOOLEAN AllocateDestinationString) {
    size_t count = SourceString->Length;
    NTSTATUS status;

    gpup_os_enter(GPUP_SERVICE(RtlAnsiStringToUnicodeString));
    status = make_room(DestinationString, 2 * count, AllocateDestinationString);
    if (!NT_SUCCESS(status))
        return status;
    for (size_t i = 0; i < count; i++)
        DestinationString->Buffer[i] = (unsigned char)SourceString->Buffer[i];
    finish(DestinationString, 2 * count);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                         BOOLEAN AllocateDestinationString) {
    size_t bytes = SourceString->Length;
    NTSTATUS status;

    gpup_os_enter(GPUP_SERVICE(RtlUpcaseUnicodeString));
    status = make_room(DestinationString, bytes, AllocateDestinationString);
    if (!NT_SUCCESS(status))
        return status;
    for (size_t i = 0; i < bytes / 2; i++)
        DestinationString->Buffer[i] = gpup_crt_towupper(SourceString->Buffer[i]);
    finish(DestinationString, bytes);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                               BOOLEAN AllocateDestinationString) {
    size_t count = SourceString->Length / 2;

    gpup_os_enter(GPUP_SERVICE(RtlUnicodeStringToAnsiString));
    if (AllocateDestinationString) {
        DestinationString->Buffer = text_memory(count + 1);
        DestinationString->MaximumLength = (USHORT)(count + 1);
        if (!DestinationString->Buffer)
            return STATUS_NO_MEMORY;
    }
    if (count + 1 > DestinationString->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    for (size_t i = 0; i < count; i++)
        DestinationString->Buffer[i] =
            (CHAR)(SourceString->Buffer[i] < 256 ? SourceString->Buffer[i] : (unsigned)'?');
    DestinationString->Buffer[count] = '\0';
    DestinationString->Length = (USHORT)count;
    return STATUS_SUCCESS;
}

BOOLEAN DDI_CALL RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
    size_t bytes = 2 * gpup_crt_wcsnlen(SourceString, 32767);

    gpup_os_enter(GPUP_SERVICE(RtlCreateUnicodeString));
    if (!NT_SUCCESS(make_room(DestinationString, bytes, TRUE)))
        return FALSE;
    memcpy(DestinationString->Buffer, SourceString, bytes);
    finish(DestinationString, bytes);
    return TRUE;
}

static void give_back(const struct gpup_service_limit *service, void *text) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && text)
        gpup_pool_free(os, text, GPUP_BLOCK_POOL);
}

VOID DDI_CALL RtlFreeUnicodeString(PUNICODE_STRING UnicodeString) {
    give_back(GPUP_SERVICE(RtlFreeUnicodeString), UnicodeString->Buffer);
    memset(UnicodeString, 0, sizeof *UnicodeString);
}

VOID DDI_CALL RtlFreeAnsiString(PANSI_STRING AnsiString) {
    give_back(GPUP_SERVICE(RtlFreeAnsiString), AnsiString->Buffer);
    memset(AnsiString, 0, sizeof *AnsiString);
}

/* Terminator included. */
ULONG DDI_CALL RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString) {
    gpup_os_enter(GPUP_SERVICE(RtlxAnsiStringToUnicodeSize));
    return (AnsiString->Length + 1u) * 2;
}

ULONG DDI_CALL RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString) {
    gpup_os_enter(GPUP_SERVICE(RtlxUnicodeStringToAnsiSize));
    return UnicodeString->Length / 2u + 1;
}

/* --- GUIDs: {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx} */

#define GUID_TEXT 38u
/* Which byte of a GUID each pair of digits is; 16: none, a mark. */
static const uint8_t places[] = {3, 2, 1, 0, 16, 5, 4, 16, 7, 6, 16, 8, 9, 16, 10, 11, 12, 13, 14, 15};

NTSTATUS DDI_CALL RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString) {
    const uint8_t *bytes = (const uint8_t *)Guid;
    size_t at = 0;
    NTSTATUS status;

    gpup_os_enter(GPUP_SERVICE(RtlStringFromGUID));
    status = make_room(GuidString, 2 * GUID_TEXT, TRUE);
    if (!NT_SUCCESS(status))
        return status;
    GuidString->Buffer[at++] = '{';
    for (size_t i = 0; i < sizeof places; i++) {
        if (places[i] == 16) {
            GuidString->Buffer[at++] = '-';
            continue;
        }
        GuidString->Buffer[at++] = (WCHAR) "0123456789ABCDEF"[bytes[places[i]] >> 4];
        GuidString->Buffer[at++] = (WCHAR) "0123456789ABCDEF"[bytes[places[i]] & 15];
    }
    GuidString->Buffer[at] = '}';
    finish(GuidString, 2 * GUID_TEXT);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid) {
    const WCHAR *text = GuidString->Buffer;
    uint8_t bytes[16];
    size_t at = 1;

    gpup_os_enter(GPUP_SERVICE(RtlGUIDFromString));
    if (GuidString->Length < 2 * GUID_TEXT || text[0] != '{' || text[GUID_TEXT - 1] != '}')
        return STATUS_INVALID_PARAMETER;
    for (size_t i = 0; i < sizeof places; i++) {
        if (places[i] == 16) {
            if (text[at++] != '-')
                return STATUS_INVALID_PARAMETER;
            continue;
        }
        if (digit_of(text[at]) > 15 || digit_of(text[at + 1]) > 15)
            return STATUS_INVALID_PARAMETER;
        bytes[places[i]] = (uint8_t)(digit_of(text[at]) << 4 | digit_of(text[at + 1]));
        at += 2;
    }
    memcpy(Guid, bytes, sizeof bytes);
    return STATUS_SUCCESS;
}
