/*
 * How a driver for Windows comes to the framework's functions: WDFLDR.SYS binds it to a version of the
 * framework, which hands over a table of functions and the driver's globals. A driver's own code never does
 * this; the part of the WDK that is linked into each framework driver does, before it calls DriverEntry.
 *
 * In the table each function has the driver's globals as first argument, before those of its page. Numbers
 * and structures are those of the published framework (fxldr.h, fxlibrarycommon.cpp, wdfglobals.h); a number
 * never changes its function, and new functions come at the end.
 */
#ifndef GPUP_DDI_WDF_BIND_H
#define GPUP_DDI_WDF_BIND_H

#include "ddi/wdf.h"
#include "ddi/wdm.h"

#ifndef _WDF_H_

#ifdef __cplusplus
extern "C" {
#endif

typedef VOID(DDI_CALL *WDFFUNC)(VOID);

/* What a driver has of the framework, and the framework of it. */
typedef struct DDI_STRUCT _GPUP_WDF_DRIVER_GLOBALS {
    PVOID Driver; /* WDFDRIVER */
    ULONG DriverFlags;
    ULONG DriverTag; /* of its pool */
    CHAR DriverName[32];
    BOOLEAN DisplaceDriverUnload;
} GPUP_WDF_DRIVER_GLOBALS;

typedef struct DDI_STRUCT _GPUP_WDF_BIND_INFO {
    ULONG Size;             /* bytes of this structure */
    const WCHAR *Component; /* KmdfLibrary */
    struct {
        ULONG Major, Minor, Build;
    } Version;
    ULONG FuncCount; /* functions that the driver's version knows */
    /* Up to 444 (version 1.13) room for that many, which is filled; of a later version, a pointer that is
     * set. */
    WDFFUNC *FuncTable;
    PVOID Module;
} GPUP_WDF_BIND_INFO;
#define GPUP_WDF_COPIED_FUNCTIONS 444

/* IRQL = PASSIVE_LEVEL. STATUS_INVALID_PARAMETER: nothing to fill, or more functions than there are. */
NTSTATUS DDI_CALL WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath,
                                 GPUP_WDF_BIND_INFO *BindInfo, GPUP_WDF_DRIVER_GLOBALS **ComponentGlobals);
NTSTATUS DDI_CALL WdfVersionUnbind(PUNICODE_STRING RegistryPath, GPUP_WDF_BIND_INFO *BindInfo,
                                   GPUP_WDF_DRIVER_GLOBALS *ComponentGlobals);
/* Extensions of the framework for classes of devices, of which there are none here. */
NTSTATUS DDI_CALL WdfVersionBindClass(GPUP_WDF_BIND_INFO *BindInfo,
                                      GPUP_WDF_DRIVER_GLOBALS **ComponentGlobals, PVOID ClassBindInfo);
VOID DDI_CALL WdfVersionUnbindClass(GPUP_WDF_BIND_INFO *BindInfo, GPUP_WDF_DRIVER_GLOBALS *ComponentGlobals,
                                    PVOID ClassBindInfo);

#ifdef __cplusplus
}
#endif

#endif /* _WDF_H_ */
#endif
