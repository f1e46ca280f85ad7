#include "deaf.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define JUMP_SIZE 6u

struct search {
    uintptr_t code, code_start, code_end; /* an address of the object, and where its instructions lie */
    unsigned changed;
};

/* Takes any arguments that comparisons are reported with. */
static void hear_nothing(void) {
}

static bool reports_comparison(const char *name) {
    static const char *const begins[] = {"__sanitizer_cov_trace_cmp", "__sanitizer_cov_trace_const_cmp",
                                         "__sanitizer_cov_trace_switch", "__sanitizer_cov_trace_div",
                                         "__sanitizer_cov_trace_gep"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* The page may be read-only since the object was loaded (RELRO); it stays writable then. */
static bool lead_nowhere(uintptr_t slot) {
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE), page = slot & ~(size - 1);
    void (*nothing)(void) = hear_nothing;
    if (mprotect((void *)page, size, PROT_READ | PROT_WRITE)) // NOLINT(performance-no-int-to-ptr)
        return false;
    memcpy((void *)slot, &nothing, sizeof nothing); // NOLINT(performance-no-int-to-ptr)
    return true;
}

/* A call goes to a jump through the slot, FF 25 and how far the slot is: C3 returns there already, and
 * neither slot nor function is touched. Where the jump lies elsewhere or cannot be written to, the slot does
 * it. */
static void return_at_once(const struct search *search, uintptr_t slot) {
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (uintptr_t at = search->code_start; at + JUMP_SIZE <= search->code_end; at++) {
        uint8_t *code = (uint8_t *)at;           // NOLINT(performance-no-int-to-ptr)
        void *page = (void *)(at & ~(size - 1)); // NOLINT(performance-no-int-to-ptr)
        int32_t far;
        if (code[0] != 0xFF || code[1] != 0x25)
            continue;
        memcpy(&far, code + 2, sizeof far);
        if (at + JUMP_SIZE + (uintptr_t)(intptr_t)far != slot ||
            mprotect(page, size, PROT_READ | PROT_WRITE | PROT_EXEC))
            continue;
        *code = 0xC3;
        mprotect(page, size, PROT_READ | PROT_EXEC);
    }
}

/* The dynamic section's addresses are the loader's: already relocated by glibc. */
static unsigned change_slots(const struct search *search, uintptr_t base, const ElfW(Dyn) * dynamic) {
    const ElfW(Sym) *symbols = NULL;
    const ElfW(Rela) *slots = NULL;
    const char *names = NULL;
    size_t size = 0;
    unsigned changed = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        void *at = (void *)dynamic->d_un.d_ptr; // NOLINT(performance-no-int-to-ptr)
        if (dynamic->d_tag == DT_SYMTAB)
            symbols = at;
        else if (dynamic->d_tag == DT_STRTAB)
            names = at;
        else if (dynamic->d_tag == DT_JMPREL)
            slots = at;
        else if (dynamic->d_tag == DT_PLTRELSZ)
            size = dynamic->d_un.d_val;
    }
    for (size_t i = 0; symbols && names && slots && i < size / sizeof *slots; i++)
        if (ELF64_R_TYPE(slots[i].r_info) == R_X86_64_JUMP_SLOT &&
            reports_comparison(names + symbols[ELF64_R_SYM(slots[i].r_info)].st_name)) {
            changed += lead_nowhere(base + slots[i].r_offset);
            return_at_once(search, base + slots[i].r_offset);
        }
    return changed;
}

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
    struct search *search = context;
    const ElfW(Dyn) *dynamic = NULL;
    bool holds = false;
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_DYNAMIC)
            dynamic = (const void *)start; // NOLINT(performance-no-int-to-ptr)
        if (p->p_type != PT_LOAD || search->code - start >= p->p_memsz)
            continue;
        holds = true;
        search->code_start = start;
        search->code_end = start + p->p_filesz;
    }
    if (holds && dynamic && info->dlpi_name[0]) /* the program itself hears what it asks for */
        search->changed = change_slots(search, info->dlpi_addr, dynamic);
    return holds;
}

unsigned fuzz_deafen(uintptr_t code) {
    struct search search = {.code = code};
    dl_iterate_phdr(visit, &search);
    return search.changed;
}
