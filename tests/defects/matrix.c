/* The suite proves itself: each seeded fault must be found by a rule that the catalogue ties to it.
 *
 *   defect_matrix DEFECTS.so              prints the table
 *   defect_matrix DEFECTS.so STORED.txt   compares it with a stored one; and at least WANTED faults of the
 * interrupt table and of live migration must be killed by a tied rule first
 */
#include <gpup/reports.h>
#include <gpup/scenarios.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WANTED 12u

struct row {
    char text[200];
    bool story; /* of the areas MSIX or LM */
    bool first; /* status 1, and the first finding is of a tied rule */
};

static bool tied(const struct gpup_defect *d, uint16_t rule) {
    for (unsigned i = 0; i < d->rule_count; i++)
        if (d->rules[i] == rule)
            return true;
    return false;
}

/* In program order, as the results show them. */
static const struct gpup_finding *first_finding(const struct gpup_results *r) {
    for (size_t i = 0; i < r->program_count; i++)
        if (r->programs[i].finding_count)
            return &r->programs[i].findings[0];
    return NULL;
}

static const char *how_tied(const struct gpup_defect *d, const struct gpup_results *r) {
    const struct gpup_finding *first = first_finding(r);
    if (!first)
        return "not provoked";
    if (tied(d, first->rule))
        return "first";
    for (size_t i = 0; i < r->program_count; i++)
        for (size_t k = 0; k < r->programs[i].finding_count; k++)
            if (tied(d, r->programs[i].findings[k].rule))
                return "later";
    return "other rules";
}

static bool run_one(const struct gpup_defect *d, const char *object, const struct gpup_run_program *programs,
                    struct row *row) {
    char implementation[4096], message[1024];
    struct gpup_results results;
    struct gpup_report report;
    snprintf(implementation, sizeof implementation, "%s:%s", object, d->id);
    struct gpup_run_options run = {.implementation = implementation,
                                   .programs = programs,
                                   .program_count = gpup_scenario_count,
                                   .jobs = 2,
                                   .shard_index = 1,
                                   .shard_count = 1};
    if (gpup_run(&run, &results, message, sizeof message) != 0) {
        fprintf(stderr, "%s: %s\n", d->id, message);
        return false;
    }
    if (!gpup_report_open(&report, &results, NULL, NULL, true))
        return false;
    const struct gpup_finding *first = first_finding(&results);
    int status = gpup_report_exit_status(&report);
    row->story = strcmp(d->area, "MSIX") == 0 || strcmp(d->area, "LM") == 0;
    row->first = status == 1 && first && tied(d, first->rule);
    snprintf(row->text, sizeof row->text, "%s  status %d  %-12s  first %s", d->id, status,
             how_tied(d, &results), first ? gpup_rule_id(first->rule) : "-");
    gpup_report_close(&report);
    gpup_results_free(&results);
    return true;
}

/* 0 equal; prints the lines that differ. */
static int compare(const struct row *rows, size_t count, const char *path) {
    FILE *file = fopen(path, "r");
    char line[256];
    int differ = file ? 0 : 1;
    for (size_t i = 0; file && i < count; i++) {
        char *got = fgets(line, sizeof line, file);
        if (got)
            line[strcspn(line, "\n")] = 0;
        if (!got || strcmp(line, rows[i].text) != 0) {
            printf("stored: %s\nnow:    %s\n", got ? line : "(end)", rows[i].text);
            differ = 1;
        }
    }
    if (file && fgets(line, sizeof line, file))
        differ = printf("stored, and now gone: %s", line) > 0;
    if (file)
        fclose(file);
    return differ;
}

static size_t run_all(const char *object, const struct gpup_run_program *programs, struct row *rows) {
    size_t count = 0;
    for (unsigned i = 0; i < gpup_spec_counts.defects; i++) {
        if (!gpup_defects[i].built)
            continue;
        if (!run_one(&gpup_defects[i], object, programs, &rows[count]))
            return 0;
        count++;
    }
    return count;
}

int main(int argc, char **argv) {
    struct gpup_run_program *programs = calloc(gpup_scenario_count, sizeof *programs);
    struct row *rows = calloc(gpup_spec_counts.defects, sizeof *rows);
    if (argc < 2 || !programs || !rows) {
        free(programs);
        free(rows);
        return 2;
    }
    for (size_t i = 0; i < gpup_scenario_count; i++) {
        programs[i].name = gpup_scenarios[i].name;
        if (!gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &programs[i].program)) {
            free(programs);
            free(rows);
            return 3;
        }
    }
    size_t count = run_all(argv[1], programs, rows);
    unsigned killed = 0;
    for (size_t i = 0; i < count; i++) {
        killed += rows[i].story && rows[i].first;
        if (argc == 2)
            puts(rows[i].text);
    }
    int differ = argc == 2 ? 0 : compare(rows, count, argv[2]);
    if (argc > 2)
        printf("%zu faults, %u of the two stories killed by a tied rule first (at least %u wanted)\n", count,
               killed, WANTED);
    for (size_t i = 0; i < gpup_scenario_count; i++)
        gpup_program_free(&programs[i].program);
    free(programs);
    free(rows);
    return count == 0 ? 3 : differ || killed < WANTED;
}
