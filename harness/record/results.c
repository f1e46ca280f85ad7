/* r0..r5 of a return, how much of an output counts, and what the recorder has to remember of it. */
#include "record.h"

/* These answer even when they fail. */
static bool record_answers_always(const struct record_row *row) {
    switch (row->ddi) {
    case RECORD_DDI_StartDevice:
    case RECORD_DDI_GetGpuPartitionInfo:
    case RECORD_DDI_SaveImmutableMigrationData:
    case RECORD_DDI_SaveMutableMigrationData:
    case RECORD_DDI_GetMmioRangeCount:
        return true;
    default:
        return !row->is_status && !row->is_handle;
    }
}

static void record_results_behind(struct record_call *c, const uint8_t *bytes, unsigned first, unsigned count,
                                  unsigned size) {
    for (unsigned i = 0; bytes && i < count; i++)
        c->r[first + i] = record_get(bytes + (uint64_t)size * i, size);
}

static void record_results_resource(struct record_call *c, const uint8_t *resource) {
    uint64_t length = record_get(resource + 12, 4), flags = record_get(resource + 2, 2), start;
    c->r[0] = resource[0];
    if (resource[0] == 7) /* CmResourceTypeMemoryLarge keeps large lengths in units that the flags name */
        length <<= flags & 0x200 ? 8 : flags & 0x400 ? 16 : flags & 0x800 ? 32 : 0;
    start = record_get(resource + 4, 8);
    if (!recorder.resource_told)
        recorder.first_resource = start;
    recorder.resource_told = true;
    c->r[1] = length;
    c->r[2] = start - recorder.first_resource; /* host addresses stay out of the trace */
}

static bool record_contiguous(const uint8_t *mdl) {
    for (uint64_t i = 1; i < record_get(mdl + 40, 4) / 4096; i++)
        if (record_get(mdl + 48 + 8 * i, 8) != record_get(mdl + 48, 8) + i)
            return false;
    return true;
}

static void record_results_backing(struct record_call *c) {
    const uint8_t *resource = record_pointer(c->s + 8), *mdl = record_pointer(c->s + 16);
    bool mdl_set = mdl != record_pointer(c->before + 24);
    bool set = resource && record_hash(resource, 20) != record_hash(c->before, 20);
    bool memory = set && (resource[0] == 3 || resource[0] == 7);
    uint64_t length = memory ? record_get(resource + 12, 4) : 0;
    if (!mdl_set)
        mdl = NULL;
    c->r[1] = mdl ? record_get(mdl + 40, 4) : length;
    c->r[2] = (set ? 1u : 0u) | (mdl_set ? 2u : 0u);
    c->r[3] = mdl ? 2 : length ? 1 : 0;
    c->r[4] = mdl ? record_get(mdl + 44, 4) : 0;
    c->r[5] = mdl ? record_contiguous(mdl) : 1;
}

static void record_results_partition(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_GetGpuPartitionInfo:
        record_results_behind(c, record_pointer(c->s + 8), 2, c->a[0] < 4 ? (unsigned)c->a[0] : 4, 2);
        break;
    case RECORD_DDI_GetVirtualGpuProfile: /* memory is the first capability */
        record_results_behind(c, c->s + 8, 1, 5, 8);
        break;
    case RECORD_DDI_CreateVirtualGpu:
        record_results_behind(c, c->s + 120, 1, 2, 4);
        c->r[3] = record_get(c->s + 136 + 8, 8);
        c->r[4] = record_get(c->s + 136 + 48 + 8, 8);
        break;
    case RECORD_DDI_GetVirtualGpuInfo:
        record_results_behind(c, c->s + 8, 0, 3, 8);
        break;
    case RECORD_DDI_ReadVirtualFunctionConfig:
        record_results_behind(c, record_pointer(c->s), 0, c->a[2] != 0, c->a[2] < 4 ? (unsigned)c->a[2] : 4);
        break;
    case RECORD_DDI_QueryProbedBars:
        record_results_behind(c, record_pointer(c->s + 8), 0, 6, 4);
        break;
    case RECORD_DDI_QueryVirtualFunctionLuid:
        record_results_behind(c, record_pointer(c->s + 8), 0, 2, 4);
        break;
    case RECORD_DDI_GetResourceForBar:
        if (record_pointer(c->s + 8))
            record_results_resource(c, record_pointer(c->s + 8));
        break;
    case RECORD_DDI_QueryMitigatedRangeCount:
    case RECORD_DDI_GetMmioRangeCount:
        record_results_behind(c, c->s + 4, 0, 6, 4);
        break;
    case RECORD_DDI_GetBackingResource:
        record_results_backing(c);
        break;
    default:
        break;
    }
}

