/* Mechanical mutants of a driver: is each one killed by a rule?
 *
 *   mutants DIRECTORY SOUND.so COUNT SEED [-s SURVIVORS.txt] [-j JOBS] [-1 ID] [-f GLOB] [-a]
 *
 * DIRECTORY: the driver's sources, each *.c of which is compiled (CC and CFLAGS of the environment) and
 * linked into a shared object. COUNT mutants are chosen by SEED among all; what does not compile, or compiles
 * to the same code, is no mutant: the next one takes its place. A survivor needs its reason in SURVIVORS.txt
 * ("ID  why"), a reason needs its survivor; at least WANTED of 100 must be killed. -1: that mutant alone.
 * -f: of the sample, those in files that match. -a: a line for each at once.
 */
#include "campaign.h"
#include "mutate.h"

#include <fnmatch.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WANTED 90u
#define FILES 100u

enum outcome { NOT_JUDGED, NO_CHANGE, KILLED, SURVIVED, ELSEWHERE, NO_MUTANT };

struct fate {
    enum outcome outcome;
    char line[500]; /* for the report */
};

struct job {
    const char *directory, *survivors, *only, *files_named;
    size_t wanted;
    unsigned long seed;
    unsigned jobs;
    bool all;
    char *file[FILES]; /* path of each source */
    char *text[FILES];
    size_t size[FILES], files;
    struct mutant *mutant; /* in the order of the sample */
    size_t count;
    struct fate *fate; /* of each mutant; the processes share them */
    char work[64];
    struct campaign campaign;
};

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = file ? calloc(1, 1 << 20) : NULL;
    *size = text ? fread(text, 1, (1 << 20) - 1, file) : 0;
    if (file)
        fclose(file);
    return text;
}

static bool shell(const char *command) {
    pid_t pid;
    int status;
    char *arguments[] = {"sh", "-c", (char *)command, NULL};
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) != pid)
        return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool compile(const struct job *j, const char *level, const char *source, const char *object) {
    char command[16384];
    snprintf(command, sizeof command, "exec $CC $CFLAGS -w %s -fPIC -I'%s' -c '%s' -o '%s' 2>/dev/null",
             level, j->directory, source, object);
    return shell(command);
}

static bool same_bytes(const char *a, const char *b) {
    size_t na, nb;
    char *x = read_file(a, &na), *y = read_file(b, &nb);
    bool same = x && y && na == nb && memcmp(x, y, na) == 0;
    free(x);
    free(y);
    return same;
}

static const char *base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool put_back(const struct job *j, size_t i, const char *path) {
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(j->text[i], 1, j->size[i], file) == j->size[i];
    return file && fclose(file) == 0 && written;
}

/* Every source once, so that a mutant costs one compilation. The mutant is always compiled from the same
 * place: equal code gives equal bytes. */
static bool build_sound(const struct job *j, const char *work) {
    char source[4200], object[4200];
    for (size_t i = 0; i < j->files; i++) {
        snprintf(source, sizeof source, "%s/%s", work, base(j->file[i]));
        snprintf(object, sizeof object, "%s/%s.o", work, base(j->file[i]));
        if (!put_back(j, i, source) || !compile(j, "-O1", source, object)) {
            fprintf(stderr, "%s: does not compile\n", j->file[i]);
            return false;
        }
    }
    return true;
}

static bool write_mutant(const struct job *j, size_t m, const char *path) {
    const struct mutant *x = &j->mutant[m];
    const char *text = j->text[x->file];
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    fwrite(text, 1, x->at, file);
    fputs(x->with, file);
    fwrite(text + x->at + x->length, 1, j->size[x->file] - x->at - x->length, file);
    return fclose(file) == 0;
}

/* The shared object with one object file exchanged. false: no mutant (does not compile, same code). */
static bool build(const struct job *j, size_t m, const char *work) {
    char source[4200], object[4200], sound[4200], command[16384];
    const char *name = base(j->file[j->mutant[m].file]);
    snprintf(source, sizeof source, "%s/%s", work, name);
    snprintf(object, sizeof object, "%s/mutant.o", work);
    snprintf(sound, sizeof sound, "%s/%s.o", work, name);
    if (!write_mutant(j, m, source) || !compile(j, "-O1", source, object) || same_bytes(object, sound))
        return false;
    snprintf(command, sizeof command,
             "cd '%s' && exec $CC $CFLAGS -shared -Wl,-Bsymbolic -o mutant.so mutant.o $(ls *.c.o | grep -vx "
             "'%s.o')",
             work, name);
    return shell(command);
}

/* The same code with the optimiser's help is no change either. Asked only of survivors: it costs two
 * compilations. */
