/* The VRAM that a vGPU was given, and where its guest's writes were found. */
#ifndef GPUP_JUDGE_RESOURCES_H
#define GPUP_JUDGE_RESOURCES_H

#include "monitors.h"

#define RESOURCES_PIECES 64   /* ranges of one assignment that are remembered */
#define RESOURCES_ELEMENTS 4u /* elements of the call's array that accesses are counted for */

struct place {
    uint32_t segment, element;
    uint64_t offset, size, basis;
};

struct places {
    struct place at[RESOURCES_PIECES];
    uint32_t count;
    bool more; /* there were more than are remembered: nothing is said of overlaps */
};

struct vf_resources {
    uint32_t life;   /* of the vGPU that this is about */
    uint8_t form;    /* 1 SetVirtualGpuResources, 2 SetVirtualGpuResources2; 0: nothing given yet */
    uint8_t again;   /* form of a further call, which must have changed nothing; 0 none */
    bool half;       /* a call with several descriptors failed */
    bool basis_gone; /* a basis of the assignment was destroyed */
    uint32_t asked_count;
    struct {
        uint32_t segment, alignment;
        uint64_t size;
    } asked[GPUP_MAX_SEGMENTS];
    struct places given;
    uint32_t elements, done[RESOURCES_ELEMENTS];
    uint8_t refused[RESOURCES_ELEMENTS]; /* bit mask: parts of the element */
};

struct resources {
    struct vf_resources of[GPUP_MAX_HOSTS][JUDGE_VFS];
    uint64_t page[GPUP_MAX_HOSTS][GPUP_MAX_SEGMENTS + 1]; /* of scattered reserves */
    uint64_t size[GPUP_MAX_HOSTS][GPUP_MAX_SEGMENTS + 1]; /* of the segment */
    bool runs[GPUP_MAX_HOSTS]; /* D0 of a VF whose reserve is made of bases worked */
    struct places next;        /* of the call that comes */
};

struct vf_resources *resources_of(struct gpup_judge *j, struct resources *all, unsigned host, uint64_t vf);
void resources_settle(struct gpup_judge *j, struct resources *all); /* of the two assigning calls */

#endif
