/* Headers and section table: every number that later steps rely on is checked here. */
#include "pe.h"

#include <stdio.h>
#include <string.h>

#define DOS_HEADER 64u
#define FILE_HEADER 24u      /* with the signature before it */
#define OPTIONAL_HEADER 112u /* PE32+, without the directories */
#define SECTION_HEADER 40u
#define MAX_DIRECTORIES 16u
#define DISCARDABLE 0x02000000u

uint16_t gpup_pe_u16(const uint8_t *at) {
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t gpup_pe_u32(const uint8_t *at) {
    return gpup_pe_u16(at) | (uint32_t)gpup_pe_u16(at + 2) << 16;
}

uint64_t gpup_pe_u64(const uint8_t *at) {
    return gpup_pe_u32(at) | (uint64_t)gpup_pe_u32(at + 4) << 32;
}

bool gpup_pe_refuse(const struct gpup_pe_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, error->size, format, arguments);
    va_end(arguments);
    return false;
}

static bool cut_short(const struct gpup_pe *pe, const char *what, uint64_t end,
                      const struct gpup_pe_error *error) {
    return gpup_pe_refuse(error, "is cut short: the %s would end at byte %llu of a file of %zu bytes", what,
                          (unsigned long long)end, pe->size);
}

static bool is_power(uint32_t value) {
    return value && !(value & (value - 1));
}

static uint64_t round_up(uint64_t value, uint64_t unit) {
    return (value + unit - 1) & ~(unit - 1);
}

/* --- which kind of file it is */

static const char *machine_name(unsigned machine) {
    switch (machine) {
    case 0x14C:
        return "32-bit x86";
    case 0x1C4:
        return "32-bit Arm";
    case 0xAA64:
        return "Arm64";
    case 0x200:
        return "Itanium";
    default:
        return "another machine";
    }
}

static bool check_kind(const struct gpup_pe *pe, const uint8_t *header, const struct gpup_pe_error *error) {
    unsigned machine = gpup_pe_u16(header + 4), flags = gpup_pe_u16(header + 22);
    unsigned magic = gpup_pe_u16(header + FILE_HEADER), subsystem;
    (void)pe;
    if (machine != 0x8664)
        return gpup_pe_refuse(error, "is built for %s (machine 0x%04x); expected x86-64 (0x8664)",
                              machine_name(machine), machine);
    if (magic != 0x20B)
        return gpup_pe_refuse(error, "has an optional header of kind 0x%x; expected PE32+ (0x20b)", magic);
    if (!(flags & 2))
        return gpup_pe_refuse(error, "is not marked as executable: the linker left errors behind");
    if (flags & 1)
        return gpup_pe_refuse(error, "has its relocations stripped, so that it only works at one address; "
                                     "link it without /FIXED");
    subsystem = gpup_pe_u16(header + FILE_HEADER + 68);
    if (subsystem != 1)
        return gpup_pe_refuse(error,
                              "is for subsystem %u; a driver is NATIVE (1): link it with /DRIVER "
                              "/SUBSYSTEM:NATIVE",
                              subsystem);
    return true;
}

/* --- sizes and directories */

static bool check_alignment(const uint8_t *optional, const struct gpup_pe_error *error) {
    uint32_t section = gpup_pe_u32(optional + 32), file = gpup_pe_u32(optional + 36);
    if (!is_power(section) || section < GPUP_PE_PAGE || section > GPUP_PE_MAX_IMAGE)
        return gpup_pe_refuse(error,
                              "aligns its sections to %u bytes; expected a power of two of at least a "
                              "page (4096): link it with /ALIGN:4096",
                              section);
    if (!is_power(file) || file < 512 || file > 65536 || file > section)
        return gpup_pe_refuse(error, "has a file alignment of %u; expected a power of two from 512 to 65536",
                              file);
    return true;
}

static bool read_sizes(struct gpup_pe *pe, const uint8_t *optional, uint64_t headers_end,
                       const struct gpup_pe_error *error) {
    pe->entry = gpup_pe_u32(optional + 16);
    pe->preferred = gpup_pe_u64(optional + 24);
    pe->image_size = gpup_pe_u32(optional + 56);
    pe->header_size = gpup_pe_u32(optional + 60);
    if (!check_alignment(optional, error))
        return false;
    if (pe->preferred & 0xFFFF)
        return gpup_pe_refuse(error, "has the base 0x%llx, which is no multiple of 64 KiB",
                              (unsigned long long)pe->preferred);
    if (!pe->image_size || pe->image_size > GPUP_PE_MAX_IMAGE || pe->image_size % GPUP_PE_PAGE)
        return gpup_pe_refuse(error, "says it takes %u bytes of memory; expected whole pages, at most %u",
                              pe->image_size, GPUP_PE_MAX_IMAGE);
    if (pe->header_size < headers_end || pe->header_size > pe->image_size)
        return gpup_pe_refuse(error, "has %u bytes of headers, and its section table ends at %llu",
                              pe->header_size, (unsigned long long)headers_end);
    if (pe->header_size > pe->size)
        return cut_short(pe, "headers", pe->header_size, error);
    return true;
}

