/* Life of a driver and its adapter: what it is handed at load and start, what comes back after a restart. */
#include "monitors.h"

#include <string.h>

#define ANSWERS 8
#define WHOLE_INTERFACE 0u

struct answer {
    uint64_t type, input, value;
    uint32_t life; /* in which it was given */
};
struct adapter {
    bool added, nothing; /* AddDevice succeeded; and gave no context */
    bool poor;           /* an allocation failed in it */
    bool refused;        /* DxgkInitialize did not return success to the DriverEntry at hand */
    bool initialized;
    uint32_t status;    /* that it returned */
    uint32_t life;      /* starts so far */
    bool odd;           /* the last start was one after which answers may differ */
    uint32_t differs;   /* host.differs then */
    bool stopped;       /* StopDevice returned, and no StartDevice came since */
    bool early;         /* a callback came all the same */
    uint64_t interface; /* bytes of DXGKRNL_INTERFACE given at the last start, 0 all */
    struct answer answer[ANSWERS];
    unsigned answers;
    uint64_t slots[5][4];
    uint32_t slots_life[5];
    bool removed_once;
    uint64_t pool;       /* allocations left after the RemoveDevice before */
    uint64_t removed_ns; /* host.waited_ns at it */
    uint32_t grown;      /* RemoveDevices in a row that left more than the one before */
};
struct adapters {
    struct adapter of[GPUP_MAX_HOSTS];
};

static bool is_callback(const struct gpup_event *e) {
    return e->data_size > 6 && memcmp(e->data, "DxgkCb", 6) == 0;
}

static void misused(struct gpup_judge *j, struct adapter *a, const struct gpup_event *e) {
    if (!is_callback(e))
        return;
    judge_about(j, e->host, GPUP_PF);
    if (e->f[GPUP_MISUSE_what] == GPUP_MISUSE_STALE)
        CHECK(j, GPUP_RULE_CAP_025, false, "%.*s was called through the table that StartDevice was lent",
              (int)e->data_size, (const char *)e->data);
    if (e->f[GPUP_MISUSE_what] == GPUP_MISUSE_STATE && a->stopped)
        CHECK(j, GPUP_RULE_CAP_036, false, "%.*s was called after StopDevice", (int)e->data_size,
              (const char *)e->data);
}

/* A fault through a NULL pointer: of a callback that the older table lacks, or of the handle of a process. */
static void faulted(struct gpup_judge *j, const struct adapter *a, const struct gpup_event *e) {
    const struct call *c = &j->call;
    bool null = !e->f[GPUP_FAULT_object] && e->f[GPUP_FAULT_offset] && e->f[GPUP_FAULT_offset] < 0x10000;
    if (a->interface && e->f[GPUP_FAULT_cause] == GPUP_FAULT_EXECUTE && !e->f[GPUP_FAULT_object] &&
        !e->f[GPUP_FAULT_offset])
        CHECK(j, GPUP_RULE_CAP_026, false,
              "a callback was called that a DXGKRNL_INTERFACE of %llu bytes does not have",
              (unsigned long long)a->interface);
    if (null && c->active && c->ddi == GPUP_DDI_QueryAdapterInfo && c->class == GPUP_LEGAL &&
        c->a[GPUP_ARG_QueryAdapterInfo_InputDataSize])
        CHECK(j, GPUP_RULE_CAP_023, false,
              "the query used a NULL pointer, and only hKmdProcessHandle was one");
}

/* A call that failed left the machine where it was. */
static bool is_started(const struct gpup_judge *j) {
    return gpup_machine_state_of(&j->host[j->call.host].machines, GPUP_MACHINE_adapter, 0) ==
           GPUP_STATE_adapter_Started;
}

