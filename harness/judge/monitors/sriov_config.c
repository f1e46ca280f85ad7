/* The configuration space of a VF as the driver gives it: ranges, byte order, fields that stay and fields
 * that obey. */
#include "monitors.h"

#include <string.h>

#define SPACE 4096u /* the largest configuration space there is */
#define HEADER 0x40u
#define READS 12u
enum { COMMAND = 4, BUS_MASTER = 4, CAPABILITIES = 0x34, MSIX_ID = 0x11, CONTROL = 3, CONTROL_BITS = 0xC0 };

struct read {
    uint32_t vf;
    uint64_t offset, length;
    uint8_t data[8];
};
struct space {
    bool known[HEADER], written; /* bytes read; something was written since */
    uint8_t byte[HEADER];
    uint32_t next; /* where the capability list goes on, as read; 0 unknown */
    bool commanded, controlled;
    uint8_t command, control; /* as last written */
};
struct config {
    struct space of[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct read log[GPUP_MAX_HOSTS][READS]; /* with nothing else in between */
    unsigned reads[GPUP_MAX_HOSTS];
    uint8_t data[8]; /* of the read at hand */
    size_t size;
};

static bool is_read(const struct call *c) {
    return c->ddi == GPUP_DDI_ReadVirtualFunctionConfig;
}

static bool is_write(const struct call *c) {
    return c->ddi == GPUP_DDI_WriteVirtualFunctionConfig;
}

/* The three arguments stand alike in both. */
static uint64_t offset_of(const struct call *c) {
    return c->a[GPUP_ARG_ReadVirtualFunctionConfig_Offset];
}

static uint64_t length_of(const struct call *c) {
    return c->a[GPUP_ARG_ReadVirtualFunctionConfig_Length];
}

/* The accesses that PCI has; what any other would do nobody says. */
static bool is_plain(const struct call *c) {
    uint64_t length = length_of(c);
    return (length == 1 || length == 2 || length == 4) && offset_of(c) % length == 0;
}

static bool is_outside(const struct call *c) {
    return (is_read(c) || is_write(c)) && length_of(c) && offset_of(c) + length_of(c) > SPACE;
}

static void judge_range(struct gpup_judge *j, bool died) {
    const struct call *c = &j->call;
    bool fine = !died && !nt_success(c->status);
    uint8_t cap = is_read(c) ? 255 : GPUP_WARN; /* the page of the write does not say it */
    if (judge_checked(j, GPUP_RULE_VF_001) && !fine)
        judge_violated(j, GPUP_RULE_VF_001, cap, "the %s of %llu bytes at 0x%llx %s",
                       is_read(c) ? "read" : "write", (unsigned long long)length_of(c),
                       (unsigned long long)offset_of(c), died ? "faulted" : "succeeded");
}

/* --- reads --- */

static bool covers(uint64_t offset, uint64_t length, uint64_t at) {
    return at >= offset && at - offset < length && at - offset < 8;
}

static bool agree(const struct read *a, const struct read *b) {
    for (uint64_t i = 0; i < a->length; i++)
        if (covers(b->offset, b->length, a->offset + i) && a->data[i] != b->data[a->offset + i - b->offset])
            return false;
    return true;
}

static bool overlap(const struct read *a, const struct read *b) {
    return a->offset < b->offset + b->length && b->offset < a->offset + a->length;
}

/* A register may change by itself. When the same read before and after gives the same, what stands between
 * must agree with it. */
static void judge_order(struct gpup_judge *j, struct config *s, const struct read *now) {
    struct read *log = s->log[j->call.host];
    unsigned *count = &s->reads[j->call.host], last = 0;
    if (now->length != 1 && now->length != 2 && now->length != 4)
        return;
    if (*count && log[0].vf != now->vf)
        *count = 0;
    for (last = *count; last > 0; last--)
        if (log[last - 1].offset == now->offset && log[last - 1].length == now->length)
            break;
    bool same = last > 0 && memcmp(log[last - 1].data, now->data, now->length) == 0;
    for (unsigned i = last; same && i < *count; i++)
        if (overlap(&log[i], now) && log[i].length != now->length)
            CHECK(j, GPUP_RULE_VF_003, agree(now, &log[i]),
                  "reads of %llu and %llu bytes at 0x%llx and 0x%llx differ", (unsigned long long)now->length,
                  (unsigned long long)log[i].length, (unsigned long long)now->offset,
                  (unsigned long long)log[i].offset);
    if (*count == READS)
        memmove(log, log + 1, sizeof *log * --*count);
    log[(*count)++] = *now;
}

/* Identity, revision, class, header type, subsystem and the head of the capability list. */
static bool is_fixed(uint64_t at) {
    return at < 4 || (at >= 8 && at < 12) || at == 0xE || (at >= 0x2C && at < 0x30) || at == CAPABILITIES;
}

static void judge_fixed(struct gpup_judge *j, struct space *p, const struct read *now) {
    uint64_t wrong = HEADER;
    bool compared = false;
    for (uint64_t i = 0; i < now->length && i < 8 && now->offset + i < HEADER; i++) {
        uint64_t at = now->offset + i;
        if (!is_fixed(at))
            continue;
        compared = compared || p->known[at];
        wrong = p->known[at] && p->byte[at] != now->data[i] ? at : wrong;
        if (!p->known[at] || !p->written)
            p->byte[at] = now->data[i];
        p->known[at] = true;
    }
    if (p->written && compared)
        CHECK(j, GPUP_RULE_VF_004, wrong == HEADER, "the read-only byte 0x%llx was changed by a write",
              (unsigned long long)wrong);
}

/* Follows the capability list as far as it is read in order. */
static void follow_list(struct vf *v, struct space *p, const struct read *now) {
    if (covers(now->offset, now->length, CAPABILITIES)) {
        p->next = now->data[CAPABILITIES - now->offset] & 0xFC;
    } else if (p->next && now->offset == p->next && now->length >= 2) {
        v->msix_at = now->data[0] == MSIX_ID ? p->next : v->msix_at;
        p->next = now->data[1] & 0xFC;
    }
}

static void judge_obeyed(struct gpup_judge *j, const struct space *p, const struct read *now) {
    if (p->commanded && covers(now->offset, now->length, COMMAND)) {
        uint8_t value = now->data[COMMAND - now->offset];
        CHECK(j, GPUP_RULE_VF_023, !((value ^ p->command) & BUS_MASTER),
              "Bus Master Enable was set to %d and reads %d", !!(p->command & BUS_MASTER),
              !!(value & BUS_MASTER));
    }
    uint64_t control = j->call.before.msix_at + CONTROL;
    if (p->controlled && covers(now->offset, now->length, control)) {
        uint8_t value = now->data[control - now->offset];
        CHECK(j, GPUP_RULE_VF_023, !((value ^ p->control) & CONTROL_BITS),
              "MSI-X control was set to 0x%02x and reads 0x%02x", p->control & CONTROL_BITS,
              value & CONTROL_BITS);
    }
}

static void judge_read(struct gpup_judge *j, struct config *s, struct space *p) {
    const struct call *c = &j->call;
    struct read now = {c->vf, offset_of(c), length_of(c), {0}};
    if (!nt_success(c->status)) {
        CHECK(j, GPUP_RULE_VF_002, !c->damaged_data, "a read that failed wrote past %llu bytes",
              (unsigned long long)length_of(c));
        return;
    }
    if (!s->size || is_outside(c))
        return;
    if (call_reset_goes_on(j, call_vf(j))) { /* what comes is what the reset lets through */
        s->reads[c->host] = 0;
        return;
    }
    memcpy(now.data, s->data, sizeof now.data);
    now.length = now.length < s->size ? now.length : s->size;
    judge_order(j, s, &now);
    judge_fixed(j, p, &now);
    follow_list(call_vf(j), p, &now);
    if (c->before.powered && is_plain(c))
        judge_obeyed(j, p, &now);
}

/* --- writes --- */

static void judge_write(struct gpup_judge *j, struct space *p) {
    const struct call *c = &j->call;
    uint64_t offset = offset_of(c), length = length_of(c),
             data = c->a[GPUP_ARG_WriteVirtualFunctionConfig_Data];
    uint32_t msix = c->before.msix_at;
    bool control = msix && covers(offset, length < 4 ? length : 4, msix + CONTROL);
    bool table = false;
    p->written = true;
    if (!nt_success(c->status))
        return;
    if (offset + length > HEADER && !(control && offset >= msix && offset + length <= msix + 4u))
        p->commanded = p->controlled = control = false; /* perhaps a reset */
    if (call_may_reset(c))
        memset(p->known, 0, sizeof p->known);
    if (!is_plain(c)) {
        p->commanded = p->controlled = false;
        return;
    }
    bool keeps = c->before.powered && !call_reset_goes_on(j, call_vf(j));
    if (covers(offset, length < 4 ? length : 4, COMMAND)) {
        p->commanded = keeps;
        p->command = (uint8_t)(data >> (8 * (COMMAND - offset)));
    }
    if (!control)
        return;
    p->controlled = keeps;
    p->control = (uint8_t)(data >> (8 * (msix + CONTROL - offset)));
    for (unsigned i = 0; i < c->changes; i++)
        table = table || (c->change[i].kind == GPUP_EVENT_OBS_MSIX && c->change[i].vf == c->vf && keeps);
    CHECK(j, GPUP_RULE_VF_021, !table, "the write of Message Control changed entries of the MSI-X table");
}

/* Of a VF whose GPU loses its power nobody knows what is left. */
static void note_power(const struct gpup_judge *j, struct config *s) {
    uint64_t used = j->call.ddi == GPUP_DDI_SetPowerState ? j->used[j->call.host] : 0;
    for (; used; used &= used - 1)
        s->of[j->call.host][__builtin_ctzll(used)] = (struct space){0};
}

static void settle(struct gpup_judge *j, void *state) {
    struct config *s = state;
    const struct call *c = &j->call;
    struct space *p = c->names_vf && c->vf < JUDGE_VFS ? &s->of[c->host][c->vf] : NULL;
    if (!is_read(c))
        s->reads[c->host] = 0;
    note_power(j, s);
    if (p && !is_read(c) && !is_write(c))
        *p = (struct space){0};
    if (!p || !c->before.present || j->host[c->host].impaired || c->overlapped)
        return;
    if (is_outside(c))
        judge_range(j, false);
    if (is_read(c))
        judge_read(j, s, p);
    else if (is_write(c))
        judge_write(j, p);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct config *s = state;
    const struct call *c = &j->call;
    switch (e->kind) {
    case GPUP_EVENT_CALL:
        s->size = 0;
        break;
    case GPUP_EVENT_OUTPUT:
        if (c->returned && is_read(c) && e->f[GPUP_OUTPUT_role] == GPUP_ROLE_DATA && e->data_size) {
            s->size = e->data_size < sizeof s->data ? e->data_size : sizeof s->data;
            memcpy(s->data, e->data, s->size);
        }
        break;
    case GPUP_EVENT_FAULT:
        if (c->active && is_outside(c) && c->before.present)
            judge_range(j, true);
        if (c->active && is_read(c) && c->data.there && c->data.size &&
            e->f[GPUP_FAULT_object] == c->data.object)
            CHECK(j, GPUP_RULE_VF_002, false, "the read wrote past %llu bytes",
                  (unsigned long long)c->data.size);
        break;
    default: /* time, or the guest */
        s->reads[e->host] = 0;
    }
}

/* In which order the calls of a group took effect nobody knows. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct config *s = state;
    const struct call *c = &j->call;
    s->reads[c->host] = 0;
    note_power(j, s);
    if (c->names_vf && c->vf < JUDGE_VFS && !is_read(c))
        s->of[c->host][c->vf] = (struct space){0};
}

static void reset(struct gpup_judge *j, void *state) {
    struct config *s = state;
    judge_clear_used(j, s->of, sizeof s->of[0][0]);
    memset(s->reads, 0, sizeof s->reads);
}

const struct monitor monitor_vf_config = {.id = GPUP_MONITOR_vf_config,
                                          .state_size = sizeof(struct config),
                                          .kinds = KIND(CALL) | KIND(OUTPUT) | KIND(FAULT) | KIND(WAIT) |
                                                   KIND(GUEST_WRITE) | KIND(GUEST_WORK),
                                          .event = event,
                                          .settle = settle,
                                          .overlapped = overlapped,
                                          .reset = reset};
