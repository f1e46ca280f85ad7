/*
 * summary.md: what a reviewer of a pull request wants to know - the verdict, the areas, each finding with its
 * rule, its document and the command that runs it again - and the rest folded away. Kept below what code
 * hosting sites take for a comment.
 *
 * Everything that comes from a journal is in code spans: no markup, no mention of people, no links.
 */
#include "count.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 60000u /* bytes; 65536 is what fits into a comment */
#define SHORT 300u   /* bytes of one text */
#define TAIL 1500u   /* room kept for what comes after the findings */

struct page {
    const struct gpup_report *report;
    FILE *out;
    size_t size;
    bool failed;
};

/* A part of the page, complete or not at all. */
struct part {
    FILE *out;
    char *text;
    size_t size;
};

static bool begin(struct part *part) {
    *part = (struct part){0};
    part->out = open_memstream(&part->text, &part->size);
    return part->out != NULL;
}

/* false: it did not fit. */
static bool end(struct page *page, struct part *part, size_t limit) {
    bool whole = fclose(part->out) == 0, fits = whole && page->size + part->size <= limit;
    page->failed = page->failed || !whole;
    if (fits) {
        fwrite(part->text, 1, part->size, page->out);
        page->size += part->size;
    }
    free(part->text);
    return fits;
}

static void heading(const struct gpup_report *r, FILE *out) {
    static const char *const words[] = {"passed",          "failed",     "unusable input",
                                        "not carried out", "incomplete", "stale expectations"};
    int status = gpup_report_exit_status(r);
    struct count_required sum = count_required(r);
    fprintf(out, "## GPU-P conformance: %s\n\n", status >= 0 && status < 6 ? words[status] : "?");
    text_put_short(out, TEXT_CODE, r->results->implementation, SHORT);
    fputs(", profile ", out);
    text_put_short(out, TEXT_CODE, r->results->profile, SHORT);
    fputs(", hash ", out);
    text_put_short(out, TEXT_CODE, r->results->implementation_hash, SHORT);
    fprintf(out, ": %s (exit status %d).\n\n", gpup_report_meaning(r), status);
    fprintf(out,
            "Required rules: **%u passed**, **%u failed**, %u not applicable, %u beyond a black box, %u not "
            "judged.\n\n",
            sum.passed, sum.failed, sum.inapplicable, sum.beyond, sum.unjudged);
    if (gpup_report_missing(r))
        fprintf(
            out,
            "**%u of %u programs have no result**: the run was interrupted, or other shards have them.\n\n",
            gpup_report_missing(r), r->results->planned);
}

static void row(FILE *out, const char *name, const unsigned *count) {
    unsigned other = count[GPUP_NOT_EXERCISED] + count[GPUP_NOT_OBSERVABLE] + count[GPUP_NOT_COVERED];
    fprintf(out, "| %s | %u | %u | %u | %u | %u | %u |\n", name, count[GPUP_PASS], count[GPUP_FAIL],
            count[GPUP_WARN], count[GPUP_POLICY_FINDING], count[GPUP_NOT_APPLICABLE], other);
}

static void table(const struct gpup_report *r, FILE *out) {
    unsigned count[GPUP_VERDICTS];
    fputs("| area | pass | fail | warn | policy | not applicable | not judged "
          "|\n|---|--:|--:|--:|--:|--:|--:|\n",
          out);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i = count_next_area(i))
        if (count_area(r, gpup_rules[i].area, count))
            row(out, gpup_rules[i].area, count);
    count_area(r, NULL, count);
    row(out, "**all**", count);
    fputc('\n', out);
}

static void document(FILE *out, const struct gpup_source *s) {
    fputs(*s->url ? "[" : "", out);
    text_put(out, TEXT_MARKDOWN, s->title);
    if (*s->url)
        fprintf(out, "](%s)", s->url);
    fprintf(out, ", %s", s->date);
}

static void replay(const struct gpup_report *r, FILE *out, const char *program) {
    char *again = gpup_report_replay(r, "gpup-cts", program);
    if (again)
        fprintf(out, "```sh\n%s\n```\n", again);
    free(again);
}

static void finding(const struct gpup_report *r, FILE *out, unsigned i) {
    const struct gpup_rule *g = &gpup_rules[i];
    const struct gpup_rule_summary *s = &r->rules[i];
    fprintf(out, "**%s** %s (%s): ", g->id, gpup_report_verdict_name(r, i), gpup_level_name(g->level));
    text_put(out, TEXT_MARKDOWN, g->sentence);
    for (unsigned k = 0; k < g->source_count; k++) {
        fputs("  \nsource: ", out);
        document(out, &gpup_sources[g->sources[k]]);
    }
    fputs("  \nseen: ", out);
    text_put_short(out, TEXT_CODE, s->first ? s->first->text : "", SHORT);
    text_put_lines(out, TEXT_CODE, s->first ? s->first->where : NULL, "  \n", "");
    fputs("  \nwhere: ", out);
    text_put_short(out, TEXT_CODE, s->first_program, SHORT);
    if (s->first && s->first->step != GPUP_NO_STEP)
        fprintf(out, ", step %u", s->first->step + 1);
    if (s->first && s->first->ddi != GPUP_SPEC_NONE)
        fprintf(out, ", %s", gpup_ddi_name(s->first->ddi));
    fprintf(out, "; violated %llu of %llu times\n\n", (unsigned long long)s->violations,
            (unsigned long long)s->checks);
    replay(r, out, s->first_program);
    fputc('\n', out);
}

