/* MSI-X: what a settled call means for the rules and for the model of the table. */
#include "msix.h"

#include <string.h>

static unsigned long long hex(uint64_t value) {
    return (unsigned long long)value;
}

/* The entry as the write wanted it, apart from bits that have rules of their own. */
static bool holds(const struct write *w, const uint8_t *entry) {
    return get64(entry) == w->address && get32(entry + 8) == w->data &&
           (get32(entry + 12) & 1) == (w->control & 1);
}

/* The implemented bits. */
static bool held(const uint8_t *entry, const uint8_t *model) {
    return memcmp(entry, model, 12) == 0 && (entry[12] & 1) == (model[12] & 1);
}

/* That eight bits hold the index shows where entries work that need no more. */
static void check_index(struct gpup_judge *j, const struct write *w, struct table *t, bool arrived) {
    bool none = !w->hits && !w->misses && !w->foreign && !msix_changed(j, t);
    if (w->index <= 255) {
        t->small_works = t->small_works || arrived;
        t->small_fails = t->small_fails || !arrived;
    } else if (arrived || (t->small_works && !t->small_fails && (w->aliased || none))) {
        CHECK(j, GPUP_RULE_MSIX_032, arrived, "entry %d was not written%s, and entries below 256 are",
              w->index, w->aliased ? ", entry index mod 256 was" : "");
    }
}

static void check_place(struct gpup_judge *j, const struct write *w, struct table *t, bool arrived) {
    bool elsewhere = w->misses && !arrived, wrote = arrived || w->hits || w->misses;
    check_index(j, w, t, arrived);
    if (wrote)
        CHECK(j, GPUP_RULE_MSIX_002, !elsewhere || (w->index > 255 && w->aliased),
              "the write for entry %d went to other places of the table", w->index);
    CHECK(j, GPUP_RULE_MSIX_006, !msix_changed(j, t) || t->other < 0 || elsewhere,
          "the write for entry %d changed entry %d", w->index, t->other);
    if (wrote || w->other_mmio)
        CHECK(j, GPUP_RULE_MSIX_011, wrote || w->foreign,
              "the driver wrote into a BAR of the VF, but not at the table that its capability shows");
}

static void check_fields(struct gpup_judge *j, const struct write *w, const uint8_t *entry) {
    uint64_t address = get64(entry);
    CHECK(j, GPUP_RULE_MSIX_003, address == w->address, "the entry holds address 0x%llx, expected 0x%llx",
          hex(address), hex(w->address));
    CHECK(j, GPUP_RULE_MSIX_004, get32(entry + 8) == w->data, "the entry holds data 0x%x, expected 0x%x",
          get32(entry + 8), w->data);
    CHECK(j, GPUP_RULE_MSIX_005, (get32(entry + 12) & 1) == (w->control & 1),
          "the mask bit of the entry is %u, expected %u", get32(entry + 12) & 1, w->control & 1);
    CHECK(j, GPUP_RULE_MSIX_022, address == w->address,
          "the address in the table is 0x%llx, not the given 0x%llx", hex(address), hex(w->address));
    CHECK(j, GPUP_RULE_MSIX_034, address >> 32 == w->address >> 32,
          "the high dword of the address is 0x%llx, expected 0x%llx", hex(address >> 32),
          hex(w->address >> 32));
}

static void check_reserved(struct gpup_judge *j, const struct write *w, const uint8_t *entry) {
    uint32_t before = get32(w->before + 12), now = get32(entry + 12);
    uint32_t invented = ((now ^ before) & (now ^ w->control)) & ~1u;
    CHECK(j, GPUP_RULE_MSIX_017, !invented,
          "reserved vector control bits are 0x%x, neither as before (0x%x) nor as given (0x%x)", now & ~1u,
          before & ~1u, w->control & ~1u);
}

