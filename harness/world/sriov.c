/* The SR-IOV interface. */
#include "internal.h"

#include <string.h>

/* One 32-bit index as the whole argument structure. */
static bool index_call(struct host *h, uint16_t ddi, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, ddi, a, 1, GPUP_SLOT_NONE))
        return false;
    ULONG *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        *args = vf;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    return c.success;
}

void op_reset(struct host *h, uint32_t vf) {
    index_call(h, GPUP_DDI_ResetVirtualFunction, vf);
}

bool op_config(struct host *h, bool write, uint32_t vf, uint32_t offset, uint32_t length, uint32_t *value) {
    struct ddi_call c;
    uint16_t ddi = write ? GPUP_DDI_WriteVirtualFunctionConfig : GPUP_DDI_ReadVirtualFunctionConfig;
    uint32_t real = length < 8192 ? length : 8192;
    uint32_t claim = world_negative(h->world) ? length : real; /* else no more than there is */
    uint64_t a[] = {vf, offset, claim, write ? *value : 0};
    if (!ddi_begin(&c, h, ddi, a, write ? 4 : 3, GPUP_SLOT_NONE))
        return false;
    DXGKARG_READVIRTUALFUNCTIONCONFIG *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    void *data = ddi_buffer(&c, GPUP_ROLE_DATA, real, write ? DDI_IN | DDI_CONST : DDI_OUT, false);
    if (args && data) {
        size_t part = real < sizeof *value ? real : sizeof *value;
        memset(data, write ? 0 : OUT_FILL, real);
        if (write)
            memcpy(data, value, part);
        *args = (DXGKARG_READVIRTUALFUNCTIONCONFIG){data, vf, offset, claim};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success && !write) {
            c.buffer[1].used = real;
            *value = 0;
            memcpy(value, data, part);
            c.r[0] = *value;
        }
    }
    ddi_end(&c);
    return c.success;
}

void op_config_block(struct host *h, bool write, uint32_t vf, uint32_t block, uint32_t length) {
    struct ddi_call c;
    uint16_t ddi = write ? GPUP_DDI_WriteVirtualFunctionConfigBlock : GPUP_DDI_ReadVirtualFunctionConfigBlock;
    uint32_t real = length < 65536 ? length : 65536;
    uint64_t a[] = {vf, block, real, 0};
    if (!ddi_begin(&c, h, ddi, a, write ? 4 : 3, GPUP_SLOT_NONE))
        return;
    DXGKARG_READVIRTUALFUNCTIONCONFIGBLOCK *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    void *data = ddi_buffer(&c, GPUP_ROLE_DATA, real, write ? DDI_IN | DDI_CONST : DDI_OUT, false);
    if (args && data) {
        memset(data, OUT_FILL, real);
        *args = (DXGKARG_READVIRTUALFUNCTIONCONFIGBLOCK){data, vf, block, real};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        c.buffer[1].used = c.success && !write ? real : 0;
    }
    ddi_end(&c);
}

/* Results of the calls that answer in the argument structure or in one small buffer behind it. */
static void read_answer(struct ddi_call *c, const void *args, const void *data) {
    const DXGKARG_GETVENDORANDDEVICE *vendor = args;
    const DXGKARG_GETDEVICELOCATION *location = args;
    const LUID *luid = data;
    switch (c->ddi) {
    case GPUP_DDI_QueryProbedBars:
        for (unsigned i = 0; data && i < 6; i++)
            c->r[i] = ((const ULONG *)data)[i];
        break;
    case GPUP_DDI_GetVendorAndDevice:
        c->r[0] = vendor->VendorId;
        c->r[1] = vendor->DeviceId;
        break;
    case GPUP_DDI_GetDeviceLocation:
        c->r[0] = location->SegmentNumber;
        c->r[1] = location->BusNumber;
        c->r[2] = location->FunctionNumber;
        break;
    default:
        c->r[0] = luid ? luid->LowPart : 0;
        c->r[1] = luid ? (uint32_t)luid->HighPart : 0;
    }
}

void op_vf_query(struct host *h, uint16_t ddi, uint32_t vf) {
    struct ddi_call c;
    bool pointer = ddi == GPUP_DDI_QueryProbedBars || ddi == GPUP_DDI_QueryVirtualFunctionLuid;
    uint32_t fill = OUT_FILL * 0x01010101u, low = ddi == GPUP_DDI_GetVendorAndDevice ? fill & 0xFFFF : fill;
    uint64_t a[] = {vf, low, low, low, low, low, low};
    if (!ddi_begin(&c, h, ddi, a, 1u + gpup_ddis[ddi].result_count, GPUP_SLOT_NONE))
        return;
    size_t data_size = ddi == GPUP_DDI_QueryProbedBars ? 6 * sizeof(ULONG) : sizeof(LUID);
    uint8_t *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, ddi == GPUP_DDI_GetVendorAndDevice ? 8 : 16, DDI_IN, false);
    uint8_t *data = pointer ? ddi_buffer(&c, GPUP_ROLE_DATA, data_size, DDI_OUT, false) : NULL;
    if (args && (data || !pointer)) {
        memset(args + 4, OUT_FILL, ddi == GPUP_DDI_GetVendorAndDevice ? 4 : 12);
        memcpy(args, &vf, sizeof vf);
        if (pointer) {
            memset(data, OUT_FILL, data_size);
            memcpy(args + 8, &data, sizeof data);
        }
        if (ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1))
            read_answer(&c, args, data);
        c.buffer[pointer].used = pointer && c.success ? data_size : 0;
    }
    ddi_end(&c);
}

