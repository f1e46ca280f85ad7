/* What the worlds look like: every event that is not part of a call, and the readings. */
#include "context.h"

#include <string.h>

struct vf *judge_vf(struct gpup_judge *j, unsigned host, uint64_t vf) {
    if (host >= GPUP_MAX_HOSTS || vf >= JUDGE_VFS)
        return NULL;
    j->used[host] |= UINT64_C(1) << vf;
    return &j->host[host].vf[vf];
}

void judge_clear_used(const struct gpup_judge *j, void *table, size_t row) {
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (uint64_t used = j->used[h]; used; used &= used - 1)
            memset((char *)table + (h * JUDGE_VFS + (size_t)__builtin_ctzll(used)) * row, 0, row);
}

struct vf *call_vf(struct gpup_judge *j) {
    return j->call.names_vf ? judge_vf(j, j->call.host, j->call.vf) : NULL;
}

bool vf_quiet(const struct vf *v) {
    bool running = v->schedule.seen ? v->schedule.running : v->powered && !v->paused;
    return !running || !v->work_pending;
}

bool vf_is_to_begin(const struct host *h, const struct vf *v) {
    return v->rising && v->schedule.seen && !v->schedule.running && !host_had_a_while(h, v->rose_ns);
}

bool host_has_other_work(const struct host *h, const struct schedule *then, uint64_t working) {
    bool other = false;
    for (unsigned i = 0; i < JUDGE_VFS; i++) {
        const struct vf *v = &h->vf[i];
        if (v->present && then[i].seen && v->schedule.running != then[i].running)
            return false;
        other = other || v->schedule.busy != then[i].busy || v->work_pending != (working >> i & 1);
    }
    return other;
}

bool host_is_restless(const struct host *h) {
    return h->unrest && h->waited_ns + 1 - h->unrest < JUDGE_A_WHILE_NS;
}

bool call_is_unsettled(const struct gpup_judge *j) {
    return (j->call.restless | j->call.late) >> j->call.host & 1;
}

void judge_rises(const struct gpup_judge *j, unsigned host, struct vf *v) {
    v->rising = true;
    v->rose = j->call.event;
    v->rose_ns = j->host[host].waited_ns;
}

uint32_t growth_known(const struct host *h, uint32_t fillings, uint32_t times) {
    return h->fillings != fillings && times > JUDGE_CACHE ? JUDGE_CACHE : times;
}

void row_begins(struct row *r, const struct host *h) {
    *r = (struct row){h->pool_count, h->waited_ns, 0, h->fillings};
}

bool row_goes_on(struct row *r, const struct host *h, uint32_t *grown) {
    bool more = h->pool_count > r->level, asked = host_had_a_while(h, r->ended_ns);
    r->fillings = more ? r->fillings : h->fillings;
    *grown = more ? r->grown + 1 : 0;
    r->grown = more && h->waited_ns != r->ended_ns ? r->grown : *grown;
    *grown = growth_known(h, r->fillings, *grown);
    r->level = h->pool_count;
    r->ended_ns = h->waited_ns;
    return asked;
}

void later_set(struct later *l, const struct host *h, uint32_t stamp) {
    *l = (struct later){true, h->waited_ns, stamp};
}

bool later_is_over(struct later *l, const struct host *h) {
    if (!l->due || !host_had_a_while(h, l->since))
        return false;
    l->due = false;
    return true;
}

bool later_is_same(struct later *l, const struct host *h, uint32_t stamp) {
    return later_is_over(l, h) && !h->impaired && !h->asleep && !h->removed && !h->gone && stamp == l->stamp;
}

bool judge_acts_beside(uint64_t op) {
    return (op >= GPUP_OP_GuestWrite && op <= GPUP_OP_FailAllocation) || op == GPUP_OP_StartVm ||
           op == GPUP_OP_CreateVm || op == GPUP_OP_GuestRead ||
           (op >= GPUP_OP_GuestOpenChannel && op <= GPUP_OP_FrameworkDriver);
}

bool call_must_succeed(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool powered = !h->asleep || c->ddi == GPUP_DDI_SetPowerState;
    return c->class <= GPUP_STATED && !c->failed_alloc && !c->overlapped && !h->impaired && powered;
}

