/* Registration and capabilities: the answers of the driver and the tables it published. */
#include "monitors.h"

enum { TYPE_GPUPCAPS = 30, TYPE_DIRTY = 39, TYPE_SEGMENT = 40, TYPE_SCATTER = 41 };
enum { CAP_HOT_UPDATE = 1, CAP_LIVE_MIGRATION = 2, CAP_SCATTER = 3 };

struct answers {
    bool asked[2]; /* GPUPCAPS, DIRTYBITTRACKINGCAPS since the adapter was started */
    uint32_t first[2];
    bool segment_asked[GPUP_MAX_SEGMENTS + 1], segment_valid[GPUP_MAX_SEGMENTS + 1];
};
struct caps {
    struct answers of[GPUP_MAX_HOSTS];
    uint64_t table; /* object: of the interface that is asked for */
};

static bool is_page(uint64_t size) {
    return size >= 4096 && (size & (size - 1)) == 0;
}

static bool has_cap(const struct host *h, unsigned bit) {
    return h->caps_seen && (h->caps >> bit & 1);
}

static void judge_bits(struct gpup_judge *j, struct answers *a, unsigned which, uint32_t value) {
    uint32_t defined = which == 0 ? 0xF : 0x3;
    if (which == 0)
        CHECK(j, GPUP_RULE_CAP_038, !(value & ~defined), "GPUPCAPS is 0x%x, with reserved bits set", value);
    else
        CHECK(j, GPUP_RULE_CAP_013, !(value & ~defined),
              "DIRTYBITTRACKINGCAPS is 0x%x, with reserved bits set", value);
    if (which == 1)
        CHECK(j, GPUP_RULE_CAP_014, !(value & 2) || (value & 1),
              "performant tracking is reported without tracking");
    if (!a->asked[which]) {
        a->asked[which] = true;
        a->first[which] = value;
        COUNT(j, GPUP_RULE_CAP_009);
        return;
    }
    uint32_t both = (a->first[which] ^ value) & defined;
    bool leftover = both && ((value & defined) == defined || (a->first[which] & defined) == defined);
    CHECK(j, GPUP_RULE_CAP_009, !leftover,
          "the answer is 0x%x now and was 0x%x: bits of the caller's buffer stay", value, a->first[which]);
    CHECK(j, GPUP_RULE_CAP_011, !both, "the answer is 0x%x now and was 0x%x", value, a->first[which]);
}

static void judge_segment(struct gpup_judge *j, struct answers *a) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint64_t id = c->a[GPUP_ARG_QueryAdapterInfo_Input], size = c->r[GPUP_RES_QueryAdapterInfo_Output];
    bool success = nt_success(c->status), known = id >= 1 && id <= GPUP_MAX_SEGMENTS && h->segment[id];
    if (!known) {
        CHECK(j, GPUP_RULE_CAP_017, !success, "segment %llu does not exist, and the query succeeded",
              (unsigned long long)id);
        return;
    }
    if (success)
        CHECK(j, GPUP_RULE_CAP_015, is_page((uint32_t)size), "the page size of segment %llu is %u",
              (unsigned long long)id, (uint32_t)size);
    if (call_must_succeed(j))
        CHECK(j, GPUP_RULE_CAP_016,
              success ? is_page((uint32_t)size) : c->status == GPUP_STATUS_NOT_IMPLEMENTED,
              "the query for segment %llu returned 0x%08x and page size %u", (unsigned long long)id,
              c->status, (uint32_t)size);
    if (!success && !call_must_succeed(j))
        return; /* the failure says nothing of the segment */
    a->segment_asked[id] = true;
    a->segment_valid[id] = success && is_page((uint32_t)size);
}

static void judge_scatter(struct gpup_judge *j) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint64_t id = c->a[GPUP_ARG_QueryAdapterInfo_Input], size = c->r[GPUP_RES_QueryAdapterInfo_Output];
    bool success = nt_success(c->status);
    if (!h->caps_seen)
        return;
    if (!has_cap(h, CAP_SCATTER)) {
        CHECK(j, GPUP_RULE_CAP_021, !success, "SCATTER_RESERVE was answered without the capability");
        return;
    }
    if (id < 1 || id > GPUP_MAX_SEGMENTS || !h->local[id] || !call_must_succeed(j))
        return;
    CHECK(j, GPUP_RULE_CAP_018, success && size,
          "SCATTER_RESERVE for segment %llu returned 0x%08x, size %llu", (unsigned long long)id, c->status,
          (unsigned long long)size);
    if (success && size)
        CHECK(j, GPUP_RULE_CAP_020, is_page(size), "the reserve page size is %llu", (unsigned long long)size);
}

