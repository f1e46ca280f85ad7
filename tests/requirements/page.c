#include "page.h"

#include <gpup/scenarios.h>
#include <gpup/spec.h>

#include <stdlib.h>
#include <string.h>

#define SCENARIOS_SHOWN 6u

static void put(FILE *out, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '|':
        case '*':
            fputc('\\', out);
            fputc(*text, out);
            break;
        default:
            fputc(*text, out);
        }
}

static const char *basis_words(unsigned basis) {
    static const char *const words[] = {"document", "header", "framework code", "inferred", "assumed"};
    return basis < sizeof words / sizeof *words ? words[basis] : "?";
}

static bool judges(const struct gpup_program_result *p, unsigned rule) {
    return p->done && p->rules && p->rules[rule].checks;
}

/* All runs have the same programs in the same order, but for those that a driver could not run. */
static uint32_t runs_of(const struct evidence *e, const char *program, unsigned rule) {
    uint32_t runs = 0;
    for (unsigned r = 0; r < e->run_count; r++)
        for (size_t i = 0; i < e->runs[r].program_count; i++)
            if (strcmp(e->runs[r].programs[i].name, program) == 0 && judges(&e->runs[r].programs[i], rule))
                runs |= 1u << r;
    return runs;
}

size_t judged_programs(const struct evidence *e, unsigned rule, struct judged *out, size_t max) {
    size_t count = 0;
    for (int own = 1; own >= 0; own--)
        for (size_t i = 0; i < gpup_scenario_count; i++) {
            const struct gpup_scenario *s = &gpup_scenarios[i];
            uint32_t runs =
                (strcmp(s->area, gpup_rules[rule].area) == 0) == own ? runs_of(e, s->name, rule) : 0;
            if (runs && count < max)
                out[count] = (struct judged){s->name, runs};
            count += runs != 0;
        }
    return count;
}

/* More than a handful is not counted: a new scenario would change every page. */
static void scenarios(FILE *out, const struct evidence *e, unsigned rule) {
    struct judged found[SCENARIOS_SHOWN];
    size_t count = judged_programs(e, rule, found, SCENARIOS_SHOWN);
    fputs(count ? "* Scenarios: " : "* **No scenario** has it judged on these drivers.", out);
    for (size_t i = 0; i < count && i < SCENARIOS_SHOWN; i++) {
        fprintf(out, "%s[%s](../../conformance/%s.yaml)", i ? ", " : "", found[i].program, found[i].program);
        if (!(found[i].runs & 1)) /* not on the first driver: said where */
            for (unsigned r = 0; r < e->run_count; r++)
                if (found[i].runs >> r & 1)
                    fprintf(out, " (%s)", e->names[r]);
    }
    fputs(count > SCENARIOS_SHOWN ? " and more\n" : "\n", out);
}

static void sources(FILE *out, const struct gpup_rule *g) {
    for (unsigned i = 0; i < g->source_count; i++) {
        const struct gpup_source *s = &gpup_sources[g->sources[i]];
        fputs("* Source: ", out);
        fputs(*s->url ? "[" : "", out);
        put(out, s->title);
        if (*s->url)
            fprintf(out, "](%s)", s->url);
        fprintf(out, " (%s), %s", s->id, s->date);
        if (i == 0 && *g->where) {
            fputs(": ", out);
            put(out, g->where);
        }
        fputc('\n', out);
    }
}

/* The edits after which the stored trace fails. */
static void proof(FILE *out, const struct evidence *e, const struct gpup_rule *g) {
    char path[4096], line[4096];
    snprintf(path, sizeof path, "%s/%s.proof", e->proofs, g->id);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    fprintf(out, "* Proof: [%s.proof](../../tests/proofs/%s.proof) passes, and fails after", g->id, g->id);
    for (bool first = true; fgets(line, sizeof line, file);) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "--- ", 4) != 0)
            continue;
        fprintf(out, "%s `%s`", first ? "" : ",", line + 4);
        first = false;
    }
    fputc('\n', out);
    fclose(file);
}

static bool tied(const struct gpup_defect *d, unsigned rule) {
    for (unsigned i = 0; i < d->rule_count; i++)
        if (d->rules[i] == rule)
            return true;
    return false;
}