/* In which order, where all came to its place. */
static void check_order(struct gpup_judge *j, const struct write *w) {
    const struct vf *v = &j->call.before;
    bool sends = !v->control_seen || (v->enable && !v->function_mask);
    bool was_open = !(w->before[12] & 1), wants_open = !(w->control & 1);
    if (!w->read || w->function_masked || !sends || !w->hits)
        return;
    if (!was_open && wants_open)
        CHECK(j, GPUP_RULE_MSIX_013, !w->early_unmask,
              "the mask bit of entry %d was cleared before its address and data were complete", w->index);
    if (was_open && !wants_open)
        CHECK(j, GPUP_RULE_MSIX_014, !w->late_mask,
              "address or data of entry %d changed before the mask bit was set", w->index);
    if (was_open && wants_open)
        CHECK(j, GPUP_RULE_MSIX_015, !w->open_change,
              "address or data of entry %d changed while the entry was not masked", w->index);
}

static void check_messages(struct gpup_judge *j, const struct write *w, struct table *t, bool arrived) {
    const struct vf *v = &j->call.before;
    bool was_masked = w->before[12] & 1, opens = !(w->control & 1);
    if (!w->read || !v->control_seen || !v->enable)
        return;
    if (arrived)
        CHECK(j, GPUP_RULE_MSIX_016, !w->mixed, "a message of entry %d mixed old and new address or data",
              w->index);
    bool raised = bit_of(t->raised, w->index);
    if (arrived && raised && was_masked && opens && !v->function_mask && !bit_of(t->pending, w->index))
        CHECK(j, GPUP_RULE_MSIX_019, w->messages == 1 && !w->wrong_messages,
              "after the unmask the pending interrupt of entry %d was sent %u times, %u of them not with the "
              "new "
              "value; expected once, with it",
              w->index, w->messages, w->wrong_messages);
    if (!raised && holds(w, w->before))
        CHECK(j, GPUP_RULE_MSIX_025, w->messages == 0, "an equal write of entry %d raised an interrupt",
              w->index);
    if (opens && !v->function_mask)
        t->raised[w->index / 8] &= (uint8_t) ~(1u << w->index % 8);
}

/* Refused, or without any effect: a write that does something else is no matter of the phase. */
static void check_phase(struct gpup_judge *j, const struct write *w, const struct table *t, bool works) {
    const struct vf *v = &j->call.before;
    bool other = nt_success(j->call.status) &&
                 (w->hits || w->misses || w->foreign || w->other_mmio || msix_changed(j, t));
    if (!works && other)
        return;
    if (v->session == SESSION_NONE)
        CHECK(j, GPUP_RULE_MSIX_023, works, "a write of entry %d outside of a migration did not work",
              w->index);
    else
        CHECK(j, GPUP_RULE_MSIX_024, works, "a write of entry %d during a migration did not work", w->index);
}

/* Padding is to blame where the same write without it works. */
static void check_padding(struct gpup_judge *j, const struct write *w, struct table *t, bool works) {
    uint64_t what[] = {(uint64_t)w->index, w->address, w->data, w->control};
    uint64_t hash = gpup_trace_hash(11, what, sizeof what);
    bool seen = !works, known = false;
    if (w->read && works)
        seen = !holds(w, w->before); /* else it shows nothing */
    for (unsigned i = 0; i < MSIX_PLAIN && i < t->plains; i++)
        known = known || t->plain[i] == hash;
    if (!j->padded && works && seen)
        t->plain[t->plains++ % MSIX_PLAIN] = hash;
    if (j->padded && seen && (works || known))
        CHECK(j, GPUP_RULE_MSIX_029, works,
              "a write of entry %d with padding bytes set did not work, and does without", w->index);
}

/* A write before that arrived, and this one changed nothing of it. */
static bool is_stuck(const struct write *w, const struct table *t, const uint8_t *entry) {
    const uint8_t *model = t->model + (size_t)w->index * 16;
    bool there = held(w->before, model);
    return w->read && there && memcmp(entry, w->before, 16) == 0;
}