/* FAIL before WARN before POLICY; returns how many were left out. */
static unsigned findings(struct page *page, enum gpup_standing standing, unsigned *shown) {
    unsigned left_out = 0;
    *shown = 0;
    for (unsigned verdict = GPUP_FAIL; verdict <= GPUP_POLICY_FINDING; verdict++)
        for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
            struct part part;
            if (!page->report->selected[i] || page->report->rules[i].verdict != verdict ||
                gpup_report_standing(page->report, i) != standing)
                continue;
            if (!begin(&part)) {
                page->failed = true;
                continue;
            }
            finding(page->report, part.out, i);
            end(page, &part, LIMIT - TAIL) ? ++*shown : ++left_out;
        }
    return left_out;
}

#define say(page, ...) count_bytes((page), fprintf((page)->out, __VA_ARGS__))
static void count_bytes(struct page *page, int size) {
    page->size += size > 0 ? (size_t)size : 0;
}

static unsigned standing_count(const struct gpup_report *r, enum gpup_standing standing) {
    unsigned count = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        count += r->selected[i] && gpup_report_standing(r, i) == standing;
    return count;
}

static void section(struct page *page, enum gpup_standing standing, const char *title, bool folded) {
    unsigned count = standing_count(page->report, standing), shown;
    if (!count)
        return;
    say(page, folded ? "<details><summary>%s: %u</summary>\n\n" : "### %s: %u\n\n", title, count);
    unsigned left_out = findings(page, standing, &shown);
    if (left_out)
        say(page, "%u more: see `results.json`.\n\n", left_out);
    if (folded)
        say(page, "</details>\n\n");
}

static void one_program(const struct gpup_report *r, FILE *out, const struct gpup_program_result *p) {
    fprintf(out, "* %s ", gpup_outcome_name(p->outcome));
    text_put_short(out, TEXT_CODE, p->name, SHORT);
    fputs(": ", out);
    text_put_short(out, TEXT_CODE, p->why, SHORT);
    fputc('\n', out);
    (void)r;
}

static void programs(struct page *page) {
    const struct gpup_results *all = page->report->results;
    unsigned left_out = 0, seen = 0;
    for (size_t i = 0; i < all->program_count; i++) {
        struct part part;
        if (!all->programs[i].done || all->programs[i].outcome == GPUP_COMPLETE || !begin(&part))
            continue;
        if (!seen++)
            say(page, "### Programs that did not complete\n\n");
        one_program(page->report, part.out, &all->programs[i]);
        left_out += !end(page, &part, LIMIT - TAIL);
    }
    if (left_out)
        say(page, "* %u more: see `results.json`.\n", left_out);
    if (seen)
        say(page, "\n");
}

/* Ids by reason, so that nobody has to guess what was not tested. */
static void unjudged(struct page *page) {
    struct part part;
    if (!standing_count(page->report, GPUP_STANDS_UNJUDGED) || !begin(&part))
        return;
    fprintf(part.out, "<details><summary>Not judged: %u</summary>\n\n",
            standing_count(page->report, GPUP_STANDS_UNJUDGED));
    for (unsigned reason = 0; reason < GPUP_REASONS; reason++) {
        const char *separator = NULL;
        for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
            if (!page->report->selected[i] || page->report->rules[i].reason != reason ||
                gpup_report_standing(page->report, i) != GPUP_STANDS_UNJUDGED)
                continue;
            if (!separator)
                fprintf(part.out, "* %s:", gpup_reason_name(reason));
            separator = separator ? ", " : " ";
            fprintf(part.out, "%s%s", separator, gpup_rules[i].id);
        }
        fputs(separator ? "\n" : "", part.out);
    }
    fputs("\n</details>\n\n", part.out);
    end(page, &part, LIMIT - TAIL / 2);
}

bool gpup_write_markdown(const struct gpup_report *report, FILE *out) {
    struct page page = {.report = report, .out = out};
    struct part part;
    if (!begin(&part))
        return false;
    heading(report, part.out);
    table(report, part.out);
    end(&page, &part, LIMIT);
    section(&page, GPUP_STANDS_FAILED, "Failed rules", false);
    programs(&page);
    section(&page, GPUP_STANDS_NOTED, "Findings that do not count", true);
    section(&page, GPUP_STANDS_EXPECTED, "Expected failures (not passed)", true);
    unjudged(&page);
    say(&page, "Specification `%s`. Rules, levels and documents: `results.json`.\n", gpup_spec_version());
    return !page.failed && !ferror(out);
}
