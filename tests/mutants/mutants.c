/* Mechanical mutants of a driver: is each one killed by a rule?
 *
 *   mutants DIRECTORY SOUND.so COUNT SEED [-s SURVIVORS.txt] [-j JOBS] [-1 ID] [-f GLOB]
 *
 * DIRECTORY: the driver's sources, each *.c of which is compiled (CC and CFLAGS of the environment) and
 * linked into a shared object. COUNT mutants are chosen by SEED among all; what does not compile, or compiles
 * to the same code, is passed over. A survivor needs its reason in SURVIVORS.txt ("ID  why"); at least WANTED
 * of 100 must be killed.
 */
#include "campaign.h"
#include "mutate.h"

#include <fnmatch.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WANTED 90u
#define FILES 100u

struct job {
    const char *directory, *survivors, *only,
        *files_named;  /* files_named: only mutants of files that match */
    char *file[FILES]; /* path of each source */
    char *text[FILES];
    size_t size[FILES], files;
    struct mutant *mutant;
    size_t count;
    uint16_t *owner; /* file of each mutant */
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

static bool compile(const struct job *j, const char *source, const char *object) {
    char command[16384];
    snprintf(command, sizeof command, "exec $CC $CFLAGS -w -O1 -fPIC -I'%s' -c '%s' -o '%s' 2>/dev/null",
             j->directory, source, object);
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

/* Every source once, so that a mutant costs one compilation. The mutant is always compiled from the same
 * place: equal code gives equal bytes. */
static bool build_sound(const struct job *j, const char *work) {
    char source[4200], object[4200];
    for (size_t i = 0; i < j->files; i++) {
        snprintf(source, sizeof source, "%s/%s", work, base(j->file[i]));
        snprintf(object, sizeof object, "%s/%s.o", work, base(j->file[i]));
        FILE *file = fopen(source, "wb");
        if (!file || fwrite(j->text[i], 1, j->size[i], file) != j->size[i] || fclose(file) != 0 ||
            !compile(j, source, object)) {
            fprintf(stderr, "%s: does not compile\n", j->file[i]);
            return false;
        }
    }
    return true;
}

static bool write_mutant(const struct job *j, size_t m, const char *path) {
    const struct mutant *x = &j->mutant[m];
    const char *text = j->text[j->owner[m]];
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    fwrite(text, 1, x->at, file);
    fputs(x->with, file);
    fwrite(text + x->at + x->length, 1, j->size[j->owner[m]] - x->at - x->length, file);
    return fclose(file) == 0;
}

/* The shared object with one object file exchanged. 0: built; 1: no mutant (does not compile, same code). */
static int build(const struct job *j, size_t m, const char *work) {
    char source[4200], object[4200], sound[4200], command[16384];
    const char *name = base(j->file[j->owner[m]]);
    snprintf(source, sizeof source, "%s/%s", work, name);
    snprintf(object, sizeof object, "%s/mutant.o", work);
    snprintf(sound, sizeof sound, "%s/%s.o", work, name);
    if (!write_mutant(j, m, source) || !compile(j, source, object) || same_bytes(object, sound))
        return 1;
    snprintf(command, sizeof command,
             "cd '%s' && exec $CC $CFLAGS -shared -Wl,-Bsymbolic -o mutant.so mutant.o $(ls *.c.o | grep -vx "
             "'%s.o')",
             work, name);
    return shell(command) ? 0 : 1;
}

/* One line for the report: "killed RULE program" or "survived". '-' first: passed over. */
static void judge(const struct job *j, size_t m, const char *work, FILE *out) {
    char implementation[4200], message[1024] = "";
    struct kill kill;
    const struct mutant *x = &j->mutant[m];
    if (build(j, m, work) != 0) {
        fprintf(out, "- %s\n", x->id);
        return;
    }
    snprintf(implementation, sizeof implementation, "%s/mutant.so", work);
    const char *how = "killed";
    if (!campaign_run(&j->campaign, implementation, NULL, &kill, message, sizeof message))
        kill = (struct kill){.first = GPUP_SPEC_NONE, .died = true}; /* it could not even be loaded */
    if (kill.first == GPUP_SPEC_NONE && !kill.died)
        how = "SURVIVED";
    fprintf(out, "%-8s %-60s %-10s %s [line %u: %s]\n", how, x->id,
            kill.first != GPUP_SPEC_NONE ? gpup_rule_id(kill.first)
            : kill.died                  ? "died"
                                         : "-",
            kill.program, x->line, x->change);
    fflush(out);
}

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void shuffle(struct job *j, uint64_t seed) {
    for (size_t i = j->count; i > 1; i--) {
        size_t k = next_random(&seed) % i;
        struct mutant m = j->mutant[i - 1];
        uint16_t owner = j->owner[i - 1];
        j->mutant[i - 1] = j->mutant[k];
        j->owner[i - 1] = j->owner[k];
        j->mutant[k] = m;
        j->owner[k] = owner;
    }
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
            !strcmp(name, "framework.c")) /* other drivers in the same folder */
            continue;
        size_t before = j->count;
        j->file[j->files] = strdup(found.gl_pathv[i]);
        j->text[j->files] = read_file(found.gl_pathv[i], &j->size[j->files]);
        if (!j->text[j->files] ||
            (strcmp(name, "defect.c") != 0 &&
             !mutants_find(name, j->text[j->files], j->size[j->files], &j->mutant, &j->count)))
            return false;
        uint16_t *grown = realloc(j->owner, (j->count + 1) * sizeof *grown);
        if (!grown)
            return false;
        for (j->owner = grown; before < j->count; before++)
            grown[before] = (uint16_t)j->files;
        j->files++;
    }
    globfree(&found);
    return j->files > 0;
}

