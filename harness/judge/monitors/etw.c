/* Triage events: the order of event and status, and the form of the event. */
#include "monitors.h"

#include <string.h>

#define LOG_ETW_EVENT 168u /* byte offset of DxgkCbLogEtwEvent in DXGKRNL_INTERFACE */
#define TRIAGE_SIZE 568u   /* bytes of DXGKDDICB_PARTITIONING_EVENT_NOTIFICATION */
#define TYPE_AT 8u
#define PARTITION_AT 12u
#define TEXT_AT 16u
#define TEXT_LENGTH 255u /* UTF-16 units */
#define DATA_AT 528u     /* EventData1 to EventData5 */
#define PARTITION_PF 0xFFFFFFFEu
#define PARTITION_GPU 0xFFFFFFFFu
#define FUNCTION_RESET 0u
#define DRIVER_INTERNAL 2u

/* Arguments of the CALLBACK event: a0 type, a1 size, a2 and a3 the GUID as it stands in memory, a4 whose
 * handle the event carries (0 nobody's). */
static const uint8_t triage_guid[16] = {0x6F, 0x5F, 0x12, 0x45, 0x32, 0x61, 0x82, 0x40,
                                        0xAD, 0x17, 0xED, 0x27, 0xF8, 0xDD, 0x02, 0xF9};

struct etw {
    uint32_t call; /* event number + 1 of the call the numbers belong to */
    /* Triage events of the call: all; long enough for type and PartitionId; of type DRIVER_INTERNAL; that
     * name what may have failed in it; both of these. */
    uint32_t any, whole, validation, named, failures;
    struct { /* the last restore that was refused, until something else is called */
        bool there, logging;
        bool twice; /* with that status, one after the other with logging as it was */
        uint16_t ddi;
        uint8_t host;
        uint32_t vf, status;
        uint64_t input;
    } refused;
};

static uint32_t number_at(const struct gpup_event *e, size_t at) {
    uint32_t value = 0;
    if (at + sizeof value <= e->data_size)
        memcpy(&value, e->data + at, sizeof value);
    return value;
}

static bool has_guid(const struct gpup_event *e) {
    return memcmp(&e->f[GPUP_CALLBACK_a2], triage_guid, sizeof triage_guid) == 0;
}

static bool is_restore(const struct call *c) {
    return c->ddi == GPUP_DDI_RestoreImmutableMigrationData || c->ddi == GPUP_DDI_RestoreMutableMigrationData;
}

static bool ends_in_time(const struct gpup_event *e) {
    for (size_t i = 0; i < TEXT_LENGTH; i++) {
        size_t at = TEXT_AT + 2 * i;
        if (at + 1 < e->data_size && !e->data[at] && !e->data[at + 1])
            return true;
    }
    return false;
}

/* A description, or one of the two data fields behind it. */
static bool says_something(const struct gpup_event *e) {
    for (size_t i = DATA_AT; i < DATA_AT + 40 && i < e->data_size; i++)
        if (e->data[i])
            return true;
    return e->data_size > TEXT_AT + 1 && (e->data[TEXT_AT] || e->data[TEXT_AT + 1]);
}

/* The VF, or the whole of which a part did not fit: hardware, firmware and driver are no VF's own. What names
 * another VF is of a worker, that is free to log while a restore waits for its turn. */
static bool names_failing(const struct call *c, uint32_t partition) {
    return partition == c->vf || partition == PARTITION_PF || partition == PARTITION_GPU;
}

static void check_form(struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    uint32_t type = number_at(e, TYPE_AT), partition = number_at(e, PARTITION_AT);
    bool filled = e->data_size == TRIAGE_SIZE;
    CHECK(j, GPUP_RULE_ETW_001, filled && e->f[GPUP_CALLBACK_a1] == TRIAGE_SIZE,
          "the triage event has %zu bytes and EventBufferSize %llu, expected 568", e->data_size,
          (unsigned long long)e->f[GPUP_CALLBACK_a1]);
    CHECK(j, GPUP_RULE_ETW_002, e->f[GPUP_CALLBACK_irql] == 0, "the triage event was logged at IRQL %llu",
          (unsigned long long)e->f[GPUP_CALLBACK_irql]);
    if (!filled)
        return;
    CHECK(j, GPUP_RULE_ETW_005, ends_in_time(e), "EventDescription has no NUL in its 255 characters");
    if (is_restore(c) && c->active) {
        CHECK(j, GPUP_RULE_ETW_012, ends_in_time(e), "text without end was copied into EventDescription");
        if (type == DRIVER_INTERNAL && names_failing(c, partition))
            CHECK(j, GPUP_RULE_ETW_006, says_something(e), "the event has neither a description nor data");
        if (type == DRIVER_INTERNAL)
            CHECK(j, GPUP_RULE_ETW_003, e->f[GPUP_CALLBACK_a4], "hAdapter is no adapter");
    }
    if (c->ddi == GPUP_DDI_ResetVirtualFunction && c->active && partition == c->vf && type != DRIVER_INTERNAL)
        CHECK(j, GPUP_RULE_ETW_011, type == FUNCTION_RESET,
              "the reset of VF %u was reported with event type %u, expected 0", partition, type);
    long at = -1;
    for (unsigned i = 0; i < j->poison_count && at < 0; i++)
        at = judge_find_pattern(e->data, e->data_size, j->poison[i]);
    if (j->poison_count)
        CHECK(j, GPUP_RULE_ETW_007, at < 0, "uninitialised memory stands at offset %ld of the event", at);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct etw *t = state;
    if (e->f[GPUP_CALLBACK_id] != LOG_ETW_EVENT || !has_guid(e))
        return;
    if (t->call != j->call.event + 1) {
        t->call = j->call.event + 1;
        t->any = t->whole = t->validation = t->named = t->failures = 0;
    }
    check_form(j, e);
    if (!j->call.active)
        return;
    bool internal = number_at(e, TYPE_AT) == DRIVER_INTERNAL;
    bool named = names_failing(&j->call, number_at(e, PARTITION_AT));
    t->any++;
    t->whole += e->data_size >= TEXT_AT;
    t->validation += internal;
    t->named += named;
    t->failures += internal && named;
}

