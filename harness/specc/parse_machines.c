/* State machines: first every machine's name and states, then the transitions, which may look at other
 * machines. */
#include "specc.h"
#include "words.h"
#include <stdlib.h>
#include <string.h>

static uint8_t state_of(const struct machine_row *machine, const char *name) {
    for (uint8_t i = 0; i < machine->row.state_count; i++) {
        if (!strcmp(machine->states[i], name))
            return i;
    }
    return GPUP_STATE_SAME;
}

static uint8_t find_state(struct specc *sc, struct fy_node *node, const struct machine_row *machine,
                          const char *name) {
    uint8_t state = state_of(machine, name);
    if (state == GPUP_STATE_SAME)
        specc_error(sc, node, "machine %s has no state '%s'", machine->row.name, name);
    return state;
}

static void parse_states(struct specc *sc, struct fy_node *map, struct machine_row *machine) {
    struct fy_node *list = specc_list(sc, map, "states"), *item;
    void *position = NULL;
    size_t count = 0;
    while (list && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
        const char *name = specc_scalar(sc, item, "the name of a state");
        if (!name)
            continue;
        if (!specc_identifier(name) || !strcmp(name, "same") || !strcmp(name, "any"))
            specc_error(sc, item, "'%s' cannot be the name of a state", name);
        if (state_of(machine, name) != GPUP_STATE_SAME)
            specc_error(sc, item, "duplicate state '%s'", name);
        if (count == GPUP_MACHINE_STATES_MAX) {
            specc_error(sc, item, "expected at most %d states", GPUP_MACHINE_STATES_MAX);
            break;
        }
        *SPECC_ADD(machine->states, count) = name;
        machine->row.state_count = (uint8_t)count;
    }
}

static void parse_head(struct specc *sc, struct file *file) {
    struct fy_node *map = file->root;
    const char *name = specc_keys(sc, map, "machine! per! initial! states! transitions!")
                           ? specc_name(sc, map, "machine")
                           : NULL;
    if (!name)
        return;
    if (strcmp(name, file->stem) != 0)
        specc_error(sc, specc_get(map, "machine"), "machine '%s' does not belong into %s", name, file->name);
    if (sc->machine_count == GPUP_MACHINE_MAX) {
        specc_error(sc, map, "expected at most %d machines", GPUP_MACHINE_MAX);
        return;
    }
    struct machine_row machine = {.file = file};
    machine.row.name = name;
    machine.row.per = (uint8_t)specc_word(sc, map, "per", gpup_words_per);
    parse_states(sc, map, &machine);
    struct fy_node *initial = specc_get(map, "initial");
    const char *text = specc_scalar(sc, initial, "the name of a state");
    if (text)
        machine.row.initial = find_state(sc, initial, &machine, text);
    *SPECC_ADD(sc->machines, sc->machine_count) = machine;
}

static uint32_t parse_from(struct specc *sc, struct fy_node *map, const struct machine_row *machine) {
    struct fy_node *node = specc_get(map, "from"), *item;
    void *position = NULL;
    uint32_t mask = 0;
    if (!node)
        return 0;
    if (fy_node_is_scalar(node)) {
        const char *text = specc_scalar(sc, node, "a list of states");
        if (!text || strcmp(text, "any") != 0)
            specc_error(sc, node, "expected a list of states or any, found '%s'", text ? text : "");
        return (uint32_t)((UINT64_C(1) << machine->row.state_count) - 1);
    }
    while (specc_is_list(sc, node, "states") && (item = fy_node_sequence_iterate(node, &position)) != NULL) {
        const char *text = specc_scalar(sc, item, "the name of a state");
        uint8_t state = text ? find_state(sc, item, machine, text) : GPUP_STATE_SAME;
        if (state != GPUP_STATE_SAME)
            mask |= UINT32_C(1) << state;
    }
    return mask;
}

