/* MSI-X: readings, the writes of a call as they happen, pending interrupts. */
#include "msix.h"

#include <stdlib.h>
#include <string.h>

struct table *msix_table(struct msix *m, unsigned host, uint64_t vf) {
    if (host >= GPUP_MAX_HOSTS || vf >= JUDGE_VFS)
        return NULL;
    m->used[host] |= UINT64_C(1) << vf;
    return &m->table[host][vf];
}

bool msix_changed(const struct gpup_judge *j, const struct table *t) {
    return t->changed_at == j->call.event + 1;
}

bool msix_in_table(const struct table *t, int32_t index) {
    return index >= 0 && (uint32_t)index < t->entries;
}

static bool grow(struct gpup_judge *j, struct table *t, uint32_t entries) {
    if (entries > MSIX_ENTRIES)
        return false;
    if (entries > t->capacity) {
        uint8_t *memory = judge_grow(j, t->now, (size_t)entries * 33);
        if (!memory) {
            j->overflow = true;
            return false;
        }
        memset(memory, 0, (size_t)entries * 33);
        t->now = memory;
        t->model = memory + (size_t)entries * 16;
        t->known = memory + (size_t)entries * 32;
        t->capacity = entries;
        t->read = false;
    }
    t->entries = entries;
    return true;
}

/* An address of the source host that a restore put into an entry which may send. */
static void check_restored(struct gpup_judge *j, struct msix *m, const struct gpup_event *e,
                           const struct table *t) {
    unsigned other = e->host ^ 1u;
    if (t->jointly)
        return;
    for (uint32_t i = 0; i < t->entries; i++) {
        const uint8_t *entry = e->data + (size_t)i * 16;
        if ((t->read && memcmp(entry, t->now + (size_t)i * 16, 16) == 0) || (entry[12] & 1) || t->known[i] ||
            (t->written &&
             get64(t->model + (size_t)i * 16) == get64(entry))) /* the target wrote that itself, before */
            continue;
        for (uint32_t vf = 0; vf < JUDGE_VFS; vf++) {
            const struct table *from = &m->table[other][vf];
            bool known = i < from->entries && (from->known[i] == KNOWN_VALUE || from->known[i] == KNOWN_SEEN);
            if (known && get64(from->model + (size_t)i * 16) == get64(entry) && get64(entry))
                CHECK(j, GPUP_RULE_MSIX_030, false,
                      "entry %u holds address 0x%llx of the source host and is unmasked after the restore", i,
                      (unsigned long long)get64(entry));
        }
    }
}

static bool is_restore(uint16_t ddi) {
    return ddi == GPUP_DDI_RestoreImmutableMigrationData || ddi == GPUP_DDI_RestoreMutableMigrationData;
}

static void read_table(struct gpup_judge *j, struct msix *m, const struct gpup_event *e) {
    struct table *t = msix_table(m, e->host, e->f[GPUP_OBS_MSIX_vf]);
    uint64_t entries = e->f[GPUP_OBS_MSIX_entries];
    const struct call *c = &j->call;
    if (!t || entries > MSIX_ENTRIES || e->data_size < entries * 16 || j->host[e->host].removed ||
        !grow(j, t, (uint32_t)entries))
        return;
    bool own = c->names_vf && c->host == e->host && c->vf == e->f[GPUP_OBS_MSIX_vf];
    bool writes =
        own && c->ddi == GPUP_DDI_WriteVirtualizedInterrupt; /* what it writes is the target's own */
    if ((t->restored && !writes) || (own && c->returned && is_restore(c->ddi)))
        check_restored(j, m, e, t);
    t->restored = false;
    for (uint32_t i = 0; t->read && i < entries; i++) {
        if (memcmp(t->now + (size_t)i * 16, e->data + (size_t)i * 16, 16) == 0)
            continue;
        if (!msix_changed(j, t))
            t->other = -1;
        t->changed_at = j->call.event + 1;
        if (t->other < 0 && !(own && m->write.at_hand && (int32_t)i == m->write.index))
            t->other = (int32_t)i;
    }
    if (entries)
        memcpy(t->now, e->data, entries * 16);
    t->read = true;
}

static void begin_call(struct gpup_judge *j, struct msix *m) {
    struct call *c = &j->call;
    struct table *t = msix_table(m, c->host, c->vf);
    m->write.at_hand = false;
    if (!c->active || c->overlapped || c->ddi != GPUP_DDI_WriteVirtualizedInterrupt)
        return;
    m->write = (struct write){
        .at_hand = true,
        .index = (int16_t)(uint16_t)c->a[GPUP_ARG_WriteVirtualizedInterrupt_InterruptTableIndex],
        .address = c->a[GPUP_ARG_WriteVirtualizedInterrupt_MessageAddress],
        .data = (uint32_t)c->a[GPUP_ARG_WriteVirtualizedInterrupt_MessageData],
        .control = (uint32_t)c->a[GPUP_ARG_WriteVirtualizedInterrupt_VectorControl]};
    if (t && c->before.entries && c->before.entries <= MSIX_ENTRIES && !t->entries)
        grow(j, t, c->before.entries);
    if (!t || !t->read || !msix_in_table(t, m->write.index))
        return;
    m->write.read = true;
    memcpy(m->write.before, t->now + (size_t)m->write.index * 16, 16);
    memcpy(m->write.shadow, m->write.before, 16);
}

