/* Counted strings and their conversions. */
#include "trial.h"
#include <string.h>

#define U(name, text)                                                                                        \
    static WCHAR name##_text[] = u##text;                                                                    \
    static UNICODE_STRING name = {sizeof name##_text - 2, sizeof name##_text, name##_text}
U(gpu, "GPU-7");
U(gpu_small, "gpu-7");
U(gpu_long, "gpu-77");
U(number, "0x1aF, rest");
U(guid, "{01234567-89AB-cdef-0123-456789ABCDEF}");
static CHAR narrow_text[] = "Port";
static STRING narrow = {4, 5, narrow_text};

struct strings {
    UNICODE_STRING wide;
    STRING string, other;
    WCHAR room[40];
    CHAR bytes[40];
    GUID id;
    ULONG value;
};
static struct strings *fresh(void *room) {
    struct strings *s = room;

    s->wide = (UNICODE_STRING){0, sizeof s->room, s->room};
    s->string = (STRING){0, sizeof s->bytes, s->bytes};
    return s;
}
static bool is(PCUNICODE_STRING string, const WCHAR *text, size_t count) {
    return string->Length == 2 * count && !memcmp(string->Buffer, text, 2 * count);
}

EFFECT(RtlInitUnicodeString) {
    struct strings *s = fresh(room);

    RtlInitUnicodeString(&s->wide, gpu_text);
    MUST(s->wide.Length == 10 && s->wide.MaximumLength == 12 && s->wide.Buffer == gpu_text);
    RtlInitUnicodeString(&s->wide, NULL);
    MUST(s->wide.Length == 0 && s->wide.Buffer == NULL);
    return 0;
}
MISUSE(RtlInitUnicodeString) { /* without a terminator */
    WCHAR *text = ExAllocatePoolWithTag(NonPagedPoolNx, 32, 0x74736554);

    memset(text, 0x41, 32);
    RtlInitUnicodeString(room, text);
    return 0;
}
EFFECT(RtlInitAnsiString) {
    struct strings *s = fresh(room);

    RtlInitAnsiString(&s->string, "abc");
    RtlInitString(&s->other, "abc");
    MUST(s->string.Length == 3 && s->string.MaximumLength == 4 && s->other.Length == 3);
    return 0;
}
MISUSE(RtlInitAnsiString) {
    RtlInitAnsiString(room, (PCSTR)8);
    return 0;
}
MISUSE(RtlInitString) {
    RtlInitString(NULL, "abc");
    return 0;
}
EFFECT(RtlCopyUnicodeString) {
    struct strings *s = fresh(room);

    RtlCopyUnicodeString(&s->wide, &gpu);
    MUST(is(&s->wide, gpu_text, 5) && s->room[5] == 0);
    s->wide.MaximumLength = 6;
    RtlCopyUnicodeString(&s->wide, &gpu_small); /* is cut */
    MUST(is(&s->wide, gpu_small_text, 3) && s->room[3] == gpu_text[3]);
    RtlCopyUnicodeString(&s->wide, NULL);
    MUST(s->wide.Length == 0);
    return 0;
}
MISUSE(RtlCopyUnicodeString) { /* a buffer that was freed */
    struct strings *s = fresh(room);

    s->wide.Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof s->room, 0x74736554);
    ExFreePool(s->wide.Buffer);
    RtlCopyUnicodeString(&s->wide, &gpu);
    return 0;
}
EFFECT(RtlCopyString) {
    struct strings *s = fresh(room);

    RtlCopyString(&s->string, &narrow);
    MUST(s->string.Length == 4 && !memcmp(s->bytes, "Port", 4));
    return 0;
}
MISUSE(RtlCopyString) {
    RtlCopyString(NULL, &narrow);
    return 0;
}
EFFECT(RtlCompareUnicodeString) {
    MUST(RtlCompareUnicodeString(&gpu, &gpu_small, TRUE) == 0);
    MUST(RtlCompareUnicodeString(&gpu_small, &gpu, TRUE) == 0);
    MUST(RtlCompareUnicodeString(&gpu, &gpu_small, FALSE) < 0);
    MUST(RtlCompareUnicodeString(&gpu_long, &gpu_small, FALSE) > 0);
    MUST(RtlEqualUnicodeString(&gpu, &gpu_small, TRUE) && !RtlEqualUnicodeString(&gpu, &gpu_small, FALSE));
    MUST(RtlPrefixUnicodeString(&gpu, &gpu_long, TRUE) && !RtlPrefixUnicodeString(&gpu, &gpu_long, FALSE));
    MUST(!RtlPrefixUnicodeString(&gpu_long, &gpu, TRUE));
    return 0;
}
EFFECT(RtlCompareString) {
    static STRING other = {4, 4, "pORT"};

    MUST(RtlCompareString(&narrow, &other, TRUE) == 0 && RtlCompareString(&narrow, &other, FALSE) < 0);
    MUST(RtlEqualString(&narrow, &other, TRUE) && !RtlEqualString(&narrow, &other, FALSE));
    return 0;
}
EFFECT(RtlAppendUnicodeToString) {
    struct strings *s = fresh(room);

    MUST(RtlAppendUnicodeToString(&s->wide, u"\\Device\\") == STATUS_SUCCESS);
    MUST(RtlAppendUnicodeStringToString(&s->wide, &gpu) == STATUS_SUCCESS);
    MUST(is(&s->wide, u"\\Device\\GPU-7", 13) && s->room[13] == 0);
    s->wide.MaximumLength = s->wide.Length;
    MUST(RtlAppendUnicodeStringToString(&s->wide, &gpu) == STATUS_BUFFER_TOO_SMALL && s->wide.Length == 26);
    return 0;
}
MISUSE(RtlAppendUnicodeToString) {
    return (uint64_t)RtlAppendUnicodeToString(fresh(room) ? room : NULL, (PCWSTR)8);
}
MISUSE(RtlAppendUnicodeStringToString) {
    return (uint64_t)RtlAppendUnicodeStringToString(room, NULL);
}
EFFECT(RtlHashUnicodeString) {
    ULONG one, other;

    MUST(RtlHashUnicodeString(&gpu, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &one) == STATUS_SUCCESS);
    MUST(RtlHashUnicodeString(&gpu_small, TRUE, HASH_STRING_ALGORITHM_X65599, &other) == STATUS_SUCCESS);
    MUST(one == other && one != 0);
    MUST(RtlHashUnicodeString(&gpu_small, FALSE, 0, &one) == STATUS_SUCCESS && one != other);
    MUST(RtlHashUnicodeString(&gpu, TRUE, 9, &one) == STATUS_INVALID_PARAMETER);
    return 0;
}
EFFECT(RtlUpcaseUnicodeChar) {
    MUST(RtlUpcaseUnicodeChar('q') == 'Q' && RtlUpcaseUnicodeChar(0xE9) == 0xC9);
    MUST(RtlUpperChar('z') == 'Z' && RtlUpperChar('5') == '5');
    MUST(RtlDowncaseUnicodeChar('Q') == 'q');
    return 0;
}

