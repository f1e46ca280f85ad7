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

/* --- what a miniport has of it */

typedef struct about {
    UINT64 number;
} about;
WDF_DECLARE_CONTEXT_TYPE(about) /* the accessor is called by number below */

static unsigned unloads, cleanups;
static WDFDRIVER the_driver;
static WCHAR key[] = {'\\', 'R', 'e', 'g'};
static UNICODE_STRING named_key = {sizeof key, sizeof key, key};
#define OBJECT(n) ((PVOID)(ULONG_PTR)(0x1000 * (n))) /* nobody looks into it */
#define CALL(number, type) ((type)(PVOID)pointed[number])

typedef NTSTATUS(DDI_CALL *create_driver)(GPUP_WDF_DRIVER_GLOBALS *, PDRIVER_OBJECT, PCUNICODE_STRING,
                                          PWDF_OBJECT_ATTRIBUTES, PWDF_DRIVER_CONFIG, WDFDRIVER *);
typedef NTSTATUS(DDI_CALL *create_device)(GPUP_WDF_DRIVER_GLOBALS *, WDFDRIVER, PWDF_OBJECT_ATTRIBUTES,
                                          PDEVICE_OBJECT, PDEVICE_OBJECT, PDEVICE_OBJECT, WDFDEVICE *);
typedef PVOID(DDI_CALL *ask)(GPUP_WDF_DRIVER_GLOBALS *, PVOID);
typedef PVOID(DDI_CALL *find)(GPUP_WDF_DRIVER_GLOBALS *, PVOID, PCWDF_OBJECT_CONTEXT_TYPE_INFO);

static VOID DDI_CALL unloaded(WDFDRIVER driver) {
    unloads += driver == the_driver;
}
static VOID DDI_CALL cleaned(WDFOBJECT object) {
    (void)object;
    cleanups++;
}

static NTSTATUS bind_once(void) {
    GPUP_WDF_BIND_INFO info;
    return globals ? STATUS_SUCCESS : bind(33, 453, &pointed, &info);
}

static NTSTATUS make_driver(PWDF_OBJECT_ATTRIBUTES attributes) {
    WDF_DRIVER_CONFIG config;
    bind_once();
    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    config.EvtDriverUnload = unloaded;
    config.DriverInitFlags = WdfDriverInitNoDispatchOverride;
    config.DriverPoolTag = 0x31676154;
    return CALL(116, create_driver)(globals, OBJECT(1), &named_key, attributes, &config, &the_driver);
}

static NTSTATUS make_device(PWDF_OBJECT_ATTRIBUTES attributes, WDFDEVICE *device) {
    return CALL(200, create_device)(globals, the_driver, attributes, OBJECT(2), OBJECT(3), OBJECT(4), device);
}

static UINT64 a_device(WDF_OBJECT_ATTRIBUTES *attributes) {
    WDFDEVICE device = NULL, second = NULL;
    MUST(make_device(attributes, &device) == STATUS_SUCCESS && device);
    MUST(make_device(NULL, &second) == STATUS_SUCCESS && second != device);
    about *about_it = CALL(202, find)(globals, device, attributes->ContextTypeInfo);
    MUST(about_it && about_it->number == 0);
    MUST(CALL(39, ask)(globals, device) == the_driver);
    MUST(CALL(31, ask)(globals, device) == OBJECT(2));
    MUST(CALL(32, ask)(globals, device) == OBJECT(3));
    MUST(CALL(33, ask)(globals, device) == OBJECT(4));
    CALL(208, ask)(globals, device);
    MUST(cleanups == 1);
    return 0;
}

EXPORT(a_miniport) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DRIVER_CONFIG config;
    (void)room;
    unloads = cleanups = 0;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, about);
    attributes.EvtCleanupCallback = cleaned;
    MUST(make_driver(NULL) == STATUS_SUCCESS && the_driver);
    MUST(globals->Driver == the_driver && globals->DriverTag == 0x31676154);
    MUST(make_driver(NULL) == STATUS_DRIVER_INTERNAL_ERROR);
    const WCHAR *path = CALL(117, ask)(globals, the_driver);
    MUST(path && path != key && path[0] == key[0] && path[3] == key[3] && path[4] == 0);
    MUST(CALL(118, ask)(globals, the_driver) == OBJECT(1));
    MUST(CALL(120, ask)(globals, OBJECT(1)) == the_driver && !CALL(120, ask)(globals, OBJECT(2)));
    MUST(a_device(&attributes) == 0);
    attributes.ParentObject = the_driver;
    WDFDEVICE device;
    MUST(make_device(&attributes, &device) == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    attributes.ParentObject = NULL;
    MUST(make_device(&attributes, &device) == STATUS_SUCCESS); /* goes with its driver */
    CALL(201, ask)(globals, the_driver);
    MUST(unloads == 1 && cleanups == 2 && !globals->Driver);
    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    config.Size--;
    MUST(CALL(116, create_driver)(globals, OBJECT(1), &named_key, NULL, &config, NULL) ==
         STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

EXPORT(a_miniport_that_stays) {
    (void)room;
    MUST(make_driver(NULL) == STATUS_SUCCESS);
    return 0;
}

EXPORT(a_miniport_without_memory) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device = NULL;
    UINT64 failed = 0;
    (void)room;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, about);
    if (bind_once() != STATUS_SUCCESS) {
        failed++;
        MUST(bind_once() == STATUS_SUCCESS);
    }
    if (make_driver(&attributes) != STATUS_SUCCESS) {
        failed++;
        MUST(make_driver(&attributes) == STATUS_SUCCESS);
    }
    if (make_device(&attributes, &device) != STATUS_SUCCESS) {
        failed++;
        MUST(!device && make_device(&attributes, &device) == STATUS_SUCCESS);
    }
    MUST(failed == 1);
    CALL(201, ask)(globals, the_driver);
    return 0;
}

EXPORT(a_driver_without_path) {
    WDF_DRIVER_CONFIG config;
    (void)room;
    bind_once();
    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    CALL(116, create_driver)(globals, OBJECT(1), NULL, NULL, &config, NULL);
    return 0;
}

EXPORT(a_device_of_no_driver) {
    WDFDEVICE device;
    (void)room;
    make_driver(NULL);
    CALL(200, create_device)(globals, OBJECT(5), NULL, OBJECT(2), NULL, NULL, &device);
    return 0;
}

EXPORT(a_device_without_object) {
    WDFDEVICE device;
    (void)room;
    make_driver(NULL);
    CALL(200, create_device)(globals, the_driver, NULL, NULL, NULL, NULL, &device);
    return 0;
}

EXPORT(a_driver_deleted) {
    (void)room;
    make_driver(NULL);
    CALL(208, ask)(globals, the_driver);
    return 0;
}

EXPORT(a_device_deleted_twice) {
    WDFDEVICE device;
    (void)room;
    make_driver(NULL);
    make_device(NULL, &device);
    CALL(208, ask)(globals, device);
    CALL(208, ask)(globals, device);
    return 0;
}

EXPORT(a_driver_unloaded_twice) {
    (void)room;
    make_driver(NULL);
    CALL(201, ask)(globals, the_driver);
    CALL(201, ask)(globals, the_driver);
    return 0;
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    (void)driver;
    (void)registry_path;
    return STATUS_SUCCESS;
}
