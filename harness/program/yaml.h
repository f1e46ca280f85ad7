/* Reading YAML programs: shared by the parts of gpup_program_yaml. */
#ifndef GPUP_PROGRAM_YAML_H
#define GPUP_PROGRAM_YAML_H

#include "text.h"
#include <libfyaml.h>

struct gpup_yaml {
    const char *name; /* of the file, for messages */
    const char *text;
    size_t size;
    struct gpup_text *errors;
    struct fy_diag *diag;
    struct gpup_program *program;
    unsigned reported; /* semantic errors so far */
    bool failed;       /* something was reported, or memory is out */
};

/* A scalar's text, not terminated. NULL: not a scalar. */
const char *gpup_yaml_scalar(struct fy_node *node, size_t *size);
/* Reports at the node: `name:line:col: error: ...`, the line, a caret. */
__attribute__((format(printf, 3, 4))) void gpup_yaml_error(struct gpup_yaml *yaml, struct fy_node *node,
                                                           const char *format, ...);
/* Reports with the text that was found: "expected ..., found '...'". */
void gpup_yaml_expected(struct gpup_yaml *yaml, struct fy_node *node, const char *expected);
/* Lines and columns count from 1; line 0: none. */
void gpup_yaml_message(struct gpup_yaml *yaml, unsigned line, unsigned column, const char *message);
/* Syntax errors that the library collected. */
void gpup_yaml_library_errors(struct gpup_yaml *yaml);

/* Walks a mapping. keys: allowed names, NULL-terminated; found gives the value's node of each, or NULL. A
 * wrong type, a key that is not allowed and a key that is no plain text are reported. */
void gpup_yaml_mapping(struct gpup_yaml *yaml, struct fy_node *node, const char *const *keys,
                       struct fy_node **found);

void gpup_yaml_world(struct gpup_yaml *yaml, struct fy_node *node);
void gpup_yaml_steps(struct gpup_yaml *yaml, struct fy_node *node);

#endif
