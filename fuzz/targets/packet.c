/* What a guest sends through its VMBus channel: records of 12 bytes: what (modulo 8, mostly a packet), 1 of
 * count, 2 of size, 8 that the packet begins with. */
#include "input.h"
#include "prefixes.h"
#include "settings.h"
#include "target.h"

#define RECORDS 24u

static struct fuzz_engine *engine;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    engine = fuzz_target_engine(false, false);
    return 0;
}

static uint16_t op_of(unsigned what) {
    static const uint16_t rare[] = {GPUP_OP_GuestCloseChannel, GPUP_OP_GuestOpenChannel, GPUP_OP_Wait,
                                    GPUP_OP_SetVirtualGpuVmBus};
    return what < 4 ? rare[what] : GPUP_OP_GuestSendPacket;
}

static void act(struct gpup_program *p, struct input *in) {
    struct gpup_step s;
    gpup_step_defaults(&s, op_of((unsigned)input_take(in, 1) % 12));
    uint64_t count = input_take(in, 1), size = input_take(in, 2), head = input_take(in, 8);
    if (s.op == GPUP_OP_GuestSendPacket) {
        s.f[GPUP_GuestSendPacket_count].number = 1 + count % 4;
        s.f[GPUP_GuestSendPacket_size].number = size % 4096;
        s.f[GPUP_GuestSendPacket_head].number = head;
    }
    gpup_step_clamp(&s);
    gpup_program_append(p, &s); /* full or no memory: a shorter program is one too */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct gpup_program program;
    if (!fuzz_prefix_named("14-channel", &program))
        return 0;
    for (unsigned i = 0; i < RECORDS && in.left; i++)
        act(&program, &in);
    fuzz_target_run(engine, &program);
    return 0;
}
