/* Imports, and the stubs for those that nobody has; exports. */
#include "pe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DESCRIPTOR 20u
#define MAX_MODULES 256u
#define MAX_IMPORTS 16384u
#define MAX_NAME 512u
#define BY_ORDINAL (UINT64_C(1) << 63)

/* A name with its end inside the image, printable. NULL: it is none. */
static const char *name_at(const struct gpup_pe *pe, uint64_t rva) {
    const struct gpup_pe_section *s = gpup_pe_section_of(pe, rva, 1);
    if (!s || !s->access)
        return NULL;
    uint64_t left = s->span.size - (rva - s->span.rva);
    const uint8_t *name = pe->memory + rva;
    size_t length = 0;
    for (; length < left && length < MAX_NAME && name[length]; length++)
        if (name[length] <= 0x20 || name[length] > 0x7E)
            return NULL;
    return length && length < left && length < MAX_NAME ? (const char *)name : NULL;
}

/* One thunk of a module: 1 an import, 0 the end of the list, -1 refused. */
static int next_import(const struct gpup_pe *pe, uint64_t lookup, uint64_t place,
                       struct gpup_pe_import *import, const struct gpup_pe_error *error) {
    const uint8_t *thunk = gpup_pe_at(pe, lookup, 8);
    uint64_t value = thunk ? gpup_pe_u64(thunk) : 0;
    if (thunk && !value)
        return 0;
    if (!thunk || place % 8 || !gpup_pe_section_of(pe, place, 8)) {
        gpup_pe_refuse(error, "has a list of imports from %s that leaves its sections at 0x%llx",
                       import->module, (unsigned long long)(thunk ? place : lookup));
        return -1;
    }
    import->place = (uint32_t)place;
    import->ordinal = value & BY_ORDINAL ? (uint16_t)value : 0;
    import->name = value & BY_ORDINAL ? NULL : name_at(pe, value + 2);
    if (value & BY_ORDINAL ? (value & ~BY_ORDINAL) > 0xFFFF : !import->name) {
        gpup_pe_refuse(error, "imports 0x%llx from %s, which is neither a name nor an ordinal",
                       (unsigned long long)value, import->module);
        return -1;
    }
    return 1;
}

static bool module_imports(const struct gpup_pe *pe, const uint8_t *descriptor, unsigned *total,
                           gpup_pe_import_fn *each, void *context, const struct gpup_pe_error *error) {
    uint64_t lookup = gpup_pe_u32(descriptor), place = gpup_pe_u32(descriptor + 16);
    struct gpup_pe_import import = {.module = name_at(pe, gpup_pe_u32(descriptor + 12))};
    if (!import.module)
        return gpup_pe_refuse(error, "imports from a module without a name");
    for (lookup = lookup ? lookup : place;; lookup += 8, place += 8) {
        int one = next_import(pe, lookup, place, &import, error);
        if (one <= 0)
            return one == 0;
        if (++*total > MAX_IMPORTS)
            return gpup_pe_refuse(error, "has more than %u imports", MAX_IMPORTS);
        if (!each(context, &import))
            return false;
    }
}

bool gpup_pe_imports(const struct gpup_pe *pe, gpup_pe_import_fn *each, void *context,
                     const struct gpup_pe_error *error) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_IMPORT];
    unsigned total = 0;
    for (unsigned i = 0; d.rva && i < MAX_MODULES; i++) {
        const uint8_t *descriptor = gpup_pe_at(pe, (uint64_t)d.rva + i * DESCRIPTOR, DESCRIPTOR);
        if (!descriptor)
            return gpup_pe_refuse(error, "has a list of imported modules without an end");
        if (!gpup_pe_u32(descriptor + 12) && !gpup_pe_u32(descriptor + 16))
            return true;
        if (!module_imports(pe, descriptor, &total, each, context, error))
            return false;
    }
    return !d.rva || gpup_pe_refuse(error, "imports from more than %u modules", MAX_MODULES);
}

/* --- binding */

#define STUB 32u /* bytes of one */

/* mov rcx, name; mov rax, function; jmp rax: the name is the only argument, and nothing returns. */
static void write_stub(uint8_t *at, const char *name, const void *function) {
    static const uint8_t code[] = {0x48, 0xB9, 0, 0, 0, 0, 0, 0, 0, 0,    0x48,
                                   0xB8, 0,    0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0};
    memset(at, 0xCC, STUB);
    memcpy(at, code, sizeof code);
    memcpy(at + 2, &name, sizeof name);
    memcpy(at + 12, &function, sizeof function);
}

/* An address to write once all are known: what is written may lie over what is still to be read. */
struct bound {
    uint32_t place;
    void *address;
    size_t name; /* of a stub: where its name begins */
};
struct binder {
    struct gpup_pe *pe;
    gpup_pe_resolve_fn *resolve;
    void *context, *unsupported;
    const struct gpup_pe_error *error;
    struct bound *bound;
    size_t count, capacity, missing, name_bytes;
};

