/* gpup-cts: conformance and fuzzing of the Windows GPU-P driver DDIs. */
#include "tool.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name, *arguments, *what;
    int (*run)(const struct options *);
} commands[] = {
    {"run",
     "[IMPL] [--profile P] [--select GLOB] [--jobs N] [--shard I/N] [--seed S] [--out DIR]\n"
     "          [--expect FILE] [--baseline DIR] [--traces all] [--strict] [--resume] [--timeout S]\n"
     "          [--json] [--file NAME=PATH]...",
     "runs the programs, judges, writes results", command_run},
    {"list", "rules|scenarios|ddis|defects|imports FILE|blocks FILE [--json]", "one line each", command_list},
    {"replay", "PROGRAM [IMPL] [--file NAME=PATH]...", "runs one program and shows what happened",
     command_replay},
    {"shrink", "PROGRAM [IMPL] [--file NAME=PATH]...", "prints a smaller program with the same finding",
     command_shrink},
    {"check", "TRACE [--json]", "judges a stored trace", command_check},
    {"report", "DIR... [--out DIR] [--expect FILE] [--baseline DIR] [--strict] [--json]",
     "results of stored journals; several are merged", command_report},
    {"package", "DIR... -o FILE [--expect FILE] [--strict] [--sign KEY]",
     "one archive of the shards of a run, with all that its verdicts rest on", command_package},
    {"verify", "FILE [--key PUB]", "derives the verdicts of a package again and compares", command_verify},
    {"compare", "OLD NEW [--json]", "what differs between two runs: directories or packages",
     command_compare},
    {"keygen", "FILE", "a key for --sign; FILE.pub is the one for --key", command_keygen},
    {"bench", "", "figures, one `name value unit` per line", command_bench},
    {"image-coverage", "begin|instructions IMAGE FILE, lcov IMAGE FILE LISTING",
     "what runs with GPUP_IMAGE_COVERAGE=FILE reached of a driver image (`cts coverage` does all of it)",
     command_image_coverage},
};

static int help(FILE *out) {
    fputs("usage: gpup-cts COMMAND ...\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-7s %s\n          %s\n", commands[i].name, commands[i].arguments, commands[i].what);
    fputs(
        "\nIMPL: reference (default), reference:DEFECT, second, null, refuser, yesman, framework, "
        "framework:DEFECT, file.so, driver.sys,\n"
        "  driver.sys@model.so: with the GPU of an object\n"
        "--file: a file of this machine that the driver finds, for example\n"
        "  --file '\\SystemRoot\\System32\\drivers\\vendor_fw.bin=fw.bin'\n"
        "profiles: smoke, certification, full (default), nightly\n"
        "exit status: 0 all required rules passed, 1 a failure, crash or timeout, 2 wrong usage or "
        "unreadable input,\n"
        "  3 the implementation could not be loaded or the suite failed, 4 a required rule was not judged,\n"
        "  5 stale expectations\n",
        out);
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
    struct options options;
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(stdout);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return options_parse(&options, argv[1], argc - 1, argv + 1) ? commands[i].run(&options) : 2;
    return usage_error("unknown command '%s'; see `gpup-cts help`", argv[1]);
}