/* "any.vgpu.Absent": quantifier, machine and state of one condition. */
static void parse_condition(struct specc *sc, struct fy_node *node, const struct machine_row *machine,
                            size_t clause, struct gpup_transition *to, size_t *count) {
    const char *text = specc_scalar(sc, node, "machine.State");
    struct gpup_condition condition = {.clause = (uint8_t)clause, .quantifier = GPUP_HERE};
    const char *name = text ? text : "";
    if (!strncmp(name, "any.", 4) || !strncmp(name, "all.", 4)) {
        condition.quantifier = name[1] == 'n' ? GPUP_ANY : GPUP_ALL;
        name += 4;
    }
    const char *dot = strchr(name, '.');
    if (!dot) {
        specc_error(sc, node, "expected machine.State, any.machine.State or all.machine.State, found '%s'",
                    name);
        return;
    }
    char *other = specc_format("%.*s", (int)(dot - name), name);
    uint16_t row = specc_find_machine(sc, node, other);
    free(other);
    if (row == GPUP_SPEC_NONE)
        return;
    const struct machine_row *target = &sc->machines[row];
    if (condition.quantifier == GPUP_HERE && target->row.per != GPUP_PER_adapter &&
        target->row.per != machine->row.per)
        specc_error(sc, node, "%s is per %s, %s per %s: say any.%s or all.%s", target->row.name,
                    gpup_words_per[target->row.per], machine->row.name, gpup_words_per[machine->row.per],
                    name, name);
    condition.machine = (uint8_t)row;
    condition.state = find_state(sc, node, target, dot + 1);
    struct gpup_condition *conditions = (struct gpup_condition *)to->conditions;
    *SPECC_ADD(conditions, *count) = condition;
    to->conditions = conditions;
}

static void parse_when(struct specc *sc, struct fy_node *map, const struct machine_row *machine,
                       struct gpup_transition *to) {
    struct fy_node *list = specc_list(sc, map, "when"), *clause, *item;
    void *position = NULL;
    size_t count = 0;
    for (size_t number = 0; list && (clause = fy_node_sequence_iterate(list, &position)) != NULL; number++) {
        void *at = NULL;
        if (!specc_is_list(sc, clause, "alternatives"))
            continue;
        if (fy_node_sequence_is_empty(clause))
            specc_error(sc, clause, "expected at least one alternative");
        while ((item = fy_node_sequence_iterate(clause, &at)) != NULL)
            parse_condition(sc, item, machine, number, to, &count);
    }
    to->condition_count = (uint8_t)count;
}

static int argument_of(const struct gpup_ddi *ddi, const char *name) {
    for (int i = 0; i < ddi->argument_count; i++) {
        if (!strcmp(ddi->arguments[i], name))
            return i;
    }
    return -1;
}

static void parse_where(struct specc *sc, struct fy_node *map, struct gpup_transition *to) {
    struct fy_node *where = specc_get(map, "where");
    struct fy_node_pair *pair;
    void *position = NULL;
    size_t count = 0;
    struct gpup_guard *guards = NULL;
    if (where && !fy_node_is_mapping(where)) {
        specc_error(sc, where, "expected a mapping of arguments to values");
        return;
    }
    while (where && (pair = fy_node_mapping_iterate(where, &position)) != NULL) {
        const char *name = specc_scalar(sc, fy_node_pair_key(pair), "the name of an argument");
        const char *text = specc_scalar(sc, fy_node_pair_value(pair), "a number, zero or nonzero");
        int argument = name ? argument_of(&sc->ddis[to->ddi].row, name) : -1;
        struct gpup_guard guard = {.argument = (uint8_t)argument, .kind = GPUP_GUARD_equal};
        if (argument < 0)
            specc_error(sc, fy_node_pair_key(pair), "%s has no argument '%s'", sc->ddis[to->ddi].row.name,
                        name ? name : "");
        if (text && !strcmp(text, "zero"))
            guard.kind = GPUP_GUARD_zero;
        else if (text && !strcmp(text, "nonzero"))
            guard.kind = GPUP_GUARD_nonzero;
        else if (text)
            (void)specc_integer(sc, fy_node_pair_value(pair), UINT64_MAX, &guard.value);
        *SPECC_ADD(guards, count) = guard;
    }
    to->guards = guards;
    to->guard_count = (uint8_t)count;
}

