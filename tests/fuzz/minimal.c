/* A shrunk program has nothing to spare: without any one of its steps, or with any one field as it is by
 * default, the finding is gone.
 *
 * The C form of each is left in DIRECTORY, with the rule that it has to name beside it.
 *
 *   test_fuzz_minimal reference-defects.so DIRECTORY BUG-nnn... */
#include "campaign/triage.h"

#include <gpup/scenarios.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_ENOUGH 6u /* steps of a program that is worth shrinking */

struct trial {
    struct goal goal;
    const char *defect;
    struct gpup_program small;
    unsigned tries, bad;
};

/* After a change: must not keep the finding. */
static void expect_gone(struct trial *t, const struct gpup_program *p, const char *what, size_t step,
                        const char *field) {
    t->tries++;
    if (!goal_kept(&t->goal, p))
        return;
    t->bad++;
    printf("%s: %s-%08x is still there %s step %zu %s\n", t->defect, t->goal.rule, t->goal.key, what,
           step + 1, field);
}

static void without_steps(struct trial *t) {
    struct gpup_step steps[256];
    struct gpup_program p = t->small;
    p.steps = steps;
    p.step_count--;
    for (size_t i = 0; i < t->small.step_count && t->small.step_count <= 256; i++) {
        memcpy(steps, t->small.steps, i * sizeof *steps);
        memcpy(steps + i, t->small.steps + i + 1, (p.step_count - i) * sizeof *steps);
        expect_gone(t, &p, "without", i, gpup_op_info(t->small.steps[i].op)->name);
    }
}

static void default_step(struct trial *t, size_t i) {
    struct gpup_step *step = &t->small.steps[i], whole = *step, plain;
    const struct gpup_op_info *info = gpup_op_info(step->op);
    gpup_step_defaults(&plain, step->op);
#define TRY(member, name)                                                                                    \
    if (step->member != plain.member) {                                                                      \
        step->member = plain.member;                                                                         \
        expect_gone(t, &t->small, "with default in", i, name);                                               \
        *step = whole;                                                                                       \
    }
    TRY(vf, "vf")
    TRY(host, "host")
    TRY(class, "class")
#undef TRY
    for (unsigned field = 0; field < info->field_count; field++) {
        if (step->f[field].symbol == plain.f[field].symbol && step->f[field].number == plain.f[field].number)
            continue;
        step->f[field] = plain.f[field];
        expect_gone(t, &t->small, "with default in", i, info->field[field].name);
        *step = whole;
    }
}

static void default_world(struct trial *t) {
    struct gpup_world_config plain, *w = &t->small.world, whole = *w;
    gpup_world_defaults(&plain);
#define TRY(member)                                                                                          \
    if (w->member != plain.member) {                                                                         \
        w->member = plain.member;                                                                            \
        gpup_world_clamp(w);                                                                                 \
        if (w->member == plain.member)                                                                       \
            expect_gone(t, &t->small, "with default in", 0, "world." #member);                               \
        *w = whole;                                                                                          \
    }
    TRY(hosts)
    TRY(vfs)
    TRY(partitions)
    TRY(segments)
    TRY(msix_entries)
    TRY(msix_bar)
    TRY(msix_offset)
    TRY(page_size)
    TRY(performant)
    TRY(vram_mib)
    TRY(reserve_kib)
    TRY(seed)
    TRY(fill)
    TRY(preempt)
    TRY(scatter)
    TRY(uneven)
    TRY(reserved)
    TRY(untracked)
    TRY(bus)
    TRY(one_system)
#undef TRY
}

static bool write_text(const char *folder, const char *name, const char *ending, const char *text) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
    FILE *file = text ? fopen(path, "w") : NULL;
    bool ok = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && ok;
}

static bool write_c_form(const struct trial *t, const char *folder) {
    char *text = gpup_program_emit_c(&t->small, t->defect);
    bool ok = write_text(folder, t->defect, "c", text) && write_text(folder, t->defect, "rule", t->goal.rule);
    free(text);
    return ok;
}

static bool tied(const struct gpup_defect *d, uint16_t rule) {
    for (unsigned i = 0; i < d->rule_count; i++)
        if (d->rules[i] == rule)
            return true;
    return false;
}

/* The first bundled program that shows the fault; its finding becomes the goal. */
static bool meet(struct trial *t, const struct gpup_defect *d) {
    const struct fuzz_finding *all;
    for (size_t i = 0; i < gpup_scenario_count; i++) {
        struct gpup_program p;
        size_t before = fuzz_engine_findings(t->goal.engine, &all);
        if (!gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &p))
            continue;
        fuzz_engine_run(t->goal.engine, &p);
        size_t after = fuzz_engine_findings(t->goal.engine, &all);
        for (; before < after && p.step_count >= LONG_ENOUGH; before++)
            if (tied(d, all[before].rule)) {
                snprintf(t->goal.rule, sizeof t->goal.rule, "%s", gpup_rule_id(all[before].rule));
                t->goal.key = all[before].key;
                t->small = p;
                return true;
            }
        gpup_program_free(&p);
    }
    return false;
}

/* In a process of its own: a faulty driver may end it. */
static int run(const char *object, const char *folder, const char *defect) {
    char name[4096], message[512];
    struct trial t = {.defect = defect};
    struct gpup_binding binding;
    uint16_t row = gpup_defect_find(defect);
    snprintf(name, sizeof name, "%s:%s", object, defect);
    struct fuzz_options options = {.implementation = name, .strict = true, .negative = true, .quiet = true};
    if (row == GPUP_SPEC_NONE || gpup_binding_open(&binding, name, NULL, message, sizeof message) != 0)
        return 3;
    t.goal.implementation = binding.implementation;
    t.goal.image = binding.image;
    t.goal.engine = fuzz_engine_new(&options, message, sizeof message);
    if (!t.goal.engine || !meet(&t, &gpup_defects[row])) {
        printf("%s: no bundled program shows it\n", defect);
        return 3;
    }
    size_t before = t.small.step_count;
    if (!goal_shrink(&t.goal, &t.small) || !goal_kept(&t.goal, &t.small)) {
        printf("%s: the shrunk program has lost %s\n", defect, t.goal.rule);
        return 2;
    }
    without_steps(&t);
    for (size_t i = 0; i < t.small.step_count; i++)
        default_step(&t, i);
    default_world(&t);
    printf("%s: %s, %zu steps, of them %zu needed, %u changes tried, %u keep it%s\n", defect, t.goal.rule,
           before, t.small.step_count, t.tries, t.bad, t.goal.alone ? "" : " (campaign's world only)");
    if (t.goal.alone && !write_c_form(&t, folder))
        return 3;
    return t.bad || !t.tries ? 1 : 0;
}

int main(int argc, char **argv) {
    int bad = 0;
    for (int i = 3; i < argc; i++) {
        int status = -1;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            status = run(argv[1], argv[2], argv[i]);
            fflush(stdout);
            _exit(status);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            printf("%s: wrong\n", argv[i]);
            bad++;
        }
    }
    return bad || argc < 4 ? 1 : 0;
}
