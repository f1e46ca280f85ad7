/*
 * Runs programs on the reference driver and looks at the trace for what no program may cause: a fault, a
 * hang, a misused service, damaged memory, anything left behind. Arguments: YAML files; "-v" prints the
 * trace, "-i" names another implementation.
 */
#include <gpup/binding.h>
#include <gpup/program.h>
#include <gpup/world.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct gpup_implementation *gpup_implementation_reference(void);

struct watch {
    unsigned bad, returns, verbose;
    bool legal; /* the step: else what is misused may be what the driver was given */
};

static void print(const struct gpup_event *event, const char *mark) {
    char text[1024];
    int length = gpup_event_print(event, text, sizeof text);

    if (length >= 0)
        printf("%s%.*s\n", mark, 300, text);
}

/* The part that broke a promise, or the suite's own limit, which would hide one. */
static bool bad(const struct gpup_event *event, bool legal) {
    switch (event->kind) {
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
    case GPUP_EVENT_DAMAGE:
    case GPUP_EVENT_POOL_DAMAGE:
    case GPUP_EVENT_LEFT:
        return true;
    case GPUP_EVENT_MISUSE:
        return legal;
    default:
        return false;
    }
}

static void see(void *context, const struct gpup_event *event) {
    struct watch *watch = context;

    watch->returns += event->kind == GPUP_EVENT_RETURN;
    if (event->kind == GPUP_EVENT_STEP)
        watch->legal = event->f[GPUP_STEP_class] == GPUP_LEGAL;
    if (bad(event, watch->legal)) {
        watch->bad++;
        print(event, "BAD ");
    } else if (watch->verbose > 1 ||
               (watch->verbose && (event->kind == GPUP_EVENT_RETURN || event->kind == GPUP_EVENT_STEP ||
                                   event->kind == GPUP_EVENT_SKIP))) {
        print(event, "");
    }
}

static int run(const struct gpup_implementation *implementation, const char *path, unsigned verbose) {
    struct gpup_program program = {.steps = NULL};
    struct watch watch = {.verbose = verbose, .legal = true};
    struct gpup_trace_sink sink = {see, &watch};
    struct gpup_image *image = NULL;
    struct gpup_world *world;
    char *errors = NULL, message[256] = "";
    enum gpup_outcome outcome = GPUP_ERROR;

    if (gpup_program_load(path, &program, &errors) != 0) {
        fprintf(stderr, "%s\n", errors ? errors : path);
        free(errors);
        return 1;
    }
    if (gpup_image_of(implementation, &image, message, sizeof message) == 0) {
        if (image)
            gpup_image_capture(image);
        world = gpup_world_new(implementation, image, &program.world, &sink, message, sizeof message);
        if (world)
            outcome = gpup_world_run(world, &program);
        gpup_world_free(world);
    }
    gpup_image_free(image);
    gpup_program_free(&program);
    printf("%s: outcome %d, %u returns, %u bad %s\n", path, (int)outcome, watch.returns, watch.bad, message);
    return outcome != GPUP_COMPLETE || watch.bad || watch.returns < 10;
}

int main(int argc, char **argv) {
    static const struct gpup_static_implementation known[] = {
        {"reference", gpup_implementation_reference, "gpup_impl_reference"}, {NULL, NULL, NULL}};
    struct gpup_binding binding = {.implementation = gpup_implementation_reference()};
    unsigned verbose = 0;
    int failures = 0;
    char message[256];

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            verbose++;
        } else if (strcmp(argv[i], "-i") == 0 && i + 1 < argc) {
            if (gpup_binding_open(&binding, argv[++i], known, message, sizeof message) != 0) {
                fprintf(stderr, "%s\n", message);
                return 1;
            }
        } else {
            failures += run(binding.implementation, argv[i], verbose);
        }
    }
    return failures ? 1 : 0;
}
