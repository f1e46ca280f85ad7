/*
 * A display miniport as a vendor writes it, without anything to partition: it maps the registers of the
 * bundled GPU, takes its interrupt, has a timer and a thread that look after the part, and reads and writes
 * files. One source, two forms: an object of this system, and a driver image for Windows (see
 * CMakeLists.txt). Only there the compiler has structured exceptions.
 */
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>
#include <gpup/registers.h>

#define TAG 0x696E694Du  /* 'Mini' */
#define ADAPTER MAXULONG /* DISPLAY_ADAPTER_HW_ID: SetPowerState is about the adapter itself */
#define PERIOD_MS 10
#define TICK_100NS (-10000LL * PERIOD_MS)
#define ANSWER_100NS (-1000000LL) /* 100 ms */
#define FIRMWARE u"\\SystemRoot\\System32\\drivers\\example_miniport.bin"
#define REPORT u"\\SystemRoot\\LiveKernelReports\\example_miniport.log"
#define MOST_FIRMWARE 0x100000 /* bytes */

enum { STOP, TICK, WAKE_UPS };

struct adapter {
    DXGKRNL_INTERFACE dxgkrnl;
    UCHAR *registers;
    FAST_MUTEX looking;
    KSPIN_LOCK lock; /* of what follows */
    ULONG ticks, interrupts;
    ULONG firmware; /* bytes; 0: the driver's own */
    ULONGLONG seen; /* the part's time, when it was last looked at */
    KTIMER timer;
    KDPC tick;
    KEVENT wake[WAKE_UPS], answered;
    PVOID thread;
};

static ULONG read32(const struct adapter *a, ULONG offset) {
    return READ_REGISTER_ULONG((volatile ULONG *)(PVOID)(a->registers + offset));
}

static void write32(const struct adapter *a, ULONG offset, ULONG value) {
    *(volatile ULONG *)(PVOID)(a->registers + offset) = value; /* WRITE_REGISTER_ULONG is no more than that */
}

/* --- a register that somebody names by number */

static BOOLEAN is_register(ULONG offset) {
    return offset < GPU_PF_BAR0_SIZE && offset % sizeof(ULONG) == 0;
}

#ifdef _WIN32
static __attribute__((noinline)) ULONG read_checked(const struct adapter *a, ULONG offset) {
    if (!is_register(offset))
        ExRaiseStatus(STATUS_INVALID_PARAMETER);
    return read32(a, offset);
}

