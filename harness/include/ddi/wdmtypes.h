/*
 * Kernel types that both the DDI structures and the kernel services need.
 *
 * Resource descriptors, bus interfaces, power states, cache types and pointers to kernel objects whose
 * insides only the kernel services know. Follows the wdm.h and miniport.h reference pages named at each type.
 * Steps aside when the WDK's wdm.h is present (_WDMDDK_).
 */
#ifndef GPUP_DDI_WDMTYPES_H
#define GPUP_DDI_WDMTYPES_H

#include "ddi/ntdef.h"

#ifndef _WDMDDK_

/* Kernel objects; complete only in ddi/wdm.h. */
typedef struct _DRIVER_OBJECT *PDRIVER_OBJECT;
typedef struct _DEVICE_OBJECT *PDEVICE_OBJECT;
typedef struct _KINTERRUPT *PKINTERRUPT;
typedef struct _MDL *PMDL;
typedef uint64_t PFN_NUMBER, *PPFN_NUMBER;

/* KSYNCHRONIZE_ROUTINE callback function (wdm.h): runs at the interrupt's IRQL under its lock. */
typedef BOOLEAN(DDI_CALL KSYNCHRONIZE_ROUTINE)(PVOID SynchronizeContext);
typedef KSYNCHRONIZE_ROUTINE *PKSYNCHRONIZE_ROUTINE;

/* DEVICE_POWER_STATE enumeration (wdm.h) */
typedef enum _DEVICE_POWER_STATE {
    PowerDeviceUnspecified = 0,
    PowerDeviceD0 = 1,
    PowerDeviceD1 = 2,
    PowerDeviceD2 = 3,
    PowerDeviceD3 = 4,
    PowerDeviceMaximum = 5
} DEVICE_POWER_STATE,
    *PDEVICE_POWER_STATE;

/* POWER_ACTION enumeration (wdm.h) */
typedef enum {
    PowerActionNone = 0,
    PowerActionReserved = 1,
    PowerActionSleep = 2,
    PowerActionHibernate = 3,
    PowerActionShutdown = 4,
    PowerActionShutdownReset = 5,
    PowerActionShutdownOff = 6,
    PowerActionWarmEject = 7,
    PowerActionDisplayOff = 8
} POWER_ACTION,
    *PPOWER_ACTION;

/* MEMORY_CACHING_TYPE enumeration (wdm.h) */
typedef enum _MEMORY_CACHING_TYPE {
    MmNonCached = 0,
    MmCached = 1,
    MmWriteCombined = 2,
    MmHardwareCoherentCached = 3,
    MmNonCachedUnordered = 4,
    MmUSWCCached = 5,
    MmMaximumCacheType = 6,
    MmNotMapped = -1
} MEMORY_CACHING_TYPE;

/* INTERFACE_TYPE enumeration (wdm.h); the bus kinds between Internal and PCIBus are of no use here. */
typedef enum _INTERFACE_TYPE {
    InterfaceTypeUndefined = -1,
    Internal = 0,
    PCIBus = 5,
    PNPBus = 15,
    ACPIBus = 17,
    MaximumInterfaceType = 18
} INTERFACE_TYPE,
    *PINTERFACE_TYPE;

/* KINTERRUPT_MODE enumeration (wdm.h) */
typedef enum _KINTERRUPT_MODE { LevelSensitive = 0, Latched = 1 } KINTERRUPT_MODE;

/* GROUP_AFFINITY structure (miniport.h) */
typedef struct DDI_STRUCT _GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

/* INTERFACE structure (wdm.h): the head every queried function table shares. */
typedef VOID(DDI_CALL *PINTERFACE_REFERENCE)(PVOID Context);
typedef VOID(DDI_CALL *PINTERFACE_DEREFERENCE)(PVOID Context);
typedef struct DDI_STRUCT _INTERFACE {
    USHORT Size; /* bytes, of the whole table */
    USHORT Version;
    PVOID Context; /* first argument of every function of the table */
    PINTERFACE_REFERENCE InterfaceReference;
    PINTERFACE_DEREFERENCE InterfaceDereference;
} INTERFACE, *PINTERFACE;

/* Values of CM_PARTIAL_RESOURCE_DESCRIPTOR.Type */
#define CmResourceTypeNull 0
#define CmResourceTypePort 1
#define CmResourceTypeInterrupt 2
#define CmResourceTypeMemory 3
#define CmResourceTypeDma 4
#define CmResourceTypeDeviceSpecific 5
#define CmResourceTypeBusNumber 6
#define CmResourceTypeMemoryLarge 7

/* Values of CM_PARTIAL_RESOURCE_DESCRIPTOR.ShareDisposition */
typedef enum _CM_SHARE_DISPOSITION {
    CmResourceShareUndetermined = 0,
    CmResourceShareDeviceExclusive = 1,
    CmResourceShareDriverExclusive = 2,
    CmResourceShareShared = 3
} CM_SHARE_DISPOSITION;