/* Whether the entry may send while its address and data are not those of the write. */
static void follow_order(struct write *w, const uint8_t old[16]) {
    bool was_open = !(old[12] & 1), is_open = !(w->shadow[12] & 1);
    bool wants_open = !(w->control & 1), began_open = !(w->before[12] & 1);
    bool complete = get64(w->shadow) == w->address && get32(w->shadow + 8) == w->data;
    bool moved = memcmp(old, w->shadow, 12) != 0;
    if (wants_open && !began_open && is_open && !complete)
        w->early_unmask = true;
    if (!wants_open && began_open && moved && was_open && is_open)
        w->late_mask = true;
    if (wants_open && began_open && moved && was_open && is_open)
        w->open_change = true;
}

static void write_entry(struct write *w, const struct gpup_event *e) {
    uint64_t offset = e->f[GPUP_TABLE_offset], width = e->f[GPUP_TABLE_width];
    uint64_t value = e->f[GPUP_TABLE_value], first = (uint64_t)w->index * 16;
    uint8_t old[16];
    memcpy(old, w->shadow, 16);
    for (uint64_t i = 0; i < width && i < 8; i++)
        if (offset + i >= first && offset + i < first + 16)
            w->shadow[offset + i - first] = (uint8_t)(value >> (8 * i));
    if (w->read)
        follow_order(w, old);
}

/* A write that puts there what is there already changes nothing. */
static bool would_change(const struct table *t, const struct gpup_event *e) {
    uint64_t offset = e->f[GPUP_TABLE_offset], width = e->f[GPUP_TABLE_width];
    if (!t || !t->read || width > 8 || offset > (uint64_t)t->entries * 16 ||
        offset + width > (uint64_t)t->entries * 16)
        return true;
    uint64_t value = e->f[GPUP_TABLE_value];
    return memcmp(t->now + offset, &value, width) != 0;
}

static void wrote_table(struct gpup_judge *j, struct msix *m, const struct gpup_event *e) {
    uint64_t width = e->f[GPUP_TABLE_width], offset = e->f[GPUP_TABLE_offset];
    struct write *w = &m->write;
    if (e->f[GPUP_TABLE_area] == 1) {
        CHECK(j, GPUP_RULE_MSIX_020, false, "the driver wrote the Pending Bit Array at offset %llu",
              (unsigned long long)offset);
        return;
    }
    CHECK(j, GPUP_RULE_MSIX_012, (width == 4 || width == 8) && offset % width == 0,
          "a write of %llu bytes at table offset %llu, expected whole aligned dwords or qwords",
          (unsigned long long)width, (unsigned long long)offset);
    if (!w->at_hand || !j->call.active)
        return;
    if (e->f[GPUP_TABLE_vf] != j->call.vf) {
        w->foreign += would_change(msix_table(m, e->host, e->f[GPUP_TABLE_vf]), e);
        return;
    }
    w->unpowered += !e->f[GPUP_TABLE_powered];
    uint64_t first = (uint64_t)(uint32_t)w->index * 16;
    if (w->index >= 0 && offset + width > first && offset < first + 16) {
        w->hits++;
        write_entry(w, e);
    } else {
        w->misses++;
        w->aliased += w->index > 255 && offset / 16 == ((uint32_t)w->index & 0xFF);
    }
}

static void saw_message(struct gpup_judge *j, struct msix *m, const struct gpup_event *e) {
    struct write *w = &m->write;
    uint64_t address = e->f[GPUP_MESSAGE_address], data = e->f[GPUP_MESSAGE_data];
    if (!w->at_hand || !(j->call.active || j->call.returned) || e->host != j->call.host ||
        e->f[GPUP_MESSAGE_vf] != j->call.vf || w->index < 0 || e->f[GPUP_MESSAGE_index] != (uint64_t)w->index)
        return;
    bool is_new = address == w->address && data == w->data;
    bool is_old = w->read && address == get64(w->before) && data == get32(w->before + 8);
    w->messages++;
    w->wrong_messages += !is_new;
    w->mixed = w->mixed || (w->read && !is_new && !is_old);
}

