/* One program, shown as it runs. */
#include "tool.h"

#include <gpup/spec_ids.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_call(const struct gpup_event *e) {
    const struct gpup_ddi *d =
        e->f[GPUP_CALL_ddi] < gpup_spec_counts.ddis ? &gpup_ddis[e->f[GPUP_CALL_ddi]] : NULL;
    printf("      host %u  %s(", e->host, d ? d->name : "?");
    for (unsigned i = 0; d && i < d->argument_count; i++)
        printf("%s%s=0x%llx", i ? ", " : "", d->arguments[i], (unsigned long long)e->f[GPUP_CALL_a0 + i]);
    fputs(")", stdout);
}

static void print_return(const struct gpup_event *e) {
    const char *name = gpup_status_name((uint32_t)e->f[GPUP_RETURN_status]);
    if (name)
        printf(" -> %s\n", name);
    else
        printf(" -> 0x%08llx\n", (unsigned long long)e->f[GPUP_RETURN_status]);
}

static void print_other(const struct gpup_event *e) {
    char line[2048];
    struct gpup_event head = *e;
    head.data_size = head.data_size < 32 ? head.data_size : 32;
    gpup_event_print(&head, line, sizeof line);
    printf("\n        %s", line);
}

static bool inside_call(unsigned kind) {
    switch (kind) {
    case GPUP_EVENT_TABLE:
    case GPUP_EVENT_CALLBACK:
    case GPUP_EVENT_MISUSE:
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
    case GPUP_EVENT_DAMAGE:
    case GPUP_EVENT_POOL_DAMAGE:
    case GPUP_EVENT_MESSAGE:
    case GPUP_EVENT_CHANNEL:
    case GPUP_EVENT_LEFT:
        return true;
    default:
        return false;
    }
}

static void show(void *context, const struct gpup_event *e) {
    (void)context;
    if (e->kind == GPUP_EVENT_STEP)
        printf("%4u  %.*s\n", e->step + 1, (int)e->data_size, (const char *)e->data);
    else if (e->kind == GPUP_EVENT_SKIP)
        printf("      left out: %.*s\n", (int)e->data_size, (const char *)e->data);
    else if (e->kind == GPUP_EVENT_CALL)
        print_call(e);
    else if (e->kind == GPUP_EVENT_RETURN)
        print_return(e);
    else if (inside_call(e->kind))
        print_other(e);
}

static void show_all(void *context, const struct gpup_event *e) {
    char *line = malloc(4096 + e->data_size * 2);
    (void)context;
    if (line && gpup_event_print(e, line, 4096 + e->data_size * 2) > 0)
        puts(line);
    free(line);
}

/* As a run calls it, which is what its seed was made from: the last two parts of the path, without the
 * ending. */
static const char *name_of(const char *word, char *out, size_t size) {
    const char *from = strrchr(word, '/');
    while (from && from > word && from[-1] != '/')
        from--;
    snprintf(out, size, "%s", from ? from : word);
    char *dot = strrchr(out, '.');
    if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        *dot = 0;
    return out;
}

int command_replay(const struct options *o) {
    struct implementation implementation;
    struct gpup_program program = {0};
    struct gpup_program_result result;
    char message[512], name[256];
    static const char *const outcomes[] = {"COMPLETE", "SKIPPED", "ERROR", "TIMEOUT", "CRASH"};
    if (o->word_count < 1 || o->word_count > 2)
        return usage_error("replay: expected PROGRAM [IMPL]");
    if (!program_open(o->words[0], &program))
        return 2;
    implementation_resolve(&implementation, o->word_count > 1 ? o->words[1] : NULL);
    struct gpup_run_options run = {.implementation = implementation.path,
                                   .known = implementation_known(),
                                   .seed = o->seed,
                                   .seeded = o->seeded,
                                   .files = &o->files,
                                   .name = name_of(o->words[0], name, sizeof name),
                                   .symbols = gpup_symbols_open(implementation.path, implementation_known()),
                                   .timeout_ms = o->timeout_ms};
    struct gpup_trace_sink sink = {o->all_traces ? show_all : show, NULL};
    int status = gpup_run_one(&run, &program, &sink, &result, message, sizeof message);
    gpup_symbols_close(run.symbols);
    gpup_program_free(&program);
    if (status != 0)
        return usage_error("%s", message), status;
    printf("\n%s%s%s\n", outcomes[result.outcome], result.why ? ": " : "", result.why ? result.why : "");
    for (size_t i = 0; i < result.finding_count; i++) {
        const struct gpup_finding *f = &result.findings[i];
        printf("  %s %s", gpup_verdict_name(f->verdict), gpup_rule_id(f->rule));
        if (f->step != GPUP_NO_STEP)
            printf(", step %u", f->step + 1);
        printf(": %s\n", f->text);
        for (const char *at = f->where; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
            printf("          %.*s\n", (int)strcspn(at, "\n"), at);
        printf("        %s\n", gpup_rules[f->rule].sentence);
    }
    if (!result.finding_count)
        puts("  no finding");
    status = result.finding_count || result.outcome >= GPUP_TIMEOUT ? 1
             : result.outcome == GPUP_ERROR                         ? 3
                                                                    : 0;
    gpup_program_result_free(&result);
    return status;
}
