/* The `steps` of a YAML program. */
#include "yaml.h"
#include <stdio.h>
#include <string.h>

#define MAX_NAME 64

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Edit distance, letters of either case being equal. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[MAX_NAME + 1];
    size_t length = strlen(b) < MAX_NAME ? strlen(b) : MAX_NAME;
    for (unsigned i = 0; i <= length; i++)
        row[i] = i;
    for (; *a; a++) {
        unsigned corner = row[0]++;
        for (size_t i = 0; i < length; i++) {
            unsigned above = row[i + 1], same = (*a | 0x20) == (b[i] | 0x20);
            row[i + 1] = least(corner + !same, least(above, row[i]) + 1);
            corner = above;
        }
    }
    return row[length];
}

static void unknown_op(struct gpup_yaml *yaml, struct fy_node *node, const char *name) {
    unsigned best = MAX_NAME, nearest = 0;
    for (unsigned op = 0; op < GPUP_OPS; op++) {
        unsigned d = distance(name, gpup_op_info(op)->name);
        if (d < best) {
            best = d;
            nearest = op;
        }
    }
    gpup_yaml_error(yaml, node, "expected an operation, found '%s'; the nearest is %s", name,
                    gpup_op_info(nearest)->name);
}

/* -1: reported. */
static int read_op(struct gpup_yaml *yaml, struct fy_node *node) {
    char name[MAX_NAME];
    size_t size = 0;
    const char *text = gpup_yaml_scalar(node, &size);
    if (!text || size == 0 || size >= sizeof name) {
        gpup_yaml_expected(yaml, node, "an operation");
        return -1;
    }
    memcpy(name, text, size);
    name[size] = 0;
    int op = gpup_op_find(name);
    if (op < 0)
        unknown_op(yaml, node, name);
    return op;
}

static void read_value(struct gpup_yaml *yaml, struct fy_node *node, unsigned kind, bool negative,
                       struct gpup_value *value) {
    size_t size = 0;
    if (!node)
        return;
    const char *text = gpup_yaml_scalar(node, &size);
    if (!text || !gpup_parse_value(kind, negative, text, size, value))
        gpup_yaml_expected(yaml, node, gpup_kind_info(kind)->expected);
}

static void read_class(struct gpup_yaml *yaml, struct fy_node *node, struct gpup_step *step) {
    size_t size = 0;
    if (!node)
        return;
    const char *text = gpup_yaml_scalar(node, &size);
    for (unsigned class = 0; text && class < GPUP_CLASSES; class ++) {
        if (strlen(gpup_class_name(class)) == size && memcmp(gpup_class_name(class), text, size) == 0) {
            step->class = (uint8_t) class;
            return;
        }
    }
    gpup_yaml_expected(yaml, node, "legal, stated, robustness or policy");
}

enum { HOST, VF, CLASS, FIRST };

static void read_fields(struct gpup_yaml *yaml, struct fy_node *node, struct gpup_step *step) {
    const struct gpup_op_info *info = gpup_op_info(step->op);
    const char *keys[FIRST + GPUP_STEP_FIELDS + 1] = {"host", "vf", "class"};
    struct fy_node *found[FIRST + GPUP_STEP_FIELDS];
    struct gpup_value host = {0}, vf = {0};
    for (unsigned i = 0; i < info->field_count; i++)
        keys[FIRST + i] = info->field[i].name;
    gpup_yaml_mapping(yaml, node, keys, found);
    read_class(yaml, found[CLASS], step);
    bool negative = step->class != GPUP_LEGAL;
    read_value(yaml, found[HOST], GPUP_KIND_HOST, negative, &host);
    read_value(yaml, found[VF], GPUP_KIND_VF, negative, &vf);
    step->host = (uint8_t)host.number;
    step->vf = (uint32_t)vf.number;
    for (unsigned i = 0; i < info->field_count; i++)
        read_value(yaml, found[FIRST + i], info->field[i].kind, negative, &step->f[i]);
}

/* `Name`, `Name:` or `Name: {field: value}`. */
static void read_step(struct gpup_yaml *yaml, struct fy_node *node) {
    struct gpup_step step;
    struct fy_node *name = node, *fields = NULL;
    if (fy_node_is_mapping(node) && fy_node_mapping_item_count(node) == 1) {
        struct fy_node_pair *pair = fy_node_mapping_get_by_index(node, 0);
        name = fy_node_pair_key(pair);
        fields = fy_node_pair_value(pair);
    } else if (!fy_node_is_scalar(node)) {
        gpup_yaml_expected(yaml, node, "one operation, as `Name: {field: value}`");
        return;
    }
    int op = read_op(yaml, name ? name : node);
    if (op < 0)
        return;
    size_t size = 1;
    const char *text = gpup_yaml_scalar(fields, &size);
    gpup_step_defaults(&step, (unsigned)op);
    if (fields && !(text && size == 0) &&
        !(text == NULL && fy_node_is_scalar(fields) && !fy_node_is_alias(fields)))
        read_fields(yaml, fields, &step);
    if (!yaml->failed && !gpup_program_append(yaml->program, &step))
        gpup_yaml_error(yaml, node, "no memory for this step");
}

void gpup_yaml_steps(struct gpup_yaml *yaml, struct fy_node *node) {
    void *position = NULL;
    struct fy_node *step;
    if (!node || !fy_node_is_sequence(node)) {
        gpup_yaml_expected(yaml, node, "a list of steps");
        return;
    }
    int count = fy_node_sequence_item_count(node);
    if (count > GPUP_PROGRAM_MAX_STEPS) {
        gpup_yaml_error(yaml, node, "expected at most %d steps, found %d", GPUP_PROGRAM_MAX_STEPS, count);
        return;
    }
    while ((step = fy_node_sequence_iterate(node, &position)) != NULL)
        read_step(yaml, step);
}