static void judge_query(struct gpup_judge *j, struct answers *a) {
    const struct call *c = &j->call;
    uint64_t type = c->a[GPUP_ARG_QueryAdapterInfo_Type];
    uint64_t room = c->a[GPUP_ARG_QueryAdapterInfo_OutputDataSize];
    bool input = c->a[GPUP_ARG_QueryAdapterInfo_InputDataSize] >= 4;
    bool by_segment = type == TYPE_SEGMENT || type == TYPE_SCATTER;
    if (type != TYPE_GPUPCAPS && type != TYPE_DIRTY && !by_segment)
        return;
    CHECK(j, GPUP_RULE_CAP_010, !c->damaged_data, "the query wrote past OutputDataSize");
    if (room < (type == TYPE_SCATTER ? 8 : 4)) {
        CHECK(j, GPUP_RULE_CAP_012, !nt_success(c->status), "an output buffer of %llu bytes was accepted",
              (unsigned long long)room);
        return;
    }
    if (by_segment && !input) {
        if (!c->a[GPUP_ARG_QueryAdapterInfo_InputDataSize])
            CHECK(j, GPUP_RULE_CAP_022, !nt_success(c->status), "the query without input succeeded");
        return;
    }
    if (type == TYPE_SEGMENT)
        judge_segment(j, a);
    else if (type == TYPE_SCATTER)
        judge_scatter(j);
    else if (nt_success(c->status))
        judge_bits(j, a, type == TYPE_DIRTY, (uint32_t)c->r[GPUP_RES_QueryAdapterInfo_Output]);
}

static void judge_interface(struct gpup_judge *j) {
    const struct call *c = &j->call;
    uint64_t asked = c->a[GPUP_ARG_QueryInterface_Size], version = c->a[GPUP_ARG_QueryInterface_Version];
    if (c->a[GPUP_ARG_QueryInterface_Interface] == 0)
        CHECK(j, GPUP_RULE_CAP_027, c->status == GPUP_STATUS_NOT_SUPPORTED,
              "an unknown GUID was answered with 0x%08x", c->status);
    if (!nt_success(c->status) || asked < 4)
        return;
    CHECK(j, GPUP_RULE_CAP_029, c->r[GPUP_RES_QueryInterface_Size] <= asked && !c->damaged_interface,
          "Size is %llu in a table of %llu bytes%s", (unsigned long long)c->r[GPUP_RES_QueryInterface_Size],
          (unsigned long long)asked, c->damaged_interface ? ", and was written past its end" : "");
    CHECK(j, GPUP_RULE_CAP_031, c->r[GPUP_RES_QueryInterface_Version] <= version,
          "version %llu was asked for and the table has %llu", (unsigned long long)version,
          (unsigned long long)c->r[GPUP_RES_QueryInterface_Version]);
}

static void settle(struct gpup_judge *j, void *state) {
    struct caps *s = state;
    const struct call *c = &j->call;
    if (j->host[c->host].removed || c->overlapped)
        return;
    if (c->ddi == GPUP_DDI_QueryAdapterInfo)
        judge_query(j, &s->of[c->host]);
    else if (c->ddi == GPUP_DDI_QueryInterface)
        judge_interface(j);
    else if (c->ddi == GPUP_DDI_StopDevice)
        s->of[c->host].asked[0] = s->of[c->host].asked[1] = false;
}

/* The same program with other bytes in the buffer before the query; a fault behind that buffer. */
static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    const struct call *c = &j->call;
    struct caps *s = state;
    if (e->kind == GPUP_EVENT_BUFFER) {
        s->table = e->f[GPUP_BUFFER_role] == GPUP_ROLE_INTERFACE ? e->f[GPUP_BUFFER_object] : s->table;
        return;
    }
    if (e->kind == GPUP_EVENT_FAULT) {
        if (c->active && c->ddi == GPUP_DDI_QueryInterface && s->table && e->f[GPUP_FAULT_object] == s->table)
            CHECK(j, GPUP_RULE_CAP_029, false, "a table of %llu bytes was written past its end",
                  (unsigned long long)c->a[GPUP_ARG_QueryInterface_Size]);
        if (c->active && c->ddi == GPUP_DDI_QueryAdapterInfo && c->data.there &&
            e->f[GPUP_FAULT_object] == c->data.object)
            CHECK(j, GPUP_RULE_CAP_010, false, "the query reached past OutputDataSize");
        return;
    }
    if (e->f[GPUP_TWIN_what] == 1)
        CHECK(j, GPUP_RULE_CAP_009, e->f[GPUP_TWIN_equal] || e->f[GPUP_TWIN_ddi] != GPUP_DDI_QueryAdapterInfo,
              "with another fill of the buffer QueryAdapterInfo gives another answer");
}

static bool slot(const struct host *h, unsigned table, unsigned number) {
    return number < 256 && (h->slots[table][number / 64] >> number % 64 & 1);
}

static bool slots(const struct host *h, unsigned first, unsigned last) {
    for (unsigned i = first; i <= last; i++)
        if (!slot(h, 0, i))
            return false;
    return true;
}