const struct change *call_change(const struct gpup_judge *j, unsigned kind, unsigned host, uint32_t vf) {
    for (unsigned i = 0; i < j->call.changes; i++) {
        const struct change *c = &j->call.change[i];
        if (c->kind == kind && c->host == host && c->vf == vf && c->fresh && c->quiet)
            return c;
    }
    return NULL;
}

void context_reset(struct gpup_judge *j) {
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        for (uint64_t used = j->used[i]; used; used &= used - 1)
            j->host[i].vf[__builtin_ctzll(used)] = (struct vf){0};
        memset(&j->host[i], 0, offsetof(struct host, vf));
        gpup_machine_reset(&j->host[i].machines);
        j->used[i] = 0;
    }
    memset(&j->call, 0, sizeof j->call);
    for (unsigned i = 0; i < JUDGE_LANES; i++)
        j->lane[i].active = false;
    j->together = j->changing = j->one_system = j->waited = false;
    j->secret_count = j->poison_count = j->address_count = 0;
    j->step = GPUP_NO_STEP;
    j->op = GPUP_OPS;
    j->weakest = GPUP_LEGAL;
    j->world_seen = j->ended = j->resolved = false;
    j->recorded = j->lost = false;
    j->unseen = 0;
    j->paged_secrets = j->reserving = 0;
    j->padded = false;
    j->op_vf = GPUP_PF;
    j->next_input.there = j->next_data.there = false;
    j->varies = 0;
    j->framework = 0;
    j->event = 0;
    j->now = NULL;
    j->at = NULL;
}

#define FORM_RECORDED 3 /* IMPLEMENTATION.form */

static void seen_adapter(struct gpup_judge *j, struct host *h, const struct gpup_event *e) {
    h->there = true;
    h->observers = (uint32_t)e->f[GPUP_ADAPTER_observers] | (j->recorded ? 0 : GPUP_OBSERVERS_INHERENT);
    j->unseen |= j->recorded ? ~h->observers : 0;
    h->vfs = (uint32_t)e->f[GPUP_ADAPTER_vfs];
    h->bus = (uint32_t)e->f[GPUP_ADAPTER_bus];
}

static void seen_segment(struct host *h, const struct gpup_event *e) {
    uint64_t id = e->f[GPUP_SEGMENT_id];
    if (id > GPUP_MAX_SEGMENTS)
        return;
    h->segment[id] = true;
    h->page[id] = (uint32_t)e->f[GPUP_SEGMENT_page];
    h->local[id] = e->f[GPUP_SEGMENT_local] != 0;
}

static void seen_shape(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = judge_vf(j, e->host, e->f[GPUP_SHAPE_vf]);
    if (!v)
        return;
    v->entries = (uint32_t)e->f[GPUP_SHAPE_entries];
    v->msix_bar = (uint32_t)e->f[GPUP_SHAPE_bar];
    v->msix_offset = e->f[GPUP_SHAPE_offset];
    v->id = (uint32_t)e->f[GPUP_SHAPE_id];
    v->routing = (uint32_t)e->f[GPUP_SHAPE_routing];
}

static void seen_slots(struct host *h, const struct gpup_event *e) {
    uint64_t table = e->f[GPUP_TABLE_SLOTS_table];
    if (table >= 5)
        return;
    h->slots_seen[table] = true;
    h->slots_version[table] = (uint32_t)e->f[GPUP_TABLE_SLOTS_version];
    memset(h->slots[table], 0, sizeof h->slots[table]);
    for (size_t i = 0; i < e->data_size && i < sizeof h->slots[table]; i++)
        h->slots[table][i / 8] |= (uint64_t)e->data[i] << (i % 8 * 8);
}

/* The guest may hold this secret from now on, and its state changes with it. */
static void seen_cookie(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = judge_vf(j, e->host, e->f[GPUP_COOKIE_vf]);
    unsigned row = 0;
    while (row < j->secret_count && j->secret[row] != e->f[GPUP_COOKIE_value])
        row++;
    if (row < JUDGE_SECRETS && row == j->secret_count)
        j->secret[j->secret_count++] = e->f[GPUP_COOKIE_value];
    if (!v || row >= JUDGE_SECRETS)
        return;
    v->secrets[0] |= UINT64_C(1) << row;
    v->guest.fresh = v->vram.fresh = v->dirty.fresh = false;
}

