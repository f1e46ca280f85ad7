/*
 * How long a VF stands still in a live migration, against the 750 ms that the documents name as the goal.
 *
 * Measured: the driver's calls between pause and power on the target (simulated clock), and the bytes that
 * were dirty by then, which the host has to move. Reckoned, and said so: what moving them takes at a rate.
 */
#include "html.h"

#include <gpup/scenarios.h>
#include <gpup/spec_ids.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GOAL_MS 750.0
#define MEBIBYTE 1048576.0

void blackout_begin(struct blackout_watch *watch, const char *program) {
    *watch = (struct blackout_watch){.seen.program = program};
}

static void watch_return(struct blackout_watch *w, const struct gpup_event *e,
                         const struct follow_return *r) {
    if (w->paused)
        w->seen.driver_ns += e->time_ns - r->call.begin_ns;
    if (!r->success)
        return;
    if (r->call.ddi == GPUP_DDI_SetVirtualFunctionPauseState &&
        r->call.a[GPUP_ARG_SetVirtualFunctionPauseState_bPause] &&
        gpup_machine_state_of(&r->before, GPUP_MACHINE_migration, r->vf) ==
            GPUP_STATE_migration_ImmutableSaved) {
        w->paused = true;
        w->host = e->host;
        w->vf = r->vf;
        w->seen.driver_ns = e->time_ns - r->call.begin_ns;
        w->seen.before = w->paged;
        w->paged = 0;
    }
    if (w->paused && r->call.ddi == GPUP_DDI_RestoreMutableMigrationData)
        w->restored = true;
}

static bool on_again(const struct blackout_watch *w, const struct follow_return *r) {
    return w->paused && w->restored && r->success && r->call.ddi == GPUP_DDI_SetVirtualFunctionPowerState &&
           r->call.a[GPUP_ARG_SetVirtualFunctionPowerState_PowerState] == 1;
}

bool blackout_event(struct blackout_watch *w, const struct gpup_event *e, const struct follow_return *r) {
    if (e->kind == GPUP_EVENT_SEGMENT && !w->seen.page)
        w->seen.page = e->f[GPUP_SEGMENT_page];
    if (e->kind == GPUP_EVENT_PAGING && !e->f[GPUP_PAGING_in]) {
        w->paged += e->f[GPUP_PAGING_size];
        if (!w->paused && e->f[GPUP_PAGING_size] > w->seen.reserve) /* the first copy is of all of it */
            w->seen.reserve = e->f[GPUP_PAGING_size];
    }
    if (!r)
        return false;
    watch_return(w, e, r);
    if (!on_again(w, r))
        return false;
    bool whole = w->seen.reserve && w->seen.before >= w->seen.reserve; /* all of it was copied while it ran */
    w->seen.copied = w->paged;
    w->paused = w->restored = false;
    return whole;
}

void blackout_keep(struct page *p, const struct blackout_watch *watch) {
    struct blackout *grown = realloc(p->blackouts, (p->blackout_count + 1) * sizeof *grown);
    if (!grown) {
        p->failed = true;
        return;
    }
    p->blackouts = grown;
    grown[p->blackout_count++] = watch->seen;
}

/* --- the part ------------------------------------------------------------------------------------------ */
static const double rates[] = {1, 4, 16}; /* GiB/s */
#define RATES (sizeof rates / sizeof *rates)

static double total_ms(const struct blackout *b, double gib_per_s) {
    return (double)b->driver_ns / 1e6 + (double)b->copied / (gib_per_s * 1073741824.0) * 1e3;
}

static void size_text(FILE *out, uint64_t bytes) {
    if (bytes >= 1u << 20)
        fprintf(out, "%.4g MiB", (double)bytes / MEBIBYTE);
    else
        fprintf(out, "%.4g KiB", (double)bytes / 1024);
}

static void row(FILE *out, const struct blackout *b) {
    const struct gpup_scenario *scenario = gpup_scenario_find(b->program);
    fputs("<tr><th scope=\"row\">", out);
    text_put_short(out, TEXT_XML, b->program, 120);
    if (scenario) {
        fputs("<br><small>", out);
        put(out, scenario->title);
        fputs("</small>", out);
    }
    fputs("</th><td>", out);
    size_text(out, b->reserve);
    fputs("</td><td>", out);
    size_text(out, b->page);
    fputs("</td><td>", out);
    size_text(out, b->before > b->reserve ? b->before - b->reserve : 0);
    fputs("</td><td>", out);
    size_text(out, b->copied);
    fprintf(out, "</td><td>%.3f ms</td>", (double)b->driver_ns / 1e6);
    for (size_t i = 0; i < RATES; i++) {
        double ms = total_ms(b, rates[i]);
        fprintf(out, "<td class=\"%s\">%.3g ms</td>", ms < GOAL_MS ? "passed" : "noted", ms);
    }
    fputs("</tr>", out);
}

