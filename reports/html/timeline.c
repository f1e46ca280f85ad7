/*
 * A failing program as a list: its steps, the calls that each made, and near the first wrong step also what
 * happened inside them and what changed. The first finding is marked. Between steps, a host starts up and is
 * taken down: sections without a step of their own.
 */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#define NEAR 2u    /* steps around the first wrong one that are told in full */
#define BEFORE 60u /* events before the first finding, and next to it, that are told whatever they are */
#define NEXT 20u
#define AFTER 24u  /* steps after it that are told at all */
#define INSIDE 30u /* lines inside one call */
#define CLOSE 40u  /* calls of a step nearby */
#define FAR 6u     /* calls of a step that is far away */

struct timeline {
    const struct page *page;
    const struct gpup_program_result *program;
    FILE *out, *sub;   /* sub: what happened inside the call at hand */
    char *text, *last; /* last: the line inside it that is not written yet */
    size_t text_size;
    unsigned repeats; /* of that line */
    struct follow follow;
    struct readings *readings;
    struct follow_call call; /* the one whose line is open */
    uint8_t host;            /* of it */
    uint32_t event, rows, inside, calls, hidden;
    uint32_t step, section, first_event,
        first_section; /* section: a step, start-up, or what follows the last step */
    bool marked, failed;
};

static bool counts(const struct timeline *t, const struct gpup_finding *f) {
    return f->rule < gpup_spec_counts.rules && t->page->report->selected[f->rule];
}

static void find_event(struct timeline *t) {
    t->first_event = UINT32_MAX;
    for (size_t i = 0; i < t->program->finding_count; i++) {
        const struct gpup_finding *f = &t->program->findings[i];
        if (counts(t, f) && f->event < t->first_event)
            t->first_event = f->event;
    }
}

static void count_section(struct timeline *t, const struct gpup_event *e) {
    t->section += e->step != t->step;
    t->step = e->step;
}

/* The section of the first finding; of a program that just ended badly, the last one. */
static bool find_first(struct timeline *t, const uint8_t *bytes, size_t size) {
    struct gpup_trace_reader reader;
    struct gpup_event e;
    if (gpup_trace_open(&reader, bytes, size) < 0)
        return false;
    find_event(t);
    t->step = GPUP_NO_STEP;
    for (uint32_t i = 0; i <= t->first_event && gpup_trace_next(&reader, &e) == 1; i++)
        count_section(t, &e);
    t->first_section = t->section;
    t->section = 0;
    t->step = GPUP_NO_STEP;
    return true;
}

static bool is_near(const struct timeline *t) {
    return t->section + NEAR >= t->first_section && t->section <= t->first_section + NEAR;
}

static bool is_told(const struct timeline *t) {
    return t->rows < PAGE_TIMELINE_ROWS && t->section <= t->first_section + AFTER;
}

/* Close enough to tell what a driver does all the time. */
static bool is_here(const struct timeline *t) {
    return t->section == t->first_section && t->event + BEFORE >= t->first_event &&
           t->event <= (uint64_t)t->first_event + NEXT;
}

/* --- lines --------------------------------------------------------------------------------------------- */
/* Equal lines in a row are one. */
static void inside_flush(struct timeline *t) {
    if (t->last && t->repeats > 1)
        fprintf(t->sub, "%s <b>&#xd7; %u</b></li>\n", t->last, t->repeats);
    else if (t->last)
        fprintf(t->sub, "%s</li>\n", t->last);
    free(t->last);
    t->last = NULL;
    t->repeats = 0;
}

/* true: it is a line of its own. */
static bool inside_add(struct timeline *t, const char *line) {
    bool same = t->last && strcmp(t->last, line) == 0;
    if (!same) {
        inside_flush(t);
        t->last = strdup(line);
        t->failed = t->failed || !t->last;
    }
    t->repeats++;
    return !same;
}

static void inside_begin(struct timeline *t) {
    fclose(t->sub);
    free(t->text);
    t->text = NULL;
    t->sub = open_memstream(&t->text, &t->text_size);
    t->failed = t->failed || !t->sub;
    t->inside = 0;
}

static void call_close(struct timeline *t, const char *how) {
    if (!t->call.open)
        return;
    t->call.open = false;
    fprintf(t->out, "%s</li>\n", how);
    inside_flush(t);
    if (t->inside > INSIDE)
        fprintf(t->sub, "<li class=\"in\">and %u more inside this call</li>\n", t->inside - INSIDE);
    fflush(t->sub);
    fwrite(t->text, 1, t->text_size, t->out);
    inside_begin(t);
}