/* --- conversions */

EFFECT(RtlUnicodeStringToInteger) {
    struct strings *s = fresh(room);

    MUST(RtlUnicodeStringToInteger(&number, 0, &s->value) == STATUS_SUCCESS && s->value == 0x1AF);
    MUST(RtlUnicodeStringToInteger(&number, 7, &s->value) == STATUS_INVALID_PARAMETER);
    MUST(RtlIntegerToUnicodeString(48879, 16, &s->wide) == STATUS_SUCCESS && is(&s->wide, u"BEEF", 4));
    MUST(RtlUnicodeStringToInteger(&s->wide, 16, &s->value) == STATUS_SUCCESS && s->value == 48879);
    MUST(RtlInt64ToUnicodeString(10000000000, 10, &s->wide) == STATUS_SUCCESS);
    MUST(is(&s->wide, u"10000000000", 11));
    s->wide.MaximumLength = 4;
    MUST(RtlIntegerToUnicodeString(12345, 0, &s->wide) == STATUS_BUFFER_OVERFLOW);
    return 0;
}
EFFECT(RtlAnsiStringToUnicodeString) {
    struct strings *s = fresh(room);
    UNICODE_STRING made;
    STRING back;

    MUST(RtlAnsiStringToUnicodeString(&s->wide, &narrow, FALSE) == STATUS_SUCCESS &&
         is(&s->wide, u"Port", 4));
    MUST(RtlAnsiStringToUnicodeString(&made, &narrow, TRUE) == STATUS_SUCCESS && is(&made, u"Port", 4));
    MUST(RtlUnicodeStringToAnsiString(&back, &made, TRUE) == STATUS_SUCCESS);
    MUST(back.Length == 4 && !strcmp(back.Buffer, "Port"));
    MUST(RtlxAnsiStringToUnicodeSize(&narrow) == 10 && RtlxUnicodeStringToAnsiSize(&made) == 5);
    RtlFreeUnicodeString(&made);
    RtlFreeAnsiString(&back);
    MUST(made.Buffer == NULL && back.Buffer == NULL);
    return 0;
}
MISUSE(RtlAnsiStringToUnicodeString) { /* its memory stays */
    return (uint64_t)RtlAnsiStringToUnicodeString(room, &narrow, TRUE);
}
MISUSE(RtlFreeUnicodeString) { /* not from the library */
    RtlFreeUnicodeString(fresh(room) ? room : NULL);
    return 0;
}
MISUSE(RtlFreeAnsiString) { /* twice, by a copy */
    struct strings *s = fresh(room);

    RtlUnicodeStringToAnsiString(&s->string, &gpu, TRUE);
    s->other = s->string;
    RtlFreeAnsiString(&s->string);
    RtlFreeAnsiString(&s->other);
    return 0;
}
EFFECT(RtlFreeAnsiString) {
    struct strings *s = fresh(room);

    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
        MUST(RtlUnicodeStringToAnsiString(&s->other, &gpu, TRUE) == STATUS_SUCCESS && s->other.Buffer);
    RtlFreeAnsiString(&s->other);
    MUST(s->other.Buffer == NULL);
    return 0;
}
EFFECT(RtlFreeUnicodeString) {
    struct strings *s = fresh(room);

    s->wide.Buffer = NULL;
    MUST(KeGetCurrentIrql() > PASSIVE_LEVEL || RtlCreateUnicodeString(&s->wide, gpu_text));
    RtlFreeUnicodeString(&s->wide);
    MUST(s->wide.Buffer == NULL);
    return 0;
}
EFFECT(RtlUpcaseUnicodeString) {
    struct strings *s = fresh(room);

    MUST(RtlUpcaseUnicodeString(&s->wide, &gpu_small, FALSE) == STATUS_SUCCESS && is(&s->wide, u"GPU-7", 5));
    return 0;
}
EFFECT(RtlCreateUnicodeString) {
    UNICODE_STRING made;

    MUST(RtlCreateUnicodeString(&made, gpu_text) && is(&made, gpu_text, 5) && made.Buffer != gpu_text);
    RtlFreeUnicodeString(&made);
    return 0;
}
EFFECT(RtlStringFromGUID) {
    struct strings *s = fresh(room);
    UNICODE_STRING made;

    MUST(RtlGUIDFromString(&guid, &s->id) == STATUS_SUCCESS);
    MUST(s->id.Data1 == 0x01234567 && s->id.Data3 == 0xCDEF && s->id.Data4[7] == 0xEF);
    MUST(RtlStringFromGUID(&s->id, &made) == STATUS_SUCCESS && RtlEqualUnicodeString(&made, &guid, TRUE));
    RtlFreeUnicodeString(&made);
    MUST(RtlGUIDFromString(&gpu, &s->id) == STATUS_INVALID_PARAMETER);
    return 0;
}