/* The padding of a structure stands nowhere but in the text of the step. */
static bool sets_padding(const struct gpup_event *e) {
    static const char word[] = "padding: ";
    if (e->f[GPUP_STEP_op] != GPUP_OP_WriteVirtualizedInterrupt &&
        e->f[GPUP_STEP_op] != GPUP_OP_SetVirtualFunctionPauseState)
        return false;
    const char *at = e->data_size ? memmem(e->data, e->data_size, word, sizeof word - 1) : NULL;
    return at && at + sizeof word - 1 < (const char *)e->data + e->data_size && at[sizeof word - 1] != '0';
}

static void seen_step(struct gpup_judge *j, const struct gpup_event *e) {
    struct host *h = &j->host[e->host];
    struct vf *v = judge_vf(j, e->host, e->f[GPUP_STEP_vf]);
    j->step = e->step;
    j->op = (uint32_t)e->f[GPUP_STEP_op];
    j->op_vf = (uint32_t)e->f[GPUP_STEP_vf];
    j->padded = sets_padding(e);
    if (e->f[GPUP_STEP_class] > j->weakest && e->f[GPUP_STEP_class] < GPUP_CLASSES)
        j->weakest = (uint8_t)e->f[GPUP_STEP_class];
    switch (j->op) {
    case GPUP_OP_RemoveHardware:
        h->removed = true;
        h->impaired = true;
        break;
    case GPUP_OP_LoseCompletions:
        h->impaired = true;
        break;
    case GPUP_OP_FailAllocation: /* without a view of the pool nobody knows which call it hit */
        h->impaired = h->impaired || !(h->observers & GPUP_OBSERVER_pool);
        if (j->one_system && h->impaired) /* what fails may be for the other adapter */
            j->host[1 - e->host].impaired = true;
        break;
    case GPUP_OP_GuestWrite:
    case GPUP_OP_GuestWork:
    case GPUP_OP_GuestSetRegister:
        if (v)
            v->guest.fresh = v->vram.fresh = v->dirty.fresh = false;
        break;
    default:
        break;
    }
}

static void seen_work(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = judge_vf(j, e->host, e->f[GPUP_GUEST_WORK_vf]);
    if (!v)
        return;
    v->work_pending = e->f[GPUP_GUEST_WORK_queued] != e->f[GPUP_GUEST_WORK_completed];
    v->work_busy = false;
}

static void seen_write(struct gpup_judge *j, struct vf *v) {
    if (!v)
        return;
    v->guest_write = j->event;
    if (!j->call.active)
        v->vram.fresh = v->dirty.fresh = false;
}

static void seen_reserve(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = judge_vf(j, e->host, e->f[GPUP_RESERVE_vf]);
    uint64_t size = e->f[GPUP_RESERVE_size];
    if (!v)
        return;
    if (j->reserving != e->f[GPUP_RESERVE_vf] + 1) /* the first of an assignment */
        v->reserve_size = v->reserve_shape = v->reserve_ranges = 0;
    v->reserve_ranges++;
    v->reserve_segment = (uint32_t)e->f[GPUP_RESERVE_segment];
    v->reserve_offset = e->f[GPUP_RESERVE_offset];
    j->reserving = e->f[GPUP_RESERVE_vf] + 1;
    v->reserve_size += size;
    v->reserve_shape = gpup_trace_hash(v->reserve_shape, &size, sizeof size);
}

static void seen_place(struct gpup_judge *j, const struct gpup_event *e) {
    if (e->kind == GPUP_EVENT_POISON && j->poison_count < 4)
        j->poison[j->poison_count++] = e->f[GPUP_POISON_value];
    if (e->kind == GPUP_EVENT_ADDRESSES && e->f[GPUP_ADDRESSES_kind] < 3 &&
        j->address_count < JUDGE_ADDRESSES) {
        j->address[j->address_count].base = e->f[GPUP_ADDRESSES_base];
        j->address[j->address_count++].size = e->f[GPUP_ADDRESSES_size];
    }
}

/* Paging carries the secrets of one VF's memory into another's. */
static void seen_paging(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = judge_vf(j, e->host, e->f[GPUP_PAGING_vf]);
    if (v && e->f[GPUP_PAGING_in]) {
        v->vram.fresh = v->dirty.fresh = false;
        v->secrets[0] |= j->paged_secrets;
    } else if (v) {
        j->paged_secrets = v->secrets[0];
    }
}