/* Flags of memory descriptors. A large length is kept shifted right: by 8 for LARGE_40, 16 for LARGE_48, 32
 * for LARGE_64. */
#define CM_RESOURCE_MEMORY_READ_WRITE 0x0000
#define CM_RESOURCE_MEMORY_READ_ONLY 0x0001
#define CM_RESOURCE_MEMORY_WRITE_ONLY 0x0002
#define CM_RESOURCE_MEMORY_PREFETCHABLE 0x0004
#define CM_RESOURCE_MEMORY_LARGE_40 0x0200
#define CM_RESOURCE_MEMORY_LARGE_48 0x0400
#define CM_RESOURCE_MEMORY_LARGE_64 0x0800

/* Flags of interrupt descriptors. */
#define CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE 0x0000
#define CM_RESOURCE_INTERRUPT_LATCHED 0x0001
#define CM_RESOURCE_INTERRUPT_MESSAGE 0x0002
#define CM_RESOURCE_INTERRUPT_POLICY_INCLUDED 0x0004
#define CM_RESOURCE_INTERRUPT_SECONDARY_INTERRUPT 0x0010
#define CM_RESOURCE_INTERRUPT_WAKE_HINT 0x0020
#define CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN ((ULONG)0xFFFFFFFE) /* a message's raw vector */

/* The resource structures are packed to 4 bytes, so a descriptor takes 20 bytes and lists have no holes. */
#pragma pack(push, 4)

/*
 * CM_PARTIAL_RESOURCE_DESCRIPTOR structure (wdm.h). The interrupt members have the processor-group form
 * (16-bit Level and Group); where a driver uses the older 32-bit Level, a Group of 0 makes both read the
 * same.
 */
typedef struct DDI_STRUCT _CM_PARTIAL_RESOURCE_DESCRIPTOR {
    UCHAR Type;
    UCHAR ShareDisposition;
    USHORT Flags;
    union DDI_STRUCT {
        struct DDI_STRUCT {
            PHYSICAL_ADDRESS Start;
            ULONG Length;
        } Generic;
        struct DDI_STRUCT {
            PHYSICAL_ADDRESS Start;
            ULONG Length;
        } Port;
        struct DDI_STRUCT {
            USHORT Level;
            USHORT Group;
            ULONG Vector;
            KAFFINITY Affinity;
        } Interrupt;
        struct DDI_STRUCT {
            union DDI_STRUCT {
                struct DDI_STRUCT {
                    USHORT Group;
                    USHORT MessageCount;
                    ULONG Vector;
                    KAFFINITY Affinity;
                } Raw;
                struct DDI_STRUCT {
                    USHORT Level;
                    USHORT Group;
                    ULONG Vector;
                    KAFFINITY Affinity;
                } Translated;
            };
        } MessageInterrupt;
        struct DDI_STRUCT {
            PHYSICAL_ADDRESS Start;
            ULONG Length;
        } Memory;
        struct DDI_STRUCT {
            ULONG Data[3];
        } DevicePrivate;
        struct DDI_STRUCT {
            ULONG Start;
            ULONG Length;
            ULONG Reserved;
        } BusNumber;
        struct DDI_STRUCT {
            PHYSICAL_ADDRESS Start;
            ULONG Length40;
        } Memory40;
        struct DDI_STRUCT {
            PHYSICAL_ADDRESS Start;
            ULONG Length48;
        } Memory48;
        struct DDI_STRUCT {
            PHYSICAL_ADDRESS Start;
            ULONG Length64;
        } Memory64;
    } u;
} CM_PARTIAL_RESOURCE_DESCRIPTOR, *PCM_PARTIAL_RESOURCE_DESCRIPTOR;

/* CM_PARTIAL_RESOURCE_LIST structure (wdm.h) */
typedef struct DDI_STRUCT _CM_PARTIAL_RESOURCE_LIST {
    USHORT Version;
    USHORT Revision;
    ULONG Count;
    CM_PARTIAL_RESOURCE_DESCRIPTOR PartialDescriptors[1]; /* Count elements */
} CM_PARTIAL_RESOURCE_LIST, *PCM_PARTIAL_RESOURCE_LIST;

/* CM_FULL_RESOURCE_DESCRIPTOR structure (wdm.h) */
typedef struct DDI_STRUCT _CM_FULL_RESOURCE_DESCRIPTOR {
    INTERFACE_TYPE InterfaceType;
    ULONG BusNumber;
    CM_PARTIAL_RESOURCE_LIST PartialResourceList;
} CM_FULL_RESOURCE_DESCRIPTOR, *PCM_FULL_RESOURCE_DESCRIPTOR;

/* CM_RESOURCE_LIST structure (wdm.h) */
typedef struct DDI_STRUCT _CM_RESOURCE_LIST {
    ULONG Count;
    CM_FULL_RESOURCE_DESCRIPTOR List[1]; /* Count elements of varying size */
} CM_RESOURCE_LIST, *PCM_RESOURCE_LIST;

#pragma pack(pop)

#endif /* _WDMDDK_ */
#endif