/* After a start the driver publishes what it published at the last one. */
static void published(struct gpup_judge *j, struct adapter *a, const struct gpup_event *e) {
    uint64_t table = e->f[GPUP_TABLE_SLOTS_table], bits[4] = {0};
    if (table >= 5)
        return;
    for (size_t i = 0; i < e->data_size && i < sizeof bits; i++)
        bits[i / 8] |= (uint64_t)e->data[i] << (i % 8 * 8);
    judge_about(j, e->host, GPUP_PF);
    if (table && a->slots_life[table] && a->slots_life[table] != a->life)
        CHECK(j, GPUP_RULE_CAP_035, memcmp(bits, a->slots[table], sizeof bits) == 0,
              "interface %llu has other functions after a restart", (unsigned long long)table);
    memcpy(a->slots[table], bits, sizeof bits);
    a->slots_life[table] = a->life;
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct adapter *a = &((struct adapters *)state)->of[e->host];
    switch (e->kind) {
    case GPUP_EVENT_MISUSE:
        misused(j, a, e);
        break;
    case GPUP_EVENT_TABLE_SLOTS:
        published(j, a, e);
        break;
    case GPUP_EVENT_CALLBACK: /* also one that was kept from a start with a longer table */
        judge_about(j, e->host, GPUP_PF);
        if (a->interface)
            CHECK(j, GPUP_RULE_CAP_026, e->f[GPUP_CALLBACK_id] < a->interface,
                  "the callback at 0x%llx was called, a DXGKRNL_INTERFACE of %llu bytes does not have it",
                  (unsigned long long)e->f[GPUP_CALLBACK_id], (unsigned long long)a->interface);
        break;
    case GPUP_EVENT_INITIALIZED:
        a->initialized = true;
        a->status = (uint32_t)e->f[GPUP_INITIALIZED_status];
        break;
    case GPUP_EVENT_CALL: {
        const struct call *c = &j->call;
        a->stopped = a->stopped && c->ddi != GPUP_DDI_StartDevice;
        if (c->ddi == GPUP_DDI_StartDevice && !is_started(j))
            a->interface = c->a[GPUP_ARG_StartDevice_InterfaceSize];
        if (c->ddi == GPUP_DDI_DriverEntry)
            a->initialized = false;
        if (a->nothing && c->active)
            CHECK(j, GPUP_RULE_CAP_024,
                  c->ddi == GPUP_DDI_Unload || c->ddi == GPUP_DDI_AddDevice || c->ddi == GPUP_DDI_DriverEntry,
                  "%s was called for a device that the driver does not support", gpup_ddi_name(c->ddi));
        break;
    }
    default:
        faulted(j, a, e);
    }
}

static void entered(struct gpup_judge *j, const struct adapter *a) {
    const struct call *c = &j->call;
    if (!a->initialized)
        return;                                          /* it gave up before */
    if (!nt_success(a->status) || nt_success(c->status)) /* what it undoes itself is its own affair */
        CHECK(j, GPUP_RULE_CAP_001, c->status == a->status,
              "DxgkInitialize returned 0x%08x and DriverEntry 0x%08x", a->status, c->status);
}

/* Reserved bits may be left as the caller had them. */
static uint64_t defined(uint64_t type) {
    return type == 30 ? 0xF : type == 39 ? 0x3 : UINT64_MAX;
}

static void answered(struct gpup_judge *j, struct adapter *a, uint64_t type, uint64_t input, uint64_t value) {
    unsigned i = 0;
    value &= defined(type);
    if (j->call.class != GPUP_LEGAL || !nt_success(j->call.status))
        return;
    while (i < a->answers && (a->answer[i].type != type || a->answer[i].input != input))
        i++;
    if (i == ANSWERS)
        return;
    if (i < a->answers && a->answer[i].life != a->life)
        CHECK(j, GPUP_RULE_CAP_035, a->answer[i].value == value,
              "%s gives 0x%llx after a restart and gave 0x%llx before", gpup_ddi_name(j->call.ddi),
              (unsigned long long)value, (unsigned long long)a->answer[i].value);
    a->answers += i == a->answers;
    a->answer[i] = (struct answer){type, input, value, a->life};
}

/* No memory, a shorter table of callbacks or another driver: what was said before is no promise for after. */
static void forget_answers(const struct gpup_judge *j, struct adapter *a) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool odd = c->failed_alloc || a->poor || h->impaired || c->a[GPUP_ARG_StartDevice_InterfaceSize];
    if (odd || a->odd || a->differs != h->differs) {
        a->answers = 0;
        memset(a->slots_life, 0, sizeof a->slots_life);
    }
    a->odd = odd;
    a->differs = h->differs;
}

