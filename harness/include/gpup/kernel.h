/*
 * The kernel's services as a table: what an image may import, and where it is.
 *
 * One table (os/services.def) says for each service which module exports it, at which IRQLs its reference
 * page allows a call, and which page that is. From it come this lookup, the names that an executable exports
 * to a loaded shared object, the definition files of import libraries (BUILD/services), the checks of the
 * IRQL and the list of what the tests must cover.
 *
 * Every function has the Microsoft x64 calling convention and may be called from an image as it is. The table
 * is constant: any thread may read it at any time.
 *
 * Pages: https://learn.microsoft.com/windows-hardware/drivers/ddi/<page>
 */
#ifndef GPUP_KERNEL_H
#define GPUP_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpup_service {
    const char *module;  /* that exports it, in lower case: "ntoskrnl.exe" */
    const char *name;    /* exactly as imported */
    const void *address; /* of the function (ms_abi), or of the variable */
    const char
        *header; /* "wdm": where the page is filed; "crt": a C run-time name without an IRQL of its own */
    const char *page;  /* name of the page, where an export serves another name's page: "KeRaiseIrql" */
    uint8_t low, high; /* IRQLs at which the page allows a call; 0 and 15: any. Tighter for some arguments */
    bool data;         /* a variable: an import of it is its address */
    bool imported;     /* images import it. false: inline or from a static library there, and here for the
                        * drivers that are built natively */
};

/* The service that an image names; NULL: not supported. `module` as written in the image, in any case; NULL:
 * any module. ntoskrnl.exe and hal.dll are one, since either forwards to the other in some release. */
const struct gpup_service *gpup_kernel_find(const char *module, const char *name);

/* Where the call of an image leads: the service's address, or an entry before it that keeps the caller's
 * registers, where an exception may come up that the image handles. */
const void *gpup_kernel_entry(const struct gpup_service *service);

/* All of them, for lists and tests: 0 up to the count; NULL beyond. */
const struct gpup_service *gpup_kernel_service(size_t index);
size_t gpup_kernel_count(void);

#endif
