#include "elf.h"

#include <elf.h> // NOLINT(readability-duplicate-include): not ours
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    const uint8_t *bytes;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *sections;
    const char *names;
    size_t names_size;
};

static bool say(char *message, size_t size, const char *path, const char *what) {
    snprintf(message, size, "%s: %s", path, what);
    return false;
}

static const void *at(const struct file *f, uint64_t offset, uint64_t size) {
    return offset <= f->size && size <= f->size - offset ? f->bytes + offset : NULL;
}

static bool map_file(const char *path, struct file *f, char *message, size_t message_size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return say(message, message_size, path, "cannot be opened");
    struct stat st;
    void *bytes = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size > (off_t)sizeof(Elf64_Ehdr))
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return say(message, message_size, path,
                   "expected an x86-64 ELF object, found a file too short to be one");
    *f = (struct file){.bytes = bytes, .size = (size_t)st.st_size, .header = bytes};
    return true;
}

/* Finds the section table; every offset is checked, since the file may be anything. */
static bool read_sections(const char *path, struct file *f, char *message, size_t message_size) {
    const Elf64_Ehdr *h = f->header;
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        h->e_machine != EM_X86_64)
        return say(message, message_size, path, "expected an x86-64 ELF object, found something else");
    f->sections = at(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr));
    if (!f->sections || h->e_shoff == 0 || h->e_shnum == 0 || h->e_shentsize != sizeof(Elf64_Shdr) ||
        h->e_shstrndx >= h->e_shnum)
        return say(message, message_size, path,
                   "has no section table; build the implementation without stripping it");
    const Elf64_Shdr *names = &f->sections[h->e_shstrndx];
    f->names = at(f, names->sh_offset, names->sh_size);
    f->names_size = names->sh_size;
    if (!f->names || f->names_size == 0 || f->names[f->names_size - 1] != 0)
        return say(message, message_size, path, "has a damaged section name table");
    return true;
}

static const char *section_name(const struct file *f, const Elf64_Shdr *s) {
    return s->sh_name < f->names_size ? f->names + s->sh_name : "";
}

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool owned_by_tools(const char *name) {
    static const char *const prefixes[] = {".got",           ".dynamic", ".init_array", ".fini_array",
                                           ".preinit_array", ".ctors",   ".dtors",      ".data.rel.ro",
                                           ".tm_clone",      "__sancov", "__llvm",      "__libfuzzer",
                                           "asan_globals",   ".jcr",     "__gcov"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (begins(name, prefixes[i]))
            return true;
    return false;
}

static bool counter_symbol(const char *name) {
    return begins(name, "__gcov") || begins(name, "__llvm_gcov") || begins(name, "__llvm_prf") ||
           begins(name, "__sancov") || begins(name, "__profc") || begins(name, "completed.") ||
           begins(name, "__asan") || begins(name, "__odr_asan");
}

bool gpup_ranges_add(struct gpup_ranges *ranges, uint64_t start, uint64_t end) {
    if (start >= end)
        return true;
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity ? ranges->capacity * 2 : 16;
        struct gpup_range *grown = realloc(ranges->range, capacity * sizeof *grown);
        if (!grown)
            return false;
        ranges->range = grown;
        ranges->capacity = capacity;
    }
    ranges->range[ranges->count++] = (struct gpup_range){start, end};
    return true;
}

static bool cut(struct gpup_ranges *ranges, uint64_t start, uint64_t end) {
    for (size_t i = 0; i < ranges->count; i++) {
        struct gpup_range *r = &ranges->range[i];
        if (end <= r->start || start >= r->end)
            continue;
        uint64_t old_end = r->end;
        r->end = start > r->start ? start : r->start;
        if (end < old_end && !gpup_ranges_add(ranges, end, old_end))
            return false;
    }
    return true;
}