static bool keep(struct binder *b, struct bound bound) {
    if (b->count == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 64;
        struct bound *grown = realloc(b->bound, capacity * sizeof *grown);
        if (!grown)
            return gpup_pe_refuse(b->error, "out of memory while its imports were looked up");
        b->bound = grown;
        b->capacity = capacity;
    }
    b->bound[b->count++] = bound;
    return true;
}

static bool keep_name(struct binder *b, const char *name, size_t length) {
    char *grown = realloc(b->pe->stub_names, b->name_bytes + length);
    if (!grown)
        return gpup_pe_refuse(b->error, "out of memory while its imports were looked up");
    memcpy(grown + b->name_bytes, name, length);
    b->pe->stub_names = grown;
    b->name_bytes += length;
    b->missing++;
    return true;
}

static bool bind_one(void *context, const struct gpup_pe_import *import) {
    struct binder *b = context;
    struct bound bound = {
        import->place, b->resolve(b->context, import->module, import->name, import->ordinal), b->name_bytes};
    if (!bound.address) {
        char name[2 * MAX_NAME];
        int length = import->name ? snprintf(name, sizeof name, "%s!%s", import->module, import->name)
                                  : snprintf(name, sizeof name, "%s!#%u", import->module, import->ordinal);
        if (!b->unsupported || (import->name && strncmp(import->name, "gpup_", 5) == 0))
            return gpup_pe_refuse(b->error, "imports %s, which this program does not have", name);
        if (!keep_name(b, name, (size_t)length + 1))
            return false;
    }
    return keep(b, bound);
}

static bool make_stubs(struct binder *b) {
    struct gpup_pe *pe = b->pe;
    size_t bytes = b->missing * STUB;
    if (!bytes)
        return true;
    void *stubs = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stubs == MAP_FAILED)
        return gpup_pe_refuse(b->error, "out of memory for the stubs of its imports");
    pe->stubs = stubs;
    pe->stubs_bytes = bytes;
    uint8_t *at = pe->stubs;
    for (size_t i = 0; i < b->count; i++) {
        if (b->bound[i].address)
            continue;
        write_stub(at, pe->stub_names + b->bound[i].name, b->unsupported);
        b->bound[i].address = at;
        at += STUB;
    }
    return mprotect(stubs, bytes, PROT_READ | PROT_EXEC) == 0 ||
           gpup_pe_refuse(b->error, "could not be given the protection of its pages");
}

bool gpup_pe_bind(struct gpup_pe *pe, gpup_pe_resolve_fn *resolve, void *context, void *unsupported,
                  const struct gpup_pe_error *error) {
    struct binder b = {
        .pe = pe, .resolve = resolve, .context = context, .unsupported = unsupported, .error = error};
    bool ok = gpup_pe_imports(pe, bind_one, &b, error) && make_stubs(&b);
    for (size_t i = 0; ok && i < b.count; i++)
        memcpy(pe->memory + b.bound[i].place, &b.bound[i].address, sizeof b.bound[i].address);
    free(b.bound);
    return ok;
}

/* --- exports */

#define EXPORTS 40u

static bool same_name(const struct gpup_pe *pe, uint64_t rva, const char *name) {
    const char *found = name_at(pe, rva);
    return found && strcmp(found, name) == 0;
}

void *gpup_pe_export(const struct gpup_pe *pe, const char *name) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_EXPORT];
    const uint8_t *table = d.rva && d.size >= EXPORTS ? gpup_pe_at(pe, d.rva, EXPORTS) : NULL;
    if (!table)
        return NULL;
    uint32_t functions = gpup_pe_u32(table + 20), names = gpup_pe_u32(table + 24);
    const uint8_t *addresses = gpup_pe_at(pe, gpup_pe_u32(table + 28), (uint64_t)functions * 4);
    const uint8_t *name_list = gpup_pe_at(pe, gpup_pe_u32(table + 32), (uint64_t)names * 4);
    const uint8_t *ordinals = gpup_pe_at(pe, gpup_pe_u32(table + 36), (uint64_t)names * 2);
    for (uint32_t i = 0; addresses && name_list && ordinals && i < names; i++) {
        uint32_t ordinal = gpup_pe_u16(ordinals + (size_t)i * 2);
        if (ordinal >= functions || !same_name(pe, gpup_pe_u32(name_list + (size_t)i * 4), name))
            continue;
        uint32_t rva = gpup_pe_u32(addresses + (size_t)ordinal * 4);
        bool forwarded = rva >= d.rva && rva - d.rva < d.size;
        return rva && !forwarded && gpup_pe_section_of(pe, rva, 1) ? pe->memory + rva : NULL;
    }
    return NULL;
}
