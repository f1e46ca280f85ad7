/*
 * The run-time library of wdm.h, ntddk.h and ntifs.h: strings, bitmaps, numbers, GUIDs and calendar times.
 *
 * Lengths of strings are bytes, never characters. Case is that of ASCII and Latin-1; the code page is
 * Latin-1. Included by ddi/wdm.h, and like it absent when the WDK's is present.
 */
#ifndef GPUP_DDI_WDM_RTL_H
#define GPUP_DDI_WDM_RTL_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DDI_STRUCT _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, UTF8_STRING, *PUTF8_STRING;
typedef const STRING *PCANSI_STRING, *PCSTRING;
#define HASH_STRING_ALGORITHM_DEFAULT 0
#define HASH_STRING_ALGORITHM_X65599 1
#define RTL_CONSTANT_STRING(s)                                                                               \
    { sizeof(s) - sizeof((s)[0]), sizeof(s), s }

VOID DDI_CALL RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString);
VOID DDI_CALL RtlInitString(PSTRING DestinationString, PCSTR SourceString);
VOID DDI_CALL RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
VOID DDI_CALL RtlCopyString(PSTRING DestinationString, const STRING *SourceString);
LONG DDI_CALL RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                      BOOLEAN CaseInSensitive);
LONG DDI_CALL RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN DDI_CALL RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                       BOOLEAN CaseInSensitive);
BOOLEAN DDI_CALL RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN DDI_CALL RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                        BOOLEAN CaseInSensitive);
NTSTATUS DDI_CALL RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
NTSTATUS DDI_CALL RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSTATUS DDI_CALL RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                       PULONG HashValue);
WCHAR DDI_CALL RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
WCHAR DDI_CALL RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
CHAR DDI_CALL RtlUpperChar(CHAR Character);

/* Conversions. With `Allocate` the text is in pool memory, which RtlFree...String gives back. */
NTSTATUS DDI_CALL RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSTATUS DDI_CALL RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS DDI_CALL RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS DDI_CALL RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                               BOOLEAN AllocateDestinationString);
NTSTATUS DDI_CALL RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                               BOOLEAN AllocateDestinationString);
NTSTATUS DDI_CALL RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                         BOOLEAN AllocateDestinationString);
BOOLEAN DDI_CALL RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID DDI_CALL RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
VOID DDI_CALL RtlFreeAnsiString(PANSI_STRING AnsiString);
ULONG DDI_CALL RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString);
ULONG DDI_CALL RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString);
NTSTATUS DDI_CALL RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString); /* to be freed */
NTSTATUS DDI_CALL RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid);

/* --- Memory and times */
SIZE_T DDI_CALL RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern); /* bytes that match */
VOID DDI_CALL RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern);
ULONG DDI_CALL RtlRandomEx(PULONG Seed);
typedef struct DDI_STRUCT _TIME_FIELDS {
    CSHORT Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday; /* Weekday 0: Sunday */
} TIME_FIELDS, *PTIME_FIELDS;
VOID DDI_CALL RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields);
BOOLEAN DDI_CALL RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time);

/* --- Bitmaps: bit i is bit i % 32 of the 32-bit word i / 32. 0xFFFFFFFF: no such bits */
typedef struct DDI_STRUCT _RTL_BITMAP {
    ULONG SizeOfBitMap; /* bits */
    PULONG Buffer;
} RTL_BITMAP, *PRTL_BITMAP;
typedef struct DDI_STRUCT _RTL_BITMAP_RUN {
    ULONG StartingIndex;
    ULONG NumberOfBits;
} RTL_BITMAP_RUN, *PRTL_BITMAP_RUN;
VOID DDI_CALL RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap);
VOID DDI_CALL RtlClearAllBits(PRTL_BITMAP BitMapHeader);
VOID DDI_CALL RtlSetAllBits(PRTL_BITMAP BitMapHeader);
VOID DDI_CALL RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID DDI_CALL RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID DDI_CALL RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet);
VOID DDI_CALL RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear);
BOOLEAN DDI_CALL RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
BOOLEAN DDI_CALL RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
BOOLEAN DDI_CALL RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
ULONG DDI_CALL RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG DDI_CALL RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG DDI_CALL RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG DDI_CALL RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG DDI_CALL RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader);
ULONG DDI_CALL RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader);
/* Length of the run, its beginning in *StartingRunIndex; 0: none. */
ULONG DDI_CALL RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex);
ULONG DDI_CALL RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex);
ULONG DDI_CALL RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex);
CHAR DDI_CALL RtlFindLeastSignificantBit(ULONGLONG Set); /* -1: of zero */
CHAR DDI_CALL RtlFindMostSignificantBit(ULONGLONG Set);

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
