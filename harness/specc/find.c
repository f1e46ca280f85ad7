/* Resolves names to rows; an unknown name is reported where it stands. */
#include "specc.h"
#include <string.h>

#define FIND(table, key, what)                                                                               \
    const char *name = specc_scalar(sc, node, "the name of a " what);                                        \
    if (!name)                                                                                               \
        return GPUP_SPEC_NONE;                                                                               \
    for (size_t i = 0; i < sc->table##_count; i++) {                                                         \
        if (sc->table##s[i].row.key && !strcmp(sc->table##s[i].row.key, name))                               \
            return (uint16_t)i;                                                                              \
    }                                                                                                        \
    specc_error(sc, node, "unknown " what " '%s'", name);                                                    \
    return GPUP_SPEC_NONE

uint16_t specc_find_source(struct specc *sc, struct fy_node *node) {
    FIND(source, id, "source");
}

uint16_t specc_find_structure(struct specc *sc, struct fy_node *node) {
    FIND(structure, name, "structure");
}

uint16_t specc_find_ddi(struct specc *sc, struct fy_node *node) {
    FIND(ddi, name, "DDI");
}

uint16_t specc_find_rule(struct specc *sc, struct fy_node *node) {
    FIND(rule, id, "rule");
}

uint16_t specc_find_status(struct specc *sc, struct fy_node *node) {
    const char *name = specc_scalar(sc, node, "the name of a status");
    for (size_t i = 0; name && i < sc->status_count; i++) {
        if (!strcmp(sc->statuses[i].row.name, name))
            return (uint16_t)i;
    }
    if (name)
        specc_error(sc, node, "unknown status '%s'", name);
    return GPUP_SPEC_NONE;
}

uint16_t specc_find_machine(struct specc *sc, struct fy_node *node, const char *name) {
    for (size_t i = 0; i < sc->machine_count; i++) {
        if (!strcmp(sc->machines[i].row.name, name))
            return (uint16_t)i;
    }
    specc_error(sc, node, "unknown machine '%s'", name);
    return GPUP_SPEC_NONE;
}