static void judge_registration(struct gpup_judge *j, const struct host *h) {
    static const uint8_t reserved[] = {68, 98, 99, 151, 170};
    bool newest = false, clean = true;
    for (unsigned i = 171; i <= 184; i++)
        newest = newest || slot(h, 0, i);
    /* A table of an older version ends before those slots; what is reported needs them all the same. */
    newest = newest || has_cap(h, CAP_LIVE_MIGRATION) || has_cap(h, CAP_SCATTER);
    newest = newest || (h->dirty_caps_seen && (h->dirty_caps & 1));
    for (unsigned i = 0; i < sizeof reserved; i++)
        clean = clean && !slot(h, 0, reserved[i]);
    if (newest)
        CHECK(j, GPUP_RULE_CAP_002, h->slots_version[0] >= 0x11007,
              "slots 171 to 184 are filled or called for, and Version is 0x%x", h->slots_version[0]);
    CHECK(j, GPUP_RULE_CAP_003, clean, "a reserved slot is not NULL");
    if (newest && h->slots_version[0] < 0x11007)
        return; /* what stands behind the end of its table nobody sees */
    if (has_cap(h, CAP_LIVE_MIGRATION)) {
        CHECK(j, GPUP_RULE_CAP_004, slots(h, 176, 182),
              "LiveMigration is reported and a slot of 176 to 182 is NULL");
        CHECK(j, GPUP_RULE_CAP_037, slot(h, 0, 184) || has_cap(h, CAP_SCATTER),
              "LiveMigration is reported and slot 184 is NULL");
    }
    if (has_cap(h, CAP_SCATTER))
        CHECK(j, GPUP_RULE_CAP_005, slot(h, 0, 183), "ScatterMapReserve is reported and slot 183 is NULL");
    if (h->dirty_caps_seen && (h->dirty_caps & 1))
        CHECK(j, GPUP_RULE_CAP_006, slots(h, 171, 175),
              "dirty tracking is reported and a slot of 171 to 175 is NULL");
    if (has_cap(h, CAP_HOT_UPDATE))
        CHECK(j, GPUP_RULE_CAP_040, slots(h, 148, 149),
              "HotDriverUpdate is reported and slot 148 or 149 is NULL");
}

/* Slot 0 of an interface table is its Context, 1 and 2 are reference and dereference. */
static void judge_table(struct gpup_judge *j, const struct host *h, unsigned table) {
    uint16_t missing = GPUP_SPEC_NONE;
    for (uint16_t i = 0; i < gpup_spec_counts.ddis; i++)
        if (gpup_ddis[i].table == table + 1 && i != GPUP_DDI_GetMmioRangeCount &&
            !slot(h, table, (gpup_ddis[i].offset - 8u) / 8))
            missing = i;
    CHECK(j, GPUP_RULE_CAP_028, missing == GPUP_SPEC_NONE, "%s is NULL in its table", gpup_ddi_name(missing));
    CHECK(j, GPUP_RULE_CAP_030, slot(h, table, 1) && slot(h, table, 2),
          "InterfaceReference or InterfaceDereference is NULL");
}

static void judge_migration(struct gpup_judge *j, const struct host *h, const struct answers *a) {
    for (unsigned i = 1; i <= GPUP_MAX_SEGMENTS; i++)
        if (!has_cap(h, CAP_LIVE_MIGRATION) && h->caps_seen && h->local[i] && a->segment_asked[i] &&
            !a->segment_valid[i])
            COUNT(j, GPUP_RULE_CAP_008); /* for that reason, it may be */
    if (!has_cap(h, CAP_LIVE_MIGRATION))
        return;
    if (h->dirty_caps_seen)
        CHECK(j, GPUP_RULE_CAP_007, h->dirty_caps & 1, "LiveMigration is reported without dirty tracking");
    for (unsigned i = 1; i <= GPUP_MAX_SEGMENTS; i++)
        if (h->local[i] && a->segment_asked[i])
            CHECK(j, GPUP_RULE_CAP_008, a->segment_valid[i],
                  "LiveMigration is reported, and local segment %u has no valid page size", i);
}

static void end(struct gpup_judge *j, void *state) {
    struct caps *s = state;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        const struct host *h = &j->host[i];
        if (!h->there)
            continue;
        judge_about(j, (uint8_t)i, GPUP_PF);
        if (h->slots_seen[0])
            judge_registration(j, h);
        for (unsigned table = 1; table < 5; table++)
            if (h->slots_seen[table])
                judge_table(j, h, table);
        judge_migration(j, h, &s->of[i]);
    }
}

const struct monitor monitor_caps = {.id = GPUP_MONITOR_caps,
                                     .state_size = sizeof(struct caps),
                                     .kinds = KIND(TWIN) | KIND(FAULT) | KIND(BUFFER),
                                     .event = event,
                                     .settle = settle,
                                     .end = end};
