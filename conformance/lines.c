#include "lines.h"

#include <libfyaml.h>

/* A step is a name or a mapping with one: its first scalar has the place. */
static struct fy_node *first_scalar(struct fy_node *step) {
    struct fy_node_pair *pair = fy_node_is_mapping(step) ? fy_node_mapping_get_by_index(step, 0) : NULL;
    return pair ? fy_node_pair_key(pair) : step;
}

static unsigned line_of(struct fy_node *step) {
    struct fy_node *scalar = first_scalar(step);
    struct fy_token *token = scalar && fy_node_is_scalar(scalar) ? fy_node_get_scalar_token(scalar) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark && mark->line >= 0 && mark->line < UINT16_MAX ? (unsigned)mark->line + 1 : 0;
}

bool lines_of_steps(const char *path, uint16_t *lines, size_t count) {
    struct fy_document *document = fy_document_build_from_file(NULL, path);
    struct fy_node *root = document ? fy_document_root(document) : NULL;
    struct fy_node *steps = root ? fy_node_mapping_lookup_by_string(root, "steps", FY_NT) : NULL;
    bool ok = steps && fy_node_is_sequence(steps) && (size_t)fy_node_sequence_item_count(steps) == count;
    for (size_t i = 0; ok && i < count; i++) {
        lines[i] = (uint16_t)line_of(fy_node_sequence_get_by_index(steps, (int)i));
        ok = lines[i] != 0;
    }
    fy_document_destroy(document);
    return ok;
}
