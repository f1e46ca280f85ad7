/* The page: the template with its parts put in. */
#include "html.h"

#include <stdlib.h>
#include <string.h>

static void part_style_hash(struct page *p) {
    fputs(html_style_hash, p->out);
}
static void part_script_hash(struct page *p) {
    fputs(html_script_hash, p->out);
}
static void part_style(struct page *p) {
    fputs(html_style, p->out);
}
static void part_script(struct page *p) {
    fputs(html_script, p->out);
}

static const struct {
    const char *name;
    void (*write)(struct page *p);
} parts[] = {
    {"style-hash", part_style_hash},
    {"script-hash", part_script_hash},
    {"style", part_style},
    {"script", part_script},
    {"title", part_title},
    {"verdict", part_verdict},
    {"areas", part_areas},
    {"findings", part_findings},
    {"filter", part_filter},
    {"rules", part_rules},
    {"programs", part_programs},
    {"machines", part_machines},
    {"gaps", part_gaps},
    {"code", part_code},
    {"compare", part_compare},
    {"blackout", part_blackout},
    {"about", part_about},
};

static bool write_part(struct page *p, const char *name, size_t length) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0) {
            parts[i].write(p);
            return true;
        }
    return false;
}

static bool write_template(struct page *p) {
    const char *at = html_template, *open;
    while ((open = strstr(at, "{{"))) {
        const char *close = strstr(open, "}}");
        fwrite(at, 1, (size_t)(open - at), p->out);
        if (!close || !write_part(p, open + 2, (size_t)(close - open) - 2))
            return false;
        at = close + 2;
    }
    fputs(at, p->out);
    return true;
}

bool gpup_write_html(const struct gpup_report *report, FILE *out) {
    struct page page = {.report = report, .out = out, .coverage = calloc(1, sizeof *page.coverage)};
    bool ok = page.coverage != NULL;
    if (ok) {
        survey(&page);
        ok = write_template(&page);
    }
    free(page.coverage);
    free(page.blackouts);
    return ok && !page.failed && !ferror(out);
}

void put_bytes(FILE *out, const void *text, size_t size) {
    char copy[TEXT_LIMIT + 1];
    size_t length = size < TEXT_LIMIT ? size : TEXT_LIMIT;
    if (length)
        memcpy(copy, text, length);
    copy[length] = 0;
    put(out, copy);
    if (length < size)
        fprintf(out, "... (%zu bytes left out)", size - length);
}

void put_link(FILE *out, const char *url, const char *text) {
    bool web = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
    if (web && text_is_plain(url)) {
        fputs("<a rel=\"noreferrer\" href=\"", out);
        put(out, url);
        fputs("\">", out);
        put(out, text);
        fputs("</a>", out);
    } else {
        put(out, text);
    }
}

void put_rule(FILE *out, unsigned rule) {
    fprintf(out, "<a class=\"id\" href=\"#%s\">%s</a>", gpup_rules[rule].id, gpup_rules[rule].id);
}

/* Names of programs may hold anything and be as long; other than ours are told by a hash. */
void put_program_id(FILE *out, const char *program) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/";
    size_t length = strlen(program);
    uint64_t hash = 0xCBF29CE484222325u;
    fputs("program-", out);
    if (length < 100 && strspn(program, plain) == length) {
        for (const char *c = program; *c; c++)
            fputc(*c == '/' ? '.' : *c, out);
        return;
    }
    for (const char *c = program; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
    fprintf(out, "_%016llx", (unsigned long long)hash);
}

void put_where(FILE *out, const struct gpup_rule_summary *summary) {
    fputs("<a href=\"#", out);
    put_program_id(out, summary->first_program);
    fputs("\">", out);
    text_put_short(out, TEXT_XML, summary->first_program, 120);
    fputs("</a>", out);
    if (summary->first->step != GPUP_NO_STEP)
        fprintf(out, ", step %u", summary->first->step + 1);
    if (summary->first->ddi != GPUP_SPEC_NONE)
        fprintf(out, ", %s", gpup_ddi_name(summary->first->ddi));
}

const char *standing_name(enum gpup_standing standing) {
    switch (standing) {
    case GPUP_STANDS_PASSED:
        return "passed";
    case GPUP_STANDS_FAILED:
        return "failed";
    case GPUP_STANDS_NOTED:
        return "noted";
    case GPUP_STANDS_EXPECTED:
        return "expected";
    default:
        return "unjudged";
    }
}

const char *verdict_class(const struct page *p, unsigned rule) {
    return standing_name(gpup_report_standing(p->report, rule));
}
