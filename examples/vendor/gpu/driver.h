/* What the files of the driver share. */
#ifndef EXAMPLE_GPU_DRIVER_H
#define EXAMPLE_GPU_DRIVER_H

#include "registers.h"

#include <ddi/dispmprt.h>
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <ddi/wdm.h>

enum class Session { none, source, target, applied };

struct Vgpu {
    bool exists, placed, powered;
    UINT64 base;
    VMBCHANNEL channel;
    Session session;
    bool paused;
    DXGK_INTERRUPT_TABLE_ENTRY table[GPU_MSIX_ENTRIES]; /* as it stands in the part */
    UCHAR config[GPU_VF_CONFIG]; /* its configuration space, which the driver emulates */
};

struct Adapter {
    KMUTEX lock; /* of all below: DDIs may come from several threads */
    DXGKRNL_INTERFACE os;
    UINT64 bar;       /* where BAR 0 is */
    ULONG *registers; /* BAR 0, nullptr while it is stopped */
    PDEVICE_OBJECT physical;
    LUID luid;
    ULONG partitions, used;
    Vgpu vgpu[GPU_VFS];
};

/* Holds the adapter for one DDI. */
class Held {
  public:
    explicit Held(HANDLE context) : adapter(static_cast<Adapter *>(context)) {
        KeWaitForSingleObject(&adapter->lock, Executive, KernelMode, FALSE, nullptr);
    }
    ~Held() {
        KeReleaseMutex(&adapter->lock, FALSE);
    }
    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;
    Adapter *operator->() const {
        return adapter;
    }
    const Adapter &all() const {
        return *adapter;
    }
    Vgpu *find(ULONG index) const {
        return index < GPU_VFS && adapter->registers && adapter->vgpu[index].exists ? &adapter->vgpu[index]
                                                                                    : nullptr;
    }
    void put(ULONG offset, ULONG value) const {
        WRITE_REGISTER_ULONG(adapter->registers + offset / 4, value);
    }
    /* The part takes the four words at once; an entry that is in use is masked before its message changes. */
    void write_entry(ULONG vf, ULONG index, const DXGK_INTERRUPT_TABLE_ENTRY &entry) const {
        put(REG_SELECT, vf);
        put(REG_ENTRY, index);
        put(REG_LOW, static_cast<ULONG>(entry.MessageAddress));
        put(REG_HIGH, static_cast<ULONG>(entry.MessageAddress >> 32));
        put(REG_DATA, entry.MessageData);
        put(REG_CONTROL, entry.VectorControl);
        adapter->vgpu[vf].table[index] = entry;
    }
    void program(ULONG vf, ULONG index, const DXGK_INTERRUPT_TABLE_ENTRY &entry) const {
        DXGK_INTERRUPT_TABLE_ENTRY old = adapter->vgpu[vf].table[index], next = entry;
        if (!((old.VectorControl | next.VectorControl) & 1)) {
            old.VectorControl |= 1;
            write_entry(vf, index, old);
            next.VectorControl |= 1;
            write_entry(vf, index, next);
        }
        write_entry(vf, index, entry);
    }

  private:
    Adapter *adapter;
};

inline NTSTATUS status(bool good) {
    return good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

inline LUID luid_of(const Adapter &adapter, ULONG index) {
    return {index + 1, static_cast<LONG>(adapter.luid.LowPart | 0x40000000)};
}

/* functions.cpp: a VF as PCI has it. reset: as it comes out of a function level reset. */
void reset(const Held &adapter, ULONG index);
extern const DXGKDDI_SRIOV_INTERFACE sriov_functions; /* without context */
extern const DXGKDDI_MITIGABLE_DEVICE_INTERFACE mitigable_functions;
VOID DDI_CALL referenced(PVOID context);

#endif
