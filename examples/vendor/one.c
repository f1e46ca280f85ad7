/* One program against an implementation that stands in the same executable: for a debugger, or as a test of
 * your own. */
#include <gpup/repro.h>
#include <stdio.h>

/* gpup_cts_add_implementation(linked STATIC ...) gives it this name. */
const struct gpup_implementation *gpup_implementation_linked(void);

static struct gpup_step steps[] = {
    {.op = GPUP_OP_StartVm},
    {.op = GPUP_OP_StartVm, .vf = 1},
    {.op = GPUP_OP_StopVm},
};
static const struct gpup_program program = {
    .title = "two vGPUs",
    .world = {.hosts = 1,
              .vfs = 4,
              .partitions = 4,
              .segments = 1,
              .msix_entries = 8,
              .page_size = 4096,
              .vram_mib = 128,
              .reserve_kib = 16384,
              .seed = 1},
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
};

int main(void) {
    char message[512] = "";
    int found = gpup_world_run_and_judge(&program, gpup_implementation_linked(), message, sizeof message);
    puts(found ? message : "no finding");
    return found != 0;
}
