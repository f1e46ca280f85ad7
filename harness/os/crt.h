/*
 * C run-time functions that ntoskrnl.exe exports, for images: under the Windows convention, with 16-bit wide
 * characters, and in the one locale that a kernel has. A driver that is built natively uses the C library's.
 *
 * They look at no IRQL: their pages are those of the C library. What they are given is memory of the driver;
 * a wrong pointer faults as it does in the kernel. The functions with _s check their sizes; the kernel then
 * stops the machine or returns an error, here it is the error.
 */
#ifndef GPUP_OS_CRT_H
#define GPUP_OS_CRT_H

#include <ddi/wdm.h>

typedef int errno_t;
#define GPUP_CRT_EINVAL 22
#define GPUP_CRT_ERANGE 34
#define GPUP_CRT_STRUNCATE 80
#define GPUP_CRT_TRUNCATE SIZE_MAX /* _TRUNCATE as a count: as much as there is room for */

/* --- memory */
PVOID DDI_CALL gpup_crt_memcpy(PVOID to, const VOID *from, SIZE_T size);
PVOID DDI_CALL gpup_crt_memmove(PVOID to, const VOID *from, SIZE_T size);
PVOID DDI_CALL gpup_crt_memset(PVOID to, int value, SIZE_T size);
int DDI_CALL gpup_crt_memcmp(const VOID *one, const VOID *other, SIZE_T size);
VOID DDI_CALL gpup_crt_zero(PVOID to, SIZE_T size);
VOID DDI_CALL gpup_crt_fill(PVOID to, SIZE_T size, int value);
PVOID DDI_CALL gpup_crt_memchr(const VOID *in, int value, SIZE_T size);
errno_t DDI_CALL gpup_crt_memcpy_s(PVOID to, SIZE_T room, const VOID *from, SIZE_T size);
errno_t DDI_CALL gpup_crt_memmove_s(PVOID to, SIZE_T room, const VOID *from, SIZE_T size);

/* --- strings of bytes */
SIZE_T DDI_CALL gpup_crt_strlen(PCSTR text);
SIZE_T DDI_CALL gpup_crt_strnlen(PCSTR text, SIZE_T most);
int DDI_CALL gpup_crt_strcmp(PCSTR one, PCSTR other);
int DDI_CALL gpup_crt_strncmp(PCSTR one, PCSTR other, SIZE_T most);
int DDI_CALL gpup_crt_stricmp(PCSTR one, PCSTR other);
int DDI_CALL gpup_crt_strnicmp(PCSTR one, PCSTR other, SIZE_T most);
PCHAR DDI_CALL gpup_crt_strcpy(PCHAR to, PCSTR from);
PCHAR DDI_CALL gpup_crt_strncpy(PCHAR to, PCSTR from, SIZE_T most);
PCHAR DDI_CALL gpup_crt_strcat(PCHAR to, PCSTR from);
PCHAR DDI_CALL gpup_crt_strncat(PCHAR to, PCSTR from, SIZE_T most);
PCHAR DDI_CALL gpup_crt_strchr(PCSTR text, int c);
PCHAR DDI_CALL gpup_crt_strrchr(PCSTR text, int c);
PCHAR DDI_CALL gpup_crt_strstr(PCSTR text, PCSTR part);
errno_t DDI_CALL gpup_crt_strcpy_s(PCHAR to, SIZE_T room, PCSTR from);
errno_t DDI_CALL gpup_crt_strcat_s(PCHAR to, SIZE_T room, PCSTR from);
errno_t DDI_CALL gpup_crt_strncpy_s(PCHAR to, SIZE_T room, PCSTR from, SIZE_T most);

