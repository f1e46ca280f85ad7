/* The programs that failed, those first that show the findings at the top of the page. */
#include "html.h"

#include <gpup/scenarios.h>

#include <stdlib.h>
#include <string.h>

static bool is_bad(const struct page *p, const struct gpup_program_result *program) {
    if (program->outcome > GPUP_SKIPPED)
        return true;
    for (size_t i = 0; i < program->finding_count; i++)
        if (program->findings[i].rule < gpup_spec_counts.rules &&
            p->report->selected[program->findings[i].rule])
            return true;
    return false;
}

/* The first failed rule that points at it; far away when none does. */
static unsigned rank(const struct page *p, const struct gpup_program_result *program) {
    const struct gpup_report *r = p->report;
    unsigned best = program->outcome > GPUP_SKIPPED ? gpup_spec_counts.rules : 3u * gpup_spec_counts.rules;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->selected[i] && r->rules[i].first && strcmp(r->rules[i].first_program, program->name) == 0) {
            unsigned at =
                gpup_report_standing(r, i) == GPUP_STANDS_FAILED ? i : i + 2u * gpup_spec_counts.rules;
            best = at < best ? at : best;
        }
    return best;
}

static void findings(FILE *out, struct page *p, const struct gpup_program_result *program) {
    bool *told = calloc(gpup_spec_counts.rules, sizeof *told);
    p->failed = p->failed || !told;
    for (size_t i = 0; told && i < program->finding_count; i++) {
        unsigned rule = program->findings[i].rule;
        if (rule >= gpup_spec_counts.rules || !p->report->selected[rule] || told[rule])
            continue;
        told[rule] = true;
        fputs(" <code>", out);
        fputs(gpup_rules[rule].id, out);
        fputs("</code>", out);
    }
    free(told);
}

static void replay(FILE *out, const struct page *p, const struct gpup_program_result *program) {
    char *again = gpup_report_replay(p->report, "gpup-cts", program->name);
    if (!again)
        return;
    fputs("<p>Run it again: <code class=\"command\">", out);
    put(out, again);
    fputs("</code></p>", out);
    free(again);
}

static void head(FILE *out, struct page *p, const struct gpup_program_result *program) {
    const struct gpup_scenario *scenario = gpup_scenario_find(program->name);
    fputs("<details class=\"program ", out);
    fputs(program->outcome > GPUP_SKIPPED ? "failed" : "noted", out);
    fputs("\" id=\"", out);
    put_program_id(out, program->name);
    fprintf(out, "\"><summary><b class=\"v\">%s</b> <span class=\"id\">",
            gpup_outcome_name(program->outcome));
    text_put_short(out, TEXT_XML, program->name, 200);
    fputs("</span>", out);
    findings(out, p, program);
    if (scenario) {
        fputs(" <span class=\"says\">", out);
        put(out, scenario->title);
        fputs("</span>", out);
    }
    fputs("</summary>", out);
    if (program->why) {
        fputs("<p class=\"seen\">", out);
        put(out, program->why);
        fputs("</p>", out);
    }
    replay(out, p, program);
}

static void write_program(struct page *p, const struct gpup_program_result *program, size_t *room) {
    char *text = NULL;
    size_t size = 0;
    head(p->out, p, program);
    FILE *out = *room ? open_memstream(&text, &size) : NULL;
    bool fits = out && timeline_write(p, program, out);
    p->failed = p->failed || (*room && !fits);
    if (out)
        fclose(out);
    fits = fits && size <= *room;
    if (fits) {
        fwrite(text, 1, size, p->out);
        *room -= size;
    } else {
        fputs("<p>Its timeline is left out of this page, which is kept small; the command shows it.</p>",
              p->out);
    }
    fputs("</details>\n", p->out);
    free(text);
}

struct place {
    const struct gpup_program_result *program;
    unsigned rank;
};

static int by_rank(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return strcmp(left->program->name, right->program->name);
}

void part_programs(struct page *p) {
    const struct gpup_results *all = p->report->results;
    struct place *order = calloc(all->program_count + 1, sizeof *order);
    size_t count = 0, room = PAGE_TIMELINE_BYTES;
    p->failed = p->failed || !order;
    for (size_t i = 0; order && i < all->program_count; i++)
        if (all->programs[i].done && is_bad(p, &all->programs[i]))
            order[count++] = (struct place){&all->programs[i], rank(p, &all->programs[i])};
    if (order)
        qsort(order, count, sizeof *order, by_rank);
    if (count)
        fprintf(p->out,
                "<p>%zu programs with findings or a bad end. Each is told up to its first wrong step and a "
                "little "
                "further; times are of the simulated clock.</p>",
                count);
    else
        fputs("<p>None.</p>", p->out);
    for (size_t i = 0; i < count; i++)
        write_program(p, order[i].program, &room);
    free(order);
}
