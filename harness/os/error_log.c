/* Entries of the system's error log, which nobody reads: each is written or freed once. */
#include "services.h"

#define TAG 0x676F4C45u /* 'ELog' */

PVOID DDI_CALL IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoAllocateErrorLogEntry);
    struct gpup_os *os = gpup_os_enter(service);

    if (!os)
        return NULL;
    if (!IoObject || EntrySize > ERROR_LOG_MAXIMUM_SIZE) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return NULL;
    }
    return gpup_pool_alloc(os, EntrySize, TAG, GPUP_BLOCK_POOL, true, 0, NULL);
}

static void give_back(const struct gpup_service_limit *service, PVOID entry) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && gpup_pool_live(os, entry, 1))
        gpup_pool_free(os, entry, GPUP_BLOCK_POOL);
    else if (os)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
}

VOID DDI_CALL IoWriteErrorLogEntry(PVOID ElEntry) {
    give_back(GPUP_SERVICE(IoWriteErrorLogEntry), ElEntry);
}

VOID DDI_CALL IoFreeErrorLogEntry(PVOID ElEntry) {
    give_back(GPUP_SERVICE(IoFreeErrorLogEntry), ElEntry);
}
