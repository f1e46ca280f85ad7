#include "crash.h"

#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 3u /* that tell causes apart, innermost first */
#define STACK 64u /* frames that are looked at */

static uint32_t hash(uint32_t key, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        key = (key ^ (uint8_t)text[i]) * 16777619u;
    return (key ^ 0xFF) * 16777619u; /* where one text ends */
}

/* The part of a path behind its last slash. */
static const char *last_name(const char *path, size_t *size) {
    const char *end = path + *size, *name = end;
    while (name > path && name[-1] != '/')
        name--;
    *size = (size_t)(end - name);
    return name;
}

/* MODULE+0xOFFSET of a line `#N 0xADDRESS (/PATH/MODULE+0xOFFSET)`; NULL: it is no frame. */
static const char *frame(const char *line, size_t *size) {
    const char *number = line + strspn(line, " "), *end = strchr(line, '\n');
    const char *open = memchr(line, '(', end ? (size_t)(end - line) : strlen(line));
    if (*number != '#' || !open || (end && open > end))
        return NULL;
    *size = strcspn(open + 1, ") \n"); /* a build id may follow */
    return last_name(open + 1, size);
}

/* Frames of the first stack of the report. */
static size_t frames(const char *report, const char **at, size_t *sizes) {
    size_t count = 0;
    for (const char *line = report; line && count < STACK; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *found = frame(line, &sizes[count]);
        if (found)
            at[count++] = found;
        else if (count)
            break; /* whose memory it was, and so on */
    }
    return count;
}

/* What follows "ERROR: AddressSanitizer: " or "runtime error: ", up to what differs from run to run. */
static const char *kind_of(const char *report, size_t *size) {
    const char *asan = strstr(report, "Sanitizer: "), *ubsan = strstr(report, "runtime error: ");
    const char *kind = asan && (!ubsan || asan < ubsan) ? asan + 11 : ubsan ? ubsan + 15 : NULL;
    if (kind)
        *size = strcspn(kind, kind == asan + 11 ? " \n" : "0123456789\n");
    return kind;
}

static bool in_image(const char *at, size_t size, const char *image, size_t image_size) {
    return size > image_size && at[image_size] == '+' && memcmp(at, image, image_size) == 0;
}

/* Where the driver was: a line `DURING DDI STATE`, see settings.h. */
static const char *during_of(const char *report, size_t *size) {
    const char *during = strstr(report, "DURING ");
    *size = during ? strcspn(during + 7, "\n") : 0;
    return during ? during + 7 : "";
}

bool crash_read(const char *report, const char *image, struct crash *crash) {
    const char *at[STACK], *top = "";
    size_t sizes[STACK], kind_size = 0, during_size, image_size = strcspn(image, ":"), top_size = 0;
    const char *kind = kind_of(report, &kind_size), *during = during_of(report, &during_size);
    if (!kind)
        return false;
    image = last_name(image, &image_size);
    size_t count = frames(kind, at, sizes), inside = 0, taken = 0;
    for (size_t i = 0; i < count; i++)
        inside += in_image(at[i], sizes[i], image, image_size);
    crash->hang = false;
    crash->cause = hash(2166136261u, kind, kind_size);
    for (size_t i = 0; i < count && taken < FRAMES; i++) {
        if (inside && !in_image(at[i], sizes[i], image, image_size))
            continue;
        if (taken++ == 0) {
            top = at[i];
            top_size = sizes[i];
        }
        crash->cause = hash(crash->cause, at[i], sizes[i]);
    }
    crash->key = hash(crash->cause, during, during_size);
    snprintf(crash->text, sizeof crash->text, "%.*s at %.*s%s%.*s", (int)kind_size, kind, (int)top_size, top,
             during_size ? " in " : "", (int)strcspn(during, " \n"), during);
    return true;
}

/* What a replayer says of an input that does not return (settings.h): there is no report, where it was is its
 * cause. */
static void read_hang(const char *report, struct crash *crash) {
    size_t size;
    const char *during = during_of(report, &size);
    size_t ddi = strcspn(during, " \n");
    *crash = (struct crash){.hang = true};
    crash->cause = hash(hash(2166136261u, "hang", 4), during, ddi);
    crash->key = hash(hash(2166136261u, "hang", 4), during, size);
    snprintf(crash->text, sizeof crash->text, "no return within %u s%s%.*s", fuzz_limit(), ddi ? " in " : "",
             (int)ddi, during);
}

/* No sanitizer spoke. */
static void read_end(int status, const char *report, struct crash *crash) {
    size_t size;
    const char *during = during_of(report, &size);
    *crash = (struct crash){.cause = hash(2166136261u, (const char *)&status, sizeof status)};
    crash->key = hash(crash->cause, during, size);
    if (status > 128)
        snprintf(crash->text, sizeof crash->text, "the process ended: %s", strsignal(status - 128));
    else
        snprintf(crash->text, sizeof crash->text, "the process ended with status %d", status);
}

static void restore_setting(const char *name, const char *old) {
    if (old)
        setenv(name, old, 1);
    else
        unsetenv(name);
}

bool crash_again(const struct options *o, const char *input, struct crash *crash) {
    char path[PATH_ROOM], log[PATH_ROOM], asan[1024];
    char *argv[] = {path, (char *)(uintptr_t)input, NULL}, *old = getenv("ASAN_OPTIONS"), *report = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/fuzz_%s_replay", o->tools, o->target);
    snprintf(log, sizeof log, "%s/log/crash.log", o->out);
    snprintf(asan, sizeof asan, "%s:symbolize=0", old ? old : "");
    old = old ? strdup(old) : NULL;
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_SHARE", "1", 1); /* it may have been the sequence that ends some programs */
    setenv("ASAN_OPTIONS", asan, 1);
    setenv("UBSAN_OPTIONS", "print_stacktrace=1:symbolize=0", 1);
    setenv("GPUP_FUZZ_WHERE", "1", 1);
    remove(log);
    int status = run_tool(log, argv, campaign_hurried);
    if (status != 0)
        report = read_file(log, &size);
    restore_setting("ASAN_OPTIONS", old);
    unsetenv("UBSAN_OPTIONS");
    unsetenv("GPUP_FUZZ_WHERE");
    unsetenv("GPUP_FUZZ_SHARE");
    bool ok = status != 0 && !campaign_hurried();
    if (ok && status == FUZZ_HUNG)
        read_hang(report ? report : "", crash);
    else if (ok && (!report || !crash_read(report, o->implementation, crash)))
        read_end(status, report ? report : "", crash);
    free(report);
    free(old);
    crash->again = ok;
    return ok;
}
