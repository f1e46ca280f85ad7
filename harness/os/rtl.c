/* Run-time library, system information, messages and the ways to stop. */
#include "asan.h"
#include "format.h"
#include "services.h"

PVOID DDI_CALL RtlSecureZeroMemory(PVOID Destination, SIZE_T Length) {
    volatile uint8_t *p = Destination;

    while (Length--)
        *p++ = 0;
    return Destination;
}

SIZE_T DDI_CALL RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length) {
    const uint8_t *a = Source1, *b = Source2;
    SIZE_T same = 0;

    while (same < Length && a[same] == b[same])
        same++;
    return same;
}

/* Destination sizes are in bytes, terminator included; what does not fit is cut off. */
static NTSTATUS append(PCHAR to, SIZE_T size, SIZE_T at, PCSTR from) {
    if (!size || size > 0x7FFFFFFF || at >= size)
        return STATUS_INVALID_PARAMETER;
    for (; *from && at + 1 < size; at++)
        to[at] = *from++;
    to[at] = '\0';
    return *from ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlStringCbCopyA(PCHAR Destination, SIZE_T DestinationSize, PCSTR Source) {
    return append(Destination, DestinationSize, 0, Source);
}

NTSTATUS DDI_CALL RtlStringCbCatA(PCHAR Destination, SIZE_T DestinationSize, PCSTR Source) {
    return append(Destination, DestinationSize, strnlen(Destination, DestinationSize), Source);
}

NTSTATUS DDI_CALL RtlStringCbLengthA(PCSTR String, SIZE_T Maximum, SIZE_T *Length) {
    size_t length = String ? strnlen(String, Maximum) : Maximum;

    if (length == Maximum)
        return STATUS_INVALID_PARAMETER;
    if (Length)
        *Length = length;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlStringCbPrintfA(PCHAR Destination, SIZE_T DestinationSize, PCSTR Format, ...) {
    __builtin_ms_va_list arguments;
    size_t length;

    if (!DestinationSize || DestinationSize > 0x7FFFFFFF)
        return STATUS_INVALID_PARAMETER;
    __builtin_ms_va_start(arguments, Format);
    length = gpup_format(Destination, DestinationSize, Format, arguments);
    __builtin_ms_va_end(arguments);
    return length < DestinationSize ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS DDI_CALL RtlStringCbCopyW(PWSTR Destination, SIZE_T DestinationSize, PCWSTR Source) {
    size_t count = DestinationSize / 2, at = 0;

    if (!count || DestinationSize > 0x7FFFFFFF)
        return STATUS_INVALID_PARAMETER;
    for (; Source[at] && at + 1 < count; at++)
        Destination[at] = Source[at];
    Destination[at] = 0;
    return Source[at] ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS DDI_CALL RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation) {
    gpup_os_enter(GPUP_SERVICE(RtlGetVersion));
    VersionInformation->dwMajorVersion = 10;
    VersionInformation->dwMinorVersion = 0;
    VersionInformation->dwBuildNumber = 26100; /* the release that brought WDDM 3.2 */
    VersionInformation->dwPlatformId = 2;
    memset(VersionInformation->szCSDVersion, 0, sizeof VersionInformation->szCSDVersion);
    return STATUS_SUCCESS;
}

/* --- what the PnP manager knows of the device */

NTSTATUS DDI_CALL IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject, DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                      ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(IoGetDeviceProperty));
    ULONG value = PCIBus;

    (void)DeviceObject;
    if (DeviceProperty != DevicePropertyLegacyBusType && DeviceProperty != DevicePropertyBusNumber &&
        DeviceProperty != DevicePropertyAddress)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (DeviceProperty == DevicePropertyBusNumber)
        value = os->config.bus;
    else if (DeviceProperty == DevicePropertyAddress) /* device << 16 | function */
        value = os->config.bus ? 0x10002 : 0;
    *ResultLength = sizeof value;
    if (BufferLength < sizeof value)
        return STATUS_BUFFER_TOO_SMALL;
    gpup_copy_driver(PropertyBuffer, &value, sizeof value);
    return STATUS_SUCCESS;
}

/* --- messages: formatted, so that a bad argument shows, and dropped */

static ULONG print(const struct gpup_service_limit *service, PCSTR format, __builtin_ms_va_list arguments) {
    char text[512]; /* what the kernel prints at most in one call */

    gpup_os_enter(service);
    gpup_format(text, sizeof text, format, arguments);
    return STATUS_SUCCESS;
}

ULONG DDI_CALL DbgPrint(PCSTR Format, ...) {
    __builtin_ms_va_list arguments;
    ULONG status;

    __builtin_ms_va_start(arguments, Format);
    status = print(GPUP_SERVICE(DbgPrint), Format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}

ULONG DDI_CALL DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...) {
    __builtin_ms_va_list arguments;
    ULONG status;

    (void)ComponentId;
    (void)Level;
    __builtin_ms_va_start(arguments, Format);
    status = print(GPUP_SERVICE(DbgPrintEx), Format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}

ULONG DDI_CALL vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, __builtin_ms_va_list Arguments) {
    (void)ComponentId;
    (void)Level;
    return print(GPUP_SERVICE(vDbgPrintEx), Format, Arguments);
}

/* --- stopping. Outside any host there is no fiber to end: the trap that a fault handler of the caller sees.
 */

static _Noreturn void stop(uint64_t code) {
    struct gpup_os *os = gpup_os_current();

    if (os && os->machine->running)
        gpup_os_bugcheck(os, code);
    __builtin_trap();
}

VOID DDI_CALL DbgBreakPoint(void) {
    __asm__ volatile("int3");
}

VOID DDI_CALL KeBugCheck(ULONG BugCheckCode) {
    stop(BugCheckCode);
}

VOID DDI_CALL KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4) {
    (void)P1;
    (void)P2;
    (void)P3;
    (void)P4;
    stop(BugCheckCode);
}
