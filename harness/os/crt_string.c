/* Strings of bytes, characters and numbers of the C run-time. */
#include "crt.h"
#include <stdbool.h>
#include <string.h>

SIZE_T DDI_CALL gpup_crt_strlen(PCSTR text) {
    return strlen(text);
}

SIZE_T DDI_CALL gpup_crt_strnlen(PCSTR text, SIZE_T most) {
    return strnlen(text, most);
}

int DDI_CALL gpup_crt_strcmp(PCSTR one, PCSTR other) {
    return strcmp(one, other);
}

int DDI_CALL gpup_crt_strncmp(PCSTR one, PCSTR other, SIZE_T most) {
    return strncmp(one, other, most);
}

int DDI_CALL gpup_crt_strnicmp(PCSTR one, PCSTR other, SIZE_T most) {
    for (; most; most--, one++, other++) {
        int a = gpup_crt_tolower((unsigned char)*one), b = gpup_crt_tolower((unsigned char)*other);

        if (a != b || !a)
            return a - b;
    }
    return 0;
}

int DDI_CALL gpup_crt_stricmp(PCSTR one, PCSTR other) {
    return gpup_crt_strnicmp(one, other, SIZE_MAX);
}

PCHAR DDI_CALL gpup_crt_strcpy(PCHAR to, PCSTR from) {
    return memcpy(to, from, strlen(from) + 1);
}

PCHAR DDI_CALL gpup_crt_strncpy(PCHAR to, PCSTR from, SIZE_T most) {
    size_t length = strnlen(from, most);

    memcpy(to, from, length);
    memset(to + length, 0, most - length);
    return to;
}

PCHAR DDI_CALL gpup_crt_strcat(PCHAR to, PCSTR from) {
    memcpy(to + strlen(to), from, strlen(from) + 1);
    return to;
}

PCHAR DDI_CALL gpup_crt_strncat(PCHAR to, PCSTR from, SIZE_T most) {
    size_t at = strlen(to), length = strnlen(from, most);

    memcpy(to + at, from, length);
    to[at + length] = '\0';
    return to;
}

PCHAR DDI_CALL gpup_crt_strchr(PCSTR text, int c) {
    return strchr(text, c);
}

PCHAR DDI_CALL gpup_crt_strrchr(PCSTR text, int c) {
    return strrchr(text, c);
}

PCHAR DDI_CALL gpup_crt_strstr(PCSTR text, PCSTR part) {
    return strstr(text, part);
}

errno_t DDI_CALL gpup_crt_strncpy_s(PCHAR to, SIZE_T room, PCSTR from, SIZE_T most) {
    size_t length;

    if (!to || !room)
        return GPUP_CRT_EINVAL;
    *to = '\0';
    if (!from)
        return GPUP_CRT_EINVAL;
    length = strnlen(from, most == GPUP_CRT_TRUNCATE ? room - 1 : most);
    if (length >= room)
        return GPUP_CRT_ERANGE;
    memcpy(to, from, length);
    to[length] = '\0';
    return 0;
}

errno_t DDI_CALL gpup_crt_strcpy_s(PCHAR to, SIZE_T room, PCSTR from) {
    return gpup_crt_strncpy_s(to, room, from, SIZE_MAX - 1);
}

errno_t DDI_CALL gpup_crt_strcat_s(PCHAR to, SIZE_T room, PCSTR from) {
    size_t at = to ? strnlen(to, room) : room;
    errno_t error = at < room ? gpup_crt_strcpy_s(to + at, room - at, from) : GPUP_CRT_EINVAL;

    if (error && to && room)
        *to = '\0';
    return error;
}

/* --- characters: ASCII */

int DDI_CALL gpup_crt_toupper(int c) {
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

int DDI_CALL gpup_crt_tolower(int c) {
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

int DDI_CALL gpup_crt_isdigit(int c) {
    return c >= '0' && c <= '9';
}

int DDI_CALL gpup_crt_isspace(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int DDI_CALL gpup_crt_isxdigit(int c) {
    int lower = gpup_crt_tolower(c);

    return gpup_crt_isdigit(c) || (lower >= 'a' && lower <= 'f');
}

int DDI_CALL gpup_crt_isprint(int c) {
    return c >= ' ' && c <= '~';
}

LONG64 DDI_CALL gpup_crt_atoi64(PCSTR text) {
    uint64_t value = 0;
    bool negative;

    while (gpup_crt_isspace((unsigned char)*text))
        text++;
    negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    for (; gpup_crt_isdigit((unsigned char)*text); text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return (LONG64)(negative ? 0 - value : value);
}

int DDI_CALL gpup_crt_atoi(PCSTR text) {
    return (int)gpup_crt_atoi64(text);
}