static unsigned defects(FILE *out, unsigned rule) {
    unsigned count = 0;
    for (unsigned i = 0; i < gpup_spec_counts.defects; i++) {
        const struct gpup_defect *d = &gpup_defects[i];
        if (!tied(d, rule))
            continue;
        count++;
        if (!out)
            continue;
        fprintf(out, "* Defect %s%s: ", d->id, d->built ? "" : " (in the catalogue, not built)");
        put(out, d->sentence);
        fputc('\n', out);
    }
    return count;
}

static void rule_write(FILE *out, const struct evidence *e, unsigned rule) {
    const struct gpup_rule *g = &gpup_rules[rule];
    fprintf(out, "\n## %s\n\n", g->id);
    put(out, g->sentence);
    fprintf(out, "\n\n* %s, %s (%s), about the %s\n", gpup_level_name(g->level), gpup_basis_name(g->basis),
            basis_words(g->basis), gpup_subject_name(g->subject));
    sources(out, g);
    if (*g->note) {
        fputs("* Note: ", out);
        put(out, g->note);
        fputc('\n', out);
    }
    for (unsigned i = 0; i < g->ddi_count; i++)
        fprintf(out, "%s%s%s", i ? ", " : "* Calls: ", gpup_ddi_name(g->ddis[i]),
                i + 1 == g->ddi_count ? "\n" : "");
    bool any = false;
    for (unsigned i = 0; i < GPUP_OBSERVER_COUNT; i++)
        if (g->observers >> i & 1) {
            fprintf(out, "%s%s", any ? ", " : "* Needs: ", gpup_observer_name(1u << i));
            any = true;
        }
    fputs(any ? "\n" : "", out);
    if (*g->beyond) {
        fputs("* **Not judged:** ", out);
        put(out, g->beyond);
        fputc('\n', out);
        return;
    }
    if (g->monitor == GPUP_SPEC_NONE) {
        fputs("* **No monitor.**\n", out);
        return;
    }
    fprintf(out, "* Monitor: %s\n", gpup_monitors[g->monitor]);
    proof(out, e, g);
    scenarios(out, e, rule);
    defects(out, rule);
}

struct sums {
    unsigned rules, must, monitored, beyond, seen, with_defect;
};

/* Of an area; "": of all. */
static struct sums sum(const struct evidence *e, const char *area) {
    struct sums s = {0};
    struct judged one;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule *g = &gpup_rules[i];
        if (*area && strcmp(g->area, area) != 0)
            continue;
        s.rules++;
        s.must += g->level == GPUP_LEVEL_MUST;
        s.monitored += g->monitor != GPUP_SPEC_NONE;
        s.beyond += *g->beyond != 0;
        s.seen += judged_programs(e, i, &one, 1) != 0;
        s.with_defect += defects(NULL, i) != 0;
    }
    return s;
}

static void generated(FILE *out) {
    fputs("Generated from `specs/`, `tests/proofs/`, and runs of `reference`, `second` and `framework`; "
          "`CONTRIBUTING.md` says how.\n",
          out);
}

void area_write(FILE *out, const struct evidence *e, const char *area) {
    struct sums s = sum(e, area);
    fprintf(out, "# Requirements: %s\n\n", area);
    generated(out);
    fprintf(out,
            "%u rules, %u of them MUST; %u have a monitor, %u are beyond a black box; scenarios judge %u; "
            "%u have a seeded defect.\n",
            s.rules, s.must, s.monitored, s.beyond, s.seen, s.with_defect);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (strcmp(gpup_rules[i].area, area) == 0)
            rule_write(out, e, i);
}

static void row(FILE *out, struct sums s) {
    fprintf(out, " %u | %u | %u | %u | %u | %u |\n", s.rules, s.must, s.monitored, s.beyond, s.seen,
            s.with_defect);
}

void index_write(FILE *out, const struct evidence *e) {
    fputs("# Requirements\n\nEvery rule with its source, the monitor that judges it, the proof of that "
          "monitor, "
          "scenarios that lead there and seeded defects that break it.\n\n",
          out);
    generated(out);
    fputs("\n| area | rules | MUST | with a monitor | beyond a black box | judged by a scenario | with a "
          "defect "
          "|\n|---|---|---|---|---|---|---|\n",
          out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (i == 0 || strcmp(gpup_rules[i].area, gpup_rules[i - 1].area) != 0) {
            fprintf(out, "| [%s](%s.md) |", gpup_rules[i].area, gpup_rules[i].area);
            row(out, sum(e, gpup_rules[i].area));
        }
    fputs("| all |", out);
    row(out, sum(e, ""));
}