/* Two directories are no addresses in the image: signatures are a place in the file, and bound imports are
 * ignored as the kernel does. */
static bool is_ignored(unsigned directory) {
    return directory == GPUP_PE_SECURITY || directory == GPUP_PE_BOUND_IMPORT || directory == GPUP_PE_DEBUG ||
           directory == GPUP_PE_ARCHITECTURE || directory == GPUP_PE_GLOBAL_POINTER ||
           directory == GPUP_PE_RESERVED;
}

static bool read_directories(struct gpup_pe *pe, const uint8_t *optional, uint32_t count,
                             const struct gpup_pe_error *error) {
    for (unsigned i = 0; i < count; i++) {
        struct gpup_pe_span *d = &pe->directory[i];
        if (is_ignored(i))
            continue;
        *d = (struct gpup_pe_span){gpup_pe_u32(optional + OPTIONAL_HEADER + 8 * i),
                                   gpup_pe_u32(optional + OPTIONAL_HEADER + 8 * i + 4)};
        if (!d->rva)
            d->size = 0;
        if ((uint64_t)d->rva + d->size > pe->image_size)
            return gpup_pe_refuse(error,
                                  "has a directory (number %u) at 0x%x, %u bytes, that ends outside of "
                                  "its image of %u bytes",
                                  i, d->rva, d->size, pe->image_size);
    }
    return true;
}

static bool check_wishes(const struct gpup_pe *pe, const struct gpup_pe_error *error) {
    if (pe->directory[GPUP_PE_MANAGED].rva)
        return gpup_pe_refuse(error, "is managed code (it has a CLR header); a driver is native code");
    if (pe->directory[GPUP_PE_TLS].rva)
        return gpup_pe_refuse(error, "has thread-local storage or its callbacks (a TLS directory), which the "
                                     "kernel does not give to drivers");
    if (pe->directory[GPUP_PE_DELAY_IMPORT].rva)
        return gpup_pe_refuse(error, "has delayed imports, which the kernel does not load; link it without "
                                     "/DELAYLOAD");
    return true;
}

/* --- sections */

static void name_of(const uint8_t *header, char name[9]) {
    memcpy(name, header, 8);
    name[8] = 0;
    for (char *c = name; *c; c++)
        if (*c < 0x20 || *c > 0x7E)
            *c = '?';
}

static uint8_t access_of(uint32_t flags) {
    return (uint8_t)((flags >> 29 & 1 ? GPUP_PE_EXECUTE : 0) | (flags >> 30 & 1 ? GPUP_PE_READ : 0) |
                     (flags >> 31 & 1 ? GPUP_PE_WRITE : 0));
}

static bool read_section(struct gpup_pe *pe, const uint8_t *header, uint32_t alignment, uint64_t *end,
                         const struct gpup_pe_error *error) {
    struct gpup_pe_section *s = &pe->section[pe->section_count];
    uint32_t bytes = gpup_pe_u32(header + 16);
    name_of(header, s->name);
    s->span = (struct gpup_pe_span){gpup_pe_u32(header + 12), gpup_pe_u32(header + 8)};
    s->file = gpup_pe_u32(header + 20);
    s->access = access_of(gpup_pe_u32(header + 36));
    s->initial = (gpup_pe_u32(header + 36) & DISCARDABLE) && s->access == (GPUP_PE_EXECUTE | GPUP_PE_READ) &&
                 strcmp(s->name, "INIT") == 0;
    if (!s->span.size)
        s->span.size = bytes;
    if (s->span.rva % alignment || s->span.rva < *end)
        return gpup_pe_refuse(error, "has section %s at 0x%x; expected a multiple of 0x%x, not before 0x%llx",
                              s->name, s->span.rva, alignment, (unsigned long long)*end);
    *end = s->span.rva + round_up(s->span.size, GPUP_PE_PAGE);
    if (!s->span.size || *end > pe->image_size)
        return gpup_pe_refuse(error, "has section %s of %u bytes at 0x%x; its image has %u bytes", s->name,
                              s->span.size, s->span.rva, pe->image_size);
    if ((s->access & GPUP_PE_WRITE) && (s->access & GPUP_PE_EXECUTE))
        return gpup_pe_refuse(error,
                              "has section %s, which is writable and executable; no page may be both: "
                              "give it one of the two with /SECTION",
                              s->name);
    if (bytes && s->file % 512)
        return gpup_pe_refuse(error, "has the contents of section %s at byte %u; expected a multiple of 512",
                              s->name, s->file);
    if (bytes && (uint64_t)s->file + bytes > pe->size)
        return cut_short(pe, "contents", (uint64_t)s->file + bytes, error);
    s->file_bytes = bytes < s->span.size ? bytes : s->span.size;
    pe->section_count++;
    return true;
}