static void removed(struct gpup_judge *j, struct adapter *a) {
    const struct host *h = &j->host[j->call.host];
    if (!nt_success(j->call.status))
        return;
    bool comparable = a->removed_once && !h->processes && !h->impaired;
    a->grown = comparable && h->pool_count > a->pool ? a->grown + 1 : 0;
    if (comparable && host_had_a_while(h, a->removed_ns))
        CHECK_GROWTH(j, GPUP_RULE_CAP_035, a->grown,
                     "%llu allocations are left after RemoveDevice, one restart before there were %llu, and "
                     "each of %u restarts left more",
                     (unsigned long long)h->pool_count, (unsigned long long)a->pool, a->grown);
    a->removed_once = !h->processes;
    a->pool = h->pool_count;
    a->removed_ns = h->waited_ns;
    a->added = a->nothing = false;
    if (a->stopped)
        COUNT(j, GPUP_RULE_CAP_036);
}

/* Work of the other adapter ended or began meanwhile, and a scheduler may share time out by it; or a pause or
 * a session of it did, and no page says when time is to be shared out by that. */
static bool others_move(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    const struct host *other = &j->host[1 - c->host];
    for (unsigned i = 0; i < c->others; i++)
        if (c->other[i].old.busy != c->other[i].now.busy)
            return true;
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        if (other->vf[i].work_pending || other->vf[i].paused)
            return true;
    return other->open_sessions;
}

/* With two adapters of one driver: what the other one shows of itself stays as it is. */
static void judge_other(struct gpup_judge *j) {
    const struct call *c = &j->call;
    const struct change *found = call_foreign_of(j, c->other, c->others);
    for (unsigned i = 0; i < c->others && !found && !others_move(j); i++) {
        const struct change *m = &c->other[i];
        found = m->kind == GPUP_EVENT_OBS_SCHEDULE && m->old.share != m->now.share ? m : NULL;
    }
    CHECK(j, GPUP_RULE_CAP_032, !found, "the call on one adapter changed VF %u of the other",
          found ? found->vf : 0);
}

static void settle(struct gpup_judge *j, void *state) {
    const struct call *c = &j->call;
    struct adapter *a = &((struct adapters *)state)->of[c->host];
    bool success = nt_success(c->status);
    if (j->host[c->host].removed)
        return;
    if (j->one_system && gpup_ddis[c->ddi].table != GPUP_TABLE_none && !j->host[1 - c->host].impaired)
        judge_other(j);
    switch (c->ddi) {
    case GPUP_DDI_DriverEntry:
        entered(j, a);
        break;
    case GPUP_DDI_Unload:
        a->removed_once = false;
        break;
    case GPUP_DDI_AddDevice:
        a->added = success;
        a->poor = c->failed_alloc;
        a->nothing = success && !c->r[GPUP_RES_AddDevice_MiniportDeviceContext];
        COUNT(j, GPUP_RULE_CAP_024);
        break;
    case GPUP_DDI_StartDevice:
        if (a->life && !c->a[GPUP_ARG_StartDevice_InterfaceSize] && call_must_succeed(j) &&
            (success || !is_started(j)))
            CHECK(j, GPUP_RULE_CAP_035, success, "a start on the same device worked before, and gives 0x%08x",
                  c->status);
        a->life += success;
        forget_answers(j, a);
        a->interface = success ? c->a[GPUP_ARG_StartDevice_InterfaceSize] : WHOLE_INTERFACE;
        if (a->interface)
            COUNT(j, GPUP_RULE_CAP_026);
        break;
    case GPUP_DDI_StopDevice:
        a->stopped = a->stopped || success;
        if (success)
            COUNT(j, GPUP_RULE_CAP_025); /* every callback of this run came through the driver's copy */
        break;
    case GPUP_DDI_RemoveDevice:
        removed(j, a);
        break;
    case GPUP_DDI_QueryAdapterInfo:
        answered(j, a, c->a[GPUP_ARG_QueryAdapterInfo_Type], c->a[GPUP_ARG_QueryAdapterInfo_Input],
                 c->r[GPUP_RES_QueryAdapterInfo_Output]);
        if (c->a[GPUP_ARG_QueryAdapterInfo_InputDataSize])
            COUNT(j, GPUP_RULE_CAP_023);
        break;
    default:
        break;
    }
}

const struct monitor monitor_adapter = {.id = GPUP_MONITOR_adapter,
                                        .state_size = sizeof(struct adapters),
                                        .kinds = KIND(MISUSE) | KIND(TABLE_SLOTS) | KIND(INITIALIZED) |
                                                 KIND(CALL) | KIND(CALLBACK) | KIND(FAULT),
                                        .event = event,
                                        .settle = settle};
