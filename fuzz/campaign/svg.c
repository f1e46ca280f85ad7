/*
 * The picture of the states: a row for each call, a column for each state of each machine. Colour says how
 * the calls that were made there came back; a frame, that the machine expects the call there and nothing made
 * it.
 */
#include "picture.h"

#define CELL 15
#define NAMES 230 /* width of the calls' names */
#define HEAD 130  /* height of the states' names */
#define GAP 32    /* between machines */
#define LEGEND 60

static const char style[] =
    "text{font:11px sans-serif;fill:#222}.t{font-size:15px;font-weight:bold}.m{font-weight:bold}"
    ".o{fill:#2f855a}.f{fill:#c05621}.b{fill:#2b6cb0}.n{fill:#edf0f3}.w{fill:#fff;stroke:#b7791f;stroke-"
    "width:2}";

/* Class of a cell; the legend names them in this order. */
static const char *class_of(const struct picture *p, unsigned m, unsigned state, uint16_t ddi) {
    const struct cell *c = &p->cell[m][state][ddi];
    if (c->succeeded)
        return c->failed ? "b" : "o";
    if (c->failed)
        return "f";
    return picture_expects(m, state, ddi) ? "w" : "n";
}

static int column(unsigned machine, unsigned state) {
    int x = NAMES;
    for (unsigned m = 0; m < machine; m++)
        x += gpup_machines[m].state_count * CELL + GAP;
    return x + (int)state * CELL;
}

static void write_head(FILE *out) {
    for (unsigned m = 0; m < gpup_spec_counts.machines; m++) {
        fprintf(out, "<text class=\"m\" transform=\"translate(%d,%d) rotate(-60)\">%s</text>\n",
                column(m, 0) - 10, HEAD - 4, gpup_machines[m].name);
        for (unsigned s = 0; s < gpup_machines[m].state_count; s++)
            fprintf(out, "<text transform=\"translate(%d,%d) rotate(-60)\">%s</text>\n", column(m, s) + 11,
                    HEAD - 4, gpup_machine_state_name((uint16_t)m, (uint8_t)s));
    }
}

static void write_row(FILE *out, const struct picture *p, uint16_t ddi, int y) {
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", NAMES - 16, y + 11,
            gpup_ddi_name(ddi));
    for (unsigned m = 0; m < gpup_spec_counts.machines; m++)
        for (unsigned s = 0; s < gpup_machines[m].state_count; s++) {
            const struct cell *c = &p->cell[m][s][ddi];
            fprintf(out,
                    "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"12\" height=\"12\"><title>%s, %s %s: %u "
                    "succeeded, %u failed</title></rect>\n",
                    class_of(p, m, s, ddi), column(m, s) + 1, y + 1, gpup_ddi_name(ddi),
                    gpup_machines[m].name, gpup_machine_state_name((uint16_t)m, (uint8_t)s), c->succeeded,
                    c->failed);
        }
}

static void write_legend(FILE *out) {
    static const char *const entries[][2] = {{"o", "succeeded"},
                                             {"f", "failed"},
                                             {"b", "both"},
                                             {"w", "expected by the machine, not made"},
                                             {"n", "not made"}};
    int x = 16;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"34\" width=\"12\" height=\"12\"/>", entries[i][0], x);
        fprintf(out, "<text x=\"%d\" y=\"44\">%s</text>\n", x + 18, entries[i][1]);
        x += i == 3 ? 240 : 100;
    }
}

/* A path or a name that the user gave. */
static void write_text(FILE *out, const char *text) {
    for (; *text; text++)
        if (*text == '<' || *text == '&')
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
}

void picture_svg(FILE *out, const struct picture *p, const char *title) {
    int rows = 0, width = column(gpup_spec_counts.machines, 0) + 90;
    for (uint16_t ddi = 0; ddi < (uint16_t)GPUP_DDI_COUNT; ddi++)
        rows += picture_has_row(p, ddi);
    int height = HEAD + LEGEND + rows * CELL + 10;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
            "<style>%s</style>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
            "<text class=\"t\" x=\"16\" y=\"22\">Calls by state of the model: ",
            width, height, width, height, style, width, height);
    write_text(out, title);
    fputs("</text>\n", out);
    write_legend(out);
    fprintf(out, "<g transform=\"translate(0,%d)\">\n", LEGEND);
    write_head(out);
    rows = 0;
    for (uint16_t ddi = 0; ddi < (uint16_t)GPUP_DDI_COUNT; ddi++)
        if (picture_has_row(p, ddi))
            write_row(out, p, ddi, HEAD + rows++ * CELL);
    fputs("</g>\n</svg>\n", out);
}
