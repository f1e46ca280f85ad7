/* The services with their addresses, and the search by name. */
#include "crt.h"
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <ddi/wdf_bind.h>
#include <ddi/wdm.h>
#include <gpup/kernel.h>
#include <gpup/os.h>
#include <string.h>
#include <strings.h>

#define NT_FILE "ntoskrnl.exe"
#define HAL_FILE "hal.dll"
#define DXGK_FILE "dxgkrnl.sys" /* of the import library that takes displib's place */
#define VMB_FILE "vmbkmcl.sys"
#define WDF_FILE "wdf01000.sys" /* images reach these by their number in a table of functions */
#define WDFLDR_FILE "wdfldr.sys"
#define STATIC_FILE "" /* images have their own copy */
#define NT_IMPORTED true
#define HAL_IMPORTED true
#define DXGK_IMPORTED true
#define VMB_IMPORTED true
#define WDF_IMPORTED false
#define WDFLDR_IMPORTED true
#define STATIC_IMPORTED false

// NOLINTBEGIN(bugprone-macro-parentheses): names of functions
#define ROW(module, name, function, header, page, low, high, data)                                           \
    {module##_FILE, #name, (const void *)function, header, page, low, high, data, module##_IMPORTED},
#define SERVICE(module, name, low, high, header, page)                                                       \
    ROW(module, name, name, #header, #page, low##_LEVEL, high##_LEVEL, false)
#define RUNTIME(module, name, function)                                                                      \
    ROW(module, name, function, "crt", #name, PASSIVE_LEVEL, HIGH_LEVEL, false)
#define LIBRARY(module, name) ROW(module, name, name, "", #name, PASSIVE_LEVEL, HIGH_LEVEL, false)
#define REFUSED(module, name) ROW(module, name, name, "", "", PASSIVE_LEVEL, HIGH_LEVEL, false)
#define DATA(module, name, header, page)                                                                     \
    ROW(module, name, &name, #header, #page, PASSIVE_LEVEL, HIGH_LEVEL, true)
// NOLINTEND(bugprone-macro-parentheses)

static const struct gpup_service services[] = {
#include "services.def"
};
#define COUNT (sizeof services / sizeof *services)

/* Where images' calls of those lead that may raise exceptions (exception_entry.c). */
#define RAISES(name, function) void gpup_raising_##name(void);
#include "raising.def"
#undef RAISES
static const struct {
    const char *name;
    void (*entry)(void);
} raising[] = {
#define RAISES(name, function) {#name, gpup_raising_##name},
#include "raising.def"
};

const void *gpup_kernel_entry(const struct gpup_service *service) {
    for (size_t i = 0; i < sizeof raising / sizeof *raising; i++)
        if (!strcmp(raising[i].name, service->name))
            return (const void *)(uintptr_t)raising[i].entry;
    return service->address;
}

static bool same_module(const char *asked, const char *offered) {
    static const char *const kernel[] = {"ntoskrnl.exe", "hal.dll", "ntkrnlmp.exe"};
    bool of_kernel = strcmp(offered, NT_FILE) == 0 || strcmp(offered, HAL_FILE) == 0;

    for (size_t i = 0; of_kernel && i < sizeof kernel / sizeof *kernel; i++)
        if (!strcasecmp(asked, kernel[i]))
            return true;
    return !strcasecmp(asked, offered);
}

const struct gpup_service *gpup_kernel_find(const char *module, const char *name) {
    for (size_t i = 0; i < COUNT; i++)
        if (services[i].imported && !strcmp(services[i].name, name) &&
            (!module || same_module(module, services[i].module)))
            return &services[i];
    return NULL;
}

const struct gpup_service *gpup_kernel_service(size_t index) {
    return index < COUNT ? &services[index] : NULL;
}

size_t gpup_kernel_count(void) {
    return COUNT;
}
