/* What the host intercepts in the BARs of a VF: the mitigable-device and the FlexIOV interface. */
#include "internal.h"

#include <string.h>

#define RANGES_MAX 65536u /* in one array of ours */
#define RESOURCES 32u     /* backing resources of a FlexIOV device, at most */

/* So that what the driver leaves unwritten shows. */
static uint8_t unwritten(const struct host *h) {
    return (uint8_t)(0x5A ^ h->world->config.fill);
}

static uint32_t *counts_of(struct host *h, uint32_t vf, uint16_t ddi) {
    static uint32_t nowhere[DXGK_MAX_NUM_PCI_BARS];
    if (vf >= GPUP_MAX_VFS)
        return memset(nowhere, 0, sizeof nowhere);
    bool mitigated = ddi == GPUP_DDI_QueryMitigatedRangeCount || ddi == GPUP_DDI_QueryMitigatedRanges;
    return mitigated ? h->vf[vf].mitigated : h->vf[vf].mmio;
}

/* The two counting functions have one argument structure by two names. */
_Static_assert(sizeof(DXGKARG_QUERYMITIGATEDRANGECOUNT) == sizeof(DXGKARG_GETMMIORANGECOUNT), "alike");

static bool range_count(struct host *h, uint16_t ddi, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, ddi, a, 1, GPUP_SLOT_NONE))
        return false;
    DXGKARG_QUERYMITIGATEDRANGECOUNT *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    if (args) {
        memset(args, unwritten(h), sizeof *args);
        args->VirtualFunctionIndex = vf;
        if (ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1))
            for (unsigned i = 0; i < 6; i++)
                c.r[i] = args->RangeCount[i];
        if (c.success)
            memcpy(counts_of(h, vf, ddi), args->RangeCount, sizeof args->RangeCount);
    }
    ddi_end(&c);
    return c.success;
}

/* QueryMitigatedRanges and GetMmioRanges: alike but for the size of an element. */
static void ranges(struct host *h, uint16_t ddi, uint32_t vf, uint32_t bar, uint32_t count) {
    struct ddi_call c;
    bool mitigated = ddi == GPUP_DDI_QueryMitigatedRanges;
    size_t element = mitigated ? sizeof(DXGK_MITIGATEDRANGEINFO) : sizeof(DXGK_MMIORANGEINFO);
    uint32_t real = count < RANGES_MAX ? count : RANGES_MAX;
    uint32_t known = bar < DXGK_MAX_NUM_PCI_BARS ? counts_of(h, vf, ddi)[bar] : 0;
    uint64_t a[] = {vf, bar, real};
    bool short_flex = !mitigated && known && real < known; /* answered by a documented status */
    if (world_never(h, bar >= DXGK_MAX_NUM_PCI_BARS || (real != known && !short_flex),
                    "the OS asks for as many ranges as were counted") ||
        !ddi_begin(&c, h, ddi, a, 3, GPUP_SLOT_NONE))
        return;
    DXGKARG_QUERYMITIGATEDRANGES *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    void *out = ddi_buffer(&c, GPUP_ROLE_DATA, real * element, DDI_OUT, false);
    if (args && out) {
        memset(out, unwritten(h), real * element);
        *args = (DXGKARG_QUERYMITIGATEDRANGES){vf, bar, real, out};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        c.buffer[1].used = c.success ? (real < known ? real : known) * element : 0;
    }
    ddi_end(&c);
}

/* Consecutive page frames. */
static bool contiguous(const MDL *mdl) {
    const PFN_NUMBER *frames = (const PFN_NUMBER *)(mdl + 1);
    for (uint32_t i = 1; i < mdl->ByteCount / 4096; i++)
        if (frames[i] != frames[0] + i)
            return false;
    return true;
}

static void read_resource(struct ddi_call *c, const CM_PARTIAL_RESOURCE_DESCRIPTOR *resource, const MDL *mdl,
                          bool mdl_set, uint8_t fill) {
    uint8_t untouched[sizeof *resource];
    memset(untouched, fill, sizeof untouched);
    const void *bytes = resource; /* padding counts too: anything that was written */
    bool resource_set = memcmp(untouched, bytes, sizeof untouched) != 0;
    bool memory = resource_set && (resource->Type == CmResourceTypeMemory || resource->Type == 7);
    c->r[1] = mdl ? mdl->ByteCount : memory ? resource->u.Memory.Length : 0; /* Start is a host address */
    c->r[2] = (resource_set ? 1u : 0u) | (mdl_set ? 2u : 0u);
    c->r[3] = mdl ? 2 : memory && resource->u.Memory.Length ? 1 : 0;
    c->r[4] = mdl ? mdl->ByteOffset : 0;
    c->r[5] = mdl ? contiguous(mdl) : 1;
}

