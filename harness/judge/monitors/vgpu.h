/* What the two files about the life of a vGPU share. */
#ifndef GPUP_JUDGE_VGPU_H
#define GPUP_JUDGE_VGPU_H

#include "monitors.h"

#include <string.h>

enum { /* of DXGKARG_CREATEVIRTUALGPU and DXGKARG_GETVIRTUALGPUINFO, bytes */
       CREATE_SIZE = 0x990,
       CREATE_CLSID = 0x68,
       CLSID_SIZE = 16,
       CREATE_SEGMENTS = 0x88,
       CREATE_ENGINES = 0x68C,
       CREATE_END = 0x98C, /* of EngineInfo; padding follows */
       SEGMENT = 48,
       SEGMENTS_MAX = 32,
       CREATE_PROFILE = 8,
       PROFILE_SIZE = 96,
       INFO_SIZE = 104,
       INFO_VALUES = 8
};

#define GOOD 4u /* requests that are kept */

struct life {
    bool luid_known;
    uint64_t luid;
    bool failed;    /* a creation failed since the last good one */
    bool odd_end;   /* the vGPU before was destroyed powered, paused, tracked or in a session */
    bool inherited; /* something other than the former life may have set state: a restore, a write */
    bool unmasked, mastering;
    uint64_t held;                     /* bit mask: rows of judge.secrets that stand in the guest's state */
    bool ended;                        /* and time passed since the end, so that what was put off is done */
    uint64_t ended_ns;                 /* host.waited_ns */
    uint64_t level;                    /* of the pool before the last life */
    uint64_t growth;                   /* how much fuller it was than before the life before */
    uint32_t others, grown;            /* alive beside it; lives in a row with that growth */
    uint32_t own;                      /* of host.doings */
    uint32_t beside;                   /* of others' doings at that level */
    uint32_t level_fillings, fillings; /* host.fillings at that level; before those lives */
};
struct leak { /* failed creations of one VF that each left the pool fuller by the same amount */
    uint32_t vf, times;
    uint64_t growth, most; /* most: blocks there were before a creation after one of them */
    uint32_t fillings;     /* host.fillings before them */
};
struct vgpu {
    struct life of[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct {
        bool profiled;
        uint64_t available, optimal; /* memory, in the last profile */
        uint64_t good[GOOD];         /* hashes of profiles that were granted before */
        unsigned goods;
        uint32_t doings;    /* calls that name a VF, and what guests and devices did */
        bool pending;       /* a creation failed, and nothing else was called since */
        uint16_t rule;      /* that asks for its memory back */
        uint64_t level;     /* of the pool before it */
        uint64_t failed_ns; /* host.waited_ns */
        uint32_t fillings;  /* host.fillings */
        uint32_t failed_vf;
        struct leak leak[2]; /* of impossible creations, of others that failed */
        bool odd_end;        /* of some vGPU */
    } host[GPUP_MAX_HOSTS];
    uint64_t before;            /* hash of the argument structure that comes */
    uint64_t engines, provider; /* of its EngineInfo, of its CLSID */
    bool shown;                 /* out holds the structure after the call */
    uint64_t after;
    size_t size;
    uint8_t out[CREATE_SIZE];
    uint8_t in[INFO_SIZE]; /* the same of GetVirtualGpuInfo before it */
};

static inline uint64_t vgpu_number(const struct vgpu *g, size_t offset, size_t size) {
    uint64_t value = 0;
    memcpy(&value, g->out + offset, size);
    return value;
}

void vgpu_judge_create(struct gpup_judge *j, struct vgpu *g, const struct vf *v);

#endif
