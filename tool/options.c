#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int usage_error(const char *format, ...) {
    va_list list;
    fputs("gpup-cts: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return 2;
}

static bool number(const char *option, const char *text, uint64_t max, uint64_t *out) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || value > max) {
        usage_error("--%s: expected a number up to %llu, found '%s'", option, (unsigned long long)max, text);
        return false;
    }
    *out = value;
    return true;
}

static bool shard(const char *text, struct options *o) {
    char *end;
    unsigned long index = strtoul(text, &end, 10), count = *end == '/' ? strtoul(end + 1, &end, 10) : 0;
    if (*end || index < 1 || index > count || count > 10000) {
        usage_error("--shard: expected I/N with 1 <= I <= N, for example 1/3, found '%s'", text);
        return false;
    }
    o->shard_index = (unsigned)index;
    o->shard_count = (unsigned)count;
    return true;
}

static bool profile(const char *text, struct options *o) {
    static const char *const names[] = {"smoke", "certification", "full", "nightly"};
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(names[i], text) == 0) {
            o->profile = names[i];
            return true;
        }
    usage_error("--profile: expected smoke, certification, full or nightly, found '%s'", text);
    return false;
}

enum {
    PROFILE = 1,
    SELECT,
    JOBS,
    SHARD,
    SEED,
    OUT,
    EXPECT,
    TRACES,
    STRICT,
    RESUME,
    JSON,
    TIMEOUT,
    REVERSE,
    SIGN,
    KEY,
    BASELINE,
    GIVEN
};
static const struct option known[] = {
    {"profile", 1, NULL, PROFILE}, {"select", 1, NULL, SELECT},     {"jobs", 1, NULL, JOBS},
    {"shard", 1, NULL, SHARD},     {"seed", 1, NULL, SEED},         {"out", 1, NULL, OUT},
    {"expect", 1, NULL, EXPECT},   {"traces", 1, NULL, TRACES},     {"strict", 0, NULL, STRICT},
    {"resume", 0, NULL, RESUME},   {"json", 0, NULL, JSON},         {"timeout", 1, NULL, TIMEOUT},
    {"reverse", 0, NULL, REVERSE}, {"baseline", 1, NULL, BASELINE}, {"file", 1, NULL, GIVEN},
    {"sign", 1, NULL, SIGN},       {"key", 1, NULL, KEY},           {NULL, 0, NULL, 0}};

static bool give(const char *text, struct options *o) {
    char message[1024];
    if (gpup_files_give(&o->files, text, message, sizeof message))
        return true;
    usage_error("--file: %s", message);
    return false;
}

static bool take(struct options *o, int option) {
    uint64_t value;
    switch (option) {
    case PROFILE:
        return profile(optarg, o);
    case SELECT:
        o->select = optarg;
        return true;
    case JOBS:
        if (!number("jobs", optarg, 64, &value))
            return false;
        if (value == 0)
            return usage_error("--jobs: expected at least 1, found '%s'", optarg), false;
        o->jobs = (unsigned)value;
        return true;
    case SHARD:
        return shard(optarg, o);
    case SEED:
        o->seeded = true;
        return number("seed", optarg, UINT64_MAX >> 1, &o->seed);
    case OUT:
    case 'o':
        o->out = optarg;
        return true;
    case SIGN:
        o->sign = optarg;
        return true;
    case KEY:
        o->key = optarg;
        return true;
    case EXPECT:
        o->expect = optarg;
        return true;
    case BASELINE:
        o->baseline = optarg;
        return true;
    case GIVEN:
        return give(optarg, o);
    case TRACES:
        o->all_traces = strcmp(optarg, "all") == 0;
        return o->all_traces || (usage_error("--traces: expected 'all', found '%s'", optarg), false);
    case TIMEOUT:
        if (!number("timeout", optarg, 3600, &value))
            return false;
        o->timeout_ms = (unsigned)value * 1000;
        return true;
    case STRICT:
        return (o->strict = true);
    case RESUME:
        return (o->resume = true);
    case JSON:
        return (o->json = true);
    case REVERSE:
        return (o->reverse = true);
    default:
        return false;
    }
}

bool options_parse(struct options *o, const char *command, int argc, char **argv) {
    *o = (struct options){.profile = "full", .shard_index = 1, .shard_count = 1};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    o->jobs = cores > 0 ? (unsigned)cores : 1;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":o:", known, NULL)) != -1;) {
        if (option == '?' || option == ':') {
            usage_error(option == ':' ? "%s: the option '%s' needs a value; see `gpup-cts help`"
                                      : "%s: unknown option '%s'; see `gpup-cts help`",
                        command, argv[optind - 1]);
            return false;
        }
        if (!take(o, option))
            return false;
    }
    for (; optind < argc; optind++) {
        if (o->word_count == sizeof o->words / sizeof *o->words) {
            usage_error("%s: too many arguments", command);
            return false;
        }
        o->words[o->word_count++] = argv[optind];
    }
    return true;
}
