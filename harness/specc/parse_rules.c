/* Rules, the monitors they name, and the defects tied to them. */
#include "specc.h"
#include "words.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* AREA-123: the part before the number, or NULL. */
static char *area_of(const char *id) {
    size_t letters = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    size_t digits = id[letters] == '-' ? strspn(id + letters + 1, "0123456789") : 0;
    if (letters == 0 || digits != 3 || id[letters + 4])
        return NULL;
    return specc_format("%.*s", (int)letters, id);
}

static void check_area(struct specc *sc, struct fy_node *map, const struct file *file,
                       const struct rule_row *rule) {
    const char *area = rule->area;
    bool same = area && strlen(area) == strlen(file->stem);
    for (size_t i = 0; same && area[i]; i++)
        same = tolower((unsigned char)area[i]) == file->stem[i];
    if (!area)
        specc_error(sc, specc_get(map, "id"), "expected an id like MSIX-001, found '%s'", rule->row.id);
    else if (!same)
        specc_error(sc, specc_get(map, "id"), "rule %s does not belong into %s", rule->row.id, file->name);
}

static void check_sentence(struct specc *sc, struct fy_node *map, const char *sentence) {
    size_t length = strlen(sentence);
    struct fy_node *node = specc_get(map, "sentence");
    if (length < 10 || sentence[length - 1] != '.')
        specc_error(sc, node, "expected a sentence that ends with a full stop");
    if (strstr(sentence, "reviewed:") || strstr(sentence, "\xc2\xa7"))
        specc_error(sc, node, "expected a sentence that stands alone: no section sign, no review note");
}

static uint32_t parse_observers(struct specc *sc, struct fy_node *map) {
    struct fy_node *list = specc_list(sc, map, "observers"), *item;
    void *position = NULL;
    uint32_t mask = 0;
    while (list && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
        uint32_t bit = UINT32_C(1) << specc_word(sc, item, "observers", gpup_words_observer);
        if (mask & bit)
            specc_error(sc, item, "duplicate observer, or one that is unknown");
        mask |= bit;
    }
    return mask;
}

static void parse_references(struct specc *sc, struct fy_node *map, const char *key,
                             uint16_t (*find)(struct specc *, struct fy_node *), struct list16 *to) {
    struct fy_node *list = specc_list(sc, map, key), *item;
    void *position = NULL;
    while (list && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
        uint16_t row = find(sc, item);
        for (size_t i = 0; row != GPUP_SPEC_NONE && i < to->count; i++) {
            if (to->items[i] == row)
                specc_error(sc, item, "duplicate entry in %s", key);
        }
        if (row != GPUP_SPEC_NONE)
            specc_list_add(to, row);
    }
}

static void parse_rule(struct specc *sc, const struct file *file, struct fy_node *map) {
    if (!specc_keys(
            sc, map,
            "id! sentence! level! basis! subject! source! where! note ddis observers! monitor beyond") ||
        !specc_get(map, "id"))
        return;
    struct rule_row rule = {.node = map};
    rule.row.id = specc_text(sc, map, "id");
    rule.area = area_of(rule.row.id);
    rule.row.area = rule.area;
    check_area(sc, map, file, &rule);
    rule.row.sentence = specc_text(sc, map, "sentence");
    check_sentence(sc, map, rule.row.sentence);
    rule.row.where = specc_text(sc, map, "where");
    rule.row.note = specc_text(sc, map, "note");
    rule.row.level = (uint8_t)specc_word(sc, map, "level", gpup_words_level);
    rule.row.basis = (uint8_t)specc_word(sc, map, "basis", gpup_words_basis);
    rule.row.subject = (uint8_t)specc_word(sc, map, "subject", gpup_words_subject);
    rule.row.observers = parse_observers(sc, map);
    rule.monitor = specc_get(map, "monitor") ? specc_name(sc, map, "monitor") : NULL;
    rule.row.beyond = specc_text(sc, map, "beyond");
    if (rule.monitor && *rule.row.beyond)
        specc_error(sc, specc_get(map, "beyond"), "rule %s has a monitor; expected either that or `beyond`",
                    rule.row.id);
    struct fy_node *source = specc_get(map, "source");
    if (fy_node_is_sequence(source) && fy_node_sequence_is_empty(source))
        specc_error(sc, source, "rule %s names no source, expected at least one", rule.row.id);
    parse_references(sc, map, "source", specc_find_source, &rule.sources);
    parse_references(sc, map, "ddis", specc_find_ddi, &rule.ddis);
    rule.row.source_count = (uint8_t)rule.sources.count;
    rule.row.ddi_count = (uint8_t)rule.ddis.count;
    for (size_t i = 0; i < sc->rule_count; i++) {
        if (!strcmp(sc->rules[i].row.id, rule.row.id))
            specc_error(sc, specc_get(map, "id"), "duplicate rule '%s'", rule.row.id);
    }
    *SPECC_ADD(sc->rules, sc->rule_count) = rule;
}

