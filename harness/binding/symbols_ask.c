/* Names and source lines, asked of llvm-symbolizer: a process of its own, since it reads what anyone may have
 * written into an image. */
#include "pe_frames.h"
#include "symbols.h"

#include <jansson.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define MOST_BYTES ((size_t)8 << 20)
#define MOST_ADDRESSES 512u /* of one process */
#define NO_ADDRESS UINT64_MAX

/* --- the process */

/* No server is asked for what the driver's owner has at home. */
static char **private_environment(void) {
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (strncmp(environ[i], "DEBUGINFOD", 10) != 0 && strncmp(environ[i], "_NT_SYMBOL", 10) != 0)
            copy[kept++] = environ[i];
    return copy;
}

static pid_t start(char *const *words, int out) {
    static const char *const names[] = {"llvm-symbolizer-14", "llvm-symbolizer"};
    posix_spawn_file_actions_t actions;
    char **environment = private_environment();
    pid_t pid = 0;
    if (!environment || posix_spawn_file_actions_init(&actions) != 0) {
        free(environment);
        return 0;
    }
    bool ok = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
              posix_spawn_file_actions_adddup2(&actions, out, 1) == 0 &&
              posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) == 0;
    for (unsigned i = 0; ok && !pid && i < sizeof names / sizeof *names; i++)
        if (posix_spawnp(&pid, names[i], &actions, NULL, words, environment) != 0)
            pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return pid;
}

static int left_ms(const struct timespec *since) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long used = (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
    return used < PATIENCE_MS ? (int)(PATIENCE_MS - used) : 0;
}

/* All that it says, until it ends; NULL: too much, too slow. */
static char *listen_to(int fd, size_t *size) {
    struct timespec since;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char *text = NULL;
    size_t capacity = 0;
    clock_gettime(CLOCK_MONOTONIC, &since);
    for (*size = 0;;) {
        if (*size == capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            char *grown = capacity <= MOST_BYTES ? realloc(text, capacity) : NULL;
            if (!grown)
                break;
            text = grown;
        }
        if (poll(&ready, 1, left_ms(&since)) <= 0)
            break;
        ssize_t got = read(fd, text + *size, capacity - *size);
        if (got == 0)
            return text;
        if (got < 0)
            break;
        *size += (size_t)got;
    }
    free(text);
    return NULL;
}