static void tell_call(struct timeline *t, const struct gpup_event *e) {
    const struct gpup_ddi *d = &gpup_ddis[e->f[GPUP_CALL_ddi]];
    call_close(t, " <i>still runs</i>");
    t->rows++;
    fprintf(t->out, "<li class=\"call\"><small>host %u</small> <b>%s</b>(", e->host, d->name);
    for (unsigned i = 0; i < d->argument_count; i++)
        fprintf(t->out, "%s%s %s%llx", i ? ", " : "", d->arguments[i], e->f[GPUP_CALL_a0 + i] > 9 ? "0x" : "",
                (unsigned long long)e->f[GPUP_CALL_a0 + i]);
    fputc(')', t->out);
    t->call = (struct follow_call){.number = e->f[GPUP_CALL_call], .open = true};
    t->host = e->host;
}

static void tell_status(FILE *out, const struct follow_return *r, const struct gpup_event *e) {
    uint32_t status = (uint32_t)e->f[GPUP_RETURN_status];
    unsigned returns = gpup_ddis[r->call.ddi].returns;
    const char *name = gpup_status_name(status);
    fprintf(out, " &#x2192; <span class=\"%s\">", r->success ? "good" : "refused");
    if (returns == GPUP_RETURNS_VOID)
        fputs("returned", out);
    else if (returns == GPUP_RETURNS_HANDLE)
        fprintf(out, "handle %llx", (unsigned long long)e->f[GPUP_RETURN_handle]);
    else if (name)
        fputs(name, out);
    else
        fprintf(out, "0x%08x", status);
    fputs("</span>", out);
    if (e->time_ns > r->call.begin_ns)
        fprintf(out, " <small>%.4g &#xb5;s</small>", (double)(e->time_ns - r->call.begin_ns) / 1000);
}

static void tell_moves(struct timeline *t, const struct follow_return *r, unsigned host) {
    for (unsigned m = 0; r->success && m < gpup_spec_counts.machines; m++) {
        uint32_t slot = follow_slot(r, m);
        uint8_t was = gpup_machine_state_of(&r->before, (uint16_t)m, slot);
        uint8_t is = gpup_machine_state_of(&t->follow.at[host & 1], (uint16_t)m, slot);
        if (slot == GPUP_SLOT_NONE || was == is)
            continue;
        t->rows++;
        fprintf(t->out, "<li class=\"in\">%s", gpup_machines[m].name);
        if (gpup_machines[m].per != GPUP_PER_adapter)
            fprintf(t->out, "[%u]", slot);
        fprintf(t->out, ": %s &#x2192; %s</li>\n", gpup_machine_state_name((uint16_t)m, was),
                gpup_machine_state_name((uint16_t)m, is));
    }
}

static void tell_return(struct timeline *t, const struct follow_return *r, const struct gpup_event *e) {
    if (!t->call.open || t->call.number != r->call.number || t->host != e->host) {
        call_close(t, " <i>still runs</i>");
        t->rows++;
        fprintf(t->out, "<li class=\"call\"><small>host %u</small> <b>%s</b>", e->host,
                gpup_ddi_name(r->call.ddi));
        t->call.open = true;
    }
    tell_status(t->out, r, e);
    call_close(t, "");
    if (is_near(t))
        tell_moves(t, r, e->host);
}

static void section_begin(struct timeline *t) {
    call_close(t, " <i>did not return</i>");
    if (t->hidden)
        fprintf(t->out, "<li class=\"in\">and %u more calls</li>\n", t->hidden);
    t->calls = t->hidden = 0;
    if (t->step != GPUP_NO_STEP || !is_told(t))
        return;
    t->rows++;
    fprintf(t->out, "<li class=\"step%s\">%s</li>\n",
            t->section == t->first_section && t->first_event != UINT32_MAX ? " wrong" : "",
            t->section ? "The program is over" : "The hosts start");
}

static void tell_step(struct timeline *t, const struct gpup_event *e) {
    size_t skip = e->data_size > 2 && memcmp(e->data, "- ", 2) == 0 ? 2 : 0;
    t->rows++;
    fprintf(t->out, "<li class=\"step%s\"><b>%u</b> ",
            t->section == t->first_section && t->first_event != UINT32_MAX ? " wrong" : "", e->step + 1);
    put_bytes(t->out, e->data + skip, e->data_size - skip);
    if (e->f[GPUP_STEP_class] && e->f[GPUP_STEP_class] < GPUP_CLASSES)
        fprintf(t->out, " <small>%s</small>", gpup_class_name((unsigned)e->f[GPUP_STEP_class]));
    fputs("</li>\n", t->out);
}

/* What a driver does all the time. */
static bool is_routine(unsigned kind) {
    return kind == GPUP_EVENT_MMIO || kind == GPUP_EVENT_CONFIG || kind == GPUP_EVENT_CALLBACK ||
           kind == GPUP_EVENT_TABLE || kind == GPUP_EVENT_CHANNEL || kind == GPUP_EVENT_PAGING;
}

static void tell_in_call(struct timeline *t, const char *class, const char *text, bool urgent) {
    char *line = NULL;
    if (t->inside >= INSIDE && !urgent) {
        t->inside++;
        return;
    }
    if (asprintf(&line, "<li class=\"in%s\">%s", class, text) < 0) {
        t->failed = true;
        return;
    }
    if (inside_add(t, line)) {
        t->inside++;
        t->rows++;
    }
    free(line);
}