static int by_id(const void *left, const void *right) {
    return strcmp(((const struct rule_row *)left)->row.id, ((const struct rule_row *)right)->row.id);
}

static int by_text(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The monitors are the distinct names that rules give, sorted. */
static void number_monitors(struct specc *sc) {
    for (size_t i = 0; i < sc->rule_count; i++) {
        bool known = !sc->rules[i].monitor;
        for (size_t k = 0; !known && k < sc->monitor_count; k++)
            known = !strcmp(sc->monitors[k], sc->rules[i].monitor);
        if (!known)
            *SPECC_ADD(sc->monitors, sc->monitor_count) = sc->rules[i].monitor;
    }
    if (sc->monitor_count)
        qsort(sc->monitors, sc->monitor_count, sizeof *sc->monitors, by_text);
    for (size_t i = 0; i < sc->rule_count; i++) {
        sc->rules[i].row.monitor = GPUP_SPEC_NONE;
        for (size_t k = 0; sc->rules[i].monitor && k < sc->monitor_count; k++) {
            if (!strcmp(sc->monitors[k], sc->rules[i].monitor))
                sc->rules[i].row.monitor = (uint16_t)k;
        }
    }
}

void specc_parse_rules(struct specc *sc) {
    for (size_t i = 0; i < sc->file_count; i++) {
        struct file *file = &sc->files[i];
        struct fy_node *map;
        void *position = NULL;
        if (strncmp(file->name, "rules/", 6) != 0 || !file->root ||
            !specc_is_list(sc, file->root, "mappings"))
            continue;
        while ((map = fy_node_sequence_iterate(file->root, &position)) != NULL)
            parse_rule(sc, file, map);
    }
    if (sc->rule_count)
        qsort(sc->rules, sc->rule_count, sizeof *sc->rules, by_id);
    number_monitors(sc);
}

static void parse_defect(struct specc *sc, struct fy_node *map) {
    if (!specc_keys(sc, map, "id! area! sentence! rules! built! hides") || !specc_get(map, "id"))
        return;
    struct defect_row defect = {.node = map};
    defect.row.id = specc_text(sc, map, "id");
    defect.row.area = specc_text(sc, map, "area");
    defect.row.sentence = specc_text(sc, map, "sentence");
    defect.row.hides = specc_text(sc, map, "hides");
    defect.row.built = specc_bool(sc, map, "built");
    char *area = area_of(defect.row.id);
    if (!area)
        specc_error(sc, specc_get(map, "id"), "expected an id like BUG-001, found '%s'", defect.row.id);
    free(area);
    parse_references(sc, map, "rules", specc_find_rule, &defect.rules);
    defect.row.rule_count = (uint8_t)defect.rules.count;
    for (size_t i = 0; i < sc->defect_count; i++) {
        if (!strcmp(sc->defects[i].row.id, defect.row.id))
            specc_error(sc, specc_get(map, "id"), "duplicate defect '%s'", defect.row.id);
    }
    *SPECC_ADD(sc->defects, sc->defect_count) = defect;
}

void specc_parse_defects(struct specc *sc) {
    struct file *file = specc_file(sc, "defects.yaml");
    struct fy_node *map;
    void *position = NULL;
    if (!file || !file->root || !specc_is_list(sc, file->root, "mappings"))
        return;
    while ((map = fy_node_sequence_iterate(file->root, &position)) != NULL)
        parse_defect(sc, map);
}
