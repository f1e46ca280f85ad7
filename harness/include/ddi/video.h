/*
 * The structure of an interface query (video.h).
 *
 * Only QUERY_INTERFACE, in the form display miniport drivers of WDDM 1.3 and later see (DeviceUid at the
 * end). Follows the QUERY_INTERFACE page. Steps aside when the WDK's video.h is present (__VIDEO_H__).
 */
#ifndef GPUP_DDI_VIDEO_H
#define GPUP_DDI_VIDEO_H

#include "ddi/wdmtypes.h"

#ifndef __VIDEO_H__

/* QUERY_INTERFACE structure (video.h) */
typedef struct DDI_STRUCT _QUERY_INTERFACE {
    const GUID *InterfaceType;
    USHORT Size;          /* bytes the caller reserved at Interface */
    USHORT Version;       /* of the interface */
    PINTERFACE Interface; /* filled by the driver */
    PVOID InterfaceSpecificData;
    ULONG DeviceUid;
} QUERY_INTERFACE, *PQUERY_INTERFACE;

#endif /* __VIDEO_H__ */
#endif
