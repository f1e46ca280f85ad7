/* The functions of a driver: where they stand, what they take, what they may return. */
#include "specc.h"
#include "words.h"
#include <string.h>

static const char *const vf_names[] = {"vfIndex", "PartitionId", "VirtualGpuIndex", "VirtualFunctionIndex",
                                       NULL};
static const char *const basis_names[] = {"MemoryBasis", "hMemoryBasis", NULL};

/* Reads a list of at most `max` distinct names; returns how many. */
static uint8_t parse_names(struct specc *sc, struct fy_node *map, const char *key, size_t max,
                           const char **names) {
    struct fy_node *list = specc_list(sc, map, key), *item;
    void *position = NULL;
    size_t count = 0;
    while (list && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
        const char *name = specc_scalar(sc, item, "a name");
        if (!name)
            continue;
        if (!specc_identifier(name))
            specc_error(sc, item, "expected a name of letters, digits and '_', found '%s'", name);
        for (size_t i = 0; i < count; i++) {
            if (!strcmp(names[i], name))
                specc_error(sc, item, "duplicate name '%s' in %s", name, key);
        }
        if (count == max) {
            specc_error(sc, item, "expected at most %zu %s", max, key);
            break;
        }
        names[count++] = name;
    }
    return (uint8_t)count;
}

static int8_t position_of(const struct gpup_ddi *ddi, const char *const *names) {
    for (int i = 0; i < ddi->argument_count; i++) {
        for (size_t k = 0; names[k]; k++) {
            if (!strcmp(ddi->arguments[i], names[k]))
                return (int8_t)i;
        }
    }
    return -1;
}

static int8_t parse_sync(struct specc *sc, struct fy_node *map) {
    struct fy_node *node = specc_get(map, "sync");
    const char *text = specc_scalar(sc, node, "0, 1, 2, 3 or unstated");
    uint64_t level = 0;
    if (!text || !strcmp(text, "unstated"))
        return -1;
    if (!specc_integer(sc, node, 3, &level))
        return -1;
    return (int8_t)level;
}

static void parse_statuses_of(struct specc *sc, struct fy_node *map, struct ddi_row *ddi) {
    struct fy_node *list = specc_list(sc, map, "statuses"), *item;
    void *position = NULL;
    while (list && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
        uint16_t status = specc_find_status(sc, item);
        if (status != GPUP_SPEC_NONE)
            specc_list_add(&ddi->statuses, status);
    }
    ddi->row.status_count = (uint8_t)ddi->statuses.count;
}

/* Two functions with one name, or in one place of one table. */
static void check_place(struct specc *sc, struct fy_node *map, const struct gpup_ddi *row) {
    struct fy_node *offset = specc_get(map, "offset");
    if (row->table == GPUP_TABLE_none && row->offset != 0)
        specc_error(sc, offset, "expected offset 0 for a function that stands in no table, found %u",
                    row->offset);
    else if (row->table != GPUP_TABLE_none && (row->offset == 0 || row->offset % 8 != 0))
        specc_error(sc, offset, "expected a multiple of 8 above 0, found %u", row->offset);
    for (size_t i = 0; i < sc->ddi_count; i++) {
        const struct gpup_ddi *other = &sc->ddis[i].row;
        if (!strcmp(other->name, row->name))
            specc_error(sc, specc_get(map, "name"), "duplicate DDI '%s'", row->name);
        else if (row->table != GPUP_TABLE_none && other->table == row->table && other->offset == row->offset)
            specc_error(sc, offset, "%s stands where %s does", row->name, other->name);
    }
}

static void parse_ddi(struct specc *sc, struct fy_node *map) {
    if (!specc_keys(sc, map,
                    "name! table! offset! since! returns! irql! sync! gate! structure! constant! arguments! "
                    "results! statuses! source!"))
        return;
    struct ddi_row ddi = {.node = map};
    ddi.row.name = specc_name(sc, map, "name");
    if (!ddi.row.name)
        return;
    ddi.row.table = (uint8_t)specc_word(sc, map, "table", gpup_words_table);
    ddi.row.offset = (uint16_t)specc_number(sc, map, "offset", UINT16_MAX);
    ddi.row.since = specc_text(sc, map, "since");
    ddi.row.returns = (uint8_t)specc_word(sc, map, "returns", gpup_words_returns);
    ddi.row.irql = gpup_words_irql[specc_word(sc, map, "irql", gpup_words_irql)];
    ddi.row.sync = parse_sync(sc, map);
    ddi.row.gate = (uint8_t)specc_word(sc, map, "gate", gpup_words_gate);
    ddi.row.constant = specc_bool(sc, map, "constant");
    ddi.row.argument_count = parse_names(sc, map, "arguments", GPUP_DDI_ARGUMENTS_MAX, ddi.row.arguments);
    ddi.row.result_count = parse_names(sc, map, "results", GPUP_DDI_RESULTS_MAX, ddi.row.results);
    ddi.row.vf_argument = position_of(&ddi.row, vf_names);
    ddi.row.basis_argument = position_of(&ddi.row, basis_names);
    ddi.row.source = specc_find_source(sc, specc_get(map, "source"));
    struct fy_node *structure = specc_get(map, "structure");
    const char *none = specc_scalar(sc, structure, "the name of a structure");
    ddi.row.structure =
        none && strcmp(none, "none") != 0 ? specc_find_structure(sc, structure) : (uint16_t)GPUP_SPEC_NONE;
    parse_statuses_of(sc, map, &ddi);
    check_place(sc, map, &ddi.row);
    *SPECC_ADD(sc->ddis, sc->ddi_count) = ddi;
}

void specc_parse_ddis(struct specc *sc) {
    struct file *file = specc_file(sc, "ddis.yaml");
    struct fy_node *map;
    void *position = NULL;
    if (!file || !file->root || !specc_is_list(sc, file->root, "mappings"))
        return;
    while ((map = fy_node_sequence_iterate(file->root, &position)) != NULL)
        parse_ddi(sc, map);
}
