/* The monitors: state machines over events that judge the rules naming them in specs/rules. */
#ifndef GPUP_JUDGE_MONITORS_H
#define GPUP_JUDGE_MONITORS_H

#include "../context.h"

/* A monitor's memory: zeroed at start and by reset, which must also let go of the program's past. */
struct monitor {
    uint16_t id;       /* enum gpup_monitor_id */
    size_t state_size; /* bytes of its state */
    uint64_t kinds;    /* bit per event kind that `event` wants */
    void (*event)(struct gpup_judge *j, void *state, const struct gpup_event *e);
    void (*settle)(struct gpup_judge *j, void *state); /* a call returned and its readings are in */
    /* In place of settle for a call that overlapped others: nothing says which of them changed what, so a
     * monitor forgets what it believed of the VF. NULL: it believes nothing. */
    void (*overlapped)(struct gpup_judge *j, void *state);
    /* Time has passed, and no step or call began since. For each VF of a host that the program touched, then
     * with GPUP_PF for the host: a VF's own rules say more. */
    void (*later)(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf);
    void (*end)(struct gpup_judge *j, void *state);     /* the program is over */
    void (*reset)(struct gpup_judge *j, void *state);   /* NULL: zeroed */
    void (*release)(struct gpup_judge *j, void *state); /* frees what the state points to */
};
#define KIND(name) (UINT64_C(1) << GPUP_EVENT_##name)

/* The most telling first: the order in which they judge a call. */
extern const struct monitor monitor_partition, monitor_vgpu, monitor_escape, monitor_sriov, monitor_vf_config,
    monitor_vf_power;
extern const struct monitor monitor_sync, monitor_hostile, monitor_adapter, monitor_wdf, monitor_vmbus,
    monitor_vmdata, monitor_hotupdate, monitor_ranges, monitor_resources, monitor_msix, monitor_pause,
    monitor_migration, monitor_blobs, monitor_schedule, monitor_etw, monitor_dirty, monitor_caps,
    monitor_isolation, monitor_general, monitor_twin, monitor_apart;

#endif
