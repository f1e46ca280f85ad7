/* What a person reads about a finding: a page with the timeline, the program as text, and as a C test. */
#include "triage.h"

#include <gpup/binding.h>
#include <gpup/files.h>
#include <gpup/judge.h>
#include <gpup/repro.h>
#include <gpup/spec.h>
#include <gpup/symbols.h>
#include <gpup/world.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timeline {
    FILE *out;
    struct gpup_judge *judge;
    size_t told; /* findings that stand in it */
    struct gpup_symbols *symbols;
    char *before; /* calls of the start, which are shown when a finding is made there */
    size_t before_size;
    FILE *start, *page;
    bool stopping, headed;
};

static void tell_call(FILE *out, const struct gpup_event *e) {
    uint16_t ddi = (uint16_t)e->f[GPUP_CALL_ddi];
    if (ddi >= gpup_spec_counts.ddis)
        return;
    fprintf(out, "      host %u  %s(", e->host, gpup_ddi_name(ddi));
    for (unsigned i = 0; i < gpup_ddis[ddi].argument_count; i++)
        fprintf(out, "%s%s=0x%llx", i ? ", " : "", gpup_ddis[ddi].arguments[i],
                (unsigned long long)e->f[GPUP_CALL_a0 + i]);
    fputs(")\n", out);
}

static void tell_return(FILE *out, const struct gpup_event *e) {
    const char *name = gpup_status_name((uint32_t)e->f[GPUP_RETURN_status]);
    fprintf(out, "          -> 0x%08llx %s\n", (unsigned long long)e->f[GPUP_RETURN_status],
            name ? name : "");
}

