/* gpup-fuzz: campaigns against one implementation. `./cts fuzz` builds it and hands its words over. */
#include "campaign.h"
#include "oracles.h"

#include <gpup/binding.h>
#include <gpup/files.h>

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(FILE *out, int status) {
    fputs("usage: gpup-fuzz [run] [IMPL] [--engine libfuzzer|afl|both] [--time 10m|--runs N|--forever] "
          "[--jobs N]\n"
          "                 [--target program|call|blob|packet|yaml|binary|trace|journal|package|image] "
          "[--negative] "
          "[--strict]\n"
          "                 [--seed S] [--out DIR] [--resume] [--known FILE] [--cap MIB]\n"
          "                 [--oracles recovery,twin|all|none] [--file NAME=PATH]\n"
          "       gpup-fuzz minimise [--out DIR]     the corpus of a campaign, by afl-cmin and libFuzzer's "
          "merge\n"
          "       gpup-fuzz speed [IMPL] [--out DIR]  an execution of programs beside one of nothing\n"
          "       gpup-fuzz images PLAIN.sys COUNTED.sys [--runs N] [--out DIR]  a driver image without "
          "counters "
          "beside one with\n"
          "       gpup-fuzz detect [--defects BUG-nnn,...|all] [--seeds N] [--cap N] [--compare] [--table "
          "FILE [--resume]]\n"
          "                        [--time 8h] [--jobs N] [--out DIR]\n\n"
          "Without --time, --runs and --forever: 60 s, after the seeds, which are run first and count.\n"
          "IMPL: reference (default), reference:DEFECT, second, framework, file.so, file.so:OPTION\n"
          "exit status: 0 nothing new, 1 a new finding, 2 wrong usage, 3 nothing could be executed\n",
          out);
    return status;
}

/* One line: what was expected, what was found. */
static int refuse(const char *option, const char *found, const char *expected) {
    fprintf(stderr, "gpup-fuzz: %s%s: expected %s, found %s; `gpup-fuzz --help` shows all options\n",
            *option == '-' ? "" : "--", option, expected, found);
    return 2;
}

enum {
    ENGINE = 1,
    TIME,
    RUNS,
    FOREVER,
    JOBS,
    TARGET,
    NEGATIVE,
    STRICT,
    SEED,
    OUT,
    RESUME,
    KNOWN,
    CAP,
    ORACLES,
    QUIET,
    GIVEN,
    HELP
};
static const struct option known[] = {
    {"engine", 1, NULL, ENGINE},     {"time", 1, NULL, TIME},       {"runs", 1, NULL, RUNS},
    {"forever", 0, NULL, FOREVER},   {"jobs", 1, NULL, JOBS},       {"target", 1, NULL, TARGET},
    {"negative", 0, NULL, NEGATIVE}, {"strict", 0, NULL, STRICT},   {"seed", 1, NULL, SEED},
    {"out", 1, NULL, OUT},           {"resume", 0, NULL, RESUME},   {"known", 1, NULL, KNOWN},
    {"cap", 1, NULL, CAP},           {"oracles", 1, NULL, ORACLES}, {"quiet", 0, NULL, QUIET},
    {"file", 1, NULL, GIVEN},        {"help", 0, NULL, HELP},       {NULL, 0, NULL, 0}};

/* By the number of the option. */
static const char *const expected[] = {[ENGINE] = "libfuzzer, afl or both",
                                       [TIME] = "a time from 1 s on, as 90, 90s, 10m or 8h",
                                       [RUNS] = "a number from 1 on",
                                       [JOBS] = "a number from 1 to 64",
                                       [SEED] = "a number from 1 on",
                                       [CAP] = "a number of MiB from 1 on",
                                       [ORACLES] = "recovery, twin, recovery,twin, all or none"};

bool option_number(const char *text, uint64_t *out) {
    char *end;
    *out = strtoull(text, &end, 10);
    return end != text && *end == 0 && *text != '-' && *out;
}