static bool cut_counters(const struct file *f, struct gpup_ranges *ranges) {
    for (unsigned i = 0; i < f->header->e_shnum; i++) {
        const Elf64_Shdr *s = &f->sections[i];
        if (s->sh_type != SHT_SYMTAB || s->sh_link >= f->header->e_shnum)
            continue;
        const Elf64_Shdr *strings = &f->sections[s->sh_link];
        const Elf64_Sym *symbols = at(f, s->sh_offset, s->sh_size);
        const char *names = at(f, strings->sh_offset, strings->sh_size);
        if (!symbols || !names || strings->sh_size == 0 || names[strings->sh_size - 1] != 0)
            continue;
        for (size_t k = 0; k < s->sh_size / sizeof *symbols; k++)
            if (symbols[k].st_size && symbols[k].st_name < strings->sh_size &&
                ELF64_ST_TYPE(symbols[k].st_info) == STT_OBJECT &&
                counter_symbol(names + symbols[k].st_name) &&
                !cut(ranges, symbols[k].st_value, symbols[k].st_value + symbols[k].st_size))
                return false;
    }
    return true;
}

static bool cut_relro(const struct file *f, struct gpup_ranges *ranges) {
    const Elf64_Ehdr *h = f->header;
    const Elf64_Phdr *segments = at(f, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr));
    for (unsigned i = 0; segments && i < h->e_phnum; i++)
        if (segments[i].p_type == PT_GNU_RELRO &&
            !cut(ranges, segments[i].p_vaddr, segments[i].p_vaddr + segments[i].p_memsz))
            return false;
    return true;
}

static bool collect(const struct file *f, const char *prefix, struct gpup_ranges *out,
                    struct gpup_range *code) {
    *code = (struct gpup_range){UINT64_MAX, 0};
    for (unsigned i = 0; i < f->header->e_shnum; i++) {
        const Elf64_Shdr *s = &f->sections[i];
        const char *name = section_name(f, s);
        bool executable = (s->sh_flags & SHF_EXECINSTR) && (s->sh_flags & SHF_ALLOC);
        if (executable && (!prefix || begins(name, prefix))) {
            code->start = s->sh_addr < code->start ? s->sh_addr : code->start;
            code->end = s->sh_addr + s->sh_size > code->end ? s->sh_addr + s->sh_size : code->end;
        }
        if (!(s->sh_flags & SHF_ALLOC) || !(s->sh_flags & SHF_WRITE) || (s->sh_flags & SHF_TLS))
            continue;
        if (prefix ? !begins(name, prefix) : owned_by_tools(name))
            continue;
        if (!gpup_ranges_add(out, s->sh_addr, s->sh_addr + s->sh_size))
            return false;
    }
    if (!code->end) /* none of its own */
        *code = (struct gpup_range){0};
    return cut_counters(f, out) && cut_relro(f, out);
}

/* The dynamic linker maps what the headers say; a file that ends before would be a fault at its first use. */
bool gpup_elf_whole(const char *path, char *message, size_t message_size) {
    struct file f;
    if (!map_file(path, &f, message, message_size))
        return false;
    const Elf64_Ehdr *h = f.header;
    bool elf = memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64;
    const Elf64_Phdr *segments = elf ? at(&f, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)) : NULL;
    bool whole = segments || !elf;
    for (unsigned i = 0; segments && i < h->e_phnum; i++)
        whole =
            whole && (segments[i].p_type != PT_LOAD || at(&f, segments[i].p_offset, segments[i].p_filesz));
    munmap((void *)f.bytes, f.size);
    return whole ||
           say(message, message_size, path, "is cut short: a segment ends behind the end of the file");
}

bool gpup_elf_writable(const char *path, const char *prefix, struct gpup_ranges *out, struct gpup_range *code,
                       char *message, size_t message_size) {
    struct file f;
    *out = (struct gpup_ranges){0};
    if (!map_file(path, &f, message, message_size))
        return false;
    bool ok = read_sections(path, &f, message, message_size);
    if (ok && !collect(&f, prefix, out, code))
        ok = say(message, message_size, path, "out of memory while reading its sections");
    munmap((void *)f.bytes, f.size);
    return ok;
}

void gpup_ranges_free(struct gpup_ranges *ranges) {
    free(ranges->range);
    *ranges = (struct gpup_ranges){0};
}
