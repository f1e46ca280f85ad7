/* Wide strings and printing of the C run-time, and ntstrsafe's functions, which a native driver has from
 * here. */
#include "crt.h"
#include "trial.h"
#include <gpup/kernel.h>
#include <string.h>

#define GET(name, function)                                                                                  \
    __typeof__(&(function)) f =                                                                              \
        (__typeof__(&(function)))(uintptr_t)gpup_kernel_find("ntoskrnl.exe", #name)->address
#define EXPECT(name, function, condition, wrong)                                                             \
    EFFECT(name) {                                                                                           \
        UNUSED WCHAR *w = room;                                                                              \
        UNUSED char *b = room;                                                                               \
        GET(name, function);                                                                                 \
                                                                                                             \
        MUST(condition);                                                                                     \
        return 0;                                                                                            \
    }                                                                                                        \
    MISUSE(name) {                                                                                           \
        UNUSED WCHAR *w = room;                                                                              \
        UNUSED char *b = room;                                                                               \
        GET(name, function);                                                                                 \
                                                                                                             \
        (void)(wrong);                                                                                       \
        return 0;                                                                                            \
    }
#define SAY(text) memcpy(w, (text), sizeof(text))
#define IS(text) (!memcmp(w, text, sizeof(text)))
#define NO_TEXT ((PCWSTR)8)
#define NO_BYTES ((PCHAR)8)

EXPECT(wcslen, gpup_crt_wcslen, f(u"abcd") == 4, f(NO_TEXT))
EXPECT(wcsnlen, gpup_crt_wcsnlen, f(u"abcd", 9) == 4 && f(u"abcd", 2) == 2, f(NO_TEXT, 4))
EXPECT(wcscmp, gpup_crt_wcscmp, f(u"ab", u"ac") < 0 && !f(u"ab", u"ab"), f(u"a", NO_TEXT))
EXPECT(wcsncmp, gpup_crt_wcsncmp, !f(u"abX", u"abY", 2) && f(u"abX", u"abY", 3) < 0, f(u"a", NO_TEXT, 2))
EXPECT(_wcsicmp, gpup_crt_wcsicmp, !f(u"aBc", u"AbC") && f(u"a", u"B") < 0, f(u"a", NO_TEXT))
EXPECT(_wcsnicmp, gpup_crt_wcsnicmp, !f(u"aBx", u"AbY", 2) && f(u"aBx", u"AbY", 3) < 0, f(u"a", NO_TEXT, 3))
EXPECT(wcscpy, gpup_crt_wcscpy, f(w, u"abc") == w && IS(u"abc"), f(w + ROOM / 2 - 2, u"abc"))
EXPECT(wcsncpy, gpup_crt_wcsncpy, memset(w, 1, 8) && f(w, u"ab", 3) == w && IS(u"ab\0\x0101"),
       f(w, NO_TEXT, 3))
EXPECT(wcscat, gpup_crt_wcscat, SAY(u"ab") && f(w, u"cd") == w && IS(u"abcd"), f(w, NO_TEXT))
EXPECT(wcschr, gpup_crt_wcschr, SAY(u"abcb") && f(w, 'b') == w + 1 && !f(w, 'x'), f(NO_TEXT, 'a'))
EXPECT(wcsrchr, gpup_crt_wcsrchr, SAY(u"abcb") && f(w, 'b') == w + 3 && !f(w, 'x'), f(NO_TEXT, 'a'))
EXPECT(wcsstr, gpup_crt_wcsstr, SAY(u"abcbd") && f(w, u"cb") == w + 2 && !f(w, u"cd"), f(NO_TEXT, u"a"))
EXPECT(wcscpy_s, gpup_crt_wcscpy_s, !f(w, 4, u"abc") && IS(u"abc") && f(w, 3, u"xyz") == 34 && !*w,
       f((PWSTR)8, 4, u"a"))
EXPECT(wcscat_s, gpup_crt_wcscat_s,
       SAY(u"ab") && !f(w, 5, u"cd") && IS(u"abcd") && f(w, 5, u"e") == 34 && !*w, f((PWSTR)8, 4, u"a"))
EXPECT(wcstoul, gpup_crt_wcstoul,
       f(u"0x1F!", (PWSTR *)room, 0) == 31 && **(PWSTR *)room == '!' && f(u"77", NULL, 8) == 63 &&
           f(u"99999999999", NULL, 10) == MAXULONG,
       f(NO_TEXT, NULL, 10))

/* --- printing */

#define TEXT(text) (!memcmp(b, (text), sizeof(text)))
EXPECT(sprintf, gpup_crt_sprintf, f(b, "%d-%s", 7, "x") == 3 && TEXT("7-x"), f(NO_BYTES, "%d", 1))
EXPECT(_snprintf, gpup_crt_snprintf,
       memset(b, 'z', 9) && f(b, 8, "%04x", 0xAB) == 4 && TEXT("00ab") && f(b, 2, "%d", 123) == -1 &&
           !memcmp(b, "12ab", 4) && f(b, 3, "%d", 789) == 3 && !memcmp(b, "789b", 4),
       f(NO_BYTES, 4, "%d", 1))
EXPECT(sprintf_s, gpup_crt_sprintf_s, f(b, 8, "%u", 99) == 2 && TEXT("99") && f(b, 2, "%u", 99) == -1 && !*b,
       f(NO_BYTES, 8, "%u", 1))
EXPECT(_snprintf_s, gpup_crt_snprintf_s,
       f(b, 4, SIZE_MAX, "%s", "abcdef") == -1 && TEXT("abc") && f(b, 8, 2, "%s", "xyz") == -1 && TEXT("xy"),
       f(NO_BYTES, 8, 4, "%u", 1))
EXPECT(_snwprintf, gpup_crt_snwprintf,
       f(w, 40, u"%s|%S|%ws|%hs|%5d", u"wide", "narrow", u"w", "h", 42) == 21 && IS(u"wide|narrow|w|h|   42"),
       f((PWSTR)8, 9, u"%d", 1))
EXPECT(swprintf_s, gpup_crt_swprintf_s,
       f(w, 20, u"%s-%x", u"id", 255) == 5 && IS(u"id-ff") && f(w, 3, u"%s", u"abc") == -1 && !*w,
       f((PWSTR)8, 9, u"%d", 1))

/* The same with a list of arguments. */
#define LISTED(name, function, ...)                                                                          \
    static int DDI_CALL name##_listed(__VA_ARGS__, ...) {                                                    \
        __builtin_ms_va_list arguments;                                                                      \
        int length;                                                                                          \
        GET(name, function);                                                                                 \
                                                                                                             \
        __builtin_ms_va_start(arguments, format);                                                            \
        length = f(PASS, format, arguments);                                                                 \
        __builtin_ms_va_end(arguments);                                                                      \
        return length;                                                                                       \
    }