bool option_duration(const char *text, uint64_t *out) {
    char *end;
    uint64_t unit = 1;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoull(text, &end, 10);
    if (end != text && *end && !end[1]) {
        unit = *end == 'h' ? 3600 : *end == 'm' ? 60 : *end == 's' ? 1 : 0;
        end++;
    }
    *out *= unit;
    return *end == 0 && *out;
}

static bool engine(const char *text, struct options *o) {
    bool both = strcmp(text, "both") == 0;
    o->libfuzzer = both || strcmp(text, "libfuzzer") == 0;
    o->afl = both || strcmp(text, "afl") == 0;
    return o->libfuzzer || o->afl;
}

/* For this process and all that it starts: paths are made whole, and what is wrong with one is said here. */
static bool give(const char *text) {
    const char *before = getenv("GPUP_FILES"), *equals = strchr(text, '=');
    char *path = equals && equals[1] ? realpath(equals + 1, NULL) : NULL;
    struct gpup_given_files files = {0};
    char *lines = NULL, message[PATH_ROOM];
    int length = asprintf(&lines, "%s%s%.*s%s", before ? before : "", before && *before ? "\n" : "",
                          (int)(path ? equals + 1 - text : (ptrdiff_t)strlen(text)), text, path ? path : "");
    bool ok = length >= 0 && gpup_files_give_lines(&files, lines, message, sizeof message);
    if (ok)
        setenv("GPUP_FILES", lines, 1);
    else
        fprintf(stderr, "gpup-fuzz: --file: %s\n", length < 0 ? "out of memory" : message);
    gpup_files_free(&files);
    free(lines);
    free(path);
    return ok;
}

static bool take(struct options *o, int option) {
    uint64_t value = 0;
    unsigned oracles;
    switch (option) {
    case ENGINE:
        return engine(optarg, o);
    case TIME:
        return option_duration(optarg, &o->seconds);
    case RUNS:
        return option_number(optarg, &o->runs);
    case FOREVER:
        return (o->forever = true);
    case JOBS:
        if (!option_number(optarg, &value) || value > MAX_WORKERS)
            return false;
        o->jobs = (unsigned)value;
        return true;
    case TARGET:
        o->target = optarg;
        return true;
    case NEGATIVE:
        return (o->negative = true);
    case STRICT:
        return (o->strict = true);
    case SEED:
        return option_number(optarg, &o->seed);
    case OUT:
        snprintf(o->out, sizeof o->out, "%s", optarg);
        return true;
    case RESUME:
        return (o->resume = true);
    case KNOWN:
        o->known = optarg;
        return true;
    case CAP:
        return option_number(optarg, &o->cap_mib);
    case ORACLES:
        o->oracles = optarg;
        return fuzz_oracles_parse(optarg, &oracles);
    case QUIET:
        return (o->quiet = true);
    default:
        return false;
    }
}

#define HELPED -1

/* 0, HELPED or the status to end with. */
static int read_options(int argc, char **argv, struct options *o) {
    int index = 0;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "h", known, &index)) != -1;) {
        if (option == 'h' || option == HELP)
            return usage(stdout, HELPED);
        if (option == '?')
            return refuse(argv[optind - 1], "one that is not, or has no value", "an option of gpup-fuzz");
        if (option == GIVEN ? !give(optarg) : !take(o, option))
            return option == GIVEN ? 2 : refuse(known[index].name, optarg, expected[option]);
    }
    if (o->known && access(o->known, R_OK) != 0) {
        fprintf(stderr, "gpup-fuzz: --known %s cannot be read: %s; expected the known.txt of a campaign\n",
                o->known, strerror(errno));
        return 2;
    }
    return 0;
}

