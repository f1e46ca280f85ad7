/* What a person reads about a finding: a page with the timeline, the program as text, and as a C test. */
#include "triage.h"

#include <gpup/files.h>
#include <gpup/judge.h>
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

static void tell(void *context, const struct gpup_event *e) {
    struct timeline *t = context;
    gpup_judge_event(t->judge, e);
    if (e->step == GPUP_NO_STEP && e->kind != GPUP_EVENT_FAULT) {
        tell_findings(t);
        return;
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
    struct timeline t = {out, gpup_judge_new(), 0, gpup_symbols_open(o->implementation, NULL)};
    struct gpup_trace_sink sink = {tell, &t};
    char message[512];
    struct gpup_world *world = NULL;
    struct gpup_given_files files = {0};
    if (t.judge && gpup_files_give_lines(&files, getenv("GPUP_FILES"), message, sizeof message))
        world = gpup_world_new(g->implementation, g->image, &p->world, &sink, message, sizeof message);
    if (world) {
        gpup_world_give_files(world, &files);
        gpup_world_run(world, p);
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
    fprintf(out, "    gpup-cts replay program.yaml IMPLEMENTATION\n\n");
    if (g->engine && !g->alone)
        fprintf(out,
                "Seen in the campaign's world only, where memory lies otherwise; `repro.c` may pass.\n\n");
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
    write_head(out, o, g, &p, text);
    fprintf(out, "## Program\n\n```yaml\n%s```\n\n## Timeline\n\n```\n", yaml);
    fflush(out); /* memory damage may end the process here */
    tell_timeline(out, o, g, &p);
    fputs("```\n", out);
    free(yaml);
    return fclose(out) == 0;
}
