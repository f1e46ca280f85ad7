/*
 * Contract with an implementation of the GPU-P DDIs. This header and <ddi/...> are all that an implementation
 * needs.
 *
 * An implementation is linked statically or built as a shared object that exports
 *
 *     const struct gpup_implementation *gpup_implementation(void);
 *
 * A shared object may instead export just `DriverEntry` (a WDDM miniport); it then runs on the bundled
 * device. Two forms (tier T0):
 *   - driver_entry: a miniport. It is loaded, added, started and queried as Dxgkrnl would, and calls kernel,
 * Dxgkrnl, VMBus and KMDF services by name.
 *   - open: the tables directly, for simulators and device models that need no kernel.
 * Tiers T1 (device: observers and stimuli) and T2 (hooks) are optional, member by member.
 *
 * DDI pointers use the Microsoft x64 convention (DDI_CALL); the functions of this structure the platform's
 * own. All calls come from one thread per world. The structure is constant and lives as long as the process.
 *
 * The suite saves, restores and swaps the writable sections of the implementation: one image serves two
 * hosts, and nothing survives from one program to the next. So state may live in globals; a pointer to heap
 * memory of libc's malloc would dangle after a restore: take memory from `struct gpup_open.memory` or the
 * kernel's pool.
 */
#ifndef GPUP_IMPLEMENTATION_H
#define GPUP_IMPLEMENTATION_H

#include <ddi/dispmprt.h>
#include <ddi/wdm.h>
#include <gpup/device.h>
#include <gpup/framework.h>

#define GPUP_IMPLEMENTATION_VERSION 1

/* In: what is asked for. Out (tables form): what there is. */
struct gpup_open {
    const struct gpup_world_config *config;
    uint32_t host;             /* 0 or 1: source and target of a migration are two hosts */
    struct gpup_memory memory; /* zeroed, lives as long as the world, part of its snapshot */
    /* out */
    HANDLE adapter;                         /* first argument of the DDIs of `ddis` */
    const DRIVER_INITIALIZATION_DATA *ddis; /* required; unused slots NULL */
    const DXGKDDI_GPU_PARTITION_INTERFACE
        *partition;                       /* NULL: asked for through ddis->DxgkDdiQueryInterface */
    const DXGKDDI_SRIOV_INTERFACE *sriov; /* same */
    const DXGKDDI_MITIGABLE_DEVICE_INTERFACE *mitigable; /* same, optional */
    const DXGKDDI_FLEXIOV_DEVICE_INTERFACE *flexiov;     /* same, optional */
    void *device; /* argument of the functions of `device`; unused when that is NULL */
};

/* Declared nondeterminism: bits of gpup_implementation.varies. What is declared is not compared between two
 * saves. */
#define GPUP_VARIES_IMMUTABLE_BLOB 1u /* two saves of the same state may differ (nonce, signature, time) */
#define GPUP_VARIES_MUTABLE_BLOB 2u

/* What a driver says of itself on request of the suite, see gpup_implementation.differ. */
enum gpup_difference { GPUP_DIFFERS_DRIVER = 1, GPUP_DIFFERS_FIRMWARE, GPUP_DIFFERS_HARDWARE };

struct gpup_implementation {
    uint32_t size;     /* sizeof(struct gpup_implementation) that the author compiled with */
    uint32_t version;  /* GPUP_IMPLEMENTATION_VERSION */
    const char *name;  /* short, for reports */
    const char *build; /* free text that identifies the build, or NULL */

    /* T0: exactly one of the two */
    DRIVER_INITIALIZE *driver_entry;
    bool(GPUP_CALL *open)(struct gpup_open *open);  /* false: could not start */
    void(GPUP_CALL *close)(struct gpup_open *open); /* or NULL: there is nothing to do */

    /* T1: NULL with driver_entry: the bundled device; NULL with open: no observers */
    const struct gpup_device_ops *device;

    /* T2, each may be NULL */
    uint32_t varies; /* GPUP_VARIES_ bits */
    /* e.g. "defect", "BUG-001"; what is set adds up; false: unknown */
    bool(GPUP_CALL *set_option)(const char *name, const char *value);
    void(GPUP_CALL *fail_allocation)(uint32_t nth,
                                     uint32_t count); /* implementations with an allocator of their own */

    /* KMDF, each may be NULL */
    const struct gpup_framework_ops *framework; /* a framework of its own: judged instead of the suite's */
    const struct gpup_framework_driver *framework_driver; /* a function driver that uses interrupt objects */

    /* T2, may be NULL. From now on the driver of the host at hand is one that must refuse migration data of a
     * host where this was not called: for a driver version, firmware or hardware that it holds incompatible
     * (enum gpup_difference). Which difference is one only its author knows. Called while the adapter is
     * stopped; false: there is no such difference. It lives in the writable sections, so it ends with the
     * program. */
    bool(GPUP_CALL *differ)(uint32_t what);
};

/* What a shared object exports: its description, the same at every call. Also a C++ source defines it with
 * this name, once this header declared it. */
#ifdef __cplusplus
extern "C"
#endif
    __attribute__((visibility("default"))) const struct gpup_implementation *GPUP_CALL
    gpup_implementation(void);

#endif