/* --- memory and random numbers */

EFFECT(RtlCompareMemoryUlong) {
    ULONG *words = room;

    RtlFillMemoryUlong(words, 32, 0xDEADBEEF);
    MUST(RtlCompareMemoryUlong(words, 64, 0xDEADBEEF) == 32 && words[8] == 0);
    return 0;
}
MISUSE(RtlCompareMemoryUlong) {
    return RtlCompareMemoryUlong(NULL, 8, 0);
}
MISUSE(RtlFillMemoryUlong) { /* beyond the end */
    RtlFillMemoryUlong(room, ROOM + 4, 0);
    return 0;
}
EFFECT(RtlRandomEx) {
    ULONG seed = 5, again = 5;
    ULONG first = RtlRandomEx(&seed), second = RtlRandomEx(&seed);

    MUST(first != second && first == RtlRandomEx(&again) && first < 0x7FFFFFFF);
    return 0;
}
EFFECT(RtlCompareMemory) {
    MUST(RtlCompareMemory("abcd", "abXd", 4) == 2 && RtlCompareMemory("abcd", "abcd", 4) == 4);
    return 0;
}
MISUSE(RtlCompareMemory) {
    return RtlCompareMemory(NULL, room, 4);
}
EFFECT(RtlSecureZeroMemory) {
    memset(room, 1, 32);
    MUST(RtlSecureZeroMemory(room, 31) == room);
    MUST(((uint8_t *)room)[30] == 0 && ((uint8_t *)room)[31] == 1);
    return 0;
}
MISUSE(RtlSecureZeroMemory) {
    RtlSecureZeroMemory(room, ROOM + 1);
    return 0;
}

