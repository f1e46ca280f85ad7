/* Strings of 16-bit characters of the C run-time. Case is that of ASCII and Latin-1. */
#include "crt.h"
#include <string.h>

SIZE_T DDI_CALL gpup_crt_wcsnlen(PCWSTR text, SIZE_T most) {
    size_t length = 0;

    while (length < most && text[length])
        length++;
    return length;
}

SIZE_T DDI_CALL gpup_crt_wcslen(PCWSTR text) {
    return gpup_crt_wcsnlen(text, SIZE_MAX);
}

WCHAR DDI_CALL gpup_crt_towupper(WCHAR c) {
    if ((c >= 'a' && c <= 'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7))
        return (WCHAR)(c - 32);
    return c == 0xFF ? 0x178 : c;
}

WCHAR DDI_CALL gpup_crt_towlower(WCHAR c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7))
        return (WCHAR)(c + 32);
    return c == 0x178 ? 0xFF : c;
}

int DDI_CALL gpup_crt_wcsncmp(PCWSTR one, PCWSTR other, SIZE_T most) {
    for (; most; most--, one++, other++)
        if (*one != *other || !*one)
            return *one - *other;
    return 0;
}

int DDI_CALL gpup_crt_wcscmp(PCWSTR one, PCWSTR other) {
    return gpup_crt_wcsncmp(one, other, SIZE_MAX);
}

int DDI_CALL gpup_crt_wcsnicmp(PCWSTR one, PCWSTR other, SIZE_T most) {
    for (; most; most--, one++, other++) {
        int a = gpup_crt_towlower(*one), b = gpup_crt_towlower(*other);

        if (a != b || !a)
            return a - b;
    }
    return 0;
}

int DDI_CALL gpup_crt_wcsicmp(PCWSTR one, PCWSTR other) {
    return gpup_crt_wcsnicmp(one, other, SIZE_MAX);
}

PWSTR DDI_CALL gpup_crt_wcscpy(PWSTR to, PCWSTR from) {
    return memcpy(to, from, 2 * (gpup_crt_wcslen(from) + 1));
}

PWSTR DDI_CALL gpup_crt_wcsncpy(PWSTR to, PCWSTR from, SIZE_T most) {
    size_t length = gpup_crt_wcsnlen(from, most);

    memcpy(to, from, 2 * length);
    memset(to + length, 0, 2 * (most - length));
    return to;
}

PWSTR DDI_CALL gpup_crt_wcscat(PWSTR to, PCWSTR from) {
    gpup_crt_wcscpy(to + gpup_crt_wcslen(to), from);
    return to;
}

static PWSTR writable(PCWSTR text) {
    return (PWSTR)(uintptr_t)text; // NOLINT(performance-no-int-to-ptr)
}

PWSTR DDI_CALL gpup_crt_wcschr(PCWSTR text, WCHAR c) {
    for (;; text++) {
        if (*text == c)
            return writable(text);
        if (!*text)
            return NULL;
    }
}

PWSTR DDI_CALL gpup_crt_wcsrchr(PCWSTR text, WCHAR c) {
    PCWSTR found = NULL;

    for (;; text++) {
        if (*text == c)
            found = text;
        if (!*text)
            return writable(found);
    }
}

PWSTR DDI_CALL gpup_crt_wcsstr(PCWSTR text, PCWSTR part) {
    size_t length = gpup_crt_wcslen(part);

    for (;; text++) {
        if (!gpup_crt_wcsncmp(text, part, length))
            return writable(text);
        if (!*text)
            return NULL;
    }
}

errno_t DDI_CALL gpup_crt_wcscpy_s(PWSTR to, SIZE_T room, PCWSTR from) {
    size_t length;

    if (!to || !room)
        return GPUP_CRT_EINVAL;
    *to = 0;
    if (!from)
        return GPUP_CRT_EINVAL;
    length = gpup_crt_wcsnlen(from, room);
    if (length == room)
        return GPUP_CRT_ERANGE;
    memcpy(to, from, 2 * (length + 1));
    return 0;
}

errno_t DDI_CALL gpup_crt_wcscat_s(PWSTR to, SIZE_T room, PCWSTR from) {
    size_t at = to ? gpup_crt_wcsnlen(to, room) : room;
    errno_t error = at < room ? gpup_crt_wcscpy_s(to + at, room - at, from) : GPUP_CRT_EINVAL;

    if (error && to && room)
        *to = 0;
    return error;
}

static unsigned digit_of(WCHAR c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = gpup_crt_towlower(c);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10u : 99;
}

/* A value that is too large becomes the largest; without digits *end is the beginning. */
ULONG DDI_CALL gpup_crt_wcstoul(PCWSTR text, PWSTR *end, int base) {
    PCWSTR at = text;
    uint64_t value = 0;
    int negative, digits = 0;

    while (*at < 128 && gpup_crt_isspace(*at))
        at++;
    negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if ((base == 0 || base == 16) && at[0] == '0' && (at[1] | 32) == 'x' && digit_of(at[2]) < 16) {
        at += 2;
        base = 16;
    } else if (base == 0)
        base = *at == '0' ? 8 : 10;
    for (; digit_of(*at) < (unsigned)base; at++, digits++)
        if (value <= MAXULONG)
            value = value * (unsigned)base + digit_of(*at);
    if (end)
        *end = writable(digits ? at : text);
    if (value > MAXULONG)
        return MAXULONG;
    return negative ? 0 - (ULONG)value : (ULONG)value;
}

errno_t DDI_CALL gpup_crt_wcsncpy_s(PWSTR to, SIZE_T room, PCWSTR from, SIZE_T most) {
    size_t length;

    if (!to || !room)
        return GPUP_CRT_EINVAL;
    *to = 0;
    if (!from)
        return most ? GPUP_CRT_EINVAL : 0;
    length = gpup_crt_wcsnlen(from, most < room ? most : room);
    if (length == room) {
        if (most != GPUP_CRT_TRUNCATE)
            return GPUP_CRT_ERANGE;
        length--;
    }
    memcpy(to, from, 2 * length);
    to[length] = 0;
    return most == GPUP_CRT_TRUNCATE && from[length] ? GPUP_CRT_STRUNCATE : 0;
}

int DDI_CALL gpup_crt_iswdigit(WCHAR c) {
    return c >= '0' && c <= '9';
}

int DDI_CALL gpup_crt_wtoi(PCWSTR text) {
    return (int)gpup_crt_wcstoul(text, NULL, 10);
}
