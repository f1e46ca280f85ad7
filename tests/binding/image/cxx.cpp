// A miniport in C++ as many are for the WDK: virtual functions, pragmas and tags that clang does not know,
// nothing to partition.
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>

#define TAG 'xCpU'

extern "C" DRIVER_INITIALIZE DriverEntry;
#pragma alloc_text(INIT, DriverEntry)

namespace {
struct Part {
    virtual NTSTATUS Start(ULONG *Sources) = 0;
};
class Adapter : public Part {
  public:
    NTSTATUS Start(ULONG *Sources) override {
        *Sources = m_Sources;
        return STATUS_SUCCESS;
    }

  private:
    ULONG m_Sources = 0;
};
Adapter g_Adapter; // no constructor has to run

NTSTATUS NTAPI AddDevice(PDEVICE_OBJECT, PVOID *Context) {
    *Context = &g_Adapter;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI StartDevice(PVOID Context, PDXGK_START_INFO, PDXGKRNL_INTERFACE, PULONG Sources,
                           PULONG Children) {
    auto *Pool = static_cast<UCHAR *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG));
    if (!Pool)
        return STATUS_NO_MEMORY;
    RtlFillMemory(Pool, 64, 1);
    ExFreePoolWithTag(Pool, TAG);
    *Children = 0;
    return static_cast<Part *>(static_cast<Adapter *>(Context))->Start(Sources);
}

NTSTATUS NTAPI Done(PVOID) {
    return STATUS_SUCCESS;
}

VOID NTAPI Unload() {
}
} // namespace

extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    DRIVER_INITIALIZATION_DATA Data = {};
    Data.Version = DXGKDDI_INTERFACE_VERSION_WIN8;
    Data.DxgkDdiAddDevice = AddDevice;
    Data.DxgkDdiStartDevice = StartDevice;
    Data.DxgkDdiStopDevice = Done;
    Data.DxgkDdiRemoveDevice = Done;
    Data.DxgkDdiUnload = Unload;
    return DxgkInitialize(DriverObject, RegistryPath, &Data);
}
