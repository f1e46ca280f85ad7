#include "wanted.h"

#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WANTED 64u
#define RULES 8u  /* of one fault */
#define KEYS 512u /* that are remembered of one fault */
#define PATIENCE_S 60u

/* How often a finding was made while the fault was looked for. */
struct met {
    uint32_t key, times;
};

struct wanted {
    char id[16], names[128]; /* names: of its rules, as they were given */
    uint16_t rule[RULES];
    unsigned rules, keys;
    bool found;
    struct met met[KEYS];
};

static struct wanted wanted[WANTED];
static unsigned count, open_count;

/* `FAULT=RULE,RULE`, which is cut up. */
static bool parse_one(char *text, struct wanted *w) {
    char *names = strchr(text, '='), *at, *name;
    *w = (struct wanted){.rules = 0};
    if (!names || (size_t)(names - text) >= sizeof w->id || strlen(names + 1) >= sizeof w->names)
        return false;
    *names++ = 0;
    snprintf(w->id, sizeof w->id, "%s", text);
    snprintf(w->names, sizeof w->names, "%s", names);
    for (name = strtok_r(names, ",", &at); name; name = strtok_r(NULL, ",", &at)) {
        if (w->rules == RULES || gpup_rule_find(name) == GPUP_SPEC_NONE)
            return false;
        w->rule[w->rules++] = gpup_rule_find(name);
    }
    return w->id[0] && w->rules;
}

bool fuzz_wanted_parse(const char *text) {
    char *copy = strdup(text), *at, *one;
    bool ok = copy != NULL;
    count = 0;
    for (one = ok ? strtok_r(copy, ";", &at) : NULL; one && ok; one = strtok_r(NULL, ";", &at))
        ok = count < WANTED && parse_one(one, &wanted[count]) && ++count;
    open_count = count;
    free(copy);
    return ok && count;
}

static bool tied(const struct wanted *w, uint16_t rule) {
    for (unsigned i = 0; i < w->rules; i++)
        if (w->rule[i] == rule)
            return true;
    return false;
}

/* At the first time and whenever their number has doubled: of a finding that another fault makes all the
 * time it does not become many, and none of the first KEYS is given up. */
static bool worth_trying(struct wanted *w, uint32_t key) {
    unsigned i = 0;
    while (i < w->keys && w->met[i].key != key)
        i++;
    if (i == KEYS)
        return false;
    w->keys += i == w->keys;
    w->met[i].key = key;
    w->met[i].times++;
    return (w->met[i].times & (w->met[i].times - 1)) == 0;
}

/* The program as a file without a name. */
static int file_of(const struct gpup_program *program) {
    size_t size = gpup_program_encode(program, NULL, 0);
    uint8_t *bytes = malloc(size ? size : 1);
    int fd = bytes ? memfd_create("program", 0) : -1;
    if (fd >= 0) {
        gpup_program_encode(program, bytes, size);
        if (write(fd, bytes, size) != (ssize_t)size) {
            close(fd);
            fd = -1;
        }
    }
    free(bytes);
    return fd;
}

/* The driver with this fault instead of all of them; programs of its findings in a folder of its own. */
static void set_environment(const struct wanted *w, const char *driver) {
    struct gpup_binding_parts parts;
    char text[8300];
    const char *findings = getenv("GPUP_FUZZ_FINDINGS");
    gpup_binding_split(driver, &parts);
    snprintf(text, sizeof text, "%s%s%s:%s", parts.driver, parts.model[0] ? "@" : "", parts.model, w->id);
    setenv("GPUP_FUZZ_IMPL", text, 1);
    setenv("GPUP_FUZZ_STOP", w->names, 1);
    unsetenv("GPUP_FUZZ_WANT");
    snprintf(text, sizeof text, "%s/%s", findings ? findings : "", w->id);
    if (findings)
        setenv("GPUP_FUZZ_FINDINGS", text, 1);
}

/* Damage that a sanitizer reports ends with another status than a finding. */
static _Noreturn void become(const struct wanted *w, const char *driver, int program) {
    char path[64];
    int null = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with the campaign that asks */
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    snprintf(path, sizeof path, "/proc/self/fd/%d", program);
    set_environment(w, driver);
    alarm(PATIENCE_S); /* until libFuzzer has a clock of its own */
    execl("/proc/self/exe", "fuzz_program", path, "-timeout=30", "-error_exitcode=1", "-detect_leaks=0",
          "-exact_artifact_path=/dev/null", (char *)NULL);
    _exit(127);
}

/* A process, because nothing of this one's driver, worlds and counters may come into it, and nothing of it
 * comes back but its status. */
static bool confirmed(const struct wanted *w, const char *driver, const struct gpup_program *program) {
    int fd = file_of(program), status = -1;
    pid_t pid = fd >= 0 ? fork() : -1;
    if (pid == 0)
        become(w, driver, fd);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (fd >= 0)
        close(fd);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == FUZZ_STOPPED;
}

bool fuzz_wanted_look(const struct fuzz_engine *engine, const struct gpup_program *program) {
    const struct gpup_finding *made;
    for (size_t next = 0; (made = fuzz_engine_next(engine, &next));)
        for (unsigned i = 0; i < count; i++) {
            struct wanted *w = &wanted[i];
            if (w->found || !tied(w, made->rule) || !worth_trying(w, made->key) ||
                !confirmed(w, fuzz_engine_binding(engine)->name, program))
                continue;
            w->found = true;
            open_count--;
            fprintf(stderr, "FOUND %s %s after %llu executions\n", w->id, gpup_rule_id(made->rule),
                    (unsigned long long)fuzz_engine_executions(engine));
        }
    return open_count == 0;
}
