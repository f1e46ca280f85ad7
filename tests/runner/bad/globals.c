#include "bad.h"

#include <link.h>
#include <string.h>

/* Writes over everything the program has in its data segments. */
static int scribble(struct dl_phdr_info *info, size_t size, void *done) {
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum && !*(int *)done; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_memsz;
        start = (start + 4095) & ~(uintptr_t)4095; /* the first page may be read-only by now */
        if (p->p_type == PT_LOAD && (p->p_flags & PF_W) && start < end)
            for (volatile char *at = (volatile char *)start; at < (volatile char *)end; at++)
                *at = 0x5A;
    }
    *(int *)done = 1;
    return 1;
}

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    int done = args == NULL;
    dl_iterate_phdr(scribble, &done);
}
