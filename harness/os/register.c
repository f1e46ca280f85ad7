/* Register mappings and the accessors. A mapping is address space without memory: what the driver's own
 * instructions do there faults, and is carried out in mmio.c. */
#include "callers.h"
#include "mmio.h"
#include "services.h"

#define COST_OF_ACCESS 1000u /* ns a register access takes */

/* Lowest gap of the machine's part of the window that takes `size` bytes; mappings keep a page apart. */
static uint8_t *find_room(struct gpup_os *os, uint64_t size) {
    size_t window;
    uint8_t *base = gpup_arena_window(os->config.arena, &window);
    size_t part = os->machine->adapters->next ? window : window / 2; /* two machines have a half each */
    uint8_t *at = base + (os->machine->host & 1) * part;
    const uint8_t *end = at + part;

    for (uint32_t i = 0; i < os->machine->mapping_count; i++) {
        const struct gpup_mapping *m = &os->machine->mappings[i];

        if (!m->address || at + size <= m->address || at >= m->address + m->size + GPUP_PAGE)
            continue;
        at = m->address + ((m->size + 2 * GPUP_PAGE - 1) & ~(uint64_t)(GPUP_PAGE - 1));
        i = (uint32_t)-1; /* look at all of them again */
    }
    return size > (uint64_t)(end - at) ? NULL : at;
}

static struct gpup_mapping *free_mapping(struct gpup_os *os) {
    for (uint32_t i = 0; i < GPUP_MAX_MAPPINGS; i++)
        if (!os->machine->mappings[i].address) {
            if (i >= os->machine->mapping_count)
                os->machine->mapping_count = i + 1;
            return &os->machine->mappings[i];
        }
    return NULL;
}

static bool has(const struct gpup_os *os, uint64_t physical, uint64_t size) {
    const struct gpup_device_ops *ops = os->config.device_ops;

    return ops && ops->claims && ops->claims(os->config.device, physical, size);
}

/* Whose registers these are. A call is about its own adapter; a thread may serve several. NULL: nobody's. */
static struct gpup_os *adapter_with(struct gpup_os *os, uint64_t physical, uint64_t size) {
    struct gpup_os *adapter = os->machine->adapters;

    if (has(os, physical, size) || gpup_os_in_ddi(os))
        return has(os, physical, size) ? os : NULL;
    while (adapter && !has(adapter, physical, size))
        adapter = adapter->next;
    return adapter;
}

static PVOID map(const struct gpup_service_limit *service, uint64_t physical, uint64_t size) {
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_os *owner;
    struct gpup_mapping *mapping;
    uint8_t *address;

    if (!os || gpup_os_fails(os))
        return NULL;
    owner = !size || size >> 33 ? NULL : adapter_with(os, physical, size);
    if (!owner) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return NULL;
    }
    mapping = free_mapping(os);
    address = mapping ? find_room(os, size + physical % GPUP_PAGE) : NULL;
    if (!address) {
        gpup_os_failed(os);
        return NULL;
    }
    *mapping =
        (struct gpup_mapping){address + physical % GPUP_PAGE, physical, size, gpup_os_object(os), owner, {0}};
    gpup_callers_here(os, &mapping->made);
    return mapping->address;
}

PVOID DDI_CALL MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                            MEMORY_CACHING_TYPE CacheType) {
    (void)CacheType;
    return map(GPUP_SERVICE(MmMapIoSpace), (uint64_t)PhysicalAddress.QuadPart, NumberOfBytes);
}

PVOID DDI_CALL MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect) {
    (void)Protect;
    return map(GPUP_SERVICE(MmMapIoSpaceEx), (uint64_t)PhysicalAddress.QuadPart, NumberOfBytes);
}

VOID DDI_CALL MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(MmUnmapIoSpace));

    for (uint32_t i = 0; os && i < os->machine->mapping_count; i++)
        if (os->machine->mappings[i].address == BaseAddress && BaseAddress) {
            if (os->machine->mappings[i].size != NumberOfBytes)
                gpup_os_misuse(os, "MmUnmapIoSpace", GPUP_MISUSE_PARAMETER, os->machine->mappings[i].object);
            os->machine->mappings[i].address = NULL;
            return;
        }
    if (os)
        gpup_os_misuse(os, "MmUnmapIoSpace", GPUP_MISUSE_OBJECT, 0);
}

void gpup_mapping_left(struct gpup_os *os) {
    for (uint32_t i = 0; i < os->machine->mapping_count; i++)
        if (os->machine->mappings[i].address)
            gpup_os_left(os, GPUP_OBJECT_MAPPING, os->machine->mappings[i].object,
                         os->machine->mappings[i].size, 0, &os->machine->mappings[i].made);
}

/* --- accessors */

/* Whose registers these are, perhaps another adapter's of the machine. NULL: the address is no mapping, the
 * access is a plain one (and faults where a driver's would). */
