/* Sources, statuses and structures: the tables that refer to nothing else. */
#include "specc.h"
#include "words.h"
#include <string.h>

/* Walks a file that holds a list of mappings. */
static struct fy_node *rows_of(struct specc *sc, const char *name) {
    struct file *file = specc_file(sc, name);
    return file && file->root && specc_is_list(sc, file->root, "mappings") ? file->root : NULL;
}

static void check_date(struct specc *sc, struct fy_node *map, const char *date) {
    size_t digits = strspn(date, "0123456789-");
    bool dated = date[digits] == '\0' && (digits == 4 || digits == 7 || digits == 10);
    if (!dated && strcmp(date, "undated") != 0)
        specc_error(sc, specc_get(map, "date"), "expected YYYY-MM-DD, YYYY-MM, YYYY or undated, found '%s'",
                    date);
}

void specc_parse_sources(struct specc *sc) {
    struct fy_node *list = rows_of(sc, "sources.yaml"), *map;
    void *position = NULL;
    while (list && (map = fy_node_sequence_iterate(list, &position)) != NULL) {
        if (!specc_keys(sc, map, "id! title! kind! date! url") || !specc_get(map, "id"))
            continue;
        struct gpup_source row = {.id = specc_text(sc, map, "id"), .title = specc_text(sc, map, "title")};
        row.kind = gpup_words_source_kind[specc_word(sc, map, "kind", gpup_words_source_kind)];
        row.date = specc_text(sc, map, "date");
        row.url = specc_text(sc, map, "url");
        check_date(sc, map, row.date);
        if (*row.url && strncmp(row.url, "https://", 8) != 0)
            specc_error(sc, specc_get(map, "url"),
                        "expected an address that begins with https://, found '%s'", row.url);
        for (size_t i = 0; i < sc->source_count; i++) {
            if (!strcmp(sc->sources[i].row.id, row.id))
                specc_error(sc, specc_get(map, "id"), "duplicate source '%s'", row.id);
        }
        *SPECC_ADD(sc->sources, sc->source_count) = (struct source_row){map, row};
    }
}

void specc_parse_statuses(struct specc *sc) {
    struct fy_node *list = rows_of(sc, "statuses.yaml"), *map;
    void *position = NULL;
    while (list && (map = fy_node_sequence_iterate(list, &position)) != NULL) {
        const char *name = specc_keys(sc, map, "name! value!") ? specc_name(sc, map, "name") : NULL;
        if (!name)
            continue;
        if (strncmp(name, "STATUS_", 7) != 0)
            specc_error(sc, specc_get(map, "name"), "expected a name that begins with STATUS_, found '%s'",
                        name);
        struct gpup_status row = {name, (uint32_t)specc_number(sc, map, "value", UINT32_MAX)};
        for (size_t i = 0; i < sc->status_count; i++) {
            if (!strcmp(sc->statuses[i].row.name, name))
                specc_error(sc, specc_get(map, "name"), "duplicate status '%s'", name);
            else if (sc->statuses[i].row.value == row.value)
                specc_error(sc, specc_get(map, "value"), "%s has the value of %s", name,
                            sc->statuses[i].row.name);
        }
        *SPECC_ADD(sc->statuses, sc->status_count) = (struct status_row){map, row};
    }
}

static void parse_field(struct specc *sc, struct fy_node *map, struct structure_row *structure) {
    if (!specc_keys(sc, map, "name! offset! size! dir! meaning!") || !specc_get(map, "name"))
        return;
    struct gpup_field field = {
        .name = specc_text(sc, map, "name"),
        .offset = (uint16_t)specc_number(sc, map, "offset", UINT16_MAX),
        .size = (uint16_t)specc_number(sc, map, "size", UINT16_MAX),
        .direction = (uint8_t)specc_word(sc, map, "dir", gpup_words_direction),
        .meaning = (uint8_t)specc_word(sc, map, "meaning", gpup_words_meaning),
    };
    size_t count = structure->row.field_count;
    if (field.size == 0 || field.offset + field.size > structure->row.size)
        specc_error(sc, map, "%s.%s is at %u with %u bytes, but the structure has %u", structure->row.name,
                    field.name, field.offset, field.size, structure->row.size);
    if (count > 0 && structure->fields[count - 1].offset + structure->fields[count - 1].size > field.offset)
        specc_error(sc, specc_get(map, "offset"), "%s.%s overlaps %s", structure->row.name, field.name,
                    structure->fields[count - 1].name);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(structure->fields[i].name, field.name))
            specc_error(sc, specc_get(map, "name"), "duplicate field '%s'", field.name);
    }
    *SPECC_ADD(structure->fields, count) = field;
    structure->row.field_count = (uint16_t)count;
}

void specc_parse_structures(struct specc *sc) {
    struct fy_node *list = rows_of(sc, "structures.yaml"), *map, *item;
    void *position = NULL;
    while (list && (map = fy_node_sequence_iterate(list, &position)) != NULL) {
        const char *name = specc_keys(sc, map, "name! size! fields!") ? specc_name(sc, map, "name") : NULL;
        if (!name)
            continue;
        for (size_t i = 0; i < sc->structure_count; i++) {
            if (!strcmp(sc->structures[i].row.name, name))
                specc_error(sc, specc_get(map, "name"), "duplicate structure '%s'", name);
        }
        struct structure_row row = {.node = map};
        row.row.name = name;
        row.row.size = (uint16_t)specc_number(sc, map, "size", UINT16_MAX);
        struct fy_node *fields = specc_list(sc, map, "fields");
        void *at = NULL;
        while (fields && (item = fy_node_sequence_iterate(fields, &at)) != NULL)
            parse_field(sc, item, &row);
        *SPECC_ADD(sc->structures, sc->structure_count) = row;
    }
}
