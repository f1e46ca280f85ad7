/* What the host intercepts in the BARs of a VF: the mitigable-device and the FlexIOV interface. */
#include "internal.h"

#include <string.h>

static void mitigated_count(struct host *h, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, GPUP_DDI_QueryMitigatedRangeCount, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_QUERYMITIGATEDRANGECOUNT *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    if (args) {
        memset(args, 0x5A, sizeof *args);
        args->VirtualFunctionIndex = vf;
        if (ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1))
            for (unsigned i = 0; i < 6; i++)
                c.r[i] = args->RangeCount[i];
    }
    ddi_end(&c);
}

static void mitigated_ranges(struct host *h, uint32_t vf, uint32_t bar, uint32_t count) {
    struct ddi_call c;
    uint32_t real = count < 4096 ? count : 4096;
    uint64_t a[] = {vf, bar, real};
    if (!ddi_begin(&c, h, GPUP_DDI_QueryMitigatedRanges, a, 3, GPUP_SLOT_NONE))
        return;
    DXGKARG_QUERYMITIGATEDRANGES *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    void *ranges = ddi_buffer(&c, GPUP_ROLE_DATA, real * sizeof(DXGK_MITIGATEDRANGEINFO), DDI_OUT, false);
    if (args && ranges) {
        *args = (DXGKARG_QUERYMITIGATEDRANGES){vf, bar, real, ranges};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        c.buffer[1].used = c.success ? real * sizeof(DXGK_MITIGATEDRANGEINFO) : 0;
    }
    ddi_end(&c);
}

void do_QueryMitigatedRangeCount(struct host *h, const struct gpup_step *s) {
    mitigated_count(h, s->vf);
}

void do_QueryMitigatedRanges(struct host *h, const struct gpup_step *s) {
    mitigated_ranges(h, s->vf, step_u32(s, GPUP_QueryMitigatedRanges_bar),
                     step_size(s, GPUP_QueryMitigatedRanges_count, 1));
}
