#include <gpup/binding.h>
#include <gpup/files.h>
#include <gpup/judge.h>
#include <gpup/repro.h>
#include <gpup/world.h>

#include <stdio.h>
#include <stdlib.h>

static void on_event(void *context, const struct gpup_event *event) {
    gpup_judge_event(context, event);
}

static int verdict(struct gpup_judge *judge, enum gpup_outcome outcome, char *message, size_t size) {
    const struct gpup_finding *findings;
    gpup_judge_end(judge);
    if (gpup_judge_findings(judge, &findings) == 0) {
        if (outcome == GPUP_ERROR)
            snprintf(message, size, "the world ran out of memory");
        return outcome == GPUP_ERROR ? -1 : 0;
    }
    char place[32] = "before or after the steps";
    if (findings[0].step != GPUP_NO_STEP)
        snprintf(place, sizeof place, "step %u", findings[0].step + 1);
    snprintf(message, size, "%s %s, %s: %s", gpup_verdict_name(findings[0].verdict),
             gpup_rule_id(findings[0].rule), place, findings[0].text);
    return 1;
}

int gpup_world_run_and_judge(const struct gpup_program *program,
                             const struct gpup_implementation *implementation, char *message, size_t size) {
    struct gpup_judge *judge = gpup_judge_new();
    struct gpup_trace_sink sink = {on_event, judge};
    struct gpup_image *image = NULL;
    struct gpup_world *world = NULL;
    struct gpup_given_files files = {0};
    int rc = -1;
    message[0] = 0;
    if (judge && gpup_files_give_lines(&files, getenv("GPUP_FILES"), message, size) &&
        gpup_image_of(implementation, &image, message, size) == 0)
        world = gpup_world_new(implementation, image, &program->world, &sink, message, size);
    if (world) {
        gpup_world_give_files(world, &files);
        rc = verdict(judge, gpup_world_run(world, program), message, size);
    }
    gpup_world_free(world);
    gpup_image_free(image);
    gpup_files_free(&files);
    gpup_judge_free(judge);
    return rc;
}
