/* Counted strings: making, comparing, copying. */
#include "crt.h"
#include "services.h"

VOID DDI_CALL RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
    size_t length = SourceString ? gpup_crt_wcsnlen(SourceString, 32766) : 0;

    gpup_os_enter(GPUP_SERVICE(RtlInitUnicodeString));
    DestinationString->Length = (USHORT)(2 * length);
    DestinationString->MaximumLength = (USHORT)(SourceString ? 2 * length + 2 : 0);
    DestinationString->Buffer = (PWSTR)(uintptr_t)SourceString; // NOLINT(performance-no-int-to-ptr)
}

static void init(const struct gpup_service_limit *service, PSTRING string, PCSTR text) {
    size_t length = text ? strnlen(text, 65534) : 0;

    gpup_os_enter(service);
    string->Length = (USHORT)length;
    string->MaximumLength = (USHORT)(text ? length + 1 : 0);
    string->Buffer = (PCHAR)(uintptr_t)text; // NOLINT(performance-no-int-to-ptr)
}

VOID DDI_CALL RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString) {
    init(GPUP_SERVICE(RtlInitAnsiString), DestinationString, SourceString);
}

VOID DDI_CALL RtlInitString(PSTRING DestinationString, PCSTR SourceString) {
    init(GPUP_SERVICE(RtlInitString), DestinationString, SourceString);
}

/* What does not fit is cut off; a terminator where there is room for one. */
VOID DDI_CALL RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString) {
    size_t length = SourceString ? SourceString->Length : 0;

    gpup_os_enter(GPUP_SERVICE(RtlCopyUnicodeString));
    if (length > DestinationString->MaximumLength)
        length = DestinationString->MaximumLength & ~1u;
    if (length)
        memmove(DestinationString->Buffer, SourceString->Buffer, length);
    DestinationString->Length = (USHORT)length;
    if (length + 2 <= DestinationString->MaximumLength)
        DestinationString->Buffer[length / 2] = 0;
}

VOID DDI_CALL RtlCopyString(PSTRING DestinationString, const STRING *SourceString) {
    size_t length = SourceString ? SourceString->Length : 0;

    gpup_os_enter(GPUP_SERVICE(RtlCopyString));
    if (length > DestinationString->MaximumLength)
        length = DestinationString->MaximumLength;
    if (length)
        memmove(DestinationString->Buffer, SourceString->Buffer, length);
    DestinationString->Length = (USHORT)length;
}

/* --- comparing: the difference of the first characters that differ, then of the lengths */

static LONG compare_wide(PCUNICODE_STRING one, PCUNICODE_STRING other, bool any_case) {
    size_t most = (one->Length < other->Length ? one->Length : other->Length) / 2;

    for (size_t i = 0; i < most; i++) {
        WCHAR a = one->Buffer[i], b = other->Buffer[i];

        if (any_case) {
            a = gpup_crt_towupper(a);
            b = gpup_crt_towupper(b);
        }
        if (a != b)
            return (LONG)a - b;
    }
    return (LONG)one->Length - other->Length;
}

LONG DDI_CALL RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                      BOOLEAN CaseInSensitive) {
    gpup_os_enter(GPUP_SERVICE(RtlCompareUnicodeString));
    return compare_wide(String1, String2, CaseInSensitive);
}

BOOLEAN DDI_CALL RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                       BOOLEAN CaseInSensitive) {
    gpup_os_enter(GPUP_SERVICE(RtlEqualUnicodeString));
    return !compare_wide(String1, String2, CaseInSensitive);
}

BOOLEAN DDI_CALL RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                        BOOLEAN CaseInSensitive) {
    UNICODE_STRING start = *String2;

    gpup_os_enter(GPUP_SERVICE(RtlPrefixUnicodeString));
    if (start.Length < String1->Length)
        return FALSE;
    start.Length = String1->Length;
    return !compare_wide(String1, &start, CaseInSensitive);
}

static LONG compare_narrow(const STRING *one, const STRING *other, bool any_case) {
    size_t most = one->Length < other->Length ? one->Length : other->Length;

    for (size_t i = 0; i < most; i++) {
        int a = (unsigned char)one->Buffer[i], b = (unsigned char)other->Buffer[i];

        if (any_case) {
            a = gpup_crt_toupper(a);
            b = gpup_crt_toupper(b);
        }
        if (a != b)
            return a - b;
    }
    return (LONG)one->Length - other->Length;
}

LONG DDI_CALL RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive) {
    gpup_os_enter(GPUP_SERVICE(RtlCompareString));
    return compare_narrow(String1, String2, CaseInSensitive);
}

BOOLEAN DDI_CALL RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive) {
    gpup_os_enter(GPUP_SERVICE(RtlEqualString));
    return !compare_narrow(String1, String2, CaseInSensitive);
}

/* --- appending: all of it or nothing */

static NTSTATUS append(PUNICODE_STRING to, PCWSTR from, size_t bytes) {
    if (bytes > (size_t)to->MaximumLength - to->Length || to->Length > to->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    memmove(&to->Buffer[to->Length / 2], from, bytes);
    to->Length = (USHORT)(to->Length + bytes);
    if (to->Length + 2u <= to->MaximumLength)
        to->Buffer[to->Length / 2] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source) {
    gpup_os_enter(GPUP_SERVICE(RtlAppendUnicodeToString));
    return Source ? append(Destination, Source, 2 * gpup_crt_wcsnlen(Source, 65536)) : STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source) {
    gpup_os_enter(GPUP_SERVICE(RtlAppendUnicodeStringToString));
    return append(Destination, Source->Buffer, Source->Length);
}

NTSTATUS DDI_CALL RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                       PULONG HashValue) {
    ULONG hash = 0;

    gpup_os_enter(GPUP_SERVICE(RtlHashUnicodeString));
    if (!String || !HashValue || HashAlgorithm > HASH_STRING_ALGORITHM_X65599)
        return STATUS_INVALID_PARAMETER;
    for (size_t i = 0; i < String->Length / 2u; i++)
        hash = hash * 65599 + (CaseInSensitive ? gpup_crt_towupper(String->Buffer[i]) : String->Buffer[i]);
    *HashValue = hash;
    return STATUS_SUCCESS;
}

WCHAR DDI_CALL RtlUpcaseUnicodeChar(WCHAR SourceCharacter) {
    gpup_os_enter(GPUP_SERVICE(RtlUpcaseUnicodeChar));
    return gpup_crt_towupper(SourceCharacter);
}

WCHAR DDI_CALL RtlDowncaseUnicodeChar(WCHAR SourceCharacter) {
    gpup_os_enter(GPUP_SERVICE(RtlDowncaseUnicodeChar));
    return gpup_crt_towlower(SourceCharacter);
}

CHAR DDI_CALL RtlUpperChar(CHAR Character) {
    gpup_os_enter(GPUP_SERVICE(RtlUpperChar));
    return (CHAR)gpup_crt_toupper(Character);
}
