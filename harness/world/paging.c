/* Host paging: the contents of a reserve are copied, whole or page by page. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void emit_paging(struct host *h, uint32_t vf, bool in, uint64_t offset, uint64_t size) {
    struct gpup_event e = world_event(h, GPUP_EVENT_PAGING);
    e.f[GPUP_PAGING_vf] = vf;
    e.f[GPUP_PAGING_in] = in;
    e.f[GPUP_PAGING_offset] = offset;
    e.f[GPUP_PAGING_size] = size;
    world_emit(h, &e);
}

/* Segment place of an offset in a VF's reserve; *run: bytes up to the end of that range. */
static bool locate(const struct vf *v, uint64_t offset, uint32_t *segment, uint64_t *at, uint64_t *run) {
    for (uint32_t i = 0; i < v->reserve_count; i++) {
        if (offset < v->reserve[i].size) {
            *segment = v->reserve[i].segment;
            *at = v->reserve[i].offset + offset;
            *run = v->reserve[i].size - offset;
            return true;
        }
        offset -= v->reserve[i].size;
    }
    return false;
}

static bool copy_through(struct host *h, uint32_t segment, uint64_t at, struct host *to, uint32_t to_segment,
                         uint64_t to_at, uint64_t size) {
    uint8_t chunk[4096];
    for (uint64_t done = 0; done < size; done += sizeof chunk) {
        uint64_t part = size - done < sizeof chunk ? size - done : sizeof chunk;
        world_reach_device(h);
        if (!h->device_ops->read_vram(h->device, segment, at + done, chunk, part))
            return false;
        world_reach_device(to);
        if (!to->device_ops->write_vram(to->device, to_segment, to_at + done, chunk, part))
            return false;
    }
    return true;
}

static bool copy(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf, uint64_t offset,
                 uint64_t size) {
    emit_paging(h, vf, false, offset, size);
    emit_paging(to, to_vf, true, offset, size);
    while (size) {
        uint32_t segment, to_segment;
        uint64_t at, to_at, run, to_run;
        if (!locate(&h->vf[vf], offset, &segment, &at, &run) ||
            !locate(&to->vf[to_vf], offset, &to_segment, &to_at, &to_run))
            return false;
        run = run < to_run ? run : to_run;
        run = run < size ? run : size;
        bool ok = to->device_ops->copy_vram
                      ? to->device_ops->copy_vram(to->device, to_segment, to_at, h->device, segment, at, run)
                      : copy_through(h, segment, at, to, to_segment, to_at, run);
        if (!ok)
            return false;
        offset += run;
        size -= run;
    }
    return true;
}

static bool has_reserve(const struct host *h, uint32_t vf) {
    uint8_t life = gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf);
    return h->vf[vf].created && life != GPUP_STATE_vgpu_Absent && life != GPUP_STATE_vgpu_Created;
}

static bool can_copy(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf) {
    bool able = h->device_ops && h->device && to->device &&
                (h->device_ops->copy_vram || (h->device_ops->read_vram && h->device_ops->write_vram));
    bool there = vf < GPUP_MAX_VFS && to_vf < GPUP_MAX_VFS && has_reserve(h, vf) && has_reserve(to, to_vf) &&
                 h->vf[vf].reserve_size && h->vf[vf].reserve_size == to->vf[to_vf].reserve_size &&
                 (h != to || vf != to_vf);
    if (able && there && world_never(h, h->asleep || to->asleep, "a GPU in D3 pages nothing"))
        return false;
    able = able && !h->removed && !to->removed;
    if (!able || !there)
        world_skip(h, able ? GPUP_SKIP_UNRESOLVED : GPUP_SKIP_UNSUPPORTED,
                   able ? "source and target have no reserve of the same size" : "the device has no paging");
    return able && there;
}

static void copy_vram(struct host *h, uint32_t vf, struct host *to, uint32_t to_vf) {
    if (!can_copy(h, vf, to, to_vf))
        return;
    copy(h, vf, to, to_vf, 0, h->vf[vf].reserve_size);
    world_observe(to);
    world_observe(h);
}

static void copy_dirty(struct host *h, const struct gpup_step *step, struct host *to, uint32_t to_vf) {
    struct gpup_step query;
    uint8_t *bits = NULL;
    HANDLE raw;
    uint64_t object;
    const struct gpup_value *which = &step->f[GPUP_CopyDirty_basis];
    if (!can_copy(h, step->vf, to, to_vf))
        return;
    gpup_step_defaults(&query, GPUP_OP_QueryDirtyBitData);
    query.f[GPUP_QueryDirtyBitData_buffer].symbol = GPUP_SYMBOL_NEED;
    query.f[GPUP_QueryDirtyBitData_buffer].number = 0;
    query.f[GPUP_QueryDirtyBitData_flags].number = DXGKARG_QUERYDIRTYBITDATAFLAGS_CLEARDATA;
    struct basis *b = world_basis(h, step->vf, which, &raw, &object);
    if (!op_query_dirty(h, step->vf, which, &query, &bits) || !b || !bits) {
        free(bits);
        return;
    }
    uint64_t bit = 0, unit = h->dirty_page[b->segment] ? h->dirty_page[b->segment] : 4096;
    for (uint32_t i = 0; i < b->count; i++)
        for (uint64_t at = 0; at < b->ranges[i].size; at += unit, bit++)
            if (bits[bit / 8] >> (bit % 8) & 1)
                copy(h, step->vf, to, to_vf, b->at[i] + at, unit);
    free(bits);
    world_observe(to);
    world_observe(h);
}

void do_CopyVram(struct host *h, const struct gpup_step *s) {
    copy_vram(h, s->vf, step_target(h, s, GPUP_CopyVram_to_host), step_u32(s, GPUP_CopyVram_to_vf));
}

void do_CopyDirty(struct host *h, const struct gpup_step *s) {
    copy_dirty(h, s, step_target(h, s, GPUP_CopyDirty_to_host), step_u32(s, GPUP_CopyDirty_to_vf));
}