static void backing(struct host *h, uint32_t vf, uint32_t index) {
    struct ddi_call c;
    uint64_t a[] = {vf, (uint16_t)index};
    if (world_never(h, index >= RESOURCES, "there are 32 backing resources at most") ||
        !ddi_begin(&c, h, GPUP_DDI_GetBackingResource, a, 2, GPUP_SLOT_NONE))
        return;
    DXGKARG_GETBACKINGRESOURCE *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    CM_PARTIAL_RESOURCE_DESCRIPTOR *resource =
        ddi_buffer(&c, GPUP_ROLE_INTERFACE, sizeof *resource, DDI_OUT, false);
    if (args && resource) {
        PMDL none = (PMDL)(void *)resource; /* a value that no driver gives back */
        memset(resource, unwritten(h), sizeof *resource);
        *args = (DXGKARG_GETBACKINGRESOURCE){vf, (USHORT)index, resource, none};
        if (ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1) && c.success)
            read_resource(&c, resource, args->pMdl == none ? NULL : args->pMdl, args->pMdl != none,
                          unwritten(h));
    }
    ddi_end(&c);
}

static void all_ranges(struct host *h, uint16_t counter, uint16_t getter, uint32_t vf) {
    if (!ddi_function(h, counter) || !ddi_function(h, getter) || !range_count(h, counter, vf))
        return;
    for (uint32_t bar = 0; bar < DXGK_MAX_NUM_PCI_BARS && !host_dead(h); bar++)
        if (counts_of(h, vf, counter)[bar])
            ranges(h, getter, vf, bar, counts_of(h, vf, counter)[bar]);
}

static void query_intercepts(struct host *h, uint32_t vf) {
    if (ddi_function(h, GPUP_DDI_QueryProbedBars))
        op_vf_query(h, GPUP_DDI_QueryProbedBars, vf);
    all_ranges(h, GPUP_DDI_QueryMitigatedRangeCount, GPUP_DDI_QueryMitigatedRanges, vf);
    for (uint32_t i = 0; ddi_function(h, GPUP_DDI_GetBackingResource) && i < RESOURCES && !host_dead(h); i++)
        backing(h, vf, i);
    all_ranges(h, GPUP_DDI_GetMmioRangeCount, GPUP_DDI_GetMmioRanges, vf);
}

static uint32_t wanted(struct host *h, const struct gpup_step *s, uint16_t ddi, unsigned bar,
                       unsigned count) {
    uint32_t number = step_u32(s, bar);
    return step_size(s, count, number < DXGK_MAX_NUM_PCI_BARS ? counts_of(h, s->vf, ddi)[number] : 0);
}

void do_QueryMitigatedRangeCount(struct host *h, const struct gpup_step *s) {
    range_count(h, GPUP_DDI_QueryMitigatedRangeCount, s->vf);
}

void do_QueryMitigatedRanges(struct host *h, const struct gpup_step *s) {
    ranges(h, GPUP_DDI_QueryMitigatedRanges, s->vf, step_u32(s, GPUP_QueryMitigatedRanges_bar),
           wanted(h, s, GPUP_DDI_QueryMitigatedRanges, GPUP_QueryMitigatedRanges_bar,
                  GPUP_QueryMitigatedRanges_count));
}

void do_GetMmioRangeCount(struct host *h, const struct gpup_step *s) {
    range_count(h, GPUP_DDI_GetMmioRangeCount, s->vf);
}

void do_GetMmioRanges(struct host *h, const struct gpup_step *s) {
    ranges(h, GPUP_DDI_GetMmioRanges, s->vf, step_u32(s, GPUP_GetMmioRanges_bar),
           wanted(h, s, GPUP_DDI_GetMmioRanges, GPUP_GetMmioRanges_bar, GPUP_GetMmioRanges_count));
}

void do_GetBackingResource(struct host *h, const struct gpup_step *s) {
    backing(h, s->vf, step_u32(s, GPUP_GetBackingResource_index));
}

void do_QueryIntercepts(struct host *h, const struct gpup_step *s) {
    query_intercepts(h, s->vf);
}