static char *answer_to(char *const *words, size_t *size) {
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return NULL;
    pid_t pid = start(words, pipe_ends[1]);
    close(pipe_ends[1]);
    char *text = pid ? listen_to(pipe_ends[0], size) : NULL;
    close(pipe_ends[0]);
    int status = -1;
    if (pid && !text)
        kill(pid, SIGKILL);
    if (pid && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return text;
    free(text);
    return NULL;
}

/* --- the question */

/* A return address may be the first of the next function: its call is right before it. */
static uint64_t asked(const struct gpup_symbols *s, const struct gpup_named_address *symbol) {
    return (s->bytes ? s->pe.preferred : 0) + symbol->address - !symbol->instruction;
}

static void ask_some(struct gpup_symbols *s, size_t first, size_t count) {
    char object[4352], numbers[MOST_ADDRESSES][19];
    char *words[MOST_ADDRESSES + 5] = {"llvm-symbolizer", object, "--output-style=JSON", "--inlines"};
    size_t size = 0;
    snprintf(object, sizeof object, "--obj=%s", s->path);
    for (size_t i = 0; i < count; i++) {
        snprintf(numbers[i], sizeof numbers[i], "0x%llx",
                 (unsigned long long)asked(s, &s->symbol[first + i]));
        words[4 + i] = numbers[i];
    }
    char *answer = answer_to(words, &size);
    if (answer)
        gpup_symbols_take(s, first, answer, size);
    free(answer);
}

void gpup_symbols_ask(struct gpup_symbols *s, size_t first) {
    for (size_t at = first; at < s->count; at += MOST_ADDRESSES)
        ask_some(s, at, s->count - at < MOST_ADDRESSES ? s->count - at : MOST_ADDRESSES);
}

/* --- the answer */

/* Where the function around an address begins, as the table of functions says; NO_ADDRESS: it does not. */
static uint64_t begin_of(const struct gpup_symbols *s, uint32_t rva) {
    struct gpup_pe_function f;
    if (!s->functions || !gpup_pe_find_function(&s->pe, rva, &f))
        return NO_ADDRESS;
    for (unsigned links = 0; links < PE_CHAIN; links++) {
        const uint8_t *info = gpup_pe_unwind_data(&s->pe, f.info);
        const uint8_t *parent = info ? gpup_pe_chained(info) : NULL;
        if (!parent)
            return f.begin;
        f = gpup_pe_function_at(parent);
    }
    return NO_ADDRESS;
}

static uint64_t number_in(const json_t *value) {
    const char *text = json_string_value(value);
    char *end = NULL;
    unsigned long long number = text && *text ? strtoull(text, &end, 0) : 0;
    return end && !*end ? number : NO_ADDRESS;
}

static const char *string_in(const json_t *frame, const char *key) {
    const char *text = json_string_value(json_object_get(frame, key));
    return text ? text : "";
}

/* Of a path the last part: what lies before it differs between machines. */
static const char *last_part(const char *path) {
    const char *end = path;
    for (const char *c = path; *c; c++)
        end = *c == '/' || *c == '\\' ? c + 1 : end;
    return end;
}

static void put_plain(FILE *out, const char *text) {
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7F ? '?' : *text, out);
}

static bool put_frame(FILE *out, const struct gpup_symbols *s, const struct gpup_named_address *symbol,
                      const json_t *frame, bool inlined) {
    const char *name = string_in(frame, "FunctionName"), *file = string_in(frame, "FileName");
    json_int_t line = json_integer_value(json_object_get(frame, "Line"));
    uint64_t start = number_in(json_object_get(frame, "StartAddress")), base = s->bytes ? s->pe.preferred : 0;
    uint32_t call = symbol->address - !symbol->instruction;
    bool begins = start != NO_ADDRESS && start - base <= symbol->address;
    if (!*name || strcmp(name, "??") == 0)
        return false;
    if (s->bytes && line <= 0 && (!begins || begin_of(s, call) != start - base))
        return false;
    put_plain(out, name);
    if (begins && !inlined)
        fprintf(out, "+0x%llx", (unsigned long long)(symbol->address - (start - base)));
    if (line > 0 && *file) {
        fputs(" (", out);
        put_plain(out, last_part(file));
        fprintf(out, ":%lld%s)", (long long)line, inlined ? ", inlined" : "");
    }
    fputc('\n', out);
    return true;
}

static char *text_of(const struct gpup_symbols *s, const struct gpup_named_address *symbol,
                     const json_t *frames) {
    char *text = NULL;
    size_t size = 0, count = json_array_size(frames);
    FILE *out = count ? open_memstream(&text, &size) : NULL;
    bool named = out;
    for (size_t i = 0; named && i < count; i++)
        named = put_frame(out, s, symbol, json_array_get(frames, i), i + 1 < count);
    if (out && fclose(out) == 0 && named)
        return text;
    free(text);
    return NULL;
}

void gpup_symbols_take(struct gpup_symbols *s, size_t first, const char *answer, size_t size) {
    json_t *list = json_loadb(answer, size, 0, NULL);
    for (size_t i = 0; i < json_array_size(list) && first + i < s->count; i++) {
        struct gpup_named_address *symbol = &s->symbol[first + i];
        const json_t *item = json_array_get(list, i);
        if (number_in(json_object_get(item, "Address")) != asked(s, symbol) || symbol->text)
            break; /* an answer to something else */
        symbol->text = text_of(s, symbol, json_object_get(item, "Symbol"));
    }
    json_decref(list);
}
