/* One engine as a process: libFuzzer in this folder's corpus, or afl-fuzz in a folder of its own. */
#include "campaign.h"
#include "settings.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void redirect(const char *log) {
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666),
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, 0);
    dup2(fd, 1);
    dup2(fd, 2);
}

void set_target_environment(const struct options *o, bool quiet) {
    char raw[PATH_ROOM];
    snprintf(raw, sizeof raw, "%s/raw", o->out);
    setenv("GPUP_FUZZ_IMPL", o->implementation, 1);
    setenv("GPUP_FUZZ_FINDINGS", raw, 1);
    setenv("GPUP_FUZZ_NEGATIVE", o->negative ? "1" : "0", 1);
    setenv("GPUP_FUZZ_STRICT", o->strict ? "1" : "0", 1);
    setenv("GPUP_FUZZ_QUIET", quiet ? "1" : "0", 1);
    if (o->oracles)
        setenv("GPUP_FUZZ_ORACLES", o->oracles, 1);
    unsetenv("GPUP_FUZZ_SHARE"); /* the usual fraction */
}

/* About 100 steps of a program; of other forms at least the largest seed. */
const char *max_input(const struct options *o) {
    static const struct {
        const char *target, *most;
    } of[] = {{"program", "2048"}, {"binary", "2048"},  {"yaml", "8192"},  {"trace", "8192"},
              {"journal", "8192"}, {"package", "8192"}, {"image", "16384"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (strcmp(o->target, of[i].target) == 0)
            return of[i].most;
    return "1024";
}

static bool is_text(const struct options *o) {
    static const char *const texts[] = {"yaml", "trace", "journal"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(o->target, texts[i]) == 0)
            return true;
    return false;
}

/* Words of the target's input; false: the typed mutator knows better. */
static bool dictionary(const struct options *o, char *path) {
    snprintf(path, PATH_ROOM, "%s/seeds/%s.dict", o->tools, is_text(o) ? "yaml" : "binary");
    return strcmp(o->target, "program") != 0 && strcmp(o->target, "image") != 0 && access(path, R_OK) == 0;
}

static void set_afl_environment(const struct options *o) {
    static const char *const on[] = {
        "AFL_NO_UI",       "AFL_SKIP_CPUFREQ", "AFL_AUTORESUME", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES",
        "AFL_NO_AFFINITY", "AFL_DISABLE_TRIM", "AFL_FAST_CAL",   "AFL_NO_STARTUP_CALIBRATION"};
    char mutator[PATH_ROOM];
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        setenv(on[i], "1", 1);
    setenv("AFL_SYNC_TIME", "1", 1); /* minutes between looks at the others; 20 by itself */
    snprintf(mutator, sizeof mutator, "%s/gpup-afl-mutator.so", o->tools);
    if (strcmp(o->target, "program") == 0) { /* the others take bytes as they are */
        setenv("AFL_CUSTOM_MUTATOR_LIBRARY", mutator, 1);
        setenv("AFL_CUSTOM_MUTATOR_ONLY", "1", 1);
    }
}

static _Noreturn void become_libfuzzer(const struct options *o, const struct worker *w, uint64_t seconds,
                                       uint64_t runs) {
    char target[PATH_ROOM], seed[64], prefix[PATH_ROOM], corpus[PATH_ROOM], limit[64], length[32];
    char words[PATH_ROOM], given[PATH_ROOM + 8], timeout[32];
    snprintf(length, sizeof length, "-max_len=%s", max_input(o));
    snprintf(target, sizeof target, "%s/fuzz_%s", o->tools, o->target);
    snprintf(seed, sizeof seed, "-seed=%llu", (unsigned long long)o->seed + w->index + 1000ull * w->lives);
    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/crashes/", o->out);
    snprintf(corpus, sizeof corpus, "%s/corpus", o->out);
    if (runs)
        snprintf(limit, sizeof limit, "-runs=%llu", (unsigned long long)runs);
    else
        snprintf(limit, sizeof limit, "-max_total_time=%llu", (unsigned long long)seconds);
    snprintf(timeout, sizeof timeout, "-timeout=%u", fuzz_limit());
    snprintf(given, sizeof given, "-dict=%s", dictionary(o, words) ? words : "");
    set_target_environment(o, true);
    execl(target, target, seed, limit, length, "-len_control=0", "-rss_limit_mb=4096", timeout,
          "-report_slow_units=60", "-reload=5", prefix, corpus, dictionary(o, words) ? given : (char *)NULL,
          (char *)NULL);
    _exit(127);
}

static _Noreturn void become_afl(const struct options *o, const struct worker *w, uint64_t seconds,
                                 uint64_t runs) {
    char target[PATH_ROOM], name[32], out[PATH_ROOM], corpus[PATH_ROOM], limit[32], seed[32];
    char words[PATH_ROOM];
    bool leader = w->index == 0;
    char *argv[32] = {
        "afl-fuzz", leader ? "-M" : "-S",           name, "-i", corpus, "-o", out, "-s", seed, "-t", "5000+",
        "-G",       (char *)(uintptr_t)max_input(o)};
    size_t count = 13;
    snprintf(target, sizeof target, "%s/fuzz_%s_afl", o->tools, o->target);
    snprintf(name, sizeof name, "w%u", w->index);
    snprintf(out, sizeof out, "%s/afl", o->out);
    snprintf(corpus, sizeof corpus, "%s/corpus", o->out);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)(o->seed + w->index) % 100000u);
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)(runs ? runs : seconds));
    if (runs || seconds) {
        argv[count++] = runs ? "-E" : "-V";
        argv[count++] = limit;
    }
    if (dictionary(o, words)) {
        argv[count++] = "-x";
        argv[count++] = words;
    }
    if (leader) { /* takes over what libFuzzer adds */
        argv[count++] = "-F";
        argv[count++] = corpus;
    }
    argv[count++] = "--";
    argv[count++] = target;
    set_target_environment(o, true);
    set_afl_environment(o);
    execvp(argv[0], argv);
    _exit(127);
}

