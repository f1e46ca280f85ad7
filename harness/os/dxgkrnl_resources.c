/*
 * Translated resources of the adapter (CM_PARTIAL_RESOURCE_DESCRIPTOR page): its BARs as memory, each message
 * of its MSI-X or MSI capability as an interrupt.
 */
#include "dxgkrnl.h"

#include <string.h>

#define PCI_CAPABILITIES 0x34
#define PCI_CAPABILITY_MSI 0x05
#define PCI_CAPABILITY_MSIX 0x11
#define BARS 6

/* Read as an observer would, so that no configuration access appears that the driver did not make. */
static uint32_t count_messages(const struct gpup_os *os) {
    const struct gpup_device_ops *ops = os->config.device_ops;
    uint8_t space[4096];
    uint32_t messages = 1;
    if (!ops || !ops->read_config ||
        ops->read_config(os->config.device, GPUP_PF, space, sizeof space) < sizeof space)
        return messages;
    uint32_t at = space[PCI_CAPABILITIES] & 0xFC;
    for (unsigned hops = 0; at >= 0x40 && hops < 48; hops++, at = space[at + 1] & 0xFC) {
        uint32_t control = space[at + 2] | (uint32_t)space[at + 3] << 8;
        if (space[at] == PCI_CAPABILITY_MSIX)
            messages = (control & 0x7FF) + 1;
        else if (space[at] == PCI_CAPABILITY_MSI && messages == 1)
            messages = 1u << (control >> 1 & 7);
    }
    return messages < GPUP_DXGKRNL_MESSAGES ? messages : GPUP_DXGKRNL_MESSAGES;
}

/* Lengths of 4 GB and above are kept in units that the flags name. */
static void describe_bar(CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, uint64_t physical, uint64_t size) {
    *descriptor = (CM_PARTIAL_RESOURCE_DESCRIPTOR){.Type = CmResourceTypeMemory,
                                                   .ShareDisposition = CmResourceShareDeviceExclusive};
    descriptor->u.Memory.Start.QuadPart = (LONGLONG)physical;
    if (size <= UINT32_MAX) {
        descriptor->u.Memory.Length = (ULONG)size;
        return;
    }
    unsigned shift = size >> 40 ? size >> 48 ? 32 : 16 : 8;
    descriptor->Type = CmResourceTypeMemoryLarge;
    descriptor->Flags = shift == 32   ? CM_RESOURCE_MEMORY_LARGE_64
                        : shift == 16 ? CM_RESOURCE_MEMORY_LARGE_48
                                      : CM_RESOURCE_MEMORY_LARGE_40;
    descriptor->u.Memory64.Length64 = (ULONG)(size >> shift);
}

static void describe_message(CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, uint32_t message) {
    *descriptor = (CM_PARTIAL_RESOURCE_DESCRIPTOR){.Type = CmResourceTypeInterrupt,
                                                   .ShareDisposition = CmResourceShareDeviceExclusive,
                                                   .Flags = CM_RESOURCE_INTERRUPT_LATCHED |
                                                            CM_RESOURCE_INTERRUPT_MESSAGE};
    descriptor->u.MessageInterrupt.Translated.Level = GPUP_DIRQL;
    descriptor->u.MessageInterrupt.Translated.Vector = 0x90 + message;
    descriptor->u.MessageInterrupt.Translated.Affinity = 1;
}

static uint32_t describe_bars(const struct gpup_os *os, CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptors) {
    const struct gpup_device_ops *ops = os->config.device_ops;
    uint32_t count = 0;
    for (unsigned bar = 0; ops && ops->bar && bar < BARS; bar++) {
        uint64_t physical = 0, size = 0;
        if (ops->bar(os->config.device, bar, &physical, &size) && size)
            describe_bar(&descriptors[count++], physical, size);
    }
    return count;
}

bool gpup_dxgkrnl_resources(struct gpup_os *os, struct gpup_dxgkrnl *dxgkrnl) {
    CM_PARTIAL_RESOURCE_DESCRIPTOR bars[BARS];
    if (dxgkrnl->resources)
        return true;
    uint32_t bar_count = describe_bars(os, bars);
    bool interrupts = os->config.device_ops && os->config.device_ops->take_interrupt;
    dxgkrnl->messages = interrupts ? count_messages(os) : 1;
    uint32_t count = bar_count + (interrupts ? dxgkrnl->messages : 0);
    size_t size = offsetof(CM_RESOURCE_LIST, List) +
                  offsetof(CM_FULL_RESOURCE_DESCRIPTOR, PartialResourceList) +
                  offsetof(CM_PARTIAL_RESOURCE_LIST, PartialDescriptors) + count * sizeof *bars;
    if (size < sizeof(CM_RESOURCE_LIST))
        size = sizeof(CM_RESOURCE_LIST);
    uint64_t object;
    CM_RESOURCE_LIST *list = gpup_os_buffer(os, size, 0, &object);
    if (!list)
        return false;
    memset(list, 0, size);
    list->Count = 1;
    list->List[0].InterfaceType = PCIBus;
    CM_PARTIAL_RESOURCE_LIST *partial = &list->List[0].PartialResourceList;
    partial->Version = 1;
    partial->Revision = 1;
    partial->Count = count;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptors = partial->PartialDescriptors;
    memcpy(descriptors, bars, bar_count * sizeof *bars);
    for (uint32_t i = bar_count; i < count; i++)
        describe_message(&descriptors[i], i - bar_count);
    dxgkrnl->resources = list;
    return true;
}