/* --- strings of 16-bit characters */
SIZE_T DDI_CALL gpup_crt_wcslen(PCWSTR text);
SIZE_T DDI_CALL gpup_crt_wcsnlen(PCWSTR text, SIZE_T most);
int DDI_CALL gpup_crt_wcscmp(PCWSTR one, PCWSTR other);
int DDI_CALL gpup_crt_wcsncmp(PCWSTR one, PCWSTR other, SIZE_T most);
int DDI_CALL gpup_crt_wcsicmp(PCWSTR one, PCWSTR other);
int DDI_CALL gpup_crt_wcsnicmp(PCWSTR one, PCWSTR other, SIZE_T most);
PWSTR DDI_CALL gpup_crt_wcscpy(PWSTR to, PCWSTR from);
PWSTR DDI_CALL gpup_crt_wcsncpy(PWSTR to, PCWSTR from, SIZE_T most);
PWSTR DDI_CALL gpup_crt_wcscat(PWSTR to, PCWSTR from);
PWSTR DDI_CALL gpup_crt_wcschr(PCWSTR text, WCHAR c);
PWSTR DDI_CALL gpup_crt_wcsrchr(PCWSTR text, WCHAR c);
PWSTR DDI_CALL gpup_crt_wcsstr(PCWSTR text, PCWSTR part);
errno_t DDI_CALL gpup_crt_wcscpy_s(PWSTR to, SIZE_T room, PCWSTR from); /* room: characters */
errno_t DDI_CALL gpup_crt_wcscat_s(PWSTR to, SIZE_T room, PCWSTR from);
errno_t DDI_CALL gpup_crt_wcsncpy_s(PWSTR to, SIZE_T room, PCWSTR from, SIZE_T most);
int DDI_CALL gpup_crt_iswdigit(WCHAR c);
int DDI_CALL gpup_crt_wtoi(PCWSTR text);

/* --- characters, numbers, order */
int DDI_CALL gpup_crt_toupper(int c);
int DDI_CALL gpup_crt_tolower(int c);
int DDI_CALL gpup_crt_isdigit(int c);
int DDI_CALL gpup_crt_isspace(int c);
int DDI_CALL gpup_crt_isxdigit(int c);
int DDI_CALL gpup_crt_isprint(int c);
WCHAR DDI_CALL gpup_crt_towupper(WCHAR c);
WCHAR DDI_CALL gpup_crt_towlower(WCHAR c);
int DDI_CALL gpup_crt_atoi(PCSTR text);
LONG64 DDI_CALL gpup_crt_atoi64(PCSTR text);
ULONG DDI_CALL gpup_crt_wcstoul(PCWSTR text, PWSTR *end, int base);
typedef int(DDI_CALL *gpup_crt_compare)(const VOID *one, const VOID *other);
VOID DDI_CALL gpup_crt_qsort(PVOID base, SIZE_T count, SIZE_T size, gpup_crt_compare compare);
PVOID DDI_CALL gpup_crt_bsearch(const VOID *key, const VOID *base, SIZE_T count, SIZE_T size,
                                gpup_crt_compare compare);

/* Before a large frame is made, with its size in RAX: not to be called from C. */
void gpup_crt_chkstk(void);

/* --- printing into strings: -1 where the text does not fit */
int DDI_CALL gpup_crt_sprintf(PCHAR to, PCSTR format, ...);
int DDI_CALL gpup_crt_snprintf(PCHAR to, SIZE_T count, PCSTR format, ...);
int DDI_CALL gpup_crt_vsnprintf(PCHAR to, SIZE_T count, PCSTR format, __builtin_ms_va_list arguments);
int DDI_CALL gpup_crt_sprintf_s(PCHAR to, SIZE_T room, PCSTR format, ...);
int DDI_CALL gpup_crt_vsprintf_s(PCHAR to, SIZE_T room, PCSTR format, __builtin_ms_va_list arguments);
int DDI_CALL gpup_crt_snprintf_s(PCHAR to, SIZE_T room, SIZE_T count, PCSTR format, ...);
int DDI_CALL gpup_crt_vsnprintf_s(PCHAR to, SIZE_T room, SIZE_T count, PCSTR format,
                                  __builtin_ms_va_list arguments);
int DDI_CALL gpup_crt_snwprintf(PWSTR to, SIZE_T count, PCWSTR format, ...);
int DDI_CALL gpup_crt_vsnwprintf(PWSTR to, SIZE_T count, PCWSTR format, __builtin_ms_va_list arguments);
int DDI_CALL gpup_crt_swprintf_s(PWSTR to, SIZE_T room, PCWSTR format, ...);
int DDI_CALL gpup_crt_vswprintf_s(PWSTR to, SIZE_T room, PCWSTR format, __builtin_ms_va_list arguments);
int DDI_CALL gpup_crt_vsnwprintf_s(PWSTR to, SIZE_T room, SIZE_T count, PCWSTR format,
                                   __builtin_ms_va_list arguments);
int DDI_CALL gpup_crt_snwprintf_s(PWSTR to, SIZE_T room, SIZE_T count, PCWSTR format, ...);
int DDI_CALL gpup_crt_vsprintf(PCHAR to, PCSTR format, __builtin_ms_va_list arguments);

#endif
