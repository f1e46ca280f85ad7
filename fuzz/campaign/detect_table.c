/* The table of executions to detection: a line per fault, the figure of each seed on it, so that it can be
 * gone on with. */
#include "detect.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Not found counts as all that was tried. */
static uint64_t cost(const struct detected *c) {
    return c->taken ? c->taken : c->tried;
}

static int by_cost(const void *a, const void *b) {
    const struct detected *x = a, *y = b;
    if (cost(x) != cost(y))
        return cost(x) > cost(y) ? 1 : -1;
    return (x->taken == 0) - (y->taken == 0);
}

struct row {
    struct detected median;
    unsigned found, measured;
};

static struct row sum_up(const struct detection *d, unsigned defect, unsigned mode) {
    struct detected sorted[DETECT_SEEDS];
    struct row row = {.found = 0};
    for (unsigned seed = 0; seed < d->seeds; seed++) {
        const struct detected *c = &d->of[defect][mode][seed];
        if (c->tried)
            sorted[row.measured++] = *c;
        row.found += c->taken != 0;
    }
    qsort(sorted, row.measured, sizeof *sorted, by_cost);
    if (row.measured)
        row.median = sorted[row.measured / 2];
    return row;
}

static void put_figure(FILE *out, const struct detected *c) {
    char text[32] = "-";
    if (c->tried)
        snprintf(text, sizeof text, "%s%" PRIu64 "%s", c->taken ? "" : ">", cost(c), c->company ? "+" : "");
    fprintf(out, " %9s", text);
}

static void put_head(const struct detection *d, FILE *out) {
    unsigned by_one = 0, by_all = 0, measured = 0;
    for (unsigned i = 0; i < d->defects; i++) {
        struct row row = sum_up(d, i, 0);
        measured += row.measured == d->seeds;
        by_one += row.found != 0;
        by_all += row.found == d->seeds;
    }
    fprintf(out,
            "# Executions until a seeded fault gives a finding of a rule it is tied to: typed mutation and "
            "state\n"
            "# feedback, from %s, without dictionary, libFuzzer's seeds 1 to %u, at most %" PRIu64
            " executions%s.\n"
            "# >N: not within N executions. -: not measured. The median takes >N for N.\n"
            "# Up to %" PRIu64
            " executions each fault is by itself. N+, >N+: in one driver with others, which may "
            "hide it,\n"
            "# or end a program before it; what is found is confirmed by a driver with that fault alone.\n"
            "# %u faults: %u measured with every seed, %u found with one or more, %u with each.\n"
            "# build %08" PRIx32 "\n",
            d->seeded ? "the bundled programs" : "an empty corpus", d->seeds, d->cap,
            d->seconds ? ", as far as the time went" : "", d->alone < d->cap ? d->alone : d->cap, d->defects,
            measured, by_one, by_all, d->build);
}

static void print_seeds(const struct detection *d, FILE *out) {
    put_head(d, out);
    fprintf(out, "%-8s %9s %6s", "fault", "median", "found");
    for (unsigned seed = 0; seed < d->seeds; seed++)
        fprintf(out, "   seed %2u", seed + 1);
    fputc('\n', out);
    for (unsigned i = 0; i < d->defects; i++) {
        struct row row = sum_up(d, i, 0);
        fprintf(out, "%-8s", d->defect[i]->id);
        put_figure(out, &row.median);
        fprintf(out, " %4u/%u", row.found, row.measured);
        for (unsigned seed = 0; seed < d->seeds; seed++)
            put_figure(out, &d->of[i][0][seed]);
        fputc('\n', out);
    }
}

static void print_modes(const struct detection *d, FILE *out) {
    double ratio = 0;
    unsigned found[DETECT_MODES] = {0};
    fprintf(out,
            "# Executions to detection: median of %u seeds, at most %" PRIu64 "; found/seeds\n"
            "# N+, >N+: all in one driver; what is found is confirmed by a driver with that fault alone.\n",
            d->seeds, d->cap);
    fprintf(out, "%-8s %11s %6s %9s %6s %8s\n", "fault", "typed+state", "found", "bytes", "found", "ratio");
    for (unsigned i = 0; i < d->defects; i++) {
        struct row typed = sum_up(d, i, 0), bytes = sum_up(d, i, 1);
        double times = (double)cost(&bytes.median) / (double)cost(&typed.median);
        fprintf(out, "%-8s  ", d->defect[i]->id);
        put_figure(out, &typed.median);
        fprintf(out, " %4u/%u", typed.found, d->seeds);
        put_figure(out, &bytes.median);
        fprintf(out, " %4u/%u %8.1f\n", bytes.found, d->seeds, times);
        found[0] += typed.found;
        found[1] += bytes.found;
        ratio += log(times);
    }
    unsigned runs = d->defects * d->seeds;
    fprintf(out, "fuzz_detect_runs %u runs\n", runs);
    fprintf(out, "fuzz_detect_found_typed %u runs\n", found[0]);
    fprintf(out, "fuzz_detect_found_bytes %u runs\n", found[1]);
    fprintf(out, "fuzz_detect_not_found_typed %u runs\n", runs - found[0]);
    fprintf(out, "fuzz_detect_not_found_bytes %u runs\n", runs - found[1]);
    fprintf(out, "fuzz_detect_ratio %.2f times\n", exp(ratio / d->defects));
}

void detection_print(const struct detection *d, FILE *out) {
    if (d->modes > 1)
        print_modes(d, out);
    else
        print_seeds(d, out);
}

bool detection_write(const struct detection *d) {
    char beside[PATH_ROOM];
    if (!d->table)
        return true;
    snprintf(beside, sizeof beside, "%s.new", d->table);
    FILE *out = fopen(beside, "w");
    if (!out)
        return false;
    detection_print(d, out);
    bool ok = !ferror(out);
    return fclose(out) == 0 && ok && rename(beside, d->table) == 0;
}

/* `BUG-001 MEDIAN FOUND/SEEDS FIGURE...`; a figure: -, N, >N, N+ or >N+ */
static void read_line(struct detection *d, char *line) {
    char *at, *id = strtok_r(line, " ", &at);
    unsigned defect = 0;
    while (id && defect < d->defects && strcmp(d->defect[defect]->id, id) != 0)
        defect++;
    if (!id || defect == d->defects || !strtok_r(NULL, " ", &at) || !strtok_r(NULL, " ", &at))
        return;
    for (unsigned seed = 0; seed < d->seeds; seed++) {
        struct detected *c = &d->of[defect][0][seed];
        const char *figure = strtok_r(NULL, " ", &at);
        char *end;
        if (!figure || *figure == '-')
            continue;
        c->tried = strtoull(figure + (*figure == '>'), &end, 10);
        c->taken = *figure == '>' ? 0 : c->tried;
        c->company = *end == '+';
    }
}

void detection_read(struct detection *d) {
    size_t size;
    char *text = read_file(d->table, &size), *at, *line;
    const char *build = text ? strstr(text, "# build ") : NULL;
    if (text && (!build || strtoul(build + 8, NULL, 16) != d->build)) {
        fprintf(stderr, "gpup-fuzz: %s is of another build; it is measured anew\n", d->table);
        free(text);
        return;
    }
    for (line = text ? strtok_r(text, "\n", &at) : NULL; line; line = strtok_r(NULL, "\n", &at))
        read_line(d, line);
    free(text);
}
