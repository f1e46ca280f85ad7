/* Pageable sections of a driver: nothing is paged out here, so that what is kept is only who locked what how
 * often. */
#include "services.h"

#define SECTIONS 256u
#define PAGE_OF(address) ((uintptr_t)(address) & ~(uintptr_t)(PAGE_SIZE - 1))

struct locked {
    uintptr_t page; /* the handle; 0: free */
    uint32_t count;
};

static struct locked *all(struct gpup_os *os) {
    if (!os->machine->paging)
        os->machine->paging = gpup_os_alloc(os, SECTIONS * sizeof(struct locked));
    return os->machine->paging;
}

static struct locked *find(struct locked *sections, uintptr_t page) {
    for (uint32_t i = 0; sections && i < SECTIONS; i++)
        if (sections[i].page == page)
            return &sections[i];
    return NULL;
}

/* Any address in the section serves; its page stands for the section. */
PVOID DDI_CALL MmLockPagableDataSection(PVOID AddressWithinSection) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmLockPagableDataSection);
    struct gpup_os *os = gpup_os_enter(service);
    struct locked *sections = os ? all(os) : NULL;
    struct locked *section = find(sections, PAGE_OF(AddressWithinSection));

    if (sections && !PAGE_OF(AddressWithinSection)) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return NULL;
    }
    if (!section)
        section = find(sections, 0);
    for (uint32_t i = 0; sections && !section && i < SECTIONS; i++) /* one that nobody has locked now */
        section = sections[i].count ? NULL : &sections[i];
    if (!section)
        return NULL;
    section->page = PAGE_OF(AddressWithinSection);
    section->count++;
    return (PVOID)section->page; // NOLINT(performance-no-int-to-ptr)
}

static struct locked *known(struct gpup_os *os, const struct gpup_service_limit *service,
                            const VOID *handle) {
    struct locked *section = os && handle ? find(all(os), (uintptr_t)handle) : NULL;

    if (os && !section)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return section;
}

/* Of a section that was locked before; it may be unlocked by now. */
VOID DDI_CALL MmLockPagableSectionByHandle(PVOID ImageSectionHandle) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmLockPagableSectionByHandle);
    struct locked *section = known(gpup_os_enter(service), service, ImageSectionHandle);

    if (section)
        section->count++;
}

VOID DDI_CALL MmUnlockPagableImageSection(PVOID ImageSectionHandle) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmUnlockPagableImageSection);
    struct gpup_os *os = gpup_os_enter(service);
    struct locked *section = known(os, service, ImageSectionHandle);

    if (section && !section->count)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    else if (section)
        section->count--;
}

PVOID DDI_CALL MmPageEntireDriver(PVOID AddressWithinSection) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(MmPageEntireDriver));

    (void)AddressWithinSection;
    return os && os->unwinder.size ? (PVOID)os->unwinder.base // NOLINT(performance-no-int-to-ptr)
                                   : AddressWithinSection;
}

VOID DDI_CALL MmResetDriverPaging(PVOID AddressWithinSection) {
    (void)AddressWithinSection;
    gpup_os_enter(GPUP_SERVICE(MmResetDriverPaging));
}
