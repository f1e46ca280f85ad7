/*
 * What AddressSanitizer must be told about fibers and about memory that is handled raw. Nothing without it.
 * Drivers' frames are parked, abandoned and restored, so their shadow is cleared rather than kept.
 */
#ifndef GPUP_OS_ASAN_H
#define GPUP_OS_ASAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define GPUP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GPUP_ASAN 1
#endif
#endif

#define GPUP_NO_ASAN __attribute__((no_sanitize("address")))

#ifdef GPUP_ASAN
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_bottom, size_t *old_size);
#define gpup_unpoison(address, size) __asan_unpoison_memory_region((address), (size))
#else
#define gpup_unpoison(address, size) ((void)(address), (void)(size))
#endif

/* A copy from or to memory of the driver: the sanitizer looks at both. */
#ifdef GPUP_ASAN
void *__asan_memcpy(void *to, const void *from, size_t size);
#define gpup_copy_driver(to, from, size) __asan_memcpy((to), (from), (size))
#else
#define gpup_copy_driver(to, from, size) memcpy((to), (from), (size))
#endif

/* A copy that may read poisoned stack memory. */
GPUP_NO_ASAN static inline void gpup_copy_raw(uint8_t *to, const uint8_t *from, size_t size) {
#ifdef GPUP_ASAN
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)to)[i] = from[i];
#else
    memcpy(to, from, size);
#endif
}

#endif