const struct trial string_trials[] = {
    TRIAL(RtlInitUnicodeString, FAULTS),
    TRIAL(RtlInitAnsiString, FAULTS),
    WITH(RtlInitString, RtlInitAnsiString, FAULTS),
    TRIAL(RtlCopyUnicodeString, FAULTS),
    TRIAL(RtlCopyString, FAULTS),
    LIMITED(RtlCompareUnicodeString),
    LIMITED_WITH(RtlEqualUnicodeString, RtlCompareUnicodeString),
    LIMITED_WITH(RtlPrefixUnicodeString, RtlCompareUnicodeString),
    LIMITED(RtlCompareString),
    LIMITED_WITH(RtlEqualString, RtlCompareString),
    TRIAL(RtlAppendUnicodeToString, FAULTS),
    WITH(RtlAppendUnicodeStringToString, RtlAppendUnicodeToString, FAULTS),
    LIMITED(RtlHashUnicodeString),
    LIMITED(RtlUpcaseUnicodeChar),
    LIMITED_WITH(RtlDowncaseUnicodeChar, RtlUpcaseUnicodeChar),
    LIMITED_WITH(RtlUpperChar, RtlUpcaseUnicodeChar),
    LIMITED(RtlUnicodeStringToInteger),
    LIMITED_WITH(RtlIntegerToUnicodeString, RtlUnicodeStringToInteger),
    LIMITED_WITH(RtlInt64ToUnicodeString, RtlUnicodeStringToInteger),
    TRIAL(RtlAnsiStringToUnicodeString, LEAVES),
    LIMITED_WITH(RtlUnicodeStringToAnsiString, RtlAnsiStringToUnicodeString),
    LIMITED_WITH(RtlxAnsiStringToUnicodeSize, RtlAnsiStringToUnicodeString),
    LIMITED_WITH(RtlxUnicodeStringToAnsiSize, RtlAnsiStringToUnicodeString),
    TRIAL(RtlFreeUnicodeString, DAMAGES),
    TRIAL(RtlFreeAnsiString, DAMAGES),
    LIMITED(RtlUpcaseUnicodeString),
    LIMITED(RtlCreateUnicodeString),
    LIMITED(RtlStringFromGUID),
    LIMITED_WITH(RtlGUIDFromString, RtlStringFromGUID),
    TRIAL(RtlCompareMemoryUlong, FAULTS),
    WITH(RtlFillMemoryUlong, RtlCompareMemoryUlong, FAULTS),
    LIMITED(RtlRandomEx),
    TRIAL(RtlCompareMemory, FAULTS),
    TRIAL(RtlSecureZeroMemory, FAULTS),
    {0},
};