static bool target_exists(const struct options *o) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/fuzz_%s", o->tools, o->target);
    bool ok = strlen(o->target) < 32 && !strchr(o->target, '/') && access(path, X_OK) == 0;
    if (!ok)
        fprintf(stderr, "gpup-fuzz: there is no target fuzz_%.32s in %s\n", o->target, o->tools);
    return ok;
}

/* `reference:DEFECT` stands in an object of its own; a name without a slash or dot is one of ours. */
static bool resolve(struct options *o, const char *name) {
    char path[PATH_ROOM], full[PATH_ROOM];
    const char *colon = strchr(name, ':');
    size_t length = colon ? (size_t)(colon - name) : strlen(name);
    o->label = name;
    snprintf(path, sizeof path, "%.*s", (int)length, name);
    if (!strchr(path, '/') && !strchr(path, '.')) {
        bool defect = colon && (strcmp(path, "reference") == 0 || strcmp(path, "framework") == 0);
        snprintf(path, sizeof path, "%s/%.*s%s.fuzz.so", o->tools, (int)length, name,
                 defect ? "-defects" : "");
    }
    struct gpup_binding_parts parts;
    char model[PATH_ROOM] = "";
    gpup_binding_split(path, &parts);
    if (!realpath(parts.driver, full) || (parts.model[0] && !realpath(parts.model, model))) {
        fprintf(stderr, "gpup-fuzz: %s: there is no such implementation (%s)\n", name, path);
        return false;
    }
    snprintf(o->implementation, sizeof o->implementation, "%s%s%s%s", full, model[0] ? "@" : "", model,
             colon ? colon : "");
    return true;
}

static bool find_tools(struct options *o) {
    char self[PATH_ROOM - 64] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    snprintf(o->tools, sizeof o->tools, "%s", dirname(self));
    return length > 0;
}

int main(int argc, char **argv) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    static struct options o;
    o = (struct options){
        .target = "program", .out = "out/fuzz", .libfuzzer = true, .cap_mib = 2048, .seed = 1};
    o.jobs = cores > 0 ? (unsigned)cores : 1;
    if (!find_tools(&o))
        return 3;
    if (argc > 1 && strcmp(argv[1], "detect") == 0) {
        snprintf(o.out, sizeof o.out, "%s/detect", o.tools);
        return detect(argc - 1, argv + 1, &o);
    }
    bool measuring = argc > 1 && strcmp(argv[1], "speed") == 0;
    bool comparing = argc > 1 && strcmp(argv[1], "images") == 0;
    bool minimising = argc > 1 && strcmp(argv[1], "minimise") == 0;
    optind = minimising || measuring || comparing || (argc > 1 && strcmp(argv[1], "run") == 0) ? 2 : 1;
    int status = read_options(argc, argv, &o);
    if (status)
        return status == HELPED ? 0 : status;
    char plain[PATH_ROOM], counted[PATH_ROOM];
    if (comparing)
        return argc - optind == 2 && realpath(argv[optind], plain) && realpath(argv[optind + 1], counted) &&
                       folder("%s/log", o.out)
                   ? images(&o, plain, counted)
                   : usage(stderr, 2);
    if (argc - optind > 1 || !target_exists(&o) || !resolve(&o, optind < argc ? argv[optind] : "reference"))
        return argc - optind > 1 ? usage(stderr, 2) : 2;
    if (!o.seconds && !o.runs && !o.forever)
        o.seconds = 60;
    if (minimising && access(o.out, R_OK | X_OK) != 0)
        return fprintf(stderr, "gpup-fuzz: %s: %s; expected the folder of a campaign\n", o.out,
                       strerror(errno)),
               2;
    if (!folder("%s/log", o.out))
        return fprintf(stderr, "gpup-fuzz: %s/log cannot be made: %s; name another --out\n", o.out,
                       strerror(errno)),
               2;
    if (!measuring && !campaign_lock(&o))
        return 2;
    if (measuring)
        return speed(&o);
    if (minimising)
        return minimise(&o), 0;
    campaign_heed_signals();
    return campaign_run(&o);
}
