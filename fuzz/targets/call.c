/* Arguments of one DDI call in a chosen state: a byte that chooses the prefix, then the cells of one step. */
#include "input.h"
#include "prefixes.h"
#include "settings.h"
#include "target.h"

#include <string.h>

#define HEADER 24u /* zero bytes: the default world */
#define CELLS 128u

static struct fuzz_engine *engine;
static uint16_t calls[GPUP_OPS];
static uint16_t call_count;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    engine = fuzz_target_engine(false, false);
    for (uint16_t op = 0; op < (uint16_t)GPUP_OPS; op++)
        if (gpup_op_info(op)->group == GPUP_GROUP_call)
            calls[call_count++] = op;
    return 0;
}

/* Any operation stands for a call. */
static void make_call(struct gpup_step *s) {
    if (gpup_op_info(s->op)->group != GPUP_GROUP_call)
        s->op = calls[s->op % call_count];
    gpup_step_clamp(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t bytes[HEADER + CELLS] = {0};
    struct gpup_program program, call;
    size_t cells = size > 1 ? (size - 1 < CELLS ? size - 1 : CELLS) : 0;
    if (!fuzz_prefix(size ? data[0] : 0, &program))
        return 0;
    if (cells)
        memcpy(bytes + HEADER, data + 1, cells);
    if (gpup_program_decode(bytes, HEADER + cells, &call)) {
        if (call.step_count) {
            make_call(&call.steps[0]);
            call.steps[0].host = (uint8_t)(call.steps[0].host % program.world.hosts);
            gpup_program_append(&program, &call.steps[0]);
        }
        gpup_program_free(&call);
    }
    fuzz_target_run(engine, &program);
    return 0;
}
