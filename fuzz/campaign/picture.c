/* Which calls came back how from which state of the model: the corpus once more, counted. */
#include "campaign.h"
#include "coverage.h"
#include "engine.h"
#include "states.h"

#include <gpup/spec_ids.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVES 5u
#define DDIS 64u
#define NAME 36

static uint8_t reached[FUZZ_STATES];

static void mark(void *context, size_t number, uint8_t value) {
    (void)context;
    (void)value;
    if (number < FUZZ_STATES)
        reached[number] = 1;
}

static void run_corpus(const struct options *o, struct fuzz_engine *engine) {
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/corpus", o->out);
    size_t count = list_names(path, &names), size;
    for (size_t i = 0; i < count; i++) {
        struct gpup_program p;
        snprintf(path, sizeof path, "%s/corpus/%s", o->out, names[i]);
        char *bytes = read_file(path, &size);
        if (bytes && gpup_program_decode(bytes, size, &p)) {
            fuzz_engine_run(engine, &p);
            fuzz_coverage_take(mark, NULL);
            gpup_program_free(&p);
        }
        free(bytes);
    }
    free_names(names, count);
}

static char sign(unsigned index) { /* failures and successes lie side by side */
    return reached[index] && reached[index + 1] ? '#' : reached[index + 1] ? '+' : reached[index] ? '-' : '.';
}

static void draw(FILE *out) {
    unsigned lit = 0;
    for (unsigned i = 0; i < FUZZ_STATES; i++)
        lit += reached[i];
    fprintf(out, "%u of the model's cells were reached.\n", lit);
    fprintf(out,
            "+ the call succeeded, - it failed, # both, . it was not made in that state of the vGPU\n\n%*s",
            NAME, "");
    for (unsigned life = 0; life < LIVES; life++)
        fprintf(out, " %-12.12s", gpup_machine_state_name(GPUP_MACHINE_vgpu, (uint8_t)life));
    fputc('\n', out);
    for (unsigned ddi = 0; ddi < gpup_spec_counts.ddis && ddi < DDIS; ddi++) {
        char cells[LIVES + 1] = "";
        bool any = false;
        for (unsigned life = 0; life < LIVES; life++) {
            cells[life] = sign((life * DDIS + ddi) * 2);
            any = any || cells[life] != '.';
        }
        if (!any)
            continue;
        fprintf(out, "%-*s", NAME, gpup_ddi_name((uint16_t)ddi));
        for (unsigned life = 0; life < LIVES; life++)
            fprintf(out, " %-12c", cells[life]);
        fputc('\n', out);
    }
}

void draw_states(const struct options *o) {
    char path[PATH_ROOM], message[512];
    pid_t pid = strcmp(o->target, "program") == 0 ? fork() : -1;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (pid != 0)
        return;
    struct fuzz_options options = {
        .implementation = o->implementation, .negative = o->negative, .quiet = true};
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    alarm(600);
    if (engine)
        run_corpus(o, engine);
    snprintf(path, sizeof path, "%s/states.txt", o->out);
    FILE *out = fopen(path, "w");
    if (out) {
        draw(out);
        fclose(out);
    }
    _exit(0);
}