#define PASS to, room
LISTED(_vsnprintf, gpup_crt_vsnprintf, PCHAR to, SIZE_T room, PCSTR format)
LISTED(vsprintf_s, gpup_crt_vsprintf_s, PCHAR to, SIZE_T room, PCSTR format)
LISTED(_vsnwprintf, gpup_crt_vsnwprintf, PWSTR to, SIZE_T room, PCWSTR format)
LISTED(vswprintf_s, gpup_crt_vswprintf_s, PWSTR to, SIZE_T room, PCWSTR format)
#undef PASS
#define PASS to, room, count
LISTED(_vsnprintf_s, gpup_crt_vsnprintf_s, PCHAR to, SIZE_T room, SIZE_T count, PCSTR format)

#define EXPECT_LISTED(name, condition, wrong)                                                                \
    EFFECT(name) {                                                                                           \
        UNUSED WCHAR *w = room;                                                                              \
        UNUSED char *b = room;                                                                               \
                                                                                                             \
        MUST(condition);                                                                                     \
        return 0;                                                                                            \
    }                                                                                                        \
    MISUSE(name) {                                                                                           \
        return (uint64_t)(wrong);                                                                            \
    }
EXPECT_LISTED(_vsnprintf, _vsnprintf_listed(b, 8, "%d", 5) == 1 && TEXT("5"),
              _vsnprintf_listed(NO_BYTES, 8, "%d", 5))
EXPECT_LISTED(vsprintf_s, vsprintf_s_listed(b, 8, "%d", 5) == 1 && TEXT("5"),
              vsprintf_s_listed(NO_BYTES, 8, "%d", 5))
EXPECT_LISTED(_vsnprintf_s, _vsnprintf_s_listed(b, 8, 3, "%d", 12345) == -1 && TEXT("123"),
              _vsnprintf_s_listed(NO_BYTES, 8, 3, "%d", 5))
EXPECT_LISTED(_vsnwprintf, _vsnwprintf_listed(w, 8, u"%d", 5) == 1 && IS(u"5"),
              _vsnwprintf_listed((PWSTR)8, 8, u"%d", 5))