/* Inside the call whose line is open, else on its own. */
static void tell_inside(struct timeline *t, const struct gpup_event *e) {
    char *text = NULL;
    size_t size = 0;
    bool urgent = e->kind == GPUP_EVENT_FAULT || e->kind == GPUP_EVENT_HANG ||
                  e->kind == GPUP_EVENT_BUGCHECK || e->kind == GPUP_EVENT_DAMAGE ||
                  e->kind == GPUP_EVENT_POOL_DAMAGE || e->kind == GPUP_EVENT_MISUSE;
    bool routine = is_routine(e->kind) && !is_here(t);
    FILE *line = open_memstream(&text, &size);
    if (!line) {
        t->failed = true;
        return;
    }
    bool told = readings_event(t->readings, e, line);
    bool wanted = told || (!routine && event_tell(line, e));
    fclose(line);
    if (wanted && (urgent || is_near(t)) && is_told(t)) {
        const char *class = urgent ? " urgent" : told ? " state" : "";
        if (t->call.open && !told)
            tell_in_call(t, class, text, urgent);
        else {
            fprintf(t->out, "<li class=\"in%s\">%s</li>\n", class, text);
            t->rows++;
        }
    }
    free(text);
}

static void tell_findings(struct timeline *t) {
    for (size_t i = 0; i < t->program->finding_count; i++) {
        const struct gpup_finding *f = &t->program->findings[i];
        if (f->event != t->event || !counts(t, f))
            continue;
        inside_flush(t);
        FILE *out = t->call.open ? t->sub : t->out;
        bool first = !t->marked && f->event == t->first_event;
        t->marked = t->marked || first;
        if (t->rows++ > PAGE_TIMELINE_ROWS * 2)
            return;
        fprintf(out, "<li class=\"found%s\">%s<b class=\"v\">%s</b> ", first ? " first" : "",
                first ? "<b>First wrong: </b>" : "", gpup_verdict_name(f->verdict));
        put_rule(out, f->rule);
        fputs(" ", out);
        put(out, f->text);
        if (f->ddi != GPUP_SPEC_NONE) /* of the call at hand, which may be some lines above */
            fprintf(out, " <small>%s</small>", gpup_ddi_name(f->ddi));
        put_lines(out, f->where);
        fputs("</li>\n", out);
    }
}

/* --- events -------------------------------------------------------------------------------------------- */
static void tell(struct timeline *t, const struct gpup_event *e) {
    struct follow_return r;
    bool returned = follow_event(&t->follow, e, &r);
    uint32_t section = t->section;
    count_section(t, e);
    if (t->section != section || !t->event)
        section_begin(t);
    if (e->kind == GPUP_EVENT_STEP && is_told(t)) {
        tell_step(t, e);
    } else if (e->kind == GPUP_EVENT_CALL && is_told(t) && e->f[GPUP_CALL_ddi] < gpup_spec_counts.ddis) {
        if (t->calls++ < (is_near(t) ? CLOSE : FAR) || is_here(t))
            tell_call(t, e);
        else
            t->hidden++;
    } else if (returned && is_told(t)) {
        if (is_near(t) || (t->call.open && t->call.number == r.call.number))
            tell_return(t, &r, e);
    } else {
        tell_inside(t, e);
    }
    tell_findings(t);
    t->event++;
}

static void tell_trace(struct timeline *t, const uint8_t *bytes, size_t size) {
    struct gpup_trace_reader reader;
    struct gpup_event e;
    if (!find_first(t, bytes, size) || gpup_trace_open(&reader, bytes, size) < 0)
        return;
    fputs("<ol class=\"timeline\">", t->out);
    while (gpup_trace_next(&reader, &e) == 1)
        tell(t, &e);
    call_close(t, " <i>did not return</i>");
    if (!is_told(t))
        fputs("<li class=\"in\">The rest is left out; the command above shows all of it.</li>", t->out);
    fputs("</ol>", t->out);
}

bool timeline_write(const struct page *p, const struct gpup_program_result *program, FILE *out) {
    size_t size;
    uint8_t *bytes = trace_load(p, program, &size);
    if (!bytes) {
        fputs(
            "<p>Its trace is not stored beside the journal, or is of another run; the command above makes it "
            "again.</p>",
            out);
        return true;
    }
    struct timeline *t = calloc(1, sizeof *t);
    bool ok = t && (t->readings = readings_new()) && (t->sub = open_memstream(&t->text, &t->text_size));
    if (ok) {
        t->page = p;
        t->program = program;
        t->out = out;
        follow_begin(&t->follow);
        tell_trace(t, bytes, size);
        ok = !t->failed;
    }
    if (t && t->sub)
        fclose(t->sub);
    if (t) {
        free(t->text);
        free(t->last);
        readings_free(t->readings);
    }
    free(t);
    free(bytes);
    return ok;
}
