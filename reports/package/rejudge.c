/* One program of a package: its trace judged again, beside what the journal says of it. */
#include "rejudge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static bool wrong(char *message, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(message, size, format, list);
    va_end(list);
    return false;
}

/* --- the steps of the trace are those of the program --------------------------------------------------- */
struct steps {
    const struct gpup_program *program;
    size_t seen, said; /* STEP events; what END says */
    uint32_t wrong;    /* first step that is another, or GPUP_NO_STEP */
};

static void on_event(void *context, const struct gpup_event *e) {
    struct steps *s = context;
    char text[256];
    if (e->kind == GPUP_EVENT_END)
        s->said = e->f[GPUP_END_steps];
    if (e->kind != GPUP_EVENT_STEP || s->wrong != GPUP_NO_STEP)
        return;
    int length = e->step < s->program->step_count
                     ? gpup_step_print(&s->program->steps[e->step], text, sizeof text)
                     : -1;
    s->seen++;
    if (length >= (int)sizeof text)
        length = (int)strlen(text);
    if (length < 0 || (size_t)length != e->data_size || memcmp(text, e->data, e->data_size) != 0)
        s->wrong = e->step;
}

/* --- the verdicts -------------------------------------------------------------------------------------- */
static bool same_callers(const struct gpup_callers *a, const struct gpup_callers *b) {
    return a->count == b->count && memcmp(a->at, b->at, a->count * sizeof *a->at) == 0;
}
static bool same_places(const struct gpup_places *a, const struct gpup_places *b) {
    bool same = a->instruction == b->instruction;
    for (unsigned i = 0; i < GPUP_CALLERS_KINDS; i++)
        same = same && same_callers(&a->of[i], &b->of[i]);
    return same;
}

static bool same_finding(const struct gpup_finding *a, const struct gpup_finding *b) {
    return a->rule == b->rule && a->ddi == b->ddi && a->verdict == b->verdict && a->class == b->class &&
           a->host == b->host && a->vf == b->vf && a->step == b->step && a->event == b->event &&
           a->key == b->key && strcmp(a->text, b->text) == 0 && same_places(&a->places, &b->places);
}

static bool same_rules(const char *name, const struct gpup_program_result *said,
                       const struct gpup_program_result *found, char *message, size_t size) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule_result *a = &said->rules[i], *b = &found->rules[i];
        if (a->verdict != b->verdict)
            return wrong(message, size, "%s: %s is said to be %s, and its trace gives %s", name,
                         gpup_rule_id((uint16_t)i), gpup_verdict_name(a->verdict),
                         gpup_verdict_name(b->verdict));
        if (a->checks != b->checks || a->violations != b->violations || a->detail != b->detail)
            return wrong(message, size,
                         "%s: %s is said to have %u violations in %u checks, and its trace gives "
                         "%u in %u",
                         name, gpup_rule_id((uint16_t)i), a->violations, a->checks, b->violations, b->checks);
    }
    if (said->finding_count != found->finding_count)
        return wrong(message, size, "%s: %zu findings are said, and its trace gives %zu", name,
                     said->finding_count, found->finding_count);
    for (size_t i = 0; i < said->finding_count; i++)
        if (!same_finding(&said->findings[i], &found->findings[i]))
            return wrong(message, size, "%s: a finding of %s is not what its trace gives", name,
                         gpup_rule_id(found->findings[i].rule));
    return true;
}

static bool same(const char *name, const struct gpup_program_result *said,
                 const struct gpup_program_result *found, char *message, size_t size) {
    if (said->trace_hash != found->trace_hash || said->events != found->events || said->calls != found->calls)
        return wrong(message, size, "%s: is not the trace that the journal speaks of", name);
    if (said->outcome != found->outcome)
        return wrong(message, size, "%s: is said to have ended in %s, and its trace gives %s", name,
                     gpup_outcome_name(said->outcome), gpup_outcome_name(found->outcome));
    if (said->class != found->class || said->offers != found->offers)
        return wrong(message, size, "%s: its class or what was offered is not what its trace gives", name);
    return same_rules(name, said, found, message, size);
}

/* --- one program --------------------------------------------------------------------------------------- */
static bool read_program(const struct gpup_package *package, const struct gpup_program_result *said,
                         struct gpup_program *program, char *message, size_t size) {
    char name[GPUP_PACKAGE_MAX_NAME + 1], *errors = NULL;
    *program = (struct gpup_program){0};
    if (!member_name(name, PROGRAMS, said->name, ".yaml"))
        return wrong(message, size, "%s: no name for a member", said->name);
    const struct gpup_member *m = gpup_package_find(package, name);
    if (!m)
        return wrong(message, size, "%s: missing", name);
    if (gpup_program_parse((const char *)m->bytes, m->size, name, program, &errors) != 0) {
        wrong(message, size, "%s", errors ? errors : "out of memory");
        message[strcspn(message, "\n")] = 0;
        free(errors);
        return false;
    }
    return gpup_program_hash(program) == said->source_hash ||
           wrong(message, size, "%s: is not the program that the journal speaks of", name);
}

uint8_t *rejudge_trace(const struct gpup_package *package, const char *program, size_t *size,
                       char name[GPUP_PACKAGE_MAX_NAME + 1], char *message, size_t message_size) {
    const struct gpup_member *m =
        member_name(name, TRACES, program, ".trace.zst") ? gpup_package_find(package, name) : NULL;
    if (!m)
        wrong(message, message_size, "%s: missing", name);
    return m ? gpup_package_unpack(m, size, message, message_size) : NULL;
}

bool rejudge(const struct gpup_package *package, const struct gpup_program_result *said, char *message,
             size_t message_size) {
    struct gpup_program program;
    struct gpup_program_result found = {0};
    char name[GPUP_PACKAGE_MAX_NAME + 1], spec[32], why[512];
    size_t size = 0;
    bool ok = read_program(package, said, &program, message, message_size);
    uint8_t *trace = ok ? rejudge_trace(package, said->name, &size, name, message, message_size) : NULL;
    struct steps steps = {&program, 0, 0, GPUP_NO_STEP};
    struct gpup_trace_sink sink = {on_event, &steps};
    ok = trace;
    if (ok && gpup_trace_judge(trace, size, &sink, &found, spec, why, sizeof why) != 0)
        ok = wrong(message, message_size, "%s: %s", name, why);
    if (ok && strcmp(spec, gpup_spec_version()) != 0)
        ok = wrong(message, message_size, "%s: was written with the specification '%s'", name, spec);
    if (ok && (steps.wrong != GPUP_NO_STEP || (said->outcome == GPUP_COMPLETE && steps.seen != steps.said)))
        ok = wrong(message, message_size, "%s: its steps are not those of the program", name);
    ok = ok && same(name, said, &found, message, message_size);
    gpup_program_result_free(&found);
    gpup_program_free(&program);
    free(trace);
    return ok;
}