/* Every jobs-th mutant of the order, until `count` of all were judged. */
static int work_share(struct job *j, unsigned share, unsigned jobs, size_t count) {
    char work[80], path[100], line[1024];
    snprintf(work, sizeof work, "%s/%u", j->work, share);
    snprintf(path, sizeof path, "%s/report.txt", work);
    snprintf(line, sizeof line, "mkdir -p %s", work);
    if (!shell(line) || !build_sound(j, work))
        return 3;
    FILE *out = fopen(path, "w+");
    size_t done = 0, mine = count / jobs + (share < count % jobs);
    for (size_t m = share; out && m < j->count && (done < mine || j->only); m += jobs) {
        if (j->only && strcmp(j->only, j->mutant[m].id) != 0)
            continue;
        if (j->files_named && fnmatch(j->files_named, base(j->file[j->owner[m]]), FNM_EXTMATCH) != 0) {
            done++; /* its place in the sample */
            continue;
        }
        long at = ftell(out);
        judge(j, m, work, out);
        fseek(out, at, SEEK_SET);
        done += fgetc(out) != '-';
        fseek(out, 0, SEEK_END);
        /* the mutated source is put back */
        snprintf(line, sizeof line, "%s/%s", work, base(j->file[j->owner[m]]));
        FILE *file = fopen(line, "wb");
        if (file) {
            fwrite(j->text[j->owner[m]], 1, j->size[j->owner[m]], file);
            fclose(file);
        }
        if (share == 0 && isatty(2))
            fprintf(stderr, "\r%zu of %zu mutants", done * jobs, count);
    }
    if (out)
        fclose(out);
    return out ? 0 : 3;
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

static int conclude(const struct job *j, unsigned jobs) {
    unsigned killed = 0, survived = 0, unexplained = 0, same = 0;
    for (unsigned share = 0; share < jobs; share++) {
        char path[100], line[1024], id[200];
        snprintf(path, sizeof path, "%s/%u/report.txt", j->work, share);
        FILE *in = fopen(path, "r");
        while (in && fgets(line, sizeof line, in)) {
            bool alive = strncmp(line, "SURVIVED", 8) == 0;
            same += line[0] == '-';
            killed += line[0] == 'k';
            survived += alive;
            if (alive && sscanf(line + 8, "%199s", id) == 1 && !explained(j->survivors, id)) {
                unexplained++;
                fputs(line, stdout);
            } else if (line[0] != '-' && !j->survivors) {
                fputs(line, stdout);
            }
        }
        if (in)
            fclose(in);
    }
    unsigned all = killed + survived;
    printf("%u mutants: %u killed (%u.%u %%), %u survived, %u of them without a reason; %u others were no "
           "change\n",
           all, killed, all ? killed * 100 / all : 0, all ? killed * 1000 / all % 10 : 0, survived,
           unexplained, same);
    return all == 0 || killed * 100 < all * WANTED || (j->survivors && unexplained);
}

int main(int argc, char **argv) {
    static struct job j = {.work = P_tmpdir "/gpup-mutants-XXXXXX"};
    j.directory = argc > 4 ? argv[1] : NULL;
    unsigned jobs = 1;
    for (int i = 5; i + 1 < argc; i += 2) {
        j.survivors = strcmp(argv[i], "-s") == 0 ? argv[i + 1] : j.survivors;
        j.files_named = strcmp(argv[i], "-f") == 0 ? argv[i + 1] : j.files_named;
        j.only = strcmp(argv[i], "-1") == 0 ? argv[i + 1] : j.only;
        jobs = strcmp(argv[i], "-j") == 0 ? (unsigned)strtoul(argv[i + 1], NULL, 10) : jobs;
    }
    if (!j.directory || jobs < 1 || jobs > 16) {
        fputs("usage: mutants DIRECTORY SOUND.so COUNT SEED [-s SURVIVORS.txt] [-j JOBS] [-1 ID] [-f GLOB]\n",
              stderr);
        return 2;
    }
    setenv("CC", "cc", 0);
    setenv("CFLAGS", "", 0);
    if (!campaign_open(&j.campaign, argv[2]) || !collect(&j) || !mkdtemp(j.work))
        return 3;
    shuffle(&j, strtoull(argv[4], NULL, 0));
    int rc = 0;
    for (unsigned share = 0; share < jobs; share++)
        if (fork() == 0)
            _exit(work_share(&j, share, jobs, strtoul(argv[3], NULL, 10)));
    for (unsigned share = 0; share < jobs; share++) {
        int status = 0;
        wait(&status);
        rc = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? rc : 3;
    }
    if (rc == 0)
        rc = conclude(&j, jobs);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", j.work);
    shell(command);
    campaign_close(&j.campaign);
    return rc;
}