static bool read_sections(struct gpup_pe *pe, const uint8_t *table, unsigned count, uint32_t alignment,
                          const struct gpup_pe_error *error) {
    uint64_t end = round_up(pe->header_size, GPUP_PE_PAGE);
    for (unsigned i = 0; i < count; i++)
        if (!read_section(pe, table + (size_t)i * SECTION_HEADER, alignment, &end, error))
            return false;
    return true;
}

const struct gpup_pe_section *gpup_pe_section_of(const struct gpup_pe *pe, uint64_t rva, uint64_t size) {
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct gpup_pe_span *s = &pe->section[i].span;
        if (rva >= s->rva && size <= s->size && rva - s->rva <= s->size - size)
            return &pe->section[i];
    }
    return NULL;
}

uint8_t *gpup_pe_at(const struct gpup_pe *pe, uint64_t rva, uint64_t size) {
    if (rva <= pe->header_size && size <= pe->header_size - rva)
        return pe->memory + rva;
    const struct gpup_pe_section *s = gpup_pe_section_of(pe, rva, size);
    return s && s->access ? pe->memory + rva : NULL;
}

static bool check_entry(const struct gpup_pe *pe, const struct gpup_pe_error *error) {
    const struct gpup_pe_section *s = gpup_pe_section_of(pe, pe->entry, 1);
    if (!pe->entry)
        return gpup_pe_refuse(error,
                              "has no entry point; link it with /ENTRY:DriverEntry (or GsDriverEntry)");
    if (!s || !(s->access & GPUP_PE_EXECUTE))
        return gpup_pe_refuse(error, "has its entry point at 0x%x, which is in no executable section",
                              pe->entry);
    return true;
}

/* --- the whole */

static const uint8_t *find_header(const struct gpup_pe *pe, const struct gpup_pe_error *error) {
    uint32_t at = pe->size >= DOS_HEADER ? gpup_pe_u32(pe->bytes + 60) : 0;
    if (pe->size < DOS_HEADER || pe->bytes[0] != 'M' || pe->bytes[1] != 'Z') {
        gpup_pe_refuse(error, "is no Windows image: expected it to begin with MZ");
        return NULL;
    }
    if (at < DOS_HEADER || at % 4) {
        gpup_pe_refuse(error, "has its PE header at byte %u; expected a multiple of 4 behind the DOS header",
                       at);
        return NULL;
    }
    if ((uint64_t)at + FILE_HEADER + OPTIONAL_HEADER > pe->size) {
        cut_short(pe, "PE header", (uint64_t)at + FILE_HEADER + OPTIONAL_HEADER, error);
        return NULL;
    }
    if (memcmp(pe->bytes + at, "PE\0\0", 4) != 0) {
        gpup_pe_refuse(error, "is no PE image: expected the signature PE at byte %u", at);
        return NULL;
    }
    return pe->bytes + at;
}

bool gpup_pe_read(struct gpup_pe *pe, const void *bytes, size_t size, const struct gpup_pe_error *error) {
    *pe = (struct gpup_pe){.bytes = bytes, .size = size};
    const uint8_t *header = find_header(pe, error);
    if (!header || !check_kind(pe, header, error))
        return false;
    const uint8_t *optional = header + FILE_HEADER;
    unsigned count = gpup_pe_u16(header + 6), optional_size = gpup_pe_u16(header + 20);
    uint32_t directories = gpup_pe_u32(optional + 108);
    uint64_t table = (uint64_t)(optional - pe->bytes) + optional_size;
    uint64_t end = table + (uint64_t)count * SECTION_HEADER;
    if (directories > MAX_DIRECTORIES || optional_size < OPTIONAL_HEADER + 8 * directories)
        return gpup_pe_refuse(error,
                              "has an optional header of %u bytes with %u directories; expected room "
                              "for them, and at most 16",
                              optional_size, directories);
    if (count < 1 || count > GPUP_PE_MAX_SECTIONS)
        return gpup_pe_refuse(error, "has %u sections; expected 1 to %u", count, GPUP_PE_MAX_SECTIONS);
    if (end > size)
        return cut_short(pe, "section table", end, error);
    return read_sizes(pe, optional, end, error) && read_directories(pe, optional, directories, error) &&
           check_wishes(pe, error) &&
           read_sections(pe, pe->bytes + table, count, gpup_pe_u32(optional + 32), error) &&
           check_entry(pe, error);
}