/* Large lengths are kept in units that the flags name. */
static uint64_t resource_length(const CM_PARTIAL_RESOURCE_DESCRIPTOR *resource) {
    uint64_t length = resource->u.Memory.Length;
    if (resource->Type != CmResourceTypeMemoryLarge)
        return length;
    if (resource->Flags & CM_RESOURCE_MEMORY_LARGE_40)
        return length << 8;
    if (resource->Flags & CM_RESOURCE_MEMORY_LARGE_48)
        return length << 16;
    return resource->Flags & CM_RESOURCE_MEMORY_LARGE_64 ? length << 32 : length;
}

/* The start is a host address and stays out of the trace: told from the first one that the adapter gave. */
static uint64_t relative_start(struct host *h, const CM_PARTIAL_RESOURCE_DESCRIPTOR *resource) {
    uint64_t start = (uint64_t)resource->u.Memory.Start.QuadPart;
    if (!h->resource_told)
        h->first_resource = start;
    h->resource_told = true;
    return start - h->first_resource;
}

void op_get_resource(struct host *h, uint32_t vf, uint32_t bar) {
    struct ddi_call c;
    uint64_t a[] = {vf, bar};
    bool flexiov = h->has[GPUP_TABLE_DXGKDDI_FLEXIOV_DEVICE_INTERFACE - 1];
    if (world_never(h, flexiov, "with FlexIOV the OS asks for ranges, not for the resource of a BAR") ||
        !ddi_begin(&c, h, GPUP_DDI_GetResourceForBar, a, 2, GPUP_SLOT_NONE))
        return;
    DXGKARG_GETRESOURCEFORBAR *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    CM_PARTIAL_RESOURCE_DESCRIPTOR *resource =
        ddi_buffer(&c, GPUP_ROLE_INTERFACE, sizeof *resource, DDI_OUT, false);
    if (args && resource) {
        memset(resource, OUT_FILL, sizeof *resource);
        *args = (DXGKARG_GETRESOURCEFORBAR){vf, bar, resource};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        c.r[0] = c.success ? resource->Type : 0;
        c.r[1] = c.success ? resource_length(resource) : 0;
        c.r[2] = c.success ? relative_start(h, resource) : 0;
    }
    ddi_end(&c);
}

bool op_power(struct host *h, uint32_t vf, uint32_t state, uint8_t wake) {
    struct ddi_call c;
    uint64_t a[] = {vf, state, wake};
    if (!ddi_begin(&c, h, GPUP_DDI_SetVirtualFunctionPowerState, a, 3, GPUP_SLOT_NONE))
        return false;
    DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        *args = (DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE){vf, (DEVICE_POWER_STATE)state, wake};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    return c.success;
}

static void config_step(struct host *h, const struct gpup_step *s, bool write) {
    uint32_t value = step_u32(s, GPUP_WriteVirtualFunctionConfig_value);
    op_config(h, write, s->vf, step_u32(s, GPUP_ReadVirtualFunctionConfig_offset),
              step_size(s, GPUP_ReadVirtualFunctionConfig_length, 4), &value);
}

void do_ReadVirtualFunctionConfig(struct host *h, const struct gpup_step *s) {
    config_step(h, s, false);
}

void do_WriteVirtualFunctionConfig(struct host *h, const struct gpup_step *s) {
    config_step(h, s, true);
}

void do_ReadVirtualFunctionConfigBlock(struct host *h, const struct gpup_step *s) {
    op_config_block(h, false, s->vf, step_u32(s, GPUP_ReadVirtualFunctionConfigBlock_block),
                    step_size(s, GPUP_ReadVirtualFunctionConfigBlock_length, 16));
}

void do_WriteVirtualFunctionConfigBlock(struct host *h, const struct gpup_step *s) {
    op_config_block(h, true, s->vf, step_u32(s, GPUP_WriteVirtualFunctionConfigBlock_block),
                    step_size(s, GPUP_WriteVirtualFunctionConfigBlock_length, 16));
}

void do_QueryProbedBars(struct host *h, const struct gpup_step *s) {
    op_vf_query(h, GPUP_DDI_QueryProbedBars, s->vf);
}

void do_GetVendorAndDevice(struct host *h, const struct gpup_step *s) {
    op_vf_query(h, GPUP_DDI_GetVendorAndDevice, s->vf);
}

void do_GetDeviceLocation(struct host *h, const struct gpup_step *s) {
    op_vf_query(h, GPUP_DDI_GetDeviceLocation, s->vf);
}

void do_QueryVirtualFunctionLuid(struct host *h, const struct gpup_step *s) {
    op_vf_query(h, GPUP_DDI_QueryVirtualFunctionLuid, s->vf);
}

void do_ResetVirtualFunction(struct host *h, const struct gpup_step *s) {
    op_reset(h, s->vf);
}

void do_SetVirtualFunctionPowerState(struct host *h, const struct gpup_step *s) {
    op_power(h, s->vf, step_u32(s, GPUP_SetVirtualFunctionPowerState_state),
             (uint8_t)step_number(s, GPUP_SetVirtualFunctionPowerState_wake));
}

void do_GetResourceForBar(struct host *h, const struct gpup_step *s) {
    op_get_resource(h, s->vf, step_u32(s, GPUP_GetResourceForBar_bar));
}