static void record_results_adapter(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_AddDevice:
        recorder.adapter = record_get((const void *)(uintptr_t)c->p[1], 8);
        c->r[0] = recorder.adapter ? ++recorder.objects : 0;
        break;
    case RECORD_DDI_StartDevice:
        for (unsigned i = 0; i < 2; i++)
            if (c->p[3 + i])
                memcpy(c->before + (uint64_t)4 * i, (const void *)(uintptr_t)c->p[3 + i], 4);
        record_results_behind(c, c->before, 0, 2, 4);
        break;
    case RECORD_DDI_QueryInterface:
        if (record_pointer(c->s + 16) && c->a[1] >= 4)
            record_results_behind(c, record_pointer(c->s + 16), 0, 2, 2);
        break;
    case RECORD_DDI_QueryAdapterInfo: {
        const uint8_t *out = record_pointer(c->s + 24);
        c->r[0] = out ? record_get(out, c->a[2] < 8 ? (unsigned)c->a[2] : 8) : 0;
        if (c->a[0] == RECORD_GATE_PAGE && c->a[4] < RECORD_SEGMENTS)
            recorder.page[c->a[4]] = (uint32_t)c->r[0];
        break;
    }
    case RECORD_DDI_CreateProcess:
        c->r[0] = record_number(RECORD_PROCESS, record_get(c->s + 8, 8), true);
        break;
    case RECORD_DDI_SaveImmutableMigrationData:
    case RECORD_DDI_SaveMutableMigrationData:
        c->r[0] = record_pointer(c->s + 8) ? record_get(record_pointer(c->s + 8), 8) : 0;
        break;
    default:
        break;
    }
}

/* Bytes of the plane that a query of that size gives. */
static uint64_t record_dirty_bytes(const struct record_call *c) {
    const struct record_object *o = record_find(RECORD_BASIS, record_get(c->s, 8));
    uint32_t page = o && o->segment < RECORD_SEGMENTS ? recorder.page[o->segment] : 0;
    uint64_t bytes = c->a[3] ? c->a[3] : o ? o->pages : 0;
    return o ? (bytes / (page ? page : 4096) + 7) / 8 : c->a[4];
}

static uint64_t record_used(const struct record_call *c, const struct record_buffer *b) {
    uint64_t used = b->size;
    switch (c->row->ddi) {
    case RECORD_DDI_QueryDirtyBitData:
        used = record_dirty_bytes(c);
        break;
    case RECORD_DDI_SaveImmutableMigrationData:
    case RECORD_DDI_SaveMutableMigrationData:
        used = b->role == RECORD_ROLE_SIZE ? 8 : c->r[0];
        break;
    case RECORD_DDI_GetGpuPartitionInfo:
        used = b->role == RECORD_ROLE_DATA ? 2 * c->r[0] : 0;
        break;
    case RECORD_DDI_QueryMitigatedRanges:
    case RECORD_DDI_GetMmioRanges: {
        bool mitigated = c->row->ddi == RECORD_DDI_QueryMitigatedRanges;
        bool known = c->a[0] < RECORD_VFS && c->a[1] < 6;
        used =
            (mitigated ? 16u : 24u) * (known ? (uint64_t)recorder.counted[!mitigated][c->a[0]][c->a[1]] : 0);
        break;
    }
    default:
        break;
    }
    return used < b->size ? used : b->size;
}

static void record_results(struct record_call *c) {
    const struct record_row *row = c->row;
    bool reads = c->success || record_answers_always(row);
    bool structure = row->form == RECORD_STRUCTURE && c->s;
    for (unsigned i = 0; reads && structure && i < row->result_count; i++)
        if (row->result[i].size)
            c->r[i] = record_get(c->s + row->result[i].offset, row->result[i].size);
    if (reads && (structure || row->ddi == RECORD_DDI_AddDevice)) {
        record_results_adapter(c);
        record_results_partition(c);
    }
    for (unsigned i = 0; i < c->buffers; i++)
        if ((c->buffer[i].flags & RECORD_OUT) && (c->success || c->buffer[i].role == RECORD_ROLE_SIZE))
            c->buffer[i].used = record_used(c, &c->buffer[i]);
}