static uint32_t parse_resets(struct specc *sc, struct fy_node *map, const struct machine_row *machine) {
    struct fy_node *list = specc_list(sc, map, "resets"), *item;
    void *position = NULL;
    uint32_t mask = 0;
    while (list && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
        const char *name = specc_scalar(sc, item, "the name of a machine");
        uint16_t row = name ? specc_find_machine(sc, item, name) : (uint16_t)GPUP_SPEC_NONE;
        if (row == GPUP_SPEC_NONE)
            continue;
        const struct gpup_machine *other = &sc->machines[row].row;
        if (!strcmp(other->name, machine->row.name) ||
            (machine->row.per != GPUP_PER_adapter && other->per != machine->row.per))
            specc_error(sc, item, "a transition of %s cannot reset %s", machine->row.name, other->name);
        mask |= UINT32_C(1) << row;
    }
    return mask;
}

static void add_transition(struct specc *sc, struct fy_node *map, struct fy_node *call,
                           struct machine_row *machine, struct gpup_transition transition) {
    transition.ddi = specc_find_ddi(sc, call);
    if (transition.ddi == GPUP_SPEC_NONE)
        return;
    const struct gpup_ddi *ddi = &sc->ddis[transition.ddi].row;
    if (machine->row.per == GPUP_PER_vf && ddi->vf_argument < 0)
        specc_error(sc, call, "machine %s is per vf, but %s has no VF argument", machine->row.name,
                    ddi->name);
    parse_where(sc, map, &transition);
    size_t count = machine->row.transition_count;
    *SPECC_ADD(machine->transitions, count) = transition;
    machine->row.transition_count = (uint16_t)count;
}

static void parse_transition(struct specc *sc, struct fy_node *map, struct machine_row *machine) {
    if (!specc_keys(sc, map, "call! where from! to! when resets source"))
        return;
    struct gpup_transition transition = {.source = GPUP_SPEC_NONE, .to = GPUP_STATE_SAME};
    transition.from = parse_from(sc, map, machine);
    struct fy_node *to = specc_get(map, "to"), *source = specc_get(map, "source"),
                   *call = specc_get(map, "call");
    const char *text = specc_scalar(sc, to, "the name of a state, or same");
    if (text && strcmp(text, "same") != 0)
        transition.to = find_state(sc, to, machine, text);
    parse_when(sc, map, machine, &transition);
    transition.resets = parse_resets(sc, map, machine);
    if (source)
        transition.source = specc_find_source(sc, source);
    if (!fy_node_is_sequence(call)) {
        add_transition(sc, map, call, machine, transition);
        return;
    }
    struct fy_node *item;
    void *position = NULL;
    while ((item = fy_node_sequence_iterate(call, &position)) != NULL)
        add_transition(sc, map, item, machine, transition);
}

/* A state that nothing leads to is a typing error, or a transition was forgotten. */
static void check_reached(struct specc *sc, const struct machine_row *machine) {
    uint32_t reached = UINT32_C(1) << machine->row.initial;
    for (size_t i = 0; i < machine->row.transition_count; i++) {
        if (machine->transitions[i].to != GPUP_STATE_SAME)
            reached |= UINT32_C(1) << machine->transitions[i].to;
    }
    for (uint8_t i = 0; i < machine->row.state_count; i++) {
        if (!(reached >> i & 1))
            specc_error(sc, specc_get(machine->file->root, "states"), "no transition leads to %s",
                        machine->states[i]);
    }
}

void specc_parse_machines(struct specc *sc) {
    for (size_t i = 0; i < sc->file_count; i++) {
        if (!strncmp(sc->files[i].name, "machines/", 9) && sc->files[i].root)
            parse_head(sc, &sc->files[i]);
    }
    for (size_t i = 0; i < sc->machine_count; i++) {
        struct machine_row *machine = &sc->machines[i];
        struct fy_node *list = specc_list(sc, machine->file->root, "transitions"), *map;
        void *position = NULL;
        int before = sc->errors;
        while (list && (map = fy_node_sequence_iterate(list, &position)) != NULL)
            parse_transition(sc, map, machine);
        if (sc->errors == before && machine->row.initial != GPUP_STATE_SAME)
            check_reached(sc, machine);
    }
}
