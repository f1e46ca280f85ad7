/*
 * memcpy, memmove and memset of the harness, in executables with AddressSanitizer. The sanitizer replaces
 * them for all code of the process, to look at the shadow of every byte first; what is to be checked is the
 * implementation, which calls __asan_memcpy and so on instead, as gpup_copy_driver of harness/os does on its
 * behalf.
 */
#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LONG 512u /* bytes from which on the processor's own copy is the quickest */

void *__wrap_memset(void *to, int value, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);

static void put(uint8_t *to, __m128i value) {
    _mm_storeu_si128((__m128i *)(void *)to, value);
}

static __m128i get(const uint8_t *from) {
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

void *__wrap_memset(void *to, int value, size_t size) {
    uint8_t *p = to;
    __m128i all = _mm_set1_epi8((char)value);

    if (size > LONG) {
        __asm__ volatile("rep stosb" : "+D"(p), "+c"(size) : "a"(value) : "memory");
        return to;
    }
    if (size < 16) {
        while (size)
            ((volatile uint8_t *)p)[--size] = (uint8_t)value; /* volatile: or it becomes a call of memset */
        return to;
    }
    for (size_t i = 0; i + 16 <= size; i += 16)
        put(p + i, all);
    put(p + size - 16, all); /* the last bytes, some of them twice */
    return to;
}

void *__wrap_memcpy(void *to, const void *from, size_t size) {
    uint8_t *p = to;
    const uint8_t *q = from;

    if (size > LONG) {
        __asm__ volatile("rep movsb" : "+D"(p), "+S"(q), "+c"(size) : : "memory");
        return to;
    }
    if (size < 16) {
        for (size_t i = 0; i < size; i++)
            ((volatile uint8_t *)p)[i] = q[i];
        return to;
    }
    __m128i last = get(q + size - 16);
    for (size_t i = 0; i + 16 <= size; i += 16)
        put(p + i, get(q + i));
    put(p + size - 16, last);
    return to;
}

void *__wrap_memmove(void *to, const void *from, size_t size) {
    uint8_t *p = to;
    const uint8_t *q = from;

    if ((uintptr_t)to - (uintptr_t)from >= size && (uintptr_t)from - (uintptr_t)to >= size)
        return __wrap_memcpy(to, from, size);
    if (p > q)
        while (size--)
            ((volatile uint8_t *)p)[size] = q[size];
    else
        for (size_t i = 0; i < size; i++)
            ((volatile uint8_t *)p)[i] = q[i];
    return to;
}
