/*
 * gpup-fuzz detect: how many inputs libFuzzer needs until a seeded fault gives a finding of a rule it is tied
 * to.
 *
 * From an empty corpus, without dictionary, one process, fixed seeds: the count is exact for one version of
 * libFuzzer. Each fault with the typed mutator and state feedback, and, with --compare, with the engine's own
 * mutators on bytes and no state feedback; decoding, world, judge and code coverage are the same.
 *
 * A process looks for one fault, or for several in one driver, which takes a fraction of the time: first each
 * by itself, and what is not found soon then in company; --compare has all its faults together.
 */
#include "detect.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOGETHER 8u /* in one driver */
#define OF_AREA 2u  /* of one area: more hide each other */
#define SOON 20000u /* executions of each by itself */

/* Named, so that figures of different days are of the same faults: arguments (001, 003), ordering (013, 111,
 * 120), tracking (036, 045), blobs (086, 105), pause (135), life (138), channels (155). Not chosen by
 * who wins, but so that none hides another: with all of them in one driver the bundled programs violate a
 * rule of each, which a test asks. */
static const char bench_defects[] =
    "BUG-001,BUG-003,BUG-013,BUG-036,BUG-045,BUG-086,BUG-105,BUG-111,BUG-120,BUG-135,BUG-138,BUG-155";

static void choose(struct detection *d, const char *names) {
    for (unsigned i = 0; i < gpup_spec_counts.defects && d->defects < DETECT_DEFECTS; i++)
        if (gpup_defects[i].built && (!names || strstr(names, gpup_defects[i].id)))
            d->defect[d->defects++] = &gpup_defects[i];
}

/* The program that the first seed found, made small. */
static void keep_programs(const struct detection *d) {
    for (unsigned i = 0; d->keep && i < d->defects; i++) {
        struct options o = *d->o;
        const struct detect_run one = {.members = 1, .member = {i}};
        char raw[PATH_ROOM], from[PATH_ROOM], to[PATH_ROOM], **names;
        detect_driver(d, &one, o.implementation, sizeof o.implementation);
        o.label = d->defect[i]->id;
        o.strict = true;
        snprintf(raw, sizeof raw, "%s/raw/%s", o.out, o.label);
        snprintf(o.out, sizeof o.out, "%s/kept/%s", d->o->out, o.label);
        size_t count = list_names(raw, &names), size;
        for (size_t k = 0; k < count; k++)
            for (unsigned r = 0; r < d->defect[i]->rule_count; r++) {
                const char *id = gpup_rule_id(d->defect[i]->rules[r]);
                snprintf(from, sizeof from, "%s/%s", raw, names[k]);
                snprintf(to, sizeof to, "%s/%s.yaml", d->keep, o.label);
                if (strncmp(names[k], id, strlen(id)) != 0 || access(to, F_OK) == 0 ||
                    !triage_one(&o, names[k], from))
                    continue;
                snprintf(from, sizeof from, "%s/findings/%s/program.yaml", o.out, names[k]);
                char *text = read_file(from, &size);
                if (text && write_file(to, text, size))
                    fprintf(stderr, "%s\n", to);
                free(text);
            }
        free_names(names, count);
    }
}

/* FNV-1a of the target and the drivers. */
static uint32_t build_of(const char *tools) {
    static const char *const parts[] = {"fuzz_program", "reference-defects.fuzz.so",
                                        "framework-defects.fuzz.so"};
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[PATH_ROOM];
        size_t size = 0;
        snprintf(path, sizeof path, "%s/%s", tools, parts[i]);
        char *bytes = read_file(path, &size);
        for (size_t k = 0; bytes && k < size; k++)
            hash = (hash ^ (uint8_t)bytes[k]) * 16777619u;
        free(bytes);
    }
    return hash;
}

/* Files, not their folder, which libFuzzer would add to. */
static bool list_seeds(const struct options *o) {
    char folder_name[PATH_ROOM], path[PATH_ROOM], **names;
    snprintf(folder_name, sizeof folder_name, "%s/seeds/program", o->tools);
    snprintf(path, sizeof path, "%s/seeds.txt", o->out);
    size_t count = list_names(folder_name, &names);
    FILE *list = fopen(path, "w");
    for (size_t i = 0; i < count && list; i++)
        fprintf(list, "%s%s/%s", i ? "," : "", folder_name, names[i]);
    free_names(names, count);
    return list && fclose(list) == 0 && count;
}