/* The same data for the same VF as in the refusal before. */
static bool is_again(const struct call *c, const struct etw *t) {
    return t->refused.there && t->refused.ddi == c->ddi && t->refused.host == c->host &&
           t->refused.vf == c->vf && c->input.there && t->refused.input == c->input.hash;
}

/* With logging on and off. A first refusal may change what a second restore meets; a second that was refused
 * alike shows that nothing more changes. */
static void judge_logging(struct gpup_judge *j, struct etw *t) {
    const struct call *c = &j->call;
    bool logging = j->host[c->host].logging, refused = !nt_success(c->status);
    if (c->ddi == GPUP_DDI_ControlEtwLogging)
        return;
    bool again = is_again(c, t);
    if (again && t->refused.twice && t->refused.logging != logging && !c->failed_alloc &&
        !j->host[c->host].impaired)
        CHECK(j, GPUP_RULE_ETW_010, c->status == t->refused.status,
              "the restore returns 0x%08x with logging %s and returned 0x%08x otherwise", c->status,
              logging ? "on" : "off", t->refused.status);
    t->refused.twice = again && t->refused.logging == logging && t->refused.status == c->status;
    t->refused.there = is_restore(c) && refused && c->input.there && !c->failed_alloc;
    t->refused.logging = logging;
    t->refused.ddi = c->ddi;
    t->refused.host = c->host;
    t->refused.vf = c->vf;
    t->refused.status = c->status;
    t->refused.input = c->input.hash;
}

static void settle(struct gpup_judge *j, void *state) {
    struct etw *t = state;
    const struct call *c = &j->call;
    judge_logging(j, t);
    bool same = t->call == c->event + 1;
    uint32_t any = same ? t->any : 0, failures = same ? t->failures : 0;
    if (c->ddi == GPUP_DDI_ResetVirtualFunction && nt_success(c->status) && j->host[c->host].logging &&
        !any && !c->overlapped)
        judge_inapplicable(j, GPUP_RULE_ETW_011); /* resets are not reported */
    if (!is_restore(c) || !j->host[c->host].logging || c->overlapped)
        return;
    if (nt_success(c->status)) {
        CHECK(j, GPUP_RULE_ETW_009, !failures, "the restore succeeded and logged %u validation events",
              failures);
    } else if (c->ddi == GPUP_DDI_RestoreImmutableMigrationData &&
               c->status == GPUP_STATUS_OBJECT_TYPE_MISMATCH && !c->failed_alloc) {
        CHECK(j, GPUP_RULE_LM_034, any, "the mismatch was returned with no triage event before it");
        CHECK(j, GPUP_RULE_ETW_008, any, "no triage event was logged before the mismatch was returned");
        if (!any || !t->whole)
            return;
        CHECK(j, GPUP_RULE_ETW_003, t->named,
              "no triage event of the call has the PartitionId of VF %u, of the PF or of the GPU", c->vf);
        CHECK(j, GPUP_RULE_ETW_004, t->validation,
              "no triage event of the call has the type for driver-internal");
    }
}

/* What a refusal found may be another by now. */
static void overlapped(struct gpup_judge *j, void *state) {
    (void)j;
    ((struct etw *)state)->refused.there = false;
}

const struct monitor monitor_etw = {.id = GPUP_MONITOR_etw,
                                    .state_size = sizeof(struct etw),
                                    .kinds = KIND(CALLBACK),
                                    .event = event,
                                    .settle = settle,
                                    .overlapped = overlapped};
