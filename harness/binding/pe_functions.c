/* The table of functions (.pdata) and what it says of their frames, checked: x64 exception handling of the
 * Microsoft documents. */
#include "pe_frames.h"

#define ENTRY 12u

struct gpup_pe_function gpup_pe_function_at(const uint8_t *entry) {
    return (struct gpup_pe_function){gpup_pe_u32(entry), gpup_pe_u32(entry + 4), gpup_pe_u32(entry + 8)};
}

unsigned gpup_pe_unwind_slots(unsigned operation, unsigned info) {
    switch (operation) {
    case PE_PUSH:
    case PE_ALLOC_SMALL:
    case PE_SET_FRAME:
    case PE_EPILOG:
    case PE_MACHINE:
        return 1;
    case PE_ALLOC_LARGE:
        return info > 1 ? 0 : 2 + info;
    case PE_SAVE:
    case PE_SAVE_XMM:
        return 2;
    case PE_SAVE_FAR:
    case PE_SAVE_XMM_FAR:
        return 3;
    default:
        return 0;
    }
}

/* Of what comes behind the codes: another entry, or the address of a handler. */
static uint64_t tail_of(const uint8_t *info) {
    unsigned flags = info[0] >> 3;
    return flags & PE_CHAINED ? ENTRY : flags & PE_HANDLERS ? 4 : 0;
}

const uint8_t *gpup_pe_unwind_data(const struct gpup_pe *pe, uint32_t rva) {
    const uint8_t *info = rva % 4 ? NULL : gpup_pe_at(pe, rva, 4);
    unsigned version = info ? info[0] & 7 : 0, count = info ? info[2] : 0;
    if (version < 1 || version > 2 ||
        !gpup_pe_at(pe, rva, 4 + 2 * (uint64_t)((count + 1) & ~1u) + tail_of(info)))
        return NULL;
    for (unsigned i = 0; i < count;) {
        unsigned slots = gpup_pe_unwind_slots(info[5 + 2 * i] & 15, info[5 + 2 * i] >> 4);
        if (!slots || slots > count - i)
            return NULL;
        i += slots;
    }
    return info;
}

const uint8_t *gpup_pe_chained(const uint8_t *info) {
    return info[0] >> 3 & PE_CHAINED ? info + 4 + 2 * ((info[2] + 1) & ~1) : NULL;
}

bool gpup_pe_runs(const struct gpup_pe *pe, uint32_t rva) {
    const struct gpup_pe_section *s = gpup_pe_section_of(pe, rva, 1);
    return s && (s->access & GPUP_PE_EXECUTE);
}

static bool handler_runs(const struct gpup_pe *pe, const uint8_t *info) {
    return !(info[0] >> 3 & PE_HANDLERS) ||
           gpup_pe_runs(pe, gpup_pe_u32(info + 4 + (size_t)2 * ((info[2] + 1) & ~1)));
}

static bool whole_chain(const struct gpup_pe *pe, struct gpup_pe_function f) {
    for (unsigned depth = 0; depth < PE_CHAIN; depth++) {
        const uint8_t *info =
            f.begin < f.end && f.end <= pe->image_size ? gpup_pe_unwind_data(pe, f.info) : NULL;
        if (!info)
            return false;
        if (!gpup_pe_chained(info))
            return handler_runs(pe, info);
        f = gpup_pe_function_at(gpup_pe_chained(info));
    }
    return false;
}

bool gpup_pe_check_functions(const struct gpup_pe *pe, const struct gpup_pe_error *error) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_EXCEPTION];
    const uint8_t *table = gpup_pe_at(pe, d.rva, d.size);
    uint32_t end = 0;
    if (d.size && (!table || d.size % ENTRY))
        return gpup_pe_refuse(error, "has a damaged table of functions (.pdata): %u bytes at 0x%x", d.size,
                              d.rva);
    for (uint32_t i = 0; i < d.size / ENTRY; i++) {
        struct gpup_pe_function f = gpup_pe_function_at(table + (size_t)i * ENTRY);
        if (f.begin < end || !whole_chain(pe, f))
            return gpup_pe_refuse(error,
                                  "has a damaged table of functions (.pdata): entry %u, from 0x%x to "
                                  "0x%x with unwind data at 0x%x",
                                  i, f.begin, f.end, f.info);
        end = f.end;
    }
    return true;
}

const uint8_t *gpup_pe_find_entry(const struct gpup_pe *pe, uint32_t rva) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_EXCEPTION];
    const uint8_t *table = gpup_pe_at(pe, d.rva, d.size);
    uint32_t low = 0, high = table ? d.size / ENTRY : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct gpup_pe_function f = gpup_pe_function_at(table + (size_t)middle * ENTRY);
        if (rva < f.begin)
            high = middle;
        else if (rva >= f.end)
            low = middle + 1;
        else
            return table + (size_t)middle * ENTRY;
    }
    return NULL;
}

bool gpup_pe_find_function(const struct gpup_pe *pe, uint32_t rva, struct gpup_pe_function *out) {
    const uint8_t *entry = gpup_pe_find_entry(pe, rva);
    if (entry)
        *out = gpup_pe_function_at(entry);
    return entry != NULL;
}
