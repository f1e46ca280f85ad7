/* C run-time names, called at the addresses that an image is given for them. */
#include "crt.h"
#include "trial.h"
#include <gpup/kernel.h>
#include <string.h>

#define GET(name, function)                                                                                  \
    __typeof__(&(function)) f =                                                                              \
        (__typeof__(&(function)))(uintptr_t)gpup_kernel_find("ntoskrnl.exe", #name)->address
/* An effect in one expression over `f`, the function, and `b`, the room; and the call that must fault. */
#define EXPECT(name, function, condition, wrong)                                                             \
    EFFECT(name) {                                                                                           \
        UNUSED char *b = room;                                                                               \
        GET(name, function);                                                                                 \
                                                                                                             \
        MUST(condition);                                                                                     \
        return 0;                                                                                            \
    }                                                                                                        \
    MISUSE(name) {                                                                                           \
        UNUSED char *b = room;                                                                               \
        GET(name, function);                                                                                 \
                                                                                                             \
        (void)(wrong);                                                                                       \
        return 0;                                                                                            \
    }
#define SAY(text) memcpy(b, (text), sizeof(text))
#define IS(text) (!memcmp(b, (text), sizeof(text)))
#define NO_TEXT ((PCSTR)8)

EXPECT(memcpy, gpup_crt_memcpy, f(b, "abc", 4) == b && IS("abc"), f(b, NO_TEXT, 4))
EXPECT(memmove, gpup_crt_memmove, SAY("abcd") && f(b + 1, b, 3) == b + 1 && IS("aabc"), f(NULL, b, 4))
EXPECT(memset, gpup_crt_memset, f(b, 'x', 3) == b && IS("xxx"), f(b, 0, ROOM + 1))
EXPECT(memcmp, gpup_crt_memcmp, f("abc", "abd", 3) < 0 && !f("abc", "abd", 2), f(b, NO_TEXT, 4))
EXPECT(memchr, gpup_crt_memchr, SAY("abc") && f(b, 'c', 4) == b + 2 && !f(b, 'd', 3), f(NO_TEXT, 'a', 4))
EXPECT(memcpy_s, gpup_crt_memcpy_s,
       !f(b, 10, "abc", 4) && IS("abc") && f(b, 2, "xyz", 3) == 34 && IS("\0\0c"), f((PVOID)8, 10, "abc", 4))
EXPECT(memmove_s, gpup_crt_memmove_s,
       SAY("abcd") && !f(b + 1, 9, b, 3) && IS("aabc") && f(NULL, 9, b, 3) == 22, f((PVOID)8, 10, "abc", 4))
EXPECT(strlen, gpup_crt_strlen, f("abcd") == 4, f(NO_TEXT))
EXPECT(strnlen, gpup_crt_strnlen, f("abcd", 9) == 4 && f("abcd", 2) == 2, f(NO_TEXT, 4))
EXPECT(strcmp, gpup_crt_strcmp, f("ab", "ac") < 0 && !f("ab", "ab") && f("b", "a") > 0, f("a", NO_TEXT))
EXPECT(strncmp, gpup_crt_strncmp, !f("abX", "abY", 2) && f("abX", "abY", 3) < 0, f("a", NO_TEXT, 2))
EXPECT(_stricmp, gpup_crt_stricmp, !f("aBc", "AbC") && f("a", "B") < 0, f("a", NO_TEXT))
EXPECT(_strnicmp, gpup_crt_strnicmp, !f("aBx", "AbY", 2) && f("aBx", "AbY", 3) < 0, f("a", NO_TEXT, 3))
EXPECT(strcpy, gpup_crt_strcpy, f(b, "abc") == b && IS("abc"), f(b + ROOM - 2, "abc"))
EXPECT(strncpy, gpup_crt_strncpy, memset(b, 1, 6) && f(b, "ab", 5) == b && IS("ab\0\0\0\1"),
       f(b + ROOM, "a", 1))
EXPECT(strcat, gpup_crt_strcat, SAY("ab") && f(b, "cd") == b && IS("abcd"), f(b, NO_TEXT))
EXPECT(strncat, gpup_crt_strncat, SAY("ab") && f(b, "cde", 2) == b && IS("abcd"), f(b, NO_TEXT, 2))
EXPECT(strchr, gpup_crt_strchr, SAY("abcb") && f(b, 'b') == b + 1 && !f(b, 'x'), f(NO_TEXT, 'a'))
EXPECT(strrchr, gpup_crt_strrchr, SAY("abcb") && f(b, 'b') == b + 3 && !f(b, 'x'), f(NO_TEXT, 'a'))
EXPECT(strstr, gpup_crt_strstr, SAY("abcbd") && f(b, "cb") == b + 2 && !f(b, "cd"), f(NO_TEXT, "a"))
EXPECT(strcpy_s, gpup_crt_strcpy_s, !f(b, 4, "abc") && IS("abc") && f(b, 3, "xyz") == 34 && !*b,
       f((PCHAR)8, 4, "a"))
EXPECT(strcat_s, gpup_crt_strcat_s, SAY("ab") && !f(b, 5, "cd") && IS("abcd") && f(b, 5, "e") == 34 && !*b,
       f((PCHAR)8, 4, "a"))
EXPECT(strncpy_s, gpup_crt_strncpy_s,
       !f(b, 4, "abcdef", SIZE_MAX) && IS("abc") && !f(b, 4, "abcdef", 2) && IS("ab"), f((PCHAR)8, 4, "a", 1))

/* --- characters and numbers */

#define CHARACTER(name, function, condition)                                                                 \
    EFFECT(name) {                                                                                           \
        GET(name, function);                                                                                 \
                                                                                                             \
        MUST(condition);                                                                                     \
        return 0;                                                                                            \
    }
CHARACTER(toupper, gpup_crt_toupper, f('a') == 'A' && f('Z') == 'Z' && f('1') == '1')
CHARACTER(tolower, gpup_crt_tolower, f('A') == 'a' && f('z') == 'z' && f('@') == '@')
CHARACTER(isdigit, gpup_crt_isdigit, f('0') && f('9') && !f('a') && !f('/'))
CHARACTER(isspace, gpup_crt_isspace, f(' ') && f('\n') && !f('x') && !f(0))
CHARACTER(isxdigit, gpup_crt_isxdigit, f('f') && f('F') && f('7') && !f('g'))
CHARACTER(isprint, gpup_crt_isprint, f(' ') && f('~') && !f(127) && !f('\t'))
CHARACTER(towupper, gpup_crt_towupper, f('a') == 'A' && f(0xE4) == 0xC4 && f(0xF7) == 0xF7)
CHARACTER(towlower, gpup_crt_towlower, f('A') == 'a' && f(0xC4) == 0xE4 && f(0xD7) == 0xD7)
EXPECT(atoi, gpup_crt_atoi, f(" -42x") == -42 && f("+7") == 7 && f("x") == 0, f(NO_TEXT))
EXPECT(atol, gpup_crt_atoi, f("2147483647") == 2147483647, f(NO_TEXT))
EXPECT(_atoi64, gpup_crt_atoi64, f("-9000000000") == -9000000000, f(NO_TEXT))

/* --- order */

static int DDI_CALL by_value(const VOID *one, const VOID *other) {
    const int *a = one, *b = other;

    return (*a > *b) - (*a < *b);
}
EFFECT(qsort) {
    int numbers[] = {5, 1, 9, 3, 3, 7, -2}, key = 7, missing = 4;
    const int *found;
    GET(qsort, gpup_crt_qsort);
    gpup_crt_compare compare = by_value;
    __typeof__(&gpup_crt_bsearch) search =
        (__typeof__(&gpup_crt_bsearch))(uintptr_t)gpup_kernel_find("ntoskrnl.exe", "bsearch")->address;

    f(numbers, 7, sizeof *numbers, compare);
    for (int i = 1; i < 7; i++)
        MUST(numbers[i - 1] <= numbers[i]);
    found = search(&key, numbers, 7, sizeof *numbers, compare);
    MUST(found == &numbers[5] && !search(&missing, numbers, 7, sizeof *numbers, compare));
    return 0;
}
MISUSE(qsort) { /* more than there is */
    GET(qsort, gpup_crt_qsort);

    f(room, ROOM, 4, by_value);
    return 0;
}
MISUSE(bsearch) {
    GET(bsearch, gpup_crt_bsearch);

    return (uint64_t)(uintptr_t)f(room, NULL, 4, 4, by_value);
}

/* --- under the names of the kernel's library */

EXPECT(RtlCopyMemory, gpup_crt_memmove, f(b, "abc", 4) == b && IS("abc"), f(b, NO_TEXT, 4))
EXPECT(RtlMoveMemory, gpup_crt_memmove, SAY("abcd") && f(b, b + 1, 3) == b && IS("bcdd"), f(NULL, b, 4))
EXPECT(RtlZeroMemory, gpup_crt_zero, SAY("abcd") && (f(b, 2), true) && IS("\0\0cd"), (f(b, ROOM + 1), 0))
EXPECT(RtlFillMemory, gpup_crt_fill, SAY("abcd") && (f(b, 2, 'x'), true) && IS("xxcd"),
       (f(b, ROOM + 1, 0), 0))

const struct trial runtime_trials[] = {
    TRIAL(memcpy, FAULTS),
    TRIAL(memmove, FAULTS),
    TRIAL(memset, FAULTS),
    TRIAL(memcmp, FAULTS),
    TRIAL(memchr, FAULTS),
    TRIAL(memcpy_s, FAULTS),
    TRIAL(memmove_s, FAULTS),
    TRIAL(strlen, FAULTS),
    TRIAL(strnlen, FAULTS),
    TRIAL(strcmp, FAULTS),
    TRIAL(strncmp, FAULTS),
    TRIAL(_stricmp, FAULTS),
    TRIAL(_strnicmp, FAULTS),
    TRIAL(strcpy, FAULTS),
    TRIAL(strncpy, FAULTS),
    TRIAL(strcat, FAULTS),
    TRIAL(strncat, FAULTS),
    TRIAL(strchr, FAULTS),
    TRIAL(strrchr, FAULTS),
    TRIAL(strstr, FAULTS),
    TRIAL(strcpy_s, FAULTS),
    TRIAL(strcat_s, FAULTS),
    TRIAL(strncpy_s, FAULTS),
    SAFE(toupper),
    SAFE(tolower),
    SAFE(isdigit),
    SAFE(isspace),
    SAFE(isxdigit),
    SAFE(isprint),
    SAFE(towupper),
    SAFE(towlower),
    TRIAL(atoi, FAULTS),
    TRIAL(atol, FAULTS),
    TRIAL(_atoi64, FAULTS),
    TRIAL(qsort, FAULTS),
    WITH(bsearch, qsort, FAULTS),
    TRIAL(RtlCopyMemory, FAULTS),
    TRIAL(RtlMoveMemory, FAULTS),
    TRIAL(RtlZeroMemory, FAULTS),
    TRIAL(RtlFillMemory, FAULTS),
    {0},
};