static void judge_valid(struct gpup_judge *j, const struct write *w, struct table *t) {
    const struct call *c = &j->call;
    bool success = nt_success(c->status);
    const uint8_t *entry = t->read ? t->now + (size_t)w->index * 16 : NULL;
    bool arrived = success && entry && holds(w, entry);
    if (success && entry) {
        check_place(j, w, t, arrived);
        if (arrived || (w->hits && !w->misses))
            check_fields(j, w, entry);
        if (arrived)
            check_order(j, w);
        check_messages(j, w, t, arrived);
        if (w->read && (arrived || w->hits))
            check_reserved(j, w, entry);
        if (t->known[w->index] == KNOWN_VALUE)
            CHECK(j, GPUP_RULE_MSIX_025, arrived || !is_stuck(w, t, entry),
                  "entry %d still holds the value of the write before", w->index);
    }
    bool refused_reserved = !success && (w->control & ~1u); /* what becomes of these bits nobody says */
    if (!call_must_succeed(j) || refused_reserved)
        return;
    check_padding(j, w, t, success && (arrived || !entry));
    check_phase(j, w, t, success && (arrived || !entry));
    if (success && entry)
        CHECK(j, GPUP_RULE_MSIX_001, arrived,
              "entry %d holds address 0x%llx, data 0x%x, mask %u; the write was of 0x%llx, 0x%x, %u",
              w->index, hex(get64(entry)), get32(entry + 8), get32(entry + 12) & 1, hex(w->address), w->data,
              w->control & 1);
    else
        CHECK(j, GPUP_RULE_MSIX_001, success, "a valid write of entry %d returned 0x%08x, expected success",
              w->index, c->status);
}

/* A refused write: nothing may have been written. */
static void judge_refused(struct gpup_judge *j, const struct write *w, const struct table *t) {
    bool wrote = w->hits || w->misses || w->foreign || (t && msix_changed(j, t));
    bool refused = !nt_success(j->call.status) && !wrote;
    struct vf *v = call_vf(j);
    if (!v || !j->call.before.present) {
        CHECK(j, GPUP_RULE_MSIX_010, refused, "a write for VF %u, which has no vGPU, returned 0x%08x%s",
              j->call.vf, j->call.status, wrote ? " and wrote a table" : "");
        return;
    }
    if (w->index < 0)
        CHECK(j, GPUP_RULE_MSIX_009, refused, "index %d returned 0x%08x%s", w->index, j->call.status,
              wrote ? " and wrote the table" : "");
    else if (v->entries && (uint32_t)w->index >= v->entries)
        CHECK(j, GPUP_RULE_MSIX_008, refused, "index %d of %u entries returned 0x%08x%s", w->index,
              v->entries, j->call.status, wrote ? " and wrote the table" : "");
}

static void judge_failed(struct gpup_judge *j, const struct write *w, const struct table *t) {
    if (nt_success(j->call.status) || !t->read || !w->read)
        return;
    const uint8_t *entry = t->now + (size_t)w->index * 16;
    CHECK(j, GPUP_RULE_MSIX_026, memcmp(entry, w->before, 16) == 0 || (entry[12] & 1),
          "a failed write left entry %d changed and unmasked", w->index);
}

static void judge_address(struct gpup_judge *j, const struct write *w, const struct table *t) {
    const uint8_t *entry = t->read ? t->now + (size_t)w->index * 16 : NULL;
    CHECK(j, GPUP_RULE_MSIX_018, !nt_success(j->call.status) || !entry || !(entry[0] & 3),
          "an address with bits 1:0 set was accepted and stands in the table as 0x%llx",
          entry ? hex(get64(entry)) : 0);
}

/* A failed write leaves the entry as it was, or masked. */
static void forget_entry(const struct write *w, struct table *t, bool powered) {
    bool same = t->read && w->read && memcmp(t->now + (size_t)w->index * 16, w->before, 16) == 0;
    if (powered && same)
        return;
    if (t->known[w->index] == KNOWN_LATE)
        t->former = false; /* what is unmasked may be of this life */
    t->known[w->index] = KNOWN_NOTHING;
}

static void remember(const struct gpup_judge *j, const struct write *w, struct table *t, bool powered) {
    uint8_t *model = t->model + (size_t)w->index * 16;
    if (!nt_success(j->call.status)) {
        forget_entry(w, t, powered);
        return;
    }
    memcpy(model, &w->address, 8);
    memcpy(model + 8, &w->data, 4);
    memcpy(model + 12, &w->control, 4);
    model[0] &= 0xFC;
    t->known[w->index] = powered ? KNOWN_VALUE : KNOWN_LATE;
    t->written = true;
}

