/* What the WDK links into a framework driver: binding, and calls by number. Exports give 0 or a line. */
#include "seh.h"

#include <ddi/wdf_bind.h>

static WDFFUNC copied[GPUP_WDF_COPIED_FUNCTIONS];
static WDFFUNC *pointed;
static GPUP_WDF_DRIVER_GLOBALS *globals;
static const WCHAR component[] = {'K', 'm', 'd', 'f', 'L', 'i', 'b', 'r', 'a', 'r', 'y', 0};
static UNICODE_STRING path;

typedef NTSTATUS(DDI_CALL *create_lock)(GPUP_WDF_DRIVER_GLOBALS *, PWDF_OBJECT_ATTRIBUTES, WDFSPINLOCK *);
typedef VOID(DDI_CALL *use_lock)(GPUP_WDF_DRIVER_GLOBALS *, PVOID);

static NTSTATUS bind(ULONG minor, ULONG count, PVOID table, GPUP_WDF_BIND_INFO *info) {
    *info = (GPUP_WDF_BIND_INFO){sizeof *info, component, {1, minor, 0}, count, table, NULL};
    return WdfVersionBind(NULL, &path, info, &globals);
}

static UINT64 use(WDFFUNC *functions) {
    WDFSPINLOCK lock = NULL;
    MUST(((create_lock)(PVOID)functions[315])(globals, NULL, &lock) == STATUS_SUCCESS && lock);
    ((use_lock)(PVOID)functions[316])(globals, lock);
    MUST(KeGetCurrentIrql() == DISPATCH_LEVEL);
    ((use_lock)(PVOID)functions[317])(globals, lock);
    MUST(KeGetCurrentIrql() == PASSIVE_LEVEL);
    ((use_lock)(PVOID)functions[208])(globals, lock);
    return 0;
}

EXPORT(by_pointer) {
    GPUP_WDF_BIND_INFO info;
    (void)room;
    MUST(bind(33, 453, &pointed, &info) == STATUS_SUCCESS && pointed && globals);
    MUST(use(pointed) == 0);
    MUST(WdfVersionUnbind(&path, &info, globals) == STATUS_SUCCESS);
    return 0;
}

EXPORT(by_copy) {
    GPUP_WDF_BIND_INFO info;
    (void)room;
    copied[396] = NULL;
    MUST(bind(9, 396, copied, &info) == STATUS_SUCCESS);
    MUST(copied[395] && !copied[396]); /* no more than it knows */
    MUST(use(copied) == 0);
    MUST(WdfVersionUnbind(&path, &info, globals) == STATUS_SUCCESS);
    return 0;
}

EXPORT(what_cannot_be_bound) {
    GPUP_WDF_BIND_INFO info;
    (void)room;
    MUST(bind(33, 453, NULL, &info) == STATUS_INVALID_PARAMETER);
    MUST(bind(99, 5000, &pointed, &info) == STATUS_INVALID_PARAMETER);
    MUST(WdfVersionUnbind(&path, NULL, globals) == STATUS_UNSUCCESSFUL);
    return 0;
}

EXPORT(unbound_twice) {
    GPUP_WDF_BIND_INFO info;
    (void)room;
    bind(33, 453, &pointed, &info);
    WdfVersionUnbind(&path, &info, globals);
    WdfVersionUnbind(&path, &info, globals);
    return 0;
}

EXPORT(one_that_is_not_played) {
    GPUP_WDF_BIND_INFO info;
    (void)room;
    bind(33, 453, &pointed, &info);
    ((use_lock)(PVOID)pointed[75])(globals, NULL);
    return 0;
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    (void)driver;
    (void)registry_path;
    return STATUS_SUCCESS;
}
