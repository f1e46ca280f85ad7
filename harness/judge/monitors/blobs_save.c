/* Data that leaves the driver: kept for recognition, and searched for what must not be in it. */
#include "blobs.h"

#include <stdlib.h>
#include <string.h>

static void check_secrets(struct gpup_judge *j, const struct vf *v, const uint8_t *bytes, size_t size) {
    bool leak = false;
    for (unsigned i = 0; i < j->secret_count && !leak; i++)
        leak = !(v->secrets[0] >> i & 1) && judge_find_value(bytes, size, j->secret[i]);
    CHECK(j, GPUP_RULE_LM_024, !leak, "the data holds the secret of another VF");
}

static void check_poison(struct gpup_judge *j, const uint8_t *bytes, size_t size) {
    long at = -1;
    for (unsigned i = 0; i < j->poison_count && at < 0; i++)
        at = judge_find_pattern(bytes, size, j->poison[i]);
    if (j->poison_count)
        CHECK(j, GPUP_RULE_LM_017, at < 0,
              "uninitialised memory of the driver stands at offset %ld of the data", at);
}

/* An address that small numbers side by side could make up proves nothing: of what all addresses of the range
 * have in common there must be three bytes. */
static bool is_telling(uint64_t base, uint64_t length) {
    uint64_t inside = length ? (UINT64_C(2) << (63 - __builtin_clzll(length))) - 1 : 0;
    unsigned bytes = 0;
    for (base &= ~inside; base; base >>= 8)
        bytes += (base & 0xFF) != 0;
    return bytes >= 3;
}

static void check_addresses(struct gpup_judge *j, const uint8_t *bytes, size_t size) {
    bool any = false, leak = false;
    for (unsigned i = 0; i < j->address_count; i++) {
        uint64_t base = j->address[i].base, length = j->address[i].size;
        if (base < UINT64_C(0x100000000) || !is_telling(base, length))
            continue;
        any = true;
        for (size_t at = 0; at + 8 <= size && !leak;
             at += 4) { /* between, parts of two numbers may make one up */
            uint64_t value;
            memcpy(&value, bytes + at, 8);
            leak = value - base < length;
        }
    }
    if (any || (j->host[j->call.host].observers & GPUP_OBSERVER_pool)) /* then addresses in memory are told */
        CHECK(j, GPUP_RULE_LM_082, !leak, "the data holds an address of the host");
}

void blobs_address(struct gpup_judge *j, const struct gpup_event *e) {
    if (e->f[GPUP_ADDRESSES_kind] == 3 && j->call.active && migration_is_save(j->call.ddi))
        CHECK(j, GPUP_RULE_LM_082, false, "the data holds a kernel address at offset %llu",
              (unsigned long long)e->f[GPUP_ADDRESSES_base]);
}

static bool keep_bytes(struct gpup_judge *j, struct saved *s, const uint8_t *bytes, size_t size) {
    size_t kept = size < BLOB_KEPT ? size : BLOB_KEPT;
    if (kept > s->capacity) {
        uint8_t *memory = judge_grow(j, s->bytes, kept);
        if (!memory)
            return false;
        s->bytes = memory;
        s->capacity = kept;
    }
    if (kept)
        memcpy(s->bytes, bytes, kept);
    s->kept = kept;
    return true;
}

void blobs_output(struct gpup_judge *j, struct blobs *b, const struct gpup_event *e) {
    const struct call *c = &j->call;
    const struct vf *v = call_vf(j);
    if (!c->returned || !migration_is_save(c->ddi) || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_DATA || !v ||
        !nt_success(c->status) || !c->a[GPUP_ARG_SaveMutableMigrationData_DataPresent])
        return;
    size_t size = e->f[GPUP_OUTPUT_used] < e->data_size ? (size_t)e->f[GPUP_OUTPUT_used] : e->data_size;
    check_secrets(j, v, e->data, size);
    check_poison(j, e->data, size);
    check_addresses(j, e->data, size);
    struct saved *s = &b->saved[b->next];
    struct saved old = *s;
    *s = (struct saved){.there = true,
                        .kind = c->ddi == GPUP_DDI_SaveMutableMigrationData,
                        .host = c->host,
                        .vf = c->vf,
                        .life = v->life,
                        .session = v->sessions,
                        .entries = v->entries,
                        .partitions = j->host[c->host].partitions,
                        .hash = gpup_trace_hash(2, e->data, size),
                        .size = size,
                        .reserve = v->resourced ? v->reserve_shape : 0,
                        .amount = v->resourced ? v->reserve_size : 0,
                        .profile = v->profile,
                        .quiet = vf_quiet(v),
                        .work_pending = v->work_pending,
                        .differs = j->host[c->host].differs,
                        .second_hand = b->target[c->host][c->vf].came,
                        .secrets = v->secrets[0],
                        .bytes = old.bytes,
                        .capacity = old.capacity};
    if (!keep_bytes(j, s, e->data, size))
        j->overflow = true;
    b->fresh = (int8_t)b->next;
    b->next = (b->next + 1) % BLOBS;
}

/* Cut, extended or altered: by the bytes that were kept. */
static uint8_t likeness(const struct saved *s, const uint8_t *bytes, size_t size, uint64_t hash) {
    size_t both = s->kept < size ? s->kept : size;
    if (s->hash == hash && s->size == size)
        return LIKE_SAME;
    bool prefix = both == 0 || memcmp(s->bytes, bytes, both) == 0;
    if (prefix && size < s->size)
        return LIKE_CUT;
    if (prefix && size > s->size && s->kept == s->size)
        return LIKE_EXTENDED;
    return LIKE_ALTERED;
}

void blobs_input(const struct gpup_judge *j, struct blobs *b, const struct gpup_event *e) {
    uint64_t differs = j->host[e->host].differs;
    uint64_t hash = gpup_trace_hash(2, e->data, e->data_size);
    b->input = (struct input){.there = true, .size = e->data_size, .from = {-1, -1}};
    for (unsigned k = 0; k < BLOBS; k++) {
        unsigned i = (b->next + BLOBS - 1 - k) % BLOBS; /* the newest first */
        const struct saved *s = &b->saved[i];
        if (!s->there)
            continue;
        uint8_t like = likeness(s, e->data, e->data_size, hash);
        const struct saved *best = b->input.from[s->kind] < 0 ? NULL : &b->saved[b->input.from[s->kind]];
        /* Of equal data that of a host which is not compatible: whether the target can tell is the question.
         */
        bool stranger = like == LIKE_SAME && best && best->differs == differs && s->differs != differs;
        if (like > b->input.like[s->kind] || stranger) {
            b->input.like[s->kind] = like;
            b->input.from[s->kind] = (int8_t)i;
        }
    }
}