static void judge_write(struct gpup_judge *j, struct msix *m) {
    struct write *w = &m->write;
    struct table *t = msix_table(m, j->call.host, j->call.vf);
    const struct vf *before = &j->call.before;
    CHECK(j, GPUP_RULE_MSIX_029, !j->call.damaged_arguments, "the argument structure was modified");
    COUNT(j, GPUP_RULE_MSIX_012);
    COUNT(j, GPUP_RULE_MSIX_020);
    bool refusable = !t || !before->present || !t->entries || !msix_in_table(t, w->index);
    if (refusable)
        judge_refused(j, w, t);
    CHECK(j, GPUP_RULE_MSIX_007, !w->foreign, "the write for VF %u changed the table of another function",
          j->call.vf);
    if (refusable)
        return;
    /* What becomes of a write to a part without power, or to a VF in a reset, nobody says. */
    if (j->host[j->call.host].asleep || call_reset_goes_on(j, call_vf(j))) {
        remember(j, w, t, before->powered);
        t->known[w->index] = KNOWN_NOTHING;
        t->former = false;
        return;
    }
    if (!before->powered) {
        CHECK(j, GPUP_RULE_MSIX_033, !w->unpowered, "the table of a VF without power was written");
    } else if (w->address & 3) {
        judge_address(j, w, t);
    } else {
        judge_valid(j, w, t);
        judge_failed(j, w, t);
    }
    if (before->control_seen)
        CHECK(j, GPUP_RULE_MSIX_021,
              before->enable == call_vf(j)->enable && before->function_mask == call_vf(j)->function_mask,
              "MSI-X Enable or Function Mask of the VF changed in the call");
    remember(j, w, t, before->powered);
}

/* All entries masked, those apart that were written while there was no power. */
static bool all_masked(const struct table *t) {
    for (uint32_t i = 0; i < t->entries; i++)
        if (!(t->now[i * 16 + 12] & 1) && t->known[i] != KNOWN_LATE)
            return false;
    return true;
}

static void judge_power(struct gpup_judge *j, struct table *t) {
    const struct call *c = &j->call;
    if (!t->read || !nt_success(c->status) || !call_vf(j)->powered || c->before.powered)
        return;
    if (vf_is_to_begin(&j->host[c->host], call_vf(j))) { /* its table may come before it runs */
        t->former = false;
        memset(t->known, 0, t->entries);
        return;
    }
    if (t->former && !c->before.was_powered && !j->host[c->host].impaired)
        CHECK(j, GPUP_RULE_MSIX_028, all_masked(t), "an entry of the destroyed vGPU is still unmasked");
    for (uint32_t i = 0; i < t->entries; i++) {
        const uint8_t *entry = t->now + (size_t)i * 16, *model = t->model + (size_t)i * 16;
        if (t->known[i] == KNOWN_LATE) {
            CHECK(j, GPUP_RULE_MSIX_033, held(entry, model),
                  "the value written to entry %u in D3 is not there after D0", i);
            t->known[i] = held(entry, model) ? KNOWN_VALUE : KNOWN_SEEN;
        } else if (t->known[i] == KNOWN_VALUE) {
            bool same = memcmp(entry, model, 12) == 0 && !(model[12] & 1);
            CHECK(j, GPUP_RULE_ROB_011, same || (entry[12] & 1),
                  "entry %u comes out of D3 unmasked, and that was not written last", i);
            t->known[i] = held(entry, model) ? KNOWN_VALUE : KNOWN_SEEN;
        }
        memcpy(t->model + (size_t)i * 16, entry, 16); /* kept or masked: both are allowed */
    }
}

/* What was kept for power-up may go with a reset. */
static void forget_late(struct table *t) {
    for (uint32_t i = 0; i < t->entries; i++)
        if (t->known[i] == KNOWN_LATE) {
            t->known[i] = KNOWN_NOTHING;
            t->former = false; /* what is unmasked may be of this life */
        }
}

/* A reset or a restore that failed may have come half-way. Of a VF without a vGPU it is refused. */
static void forget_failed(const struct gpup_judge *j, struct table *t) {
    if (!j->call.before.present)
        return;
    t->former = false; /* what is unmasked may be of this life */
    if (t->entries)
        memset(t->known, 0, t->entries);
}