static void tell_where(const struct timeline *t, const struct gpup_finding *f) {
    char *lines = gpup_symbols_tell(t->symbols, &f->places);
    for (const char *at = lines; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        fprintf(t->out, "        %.*s\n", (int)strcspn(at, "\n"), at);
    free(lines);
}

/* Violations stand where they were seen. */
static void tell_findings(struct timeline *t) {
    const struct gpup_finding *all;
    size_t count = gpup_judge_findings(t->judge, &all);
    for (; t->told < count; t->told++) {
        fprintf(t->out, "  ==> %s %s: %s\n", gpup_verdict_name(all[t->told].verdict),
                gpup_rule_id(all[t->told].rule), all[t->told].text);
        tell_where(t, &all[t->told]);
    }
}

/* Steps begin, or the end. */
static void leave_start(struct timeline *t) {
    t->out = t->page;
    fclose(t->start);
    t->start = NULL;
    if (t->told)
        fprintf(t->out, "      the host starts the device\n%s", t->before ? t->before : "");
    free(t->before);
    t->before = NULL;
}

static void tell(void *context, const struct gpup_event *e) {
    struct timeline *t = context;
    gpup_judge_event(t->judge, e);
    if (e->kind == GPUP_EVENT_STEP && t->start)
        leave_start(t);
    if (t->stopping && !t->headed && e->kind == GPUP_EVENT_CALL) {
        fputs("      the host ends what runs and stops the device\n", t->out);
        t->headed = true;
    }
    switch (e->kind) {
    case GPUP_EVENT_STEP:
        fprintf(t->out, "%4u  %.*s\n", e->step + 1, (int)e->data_size, (const char *)e->data);
        break;
    case GPUP_EVENT_SKIP:
        fprintf(t->out, "      left out: %.*s\n", (int)e->data_size, (const char *)e->data);
        break;
    case GPUP_EVENT_CALL:
        tell_call(t->out, e);
        break;
    case GPUP_EVENT_RETURN:
        tell_return(t->out, e);
        break;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
    case GPUP_EVENT_DAMAGE:
    case GPUP_EVENT_POOL_DAMAGE:
    case GPUP_EVENT_MISUSE:
        fprintf(t->out, "      %s\n", gpup_event_name(e->kind));
        break;
    default:
        break;
    }
    tell_findings(t);
}

static void tell_timeline(FILE *out, const struct options *o, const struct goal *g,
                          const struct gpup_program *p) {
    struct timeline t = {
        .page = out, .judge = gpup_judge_new(), .symbols = gpup_symbols_open(o->implementation, NULL)};
    t.start = open_memstream(&t.before, &t.before_size);
    t.out = t.start ? t.start : out;
    struct gpup_trace_sink sink = {tell, &t};
    char message[512];
    struct gpup_world *world = NULL;
    struct gpup_given_files files = {0};
    if (t.judge && gpup_files_give_lines(&files, getenv("GPUP_FILES"), message, sizeof message))
        world = gpup_world_new(g->implementation, g->image, &p->world, &sink, message, sizeof message);
    if (world) {
        gpup_world_give_files(world, &files);
        gpup_world_start(world);
        for (size_t i = 0; i < p->step_count; i++)
            if (!gpup_world_step(world, &p->steps[i], (uint32_t)i))
                break;
        if (t.start)
            leave_start(&t);
        t.stopping = true;
        gpup_world_stop(world);
        gpup_judge_end(t.judge);
        tell_findings(&t);
    }
    gpup_world_free(world);
    gpup_files_free(&files);
    gpup_judge_free(t.judge);
    gpup_symbols_close(t.symbols);
}

/* Whose data or doing it takes. */
static const char *boundary(const struct gpup_program *p) {
    bool guest = false, changed = false;
    for (size_t i = 0; i < p->step_count; i++) {
        unsigned group = gpup_op_info(p->steps[i].op)->group, op = p->steps[i].op;
        changed = changed || group == GPUP_GROUP_blob;
        guest = guest || op == GPUP_OP_GuestSendPacket || op == GPUP_OP_WriteVirtualizedInterrupt ||
                op == GPUP_OP_ProgramInterrupts;
    }
    return changed ? "another host (migration data)" : guest ? "a guest, or the host" : "the host";
}

static void write_head(FILE *out, const struct options *o, const struct goal *g, const struct gpup_program *p,
                       const char *text) {
    uint16_t rule = gpup_rule_find(g->rule);
    fprintf(out, "# %s: %s\n\n", g->rule, text);
    if (rule != GPUP_SPEC_NONE) {
        fprintf(out, "Rule: %s\n\nSources:", gpup_rules[rule].sentence);
        for (unsigned i = 0; i < gpup_rules[rule].source_count; i++)
            fprintf(out, "%s %s", i ? ";" : "", gpup_sources[gpup_rules[rule].sources[i]].title);
        fprintf(out, "%s%s\n\n", gpup_rules[rule].where[0] ? ", " : "", gpup_rules[rule].where);
    }
    fprintf(out, "Implementation: %s. Key: %08x. What it takes comes from %s.\n\n", o->label, g->key,
            boundary(p));
    fputs("    ", out);
    tell_replay(out, o, "program.yaml");
    fputc('\n', out);
}

/* What the C form says, whose world keeps memory elsewhere. */
static void tell_c_form(FILE *out, const struct goal *g, const struct gpup_program *p) {
    char message[1024] = "", rule[24] = "";
    if (g->engine && !g->alone) {
        gpup_image_reset(g->image);
        int found = gpup_world_run_and_judge(p, g->implementation, message, sizeof message);
        if (found == 1)
            sscanf(message, "%*s %23[^,]", rule);
    }
    if (strcmp(rule, g->rule) == 0 && rule[0])
        fputs("`repro.c` fails with this rule, too, at another place.\n\n", out);
    else if (rule[0])
        fprintf(out, "`repro.c` fails, and names %s first.\n\n", rule);
    else if (g->dying || (g->engine && !g->alone))
        fputs("Seen in the campaign's world only, where memory lies otherwise; `repro.c` passes.\n\n", out);
}

static bool write_texts(const struct options *o, const char *folder_name, const struct gpup_program *p,
                        char **yaml) {
    char path[PATH_ROOM];
    size_t size = gpup_program_encode(p, NULL, 0);
    uint8_t *bytes = malloc(size + 1);
    char *c = gpup_program_emit_c(p, o->label);
    *yaml = gpup_program_print(p);
    bool ok = bytes && c && *yaml;
    if (ok) {
        gpup_program_encode(p, bytes, size);
        snprintf(path, sizeof path, "%s/program", folder_name);
        ok = write_file(path, bytes, size);
        snprintf(path, sizeof path, "%s/program.yaml", folder_name);
        ok = write_file(path, *yaml, strlen(*yaml)) && ok;
        snprintf(path, sizeof path, "%s/repro.c", folder_name);
        ok = write_file(path, c, strlen(c)) && ok;
    }
    free(bytes);
    free(c);
    return ok;
}

bool page_write(const struct options *o, const char *folder_name, const struct goal *g,
                const struct gpup_program *given, const char *text) {
    char path[PATH_ROOM], *yaml = NULL;
    struct gpup_program p = *given;
    snprintf(p.title, sizeof p.title, "%s: %.90s", g->rule, text);
    snprintf(p.area, sizeof p.area, "%.*s", (int)strcspn(g->rule, "-"), g->rule);
    snprintf(path, sizeof path, "%s/page.md", folder_name);
    FILE *out = write_texts(o, folder_name, &p, &yaml) ? fopen(path, "w") : NULL;
    if (!out)
        return free(yaml), false;
    setvbuf(out, NULL, _IOLBF, 0); /* memory damage may end the process in what follows */
    write_head(out, o, g, &p, text);
    tell_c_form(out, g, &p);
    fprintf(out, "## Program\n\n```yaml\n%s```\n\n## Timeline\n\n```\n", yaml);
    tell_timeline(out, o, g, &p);
    fputs("```\n", out);
    free(yaml);
    return fclose(out) == 0;
}
