/* The second run of a program: with the same fill of memory it shows determinism, with another one what the
 * driver left unwritten. */
#include "monitors.h"

enum { OTHER_FILL = 1, SAME_FILL = 2 };

struct twin {
    bool seen[3], equal[3];
    uint16_t ddi[3];
    bool saved, queried; /* a save, a query of dirty bits came back with data */
};

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct twin *t = state;
    uint64_t what = e->f[GPUP_TWIN_what];
    (void)j;
    if (what != OTHER_FILL && what != SAME_FILL)
        return;
    t->seen[what] = true;
    t->equal[what] = e->f[GPUP_TWIN_equal] != 0;
    t->ddi[what] =
        e->f[GPUP_TWIN_ddi] < gpup_spec_counts.ddis ? (uint16_t)e->f[GPUP_TWIN_ddi] : GPUP_SPEC_NONE;
}

static bool is_save(uint16_t ddi) {
    return ddi == GPUP_DDI_SaveImmutableMigrationData || ddi == GPUP_DDI_SaveMutableMigrationData;
}

static void settle(struct gpup_judge *j, void *state) {
    struct twin *t = state;
    const struct call *c = &j->call;
    if (!nt_success(c->status))
        return;
    t->saved = t->saved || (is_save(c->ddi) && c->a[GPUP_ARG_SaveMutableMigrationData_DataPresent]);
    t->queried = t->queried || c->ddi == GPUP_DDI_QueryDirtyBitData;
}

/* Declared: two saves of one state may differ. */
static bool is_declared(const struct gpup_judge *j, uint16_t ddi) {
    return (ddi == GPUP_DDI_SaveImmutableMigrationData && (j->varies & 1)) ||
           (ddi == GPUP_DDI_SaveMutableMigrationData && (j->varies & 2)) || (is_save(ddi) && j->varies == 3);
}

static void end(struct gpup_judge *j, void *state) {
    const struct twin *t = state;
    if (t->seen[OTHER_FILL] &&
        t->equal[OTHER_FILL]) /* a second run with nothing else changed is the same, then */
        CHECK(j, GPUP_RULE_ROB_013, true, "%s", "");
    bool steady = !t->seen[SAME_FILL] || t->equal[SAME_FILL];
    if (t->seen[SAME_FILL] && !is_declared(j, t->ddi[SAME_FILL]))
        CHECK(j, GPUP_RULE_ROB_013, t->equal[SAME_FILL], "a second run of the program differs, first in %s",
              gpup_ddi_name(t->ddi[SAME_FILL]));
    if (!t->seen[OTHER_FILL] || !steady || is_declared(j, t->ddi[OTHER_FILL]))
        return;
    bool differs = !t->equal[OTHER_FILL];
    if (t->saved)
        CHECK(j, GPUP_RULE_LM_081, !differs || !is_save(t->ddi[OTHER_FILL]),
              "with another fill of memory %s gives other bytes: not all of them were written",
              gpup_ddi_name(t->ddi[OTHER_FILL]));
    if (t->queried)
        CHECK(j, GPUP_RULE_DIRTY_034, !differs || t->ddi[OTHER_FILL] != GPUP_DDI_QueryDirtyBitData,
              "with another fill of the buffer the query gives other bits: not all of them were written");
}

const struct monitor monitor_twin = {.id = GPUP_MONITOR_twin,
                                     .state_size = sizeof(struct twin),
                                     .kinds = KIND(TWIN),
                                     .event = event,
                                     .settle = settle,
                                     .end = end};