EXPECT_LISTED(vswprintf_s, vswprintf_s_listed(w, 8, u"%d", 5) == 1 && IS(u"5"),
              vswprintf_s_listed((PWSTR)8, 8, u"%d", 5))

/* --- ntstrsafe: sizes are bytes, a text that does not fit is cut */

EFFECT(RtlStringCbCopyA) {
    char *b = room;
    SIZE_T length = 0;

    MUST(RtlStringCbCopyA(b, 4, "abc") == STATUS_SUCCESS && TEXT("abc"));
    MUST(RtlStringCbCopyA(b, 3, "xyz") == STATUS_BUFFER_OVERFLOW && TEXT("xy"));
    MUST(RtlStringCbCatA(b, 5, "12") == STATUS_SUCCESS && TEXT("xy12"));
    MUST(RtlStringCbCatA(b, 6, "34") == STATUS_BUFFER_OVERFLOW && TEXT("xy123"));
    MUST(RtlStringCbLengthA(b, 10, &length) == STATUS_SUCCESS && length == 5);
    MUST(RtlStringCbLengthA(b, 5, &length) == STATUS_INVALID_PARAMETER);
    MUST(RtlStringCbPrintfA(b, 10, "%s=%d", "n", 4) == STATUS_SUCCESS && TEXT("n=4"));
    MUST(RtlStringCbPrintfA(b, 3, "%s=%d", "n", 4) == STATUS_BUFFER_OVERFLOW && TEXT("n="));
    MUST(RtlStringCbCopyA(b, 0, "abc") == STATUS_INVALID_PARAMETER);
    return 0;
}
MISUSE(RtlStringCbCopyA) {
    return (uint64_t)RtlStringCbCopyA(room, 10, (PCSTR)8);
}
MISUSE(RtlStringCbCatA) {
    return (uint64_t)RtlStringCbCatA(room, 10, (PCSTR)8);
}
MISUSE(RtlStringCbLengthA) {
    return (uint64_t)RtlStringCbLengthA((PCSTR)8, 10, NULL);
}
MISUSE(RtlStringCbPrintfA) {
    return (uint64_t)RtlStringCbPrintfA(room, 10, "%s", (PCSTR)8);
}
EFFECT(RtlStringCbCopyW) {
    WCHAR *w = room;

    MUST(RtlStringCbCopyW(w, 8, u"abc") == STATUS_SUCCESS && IS(u"abc"));
    MUST(RtlStringCbCopyW(w, 6, u"xyz") == STATUS_BUFFER_OVERFLOW && IS(u"xy"));
    return 0;
}
MISUSE(RtlStringCbCopyW) {
    return (uint64_t)RtlStringCbCopyW(room, 10, (PCWSTR)8);
}

const struct trial text_trials[] = {
    TRIAL(wcslen, FAULTS),
    TRIAL(wcsnlen, FAULTS),
    TRIAL(wcscmp, FAULTS),
    TRIAL(wcsncmp, FAULTS),
    TRIAL(_wcsicmp, FAULTS),
    TRIAL(_wcsnicmp, FAULTS),
    TRIAL(wcscpy, FAULTS),
    TRIAL(wcsncpy, FAULTS),
    TRIAL(wcscat, FAULTS),
    TRIAL(wcschr, FAULTS),
    TRIAL(wcsrchr, FAULTS),
    TRIAL(wcsstr, FAULTS),
    TRIAL(wcscpy_s, FAULTS),
    TRIAL(wcscat_s, FAULTS),
    TRIAL(wcstoul, FAULTS),
    TRIAL(sprintf, FAULTS),
    TRIAL(_snprintf, FAULTS),
    TRIAL(_vsnprintf, FAULTS),
    TRIAL(sprintf_s, FAULTS),
    TRIAL(vsprintf_s, FAULTS),
    TRIAL(_snprintf_s, FAULTS),
    TRIAL(_vsnprintf_s, FAULTS),
    TRIAL(_snwprintf, FAULTS),
    TRIAL(_vsnwprintf, FAULTS),
    TRIAL(swprintf_s, FAULTS),
    TRIAL(vswprintf_s, FAULTS),
    TRIAL(RtlStringCbCopyA, FAULTS),
    WITH(RtlStringCbCatA, RtlStringCbCopyA, FAULTS),
    WITH(RtlStringCbLengthA, RtlStringCbCopyA, FAULTS),
    WITH(RtlStringCbPrintfA, RtlStringCbCopyA, FAULTS),
    TRIAL(RtlStringCbCopyW, FAULTS),
    {0},
};
