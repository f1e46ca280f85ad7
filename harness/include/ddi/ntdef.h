/*
 * Base types of the Windows kernel ABI, x64.
 *
 * Widths are those of LLP64 Windows whatever the host is: LONG and ULONG are 32 bits, pointers, HANDLE and
 * SIZE_T 64. Structures carry DDI_STRUCT so that bit-fields are laid out as the Microsoft compiler does, and
 * every function that crosses the boundary carries DDI_CALL, the one calling convention of Windows on x86-64.
 * When a driver is built with the WDK these headers step aside: the WDK defines _NTDEF_.
 */
#ifndef GPUP_DDI_NTDEF_H
#define GPUP_DDI_NTDEF_H

#ifdef _NTDEF_
#define DDI_STRUCT
#define DDI_CALL NTAPI
#else

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(_WIN32)
#define DDI_CALL __attribute__((ms_abi))
#else
#define DDI_CALL
#endif
#define DDI_STRUCT __attribute__((ms_struct))

#define VOID void
typedef void *PVOID;
typedef void *HANDLE, **PHANDLE;
typedef char CHAR;
typedef char *PCHAR;
typedef const char *PCSTR, *LPCSTR;
typedef unsigned char UCHAR, *PUCHAR;
typedef uint8_t BYTE, *PBYTE, UINT8, *PUINT8;
typedef int8_t INT8;
typedef uint8_t BOOLEAN, *PBOOLEAN;
typedef uint16_t WCHAR, *PWSTR, *PWCHAR;
typedef const uint16_t *PCWSTR;
typedef int16_t SHORT, INT16, CSHORT;
typedef uint16_t USHORT, *PUSHORT, UINT16, *PUINT16;
typedef int32_t LONG, *PLONG, INT, INT32, BOOL;
typedef uint32_t ULONG, *PULONG, UINT, *PUINT, UINT32, *PUINT32, DWORD;
typedef int64_t LONGLONG, LONG64, INT64;
typedef uint64_t ULONGLONG, ULONG64, UINT64, *PUINT64;
typedef uint64_t ULONG_PTR, *PULONG_PTR, UINT_PTR, SIZE_T, *PSIZE_T, KAFFINITY;
typedef int64_t LONG_PTR, SSIZE_T;
typedef int32_t NTSTATUS;
typedef uint8_t KIRQL, *PKIRQL;

#define TRUE 1
#define FALSE 0
#define ANYSIZE_ARRAY 1
#define NT_SUCCESS(status) (((NTSTATUS)(status)) >= 0)
#define MAXULONG 0xFFFFFFFFu

typedef union DDI_STRUCT _LARGE_INTEGER {
    struct DDI_STRUCT {
        ULONG LowPart;
        LONG HighPart;
    };
    struct DDI_STRUCT {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;
typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct DDI_STRUCT _LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID, *PLUID;

typedef struct DDI_STRUCT _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID, CLSID, *LPGUID;
typedef const GUID *LPCGUID;

typedef struct DDI_STRUCT _UNICODE_STRING {
    USHORT Length;        /* bytes, without terminator */
    USHORT MaximumLength; /* bytes */
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct DDI_STRUCT _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

#endif /* _NTDEF_ */
#endif