static bool same_optimised(const struct job *j, size_t m, const char *work) {
    char source[4200], mutant[4200], sound[4200];
    snprintf(source, sizeof source, "%s/%s", work, base(j->file[j->mutant[m].file]));
    snprintf(mutant, sizeof mutant, "%s/mutant.o2", work);
    snprintf(sound, sizeof sound, "%s/sound.o2", work);
    return write_mutant(j, m, source) && compile(j, "-O2", source, mutant) &&
           put_back(j, j->mutant[m].file, source) && compile(j, "-O2", source, sound) &&
           same_bytes(mutant, sound);
}

static enum outcome judge(const struct job *j, size_t m, const char *work, struct fate *fate) {
    char implementation[4200], message[1024] = "";
    struct kill kill;
    const struct mutant *x = &j->mutant[m];
    if (!build(j, m, work))
        return NO_CHANGE;
    snprintf(implementation, sizeof implementation, "%s/mutant.so", work);
    if (!campaign_run(&j->campaign, implementation, NULL, &kill, message, sizeof message))
        kill = (struct kill){.first = GPUP_SPEC_NONE, .died = true}; /* it could not even be loaded */
    bool killed = kill.first != GPUP_SPEC_NONE || kill.died;
    if (!killed && same_optimised(j, m, work))
        return NO_CHANGE;
    snprintf(fate->line, sizeof fate->line, "%-8s %-60s %-10s %s [line %u: %s]",
             killed ? "killed" : "SURVIVED", x->id,
             kill.first != GPUP_SPEC_NONE ? gpup_rule_id(kill.first)
             : kill.died                  ? "died"
                                          : "-",
             kill.program, x->line, x->change);
    return killed ? KILLED : SURVIVED;
}

/* A mutant's place depends on the seed and its own name alone: a change of the sources moves no others. */
static uint64_t place(uint64_t seed, const char *id) {
    uint64_t z = seed * 0x9E3779B97F4A7C15u;
    for (; *id; id++)
        z = (z ^ (unsigned char)*id) * 0x100000001B3u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static int by_place(const void *a, const void *b) {
    const struct mutant *x = a, *y = b;
    return x->place != y->place ? x->place < y->place ? -1 : 1 : strcmp(x->id, y->id);
}

static void draw(struct job *j) {
    for (size_t i = 0; i < j->count; i++)
        j->mutant[i].place = place(j->seed, j->mutant[i].id);
    if (j->count)
        qsort(j->mutant, j->count, sizeof *j->mutant, by_place);
}

static bool collect(struct job *j) {
    char pattern[4096];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*.c", j->directory);
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc && j->files < FILES; i++) {
        const char *name = base(found.gl_pathv[i]);
        if (!strcmp(name, "liar.c") || !strcmp(name, "null.c") ||
            !strncmp(name, "framework", 9)) /* other drivers in the same folder */
            continue;
        size_t before = j->count;
        j->file[j->files] = strdup(found.gl_pathv[i]);
        j->text[j->files] = read_file(found.gl_pathv[i], &j->size[j->files]);
        if (!j->text[j->files] ||
            (strcmp(name, "defect.c") != 0 &&
             !mutants_find(name, j->text[j->files], j->size[j->files], &j->mutant, &j->count)))
            return false;
        for (; before < j->count; before++)
            j->mutant[before].file = j->files;
        j->files++;
    }
    globfree(&found);
    return j->files > 0;
}

static bool in_sample(const struct fate *fate) {
    return fate->outcome == KILLED || fate->outcome == SURVIVED || fate->outcome == ELSEWHERE;
}

/* The sample is full without mutant m. */
static bool enough(const struct job *j, size_t m) {
    size_t judged = 0;
    for (size_t i = 0; i < m && judged < j->wanted; i++)
        judged += in_sample(&j->fate[i]);
    return judged >= j->wanted;
}

/* Every jobs-th mutant of the order. */
static int work_share(const struct job *j, unsigned share, unsigned jobs) {
    char work[80], source[4200];
    snprintf(work, sizeof work, "%s/%u", j->work, share);
    if (mkdir(work, 0700) != 0 || !build_sound(j, work))
        return 3;
    for (size_t m = share; m < j->count && (j->only || !enough(j, m)); m += jobs) {
        const char *path = j->file[j->mutant[m].file];
        if (j->only && strcmp(j->only, j->mutant[m].id) != 0)
            continue;
        if (j->files_named && fnmatch(j->files_named, base(path), FNM_EXTMATCH) != 0) {
            j->fate[m].outcome = ELSEWHERE;
            continue;
        }
        j->fate[m].outcome = judge(j, m, work, &j->fate[m]);
        if (j->all && j->fate[m].line[0])
            dprintf(1, "%s\n", j->fate[m].line);
        snprintf(source, sizeof source, "%s/%s", work, base(path));
        if (!put_back(j, j->mutant[m].file, source))
            return 3;
    }
    return 0;
}

/* Reasons that no survivor of this run has any more. The first line of the file names the whole sample it is
 * for. */
