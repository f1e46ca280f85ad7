/* printf into strings, as the C run-time of the kernel does it: -1 for a text that does not fit. */
#include "crt.h"
#include "format.h"
#include <stdbool.h>
#include <string.h>

#define LONGEST 4096u /* characters a wide text has at most */

/* The old ones: no terminator when there is just no room for it. */
int DDI_CALL gpup_crt_vsnprintf(PCHAR to, SIZE_T count, PCSTR format, __builtin_ms_va_list arguments) {
    char text[LONGEST];
    size_t length = gpup_format(text, sizeof text, format, arguments);

    if (length >= sizeof text)
        return -1;
    memcpy(to, text, length < count ? length + 1 : count);
    return length > count ? -1 : (int)length;
}

int DDI_CALL gpup_crt_snprintf(PCHAR to, SIZE_T count, PCSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vsnprintf(to, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

int DDI_CALL gpup_crt_sprintf(PCHAR to, PCSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vsnprintf(to, LONGEST, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

/* The checked ones: always a terminator; count TRUNCATE cuts, another one that does not fit is an error. */
int DDI_CALL gpup_crt_vsnprintf_s(PCHAR to, SIZE_T room, SIZE_T count, PCSTR format,
                                  __builtin_ms_va_list arguments) {
    bool cut = count == GPUP_CRT_TRUNCATE || count < room;
    size_t most = cut && count < room ? count + 1 : room;
    size_t length;

    if (!to || !room || !format)
        return -1;
    length = gpup_format(to, most, format, arguments);
    if (length < most)
        return (int)length;
    if (!cut)
        *to = '\0';
    return -1;
}

int DDI_CALL gpup_crt_snprintf_s(PCHAR to, SIZE_T room, SIZE_T count, PCSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vsnprintf_s(to, room, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

int DDI_CALL gpup_crt_vsprintf_s(PCHAR to, SIZE_T room, PCSTR format, __builtin_ms_va_list arguments) {
    return gpup_crt_vsnprintf_s(to, room, room, format, arguments);
}

int DDI_CALL gpup_crt_sprintf_s(PCHAR to, SIZE_T room, PCSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vsprintf_s(to, room, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

/* --- 16-bit characters */

/* In a wide format %s and %c are wide and %S narrow: the same as a narrow one with the sizes written out. */
static bool narrow_format(char *out, size_t size, PCWSTR format) {
    size_t at = 0;

    for (; *format; format++) {
        bool open = *format == '%';

        if (at + 4 >= size)
            return false;
        out[at++] = (char)(*format < 128 ? *format : '?');
        if (!open)
            continue;
        for (format++; *format && *format < 128 && !strchr("diuxXocsSpCZ%", *format) && at + 4 < size;
             format++)
            out[at++] = (char)*format;
        if (!*format)
            break;
        if (*format == 's' && out[at - 1] != 'h')
            out[at++] = 'w';
        out[at++] = (char)(*format == 'S' ? 's' : *format);
    }
    out[at] = '\0';
    return true;
}

/* SIZE_MAX: not a format we can follow, or too long. Nothing of the driver's is written before it is known.
 */
static size_t format_wide(char *text, PCWSTR format, __builtin_ms_va_list arguments) {
    char narrow[LONGEST / 4];
    size_t length;

    if (!narrow_format(narrow, sizeof narrow, format))
        return SIZE_MAX;
    length = gpup_format(text, LONGEST, narrow, arguments);
    return length < LONGEST ? length : SIZE_MAX;
}

static void widen(PWSTR to, const char *text, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] = (unsigned char)text[i];
}

int DDI_CALL gpup_crt_vsnwprintf(PWSTR to, SIZE_T count, PCWSTR format, __builtin_ms_va_list arguments) {
    char text[LONGEST];
    size_t length = format_wide(text, format, arguments);

    if (length == SIZE_MAX)
        return -1;
    widen(to, text, length < count ? length + 1 : count);
    return length > count ? -1 : (int)length;
}

int DDI_CALL gpup_crt_snwprintf(PWSTR to, SIZE_T count, PCWSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vsnwprintf(to, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

int DDI_CALL gpup_crt_vswprintf_s(PWSTR to, SIZE_T room, PCWSTR format, __builtin_ms_va_list arguments) {
    char text[LONGEST];
    size_t length = to && room && format ? format_wide(text, format, arguments) : SIZE_MAX;

    if (length < room) {
        widen(to, text, length + 1);
        return (int)length;
    }
    if (to && room)
        *to = 0;
    return -1;
}

int DDI_CALL gpup_crt_swprintf_s(PWSTR to, SIZE_T room, PCWSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vswprintf_s(to, room, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

/* At most count characters, or as many as there is room for when count is -1 (_TRUNCATE). */
int DDI_CALL gpup_crt_vsnwprintf_s(PWSTR to, SIZE_T room, SIZE_T count, PCWSTR format,
                                   __builtin_ms_va_list arguments) {
    char text[LONGEST];
    size_t length = to && room && format ? format_wide(text, format, arguments) : SIZE_MAX, fits;

    if (to && room)
        *to = 0;
    if (length == SIZE_MAX)
        return -1;
    fits = length <= count ? length : count;
    if (fits >= room && count != GPUP_CRT_TRUNCATE)
        return -1; /* nothing is written: neither it nor count characters fit */
    fits = fits < room ? fits : room - 1;
    widen(to, text, fits);
    to[fits] = 0;
    return fits < length ? -1 : (int)length;
}

int DDI_CALL gpup_crt_snwprintf_s(PWSTR to, SIZE_T room, SIZE_T count, PCWSTR format, ...) {
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = gpup_crt_vsnwprintf_s(to, room, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}

int DDI_CALL gpup_crt_vsprintf(PCHAR to, PCSTR format, __builtin_ms_va_list arguments) {
    return gpup_crt_vsnprintf(to, LONGEST, format, arguments);
}