static void log_path(const struct options *o, const struct worker *w, char *out, size_t size) {
    snprintf(out, size, "%s/log/%s%u.log", o->out, w->afl ? "afl" : "libfuzzer", w->index);
}

bool worker_start(const struct options *o, struct worker *w, uint64_t seconds, uint64_t runs) {
    char log[PATH_ROOM];
    log_path(o, w, log, sizeof log);
    w->before += w->now;
    w->now = 0;
    w->ended = false;
    w->pid = fork();
    if (w->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no engine outlives its campaign */
        setpgid(0, 0);                    /* an interrupt of the terminal is the campaign's */
        redirect(log);
        if (w->afl)
            become_afl(o, w, seconds, runs);
        become_libfuzzer(o, w, seconds, runs);
    }
    w->lives++;
    return w->pid > 0;
}

static void look_at_afl(const struct options *o, struct worker *w) {
    char path[PATH_ROOM];
    size_t size;
    snprintf(path, sizeof path, "%s/afl/w%u/fuzzer_stats", o->out, w->index);
    char *text = read_file(path, &size), *at = text ? strstr(text, "execs_done") : NULL;
    if (at && (at = strchr(at, ':')))
        w->now = strtoull(at + 1, NULL, 10);
    if (text && (at = strstr(text, "edges_found")) && (at = strchr(at, ':')))
        w->covered = (unsigned)strtoul(at + 1, NULL, 10);
    free(text);
}

/* The number behind a word of the line, or `old`. */
static unsigned long long after(const char *line, const char *end, const char *word, unsigned long long old) {
    const char *at = strstr(line, word);
    return at && (!end || at < end) ? strtoull(at + strlen(word), NULL, 10) : old;
}

/* The last line of the form `#1234 NEW cov: 5 ft: 6 ...`. */
static void look_at_libfuzzer(const struct options *o, struct worker *w) {
    char path[PATH_ROOM], tail[16384];
    log_path(o, w, path, sizeof path);
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    fseek(file, 0, SEEK_END);
    long end = ftell(file);
    fseek(file, end > (long)sizeof tail - 1 ? end - (long)sizeof tail + 1 : 0, SEEK_SET);
    tail[fread(tail, 1, sizeof tail - 1, file)] = 0;
    fclose(file);
    for (char *line = tail, *next; line; line = next) {
        next = strchr(line, '\n');
        next = next ? next + 1 : NULL;
        bool pulse = *line == '#' && line[1] >= '0' && line[1] <= '9';
        w->now = after(line, next, pulse ? "#" : "SUMMARY executions ", w->now);
        if (pulse) { /* features stand alone where nothing is instrumented */
            w->covered = (unsigned)after(line, next, "cov: ", w->covered);
            w->features = (unsigned)after(line, next, "ft: ", w->features);
        }
    }
}

void worker_look(const struct options *o, struct worker *w) {
    if (w->afl)
        look_at_afl(o, w);
    else
        look_at_libfuzzer(o, w);
}

/* libFuzzer takes SIGINT in the middle of an execution, also of a switch of stacks; SIGUSR1 after it. */
void worker_stop(struct worker *w) {
    int status;
    if (w->pid <= 0 || w->ended)
        return;
    kill(w->pid, w->afl ? SIGINT : SIGUSR1);
    for (unsigned i = 0; i < 100; i++) { /* both engines save and leave */
        if (waitpid(w->pid, &status, WNOHANG) == w->pid) {
            w->ended = true;
            return;
        }
        usleep(100000);
    }
    kill(w->pid, SIGKILL);
    waitpid(w->pid, &status, 0);
    w->ended = true;
}

int run_tool(const char *log, char *const argv[], bool (*over)(void)) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        redirect(log);
        execvp(argv[0], argv);
        _exit(127);
    }
    pid_t done = 0;
    while (pid > 0 && (done = waitpid(pid, &status, WNOHANG)) == 0) {
        if (over())
            kill(-pid, SIGKILL);
        usleep(20000);
    }
    if (pid < 0 || done != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
