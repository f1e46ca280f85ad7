/*
 * State machines as diagrams. States stand in a row in the order of the specification; calls that lead onward
 * are arcs above it, those that lead back below. Whether a call was made is a matter of CSS classes.
 */
#include "html.h"

#include <string.h>

#define STEP 212 /* from one state to the next, in pixels */
#define BOX 118  /* width of a state */
#define ROW 30   /* height of a state */
#define RISE 25  /* of an arc, per state it passes */

/* Transitions from one state to another, drawn as one arc. */
struct edge {
    unsigned all, covered;
    char label[64], title[512];
};

static void append(char *text, size_t size, const char *more) {
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length ? ", " : "", more);
}

static bool goes(const struct gpup_transition *t, unsigned from, unsigned to) {
    return t->from >> from & 1 && (t->to == GPUP_STATE_SAME ? from : t->to) == to;
}

static struct edge edge_of(const struct coverage *c, unsigned m, unsigned from, unsigned to) {
    const struct gpup_machine *machine = &gpup_machines[m];
    struct edge e = {0};
    unsigned names = 0;
    for (unsigned t = 0; t < machine->transition_count; t++) {
        const struct gpup_transition *row = &machine->transitions[t];
        if (!goes(row, from, to))
            continue;
        e.all++;
        e.covered += c->taken[m][t][from] != 0;
        if (strstr(e.title, gpup_ddi_name(row->ddi)))
            continue;
        if (!names++)
            snprintf(e.label, sizeof e.label, "%s", gpup_ddi_name(row->ddi));
        append(e.title, sizeof e.title, gpup_ddi_name(row->ddi));
    }
    if (names > 1)
        snprintf(e.label + strlen(e.label), sizeof e.label - strlen(e.label), " +%u", names - 1);
    return e;
}

static const char *edge_class(const struct coverage *c, const struct edge *e) {
    if (!c->traces)
        return "unknown";
    return e->covered == e->all ? "taken" : e->covered ? "partly" : "never";
}

static int middle(unsigned state) {
    return 20 + BOX / 2 + (int)state * STEP;
}

static unsigned longest(const struct gpup_machine *machine, bool back) {
    unsigned span = 0;
    for (unsigned t = 0; t < machine->transition_count; t++)
        for (unsigned from = 0; from < machine->state_count; from++) {
            const struct gpup_transition *row = &machine->transitions[t];
            if (row->to == GPUP_STATE_SAME || !(row->from >> from & 1) || row->to == from ||
                (row->to < from) != back)
                continue;
            unsigned s = back ? from - row->to : row->to - from;
            span = s > span ? s : span;
        }
    return span;
}

static void draw_edge(FILE *out, const struct coverage *c, const struct edge *e, unsigned from, unsigned to,
                      int top) {
    bool back = to < from;
    int span = back ? (int)(from - to) : (int)(to - from), sign = back ? 1 : -1;
    int y = back ? top + ROW : top, reach = sign * (12 + RISE * span);
    int x1 = middle(from) + (back ? -18 : 18), x2 = middle(to) + (back ? 26 : -26);
    /* A cubic rises to three quarters of its control points. */
    fprintf(out,
            "<g class=\"%s\"><title>%s: %u of %u taken</title><path d=\"M%d %dC%d %d %d %d %d %d\"/><path "
            "class=\"head\" "
            "d=\"M%d %dl-4 %dh8z\"/><text x=\"%d\" y=\"%d\">%s</text></g>",
            edge_class(c, e), e->title, e->covered, e->all, x1, y, x1, y + reach * 4 / 3, x2,
            y + reach * 4 / 3, x2, y + sign * 7, x2, y, sign * 8, (x1 + x2) / 2, y + reach + (back ? 12 : -3),
            e->label);
}

static void draw_state(FILE *out, const struct coverage *c, unsigned m, unsigned state, int top) {
    struct edge stays = edge_of(c, m, state, state);
    int x = middle(state);
    fprintf(
        out,
        "<g class=\"state%s\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"15\"/><text x=\"%d\" "
        "y=\"%d\">%s</text></g>",
        state == gpup_machines[m].initial ? " first" : "", x - BOX / 2, top, BOX, ROW, x, top + 19,
        gpup_machine_state_name((uint16_t)m, (uint8_t)state));
    if (!stays.all)
        return;
    fprintf(out, "<g class=\"stays %s\"><title>stay here: %s</title><text x=\"%d\" y=\"%d\">&#x21ba; ",
            edge_class(c, &stays), stays.title, x + BOX / 2 + 2, top + 34);
    if (c->traces)
        fprintf(out, "%u/", stays.covered);
    fprintf(out, "%u</text></g>", stays.all);
}