static unsigned stale(const struct job *j, const char *const *reason) {
    char line[1024], id[200], sample[64];
    unsigned found = 0;
    bool whole = false;
    snprintf(sample, sizeof sample, "# sample %zu %lu\n", j->wanted, j->seed);
    FILE *file = fopen(j->survivors, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strcmp(line, sample) == 0)
            whole = !j->only && !j->files_named;
        if (line[0] == '#' || sscanf(line, "%199s", id) != 1)
            continue;
        size_t m = 0;
        while (m < j->count && strcmp(j->mutant[m].id, id) != 0)
            m++;
        enum outcome outcome = m < j->count ? j->fate[m].outcome : NO_MUTANT;
        if (!reason[outcome] || (outcome == NOT_JUDGED && !whole))
            continue;
        printf("%s: stale reason for %s: %s\n", j->survivors, id, reason[outcome]);
        found++;
    }
    if (file)
        fclose(file);
    return found;
}

static bool explained(const char *survivors, const char *id) {
    char line[1024];
    bool there = false;
    FILE *file = survivors ? fopen(survivors, "r") : NULL;
    while (file && !there && fgets(line, sizeof line, file))
        there = strncmp(line, id, strlen(id)) == 0 && line[strlen(id)] == ' ';
    if (file)
        fclose(file);
    return there;
}

static int conclude(struct job *j) {
    static const char *const reason[] = {[NOT_JUDGED] = "not in the sample",
                                         [NO_CHANGE] = "compiles to the same code, or not at all",
                                         [KILLED] = "killed",
                                         [NO_MUTANT] = "there is no such mutant"};
    unsigned count[NO_MUTANT + 1] = {0}, unexplained = 0, outdated;
    for (size_t m = 0; m < j->count; m++) {
        struct fate *fate = &j->fate[m];
        if (!j->only && enough(j, m)) /* another process was quicker */
            fate->outcome = NOT_JUDGED;
        count[fate->outcome]++;
        bool known = fate->outcome == SURVIVED && explained(j->survivors, j->mutant[m].id);
        unexplained += fate->outcome == SURVIVED && !known;
        if (!j->all && fate->outcome == SURVIVED && !known)
            puts(fate->line);
    }
    outdated = j->survivors ? stale(j, reason) : 0;
    unsigned all = count[KILLED] + count[SURVIVED];
    printf("%u mutants of %zu: %u killed (%u.%u %%), %u survived, %u of them without a reason; %u others "
           "passed over, "
           "which were no change (the same code at -O1 or -O2) or did not compile; %u stale reasons\n",
           all, j->count, count[KILLED], all ? count[KILLED] * 100 / all : 0,
           all ? count[KILLED] * 1000 / all % 10 : 0, count[SURVIVED], unexplained, count[NO_CHANGE],
           outdated);
    return all == 0 || count[KILLED] * 100 < all * WANTED || outdated || (j->survivors && unexplained);
}

static bool options(struct job *j, int argc, char **argv) {
    int i = 5;
    if (argc < 5)
        return false;
    j->directory = argv[1];
    j->wanted = strtoul(argv[3], NULL, 10);
    j->seed = strtoul(argv[4], NULL, 10);
    for (; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "-a") == 0) {
            j->all = true;
            continue;
        }
        if (strcmp(argv[i], "-s") == 0)
            j->survivors = value;
        else if (strcmp(argv[i], "-f") == 0)
            j->files_named = value;
        else if (strcmp(argv[i], "-1") == 0)
            j->only = value;
        else if (strcmp(argv[i], "-j") == 0)
            j->jobs = (unsigned)strtoul(value, NULL, 10);
        else
            return false;
        i++;
    }
    return i == argc && j->jobs >= 1 && j->jobs <= 16;
}

static int run_shares(const struct job *j) {
    int rc = 0;
    for (unsigned share = 0; share < j->jobs; share++)
        if (fork() == 0)
            _exit(work_share(j, share, j->jobs));
    for (unsigned share = 0; share < j->jobs; share++) {
        int status = 0;
        wait(&status);
        rc = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? rc : 3;
    }
    return rc;
}

int main(int argc, char **argv) {
    static struct job j = {.work = P_tmpdir "/gpup-mutants-XXXXXX", .jobs = 1};
    if (!options(&j, argc, argv)) {
        fputs("usage: mutants DIRECTORY SOUND.so COUNT SEED [-s SURVIVORS.txt] [-j JOBS] [-1 ID] [-f GLOB] "
              "[-a]\n",
              stderr);
        return 2;
    }
    setenv("CC", "cc", 0);
    setenv("CFLAGS", "", 0);
    if (!campaign_open(&j.campaign, argv[2]) || !collect(&j) || !mkdtemp(j.work))
        return 3;
    draw(&j);
    j.fate = mmap(NULL, j.count * sizeof *j.fate, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = j.fate != MAP_FAILED ? run_shares(&j) : 3;
    if (rc == 0)
        rc = conclude(&j);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", j.work);
    shell(command);
    campaign_close(&j.campaign);
    return rc;
}
