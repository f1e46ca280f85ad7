/* Memory, order and search of the C run-time. */
#include "crt.h"
#include "kernel.h"
#include "mmio.h"
#include <string.h>

/* Each byte is read once, and eight at a time: while somebody changes a buffer between two reads, it counts
 * how often the driver read it, and not how the C library copies. */
static void copy_once(volatile uint8_t *to, const volatile uint8_t *from, size_t size) {
    bool down = to > from;
    for (size_t done = 0, one; done < size; done += one) {
        uint64_t value;
        one = size - done >= 8 ? 8 : 1;
        size_t at = down ? size - done - one : done;
        if (one == 8) {
            value = *(const volatile uint64_t *)(const volatile void *)(from + at);
            *(volatile uint64_t *)(volatile void *)(to + at) = value;
        } else {
            to[at] = from[at];
        }
    }
}

PVOID DDI_CALL gpup_crt_memcpy(PVOID to, const VOID *from, SIZE_T size) {
    return gpup_crt_memmove(to, from, size); /* the kernel's takes overlapping ranges too */
}

static bool at_registers(const struct gpup_os *os, const void *address) {
    return os && os->machine->mapping_count && gpup_register_mapped(os, address, 1);
}

/* To or from registers, or memory of the device: eight bytes at a time, as long as there are. */
static void copy_registers(uint8_t *to, const uint8_t *from, size_t size) {
    for (size_t done = 0, one; done < size; done += one) {
        uint64_t value = 0;
        one = size - done >= 8 ? 8 : 1;
        if (!gpup_register_read(from + done, (uint32_t)one, &value))
            memcpy(&value, from + done, one);
        if (!gpup_register_write(to + done, (uint32_t)one, value))
            memcpy(to + done, &value, one);
    }
}

PVOID DDI_CALL gpup_crt_memmove(PVOID to, const VOID *from, SIZE_T size) {
    const struct gpup_os *os = gpup_os_current();

    if (at_registers(os, to) || at_registers(os, from)) {
        copy_registers(to, from, size);
        return to;
    }
    if (os && os->machine->watch.start) {
        copy_once(to, from, size);
        return to;
    }
    return memmove(to, from, size);
}

PVOID DDI_CALL gpup_crt_memset(PVOID to, int value, SIZE_T size) {
    if (!at_registers(gpup_os_current(), to))
        return memset(to, value, size);
    for (size_t i = 0; i < size; i++)
        if (!gpup_register_write((uint8_t *)to + i, 1, (uint8_t)value))
            ((uint8_t *)to)[i] = (uint8_t)value;
    return to;
}

int DDI_CALL gpup_crt_memcmp(const VOID *one, const VOID *other, SIZE_T size) {
    return memcmp(one, other, size);
}

PVOID DDI_CALL gpup_crt_memchr(const VOID *in, int value, SIZE_T size) {
    return memchr(in, value, size);
}

errno_t DDI_CALL gpup_crt_memmove_s(PVOID to, SIZE_T room, const VOID *from, SIZE_T size) {
    if (!size)
        return 0;
    if (!to)
        return GPUP_CRT_EINVAL;
    if (!from || size > room) {
        memset(to, 0, room);
        return from ? GPUP_CRT_ERANGE : GPUP_CRT_EINVAL;
    }
    memmove(to, from, size);
    return 0;
}

errno_t DDI_CALL gpup_crt_memcpy_s(PVOID to, SIZE_T room, const VOID *from, SIZE_T size) {
    return gpup_crt_memmove_s(to, room, from, size);
}

/* --- order */

static void swap(uint8_t *one, uint8_t *other, size_t size) {
    while (size--) {
        uint8_t kept = one[size];

        one[size] = other[size];
        other[size] = kept;
    }
}

/* Heap sort: in place, and bounded whatever the driver's comparison says. */
static void sift(uint8_t *base, size_t root, size_t count, size_t size, gpup_crt_compare compare) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        swap(base + root * size, base + child * size, size);
    }
}

VOID DDI_CALL gpup_crt_qsort(PVOID base, SIZE_T count, SIZE_T size, gpup_crt_compare compare) {
    uint8_t *bytes = base;

    if (count < 2)
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift(bytes, i, count, size, compare);
    for (size_t end = count - 1; end > 0; end--) {
        swap(bytes, bytes + end * size, size);
        sift(bytes, 0, end, size, compare);
    }
}

PVOID DDI_CALL gpup_crt_bsearch(const VOID *key, const VOID *base, SIZE_T count, SIZE_T size,
                                gpup_crt_compare compare) {
    const uint8_t *low = base;

    while (count) {
        const uint8_t *middle = low + count / 2 * size;
        int order = compare(key, middle);

        if (!order)
            return (PVOID)(uintptr_t)middle; // NOLINT(performance-no-int-to-ptr)
        if (order > 0) {
            low = middle + size;
            count--;
        }
        count /= 2;
    }
    return NULL;
}

/* --- the same under the names of the kernel's own library */

VOID DDI_CALL gpup_crt_zero(PVOID to, SIZE_T size) {
    gpup_crt_memset(to, 0, size);
}

VOID DDI_CALL gpup_crt_fill(PVOID to, SIZE_T size, int value) {
    gpup_crt_memset(to, value, size);
}