static void diagram(FILE *out, const struct coverage *c, unsigned m) {
    const struct gpup_machine *machine = &gpup_machines[m];
    int top = 26 + RISE * (int)longest(machine, false),
        width = middle(machine->state_count - 1u) + BOX / 2 + 56;
    int height = top + ROW + 30 + RISE * (int)longest(machine, true);
    fprintf(out,
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Diagram of %s\"><svg "
            "class=\"machine\" "
            "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"States of %s and the "
            "calls "
            "between them; the table below has the same\">",
            machine->name, width, height, width, height, machine->name);
    for (unsigned from = 0; from < machine->state_count; from++)
        for (unsigned to = 0; to < machine->state_count; to++) {
            struct edge e = edge_of(c, m, from, to);
            if (from != to && e.all)
                draw_edge(out, c, &e, from, to, top);
        }
    for (unsigned state = 0; state < machine->state_count; state++)
        draw_state(out, c, m, state, top);
    fputs("</svg></div>", out);
}

static void guards(FILE *out, const struct gpup_transition *t) {
    for (unsigned i = 0; i < t->guard_count; i++) {
        const struct gpup_guard *g = &t->guards[i];
        fprintf(out, " <small>%s ", gpup_ddis[t->ddi].arguments[g->argument]);
        if (g->kind == GPUP_GUARD_equal)
            fprintf(out, "%llu</small>", (unsigned long long)g->value);
        else
            fprintf(out, "%s</small>", g->kind == GPUP_GUARD_zero ? "zero" : "not zero");
    }
}

static void rows(FILE *out, const struct coverage *c, unsigned m) {
    const struct gpup_machine *machine = &gpup_machines[m];
    for (unsigned t = 0; t < machine->transition_count; t++) {
        const struct gpup_transition *row = &machine->transitions[t];
        fprintf(out, "<tr><td>%s", gpup_ddi_name(row->ddi));
        guards(out, row);
        fputs("</td><td>", out);
        for (unsigned from = 0; from < machine->state_count; from++)
            if (row->from >> from & 1)
                fprintf(out, "<span class=\"%s\">%s <small>%u</small></span> ",
                        c->taken[m][t][from] ? "taken"
                        : c->traces          ? "never"
                                             : "unknown",
                        gpup_machine_state_name((uint16_t)m, (uint8_t)from), c->taken[m][t][from]);
        if (!row->from)
            fputs("<small>the OS never makes this call</small>", out);
        fprintf(out, "</td><td>%s</td></tr>",
                row->to == GPUP_STATE_SAME ? "stays" : gpup_machine_state_name((uint16_t)m, row->to));
    }
}

static void machine_section(FILE *out, const struct coverage *c, unsigned m) {
    static const char *const per[] = {"adapter", "VF", "memory basis"};
    const struct gpup_machine *machine = &gpup_machines[m];
    unsigned all = 0, covered = 0;
    for (unsigned t = 0; t < machine->transition_count; t++)
        for (unsigned from = 0; from < machine->state_count; from++) {
            all += machine->transitions[t].from >> from & 1;
            covered += c->taken[m][t][from] != 0;
        }
    fprintf(out, "<h3>%s <small>one per %s", machine->name, per[machine->per % 3]);
    if (c->traces)
        fprintf(out, "; %u of %u transitions taken", covered, all);
    fputs("</small></h3>", out);
    diagram(out, c, m);
    fputs("<details><summary>All its transitions</summary><div class=\"wide\" "
          "tabindex=\"0\"><table><thead><tr><th "
          "scope=\"col\">call</th><th scope=\"col\">from, and how often taken</th><th "
          "scope=\"col\">to</th></tr></thead>"
          "<tbody>",
          out);
    rows(out, c, m);
    fputs("</tbody></table></div></details>", out);
}

static void intro(FILE *out, const struct coverage *c) {
    if (!c->traces) {
        fputs("<p>No trace is stored, so that nothing is known of what was taken; <code>--traces all</code> "
              "keeps "
              "those of all programs.</p>",
              out);
        return;
    }
    fprintf(
        out,
        "<p>Calls that succeeded, from which state, in the %zu of %zu programs whose traces are "
        "stored.%s</p><p class=\"key\"><span class=\"taken\">taken</span> <span class=\"partly\">some of its "
        "calls</span> <span class=\"never\">never</span> &#x21ba; calls that stay in the state</p>",
        c->traces, c->programs,
        c->traces < c->programs ? " <code>--traces all</code> keeps those of all programs." : "");
}

void part_machines(struct page *p) {
    const struct coverage *c = p->coverage;
    intro(p->out, c);
    for (unsigned m = 0; m < gpup_spec_counts.machines && m < GPUP_MACHINE_MAX; m++)
        machine_section(p->out, c, m);
}