void context_event(struct gpup_judge *j, const struct gpup_event *e) {
    struct host *h = &j->host[e->host];
    if (e->kind != GPUP_EVENT_RESERVE)
        j->reserving = 0;
    switch (e->kind) {
    case GPUP_EVENT_IMPLEMENTATION:
        j->varies = e->f[GPUP_IMPLEMENTATION_varies];
        j->recorded = e->f[GPUP_IMPLEMENTATION_form] == FORM_RECORDED;
        h->differs = e->f[GPUP_IMPLEMENTATION_differs];
        j->framework = e->f[GPUP_IMPLEMENTATION_framework];
        break;
    case GPUP_EVENT_WORLD:
        j->world_seen = true;
        j->one_system = e->f[GPUP_WORLD_one_system] != 0;
        break;
    case GPUP_EVENT_ADAPTER:
        seen_adapter(j, h, e);
        break;
    case GPUP_EVENT_SEGMENT:
        seen_segment(h, e);
        break;
    case GPUP_EVENT_SHAPE:
        seen_shape(j, e);
        break;
    case GPUP_EVENT_TABLE_SLOTS:
        seen_slots(h, e);
        break;
    case GPUP_EVENT_POISON:
    case GPUP_EVENT_ADDRESSES:
        seen_place(j, e);
        break;
    case GPUP_EVENT_COOKIE:
        seen_cookie(j, e);
        break;
    case GPUP_EVENT_STEP:
        seen_step(j, e);
        break;
    case GPUP_EVENT_WAIT:
        h->waited_ns += e->f[GPUP_WAIT_ns];
        j->waited = true;
        break;
    case GPUP_EVENT_CALL:
        call_begin(j, e);
        break;
    case GPUP_EVENT_BUFFER:
        call_buffer(j, e);
        break;
    case GPUP_EVENT_RETURN:
        call_return(j, e);
        break;
    case GPUP_EVENT_ALLOC: /* the event does not say in which call */
        j->call.failed_alloc = j->call.failed_alloc || (e->f[GPUP_ALLOC_failed] && j->call.active);
        for (unsigned i = 0; i < JUDGE_LANES; i++)
            j->lane[i].failed_alloc = j->lane[i].failed_alloc || e->f[GPUP_ALLOC_failed];
        break;
    case GPUP_EVENT_CHANGING: /* no page lets anybody change a buffer under a call */
        j->weakest = j->weakest < GPUP_ROBUSTNESS ? GPUP_ROBUSTNESS : j->weakest;
        j->changing = true;
        break;
    case GPUP_EVENT_TOGETHER:
        j->together = e->f[GPUP_TOGETHER_phase] == GPUP_TOGETHER_BEGINS;
        break;
    case GPUP_EVENT_CHANNEL:
        j->call.failed_alloc =
            j->call.failed_alloc ||
            (j->call.active && e->f[GPUP_CHANNEL_what] <= GPUP_CHANNEL_ENABLE &&
             e->f[GPUP_CHANNEL_status] == GPUP_STATUS_INSUFFICIENT_RESOURCES); /* injected */
        j->call.channels = j->call.channels || (e->f[GPUP_CHANNEL_what] < GPUP_CHANNEL_PACKET &&
                                                e->f[GPUP_CHANNEL_call] == j->call.number);
        break;
    case GPUP_EVENT_DAMAGE:
        j->call.damaged_arguments |= e->f[GPUP_DAMAGE_role] == GPUP_ROLE_ARGUMENTS;
        j->call.damaged_data |= e->f[GPUP_DAMAGE_role] == GPUP_ROLE_DATA;
        j->call.damaged_input |= e->f[GPUP_DAMAGE_role] == GPUP_ROLE_INPUT;
        j->call.damaged_interface |= e->f[GPUP_DAMAGE_role] == GPUP_ROLE_INTERFACE;
        break;
    case GPUP_EVENT_GUEST_WORK:
        seen_work(j, e);
        break;
    case GPUP_EVENT_GUEST_WRITE:
        if (e->f[GPUP_GUEST_WRITE_done])
            seen_write(j, judge_vf(j, e->host, e->f[GPUP_GUEST_WRITE_vf]));
        break;
    case GPUP_EVENT_PAGING:
        seen_paging(j, e);
        break;
    case GPUP_EVENT_RESERVE:
        seen_reserve(j, e);
        break;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
        h->gone = true;
        if (j->one_system) /* with the machine */
            j->host[1 - e->host].gone = true;
        break;
    default:
        break;
    }
}
