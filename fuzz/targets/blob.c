/*
 * Data from another host: blobs that were saved by one are changed and restored on the other.
 *
 * Records of 12 bytes: what is done (modulo 8), which blob, 2 bytes of offset, 8 of value. The program saves
 * on host 0, changes copies of what it saved, and hands each to a waiting VF of host 1; in the end the good
 * data follow.
 */
#include "input.h"
#include "prefixes.h"
#include "settings.h"
#include "target.h"

#define RECORDS 16u
#define IMMUTABLE 0u /* slots of the prefix `saved` */
#define MUTABLE 1u
#define WORK 4u /* slot of the changed copy */

enum act { SET, ADD, XOR, CUT, GROW, TAKE, GIVE_IMMUTABLE, GIVE_MUTABLE, ACTS };

static struct fuzz_engine *engine;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    engine = fuzz_target_engine(true, false);
    return 0;
}

static void append(struct gpup_program *p, struct gpup_step *s) {
    gpup_step_clamp(s);
    gpup_program_append(p, s); /* full or no memory: a shorter program is one too */
}

static void patch(struct gpup_program *p, unsigned how, uint64_t offset, uint8_t width, uint64_t value) {
    static const uint8_t widths[] = {1, 2, 4, 8};
    struct gpup_step s;
    gpup_step_defaults(&s, GPUP_OP_PatchBlob);
    s.f[GPUP_PatchBlob_blob].number = WORK;
    s.f[GPUP_PatchBlob_offset].number = offset;
    s.f[GPUP_PatchBlob_width].number = widths[width % 4];
    s.f[GPUP_PatchBlob_value].number = value;
    s.f[GPUP_PatchBlob_how].number = how;
    append(p, &s);
}

/* To the length it has, less or more by `by`, or to a length of its own. */
static void resize(struct gpup_program *p, bool grow, uint64_t offset, uint64_t by) {
    struct gpup_step s;
    gpup_step_defaults(&s, GPUP_OP_ResizeBlob);
    s.f[GPUP_ResizeBlob_blob].number = WORK;
    s.f[GPUP_ResizeBlob_size] = (struct gpup_value){GPUP_SYMBOL_BLOB, grow ? by % 4096 : -(by % 4096)};
    if (offset & 1)
        s.f[GPUP_ResizeBlob_size] = (struct gpup_value){GPUP_SYMBOL_NONE, offset};
    append(p, &s);
}

static void take(struct gpup_program *p, unsigned from) {
    struct gpup_step s;
    gpup_step_defaults(&s, GPUP_OP_CopyBlob);
    s.f[GPUP_CopyBlob_from].number = from;
    s.f[GPUP_CopyBlob_to].number = WORK;
    append(p, &s);
}

static void give(struct gpup_program *p, bool mutable, unsigned blob, uint8_t class, uint64_t lie) {
    struct gpup_step s;
    gpup_step_defaults(&s,
                       mutable ? GPUP_OP_RestoreMutableMigrationData : GPUP_OP_RestoreImmutableMigrationData);
    s.host = 1;
    s.class = class;
    s.f[GPUP_RestoreMutableMigrationData_blob].number = blob;
    s.f[GPUP_RestoreMutableMigrationData_size] = (struct gpup_value){GPUP_SYMBOL_BLOB, 0};
    s.f[GPUP_RestoreMutableMigrationData_data].number = lie & 1 ? GPUP_BUFFER_UNALIGNED : GPUP_BUFFER_EXACT;
    append(p, &s);
}

static void act(struct gpup_program *p, struct input *in) {
    unsigned what = (unsigned)input_take(in, 1) % ACTS;
    uint8_t blob = (uint8_t)input_take(in, 1);
    uint64_t offset = input_take(in, 2), value = input_take(in, 8);
    switch (what) {
    case SET:
    case ADD:
    case XOR:
        patch(p, what - SET, offset, blob, value);
        break;
    case CUT:
    case GROW:
        resize(p, what == GROW, offset, value);
        break;
    case TAKE: /* also those of other VFs and of other times, where the prefix left them */
        take(p, blob % WORK);
        break;
    default:
        give(p, what == GIVE_MUTABLE, WORK, GPUP_ROBUSTNESS, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct gpup_program program;
    if (!fuzz_prefix_named("09-saved", &program))
        return 0;
    take(&program, input_take(&in, 1) & 1 ? MUTABLE : IMMUTABLE);
    for (unsigned i = 0; i < RECORDS && in.left; i++)
        act(&program, &in);
    give(&program, false, WORK, GPUP_ROBUSTNESS, 0);
    give(&program, true, WORK, GPUP_ROBUSTNESS, 0);
    give(&program, false, IMMUTABLE, GPUP_LEGAL, 0);
    give(&program, true, MUTABLE, GPUP_LEGAL, 0);
    fuzz_target_run(engine, &program);
    return 0;
}