static struct gpup_os *locate(const struct gpup_os *os, const volatile void *address, uint32_t width,
                              uint64_t *physical) {
    for (uint32_t i = 0; i < os->machine->mapping_count; i++) {
        const struct gpup_mapping *m = &os->machine->mappings[i];
        uint64_t offset = (uint64_t)((const volatile uint8_t *)address - m->address);

        if (m->address && offset < m->size && m->size - offset >= width) {
            *physical = m->physical + offset;
            return m->os;
        }
    }
    return NULL;
}

bool gpup_register_mapped(const struct gpup_os *os, const volatile void *address, uint32_t width) {
    uint64_t physical;

    return locate(os, address, width, &physical) != NULL;
}

/* A driver may poll as long as another one waits: 4 s of nothing but reading, and more where orders are lost.
 */
static uint64_t polls_allowed(const struct gpup_os *os) {
    uint64_t more = os->machine->patience / COST_OF_ACCESS, most = 8000000;

    return 4000000 + (more < most ? more : most);
}

/* Whose registers they are; NULL: not mapped. */
static const struct gpup_os_config *begin(const struct gpup_service_limit *service,
                                          const volatile void *address, uint32_t width, uint64_t *physical) {
    struct gpup_os *os = gpup_os_enter(service);
    const struct gpup_device_ops *ops;
    uint64_t limit;

    if (!os)
        return NULL;
    limit = os->config.budgets.mmio ? os->config.budgets.mmio : polls_allowed(os);
    if (++os->machine->used.mmio > limit)
        gpup_os_hang(os, GPUP_HANG_MMIO, os->machine->used.mmio);
    gpup_os_pass(os, COST_OF_ACCESS);
    os = locate(os, address, width, physical);
    ops = os ? os->config.device_ops : NULL;
    if (ops && ops->advance)
        ops->advance(os->config.device, os->machine->now);
    return os ? &os->config : NULL;
}

static bool device_read(const struct gpup_service_limit *service, const volatile void *address,
                        uint32_t width, uint64_t *value) {
    uint64_t physical;
    const struct gpup_os_config *of = begin(service, address, width, &physical);
    const struct gpup_device_ops *ops = of ? of->device_ops : NULL;

    if (of)
        *value = ops && ops->bus_read ? ops->bus_read(of->device, physical, width) : UINT64_MAX;
    return of != NULL;
}

static bool device_write(const struct gpup_service_limit *service, volatile void *address, uint32_t width,
                         uint64_t value) {
    uint64_t physical;
    const struct gpup_os_config *of = begin(service, address, width, &physical);
    const struct gpup_device_ops *ops = of ? of->device_ops : NULL;

    if (ops && ops->bus_write)
        ops->bus_write(of->device, physical, width, value);
    return of != NULL;
}

static const struct gpup_service_limit *function_of(uint32_t width, bool write) {
    switch (width) {
    case 1:
        return write ? GPUP_SERVICE(WRITE_REGISTER_UCHAR) : GPUP_SERVICE(READ_REGISTER_UCHAR);
    case 2:
        return write ? GPUP_SERVICE(WRITE_REGISTER_USHORT) : GPUP_SERVICE(READ_REGISTER_USHORT);
    case 4:
        return write ? GPUP_SERVICE(WRITE_REGISTER_ULONG) : GPUP_SERVICE(READ_REGISTER_ULONG);
    default:
        return write ? GPUP_SERVICE(WRITE_REGISTER_ULONG64) : GPUP_SERVICE(READ_REGISTER_ULONG64);
    }
}

bool gpup_register_read(const volatile void *address, uint32_t width, uint64_t *value) {
    const struct gpup_os *os = gpup_os_current();

    return gpup_register_mapped(os, address, width) &&
           device_read(function_of(width, false), address, width, value);
}

bool gpup_register_write(volatile void *address, uint32_t width, uint64_t value) {
    const struct gpup_os *os = gpup_os_current();

    return gpup_register_mapped(os, address, width) &&
           device_write(function_of(width, true), address, width, value);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in parentheses */
#define ACCESSORS(suffix, type)                                                                              \
    type DDI_CALL READ_REGISTER_##suffix(volatile type *Register) {                                          \
        uint64_t value;                                                                                      \
        return device_read(GPUP_SERVICE(READ_REGISTER_##suffix), Register, sizeof(type), &value)             \
                   ? (type)value                                                                             \
                   : *Register;                                                                              \
    }                                                                                                        \
    VOID DDI_CALL WRITE_REGISTER_##suffix(volatile type *Register, type Value) {                             \
        if (!device_write(GPUP_SERVICE(WRITE_REGISTER_##suffix), Register, sizeof(type), Value))             \
            *Register = Value;                                                                               \
    }
ACCESSORS(UCHAR, UCHAR)
ACCESSORS(USHORT, USHORT)
ACCESSORS(ULONG, ULONG)
ACCESSORS(ULONG64, ULONG64)
/* NOLINTEND(bugprone-macro-parentheses) */

VOID DDI_CALL READ_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count) {
    for (ULONG i = 0; i < Count; i++)
        Buffer[i] = READ_REGISTER_ULONG(Register + i);
}

VOID DDI_CALL WRITE_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count) {
    for (ULONG i = 0; i < Count; i++)
        WRITE_REGISTER_ULONG(Register + i, Buffer[i]);
}
