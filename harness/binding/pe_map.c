/* The image in memory: contents, relocations, load configuration, protections. */
#include "pe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool gpup_pe_map(struct gpup_pe *pe, const struct gpup_pe_error *error) {
    void *memory = mmap(NULL, pe->image_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return gpup_pe_refuse(error, "needs %u bytes of memory, which are not there", pe->image_size);
    pe->memory = memory;
    memcpy(pe->memory, pe->bytes, pe->header_size);
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct gpup_pe_section *s = &pe->section[i];
        memcpy(pe->memory + s->span.rva, pe->bytes + s->file, s->file_bytes);
    }
    return true;
}

void gpup_pe_unmap(struct gpup_pe *pe) {
    if (pe->memory)
        munmap(pe->memory, pe->image_size);
    if (pe->stubs)
        munmap(pe->stubs, pe->stubs_bytes);
    free(pe->stub_names);
    pe->memory = pe->stubs = NULL;
    pe->stub_names = NULL;
}

/* --- relocations */

static bool move_one(struct gpup_pe *pe, uint64_t rva, unsigned type, const struct gpup_pe_error *error) {
    if (type == 0)
        return true; /* padding */
    if (type != 10)
        return gpup_pe_refuse(error, "has a relocation of type %u at 0x%llx; expected DIR64 (10)", type,
                              (unsigned long long)rva);
    if (!gpup_pe_section_of(pe, rva, 8))
        return gpup_pe_refuse(error, "has a relocation at 0x%llx, outside of its sections",
                              (unsigned long long)rva);
    uint64_t value = gpup_pe_u64(pe->memory + rva) + ((uintptr_t)pe->memory - pe->preferred);
    memcpy(pe->memory + rva, &value, sizeof value);
    return true;
}

/* The table is read from the file's own bytes where it lies, so that a relocation of the table itself would
 * change what follows: no linker does that, and bounds are checked at each step. */
bool gpup_pe_relocate(struct gpup_pe *pe, const struct gpup_pe_error *error) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_RELOCATION];
    uint32_t at = 0;
    while (at < d.size) {
        const uint8_t *block = pe->memory + d.rva + at;
        uint32_t page = d.size - at >= 8 ? gpup_pe_u32(block) : 0;
        uint32_t size = d.size - at >= 8 ? gpup_pe_u32(block + 4) : 0;
        if (size < 8 || size > d.size - at || size % 4 || page % GPUP_PE_PAGE)
            return gpup_pe_refuse(error,
                                  "has a damaged relocation table: a block of %u bytes for 0x%x at byte "
                                  "%u of %u",
                                  size, page, at, d.size);
        for (uint32_t i = 8; i < size; i += 2) {
            unsigned entry = gpup_pe_u16(block + i);
            if (!move_one(pe, (uint64_t)page + (entry & 0xFFF), entry >> 12, error))
                return false;
        }
        at += size;
    }
    return true;
}

/* --- load configuration */

#define COOKIE_END 96u /* up to and with SecurityCookie */
#define COOKIE_AT 88u
#define COOKIE_DEFAULT UINT64_C(0x00002B992DDFA232) /* what compilers put there */
#define COOKIE UINT64_C(0x00007A11C0DE5EED)         /* the same in each run, and not the default */

bool gpup_pe_configure(struct gpup_pe *pe, const struct gpup_pe_error *error) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_LOAD_CONFIG];
    if (!d.rva)
        return true; /* without one, the code's own default cookie serves */
    const uint8_t *config = gpup_pe_at(pe, d.rva, 4);
    uint32_t size = config ? gpup_pe_u32(config) : 0;
    if (!gpup_pe_section_of(pe, d.rva, size ? size : 1) || size < 4)
        return gpup_pe_refuse(error,
                              "has a load configuration of %u bytes at 0x%x, which is not inside one "
                              "section",
                              size, d.rva);
    if (size < COOKIE_END)
        return true;
    uint64_t address = gpup_pe_u64(config + COOKIE_AT), cookie = COOKIE;
    if (!address)
        return true;
    uint64_t rva = address - (uintptr_t)pe->memory;
    const struct gpup_pe_section *s = gpup_pe_section_of(pe, rva, 8);
    if (!s || !(s->access & GPUP_PE_WRITE) || rva % 8)
        return gpup_pe_refuse(error,
                              "has its security cookie at 0x%llx of the image; expected 8 aligned bytes "
                              "in a writable section",
                              (unsigned long long)rva);
    uint64_t now = gpup_pe_u64(pe->memory + rva);
    if (now == COOKIE_DEFAULT || now == 0)
        memcpy(pe->memory + rva, &cookie, sizeof cookie);
    return true;
}

/* --- protections */

static int bits_of(uint8_t access) {
    return (access & GPUP_PE_EXECUTE ? PROT_EXEC | PROT_READ : 0) | (access & GPUP_PE_READ ? PROT_READ : 0) |
           (access & GPUP_PE_WRITE ? PROT_READ | PROT_WRITE : 0);
}

static size_t pages(size_t size) {
    return (size + GPUP_PE_PAGE - 1) & ~(size_t)(GPUP_PE_PAGE - 1);
}

bool gpup_pe_protect(struct gpup_pe *pe, const struct gpup_pe_error *error) {
    bool ok = mprotect(pe->memory, pe->image_size, PROT_NONE) == 0 &&
              mprotect(pe->memory, pages(pe->header_size), PROT_READ) == 0;
    for (uint32_t i = 0; ok && i < pe->section_count; i++) {
        const struct gpup_pe_section *s = &pe->section[i];
        ok = mprotect(pe->memory + s->span.rva, pages(s->span.size), bits_of(s->access)) == 0;
    }
    return ok || gpup_pe_refuse(error, "could not be given the protection of its pages");
}

bool gpup_pe_load(struct gpup_pe *pe, const void *bytes, size_t size, gpup_pe_resolve_fn *resolve,
                  void *context, void *unsupported, const struct gpup_pe_error *error) {
    bool ok = gpup_pe_read(pe, bytes, size, error) && gpup_pe_map(pe, error) && gpup_pe_relocate(pe, error) &&
              gpup_pe_configure(pe, error) && gpup_pe_check_functions(pe, error) &&
              gpup_pe_bind(pe, resolve, context, unsupported, error) && gpup_pe_protect(pe, error);
    if (!ok)
        gpup_pe_unmap(pe);
    pe->bytes = NULL;
    pe->size = 0;
    return ok;
}
