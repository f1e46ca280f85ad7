/* Text between 16-bit characters and the system's code page, which here is Latin-1: what does not fit is cut,
 * what has no place in it becomes a question mark. */
#include "services.h"

NTSTATUS DDI_CALL RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                         PULONG BytesInMultiByteString, PCWSTR UnicodeString,
                                         ULONG BytesInUnicodeString) {
    ULONG count = BytesInUnicodeString / sizeof(WCHAR);

    gpup_os_enter(GPUP_SERVICE(RtlUnicodeToMultiByteN));
    count = count < MaxBytesInMultiByteString ? count : MaxBytesInMultiByteString;
    for (ULONG i = 0; i < count; i++)
        MultiByteString[i] = (CHAR)(UnicodeString[i] < 256 ? UnicodeString[i] : (unsigned)'?');
    if (BytesInMultiByteString)
        *BytesInMultiByteString = count;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlMultiByteToUnicodeN(PWCHAR UnicodeString, ULONG MaxBytesInUnicodeString,
                                         PULONG BytesInUnicodeString, PCSTR MultiByteString,
                                         ULONG BytesInMultiByteString) {
    ULONG count = MaxBytesInUnicodeString / sizeof(WCHAR);

    gpup_os_enter(GPUP_SERVICE(RtlMultiByteToUnicodeN));
    count = BytesInMultiByteString < count ? BytesInMultiByteString : count;
    for (ULONG i = 0; i < count; i++)
        UnicodeString[i] = (unsigned char)MultiByteString[i];
    if (BytesInUnicodeString)
        *BytesInUnicodeString = count * (ULONG)sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWSTR UnicodeString,
                                            ULONG BytesInUnicodeString) {
    (void)UnicodeString;
    gpup_os_enter(GPUP_SERVICE(RtlUnicodeToMultiByteSize));
    *BytesInMultiByteString = BytesInUnicodeString / sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, PCSTR MultiByteString,
                                            ULONG BytesInMultiByteString) {
    (void)MultiByteString;
    gpup_os_enter(GPUP_SERVICE(RtlMultiByteToUnicodeSize));
    *BytesInUnicodeString = BytesInMultiByteString * (ULONG)sizeof(WCHAR);
    return STATUS_SUCCESS;
}