/* Logarithmic on both sides. */
static double place(double value, double low, double high, double length) {
    value = value < low ? low : value > high ? high : value;
    return length * log2(value / low) / log2(high / low);
}

#define LEFT 68.0
#define WIDTH 600.0
#define HEIGHT 260.0
#define LOW_MIB (1.0 / 256)
#define HIGH_MIB 4096.0
#define LOW_MS 0.01
#define HIGH_MS 10000.0

static double at_x(double mib) {
    return LEFT + place(mib, LOW_MIB, HIGH_MIB, WIDTH);
}
static double at_y(double ms) {
    return 12 + HEIGHT - place(ms, LOW_MS, HIGH_MS, HEIGHT);
}

static void axes(FILE *out) {
    double ms = LOW_MS, mib = LOW_MIB;
    for (unsigned i = 0; i < 7; i++, ms *= 10)
        fprintf(out,
                "<path class=\"grid\" d=\"M%.0f %.1fh%.0f\"/><text class=\"tick end\" x=\"%.0f\" "
                "y=\"%.1f\">%g ms</text>",
                LEFT, at_y(ms), WIDTH, LEFT - 6, at_y(ms) + 4, ms);
    for (unsigned i = 0; i < 6; i++, mib *= 16)
        fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%.0f\">%g %s</text>", at_x(mib), HEIGHT + 28,
                mib < 1      ? mib * 1024
                : mib < 1024 ? mib
                             : mib / 1024,
                mib < 1      ? "KiB"
                : mib < 1024 ? "MiB"
                             : "GiB");
    fprintf(out,
            "<path class=\"goal\" d=\"M%.0f %.1fh%.0f\"/><text class=\"goal\" x=\"%.0f\" y=\"%.1f\">goal: "
            "750 ms</text>",
            LEFT, at_y(GOAL_MS), WIDTH, LEFT + 6, at_y(GOAL_MS) - 5);
    fprintf(out, "<text class=\"tick\" x=\"%.0f\" y=\"%.0f\">dirty when the VF was paused</text>",
            LEFT + WIDTH / 2, HEIGHT + 46);
}

static void plot(FILE *out, const struct page *p) {
    fprintf(out,
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Plot of the blackout\"><svg "
            "class=\"plot\" "
            "width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"Blackout by "
            "bytes that were "
            "dirty at the pause; the table has the same\">",
            LEFT + WIDTH + 30, HEIGHT + 56, LEFT + WIDTH + 30, HEIGHT + 56);
    axes(out);
    for (size_t i = 0; i < p->blackout_count; i++)
        for (size_t k = 0; k < RATES; k++) {
            const struct blackout *b = &p->blackouts[i];
            fprintf(out, "<circle class=\"rate%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>", k,
                    at_x((double)b->copied / MEBIBYTE), at_y(total_ms(b, rates[k])));
            text_put_short(out, TEXT_XML, b->program, 120);
            fprintf(out, ": %.3g ms at %g GiB/s</title></circle>", total_ms(b, rates[k]), rates[k]);
        }
    fputs("</svg></div><p class=\"key\">", out);
    for (size_t k = 0; k < RATES; k++)
        fprintf(out, "<span class=\"rate%zu\">%g GiB/s</span> ", k, rates[k]);
    fputs("</p>", out);
}

void part_blackout(struct page *p) {
    fputs("<p>The documents name 750 ms as the goal for the total pause of a live migration (", p->out);
    put_rule(p->out, GPUP_RULE_LM_063);
    fputs(").</p>", p->out);
    if (!p->blackout_count) {
        fputs("<p>No stored trace has a complete migration; <code>--traces all</code> keeps them.</p>",
              p->out);
        return;
    }
    fputs(
        "<p>Measured on the simulated clock and device: the time in the driver's calls from pause to power "
        "on the "
        "target, and the memory that was dirty by then. The columns with a rate add what moving that memory "
        "takes at that rate; they are arithmetic, and no measurement of a link.</p>",
        p->out);
    plot(p->out, p);
    fputs("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of "
          "blackouts\"><table><thead><tr><th "
          "scope=\"col\">program</th><th scope=\"col\">VRAM</th><th scope=\"col\">page</th><th "
          "scope=\"col\">copied again "
          "while it ran</th><th scope=\"col\">dirty at the pause</th><th scope=\"col\">driver</th>",
          p->out);
    for (size_t i = 0; i < RATES; i++)
        fprintf(p->out, "<th scope=\"col\">at %g GiB/s</th>", rates[i]);
    fputs("</tr></thead><tbody>", p->out);
    for (size_t i = 0; i < p->blackout_count; i++)
        row(p->out, &p->blackouts[i]);
    fputs("</tbody></table></div>", p->out);
}
