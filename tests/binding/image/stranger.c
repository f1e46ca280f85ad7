/* Drivers of other kinds, by KIND: what somebody gives to the suite who mistook it, or built for the WDK's
 * road. */
#include <ddi/dispmprt.h>
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <ddi/wdm.h>

#define NOTHING 0      /* success, and nobody was told */
#define FAILS 1        /* an error at once */
#define DISPLIB 2      /* what DxgkInitialize of the WDK's displib begins with */
#define DISPLAY_ONLY 3 /* registers with the function of display-only drivers */
#define DECLINES 4     /* a display miniport, that does not want the device */
#define OLD 5          /* with a table of a version that there never was */

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL ZwLoadDriver(PUNICODE_STRING Name);
NTSTATUS DDI_CALL DxgkInitializeDisplayOnlyDriver(PDRIVER_OBJECT Driver, PUNICODE_STRING Path, PVOID Data);

#if KIND >= DECLINES
static NTSTATUS DDI_CALL add_device(PDEVICE_OBJECT Device, PVOID *Context) {
    (void)Device;
    *Context = NULL;
    return STATUS_SUCCESS;
}
#endif

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
#if KIND == DISPLIB
    (void)DriverObject;
    return ZwLoadDriver(RegistryPath);
#elif KIND == DISPLAY_ONLY
    return DxgkInitializeDisplayOnlyDriver(DriverObject, RegistryPath, NULL);
#elif KIND >= DECLINES
    static DRIVER_INITIALIZATION_DATA data;
    data.Version = KIND == OLD ? 1 : DXGKDDI_INTERFACE_VERSION_WIN8;
    data.DxgkDdiAddDevice = add_device;
    return DxgkInitialize(DriverObject, RegistryPath, &data);
#else
    volatile PVOID refused = (PVOID)VmbPacketRestore; /* imported, and not played */
    (void)DriverObject;
    (void)RegistryPath;
    (void)refused;
    return KIND == FAILS ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
#endif
}