static int is_expected(NTSTATUS code) {
    return code == STATUS_INVALID_PARAMETER ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

static NTSTATUS look(struct adapter *a, ULONG offset, ULONG *value) {
    __try {
        ExAcquireFastMutex(&a->looking);
        __try {
            *value = read_checked(a, offset);
        } __finally { /* on both ways */
            ExReleaseFastMutex(&a->looking);
        }
    } __except (is_expected(GetExceptionCode())) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}
#else
static NTSTATUS look(struct adapter *a, ULONG offset, ULONG *value) {
    BOOLEAN known = is_register(offset);
    ExAcquireFastMutex(&a->looking);
    if (known)
        *value = read32(a, offset);
    ExReleaseFastMutex(&a->looking);
    return known ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
#endif

/* --- timer and thread */

/* Both halves at once: nothing of this processor comes between. */
static ULONGLONG read_time(const struct adapter *a) {
    KIRQL before;
    ULONG high, low;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    do {
        high = read32(a, GPU_REG_TIME_HI);
        low = read32(a, GPU_REG_TIME_LO);
    } while (read32(a, GPU_REG_TIME_HI) != high);
    KeLowerIrql(before);
    return (ULONGLONG)high << 32 | low;
}

static VOID DDI_CALL on_tick(PKDPC dpc, PVOID context, PVOID one, PVOID two) {
    struct adapter *a = context;
    (void)dpc;
    (void)one;
    (void)two;
    KeAcquireSpinLockAtDpcLevel(&a->lock);
    a->ticks++;
    KeReleaseSpinLockFromDpcLevel(&a->lock);
    KeSetEvent(&a->wake[TICK], IO_NO_INCREMENT, FALSE);
}

static VOID DDI_CALL look_after(PVOID context) {
    struct adapter *a = context;
    PVOID objects[WAKE_UPS] = {&a->wake[STOP], &a->wake[TICK]};
    KIRQL irql;
    while (KeWaitForMultipleObjects(WAKE_UPS, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL) ==
           STATUS_WAIT_0 + TICK) {
        ULONGLONG now = read_time(a);
        KeAcquireSpinLock(&a->lock, &irql);
        a->seen = now;
        KeReleaseSpinLock(&a->lock, irql);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS start_thread(struct adapter *a) {
    HANDLE handle;
    NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, look_after, a);
    if (!NT_SUCCESS(status))
        return status;
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &a->thread, NULL);
    ZwClose(handle);
    return status;
}

static void stop_thread(struct adapter *a) {
    if (!a->thread)
        return;
    KeSetEvent(&a->wake[STOP], IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(a->thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(a->thread);
    a->thread = NULL;
}

/* --- interrupt */

static BOOLEAN DDI_CALL interrupt_routine(const PVOID context, ULONG message) {
    struct adapter *a = context;
    ULONG status;
    if (!a->registers || message != GPU_PF_MESSAGE)
        return FALSE;
    status = read32(a, GPU_REG_INT_STATUS);
    if (status == 0 || status == MAXULONG) /* not ours, or the part is gone */
        return FALSE;
    write32(a, GPU_REG_INT_STATUS, status);
    a->dxgkrnl.DxgkCbQueueDpc(a->dxgkrnl.DeviceHandle);
    return TRUE;
}

static VOID DDI_CALL dpc_routine(const PVOID context) {
    struct adapter *a = context;
    if (!a->registers)
        return;
    KeAcquireSpinLockAtDpcLevel(&a->lock);
    a->interrupts++;
    KeReleaseSpinLockFromDpcLevel(&a->lock);
    write32(a, GPU_REG_COMMAND_DONE, read32(a, GPU_REG_COMMAND_DONE));
    KeSetEvent(&a->answered, IO_NO_INCREMENT, FALSE);
}

/* An order that the part does not know is answered, too: does its interrupt arrive? */
static NTSTATUS try_interrupt(struct adapter *a) {
    LARGE_INTEGER timeout = {.QuadPart = ANSWER_100NS};
    KeClearEvent(&a->answered);
    write32(a, GPU_REG_INT_MASK, ~(ULONG)GPU_INT_COMPLETION);
    write32(a, GPU_REG_SLOT(0) + GPU_SLOT_OPCODE, MAXULONG);
    write32(a, GPU_REG_SLOT(0) + GPU_SLOT_DOORBELL, GPU_DOORBELL_START);
    if (KeWaitForSingleObject(&a->answered, Executive, KernelMode, FALSE, &timeout) == STATUS_SUCCESS)
        return STATUS_SUCCESS;
    write32(a, GPU_REG_SLOT(0) + GPU_SLOT_DOORBELL, GPU_DOORBELL_ABORT);
    return STATUS_IO_TIMEOUT;
}

/* --- files: firmware that is newer than the driver's own, and what is left for those who look into a failure
 */

static NTSTATUS open_file(PCWSTR path, ACCESS_MASK access, ULONG disposition, HANDLE *file) {
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK io;
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, path);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    return ZwCreateFile(file, access | SYNCHRONIZE, &attributes, &io, NULL, FILE_ATTRIBUTE_NORMAL,
                        FILE_SHARE_READ, disposition, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE,
                        NULL, 0);
}

static NTSTATUS read_whole(HANDLE file, PUCHAR *bytes, ULONG *size) {
    FILE_STANDARD_INFORMATION about;
    IO_STATUS_BLOCK io;
    NTSTATUS status = ZwQueryInformationFile(file, &io, &about, sizeof about, FileStandardInformation);
    if (!NT_SUCCESS(status))
        return status;
    if (about.EndOfFile.QuadPart < (LONGLONG)sizeof(ULONG) || about.EndOfFile.QuadPart > MOST_FIRMWARE)
        return STATUS_INVALID_BUFFER_SIZE;
    *size = (ULONG)about.EndOfFile.QuadPart;
    *bytes = ExAllocatePool2(POOL_FLAG_PAGED, *size, TAG);
    if (!*bytes)
        return STATUS_INSUFFICIENT_RESOURCES;
    return ZwReadFile(file, NULL, NULL, NULL, &io, *bytes, *size, NULL, NULL);
}

/* None is as good as one that is whole; its first four bytes say what it is. */
static NTSTATUS load_firmware(struct adapter *a) {
    PUCHAR bytes = NULL;
    ULONG size = 0;
    HANDLE file;
    NTSTATUS status = open_file(FIRMWARE, FILE_READ_DATA, FILE_OPEN, &file);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status;
    status = read_whole(file, &bytes, &size);
    if (NT_SUCCESS(status) && RtlCompareMemory(bytes, "MINI", sizeof(ULONG)) != sizeof(ULONG))
        status = STATUS_REVISION_MISMATCH;
    if (NT_SUCCESS(status))
        a->firmware = size;
    if (bytes)
        ExFreePoolWithTag(bytes, TAG);
    ZwClose(file);
    return status;
}

/* A line more; that it cannot be written is no reason to fail. */
static void write_report(const struct adapter *a) {
    ULONG line[] = {a->firmware, a->ticks, a->interrupts};
    IO_STATUS_BLOCK io;
    HANDLE file;
    if (!NT_SUCCESS(open_file(REPORT, FILE_APPEND_DATA, FILE_OPEN_IF, &file)))
        return;
    ZwWriteFile(file, NULL, NULL, NULL, &io, line, sizeof line, NULL, NULL);
    ZwFlushBuffersFile(file, &io);
    ZwClose(file);
}

/* --- start and stop */

static NTSTATUS map_registers(struct adapter *a) {
    DXGK_DEVICE_INFO info;
    ULONG id = 0;
    NTSTATUS status = a->dxgkrnl.DxgkCbGetDeviceInformation(a->dxgkrnl.DeviceHandle, &info);
    if (!NT_SUCCESS(status))
        return status;
    const CM_PARTIAL_RESOURCE_LIST *list = &info.TranslatedResourceList->List[0].PartialResourceList;
    for (ULONG i = 0; i < list->Count && !a->registers; i++) /* BAR0 is the first memory */
        if (list->PartialDescriptors[i].Type == CmResourceTypeMemory ||
            list->PartialDescriptors[i].Type == CmResourceTypeMemoryLarge)
            a->registers =
                MmMapIoSpace(list->PartialDescriptors[i].u.Memory.Start, GPU_PF_BAR0_SIZE, MmNonCached);
    if (!a->registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (look(a, GPU_REG_ID, &id) != STATUS_SUCCESS || id != ((ULONG)GPU_PF_DEVICE_ID << 16 | GPU_VENDOR_ID))
        return STATUS_DEVICE_NOT_READY;
    if (look(a, GPU_REG_ID + 1, &id) != STATUS_INVALID_PARAMETER)
        return STATUS_UNSUCCESSFUL;
    return STATUS_SUCCESS;
}

static void close(struct adapter *a) {
    KeCancelTimer(&a->timer);
    KeFlushQueuedDpcs();
    stop_thread(a);
    if (a->registers) {
        write32(a, GPU_REG_INT_MASK, MAXULONG);
        MmUnmapIoSpace(a->registers, GPU_PF_BAR0_SIZE);
    }
    a->registers = NULL;
}

static NTSTATUS DDI_CALL start_device(const PVOID context, PDXGK_START_INFO info,
                                      PDXGKRNL_INTERFACE interface_table, PULONG sources, PULONG children) {
    struct adapter *a = context;
    LARGE_INTEGER due = {.QuadPart = TICK_100NS};
    NTSTATUS status;
    (void)info;
    RtlCopyMemory(&a->dxgkrnl, interface_table, sizeof a->dxgkrnl);
    *sources = *children = 0;
    KeClearEvent(&a->wake[STOP]);
    status = load_firmware(a);
    if (NT_SUCCESS(status))
        status = map_registers(a);
    if (NT_SUCCESS(status))
        status = start_thread(a);
    if (NT_SUCCESS(status))
        status = try_interrupt(a);
    if (NT_SUCCESS(status))
        KeSetTimerEx(&a->timer, due, PERIOD_MS, &a->tick);
    else
        close(a);
    return status;
}

static NTSTATUS DDI_CALL stop_device(const PVOID context) {
    close(context);
    write_report(context);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical_device, PVOID *context) {
    struct adapter *a = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof *a, TAG);
    (void)physical_device;
    *context = a;
    if (!a)
        return STATUS_INSUFFICIENT_RESOURCES;
    ExInitializeFastMutex(&a->looking);
    KeInitializeSpinLock(&a->lock);
    KeInitializeTimer(&a->timer);
    KeInitializeDpc(&a->tick, on_tick, a);
    KeInitializeEvent(&a->wake[STOP], NotificationEvent, FALSE);
    KeInitializeEvent(&a->wake[TICK], SynchronizationEvent, FALSE);
    KeInitializeEvent(&a->answered, SynchronizationEvent, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL remove_device(const PVOID context) {
    ExFreePoolWithTag(context, TAG);
    return STATUS_SUCCESS;
}

/* --- the rest of a miniport: nothing is offered */

static NTSTATUS DDI_CALL set_power_state(const PVOID context, ULONG uid, DEVICE_POWER_STATE state,
                                         POWER_ACTION action) {
    const struct adapter *a = context;
    (void)action;
    if (uid == ADAPTER && state == PowerDeviceD0 && a->registers)
        write32(a, GPU_REG_INT_MASK, ~(ULONG)GPU_INT_COMPLETION); /* the mask was lost with the power */
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    (void)context;
    (void)query;
    return STATUS_NOT_SUPPORTED;
}

static NTSTATUS DDI_CALL query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    BOOLEAN caps = args->Type == DXGKQAITYPE_GPUPCAPS || args->Type == DXGKQAITYPE_DIRTYBITTRACKINGCAPS;
    (void)adapter;
    if (!caps || !args->pOutputData || args->OutputDataSize < sizeof(UINT))
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(args->pOutputData, sizeof(UINT));
    return STATUS_SUCCESS;
}

static VOID DDI_CALL control_etw_logging(BOOLEAN enable, ULONG flags, UCHAR level) {
    (void)enable;
    (void)flags;
    (void)level;
}

static VOID DDI_CALL unload(void) {
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table = {
        .Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2,
        .DxgkDdiAddDevice = add_device,
        .DxgkDdiStartDevice = start_device,
        .DxgkDdiStopDevice = stop_device,
        .DxgkDdiRemoveDevice = remove_device,
        .DxgkDdiInterruptRoutine = interrupt_routine,
        .DxgkDdiDpcRoutine = dpc_routine,
        .DxgkDdiSetPowerState = set_power_state,
        .DxgkDdiUnload = unload,
        .DxgkDdiQueryInterface = query_interface,
        .DxgkDdiControlEtwLogging = control_etw_logging,
        .DxgkDdiQueryAdapterInfo = query_adapter_info,
    };

    return DxgkInitialize(driver, registry_path, &table);
}