static void judge_reset(struct gpup_judge *j, struct table *t) {
    if (!nt_success(j->call.status)) {
        forget_failed(j, t);
        return;
    }
    if (t->read && j->call.before.powered)
        CHECK(j, GPUP_RULE_MSIX_027, all_masked(t), "an entry is unmasked after the reset of the VF");
    for (uint32_t i = 0; i < t->entries; i++)
        if (t->known[i] == KNOWN_VALUE)
            t->known[i] = KNOWN_SEEN;
    forget_late(t);
    memset(t->raised, 0, sizeof t->raised);
    if (t->entries)
        memcpy(t->model, t->now, (size_t)t->entries * 16);
}

static void start_life(struct table *t) {
    t->former = t->former || t->written;
    t->written = t->jointly = false;
    if (t->entries)
        memset(t->known, 0, t->entries);
    memset(t->raised, 0, sizeof t->raised);
}

/* The table of a powered VF against what was written, whichever call it was. */
static void judge_invariant(struct gpup_judge *j, const struct vf *v, struct table *t) {
    if (!t->read || !v->powered || v->paused)
        return;
    uint32_t wrong = t->entries;
    bool was_reset = false;
    for (uint32_t i = 0; i < t->entries; i++) {
        uint8_t *entry = t->now + (size_t)i * 16, *model = t->model + (size_t)i * 16;
        bool known = t->known[i] == KNOWN_VALUE || t->known[i] == KNOWN_SEEN;
        if (!known || held(entry, model))
            continue;
        t->known[i] = KNOWN_SEEN;
        if (t->resetting && (entry[12] & 1))
            was_reset = true;
        else
            wrong = wrong < i ? wrong : i;
        memcpy(model, entry, 16); /* say it once */
    }
    if (was_reset || !call_reset_goes_on(j, v))
        t->resetting = false;
    CHECK(j, GPUP_RULE_ROB_011, wrong == t->entries,
          "entry %u of a running VM does not hold what was written", wrong);
}

static void judge_restore(struct gpup_judge *j, struct table *t) {
    if (!nt_success(j->call.status)) {
        forget_failed(j, t);
        return;
    }
    COUNT(j, GPUP_RULE_MSIX_030);
    t->former = false; /* what is unmasked may be of this life */
    if (t->entries)
        memset(t->known, 0, t->entries);
    t->restored = !j->call.before.powered;
}

static bool is_power(uint16_t ddi) {
    return ddi == GPUP_DDI_SetPowerState || ddi == GPUP_DDI_SetVirtualFunctionPowerState;
}

void msix_forget_power(const struct gpup_judge *j, struct msix *m) {
    unsigned host = j->call.host;
    for (uint64_t used = is_power(j->call.ddi) ? j->used[host] : 0; used; used &= used - 1) {
        struct table *t = &m->table[host][__builtin_ctzll(used)];
        t->former = false;
        if (t->entries)
            memset(t->known, 0, t->entries);
    }
}

void msix_settle(struct gpup_judge *j, void *state) {
    struct msix *m = state;
    const struct call *c = &j->call;
    struct table *t = c->names_vf ? msix_table(m, c->host, c->vf) : NULL;
    bool write = c->ddi == GPUP_DDI_WriteVirtualizedInterrupt;
    if (j->host[c->host].removed || c->overlapped)
        return;
    if (write)
        judge_write(j, m);
    if (c->failed_alloc || j->host[c->host].impaired)
        msix_forget_power(j, m);
    if (!t)
        return;
    switch (c->ddi) {
    case GPUP_DDI_SetVirtualFunctionPowerState:
        judge_power(j, t);
        break;
    case GPUP_DDI_ResetVirtualFunction:
        judge_reset(j, t);
        break;
    case GPUP_DDI_CreateVirtualGpu:
    case GPUP_DDI_DestroyVirtualGpu:
        if (nt_success(c->status))
            start_life(t);
        break;
    case GPUP_DDI_RestoreImmutableMigrationData:
    case GPUP_DDI_RestoreMutableMigrationData:
        judge_restore(j, t);
        break;
    default:
        if (call_may_reset(c)) {
            forget_late(t);
            t->resetting = true;
        }
        if ((write && c->before.powered && t->entries) || msix_changed(j, t))
            judge_invariant(j, call_vf(j), t);
    }
}