static int usage(void) {
    fputs("gpup-fuzz detect: expected [--defects BUG-nnn,...|all] [--seeds 1..16] [--cap N] [--alone N] "
          "[--jobs N] [--time 8h]\n"
          "                 [--compare | --table FILE [--resume]] [--seeded] [--keep DIR] [--out DIR]\n",
          stderr);
    return 2;
}

enum { DEFECTS = 1, SEEDS, CAP, ALONE, JOBS, TIME, COMPARE, TABLE, KEEP, SEEDED, RESUME, OUT };
static const struct option known[] = {{"defects", 1, NULL, DEFECTS},
                                      {"seeds", 1, NULL, SEEDS},
                                      {"cap", 1, NULL, CAP},
                                      {"alone", 1, NULL, ALONE},
                                      {"jobs", 1, NULL, JOBS},
                                      {"time", 1, NULL, TIME},
                                      {"compare", 0, NULL, COMPARE},
                                      {"table", 1, NULL, TABLE},
                                      {"keep", 1, NULL, KEEP},
                                      {"seeded", 0, NULL, SEEDED},
                                      {"resume", 0, NULL, RESUME},
                                      {"out", 1, NULL, OUT},
                                      {NULL, 0, NULL, 0}};

static bool count(unsigned limit, unsigned *out) {
    uint64_t value;
    bool ok = option_number(optarg, &value) && value <= limit;
    *out = ok ? (unsigned)value : 0;
    return ok;
}

static bool take(struct detection *d, struct options *o, int option, const char **names) {
    switch (option) {
    case DEFECTS:
        *names = strcmp(optarg, "all") == 0 ? NULL : optarg;
        return true;
    case SEEDS:
        return count(DETECT_SEEDS, &d->seeds);
    case CAP:
        return option_number(optarg, &d->cap);
    case ALONE: /* 0: none of them */
        d->alone = 0;
        return strcmp(optarg, "0") == 0 || option_number(optarg, &d->alone);
    case JOBS:
        return count(MAX_WORKERS, &d->jobs);
    case TIME:
        return option_duration(optarg, &d->seconds);
    case COMPARE:
        d->modes = 2;
        d->together = d->of_area = DETECT_TOGETHER;
        d->alone = 0;
        return true;
    case TABLE:
        d->table = optarg;
        return true;
    case KEEP:
        d->keep = optarg;
        return true;
    case SEEDED:
        return (d->seeded = true);
    case RESUME:
        return (d->resume = true);
    case OUT:
        snprintf(o->out, sizeof o->out, "%s", optarg);
        return true;
    default:
        return false;
    }
}

int detect(int argc, char **argv, struct options *o) {
    static struct detection d;
    const char *names = bench_defects;
    d = (struct detection){.o = o,
                           .seeds = 3,
                           .modes = 1,
                           .cap = 200000,
                           .jobs = o->jobs,
                           .together = TOGETHER,
                           .of_area = OF_AREA,
                           .alone = SOON};
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (!take(&d, o, option, &names))
            return usage();
    if (optind != argc || (d.modes > 1 && d.table) || (d.resume && !d.table))
        return usage();
    choose(&d, names);
    d.build = build_of(o->tools);
    if (d.defects == 0 || !folder("%s/log", o->out) || !folder("%s/crashes", o->out))
        return usage();
    if (d.seeded && !list_seeds(o))
        return fprintf(stderr, "gpup-fuzz: %s/seeds/program: there are no programs\n", o->tools), 2;
    if (d.resume)
        detection_read(&d);
    detect_measure(&d);
    keep_programs(&d);
    detection_print(&d, stdout);
    if (!detection_write(&d))
        return fprintf(stderr, "gpup-fuzz: %s cannot be written\n", d.table), 2;
    return d.failed ? 3 : 0;
}
