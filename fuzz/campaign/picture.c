/* Which calls came back how from which state of the model: the corpus once more, followed beside the engine.
 */
#include "picture.h"
#include "settings.h"

#include "campaign.h"
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME 36

static struct picture picture;

static uint32_t slot_of(const struct picture *p, unsigned machine, unsigned host, uint16_t ddi) {
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    const uint64_t *a = p->follow.a[host];
    switch (gpup_machines[machine].per) {
    case GPUP_PER_vf:
        return d->vf_argument >= 0 ? (uint32_t)a[d->vf_argument] : GPUP_SLOT_NONE;
    case GPUP_PER_basis:
        return d->basis_argument >= 0 ? fuzz_states_basis(&p->follow, host, a[d->basis_argument])
                                      : GPUP_SLOT_NONE;
    default:
        return 0;
    }
}

static void mark(struct picture *p, unsigned host, const struct gpup_event *e) {
    uint16_t ddi = p->follow.ddi[host];
    bool success = fuzz_states_succeeded(ddi, e);
    for (unsigned m = 0; m < gpup_spec_counts.machines; m++) {
        uint32_t slot = slot_of(p, m, host, ddi);
        bool begins = m == GPUP_MACHINE_tracking && ddi == GPUP_DDI_CreateMemoryBasis;
        if (slot >= GPUP_MACHINE_SLOTS && !begins)
            continue;
        uint8_t state =
            begins ? gpup_machines[m].initial : gpup_machine_state_of(&p->follow.at[host], (uint16_t)m, slot);
        struct cell *cell = &p->cell[m][state][ddi];
        *(success ? &cell->succeeded : &cell->failed) += 1;
    }
}

static void follow(void *context, const struct gpup_event *e) {
    struct picture *p = context;
    unsigned host = e->host & 1;
    if (e->kind == GPUP_EVENT_RETURN && e->f[GPUP_RETURN_call] == p->follow.call[host] &&
        p->follow.ddi[host] < GPUP_DDI_COUNT)
        mark(p, host, e); /* the state in which it was made */
    fuzz_states_event(&p->follow, e);
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
            fuzz_states_reset(&picture.follow);
            alarm(campaign_stopped() ? 3 : fuzz_limit()); /* nobody wants to wait then */
            fuzz_engine_run(engine, &p);
            gpup_program_free(&p);
        }
        free(bytes);
    }
    free_names(names, count);
}

bool picture_expects(unsigned machine, unsigned state, uint16_t ddi) {
    const struct gpup_machine *m = &gpup_machines[machine];
    for (unsigned t = 0; t < m->transition_count; t++)
        if (m->transitions[t].ddi == ddi && m->transitions[t].from >> state & 1)
            return true;
    return false;
}

bool picture_has_row(const struct picture *p, uint16_t ddi) {
    for (unsigned m = 0; m < gpup_spec_counts.machines; m++)
        for (unsigned state = 0; state < gpup_machines[m].state_count; state++) {
            const struct cell *c = &p->cell[m][state][ddi];
            if (c->succeeded || c->failed || picture_expects(m, state, ddi))
                return true;
        }
    return false;
}

static char sign(const struct cell *c) {
    if (c->succeeded)
        return c->failed ? '#' : '+';
    return c->failed ? '-' : '.';
}

static void draw(FILE *out, const struct picture *p) {
    unsigned lit = 0, lives = gpup_machines[GPUP_MACHINE_vgpu].state_count;
    for (unsigned i = 0; i < FUZZ_STATES; i++)
        lit += p->counters[i];
    fprintf(out, "%u of the model's cells were reached.\n", lit);
    fprintf(out,
            "+ the call succeeded, - it failed, # both, . it was not made in that state of the vGPU\n\n%*s",
            NAME, "");
    for (unsigned life = 0; life < lives; life++)
        fprintf(out, " %-12.12s", gpup_machine_state_name(GPUP_MACHINE_vgpu, (uint8_t)life));
    fputc('\n', out);
    for (uint16_t ddi = 0; ddi < (uint16_t)GPUP_DDI_COUNT; ddi++) {
        if (gpup_ddis[ddi].vf_argument < 0)
            continue;
        fprintf(out, "%-*s", NAME, gpup_ddi_name(ddi));
        for (unsigned life = 0; life < lives; life++)
            fprintf(out, " %-12c", sign(&p->cell[GPUP_MACHINE_vgpu][life][ddi]));
        fputc('\n', out);
    }
}

static void write_picture(const struct options *o) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/states.txt", o->out);
    FILE *out = fopen(path, "w");
    if (out) {
        draw(out, &picture);
        fclose(out);
    }
    snprintf(path, sizeof path, "%s/states.svg", o->out);
    out = fopen(path, "w");
    if (out) {
        picture_svg(out, &picture, o->label);
        fclose(out);
    }
}

/* An input that does not return ends the run of the corpus: the picture has what came before. */
static const struct options *drawn;

static void on_alarm(int number) {
    (void)number;
    write_picture(drawn);
    _exit(0);
}

void draw_states(const struct options *o) {
    char log[PATH_ROOM], message[512];
    pid_t pid = strcmp(o->target, "program") == 0 ? fork() : -1;
    while (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0) {
        if (campaign_hurried())
            kill(pid, SIGKILL);
        usleep(10000);
    }
    if (pid != 0)
        return;
    snprintf(log, sizeof log, "%s/log/states.log", o->out);
    if (!freopen(log, "w", stderr)) /* what sanitizers say */
        _exit(3);
    struct gpup_trace_sink tap = {follow, &picture};
    struct fuzz_options options = {
        .implementation = o->implementation, .tap = &tap, .negative = o->negative, .quiet = true};
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    picture.follow.counters = picture.counters;
    drawn = o;
    struct sigaction ended = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
    sigaction(SIGALRM, &ended, NULL);
    if (engine)
        run_corpus(o, engine);
    write_picture(o);
    _exit(0);
}
