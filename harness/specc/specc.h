/* The compiler's model: rows as read from the YAML files, with the nodes they came from for diagnostics. */
#ifndef GPUP_SPECC_H
#define GPUP_SPECC_H

#include "gpup/machine.h"
#include "gpup/spec.h"
#include <libfyaml.h>
#include <stdio.h>

#define SPECC_ERRORS_MAX 40 /* shown; more of them only hide the first */

/* One YAML file; text of nodes lives as long as the document. */
struct file {
    char *name; /* relative to the specs directory: "rules/msix.yaml" */
    char *stem; /* "msix" */
    struct fy_document *document;
    struct fy_node *root; /* NULL: could not be read, already reported */
};

struct list16 {
    uint16_t *items;
    size_t count;
};

struct source_row {
    struct fy_node *node;
    struct gpup_source row;
};

struct status_row {
    struct fy_node *node;
    struct gpup_status row;
};

struct structure_row {
    struct fy_node *node;
    struct gpup_structure row;
    struct gpup_field *fields;
};

struct ddi_row {
    struct fy_node *node;
    struct gpup_ddi row;
    struct list16 statuses; /* rows of the status table */
};

struct machine_row {
    struct file *file;
    struct gpup_machine row;
    const char **states;
    struct gpup_transition *transitions;
};

struct rule_row {
    struct fy_node *node;
    struct gpup_rule row;
    char *area;
    const char *monitor; /* NULL: none yet */
    struct list16 sources, ddis;
};

struct defect_row {
    struct fy_node *node;
    struct gpup_defect row;
    struct list16 rules;
};

struct specc {
    const char *specs, *proofs, *out;
    int errors;
    uint64_t hash;
    struct file *files;
    size_t file_count;
    struct source_row *sources;
    size_t source_count;
    struct status_row *statuses;
    size_t status_count;
    struct structure_row *structures;
    size_t structure_count;
    struct ddi_row *ddis;
    size_t ddi_count;
    struct machine_row *machines;
    size_t machine_count;
    struct rule_row *rules;
    size_t rule_count;
    struct defect_row *defects;
    size_t defect_count;
    const char **monitors;
    size_t monitor_count;
};

/* memory.c: ends the tool when memory is out; nothing is freed before the end. */
void *specc_grow(void *items, size_t count, size_t size);
char *specc_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void specc_list_add(struct list16 *list, uint16_t item);

/* Appends a zeroed element and evaluates to a pointer to it. */
#define SPECC_ADD(items, count) ((items) = specc_grow((items), (count), sizeof *(items)), &(items)[(count)++])

/* load.c */
void specc_load(struct specc *sc);
struct file *specc_file(struct specc *sc, const char *name);

/* yaml.c: typed access with a message at the node when it is not what it should be. */
void specc_error(struct specc *sc, struct fy_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void specc_error_at_file(struct specc *sc, const char *file, const char *message);
/* Keys separated by spaces, required ones end in "!". False only when it is no mapping; what is absent reads
 * as empty. */
bool specc_keys(struct specc *sc, struct fy_node *map, const char *keys);
struct fy_node *specc_get(struct fy_node *map, const char *key);
const char *specc_scalar(struct specc *sc, struct fy_node *node, const char *what);
const char *specc_text(struct specc *sc, struct fy_node *map, const char *key); /* "" when absent */
const char *specc_name(struct specc *sc, struct fy_node *map, const char *key); /* a C identifier, or NULL */
bool specc_identifier(const char *text);
bool specc_integer(struct specc *sc, struct fy_node *node, uint64_t max, uint64_t *value);
uint64_t specc_number(struct specc *sc, struct fy_node *map, const char *key, uint64_t max);
bool specc_bool(struct specc *sc, struct fy_node *map, const char *key);
unsigned specc_word(struct specc *sc, struct fy_node *map, const char *key, const char *const *words);
bool specc_is_list(struct specc *sc, struct fy_node *node, const char *what);
struct fy_node *specc_list(struct specc *sc, struct fy_node *map, const char *key); /* NULL when absent */

/* parse_*.c: each fills one table; references must already be there. */
void specc_parse_sources(struct specc *sc);
void specc_parse_statuses(struct specc *sc);
void specc_parse_structures(struct specc *sc);
void specc_parse_ddis(struct specc *sc);
void specc_parse_machines(struct specc *sc);
void specc_parse_rules(struct specc *sc);
void specc_parse_defects(struct specc *sc);

/* find.c: row numbers, or GPUP_SPEC_NONE and a message at the node. */
uint16_t specc_find_source(struct specc *sc, struct fy_node *node);
uint16_t specc_find_status(struct specc *sc, struct fy_node *node);
uint16_t specc_find_structure(struct specc *sc, struct fy_node *node);
uint16_t specc_find_ddi(struct specc *sc, struct fy_node *node);
uint16_t specc_find_rule(struct specc *sc, struct fy_node *node);
uint16_t specc_find_machine(struct specc *sc, struct fy_node *node, const char *name);

/* proofs.c: monitors and stored proofs belong together. */
void specc_check_proofs(struct specc *sc);

/* emit_*.c */
void specc_emit_ids(const struct specc *sc, FILE *to);
void specc_emit_tables(const struct specc *sc, FILE *to);
void specc_emit_machines(const struct specc *sc, FILE *to);
void specc_emit_string(FILE *to, const char *text);

/* output.c: false when the file cannot be written; a file with the same content is left alone. */
bool specc_write(const struct specc *sc, const char *name, void (*emit)(const struct specc *, FILE *));

#endif