static void raised(struct gpup_judge *j, struct msix *m, const struct gpup_event *e) {
    struct table *t = msix_table(m, e->host, e->f[GPUP_RAISE_vf]);
    const struct vf *v = judge_vf(j, e->host, e->f[GPUP_RAISE_vf]);
    uint64_t index = e->f[GPUP_RAISE_index];
    if (t && v && t->read && index < t->entries && v->powered && v->enable &&
        (v->function_mask || (t->now[index * 16 + 12] & 1)))
        t->raised[index / 8] |= (uint8_t)(1u << index % 8);
}

/* What is no longer pending was sent or went with a reset: no later write owes it. In a write that is what is
 * to be judged. */
static void read_control(const struct gpup_judge *j, struct msix *m, const struct gpup_event *e) {
    struct table *t = msix_table(m, e->host, e->f[GPUP_OBS_MSIX_CONTROL_vf]);
    const struct call *c = &j->call;
    if (!t)
        return;
    memset(t->pending, 0, sizeof t->pending);
    if (e->data_size)
        memcpy(t->pending, e->data, e->data_size < sizeof t->pending ? e->data_size : sizeof t->pending);
    bool writes = (c->active || c->returned) && c->ddi == GPUP_DDI_WriteVirtualizedInterrupt &&
                  c->host == e->host && c->vf == e->f[GPUP_OBS_MSIX_CONTROL_vf];
    for (size_t i = 0; !writes && i < sizeof t->raised; i++)
        t->raised[i] &= t->pending[i];
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct msix *m = state;
    switch (e->kind) {
    case GPUP_EVENT_CALL:
        begin_call(j, m);
        break;
    case GPUP_EVENT_TABLE:
        wrote_table(j, m, e);
        break;
    case GPUP_EVENT_MMIO: /* a write into a BAR of the VF that is none of its table: perhaps a wrong base */
        m->write.other_mmio += e->f[GPUP_MMIO_write] && e->f[GPUP_MMIO_region] >= GPUP_REGION_VF_BAR0 &&
                               e->f[GPUP_MMIO_region] <= GPUP_REGION_VF_BAR4;
        break;
    case GPUP_EVENT_CONFIG:
        m->write.function_masked = m->write.function_masked || e->f[GPUP_CONFIG_write];
        break;
    case GPUP_EVENT_MESSAGE:
        saw_message(j, m, e);
        break;
    case GPUP_EVENT_RAISE:
        raised(j, m, e);
        break;
    case GPUP_EVENT_OBS_MSIX_CONTROL:
        read_control(j, m, e);
        break;
    default:
        read_table(j, m, e);
    }
}

static void forget(struct table *t) {
    uint8_t *now = t->now, *model = t->model, *known = t->known;
    uint32_t capacity = t->capacity;
    if (t->entries && known)
        memset(known, 0, t->entries);
    *t = (struct table){.now = now, .model = model, .known = known, .capacity = capacity, .other = -1};
}

static void reset(struct gpup_judge *j, void *state) {
    struct msix *m = state;
    (void)j;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++) {
        for (uint64_t used = m->used[h]; used; used &= used - 1)
            forget(&m->table[h][__builtin_ctzll(used)]);
        m->used[h] = 0;
    }
    m->write = (struct write){0};
}

static void release(struct gpup_judge *j, void *state) {
    struct msix *m = state;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < JUDGE_VFS; i++)
            judge_drop(j, m->table[h][i].now);
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct msix *m = state;
    struct table *t = j->call.names_vf ? msix_table(m, j->call.host, j->call.vf) : NULL;
    m->write.at_hand = false;
    msix_forget_power(j, m);
    if (!t)
        return;
    memset(t->raised, 0, sizeof t->raised);
    t->jointly = t->jointly || j->call.ddi == GPUP_DDI_WriteVirtualizedInterrupt;
    t->former = false; /* what is unmasked may be of this life */
    if (t->entries)
        memset(t->known, 0, t->entries);
}

/* No VF of this world has an entry whose index takes more than eight bits. */
static void end(struct gpup_judge *j, void *state) {
    bool small = false;
    (void)state;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++)
        for (unsigned i = 0; i < JUDGE_VFS; i++) {
            uint32_t entries = j->host[h].vf[i].entries;
            if (entries > 256)
                return;
            small = small || entries;
        }
    if (small)
        judge_inapplicable(j, GPUP_RULE_MSIX_032);
}

const struct monitor monitor_msix = {.id = GPUP_MONITOR_msix,
                                     .state_size = sizeof(struct msix),
                                     .kinds = KIND(CALL) | KIND(TABLE) | KIND(MMIO) | KIND(CONFIG) |
                                              KIND(MESSAGE) | KIND(RAISE) | KIND(OBS_MSIX) |
                                              KIND(OBS_MSIX_CONTROL),
                                     .event = event,
                                     .settle = msix_settle,
                                     .overlapped = overlapped,
                                     .end = end,
                                     .reset = reset,
                                     .release = release};
