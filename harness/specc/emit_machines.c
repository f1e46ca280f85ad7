/* The machines' part of spec_tables.c. */
#include "specc.h"

static void put_guards(const struct gpup_transition *transition, FILE *to) {
    if (transition->guard_count == 0)
        return;
    fputs(",\n          .guards = (const struct gpup_guard[]){", to);
    for (size_t i = 0; i < transition->guard_count; i++) {
        const struct gpup_guard *guard = &transition->guards[i];
        fprintf(to, "%s{.value = UINT64_C(%llu), .argument = %u, .kind = %u}", i ? ", " : "",
                (unsigned long long)guard->value, guard->argument, guard->kind);
    }
    fprintf(to, "}, .guard_count = %u", transition->guard_count);
}

static void put_conditions(const struct gpup_transition *transition, FILE *to) {
    if (transition->condition_count == 0)
        return;
    fputs(",\n          .conditions = (const struct gpup_condition[]){", to);
    for (size_t i = 0; i < transition->condition_count; i++) {
        const struct gpup_condition *condition = &transition->conditions[i];
        fprintf(to, "%s{%u, %u, %u, %u}", i ? ", " : "", condition->clause, condition->quantifier,
                condition->machine, condition->state);
    }
    fprintf(to, "}, .condition_count = %u", transition->condition_count);
}

/* From row `from` on the first transition that is about a DDI; the number of transitions: none is. */
static size_t find_transition(const struct machine_row *machine, size_t from, uint16_t ddi) {
    while (from < machine->row.transition_count && machine->transitions[from].ddi != ddi)
        from++;
    return from;
}

/* Most calls are no matter of most machines. */
static void put_first(const struct specc *sc, const struct machine_row *machine, FILE *to) {
    fputs("     .first = (const uint16_t[]){", to);
    for (size_t ddi = 0; ddi < sc->ddi_count; ddi++) {
        size_t row = find_transition(machine, 0, (uint16_t)ddi);
        fprintf(to, "%s%zu", ddi ? ", " : "", row < machine->row.transition_count ? row + 1 : 0);
    }
    fputs(sc->ddi_count ? "},\n" : "0},\n", to);
}

static void put_again(const struct machine_row *machine, size_t row, FILE *to) {
    size_t next = find_transition(machine, row + 1, machine->transitions[row].ddi);
    if (next < machine->row.transition_count)
        fprintf(to, ", .again = %zu", next - row);
}

static void put_machine(const struct specc *sc, const struct machine_row *machine, FILE *to) {
    fprintf(to, "    {.name = \"%s\", .per = %u, .initial = %u, .state_count = %u, .transition_count = %u,\n",
            machine->row.name, machine->row.per, machine->row.initial, machine->row.state_count,
            machine->row.transition_count);
    put_first(sc, machine, to);
    fputs("     .states = (const char *const[]){", to);
    for (size_t i = 0; i < machine->row.state_count; i++)
        fprintf(to, "%s\"%s\"", i ? ", " : "", machine->states[i]);
    fputs("}", to);
    if (machine->row.transition_count)
        fputs(",\n     .transitions = (const struct gpup_transition[]){\n", to);
    for (size_t i = 0; i < machine->row.transition_count; i++) {
        const struct gpup_transition *transition = &machine->transitions[i];
        fprintf(to, "         {.ddi = %u, .from = 0x%x, .to = %u, .resets = 0x%x, .source = %u",
                transition->ddi, transition->from, transition->to, transition->resets, transition->source);
        put_again(machine, i, to);
        put_guards(transition, to);
        put_conditions(transition, to);
        fputs("},\n", to);
    }
    fputs(machine->row.transition_count ? "     }},\n" : "},\n", to);
}

void specc_emit_machines(const struct specc *sc, FILE *to) {
    fputs("const struct gpup_machine gpup_machines[] = {\n", to);
    for (size_t i = 0; i < sc->machine_count; i++)
        put_machine(sc, &sc->machines[i], to);
    fputs(sc->machine_count ? "};\n\n" : "    {0},\n};\n\n", to);
}
